// SPDX-License-Identifier: GPL-2.0
/*
 * The host's slab caches, for drivers that were moved by dropin.h
 *
 * A cache of ours and one of the host have the same type there, and the first
 * word of the cache tells them apart (mal_is_kmem_cache()). dropin.h calls
 * these functions for a cache of the host. They are functions of this module so
 * that a driver itself does not refer to the host's allocator, which
 * tests/dropin checks.
 *
 * Locking: the host's.
 */
#include <linux/slab.h>

#include <memalloc/host_cache.h>

#include "internal/compat.h"

/**
 * mal_host_cache_alloc() - allocate an object
 * @cache: a cache of the host
 * @gfp: allocation flags
 *
 * Context: as for the host's kmem_cache_alloc().
 * Return: the object, or NULL.
 */
void *mal_host_cache_alloc(struct kmem_cache *cache, gfp_t gfp)
{
	return kmem_cache_alloc(cache, gfp);
}
MAL_EXPORT(mal_host_cache_alloc);

/**
 * mal_host_cache_alloc_node() - allocate an object, preferably on a node
 * @cache: a cache of the host
 * @gfp: allocation flags
 * @node: the node to prefer, or NUMA_NO_NODE
 *
 * Context: as for the host's kmem_cache_alloc_node().
 * Return: the object, or NULL.
 */
void *mal_host_cache_alloc_node(struct kmem_cache *cache, gfp_t gfp, int node)
{
	return kmem_cache_alloc_node(cache, gfp, node);
}
MAL_EXPORT(mal_host_cache_alloc_node);

/**
 * mal_host_cache_alloc_lru() - allocate an object that will be on a list_lru
 * @cache: a cache of the host
 * @lru: the list
 * @gfp: allocation flags
 *
 * Context: as for the host's kmem_cache_alloc_lru().
 * Return: the object, or NULL.
 */
void *mal_host_cache_alloc_lru(struct kmem_cache *cache, struct list_lru *lru,
			       gfp_t gfp)
{
	return kmem_cache_alloc_lru(cache, lru, gfp);
}
MAL_EXPORT(mal_host_cache_alloc_lru);

/**
 * mal_host_cache_alloc_bulk() - allocate many objects
 * @cache: a cache of the host
 * @gfp: allocation flags
 * @nr: number of objects
 * @objects: filled in
 *
 * Context: as for the host's kmem_cache_alloc_bulk().
 * Return: @nr, or zero if not all could be allocated.
 */
int mal_host_cache_alloc_bulk(struct kmem_cache *cache, gfp_t gfp, size_t nr,
			      void **objects)
{
	/* The result is a number in older kernels, and a bool in newer ones. */
	return kmem_cache_alloc_bulk(cache, gfp, nr, objects) ? nr : 0;
}
MAL_EXPORT(mal_host_cache_alloc_bulk);

/**
 * mal_host_cache_free() - free an object
 * @cache: a cache of the host
 * @object: an object of it
 *
 * Context: as for the host's kmem_cache_free().
 */
void mal_host_cache_free(struct kmem_cache *cache, void *object)
{
	kmem_cache_free(cache, object);
}
MAL_EXPORT(mal_host_cache_free);

/**
 * mal_host_cache_free_bulk() - free many objects
 * @cache: a cache of the host
 * @nr: number of objects
 * @objects: objects of the cache
 *
 * Context: as for the host's kmem_cache_free_bulk().
 */
void mal_host_cache_free_bulk(struct kmem_cache *cache, size_t nr,
			      void **objects)
{
	kmem_cache_free_bulk(cache, nr, objects);
}
MAL_EXPORT(mal_host_cache_free_bulk);

/**
 * mal_host_cache_size() - size of the objects
 * @cache: a cache of the host
 *
 * Context: any.
 * Return: bytes.
 */
unsigned int mal_host_cache_size(struct kmem_cache *cache)
{
	return kmem_cache_size(cache);
}
MAL_EXPORT(mal_host_cache_size);

/**
 * mal_host_cache_shrink() - free the memory that a cache does not need
 * @cache: a cache of the host
 *
 * Context: task; sleeps.
 * Return: as for the host's kmem_cache_shrink().
 */
int mal_host_cache_shrink(struct kmem_cache *cache)
{
	return kmem_cache_shrink(cache);
}
MAL_EXPORT(mal_host_cache_shrink);

/**
 * mal_host_cache_destroy() - destroy a cache
 * @cache: a cache of the host
 *
 * Context: task; sleeps.
 */
void mal_host_cache_destroy(struct kmem_cache *cache)
{
	kmem_cache_destroy(cache);
}
MAL_EXPORT(mal_host_cache_destroy);
