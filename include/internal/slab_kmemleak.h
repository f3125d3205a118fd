/* SPDX-License-Identifier: GPL-2.0 */
/*
 * slab_kmemleak.h: kmemleak hooks for objects
 */
#ifndef _MAL_SLAB_KMEMLEAK_H
#define _MAL_SLAB_KMEMLEAK_H

#include "internal/kmemleak.h"
#include "internal/slab.h"

/**
 * mal_kmemleak_alloc() - tell kmemleak that an object was allocated
 * @cache: the cache
 * @object: the object
 * @gfp: flags of the allocation
 *
 * Context: any but NMI.
 */
static __always_inline void mal_kmemleak_alloc(const struct mal_kmem_cache *cache,
					       const void *object, gfp_t gfp)
{
	if (IS_ENABLED(CONFIG_DEBUG_KMEMLEAK) &&
	    !(cache->flags & MAL_CACHE_NO_LEAK_TRACE))
		kmemleak_alloc(object, cache->object_size, 1, gfp);
}

/**
 * mal_kmemleak_slab() - do not count mal_slab.base as a reference to an object
 * @slab: the slab, just allocated
 * @gfp: flags of the allocation
 *
 * Context: any but NMI.
 */
static __always_inline void mal_kmemleak_slab(const struct mal_slab *slab, gfp_t gfp)
{
	kmemleak_scan_area(slab, offsetof(struct mal_slab, base), gfp);
	kmemleak_scan_area(&slab->base + 1, SIZE_MAX, gfp);
}

#endif /* _MAL_SLAB_KMEMLEAK_H */
