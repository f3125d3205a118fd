// SPDX-License-Identifier: GPL-2.0
/*
 * The page shrinker counts the pages that can be returned, returns blocks of
 * the zones before those of the per-CPU lists, and keeps the sizes of the lists
 *
 * The tests call the shrinker through the host's debugfs, as reclaim does, with
 * a number of pages or for the count (CONFIG_SHRINKER_DEBUG).
 */
#include <kunit/test.h>

#include <linux/cpumask.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/kstrtox.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/sched.h>
#include <linux/string.h>
#include <linux/topology.h>
#include <linux/uaccess.h>

#include <memalloc/page_alloc.h>

#include "internal/borrow.h"
#include "internal/pcp.h"
#include "internal/region.h"

#include "memalloc_kunit.h"
#include "page_account.h"

#define MAL_SHRINKER_CAP	(64UL << (20 - PAGE_SHIFT))
#define MAL_SHRINKER_IDS	4096	/* the host numbers shrinkers from zero */
#define MAL_SHRINKER_BLOCKS	100U
#define MAL_SHRINKER_ORDERS	4U

/*
 * More free memory than the shrinker is asked for. The memory of the host may
 * be fragmented, so it is not in blocks of the highest order.
 */
#define MAL_SHRINKER_LARGE	64U
#define MAL_SHRINKER_LARGE_ORDER	6

/**
 * struct mal_shrinker_lists - contents and limits of a CPU's lists
 * @granted: limit of all lists together, in pages
 * @kept: blocks on each list
 * @high: limit of each list, in blocks
 */
struct mal_shrinker_lists {
	unsigned long granted;
	unsigned int kept[MAL_PCP_NR][MAL_NR_ORDERS];
	unsigned int high[MAL_PCP_NR][MAL_NR_ORDERS];
};

/* Open a debugfs file of the page shrinker. */
static struct file *mal_shrinker_open(const char *name, int flags)
{
	struct file *file = ERR_PTR(-ENOENT);
	char path[64];
	int id;

	for (id = 0; id < MAL_SHRINKER_IDS && IS_ERR(file); id++) {
		snprintf(path, sizeof(path), "/sys/kernel/debug/shrinker/memalloc-%d/%s", id, name);
		file = filp_open(path, flags, 0);
	}
	return file;
}

/* Returns a page of user space. */
static char __user *mal_shrinker_buffer(struct kunit *test)
{
	unsigned long addr;

	KUNIT_ASSERT_EQ(test, kunit_attach_mm(), 0);
	addr = kunit_vm_mmap(test, NULL, 0, PAGE_SIZE, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS, 0);
	KUNIT_ASSERT_FALSE(test, !addr || IS_ERR_VALUE(addr));
	return (char __user *)addr;
}

static void mal_shrinker_scan(struct kunit *test, unsigned long nr_pages)
{
	char __user *buffer = mal_shrinker_buffer(test);
	struct file *file = test->priv;
	char text[64];
	loff_t pos = 0;
	int length;

	length = snprintf(text, sizeof(text), "0 %d %lu", numa_mem_id(), nr_pages);
	KUNIT_ASSERT_EQ(test, copy_to_user(buffer, text, length), 0UL);
	KUNIT_EXPECT_EQ(test, file->f_op->write(file, buffer, length, &pos), (ssize_t)length);
}

/*
 * Returns the sum of all nodes. The file has the number of a memory cgroup and
 * the counts, or nothing if all are zero.
 */
static u64 mal_shrinker_count(struct kunit *test, char __user *buffer)
{
	struct file *file = mal_shrinker_open("count", O_RDONLY);
	char text[256] = "", *rest = text, *word;
	u64 sum = 0, count;
	loff_t pos = 0;
	ssize_t length;

	KUNIT_ASSERT_FALSE(test, IS_ERR(file));
	length = file->f_op->read(file, buffer, sizeof(text) - 1, &pos);
	__fput_sync(file);
	KUNIT_ASSERT_GE(test, length, (ssize_t)0);
	KUNIT_ASSERT_EQ(test, copy_from_user(text, buffer, length), 0UL);
	strsep(&rest, " ");
	while ((word = strsep(&rest, "\n ")))
		if (!kstrtou64(word, 10, &count))
			sum += count;
	return sum;
}

static u64 mal_shrinker_returned(void)
{
	struct memalloc_stats_borrowing stats;

	mal_borrow_stats(&stats);
	return stats.returned_total;
}

static struct mal_shrinker_lists *mal_shrinker_read(struct kunit *test)
{
	struct mal_shrinker_lists *lists = kunit_kzalloc(test, sizeof(*lists), GFP_KERNEL);
	unsigned int type, order;
	struct mal_pcp *pcp;

	KUNIT_ASSERT_NOT_NULL(test, lists);
	preempt_disable();
	pcp = this_cpu_ptr(&mal_pcp);
	lists->granted = pcp->granted;
	for (type = 0; type < MAL_PCP_NR; type++) {
		for (order = 0; order < MAL_NR_ORDERS; order++) {
			const struct mal_pcp_list *list = &pcp->lists[type][order];

			lists->high[type][order] = list->high;
			lists->kept[type][order] = list->high - list->room;
		}
	}
	preempt_enable();
	return lists;
}

static unsigned int mal_shrinker_sum(const unsigned int sums[][MAL_NR_ORDERS])
{
	unsigned int type, order, sum = 0;

	for (type = 0; type < MAL_PCP_NR; type++)
		for (order = 0; order < MAL_NR_ORDERS; order++)
			sum += sums[type][order];
	return sum;
}

static void mal_shrinker_use(struct kunit *test, unsigned int nr, unsigned int order)
{
	struct page *pages[MAL_SHRINKER_BLOCKS];
	unsigned int i;

	for (i = 0; i < nr; i++) {
		pages[i] = mal_alloc_pages(GFP_KERNEL, order);
		KUNIT_EXPECT_NOT_NULL(test, pages[i]);
	}
	while (i--)
		mal_free_pages(pages[i], order);
}

/* Leave free blocks in the zones, and let the lists of this CPU grow. */
static void mal_shrinker_tune(struct kunit *test)
{
	unsigned int order, turn;

	mal_shrinker_use(test, MAL_SHRINKER_LARGE, MAL_SHRINKER_LARGE_ORDER);
	for (turn = 0; turn < 4; turn++)
		for (order = 0; order < MAL_SHRINKER_ORDERS; order++)
			mal_shrinker_use(test, MAL_SHRINKER_BLOCKS, order);
}

static int mal_shrinker_test_init(struct kunit *test)
{
	struct file *file = mal_shrinker_open("scan", O_WRONLY);

	if (IS_ERR(file))
		kunit_skip(test, "needs CONFIG_SHRINKER_DEBUG");
	test->priv = file;
	set_cpus_allowed_ptr(current, cpumask_of(raw_smp_processor_id()));
	return mal_account_cap(MAL_SHRINKER_CAP);
}

static void mal_shrinker_test_exit(struct kunit *test)
{
	set_cpus_allowed_ptr(current, cpu_possible_mask);
	if (!test->priv)
		return;
	__fput_sync(test->priv);
	mal_account_uncap();
	mal_account_settle(test);
}

/* A worker may be refilling the reserve, or looking at pinned pages. */
#define MAL_SHRINKER_TRIES	200

/* Expect that the shrinker counts the free pages without the reserve. */
static void mal_shrinker_expect_count(struct kunit *test, char __user *buffer)
{
	struct memalloc_stats_borrowing stats;
	int tries = MAL_SHRINKER_TRIES;
	u64 count;

	do {
		count = mal_shrinker_count(test, buffer);
		mal_borrow_stats(&stats);
	} while (count != stats.free - stats.reserve && tries-- &&
		 schedule_timeout_uninterruptible(1) >= 0);
	KUNIT_EXPECT_EQ(test, count, stats.free - stats.reserve);
}

static void mal_test_count_leaves_the_reserve(struct kunit *test)
{
	char __user *buffer = mal_shrinker_buffer(test);
	struct page *page;

	mal_borrow_shrink(0);
	mal_shrinker_expect_count(test, buffer);
	mal_shrinker_tune(test);
	mal_shrinker_expect_count(test, buffer);
	page = mal_alloc_pages(GFP_KERNEL, MAL_SHRINKER_LARGE_ORDER);
	KUNIT_EXPECT_NOT_NULL(test, page);
	mal_shrinker_expect_count(test, buffer);
	mal_free_pages(page, MAL_SHRINKER_LARGE_ORDER);
}

static void mal_test_zones_go_first(struct kunit *test)
{
	const struct mal_shrinker_lists *before, *after;
	u64 returned;

	mal_shrinker_tune(test);
	before = mal_shrinker_read(test);
	KUNIT_EXPECT_GT(test, mal_shrinker_sum(before->kept), 0U);
	returned = mal_shrinker_returned();
	mal_shrinker_scan(test, MAL_SECTION_PAGES);
	KUNIT_EXPECT_GE(test, mal_shrinker_returned() - returned, (u64)MAL_SECTION_PAGES);
	after = mal_shrinker_read(test);
	KUNIT_EXPECT_EQ(test, after->granted, before->granted);
	KUNIT_EXPECT_EQ(test, memcmp(after->kept, before->kept, sizeof(after->kept)), 0);
	KUNIT_EXPECT_EQ(test, memcmp(after->high, before->high, sizeof(after->high)), 0);
}

/* The lists are emptied if no other memory is left. */
static void mal_test_lists_go_last(struct kunit *test)
{
	struct memalloc_stats_borrowing stats;
	const struct mal_shrinker_lists *after;

	mal_shrinker_tune(test);
	mal_borrow_stats(&stats);
	mal_shrinker_scan(test, stats.borrowed);
	after = mal_shrinker_read(test);
	KUNIT_EXPECT_EQ(test, mal_shrinker_sum(after->kept), 0U);
	KUNIT_EXPECT_EQ(test, mal_shrinker_sum(after->high), 0U);
	mal_borrow_stats(&stats);
	KUNIT_EXPECT_EQ(test, stats.borrowed, stats.reserve);
}

static struct kunit_case mal_shrinker_cases[] = {
	KUNIT_CASE(mal_test_count_leaves_the_reserve),
	KUNIT_CASE(mal_test_zones_go_first),
	KUNIT_CASE(mal_test_lists_go_last),
	{}
};

struct kunit_suite mal_borrow_shrinker_suite = {
	.name = "memalloc_borrow_shrinker",
	.init = mal_shrinker_test_init,
	.exit = mal_shrinker_test_exit,
	.test_cases = mal_shrinker_cases,
};
