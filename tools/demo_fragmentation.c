// SPDX-License-Identifier: GPL-2.0
/*
 * Fragment the free memory, and have it coalesce
 *
 * One block of the highest order is taken apart into single pages, of which
 * every other one is freed: half of it is free, and no two free pages can merge.
 * When the others are freed too, all must be one block again.
 *
 * Some of the pages that were freed last may still be in the per-CPU lists,
 * where nothing merges. To want a block as large as all of them together must
 * bring them out, rather than have the module borrow more from the host.
 *
 * "Every other" is meant physically. Who may not ask for physical addresses
 * goes by the order of allocation, which the module does not promise anything
 * about; then that stage is shown but not compared.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "demo.h"

#define NR_PAGES ((size_t)1 << MEMALLOC_MAX_ORDER)

/**
 * struct single - a page
 * @handle: the allocation
 * @place: its physical address, or else its number in the order of allocation
 */
struct single {
	uint64_t handle;
	uint64_t place;
};

/* The moments that the table shows. */
enum {
	BEFORE,
	TAKEN,
	HALF,
	FREED,
	WHOLE,
	NR_MOMENTS,
};

static int compare_places(const void *a, const void *b)
{
	const struct single *left = a, *right = b;

	return left->place < right->place ? -1 : left->place > right->place;
}

/* Allocate. Return: the handle, or zero after a complaint. */
static uint64_t allocate(struct demo *demo, unsigned int order)
{
	struct memalloc_alloc alloc = {
		.kind = MEMALLOC_KIND_PAGES,
		.node = -1,
		.order = order,
	};
	int err = device_alloc(demo->device, &alloc);

	if (!demo_check(demo, !err, "cannot allocate order %u: %s", order,
			strerror(-err)))
		return 0;
	return alloc.out_handle;
}

static void release(struct demo *demo, uint64_t handle)
{
	demo_check_errno(demo, device_free(demo->device, handle), "free");
}

static uint64_t place_of(struct demo *demo, uint64_t handle, size_t number)
{
	struct memalloc_info info = {
		.handle = handle, .flags = MEMALLOC_INFO_PHYS
	};
	int err;

	if (!demo->privileged)
		return number;
	err = device_info(demo->device, &info);
	demo_check_errno(demo, err, "ask for a physical address");
	return err ? number : info.out_phys / demo->page_size;
}

static size_t take(struct demo *demo, struct single *singles)
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

/* Free the pages at places that are odd, or those at places that are even. */
static void give(struct demo *demo, const struct single *singles, size_t count,
		 unsigned int parity)
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

static void compare_half(struct demo *demo, const struct demo_moment *moments,
			 size_t freed)
{
	uint64_t grown = demo_blocks(&moments[HALF].statistics, 0) -
			 demo_blocks(&moments[TAKEN].statistics, 0);

	demo_check(demo, moments[HALF].statistics.borrowing.free -
		   moments[TAKEN].statistics.borrowing.free == freed,
		   "%zu pages were freed, and the free ones are not so many "
		   "more", freed);
	if (demo->privileged)
		demo_check(demo, grown == freed,
			   "%zu pages without free neighbours were freed, and "
			   "there are %llu more blocks of order 0", freed,
			   (unsigned long long)grown);
}

static void compare_end(struct demo *demo, const struct demo_moment *moments)
{
	const struct statistics *before = &moments[BEFORE].statistics;
	const struct statistics *after = &moments[WHOLE].statistics;
	unsigned int order;
	bool same;

	same = demo_check(demo, before->borrowing.borrowed_total ==
			  after->borrowing.borrowed_total,
			  "%llu pages were borrowed, though there was enough",
			  after->borrowing.borrowed_total -
			  before->borrowing.borrowed_total);
	for (order = 0; order < MEMALLOC_NR_ORDERS; order++)
		same = demo_check(demo, demo_blocks(before, order) ==
				  demo_blocks(after, order),
				  "free blocks of order %u are not as many as "
				  "before", order) && same;
	if (same)
		demo_say("The last line is as the first: all has coalesced, "
			 "and nothing more was borrowed.");
}

/* The host may take free pages back at any time, if it needs them. */
static bool undisturbed(const struct demo *demo,
			const struct demo_moment *moments)
{
	const struct statistics *before = &moments[BEFORE].statistics;
	const struct statistics *after = &moments[WHOLE].statistics;

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

static void explain_per_cpu(const struct demo_moment *moments)
{
	uint64_t pages = pages_per_cpu(&moments[FREED].statistics);

	if (!pages)
		return;
	demo_say("With the rest freed, %llu pages were in per-CPU lists, at "
		 "hand for the next who wants one.", (unsigned long long)pages);
	demo_say("To want a large block has emptied them.");
}

static void conclude(struct demo *demo, const struct demo_moment *moments,
		     size_t freed)
{
	demo_print_lists(moments, NR_MOMENTS);
	putchar('\n');
	if (!undisturbed(demo, moments)) {
		demo_say("Others, or the host, have changed the figures "
			 "meanwhile: they are not compared.");
		return;
	}
	explain_per_cpu(moments);
	compare_half(demo, moments, freed);
	compare_end(demo, moments);
}

/* Take a block of the highest order, and free it. */
static void take_whole(struct demo *demo)
{
	uint64_t handle = allocate(demo, MEMALLOC_MAX_ORDER);

	if (handle)
		release(demo, handle);
}

/* Have one block of the highest order in the free lists, if possible alone. */
static void prepare(struct demo *demo)
{
	uint64_t returned;

	demo_check_errno(demo, device_shrink(demo->device, 0, &returned),
			 "shrink");
	take_whole(demo);
}

static void run(struct demo *demo, struct single *singles,
		struct demo_moment *moments)
{
	size_t count, freed;
	bool good;

	prepare(demo);
	good = demo_statistics(demo, &moments[BEFORE].statistics);
	count = take(demo, singles);
	good = demo_statistics(demo, &moments[TAKEN].statistics) && good;
	freed = count_parity(singles, count, 1);
	give(demo, singles, count, 1);
	good = demo_statistics(demo, &moments[HALF].statistics) && good;
	give(demo, singles, count, 0);
	good = demo_statistics(demo, &moments[FREED].statistics) && good;
	take_whole(demo);
	good = demo_statistics(demo, &moments[WHOLE].statistics) && good;
	/* Where an allocation has failed, that has been said. */
	if (good && count == NR_PAGES)
		conclude(demo, moments, freed);
}

void demo_fragmentation(struct demo *demo)
{
	struct single *singles = calloc(NR_PAGES, sizeof(*singles));
	struct demo_moment moments[NR_MOMENTS] = {
		[BEFORE] = { .when = "before" },
		[TAKEN] = { .when = "1024 pages taken" },
		[HALF] = { .when = "every other freed" },
		[FREED] = { .when = "the rest freed" },
		[WHOLE] = { .when = "1 of order 10 taken, freed" },
	};
	size_t i;

	demo_heading(demo, "Fragment the free memory, and have it coalesce");
	demo_say("1024 single pages are taken, every other one is freed, then "
		 "the rest. Freed");
	demo_say("blocks that are neighbours merge into one of the next higher "
		 "order. At last");
	demo_say("one block as large as all of them is taken and freed.");
	putchar('\n');
	if (demo_check(demo, singles, "out of memory"))
		run(demo, singles, moments);
	for (i = 0; i < NR_MOMENTS; i++)
		statistics_free(&moments[i].statistics);
	free(singles);
}
