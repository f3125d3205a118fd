// SPDX-License-Identifier: GPL-2.0
/*
 * Workloads on blocks of pages of each order
 */
#include <linux/errno.h>
#include <linux/gfp.h>
#include <linux/kernel.h>
#include <linux/mm.h>

#include <memalloc/page_alloc.h>

#include "bench.h"
#include "internal/compat.h"

/* The host exports no such function, so its users free one page at a time. */
static void bench_free_pages_bulk(unsigned long nr, struct page **pages)
{
	unsigned long i;

	for (i = 0; i < nr; i++) {
		__free_page(pages[i]);
		pages[i] = NULL;
	}
}

#define bench_alloc_pages_bulk	mal_host_alloc_pages_bulk

#define BENCH_HAS_ATOMIC
#define BENCH_HAS_PAGES

#define SIDE(name)	host_##name
#include "bench_page_body.h"
#include "bench_patterns.h"
#undef SIDE

#define BENCH_HAS_MANY
#define SIDE(name)	host_0_##name
#include "bench_page_body.h"
#include "bench_patterns.h"
#undef SIDE
#undef BENCH_HAS_MANY

#undef alloc_pages
#undef __free_pages
#undef bench_alloc_pages_bulk
#define alloc_pages		mal_alloc_pages
#define __free_pages		mal_free_pages
#define bench_alloc_pages_bulk	mal_alloc_pages_bulk
#define bench_free_pages_bulk	mal_free_pages_bulk
#define SIDE(name)	memalloc_##name
#include "bench_page_body.h"
#include "bench_patterns.h"
#undef SIDE

#define BENCH_HAS_MANY
#define SIDE(name)	memalloc_0_##name
#include "bench_page_body.h"
#include "bench_patterns.h"

#define BENCH_ORDER(order) {						\
	.name = "page-" #order,						\
	.size = order,							\
	.bytes = PAGE_SIZE << (order),					\
	.ops = { &host_ops, &memalloc_ops },				\
}

static const struct bench_object bench_orders[] = {
	{
		.name = "page-0",
		.bytes = PAGE_SIZE,
		.ops = { &host_0_ops, &memalloc_0_ops },
	},
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
