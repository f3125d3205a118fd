// SPDX-License-Identifier: GPL-2.0
/*
 * Per-CPU counters during CPU hotplug: no increment may be lost
 *
 * Loading the module starts threads that the scheduler may migrate. Each
 * increments shared per-CPU counters, and now and then allocates an area, which
 * must be zero on every possible CPU, writes to all of it and frees it. Reading
 * the parameter "result" stops the threads, sums up the counters over all
 * possible CPUs and returns a line: increments made, sum of the counters, areas
 * allocated, areas that were not zeroed.
 *
 * Context: task.
 */
#include <linux/cpumask.h>
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/percpu.h>
#include <linux/prandom.h>
#include <linux/sched.h>
#include <linux/string.h>

#include <memalloc/percpu.h>

#include "internal/compat.h"

#define COUNT_THREADS	4
#define COUNT_COUNTERS	8
#define COUNT_BETWEEN	1000	/* increments between two areas */

/**
 * struct count_thread - a thread that counts
 * @task: the task
 * @rnd: source of random sizes
 * @counts: increments made
 * @areas: areas allocated
 * @errors: areas that were not zeroed
 */
struct count_thread {
	struct task_struct *task;
	struct rnd_state rnd;
	unsigned long counts;
	unsigned long areas;
	unsigned long errors;
};

static struct count_thread count_threads[COUNT_THREADS];
static unsigned long __percpu *count_counters[COUNT_COUNTERS];
static DEFINE_MUTEX(count_lock); /* serializes stopping the threads */

static void count_area(struct count_thread *t)
{
	size_t size = 4 + prandom_u32_state(&t->rnd) % 700;
	void __percpu *area = __mal_alloc_percpu(size, 4);
	int cpu;

	if (!area)
		return;
	t->areas++;
	for_each_possible_cpu(cpu) {
		t->errors += !!memchr_inv(per_cpu_ptr(area, cpu), 0, size);
		memset(per_cpu_ptr(area, cpu), 0xa5, size);
	}
	mal_free_percpu(area);
}

static int count_run(void *data)
{
	struct count_thread *t = data;

	while (!kthread_should_stop()) {
		this_cpu_inc(*count_counters[t->counts % COUNT_COUNTERS]);
		if (++t->counts % COUNT_BETWEEN)
			continue;
		count_area(t);
		schedule_timeout_interruptible(1);
	}
	return 0;
}

static void count_stop(void)
{
	int i;

	for (i = 0; i < COUNT_THREADS; i++) {
		if (count_threads[i].task)
			kthread_stop(count_threads[i].task);
		count_threads[i].task = NULL;
	}
}

static unsigned long count_sum(void)
{
	unsigned long sum = 0;
	int i, cpu;

	for (i = 0; i < COUNT_COUNTERS; i++)
		for_each_possible_cpu(cpu)
			sum += *per_cpu_ptr(count_counters[i], cpu);
	return sum;
}

static int count_result(char *buffer, const struct kernel_param *kp)
{
	unsigned long counts = 0, areas = 0, errors = 0;
	int i;

	mutex_lock(&count_lock);
	count_stop();
	for (i = 0; i < COUNT_THREADS; i++) {
		counts += count_threads[i].counts;
		areas += count_threads[i].areas;
		errors += count_threads[i].errors;
	}
	mutex_unlock(&count_lock);
	return sprintf(buffer, "%lu %lu %lu %lu\n", counts, count_sum(), areas,
		       errors);
}

static const struct kernel_param_ops count_ops = {
	.get = count_result,
};

module_param_cb(result, &count_ops, NULL, 0400);
MODULE_PARM_DESC(result, "Increments, sum of counters, areas allocated, areas that were not zeroed");

static void count_free(void)
{
	int i;

	for (i = 0; i < COUNT_COUNTERS; i++)
		mal_free_percpu(count_counters[i]);
}

static int count_start(struct count_thread *t, int nr)
{
	struct task_struct *task;

	prandom_seed_state(&t->rnd, nr);
	task = kthread_run(count_run, t, "memalloc_count/%d", nr);
	if (IS_ERR(task))
		return PTR_ERR(task);
	t->task = task;
	return 0;
}

static int __init count_init(void)
{
	int i, err = 0;

	for (i = 0; i < COUNT_COUNTERS && !err; i++) {
		count_counters[i] = mal_alloc_percpu(unsigned long);
		if (!count_counters[i])
			err = -ENOMEM;
	}
	for (i = 0; i < COUNT_THREADS && !err; i++)
		err = count_start(&count_threads[i], i);
	if (err) {
		count_stop();
		count_free();
	}
	return err;
}

static void __exit count_exit(void)
{
	count_stop();
	count_free();
}

module_init(count_init);
module_exit(count_exit);

MODULE_DESCRIPTION("Counts in memalloc's per-CPU areas while CPUs come and go");
MODULE_LICENSE("GPL");
MAL_IMPORT();
