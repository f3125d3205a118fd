/* SPDX-License-Identifier: GPL-2.0 */
/*
 * area_cache.h: the cache of areas that are free, and still mapped
 */
#ifndef _MAL_AREA_CACHE_H
#define _MAL_AREA_CACHE_H

#include <linux/compiler.h>
#include <linux/percpu.h>
#include <linux/preempt.h>
#include <linux/types.h>

#include "internal/area.h"
#include "internal/kmemleak.h"

/* A CPU keeps areas of one page up to so many. */
#define MAL_AREA_CPU_CLASSES	64

/**
 * struct mal_area_cpu - a CPU's part of the cache
 * @busy: somebody is in here: who interrupts them stays out
 * @nid: the node whose areas are kept here
 * @room: pages that it may hold beyond what it does
 * @granted: pages that it may hold
 * @nr: areas that it holds
 * @hits: allocations served from here
 * @tops: the area of each number of pages that was freed last; the others hang
 *	on it by mal_area.next
 *
 * Touched by its own CPU only, but for the figures, which anybody may read.
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
 * struct mal_area_cache_stats - the figures of the cache
 * @limit: pages that it may hold
 * @areas: that it holds
 * @pages: pages in these
 * @cpu_hits: allocations that a CPU's part served
 * @node_hits: allocations that a node's part served
 * @misses: allocations that were not served
 * @evicted: areas that had to go
 * @held: areas that were not kept, as somebody holds a page of them
 */
struct mal_area_cache_stats {
	unsigned long limit;
	unsigned long areas;
	unsigned long pages;
	unsigned long cpu_hits;
	unsigned long node_hits;
	unsigned long misses;
	unsigned long evicted;
	unsigned long held;
};

/**
 * mal_area_cpu_enter() - use this CPU's part of the cache
 * @cpu: it
 *
 * As mal_pcp_enter().
 *
 * Context: any. Preemption is off until mal_area_cpu_leave(), or at once on
 * again if somebody who was interrupted is in there; or in an NMI, if kmemleak
 * would have to be told.
 * Return: true, or false in that case.
 */
static __always_inline bool mal_area_cpu_enter(struct mal_area_cpu **cpu)
{
	preempt_disable();
	*cpu = this_cpu_ptr(&mal_area_cpu);
	/* Who interrupts this leaves the flag as it was. */
	if (unlikely(data_race((*cpu)->busy) || mal_kmemleak_forbids())) {
		preempt_enable();
		return false;
	}
	WRITE_ONCE((*cpu)->busy, true);
	barrier();
	return true;
}

/**
 * mal_area_cpu_leave() - the other end of mal_area_cpu_enter()
 * @cpu: what it returned
 *
 * Context: the same as that of mal_area_cpu_enter().
 */
static __always_inline void mal_area_cpu_leave(struct mal_area_cpu *cpu)
{
	barrier();
	WRITE_ONCE(cpu->busy, false);
	preempt_enable();
}

/**
 * mal_area_cpu_pop() - take an area from this CPU's part of the cache
 * @nr_pages: of the area, 1 to MAL_AREA_CPU_CLASSES
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
 * mal_area_cpu_push() - put an area into this CPU's part of the cache
 * @area: the area, free, of which nobody holds a page
 *
 * Context: any.
 * Return: true, or false if there is no room for it, or it is none that is kept
 * here.
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
void mal_area_cache_keep(struct mal_area *area);
void mal_area_cache_defer(struct mal_area *area);

void mal_area_cache_sync(void);
unsigned long mal_area_cache_shrink(unsigned long nr_pages);
void mal_area_cache_set_limit(unsigned long nr_pages);
void mal_area_cache_stats(struct mal_area_cache_stats *stats);

int mal_area_cache_init(unsigned long limit);
void mal_area_cache_exit(void);

#endif /* _MAL_AREA_CACHE_H */
