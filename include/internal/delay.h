/* SPDX-License-Identifier: GPL-2.0 */
/*
 * delay.h: delays at places where a concurrent change matters
 *
 * Only test builds with MEMALLOC_DELAYS=y have them; elsewhere mal_delay() is
 * empty. See delay.c.
 */
#ifndef _MAL_DELAY_H
#define _MAL_DELAY_H

/**
 * enum mal_delay_place - places that may be delayed
 * @MAL_DELAY_CPU_BUSY: the busy flag of a CPU's sheaves or lists is set
 * @MAL_DELAY_CPU_CALL: between two attempts to run a function on another CPU
 * @MAL_DELAY_CPU_DEAD: the lists of an offline CPU are about to be emptied
 * @MAL_DELAY_PAGES_SPILLED: blocks have left a CPU's lists, and are in no zone
 * @MAL_DELAY_PAGES_PINNED: a pinned block has left its list to be checked
 * @MAL_DELAY_BLOCK_BORROWED: a block has descriptors, and is in no zone
 * @MAL_DELAY_BLOCK_RETURNED: a block has left its zone to be returned
 * @MAL_DELAY_SECTION_JOINED: a new section is about to enter the table
 * @MAL_DELAY_SECTION_LEFT: an empty section has left the table
 * @MAL_DELAY_SHEAF_OUT: a task has a sheaf that is about to enter a barn
 * @MAL_DELAY_SHEAVES_DRAINED: sheaves have left a CPU, and are not flushed
 * @MAL_DELAY_SLAB_CREATED: a slab is in no list yet
 * @MAL_DELAY_SLAB_DESTROYED: an empty slab has left its list
 * @MAL_DELAY_CACHE_PURGED: barns have been flushed, CPUs have not been drained
 * @MAL_DELAY_CACHE_REMOVED: a cache has been found unused
 * @MAL_DELAY_RCU_GATHERED: a list waits for a grace period that has not begun
 * @MAL_DELAY_ELEMENT_MISSED: an allocation from a mempool is about to wait
 * @MAL_DELAY_CHUNK_RELEASED: a per-CPU chunk has left the tables
 * @MAL_DELAY_AREA_FOUND: an area has been looked up, and is about to be claimed
 * @MAL_DELAY_AREA_REMOVED: an area cannot be looked up, and is still mapped
 * @MAL_DELAY_AREAS_PARKED: areas have left a CPU's cache, and are in no other
 * @MAL_NR_DELAYS: number of places
 */
enum mal_delay_place {
	MAL_DELAY_CPU_BUSY,
	MAL_DELAY_CPU_CALL,
	MAL_DELAY_CPU_DEAD,
	MAL_DELAY_PAGES_SPILLED,
	MAL_DELAY_PAGES_PINNED,
	MAL_DELAY_BLOCK_BORROWED,
	MAL_DELAY_BLOCK_RETURNED,
	MAL_DELAY_SECTION_JOINED,
	MAL_DELAY_SECTION_LEFT,
	MAL_DELAY_SHEAF_OUT,
	MAL_DELAY_SHEAVES_DRAINED,
	MAL_DELAY_SLAB_CREATED,
	MAL_DELAY_SLAB_DESTROYED,
	MAL_DELAY_CACHE_PURGED,
	MAL_DELAY_CACHE_REMOVED,
	MAL_DELAY_RCU_GATHERED,
	MAL_DELAY_ELEMENT_MISSED,
	MAL_DELAY_CHUNK_RELEASED,
	MAL_DELAY_AREA_FOUND,
	MAL_DELAY_AREA_REMOVED,
	MAL_DELAY_AREAS_PARKED,
	MAL_NR_DELAYS,
};

#ifdef MAL_DELAYS

#include <linux/jump_label.h>

DECLARE_STATIC_KEY_FALSE(mal_delay_key);

void __mal_delay(enum mal_delay_place place);

/**
 * mal_delay() - wait for a random time if delays are on
 * @place: the place
 *
 * Context: any.
 */
static __always_inline void mal_delay(enum mal_delay_place place)
{
	if (static_branch_unlikely(&mal_delay_key))
		__mal_delay(place);
}

#else

static inline void mal_delay(enum mal_delay_place place)
{
}

#endif

#endif /* _MAL_DELAY_H */
