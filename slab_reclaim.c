// SPDX-License-Identifier: GPL-2.0
/*
 * Slab reclaim: memory of caches that is not in use
 *
 * Any task can empty barns and free empty slabs; only a CPU itself can
 * hand over its sheaves. Shrinking and destruction take everything. Reclaim
 * under memory pressure takes barns and empty slabs, and the sheaves of CPUs
 * only if it found none of these, or if an allocation would otherwise fail.
 *
 * The host's reclaim continues where its last call stopped. The amount of
 * reclaimable memory is known without a walk; see slab_idle.c.
 *
 * Lock order: the host's CPU hotplug lock, mal_cache_mutex, then
 * mal_slab_node.lock or mal_slab_node.barn_lock. Reclaim only tries the mutex.
 *
 * Context: task. The shrinker's functions are called from any context that may
 * reclaim and sleep.
 */
#include <linux/cpuhotplug.h>
#include <linux/kernel.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/nodemask.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/shrinker.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include <memalloc/slab_cache.h>

#include "internal/barn.h"
#include "internal/compat.h"
#include "internal/delay.h"
#include "internal/kunit.h"
#include "internal/reclaim.h"
#include "internal/sheaf_cpu.h"
#include "internal/slab.h"
#include "internal/slab_alloc.h"
#include "internal/slab_cache.h"
#include "internal/slab_guard.h"
#include "internal/slab_idle.h"
#include "internal/slab_list.h"
#include "internal/slab_quarantine.h"
#include "internal/slab_reclaim.h"

/* Ticks to wait for a concurrent reaper before failing. */
#define MAL_REAP_TRIES		10

static struct shrinker *mal_cache_shrinker;
static int mal_cache_cpuhp;

static unsigned long mal_node_empty(struct mal_kmem_cache *cache,
				    struct mal_slab_node *node)
{
	struct mal_slab_gen before, after;
	unsigned long flags;
	LIST_HEAD(surplus);

	mal_slab_node_sum(node, &before);
	mal_barn_flush(cache, node);
	mal_guard_flush(node);
	mal_slab_quarantine_flush(node);
	spin_lock_irqsave(&node->lock, flags);
	mal_slab_node_shrink(node, 0, &surplus);
	mal_slab_node_sum(node, &after);
	spin_unlock_irqrestore(&node->lock, flags);
	mal_slab_destroy_list(&surplus);
	return before.nr_slabs - min(before.nr_slabs, after.nr_slabs);
}

/* Flush barns, free empty slabs. Returns an approximate number of pages. */
static unsigned long mal_cache_reap(struct mal_kmem_cache *cache)
{
	unsigned long slabs = 0;
	int nid;

	for_each_node(nid)
		slabs += mal_node_empty(cache, cache->nodes[nid]);
	return slabs << cache->order;
}

/**
 * mal_cache_empty() - free all memory that a cache does not need
 * @cache: the cache
 *
 * Context: task; sleeps; between mal_caches_lock() and mal_caches_unlock().
 */
void mal_cache_empty(struct mal_kmem_cache *cache)
{
	mal_deferred_sync();
	mal_sheaf_drain(cache);
	mal_cache_reap(cache);
}

/**
 * mal_kmem_cache_shrink() - free the memory that a cache does not need
 * @cache: the cache
 *
 * A fatal signal ends the wait for the mutex; the cache is then not shrunk.
 *
 * Context: task; sleeps.
 * Return: 0 if no slab is left, otherwise 1.
 */
int mal_kmem_cache_shrink(struct mal_kmem_cache *cache)
{
	unsigned long slabs = 0;
	int nid;

	if (!mal_caches_lock_killable())
		return 1;
	mal_cache_empty(cache);
	mal_caches_unlock();
	for_each_node(nid) {
		struct mal_slab_gen sum;

		mal_slab_node_sum(cache->nodes[nid], &sum);
		slabs += sum.nr_slabs;
	}
	return !!slabs;
}
MAL_EXPORT(mal_kmem_cache_shrink);

/*
 * Caches that are reaped together: each CPU is interrupted once for all of
 * them.
 */
static struct mal_kmem_cache *mal_reap_batch[MAL_SHEAF_DRAIN_BATCH];

/* Maximum number of caches that one call of the host's reclaim visits. */
#define MAL_REAP_SCAN	(64 * MAL_SHEAF_DRAIN_BATCH)

/*
 * After this many ends of rounds, both kinds of round have covered all caches.
 */
#define MAL_REAP_ENDS	3

/**
 * struct mal_reap - position of the host's reclaim
 * @id: ID of the last cache visited
 * @drain: this round drains the CPUs, too
 * @found: this round has freed something
 *
 * A round visits all caches from the first to the last, in one or more calls.
 * If it frees nothing, the next round drains the CPUs.
 *
 * Protected by mal_cache_mutex.
 */
struct mal_reap {
	unsigned long id;
	bool drain;
	bool found;
};

static struct mal_reap mal_reap;

/* Collect the next caches after *@id. Returns their number, or 0 at the end. */
static unsigned int mal_reap_collect(unsigned long *id)
{
	struct mal_kmem_cache *cache;
	unsigned int nr = 0;

	while (nr < MAL_SHEAF_DRAIN_BATCH && (cache = mal_cache_after(id)))
		if (!(cache->flags & MAL_CACHE_NO_REAP))
			mal_reap_batch[nr++] = cache;
	return nr;
}

/*
 * Reap the next caches after *@id. The mutex may only be tried here, so do not
 * drop it. Returns false at the end.
 */
static bool mal_reap_some(unsigned long *id, bool drain, unsigned long *pages)
{
	unsigned int i, nr = mal_reap_collect(id);

	if (nr && drain)
		*pages += DIV_ROUND_UP(mal_sheaf_drain_many(mal_reap_batch, nr),
				       PAGE_SIZE);
	for (i = 0; i < nr; i++) {
		*pages += mal_cache_reap(mal_reap_batch[i]);
		cond_resched();
	}
	return nr;
}

static unsigned long mal_caches_reap(bool drain)
{
	unsigned long id = 0, pages = 0;

	while (mal_reap_some(&id, drain, &pages))
		if (pages && fatal_signal_pending(current))
			break;
	return pages;
}

static void mal_reap_end_round(void)
{
	mal_reap.drain = !mal_reap.drain && !mal_reap.found;
	mal_reap.found = false;
	mal_reap.id = 0;
}

/*
 * Continue where the last call stopped, until @enough pages are freed. A killed
 * task needs only a few pages to exit, but may depend on them. Returns the
 * number of pages freed, or SHRINK_STOP if nothing is left.
 */
static unsigned long mal_caches_reap_on(unsigned long enough)
{
	unsigned int ends = 0, scanned = 0;
	unsigned long pages = 0;

	while (pages < enough && ends < MAL_REAP_ENDS &&
	       scanned < MAL_REAP_SCAN) {
		unsigned long got = 0;

		if (!mal_reap_some(&mal_reap.id, mal_reap.drain, &got)) {
			mal_reap_end_round();
			ends++;
		}
		mal_reap.found |= got;
		pages += got;
		scanned += MAL_SHEAF_DRAIN_BATCH;
		if (pages && fatal_signal_pending(current))
			break;
	}
	return pages || ends < MAL_REAP_ENDS ? pages : SHRINK_STOP;
}

/*
 * The holder of the mutex may wait for something that the caller holds: try
 * only for a short time.
 */
static bool mal_caches_trylock(void)
{
	int tries;

	for (tries = MAL_REAP_TRIES; !mutex_trylock(&mal_cache_mutex); tries--) {
		if (!tries)
			return false;
		schedule_timeout_uninterruptible(1);
	}
	return true;
}

/**
 * mal_slab_reap() - reclaim spare memory of all caches
 * @min_pages: do nothing if barns and empty slabs have fewer pages; zero: take
 *	everything, including the sheaves of all CPUs
 *
 * Context: task, in reclaim; waits only briefly for tasks that may wait for
 * memory.
 * Return: approximate number of pages freed to the page allocator.
 */
unsigned long mal_slab_reap(unsigned long min_pages)
{
	unsigned long pages = 0;

	if (mal_idle_pages(MAL_IDLE_SHARED) < min_pages)
		return 0;
	if (min_pages ? !mutex_trylock(&mal_cache_mutex) : !mal_caches_trylock())
		return 0;
	pages = mal_caches_reap(!min_pages);
	mutex_unlock(&mal_cache_mutex);
	return pages;
}
MAL_EXPORT_FOR_KUNIT(mal_slab_reap);

static bool mal_cache_shrink_visit(struct mal_kmem_cache *cache, void *data)
{
	mal_cache_empty(cache);
	return !fatal_signal_pending(current);
}

/**
 * mal_slab_shrink() - free all unneeded memory of all caches
 *
 * A fatal signal ends it.
 *
 * Context: task; sleeps.
 */
void mal_slab_shrink(void)
{
	mal_caches_walk(mal_cache_shrink_visit, NULL);
}
MAL_EXPORT_FOR_KUNIT(mal_slab_shrink);

/* Returns an approximate number of pages. */
static unsigned long mal_caches_idle(void)
{
	return mal_idle_pages(MAL_IDLE_SHARED) + mal_idle_pages(MAL_IDLE_CPU);
}

/*
 * The host never reclaims memory that is not counted here, even when it is
 * short.
 */
static unsigned long mal_cache_shrinker_count(struct shrinker *shrinker,
					      struct shrink_control *sc)
{
	return mal_caches_idle() ?: SHRINK_EMPTY;
}

/*
 * Do not wait for the mutex. Drain the CPUs if there is nothing else. The host
 * calls again if there is more to scan.
 */
static unsigned long mal_cache_shrinker_scan(struct shrinker *shrinker,
					     struct shrink_control *sc)
{
	unsigned long pages;

	if (!mutex_trylock(&mal_cache_mutex))
		return SHRINK_STOP;
	pages = mal_caches_reap_on(sc->nr_to_scan);
	mutex_unlock(&mal_cache_mutex);
	return pages;
}

/*
 * Purging: a stale entry of a sheaf refers to a description; see
 * mal_slab_retire(). First, sheaves with objects are kept out of the barns, and
 * the barns are flushed: from then on, a sheaf leaves a barn only with objects
 * that were taken from slabs later. A grace period later, each sheaf that left
 * a barn earlier belongs to a CPU. When the CPUs' sheaves have been flushed, no
 * entry of that time is left.
 */

/**
 * mal_slab_free_retired() - free the descriptions of destroyed slabs
 * @retired: what mal_slab_take_retired() took; no sheaf has an entry for them
 *
 * Context: any but NMI.
 */
void mal_slab_free_retired(struct list_head *retired)
{
	struct mal_slab *slab, *next;

	list_for_each_entry_safe(slab, next, retired, link)
		kfree_rcu(slab, rcu);
}

static bool mal_cache_purge_begin(struct mal_kmem_cache *cache, void *retired)
{
	bool any = false;
	int nid;

	for_each_node(nid)
		any |= !list_empty_careful(&cache->nodes[nid]->retired);
	if (!any)
		return true;
	WRITE_ONCE(cache->purging, true);
	for_each_node(nid) {
		mal_slab_take_retired(cache->nodes[nid], retired);
		mal_barn_flush(cache, cache->nodes[nid]);
	}
	return true;
}

/*
 * Collect the next caches after *@id that are being purged. Returns their
 * number.
 */
static unsigned int mal_purge_collect(unsigned long *id)
{
	struct mal_kmem_cache *cache;
	unsigned int nr = 0, scanned = 0;

	while (nr < MAL_SHEAF_DRAIN_BATCH && scanned++ < MAL_REAP_SCAN &&
	       (cache = mal_cache_after(id)))
		if (cache->purging)
			mal_reap_batch[nr++] = cache;
	return nr;
}

/*
 * Purge a batch of caches; each CPU is interrupted once. Returns false at the
 * end.
 */
static bool mal_purge_some(unsigned long *id)
{
	const unsigned long before = *id;
	unsigned int nr, i;

	mal_caches_lock();
	nr = mal_purge_collect(id);
	if (nr)
		mal_sheaf_drain_many(mal_reap_batch, nr);
	for (i = 0; i < nr; i++)
		WRITE_ONCE(mal_reap_batch[i]->purging, false);
	mal_caches_unlock();
	return *id != before;
}

static void mal_caches_purge(struct work_struct *work)
{
	unsigned long id = 0;
	LIST_HEAD(retired);

	mal_caches_walk_all(mal_cache_purge_begin, &retired);
	if (list_empty(&retired))
		return;
	synchronize_rcu();
	mal_delay(MAL_DELAY_CACHE_PURGED);
	while (mal_purge_some(&id))
		cond_resched();
	mal_slab_free_retired(&retired);
}

/*
 * CPU hotplug, load and unload
 */

/* Flush the sheaves of a CPU that went offline. */
static int mal_cache_cpu_dead(unsigned int cpu)
{
	struct mal_kmem_cache *cache;
	unsigned long id = 0;

	mutex_lock(&mal_cache_mutex);
	while ((cache = mal_cache_after(&id))) {
		mal_sheaf_drain_dead(cache, cpu);
		cond_resched();
	}
	mutex_unlock(&mal_cache_mutex);
	return 0;
}

/**
 * mal_slab_reclaim_init() - let the host and the page allocator reclaim
 *
 * Context: task.
 * Return: 0, or a negative error code.
 */
int mal_slab_reclaim_init(void)
{
	int err;

	INIT_DEFERRABLE_WORK(&mal_slab_purge_work, mal_caches_purge);
	err = cpuhp_setup_state(CPUHP_BP_PREPARE_DYN, "memalloc/slab:dead", NULL,
				mal_cache_cpu_dead);
	if (err < 0)
		return err;
	mal_cache_cpuhp = err;
	mal_cache_shrinker = mal_shrinker_create(0, "memalloc-slab",
						 mal_cache_shrinker_count,
						 mal_cache_shrinker_scan);
	if (!mal_cache_shrinker) {
		cpuhp_remove_state_nocalls(mal_cache_cpuhp);
		return -ENOMEM;
	}
	mal_reclaim_set(MAL_RECLAIM_SLABS, mal_slab_reap);
	mal_reclaim_set_idle(mal_caches_idle);
	return 0;
}

/**
 * mal_slab_reclaim_exit() - undo mal_slab_reclaim_init()
 *
 * A purge may still run, until the last caches are destroyed; see
 * mal_slab_purge_work.
 *
 * Context: task.
 */
void mal_slab_reclaim_exit(void)
{
	mal_reclaim_set_idle(NULL);
	mal_reclaim_set(MAL_RECLAIM_SLABS, NULL);
	shrinker_free(mal_cache_shrinker);
	cpuhp_remove_state_nocalls(mal_cache_cpuhp);
}
