// SPDX-License-Identifier: GPL-2.0
/*
 * Random use of the page allocator
 *
 * Models (page_model.c) allocate and free at random: one alone, or several at
 * once in task, softirq and hardirq context, under a cap that they reach
 * repeatedly. A single model's figures are compared with the allocator's. Each
 * refusal must be justified by the cap or the host.
 */
#include <kunit/test.h>

#include <linux/irq_work.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/timer.h>

#include "internal/borrow.h"
#include "internal/node.h"

#include "memalloc_kunit.h"
#include "page_account.h"
#include "page_model.h"
#include "sanitizer_test.h"

#define MAL_PROPERTY_STEPS	150000
#define MAL_PROPERTY_LOOK	1000	/* steps between two full checks */
#define MAL_PROPERTY_CAP	(48UL << (20 - PAGE_SHIFT))

#define MAL_CROWD_THREADS	4
#define MAL_CROWD_STEPS		25000	/* per thread */
#define MAL_CROWD_BURST		16	/* steps per interrupt */

static int mal_property_suite_init(struct kunit_suite *suite)
{
	return mal_model_setup() ?: mal_account_cap(MAL_PROPERTY_CAP);
}

static void mal_property_suite_exit(struct kunit_suite *suite)
{
	mal_account_uncap();
	mal_model_teardown();
}

static void mal_expect_no_error(struct kunit *test, const struct mal_model *model)
{
	KUNIT_EXPECT_EQ_MSG(test, model->errors, 0UL, "user %u, first: %s",
			    model->id, model->error);
}

/*
 * One user
 */

/*
 * Is there a free block that would have served the model's last allocation?
 * Blocks on the lists of other CPUs count only for a sleeping allocation.
 */
static bool mal_block_is_there(const struct mal_model *model, u64 reserve)
{
	bool may_sleep = gfpflags_allow_blocking(model->gfp);
	struct memalloc_stats_zone zone;
	unsigned int nr, i;

	for (nr = 0; mal_zone_stats(nr, &zone); nr++) {
		if (gfp_zone(model->gfp) < ZONE_NORMAL)
			continue;
		if (!(model->gfp & __GFP_HIGH) &&
		    zone.free < reserve + (1ULL << model->order))
			continue;
		for (i = model->order; i < MEMALLOC_NR_ORDERS; i++)
			if (zone.free_blocks[i] || (may_sleep && zone.pcp_blocks[i]))
				return true;
	}
	return false;
}

/* An allocation failed: the cap or the host must be the reason. */
static void mal_expect_refusal(struct kunit *test, const struct mal_model *model,
			       const struct memalloc_stats_borrowing *before)
{
	struct memalloc_stats_borrowing now;

	mal_borrow_stats(&now);
	if (now.borrowed_total > before->borrowed_total)
		return; /* a refill of the reserve has changed the figures */
	KUNIT_EXPECT_FALSE_MSG(test, mal_block_is_there(model, now.reserve),
			       "order %u gfp %#x failed although such a block is free",
			       model->order, (__force unsigned int)model->gfp);
	KUNIT_EXPECT_TRUE_MSG(test,
			      now.cap < mal_account_taken(&now) + MAL_ACCOUNT_SECTION +
					(1ULL << model->order) ||
			      now.refused_host > before->refused_host,
			      "order %u gfp %#x failed, taken %llu of %llu",
			      model->order, (__force unsigned int)model->gfp,
			      mal_account_taken(&now), now.cap);
}

static void mal_expect_counts(struct kunit *test, const struct mal_model *model,
			      const struct mal_zone_sums *before)
{
	struct mal_zone_sums now;
	unsigned int i;

	mal_zone_sums(&now);
	for (i = 0; i < MEMALLOC_NR_ORDERS; i++) {
		KUNIT_EXPECT_EQ(test, now.allocs[i] - before->allocs[i],
				(u64)model->allocs[i]);
		KUNIT_EXPECT_EQ(test, now.frees[i] - before->frees[i],
				(u64)model->frees[i]);
		KUNIT_EXPECT_EQ(test, now.failures[i] - before->failures[i],
				(u64)model->failures[i]);
	}
}

static void mal_look(struct kunit *test, struct mal_model *model,
		     const struct mal_zone_sums *before)
{
	mal_expect_no_error(test, model);
	mal_account_check(test, model->pages, model->nr_held);
	mal_expect_counts(test, model, before);
	mal_expect_free_pages_poisoned(test);
}

static void mal_test_one_user(struct kunit *test)
{
	struct memalloc_stats_borrowing stats;
	struct mal_zone_sums before;
	struct mal_model *model;
	u64 reports = mal_reports_total();
	u64 refusals = 0;

	model = mal_model_create(1, mal_test_seed(test), 4096);
	KUNIT_ASSERT_NOT_NULL(test, model);
	model->may_hold = true;
	mal_zone_sums(&before);
	while (model->steps < mal_test_effort(MAL_PROPERTY_STEPS) && !model->errors) {
		mal_borrow_stats(&stats);
		mal_model_step(model, true);
		if (model->failed) {
			refusals++;
			mal_expect_refusal(test, model, &stats);
		}
		if (model->steps % MAL_PROPERTY_LOOK == 0) {
			mal_look(test, model, &before);
			cond_resched();
		}
		if (model->steps % (MAL_PROPERTY_LOOK * 10) == 0)
			mal_borrow_shrink(mal_model_random(model, 4096));
	}
	mal_model_drain(model);
	mal_look(test, model, &before);
	mal_account_settle(test);
	KUNIT_EXPECT_EQ(test, mal_reports_total(), reports);
	KUNIT_EXPECT_GT_MSG(test, refusals, 0ULL, "the cap was never reached");
	kunit_info(test, "%lu steps, %llu refusals", model->steps, refusals);
	mal_model_destroy(model);
}

/*
 * Concurrent users
 */

/**
 * struct mal_crowd - concurrent users in all contexts
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
struct mal_crowd {
	struct task_struct *threads[MAL_CROWD_THREADS];
	struct mal_model *thread_models[MAL_CROWD_THREADS];
	atomic_t running;
	bool stop;
	struct timer_list timer;
	struct mal_model *timer_model;
	struct irq_work irq_work;
	struct mal_model *irq_model;
	atomic_t irq_busy;
};

/**
 * struct mal_crowd_thread - arguments of a thread
 * @crowd: the crowd
 * @model: model of the thread
 */
struct mal_crowd_thread {
	struct mal_crowd *crowd;
	struct mal_model *model;
};

static int mal_crowd_thread(void *data)
{
	struct mal_crowd_thread *thread = data;
	struct mal_model *model = thread->model;

	while (model->steps < mal_test_effort(MAL_CROWD_STEPS) && !model->errors) {
		mal_model_step(model, true);
		cond_resched();
	}
	atomic_dec(&thread->crowd->running);
	while (!kthread_should_stop())
		schedule_timeout_interruptible(1);
	return 0;
}

static void mal_crowd_burst(struct mal_model *model)
{
	int i;

	for (i = 0; i < MAL_CROWD_BURST && !model->errors; i++)
		mal_model_step(model, false);
}

static void mal_crowd_timer(struct timer_list *timer)
{
	struct mal_crowd *crowd = container_of(timer, struct mal_crowd, timer);

	mal_crowd_burst(crowd->timer_model);
	if (!READ_ONCE(crowd->stop))
		mod_timer(timer, jiffies + 1);
}

/* The irq_work may be queued on one CPU while it still runs on another. */
static void mal_crowd_irq_work(struct irq_work *work)
{
	struct mal_crowd *crowd = container_of(work, struct mal_crowd, irq_work);

	if (atomic_xchg_acquire(&crowd->irq_busy, 1))
		return;
	mal_crowd_burst(crowd->irq_model);
	atomic_set_release(&crowd->irq_busy, 0);
}

static struct mal_model *mal_crowd_model(struct kunit *test, u8 id, u64 seed)
{
	struct mal_model *model = mal_model_create(id, seed, 512);

	KUNIT_ASSERT_NOT_NULL(test, model);
	model->may_hold = true;
	return model;
}

static struct mal_crowd *mal_crowd_create(struct kunit *test)
{
	struct mal_crowd *crowd;
	u64 seed = mal_test_seed(test);
	int i;

	crowd = kunit_kzalloc(test, sizeof(*crowd), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, crowd);
	for (i = 0; i < MAL_CROWD_THREADS; i++)
		crowd->thread_models[i] = mal_crowd_model(test, i + 1, seed);
	crowd->timer_model = mal_crowd_model(test, 0x40, seed);
	crowd->irq_model = mal_crowd_model(test, 0x41, seed);
	timer_setup(&crowd->timer, mal_crowd_timer, 0);
	init_irq_work(&crowd->irq_work, mal_crowd_irq_work);
	return crowd;
}

static void mal_crowd_start(struct kunit *test, struct mal_crowd *crowd)
{
	struct mal_crowd_thread *starts;
	int i;

	starts = kunit_kcalloc(test, MAL_CROWD_THREADS, sizeof(*starts),
			       GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, starts);
	for (i = 0; i < MAL_CROWD_THREADS; i++) {
		struct task_struct *thread;

		starts[i].crowd = crowd;
		starts[i].model = crowd->thread_models[i];
		thread = kthread_run(mal_crowd_thread, &starts[i],
				     "memalloc_test/%d", i);
		KUNIT_EXPECT_NOT_ERR_OR_NULL(test, thread);
		if (IS_ERR(thread))
			continue;
		atomic_inc(&crowd->running);
		crowd->threads[i] = thread;
	}
	mod_timer(&crowd->timer, jiffies + 1);
}

static void mal_crowd_stop(struct mal_crowd *crowd)
{
	int i;

	for (i = 0; i < MAL_CROWD_THREADS; i++)
		if (crowd->threads[i])
			kthread_stop(crowd->threads[i]);
	WRITE_ONCE(crowd->stop, true);
	timer_delete_sync(&crowd->timer);
	irq_work_sync(&crowd->irq_work);
}

/* Free all blocks of a model, and the model. */
static void mal_crowd_leave(struct kunit *test, struct mal_model *model)
{
	mal_model_drain(model);
	mal_expect_no_error(test, model);
	KUNIT_EXPECT_GT_MSG(test, model->steps, 0UL, "user %u did not run",
			    model->id);
	mal_model_destroy(model);
}

static void mal_test_crowd(struct kunit *test)
{
	struct mal_crowd *crowd = mal_crowd_create(test);
	u64 reports = mal_reports_total();
	unsigned long i;

	mal_crowd_start(test, crowd);
	for (i = 0; atomic_read(&crowd->running); i++) {
		irq_work_queue(&crowd->irq_work);
		if (i % 16 == 0)
			mal_account_valid(test);
		if (i % 64 == 0)
			mal_borrow_shrink(1024);
		schedule_timeout_uninterruptible(1);
	}
	mal_crowd_stop(crowd);
	kunit_info(test, "steps: softirq %lu, hardirq %lu",
		   crowd->timer_model->steps, crowd->irq_model->steps);
	for (i = 0; i < MAL_CROWD_THREADS; i++)
		mal_crowd_leave(test, crowd->thread_models[i]);
	mal_crowd_leave(test, crowd->timer_model);
	mal_crowd_leave(test, crowd->irq_model);
	mal_account_settle(test);
	KUNIT_EXPECT_EQ(test, mal_reports_total(), reports);
}

static struct kunit_case mal_property_cases[] = {
	KUNIT_CASE(mal_test_one_user),
	KUNIT_CASE(mal_test_crowd),
	{}
};

struct kunit_suite mal_page_property_suite = {
	.name = "memalloc_page_property",
	.suite_init = mal_property_suite_init,
	.suite_exit = mal_property_suite_exit,
	.test_cases = mal_property_cases,
};
