/* SPDX-License-Identifier: GPL-2.0 */
/*
 * memalloc/host_cache.h: the host's slab caches and mempools, for dropin.h
 *
 * A driver that was moved by dropin.h may also use a cache of the host, which
 * it knows by name (names_cachep, jbd2_inode_cache), or a pool of the host,
 * which is in a structure (bio_set). dropin.h calls these functions for them.
 */
#ifndef _MEMALLOC_HOST_CACHE_H
#define _MEMALLOC_HOST_CACHE_H

#include <linux/mempool.h>
#include <linux/types.h>

struct kmem_cache;
struct list_lru;

void *mal_host_cache_alloc(struct kmem_cache *cache, gfp_t gfp);
void *mal_host_cache_alloc_node(struct kmem_cache *cache, gfp_t gfp, int node);
void *mal_host_cache_alloc_lru(struct kmem_cache *cache, struct list_lru *lru,
			       gfp_t gfp);
int mal_host_cache_alloc_bulk(struct kmem_cache *cache, gfp_t gfp, size_t nr,
			      void **objects);
void mal_host_cache_free(struct kmem_cache *cache, void *object);
void mal_host_cache_free_bulk(struct kmem_cache *cache, size_t nr,
			      void **objects);
unsigned int mal_host_cache_size(struct kmem_cache *cache);
int mal_host_cache_shrink(struct kmem_cache *cache);
void mal_host_cache_destroy(struct kmem_cache *cache);

void *mal_host_mempool_alloc(mempool_t *pool, gfp_t gfp);
void *mal_host_mempool_alloc_preallocated(mempool_t *pool);
int mal_host_mempool_alloc_bulk(mempool_t *pool, void **elements,
				unsigned int nr);
void mal_host_mempool_free(void *element, mempool_t *pool);
unsigned int mal_host_mempool_free_bulk(mempool_t *pool, void **elements,
					unsigned int nr);
int mal_host_mempool_resize(mempool_t *pool, int min_nr);
void mal_host_mempool_exit(mempool_t *pool);

#endif /* _MEMALLOC_HOST_CACHE_H */
