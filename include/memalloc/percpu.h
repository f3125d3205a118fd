/* SPDX-License-Identifier: GPL-2.0 */
/*
 * memalloc/percpu.h: per-CPU areas, for in-kernel callers
 *
 * The functions have the kernel's names, signatures and semantics. "mal_" is
 * put in front of the name, after any underscores. They return true __percpu
 * pointers, so this_cpu_ptr(), per_cpu_ptr(), this_cpu_inc() and all other
 * accessors work. The differences:
 *
 * - A double free, a free of an address inside an area and a free of a foreign
 *   address are always detected and reported. They have no other effect.
 * - Freed areas of up to MAL_PERCPU_MAX_CACHED bytes are cached on the CPU that
 *   frees them.
 *
 * memalloc/percpu_var.h has the counterpart to DEFINE_PER_CPU().
 */
#ifndef _MEMALLOC_PERCPU_H
#define _MEMALLOC_PERCPU_H

#include <linux/compiler.h>
#include <linux/gfp.h>
#include <linux/percpu.h>
#include <linux/sizes.h>
#include <linux/types.h>

/* The largest area: 32 KiB, or the host's page if that is larger. */
#define MAL_PERCPU_MAX_SIZE	PCPU_MIN_UNIT_SIZE

/* The largest size that is cached on a CPU. */
#define MAL_PERCPU_MAX_CACHED	SZ_512

void __percpu *__mal_alloc_percpu_gfp(size_t size, size_t align, gfp_t gfp)
	__alloc_size(1);
void __percpu *__mal_alloc_percpu(size_t size, size_t align) __alloc_size(1);
void mal_free_percpu(void __percpu *area);

/**
 * mal_alloc_percpu_gfp() - allocate a variable on each CPU
 * @type: type of the variable
 * @gfp: as for __mal_alloc_percpu_gfp()
 *
 * Context: as for __mal_alloc_percpu_gfp().
 * Return: pointer to @type, __percpu; or NULL.
 */
#define mal_alloc_percpu_gfp(type, gfp)					\
	((typeof(type) __percpu *)__mal_alloc_percpu_gfp(sizeof(type),	\
							 __alignof__(type), gfp))

/**
 * mal_alloc_percpu() - allocate a variable on each CPU
 * @type: type of the variable
 *
 * Context: task; sleeps.
 * Return: pointer to @type, __percpu; or NULL.
 */
#define mal_alloc_percpu(type)						\
	((typeof(type) __percpu *)__mal_alloc_percpu(sizeof(type),	\
						     __alignof__(type)))

#endif /* _MEMALLOC_PERCPU_H */
