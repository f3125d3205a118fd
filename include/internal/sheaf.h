/* SPDX-License-Identifier: GPL-2.0 */
/*
 * sheaf.h: objects at hand, on each CPU
 */
#ifndef _MAL_SHEAF_H
#define _MAL_SHEAF_H

#include <linux/compiler.h>
#include <linux/list.h>
#include <linux/percpu.h>
#include <linux/types.h>

#include "internal/kmemleak.h"
#include "internal/slab.h"

/**
 * struct mal_sheaf_entry - a free object
 * @object: its address
 * @state: its state, so that nothing has to be looked up to allocate it; not
 *	valid with "lean"
 */
struct mal_sheaf_entry {
	void *object;
	u8 *state;
};

/**
 * struct mal_sheaf - an array of free objects of one cache
 * @link: in the depot; protected by the lock of the node
 * @rcu: on the way out: those who count may still look
 * @nr: entries in use; not kept while the sheaf is the main one of a CPU
 * @capacity: entries there are
 * @entries: them, from the bottom
 *
 * Belongs to one CPU or to the depot of one node, or to a task on its way
 * between the two.
 */
struct mal_sheaf {
	union {
		struct list_head link;
		struct rcu_head rcu;
	};
	unsigned int nr;
	unsigned int capacity;
	struct mal_sheaf_entry entries[];
};

/**
 * struct mal_cpu_sheaves - the objects of a cache that are at hand on one CPU
 * @top: above the uppermost entry of the main sheaf
 * @bottom: the lowest entry of the main sheaf
 * @end: above the highest entry that the main sheaf has room for
 * @hits: allocations that the main sheaf served
 * @busy: somebody on this CPU is at it: those who interrupt them, keep out
 * @main: what @bottom and @end belong to, or NULL: then they are all equal
 * @spare: full or empty, to be exchanged with the main sheaf, or NULL
 * @remote: objects freed here that are at home on another node, or NULL
 * @misses: allocations that the main sheaf did not serve
 * @crossed: and those that came while somebody was at it
 *
 * Used on its own CPU only, with preemption off and @busy set; or by anybody,
 * when that CPU is gone.
 */
struct mal_cpu_sheaves {
	struct mal_sheaf_entry *top;
	struct mal_sheaf_entry *bottom;
	struct mal_sheaf_entry *end;
	unsigned long hits;
	u8 busy;
	struct mal_sheaf *main;
	struct mal_sheaf *spare;
	struct mal_sheaf *remote;
	unsigned long misses;
	unsigned long crossed;
};

/**
 * mal_cpu_here() - how far this CPU's copies are from what per-CPU pointers say
 *
 * For who wants to know it before they know the pointer: see mal_cpu_sheaves().
 *
 * Context: any; preemption is off.
 * Return: bytes.
 */
static __always_inline unsigned long mal_cpu_here(void)
{
#ifdef CONFIG_SMP
	return __my_cpu_offset;
#else
	return 0;
#endif
}

/**
 * mal_cpu_sheaves() - as this_cpu_ptr()
 * @sheaves: of a cache
 * @here: of mal_cpu_here()
 *
 * Context: any; preemption is off, since mal_cpu_here().
 * Return: this CPU's.
 */
static __always_inline struct mal_cpu_sheaves *
mal_cpu_sheaves(struct mal_cpu_sheaves __percpu *sheaves, unsigned long here)
{
	return RELOC_HIDE((struct mal_cpu_sheaves __kernel __force *)sheaves, here);
}

/**
 * mal_cpu_enter() - begin to use this CPU's sheaves
 * @cpu: them
 *
 * An interrupt between the look and the claim leaves things as they were when
 * it returns, so that neither needs to be atomic.
 *
 * Context: any, NMI included; preemption is off, until mal_cpu_leave().
 * Return: false if this context has interrupted somebody who is using them; and
 * in an NMI, if kmemleak would have to be told.
 */
static __always_inline bool mal_cpu_enter(struct mal_cpu_sheaves *cpu)
{
	/* Who interrupts this leaves the flag as it was. */
	if (unlikely(data_race(cpu->busy) || mal_kmemleak_forbids()))
		return false;
	WRITE_ONCE(cpu->busy, 1);
	barrier();
	return true;
}

/**
 * mal_cpu_leave() - end what mal_cpu_enter() began
 * @cpu: the sheaves
 *
 * Context: as for mal_cpu_enter().
 */
static __always_inline void mal_cpu_leave(struct mal_cpu_sheaves *cpu)
{
	barrier();
	WRITE_ONCE(cpu->busy, 0);
	barrier();
}

/**
 * mal_object_claim() - take an object that was in a sheaf
 * @state: the object's state
 *
 * Context: any.
 * Return: true; false if somebody has the object: it was freed twice.
 */
static __always_inline bool mal_object_claim(u8 *state)
{
	if (unlikely(*state != MAL_OBJECT_CACHED))
		return false;
	WRITE_ONCE(*state, MAL_OBJECT_ALLOCATED);
	return true;
}

/**
 * mal_sheaf_pop() - allocate from the main sheaf
 * @cache: the cache
 * @object: the object
 *
 * Context: any, NMI included.
 * Return: true, or false if the sheaf is empty or in use, or if the object at its
 * top has been freed twice: that stays where it is.
 */
static __always_inline bool mal_sheaf_pop(struct mal_kmem_cache *cache, void **object)
{
	struct mal_cpu_sheaves *cpu;
	struct mal_sheaf_entry *top;

	preempt_disable();
	cpu = this_cpu_ptr(cache->cpu);
	if (unlikely(!mal_cpu_enter(cpu)))
		goto out;
	top = cpu->top;
	if (unlikely(top == cpu->bottom))
		goto leave;
	top--;
	if (!mal_lean() && unlikely(!mal_object_claim(top->state)))
		goto leave;
	*object = top->object;
	cpu->top = top;
	cpu->hits++;
	mal_cpu_leave(cpu);
	preempt_enable();
	return true;

leave:
	mal_cpu_leave(cpu);
out:
	preempt_enable();
	return false;
}

/**
 * mal_sheaf_push() - free to the main sheaf
 * @cpu: this CPU's sheaves
 * @object: the object
 * @state: its state
 *
 * Context: any, NMI included; preemption is off.
 * Return: true, or false if the sheaf is full or in use.
 */
static __always_inline bool mal_sheaf_push(struct mal_cpu_sheaves *cpu,
					   void *object, u8 *state)
{
	struct mal_sheaf_entry *top;

	if (unlikely(!mal_cpu_enter(cpu)))
		return false;
	top = cpu->top;
	if (unlikely(top == cpu->end)) {
		mal_cpu_leave(cpu);
		return false;
	}
	top->object = object;
	top->state = state;
	cpu->top = top + 1;
	mal_cpu_leave(cpu);
	return true;
}

/**
 * mal_sheaf_push_lean() - mal_sheaf_push() with "lean": no state is noted
 * @cpu: this CPU's sheaves
 * @object: the object
 *
 * Context: any, NMI included; preemption is off.
 * Return: true, or false if the sheaf is full or in use.
 */
static __always_inline bool mal_sheaf_push_lean(struct mal_cpu_sheaves *cpu,
						void *object)
{
	struct mal_sheaf_entry *top;

	if (unlikely(!mal_cpu_enter(cpu)))
		return false;
	top = cpu->top;
	if (unlikely(top == cpu->end)) {
		mal_cpu_leave(cpu);
		return false;
	}
	top->object = object;
	cpu->top = top + 1;
	mal_cpu_leave(cpu);
	return true;
}

bool mal_sheaf_refill(struct mal_kmem_cache *cache, gfp_t gfp, int nid,
		      struct mal_sheaf_entry *entry);
void mal_sheaf_spill(struct mal_kmem_cache *cache,
		     const struct mal_sheaf_entry *entry, int nid);
void mal_sheaf_return(struct mal_kmem_cache *cache,
		      const struct mal_sheaf_entry *entries, unsigned int nr);

void mal_sheaf_drain(struct mal_kmem_cache *cache);
void mal_sheaf_drain_dead(struct mal_kmem_cache *cache, unsigned int cpu);
void mal_depot_flush(struct mal_kmem_cache *cache, struct mal_slab_node *node);
unsigned long mal_sheaf_count(struct mal_kmem_cache *cache);
void mal_cpu_swap_spare(struct mal_cpu_sheaves *cpu);

u64 mal_sheaf_validate(struct mal_kmem_cache *cache, u64 *checked);
u64 mal_depot_validate(struct mal_kmem_cache *cache, int nid, u64 *checked);

#endif /* _MAL_SHEAF_H */
