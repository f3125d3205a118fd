/* SPDX-License-Identifier: GPL-2.0 */
/*
 * reclaim.h: what the layers above the pages can spare
 */
#ifndef _MAL_RECLAIM_H
#define _MAL_RECLAIM_H

#include <linux/types.h>

/* Gives pages back, if they are so many, or all; returns how many, about. */
typedef unsigned long (*mal_reclaim_fn)(unsigned long min_pages);

/* Who can give pages back, in the order in which they are asked. */
enum mal_reclaimer {
	MAL_RECLAIM_AREAS,
	MAL_RECLAIM_SLABS,
	MAL_NR_RECLAIMERS,
};

void mal_reclaim_set(enum mal_reclaimer who, mal_reclaim_fn reclaim);
unsigned long mal_reclaim(gfp_t gfp, unsigned long min_pages);

#endif /* _MAL_RECLAIM_H */
