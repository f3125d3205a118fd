// SPDX-License-Identifier: GPL-2.0
/*
 * Objects allocated on one CPU and freed on another
 *
 * A thread allocates on one CPU and passes each object to the current task on
 * another CPU, which frees it. All sheaves that the first CPU empties are
 * filled by the second. If they were not exchanged, each object would need new
 * memory. The objects must arrive intact and in order, none may be lost, and
 * the cache must not grow.
 */
#include <kunit/test.h>

#include <linux/cpumask.h>
#include <linux/err.h>
#include <linux/kfifo.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/sched.h>

#include <memalloc/kmalloc.h>
#include <memalloc/slab_cache.h>

#include "internal/slab_cache.h"

#include "memalloc_kunit.h"
#include "page_account.h"

#define MAL_HANDOFF_SIZE	512
#define MAL_HANDOFF_OBJECTS	20000U
#define MAL_HANDOFF_RING	1024

/**
 * struct mal_handoff - a cache, and the ring from one CPU to the other
 * @cache: the cache
 * @ring: objects in flight; NULL ends the stream
 */
struct mal_handoff {
	struct mal_kmem_cache *cache;
	DECLARE_KFIFO(ring, u64 *, MAL_HANDOFF_RING);
};

static void mal_handoff_fill(u64 *object, u64 number)
{
	object[0] = number;
	object[MAL_HANDOFF_SIZE / sizeof(*object) - 1] = ~number;
}

static bool mal_handoff_is(const u64 *object, u64 number)
{
	return object[0] == number &&
	       object[MAL_HANDOFF_SIZE / sizeof(*object) - 1] == ~number;
}

static void mal_handoff_send(struct mal_handoff *handoff, u64 *object)
{
	while (!kfifo_put(&handoff->ring, object))
		schedule_timeout_uninterruptible(1);
}

static u64 *mal_handoff_receive(struct mal_handoff *handoff)
{
	u64 *object;

	while (!kfifo_get(&handoff->ring, &object))
		schedule_timeout_uninterruptible(1);
	return object;
}

static int mal_handoff_produce(void *data)
{
	struct mal_handoff *handoff = data;
	u64 *object;
	u64 i;

	for (i = 0; i < MAL_HANDOFF_OBJECTS; i++) {
		object = mal_kmem_cache_alloc(handoff->cache, GFP_KERNEL);
		if (!object)
			break;
		mal_handoff_fill(object, i);
		mal_handoff_send(handoff, object);
	}
	mal_handoff_send(handoff, NULL);
	while (!kthread_should_stop())
		schedule_timeout_interruptible(1);
	return 0;
}

/* Half of the frees name the cache; the others have to look it up. */
static void mal_handoff_consume(struct kunit *test, struct mal_handoff *handoff)
{
	unsigned long wrong = 0;
	u64 *object;
	u64 i;

	for (i = 0; (object = mal_handoff_receive(handoff)); i++) {
		wrong += !mal_handoff_is(object, i);
		mal_handoff_fill(object, -1);
		if (i % 2)
			mal_kfree(object);
		else
			mal_kmem_cache_free(handoff->cache, object);
	}
	KUNIT_EXPECT_EQ(test, i, (u64)MAL_HANDOFF_OBJECTS);
	KUNIT_EXPECT_EQ(test, wrong, 0UL);
}

static void mal_handoff_run(struct kunit *test, struct mal_handoff *handoff)
{
	unsigned int here = raw_smp_processor_id();
	struct task_struct *producer;

	producer = kthread_create(mal_handoff_produce, handoff, "memalloc_test");
	KUNIT_EXPECT_NOT_ERR_OR_NULL(test, producer);
	if (IS_ERR(producer))
		return;
	kthread_bind(producer, cpumask_any_but(cpu_online_mask, here));
	set_cpus_allowed_ptr(current, cpumask_of(here));
	wake_up_process(producer);
	mal_handoff_consume(test, handoff);
	kthread_stop(producer);
	set_cpus_allowed_ptr(current, cpu_possible_mask);
}

static void mal_test_objects_freed_elsewhere_are_reused(struct kunit *test)
{
	struct mal_handoff *handoff = kunit_kzalloc(test, sizeof(*handoff), GFP_KERNEL);
	u64 reports = mal_reports_total(), checked = 0;
	struct mal_cache_stats stats;

	if (num_online_cpus() < 2)
		kunit_skip(test, "needs two CPUs");
	KUNIT_ASSERT_NOT_NULL(test, handoff);
	INIT_KFIFO(handoff->ring);
	handoff->cache = mal_kmem_cache_create("handoff", MAL_HANDOFF_SIZE, 0, 0, NULL);
	KUNIT_ASSERT_NOT_NULL(test, handoff->cache);
	mal_handoff_run(test, handoff);
	mal_cache_stats(handoff->cache, &stats);
	KUNIT_EXPECT_EQ(test, stats.active, 0ULL);
	KUNIT_EXPECT_LT(test, stats.objects, MAL_HANDOFF_OBJECTS / 4ULL);
	KUNIT_EXPECT_GT(test, stats.hits, stats.misses);
	KUNIT_EXPECT_EQ(test, mal_slab_validate(&checked), 0ULL);
	KUNIT_EXPECT_EQ(test, mal_kmem_cache_shrink(handoff->cache), 0);
	mal_kmem_cache_destroy(handoff->cache);
	rcu_barrier();
	mal_account_settle(test);
	KUNIT_EXPECT_EQ(test, mal_reports_total(), reports);
}

static struct kunit_case mal_barn_cases[] = {
	KUNIT_CASE(mal_test_objects_freed_elsewhere_are_reused),
	{}
};

struct kunit_suite mal_barn_suite = {
	.name = "memalloc_barn",
	.test_cases = mal_barn_cases,
};
