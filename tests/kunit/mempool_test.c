// SPDX-License-Identifier: GPL-2.0
/*
 * Mempools: the minimum is always available, waiters are served in order, and
 * atomic allocations do not sleep
 *
 * Most pools here use their own element functions (mal_maker), which count
 * elements and can refuse to allocate. Each element records its owner.
 */
#include <kunit/test.h>

#include <linux/delay.h>
#include <linux/irq_work.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/prandom.h>
#include <linux/slab.h>
#include <linux/timer.h>

#include <memalloc/kmalloc.h>
#include <memalloc/mempool.h>

#include "internal/inject.h"
#include "internal/mempool.h"
#include "internal/report.h"
#include "internal/slab_cache.h"
#include "internal/slab_reclaim.h"

#include "memalloc_kunit.h"
#include "page_account.h"

/**
 * struct mal_element - an element of a test pool
 * @owner: id of its owner, or 0
 */
struct mal_element {
	atomic_t owner;
};

/**
 * struct mal_maker - state of the element functions
 * @refuse: allocations fail
 * @live: number of live elements
 */
struct mal_maker {
	bool refuse;
	atomic_t live;
};

static void *mal_maker_alloc(gfp_t gfp, void *data)
{
	struct mal_maker *maker = data;
	struct mal_element *element;

	if (READ_ONCE(maker->refuse))
		return NULL;
	element = mal_kmalloc(sizeof(*element), gfp);
	if (!element)
		return NULL;
	atomic_set(&element->owner, 0);
	atomic_inc(&maker->live);
	return element;
}

static void mal_maker_free(void *element, void *data)
{
	struct mal_maker *maker = data;

	atomic_dec(&maker->live);
	mal_kfree(element);
}

static struct mal_maker mal_test_maker;

static mal_mempool_t *mal_test_pool(struct kunit *test, int min_nr)
{
	mal_mempool_t *pool;

	mal_test_maker.refuse = false;
	atomic_set(&mal_test_maker.live, 0);
	pool = mal_mempool_create(min_nr, mal_maker_alloc, mal_maker_free,
				  &mal_test_maker);
	KUNIT_ASSERT_NOT_NULL(test, pool);
	return pool;
}

static void mal_expect_stats(struct kunit *test, mal_mempool_t *pool, int curr_nr,
			     unsigned long waiting)
{
	struct mal_mempool_stats stats;

	mal_mempool_stats(pool, &stats);
	KUNIT_EXPECT_EQ(test, stats.curr_nr, curr_nr);
	KUNIT_EXPECT_EQ(test, stats.waiting, waiting);
}

/*
 * Concurrent users
 */

#define MAL_CROWD_THREADS	16
#define MAL_CROWD_MIN		4
#define MAL_CROWD_ROUNDS	100
#define MAL_CROWD_INTERRUPT	0x100	/* owner in softirq; hardirq is one more */

/**
 * struct mal_mempool_crowd - concurrent users of one pool in all contexts
 * @pool: the pool
 * @seed: seed of the random decisions
 * @running: number of unfinished threads
 * @errors: number of errors: an element with two owners, or a failed allocation
 *	that must succeed
 * @stop: interrupts stop
 * @got: successful allocations by interrupts
 * @refused: failed allocations by interrupts
 * @timer: user in softirq context
 * @irq_work: user in hardirq context
 */
struct mal_mempool_crowd {
	mal_mempool_t *pool;
	u64 seed;
	atomic_t running;
	atomic_t errors;
	bool stop;
	atomic_t got;
	atomic_t refused;
	struct timer_list timer;
	struct irq_work irq_work;
};

static struct mal_mempool_crowd mal_crowd;

struct mal_mempool_user {
	struct task_struct *task;
	struct rnd_state rnd;
	int id;
	int rounds;
	int singles;
};

static void mal_element_take(struct mal_element *element, int owner)
{
	if (!element || atomic_cmpxchg(&element->owner, 0, owner))
		atomic_inc(&mal_crowd.errors);
}

static void mal_element_drop(struct mal_element *element, int owner)
{
	if (element && atomic_cmpxchg(&element->owner, owner, 0) != owner)
		atomic_inc(&mal_crowd.errors);
}

/* Hold the element for a while, so that other tasks have to wait. */
static void mal_user_hold(struct mal_mempool_user *user)
{
	if (prandom_u32_state(&user->rnd) % 32 == 0)
		schedule_timeout_uninterruptible(1);
	else
		cond_resched();
}

static void mal_user_single(struct mal_mempool_user *user)
{
	struct mal_element *element;
	bool may_sleep = prandom_u32_state(&user->rnd) % 8;

	element = mal_mempool_alloc(mal_crowd.pool,
				    may_sleep ? GFP_NOIO : GFP_NOWAIT);
	if (!element && !may_sleep)
		return;
	mal_element_take(element, user->id);
	mal_user_hold(user);
	mal_element_drop(element, user->id);
	mal_mempool_free(element, mal_crowd.pool);
}

static void mal_user_bulk(struct mal_mempool_user *user)
{
	unsigned int i, nr = 1 + prandom_u32_state(&user->rnd) % MAL_CROWD_MIN;
	void *elements[MAL_CROWD_MIN];

	if (mal_mempool_alloc_bulk(mal_crowd.pool, elements, nr))
		return; /* the minimum is smaller at present */
	for (i = 0; i < nr; i++)
		mal_element_take(elements[i], user->id);
	mal_user_hold(user);
	for (i = 0; i < nr; i++)
		mal_element_drop(elements[i], user->id);
	for (i = mal_mempool_free_bulk(mal_crowd.pool, elements, nr); i < nr; i++)
		mal_mempool_free(elements[i], mal_crowd.pool);
}

static int mal_crowd_thread(void *data)
{
	struct mal_mempool_user *user = data;

	for (; user->rounds < MAL_CROWD_ROUNDS; user->rounds++) {
		if (prandom_u32_state(&user->rnd) % 4)
			mal_user_single(user);
		else
			mal_user_bulk(user);
	}
	atomic_dec(&mal_crowd.running);
	while (!kthread_should_stop())
		schedule_timeout_interruptible(1);
	return 0;
}

static void mal_crowd_interrupt(int owner, gfp_t gfp)
{
	struct mal_element *element = mal_mempool_alloc(mal_crowd.pool, gfp);

	if (!element) {
		atomic_inc(&mal_crowd.refused);
		return;
	}
	atomic_inc(&mal_crowd.got);
	mal_element_take(element, owner);
	mal_element_drop(element, owner);
	mal_mempool_free(element, mal_crowd.pool);
}

static void mal_crowd_timer(struct timer_list *timer)
{
	mal_crowd_interrupt(MAL_CROWD_INTERRUPT, GFP_ATOMIC);
	if (!READ_ONCE(mal_crowd.stop))
		mod_timer(timer, jiffies + 1);
}

static void mal_crowd_irq_work(struct irq_work *work)
{
	mal_crowd_interrupt(MAL_CROWD_INTERRUPT + 1, GFP_NOWAIT);
}

static void mal_crowd_start(struct kunit *test, mal_mempool_t *pool,
			    struct mal_mempool_user *users)
{
	int i;

	memset(&mal_crowd, 0, sizeof(mal_crowd));
	mal_crowd.pool = pool;
	mal_crowd.seed = mal_test_seed(test);
	timer_setup(&mal_crowd.timer, mal_crowd_timer, 0);
	init_irq_work(&mal_crowd.irq_work, mal_crowd_irq_work);
	atomic_set(&mal_crowd.running, MAL_CROWD_THREADS);
	for (i = 0; i < MAL_CROWD_THREADS; i++) {
		users[i].id = i + 1;
		prandom_seed_state(&users[i].rnd, mal_crowd.seed + i);
		users[i].task = kthread_run(mal_crowd_thread, &users[i],
					    "memalloc_pool/%d", i);
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, users[i].task);
	}
	mod_timer(&mal_crowd.timer, jiffies + 1);
}

static void mal_crowd_stop(struct kunit *test, struct mal_mempool_user *users)
{
	int i;

	for (i = 0; i < MAL_CROWD_THREADS; i++)
		kthread_stop(users[i].task);
	WRITE_ONCE(mal_crowd.stop, true);
	timer_delete_sync(&mal_crowd.timer);
	irq_work_sync(&mal_crowd.irq_work);
	KUNIT_EXPECT_EQ(test, atomic_read(&mal_crowd.errors), 0);
	for (i = 0; i < MAL_CROWD_THREADS; i++)
		KUNIT_EXPECT_EQ(test, users[i].rounds, MAL_CROWD_ROUNDS);
}

/*
 * The pool cannot allocate, and has four elements for sixteen tasks and two
 * interrupts. A lost wakeup or a starved task would hang the test.
 */
static void mal_test_progress_without_memory(struct kunit *test)
{
	struct mal_mempool_user *users;
	struct mal_mempool_stats stats;
	mal_mempool_t *pool;

	users = kunit_kcalloc(test, MAL_CROWD_THREADS, sizeof(*users), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, users);
	pool = mal_test_pool(test, MAL_CROWD_MIN);
	WRITE_ONCE(mal_test_maker.refuse, true);
	mal_crowd_start(test, pool, users);
	while (atomic_read(&mal_crowd.running)) {
		irq_work_queue(&mal_crowd.irq_work);
		schedule_timeout_uninterruptible(1);
	}
	mal_crowd_stop(test, users);
	mal_mempool_stats(pool, &stats);
	KUNIT_EXPECT_EQ(test, stats.curr_nr, MAL_CROWD_MIN);
	KUNIT_EXPECT_EQ(test, stats.waiting, 0UL);
	KUNIT_EXPECT_GT(test, stats.waits, 0UL);
	KUNIT_EXPECT_EQ(test, atomic_read(&mal_test_maker.live), MAL_CROWD_MIN);
	kunit_info(test, "%lu waits, %lu reserve hits, interrupts: %d allocations, %d failures",
		   stats.waits, stats.reserve_hits, atomic_read(&mal_crowd.got),
		   atomic_read(&mal_crowd.refused));
	mal_mempool_destroy(pool);
	KUNIT_EXPECT_EQ(test, atomic_read(&mal_test_maker.live), 0);
}

/* The minimum keeps changing, and the pool can allocate from time to time. */
static void mal_test_resize_under_use(struct kunit *test)
{
	struct mal_mempool_user *users;
	unsigned long resizes = 0;
	struct rnd_state rnd;
	mal_mempool_t *pool;

	users = kunit_kcalloc(test, MAL_CROWD_THREADS, sizeof(*users), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, users);
	pool = mal_test_pool(test, MAL_CROWD_MIN);
	mal_crowd_start(test, pool, users);
	prandom_seed_state(&rnd, mal_crowd.seed);
	while (atomic_read(&mal_crowd.running)) {
		int min_nr = 1 + prandom_u32_state(&rnd) % 40;

		WRITE_ONCE(mal_test_maker.refuse, prandom_u32_state(&rnd) % 4);
		if (mal_mempool_resize(pool, min_nr))
			atomic_inc(&mal_crowd.errors);
		resizes++;
		irq_work_queue(&mal_crowd.irq_work);
		if (resizes % 8 == 0)
			schedule_timeout_uninterruptible(1);
	}
	mal_crowd_stop(test, users);
	WRITE_ONCE(mal_test_maker.refuse, false);
	KUNIT_EXPECT_EQ(test, mal_mempool_resize(pool, 7), 0);
	mal_expect_stats(test, pool, 7, 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&mal_test_maker.live), 7);
	KUNIT_EXPECT_EQ(test, mal_mempool_resize(pool, 3), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&mal_test_maker.live), 3);
	kunit_info(test, "%lu resizes", resizes);
	mal_mempool_destroy(pool);
	KUNIT_EXPECT_EQ(test, atomic_read(&mal_test_maker.live), 0);
}

/*
 * Order of waiters
 */

#define MAL_LINE_MIN	4

/* Number of elements that each waiter wants. */
static const unsigned int mal_line_wants[] = { 1, 3, 1, 4, 2, 1, 4, 1 };

#define MAL_LINE_TASKS	ARRAY_SIZE(mal_line_wants)

struct mal_line_task {
	mal_mempool_t *pool;
	struct task_struct *task;
	unsigned int wants;
	void *elements[MAL_LINE_MIN];
	bool served;
};

static int mal_line_thread(void *data)
{
	struct mal_line_task *task = data;

	if (task->wants == 1)
		task->elements[0] = mal_mempool_alloc(task->pool, GFP_KERNEL);
	else
		mal_mempool_alloc_bulk(task->pool, task->elements, task->wants);
	smp_store_release(&task->served, true); /* publishes the elements */
	while (!kthread_should_stop())
		schedule_timeout_interruptible(1);
	return 0;
}

/* Queue the waiters: each one waits before the next one starts. */
static void mal_line_up(struct kunit *test, mal_mempool_t *pool,
			struct mal_line_task *line)
{
	struct mal_mempool_stats stats;
	int i;

	for (i = 0; i < MAL_LINE_TASKS; i++) {
		line[i].pool = pool;
		line[i].wants = mal_line_wants[i];
		line[i].task = kthread_run(mal_line_thread, &line[i],
					   "memalloc_line/%d", i);
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, line[i].task);
		do {
			schedule_timeout_uninterruptible(1);
			mal_mempool_stats(pool, &stats);
		} while (stats.waiting <= i);
	}
}

static unsigned int mal_line_served(const struct mal_line_task *line, unsigned int tasks)
{
	unsigned int i, nr = 0;

	for (i = 0; i < tasks; i++)
		nr += smp_load_acquire(&line[i].served); /* pairs with mal_line_thread() */
	return nr;
}

/* Expect that exactly the first @nr waiters have been served. */
static void mal_expect_served(struct kunit *test, struct mal_line_task *line,
			      unsigned int nr)
{
	unsigned int i;

	mal_expect_stats(test, line[0].pool, 0, MAL_LINE_TASKS - nr);
	while (mal_line_served(line, MAL_LINE_TASKS) < nr)
		schedule_timeout_uninterruptible(1);
	for (i = 0; i < MAL_LINE_TASKS; i++)
		KUNIT_EXPECT_EQ_MSG(test, READ_ONCE(line[i].served), i < nr,
				    "waiter %u, with %u served", i, nr);
}

/*
 * Waiters are served in order of arrival. Each one is served after as many
 * frees as it and its predecessors want. No allocation overtakes a waiter.
 */
static void mal_test_first_come_first_served(struct kunit *test)
{
	struct mal_line_task *line;
	void *free[MAL_LINE_MIN];
	unsigned int nr_free = 0, given = 0, owed = 0, served = 0, i;
	mal_mempool_t *pool;
	u64 reports;

	line = kunit_kcalloc(test, MAL_LINE_TASKS, sizeof(*line), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, line);
	pool = mal_test_pool(test, MAL_LINE_MIN);
	WRITE_ONCE(mal_test_maker.refuse, true);
	while (nr_free < MAL_LINE_MIN)
		free[nr_free++] = mal_mempool_alloc_preallocated(pool);
	mal_line_up(test, pool, line);

	reports = mal_reports_total();
	mal_mempool_destroy(pool);
	KUNIT_EXPECT_EQ(test, mal_reports_total(), reports + 1);

	owed = line[0].wants;
	while (served < MAL_LINE_TASKS) {
		KUNIT_ASSERT_GT(test, nr_free, 0U);
		mal_mempool_free(free[--nr_free], pool);
		KUNIT_EXPECT_NULL(test, mal_mempool_alloc(pool, GFP_ATOMIC));
		KUNIT_EXPECT_NULL(test, mal_mempool_alloc_preallocated(pool));
		if (++given == owed) {
			served++;
			mal_expect_served(test, line, served);
			for (i = 0; i < line[served - 1].wants; i++)
				free[nr_free++] = line[served - 1].elements[i];
			owed += served < MAL_LINE_TASKS ? line[served].wants : 0;
		} else {
			mal_expect_served(test, line, served);
		}
	}
	for (i = 0; i < MAL_LINE_TASKS; i++)
		kthread_stop(line[i].task);
	KUNIT_EXPECT_EQ(test, nr_free, MAL_LINE_MIN);
	while (nr_free)
		mal_mempool_free(free[--nr_free], pool);
	mal_expect_stats(test, pool, MAL_LINE_MIN, 0);
	mal_mempool_destroy(pool);
	KUNIT_EXPECT_EQ(test, atomic_read(&mal_test_maker.live), 0);
}

/* Time after which a task that was not woken asks again, on any machine. */
#define MAL_ASKS_AGAIN	(60 * HZ)

/*
 * A task that waits gets an element from the backend even if no element is
 * freed, as with the host's mempool_alloc().
 */
static void mal_test_waiter_asks_again(struct kunit *test)
{
	struct mal_line_task *waiter = kunit_kzalloc(test, sizeof(*waiter), GFP_KERNEL);
	mal_mempool_t *pool = mal_test_pool(test, 1);
	struct mal_mempool_stats stats;
	unsigned long until;
	void *element;

	KUNIT_ASSERT_NOT_NULL(test, waiter);
	WRITE_ONCE(mal_test_maker.refuse, true);
	element = mal_mempool_alloc_preallocated(pool);
	waiter->pool = pool;
	waiter->wants = 1;
	waiter->task = kthread_run(mal_line_thread, waiter, "memalloc_waiter");
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, waiter->task);
	do {
		schedule_timeout_uninterruptible(1);
		mal_mempool_stats(pool, &stats);
	} while (!stats.waiting);
	WRITE_ONCE(mal_test_maker.refuse, false);
	until = jiffies + MAL_ASKS_AGAIN;
	while (!mal_line_served(waiter, 1) && time_before(jiffies, until))
		schedule_timeout_uninterruptible(1);
	KUNIT_EXPECT_TRUE(test, mal_line_served(waiter, 1));
	mal_mempool_free(element, pool);
	while (!mal_line_served(waiter, 1))
		schedule_timeout_uninterruptible(1);
	kthread_stop(waiter->task);
	mal_mempool_free(waiter->elements[0], pool);
	mal_expect_stats(test, pool, 1, 0);
	mal_mempool_destroy(pool);
	KUNIT_EXPECT_EQ(test, atomic_read(&mal_test_maker.live), 0);
}

/*
 * The minimum of each kind of pool
 */

/* Allocate all pages. Returns a list, linked through the pages. */
static void **mal_alloc_all_pages(void)
{
	void **first = NULL, **page;

	for (;;) {
		page = (void **)mal_get_free_pages(GFP_KERNEL | __GFP_NORETRY |
						   __GFP_NOWARN, 0);
		if (!page)
			return first;
		*page = first;
		first = page;
	}
}

static void mal_free_page_list(void **page)
{
	while (page) {
		void **next = *page;

		mal_put_free_pages((unsigned long)page, 0);
		page = next;
	}
}

#define MAL_KIND_MIN	5
#define MAL_KIND_MAX	2000

/* Atomic allocations get the minimum if no memory is free, and then fail. */
static void mal_expect_minimum(struct kunit *test, mal_mempool_t *pool)
{
	struct mal_mempool_stats stats;
	void **elements, **hog;
	unsigned int nr = 0;

	elements = kunit_kcalloc(test, MAL_KIND_MAX, sizeof(*elements), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, elements);
	hog = mal_alloc_all_pages();
	while (nr < MAL_KIND_MAX &&
	       (elements[nr] = mal_mempool_alloc(pool, GFP_NOWAIT)))
		nr++;
	mal_mempool_stats(pool, &stats);
	KUNIT_EXPECT_LT(test, nr, MAL_KIND_MAX);
	KUNIT_EXPECT_GE(test, nr, MAL_KIND_MIN);
	KUNIT_EXPECT_EQ(test, stats.reserve_hits, MAL_KIND_MIN);
	KUNIT_EXPECT_EQ(test, stats.failures, 1UL);
	KUNIT_EXPECT_EQ(test, stats.curr_nr, 0);
	while (nr)
		mal_mempool_free(elements[--nr], pool);
	mal_expect_stats(test, pool, MAL_KIND_MIN, 0);
	mal_free_page_list(hog);
}

static void mal_test_minimum_of_each_kind(struct kunit *test)
{
	struct mal_kmem_cache *cache;
	mal_mempool_t *pool, embedded = { };

	cache = mal_kmem_cache_create("elements", 400, 0, 0, NULL);
	KUNIT_ASSERT_NOT_NULL(test, cache);
	KUNIT_ASSERT_EQ(test, mal_account_cap(1024 + 1024), 0);

	pool = mal_mempool_create_slab_pool(MAL_KIND_MIN, cache);
	KUNIT_ASSERT_NOT_NULL(test, pool);
	mal_expect_minimum(test, pool);
	mal_mempool_destroy(pool);

	pool = mal_mempool_create_kmalloc_pool(MAL_KIND_MIN, 3000);
	KUNIT_ASSERT_NOT_NULL(test, pool);
	mal_expect_minimum(test, pool);
	mal_mempool_destroy(pool);

	pool = mal_mempool_create_kmalloc_pool(MAL_KIND_MIN, 30000);
	KUNIT_ASSERT_NOT_NULL(test, pool);
	mal_expect_minimum(test, pool);
	mal_mempool_destroy(pool);

	mal_mempool_exit(&embedded);
	KUNIT_ASSERT_EQ(test, mal_mempool_init_page_pool(&embedded, MAL_KIND_MIN, 2), 0);
	KUNIT_EXPECT_TRUE(test, mal_mempool_initialized(&embedded));
	mal_expect_minimum(test, &embedded);
	mal_mempool_exit(&embedded);
	KUNIT_EXPECT_FALSE(test, mal_mempool_initialized(&embedded));

	mal_account_uncap();
	mal_kmem_cache_destroy(cache);
}

/*
 * Failures and misuse
 */

static u64 mal_class_active(size_t size)
{
	struct mal_cache_stats stats;

	mal_cache_stats(mal_kmalloc_caches[MAL_KMALLOC_NORMAL][mal_kmalloc_index(size)],
			&stats);
	return stats.active;
}

#define MAL_FAIL_SIZE	100
#define MAL_FAIL_MIN	6

/*
 * Fail each allocation of a pool's creation in turn. Either there is no pool
 * and nothing leaks, or the pool is full.
 */
static void mal_test_creation_fails_cleanly(struct kunit *test)
{
	u64 active;
	struct mal_inject_scope scope;
	struct mal_inject inject;
	mal_mempool_t *pool;
	u64 nth = 0, left, failed = 0;

	/* Let the size class allocate its own memory first. */
	mal_mempool_destroy(mal_mempool_create_kmalloc_pool(MAL_FAIL_MIN,
							    MAL_FAIL_SIZE));
	active = mal_class_active(MAL_FAIL_SIZE);
	mal_inject_init(&inject);
	do {
		mal_inject_arm(&inject, ++nth);
		mal_inject_enter(&scope, &inject);
		pool = mal_mempool_create_kmalloc_pool(MAL_FAIL_MIN, MAL_FAIL_SIZE);
		mal_inject_leave(&scope);
		left = mal_inject_arm(&inject, 0);
		if (pool)
			mal_expect_stats(test, pool, MAL_FAIL_MIN, 0);
		else
			failed++;
		mal_mempool_destroy(pool);
		KUNIT_EXPECT_EQ(test, mal_class_active(MAL_FAIL_SIZE), active);
	} while (!left);
	KUNIT_EXPECT_EQ(test, failed, 1ULL + 1 + MAL_FAIL_MIN);
	mal_inject_destroy(&inject);
}

/*
 * If an allocation below fails, the pool serves it. Resizing returns an error.
 */
static void mal_test_failures_in_use(struct kunit *test)
{
	struct mal_mempool_stats stats;
	struct mal_inject_scope scope;
	struct mal_inject inject;
	mal_mempool_t *pool;
	void *element;

	mal_inject_init(&inject);
	pool = mal_mempool_create_kmalloc_pool(MAL_FAIL_MIN, MAL_FAIL_SIZE);
	KUNIT_ASSERT_NOT_NULL(test, pool);

	mal_inject_arm(&inject, 1);
	mal_inject_enter(&scope, &inject);
	element = mal_mempool_alloc(pool, GFP_ATOMIC);
	mal_inject_leave(&scope);
	KUNIT_EXPECT_NOT_NULL(test, element);
	mal_mempool_stats(pool, &stats);
	KUNIT_EXPECT_EQ(test, stats.reserve_hits, 1UL);
	KUNIT_EXPECT_EQ(test, stats.curr_nr, MAL_FAIL_MIN - 1);
	mal_mempool_free(element, pool);
	mal_expect_stats(test, pool, MAL_FAIL_MIN, 0);

	mal_inject_arm(&inject, 1);
	mal_inject_enter(&scope, &inject);
	KUNIT_EXPECT_EQ(test, mal_mempool_resize(pool, MAL_FAIL_MIN + 3), -ENOMEM);
	mal_inject_leave(&scope);
	mal_mempool_stats(pool, &stats);
	KUNIT_EXPECT_EQ(test, stats.min_nr, MAL_FAIL_MIN);

	mal_inject_arm(&inject, 2);
	mal_inject_enter(&scope, &inject);
	KUNIT_EXPECT_EQ(test, mal_mempool_resize(pool, MAL_FAIL_MIN + 3), 0);
	mal_inject_leave(&scope);
	mal_expect_stats(test, pool, MAL_FAIL_MIN, 0);
	mal_mempool_free(mal_mempool_alloc(pool, GFP_KERNEL), pool);
	mal_expect_stats(test, pool, MAL_FAIL_MIN + 1, 0);
	mal_mempool_destroy(pool);
	mal_inject_destroy(&inject);
}

static void mal_test_bad_arguments(struct kunit *test)
{
	mal_mempool_t *pool, embedded;
	void *elements[2] = { test, test };

	KUNIT_EXPECT_NULL(test, mal_mempool_create_kmalloc_pool(-1, 64));
	KUNIT_EXPECT_EQ(test, mal_mempool_init_kmalloc_pool(&embedded, -1, 64), -EINVAL);
	mal_mempool_exit(&embedded);
	KUNIT_EXPECT_NULL(test, mal_mempool_create_kmalloc_pool(INT_MAX, 64));
	pool = mal_mempool_create_kmalloc_pool(0, 64);
	KUNIT_ASSERT_NOT_NULL(test, pool);
	mal_expect_stats(test, pool, 1, 0);
	KUNIT_EXPECT_EQ(test, mal_mempool_resize(pool, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, mal_mempool_resize(pool, INT_MIN), -EINVAL);
	KUNIT_EXPECT_EQ(test, mal_mempool_resize(pool, INT_MAX), -ENOMEM);
	KUNIT_EXPECT_EQ(test, mal_mempool_alloc_bulk(pool, elements, 2), -EINVAL);
	KUNIT_EXPECT_NULL(test, elements[0]);
	KUNIT_EXPECT_NULL(test, elements[1]);
	mal_mempool_free(NULL, pool);
	mal_mempool_destroy(pool);
	mal_mempool_destroy(NULL);
	pool = mal_mempool_create_kmalloc_pool(2, 0);
	KUNIT_ASSERT_NOT_NULL(test, pool);
	mal_expect_stats(test, pool, 2, 0);
	mal_mempool_destroy(pool);
}

/* Freed twice into a pool: the pool has the element once. */
static void mal_test_double_free(struct kunit *test)
{
	struct memalloc_stats_reports before, after;
	void *first, *second;
	mal_mempool_t *pool = mal_test_pool(test, 3);

	WRITE_ONCE(mal_test_maker.refuse, true);
	first = mal_mempool_alloc(pool, GFP_KERNEL);
	second = mal_mempool_alloc(pool, GFP_KERNEL);
	mal_mempool_free(first, pool);
	mal_report_stats(&before);
	mal_mempool_free(first, pool);
	mal_report_stats(&after);
	KUNIT_EXPECT_EQ(test, after.double_free, before.double_free + 1);
	mal_expect_stats(test, pool, 2, 0);
	mal_mempool_free(second, pool);
	mal_expect_stats(test, pool, 3, 0);
	mal_mempool_destroy(pool);
	KUNIT_EXPECT_EQ(test, atomic_read(&mal_test_maker.live), 0);
}

/*
 * Two of the three elements of the pool are in use, so that it takes frees.
 *
 * Expect one report of @kind for the free of @element, and that the pool does
 * not take it.
 */
#define mal_expect_refused(test, kind, element, pool) do {		\
	struct memalloc_stats_reports before, after;			\
	u64 total = mal_reports_total();				\
									\
	mal_report_stats(&before);					\
	mal_mempool_free(element, pool);				\
	mal_report_stats(&after);					\
	KUNIT_EXPECT_EQ(test, after.kind, before.kind + 1);		\
	KUNIT_EXPECT_EQ(test, mal_reports_total(), total + 1);		\
	mal_expect_stats(test, pool, 1, 0);				\
} while (0)

/*
 * The free of a free element is refused and leaves the allocator's data in its
 * descriptor intact. The next allocation returns the element.
 */
static void mal_expect_stale_refused(struct kunit *test, mal_mempool_t *pool)
{
	void *stale, *next;

	stale = mal_mempool_alloc_noreserve(pool, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, stale);
	pool->free(stale, pool->pool_data);
	mal_expect_refused(test, double_free, stale, pool);
	next = mal_mempool_alloc_noreserve(pool, GFP_KERNEL);
	KUNIT_ASSERT_PTR_EQ(test, next, stale);
	pool->free(next, pool->pool_data);
}

/* A pointer inside an element and foreign memory are refused, too. */
static void mal_expect_misuse_refused(struct kunit *test, mal_mempool_t *pool,
				      size_t inside, void *foreign)
{
	u64 total = mal_reports_total();
	void *out[2];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(out); i++)
		out[i] = mal_mempool_alloc_preallocated(pool);
	KUNIT_ASSERT_NOT_NULL(test, out[1]);
	mal_expect_stale_refused(test, pool);
	if (inside)
		mal_expect_refused(test, wrong_free, out[0] + inside, pool);
	mal_expect_refused(test, foreign_free, foreign, pool);
	total = mal_reports_total();
	for (i = 0; i < ARRAY_SIZE(out); i++)
		mal_mempool_free(out[i], pool);
	mal_expect_stats(test, pool, 3, 0);
	mal_mempool_destroy(pool);
	KUNIT_EXPECT_EQ(test, mal_reports_total(), total);
}

static void mal_test_misuse_of_pages(struct kunit *test)
{
	struct page *foreign = alloc_page(GFP_KERNEL);
	unsigned int order;

	KUNIT_ASSERT_NOT_NULL(test, foreign);
	for (order = 0; order <= 3; order++) {
		mal_mempool_t *pool = mal_mempool_create_page_pool(3, order);

		KUNIT_ASSERT_NOT_NULL(test, pool);
		mal_expect_misuse_refused(test, pool, order ? sizeof(struct page) : 0,
					  foreign);
	}
	/* In the kernel image, far from any borrowed page. */
	mal_expect_misuse_refused(test, mal_mempool_create_page_pool(3, 0), 0,
				  ZERO_PAGE(0));
	__free_page(foreign);
}

static void mal_test_misuse_of_memory(struct kunit *test)
{
	static const size_t sizes[] = { 64, 3000, 30000 };
	void *foreign = kmalloc(64, GFP_KERNEL);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, foreign);
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		mal_mempool_t *pool = mal_mempool_create_kmalloc_pool(3, sizes[i]);

		KUNIT_ASSERT_NOT_NULL(test, pool);
		mal_expect_misuse_refused(test, pool, 1, foreign);
	}
	kfree(foreign);
}

/* Objects of another cache are refused, too. */
static void mal_test_misuse_of_objects(struct kunit *test)
{
	struct mal_kmem_cache *cache = mal_kmem_cache_create("elements", 400, 0, 0, NULL);
	mal_mempool_t *pool;
	void *foreign, *other, *out[2];

	KUNIT_ASSERT_NOT_NULL(test, cache);
	foreign = kmalloc(400, GFP_KERNEL);
	other = mal_kmalloc(400, GFP_KERNEL);
	pool = mal_mempool_create_slab_pool(3, cache);
	KUNIT_ASSERT_NOT_NULL(test, pool);
	out[0] = mal_mempool_alloc_preallocated(pool);
	out[1] = mal_mempool_alloc_preallocated(pool);
	mal_expect_refused(test, wrong_free, other, pool);
	mal_mempool_free(out[0], pool);
	mal_mempool_free(out[1], pool);
	mal_expect_misuse_refused(test, pool, 8, foreign);
	mal_kfree(other);
	kfree(foreign);
	mal_kmem_cache_destroy(cache);
}

/* In bulk, the bad element is reported, and the others are taken. */
static void mal_test_misuse_in_bulk(struct kunit *test)
{
	mal_mempool_t *pool = mal_mempool_create_page_pool(4, 0);
	u64 total = mal_reports_total();
	void *elements[4];

	KUNIT_ASSERT_NOT_NULL(test, pool);
	elements[0] = mal_mempool_alloc_preallocated(pool);
	elements[1] = ZERO_PAGE(0);
	elements[2] = mal_mempool_alloc_preallocated(pool);
	elements[3] = mal_mempool_alloc_preallocated(pool);
	KUNIT_ASSERT_NOT_NULL(test, elements[3]);
	KUNIT_EXPECT_EQ(test, mal_mempool_free_bulk(pool, elements, 4), 4U);
	KUNIT_EXPECT_EQ(test, mal_reports_total(), total + 1);
	mal_expect_stats(test, pool, 4, 0);
	mal_mempool_destroy(pool);
}

/* Last case: nothing has leaked. */
static void mal_test_nothing_is_left(struct kunit *test)
{
	mal_slab_shrink();
	rcu_barrier();
	mal_account_settle(test);
}

static struct kunit_case mal_mempool_cases[] = {
	KUNIT_CASE(mal_test_progress_without_memory),
	KUNIT_CASE(mal_test_resize_under_use),
	KUNIT_CASE(mal_test_first_come_first_served),
	KUNIT_CASE_SLOW(mal_test_waiter_asks_again),
	KUNIT_CASE(mal_test_minimum_of_each_kind),
	KUNIT_CASE(mal_test_creation_fails_cleanly),
	KUNIT_CASE(mal_test_failures_in_use),
	KUNIT_CASE(mal_test_bad_arguments),
	KUNIT_CASE(mal_test_double_free),
	KUNIT_CASE(mal_test_misuse_of_pages),
	KUNIT_CASE(mal_test_misuse_of_memory),
	KUNIT_CASE(mal_test_misuse_of_objects),
	KUNIT_CASE(mal_test_misuse_in_bulk),
	KUNIT_CASE(mal_test_nothing_is_left),
	{}
};

struct kunit_suite mal_mempool_suite = {
	.name = "memalloc_mempool",
	.test_cases = mal_mempool_cases,
};
