// SPDX-License-Identifier: GPL-2.0
/*
 * Workloads on per-CPU areas
 */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/percpu.h>

#include <memalloc/percpu.h>

#include "bench.h"

/* The same alignment for all sizes, as for arrays of words. */
#define BENCH_ALIGN	4

#define BENCH_HAS_ATOMIC

#define SIDE(name)	host_##name
#include "bench_percpu_body.h"
#include "bench_patterns.h"
#undef SIDE

#undef __alloc_percpu
#undef __alloc_percpu_gfp
#undef free_percpu
#define __alloc_percpu		__mal_alloc_percpu
#define __alloc_percpu_gfp	__mal_alloc_percpu_gfp
#define free_percpu		mal_free_percpu
#define SIDE(name)	memalloc_##name
#include "bench_percpu_body.h"
#include "bench_patterns.h"

#define BENCH_PERCPU(bytes_) {						\
	.name = "percpu-" #bytes_,					\
	.size = bytes_,							\
	.bytes = (bytes_) * 4,						\
	.ops = { &host_ops, &memalloc_ops },				\
}

static const struct bench_object bench_areas[] = {
	BENCH_PERCPU(4),
	BENCH_PERCPU(64),
	BENCH_PERCPU(512),
	BENCH_PERCPU(4096),
};

const struct bench_kind bench_percpu = {
	.objects = bench_areas,
	.nr = ARRAY_SIZE(bench_areas),
};
