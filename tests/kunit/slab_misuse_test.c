// SPDX-License-Identifier: GPL-2.0
/*
 * Misuse of caches and kmalloc is reported once, with its kind, and does no
 * harm
 *
 * After each misuse the allocator is valid, and the misused object can still be
 * used and freed as usual.
 */
#include <kunit/test.h>

#include <linux/atomic.h>
#include <linux/cpumask.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/vmalloc.h>

#include <memalloc/kmalloc.h>
#include <memalloc/kvmalloc.h>

#include "internal/report.h"
#include "internal/slab.h"
#include "internal/slab_cache.h"
#include "internal/slab_reclaim.h"

#include "memalloc_kunit.h"
#include "page_account.h"

#define MAL_MISUSE_SIZE	200

struct mal_misuse {
	struct mal_kmem_cache *cache;
	struct mal_kmem_cache *other;
	void *object;
};

static int mal_misuse_init(struct kunit *test)
{
	struct mal_misuse *misuse;

	if (mal_lean())
		kunit_skip(test, "loaded with \"lean\"");
	misuse = kunit_kzalloc(test, sizeof(*misuse), GFP_KERNEL);
	if (!misuse)
		return -ENOMEM;
	misuse->cache = mal_kmem_cache_create("misuse", MAL_MISUSE_SIZE, 0, 0, NULL);
	misuse->other = mal_kmem_cache_create("other", MAL_MISUSE_SIZE, 0, 0, NULL);
	if (!misuse->cache || !misuse->other)
		return -ENOMEM;
	misuse->object = mal_kmem_cache_alloc(misuse->cache, GFP_KERNEL);
	test->priv = misuse;
	return misuse->object ? 0 : -ENOMEM;
}

/* The misused object is intact, and the caches can be destroyed. */
static void mal_misuse_exit(struct kunit *test)
{
	struct mal_misuse *misuse = test->priv;
	u64 reports = mal_reports_total();

	if (!misuse)
		return;
	mal_kmem_cache_free(misuse->cache, misuse->object);
	mal_kmem_cache_destroy(misuse->cache);
	mal_kmem_cache_destroy(misuse->other);
	KUNIT_EXPECT_EQ(test, mal_reports_total(), reports);
	mal_slab_shrink();
	rcu_barrier();
	mal_account_settle(test);
}

static void mal_expect_valid(struct kunit *test)
{
	u64 checked = 0;

	KUNIT_EXPECT_EQ(test, mal_slab_validate(&checked), 0ULL);
}

/* Expect that @misuse adds one report of @kind and none of any other kind. */
#define mal_expect_report(test, kind, misuse) do {			\
	struct memalloc_stats_reports before, after;			\
	u64 total = mal_reports_total();				\
									\
	mal_report_stats(&before);					\
	misuse;								\
	mal_report_stats(&after);					\
	KUNIT_EXPECT_EQ(test, after.kind, before.kind + 1);		\
	KUNIT_EXPECT_EQ(test, mal_reports_total(), total + 1);		\
	mal_expect_valid(test);						\
} while (0)

static void mal_test_double_free(struct kunit *test)
{
	struct mal_misuse *misuse = test->priv;
	void *object = mal_kmem_cache_alloc(misuse->cache, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, object);
	mal_kmem_cache_free(misuse->cache, object);
	mal_expect_report(test, double_free,
			  mal_kmem_cache_free(misuse->cache, object));
	mal_expect_report(test, double_free, mal_kfree(object));
	mal_expect_report(test, double_free,
			  mal_kmem_cache_free_bulk(misuse->cache, 1, &object));
	mal_expect_report(test, double_free, mal_kfree_bulk(1, &object));
}

/* The object has left the sheaves and is in its slab. */
static void mal_test_double_free_in_slab(struct kunit *test)
{
	struct mal_misuse *misuse = test->priv;
	void *object = mal_kmem_cache_alloc(misuse->cache, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, object);
	mal_kmem_cache_free(misuse->cache, object);
	mal_kmem_cache_shrink(misuse->cache);
	mal_expect_report(test, double_free,
			  mal_kmem_cache_free(misuse->cache, object));
}

/* The slab has been released. */
static void mal_test_free_in_released_slab(struct kunit *test)
{
	struct mal_misuse *misuse = test->priv;
	void *object = mal_kmem_cache_alloc(misuse->other, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, object);
	mal_kmem_cache_free(misuse->other, object);
	mal_kmem_cache_shrink(misuse->other);
	KUNIT_EXPECT_EQ(test, mal_ksize(object), 0UL);
	mal_expect_report(test, double_free,
			  mal_kmem_cache_free(misuse->other, object));
}

/* One array has the same object twice, among others. */
static void mal_test_double_free_in_bulk(struct kunit *test)
{
	struct mal_misuse *misuse = test->priv;
	void *objects[17];
	int i;

	KUNIT_ASSERT_EQ(test, mal_kmem_cache_alloc_bulk(misuse->cache, GFP_KERNEL,
							16, objects), 16);
	objects[16] = objects[7];
	mal_expect_report(test, double_free,
			  mal_kmem_cache_free_bulk(misuse->cache, 17, objects));
	for (i = 0; i < 16; i++) {
		objects[i] = mal_kmem_cache_alloc(misuse->cache, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, objects[i]);
		KUNIT_EXPECT_PTR_NE(test, objects[i], i ? objects[i - 1] : NULL);
	}
	mal_kmem_cache_free_bulk(misuse->cache, 16, objects);
}

/* Restore the state that a CPU has seen which looked before the free. */
static void mal_undo_free_state(void *object)
{
	struct mal_slab *slab = mal_slab_of(object);

	slab->states[mal_slab_index(slab->cache, slab, object)] = MAL_OBJECT_ALLOCATED;
}

/*
 * Both of two concurrent frees succeeded. The object is allocated once, and the
 * second entry is reported.
 */
static void mal_test_double_free_is_found_on_allocation(struct kunit *test)
{
	struct mal_misuse *misuse = test->priv;
	void *objects[16];
	int i, j, bulk;

	for (bulk = 0; bulk < 2; bulk++) {
		void *object = mal_kmem_cache_alloc(misuse->cache, GFP_KERNEL);

		KUNIT_ASSERT_NOT_NULL(test, object);
		mal_kmem_cache_free(misuse->cache, object);
		mal_undo_free_state(object);
		mal_kmem_cache_free(misuse->cache, object);
		mal_expect_report(test, double_free, ({
			for (i = 0; !bulk && i < 16; i++)
				objects[i] = mal_kmem_cache_alloc(misuse->cache, GFP_KERNEL);
			if (bulk)
				KUNIT_ASSERT_EQ(test, mal_kmem_cache_alloc_bulk(misuse->cache,
										GFP_KERNEL, 16,
										objects), 16);
		}));
		for (i = 0; i < 16; i++)
			for (j = 0; j < i; j++)
				KUNIT_EXPECT_PTR_NE(test, objects[i], objects[j]);
		mal_kmem_cache_free_bulk(misuse->cache, 16, objects);
	}
}

static void mal_test_wrong_cache(struct kunit *test)
{
	struct mal_misuse *misuse = test->priv;

	mal_expect_report(test, wrong_free,
			  mal_kmem_cache_free(misuse->other, misuse->object));
	mal_expect_report(test, wrong_free,
			  mal_kmem_cache_free_bulk(misuse->other, 1,
						   &misuse->object));
}

static void mal_test_free_of_inner_address(struct kunit *test)
{
	struct mal_misuse *misuse = test->priv;
	int i;

	for (i = 1; i < MAL_MISUSE_SIZE; i++) {
		void *inner = misuse->object + i;

		mal_expect_report(test, wrong_free,
				  mal_kmem_cache_free(misuse->cache, inner));
		mal_expect_report(test, wrong_free, mal_kfree(inner));
	}
}

/* Addresses in a slab's pages that belong to no object. */
static void mal_test_free_in_waste(struct kunit *test)
{
	struct mal_misuse *misuse = test->priv;
	unsigned long page = (unsigned long)misuse->object & PAGE_MASK;
	unsigned long waste = PAGE_SIZE - PAGE_SIZE % MAL_MISUSE_SIZE;

	KUNIT_ASSERT_EQ(test, mal_ksize(misuse->object), MAL_MISUSE_SIZE);
	mal_expect_report(test, wrong_free, mal_kfree((void *)(page + waste)));
	mal_expect_report(test, wrong_free,
			  mal_kfree((void *)(page + PAGE_SIZE - 1)));
}

static void mal_test_free_of_foreign_address(struct kunit *test)
{
	struct mal_misuse *misuse = test->priv;
	void *host = kmalloc(64, GFP_KERNEL);
	void *area = vmalloc(PAGE_SIZE);
	int on_stack;

	KUNIT_ASSERT_NOT_NULL(test, host);
	KUNIT_ASSERT_NOT_NULL(test, area);
	mal_expect_report(test, foreign_free, mal_kfree(host));
	mal_expect_report(test, foreign_free,
			  mal_kmem_cache_free(misuse->cache, host));
	mal_expect_report(test, foreign_free, mal_kfree(area));
	mal_expect_report(test, foreign_free, mal_kfree(&on_stack));
	mal_expect_report(test, foreign_free, mal_kfree(test));
	kfree(host);
	vfree(area);
}

static void mal_test_free_of_wild_address(struct kunit *test)
{
	static const unsigned long wild[] = {
		17, 4096, 0x6b6b6b6b6b6b6b6b, -1UL, -4096UL, 1UL << 63,
		0x0000deadbeef0000, 0x8000000000000000UL - 8,
	};
	struct mal_misuse *misuse = test->priv;
	int i;

	for (i = 0; i < ARRAY_SIZE(wild); i++) {
		mal_expect_report(test, foreign_free, mal_kfree((void *)wild[i]));
		mal_expect_report(test, foreign_free,
				  mal_kmem_cache_free(misuse->cache,
						      (void *)wild[i]));
	}
}

static void mal_test_free_of_slab_page(struct kunit *test)
{
	struct mal_misuse *misuse = test->priv;
	struct page *page = virt_to_page(misuse->object);

	mal_expect_report(test, wrong_free, mal_free_page(page));
	mal_expect_report(test, wrong_free, mal_free_pages(page, 1));
}

static void mal_test_kfree_of_pages(struct kunit *test)
{
	struct page *page = mal_alloc_pages(GFP_KERNEL, 1);

	KUNIT_ASSERT_NOT_NULL(test, page);
	mal_expect_report(test, wrong_free, mal_kfree(page_address(page)));
	mal_expect_report(test, wrong_free, mal_kfree(page_address(page + 1)));
	mal_free_pages(page, 1);
}

static void mal_test_free_of_large(struct kunit *test)
{
	void *large = mal_kmalloc(5 * PAGE_SIZE, GFP_KERNEL);
	int i;

	KUNIT_ASSERT_NOT_NULL(test, large);
	for (i = 0; i < 5; i++)
		mal_expect_report(test, wrong_free,
				  mal_kfree(large + i * PAGE_SIZE + 8));
	for (i = 1; i < 5; i++)
		mal_expect_report(test, wrong_free,
				  mal_kfree(large + i * PAGE_SIZE));
	for (i = 0; i < 5; i++)
		mal_expect_report(test, wrong_free,
				  mal_free_page(virt_to_page(large + i * PAGE_SIZE)));
	mal_kfree(large);
	mal_expect_report(test, double_free, mal_kfree(large));
}

/*
 * Expect that all operations on an address but kfree() are reported as @kind.
 */
#define mal_expect_untouched(test, kind, address) do {			\
	void *wrong = (address);					\
									\
	mal_expect_report(test, kind,					\
			  KUNIT_EXPECT_NULL(test, mal_krealloc(wrong, 10, GFP_KERNEL))); \
	mal_expect_report(test, kind,					\
			  KUNIT_EXPECT_NULL(test, mal_krealloc(wrong, 5000, GFP_KERNEL))); \
	mal_expect_report(test, kind,					\
			  KUNIT_EXPECT_NULL(test, mal_kvrealloc(wrong, 10, GFP_KERNEL))); \
	mal_expect_report(test, kind,					\
			  KUNIT_EXPECT_NULL(test, mal_kvrealloc(wrong, SZ_1M, GFP_KERNEL))); \
	mal_expect_report(test, kind, mal_kfree_sensitive(wrong));	\
} while (0)

static void mal_test_realloc_and_wipe_of_bad_address(struct kunit *test)
{
	struct mal_misuse *misuse = test->priv;
	u8 *object = misuse->object;
	u8 *large = mal_kmalloc(5 * PAGE_SIZE, GFP_KERNEL);
	void *host = kzalloc(64, GFP_KERNEL);
	void *freed = mal_kmem_cache_alloc(misuse->cache, GFP_KERNEL);
	void *area = vmalloc(PAGE_SIZE);

	KUNIT_ASSERT_TRUE(test, large && host && freed && area);
	memset(object, 0x55, MAL_MISUSE_SIZE);
	memset(large, 0x55, 5 * PAGE_SIZE);
	mal_kmem_cache_free(misuse->cache, freed);
	mal_expect_untouched(test, wrong_free, object + 8);
	mal_expect_untouched(test, wrong_free, large + 8);
	mal_expect_untouched(test, wrong_free, large + PAGE_SIZE);
	mal_expect_untouched(test, double_free, freed);
	mal_expect_untouched(test, foreign_free, host);
	mal_expect_report(test, foreign_free,
			  KUNIT_EXPECT_NULL(test, mal_kvrealloc(area, 10, GFP_KERNEL)));
	KUNIT_EXPECT_NULL(test, memchr_inv(object, 0x55, MAL_MISUSE_SIZE));
	KUNIT_EXPECT_NULL(test, memchr_inv(large, 0x55, 5 * PAGE_SIZE));
	mal_kfree(large);
	kfree(host);
	vfree(area);
}

/*
 * Double frees by kfree() and kfree_rcu() in any combination, in turn or at
 * once
 */

static const size_t mal_twice_sizes[] = {
	sizeof(struct rcu_head), 64, SZ_8K, SZ_8K + 1, 13 * PAGE_SIZE - 5,
};

static void mal_free_somehow(void *object, bool rcu)
{
	if (rcu)
		mal_kfree_call_rcu(object, object);
	else
		mal_kfree(object);
}

/*
 * Expect one report. Its kind is not checked, because it depends on the state
 * of the pages.
 */
static void mal_expect_one_report(struct kunit *test, void *object, bool rcu)
{
	u64 reports = mal_reports_total();

	mal_free_somehow(object, rcu);
	KUNIT_EXPECT_EQ(test, mal_reports_total(), reports + 1);
	mal_expect_valid(test);
}

static void mal_test_double_free_rcu(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(mal_twice_sizes); i++) {
		struct rcu_head *head = mal_kmalloc(mal_twice_sizes[i], GFP_KERNEL);

		KUNIT_ASSERT_NOT_NULL(test, head);
		mal_kfree_call_rcu(head, head);
		mal_expect_report(test, double_free, mal_kfree_call_rcu(head, head));
		mal_expect_report(test, double_free, mal_kfree(head));
		mal_kfree_rcu_barrier();
		mal_expect_one_report(test, head, false);
	}
}

static void mal_test_double_free_in_any_order(struct kunit *test)
{
	unsigned int i, how;

	for (i = 0; i < ARRAY_SIZE(mal_twice_sizes); i++)
		for (how = 0; how < 8; how++) {
			void *object = mal_kmalloc(mal_twice_sizes[i], GFP_KERNEL);

			KUNIT_ASSERT_NOT_NULL(test, object);
			mal_free_somehow(object, how & 1);
			if (how & 4)
				mal_kfree_rcu_barrier();
			mal_expect_one_report(test, object, how & 2);
			mal_expect_one_report(test, object, how & 2);
			mal_kfree_rcu_barrier();
			mal_expect_one_report(test, object, how & 1);
		}
}

/* Other objects of the same RCU batch are freed. */
static void mal_test_double_free_rcu_loses_nothing(struct kunit *test)
{
	u64 reports = mal_reports_total();
	void *objects[60];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(objects); i++) {
		objects[i] = mal_kmalloc(mal_twice_sizes[i % 5], GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, objects[i]);
	}
	for (i = 0; i < ARRAY_SIZE(objects); i++) {
		mal_kfree_call_rcu(objects[i], objects[i]);
		mal_kfree_call_rcu(objects[i / 2], objects[i / 2]);
	}
	mal_kfree_rcu_barrier();
	KUNIT_EXPECT_EQ(test, mal_reports_total(), reports + ARRAY_SIZE(objects));
	for (i = 0; i < ARRAY_SIZE(objects); i++)
		mal_expect_one_report(test, objects[i], false);
}

/* Reproduce the race in which mal_kfree() does not see the other free. */
static void mal_test_double_free_rcu_unseen(struct kunit *test)
{
	unsigned int i, again;

	for (i = 0; i < 3; i++)
		for (again = 0; again < 2; again++) {
			size_t size = mal_twice_sizes[i];
			u64 reports = mal_reports_total();
			void *object = mal_kmalloc(size, GFP_KERNEL);

			KUNIT_ASSERT_NOT_NULL(test, object);
			mal_kfree_call_rcu(object, object);
			mal_undo_free_state(object);
			mal_kfree(object);
			if (again) {
				object = mal_kmalloc(size, GFP_KERNEL);
				KUNIT_ASSERT_NOT_NULL(test, object);
				memset(object, 0x6b, size);
			}
			KUNIT_EXPECT_EQ(test, mal_reports_total(), reports);
			mal_kfree_rcu_barrier();
			KUNIT_EXPECT_EQ(test, mal_reports_total(), reports + 1);
			if (again)
				mal_kfree(object);
			mal_expect_valid(test);
			KUNIT_EXPECT_EQ(test, mal_reports_total(), reports + 1);
		}
}

#define MAL_TWO_TURNS	150

/**
 * struct mal_two - two threads that free the same object
 * @object: the object
 * @rcu: whether the second thread frees it after a grace period
 * @arrived: number of arrivals at a barrier
 */
struct mal_two {
	void *object;
	bool rcu;
	atomic_t arrived;
};

/*
 * Barrier for the two threads. Spins, so that both continue at the same time.
 */
static void mal_two_meet(struct mal_two *two, unsigned int meeting)
{
	atomic_inc(&two->arrived);
	while (atomic_read(&two->arrived) < 2 * meeting)
		mal_test_spin();
}

static int mal_two_thread(void *data)
{
	struct mal_two *two = data;
	unsigned int turn;

	for (turn = 0; turn < MAL_TWO_TURNS; turn++) {
		mal_two_meet(two, 2 * turn + 1);
		mal_free_somehow(two->object, two->rcu);
		mal_two_meet(two, 2 * turn + 2);
	}
	while (!kthread_should_stop())
		schedule_timeout_interruptible(1);
	return 0;
}

static void mal_free_by_two(struct kunit *test, size_t size, bool rcu, bool other_rcu)
{
	struct mal_two two = { .rcu = other_rcu };
	struct task_struct *thread;
	unsigned int turn;

	thread = kthread_run(mal_two_thread, &two, "memalloc_test");
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, thread);
	for (turn = 0; turn < MAL_TWO_TURNS; turn++) {
		two.object = mal_kmalloc(size, GFP_KERNEL | __GFP_NOFAIL);
		mal_two_meet(&two, 2 * turn + 1);
		mal_free_somehow(two.object, rcu);
		mal_two_meet(&two, 2 * turn + 2);
	}
	kthread_stop(thread);
}

/* Concurrent frees are reported, at the latest when the object is flushed. */
static void mal_test_concurrent_double_free(struct kunit *test)
{
	static const size_t sizes[] = { 64, SZ_8K + 1 };
	unsigned int i, how;

	if (num_online_cpus() < 2)
		kunit_skip(test, "needs two CPUs");
	for (i = 0; i < ARRAY_SIZE(sizes); i++)
		for (how = 0; how < 3; how++) {
			u64 reports = mal_reports_total();

			mal_free_by_two(test, sizes[i], how & 1, how);
			mal_kfree_rcu_barrier();
			mal_slab_shrink();
			KUNIT_EXPECT_EQ_MSG(test, mal_reports_total(), reports + MAL_TWO_TURNS,
					    "%zu bytes, %u", sizes[i], how);
			mal_expect_valid(test);
		}
}

static void mal_test_destroy_in_use(struct kunit *test)
{
	struct mal_misuse *misuse = test->priv;

	mal_expect_report(test, wrong_free, mal_kmem_cache_destroy(misuse->cache));
	mal_kmem_cache_free(misuse->cache, misuse->object);
	misuse->object = mal_kmem_cache_alloc(misuse->cache, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, misuse->object);
}

static void mal_test_free_of_null(struct kunit *test)
{
	struct mal_misuse *misuse = test->priv;
	u64 reports = mal_reports_total();

	mal_kmem_cache_free(misuse->cache, NULL);
	mal_kfree(NULL);
	mal_kfree(ZERO_SIZE_PTR);
	mal_kfree_sensitive(NULL);
	mal_kmem_cache_destroy(NULL);
	KUNIT_EXPECT_EQ(test, mal_reports_total(), reports);
}

static struct kunit_case mal_slab_misuse_cases[] = {
	KUNIT_CASE(mal_test_double_free),
	KUNIT_CASE(mal_test_double_free_in_slab),
	KUNIT_CASE(mal_test_free_in_released_slab),
	KUNIT_CASE(mal_test_double_free_in_bulk),
	KUNIT_CASE(mal_test_double_free_is_found_on_allocation),
	KUNIT_CASE(mal_test_wrong_cache),
	KUNIT_CASE(mal_test_free_of_inner_address),
	KUNIT_CASE(mal_test_free_in_waste),
	KUNIT_CASE(mal_test_free_of_foreign_address),
	KUNIT_CASE(mal_test_free_of_wild_address),
	KUNIT_CASE(mal_test_free_of_slab_page),
	KUNIT_CASE(mal_test_kfree_of_pages),
	KUNIT_CASE(mal_test_free_of_large),
	KUNIT_CASE(mal_test_realloc_and_wipe_of_bad_address),
	KUNIT_CASE(mal_test_double_free_rcu),
	KUNIT_CASE(mal_test_double_free_in_any_order),
	KUNIT_CASE(mal_test_double_free_rcu_loses_nothing),
	KUNIT_CASE(mal_test_double_free_rcu_unseen),
	KUNIT_CASE_SLOW(mal_test_concurrent_double_free),
	KUNIT_CASE(mal_test_destroy_in_use),
	KUNIT_CASE(mal_test_free_of_null),
	{}
};

struct kunit_suite mal_slab_misuse_suite = {
	.name = "memalloc_slab_misuse",
	.init = mal_misuse_init,
	.exit = mal_misuse_exit,
	.test_cases = mal_slab_misuse_cases,
};
