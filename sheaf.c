// SPDX-License-Identifier: GPL-2.0
/*
 * Sheaves: free objects at hand, without a lock
 *
 * Each CPU has, of each cache, an array of free objects: the main sheaf. An
 * object is allocated from its top, and freed to it. Behind it there is a spare
 * one, full or empty, and behind that the depot of the node, where full and
 * empty sheaves are exchanged, whole, under one lock (magazines: Bonwick and
 * Adams 2001). The slabs are behind the depot.
 *
 *	 CPU                          node
 *	+------+-------+--------+    +------------------+    +-------+
 *	| main | spare | remote |    | depot            |    | slabs |
 *	|  []  |  []   |   []   |<-->| full:  [] [] []  |<-->|       |
 *	+------+-------+--------+    | empty: [] []     |    +-------+
 *	                             +------------------+
 *
 * With main and spare, allocations and frees in any pattern go to the depot at
 * most once for as many objects as a sheaf holds. Each trip there takes its lock
 * once: a sheaf is given for another.
 *
 * Nodes. The main and the spare sheaf hold objects of the CPU's own node, but
 * where that had no memory, and where a task changed nodes on its way here. An
 * object of another node that is freed here goes into the remote sheaf, and
 * home when that is full.
 *
 * The busy flag. A CPU's sheaves are used with preemption off and the flag set.
 * An interrupt that comes in between finds the flag set, and goes past the
 * sheaves to the slabs; an NMI gets nothing, and what it frees is deferred
 * (slab_cache.c). So nothing on the way through the main sheaf is atomic, and
 * interrupts are not disabled; the flag is what local_trylock() has become in
 * the kernel. The lock of a node is never taken with the flag set: what is to
 * be exchanged is taken out first, and put in after.
 *
 * Who wants to empty the sheaves of another CPU asks that CPU to hand them
 * over, in an interrupt; if it was in the middle of something, it says so, and
 * is asked again. Sheaves of a CPU that is gone are emptied by whoever unplugs
 * it.
 *
 * Before an allocation fails that may sleep, all sheaves and depots of the cache
 * are emptied into its slabs: an object that is free anywhere is found. (That
 * whole slabs are free in other caches is found by the page allocator, which
 * asks for them first; see reclaim.c.)
 *
 * Memory for sheaves is the host's. Without it, things work, but slowly: each
 * object goes to the slabs by itself.
 *
 * The lock of a depot is taken with interrupts as they are: an interrupt only
 * tries it, and goes past the depot if that fails. What it is held for takes a
 * few instructions, and disabling interrupts would cost more than that. Only a
 * kernel for a single processor has to: there is nothing in its locks to be tried.
 *
 * Locking: mal_slab_node.depot_lock, and mal_slab_node.lock for the slabs; neither
 * is taken while the other is held.
 *
 * Context: any but NMI, unless said otherwise.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/kernel.h>
#include <linux/kmemleak.h>
#include <linux/list.h>
#include <linux/percpu.h>
#include <linux/preempt.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <linux/spinlock.h>
#include <linux/topology.h>

#include "internal/inject.h"
#include "internal/node.h"
#include "internal/peek.h"
#include "internal/report.h"
#include "internal/sheaf.h"
#include "internal/slab.h"
#include "internal/slab_quarantine.h"

/* Empty sheaves in the depot of a node; more are freed. */
#define MAL_MAX_EMPTY_SHEAVES	4

/* How long an allocation waits, that must not fail, before it tries again. */
#define MAL_TAKE_PAUSE		(HZ / 50 + 1)

/*
 * Home
 */

/*
 * Where an entry belongs, or NULL: with "lean", this is where misuse is found out. That
 * is not reported under the lock of a node, which the report takes.
 */
static struct mal_slab *mal_entry_slab(struct mal_kmem_cache *cache,
				       const struct mal_sheaf_entry *entry,
				       u32 *index)
{
	struct mal_slab *slab = mal_slab_of(entry->object);

	if (unlikely(!slab || slab->cache != cache))
		return NULL;
	*index = mal_slab_index(cache, slab, entry->object);
	if (unlikely(*index >= slab->nr))
		return NULL;
	if (mal_lean() && slab->states[*index] != MAL_OBJECT_ALLOCATED)
		return NULL;
	return slab;
}

/*
 * Put back as many objects as are of one node, under one taking of its lock; or leave
 * out one that is no object of the cache. Returns how many are done.
 */
static unsigned int mal_sheaf_return_run(struct mal_kmem_cache *cache,
					 const struct mal_sheaf_entry *entries,
					 unsigned int nr,
					 struct list_head *surplus)
{
	struct mal_slab *slab;
	struct mal_slab_node *node;
	unsigned long flags;
	unsigned int done;
	u32 index;
	int nid;

	slab = mal_entry_slab(cache, entries, &index);
	if (unlikely(!slab)) {
		mal_slab_report_free(cache, entries->object, 0);
		return 1;
	}
	nid = slab->nid;
	node = cache->nodes[nid];
	spin_lock_irqsave(&node->lock, flags);
	mal_slab_node_put(node, slab, index, surplus);
	for (done = 1; done < nr; done++) {
		slab = mal_entry_slab(cache, &entries[done], &index);
		if (unlikely(!slab || slab->nid != nid))
			break;
		mal_slab_node_put(node, slab, index, surplus);
	}
	spin_unlock_irqrestore(&node->lock, flags);
	return done;
}

/**
 * mal_sheaf_return() - put objects back into their slabs
 * @cache: the cache
 * @entries: the objects, of any nodes, the caller's
 * @nr: how many
 *
 * Context: any but NMI.
 */
void mal_sheaf_return(struct mal_kmem_cache *cache,
		      const struct mal_sheaf_entry *entries, unsigned int nr)
{
	LIST_HEAD(surplus);
	unsigned int done;

	rcu_read_lock();
	for (done = 0; done < nr; )
		done += mal_sheaf_return_run(cache, &entries[done], nr - done,
					     &surplus);
	rcu_read_unlock();
	mal_slab_destroy_list(&surplus);
}

/*
 * The depot
 */

static struct mal_sheaf *mal_sheaf_create(struct mal_kmem_cache *cache, gfp_t gfp)
{
	struct mal_sheaf *sheaf;

	if (mal_inject_should_fail())
		return NULL;
	sheaf = kmalloc(struct_size(sheaf, entries, cache->sheaf_capacity),
			(gfp & __GFP_KSWAPD_RECLAIM) | __GFP_NOWARN);
	if (!sheaf)
		return NULL;
	/* What is free, or was taken out, is not referred to. */
	kmemleak_scan_area(sheaf, offsetof(struct mal_sheaf, entries), gfp);
	INIT_LIST_HEAD(&sheaf->link);
	sheaf->nr = 0;
	sheaf->capacity = cache->sheaf_capacity;
	return sheaf;
}

/* Whoever tries a lock gets it. */
#define MAL_LOCKS_ARE_NOTHING	(!IS_ENABLED(CONFIG_SMP) && !IS_ENABLED(CONFIG_PREEMPT_RT))

static __always_inline void mal_depot_lock_task(struct mal_slab_node *node,
						unsigned long *flags)
	__acquires(&node->depot_lock)
{
	if (MAL_LOCKS_ARE_NOTHING)
		spin_lock_irqsave(&node->depot_lock, *flags);
	else
		spin_lock(&node->depot_lock);
}

static __always_inline void mal_depot_unlock_task(struct mal_slab_node *node,
						  unsigned long flags)
	__releases(&node->depot_lock)
{
	if (MAL_LOCKS_ARE_NOTHING)
		spin_unlock_irqrestore(&node->depot_lock, flags);
	else
		spin_unlock(&node->depot_lock);
}

/*
 * Returns false in an interrupt that may have come while the lock is held here.
 * (Sparse cannot know of a lock that is taken or not, so it is told of none.)
 */
static __always_inline bool mal_depot_lock(struct mal_slab_node *node,
					   unsigned long *flags)
{
	if (MAL_LOCKS_ARE_NOTHING || likely(in_task()))
		mal_depot_lock_task(node, flags);
	else if (!spin_trylock(&node->depot_lock))
		return false;
	__release(&node->depot_lock);
	return true;
}

static __always_inline void mal_depot_unlock(struct mal_slab_node *node,
					     unsigned long flags)
{
	__acquire(&node->depot_lock);
	mal_depot_unlock_task(node, flags);
}

static struct mal_sheaf *mal_depot_pop(struct list_head *sheaves,
				       unsigned int *nr)
{
	struct mal_sheaf *sheaf;

	sheaf = list_first_entry_or_null(sheaves, struct mal_sheaf, link);
	if (sheaf) {
		list_del(&sheaf->link);
		--*nr;
	}
	return sheaf;
}

/* Returns false if there are enough of the kind. */
static bool mal_depot_push(struct mal_kmem_cache *cache,
			   struct mal_slab_node *node, struct mal_sheaf *sheaf)
	__must_hold(&node->depot_lock)
{
	if (sheaf->nr && node->nr_full_sheaves < cache->max_full_sheaves) {
		list_add(&sheaf->link, &node->full_sheaves);
		node->nr_full_sheaves++;
		return true;
	}
	if (!sheaf->nr && node->nr_empty_sheaves < MAL_MAX_EMPTY_SHEAVES) {
		list_add(&sheaf->link, &node->empty_sheaves);
		node->nr_empty_sheaves++;
		return true;
	}
	return false;
}

static struct mal_sheaf *mal_depot_pop_full(struct mal_slab_node *node)
	__must_hold(&node->depot_lock)
{
	return mal_depot_pop(&node->full_sheaves, &node->nr_full_sheaves);
}

static struct mal_sheaf *mal_depot_pop_empty(struct mal_slab_node *node)
	__must_hold(&node->depot_lock)
{
	return mal_depot_pop(&node->empty_sheaves, &node->nr_empty_sheaves);
}

/* Give an empty sheaf, or none, for one with objects in it or, failing that, any. */
static struct mal_sheaf *mal_depot_exchange_empty(struct mal_kmem_cache *cache,
						  struct mal_slab_node *node,
						  struct mal_sheaf *sheaf)
{
	struct mal_sheaf *surplus = NULL, *full;
	unsigned long flags;

	if (!mal_depot_lock(node, &flags))
		return sheaf;
	full = mal_depot_pop_full(node);
	if (full && sheaf && !mal_depot_push(cache, node, sheaf))
		surplus = sheaf;
	sheaf = full ?: sheaf ?: mal_depot_pop_empty(node);
	mal_depot_unlock(node, flags);
	if (surplus)
		kfree_rcu(surplus, rcu);
	return sheaf;
}

/*
 * Give a sheaf with objects in it, or none, for an empty one. If the depot has
 * enough, the objects go to the slabs. NULL if there is no memory for a sheaf.
 */
static struct mal_sheaf *mal_depot_exchange_full(struct mal_kmem_cache *cache,
						 struct mal_slab_node *node,
						 struct mal_sheaf *sheaf)
{
	unsigned long flags;

	if (mal_depot_lock(node, &flags)) {
		if (sheaf && mal_depot_push(cache, node, sheaf))
			sheaf = NULL;
		if (!sheaf)
			sheaf = mal_depot_pop_empty(node);
		mal_depot_unlock(node, flags);
	}
	if (!sheaf)
		return mal_sheaf_create(cache, GFP_NOWAIT);
	mal_sheaf_return(cache, sheaf->entries, sheaf->nr);
	sheaf->nr = 0;
	return sheaf;
}

static bool mal_depot_add(struct mal_kmem_cache *cache,
			  struct mal_slab_node *node, struct mal_sheaf *sheaf)
{
	unsigned long flags;
	bool added;

	if (!mal_depot_lock(node, &flags))
		return false;
	added = mal_depot_push(cache, node, sheaf);
	mal_depot_unlock(node, flags);
	return added;
}

static void mal_depot_put(struct mal_kmem_cache *cache,
			  struct mal_slab_node *node, struct mal_sheaf *sheaf)
{
	if (!sheaf || mal_depot_add(cache, node, sheaf))
		return;
	if (sheaf->nr) {
		mal_sheaf_return(cache, sheaf->entries, sheaf->nr);
		sheaf->nr = 0;
		if (mal_depot_add(cache, node, sheaf))
			return;
	}
	kfree_rcu(sheaf, rcu);
}

/**
 * mal_depot_flush() - put the objects of a depot back into their slabs
 * @cache: the cache
 * @node: the node
 *
 * Context: task.
 */
void mal_depot_flush(struct mal_kmem_cache *cache, struct mal_slab_node *node)
{
	struct mal_sheaf *sheaf, *next;
	unsigned long flags;
	LIST_HEAD(sheaves);

	mal_depot_lock_task(node, &flags);
	list_splice_init(&node->full_sheaves, &sheaves);
	list_splice_init(&node->empty_sheaves, &sheaves);
	node->nr_full_sheaves = 0;
	node->nr_empty_sheaves = 0;
	mal_depot_unlock_task(node, flags);
	list_for_each_entry_safe(sheaf, next, &sheaves, link) {
		mal_sheaf_return(cache, sheaf->entries, sheaf->nr);
		kfree_rcu(sheaf, rcu);
	}
}

/*
 * From the slabs
 */

static unsigned int mal_take(struct mal_slab_node *node,
			     struct mal_sheaf_entry *entries, unsigned int want)
{
	unsigned int taken;
	unsigned long flags;

	if (!mal_peek(node->sides[0].nr_free) && !mal_peek(node->sides[1].nr_free))
		return 0;
	spin_lock_irqsave(&node->lock, flags);
	taken = mal_slab_node_take(node, entries, want);
	spin_unlock_irqrestore(&node->lock, flags);
	return taken;
}

/* Make a slab, wherever there is memory for it, and take objects out of it. */
static unsigned int mal_take_fresh(struct mal_kmem_cache *cache, gfp_t gfp,
				   int nid, struct mal_sheaf_entry *entries,
				   unsigned int want)
{
	struct mal_slab_node *node;
	struct mal_slab *slab;
	unsigned int taken;
	unsigned long flags;

	/* Pages are not the last resort: so nobody waits for them forever here. */
	if (gfp & __GFP_NOFAIL)
		gfp = (gfp & ~__GFP_NOFAIL) | __GFP_RETRY_MAYFAIL;
	slab = mal_slab_create(cache, gfp | __GFP_NOWARN, nid);
	if (!slab)
		return 0;
	node = cache->nodes[slab->nid];
	spin_lock_irqsave(&node->lock, flags);
	mal_slab_node_add(node, slab);
	taken = mal_slab_node_take(node, entries, want);
	spin_unlock_irqrestore(&node->lock, flags);
	return taken;
}

/* From the slabs of all nodes that the flags allow, the nearest first. */
static bool mal_take_far(struct mal_kmem_cache *cache, gfp_t gfp, int nid,
			 struct mal_sheaf_entry *entry)
{
	int i, nr = gfp & __GFP_THISNODE ? 1 : mal_nr_nodes;

	for (i = 0; i < nr; i++)
		if (mal_take(cache->nodes[mal_nodes[nid]->fallback[i]], entry, 1))
			return true;
	return false;
}

/* What is free of the cache, wherever it is, goes into the slabs. */
static void mal_cache_gather(struct mal_kmem_cache *cache)
{
	int nid;

	mal_sheaf_drain(cache);
	for_each_node(nid) {
		mal_depot_flush(cache, cache->nodes[nid]);
		mal_held_flush(cache->nodes[nid]);
	}
}

/*
 * There are no more pages: then whatever is free of the cache itself. With
 * __GFP_NOFAIL, again and again, as others free objects, and not only pages.
 */
static bool mal_take_last(struct mal_kmem_cache *cache, gfp_t gfp, int nid,
			  struct mal_sheaf_entry *entry)
{
	for (;;) {
		if (mal_take_far(cache, gfp, nid, entry))
			return true;
		if (!gfpflags_allow_blocking(gfp))
			return false;
		mal_cache_gather(cache);
		if (mal_take_far(cache, gfp, nid, entry))
			return true;
		if (!(gfp & __GFP_NOFAIL))
			return false;
		schedule_timeout_uninterruptible(MAL_TAKE_PAUSE);
		if (mal_take_fresh(cache, gfp, nid, entry, 1))
			return true;
	}
}

static bool mal_take_one(struct mal_kmem_cache *cache, gfp_t gfp, int nid,
			 struct mal_sheaf_entry *entry)
{
	return mal_take(cache->nodes[nid], entry, 1) ||
	       mal_take_fresh(cache, gfp, nid, entry, 1) ||
	       mal_take_last(cache, gfp, nid, entry);
}

/*
 * The sheaves of a CPU
 */

static void mal_cpu_set_main(struct mal_cpu_sheaves *cpu, struct mal_sheaf *sheaf)
{
	cpu->main = sheaf;
	cpu->bottom = sheaf ? sheaf->entries : NULL;
	cpu->top = sheaf ? sheaf->entries + sheaf->nr : NULL;
	cpu->end = sheaf ? sheaf->entries + sheaf->capacity : NULL;
}

/* Take the main sheaf out; it knows again how many entries it has. */
static struct mal_sheaf *mal_cpu_take_main(struct mal_cpu_sheaves *cpu)
{
	struct mal_sheaf *sheaf = cpu->main;

	if (sheaf)
		sheaf->nr = cpu->top - cpu->bottom;
	mal_cpu_set_main(cpu, NULL);
	return sheaf;
}

static struct mal_sheaf *mal_cpu_take_spare(struct mal_cpu_sheaves *cpu)
{
	struct mal_sheaf *sheaf = cpu->spare;

	cpu->spare = NULL;
	return sheaf;
}

/**
 * mal_cpu_swap_spare() - exchange the main sheaf and the spare one
 * @cpu: the sheaves, entered
 *
 * Context: any, NMI included.
 */
void mal_cpu_swap_spare(struct mal_cpu_sheaves *cpu)
{
	struct mal_sheaf *sheaf = mal_cpu_take_main(cpu);

	mal_cpu_set_main(cpu, cpu->spare);
	cpu->spare = sheaf;
}

/*
 * Allocate from the main sheaf or, if that is empty, from the spare one. If both
 * are, one of them is taken out, to be filled.
 */
static bool mal_cpu_pop(struct mal_kmem_cache *cache,
			struct mal_sheaf_entry *entry, struct mal_sheaf **empty)
{
	struct mal_cpu_sheaves *cpu;
	bool ok = false;

	preempt_disable();
	cpu = this_cpu_ptr(cache->cpu);
	if (!mal_cpu_enter(cpu))
		goto out;
	if (cpu->top == cpu->bottom && cpu->spare && cpu->spare->nr)
		mal_cpu_swap_spare(cpu);
	ok = cpu->top != cpu->bottom;
	if (ok)
		*entry = *--cpu->top;
	else
		*empty = cpu->spare ? mal_cpu_take_spare(cpu) :
				      mal_cpu_take_main(cpu);
	mal_cpu_leave(cpu);
out:
	preempt_enable();
	return ok;
}

/*
 * Free to the main sheaf or, if that is full, to the spare one. If both are, the
 * spare one is taken out, to be exchanged for an empty one.
 */
static bool mal_cpu_push(struct mal_kmem_cache *cache,
			 const struct mal_sheaf_entry *entry,
			 struct mal_sheaf **full)
{
	struct mal_cpu_sheaves *cpu;
	bool ok = false;

	preempt_disable();
	cpu = this_cpu_ptr(cache->cpu);
	if (!mal_cpu_enter(cpu))
		goto out;
	if (cpu->top == cpu->end && cpu->spare &&
	    cpu->spare->nr < cpu->spare->capacity)
		mal_cpu_swap_spare(cpu);
	ok = cpu->top != cpu->end;
	if (ok)
		*cpu->top++ = *entry;
	else
		*full = mal_cpu_take_spare(cpu);
	mal_cpu_leave(cpu);
out:
	preempt_enable();
	return ok;
}

/*
 * Give this CPU a sheaf instead of one with @useless objects: none, if some are
 * needed, or as many as fit, if there must be room. Returns the sheaf that is
 * left over: the one that had its place; or the very same, if none of the CPU's
 * is useless any more.
 */
static struct mal_sheaf *mal_cpu_exchange(struct mal_kmem_cache *cache,
					  struct mal_sheaf *sheaf,
					  unsigned int useless)
{
	struct mal_cpu_sheaves *cpu;
	struct mal_sheaf *old;

	preempt_disable();
	cpu = this_cpu_ptr(cache->cpu);
	if (!mal_cpu_enter(cpu))
		goto out;
	if (!cpu->main || cpu->top - cpu->bottom == useless) {
		old = mal_cpu_take_main(cpu);
		mal_cpu_set_main(cpu, sheaf);
		sheaf = old;
	}
	if (sheaf && (!cpu->spare ||
		      (cpu->spare->nr == useless && sheaf->nr != useless)))
		swap(cpu->spare, sheaf);
	mal_cpu_leave(cpu);
out:
	preempt_enable();
	return sheaf;
}

/* Exact, and yet nothing atomic where nobody has been interrupted. */
static void mal_cpu_count_miss(struct mal_kmem_cache *cache)
{
	struct mal_cpu_sheaves *cpu;

	preempt_disable();
	cpu = this_cpu_ptr(cache->cpu);
	if (mal_cpu_enter(cpu)) {
		cpu->misses++;
		mal_cpu_leave(cpu);
	} else {
		this_cpu_inc(cache->cpu->crossed);
	}
	preempt_enable();
}

/**
 * mal_sheaf_refill() - an object, when the main sheaf has none
 * @cache: the cache
 * @gfp: as for mal_kmem_cache_alloc()
 * @nid: the node to prefer, or NUMA_NO_NODE
 * @entry: the object; with "lean", ALLOCATED, else CACHED
 *
 * Context: any but NMI; sleeps if @gfp allows it.
 * Return: true, or false if there is no memory.
 */
bool mal_sheaf_refill(struct mal_kmem_cache *cache, gfp_t gfp, int nid,
		      struct mal_sheaf_entry *entry)
{
	int local = numa_mem_id();
	struct mal_slab_node *node = cache->nodes[local];
	struct mal_sheaf *sheaf = NULL;

	mal_cpu_count_miss(cache);
	if (nid != NUMA_NO_NODE && nid != local)
		return mal_take_one(cache, gfp, nid, entry);
	if (!cache->sheaf_capacity)
		return mal_take_one(cache, gfp, local, entry);
	if (mal_cpu_pop(cache, entry, &sheaf))
		return true;
	sheaf = mal_depot_exchange_empty(cache, node, sheaf) ?:
		mal_sheaf_create(cache, gfp);
	if (!sheaf)
		return mal_take_one(cache, gfp, local, entry);
	if (!sheaf->nr)
		sheaf->nr = mal_take(node, sheaf->entries, sheaf->capacity) ?:
			    mal_take_fresh(cache, gfp, local, sheaf->entries,
					   sheaf->capacity);
	if (!sheaf->nr) {
		mal_depot_put(cache, node, sheaf);
		return mal_take_last(cache, gfp, local, entry);
	}
	*entry = sheaf->entries[--sheaf->nr];
	sheaf = mal_cpu_exchange(cache, sheaf, 0);
	mal_depot_put(cache, node, sheaf);
	return true;
}

static void mal_sheaf_spill_local(struct mal_kmem_cache *cache,
				  const struct mal_sheaf_entry *entry, int nid)
{
	struct mal_slab_node *node = cache->nodes[nid];
	struct mal_sheaf *sheaf = NULL;

	if (mal_cpu_push(cache, entry, &sheaf))
		return;
	sheaf = mal_depot_exchange_full(cache, node, sheaf);
	if (!sheaf) {
		mal_sheaf_return(cache, entry, 1);
		return;
	}
	sheaf->entries[sheaf->nr++] = *entry;
	sheaf = mal_cpu_exchange(cache, sheaf, sheaf->capacity);
	mal_depot_put(cache, node, sheaf);
}

/* Returns false if there is no room, or somebody is at it. */
static bool mal_cpu_push_remote(struct mal_kmem_cache *cache,
				const struct mal_sheaf_entry *entry)
{
	struct mal_cpu_sheaves *cpu;
	struct mal_sheaf *sheaf;
	bool ok = false;

	preempt_disable();
	cpu = this_cpu_ptr(cache->cpu);
	if (!mal_cpu_enter(cpu))
		goto out;
	sheaf = cpu->remote;
	ok = sheaf && sheaf->nr < sheaf->capacity;
	if (ok)
		sheaf->entries[sheaf->nr++] = *entry;
	mal_cpu_leave(cpu);
out:
	preempt_enable();
	return ok;
}

static struct mal_sheaf *mal_cpu_exchange_remote(struct mal_kmem_cache *cache,
						 struct mal_sheaf *sheaf)
{
	struct mal_cpu_sheaves *cpu;

	preempt_disable();
	cpu = this_cpu_ptr(cache->cpu);
	if (mal_cpu_enter(cpu)) {
		swap(cpu->remote, sheaf);
		mal_cpu_leave(cpu);
	}
	preempt_enable();
	return sheaf;
}

static void mal_sheaf_spill_remote(struct mal_kmem_cache *cache,
				   const struct mal_sheaf_entry *entry)
{
	struct mal_slab_node *node = cache->nodes[numa_mem_id()];
	struct mal_sheaf *sheaf;

	if (mal_cpu_push_remote(cache, entry))
		return;
	sheaf = mal_depot_exchange_full(cache, node, NULL);
	if (!sheaf) {
		mal_sheaf_return(cache, entry, 1);
		return;
	}
	sheaf->entries[sheaf->nr++] = *entry;
	sheaf = mal_cpu_exchange_remote(cache, sheaf);
	if (!sheaf)
		return;
	mal_sheaf_return(cache, sheaf->entries, sheaf->nr);
	sheaf->nr = 0;
	mal_depot_put(cache, node, sheaf);
}

/**
 * mal_sheaf_spill() - free an object, when the main sheaf cannot take it
 * @cache: the cache
 * @entry: the object
 * @nid: the node it is of
 *
 * Context: any but NMI.
 */
void mal_sheaf_spill(struct mal_kmem_cache *cache,
		     const struct mal_sheaf_entry *entry, int nid)
{
	if (!cache->sheaf_capacity)
		mal_sheaf_return(cache, entry, 1);
	else if (nid == numa_mem_id())
		mal_sheaf_spill_local(cache, entry, nid);
	else
		mal_sheaf_spill_remote(cache, entry);
}

/*
 * Emptying, counting, checking
 */

/**
 * struct mal_sheaf_handover - what a CPU hands over
 * @cache: of this cache
 * @main: its main sheaf
 * @spare: its spare one
 * @remote: its remote one
 * @busy: it was in the middle of something
 */
struct mal_sheaf_handover {
	struct mal_kmem_cache *cache;
	struct mal_sheaf *main;
	struct mal_sheaf *spare;
	struct mal_sheaf *remote;
	bool busy;
};

static void mal_cpu_hand_over(struct mal_cpu_sheaves *cpu,
			      struct mal_sheaf_handover *handover)
{
	handover->main = mal_cpu_take_main(cpu);
	handover->spare = cpu->spare;
	handover->remote = cpu->remote;
	cpu->spare = NULL;
	cpu->remote = NULL;
}

static void mal_sheaf_hand_over(void *data)
{
	struct mal_sheaf_handover *handover = data;
	struct mal_cpu_sheaves *cpu = this_cpu_ptr(handover->cache->cpu);

	handover->busy = !mal_cpu_enter(cpu);
	if (handover->busy)
		return;
	mal_cpu_hand_over(cpu, handover);
	mal_cpu_leave(cpu);
}

static void mal_sheaf_discard(struct mal_kmem_cache *cache,
			      struct mal_sheaf *sheaf)
{
	if (!sheaf)
		return;
	mal_sheaf_return(cache, sheaf->entries, sheaf->nr);
	kfree_rcu(sheaf, rcu);
}

static void mal_handover_discard(struct mal_sheaf_handover *handover)
{
	mal_sheaf_discard(handover->cache, handover->main);
	mal_sheaf_discard(handover->cache, handover->spare);
	mal_sheaf_discard(handover->cache, handover->remote);
}

/**
 * mal_sheaf_drain_dead() - empty the sheaves of a CPU that does not use them
 * @cache: the cache
 * @cpu: a CPU that is gone, or does not use the cache any more
 *
 * Context: any but NMI.
 */
void mal_sheaf_drain_dead(struct mal_kmem_cache *cache, unsigned int cpu)
{
	struct mal_sheaf_handover handover = { .cache = cache };

	mal_cpu_hand_over(per_cpu_ptr(cache->cpu, cpu), &handover);
	mal_handover_discard(&handover);
}

static void mal_sheaf_drain_cpu(struct mal_kmem_cache *cache, unsigned int cpu)
{
	struct mal_cpu_sheaves *sheaves = per_cpu_ptr(cache->cpu, cpu);
	struct mal_sheaf_handover handover = { .cache = cache };

	if (!mal_peek(sheaves->main) && !mal_peek(sheaves->spare) &&
	    !mal_peek(sheaves->remote))
		return;
	do {
		if (smp_call_function_single(cpu, mal_sheaf_hand_over,
					     &handover, 1))
			return;
	} while (handover.busy);
	mal_handover_discard(&handover);
}

/**
 * mal_sheaf_drain() - empty the sheaves of all CPUs
 * @cache: the cache
 *
 * Of a CPU that is just going, whoever unplugs it does.
 *
 * Context: task; waits for the CPUs, but for nobody on them.
 */
void mal_sheaf_drain(struct mal_kmem_cache *cache)
{
	int cpu;

	for_each_online_cpu(cpu)
		mal_sheaf_drain_cpu(cache, cpu);
}

static unsigned long mal_sheaf_nr(const struct mal_sheaf *sheaf)
{
	return sheaf ? mal_peek(sheaf->nr) : 0;
}

/**
 * mal_sheaf_count() - how many objects are in sheaves
 * @cache: the cache
 *
 * Exact while nobody uses the cache; else, of one moment on one CPU, and of
 * another on another.
 *
 * Context: task.
 * Return: a number of objects.
 */
unsigned long mal_sheaf_count(struct mal_kmem_cache *cache)
{
	struct mal_sheaf *sheaf;
	unsigned long count = 0;
	int cpu, nid;

	rcu_read_lock();
	for_each_possible_cpu(cpu) {
		const struct mal_cpu_sheaves *sheaves = per_cpu_ptr(cache->cpu, cpu);
		long nr = mal_peek(sheaves->top) - mal_peek(sheaves->bottom);

		/* The two may be of different sheaves. */
		if (nr > 0 && nr <= cache->sheaf_capacity)
			count += nr;
		count += mal_sheaf_nr(mal_peek(sheaves->spare)) +
			 mal_sheaf_nr(mal_peek(sheaves->remote));
	}
	rcu_read_unlock();
	for_each_node(nid) {
		struct mal_slab_node *node = cache->nodes[nid];
		unsigned long flags;

		mal_depot_lock_task(node, &flags);
		list_for_each_entry(sheaf, &node->full_sheaves, link)
			count += sheaf->nr;
		mal_depot_unlock_task(node, flags);
	}
	return count;
}

/**
 * struct mal_sheaf_tally - what a validation has seen of some sheaves
 * @cache: the cache
 * @busy: the CPU was in the middle of something
 * @checked: things looked at
 * @errors: of those, wrong
 */
struct mal_sheaf_tally {
	struct mal_kmem_cache *cache;
	bool busy;
	u64 checked;
	u64 errors;
};

static void mal_sheaf_check(struct mal_sheaf_tally *tally, bool ok,
			    const char *what)
{
	tally->checked++;
	if (likely(ok))
		return;
	tally->errors++;
	mal_report(MAL_REPORT_CORRUPTION, 0, "cache %s: %s",
		   tally->cache->name, what);
}

static void mal_sheaf_tally_entry(struct mal_sheaf_tally *tally,
				  const struct mal_sheaf_entry *entry)
{
	u8 state = mal_lean() ? MAL_OBJECT_ALLOCATED : MAL_OBJECT_CACHED;
	struct mal_slab *slab = mal_slab_of(entry->object);
	u32 index;

	mal_sheaf_check(tally, slab && slab->cache == tally->cache,
			"what is in a sheaf is not an object of the cache");
	if (!slab || slab->cache != tally->cache)
		return;
	index = mal_slab_index(tally->cache, slab, entry->object);
	mal_sheaf_check(tally, index < slab->nr,
			"what is in a sheaf is not the beginning of an object");
	if (index >= slab->nr)
		return;
	mal_sheaf_check(tally, READ_ONCE(slab->states[index]) == state,
			"an object in a sheaf is in the wrong state");
	mal_sheaf_check(tally, mal_lean() || entry->state == &slab->states[index],
			"an entry of a sheaf has the wrong state");
}

static void mal_sheaf_tally_entries(struct mal_sheaf_tally *tally,
				    const struct mal_sheaf_entry *bottom,
				    const struct mal_sheaf_entry *top)
{
	mal_sheaf_check(tally, top >= bottom &&
			top - bottom <= tally->cache->sheaf_capacity,
			"a sheaf has more in it than it has room for");
	for (; bottom < top; bottom++)
		mal_sheaf_tally_entry(tally, bottom);
}

static void mal_cpu_tally(struct mal_sheaf_tally *tally,
			  struct mal_cpu_sheaves *cpu)
{
	mal_sheaf_tally_entries(tally, cpu->bottom, cpu->top);
	if (cpu->spare)
		mal_sheaf_tally_entries(tally, cpu->spare->entries,
					cpu->spare->entries + cpu->spare->nr);
	if (cpu->remote)
		mal_sheaf_tally_entries(tally, cpu->remote->entries,
					cpu->remote->entries + cpu->remote->nr);
}

static void mal_sheaf_tally_local(void *data)
{
	struct mal_sheaf_tally *tally = data;
	struct mal_cpu_sheaves *cpu = this_cpu_ptr(tally->cache->cpu);

	tally->busy = !mal_cpu_enter(cpu);
	if (tally->busy)
		return;
	mal_cpu_tally(tally, cpu);
	mal_cpu_leave(cpu);
}

/**
 * mal_sheaf_validate() - check the sheaves of all CPUs
 * @cache: the cache
 * @checked: the number of things checked is added here
 *
 * Context: task; waits for the CPUs.
 * Return: how many of them were wrong. Each has been reported.
 */
u64 mal_sheaf_validate(struct mal_kmem_cache *cache, u64 *checked)
{
	struct mal_sheaf_tally tally = { .cache = cache };
	int cpu;

	for_each_online_cpu(cpu) {
		do {
			if (smp_call_function_single(cpu, mal_sheaf_tally_local,
						     &tally, 1))
				break;
		} while (tally.busy);
	}
	*checked += tally.checked;
	return tally.errors;
}

/**
 * mal_depot_validate() - check the sheaves in the depot of a node
 * @cache: the cache
 * @nid: the node
 * @checked: the number of things checked is added here
 *
 * Context: task.
 * Return: how many of them were wrong. Each has been reported.
 */
u64 mal_depot_validate(struct mal_kmem_cache *cache, int nid, u64 *checked)
{
	struct mal_sheaf_tally tally = { .cache = cache };
	struct mal_slab_node *node = cache->nodes[nid];
	unsigned int full = 0, empty = 0;
	struct mal_sheaf *sheaf;
	unsigned long flags;

	mal_depot_lock_task(node, &flags);
	list_for_each_entry(sheaf, &node->full_sheaves, link) {
		mal_sheaf_check(&tally, sheaf->nr, "a full sheaf is empty");
		mal_sheaf_tally_entries(&tally, sheaf->entries,
					sheaf->entries + sheaf->nr);
		full++;
	}
	list_for_each_entry(sheaf, &node->empty_sheaves, link) {
		mal_sheaf_check(&tally, !sheaf->nr, "an empty sheaf is not");
		empty++;
	}
	mal_sheaf_check(&tally, full == node->nr_full_sheaves &&
			empty == node->nr_empty_sheaves,
			"the sheaves in the depot are not as many as counted");
	mal_depot_unlock_task(node, flags);
	*checked += tally.checked;
	return tally.errors;
}
