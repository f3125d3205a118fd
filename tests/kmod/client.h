/* SPDX-License-Identifier: GPL-2.0 */
/*
 * client.h: a driver, as drivers are
 *
 * It is written for the kernel's own allocators, and is moved onto memalloc by
 * its Kbuild file alone.
 */
#ifndef _CLIENT_H
#define _CLIENT_H

#include <linux/types.h>

/**
 * enum client_context - where requests come from
 * @CLIENT_TASK: a thread
 * @CLIENT_TIMER: a timer; softirq
 * @CLIENT_TASKLET: a tasklet; softirq
 * @CLIENT_IRQ_WORK: irq_work; hardirq, but on PREEMPT_RT
 * @CLIENT_HRTIMER: a high-resolution timer; hardirq, but on PREEMPT_RT
 * @CLIENT_NR_CONTEXTS: how many there are
 */
enum client_context {
	CLIENT_TASK,
	CLIENT_TIMER,
	CLIENT_TASKLET,
	CLIENT_IRQ_WORK,
	CLIENT_HRTIMER,
	CLIENT_NR_CONTEXTS,
};

/* Requests in each context, those that were found to be wrong, and not made. */
extern atomic_long_t client_made[CLIENT_NR_CONTEXTS];
extern atomic_long_t client_wrong;
extern atomic_long_t client_missed;

int client_requests_init(void);
void client_requests_exit(void);
void client_submit(enum client_context context, unsigned int nr);
void client_complete(unsigned int nr);

int client_contexts_run(unsigned int rounds);

int client_driver_init(void);
void client_driver_exit(void);

#endif /* _CLIENT_H */
