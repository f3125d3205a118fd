// SPDX-License-Identifier: GPL-2.0
/*
 * The sheaves of a CPU: lock-free caching of free objects
 *
 * For each cache, each CPU has an array of free objects, the main sheaf.
 * Objects are allocated from its top and freed to it. Next is a spare sheaf,
 * full or empty, and then the barn of the node, where full and empty sheaves
 * are exchanged as a whole under one lock (magazines: Bonwick and Adams 2001).
 * The slabs are behind the barn.
 *
 *	 CPU                          node
 *	+------+-------+--------+    +------------------+    +-------+
 *	| main | spare | remote |    | barn             |    | slabs |
 *	|  []  |  []   |   []   |<-->| full:  [] [] []  |<-->|       |
 *	+------+-------+--------+    | empty: [] []     |    +-------+
 *	                             +------------------+
 *
 * Main and spare together bound the trips to the barn: in any pattern,
 * allocations and frees go there at most once per sheaf of objects. Each trip
 * exchanges one sheaf for another and takes the barn's lock once.
 *
 * Nodes. The main and the spare sheaf have objects of the CPU's own node,
 * except if that node had no memory, or if the task migrated between nodes on
 * its way here. Objects of another node are freed to the remote sheaf, and
 * returned to their node when it is full.
 *
 * The busy flag. A CPU's sheaves are used with preemption disabled and the flag
 * set. An interrupt that finds the flag set bypasses the sheaves and uses the
 * slabs; an NMI allocates nothing, and its frees are deferred (slab_alloc.c).
 * See busy.h. The lock of a node is never taken with the flag set: a sheaf to
 * be exchanged is taken out first, and the other one is put in later.
 *
 * To drain the sheaves of another CPU, a task sends it an IPI; the handler
 * hands over the sheaves of up to MAL_SHEAF_DRAIN_BATCH caches. If the flag of
 * a cache is set on that CPU, the handler reports busy and the task retries.
 * The task that unplugs a CPU drains the sheaves of that CPU.
 *
 * Before an allocation fails that may sleep, all sheaves and barns of the cache
 * are flushed to its slabs, so that every free object is found. An allocation
 * with __GFP_NORETRY does not do this, because it interrupts the other CPUs.
 * (The page allocator reclaims free slabs of other caches first; see
 * reclaim.c.)
 *
 * Stale entries. sheaf.c explains the tags of sheaves. An object is added to a
 * sheaf only while the CPU's busy flag is set, so that the main sheaf and its
 * tag do not change, or while the sheaf belongs to a task.
 *
 * A stale entry may outlive the slab of its object. The fast path checks only
 * the state, so the description of the slab is kept until all sheaves have been
 * flushed; see mal_slab_retire() and mal_caches_purge(). A flush looks up the
 * object instead.
 *
 * Locking: mal_slab_node.lock, to take objects from the slabs; barn.c and
 * sheaf.c take the locks of a node for their own parts.
 *
 * Context: any but NMI, unless said otherwise.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/kernel.h>
#include <linux/list.h>
#include <linux/percpu.h>
#include <linux/preempt.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/topology.h>

#include "internal/barn.h"
#include "internal/delay.h"
#include "internal/inject.h"
#include "internal/node.h"
#include "internal/peek.h"
#include "internal/sheaf.h"
#include "internal/sheaf_cpu.h"
#include "internal/slab.h"
#include "internal/slab_debug.h"
#include "internal/slab_quarantine.h"
#include "internal/tally.h"

/* Interval between attempts of an allocation that must not fail. */
#define MAL_TAKE_PAUSE		(HZ / 50 + 1)

/*
 * Allocation from the slabs
 */

/* The state of an object that bypasses the sheaves. */
static u8 mal_sheaf_bypass_state(const struct mal_kmem_cache *cache)
{
	return mal_cache_debugs(cache) ? MAL_OBJECT_CACHED : MAL_OBJECT_ALLOCATED;
}

static unsigned int mal_sheaf_take(struct mal_slab_node *node,
				   struct mal_sheaf_entry *entries,
				   unsigned int want, u8 state)
{
	unsigned int taken;
	unsigned long flags;

	if (!mal_peek(node->gens[0].nr_free) && !mal_peek(node->gens[1].nr_free))
		return 0;
	spin_lock_irqsave(&node->lock, flags);
	taken = mal_slab_node_take(node, entries, want, state);
	spin_unlock_irqrestore(&node->lock, flags);
	return taken;
}

/* Create a slab on any allowed node, and take objects from it. */
static unsigned int mal_sheaf_take_fresh(struct mal_kmem_cache *cache,
					 gfp_t gfp, int nid,
					 struct mal_sheaf_entry *entries,
					 unsigned int want, u8 state)
{
	struct mal_slab_node *node;
	struct mal_slab *slab;
	unsigned int taken;
	unsigned long flags;

	/*
	 * Do not wait for pages indefinitely: mal_sheaf_take_last() may find
	 * free objects.
	 */
	if (gfp & __GFP_NOFAIL)
		gfp = (gfp & ~__GFP_NOFAIL) | __GFP_RETRY_MAYFAIL;
	slab = mal_slab_create(cache, gfp | __GFP_NOWARN, nid);
	if (!slab)
		return 0;
	mal_delay(MAL_DELAY_SLAB_CREATED);
	node = cache->nodes[slab->nid];
	spin_lock_irqsave(&node->lock, flags);
	mal_slab_node_add(node, slab);
	taken = mal_slab_node_take(node, entries, want, state);
	spin_unlock_irqrestore(&node->lock, flags);
	return taken;
}

/* Take from the slabs of all nodes that the flags allow, the nearest first. */
static bool mal_sheaf_take_far(struct mal_kmem_cache *cache, gfp_t gfp, int nid,
			       struct mal_sheaf_entry *entry)
{
	int i, nr = gfp & __GFP_THISNODE ? 1 : mal_nr_nodes;

	for (i = 0; i < nr; i++)
		if (mal_sheaf_take(cache->nodes[mal_nodes[nid]->fallback[i]], entry, 1,
				   mal_sheaf_bypass_state(cache)))
			return true;
	return false;
}

/* Flush all free objects of the cache to the slabs. */
static void mal_sheaf_flush_all(struct mal_kmem_cache *cache)
{
	int nid;

	mal_sheaf_drain(cache);
	for_each_node(nid) {
		mal_barn_flush(cache, cache->nodes[nid]);
		mal_slab_quarantine_flush(cache->nodes[nid]);
	}
}

/* A flush of all sheaves waits for all CPUs. */
static bool mal_sheaf_may_flush_all(gfp_t gfp)
{
	return gfpflags_allow_blocking(gfp) &&
	       (gfp & __GFP_NOFAIL || !(gfp & __GFP_NORETRY));
}

/*
 * No page is available: take any free object of the cache. With __GFP_NOFAIL,
 * retry forever, because tasks free objects as well as pages.
 */
static bool mal_sheaf_take_last(struct mal_kmem_cache *cache, gfp_t gfp,
				int nid, struct mal_sheaf_entry *entry)
{
	for (;;) {
		if (mal_sheaf_take_far(cache, gfp, nid, entry))
			return true;
		if (!mal_sheaf_may_flush_all(gfp))
			return false;
		mal_sheaf_flush_all(cache);
		if (mal_sheaf_take_far(cache, gfp, nid, entry))
			return true;
		if (!(gfp & __GFP_NOFAIL))
			return false;
		schedule_timeout_uninterruptible(MAL_TAKE_PAUSE);
		if (mal_sheaf_take_fresh(cache, gfp, nid, entry, 1,
					 mal_sheaf_bypass_state(cache)))
			return true;
	}
}

static void *mal_sheaf_take_one(struct mal_kmem_cache *cache, gfp_t gfp,
				int nid)
{
	u8 state = mal_sheaf_bypass_state(cache);
	struct mal_sheaf_entry entry;

	if (mal_sheaf_take(cache->nodes[nid], &entry, 1, state) ||
	    mal_sheaf_take_fresh(cache, gfp, nid, &entry, 1, state) ||
	    mal_sheaf_take_last(cache, gfp, nid, &entry))
		return entry.object;
	return NULL;
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
	cpu->tag = sheaf ? sheaf->tag : MAL_OBJECT_NONE;
}

/* Take the main sheaf out, and update its number of entries. */
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
 * @cpu: the sheaves, after mal_cpu_enter()
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
 * Take an object from the main sheaf, or NULL; report and drop stale entries.
 */
static void *mal_cpu_claim(struct mal_kmem_cache *cache, struct mal_cpu_sheaves *cpu,
			   unsigned long caller)
{
	while (cpu->top != cpu->bottom) {
		cpu->top--;
		if (mal_lean() || mal_object_claim(cpu->top->state, cpu->tag))
			return cpu->top->object;
		mal_sheaf_report_stale(cache, caller);
	}
	return NULL;
}

/*
 * Allocate from the main sheaf or, if it is empty, from the spare one. If both
 * are empty, take one of them out for the caller to fill.
 */
static void *mal_cpu_pop(struct mal_kmem_cache *cache, struct mal_sheaf **empty,
			 unsigned long caller)
{
	struct mal_cpu_sheaves *cpu;
	void *object = NULL;

	preempt_disable();
	cpu = this_cpu_ptr(cache->cpu);
	if (!mal_cpu_enter(cpu))
		goto out;
	object = mal_cpu_claim(cache, cpu, caller);
	if (!object && cpu->spare && cpu->spare->nr) {
		mal_cpu_swap_spare(cpu);
		object = mal_cpu_claim(cache, cpu, caller);
	}
	if (!object)
		*empty = cpu->spare ? mal_cpu_take_spare(cpu) :
				      mal_cpu_take_main(cpu);
	mal_cpu_leave(cpu);
out:
	preempt_enable();
	return object;
}

/*
 * Free to the main sheaf or, if it is full, to the spare one. If both are full,
 * take the spare one out for the caller to exchange.
 */
static bool mal_cpu_push(struct mal_kmem_cache *cache,
			 const struct mal_sheaf_entry *entry, u8 from,
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
	if (!ok)
		*full = mal_cpu_take_spare(cpu);
	else if (mal_entry_move(cache, entry, from, cpu->tag))
		*cpu->top++ = *entry;
	mal_cpu_leave(cpu);
out:
	preempt_enable();
	return ok;
}

/*
 * Replace a sheaf of this CPU that is useless to the caller because it has
 * @useless objects: zero if the caller needs objects, the capacity if it needs
 * room. Returns the sheaf that is left over: the replaced one, or @sheaf itself
 * if none of the CPU's sheaves is useless any more.
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
	mal_delay(MAL_DELAY_CPU_BUSY);
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

/*
 * Exact, but atomic only if this context has interrupted code that uses the
 * sheaves.
 */
static void mal_cpu_count_miss(struct mal_kmem_cache *cache)
{
	struct mal_cpu_sheaves *cpu;

	preempt_disable();
	cpu = this_cpu_ptr(cache->cpu);
	if (mal_cpu_enter(cpu)) {
		cpu->misses++;
		mal_cpu_leave(cpu);
	} else {
		this_cpu_inc(cache->cpu->busy_misses);
	}
	preempt_enable();
}

/*
 * Take an object from a sheaf, and give the sheaf to this CPU or to the barn.
 */
static void *mal_sheaf_install(struct mal_kmem_cache *cache,
			       struct mal_slab_node *node,
			       struct mal_sheaf *sheaf, unsigned long caller)
{
	void *object = mal_sheaf_claim(cache, sheaf, caller);

	sheaf = mal_cpu_exchange(cache, sheaf, 0);
	mal_barn_put(cache, node, sheaf);
	return object;
}

/*
 * Allocate from this CPU's sheaves or from the barn, or else return an empty
 * sheaf, if there is one, in *@empty. At the end of each grace period, a sheaf
 * with objects belongs to a CPU or to a barn.
 */
static void *mal_sheaf_find(struct mal_kmem_cache *cache, struct mal_slab_node *node,
			    struct mal_sheaf **empty, unsigned long caller)
{
	struct mal_sheaf *sheaf = NULL;
	void *object;

	rcu_read_lock();
	object = mal_cpu_pop(cache, &sheaf, caller);
	if (!object) {
		sheaf = mal_barn_exchange_empty(cache, node, sheaf);
		if (sheaf && sheaf->nr) {
			object = mal_sheaf_install(cache, node, sheaf, caller);
			sheaf = NULL;
		}
	}
	rcu_read_unlock();
	*empty = sheaf;
	return object;
}

/**
 * mal_sheaf_refill() - allocate when the main sheaf is empty
 * @cache: the cache
 * @gfp: as for mal_kmem_cache_alloc()
 * @nid: preferred node, or NUMA_NO_NODE
 * @caller: code address of the caller
 *
 * Context: any but NMI; sleeps if @gfp allows it.
 * Return: the object, in state ALLOCATED, or CACHED if the cache has debug
 * modes; NULL if there is no memory.
 */
void *mal_sheaf_refill(struct mal_kmem_cache *cache, gfp_t gfp, int nid,
		       unsigned long caller)
{
	int local = numa_mem_id();
	struct mal_slab_node *node = cache->nodes[local];
	struct mal_sheaf_entry entry;
	struct mal_sheaf *sheaf;
	void *object;

	mal_cpu_count_miss(cache);
	if (nid != NUMA_NO_NODE && nid != local)
		return mal_sheaf_take_one(cache, gfp, nid);
	if (!cache->sheaf_capacity)
		return mal_sheaf_take_one(cache, gfp, local);
	object = mal_sheaf_find(cache, node, &sheaf, caller);
	if (object)
		return object;
	sheaf = sheaf ?: mal_sheaf_create(cache, gfp);
	if (!sheaf)
		return mal_sheaf_take_one(cache, gfp, local);
	sheaf->nr = mal_sheaf_take(node, sheaf->entries, sheaf->capacity, sheaf->tag) ?:
		    mal_sheaf_take_fresh(cache, gfp, local, sheaf->entries,
					 sheaf->capacity, sheaf->tag);
	if (!sheaf->nr) {
		mal_barn_put(cache, node, sheaf);
		return mal_sheaf_take_last(cache, gfp, local, &entry) ? entry.object : NULL;
	}
	return mal_sheaf_install(cache, node, sheaf, caller) ?:
	       mal_sheaf_take_one(cache, gfp, local);
}

static void mal_sheaf_spill_local(struct mal_kmem_cache *cache,
				  const struct mal_sheaf_entry *entry, u8 from, int nid)
{
	struct mal_slab_node *node = cache->nodes[nid];
	struct mal_sheaf *sheaf = NULL;

	if (mal_cpu_push(cache, entry, from, &sheaf))
		return;
	sheaf = mal_barn_exchange_full(cache, node, sheaf);
	if (!sheaf) {
		mal_sheaf_return(cache, entry, 1, from);
		return;
	}
	mal_sheaf_add(cache, sheaf, entry, from);
	sheaf = mal_cpu_exchange(cache, sheaf, sheaf->capacity);
	mal_barn_put(cache, node, sheaf);
}

/* Returns false if the sheaf is full, missing or in use. */
static bool mal_cpu_push_remote(struct mal_kmem_cache *cache,
				const struct mal_sheaf_entry *entry, u8 from)
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
		mal_sheaf_add(cache, sheaf, entry, from);
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
				   const struct mal_sheaf_entry *entry, u8 from)
{
	struct mal_slab_node *node = cache->nodes[numa_mem_id()];
	struct mal_sheaf *sheaf;

	if (mal_cpu_push_remote(cache, entry, from))
		return;
	sheaf = mal_barn_exchange_full(cache, node, NULL);
	if (!sheaf) {
		mal_sheaf_return(cache, entry, 1, from);
		return;
	}
	mal_sheaf_add(cache, sheaf, entry, from);
	sheaf = mal_cpu_exchange_remote(cache, sheaf);
	if (!sheaf)
		return;
	mal_sheaf_empty(sheaf);
	mal_barn_put(cache, node, sheaf);
}

/**
 * mal_sheaf_spill() - free an object when the main sheaf cannot take it
 * @cache: the cache
 * @entry: the object
 * @from: the state that proves the caller's ownership
 * @nid: the node of the object
 *
 * Context: any but NMI; rcu_read_lock() is held.
 */
void mal_sheaf_spill(struct mal_kmem_cache *cache,
		     const struct mal_sheaf_entry *entry, u8 from, int nid)
{
	if (!cache->sheaf_capacity)
		mal_sheaf_return(cache, entry, 1, from);
	else if (nid == numa_mem_id())
		mal_sheaf_spill_local(cache, entry, from, nid);
	else
		mal_sheaf_spill_remote(cache, entry, from);
}

/*
 * Draining, counting, validation
 */

/**
 * struct mal_sheaf_handover - sheaves that a CPU hands over
 * @caches: the caches; their sheaves are handed over
 * @nr: number of caches
 * @sheaves: the sheaves, linked by mal_sheaf.link
 * @busy: the sheaves of at least one cache were in use
 */
struct mal_sheaf_handover {
	struct mal_kmem_cache *const *caches;
	unsigned int nr;
	struct list_head sheaves;
	bool busy;
};

static void mal_sheaf_give(struct mal_sheaf *sheaf, struct list_head *sheaves)
{
	if (sheaf)
		list_add(&sheaf->link, sheaves);
}

static void mal_cpu_hand_over(struct mal_cpu_sheaves *cpu, struct list_head *sheaves)
{
	mal_sheaf_give(mal_cpu_take_main(cpu), sheaves);
	mal_sheaf_give(mal_cpu_take_spare(cpu), sheaves);
	mal_sheaf_give(cpu->remote, sheaves);
	cpu->remote = NULL;
}

static void mal_sheaf_hand_over(void *data)
{
	struct mal_sheaf_handover *handover = data;
	unsigned int i;

	handover->busy = false;
	for (i = 0; i < handover->nr; i++) {
		struct mal_cpu_sheaves *cpu = this_cpu_ptr(handover->caches[i]->cpu);

		if (!mal_cpu_enter(cpu)) {
			handover->busy = true;
			continue;
		}
		mal_cpu_hand_over(cpu, &handover->sheaves);
		mal_cpu_leave(cpu);
	}
}

static size_t mal_sheaves_discard(struct list_head *sheaves)
{
	struct mal_sheaf *sheaf, *next;
	size_t bytes = 0;

	list_for_each_entry_safe(sheaf, next, sheaves, link)
		bytes += mal_sheaf_discard(sheaf);
	INIT_LIST_HEAD(sheaves);
	return bytes;
}

/**
 * mal_sheaf_drain_dead() - drain the sheaves of a CPU that does not use them
 * @cache: the cache
 * @cpu: a CPU that is offline or does not use the cache any more
 *
 * Context: any but NMI.
 */
void mal_sheaf_drain_dead(struct mal_kmem_cache *cache, unsigned int cpu)
{
	LIST_HEAD(sheaves);

	mal_cpu_hand_over(per_cpu_ptr(cache->cpu, cpu), &sheaves);
	mal_sheaves_discard(&sheaves);
}

static bool mal_cpu_has_sheaves(struct mal_kmem_cache *cache, unsigned int cpu)
{
	const struct mal_cpu_sheaves *sheaves = per_cpu_ptr(cache->cpu, cpu);

	return mal_peek(sheaves->main) || mal_peek(sheaves->spare) ||
	       mal_peek(sheaves->remote);
}

static bool mal_cpu_has_sheaves_of_any(const struct mal_sheaf_handover *handover,
				       unsigned int cpu)
{
	unsigned int i;

	for (i = 0; i < handover->nr; i++)
		if (mal_cpu_has_sheaves(handover->caches[i], cpu))
			return true;
	return false;
}

/* Send one IPI, or none if the CPU has no sheaves. Returns bytes. */
static size_t mal_sheaf_drain_cpu(struct mal_sheaf_handover *handover,
				  unsigned int cpu)
{
	if (!mal_cpu_has_sheaves_of_any(handover, cpu))
		return 0;
	mal_busy_call(cpu, mal_sheaf_hand_over, handover, &handover->busy);
	mal_delay(MAL_DELAY_SHEAVES_DRAINED);
	return mal_sheaves_discard(&handover->sheaves);
}

/**
 * mal_sheaf_drain_many() - drain the sheaves of several caches on all CPUs
 * @caches: the caches
 * @nr: number of caches, at most MAL_SHEAF_DRAIN_BATCH
 *
 * Each CPU that has sheaves of any of the caches is interrupted once. If a CPU
 * is going offline, the task that unplugs it drains its sheaves.
 *
 * Context: task; waits for the CPUs, but not for any task on them.
 * Return: size of the sheaves in bytes.
 */
unsigned long mal_sheaf_drain_many(struct mal_kmem_cache *const *caches,
				   unsigned int nr)
{
	struct mal_sheaf_handover handover = {
		.caches = caches,
		.nr = nr,
		.sheaves = LIST_HEAD_INIT(handover.sheaves),
	};
	unsigned long bytes = 0;
	int cpu;

	for_each_online_cpu(cpu)
		bytes += mal_sheaf_drain_cpu(&handover, cpu);
	return bytes;
}

/**
 * mal_sheaf_drain() - drain the sheaves of one cache on all CPUs
 * @cache: the cache
 *
 * Context: as for mal_sheaf_drain_many().
 */
void mal_sheaf_drain(struct mal_kmem_cache *cache)
{
	mal_sheaf_drain_many(&cache, 1);
}

static unsigned long mal_sheaf_nr(const struct mal_sheaf *sheaf)
{
	return sheaf ? mal_peek(sheaf->nr) : 0;
}

/**
 * mal_sheaf_count() - count the objects in sheaves
 * @cache: the cache
 *
 * Exact while the cache is not in use; otherwise, each CPU is counted at a
 * different time.
 *
 * Context: task.
 * Return: number of objects.
 */
unsigned long mal_sheaf_count(struct mal_kmem_cache *cache)
{
	unsigned long count = 0;
	int cpu, nid;

	rcu_read_lock();
	for_each_possible_cpu(cpu) {
		const struct mal_cpu_sheaves *sheaves = per_cpu_ptr(cache->cpu, cpu);
		long nr = mal_peek(sheaves->top) - mal_peek(sheaves->bottom);

		/* The two may belong to different sheaves. */
		if (nr > 0 && nr <= cache->sheaf_capacity)
			count += nr;
		count += mal_sheaf_nr(mal_peek(sheaves->spare)) +
			 mal_sheaf_nr(mal_peek(sheaves->remote));
	}
	rcu_read_unlock();
	for_each_node(nid)
		count += mal_barn_count(cache->nodes[nid]);
	return count;
}

static void mal_cpu_tally(struct mal_sheaf_tally *st,
			  struct mal_cpu_sheaves *cpu)
{
	mal_sheaf_tally_entries(st, cpu->bottom, cpu->top, cpu->tag);
	mal_sheaf_tally_sheaf(st, cpu->spare);
	mal_sheaf_tally_sheaf(st, cpu->remote);
}

static void mal_sheaf_tally_local(void *data)
{
	struct mal_sheaf_tally *st = data;
	struct mal_cpu_sheaves *cpu = this_cpu_ptr(st->cache->cpu);

	st->busy = !mal_cpu_enter(cpu);
	if (st->busy)
		return;
	mal_cpu_tally(st, cpu);
	mal_cpu_leave(cpu);
}

/**
 * mal_sheaf_validate() - check the sheaves of all CPUs
 * @cache: the cache
 * @tally: the result is added here
 *
 * Context: task; waits for the CPUs.
 */
void mal_sheaf_validate(struct mal_kmem_cache *cache, struct mal_tally *tally)
{
	struct mal_sheaf_tally st = { .cache = cache, .tally = tally };
	int cpu;

	for_each_online_cpu(cpu)
		mal_busy_call(cpu, mal_sheaf_tally_local, &st, &st.busy);
}
