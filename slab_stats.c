// SPDX-License-Identifier: GPL-2.0
/*
 * Slab statistics: figures, validation and leaks of caches
 *
 * The figures of a cache are exact while the cache is not in use and no other
 * task returns its sheaves to the slabs, which happens under mal_cache_mutex.
 *
 * Locking: mal_cache_mutex, then mal_slab_node.lock or
 * mal_slab_node.barn_lock.
 *
 * Context: task, unless noted otherwise.
 */
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/nodemask.h>
#include <linux/percpu.h>
#include <linux/sched/signal.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>

#include <uapi/linux/memalloc.h>

#include "internal/barn.h"
#include "internal/kunit.h"
#include "internal/leak.h"
#include "internal/peek.h"
#include "internal/sheaf_cpu.h"
#include "internal/site.h"
#include "internal/slab.h"
#include "internal/slab_cache.h"
#include "internal/slab_debug.h"
#include "internal/slab_guard.h"
#include "internal/slab_leak.h"
#include "internal/slab_list.h"
#include "internal/slab_option.h"
#include "internal/tally.h"

static void mal_node_stats(struct mal_kmem_cache *cache, int nid,
			   struct mal_cache_stats *stats)
{
	struct mal_slab_node *node = cache->nodes[nid];
	struct mal_slab_gen sum;
	unsigned long flags;

	spin_lock_irqsave(&node->lock, flags);
	mal_slab_node_sum(node, &sum);
	stats->active += sum.nr_objects - sum.nr_free - node->nr_quarantined;
	stats->objects += sum.nr_objects;
	stats->active_slabs += sum.nr_slabs - sum.nr_empty;
	stats->slabs += sum.nr_slabs;
	stats->slab_pages += sum.nr_pages;
	stats->active += node->nr_guards_live;
	stats->objects += node->nr_guards;
	stats->active_slabs += node->nr_guards_live;
	stats->slabs += node->nr_guards;
	stats->slab_pages += node->nr_guards << mal_guard_order(cache);
	spin_unlock_irqrestore(&node->lock, flags);
}

/**
 * mal_cache_stats_peek() - read the statistics of a cache without a lock
 * @cache: the cache
 * @stats: the statistics; exact while the cache is not in use and the caller
 *	   holds the mutex of the caches
 *
 * Without the mutex, the objects in sheaves that reclaim or the purge of stale
 * entries is returning count as allocated.
 *
 * Context: any but NMI.
 */
void mal_cache_stats_peek(struct mal_kmem_cache *cache,
			  struct mal_cache_stats *stats)
{
	u64 cached;
	int nid, cpu;

	memset(stats, 0, sizeof(*stats));
	for_each_node(nid)
		mal_node_stats(cache, nid, stats);
	cached = mal_sheaf_count(cache);
	stats->active -= min(cached, stats->active);
	for_each_possible_cpu(cpu) {
		const struct mal_cpu_sheaves *sheaves = per_cpu_ptr(cache->cpu, cpu);

		stats->hits += mal_peek(sheaves->hits);
		stats->misses += mal_peek(sheaves->misses) +
				 mal_peek(sheaves->busy_misses);
	}
}
MAL_EXPORT_FOR_KUNIT(mal_cache_stats_peek);

/**
 * mal_cache_stats() - collect the statistics of a cache
 * @cache: the cache
 * @stats: the statistics; exact while the cache is not in use
 *
 * Waits until no other task returns sheaves of any cache to the slabs.
 *
 * Context: task; sleeps.
 */
void mal_cache_stats(struct mal_kmem_cache *cache, struct mal_cache_stats *stats)
{
	mutex_lock(&mal_cache_mutex);
	mal_cache_stats_peek(cache, stats);
	mutex_unlock(&mal_cache_mutex);
}
MAL_EXPORT_FOR_KUNIT(mal_cache_stats);

static bool mal_cache_validate(struct mal_kmem_cache *cache, void *data)
{
	struct mal_tally *tally = data;
	int nid;

	mal_sheaf_validate(cache, tally);
	for_each_node(nid) {
		mal_slab_node_validate(cache, nid, tally);
		mal_barn_validate(cache, nid, tally);
	}
	return !fatal_signal_pending(current);
}

/**
 * mal_slab_validate() - check every invariant of every cache
 * @checked: increased by the number of checks
 *
 * A fatal signal ends it.
 *
 * Context: task; sleeps.
 * Return: number of failed checks, each of which has been reported.
 */
u64 mal_slab_validate(u64 *checked)
{
	struct mal_tally tally = { };

	mal_caches_walk(mal_cache_validate, &tally);
	*checked += tally.checked;
	return tally.errors;
}
MAL_EXPORT_FOR_KUNIT(mal_slab_validate);

static unsigned int mal_cache_slab_objects(const struct mal_kmem_cache *cache)
{
	return (PAGE_SIZE << cache->order) / cache->size;
}

/*
 * Translate the flags to the uapi; MEMALLOC_CACHE_HWCACHE_ALIGN is not stored.
 */
static u64 mal_cache_user_flags(const struct mal_kmem_cache *cache)
{
	static const struct {
		u32 flag;
		u32 user;
	} flags[] = {
		{ MAL_CACHE_RCU, MEMALLOC_CACHE_TYPESAFE_BY_RCU },
		{ MAL_CACHE_RECLAIM, MEMALLOC_CACHE_RECLAIM_ACCOUNT },
		{ MAL_CACHE_NO_REAP, MEMALLOC_CACHE_NO_REAP },
		{ MAL_CACHE_RED_ZONE, MEMALLOC_CACHE_RED_ZONE },
		{ MAL_CACHE_POISON, MEMALLOC_CACHE_POISON },
		{ MAL_CACHE_STORE_USER, MEMALLOC_CACHE_STORE_USER },
		{ MAL_CACHE_CHECKS, MEMALLOC_CACHE_CHECKS },
		{ MAL_CACHE_QUARANTINE, MEMALLOC_CACHE_QUARANTINE },
		{ MAL_CACHE_GUARD, MEMALLOC_CACHE_GUARD },
	};
	u64 user = 0;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(flags); i++)
		if (cache->flags & flags[i].flag)
			user |= flags[i].user;
	if (cache->gfp & __GFP_DMA)
		user |= MEMALLOC_CACHE_DMA;
	if (cache->gfp & __GFP_DMA32)
		user |= MEMALLOC_CACHE_DMA32;
	return user;
}

static void mal_cache_stats_fill_locked(struct mal_kmem_cache *cache,
					struct memalloc_stats_cache *stats)
{
	struct mal_cache_stats now;

	mal_cache_stats_peek(cache, &now);
	*stats = (struct memalloc_stats_cache) {
		.flags = mal_cache_user_flags(cache),
		.object_size = cache->object_size,
		.stride = cache->size,
		.align = cache->align,
		.useroffset = cache->useroffset,
		.usersize = cache->usersize,
		.slab_objects = mal_cache_slab_objects(cache),
		.slab_pages = 1 << cache->order,
		.sheaf_objects = cache->sheaf_capacity,
		.active = now.active,
		.objects = now.objects,
		.active_slabs = now.active_slabs,
		.slabs = now.slabs,
		.pages = now.slab_pages,
		.hits = now.hits,
		.misses = now.misses,
	};
	strscpy(stats->name, cache->name, sizeof(stats->name));
}

/**
 * mal_cache_stats_fill() - collect the statistics of a cache for user space
 * @cache: the cache
 * @stats: the statistics, as of mal_cache_stats()
 *
 * Context: task; sleeps.
 */
void mal_cache_stats_fill(struct mal_kmem_cache *cache,
			  struct memalloc_stats_cache *stats)
{
	mutex_lock(&mal_cache_mutex);
	mal_cache_stats_fill_locked(cache, stats);
	mutex_unlock(&mal_cache_mutex);
}

/**
 * mal_cache_stats_at() - collect the statistics of a cache by its index
 * @index: index of the cache, from zero
 * @stats: the statistics
 *
 * Efficient for ascending indices; see mal_cache_at().
 *
 * Context: task; sleeps.
 * Return: true, or false if the index is too large or the task has been killed.
 */
bool mal_cache_stats_at(unsigned int index, struct memalloc_stats_cache *stats)
{
	struct mal_kmem_cache *cache;

	if (mutex_lock_killable(&mal_cache_mutex))
		return false;
	cache = mal_cache_at(index);
	if (cache)
		mal_cache_stats_fill_locked(cache, stats);
	mutex_unlock(&mal_cache_mutex);
	return cache;
}
MAL_EXPORT_FOR_KUNIT(mal_cache_stats_at);

/* Returns false if further output is useless. */
static bool mal_show_continues(struct seq_file *m)
{
	return !seq_has_overflowed(m) && !fatal_signal_pending(current);
}

static void mal_cache_show(struct mal_kmem_cache *cache, struct seq_file *m)
{
	char letters[MAL_SLAB_LETTERS];
	struct mal_cache_stats stats;

	mal_cache_stats_peek(cache, &stats);
	seq_printf(m, "%-17s %6llu %6llu %6u %4u %4d", cache->name,
		   stats.active, stats.objects, cache->size,
		   mal_cache_slab_objects(cache), 1 << cache->order);
	seq_printf(m, " : tunables %4u %4u %4u", cache->sheaf_capacity,
		   cache->sheaf_capacity, cache->max_nonempty_sheaves);
	seq_printf(m, " : slabdata %6llu %6llu %6u", stats.active_slabs,
		   stats.slabs, 0);
	seq_printf(m, " : cpustat %llu %llu", stats.hits, stats.misses);
	seq_printf(m, " : debug %s\n",
		   mal_slab_option_letters(cache->flags, letters));
}

/**
 * mal_slab_show() - print the head of the section "slabs"
 * @m: /proc/memalloc
 *
 * mal_slab_show_one() prints the lines, one for each cache.
 *
 * The columns are those of slabinfo 2.1, then the allocations that a sheaf
 * served and those that it did not, and the debug modes, in the letters of the
 * parameter slab_debug.
 *
 * Context: task.
 */
void mal_slab_show(struct seq_file *m)
{
	seq_puts(m, "\n[slabs]\n");
	seq_puts(m, "# name            <active_objs> <num_objs> <objsize> <objperslab> <pagesperslab>");
	seq_puts(m, " : tunables <limit> <batchcount> <sharedfactor>");
	seq_puts(m, " : slabdata <active_slabs> <num_slabs> <sharedavail>");
	seq_puts(m, " : cpustat <hits> <misses> : debug <modes>\n");
}

/**
 * mal_slab_show_next() - find the next line in the section "slabs"
 * @id: ID of the cache shown last, or zero; set to that of the next one
 *
 * Context: any but NMI.
 * Return: true if there is another line.
 */
bool mal_slab_show_next(unsigned long *id)
{
	return mal_cache_after(id);
}

/**
 * mal_slab_show_one() - print the line of a cache in the section "slabs"
 * @m: /proc/memalloc
 * @id: ID of the cache, from mal_slab_show_next(); the cache may be gone
 *
 * Context: task; sleeps.
 */
void mal_slab_show_one(struct seq_file *m, unsigned long id)
{
	struct mal_kmem_cache *cache;

	if (mutex_lock_killable(&mal_cache_mutex))
		return;
	cache = mal_cache_find(id);
	if (cache)
		mal_cache_show(cache, m);
	mutex_unlock(&mal_cache_mutex);
}

static bool mal_cache_find_tracked(struct mal_kmem_cache *cache, void *tracked)
{
	*(bool *)tracked = mal_slab_leak_is_tracked(cache);
	return !*(bool *)tracked && !fatal_signal_pending(current);
}

static bool mal_cache_leaks_show(struct mal_kmem_cache *cache, void *m)
{
	mal_slab_leak_show(m, cache);
	return mal_show_continues(m);
}

/**
 * mal_slab_leaks_show() - print the section "leaks"
 * @m: /proc/memalloc
 *
 * The section is printed only if a cache tracks callers. The columns are the
 * number of objects, the requested bytes, the seconds since the oldest was
 * allocated, and the allocation site.
 *
 * Context: task.
 */
void mal_slab_leaks_show(struct seq_file *m)
{
	bool tracked = false;

	mal_caches_walk(mal_cache_find_tracked, &tracked);
	if (!tracked)
		return;
	seq_puts(m, "\n[leaks]\n");
	seq_puts(m, "# cache            objects      bytes   oldest site\n");
	mal_caches_walk(mal_cache_leaks_show, m);
	mal_page_leak_show(m);
}
