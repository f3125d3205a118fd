// SPDX-License-Identifier: GPL-2.0
/*
 * Misuse of the page allocator is reported once, with its kind, and does no
 * harm
 *
 * After each misuse the allocator is valid, and the misused block can still be
 * used and freed as usual.
 */
#include <kunit/test.h>

#include <linux/mm.h>
#include <linux/page_ref.h>

#include <memalloc/page_alloc.h>

#include "internal/borrow.h"
#include "internal/region.h"
#include "internal/report.h"

#include "memalloc_kunit.h"
#include "page_account.h"

static struct page *mal_misuse_alloc(struct kunit *test, unsigned int order)
{
	struct page *page = mal_alloc_pages(GFP_KERNEL, order);

	KUNIT_ASSERT_NOT_NULL(test, page);
	return page;
}

/*
 * Expect that @misuse adds one report of @kind and none of any other kind, and
 * that the allocator is valid with @held pages allocated before and after.
 */
#define mal_expect_report(test, kind, held, misuse) do {		\
	struct memalloc_stats_reports before, after;			\
	u64 total = mal_reports_total();				\
									\
	mal_report_stats(&before);					\
	misuse;								\
	mal_report_stats(&after);					\
	KUNIT_EXPECT_EQ(test, after.kind, before.kind + 1);		\
	KUNIT_EXPECT_EQ(test, mal_reports_total(), total + 1);		\
	mal_account_check(test, held, 0);				\
} while (0)

/*
 * Free the block twice: before and after it merges with its neighbours. The
 * page is the second half of each merged block.
 */
static void mal_test_double_free(struct kunit *test)
{
	unsigned int order;

	for (order = 0; order <= MAL_MAX_ORDER; order++) {
		struct page *page = mal_misuse_alloc(test, order);

		mal_free_pages(page, order);
		mal_expect_report(test, double_free, 0, mal_free_pages(page, order));
		mal_expect_report(test, double_free, 0,
				  mal_free_pages_shared(page, order));
	}
	mal_account_settle(test);
}

static void mal_test_double_free_after_merge(struct kunit *test)
{
	struct page *page = mal_misuse_alloc(test, 1);

	mal_split_page(page, 1);
	mal_free_page(page);
	mal_free_page(page + 1);
	mal_expect_report(test, double_free, 0, mal_free_page(page + 1));
	mal_expect_report(test, double_free, 0, mal_free_page(page));
	mal_account_settle(test);
}

static void mal_test_double_free_of_half_used_pair(struct kunit *test)
{
	struct page *page = mal_misuse_alloc(test, 1);

	mal_split_page(page, 1);
	mal_free_page(page + 1);
	mal_expect_report(test, double_free, 1, mal_free_page(page + 1));
	mal_free_page(page);
	mal_account_settle(test);
}

/*
 * Allocate a block after making room on this CPU's list for its order, so that
 * its free may take the fast path.
 */
static struct page *mal_misuse_make_room(struct kunit *test, unsigned int order)
{
	mal_free_pages(mal_misuse_alloc(test, order), order);
	return mal_misuse_alloc(test, order);
}

static void mal_test_free_with_wrong_order(struct kunit *test)
{
	unsigned int order, wrong;

	for (order = 0; order <= MAL_MAX_ORDER; order++) {
		struct page *page = mal_misuse_alloc(test, order);

		for (wrong = 0; wrong <= MAL_MAX_ORDER; wrong++) {
			struct page *room;

			if (wrong == order)
				continue;
			room = mal_misuse_make_room(test, wrong);
			mal_expect_report(test, wrong_free,
					  (1U << order) + (1U << wrong),
					  mal_free_pages(page, wrong));
			mal_free_pages(room, wrong);
		}
		mal_expect_report(test, wrong_free, 1U << order,
				  mal_free_pages(page, MAL_MAX_ORDER + 1));
		mal_free_pages(page, order);
		mal_account_check(test, 0, 0);
	}
	mal_account_settle(test);
}

static void mal_test_free_of_inner_page(struct kunit *test)
{
	struct page *page = mal_misuse_alloc(test, 3);
	unsigned int i;

	for (i = 1; i < 8; i++) {
		mal_expect_report(test, wrong_free, 8, mal_free_page(page + i));
		mal_expect_report(test, wrong_free, 8, mal_free_pages(page + i, 3));
	}
	mal_free_pages(page, 3);
	mal_account_settle(test);
}

/* The test cannot tell which pages were returned if there is a reserve. */
static u64 mal_misuse_reserve(void)
{
	struct memalloc_stats_borrowing stats;

	mal_borrow_stats(&stats);
	return stats.reserve;
}

/* Pages of the host: far from ours, and next to one of ours. */
static void mal_test_free_of_foreign_page(struct kunit *test)
{
	struct page *foreign = alloc_page(GFP_KERNEL);
	struct page *near, *page;
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, foreign);
	for (i = 0; i <= MAL_MAX_ORDER; i++)
		mal_expect_report(test, foreign_free, 0, mal_free_pages(foreign, i));
	page = mal_misuse_alloc(test, 0);
	near = pfn_to_page(round_down(page_to_pfn(page), MAL_SECTION_PAGES));
	mal_expect_report(test, foreign_free, 1, mal_free_page(foreign));
	mal_free_page(page);
	mal_account_settle(test);
	/* A page that has been returned is foreign, too. */
	if (!mal_misuse_reserve())
		mal_expect_report(test, foreign_free, 0, mal_free_page(near));
	KUNIT_EXPECT_EQ(test, page_ref_count(foreign), 1);
	__free_page(foreign);
}

static void mal_test_split_with_wrong_order(struct kunit *test)
{
	struct page *page = mal_misuse_alloc(test, 2);

	mal_expect_report(test, wrong_free, 4, mal_split_page(page, 3));
	mal_expect_report(test, wrong_free, 4, mal_split_page(page + 2, 1));
	mal_free_pages(page, 2);
	mal_expect_report(test, double_free, 0, mal_split_page(page, 2));
	mal_account_settle(test);
}

static void mal_test_free_of_null(struct kunit *test)
{
	u64 reports = mal_reports_total();

	mal_free_pages(NULL, 0);
	mal_free_pages_shared(NULL, 3);
	KUNIT_EXPECT_EQ(test, mal_reports_total(), reports);
}

static void mal_test_too_large_order(struct kunit *test)
{
	u64 reports = mal_reports_total();

	KUNIT_EXPECT_NULL(test, mal_alloc_pages(GFP_KERNEL, MAL_MAX_ORDER + 1));
	KUNIT_EXPECT_NULL(test, mal_alloc_pages(GFP_KERNEL, UINT_MAX));
	KUNIT_EXPECT_EQ(test, mal_reports_total(), reports);
	mal_account_settle(test);
}

/* A dropped reference is reported and restored by the next validation. */
static void mal_test_lost_reference_is_restored(struct kunit *test)
{
	struct page *page = mal_misuse_alloc(test, 2);
	struct memalloc_stats_reports before, after;
	u64 checked = 0;

	mal_report_stats(&before);
	put_page(page + 1);
	KUNIT_EXPECT_EQ(test, mal_page_validate(&checked), 1ULL);
	KUNIT_EXPECT_EQ(test, page_ref_count(page + 1), MAL_PAGE_REFS);
	mal_report_stats(&after);
	KUNIT_EXPECT_EQ(test, after.lost_reference, before.lost_reference + 1);
	mal_account_check(test, 4, 0);
	mal_free_pages(page, 2);
	mal_account_settle(test);
}

/*
 * However many references are dropped, the host does not get the page. This
 * holds for the first page and for inner pages.
 */
static void mal_test_many_lost_references(struct kunit *test)
{
	struct page *page = mal_misuse_alloc(test, 1);
	struct memalloc_stats_reports before, after;
	u64 checked = 0;
	unsigned int i;

	mal_report_stats(&before);
	for (i = 0; i < 1000; i++) {
		put_page(page);
		put_page(page + 1);
	}
	KUNIT_EXPECT_EQ(test, mal_page_validate(&checked), 2ULL);
	KUNIT_EXPECT_EQ(test, mal_page_refs(page), 1);
	KUNIT_EXPECT_EQ(test, mal_page_refs(page + 1), 1);
	mal_report_stats(&after);
	KUNIT_EXPECT_EQ(test, after.lost_reference, before.lost_reference + 2);
	mal_account_check(test, 2, 0);
	mal_free_pages(page, 1);
	mal_account_settle(test);
}

/*
 * As above, but detected when the pages are returned, which succeeds. Pages
 * that stay in the reserve are detected by the next validation.
 */
static void mal_test_lost_reference_is_reported_on_return(struct kunit *test)
{
	struct memalloc_stats_reports before, after;
	struct memalloc_stats_borrowing stats;
	struct page *pages[8];
	unsigned long i, nr;
	u64 checked = 0;

	mal_borrow_stats(&stats);
	nr = min(stats.reserve / MAL_SECTION_PAGES + 2, ARRAY_SIZE(pages));
	for (i = 0; i < nr; i++)
		pages[i] = mal_misuse_alloc(test, MAL_MAX_ORDER);
	mal_report_stats(&before);
	for (i = 0; i < nr; i++) {
		put_page(pages[i]);
		mal_free_pages(pages[i], MAL_MAX_ORDER);
	}
	mal_borrow_shrink(0);
	mal_report_stats(&after);
	KUNIT_EXPECT_GT(test, after.lost_reference, before.lost_reference);
	mal_page_validate(&checked);
	mal_report_stats(&after);
	KUNIT_EXPECT_EQ(test, after.lost_reference, before.lost_reference + nr);
	mal_account_settle(test);
}

static struct kunit_case mal_misuse_cases[] = {
	KUNIT_CASE(mal_test_double_free),
	KUNIT_CASE(mal_test_double_free_after_merge),
	KUNIT_CASE(mal_test_double_free_of_half_used_pair),
	KUNIT_CASE(mal_test_free_with_wrong_order),
	KUNIT_CASE(mal_test_free_of_inner_page),
	KUNIT_CASE(mal_test_free_of_foreign_page),
	KUNIT_CASE(mal_test_split_with_wrong_order),
	KUNIT_CASE(mal_test_free_of_null),
	KUNIT_CASE(mal_test_too_large_order),
	KUNIT_CASE(mal_test_lost_reference_is_restored),
	KUNIT_CASE(mal_test_many_lost_references),
	KUNIT_CASE(mal_test_lost_reference_is_reported_on_return),
	{}
};

struct kunit_suite mal_page_misuse_suite = {
	.name = "memalloc_page_misuse",
	.test_cases = mal_misuse_cases,
};
