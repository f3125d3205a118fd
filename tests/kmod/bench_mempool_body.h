/* SPDX-License-Identifier: GPL-2.0 */
/*
 * bench_mempool_body.h: elements of a mempool on kmalloc; included once per
 * side
 */
static void *SIDE(open)(unsigned int size)
{
	return mempool_create_kmalloc_pool(4, size);
}

static void SIDE(close)(void *pool)
{
	mempool_destroy(pool);
}

static __always_inline void *SIDE(alloc)(void *pool, unsigned int size)
{
	return mempool_alloc(pool, GFP_KERNEL);
}

static __always_inline void *SIDE(alloc_atomic)(void *pool, unsigned int size)
{
	return mempool_alloc(pool, GFP_ATOMIC);
}

static __always_inline void SIDE(free)(void *pool, void *object, unsigned int size)
{
	mempool_free(object, pool);
}
