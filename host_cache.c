// SPDX-License-Identifier: GPL-2.0
/*
 * The host's slab caches and mempools, for drivers that were moved by dropin.h
 *
 * A cache of ours and one of the host have the same type there, and the first
 * word of the cache tells them apart (mal_is_kmem_cache()). The same holds for
 * mempools and their minimum. dropin.h calls these functions for a cache or a
 * pool of the host. They are functions of this module so
 * that a driver itself does not refer to the host's allocator, which
 * tests/dropin checks.
 *
 * Locking: the host's.
 */
#include <linux/mempool.h>
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

/**
 * mal_host_mempool_alloc() - allocate an element
 * @pool: a pool of the host
 * @gfp: allocation flags
 *
 * Context: as for the host's mempool_alloc().
 * Return: the element, or NULL.
 */
void *mal_host_mempool_alloc(mempool_t *pool, gfp_t gfp)
{
	return mempool_alloc(pool, gfp);
}
MAL_EXPORT(mal_host_mempool_alloc);

/**
 * mal_host_mempool_alloc_preallocated() - take an element from the reserve
 * @pool: a pool of the host
 *
 * Context: any.
 * Return: the element; NULL if the reserve is empty, or the host has no such
 * function.
 */
void *mal_host_mempool_alloc_preallocated(mempool_t *pool)
{
	return mal_compat_mempool_alloc_preallocated(pool);
}
MAL_EXPORT(mal_host_mempool_alloc_preallocated);

/**
 * mal_host_mempool_alloc_bulk() - allocate many elements
 * @pool: a pool of the host
 * @elements: filled in
 * @nr: number of elements
 *
 * Context: task; sleeps.
 * Return: as for the host's mempool_alloc_bulk(); -EOPNOTSUPP if it has none.
 */
int mal_host_mempool_alloc_bulk(mempool_t *pool, void **elements,
				unsigned int nr)
{
	return mal_compat_mempool_alloc_bulk(pool, elements, nr);
}
MAL_EXPORT(mal_host_mempool_alloc_bulk);

/**
 * mal_host_mempool_free() - free an element
 * @element: an element of the pool, or NULL
 * @pool: a pool of the host
 *
 * Context: as for the host's mempool_free().
 */
void mal_host_mempool_free(void *element, mempool_t *pool)
{
	mempool_free(element, pool);
}
MAL_EXPORT(mal_host_mempool_free);

/**
 * mal_host_mempool_free_bulk() - give a pool the elements that it needs
 * @pool: a pool of the host
 * @elements: elements of the pool
 * @nr: number of elements
 *
 * Context: any but NMI.
 * Return: as for the host's mempool_free_bulk(); zero if it has none.
 */
unsigned int mal_host_mempool_free_bulk(mempool_t *pool, void **elements,
					unsigned int nr)
{
	return mal_compat_mempool_free_bulk(pool, elements, nr);
}
MAL_EXPORT(mal_host_mempool_free_bulk);

/**
 * mal_host_mempool_resize() - change the guaranteed number of elements
 * @pool: a pool of the host
 * @min_nr: the number
 *
 * Context: task; sleeps.
 * Return: as for the host's mempool_resize().
 */
int mal_host_mempool_resize(mempool_t *pool, int min_nr)
{
	return mempool_resize(pool, min_nr);
}
MAL_EXPORT(mal_host_mempool_resize);

/**
 * mal_host_mempool_exit() - undo the host's mempool_init()
 * @pool: a pool of the host, or zeroes
 *
 * Context: that of the free function of the pool.
 */
void mal_host_mempool_exit(mempool_t *pool)
{
	mempool_exit(pool);
}
MAL_EXPORT(mal_host_mempool_exit);
