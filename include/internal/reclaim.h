/* SPDX-License-Identifier: GPL-2.0 */
/*
 * reclaim.h: what the layers above the pages can spare
 */
#ifndef _MAL_RECLAIM_H
#define _MAL_RECLAIM_H

#include <linux/types.h>

/* Gives pages back, if they are so many; returns how many, about. */
typedef unsigned long (*mal_reclaim_fn)(unsigned long min_pages);

void mal_reclaim_set(mal_reclaim_fn reclaim);
unsigned long mal_reclaim(gfp_t gfp, unsigned long min_pages);

#endif /* _MAL_RECLAIM_H */
