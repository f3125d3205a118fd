// SPDX-License-Identifier: GPL-2.0
/*
 * Failure injection: only the allocations of the task itself count
 */
#include <kunit/test.h>

#include <linux/irq_work.h>
#include <linux/mm.h>
#include <linux/preempt.h>
#include <linux/sched.h>

#include <memalloc/page_alloc.h>

#include "internal/inject.h"

#include "memalloc_kunit.h"
#include "page_account.h"

#define MAL_INJECT_INTERRUPTS	20

/**
 * struct mal_inject_interrupt - an interrupt that allocates and frees
 * @work: the interrupt
 * @done: it has ended
 * @failed: number of allocations that failed
 */
struct mal_inject_interrupt {
	struct irq_work work;
	bool done;
	unsigned int failed;
};

static void mal_inject_interrupt_fn(struct irq_work *work)
{
	struct mal_inject_interrupt *interrupt =
		container_of(work, struct mal_inject_interrupt, work);
	struct page *page = mal_alloc_page(GFP_ATOMIC | __GFP_NOWARN);

	if (page)
		mal_free_page(page);
	else
		interrupt->failed++;
	/* Pairs with mal_inject_be_interrupted(). */
	smp_store_release(&interrupt->done, true);
}

/* The task does not leave the CPU, so the interrupt hits it. */
static void mal_inject_be_interrupted(struct mal_inject_interrupt *interrupt)
{
	WRITE_ONCE(interrupt->done, false);
	preempt_disable();
	irq_work_queue(&interrupt->work);
	/* Pairs with mal_inject_interrupt_fn(). */
	while (!smp_load_acquire(&interrupt->done))
		cpu_relax();
	preempt_enable();
}

/*
 * The next allocation of the task fails. Interrupts that allocate meanwhile do
 * not, and do not use the failure up.
 */
static void mal_test_interrupts_do_not_count(struct kunit *test)
{
	struct mal_inject_interrupt *interrupt =
		kunit_kzalloc(test, sizeof(*interrupt), GFP_KERNEL);
	struct mal_inject_scope scope;
	struct mal_inject inject;
	struct page *page;
	u64 left;
	int i;

	if (IS_ENABLED(CONFIG_PREEMPT_RT))
		kunit_skip(test, "interrupts are threads");
	KUNIT_ASSERT_NOT_NULL(test, interrupt);
	init_irq_work(&interrupt->work, mal_inject_interrupt_fn);
	/* Free pages for the interrupt. */
	page = mal_alloc_pages(GFP_KERNEL, 3);
	KUNIT_ASSERT_NOT_NULL(test, page);
	mal_free_pages(page, 3);
	mal_inject_init(&inject);
	mal_inject_arm(&inject, 1);
	mal_inject_enter(&scope, &inject);
	for (i = 0; i < MAL_INJECT_INTERRUPTS; i++)
		mal_inject_be_interrupted(interrupt);
	page = mal_alloc_page(GFP_KERNEL | __GFP_NOWARN);
	mal_inject_leave(&scope);
	left = mal_inject_arm(&inject, 0);
	mal_inject_destroy(&inject);
	KUNIT_EXPECT_EQ(test, interrupt->failed, 0U);
	KUNIT_EXPECT_NULL(test, page);
	KUNIT_EXPECT_EQ(test, left, 0ULL);
	mal_free_pages(page, 0);
	mal_account_settle(test);
}

static struct kunit_case mal_inject_cases[] = {
	KUNIT_CASE(mal_test_interrupts_do_not_count),
	{}
};

struct kunit_suite mal_inject_suite = {
	.name = "memalloc_inject",
	.test_cases = mal_inject_cases,
};
