// SPDX-License-Identifier: GPL-2.0
/*
 * Frees that NMI handlers defer are not lost
 *
 * The tests pretend to be an NMI handler: in_nmi() is true and interrupts are
 * off. A free is then deferred to an interrupt of the same CPU.
 */
#include <kunit/test.h>

#include <linux/cpumask.h>
#include <linux/err.h>
#include <linux/hardirq.h>
#include <linux/irqflags.h>
#include <linux/kthread.h>
#include <linux/preempt.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

#include <memalloc/slab_cache.h>

#include "internal/slab.h"
#include "internal/slab_cache.h"

#include "memalloc_kunit.h"
#include "page_account.h"

#define MAL_DEFER_SIZE		64
#define MAL_DEFER_ROUNDS	10

/* The slab has objects before and behind each other. */
#define MAL_DEFER_NR		20

/* Turns after which a CPU that does not count is in an interrupt. */
#define MAL_DEFER_STILL		1000000U

/* Time after which a free is lost, on any machine. */
#define MAL_DEFER_LOST		(30 * HZ)

static void mal_free_in_nmi(struct mal_kmem_cache *cache, void *object)
{
	unsigned long flags;

	local_irq_save(flags);
	__preempt_count_add(NMI_OFFSET + HARDIRQ_OFFSET);
	mal_kmem_cache_free(cache, object);
	__preempt_count_sub(NMI_OFFSET + HARDIRQ_OFFSET);
	local_irq_restore(flags);
}

/**
 * struct mal_defer_race - a drain on one CPU, and a free on another one
 * @cache: cache of the objects; it has no sheaves, so all frees are deferred
 * @node: the node of the slab
 * @late: freed while the drain is behind it
 * @locked: the lock of the node is held, which stops the drain
 * @freed: the other object has been freed
 * @turns: counts while the draining CPU is not in an interrupt
 * @over: @late has been freed
 */
struct mal_defer_race {
	struct mal_kmem_cache *cache;
	struct mal_slab_node *node;
	void *late;
	bool locked;
	bool freed;
	unsigned long turns;
	bool over;
};

/* Wait until the other CPU does not count any more: its drain waits. */
static void mal_defer_wait_for_drain(struct mal_defer_race *race)
{
	unsigned int still = 0;
	unsigned long turns = 0;

	while (still < MAL_DEFER_STILL) {
		cpu_relax();
		still = READ_ONCE(race->turns) == turns ? still + 1 : 0;
		turns = READ_ONCE(race->turns);
	}
}

static int mal_defer_other(void *data)
{
	struct mal_defer_race *race = data;
	unsigned long flags;

	spin_lock_irqsave(&race->node->lock, flags);
	WRITE_ONCE(race->locked, true);
	while (!READ_ONCE(race->freed))
		cpu_relax();
	mal_defer_wait_for_drain(race);
	mal_free_in_nmi(race->cache, race->late);
	spin_unlock_irqrestore(&race->node->lock, flags);
	WRITE_ONCE(race->over, true);
	while (!kthread_should_stop())
		schedule_timeout_interruptible(1);
	return 0;
}

static void mal_defer_run(struct kunit *test, struct mal_defer_race *race, void *early)
{
	unsigned int here = raw_smp_processor_id();
	struct task_struct *other;

	other = kthread_create(mal_defer_other, race, "memalloc_test");
	KUNIT_ASSERT_FALSE(test, IS_ERR(other));
	set_cpus_allowed_ptr(current, cpumask_of(here));
	kthread_bind(other, cpumask_any_but(cpu_online_mask, here));
	wake_up_process(other);
	while (!READ_ONCE(race->locked))
		mal_test_spin();
	preempt_disable();
	mal_free_in_nmi(race->cache, early);
	WRITE_ONCE(race->freed, true);
	while (!READ_ONCE(race->over)) {
		WRITE_ONCE(race->turns, race->turns + 1);
		cpu_relax();
	}
	preempt_enable();
	kthread_stop(other);
	set_cpus_allowed_ptr(current, cpu_possible_mask);
}

static u64 mal_defer_active(struct mal_kmem_cache *cache)
{
	struct mal_cache_stats stats;

	mal_cache_stats(cache, &stats);
	return stats.active;
}

/* Wait for the interrupts. Returns false if a free is lost. */
static bool mal_defer_expect_active(struct kunit *test, struct mal_kmem_cache *cache,
				    u64 nr)
{
	unsigned long until = jiffies + MAL_DEFER_LOST;

	while (mal_defer_active(cache) != nr && time_before(jiffies, until))
		schedule_timeout_uninterruptible(1);
	KUNIT_EXPECT_EQ(test, mal_defer_active(cache), nr);
	return mal_defer_active(cache) == nr;
}

/* The object with the lowest address, and one behind it in the same slab. */
static bool mal_defer_choose(void **objects, void **low, void **high)
{
	unsigned int i, first = 0;

	for (i = 1; i < MAL_DEFER_NR; i++)
		if (objects[i] < objects[first])
			first = i;
	*low = objects[first];
	for (i = 0; i < MAL_DEFER_NR; i++) {
		*high = objects[i];
		if (i != first && mal_slab_of(*high) == mal_slab_of(*low)) {
			objects[i] = NULL;
			objects[first] = NULL;
			return true;
		}
	}
	return false;
}

static bool mal_defer_round(struct kunit *test, struct mal_kmem_cache *cache)
{
	struct mal_defer_race race = { .cache = cache };
	void *objects[MAL_DEFER_NR], *early;
	unsigned int i;
	bool complete;

	for (i = 0; i < MAL_DEFER_NR; i++) {
		objects[i] = mal_kmem_cache_alloc(cache, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, objects[i]);
	}
	KUNIT_ASSERT_TRUE(test, mal_defer_choose(objects, &race.late, &early));
	race.node = cache->nodes[mal_slab_of(early)->nid];
	mal_defer_run(test, &race, early);
	complete = mal_defer_expect_active(test, cache, MAL_DEFER_NR - 2);
	for (i = 0; i < MAL_DEFER_NR; i++)
		mal_kmem_cache_free(cache, objects[i]);
	return complete;
}

/*
 * The drain of a slab looks at each object once. An object that is freed on
 * another CPU behind it is drained later.
 */
static void mal_test_free_during_drain_is_not_lost(struct kunit *test)
{
	struct mal_kmem_cache *cache;
	unsigned int round;

	if (num_online_cpus() < 2)
		kunit_skip(test, "needs two CPUs");
	if (IS_ENABLED(CONFIG_PREEMPT_RT))
		kunit_skip(test, "interrupts are threads");
	cache = mal_kmem_cache_create("defer", MAL_DEFER_SIZE, 0, SLAB_CONSISTENCY_CHECKS, NULL);
	KUNIT_ASSERT_NOT_NULL(test, cache);
	for (round = 0; round < MAL_DEFER_ROUNDS && mal_defer_round(test, cache); round++)
		;
	mal_kmem_cache_destroy(cache);
	rcu_barrier();
	mal_account_settle(test);
}

static struct kunit_case mal_defer_cases[] = {
	KUNIT_CASE(mal_test_free_during_drain_is_not_lost),
	{}
};

struct kunit_suite mal_defer_suite = {
	.name = "memalloc_defer",
	.test_cases = mal_defer_cases,
};
