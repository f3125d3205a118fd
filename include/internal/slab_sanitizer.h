/* SPDX-License-Identifier: GPL-2.0 */
/*
 * slab_sanitizer.h: address sanitizer hooks for objects
 */
#ifndef _MAL_SLAB_SANITIZER_H
#define _MAL_SLAB_SANITIZER_H

#include <linux/compiler.h>
#include <linux/types.h>

#include "internal/sanitizer.h"
#include "internal/slab.h"

/**
 * mal_sanitizer_alloc() - mark an object as allocated
 * @cache: the cache
 * @object: the object
 * @size: number of accessible bytes, up to the size of the object
 *
 * Context: any, including NMI.
 */
static __always_inline void mal_sanitizer_alloc(const struct mal_kmem_cache *cache,
						const void *object, size_t size)
{
	if (mal_sanitizer_on())
		mal_sanitizer_set_used(object, size, cache->object_size);
}

/**
 * mal_sanitizer_free() - mark an object as free
 * @cache: the cache; with SLAB_TYPESAFE_BY_RCU, free objects stay
 *	accessible
 * @object: the object
 *
 * Context: any, including NMI.
 */
static __always_inline void mal_sanitizer_free(const struct mal_kmem_cache *cache,
					       const void *object)
{
	if (mal_sanitizer_on() && !(cache->flags & MAL_CACHE_RCU))
		mal_sanitizer_set_free(object, cache->object_size);
}

#endif /* _MAL_SLAB_SANITIZER_H */
