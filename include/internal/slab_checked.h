/* SPDX-License-Identifier: GPL-2.0 */
/*
 * slab_checked.h: allocation and free in caches with debug modes
 */
#ifndef _MAL_SLAB_CHECKED_H
#define _MAL_SLAB_CHECKED_H

#include <linux/types.h>

struct mal_kmem_cache;
struct mal_slab;

bool mal_checked_alloc(struct mal_kmem_cache *cache, void *object,
		       unsigned long caller);
void mal_checked_free(struct mal_kmem_cache *cache, struct mal_slab *slab,
		      void *object, u8 from, unsigned long caller);

#endif /* _MAL_SLAB_CHECKED_H */
