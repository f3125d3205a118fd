// SPDX-License-Identifier: GPL-2.0
/*
 * List of all mempools, for statistics and leak reports
 *
 * A pool is identified by the code that created it. Pools of user space may
 * have names. When a module is unloaded and leaves pools behind, they are
 * reported and removed from the list, because they may be part of the module's
 * memory. The backend reports their elements. See site.c for pools created by a
 * module's init function.
 *
 * Walks. User space may create many pools, so no walk holds the lock
 * throughout. A walk keeps a mark in the list behind its current pool and may
 * drop the lock at any time: it continues from the mark regardless of additions
 * and removals. It visits each pool that exists throughout the walk once, in
 * the order of creation. New pools are added at the end. A walk ends after as
 * many pools as existed when it began, so it cannot be prolonged.
 *
 * Locking: mal_mempool_list_lock protects the list, the marks in it and the
 * number of pools, and keeps pools on the list alive. mal_mempool.lock is taken
 * under it.
 *
 * Context: any but NMI, unless noted otherwise.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/kernel.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/notifier.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/seq_file.h>
#include <linux/spinlock.h>
#include <linux/string.h>

#include <memalloc/mempool.h>
#include <memalloc/slab_cache.h>
#include <uapi/linux/memalloc.h>

#include "internal/kunit.h"
#include "internal/mempool.h"
#include "internal/site.h"
#include "internal/slab.h"

/* A walk drops the lock after this many entries of the list. */
#define MAL_MEMPOOL_PIECE	64

static DEFINE_SPINLOCK(mal_mempool_list_lock);
static LIST_HEAD(mal_mempools);
static unsigned int mal_mempool_nr;

/* Called with the lock held. A forgotten pool is not on the list any more. */
static void mal_mempool_unlink(struct mal_mempool *pool)
{
	if (list_empty(&pool->link))
		return;
	list_del_init(&pool->link);
	mal_mempool_nr--;
}

/**
 * mal_mempool_list_add() - add a pool to the list
 * @pool: the pool
 *
 * Context: any but NMI.
 */
void mal_mempool_list_add(struct mal_mempool *pool)
{
	unsigned long flags;

	spin_lock_irqsave(&mal_mempool_list_lock, flags);
	list_add_tail(&pool->link, &mal_mempools);
	mal_mempool_nr++;
	spin_unlock_irqrestore(&mal_mempool_list_lock, flags);
}

/**
 * mal_mempool_list_del() - remove a pool from the list
 * @pool: the pool
 *
 * Context: any but NMI.
 */
void mal_mempool_list_del(struct mal_mempool *pool)
{
	unsigned long flags;

	spin_lock_irqsave(&mal_mempool_list_lock, flags);
	mal_mempool_unlink(pool);
	spin_unlock_irqrestore(&mal_mempool_list_lock, flags);
}

/**
 * mal_mempool_set_name() - name a pool
 * @pool: the pool
 * @name: the name; the caller keeps it valid as long as the pool
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

/*
 * Walks
 */

/**
 * struct mal_mempool_walk - a walk through all pools
 * @mark: in the list behind the current pool; a pool without a backend
 * @left: maximum number of pools still to be visited
 * @steps: entries of the list passed
 *
 * On the stack of the task.
 */
struct mal_mempool_walk {
	struct mal_mempool mark;
	unsigned int left;
	unsigned int steps;
};

static void mal_mempool_walk_begin(struct mal_mempool_walk *walk)
	__acquires(&mal_mempool_list_lock)
{
	*walk = (struct mal_mempool_walk) { };
	spin_lock_irq(&mal_mempool_list_lock);
	list_add(&walk->mark.link, &mal_mempools);
	walk->left = mal_mempool_nr;
}

static void mal_mempool_walk_end(struct mal_mempool_walk *walk)
	__releases(&mal_mempool_list_lock)
{
	list_del(&walk->mark.link);
	spin_unlock_irq(&mal_mempool_list_lock);
}

/* Drop the lock for a moment. The current pool may be removed. */
static void mal_mempool_walk_rest(void)
	__must_hold(&mal_mempool_list_lock)
{
	spin_unlock_irq(&mal_mempool_list_lock);
	cond_resched();
	spin_lock_irq(&mal_mempool_list_lock);
}

/* The next pool, valid while the lock is held; or NULL. */
static struct mal_mempool *mal_mempool_walk_on(struct mal_mempool_walk *walk)
	__must_hold(&mal_mempool_list_lock)
{
	struct mal_mempool *pool;

	while (walk->left) {
		if (++walk->steps % MAL_MEMPOOL_PIECE == 0)
			mal_mempool_walk_rest();
		if (list_is_last(&walk->mark.link, &mal_mempools))
			break;
		pool = list_next_entry(&walk->mark, link);
		list_move(&walk->mark.link, &pool->link);
		if (!pool->alloc)
			continue;
		walk->left--;
		return pool;
	}
	return NULL;
}

/*
 * Statistics
 */

/* Name or creator of a pool. */
static const char *mal_mempool_name(const struct mal_mempool *pool,
				    char name[MAL_SITE_NAME])
{
	return pool->name ?: mal_site_name(pool->creator, name);
}

/* Like mal_mempool_name(), but does not reveal the programs of other users. */
static const char *mal_mempool_public_name(const struct mal_mempool *pool,
					   char name[MAL_SITE_NAME])
{
	if (!pool->name && mal_site_is_task(pool->creator))
		return "(device)";
	return mal_mempool_name(pool, name);
}

/* Size of an element in bytes; zero if the backend is not one of the common. */
static u64 mal_mempool_element_bytes(const struct mal_mempool *pool)
{
	size_t data = (size_t)pool->pool_data;

	switch (pool->backend) {
	case MEMALLOC_MEMPOOL_PAGES:
		return (u64)PAGE_SIZE << data;
	case MEMALLOC_MEMPOOL_KMALLOC:
		return data;
	case MEMALLOC_MEMPOOL_CACHE:
		return pool->cache->object_size;
	default:
		return 0;
	}
}

/**
 * mal_mempool_stats() - read the statistics of a pool
 * @pool: the pool
 * @stats: filled in
 *
 * Context: any but NMI.
 */
void mal_mempool_stats(struct mal_mempool *pool, struct mal_mempool_stats *stats)
{
	unsigned long flags;

	spin_lock_irqsave(&pool->lock, flags);
	*stats = (struct mal_mempool_stats) {
		.min_nr = pool->min_nr,
		.curr_nr = pool->curr_nr,
		.waiting = pool->waiting,
		.waits = pool->waits,
		.reserve_hits = pool->reserve_hits,
		.failures = pool->failures,
	};
	spin_unlock_irqrestore(&pool->lock, flags);
}
MAL_EXPORT_FOR_KUNIT(mal_mempool_stats);

/**
 * mal_mempool_stats_fill() - fill in the statistics of a pool for user space
 * @pool: the pool, which the caller keeps alive
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
		.backend = pool->backend,
		.element_bytes = mal_mempool_element_bytes(pool),
		.min_nr = figures.min_nr,
		.elements = figures.curr_nr,
		.waiting = figures.waiting,
		.waits = figures.waits,
		.reserve_hits = figures.reserve_hits,
		.failures = figures.failures,
	};
	strscpy(stats->name, mal_mempool_public_name(pool, name),
		sizeof(stats->name));
	/* Cut the offset from a code address; keep the function. */
	stats->name[strcspn(stats->name, "+")] = '\0';
}

/**
 * mal_mempool_count() - number of pools
 *
 * Context: any.
 * Return: the number.
 */
unsigned int mal_mempool_count(void)
{
	return READ_ONCE(mal_mempool_nr);
}

/**
 * mal_mempool_stats_at() - fill in the statistics of one pool for user space
 * @index: index of the pool, in the order of creation
 * @stats: filled in
 *
 * Context: task; sleeps.
 * Return: true; false if there is no such pool or the task is being killed.
 */
bool mal_mempool_stats_at(unsigned int index, struct memalloc_stats_mempool *stats)
{
	struct mal_mempool_walk walk;
	struct mal_mempool *pool;

	mal_mempool_walk_begin(&walk);
	do {
		pool = mal_mempool_walk_on(&walk);
	} while (pool && index-- && !fatal_signal_pending(current));
	if (pool)
		mal_mempool_stats_fill(pool, stats);
	mal_mempool_walk_end(&walk);
	return pool;
}
MAL_EXPORT_FOR_KUNIT(mal_mempool_stats_at);

/**
 * struct mal_mempool_line - data printed for a pool
 * @stats: statistics
 * @name: name, or empty
 * @creator: code address of the creator
 */
struct mal_mempool_line {
	struct mal_mempool_stats stats;
	char name[MEMALLOC_SHOWN_NAME_SIZE];
	unsigned long creator;
};

static void mal_mempool_line_fill(struct mal_mempool *pool,
				  struct mal_mempool_line *line)
{
	mal_mempool_stats(pool, &line->stats);
	strscpy(line->name, pool->name ?: "", sizeof(line->name));
	line->creator = pool->creator;
}

static void mal_mempool_line_show(struct seq_file *m,
				  const struct mal_mempool_line *line)
{
	const struct mal_mempool_stats *stats = &line->stats;
	char name[MAL_SITE_NAME];

	seq_printf(m, "%9d %8d %8lu %9lu %12lu %9lu %s\n",
		   stats->min_nr, stats->curr_nr, stats->waiting,
		   stats->waits, stats->reserve_hits, stats->failures,
		   line->name[0] ? line->name : mal_site_name(line->creator, name));
}

/**
 * mal_mempool_show() - print the section "mempools"
 * @m: /proc/memalloc
 *
 * Context: task; sleeps.
 */
void mal_mempool_show(struct seq_file *m)
{
	struct mal_mempool_walk walk;
	struct mal_mempool_line line;
	struct mal_mempool *pool;

	seq_puts(m, "\n[mempools]\n");
	seq_puts(m, "# minimum  current  waiting     waits reserve_hits  failures name\n");
	mal_mempool_walk_begin(&walk);
	while ((pool = mal_mempool_walk_on(&walk)) && !fatal_signal_pending(current) &&
	       !seq_has_overflowed(m)) {
		mal_mempool_line_fill(pool, &line);
		spin_unlock_irq(&mal_mempool_list_lock);
		mal_mempool_line_show(m, &line);
		cond_resched();
		spin_lock_irq(&mal_mempool_list_lock);
	}
	mal_mempool_walk_end(&walk);
}

/*
 * Modules
 */

static void mal_mempool_keep_sites(const struct module *module)
{
	struct mal_mempool_walk walk;
	struct mal_mempool *pool;

	mal_mempool_walk_begin(&walk);
	while ((pool = mal_mempool_walk_on(&walk)))
		pool->creator = mal_site_keep(pool->creator, module);
	mal_mempool_walk_end(&walk);
}

static bool mal_mempool_is_of(const struct mal_mempool *pool,
			      const struct module *module)
{
	return !module || mal_site_is_in(pool->creator, module) ||
	       within_module((unsigned long)pool, module);
}

/* Report and forget the pools of a module, or all. */
static void mal_mempool_forget(const struct module *module)
{
	struct mal_mempool_walk walk;
	struct mal_mempool *pool;
	char name[MAL_SITE_NAME];

	mal_mempool_walk_begin(&walk);
	while ((pool = mal_mempool_walk_on(&walk))) {
		if (!mal_mempool_is_of(pool, module))
			continue;
		pr_err("leak: mempool of %d elements, created by %s\n",
		       pool->min_nr, mal_site_name(pool->creator, name));
		mal_mempool_unlink(pool);
		mal_mempool_walk_rest();
	}
	mal_mempool_walk_end(&walk);
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
 * mal_mempool_list_init() - register for module events
 *
 * Context: task; sleeps.
 * Return: 0, or the host's error.
 */
int mal_mempool_list_init(void)
{
	return register_module_notifier(&mal_mempool_notifier);
}

/**
 * mal_mempool_list_exit() - undo mal_mempool_list_init()
 *
 * Context: task; sleeps.
 */
void mal_mempool_list_exit(void)
{
	unregister_module_notifier(&mal_mempool_notifier);
	mal_mempool_forget(NULL);
}
