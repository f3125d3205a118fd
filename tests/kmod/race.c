// SPDX-License-Identifier: GPL-2.0
/*
 * Data races for KCSAN to find
 *
 * Two threads run without a lock. Both increment the same variable: a race of
 * this module with itself. One of them also makes memalloc write addresses of
 * objects into an array that the other one reads: a race of this module with
 * memalloc. If KCSAN reports both, it covers modules, memalloc among them, and
 * detects accesses from two CPUs; so the absence of other reports is
 * meaningful.
 *
 * Loading starts the threads, unloading stops them. The values read are not
 * used.
 *
 * Context: task.
 */
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/sched.h>

#include <memalloc/slab_cache.h>

#include "internal/compat.h"

#define RACE_OBJECTS	16

static struct mal_kmem_cache *race_cache;
static void *race_objects[RACE_OBJECTS];
static unsigned long race_count, race_sum;
static struct task_struct *race_threads[2];

static int race_write(void *unused)
{
	while (!kthread_should_stop()) {
		race_count++;
		if (mal_kmem_cache_alloc_bulk(race_cache, GFP_KERNEL, RACE_OBJECTS,
					      race_objects))
			mal_kmem_cache_free_bulk(race_cache, RACE_OBJECTS, race_objects);
		cond_resched();
	}
	return 0;
}

static int race_read(void *unused)
{
	int i;

	while (!kthread_should_stop()) {
		race_count++;
		for (i = 0; i < RACE_OBJECTS; i++)
			race_sum += (unsigned long)race_objects[i];
		cond_resched();
	}
	return 0;
}

static void race_stop(void)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(race_threads); i++)
		if (!IS_ERR_OR_NULL(race_threads[i]))
			kthread_stop(race_threads[i]);
	mal_kmem_cache_destroy(race_cache);
}

static int __init race_init(void)
{
	race_cache = mal_kmem_cache_create("race", 64, 0, 0, NULL);
	if (!race_cache)
		return -ENOMEM;
	race_threads[0] = kthread_run(race_write, NULL, "memalloc-race/w");
	race_threads[1] = kthread_run(race_read, NULL, "memalloc-race/r");
	if (!IS_ERR(race_threads[0]) && !IS_ERR(race_threads[1]))
		return 0;
	race_stop();
	return -ENOMEM;
}

static void __exit race_exit(void)
{
	race_stop();
}

module_init(race_init);
module_exit(race_exit);

MODULE_DESCRIPTION("Data races with itself and with memalloc, for KCSAN to find");
MODULE_LICENSE("GPL");
MAL_IMPORT();
