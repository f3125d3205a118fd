// SPDX-License-Identifier: GPL-2.0
/*
 * The cache of mapped areas: what is free stays mapped, for the next one
 *
 * Making an area costs page tables, and unmaking it the flushing of TLBs on
 * all CPUs. So areas that are freed are kept as they are. There are two parts:
 *
 *	CPU	areas of up to MAL_AREA_CPU_CLASSES pages, a stack for each
 *		number of pages. Neither lock nor atomic operation, see pcp.c:
 *		who interrupts the use of it goes without.
 *	node	areas of any size, in a tree by size and a list by age. The
 *		smallest that is large enough serves, if it wastes no more than
 *		an eighth: smaller ones than of 8 pages must fit exactly.
 *
 * When a CPU's part is full, all of it goes to the node, the older of each size
 * before the younger, and it begins anew. When the nodes' parts are full, the
 * oldest areas are unmapped, until an eighth is free.
 *
 * Bound. The limit is the module's parameter area_cache_mb. A quarter of it is
 * divided among the CPUs, which hold no more than MAL_AREA_CPU_MAX each; the
 * rest is for the nodes together. An area is in the cache, or in use, or in
 * the hands of who moves it; and what is deferred comes on top.
 *
 * What is in the cache is borrowed from the host, and free to nobody else. It
 * goes before anything else does: when the host wants memory (a shrinker), when
 * an allocation of pages, for an area or not, would fail, and on request.
 *
 * Who gets an area that was in use before finds in it what was left there, as
 * in pages of the host's, unless zeroes are asked for. An area that somebody
 * still holds a page of, say a pipe, is never kept.
 *
 * Contexts. A CPU's part: any. The rest sleeps; so what cannot be put away at
 * once, by an interrupt, is left to a worker.
 *
 * Locking: mal_area_node.lock, innermost, in task context only. CPUs are
 * asked to hand over without it.
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
#include <linux/shrinker.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/topology.h>
#include <linux/workqueue.h>

#include "internal/area_cache.h"
#include "internal/compat.h"
#include "internal/kunit.h"
#include "internal/page_poison.h"
#include "internal/peek.h"
#include "internal/reclaim.h"

/* The part of the limit that is for the CPUs. */
#define MAL_AREA_CPU_SHARE	4

/* What a CPU may hold, in pages, however high the limit. */
#define MAL_AREA_CPU_MAX	(SZ_4M >> PAGE_SHIFT)

/* When the oldest go, this part of the nodes' share goes at once. */
#define MAL_AREA_BATCH		8

/* What is given up before an allocation fails, in pages: a block of any order. */
#define MAL_AREA_REAP		(2UL << MAL_MAX_ORDER)

/* How many areas are taken from a node under its lock. */
#define MAL_AREA_BURST		64

/**
 * struct mal_area_node - a node's part of the cache
 * @lock: protects all of it
 * @sizes: the areas by their number of pages
 * @ages: the areas, the one freed first at the head
 */
struct mal_area_node {
	spinlock_t lock;
	struct rb_root sizes;
	struct list_head ages;
};

DEFINE_PER_CPU(struct mal_area_cpu, mal_area_cpu);

static struct mal_area_node *mal_area_nodes;
static unsigned long mal_area_limit;		/* of all, in pages */
static unsigned long mal_area_cpu_limit;	/* of each CPU */
static unsigned long mal_area_node_limit;	/* of all nodes */
static DEFINE_MUTEX(mal_area_limit_mutex);	/* one at a time changes them */

/* In the nodes' parts. */
static atomic_long_t mal_area_parked, mal_area_parked_pages;

static atomic_long_t mal_area_node_hits, mal_area_misses;
static atomic_long_t mal_area_evicted, mal_area_held;

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

/* The smallest with @nr_pages at least; of these, the one freed last. */
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

/* Take the oldest of a node, until they have @nr_pages, or are many. */
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

/* Returns how many pages there were, @nr_pages or fewer if there are no more. */
static unsigned long mal_area_nodes_evict(unsigned long nr_pages)
{
	unsigned long pages = 0, burst;
	int nid;

	for_each_node(nid) {
		do {
			LIST_HEAD(areas);

			burst = mal_area_node_evict(nid, nr_pages - pages, &areas);
			mal_area_destroy_list(&areas);
			pages += burst;
		} while (burst && pages < nr_pages);
		if (pages >= nr_pages)
			break;
	}
	return pages;
}

/*
 * CPUs
 */

/* What a CPU's part held, by mal_area.next, the older of each size first. */
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

/* Returns how many pages there were. */
static unsigned long mal_area_park_chain(struct mal_area *chain)
{
	unsigned long pages = 0;
	struct mal_area *area;

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
 * struct mal_area_handover - a CPU's answer to the wish that it hand over
 * @chain: all that it held
 * @busy: it could not
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

/* One that is offline, or going, hands over when it is dead. */
static unsigned long mal_area_cpu_drain(int cpu)
{
	struct mal_area_handover handover;

	do {
		if (smp_call_function_single(cpu, mal_area_hand_over, &handover, 1))
			return 0;
	} while (handover.busy);
	return mal_area_park_chain(handover.chain);
}

/* All CPUs that hold something, or just all. Returns how many pages. */
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
 * In and out
 */

/**
 * mal_area_cache_take() - take an area that this CPU's part does not have
 * @nr_pages: how many it must have
 * @nid: the node that it must be of, or NUMA_NO_NODE for the nearest one
 *
 * Context: task; sleeps.
 * Return: the area, free, of no more than an eighth more pages, or NULL.
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

/* Into the part of its node, unless it is so large that much else had to go. */
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

/* Into this CPU's part, for which it gives up what it holds, if need be. */
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

/* The oldest go, if there are too many. */
static void mal_area_check_limit(void)
{
	unsigned long limit = READ_ONCE(mal_area_node_limit);
	unsigned long pages = atomic_long_read(&mal_area_parked_pages);

	if (pages > limit)
		mal_area_nodes_evict(pages - (limit - limit / MAL_AREA_BATCH));
}

static bool mal_area_is_held(const struct mal_area *area)
{
	unsigned long i, nr;

	for (i = 0; i < area->nr_pages; i += nr) {
		nr = min_t(unsigned long, area->nr_pages - i, MAL_AREA_PIECE);
		if (mal_pages_are_held(area->pages + i, nr))
			return true;
		cond_resched();
	}
	return false;
}

/**
 * mal_area_cache_keep() - put away an area that this CPU's part did not take
 * @area: the area, free; of pages of ours
 *
 * Context: task; sleeps.
 */
void mal_area_cache_keep(struct mal_area *area)
{
	bool held = mal_area_is_held(area);

	if (held)
		atomic_long_inc(&mal_area_held);
	else if (want_init_on_free())
		mal_area_clear(area, area->nr_pages << PAGE_SHIFT, __GFP_NOFAIL);
	if (held || area->nid == NUMA_NO_NODE ||
	    (!mal_area_stack(area) && !mal_area_park(area)))
		mal_area_destroy(area);
	mal_area_check_limit();
}

/*
 * Later
 */

static LLIST_HEAD(mal_area_deferred);

static void mal_area_work_fn(struct work_struct *work)
{
	struct llist_node *all = llist_reverse_order(llist_del_all(&mal_area_deferred));
	struct mal_area *area, *next;

	llist_for_each_entry_safe(area, next, all, deferred) {
		/* In an NMI, it could not be told. */
		kmemleak_free(area->address);
		if (area->flags & MAL_AREA_MAP)
			mal_area_destroy(area);
		else
			mal_area_cache_keep(area);
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
 * mal_area_cache_defer() - leave it to a worker what becomes of an area
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
 * mal_area_cache_sync() - wait for what was left to the worker
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
 * Giving back
 */

/**
 * mal_area_cache_shrink() - free pages of the cache, the oldest areas first
 * @nr_pages: so many at least, if there are so many
 *
 * Context: task; sleeps, but waits for nobody who waits for memory.
 * Return: how many.
 */
unsigned long mal_area_cache_shrink(unsigned long nr_pages)
{
	unsigned long pages = mal_area_nodes_evict(nr_pages);

	if (pages < nr_pages && mal_area_cpus_drain(false))
		pages += mal_area_nodes_evict(nr_pages - pages);
	return pages;
}
MAL_EXPORT_FOR_KUNIT(mal_area_cache_shrink);

/*
 * Before an allocation of pages fails. Before one borrows nothing is given up:
 * what is cached is worth more than what is borrowed.
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

static int mal_area_shrinker_init(void)
{
	int err;

	mal_area_shrinker = shrinker_alloc(0, "memalloc-area");
	if (!mal_area_shrinker)
		return -ENOMEM;
	mal_area_shrinker->count_objects = mal_area_shrinker_count;
	mal_area_shrinker->scan_objects = mal_area_shrinker_scan;
	err = mal_shrinker_register(mal_area_shrinker, "memalloc-area");
	if (err)
		mal_shrinker_discard(mal_area_shrinker);
	return err;
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
 * mal_area_cache_set_limit() - change how much may be cached
 * @nr_pages: so many pages, or none; with page_poison always none, as what is
 *	cached is not poisoned
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

/* Who looks from another CPU may see it in the midst of a change. */
static unsigned long mal_area_cpu_pages(const struct mal_area_cpu *cpu)
{
	unsigned long granted = mal_peek(cpu->granted);
	unsigned long room = mal_peek(cpu->room);

	return room < granted ? granted - room : 0;
}

/**
 * mal_area_cache_stats() - the figures of the cache
 * @stats: filled in; exact if nobody allocates or frees
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
		.held = atomic_long_read(&mal_area_held),
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
 * mal_area_cache_init() - an empty cache
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
	err = mal_area_shrinker_init();
	if (err)
		goto err_cpuhp;
	mal_reclaim_set(MAL_RECLAIM_AREAS, mal_area_reap);
	return 0;

err_cpuhp:
	cpuhp_remove_state_nocalls(mal_area_cpuhp);
err_nodes:
	kfree(mal_area_nodes);
	return err;
}

/**
 * mal_area_cache_exit() - the mirror of mal_area_cache_init()
 *
 * Context: task; sleeps. Nobody allocates or frees any more.
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
