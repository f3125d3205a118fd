// SPDX-License-Identifier: GPL-2.0
/*
 * Idle memory of caches: an estimate
 *
 * The host's reclaim often asks how much memory it could get, and the page
 * allocator asks before it borrows. The cost of the answer must not depend on
 * the number of caches. So two sums are maintained, in bytes, over all caches
 * that may be reaped:
 *
 *	shared	empty slabs, quarantined objects, and the barns: their sheaves
 *		with the objects in them
 *	cpu	the sheaves of the CPUs, each counted as half full, because the
 *		fast path does not count
 *
 * A sum changes when a slab becomes empty or ceases to be, and when a sheaf is
 * created, freed, or moved to or from a barn. Each CPU has its own part of both
 * sums. A part may be negative; only the total is meaningful.
 *
 * Locking: none. An interrupt handler may add at any point.
 *
 * Context: any.
 */
#include <linux/cpumask.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/percpu.h>

#include "internal/kunit.h"
#include "internal/peek.h"
#include "internal/slab.h"
#include "internal/slab_idle.h"

/**
 * struct mal_idle - one CPU's part of the sums
 * @bytes: the sums, indexed by enum mal_idle_kind
 */
struct mal_idle {
	long bytes[MAL_NR_IDLE_KINDS];
};

static DEFINE_PER_CPU(struct mal_idle, mal_idle);

/**
 * mal_idle_add() - account a change of a cache's idle memory
 * @cache: the cache
 * @kind: place of the memory
 * @bytes: change in bytes; negative for a decrease
 *
 * Context: any.
 */
void mal_idle_add(const struct mal_kmem_cache *cache, enum mal_idle_kind kind,
		  long bytes)
{
	if (!(cache->flags & MAL_CACHE_NO_REAP))
		this_cpu_add(mal_idle.bytes[kind], bytes);
}

/**
 * mal_idle_pages() - estimate the idle memory of all caches
 * @kind: place of the memory
 *
 * Reads one cache line for each possible CPU.
 *
 * Context: any.
 * Return: number of pages; exact while no cache is in use, except for sheaves
 * that are not half full.
 */
unsigned long mal_idle_pages(enum mal_idle_kind kind)
{
	long bytes = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		bytes += mal_peek(per_cpu_ptr(&mal_idle, cpu)->bytes[kind]);
	return DIV_ROUND_UP((unsigned long)max(bytes, 0L), PAGE_SIZE);
}
MAL_EXPORT_FOR_KUNIT(mal_idle_pages);
