// SPDX-License-Identifier: GPL-2.0
/*
 * Buddy: free blocks merge, and work on a large block is bounded in a critical
 * section
 *
 * A small allocation looks at a part of a large block only. The owner of a
 * block writes its descriptors with interrupts on, and a validation that runs
 * at the same time finds no errors.
 */
#include <kunit/test.h>

#include <linux/kthread.h>
#include <linux/log2.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/prandom.h>
#include <linux/sched.h>

#include <memalloc/kmalloc.h>
#include <memalloc/page_alloc.h>

#include "internal/borrow.h"
#include "internal/buddy.h"
#include "internal/region.h"
#include "internal/slab_cache.h"
#include "internal/slab_reclaim.h"

#include "memalloc_kunit.h"
#include "page_account.h"

/*
 * Whole sections, so that all pages can merge; larger than the reserve of any
 * test.
 */
#define MAL_BUDDY_SECTIONS	8
#define MAL_BUDDY_CAP		(MAL_BUDDY_SECTIONS * MAL_SECTION_PAGES)

/* The most pages that the module handles with interrupts off. */
#define MAL_BOUND_PAGES		64UL

#define MAL_BOUND_VALIDATIONS	600

static int mal_buddy_suite_init(struct kunit_suite *suite)
{
	return mal_account_cap(MAL_BUDDY_CAP);
}

static void mal_buddy_suite_exit(struct kunit_suite *suite)
{
	mal_account_uncap();
}

static struct page **mal_buddy_pages(struct kunit *test)
{
	struct page **pages = kunit_kcalloc(test, MAL_BUDDY_CAP, sizeof(*pages), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, pages);
	return pages;
}

static void mal_buddy_shuffle(struct page **pages, unsigned long nr, u64 seed)
{
	struct rnd_state rnd;

	prandom_seed_state(&rnd, seed);
	for (; nr > 1; nr--) {
		unsigned long other = prandom_u32_state(&rnd) % nr;

		swap(pages[nr - 1], pages[other]);
	}
}

/* Allocate all memory in blocks of @order, and free them in random order. */
static void mal_buddy_cycle(struct kunit *test, struct page **pages,
			    unsigned int order, u64 seed)
{
	unsigned long nr = mal_account_take(pages, MAL_BUDDY_CAP >> order, order);

	KUNIT_EXPECT_EQ(test, nr << order, MAL_BUDDY_CAP);
	mal_buddy_shuffle(pages, nr, seed);
	mal_account_put(pages, nr, order);
	mal_account_check(test, 0, 0);
}

/*
 * After all memory was allocated in blocks of any order and freed in any order,
 * all blocks have merged.
 */
static void mal_test_all_coalesces(struct kunit *test)
{
	struct page **pages = mal_buddy_pages(test);
	u64 seed = mal_test_seed(test);
	struct mal_zone_sums sums;
	unsigned int order, i;
	unsigned long nr;

	nr = mal_account_take(pages, MAL_BUDDY_SECTIONS, MAL_MAX_ORDER);
	mal_account_put(pages, nr, MAL_MAX_ORDER);
	KUNIT_ASSERT_EQ_MSG(test, nr, MAL_BUDDY_SECTIONS,
			    "the host has no blocks of the largest order");
	for (order = 0; order <= MAL_MAX_ORDER; order++) {
		mal_buddy_cycle(test, pages, order, seed + order);
		mal_zone_sums(&sums);
		KUNIT_EXPECT_EQ(test, sums.free_blocks[MAL_MAX_ORDER],
				(u64)MAL_BUDDY_SECTIONS);
		for (i = 0; i < MAL_MAX_ORDER; i++)
			KUNIT_EXPECT_EQ_MSG(test, sums.free_blocks[i], 0ULL,
					    "order %u, freed in order %u", i,
					    order);
	}
	mal_account_settle(test);
}

/* Free every other page. Returns the number of pages left. */
static unsigned long mal_buddy_free_even(struct page **pages, unsigned long nr)
{
	unsigned long i, kept = 0;

	for (i = 0; i < nr; i++) {
		if (page_to_pfn(pages[i]) & 1)
			pages[kept++] = pages[i];
		else
			mal_free_page(pages[i]);
	}
	return kept;
}

/*
 * If every other page is free, half of the memory is free, but no block of two
 * pages.
 */
static void mal_test_fragments_merge(struct kunit *test)
{
	struct page **pages = mal_buddy_pages(test);
	struct mal_zone_sums sums;
	unsigned long nr, kept;
	struct page *pair;

	nr = mal_account_take(pages, MAL_BUDDY_CAP, 0);
	KUNIT_EXPECT_EQ(test, nr, MAL_BUDDY_CAP);
	kept = mal_buddy_free_even(pages, nr);
	KUNIT_EXPECT_EQ(test, kept, MAL_BUDDY_CAP / 2);
	mal_zone_sums(&sums);
	KUNIT_EXPECT_EQ(test, sums.free_blocks[0], (u64)kept);
	KUNIT_EXPECT_EQ(test, sums.free, (u64)kept);
	pair = mal_alloc_pages(GFP_KERNEL | __GFP_HIGH | __GFP_NOWARN, 1);
	KUNIT_EXPECT_NULL(test, pair);
	mal_free_pages(pair, 1);
	mal_account_put(pages, kept, 0);
	nr = mal_account_take(pages, MAL_BUDDY_SECTIONS, MAL_MAX_ORDER);
	KUNIT_EXPECT_EQ(test, nr, MAL_BUDDY_SECTIONS);
	mal_account_put(pages, nr, MAL_MAX_ORDER);
	mal_account_settle(test);
}

/* Is the part of a block that is looked at for @order within the bound? */
static bool mal_bound_look(struct mal_zone *zone, unsigned int order)
{
	unsigned int most = max_t(unsigned int, order, ilog2(MAL_BOUND_PAGES));
	struct mal_page *unseen;
	struct mal_chain chain;
	bool bounded;

	mal_zone_take_chain(zone, order, 1, 0, &chain, &unseen);
	bounded = unseen && unseen->order <= most;
	if (chain.nr)
		mal_zone_give(zone, chain.head, order, false);
	if (unseen)
		mal_zone_give(zone, unseen, unseen->order, false);
	return bounded;
}

/*
 * A handler that wants a small block does not read 1024 struct pages. All free
 * blocks are of the highest order and were not looked at since they were freed.
 */
static void mal_test_look_is_bounded(struct kunit *test)
{
	struct page **pages = kunit_kcalloc(test, 2 * MAL_BUDDY_CAP, sizeof(*pages),
					    GFP_KERNEL);
	unsigned long nr, rest;
	unsigned int order;
	struct mal_zone *zone;

	KUNIT_ASSERT_NOT_NULL(test, pages);
	nr = mal_account_take(pages, MAL_BUDDY_CAP, MAL_MAX_ORDER);
	KUNIT_ASSERT_GT(test, nr, 0UL);
	zone = mal_page_section(mal_page_of(pages[0]))->zone;
	rest = mal_account_take(pages + nr, MAL_BUDDY_CAP, 0);
	mal_account_put(pages, nr, MAL_MAX_ORDER);
	mal_account_valid(test);
	for (order = 0; order < MAL_MAX_ORDER; order++)
		KUNIT_EXPECT_TRUE_MSG(test, mal_bound_look(zone, order),
				      "order %u", order);
	mal_account_put(pages + nr, rest, 0);
	mal_account_settle(test);
}

/* Each of these makes its owner write all descriptors of a block. */

static void mal_bound_split(void)
{
	struct page *page = mal_alloc_pages(GFP_KERNEL | __GFP_NOWARN, MAL_MAX_ORDER);
	unsigned int i;

	if (!page)
		return;
	mal_split_page(page, MAL_MAX_ORDER);
	for (i = 0; i < MAL_SECTION_PAGES; i++)
		mal_free_page(page + i);
}

static void mal_bound_pinned(void)
{
	struct page *page = mal_alloc_pages(GFP_KERNEL | __GFP_NOWARN, MAL_MAX_ORDER);

	if (!page)
		return;
	get_page(page + 1);
	mal_free_pages_shared(page, MAL_MAX_ORDER);
	put_page(page + 1);
}

static void mal_bound_return(void)
{
	mal_borrow_shrink(MAL_SECTION_PAGES);
}

static void mal_bound_slab(void)
{
	void *object = mal_kmalloc(2048, GFP_KERNEL | __GFP_NOWARN);

	mal_kfree(object);
}

static void (*const mal_bound_ways[])(void) = {
	mal_bound_split,
	mal_bound_pinned,
	mal_bound_return,
	mal_bound_slab,
};

static int mal_bound_run(void *data)
{
	void (*way)(void) = data;

	while (!kthread_should_stop()) {
		way();
		cond_resched();
	}
	return 0;
}

/* No state that a block goes through looks like corruption. */
static void mal_test_rewriting_is_valid(struct kunit *test)
{
	struct task_struct *tasks[ARRAY_SIZE(mal_bound_ways)];
	u64 checked = 0, errors = 0;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(tasks); i++) {
		tasks[i] = kthread_run(mal_bound_run, mal_bound_ways[i], "mal_bound/%u", i);
		/* They never sleep, and there may be two CPUs only. */
		if (!IS_ERR(tasks[i]))
			set_user_nice(tasks[i], MAX_NICE / 2);
	}
	for (i = 0; i < mal_test_effort(MAL_BOUND_VALIDATIONS); i++) {
		errors += mal_page_validate(&checked);
		cond_resched();
	}
	for (i = 0; i < ARRAY_SIZE(tasks); i++)
		if (!IS_ERR(tasks[i]))
			kthread_stop(tasks[i]);
	for (i = 0; i < ARRAY_SIZE(tasks); i++)
		KUNIT_EXPECT_FALSE(test, IS_ERR(tasks[i]));
	KUNIT_EXPECT_EQ(test, errors, 0ULL);
	KUNIT_EXPECT_GT(test, checked, 0ULL);
	mal_slab_shrink();
	mal_account_settle(test);
}

static struct kunit_case mal_buddy_cases[] = {
	KUNIT_CASE(mal_test_all_coalesces),
	KUNIT_CASE(mal_test_fragments_merge),
	{}
};

struct kunit_suite mal_buddy_suite = {
	.name = "memalloc_buddy",
	.suite_init = mal_buddy_suite_init,
	.suite_exit = mal_buddy_suite_exit,
	.test_cases = mal_buddy_cases,
};

static struct kunit_case mal_buddy_bound_cases[] = {
	KUNIT_CASE(mal_test_look_is_bounded),
	KUNIT_CASE(mal_test_rewriting_is_valid),
	{}
};

struct kunit_suite mal_buddy_bound_suite = {
	.name = "memalloc_buddy_bound",
	.suite_init = mal_buddy_suite_init,
	.suite_exit = mal_buddy_suite_exit,
	.test_cases = mal_buddy_bound_cases,
};
