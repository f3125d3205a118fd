/* SPDX-License-Identifier: GPL-2.0 */
/*
 * slab_quarantine.h: quarantine of freed objects
 */
#ifndef _MAL_SLAB_QUARANTINE_H
#define _MAL_SLAB_QUARANTINE_H

#include <linux/list.h>
#include <linux/types.h>

struct mal_kmem_cache;
struct mal_slab;
struct mal_slab_node;

void mal_slab_quarantine_add(struct mal_slab_node *node, struct mal_slab *slab,
			     u32 index, struct list_head *surplus);
void mal_slab_quarantine_flush(struct mal_slab_node *node);

#endif /* _MAL_SLAB_QUARANTINE_H */
