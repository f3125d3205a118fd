/* SPDX-License-Identifier: GPL-2.0 */
/*
 * bench_percpu_body.h: per-CPU memory; included once per side
 */
static __always_inline void *SIDE(alloc)(void *pool, unsigned int size)
{
	return (__force void *)__alloc_percpu(size, BENCH_ALIGN);
}

static __always_inline void *SIDE(alloc_atomic)(void *pool, unsigned int size)
{
	return (__force void *)__alloc_percpu_gfp(size, BENCH_ALIGN, GFP_ATOMIC);
}

static __always_inline void SIDE(free)(void *pool, void *object, unsigned int size)
{
	free_percpu((__force void __percpu *)object);
}
