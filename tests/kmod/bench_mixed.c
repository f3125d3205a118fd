// SPDX-License-Identifier: GPL-2.0
/*
 * Workloads that allocate and free as observed in kernels
 *
 * bench_profile.c has the allocations and their sources, bench_trace.c their
 * order. A pair is an allocation and the free of the object that it replaces.
 */
#include <linux/errno.h>
#include <linux/gfp.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/string.h>

#include <memalloc/kmalloc.h>
#include <memalloc/page_alloc.h>
#include <memalloc/slab_cache.h>

#include "bench_mixed.h"

#define SIDE(name)	host_##name
#include "bench_mixed_body.h"
#undef SIDE

#undef kmalloc
#undef kfree
#undef kmem_cache_create
#undef kmem_cache_destroy
#undef kmem_cache_alloc
#undef kmem_cache_free
#undef alloc_pages
#undef __free_pages
#define kmalloc			mal_kmalloc
#define kfree			mal_kfree
#define kmem_cache_create	mal_kmem_cache_create
#define kmem_cache_destroy	mal_kmem_cache_destroy
#define kmem_cache_alloc	mal_kmem_cache_alloc
#define kmem_cache_free		mal_kmem_cache_free
#define alloc_pages		mal_alloc_pages
#define __free_pages		mal_free_pages
#define SIDE(name)	memalloc_##name
#include "bench_mixed_body.h"

static const struct bench_object bench_mixed_objects[] = {
	{
		.name = "kmalloc",
		.bytes = 256,
		.ops = { &host_kmalloc_ops, &memalloc_kmalloc_ops },
	},
	{
		.name = "kmem_cache",
		.bytes = 256,
		.ops = { &host_cache_ops, &memalloc_cache_ops },
	},
	{
		.name = "page",
		.bytes = PAGE_SIZE,
		.ops = { &host_page_ops, &memalloc_page_ops },
	},
};

const struct bench_kind bench_mixed = {
	.objects = bench_mixed_objects,
	.nr = ARRAY_SIZE(bench_mixed_objects),
	.has_lean = true,
};

const struct bench_mixed_kind bench_mixed_kinds[BENCH_NR_MIXED] = {
	{
		.name = "kmalloc",
		.ops = { &host_kmalloc_mixed_ops, &memalloc_kmalloc_mixed_ops },
	},
	{
		.name = "kmem_cache",
		.ops = { &host_cache_mixed_ops, &memalloc_cache_mixed_ops },
	},
	{
		.name = "page",
		.orders = true,
		.ops = { &host_page_mixed_ops, &memalloc_page_mixed_ops },
	},
};
