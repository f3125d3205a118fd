/* SPDX-License-Identifier: GPL-2.0 */
/*
 * peek.h: read variables that change concurrently
 */
#ifndef _MAL_PEEK_H
#define _MAL_PEEK_H

#include <linux/compiler.h>

/**
 * mal_peek() - read a variable that its owner may change concurrently
 * @x: the variable, no larger than a word
 *
 * The owner is a CPU with its own lists, or the holder of a lock. It changes
 * the variable by plain reads and writes: marked accesses would cost each "++"
 * on a fast path two more instructions. This is an intended data race. The
 * value is used for statistics, or as a hint that is checked again or may be
 * wrong.
 *
 * Context: any.
 * Return: a value that the variable had at some moment.
 */
#define mal_peek(x)	data_race(READ_ONCE(x))

#endif /* _MAL_PEEK_H */
