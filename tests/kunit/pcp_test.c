// SPDX-License-Identifier: GPL-2.0
/*
 * Per-CPU lists: interrupts on the same CPU, the budget of the lists, and
 * concurrent frees of one block
 *
 * Interrupts. The lists are used with interrupts enabled; see reentry.c. A
 * second test checks the state between the cut of a list and the release of the
 * blocks cut off, without an interrupt: a list has as many blocks as it counts,
 * and the last one links to NULL.
 *
 * Budget. Lists of several orders grow and shrink at random while the budget is
 * spent, or exceeded because the cap was lowered. No page is lost.
 *
 * Concurrent frees. A block that two CPUs free ends up on two lists. The list
 * code must detect and report it, and it must harm neither its next owner nor a
 * zone. The race is reproduced deterministically: the block is freed on one
 * CPU, its descriptor is reset to the state that the other CPU has seen, and
 * the block is freed there. Each path that takes blocks off a list then meets
 * it: while it is on the other list, after it has been allocated, after it has
 * returned to its zone, and after it has been freed again.
 *
 * A broken list is abandoned with all its blocks. The tests find those blocks
 * by their descriptors and free them as allocated ones, so that each test ends
 * with all pages accounted for.
 */
#include <kunit/test.h>

#include <linux/cpumask.h>
#include <linux/mm.h>
#include <linux/prandom.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>

#include <memalloc/page_alloc.h>

#include "internal/borrow.h"
#include "internal/pcp.h"
#include "internal/region.h"
#include "internal/report.h"

#include "memalloc_kunit.h"
#include "page_account.h"
#include "reentry.h"

#define MAL_REENTRY_PAGES	8

/* More blocks than a list holds, at any cap. */
#define MAL_CUT_BLOCKS		300U
#define MAL_CUT_PAGES		4096U
#define MAL_CUT_ORDERS		7
#define MAL_CUT_CAP		(64UL << (20 - PAGE_SHIFT))

/**
 * struct mal_page_user - a context that allocates
 * @pages: pages held, or NULL
 * @next: index of the next page to free or allocate
 * @stolen: pages in which another context has written
 */
struct mal_page_user {
	struct page *pages[MAL_REENTRY_PAGES];
	unsigned int next;
	unsigned long stolen;
};

static void mal_page_user_free(struct mal_page_user *user, struct page *page)
{
	if (*(void **)page_address(page) != user)
		user->stolen++;
	mal_free_page(page);
}

/* Free the next page if it is allocated; otherwise allocate it. */
static void mal_page_user_step(void *data)
{
	struct mal_page_user *user = data;
	struct page **page = &user->pages[user->next++ % MAL_REENTRY_PAGES];

	if (*page) {
		mal_page_user_free(user, *page);
		*page = NULL;
		return;
	}
	*page = mal_alloc_page(GFP_ATOMIC | __GFP_NOWARN);
	if (*page)
		*(void **)page_address(*page) = user;
}

static void mal_page_user_leave(struct kunit *test, struct mal_page_user *user)
{
	int i;

	for (i = 0; i < MAL_REENTRY_PAGES; i++)
		if (user->pages[i])
			mal_page_user_free(user, user->pages[i]);
	KUNIT_EXPECT_EQ(test, user->stolen, 0UL);
}

static void mal_test_interrupts_during_list_operations(struct kunit *test)
{
	struct mal_page_user *users = kunit_kcalloc(test, 3, sizeof(*users), GFP_KERNEL);
	struct mal_reentry *reentry = kunit_kzalloc(test, sizeof(*reentry), GFP_KERNEL);
	u64 reports = mal_reports_total();
	int i;

	KUNIT_ASSERT_NOT_NULL(test, users);
	KUNIT_ASSERT_NOT_NULL(test, reentry);
	/* A burst allocates or frees all pages, so that the lists change. */
	reentry->step = mal_page_user_step;
	reentry->burst = MAL_REENTRY_PAGES;
	reentry->thread.user = &users[0];
	reentry->softirq.user = &users[1];
	reentry->hardirq.user = &users[2];
	mal_reentry_run(reentry);
	for (i = 0; i < 3; i++)
		mal_page_user_leave(test, &users[i]);
	mal_account_settle(test);
	KUNIT_EXPECT_EQ(test, mal_reports_total(), reports);
}

static unsigned int mal_cut_count(const struct mal_pcp_list *list)
{
	return list->high - list->room;
}

/* Does the list consist of exactly as many blocks as it counts? */
static bool mal_cut_list_ends(const struct mal_pcp_list *list)
{
	const struct mal_page *desc = list->head;
	unsigned int left;

	for (left = mal_cut_count(list); left; left--) {
		if (!desc || desc->state != MAL_PAGE_PCP ||
		    desc->list != mal_pcp_list_id(list))
			return false;
		desc = desc->next;
	}
	return !desc;
}

/*
 * Check all lists of this CPU. Interrupts are off because a worker may drain
 * the lists from an IPI.
 */
static bool mal_cut_lists_end(void)
{
	unsigned int type, order;
	const struct mal_pcp *pcp;
	unsigned long flags;
	bool end = true;

	local_irq_save(flags);
	pcp = this_cpu_ptr(&mal_pcp);
	for (type = 0; type < MAL_PCP_NR; type++)
		for (order = 0; order < MAL_NR_ORDERS; order++)
			end &= mal_cut_list_ends(&pcp->lists[type][order]);
	local_irq_restore(flags);
	return end;
}

/* Returns the number of blocks of an order on the lists of this CPU. */
static unsigned int mal_cut_kept(unsigned int order)
{
	unsigned int type, kept = 0;

	preempt_disable();
	for (type = 0; type < MAL_PCP_NR; type++)
		kept += mal_cut_count(&this_cpu_ptr(&mal_pcp)->lists[type][order]);
	preempt_enable();
	return kept;
}

/*
 * Free all blocks. Returns the number of times that a list was cut, but not
 * emptied.
 */
static unsigned int mal_cut_free(struct kunit *test, struct page **pages,
				 unsigned int nr, unsigned int order)
{
	unsigned int cuts = 0, wrong = 0, before, i;

	for (i = 0; i < nr; i++) {
		before = mal_cut_kept(order);
		mal_free_pages(pages[i], order);
		/* The list always keeps the block just freed. */
		if (mal_cut_kept(order) < before && mal_cut_kept(order) > 1)
			cuts++;
		if (!wrong && !mal_cut_lists_end())
			wrong = i + 1;
	}
	KUNIT_EXPECT_EQ_MSG(test, wrong, 0U, "order %u, one of %u frees", order, nr);
	return cuts;
}

/*
 * Each order is tested twice, because the first pass makes room on the lists.
 */
static void mal_test_cut_list_ends_with_null(struct kunit *test)
{
	struct page **pages = kunit_kcalloc(test, MAL_CUT_BLOCKS, sizeof(*pages),
					    GFP_KERNEL);
	unsigned int order, nr, i, cuts = 0;

	KUNIT_ASSERT_NOT_NULL(test, pages);
	KUNIT_ASSERT_EQ(test, mal_account_cap(MAL_CUT_CAP), 0);
	set_cpus_allowed_ptr(current, cpumask_of(raw_smp_processor_id()));
	for (order = 0; order < 2 * MAL_CUT_ORDERS; order++) {
		nr = min(MAL_CUT_PAGES >> order / 2, MAL_CUT_BLOCKS);
		for (i = 0; i < nr; i++) {
			pages[i] = mal_alloc_pages(GFP_KERNEL, order / 2);
			KUNIT_EXPECT_NOT_NULL(test, pages[i]);
		}
		cuts += mal_cut_free(test, pages, nr, order / 2);
	}
	set_cpus_allowed_ptr(current, cpu_possible_mask);
	mal_account_uncap();
	mal_account_settle(test);
	KUNIT_EXPECT_GT(test, cuts, 0U);
}

#define MAL_BUDGET_ORDERS	8
#define MAL_BUDGET_BLOCKS	150U	/* of each order, at most */
#define MAL_BUDGET_PAGES	600U	/* of each order, at most */
#define MAL_BUDGET_TURNS	300
#define MAL_BUDGET_CHECK	30	/* turns between checks */
#define MAL_BUDGET_CAPS		4

/**
 * struct mal_budget_user - blocks of several orders
 * @rnd: random decisions
 * @pages: first pages of the blocks
 * @nr: number of blocks of each order
 * @held: pages in all of them
 */
struct mal_budget_user {
	struct rnd_state rnd;
	struct page *pages[MAL_BUDGET_ORDERS][MAL_BUDGET_BLOCKS];
	unsigned int nr[MAL_BUDGET_ORDERS];
	u64 held;
};

static bool mal_budget_alloc(struct mal_budget_user *user, unsigned int order)
{
	struct page *page;

	if (user->nr[order] == min(MAL_BUDGET_BLOCKS, MAL_BUDGET_PAGES >> order))
		return false;
	page = mal_alloc_pages(GFP_KERNEL | __GFP_NOWARN, order);
	if (!page)
		return false;
	user->pages[order][user->nr[order]++] = page;
	user->held += 1ULL << order;
	return true;
}

static bool mal_budget_free(struct mal_budget_user *user, unsigned int order)
{
	if (!user->nr[order])
		return false;
	mal_free_pages(user->pages[order][--user->nr[order]], order);
	user->held -= 1ULL << order;
	return true;
}

/* Allocate or free many blocks of one order, and some of the others. */
static void mal_budget_turn(struct mal_budget_user *user)
{
	unsigned int order = prandom_u32_state(&user->rnd) % MAL_BUDGET_ORDERS;
	unsigned int nr = prandom_u32_state(&user->rnd) % MAL_BUDGET_BLOCKS;
	bool (*step)(struct mal_budget_user *user, unsigned int order) =
		prandom_u32_state(&user->rnd) % 2 ? mal_budget_alloc : mal_budget_free;

	while (nr-- && step(user, order))
		if (prandom_u32_state(&user->rnd) % 8 == 0)
			step(user, prandom_u32_state(&user->rnd) % MAL_BUDGET_ORDERS);
}

/*
 * All operations are on one CPU. The budget follows the cap, which may be below
 * what is borrowed.
 */
static void mal_test_nothing_is_lost_over_budget(struct kunit *test)
{
	struct mal_budget_user *user = kunit_kzalloc(test, sizeof(*user), GFP_KERNEL);
	u64 reports = mal_reports_total();
	unsigned int turn, order;

	KUNIT_ASSERT_NOT_NULL(test, user);
	prandom_seed_state(&user->rnd, mal_test_seed(test));
	KUNIT_ASSERT_EQ(test, mal_account_cap(MAL_CUT_CAP), 0);
	set_cpus_allowed_ptr(current, cpumask_of(raw_smp_processor_id()));
	for (turn = 0; turn < MAL_BUDGET_TURNS; turn++) {
		if (turn % 8 == 0)
			mal_borrow_set_cap(MAL_CUT_CAP >> 2 * (prandom_u32_state(&user->rnd) %
							       MAL_BUDGET_CAPS));
		mal_budget_turn(user);
		if (turn % MAL_BUDGET_CHECK == 0)
			mal_account_check(test, user->held, 0);
	}
	for (order = 0; order < MAL_BUDGET_ORDERS; order++)
		while (mal_budget_free(user, order))
			;
	set_cpus_allowed_ptr(current, cpu_possible_mask);
	mal_account_uncap();
	mal_account_settle(test);
	KUNIT_EXPECT_EQ(test, mal_reports_total(), reports);
}

static struct kunit_case mal_reentry_cases[] = {
	KUNIT_CASE(mal_test_interrupts_during_list_operations),
	KUNIT_CASE(mal_test_cut_list_ends_with_null),
	KUNIT_CASE(mal_test_nothing_is_lost_over_budget),
	{}
};

struct kunit_suite mal_pcp_reentry_suite = {
	.name = "memalloc_pcp_reentry",
	.test_cases = mal_reentry_cases,
};

#define MAL_TWICE_CAP		(64UL << (20 - PAGE_SHIFT))

/* The most blocks on a list in these tests. */
#define MAL_TWICE_BLOCKS	8

/**
 * struct mal_twice - a block that two CPUs have freed
 * @first: CPU of the first free
 * @second: CPU of the second free
 * @order: order of the block
 * @page: its first page
 * @desc: its descriptor
 * @others: other blocks of that order, half of them on the list of each CPU
 * @nr: number of @others
 * @before: report counters before the second free
 * @reports: number of reports expected since
 */
struct mal_twice {
	int first;
	int second;
	unsigned int order;
	struct page *page;
	struct mal_page *desc;
	struct page *others[MAL_TWICE_BLOCKS];
	unsigned int nr;
	struct memalloc_stats_reports before;
	u64 reports;
};

static int mal_twice_suite_init(struct kunit_suite *suite)
{
	return mal_account_cap(MAL_TWICE_CAP);
}

static void mal_twice_suite_exit(struct kunit_suite *suite)
{
	mal_account_uncap();
}

static void mal_twice_exit(struct kunit *test)
{
	set_cpus_allowed_ptr(current, cpu_possible_mask);
}

static void mal_twice_move(struct kunit *test, int cpu)
{
	KUNIT_ASSERT_EQ(test, set_cpus_allowed_ptr(current, cpumask_of(cpu)), 0);
}

static struct page *mal_twice_alloc(struct kunit *test, unsigned int order)
{
	struct page *page = mal_alloc_pages(GFP_KERNEL, order);

	KUNIT_ASSERT_NOT_NULL(test, page);
	return page;
}

/* Returns the list of @cpu for blocks of this order. */
static struct mal_pcp_list *mal_twice_list(const struct mal_twice *twice, int cpu)
{
	struct mal_pcp *pcp = per_cpu_ptr(&mal_pcp, cpu);

	return pcp->plain + twice->order;
}

/* Make room for the blocks, as after long use. */
static void mal_twice_room(const struct mal_twice *twice, int cpu)
{
	struct mal_pcp_list *list = mal_twice_list(twice, cpu);
	unsigned int more = MAL_TWICE_BLOCKS - min(list->high, MAL_TWICE_BLOCKS);

	preempt_disable();
	list->high += more;
	list->room += more;
	per_cpu_ptr(&mal_pcp, cpu)->granted += (unsigned long)more << twice->order;
	preempt_enable();
}

static void mal_twice_free_others(struct kunit *test, struct mal_twice *twice,
				  int cpu)
{
	unsigned int half = twice->nr / 2;
	unsigned int i, from = cpu == twice->first ? 0 : half;

	mal_twice_move(test, cpu);
	mal_twice_room(twice, cpu);
	for (i = from; i < from + half; i++)
		mal_free_pages(twice->others[i], twice->order);
}

/* Fill the lists of both CPUs, with the same block on top of each. */
static void mal_twice_plant(struct kunit *test, struct mal_twice *twice,
			    unsigned int order)
{
	unsigned int i;

	*twice = (struct mal_twice) {
		.first = cpumask_first(cpu_online_mask),
		.second = cpumask_last(cpu_online_mask),
		.order = order,
		.nr = order > 8 ? 2 : 4,
		.reports = 1,
	};
	if (twice->first == twice->second)
		return;
	mal_twice_move(test, twice->first);
	twice->page = mal_twice_alloc(test, order);
	twice->desc = mal_page_of(twice->page);
	for (i = 0; i < twice->nr; i++)
		twice->others[i] = mal_twice_alloc(test, order);
	mal_report_stats(&twice->before);
	mal_twice_free_others(test, twice, twice->second);
	mal_twice_free_others(test, twice, twice->first);
	mal_free_pages(twice->page, order);
	KUNIT_ASSERT_PTR_EQ(test, mal_twice_list(twice, twice->first)->head, twice->desc);
	WRITE_ONCE(twice->desc->state, MAL_PAGE_USED);
	mal_twice_move(test, twice->second);
	mal_free_pages(twice->page, order);
	KUNIT_ASSERT_PTR_EQ(test, mal_twice_list(twice, twice->second)->head, twice->desc);
}

static void mal_twice_repair(struct mal_page *desc)
{
	if (desc->state != MAL_PAGE_PCP)
		return;
	desc->state = MAL_PAGE_USED;
	mal_free_pages(pfn_to_page(mal_page_pfn(desc)), desc->order);
}

/*
 * The lists are empty, so a block still in state PCP has been abandoned.
 * Returns the number of such pages, and frees them if @repair is set.
 */
static unsigned int mal_twice_find_lost(bool repair)
{
	unsigned int lost = 0, i;
	unsigned long nr;

	for (nr = 0; nr < mal_section_table.nr; nr++) {
		struct mal_section *section = mal_section_at(nr);

		for (i = 0; section && i < MAL_SECTION_PAGES; i++) {
			if (section->pages[i].state != MAL_PAGE_PCP)
				continue;
			lost += 1U << section->pages[i].order;
			if (repair)
				mal_twice_repair(&section->pages[i]);
		}
	}
	return lost;
}

/*
 * Expect the right number of double free reports, no others, and a valid
 * allocator.
 */
static void mal_twice_expect_report(struct kunit *test, struct mal_twice *twice)
{
	struct memalloc_stats_reports now;
	u64 checked = 0;

	KUNIT_EXPECT_EQ(test, mal_page_validate(&checked), 0ULL);
	mal_report_stats(&now);
	KUNIT_EXPECT_EQ_MSG(test, now.double_free - twice->before.double_free,
			    twice->reports, "order %u", twice->order);
	now.double_free = twice->before.double_free;
	KUNIT_EXPECT_EQ(test, memcmp(&now, &twice->before, sizeof(now)), 0);
}

/* Account for each page, with @held pages allocated. */
static void mal_twice_expect_account(struct kunit *test, struct mal_twice *twice,
				     u64 held)
{
	struct memalloc_stats_borrowing stats;
	unsigned int lost;

	mal_twice_expect_report(test, twice);
	mal_borrow_stats(&stats);
	lost = mal_twice_find_lost(false);
	KUNIT_EXPECT_GT(test, lost, 0U);
	KUNIT_EXPECT_EQ(test, stats.borrowed, stats.free + held + lost);
	mal_twice_find_lost(true);
}

#define mal_twice_for_each_order(test, twice, order)			\
	for ((order) = 0;						\
	     (order) <= MAL_MAX_ORDER &&				\
	     (mal_twice_plant(test, twice, order), (twice)->page);	\
	     (order)++)

/*
 * The lists are drained while the block is on both: from the other CPU, or
 * locally.
 */
static void mal_test_drain_finds_block_on_both_lists(struct kunit *test)
{
	struct mal_twice twice;
	unsigned int order;

	mal_twice_for_each_order(test, &twice, order) {
		if (order % 2)
			mal_twice_move(test, twice.first);
		mal_twice_expect_account(test, &twice, 0);
		mal_account_settle(test);
	}
}

/* Allocate from a list that has a block of another list. */
static void mal_test_alloc_finds_block_on_both_lists(struct kunit *test)
{
	struct page *pages[MAL_TWICE_BLOCKS];
	struct mal_twice twice;
	unsigned int order, i, j;

	mal_twice_for_each_order(test, &twice, order) {
		mal_twice_move(test, twice.first);
		for (i = 0; i < twice.nr; i++) {
			pages[i] = mal_twice_alloc(test, order);
			for (j = 0; j < i; j++)
				KUNIT_EXPECT_PTR_NE(test, pages[i], pages[j]);
		}
		mal_twice_expect_account(test, &twice, (u64)twice.nr << order);
		for (i = 0; i < twice.nr; i++)
			mal_free_pages(pages[i], order);
		mal_account_settle(test);
	}
}

/* The block is allocated when the other list is drained. */
static void mal_test_drain_finds_allocated_block(struct kunit *test)
{
	struct mal_twice twice;
	struct page *page;
	unsigned int order;

	mal_twice_for_each_order(test, &twice, order) {
		page = mal_twice_alloc(test, order);
		KUNIT_EXPECT_PTR_EQ(test, page, twice.page);
		mal_twice_expect_account(test, &twice, 1ULL << order);
		KUNIT_EXPECT_EQ(test, (int)twice.desc->state, (int)MAL_PAGE_USED);
		mal_free_pages(page, order);
		mal_account_settle(test);
	}
}

/* The block has been freed again: it is free, but belongs to another list. */
static void mal_test_alloc_finds_block_of_another_list(struct kunit *test)
{
	struct page *page, *other;
	struct mal_twice twice;
	unsigned int order;

	mal_twice_for_each_order(test, &twice, order) {
		mal_free_pages(mal_twice_alloc(test, order), order);
		mal_twice_move(test, twice.first);
		page = mal_twice_alloc(test, order);
		mal_twice_move(test, twice.second);
		other = mal_twice_alloc(test, order);
		KUNIT_EXPECT_PTR_NE_MSG(test, page, other, "allocated twice, order %u", order);
		if (page == other)
			return;
		mal_twice_expect_account(test, &twice, 2ULL << order);
		mal_free_pages(page, order);
		mal_free_pages(other, order);
		mal_account_settle(test);
	}
}

/* Let the next free overflow the list. */
static void mal_twice_fill(const struct mal_twice *twice, int cpu)
{
	struct mal_pcp_list *list = mal_twice_list(twice, cpu);

	preempt_disable();
	list->high -= list->room;
	per_cpu_ptr(&mal_pcp, cpu)->granted -= (unsigned long)list->room << twice->order;
	list->room = 0;
	preempt_enable();
}

/* The block is in its zone when the other list overflows. */
static void mal_test_overflow_finds_block_in_zone(struct kunit *test)
{
	struct page *pages[MAL_TWICE_BLOCKS];
	struct mal_twice twice;
	unsigned int order, i;

	mal_twice_for_each_order(test, &twice, order) {
		for (i = 0; i <= twice.nr / 2; i++)
			pages[i] = mal_twice_alloc(test, order);
		mal_twice_fill(&twice, twice.second);
		mal_borrow_set_cap(0);
		while (--i)
			mal_free_pages(pages[i - 1], order);
		KUNIT_EXPECT_NE(test, (int)twice.desc->state, (int)MAL_PAGE_PCP);
		mal_twice_move(test, twice.first);
		mal_twice_fill(&twice, twice.first);
		mal_free_pages(pages[twice.nr / 2], order);
		mal_account_recap(MAL_TWICE_CAP);
		mal_twice_expect_account(test, &twice, 0);
		mal_account_settle(test);
	}
}

/* The block links to itself: list walks end nevertheless. */
static void mal_test_circular_list(struct kunit *test)
{
	struct mal_twice twice;
	unsigned int order;

	mal_twice_for_each_order(test, &twice, order) {
		mal_twice_move(test, twice.first);
		preempt_disable();
		twice.desc->next = twice.desc;
		preempt_enable();
		twice.reports = 2;
		mal_twice_expect_account(test, &twice, 0);
		mal_account_settle(test);
	}
}

static struct kunit_case mal_twice_cases[] = {
	KUNIT_CASE(mal_test_drain_finds_block_on_both_lists),
	KUNIT_CASE(mal_test_alloc_finds_block_on_both_lists),
	KUNIT_CASE(mal_test_drain_finds_allocated_block),
	KUNIT_CASE(mal_test_alloc_finds_block_of_another_list),
	KUNIT_CASE(mal_test_overflow_finds_block_in_zone),
	KUNIT_CASE(mal_test_circular_list),
	{}
};

struct kunit_suite mal_pcp_twice_suite = {
	.name = "memalloc_pcp_twice",
	.suite_init = mal_twice_suite_init,
	.suite_exit = mal_twice_suite_exit,
	.exit = mal_twice_exit,
	.test_cases = mal_twice_cases,
};
