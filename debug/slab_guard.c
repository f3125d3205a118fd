// SPDX-License-Identifier: GPL-2.0
/*
 * Guards: samples of allocations, each in a page of its own
 *
 * In a cache with GUARD, now and then an allocation that the sheaves at hand
 * cannot serve gets an object in the middle of a page where there is nothing else.
 * The rest of the page is redzone, the free object is poison, both stacks are
 * kept, and what is freed stays untouched for a while. All of it is looked at
 * when the object is freed, when its page goes, and by a scan every second: so
 * who writes out of bounds, or late, is found without debug modes for each
 * object, at a price that can be paid always.
 *
 * What a module cannot do: the host's KFENCE takes the page out of the kernel's
 * address space, and sees each access in the fault. The functions for that are
 * not for modules, nor is the handler of the fault. So we see writes, and see
 * them afterwards; reads only where the kernel has its address sanitizer.
 *
 * As nothing but a redzone sees a write, there must be one on both sides, as wide as
 * it goes; the host's KFENCE puts one side at the end of the page, where the fault sees
 * it. If an object has to be where a page of its own leaves it none, it gets two pages:
 * 2048 bytes that are aligned to as many, or nearly a page.
 *
 * A guard is a slab of one object, with a state of its own: GUARDED instead of
 * ALLOCATED. So it never gets into a sheaf, and the short ways need not know of
 * it: freeing it looks like a mistake there, and mal_guard_free() is asked before
 * that is reported.
 *
 *	GUARDED ------------------> HELD --------------------> the page is freed
 *	         mal_guard_free()         MAL_GUARD_HELD_MS later
 *
 * A sample is taken every slab_guard_ms milliseconds at most, over all caches,
 * and there are no more than slab_guards pages. With "lean" there are none, as
 * then nobody looks at states.
 *
 * Cost. An allocation that finds an object at hand knows nothing of guards: not
 * one instruction is added. Another asks whether a sample is due, which with
 * sheaves full of objects of 64 bytes comes to half an instruction for each. A
 * sample itself is some ten thousand, at most every slab_guard_ms; the scan looks
 * at slab_guards pages a second, if there are so many, and wakes no idle CPU.
 *
 * Locking: mal_slab_node.lock, with interrupts off, protects the guards of a
 * node, and their tracks.
 *
 * Context: any but NMI.
 */
#include <linux/align.h>
#include <linux/atomic.h>
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/list.h>
#include <linux/math.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/moduleparam.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

#include <memalloc/page_alloc.h>

#include "internal/inject.h"
#include "internal/slab.h"
#include "internal/slab_debug.h"
#include "internal/slab_guard.h"
#include "internal/slab_kmemleak.h"
#include "internal/slab_sanitizer.h"
#include "internal/slab_track.h"
#include "internal/trace.h"

/* What is freed is held so long. */
#define MAL_GUARD_HELD_MS	10000

/* On both sides of an object, at least. */
#define MAL_GUARD_REDZONE	sizeof(void *)

#define MAL_GUARD_FLAGS		(MAL_CACHE_GUARD | MAL_CACHE_RED_ZONE | \
				 MAL_CACHE_POISON | MAL_CACHE_STORE_USER)

static unsigned int mal_guard_ms = 100;
module_param_named(slab_guard_ms, mal_guard_ms, uint, 0644);
MODULE_PARM_DESC(slab_guard_ms, "Milliseconds between two samples in the debug mode G; 0: whenever one is possible (default: 100)");

static unsigned int mal_guard_max = 128;
module_param_named(slab_guards, mal_guard_max, uint, 0644);
MODULE_PARM_DESC(slab_guards, "Pages for samples in the debug mode G, at most (default: 128)");

/* Pages in guards, in freed ones, too. */
static atomic_t mal_guards = ATOMIC_INIT(0);

/* When the next sample may be taken. */
static unsigned long mal_guard_next;

/**
 * mal_guard_fits() - can a cache have guards?
 * @cache: the cache: one that keeps what is in a free object cannot
 *
 * Context: any.
 * Return: true if it can.
 */
bool mal_guard_fits(const struct mal_kmem_cache *cache)
{
	return !mal_lean() && !cache->gfp && !(cache->flags & MAL_CACHE_NO_INIT) &&
	       cache->align <= PAGE_SIZE &&
	       cache->object_size + MAL_GUARD_REDZONE <= PAGE_SIZE;
}

/* Before an object, at least; a multiple of how it is aligned. */
static unsigned int mal_guard_left(const struct mal_kmem_cache *cache)
{
	return ALIGN(MAL_GUARD_REDZONE, cache->align);
}

/**
 * mal_guard_order() - how large the guards of a cache are
 * @cache: a cache that has some
 *
 * Context: any.
 * Return: the order of the block of pages that each one is.
 */
unsigned int mal_guard_order(const struct mal_kmem_cache *cache)
{
	return get_order(mal_guard_left(cache) + cache->object_size + MAL_GUARD_REDZONE);
}

/* Of those who come at the same time, one gets it. */
static bool mal_guard_is_due(void)
{
	unsigned long next = READ_ONCE(mal_guard_next);
	unsigned long interval = msecs_to_jiffies(READ_ONCE(mal_guard_ms));

	if (!interval)
		return true;
	/* Neither is "next" of use, if nobody has come for half of all times. */
	if (time_before(jiffies, next) && time_before_eq(next, jiffies + interval))
		return false;
	return cmpxchg(&mal_guard_next, next, jiffies + interval) == next;
}

/*
 * Making and unmaking
 */

static struct mal_slab *mal_guard_describe(struct mal_kmem_cache *cache,
					   struct page *page, unsigned int order)
{
	unsigned int middle = ((PAGE_SIZE << order) - cache->object_size) / 2;
	struct mal_slab *slab;

	if (mal_inject_should_fail())
		return NULL;
	slab = kzalloc(struct_size(slab, states, sizeof(u64)),
		       GFP_NOWAIT | __GFP_NOWARN);
	if (!slab)
		return NULL;
	mal_kmemleak_slab(slab, GFP_NOWAIT);
	slab->cache = cache;
	slab->cpu = cache->cpu;
	slab->nr = 1;
	slab->nid = page_to_nid(page);
	slab->order = order;
	slab->left = max(round_down(middle, cache->align), mal_guard_left(cache));
	slab->base = page_address(page) + slab->left;
	slab->flags = MAL_GUARD_FLAGS;
	memset(slab->states, MAL_OBJECT_NONE, sizeof(u64));
	slab->states[0] = MAL_OBJECT_HELD;
	return slab;
}

static struct mal_slab *mal_guard_create(struct mal_kmem_cache *cache)
{
	unsigned int order = mal_guard_order(cache);
	struct mal_slab *slab;
	struct page *page;

	page = mal_alloc_pages_node(numa_mem_id(), GFP_NOWAIT | __GFP_NOWARN, order);
	if (!page)
		return NULL;
	slab = mal_guard_describe(cache, page, order);
	if (!slab)
		goto err_page;
	if (!mal_debug_slab_init(slab, GFP_NOWAIT | __GFP_NOWARN))
		goto err_slab;
	if (mal_sanitizer_on())
		mal_sanitizer_set_redzone(page_address(page), PAGE_SIZE << order);
	mal_slab_mark(slab);
	return slab;

err_slab:
	kfree(slab);
err_page:
	mal_free_pages(page, order);
	return NULL;
}

/* Nobody finds it any more. */
static void mal_guard_destroy(struct mal_slab *slab)
{
	void *block = mal_slab_block(slab);
	bool leaked = slab->states[0] == MAL_OBJECT_LEAKED;

	if (mal_sanitizer_on())
		mal_sanitizer_set_valid(block, PAGE_SIZE << slab->order);
	mal_slab_unmark(slab, leaked);
	if (!leaked)
		mal_free_pages(virt_to_page(block), slab->order);
	mal_debug_slab_exit(slab);
	atomic_sub(1 << slab->order, &mal_guards);
	kfree_rcu(slab, rcu);
}

static void mal_guard_destroy_list(struct list_head *slabs)
{
	struct mal_slab *slab, *next;

	list_for_each_entry_safe(slab, next, slabs, link)
		mal_guard_destroy(slab);
}

/**
 * mal_guard_alloc() - maybe allocate an object in a page of its own
 * @cache: a cache with guards
 * @caller: code address of who wants it
 *
 * Context: any but NMI; does not sleep.
 * Return: the object, or NULL: it is not the time, or there is no memory.
 */
void *mal_guard_alloc(struct mal_kmem_cache *cache, unsigned long caller)
{
	unsigned int pages = 1 << mal_guard_order(cache);
	struct mal_slab_node *node;
	struct mal_slab *slab = NULL;
	unsigned long flags;

	if (!mal_guard_is_due())
		return NULL;
	if (atomic_add_return(pages, &mal_guards) <= READ_ONCE(mal_guard_max))
		slab = mal_guard_create(cache);
	if (!slab) {
		atomic_sub(pages, &mal_guards);
		return NULL;
	}
	mal_track_note(&slab->tracks[0].alloc, caller);
	node = cache->nodes[slab->nid];
	spin_lock_irqsave(&node->lock, flags);
	WRITE_ONCE(slab->states[0], MAL_OBJECT_GUARDED);
	list_add_tail(&slab->link, &node->guards);
	node->nr_guards++;
	node->nr_guards_live++;
	spin_unlock_irqrestore(&node->lock, flags);
	return slab->base;
}

/* Take one out that nobody has; it is the caller's. */
static void mal_guard_remove(struct mal_slab_node *node, struct mal_slab *slab,
			     struct list_head *removed)
{
	struct mal_fault fault;

	if (slab->states[0] == MAL_OBJECT_HELD &&
	    !mal_debug_check(slab, 0, true, &fault)) {
		mal_debug_report(slab, 0, true, &fault, 0);
		WRITE_ONCE(slab->states[0], MAL_OBJECT_LEAKED);
	}
	list_move_tail(&slab->link, removed);
	node->nr_guards--;
}

/* Under the lock, GUARDED before. */
static void mal_guard_put(struct mal_slab_node *node, struct mal_slab *slab,
			  const struct mal_track_event *event,
			  struct list_head *removed)
{
	struct mal_track *track = &slab->tracks[0];
	struct mal_fault fault;

	track->freed = *event;
	node->nr_guards_live--;
	if (!mal_debug_check(slab, 0, false, &fault))
		mal_debug_mend(slab, 0, &fault, event->caller);
	if (track->spoiled) {
		WRITE_ONCE(slab->states[0], MAL_OBJECT_LEAKED);
		mal_guard_remove(node, slab, removed);
		return;
	}
	mal_debug_set_asked(slab, 0, slab->cache->object_size);
	mal_debug_poison(slab, 0);
	mal_kmemleak_free(slab->base);
	mal_sanitizer_free(slab->cache, slab->base);
	WRITE_ONCE(slab->states[0], MAL_OBJECT_HELD);
}

/**
 * mal_guard_free() - free an object, if it is a guard
 * @cache: the cache that it is said to be of
 * @object: any address
 * @caller: code address of who does it
 * @by_kfree: this is mal_kfree()
 *
 * Context: any but NMI.
 * Return: true if it has been taken back; false if this is no guard that
 * somebody has.
 */
bool mal_guard_free(struct mal_kmem_cache *cache, void *object,
		    unsigned long caller, bool by_kfree)
{
	struct mal_track_event event;
	struct mal_slab_node *node;
	struct mal_slab *slab;
	unsigned long flags;
	LIST_HEAD(removed);
	bool ours = false;

	rcu_read_lock();
	slab = mal_slab_of(object);
	if (!slab || !mal_slab_is_guard(slab) || slab->cache != cache ||
	    object != slab->base)
		goto out;
	mal_track_note(&event, caller);
	node = cache->nodes[slab->nid];
	spin_lock_irqsave(&node->lock, flags);
	ours = slab->states[0] == MAL_OBJECT_GUARDED;
	if (ours && by_kfree)
		trace_mal_kfree(caller, object);
	else if (ours)
		trace_mal_kmem_cache_free(caller, object, cache);
	if (ours)
		mal_guard_put(node, slab, &event, &removed);
	spin_unlock_irqrestore(&node->lock, flags);
out:
	rcu_read_unlock();
	mal_guard_destroy_list(&removed);
	return ours;
}

/**
 * mal_guard_flush() - let all guards go that nobody has
 * @node: the node of a cache
 *
 * Context: any but NMI.
 */
void mal_guard_flush(struct mal_slab_node *node)
{
	struct mal_slab *slab, *next;
	unsigned long flags;
	LIST_HEAD(removed);

	spin_lock_irqsave(&node->lock, flags);
	list_for_each_entry_safe(slab, next, &node->guards, link)
		if (slab->states[0] == MAL_OBJECT_HELD)
			mal_guard_remove(node, slab, &removed);
	spin_unlock_irqrestore(&node->lock, flags);
	mal_guard_destroy_list(&removed);
}

static void mal_guard_scan_live(struct mal_slab *slab)
{
	struct mal_fault fault;

	if (!mal_debug_check(slab, 0, false, &fault))
		mal_debug_mend(slab, 0, &fault, 0);
}

static bool mal_guard_has_waited(struct mal_slab *slab)
{
	struct mal_fault fault;

	return mal_track_age_ms(&slab->tracks[0].freed) > MAL_GUARD_HELD_MS ||
	       !mal_debug_check(slab, 0, true, &fault);
}

/**
 * mal_guard_scan() - look at all guards, and let those go that have waited
 * @node: the node of a cache
 *
 * Context: any but NMI.
 */
void mal_guard_scan(struct mal_slab_node *node)
{
	struct mal_slab *slab, *next;
	unsigned long flags;
	LIST_HEAD(removed);

	spin_lock_irqsave(&node->lock, flags);
	list_for_each_entry_safe(slab, next, &node->guards, link) {
		if (slab->states[0] == MAL_OBJECT_GUARDED)
			mal_guard_scan_live(slab);
		else if (slab->states[0] == MAL_OBJECT_HELD &&
			 mal_guard_has_waited(slab))
			mal_guard_remove(node, slab, &removed);
	}
	spin_unlock_irqrestore(&node->lock, flags);
	mal_guard_destroy_list(&removed);
}
