// SPDX-License-Identifier: GPL-2.0
/*
 * Allocations and frees in non-maskable interrupts
 *
 * A thread on one CPU allocates and frees pages, objects of a cache and
 * kmalloc() memory in a loop, while another CPU sends it NMIs. The NMI handler
 * does the same, so most NMIs interrupt a change of the lists that the handler
 * wants to use. Allocations in the handler are served from the lists or fail;
 * frees are deferred if the lists are busy or full.
 *
 * Every second NMI frees a block of an order that is not freed elsewhere. No
 * list has room for that order, so the free is always deferred. Each NMI also
 * frees memory larger than the size classes. An allocation of that size must
 * fail in an NMI, even if the lists have such blocks.
 *
 * Each user writes a mark into its objects and checks it before the free, so an
 * object with two owners is detected. Loading the module runs the test and
 * prints the result. /proc/memalloc shows whether memory was lost.
 *
 * Context: task, and NMI on the second CPU.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/atomic.h>
#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/gfp.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/nmi.h>
#include <linux/sched.h>

#include <asm/apic.h>

#include <memalloc/kmalloc.h>
#include <memalloc/page_alloc.h>
#include <memalloc/slab_cache.h>

#include "internal/compat.h"

static uint nmis = 5000;
module_param(nmis, uint, 0444);
MODULE_PARM_DESC(nmis, "Minimum number of NMIs (default: 5000)");

#define NMI_TARGET	1U	/* the CPU that receives the NMIs */
#define NMI_LONER	5U	/* the order that only NMIs free */
#define NMI_BLOCK	3U	/* the order that all users allocate */
#define NMI_LARGE	(PAGE_SIZE << NMI_BLOCK) /* size for kmalloc() */
#define NMI_THINGS	4	/* objects per user and kind */
#define NMI_PATIENCE	20	/* maximum number of NMIs, as a multiple of nmis */
#define NMI_GFP		(GFP_ATOMIC | __GFP_NOWARN)

static struct mal_kmem_cache *nmi_cache;

/*
 * Kinds of objects
 */

static void *nmi_page_alloc(void)
{
	struct page *page = mal_alloc_page(NMI_GFP);

	return page ? page_address(page) : NULL;
}

static void nmi_page_free(void *thing)
{
	mal_free_page(virt_to_page(thing));
}

static void *nmi_block_alloc(void)
{
	struct page *page = mal_alloc_pages(NMI_GFP, NMI_BLOCK);

	return page ? page_address(page) : NULL;
}

static void nmi_block_free(void *thing)
{
	mal_free_pages(virt_to_page(thing), NMI_BLOCK);
}

static void *nmi_object_alloc(void)
{
	return mal_kmem_cache_alloc(nmi_cache, NMI_GFP);
}

static void nmi_object_free(void *thing)
{
	mal_kmem_cache_free(nmi_cache, thing);
}

static void *nmi_memory_alloc(void)
{
	return mal_kmalloc(200, NMI_GFP);
}

static void nmi_memory_free(void *thing)
{
	mal_kfree(thing);
}

/**
 * struct nmi_kind - a kind of object
 * @name: its name
 * @alloc: allocate an object, or return NULL
 * @free: free an object
 */
struct nmi_kind {
	const char *name;
	void *(*alloc)(void);
	void (*free)(void *thing);
};

static const struct nmi_kind nmi_kinds[] = {
	{ "page", nmi_page_alloc, nmi_page_free },
	{ "block", nmi_block_alloc, nmi_block_free },
	{ "object", nmi_object_alloc, nmi_object_free },
	{ "memory", nmi_memory_alloc, nmi_memory_free },
};

#define NMI_KINDS	ARRAY_SIZE(nmi_kinds)

/*
 * Users
 */

/**
 * struct nmi_user - the thread or the NMI handler
 * @things: objects held
 * @next: next object of each kind to free or to allocate
 * @served: successful allocations
 * @refused: failed allocations
 * @stolen: objects that another user has written to
 */
struct nmi_user {
	void *things[NMI_KINDS][NMI_THINGS];
	unsigned int next[NMI_KINDS];
	unsigned long served[NMI_KINDS];
	unsigned long refused[NMI_KINDS];
	unsigned long stolen;
};

static struct nmi_user nmi_thread_user, nmi_handler_user;

static void nmi_user_free(struct nmi_user *user, unsigned int kind, void **thing)
{
	if (*(void **)*thing != user)
		user->stolen++;
	nmi_kinds[kind].free(*thing);
	*thing = NULL;
}

/* Free the next object if it is allocated; otherwise allocate it. */
static void nmi_user_step(struct nmi_user *user, unsigned int kind)
{
	void **thing = &user->things[kind][user->next[kind]++ % NMI_THINGS];

	if (*thing) {
		nmi_user_free(user, kind, thing);
		return;
	}
	*thing = nmi_kinds[kind].alloc();
	if (*thing) {
		*(void **)*thing = user;
		user->served[kind]++;
	} else {
		user->refused[kind]++;
	}
}

static void nmi_user_leave(struct nmi_user *user)
{
	unsigned int kind, i;

	for (kind = 0; kind < NMI_KINDS; kind++)
		for (i = 0; i < NMI_THINGS; i++)
			if (user->things[kind][i])
				nmi_user_free(user, kind, &user->things[kind][i]);
}

/*
 * NMIs
 */

static atomic_t nmi_sent;		/* an NMI is pending */
static unsigned long nmi_taken;
static unsigned long nmi_put_off;	/* frees that had to be deferred */
static unsigned long nmi_found;		/* allocations that succeeded but must fail in an NMI */
static unsigned long nmi_freed;		/* frees of memory larger than the size classes */
static struct page *nmi_loner;		/* the next block to free */
static void *nmi_large;			/* the next large memory to free */

static void nmi_free_loner(void)
{
	struct page *page = xchg(&nmi_loner, NULL);

	if (page) {
		mal_free_pages(page, NMI_LONER);
		nmi_put_off++;
	}
}

static void nmi_use_large(void)
{
	void *large = xchg(&nmi_large, NULL);

	if (large) {
		mal_kfree(large);
		nmi_freed++;
	}
	if (mal_kmalloc(NMI_LARGE, NMI_GFP))
		nmi_found++;
}

static int nmi_handler(unsigned int type, struct pt_regs *regs)
{
	unsigned int kind;

	if (smp_processor_id() != NMI_TARGET || !atomic_xchg(&nmi_sent, 0))
		return NMI_DONE;
	for (kind = 0; kind < NMI_KINDS; kind++)
		nmi_user_step(&nmi_handler_user, kind);
	nmi_use_large();
	if (nmi_taken++ % 2)
		nmi_free_loner();
	else if (mal_alloc_pages(NMI_GFP, NMI_LONER))
		nmi_found++;
	return NMI_HANDLED;
}

/* Runs on the CPU that receives the NMIs. */
static int nmi_thread(void *data)
{
	unsigned int kind = 0;

	while (!kthread_should_stop()) {
		nmi_user_step(&nmi_thread_user, kind++ % NMI_KINDS);
		if (kind % 1024 == 0)
			cond_resched();
	}
	return 0;
}

/*
 * Prepare memory for the next NMI to free. The previous NMI has been handled.
 */
static void nmi_prepare(void)
{
	if (!nmi_loner)
		xchg(&nmi_loner, mal_alloc_pages(GFP_KERNEL, NMI_LONER));
	if (!nmi_large)
		xchg(&nmi_large, mal_kmalloc(NMI_LARGE, GFP_KERNEL));
}

static bool nmi_send(void)
{
	unsigned long patience = jiffies + 10 * HZ;

	nmi_prepare();
	atomic_set(&nmi_sent, 1);
	apic->send_IPI_mask(cpumask_of(NMI_TARGET), NMI_VECTOR);
	while (atomic_read(&nmi_sent) && time_before(jiffies, patience))
		cpu_relax();
	return !atomic_read(&nmi_sent);
}

/*
 * The timing of NMIs is random, especially if the host is busy. Have enough
 * NMIs interrupted a change of each kind's lists?
 */
static bool nmi_met_all_kinds(void)
{
	unsigned int kind;

	for (kind = 0; kind < NMI_KINDS; kind++)
		if (!READ_ONCE(nmi_handler_user.refused[kind]))
			return false;
	return true;
}

/* Returns the number of NMIs sent. */
static unsigned int nmi_run(struct task_struct *thread)
{
	unsigned int i;

	set_cpus_allowed_ptr(current, cpumask_of(0));
	kthread_bind(thread, NMI_TARGET);
	wake_up_process(thread);
	for (i = 0; i < nmis || (i < nmis * NMI_PATIENCE && !nmi_met_all_kinds());) {
		i++;
		if (!nmi_send())
			break;
		ndelay(1000 + i % 7 * 300);
		cond_resched();
	}
	kthread_stop(thread);
	return i;
}

static void nmi_tell(const char *name, const struct nmi_user *user)
{
	unsigned int kind;

	for (kind = 0; kind < NMI_KINDS; kind++)
		pr_info("%s %s: %lu served, %lu refused\n", name,
			nmi_kinds[kind].name, user->served[kind],
			user->refused[kind]);
	pr_info("%s: %lu stolen\n", name, user->stolen);
}

static void nmi_finish(unsigned int sent)
{
	nmi_user_leave(&nmi_thread_user);
	nmi_user_leave(&nmi_handler_user);
	if (nmi_loner)
		mal_free_pages(nmi_loner, NMI_LONER);
	mal_kfree(nmi_large);
	nmi_tell("thread", &nmi_thread_user);
	nmi_tell("nmi", &nmi_handler_user);
	pr_info("%lu of %u taken, %lu frees put off, %lu large freed, %lu found\n",
		nmi_taken, sent, nmi_put_off, nmi_freed, nmi_found);
}

static int __init nmi_init(void)
{
	struct task_struct *thread;
	unsigned int sent;
	int err;

	if (!cpu_online(NMI_TARGET))
		return -ENODEV;
	nmi_cache = mal_kmem_cache_create("memalloc_nmi", 64, 0, 0, NULL);
	if (!nmi_cache)
		return -ENOMEM;
	thread = kthread_create(nmi_thread, NULL, "memalloc_nmi");
	err = PTR_ERR_OR_ZERO(thread);
	if (err)
		goto out_destroy;
	err = register_nmi_handler(NMI_LOCAL, nmi_handler, 0, "memalloc_nmi");
	if (err) {
		kthread_stop(thread);
		goto out_destroy;
	}
	sent = nmi_run(thread);
	unregister_nmi_handler(NMI_LOCAL, "memalloc_nmi");
	nmi_finish(sent);
out_destroy:
	mal_kmem_cache_destroy(nmi_cache);
	return err;
}

static void __exit nmi_exit(void)
{
}

module_init(nmi_init);
module_exit(nmi_exit);

MAL_IMPORT();
MODULE_DESCRIPTION("Allocating and freeing with memalloc in NMIs");
MODULE_LICENSE("GPL");
