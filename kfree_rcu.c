// SPDX-License-Identifier: GPL-2.0
/*
 * kfree_rcu: memory that is freed after a grace period
 *
 * What is to be freed is linked, through the struct rcu_head in it, into a list
 * of the CPU it is freed on. A little later, when there may be more, the whole
 * list begins to wait for one grace period; while it waits, the next list
 * grows. So the cost of a grace period is shared by all that was freed in the
 * meantime.
 *
 *	mal_kfree_call_rcu() --> young --work--> waiting --grace period--> freed
 *
 * The address of the memory is told by its struct rcu_head and the distance
 * between the two, which is kept where the callback's address usually is.
 *
 * Until it is freed, the object's state says RCU, so that it cannot be freed
 * another time.
 *
 * This is between the two ways to free, slab_alloc.c and kmalloc_large.c, and
 * slab_cache.c: a cache that is to be destroyed waits for what is on its way
 * here.
 *
 * Locking: none: a list is an llist. Only the worker of a CPU touches the lists
 * that wait, and only while no grace period is waited for.
 *
 * Context: any but NMI.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/kernel.h>
#include <linux/llist.h>
#include <linux/percpu.h>
#include <linux/rcupdate.h>
#include <linux/workqueue.h>

#include <memalloc/kmalloc.h>

#include "internal/compat.h"
#include "internal/kfree_rcu.h"
#include "internal/kmalloc.h"
#include "internal/region.h"
#include "internal/slab_alloc.h"

/* How long the first one of a list waits for others. */
#define MAL_KFREE_RCU_DELAY	(HZ / 50)

/**
 * struct mal_rcu_batch - what was freed on one CPU
 * @young: not yet waiting
 * @waiting: waiting for a grace period
 * @is_waiting: @waiting is in use
 * @gather: makes the young ones wait
 * @free: frees those that have waited
 */
struct mal_rcu_batch {
	struct llist_head young;
	struct llist_node *waiting;
	bool is_waiting;
	struct delayed_work gather;
	struct rcu_work free;
};

static DEFINE_PER_CPU(struct mal_rcu_batch, mal_rcu_batches);
static struct workqueue_struct *mal_rcu_wq;

/* What is ALLOCATED elsewhere, is GUARDED in a guard. */
static u8 mal_rcu_state(const struct mal_slab *slab, u8 state)
{
	return state == MAL_OBJECT_ALLOCATED && mal_slab_is_guard(slab) ?
	       MAL_OBJECT_GUARDED : state;
}

/*
 * Between the two states of an object that somebody has: its owner, or we.
 * False if it is in neither.
 */
static bool mal_rcu_mark(void *object, u8 from, u8 to)
{
	struct mal_page *desc;
	struct mal_slab *slab;
	bool ok = true;
	u32 index;

	if (mal_lean())
		return true;
	rcu_read_lock();
	slab = mal_slab_of(object);
	if (slab) {
		index = mal_slab_index(slab->cache, slab, object);
		ok = index < slab->nr && slab->states[index] == mal_rcu_state(slab, from);
		if (ok)
			WRITE_ONCE(slab->states[index], mal_rcu_state(slab, to));
	} else {
		desc = mal_page_of_address(object);
		ok = desc && mal_large_room(desc);
	}
	rcu_read_unlock();
	return ok;
}

/* As mal_kfree() does, which is above us; its caller is told in reports. */
static noinline void mal_rcu_free_one(void *object)
{
	struct mal_slab *slab;

	preempt_disable();
	if (unlikely(!mal_slab_find(object, &slab))) {
		preempt_enable();
		mal_large_free(object, _RET_IP_);
	} else {
		mal_object_free_by_slab(slab, mal_cpu_here(), object);
	}
}

/**
 * mal_kfree_call_rcu() - free memory after a grace period
 * @head: in the memory, less than a page from its beginning
 * @object: the memory
 *
 * Misuse is reported and has no other effect.
 *
 * Context: any but NMI.
 */
void mal_kfree_call_rcu(struct rcu_head *head, void *object)
{
	struct mal_rcu_batch *batch;

	if (!mal_rcu_mark(object, MAL_OBJECT_ALLOCATED, MAL_OBJECT_RCU)) {
		mal_slab_report_free(NULL, object, _RET_IP_);
		return;
	}
	head->func = (rcu_callback_t)((unsigned long)head - (unsigned long)object);
	batch = raw_cpu_ptr(&mal_rcu_batches);
	if (llist_add((struct llist_node *)head, &batch->young))
		queue_delayed_work(mal_rcu_wq, &batch->gather,
				   MAL_KFREE_RCU_DELAY);
}
MAL_EXPORT(mal_kfree_call_rcu);

static void mal_rcu_gather(struct work_struct *work)
{
	struct mal_rcu_batch *batch = container_of(to_delayed_work(work),
						   struct mal_rcu_batch, gather);

	/* Pairs with the release in mal_rcu_free(). */
	if (smp_load_acquire(&batch->is_waiting)) {
		queue_delayed_work(mal_rcu_wq, &batch->gather,
				   MAL_KFREE_RCU_DELAY);
		return;
	}
	batch->waiting = llist_del_all(&batch->young);
	if (!batch->waiting)
		return;
	batch->is_waiting = true;
	queue_rcu_work(mal_rcu_wq, &batch->free);
}

static void mal_rcu_free(struct work_struct *work)
{
	struct mal_rcu_batch *batch = container_of(to_rcu_work(work),
						   struct mal_rcu_batch, free);
	struct llist_node *node, *next;

	llist_for_each_safe(node, next, batch->waiting) {
		struct rcu_head *head = (struct rcu_head *)node;
		void *object = (void *)head - (unsigned long)head->func;

		mal_rcu_mark(object, MAL_OBJECT_RCU, MAL_OBJECT_ALLOCATED);
		mal_rcu_free_one(object);
		cond_resched();
	}
	batch->waiting = NULL;
	/* Pairs with the acquire in mal_rcu_gather(). */
	smp_store_release(&batch->is_waiting, false);
}

/**
 * mal_kfree_rcu_barrier() - wait until all that was freed before is free
 *
 * Context: task; sleeps.
 */
void mal_kfree_rcu_barrier(void)
{
	int cpu;

	/* Once for what waits already, and once for what is young now. */
	for_each_possible_cpu(cpu) {
		struct mal_rcu_batch *batch = per_cpu_ptr(&mal_rcu_batches, cpu);

		flush_rcu_work(&batch->free);
		flush_delayed_work(&batch->gather);
		flush_rcu_work(&batch->free);
	}
}
MAL_EXPORT(mal_kfree_rcu_barrier);

/**
 * mal_kfree_rcu_init() - set up the lists
 *
 * Context: task.
 * Return: 0, or -ENOMEM.
 */
int mal_kfree_rcu_init(void)
{
	int cpu;

	mal_rcu_wq = alloc_workqueue("memalloc_rcu", WQ_MEM_RECLAIM | WQ_PERCPU, 0);
	if (!mal_rcu_wq)
		return -ENOMEM;
	for_each_possible_cpu(cpu) {
		struct mal_rcu_batch *batch = per_cpu_ptr(&mal_rcu_batches, cpu);

		init_llist_head(&batch->young);
		INIT_DELAYED_WORK(&batch->gather, mal_rcu_gather);
		INIT_RCU_WORK(&batch->free, mal_rcu_free);
	}
	return 0;
}

/**
 * mal_kfree_rcu_exit() - the mirror of mal_kfree_rcu_init()
 *
 * Context: task. Nobody frees any more.
 */
void mal_kfree_rcu_exit(void)
{
	mal_kfree_rcu_barrier();
	destroy_workqueue(mal_rcu_wq);
}
