// SPDX-License-Identifier: GPL-2.0
/*
 * Consistency checks of the page allocator's statistics
 *
 * Context: task, while the allocator is otherwise idle.
 */
#include <linux/sched.h>
#include <linux/string.h>

#include <memalloc/page_alloc.h>

#include "internal/borrow.h"
#include "internal/node.h"
#include "internal/region.h"
#include "internal/report.h"

#include "page_account.h"
#include "unit_test.h"

static unsigned long mal_account_old_cap;
static struct memalloc_stats_borrowing mal_account_first;

/**
 * mal_zone_sums() - add up the statistics of all zones
 * @sums: filled in
 *
 * Context: task.
 */
void mal_zone_sums(struct mal_zone_sums *sums)
{
	struct memalloc_stats_zone zone;
	unsigned int nr, i;

	memset(sums, 0, sizeof(*sums));
	for (nr = 0; mal_zone_stats(nr, &zone); nr++) {
		sums->pages += zone.pages;
		sums->free += zone.free;
		for (i = 0; i < MEMALLOC_NR_ORDERS; i++) {
			sums->free_blocks[i] += zone.free_blocks[i] +
						zone.pcp_blocks[i];
			sums->allocs[i] += zone.allocs[i];
			sums->frees[i] += zone.frees[i];
			sums->failures[i] += zone.failures[i];
		}
	}
}

/**
 * mal_reports_total() - number of reports of all kinds
 *
 * Context: task.
 * Return: the number of reports since the module was loaded.
 */
u64 mal_reports_total(void)
{
	struct memalloc_stats_reports reports;

	mal_report_stats(&reports);
	return reports.double_free + reports.foreign_free + reports.wrong_free +
	       reports.lost_reference + reports.corruption +
	       reports.use_after_free + reports.overflow;
}

/**
 * mal_account_valid() - expect that every invariant holds
 * @test: the test
 *
 * Context: task; may be called while the allocator is in use.
 */
void mal_account_valid(struct kunit *test)
{
	u64 checked = 0;

	KUNIT_EXPECT_EQ(test, mal_page_validate(&checked), 0ULL);
}

/*
 * The figures are not read atomically, and a worker may be refilling the
 * reserve.
 */
#define MAL_ACCOUNT_TRIES	200

/**
 * struct mal_account - snapshot of the statistics
 * @stats: borrowing statistics
 * @sums: sums over all zones
 * @in_blocks: pages in the free blocks of all orders
 */
struct mal_account {
	struct memalloc_stats_borrowing stats;
	struct mal_zone_sums sums;
	u64 in_blocks;
};

static void mal_account_read(struct mal_account *account)
{
	unsigned int i;

	mal_borrow_stats(&account->stats);
	mal_zone_sums(&account->sums);
	account->in_blocks = 0;
	for (i = 0; i < MEMALLOC_NR_ORDERS; i++)
		account->in_blocks += account->sums.free_blocks[i] << i;
}

static bool mal_account_agrees(const struct mal_account *account, u64 held)
{
	const struct memalloc_stats_borrowing *stats = &account->stats;

	return stats->free + held + stats->quarantined == stats->borrowed &&
	       stats->borrowed_total - stats->returned_total == stats->borrowed &&
	       account->sums.pages == stats->borrowed &&
	       account->sums.free == stats->free &&
	       account->in_blocks == stats->free;
}

/* Returns the number of freed pages that are pinned. */
static u64 mal_account_expect(struct kunit *test, u64 held)
{
	struct mal_account account;
	const struct memalloc_stats_borrowing *stats = &account.stats;
	int tries = MAL_ACCOUNT_TRIES;

	mal_account_read(&account);
	while (!mal_account_agrees(&account, held) && tries--) {
		schedule_timeout_uninterruptible(1);
		mal_account_read(&account);
	}
	KUNIT_EXPECT_EQ(test, stats->free + held + stats->quarantined,
			stats->borrowed);
	KUNIT_EXPECT_EQ(test, stats->borrowed_total - stats->returned_total,
			stats->borrowed);
	KUNIT_EXPECT_EQ(test, account.sums.pages, stats->borrowed);
	KUNIT_EXPECT_EQ(test, account.sums.free, stats->free);
	KUNIT_EXPECT_EQ(test, account.in_blocks, stats->free);
	return stats->quarantined;
}

/**
 * mal_account_check() - expect that the allocator is valid and its statistics
 * agree
 * @test: the test
 * @held: allocated pages
 * @quarantined: freed pages that are still referenced
 *
 * Context: task; sleeps.
 */
void mal_account_check(struct kunit *test, u64 held, u64 quarantined)
{
	/*
	 * Check before and after mal_account_valid() drains the per-CPU lists.
	 */
	mal_account_expect(test, held);
	mal_account_valid(test);
	KUNIT_EXPECT_EQ(test, mal_account_expect(test, held), quarantined);
}

/**
 * mal_account_settle() - return all memory, and expect that only the reserve is
 * left
 * @test: the test; it must not hold any page
 *
 * Context: task; sleeps.
 */
void mal_account_settle(struct kunit *test)
{
	struct memalloc_stats_borrowing stats;
	int tries = MAL_ACCOUNT_TRIES;

	mal_borrow_shrink(0);
	mal_account_check(test, 0, 0);
	mal_borrow_stats(&stats);
	while (stats.borrowed != stats.reserve && tries--) {
		schedule_timeout_uninterruptible(1);
		mal_borrow_shrink(0);
		mal_borrow_stats(&stats);
	}
	KUNIT_EXPECT_EQ(test, stats.borrowed, stats.reserve);
}

/* Pages of metadata while @pages pages are borrowed, all in whole sections. */
static unsigned long mal_account_metadata(const struct memalloc_stats_borrowing *stats,
					  unsigned long pages)
{
	return (stats->metadata_bytes >> PAGE_SHIFT) +
	       DIV_ROUND_UP(pages - stats->borrowed, MAL_SECTION_PAGES) *
	       MAL_ACCOUNT_SECTION;
}

/**
 * mal_account_recap() - change the cap after mal_account_cap()
 * @pages: as for mal_account_cap()
 *
 * Context: task.
 */
void mal_account_recap(unsigned long pages)
{
	mal_borrow_set_cap(pages + mal_account_metadata(&mal_account_first, pages));
}

/**
 * mal_account_cap() - set the cap until mal_account_uncap()
 * @pages: pages that may be borrowed, including those that are borrowed now,
 *	if the host lends whole sections; the cap is larger by the metadata
 *
 * Context: task.
 * Return: 0, or -EBUSY if more is borrowed even after all free memory has been
 * returned.
 */
int mal_account_cap(unsigned long pages)
{
	struct memalloc_stats_borrowing stats;

	mal_borrow_shrink(0);
	mal_borrow_stats(&stats);
	if (stats.borrowed > pages)
		return -EBUSY;
	mal_account_old_cap = stats.cap;
	mal_account_first = stats;
	mal_account_recap(pages);
	return 0;
}

/**
 * mal_account_expect_full() - expect that the cap is the reason for a refusal
 * @test: the test
 * @order: order of the block that was refused
 * @held: pages allocated, which are all that are borrowed
 *
 * The block may lie in a section without descriptors. These must fit, too.
 *
 * Context: task.
 */
void mal_account_expect_full(struct kunit *test, unsigned int order, u64 held)
{
	struct memalloc_stats_borrowing stats;
	u64 taken;

	mal_borrow_stats(&stats);
	taken = mal_account_taken(&stats);
	KUNIT_EXPECT_EQ(test, stats.borrowed, held);
	KUNIT_EXPECT_TRUE_MSG(test, taken <= stats.cap &&
			      stats.cap < taken + MAL_ACCOUNT_SECTION + (1ULL << order),
			      "%llu pages taken, order %u refused, the cap is %llu",
			      taken, order, stats.cap);
}

/**
 * mal_account_uncap() - restore the previous cap
 *
 * Context: task.
 */
void mal_account_uncap(void)
{
	mal_borrow_set_cap(mal_account_old_cap);
}

/**
 * mal_account_take() - allocate blocks until there are no more
 * @pages: the blocks
 * @most: the most blocks to allocate
 * @order: their order
 *
 * Context: task; sleeps.
 * Return: the number of blocks.
 */
unsigned long mal_account_take(struct page **pages, unsigned long most,
			       unsigned int order)
{
	unsigned long nr;

	for (nr = 0; nr < most; nr++) {
		pages[nr] = mal_alloc_pages(GFP_KERNEL | __GFP_HIGH | __GFP_NOWARN, order);
		if (!pages[nr])
			break;
	}
	return nr;
}

/**
 * mal_account_put() - free what mal_account_take() has allocated
 * @pages: the blocks
 * @nr: their number
 * @order: their order
 *
 * Context: task.
 */
void mal_account_put(struct page **pages, unsigned long nr, unsigned int order)
{
	while (nr--)
		mal_free_pages(pages[nr], order);
}
