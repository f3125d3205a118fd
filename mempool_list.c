// SPDX-License-Identifier: GPL-2.0
/*
 * The list of all mempools: for their figures, and for those who leave one behind
 *
 * A pool has no name; it is known by the code that made it. When a module goes
 * and leaves pools behind, they are reported, and forgotten: they may have been
 * a part of the module. Their elements are reported by whoever made them.
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

#include "internal/mempool.h"

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
 * mal_mempool_show() - print the section "mempools"
 * @m: /proc/memalloc
 *
 * Context: task.
 */
void mal_mempool_show(struct seq_file *m)
{
	struct mal_mempool_stats stats;
	struct mal_mempool *pool;
	unsigned long flags;

	seq_puts(m, "\n[mempools]\n");
	seq_puts(m, "# minimum  current  waiting     waits reserve_hits  failures creator\n");
	spin_lock_irqsave(&mal_mempool_list_lock, flags);
	list_for_each_entry(pool, &mal_mempools, link) {
		mal_mempool_stats(pool, &stats);
		seq_printf(m, "%9d %8d %8lu %9lu %12lu %9lu %pS\n",
			   stats.min_nr, stats.curr_nr, stats.waiting,
			   stats.waits, stats.reserve_hits, stats.failures,
			   (void *)pool->creator);
	}
	spin_unlock_irqrestore(&mal_mempool_list_lock, flags);
}

/* Forget the pools of a module, or all. */
static void mal_mempool_forget(const struct module *module)
{
	struct mal_mempool *pool, *next;
	unsigned long flags;

	spin_lock_irqsave(&mal_mempool_list_lock, flags);
	list_for_each_entry_safe(pool, next, &mal_mempools, link) {
		if (module && !within_module(pool->creator, module) &&
		    !within_module((unsigned long)pool, module))
			continue;
		pr_err("leak: mempool of %d elements, made by %pS\n",
		       pool->min_nr, (void *)pool->creator);
		list_del_init(&pool->link);
	}
	spin_unlock_irqrestore(&mal_mempool_list_lock, flags);
}

static int mal_mempool_module_event(struct notifier_block *nb,
				    unsigned long event, void *module)
{
	if (event == MODULE_STATE_GOING)
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
