/* SPDX-License-Identifier: GPL-2.0 */
/*
 * memalloc/percpu.h: per-CPU areas, for in-kernel users
 *
 * The functions have the names, signatures and meaning of the kernel's own, with
 * mal_ in front of the name that follows the underscores. What they return are
 * true __percpu pointers: this_cpu_ptr(), per_cpu_ptr(), this_cpu_inc() and all
 * the others take them. What differs:
 *
 * - Freeing twice, at an address inside, or what is not ours is always detected
 *   and reported; nothing else happens.
 * - Sizes up to MAL_PERCPU_MAX_HOT are kept at hand on the CPU that frees them.
 *
 * There is no counterpart to DEFINE_PER_CPU(): static per-CPU variables are laid
 * out by the linker, and a module's are given their place by the kernel's module
 * loader before any code of ours can run. Ours could only be the kernel's macro
 * by another name.
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

/* The largest that is kept at hand. */
#define MAL_PERCPU_MAX_HOT	SZ_512

void __percpu *__mal_alloc_percpu_gfp(size_t size, size_t align, gfp_t gfp)
	__alloc_size(1);
void __percpu *__mal_alloc_percpu(size_t size, size_t align) __alloc_size(1);
void mal_free_percpu(void __percpu *area);

/**
 * mal_alloc_percpu_gfp() - allocate a variable on each CPU
 * @type: its type
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
 * @type: its type
 *
 * Context: task; sleeps.
 * Return: pointer to @type, __percpu; or NULL.
 */
#define mal_alloc_percpu(type)						\
	((typeof(type) __percpu *)__mal_alloc_percpu(sizeof(type),	\
						     __alignof__(type)))

#endif /* _MEMALLOC_PERCPU_H */
