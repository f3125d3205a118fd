// SPDX-License-Identifier: GPL-2.0
/*
 * Workloads on memory from kmalloc()
 *
 * The compiler knows the size, and thus the size class, in "const" workloads,
 * but not in "var" workloads.
 */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/sizes.h>
#include <linux/slab.h>

#include <memalloc/kmalloc.h>

#include "bench.h"

#define BENCH_HAS_ATOMIC

#define SIDE(name)	host_##name
#include "bench_kmalloc_body.h"
#include "bench_patterns.h"
#undef SIDE

#define BENCH_SIZE	64
#define SIDE(name)	host_64_##name
#include "bench_kmalloc_body.h"
#include "bench_patterns.h"
#undef SIDE
#undef BENCH_SIZE

#undef kmalloc
#undef kfree
#define kmalloc		mal_kmalloc
#define kfree		mal_kfree

#define SIDE(name)	memalloc_##name
#include "bench_kmalloc_body.h"
#include "bench_patterns.h"
#undef SIDE

#define BENCH_SIZE	64
#define SIDE(name)	memalloc_64_##name
#include "bench_kmalloc_body.h"
#include "bench_patterns.h"

#define BENCH_KMALLOC(name_, bytes_) {					\
	.name = "kmalloc-" name_ "-var",				\
	.size = bytes_,							\
	.bytes = bytes_,						\
	.ops = { &host_ops, &memalloc_ops },				\
}

static const struct bench_object bench_sizes[] = {
	{
		.name = "kmalloc-64-const",
		.size = 64,
		.bytes = 64,
		.ops = { &host_64_ops, &memalloc_64_ops },
	},
	BENCH_KMALLOC("8", 8),
	BENCH_KMALLOC("64", 64),
	BENCH_KMALLOC("100", 100),
	BENCH_KMALLOC("256", 256),
	BENCH_KMALLOC("1k", SZ_1K),
	BENCH_KMALLOC("4k", SZ_4K),
	BENCH_KMALLOC("8k", SZ_8K),
	BENCH_KMALLOC("16k", SZ_16K),
	BENCH_KMALLOC("64k", SZ_64K),
	BENCH_KMALLOC("1m", SZ_1M),
	BENCH_KMALLOC("4m", SZ_4M),
};

const struct bench_kind bench_kmalloc = {
	.objects = bench_sizes,
	.nr = ARRAY_SIZE(bench_sizes),
	.has_lean = true,
};
