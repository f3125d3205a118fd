/* SPDX-License-Identifier: GPL-2.0 */
/*
 * effort.h: how much of what can be repeated without end
 *
 * MEMALLOC_EFFORT in the environment is a percentage of the usual number of
 * operations: less where each of them is checked at length (a kernel with
 * sanitizers), more where there is time. What a test claims does not depend on it.
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

/* What is @usual, for the effort that is wanted; never nothing. */
static inline unsigned int effort_of(unsigned int usual)
{
	unsigned long long scaled = (unsigned long long)usual * effort_percent() / 100;

	return scaled ? scaled : 1;
}

#endif /* EFFORT_H */
