// SPDX-License-Identifier: GPL-2.0
/*
 * Page poisoning: writes to free pages are detected
 *
 * Needs the module loaded with page_poison=1; skipped otherwise.
 */
#include <kunit/test.h>
#include <linux/kasan.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include <memalloc/page_alloc.h>
#include <uapi/linux/memalloc.h>

#include "internal/borrow.h"
#include "internal/page_poison.h"
#include "internal/report.h"
#include "memalloc_kunit.h"

/* More than one borrowed block, so that the freed page is allocated again. */
#define MAL_POISON_PAGES	4096UL

static u64 mal_poison_reports(void)
{
	struct memalloc_stats_reports reports;

	mal_report_stats(&reports);
	return reports.use_after_free;
}

static unsigned long mal_poison_hold(struct page **pages)
{
	unsigned long nr = 0;

	while (nr < MAL_POISON_PAGES) {
		pages[nr] = mal_alloc_page(GFP_KERNEL | __GFP_NOWARN);
		if (!pages[nr])
			break;
		nr++;
	}
	return nr;
}

static void mal_poison_free(struct page **pages, unsigned long nr)
{
	while (nr)
		mal_free_page(pages[--nr]);
}

static bool mal_poison_holds(struct page **pages, unsigned long nr,
			     const struct page *page)
{
	unsigned long i;

	for (i = 0; i < nr; i++)
		if (pages[i] == page)
			return true;
	return false;
}

static struct page **mal_poison_pages(struct kunit *test)
{
	struct page **pages;

	if (!mal_page_poison_wanted())
		kunit_skip(test, "loaded without page_poison=1");
	pages = kunit_kcalloc(test, MAL_POISON_PAGES, sizeof(*pages), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, pages);
	return pages;
}

static void mal_test_clean_pages_are_not_reported(struct kunit *test)
{
	struct page **pages = mal_poison_pages(test);
	u64 before = mal_poison_reports();
	unsigned int round;
	unsigned long nr, i;

	for (round = 0; round < 3; round++) {
		nr = mal_poison_hold(pages);
		for (i = 0; i < nr; i++)
			memset(page_address(pages[i]), i, PAGE_SIZE);
		mal_poison_free(pages, nr);
	}
	KUNIT_EXPECT_EQ(test, mal_poison_reports(), before);
}

static void mal_test_page_written_to_is_reported_and_kept(struct kunit *test)
{
	struct page **pages = mal_poison_pages(test);
	unsigned long offset = mal_test_seed(test) % PAGE_SIZE;
	u64 before = mal_poison_reports(), checked = 0;
	struct page *page;
	unsigned long nr;

	page = mal_alloc_page(GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, page);
	mal_free_page(page);
	/* KASAN must not report this write; page poisoning has to detect it. */
	kasan_disable_current();
	((u8 *)page_address(page))[offset] ^= 1;
	kasan_enable_current();
	nr = mal_poison_hold(pages);
	KUNIT_EXPECT_EQ(test, mal_poison_reports(), before + 1);
	KUNIT_EXPECT_FALSE(test, mal_poison_holds(pages, nr, page));
	mal_poison_free(pages, nr);
	KUNIT_EXPECT_EQ(test, mal_page_validate(&checked), 0ULL);
}

static struct kunit_case mal_poison_cases[] = {
	KUNIT_CASE(mal_test_clean_pages_are_not_reported),
	KUNIT_CASE(mal_test_page_written_to_is_reported_and_kept),
	{}
};

struct kunit_suite mal_page_poison_suite = {
	.name = "memalloc_page_poison",
	.test_cases = mal_poison_cases,
};
