// SPDX-License-Identifier: GPL-2.0
/*
 * An interrupt that allocates while the CPU that it came to is allocating from
 * the same cache does not get in its way, and nothing is lost between the two
 *
 * Whether an interrupt in the middle of the sheaves' code is kept out shows only
 * if there is one, in a few instructions: so a thread does nothing but allocate
 * and free, while a timer (softirq) and an irq_work (hardirq) on its CPU do,
 * until there were many of either. The thread swings between nothing and more
 * than the sheaves hold, so that they are exchanged while interrupts take from
 * and give to the same ones. In the end the cache must be empty: a sheaf that was
 * dropped would have objects in it.
 */
#include <kunit/test.h>

#include <linux/cpumask.h>
#include <linux/irq_work.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/timer.h>

#include <memalloc/slab_cache.h>

#include "internal/slab_cache.h"

#include "memalloc_kunit.h"
#include "page_account.h"

#define MAL_REENTRY_SIZE	3000	/* few to a sheaf: much exchange */
#define MAL_REENTRY_THREAD	48
#define MAL_REENTRY_INTERRUPT	20
#define MAL_REENTRY_VISITS	200

/**
 * struct mal_reentry_user - one of those who allocate
 * @cache: what from
 * @max: objects that it holds at most
 * @nr: those it holds
 * @growing: it allocates, until it has @max; then it frees
 * @visits: how often it was there
 * @stolen: objects in which somebody else has written
 * @objects: the objects
 */
struct mal_reentry_user {
	struct mal_kmem_cache *cache;
	unsigned int max;
	unsigned int nr;
	bool growing;
	unsigned long visits;
	unsigned long stolen;
	void **objects[MAL_REENTRY_THREAD];
};

/**
 * struct mal_reentry - all of them
 * @thread: in task context
 * @softirq: in a timer
 * @hardirq: in an irq_work
 * @timer: runs @softirq, and itself again
 * @irq_work: runs @hardirq
 */
struct mal_reentry {
	struct mal_reentry_user thread;
	struct mal_reentry_user softirq;
	struct mal_reentry_user hardirq;
	struct timer_list timer;
	struct irq_work irq_work;
};

static void mal_reentry_give(struct mal_reentry_user *user)
{
	void **object = user->objects[--user->nr];

	if (*object != user)
		user->stolen++;
	mal_kmem_cache_free(user->cache, object);
}

static void mal_reentry_take(struct mal_reentry_user *user)
{
	void **object = mal_kmem_cache_alloc(user->cache,
					     GFP_ATOMIC | __GFP_NOWARN);

	if (!object)
		return;
	*object = user;
	user->objects[user->nr++] = object;
}

static void mal_reentry_step(struct mal_reentry_user *user)
{
	if (user->nr == user->max)
		user->growing = false;
	if (!user->nr)
		user->growing = true;
	if (user->growing)
		mal_reentry_take(user);
	else
		mal_reentry_give(user);
}

static void mal_reentry_visit(struct mal_reentry_user *user)
{
	unsigned int i;

	for (i = 0; i < user->max; i++)
		mal_reentry_step(user);
	WRITE_ONCE(user->visits, user->visits + 1);
}

static void mal_reentry_timer(struct timer_list *timer)
{
	struct mal_reentry *all = container_of(timer, struct mal_reentry, timer);

	mal_reentry_visit(&all->softirq);
	mod_timer(timer, jiffies + 1);
}

static void mal_reentry_irq_work(struct irq_work *work)
{
	struct mal_reentry *all = container_of(work, struct mal_reentry, irq_work);

	mal_reentry_visit(&all->hardirq);
}

static bool mal_reentry_goes_on(const struct mal_reentry *all)
{
	return READ_ONCE(all->softirq.visits) < MAL_REENTRY_VISITS ||
	       READ_ONCE(all->hardirq.visits) < MAL_REENTRY_VISITS;
}

static void mal_reentry_enter(struct mal_reentry_user *user,
			      struct mal_kmem_cache *cache, unsigned int max)
{
	user->cache = cache;
	user->max = max;
}

static void mal_reentry_leave(struct kunit *test, struct mal_reentry_user *user)
{
	while (user->nr)
		mal_reentry_give(user);
	KUNIT_EXPECT_EQ(test, user->stolen, 0UL);
}

static void mal_reentry_run(struct mal_reentry *all)
{
	int i;

	set_cpus_allowed_ptr(current, cpumask_of(raw_smp_processor_id()));
	timer_setup(&all->timer, mal_reentry_timer, TIMER_PINNED);
	init_irq_work(&all->irq_work, mal_reentry_irq_work);
	mod_timer(&all->timer, jiffies + 1);
	while (mal_reentry_goes_on(all)) {
		irq_work_queue(&all->irq_work);
		for (i = 0; i < 1000; i++)
			mal_reentry_step(&all->thread);
		cond_resched();
	}
	timer_shutdown_sync(&all->timer);
	irq_work_sync(&all->irq_work);
	set_cpus_allowed_ptr(current, cpu_possible_mask);
}

static void mal_test_interrupts_are_kept_out(struct kunit *test)
{
	struct mal_reentry *all = kunit_kzalloc(test, sizeof(*all), GFP_KERNEL);
	u64 reports = mal_reports_total(), checked = 0;
	struct mal_kmem_cache *cache;

	KUNIT_ASSERT_NOT_NULL(test, all);
	cache = mal_kmem_cache_create("reentry", MAL_REENTRY_SIZE, 0, 0, NULL);
	KUNIT_ASSERT_NOT_NULL(test, cache);
	mal_reentry_enter(&all->thread, cache, MAL_REENTRY_THREAD);
	mal_reentry_enter(&all->softirq, cache, MAL_REENTRY_INTERRUPT);
	mal_reentry_enter(&all->hardirq, cache, MAL_REENTRY_INTERRUPT);
	mal_reentry_run(all);
	KUNIT_EXPECT_EQ(test, mal_slab_validate(&checked), 0ULL);
	mal_reentry_leave(test, &all->thread);
	mal_reentry_leave(test, &all->softirq);
	mal_reentry_leave(test, &all->hardirq);
	KUNIT_EXPECT_EQ(test, mal_slab_validate(&checked), 0ULL);
	KUNIT_EXPECT_EQ(test, mal_kmem_cache_shrink(cache), 0);
	mal_kmem_cache_destroy(cache);
	rcu_barrier();
	mal_account_settle(test);
	KUNIT_EXPECT_EQ(test, mal_reports_total(), reports);
}

static struct kunit_case mal_slab_reentry_cases[] = {
	KUNIT_CASE(mal_test_interrupts_are_kept_out),
	{}
};

struct kunit_suite mal_slab_reentry_suite = {
	.name = "memalloc_slab_reentry",
	.test_cases = mal_slab_reentry_cases,
};
