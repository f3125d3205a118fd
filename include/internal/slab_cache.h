/* SPDX-License-Identifier: GPL-2.0 */
/*
 * slab_cache.h: internal interface of slab caches
 */
#ifndef _MAL_SLAB_CACHE_INTERNAL_H
#define _MAL_SLAB_CACHE_INTERNAL_H

#include <linux/types.h>

struct mal_kmem_cache;
struct memalloc_stats_cache;
struct seq_file;

/**
 * struct mal_cache_stats - statistics of a cache
 * @active: allocated objects
 * @objects: objects in slabs
 * @active_slabs: slabs with an object that is not FREE
 * @slabs: slabs
 * @slab_pages: pages in slabs
 * @hits: allocations served by a sheaf of the CPU
 * @misses: other allocations
 */
struct mal_cache_stats {
	u64 active;
	u64 objects;
	u64 active_slabs;
	u64 slabs;
	u64 slab_pages;
	u64 hits;
	u64 misses;
};

void mal_deferred_sync(void);
u64 mal_cache_sheaves_bound(unsigned int object_size);

int mal_kmem_cache_remove(struct mal_kmem_cache *cache);
void mal_kmem_cache_destroy_later(struct mal_kmem_cache *cache);
void mal_kmem_cache_abandon(struct mal_kmem_cache *cache);
void mal_cache_stats_peek(struct mal_kmem_cache *cache,
			  struct mal_cache_stats *stats);
void mal_cache_stats(struct mal_kmem_cache *cache, struct mal_cache_stats *stats);
void mal_cache_stats_fill(struct mal_kmem_cache *cache,
			  struct memalloc_stats_cache *stats);
bool mal_cache_stats_at(unsigned int index, struct memalloc_stats_cache *stats);
u64 mal_slab_validate(u64 *checked);
void mal_slab_show(struct seq_file *m);
bool mal_slab_show_next(unsigned long *id);
void mal_slab_show_one(struct seq_file *m, unsigned long id);
void mal_slab_leaks_show(struct seq_file *m);

int mal_slab_cache_init(bool lean);
void mal_slab_cache_exit(void);

#endif /* _MAL_SLAB_CACHE_INTERNAL_H */
