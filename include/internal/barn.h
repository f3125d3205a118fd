/* SPDX-License-Identifier: GPL-2.0 */
/*
 * barn.h: sheaves, and the ones that the CPUs of a node share
 */
#ifndef _MAL_BARN_H
#define _MAL_BARN_H

#include <linux/types.h>

#include "internal/sheaf_cpu.h"

/* Maximum number of full, and of empty, sheaves in the barn of a node. */
#define MAL_MAX_FULL_SHEAVES	16UL
#define MAL_MAX_EMPTY_SHEAVES	4

struct mal_kmem_cache;
struct mal_slab_node;
struct mal_tally;

/**
 * struct mal_sheaf_tally - validation of the sheaves of a cache
 * @cache: the cache
 * @tally: the result
 * @busy: the sheaves of the CPU were in use
 */
struct mal_sheaf_tally {
	struct mal_kmem_cache *cache;
	struct mal_tally *tally;
	bool busy;
};

struct mal_sheaf *mal_sheaf_create(struct mal_kmem_cache *cache, gfp_t gfp);
void mal_sheaf_empty(struct mal_sheaf *sheaf);
size_t mal_sheaf_discard(struct mal_sheaf *sheaf);
void *mal_sheaf_claim(struct mal_kmem_cache *cache, struct mal_sheaf *sheaf,
		      unsigned long caller);
void mal_sheaf_add(struct mal_kmem_cache *cache, struct mal_sheaf *sheaf,
		   const struct mal_sheaf_entry *entry, u8 from);
bool mal_entry_move(struct mal_kmem_cache *cache,
		    const struct mal_sheaf_entry *entry, u8 from, u8 to);

struct mal_sheaf *mal_barn_exchange_empty(struct mal_kmem_cache *cache,
					  struct mal_slab_node *node,
					  struct mal_sheaf *sheaf);
struct mal_sheaf *mal_barn_exchange_full(struct mal_kmem_cache *cache,
					 struct mal_slab_node *node,
					 struct mal_sheaf *sheaf);
void mal_barn_put(struct mal_kmem_cache *cache, struct mal_slab_node *node,
		  struct mal_sheaf *sheaf);
void mal_barn_flush(struct mal_kmem_cache *cache, struct mal_slab_node *node);
unsigned long mal_barn_count(struct mal_slab_node *node);

void mal_sheaf_tally_entries(struct mal_sheaf_tally *st,
			     const struct mal_sheaf_entry *bottom,
			     const struct mal_sheaf_entry *top, u8 tag);
void mal_sheaf_tally_sheaf(struct mal_sheaf_tally *st,
			   const struct mal_sheaf *sheaf);
void mal_barn_validate(struct mal_kmem_cache *cache, int nid,
		       struct mal_tally *tally);

#endif /* _MAL_BARN_H */
