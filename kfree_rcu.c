// SPDX-License-Identifier: GPL-2.0
/*
 * kfree_rcu: memory that is freed after a grace period
 *
 * A free records the address of the memory on a list of its CPU. After a short
 * delay, which lets the list grow, the whole list waits for one grace period,
 * and the next list grows meanwhile. All frees of a list thus share the cost of
 * a grace period.
 *
 *	mal_kfree_call_rcu() --> young --work--> waiting --grace period--> freed
 *
 * A list consists of blocks of addresses in memory of the host. A caller that
 * may hold a raw lock must not allocate, so each CPU has a spare block for such
 * callers. Only if there is none, the memory to be freed is linked through its
 * struct rcu_head. A caller without an rcu_head (mal_kfree_rcu_mightsleep())
 * may sleep. It allocates a block, and waits for a grace period itself only if
 * there is no memory.
 *
 * Misuse. Until memory is freed, its state records the pending free: RCU for an
 * object, LARGE_FREED for pages. One atomic operation sets the state. If two
 * callers free the same memory this way, the second is reported. So is any
 * other free of pages in that state. The fast path of freeing an object is not
 * atomic, however. A CPU there may have found the object ALLOCATED just before
 * it became RCU, and then overwrites RCU with the tag of its sheaf. This is
 * detected here after the grace period, when that CPU has finished. The
 * contents of the object cannot be trusted then, which is why its address is
 * recorded elsewhere.
 *
 * Memory is freed through slab_alloc.c or kmalloc_large.c. A cache that is
 * destroyed waits for its objects on the lists (slab_cache.c).
 *
 * Locking: mal_rcu_batch.lock, with interrupts off. No lock is taken under it.
 * It is raw because callers may hold raw locks.
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
#include "internal/delay.h"
#include "internal/inject.h"
#include "internal/kfree_rcu.h"
#include "internal/kmalloc.h"
#include "internal/report.h"
#include "internal/slab_alloc.h"

/* Time that the first entry of a list waits for others. */
#define MAL_KFREE_RCU_DELAY	(HZ / 50)

/**
 * struct mal_rcu_block - addresses of memory to be freed
 * @next: the block filled before, or NULL
 * @nr: number of addresses
 * @objects: the addresses
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
 * struct mal_rcu_list - memory to be freed
 * @blocks: blocks of addresses; the first one may have room
 * @links: memory without room in a block; func is its address
 */
struct mal_rcu_list {
	struct mal_rcu_block *blocks;
	struct callback_head *links;
};

/**
 * struct mal_rcu_batch - memory freed on one CPU
 * @lock: protects @young and @spare
 * @young: not waiting yet
 * @spare: an empty block for callers that must not allocate, or NULL
 * @waiting: waiting for a grace period; used by the works only
 * @is_waiting: @waiting is in use
 * @gather: work that makes @young wait
 * @free: work that frees @waiting
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
 * Ownership
 */

/* ALLOCATED corresponds to GUARDED in a guard slab. */
static u8 mal_rcu_state(const struct mal_slab *slab, u8 state)
{
	return state == MAL_OBJECT_ALLOCATED && mal_slab_is_guard(slab) ?
	       MAL_OBJECT_GUARDED : state;
}

/*
 * Change the state of an object that has an owner or waits here. Returns false
 * if the object is not in the state @from. The caller keeps the description of
 * the slab.
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

/* Take memory from its owner. Returns false if it has none. */
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

/* Like mal_kfree(), which is in a higher layer. Reports name the caller. */
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
		if (likely(mal_large_undo_take(object))) {
			mal_large_free(object, _RET_IP_);
			return;
		}
	}
	mal_report(MAL_REPORT_DOUBLE_FREE, 0,
		   "object was freed by two callers at once, by one of them after a grace period");
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

/* Set aside a spare block, if there is none. */
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

/* Returns false if the list has no room. */
static bool mal_rcu_record(struct mal_rcu_list *list, void *object)
{
	struct mal_rcu_block *block = list->blocks;

	if (unlikely(!block || block->nr == MAL_RCU_BLOCK_NR))
		return false;
	block->objects[block->nr++] = object;
	return true;
}

/* Use an empty block, or the spare one, or none. */
static void mal_rcu_record_first(struct mal_rcu_batch *batch, struct mal_rcu_block *block,
				 struct rcu_head *head, void *object)
{
	struct mal_rcu_list *list = &batch->young;

	if (!block)
		swap(batch->spare, block);
	if (block) {
		block->next = list->blocks;
		list->blocks = block;
	}
	if (mal_rcu_record(list, object))
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
	if (unlikely(!mal_rcu_record(&batch->young, object))) {
		raw_spin_unlock_irqrestore(&batch->lock, flags);
		/*
		 * The context is known to allow an allocation only if it is
		 * preemptible.
		 */
		block = preemptible() ? mal_rcu_block_create() : NULL;
		raw_spin_lock_irqsave(&batch->lock, flags);
		mal_rcu_record_first(batch, block, head, object);
	}
	raw_spin_unlock_irqrestore(&batch->lock, flags);
	/* Does nothing if the work is already pending. */
	queue_delayed_work(mal_rcu_wq, &batch->gather, MAL_KFREE_RCU_DELAY);
}
MAL_EXPORT(mal_kfree_call_rcu);

/* A block for a task that may sleep: try harder. */
static struct mal_rcu_block *mal_rcu_block_create_mightsleep(void)
{
	struct mal_rcu_block *block;

	if (mal_inject_should_fail())
		return NULL;
	block = kmalloc(MAL_RCU_BLOCK_BYTES, GFP_KERNEL | __GFP_NORETRY | __GFP_NOWARN);
	if (block)
		block->nr = 0;
	return block;
}

/* Returns false if there is no memory to record the address in. */
static bool mal_rcu_record_mightsleep(void *object)
{
	struct mal_rcu_batch *batch = raw_cpu_ptr(&mal_rcu_batches);
	struct mal_rcu_block *block = NULL;
	bool noted;

	raw_spin_lock_irq(&batch->lock);
	noted = mal_rcu_record(&batch->young, object);
	raw_spin_unlock_irq(&batch->lock);
	if (!noted) {
		block = mal_rcu_block_create_mightsleep();
		if (!block)
			return false;
		raw_spin_lock_irq(&batch->lock);
		mal_rcu_record_first(batch, block, NULL, object);
		raw_spin_unlock_irq(&batch->lock);
	}
	queue_delayed_work(mal_rcu_wq, &batch->gather, MAL_KFREE_RCU_DELAY);
	return true;
}

/**
 * mal_kfree_rcu_mightsleep() - free memory after a grace period
 * @object: memory from mal_kmalloc(), or NULL
 *
 * Waits for the grace period only if there is no memory to record @object in.
 * Misuse is reported and has no other effect.
 *
 * Context: task; sleeps.
 */
void mal_kfree_rcu_mightsleep(const void *object)
{
	might_sleep();
	if (unlikely(ZERO_OR_NULL_PTR(object)))
		return;
	if (unlikely(!mal_rcu_take(object))) {
		mal_slab_report_free(NULL, object, _RET_IP_);
	} else if (unlikely(!mal_rcu_record_mightsleep((void *)object))) {
		synchronize_rcu();
		mal_rcu_free_one((void *)object);
	}
}
MAL_EXPORT(mal_kfree_rcu_mightsleep);

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
	mal_delay(MAL_DELAY_RCU_GATHERED);
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
 * mal_kfree_rcu_barrier() - wait until all earlier frees are completed
 *
 * Context: task; sleeps.
 */
void mal_kfree_rcu_barrier(void)
{
	int cpu;

	/* Twice: a list that waits delays the young one. */
	for_each_possible_cpu(cpu) {
		struct mal_rcu_batch *batch = per_cpu_ptr(&mal_rcu_batches, cpu);

		flush_delayed_work(&batch->gather);
		flush_rcu_work(&batch->free);
		flush_delayed_work(&batch->gather);
		flush_rcu_work(&batch->free);
	}
	/* vmalloc areas wait for a grace period one by one. */
	rcu_barrier();
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
 * mal_kfree_rcu_exit() - undo mal_kfree_rcu_init()
 *
 * Context: task. No free is in progress.
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
