// SPDX-License-Identifier: GPL-2.0
/*
 * Allocations and frees of every kind under locks of the caller
 *
 * A driver frees memory under a lock that its interrupt handler takes, too. So
 * no allocator may wait, under such a lock, for a lock that a CPU holds with
 * that interrupt enabled. This module has three locks. Each is taken in as many
 * contexts as its kind allows, on all CPUs at once (see contexts.c):
 *
 *	irq	spinlock: task with interrupts off, softirq and hardirq
 *	bh	spinlock: task with bottom halves off, and softirq
 *	raw	raw spinlock: task with interrupts off, and hardirq
 *
 * All kinds of memory are allocated under each lock and without a lock, are
 * exchanged for pieces of another CPU or context, and are freed. Each piece
 * holds its own address, which is checked before the free. There are enough
 * pieces of each kind to overflow the lists of the CPU.
 *
 * Lockdep reports a lock order that may deadlock without an actual deadlock.
 * A deadlock without lockdep is a hang.
 *
 * The module is written for the host's allocator, and is built for it, too, so
 * that memalloc has to support everything that the host supports. Two tests run
 * on memalloc only: the host's bulk functions need interrupts enabled, and the
 * host does not report a stray free.
 *
 * On PREEMPT_RT, memory is not allocated under a raw lock. The same holds if
 * lockdep enforces the rules of PREEMPT_RT.
 *
 * Context: task for exported functions.
 */
#include <linux/mempool.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/percpu.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/vmalloc.h>

#include "internal/compat.h"

#include "contexts.h"

/* More pieces of any kind than the lists of a CPU hold. */
#define LOCKS_PIECES	160

/* Pieces of each kind that are offered to other CPUs. */
#define LOCKS_SHARED	8

#define LOCKS_GFP	(GFP_ATOMIC | __GFP_NOWARN)

/* On the host, KASAN reports accesses by the debug modes. */
#ifdef LOCKS_HOST
#define LOCKS_OURS	false
#define LOCKS_DEBUG	0
#else
#define LOCKS_OURS	true
#define LOCKS_DEBUG	(SLAB_RED_ZONE | SLAB_POISON)
#endif

static unsigned int rounds = 20;
module_param(rounds, uint, 0444);
MODULE_PARM_DESC(rounds, "Rounds of each CPU (default: 20)");

static unsigned int stray;
module_param(stray, uint, 0444);
MODULE_PARM_DESC(stray, "Stray frees in each context of each CPU (default: 0)");

static atomic_long_t locks_made, locks_missed, locks_wrong, locks_stray;

static int locks_get_count(char *buffer, const struct kernel_param *kp)
{
	return sysfs_emit(buffer, "%ld\n", atomic_long_read(kp->arg));
}

static const struct kernel_param_ops locks_count_ops = {
	.get = locks_get_count,
};

module_param_cb(made, &locks_count_ops, &locks_made, 0444);
MODULE_PARM_DESC(made, "Pieces allocated");
module_param_cb(missed, &locks_count_ops, &locks_missed, 0444);
MODULE_PARM_DESC(missed, "Failed allocations");
module_param_cb(wrong, &locks_count_ops, &locks_wrong, 0444);
MODULE_PARM_DESC(wrong, "Pieces with wrong contents");
module_param_cb(strayed, &locks_count_ops, &locks_stray, 0444);
MODULE_PARM_DESC(strayed, "Stray frees made");

static DEFINE_SPINLOCK(locks_irq_lock);
static DEFINE_SPINLOCK(locks_bh_lock);
static DEFINE_RAW_SPINLOCK(locks_raw_lock);

/*
 * Kinds of memory
 */

struct locks_rcu {
	unsigned long word;
	struct rcu_head rcu;
};

static struct kmem_cache *locks_cache, *locks_cache_rcu, *locks_cache_debug;
static mempool_t *locks_pool, *locks_page_pool;

static void *locks_alloc_cache(gfp_t gfp)
{
	return kmem_cache_alloc(locks_cache, gfp);
}

static void locks_free_cache(void *piece)
{
	kmem_cache_free(locks_cache, piece);
}

static void *locks_alloc_typesafe(gfp_t gfp)
{
	return kmem_cache_alloc(locks_cache_rcu, gfp);
}

static void locks_free_typesafe(void *piece)
{
	kmem_cache_free(locks_cache_rcu, piece);
}

static void *locks_alloc_debug(gfp_t gfp)
{
	return kmem_cache_zalloc(locks_cache_debug, gfp);
}

static void locks_free_debug(void *piece)
{
	kmem_cache_free(locks_cache_debug, piece);
}

static void *locks_alloc_small(gfp_t gfp)
{
	return kmalloc(200, gfp);
}

static void *locks_alloc_large(gfp_t gfp)
{
	return kmalloc(20000, gfp);
}

static void *locks_alloc_again(gfp_t gfp)
{
	void *piece = kmalloc(60, gfp);
	void *more = piece ? krealloc(piece, 900, gfp) : NULL;

	return more ?: piece;
}

static void locks_free_bytes(void *piece)
{
	kfree(piece);
}

static void *locks_alloc_rcu(gfp_t gfp)
{
	return kmalloc(sizeof(struct locks_rcu), gfp);
}

static void locks_free_rcu(void *piece)
{
	struct locks_rcu *object = piece;

	kfree_rcu(object, rcu);
}

static void *locks_alloc_page(gfp_t gfp)
{
	return (void *)__get_free_pages(gfp, 0);
}

static void locks_free_page(void *piece)
{
	free_pages((unsigned long)piece, 0);
}

static void *locks_alloc_block(gfp_t gfp)
{
	return (void *)__get_free_pages(gfp, 4);
}

static void locks_free_block(void *piece)
{
	free_pages((unsigned long)piece, 4);
}

static void *locks_alloc_element(gfp_t gfp)
{
	return mempool_alloc(locks_pool, gfp);
}

static void locks_free_element(void *piece)
{
	mempool_free(piece, locks_pool);
}

static void *locks_alloc_page_element(gfp_t gfp)
{
	struct page *page = mempool_alloc(locks_page_pool, gfp);

	return page ? page_address(page) : NULL;
}

static void locks_free_page_element(void *piece)
{
	mempool_free(virt_to_page(piece), locks_page_pool);
}

/**
 * struct locks_kind - a kind of memory
 * @nr: pieces allocated before the first one is freed
 * @alloc: allocate a piece
 * @free: free it
 * @shared: pieces offered to other CPUs
 */
struct locks_kind {
	unsigned int nr;
	void *(*alloc)(gfp_t gfp);
	void (*free)(void *piece);
	void *shared[LOCKS_SHARED];
};

static struct locks_kind locks_kinds[] = {
	{ LOCKS_PIECES, locks_alloc_cache, locks_free_cache },
	{ LOCKS_PIECES, locks_alloc_typesafe, locks_free_typesafe },
	{ 20, locks_alloc_debug, locks_free_debug },
	{ LOCKS_PIECES, locks_alloc_small, locks_free_bytes },
	{ 4, locks_alloc_large, locks_free_bytes },
	{ 10, locks_alloc_again, locks_free_bytes },
	{ 20, locks_alloc_rcu, locks_free_rcu },
	{ LOCKS_PIECES, locks_alloc_page, locks_free_page },
	{ 8, locks_alloc_block, locks_free_block },
	{ 20, locks_alloc_element, locks_free_element },
	{ 20, locks_alloc_page_element, locks_free_page_element },
};

/**
 * struct locks_cpu - memory of the contexts of a CPU
 * @areas: vmalloc() areas, one for each context that may free it
 * @pieces: pieces of each context
 */
struct locks_cpu {
	void *areas[NR_CONTEXTS];
	void *pieces[NR_CONTEXTS][LOCKS_PIECES];
};

static struct locks_cpu *locks_cpus;

/* Exchange a piece for one of another CPU or context. Either may be NULL. */
static void *locks_share(struct locks_kind *kind, unsigned int i, void *piece)
{
	return xchg(&kind->shared[i % LOCKS_SHARED], piece);
}

static void locks_check(void *piece)
{
	if (*(unsigned long *)piece != (unsigned long)piece)
		atomic_long_inc(&locks_wrong);
}

static void locks_use_kind(struct locks_kind *kind, void **pieces)
{
	unsigned int i;

	for (i = 0; i < kind->nr; i++) {
		pieces[i] = kind->alloc(LOCKS_GFP);
		atomic_long_inc(pieces[i] ? &locks_made : &locks_missed);
		if (pieces[i])
			*(unsigned long *)pieces[i] = (unsigned long)pieces[i];
		if (i < LOCKS_SHARED)
			pieces[i] = locks_share(kind, i, pieces[i]);
	}
	for (i = 0; i < kind->nr; i++) {
		if (!pieces[i])
			continue;
		locks_check(pieces[i]);
		kind->free(pieces[i]);
	}
}

static void locks_use_percpu(void)
{
	void __percpu *small = __alloc_percpu_gfp(64, 8, LOCKS_GFP);
	void __percpu *large = __alloc_percpu_gfp(4000, 8, LOCKS_GFP);

	atomic_long_inc(small && large ? &locks_made : &locks_missed);
	free_percpu(small);
	free_percpu(large);
}

static void locks_use_bulk(void **pieces)
{
	if (!LOCKS_OURS || !kmem_cache_alloc_bulk(locks_cache, LOCKS_GFP, LOCKS_PIECES, pieces))
		return;
	atomic_long_add(LOCKS_PIECES, &locks_made);
	kmem_cache_free_bulk(locks_cache, LOCKS_PIECES, pieces);
}

/* The host allows vfree() in interrupt context and with bottom halves off. */
static void locks_use_area(void **area)
{
	if (in_interrupt() && *area) {
		vfree(*area);
		*area = NULL;
	}
}

static void locks_stray_free(void)
{
	static unsigned long foreign[8];
	unsigned int i;

	for (i = 0; LOCKS_OURS && i < stray; i++) {
		kfree(foreign);
		atomic_long_inc(&locks_stray);
	}
}

static void locks_use(unsigned int cpu, enum context context)
{
	struct locks_cpu *own = &locks_cpus[cpu];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(locks_kinds); i++)
		locks_use_kind(&locks_kinds[i], own->pieces[context]);
	locks_use_percpu();
	locks_use_bulk(own->pieces[context]);
	locks_use_area(&own->areas[context]);
	locks_stray_free();
}

/*
 * Locks
 */

static void locks_use_irq(unsigned int cpu, enum context context)
{
	unsigned long flags;

	spin_lock_irqsave(&locks_irq_lock, flags);
	locks_use(cpu, context);
	spin_unlock_irqrestore(&locks_irq_lock, flags);
}

static void locks_use_raw(unsigned int cpu, enum context context)
{
	unsigned long flags;

	if (IS_ENABLED(CONFIG_PREEMPT_RT) || IS_ENABLED(CONFIG_PROVE_RAW_LOCK_NESTING))
		return;
	raw_spin_lock_irqsave(&locks_raw_lock, flags);
	locks_use(cpu, context);
	raw_spin_unlock_irqrestore(&locks_raw_lock, flags);
}

static void locks_use_bh_in_softirq(unsigned int cpu, enum context context)
{
	spin_lock(&locks_bh_lock);
	locks_use(cpu, context);
	spin_unlock(&locks_bh_lock);
}

static void locks_use_bh(unsigned int cpu, enum context context)
{
	spin_lock_bh(&locks_bh_lock);
	locks_use(cpu, context);
	spin_unlock_bh(&locks_bh_lock);
}

/* Take each lock that the context allows. */
static void locks_run(unsigned int cpu, enum context context)
{
	locks_use_irq(cpu, context);
	switch (context) {
	case CONTEXT_TASK:
		locks_use_bh(cpu, context);
		locks_use_raw(cpu, context);
		locks_use(cpu, context);
		break;
	case CONTEXT_TIMER:
	case CONTEXT_TASKLET:
		locks_use_bh_in_softirq(cpu, context);
		break;
	default:
		locks_use_raw(cpu, context);
		break;
	}
}

static void locks_make_areas(unsigned int cpu)
{
	void **areas = locks_cpus[cpu].areas;
	unsigned int i;

	for (i = 0; i < NR_CONTEXTS; i++)
		if (!areas[i])
			areas[i] = vmalloc(4 * PAGE_SIZE);
}

static void locks_free_areas(void)
{
	unsigned int cpu, i;

	for (cpu = 0; cpu < nr_cpu_ids; cpu++)
		for (i = 0; i < NR_CONTEXTS; i++)
			vfree(locks_cpus[cpu].areas[i]);
}

static int locks_run_all(void)
{
	static const struct context_ops ops = {
		.begin = locks_make_areas,
		.run = locks_run,
	};
	int err;

	locks_cpus = vzalloc(array_size(nr_cpu_ids, sizeof(*locks_cpus)));
	if (!locks_cpus)
		return -ENOMEM;
	err = contexts_run(&ops, rounds);
	locks_free_areas();
	vfree(locks_cpus);
	return err;
}

static void locks_free_shared(struct locks_kind *kind)
{
	unsigned int i;
	void *piece;

	for (i = 0; i < LOCKS_SHARED; i++) {
		piece = locks_share(kind, i, NULL);
		if (piece)
			kind->free(piece);
	}
}

static void locks_exit_kinds(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(locks_kinds); i++)
		locks_free_shared(&locks_kinds[i]);
	mempool_destroy(locks_pool);
	mempool_destroy(locks_page_pool);
	kmem_cache_destroy(locks_cache);
	kmem_cache_destroy(locks_cache_rcu);
	kmem_cache_destroy(locks_cache_debug);
}

static int locks_init_kinds(void)
{
	locks_cache = kmem_cache_create("locks", 256, 0, 0, NULL);
	locks_cache_rcu = kmem_cache_create("locks_rcu", 256, 0, SLAB_TYPESAFE_BY_RCU, NULL);
	locks_cache_debug = kmem_cache_create("locks_debug", 256, 0, LOCKS_DEBUG, NULL);
	locks_pool = mempool_create_kmalloc_pool(4, 64);
	locks_page_pool = mempool_create_page_pool(4, 0);
	if (locks_cache && locks_cache_rcu && locks_cache_debug && locks_pool &&
	    locks_page_pool)
		return 0;
	locks_exit_kinds();
	return -ENOMEM;
}

static int __init locks_init(void)
{
	int err = locks_init_kinds();

	if (err)
		return err;
	err = locks_run_all();
	if (err)
		locks_exit_kinds();
	return err;
}

static void __exit locks_exit(void)
{
	locks_exit_kinds();
}

module_init(locks_init);
module_exit(locks_exit);

MODULE_DESCRIPTION("Allocates and frees under locks shared with interrupt handlers");
MODULE_LICENSE("GPL");
#ifndef LOCKS_HOST
MAL_IMPORT();
#endif

/* An object file belongs to one module, and this one is built twice. */
#include "contexts.c"
