// SPDX-License-Identifier: GPL-2.0
/*
 * The host's options init_on_alloc and init_on_free apply to our memory, too
 *
 * Allocated memory is zeroed even if it was written to while it was free, and
 * freed memory is cleared at once. Each option is checked by itself, with
 * direct accesses to free memory, so that one option cannot hide a failure of
 * the other.
 *
 * A test is skipped if the host was booted without its option.
 */
#include <kunit/test.h>

#include <linux/kasan.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/string.h>

#include <memalloc/kmalloc.h>
#include <memalloc/page_alloc.h>
#include <memalloc/slab_cache.h>

#include "internal/slab_cache.h"
#include "internal/slab_reclaim.h"

#include "memalloc_kunit.h"
#include "page_account.h"

#define MAL_INIT_NR	40	/* more than fit into a sheaf of the larger objects */
#define MAL_INIT_SIZE	200

/*
 * Ways to allocate and free memory
 */

/**
 * struct mal_init_way - a way to allocate and free memory
 * @name: name in messages
 * @size: bytes of each piece
 * @alloc: allocate all pieces; false if there is no memory
 * @free: free all pieces
 */
struct mal_init_way {
	const char *name;
	size_t size;
	bool (*alloc)(size_t size, void **pieces);
	void (*free)(size_t size, void **pieces);
};

static struct mal_kmem_cache *mal_init_cache;

static bool mal_init_kmalloc(size_t size, void **pieces)
{
	int i;

	for (i = 0; i < MAL_INIT_NR; i++) {
		pieces[i] = mal_kmalloc(size, GFP_KERNEL);
		if (!pieces[i])
			return false;
	}
	return true;
}

static void mal_init_kfree(size_t size, void **pieces)
{
	int i;

	for (i = 0; i < MAL_INIT_NR; i++)
		mal_kfree(pieces[i]);
}

static void mal_init_kfree_bulk(size_t size, void **pieces)
{
	mal_kfree_bulk(MAL_INIT_NR, pieces);
}

static bool mal_init_cache_alloc(size_t size, void **pieces)
{
	int i;

	for (i = 0; i < MAL_INIT_NR; i++) {
		pieces[i] = mal_kmem_cache_alloc(mal_init_cache, GFP_KERNEL);
		if (!pieces[i])
			return false;
	}
	return true;
}

static void mal_init_cache_free(size_t size, void **pieces)
{
	int i;

	for (i = 0; i < MAL_INIT_NR; i++)
		mal_kmem_cache_free(mal_init_cache, pieces[i]);
}

static bool mal_init_cache_alloc_bulk(size_t size, void **pieces)
{
	return mal_kmem_cache_alloc_bulk(mal_init_cache, GFP_KERNEL, MAL_INIT_NR,
					 pieces) == MAL_INIT_NR;
}

static void mal_init_cache_free_bulk(size_t size, void **pieces)
{
	mal_kmem_cache_free_bulk(mal_init_cache, MAL_INIT_NR, pieces);
}

static bool mal_init_pages(size_t size, void **pieces)
{
	struct page *page;
	int i;

	for (i = 0; i < MAL_INIT_NR; i++) {
		page = mal_alloc_pages(GFP_KERNEL, get_order(size));
		if (!page)
			return false;
		pieces[i] = page_address(page);
	}
	return true;
}

static void mal_init_free_pages(size_t size, void **pieces)
{
	int i;

	for (i = 0; i < MAL_INIT_NR; i++)
		mal_free_pages(virt_to_page(pieces[i]), get_order(size));
}

static bool mal_init_pages_bulk(size_t size, void **pieces)
{
	struct page *pages[MAL_INIT_NR] = { };
	int i;

	if (mal_alloc_pages_bulk(GFP_KERNEL, MAL_INIT_NR, pages) < MAL_INIT_NR)
		return false;
	for (i = 0; i < MAL_INIT_NR; i++)
		pieces[i] = page_address(pages[i]);
	return true;
}

static void mal_init_free_pages_bulk(size_t size, void **pieces)
{
	struct page *pages[MAL_INIT_NR];
	int i;

	for (i = 0; i < MAL_INIT_NR; i++)
		pages[i] = virt_to_page(pieces[i]);
	mal_free_pages_bulk(MAL_INIT_NR, pages);
}

static const struct mal_init_way mal_init_ways[] = {
	{ "kmalloc of 24", 24, mal_init_kmalloc, mal_init_kfree },
	{ "kmalloc in bulk", MAL_INIT_SIZE, mal_init_kmalloc, mal_init_kfree_bulk },
	{ "kmalloc of 5000", 5000, mal_init_kmalloc, mal_init_kfree },
	{ "large kmalloc", 20000, mal_init_kmalloc, mal_init_kfree },
	{ "cache", MAL_INIT_SIZE, mal_init_cache_alloc, mal_init_cache_free },
	{ "cache in bulk", MAL_INIT_SIZE, mal_init_cache_alloc_bulk,
	  mal_init_cache_free_bulk },
	{ "page", PAGE_SIZE, mal_init_pages, mal_init_free_pages },
	{ "pages in bulk", PAGE_SIZE, mal_init_pages_bulk, mal_init_free_pages_bulk },
	{ "block of 8 pages", 8 * PAGE_SIZE, mal_init_pages, mal_init_free_pages },
};

static int mal_init_test_init(struct kunit *test)
{
	mal_init_cache = mal_kmem_cache_create("init", MAL_INIT_SIZE, 0, 0, NULL);
	return mal_init_cache ? 0 : -ENOMEM;
}

static void mal_init_test_exit(struct kunit *test)
{
	if (!mal_init_cache)
		return;
	mal_kmem_cache_destroy(mal_init_cache);
	mal_slab_shrink();
	rcu_barrier();
	mal_account_settle(test);
}

/* KASAN must not report this access to free memory. */
static void mal_init_spoil(const struct mal_init_way *way, void **pieces)
{
	int i;

	kasan_disable_current();
	for (i = 0; i < MAL_INIT_NR; i++)
		memset(pieces[i], 0xa5, way->size);
	kasan_enable_current();
}

static unsigned int mal_init_dirty(const struct mal_init_way *way, void **pieces)
{
	unsigned int dirty = 0;
	int i;

	kasan_disable_current();
	for (i = 0; i < MAL_INIT_NR; i++)
		dirty += !!memchr_inv(pieces[i], 0, way->size);
	kasan_enable_current();
	return dirty;
}

static void mal_test_allocated_memory_is_zero(struct kunit *test)
{
	void *first[MAL_INIT_NR], *pieces[MAL_INIT_NR];
	unsigned int i;

	if (!want_init_on_alloc(0))
		kunit_skip(test, "the host was not booted with init_on_alloc=1");
	for (i = 0; i < ARRAY_SIZE(mal_init_ways); i++) {
		const struct mal_init_way *way = &mal_init_ways[i];

		KUNIT_ASSERT_TRUE(test, way->alloc(way->size, first));
		memcpy(pieces, first, sizeof(pieces));
		way->free(way->size, pieces);
		mal_init_spoil(way, first);
		KUNIT_ASSERT_TRUE(test, way->alloc(way->size, pieces));
		KUNIT_EXPECT_EQ_MSG(test, mal_init_dirty(way, pieces), 0U, "%s",
				    way->name);
		way->free(way->size, pieces);
	}
}

static void mal_test_freed_memory_is_cleared(struct kunit *test)
{
	void *first[MAL_INIT_NR], *pieces[MAL_INIT_NR];
	unsigned int i;

	if (!want_init_on_free())
		kunit_skip(test, "the host was not booted with init_on_free=1");
	for (i = 0; i < ARRAY_SIZE(mal_init_ways); i++) {
		const struct mal_init_way *way = &mal_init_ways[i];

		KUNIT_ASSERT_TRUE(test, way->alloc(way->size, first));
		mal_init_spoil(way, first);
		memcpy(pieces, first, sizeof(pieces));
		way->free(way->size, pieces);
		KUNIT_EXPECT_EQ_MSG(test, mal_init_dirty(way, first), 0U, "%s",
				    way->name);
	}
}

static void mal_init_ctor(void *object)
{
	memset(object, 0x5a, MAL_INIT_SIZE);
}

/* A constructed object keeps its contents. */
static void mal_test_constructed_objects_are_not_cleared(struct kunit *test)
{
	struct mal_kmem_cache *cache;
	void *object;
	int i;

	cache = mal_kmem_cache_create("init-ctor", MAL_INIT_SIZE, 0, 0, mal_init_ctor);
	KUNIT_ASSERT_NOT_NULL(test, cache);
	for (i = 0; i < MAL_INIT_NR; i++) {
		object = mal_kmem_cache_alloc(cache, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, object);
		KUNIT_EXPECT_NULL(test, memchr_inv(object, 0x5a, MAL_INIT_SIZE));
		mal_kmem_cache_free(cache, object);
	}
	mal_kmem_cache_destroy(cache);
}

/*
 * Readers may still access freed objects of a cache with
 * SLAB_TYPESAFE_BY_RCU, also after these were allocated again. Neither option
 * clears them, as in the host's slab_want_init_on_alloc() and _free().
 */
static void mal_test_objects_of_readers_are_not_cleared(struct kunit *test)
{
	void *first[MAL_INIT_NR], *objects[MAL_INIT_NR];
	unsigned int freed = 0, allocated = 0, again = 0, i, j;
	struct mal_kmem_cache *cache;

	if (!want_init_on_alloc(0) && !want_init_on_free())
		kunit_skip(test, "the host was booted with neither option");
	cache = mal_kmem_cache_create("init-rcu", MAL_INIT_SIZE, 0, SLAB_TYPESAFE_BY_RCU, NULL);
	KUNIT_ASSERT_NOT_NULL(test, cache);
	for (i = 0; i < MAL_INIT_NR; i++) {
		first[i] = mal_kmem_cache_alloc(cache, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, first[i]);
		memset(first[i], 0x5a, MAL_INIT_SIZE);
	}
	/* No slab is released meanwhile. */
	rcu_read_lock();
	for (i = 0; i < MAL_INIT_NR; i++)
		mal_kmem_cache_free(cache, first[i]);
	kasan_disable_current();
	for (i = 0; i < MAL_INIT_NR; i++)
		freed += !!memchr_inv(first[i], 0x5a, MAL_INIT_SIZE);
	kasan_enable_current();
	for (i = 0; i < MAL_INIT_NR; i++) {
		objects[i] = mal_kmem_cache_alloc(cache, GFP_NOWAIT);
		for (j = 0; j < MAL_INIT_NR && objects[i] != first[j]; j++)
			;
		again += j < MAL_INIT_NR;
		allocated += j < MAL_INIT_NR && memchr_inv(objects[i], 0x5a, MAL_INIT_SIZE);
	}
	rcu_read_unlock();
	KUNIT_EXPECT_EQ(test, freed, 0U);
	KUNIT_EXPECT_GT(test, again, 0U);
	KUNIT_EXPECT_EQ(test, allocated, 0U);
	for (i = 0; i < MAL_INIT_NR; i++)
		mal_kmem_cache_free(cache, objects[i]);
	mal_kmem_cache_destroy(cache);
}

/* An allocation that asks for zeroes gets them from such a cache, too. */
static void mal_test_zeroes_in_typesafe_cache(struct kunit *test)
{
	void *objects[MAL_INIT_NR];
	struct mal_kmem_cache *cache;
	unsigned int turn, i;

	cache = mal_kmem_cache_create("zero-rcu", MAL_INIT_SIZE, 0, SLAB_TYPESAFE_BY_RCU, NULL);
	KUNIT_ASSERT_NOT_NULL(test, cache);
	for (turn = 0; turn < 6; turn++) {
		for (i = 0; turn % 2 && i < MAL_INIT_NR; i++)
			objects[i] = mal_kmem_cache_alloc(cache, GFP_KERNEL | __GFP_ZERO);
		if (turn % 2 == 0)
			KUNIT_ASSERT_EQ(test, mal_kmem_cache_alloc_bulk(cache,
									GFP_KERNEL | __GFP_ZERO,
									MAL_INIT_NR, objects),
					MAL_INIT_NR);
		for (i = 0; i < MAL_INIT_NR; i++) {
			KUNIT_ASSERT_NOT_NULL(test, objects[i]);
			KUNIT_EXPECT_NULL(test, memchr_inv(objects[i], 0, MAL_INIT_SIZE));
			memset(objects[i], 0x5a, MAL_INIT_SIZE);
		}
		mal_kmem_cache_free_bulk(cache, MAL_INIT_NR, objects);
	}
	mal_kmem_cache_destroy(cache);
}

static struct kunit_case mal_init_cases[] = {
	KUNIT_CASE(mal_test_allocated_memory_is_zero),
	KUNIT_CASE(mal_test_freed_memory_is_cleared),
	KUNIT_CASE(mal_test_constructed_objects_are_not_cleared),
	KUNIT_CASE(mal_test_objects_of_readers_are_not_cleared),
	KUNIT_CASE(mal_test_zeroes_in_typesafe_cache),
	{}
};

struct kunit_suite mal_init_suite = {
	.name = "memalloc_init",
	.init = mal_init_test_init,
	.exit = mal_init_test_exit,
	.test_cases = mal_init_cases,
};
