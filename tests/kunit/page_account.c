// SPDX-License-Identifier: GPL-2.0
/*
 * Do all figures of the page allocator agree, with each other and with what is
 * known of its users?
 *
 * Context: task, while nobody uses the allocator.
 */
#include <linux/sched.h>
#include <linux/string.h>

#include "internal/loan.h"
#include "internal/node.h"
#include "internal/region.h"
#include "internal/report.h"

#include "page_account.h"
#include "unit_test.h"

static unsigned long mal_account_old_cap;

/**
 * mal_zone_sums() - add up the figures of all zones
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
 * mal_reports_total() - how many reports there were, of any kind
 *
 * Context: task.
 * Return: a number.
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

/* A worker may be refilling the reserve: no look at all of it is at one time. */
#define MAL_ACCOUNT_TRIES	200

/**
 * struct mal_account - all figures, one after the other
 * @stats: of borrowing
 * @sums: of the zones
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

	mal_borrowing_stats(&account->stats);
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

/* Returns the pages in quarantine. */
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
 * mal_account_check() - expect that all is valid and all figures agree
 * @test: the test
 * @held: pages that are allocated
 * @quarantined: pages that are freed and somebody still holds
 *
 * Context: task; sleeps.
 */
void mal_account_check(struct kunit *test, u64 held, u64 quarantined)
{
	/* With what the CPUs keep on their lists, and after these were drained. */
	mal_account_expect(test, held);
	mal_account_valid(test);
	KUNIT_EXPECT_EQ(test, mal_account_expect(test, held), quarantined);
}

/**
 * mal_account_settle() - give all back, and expect that just the reserve stays
 * @test: the test; it holds nothing any more
 *
 * Context: task; sleeps.
 */
void mal_account_settle(struct kunit *test)
{
	struct memalloc_stats_borrowing stats;
	int tries = MAL_ACCOUNT_TRIES;

	mal_loan_shrink(0);
	mal_account_check(test, 0, 0);
	mal_borrowing_stats(&stats);
	while (stats.borrowed != stats.reserve && tries--) {
		schedule_timeout_uninterruptible(1);
		mal_loan_shrink(0);
		mal_borrowing_stats(&stats);
	}
	KUNIT_EXPECT_EQ(test, stats.borrowed, stats.reserve);
}

/**
 * mal_account_cap() - allow so many pages until mal_account_uncap()
 * @pages: the cap
 *
 * Context: task.
 * Return: 0, or -EBUSY if more than that is borrowed even when all is given
 * back that can be.
 */
int mal_account_cap(unsigned long pages)
{
	struct memalloc_stats_borrowing stats;

	mal_loan_shrink(0);
	mal_borrowing_stats(&stats);
	if (stats.borrowed > pages)
		return -EBUSY;
	mal_account_old_cap = stats.cap;
	mal_loan_set_cap(pages);
	return 0;
}

/**
 * mal_account_uncap() - allow again what was allowed before
 *
 * Context: task.
 */
void mal_account_uncap(void)
{
	mal_loan_set_cap(mal_account_old_cap);
}
