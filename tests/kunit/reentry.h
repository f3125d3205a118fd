/* SPDX-License-Identifier: GPL-2.0 */
/*
 * reentry.h: users of an allocator in all contexts of one CPU
 */
#ifndef _MAL_REENTRY_H
#define _MAL_REENTRY_H

#include <linux/irq_work.h>
#include <linux/timer.h>

/**
 * struct mal_reentry_context - a user in one context
 * @user: passed to mal_reentry.step
 * @visits: number of interrupts
 */
struct mal_reentry_context {
	void *user;
	unsigned long visits;
};

/**
 * struct mal_reentry - users in all contexts
 * @step: allocates or frees once for a user
 * @burst: number of steps of an interrupt
 * @thread: user in task context
 * @softirq: user in a timer
 * @hardirq: user in an irq_work
 * @timer: runs @softirq, and rearms itself
 * @irq_work: runs @hardirq
 */
struct mal_reentry {
	void (*step)(void *user);
	unsigned int burst;
	struct mal_reentry_context thread;
	struct mal_reentry_context softirq;
	struct mal_reentry_context hardirq;
	struct timer_list timer;
	struct irq_work irq_work;
};

void mal_reentry_run(struct mal_reentry *reentry);

#endif /* _MAL_REENTRY_H */
