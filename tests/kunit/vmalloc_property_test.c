// SPDX-License-Identifier: GPL-2.0
/*
 * Random use of vmalloc
 *
 * Models (vmalloc_model.c) allocate, free, resize and pass on areas at random:
 * one alone, or several at once in task, softirq and hardirq context, while the
 * cache is shrunk, switched off and switched on.
 */
#include <kunit/test.h>

#include <linux/irq_work.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/timer.h>

#include "internal/area_cache.h"
#include "internal/slab_cache.h"
#include "internal/slab_reclaim.h"
#include "internal/vmalloc_area.h"

#include "memalloc_kunit.h"
#include "page_account.h"
#include "vmalloc_model.h"

#define MAL_PROPERTY_STEPS	4000
#define MAL_PROPERTY_LOOK	100	/* steps between two full checks */
#define MAL_CROWD_THREADS	3
#define MAL_CROWD_STEPS		1200	/* per thread */
#define MAL_CROWD_BURST		8	/* steps per interrupt */
#define MAL_CROWD_LIMIT		600	/* pages in the cache */

static void mal_expect_no_error(struct kunit *test,
				const struct mal_vmalloc_model *model)
{
	KUNIT_EXPECT_EQ_MSG(test, model->errors, 0UL, "user %u, first: %s",
			    model->id, model->error);
}

/* There are as many areas as the only model holds, possibly a little larger. */
static void mal_expect_figures(struct kunit *test,
			       const struct mal_vmalloc_model *model)
{
	struct mal_area_cache_stats cache;
	struct mal_vmalloc_stats stats;
	unsigned long areas, pages;

	mal_area_cache_sync();
	pages = mal_vmalloc_model_pages(model, &areas);
	mal_vmalloc_stats(&stats);
	KUNIT_EXPECT_EQ(test, stats.areas, areas);
	KUNIT_EXPECT_GE(test, stats.pages, pages);
	KUNIT_EXPECT_LE(test, stats.pages, pages + pages / 8);
	mal_area_cache_stats(&cache);
	KUNIT_EXPECT_LE(test, cache.pages, cache.limit);
	mal_account_valid(test);
}

/* No area is held: expect that only the reserve is left. */
static void mal_settle(struct kunit *test)
{
	struct mal_area_cache_stats cache;
	struct mal_vmalloc_stats stats;

	mal_area_cache_sync();
	mal_vmalloc_stats(&stats);
	KUNIT_EXPECT_EQ(test, stats.areas, 0UL);
	KUNIT_EXPECT_EQ(test, stats.pages, 0UL);
	mal_area_cache_shrink(ULONG_MAX);
	mal_area_cache_stats(&cache);
	KUNIT_EXPECT_EQ(test, cache.areas, 0UL);
	KUNIT_EXPECT_EQ(test, cache.pages, 0UL);
	mal_slab_shrink();
	mal_account_settle(test);
}

/* Print the cache statistics. */
static void mal_print_cache_stats(struct kunit *test)
{
	struct mal_area_cache_stats cache;

	mal_area_cache_stats(&cache);
	kunit_info(test, "hits: CPU %lu, node %lu; misses %lu; cached: %lu pages in %lu areas of %lu",
		   cache.cpu_hits, cache.node_hits, cache.misses, cache.pages,
		   cache.areas, cache.limit);
}

/*
 * One user
 */

static void mal_test_one_user(struct kunit *test)
{
	u64 seed = mal_test_seed(test), reports = mal_reports_total();
	struct mal_vmalloc_model *model;

	model = kunit_kzalloc(test, sizeof(*model), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, model);
	mal_vmalloc_model_init(model, 1, seed);
	while (model->steps < mal_test_effort(MAL_PROPERTY_STEPS) && !model->errors) {
		mal_vmalloc_model_step(model, true);
		if (model->steps % MAL_PROPERTY_LOOK == 0)
			mal_expect_figures(test, model);
		cond_resched();
	}
	mal_print_cache_stats(test);
	mal_vmalloc_model_drain(model);
	mal_expect_no_error(test, model);
	kunit_info(test, "%lu steps, %lu refusals", model->steps, model->refused);
	mal_settle(test);
	KUNIT_EXPECT_EQ(test, mal_reports_total(), reports);
}

/*
 * Concurrent users
 */

/**
 * struct mal_vmalloc_crowd - concurrent users in all contexts
 * @threads: users in task context, on any CPU
 * @thread_models: models of @threads
 * @running: number of unfinished threads
 * @stop: interrupts stop
 * @timer: user in softirq context
 * @timer_model: model of @timer
 * @irq_work: user in hardirq context
 * @irq_model: model of @irq_work
 */
struct mal_vmalloc_crowd {
	struct task_struct *threads[MAL_CROWD_THREADS];
	struct mal_vmalloc_model thread_models[MAL_CROWD_THREADS];
	atomic_t running;
	bool stop;
	struct timer_list timer;
	struct mal_vmalloc_model timer_model;
	struct irq_work irq_work;
	struct mal_vmalloc_model irq_model;
};

static struct mal_vmalloc_crowd *mal_vmalloc_crowd;

static int mal_crowd_thread(void *data)
{
	struct mal_vmalloc_model *model = data;

	while (model->steps < mal_test_effort(MAL_CROWD_STEPS) && !model->errors) {
		mal_vmalloc_model_step(model, true);
		cond_resched();
	}
	atomic_dec(&mal_vmalloc_crowd->running);
	while (!kthread_should_stop())
		schedule_timeout_interruptible(1);
	return 0;
}

static void mal_crowd_burst(struct mal_vmalloc_model *model)
{
	int i;

	for (i = 0; i < MAL_CROWD_BURST && !model->errors; i++)
		mal_vmalloc_model_step(model, false);
}

static void mal_crowd_timer(struct timer_list *timer)
{
	mal_crowd_burst(&mal_vmalloc_crowd->timer_model);
	if (!READ_ONCE(mal_vmalloc_crowd->stop))
		mod_timer(timer, jiffies + 1);
}

static void mal_crowd_irq_work(struct irq_work *work)
{
	mal_crowd_burst(&mal_vmalloc_crowd->irq_model);
}

static void mal_crowd_start(struct kunit *test, struct mal_vmalloc_crowd *crowd,
			    u64 seed)
{
	struct task_struct *thread;
	int i;

	mal_vmalloc_model_init(&crowd->timer_model, 0x40, seed);
	mal_vmalloc_model_init(&crowd->irq_model, 0x41, seed);
	timer_setup(&crowd->timer, mal_crowd_timer, 0);
	init_irq_work(&crowd->irq_work, mal_crowd_irq_work);
	for (i = 0; i < MAL_CROWD_THREADS; i++) {
		mal_vmalloc_model_init(&crowd->thread_models[i], i + 1, seed);
		thread = kthread_create(mal_crowd_thread, &crowd->thread_models[i],
					"memalloc_test/%d", i);
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, thread);
		atomic_inc(&crowd->running);
		crowd->threads[i] = thread;
		wake_up_process(thread);
	}
	mod_timer(&crowd->timer, jiffies + 1);
}

static void mal_crowd_stop(struct mal_vmalloc_crowd *crowd)
{
	int i;

	for (i = 0; i < MAL_CROWD_THREADS; i++)
		kthread_stop(crowd->threads[i]);
	WRITE_ONCE(crowd->stop, true);
	timer_delete_sync(&crowd->timer);
	irq_work_sync(&crowd->irq_work);
}

static void mal_crowd_leave(struct kunit *test, struct mal_vmalloc_model *model)
{
	mal_vmalloc_model_drain(model);
	mal_expect_no_error(test, model);
	KUNIT_EXPECT_GT_MSG(test, model->steps, 0UL, "user %u did not run",
			    model->id);
}

/* Shrink the cache and change its limit while it is in use. */
static void mal_crowd_disturb(struct kunit *test, unsigned long turn)
{
	irq_work_queue(&mal_vmalloc_crowd->irq_work);
	if (turn % 4 == 1)
		mal_area_cache_shrink(turn % 64);
	if (turn % 16 == 2)
		mal_area_cache_set_limit(turn % 32 == 2 ? 0 : MAL_CROWD_LIMIT);
	if (turn % 32 == 3)
		mal_account_valid(test);
}

static void mal_test_crowd(struct kunit *test)
{
	u64 seed = mal_test_seed(test), reports = mal_reports_total();
	struct mal_area_cache_stats before;
	struct mal_vmalloc_crowd *crowd;
	unsigned long turn;
	int i;

	crowd = kunit_kzalloc(test, sizeof(*crowd), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, crowd);
	mal_vmalloc_crowd = crowd;
	mal_area_cache_stats(&before);
	mal_crowd_start(test, crowd, seed);
	for (turn = 0; atomic_read(&crowd->running); turn++) {
		mal_crowd_disturb(test, turn);
		schedule_timeout_uninterruptible(1);
	}
	mal_crowd_stop(crowd);
	mal_print_cache_stats(test);
	kunit_info(test, "steps: softirq %lu, hardirq %lu; refused: softirq %lu, hardirq %lu",
		   crowd->timer_model.steps, crowd->irq_model.steps,
		   crowd->timer_model.refused, crowd->irq_model.refused);
	for (i = 0; i < MAL_CROWD_THREADS; i++)
		mal_crowd_leave(test, &crowd->thread_models[i]);
	mal_crowd_leave(test, &crowd->timer_model);
	mal_crowd_leave(test, &crowd->irq_model);
	mal_area_cache_set_limit(before.limit);
	mal_settle(test);
	KUNIT_EXPECT_EQ(test, mal_reports_total(), reports);
}

static struct kunit_case mal_vmalloc_property_cases[] = {
	KUNIT_CASE(mal_test_one_user),
	KUNIT_CASE(mal_test_crowd),
	{}
};

struct kunit_suite mal_vmalloc_property_suite = {
	.name = "memalloc_vmalloc_property",
	.test_cases = mal_vmalloc_property_cases,
};
