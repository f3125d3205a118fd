// SPDX-License-Identifier: GPL-2.0
/*
 * Demonstrate fragmentation and coalescing
 *
 * One block of the highest order is split into single pages, and every other
 * page is freed: half of the block is free, but no two free pages can merge.
 * When the other pages are freed, all must merge into one block again.
 *
 * Recently freed pages may still be in the per-CPU lists, where nothing merges.
 * An allocation as large as all of them together must drain these lists, rather
 * than make the module borrow more from the host. The process stays on one CPU,
 * because the lists of other CPUs are drained only if all lists together have
 * enough pages for the request.
 *
 * "Every other" refers to physical addresses. A caller without permission to
 * query them uses the order of allocation, which is unspecified; that stage is
 * then shown but not compared.
 */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "demo.h"

#define NR_PAGES ((size_t)1 << MEMALLOC_MAX_ORDER)

/**
 * struct single - an order-0 allocation
 * @handle: the allocation
 * @place: its physical address, or its index in the order of allocation
 */
struct single {
	uint64_t handle;
	uint64_t place;
};

/* Steps shown in the table */
enum {
	BEFORE,
	TAKEN,
	HALF,
	FREED,
	WHOLE,
	NR_SNAPSHOTS,
};

static int compare_places(const void *a, const void *b)
{
	const struct single *left = a, *right = b;

	return left->place < right->place ? -1 : left->place > right->place;
}

/* Return: handle of a new allocation, or zero after a complaint. */
static uint64_t allocate(struct demo *demo, unsigned int order)
{
	struct memalloc_alloc alloc = {
		.size = sizeof(alloc),
		.kind = MEMALLOC_KIND_PAGES,
		.node = -1,
		.order = order,
	};
	int err = memalloc_alloc(demo->device->fd, &alloc);

	if (!demo_check(demo, !err, "cannot allocate order %u: %s", order,
			strerror(-err)))
		return 0;
	return alloc.out_handle;
}

static void release(struct demo *demo, uint64_t handle)
{
	demo_check_errno(demo, memalloc_free(demo->device->fd, handle), "free");
}

static uint64_t place_of(struct demo *demo, uint64_t handle, size_t number)
{
	struct memalloc_info info = {
		.size = sizeof(info),
		.handle = handle, .flags = MEMALLOC_INFO_PHYS
	};
	int err;

	if (!demo->privileged)
		return number;
	err = memalloc_info(demo->device->fd, &info);
	demo_check_errno(demo, err, "query a physical address");
	return err ? number : info.out_phys / demo->page_size;
}

static size_t alloc_singles(struct demo *demo, struct single *singles)
{
	size_t i;

	for (i = 0; i < NR_PAGES; i++) {
		singles[i].handle = allocate(demo, 0);
		if (!singles[i].handle)
			break;
		singles[i].place = place_of(demo, singles[i].handle, i);
	}
	qsort(singles, i, sizeof(*singles), compare_places);
	return i;
}

/* Free the pages at odd places, or those at even places. */
static void free_singles(struct demo *demo, const struct single *singles,
			 size_t count, unsigned int parity)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (singles[i].place % 2 == parity)
			release(demo, singles[i].handle);
}

static size_t count_parity(const struct single *singles, size_t count,
			   unsigned int parity)
{
	size_t i, found = 0;

	for (i = 0; i < count; i++)
		found += singles[i].place % 2 == parity;
	return found;
}

static void compare_half(struct demo *demo,
			 const struct demo_snapshot *snapshots, size_t freed)
{
	uint64_t grown = demo_blocks(&snapshots[HALF].statistics, 0) -
			 demo_blocks(&snapshots[TAKEN].statistics, 0);

	demo_check(demo, snapshots[HALF].statistics.borrowing.free -
		   snapshots[TAKEN].statistics.borrowing.free == freed,
		   "%zu pages were freed, but the count of free pages grew by "
		   "less", freed);
	if (demo->privileged)
		demo_check(demo, grown == freed,
			   "%zu pages without free neighbours were freed, but "
			   "there are %llu more blocks of order 0", freed,
			   (unsigned long long)grown);
}

static void compare_end(struct demo *demo,
			const struct demo_snapshot *snapshots)
{
	const struct statistics *before = &snapshots[BEFORE].statistics;
	const struct statistics *after = &snapshots[WHOLE].statistics;
	unsigned int order;
	bool same;

	same = demo_check(demo, before->borrowing.borrowed_total ==
			  after->borrowing.borrowed_total,
			  "%llu pages were borrowed although there was enough",
			  after->borrowing.borrowed_total -
			  before->borrowing.borrowed_total);
	for (order = 0; order < MEMALLOC_NR_ORDERS; order++)
		same = demo_check(demo, demo_blocks(before, order) ==
				  demo_blocks(after, order),
				  "the number of free blocks of order %u has "
				  "changed", order) && same;
	if (same)
		demo_say("The last line equals the first: all blocks coalesced, "
			 "and no more were borrowed.");
}

/* The host may reclaim free pages at any time. */
static bool undisturbed(const struct demo *demo,
			const struct demo_snapshot *snapshots)
{
	const struct statistics *before = &snapshots[BEFORE].statistics;
	const struct statistics *after = &snapshots[WHOLE].statistics;

	return demo->alone && !after->file.device_bytes &&
	       before->borrowing.returned_total ==
	       after->borrowing.returned_total;
}

static uint64_t pages_per_cpu(const struct statistics *statistics)
{
	uint64_t pages = 0;
	unsigned int order;
	size_t i;

	for (i = 0; i < statistics->nr_zones; i++)
		for (order = 0; order < MEMALLOC_NR_ORDERS; order++)
			pages += statistics->zones[i].pcp_blocks[order] << order;
	return pages;
}

static void explain_per_cpu(const struct demo_snapshot *snapshots)
{
	uint64_t pages = pages_per_cpu(&snapshots[FREED].statistics);

	if (!pages)
		return;
	demo_say("With the rest freed, %llu pages were in the per-CPU lists, "
		 "for the next caller.", (unsigned long long)pages);
	demo_say("The allocation of a large block drained them.");
}

static void conclude(struct demo *demo, const struct demo_snapshot *snapshots,
		     size_t freed)
{
	demo_print_lists(snapshots, NR_SNAPSHOTS);
	putchar('\n');
	if (!undisturbed(demo, snapshots)) {
		demo_say("Other users or the host changed the counters in the "
			 "meantime: they are not compared.");
		return;
	}
	explain_per_cpu(snapshots);
	compare_half(demo, snapshots, freed);
	compare_end(demo, snapshots);
}

/* Allocate a block of the highest order, and free it. */
static void use_block(struct demo *demo)
{
	uint64_t handle = allocate(demo, MEMALLOC_MAX_ORDER);

	if (handle)
		release(demo, handle);
}

/* Have a block of the highest order in the free lists, preferably no other. */
static void prepare(struct demo *demo)
{
	demo_check_errno(demo, memalloc_shrink(demo->device->fd, 0, NULL), "shrink");
	use_block(demo);
}

static void run(struct demo *demo, struct single *singles,
		struct demo_snapshot *snapshots)
{
	size_t count, freed;
	bool good;

	prepare(demo);
	good = demo_statistics(demo, &snapshots[BEFORE].statistics);
	count = alloc_singles(demo, singles);
	good = demo_statistics(demo, &snapshots[TAKEN].statistics) && good;
	freed = count_parity(singles, count, 1);
	free_singles(demo, singles, count, 1);
	good = demo_statistics(demo, &snapshots[HALF].statistics) && good;
	free_singles(demo, singles, count, 0);
	good = demo_statistics(demo, &snapshots[FREED].statistics) && good;
	use_block(demo);
	good = demo_statistics(demo, &snapshots[WHOLE].statistics) && good;
	/* A failed allocation has already been reported. */
	if (good && count == NR_PAGES)
		conclude(demo, snapshots, freed);
}

void demo_fragmentation(struct demo *demo)
{
	struct single *singles = calloc(NR_PAGES, sizeof(*singles));
	struct demo_snapshot snapshots[NR_SNAPSHOTS] = {
		[BEFORE] = { .when = "before" },
		[TAKEN] = { .when = "1024 pages allocated" },
		[HALF] = { .when = "every other page freed" },
		[FREED] = { .when = "the rest freed" },
		[WHOLE] = { .when = "one of order 10 used" },
	};
	cpu_set_t before;
	size_t i;

	demo_heading(demo, "Fragment the free memory, and coalesce it");
	demo_say("1024 single pages are allocated, every other one is freed, "
		 "then the rest.");
	demo_say("Adjacent free blocks merge into one of the next higher order. "
		 "Finally one");
	demo_say("block as large as all of them is allocated and freed.");
	putchar('\n');
	demo_stay_on_cpu(&before);
	if (demo_check(demo, singles, "out of memory"))
		run(demo, singles, snapshots);
	sched_setaffinity(0, sizeof(before), &before);
	for (i = 0; i < NR_SNAPSHOTS; i++)
		statistics_free(&snapshots[i].statistics);
	free(singles);
}
