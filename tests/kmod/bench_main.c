// SPDX-License-Identifier: GPL-2.0
/*
 * memalloc_bench: benchmark memalloc's allocators against the host's
 *
 * Each workload is a file in /sys/kernel/debug/memalloc_bench, for example
 * hot/page-0. The file "list" has all names. Reading a workload runs it and
 * returns a line per repetition:
 *
 *	hot/page-0	1024	706560	102400
 *
 * The columns are the name, the number of pairs of an allocation and a free per
 * thread, and the time of the host's allocator and of memalloc in nanoseconds.
 * If the clock counts instructions, one per nanosecond, the times are
 * instructions.
 *
 * bench_run.c measures, bench_patterns.h defines the patterns, and bench_page.c
 * etc. define the objects. To add a kind of object, add a row to bench_kinds[];
 * to add a pattern, add one to bench_patterns[]. bench_memory.c measures the
 * memory used by both sides.
 *
 * A workload is available if both sides together can hold its objects in three
 * quarters of the memory, and if enough CPUs are online. memalloc's "lean" mode
 * has workloads of its own for the objects that it affects. The mode is set
 * when memalloc is loaded, so they need another boot.
 */
#include <linux/cpumask.h>
#include <linux/debugfs.h>
#include <linux/kernel.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "bench.h"
#include "bench_memory.h"
#include "bench_mixed.h"
#include "internal/compat.h"

#define BENCH_MAX_REPETITIONS	10000U
#define BENCH_LINE		128

static unsigned int repetitions = 9;
module_param(repetitions, uint, 0644);
MODULE_PARM_DESC(repetitions, "Measured repetitions per side (default: 9)");

static unsigned int warmups = 10;
module_param(warmups, uint, 0644);
MODULE_PARM_DESC(warmups, "Repetitions for warm-up (default: 10)");

static const struct bench_kind * const bench_kinds[] = {
	&bench_page,
	&bench_slab_cache,
	&bench_kmalloc,
	&bench_mempool,
	&bench_percpu,
	&bench_vmalloc,
	&bench_mixed,
};

static const struct bench_pattern bench_patterns[] = {
	/* memalloc was loaded with "lean" */
	{ "lean",	 BENCH_HOT,	1, 1,	 1, .lean = true },
	{ "leanbulk128", BENCH_BULK,	1, 128,	 128, .lean = true },
	{ "leanmany128", BENCH_MANY,	1, 128,	 128, .lean = true },
	{ "leanmixed",	 BENCH_MIXED,	1, BENCH_MIXED_STEPS, BENCH_MIXED_STEPS, .lean = true },
	{ "hot",	 BENCH_HOT,	1, 1,	 1 },
	{ "softirq",	 BENCH_ATOMIC,	1, 1,	 1, .softirq = true },
	{ "held",	 BENCH_HELD,	1, 1,	 1 },
	{ "many128",	 BENCH_MANY,	1, 128,	 128 },
	/* needs /sys/module/memalloc/parameters/area_cache_mb to be 0 */
	{ "miss",	 BENCH_HOT,	1, 1,	 1, .miss = true },
	{ "missfifo",	 BENCH_FIFO,	1, 16,	 1, .miss = true },
	{ "bulk128",	 BENCH_BULK,	1, 128,	 128 },
	{ "bulk4096",	 BENCH_BULK,	1, 4096, 4096 },
	{ "lifo",	 BENCH_LIFO,	1, 1024, 8 },
	{ "random",	 BENCH_RANDOM,	1, 1024, 8 },
	{ "fifo",	 BENCH_FIFO,	1, 1024, 8 },
	{ "mixed",	 BENCH_MIXED,	1, BENCH_MIXED_STEPS, BENCH_MIXED_STEPS },
	{ "remote",	 BENCH_REMOTE,	2, 256,	 8 },
	{ "par2",	 BENCH_HOT,	2, 1,	 1 },
	{ "par2own",	 BENCH_HOT,	2, 1,	 1, .own = true },
	{ "par2bulk128", BENCH_BULK,	2, 128,	 128 },
	{ "par2random",	 BENCH_RANDOM,	2, 1024, 8 },
	{ "par2mixed",	 BENCH_MIXED,	2, BENCH_MIXED_STEPS, BENCH_MIXED_STEPS },
	{ "par4",	 BENCH_HOT,	4, 1,	 1 },
	{ "par4own",	 BENCH_HOT,	4, 1,	 1, .own = true },
	{ "par4bulk128", BENCH_BULK,	4, 128,	 128 },
	{ "par4random",	 BENCH_RANDOM,	4, 1024, 8 },
	{ "par4mixed",	 BENCH_MIXED,	4, BENCH_MIXED_STEPS, BENCH_MIXED_STEPS },
};

static bool lean;
module_param(lean, bool, 0444);
MODULE_PARM_DESC(lean, "Offer only the workloads for memalloc's \"lean\" mode (default: N)");

/**
 * struct bench_file - an available workload
 * @node: node in bench_files
 * @workload: the workload
 */
struct bench_file {
	struct list_head node;
	struct bench_workload workload;
};

static LIST_HEAD(bench_files);
static struct dentry *bench_root;
static DEFINE_MUTEX(bench_lock); /* serializes measurements */

static int bench_print(struct seq_file *m, const struct bench_workload *w)
{
	struct bench_samples samples = {
		.nr = clamp(READ_ONCE(repetitions), 1U, BENCH_MAX_REPETITIONS),
		.warmups = min(READ_ONCE(warmups), BENCH_MAX_REPETITIONS),
	};
	unsigned int i;
	int err;

	samples.ns = kvcalloc(samples.nr, sizeof(*samples.ns), GFP_KERNEL);
	if (!samples.ns)
		return -ENOMEM;
	err = bench_measure(w, &samples);
	for (i = 0; !err && i < samples.nr; i++)
		seq_printf(m, "%s\t%lu\t%llu\t%llu\n", w->name, samples.pairs,
			   samples.ns[i][BENCH_HOST],
			   samples.ns[i][BENCH_MEMALLOC]);
	kvfree(samples.ns);
	return err;
}

static int bench_show(struct seq_file *m, void *v)
{
	int err = mutex_lock_interruptible(&bench_lock);

	if (err)
		return err;
	err = bench_print(m, m->private);
	mutex_unlock(&bench_lock);
	return err;
}

/*
 * Make the buffer large enough for all results. If it overflows, seq_file calls
 * show again, which would run the workload again.
 */
static int bench_open(struct inode *inode, struct file *file)
{
	size_t lines = clamp(READ_ONCE(repetitions), 1U, BENCH_MAX_REPETITIONS) + 1;

	return single_open_size(file, bench_show, inode->i_private,
				lines * BENCH_LINE);
}

static const struct file_operations bench_fops = {
	.owner = THIS_MODULE,
	.open = bench_open,
	.read = seq_read,
	.llseek = seq_lseek,
	.release = single_release,
};

static int bench_list_show(struct seq_file *m, void *v)
{
	struct bench_file *file;

	list_for_each_entry(file, &bench_files, node)
		seq_printf(m, "%s\n", file->workload.name);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(bench_list);

/*
 * Returns the most objects per thread that both sides can hold in all threads,
 * or 0.
 */
static unsigned int bench_live(const struct bench_pattern *pattern,
			       const struct bench_object *object)
{
	u64 room = (u64)totalram_pages() * PAGE_SIZE / 8 * 3;
	unsigned int live = pattern->live;

	if (live > pattern->live_min) /* as many as are useful */
		room = min(room, 128ULL << 20);
	while (live * pattern->threads * (u64)object->bytes > room) {
		live /= 2;
		if (live < pattern->live_min)
			return 0;
	}
	return live;
}

/* Can both sides run the pattern on such objects? */
static bool bench_makes_sense(const struct bench_pattern *pattern,
			      const struct bench_object *object)
{
	const struct bench_ops *host = object->ops[BENCH_HOST];

	return host->body[pattern->body] && (!pattern->own || host->open);
}

static int bench_offer(const struct bench_pattern *pattern,
		       const struct bench_object *object, struct dentry *dir)
{
	unsigned int live = bench_live(pattern, object);
	struct bench_file *file;

	if (!live || !bench_makes_sense(pattern, object))
		return 0;
	file = kzalloc(sizeof(*file), GFP_KERNEL);
	if (!file)
		return -ENOMEM;
	file->workload = (struct bench_workload) {
		.name = kasprintf(GFP_KERNEL, "%s/%s", pattern->name, object->name),
		.pattern = pattern,
		.object = object,
		.live = live,
	};
	list_add_tail(&file->node, &bench_files);
	if (!file->workload.name)
		return -ENOMEM;
	debugfs_create_file(object->name, 0400, dir, &file->workload, &bench_fops);
	return 0;
}

static int bench_offer_kind(const struct bench_pattern *pattern,
			    const struct bench_kind *kind, struct dentry *dir)
{
	unsigned int i;
	int err = 0;

	if ((pattern->lean && !kind->has_lean) || (pattern->miss && !kind->has_cache))
		return 0;
	for (i = 0; i < kind->nr && !err; i++)
		err = bench_offer(pattern, &kind->objects[i], dir);
	return err;
}

static int bench_offer_pattern(const struct bench_pattern *pattern)
{
	struct dentry *dir;
	unsigned int i;
	int err = 0;

	if (pattern->lean != lean || pattern->threads > num_online_cpus())
		return 0;
	dir = debugfs_create_dir(pattern->name, bench_root);
	for (i = 0; i < ARRAY_SIZE(bench_kinds) && !err; i++)
		err = bench_offer_kind(pattern, bench_kinds[i], dir);
	return err;
}

static void bench_exit(void)
{
	struct bench_file *file, *next;

	debugfs_remove(bench_root);
	bench_memory_exit();
	list_for_each_entry_safe(file, next, &bench_files, node) {
		kfree(file->workload.name);
		kfree(file);
	}
}

static int __init bench_init(void)
{
	unsigned int i;
	int err = 0;

	bench_root = debugfs_create_dir("memalloc_bench", NULL);
	if (IS_ERR(bench_root))
		return PTR_ERR(bench_root);
	debugfs_create_file("list", 0400, bench_root, NULL, &bench_list_fops);
	bench_memory_init(bench_root);
	for (i = 0; i < ARRAY_SIZE(bench_patterns) && !err; i++)
		err = bench_offer_pattern(&bench_patterns[i]);
	if (err)
		bench_exit();
	return err;
}

static void __exit bench_cleanup(void)
{
	bench_exit();
}

module_init(bench_init);
module_exit(bench_cleanup);

MODULE_DESCRIPTION("Benchmark of memalloc's allocators and the host's");
MODULE_LICENSE("GPL");
MAL_IMPORT();
