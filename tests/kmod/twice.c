// SPDX-License-Identifier: GPL-2.0
/*
 * Two CPUs that repeatedly free the same block at the same time
 *
 * A thread on each of two CPUs spins until the other one is ready, and then
 * both free the same block. The blocks allocated afterwards are checked: none
 * may have two owners. Orders and numbers of blocks vary from round to round,
 * both threads keep some blocks across rounds, and now and then one of them
 * drains all lists, so that each path of a block is covered.
 *
 * Loading the module runs the test. It fails with -EUCLEAN if a block had two
 * owners. Blocks that memalloc gives up meanwhile return to the host when
 * memalloc is unloaded.
 *
 * Context: task.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/atomic.h>
#include <linux/completion.h>
#include <linux/cpumask.h>
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/prandom.h>
#include <linux/processor.h>
#include <linux/sched.h>

#include <memalloc/page_alloc.h>

#include "internal/compat.h"

#define TWICE_KEPT	24
#define TWICE_SPINS	20000000UL

static unsigned int rounds = 2000;
module_param(rounds, uint, 0444);
MODULE_PARM_DESC(rounds, "Number of double frees (default: 2000)");

static unsigned long seconds = 10;
module_param(seconds, ulong, 0444);
MODULE_PARM_DESC(seconds, "Time limit in seconds (default: 10)");

/**
 * struct twice_block - a block held by a thread
 * @page: its first page, or NULL
 * @order: its order
 */
struct twice_block {
	struct page *page;
	unsigned int order;
};

/**
 * struct twice_thread - one of the two threads
 * @kept: blocks held, of any order
 * @random: random state
 * @stolen: own blocks that the other thread has written to
 * @done: completed when the thread has finished
 */
struct twice_thread {
	struct twice_block kept[TWICE_KEPT];
	struct rnd_state random;
	unsigned long stolen;
	struct completion done;
};

static struct twice_thread twice_threads[2];
static struct twice_block twice_shared;
static atomic_t twice_arrived;
static bool twice_stop;

/* Barrier for both threads. Returns false on timeout. */
static bool twice_meet(unsigned int *turn)
{
	unsigned long spins;

	*turn += 2;
	atomic_inc(&twice_arrived);
	for (spins = 0; atomic_read(&twice_arrived) < *turn; spins++) {
		if (spins == TWICE_SPINS) {
			WRITE_ONCE(twice_stop, true);
			return false;
		}
		if (spins % 1024 == 1023)
			cond_resched();
		cpu_relax();
	}
	return true;
}

static void twice_free(struct twice_thread *thread, struct twice_block *block)
{
	if (!block->page)
		return;
	if (*(void **)page_address(block->page) != block)
		thread->stolen++;
	*(void **)page_address(block->page) = NULL;
	mal_free_pages(block->page, block->order);
	block->page = NULL;
}

static void twice_alloc(struct twice_block *block, unsigned int order)
{
	block->order = order;
	block->page = mal_alloc_pages(GFP_KERNEL | __GFP_NOWARN | __GFP_NORETRY, order);
	if (block->page)
		*(void **)page_address(block->page) = block;
}

/* Mostly small orders. */
static unsigned int twice_order(struct twice_thread *thread)
{
	u32 random = prandom_u32_state(&thread->random);

	return random % 4 ? random / 4 % 4 : random / 4 % (MAL_MAX_ORDER + 1);
}

/*
 * Free and allocate some blocks, often of the order that was just freed twice.
 */
static void twice_churn(struct twice_thread *thread)
{
	u32 random = prandom_u32_state(&thread->random);
	unsigned int i, nr = random % (TWICE_KEPT / 2);
	unsigned int order = random & BIT(20) ? twice_shared.order : twice_order(thread);

	for (i = 0; i < nr; i++) {
		struct twice_block *block = &thread->kept[(random / 256 + i) % TWICE_KEPT];

		if (block->page)
			twice_free(thread, block);
		else
			twice_alloc(block, order);
	}
}

static void twice_round(struct twice_thread *thread, unsigned int *turn)
{
	bool first = thread == &twice_threads[0];

	if (first)
		twice_alloc(&twice_shared, twice_order(thread));
	if (!twice_meet(turn) || !twice_shared.page)
		return;
	mal_free_pages(twice_shared.page, twice_shared.order);
	if (twice_meet(turn))
		twice_churn(thread);
}

static int twice_run(void *data)
{
	struct twice_thread *thread = data;
	unsigned long end = jiffies + seconds * HZ;
	unsigned int turn = 0, i;

	for (i = 0; i < rounds; i++) {
		twice_round(thread, &turn);
		if (thread == &twice_threads[0] && time_after(jiffies, end))
			WRITE_ONCE(twice_stop, true);
		if (!twice_meet(&turn) || READ_ONCE(twice_stop))
			break;
		cond_resched();
	}
	pr_info("%u blocks freed by two at once\n", i);
	for (i = 0; i < TWICE_KEPT; i++)
		twice_free(thread, &thread->kept[i]);
	complete(&thread->done);
	return 0;
}

static int twice_start(struct twice_thread *thread, unsigned int cpu)
{
	struct task_struct *task;

	prandom_seed_state(&thread->random, 29 + cpu);
	init_completion(&thread->done);
	task = kthread_create(twice_run, thread, "memalloc-twice/%u", cpu);
	if (IS_ERR(task))
		return PTR_ERR(task);
	kthread_bind(task, cpu);
	wake_up_process(task);
	return 0;
}

static int __init twice_init(void)
{
	unsigned int cpu = cpumask_first(cpu_online_mask);
	unsigned long stolen;
	int err;

	if (num_online_cpus() < 2)
		return -ENODEV;
	err = twice_start(&twice_threads[0], cpu);
	if (err)
		return err;
	err = twice_start(&twice_threads[1], cpumask_next(cpu, cpu_online_mask));
	if (err)
		WRITE_ONCE(twice_stop, true);
	else
		wait_for_completion(&twice_threads[1].done);
	wait_for_completion(&twice_threads[0].done);
	stolen = twice_threads[0].stolen + twice_threads[1].stolen;
	if (stolen)
		pr_err("%lu blocks had two owners\n", stolen);
	return err ?: stolen ? -EUCLEAN : 0;
}

static void __exit twice_exit(void)
{
}

module_init(twice_init);
module_exit(twice_exit);

MODULE_DESCRIPTION("Two CPUs that free the same block at the same time");
MODULE_LICENSE("GPL");
MAL_IMPORT();
