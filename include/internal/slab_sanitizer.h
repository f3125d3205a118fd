/* SPDX-License-Identifier: GPL-2.0 */
/*
 * slab_sanitizer.h: what the kernel's address sanitizer is told of objects
 */
#ifndef _MAL_SLAB_SANITIZER_H
#define _MAL_SLAB_SANITIZER_H

#include <linux/compiler.h>
#include <linux/types.h>

#include "internal/sanitizer.h"
#include "internal/slab.h"

/**
 * mal_sanitizer_alloc() - an object is its owner's now
 * @cache: the cache
 * @object: the object
 * @size: bytes that may be used: all that there are, or fewer
 *
 * Context: any, NMI included.
 */
static __always_inline void mal_sanitizer_alloc(const struct mal_kmem_cache *cache,
						const void *object, size_t size)
{
	if (mal_sanitizer_on())
		mal_sanitizer_set_used(object, size, cache->object_size);
}

/**
 * mal_sanitizer_free() - an object is nobody's now
 * @cache: the cache; with SLAB_TYPESAFE_BY_RCU, free objects are looked at
 * @object: the object
 *
 * Context: any, NMI included.
 */
static __always_inline void mal_sanitizer_free(const struct mal_kmem_cache *cache,
					       const void *object)
{
	if (mal_sanitizer_on() && !(cache->flags & MAL_CACHE_RCU))
		mal_sanitizer_set_free(object, cache->object_size);
}

#endif /* _MAL_SLAB_SANITIZER_H */
