/* SPDX-License-Identifier: GPL-2.0 */
/*
 * vmalloc_area.h: what the module's own layers know of vmalloc
 */
#ifndef _MAL_VMALLOC_AREA_INTERNAL_H
#define _MAL_VMALLOC_AREA_INTERNAL_H

#include <linux/gfp.h>
#include <linux/types.h>

struct rcu_head;
struct seq_file;

/**
 * struct mal_vmalloc_stats - what there is of vmalloc, beside the cache
 * @areas: of pages of ours that are in use
 * @pages: in these
 * @maps: areas of callers' pages
 * @failures: allocations that got nothing
 */
struct mal_vmalloc_stats {
	unsigned long areas;
	unsigned long pages;
	unsigned long maps;
	unsigned long failures;
};

void *mal_vmalloc_caller(unsigned long size, gfp_t gfp, int nid,
			 unsigned long caller);
void *mal_vmalloc_nospec(unsigned long size, gfp_t gfp, int nid);

void *mal_vrealloc_caller(const void *address, unsigned long size, gfp_t gfp,
			  unsigned long caller);

void mal_vfree_call_rcu(struct rcu_head *head, const void *address,
			unsigned long caller);

void mal_vmalloc_stats(struct mal_vmalloc_stats *stats);
void mal_vmalloc_show(struct seq_file *m);

int mal_vmalloc_init(unsigned long cache_limit);
void mal_vmalloc_exit(void);

#endif /* _MAL_VMALLOC_AREA_INTERNAL_H */
