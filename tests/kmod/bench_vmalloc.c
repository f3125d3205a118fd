// SPDX-License-Identifier: GPL-2.0
/*
 * Workloads on memory from vmalloc()
 */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/sizes.h>
#include <linux/vmalloc.h>

#include <memalloc/vmalloc_area.h>

#include "bench.h"

#define SIDE(name)	host_##name
#include "bench_vmalloc_body.h"
#include "bench_patterns.h"
#undef SIDE

#undef vmalloc
#undef vfree
#define vmalloc		mal_vmalloc
#define vfree		mal_vfree
#define SIDE(name)	memalloc_##name
#include "bench_vmalloc_body.h"
#include "bench_patterns.h"

#define BENCH_VMALLOC(name_, bytes_) {					\
	.name = "vmalloc-" name_,					\
	.size = bytes_,							\
	.bytes = bytes_,						\
	.ops = { &host_ops, &memalloc_ops },				\
}

static const struct bench_object bench_areas[] = {
	BENCH_VMALLOC("4k", SZ_4K),
	BENCH_VMALLOC("16k", SZ_16K),
	BENCH_VMALLOC("28k", SZ_16K + SZ_8K + SZ_4K),
	BENCH_VMALLOC("64k", SZ_64K),
	BENCH_VMALLOC("256k", SZ_256K),
	BENCH_VMALLOC("1m", SZ_1M),
	BENCH_VMALLOC("2m", SZ_2M),
};

const struct bench_kind bench_vmalloc = {
	.objects = bench_areas,
	.nr = ARRAY_SIZE(bench_areas),
	.has_cache = true,
};
