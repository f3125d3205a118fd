/* SPDX-License-Identifier: GPL-2.0 */
/*
 * barn.h: the sheaves that the CPUs of a node share
 */
#ifndef _MAL_BARN_H
#define _MAL_BARN_H

#include <linux/types.h>

/* Maximum number of sheaves with and without objects in the barn of a node. */
#define MAL_MAX_NONEMPTY_SHEAVES	16UL
#define MAL_MAX_EMPTY_SHEAVES	4

struct mal_kmem_cache;
struct mal_sheaf;
struct mal_slab_node;
struct mal_tally;

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

void mal_barn_validate(struct mal_kmem_cache *cache, int nid,
		       struct mal_tally *tally);

#endif /* _MAL_BARN_H */
