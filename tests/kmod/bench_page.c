// SPDX-License-Identifier: GPL-2.0
/*
 * Workloads on blocks of pages, of every order
 */
#include <linux/errno.h>
#include <linux/gfp.h>
#include <linux/kernel.h>
#include <linux/mm.h>

#include <memalloc/page_alloc.h>

#include "bench.h"

#define BENCH_HAS_ATOMIC

#define SIDE(name)	host_##name
#include "bench_page_body.h"
#include "bench_patterns.h"
#undef SIDE

#undef alloc_pages
#undef __free_pages
#define alloc_pages	mal_alloc_pages
#define __free_pages	mal_free_pages
#define SIDE(name)	memalloc_##name
#include "bench_page_body.h"
#include "bench_patterns.h"

#define BENCH_ORDER(order) {						\
	.name = "page-" #order,						\
	.size = order,							\
	.bytes = PAGE_SIZE << (order),					\
	.ops = { &host_ops, &memalloc_ops },				\
}

static const struct bench_object bench_orders[] = {
	BENCH_ORDER(0),
	BENCH_ORDER(1),
	BENCH_ORDER(2),
	BENCH_ORDER(3),
	BENCH_ORDER(4),
	BENCH_ORDER(5),
	BENCH_ORDER(6),
	BENCH_ORDER(7),
	BENCH_ORDER(8),
	BENCH_ORDER(9),
	BENCH_ORDER(10),
};

const struct bench_kind bench_page = {
	.objects = bench_orders,
	.nr = ARRAY_SIZE(bench_orders),
};
