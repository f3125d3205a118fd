// SPDX-License-Identifier: GPL-2.0
/*
 * A client that never rests: every layer, from every context, on every processor
 *
 * A table of slots holds allocations of all kinds. Whoever works takes what is in
 * a slot chosen at random, checks that it is as it was left, and frees it; or, if
 * there is nothing, allocates something and leaves it there. So that most is
 * freed by another than has allocated it: another processor, another context.
 *
 * Each allocation begins with what it is, and is filled with a pattern made from
 * its address. Two that overlap, or a write to one that is free, are seen when
 * one of them is taken.
 *
 * Those who work: a thread for each processor, which sleeps for memory; an RCU
 * callback (softirq) for each, which begins the next one; and an irq_work (hardirq)
 * for each, which the thread begins. They come on top of each other, and of
 * whatever the threads of user space do.
 *
 * Loading starts it, unloading stops it and frees all. A failure is a line of the
 * kernel log with "BUG: ".
 *
 * Contexts: as said. Lifetimes: threads end first, then irq_works, then callbacks,
 * which are no longer begun when "stopping" is set; the slots last.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cpu.h>
#include <linux/delay.h>
#include <linux/irq_work.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/percpu.h>
#include <linux/prandom.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>

#include <memalloc/kmalloc.h>
#include <memalloc/mempool.h>
#include <memalloc/page_alloc.h>
#include <memalloc/percpu.h>
#include <memalloc/slab_cache.h>
#include <memalloc/vmalloc_area.h>

#include "internal/compat.h"

static ulong seed = 1;
module_param(seed, ulong, 0444);
MODULE_PARM_DESC(seed, "Where the random numbers begin (default: 1)");

static uint slots = 4096;
module_param(slots, uint, 0444);
MODULE_PARM_DESC(slots, "Allocations at the same time, at most (default: 4096)");

enum stress_kind {
	STRESS_PAGES,
	STRESS_KMALLOC,
	STRESS_OBJECT,
	STRESS_ELEMENT,
	STRESS_AREA,
	STRESS_PERCPU,
	STRESS_KINDS,
};

/**
 * struct stress_item - what is at the beginning of each allocation
 * @self: its address
 * @kind: enum stress_kind
 * @order: of pages
 * @cache: which, of an object
 * @bytes: of it all; for each processor, if there is @percpu
 * @percpu: what it is about, if it has only the description itself
 */
struct stress_item {
	void *self;
	u32 kind;
	u16 order;
	u16 cache;
	size_t bytes;
	void __percpu *percpu;
};

/* Of a pool: few, so that some wait for others when memory is short. */
#define STRESS_MIN_NR	4
#define STRESS_ELEMENT_SIZE	700

static mal_mempool_t *stress_pool;

/* Sizes of objects: small, odd, about a page, more than one. */
static const unsigned int stress_sizes[] = { 32, 72, 200, 1000, 4096, 5000 };
static struct mal_kmem_cache *stress_caches[ARRAY_SIZE(stress_sizes)];

/**
 * struct stress_worker - who works on a processor
 * @thread: in task context
 * @irq_work: in hardirq
 * @rcu: in softirq
 * @random: of each of the three, which come on top of each other
 */
struct stress_worker {
	struct task_struct *thread;
	struct irq_work irq_work;
	struct rcu_head rcu;
	struct rnd_state random[3];
};

static DEFINE_PER_CPU(struct stress_worker, stress_workers);
static struct stress_item **stress_slots;
static bool stopping;
static atomic_long_t allocations, refusals;

static u8 stress_byte(const struct stress_item *item)
{
	return hash_ptr(item, 8) | 1;
}

static void stress_fill(struct stress_item *item)
{
	int cpu;

	item->self = item;
	if (!item->percpu) {
		memset(item + 1, stress_byte(item), item->bytes - sizeof(*item));
		return;
	}
	for_each_possible_cpu(cpu)
		memset(per_cpu_ptr(item->percpu, cpu), stress_byte(item), item->bytes);
}

/* The first byte that is not what it was filled with, or NULL. */
static const void *stress_changed(const struct stress_item *item)
{
	const void *changed = NULL;
	int cpu;

	if (!item->percpu)
		return memchr_inv(item + 1, stress_byte(item), item->bytes - sizeof(*item));
	for_each_possible_cpu(cpu)
		changed = changed ?: memchr_inv(per_cpu_ptr(item->percpu, cpu),
						stress_byte(item), item->bytes);
	return changed;
}

/* Reported once for each, and what is broken is not freed: see what comes of it. */
static bool stress_is_whole(const struct stress_item *item)
{
	const void *changed = NULL;

	if (item->self == item)
		changed = stress_changed(item);
	if (item->self == item && !changed)
		return true;
	pr_err("BUG: allocation of kind %u, %zu bytes, has changed at byte %td\n",
	       item->kind, item->bytes,
	       changed && !item->percpu ? changed - (const void *)item : 0);
	return false;
}

/* Its description is kmalloc's. */
static struct stress_item *stress_take_percpu(gfp_t gfp, struct stress_item *what)
{
	struct stress_item *item = mal_kmalloc(sizeof(*item), gfp);

	if (!item)
		return NULL;
	what->percpu = __mal_alloc_percpu_gfp(what->bytes, 8, gfp);
	if (what->percpu)
		return item;
	mal_kfree(item);
	return NULL;
}

static struct stress_item *stress_take(struct rnd_state *random,
				       enum stress_kind kind, gfp_t gfp,
				       struct stress_item *what)
{
	struct page *page;

	switch (kind) {
	case STRESS_PAGES:
		what->order = min(prandom_u32_state(random) % 5,
				  prandom_u32_state(random) % 9);
		what->bytes = PAGE_SIZE << what->order;
		page = mal_alloc_pages(gfp, what->order);
		return page ? page_address(page) : NULL;
	case STRESS_KMALLOC:
		what->bytes = sizeof(*what) +
			prandom_u32_state(random) % (prandom_u32_state(random) % 16 ? 600 : 20000);
		return mal_kmalloc(what->bytes, gfp);
	case STRESS_ELEMENT:
		what->bytes = STRESS_ELEMENT_SIZE;
		return mal_mempool_alloc(stress_pool, gfp);
	case STRESS_AREA:
		what->bytes = PAGE_SIZE << prandom_u32_state(random) % 5;
		return __mal_vmalloc(what->bytes, gfp);
	case STRESS_PERCPU:
		what->bytes = 1 + prandom_u32_state(random) % 600;
		return stress_take_percpu(gfp, what);
	default:
		what->cache = prandom_u32_state(random) % ARRAY_SIZE(stress_sizes);
		what->bytes = stress_sizes[what->cache];
		return mal_kmem_cache_alloc(stress_caches[what->cache], gfp);
	}
}

static struct stress_item *stress_alloc(struct rnd_state *random, gfp_t gfp)
{
	struct stress_item what = {
		.kind = prandom_u32_state(random) % STRESS_KINDS,
	};
	struct stress_item *item;

	item = stress_take(random, what.kind, gfp | __GFP_NOWARN, &what);
	if (!item) {
		atomic_long_inc(&refusals);
		return NULL;
	}
	atomic_long_inc(&allocations);
	*item = what;
	stress_fill(item);
	return item;
}

static void stress_free(struct stress_item *item)
{
	if (!stress_is_whole(item))
		return;
	switch (item->kind) {
	case STRESS_PAGES:
		mal_free_pages(virt_to_page(item), item->order);
		break;
	case STRESS_PERCPU:
		mal_free_percpu(item->percpu);
		fallthrough;
	case STRESS_KMALLOC:
		mal_kfree(item);
		break;
	case STRESS_ELEMENT:
		mal_mempool_free(item, stress_pool);
		break;
	case STRESS_AREA:
		mal_vfree(item);
		break;
	default:
		mal_kmem_cache_free(stress_caches[item->cache], item);
	}
}

static void stress_step(struct rnd_state *random, gfp_t gfp)
{
	struct stress_item **slot = &stress_slots[prandom_u32_state(random) % slots];
	struct stress_item *item = xchg(slot, NULL);

	if (!item)
		item = xchg(slot, stress_alloc(random, gfp));
	if (item)
		stress_free(item);
}

static void stress_steps(struct rnd_state *random, gfp_t gfp, int count)
{
	while (count--)
		stress_step(random, gfp);
}

static void stress_irq_work(struct irq_work *irq_work)
{
	struct stress_worker *worker = container_of(irq_work, struct stress_worker,
						    irq_work);

	stress_steps(&worker->random[1], GFP_ATOMIC, 8);
}

static void stress_rcu(struct rcu_head *rcu)
{
	struct stress_worker *worker = container_of(rcu, struct stress_worker, rcu);

	stress_steps(&worker->random[2], GFP_NOWAIT, 16);
	if (!READ_ONCE(stopping))
		call_rcu(&worker->rcu, stress_rcu);
}

/* Not bound for good: when its processor goes it works on another. */
static int stress_thread(void *data)
{
	struct stress_worker *worker = data;
	unsigned long rounds = 0;

	while (!kthread_should_stop()) {
		stress_steps(&worker->random[0], GFP_KERNEL, 32);
		irq_work_queue(&worker->irq_work);
		if (rounds++ % 64 == 0)
			mal_kmem_cache_shrink(stress_caches[rounds / 64 %
							    ARRAY_SIZE(stress_sizes)]);
		if (rounds % 4 == 0)
			usleep_range(500, 1000);
		cond_resched();
	}
	return 0;
}

static int stress_worker_start(unsigned int cpu)
{
	struct stress_worker *worker = per_cpu_ptr(&stress_workers, cpu);
	struct task_struct *thread;
	int i;

	for (i = 0; i < ARRAY_SIZE(worker->random); i++)
		prandom_seed_state(&worker->random[i], seed * 4096 + cpu * 4 + i);
	init_irq_work(&worker->irq_work, stress_irq_work);
	thread = kthread_create(stress_thread, worker, "memalloc-stress/%u", cpu);
	if (IS_ERR(thread))
		return PTR_ERR(thread);
	set_cpus_allowed_ptr(thread, cpumask_of(cpu));
	worker->thread = thread;
	call_rcu(&worker->rcu, stress_rcu);
	wake_up_process(thread);
	return 0;
}

static void stress_stop(void)
{
	struct stress_worker *worker;
	int cpu;

	for_each_possible_cpu(cpu) {
		worker = per_cpu_ptr(&stress_workers, cpu);
		if (!worker->thread)
			continue;
		kthread_stop(worker->thread);
		irq_work_sync(&worker->irq_work);
		worker->thread = NULL;
	}
	/* The first waits for those that may begin another, the second for these. */
	WRITE_ONCE(stopping, true);
	rcu_barrier();
	rcu_barrier();
}

static void stress_free_all(void)
{
	unsigned int i;

	for (i = 0; i < slots; i++)
		if (stress_slots[i])
			stress_free(stress_slots[i]);
	mal_mempool_destroy(stress_pool);
	for (i = 0; i < ARRAY_SIZE(stress_sizes); i++)
		if (stress_caches[i])
			mal_kmem_cache_destroy(stress_caches[i]);
	kvfree(stress_slots);
}

static int stress_prepare(void)
{
	char name[24];
	unsigned int i;

	if (!slots)
		return -EINVAL;
	stress_slots = kvcalloc(slots, sizeof(*stress_slots), GFP_KERNEL);
	if (!stress_slots)
		return -ENOMEM;
	stress_pool = mal_mempool_create_kmalloc_pool(STRESS_MIN_NR, STRESS_ELEMENT_SIZE);
	if (!stress_pool)
		return -ENOMEM;
	for (i = 0; i < ARRAY_SIZE(stress_sizes); i++) {
		snprintf(name, sizeof(name), "stress-%u", stress_sizes[i]);
		stress_caches[i] = mal_kmem_cache_create(name, stress_sizes[i], 0, 0, NULL);
		if (!stress_caches[i])
			return -ENOMEM;
	}
	return 0;
}

static int __init stress_init(void)
{
	int err, cpu;

	err = stress_prepare();
	cpus_read_lock();
	for_each_online_cpu(cpu)
		err = err ?: stress_worker_start(cpu);
	cpus_read_unlock();
	if (!err)
		return 0;
	stress_stop();
	if (stress_slots)
		stress_free_all();
	return err;
}

static void __exit stress_exit(void)
{
	stress_stop();
	stress_free_all();
	pr_info("%ld allocations, %ld refused\n", atomic_long_read(&allocations),
		atomic_long_read(&refusals));
}

module_init(stress_init);
module_exit(stress_exit);

MODULE_DESCRIPTION("Use every layer of memalloc from every context");
MODULE_LICENSE("GPL");
MAL_IMPORT();
