// SPDX-License-Identifier: GPL-2.0
/*
 * Contexts: requests from tasks, softirqs and hardirqs, on all CPUs at once
 *
 * Each CPU has a thread. In each round it makes requests, and lets a timer, a
 * tasklet, an irq_work and a high-resolution timer of its CPU do so while it
 * does. Each completes some requests, too: its own or others'.
 *
 * A round is over when all of them have been there, so none is missing.
 *
 * On PREEMPT_RT nobody allocates in hardirq, where no lock may sleep: neither of the
 * host nor of memalloc. Callbacks of drivers are called by threads there, and so are ours.
 *
 * Context: task for what is called from outside.
 */
#include <linux/completion.h>
#include <linux/cpu.h>
#include <linux/hrtimer.h>
#include <linux/interrupt.h>
#include <linux/irq_work.h>
#include <linux/kthread.h>
#include <linux/slab.h>
#include <linux/timer.h>
#include <linux/wait.h>

#include "internal/compat.h"

#include "client.h"

#define CLIENT_BURST	16

/**
 * struct client_cpu - what makes requests on a CPU
 * @task: the thread, or NULL
 * @cpu: the CPU
 * @rounds: to go
 * @running: contexts that this round still waits for
 * @done: the thread waits here
 * @finished: all rounds are done; a thread stopped before it begins does none
 * @timer: softirq
 * @tasklet: softirq
 * @irq_work: hardirq, but on PREEMPT_RT
 * @hrtimer: hardirq, but on PREEMPT_RT
 */
struct client_cpu {
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

static void client_burst(struct client_cpu *cpu, enum client_context context)
{
	client_submit(context, CLIENT_BURST);
	client_complete(CLIENT_BURST / 2);
	if (atomic_dec_and_test(&cpu->running))
		wake_up(&cpu->done);
}

static void client_count_context(bool right)
{
	if (!right)
		atomic_long_inc(&client_wrong);
}

static void client_count_hardirq(void)
{
	client_count_context(!!in_hardirq() != IS_ENABLED(CONFIG_PREEMPT_RT));
}

static void client_on_timer(struct timer_list *timer)
{
	client_count_context(in_serving_softirq());
	client_burst(container_of(timer, struct client_cpu, timer), CLIENT_TIMER);
}

static void client_on_tasklet(struct tasklet_struct *tasklet)
{
	client_count_context(in_serving_softirq());
	client_burst(container_of(tasklet, struct client_cpu, tasklet),
		     CLIENT_TASKLET);
}

static void client_on_irq_work(struct irq_work *work)
{
	client_count_hardirq();
	client_burst(container_of(work, struct client_cpu, irq_work),
		     CLIENT_IRQ_WORK);
}

static enum hrtimer_restart client_on_hrtimer(struct hrtimer *timer)
{
	client_count_hardirq();
	client_burst(container_of(timer, struct client_cpu, hrtimer),
		     CLIENT_HRTIMER);
	return HRTIMER_NORESTART;
}

static void client_round(struct client_cpu *cpu)
{
	atomic_set(&cpu->running, CLIENT_NR_CONTEXTS);
	mod_timer(&cpu->timer, jiffies + 1);
	tasklet_schedule(&cpu->tasklet);
	irq_work_queue(&cpu->irq_work);
	hrtimer_start(&cpu->hrtimer, ns_to_ktime(50 * NSEC_PER_USEC), HRTIMER_MODE_REL_PINNED);
	client_burst(cpu, CLIENT_TASK);
	wait_event(cpu->done, !atomic_read(&cpu->running));
	client_complete(3 * CLIENT_BURST);
}

static int client_thread(void *data)
{
	struct client_cpu *cpu = data;

	while (cpu->rounds--)
		client_round(cpu);
	complete(&cpu->finished);
	while (!kthread_should_stop())
		schedule_timeout_interruptible(1);
	return 0;
}

static int client_start(struct client_cpu *cpu)
{
	struct task_struct *task;

	init_waitqueue_head(&cpu->done);
	init_completion(&cpu->finished);
	timer_setup(&cpu->timer, client_on_timer, TIMER_PINNED);
	tasklet_setup(&cpu->tasklet, client_on_tasklet);
	init_irq_work(&cpu->irq_work, client_on_irq_work);
	hrtimer_setup(&cpu->hrtimer, client_on_hrtimer, CLOCK_MONOTONIC, HRTIMER_MODE_REL_PINNED);
	task = kthread_create_on_cpu(client_thread, cpu, cpu->cpu, "client/%u");
	if (IS_ERR(task))
		return PTR_ERR(task);
	cpu->task = task;
	wake_up_process(task);
	return 0;
}

static void client_stop(struct client_cpu *cpu)
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
 * client_contexts_run() - make requests everywhere
 * @rounds: how often on each CPU
 *
 * Context: task; sleeps until all is done.
 * Return: 0, or -ENOMEM, or why there is no thread.
 */
int client_contexts_run(unsigned int rounds)
{
	struct client_cpu *cpus = kcalloc(nr_cpu_ids, sizeof(*cpus), GFP_KERNEL);
	unsigned int cpu;
	int err = 0;

	if (!cpus)
		return -ENOMEM;
	cpus_read_lock();
	for_each_online_cpu(cpu) {
		cpus[cpu].cpu = cpu;
		cpus[cpu].rounds = rounds;
		err = client_start(&cpus[cpu]);
		if (err)
			break;
	}
	for (cpu = 0; cpu < nr_cpu_ids; cpu++)
		client_stop(&cpus[cpu]);
	cpus_read_unlock();
	kfree(cpus);
	return err;
}
