// SPDX-License-Identifier: GPL-2.0
/*
 * Borrowing: the cap is exact, the reserve is kept, and all other memory below
 * the cap can be allocated and returned
 *
 * The cap bounds pages and metadata. MAL_LIMIT_CAP is the part for the pages if
 * they fill whole sections.
 *
 * The tests only count blocks; the property test checks their contents.
 */
#include <kunit/test.h>

#include <linux/mm.h>
#include <linux/preempt.h>
#include <linux/slab.h>

#include <memalloc/page_alloc.h>

#include "internal/borrow.h"
#include "internal/region.h"

#include "memalloc_kunit.h"
#include "page_account.h"

/* Whole sections; larger than the reserve of any test. */
#define MAL_LIMIT_SECTIONS	8
#define MAL_LIMIT_CAP		(MAL_LIMIT_SECTIONS * MAL_SECTION_PAGES)

/* An upper bound of the pages that fit if less metadata is needed. */
#define MAL_LIMIT_MOST		(MAL_LIMIT_CAP + MAL_SECTION_PAGES)

/* A page in a section of its own, and the descriptors of that section. */
#define MAL_LIMIT_SECTION_COST	(1 + MAL_ACCOUNT_SECTION)

/**
 * struct mal_hoard - blocks of one order
 * @pages: their first pages
 * @nr: number of blocks
 * @order: order of the blocks
 */
struct mal_hoard {
	struct page **pages;
	unsigned long nr;
	unsigned int order;
};

/* __GFP_HIGH, so that the reserve can be allocated, too. */
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

/* Allocate until it fails. Returns the number of pages. */
static unsigned long mal_hoard_fill(struct mal_hoard *hoard, unsigned int order)
{
	unsigned long room = MAL_LIMIT_MOST >> order;

	hoard->order = order;
	while (hoard->nr < room) {
		struct page *page = mal_alloc_pages(MAL_GFP_ALL, order);

		if (!page)
			break;
		mal_hoard_add(hoard, page);
	}
	return hoard->nr << order;
}

static void mal_hoard_empty(struct mal_hoard *hoard)
{
	while (hoard->nr)
		mal_free_pages(hoard->pages[--hoard->nr], hoard->order);
}

/*
 * Expect that no block is left. A block that is allocated nevertheless is
 * freed.
 */
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
	hoard->pages = kvcalloc(MAL_LIMIT_MOST, sizeof(*hoard->pages), GFP_KERNEL);
	return hoard->pages ? 0 : -ENOMEM;
}

/* Free all blocks of a test that stopped early. */
static void mal_limit_exit(struct kunit *test)
{
	struct mal_hoard *hoard = test->priv;

	if (!hoard)
		return;
	if (hoard->pages)
		mal_hoard_empty(hoard);
	mal_account_recap(MAL_LIMIT_CAP);
	mal_borrow_shrink(0);
	kvfree(hoard->pages);
	kfree(hoard);
}

/*
 * The cap counts pages and their descriptors. It is reached with blocks of any
 * order: there is no room for another block in a section of its own.
 */
static void mal_test_cap_is_exact(struct kunit *test)
{
	struct mal_hoard *hoard = test->priv;
	struct memalloc_stats_borrowing stats;
	unsigned long pages;
	unsigned int order;
	int round;

	for (order = 0; order <= MAL_MAX_ORDER; order++)
		for (round = 0; round < 2; round++) {
			pages = mal_hoard_fill(hoard, order);
			mal_account_expect_full(test, order, pages);
			mal_borrow_stats(&stats);
			KUNIT_EXPECT_EQ(test, stats.free, 0ULL);
			mal_expect_none(test, order);
			mal_account_check(test, pages, 0);
			mal_hoard_empty(hoard);
			mal_account_check(test, 0, 0);
		}
	mal_account_settle(test);
}

/*
 * If the cap is lowered below the borrowed pages, no more are borrowed, and the
 * borrowed ones are still allocated.
 */
static void mal_test_cap_lowered_while_in_use(struct kunit *test)
{
	struct mal_hoard *hoard = test->priv;
	struct memalloc_stats_borrowing stats;
	struct page *page;
	u64 reserve;

	KUNIT_ASSERT_EQ(test, mal_hoard_fill(hoard, 3), MAL_LIMIT_CAP);
	mal_account_recap(MAL_LIMIT_CAP / 2);
	mal_expect_none(test, 0);
	mal_free_pages(hoard->pages[--hoard->nr], 3);
	page = mal_alloc_pages(MAL_GFP_ALL, 3);
	KUNIT_EXPECT_NOT_NULL(test, page);
	mal_free_pages(page, 3);
	mal_hoard_empty(hoard);
	mal_borrow_stats(&stats);
	reserve = stats.reserve;
	KUNIT_EXPECT_EQ(test, stats.borrowed, (u64)MAL_LIMIT_CAP);
	KUNIT_EXPECT_EQ(test, (u64)mal_borrow_shrink(0), MAL_LIMIT_CAP - reserve);
	mal_account_expect_full(test, 0, mal_hoard_fill(hoard, 0));
	mal_account_recap(MAL_LIMIT_CAP);
	mal_account_expect_full(test, 0, mal_hoard_fill(hoard, 0));
	mal_hoard_empty(hoard);
	mal_account_settle(test);
}

/*
 * Sleeping allocations leave the reserve alone; atomic ones can use all of it.
 */
static void mal_test_reserve_is_kept(struct kunit *test)
{
	struct mal_hoard *hoard = test->priv;
	struct memalloc_stats_borrowing stats;
	unsigned long urgent = 0;
	struct page *page;

	mal_borrow_stats(&stats);
	if (!stats.reserve)
		kunit_skip(test, "loaded without a reserve: reserve_mb");
	while ((page = mal_alloc_page(GFP_KERNEL | __GFP_NOWARN)))
		mal_hoard_add(hoard, page);
	mal_account_expect_full(test, 0, hoard->nr + stats.reserve);
	while ((page = mal_alloc_page(GFP_ATOMIC | __GFP_NOWARN))) {
		mal_hoard_add(hoard, page);
		urgent++;
	}
	KUNIT_EXPECT_EQ(test, (u64)urgent, stats.reserve);
	mal_hoard_empty(hoard);
	mal_account_settle(test);
}

/* Shrinking returns the requested number of pages if that many are free. */
static void mal_test_shrink_returns_the_requested_pages(struct kunit *test)
{
	static const unsigned long wanted[] = { 1, 2, 3, 1000, 1023, 1024, 1025, 2049 };
	struct mal_hoard *hoard = test->priv;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(wanted); i++) {
		struct memalloc_stats_borrowing before, after;

		mal_hoard_fill(hoard, 0);
		mal_hoard_empty(hoard);
		mal_borrow_stats(&before);
		KUNIT_EXPECT_EQ(test, mal_borrow_shrink(wanted[i]), wanted[i]);
		mal_borrow_stats(&after);
		KUNIT_EXPECT_EQ(test, before.borrowed - after.borrowed,
				(u64)wanted[i]);
		mal_account_check(test, 0, 0);
	}
	mal_account_settle(test);
}

static unsigned long mal_limit_taken(void)
{
	struct memalloc_stats_borrowing stats;

	mal_borrow_stats(&stats);
	return mal_account_taken(&stats);
}

static bool mal_limit_same_section(const struct page *a, const struct page *b)
{
	return page_to_pfn(a) / MAL_SECTION_PAGES == page_to_pfn(b) / MAL_SECTION_PAGES;
}

/* Keep one page in each of many sections. */
static void mal_hoard_scatter(struct mal_hoard *hoard)
{
	unsigned long i, kept = 0;

	mal_hoard_fill(hoard, 0);
	for (i = 0; i < hoard->nr; i++) {
		struct page *page = hoard->pages[i];

		if (kept && mal_limit_same_section(page, hoard->pages[kept - 1]))
			mal_free_page(page);
		else
			hoard->pages[kept++] = page;
	}
	hoard->nr = kept;
	mal_borrow_shrink(0);
}

/* A section costs the same if only one of its pages is borrowed. */
static void mal_test_cap_includes_sections(struct kunit *test)
{
	struct mal_hoard *hoard = test->priv;
	struct memalloc_stats_borrowing before, after;
	unsigned long taken, cap;
	struct page *page;

	mal_hoard_scatter(hoard);
	taken = mal_limit_taken();
	KUNIT_ASSERT_GE(test, taken, MAL_LIMIT_SECTIONS / 2 * MAL_LIMIT_SECTION_COST);
	kunit_info(test, "%lu scattered pages cost %lu pages of the host's", hoard->nr, taken);
	mal_borrow_set_cap(taken);
	mal_borrow_stats(&before);
	page = mal_alloc_page(GFP_KERNEL | __GFP_NOWARN);
	KUNIT_EXPECT_NULL(test, page);
	mal_free_pages(page, 0);
	mal_borrow_stats(&after);
	KUNIT_EXPECT_GT(test, after.refused_cap, before.refused_cap);
	KUNIT_EXPECT_EQ(test, after.refused_host, before.refused_host);
	cap = taken + 4 * MAL_LIMIT_SECTION_COST;
	mal_borrow_set_cap(cap);
	while ((page = mal_alloc_page(GFP_NOWAIT | __GFP_NOWARN)))
		mal_hoard_add(hoard, page);
	taken = mal_limit_taken();
	KUNIT_EXPECT_LE(test, taken, cap);
	KUNIT_EXPECT_GT(test, taken + MAL_LIMIT_SECTION_COST, cap);
	mal_hoard_empty(hoard);
	mal_account_settle(test);
}

/* Charge for metadata, as for a slab; undo it if it succeeds. */
static bool mal_limit_charges(size_t bytes, gfp_t gfp)
{
	bool ok = mal_borrow_charge_bytes(bytes, gfp);

	if (ok)
		mal_region_uncharge_bytes(bytes);
	return ok;
}

/* Metadata may exceed the cap for a caller that may use the reserve. */
static void mal_test_only_the_urgent_exceed_the_cap(struct kunit *test)
{
	struct mal_hoard *hoard = test->priv;

	KUNIT_ASSERT_GT(test, mal_hoard_fill(hoard, 3), MAL_LIMIT_CAP / 2);
	mal_account_recap(MAL_LIMIT_CAP / 2);
	KUNIT_EXPECT_FALSE(test, mal_limit_charges(PAGE_SIZE, GFP_KERNEL));
	KUNIT_EXPECT_FALSE(test, mal_limit_charges(PAGE_SIZE, GFP_NOWAIT));
	KUNIT_EXPECT_TRUE(test, mal_limit_charges(PAGE_SIZE, GFP_ATOMIC));
	mal_hoard_empty(hoard);
	mal_account_recap(MAL_LIMIT_CAP);
	mal_account_settle(test);
}

/*
 * A charge that must not sleep returns free pages to the host, and one page is
 * enough for less than a page of metadata.
 */
static void mal_test_metadata_takes_the_last_free_page(struct kunit *test)
{
	struct mal_hoard *hoard = test->priv;
	struct memalloc_stats_borrowing stats;
	bool ok;

	mal_hoard_fill(hoard, 0);
	mal_borrow_stats(&stats);
	KUNIT_ASSERT_GT(test, (u64)hoard->nr, stats.reserve);
	while (stats.reserve--)
		mal_free_page(hoard->pages[--hoard->nr]);
	mal_account_valid(test);
	mal_borrow_set_cap(mal_limit_taken());
	KUNIT_EXPECT_FALSE(test, mal_limit_charges(PAGE_SIZE - 1, GFP_NOWAIT));
	/* The page is on the list of this CPU. */
	preempt_disable();
	mal_free_page(hoard->pages[--hoard->nr]);
	ok = mal_limit_charges(PAGE_SIZE - 1, GFP_NOWAIT);
	preempt_enable();
	KUNIT_EXPECT_TRUE(test, ok);
	mal_hoard_empty(hoard);
	mal_account_settle(test);
}

static struct kunit_case mal_borrow_cases[] = {
	KUNIT_CASE(mal_test_cap_is_exact),
	KUNIT_CASE(mal_test_cap_lowered_while_in_use),
	KUNIT_CASE(mal_test_reserve_is_kept),
	KUNIT_CASE(mal_test_shrink_returns_the_requested_pages),
	KUNIT_CASE(mal_test_cap_includes_sections),
	KUNIT_CASE(mal_test_only_the_urgent_exceed_the_cap),
	KUNIT_CASE(mal_test_metadata_takes_the_last_free_page),
	{}
};

struct kunit_suite mal_borrow_suite = {
	.name = "memalloc_borrow",
	.suite_init = mal_limit_suite_init,
	.suite_exit = mal_limit_suite_exit,
	.init = mal_limit_init,
	.exit = mal_limit_exit,
	.test_cases = mal_borrow_cases,
};
