/* SPDX-License-Identifier: GPL-2.0 */
/*
 * slab_sanitizer.h: what the kernel's address sanitizer is told of objects
 *
 * Nothing at all, and no code, on kernels without it.
 */
#ifndef _MAL_SLAB_SANITIZER_H
#define _MAL_SLAB_SANITIZER_H

#include <linux/compiler.h>
#include <linux/kconfig.h>
#include <linux/types.h>

#include "internal/slab.h"

void mal_sanitizer_set_valid(const void *from, size_t length);
void mal_sanitizer_set_free(const void *from, size_t length);
void mal_sanitizer_set_redzone(const void *from, size_t length);

/**
 * mal_sanitizer_on() - is there one that can be told?
 *
 * Context: any.
 * Return: true if so; known at compile time.
 */
static __always_inline bool mal_sanitizer_on(void)
{
	return IS_ENABLED(CONFIG_KASAN_GENERIC);
}

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
	size_t valid = round_up(size, 8);

	if (!mal_sanitizer_on())
		return;
	if (valid < cache->object_size)
		mal_sanitizer_set_redzone(object + valid,
					  cache->object_size - valid);
	mal_sanitizer_set_valid(object, size);
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
