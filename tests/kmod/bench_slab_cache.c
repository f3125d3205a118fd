// SPDX-License-Identifier: GPL-2.0
/*
 * Workloads on objects of a slab cache
 */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/slab.h>

#include <memalloc/slab_cache.h>

#include "bench.h"

#define BENCH_HAS_POOL
#define BENCH_HAS_ATOMIC
#define BENCH_HAS_MANY

#define SIDE(name)	host_##name
#include "bench_slab_cache_body.h"
#include "bench_patterns.h"
#undef SIDE

#undef kmem_cache_create
#undef kmem_cache_destroy
#undef kmem_cache_alloc
#undef kmem_cache_free
#undef kmem_cache_alloc_bulk
#undef kmem_cache_free_bulk
#define kmem_cache_create	mal_kmem_cache_create
#define kmem_cache_destroy	mal_kmem_cache_destroy
#define kmem_cache_alloc	mal_kmem_cache_alloc
#define kmem_cache_free		mal_kmem_cache_free
#define kmem_cache_alloc_bulk	mal_kmem_cache_alloc_bulk
#define kmem_cache_free_bulk	mal_kmem_cache_free_bulk
#define SIDE(name)	memalloc_##name
#include "bench_slab_cache_body.h"
#include "bench_patterns.h"

#define BENCH_CACHE(bytes_) {						\
	.name = "kmem_cache-" #bytes_,					\
	.size = bytes_,							\
	.bytes = bytes_,						\
	.ops = { &host_ops, &memalloc_ops },				\
}

static const struct bench_object bench_caches[] = {
	BENCH_CACHE(8),
	BENCH_CACHE(64),
	BENCH_CACHE(192),
	BENCH_CACHE(256),
	BENCH_CACHE(1024),
	BENCH_CACHE(4096),
};

const struct bench_kind bench_slab_cache = {
	.objects = bench_caches,
	.nr = ARRAY_SIZE(bench_caches),
	.has_lean = true,
};
