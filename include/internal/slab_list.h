/* SPDX-License-Identifier: GPL-2.0 */
/*
 * slab_list.h: all slab caches
 */
#ifndef _MAL_SLAB_LIST_H
#define _MAL_SLAB_LIST_H

#include <linux/mutex.h>
#include <linux/types.h>

struct mal_kmem_cache;

/* Called for each cache under the mutex; false ends the walk. */
typedef bool (*mal_cache_visit_fn)(struct mal_kmem_cache *cache, void *data);

extern struct mutex mal_cache_mutex;

void mal_caches_lock(void);
void mal_caches_unlock(void);
bool mal_caches_lock_killable(void);

int mal_cache_enlist(struct mal_kmem_cache *cache);
void mal_cache_unlist(struct mal_kmem_cache *cache);
unsigned int mal_cache_count(void);

struct mal_kmem_cache *mal_cache_find(unsigned long id);
struct mal_kmem_cache *mal_cache_after(unsigned long *id);
struct mal_kmem_cache *mal_cache_at(unsigned int index);
void mal_caches_walk_all(mal_cache_visit_fn visit, void *data);
void mal_caches_walk(mal_cache_visit_fn visit, void *data);

#endif /* _MAL_SLAB_LIST_H */
