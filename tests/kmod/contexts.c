// SPDX-License-Identifier: GPL-2.0
/*
 * Run a function in task, softirq and hardirq context on all CPUs at once
 *
 * Each online CPU has a thread. In each round, the thread starts a timer, a
 * tasklet, an irq_work and a high-resolution timer on its CPU, calls the
 * function itself, and waits until each of them has called the function, too.
 *
 * On PREEMPT_RT, memory cannot be allocated in hardirq context, because locks
 * may sleep. There, the irq_work and the high-resolution timer run in threads,
 * as those of drivers do.
 *
 * Context: task for exported functions.
 */
#include <linux/completion.h>
#include <linux/cpu.h>
#include <linux/hrtimer.h>
#include <linux/interrupt.h>
#include <linux/irq_work.h>
#include <linux/kthread.h>
#include <linux/preempt.h>
#include <linux/slab.h>
#include <linux/timer.h>
#include <linux/wait.h>

#include "internal/compat.h"

#include "contexts.h"

/**
 * struct contexts_cpu - the contexts of a CPU
 * @ops: functions of the user
 * @task: the thread, or NULL
 * @cpu: number of the CPU
 * @rounds: number of rounds left
 * @running: contexts that have not called the function in this round
 * @done: the thread waits here for @running
 * @finished: completed after the last round; kthread_stop() has to wait for it
 * @timer: softirq
 * @tasklet: softirq
 * @irq_work: hardirq, except on PREEMPT_RT
 * @hrtimer: hardirq, except on PREEMPT_RT
 */
struct contexts_cpu {
	const struct context_ops *ops;
	struct task_struct *task;
	unsigned int cpu;
	unsigned int rounds;
	atomic_t running;
	wait_queue_head_t done;
	struct completion finished;
	struct timer_list timer;
	struct tasklet_struct tasklet;
	struct irq_work irq_work;
	struct hrtimer hrtimer;
};

/**
 * context_is_right() - check the current context
 * @context: the expected context
 *
 * Context: any but NMI.
 * Return: true if the caller runs in @context.
 */
bool context_is_right(enum context context)
{
	switch (context) {
	case CONTEXT_TASK:
		return in_task();
	case CONTEXT_TIMER:
	case CONTEXT_TASKLET:
		return in_serving_softirq();
	default:
		return !!in_hardirq() != IS_ENABLED(CONFIG_PREEMPT_RT);
	}
}

static void contexts_call(struct contexts_cpu *cpu, enum context context)
{
	cpu->ops->run(cpu->cpu, context);
	if (atomic_dec_and_test(&cpu->running))
		wake_up(&cpu->done);
}

static void contexts_on_timer(struct timer_list *timer)
{
	contexts_call(container_of(timer, struct contexts_cpu, timer), CONTEXT_TIMER);
}

static void contexts_on_tasklet(struct tasklet_struct *tasklet)
{
	contexts_call(container_of(tasklet, struct contexts_cpu, tasklet), CONTEXT_TASKLET);
}

static void contexts_on_irq_work(struct irq_work *work)
{
	contexts_call(container_of(work, struct contexts_cpu, irq_work), CONTEXT_IRQ_WORK);
}

static enum hrtimer_restart contexts_on_hrtimer(struct hrtimer *timer)
{
	contexts_call(container_of(timer, struct contexts_cpu, hrtimer), CONTEXT_HRTIMER);
	return HRTIMER_NORESTART;
}

static void contexts_round(struct contexts_cpu *cpu)
{
	if (cpu->ops->begin)
		cpu->ops->begin(cpu->cpu);
	atomic_set(&cpu->running, NR_CONTEXTS);
	mod_timer(&cpu->timer, jiffies + 1);
	tasklet_schedule(&cpu->tasklet);
	irq_work_queue(&cpu->irq_work);
	hrtimer_start(&cpu->hrtimer, ns_to_ktime(50 * NSEC_PER_USEC), HRTIMER_MODE_REL_PINNED);
	contexts_call(cpu, CONTEXT_TASK);
	wait_event(cpu->done, !atomic_read(&cpu->running));
	if (cpu->ops->end)
		cpu->ops->end(cpu->cpu);
}

static int contexts_thread(void *data)
{
	struct contexts_cpu *cpu = data;

	while (cpu->rounds--)
		contexts_round(cpu);
	complete(&cpu->finished);
	while (!kthread_should_stop())
		schedule_timeout_interruptible(1);
	return 0;
}

static int contexts_start(struct contexts_cpu *cpu)
{
	struct task_struct *task;

	init_waitqueue_head(&cpu->done);
	init_completion(&cpu->finished);
	timer_setup(&cpu->timer, contexts_on_timer, TIMER_PINNED);
	tasklet_setup(&cpu->tasklet, contexts_on_tasklet);
	init_irq_work(&cpu->irq_work, contexts_on_irq_work);
	hrtimer_setup(&cpu->hrtimer, contexts_on_hrtimer, CLOCK_MONOTONIC,
		      HRTIMER_MODE_REL_PINNED);
	task = kthread_create_on_cpu(contexts_thread, cpu, cpu->cpu, "contexts/%u");
	if (IS_ERR(task))
		return PTR_ERR(task);
	cpu->task = task;
	wake_up_process(task);
	return 0;
}

static void contexts_stop(struct contexts_cpu *cpu)
{
	if (!cpu->task)
		return;
	wait_for_completion(&cpu->finished);
	kthread_stop(cpu->task);
	timer_delete_sync(&cpu->timer);
	tasklet_kill(&cpu->tasklet);
	irq_work_sync(&cpu->irq_work);
	hrtimer_cancel(&cpu->hrtimer);
}

/**
 * contexts_run() - call a function in each context on each online CPU
 * @ops: functions of the user
 * @rounds: number of rounds on each CPU
 *
 * Context: task; sleeps until all rounds are complete.
 * Return: 0, -ENOMEM, or the error of kthread_create_on_cpu().
 */
int contexts_run(const struct context_ops *ops, unsigned int rounds)
{
	struct contexts_cpu *cpus = kcalloc(nr_cpu_ids, sizeof(*cpus), GFP_KERNEL);
	unsigned int cpu;
	int err = 0;

	if (!cpus)
		return -ENOMEM;
	cpus_read_lock();
	for_each_online_cpu(cpu) {
		cpus[cpu].ops = ops;
		cpus[cpu].cpu = cpu;
		cpus[cpu].rounds = rounds;
		err = contexts_start(&cpus[cpu]);
		if (err)
			break;
	}
	for (cpu = 0; cpu < nr_cpu_ids; cpu++)
		contexts_stop(&cpus[cpu]);
	cpus_read_unlock();
	kfree(cpus);
	return err;
}
