// SPDX-License-Identifier: GPL-2.0
/*
 * kmalloc: size classes, alignment, contents, resizing and RCU
 */
#include <kunit/test.h>

#include <linux/cpumask.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/prandom.h>
#include <linux/slab.h>

#include <memalloc/kmalloc.h>
#include <memalloc/kvmalloc.h>

#include "internal/kmalloc.h"
#include "internal/slab_cache.h"
#include "internal/slab_reclaim.h"

#include "memalloc_kunit.h"
#include "page_account.h"

static void mal_kmalloc_exit_test(struct kunit *test)
{
	mal_kfree_rcu_barrier();
	mal_slab_shrink();
	rcu_barrier();
	mal_account_settle(test);
}

/* Each size is served by the smallest class that fits. */
static void mal_test_class_of_each_size(struct kunit *test)
{
	size_t size;

	for (size = 1; size <= MAL_KMALLOC_MAX_CLASS; size++) {
		unsigned int index = mal_kmalloc_index(size);
		size_t class = mal_kmalloc_class_size(index);

		KUNIT_ASSERT_LT(test, index, MAL_NR_KMALLOC_CLASSES);
		KUNIT_EXPECT_GE(test, class, size);
		if (index)
			KUNIT_EXPECT_LT(test, mal_kmalloc_class_size(index - 1), size);
		if (size > 64)
			KUNIT_EXPECT_LE(test, (class - size) * 5, class);
	}
}

static void mal_test_room_and_alignment(struct kunit *test)
{
	size_t size;
	void *object;

	for (size = 1; size <= 3 * MAL_KMALLOC_MAX_CLASS;
	     size = min(size + 1 + size / 64, roundup_pow_of_two(size + 1))) {
		object = mal_kmalloc(size, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, object);
		KUNIT_EXPECT_GE(test, mal_ksize(object), size);
		KUNIT_EXPECT_EQ(test, mal_ksize(object),
				mal_kmalloc_size_roundup(size));
		if (is_power_of_2(size))
			KUNIT_EXPECT_TRUE(test, IS_ALIGNED((unsigned long)object, size));
		memset(object, 0x5a, size);
		mal_kfree(object);
	}
}

/*
 * Check the rule of dma-mapping.h for each ARCH_KMALLOC_MINALIGN: an object
 * that may be mapped without bouncing shares no cache line with another object.
 */
static void mal_test_dma_alignment(struct kunit *test)
{
	size_t dma, size, align;

	for (dma = 16; dma <= 256; dma *= 2) {
		for (size = 1; size <= MAL_KMALLOC_MAX_CLASS; size++) {
			if (size < 2 * dma && !IS_ALIGNED(kmalloc_size_roundup(size), dma))
				continue;
			align = mal_kmalloc_class_align(mal_kmalloc_index(size), dma);
			KUNIT_ASSERT_TRUE_MSG(test, IS_ALIGNED(align, dma),
					      "%zu bytes are aligned to %zu, not %zu",
					      size, align, dma);
		}
	}
	align = mal_kmalloc_class_align(mal_kmalloc_index(100), 128);
	KUNIT_EXPECT_EQ(test, ALIGN(mal_kmalloc_class_size(mal_kmalloc_index(100)), align),
			128UL);
}

/* Sizes resolved at compile time use the same classes as the table. */
static void mal_test_constant_sizes(struct kunit *test)
{
#define mal_expect_constant(size) do {					\
	void *object = mal_kmalloc(size, GFP_KERNEL);			\
									\
	KUNIT_ASSERT_NOT_NULL(test, object);				\
	KUNIT_EXPECT_EQ(test, mal_ksize(object),			\
			mal_kmalloc_size_roundup(size));		\
	mal_kfree(object);						\
} while (0)

	mal_expect_constant(1);
	mal_expect_constant(8);
	mal_expect_constant(9);
	mal_expect_constant(64);
	mal_expect_constant(65);
	mal_expect_constant(96);
	mal_expect_constant(97);
	mal_expect_constant(1000);
	mal_expect_constant(8191);
	mal_expect_constant(8192);
	mal_expect_constant(8193);
	mal_expect_constant(100000);
#undef mal_expect_constant
}

static void mal_test_impossible_sizes(struct kunit *test)
{
	size_t huge = SIZE_MAX, most = MAL_KMALLOC_MAX_SIZE;
	void *object;

	OPTIMIZER_HIDE_VAR(huge);
	OPTIMIZER_HIDE_VAR(most);
	KUNIT_EXPECT_NULL(test, mal_kmalloc(huge, GFP_KERNEL | __GFP_NOWARN));
	KUNIT_EXPECT_NULL(test, mal_kmalloc(huge - 4096, GFP_KERNEL | __GFP_NOWARN));
	KUNIT_EXPECT_NULL(test, mal_kmalloc(most + 1, GFP_KERNEL | __GFP_NOWARN));
	KUNIT_EXPECT_NULL(test, mal_kmalloc_array(huge / 2, 3, GFP_KERNEL));
	KUNIT_EXPECT_NULL(test, mal_kcalloc(huge, huge, GFP_KERNEL));
	KUNIT_EXPECT_NULL(test, mal_krealloc_array(NULL, huge, 2, GFP_KERNEL));
	KUNIT_EXPECT_PTR_EQ(test, mal_kmalloc(0, GFP_KERNEL), ZERO_SIZE_PTR);
	KUNIT_EXPECT_PTR_EQ(test, mal_kcalloc(0, 8, GFP_KERNEL), ZERO_SIZE_PTR);
	KUNIT_EXPECT_EQ(test, mal_ksize(ZERO_SIZE_PTR), 0UL);
	object = mal_kmalloc(most, GFP_KERNEL);
	KUNIT_EXPECT_NOT_NULL(test, object);
	KUNIT_EXPECT_EQ(test, mal_ksize(object), most);
	mal_kfree(object);
}

/* A large allocation takes no more pages than its size needs. */
static void mal_test_large_takes_no_spare_pages(struct kunit *test)
{
	unsigned long pages;

	for (pages = 3; pages <= 100; pages++) {
		void *object = mal_kmalloc(pages * PAGE_SIZE - 5, GFP_KERNEL);

		KUNIT_ASSERT_NOT_NULL(test, object);
		mal_account_check(test, pages, 0);
		mal_kfree(object);
		mal_account_check(test, 0, 0);
	}
}

static void mal_test_resize(struct kunit *test)
{
	u8 *object = mal_kmalloc(100, GFP_KERNEL), *moved;
	int i;

	KUNIT_ASSERT_NOT_NULL(test, object);
	for (i = 0; i < 100; i++)
		object[i] = i;
	moved = mal_krealloc(object, mal_ksize(object), GFP_KERNEL);
	KUNIT_EXPECT_PTR_EQ(test, moved, object);
	moved = mal_krealloc(object, 5000, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, moved);
	for (i = 0; i < 100; i++)
		KUNIT_EXPECT_EQ(test, moved[i], i);
	object = mal_krealloc(moved, 30000, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, object);
	for (i = 0; i < 100; i++)
		KUNIT_EXPECT_EQ(test, object[i], i);
	KUNIT_EXPECT_PTR_EQ(test, mal_krealloc(object, 29000, GFP_KERNEL), object);
	KUNIT_EXPECT_PTR_EQ(test, mal_krealloc(object, 0, GFP_KERNEL), ZERO_SIZE_PTR);
	object = mal_krealloc(NULL, 10, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, object);
	mal_kfree(object);
}

/*
 * A large allocation stays in place when shrunk, so restart with a new one now
 * and then.
 */
static void mal_resize_at_random(struct kunit *test, struct rnd_state *rnd,
				 void *(*resize)(const void *memory, size_t size, gfp_t gfp),
				 void (*release)(const void *memory))
{
	size_t size = 0, want;
	u8 *memory = NULL;
	u32 most = 100;
	int i;

	for (i = 0; i < 2000; i++) {
		want = 1 + prandom_u32_state(rnd) % most;
		memory = resize(memory, want, GFP_KERNEL | __GFP_ZERO);
		KUNIT_ASSERT_NOT_NULL(test, memory);
		KUNIT_ASSERT_NULL(test, memchr_inv(memory, 0xa5, min(size, want)));
		if (want > size)
			KUNIT_ASSERT_NULL(test, memchr_inv(memory + size, 0, want - size));
		memset(memory, 0xa5, want);
		size = want;
		if (i % 10 == 9) {
			release(memory);
			memory = NULL;
			size = 0;
			most = 8 << prandom_u32_state(rnd) % 13;
		}
	}
}

static void mal_test_resize_zeroes_added_bytes(struct kunit *test)
{
	struct rnd_state rnd;

	prandom_seed_state(&rnd, mal_test_seed(test));
	mal_resize_at_random(test, &rnd, mal_krealloc, mal_kfree);
	mal_resize_at_random(test, &rnd, mal_kvrealloc, mal_kvfree);
}

static void mal_test_copies(struct kunit *test)
{
	char *copy = mal_kstrdup("memory", GFP_KERNEL);

	KUNIT_EXPECT_STREQ(test, copy, "memory");
	mal_kfree(copy);
	copy = mal_kstrndup("memory", 3, GFP_KERNEL);
	KUNIT_EXPECT_STREQ(test, copy, "mem");
	mal_kfree(copy);
	copy = mal_kmemdup_nul("memory", 4, GFP_KERNEL);
	KUNIT_EXPECT_STREQ(test, copy, "memo");
	mal_kfree(copy);
	copy = mal_kmemdup("memory", 7, GFP_KERNEL);
	KUNIT_EXPECT_STREQ(test, copy, "memory");
	mal_kfree(copy);
	KUNIT_EXPECT_NULL(test, mal_kstrdup(NULL, GFP_KERNEL));
}

static void mal_test_zeroes(struct kunit *test)
{
	size_t size;

	for (size = 1; size < 70000; size += 1 + size / 3) {
		u8 *object = mal_kmalloc(size, GFP_KERNEL);

		KUNIT_ASSERT_NOT_NULL(test, object);
		memset(object, 0xff, size);
		mal_kfree(object);
		object = mal_kzalloc(size, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, object);
		KUNIT_EXPECT_NULL(test, memchr_inv(object, 0, size));
		mal_kfree(object);
	}
}

/* Memory freed by RCU stays intact until the readers have left. */
static void mal_test_grace_period(struct kunit *test)
{
	struct mal_cache_stats stats;
	struct {
		u64 mark;
		struct rcu_head rcu;
	} *object = mal_kmalloc(sizeof(*object), GFP_KERNEL), *p = object;
	struct mal_kmem_cache *cache;
	unsigned long until;
	bool intact = true;
	u64 active;

	KUNIT_ASSERT_NOT_NULL(test, object);
	cache = mal_kmalloc_caches[MAL_KMALLOC_NORMAL][mal_kmalloc_index(sizeof(*object))];
	mal_cache_stats(cache, &stats);
	active = stats.active;
	object->mark = 0x1122334455667788;
	rcu_read_lock();
	mal_kfree_rcu(object, rcu);
	until = jiffies + HZ / 10;
	while (time_before(jiffies, until))
		intact &= READ_ONCE(p->mark) == 0x1122334455667788;
	mal_cache_stats_peek(cache, &stats);
	rcu_read_unlock();
	KUNIT_EXPECT_TRUE(test, intact);
	/* Objects that a purge takes from a CPU meanwhile count as active. */
	KUNIT_EXPECT_GE(test, stats.active, active);
	mal_kfree_rcu_barrier();
	mal_cache_stats(cache, &stats);
	KUNIT_EXPECT_EQ(test, stats.active, active - 1);
}

#define MAL_NO_GRACE_NR		600

/**
 * struct mal_reader - a task in an RCU read-side critical section
 * @is_in: it has entered
 * @end: it may leave at once
 * @wait_for: it may leave when this task sleeps
 * @gave_up: it left after ten seconds
 */
struct mal_reader {
	bool is_in;
	bool end;
	struct task_struct *wait_for;
	bool gave_up;
};

/* Jiffies for which a task sleeps without interruption. */
#define MAL_READER_ASLEEP	(HZ / 20)

/* Has the task been asleep since @since? Otherwise sets @since to now. */
static bool mal_reader_sees_sleep(struct task_struct *task, unsigned long *since)
{
	if (!task || READ_ONCE(task->__state) == TASK_RUNNING)
		*since = jiffies;
	return time_after(jiffies, *since + MAL_READER_ASLEEP);
}

static int mal_reader_run(void *data)
{
	struct mal_reader *reader = data;
	unsigned long until = jiffies + 10 * HZ, awake = jiffies;
	bool end = false;

	rcu_read_lock();
	WRITE_ONCE(reader->is_in, true);
	while (!end && time_before(jiffies, until)) {
		cpu_relax();
		end = READ_ONCE(reader->end) ||
		      mal_reader_sees_sleep(READ_ONCE(reader->wait_for), &awake);
	}
	rcu_read_unlock();
	WRITE_ONCE(reader->gave_up, !end);
	while (!kthread_should_stop())
		schedule_timeout_uninterruptible(1);
	return 0;
}

/* Start it on another CPU. */
static struct task_struct *mal_reader_start(struct kunit *test, struct mal_reader *reader)
{
	struct task_struct *task = kthread_create(mal_reader_run, reader, "mal_reader");

	KUNIT_ASSERT_FALSE(test, IS_ERR(task));
	kthread_bind(task, cpumask_any_but(cpu_online_mask, raw_smp_processor_id()));
	wake_up_process(task);
	while (!READ_ONCE(reader->is_in))
		schedule_timeout_uninterruptible(1);
	return task;
}

/* Frees without a struct rcu_head are batched: they share grace periods. */
static void mal_test_frees_share_grace_periods(struct kunit *test)
{
	struct mal_reader reader = { };
	struct task_struct *task;
	void **objects;
	unsigned int i;

	if (num_online_cpus() < 2) {
		kunit_skip(test, "the reader needs a processor");
		return;
	}
	objects = kunit_kcalloc(test, MAL_NO_GRACE_NR, sizeof(*objects), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, objects);
	for (i = 0; i < MAL_NO_GRACE_NR; i++) {
		objects[i] = mal_kmalloc(64, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, objects[i]);
	}
	task = mal_reader_start(test, &reader);
	for (i = 0; i < MAL_NO_GRACE_NR; i++)
		mal_kvfree_rcu_mightsleep(objects[i]);
	WRITE_ONCE(reader.end, true);
	kthread_stop(task);
	KUNIT_EXPECT_FALSE(test, reader.gave_up);
}

#define MAL_BARRIER_ROUNDS	3

/* Jiffies after which a free waits for a grace period, on an idle CPU. */
#define MAL_BARRIER_PAUSE	(HZ / 5)

static void mal_barrier_free(struct kunit *test, struct mal_kmem_cache *cache)
{
	struct rcu_head *object = mal_kmem_cache_alloc(cache, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, object);
	mal_kfree_call_rcu(object, object);
}

/*
 * The grace period of a free has begun and cannot end when another object is
 * freed on the same CPU. It ends while the task sleeps in the barrier, which
 * waits for both. As rcu_barrier(), it waits for all earlier calls.
 */
static void mal_test_barrier_waits_for_later_frees(struct kunit *test)
{
	struct mal_kmem_cache *cache = mal_kmem_cache_create("barrier", 64, 0, 0, NULL);
	struct mal_cache_stats stats;
	struct task_struct *task;
	unsigned int round;

	if (num_online_cpus() < 2)
		kunit_skip(test, "the reader needs a CPU");
	KUNIT_ASSERT_NOT_NULL(test, cache);
	set_cpus_allowed_ptr(current, cpumask_of(raw_smp_processor_id()));
	for (round = 0; round < MAL_BARRIER_ROUNDS; round++) {
		struct mal_reader reader = { };

		task = mal_reader_start(test, &reader);
		mal_barrier_free(test, cache);
		schedule_timeout_uninterruptible(MAL_BARRIER_PAUSE);
		mal_barrier_free(test, cache);
		WRITE_ONCE(reader.wait_for, current);
		mal_kfree_rcu_barrier();
		mal_cache_stats(cache, &stats);
		KUNIT_EXPECT_EQ(test, stats.active, 0ULL);
		kthread_stop(task);
		KUNIT_EXPECT_FALSE(test, reader.gave_up);
	}
	set_cpus_allowed_ptr(current, cpu_possible_mask);
	mal_kmem_cache_destroy(cache);
}

#if IS_ENABLED(CONFIG_ZONE_DMA)
static void mal_test_dma(struct kunit *test)
{
	void *object = mal_kmalloc(100, GFP_KERNEL | GFP_DMA);

	KUNIT_ASSERT_NOT_NULL(test, object);
	KUNIT_EXPECT_EQ(test, page_zonenum(virt_to_page(object)), ZONE_DMA);
	mal_kfree(object);
}
#endif

static struct kunit_case mal_kmalloc_cases[] = {
	KUNIT_CASE(mal_test_class_of_each_size),
	KUNIT_CASE(mal_test_room_and_alignment),
	KUNIT_CASE(mal_test_dma_alignment),
	KUNIT_CASE(mal_test_constant_sizes),
	KUNIT_CASE(mal_test_impossible_sizes),
	KUNIT_CASE(mal_test_large_takes_no_spare_pages),
	KUNIT_CASE(mal_test_resize),
	KUNIT_CASE(mal_test_resize_zeroes_added_bytes),
	KUNIT_CASE(mal_test_copies),
	KUNIT_CASE(mal_test_zeroes),
	KUNIT_CASE(mal_test_grace_period),
	KUNIT_CASE(mal_test_frees_share_grace_periods),
	KUNIT_CASE(mal_test_barrier_waits_for_later_frees),
#if IS_ENABLED(CONFIG_ZONE_DMA)
	KUNIT_CASE(mal_test_dma),
#endif
	{}
};

struct kunit_suite mal_kmalloc_suite = {
	.name = "memalloc_kmalloc",
	.exit = mal_kmalloc_exit_test,
	.test_cases = mal_kmalloc_cases,
};
