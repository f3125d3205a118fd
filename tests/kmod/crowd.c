// SPDX-License-Identifier: GPL-2.0
/*
 * Many caches, each with objects on every CPU
 *
 * Loading the module creates the caches. On every online CPU, an object of each
 * cache is allocated and freed, so that every CPU keeps objects of every cache.
 *
 * Writing a number to the parameter "fail" makes that many page allocations
 * fail at the cap, on one CPU, while a thread on every other CPU allocates and
 * frees objects of the first CROWD_BUSY caches. "fail_noretry" does the same
 * with __GFP_NORETRY. The cap must be low enough to be reached.
 *
 * Context: task.
 */
#include <linux/cpu.h>
#include <linux/cpumask.h>
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/vmalloc.h>
#include <linux/workqueue.h>

#include <memalloc/page_alloc.h>
#include <memalloc/slab_cache.h>

#include "internal/compat.h"

#define CROWD_SIZE	64	/* bytes per object */
#define CROWD_BUSY	32	/* caches that threads use while allocations fail */
#define CROWD_ORDER	3	/* order of the allocations that fail */

static unsigned int caches = CROWD_BUSY;
module_param(caches, uint, 0400);
MODULE_PARM_DESC(caches, "Caches to create (default: 32)");

static struct mal_kmem_cache **crowd_caches;
static struct task_struct *crowd_threads[NR_CPUS];

/* Allocate and free on this CPU, so that it keeps objects of each cache. */
static long crowd_use(void *unused)
{
	unsigned int i;

	for (i = 0; i < caches; i++) {
		void *object = mal_kmem_cache_alloc(crowd_caches[i], GFP_KERNEL);

		if (!object)
			return -ENOMEM;
		mal_kmem_cache_free(crowd_caches[i], object);
		cond_resched();
	}
	return 0;
}

static int crowd_use_everywhere(void)
{
	long err = 0;
	int cpu;

	cpus_read_lock();
	for_each_online_cpu(cpu) {
		err = work_on_cpu(cpu, crowd_use, NULL);
		if (err)
			break;
	}
	cpus_read_unlock();
	return err;
}

/*
 * Failing allocations
 */

static int crowd_hammer(void *unused)
{
	unsigned int i;

	while (!kthread_should_stop()) {
		for (i = 0; i < min_t(unsigned int, caches, CROWD_BUSY); i++) {
			void *object = mal_kmem_cache_alloc(crowd_caches[i], GFP_NOWAIT |
							    __GFP_NOWARN);

			mal_kmem_cache_free(crowd_caches[i], object);
		}
		cond_resched();
	}
	return 0;
}

static void crowd_stop(void)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		if (crowd_threads[cpu])
			kthread_stop(crowd_threads[cpu]);
		crowd_threads[cpu] = NULL;
	}
}

static int crowd_start(void)
{
	struct task_struct *task;
	int cpu;

	for_each_online_cpu(cpu) {
		if (!cpu)
			continue;
		task = kthread_create(crowd_hammer, NULL, "memalloc_crowd/%d", cpu);
		if (IS_ERR(task)) {
			crowd_stop();
			return PTR_ERR(task);
		}
		kthread_bind(task, cpu);
		crowd_threads[cpu] = task;
		wake_up_process(task);
	}
	return 0;
}

static void crowd_keep(struct list_head *kept, struct page *page)
{
	page->private = CROWD_ORDER;
	list_add(&page->lru, kept);
}

static void crowd_free_all(struct list_head *kept)
{
	struct page *page, *next;

	list_for_each_entry_safe(page, next, kept, lru) {
		unsigned int order = page->private;

		page->private = 0;
		mal_free_pages(page, order);
	}
}

/* Allocate blocks up to the cap. GFP_NOWAIT avoids interrupting other CPUs. */
static void crowd_fill(struct list_head *kept)
{
	struct page *page;

	while ((page = mal_alloc_pages(GFP_NOWAIT | __GFP_NOWARN, CROWD_ORDER)))
		crowd_keep(kept, page);
}

static long crowd_fail(void *data)
{
	unsigned long left = *(unsigned long *)data & ~BIT(BITS_PER_LONG - 1);
	gfp_t gfp = GFP_KERNEL | __GFP_NOWARN;
	LIST_HEAD(kept);

	if (*(unsigned long *)data & BIT(BITS_PER_LONG - 1))
		gfp |= __GFP_NORETRY;
	crowd_fill(&kept);
	while (left && !fatal_signal_pending(current)) {
		struct page *page = mal_alloc_pages(gfp, CROWD_ORDER);

		if (page)
			crowd_keep(&kept, page);
		else
			left--;
		cond_resched();
	}
	crowd_free_all(&kept);
	return 0;
}

static int crowd_fail_set(const char *buffer, const struct kernel_param *kp)
{
	unsigned long nr;
	int err = kstrtoul(buffer, 0, &nr);

	if (!err)
		err = crowd_start();
	if (err)
		return err;
	if (kp->arg)
		nr |= BIT(BITS_PER_LONG - 1);
	err = work_on_cpu(0, crowd_fail, &nr);
	crowd_stop();
	return err;
}

static const struct kernel_param_ops crowd_fail_ops = {
	.set = crowd_fail_set,
};

module_param_cb(fail, &crowd_fail_ops, NULL, 0200);
MODULE_PARM_DESC(fail, "Number of allocations to fail while all CPUs use caches");
module_param_cb(fail_noretry, &crowd_fail_ops, &caches, 0200);
MODULE_PARM_DESC(fail_noretry, "Likewise, with __GFP_NORETRY");

static void crowd_destroy(void)
{
	unsigned int i;

	for (i = 0; i < caches && crowd_caches[i]; i++) {
		mal_kmem_cache_destroy(crowd_caches[i]);
		cond_resched();
	}
	vfree(crowd_caches);
}

static int crowd_create(void)
{
	unsigned int i;

	for (i = 0; i < caches; i++) {
		crowd_caches[i] = mal_kmem_cache_create("crowd", CROWD_SIZE, 0, 0, NULL);
		if (!crowd_caches[i])
			return -ENOMEM;
		cond_resched();
	}
	return 0;
}

static int __init crowd_init(void)
{
	int err;

	crowd_caches = vzalloc(array_size(caches, sizeof(*crowd_caches)));
	if (!crowd_caches)
		return -ENOMEM;
	err = crowd_create();
	if (!err)
		err = crowd_use_everywhere();
	if (err)
		crowd_destroy();
	return err;
}

static void __exit crowd_exit(void)
{
	crowd_destroy();
}

module_init(crowd_init);
module_exit(crowd_exit);

MODULE_DESCRIPTION("Many memalloc caches with objects on every CPU");
MODULE_LICENSE("GPL");
MAL_IMPORT();
