// SPDX-License-Identifier: GPL-2.0
/*
 * Misuse of vmalloc is reported once, with its kind, and does no harm
 *
 * After each misuse, the misused area can still be used and freed as usual.
 */
#include <kunit/test.h>

#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/vmalloc.h>

#include <memalloc/kvmalloc.h>
#include <memalloc/page_alloc.h>
#include <memalloc/vmalloc_area.h>

#include "internal/area_cache.h"
#include "internal/report.h"
#include "internal/slab_cache.h"
#include "internal/slab_reclaim.h"
#include "internal/vmalloc_area.h"

#include "host_event.h"
#include "memalloc_kunit.h"
#include "page_account.h"

#define MAL_MISUSE_PAGES	7

/**
 * struct mal_misuse - targets of misuse
 * @area: an allocation
 * @page: a separate page
 * @map: a mapping of @page
 */
struct mal_misuse {
	char *area;
	struct page *page;
	void *map;
};

static int mal_misuse_init(struct kunit *test)
{
	struct mal_misuse *misuse = kunit_kzalloc(test, sizeof(*misuse), GFP_KERNEL);

	if (!misuse)
		return -ENOMEM;
	test->priv = misuse;
	misuse->area = mal_vmalloc(MAL_MISUSE_PAGES * PAGE_SIZE);
	misuse->page = mal_alloc_page(GFP_KERNEL);
	if (!misuse->area || !misuse->page)
		return -ENOMEM;
	misuse->map = mal_vmap(&misuse->page, 1, VM_MAP, PAGE_KERNEL);
	return misuse->map ? 0 : -ENOMEM;
}

/* The misused area is intact, and can be freed. */
static void mal_misuse_exit(struct kunit *test)
{
	struct mal_misuse *misuse = test->priv;
	u64 reports = mal_reports_total();
	struct mal_vmalloc_stats stats;

	if (!misuse || !misuse->map)
		return;
	memset(misuse->area, 0x5a, MAL_MISUSE_PAGES * PAGE_SIZE);
	memset(misuse->map, 0x5a, PAGE_SIZE);
	mal_vfree(misuse->area);
	mal_vunmap(misuse->map);
	mal_free_page(misuse->page);
	KUNIT_EXPECT_EQ(test, mal_reports_total(), reports);
	mal_vmalloc_stats(&stats);
	KUNIT_EXPECT_EQ(test, stats.areas, 0UL);
	KUNIT_EXPECT_EQ(test, stats.maps, 0UL);
	mal_area_cache_sync();
	mal_area_cache_shrink(ULONG_MAX);
	mal_account_valid(test);
}

/* Last case: nothing but the reserve is left. */
static void mal_test_nothing_is_left(struct kunit *test)
{
	struct mal_misuse *misuse = test->priv;

	mal_vfree(misuse->area);
	mal_vunmap(misuse->map);
	mal_free_page(misuse->page);
	misuse->map = NULL;
	mal_area_cache_shrink(ULONG_MAX);
	mal_slab_shrink();
	mal_account_settle(test);
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
} while (0)

static void mal_test_double_free(struct kunit *test)
{
	void *area = mal_vmalloc(3 * PAGE_SIZE);

	KUNIT_ASSERT_NOT_NULL(test, area);
	mal_vfree(area);
	mal_expect_report(test, double_free, mal_vfree(area));
	mal_expect_report(test, double_free, mal_vfree_atomic(area));
	mal_expect_report(test, double_free, mal_kvfree(area));
	KUNIT_EXPECT_FALSE(test, is_mal_vmalloc_addr(area));
	KUNIT_EXPECT_EQ(test, mal_vmalloc_size(area), 0UL);
}

/* Frees after a grace period are covered, too. */
static void mal_test_double_free_rcu(struct kunit *test)
{
	unsigned long pages;

	for (pages = 1; pages <= MAL_AREA_CPU_CLASSES + 1; pages += MAL_AREA_CPU_CLASSES) {
		struct rcu_head *area = mal_vmalloc(pages * PAGE_SIZE);

		KUNIT_ASSERT_NOT_NULL(test, area);
		rcu_read_lock();
		mal_kvfree_call_rcu(area, area);
		mal_expect_report(test, double_free, mal_kvfree_call_rcu(area, area));
		mal_expect_report(test, double_free, mal_vfree_atomic(area));
		KUNIT_EXPECT_TRUE(test, is_mal_vmalloc_addr(area));
		rcu_read_unlock();
		mal_expect_report(test, double_free, mal_kvfree(area));
		rcu_barrier();
		mal_area_cache_sync();
		KUNIT_EXPECT_FALSE(test, is_mal_vmalloc_addr(area));
		mal_expect_report(test, double_free, mal_kvfree(area));
		mal_expect_report(test, double_free, mal_kvfree_call_rcu(area, area));
		rcu_barrier();
	}
}

/* The area is too large for the CPU's cache, so the node caches it. */
static void mal_test_double_free_of_large(struct kunit *test)
{
	void *area = mal_vmalloc((MAL_AREA_CPU_CLASSES + 1) * PAGE_SIZE);

	KUNIT_ASSERT_NOT_NULL(test, area);
	mal_vfree(area);
	mal_expect_report(test, double_free, mal_vfree(area));
}

/* An area that has left the cache is foreign. */
static void mal_test_free_of_unmapped_area(struct kunit *test)
{
	void *area = mal_vmalloc(3 * PAGE_SIZE);

	KUNIT_ASSERT_NOT_NULL(test, area);
	mal_vfree(area);
	mal_area_cache_shrink(ULONG_MAX);
	mal_expect_report(test, foreign_free, mal_vfree(area));
}

static void mal_test_free_inside(struct kunit *test)
{
	struct mal_misuse *misuse = test->priv;
	int page;

	mal_expect_report(test, wrong_free, mal_vfree(misuse->area + 8));
	for (page = 1; page < MAL_MISUSE_PAGES; page++) {
		char *address = misuse->area + page * PAGE_SIZE;

		mal_expect_report(test, wrong_free, mal_vfree(address));
		KUNIT_EXPECT_TRUE(test, is_mal_vmalloc_addr(address));
	}
	mal_expect_report(test, wrong_free,
			  mal_vfree_atomic(misuse->area + PAGE_SIZE));
	mal_expect_report(test, foreign_free,
			  mal_vfree(misuse->area + MAL_MISUSE_PAGES * PAGE_SIZE));
}

static void mal_test_free_of_foreign(struct kunit *test)
{
	void *host = vmalloc(3 * PAGE_SIZE), *object = mal_kmalloc(64, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, host);
	KUNIT_ASSERT_NOT_NULL(test, object);
	KUNIT_EXPECT_FALSE(test, is_mal_vmalloc_addr(host));
	mal_expect_report(test, foreign_free, mal_vfree(host));
	mal_expect_report(test, foreign_free, mal_vfree(host + PAGE_SIZE));
	mal_expect_report(test, foreign_free, mal_vunmap(host));
	mal_expect_report(test, foreign_free, mal_vfree((void *)PAGE_SIZE));
	mal_expect_report(test, foreign_free, mal_vfree((void *)-PAGE_SIZE));
	mal_expect_report(test, foreign_free, mal_vfree(object));
	vfree(host);
	mal_kfree(object);
	mal_vfree(NULL);
	mal_vunmap(NULL);
	mal_kvfree(NULL);
}

/* A page of ours in a mapping of the host belongs to no area. */
static void mal_test_free_of_host_mapping(struct kunit *test)
{
	struct mal_misuse *misuse = test->priv;
	struct page *pages[2] = {
		misuse->page, mal_vmalloc_to_page(misuse->area + 2 * PAGE_SIZE),
	};
	void *map = vmap(pages, 2, VM_MAP, PAGE_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, map);
	KUNIT_EXPECT_FALSE(test, is_mal_vmalloc_addr(map));
	KUNIT_EXPECT_FALSE(test, is_mal_vmalloc_addr(map + PAGE_SIZE));
	mal_expect_report(test, foreign_free, mal_vfree(map + PAGE_SIZE));
	vunmap(map);
}

static void mal_test_wrong_kind(struct kunit *test)
{
	struct mal_misuse *misuse = test->priv;

	mal_expect_report(test, wrong_free, mal_vunmap(misuse->area));
	mal_expect_report(test, wrong_free, mal_vfree(misuse->map));
	mal_expect_report(test, wrong_free,
			  mal_free_page(mal_vmalloc_to_page(misuse->area)));
	mal_expect_report(test, wrong_free,
			  mal_kfree(page_address(mal_vmalloc_to_page(misuse->area))));
	mal_vunmap(misuse->map);
	mal_expect_report(test, foreign_free, mal_vunmap(misuse->map));
	misuse->map = mal_vmap(&misuse->page, 1, VM_MAP, PAGE_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, misuse->map);
}

static void mal_test_resize_of_foreign(struct kunit *test)
{
	void *host = vmalloc(PAGE_SIZE), *got = NULL;

	KUNIT_ASSERT_NOT_NULL(test, host);
	mal_expect_report(test, foreign_free,
			  got = mal_vrealloc(host, 2 * PAGE_SIZE, GFP_KERNEL));
	KUNIT_EXPECT_NULL(test, got);
	vfree(host);
}

/*
 * Concurrent frees
 */

#define MAL_RACE_TURNS	400

static struct rcu_head *mal_race_area;
static bool mal_race_rcu;
static atomic_t mal_race_arrived;

/*
 * Barrier for the two threads. Spins, so that both continue at the same time.
 */
static void mal_race_meet(unsigned int meeting)
{
	atomic_inc(&mal_race_arrived);
	while (atomic_read(&mal_race_arrived) < 2 * meeting)
		mal_test_spin();
}

static int mal_race_thread(void *data)
{
	unsigned int turn;

	for (turn = 0; turn < MAL_RACE_TURNS; turn++) {
		mal_race_meet(2 * turn + 1);
		if (mal_race_rcu)
			mal_kvfree_call_rcu(mal_race_area, mal_race_area);
		else
			mal_vfree_atomic(mal_race_area);
		mal_race_meet(2 * turn + 2);
	}
	while (!kthread_should_stop())
		schedule_timeout_interruptible(1);
	return 0;
}

/*
 * If two threads free an area at once, one succeeds and the other one is
 * reported.
 */
static void mal_race_by_two(struct kunit *test, bool rcu, bool other_rcu)
{
	struct memalloc_stats_reports before, after;
	struct task_struct *thread;
	unsigned int turn;

	if (num_online_cpus() < 2)
		kunit_skip(test, "needs two CPUs");
	atomic_set(&mal_race_arrived, 0);
	mal_race_rcu = other_rcu;
	thread = kthread_run(mal_race_thread, NULL, "memalloc_test");
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, thread);
	mal_report_stats(&before);
	for (turn = 0; turn < MAL_RACE_TURNS; turn++) {
		mal_race_area = mal_vmalloc(PAGE_SIZE);
		mal_race_meet(2 * turn + 1);
		if (rcu)
			mal_kvfree_call_rcu(mal_race_area, mal_race_area);
		else
			mal_vfree_atomic(mal_race_area);
		mal_race_meet(2 * turn + 2);
	}
	kthread_stop(thread);
	rcu_barrier();
	mal_area_cache_sync();
	mal_report_stats(&after);
	KUNIT_EXPECT_EQ(test, after.double_free, before.double_free + MAL_RACE_TURNS);
	KUNIT_EXPECT_EQ(test, after.foreign_free, before.foreign_free);
}

static void mal_test_double_free_at_once(struct kunit *test)
{
	mal_race_by_two(test, false, false);
}

static void mal_test_double_free_at_once_rcu(struct kunit *test)
{
	mal_race_by_two(test, true, false);
	mal_race_by_two(test, true, true);
}

/**
 * struct mal_unmapping - an area that is being unmapped
 * @address: its address
 * @nr: number of times that the host was about to reuse the address
 * @foreign: number of frees by the address that were reported as foreign
 */
struct mal_unmapping {
	unsigned long address;
	unsigned int nr;
	u64 foreign;
};

static u64 mal_foreign_frees(void)
{
	struct memalloc_stats_reports reports;

	mal_report_stats(&reports);
	return reports.foreign_free;
}

/* The host reports an address that it may reuse from now on. */
static void mal_unmapping_probe(void *data, unsigned long address, unsigned long nr_lazy,
				unsigned long nr_lazy_max)
{
	struct mal_unmapping *unmapping = data;
	u64 before = mal_foreign_frees();

	if (address != unmapping->address)
		return;
	unmapping->nr++;
	mal_vfree_atomic((void *)address);
	unmapping->foreign += mal_foreign_frees() - before;
}

/*
 * As soon as the host may reuse an address, no area is found by it, not even a
 * free one. Another area may have the address by then.
 */
static void mal_test_unmapped_area_is_not_found(struct kunit *test)
{
	void *area = mal_vmalloc(MAL_MISUSE_PAGES * PAGE_SIZE);
	struct mal_unmapping unmapping = { .address = (unsigned long)area };
	struct tracepoint *event;
	u64 reports;

	KUNIT_ASSERT_NOT_NULL(test, area);
	mal_vfree(area);
	event = mal_host_event_attach("free_vmap_area_noflush", mal_unmapping_probe,
				      &unmapping);
	if (!event)
		kunit_skip(test, "the kernel has no tracepoint free_vmap_area_noflush");
	reports = mal_reports_total();
	mal_area_cache_shrink(ULONG_MAX);
	mal_host_event_detach(event, mal_unmapping_probe, &unmapping);
	KUNIT_EXPECT_EQ(test, unmapping.nr, 1U);
	KUNIT_EXPECT_EQ(test, unmapping.foreign, 1ULL);
	KUNIT_EXPECT_EQ(test, mal_reports_total(), reports + 1);
}

static struct kunit_case mal_vmalloc_misuse_cases[] = {
	KUNIT_CASE(mal_test_double_free),
	KUNIT_CASE(mal_test_double_free_rcu),
	KUNIT_CASE(mal_test_double_free_of_large),
	KUNIT_CASE(mal_test_free_of_unmapped_area),
	KUNIT_CASE(mal_test_free_inside),
	KUNIT_CASE(mal_test_free_of_foreign),
	KUNIT_CASE(mal_test_free_of_host_mapping),
	KUNIT_CASE(mal_test_wrong_kind),
	KUNIT_CASE(mal_test_resize_of_foreign),
	KUNIT_CASE(mal_test_unmapped_area_is_not_found),
	KUNIT_CASE(mal_test_double_free_at_once),
	KUNIT_CASE(mal_test_double_free_at_once_rcu),
	KUNIT_CASE(mal_test_nothing_is_left),
	{}
};

struct kunit_suite mal_vmalloc_misuse_suite = {
	.name = "memalloc_vmalloc_misuse",
	.init = mal_misuse_init,
	.exit = mal_misuse_exit,
	.test_cases = mal_vmalloc_misuse_cases,
};
