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
 * Walks. User space may make many pools, so nobody goes through all of them under
 * one hold of the lock. Who walks has a mark in the list, right behind the pool that
 * they are at, and lets go of the lock whenever they like: whatever is added and
 * removed meanwhile, they go on from there. Pools that are there all the time are
 * visited once, in the order of making. Pools made meanwhile come last, and a walk
 * is over after as many as there were when it began: nobody can make it go on.
 *
 * Locking: mal_mempool_list_lock protects the list, the marks in it and the number,
 * and keeps the pools that are on it. mal_mempool.lock is taken under it.
 *
 * Context: any but NMI, unless said otherwise.
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

/* A walk goes past so many entries of the list before it lets others have the lock. */
#define MAL_MEMPOOL_PIECE	64

static DEFINE_SPINLOCK(mal_mempool_list_lock);
static LIST_HEAD(mal_mempools);
static unsigned int mal_mempool_nr;

/* With the lock held. One that has been forgotten is not on the list any more. */
static void mal_mempool_unlink(struct mal_mempool *pool)
{
	if (list_empty(&pool->link))
		return;
	list_del_init(&pool->link);
	mal_mempool_nr--;
}

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
	mal_mempool_nr++;
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
	mal_mempool_unlink(pool);
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

/*
 * Walks
 */

/**
 * struct mal_mempool_walk - a walk through all pools
 * @mark: in the list behind the pool that it is at; a pool that makes nothing
 * @left: pools that it visits yet, at most
 * @steps: entries of the list that it has gone past
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

/* Let others have the lock. The pool that the walk is at may go. */
static void mal_mempool_walk_rest(void)
	__must_hold(&mal_mempool_list_lock)
{
	spin_unlock_irq(&mal_mempool_list_lock);
	cond_resched();
	spin_lock_irq(&mal_mempool_list_lock);
}

/* The next pool, with the lock held from then on; or NULL. */
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
 * Figures
 */

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
 * Context: any.
 * Return: how many.
 */
unsigned int mal_mempool_count(void)
{
	return READ_ONCE(mal_mempool_nr);
}

/**
 * mal_mempool_stats_at() - the figures of one of all pools, for user space
 * @index: which, in the order of making
 * @stats: filled in
 *
 * Context: task; sleeps.
 * Return: whether there are so many; false, if the task is being killed.
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
 * struct mal_mempool_line - what is printed of a pool
 * @stats: its figures
 * @name: what it is called, or empty
 * @creator: code address of who made it
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
 * Modules that come and go
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

/* Forget the pools of a module, or all. */
static void mal_mempool_forget(const struct module *module)
{
	struct mal_mempool_walk walk;
	struct mal_mempool *pool;
	char name[MAL_SITE_NAME];

	mal_mempool_walk_begin(&walk);
	while ((pool = mal_mempool_walk_on(&walk))) {
		if (!mal_mempool_is_of(pool, module))
			continue;
		pr_err("leak: mempool of %d elements, made by %s\n",
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
