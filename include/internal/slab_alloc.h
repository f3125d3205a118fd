/* SPDX-License-Identifier: GPL-2.0 */
/*
 * slab_alloc.h: the short ways of allocation and free
 *
 * Shared by slab_alloc.c, where the cache is known, and kmalloc.c, where it is
 * found out.
 */
#ifndef _MAL_SLAB_ALLOC_H
#define _MAL_SLAB_ALLOC_H

#include <linux/jump_label.h>
#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/topology.h>

#include "internal/inject.h"
#include "internal/sheaf.h"
#include "internal/slab.h"
#include "internal/slab_kmemleak.h"
#include "internal/slab_sanitizer.h"
#include "internal/watch.h"

DECLARE_STATIC_KEY_FALSE(mal_many_nodes_key);

/* Does it matter where an object is from? */
static __always_inline bool mal_many_nodes(void)
{
	return IS_ENABLED(CONFIG_NUMA) &&
	       static_branch_unlikely(&mal_many_nodes_key);
}

void *mal_object_alloc_slow(struct mal_kmem_cache *cache, gfp_t gfp, int nid,
			    unsigned long caller);
void mal_object_free_slow(struct mal_kmem_cache *cache, void *object,
			  unsigned long caller, bool by_kfree);
void mal_object_free_odd(struct mal_kmem_cache *cache, void *object,
			 unsigned long caller, bool by_kfree);
void *mal_object_alloc_watched(struct mal_kmem_cache *cache, gfp_t gfp, int nid,
			       unsigned long caller);
void *mal_object_alloc_at_hand(struct mal_kmem_cache *cache, gfp_t gfp, int nid);
void *mal_object_zero(struct mal_kmem_cache *cache, void *object);
size_t mal_objects_free_run(struct mal_kmem_cache *cache, size_t nr,
			    void **objects);

/* Where sleeping is checked, it is at each call; else when it may come to it. */
static __always_inline void mal_object_may_sleep(gfp_t gfp)
{
	if (IS_ENABLED(CONFIG_DEBUG_ATOMIC_SLEEP) || IS_ENABLED(CONFIG_LOCKDEP))
		might_alloc(gfp);
}

/* With the host's option init_on_alloc, all is as if it were asked for. */
static __always_inline gfp_t mal_object_gfp(gfp_t gfp)
{
	return want_init_on_alloc(gfp) ? gfp | __GFP_ZERO : gfp;
}

/**
 * mal_object_release() - free an object, if it is one
 * @cache: the slab's cache
 * @slab: the slab that it lies in
 * @object: the address
 * @state: its state, CACHED now
 *
 * Context: any.
 * Return: true; false if this is not the beginning of an object that is
 * ALLOCATED.
 */
static __always_inline bool mal_object_release(struct mal_kmem_cache *cache,
					       struct mal_slab *slab,
					       const void *object, u8 **state)
{
	u32 index = mal_slab_index(cache, slab, object);

	*state = &slab->states[index];
	if (unlikely(index >= slab->nr || **state != MAL_OBJECT_ALLOCATED))
		return false;
	WRITE_ONCE(**state, MAL_OBJECT_CACHED);
	return true;
}

/*
 * May an object of the slab go the short way: is it of this CPU's node, may what
 * is in it stay there, and does nobody watch? Preemption is off.
 */
static __always_inline bool mal_slab_is_plain(const struct mal_slab *slab)
{
	return !mal_free_may_detour() ||
	       (!mal_is_watched() && !want_init_on_free() &&
		(!mal_many_nodes() || slab->nid == numa_mem_id()));
}

/*
 * The two that follow know their caller by _RET_IP_: they are inlined into what
 * it calls. All that they call besides is called last, so that there is nothing
 * to be saved before.
 */

/**
 * mal_object_alloc() - allocate, from this CPU's sheaves or the long way
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

	if (mal_alloc_may_detour()) {
		if (mal_is_watched())
			return mal_object_alloc_watched(cache, gfp, NUMA_NO_NODE,
							_RET_IP_);
		gfp = mal_object_gfp(gfp);
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
 * mal_object_free_checked() - free to this CPU's sheaves, or the long way
 * @cache: the slab's cache
 * @cpu: this CPU's sheaves of it
 * @slab: the slab that the object lies in
 * @object: the address
 * @by_kfree: this is mal_kfree()
 *
 * Context: any; preemption is off before, and on after.
 */
static __always_inline void mal_object_free_checked(struct mal_kmem_cache *cache,
						    struct mal_cpu_sheaves *cpu,
						    struct mal_slab *slab,
						    void *object, bool by_kfree)
{
	u8 *state;

	if (unlikely(!mal_object_release(cache, slab, object, &state))) {
		preempt_enable();
		mal_object_free_odd(cache, object, _RET_IP_, by_kfree);
		return;
	}
	mal_kmemleak_free(object);
	mal_sanitizer_free(cache, object);
	if (unlikely(!mal_slab_is_plain(slab) ||
		     !mal_sheaf_push(cpu, object, state))) {
		preempt_enable();
		mal_object_free_slow(cache, object, _RET_IP_, by_kfree);
		return;
	}
	preempt_enable();
}

/**
 * mal_object_free_lean() - mal_object_free_checked() with "lean": no checks
 * @cache: the slab's cache
 * @cpu: this CPU's sheaves of it
 * @object: the address
 * @plain: it may go the short way
 * @by_kfree: this is mal_kfree()
 *
 * Context: any; preemption is off before, and on after.
 */
static __always_inline void mal_object_free_lean(struct mal_kmem_cache *cache,
						 struct mal_cpu_sheaves *cpu,
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
 * mal_object_free_by_slab() - free an object whose slab has been looked for
 * @slab: the slab that it lies in
 * @here: of mal_cpu_here()
 * @object: the address
 *
 * For mal_kfree() and its like.
 *
 * Context: any; preemption is off before, and on after.
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
