// SPDX-License-Identifier: GPL-2.0
/*
 * Random use of caches and kmalloc
 *
 * Models (slab_model.c) allocate, free and pass on objects at random: one
 * alone, or several at once in task, softirq and hardirq context. A single
 * model's figures are compared with those of the caches.
 */
#include <kunit/test.h>

#include <linux/irq_work.h>
#include <linux/kthread.h>
#include <linux/timer.h>

#include <memalloc/kmalloc.h>

#include "internal/slab_cache.h"
#include "internal/slab_reclaim.h"

#include "memalloc_kunit.h"
#include "page_account.h"
#include "slab_model.h"

#define MAL_PROPERTY_STEPS	60000
#define MAL_PROPERTY_LOOK	2000	/* steps between two full checks */
#define MAL_CROWD_THREADS	4
#define MAL_CROWD_STEPS		15000	/* per thread */
#define MAL_CROWD_BURST		16	/* steps per interrupt */

static void mal_expect_valid(struct kunit *test)
{
	u64 checked = 0;

	KUNIT_EXPECT_EQ(test, mal_slab_validate(&checked), 0ULL);
	KUNIT_EXPECT_GT(test, checked, 0ULL);
	mal_account_valid(test);
}

static void mal_expect_no_error(struct kunit *test,
				const struct mal_slab_model *model)
{
	KUNIT_EXPECT_EQ_MSG(test, model->errors, 0UL, "user %u, first: %s",
			    model->id, model->error);
}

/* Each cache has as many active objects as the models and slots hold. */
static void mal_expect_active(struct kunit *test, struct mal_slab_pool *pool)
{
	struct mal_cache_stats stats;
	unsigned int i;

	for (i = 0; i < MAL_POOL_CACHES; i++) {
		struct mal_pool_cache *pc = &pool->caches[i];

		mal_cache_stats(pc->cache, &stats);
		KUNIT_EXPECT_EQ_MSG(test, stats.active,
				    (u64)atomic_long_read(&pc->held),
				    "cache %u of objects of %u bytes", i, pc->size);
	}
}

static u64 mal_kmalloc_active(void)
{
	struct mal_cache_stats stats;
	unsigned int type, index;
	u64 active = 0;

	for (type = 0; type < MAL_NR_KMALLOC_TYPES; type++)
		for (index = 0; index < MAL_NR_KMALLOC_CLASSES; index++) {
			mal_cache_stats(mal_kmalloc_caches[type][index], &stats);
			active += stats.active;
		}
	return active;
}

/* No object is held: expect that only the reserve is left. */
static void mal_settle(struct kunit *test, struct mal_slab_pool *pool)
{
	mal_kfree_rcu_barrier();
	KUNIT_EXPECT_TRUE(test, mal_slab_pool_destroy(pool));
	KUNIT_EXPECT_EQ(test, mal_kmalloc_active(), 0ULL);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&mal_pool_constructed), 0L);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&mal_pool_spoiled), 0L);
	mal_slab_shrink();
	rcu_barrier();
	mal_account_settle(test);
}

static struct mal_slab_pool *mal_test_pool(struct kunit *test, u64 seed)
{
	struct mal_slab_pool *pool;
	struct rnd_state rnd;

	prandom_seed_state(&rnd, seed);
	pool = mal_slab_pool_create(&rnd);
	KUNIT_ASSERT_NOT_NULL(test, pool);
	return pool;
}

/*
 * One user
 */

static void mal_test_one_user(struct kunit *test)
{
	u64 seed = mal_test_seed(test);
	struct mal_slab_pool *pool = mal_test_pool(test, seed);
	u64 reports = mal_reports_total();
	struct mal_slab_model *model;

	model = mal_slab_model_create(pool, 1, seed, 4096);
	KUNIT_ASSERT_NOT_NULL(test, model);
	while (model->steps < mal_test_effort(MAL_PROPERTY_STEPS) && !model->errors) {
		mal_slab_model_step(model, true);
		if (model->steps % MAL_PROPERTY_LOOK == 0) {
			mal_expect_valid(test);
			mal_expect_active(test, pool);
			cond_resched();
		}
	}
	mal_slab_model_drain(model);
	mal_expect_no_error(test, model);
	mal_expect_active(test, pool);
	kunit_info(test, "%lu steps, %lu refusals", model->steps, model->refused);
	mal_slab_model_destroy(model);
	mal_settle(test, pool);
	KUNIT_EXPECT_EQ(test, mal_reports_total(), reports);
}

/*
 * Concurrent users
 */

/**
 * struct mal_slab_crowd - concurrent users in all contexts
 * @threads: users in task context, on any CPU
 * @thread_models: models of @threads
 * @running: number of unfinished threads
 * @stop: interrupts stop
 * @timer: user in softirq context
 * @timer_model: model of @timer
 * @irq_work: user in hardirq context
 * @irq_model: model of @irq_work
 * @irq_busy: an interrupt uses @irq_model, on any CPU
 */
struct mal_slab_crowd {
	struct task_struct *threads[MAL_CROWD_THREADS];
	struct mal_slab_model *thread_models[MAL_CROWD_THREADS];
	atomic_t running;
	bool stop;
	struct timer_list timer;
	struct mal_slab_model *timer_model;
	struct irq_work irq_work;
	struct mal_slab_model *irq_model;
	atomic_t irq_busy;
};

static struct mal_slab_crowd mal_slab_crowd;

static int mal_crowd_thread(void *data)
{
	struct mal_slab_model *model = data;

	while (model->steps < mal_test_effort(MAL_CROWD_STEPS) && !model->errors) {
		mal_slab_model_step(model, true);
		cond_resched();
	}
	atomic_dec(&mal_slab_crowd.running);
	while (!kthread_should_stop())
		schedule_timeout_interruptible(1);
	return 0;
}

static void mal_crowd_burst(struct mal_slab_model *model)
{
	int i;

	for (i = 0; i < MAL_CROWD_BURST && !model->errors; i++)
		mal_slab_model_step(model, false);
}

static void mal_crowd_timer(struct timer_list *timer)
{
	mal_crowd_burst(mal_slab_crowd.timer_model);
	if (!READ_ONCE(mal_slab_crowd.stop))
		mod_timer(timer, jiffies + 1);
}

/* The irq_work may be queued on one CPU while it still runs on another. */
static void mal_crowd_irq_work(struct irq_work *work)
{
	if (atomic_xchg_acquire(&mal_slab_crowd.irq_busy, 1))
		return;
	mal_crowd_burst(mal_slab_crowd.irq_model);
	atomic_set_release(&mal_slab_crowd.irq_busy, 0);
}

static struct mal_slab_model *mal_crowd_model(struct kunit *test,
					      struct mal_slab_pool *pool, u8 id,
					      u64 seed)
{
	struct mal_slab_model *model = mal_slab_model_create(pool, id, seed, 1024);

	KUNIT_ASSERT_NOT_NULL(test, model);
	return model;
}

static void mal_crowd_start(struct kunit *test, struct mal_slab_crowd *crowd,
			    struct mal_slab_pool *pool, u64 seed)
{
	struct task_struct *thread;
	int i;

	memset(crowd, 0, sizeof(*crowd));
	crowd->timer_model = mal_crowd_model(test, pool, 0x40, seed);
	crowd->irq_model = mal_crowd_model(test, pool, 0x41, seed);
	timer_setup(&crowd->timer, mal_crowd_timer, 0);
	init_irq_work(&crowd->irq_work, mal_crowd_irq_work);
	for (i = 0; i < MAL_CROWD_THREADS; i++) {
		crowd->thread_models[i] = mal_crowd_model(test, pool, i + 1, seed);
		thread = kthread_create(mal_crowd_thread, crowd->thread_models[i],
					"memalloc_test/%d", i);
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, thread);
		atomic_inc(&crowd->running);
		crowd->threads[i] = thread;
		wake_up_process(thread);
	}
	mod_timer(&crowd->timer, jiffies + 1);
}

static void mal_crowd_stop(struct mal_slab_crowd *crowd)
{
	int i;

	for (i = 0; i < MAL_CROWD_THREADS; i++)
		kthread_stop(crowd->threads[i]);
	WRITE_ONCE(crowd->stop, true);
	timer_delete_sync(&crowd->timer);
	irq_work_sync(&crowd->irq_work);
}

/* Free all objects of a model, and the model. */
static void mal_crowd_leave(struct kunit *test, struct mal_slab_model *model)
{
	mal_slab_model_drain(model);
	mal_expect_no_error(test, model);
	KUNIT_EXPECT_GT_MSG(test, model->steps, 0UL, "user %u did not run",
			    model->id);
	mal_slab_model_destroy(model);
}

static void mal_test_crowd(struct kunit *test)
{
	struct mal_slab_crowd *crowd = &mal_slab_crowd;
	u64 seed = mal_test_seed(test);
	struct mal_slab_pool *pool = mal_test_pool(test, seed);
	u64 reports = mal_reports_total();
	unsigned long i;

	mal_crowd_start(test, crowd, pool, seed);
	for (i = 0; atomic_read(&crowd->running); i++) {
		irq_work_queue(&crowd->irq_work);
		if (i % 16 == 0)
			mal_expect_valid(test);
		if (i % 64 == 0)
			mal_slab_reap(0);
		schedule_timeout_uninterruptible(1);
	}
	mal_crowd_stop(crowd);
	kunit_info(test, "steps: softirq %lu, hardirq %lu",
		   crowd->timer_model->steps, crowd->irq_model->steps);
	for (i = 0; i < MAL_CROWD_THREADS; i++)
		mal_crowd_leave(test, crowd->thread_models[i]);
	mal_crowd_leave(test, crowd->timer_model);
	mal_crowd_leave(test, crowd->irq_model);
	mal_expect_active(test, pool);
	mal_expect_valid(test);
	mal_settle(test, pool);
	KUNIT_EXPECT_EQ(test, mal_reports_total(), reports);
}

static struct kunit_case mal_slab_property_cases[] = {
	KUNIT_CASE(mal_test_one_user),
	KUNIT_CASE(mal_test_crowd),
	{}
};

struct kunit_suite mal_slab_property_suite = {
	.name = "memalloc_slab_property",
	.test_cases = mal_slab_property_cases,
};
