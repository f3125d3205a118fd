// SPDX-License-Identifier: GPL-2.0
/*
 * vmalloc: virtually contiguous memory made of pages that need not be
 * contiguous
 *
 * An allocation tries these sources in order:
 *
 *	1. an area of exactly that size from this CPU's cache (area_cache.c);
 *	   this is the fast path, in any context
 *	2. an area of that size, or slightly more, from the node's cache
 *	3. a new area (area.c)
 *	4. a new area, after areas of the cache were evicted, oldest first,
 *	   as long as there are any
 *
 * Sources 2 to 4 need a context that may sleep. A request for a zone, or for an
 * alignment to more than a page, always gets a new area, which is never cached.
 *
 * A freed area goes to this CPU's cache at once, in any context, unless one of
 * its pages is pinned; each page is checked. If the CPU's cache does not take
 * the area, it is freed or cached elsewhere, by the caller if it may sleep and
 * by a worker if not.
 *
 * Locking: none here.
 *
 * Context: task, unless noted otherwise.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/kmemleak.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/nospec.h>
#include <linux/preempt.h>
#include <linux/rcupdate.h>
#include <linux/sched/mm.h>
#include <linux/seq_file.h>
#include <linux/string.h>

#include <memalloc/vmalloc_area.h>
#include <uapi/linux/memalloc.h>

#include "internal/area.h"
#include "internal/area_cache.h"
#include "internal/compat.h"
#include "internal/inject.h"
#include "internal/instrument.h"
#include "internal/kmemleak.h"
#include "internal/kunit.h"
#include "internal/pinned.h"
#include "internal/region.h"
#include "internal/vmalloc_area.h"

/* Requests for a zone bypass the cache. */
#define MAL_GFP_PLACE	(__GFP_DMA | __GFP_DMA32)

#if IS_ENABLED(CONFIG_ZONE_DMA32) && IS_ENABLED(CONFIG_64BIT)
#define MAL_GFP_32	GFP_DMA32
#else
#define MAL_GFP_32	0
#endif

/*
 * Limit on evictions before an allocation; others may refill the cache
 * meanwhile.
 */
#define MAL_AREA_TRIES	8

static atomic_long_t mal_vmalloc_failures;

/*
 * Allocation
 */

/* The host's record of the mapping also refers to the area. Do not count it. */
static __always_inline void mal_area_kmemleak_alloc(const struct mal_area *area, gfp_t gfp)
{
	kmemleak_alloc(area->address, area->nr_pages << PAGE_SHIFT,
		       area->address == area->base ? 2 : 1, gfp);
}

/* Hand out an area of the cache. */
static __always_inline void mal_area_give(struct mal_area *area, unsigned long size,
					  u8 flags, unsigned long caller)
{
	area->size = size;
	area->caller = caller;
	area->flags = flags;
	WRITE_ONCE(area->state, MAL_AREA_USED);
}

/* Hand out an area of the CPU's cache, which is small. */
static __always_inline void *mal_area_use(struct mal_area *area,
					  unsigned long size, gfp_t gfp, u8 flags,
					  unsigned long caller)
{
	mal_area_give(area, size, flags, caller);
	if (want_init_on_alloc(gfp))
		memset(area->address, 0, PAGE_ALIGN(size));
	mal_area_kmemleak_alloc(area, gfp);
	return area->address;
}

/*
 * Hand out an area of the node's cache. Puts it back and returns NULL if the
 * task is killed meanwhile. init_on_free has zeroed it already.
 */
static void *mal_area_use_large(struct mal_area *area, unsigned long size, gfp_t gfp,
				u8 flags, unsigned long caller)
{
	if (want_init_on_alloc(gfp) && !want_init_on_free() &&
	    !mal_area_clear(area, PAGE_ALIGN(size), gfp)) {
		mal_area_cache_keep(area, MAL_NO_ACCOUNT);
		return NULL;
	}
	mal_area_give(area, size, flags, caller);
	mal_area_kmemleak_alloc(area, gfp);
	return area->address;
}

/* Do not reclaim for a request that exceeds the cap. */
static bool mal_area_is_possible(unsigned long nr_pages)
{
	struct memalloc_stats_borrowing stats;

	if (nr_pages <= MAL_SECTION_PAGES)
		return true;
	mal_region_stats(&stats);
	return nr_pages + (mal_area_metadata(nr_pages) >> PAGE_SHIFT) <= stats.cap;
}

/* Evict areas of the cache before the page allocator reclaims elsewhere. */
static struct mal_area *mal_area_create_evicting(unsigned long nr_pages,
						 unsigned long align,
						 gfp_t gfp, int nid,
						 unsigned long caller)
{
	gfp_t eager = (gfp & ~(__GFP_NOFAIL | __GFP_RETRY_MAYFAIL)) |
		      __GFP_NORETRY | __GFP_NOWARN;
	unsigned int tries = MAL_AREA_TRIES;
	struct mal_area *area;

	do {
		area = mal_area_create(nr_pages, align, eager, nid, caller);
	} while (!area && --tries && !mal_area_should_abort(gfp) &&
		 mal_area_cache_shrink(nr_pages));
	return area ?: mal_area_create(nr_pages, align, gfp, nid, caller);
}

static void mal_vmalloc_warn(unsigned long size, gfp_t gfp, int nid,
			     unsigned long caller)
{
	atomic_long_inc(&mal_vmalloc_failures);
	if (gfp & __GFP_NOWARN || mal_area_should_abort(gfp) || mal_inject_has_failed())
		return;
	pr_warn_ratelimited("no area of %lu bytes, gfp %pGg, node %d, for %pS\n",
			    size, &gfp, nid, (void *)caller);
}

static bool mal_vmalloc_may_sleep(gfp_t gfp)
{
	return gfpflags_allow_blocking(gfp) && !in_interrupt() && !irqs_disabled();
}

/*
 * Instrumentation disables the fast path. Use the areas that this CPU has
 * cached.
 */
static struct mal_area *mal_vmalloc_instrumented(unsigned long nr_pages, gfp_t gfp, int nid)
{
	if (!mal_is_instrumented() || nr_pages > MAL_AREA_CPU_CLASSES ||
	    gfp & MAL_GFP_PLACE || (nid != NUMA_NO_NODE && nid != numa_mem_id()))
		return NULL;
	return mal_area_cpu_pop(array_index_nospec(nr_pages, MAL_AREA_CPU_CLASSES + 1));
}

static noinline void *mal_vmalloc_slow(unsigned long size, unsigned long align,
				       gfp_t gfp, int nid, u8 flags,
				       unsigned long caller)
{
	unsigned long nr_pages = (size >> PAGE_SHIFT) + !!offset_in_page(size);
	struct mal_area *area = NULL;
	void *memory;

	if (!size || mal_inject_may_fail(gfp))
		goto fail;
	if (align <= PAGE_SIZE)
		area = mal_vmalloc_instrumented(nr_pages, gfp, nid);
	if (area)
		return mal_area_use(area, size, gfp, flags, caller);
	if (!mal_vmalloc_may_sleep(gfp) || !mal_area_is_possible(nr_pages))
		goto fail;
	might_alloc(gfp);
	if (!(gfp & MAL_GFP_PLACE) && align <= PAGE_SIZE)
		area = mal_area_cache_take(nr_pages, nid);
	if (area) {
		memory = mal_area_use_large(area, size, gfp, flags, caller);
		if (!memory)
			goto fail;
		return memory;
	}
	area = mal_area_create_evicting(nr_pages, align, gfp, nid, caller);
	if (!area)
		goto fail;
	area->size = size;
	area->flags = flags;
	mal_area_kmemleak_alloc(area, gfp);
	return area->address;

fail:
	mal_vmalloc_warn(size, gfp, nid, caller);
	return NULL;
}

static __always_inline void *mal_vmalloc_from(unsigned long size, gfp_t gfp,
					      int nid, u8 flags,
					      unsigned long caller)
{
	unsigned long more = (size - 1) >> PAGE_SHIFT; /* beyond one; 0 wraps */
	struct mal_area *area;

	/* The fast path never sleeps, but debug kernels check every call. */
	if (IS_ENABLED(CONFIG_DEBUG_ATOMIC_SLEEP))
		might_alloc(gfp);
	if (unlikely(more >= MAL_AREA_CPU_CLASSES || gfp & MAL_GFP_PLACE ||
		     mal_is_instrumented()) ||
	    (nid != NUMA_NO_NODE && nid != numa_mem_id()))
		return mal_vmalloc_slow(size, PAGE_SIZE, gfp, nid, flags, caller);
	area = mal_area_cpu_pop(more + 1);
	if (unlikely(!area))
		return mal_vmalloc_slow(size, PAGE_SIZE, gfp, nid, flags, caller);
	return mal_area_use(area, size, gfp, flags, caller);
}

/**
 * mal_vmalloc_caller() - __mal_vmalloc() on behalf of a caller
 * @size: as for __mal_vmalloc()
 * @gfp: as for __mal_vmalloc()
 * @nid: the node to prefer, or NUMA_NO_NODE
 * @caller: code address to attribute the area to
 *
 * Context: as for __mal_vmalloc().
 * Return: as for __mal_vmalloc().
 */
void *mal_vmalloc_caller(unsigned long size, gfp_t gfp, int nid,
			 unsigned long caller)
{
	return mal_vmalloc_from(size, gfp, nid, 0, caller);
}

/**
 * mal_vmalloc_nospec() - __mal_vmalloc() for a size from user space
 * @size: as for mal_vmalloc()
 * @gfp: as for __mal_vmalloc()
 * @nid: the node to prefer, or NUMA_NO_NODE
 *
 * The number of pages indexes a table. Prevent speculation past its end.
 *
 * Context: as for __mal_vmalloc().
 * Return: as for __mal_vmalloc().
 */
void *mal_vmalloc_nospec(unsigned long size, gfp_t gfp, int nid)
{
	const unsigned long most = MAL_AREA_CPU_CLASSES * PAGE_SIZE;

	if (size - 1 >= most)
		return mal_vmalloc_slow(size, PAGE_SIZE, gfp, nid, 0, _RET_IP_);
	size = array_index_nospec(size - 1, most) + 1;
	return mal_vmalloc_from(size, gfp, nid, 0, _RET_IP_);
}

/**
 * mal_vmalloc() - allocate virtually contiguous memory
 * @size: bytes, more than zero; rounded up to pages
 *
 * Context: task; sleeps.
 * Return: the memory, page-aligned; NULL if the cap is reached, the host has no
 * memory, or @size is zero or too large.
 */
void *mal_vmalloc(unsigned long size)
{
	return mal_vmalloc_from(size, GFP_KERNEL, NUMA_NO_NODE, 0, _RET_IP_);
}
MAL_EXPORT(mal_vmalloc);

/**
 * mal_vzalloc() - allocate zeroed, virtually contiguous memory
 * @size: as for mal_vmalloc()
 *
 * Context: task; sleeps.
 * Return: as for mal_vmalloc().
 */
void *mal_vzalloc(unsigned long size)
{
	return mal_vmalloc_from(size, GFP_KERNEL | __GFP_ZERO, NUMA_NO_NODE, 0,
				_RET_IP_);
}
MAL_EXPORT(mal_vzalloc);

/**
 * mal_vmalloc_node() - allocate virtually contiguous memory, preferably on a
 * node
 * @size: as for mal_vmalloc()
 * @node: the node to prefer, or NUMA_NO_NODE for the nearest one
 *
 * Context: task; sleeps.
 * Return: as for mal_vmalloc().
 */
void *mal_vmalloc_node(unsigned long size, int node)
{
	return mal_vmalloc_from(size, GFP_KERNEL, node, 0, _RET_IP_);
}
MAL_EXPORT(mal_vmalloc_node);

/**
 * mal_vzalloc_node() - mal_vzalloc(), preferably on a node
 * @size: as for mal_vmalloc()
 * @node: as for mal_vmalloc_node()
 *
 * Context: task; sleeps.
 * Return: as for mal_vmalloc().
 */
void *mal_vzalloc_node(unsigned long size, int node)
{
	return mal_vmalloc_from(size, GFP_KERNEL | __GFP_ZERO, node, 0, _RET_IP_);
}
MAL_EXPORT(mal_vzalloc_node);

/**
 * mal_vmalloc_user() - allocate memory that may be mapped to user space
 * @size: as for mal_vmalloc()
 *
 * The memory is zeroed. See mal_remap_vmalloc_range().
 *
 * Context: task; sleeps.
 * Return: as for mal_vmalloc().
 */
void *mal_vmalloc_user(unsigned long size)
{
	return mal_vmalloc_from(size, GFP_KERNEL | __GFP_ZERO, NUMA_NO_NODE,
				MAL_AREA_USER, _RET_IP_);
}
MAL_EXPORT(mal_vmalloc_user);

/**
 * mal_vmalloc_32() - allocate memory from pages with 32-bit addresses
 * @size: as for mal_vmalloc()
 *
 * Context: task; sleeps.
 * Return: as for mal_vmalloc().
 */
void *mal_vmalloc_32(unsigned long size)
{
	return mal_vmalloc_from(size, GFP_KERNEL | MAL_GFP_32, NUMA_NO_NODE, 0,
				_RET_IP_);
}
MAL_EXPORT(mal_vmalloc_32);

/**
 * mal_vmalloc_32_user() - mal_vmalloc_32() and mal_vmalloc_user() combined
 * @size: as for mal_vmalloc()
 *
 * Context: task; sleeps.
 * Return: as for mal_vmalloc().
 */
void *mal_vmalloc_32_user(unsigned long size)
{
	return mal_vmalloc_from(size, GFP_KERNEL | MAL_GFP_32 | __GFP_ZERO,
				NUMA_NO_NODE, MAL_AREA_USER, _RET_IP_);
}
MAL_EXPORT(mal_vmalloc_32_user);

/**
 * __mal_vmalloc() - allocate virtually contiguous memory
 * @size: as for mal_vmalloc()
 * @gfp: as for the host's __vmalloc(). Without __GFP_DIRECT_RECLAIM only
 *	areas that this CPU has cached are used.
 *
 * Context: any; in interrupts only areas that this CPU has cached are used.
 * Sleeps if @gfp has __GFP_DIRECT_RECLAIM.
 * Return: as for mal_vmalloc().
 */
void *__mal_vmalloc(unsigned long size, gfp_t gfp)
{
	return mal_vmalloc_from(size, gfp, NUMA_NO_NODE, 0, _RET_IP_);
}
MAL_EXPORT(__mal_vmalloc);

/**
 * __mal_vmalloc_node() - allocate virtually contiguous memory, preferably on a
 * node
 * @size: as for __mal_vmalloc()
 * @align: alignment of the address, a power of two up to 64 MiB. More than
 *	PAGE_SIZE requires a context that may sleep, and costs page tables for
 *	that many bytes.
 * @gfp: as for __mal_vmalloc(); __GFP_THISNODE excludes other nodes
 * @node: as for mal_vmalloc_node()
 * @caller: code address to attribute the area to, or NULL for the caller
 *
 * Context: as for __mal_vmalloc().
 * Return: as for __mal_vmalloc(); NULL if @align is invalid.
 */
void *__mal_vmalloc_node(unsigned long size, unsigned long align, gfp_t gfp,
			 int node, const void *caller)
{
	unsigned long site = caller ? (unsigned long)caller : _RET_IP_;

	if (align <= PAGE_SIZE)
		return mal_vmalloc_from(size, gfp, node, 0, site);
	if (!is_power_of_2(align) || align > MAL_AREA_MAX_ALIGN)
		return NULL;
	return mal_vmalloc_slow(size, align, gfp, node, 0, site);
}
MAL_EXPORT(__mal_vmalloc_node);

/*
 * Free
 */

static noinline void mal_area_retire(struct mal_area *area)
{
	if (!in_interrupt() && !irqs_disabled())
		mal_area_cache_keep(area, MAL_NO_ACCOUNT);
	else
		mal_area_cache_defer(area);
}

/* Clear the dirty bits that user mappings leave in struct page. */
static noinline void mal_area_clear_dirty(struct mal_area *area)
{
	unsigned long i;

	for (i = 0; i < area->nr_pages; i++)
		ClearPageDirty(area->pages[i]);
}

/*
 * Returns false if the CPU's cache does not take the area, or a page is pinned.
 */
static __always_inline bool mal_area_recycle(struct mal_area *area)
{
	mal_kmemleak_free(area->address);
	if (unlikely(area->flags & MAL_AREA_USER))
		mal_area_clear_dirty(area);
	if (unlikely(!area->class || mal_pages_are_pinned(area->pages, area->nr_pages)))
		return false;
	if (want_init_on_free())
		memset(area->address, 0, area->nr_pages << PAGE_SHIFT);
	return mal_area_cpu_push(area);
}

/**
 * mal_vfree_try() - mal_vfree() without a report
 * @address: any value but NULL
 *
 * Context: any; sleeps in task context.
 * Return: true; false if @address is not the start of an allocated area.
 */
bool mal_vfree_try(const void *address)
{
	struct mal_area *area;

	if (IS_ENABLED(CONFIG_DEBUG_ATOMIC_SLEEP))
		might_sleep_if(!in_interrupt());
	area = mal_area_claim(address, MAL_AREA_USED, MAL_AREA_FREE);
	if (unlikely(!area))
		return false;
	if (unlikely(!mal_area_recycle(area)))
		mal_area_retire(area);
	return true;
}

/**
 * mal_vfree() - free memory
 * @address: memory from mal_vmalloc() or one of its variants, or NULL
 *
 * Misuse is reported and has no other effect.
 *
 * Context: any; sleeps in task context.
 */
void mal_vfree(const void *address)
{
	if (likely(address) && unlikely(!mal_vfree_try(address)))
		mal_area_report(address, _RET_IP_);
}
MAL_EXPORT(mal_vfree);

/**
 * mal_vfree_charged() - mal_vfree() that charges pinned pages
 * @address: as for mal_vfree(), but not NULL
 * @account: as for mal_area_destroy_charged()
 *
 * Context: task; sleeps.
 */
void mal_vfree_charged(const void *address, u32 account)
{
	struct mal_area *area = mal_area_claim(address, MAL_AREA_USED, MAL_AREA_FREE);

	if (unlikely(!area))
		mal_area_report(address, _RET_IP_);
	else if (!mal_area_recycle(area))
		mal_area_cache_keep(area, account);
}

static void mal_vfree_from(const void *address, enum mal_area_state state,
			   unsigned long caller)
{
	struct mal_area *area = mal_area_claim(address, state, MAL_AREA_FREE);

	if (unlikely(!area))
		mal_area_report(address, caller);
	else if (!mal_area_recycle(area))
		mal_area_cache_defer(area);
}

/**
 * mal_vfree_atomic() - mal_vfree() that does not sleep
 * @address: as for mal_vfree()
 *
 * Context: any.
 */
void mal_vfree_atomic(const void *address)
{
	if (likely(address))
		mal_vfree_from(address, MAL_AREA_USED, _RET_IP_);
}
MAL_EXPORT(mal_vfree_atomic);

static void mal_vfree_rcu_done(struct rcu_head *head)
{
	mal_vfree_from((const void *)((unsigned long)head & PAGE_MASK), MAL_AREA_RCU,
		       _THIS_IP_);
}

/**
 * mal_vfree_call_rcu() - mal_vfree_atomic() after a grace period
 * @head: in the memory, less than a page from its beginning
 * @address: memory from mal_vmalloc() or one of its variants
 * @caller: code address that misuse is attributed to
 *
 * The area begins at a page boundary, so @head determines its address. No other
 * caller can free the area from now on.
 *
 * Context: any but NMI.
 */
void mal_vfree_call_rcu(struct rcu_head *head, const void *address,
			unsigned long caller)
{
	if (likely(mal_area_claim(address, MAL_AREA_USED, MAL_AREA_RCU)))
		call_rcu(head, mal_vfree_rcu_done);
	else
		mal_area_report(address, caller);
}

/**
 * struct mal_vfree_later - an area that is freed after a grace period
 * @rcu: for call_rcu()
 * @address: address of the area, which readers may still access
 */
struct mal_vfree_later {
	struct rcu_head rcu;
	const void *address;
};

static void mal_vfree_later_done(struct rcu_head *rcu)
{
	struct mal_vfree_later *later = container_of(rcu, struct mal_vfree_later, rcu);

	mal_vfree_from(later->address, MAL_AREA_RCU, _THIS_IP_);
	kfree(later);
}

/**
 * mal_vfree_rcu_mightsleep() - mal_vfree_atomic() after a grace period
 * @address: memory from mal_vmalloc() or one of its variants
 * @caller: code address that misuse is attributed to
 *
 * Waits for the grace period only if there is no memory to record @address in.
 *
 * Context: task; sleeps.
 */
void mal_vfree_rcu_mightsleep(const void *address, unsigned long caller)
{
	struct mal_vfree_later *later = NULL;

	might_sleep();
	if (unlikely(!mal_area_claim(address, MAL_AREA_USED, MAL_AREA_RCU))) {
		mal_area_report(address, caller);
		return;
	}
	if (!mal_inject_should_fail())
		later = kmalloc(sizeof(*later), GFP_KERNEL | __GFP_NORETRY | __GFP_NOWARN);
	if (likely(later)) {
		later->address = address;
		call_rcu(&later->rcu, mal_vfree_later_done);
	} else {
		synchronize_rcu();
		mal_vfree_from(address, MAL_AREA_RCU, caller);
	}
}

/*
 * Resizing
 */

/* The area that was allocated at an address, for its owner; or NULL. */
static struct mal_area *mal_vmalloc_area(const void *address)
{
	struct mal_area *area;

	rcu_read_lock();
	area = mal_area_containing(address);
	if (area && (area->address != address ||
		     READ_ONCE(area->state) != MAL_AREA_USED))
		area = NULL;
	rcu_read_unlock();
	return area;
}

static void *mal_area_resize(struct mal_area *area, unsigned long size, gfp_t gfp)
{
	if (size > area->size && want_init_on_alloc(gfp))
		memset(area->address + area->size, 0, size - area->size);
	area->size = size;
	return area->address;
}

/**
 * mal_vrealloc_caller() - mal_vrealloc() on behalf of a caller
 * @address: as for mal_vrealloc()
 * @size: as for mal_vrealloc(), not zero
 * @gfp: as for mal_vrealloc()
 * @caller: code address to attribute the area to
 *
 * Context: as for mal_vrealloc().
 * Return: as for mal_vrealloc().
 */
void *mal_vrealloc_caller(const void *address, unsigned long size, gfp_t gfp,
			  unsigned long caller)
{
	struct mal_area *area = mal_vmalloc_area(address);
	void *new;

	if (area && mal_area_fits(area, (size >> PAGE_SHIFT) + !!offset_in_page(size)))
		return mal_area_resize(area, size, gfp);
	if (!area && address) {
		mal_area_report(address, caller);
		return NULL;
	}
	new = mal_vmalloc_from(size, gfp, NUMA_NO_NODE, 0, caller);
	if (!area)
		return new;
	/* Shrinking succeeds without a new area. */
	if (!new)
		return size <= area->size ? mal_area_resize(area, size, gfp) : NULL;
	memcpy(new, address, min(area->size, size));
	mal_vfree(address);
	return new;
}

/**
 * mal_vrealloc() - change the size of memory
 * @address: memory from mal_vmalloc() or one of its variants, or NULL for
 *	none
 * @size: new size in bytes; zero frees the memory
 * @gfp: as for __mal_vmalloc(). __GFP_ZERO zeroes the bytes that are added.
 *
 * The memory stays in place if the new size fits there without waste.
 *
 * Context: as for __mal_vmalloc().
 * Return: the memory with its contents; NULL if @size is zero, or if there is
 * no memory, and then @address is unchanged.
 */
void *mal_vrealloc(const void *address, size_t size, gfp_t gfp)
{
	if (!size) {
		mal_vfree(address);
		return NULL;
	}
	return mal_vrealloc_caller(address, size, gfp, _RET_IP_);
}
MAL_EXPORT(mal_vrealloc);

/*
 * Queries by address
 */

/**
 * mal_vmalloc_set_caller() - attribute an area to a caller
 * @address: memory from mal_vmalloc() or one of its variants
 * @caller: code address or call site of the owner
 *
 * Context: any; the caller owns the area.
 */
void mal_vmalloc_set_caller(const void *address, unsigned long caller)
{
	struct mal_area *area;

	rcu_read_lock();
	area = mal_area_containing(address);
	if (area)
		WRITE_ONCE(area->caller, caller);
	rcu_read_unlock();
}

/**
 * is_mal_vmalloc_addr() - does an address belong to one of our areas?
 * @address: any value
 *
 * The host's is_vmalloc_addr() is true for such an address as well, and for
 * others.
 *
 * Context: any.
 * Return: true if @address is in an area of mal_vmalloc() or mal_vmap() that is
 * in use.
 */
bool is_mal_vmalloc_addr(const void *address)
{
	struct mal_area *area;
	bool yes;

	rcu_read_lock();
	area = mal_area_containing(address);
	yes = area && READ_ONCE(area->state) != MAL_AREA_FREE;
	rcu_read_unlock();
	return yes;
}
MAL_EXPORT(is_mal_vmalloc_addr);

/**
 * mal_vmalloc_size() - size that was requested for an area
 * @address: memory from mal_vmalloc(), which must stay allocated during the
 *	call; or any address outside of our areas
 *
 * Context: any.
 * Return: bytes; zero if the address is not ours.
 */
size_t mal_vmalloc_size(const void *address)
{
	const struct mal_area *area = mal_vmalloc_area(address);

	return area ? area->size : 0;
}
MAL_EXPORT(mal_vmalloc_size);

/**
 * mal_vmalloc_to_page() - the page at an address
 * @address: in an area that the caller owns
 *
 * Context: any.
 * Return: the page.
 */
struct page *mal_vmalloc_to_page(const void *address)
{
	return vmalloc_to_page(address);
}
MAL_EXPORT(mal_vmalloc_to_page);

/**
 * mal_vmalloc_to_pfn() - the page frame number at an address
 * @address: in an area that the caller owns
 *
 * Context: any.
 * Return: the page frame number.
 */
unsigned long mal_vmalloc_to_pfn(const void *address)
{
	return vmalloc_to_pfn(address);
}
MAL_EXPORT(mal_vmalloc_to_pfn);

/*
 * Bytes from @address to the end of an area that may be mapped to user space.
 */
static unsigned long mal_area_mappable(const void *address)
{
	struct mal_area *area;
	unsigned long bytes = 0;

	rcu_read_lock();
	area = mal_area_containing(address);
	if (area && area->flags & MAL_AREA_USER &&
	    READ_ONCE(area->state) == MAL_AREA_USED &&
	    address - area->address < PAGE_ALIGN(area->size))
		bytes = PAGE_ALIGN(area->size) - (address - area->address);
	rcu_read_unlock();
	return bytes;
}

/**
 * mal_remap_vmalloc_range_partial() - map part of an area to user space
 * @vma: the mapping that is being set up
 * @uaddr: address in the mapping, page-aligned
 * @address: address in memory of mal_vmalloc_user(), page-aligned
 * @pgoff: pages to skip from there
 * @size: bytes, more than zero; rounded up to pages
 *
 * The mapping holds a reference to each of its pages. If the area is freed
 * first, the pages stay until the mapping is removed.
 *
 * Context: task, with the host's mmap lock held for writing.
 * Return: 0; -EINVAL if an address is not aligned or the range may not be
 * mapped; the error of vm_insert_page(), after which a part may be mapped.
 */
int mal_remap_vmalloc_range_partial(struct vm_area_struct *vma,
				    unsigned long uaddr, void *address,
				    unsigned long pgoff, unsigned long size)
{
	unsigned long offset, end, i;
	int err;

	if (check_shl_overflow(pgoff, PAGE_SHIFT, &offset) ||
	    !size || PAGE_ALIGN(size) < size ||
	    check_add_overflow(PAGE_ALIGN(size), offset, &end) ||
	    !PAGE_ALIGNED(uaddr) || !PAGE_ALIGNED(address) ||
	    end > mal_area_mappable(address))
		return -EINVAL;
	for (i = offset; i < end; i += PAGE_SIZE) {
		err = vm_insert_page(vma, uaddr + i - offset,
				     vmalloc_to_page(address + i));
		if (err)
			return err;
	}
	vm_flags_set(vma, VM_DONTEXPAND | VM_DONTDUMP);
	return 0;
}
MAL_EXPORT(mal_remap_vmalloc_range_partial);

/**
 * mal_remap_vmalloc_range() - map an area to user space
 * @vma: the mapping that is being set up; its size determines how much is
 *	mapped
 * @address: memory of mal_vmalloc_user()
 * @pgoff: pages to skip
 *
 * Context: as for mal_remap_vmalloc_range_partial().
 * Return: as for mal_remap_vmalloc_range_partial().
 */
int mal_remap_vmalloc_range(struct vm_area_struct *vma, void *address,
			    unsigned long pgoff)
{
	return mal_remap_vmalloc_range_partial(vma, vma->vm_start, address, pgoff,
					       vma->vm_end - vma->vm_start);
}
MAL_EXPORT(mal_remap_vmalloc_range);

/*
 * Statistics
 */

/**
 * mal_vmalloc_stats() - read the statistics of vmalloc, except for the cache
 * @stats: filled in; exact if there is no concurrent use
 *
 * Context: any.
 */
void mal_vmalloc_stats(struct mal_vmalloc_stats *stats)
{
	struct mal_area_cache_stats cache;
	struct mal_area_totals totals;

	mal_area_cache_stats(&cache);
	mal_area_totals(&totals);
	stats->areas = totals.areas - min(totals.areas, cache.areas);
	stats->pages = totals.pages - min(totals.pages, cache.pages);
	stats->maps = totals.maps;
	stats->failures = atomic_long_read(&mal_vmalloc_failures);
}
MAL_EXPORT_FOR_KUNIT(mal_vmalloc_stats);

/**
 * mal_vmalloc_show() - print the section "areas"
 * @m: /proc/memalloc
 *
 * Context: task.
 */
void mal_vmalloc_show(struct seq_file *m)
{
	struct mal_area_cache_stats cache;
	struct mal_vmalloc_stats stats;

	mal_area_cache_stats(&cache);
	mal_vmalloc_stats(&stats);
	seq_puts(m, "\n[areas]\n");
	seq_printf(m, "%-20s %lu\n", "areas", stats.areas);
	seq_printf(m, "%-20s %lu\n", "area_pages", stats.pages);
	seq_printf(m, "%-20s %lu\n", "area_maps", stats.maps);
	seq_printf(m, "%-20s %lu\n", "area_failures", stats.failures);
	seq_printf(m, "%-20s %lu\n", "cached_areas", cache.areas);
	seq_printf(m, "%-20s %lu\n", "cached_pages", cache.pages);
	seq_printf(m, "%-20s %lu\n", "cached_pages_limit", cache.limit);
	seq_printf(m, "%-20s %lu\n", "cpu_hits", cache.cpu_hits);
	seq_printf(m, "%-20s %lu\n", "node_hits", cache.node_hits);
	seq_printf(m, "%-20s %lu\n", "misses", cache.misses);
	seq_printf(m, "%-20s %lu\n", "evicted", cache.evicted);
	seq_printf(m, "%-20s %lu\n", "not_kept_as_held", cache.pinned);
	seq_puts(m, "#       size caller pages kind nodes\n");
	mal_area_list(m);
}

/*
 * Load and unload
 */

/**
 * mal_vmalloc_init() - set up areas and their cache
 * @cache_limit: pages that the cache may contain
 *
 * Context: task.
 * Return: 0, -ENOMEM, or the host's error.
 */
int mal_vmalloc_init(unsigned long cache_limit)
{
	int err = mal_area_init();

	if (err)
		return err;
	err = mal_area_cache_init(cache_limit);
	if (err)
		mal_area_exit();
	return err;
}

/**
 * mal_vmalloc_exit() - undo mal_vmalloc_init()
 *
 * Areas that are still allocated are reported and not freed.
 *
 * Context: task. No allocation or free is in progress.
 */
void mal_vmalloc_exit(void)
{
	rcu_barrier(); /* for mal_kvfree_rcu() */
	mal_area_cache_exit();
	mal_area_exit();
}
