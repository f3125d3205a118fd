// SPDX-License-Identifier: GPL-2.0
/*
 * An interrupt that allocates while the CPU that it came to is allocating does
 * not get in its way
 *
 * The per-CPU lists are used with interrupts on. Whether an interrupt in the
 * middle of that is kept out shows only if there is one, in a few instructions:
 * so a thread does nothing but allocate and free, while a timer (softirq) and
 * an irq_work (hardirq) on its CPU do, until there were many of either.
 */
#include <kunit/test.h>

#include <linux/cpumask.h>
#include <linux/irq_work.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/timer.h>

#include <memalloc/page_alloc.h>

#include "memalloc_kunit.h"
#include "page_account.h"

#define MAL_REENTRY_PAGES	8
#define MAL_REENTRY_VISITS	200

/**
 * struct mal_reentry_user - one of those who allocate
 * @pages: what it holds
 * @next: the next of @pages to be freed, or allocated
 * @visits: how often it was there
 * @stolen: pages in which somebody else has written
 */
struct mal_reentry_user {
	struct page *pages[MAL_REENTRY_PAGES];
	unsigned int next;
	unsigned long visits;
	unsigned long stolen;
};

/**
 * struct mal_reentry - all of them
 * @thread: in task context
 * @softirq: in a timer
 * @hardirq: in an irq_work
 * @timer: runs @softirq, and itself again
 * @irq_work: runs @hardirq
 */
struct mal_reentry {
	struct mal_reentry_user thread;
	struct mal_reentry_user softirq;
	struct mal_reentry_user hardirq;
	struct timer_list timer;
	struct irq_work irq_work;
};

static void mal_reentry_free(struct mal_reentry_user *user, struct page *page)
{
	if (*(void **)page_address(page) != user)
		user->stolen++;
	mal_free_page(page);
}

/* Free what is there, or allocate what is not. */
static void mal_reentry_step(struct mal_reentry_user *user)
{
	struct page **page = &user->pages[user->next++ % MAL_REENTRY_PAGES];

	if (*page) {
		mal_reentry_free(user, *page);
		*page = NULL;
		return;
	}
	*page = mal_alloc_page(GFP_ATOMIC | __GFP_NOWARN);
	if (*page)
		*(void **)page_address(*page) = user;
}

/* All taken, or all given: the lists are not what they were before. */
static void mal_reentry_visit(struct mal_reentry_user *user)
{
	int i;

	for (i = 0; i < MAL_REENTRY_PAGES; i++)
		mal_reentry_step(user);
	WRITE_ONCE(user->visits, user->visits + 1);
}

static void mal_reentry_timer(struct timer_list *timer)
{
	struct mal_reentry *all = container_of(timer, struct mal_reentry, timer);

	mal_reentry_visit(&all->softirq);
	mod_timer(timer, jiffies + 1);
}

static void mal_reentry_irq_work(struct irq_work *work)
{
	struct mal_reentry *all = container_of(work, struct mal_reentry, irq_work);

	mal_reentry_visit(&all->hardirq);
}

static bool mal_reentry_goes_on(const struct mal_reentry *all)
{
	return READ_ONCE(all->softirq.visits) < MAL_REENTRY_VISITS ||
	       READ_ONCE(all->hardirq.visits) < MAL_REENTRY_VISITS;
}

static void mal_reentry_leave(struct kunit *test, struct mal_reentry_user *user)
{
	int i;

	for (i = 0; i < MAL_REENTRY_PAGES; i++)
		if (user->pages[i])
			mal_reentry_free(user, user->pages[i]);
	KUNIT_EXPECT_EQ(test, user->stolen, 0UL);
}

static void mal_test_interrupts_are_kept_out(struct kunit *test)
{
	struct mal_reentry *all = kunit_kzalloc(test, sizeof(*all), GFP_KERNEL);
	u64 reports = mal_reports_total();
	int i;

	KUNIT_ASSERT_NOT_NULL(test, all);
	set_cpus_allowed_ptr(current, cpumask_of(raw_smp_processor_id()));
	timer_setup(&all->timer, mal_reentry_timer, TIMER_PINNED);
	init_irq_work(&all->irq_work, mal_reentry_irq_work);
	mod_timer(&all->timer, jiffies + 1);
	while (mal_reentry_goes_on(all)) {
		irq_work_queue(&all->irq_work);
		for (i = 0; i < 1000; i++)
			mal_reentry_step(&all->thread);
		cond_resched();
	}
	timer_shutdown_sync(&all->timer);
	irq_work_sync(&all->irq_work);
	set_cpus_allowed_ptr(current, cpu_possible_mask);
	mal_reentry_leave(test, &all->thread);
	mal_reentry_leave(test, &all->softirq);
	mal_reentry_leave(test, &all->hardirq);
	mal_account_settle(test);
	KUNIT_EXPECT_EQ(test, mal_reports_total(), reports);
}

static struct kunit_case mal_reentry_cases[] = {
	KUNIT_CASE(mal_test_interrupts_are_kept_out),
	{}
};

struct kunit_suite mal_page_reentry_suite = {
	.name = "memalloc_page_reentry",
	.test_cases = mal_reentry_cases,
};
