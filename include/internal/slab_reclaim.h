/* SPDX-License-Identifier: GPL-2.0 */
/*
 * slab_reclaim.h: memory of caches that is not in use
 */
#ifndef _MAL_SLAB_RECLAIM_H
#define _MAL_SLAB_RECLAIM_H

struct list_head;
struct mal_kmem_cache;

void mal_slab_free_retired(struct list_head *retired);
void mal_cache_empty(struct mal_kmem_cache *cache);
unsigned long mal_slab_reap(unsigned long min_pages);
void mal_slab_shrink(void);

int mal_slab_reclaim_init(void);
void mal_slab_reclaim_exit(void);

#endif /* _MAL_SLAB_RECLAIM_H */
