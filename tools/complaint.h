/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What goes to standard error
 */
#ifndef COMPLAINT_H
#define COMPLAINT_H

/**
 * complaint_set_prefix() - say whose complaints those to come are
 * @prefix: put in front of each, as "memallocctl alloc" or "script:3: alloc";
 *	must live until it is replaced
 */
void complaint_set_prefix(const char *prefix);

/**
 * complaint_prefix() - what complaint_set_prefix() set
 *
 * Return: the prefix, never NULL.
 */
const char *complaint_prefix(void);

/**
 * complain() - say what went wrong
 * @format: one sentence, in the manner of printf(3), without a newline
 *
 * What standard output still holds is written first, so that the two stay in
 * order where they go to the same place.
 */
void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

/**
 * advise() - say what the user can do about it, after complain()
 * @format: as for complain()
 */
void advise(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif /* COMPLAINT_H */
