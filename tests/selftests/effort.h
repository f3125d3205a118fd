/* SPDX-License-Identifier: GPL-2.0 */
/*
 * effort.h: number of repetitions
 *
 * MEMALLOC_EFFORT in the environment is a percentage of the usual number of
 * operations: lower if each operation is checked thoroughly (a kernel with
 * sanitizers), higher if there is time. The meaning of a test does not depend
 * on it.
 */
#ifndef EFFORT_H
#define EFFORT_H

#include <stdlib.h>

static inline unsigned int effort_percent(void)
{
	const char *wish = getenv("MEMALLOC_EFFORT");
	unsigned int percent = wish ? strtoul(wish, NULL, 10) : 0;

	return percent ? percent : 100;
}

/* Scale @usual by the effort, to at least one. */
static inline unsigned int effort_of(unsigned int usual)
{
	unsigned long long scaled = (unsigned long long)usual * effort_percent() / 100;

	return scaled ? scaled : 1;
}

#endif /* EFFORT_H */
