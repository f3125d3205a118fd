// SPDX-License-Identifier: GPL-2.0
/*
 * Allocation with a lock held that reclaim takes
 *
 * A file system holds its locks while it allocates with GFP_NOFS or within
 * memalloc_nofs_save(), and takes the same locks when its pages are reclaimed.
 * Such a caller must not wait for a lock of the allocator if the holder of that
 * lock may enter the same reclaim. The tests act as a file system: they take a
 * lock between fs_reclaim_acquire() and fs_reclaim_release(), hold it while
 * they use each part of the allocator, and then use each part again with
 * GFP_KERNEL and without the lock. Lockdep reports a circular dependency
 * without a deadlock. A kernel without lockdep only detects an actual deadlock.
 */
#include <kunit/test.h>

#include <linux/debug_locks.h>
#include <linux/mutex.h>
#include <linux/sched/mm.h>

#include <memalloc/kmalloc.h>
#include <memalloc/mempool.h>
#include <memalloc/page_alloc.h>
#include <memalloc/percpu.h>
#include <memalloc/slab_cache.h>
#include <memalloc/vmalloc_area.h>

#include "internal/area_cache.h"
#include "internal/borrow.h"
#include "internal/percpu.h"
#include "internal/slab_cache.h"
#include "internal/slab_reclaim.h"

#include "memalloc_kunit.h"

#define MAL_LOCK_AREAS		8	/* one chunk each, so several are borrowed */
#define MAL_LOCK_SIZE		100

static DEFINE_MUTEX(mal_fs_lock);

static void mal_use_percpu(struct kunit *test, gfp_t gfp)
{
	void __percpu *areas[MAL_LOCK_AREAS];
	int i;

	for (i = 0; i < MAL_LOCK_AREAS; i++)
		areas[i] = __mal_alloc_percpu_gfp(MAL_PERCPU_MAX_SIZE, 8,
						  gfp | __GFP_NOWARN);
	for (i = 0; i < MAL_LOCK_AREAS; i++)
		mal_free_percpu(areas[i]);
	mal_percpu_shrink();
}

static void mal_use_kmalloc(struct kunit *test, gfp_t gfp)
{
	void *small = mal_kmalloc(MAL_LOCK_SIZE, gfp);
	void *large = mal_kmalloc(16 * PAGE_SIZE, gfp);

	KUNIT_EXPECT_NOT_NULL(test, small);
	KUNIT_EXPECT_NOT_NULL(test, large);
	mal_kfree(small);
	mal_kfree(large);
}

static void mal_use_pages(struct kunit *test, gfp_t gfp)
{
	struct page *page = mal_alloc_pages(gfp, 3);

	KUNIT_EXPECT_NOT_NULL(test, page);
	if (page)
		mal_free_pages(page, 3);
	mal_borrow_shrink(0);
}

static void mal_use_vmalloc(struct kunit *test, gfp_t gfp)
{
	void *area = __mal_vmalloc(5 * PAGE_SIZE, gfp);

	KUNIT_EXPECT_NOT_NULL(test, area);
	mal_vfree(area);
	mal_area_cache_shrink(ULONG_MAX);
}

static struct mal_kmem_cache *mal_lock_cache;
static mal_mempool_t *mal_lock_pool;

static void mal_use_cache(struct kunit *test, gfp_t gfp)
{
	void *object = mal_mempool_alloc(mal_lock_pool, gfp);

	KUNIT_EXPECT_NOT_NULL(test, object);
	mal_mempool_free(object, mal_lock_pool);
	KUNIT_EXPECT_EQ(test, mal_mempool_resize(mal_lock_pool, 5), 0);
	KUNIT_EXPECT_EQ(test, mal_mempool_resize(mal_lock_pool, 2), 0);
	mal_kmem_cache_shrink(mal_lock_cache);
	mal_slab_shrink();
	mal_slab_reap(0);
}

static void (*const mal_users[])(struct kunit *test, gfp_t gfp) = {
	mal_use_percpu, mal_use_kmalloc, mal_use_pages, mal_use_vmalloc, mal_use_cache,
};

static void mal_use_all(struct kunit *test, gfp_t gfp)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(mal_users); i++)
		mal_users[i](test, gfp);
}

/* Take the lock as a file system's shrinker does. */
static void mal_take_lock_in_reclaim(void)
{
	fs_reclaim_acquire(GFP_KERNEL);
	mutex_lock(&mal_fs_lock);
	mutex_unlock(&mal_fs_lock);
	fs_reclaim_release(GFP_KERNEL);
}

static void mal_expect_no_lockdep_report(struct kunit *test)
{
	if (!IS_ENABLED(CONFIG_PROVE_LOCKING))
		kunit_info(test, "lockdep is off: only a deadlock would be noticed");
	else
		KUNIT_EXPECT_TRUE_MSG(test, debug_locks, "see lockdep's report");
}

static void mal_test_nofs_scope(struct kunit *test)
{
	unsigned int scope;

	mal_take_lock_in_reclaim();
	mutex_lock(&mal_fs_lock);
	scope = memalloc_nofs_save();
	mal_use_all(test, GFP_KERNEL);
	memalloc_nofs_restore(scope);
	mutex_unlock(&mal_fs_lock);
	mal_use_all(test, GFP_KERNEL);
	mal_expect_no_lockdep_report(test);
}

static void mal_test_noio_scope(struct kunit *test)
{
	unsigned int scope;

	mal_take_lock_in_reclaim();
	mutex_lock(&mal_fs_lock);
	scope = memalloc_noio_save();
	mal_use_all(test, GFP_KERNEL);
	memalloc_noio_restore(scope);
	mutex_unlock(&mal_fs_lock);
	mal_use_all(test, GFP_KERNEL);
	mal_expect_no_lockdep_report(test);
}

/* GFP flags of the caller instead of a scope. */
static void mal_test_nofs_flags(struct kunit *test)
{
	mal_take_lock_in_reclaim();
	mutex_lock(&mal_fs_lock);
	mal_use_percpu(test, GFP_NOFS);
	mal_use_percpu(test, GFP_NOIO);
	mal_use_kmalloc(test, GFP_NOFS);
	mal_use_pages(test, GFP_NOFS);
	mutex_unlock(&mal_fs_lock);
	mal_use_all(test, GFP_KERNEL);
	mal_expect_no_lockdep_report(test);
}

/* A shrinker that allocates runs in reclaim, with its caller's locks held. */
static void mal_test_in_reclaim(struct kunit *test)
{
	unsigned int scope = memalloc_noreclaim_save();

	mutex_lock(&mal_fs_lock);
	mal_use_percpu(test, GFP_KERNEL);
	mal_use_kmalloc(test, GFP_KERNEL);
	mal_use_pages(test, GFP_KERNEL);
	mutex_unlock(&mal_fs_lock);
	memalloc_noreclaim_restore(scope);
	mal_expect_no_lockdep_report(test);
}

/*
 * Creation runs without the lock, because it may always enter reclaim, as in
 * the host.
 */
static int mal_reclaim_lock_init(struct kunit *test)
{
	mal_lock_cache = mal_kmem_cache_create("reclaim_lock", MAL_LOCK_SIZE, 0, 0, NULL);
	KUNIT_ASSERT_NOT_NULL(test, mal_lock_cache);
	mal_lock_pool = mal_mempool_create(2, mal_mempool_alloc_slab, mal_mempool_free_slab,
					   mal_lock_cache);
	KUNIT_ASSERT_NOT_NULL(test, mal_lock_pool);
	return 0;
}

static void mal_reclaim_lock_exit(struct kunit *test)
{
	mal_mempool_destroy(mal_lock_pool);
	mal_kmem_cache_destroy(mal_lock_cache);
}

static struct kunit_case mal_reclaim_lock_cases[] = {
	KUNIT_CASE(mal_test_nofs_scope),
	KUNIT_CASE(mal_test_noio_scope),
	KUNIT_CASE(mal_test_nofs_flags),
	KUNIT_CASE(mal_test_in_reclaim),
	{}
};

struct kunit_suite mal_reclaim_lock_suite = {
	.name = "memalloc_reclaim_lock",
	.init = mal_reclaim_lock_init,
	.exit = mal_reclaim_lock_exit,
	.test_cases = mal_reclaim_lock_cases,
};
