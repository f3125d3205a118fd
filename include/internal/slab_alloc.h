/* SPDX-License-Identifier: GPL-2.0 */
/*
 * slab_alloc.h: fast paths of allocation and free
 *
 * Shared by slab_alloc.c, where the caller passes the cache, and kmalloc.c,
 * which computes it.
 */
#ifndef _MAL_SLAB_ALLOC_H
#define _MAL_SLAB_ALLOC_H

#include <linux/jump_label.h>
#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/topology.h>

#include "internal/inject.h"
#include "internal/instrument.h"
#include "internal/sheaf_cpu.h"
#include "internal/slab.h"
#include "internal/slab_kmemleak.h"
#include "internal/slab_sanitizer.h"

DECLARE_STATIC_KEY_FALSE(mal_many_nodes_key);

/* True if there are several nodes, so that the node of an object matters. */
static __always_inline bool mal_many_nodes(void)
{
	return IS_ENABLED(CONFIG_NUMA) &&
	       static_branch_unlikely(&mal_many_nodes_key);
}

void *mal_object_alloc_slow(struct mal_kmem_cache *cache, gfp_t gfp, int nid,
			    unsigned long caller);
void mal_object_free_slow(struct mal_kmem_cache *cache, void *object,
			  unsigned long caller, bool by_kfree);
void *mal_object_alloc_instrumented(struct mal_kmem_cache *cache, gfp_t gfp,
				    int nid, unsigned long caller);
void *mal_object_alloc_cached(struct mal_kmem_cache *cache, gfp_t gfp, int nid);
void *mal_object_zero(struct mal_kmem_cache *cache, void *object);
size_t mal_objects_free_run(struct mal_kmem_cache *cache, size_t nr,
			    void **objects);

/* With debug options, check each call; otherwise the slow path checks. */
static __always_inline void mal_object_may_sleep(gfp_t gfp)
{
	if (IS_ENABLED(CONFIG_DEBUG_ATOMIC_SLEEP) || IS_ENABLED(CONFIG_LOCKDEP))
		might_alloc(gfp);
}

/*
 * The host's option init_on_alloc asks for zeroed memory in each allocation.
 * Constructed objects are excluded, and so are those that an RCU reader may
 * still access.
 */
static __always_inline gfp_t mal_object_gfp(const struct mal_kmem_cache *cache, gfp_t gfp)
{
	if (want_init_on_alloc(0) && !(cache->flags & MAL_CACHE_NO_INIT))
		gfp |= __GFP_ZERO;
	return gfp;
}

/**
 * mal_object_release() - free an object, after a check
 * @cache: the slab's cache
 * @slab: the slab that contains it
 * @object: the address
 * @tag: tag of the sheaf that the object is added to
 * @state: set to the address of the object's state, which is now @tag
 *
 * Context: any.
 * Return: true, or false if the address is not the start of an ALLOCATED
 * object.
 */
static __always_inline bool mal_object_release(struct mal_kmem_cache *cache,
					       struct mal_slab *slab,
					       const void *object, u8 tag, u8 **state)
{
	u32 index = mal_slab_index(cache, slab, object);

	*state = &slab->states[index];
	if (unlikely(index >= slab->nr || **state != MAL_OBJECT_ALLOCATED))
		return false;
	WRITE_ONCE(**state, tag);
	return true;
}

/**
 * mal_object_push() - free an object to the main sheaf
 * @cache: the slab's cache
 * @cpu: this CPU's sheaves of the cache
 * @slab: the slab that contains it
 * @object: the address
 *
 * The object gets the tag of the main sheaf, which does not change while the
 * sheaf is in use.
 *
 * Context: any; preemption is off.
 * Return: true; false, without any change, if the sheaf is full or in use, or
 * if the address is not the start of an ALLOCATED object.
 */
static __always_inline bool mal_object_push(struct mal_kmem_cache *cache,
					    __mal_this_cpu struct mal_cpu_sheaves *cpu,
					    struct mal_slab *slab, void *object)
{
	struct mal_sheaf_entry *top;
	u8 *state;

	if (unlikely(!mal_cpu_enter_here(cpu)))
		return false;
	top = cpu->top;
	if (unlikely(top == cpu->end ||
		     !mal_object_release(cache, slab, object, cpu->tag, &state))) {
		mal_cpu_leave_here(cpu);
		return false;
	}
	mal_kmemleak_free(object);
	mal_sanitizer_free(cache, object);
	top->object = object;
	top->state = state;
	cpu->top = top + 1;
	mal_cpu_leave_here(cpu);
	return true;
}

/*
 * True if the fast path may free an object of the slab: it is on this CPU's
 * node, is not cleared on free, and no hook is enabled. Preemption is off.
 */
static __always_inline bool mal_slab_is_plain(const struct mal_slab *slab)
{
	return !mal_free_has_hooks() ||
	       (!mal_is_instrumented() && !want_init_on_free() &&
		(!mal_many_nodes() || slab->nid == numa_mem_id()));
}

/*
 * The following functions are inlined into the functions of the API, so
 * _RET_IP_ is the caller. They call other functions last, so that no registers
 * have to be saved.
 */

/**
 * mal_object_alloc() - allocate by the fast path or the slow path
 * @cache: the cache
 * @gfp: as for mal_kmem_cache_alloc()
 *
 * Context: as for mal_kmem_cache_alloc().
 * Return: the object, or NULL.
 */
static __always_inline void *mal_object_alloc(struct mal_kmem_cache *cache,
					      gfp_t gfp)
{
	void *object;

	if (mal_alloc_has_hooks()) {
		if (mal_is_instrumented())
			return mal_object_alloc_instrumented(cache, gfp, NUMA_NO_NODE,
							     _RET_IP_);
		gfp = mal_object_gfp(cache, gfp);
	}
	mal_object_may_sleep(gfp);
	if (unlikely(!mal_sheaf_pop(cache, &object)))
		return mal_object_alloc_slow(cache, gfp, NUMA_NO_NODE, _RET_IP_);
	mal_sanitizer_alloc(cache, object, cache->object_size);
	mal_kmemleak_alloc(cache, object, gfp);
	if (unlikely(gfp & __GFP_ZERO))
		return mal_object_zero(cache, object);
	return object;
}

/**
 * mal_object_free_checked() - free by the fast path or the slow path
 * @cache: the slab's cache
 * @cpu: this CPU's sheaves of the cache
 * @slab: the slab that contains the object
 * @object: the address
 * @by_kfree: called by mal_kfree()
 *
 * Context: any; called with preemption off, returns with preemption on.
 */
static __always_inline void mal_object_free_checked(struct mal_kmem_cache *cache,
						    __mal_this_cpu struct mal_cpu_sheaves *cpu,
						    struct mal_slab *slab,
						    void *object, bool by_kfree)
{
	if (unlikely(!mal_slab_is_plain(slab) ||
		     !mal_object_push(cache, cpu, slab, object))) {
		preempt_enable();
		mal_object_free_slow(cache, object, _RET_IP_, by_kfree);
		return;
	}
	preempt_enable();
}

/**
 * mal_object_free_lean() - mal_object_free_checked() without checks
 * @cache: the slab's cache
 * @cpu: this CPU's sheaves of the cache
 * @object: the address
 * @plain: the fast path may be used
 * @by_kfree: called by mal_kfree()
 *
 * Context: any; called with preemption off, returns with preemption on.
 */
static __always_inline void mal_object_free_lean(struct mal_kmem_cache *cache,
						 __mal_this_cpu struct mal_cpu_sheaves *cpu,
						 void *object, bool plain,
						 bool by_kfree)
{
	mal_kmemleak_free(object);
	mal_sanitizer_free(cache, object);
	if (unlikely(!plain || !mal_sheaf_push_lean(cpu, object))) {
		preempt_enable();
		mal_object_free_slow(cache, object, _RET_IP_, by_kfree);
		return;
	}
	preempt_enable();
}

/**
 * mal_object_free_by_slab() - free an object of a known slab
 * @slab: the slab that contains it
 * @here: result of mal_cpu_here()
 * @object: the address
 *
 * Used by mal_kfree() and similar functions.
 *
 * Context: any; called with preemption off, returns with preemption on.
 */
static __always_inline void mal_object_free_by_slab(struct mal_slab *slab,
						    unsigned long here,
						    void *object)
{
	if (mal_lean())
		mal_object_free_lean(slab->cache, mal_cpu_sheaves(slab->cpu, here), object,
				     mal_slab_is_plain(slab), true);
	else
		mal_object_free_checked(slab->cache, mal_cpu_sheaves(slab->cpu, here), slab,
					object, true);
}

#endif /* _MAL_SLAB_ALLOC_H */
