/* SPDX-License-Identifier: GPL-2.0 */
/*
 * slab_guard.h: sampled objects in pages of their own
 */
#ifndef _MAL_SLAB_GUARD_H
#define _MAL_SLAB_GUARD_H

#include <linux/types.h>

struct mal_kmem_cache;
struct mal_slab_node;

bool mal_guard_fits(const struct mal_kmem_cache *cache);
unsigned int mal_guard_order(const struct mal_kmem_cache *cache);
void *mal_guard_alloc(struct mal_kmem_cache *cache, unsigned long caller);
bool mal_guard_free(struct mal_kmem_cache *cache, void *object,
		    unsigned long caller, bool by_kfree);
void mal_guard_flush(struct mal_slab_node *node);
void mal_guard_scan(struct mal_slab_node *node);

#endif /* _MAL_SLAB_GUARD_H */
