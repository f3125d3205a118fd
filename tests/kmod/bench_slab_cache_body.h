/* SPDX-License-Identifier: GPL-2.0 */
/*
 * bench_slab_cache_body.h: objects of a cache of their own; included once for
 * each side
 */
static void *SIDE(open)(unsigned int size)
{
	return kmem_cache_create("memalloc_bench", size, 0, 0, NULL);
}

static void SIDE(close)(void *cache)
{
	kmem_cache_destroy(cache);
}

static __always_inline void *SIDE(alloc)(void *cache, unsigned int size)
{
	return kmem_cache_alloc(cache, GFP_KERNEL);
}

static __always_inline void SIDE(free)(void *cache, void *object, unsigned int size)
{
	kmem_cache_free(cache, object);
}
