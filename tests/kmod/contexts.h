/* SPDX-License-Identifier: GPL-2.0 */
/*
 * contexts.h: run a function in task, softirq and hardirq context on all CPUs
 */
#ifndef _CONTEXTS_H
#define _CONTEXTS_H

#include <linux/types.h>

/**
 * enum context - context in which the function runs
 * @CONTEXT_TASK: a thread
 * @CONTEXT_TIMER: a timer; softirq
 * @CONTEXT_TASKLET: a tasklet; softirq
 * @CONTEXT_IRQ_WORK: an irq_work; hardirq, except on PREEMPT_RT
 * @CONTEXT_HRTIMER: a high-resolution timer; hardirq, except on PREEMPT_RT
 * @NR_CONTEXTS: number of contexts
 */
enum context {
	CONTEXT_TASK,
	CONTEXT_TIMER,
	CONTEXT_TASKLET,
	CONTEXT_IRQ_WORK,
	CONTEXT_HRTIMER,
	NR_CONTEXTS,
};

/**
 * struct context_ops - functions of a user
 * @begin: called in the thread of a CPU before each round, or NULL
 * @run: called once per round in each context
 * @end: called in the thread after each round, or NULL
 */
struct context_ops {
	void (*begin)(unsigned int cpu);
	void (*run)(unsigned int cpu, enum context context);
	void (*end)(unsigned int cpu);
};

bool context_is_right(enum context context);
int contexts_run(const struct context_ops *ops, unsigned int rounds);

#endif /* _CONTEXTS_H */
