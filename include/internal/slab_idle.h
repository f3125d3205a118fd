/* SPDX-License-Identifier: GPL-2.0 */
/*
 * slab_idle.h: estimate of the idle memory of caches
 */
#ifndef _MAL_SLAB_IDLE_H
#define _MAL_SLAB_IDLE_H

#include <linux/types.h>

struct mal_kmem_cache;

/**
 * enum mal_idle_kind - place of a cache's idle memory
 * @MAL_IDLE_SHARED: in empty slabs and barns, available to any CPU
 * @MAL_IDLE_CPU: in the sheaves of a CPU, which must hand it over
 * @MAL_NR_IDLE_KINDS: number of kinds
 */
enum mal_idle_kind {
	MAL_IDLE_SHARED,
	MAL_IDLE_CPU,
	MAL_NR_IDLE_KINDS,
};

void mal_idle_add(const struct mal_kmem_cache *cache, enum mal_idle_kind kind,
		  long bytes);
unsigned long mal_idle_pages(enum mal_idle_kind kind);

#endif /* _MAL_SLAB_IDLE_H */
