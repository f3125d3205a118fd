// SPDX-License-Identifier: GPL-2.0
/*
 * Concurrent frees of one per-CPU area, and concurrent demand for a chunk
 *
 * A free takes no lock. Two CPUs that free an area within a few instructions
 * both find it allocated, so the area ends up on two stacks. The race is
 * reproduced deterministically: after a free, the state of the area is reset to
 * the one that the other CPU has read, and the area is freed again. Wherever
 * the two entries go, an area never has two owners, an allocated area is never
 * released, and a chunk that was returned to the host is never accessed.
 */
#include <kunit/test.h>

#include <linux/completion.h>
#include <linux/cpumask.h>
#include <linux/kthread.h>
#include <linux/sched.h>

#include <memalloc/percpu.h>

#include "internal/borrow.h"
#include "internal/percpu.h"
#include "internal/percpu_chunk.h"
#include "internal/report.h"

#include "memalloc_kunit.h"
#include "page_account.h"

#define MAL_RACE_SIZE		64
#define MAL_RACE_STACK		64	/* more than fit into a stack */
#define MAL_RACE_ROUNDS		80
#define MAL_WAITERS		8
#define MAL_WAITER_ROUNDS	15

static u8 *mal_state_of(const void __percpu *area)
{
	struct mal_percpu_chunk *chunk;
	u8 *state;

	rcu_read_lock();
	chunk = mal_percpu_chunk_find(area);
	state = &chunk->states[((__force unsigned long)area -
				(__force unsigned long)chunk->base) / MAL_PERCPU_GRAIN];
	rcu_read_unlock();
	return state;
}

/* Do not migrate, so that nothing else reaches the stack in between. */
static void mal_free_twice_at_once(void __percpu *area)
{
	u8 *state = mal_state_of(area), allocated = *state;

	migrate_disable();
	mal_free_percpu(area);
	WRITE_ONCE(*state, allocated);
	mal_free_percpu(area);
	migrate_enable();
}

static void __percpu *mal_race_area(struct kunit *test)
{
	void __percpu *area = __mal_alloc_percpu(MAL_RACE_SIZE, 8);

	KUNIT_ASSERT_NOT_NULL(test, (__force void *)area);
	return area;
}

static void mal_expect_race_valid(struct kunit *test, u64 used)
{
	struct mal_percpu_stats stats;
	u64 checked = 0;

	KUNIT_EXPECT_EQ(test, mal_percpu_chunk_validate(&checked), 0ULL);
	mal_percpu_stats(&stats);
	KUNIT_EXPECT_EQ(test, stats.used, used);
}

/* Both entries are allocated: one succeeds, the other one is reported. */
static void mal_test_both_are_allocated(struct kunit *test)
{
	void __percpu *first, *second;
	u64 reports = mal_reports_total();

	mal_free_twice_at_once(mal_race_area(test));
	first = mal_race_area(test);
	second = mal_race_area(test);
	KUNIT_EXPECT_PTR_NE(test, (__force void *)first, (__force void *)second);
	KUNIT_EXPECT_EQ(test, mal_reports_total(), reports + 1);
	mal_free_percpu(first);
	mal_free_percpu(second);
	mal_percpu_shrink();
	mal_expect_race_valid(test, 0);
	KUNIT_EXPECT_EQ(test, mal_reports_total(), reports + 1);
}

/* Both entries are released: the second one is reported. */
static void mal_test_both_are_released(struct kunit *test)
{
	u64 reports = mal_reports_total();

	mal_free_twice_at_once(mal_race_area(test));
	mal_percpu_shrink();
	mal_expect_race_valid(test, 0);
	KUNIT_EXPECT_EQ(test, mal_reports_total(), reports + 1);
}

/*
 * One entry is allocated, the other one is released: the new owner keeps the
 * area.
 */
static void mal_test_owner_keeps_area(struct kunit *test)
{
	u64 reports = mal_reports_total();
	void __percpu *owned, *other;

	mal_free_twice_at_once(mal_race_area(test));
	owned = mal_race_area(test);
	mal_percpu_shrink();
	mal_expect_race_valid(test, MAL_RACE_SIZE);
	KUNIT_EXPECT_EQ(test, mal_reports_total(), reports + 1);
	other = mal_race_area(test);
	KUNIT_EXPECT_PTR_NE(test, (__force void *)owned, (__force void *)other);
	mal_free_percpu(owned);
	mal_free_percpu(other);
	mal_percpu_shrink();
	mal_expect_race_valid(test, 0);
	KUNIT_EXPECT_EQ(test, mal_reports_total(), reports + 1);
}

/*
 * One entry is spilled with the older half of a full stack, the other one
 * stays.
 */
static void mal_test_one_is_spilled(struct kunit *test)
{
	void __percpu *areas[MAL_RACE_STACK];
	u64 reports = mal_reports_total();
	int i;

	for (i = 0; i < MAL_RACE_STACK; i++)
		areas[i] = mal_race_area(test);
	migrate_disable();
	mal_free_twice_at_once(areas[0]);
	for (i = 1; i < MAL_RACE_STACK; i++)
		mal_free_percpu(areas[i]);
	migrate_enable();
	mal_expect_race_valid(test, 0);
	mal_percpu_shrink();
	mal_expect_race_valid(test, 0);
	KUNIT_EXPECT_EQ(test, mal_reports_total(), reports + 1);
}

#define MAL_RACE_KEEPER		20000

static void __percpu *mal_race_hold(struct kunit *test, size_t size)
{
	void __percpu *area = __mal_alloc_percpu(size, 4);

	KUNIT_ASSERT_NOT_NULL(test, (__force void *)area);
	return area;
}

/* The chunk returns to the host while both entries are on a stack. */
static void mal_test_chunk_is_returned(struct kunit *test)
{
	u64 reports = mal_reports_total();
	void __percpu *keeper, *filler, *area;
	bool has_chunk;
	u8 *state;

	/* Fill the only chunk, so that the area is in another one. */
	mal_percpu_shrink();
	keeper = mal_race_hold(test, MAL_RACE_KEEPER);
	filler = mal_race_hold(test, MAL_PERCPU_MAX_SIZE - MAL_RACE_KEEPER);
	area = mal_race_area(test);
	mal_percpu_shrink();
	mal_free_percpu(filler);
	state = mal_state_of(area);
	migrate_disable();
	mal_free_twice_at_once(area);
	/*
	 * Release the area at once, as a third CPU does with areas that no
	 * stack keeps.
	 */
	WRITE_ONCE(*state, MAL_PERCPU_LARGE);
	mal_free_percpu(area);
	KUNIT_EXPECT_GT(test, mal_percpu_chunk_release(), 0UL);
	migrate_enable();
	rcu_read_lock();
	has_chunk = mal_percpu_chunk_find(area);
	rcu_read_unlock();
	KUNIT_EXPECT_FALSE(test, has_chunk);
	rcu_barrier();
	area = mal_race_area(test);
	mal_free_percpu(area);
	mal_percpu_shrink();
	mal_expect_race_valid(test, MAL_RACE_KEEPER);
	KUNIT_EXPECT_EQ(test, mal_reports_total(), reports + 2);
	mal_free_percpu(keeper);
}

/*
 * Real concurrency
 */

/**
 * struct mal_racer - one of two threads that free the same area
 * @go: completed when the area is allocated
 * @done: completed when the area has been freed
 */
struct mal_racer {
	struct completion go;
	struct completion done;
};

static struct mal_racer mal_racers[2];
static void __percpu *mal_raced;
static atomic_t mal_race_gate;

static int mal_race_thread(void *data)
{
	struct mal_racer *racer = data;
	int i;

	for (i = 0; i < MAL_RACE_ROUNDS; i++) {
		wait_for_completion(&racer->go);
		atomic_dec(&mal_race_gate);
		while (atomic_read(&mal_race_gate))
			mal_test_spin();
		mal_free_percpu(mal_raced);
		complete(&racer->done);
	}
	return 0;
}

static void mal_race_start(struct kunit *test)
{
	struct task_struct *task;
	int i;

	for (i = 0; i < ARRAY_SIZE(mal_racers); i++) {
		init_completion(&mal_racers[i].go);
		init_completion(&mal_racers[i].done);
		task = kthread_create(mal_race_thread, &mal_racers[i], "memalloc_race/%d", i);
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, task);
		kthread_bind(task, i % num_online_cpus());
		wake_up_process(task);
	}
}

static void mal_test_two_cpus_free(struct kunit *test)
{
	u64 reports = mal_reports_total();
	int i, j;

	mal_race_start(test);
	for (i = 0; i < MAL_RACE_ROUNDS; i++) {
		mal_raced = i % 2 ? mal_race_area(test) : __mal_alloc_percpu(5000, 8);
		atomic_set(&mal_race_gate, ARRAY_SIZE(mal_racers));
		for (j = 0; j < ARRAY_SIZE(mal_racers); j++)
			complete(&mal_racers[j].go);
		for (j = 0; j < ARRAY_SIZE(mal_racers); j++)
			wait_for_completion(&mal_racers[j].done);
		mal_percpu_shrink();
		mal_expect_race_valid(test, 0);
	}
	KUNIT_EXPECT_EQ(test, mal_reports_total(), reports + MAL_RACE_ROUNDS);
}

/*
 * Concurrent demand for a chunk
 */

static struct completion mal_waiters_go, mal_waiter_done;
static void __percpu *mal_waiters[MAL_WAITERS];

static int mal_waiter_thread(void *data)
{
	void __percpu **area = data;

	wait_for_completion(&mal_waiters_go);
	*area = __mal_alloc_percpu(1000, 4);
	complete(&mal_waiter_done);
	return 0;
}

/* Returns the number of chunks borrowed for all tasks. */
static u64 mal_waiters_run(struct kunit *test)
{
	struct mal_percpu_stats before, after;
	struct task_struct *task;
	int i;

	init_completion(&mal_waiters_go);
	init_completion(&mal_waiter_done);
	mal_percpu_stats(&before);
	for (i = 0; i < MAL_WAITERS; i++) {
		task = kthread_run(mal_waiter_thread, &mal_waiters[i], "memalloc_wait/%d", i);
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, task);
	}
	complete_all(&mal_waiters_go);
	for (i = 0; i < MAL_WAITERS; i++)
		wait_for_completion(&mal_waiter_done);
	mal_percpu_stats(&after);
	for (i = 0; i < MAL_WAITERS; i++) {
		KUNIT_EXPECT_NOT_NULL(test, (__force void *)mal_waiters[i]);
		mal_free_percpu(mal_waiters[i]);
	}
	return after.borrowed_total - before.borrowed_total;
}

/* Together the tasks need a quarter of a chunk in excess of the reserve. */
static void mal_test_waiters_share_a_chunk(struct kunit *test)
{
	void __percpu *fill;
	u64 borrowed;
	int i;

	for (i = 0; i < MAL_WAITER_ROUNDS; i++) {
		mal_percpu_shrink();
		fill = mal_race_hold(test, MAL_PERCPU_MAX_SIZE - SZ_8K);
		mal_percpu_shrink();
		borrowed = mal_waiters_run(test);
		KUNIT_EXPECT_LE_MSG(test, borrowed, 1ULL, "round %d", i);
		mal_free_percpu(fill);
	}
	mal_percpu_shrink();
	mal_expect_race_valid(test, 0);
}

static struct kunit_case mal_percpu_race_cases[] = {
	KUNIT_CASE(mal_test_both_are_allocated),
	KUNIT_CASE(mal_test_both_are_released),
	KUNIT_CASE(mal_test_owner_keeps_area),
	KUNIT_CASE(mal_test_one_is_spilled),
	KUNIT_CASE(mal_test_chunk_is_returned),
	KUNIT_CASE(mal_test_two_cpus_free),
	KUNIT_CASE(mal_test_waiters_share_a_chunk),
	{}
};

struct kunit_suite mal_percpu_race_suite = {
	.name = "memalloc_percpu_race",
	.test_cases = mal_percpu_race_cases,
};
