// SPDX-License-Identifier: GPL-2.0
/*
 * The kernel's own address sanitizer sees who touches what is nobody's in memory
 * without any debug mode, too: whole pages, and what is behind large memory
 *
 * That it minds nobody who may is what all other suites tell: a report fails the
 * test that it comes in.
 */
#include <kunit/test.h>

#include <linux/kasan.h>
#include <linux/mm.h>
#include <linux/rcupdate.h>
#include <linux/string.h>
#include <linux/workqueue.h>

#include <memalloc/kmalloc.h>
#include <memalloc/page_alloc.h>

#include "internal/region.h"
#include "internal/sanitizer.h"

#include "memalloc_kunit.h"
#include "sanitizer_test.h"

/**
 * struct mal_touch - a read that the sanitizer shall report
 * @work: does it, as a report would fail a test that did it itself
 * @byte: what to read
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
 * mal_expect_seen() - read a byte, and have whoever judges the log expect a report
 * @byte: which
 * @what: what it shall be called, a regular expression
 *
 * Context: task; sleeps.
 */
void mal_expect_seen(const u8 *byte, const char *what)
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
 * Each page by its state
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

static unsigned long mal_wrongly_told(struct mal_page *desc, unsigned int order,
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

/* Returns how many pages there are up to what comes next. */
static unsigned int mal_told_of_block(struct mal_page *desc, unsigned long *wrong)
{
	switch (desc->state) {
	case MAL_PAGE_FREE:
	case MAL_PAGE_PCP:
		*wrong += mal_wrongly_told(desc, desc->order, true);
		return 1U << desc->order;
	case MAL_PAGE_USED:
		*wrong += mal_wrongly_told(desc, desc->order, false);
		return 1U << desc->order;
	case MAL_PAGE_QUARANTINED:
		*wrong += mal_wrongly_told(desc, 0, false);
		return 1;
	default:
		return 1;
	}
}

/**
 * mal_expect_told_of_pages() - expect that just the free pages are marked
 * @test: the test
 *
 * Context: task; nobody else allocates or frees.
 */
void mal_expect_told_of_pages(struct kunit *test)
{
	unsigned long nr, wrong = 0;
	unsigned int i;

	for (nr = 0; mal_sanitizer_on() && nr < mal_section_table.nr; nr++) {
		struct mal_section *section;

		rcu_read_lock();
		section = mal_section_at(nr);
		for (i = 0; section && i < MAL_SECTION_PAGES;)
			i += mal_told_of_block(&section->pages[i], &wrong);
		rcu_read_unlock();
	}
	KUNIT_EXPECT_EQ(test, wrong, 0UL);
}

/*
 * What is reported
 */

static int mal_sanitizer_test_init(struct kunit *test)
{
	if (!mal_sanitizer_on())
		kunit_skip(test, "no sanitizer in this kernel");
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
		mal_expect_seen(object + sizes[i], "slab-out-of-bounds");
		mal_expect_seen(object + PAGE_ALIGN(sizes[i]) - 1,
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
	mal_expect_seen(object + less, "slab-out-of-bounds");
	KUNIT_EXPECT_PTR_EQ(test, mal_krealloc(object, more, GFP_KERNEL),
			    (void *)object);
	memset(object, 3, more);
	mal_expect_seen(object + more, "slab-out-of-bounds");
	/* Whoever asks how much there is may use all of it. */
	memset(object, 4, mal_ksize(object));
	mal_kfree(object);
}

/* It is read to its end, with what is not the caller's. */
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

static void mal_test_late_read_of_large_memory(struct kunit *test)
{
	u8 *object = mal_large(test, 5 * PAGE_SIZE + 8);

	mal_kfree(object);
	mal_expect_seen(object, "use-after-free");
	mal_expect_seen(object + 5 * PAGE_SIZE + 7, "use-after-free");
}

static void mal_test_late_read_of_pages(struct kunit *test)
{
	static const unsigned int orders[] = { 0, 3, MAL_MAX_ORDER };
	struct page *page;
	unsigned int i;
	u8 *block;

	for (i = 0; i < ARRAY_SIZE(orders); i++) {
		page = mal_alloc_pages(GFP_KERNEL, orders[i]);
		KUNIT_ASSERT_NOT_NULL(test, page);
		block = page_address(page);
		memset(block, 1, PAGE_SIZE << orders[i]);
		mal_free_pages(page, orders[i]);
		mal_expect_seen(block + (PAGE_SIZE << orders[i]) - 1,
				"use-after-free");
	}
}

/* Who still holds a page that was freed may go on to use it. */
static void mal_test_held_page_is_its_holders(struct kunit *test)
{
	struct page *page = mal_alloc_pages(GFP_KERNEL, 2);
	u8 *block;

	KUNIT_ASSERT_NOT_NULL(test, page);
	block = page_address(page);
	get_page(page + 1);
	mal_free_pages_shared(page, 2);
	memset(block + PAGE_SIZE, 1, PAGE_SIZE);
	mal_expect_seen(block, "use-after-free");
	mal_expect_seen(block + 2 * PAGE_SIZE, "use-after-free");
	mal_expect_told_of_pages(test);
	put_page(page + 1);
}

static struct kunit_case mal_sanitizer_cases[] = {
	KUNIT_CASE(mal_test_overflow_of_large_memory),
	KUNIT_CASE(mal_test_overflow_of_resized_memory),
	KUNIT_CASE(mal_test_large_memory_moves),
	KUNIT_CASE(mal_test_late_read_of_large_memory),
	KUNIT_CASE(mal_test_late_read_of_pages),
	KUNIT_CASE(mal_test_held_page_is_its_holders),
	{}
};

struct kunit_suite mal_sanitizer_suite = {
	.name = "memalloc_sanitizer",
	.init = mal_sanitizer_test_init,
	.test_cases = mal_sanitizer_cases,
};
