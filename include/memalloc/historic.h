/* SPDX-License-Identifier: GPL-2.0 */
/*
 * memalloc/historic.h: the names of Linux 2.6.10 for allocation and free
 *
 *	ccflags-y += -I/path/to/memalloc/include -include memalloc/historic.h
 *
 * A driver that was written for the third edition of "Linux Device Drivers"
 * uses names that the kernel has renamed, changed or dropped since. This header
 * gives the names in the quick reference of the chapter on memory the meaning
 * that they had, over this allocator. docs/names.md lists them all, with
 * today's names. Other interfaces of that time are not part of it.
 *
 * It replaces dropin.h, which it includes, because most of the names are still
 * those of the kernel, and dropin.h redirects them. It may also follow
 * dropin.h. Today's forms of a function that has changed remain valid, so a
 * driver can be converted step by step: kmem_cache_create() accepts each of its
 * three forms by the number of arguments, and mempool_resize() both of its.
 *
 * Caches. kmem_cache_create() with an offset, a constructor and a destructor
 * passes both to the cache, which calls them with itself and the flags
 * SLAB_CTOR_*: see mal_told_ctor_t. SLAB_CTOR_ATOMIC is set if the constructor
 * must not sleep, and for each call of a destructor. The offset is that of the
 * first object in its page. It gave objects an alignment, and is taken for one:
 * the largest power of two that divides it. A destructor needs a constructor.
 * kmem_cache_destroy() returns an error if objects are left.
 *
 * Per-CPU variables. DEFINE_PER_CPU() and its kin define areas of this
 * allocator: memalloc/percpu_var.h tells what they add, and what they cannot
 * do. per_cpu() and get_cpu_var() take the kernel's variables as well. The
 * kernel's headers that declare such variables must come before the names are
 * redefined. This header includes the usual ones. Another header fails to link
 * if one of its variables is used: "mal_percpu_... undefined!". Include that
 * header before this one.
 *
 * Flags. __GFP_COLD was a hint, and has no effect. __GFP_REPEAT is
 * __GFP_RETRY_MAYFAIL, its new name.
 *
 * Boot memory. This allocator has none. A call of alloc_bootmem() or of another
 * function of its family is an error of the compiler that names a substitute.
 *
 * Not redefined, because they are the same today: ioremap(), iounmap(),
 * get_order(), get_cpu(), put_cpu(), per_cpu_ptr(), and the other GFP flags.
 *
 * Context: as for the functions of this allocator that are named here.
 */
#ifndef _MEMALLOC_HISTORIC_H
#define _MEMALLOC_HISTORIC_H

#include <memalloc/dropin.h>

/* Headers of the host that declare per-CPU variables. */
#include <linux/cpu.h>
#include <linux/cpufreq.h>
#include <linux/cpuidle.h>
#include <linux/filter.h>
#include <linux/ftrace.h>
#include <linux/interrupt.h>
#include <linux/kernel_stat.h>
#include <linux/kprobes.h>
#include <linux/netfilter.h>
#include <linux/perf_event.h>
#include <linux/topology.h>
#include <linux/trace_events.h>
#include <linux/vmstat.h>
#include <linux/writeback.h>
#ifdef CONFIG_INET
#include <net/tcp.h>
#include <net/udp.h>
#endif

#include <linux/minmax.h>
#include <linux/sizes.h>

#include <memalloc/percpu_var.h>

/*
 * Slab caches
 */

typedef struct kmem_cache kmem_cache_t;

#define SLAB_NO_REAP		MAL_SLAB_NO_REAP
#define SLAB_CTOR_CONSTRUCTOR	((__force unsigned long)MAL_SLAB_CTOR_CONSTRUCTOR)
#define SLAB_CTOR_ATOMIC	((__force unsigned long)MAL_SLAB_CTOR_ATOMIC)
#define SLAB_CTOR_VERIFY	((__force unsigned long)MAL_SLAB_CTOR_VERIFY)

/* Neither SZ_1G bytes nor such an alignment is possible: both are refused. */
static __always_inline kmem_cache_t *
mal_historic_cache_create(const char *name, size_t size, size_t offset,
			  slab_flags_t flags, mal_told_ctor_t *ctor,
			  mal_told_ctor_t *dtor)
{
	struct mal_kmem_cache_args args = {
		.align = min_t(size_t, offset & -offset, SZ_1G),
		.told_ctor = ctor,
		.told_dtor = dtor,
	};

	return (kmem_cache_t *)mal_kmem_cache_create_args(name, min_t(size_t, size, SZ_1G),
							  &args, flags);
}

static __always_inline int mal_historic_cache_destroy(kmem_cache_t *cache)
{
	if (!cache || mal_is_kmem_cache(cache))
		return mal_kmem_cache_destroy((struct mal_kmem_cache *)cache);
	mal_host_cache_destroy(cache);
	return 0;
}

static __always_inline void mal_historic_cache_free(kmem_cache_t *cache, const void *object)
{
	mal_dropin_cache_free(cache, (void *)object);
}

/* kmem_cache_create() of dropin.h, with four arguments after the size. */
#define MAL_DROPIN_CREATE_4	mal_historic_cache_create

#undef kmem_cache_destroy
#undef kmem_cache_free
#define kmem_cache_destroy	mal_historic_cache_destroy
#define kmem_cache_free		mal_historic_cache_free

/*
 * Mempools. The first argument of an allocation function was an int, of the
 * same size as gfp_t. A kernel with control-flow integrity, and sparse, accept
 * only the type of today.
 */

#if defined(__CHECKER__) || defined(CONFIG_CFI) || defined(CONFIG_CFI_CLANG)
typedef struct {
	mempool_alloc_t *now;
} mal_historic_alloc_t;
#define MAL_HISTORIC_ALLOC(alloc)	((mal_historic_alloc_t){ .now = (alloc) })
#else
typedef union {
	mempool_alloc_t *now;
	void *(*then)(int gfp, void *data);
} mal_historic_alloc_t __attribute__((__transparent_union__));
#define MAL_HISTORIC_ALLOC(alloc)	(alloc)
#endif

static __always_inline mempool_t *
mal_historic_mempool_create(int min_nr, mal_historic_alloc_t alloc,
			    mempool_free_t *free, void *data)
{
	return mal_dropin_mempool_create_node(min_nr, alloc.now, free, data,
					      GFP_KERNEL, NUMA_NO_NODE);
}

#undef mempool_create
#undef mempool_resize
#define mempool_create(min_nr, alloc, free, data)			\
	mal_historic_mempool_create(min_nr, MAL_HISTORIC_ALLOC(alloc), free, data)
/* Flags for the new elements may follow; they are allocated with GFP_KERNEL. */
#define mempool_resize(pool, min_nr, ...)				\
	mal_dropin_mempool_resize(pool, min_nr)

/*
 * Pages
 */

#define __GFP_COLD		((__force gfp_t)0)
#define __GFP_REPEAT		__GFP_RETRY_MAYFAIL

#define get_free_page(gfp)	get_zeroed_page(gfp)
#define free_hot_page(page)	__free_page(page)
#define free_cold_page(page)	__free_page(page)

/*
 * Per-CPU variables; put_cpu_var() is that of the kernel
 */

#ifdef MODULE
#undef DEFINE_PER_CPU
#undef DECLARE_PER_CPU
#undef EXPORT_PER_CPU_SYMBOL
#undef EXPORT_PER_CPU_SYMBOL_GPL
#undef per_cpu
#undef get_cpu_var
#define DEFINE_PER_CPU(type, name)	MAL_DEFINE_PER_CPU(type, name)
#define DECLARE_PER_CPU(type, name)	MAL_DECLARE_PER_CPU(type, name)
#define EXPORT_PER_CPU_SYMBOL(name)	MAL_EXPORT_PER_CPU_SYMBOL(name)
#define EXPORT_PER_CPU_SYMBOL_GPL(name)	MAL_EXPORT_PER_CPU_SYMBOL_GPL(name)
#define per_cpu(var, cpu)		mal_per_cpu(var, cpu)
#define get_cpu_var(var)		mal_get_cpu_var(var)
#endif

/*
 * Boot memory
 */

#define MAL_HISTORIC_ABSENT						\
	__compiletime_error("memalloc has no boot memory: use __get_free_pages() or vmalloc()")

void *alloc_bootmem(unsigned long size) MAL_HISTORIC_ABSENT;
void *alloc_bootmem_low(unsigned long size) MAL_HISTORIC_ABSENT;
void *alloc_bootmem_pages(unsigned long size) MAL_HISTORIC_ABSENT;
void *alloc_bootmem_low_pages(unsigned long size) MAL_HISTORIC_ABSENT;
void free_bootmem(unsigned long addr, unsigned long size) MAL_HISTORIC_ABSENT;

#endif /* _MEMALLOC_HISTORIC_H */
