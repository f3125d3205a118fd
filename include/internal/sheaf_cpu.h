/* SPDX-License-Identifier: GPL-2.0 */
/*
 * sheaf_cpu.h: the sheaves of a CPU
 */
#ifndef _MAL_SHEAF_CPU_H
#define _MAL_SHEAF_CPU_H

#include <linux/compiler.h>
#include <linux/percpu.h>
#include <linux/preempt.h>
#include <linux/types.h>

#include "internal/busy.h"
#include "internal/kmemleak.h"
#include "internal/sheaf.h"
#include "internal/slab.h"
#include "internal/this_cpu.h"

/**
 * struct mal_cpu_sheaves - sheaves of a cache on one CPU
 * @top: end of the used entries of the main sheaf
 * @bottom: start of the entries of the main sheaf
 * @end: end of the capacity of the main sheaf
 * @hits: number of allocations that the main sheaf served
 * @busy: a context on this CPU uses the sheaves; a nested one must not
 * @tag: tag of the main sheaf
 * @main: the main sheaf, or NULL; then @bottom, @top and @end are equal
 * @spare: sheaf to exchange with the main sheaf, full or empty, or NULL
 * @remote: sheaf of freed objects of other nodes, or NULL
 * @misses: number of allocations that the main sheaf did not serve
 * @busy_misses: number of further misses, while @busy was set
 *
 * Used only on its own CPU, with preemption off and @busy set, or by any task
 * after that CPU is offline.
 */
struct mal_cpu_sheaves {
	struct mal_sheaf_entry *top;
	struct mal_sheaf_entry *bottom;
	struct mal_sheaf_entry *end;
	unsigned long hits;
	bool busy;
	u8 tag;
	struct mal_sheaf *main;
	struct mal_sheaf *spare;
	struct mal_sheaf *remote;
	unsigned long misses;
	unsigned long busy_misses;
};

/**
 * mal_cpu_here() - get the offset of this CPU's per-CPU data
 *
 * For callers that need the offset before the pointer is known; see
 * mal_cpu_sheaves().
 *
 * Context: any; preemption is off.
 * Return: offset in bytes, or zero if none has to be added.
 */
static __always_inline unsigned long mal_cpu_here(void)
{
#if defined(CONFIG_SMP) && !defined(MAL_THIS_CPU_SEGMENT)
	return __my_cpu_offset;
#else
	return 0;
#endif
}

/**
 * mal_cpu_sheaves() - get the sheaves of this CPU
 * @sheaves: the per-CPU sheaves of a cache
 * @here: result of mal_cpu_here()
 *
 * Context: any; preemption has been off since mal_cpu_here().
 * Return: the sheaves.
 */
static __always_inline __mal_this_cpu struct mal_cpu_sheaves *
mal_cpu_sheaves(struct mal_cpu_sheaves __percpu *sheaves, unsigned long here)
{
#ifdef MAL_THIS_CPU_SEGMENT
	return (__mal_this_cpu struct mal_cpu_sheaves *)(__force unsigned long)sheaves;
#else
	return RELOC_HIDE((struct mal_cpu_sheaves __kernel __force *)sheaves, here);
#endif
}

/**
 * mal_cpu_enter_here() - mal_cpu_enter() for a result of mal_cpu_sheaves()
 * @cpu: the sheaves
 *
 * Context: as for mal_cpu_enter().
 * Return: as for mal_cpu_enter().
 */
static __always_inline bool mal_cpu_enter_here(__mal_this_cpu struct mal_cpu_sheaves *cpu)
{
	/* As in mal_busy_enter(). */
	if (unlikely(mal_kmemleak_forbids() || data_race(cpu->busy)))
		return false;
	mal_this_cpu_write(cpu->busy, true);
	barrier();
	return true;
}

/**
 * mal_cpu_leave_here() - undo mal_cpu_enter_here()
 * @cpu: the sheaves
 *
 * Context: as for mal_cpu_enter().
 */
static __always_inline void mal_cpu_leave_here(__mal_this_cpu struct mal_cpu_sheaves *cpu)
{
	barrier();
	mal_this_cpu_write(cpu->busy, false);
	barrier();
}

/**
 * mal_cpu_enter() - start to use this CPU's sheaves
 * @cpu: the sheaves
 *
 * Context: any, including NMI; preemption is off until mal_cpu_leave().
 * Return: false if this context has interrupted code that uses the sheaves, or
 * if it is an NMI and kmemleak is enabled.
 */
static __always_inline bool mal_cpu_enter(struct mal_cpu_sheaves *cpu)
{
	return likely(!mal_kmemleak_forbids()) && mal_busy_enter(&cpu->busy);
}

/**
 * mal_cpu_leave() - stop using this CPU's sheaves
 * @cpu: the sheaves
 *
 * Context: as for mal_cpu_enter().
 */
static __always_inline void mal_cpu_leave(struct mal_cpu_sheaves *cpu)
{
	mal_busy_leave(&cpu->busy);
}

/**
 * mal_sheaf_pop() - allocate from the main sheaf
 * @cache: the cache
 * @object: the object
 *
 * Context: any, including NMI.
 * Return: true; false if the sheaf is empty or in use, or if its top entry is
 * stale. A stale entry is left there.
 */
static __always_inline bool mal_sheaf_pop(struct mal_kmem_cache *cache, void **object)
{
	__mal_this_cpu struct mal_cpu_sheaves *cpu;
	struct mal_sheaf_entry *top;

	preempt_disable();
	cpu = mal_cpu_sheaves(cache->cpu, mal_cpu_here());
	if (unlikely(!mal_cpu_enter_here(cpu)))
		goto out;
	top = cpu->top;
	if (unlikely(top == cpu->bottom))
		goto leave;
	top--;
	if (!mal_lean() && unlikely(!mal_object_claim(top->state, cpu->tag)))
		goto leave;
	*object = top->object;
	cpu->top = top;
	cpu->hits++;
	mal_cpu_leave_here(cpu);
	preempt_enable();
	return true;

leave:
	mal_cpu_leave_here(cpu);
out:
	preempt_enable();
	return false;
}

/**
 * mal_sheaf_push_lean() - free to the main sheaf without a state
 * @cpu: this CPU's sheaves
 * @object: the object
 *
 * Context: any, including NMI; preemption is off.
 * Return: true, or false if the sheaf is full or in use.
 */
static __always_inline bool mal_sheaf_push_lean(__mal_this_cpu struct mal_cpu_sheaves *cpu,
						void *object)
{
	struct mal_sheaf_entry *top;

	if (unlikely(!mal_cpu_enter_here(cpu)))
		return false;
	top = cpu->top;
	if (unlikely(top == cpu->end)) {
		mal_cpu_leave_here(cpu);
		return false;
	}
	top->object = object;
	cpu->top = top + 1;
	mal_cpu_leave_here(cpu);
	return true;
}

/* Maximum number of caches that one IPI drains. */
#define MAL_SHEAF_DRAIN_BATCH	64

void *mal_sheaf_refill(struct mal_kmem_cache *cache, gfp_t gfp, int nid,
		       unsigned long caller);
void mal_sheaf_spill(struct mal_kmem_cache *cache,
		     const struct mal_sheaf_entry *entry, u8 from, int nid);

unsigned long mal_sheaf_drain_many(struct mal_kmem_cache *const *caches,
				   unsigned int nr);
void mal_sheaf_drain(struct mal_kmem_cache *cache);
void mal_sheaf_drain_dead(struct mal_kmem_cache *cache, unsigned int cpu);
unsigned long mal_sheaf_count(struct mal_kmem_cache *cache);
void mal_cpu_swap_spare(struct mal_cpu_sheaves *cpu);

void mal_sheaf_validate(struct mal_kmem_cache *cache, struct mal_tally *tally);

#endif /* _MAL_SHEAF_CPU_H */
