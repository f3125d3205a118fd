// SPDX-License-Identifier: GPL-2.0
/*
 * GFP flags of page allocations
 *
 * Each test puts the allocator into a state in which a flag matters: only the
 * reserve is free, the cap is reached, or all free pages are on the lists of
 * another CPU. DEBUG_ATOMIC_SLEEP and lockdep report an allocation that sleeps
 * where it must not; the tests only have to reach every path in every context.
 */
#include <kunit/test.h>

#include <linux/bottom_half.h>
#include <linux/completion.h>
#include <linux/highmem.h>
#include <linux/irq_work.h>
#include <linux/irqflags.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/prandom.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/timer.h>

#include <memalloc/page_alloc.h>

#include "internal/borrow.h"
#include "internal/node.h"
#include "internal/region.h"
#include "internal/report.h"

#include "memalloc_kunit.h"
#include "page_account.h"

#define MAL_GFP_SECTIONS	8
#define MAL_GFP_CAP		(MAL_GFP_SECTIONS * MAL_SECTION_PAGES)

/* Reclaims as usual, but fails silently. */
#define MAL_GFP_QUIET		(GFP_KERNEL | __GFP_NOWARN)

/* Attempts before a test concludes that an event does not happen. */
#define MAL_GFP_ROUNDS		50

/* Long enough to tell a waiting task from one that does not wait. */
#define MAL_GFP_WHILE		(HZ / 5 + 1)

/**
 * struct mal_holding - blocks of mixed orders
 * @pages: their first pages
 * @orders: their orders
 * @nr: number of blocks
 */
struct mal_holding {
	struct page **pages;
	u8 *orders;
	unsigned long nr;
};

static bool mal_hold(struct mal_holding *holding, gfp_t gfp, unsigned int order)
{
	struct page *page = mal_alloc_pages(gfp, order);

	if (!page)
		return false;
	holding->pages[holding->nr] = page;
	holding->orders[holding->nr++] = order;
	return true;
}

/* Allocate until it fails. Returns the number of blocks allocated. */
static unsigned long mal_hold_all(struct mal_holding *holding, gfp_t gfp,
				  unsigned int order)
{
	unsigned long nr = holding->nr;

	while (holding->nr < MAL_GFP_CAP && mal_hold(holding, gfp, order))
		;
	return holding->nr - nr;
}

static void mal_holding_free_last(struct mal_holding *holding)
{
	struct page **page = &holding->pages[--holding->nr];

	mal_free_pages(*page, holding->orders[holding->nr]);
	*page = NULL;
}

static void mal_holding_free_all(struct mal_holding *holding)
{
	while (holding->nr)
		mal_holding_free_last(holding);
}

static u64 mal_reserve(void)
{
	struct memalloc_stats_borrowing stats;

	mal_borrow_stats(&stats);
	return stats.reserve;
}

static u64 mal_free_now(void)
{
	struct memalloc_stats_borrowing stats;

	mal_borrow_stats(&stats);
	return stats.free;
}

static int mal_gfp_suite_init(struct kunit_suite *suite)
{
	return mal_account_cap(MAL_GFP_CAP);
}

static void mal_gfp_suite_exit(struct kunit_suite *suite)
{
	mal_account_uncap();
}

static int mal_gfp_init(struct kunit *test)
{
	struct mal_holding *holding;

	holding = kunit_kzalloc(test, sizeof(*holding), GFP_KERNEL);
	test->priv = holding;
	if (!holding)
		return -ENOMEM;
	holding->pages = kvcalloc(MAL_GFP_CAP, sizeof(*holding->pages), GFP_KERNEL);
	holding->orders = kvcalloc(MAL_GFP_CAP, sizeof(*holding->orders), GFP_KERNEL);
	return holding->pages && holding->orders ? 0 : -ENOMEM;
}

/* Free all blocks of a test that stopped early. */
static void mal_gfp_exit(struct kunit *test)
{
	struct mal_holding *holding = test->priv;

	if (!holding)
		return;
	set_cpus_allowed_ptr(current, cpu_possible_mask);
	if (holding->pages)
		mal_holding_free_all(holding);
	mal_borrow_shrink(0);
	kvfree(holding->pages);
	kvfree(holding->orders);
}

/*
 * The reserve
 */

static const gfp_t mal_gfps_without_reserve[] = {
	GFP_KERNEL, GFP_NOWAIT, GFP_NOIO, GFP_NOFS, GFP_USER, GFP_HIGHUSER,
	GFP_KERNEL | __GFP_NORETRY, GFP_KERNEL | __GFP_RETRY_MAYFAIL,
	GFP_KERNEL | __GFP_ZERO, GFP_KERNEL | __GFP_THISNODE,
};

static const gfp_t mal_gfps_with_reserve[] = {
	GFP_ATOMIC, GFP_KERNEL | __GFP_HIGH, GFP_NOWAIT | __GFP_HIGH,
	GFP_ATOMIC | __GFP_ZERO,
};

static void mal_expect_no_page(struct kunit *test, gfp_t gfp, unsigned int order)
{
	struct page *page = mal_alloc_pages(gfp | __GFP_NOWARN, order);

	KUNIT_EXPECT_NULL_MSG(test, page, "gfp %#x, order %u",
			      (__force unsigned int)gfp, order);
	mal_free_pages(page, order);
}

/* Only urgent allocations may use the reserve, even if nothing else is free. */
static void mal_test_reserve_is_for_the_urgent_only(struct kunit *test)
{
	struct mal_holding *holding = test->priv;
	u64 reserve = mal_reserve();
	unsigned int i, order;

	if (!reserve)
		kunit_skip(test, "loaded without a reserve: reserve_mb");
	KUNIT_EXPECT_EQ(test, mal_hold_all(holding, MAL_GFP_QUIET, 0) + reserve,
			(u64)MAL_GFP_CAP);
	for (i = 0; i < ARRAY_SIZE(mal_gfps_without_reserve); i++)
		for (order = 0; order <= MAL_MAX_ORDER; order += 5)
			mal_expect_no_page(test, mal_gfps_without_reserve[i], order);
	KUNIT_EXPECT_EQ(test, mal_free_now(), reserve);
	mal_account_check(test, holding->nr, 0);
	mal_holding_free_all(holding);
	mal_account_settle(test);
}

static void mal_test_urgent_may_use_all_of_the_reserve(struct kunit *test)
{
	struct mal_holding *holding = test->priv;
	u64 reserve = mal_reserve();
	unsigned long ordinary;
	unsigned int i;

	if (!reserve)
		kunit_skip(test, "loaded without a reserve: reserve_mb");
	ordinary = mal_hold_all(holding, MAL_GFP_QUIET, 0);
	for (i = 0; i < ARRAY_SIZE(mal_gfps_with_reserve); i++) {
		gfp_t gfp = mal_gfps_with_reserve[i] | __GFP_NOWARN;

		KUNIT_EXPECT_EQ_MSG(test, (u64)mal_hold_all(holding, gfp, 0), reserve,
				    "gfp %#x", (__force unsigned int)gfp);
		KUNIT_EXPECT_EQ(test, mal_free_now(), 0ULL);
		while (holding->nr > ordinary)
			mal_holding_free_last(holding);
	}
	mal_holding_free_all(holding);
	mal_account_settle(test);
}

/* Reserve pages that have been used and freed are reserved again. */
static void mal_test_reserve_is_whole_again_after_use(struct kunit *test)
{
	struct mal_holding *holding = test->priv;
	u64 reserve = mal_reserve();
	unsigned int order;

	if (!reserve)
		kunit_skip(test, "loaded without a reserve: reserve_mb");
	for (order = 0; order <= 6; order++) {
		unsigned long ordinary = mal_hold_all(holding, MAL_GFP_QUIET, 0);

		KUNIT_EXPECT_GT(test, mal_hold_all(holding, GFP_ATOMIC | __GFP_NOWARN,
						   order), 0UL);
		while (holding->nr > ordinary)
			mal_holding_free_last(holding);
		mal_account_valid(test);	/* drains the lists */
		mal_expect_no_page(test, GFP_KERNEL, 0);
		mal_expect_no_page(test, GFP_NOWAIT, 0);
		KUNIT_EXPECT_EQ(test, mal_free_now(), reserve);
		mal_holding_free_all(holding);
	}
	mal_account_settle(test);
}

/*
 * Neither the spare pages that an urgent allocation takes from the zone nor the
 * pages that it frees may reach other callers through the per-CPU lists.
 * Otherwise the reserve would drain away.
 */
static void mal_test_reserve_does_not_leak_through_the_lists(struct kunit *test)
{
	struct mal_holding *holding = test->priv;
	u64 reserve = mal_reserve();
	unsigned long leaked = 0;
	unsigned int i;

	if (!reserve)
		kunit_skip(test, "loaded without a reserve: reserve_mb");
	/* let the per-CPU lists grow */
	for (i = 0; i < 4; i++) {
		mal_hold_all(holding, MAL_GFP_QUIET, 0);
		mal_holding_free_all(holding);
	}
	mal_hold_all(holding, MAL_GFP_QUIET, 0);
	for (i = 0; i < 100; i++) {
		KUNIT_EXPECT_TRUE(test, mal_hold(holding, GFP_ATOMIC, 0));
		leaked += mal_hold_all(holding, GFP_NOWAIT | __GFP_NOWARN, 0);
	}
	KUNIT_EXPECT_EQ_MSG(test, leaked, 0UL, "while urgent pages were taken");
	for (i = 0, leaked = 0; i < 100; i++) {
		struct page *page = mal_alloc_page(GFP_ATOMIC | __GFP_NOWARN);

		mal_free_page(page);
		leaked += mal_hold_all(holding, GFP_NOWAIT | __GFP_NOWARN, 0);
	}
	KUNIT_EXPECT_EQ_MSG(test, leaked, 0UL, "when urgent pages were freed");
	mal_holding_free_all(holding);
	mal_account_settle(test);
}

/* A used reserve is refilled from the host as long as the cap allows it. */
static void mal_test_reserve_is_refilled_from_the_host(struct kunit *test)
{
	struct mal_holding *holding = test->priv;
	u64 reserve = mal_reserve();
	unsigned int round;

	if (!reserve)
		kunit_skip(test, "loaded without a reserve: reserve_mb");
	mal_borrow_shrink(0);
	while (holding->nr < reserve && mal_hold(holding, GFP_ATOMIC, 0))
		;
	KUNIT_EXPECT_EQ(test, (u64)holding->nr, reserve);
	for (round = 0; round < MAL_GFP_ROUNDS && mal_free_now() < reserve; round++)
		schedule_timeout_uninterruptible(HZ / 10 + 1);
	KUNIT_EXPECT_GE(test, mal_free_now(), reserve);
	mal_holding_free_all(holding);
	mal_account_settle(test);
}

/*
 * Shrinking never returns the reserve, however often it is called and however
 * many pages of the reserve are in use.
 */
static void mal_test_reserve_is_never_shrunk_away(struct kunit *test)
{
	struct mal_holding *holding = test->priv;
	u64 seed = mal_test_seed(test), reserve = mal_reserve();
	struct memalloc_stats_borrowing stats;
	struct rnd_state rnd;
	unsigned int round;

	if (!reserve)
		kunit_skip(test, "loaded without a reserve: reserve_mb");
	prandom_seed_state(&rnd, seed);
	for (round = 0; round < MAL_GFP_ROUNDS; round++) {
		unsigned int i, nr = prandom_u32_state(&rnd) % (reserve + reserve / 2);

		for (i = 0; i < nr; i++)
			mal_hold(holding, GFP_ATOMIC | __GFP_NOWARN, 0);
		mal_borrow_shrink(prandom_u32_state(&rnd) % 3 ? 0 :
				  1 + prandom_u32_state(&rnd) % (4 * reserve));
		mal_borrow_stats(&stats);
		KUNIT_EXPECT_GE(test, stats.borrowed, reserve);
		nr = prandom_u32_state(&rnd) % (holding->nr + 1);
		while (holding->nr > nr)
			mal_holding_free_last(holding);
	}
	mal_holding_free_all(holding);
	mal_account_settle(test);
	KUNIT_EXPECT_EQ(test, mal_free_now(), reserve);
}

/*
 * Contexts
 */

/**
 * struct mal_visit - allocations made in some context
 * @gfp: allocation flags
 * @holding: blocks allocated
 * @in_context: whether they ran in the expected context
 * @done: completed by the timer and the irq_work
 * @timer: enters softirq context
 * @irq_work: enters hardirq context
 */
struct mal_visit {
	gfp_t gfp;
	struct mal_holding *holding;
	bool in_context;
	struct completion done;
	struct timer_list timer;
	struct irq_work irq_work;
};

/*
 * Hold a few blocks of each order at once, so that the lists cannot serve all
 * of them.
 */
static void mal_visit_pages(struct mal_visit *visit)
{
	struct mal_holding *holding = visit->holding;
	unsigned long nr = holding->nr;
	unsigned int order, i;

	for (order = 0; order <= MAL_MAX_ORDER; order++)
		for (i = 0; i < 3; i++)
			mal_hold(holding, visit->gfp | __GFP_NOWARN, order);
	while (holding->nr > nr)
		mal_holding_free_last(holding);
}

static void mal_visit_spinlock(struct mal_visit *visit)
{
	static DEFINE_SPINLOCK(lock);

	spin_lock(&lock);
	visit->in_context = preempt_count() != 0;
	mal_visit_pages(visit);
	spin_unlock(&lock);
}

static void mal_visit_irqs_off(struct mal_visit *visit)
{
	local_irq_disable();
	visit->in_context = irqs_disabled();
	mal_visit_pages(visit);
	local_irq_enable();
}

static void mal_visit_spinlock_irq(struct mal_visit *visit)
{
	static DEFINE_RAW_SPINLOCK(lock);
	unsigned long flags;

	raw_spin_lock_irqsave(&lock, flags);
	visit->in_context = preempt_count() && irqs_disabled();
	mal_visit_pages(visit);
	raw_spin_unlock_irqrestore(&lock, flags);
}

static void mal_visit_bh_off(struct mal_visit *visit)
{
	local_bh_disable();
	visit->in_context = in_softirq();
	mal_visit_pages(visit);
	local_bh_enable();
}

static void mal_visit_timer(struct timer_list *timer)
{
	struct mal_visit *visit = container_of(timer, struct mal_visit, timer);

	visit->in_context = in_serving_softirq();
	mal_visit_pages(visit);
	complete(&visit->done);
}

static void mal_visit_softirq(struct mal_visit *visit)
{
	mod_timer(&visit->timer, jiffies + 1);
	wait_for_completion(&visit->done);
}

static void mal_visit_irq_work(struct irq_work *work)
{
	struct mal_visit *visit = container_of(work, struct mal_visit, irq_work);

	visit->in_context = in_hardirq();
	mal_visit_pages(visit);
	complete(&visit->done);
}

static void mal_visit_hardirq(struct mal_visit *visit)
{
	irq_work_queue(&visit->irq_work);
	wait_for_completion(&visit->done);
	irq_work_sync(&visit->irq_work);
}

static const struct {
	const char *name;
	void (*visit)(struct mal_visit *visit);
} mal_contexts[] = {
	{ "with a lock held", mal_visit_spinlock },
	{ "with interrupts off", mal_visit_irqs_off },
	{ "with a lock held and interrupts off", mal_visit_spinlock_irq },
	{ "with softirqs off", mal_visit_bh_off },
	{ "in softirq", mal_visit_softirq },
	{ "in hardirq", mal_visit_hardirq },
};

static void mal_visit_all(struct kunit *test, struct mal_visit *visit)
{
	static const gfp_t gfps[] = {
		GFP_ATOMIC, GFP_NOWAIT, GFP_ATOMIC | __GFP_ZERO, __GFP_HIGH, 0,
		GFP_NOWAIT | __GFP_NORETRY, GFP_NOWAIT | __GFP_THISNODE,
	};
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(mal_contexts); i++)
		for (j = 0; j < ARRAY_SIZE(gfps); j++) {
			visit->gfp = gfps[j];
			visit->in_context = false;
			reinit_completion(&visit->done);
			mal_contexts[i].visit(visit);
			KUNIT_EXPECT_TRUE_MSG(test, visit->in_context, "%s",
					      mal_contexts[i].name);
		}
}

static struct mal_visit *mal_visit_create(struct kunit *test)
{
	struct mal_visit *visit = kunit_kzalloc(test, sizeof(*visit), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, visit);
	visit->holding = test->priv;
	init_completion(&visit->done);
	timer_setup(&visit->timer, mal_visit_timer, 0);
	init_irq_work(&visit->irq_work, mal_visit_irq_work);
	return visit;
}

/*
 * Cover each path of an allocation: nothing borrowed, blocks on the lists, the
 * cap reached, and all free pages on the lists.
 */
static void mal_test_atomic_allocations_do_not_sleep(struct kunit *test)
{
	struct mal_visit *visit = mal_visit_create(test);
	struct mal_holding *holding = test->priv;
	unsigned int i;

	mal_borrow_shrink(0);
	mal_visit_all(test, visit);
	mal_visit_all(test, visit);
	mal_account_check(test, 0, 0);

	mal_hold_all(holding, MAL_GFP_QUIET | __GFP_HIGH, 0);
	mal_visit_all(test, visit);
	mal_account_check(test, holding->nr, 0);
	for (i = 0; i < 100; i++)
		mal_holding_free_last(holding);
	mal_visit_all(test, visit);
	mal_account_check(test, holding->nr, 0);
	timer_delete_sync(&visit->timer);
	mal_holding_free_all(holding);
	mal_account_settle(test);
}

/*
 * Waiting for memory
 */

/**
 * struct mal_waiter - a thread that allocates at the cap
 * @gfp: allocation flags
 * @order: order of the block
 * @page: the block, or NULL
 * @begun: completed just before the allocation
 * @done: completed after it
 */
struct mal_waiter {
	gfp_t gfp;
	unsigned int order;
	struct page *page;
	struct completion begun;
	struct completion done;
};

static int mal_waiter_thread(void *data)
{
	struct mal_waiter *waiter = data;

	complete(&waiter->begun);
	waiter->page = mal_alloc_pages(waiter->gfp, waiter->order);
	complete(&waiter->done);
	return 0;
}

static void mal_waiter_start(struct kunit *test, struct mal_waiter *waiter,
			     gfp_t gfp, unsigned int order)
{
	struct task_struct *thread;

	*waiter = (struct mal_waiter) { .gfp = gfp, .order = order };
	init_completion(&waiter->begun);
	init_completion(&waiter->done);
	thread = kthread_run(mal_waiter_thread, waiter, "memalloc_waiter");
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, thread);
	wait_for_completion(&waiter->begun);
}

/* The allocation waits until a block of its order is freed. */
static void mal_test_nofail_waits_for_a_free(struct kunit *test)
{
	struct mal_waiter *waiter = kunit_kzalloc(test, sizeof(*waiter), GFP_KERNEL);
	struct mal_holding *holding = test->priv;
	unsigned int order;

	KUNIT_ASSERT_NOT_NULL(test, waiter);
	for (order = 0; order <= 3; order += 3) {
		mal_hold_all(holding, MAL_GFP_QUIET | __GFP_HIGH, order);
		mal_waiter_start(test, waiter, GFP_KERNEL | __GFP_NOFAIL | __GFP_HIGH,
				 order);
		KUNIT_EXPECT_EQ_MSG(test, 0UL,
				    wait_for_completion_timeout(&waiter->done,
								MAL_GFP_WHILE),
				    "did not wait, got %s",
				    waiter->page ? "a page" : "nothing");
		mal_holding_free_last(holding);
		wait_for_completion(&waiter->done);
		KUNIT_EXPECT_NOT_NULL(test, waiter->page);
		mal_free_pages(waiter->page, order);
		mal_holding_free_all(holding);
		mal_account_settle(test);
	}
}

static u64 mal_refusals(void)
{
	struct memalloc_stats_borrowing stats;

	mal_borrow_stats(&stats);
	return stats.refused_cap;
}

/* Returns how often the cap refused to borrow for one allocation. */
static u64 mal_refusals_of(struct kunit *test, gfp_t gfp)
{
	u64 before = mal_refusals();

	mal_expect_no_page(test, gfp, 0);
	return mal_refusals() - before;
}

static void mal_test_retry_mayfail_tries_again_and_fails(struct kunit *test)
{
	struct mal_holding *holding = test->priv;
	u64 once;

	mal_hold_all(holding, MAL_GFP_QUIET | __GFP_HIGH, 0);
	once = mal_refusals_of(test, GFP_KERNEL | __GFP_NORETRY);
	KUNIT_EXPECT_GT(test, once, 0ULL);
	KUNIT_EXPECT_EQ(test, mal_refusals_of(test, GFP_NOWAIT), once);
	KUNIT_EXPECT_GT(test, mal_refusals_of(test, GFP_KERNEL | __GFP_RETRY_MAYFAIL),
			once);
	mal_holding_free_all(holding);
	mal_account_settle(test);
}

/* Free a page after the first refusal and before the last attempt. */
static bool mal_mayfail_is_served(struct kunit *test, struct mal_waiter *waiter,
				  struct mal_holding *holding)
{
	u64 before = mal_refusals();

	mal_waiter_start(test, waiter, MAL_GFP_QUIET | __GFP_RETRY_MAYFAIL, 0);
	while (mal_refusals() == before && !completion_done(&waiter->done))
		cond_resched();
	mal_holding_free_last(holding);
	wait_for_completion(&waiter->done);
	mal_free_page(waiter->page);
	return waiter->page;
}

/* The free has to hit a short window, so try several times. */
static void mal_test_retry_mayfail_gets_freed_page(struct kunit *test)
{
	struct mal_waiter *waiter = kunit_kzalloc(test, sizeof(*waiter), GFP_KERNEL);
	struct mal_holding *holding = test->priv;
	bool served = false;
	unsigned int round;

	KUNIT_ASSERT_NOT_NULL(test, waiter);
	for (round = 0; round < MAL_GFP_ROUNDS && !served; round++) {
		mal_hold_all(holding, MAL_GFP_QUIET, 0);
		served = mal_mayfail_is_served(test, waiter, holding);
	}
	KUNIT_EXPECT_TRUE(test, served);
	kunit_info(test, "%u rounds", round);
	mal_holding_free_all(holding);
	mal_account_settle(test);
}

/*
 * Zeroing
 */

/* Leave only free pages that are not zero. */
static void mal_make_dirty(struct mal_holding *holding)
{
	unsigned long i;

	mal_hold_all(holding, MAL_GFP_QUIET | __GFP_HIGH, 0);
	for (i = 0; i < holding->nr; i++)
		memset_page(holding->pages[i], 0, 0xa5, PAGE_SIZE);
	mal_holding_free_all(holding);
}

static bool mal_is_zero(struct page *page, unsigned int order)
{
	const void *bytes = page_address(page);

	return !memchr_inv(bytes, 0, PAGE_SIZE << order);
}

static void mal_test_zero_is_zero(struct kunit *test)
{
	static const gfp_t gfps[] = { GFP_KERNEL, GFP_ATOMIC, GFP_NOWAIT };
	struct mal_holding *holding = test->priv;
	unsigned int order, i, round;
	unsigned long dirty = 0;

	mal_make_dirty(holding);
	for (order = 0; order <= MAL_MAX_ORDER; order++)
		for (i = 0; i < ARRAY_SIZE(gfps); i++)
			for (round = 0; round < 3; round++) {
				struct page *page;

				page = mal_alloc_pages(gfps[i] | __GFP_ZERO, order);
				KUNIT_ASSERT_NOT_NULL(test, page);
				KUNIT_EXPECT_TRUE_MSG(test, mal_is_zero(page, order),
						      "order %u", order);
				memset(page_address(page), 0xa5, PAGE_SIZE << order);
				mal_free_pages(page, order);
				page = mal_alloc_pages(gfps[i], order);
				KUNIT_ASSERT_NOT_NULL(test, page);
				dirty += !mal_is_zero(page, order);
				mal_free_pages(page, order);
			}
	if (!want_init_on_alloc(0) && !want_init_on_free())
		KUNIT_EXPECT_GT_MSG(test, dirty, 0UL,
				    "the pages were zero before, so nothing was tested");
	mal_account_settle(test);
}

static void mal_test_zero_is_zero_in_bulk(struct kunit *test)
{
	struct mal_holding *holding = test->priv;
	const unsigned long nr = 1000;
	unsigned long i, dirty = 0;
	unsigned int round;

	mal_make_dirty(holding);
	for (round = 0; round < 3; round++) {
		KUNIT_ASSERT_EQ(test, nr,
				mal_alloc_pages_bulk(GFP_KERNEL | __GFP_ZERO, nr,
						     holding->pages));
		for (i = 0; i < nr; i++) {
			dirty += !mal_is_zero(holding->pages[i], 0);
			memset_page(holding->pages[i], 0, 0xa5, PAGE_SIZE);
		}
		mal_free_pages_bulk(nr, holding->pages);
	}
	KUNIT_EXPECT_EQ(test, dirty, 0UL);
	mal_account_settle(test);
}

/*
 * Per-CPU lists
 */

static u64 mal_blocks_not_on_lists(void)
{
	struct memalloc_stats_zone zone;
	unsigned int nr, i;
	u64 blocks = 0;

	for (nr = 0; mal_zone_stats(nr, &zone); nr++)
		for (i = 0; i < MEMALLOC_NR_ORDERS; i++)
			blocks += zone.free_blocks[i];
	return blocks;
}

/*
 * At the cap, free some pages to the lists of this CPU. The lists grow with
 * use, so try again if some pages went to the zone. The sleep lets the drain
 * that runs after the allocations finish. The reserve is not touched.
 */
static bool mal_fill_own_lists(struct mal_holding *holding, unsigned int pages)
{
	unsigned int round, i;
	bool filled = false;
	u64 before;

	for (round = 0; round < MAL_GFP_ROUNDS && !filled; round++) {
		mal_hold_all(holding, MAL_GFP_QUIET, 0);
		schedule_timeout_uninterruptible(2);
		preempt_disable();
		before = mal_blocks_not_on_lists();
		for (i = 0; i < pages; i++)
			mal_holding_free_last(holding);
		filled = mal_blocks_not_on_lists() == before;
		preempt_enable();
	}
	return filled;
}

static void mal_stay_on(struct kunit *test, unsigned int cpu)
{
	KUNIT_ASSERT_EQ(test, 0, set_cpus_allowed_ptr(current, cpumask_of(cpu)));
}

/* At the cap, all free pages are on the lists of another CPU. */
static void mal_test_other_cpus_lists_are_drained_before_failing(struct kunit *test)
{
	unsigned int other = cpumask_next(0, cpu_online_mask), round;
	struct mal_holding *holding = test->priv;
	gfp_t gfp = MAL_GFP_QUIET;

	if (other >= nr_cpu_ids)
		kunit_skip(test, "needs two CPUs");
	for (round = 0; round < 2 * 6; round++) {
		unsigned int pages = 1U << round / 2;

		mal_stay_on(test, round % 2 ? 0 : other);
		KUNIT_ASSERT_TRUE_MSG(test, mal_fill_own_lists(holding, pages),
				      "no room for %u pages on the lists", pages);
		mal_stay_on(test, round % 2 ? other : 0);
		KUNIT_EXPECT_EQ(test, mal_hold_all(holding, gfp, 0), pages);
		mal_expect_no_page(test, gfp, 0);
		mal_account_check(test, holding->nr, 0);
		mal_holding_free_all(holding);
	}
	mal_account_settle(test);
}

/* Split a block and free its pages on two CPUs in turn. */
static void mal_free_in_pieces(struct kunit *test, struct page *page,
			       unsigned int order)
{
	unsigned int other = cpumask_next(0, cpu_online_mask), i;

	mal_split_page(page, order);
	for (i = 0; i < 1U << order; i++) {
		if (other < nr_cpu_ids && i % 64 == 0)
			mal_stay_on(test, i % 128 ? other : 0);
		mal_free_page(page + i);
	}
}

/* Pages on several lists merge into a block if an allocation needs one. */
static void mal_test_lists_of_other_orders_are_drained_before_failing(struct kunit *test)
{
	struct mal_holding *holding = test->priv;
	gfp_t gfp = MAL_GFP_QUIET | __GFP_HIGH;
	unsigned int order;
	struct page *page;

	for (order = 1; order <= MAL_MAX_ORDER; order++) {
		page = mal_alloc_pages(gfp, order);
		KUNIT_ASSERT_NOT_NULL(test, page);
		mal_hold_all(holding, gfp, 0);
		mal_free_in_pieces(test, page, order);
		KUNIT_EXPECT_TRUE_MSG(test, mal_hold(holding, gfp, order),
				      "order %u", order);
		mal_holding_free_all(holding);
		mal_account_valid(test);
	}
	mal_account_settle(test);
}

/*
 * A page is not charged to a cgroup. Allocations with __GFP_ACCOUNT are counted
 * here, off the fast path.
 */
static void mal_test_account_is_ignored(struct kunit *test)
{
	u64 before = mal_report_uncharged_count();
	struct page *page = mal_alloc_pages(GFP_KERNEL | __GFP_ZERO, 0);

	KUNIT_ASSERT_NOT_NULL(test, page);
	mal_free_page(page);
	KUNIT_EXPECT_EQ(test, mal_report_uncharged_count(), before);
	page = mal_alloc_pages(GFP_KERNEL_ACCOUNT | __GFP_ZERO, 0);
	KUNIT_ASSERT_NOT_NULL(test, page);
	mal_free_page(page);
	KUNIT_EXPECT_EQ(test, mal_report_uncharged_count(), before + 1);
}

static struct kunit_case mal_gfp_cases[] = {
	KUNIT_CASE(mal_test_account_is_ignored),
	KUNIT_CASE(mal_test_reserve_is_for_the_urgent_only),
	KUNIT_CASE(mal_test_urgent_may_use_all_of_the_reserve),
	KUNIT_CASE(mal_test_reserve_is_whole_again_after_use),
	KUNIT_CASE(mal_test_reserve_does_not_leak_through_the_lists),
	KUNIT_CASE(mal_test_reserve_is_refilled_from_the_host),
	KUNIT_CASE(mal_test_reserve_is_never_shrunk_away),
	KUNIT_CASE(mal_test_atomic_allocations_do_not_sleep),
	KUNIT_CASE(mal_test_nofail_waits_for_a_free),
	KUNIT_CASE(mal_test_retry_mayfail_tries_again_and_fails),
	KUNIT_CASE(mal_test_retry_mayfail_gets_freed_page),
	KUNIT_CASE(mal_test_zero_is_zero),
	KUNIT_CASE(mal_test_zero_is_zero_in_bulk),
	KUNIT_CASE(mal_test_other_cpus_lists_are_drained_before_failing),
	KUNIT_CASE(mal_test_lists_of_other_orders_are_drained_before_failing),
	{}
};

struct kunit_suite mal_page_alloc_suite = {
	.name = "memalloc_page_alloc",
	.suite_init = mal_gfp_suite_init,
	.suite_exit = mal_gfp_suite_exit,
	.init = mal_gfp_init,
	.exit = mal_gfp_exit,
	.test_cases = mal_gfp_cases,
};
