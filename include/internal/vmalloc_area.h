/* SPDX-License-Identifier: GPL-2.0 */
/*
 * vmalloc_area.h: vmalloc, for the module's own layers
 */
#ifndef _MAL_VMALLOC_AREA_INTERNAL_H
#define _MAL_VMALLOC_AREA_INTERNAL_H

#include <linux/gfp.h>
#include <linux/types.h>

struct rcu_head;
struct seq_file;

/**
 * struct mal_vmalloc_stats - statistics of vmalloc, except for the cache
 * @areas: areas of our pages that are in use
 * @pages: pages in these areas
 * @maps: areas of callers' pages
 * @failures: failed allocations
 */
struct mal_vmalloc_stats {
	unsigned long areas;
	unsigned long pages;
	unsigned long maps;
	unsigned long failures;
};

void mal_vmalloc_set_caller(const void *address, unsigned long caller);
void *mal_vmalloc_caller(unsigned long size, gfp_t gfp, int nid,
			 unsigned long caller);
void *mal_vmalloc_nospec(unsigned long size, gfp_t gfp, int nid);
bool mal_vfree_try(const void *address);
void mal_vfree_charged(const void *address, u32 account);

void *mal_vrealloc_caller(const void *address, unsigned long size, gfp_t gfp,
			  unsigned long caller);

void mal_vfree_call_rcu(struct rcu_head *head, const void *address,
			unsigned long caller);
void mal_vfree_rcu_mightsleep(const void *address, unsigned long caller);

void mal_vmalloc_stats(struct mal_vmalloc_stats *stats);
void mal_vmalloc_show(struct seq_file *m);

int mal_vmalloc_init(unsigned long cache_limit);
void mal_vmalloc_exit(void);

#endif /* _MAL_VMALLOC_AREA_INTERNAL_H */
