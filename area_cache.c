// SPDX-License-Identifier: GPL-2.0
/*
 * Cache of mapped areas: freed areas stay mapped for reuse
 *
 * Creating an area costs page tables. Destroying it costs TLB flushes on all
 * CPUs. So freed areas are kept as they are, in two levels:
 *
 *	CPU	areas of up to MAL_AREA_CPU_CLASSES pages, on a stack for each
 *		number of pages. Uses neither locks nor atomic operations, see
 *		pcp.c: an interrupt handler that finds the cache in use bypasses
 *		it.
 *	node	areas of any size, in a tree by size and a list by age. The
 *		smallest sufficient area is used if it exceeds the request by no
 *		more than an eighth. Areas below 8 pages must fit exactly.
 *
 * When a CPU's cache is full, all of it moves to the node's cache, older areas
 * of each size before younger ones. When the nodes' caches are full, the oldest
 * areas are unmapped until an eighth of the limit is free.
 *
 * Limit. The limit is the module parameter area_cache_mb. A quarter of it is
 * divided among the CPUs, but no CPU caches more than MAL_AREA_CPU_MAX. The
 * nodes share the rest. An area is cached, in use, or in transit between the
 * two. Deferred areas come in addition to the limit.
 *
 * Cached areas are borrowed from the host and not available to other
 * allocations. They are evicted before anything else is: on memory pressure of
 * the host (a shrinker), before an allocation of pages fails, and on request.
 *
 * A reused area contains old data, like pages of the host, unless zeroes are
 * requested. An area with a pinned page, by a pipe for example, is never
 * cached.
 *
 * Contexts. The CPU level: any. The rest sleeps, so areas that an interrupt
 * handler cannot cache at once are left to a worker.
 *
 * Locking: mal_area_node.lock, taken in task context only, with interrupts on,
 * and no lock under it. It is not held while CPUs are asked to hand over their
 * caches.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cpu.h>
#include <linux/cpuhotplug.h>
#include <linux/cpumask.h>
#include <linux/irq_work.h>
#include <linux/kernel.h>
#include <linux/kmemleak.h>
#include <linux/llist.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/nodemask.h>
#include <linux/rbtree.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/shrinker.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/topology.h>
#include <linux/workqueue.h>

#include "internal/area_cache.h"
#include "internal/compat.h"
#include "internal/delay.h"
#include "internal/kunit.h"
#include "internal/page_poison.h"
#include "internal/peek.h"
#include "internal/pinned.h"
#include "internal/reclaim.h"

/* One part in this many of the limit is for the CPUs. */
#define MAL_AREA_CPU_SHARE	4

/* Maximum number of pages a CPU may cache, regardless of the limit. */
#define MAL_AREA_CPU_MAX	(SZ_4M >> PAGE_SHIFT)

/* Evict one part in this many of the nodes' limit at once. */
#define MAL_AREA_BATCH		8

/*
 * Pages to evict before an allocation fails: enough for a block of any order.
 */
#define MAL_AREA_REAP		(2UL << MAL_MAX_ORDER)

/* Maximum number of areas taken from a node per critical section. */
#define MAL_AREA_BURST		64

/**
 * struct mal_area_node - cache of a node
 * @lock: protects everything below
 * @sizes: the areas by number of pages
 * @ages: the areas in the order of their frees, oldest first
 */
struct mal_area_node {
	spinlock_t lock;
	struct rb_root sizes;
	struct list_head ages;
};

DEFINE_PER_CPU(struct mal_area_cpu, mal_area_cpu);

static struct mal_area_node *mal_area_nodes;
static unsigned long mal_area_limit;		/* for all, in pages */
static unsigned long mal_area_cpu_limit;	/* for each CPU */
static unsigned long mal_area_node_limit;	/* for all nodes */
static DEFINE_MUTEX(mal_area_limit_mutex);	/* serializes changes */

/* In the nodes' caches. */
static atomic_long_t mal_area_parked, mal_area_parked_pages;

static atomic_long_t mal_area_node_hits, mal_area_misses;
static atomic_long_t mal_area_evicted, mal_area_pinned;

static struct shrinker *mal_area_shrinker;
static int mal_area_cpuhp;

/*
 * Nodes
 */

static void mal_area_node_insert(struct mal_area_node *node, struct mal_area *area)
{
	struct rb_node **link = &node->sizes.rb_node, *parent = NULL;

	while (*link) {
		parent = *link;
		if (area->nr_pages <= rb_entry(parent, struct mal_area, by_size)->nr_pages)
			link = &parent->rb_left;
		else
			link = &parent->rb_right;
	}
	rb_link_node(&area->by_size, parent, link);
	rb_insert_color(&area->by_size, &node->sizes);
	list_add_tail(&area->by_age, &node->ages);
	atomic_long_inc(&mal_area_parked);
	atomic_long_add(area->nr_pages, &mal_area_parked_pages);
}

static void mal_area_node_remove(struct mal_area_node *node, struct mal_area *area)
{
	rb_erase(&area->by_size, &node->sizes);
	list_del(&area->by_age);
	atomic_long_dec(&mal_area_parked);
	atomic_long_sub(area->nr_pages, &mal_area_parked_pages);
}

/* The smallest area with at least @nr_pages; of equal ones, the last freed. */
static struct mal_area *mal_area_node_find(struct mal_area_node *node,
					   unsigned long nr_pages)
{
	struct rb_node *at = node->sizes.rb_node;
	struct mal_area *best = NULL;

	while (at) {
		struct mal_area *area = rb_entry(at, struct mal_area, by_size);

		if (area->nr_pages >= nr_pages) {
			best = area;
			at = at->rb_left;
		} else {
			at = at->rb_right;
		}
	}
	return best;
}

static struct mal_area *mal_area_node_take(int nid, unsigned long nr_pages)
{
	struct mal_area_node *node = &mal_area_nodes[nid];
	struct mal_area *area;

	spin_lock(&node->lock);
	area = mal_area_node_find(node, nr_pages);
	if (area && !mal_area_fits(area, nr_pages))
		area = NULL;
	if (area)
		mal_area_node_remove(node, area);
	spin_unlock(&node->lock);
	return area;
}

/*
 * Take the oldest areas of a node, up to @nr_pages pages or MAL_AREA_BURST
 * areas.
 */
static unsigned long mal_area_node_evict(int nid, unsigned long nr_pages,
					 struct list_head *areas)
{
	struct mal_area_node *node = &mal_area_nodes[nid];
	unsigned long pages = 0;
	struct mal_area *area;
	unsigned int i;

	spin_lock(&node->lock);
	for (i = 0; i < MAL_AREA_BURST && pages < nr_pages; i++) {
		area = list_first_entry_or_null(&node->ages, struct mal_area, by_age);
		if (!area)
			break;
		mal_area_node_remove(node, area);
		list_add_tail(&area->by_age, areas);
		pages += area->nr_pages;
	}
	spin_unlock(&node->lock);
	atomic_long_add(i, &mal_area_evicted);
	return pages;
}

/* Has the task been killed? Not checked if other tasks depend on the result. */
static bool mal_area_should_stop(bool killable)
{
	return killable && fatal_signal_pending(current);
}

/*
 * Returns the number of pages: at least @nr_pages, or fewer if there are no
 * more or the task is being killed.
 */
static unsigned long mal_area_nodes_evict(unsigned long nr_pages, bool killable)
{
	unsigned long pages = 0, burst;
	int nid;

	for_each_node(nid) {
		do {
			LIST_HEAD(areas);

			burst = mal_area_node_evict(nid, nr_pages - pages, &areas);
			mal_area_destroy_list(&areas);
			pages += burst;
		} while (burst && pages < nr_pages &&
			 !mal_area_should_stop(killable));
		if (pages >= nr_pages || mal_area_should_stop(killable))
			break;
	}
	return pages;
}

/*
 * CPUs
 */

/*
 * Empty a CPU's cache to a chain by mal_area.next, older areas of each size
 * first.
 */
static struct mal_area *mal_area_cpu_empty(struct mal_area_cpu *cpu)
{
	struct mal_area *chain = NULL, *area;
	unsigned int i;

	for (i = 1; cpu->nr && i <= MAL_AREA_CPU_CLASSES; i++) {
		while ((area = cpu->tops[i])) {
			cpu->tops[i] = area->next;
			area->next = chain;
			chain = area;
			cpu->nr--;
		}
	}
	WRITE_ONCE(cpu->granted, READ_ONCE(mal_area_cpu_limit));
	cpu->room = cpu->granted;
	return chain;
}

/* Returns the number of pages. */
static unsigned long mal_area_park_chain(struct mal_area *chain)
{
	unsigned long pages = 0;
	struct mal_area *area;

	mal_delay(MAL_DELAY_AREAS_PARKED);
	while ((area = chain)) {
		struct mal_area_node *node = &mal_area_nodes[area->nid];

		chain = area->next;
		pages += area->nr_pages;
		spin_lock(&node->lock);
		mal_area_node_insert(node, area);
		spin_unlock(&node->lock);
	}
	return pages;
}

static void mal_area_cpu_flush(void)
{
	struct mal_area_cpu *cpu;
	struct mal_area *chain;

	if (!mal_area_cpu_enter(&cpu))
		return;
	chain = mal_area_cpu_empty(cpu);
	mal_area_cpu_leave(cpu);
	mal_area_park_chain(chain);
}

/**
 * struct mal_area_handover - answer of a CPU that is asked to hand over its
 * cache
 * @chain: all areas it had cached
 * @busy: its cache was in use, so it handed over nothing
 */
struct mal_area_handover {
	struct mal_area *chain;
	bool busy;
};

static void mal_area_hand_over(void *data)
{
	struct mal_area_handover *handover = data;
	struct mal_area_cpu *cpu;

	handover->busy = !mal_area_cpu_enter(&cpu);
	if (handover->busy)
		return;
	handover->chain = mal_area_cpu_empty(cpu);
	mal_area_cpu_leave(cpu);
}

/*
 * A CPU that is offline, or going offline, hands over in mal_area_cpu_dead().
 */
static unsigned long mal_area_cpu_drain(int cpu)
{
	struct mal_area_handover handover;

	if (!mal_busy_call(cpu, mal_area_hand_over, &handover, &handover.busy))
		return 0;
	return mal_area_park_chain(handover.chain);
}

/*
 * Drain all CPUs, or only those with cached areas. Returns the number of pages.
 */
static unsigned long mal_area_cpus_drain(bool all)
{
	unsigned long pages = 0;
	int cpu;

	for_each_online_cpu(cpu)
		if (all || mal_peek(per_cpu_ptr(&mal_area_cpu, cpu)->nr))
			pages += mal_area_cpu_drain(cpu);
	return pages;
}

static int mal_area_cpu_prepare(unsigned int cpu)
{
	struct mal_area_cpu *part = per_cpu_ptr(&mal_area_cpu, cpu);

	part->nid = cpu_to_mem(cpu);
	part->granted = READ_ONCE(mal_area_cpu_limit);
	part->room = part->granted;
	return 0;
}

static int mal_area_cpu_dead(unsigned int cpu)
{
	struct mal_area_cpu *part = per_cpu_ptr(&mal_area_cpu, cpu);

	mal_area_park_chain(mal_area_cpu_empty(part));
	return 0;
}

/*
 * Taking and keeping areas
 */

/**
 * mal_area_cache_take() - take an area that this CPU's cache does not have
 * @nr_pages: minimum number of pages
 * @nid: node of the pages, or NUMA_NO_NODE for the nearest one
 *
 * Context: task; sleeps.
 * Return: a free area with at most an eighth more pages, or NULL.
 */
struct mal_area *mal_area_cache_take(unsigned long nr_pages, int nid)
{
	struct mal_area *area = NULL;

	if (atomic_long_read(&mal_area_parked))
		area = mal_area_node_take(nid == NUMA_NO_NODE ? numa_mem_id() : nid,
					  nr_pages);
	atomic_long_inc(area ? &mal_area_node_hits : &mal_area_misses);
	return area;
}

/* Add to the node's cache, unless the area would displace too many others. */
static bool mal_area_park(struct mal_area *area)
{
	struct mal_area_node *node = &mal_area_nodes[area->nid];

	if (area->nr_pages > READ_ONCE(mal_area_node_limit) / 2)
		return false;
	spin_lock(&node->lock);
	mal_area_node_insert(node, area);
	spin_unlock(&node->lock);
	return true;
}

/* Add to this CPU's cache, and flush it first if necessary. */
static bool mal_area_stack(struct mal_area *area)
{
	if (mal_area_cpu_push(area))
		return true;
	if (!area->class || area->nid != numa_mem_id() ||
	    area->class > READ_ONCE(mal_area_cpu_limit))
		return false;
	mal_area_cpu_flush();
	return mal_area_cpu_push(area);
}

/* Evict the oldest areas if the limit is exceeded. */
static void mal_area_check_limit(void)
{
	unsigned long limit = READ_ONCE(mal_area_node_limit);
	unsigned long pages = atomic_long_read(&mal_area_parked_pages);

	if (pages > limit)
		mal_area_nodes_evict(pages - (limit - limit / MAL_AREA_BATCH), false);
}

static bool mal_area_has_pinned(const struct mal_area *area)
{
	unsigned long i, nr;

	for (i = 0; i < area->nr_pages; i += nr) {
		nr = min_t(unsigned long, area->nr_pages - i, MAL_AREA_PIECE);
		if (mal_pages_are_pinned(area->pages + i, nr))
			return true;
		cond_resched();
	}
	return false;
}

/**
 * mal_area_cache_keep() - cache an area that this CPU's cache refused
 * @area: the area, free, with our own pages
 * @account: as for mal_area_destroy_charged()
 *
 * Context: task; sleeps.
 */
void mal_area_cache_keep(struct mal_area *area, u32 account)
{
	bool pinned = mal_area_has_pinned(area);

	if (pinned)
		atomic_long_inc(&mal_area_pinned);
	else if (want_init_on_free())
		mal_area_clear(area, area->nr_pages << PAGE_SHIFT, __GFP_NOFAIL);
	if (pinned || area->nid == NUMA_NO_NODE ||
	    (!mal_area_stack(area) && !mal_area_park(area)))
		mal_area_destroy_charged(area, account);
	mal_area_check_limit();
}

/*
 * Deferred work
 */

static LLIST_HEAD(mal_area_deferred);

static void mal_area_work_fn(struct work_struct *work)
{
	struct llist_node *all = llist_reverse_order(llist_del_all(&mal_area_deferred));
	struct mal_area *area, *next;

	llist_for_each_entry_safe(area, next, all, deferred) {
		/* An NMI handler could not tell kmemleak. */
		kmemleak_free(area->address);
		if (area->flags & MAL_AREA_MAP)
			mal_area_destroy(area);
		else
			mal_area_cache_keep(area, MAL_NO_ACCOUNT);
		cond_resched();
	}
}

static DECLARE_WORK(mal_area_work, mal_area_work_fn);

static void mal_area_irq_work_fn(struct irq_work *work)
{
	schedule_work(&mal_area_work);
}

static DEFINE_IRQ_WORK(mal_area_irq_work, mal_area_irq_work_fn);

/**
 * mal_area_cache_defer() - have a worker cache or destroy an area
 * @area: the area, free
 *
 * Context: any.
 */
void mal_area_cache_defer(struct mal_area *area)
{
	if (!llist_add(&area->deferred, &mal_area_deferred))
		return;
	if (in_nmi())
		irq_work_queue(&mal_area_irq_work);
	else
		schedule_work(&mal_area_work);
}

/**
 * mal_area_cache_sync() - wait for deferred areas
 *
 * Context: task; sleeps.
 */
void mal_area_cache_sync(void)
{
	irq_work_sync(&mal_area_irq_work);
	flush_work(&mal_area_work);
}
MAL_EXPORT_FOR_KUNIT(mal_area_cache_sync);

/*
 * Eviction
 */

/* Evict no more than is cached now, even if areas are added concurrently. */
static unsigned long mal_area_cache_evict(unsigned long nr_pages, bool killable)
{
	struct mal_area_cache_stats stats;
	unsigned long pages;

	mal_area_cache_stats(&stats);
	nr_pages = min(nr_pages, stats.pages);
	pages = mal_area_nodes_evict(nr_pages, killable);
	if (pages < nr_pages && !mal_area_should_stop(killable) &&
	    mal_area_cpus_drain(false))
		pages += mal_area_nodes_evict(nr_pages - pages, killable);
	return pages;
}

/**
 * mal_area_cache_shrink() - evict areas of the cache, oldest first
 * @nr_pages: minimum number of pages, if that many are cached now
 *
 * Context: task; sleeps, but does not wait for a task that waits for memory.
 * Return: number of pages evicted.
 */
unsigned long mal_area_cache_shrink(unsigned long nr_pages)
{
	return mal_area_cache_evict(nr_pages, false);
}
MAL_EXPORT_FOR_KUNIT(mal_area_cache_shrink);

/**
 * mal_area_cache_shrink_killable() - evict all areas of the cache
 *
 * Evicts what is cached when the call begins, or less if the task is being
 * killed.
 *
 * Context: task; sleeps.
 */
void mal_area_cache_shrink_killable(void)
{
	mal_area_cache_evict(ULONG_MAX, true);
}

/*
 * Called before an allocation of pages fails. Nothing is evicted before more
 * memory is borrowed: a mapped area is worth more than unborrowed pages.
 */
static unsigned long mal_area_reap(unsigned long min_pages)
{
	return min_pages ? 0 : mal_area_cache_shrink(MAL_AREA_REAP);
}

static unsigned long mal_area_shrinker_count(struct shrinker *shrinker,
					     struct shrink_control *sc)
{
	struct mal_area_cache_stats stats;

	mal_area_cache_stats(&stats);
	return stats.pages ?: SHRINK_EMPTY;
}

static unsigned long mal_area_shrinker_scan(struct shrinker *shrinker,
					    struct shrink_control *sc)
{
	sc->nr_scanned = mal_area_cache_shrink(sc->nr_to_scan);
	return sc->nr_scanned ?: SHRINK_STOP;
}

static void mal_area_share_limit(unsigned long nr_pages)
{
	unsigned long each = nr_pages / MAL_AREA_CPU_SHARE / num_possible_cpus();

	each = min_t(unsigned long, each, MAL_AREA_CPU_MAX);
	WRITE_ONCE(mal_area_limit, nr_pages);
	WRITE_ONCE(mal_area_cpu_limit, each);
	WRITE_ONCE(mal_area_node_limit, nr_pages - each * num_possible_cpus());
}

/**
 * mal_area_cache_set_limit() - change the limit of the cache
 * @nr_pages: new limit in pages; page_poison forces it to zero, as cached
 *	pages are not poisoned
 *
 * Context: task; sleeps.
 */
void mal_area_cache_set_limit(unsigned long nr_pages)
{
	if (mal_page_poison_on())
		nr_pages = 0;
	mutex_lock(&mal_area_limit_mutex);
	mal_area_share_limit(nr_pages);
	cpus_read_lock();
	mal_area_cpus_drain(true);
	cpus_read_unlock();
	mal_area_check_limit();
	mutex_unlock(&mal_area_limit_mutex);
}
MAL_EXPORT_FOR_KUNIT(mal_area_cache_set_limit);

/* Another CPU may see an inconsistent state while the cache changes. */
static unsigned long mal_area_cpu_pages(const struct mal_area_cpu *cpu)
{
	unsigned long granted = mal_peek(cpu->granted);
	unsigned long room = mal_peek(cpu->room);

	return room < granted ? granted - room : 0;
}

/**
 * mal_area_cache_stats() - read the statistics of the cache
 * @stats: filled in; exact if there is no concurrent use
 *
 * Context: any.
 */
void mal_area_cache_stats(struct mal_area_cache_stats *stats)
{
	int cpu;

	*stats = (struct mal_area_cache_stats) {
		.limit = READ_ONCE(mal_area_limit),
		.areas = atomic_long_read(&mal_area_parked),
		.pages = atomic_long_read(&mal_area_parked_pages),
		.node_hits = atomic_long_read(&mal_area_node_hits),
		.misses = atomic_long_read(&mal_area_misses),
		.evicted = atomic_long_read(&mal_area_evicted),
		.pinned = atomic_long_read(&mal_area_pinned),
	};
	for_each_possible_cpu(cpu) {
		const struct mal_area_cpu *part = per_cpu_ptr(&mal_area_cpu, cpu);

		stats->areas += mal_peek(part->nr);
		stats->pages += mal_area_cpu_pages(part);
		stats->cpu_hits += mal_peek(part->hits);
	}
}
MAL_EXPORT_FOR_KUNIT(mal_area_cache_stats);

/*
 * Load and unload
 */

static int mal_area_nodes_create(void)
{
	int nid;

	mal_area_nodes = kcalloc(nr_node_ids, sizeof(*mal_area_nodes), GFP_KERNEL);
	if (!mal_area_nodes)
		return -ENOMEM;
	for_each_node(nid) {
		spin_lock_init(&mal_area_nodes[nid].lock);
		mal_area_nodes[nid].sizes = RB_ROOT;
		INIT_LIST_HEAD(&mal_area_nodes[nid].ages);
	}
	return 0;
}

/**
 * mal_area_cache_init() - set up an empty cache
 * @limit: as for mal_area_cache_set_limit()
 *
 * Context: task.
 * Return: 0, -ENOMEM, or the host's error.
 */
int mal_area_cache_init(unsigned long limit)
{
	int err, cpu;

	err = mal_area_nodes_create();
	if (err)
		return err;
	mal_area_share_limit(mal_page_poison_on() ? 0 : limit);
	for_each_possible_cpu(cpu)
		mal_area_cpu_prepare(cpu);
	err = cpuhp_setup_state_nocalls(CPUHP_BP_PREPARE_DYN, "mm/memalloc:area",
					mal_area_cpu_prepare, mal_area_cpu_dead);
	if (err < 0)
		goto err_nodes;
	mal_area_cpuhp = err;
	mal_area_shrinker = mal_shrinker_create(0, "memalloc-area",
						mal_area_shrinker_count,
						mal_area_shrinker_scan);
	if (!mal_area_shrinker) {
		err = -ENOMEM;
		goto err_cpuhp;
	}
	mal_reclaim_set(MAL_RECLAIM_AREAS, mal_area_reap);
	return 0;

err_cpuhp:
	cpuhp_remove_state_nocalls(mal_area_cpuhp);
err_nodes:
	kfree(mal_area_nodes);
	return err;
}

/**
 * mal_area_cache_exit() - undo mal_area_cache_init()
 *
 * Context: task; sleeps. No allocation or free is in progress.
 */
void mal_area_cache_exit(void)
{
	mal_area_cache_sync();
	mal_reclaim_set(MAL_RECLAIM_AREAS, NULL);
	shrinker_free(mal_area_shrinker);
	mal_area_cache_set_limit(0);
	cpuhp_remove_state_nocalls(mal_area_cpuhp);
	kfree(mal_area_nodes);
}
