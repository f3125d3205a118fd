// SPDX-License-Identifier: GPL-2.0
/*
 * Pages that are freed while still referenced
 *
 * Such a page is neither reused nor returned to the host until the last
 * reference is dropped. Then it can be both.
 */
#include <kunit/test.h>

#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/page_ref.h>
#include <linux/sched.h>

#include <memalloc/page_alloc.h>

#include "internal/borrow.h"
#include "internal/buddy.h"
#include "internal/pinned.h"
#include "internal/region.h"
#include "internal/report.h"

#include "memalloc_kunit.h"
#include "page_account.h"

#define MAL_PINNED_CAP	(4 * MAL_SECTION_PAGES)

static int mal_pinned_suite_init(struct kunit_suite *suite)
{
	return mal_account_cap(MAL_PINNED_CAP);
}

static void mal_pinned_suite_exit(struct kunit_suite *suite)
{
	mal_account_uncap();
}

static struct page *mal_pinned_alloc(struct kunit *test, unsigned int order)
{
	struct page *page = mal_alloc_pages(GFP_KERNEL, order);

	KUNIT_ASSERT_NOT_NULL(test, page);
	return page;
}

/**
 * struct mal_pins - referenced pages of a block
 * @pages: the pages
 * @nr: number of @pages
 */
struct mal_pins {
	struct page *pages[2];
	unsigned int nr;
};

/* Reference one page in each half of a block. */
static struct mal_pins mal_hold_two(struct page *page, unsigned int order)
{
	unsigned int half = (1U << order) / 2, i;
	struct mal_pins pins = { .nr = order ? 2 : 1 };

	pins.pages[0] = page + half / 3;
	pins.pages[1] = page + (1U << order) - 1 - half / 5;
	for (i = 0; i < pins.nr; i++)
		get_page(pins.pages[i]);
	return pins;
}

/*
 * Reference a page other than the first. The free of the block need not notice.
 */
static struct mal_pins mal_hold_inner(struct page *page, unsigned int order)
{
	struct mal_pins pins = { .pages = { page + (1U << order) / 2 }, .nr = 1 };

	get_page(pins.pages[0]);
	return pins;
}

static void mal_pins_put(const struct mal_pins *pins)
{
	unsigned int i;

	for (i = 0; i < pins->nr; i++)
		put_page(pins->pages[i]);
}

static bool mal_is_among(struct page *page, const struct mal_pins *pins)
{
	unsigned int i;

	for (i = 0; i < pins->nr; i++)
		if (pins->pages[i] == page)
			return true;
	return false;
}

/* Has a worker borrowed pages that are not in a zone yet? */
static bool mal_borrow_is_under_way(void)
{
	struct memalloc_stats_borrowing stats;
	struct mal_zone_sums sums;

	mal_borrow_stats(&stats);
	mal_zone_sums(&sums);
	return sums.pages < stats.borrowed;
}

static struct page *mal_take_one(void)
{
	struct page *page = mal_alloc_page(GFP_ATOMIC | __GFP_NOWARN);
	bool under_way = true;

	while (!page && under_way) {
		under_way = mal_borrow_is_under_way();
		page = mal_alloc_page(GFP_ATOMIC | __GFP_NOWARN);
		if (!page && under_way)
			schedule_timeout_uninterruptible(1);
	}
	return page;
}

/*
 * Allocate all pages that the cap allows. Expects that all borrowed pages but
 * @missing are among them. Sets @there if one of @pins is.
 */
static void mal_take_all(struct kunit *test, const struct mal_pins *pins,
			 unsigned long missing, bool *there)
{
	struct page **all = kunit_kcalloc(test, 2 * MAL_PINNED_CAP, sizeof(*all),
					  GFP_KERNEL);
	unsigned long i, nr = 0;

	KUNIT_ASSERT_NOT_NULL(test, all);
	*there = false;
	while (nr < 2 * MAL_PINNED_CAP) {
		all[nr] = mal_take_one();
		if (!all[nr])
			break;
		*there |= mal_is_among(all[nr], pins);
		nr++;
	}
	mal_account_expect_full(test, 0, nr + missing);
	for (i = 0; i < nr; i++)
		mal_free_page(all[i]);
	kunit_kfree(test, all);
}

static void mal_expect_out_of_use(struct kunit *test, const struct mal_pins *pins)
{
	struct memalloc_stats_borrowing stats;
	unsigned int i;
	bool there;

	mal_take_all(test, pins, pins->nr, &there);
	KUNIT_EXPECT_FALSE(test, there);
	mal_borrow_shrink(0);
	mal_borrow_stats(&stats);
	KUNIT_EXPECT_EQ(test, stats.borrowed, stats.reserve + pins->nr);
	KUNIT_EXPECT_EQ(test, stats.quarantined, (u64)pins->nr);
	for (i = 0; i < pins->nr; i++)
		KUNIT_EXPECT_EQ(test, page_ref_count(pins->pages[i]),
				MAL_PAGE_REFS + 1);
	mal_account_check(test, 0, pins->nr);
}

/* The pages are unused while they are referenced, and used again afterwards. */
static void mal_expect_to_wait(struct kunit *test, const struct mal_pins *pins)
{
	mal_expect_out_of_use(test, pins);
	mal_pins_put(pins);
	mal_account_settle(test);
}

static void mal_test_pinned_pages_wait(struct kunit *test)
{
	unsigned int order;

	for (order = 0; order <= MAL_MAX_ORDER; order++) {
		struct page *page = mal_pinned_alloc(test, order);
		u64 reports = mal_reports_total();
		struct mal_pins pins = mal_hold_two(page, order);

		mal_free_pages_shared(page, order);
		mal_expect_to_wait(test, &pins);
		KUNIT_EXPECT_EQ(test, mal_reports_total(), reports);
	}
}

/*
 * Free by the fast path. The list has room, because a block was just taken from
 * it.
 */
static void mal_free_fast(struct kunit *test, struct page *page, unsigned int order)
{
	struct page *room;

	mal_free_pages(mal_pinned_alloc(test, order), order);
	room = mal_pinned_alloc(test, order);
	mal_free_pages(page, order);
	mal_free_pages(room, order);
}

static void mal_test_pinned_first_page_waits(struct kunit *test)
{
	unsigned int order;

	for (order = 0; order <= MAL_MAX_ORDER; order++) {
		struct page *page = mal_pinned_alloc(test, order);
		struct mal_pins pins = { .pages = { page }, .nr = 1 };

		get_page(page);
		mal_free_fast(test, page, order);
		mal_expect_to_wait(test, &pins);
	}
}

/* The free does not check inner pages, but splitting the block does. */
static void mal_test_pinned_inner_page_is_found(struct kunit *test)
{
	unsigned int order;

	for (order = 1; order <= MAL_MAX_ORDER; order++) {
		struct page *page = mal_pinned_alloc(test, order);
		struct mal_pins pins = mal_hold_inner(page, order);

		mal_free_fast(test, page, order);
		mal_expect_to_wait(test, &pins);
	}
}

/* Returning the block to the host checks them, too. */
static void mal_test_pinned_inner_page_stays(struct kunit *test)
{
	struct memalloc_stats_borrowing stats;
	unsigned int order;

	for (order = 1; order <= MAL_MAX_ORDER; order++) {
		struct page *page = mal_pinned_alloc(test, order);
		struct mal_pins pins = mal_hold_inner(page, order);

		mal_free_fast(test, page, order);
		mal_borrow_shrink(0);
		mal_borrow_stats(&stats);
		KUNIT_EXPECT_EQ(test, stats.borrowed, stats.reserve + 1);
		mal_expect_to_wait(test, &pins);
	}
}

/* An allocation that runs out of memory finds released pages, too. */
static void mal_test_released_page_is_reused(struct kunit *test)
{
	struct page *page = mal_pinned_alloc(test, 0);
	struct mal_pins pins = { .pages = { page }, .nr = 1 };
	bool there;

	get_page(page);
	mal_free_page(page);
	mal_take_all(test, &pins, 1, &there);
	KUNIT_EXPECT_FALSE(test, there);
	put_page(page);
	mal_take_all(test, &pins, 0, &there);
	KUNIT_EXPECT_TRUE(test, there);
	mal_account_settle(test);
}

static void mal_test_double_free_of_pinned(struct kunit *test)
{
	struct page *page = mal_pinned_alloc(test, 0);
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

/* Pages that stay referenced do not hide released ones. */
static void mal_test_released_behind_many_pinned(struct kunit *test)
{
	struct page *page = mal_pinned_alloc(test, 9);
	unsigned int i;

	for (i = 0; i < 512; i++)
		get_page(page + i);
	mal_free_pages_shared(page, 9);
	mal_account_check(test, 0, 512);
	for (i = 0; i < 512; i += 256)
		put_page(page + i + 255);
	mal_borrow_shrink(0);
	mal_account_check(test, 0, 510);
	for (i = 0; i < 512; i++)
		if (i % 256 != 255)
			put_page(page + i);
	mal_account_settle(test);
}

/*
 * Part of a block not checked since its free goes to the host. The remaining
 * part is smaller than the freed block.
 */
static void mal_test_part_of_an_unseen_block(struct kunit *test)
{
	const unsigned int freed = 4, given = 3, wanted = 1;
	struct page *page = mal_alloc_pages(GFP_KERNEL, freed);

	KUNIT_ASSERT_NOT_NULL(test, page);
	mal_free_pages(page, freed);
	mal_borrow_shrink(1UL << given);
	page = mal_alloc_pages(GFP_KERNEL, wanted);
	KUNIT_ASSERT_NOT_NULL(test, page);
	KUNIT_EXPECT_TRUE(test, IS_ALIGNED(page_to_pfn(page), 1UL << wanted));
	mal_account_valid(test);
	mal_free_pages(page, wanted);
	mal_account_settle(test);
}

#define MAL_UNSEEN_ORDER	4

/* Take blocks of @order from a zone with @spare pages above its reserve. */
static void mal_look_beside_reserve(struct kunit *test, struct mal_zone *zone,
				    unsigned int order, unsigned long spare)
{
	unsigned long reserve = zone->reserve, left;
	unsigned long keep = zone->free_pages - spare;
	struct mal_page *unseen;
	struct mal_chain chain;

	WRITE_ONCE(zone->reserve, keep);
	mal_zone_take_chain(zone, order, 64, keep, &chain, &unseen);
	left = READ_ONCE(zone->free_pages);
	WRITE_ONCE(zone->reserve, reserve);
	KUNIT_ASSERT_NOT_NULL_MSG(test, unseen, "%u blocks of order %u", chain.nr, order);
	KUNIT_EXPECT_GE(test, unseen->order, order);
	KUNIT_EXPECT_GE_MSG(test, left, keep, "order %u, %lu pages above the reserve",
			    order, spare);
	mal_zone_give(zone, unseen, unseen->order, false);
}

/*
 * While a block is being checked, the reserve stays available to urgent
 * callers. All free blocks have been freed without a check.
 */
static void mal_test_look_leaves_the_reserve(struct kunit *test)
{
	struct page **pages = kunit_kcalloc(test, MAL_PINNED_CAP, sizeof(*pages),
					    GFP_KERNEL);
	unsigned long nr, rest;
	struct mal_zone *zone;
	unsigned int order;

	KUNIT_ASSERT_NOT_NULL(test, pages);
	nr = mal_account_take(pages, MAL_PINNED_CAP >> MAL_UNSEEN_ORDER,
			      MAL_UNSEEN_ORDER);
	KUNIT_ASSERT_GT(test, nr, 64UL);
	zone = mal_page_section(mal_page_of(pages[0]))->zone;
	rest = mal_account_take(pages + nr, MAL_PINNED_CAP - nr, 0);
	mal_account_put(pages, nr, MAL_UNSEEN_ORDER);
	mal_account_valid(test);
	for (order = 0; order < MAL_UNSEEN_ORDER; order++) {
		mal_look_beside_reserve(test, zone, order, 1UL << order);
		mal_look_beside_reserve(test, zone, order, (2UL << order) - 1);
		mal_look_beside_reserve(test, zone, order, 100);
	}
	mal_account_put(pages + nr, rest, 0);
	mal_account_settle(test);
}

/*
 * Free one half of a block as a whole and the other half in pieces. The free
 * parts merge.
 */
static void mal_free_in_two_orders(struct kunit *test, struct mal_pins *pins)
{
	struct page *pieces[8], *half;
	unsigned int i;

	KUNIT_ASSERT_EQ(test, mal_account_take(&half, 1, 4), 1UL);
	KUNIT_ASSERT_EQ(test, mal_account_take(pieces, ARRAY_SIZE(pieces), 1), 8UL);
	*pins = mal_hold_inner(half, 2);
	mal_free_pages(half, 4);
	for (i = 0; i < ARRAY_SIZE(pieces); i++)
		mal_free_pages(pieces[i], 1);
	mal_account_valid(test);
}

/*
 * A part freed as a whole is checked before it is split, even if it has merged
 * with checked parts.
 */
static void mal_test_unseen_parts_of_two_orders(struct kunit *test)
{
	struct page **pages = kunit_kcalloc(test, MAL_PINNED_CAP, sizeof(*pages),
					    GFP_KERNEL);
	struct page *pieces[16];
	unsigned long nr, rest, i, got;
	struct mal_pins pins;

	KUNIT_ASSERT_NOT_NULL(test, pages);
	nr = mal_account_take(pages, MAL_PINNED_CAP >> 5, 5);
	KUNIT_ASSERT_GT(test, nr, 0UL);
	rest = mal_account_take(pages + nr, MAL_PINNED_CAP - nr, 0);
	mal_free_pages(pages[--nr], 5);
	mal_account_valid(test);
	mal_free_in_two_orders(test, &pins);
	got = mal_account_take(pieces, ARRAY_SIZE(pieces), 1);
	for (i = 0; i < got; i++)
		KUNIT_EXPECT_FALSE_MSG(test, pieces[i] == pins.pages[0],
				       "allocated while still referenced");
	KUNIT_EXPECT_EQ(test, got, 15UL);
	mal_account_put(pieces, got, 1);
	mal_pins_put(&pins);
	mal_account_put(pages, nr, 5);
	mal_account_put(pages + nr + 1, rest, 0);
	mal_account_settle(test);
}

#define MAL_FED_ROUNDS	50

/* Keep freeing pages that are referenced, and drop the references at once. */
static int mal_feeder_run(void *unused)
{
	while (!kthread_should_stop()) {
		struct page *page = mal_alloc_page(GFP_KERNEL | __GFP_NOWARN);

		if (page) {
			get_page(page);
			mal_free_page(page);
			put_page(page);
		}
		cond_resched();
	}
	return 0;
}

/* Returns the most pages freed by one sweep while pages are being added. */
static unsigned long mal_sweep_fed(struct kunit *test)
{
	struct task_struct *feeder = kthread_run(mal_feeder_run, NULL, "mal_feeder");
	unsigned long most = 0;
	unsigned int i;

	KUNIT_EXPECT_FALSE(test, IS_ERR(feeder));
	if (IS_ERR(feeder))
		return 0;
	for (i = 0; i < MAL_FED_ROUNDS; i++) {
		most = max(most, mal_pinned_sweep_all());
		schedule_timeout_uninterruptible(1);
	}
	kthread_stop(feeder);
	return most;
}

/*
 * A sweep ends although pages are being added. It frees no more pages than the
 * lists could contain when the sweep began: the cap minus the pages that stay
 * referenced.
 */
static void mal_test_sweep_is_not_fed(struct kunit *test)
{
	struct page *page = mal_pinned_alloc(test, MAL_MAX_ORDER);
	unsigned int i;

	for (i = 0; i < MAL_SECTION_PAGES; i++)
		get_page(page + i);
	mal_free_pages_shared(page, MAL_MAX_ORDER);
	KUNIT_EXPECT_LE(test, mal_sweep_fed(test),
			MAL_PINNED_CAP - MAL_SECTION_PAGES);
	for (i = 0; i < MAL_SECTION_PAGES; i++)
		put_page(page + i);
	mal_account_settle(test);
}

static u64 mal_nr_pinned(void)
{
	struct memalloc_stats_borrowing stats;

	mal_borrow_stats(&stats);
	return stats.quarantined;
}

/* Wait until @nr freed pages are pinned, without causing memory pressure. */
static bool mal_wait_for_pinned(u64 nr, unsigned long timeout)
{
	unsigned long end = jiffies + timeout;

	while (mal_nr_pinned() != nr && time_before(jiffies, end))
		schedule_timeout_uninterruptible(1);
	return mal_nr_pinned() == nr;
}

/* Time in which a page is free again that was referenced for a moment. */
#define MAL_PROMPT		(HZ / 8)
#define MAL_PROMPT_ROUNDS	50
#define MAL_PROMPT_IN_A_ROW	5

/* Time after which a test fails that waits for a worker, on any machine. */
#define MAL_LONG		(30 * HZ)

/*
 * No allocation and no other free happens meanwhile. The machine may be busy,
 * so some consecutive rounds must be prompt, not all. If a worker looked once
 * per second, no two consecutive rounds would be.
 */
static void mal_test_released_page_is_free_promptly(struct kunit *test)
{
	unsigned int i, in_a_row = 0;

	for (i = 0; i < MAL_PROMPT_ROUNDS && in_a_row < MAL_PROMPT_IN_A_ROW; i++) {
		struct page *page = mal_pinned_alloc(test, 0);

		get_page(page);
		mal_free_page(page);
		KUNIT_EXPECT_EQ(test, mal_nr_pinned(), 1ULL);
		put_page(page);
		if (mal_wait_for_pinned(0, MAL_PROMPT))
			in_a_row++;
		else
			in_a_row = 0;
		KUNIT_EXPECT_TRUE(test, mal_wait_for_pinned(0, MAL_LONG));
	}
	KUNIT_EXPECT_EQ_MSG(test, in_a_row, MAL_PROMPT_IN_A_ROW,
			    "not free in %d ms, in %u rounds",
			    jiffies_to_msecs(MAL_PROMPT), i);
	mal_account_settle(test);
}

/* Free a block with a reference to it. Returns whether it waits as a whole. */
static bool mal_waits_as_a_whole(struct kunit *test)
{
	struct page *page = mal_pinned_alloc(test, 3);
	struct mal_page *desc = mal_page_of(page);
	bool whole;
	unsigned int i;

	get_page(page);
	preempt_disable();
	mal_free_pages(page, 3);
	whole = mal_nr_pinned() == 8 && mal_page_is(desc, MAL_PAGE_PINNED, 3);
	for (i = 1; i < 8; i++)
		whole &= READ_ONCE(desc[i].state) == MAL_PAGE_TAIL;
	preempt_enable();
	put_page(page);
	mal_account_settle(test);
	return whole;
}

/*
 * A block is not split by the free if the reference is dropped soon. On a busy
 * machine, a worker on another CPU may split it before this one looks.
 */
static void mal_test_block_waits_as_a_whole(struct kunit *test)
{
	unsigned int i;
	bool whole = false;

	for (i = 0; i < MAL_PROMPT_ROUNDS && !whole; i++)
		whole = mal_waits_as_a_whole(test);
	KUNIT_EXPECT_TRUE(test, whole);
}

/* A block of which a page stays referenced is split in the end. */
static void mal_test_old_block_is_split(struct kunit *test)
{
	struct page *page = mal_pinned_alloc(test, 3);

	get_page(page);
	mal_free_pages(page, 3);
	KUNIT_EXPECT_TRUE(test, mal_wait_for_pinned(1, MAL_LONG));
	put_page(page);
	KUNIT_EXPECT_TRUE(test, mal_wait_for_pinned(0, MAL_LONG));
	mal_account_settle(test);
}

/* A reference to an inner page is found when the first page has none. */
static void mal_test_waiting_block_has_inner_reference(struct kunit *test)
{
	struct page *page = mal_pinned_alloc(test, 3);
	struct mal_pins pins = mal_hold_inner(page, 3);

	get_page(page);
	mal_free_pages(page, 3);
	put_page(page);
	KUNIT_EXPECT_TRUE(test, mal_wait_for_pinned(1, MAL_LONG));
	mal_expect_to_wait(test, &pins);
}

/* Blocks that are allocated, referenced and freed; references dropped late. */
#define MAL_FLOW_BLOCKS		2000
#define MAL_FLOW_LATE		4
#define MAL_FLOW_ORDER		3

/* Returns the most pinned pages. */
static u64 mal_flow(struct kunit *test)
{
	struct page *pins[MAL_FLOW_LATE] = { };
	u64 most = 0;
	unsigned int i;

	for (i = 0; i < MAL_FLOW_BLOCKS; i++) {
		struct page **slot = &pins[i % MAL_FLOW_LATE];

		if (*slot)
			put_page(*slot);
		*slot = mal_pinned_alloc(test, MAL_FLOW_ORDER);
		get_page(*slot);
		mal_free_pages(*slot, MAL_FLOW_ORDER);
		most = max(most, mal_nr_pinned());
	}
	for (i = 0; i < MAL_FLOW_LATE; i++)
		put_page(pins[i]);
	return most;
}

/* A flow of blocks is reused, although no memory pressure makes it so. */
static void mal_test_flow_is_reused(struct kunit *test)
{
	KUNIT_EXPECT_LE(test, mal_flow(test),
			(u64)4 * (MAL_FLOW_LATE << MAL_FLOW_ORDER));
	KUNIT_EXPECT_TRUE(test, mal_wait_for_pinned(0, MAL_LONG));
	mal_account_settle(test);
}

static struct kunit_case mal_pinned_cases[] = {
	KUNIT_CASE(mal_test_pinned_pages_wait),
	KUNIT_CASE(mal_test_pinned_first_page_waits),
	KUNIT_CASE(mal_test_pinned_inner_page_is_found),
	KUNIT_CASE(mal_test_pinned_inner_page_stays),
	KUNIT_CASE(mal_test_released_page_is_reused),
	KUNIT_CASE(mal_test_double_free_of_pinned),
	KUNIT_CASE(mal_test_released_behind_many_pinned),
	KUNIT_CASE(mal_test_part_of_an_unseen_block),
	KUNIT_CASE(mal_test_look_leaves_the_reserve),
	KUNIT_CASE(mal_test_unseen_parts_of_two_orders),
	KUNIT_CASE(mal_test_sweep_is_not_fed),
	KUNIT_CASE(mal_test_released_page_is_free_promptly),
	KUNIT_CASE(mal_test_block_waits_as_a_whole),
	KUNIT_CASE(mal_test_waiting_block_has_inner_reference),
	KUNIT_CASE(mal_test_flow_is_reused),
	KUNIT_CASE_SLOW(mal_test_old_block_is_split),
	{}
};

struct kunit_suite mal_pinned_suite = {
	.name = "memalloc_pinned",
	.suite_init = mal_pinned_suite_init,
	.suite_exit = mal_pinned_suite_exit,
	.test_cases = mal_pinned_cases,
};
