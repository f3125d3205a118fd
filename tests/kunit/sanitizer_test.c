// SPDX-License-Identifier: GPL-2.0
/*
 * KASAN detects invalid accesses to pages and to large kmalloc memory without
 * any debug mode
 *
 * False positives would fail any other suite.
 */
#include <kunit/test.h>

#include <linux/kasan.h>
#include <linux/mm.h>
#include <linux/rcupdate.h>
#include <linux/string.h>
#include <linux/workqueue.h>

#include <memalloc/kmalloc.h>
#include <memalloc/mempool.h>
#include <memalloc/page_alloc.h>
#include <memalloc/slab_cache.h>
#include <uapi/linux/memalloc.h>

#include "internal/region.h"
#include "internal/report.h"
#include "internal/sanitizer.h"

#include "memalloc_kunit.h"
#include "sanitizer_test.h"

/**
 * struct mal_touch - a read that KASAN must report
 * @work: reads the byte in a worker, because a report fails the KUnit test of
 *	the current task
 * @byte: address to read
 */
struct mal_touch {
	struct work_struct work;
	const u8 *byte;
};

static void mal_touch_it(struct work_struct *work)
{
	(void)READ_ONCE(*container_of(work, struct mal_touch, work)->byte);
}

/**
 * mal_expect_kasan_report() - read a byte that KASAN must report
 * @byte: address to read
 * @what: regular expression that matches the kind of bug
 *
 * Context: task; sleeps.
 */
void mal_expect_kasan_report(const u8 *byte, const char *what)
{
	struct mal_touch touch = { .byte = byte };

	INIT_WORK_ONSTACK(&touch.work, mal_touch_it);
	pr_info("vm-expect: KASAN: %s in mal_touch_it\n", what);
	schedule_work(&touch.work);
	flush_work(&touch.work);
	pr_info("vm-expect end\n");
	destroy_work_on_stack(&touch.work);
}

/*
 * Shadow of each page
 */

#ifdef CONFIG_KASAN_GENERIC

static bool mal_is_marked(const void *byte)
{
	return *(u8 *)kasan_mem_to_shadow(byte);
}

#else

static bool mal_is_marked(const void *byte)
{
	return false;
}

#endif

static unsigned long mal_wrongly_poisoned(struct mal_page *desc, unsigned int order,
					  bool marked)
{
	const void *from = page_address(pfn_to_page(mal_page_pfn(desc)));
	const void *to = from + (PAGE_SIZE << order);
	unsigned long wrong = 0;

	for (; from < to; from += PAGE_SIZE)
		wrong += mal_is_marked(from) != marked ||
			 mal_is_marked(from + PAGE_SIZE - 1) != marked;
	return wrong;
}

/* Returns the number of pages to the next block. */
static unsigned int mal_check_block_shadow(struct mal_page *desc, unsigned long *wrong)
{
	switch (desc->state) {
	case MAL_PAGE_FREE:
	case MAL_PAGE_PCP:
		*wrong += mal_wrongly_poisoned(desc, desc->order, true);
		return 1U << desc->order;
	case MAL_PAGE_USED:
	case MAL_PAGE_PINNED:
		*wrong += mal_wrongly_poisoned(desc, desc->order, false);
		return 1U << desc->order;
	default:
		return 1;
	}
}

/**
 * mal_expect_free_pages_poisoned() - expect that only free pages are poisoned
 * @test: the test
 *
 * Context: task; the allocator is otherwise idle.
 */
void mal_expect_free_pages_poisoned(struct kunit *test)
{
	unsigned long nr, wrong = 0;
	unsigned int i;

	for (nr = 0; mal_sanitizer_on() && nr < mal_section_table.nr; nr++) {
		struct mal_section *section;

		rcu_read_lock();
		section = mal_section_at(nr);
		for (i = 0; section && i < MAL_SECTION_PAGES;)
			i += mal_check_block_shadow(&section->pages[i], &wrong);
		rcu_read_unlock();
	}
	KUNIT_EXPECT_EQ(test, wrong, 0UL);
}

/*
 * Reports
 */

static int mal_sanitizer_test_init(struct kunit *test)
{
	if (!mal_sanitizer_on())
		kunit_skip(test, "needs KASAN");
	return 0;
}

static u8 *mal_large(struct kunit *test, size_t size)
{
	u8 *object = mal_kmalloc(size, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, object);
	memset(object, 1, size);
	return object;
}

static void mal_test_overflow_of_large_memory(struct kunit *test)
{
	static const size_t sizes[] = {
		MAL_KMALLOC_MAX_CLASS + 1, 3 * PAGE_SIZE - 16, 13 * PAGE_SIZE - 100,
	};
	unsigned int i;
	u8 *object;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		object = mal_large(test, sizes[i]);
		mal_expect_kasan_report(object + sizes[i], "slab-out-of-bounds");
		mal_expect_kasan_report(object + PAGE_ALIGN(sizes[i]) - 1,
					"slab-out-of-bounds");
		mal_kfree(object);
	}
}

static void mal_test_overflow_of_resized_memory(struct kunit *test)
{
	const size_t less = 2 * PAGE_SIZE + 64, more = less + 1000;
	u8 *object = mal_large(test, 3 * PAGE_SIZE);

	KUNIT_EXPECT_PTR_EQ(test, mal_krealloc(object, less, GFP_KERNEL),
			    (void *)object);
	memset(object, 2, less);
	mal_expect_kasan_report(object + less, "slab-out-of-bounds");
	KUNIT_EXPECT_PTR_EQ(test, mal_krealloc(object, more, GFP_KERNEL),
			    (void *)object);
	memset(object, 3, more);
	mal_expect_kasan_report(object + more, "slab-out-of-bounds");
	/* mal_ksize() unpoisons nothing, like the host's ksize(). */
	KUNIT_EXPECT_EQ(test, mal_ksize(object), 3 * PAGE_SIZE);
	mal_expect_kasan_report(object + more, "slab-out-of-bounds");
	mal_kfree(object);
}

static void mal_test_size_of_memory(struct kunit *test)
{
	struct memalloc_stats_reports before, after;
	u8 *object = mal_kmalloc(100, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, object);
	KUNIT_EXPECT_EQ(test, mal_ksize(object), mal_kmalloc_size_roundup(100));
	memset(object, 1, 100);
	mal_expect_kasan_report(object + 100, "slab-out-of-bounds");
	mal_expect_kasan_report(object + 104, "slab-out-of-bounds");
	mal_kfree(object);
	mal_report_stats(&before);
	KUNIT_EXPECT_EQ(test, mal_ksize(object), 0UL);
	mal_report_stats(&after);
	KUNIT_EXPECT_EQ(test, after.use_after_free, before.use_after_free + 1);
	mal_expect_kasan_report(object, "slab-use-after-free");
}

/*
 * The whole element is poisoned while it is in the reserve of a pool. When it
 * is allocated, all bytes before @behind are valid. @behind is 0 if there is no
 * redzone.
 */
static void mal_expect_reserve_seen(struct kunit *test, mal_mempool_t *pool,
				    bool is_page, size_t behind)
{
	void *element, *bytes;

	KUNIT_ASSERT_NOT_NULL(test, pool);
	element = mal_mempool_alloc_preallocated(pool);
	KUNIT_ASSERT_NOT_NULL(test, element);
	bytes = is_page ? page_address(element) : element;
	memset(bytes, 1, 64);
	mal_mempool_free(element, pool);
	mal_expect_kasan_report(bytes, "(slab-)?use-after-free");
	mal_expect_kasan_report(bytes + 63, "(slab-)?use-after-free");
	KUNIT_EXPECT_PTR_EQ(test, mal_mempool_alloc_preallocated(pool), element);
	memset(bytes, 2, 64);
	if (behind)
		mal_expect_kasan_report(bytes + behind, "slab-(out-of-bounds|use-after-free)");
	mal_mempool_free(element, pool);
	mal_mempool_resize(pool, 1);
	mal_mempool_destroy(pool);
}

static void mal_test_reserve_of_a_mempool(struct kunit *test)
{
	struct mal_kmem_cache *cache = mal_kmem_cache_create("reserve", 100, 0, 0, NULL);

	KUNIT_ASSERT_NOT_NULL(test, cache);
	mal_expect_reserve_seen(test, mal_mempool_create_slab_pool(3, cache), false, 100);
	mal_expect_reserve_seen(test, mal_mempool_create_kmalloc_pool(3, 100), false, 100);
	mal_expect_reserve_seen(test, mal_mempool_create_kmalloc_pool(3, 30000), false,
				30000);
	mal_expect_reserve_seen(test, mal_mempool_create_page_pool(3, 0), true, 0);
	mal_expect_reserve_seen(test, mal_mempool_create_page_pool(3, 2), true, 0);
	mal_kmem_cache_destroy(cache);
}

/*
 * The old memory may be read to the end of its pages, beyond the caller's
 * bytes.
 */
static void mal_test_large_memory_moves(struct kunit *test)
{
	const size_t size = 3 * PAGE_SIZE + 5;
	u8 *object = mal_large(test, size);
	u8 *moved = mal_krealloc(object, 9 * PAGE_SIZE + 5, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, moved);
	KUNIT_EXPECT_NULL(test, memchr_inv(moved, 1, size));
	memset(moved, 2, 9 * PAGE_SIZE + 5);
	mal_kfree_sensitive(moved);
}

static void mal_test_use_after_free_of_large_memory(struct kunit *test)
{
	u8 *object = mal_large(test, 5 * PAGE_SIZE + 8);

	mal_kfree(object);
	mal_expect_kasan_report(object, "use-after-free");
	mal_expect_kasan_report(object + 5 * PAGE_SIZE + 7, "use-after-free");
}

static void mal_test_use_after_free_of_pages(struct kunit *test)
{
	static const unsigned int orders[] = { 0, 3, MAL_MAX_ORDER };
	struct page *page;
	unsigned int i;
	u8 *block;

	for (i = 0; i < ARRAY_SIZE(orders); i++) {
		/* The host may have no large block, but the reserve has one. */
		page = mal_alloc_pages(GFP_KERNEL | __GFP_HIGH, orders[i]);
		KUNIT_ASSERT_NOT_NULL(test, page);
		block = page_address(page);
		memset(block, 1, PAGE_SIZE << orders[i]);
		mal_free_pages(page, orders[i]);
		mal_expect_kasan_report(block + (PAGE_SIZE << orders[i]) - 1,
					"use-after-free");
	}
}

/* A freed page that is still referenced stays accessible. */
static void mal_test_referenced_page_stays_accessible(struct kunit *test)
{
	struct page *page = mal_alloc_pages(GFP_KERNEL, 2);
	u8 *block;

	KUNIT_ASSERT_NOT_NULL(test, page);
	block = page_address(page);
	get_page(page + 1);
	mal_free_pages_shared(page, 2);
	memset(block + PAGE_SIZE, 1, PAGE_SIZE);
	mal_expect_kasan_report(block, "use-after-free");
	mal_expect_kasan_report(block + 2 * PAGE_SIZE, "use-after-free");
	mal_expect_free_pages_poisoned(test);
	put_page(page + 1);
}

static struct kunit_case mal_sanitizer_cases[] = {
	KUNIT_CASE(mal_test_overflow_of_large_memory),
	KUNIT_CASE(mal_test_overflow_of_resized_memory),
	KUNIT_CASE(mal_test_size_of_memory),
	KUNIT_CASE(mal_test_reserve_of_a_mempool),
	KUNIT_CASE(mal_test_large_memory_moves),
	KUNIT_CASE(mal_test_use_after_free_of_large_memory),
	KUNIT_CASE(mal_test_use_after_free_of_pages),
	KUNIT_CASE(mal_test_referenced_page_stays_accessible),
	{}
};

struct kunit_suite mal_sanitizer_suite = {
	.name = "memalloc_sanitizer",
	.init = mal_sanitizer_test_init,
	.test_cases = mal_sanitizer_cases,
};
