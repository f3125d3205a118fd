/* SPDX-License-Identifier: GPL-2.0 */
/*
 * bench_kmalloc_body.h: kmalloc() memory; included once for each side and each
 * BENCH_SIZE
 *
 * The size is a constant if BENCH_SIZE is defined.
 */
static __always_inline void *SIDE(alloc)(void *pool, unsigned int size)
{
#ifdef BENCH_SIZE
	return kmalloc(BENCH_SIZE, GFP_KERNEL);
#else
	return kmalloc(size, GFP_KERNEL);
#endif
}

static __always_inline void *SIDE(alloc_atomic)(void *pool, unsigned int size)
{
#ifdef BENCH_SIZE
	return kmalloc(BENCH_SIZE, GFP_ATOMIC);
#else
	return kmalloc(size, GFP_ATOMIC);
#endif
}

static __always_inline void SIDE(free)(void *pool, void *object, unsigned int size)
{
	kfree(object);
}
