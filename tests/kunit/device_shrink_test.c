// SPDX-License-Identifier: GPL-2.0
/*
 * MEMALLOC_SHRINK terminates: it returns only the memory that is cached when it
 * begins, and a killed task stops at the next check
 *
 * The tests call the device's ioctl and count the areas evicted, so they do not
 * depend on timing. A thread on another CPU frees areas as fast as the ioctl
 * evicts them, or kills the task during the call.
 */
#include <kunit/test.h>

#include <linux/cpumask.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include <memalloc/page_alloc.h>
#include <memalloc/vmalloc_area.h>
#include <uapi/linux/memalloc.h>

#include "internal/area_cache.h"
#include "internal/borrow.h"

#include "memalloc_kunit.h"
#include "page_account.h"

#define MAL_SHRINK_CAP		(64UL << (20 - PAGE_SHIFT))
#define MAL_SHRINK_LIMIT	8000UL	/* limit of the cache, in pages */
#define MAL_SHRINK_CACHED	3000U	/* areas in the cache at the beginning */
#define MAL_SHRINK_SPARE	6000U	/* areas freed during the call */

/*
 * The feeder frees this many more areas than have been evicted, because the
 * CPU's part of the cache takes some of them first.
 */
#define MAL_SHRINK_AHEAD	2000U

/* Areas that the task unmaps between checks for a fatal signal. */
#define MAL_SHRINK_BURST	64U

/**
 * struct mal_shrink_test - a MEMALLOC_SHRINK call and its disturbance
 * @file: the device
 * @arg: argument of the ioctl, in user space
 * @areas: areas of one page each
 * @nr: number of @areas that have not been freed
 * @evicted: number of evictions before the call
 * @kill_after: evictions after which the task is killed, or 0
 * @killed_at: number of evictions once the signal had been sent
 * @task: the task that calls the ioctl
 */
struct mal_shrink_test {
	struct file *file;
	struct memalloc_shrink __user *arg;
	void **areas;
	unsigned int nr;
	unsigned long evicted;
	unsigned long kill_after;
	unsigned long killed_at;
	struct task_struct *task;
};

static unsigned long mal_shrink_evicted(void)
{
	struct mal_area_cache_stats stats;

	mal_area_cache_stats(&stats);
	return stats.evicted;
}

static unsigned long mal_shrink_cached(void)
{
	struct mal_area_cache_stats stats;

	mal_area_cache_stats(&stats);
	return stats.areas;
}

static u64 mal_shrink_returned(void)
{
	struct memalloc_stats_borrowing stats;

	mal_borrow_stats(&stats);
	return stats.returned_total;
}

static void mal_shrink_free_areas(struct mal_shrink_test *shrink, unsigned int left)
{
	while (shrink->nr > left) {
		shrink->nr--;
		mal_vfree(shrink->areas[shrink->nr]);
	}
}

static int mal_shrink_init(struct kunit *test)
{
	struct mal_shrink_test *shrink = kunit_kzalloc(test, sizeof(*shrink), GFP_KERNEL);

	if (!shrink)
		return -ENOMEM;
	shrink->areas = kunit_kcalloc(test, MAL_SHRINK_CACHED + MAL_SHRINK_SPARE,
				      sizeof(*shrink->areas), GFP_KERNEL);
	if (!shrink->areas)
		return -ENOMEM;
	shrink->task = current;
	shrink->file = filp_open("/dev/memalloc", O_RDWR, 0);
	if (IS_ERR(shrink->file))
		return PTR_ERR(shrink->file);
	test->priv = shrink;
	mal_area_cache_shrink(ULONG_MAX);
	return mal_account_cap(MAL_SHRINK_CAP);
}

static void mal_shrink_exit(struct kunit *test)
{
	struct mal_shrink_test *shrink = test->priv;

	if (!shrink)
		return;
	mal_shrink_free_areas(shrink, 0);
	mal_area_cache_shrink(ULONG_MAX);
	__fput_sync(shrink->file);
	mal_account_uncap();
	mal_account_settle(test);
}

/* Fault in the argument, because a killed task gets no more pages. */
static void mal_shrink_prepare(struct kunit *test, struct mal_shrink_test *shrink)
{
	struct memalloc_shrink arg = { .size = sizeof(arg) };
	unsigned long addr;

	KUNIT_ASSERT_EQ(test, kunit_attach_mm(), 0);
	addr = kunit_vm_mmap(test, NULL, 0, PAGE_SIZE, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS, 0);
	KUNIT_ASSERT_FALSE(test, !addr || IS_ERR_VALUE(addr));
	shrink->arg = (struct memalloc_shrink __user *)addr;
	KUNIT_ASSERT_EQ(test, copy_to_user(shrink->arg, &arg, sizeof(arg)), 0UL);
}

static long mal_shrink_call(struct mal_shrink_test *shrink)
{
	return shrink->file->f_op->unlocked_ioctl(shrink->file, MEMALLOC_SHRINK,
						  (unsigned long)shrink->arg);
}

static void mal_shrink_alloc_areas(struct kunit *test, struct mal_shrink_test *shrink,
				   unsigned int nr)
{
	mal_area_cache_set_limit(MAL_SHRINK_LIMIT);
	while (shrink->nr < nr) {
		void *area = mal_vmalloc(PAGE_SIZE);

		KUNIT_ASSERT_NOT_NULL(test, area);
		shrink->areas[shrink->nr++] = area;
	}
}

/* allow_signal() has made the kernel thread killable. */
static void mal_shrink_kill(struct mal_shrink_test *shrink)
{
	send_sig(SIGKILL, shrink->task, 1);
	shrink->killed_at = mal_shrink_evicted();
}

static void mal_shrink_revive(void)
{
	flush_signals(current);
	disallow_signal(SIGKILL);
}

/* Free an area for each one that has been evicted. */
static void mal_shrink_feed(struct mal_shrink_test *shrink, unsigned int gone)
{
	unsigned int freed = MAL_SHRINK_SPARE - shrink->nr;

	if (gone && gone + MAL_SHRINK_AHEAD > freed)
		mal_shrink_free_areas(shrink, shrink->nr -
				      min(shrink->nr, gone + MAL_SHRINK_AHEAD - freed));
}

static int mal_shrink_other(void *data)
{
	struct mal_shrink_test *shrink = data;

	while (!kthread_should_stop()) {
		unsigned long gone = mal_shrink_evicted() - shrink->evicted;

		if (!shrink->kill_after)
			mal_shrink_feed(shrink, gone);
		else if (gone >= shrink->kill_after && !shrink->killed_at)
			mal_shrink_kill(shrink);
		cpu_relax();
		cond_resched();
	}
	return 0;
}

/* Returns the result of the ioctl, after the thread has stopped. */
static long mal_shrink_with_other(struct kunit *test, struct mal_shrink_test *shrink)
{
	unsigned int here = raw_smp_processor_id();
	struct task_struct *other;
	long err;

	set_cpus_allowed_ptr(current, cpumask_of(here));
	shrink->evicted = mal_shrink_evicted();
	other = kthread_create(mal_shrink_other, shrink, "memalloc_test");
	KUNIT_ASSERT_FALSE(test, IS_ERR(other));
	kthread_bind(other, cpumask_any_but(cpu_online_mask, here));
	wake_up_process(other);
	err = mal_shrink_call(shrink);
	kthread_stop(other);
	set_cpus_allowed_ptr(current, cpu_possible_mask);
	return err;
}

static void mal_test_shrink_is_bounded(struct kunit *test)
{
	struct mal_shrink_test *shrink = test->priv;
	unsigned long cached;

	if (num_online_cpus() < 2)
		kunit_skip(test, "needs two CPUs");
	mal_shrink_prepare(test, shrink);
	mal_shrink_alloc_areas(test, shrink, MAL_SHRINK_CACHED + MAL_SHRINK_SPARE);
	mal_shrink_free_areas(shrink, MAL_SHRINK_SPARE);
	cached = mal_shrink_cached();
	KUNIT_EXPECT_EQ(test, cached, MAL_SHRINK_CACHED);
	KUNIT_EXPECT_EQ(test, mal_shrink_with_other(test, shrink), 0L);
	KUNIT_EXPECT_LE(test, mal_shrink_evicted() - shrink->evicted, cached);
	KUNIT_EXPECT_LT(test, shrink->nr, MAL_SHRINK_SPARE);
}

static void mal_test_kill_during_eviction(struct kunit *test)
{
	struct mal_shrink_test *shrink = test->priv;
	long err;

	if (num_online_cpus() < 2)
		kunit_skip(test, "needs two CPUs");
	mal_shrink_prepare(test, shrink);
	mal_shrink_alloc_areas(test, shrink, MAL_SHRINK_CACHED);
	mal_shrink_free_areas(shrink, 0);
	shrink->kill_after = 2 * MAL_SHRINK_BURST;
	allow_signal(SIGKILL);
	err = mal_shrink_with_other(test, shrink);
	mal_shrink_revive();
	KUNIT_EXPECT_NE(test, shrink->killed_at, 0UL);
	KUNIT_EXPECT_LE(test, mal_shrink_evicted() - shrink->killed_at, MAL_SHRINK_BURST);
	KUNIT_EXPECT_TRUE_MSG(test, !err || err == -EINTR, "%ld", err);
}

/* Pages in the zones are returned block by block; a kill stops that, too. */
static void mal_test_killed_task_returns_nothing(struct kunit *test)
{
	struct mal_shrink_test *shrink = test->priv;
	u64 returned;

	mal_shrink_prepare(test, shrink);
	mal_shrink_alloc_areas(test, shrink, MAL_SHRINK_CACHED);
	mal_area_cache_set_limit(0);
	mal_shrink_free_areas(shrink, 0);
	mal_area_cache_set_limit(MAL_SHRINK_LIMIT);
	mal_shrink_alloc_areas(test, shrink, MAL_SHRINK_CACHED / 2);
	mal_shrink_free_areas(shrink, 0);
	shrink->evicted = mal_shrink_evicted();
	returned = mal_shrink_returned();
	allow_signal(SIGKILL);
	mal_shrink_kill(shrink);
	KUNIT_EXPECT_EQ(test, mal_shrink_call(shrink), -EINTR);
	mal_shrink_revive();
	KUNIT_EXPECT_LE(test, mal_shrink_evicted() - shrink->evicted, MAL_SHRINK_BURST);
	KUNIT_EXPECT_EQ(test, mal_shrink_returned(), returned);
	KUNIT_EXPECT_EQ(test, mal_shrink_call(shrink), 0L);
	KUNIT_EXPECT_GT(test, mal_shrink_returned(), returned);
	KUNIT_EXPECT_EQ(test, mal_shrink_cached(), 0UL);
}

static struct kunit_case mal_shrink_cases[] = {
	KUNIT_CASE_SLOW(mal_test_shrink_is_bounded),
	KUNIT_CASE(mal_test_kill_during_eviction),
	KUNIT_CASE(mal_test_killed_task_returns_nothing),
	{}
};

struct kunit_suite mal_device_shrink_suite = {
	.name = "memalloc_device_shrink",
	.init = mal_shrink_init,
	.exit = mal_shrink_exit,
	.test_cases = mal_shrink_cases,
};
