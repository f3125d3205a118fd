// SPDX-License-Identifier: GPL-2.0
/*
 * Constructors and destructors that are told the cache and the flags
 */
#include <kunit/test.h>

#include <linux/atomic.h>
#include <linux/preempt.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/string.h>

#include <memalloc/slab_cache.h>

#include "internal/inject.h"
#include "internal/slab_cache.h"
#include "internal/slab_reclaim.h"

#include "memalloc_kunit.h"
#include "page_account.h"

#define MAL_CTOR_CAP	(3 * MAL_SECTION_PAGES)
#define MAL_CTOR_SIZE	400
#define MAL_CTOR_NR	100
#define MAL_CTOR_READY	0x72656164

#define MAL_CTOR_CONSTRUCT	((__force unsigned long)MAL_SLAB_CTOR_CONSTRUCTOR)
#define MAL_CTOR_ATOMIC		((__force unsigned long)MAL_SLAB_CTOR_ATOMIC)

/**
 * struct mal_ctor_calls - calls of the functions of a cache
 * @cache: the cache
 * @built: constructed objects
 * @atomic: of these, without permission to sleep
 * @razed: destroyed objects
 */
struct mal_ctor_calls {
	struct mal_kmem_cache *cache;
	atomic_t built;
	atomic_t atomic;
	atomic_t razed;
};

static struct mal_ctor_calls mal_ctor_calls[2];
static atomic_t mal_ctor_errors;

static struct mal_ctor_calls *mal_ctor_calls_of(struct kmem_cache *cache)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(mal_ctor_calls); i++)
		if ((void *)mal_ctor_calls[i].cache == (void *)cache)
			return &mal_ctor_calls[i];
	return NULL;
}

static void mal_ctor_build(u32 *object, struct mal_ctor_calls *calls, unsigned long flags)
{
	*object = MAL_CTOR_READY;
	atomic_inc(&calls->built);
	if (flags & MAL_CTOR_ATOMIC)
		atomic_inc(&calls->atomic);
	else
		might_sleep();
}

/* A destructor is always told not to sleep. */
static void mal_ctor_raze(u32 *object, struct mal_ctor_calls *calls, unsigned long flags)
{
	if (*object != MAL_CTOR_READY || flags != MAL_CTOR_ATOMIC)
		atomic_inc(&mal_ctor_errors);
	*object = 0;
	atomic_inc(&calls->razed);
}

static void mal_ctor_told(void *object, struct kmem_cache *cache, unsigned long flags)
{
	struct mal_ctor_calls *calls = mal_ctor_calls_of(cache);

	if (!calls || flags & ~(MAL_CTOR_CONSTRUCT | MAL_CTOR_ATOMIC))
		atomic_inc(&mal_ctor_errors);
	else if (flags & MAL_CTOR_CONSTRUCT)
		mal_ctor_build(object, calls, flags);
	else
		mal_ctor_raze(object, calls, flags);
}

static const struct mal_kmem_cache_args mal_ctor_args = {
	.told_ctor = mal_ctor_told,
	.told_dtor = mal_ctor_told,
};

static void mal_ctor_create(struct kunit *test, unsigned int nr, slab_flags_t flags)
{
	memset(&mal_ctor_calls[nr], 0, sizeof(mal_ctor_calls[nr]));
	mal_ctor_calls[nr].cache = mal_kmem_cache_create_args("told", MAL_CTOR_SIZE,
							      &mal_ctor_args, flags);
	KUNIT_ASSERT_NOT_NULL(test, mal_ctor_calls[nr].cache);
}

static void mal_ctor_destroy(struct kunit *test, unsigned int nr)
{
	struct mal_ctor_calls *calls = &mal_ctor_calls[nr];

	KUNIT_EXPECT_EQ(test, mal_kmem_cache_destroy(calls->cache), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&calls->razed), atomic_read(&calls->built));
	KUNIT_EXPECT_EQ(test, atomic_read(&mal_ctor_errors), 0);
	calls->cache = NULL;
}

/* Allocate and free objects of both caches in turn. */
static void mal_ctor_use(struct kunit *test, gfp_t gfp)
{
	static u32 *objects[2 * MAL_CTOR_NR];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(objects); i++) {
		objects[i] = mal_kmem_cache_alloc(mal_ctor_calls[i % 2].cache, gfp);
		KUNIT_ASSERT_NOT_NULL(test, objects[i]);
		KUNIT_EXPECT_EQ(test, *objects[i], MAL_CTOR_READY);
	}
	for (i = 0; i < ARRAY_SIZE(objects); i++)
		mal_kmem_cache_free(mal_ctor_calls[i % 2].cache, objects[i]);
}

static void mal_test_one_function_serves_two_caches(struct kunit *test)
{
	mal_ctor_create(test, 0, 0);
	mal_ctor_create(test, 1, SLAB_TYPESAFE_BY_RCU);
	mal_ctor_use(test, GFP_KERNEL);
	KUNIT_EXPECT_GE(test, atomic_read(&mal_ctor_calls[0].built), MAL_CTOR_NR);
	KUNIT_EXPECT_GE(test, atomic_read(&mal_ctor_calls[1].built), MAL_CTOR_NR);
	KUNIT_EXPECT_EQ(test, atomic_read(&mal_ctor_calls[0].atomic), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&mal_ctor_calls[1].atomic), 0);
	mal_ctor_destroy(test, 0);
	mal_ctor_destroy(test, 1);
}

static void mal_test_constructor_must_not_sleep(struct kunit *test)
{
	unsigned int i;

	mal_ctor_create(test, 0, 0);
	mal_ctor_create(test, 1, SLAB_STORE_USER);
	mal_ctor_use(test, GFP_NOWAIT | __GFP_HIGH);
	for (i = 0; i < 2; i++) {
		KUNIT_EXPECT_GE(test, atomic_read(&mal_ctor_calls[i].built), MAL_CTOR_NR);
		KUNIT_EXPECT_EQ(test, atomic_read(&mal_ctor_calls[i].atomic),
				atomic_read(&mal_ctor_calls[i].built));
		mal_ctor_destroy(test, i);
	}
}

/* Returns the object, or NULL; and in @end whether no allocation has failed. */
static void *mal_ctor_alloc_failing(u64 nth, bool *end)
{
	struct mal_inject_scope scope;
	struct mal_inject inject;
	void *object;

	mal_inject_init(&inject);
	mal_inject_arm(&inject, nth);
	mal_inject_enter(&scope, &inject);
	object = mal_kmem_cache_alloc(mal_ctor_calls[0].cache, GFP_KERNEL | __GFP_NOWARN);
	mal_inject_leave(&scope);
	*end = mal_inject_arm(&inject, 0);
	mal_inject_destroy(&inject);
	return object;
}

/*
 * Fail each allocation of a slab in turn. If the memory for the tracks of the
 * objects fails, the objects have been constructed already.
 */
static void mal_test_failure_destroys_objects(struct kunit *test)
{
	struct mal_ctor_calls *calls = &mal_ctor_calls[0];
	bool end = false, built = false;
	void *object;
	u64 nth;

	mal_ctor_create(test, 0, SLAB_STORE_USER);
	for (nth = 1; !end; nth++) {
		const int before = atomic_read(&calls->built);

		object = mal_ctor_alloc_failing(nth, &end);
		if (object)
			mal_kmem_cache_free(calls->cache, object);
		else
			built |= atomic_read(&calls->built) != before;
		mal_kmem_cache_shrink(calls->cache);
		KUNIT_EXPECT_EQ(test, atomic_read(&calls->razed), atomic_read(&calls->built));
	}
	KUNIT_EXPECT_TRUE(test, built);
	mal_ctor_destroy(test, 0);
}

static void mal_ctor_plain(void *object)
{
}

static void mal_test_contradictory_functions_are_refused(struct kunit *test)
{
	static const struct mal_kmem_cache_args refused[] = {
		{ .ctor = mal_ctor_plain, .told_ctor = mal_ctor_told },
		{ .told_ctor = mal_ctor_told, .dtor = mal_ctor_plain,
		  .told_dtor = mal_ctor_told },
		{ .told_dtor = mal_ctor_told },
		{ .ctor = mal_ctor_plain, .told_dtor = mal_ctor_told },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(refused); i++)
		KUNIT_EXPECT_NULL_MSG(test, mal_kmem_cache_create_args("told", MAL_CTOR_SIZE,
								       &refused[i], 0), "%u", i);
}

static void mal_test_destroy_returns_an_error(struct kunit *test)
{
	u64 reports = mal_reports_total();
	struct mal_kmem_cache *cache;
	void *object;

	cache = mal_kmem_cache_create("told", MAL_CTOR_SIZE, 0, 0, NULL);
	KUNIT_ASSERT_NOT_NULL(test, cache);
	object = mal_kmem_cache_alloc(cache, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, object);
	KUNIT_EXPECT_EQ(test, mal_kmem_cache_destroy(cache), -EBUSY);
	mal_kmem_cache_free(cache, object);
	KUNIT_EXPECT_EQ(test, mal_kmem_cache_destroy(cache), 0);
	KUNIT_EXPECT_EQ(test, mal_kmem_cache_destroy(NULL), 0);
	KUNIT_EXPECT_EQ(test, mal_reports_total(), reports + 1);
}

static int mal_slab_ctor_init(struct kunit *test)
{
	atomic_set(&mal_ctor_errors, 0);
	return mal_account_cap(MAL_CTOR_CAP);
}

static void mal_slab_ctor_exit(struct kunit *test)
{
	mal_account_uncap();
	mal_slab_shrink();
	rcu_barrier();
	mal_account_settle(test);
}

static struct kunit_case mal_slab_ctor_cases[] = {
	KUNIT_CASE(mal_test_one_function_serves_two_caches),
	KUNIT_CASE(mal_test_constructor_must_not_sleep),
	KUNIT_CASE(mal_test_failure_destroys_objects),
	KUNIT_CASE(mal_test_contradictory_functions_are_refused),
	KUNIT_CASE(mal_test_destroy_returns_an_error),
	{}
};

struct kunit_suite mal_slab_ctor_suite = {
	.name = "memalloc_slab_ctor",
	.init = mal_slab_ctor_init,
	.exit = mal_slab_ctor_exit,
	.test_cases = mal_slab_ctor_cases,
};
