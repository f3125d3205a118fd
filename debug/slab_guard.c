// SPDX-License-Identifier: GPL-2.0
/*
 * Guards: sampled allocations, each in a page of its own
 *
 * In a cache with GUARD, an allocation that the CPU's sheaves cannot serve
 * occasionally gets an object in the middle of an otherwise empty page. The
 * rest of the page is redzone. A free object is poisoned. The stacks of the
 * allocation and of the free are recorded, and a freed object is not reused for
 * a while. Everything is checked when the object is freed, when its page is
 * freed, and by a scan every second. So writes out of bounds or after a free
 * are detected without debug modes for each object, at a cost that is
 * acceptable in production.
 *
 * Limits. The host's KFENCE removes the page from the kernel's address space
 * and catches each access in the page fault. Modules have no access to the
 * functions for that, nor to the fault handler. So only writes are detected,
 * and only afterwards. Reads are detected only on kernels with KASAN.
 *
 * Since only a redzone detects a write, both sides need one, as large as
 * possible. The host's KFENCE places one side of the object at the end of the
 * page, where the fault detects an access. An object that leaves no room for a
 * redzone in one page gets two pages: 2048 bytes with an alignment of 2048, or
 * almost a page.
 *
 * A guard is a slab of one object with its own state, GUARDED instead of
 * ALLOCATED. It never enters a sheaf, so the fast paths need not know of it.
 * Its free looks like misuse to them, and mal_guard_free() is called before
 * that is reported.
 *
 *	GUARDED ------------------> QUARANTINED -------------> the page is freed
 *	         mal_guard_free()      MAL_GUARD_QUARANTINE_MS later
 *
 * A sample is taken at most every slab_guard_ms milliseconds over all caches,
 * and there are at most slab_guards pages. There are no guards in lean mode,
 * because states are not checked then.
 *
 * Cost. An allocation served from a sheaf of the CPU does not know of guards:
 * not one instruction is added. Any other allocation checks whether a sample is
 * due. That amounts to half an instruction per allocation if the sheaves are
 * full of 64-byte objects. A sample takes some ten thousand instructions, at
 * most every slab_guard_ms. The scan checks up to slab_guards pages per second,
 * and wakes no idle CPU.
 *
 * Locking: mal_slab_node.lock, with interrupts off, protects the guards of a
 * node and their tracks.
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
#include "internal/page_alloc.h"
#include "internal/slab.h"
#include "internal/slab_debug.h"
#include "internal/slab_guard.h"
#include "internal/slab_kmemleak.h"
#include "internal/slab_sanitizer.h"
#include "internal/slab_track.h"
#include "internal/trace.h"

/* A freed object is not reused for this long. */
#define MAL_GUARD_QUARANTINE_MS	10000

/* Guards checked in one critical section: the check reads a page of each. */
#define MAL_GUARD_BATCH		16UL

/* Minimum size of the redzone on either side of an object. */
#define MAL_GUARD_REDZONE	sizeof(void *)

#define MAL_GUARD_FLAGS		(MAL_CACHE_GUARD | MAL_CACHE_RED_ZONE | \
				 MAL_CACHE_POISON | MAL_CACHE_STORE_USER)

static unsigned int mal_guard_ms = 100;
module_param_named(slab_guard_ms, mal_guard_ms, uint, 0644);
MODULE_PARM_DESC(slab_guard_ms, "Milliseconds between two samples in the debug mode G, 0 for as many as possible (default: 100)");

static unsigned int mal_guard_max = 128;
module_param_named(slab_guards, mal_guard_max, uint, 0644);
MODULE_PARM_DESC(slab_guards, "Maximum number of pages for samples in the debug mode G (default: 128)");

/* Pages in guards, including freed ones. */
static atomic_t mal_guards = ATOMIC_INIT(0);

/* Earliest time of the next sample. */
static unsigned long mal_guard_next;

/**
 * mal_guard_fits() - can a cache have guards?
 * @cache: the cache; one that preserves the contents of free objects cannot
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

/* Minimum redzone before an object; a multiple of the alignment. */
static unsigned int mal_guard_left(const struct mal_kmem_cache *cache)
{
	return ALIGN(MAL_GUARD_REDZONE, cache->align);
}

/**
 * mal_guard_order() - size of the guards of a cache
 * @cache: a cache with guards
 *
 * Context: any.
 * Return: order of the block of pages of each guard.
 */
unsigned int mal_guard_order(const struct mal_kmem_cache *cache)
{
	return get_order(mal_guard_left(cache) + cache->object_size + MAL_GUARD_REDZONE);
}

/* Of concurrent callers, only one returns true. */
static bool mal_guard_is_due(void)
{
	unsigned long next = READ_ONCE(mal_guard_next);
	unsigned long interval = msecs_to_jiffies(READ_ONCE(mal_guard_ms));

	if (!interval)
		return true;
	/*
	 * After half the range of jiffies without a caller, "next" is useless
	 * as well.
	 */
	if (time_before(jiffies, next) && time_before_eq(next, jiffies + interval))
		return false;
	return cmpxchg(&mal_guard_next, next, jiffies + interval) == next;
}

/*
 * Creation and destruction
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
	slab->states[0] = MAL_OBJECT_QUARANTINED;
	return slab;
}

static struct mal_slab *mal_guard_create(struct mal_kmem_cache *cache)
{
	unsigned int order = mal_guard_order(cache);
	struct mal_slab *slab;
	struct page *page;

	page = mal_alloc_heap_pages(numa_mem_id(), GFP_NOWAIT | __GFP_NOWARN, order,
				    _RET_IP_);
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
	mal_free_heap_pages(page, order, _RET_IP_);
	return NULL;
}

/* The guard is not reachable any more. */
static void mal_guard_destroy(struct mal_slab *slab)
{
	void *block = mal_slab_block(slab);
	bool leaked = slab->states[0] == MAL_OBJECT_LEAKED;

	if (mal_sanitizer_on())
		mal_sanitizer_set_valid(block, PAGE_SIZE << slab->order);
	mal_slab_unmark(slab, leaked);
	if (!leaked)
		mal_free_heap_pages(virt_to_page(block), slab->order, _RET_IP_);
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
 * mal_guard_alloc() - allocate an object in a page of its own, if a sample is
 * due
 * @cache: a cache with guards
 * @caller: code address of the caller
 *
 * Context: any but NMI; does not sleep.
 * Return: the object; NULL if no sample is due or there is no memory.
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

/* Remove a guard without an owner. The caller owns it afterwards. */
static void mal_guard_remove(struct mal_slab_node *node, struct mal_slab *slab,
			     struct list_head *removed)
{
	struct mal_fault fault;

	if (slab->states[0] == MAL_OBJECT_QUARANTINED &&
	    !mal_debug_check(slab, 0, true, &fault)) {
		mal_debug_report(slab, 0, true, &fault, 0);
		WRITE_ONCE(slab->states[0], MAL_OBJECT_LEAKED);
	}
	list_move_tail(&slab->link, removed);
	node->nr_guards--;
}

/* Called with the lock held; the object was GUARDED. */
static void mal_guard_put(struct mal_slab_node *node, struct mal_slab *slab,
			  const struct mal_track_event *event,
			  struct list_head *removed)
{
	struct mal_track *track = &slab->tracks[0];
	struct mal_fault fault;

	track->freed = *event;
	node->nr_guards_live--;
	if (!mal_debug_check(slab, 0, false, &fault))
		mal_debug_repair(slab, 0, &fault, event->caller);
	if (track->spoiled) {
		WRITE_ONCE(slab->states[0], MAL_OBJECT_LEAKED);
		mal_guard_remove(node, slab, removed);
		return;
	}
	mal_debug_set_asked(slab, 0, slab->cache->object_size);
	mal_debug_poison(slab, 0);
	mal_kmemleak_free(slab->base);
	mal_sanitizer_free(slab->cache, slab->base);
	WRITE_ONCE(slab->states[0], MAL_OBJECT_QUARANTINED);
}

/**
 * mal_guard_free() - free an object if it is a guard
 * @cache: cache of the object, according to the caller
 * @object: any address
 * @caller: code address of the caller
 * @by_kfree: called by mal_kfree()
 *
 * Context: any but NMI.
 * Return: true if it was freed; false if it is not an allocated guard.
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

static void mal_guard_scan_live(struct mal_slab *slab)
{
	struct mal_fault fault;

	if (!mal_debug_check(slab, 0, false, &fault))
		mal_debug_repair(slab, 0, &fault, 0);
}

static bool mal_guard_has_expired(struct mal_slab *slab)
{
	struct mal_fault fault;

	return mal_track_age_ms(&slab->tracks[0].freed) > MAL_GUARD_QUARANTINE_MS ||
	       !mal_debug_check(slab, 0, true, &fault);
}

/* Looks at one guard. Returns true if it is to be removed. */
typedef bool (*mal_guard_match_fn)(struct mal_slab *slab);

static bool mal_guard_is_quarantined(struct mal_slab *slab)
{
	return slab->states[0] == MAL_OBJECT_QUARANTINED;
}

static bool mal_guard_is_over(struct mal_slab *slab)
{
	if (slab->states[0] == MAL_OBJECT_GUARDED)
		mal_guard_scan_live(slab);
	return mal_guard_is_quarantined(slab) && mal_guard_has_expired(slab);
}

/* Check up to @nr guards from the list's head. Returns how many it checked. */
static unsigned int mal_guard_scan_some(struct mal_slab_node *node,
					unsigned int nr,
					mal_guard_match_fn match,
					struct list_head *removed)
	__must_hold(&node->lock)
{
	struct mal_slab *slab;
	unsigned int i;

	for (i = 0; i < nr; i++) {
		slab = list_first_entry_or_null(&node->guards, struct mal_slab, link);
		if (!slab)
			break;
		if (match(slab))
			mal_guard_remove(node, slab, removed);
		else
			list_move_tail(&slab->link, &node->guards);
	}
	return i;
}

/* Check as many guards as the list has at entry, and destroy some of them. */
static void mal_guard_walk(struct mal_slab_node *node, mal_guard_match_fn match)
{
	unsigned long flags, left = READ_ONCE(node->nr_guards);
	unsigned int nr;
	LIST_HEAD(removed);

	do {
		spin_lock_irqsave(&node->lock, flags);
		nr = mal_guard_scan_some(node, min(left, MAL_GUARD_BATCH),
					 match, &removed);
		spin_unlock_irqrestore(&node->lock, flags);
		left -= nr;
	} while (nr && left);
	mal_guard_destroy_list(&removed);
}

/**
 * mal_guard_flush() - free all guards without an owner
 * @node: the node of a cache
 *
 * Context: any but NMI.
 */
void mal_guard_flush(struct mal_slab_node *node)
{
	mal_guard_walk(node, mal_guard_is_quarantined);
}

/**
 * mal_guard_scan() - check all guards and free those quarantined long enough
 * @node: the node of a cache
 *
 * Context: any but NMI.
 */
void mal_guard_scan(struct mal_slab_node *node)
{
	mal_guard_walk(node, mal_guard_is_over);
}
