// SPDX-License-Identifier: GPL-2.0
/*
 * Objects that RCU readers may still access keep their type until a grace
 * period has ended
 */
#include <kunit/test.h>

#include <linux/atomic.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/string.h>

#include <memalloc/kmalloc.h>
#include <memalloc/page_alloc.h>
#include <memalloc/slab_cache.h>

#include "internal/borrow.h"
#include "internal/region.h"
#include "internal/slab_cache.h"
#include "internal/slab_reclaim.h"

#include "memalloc_kunit.h"
#include "page_account.h"

#define MAL_RCU_CAP	(3 * MAL_SECTION_PAGES)	/* more than any reserve */
#define MAL_RCU_TYPE	0x7479706564626173ULL
#define MAL_RCU_NR	1200

/* Grace periods to wait for slabs that are freed meanwhile. */
#define MAL_RCU_TRIES	10

/* Large, so that a slab has few objects. */
struct mal_rcu_object {
	u64 type;
	u8 contents[1992];
};

static atomic_t mal_rcu_constructed;
static atomic_t mal_rcu_destructed;

static void mal_rcu_ctor(void *address)
{
	struct mal_rcu_object *object = address;

	object->type = MAL_RCU_TYPE;
	atomic_inc(&mal_rcu_constructed);
}

static void mal_rcu_dtor(void *address)
{
	struct mal_rcu_object *object = address;

	if (object->type == MAL_RCU_TYPE)
		atomic_inc(&mal_rcu_destructed);
}

/*
 * Debug flags disable sheaves, so that the last free empties a slab, and all
 * but a few empty slabs are released at once.
 */
static struct mal_kmem_cache *mal_rcu_cache(struct kunit *test)
{
	static const struct mal_kmem_cache_args args = {
		.ctor = mal_rcu_ctor,
		.dtor = mal_rcu_dtor,
	};
	struct mal_kmem_cache *cache;

	atomic_set(&mal_rcu_constructed, 0);
	atomic_set(&mal_rcu_destructed, 0);
	cache = mal_kmem_cache_create_args("typesafe", sizeof(struct mal_rcu_object),
					   &args, SLAB_TYPESAFE_BY_RCU |
					   SLAB_CONSISTENCY_CHECKS);
	KUNIT_ASSERT_NOT_NULL(test, cache);
	return cache;
}

static struct mal_rcu_object **mal_rcu_objects(struct kunit *test,
					       struct mal_kmem_cache *cache)
{
	struct mal_rcu_object **objects;
	unsigned int i;

	objects = kunit_kcalloc(test, MAL_RCU_NR, sizeof(*objects), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, objects);
	for (i = 0; i < MAL_RCU_NR; i++) {
		objects[i] = mal_kmem_cache_alloc(cache, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, objects[i]);
		memset(objects[i]->contents, 0x3c, sizeof(objects[i]->contents));
	}
	return objects;
}

/*
 * Write to all pages up to the cap. Returns their number, and that of the pages
 * of metadata: the smaller the host's blocks, the more sections count for the
 * cap.
 */
static unsigned long mal_rcu_write_to_all_pages(void)
{
	struct memalloc_stats_borrowing stats;
	struct page *page, *next;
	unsigned long nr = 0;
	LIST_HEAD(pages);

	while ((page = mal_alloc_page(GFP_NOWAIT | __GFP_HIGH | __GFP_NOWARN))) {
		memset(page_address(page), 0x5a, PAGE_SIZE);
		list_add(&page->lru, &pages);
		nr++;
	}
	mal_borrow_stats(&stats);
	list_for_each_entry_safe(page, next, &pages, lru)
		mal_free_page(page);
	return nr + (stats.metadata_bytes >> PAGE_SHIFT);
}

static unsigned int mal_rcu_intact(struct mal_rcu_object **objects)
{
	unsigned int i, intact = 0;

	for (i = 0; i < MAL_RCU_NR; i++)
		intact += READ_ONCE(objects[i]->type) == MAL_RCU_TYPE;
	return intact;
}

/*
 * A reader that has found an object sees one of its type, even if it has been
 * freed meanwhile, no matter what is allocated in between.
 */
static void mal_test_reader_keeps_the_type(struct kunit *test)
{
	struct mal_kmem_cache *cache = mal_rcu_cache(test);
	struct mal_cache_stats before, during, after, last;
	struct mal_rcu_object **objects;
	unsigned long during_pages, after_pages;
	unsigned int i, intact;
	int destructed, tries = MAL_RCU_TRIES;

	objects = mal_rcu_objects(test, cache);
	mal_cache_stats(cache, &before);
	rcu_read_lock();
	for (i = 0; i < MAL_RCU_NR; i++)
		mal_kmem_cache_free(cache, objects[i]);
	mal_cache_stats_peek(cache, &during);
	during_pages = mal_rcu_write_to_all_pages();
	destructed = atomic_read(&mal_rcu_destructed);
	intact = mal_rcu_intact(objects);
	rcu_read_unlock();
	KUNIT_EXPECT_LT(test, during.slabs, before.slabs);
	KUNIT_EXPECT_EQ(test, destructed, 0);
	KUNIT_EXPECT_EQ(test, intact, MAL_RCU_NR);
	/*
	 * After the grace period the slabs are released, and each object is
	 * destructed once. On a busy machine, a purge may free more slabs
	 * meanwhile.
	 */
	do {
		rcu_barrier();
		mal_cache_stats(cache, &after);
		destructed = atomic_read(&mal_rcu_destructed);
	} while (destructed != before.objects - after.objects && tries--);
	KUNIT_EXPECT_EQ(test, (u64)destructed, before.objects - after.objects);
	KUNIT_EXPECT_LE(test, after.objects, during.objects);
	/* Include pages on the lists of other CPUs. */
	mal_borrow_shrink(0);
	after_pages = mal_rcu_write_to_all_pages();
	mal_cache_stats(cache, &last);
	/* The cap refuses a page unless it allows another section, too. */
	KUNIT_EXPECT_GE(test, after_pages + MAL_ACCOUNT_SECTION,
			during_pages + before.slab_pages - after.slab_pages);
	KUNIT_EXPECT_LE(test, after_pages, during_pages + before.slab_pages -
			last.slab_pages + MAL_ACCOUNT_SECTION);
	mal_kmem_cache_destroy(cache);
}

/* Destroying a cache waits for its destructors, so that a module can go. */
static void mal_test_destroy_waits_for_destructors(struct kunit *test)
{
	struct mal_kmem_cache *cache = mal_rcu_cache(test);
	struct mal_rcu_object **objects = mal_rcu_objects(test, cache);

	mal_kmem_cache_free_bulk(cache, MAL_RCU_NR, (void **)objects);
	mal_kmem_cache_destroy(cache);
	KUNIT_EXPECT_GE(test, atomic_read(&mal_rcu_constructed), MAL_RCU_NR);
	KUNIT_EXPECT_EQ(test, atomic_read(&mal_rcu_destructed),
			atomic_read(&mal_rcu_constructed));
}

/*
 * Objects queued by mal_kfree_rcu() do not keep a cache from being destroyed.
 */
static void mal_test_destroy_waits_for_kfree_rcu(struct kunit *test)
{
	struct mal_kmem_cache *cache;
	u64 reports = mal_reports_total();
	unsigned int i;

	cache = mal_kmem_cache_create("kfree-rcu", 100, 0, 0, NULL);
	KUNIT_ASSERT_NOT_NULL(test, cache);
	for (i = 0; i < 300; i++) {
		struct rcu_head *head = mal_kmem_cache_alloc(cache, GFP_KERNEL);

		KUNIT_ASSERT_NOT_NULL(test, head);
		mal_kfree_call_rcu(head, head);
	}
	mal_kmem_cache_destroy(cache);
	KUNIT_EXPECT_EQ(test, mal_reports_total(), reports);
}

static int mal_slab_rcu_init(struct kunit *test)
{
	return mal_account_cap(MAL_RCU_CAP);
}

static void mal_slab_rcu_exit(struct kunit *test)
{
	mal_account_uncap();
	mal_slab_shrink();
	rcu_barrier();
	mal_account_settle(test);
}

static struct kunit_case mal_slab_rcu_cases[] = {
	KUNIT_CASE(mal_test_reader_keeps_the_type),
	KUNIT_CASE(mal_test_destroy_waits_for_destructors),
	KUNIT_CASE(mal_test_destroy_waits_for_kfree_rcu),
	{}
};

struct kunit_suite mal_slab_rcu_suite = {
	.name = "memalloc_slab_rcu",
	.init = mal_slab_rcu_init,
	.exit = mal_slab_rcu_exit,
	.test_cases = mal_slab_rcu_cases,
};
