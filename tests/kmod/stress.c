// SPDX-License-Identifier: GPL-2.0
/*
 * Stress: use every layer of memalloc from every context on every CPU
 *
 * A table of slots holds allocations of all kinds. Each worker picks a slot at
 * random. If the slot has an allocation, the worker takes it, checks its
 * contents and frees it; otherwise the worker allocates an object and stores it
 * there. So most objects are freed on another CPU or in another context than
 * they were allocated.
 *
 * Each allocation begins with its description, and is filled with a pattern
 * derived from its address. Overlapping allocations and writes to free memory
 * are detected when an object is taken.
 *
 * The workers of each CPU are a thread, which may sleep for memory; an RCU
 * callback (softirq), which requeues itself; and an irq_work (hardirq), which
 * the thread queues. They interrupt each other and the threads of user space.
 *
 * Loading starts the workers; unloading stops them and frees everything. A
 * failure is logged with "BUG: ".
 *
 * Contexts: see above. Lifetimes: threads stop first, then irq_works, then
 * callbacks, which no longer requeue themselves when "stopping" is set. The
 * slots are freed last.
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
MODULE_PARM_DESC(seed, "Seed of the random numbers (default: 1)");

static uint slots = 4096;
module_param(slots, uint, 0444);
MODULE_PARM_DESC(slots, "Maximum number of allocations (default: 4096)");

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
 * struct stress_item - header of each allocation
 * @self: its address
 * @kind: enum stress_kind
 * @order: order, for pages
 * @cache: index of the cache, for objects
 * @bytes: total size; with @percpu, size on each CPU
 * @percpu: the per-CPU area, if this is a separate header
 */
struct stress_item {
	void *self;
	u32 kind;
	u16 order;
	u16 cache;
	size_t bytes;
	void __percpu *percpu;
};

/* Few elements, so that tasks wait for each other when memory is short. */
#define STRESS_MIN_NR	4
#define STRESS_ELEMENT_SIZE	700

static mal_mempool_t *stress_pool;

/* Sizes of objects: small, odd, about a page, more than one. */
static const unsigned int stress_sizes[] = { 32, 72, 200, 1000, 4096, 5000 };
static struct mal_kmem_cache *stress_caches[ARRAY_SIZE(stress_sizes)];

/**
 * struct stress_worker - the workers of a CPU
 * @thread: task context
 * @irq_work: hardirq context
 * @rcu: softirq context
 * @random: random state of each worker, as they interrupt each other
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

/* Returns the first byte that differs from the pattern, or NULL. */
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

/* A corrupted object is reported once and is not freed. */
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

/* The header of a per-CPU area is allocated by kmalloc(). */
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

/* The thread migrates when its CPU goes offline. */
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
	/*
	 * The first barrier waits for callbacks that may requeue themselves,
	 * the second for those.
	 */
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
