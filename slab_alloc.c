// SPDX-License-Identifier: GPL-2.0
/*
 * Allocation and free of objects
 *
 * The short way, through this CPU's main sheaf, is in slab_alloc.h: an object
 * is taken from its top or put there, its state is checked and changed, and that
 * is all. Here are the functions that users call, what they fall back on, and
 * the forms for many objects at once.
 *
 * In an NMI, the short way works as anywhere, as the busy flag keeps it away
 * from whom it interrupted. If it does not do, allocation fails, and a free
 * leaves a note: the object's state says DEFERRED, and its slab goes on a list
 * that is worked off as soon as interrupts are possible again. That takes no
 * memory, and touches no object. Exactly one party has mal_slab.is_deferred
 * set at a time, whoever queued the slab or works it off, and only that party
 * puts DEFERRED objects away: so a slab on the list has one, and is not
 * destroyed.
 *
 * Locking: none here.
 *
 * Context: any; allocation sleeps if its flags allow it.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/hardirq.h>
#include <linux/irq_work.h>
#include <linux/kernel.h>
#include <linux/llist.h>
#include <linux/mm.h>
#include <linux/ratelimit.h>
#include <linux/string.h>

#include <memalloc/slab_cache.h>

#include "internal/compat.h"
#include "internal/kunit.h"
#include "internal/report.h"
#include "internal/slab_alloc.h"
#include "internal/slab_cache.h"
#include "internal/slab_debug.h"
#include "internal/slab_guard.h"
#include "internal/trace.h"

DEFINE_STATIC_KEY_FALSE(mal_lean_key);
MAL_EXPORT_FOR_KUNIT(mal_lean_key);
DEFINE_STATIC_KEY_FALSE(mal_many_nodes_key);

/*
 * Deferred frees
 */

static LLIST_HEAD(mal_deferred_slabs);

static void mal_deferred_drain(struct irq_work *work);
static DEFINE_IRQ_WORK(mal_deferred_work, mal_deferred_drain);

static void mal_object_defer(struct mal_slab *slab, u8 *state)
{
	WRITE_ONCE(*state, MAL_OBJECT_DEFERRED);
	/* xchg() orders: who has the flag now sees the state, or we queue. */
	if (!xchg(&slab->is_deferred, 1))
		llist_add(&slab->deferred, &mal_deferred_slabs);
	irq_work_queue(&mal_deferred_work);
}

/* Returns true if there were any. */
static bool mal_slab_has_deferred(const struct mal_slab *slab)
{
	return memchr(slab->states, MAL_OBJECT_DEFERRED, slab->nr);
}

static void mal_slab_put_deferred(struct mal_slab *slab)
{
	u32 i;

	for (i = 0; i < slab->nr; i++) {
		struct mal_sheaf_entry entry = {
			.object = mal_slab_object(slab, i),
			.state = &slab->states[i],
		};

		if (READ_ONCE(slab->states[i]) != MAL_OBJECT_DEFERRED)
			continue;
		mal_kmemleak_free(entry.object);
		if (mal_slab_is_guard(slab)) {
			WRITE_ONCE(slab->states[i], MAL_OBJECT_GUARDED);
			mal_guard_free(slab->cache, entry.object, 0,
				       slab->cache->flags & MAL_CACHE_KMALLOC);
			continue;
		}
		WRITE_ONCE(slab->states[i], mal_lean() ? MAL_OBJECT_ALLOCATED :
							 MAL_OBJECT_CACHED);
		if (mal_cache_debugs(slab->cache))
			mal_debug_free(slab->cache, slab, entry.object, 0);
		else
			mal_sheaf_return(slab->cache, &entry, 1);
	}
}

static void mal_deferred_drain(struct irq_work *work)
{
	struct llist_node *list = llist_del_all(&mal_deferred_slabs);
	struct mal_slab *slab, *next;

	/* Keeps a slab's description, when all its objects are FREE. */
	rcu_read_lock();
	llist_for_each_entry_safe(slab, next, list, deferred) {
		do {
			mal_slab_put_deferred(slab);
			xchg(&slab->is_deferred, 0);
		} while (mal_slab_has_deferred(slab) &&
			 !xchg(&slab->is_deferred, 1));
	}
	rcu_read_unlock();
}

/**
 * mal_deferred_sync() - wait until what NMIs freed has been put away
 *
 * Context: task; sleeps.
 */
void mal_deferred_sync(void)
{
	/* To wait can take a grace period, even if there is nothing to wait for. */
	if (irq_work_is_busy(&mal_deferred_work))
		irq_work_sync(&mal_deferred_work);
}

/*
 * The long way: not inlined, or the short one would have registers to save
 */

static void mal_warn_no_object(const struct mal_kmem_cache *cache, gfp_t gfp,
			       int nid, unsigned long caller)
{
	static DEFINE_RATELIMIT_STATE(limit, DEFAULT_RATELIMIT_INTERVAL,
				      DEFAULT_RATELIMIT_BURST);

	if (gfp & __GFP_NOWARN || !__ratelimit(&limit))
		return;
	pr_warn("no object of cache %s, gfp %pGg, node %d, for %pS\n",
		cache->name, &gfp, nid, (void *)caller);
}

static void mal_report_two_frees(const struct mal_kmem_cache *cache, unsigned long caller)
{
	mal_report(MAL_REPORT_DOUBLE_FREE, 0,
		   "an object of cache %s was freed by two at once, found by %pS",
		   cache->name, (void *)caller);
}

/**
 * mal_object_alloc_slow() - allocate, if the main sheaf cannot serve
 * @cache: the cache
 * @gfp: as for mal_kmem_cache_alloc()
 * @nid: the node to prefer, or NUMA_NO_NODE
 * @caller: code address of who wants it
 *
 * Context: as for mal_kmem_cache_alloc().
 * Return: the object, or NULL.
 */
noinline void *mal_object_alloc_slow(struct mal_kmem_cache *cache, gfp_t gfp,
				     int nid, unsigned long caller)
{
	struct mal_sheaf_entry entry;

	if (in_nmi())
		return NULL;
	mal_object_may_sleep(gfp);
	entry.object = NULL;
	if (cache->flags & MAL_CACHE_GUARD && nid == NUMA_NO_NODE)
		entry.object = mal_guard_alloc(cache, caller);
	while (!entry.object) {
		if (!mal_sheaf_refill(cache, gfp, nid, &entry)) {
			mal_warn_no_object(cache, gfp, nid, caller);
			return NULL;
		}
		if (mal_cache_debugs(cache)) {
			if (mal_debug_alloc(cache, entry.object, caller))
				break;
			entry.object = NULL;
			continue;
		}
		if (mal_lean() || mal_object_claim(entry.state))
			break;
		mal_report_two_frees(cache, caller);
		entry.object = NULL;
	}
	mal_sanitizer_alloc(cache, entry.object, cache->object_size);
	mal_kmemleak_alloc(cache, entry.object, gfp);
	if (want_init_on_alloc(gfp))
		return mal_object_zero(cache, entry.object);
	return entry.object;
}

/**
 * mal_object_alloc_at_hand() - allocate from the main sheaf, when watched
 * @cache: the cache
 * @gfp: as for mal_kmem_cache_alloc()
 * @nid: as for mal_object_alloc_slow()
 *
 * Context: as for mal_kmem_cache_alloc().
 * Return: the object, or NULL: it has to be the long way.
 */
void *mal_object_alloc_at_hand(struct mal_kmem_cache *cache, gfp_t gfp, int nid)
{
	void *object;

	if (nid != NUMA_NO_NODE && nid != numa_mem_id())
		return NULL;
	mal_object_may_sleep(gfp);
	if (!mal_sheaf_pop(cache, &object))
		return NULL;
	mal_sanitizer_alloc(cache, object, cache->object_size);
	mal_kmemleak_alloc(cache, object, gfp);
	return want_init_on_alloc(gfp) ? mal_object_zero(cache, object) : object;
}

static void *mal_object_alloc_anyhow(struct mal_kmem_cache *cache, gfp_t gfp,
				     int nid, unsigned long caller)
{
	if (mal_inject_may_fail(gfp))
		return NULL;
	return mal_object_alloc_at_hand(cache, gfp, nid) ?:
	       mal_object_alloc_slow(cache, gfp, nid, caller);
}

/**
 * mal_object_alloc_watched() - allocate, if somebody watches
 * @cache: the cache
 * @gfp: as for mal_kmem_cache_alloc()
 * @nid: the node to prefer, or NUMA_NO_NODE
 * @caller: code address of who wants it
 *
 * Context: as for mal_kmem_cache_alloc().
 * Return: the object, or NULL.
 */
noinline void *mal_object_alloc_watched(struct mal_kmem_cache *cache, gfp_t gfp,
					int nid, unsigned long caller)
{
	void *object = mal_object_alloc_anyhow(cache, gfp, nid, caller);

	trace_mal_kmem_cache_alloc(caller, object, cache, gfp, nid);
	return object;
}

/**
 * mal_object_free_odd() - free what is not ALLOCATED: a guard, or a mistake
 * @cache: the cache that it is said to be of
 * @object: any address
 * @caller: code address of who does it
 * @by_kfree: this is mal_kfree()
 *
 * Context: any.
 */
noinline void mal_object_free_odd(struct mal_kmem_cache *cache, void *object,
				  unsigned long caller, bool by_kfree)
{
	struct mal_slab *slab;
	bool done = false;

	rcu_read_lock();
	slab = mal_slab_of(object);
	if (in_nmi() && slab && mal_slab_is_guard(slab) &&
	    slab->cache == cache && object == slab->base &&
	    slab->states[0] == MAL_OBJECT_GUARDED) {
		mal_object_defer(slab, &slab->states[0]);
		done = true;
	}
	rcu_read_unlock();
	if (!done && (in_nmi() || !mal_guard_free(cache, object, caller, by_kfree)))
		mal_slab_report_free(cache, object, caller);
}

/* The slab and the state of an object that was freed, or a report of it. */
static struct mal_slab *mal_object_find(struct mal_kmem_cache *cache,
					void *object, u8 **state,
					unsigned long caller)
{
	struct mal_slab *slab = mal_slab_of(object);
	u32 index;

	if (unlikely(!slab || slab->cache != cache))
		goto bad;
	index = mal_slab_index(cache, slab, object);
	if (unlikely(index >= slab->nr))
		goto bad;
	*state = &slab->states[index];
	if (mal_lean() && unlikely(**state != MAL_OBJECT_ALLOCATED))
		goto bad;
	return slab;

bad:
	mal_slab_report_free(cache, object, caller);
	return NULL;
}

/*
 * For the host's option init_on_free. The debug modes must see an object as it
 * is, and write over it then.
 */
static void mal_object_wipe(struct mal_kmem_cache *cache, void *object)
{
	if (mal_cache_debugs(cache))
		return;
	mal_sanitizer_alloc(cache, object, cache->object_size);
	mal_object_zero(cache, object);
	mal_sanitizer_free(cache, object);
}

/**
 * mal_object_free_slow() - free, if the main sheaf cannot or must not take it
 * @cache: the cache
 * @object: the object; with "lean", not looked at yet, else CACHED
 * @caller: code address of who does it
 * @by_kfree: this is mal_kfree()
 *
 * Context: any.
 */
noinline void mal_object_free_slow(struct mal_kmem_cache *cache, void *object,
				   unsigned long caller, bool by_kfree)
{
	struct mal_sheaf_entry entry = { .object = object };
	struct mal_slab *slab;
	int nid = NUMA_NO_NODE;

	if (want_init_on_free())
		mal_object_wipe(cache, object);
	rcu_read_lock();
	slab = mal_object_find(cache, object, &entry.state, caller);
	if (slab && by_kfree)
		trace_mal_kfree(caller, object);
	else if (slab)
		trace_mal_kmem_cache_free(caller, object, cache);
	if (slab)
		nid = slab->nid;
	if (slab && in_nmi()) {
		mal_object_defer(slab, entry.state);
		slab = NULL;
	}
	rcu_read_unlock();
	if (!slab)
		return;
	if (mal_cache_debugs(cache))
		mal_debug_free(cache, slab, object, caller);
	else
		mal_sheaf_spill(cache, &entry, nid);
}

/**
 * mal_object_zero() - fill an object with zeroes
 * @cache: the cache; with a constructor, or if somebody may still look at the
 *	object, it is left alone
 * @object: the object
 *
 * Context: any.
 * Return: the object.
 */
noinline void *mal_object_zero(struct mal_kmem_cache *cache, void *object)
{
	if (likely(!(cache->flags & MAL_CACHE_NO_INIT)))
		memset(object, 0, cache->object_size);
	return object;
}

/*
 * One object
 */

/**
 * mal_kmem_cache_alloc() - allocate an object
 * @cache: the cache
 * @gfp: what the allocator may do, as with the host's kmem_cache_alloc();
 *	__GFP_ZERO is not for caches with a constructor
 *
 * Context: any; in NMI only what this CPU has at hand. Sleeps if @gfp has
 * __GFP_DIRECT_RECLAIM.
 * Return: the object, or NULL.
 */
void *mal_kmem_cache_alloc(struct mal_kmem_cache *cache, gfp_t gfp)
{
	return mal_object_alloc(cache, gfp);
}
MAL_EXPORT(mal_kmem_cache_alloc);

/**
 * mal_kmem_cache_alloc_node() - allocate an object, near a node
 * @cache: the cache
 * @gfp: as for mal_kmem_cache_alloc(); with __GFP_THISNODE no other node will do
 * @node: the node to prefer, or NUMA_NO_NODE for the nearest one
 *
 * Context: as for mal_kmem_cache_alloc().
 * Return: the object, or NULL.
 */
void *mal_kmem_cache_alloc_node(struct mal_kmem_cache *cache, gfp_t gfp, int node)
{
	if (mal_is_watched())
		return mal_object_alloc_watched(cache, gfp, node, _RET_IP_);
	if (node == NUMA_NO_NODE || node == numa_mem_id())
		return mal_object_alloc(cache, gfp);
	return mal_object_alloc_slow(cache, gfp, node, _RET_IP_);
}
MAL_EXPORT(mal_kmem_cache_alloc_node);

/**
 * mal_kmem_cache_free() - free an object
 * @cache: the cache it was allocated from
 * @object: the object, or NULL
 *
 * Misuse is reported and has no other effect.
 *
 * Context: any.
 */
void mal_kmem_cache_free(struct mal_kmem_cache *cache, void *object)
{
	struct mal_slab *slab;

	preempt_disable();
	if (mal_lean() && likely(object)) {
		mal_object_free_lean(cache, this_cpu_ptr(cache->cpu), object,
				     !mal_free_may_detour() ||
				     (mal_slab_find(object, &slab) &&
				      mal_slab_is_plain(slab)), false);
		return;
	}
	if (likely(mal_slab_find(object, &slab) && slab->cache == cache)) {
		mal_object_free_checked(cache, this_cpu_ptr(cache->cpu), slab,
					object, false);
		return;
	}
	preempt_enable();
	if (object)
		mal_slab_report_free(cache, object, _RET_IP_);
}
MAL_EXPORT(mal_kmem_cache_free);

/*
 * Many objects
 */

static void mal_entries_copy(const struct mal_sheaf_entry *top, size_t nr,
			     void **objects)
{
	for (; nr; nr--)
		*objects++ = (--top)->object;
}

/* Returns how many of them were free; the others have been freed twice. */
static size_t mal_entries_claim(const struct mal_sheaf_entry *top, size_t nr,
				void **objects)
{
	void **next = objects;

	for (; nr; nr--) {
		top--;
		*next = top->object;
		next += likely(mal_object_claim(top->state));
	}
	return next - objects;
}

/* As many objects as the main sheaf has. Returns how many. */
static size_t mal_sheaf_pop_many(struct mal_kmem_cache *cache, size_t want,
				 void **objects, unsigned long caller)
{
	struct mal_sheaf_entry *top;
	struct mal_cpu_sheaves *cpu;
	size_t popped = 0, taken = 0, i;

	preempt_disable();
	cpu = this_cpu_ptr(cache->cpu);
	if (unlikely(!mal_cpu_enter(cpu)))
		goto out;
	if (cpu->top == cpu->bottom && cpu->spare && cpu->spare->nr)
		mal_cpu_swap_spare(cpu);
	top = cpu->top;
	popped = min_t(size_t, want, top - cpu->bottom);
	cpu->top = top - popped;
	taken = popped;
	if (mal_lean())
		mal_entries_copy(top, popped, objects);
	else
		taken = mal_entries_claim(top, popped, objects);
	cpu->hits += taken;
	mal_cpu_leave(cpu);
	for (i = 0; mal_sanitizer_on() && i < taken; i++)
		mal_sanitizer_alloc(cache, objects[i], cache->object_size);
out:
	preempt_enable();
	for (; unlikely(popped > taken); popped--)
		mal_report_two_frees(cache, caller);
	return taken;
}

static void mal_objects_tell_kmemleak(struct mal_kmem_cache *cache, gfp_t gfp,
				      size_t nr, void **objects)
{
	size_t i;

	for (i = 0; i < nr; i++)
		mal_kmemleak_alloc(cache, objects[i], gfp);
}

static void mal_objects_zero(struct mal_kmem_cache *cache, size_t nr,
			     void **objects)
{
	size_t i;

	for (i = 0; i < nr; i++)
		mal_object_zero(cache, objects[i]);
}

static void mal_objects_trace(struct mal_kmem_cache *cache, gfp_t gfp, size_t nr,
			      void **objects, unsigned long caller)
{
	size_t i;

	for (i = 0; i < nr; i++)
		trace_mal_kmem_cache_alloc(caller, objects[i], cache, gfp,
					   NUMA_NO_NODE);
}

/**
 * mal_kmem_cache_alloc_bulk() - allocate many objects
 * @cache: the cache
 * @gfp: as for mal_kmem_cache_alloc()
 * @nr: how many
 * @objects: filled in
 *
 * Context: as for mal_kmem_cache_alloc().
 * Return: @nr, or 0 if there is no memory for all of them.
 */
int mal_kmem_cache_alloc_bulk(struct mal_kmem_cache *cache, gfp_t gfp,
			      size_t nr, void **objects)
{
	size_t taken = 0, some;

	if (mal_inject_may_fail(gfp))
		return 0;
	mal_object_may_sleep(gfp);
	while (taken < nr) {
		some = mal_sheaf_pop_many(cache, nr - taken, objects + taken,
					  _RET_IP_);
		if (some && want_init_on_alloc(gfp))
			mal_objects_zero(cache, some, objects + taken);
		mal_objects_tell_kmemleak(cache, gfp, some, objects + taken);
		taken += some;
		if (taken == nr)
			break;
		objects[taken] = mal_object_alloc_slow(cache, gfp, NUMA_NO_NODE,
						       _RET_IP_);
		if (unlikely(!objects[taken]))
			goto err;
		taken++;
	}
	if (mal_is_watched())
		mal_objects_trace(cache, gfp, nr, objects, _RET_IP_);
	return nr;

err:
	if (mal_is_watched())
		mal_objects_trace(cache, gfp, taken, objects, _RET_IP_);
	mal_kmem_cache_free_bulk(cache, taken, objects);
	return 0;
}
MAL_EXPORT(mal_kmem_cache_alloc_bulk);

/* As many objects as the main sheaf has room for. Returns how many. */
static size_t mal_sheaf_push_unchecked(struct mal_kmem_cache *cache,
				       struct mal_cpu_sheaves *cpu, size_t nr,
				       void **objects)
{
	struct mal_sheaf_entry *top = cpu->top;
	size_t put = min_t(size_t, nr, cpu->end - top);

	cpu->top = top + put;
	for (nr = put; nr; nr--) {
		mal_kmemleak_free(*objects);
		mal_sanitizer_free(cache, *objects);
		(top++)->object = *objects++;
	}
	return put;
}

/*
 * As many objects as the main sheaf has room for, up to the first one that is
 * not like the others. Neighbours in the array are often neighbours in a slab,
 * so the last one's slab is tried before any lookup.
 */
static size_t mal_sheaf_push_checked(struct mal_kmem_cache *cache,
				     struct mal_cpu_sheaves *cpu, size_t nr,
				     void **objects)
{
	struct mal_sheaf_entry *top = cpu->top;
	struct mal_sheaf_entry *end = cpu->end;
	struct mal_slab *slab = NULL;
	unsigned long span = 0;
	void *base = NULL;
	size_t put;

	if (end - top > nr)
		end = top + nr;
	for (put = 0; top < end; put++) {
		void *object = objects[put];
		u8 *state;

		if ((unsigned long)(object - base) >= span) {
			if (unlikely(!mal_slab_find(object, &slab) ||
				     slab->cache != cache ||
				     !mal_slab_is_plain(slab)))
				break;
			base = slab->base;
			span = (unsigned long)slab->nr * cache->size;
		}
		if (unlikely(!mal_object_release(cache, slab, object, &state)))
			break;
		mal_kmemleak_free(object);
		mal_sanitizer_free(cache, object);
		top->object = object;
		top->state = state;
		top++;
	}
	cpu->top = top;
	return put;
}

/**
 * mal_objects_free_run() - free as many objects as go into the main sheaf
 * @cache: the cache
 * @nr: how many objects there are
 * @objects: the objects
 *
 * Context: any.
 * Return: how many were freed. The next one has to go another way: because the
 * sheaf is full, or because something is not as it should be.
 */
size_t mal_objects_free_run(struct mal_kmem_cache *cache, size_t nr,
			    void **objects)
{
	struct mal_cpu_sheaves *cpu;
	size_t put = 0;

	if (want_init_on_free())
		return 0;
	preempt_disable();
	cpu = this_cpu_ptr(cache->cpu);
	if (unlikely(!mal_cpu_enter(cpu)))
		goto out;
	if (cpu->top == cpu->end && cpu->spare &&
	    cpu->spare->nr < cpu->spare->capacity)
		mal_cpu_swap_spare(cpu);
	if (!mal_lean())
		put = mal_sheaf_push_checked(cache, cpu, nr, objects);
	else if (!mal_free_may_detour())
		put = mal_sheaf_push_unchecked(cache, cpu, nr, objects);
	mal_cpu_leave(cpu);
out:
	preempt_enable();
	return put;
}

/**
 * mal_kmem_cache_free_bulk() - free many objects
 * @cache: the cache that they were allocated from
 * @nr: how many
 * @objects: the objects
 *
 * Misuse is reported and has no other effect.
 *
 * Context: any.
 */
void mal_kmem_cache_free_bulk(struct mal_kmem_cache *cache, size_t nr,
			      void **objects)
{
	size_t put = 0;

	while (put < nr) {
		put += mal_objects_free_run(cache, nr - put, objects + put);
		if (put < nr)
			mal_kmem_cache_free(cache, objects[put++]);
	}
}
MAL_EXPORT(mal_kmem_cache_free_bulk);
