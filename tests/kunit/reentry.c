// SPDX-License-Identifier: GPL-2.0
/*
 * Re-entry: interrupts that use an allocator while a thread on their CPU does
 *
 * An interrupt can hit an operation only within a few instructions. So a thread
 * allocates and frees in a loop, while a timer (softirq) and an irq_work
 * (hardirq) on its CPU do the same, until both have run often enough.
 */
#include <linux/cpumask.h>
#include <linux/jiffies.h>
#include <linux/sched.h>
#include <linux/smp.h>

#include "internal/compat.h"

#include "reentry.h"

#define MAL_REENTRY_VISITS	200
#define MAL_REENTRY_STEPS	1000	/* of the thread, per hardirq */

static void mal_reentry_visit(const struct mal_reentry *reentry,
			      struct mal_reentry_context *context)
{
	unsigned int i;

	for (i = 0; i < reentry->burst; i++)
		reentry->step(context->user);
	WRITE_ONCE(context->visits, context->visits + 1);
}

static void mal_reentry_timer(struct timer_list *timer)
{
	struct mal_reentry *reentry = container_of(timer, struct mal_reentry, timer);

	mal_reentry_visit(reentry, &reentry->softirq);
	mod_timer(timer, jiffies + 1);
}

static void mal_reentry_irq_work(struct irq_work *work)
{
	struct mal_reentry *reentry = container_of(work, struct mal_reentry, irq_work);

	mal_reentry_visit(reentry, &reentry->hardirq);
}

static bool mal_reentry_continues(const struct mal_reentry *reentry)
{
	return READ_ONCE(reentry->softirq.visits) < MAL_REENTRY_VISITS ||
	       READ_ONCE(reentry->hardirq.visits) < MAL_REENTRY_VISITS;
}

/**
 * mal_reentry_run() - run all users until the interrupts have run often enough
 * @reentry: with step, burst and the users set; not on the stack
 *
 * Context: task; sleeps.
 */
void mal_reentry_run(struct mal_reentry *reentry)
{
	int i;

	set_cpus_allowed_ptr(current, cpumask_of(raw_smp_processor_id()));
	timer_setup(&reentry->timer, mal_reentry_timer, TIMER_PINNED);
	init_irq_work(&reentry->irq_work, mal_reentry_irq_work);
	mod_timer(&reentry->timer, jiffies + 1);
	while (mal_reentry_continues(reentry)) {
		irq_work_queue(&reentry->irq_work);
		for (i = 0; i < MAL_REENTRY_STEPS; i++)
			reentry->step(reentry->thread.user);
		cond_resched();
	}
	timer_shutdown_sync(&reentry->timer);
	irq_work_sync(&reentry->irq_work);
	set_cpus_allowed_ptr(current, cpu_possible_mask);
}
