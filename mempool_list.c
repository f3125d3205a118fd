// SPDX-License-Identifier: GPL-2.0
/*
 * The list of all mempools: for their figures, and for those who leave one behind
 *
 * A pool is known by the code that made it, but for those of user space, which may
 * have names. When a module goes
 * and leaves pools behind, they are reported, and forgotten: they may have been
 * a part of the module. Their elements are reported by whoever made them. For those
 * that a module's init function has made, see site.c.
 *
 * Locking: mal_mempool_list_lock protects the list, and keeps the pools that are
 * on it. mal_mempool.lock is taken under it.
 *
 * Context: any but NMI, unless said otherwise.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/kernel.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/notifier.h>
#include <linux/seq_file.h>
#include <linux/spinlock.h>

#include <memalloc/mempool.h>
#include <memalloc/slab_cache.h>
#include <uapi/linux/memalloc.h>

#include "internal/kunit.h"
#include "internal/mempool.h"
#include "internal/site.h"
#include "internal/slab.h"

static DEFINE_SPINLOCK(mal_mempool_list_lock);
static LIST_HEAD(mal_mempools);

/**
 * mal_mempool_list_add() - a pool is there
 * @pool: the pool
 *
 * Context: any but NMI.
 */
void mal_mempool_list_add(struct mal_mempool *pool)
{
	unsigned long flags;

	spin_lock_irqsave(&mal_mempool_list_lock, flags);
	list_add_tail(&pool->link, &mal_mempools);
	spin_unlock_irqrestore(&mal_mempool_list_lock, flags);
}

/**
 * mal_mempool_list_del() - a pool goes
 * @pool: the pool
 *
 * Context: any but NMI.
 */
void mal_mempool_list_del(struct mal_mempool *pool)
{
	unsigned long flags;

	spin_lock_irqsave(&mal_mempool_list_lock, flags);
	list_del(&pool->link);
	spin_unlock_irqrestore(&mal_mempool_list_lock, flags);
}

/**
 * mal_mempool_set_name() - give a pool a name
 * @pool: the pool
 * @name: the name, which stays the caller's, and as long as the pool does
 *
 * Context: any but NMI.
 */
void mal_mempool_set_name(struct mal_mempool *pool, const char *name)
{
	unsigned long flags;

	spin_lock_irqsave(&mal_mempool_list_lock, flags);
	pool->name = name;
	spin_unlock_irqrestore(&mal_mempool_list_lock, flags);
}

/* What it is called, or where it was made. */
static const char *mal_mempool_name(const struct mal_mempool *pool,
				    char name[MAL_SITE_NAME])
{
	return pool->name ?: mal_site_name(pool->creator, name);
}

/* Where the elements come from, and how large they are. */
static void mal_mempool_describe(const struct mal_mempool *pool,
				 struct memalloc_stats_mempool *stats)
{
	size_t data = (size_t)pool->pool_data;

	if (pool->alloc == mal_mempool_alloc_pages) {
		stats->backend = MEMALLOC_MEMPOOL_PAGES;
		stats->element_bytes = (u64)PAGE_SIZE << data;
	} else if (pool->alloc == mal_mempool_kmalloc) {
		stats->backend = MEMALLOC_MEMPOOL_KMALLOC;
		stats->element_bytes = data;
	} else if (pool->alloc == mal_mempool_alloc_slab) {
		stats->backend = MEMALLOC_MEMPOOL_CACHE;
		stats->element_bytes = pool->cache->object_size;
	}
}

/**
 * mal_mempool_stats_fill() - the figures of a pool, for user space
 * @pool: the pool, which the caller keeps
 * @stats: filled in
 *
 * Context: any but NMI.
 */
void mal_mempool_stats_fill(struct mal_mempool *pool,
			    struct memalloc_stats_mempool *stats)
{
	struct mal_mempool_stats figures;
	char name[MAL_SITE_NAME];

	mal_mempool_stats(pool, &figures);
	*stats = (struct memalloc_stats_mempool) {
		.min_nr = figures.min_nr,
		.elements = figures.curr_nr,
		.waiting = figures.waiting,
		.waits = figures.waits,
		.reserve_hits = figures.reserve_hits,
		.failures = figures.failures,
	};
	strscpy(stats->name, mal_mempool_name(pool, name), sizeof(stats->name));
	/* Of a place in the code, the function alone. */
	stats->name[strcspn(stats->name, "+")] = '\0';
	mal_mempool_describe(pool, stats);
}

/**
 * mal_mempool_count() - how many pools there are
 *
 * Context: any but NMI.
 * Return: how many.
 */
unsigned int mal_mempool_count(void)
{
	unsigned int count = 0;
	struct list_head *link;
	unsigned long flags;

	spin_lock_irqsave(&mal_mempool_list_lock, flags);
	list_for_each(link, &mal_mempools)
		count++;
	spin_unlock_irqrestore(&mal_mempool_list_lock, flags);
	return count;
}

/**
 * mal_mempool_stats_at() - the figures of one of all pools, for user space
 * @index: which, in the order of making
 * @stats: filled in
 *
 * Context: any but NMI.
 * Return: whether there are so many.
 */
bool mal_mempool_stats_at(unsigned int index, struct memalloc_stats_mempool *stats)
{
	struct mal_mempool *pool;
	unsigned long flags;
	bool found = false;

	spin_lock_irqsave(&mal_mempool_list_lock, flags);
	list_for_each_entry(pool, &mal_mempools, link) {
		if (index--)
			continue;
		mal_mempool_stats_fill(pool, stats);
		found = true;
		break;
	}
	spin_unlock_irqrestore(&mal_mempool_list_lock, flags);
	return found;
}
MAL_EXPORT_FOR_KUNIT(mal_mempool_stats_at);

/**
 * mal_mempool_show() - print the section "mempools"
 * @m: /proc/memalloc
 *
 * Context: task.
 */
void mal_mempool_show(struct seq_file *m)
{
	struct mal_mempool_stats stats;
	char name[MAL_SITE_NAME];
	struct mal_mempool *pool;
	unsigned long flags;

	seq_puts(m, "\n[mempools]\n");
	seq_puts(m, "# minimum  current  waiting     waits reserve_hits  failures name\n");
	spin_lock_irqsave(&mal_mempool_list_lock, flags);
	list_for_each_entry(pool, &mal_mempools, link) {
		mal_mempool_stats(pool, &stats);
		seq_printf(m, "%9d %8d %8lu %9lu %12lu %9lu %s\n",
			   stats.min_nr, stats.curr_nr, stats.waiting,
			   stats.waits, stats.reserve_hits, stats.failures,
			   mal_mempool_name(pool, name));
	}
	spin_unlock_irqrestore(&mal_mempool_list_lock, flags);
}

static void mal_mempool_keep_sites(const struct module *module)
{
	struct mal_mempool *pool;
	unsigned long flags;

	spin_lock_irqsave(&mal_mempool_list_lock, flags);
	list_for_each_entry(pool, &mal_mempools, link)
		pool->creator = mal_site_keep(pool->creator, module);
	spin_unlock_irqrestore(&mal_mempool_list_lock, flags);
}

/* Forget the pools of a module, or all. */
static void mal_mempool_forget(const struct module *module)
{
	struct mal_mempool *pool, *next;
	char name[MAL_SITE_NAME];
	unsigned long flags;

	spin_lock_irqsave(&mal_mempool_list_lock, flags);
	list_for_each_entry_safe(pool, next, &mal_mempools, link) {
		if (module && !mal_site_is_in(pool->creator, module) &&
		    !within_module((unsigned long)pool, module))
			continue;
		pr_err("leak: mempool of %d elements, made by %s\n",
		       pool->min_nr, mal_site_name(pool->creator, name));
		list_del_init(&pool->link);
	}
	spin_unlock_irqrestore(&mal_mempool_list_lock, flags);
}

static int mal_mempool_module_event(struct notifier_block *nb,
				    unsigned long event, void *module)
{
	if (event == MODULE_STATE_LIVE)
		mal_mempool_keep_sites(module);
	else if (event == MODULE_STATE_GOING)
		mal_mempool_forget(module);
	return NOTIFY_OK;
}

static struct notifier_block mal_mempool_notifier = {
	.notifier_call = mal_mempool_module_event,
};

/**
 * mal_mempool_list_init() - watch modules go
 *
 * Context: task; sleeps.
 * Return: 0, or the host's error.
 */
int mal_mempool_list_init(void)
{
	return register_module_notifier(&mal_mempool_notifier);
}

/**
 * mal_mempool_list_exit() - the mirror of mal_mempool_list_init()
 *
 * Context: task; sleeps.
 */
void mal_mempool_list_exit(void)
{
	unregister_module_notifier(&mal_mempool_notifier);
	mal_mempool_forget(NULL);
}
