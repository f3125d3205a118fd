// SPDX-License-Identifier: GPL-2.0
/*
 * Allocation and free of objects
 *
 * The fast path uses this CPU's main sheaf and is in slab_alloc.h: it pops or
 * pushes an object, and checks and changes the object's state. This file has
 * the functions of the API, the slow paths, and the bulk functions.
 *
 * The fast path works in an NMI, too, because the busy flag keeps the NMI
 * handler away from sheaves that are in use. If the fast path cannot serve an
 * NMI, an allocation fails and a free is deferred: the object becomes DEFERRED,
 * and its slab goes on a list that an irq_work drains. That takes no memory and
 * does not touch the object. At most one context owns the flag
 * mal_slab.is_deferred: it is the one that queues or drains the slab, and only
 * it frees the slab's DEFERRED objects. A slab on the list therefore has such
 * an object, which pins it.
 *
 * Locking: no locks of its own.
 *
 * Context: any; allocation sleeps if its flags allow it.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/hardirq.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/ratelimit.h>
#include <linux/string.h>

#include <memalloc/slab_cache.h>

#include "internal/compat.h"
#include "internal/defer.h"
#include "internal/inject.h"
#include "internal/kunit.h"
#include "internal/report.h"
#include "internal/slab_alloc.h"
#include "internal/slab_cache.h"
#include "internal/slab_checked.h"
#include "internal/slab_debug.h"
#include "internal/slab_guard.h"
#include "internal/trace.h"

DEFINE_STATIC_KEY_FALSE(mal_many_nodes_key);

/*
 * Deferred frees
 */

static void mal_deferred_drain(struct irq_work *work);
static DEFINE_MAL_DEFER_LIST(mal_deferred_slabs, mal_deferred_drain);

/* Returns false if the object is not in the state @from. */
static bool mal_object_defer(struct mal_slab *slab, u8 *state, u8 from)
{
	if (cmpxchg(state, from, MAL_OBJECT_DEFERRED) != from)
		return false;
	/*
	 * xchg() orders: either the holder of the flag sees the state, or the
	 * slab is queued.
	 */
	if (!xchg(&slab->is_deferred, 1))
		mal_defer_add(&mal_deferred_slabs, &slab->deferred);
	return true;
}

/* True if the slab has DEFERRED objects. */
static bool mal_slab_has_deferred(const struct mal_slab *slab)
{
	return memchr(slab->states, MAL_OBJECT_DEFERRED, slab->nr);
}

static void mal_object_put_deferred(struct mal_slab *slab, u32 i)
{
	struct mal_kmem_cache *cache = slab->cache;
	struct mal_sheaf_entry entry = {
		.object = mal_slab_object(slab, i),
		.state = &slab->states[i],
	};

	mal_kmemleak_free(entry.object);
	if (mal_slab_is_guard(slab)) {
		WRITE_ONCE(slab->states[i], MAL_OBJECT_GUARDED);
		mal_guard_free(cache, entry.object, 0, cache->flags & MAL_CACHE_KMALLOC);
		return;
	}
	mal_sanitizer_free(cache, entry.object);
	if (mal_cache_debugs(cache))
		mal_checked_free(cache, slab, entry.object, MAL_OBJECT_DEFERRED, 0);
	else
		mal_sheaf_return(cache, &entry, 1, MAL_OBJECT_DEFERRED);
}

/*
 * Free up to @left DEFERRED objects of a slab. Returns false if there are more.
 */
static bool mal_slab_put_deferred(struct mal_slab *slab, unsigned int *left)
{
	u32 i;

	for (i = 0; i < slab->nr; i++) {
		if (READ_ONCE(slab->states[i]) != MAL_OBJECT_DEFERRED)
			continue;
		if (!*left)
			return false;
		mal_object_put_deferred(slab, i);
		--*left;
	}
	return true;
}

/* Likewise, and clear the flag when there are no more. */
static bool mal_slab_drain_deferred(struct mal_slab *slab, unsigned int *left)
{
	do {
		if (!mal_slab_put_deferred(slab, left))
			return false;
		xchg(&slab->is_deferred, 0);
	} while (mal_slab_has_deferred(slab) && !xchg(&slab->is_deferred, 1));
	return true;
}

static void mal_deferred_drain(struct irq_work *work)
{
	unsigned int left = MAL_DEFER_BATCH;
	struct llist_node *node;

	/* Keep the description of a slab after all its objects are FREE. */
	rcu_read_lock();
	while ((node = mal_defer_first(&mal_deferred_slabs))) {
		struct mal_slab *slab = llist_entry(node, struct mal_slab, deferred);

		/*
		 * The flag is still set by this handler, and the object that is
		 * left pins the slab.
		 */
		if (!mal_slab_drain_deferred(slab, &left)) {
			mal_defer_add(&mal_deferred_slabs, node);
			break;
		}
	}
	rcu_read_unlock();
}

/**
 * mal_deferred_sync() - wait for the frees that NMIs deferred
 *
 * Context: task; sleeps.
 */
void mal_deferred_sync(void)
{
	/* irq_work_sync() can take a grace period even if the work is idle. */
	if (irq_work_is_busy(&mal_deferred_slabs.work))
		irq_work_sync(&mal_deferred_slabs.work);
}

/*
 * Slow path: not inlined, so that the fast path saves no registers
 */

static void mal_warn_no_object(const struct mal_kmem_cache *cache, gfp_t gfp,
			       int nid, unsigned long caller)
{
	static DEFINE_RATELIMIT_STATE(limit, DEFAULT_RATELIMIT_INTERVAL,
				      DEFAULT_RATELIMIT_BURST);

	if (gfp & __GFP_NOWARN || mal_inject_has_failed() || !__ratelimit(&limit))
		return;
	pr_warn("no object of cache %s, gfp %pGg, node %d, for %pS\n",
		cache->name, &gfp, nid, (void *)caller);
}

/**
 * mal_object_alloc_slow() - allocate when the main sheaf cannot serve
 * @cache: the cache
 * @gfp: as for mal_kmem_cache_alloc()
 * @nid: preferred node, or NUMA_NO_NODE
 * @caller: code address of the caller
 *
 * Context: as for mal_kmem_cache_alloc().
 * Return: the object, or NULL.
 */
noinline void *mal_object_alloc_slow(struct mal_kmem_cache *cache, gfp_t gfp,
				     int nid, unsigned long caller)
{
	void *object = NULL;

	if (in_nmi())
		return NULL;
	mal_object_may_sleep(gfp);
	if (unlikely(gfp & __GFP_ACCOUNT))
		mal_report_uncharged(caller);
	if (cache->flags & MAL_CACHE_GUARD && nid == NUMA_NO_NODE)
		object = mal_guard_alloc(cache, caller);
	while (!object) {
		object = mal_sheaf_refill(cache, gfp, nid, caller);
		if (!object) {
			mal_warn_no_object(cache, gfp, nid, caller);
			return NULL;
		}
		if (mal_cache_debugs(cache) && !mal_checked_alloc(cache, object, caller))
			object = NULL;
	}
	mal_sanitizer_alloc(cache, object, cache->object_size);
	mal_kmemleak_alloc(cache, object, gfp);
	if (mal_object_gfp(cache, gfp) & __GFP_ZERO)
		return mal_object_zero(cache, object);
	return object;
}

/**
 * mal_object_alloc_cached() - allocate from the main sheaf, hooks enabled
 * @cache: the cache
 * @gfp: as for mal_kmem_cache_alloc()
 * @nid: as for mal_object_alloc_slow()
 *
 * Context: as for mal_kmem_cache_alloc().
 * Return: the object, or NULL if the slow path is required.
 */
void *mal_object_alloc_cached(struct mal_kmem_cache *cache, gfp_t gfp, int nid)
{
	void *object;

	if (nid != NUMA_NO_NODE && nid != numa_mem_id())
		return NULL;
	mal_object_may_sleep(gfp);
	if (!mal_sheaf_pop(cache, &object))
		return NULL;
	mal_sanitizer_alloc(cache, object, cache->object_size);
	mal_kmemleak_alloc(cache, object, gfp);
	if (mal_object_gfp(cache, gfp) & __GFP_ZERO)
		return mal_object_zero(cache, object);
	return object;
}

static void *mal_object_alloc_untraced(struct mal_kmem_cache *cache, gfp_t gfp,
				       int nid, unsigned long caller)
{
	if (mal_inject_may_fail(gfp))
		return NULL;
	return mal_object_alloc_cached(cache, gfp, nid) ?:
	       mal_object_alloc_slow(cache, gfp, nid, caller);
}

/**
 * mal_object_alloc_instrumented() - allocate while hooks are enabled
 * @cache: the cache
 * @gfp: as for mal_kmem_cache_alloc()
 * @nid: preferred node, or NUMA_NO_NODE
 * @caller: code address of the caller
 *
 * Context: as for mal_kmem_cache_alloc().
 * Return: the object, or NULL.
 */
noinline void *mal_object_alloc_instrumented(struct mal_kmem_cache *cache,
					     gfp_t gfp, int nid,
					     unsigned long caller)
{
	void *object = mal_object_alloc_untraced(cache, gfp, nid, caller);

	trace_mal_kmem_cache_alloc(caller, object, cache, gfp, nid);
	return object;
}

/* Free an object that is not ALLOCATED: a guard, or misuse. */
static void mal_object_free_unallocated(struct mal_kmem_cache *cache,
					void *object, unsigned long caller,
					bool by_kfree)
{
	struct mal_slab *slab;
	bool done = false;

	rcu_read_lock();
	slab = mal_slab_of(object);
	if (in_nmi() && slab && mal_slab_is_guard(slab) &&
	    slab->cache == cache && object == slab->base)
		done = mal_object_defer(slab, &slab->states[0], MAL_OBJECT_GUARDED);
	rcu_read_unlock();
	if (!done && (in_nmi() || !mal_guard_free(cache, object, caller, by_kfree)))
		mal_slab_report_free(cache, object, caller);
}

/*
 * Find the slab and the state of an object. Returns NULL if it is not
 * ALLOCATED.
 */
static struct mal_slab *mal_object_find(struct mal_kmem_cache *cache,
					void *object, u8 **state)
{
	struct mal_slab *slab = mal_slab_of(object);
	u32 index;

	if (unlikely(!slab || slab->cache != cache))
		return NULL;
	index = mal_slab_index(cache, slab, object);
	if (unlikely(index >= slab->nr))
		return NULL;
	*state = &slab->states[index];
	return likely(READ_ONCE(**state) == MAL_OBJECT_ALLOCATED) ? slab : NULL;
}

/*
 * Implement the host's option init_on_free. The debug modes check the contents
 * of a free object, and overwrite it themselves.
 */
static void mal_object_wipe(struct mal_kmem_cache *cache, void *object)
{
	if (mal_cache_debugs(cache) || cache->flags & MAL_CACHE_NO_INIT)
		return;
	mal_sanitizer_alloc(cache, object, cache->object_size);
	mal_object_zero(cache, object);
	mal_sanitizer_free(cache, object);
}

static void mal_object_trace_free(struct mal_kmem_cache *cache, void *object,
				  unsigned long caller, bool by_kfree)
{
	if (by_kfree)
		trace_mal_kfree(caller, object);
	else
		trace_mal_kmem_cache_free(caller, object, cache);
}

/*
 * Take an object from its owner, atomically: if two CPUs free an object, one of
 * them fails here. With "lean", the double free is detected in the slab.
 */
static bool mal_object_take_back(struct mal_kmem_cache *cache,
				 const struct mal_sheaf_entry *entry)
{
	if (mal_lean())
		return true;
	if (cmpxchg(entry->state, MAL_OBJECT_ALLOCATED, MAL_OBJECT_CACHED) !=
	    MAL_OBJECT_ALLOCATED)
		return false;
	mal_kmemleak_free(entry->object);
	mal_sanitizer_free(cache, entry->object);
	return true;
}

/* Called under rcu_read_lock(). Returns false if the object is already free. */
static bool mal_object_free_in_slab(struct mal_kmem_cache *cache, struct mal_slab *slab,
				    const struct mal_sheaf_entry *entry,
				    unsigned long caller)
{
	if (in_nmi())
		return mal_object_defer(slab, entry->state, MAL_OBJECT_ALLOCATED);
	if (mal_cache_debugs(cache)) {
		mal_kmemleak_free(entry->object);
		mal_sanitizer_free(cache, entry->object);
		mal_checked_free(cache, slab, entry->object, MAL_OBJECT_ALLOCATED, caller);
		return true;
	}
	if (!mal_object_take_back(cache, entry))
		return false;
	if (want_init_on_free())
		mal_object_wipe(cache, entry->object);
	mal_sheaf_spill(cache, entry, mal_lean() ? MAL_OBJECT_ALLOCATED :
						   MAL_OBJECT_CACHED, slab->nid);
	return true;
}

/**
 * mal_object_free_slow() - free when the main sheaf cannot take an object
 * @cache: the cache passed by the caller
 * @object: any address
 * @caller: code address of the caller
 * @by_kfree: called by mal_kfree()
 *
 * Context: any.
 */
noinline void mal_object_free_slow(struct mal_kmem_cache *cache, void *object,
				   unsigned long caller, bool by_kfree)
{
	struct mal_sheaf_entry entry = { .object = object };
	struct mal_slab *slab;
	bool done = false;

	rcu_read_lock();
	slab = mal_object_find(cache, object, &entry.state);
	if (slab) {
		mal_object_trace_free(cache, object, caller, by_kfree);
		done = mal_object_free_in_slab(cache, slab, &entry, caller);
	}
	rcu_read_unlock();
	if (!done)
		mal_object_free_unallocated(cache, object, caller, by_kfree);
}

/**
 * mal_object_zero() - clear an object
 * @cache: the cache; constructed objects are not cleared
 * @object: the object
 *
 * Context: any.
 * Return: the object.
 */
noinline void *mal_object_zero(struct mal_kmem_cache *cache, void *object)
{
	if (likely(!(cache->flags & MAL_CACHE_CTOR)))
		memset(object, 0, cache->object_size);
	return object;
}

/*
 * Single objects
 */

/**
 * mal_kmem_cache_alloc() - allocate an object
 * @cache: the cache
 * @gfp: allocation flags, as for the host's kmem_cache_alloc(); __GFP_ZERO must
 *	not be used with a constructor
 *
 * Context: any; an NMI is served from this CPU's sheaves only. Sleeps if @gfp
 * has __GFP_DIRECT_RECLAIM.
 * Return: the object, or NULL.
 */
void *mal_kmem_cache_alloc(struct mal_kmem_cache *cache, gfp_t gfp)
{
	return mal_object_alloc(cache, gfp);
}
MAL_EXPORT(mal_kmem_cache_alloc);

/**
 * mal_kmem_cache_alloc_node() - allocate an object near a node
 * @cache: the cache
 * @gfp: as for mal_kmem_cache_alloc(); __GFP_THISNODE excludes other nodes
 * @node: preferred node, or NUMA_NO_NODE for the nearest one
 *
 * Context: as for mal_kmem_cache_alloc().
 * Return: the object, or NULL.
 */
void *mal_kmem_cache_alloc_node(struct mal_kmem_cache *cache, gfp_t gfp, int node)
{
	if (mal_is_instrumented())
		return mal_object_alloc_instrumented(cache, gfp, node,
						     _RET_IP_);
	if (node == NUMA_NO_NODE || node == numa_mem_id())
		return mal_object_alloc(cache, gfp);
	return mal_object_alloc_slow(cache, gfp, node, _RET_IP_);
}
MAL_EXPORT(mal_kmem_cache_alloc_node);

/**
 * mal_kmem_cache_free() - free an object
 * @cache: the cache that it was allocated from
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
		mal_object_free_lean(cache, mal_cpu_sheaves(cache->cpu, mal_cpu_here()), object,
				     !mal_free_has_hooks() ||
				     (mal_slab_find(object, &slab) &&
				      mal_slab_is_plain(slab)), false);
		return;
	}
	if (likely(mal_slab_find(object, &slab) && slab->cache == cache)) {
		mal_object_free_checked(cache, mal_cpu_sheaves(cache->cpu, mal_cpu_here()),
					slab, object, false);
		return;
	}
	preempt_enable();
	if (object)
		mal_slab_report_free(cache, object, _RET_IP_);
}
MAL_EXPORT(mal_kmem_cache_free);

/*
 * Bulk operations
 */

static void mal_entries_copy(const struct mal_sheaf_entry *top, size_t nr,
			     void **objects)
{
	for (; nr; nr--)
		*objects++ = (--top)->object;
}

/* Returns the number of objects claimed; the others were freed twice. */
static size_t mal_entries_claim(const struct mal_sheaf_entry *top, size_t nr,
				u8 tag, void **objects)
{
	void **next = objects;

	for (; nr; nr--) {
		top--;
		*next = top->object;
		next += likely(mal_object_claim(top->state, tag));
	}
	return next - objects;
}

/* Take up to @want objects from the main sheaf. Returns the number taken. */
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
		taken = mal_entries_claim(top, popped, cpu->tag, objects);
	cpu->hits += taken;
	mal_cpu_leave(cpu);
	for (i = 0; mal_sanitizer_on() && i < taken; i++)
		mal_sanitizer_alloc(cache, objects[i], cache->object_size);
out:
	preempt_enable();
	for (; unlikely(popped > taken); popped--)
		mal_sheaf_report_stale(cache, caller);
	return taken;
}

static void mal_objects_kmemleak_alloc(struct mal_kmem_cache *cache, gfp_t gfp,
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
 * @nr: number of objects
 * @objects: the allocated objects
 *
 * Context: as for mal_kmem_cache_alloc().
 * Return: @nr, or 0 if not all of them could be allocated.
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
		if (some && mal_object_gfp(cache, gfp) & __GFP_ZERO)
			mal_objects_zero(cache, some, objects + taken);
		mal_objects_kmemleak_alloc(cache, gfp, some, objects + taken);
		taken += some;
		if (taken == nr)
			break;
		objects[taken] = mal_object_alloc_slow(cache, gfp, NUMA_NO_NODE,
						       _RET_IP_);
		if (unlikely(!objects[taken]))
			goto err;
		taken++;
	}
	if (mal_is_instrumented())
		mal_objects_trace(cache, gfp, nr, objects, _RET_IP_);
	return nr;

err:
	if (mal_is_instrumented())
		mal_objects_trace(cache, gfp, taken, objects, _RET_IP_);
	mal_kmem_cache_free_bulk(cache, taken, objects);
	return 0;
}
MAL_EXPORT(mal_kmem_cache_alloc_bulk);

/* Add as many objects as fit to the main sheaf. Returns the number added. */
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
 * Add objects to the main sheaf until it is full or until an object fails a
 * check. Objects next to each other in the array are often in the same slab, so
 * try the previous slab before a lookup.
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
		if (unlikely(!mal_object_release(cache, slab, object, cpu->tag,
						 &state)))
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
 * mal_objects_free_run() - free a run of objects to the main sheaf
 * @cache: the cache
 * @nr: number of objects
 * @objects: the objects
 *
 * Context: any.
 * Return: number of objects freed. The next one needs the slow path: the sheaf
 * is full, or the object failed a check.
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
	else if (!mal_free_has_hooks())
		put = mal_sheaf_push_unchecked(cache, cpu, nr, objects);
	mal_cpu_leave(cpu);
out:
	preempt_enable();
	return put;
}

/**
 * mal_kmem_cache_free_bulk() - free many objects
 * @cache: the cache that they were allocated from
 * @nr: number of objects
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
