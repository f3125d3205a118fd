// SPDX-License-Identifier: GPL-2.0
/*
 * At the cap, every way to allocate objects fails cleanly, what caches keep can
 * be had by others, and all of it works again after
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

#include "internal/inject.h"
#include "internal/region.h"
#include "internal/slab_cache.h"

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

/* Allocate until there is nothing more; each object links the one before. */
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

	for (nr = 0; nr <= MAL_LIMIT_CAP; nr++) {
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

/* What was freed is at hand, in depots and in empty slabs: none of it stays. */
static void mal_test_pages_get_what_caches_keep(struct kunit *test)
{
	struct mal_kmem_cache *cache = test->priv;
	unsigned long objects, pages;
	LIST_HEAD(list);

	mal_limit_drain(cache, mal_limit_fill(cache, &objects));
	KUNIT_EXPECT_GT(test, objects, MAL_LIMIT_CAP * PAGE_SIZE / MAL_LIMIT_SIZE / 2);
	pages = mal_limit_fill_pages(&list);
	KUNIT_EXPECT_EQ(test, pages, (unsigned long)MAL_LIMIT_CAP);
	mal_limit_drain_pages(&list);
}

/* But not what a cache keeps that shall: not before it is told to give it away. */
static void mal_test_pages_do_not_get_what_no_reap_keeps(struct kunit *test)
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
	KUNIT_EXPECT_EQ(test, pages + after.slab_pages, (u64)MAL_LIMIT_CAP);
	KUNIT_EXPECT_EQ(test, mal_kmem_cache_shrink(cache), 0);
	mal_limit_drain_pages(&list);
	mal_kmem_cache_destroy(cache);
}

/* What another cache keeps, too. */
static void mal_test_caches_get_what_caches_keep(struct kunit *test)
{
	struct mal_kmem_cache *other;
	unsigned long first, second;

	other = mal_kmem_cache_create("limit-other", MAL_LIMIT_SIZE, 0, 0, NULL);
	KUNIT_ASSERT_NOT_NULL(test, other);
	mal_limit_drain(test->priv, mal_limit_fill(test->priv, &first));
	mal_limit_drain(other, mal_limit_fill(other, &second));
	KUNIT_EXPECT_EQ(test, first, second);
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
 * What another CPU has at hand
 */

#define MAL_LIMIT_PARKED	16

/**
 * struct mal_limit_parked - objects that another CPU is to free
 * @cache: of this cache
 * @objects: they
 * @nr: how many
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

/* Where preemption may happen, but not to another CPU. */
static void mal_limit_park(struct kunit *test, struct mal_limit_parked *parked)
{
	unsigned int other = cpumask_any_but(cpu_online_mask, smp_processor_id());

	KUNIT_EXPECT_EQ(test, work_on_cpu(other, mal_limit_free_parked, parked), 0L);
}

/* Every so many objects of a chain are taken out of it. */
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

/* An object that is free is found, although no page is, nor will be. */
static void mal_test_caches_get_what_other_cpus_have(struct kunit *test)
{
	struct mal_limit_parked parked = { .cache = test->priv };
	unsigned long objects;
	void **last, **object;
	unsigned int i;

	if (num_online_cpus() < 2)
		kunit_skip(test, "one CPU");
	migrate_disable();
	last = mal_limit_fill(test->priv, &objects);
	mal_limit_pick(&parked, last, MAL_LIMIT_SIZE / 10);
	KUNIT_EXPECT_EQ(test, parked.nr, MAL_LIMIT_PARKED);
	mal_limit_park(test, &parked);
	/* So it is there, where those who may not sleep cannot get it. */
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

/* Whoever must get an object waits for one, not for pages only. */
static void mal_test_nofail_gets_what_other_cpus_have(struct kunit *test)
{
	struct mal_limit_parked parked = { .cache = test->priv };
	unsigned long objects;
	void **last, *object;

	if (num_online_cpus() < 2)
		kunit_skip(test, "one CPU");
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

/* Nor is one refused whose description, tracks or pages are made to fail. */
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
	/* A sheaf, a description, and pages in two sizes, of both. */
	KUNIT_EXPECT_GE(test, nth, 7ULL);
}

#define MAL_LIMIT_ORDER	5

/* That there is a little in depots and empty slabs is no reason to stop there. */
static void mal_test_pages_get_what_other_cpus_have(struct kunit *test)
{
	struct mal_kmem_cache *large, *small;
	struct mal_limit_parked parked = { .nr = 1 };
	struct page *page;
	LIST_HEAD(pages);
	void *object;

	if (num_online_cpus() < 2)
		kunit_skip(test, "one CPU");
	large = mal_kmem_cache_create("limit-large", PAGE_SIZE << MAL_LIMIT_ORDER,
				      0, 0, NULL);
	/* Has no sheaves: what is freed goes to its slab. */
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
	KUNIT_CASE(mal_test_caches_get_what_other_cpus_have),
	KUNIT_CASE(mal_test_nofail_gets_what_other_cpus_have),
	KUNIT_CASE(mal_test_nofail_does_not_fail),
	KUNIT_CASE(mal_test_pages_get_what_other_cpus_have),
	KUNIT_CASE(mal_test_pages_get_what_caches_keep),
	KUNIT_CASE(mal_test_pages_do_not_get_what_no_reap_keeps),
	KUNIT_CASE(mal_test_caches_get_what_caches_keep),
	KUNIT_CASE(mal_test_every_way_fails_and_recovers),
	{}
};

struct kunit_suite mal_slab_limit_suite = {
	.name = "memalloc_slab_limit",
	.init = mal_limit_init,
	.exit = mal_limit_exit,
	.test_cases = mal_slab_limit_cases,
};
