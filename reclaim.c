// SPDX-License-Identifier: GPL-2.0
/*
 * Reclaim: what the layers above the pages can spare
 *
 * Caches keep pages that nobody uses: empty slabs, and those whose objects are
 * all at hand somewhere. When pages are short, the page allocator asks for them
 * back before it gives up, and before it borrows if they are much. It knows
 * nothing of caches: they leave a function here that it can call.
 *
 * Who allocates pages in order to give some back does not get far here again: see
 * mal_slab_reap(), which only tries its lock.
 *
 * Locking: none.
 *
 * Context: task, and may sleep.
 */
#include <linux/compiler.h>
#include <linux/gfp.h>

#include "internal/reclaim.h"

static mal_reclaim_fn mal_reclaimers[MAL_NR_RECLAIMERS];

/**
 * mal_reclaim_set() - say who can give pages back
 * @who: it
 * @reclaim: called from then on, or NULL
 *
 * Context: task. When it is taken away, nobody allocates any more.
 */
void mal_reclaim_set(enum mal_reclaimer who, mal_reclaim_fn reclaim)
{
	WRITE_ONCE(mal_reclaimers[who], reclaim);
}

/**
 * mal_reclaim() - get pages back that nobody uses
 * @gfp: flags of the allocation that lacks them
 * @min_pages: not for less than so many pages, of those that are nobody's; zero:
 *	everything that can be had
 *
 * Context: any; does nothing where @gfp forbids to sleep, or effort.
 * Return: pages that have come back, about.
 */
unsigned long mal_reclaim(gfp_t gfp, unsigned long min_pages)
{
	unsigned long pages = 0;
	unsigned int who;

	if (!gfpflags_allow_blocking(gfp))
		return 0;
	for (who = 0; who < MAL_NR_RECLAIMERS; who++) {
		mal_reclaim_fn reclaim = READ_ONCE(mal_reclaimers[who]);

		if (reclaim)
			pages += reclaim(min_pages);
	}
	return pages;
}
