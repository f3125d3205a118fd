// SPDX-License-Identifier: GPL-2.0
/*
 * Objects at the cap: each way to allocate fails cleanly, memory kept by caches
 * is reclaimed for others, and allocation works again afterwards
 */
#include <kunit/test.h>

#include <linux/cpumask.h>
#include <linux/mm.h>
#include <linux/preempt.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <linux/string.h>
#include <linux/workqueue.h>

#include <memalloc/kmalloc.h>
#include <memalloc/page_alloc.h>
#include <memalloc/slab_cache.h>

#include "internal/borrow.h"
#include "internal/inject.h"
#include "internal/region.h"
#include "internal/slab_cache.h"
#include "internal/slab_idle.h"
#include "internal/slab_reclaim.h"

#include "memalloc_kunit.h"
#include "page_account.h"

#define MAL_LIMIT_CAP	(2 * MAL_SECTION_PAGES)
#define MAL_LIMIT_SIZE	1000
#define MAL_LIMIT_BULK	64
#define MAL_GFP_QUIET	(GFP_KERNEL | __GFP_NOWARN)
#define MAL_GFP_ALL	(MAL_GFP_QUIET | __GFP_HIGH)

static int mal_limit_init(struct kunit *test)
{
	struct mal_kmem_cache *cache;

	cache = mal_kmem_cache_create("limit", MAL_LIMIT_SIZE, 0, 0, NULL);
	if (!cache)
		return -ENOMEM;
	test->priv = cache;
	return mal_account_cap(MAL_LIMIT_CAP);
}

static void mal_limit_exit(struct kunit *test)
{
	if (!test->priv)
		return;
	mal_account_uncap();
	mal_kmem_cache_destroy(test->priv);
	mal_slab_shrink();
	rcu_barrier();
	mal_account_settle(test);
}

/* Allocate until it fails. Each object links to the previous one. */
static void **mal_limit_fill(struct mal_kmem_cache *cache, unsigned long *nr)
{
	void **last = NULL, **object;

	for (*nr = 0; ; ++*nr) {
		object = mal_kmem_cache_alloc(cache, MAL_GFP_ALL);
		if (!object)
			return last;
		*object = last;
		last = object;
	}
}

static void mal_limit_drain(struct mal_kmem_cache *cache, void **last)
{
	while (last) {
		void **object = last;

		last = *object;
		mal_kmem_cache_free(cache, object);
	}
}

static unsigned long mal_limit_fill_pages(struct list_head *pages)
{
	unsigned long nr;

	for (nr = 0; nr <= 2 * MAL_LIMIT_CAP; nr++) {
		struct page *page = mal_alloc_page(MAL_GFP_ALL);

		if (!page)
			break;
		list_add(&page->lru, pages);
	}
	return nr;
}

static void mal_limit_drain_pages(struct list_head *pages)
{
	struct page *page, *next;

	list_for_each_entry_safe(page, next, pages, lru)
		mal_free_page(page);
}

/*
 * Freed objects leave sheaves, barns and empty slabs. All pages can be
 * allocated.
 */
static void mal_test_pages_are_reclaimed_from_caches(struct kunit *test)
{
	struct mal_kmem_cache *cache = test->priv;
	unsigned long objects, pages;
	LIST_HEAD(list);

	mal_limit_drain(cache, mal_limit_fill(cache, &objects));
	KUNIT_EXPECT_GT(test, objects, MAL_LIMIT_CAP * PAGE_SIZE / MAL_LIMIT_SIZE / 2);
	pages = mal_limit_fill_pages(&list);
	mal_account_expect_full(test, 0, pages);
	mal_limit_drain_pages(&list);
}

/* Their sheaves take more pages than remain unused below the cap. */
#define MAL_LIMIT_CACHES	64

static void mal_limit_expect_below_cap(struct kunit *test, const char *when)
{
	struct memalloc_stats_borrowing stats;

	mal_borrow_stats(&stats);
	KUNIT_EXPECT_LE_MSG(test, mal_account_taken(&stats), stats.cap, "%s", when);
}

/* Free one of two objects and allocate it again, while the other one stays. */
static void mal_limit_use_cache(struct kunit *test, struct mal_kmem_cache *cache,
				void **object)
{
	mal_kmem_cache_free(cache, *object);
	mal_limit_expect_below_cap(test, "after a free");
	*object = mal_kmem_cache_alloc(cache, MAL_GFP_QUIET);
	KUNIT_EXPECT_NOT_NULL(test, *object);
	mal_limit_expect_below_cap(test, "after an allocation");
}

/*
 * At the cap no sheaf is created beyond it. Objects can be freed and allocated
 * without one.
 */
static void mal_test_sheaves_do_not_exceed_the_cap(struct kunit *test)
{
	struct mal_kmem_cache **caches;
	void *(*objects)[2];
	LIST_HEAD(list);
	unsigned int i;

	caches = kunit_kcalloc(test, MAL_LIMIT_CACHES, sizeof(*caches), GFP_KERNEL);
	objects = kunit_kcalloc(test, MAL_LIMIT_CACHES, sizeof(*objects), GFP_KERNEL);
	KUNIT_ASSERT_TRUE(test, caches && objects);
	for (i = 0; i < MAL_LIMIT_CACHES; i++) {
		caches[i] = mal_kmem_cache_create("limit-sheaves", 64, 0, 0, NULL);
		KUNIT_ASSERT_NOT_NULL(test, caches[i]);
		objects[i][0] = mal_kmem_cache_alloc(caches[i], MAL_GFP_QUIET);
		objects[i][1] = mal_kmem_cache_alloc(caches[i], MAL_GFP_QUIET);
		KUNIT_ASSERT_TRUE(test, objects[i][0] && objects[i][1]);
	}
	/* Reclaims the sheaves. */
	mal_limit_fill_pages(&list);
	mal_limit_expect_below_cap(test, "with all pages allocated");
	for (i = 0; i < MAL_LIMIT_CACHES; i++)
		mal_limit_use_cache(test, caches[i], &objects[i][0]);
	for (i = 0; i < MAL_LIMIT_CACHES; i++) {
		mal_kmem_cache_free(caches[i], objects[i][0]);
		mal_kmem_cache_free(caches[i], objects[i][1]);
		mal_kmem_cache_destroy(caches[i]);
	}
	mal_limit_drain_pages(&list);
}

/* A cache with MAL_SLAB_NO_REAP keeps its pages until it is shrunk. */
static void mal_test_no_reap_caches_are_not_reclaimed(struct kunit *test)
{
	struct mal_cache_stats before, after;
	struct mal_kmem_cache *cache;
	void *objects[MAL_LIMIT_BULK];
	unsigned long pages;
	LIST_HEAD(list);

	cache = mal_kmem_cache_create("limit-no-reap", MAL_LIMIT_SIZE, 0,
				      MAL_SLAB_NO_REAP, NULL);
	KUNIT_ASSERT_NOT_NULL(test, cache);
	KUNIT_ASSERT_EQ(test, mal_kmem_cache_alloc_bulk(cache, GFP_KERNEL, MAL_LIMIT_BULK,
							objects), MAL_LIMIT_BULK);
	mal_kmem_cache_free_bulk(cache, MAL_LIMIT_BULK, objects);
	mal_cache_stats(cache, &before);
	KUNIT_EXPECT_GT(test, before.slab_pages, 0ULL);
	mal_slab_reap(1);
	mal_slab_reap(0);
	pages = mal_limit_fill_pages(&list);
	mal_cache_stats(cache, &after);
	KUNIT_EXPECT_EQ(test, after.slab_pages, before.slab_pages);
	mal_account_expect_full(test, 0, pages + after.slab_pages);
	KUNIT_EXPECT_EQ(test, mal_kmem_cache_shrink(cache), 0);
	mal_limit_drain_pages(&list);
	mal_kmem_cache_destroy(cache);
}

static unsigned long mal_limit_idle(void)
{
	return mal_idle_pages(MAL_IDLE_SHARED) + mal_idle_pages(MAL_IDLE_CPU);
}

/*
 * The estimate of idle memory follows frees and shrinks, and is exact if there
 * is none. A cache with MAL_SLAB_NO_REAP is no part of it.
 */
static void mal_test_idle_memory_is_counted(struct kunit *test)
{
	struct mal_kmem_cache *cache = test->priv, *kept;
	void *objects[MAL_LIMIT_BULK];
	unsigned long nr;

	mal_slab_shrink();
	KUNIT_EXPECT_EQ(test, mal_limit_idle(), 0UL);
	mal_limit_drain(cache, mal_limit_fill(cache, &nr));
	KUNIT_EXPECT_GT(test, mal_idle_pages(MAL_IDLE_SHARED), 0UL);
	KUNIT_EXPECT_GT(test, mal_idle_pages(MAL_IDLE_CPU), 0UL);
	KUNIT_EXPECT_EQ(test, mal_kmem_cache_shrink(cache), 0);
	KUNIT_EXPECT_EQ(test, mal_limit_idle(), 0UL);
	kept = mal_kmem_cache_create("limit-no-reap", MAL_LIMIT_SIZE, 0,
				     MAL_SLAB_NO_REAP, NULL);
	KUNIT_ASSERT_NOT_NULL(test, kept);
	nr = mal_kmem_cache_alloc_bulk(kept, GFP_KERNEL, MAL_LIMIT_BULK, objects);
	KUNIT_EXPECT_EQ(test, nr, MAL_LIMIT_BULK);
	mal_kmem_cache_free_bulk(kept, nr, objects);
	KUNIT_EXPECT_EQ(test, mal_limit_idle(), 0UL);
	mal_kmem_cache_destroy(kept);
	KUNIT_EXPECT_EQ(test, mal_limit_idle(), 0UL);
}

/* Use up the cap with objects. Returns their number and all metadata. */
static void mal_limit_fill_once(struct mal_kmem_cache *cache, unsigned long *nr,
				u64 *metadata)
{
	struct memalloc_stats_borrowing stats;
	void **objects = mal_limit_fill(cache, nr);

	mal_borrow_stats(&stats);
	*metadata = stats.metadata_bytes;
	mal_limit_drain(cache, objects);
}

/* A cache gets pages kept by another cache. */
static void mal_test_caches_reclaim_from_caches(struct kunit *test)
{
	unsigned long first, second, tolerance;
	struct mal_kmem_cache *other;
	u64 metadata[2];

	other = mal_kmem_cache_create("limit-other", MAL_LIMIT_SIZE, 0, 0, NULL);
	KUNIT_ASSERT_NOT_NULL(test, other);
	mal_limit_fill_once(test->priv, &first, &metadata[0]);
	mal_limit_fill_once(other, &second, &metadata[1]);
	/*
	 * Metadata takes the place of objects, in whole pages. Each refusal may
	 * leave the descriptors of a section unused.
	 */
	tolerance = ((unsigned long)abs((s64)(metadata[0] - metadata[1])) +
		     (MAL_ACCOUNT_SECTION + 1) * PAGE_SIZE) / MAL_LIMIT_SIZE;
	KUNIT_EXPECT_LE(test, first, second + tolerance);
	KUNIT_EXPECT_LE(test, second, first + tolerance);
	mal_kmem_cache_destroy(other);
}

static void mal_limit_expect_none(struct kunit *test, struct mal_kmem_cache *cache)
{
	void *objects[MAL_LIMIT_BULK];

	KUNIT_EXPECT_NULL(test, mal_kmem_cache_alloc(cache, MAL_GFP_QUIET));
	KUNIT_EXPECT_NULL(test, mal_kmem_cache_alloc(cache, GFP_NOWAIT));
	KUNIT_EXPECT_NULL(test, mal_kmem_cache_alloc_node(cache, MAL_GFP_QUIET, 0));
	KUNIT_EXPECT_EQ(test, mal_kmem_cache_alloc_bulk(cache, MAL_GFP_QUIET,
							MAL_LIMIT_BULK, objects), 0);
	KUNIT_EXPECT_NULL(test, mal_kmalloc(5000, MAL_GFP_QUIET));
	KUNIT_EXPECT_NULL(test, mal_kzalloc(50000, MAL_GFP_QUIET));
}

static void mal_limit_expect_some(struct kunit *test, struct mal_kmem_cache *cache)
{
	void *objects[MAL_LIMIT_BULK];

	KUNIT_ASSERT_EQ(test, mal_kmem_cache_alloc_bulk(cache, MAL_GFP_QUIET,
							MAL_LIMIT_BULK, objects),
			MAL_LIMIT_BULK);
	mal_kmem_cache_free_bulk(cache, MAL_LIMIT_BULK, objects);
}

static void mal_test_every_way_fails_and_recovers(struct kunit *test)
{
	u8 *kept = mal_kmalloc(3000, GFP_KERNEL);
	u64 reports = mal_reports_total();
	unsigned long nr;
	void **last;

	KUNIT_ASSERT_NOT_NULL(test, kept);
	memset(kept, 0x3c, 3000);
	last = mal_limit_fill(test->priv, &nr);
	mal_limit_expect_none(test, test->priv);
	KUNIT_EXPECT_NULL(test, mal_krealloc(kept, 20000, MAL_GFP_QUIET));
	KUNIT_EXPECT_NULL(test, memchr_inv(kept, 0x3c, 3000));
	mal_limit_drain(test->priv, last);
	mal_limit_expect_some(test, test->priv);
	kept = mal_krealloc(kept, 20000, MAL_GFP_QUIET);
	KUNIT_EXPECT_NOT_NULL(test, kept);
	mal_kfree(kept);
	KUNIT_EXPECT_EQ(test, mal_reports_total(), reports);
}

/*
 * Objects kept by another CPU
 */

#define MAL_LIMIT_PARKED	16

/**
 * struct mal_limit_parked - objects to be freed by another CPU
 * @cache: their cache
 * @objects: the objects
 * @nr: number of @objects
 */
struct mal_limit_parked {
	struct mal_kmem_cache *cache;
	void *objects[MAL_LIMIT_PARKED];
	unsigned int nr;
};

static long mal_limit_free_parked(void *data)
{
	struct mal_limit_parked *parked = data;

	mal_kmem_cache_free_bulk(parked->cache, parked->nr, parked->objects);
	return 0;
}

/*
 * Free objects on another CPU. The cap is raised meanwhile, so that the CPU can
 * keep them in a sheaf. Called with migration disabled and preemption enabled.
 */
static void mal_limit_park(struct kunit *test, struct mal_limit_parked *parked)
{
	unsigned int other = cpumask_any_but(cpu_online_mask, smp_processor_id());

	mal_account_recap(2 * MAL_LIMIT_CAP);
	KUNIT_EXPECT_EQ(test, work_on_cpu(other, mal_limit_free_parked, parked), 0L);
	mal_account_recap(MAL_LIMIT_CAP);
}

/* Unlink objects from a chain, one in @distance. */
static void mal_limit_pick(struct mal_limit_parked *parked, void **last,
			   unsigned int distance)
{
	unsigned int i;

	while (last && *last && parked->nr < MAL_LIMIT_PARKED) {
		void **object = *last;

		*last = *object;
		parked->objects[parked->nr++] = object;
		for (i = 0; last && i < distance; i++)
			last = *last;
	}
}

/* An allocation finds free objects on another CPU, although no page is free. */
static void mal_test_caches_reclaim_from_other_cpus(struct kunit *test)
{
	struct mal_limit_parked parked = { .cache = test->priv };
	unsigned long objects;
	void **last, **object;
	unsigned int i;

	if (num_online_cpus() < 2)
		kunit_skip(test, "needs two CPUs");
	migrate_disable();
	last = mal_limit_fill(test->priv, &objects);
	mal_limit_pick(&parked, last, MAL_LIMIT_SIZE / 10);
	KUNIT_EXPECT_EQ(test, parked.nr, MAL_LIMIT_PARKED);
	mal_limit_park(test, &parked);
	/*
	 * The objects are on the other CPU, where an atomic allocation cannot
	 * get them.
	 */
	KUNIT_EXPECT_NULL(test, mal_kmem_cache_alloc(test->priv,
						     GFP_NOWAIT | __GFP_NOWARN));
	for (i = 0; i < parked.nr; i++) {
		object = mal_kmem_cache_alloc(test->priv, MAL_GFP_QUIET);
		KUNIT_EXPECT_NOT_NULL(test, object);
		if (!object)
			break;
		*object = last;
		last = object;
	}
	KUNIT_EXPECT_NULL(test, mal_kmem_cache_alloc(test->priv, MAL_GFP_QUIET));
	migrate_enable();
	mal_limit_drain(test->priv, last);
}

/* __GFP_NOFAIL waits for an object, not just for pages. */
static void mal_test_nofail_reclaims_from_other_cpus(struct kunit *test)
{
	struct mal_limit_parked parked = { .cache = test->priv };
	unsigned long objects;
	void **last, *object;

	if (num_online_cpus() < 2)
		kunit_skip(test, "needs two CPUs");
	migrate_disable();
	last = mal_limit_fill(test->priv, &objects);
	mal_limit_pick(&parked, last, 1);
	mal_limit_park(test, &parked);
	object = mal_kmem_cache_alloc(test->priv, GFP_KERNEL | __GFP_NOFAIL);
	KUNIT_EXPECT_NOT_NULL(test, object);
	migrate_enable();
	mal_kmem_cache_free(test->priv, object);
	mal_limit_drain(test->priv, last);
}

/*
 * __GFP_NOFAIL retries if the slab's descriptor, tracks or pages cannot be
 * allocated.
 */
static void mal_test_nofail_does_not_fail(struct kunit *test)
{
	struct mal_inject_scope scope;
	struct mal_inject inject;
	void *object, *memory;
	u64 nth, left = 0;

	mal_inject_init(&inject);
	for (nth = 1; nth < 50 && !left; nth++) {
		mal_slab_shrink();
		mal_inject_arm(&inject, nth);
		mal_inject_enter(&scope, &inject);
		object = mal_kmem_cache_alloc(test->priv, GFP_KERNEL | __GFP_NOFAIL);
		memory = mal_kmalloc(300, GFP_KERNEL | __GFP_NOFAIL);
		mal_inject_leave(&scope);
		left = mal_inject_arm(&inject, 0);
		KUNIT_EXPECT_NOT_NULL(test, object);
		KUNIT_EXPECT_NOT_NULL(test, memory);
		mal_kmem_cache_free(test->priv, object);
		mal_kfree(memory);
	}
	mal_inject_destroy(&inject);
	KUNIT_EXPECT_NE(test, left, 0ULL);
	/* A sheaf, a descriptor, and pages of two orders, for each cache. */
	KUNIT_EXPECT_GE(test, nth, 7ULL);
}

#define MAL_LIMIT_ORDER	5

/* A few pages from barns and empty slabs do not end the search. */
static void mal_test_pages_are_reclaimed_from_other_cpus(struct kunit *test)
{
	struct mal_kmem_cache *large, *small;
	struct mal_limit_parked parked = { .nr = 1 };
	struct page *page;
	LIST_HEAD(pages);
	void *object;

	if (num_online_cpus() < 2)
		kunit_skip(test, "needs two CPUs");
	large = mal_kmem_cache_create("limit-large", PAGE_SIZE << MAL_LIMIT_ORDER,
				      0, 0, NULL);
	/* No sheaves: a free goes straight to the slab. */
	small = mal_kmem_cache_create("limit-small", 64, 0,
				      SLAB_CONSISTENCY_CHECKS, NULL);
	KUNIT_ASSERT_NOT_NULL(test, large);
	KUNIT_ASSERT_NOT_NULL(test, small);
	migrate_disable();
	parked.cache = large;
	parked.objects[0] = mal_kmem_cache_alloc(large, GFP_KERNEL);
	object = mal_kmem_cache_alloc(small, GFP_KERNEL);
	mal_limit_fill_pages(&pages);
	mal_kmem_cache_free(small, object);
	mal_limit_park(test, &parked);
	page = mal_alloc_pages(MAL_GFP_ALL, MAL_LIMIT_ORDER);
	KUNIT_EXPECT_NOT_NULL(test, page);
	migrate_enable();
	if (page)
		mal_free_pages(page, MAL_LIMIT_ORDER);
	mal_limit_drain_pages(&pages);
	mal_kmem_cache_destroy(small);
	mal_kmem_cache_destroy(large);
}

static struct kunit_case mal_slab_limit_cases[] = {
	KUNIT_CASE(mal_test_caches_reclaim_from_other_cpus),
	KUNIT_CASE(mal_test_nofail_reclaims_from_other_cpus),
	KUNIT_CASE(mal_test_nofail_does_not_fail),
	KUNIT_CASE(mal_test_pages_are_reclaimed_from_other_cpus),
	KUNIT_CASE(mal_test_pages_are_reclaimed_from_caches),
	KUNIT_CASE(mal_test_sheaves_do_not_exceed_the_cap),
	KUNIT_CASE(mal_test_no_reap_caches_are_not_reclaimed),
	KUNIT_CASE(mal_test_idle_memory_is_counted),
	KUNIT_CASE(mal_test_caches_reclaim_from_caches),
	KUNIT_CASE(mal_test_every_way_fails_and_recovers),
	{}
};

struct kunit_suite mal_slab_limit_suite = {
	.name = "memalloc_slab_limit",
	.init = mal_limit_init,
	.exit = mal_limit_exit,
	.test_cases = mal_slab_limit_cases,
};
