// SPDX-License-Identifier: GPL-2.0
/*
 * Sheaves: interrupts on the same CPU, and concurrent frees of one object
 *
 * Interrupts. The sheaves are used with interrupts enabled; see reentry.c. The
 * thread alternates between no object and more than fit into the sheaves, so
 * that sheaves are exchanged while interrupts use them. The cache must be empty
 * in the end, and is not if a sheaf was lost.
 *
 * Concurrent frees. An object that two CPUs free has one owner afterwards. Two
 * threads on different CPUs free the same object after a barrier. After the
 * next barrier they allocate objects and write to each byte. The objects must
 * not overlap. The second free of each round is reported once: by the free, or
 * later when the second entry of the object is found.
 *
 * The race is rare, so other tests plant its result: one object in the sheaves
 * of two CPUs. A flush or the other CPU then finds the stale entry while the
 * object has an owner, or after the owner has freed it. Caches with debug modes
 * are not affected, because a free changes the state in one atomic step.
 */
#include <kunit/test.h>

#include <linux/atomic.h>
#include <linux/cpumask.h>
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>

#include <memalloc/kmalloc.h>
#include <memalloc/owner.h>
#include <memalloc/slab_cache.h>

#include "internal/slab.h"
#include "internal/slab_cache.h"

#include "memalloc_kunit.h"
#include "page_account.h"
#include "reentry.h"

#define MAL_REENTRY_SIZE	3000	/* few per sheaf, so sheaves are often exchanged */
#define MAL_REENTRY_THREAD	48
#define MAL_REENTRY_INTERRUPT	20

/**
 * struct mal_object_user - a context that allocates
 * @cache: the cache
 * @max: maximum number of objects held
 * @nr: number of @objects
 * @growing: allocates until it holds @max objects, then frees
 * @stolen: objects in which another context has written
 * @objects: objects held
 */
struct mal_object_user {
	struct mal_kmem_cache *cache;
	unsigned int max;
	unsigned int nr;
	bool growing;
	unsigned long stolen;
	void **objects[MAL_REENTRY_THREAD];
};

static void mal_object_user_give(struct mal_object_user *user)
{
	void **object = user->objects[--user->nr];

	if (*object != user)
		user->stolen++;
	mal_kmem_cache_free(user->cache, object);
}

static void mal_object_user_take(struct mal_object_user *user)
{
	void **object = mal_kmem_cache_alloc(user->cache,
					     GFP_ATOMIC | __GFP_NOWARN);

	if (!object)
		return;
	*object = user;
	user->objects[user->nr++] = object;
}

static void mal_object_user_step(void *data)
{
	struct mal_object_user *user = data;

	if (user->nr == user->max)
		user->growing = false;
	if (!user->nr)
		user->growing = true;
	if (user->growing)
		mal_object_user_take(user);
	else
		mal_object_user_give(user);
}

static void mal_object_user_leave(struct kunit *test, struct mal_object_user *user)
{
	while (user->nr)
		mal_object_user_give(user);
	KUNIT_EXPECT_EQ(test, user->stolen, 0UL);
}

static void mal_test_interrupts_during_sheaf_operations(struct kunit *test)
{
	struct mal_object_user *users = kunit_kcalloc(test, 3, sizeof(*users),
						      GFP_KERNEL);
	struct mal_reentry *reentry = kunit_kzalloc(test, sizeof(*reentry), GFP_KERNEL);
	u64 reports = mal_reports_total(), checked = 0;
	struct mal_kmem_cache *cache;
	int i;

	KUNIT_ASSERT_NOT_NULL(test, users);
	KUNIT_ASSERT_NOT_NULL(test, reentry);
	cache = mal_kmem_cache_create("reentry", MAL_REENTRY_SIZE, 0, 0, NULL);
	KUNIT_ASSERT_NOT_NULL(test, cache);
	for (i = 0; i < 3; i++) {
		users[i].cache = cache;
		users[i].max = i ? MAL_REENTRY_INTERRUPT : MAL_REENTRY_THREAD;
	}
	reentry->step = mal_object_user_step;
	reentry->burst = MAL_REENTRY_INTERRUPT;
	reentry->thread.user = &users[0];
	reentry->softirq.user = &users[1];
	reentry->hardirq.user = &users[2];
	mal_reentry_run(reentry);
	KUNIT_EXPECT_EQ(test, mal_slab_validate(&checked), 0ULL);
	for (i = 0; i < 3; i++)
		mal_object_user_leave(test, &users[i]);
	KUNIT_EXPECT_EQ(test, mal_slab_validate(&checked), 0ULL);
	KUNIT_EXPECT_EQ(test, mal_kmem_cache_shrink(cache), 0);
	mal_kmem_cache_destroy(cache);
	rcu_barrier();
	mal_account_settle(test);
	KUNIT_EXPECT_EQ(test, mal_reports_total(), reports);
}

static struct kunit_case mal_sheaf_reentry_cases[] = {
	KUNIT_CASE(mal_test_interrupts_during_sheaf_operations),
	{}
};

struct kunit_suite mal_sheaf_reentry_suite = {
	.name = "memalloc_sheaf_reentry",
	.test_cases = mal_sheaf_reentry_cases,
};

#define MAL_TWICE_SIZE		64
#define MAL_TWICE_ROUNDS	300
#define MAL_TWICE_OBJECTS	3

/* Rounds between two flushes of all objects to their slabs. */
#define MAL_TWICE_SHRINK	8

/**
 * struct mal_twice - two threads that free the same object
 * @cache: its cache
 * @object: the object
 * @objects: objects that each thread has allocated since
 * @arrived: number of arrivals at a barrier
 * @shared: bytes overwritten by the other thread
 */
struct mal_twice {
	struct mal_kmem_cache *cache;
	void *object;
	void *objects[2][MAL_TWICE_OBJECTS];
	atomic_t arrived;
	atomic_t shared;
};

/*
 * Barrier for the two threads. Spins, so that both continue at the same time.
 */
static void mal_twice_meet(struct mal_twice *twice)
{
	int round = atomic_inc_return(&twice->arrived) - 1;

	while (atomic_read(&twice->arrived) < (round | 1) + 1)
		mal_test_spin();
}

static void mal_twice_alloc(struct mal_twice *twice, unsigned int self)
{
	void **objects = twice->objects[self];
	unsigned int i;

	for (i = 0; i < MAL_TWICE_OBJECTS; i++) {
		objects[i] = mal_kmem_cache_alloc(twice->cache, GFP_ATOMIC);
		if (objects[i])
			memset(objects[i], self + 1, MAL_TWICE_SIZE);
	}
}

static void mal_twice_check(struct mal_twice *twice, unsigned int self)
{
	void **objects = twice->objects[self];
	unsigned int i;

	for (i = 0; i < MAL_TWICE_OBJECTS; i++) {
		if (!objects[i])
			continue;
		if (memchr_inv(objects[i], self + 1, MAL_TWICE_SIZE) ||
		    !mal_owns(objects[i]))
			atomic_inc(&twice->shared);
	}
}

static void mal_twice_free(struct mal_twice *twice, unsigned int self)
{
	unsigned int i;

	for (i = 0; i < MAL_TWICE_OBJECTS; i++)
		if (twice->objects[self][i])
			mal_kmem_cache_free(twice->cache, twice->objects[self][i]);
}

static void mal_twice_round(struct mal_twice *twice, unsigned int self, int round)
{
	if (!self)
		twice->object = mal_kmem_cache_alloc(twice->cache, GFP_KERNEL);
	mal_twice_meet(twice);
	mal_kmem_cache_free(twice->cache, twice->object);
	mal_twice_meet(twice);
	mal_twice_alloc(twice, self);
	mal_twice_meet(twice);
	if (!self && round % MAL_TWICE_SHRINK == 0) {
		mal_kmem_cache_shrink(twice->cache);
		twice->object = mal_kmem_cache_alloc(twice->cache, GFP_KERNEL);
		memset(twice->object, 0xee, MAL_TWICE_SIZE);
		mal_kmem_cache_free(twice->cache, twice->object);
	}
	mal_twice_meet(twice);
	mal_twice_check(twice, self);
	mal_twice_meet(twice);
	mal_twice_free(twice, self);
	mal_twice_meet(twice);
}

static int mal_twice_other(void *data)
{
	int round;

	for (round = 0; round < MAL_TWICE_ROUNDS; round++) {
		mal_twice_round(data, 1, round);
		cond_resched();
	}
	while (!kthread_should_stop())
		schedule_timeout_interruptible(1);
	return 0;
}

static void mal_twice_run(struct kunit *test, struct mal_twice *twice)
{
	unsigned int here = raw_smp_processor_id();
	struct task_struct *other;
	int round;

	other = kthread_create(mal_twice_other, twice, "memalloc_test");
	KUNIT_EXPECT_NOT_ERR_OR_NULL(test, other);
	if (IS_ERR(other))
		return;
	kthread_bind(other, cpumask_any_but(cpu_online_mask, here));
	set_cpus_allowed_ptr(current, cpumask_of(here));
	wake_up_process(other);
	for (round = 0; round < MAL_TWICE_ROUNDS; round++) {
		mal_twice_round(twice, 0, round);
		cond_resched();
	}
	kthread_stop(other);
	set_cpus_allowed_ptr(current, cpu_possible_mask);
}

static void mal_twice_in_cache(struct kunit *test, struct mal_kmem_cache *cache)
{
	struct mal_twice twice = { .cache = cache };
	u64 before = mal_reports_total(), checked = 0;
	struct mal_cache_stats stats;

	KUNIT_ASSERT_NOT_NULL(test, cache);
	mal_twice_run(test, &twice);
	KUNIT_EXPECT_EQ(test, atomic_read(&twice.shared), 0);
	KUNIT_EXPECT_EQ(test, mal_kmem_cache_shrink(cache), 0);
	KUNIT_EXPECT_EQ(test, mal_reports_total() - before, (u64)MAL_TWICE_ROUNDS);
	KUNIT_EXPECT_EQ(test, mal_slab_validate(&checked), 0ULL);
	mal_cache_stats(cache, &stats);
	KUNIT_EXPECT_EQ(test, stats.active, 0ULL);
	KUNIT_EXPECT_EQ(test, stats.objects, 0ULL);
	mal_kmem_cache_destroy(cache);
	rcu_barrier();
	mal_account_settle(test);
}

static int mal_twice_init(struct kunit *test)
{
	if (num_online_cpus() < 2)
		kunit_skip(test, "needs two CPUs");
	if (mal_lean())
		kunit_skip(test, "loaded with \"lean\"");
	return 0;
}

static void mal_test_twice(struct kunit *test)
{
	mal_twice_in_cache(test, mal_kmem_cache_create("twice", MAL_TWICE_SIZE, 0, 0, NULL));
}

static void mal_test_twice_with_poison(struct kunit *test)
{
	mal_twice_in_cache(test, mal_kmem_cache_create("twice", MAL_TWICE_SIZE, 0,
						       SLAB_RED_ZONE | SLAB_POISON, NULL));
}

static void mal_test_twice_with_quarantine(struct kunit *test)
{
	struct mal_kmem_cache_args args = { .quarantine = true };

	mal_twice_in_cache(test, mal_kmem_cache_create_args("twice", MAL_TWICE_SIZE, &args,
							    SLAB_POISON));
}

/* Restore the state that a CPU has seen which looked before the free. */
static void mal_twice_undo_free_state(void *object)
{
	struct mal_slab *slab = mal_slab_of(object);

	slab->states[mal_slab_index(slab->cache, slab, object)] = MAL_OBJECT_ALLOCATED;
}

/* Make two entries of one object in two sheaves. The second one is on top. */
static void *mal_twice_plant(struct kunit *test, struct mal_kmem_cache *cache)
{
	void *object = mal_kmem_cache_alloc(cache, GFP_KERNEL);
	unsigned int i, nr = cache->sheaf_capacity;
	void **others = kunit_kcalloc(test, nr, sizeof(*others), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, object);
	KUNIT_ASSERT_NOT_NULL(test, others);
	for (i = 0; i < nr; i++)
		others[i] = mal_kmem_cache_alloc(cache, GFP_KERNEL);
	mal_kmem_cache_free(cache, object);
	for (i = 0; i < nr; i++)
		mal_kmem_cache_free(cache, others[i]);
	mal_twice_undo_free_state(object);
	mal_kmem_cache_free(cache, object);
	return object;
}

/*
 * A stale entry is flushed while its object is allocated. The slab stays, even
 * if the object is the last one of it.
 */
static void mal_test_flush_of_stale_entry_of_live_object(struct kunit *test)
{
	struct mal_kmem_cache *cache = mal_kmem_cache_create("stale", MAL_TWICE_SIZE, 0, 0,
							     NULL);
	u64 before = mal_reports_total(), checked = 0;
	void *object, *owned, *other;

	KUNIT_ASSERT_NOT_NULL(test, cache);
	object = mal_twice_plant(test, cache);
	owned = mal_kmem_cache_alloc(cache, GFP_KERNEL);
	KUNIT_EXPECT_PTR_EQ(test, owned, object);
	memset(owned, 1, MAL_TWICE_SIZE);
	KUNIT_EXPECT_EQ(test, mal_kmem_cache_shrink(cache), 1);
	KUNIT_EXPECT_EQ(test, mal_reports_total(), before + 1);
	KUNIT_EXPECT_TRUE(test, mal_owns(owned));
	other = mal_kmem_cache_alloc(cache, GFP_KERNEL);
	KUNIT_EXPECT_PTR_NE(test, other, owned);
	KUNIT_EXPECT_NULL(test, memchr_inv(owned, 1, MAL_TWICE_SIZE));
	KUNIT_EXPECT_EQ(test, mal_slab_validate(&checked), 0ULL);
	mal_kmem_cache_free(cache, other);
	mal_kmem_cache_free(cache, owned);
	KUNIT_EXPECT_EQ(test, mal_reports_total(), before + 1);
	mal_kmem_cache_destroy(cache);
	rcu_barrier();
	mal_account_settle(test);
}

/**
 * struct mal_apart - an object with an entry in the sheaves of two CPUs
 * @cache: cache of the object
 * @first: CPU that has the stale entry
 * @second: CPU that has the valid entry
 * @object: the object
 * @reports: number of reports before the frees
 */
struct mal_apart {
	struct mal_kmem_cache *cache;
	unsigned int first;
	unsigned int second;
	void *object;
	u64 reports;
};

static void mal_apart_move(unsigned int cpu)
{
	set_cpus_allowed_ptr(current, cpumask_of(cpu));
}

/* Give a CPU sheaves of the cache. */
static void mal_apart_warm(const struct mal_apart *apart, unsigned int cpu)
{
	mal_apart_move(cpu);
	mal_kmem_cache_free(apart->cache, mal_kmem_cache_alloc(apart->cache, GFP_KERNEL));
}

static void mal_apart_plant(struct kunit *test, struct mal_apart *apart)
{
	*apart = (struct mal_apart) {
		.cache = mal_kmem_cache_create("apart", MAL_TWICE_SIZE, 0, 0, NULL),
		.first = cpumask_first(cpu_online_mask),
		.second = cpumask_last(cpu_online_mask),
		.reports = mal_reports_total(),
	};
	KUNIT_ASSERT_NOT_NULL(test, apart->cache);
	mal_apart_warm(apart, apart->second);
	mal_apart_warm(apart, apart->first);
	apart->object = mal_kmem_cache_alloc(apart->cache, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, apart->object);
	mal_kmem_cache_free(apart->cache, apart->object);
	mal_twice_undo_free_state(apart->object);
	mal_apart_move(apart->second);
	mal_kmem_cache_free(apart->cache, apart->object);
	KUNIT_EXPECT_EQ(test, mal_reports_total(), apart->reports);
}

/* Allocate the object from its valid entry. */
static void mal_apart_own(struct kunit *test, struct mal_apart *apart)
{
	void *owned;

	mal_apart_move(apart->second);
	owned = mal_kmem_cache_alloc(apart->cache, GFP_KERNEL);
	KUNIT_EXPECT_PTR_EQ(test, owned, apart->object);
	memset(owned, 1, MAL_TWICE_SIZE);
}

/* The object is not allocated again, and its contents are intact. */
static void mal_apart_expect_owner(struct kunit *test, const struct mal_apart *apart)
{
	void *others[2];

	KUNIT_EXPECT_TRUE(test, mal_owns(apart->object));
	mal_apart_move(apart->first);
	others[0] = mal_kmem_cache_alloc(apart->cache, GFP_KERNEL | __GFP_ZERO);
	mal_apart_move(apart->second);
	others[1] = mal_kmem_cache_alloc(apart->cache, GFP_KERNEL | __GFP_ZERO);
	KUNIT_EXPECT_PTR_NE(test, others[0], apart->object);
	KUNIT_EXPECT_PTR_NE(test, others[1], apart->object);
	KUNIT_EXPECT_NULL(test, memchr_inv(apart->object, 1, MAL_TWICE_SIZE));
	mal_kmem_cache_free(apart->cache, others[1]);
	mal_kmem_cache_free(apart->cache, others[0]);
}

static void mal_apart_end(struct kunit *test, struct mal_apart *apart)
{
	struct mal_cache_stats stats;
	u64 checked = 0;

	KUNIT_EXPECT_EQ(test, mal_kmem_cache_shrink(apart->cache), 0);
	KUNIT_EXPECT_EQ(test, mal_slab_validate(&checked), 0ULL);
	mal_cache_stats(apart->cache, &stats);
	KUNIT_EXPECT_EQ(test, stats.active, 0ULL);
	KUNIT_EXPECT_EQ(test, stats.objects, 0ULL);
	KUNIT_EXPECT_EQ(test, mal_reports_total(), apart->reports + 1);
	mal_kmem_cache_destroy(apart->cache);
	set_cpus_allowed_ptr(current, cpu_possible_mask);
	rcu_barrier();
	mal_account_settle(test);
}

static void mal_test_flush_of_another_cpu_spares_the_owner(struct kunit *test)
{
	struct mal_apart apart;

	mal_apart_plant(test, &apart);
	mal_apart_own(test, &apart);
	KUNIT_EXPECT_EQ(test, mal_kmem_cache_shrink(apart.cache), 1);
	KUNIT_EXPECT_EQ(test, mal_reports_total(), apart.reports + 1);
	mal_apart_expect_owner(test, &apart);
	mal_kmem_cache_free(apart.cache, apart.object);
	mal_apart_end(test, &apart);
}

static void mal_test_another_cpu_allocates_beside_the_owner(struct kunit *test)
{
	struct mal_apart apart;

	mal_apart_plant(test, &apart);
	mal_apart_own(test, &apart);
	mal_apart_expect_owner(test, &apart);
	KUNIT_EXPECT_EQ(test, mal_reports_total(), apart.reports + 1);
	mal_kmem_cache_free(apart.cache, apart.object);
	mal_apart_end(test, &apart);
}

/* The object is free, but the flush finds its stale entry first. */
static void mal_test_flush_after_the_owner_freed_it(struct kunit *test)
{
	struct mal_apart apart;

	mal_apart_plant(test, &apart);
	mal_apart_own(test, &apart);
	mal_kmem_cache_free(apart.cache, apart.object);
	KUNIT_EXPECT_EQ(test, mal_reports_total(), apart.reports);
	mal_apart_end(test, &apart);
}

static struct kunit_case mal_sheaf_twice_cases[] = {
	KUNIT_CASE(mal_test_flush_of_stale_entry_of_live_object),
	KUNIT_CASE(mal_test_flush_of_another_cpu_spares_the_owner),
	KUNIT_CASE(mal_test_another_cpu_allocates_beside_the_owner),
	KUNIT_CASE(mal_test_flush_after_the_owner_freed_it),
	KUNIT_CASE_SLOW(mal_test_twice),
	KUNIT_CASE_SLOW(mal_test_twice_with_poison),
	KUNIT_CASE_SLOW(mal_test_twice_with_quarantine),
	{}
};

struct kunit_suite mal_sheaf_twice_suite = {
	.name = "memalloc_sheaf_twice",
	.init = mal_twice_init,
	.test_cases = mal_sheaf_twice_cases,
};
