/* SPDX-License-Identifier: GPL-2.0 */
/*
 * slab_debug.h: redzones, poison, and their checks
 */
#ifndef _MAL_SLAB_DEBUG_H
#define _MAL_SLAB_DEBUG_H

#include <linux/list.h>
#include <linux/types.h>

#include "internal/slab.h"
#include "internal/slab_track.h"

/**
 * struct mal_fault - a byte with an unexpected value
 * @offset: offset from the beginning of the object; negative if before it
 * @bytes: number of bytes in @found
 * @expected: expected value of the byte
 * @found: the byte and those that follow it
 */
struct mal_fault {
	long offset;
	unsigned int bytes;
	u8 expected;
	u8 found[8];
};

/**
 * mal_cache_debugs() - does a cache have a debug mode that checks each object?
 * @cache: the cache
 *
 * Context: any.
 * Return: true if it does.
 */
static inline bool mal_cache_debugs(const struct mal_kmem_cache *cache)
{
	return unlikely(cache->flags & MAL_CACHE_DEBUG);
}

void mal_debug_layout(struct mal_kmem_cache *cache);

size_t mal_debug_tracked_by(u32 nr);
bool mal_debug_slab_init(struct mal_slab *slab, gfp_t gfp);
bool mal_debug_slab_intact(struct mal_slab *slab);
void mal_debug_slab_exit(struct mal_slab *slab);

bool mal_debug_check(struct mal_slab *slab, u32 index, bool is_free,
		     struct mal_fault *fault);
void mal_debug_report(struct mal_slab *slab, u32 index, bool is_free,
		      const struct mal_fault *fault, unsigned long caller);
void mal_debug_repair(struct mal_slab *slab, u32 index,
		      const struct mal_fault *fault, unsigned long caller);
bool mal_debug_track(struct mal_slab *slab, u32 index, struct mal_track *track);
void mal_debug_poison(struct mal_slab *slab, u32 index);
void mal_debug_set_asked(struct mal_slab *slab, u32 index, u32 asked);
void mal_debug_validate(struct mal_slab *slab, struct mal_tally *tally);

void mal_debug_set_user(struct mal_slab *slab, const void *object,
			unsigned long caller);
size_t mal_debug_asked(const struct mal_slab *slab, const void *object);
void mal_debug_resize(struct mal_slab *slab, void *object, size_t asked,
		      bool zero, unsigned long caller);

#endif /* _MAL_SLAB_DEBUG_H */
