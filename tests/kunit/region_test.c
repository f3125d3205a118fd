// SPDX-License-Identifier: GPL-2.0
/*
 * Regions: requests to the host, the peak, and sections that come and go
 *
 * The tests call mal_alloc_page() after all free pages were returned, so that
 * it borrows.
 */
#include <kunit/test.h>

#include <linux/cpumask.h>
#include <linux/err.h>
#include <linux/gfp.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/sched/mm.h>

#include <memalloc/page_alloc.h>

#include "internal/borrow.h"
#include "internal/inject.h"
#include "internal/region.h"

#include "host_event.h"
#include "memalloc_kunit.h"
#include "page_account.h"

/*
 * Requests to the host
 */

/**
 * struct mal_requests - requests to the host for blocks of several pages
 * @task: the task that makes them
 * @nr: number of requests
 * @reclaiming: number of those that allow direct reclaim
 * @draining: number of those that do not forbid the use of reserves
 */
struct mal_requests {
	struct task_struct *task;
	unsigned int nr;
	unsigned int reclaiming;
	unsigned int draining;
};

/* The host's own slabs are compound pages, and descriptors are zeroed. */
static void mal_requests_probe(void *data, struct page *page, unsigned int order,
			       gfp_t gfp, int migratetype)
{
	struct mal_requests *requests = data;

	if (!in_task() || current != requests->task || !order ||
	    gfp & (__GFP_COMP | __GFP_ZERO))
		return;
	requests->nr++;
	requests->reclaiming += !!(gfp & __GFP_DIRECT_RECLAIM);
	requests->draining += !(gfp & __GFP_NOMEMALLOC);
}

/*
 * A task in reclaim may use the reserves of the host (PF_MEMALLOC). It does so
 * for the page that it needs, and not for the rest of a larger block.
 */
static void mal_test_large_blocks_take_no_reserves(struct kunit *test)
{
	struct mal_requests requests = { .task = current };
	struct tracepoint *event;
	unsigned int saved;
	struct page *page;

	event = mal_host_event_attach("mm_page_alloc", mal_requests_probe, &requests);
	if (!event)
		kunit_skip(test, "the kernel has no tracepoint mm_page_alloc");
	mal_borrow_shrink(0);
	saved = memalloc_noreclaim_save();
	page = mal_alloc_page(GFP_KERNEL);
	memalloc_noreclaim_restore(saved);
	mal_host_event_detach(event, mal_requests_probe, &requests);
	KUNIT_EXPECT_NOT_NULL(test, page);
	KUNIT_EXPECT_GT(test, requests.nr, 0U);
	KUNIT_EXPECT_EQ(test, requests.reclaiming, 0U);
	KUNIT_EXPECT_EQ(test, requests.draining, 0U);
	mal_free_pages(page, 0);
	mal_account_settle(test);
}

/*
 * The peak
 */

#define MAL_PEAK_MORE		(8 * MAL_SECTION_PAGES)
#define MAL_PEAK_TRIES		200

/* Smaller than the largest block, which is requested first. */
#define MAL_PEAK_ORDER		(MAL_MAX_ORDER - 1)

/**
 * struct mal_peak_hoard - blocks allocated to reach a new peak
 * @pages: their first pages
 * @nr: number of @pages
 * @most: length of @pages
 */
struct mal_peak_hoard {
	struct page **pages;
	unsigned long nr;
	unsigned long most;
};

static bool mal_peak_take(struct mal_peak_hoard *hoard)
{
	struct page *page = NULL;

	if (hoard->nr < hoard->most)
		page = mal_alloc_pages(GFP_KERNEL | __GFP_NOWARN, MAL_PEAK_ORDER);
	if (page)
		hoard->pages[hoard->nr++] = page;
	return page;
}

/*
 * While nothing is returned, the peak is what is borrowed now. A worker may be
 * refilling the reserve.
 */
static void mal_peak_expect_now(struct kunit *test, const char *when)
{
	struct memalloc_stats_borrowing stats;
	int tries = MAL_PEAK_TRIES;

	mal_borrow_stats(&stats);
	while (stats.peak != stats.borrowed && tries--) {
		schedule_timeout_uninterruptible(1);
		mal_borrow_stats(&stats);
	}
	KUNIT_EXPECT_EQ_MSG(test, stats.peak, stats.borrowed, "%s", when);
}

/*
 * Allocate until one of the requests to the host has been refused. A worker
 * that refills the reserve may be ahead of each request.
 */
static void mal_peak_refuse(struct mal_peak_hoard *hoard)
{
	struct mal_inject_scope scope;
	struct mal_inject inject;
	bool room = true, hit = false;

	mal_inject_init(&inject);
	while (room && !hit) {
		/* The first one is the allocation itself. */
		mal_inject_arm(&inject, 2);
		mal_inject_enter(&scope, &inject);
		room = mal_peak_take(hoard);
		mal_inject_leave(&scope);
		hit = !mal_inject_arm(&inject, 0);
	}
	mal_inject_destroy(&inject);
}

/* A refused request does not count for the peak, which is exact otherwise. */
static void mal_test_peak_is_exact(struct kunit *test)
{
	struct memalloc_stats_borrowing stats;
	struct mal_peak_hoard hoard = { };
	unsigned long most;
	u64 peak;

	mal_borrow_stats(&stats);
	most = stats.peak + MAL_PEAK_MORE;
	hoard.most = most >> MAL_PEAK_ORDER;
	hoard.pages = kunit_kcalloc(test, hoard.most, sizeof(*hoard.pages), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, hoard.pages);
	KUNIT_ASSERT_EQ(test, mal_account_cap(most), 0);
	do {
		mal_borrow_stats(&stats);
	} while (stats.borrowed < stats.peak && mal_peak_take(&hoard));
	mal_peak_expect_now(test, "at the old peak");
	mal_peak_refuse(&hoard);
	mal_peak_expect_now(test, "after the host refused a block");
	while (mal_peak_take(&hoard))
		;
	mal_peak_expect_now(test, "after the cap refused a block");
	mal_borrow_stats(&stats);
	mal_account_put(hoard.pages, hoard.nr, MAL_PEAK_ORDER);
	mal_account_settle(test);
	mal_account_uncap();
	peak = stats.peak;
	mal_borrow_stats(&stats);
	KUNIT_EXPECT_EQ(test, stats.peak, peak);
}

/*
 * Sections
 */

/* The host has free blocks of this order, not of a larger one, in a section. */
#define MAL_SHARED_ORDER	5
#define MAL_SHARED_BLOCKS	64
#define MAL_SHARED_ROUNDS	300
#define MAL_SHARED_CAP		(8 * MAL_SECTION_PAGES)	/* more than any reserve */

/**
 * struct mal_sharer - a task that borrows a page and returns it
 * @task: the task, on a CPU of its own, or NULL
 * @failed: number of allocations that failed
 */
struct mal_sharer {
	struct task_struct *task;
	unsigned int failed;
};

/* Pages of the other CPU are returned, too, as soon as they are free. */
static void mal_sharer_run(struct mal_sharer *sharer)
{
	struct page *page;
	unsigned int i;

	for (i = 0; i < MAL_SHARED_ROUNDS; i++) {
		page = mal_alloc_page(GFP_KERNEL | __GFP_NOWARN);
		if (page)
			mal_free_page(page);
		else
			sharer->failed++;
		mal_borrow_shrink(0);
		cond_resched();
	}
}

static int mal_sharer_thread(void *data)
{
	mal_sharer_run(data);
	while (!kthread_should_stop())
		schedule_timeout_interruptible(1);
	return 0;
}

/* The cap allows a block of the order, and half of it for the other CPU. */
static void mal_shared_cap(void)
{
	struct memalloc_stats_borrowing stats;

	mal_borrow_stats(&stats);
	mal_borrow_set_cap(mal_account_taken(&stats) + (1UL << MAL_SHARED_ORDER) +
			   (1UL << MAL_SHARED_ORDER) / 2 + 2 * MAL_ACCOUNT_SECTION);
}

/*
 * Leave every second block free, so that the host lends these first: it splits
 * the smallest block that is large enough.
 */
static void mal_shared_blocks(struct page **blocks)
{
	unsigned int i;

	for (i = 0; i < MAL_SHARED_BLOCKS; i++)
		blocks[i] = alloc_pages(GFP_KERNEL, MAL_SHARED_ORDER);
	for (i = 0; i < MAL_SHARED_BLOCKS; i++) {
		if (!blocks[i] || page_to_pfn(blocks[i]) >> MAL_SHARED_ORDER & 1)
			continue;
		__free_pages(blocks[i], MAL_SHARED_ORDER);
		blocks[i] = NULL;
	}
}

static void mal_shared_blocks_free(struct page **blocks)
{
	unsigned int i;

	for (i = 0; i < MAL_SHARED_BLOCKS; i++)
		if (blocks[i])
			__free_pages(blocks[i], MAL_SHARED_ORDER);
}

/*
 * Two CPUs borrow pages of a few sections and return them. Each page may be the
 * last one of its section, and the other CPU borrows another page of that
 * section at the same time.
 */
static void mal_test_last_page_leaves_while_another_comes(struct kunit *test)
{
	unsigned int here = raw_smp_processor_id();
	struct memalloc_stats_borrowing before, after;
	struct mal_sharer sharers[2] = { };
	struct page **blocks;
	u64 reports = mal_reports_total();

	if (num_online_cpus() < 2)
		kunit_skip(test, "needs two CPUs");
	blocks = kunit_kcalloc(test, MAL_SHARED_BLOCKS, sizeof(*blocks), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, blocks);
	KUNIT_ASSERT_EQ(test, mal_account_cap(MAL_SHARED_CAP), 0);
	mal_shared_cap();
	mal_shared_blocks(blocks);
	mal_borrow_stats(&before);
	sharers[1].task = kthread_create(mal_sharer_thread, &sharers[1], "memalloc_test");
	KUNIT_EXPECT_FALSE(test, IS_ERR(sharers[1].task));
	set_cpus_allowed_ptr(current, cpumask_of(here));
	if (!IS_ERR(sharers[1].task)) {
		kthread_bind(sharers[1].task, cpumask_any_but(cpu_online_mask, here));
		wake_up_process(sharers[1].task);
		mal_sharer_run(&sharers[0]);
		kthread_stop(sharers[1].task);
	}
	set_cpus_allowed_ptr(current, cpu_possible_mask);
	mal_borrow_stats(&after);
	mal_shared_blocks_free(blocks);
	mal_account_uncap();
	kunit_info(test, "%llu pages borrowed, %u and %u of %u allocations failed",
		   after.borrowed_total - before.borrowed_total, sharers[0].failed,
		   sharers[1].failed, MAL_SHARED_ROUNDS);
	KUNIT_EXPECT_GT(test, after.borrowed_total, before.borrowed_total);
	KUNIT_EXPECT_EQ(test, mal_reports_total(), reports);
	mal_account_settle(test);
}

static struct kunit_case mal_region_cases[] = {
	KUNIT_CASE(mal_test_large_blocks_take_no_reserves),
	KUNIT_CASE(mal_test_peak_is_exact),
	KUNIT_CASE_SLOW(mal_test_last_page_leaves_while_another_comes),
	{}
};

struct kunit_suite mal_region_suite = {
	.name = "memalloc_region",
	.test_cases = mal_region_cases,
};
