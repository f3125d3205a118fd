/* SPDX-License-Identifier: GPL-2.0 */
/*
 * bench_mixed_body.h: objects of three kinds, by their class in a trace;
 * included once per side
 */

/* Any kernel memory, by its size. */

static int SIDE(kmalloc_prepare)(struct bench_mixed_pool *pool, const char *prefix)
{
	return 0;
}

static void SIDE(kmalloc_cleanup)(struct bench_mixed_pool *pool)
{
}

static __always_inline void *SIDE(kmalloc_take)(struct bench_mixed_pool *pool, u16 class)
{
	return kmalloc(bench_profile_kmalloc.classes[class].size, GFP_KERNEL);
}

static __always_inline void SIDE(kmalloc_give)(struct bench_mixed_pool *pool, u16 class,
					       void *object)
{
	kfree(object);
}

#define KIND(name)	SIDE(kmalloc_##name)
#define KIND_PROFILE	bench_profile_kmalloc
#include "bench_replay.h"
#undef KIND
#undef KIND_PROFILE

/* Objects of caches of their own. */

static void SIDE(cache_cleanup)(struct bench_mixed_pool *pool)
{
	unsigned int i;

	for (i = 0; pool->caches && i < bench_profile_slab_cache.nr; i++)
		kmem_cache_destroy(pool->caches[i]);
	kvfree(pool->caches);
}

static int SIDE(cache_prepare)(struct bench_mixed_pool *pool, const char *prefix)
{
	const struct bench_profile *profile = &bench_profile_slab_cache;
	unsigned int i;

	pool->caches = kvcalloc(profile->nr, sizeof(*pool->caches), GFP_KERNEL);
	for (i = 0; pool->caches && i < profile->nr; i++) {
		char name[40];

		snprintf(name, sizeof(name), "%s_%s", prefix, profile->classes[i].name);
		pool->caches[i] = kmem_cache_create(name, profile->classes[i].size,
						    0, 0, NULL);
		if (!pool->caches[i])
			return -ENOMEM;
	}
	return pool->caches ? 0 : -ENOMEM;
}

static __always_inline void *SIDE(cache_take)(struct bench_mixed_pool *pool, u16 class)
{
	return kmem_cache_alloc(pool->caches[class], GFP_KERNEL);
}

static __always_inline void SIDE(cache_give)(struct bench_mixed_pool *pool, u16 class,
					     void *object)
{
	kmem_cache_free(pool->caches[class], object);
}

#define KIND(name)	SIDE(cache_##name)
#define KIND_PROFILE	bench_profile_slab_cache
#include "bench_replay.h"
#undef KIND
#undef KIND_PROFILE

/* Blocks of pages. */

static int SIDE(page_prepare)(struct bench_mixed_pool *pool, const char *prefix)
{
	return 0;
}

static void SIDE(page_cleanup)(struct bench_mixed_pool *pool)
{
}

static __always_inline void *SIDE(page_take)(struct bench_mixed_pool *pool, u16 class)
{
	return alloc_pages(GFP_KERNEL, bench_profile_page.classes[class].size);
}

static __always_inline void SIDE(page_give)(struct bench_mixed_pool *pool, u16 class,
					    void *object)
{
	__free_pages(object, bench_profile_page.classes[class].size);
}

#define KIND(name)	SIDE(page_##name)
#define KIND_PROFILE	bench_profile_page
#include "bench_replay.h"
#undef KIND
#undef KIND_PROFILE
