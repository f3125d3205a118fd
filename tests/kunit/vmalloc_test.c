// SPDX-License-Identifier: GPL-2.0
/*
 * vmalloc: zeroing, guard pages, limits, referenced pages, mappings
 *
 * Each test leaves no area and no report behind, and all together leave only
 * the reserve.
 */
#include <kunit/test.h>

#include <linux/anon_inodes.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/irq_work.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/prandom.h>
#include <linux/sched.h>
#include <linux/sizes.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>

#include <memalloc/kvmalloc.h>
#include <memalloc/page_alloc.h>
#include <memalloc/vmalloc_area.h>
#include <uapi/linux/memalloc.h>

#include "internal/area_cache.h"
#include "internal/borrow.h"
#include "internal/inject.h"
#include "internal/slab_cache.h"
#include "internal/slab_reclaim.h"
#include "internal/vmalloc_area.h"

#include "memalloc_kunit.h"
#include "page_account.h"
#include "vmalloc_test.h"

static u64 mal_test_reports;

/* Also for the tests of the cache. */
int mal_vmalloc_test_init(struct kunit *test)
{
	mal_area_cache_shrink(ULONG_MAX);
	mal_test_reports = mal_reports_total();
	return 0;
}

void mal_vmalloc_test_exit(struct kunit *test)
{
	struct mal_area_cache_stats cache;
	struct mal_vmalloc_stats stats;

	mal_area_cache_sync();
	mal_area_cache_shrink(ULONG_MAX);
	mal_area_cache_stats(&cache);
	mal_vmalloc_stats(&stats);
	KUNIT_EXPECT_EQ(test, cache.areas, 0UL);
	KUNIT_EXPECT_EQ(test, cache.pages, 0UL);
	KUNIT_EXPECT_EQ(test, stats.areas, 0UL);
	KUNIT_EXPECT_EQ(test, stats.pages, 0UL);
	KUNIT_EXPECT_EQ(test, mal_reports_total(), mal_test_reports);
}

/* Last case: nothing but the reserve is left. */
static void mal_test_nothing_is_left(struct kunit *test)
{
	mal_slab_shrink();
	mal_account_settle(test);
}

/*
 * Contents
 */

/* A zeroed area from the cache has no old contents. */
static void mal_test_zeroes_in_cached_areas(struct kunit *test)
{
	static const unsigned long pages[] = { 1, 5, MAL_LARGE_PAGES };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(pages); i++) {
		size_t size = pages[i] << PAGE_SHIFT;
		char *area = mal_test_alloc(test, pages[i]), *again;

		memset(area, 0x5a, size);
		mal_vfree(area);
		again = mal_vzalloc(size - 7);
		KUNIT_EXPECT_PTR_EQ(test, again, area);
		KUNIT_EXPECT_NULL(test, memchr_inv(again, 0, size));
		memset(again, 0x5a, size);
		mal_vfree(again);
		again = mal_vmalloc_user(size);
		KUNIT_EXPECT_PTR_EQ(test, again, area);
		KUNIT_EXPECT_NULL(test, memchr_inv(again, 0, size));
		memset(again, 0x5a, size);
		mal_vfree(again);
		again = __mal_vmalloc(size, GFP_KERNEL | __GFP_ZERO);
		KUNIT_EXPECT_PTR_EQ(test, again, area);
		KUNIT_EXPECT_NULL(test, memchr_inv(again, 0, size));
		mal_vfree(again);
	}
}

/* An area from the cache keeps its contents if zeroing is not requested. */
static void mal_test_contents_without_zeroing(struct kunit *test)
{
	char *area, *again;

	if (want_init_on_alloc(0) || want_init_on_free())
		kunit_skip(test, "the kernel clears all memory");
	area = mal_test_alloc(test, 2);
	memset(area, 0x5a, 2 * PAGE_SIZE);
	mal_vfree(area);
	again = mal_test_alloc(test, 2);
	KUNIT_EXPECT_PTR_EQ(test, again, area);
	KUNIT_EXPECT_NULL(test, memchr_inv(again, 0x5a, 2 * PAGE_SIZE));
	mal_vfree(again);
}

/*
 * The page behind each area is unmapped, whether or not the area is new.
 * area_guard.c tests that an access faults, in a guest of its own.
 */
static void mal_test_guard_page(struct kunit *test)
{
	unsigned long pages;
	char *area;
	int turn;

	for (pages = 1; pages <= MAL_LARGE_PAGES; pages += 9) {
		for (turn = 0; turn < 2; turn++) {
			area = mal_test_alloc(test, pages);
			memset(area, 0x5a, pages << PAGE_SHIFT);
			KUNIT_EXPECT_NULL(test,
					  vmalloc_to_page(area + (pages << PAGE_SHIFT)));
			mal_vfree(area);
		}
	}
}

/*
 * Sizes that the host's functions refuse are refused, too, and nothing is
 * borrowed.
 */
static void mal_test_impossible_sizes(struct kunit *test)
{
	static const unsigned long sizes[] = {
		0, ULONG_MAX, ULONG_MAX - PAGE_SIZE, -PAGE_SIZE, LONG_MAX,
		1UL << (BITS_PER_LONG - 2),
	};
	struct memalloc_stats_borrowing before, after;
	struct page *page = NULL;
	unsigned int i;

	mal_borrow_stats(&before);
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		unsigned long size = sizes[i];

		OPTIMIZER_HIDE_VAR(size);
		KUNIT_EXPECT_NULL(test, __mal_vmalloc(size, GFP_KERNEL | __GFP_NOWARN));
		KUNIT_EXPECT_NULL(test, __mal_vmalloc(size, GFP_KERNEL | __GFP_NOWARN |
						      __GFP_NOFAIL));
	}
	KUNIT_EXPECT_NULL(test, mal_vmalloc_array(SIZE_MAX / 2, 3));
	KUNIT_EXPECT_NULL(test, mal_vcalloc(1UL << (BITS_PER_LONG - 1), 2));
	KUNIT_EXPECT_NULL(test, mal_kvmalloc_array(SIZE_MAX / 2, 3, GFP_KERNEL));
	KUNIT_EXPECT_NULL(test, mal_kvmalloc((size_t)INT_MAX + 1,
					     GFP_KERNEL | __GFP_NOWARN));
	KUNIT_EXPECT_PTR_EQ(test, mal_kvmalloc(0, GFP_KERNEL), ZERO_SIZE_PTR);
	KUNIT_EXPECT_NULL(test, mal_vmap(&page, 0, VM_MAP, PAGE_KERNEL));
	KUNIT_EXPECT_NULL(test, __mal_vmalloc_node(PAGE_SIZE, 3 * PAGE_SIZE, GFP_KERNEL,
						   NUMA_NO_NODE, NULL));
	KUNIT_EXPECT_NULL(test, __mal_vmalloc_node(PAGE_SIZE, 1UL << (BITS_PER_LONG - 1),
						   GFP_KERNEL, NUMA_NO_NODE, NULL));
	mal_borrow_stats(&after);
	KUNIT_EXPECT_EQ(test, after.borrowed, before.borrowed);
}

/*
 * The cap
 */

/* An allocation that exceeds the rest of the cap fails, and nothing leaks. */
static void mal_test_allocation_beyond_the_cap(struct kunit *test)
{
	const unsigned long cap = 4096;
	void *half, *more;

	KUNIT_ASSERT_EQ(test, mal_account_cap(cap + mal_test_reserve()), 0);
	more = __mal_vmalloc((cap + mal_test_reserve() + 1) << PAGE_SHIFT,
			     GFP_KERNEL | __GFP_NOWARN);
	KUNIT_EXPECT_NULL(test, more);
	half = mal_test_alloc(test, cap / 2);
	memset(half, 1, (cap / 2) << PAGE_SHIFT);
	more = __mal_vmalloc(cap << PAGE_SHIFT, GFP_KERNEL | __GFP_NOWARN);
	KUNIT_EXPECT_NULL(test, more);
	mal_account_check(test, cap / 2, 0);
	mal_vfree(half);
	mal_area_cache_shrink(ULONG_MAX);
	mal_slab_shrink();
	more = mal_vmalloc((cap - 64) << PAGE_SHIFT);
	KUNIT_EXPECT_NOT_NULL(test, more);
	mal_vfree(more);
	mal_account_uncap();
}

/* The cap covers the description of an alignment, which takes many pages. */
static void mal_test_alignment_beyond_the_cap(struct kunit *test)
{
	const unsigned long align = MAL_AREA_MAX_ALIGN;
	const unsigned long array = (align >> PAGE_SHIFT) * sizeof(void *) >> PAGE_SHIFT;
	const unsigned long cap = 512 + 2 * array;
	void *most, *area;

	KUNIT_ASSERT_EQ(test, mal_account_cap(cap + mal_test_reserve()), 0);
	area = __mal_vmalloc_node(PAGE_SIZE, align, GFP_KERNEL, NUMA_NO_NODE, NULL);
	KUNIT_EXPECT_NOT_NULL(test, area);
	KUNIT_EXPECT_TRUE(test, IS_ALIGNED((unsigned long)area, align));
	mal_vfree(area);
	most = mal_test_alloc(test, cap - array / 2);
	area = __mal_vmalloc_node(PAGE_SIZE, align, GFP_KERNEL | __GFP_NOWARN,
				  NUMA_NO_NODE, NULL);
	KUNIT_EXPECT_NULL(test, area);
	mal_vfree(area);
	mal_vfree(most);
	mal_account_uncap();
}

/* Number the pages of an area, beginning with @number. */
static void mal_test_number_pages(char *area, unsigned long size, u64 number)
{
	unsigned long at;

	for (at = 0; at < size; at += PAGE_SIZE)
		*(u64 *)(area + at) = number + at;
}

static unsigned long mal_test_wrong_pages(const char *area, unsigned long size,
					  u64 number)
{
	unsigned long at, wrong = 0;

	for (at = 0; at < size; at += PAGE_SIZE)
		wrong += *(const u64 *)(area + at) != number + at;
	return wrong;
}

/*
 * The area is aligned, its pages are distinct, and its surroundings are
 * unmapped.
 */
static void mal_test_alignment(struct kunit *test)
{
	const unsigned int shifts = 23 - PAGE_SHIFT;
	struct rnd_state rnd;
	unsigned long *sizes;
	unsigned int i;
	char **areas;

	prandom_seed_state(&rnd, mal_test_seed(test));
	areas = kunit_kcalloc(test, shifts, sizeof(*areas), GFP_KERNEL);
	sizes = kunit_kcalloc(test, shifts, sizeof(*sizes), GFP_KERNEL);
	KUNIT_ASSERT_TRUE(test, areas && sizes);
	for (i = 0; i < shifts; i++) {
		unsigned long align = PAGE_SIZE << (i + 1);

		sizes[i] = (1 + prandom_u32_state(&rnd) % 20) * PAGE_SIZE;
		areas[i] = __mal_vmalloc_node(sizes[i], align, GFP_KERNEL | __GFP_ZERO,
					      NUMA_NO_NODE, NULL);
		KUNIT_ASSERT_NOT_NULL(test, areas[i]);
		KUNIT_EXPECT_TRUE(test, IS_ALIGNED((unsigned long)areas[i], align));
		KUNIT_EXPECT_NULL(test, memchr_inv(areas[i], 0, sizes[i]));
		mal_test_number_pages(areas[i], sizes[i], (u64)(i + 1) << 32);
	}
	for (i = 0; i < shifts; i++) {
		KUNIT_EXPECT_EQ(test, mal_vmalloc_size(areas[i]), sizes[i]);
		KUNIT_EXPECT_TRUE(test, is_mal_vmalloc_addr(areas[i] + sizes[i] - 1));
		KUNIT_EXPECT_FALSE(test, is_mal_vmalloc_addr(areas[i] + sizes[i]));
		KUNIT_EXPECT_FALSE(test, is_mal_vmalloc_addr(areas[i] - 1));
		KUNIT_EXPECT_EQ(test, mal_test_wrong_pages(areas[i], sizes[i],
							   (u64)(i + 1) << 32), 0UL);
		mal_vfree(areas[i]);
	}
}

/* A zone modifier is honoured, and such an area is not cached. */
static void mal_test_zone(struct kunit *test)
{
	unsigned long page;
	char *area;

	area = mal_vmalloc_32(5 * PAGE_SIZE);
	KUNIT_ASSERT_NOT_NULL(test, area);
	for (page = 0; page < 5; page++)
		KUNIT_EXPECT_EQ(test, (u64)mal_vmalloc_to_pfn(area + page * PAGE_SIZE) >>
				(32 - PAGE_SHIFT), 0ULL);
	mal_vfree(area);
	area = __mal_vmalloc(PAGE_SIZE, GFP_KERNEL | GFP_DMA);
	mal_vfree(area);
}

/*
 * Atomic contexts
 */

struct mal_test_irq {
	struct irq_work work;
	void *free;
	void *free_too;
	void *hit;
	void *miss;
};

static void mal_test_irq_fn(struct irq_work *work)
{
	struct mal_test_irq *irq = container_of(work, struct mal_test_irq, work);

	mal_vfree(irq->free);
	mal_vfree(irq->free_too);
	irq->hit = __mal_vmalloc(4 * PAGE_SIZE, GFP_ATOMIC | __GFP_NOWARN);
	irq->miss = __mal_vmalloc(11 * PAGE_SIZE, GFP_ATOMIC | __GFP_NOWARN);
}

/*
 * In hardirq context, frees always work, and allocations are served from the
 * cache.
 */
static void mal_test_hardirq(struct kunit *test)
{
	struct mal_test_irq irq = {
		.free = mal_test_alloc(test, 4),
		.free_too = mal_test_alloc(test, MAL_LARGE_PAGES),
	};
	struct mal_area_cache_stats cache;

	init_irq_work(&irq.work, mal_test_irq_fn);
	preempt_disable();
	irq_work_queue(&irq.work);
	preempt_enable();
	irq_work_sync(&irq.work);
	KUNIT_EXPECT_PTR_EQ(test, irq.hit, irq.free);
	KUNIT_EXPECT_NULL(test, irq.miss);
	KUNIT_EXPECT_FALSE(test, is_mal_vmalloc_addr(irq.free_too));
	mal_area_cache_sync();
	mal_area_cache_stats(&cache);
	KUNIT_EXPECT_EQ(test, cache.pages, (unsigned long)MAL_LARGE_PAGES);
	mal_vfree(irq.hit);
}

/*
 * A free that cannot be cached with interrupts off is deferred, and is not
 * lost.
 */
static void mal_test_irqs_off(struct kunit *test)
{
	void *areas[2] = { mal_test_alloc(test, 3), mal_test_alloc(test, MAL_LARGE_PAGES) };
	unsigned long flags;

	local_irq_save(flags);
	mal_vfree_atomic(areas[0]);
	mal_vfree_atomic(areas[1]);
	local_irq_restore(flags);
	mal_area_cache_sync();
	KUNIT_EXPECT_EQ(test, mal_pages_in_use(), 0UL);
}

/*
 * Referenced pages
 */

/* An area with a referenced page is not reused. */
static void mal_test_referenced_page(struct kunit *test)
{
	static const unsigned long sizes[] = { 1, 4, 7, MAL_LARGE_PAGES };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		unsigned long last = sizes[i] - 1;
		char *area = mal_test_alloc(test, sizes[i]), *other;
		struct page *page = mal_vmalloc_to_page(area + last * PAGE_SIZE);
		char *held = page_address(page);

		memset(area, 0x5a, sizes[i] << PAGE_SHIFT);
		get_page(page);
		mal_vfree(area);
		other = mal_test_alloc(test, sizes[i]);
		memset(other, 0xa5, sizes[i] << PAGE_SHIFT);
		KUNIT_EXPECT_NULL(test, memchr_inv(held, 0x5a, PAGE_SIZE));
		mal_account_check(test, sizes[i], 1);
		mal_vfree(other);
		put_page(page);
		mal_area_cache_shrink(ULONG_MAX);
	}
}

/*
 * User space
 */

static int mal_test_mmap(struct file *file, struct vm_area_struct *vma)
{
	return mal_remap_vmalloc_range(vma, file->private_data, vma->vm_pgoff);
}

static const struct file_operations mal_test_fops = {
	.owner = THIS_MODULE,
	.mmap = mal_test_mmap,
};

static unsigned long mal_test_map(struct kunit *test, void *area,
				  unsigned long size, unsigned long offset)
{
	struct file *file = anon_inode_getfile("memalloc_test", &mal_test_fops, area,
					       O_RDWR);
	unsigned long uaddr;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, file);
	uaddr = kunit_vm_mmap(test, file, 0, size, PROT_READ | PROT_WRITE,
			      MAP_SHARED, offset);
	fput(file);
	return uaddr;
}

/*
 * A user mapping of an area stays valid when the area is freed, and its pages
 * are not reused.
 */
static void mal_test_user_mapping(struct kunit *test)
{
	const unsigned long size = 5 * PAGE_SIZE;
	char *area = mal_vmalloc_user(size), *other, *copy;
	unsigned long uaddr, page;
	u8 byte = 0;

	KUNIT_ASSERT_NOT_NULL(test, area);
	KUNIT_ASSERT_EQ(test, kunit_attach_mm(), 0);
	for (page = 0; page < 5; page++)
		memset(area + page * PAGE_SIZE, 0x50 + page, PAGE_SIZE);
	uaddr = mal_test_map(test, area, size, 0);
	KUNIT_ASSERT_FALSE(test, IS_ERR_VALUE(uaddr));
	for (page = 0; page < 5; page++) {
		KUNIT_EXPECT_EQ(test, get_user(byte, (u8 __user *)uaddr + page * PAGE_SIZE), 0);
		KUNIT_EXPECT_EQ(test, byte, 0x50 + page);
		KUNIT_EXPECT_EQ(test, put_user(0x60 + page,
					       (u8 __user *)uaddr + page * PAGE_SIZE), 0);
		KUNIT_EXPECT_EQ(test, (u8)area[page * PAGE_SIZE], 0x60 + page);
	}
	mal_vfree(area);
	mal_account_check(test, 0, 5);
	other = mal_test_alloc(test, 5);
	memset(other, 0xff, size);
	copy = kunit_kzalloc(test, PAGE_SIZE, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, copy);
	for (page = 0; page < 5; page++) {
		KUNIT_EXPECT_EQ(test, copy_from_user(copy, (u8 __user *)uaddr + page * PAGE_SIZE,
						     PAGE_SIZE), 0UL);
		KUNIT_EXPECT_EQ(test, (u8)copy[0], 0x60 + page);
		KUNIT_EXPECT_NULL(test, memchr_inv(copy + 1, 0x50 + page, PAGE_SIZE - 1));
	}
	KUNIT_EXPECT_EQ(test, vm_munmap(uaddr, size), 0);
	mal_vfree(other);
}

/* The mapping must fit into the area, and the area must allow it. */
static void mal_test_user_mapping_refused(struct kunit *test)
{
	char *area = mal_vmalloc_user(3 * PAGE_SIZE - 10);
	char *plain = mal_test_alloc(test, 3);
	unsigned long uaddr;

	KUNIT_ASSERT_NOT_NULL(test, area);
	KUNIT_ASSERT_EQ(test, kunit_attach_mm(), 0);
	KUNIT_EXPECT_EQ(test, mal_test_map(test, area, 4 * PAGE_SIZE, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, mal_test_map(test, area, PAGE_SIZE, 3 * PAGE_SIZE), -EINVAL);
	KUNIT_EXPECT_EQ(test, mal_test_map(test, plain, PAGE_SIZE, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, mal_test_map(test, area + 1, PAGE_SIZE, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, mal_test_map(test, area + 2 * PAGE_SIZE, 2 * PAGE_SIZE, 0),
			-EINVAL);
	uaddr = mal_test_map(test, area, 2 * PAGE_SIZE, PAGE_SIZE);
	KUNIT_EXPECT_FALSE(test, IS_ERR_VALUE(uaddr));
	KUNIT_EXPECT_EQ(test, vm_munmap(uaddr, 2 * PAGE_SIZE), 0);
	mal_vfree(area);
	/* The next allocation of the area does not allow a user mapping. */
	area = mal_test_alloc(test, 3);
	KUNIT_EXPECT_EQ(test, mal_test_map(test, area, PAGE_SIZE, 0), -EINVAL);
	mal_vfree(area);
	mal_vfree(plain);
}

/*
 * Mappings of a caller's pages
 */

static void mal_test_map_of_own_pages(struct kunit *test)
{
	struct mal_vmalloc_stats stats;
	struct page *pages[9];
	int i, turn;
	char *map;

	for (i = 0; i < 9; i++) {
		pages[i] = mal_alloc_page(GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, pages[i]);
		memset(page_address(pages[i]), i, PAGE_SIZE);
	}
	for (turn = 0; turn < 2; turn++) {
		map = turn ? mal_vm_map_ram(pages, 9, NUMA_NO_NODE) :
			     mal_vmap(pages, 9, VM_MAP, PAGE_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, map);
		for (i = 0; i < 9; i++)
			KUNIT_EXPECT_NULL(test, memchr_inv(map + i * PAGE_SIZE, i, PAGE_SIZE));
		mal_vmalloc_stats(&stats);
		KUNIT_EXPECT_EQ(test, stats.maps, turn ? 0UL : 1UL);
		KUNIT_EXPECT_EQ(test, stats.areas, 0UL);
		if (turn)
			mal_vm_unmap_ram(map, 9);
		else
			mal_vunmap(map);
	}
	mal_vmalloc_stats(&stats);
	KUNIT_EXPECT_EQ(test, stats.maps, 0UL);
	for (i = 0; i < 9; i++)
		mal_free_page(pages[i]);
}

/*
 * Failures
 */

static void *mal_inject_vmalloc(void)
{
	return __mal_vmalloc(7 * PAGE_SIZE, GFP_KERNEL | __GFP_NOWARN);
}

static void *mal_inject_vmalloc_user(void)
{
	return mal_vmalloc_user(MAL_LARGE_PAGES << PAGE_SHIFT);
}

static void *mal_inject_vmalloc_32(void)
{
	return mal_vmalloc_32(5 * PAGE_SIZE);
}

static void *mal_inject_vmalloc_aligned(void)
{
	return __mal_vmalloc_node(3 * PAGE_SIZE, 4 * PAGE_SIZE,
				  GFP_KERNEL | __GFP_NOWARN, NUMA_NO_NODE, NULL);
}

static void *mal_inject_kvmalloc(void)
{
	return mal_kvmalloc(9 * PAGE_SIZE, GFP_KERNEL | __GFP_NOWARN);
}

static void *mal_inject_map(void)
{
	struct page *page = ZERO_PAGE(0);

	return mal_vmap(&page, 1, VM_MAP, PAGE_KERNEL);
}

/*
 * Fail each allocation in turn: a call succeeds or fails as a whole, and
 * nothing leaks.
 */
static void mal_test_every_failure(struct kunit *test)
{
	static void *(*const calls[])(void) = {
		mal_inject_vmalloc, mal_inject_vmalloc_user, mal_inject_vmalloc_32,
		mal_inject_vmalloc_aligned, mal_inject_kvmalloc, mal_inject_map,
	};
	unsigned long refused = 0, points = 0;
	struct mal_inject_scope scope;
	struct mal_inject inject;
	unsigned int i;
	u64 nth, left;
	void *area;

	mal_inject_init(&inject);
	for (i = 0; i < ARRAY_SIZE(calls); i++) {
		for (nth = 1, left = 0; !left; nth++) {
			mal_area_cache_shrink(ULONG_MAX);
			mal_inject_arm(&inject, nth);
			mal_inject_enter(&scope, &inject);
			area = calls[i]();
			mal_inject_leave(&scope);
			left = mal_inject_arm(&inject, 0);
			points += !left;
			refused += !area;
			if (calls[i] == mal_inject_map)
				mal_vunmap(area);
			else
				mal_kvfree(area);
			KUNIT_EXPECT_EQ(test, mal_pages_in_use(), 0UL);
		}
		KUNIT_EXPECT_GE_MSG(test, nth, 3ULL, "call %u", i);
		KUNIT_EXPECT_NOT_NULL(test, area);
	}
	mal_inject_destroy(&inject);
	kunit_info(test, "%lu points of failure, %lu calls failed", points,
		   refused);
	KUNIT_EXPECT_GT(test, refused, 0UL);
}

/* An area freed after a grace period. */
struct mal_test_rcu {
	char before[100];
	struct rcu_head rcu;
	char after[5 * PAGE_SIZE];
};

static void mal_test_free_after_grace_period(struct kunit *test)
{
	struct mal_test_rcu *object = mal_vmalloc(sizeof(*object));
	struct mal_test_rcu *small = mal_kvmalloc(200, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, object);
	KUNIT_ASSERT_NOT_NULL(test, small);
	rcu_read_lock();
	mal_kvfree_rcu(object, rcu);
	mal_kvfree_rcu(small, rcu);
	KUNIT_EXPECT_TRUE(test, is_mal_vmalloc_addr(object));
	rcu_read_unlock();
	rcu_barrier();
	mal_kfree_rcu_barrier();
	mal_area_cache_sync();
	KUNIT_EXPECT_FALSE(test, is_mal_vmalloc_addr(object));
	object = mal_test_alloc(test, 2);
	mal_kvfree_rcu_mightsleep(object);
	mal_kfree_rcu_barrier();
	mal_area_cache_sync();
	KUNIT_EXPECT_FALSE(test, is_mal_vmalloc_addr(object));
}

static struct kunit_case mal_vmalloc_cases[] = {
	KUNIT_CASE(mal_test_zeroes_in_cached_areas),
	KUNIT_CASE(mal_test_contents_without_zeroing),
	KUNIT_CASE(mal_test_guard_page),
	KUNIT_CASE(mal_test_impossible_sizes),
	KUNIT_CASE(mal_test_allocation_beyond_the_cap),
	KUNIT_CASE(mal_test_alignment_beyond_the_cap),
	KUNIT_CASE(mal_test_alignment),
	KUNIT_CASE(mal_test_zone),
	KUNIT_CASE(mal_test_hardirq),
	KUNIT_CASE(mal_test_irqs_off),
	KUNIT_CASE(mal_test_referenced_page),
	KUNIT_CASE(mal_test_user_mapping),
	KUNIT_CASE(mal_test_user_mapping_refused),
	KUNIT_CASE(mal_test_map_of_own_pages),
	KUNIT_CASE(mal_test_every_failure),
	KUNIT_CASE(mal_test_free_after_grace_period),
	KUNIT_CASE(mal_test_nothing_is_left),
	{}
};

struct kunit_suite mal_vmalloc_suite = {
	.name = "memalloc_vmalloc",
	.init = mal_vmalloc_test_init,
	.exit = mal_vmalloc_test_exit,
	.test_cases = mal_vmalloc_cases,
};
