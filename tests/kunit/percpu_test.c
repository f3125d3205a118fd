// SPDX-License-Identifier: GPL-2.0
/*
 * Per-CPU areas: random use, limits, failures and misuse
 */
#include <kunit/test.h>

#include <linux/irq_work.h>
#include <linux/kthread.h>
#include <linux/percpu.h>
#include <linux/slab.h>
#include <linux/timer.h>

#include <memalloc/percpu.h>

#include "internal/borrow.h"
#include "internal/inject.h"
#include "internal/percpu.h"
#include "internal/percpu_chunk.h"
#include "internal/report.h"

#include "memalloc_kunit.h"
#include "page_account.h"
#include "percpu_model.h"

#define MAL_ALONE_STEPS		20000
#define MAL_ALONE_LOOK		500	/* steps between two full checks */
#define MAL_ALONE_MAX		2000
#define MAL_CROWD_THREADS	4
#define MAL_CROWD_STEPS		3000	/* per thread */
#define MAL_CROWD_BURST		8	/* steps per interrupt */
#define MAL_CROWD_MAX		400

static void mal_expect_valid(struct kunit *test)
{
	u64 checked = 0;

	KUNIT_EXPECT_EQ(test, mal_percpu_chunk_validate(&checked), 0ULL);
	KUNIT_EXPECT_GT(test, checked, 0ULL);
}

/* Expect that @used bytes are allocated and that the statistics agree. */
static void mal_expect_used(struct kunit *test, u64 used)
{
	struct mal_percpu_stats stats;

	mal_expect_valid(test);
	mal_percpu_stats(&stats);
	KUNIT_EXPECT_EQ(test, stats.used, used);
	KUNIT_EXPECT_EQ(test, stats.used + stats.cached + stats.free,
			stats.unit_bytes);
	KUNIT_EXPECT_EQ(test, stats.bytes, stats.unit_bytes * num_possible_cpus());
	KUNIT_EXPECT_EQ(test, stats.borrowed_total - stats.returned_total,
			stats.chunks);
	KUNIT_EXPECT_LE(test, stats.largest_free, stats.free);
}

/* No area is allocated: expect that shrinking leaves only the reserve. */
static void mal_percpu_settle(struct kunit *test)
{
	struct mal_percpu_stats stats;

	mal_percpu_shrink();
	mal_expect_used(test, 0);
	mal_percpu_stats(&stats);
	KUNIT_EXPECT_EQ(test, stats.chunks, 1ULL);
	KUNIT_EXPECT_EQ(test, stats.cached, 0ULL);
	KUNIT_EXPECT_EQ(test, stats.largest_free, stats.unit_bytes);
}

/* One chunk more than the one kept, or many chunks; in pages. */
#define MAL_CHUNK_PAGES		(MAL_PERCPU_MAX_SIZE / PAGE_SIZE * num_possible_cpus())
#define MAL_CAP_PAGES		(MAL_CHUNK_PAGES * 60)

static u64 mal_test_cap;

static int mal_percpu_init_test(struct kunit *test)
{
	struct memalloc_stats_borrowing stats;

	mal_borrow_shrink(0);
	mal_borrow_stats(&stats);
	mal_test_cap = stats.borrowed + MAL_CAP_PAGES;
	return mal_account_cap(mal_test_cap);
}

static void mal_percpu_exit_test(struct kunit *test)
{
	mal_account_uncap();
	mal_percpu_settle(test);
}

static void mal_expect_no_error(struct kunit *test,
				const struct mal_percpu_model *model)
{
	KUNIT_EXPECT_EQ_MSG(test, model->errors, 0UL, "user %u, first: %s",
			    model->id, model->error);
}

static struct mal_percpu_model *mal_test_model(struct kunit *test,
					       struct mal_model_area **slots, u8 id,
					       u64 seed, unsigned int max)
{
	struct mal_percpu_model *model;

	model = mal_percpu_model_create(slots, id, seed, max);
	KUNIT_ASSERT_NOT_NULL(test, model);
	return model;
}

/*
 * One user
 */

static void mal_test_one_user(struct kunit *test)
{
	u64 seed = mal_test_seed(test), reports = mal_reports_total();
	struct mal_percpu_model *model;
	struct mal_percpu_stats stats;

	model = mal_test_model(test, NULL, 1, seed, MAL_ALONE_MAX);
	while (model->steps < mal_test_effort(MAL_ALONE_STEPS) && !model->errors) {
		mal_percpu_model_step(model, true);
		if (model->steps % MAL_ALONE_LOOK == 0) {
			mal_expect_used(test, model->bytes);
			cond_resched();
		}
		if (model->steps % (MAL_ALONE_LOOK * 7) == 0)
			mal_percpu_shrink();
	}
	mal_percpu_stats(&stats);
	kunit_info(test, "%lu refusals, %llu chunks, %llu of %llu bytes used, %llu hits, %llu misses",
		   model->refused, stats.chunks, stats.used, stats.unit_bytes,
		   stats.hits, stats.misses);
	mal_percpu_model_drain(model);
	mal_expect_no_error(test, model);
	mal_percpu_model_destroy(model);
	mal_expect_used(test, 0);
	KUNIT_EXPECT_EQ(test, mal_reports_total(), reports);
}

/*
 * Concurrent users
 */

/**
 * struct mal_percpu_crowd - concurrent users in all contexts
 * @threads: users in task context, on any CPU
 * @users: models of @threads, of the timer and of the irq_work
 * @slots: slots shared by all users
 * @running: number of unfinished threads
 * @stop: interrupts stop
 * @timer: user in softirq context
 * @irq_work: user in hardirq context
 */
struct mal_percpu_crowd {
	struct task_struct *threads[MAL_CROWD_THREADS];
	struct mal_percpu_model *users[MAL_CROWD_THREADS + 2];
	struct mal_model_area *slots[MAL_AREA_SLOTS];
	atomic_t running;
	bool stop;
	struct timer_list timer;
	struct irq_work irq_work;
};

static struct mal_percpu_crowd mal_crowd;

static int mal_crowd_thread(void *data)
{
	struct mal_percpu_model *model = data;

	while (model->steps < mal_test_effort(MAL_CROWD_STEPS) && !model->errors) {
		mal_percpu_model_step(model, true);
		cond_resched();
	}
	atomic_dec(&mal_crowd.running);
	while (!kthread_should_stop())
		schedule_timeout_interruptible(1);
	return 0;
}

static void mal_crowd_burst(struct mal_percpu_model *model)
{
	int i;

	for (i = 0; i < MAL_CROWD_BURST && !model->errors; i++)
		mal_percpu_model_step(model, false);
}

static void mal_crowd_timer(struct timer_list *timer)
{
	mal_crowd_burst(mal_crowd.users[MAL_CROWD_THREADS]);
	if (!READ_ONCE(mal_crowd.stop))
		mod_timer(timer, jiffies + 1);
}

static void mal_crowd_irq_work(struct irq_work *work)
{
	mal_crowd_burst(mal_crowd.users[MAL_CROWD_THREADS + 1]);
}

static void mal_crowd_start(struct kunit *test, struct mal_percpu_crowd *crowd,
			    u64 seed)
{
	int i;

	memset(crowd, 0, sizeof(*crowd));
	for (i = 0; i < ARRAY_SIZE(crowd->users); i++)
		crowd->users[i] = mal_test_model(test, crowd->slots, i + 1, seed,
						 MAL_CROWD_MAX);
	timer_setup(&crowd->timer, mal_crowd_timer, 0);
	init_irq_work(&crowd->irq_work, mal_crowd_irq_work);
	atomic_set(&crowd->running, MAL_CROWD_THREADS);
	for (i = 0; i < MAL_CROWD_THREADS; i++) {
		crowd->threads[i] = kthread_run(mal_crowd_thread, crowd->users[i],
						"memalloc_percpu/%d", i);
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, crowd->threads[i]);
	}
	mod_timer(&crowd->timer, jiffies + 1);
}

static void mal_crowd_stop(struct kunit *test, struct mal_percpu_crowd *crowd)
{
	int i;

	for (i = 0; i < MAL_CROWD_THREADS; i++)
		kthread_stop(crowd->threads[i]);
	WRITE_ONCE(crowd->stop, true);
	timer_delete_sync(&crowd->timer);
	irq_work_sync(&crowd->irq_work);
	for (i = 0; i < ARRAY_SIZE(crowd->users); i++) {
		mal_percpu_model_drain(crowd->users[i]);
		mal_expect_no_error(test, crowd->users[i]);
		KUNIT_EXPECT_GT(test, crowd->users[i]->steps, 0UL);
		mal_percpu_model_destroy(crowd->users[i]);
	}
	for (i = 0; i < MAL_AREA_SLOTS; i++) {
		if (crowd->slots[i])
			mal_free_percpu(crowd->slots[i]->area);
		kfree(crowd->slots[i]);
	}
}

static void mal_test_crowd(struct kunit *test)
{
	struct mal_percpu_crowd *crowd = &mal_crowd;
	u64 reports = mal_reports_total();
	unsigned long i;

	mal_crowd_start(test, crowd, mal_test_seed(test));
	for (i = 0; atomic_read(&crowd->running); i++) {
		irq_work_queue(&crowd->irq_work);
		if (i % 4 == 0)
			mal_expect_valid(test);
		if (i % 8 == 0)
			mal_percpu_shrink();
		schedule_timeout_uninterruptible(1);
	}
	kunit_info(test, "steps: softirq %lu, hardirq %lu",
		   crowd->users[MAL_CROWD_THREADS]->steps,
		   crowd->users[MAL_CROWD_THREADS + 1]->steps);
	mal_crowd_stop(test, crowd);
	mal_expect_used(test, 0);
	KUNIT_EXPECT_EQ(test, mal_reports_total(), reports);
}

/*
 * Per-CPU counters
 */

#define MAL_COUNTERS		5
#define MAL_COUNTS		20000	/* per thread */

/**
 * struct mal_counting - counters incremented in several contexts
 * @counters: the counters
 * @running: number of unfinished threads
 * @interrupts: increments by the timer
 * @timer: increments in softirq context
 * @stop: the timer stops
 */
struct mal_counting {
	unsigned long __percpu *counters[MAL_COUNTERS];
	atomic_t running;
	unsigned long interrupts;
	struct timer_list timer;
	bool stop;
};

static struct mal_counting mal_counting;

static int mal_count_thread(void *unused)
{
	unsigned int i;

	for (i = 0; i < MAL_COUNTS; i++) {
		this_cpu_inc(*mal_counting.counters[i % MAL_COUNTERS]);
		if (i % 1000 == 0)
			schedule();
	}
	atomic_dec(&mal_counting.running);
	return 0;
}

static void mal_count_timer(struct timer_list *timer)
{
	this_cpu_inc(*mal_counting.counters[0]);
	mal_counting.interrupts++;
	if (!READ_ONCE(mal_counting.stop))
		mod_timer(timer, jiffies + 1);
}

static unsigned long mal_count_sum(unsigned long __percpu *counter)
{
	unsigned long sum = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		sum += *per_cpu_ptr(counter, cpu);
	return sum;
}

/* this_cpu_inc() in migrating tasks and in softirq loses no increment. */
static void mal_test_counters_add_up(struct kunit *test)
{
	struct mal_counting *c = &mal_counting;
	unsigned long sum = 0;
	int i;

	memset(c, 0, sizeof(*c));
	for (i = 0; i < MAL_COUNTERS; i++) {
		c->counters[i] = mal_alloc_percpu(unsigned long);
		KUNIT_ASSERT_NOT_NULL(test, (__force void *)c->counters[i]);
	}
	timer_setup(&c->timer, mal_count_timer, 0);
	mod_timer(&c->timer, jiffies + 1);
	atomic_set(&c->running, MAL_CROWD_THREADS);
	for (i = 0; i < MAL_CROWD_THREADS; i++)
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test,
					     kthread_run(mal_count_thread, NULL,
							 "memalloc_count/%d", i));
	while (atomic_read(&c->running) || !READ_ONCE(c->interrupts))
		schedule_timeout_uninterruptible(1);
	WRITE_ONCE(c->stop, true);
	timer_delete_sync(&c->timer);
	for (i = 0; i < MAL_COUNTERS; i++) {
		sum += mal_count_sum(c->counters[i]);
		mal_free_percpu(c->counters[i]);
	}
	KUNIT_EXPECT_EQ(test, sum,
			(unsigned long)MAL_CROWD_THREADS * MAL_COUNTS + c->interrupts);
}

/*
 * Limits and failures
 */

/* Areas to be freed at the end of a test. */
struct mal_held {
	unsigned int nr;
	void __percpu *areas[4096];
};

static struct mal_held *mal_test_held(struct kunit *test)
{
	struct mal_held *held = kunit_kzalloc(test, sizeof(*held), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, held);
	return held;
}

static bool mal_hold(struct mal_held *held, size_t size, size_t align, gfp_t gfp)
{
	void __percpu *area;

	if (held->nr == ARRAY_SIZE(held->areas))
		return false;
	area = __mal_alloc_percpu_gfp(size, align, gfp | __GFP_NOWARN);
	if (!area)
		return false;
	held->areas[held->nr++] = area;
	return true;
}

static void mal_held_free_all(struct mal_held *held)
{
	while (held->nr)
		mal_free_percpu(held->areas[--held->nr]);
}

/*
 * The cap limits chunks. Only the chunk that is always kept may exceed it. Free
 * pages are returned to make room for chunks.
 */
static void mal_test_exhaustion(struct kunit *test)
{
	struct memalloc_stats_borrowing borrowing;
	struct mal_held *held = mal_test_held(test);
	struct mal_percpu_stats stats;
	u64 kept;

	mal_percpu_stats(&stats);
	kept = stats.bytes;
	while (mal_hold(held, MAL_PERCPU_MAX_SIZE, PAGE_SIZE, GFP_KERNEL))
		;
	KUNIT_EXPECT_LT(test, held->nr, ARRAY_SIZE(held->areas));
	mal_percpu_stats(&stats);
	mal_borrow_stats(&borrowing);
	KUNIT_EXPECT_GT(test, stats.refused, 0ULL);
	/*
	 * All metadata counts, of which caches may have returned some. A page
	 * is charged when bytes have filled it.
	 */
	KUNIT_EXPECT_LT(test, stats.bytes + borrowing.metadata_bytes +
			borrowing.borrowed * PAGE_SIZE,
			(borrowing.cap + 1) * PAGE_SIZE + kept);
	/* Another chunk and its metadata would exceed the cap. */
	KUNIT_EXPECT_GT(test, stats.bytes + stats.metadata_bytes * 2 +
			borrowing.borrowed * PAGE_SIZE +
			MAL_PERCPU_MAX_SIZE * num_possible_cpus(), mal_test_cap * PAGE_SIZE);
	mal_expect_used(test, (u64)held->nr * MAL_PERCPU_MAX_SIZE);
	mal_held_free_all(held);
	mal_percpu_settle(test);
}

/* Sleeping allocations always leave memory for atomic ones. */
static void mal_test_reserve_for_atomic(struct kunit *test)
{
	struct mal_held *held = mal_test_held(test);
	struct mal_percpu_stats stats;
	unsigned int i;

	for (i = 0; i < 1000; i++) {
		KUNIT_EXPECT_TRUE(test, mal_hold(held, 104, 8, GFP_KERNEL));
		mal_percpu_stats(&stats);
		KUNIT_ASSERT_GE(test, stats.free, (u64)SZ_8K);
	}
	for (i = 0; i < 10; i++)
		KUNIT_EXPECT_TRUE(test, mal_hold(held, 600, 4, GFP_ATOMIC));
	mal_held_free_all(held);
}

/* Holes are filled before a chunk is borrowed. */
static void mal_test_holes_are_filled(struct kunit *test)
{
	struct mal_held *held = mal_test_held(test), *others = mal_test_held(test);
	struct mal_percpu_stats before, after;
	unsigned int i, nr = 200;

	for (i = 0; i < nr; i++) {
		KUNIT_ASSERT_TRUE(test, mal_hold(held, 1000, 4, GFP_KERNEL));
		KUNIT_ASSERT_TRUE(test, mal_hold(others, 1000, 4, GFP_KERNEL));
	}
	mal_held_free_all(others);
	mal_percpu_stats(&before);
	for (i = 0; i < nr; i++)
		KUNIT_ASSERT_TRUE(test, mal_hold(others, 996, 4, GFP_ATOMIC));
	mal_percpu_stats(&after);
	KUNIT_EXPECT_EQ(test, after.borrowed_total, before.borrowed_total);
	mal_held_free_all(others);
	mal_held_free_all(held);
}

/* Chunks with free runs that are long enough, but misaligned. */
#define MAL_MISALIGNED_CHUNKS	12
#define MAL_MISALIGNED_LOOKS	8	/* chunks per search */

static u64 mal_chunks_searched(void)
{
	struct mal_percpu_chunk_stats stats;

	mal_percpu_chunk_stats(&stats);
	return stats.searched;
}

/*
 * Fill a chunk with areas of 524 bytes. Only the first of them has room for 520
 * bytes aligned to 512. The size belongs to no size class, so no stack keeps
 * the areas.
 */
static void mal_misalign_chunk(struct kunit *test, struct mal_held *held)
{
	unsigned int i;

	for (i = 0; i < MAL_PERCPU_MAX_SIZE / 524; i++)
		KUNIT_ASSERT_TRUE(test, mal_hold(held, 524, 4, GFP_KERNEL));
}

/*
 * A search looks at a bounded number of chunks, however many lack an aligned
 * run.
 */
static void mal_test_search_is_bounded(struct kunit *test)
{
	struct mal_held *held = mal_test_held(test);
	unsigned int i, kept = 0;
	void __percpu *area;
	u64 searched;

	for (i = 0; i < MAL_MISALIGNED_CHUNKS; i++)
		mal_misalign_chunk(test, held);
	for (i = 0; i < held->nr; i++) {
		if (i % 2)
			mal_free_percpu(held->areas[i]);
		else
			held->areas[kept++] = held->areas[i];
	}
	held->nr = kept;
	for (i = 0; i < MAL_MISALIGNED_CHUNKS; i++) {
		searched = mal_chunks_searched();
		area = __mal_alloc_percpu_gfp(520, 512, GFP_ATOMIC | __GFP_NOWARN);
		searched = mal_chunks_searched() - searched;
		KUNIT_EXPECT_LE(test, searched, (u64)MAL_MISALIGNED_LOOKS);
		mal_free_percpu(area);
	}
	mal_held_free_all(held);
}

/* Fail each allocation of a new area in turn: nothing leaks. */
static void mal_test_failures(struct kunit *test)
{
	struct mal_held *held = mal_test_held(test);
	u64 nth = 0, left, failed = 0;
	struct mal_percpu_stats stats;
	struct mal_inject_scope scope;
	struct mal_inject inject;
	void __percpu *area;

	mal_inject_init(&inject);
	KUNIT_ASSERT_TRUE(test, mal_hold(held, 1000, 4, GFP_KERNEL));
	do {
		mal_inject_arm(&inject, ++nth);
		mal_inject_enter(&scope, &inject);
		area = __mal_alloc_percpu_gfp(MAL_PERCPU_MAX_SIZE, 4,
					      GFP_KERNEL | __GFP_NOWARN);
		mal_inject_leave(&scope);
		left = mal_inject_arm(&inject, 0);
		failed += !area;
		KUNIT_EXPECT_EQ(test, !area, !left);
		mal_free_percpu(area);
		mal_percpu_shrink();
		mal_expect_used(test, 1000);
		mal_percpu_stats(&stats);
		KUNIT_EXPECT_EQ(test, stats.chunks, 1ULL);
	} while (!left);
	KUNIT_EXPECT_EQ(test, failed, 3ULL);
	mal_held_free_all(held);

	/* A free succeeds even if it cannot allocate a stack. */
	KUNIT_ASSERT_TRUE(test, mal_hold(held, 64, 4, GFP_KERNEL));
	mal_inject_arm(&inject, 1);
	mal_inject_enter(&scope, &inject);
	mal_held_free_all(held);
	mal_inject_leave(&scope);
	KUNIT_EXPECT_EQ(test, mal_inject_arm(&inject, 0), 0ULL);
	mal_percpu_stats(&stats);
	KUNIT_EXPECT_EQ(test, stats.cached, 0ULL);
	mal_expect_used(test, 0);
	mal_inject_destroy(&inject);
}

static void mal_test_bad_arguments(struct kunit *test)
{
	static const struct {
		size_t size;
		size_t align;
	} bad[] = {
		{ 0, 4 }, { 0, 0 }, { 8, 0 }, { 4, 0 }, { 8, 3 }, { 192, 24 },
		{ SIZE_MAX, 4 }, { SIZE_MAX - 3, 4 }, { 8, SIZE_MAX }, { 8, 2 * PAGE_SIZE },
		{ MAL_PERCPU_MAX_SIZE + 1, 4 }, { 8, (SIZE_MAX >> 1) + 1 },
	};
	struct mal_percpu_stats before, after;
	void __percpu *area;
	int i;

	mal_percpu_stats(&before);
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		area = __mal_alloc_percpu_gfp(bad[i].size, bad[i].align,
					      GFP_KERNEL | __GFP_NOWARN);
		KUNIT_EXPECT_NULL_MSG(test, (__force void *)area,
				      "%zu bytes, aligned to %zu", bad[i].size,
				      bad[i].align);
	}
	mal_percpu_stats(&after);
	KUNIT_EXPECT_EQ(test, after.failures - before.failures, (u64)ARRAY_SIZE(bad));
	mal_free_percpu(NULL);
}

/*
 * Misuse
 */

/* Expect that @misuse adds one report of @kind and none of any other kind. */
#define mal_expect_report(test, kind, misuse) do {			\
	struct memalloc_stats_reports before, after;			\
	u64 total = mal_reports_total();				\
									\
	mal_report_stats(&before);					\
	misuse;								\
	mal_report_stats(&after);					\
	KUNIT_EXPECT_EQ(test, after.kind, before.kind + 1);		\
	KUNIT_EXPECT_EQ(test, mal_reports_total(), total + 1);		\
	mal_expect_valid(test);						\
} while (0)

static int mal_not_per_cpu;
static DEFINE_PER_CPU(int, mal_host_per_cpu);

static void mal_expect_misuse(struct kunit *test, size_t size)
{
	void __percpu *area = __mal_alloc_percpu(size, 4);

	KUNIT_ASSERT_NOT_NULL(test, (__force void *)area);
	mal_expect_report(test, wrong_free, mal_free_percpu(area + 1));
	if (size > 4)
		mal_expect_report(test, wrong_free, mal_free_percpu(area + 4));
	mal_free_percpu(area);
	mal_expect_report(test, double_free, mal_free_percpu(area));
	mal_expect_report(test, double_free, mal_free_percpu(area));
	mal_percpu_shrink();
	mal_expect_report(test, double_free, mal_free_percpu(area));
}

static void mal_test_misuse(struct kunit *test)
{
	void __percpu *hosts = __alloc_percpu(64, 8);

	mal_expect_misuse(test, 4);
	mal_expect_misuse(test, 64);
	mal_expect_misuse(test, 5000);
	KUNIT_ASSERT_NOT_NULL(test, (__force void *)hosts);
	mal_expect_report(test, foreign_free, mal_free_percpu(hosts));
	mal_expect_report(test, foreign_free, mal_free_percpu(&mal_host_per_cpu));
	mal_expect_report(test, foreign_free,
			  mal_free_percpu((void __percpu __force *)&mal_not_per_cpu));
	mal_expect_report(test, foreign_free, mal_free_percpu((void __percpu __force *)-8UL));
	free_percpu(hosts);
}

static struct kunit_case mal_percpu_cases[] = {
	KUNIT_CASE(mal_test_one_user),
	KUNIT_CASE(mal_test_crowd),
	KUNIT_CASE(mal_test_counters_add_up),
	KUNIT_CASE(mal_test_exhaustion),
	KUNIT_CASE(mal_test_reserve_for_atomic),
	KUNIT_CASE(mal_test_holes_are_filled),
	KUNIT_CASE(mal_test_search_is_bounded),
	KUNIT_CASE(mal_test_failures),
	KUNIT_CASE(mal_test_bad_arguments),
	KUNIT_CASE(mal_test_misuse),
	{}
};

struct kunit_suite mal_percpu_suite = {
	.name = "memalloc_percpu",
	.init = mal_percpu_init_test,
	.exit = mal_percpu_exit_test,
	.test_cases = mal_percpu_cases,
};
