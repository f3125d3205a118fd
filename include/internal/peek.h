/* SPDX-License-Identifier: GPL-2.0 */
/*
 * peek.h: look at what others are changing
 */
#ifndef _MAL_PEEK_H
#define _MAL_PEEK_H

#include <linux/compiler.h>

/**
 * mal_peek() - the value of a variable whose owner changes it meanwhile
 * @x: the variable, no larger than a word
 *
 * The owner is a CPU with its own lists, or who holds a lock. They change it by
 * plain reads and writes: with marked ones, each "++" on a fast path would cost
 * two instructions more. That is a data race, and a wanted one: what is peeked at
 * is a figure that is shown, or a hint that is checked again, or may be wrong.
 *
 * Context: any.
 * Return: what it was, at some moment.
 */
#define mal_peek(x)	data_race(READ_ONCE(x))

#endif /* _MAL_PEEK_H */
