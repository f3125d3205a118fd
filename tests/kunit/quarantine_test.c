// SPDX-License-Identifier: GPL-2.0
/*
 * A page that somebody still holds when it is freed is neither reused nor
 * given back until they let go, and then it is both
 */
#include <kunit/test.h>

#include <linux/mm.h>
#include <linux/page_ref.h>

#include <memalloc/page_alloc.h>

#include "internal/loan.h"
#include "internal/region.h"
#include "internal/report.h"

#include "memalloc_kunit.h"
#include "page_account.h"

#define MAL_QUARANTINE_CAP	(4 * MAL_SECTION_PAGES)

static int mal_quarantine_suite_init(struct kunit_suite *suite)
{
	return mal_account_cap(MAL_QUARANTINE_CAP);
}

static void mal_quarantine_suite_exit(struct kunit_suite *suite)
{
	mal_account_uncap();
}

static struct page *mal_quarantine_alloc(struct kunit *test, unsigned int order)
{
	struct page *page = mal_alloc_pages(GFP_KERNEL, order);

	KUNIT_ASSERT_NOT_NULL(test, page);
	return page;
}

/**
 * struct mal_held - pages of a block that somebody holds
 * @pages: them
 * @nr: how many
 */
struct mal_held {
	struct page *pages[2];
	unsigned int nr;
};

/* One page in each half of a block, if it has two. */
static struct mal_held mal_hold_two(struct page *page, unsigned int order)
{
	unsigned int half = (1U << order) / 2, i;
	struct mal_held held = { .nr = order ? 2 : 1 };

	held.pages[0] = page + half / 3;
	held.pages[1] = page + (1U << order) - 1 - half / 5;
	for (i = 0; i < held.nr; i++)
		get_page(held.pages[i]);
	return held;
}

/* One page that is not the first: who frees the block need not see it. */
static struct mal_held mal_hold_inner(struct page *page, unsigned int order)
{
	struct mal_held held = { .pages = { page + (1U << order) / 2 }, .nr = 1 };

	get_page(held.pages[0]);
	return held;
}

static void mal_let_go(const struct mal_held *held)
{
	unsigned int i;

	for (i = 0; i < held->nr; i++)
		put_page(held->pages[i]);
}

static bool mal_is_among(struct page *page, const struct mal_held *held)
{
	unsigned int i;

	for (i = 0; i < held->nr; i++)
		if (held->pages[i] == page)
			return true;
	return false;
}

/* Is some of the cap spent on what a worker borrows, and in no zone yet? */
static bool mal_loan_is_under_way(void)
{
	struct memalloc_stats_borrowing stats;
	struct mal_zone_sums sums;

	mal_borrowing_stats(&stats);
	mal_zone_sums(&sums);
	return sums.pages < stats.borrowed;
}

static struct page *mal_take_one(void)
{
	struct page *page = mal_alloc_page(GFP_ATOMIC | __GFP_NOWARN);
	bool under_way = true;

	while (!page && under_way) {
		under_way = mal_loan_is_under_way();
		page = mal_alloc_page(GFP_ATOMIC | __GFP_NOWARN);
		if (!page && under_way)
			schedule_timeout_uninterruptible(1);
	}
	return page;
}

/* Allocate all there is. Returns how many pages, and if any of @held is there. */
static unsigned long mal_take_all(struct kunit *test, const struct mal_held *held,
				  bool *there)
{
	struct page **all = kunit_kcalloc(test, MAL_QUARANTINE_CAP, sizeof(*all),
					  GFP_KERNEL);
	unsigned long i, nr = 0;

	KUNIT_ASSERT_NOT_NULL(test, all);
	*there = false;
	while (nr < MAL_QUARANTINE_CAP) {
		all[nr] = mal_take_one();
		if (!all[nr])
			break;
		*there |= mal_is_among(all[nr], held);
		nr++;
	}
	for (i = 0; i < nr; i++)
		mal_free_page(all[i]);
	kunit_kfree(test, all);
	return nr;
}

static void mal_expect_out_of_use(struct kunit *test, const struct mal_held *held)
{
	struct memalloc_stats_borrowing stats;
	unsigned int i;
	bool there;

	KUNIT_EXPECT_EQ(test, mal_take_all(test, held, &there),
			MAL_QUARANTINE_CAP - held->nr);
	KUNIT_EXPECT_FALSE(test, there);
	mal_loan_shrink(0);
	mal_borrowing_stats(&stats);
	KUNIT_EXPECT_EQ(test, stats.borrowed, stats.reserve + held->nr);
	KUNIT_EXPECT_EQ(test, stats.quarantined, (u64)held->nr);
	for (i = 0; i < held->nr; i++)
		KUNIT_EXPECT_EQ(test, page_ref_count(held->pages[i]),
				MAL_PAGE_REFS + 1);
	mal_account_check(test, 0, held->nr);
}

/* They are out of use, and of use again when they were let go. */
static void mal_expect_to_wait(struct kunit *test, const struct mal_held *held)
{
	mal_expect_out_of_use(test, held);
	mal_let_go(held);
	mal_account_settle(test);
}

static void mal_test_held_pages_wait(struct kunit *test)
{
	unsigned int order;

	for (order = 0; order <= MAL_MAX_ORDER; order++) {
		struct page *page = mal_quarantine_alloc(test, order);
		u64 reports = mal_reports_total();
		struct mal_held held = mal_hold_two(page, order);

		mal_free_pages_shared(page, order);
		mal_expect_to_wait(test, &held);
		KUNIT_EXPECT_EQ(test, mal_reports_total(), reports);
	}
}

/*
 * The same by the fast path: the list that the block goes on has room, as one was
 * taken from there.
 */
static void mal_free_fast(struct kunit *test, struct page *page, unsigned int order)
{
	struct page *room;

	mal_free_pages(mal_quarantine_alloc(test, order), order);
	room = mal_quarantine_alloc(test, order);
	mal_free_pages(page, order);
	mal_free_pages(room, order);
}

static void mal_test_held_first_page_waits(struct kunit *test)
{
	unsigned int order;

	for (order = 0; order <= MAL_MAX_ORDER; order++) {
		struct page *page = mal_quarantine_alloc(test, order);
		struct mal_held held = { .pages = { page }, .nr = 1 };

		get_page(page);
		mal_free_fast(test, page, order);
		mal_expect_to_wait(test, &held);
	}
}

/* Nobody looks when the block is freed: but before it is cut into pieces. */
static void mal_test_held_inner_page_is_found(struct kunit *test)
{
	unsigned int order;

	for (order = 1; order <= MAL_MAX_ORDER; order++) {
		struct page *page = mal_quarantine_alloc(test, order);
		struct mal_held held = mal_hold_inner(page, order);

		mal_free_fast(test, page, order);
		mal_expect_to_wait(test, &held);
	}
}

/* Or before it goes back to the host. */
static void mal_test_held_inner_page_stays(struct kunit *test)
{
	struct memalloc_stats_borrowing stats;
	unsigned int order;

	for (order = 1; order <= MAL_MAX_ORDER; order++) {
		struct page *page = mal_quarantine_alloc(test, order);
		struct mal_held held = mal_hold_inner(page, order);

		mal_free_fast(test, page, order);
		mal_loan_shrink(0);
		mal_borrowing_stats(&stats);
		KUNIT_EXPECT_EQ(test, stats.borrowed, stats.reserve + 1);
		mal_expect_to_wait(test, &held);
	}
}

/* Not only shrinking finds it: who is short of memory does, too. */
static void mal_test_released_page_is_reused(struct kunit *test)
{
	struct page *page = mal_quarantine_alloc(test, 0);
	struct mal_held held = { .pages = { page }, .nr = 1 };
	bool there;

	get_page(page);
	mal_free_page(page);
	mal_take_all(test, &held, &there);
	KUNIT_EXPECT_FALSE(test, there);
	put_page(page);
	KUNIT_EXPECT_EQ(test, mal_take_all(test, &held, &there),
			MAL_QUARANTINE_CAP);
	KUNIT_EXPECT_TRUE(test, there);
	mal_account_settle(test);
}

static void mal_test_double_free_in_quarantine(struct kunit *test)
{
	struct page *page = mal_quarantine_alloc(test, 0);
	struct memalloc_stats_reports before, after;

	get_page(page);
	mal_free_page(page);
	mal_report_stats(&before);
	mal_free_page(page);
	mal_report_stats(&after);
	KUNIT_EXPECT_EQ(test, after.double_free, before.double_free + 1);
	mal_account_check(test, 0, 1);
	put_page(page);
	mal_account_settle(test);
}

/* Those who never let go do not stand in the way of those who do. */
static void mal_test_released_behind_many_held(struct kunit *test)
{
	struct page *page = mal_quarantine_alloc(test, 9);
	unsigned int i;

	for (i = 0; i < 512; i++)
		get_page(page + i);
	mal_free_pages_shared(page, 9);
	mal_account_check(test, 0, 512);
	for (i = 0; i < 512; i += 256)
		put_page(page + i + 255);
	mal_loan_shrink(0);
	mal_account_check(test, 0, 510);
	for (i = 0; i < 512; i++)
		if (i % 256 != 255)
			put_page(page + i);
	mal_account_settle(test);
}

/*
 * A block that nobody has looked at since it was freed, of which the host got
 * a part: what is left is smaller than what was freed.
 */
static void mal_test_part_of_an_unseen_block(struct kunit *test)
{
	const unsigned int freed = 4, given = 3, wanted = 1;
	struct page *page = mal_alloc_pages(GFP_KERNEL, freed);

	KUNIT_ASSERT_NOT_NULL(test, page);
	mal_free_pages(page, freed);
	mal_loan_shrink(1UL << given);
	page = mal_alloc_pages(GFP_KERNEL, wanted);
	KUNIT_ASSERT_NOT_NULL(test, page);
	KUNIT_EXPECT_TRUE(test, IS_ALIGNED(page_to_pfn(page), 1UL << wanted));
	mal_account_valid(test);
	mal_free_pages(page, wanted);
	mal_account_settle(test);
}

static struct kunit_case mal_quarantine_cases[] = {
	KUNIT_CASE(mal_test_held_pages_wait),
	KUNIT_CASE(mal_test_held_first_page_waits),
	KUNIT_CASE(mal_test_held_inner_page_is_found),
	KUNIT_CASE(mal_test_held_inner_page_stays),
	KUNIT_CASE(mal_test_released_page_is_reused),
	KUNIT_CASE(mal_test_double_free_in_quarantine),
	KUNIT_CASE(mal_test_released_behind_many_held),
	KUNIT_CASE(mal_test_part_of_an_unseen_block),
	{}
};

struct kunit_suite mal_quarantine_suite = {
	.name = "memalloc_quarantine",
	.suite_init = mal_quarantine_suite_init,
	.suite_exit = mal_quarantine_suite_exit,
	.test_cases = mal_quarantine_cases,
};
