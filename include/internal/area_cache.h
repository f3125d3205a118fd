/* SPDX-License-Identifier: GPL-2.0 */
/*
 * area_cache.h: cache of free areas that are still mapped
 */
#ifndef _MAL_AREA_CACHE_H
#define _MAL_AREA_CACHE_H

#include <linux/compiler.h>
#include <linux/percpu.h>
#include <linux/preempt.h>
#include <linux/types.h>

#include "internal/area.h"
#include "internal/busy.h"
#include "internal/kmemleak.h"

/* A CPU caches areas of one page up to this many. */
#define MAL_AREA_CPU_CLASSES	64

/**
 * struct mal_area_cpu - cache of a CPU
 * @busy: the CPU is using the cache; interrupt handlers must keep out
 * @nid: the node of the areas cached here
 * @room: number of pages that may be added
 * @granted: maximum number of pages
 * @nr: number of cached areas
 * @hits: allocations served from this cache
 * @tops: for each number of pages, the area freed last; older ones follow
 *	by mal_area.next
 *
 * Accessed by its own CPU only, except that any CPU may read the statistics.
 */
struct mal_area_cpu {
	bool busy;
	int nid;
	unsigned long room;
	unsigned long granted;
	unsigned long nr;
	unsigned long hits;
	struct mal_area *tops[MAL_AREA_CPU_CLASSES + 1];
};

DECLARE_PER_CPU(struct mal_area_cpu, mal_area_cpu);

/**
 * struct mal_area_cache_stats - statistics of the cache
 * @limit: maximum number of pages
 * @areas: number of cached areas
 * @pages: number of pages in these areas
 * @cpu_hits: allocations served from a CPU's cache
 * @node_hits: allocations served from a node's cache
 * @misses: other allocations
 * @evicted: evicted areas
 * @pinned: areas that were not cached because a page was pinned
 */
struct mal_area_cache_stats {
	unsigned long limit;
	unsigned long areas;
	unsigned long pages;
	unsigned long cpu_hits;
	unsigned long node_hits;
	unsigned long misses;
	unsigned long evicted;
	unsigned long pinned;
};

/**
 * mal_area_cpu_enter() - use this CPU's cache
 * @cpu: set to the cache
 *
 * Like mal_pcp_enter().
 *
 * Context: any. On success preemption is off until mal_area_cpu_leave().
 * Return: true; false if an interrupted context is using the cache, or in an
 * NMI handler if kmemleak would have to be told.
 */
static __always_inline bool mal_area_cpu_enter(struct mal_area_cpu **cpu)
{
	preempt_disable();
	*cpu = this_cpu_ptr(&mal_area_cpu);
	if (likely(!mal_kmemleak_forbids()) && mal_busy_enter(&(*cpu)->busy))
		return true;
	preempt_enable();
	return false;
}

/**
 * mal_area_cpu_leave() - end what mal_area_cpu_enter() began
 * @cpu: the cache
 *
 * Context: as for mal_area_cpu_enter().
 */
static __always_inline void mal_area_cpu_leave(struct mal_area_cpu *cpu)
{
	mal_busy_leave(&cpu->busy);
	preempt_enable();
}

/**
 * mal_area_cpu_pop() - take an area from this CPU's cache
 * @nr_pages: number of pages, 1 to MAL_AREA_CPU_CLASSES
 *
 * Context: any.
 * Return: the area, free, or NULL.
 */
static __always_inline struct mal_area *mal_area_cpu_pop(unsigned long nr_pages)
{
	struct mal_area_cpu *cpu;
	struct mal_area *area;

	if (unlikely(!mal_area_cpu_enter(&cpu)))
		return NULL;
	area = cpu->tops[nr_pages];
	if (likely(area)) {
		cpu->tops[nr_pages] = area->next;
		cpu->room += nr_pages;
		cpu->nr--;
		cpu->hits++;
	}
	mal_area_cpu_leave(cpu);
	return area;
}

/**
 * mal_area_cpu_push() - add an area to this CPU's cache
 * @area: the area, free, without pinned pages
 *
 * Context: any.
 * Return: true; false if the cache is full, in use or not for such areas.
 */
static __always_inline bool mal_area_cpu_push(struct mal_area *area)
{
	unsigned int nr_pages = area->class;
	struct mal_area_cpu *cpu;

	if (unlikely(!nr_pages || !mal_area_cpu_enter(&cpu)))
		return false;
	if (unlikely(area->nid != cpu->nid || nr_pages > cpu->room)) {
		mal_area_cpu_leave(cpu);
		return false;
	}
	area->next = cpu->tops[nr_pages];
	cpu->tops[nr_pages] = area;
	cpu->room -= nr_pages;
	cpu->nr++;
	mal_area_cpu_leave(cpu);
	return true;
}

struct mal_area *mal_area_cache_take(unsigned long nr_pages, int nid);
void mal_area_cache_keep(struct mal_area *area, u32 account);
void mal_area_cache_defer(struct mal_area *area);

void mal_area_cache_sync(void);
unsigned long mal_area_cache_shrink(unsigned long nr_pages);
void mal_area_cache_shrink_killable(void);
void mal_area_cache_set_limit(unsigned long nr_pages);
void mal_area_cache_stats(struct mal_area_cache_stats *stats);

int mal_area_cache_init(unsigned long limit);
void mal_area_cache_exit(void);

#endif /* _MAL_AREA_CACHE_H */
