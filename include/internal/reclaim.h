/* SPDX-License-Identifier: GPL-2.0 */
/*
 * reclaim.h: pages that the layers above can free
 */
#ifndef _MAL_RECLAIM_H
#define _MAL_RECLAIM_H

#include <linux/shrinker.h>
#include <linux/types.h>

/*
 * Frees unused pages if there are at least @min_pages of them, or all if it is
 * zero. Returns the approximate number of pages.
 */
typedef unsigned long (*mal_reclaim_fn)(unsigned long min_pages);

/* Returns the approximate number of unused pages, at low cost. */
typedef unsigned long (*mal_reclaim_idle_fn)(void);

/* A function of a shrinker: count_objects() or scan_objects(). */
typedef unsigned long (*mal_shrinker_fn)(struct shrinker *shrinker,
					 struct shrink_control *sc);

/* The layers that can free pages, in the order of their calls. */
enum mal_reclaimer {
	MAL_RECLAIM_AREAS,
	MAL_RECLAIM_SLABS,
	MAL_NR_RECLAIMERS,
};

void mal_reclaim_set(enum mal_reclaimer layer, mal_reclaim_fn reclaim);
void mal_reclaim_set_idle(mal_reclaim_idle_fn idle);
unsigned long mal_reclaim(gfp_t gfp, unsigned long min_pages);
bool mal_reclaim_all(gfp_t gfp, unsigned int order);
void mal_reclaim_failed(unsigned int order);

struct shrinker *mal_shrinker_create(unsigned int flags, const char *name,
				     mal_shrinker_fn count,
				     mal_shrinker_fn scan);

#endif /* _MAL_RECLAIM_H */
