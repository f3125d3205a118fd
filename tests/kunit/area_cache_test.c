// SPDX-License-Identifier: GPL-2.0
/*
 * Cache of mapped areas: hits, best fit, eviction, its limit
 *
 * Each test leaves no area and no report behind.
 */
#include <kunit/test.h>

#include <linux/mm.h>
#include <linux/preempt.h>
#include <linux/prandom.h>
#include <linux/sched.h>

#include <memalloc/page_alloc.h>
#include <memalloc/vmalloc_area.h>

#include "internal/area_cache.h"

#include "memalloc_kunit.h"
#include "page_account.h"
#include "vmalloc_test.h"

/* Expect that @action takes the given path: a CPU hit, a node hit or a miss. */
#define mal_expect_way(test, way, action) do {				\
	struct mal_area_cache_stats before, after;			\
									\
	mal_area_cache_stats(&before);					\
	action;								\
	mal_area_cache_stats(&after);					\
	KUNIT_EXPECT_EQ(test, after.way, before.way + 1);		\
	KUNIT_EXPECT_EQ(test, after.cpu_hits + after.node_hits + after.misses, \
			before.cpu_hits + before.node_hits + before.misses + 1); \
} while (0)

/* The cache is emptied before an allocation of another size fails. */
static void mal_test_cache_is_emptied_at_the_cap(struct kunit *test)
{
	const unsigned long cap = 4096, nr = 20;
	struct mal_area_cache_stats cache;
	void *areas[20], *area;
	unsigned long i;

	KUNIT_ASSERT_EQ(test, mal_account_cap(cap + mal_test_reserve()), 0);
	mal_area_cache_stats(&cache);
	mal_area_cache_set_limit(cap);
	for (i = 0; i < nr; i++)
		areas[i] = mal_test_alloc(test, MAL_LARGE_PAGES + i);
	for (i = 0; i < nr; i++)
		mal_vfree(areas[i]);
	mal_expect_way(test, misses, area = mal_vmalloc((cap - 512) << PAGE_SHIFT));
	KUNIT_EXPECT_NOT_NULL(test, area);
	mal_vfree(area);
	mal_area_cache_set_limit(cache.limit);
	mal_account_uncap();
}

/* It is also emptied for page and object allocations. */
static void mal_test_cache_is_emptied_for_pages(struct kunit *test)
{
	const unsigned long cap = 4096;
	struct mal_area_cache_stats cache;
	struct page *page, *next = NULL;
	unsigned long nr = 0;
	void *area;

	KUNIT_ASSERT_EQ(test, mal_account_cap(cap + mal_test_reserve()), 0);
	mal_area_cache_stats(&cache);
	mal_area_cache_set_limit(cap);
	area = mal_test_alloc(test, cap / 4);
	mal_vfree(area);
	mal_vfree(mal_test_alloc(test, 3));
	while ((page = mal_alloc_page(GFP_KERNEL | __GFP_NOWARN))) {
		set_page_private(page, (unsigned long)next);
		next = page;
		nr++;
		cond_resched();
	}
	/* All pages except those used by the size classes for metadata. */
	KUNIT_EXPECT_GE(test, nr, cap - 64);
	while ((page = next)) {
		next = (struct page *)page_private(page);
		set_page_private(page, 0);
		mal_free_page(page);
	}
	mal_area_cache_set_limit(cache.limit);
	mal_account_uncap();
}

static void mal_test_hits(struct kunit *test)
{
	void *small, *large, *other = NULL;

	mal_expect_way(test, misses, small = mal_vmalloc(3 * PAGE_SIZE));
	mal_expect_way(test, misses, large = mal_vmalloc(MAL_LARGE_PAGES << PAGE_SHIFT));
	mal_vfree(small);
	mal_vfree(large);
	preempt_disable();
	mal_expect_way(test, cpu_hits, other = __mal_vmalloc(2 * PAGE_SIZE + 1, GFP_NOWAIT));
	preempt_enable();
	KUNIT_EXPECT_PTR_EQ(test, other, small);
	mal_vfree(other);
	mal_expect_way(test, node_hits, other = mal_vmalloc(MAL_LARGE_PAGES << PAGE_SHIFT));
	KUNIT_EXPECT_PTR_EQ(test, other, large);
	mal_vfree(other);
}

/* The smallest area that fits is used, if no more than an eighth is wasted. */
static void mal_test_best_fit(struct kunit *test)
{
	static const unsigned long sizes[] = { 100, 106, 112, 130, 200, 220 };
	unsigned long wanted;
	void *areas[ARRAY_SIZE(sizes)], *area;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++)
		areas[i] = mal_test_alloc(test, sizes[i]);
	for (i = 0; i < ARRAY_SIZE(sizes); i++)
		mal_vfree(areas[i]);
	for (wanted = MAL_AREA_CPU_CLASSES + 1; wanted < 230; wanted++) {
		unsigned long expected = wanted;

		for (i = 0; i < ARRAY_SIZE(sizes) && sizes[i] < wanted; i++)
			;
		if (i < ARRAY_SIZE(sizes) && sizes[i] - wanted <= wanted / 8)
			expected = sizes[i];
		area = mal_test_alloc(test, wanted);
		KUNIT_EXPECT_EQ_MSG(test, mal_pages_in_use(), expected,
				    "for %lu pages", wanted);
		KUNIT_EXPECT_EQ(test, mal_vmalloc_size(area), wanted << PAGE_SHIFT);
		/* A new area must not be offered to later allocations. */
		mal_vfree(area);
		if (i == ARRAY_SIZE(sizes) || sizes[i] != expected) {
			struct page *page = mal_vmalloc_to_page(area);

			area = mal_test_alloc(test, wanted);
			get_page(page);
			mal_vfree(area);
			put_page(page);
		}
	}
}

static unsigned long mal_areas_evicted(void)
{
	struct mal_area_cache_stats stats;

	mal_area_cache_stats(&stats);
	return stats.evicted;
}

/* Shrinking evicts the oldest areas first, and counts each of them once. */
static void mal_test_shrink_evicts_oldest_first(struct kunit *test)
{
	unsigned long evicted = mal_areas_evicted();
	void *old = mal_test_alloc(test, 100), *middle = mal_test_alloc(test, 200);
	void *young = mal_test_alloc(test, 300);

	mal_vfree(old);
	mal_vfree(middle);
	mal_vfree(young);
	KUNIT_EXPECT_EQ(test, mal_area_cache_shrink(1), 100UL);
	KUNIT_EXPECT_EQ(test, mal_areas_evicted(), evicted + 1);
	KUNIT_EXPECT_EQ(test, mal_area_cache_shrink(101), 200UL);
	KUNIT_EXPECT_EQ(test, mal_areas_evicted(), evicted + 2);
	mal_expect_way(test, node_hits, young = mal_vmalloc(300 << PAGE_SHIFT));
	mal_vfree(young);
}

/*
 * The cache stays below its limit and makes use of it. Prints the hit rate and
 * the contents of the cache for random sizes.
 */
static void mal_test_limit_and_fragmentation(struct kunit *test)
{
	const unsigned long limit = 1024, nr = 64, steps = 2000;
	struct mal_area_cache_stats old, before, after, now;
	unsigned long i, most = 0, asked = 0;
	struct rnd_state rnd;
	void **areas;

	prandom_seed_state(&rnd, mal_test_seed(test));
	areas = kunit_kcalloc(test, nr, sizeof(*areas), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, areas);
	mal_area_cache_stats(&old);
	mal_area_cache_set_limit(limit);
	mal_area_cache_stats(&before);
	for (i = 0; i < steps; i++) {
		unsigned long slot = prandom_u32_state(&rnd) % nr;
		unsigned long pages = 1 + prandom_u32_state(&rnd) %
				      (1 << prandom_u32_state(&rnd) % 8);

		mal_vfree(areas[slot]);
		mal_area_cache_stats(&now);
		most = max(most, now.pages);
		areas[slot] = i % 3 ? mal_vmalloc(pages << PAGE_SHIFT) : NULL;
		asked += i % 3 ? 1 : 0;
		cond_resched();
	}
	mal_area_cache_stats(&after);
	KUNIT_EXPECT_LE(test, most, limit);
	KUNIT_EXPECT_GT(test, most, limit / 2);
	kunit_info(test, "%lu allocations of 1 to 128 pages: hits %lu CPU, %lu node; misses %lu; at the end %lu areas of %lu pages, at most %lu pages cached",
		   asked, after.cpu_hits - before.cpu_hits,
		   after.node_hits - before.node_hits, after.misses - before.misses,
		   after.areas, after.pages, most);
	for (i = 0; i < nr; i++)
		mal_vfree(areas[i]);
	mal_area_cache_set_limit(0);
	mal_area_cache_stats(&now);
	KUNIT_EXPECT_EQ(test, now.pages, 0UL);
	mal_vfree(mal_test_alloc(test, 1));
	mal_vfree(mal_test_alloc(test, MAL_LARGE_PAGES));
	mal_area_cache_stats(&now);
	KUNIT_EXPECT_EQ(test, now.pages, 0UL);
	mal_area_cache_set_limit(old.limit);
}

static struct kunit_case mal_area_cache_cases[] = {
	KUNIT_CASE(mal_test_cache_is_emptied_at_the_cap),
	KUNIT_CASE(mal_test_cache_is_emptied_for_pages),
	KUNIT_CASE(mal_test_hits),
	KUNIT_CASE(mal_test_best_fit),
	KUNIT_CASE(mal_test_shrink_evicts_oldest_first),
	KUNIT_CASE(mal_test_limit_and_fragmentation),
	{}
};

struct kunit_suite mal_area_cache_suite = {
	.name = "memalloc_area_cache",
	.init = mal_vmalloc_test_init,
	.exit = mal_vmalloc_test_exit,
	.test_cases = mal_area_cache_cases,
};
