// SPDX-License-Identifier: GPL-2.0
/*
 * The cap is reached exactly, holds, and all comes back from it
 *
 * Blocks are kept in an array here: how each of them looks is checked by the
 * property test. What counts is how many there are.
 */
#include <kunit/test.h>

#include <linux/mm.h>
#include <linux/prandom.h>
#include <linux/slab.h>

#include <memalloc/page_alloc.h>

#include "internal/loan.h"
#include "internal/region.h"

#include "memalloc_kunit.h"
#include "page_account.h"

/* Whole sections, so that all could merge; more than any reserve of a test. */
#define MAL_LIMIT_SECTIONS	8
#define MAL_LIMIT_CAP		(MAL_LIMIT_SECTIONS * MAL_SECTION_PAGES)

/**
 * struct mal_hoard - blocks of one order
 * @pages: their first pages
 * @nr: how many
 * @order: their order
 */
struct mal_hoard {
	struct page **pages;
	unsigned long nr;
	unsigned int order;
};

/* Those who may use the reserve, too, so that all there is can be had. */
#define MAL_GFP_ALL	(GFP_KERNEL | __GFP_HIGH | __GFP_NOWARN)

static int mal_limit_suite_init(struct kunit_suite *suite)
{
	return mal_account_cap(MAL_LIMIT_CAP);
}

static void mal_limit_suite_exit(struct kunit_suite *suite)
{
	mal_account_uncap();
}

static void mal_hoard_add(struct mal_hoard *hoard, struct page *page)
{
	hoard->pages[hoard->nr++] = page;
}

/* Allocate until nothing more is to be had. Returns the number of pages. */
static unsigned long mal_hoard_fill(struct mal_hoard *hoard, unsigned int order)
{
	unsigned long room = MAL_LIMIT_CAP >> order;

	hoard->order = order;
	while (hoard->nr < room) {
		struct page *page = mal_alloc_pages(MAL_GFP_ALL, order);

		if (!page)
			break;
		mal_hoard_add(hoard, page);
	}
	return hoard->nr << order;
}

static void mal_hoard_shuffle(struct mal_hoard *hoard, u64 seed)
{
	struct rnd_state rnd;
	unsigned long i;

	prandom_seed_state(&rnd, seed);
	for (i = hoard->nr; i > 1; i--) {
		unsigned long other = prandom_u32_state(&rnd) % i;

		swap(hoard->pages[i - 1], hoard->pages[other]);
	}
}

static void mal_hoard_empty(struct mal_hoard *hoard)
{
	while (hoard->nr)
		mal_free_pages(hoard->pages[--hoard->nr], hoard->order);
}

/* Nothing more is to be had. What is had all the same is not lost. */
static void mal_expect_none(struct kunit *test, unsigned int order)
{
	struct page *page = mal_alloc_pages(MAL_GFP_ALL, order);

	KUNIT_EXPECT_NULL(test, page);
	mal_free_pages(page, order);
}

static int mal_limit_init(struct kunit *test)
{
	struct mal_hoard *hoard = kzalloc(sizeof(*hoard), GFP_KERNEL);

	test->priv = hoard;
	if (!hoard)
		return -ENOMEM;
	hoard->pages = kvcalloc(MAL_LIMIT_CAP, sizeof(*hoard->pages), GFP_KERNEL);
	return hoard->pages ? 0 : -ENOMEM;
}

/* A test that stops early leaves nothing to the next one. */
static void mal_limit_exit(struct kunit *test)
{
	struct mal_hoard *hoard = test->priv;

	if (!hoard)
		return;
	if (hoard->pages)
		mal_hoard_empty(hoard);
	mal_loan_set_cap(MAL_LIMIT_CAP);
	mal_loan_shrink(0);
	kvfree(hoard->pages);
	kfree(hoard);
}

/* The cap counts pages: it is reached to the page in blocks of any order. */
static void mal_test_cap_is_exact(struct kunit *test)
{
	struct mal_hoard *hoard = test->priv;
	struct memalloc_stats_borrowing stats;
	unsigned int order;
	int round;

	for (order = 0; order <= MAL_MAX_ORDER; order++)
		for (round = 0; round < 2; round++) {
			KUNIT_EXPECT_EQ(test, mal_hoard_fill(hoard, order),
					MAL_LIMIT_CAP);
			mal_borrowing_stats(&stats);
			KUNIT_EXPECT_EQ(test, stats.borrowed, (u64)MAL_LIMIT_CAP);
			KUNIT_EXPECT_EQ(test, stats.free, 0ULL);
			mal_expect_none(test, 0);
			mal_account_check(test, MAL_LIMIT_CAP, 0);
			mal_hoard_empty(hoard);
			mal_account_check(test, 0, 0);
		}
	mal_account_settle(test);
}

/* Exhausted in the smallest blocks, and freed in any order: all is whole. */
static void mal_test_all_coalesces(struct kunit *test)
{
	struct mal_hoard *hoard = test->priv;
	u64 seed = mal_test_seed(test);
	struct mal_zone_sums sums;
	unsigned int order, i;

	mal_hoard_fill(hoard, MAL_MAX_ORDER);
	KUNIT_ASSERT_EQ_MSG(test, hoard->nr, MAL_LIMIT_SECTIONS,
			    "the host has no blocks of the largest order");
	mal_hoard_empty(hoard);
	for (order = 0; order <= MAL_MAX_ORDER; order++) {
		KUNIT_EXPECT_EQ(test, mal_hoard_fill(hoard, order),
				MAL_LIMIT_CAP);
		mal_hoard_shuffle(hoard, seed + order);
		mal_hoard_empty(hoard);
		mal_account_check(test, 0, 0);
		mal_zone_sums(&sums);
		KUNIT_EXPECT_EQ(test, sums.free_blocks[MAL_MAX_ORDER],
				(u64)MAL_LIMIT_SECTIONS);
		for (i = 0; i < MAL_MAX_ORDER; i++)
			KUNIT_EXPECT_EQ_MSG(test, sums.free_blocks[i], 0ULL,
					    "order %u, freed in order %u", i,
					    order);
	}
	mal_account_settle(test);
}

/* Every other page free: half of the memory, and not one block of two pages. */
static void mal_test_fragmented_then_whole(struct kunit *test)
{
	struct mal_hoard *hoard = test->priv;
	struct mal_zone_sums sums;
	unsigned long i, kept = 0;

	KUNIT_ASSERT_EQ(test, mal_hoard_fill(hoard, 0), MAL_LIMIT_CAP);
	for (i = 0; i < hoard->nr; i++) {
		struct page *page = hoard->pages[i];

		if (page_to_pfn(page) & 1)
			hoard->pages[kept++] = page;
		else
			mal_free_page(page);
	}
	hoard->nr = kept;
	KUNIT_EXPECT_EQ(test, kept, MAL_LIMIT_CAP / 2);
	mal_zone_sums(&sums);
	KUNIT_EXPECT_EQ(test, sums.free_blocks[0], (u64)kept);
	KUNIT_EXPECT_EQ(test, sums.free, (u64)kept);
	mal_expect_none(test, 1);
	mal_hoard_empty(hoard);
	KUNIT_EXPECT_EQ(test, mal_hoard_fill(hoard, MAL_MAX_ORDER),
			MAL_LIMIT_CAP);
	mal_hoard_empty(hoard);
	mal_account_settle(test);
}

/* Beyond a lowered cap nothing is borrowed, but what is there still serves. */
static void mal_test_cap_lowered_while_in_use(struct kunit *test)
{
	struct mal_hoard *hoard = test->priv;
	struct memalloc_stats_borrowing stats;
	struct page *page;
	u64 reserve;

	KUNIT_ASSERT_EQ(test, mal_hoard_fill(hoard, 3), MAL_LIMIT_CAP);
	mal_loan_set_cap(MAL_LIMIT_CAP / 2);
	mal_expect_none(test, 0);
	mal_free_pages(hoard->pages[--hoard->nr], 3);
	page = mal_alloc_pages(MAL_GFP_ALL, 3);
	KUNIT_EXPECT_NOT_NULL(test, page);
	mal_free_pages(page, 3);
	mal_hoard_empty(hoard);
	mal_borrowing_stats(&stats);
	reserve = stats.reserve;
	KUNIT_EXPECT_EQ(test, stats.borrowed, (u64)MAL_LIMIT_CAP);
	KUNIT_EXPECT_EQ(test, (u64)mal_loan_shrink(0), MAL_LIMIT_CAP - reserve);
	KUNIT_EXPECT_EQ(test, mal_hoard_fill(hoard, 0), MAL_LIMIT_CAP / 2);
	mal_loan_set_cap(MAL_LIMIT_CAP);
	KUNIT_EXPECT_EQ(test, mal_hoard_fill(hoard, 0), MAL_LIMIT_CAP);
	mal_hoard_empty(hoard);
	mal_account_settle(test);
}

/* What may sleep leaves the reserve alone; what may not can have all of it. */
static void mal_test_reserve_is_kept(struct kunit *test)
{
	struct mal_hoard *hoard = test->priv;
	struct memalloc_stats_borrowing stats;
	unsigned long urgent = 0;
	struct page *page;

	mal_borrowing_stats(&stats);
	if (!stats.reserve)
		kunit_skip(test, "loaded without a reserve: reserve_mb");
	while ((page = mal_alloc_page(GFP_KERNEL | __GFP_NOWARN)))
		mal_hoard_add(hoard, page);
	KUNIT_EXPECT_EQ(test, hoard->nr + stats.reserve, (u64)MAL_LIMIT_CAP);
	while ((page = mal_alloc_page(GFP_ATOMIC | __GFP_NOWARN))) {
		mal_hoard_add(hoard, page);
		urgent++;
	}
	KUNIT_EXPECT_EQ(test, (u64)urgent, stats.reserve);
	mal_hoard_empty(hoard);
	mal_account_settle(test);
}

/* As many pages are given back as were asked for, if there are so many. */
static void mal_test_shrink_gives_what_is_asked(struct kunit *test)
{
	static const unsigned long wanted[] = { 1, 2, 3, 1000, 1023, 1024, 1025, 2049 };
	struct mal_hoard *hoard = test->priv;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(wanted); i++) {
		struct memalloc_stats_borrowing before, after;

		mal_hoard_fill(hoard, 0);
		mal_hoard_empty(hoard);
		mal_borrowing_stats(&before);
		KUNIT_EXPECT_EQ(test, mal_loan_shrink(wanted[i]), wanted[i]);
		mal_borrowing_stats(&after);
		KUNIT_EXPECT_EQ(test, before.borrowed - after.borrowed,
				(u64)wanted[i]);
		mal_account_check(test, 0, 0);
	}
	mal_account_settle(test);
}

static struct kunit_case mal_limit_cases[] = {
	KUNIT_CASE(mal_test_cap_is_exact),
	KUNIT_CASE(mal_test_all_coalesces),
	KUNIT_CASE(mal_test_fragmented_then_whole),
	KUNIT_CASE(mal_test_cap_lowered_while_in_use),
	KUNIT_CASE(mal_test_reserve_is_kept),
	KUNIT_CASE(mal_test_shrink_gives_what_is_asked),
	{}
};

struct kunit_suite mal_page_limit_suite = {
	.name = "memalloc_page_limit",
	.suite_init = mal_limit_suite_init,
	.suite_exit = mal_limit_suite_exit,
	.init = mal_limit_init,
	.exit = mal_limit_exit,
	.test_cases = mal_limit_cases,
};
