// SPDX-License-Identifier: GPL-2.0
/*
 * kfree_rcu: memory that is freed after a grace period
 *
 * The address of what is to be freed is noted in a list of the CPU it is freed on.
 * A little later, when there may be more, the whole list begins to wait for one
 * grace period; while it waits, the next list grows. So the cost of a grace period
 * is shared by all that was freed in the meantime.
 *
 *	mal_kfree_call_rcu() --> young --work--> waiting --grace period--> freed
 *
 * A list is made of blocks of addresses, which are the host's memory. Who may hold a
 * raw lock asks nobody for memory: each CPU has a block in store for them. Only if
 * there is none, the memory that is to be freed is linked through the struct
 * rcu_head in it.
 *
 * Misuse. Until it is freed, the memory's state says that it will be: RCU for an
 * object, LARGE_FREED for pages. It is put there by one atomic operation, so of two
 * who free the memory so, one is told. So is who frees pages in the other way at
 * whatever time. But the short way of an object is not atomic: who goes there may
 * have found it ALLOCATED just before it became RCU, and then makes it CACHED. That is
 * seen here when the time has come: as a grace period has gone by, he is done. Nothing
 * in the object can be trusted then, which is why its address is noted elsewhere.
 *
 * This is between the two ways to free, slab_alloc.c and kmalloc_large.c, and
 * slab_cache.c: a cache that is to be destroyed waits for what is on its way
 * here.
 *
 * Locking: mal_rcu_batch.lock, with interrupts off; innermost, and raw, as
 * memory is freed like this under raw locks.
 *
 * Context: any but NMI.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/kernel.h>
#include <linux/percpu.h>
#include <linux/preempt.h>
#include <linux/rcupdate.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include <memalloc/kmalloc.h>

#include "internal/compat.h"
#include "internal/inject.h"
#include "internal/kfree_rcu.h"
#include "internal/kmalloc.h"
#include "internal/report.h"
#include "internal/slab_alloc.h"

/* How long the first one of a list waits for others. */
#define MAL_KFREE_RCU_DELAY	(HZ / 50)

/**
 * struct mal_rcu_block - addresses of memory
 * @next: the block that was filled before, or NULL
 * @nr: how many there are
 * @objects: them
 */
struct mal_rcu_block {
	struct mal_rcu_block *next;
	unsigned int nr;
	void *objects[];
};

#define MAL_RCU_BLOCK_BYTES	SZ_1K
#define MAL_RCU_BLOCK_NR	((MAL_RCU_BLOCK_BYTES - sizeof(struct mal_rcu_block)) / \
				 sizeof(void *))

/**
 * struct mal_rcu_list - memory that is to be freed
 * @blocks: the last one may have room
 * @links: that for which there was no block, each with its address in func
 */
struct mal_rcu_list {
	struct mal_rcu_block *blocks;
	struct callback_head *links;
};

/**
 * struct mal_rcu_batch - what was freed on one CPU
 * @lock: protects @young and @spare
 * @young: not yet waiting
 * @spare: an empty block for who cannot ask for one, or NULL
 * @waiting: waiting for a grace period; the workers'
 * @is_waiting: @waiting is in use
 * @gather: makes the young ones wait
 * @free: frees those that have waited
 */
struct mal_rcu_batch {
	raw_spinlock_t lock;
	struct mal_rcu_list young;
	struct mal_rcu_block *spare;
	struct mal_rcu_list waiting;
	bool is_waiting;
	struct delayed_work gather;
	struct rcu_work free;
};

static DEFINE_PER_CPU(struct mal_rcu_batch, mal_rcu_batches);
static struct workqueue_struct *mal_rcu_wq;

/*
 * Whose it is
 */

/* What is ALLOCATED elsewhere, is GUARDED in a guard. */
static u8 mal_rcu_state(const struct mal_slab *slab, u8 state)
{
	return state == MAL_OBJECT_ALLOCATED && mal_slab_is_guard(slab) ?
	       MAL_OBJECT_GUARDED : state;
}

/*
 * Between the two states of an object that somebody has: its owner, or we.
 * False if it is not in the one. The caller keeps the slab's description.
 */
static bool mal_rcu_change(struct mal_slab *slab, const void *object, u8 from, u8 to)
{
	u32 index = mal_slab_index(slab->cache, slab, object);

	if (mal_lean())
		return true;
	from = mal_rcu_state(slab, from);
	to = mal_rcu_state(slab, to);
	return index < slab->nr && cmpxchg(&slab->states[index], from, to) == from;
}

/* Take it from its owner, or false: there is none. */
static bool mal_rcu_take(const void *object)
{
	struct mal_slab *slab;
	bool ok;

	rcu_read_lock();
	slab = mal_slab_of(object);
	ok = slab ? mal_rcu_change(slab, object, MAL_OBJECT_ALLOCATED, MAL_OBJECT_RCU) :
		    mal_large_take(object);
	rcu_read_unlock();
	return ok;
}

/* As mal_kfree() does, which is above us; its caller is told in reports. */
static noinline void mal_rcu_free_one(void *object)
{
	struct mal_slab *slab;

	preempt_disable();
	if (likely(mal_slab_find(object, &slab))) {
		if (likely(mal_rcu_change(slab, object, MAL_OBJECT_RCU,
					  MAL_OBJECT_ALLOCATED))) {
			mal_object_free_by_slab(slab, mal_cpu_here(), object);
			return;
		}
		preempt_enable();
	} else {
		preempt_enable();
		if (likely(mal_large_untake(object))) {
			mal_large_free(object, _RET_IP_);
			return;
		}
	}
	mal_report(MAL_REPORT_DOUBLE_FREE, 0,
		   "an object was freed by two at once, by one of them after a grace period");
}

/*
 * Lists
 */

static struct mal_rcu_block *mal_rcu_block_create(void)
{
	struct mal_rcu_block *block;

	if (mal_inject_should_fail())
		return NULL;
	block = kmalloc(MAL_RCU_BLOCK_BYTES, GFP_NOWAIT | __GFP_NOWARN);
	if (block)
		block->nr = 0;
	return block;
}

/* Put a block in store, if there is none. */
static void mal_rcu_refill(struct mal_rcu_batch *batch)
{
	struct mal_rcu_block *block;

	if (READ_ONCE(batch->spare))
		return;
	block = mal_rcu_block_create();
	raw_spin_lock_irq(&batch->lock);
	if (!batch->spare)
		swap(batch->spare, block);
	raw_spin_unlock_irq(&batch->lock);
	kfree(block);
}

/* Returns false if there is no room. */
static bool mal_rcu_note(struct mal_rcu_list *list, void *object)
{
	struct mal_rcu_block *block = list->blocks;

	if (unlikely(!block || block->nr == MAL_RCU_BLOCK_NR))
		return false;
	block->objects[block->nr++] = object;
	return true;
}

/* With a block that is empty, or the one in store, or none. */
static void mal_rcu_note_first(struct mal_rcu_batch *batch, struct mal_rcu_block *block,
			       struct rcu_head *head, void *object)
{
	struct mal_rcu_list *list = &batch->young;

	if (!block)
		swap(batch->spare, block);
	if (block) {
		block->next = list->blocks;
		list->blocks = block;
	}
	if (mal_rcu_note(list, object))
		return;
	head->func = (rcu_callback_t)object;
	head->next = list->links;
	list->links = head;
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
	struct mal_rcu_block *block;
	unsigned long flags;

	if (unlikely(!mal_rcu_take(object))) {
		mal_slab_report_free(NULL, object, _RET_IP_);
		return;
	}
	batch = raw_cpu_ptr(&mal_rcu_batches);
	raw_spin_lock_irqsave(&batch->lock, flags);
	if (unlikely(!mal_rcu_note(&batch->young, object))) {
		raw_spin_unlock_irqrestore(&batch->lock, flags);
		/* Where it cannot be known whether this may ask for memory, it may not. */
		block = preemptible() ? mal_rcu_block_create() : NULL;
		raw_spin_lock_irqsave(&batch->lock, flags);
		mal_rcu_note_first(batch, block, head, object);
	}
	raw_spin_unlock_irqrestore(&batch->lock, flags);
	/* No more than a look, if it waits for its time already. */
	queue_delayed_work(mal_rcu_wq, &batch->gather, MAL_KFREE_RCU_DELAY);
}
MAL_EXPORT(mal_kfree_call_rcu);

static void mal_rcu_gather(struct work_struct *work)
{
	struct mal_rcu_batch *batch = container_of(to_delayed_work(work),
						   struct mal_rcu_batch, gather);

	mal_rcu_refill(batch);
	/* Pairs with the release in mal_rcu_free(). */
	if (smp_load_acquire(&batch->is_waiting)) {
		queue_delayed_work(mal_rcu_wq, &batch->gather,
				   MAL_KFREE_RCU_DELAY);
		return;
	}
	raw_spin_lock_irq(&batch->lock);
	batch->waiting = batch->young;
	batch->young = (struct mal_rcu_list) {};
	raw_spin_unlock_irq(&batch->lock);
	if (!batch->waiting.blocks && !batch->waiting.links)
		return;
	batch->is_waiting = true;
	queue_rcu_work(mal_rcu_wq, &batch->free);
}

static void mal_rcu_free_block(struct mal_rcu_block *block)
{
	unsigned int i;

	for (i = 0; i < block->nr; i++) {
		mal_rcu_free_one(block->objects[i]);
		cond_resched();
	}
	kfree(block);
}

static void mal_rcu_free(struct work_struct *work)
{
	struct mal_rcu_batch *batch = container_of(to_rcu_work(work),
						   struct mal_rcu_batch, free);
	struct mal_rcu_block *block, *next_block;
	struct callback_head *head, *next;

	for (block = batch->waiting.blocks; block; block = next_block) {
		next_block = block->next;
		mal_rcu_free_block(block);
	}
	for (head = batch->waiting.links; head; head = next) {
		next = head->next;
		mal_rcu_free_one((void *)head->func);
		cond_resched();
	}
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

	/* Once for what keeps the young from waiting, and once for them. */
	for_each_possible_cpu(cpu) {
		struct mal_rcu_batch *batch = per_cpu_ptr(&mal_rcu_batches, cpu);

		flush_delayed_work(&batch->gather);
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

		raw_spin_lock_init(&batch->lock);
		INIT_DELAYED_WORK(&batch->gather, mal_rcu_gather);
		INIT_RCU_WORK(&batch->free, mal_rcu_free);
		mal_rcu_refill(batch);
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
	int cpu;

	mal_kfree_rcu_barrier();
	destroy_workqueue(mal_rcu_wq);
	for_each_possible_cpu(cpu) {
		struct mal_rcu_batch *batch = per_cpu_ptr(&mal_rcu_batches, cpu);

		kfree(batch->spare);
	}
}
