// SPDX-License-Identifier: GPL-2.0
/*
 * Profiles of allocations observed in kernels
 *
 * All figures come from messages to the kernel's mailing lists and from one web
 * page, so that a reader can check them. None of the sources gives the exact
 * lifetime of each object. They give the number of objects that outlived the
 * observation. They also show objects that cannot have outlived it: if all
 * allocations of a size returned one address, each object was freed before the
 * next one was allocated. So a profile distinguishes short-lived and lasting
 * objects. The opening comment of bench_trace.c explains how a trace uses that.
 *
 * [1] Li Zefan, "[RFC][PATCH 1/2] perf: Add 'perf kmem' tool", 20 November
 *     2009: all 25 call sites that allocated from slabs on a desktop, with
 *     requested bytes and number of allocations; 4825 allocations of 2,333,626
 *     bytes in total. In the second table, of addresses, two addresses serve
 *     all 321 allocations of 4096 bytes, and one address each serves all
 *     allocations (except seven) of 40, 44, 88 and 128 bytes: these are
 *     short-lived.
 * [2] David Ahern, "perf kmem stat: Track memory freed", 25 November 2016: of
 *     234,011 bytes allocated from slabs during the record, 213,328 were freed
 *     during it. So 88 of 1000 last.
 * [3] Namhyung Kim, "perf kmem: Add --live option for current allocation stat",
 *     21 April 2015: 988,858 allocations of pages by order, and those that were
 *     not freed during the record, by order.
 * [4] Arnaldo Carvalho de Melo, "perf kmem: Resolve symbols", 23 November 2009:
 *     the call sites with the most allocations while only "sleep 3s" ran.
 * [5] "slabinfo - kernel slab allocator statistics", beautifulwork.org, 11
 *     August 2018: slabtop(1) on a machine with 117 MB in slabs; active objects
 *     of each cache, and objects per slab, which give the object sizes.
 *
 * Sizes from [1] are means for each call site.
 */
#include <linux/kernel.h>

#include "bench_trace.h"

/* All of [1], summed by size; lasting objects: [1], [2]. */
static const struct bench_class bench_kmalloc_classes[] = {
	{ .size = 12,	.brief = 64,	.lasting = 64 },
	{ .size = 16,	.brief = 69,	.lasting = 69 },
	{ .size = 30,	.brief = 5,	.lasting = 5 },
	{ .size = 36,	.brief = 1,	.lasting = 1 },
	{ .size = 40,	.brief = 328 },
	{ .size = 44,	.brief = 80 },
	{ .size = 56,	.brief = 5,	.lasting = 5 },
	{ .size = 88,	.brief = 128 },
	{ .size = 128,	.brief = 135 },
	{ .size = 144,	.brief = 11,	.lasting = 11 },
	{ .size = 164,	.brief = 448,	.lasting = 448 },
	{ .size = 191,	.brief = 22,	.lasting = 22 },
	{ .size = 200,	.brief = 2408,	.lasting = 2408 },
	{ .size = 256,	.brief = 275,	.lasting = 275 },
	{ .size = 288,	.brief = 7,	.lasting = 7 },
	{ .size = 497,	.brief = 64,	.lasting = 64 },
	{ .size = 540,	.brief = 3,	.lasting = 3 },
	{ .size = 648,	.brief = 11,	.lasting = 11 },
	{ .size = 676,	.brief = 440,	.lasting = 440 },
	{ .size = 4096,	.brief = 321 },
};

const struct bench_profile bench_profile_kmalloc = {
	.classes = bench_kmalloc_classes,
	.nr = ARRAY_SIZE(bench_kmalloc_classes),
	.lasting_permille = 88,
};

/*
 * Caches of file systems and of the network. Lasting objects are those of the
 * eleven largest caches of [5], short-lived ones those of [4] that have caches.
 * The share of lasting objects is that of [2].
 */
static const struct bench_class bench_slab_cache_classes[] = {
	{ "buffer_head",	104,	.lasting = 104139 },
	{ "skbuff_head_cache",	256,	.lasting = 103648,	.brief = 302 },
	{ "vm_area_struct",	208,	.lasting = 41001,	.brief = 239 },
	{ "dentry",		192,	.lasting = 30689 },
	{ "kernfs_node_cache",	136,	.lasting = 28898 },
	{ "anon_vma_chain",	64,	.lasting = 27081 },
	{ "anon_vma",		88,	.lasting = 14540 },
	{ "inode_cache",	600,	.lasting = 14490 },
	{ "radix_tree_node",	584,	.lasting = 12148 },
	{ "filp",		256,	.lasting = 11558,	.brief = 366 },
	{ "ext4_inode_cache",	1080,	.lasting = 9609 },
	{ "proc_inode_cache",	632,	.brief = 121 },
	{ "names_cache",	4096,	.brief = 371 },
};

const struct bench_profile bench_profile_slab_cache = {
	.classes = bench_slab_cache_classes,
	.nr = ARRAY_SIZE(bench_slab_cache_classes),
	.lasting_permille = 88,
};

/* [3]: the live pages, and all others. */
static const struct bench_class bench_page_classes[] = {
	{ .size = 0,	.brief = 981942 - 102395,	.lasting = 102395 },
	{ .size = 1,	.brief = 284 - 59,		.lasting = 59 },
	{ .size = 2,	.brief = 6182 - 77,		.lasting = 77 },
	{ .size = 3,	.brief = 449 - 358,		.lasting = 358 },
	{ .size = 9,	.brief = 1 },
};

const struct bench_profile bench_profile_page = {
	.classes = bench_page_classes,
	.nr = ARRAY_SIZE(bench_page_classes),
	.lasting_permille = 104,
};
