// SPDX-License-Identifier: GPL-2.0
/*
 * Debug modes of caches: each byte written outside live objects is reported,
 * and no other
 *
 * The pages of corrupted objects leak until unload, as intended. So this suite
 * comes after all suites that count pages.
 */
#include <kunit/test.h>

#include <linux/delay.h>
#include <linux/kasan.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/poison.h>
#include <linux/prandom.h>
#include <linux/slab.h>

#include <memalloc/kmalloc.h>
#include <memalloc/mempool.h>
#include <memalloc/page_alloc.h>
#include <uapi/linux/memalloc.h>

#include "internal/inject.h"
#include "internal/region.h"
#include "internal/report.h"
#include "internal/slab.h"
#include "internal/slab_cache.h"
#include "internal/slab_sanitizer.h"
#include "internal/slab_track.h"

#include "memalloc_kunit.h"
#include "sanitizer_test.h"

#define MAL_TEST_SIZE	64
#define MAL_TEST_FLAGS	(SLAB_RED_ZONE | SLAB_POISON | SLAB_STORE_USER | \
			 SLAB_CONSISTENCY_CHECKS)

/*
 * Access memory behind KASAN's back, because the debug modes have to detect it.
 */
static void mal_flip(u8 *byte, u8 bits)
{
	kasan_disable_current();
	*byte ^= bits;
	kasan_enable_current();
}

static u8 mal_byte_at(const u8 *byte)
{
	u8 value;

	kasan_disable_current();
	value = *byte;
	kasan_enable_current();
	return value;
}

static u64 mal_errors(void)
{
	u64 checked = 0;

	return mal_slab_validate(&checked);
}

static u64 mal_overflows(void)
{
	struct memalloc_stats_reports reports;

	mal_report_stats(&reports);
	return reports.overflow;
}

static u64 mal_late_writes(void)
{
	struct memalloc_stats_reports reports;

	mal_report_stats(&reports);
	return reports.use_after_free;
}

static int mal_slab_debug_init(struct kunit *test)
{
	struct mal_kmem_cache *cache;

	cache = mal_kmem_cache_create("debugged", MAL_TEST_SIZE, 0,
				      MAL_TEST_FLAGS, NULL);
	test->priv = cache;
	return cache ? 0 : -ENOMEM;
}

/*
 * A cache without live objects can be destroyed, even if some were corrupted.
 */
static void mal_expect_destroyed(struct kunit *test, struct mal_kmem_cache *cache)
{
	KUNIT_EXPECT_EQ(test, mal_kmem_cache_remove(cache), 0);
}

static void mal_slab_debug_exit(struct kunit *test)
{
	if (!test->priv)
		return;
	mal_expect_destroyed(test, test->priv);
	KUNIT_EXPECT_EQ(test, mal_errors(), 0ULL);
}

static void *mal_new(struct kunit *test, struct mal_kmem_cache *cache)
{
	void *object = mal_kmem_cache_alloc(cache, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, object);
	return object;
}

/*
 * Allocate and free more objects than fit into the slabs. Returns whether
 * @object was among them.
 */
static bool mal_is_handed_out(struct kunit *test, struct mal_kmem_cache *cache,
			      const void *object)
{
	void *objects[128];
	bool found = false;
	int i;

	for (i = 0; i < ARRAY_SIZE(objects); i++) {
		objects[i] = mal_new(test, cache);
		found |= objects[i] == object;
	}
	while (i)
		mal_kmem_cache_free(cache, objects[--i]);
	return found;
}

/*
 * Corrupt a byte around an allocated object: validation and the free report it.
 */
static void mal_expect_overflow(struct kunit *test, struct mal_kmem_cache *cache,
				long offset)
{
	u8 *object = mal_new(test, cache);
	u64 before = mal_overflows();

	mal_flip(object + offset, 0x80);
	KUNIT_EXPECT_EQ(test, mal_errors(), 1ULL);
	KUNIT_EXPECT_EQ(test, mal_overflows(), before + 1);
	mal_kmem_cache_free(cache, object);
	KUNIT_EXPECT_EQ(test, mal_overflows(), before + 2);
	KUNIT_EXPECT_EQ(test, mal_errors(), 0ULL);
	KUNIT_EXPECT_FALSE(test, mal_is_handed_out(test, cache, object));
}

/*
 * Corrupt a byte of a free object: validation and the next allocation report
 * it.
 */
static void mal_expect_late_write(struct kunit *test,
				  struct mal_kmem_cache *cache, long offset)
{
	u8 *object = mal_new(test, cache);
	bool inside = offset >= 0 && offset < MAL_TEST_SIZE;
	u64 (*count)(void) = inside ? mal_late_writes : mal_overflows;
	u64 before = count();

	mal_kmem_cache_free(cache, object);
	mal_flip(object + offset, 0x01);
	KUNIT_EXPECT_EQ(test, mal_errors(), 1ULL);
	KUNIT_EXPECT_EQ(test, count(), before + 1);
	KUNIT_EXPECT_FALSE(test, mal_is_handed_out(test, cache, object));
	KUNIT_EXPECT_EQ(test, count(), before + 2);
	KUNIT_EXPECT_EQ(test, mal_errors(), 0ULL);
}

static void mal_test_overflow_is_found(struct kunit *test)
{
	mal_expect_overflow(test, test->priv, MAL_TEST_SIZE);
	mal_expect_overflow(test, test->priv, MAL_TEST_SIZE + sizeof(void *) - 1);
}

static void mal_test_underflow_is_found(struct kunit *test)
{
	mal_expect_overflow(test, test->priv, -1);
	mal_expect_overflow(test, test->priv, -(long)sizeof(void *));
}

static void mal_test_late_write_is_found(struct kunit *test)
{
	mal_expect_late_write(test, test->priv, 0);
	mal_expect_late_write(test, test->priv, sizeof(void *));
	mal_expect_late_write(test, test->priv, 50);
	mal_expect_late_write(test, test->priv, MAL_TEST_SIZE - 1);
}

static void mal_test_late_overflow_is_found(struct kunit *test)
{
	mal_expect_late_write(test, test->priv, -1);
	mal_expect_late_write(test, test->priv, MAL_TEST_SIZE);
}

/* Freed objects are poisoned, so that a late read finds no old data. */
static void mal_test_free_object_is_poisoned(struct kunit *test)
{
	u8 *object = mal_new(test, test->priv);
	int i;

	memset(object, 0x11, MAL_TEST_SIZE);
	mal_kmem_cache_free(test->priv, object);
	for (i = 0; i < MAL_TEST_SIZE - 1; i++)
		KUNIT_ASSERT_EQ(test, mal_byte_at(object + i), POISON_FREE);
	KUNIT_EXPECT_EQ(test, mal_byte_at(object + i), POISON_END);
}

/* Zeroing replaces the poison. */
static void mal_test_zeroed_object_is_zero(struct kunit *test)
{
	u8 *object = mal_new(test, test->priv);

	memset(object, 0x11, MAL_TEST_SIZE);
	mal_kmem_cache_free(test->priv, object);
	object = mal_kmem_cache_zalloc(test->priv, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, object);
	KUNIT_EXPECT_NULL(test, memchr_inv(object, 0, MAL_TEST_SIZE));
	mal_kmem_cache_free(test->priv, object);
}

static void mal_test_double_free_is_found(struct kunit *test)
{
	void *object = mal_new(test, test->priv);
	struct memalloc_stats_reports before, after;

	mal_kmem_cache_free(test->priv, object);
	mal_report_stats(&before);
	mal_kmem_cache_free(test->priv, object);
	mal_kfree(object);
	mal_report_stats(&after);
	KUNIT_EXPECT_EQ(test, after.double_free, before.double_free + 2);
}

/* Quarantine delays reuse, and a write to a quarantined object is reported. */
static void mal_test_quarantine_delays_reuse(struct kunit *test)
{
	struct mal_kmem_cache_args args = { .quarantine = true };
	struct mal_kmem_cache *cache;
	u64 before = mal_late_writes();
	u8 *object;

	cache = mal_kmem_cache_create_args("held", MAL_TEST_SIZE, &args,
					   MAL_TEST_FLAGS);
	KUNIT_ASSERT_NOT_NULL(test, cache);
	object = mal_new(test, cache);
	mal_kmem_cache_free(cache, object);
	KUNIT_EXPECT_FALSE(test, mal_is_handed_out(test, cache, object));
	KUNIT_EXPECT_EQ(test, mal_late_writes(), before);
	mal_flip(object + 13, 0x04);
	mal_kmem_cache_shrink(cache);
	KUNIT_EXPECT_EQ(test, mal_late_writes(), before + 1);
	mal_expect_destroyed(test, cache);
}

/* A late write is reported when the slab is released. */
static void mal_test_late_write_is_found_on_slab_release(struct kunit *test)
{
	u64 before = mal_late_writes();
	u8 *object = mal_new(test, test->priv);

	mal_kmem_cache_free(test->priv, object);
	mal_flip(object, 0x04);
	mal_kmem_cache_shrink(test->priv);
	KUNIT_EXPECT_EQ(test, mal_late_writes(), before + 1);
}

/*
 * Guard pages
 */

static bool mal_is_guard(const void *object)
{
	const struct mal_slab *slab = mal_slab_of(object);

	return slab && mal_slab_is_guard(slab);
}

static struct mal_kmem_cache *mal_guarded_size(struct kunit *test, unsigned int size,
					       unsigned int align, slab_flags_t flags)
{
	struct mal_kmem_cache_args args = { .guard = true, .align = align };
	struct mal_kmem_cache *cache;

	if (mal_lean())
		kunit_skip(test, "memalloc is loaded with \"lean\"");
	cache = mal_kmem_cache_create_args("guarded", size, &args, flags);
	KUNIT_ASSERT_NOT_NULL(test, cache);
	return cache;
}

static struct mal_kmem_cache *mal_guarded(struct kunit *test, slab_flags_t flags)
{
	return mal_guarded_size(test, MAL_TEST_SIZE, 0, flags);
}

/*
 * Allocate until a guarded sample is due. Any allocation of a cache with debug
 * modes may be sampled.
 */
static u8 *mal_new_guard(struct kunit *test, struct mal_kmem_cache *cache)
{
	int tries;
	u8 *object;

	for (tries = 0; tries < 500; tries++) {
		object = mal_new(test, cache);
		if (mal_is_guard(object))
			return object;
		mal_kmem_cache_free(cache, object);
		msleep(20);
	}
	KUNIT_FAIL_AND_ABORT(test, "no allocation was sampled");
	return NULL;
}

/* Overflow by one byte on either side, for all sizes and alignments. */
static void mal_test_guard_finds_overflow(struct kunit *test)
{
	static const struct { unsigned int size, align; } kinds[] = {
		{ 1, 1 }, { MAL_TEST_SIZE, 8 }, { 64, 64 }, { 2048, 2048 },
		{ PAGE_SIZE - sizeof(void *), 8 }, { 40, PAGE_SIZE },
	};
	int i, side;

	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct mal_kmem_cache *cache;
		u64 before = mal_overflows();

		cache = mal_guarded_size(test, kinds[i].size, kinds[i].align,
					 SLAB_RED_ZONE);
		for (side = 0; side < 2; side++) {
			u8 *object = mal_new_guard(test, cache);

			KUNIT_EXPECT_TRUE(test, IS_ALIGNED((unsigned long)object,
							   kinds[i].align));
			memset(object, i, kinds[i].size);
			KUNIT_EXPECT_EQ(test, mal_errors(), 0ULL);
			mal_flip(side ? object + kinds[i].size : object - 1, 0x40);
			mal_kmem_cache_free(cache, object);
			KUNIT_EXPECT_EQ_MSG(test, mal_overflows(), before + side + 1,
					    "%u bytes, side %d", kinds[i].size, side);
			KUNIT_EXPECT_FALSE(test, mal_is_guard(object));
		}
		mal_expect_destroyed(test, cache);
	}
}

/*
 * The background scan finds an overflow at both ends of the page of a live
 * object.
 */
static void mal_test_guard_scan_finds_overflow(struct kunit *test)
{
	struct mal_kmem_cache *cache = mal_guarded(test, SLAB_RED_ZONE);
	u8 *object = mal_new_guard(test, cache);
	u8 *page = (u8 *)((unsigned long)object & PAGE_MASK);
	u8 *ends[] = { page, page + PAGE_SIZE - 1 };
	int i;

	for (i = 0; i < ARRAY_SIZE(ends); i++) {
		u64 before = mal_overflows();
		int tries = 500;

		mal_flip(ends[i], 0x40);
		while (mal_overflows() == before && tries--)
			msleep(20);
		KUNIT_EXPECT_GT(test, mal_overflows(), before);
		mal_flip(ends[i], 0x40);
	}
	mal_kmem_cache_free(cache, object);
	mal_expect_destroyed(test, cache);
}

/* The background scan finds a late write. */
static void mal_test_guard_scan_finds_a_late_write(struct kunit *test)
{
	struct mal_kmem_cache *cache = mal_guarded(test, SLAB_RED_ZONE);
	u8 *object = mal_new_guard(test, cache);
	u64 before = mal_late_writes();
	int tries = 3000;

	mal_kmem_cache_free(cache, object);
	mal_flip(object + 7, 0x40);
	while (mal_late_writes() == before && tries--)
		msleep(20);
	KUNIT_EXPECT_EQ(test, mal_late_writes(), before + 1);
	mal_expect_destroyed(test, cache);
}

static void mal_test_guard_is_freed_once(struct kunit *test)
{
	struct mal_kmem_cache *cache = mal_guarded(test, SLAB_RED_ZONE);
	u8 *object = mal_new_guard(test, cache);
	struct memalloc_stats_reports before, after;

	KUNIT_EXPECT_EQ(test, mal_kmem_cache_remove(cache), -EBUSY);
	KUNIT_EXPECT_EQ(test, mal_errors(), 0ULL);
	mal_report_stats(&before);
	mal_kmem_cache_free(test->priv, object);
	mal_kfree(object + 1);
	mal_kmem_cache_free(cache, object);
	mal_kmem_cache_free(cache, object);
	mal_kfree(object);
	mal_report_stats(&after);
	KUNIT_EXPECT_EQ(test, after.wrong_free, before.wrong_free + 2);
	KUNIT_EXPECT_EQ(test, after.double_free, before.double_free + 2);
	mal_expect_destroyed(test, cache);
}

/* In a cache with sheaves, samples behave as other objects do. */
static void mal_test_guards_mix_with_others(struct kunit *test)
{
	struct mal_kmem_cache *cache = mal_guarded(test, 0);
	u64 before = mal_overflows() + mal_late_writes();
	bool sampled = false;
	void *objects[128];
	int i, tries;

	for (tries = 0; tries < 100 && !sampled; tries++) {
		for (i = 0; i < ARRAY_SIZE(objects); i++) {
			objects[i] = mal_new(test, cache);
			memset(objects[i], i, MAL_TEST_SIZE);
			sampled |= mal_is_guard(objects[i]);
		}
		KUNIT_EXPECT_EQ(test, mal_errors(), 0ULL);
		mal_kmem_cache_free_bulk(cache, ARRAY_SIZE(objects), objects);
		mal_kmem_cache_shrink(cache);
		msleep(20);
	}
	KUNIT_EXPECT_TRUE(test, sampled);
	KUNIT_EXPECT_EQ(test, mal_overflows() + mal_late_writes(), before);
	mal_expect_destroyed(test, cache);
}

/*
 * Fail each allocation of a sample in turn. The object is then served without a
 * guard, unless its own allocation has failed.
 */
static void mal_test_guard_without_memory(struct kunit *test)
{
	struct mal_kmem_cache *cache = mal_guarded(test, SLAB_RED_ZONE);
	struct mal_inject_scope scope;
	struct mal_inject inject;
	unsigned int served = 0;
	bool guarded = false;
	u64 nth;

	mal_kmem_cache_free(cache, mal_new(test, cache));
	mal_inject_init(&inject);
	for (nth = 1; nth < 50 && !guarded; nth++) {
		void *object;

		msleep(110);
		mal_inject_arm(&inject, nth);
		mal_inject_enter(&scope, &inject);
		object = mal_kmem_cache_alloc(cache, GFP_KERNEL | __GFP_NOWARN);
		mal_inject_leave(&scope);
		mal_inject_arm(&inject, 0);
		guarded = object && mal_is_guard(object);
		served += object && !guarded;
		mal_kmem_cache_free(cache, object);
		KUNIT_EXPECT_EQ(test, mal_errors(), 0ULL);
	}
	mal_inject_destroy(&inject);
	KUNIT_EXPECT_TRUE(test, guarded);
	/* At least if the descriptor or the tracks cannot be allocated. */
	KUNIT_EXPECT_GE(test, served, 2);
	mal_expect_destroyed(test, cache);
}

/*
 * Tracking of owners
 */

static bool mal_is_of_test(unsigned long caller)
{
	return within_module(caller, THIS_MODULE);
}

static bool mal_object_is_of_test(const void *object)
{
	struct mal_slab *slab = mal_slab_of(object);

	return mal_is_of_test(slab->tracks[mal_slab_index(slab->cache, slab, object)].alloc.caller);
}

static bool mal_pages_are_of_test(const void *address)
{
	return mal_is_of_test(mal_page_of_address(address)->caller);
}

/*
 * Pool elements are tracked to the user. Elements in the pool are tracked to
 * its creator.
 */
static void mal_test_elements_are_tracked_to_user(struct kunit *test)
{
	mal_mempool_t *pool = mal_mempool_create_slab_pool(2, test->priv);
	void *element, *many[2];

	KUNIT_ASSERT_NOT_NULL(test, pool);
	KUNIT_EXPECT_TRUE(test, mal_object_is_of_test(pool->elements[0]));
	element = mal_mempool_alloc(pool, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, element);
	KUNIT_EXPECT_TRUE(test, mal_object_is_of_test(element));
	mal_mempool_free(element, pool);
	element = mal_mempool_alloc_preallocated(pool);
	KUNIT_ASSERT_NOT_NULL(test, element);
	KUNIT_EXPECT_TRUE(test, mal_object_is_of_test(element));
	mal_mempool_free(element, pool);
	KUNIT_ASSERT_EQ(test, mal_mempool_alloc_bulk(pool, many, 2), 0);
	KUNIT_EXPECT_TRUE(test, mal_object_is_of_test(many[0]));
	KUNIT_EXPECT_TRUE(test, mal_object_is_of_test(many[1]));
	mal_mempool_free(many[0], pool);
	mal_mempool_free(many[1], pool);
	mal_mempool_destroy(pool);
}

static void mal_test_page_elements_are_tracked_to_user(struct kunit *test)
{
	mal_mempool_t *pages = mal_mempool_create_page_pool(1, 2);
	mal_mempool_t *large = mal_mempool_create_kmalloc_pool(1, 3 * PAGE_SIZE);
	struct page *page;
	void *memory;

	KUNIT_ASSERT_NOT_NULL(test, pages);
	KUNIT_ASSERT_NOT_NULL(test, large);
	page = mal_mempool_alloc(pages, GFP_KERNEL);
	memory = mal_mempool_alloc(large, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, page);
	KUNIT_ASSERT_NOT_NULL(test, memory);
	KUNIT_EXPECT_TRUE(test, mal_pages_are_of_test(page_address(page)));
	KUNIT_EXPECT_TRUE(test, mal_pages_are_of_test(memory));
	/* The second block of the allocation. */
	KUNIT_EXPECT_TRUE(test, mal_pages_are_of_test(memory + 2 * PAGE_SIZE));
	mal_mempool_free(page, pages);
	mal_mempool_free(memory, large);
	mal_mempool_destroy(pages);
	mal_mempool_destroy(large);
}

/*
 * kmalloc
 */

static void mal_skip_unless_kmalloc_debugs(struct kunit *test, size_t size)
{
	struct mal_kmem_cache *class =
		mal_kmalloc_caches[MAL_KMALLOC_NORMAL][mal_kmalloc_index(size)];

	if (!(class->flags & MAL_CACHE_RED_ZONE))
		kunit_skip(test, "loaded without slab_debug=Z");
}

/* An overflow is found at the first byte beyond the requested size. */
static void mal_test_kmalloc_overflow_is_found(struct kunit *test)
{
	size_t size;
	u64 before;
	u8 *object;

	mal_skip_unless_kmalloc_debugs(test, 64);
	for (size = 1; size <= 200; size++) {
		before = mal_overflows();
		object = mal_kmalloc(size, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, object);
		memset(object, 0, size);
		KUNIT_EXPECT_EQ(test, mal_overflows(), before);
		mal_flip(object + size, 0x20);
		mal_kfree(object);
		KUNIT_EXPECT_EQ(test, mal_overflows(), before + 1);
	}
}

static void mal_test_kfree_rcu_overflow_is_found(struct kunit *test)
{
	struct rcu_head *head;
	u64 before = mal_overflows();

	mal_skip_unless_kmalloc_debugs(test, sizeof(*head));
	head = mal_kmalloc(sizeof(*head), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, head);
	mal_flip((u8 *)(head + 1), 0x20);
	mal_kfree_call_rcu(head, head);
	mal_kfree_rcu_barrier();
	KUNIT_EXPECT_EQ(test, mal_overflows(), before + 1);
}

static u8 mal_state_of(const void *object)
{
	const struct mal_slab *slab = mal_slab_of(object);

	return slab->states[mal_slab_index(slab->cache, slab, object)];
}

static void mal_test_krealloc_moves_the_redzone(struct kunit *test)
{
	u64 before = mal_overflows();
	u8 *object;
	int i;

	mal_skip_unless_kmalloc_debugs(test, 64);
	object = mal_kzalloc(64, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, object);
	memset(object, 0xff, 64);
	object = mal_krealloc(object, 40, GFP_KERNEL | __GFP_ZERO);
	for (i = 40; i < 64; i++)
		KUNIT_EXPECT_EQ(test, mal_byte_at(object + i), SLUB_RED_ACTIVE);
	object = mal_krealloc(object, 56, GFP_KERNEL | __GFP_ZERO);
	KUNIT_EXPECT_EQ(test, object[39], 0xff);
	KUNIT_EXPECT_NULL(test, memchr_inv(object + 40, 0, 16));
	for (i = 56; i < 64; i++)
		KUNIT_EXPECT_EQ(test, mal_byte_at(object + i), SLUB_RED_ACTIVE);
	KUNIT_EXPECT_EQ(test, mal_errors(), 0ULL);
	mal_flip(object + 56, 1);
	object = mal_krealloc(object, 20, GFP_KERNEL);
	KUNIT_EXPECT_EQ(test, mal_overflows(), before + 1);
	/* The overflow is reported once, and the object is not reused. */
	mal_kfree(object);
	KUNIT_EXPECT_EQ(test, mal_overflows(), before + 1);
	KUNIT_EXPECT_EQ(test, mal_state_of(object), MAL_OBJECT_LEAKED);
}

/* A caller of mal_ksize() may use the whole object. */
static void mal_test_ksize_gives_the_whole_class(struct kunit *test)
{
	u64 before = mal_overflows();
	u8 *object = mal_kmalloc(33, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, object);
	/* KASAN reports accesses beyond the requested size. */
	__memset(object, 1, mal_ksize(object));
	mal_kfree(object);
	object = mal_kmalloc(33, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, object);
	mal_kfree_sensitive(object);
	KUNIT_EXPECT_EQ(test, mal_overflows(), before);
}

/*
 * Property: a write is reported if and only if it is outside all live objects
 */

#define MAL_PROPERTY_OBJECTS	64
#define MAL_PROPERTY_STEPS	600

struct mal_property {
	struct mal_kmem_cache *cache;
	struct rnd_state random;
	unsigned int size;
	u8 *objects[MAL_PROPERTY_OBJECTS];
};

static u32 mal_below(struct mal_property *property, u32 limit)
{
	return prandom_u32_state(&property->random) % limit;
}

static bool mal_is_live(const struct mal_property *property, const u8 *byte)
{
	int i;

	for (i = 0; i < MAL_PROPERTY_OBJECTS; i++) {
		const u8 *object = property->objects[i];

		if (object && byte >= object && byte < object + property->size)
			return true;
	}
	return false;
}

static void mal_property_corrupt(struct kunit *test,
				 struct mal_property *property, u8 *object)
{
	struct mal_slab *slab = mal_slab_of(object);
	u32 offset = mal_below(property, PAGE_SIZE << slab->order);
	u8 *byte = mal_slab_block(slab) + offset;
	u8 bits = 1 << mal_below(property, 8);
	bool live = mal_is_live(property, byte);

	mal_flip(byte, bits);
	KUNIT_EXPECT_EQ_MSG(test, mal_errors(), live ? 0ULL : 1ULL,
			    "byte %u of a slab with objects of %u bytes", offset,
			    property->size);
	mal_flip(byte, bits);
}

static void mal_property_step(struct kunit *test, struct mal_property *property)
{
	u8 **object = &property->objects[mal_below(property,
						   MAL_PROPERTY_OBJECTS)];

	if (!*object) {
		*object = mal_new(test, property->cache);
		memset(*object, mal_below(property, 256), property->size);
	} else if (mal_below(property, 2)) {
		mal_property_corrupt(test, property, *object);
	} else {
		mal_kmem_cache_free(property->cache, *object);
		*object = NULL;
	}
}

static void mal_test_only_invalid_writes_are_reported(struct kunit *test)
{
	struct mal_property *property = kunit_kzalloc(test, sizeof(*property),
						      GFP_KERNEL);
	u64 reports;
	int i, round;

	KUNIT_ASSERT_NOT_NULL(test, property);
	prandom_seed_state(&property->random, mal_test_seed(test));
	for (round = 0; round < 4; round++) {
		property->size = 1 + mal_below(property, 700);
		property->cache = mal_kmem_cache_create("property", property->size,
							8 << mal_below(property, 5),
							MAL_TEST_FLAGS, NULL);
		KUNIT_ASSERT_NOT_NULL(test, property->cache);
		for (i = 0; i < mal_test_effort(MAL_PROPERTY_STEPS); i++)
			mal_property_step(test, property);
		reports = mal_overflows() + mal_late_writes();
		for (i = 0; i < MAL_PROPERTY_OBJECTS; i++) {
			mal_kmem_cache_free(property->cache, property->objects[i]);
			property->objects[i] = NULL;
		}
		mal_expect_destroyed(test, property->cache);
		KUNIT_EXPECT_EQ(test, mal_overflows() + mal_late_writes(), reports);
	}
}

/*
 * KASAN reports misuse in caches without debug modes, too
 */

static void mal_test_kasan_reports_use_after_free(struct kunit *test)
{
	struct mal_kmem_cache *cache;
	u8 *object;

	if (!mal_sanitizer_on())
		kunit_skip(test, "needs KASAN");
	cache = mal_kmem_cache_create("plain", MAL_TEST_SIZE, 0, 0, NULL);
	KUNIT_ASSERT_NOT_NULL(test, cache);
	object = mal_new(test, cache);
	mal_kmem_cache_free(cache, object);
	mal_expect_kasan_report(object + 5, "slab-use-after-free");
	mal_expect_destroyed(test, cache);
}

static void mal_test_kasan_reports_overflow(struct kunit *test)
{
	u8 *object;

	if (!mal_sanitizer_on())
		kunit_skip(test, "needs KASAN");
	object = mal_kmalloc(33, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, object);
	memset(object, 1, 33);
	/* The kind of the report depends on the state of the next object. */
	mal_expect_kasan_report(object + 33, "slab-(out-of-bounds|use-after-free)");
	mal_kfree(object);
}

static struct kunit_case mal_slab_debug_cases[] = {
	KUNIT_CASE(mal_test_overflow_is_found),
	KUNIT_CASE(mal_test_underflow_is_found),
	KUNIT_CASE(mal_test_late_write_is_found),
	KUNIT_CASE(mal_test_late_overflow_is_found),
	KUNIT_CASE(mal_test_free_object_is_poisoned),
	KUNIT_CASE(mal_test_zeroed_object_is_zero),
	KUNIT_CASE(mal_test_double_free_is_found),
	KUNIT_CASE(mal_test_quarantine_delays_reuse),
	KUNIT_CASE(mal_test_late_write_is_found_on_slab_release),
	KUNIT_CASE_SLOW(mal_test_guard_finds_overflow),
	KUNIT_CASE_SLOW(mal_test_guard_scan_finds_overflow),
	KUNIT_CASE_SLOW(mal_test_guard_scan_finds_a_late_write),
	KUNIT_CASE(mal_test_guard_is_freed_once),
	KUNIT_CASE(mal_test_guards_mix_with_others),
	KUNIT_CASE_SLOW(mal_test_guard_without_memory),
	KUNIT_CASE(mal_test_elements_are_tracked_to_user),
	KUNIT_CASE(mal_test_page_elements_are_tracked_to_user),
	KUNIT_CASE(mal_test_kmalloc_overflow_is_found),
	KUNIT_CASE(mal_test_kfree_rcu_overflow_is_found),
	KUNIT_CASE(mal_test_krealloc_moves_the_redzone),
	KUNIT_CASE(mal_test_ksize_gives_the_whole_class),
	KUNIT_CASE_SLOW(mal_test_only_invalid_writes_are_reported),
	KUNIT_CASE(mal_test_kasan_reports_use_after_free),
	KUNIT_CASE(mal_test_kasan_reports_overflow),
	{}
};

struct kunit_suite mal_slab_debug_suite = {
	.name = "memalloc_slab_debug",
	.init = mal_slab_debug_init,
	.exit = mal_slab_debug_exit,
	.test_cases = mal_slab_debug_cases,
};
