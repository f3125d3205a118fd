// SPDX-License-Identifier: GPL-2.0
/*
 * Workloads on elements of a mempool
 */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/mempool.h>
#include <linux/slab.h>

#include <memalloc/mempool.h>

#include "bench.h"

#define BENCH_HAS_POOL
#define BENCH_HAS_ATOMIC

#define SIDE(name)	host_##name
#include "bench_mempool_body.h"
#include "bench_patterns.h"
#undef SIDE

#undef mempool_create_kmalloc_pool
#undef mempool_destroy
#undef mempool_alloc
#undef mempool_free
#define mempool_create_kmalloc_pool	mal_mempool_create_kmalloc_pool
#define mempool_destroy			mal_mempool_destroy
#define mempool_alloc			mal_mempool_alloc
#define mempool_free			mal_mempool_free
#define SIDE(name)	memalloc_##name
#include "bench_mempool_body.h"
#include "bench_patterns.h"

#define BENCH_MEMPOOL(bytes_) {						\
	.name = "mempool-" #bytes_,					\
	.size = bytes_,							\
	.bytes = bytes_,						\
	.ops = { &host_ops, &memalloc_ops },				\
}

static const struct bench_object bench_mempools[] = {
	BENCH_MEMPOOL(64),
	BENCH_MEMPOOL(1024),
};

const struct bench_kind bench_mempool = {
	.objects = bench_mempools,
	.nr = ARRAY_SIZE(bench_mempools),
	.has_lean = true,
};
