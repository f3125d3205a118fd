/* SPDX-License-Identifier: GPL-2.0 */
/*
 * bench_slab_cache_body.h: objects of a cache; included once per side
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

static __always_inline void *SIDE(alloc_atomic)(void *cache, unsigned int size)
{
	return kmem_cache_alloc(cache, GFP_ATOMIC);
}

static __always_inline void SIDE(free)(void *cache, void *object, unsigned int size)
{
	kmem_cache_free(cache, object);
}

static __always_inline bool SIDE(alloc_many)(void *cache, unsigned int size,
					     unsigned int nr, void **objects)
{
	return kmem_cache_alloc_bulk(cache, GFP_KERNEL, nr, objects);
}

static __always_inline void SIDE(free_many)(void *cache, unsigned int size,
					    unsigned int nr, void **objects)
{
	kmem_cache_free_bulk(cache, nr, objects);
}
