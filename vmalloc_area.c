// SPDX-License-Identifier: GPL-2.0
/*
 * vmalloc: memory at contiguous addresses, of pages that need not be contiguous
 *
 * An allocation goes down this list until it is served:
 *
 *	1. an area of just that size out of this CPU's part of the cache
 *	   (area_cache.c): the fast path, in any context
 *	2. one of that size, or a little more, out of the node's part
 *	3. a new area (area.c)
 *	4. the same again, when areas of the cache have been given up for it, the
 *	   oldest first, as long as there are any
 *
 * From 2 on it takes a context that may sleep. Who asks for a zone, or for an
 * alignment to more than a page, gets a new area, which does not enter the cache.
 *
 * An area that is freed goes into this CPU's part of the cache at once, in any
 * context, unless somebody else holds a page of it: each is looked at. What does
 * not is put away elsewhere if the context may sleep, and by a worker if not.
 *
 * Locking: none here.
 *
 * Context: task, unless it says otherwise.
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
#include "internal/kmemleak.h"
#include "internal/kunit.h"
#include "internal/region.h"
#include "internal/vmalloc_area.h"
#include "internal/watch.h"

/* Pages of a zone that was asked for are not in the cache. */
#define MAL_GFP_PLACE	(__GFP_DMA | __GFP_DMA32)

#if IS_ENABLED(CONFIG_ZONE_DMA32) && IS_ENABLED(CONFIG_64BIT)
#define MAL_GFP_32	GFP_DMA32
#else
#define MAL_GFP_32	0
#endif

/* How often the cache is asked to give up something; others may fill it again. */
#define MAL_AREA_TRIES	8

static atomic_long_t mal_vmalloc_failures;

/*
 * Allocation
 */

/* The host, too, knows where it is mapped: that is no reference to it. */
static __always_inline void mal_area_tell_kmemleak(const struct mal_area *area, gfp_t gfp)
{
	kmemleak_alloc(area->address, area->nr_pages << PAGE_SHIFT,
		       area->address == area->base ? 2 : 1, gfp);
}

/* An area of the cache is somebody's now. */
static __always_inline void mal_area_give(struct mal_area *area, unsigned long size,
					  u8 flags, unsigned long caller)
{
	area->size = size;
	area->caller = caller;
	area->flags = flags;
	WRITE_ONCE(area->state, MAL_AREA_USED);
}

/* One of a CPU's part: it is small. */
static __always_inline void *mal_area_use(struct mal_area *area,
					  unsigned long size, gfp_t gfp, u8 flags,
					  unsigned long caller)
{
	mal_area_give(area, size, flags, caller);
	if (want_init_on_alloc(gfp))
		memset(area->address, 0, PAGE_ALIGN(size));
	mal_area_tell_kmemleak(area, gfp);
	return area->address;
}

/*
 * One of a node's part. It goes back, and NULL is returned, if a signal comes meanwhile.
 * With init_on_free it is zeroes.
 */
static void *mal_area_use_large(struct mal_area *area, unsigned long size, gfp_t gfp,
				u8 flags, unsigned long caller)
{
	if (want_init_on_alloc(gfp) && !want_init_on_free() &&
	    !mal_area_clear(area, PAGE_ALIGN(size), gfp)) {
		mal_area_cache_keep(area);
		return NULL;
	}
	mal_area_give(area, size, flags, caller);
	mal_area_tell_kmemleak(area, gfp);
	return area->address;
}

/* No more than may be borrowed at all: others need not make room in vain. */
static bool mal_area_is_possible(unsigned long nr_pages)
{
	struct memalloc_stats_borrowing stats;

	if (nr_pages <= MAL_SECTION_PAGES)
		return true;
	mal_region_stats(&stats);
	return nr_pages <= stats.cap;
}

/* As long as the cache has something to give up, nobody else need. */
static struct mal_area *mal_area_create_patiently(unsigned long nr_pages,
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
	} while (!area && --tries && !mal_area_is_in_vain(gfp) &&
		 mal_area_cache_shrink(nr_pages));
	return area ?: mal_area_create(nr_pages, align, gfp, nid, caller);
}

static void mal_vmalloc_warn(unsigned long size, gfp_t gfp, int nid,
			     unsigned long caller)
{
	atomic_long_inc(&mal_vmalloc_failures);
	if (gfp & __GFP_NOWARN || mal_area_is_in_vain(gfp))
		return;
	pr_warn_ratelimited("no area of %lu bytes, gfp %pGg, node %d, for %pS\n",
			    size, &gfp, nid, (void *)caller);
}

static bool mal_vmalloc_may_sleep(gfp_t gfp)
{
	return gfpflags_allow_blocking(gfp) && !in_interrupt() && !irqs_disabled();
}

/* Who watches keeps all off the fast path, but not from what this CPU has. */
static struct mal_area *mal_vmalloc_watched(unsigned long nr_pages, gfp_t gfp, int nid)
{
	if (!mal_is_watched() || nr_pages > MAL_AREA_CPU_CLASSES ||
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
		area = mal_vmalloc_watched(nr_pages, gfp, nid);
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
	area = mal_area_create_patiently(nr_pages, align, gfp, nid, caller);
	if (!area)
		goto fail;
	area->size = size;
	area->flags = flags;
	mal_area_tell_kmemleak(area, gfp);
	return area->address;

fail:
	mal_vmalloc_warn(size, gfp, nid, caller);
	return NULL;
}

static __always_inline void *mal_vmalloc_from(unsigned long size, gfp_t gfp,
					      int nid, u8 flags,
					      unsigned long caller)
{
	unsigned long more = (size - 1) >> PAGE_SHIFT; /* than one; 0 wraps */
	struct mal_area *area;

	/* The fast path never sleeps, but a debug kernel likes to know. */
	if (IS_ENABLED(CONFIG_DEBUG_ATOMIC_SLEEP))
		might_alloc(gfp);
	if (unlikely(more >= MAL_AREA_CPU_CLASSES || gfp & MAL_GFP_PLACE ||
		     mal_is_watched()) ||
	    (nid != NUMA_NO_NODE && nid != numa_mem_id()))
		return mal_vmalloc_slow(size, PAGE_SIZE, gfp, nid, flags, caller);
	area = mal_area_cpu_pop(more + 1);
	if (unlikely(!area))
		return mal_vmalloc_slow(size, PAGE_SIZE, gfp, nid, flags, caller);
	return mal_area_use(area, size, gfp, flags, caller);
}

/**
 * mal_vmalloc_caller() - __mal_vmalloc() on behalf of somebody
 * @size: as for __mal_vmalloc()
 * @gfp: as for __mal_vmalloc()
 * @nid: the node to prefer, or NUMA_NO_NODE
 * @caller: code address of who it is for
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
 * mal_vmalloc_nospec() - __mal_vmalloc() with a size of user space's
 * @size: as for mal_vmalloc()
 * @gfp: as for __mal_vmalloc()
 * @nid: the node to prefer, or NUMA_NO_NODE
 *
 * The number of pages is the index of a table.
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
 * mal_vmalloc() - allocate memory at contiguous addresses
 * @size: bytes, more than zero; rounded up to pages
 *
 * Context: task; sleeps.
 * Return: the memory, aligned to a page, or NULL: the cap is reached, the host
 * has no memory, or @size is zero or more than there can be.
 */
void *mal_vmalloc(unsigned long size)
{
	return mal_vmalloc_from(size, GFP_KERNEL, NUMA_NO_NODE, 0, _RET_IP_);
}
MAL_EXPORT(mal_vmalloc);

/**
 * mal_vzalloc() - allocate memory at contiguous addresses, filled with zeroes
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
 * mal_vmalloc_node() - allocate memory at contiguous addresses, near a node
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
 * mal_vzalloc_node() - mal_vzalloc(), near a node
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
 * mal_vmalloc_user() - allocate memory that user space may map
 * @size: as for mal_vmalloc()
 *
 * Filled with zeroes. See mal_remap_vmalloc_range().
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
 * mal_vmalloc_32() - allocate memory whose pages have addresses of 32 bits
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
 * mal_vmalloc_32_user() - both mal_vmalloc_32() and mal_vmalloc_user()
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
 * __mal_vmalloc() - allocate memory at contiguous addresses
 * @size: as for mal_vmalloc()
 * @gfp: what the allocator may do, as with the host's __vmalloc(). Without
 *	__GFP_DIRECT_RECLAIM, only what this CPU has at hand serves.
 *
 * Context: any; in interrupts only what this CPU has at hand serves. Sleeps if
 * @gfp has __GFP_DIRECT_RECLAIM.
 * Return: as for mal_vmalloc().
 */
void *__mal_vmalloc(unsigned long size, gfp_t gfp)
{
	return mal_vmalloc_from(size, gfp, NUMA_NO_NODE, 0, _RET_IP_);
}
MAL_EXPORT(__mal_vmalloc);

/**
 * __mal_vmalloc_node() - allocate memory at contiguous addresses, near a node
 * @size: as for __mal_vmalloc()
 * @align: of the address, a power of two up to 64 MiB. More than PAGE_SIZE takes a
 *	context that may sleep, and page tables for as much.
 * @gfp: as for __mal_vmalloc(); with __GFP_THISNODE no other node will do
 * @node: as for mal_vmalloc_node()
 * @caller: code address of who it is for, or NULL for the caller
 *
 * Context: as for __mal_vmalloc().
 * Return: as for __mal_vmalloc(); NULL if @align is none of these.
 */
void *__mal_vmalloc_node(unsigned long size, unsigned long align, gfp_t gfp,
			 int node, const void *caller)
{
	unsigned long whom = caller ? (unsigned long)caller : _RET_IP_;

	if (align <= PAGE_SIZE)
		return mal_vmalloc_from(size, gfp, node, 0, whom);
	if (!is_power_of_2(align) || align > MAL_AREA_MAX_ALIGN)
		return NULL;
	return mal_vmalloc_slow(size, align, gfp, node, 0, whom);
}
MAL_EXPORT(__mal_vmalloc_node);

/*
 * Free
 */

static noinline void mal_area_retire(struct mal_area *area)
{
	if (!in_interrupt() && !irqs_disabled())
		mal_area_cache_keep(area);
	else
		mal_area_cache_defer(area);
}

/* What mapping leaves behind in struct page is no business of the next owner. */
static noinline void mal_area_forget_mapping(struct mal_area *area)
{
	unsigned long i;

	for (i = 0; i < area->nr_pages; i++)
		ClearPageDirty(area->pages[i]);
}

/* A CPU's part takes it, or false: it is none that it takes, or held. */
static __always_inline bool mal_area_recycle(struct mal_area *area)
{
	mal_kmemleak_free(area->address);
	if (unlikely(area->flags & MAL_AREA_USER))
		mal_area_forget_mapping(area);
	if (unlikely(!area->class || mal_pages_are_held(area->pages, area->nr_pages)))
		return false;
	if (want_init_on_free())
		memset(area->address, 0, area->nr_pages << PAGE_SHIFT);
	return mal_area_cpu_push(area);
}

/**
 * mal_vfree() - free memory
 * @address: what mal_vmalloc() and its like returned, or NULL
 *
 * Misuse is reported and has no other effect.
 *
 * Context: any; sleeps in task context.
 */
void mal_vfree(const void *address)
{
	struct mal_area *area;

	if (IS_ENABLED(CONFIG_DEBUG_ATOMIC_SLEEP))
		might_sleep_if(!in_interrupt());
	if (unlikely(!address))
		return;
	area = mal_area_claim(address, MAL_AREA_USED, MAL_AREA_FREE);
	if (unlikely(!area))
		mal_area_report(address, _RET_IP_);
	else if (unlikely(!mal_area_recycle(area)))
		mal_area_retire(area);
}
MAL_EXPORT(mal_vfree);

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
 * @address: what mal_vmalloc() and its like returned
 * @caller: code address of who does it
 *
 * The area begins at a page, so that @head tells where. Nobody else can free it
 * from now on.
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

/*
 * Another size
 */

/* An allocation of ours that begins there, for who has it; or NULL. */
static struct mal_area *mal_vmalloc_area(const void *address)
{
	struct mal_area *area;

	rcu_read_lock();
	area = mal_area_around(address);
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
 * mal_vrealloc_caller() - mal_vrealloc() on behalf of somebody
 * @address: as for mal_vrealloc()
 * @size: as for mal_vrealloc(), not zero
 * @gfp: as for mal_vrealloc()
 * @caller: code address of who it is for
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
	/* One that is too large is better than none. */
	if (!new)
		return size <= area->size ? mal_area_resize(area, size, gfp) : NULL;
	memcpy(new, address, min(area->size, size));
	mal_vfree(address);
	return new;
}

/**
 * mal_vrealloc() - change the size of memory
 * @address: what mal_vmalloc() returned, or NULL for none
 * @size: bytes it shall have; zero frees it
 * @gfp: as for __mal_vmalloc(). With __GFP_ZERO what is new is zero.
 *
 * Stays where it is, if it fits there without waste.
 *
 * Context: as for __mal_vmalloc().
 * Return: the memory, with its contents, or NULL: @size is zero, or there is no
 * memory, and @address is as it was.
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
 * What there is at an address
 */

/**
 * is_mal_vmalloc_addr() - is this an address in an area of ours?
 * @address: any value
 *
 * The host's is_vmalloc_addr() is true of such an address, and of others.
 *
 * Context: any.
 * Return: true if it lies in an area that mal_vmalloc() or mal_vmap() made, and
 * that is somebody's.
 */
bool is_mal_vmalloc_addr(const void *address)
{
	struct mal_area *area;
	bool yes;

	rcu_read_lock();
	area = mal_area_around(address);
	yes = area && READ_ONCE(area->state) != MAL_AREA_FREE;
	rcu_read_unlock();
	return yes;
}
MAL_EXPORT(is_mal_vmalloc_addr);

/**
 * mal_vmalloc_size() - how much was asked for
 * @address: what mal_vmalloc() returned, to the caller if it is ours
 *
 * Context: any.
 * Return: bytes; zero for what is not ours.
 */
size_t mal_vmalloc_size(const void *address)
{
	const struct mal_area *area = mal_vmalloc_area(address);

	return area ? area->size : 0;
}
MAL_EXPORT(mal_vmalloc_size);

/**
 * mal_vmalloc_to_page() - the page at an address
 * @address: in an area that the caller has
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
 * mal_vmalloc_to_pfn() - the number of the page at an address
 * @address: in an area that the caller has
 *
 * Context: any.
 * Return: its number.
 */
unsigned long mal_vmalloc_to_pfn(const void *address)
{
	return vmalloc_to_pfn(address);
}
MAL_EXPORT(mal_vmalloc_to_pfn);

/* How much of an area that user space may map is left from @address on. */
static unsigned long mal_area_mappable(const void *address)
{
	struct mal_area *area;
	unsigned long bytes = 0;

	rcu_read_lock();
	area = mal_area_around(address);
	if (area && area->flags & MAL_AREA_USER &&
	    READ_ONCE(area->state) == MAL_AREA_USED &&
	    address - area->address < PAGE_ALIGN(area->size))
		bytes = PAGE_ALIGN(area->size) - (address - area->address);
	rcu_read_unlock();
	return bytes;
}

/**
 * mal_remap_vmalloc_range_partial() - map a part of an area to user space
 * @vma: the mapping, being set up
 * @uaddr: where in it, aligned to a page
 * @address: in what mal_vmalloc_user() returned, aligned to a page
 * @pgoff: pages from there on to skip
 * @size: bytes, more than zero; rounded up to pages
 *
 * Each page that is mapped has a reference of the mapping's own: if the area is
 * freed before, the pages stay until the mapping goes.
 *
 * Context: task, with the host's mmap lock held for writing.
 * Return: 0; -EINVAL: not aligned, or more than what may be mapped; or the
 * error of vm_insert_page(): then a part of it may be mapped.
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
 * @vma: the mapping, being set up, which tells how much
 * @address: what mal_vmalloc_user() returned
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
 * Figures
 */

/**
 * mal_vmalloc_stats() - what there is of vmalloc, beside the cache
 * @stats: filled in; exact if nobody allocates or frees
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
	seq_printf(m, "%-20s %lu\n", "not_kept_as_held", cache.held);
	seq_puts(m, "#       size caller pages kind nodes\n");
	mal_area_list(m);
}

/*
 * Load and unload
 */

/**
 * mal_vmalloc_init() - make areas possible
 * @cache_limit: pages that the cache may hold
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
 * mal_vmalloc_exit() - the mirror of mal_vmalloc_init()
 *
 * What is allocated still is reported, and stays whose it is.
 *
 * Context: task. Nobody allocates or frees any more.
 */
void mal_vmalloc_exit(void)
{
	rcu_barrier(); /* for mal_kvfree_rcu() */
	mal_area_cache_exit();
	mal_area_exit();
}
