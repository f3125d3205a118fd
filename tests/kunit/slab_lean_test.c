// SPDX-License-Identifier: GPL-2.0
/*
 * Misuse with the parameter "lean"
 *
 * Bad frees are detected when the object returns to its slab. They are reported
 * once and without a lock held, and the other objects of the sheaf are not
 * lost.
 *
 * Skipped without "lean": slab_misuse_test.c covers that.
 */
#include <kunit/test.h>

#include <linux/slab.h>

#include <memalloc/slab_cache.h>

#include "internal/slab.h"
#include "internal/slab_cache.h"

#include "memalloc_kunit.h"
#include "page_account.h"

#define MAL_LEAN_SIZE	200
#define MAL_LEAN_NR	8

static struct mal_kmem_cache *mal_lean_cache(struct kunit *test, const char *name)
{
	struct mal_kmem_cache *cache = mal_kmem_cache_create(name, MAL_LEAN_SIZE, 0, 0, NULL);

	KUNIT_ASSERT_NOT_NULL(test, cache);
	return cache;
}

/* Free all objects with @wrong in between, and flush them to their slabs. */
static void mal_lean_free_with(struct kunit *test, struct mal_kmem_cache *cache,
			       void **objects, void *wrong)
{
	u64 reports = mal_reports_total(), checked = 0;
	struct mal_cache_stats stats;
	int i;

	for (i = 0; i < MAL_LEAN_NR; i++) {
		mal_kmem_cache_free(cache, objects[i]);
		if (i == MAL_LEAN_NR / 2)
			mal_kmem_cache_free(cache, wrong);
	}
	mal_kmem_cache_shrink(cache);
	KUNIT_EXPECT_EQ(test, mal_reports_total(), reports + 1);
	mal_cache_stats(cache, &stats);
	KUNIT_EXPECT_EQ(test, stats.active, 0ULL);
	KUNIT_EXPECT_EQ(test, mal_slab_validate(&checked), 0ULL);
}

static void mal_test_bad_free_is_reported_on_flush(struct kunit *test)
{
	struct mal_kmem_cache *cache, *other;
	void *objects[MAL_LEAN_NR], *foreign;
	int turn, i;

	if (!mal_lean())
		kunit_skip(test, "loaded without \"lean\"");
	cache = mal_lean_cache(test, "lean");
	other = mal_lean_cache(test, "lean_other");
	foreign = mal_kmem_cache_alloc(other, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, foreign);
	for (turn = 0; turn < 3; turn++) {
		for (i = 0; i < MAL_LEAN_NR; i++) {
			objects[i] = mal_kmem_cache_alloc(cache, GFP_KERNEL);
			KUNIT_ASSERT_NOT_NULL(test, objects[i]);
		}
		mal_lean_free_with(test, cache, objects,
				   turn == 0 ? objects[1] :
				   turn == 1 ? objects[1] + 8 : foreign);
	}
	mal_kmem_cache_free(other, foreign);
	mal_kmem_cache_destroy(other);
	mal_kmem_cache_destroy(cache);
	rcu_barrier();
	mal_account_settle(test);
}

static struct kunit_case mal_slab_lean_cases[] = {
	KUNIT_CASE(mal_test_bad_free_is_reported_on_flush),
	{}
};

struct kunit_suite mal_slab_lean_suite = {
	.name = "memalloc_slab_lean",
	.test_cases = mal_slab_lean_cases,
};
