// SPDX-License-Identifier: GPL-2.0
/*
 * Fragmentation after a long random sequence of allocations and frees
 *
 * The same trace, from the same seed, runs against memalloc's page allocator
 * and the host's. Most allocations are short-lived single pages, some live
 * long, and some are blocks of up to 16 pages. Memory usage repeatedly rises,
 * falls and then stays low for a while, with a constant rate of allocations and
 * frees. The fall leaves pages all over the memory; in the quiet phase an
 * allocator can compact them. Before and after each quiet phase, and several
 * times while the usage finally drops to zero, the test examines all blocks of
 * 4 MiB and allocates as many blocks of order 9 as it can.
 *
 * Fairness: both allocators have a pool of the same number of 4 MiB blocks. For
 * memalloc, the user of this module sets the cap. For the host, the test
 * allocates all free memory, from the largest blocks to single pages, and then
 * frees only the pool. Pages that the host finds elsewhere, below its
 * watermarks, are set aside. Nothing in the pool can be reclaimed or migrated.
 * The per-CPU lists make no difference, either: the trace runs on the second
 * CPU, which is taken offline and online before each look to drain its lists.
 *
 * Loading the module runs the test and prints the results to the kernel log.
 *
 * Context: task.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/bitops.h>
#include <linux/cpu.h>
#include <linux/cpumask.h>
#include <linux/gfp.h>
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/mm.h>
#include <linux/mmzone.h>
#include <linux/module.h>
#include <linux/nodemask.h>
#include <linux/prandom.h>
#include <linux/sched.h>
#include <linux/vmalloc.h>

#include <memalloc/page_alloc.h>

#include "internal/compat.h"

static char *side = "ours";
module_param(side, charp, 0444);
MODULE_PARM_DESC(side, "Allocator to test: ours or host (default: ours)");

static ulong seed = 1;
module_param(seed, ulong, 0444);
MODULE_PARM_DESC(seed, "Seed of the trace (default: 1)");

static ulong blocks = 32;
module_param(blocks, ulong, 0444);
MODULE_PARM_DESC(blocks, "Size of the pool in blocks of 4 MiB (default: 32)");

static ulong steps = 1260000;
module_param(steps, ulong, 0444);
MODULE_PARM_DESC(steps, "Allocations and frees (default: 1260000)");

#define TRACE_BLOCK_PAGES	(1UL << MAL_MAX_ORDER)
#define TRACE_GFP		(GFP_KERNEL | __GFP_NORETRY | __GFP_NOWARN)
#define TRACE_HUGE		9U

static uint lasting = 100;
module_param(lasting, uint, 0444);
MODULE_PARM_DESC(lasting, "One of this many single pages lives long; 0: none (default: 100)");

static uint peak = 60;
module_param(peak, uint, 0444);
MODULE_PARM_DESC(peak, "Peak usage in percent of the pool (default: 60)");

/* The usage goes from low to the peak and back, in percent of the pool. */
#define TRACE_LOW		20
#define TRACE_SWING		30000	/* steps from low to the peak */
#define TRACE_PERIOD		(14 * TRACE_SWING)

/* In the low phase, the usage ripples by this much, within this many steps. */
#define TRACE_RIPPLE_HEIGHT	10
#define TRACE_RIPPLE		6000UL

/* Lifetime of long-lived pages relative to the others. */
#define TRACE_LONGER		8

/**
 * struct trace_ops - an allocator
 * @name: its name
 * @alloc: allocate
 * @free: free
 */
struct trace_ops {
	const char *name;
	struct page *(*alloc)(gfp_t gfp, unsigned int order);
	void (*free)(struct page *page, unsigned int order);
};

/**
 * struct trace_slot - an allocation
 * @page: its first page
 * @order: its order
 * @lasting: whether it is long-lived
 */
struct trace_slot {
	struct page *page;
	u8 order;
	bool lasting;
};

/**
 * struct trace - a run
 * @ops: the allocator
 * @rnd: source of random decisions
 * @slots: allocations, in no order
 * @nr: number of @slots in use
 * @pages: number of allocated pages
 * @lasting: long-lived ones among @pages
 * @failed: failed allocations
 * @strayed: pages outside the pool
 * @pool: bitmap of the pool's blocks, by block number; NULL for memalloc, which
 *	uses all borrowed memory as the pool
 * @nr_blocks: number of blocks up to the last page of the host
 * @live: number of allocated pages in each block
 * @huge: blocks of order 9 allocated, summed over all looks
 * @huge_best: the same without any fragmentation
 * @empty: empty blocks of 4 MiB, summed over all looks
 * @empty_best: the same without any fragmentation
 */
struct trace {
	const struct trace_ops *ops;
	struct rnd_state rnd;
	struct trace_slot *slots;
	unsigned long nr;
	unsigned long pages;
	unsigned long lasting;
	unsigned long failed;
	unsigned long strayed;
	unsigned long *pool;
	unsigned long nr_blocks;
	u16 *live;
	unsigned long huge;
	unsigned long huge_best;
	unsigned long empty;
	unsigned long empty_best;
};

static struct page *trace_host_alloc(gfp_t gfp, unsigned int order)
{
	return alloc_pages(gfp, order);
}

static void trace_host_free(struct page *page, unsigned int order)
{
	__free_pages(page, order);
}

static const struct trace_ops trace_ours = {
	.name = "ours",
	.alloc = mal_alloc_pages,
	.free = mal_free_pages,
};

static const struct trace_ops trace_host = {
	.name = "host",
	.alloc = trace_host_alloc,
	.free = trace_host_free,
};

static unsigned long trace_block(const struct page *page)
{
	return page_to_pfn(page) >> MAL_MAX_ORDER;
}

/*
 * The host's pool
 */

/* Header of memory that is set aside from the trace. */
struct trace_ballast {
	struct trace_ballast *next;
	unsigned int order;
};

static struct trace_ballast *trace_hold(struct trace_ballast *held,
					struct page *page, unsigned int order)
{
	struct trace_ballast *ballast = page_address(page);

	ballast->next = held;
	ballast->order = order;
	return ballast;
}

static void trace_free_ballast(struct trace_ballast *held)
{
	while (held) {
		struct trace_ballast *next = held->next;

		free_pages((unsigned long)held, held->order);
		held = next;
	}
}

/* No reclaim: reclaimed memory would not belong to the pool. */
static struct page *trace_take(unsigned int order)
{
	return alloc_pages(__GFP_NOWARN, order);
}

/* Allocate all free memory. Returns it in the order of allocation. */
static struct trace_ballast *trace_take_all(void)
{
	struct trace_ballast *held = NULL, **tail = &held;
	struct page *page;
	int order;

	for (order = MAL_MAX_ORDER; order >= 0; order--)
		while ((page = trace_take(order))) {
			*tail = trace_hold(NULL, page, order);
			tail = &(*tail)->next;
			cond_resched();
		}
	return held;
}

/* Allocate all free memory, and free only the pool. Returns the rest. */
static struct trace_ballast *trace_make_pool(struct trace *trace)
{
	struct trace_ballast *held = trace_take_all();
	unsigned long i;

	for (i = 0; i < blocks && held && held->order == MAL_MAX_ORDER; i++) {
		struct trace_ballast *next = held->next;

		__set_bit(trace_block(virt_to_page(held)), trace->pool);
		free_pages((unsigned long)held, held->order);
		held = next;
	}
	if (i < blocks)
		pr_warn("the host has only %lu blocks for the pool\n", i);
	return held;
}

/*
 * The trace
 */

static unsigned long trace_below(struct trace *trace, unsigned long limit)
{
	return prandom_u32_state(&trace->rnd) % limit;
}

static void trace_count(struct trace *trace, struct page *page,
			unsigned int order, int sign)
{
	trace->live[trace_block(page)] += sign * (1 << order);
}

/* Allocate a block of the pool. Blocks outside the pool are set aside. */
static struct page *trace_alloc(struct trace *trace, unsigned int order,
				struct trace_ballast **strays)
{
	struct page *page;

	while ((page = trace->ops->alloc(TRACE_GFP, order))) {
		if (!trace->pool || test_bit(trace_block(page), trace->pool))
			return page;
		*strays = trace_hold(*strays, page, order);
		trace->strayed += 1UL << order;
	}
	return NULL;
}

/* One of eight allocations is a short-lived block of 2 to 16 pages. */
static void trace_add(struct trace *trace, struct trace_ballast **strays)
{
	unsigned int order = trace_below(trace, 8) ? 0 : 1 + trace_below(trace, 4);
	bool lasts = !order && lasting && !trace_below(trace, lasting);
	struct trace_slot *slot = &trace->slots[trace->nr];

	slot->page = trace_alloc(trace, order, strays);
	if (!slot->page) {
		trace->failed++;
		return;
	}
	slot->order = order;
	slot->lasting = lasts;
	trace->nr++;
	trace->pages += 1UL << order;
	trace->lasting += lasts ? 1UL << order : 0;
	trace_count(trace, slot->page, order, 1);
}

static void trace_remove(struct trace *trace, unsigned long i)
{
	struct trace_slot *slot = &trace->slots[i];

	trace_count(trace, slot->page, slot->order, -1);
	trace->pages -= 1UL << slot->order;
	trace->lasting -= slot->lasting ? 1UL << slot->order : 0;
	trace->ops->free(slot->page, slot->order);
	*slot = trace->slots[--trace->nr];
}

/* Mostly frees a short-lived allocation. */
static void trace_remove_some(struct trace *trace)
{
	unsigned long i;

	do {
		i = trace_below(trace, trace->nr);
	} while (trace->slots[i].lasting && trace_below(trace, TRACE_LONGER));
	trace_remove(trace, i);
}

/* Triangle wave from 0 to @height and back to 0 within @period steps. */
static unsigned long trace_wave(unsigned long step, unsigned long period,
				unsigned long height)
{
	return min(step, period - step) * height / (period / 2);
}

/* Returns the target usage in pages. */
static unsigned long trace_target(unsigned long step)
{
	unsigned long pool = blocks * TRACE_BLOCK_PAGES;
	unsigned long low = pool * TRACE_LOW / 100;

	step %= TRACE_PERIOD;
	if (step < 2 * TRACE_SWING)
		return low + trace_wave(step, 2 * TRACE_SWING,
					pool * (peak - TRACE_LOW) / 100);
	return low + trace_wave(step % TRACE_RIPPLE, TRACE_RIPPLE,
				pool * TRACE_RIPPLE_HEIGHT / 100);
}

/*
 * Fragmentation
 */

static void trace_stay_on(unsigned int cpu)
{
	if (set_cpus_allowed_ptr(current, cpumask_of(cpu)))
		pr_warn("there is no processor %u\n", cpu);
}

/* Return the pages of the per-CPU lists to the zones. */
static void trace_drain(void)
{
	int err;

	trace_stay_on(0);
	err = remove_cpu(1) ?: add_cpu(1);
	if (err)
		pr_warn("processor 1 cannot be switched off and on: %d\n", err);
	trace_stay_on(1);
}

/* Returns the number of empty blocks of the pool. */
static unsigned long trace_empty_blocks(const struct trace *trace)
{
	unsigned long i, touched = 0;

	for (i = 0; i < trace->nr_blocks; i++)
		touched += trace->live[i] != 0;
	return blocks > touched ? blocks - touched : 0;
}

/*
 * Returns the number of blocks that are used, but to less than an eighth. Few
 * of them means that the pages are all over the memory, or that there are few.
 * Compacted memory has many of them beside full blocks.
 */
static unsigned long trace_sparse_blocks(const struct trace *trace)
{
	unsigned long i, sparse = 0;

	for (i = 0; i < trace->nr_blocks; i++)
		sparse += trace->live[i] && trace->live[i] < TRACE_BLOCK_PAGES / 8;
	return sparse;
}

static unsigned long trace_fullest_block(const struct trace *trace)
{
	unsigned long i, most = 0;

	for (i = 0; i < trace->nr_blocks; i++)
		most = max_t(unsigned long, most, trace->live[i]);
	return most;
}

/* Allocate and free as many huge blocks as possible. Returns their number. */
static unsigned long trace_huge_blocks(struct trace *trace,
				       struct trace_ballast **strays)
{
	struct trace_ballast *held = NULL, *next;
	unsigned long nr = 0;
	struct page *page;

	while ((page = trace_alloc(trace, TRACE_HUGE, strays))) {
		held = trace_hold(held, page, TRACE_HUGE);
		nr++;
	}
	for (; held; held = next) {
		next = held->next;
		trace->ops->free(virt_to_page(held), TRACE_HUGE);
	}
	return nr;
}

/*
 * Print the state. The unusable free space index is the share of free memory
 * that cannot be allocated in blocks of order 9.
 */
static void trace_look(struct trace *trace, struct trace_ballast **strays)
{
	unsigned long total = blocks * TRACE_BLOCK_PAGES;
	unsigned long free = total - trace->pages;
	unsigned long empty = trace_empty_blocks(trace);
	unsigned long best = free >> TRACE_HUGE, huge;

	trace_drain();
	huge = trace_huge_blocks(trace, strays);
	trace->huge += huge;
	trace->huge_best += best;
	trace->empty += empty;
	trace->empty_best += free >> MAL_MAX_ORDER;

	pr_info("%s live %2lu%% (lasting %2lu%%) order9 %3lu of %3lu (%3lu%%) returnable %3lu of %3lu unusable %3llu/1000 sparse %lu fullest %lu\n",
		trace->ops->name, trace->pages * 100 / total,
		trace->lasting * 100 / total, huge, best,
		best ? huge * 100 / best : 100, empty, free >> MAL_MAX_ORDER,
		free ? div64_u64((u64)(free - min(free, huge << TRACE_HUGE)) * 1000, free) : 0ULL,
		trace_sparse_blocks(trace), trace_fullest_block(trace));
}

static void trace_churn(struct trace *trace, struct trace_ballast **strays)
{
	unsigned long step;

	for (step = 0; step < steps; step++) {
		bool grow = trace->pages < trace_target(step);

		if (!trace->nr || trace_below(trace, 8) < (grow ? 6 : 2))
			trace_add(trace, strays);
		else
			trace_remove_some(trace);
		if (step % 1024 == 0)
			cond_resched();
		if (step % TRACE_PERIOD == 2 * TRACE_SWING ||
		    step % TRACE_PERIOD == TRACE_PERIOD - 1)
			trace_look(trace, strays);
	}
}

/* Reduce the usage to @percent. Frees short-lived allocations before others. */
static void trace_shrink(struct trace *trace, unsigned long percent)
{
	unsigned long target = blocks * TRACE_BLOCK_PAGES * percent / 100;

	while (trace->nr && trace->pages > target) {
		unsigned long i = trace_below(trace, trace->nr);

		if (trace->pages > trace->lasting && trace->slots[i].lasting)
			continue;
		trace_remove(trace, i);
		cond_resched();
	}
}

static void trace_run(struct trace *trace)
{
	static const unsigned int percents[] = { 15, 10, 5, 2 };
	struct trace_ballast *ballast = NULL, *strays = NULL;
	unsigned int i;
	ktime_t begun;

	trace_stay_on(1);
	if (trace->pool)
		ballast = trace_make_pool(trace);
	begun = ktime_get();
	trace_churn(trace, &strays);
	pr_info("%s churned: seed %lu steps %lu pool %lu blocks: %lu refused, %lld ms\n",
		trace->ops->name, seed, steps, blocks, trace->failed,
		ktime_ms_delta(ktime_get(), begun));
	for (i = 0; i < ARRAY_SIZE(percents); i++) {
		trace_shrink(trace, percents[i]);
		trace_look(trace, &strays);
	}
	trace_shrink(trace, 0);
	pr_info("%s altogether: order9 %lu of %lu, returnable %lu of %lu\n",
		trace->ops->name, trace->huge, trace->huge_best, trace->empty,
		trace->empty_best);
	pr_info("%s %lu pages left, %lu pages strayed\n", trace->ops->name,
		trace->pages, trace->strayed);
	trace_free_ballast(strays);
	trace_free_ballast(ballast);
}

static unsigned long trace_host_blocks(void)
{
	unsigned long end = 0;
	int nid;

	for_each_online_node(nid)
		end = max(end, node_end_pfn(nid));
	return (end >> MAL_MAX_ORDER) + 1;
}

static int trace_prepare(struct trace *trace)
{
	prandom_seed_state(&trace->rnd, seed);
	trace->nr_blocks = trace_host_blocks();
	trace->slots = vcalloc(blocks * TRACE_BLOCK_PAGES + 1, sizeof(*trace->slots));
	trace->live = vcalloc(trace->nr_blocks, sizeof(*trace->live));
	if (trace->ops == &trace_host)
		trace->pool = vcalloc(BITS_TO_LONGS(trace->nr_blocks), sizeof(long));
	if (!trace->slots || !trace->live)
		return -ENOMEM;
	return trace->ops == &trace_host && !trace->pool ? -ENOMEM : 0;
}

static int __init trace_init(void)
{
	struct trace trace = { };
	int err;

	trace.ops = strcmp(side, "host") ? &trace_ours : &trace_host;
	err = trace_prepare(&trace);
	if (!err)
		trace_run(&trace);
	vfree(trace.slots);
	vfree(trace.live);
	vfree(trace.pool);
	return err;
}

static void __exit trace_exit(void)
{
}

module_init(trace_init);
module_exit(trace_exit);

MAL_IMPORT();
MODULE_DESCRIPTION("Fragmentation of memalloc's and the host's page allocator");
MODULE_LICENSE("GPL");
