/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Deferral: work that an NMI handler leaves to an interrupt
 *
 * An NMI handler may take no lock. It adds to a lockless list, and an irq_work
 * drains the list as soon as interrupts are possible. The handler of the
 * irq_work does a bounded amount of work, and queues itself again if something
 * is left.
 *
 * Locking: mal_defer_list.lock serializes removals. It is an innermost lock.
 */
#ifndef _MAL_DEFER_H
#define _MAL_DEFER_H

#include <linux/irq_work.h>
#include <linux/llist.h>
#include <linux/spinlock.h>

/* Maximum number of objects that one interrupt frees. */
#define MAL_DEFER_BATCH		64

/**
 * struct mal_defer_list - entries that an interrupt handles
 * @list: the entries
 * @lock: for llist_del_first(), as handlers may run on two CPUs at once
 * @work: calls the handler
 */
struct mal_defer_list {
	struct llist_head list;
	raw_spinlock_t lock;
	struct irq_work work;
};

#define DEFINE_MAL_DEFER_LIST(name, handler)				\
	struct mal_defer_list name = {					\
		.list = LLIST_HEAD_INIT(name.list),			\
		.lock = __RAW_SPIN_LOCK_UNLOCKED(name.lock),		\
		.work = IRQ_WORK_INIT(handler),				\
	}

/**
 * mal_defer_again() - call the handler in an interrupt
 * @defer: the list
 *
 * Context: any.
 */
static inline void mal_defer_again(struct mal_defer_list *defer)
{
	irq_work_queue(&defer->work);
}

/**
 * mal_defer_add() - add an entry, and call the handler in an interrupt
 * @defer: the list
 * @node: the entry, on no list
 *
 * Context: any.
 */
static inline void mal_defer_add(struct mal_defer_list *defer, struct llist_node *node)
{
	llist_add(node, &defer->list);
	mal_defer_again(defer);
}

/**
 * mal_defer_first() - take an entry off the list
 * @defer: the list
 *
 * Context: any but NMI.
 * Return: the entry that was added last, or NULL.
 */
static inline struct llist_node *mal_defer_first(struct mal_defer_list *defer)
{
	struct llist_node *node;
	unsigned long flags;

	raw_spin_lock_irqsave(&defer->lock, flags);
	node = llist_del_first(&defer->list);
	raw_spin_unlock_irqrestore(&defer->lock, flags);
	return node;
}

#endif /* _MAL_DEFER_H */
