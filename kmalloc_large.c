// SPDX-License-Identifier: GPL-2.0
/*
 * Large kmalloc: allocations above the largest size class
 *
 * An allocation is a number of whole pages. It takes a block of the next power
 * of two, and frees the pages behind those that it needs. The allocation is
 * then a row of blocks, the larger first: one for each bit set in the number of
 * pages:
 *
 *	13 pages of a block of 16:  | 8             | 4     | 1 | (freed: 1, 2)
 *
 * The first page of each block is LARGE. mal_page.private of the first page of
 * the first block has the requested size; it is zero in the others.
 *
 * Locking: none here.
 *
 * Context: any. Allocation fails in NMI context, and sleeps if its flags allow
 * it.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/bitops.h>
#include <linux/hardirq.h>
#include <linux/kernel.h>
#include <linux/log2.h>
#include <linux/minmax.h>
#include <linux/mm.h>

#include <memalloc/kmalloc.h>
#include <memalloc/page_alloc.h>

#include "internal/buddy.h"
#include "internal/kmemleak.h"
#include "internal/kmalloc.h"
#include "internal/page_alloc.h"
#include "internal/region.h"
#include "internal/report.h"
#include "internal/sanitizer.h"
#include "internal/slab.h"
#include "internal/trace.h"

static unsigned long mal_large_pages(const struct mal_page *desc)
{
	return DIV_ROUND_UP(READ_ONCE(desc->private), PAGE_SIZE);
}

/*
 * A whole block keeps its heap counts on the heap's lists. The pages of other
 * allocations enter the heap one by one.
 */
static bool mal_large_is_whole(unsigned long pages)
{
	return is_power_of_2(pages);
}

/* Free the pages behind those that are needed. */
static void mal_large_trim(struct page *page, unsigned int order,
			   unsigned long pages)
{
	struct mal_page *desc = mal_page_of(page);
	unsigned int i;

	mal_zone_cut(mal_page_section(desc)->zone, desc, order, pages);
	while (pages < 1UL << order) {
		i = __ffs(pages);
		mal_free_pages(page + pages, i);
		pages += 1UL << i;
	}
}

static struct page *mal_large_pages_alloc(unsigned long pages, gfp_t gfp, int nid,
					  unsigned long caller)
{
	unsigned int order = order_base_2(pages);
	struct page *page;
	unsigned long i;

	if (mal_large_is_whole(pages))
		return mal_alloc_heap_pages(nid, gfp, order, caller);
	page = mal_alloc_pages_caller(nid, gfp, order, caller);
	if (!page)
		return NULL;
	mal_large_trim(page, order, pages);
	for (i = 0; i < pages; i++)
		mal_block_enter_heap(page + i, 0);
	return page;
}

/* Set the state of each block; the first block last. */
static void mal_large_mark(struct mal_page *desc, size_t size,
			   unsigned long caller)
{
	unsigned long left = DIV_ROUND_UP(size, PAGE_SIZE);
	unsigned int order = __ffs(left);

	while (left) {
		left -= 1UL << order;
		desc[left].caller = caller;
		desc[left].private = left ? 0 : size;
		WRITE_ONCE(desc[left].state, MAL_PAGE_LARGE);
		order = left ? __ffs(left) : 0;
	}
}

/**
 * mal_large_alloc() - allocate whole pages
 * @size: size in bytes, at least one
 * @gfp: as for mal_kmalloc()
 * @nid: the preferred node, or NUMA_NO_NODE
 * @caller: code address of the caller
 *
 * Context: any; fails in NMI. Sleeps if @gfp allows it.
 * Return: the memory, or NULL.
 */
void *mal_large_alloc(size_t size, gfp_t gfp, int nid, unsigned long caller)
{
	struct page *page;

	if (unlikely(size > MAL_KMALLOC_MAX_SIZE || in_nmi()))
		return NULL;
	page = mal_large_pages_alloc(DIV_ROUND_UP(size, PAGE_SIZE),
				     gfp & ~(__GFP_HIGHMEM | __GFP_COMP |
					     __GFP_MOVABLE), nid, caller);
	if (unlikely(!page)) {
		trace_mal_kmalloc(caller, NULL, size, 0, gfp, nid);
		return NULL;
	}
	mal_large_mark(mal_page_of(page), size, caller);
	mal_sanitizer_set_used(page_address(page), size, PAGE_ALIGN(size));
	kmemleak_alloc(page_address(page), PAGE_ALIGN(size), 1, gfp);
	trace_mal_kmalloc(caller, page_address(page), size, PAGE_ALIGN(size), gfp,
			  nid);
	return page_address(page);
}

/*
 * Free one of several blocks. If other holders reference a page, check all
 * pages.
 */
static void mal_large_free_part(struct page *page, unsigned int order,
				unsigned long caller)
{
	if (likely(mal_block_leave_heap(page, order, caller)) || in_nmi())
		mal_free_pages(page, order);
	else
		mal_free_pages_shared(page, order);
}

static void mal_large_free_pages(struct mal_page *desc, struct page *page,
				 unsigned long caller)
{
	unsigned long left = mal_large_pages(desc);
	bool whole = mal_large_is_whole(left);

	while (left) {
		unsigned int order = __ffs(left);

		left -= 1UL << order;
		WRITE_ONCE(desc[left].state, MAL_PAGE_USED);
		if (whole)
			mal_free_heap_pages(page, order, caller);
		else
			mal_large_free_part(page + left, order, caller);
	}
}

/*
 * Move an allocation between LARGE (allocated) and LARGE_FREED (being freed).
 * Returns its descriptor, or NULL if it is not in state @from. If two callers
 * race, one of them succeeds.
 */
static __always_inline struct mal_page *mal_large_change(const void *object, u8 from,
							 u8 to)
{
	struct mal_page *desc;

	rcu_read_lock();
	desc = mal_page_of_address(object);
	if (desc && (!desc->private || offset_in_page(object) ||
		     cmpxchg(&desc->state, from, to) != from))
		desc = NULL;
	rcu_read_unlock();
	return desc;
}

/**
 * mal_large_take() - take memory from its owner, to free it later
 * @object: an address that is in no slab
 *
 * Context: any.
 * Return: true; false if it is not an allocation.
 */
bool mal_large_take(const void *object)
{
	return mal_large_change(object, MAL_PAGE_LARGE, MAL_PAGE_LARGE_FREED);
}

/**
 * mal_large_undo_take() - undo mal_large_take(): the memory can be freed
 * @object: the address
 *
 * Context: any.
 * Return: true; false if it was not taken.
 */
bool mal_large_undo_take(const void *object)
{
	return mal_large_change(object, MAL_PAGE_LARGE_FREED, MAL_PAGE_LARGE);
}

/**
 * mal_large_free() - free memory of mal_large_alloc(), or report a wrong free
 * @object: an address that is in no slab
 * @caller: code address of the caller
 *
 * Context: any.
 */
void mal_large_free(const void *object, unsigned long caller)
{
	struct mal_page *desc;

	desc = mal_large_change(object, MAL_PAGE_LARGE, MAL_PAGE_LARGE_FREED);
	if (unlikely(!desc)) {
		mal_slab_report_free(NULL, object, caller);
		return;
	}
	trace_mal_kfree(caller, object);
	mal_kmemleak_free(object);
	mal_large_free_pages(desc, virt_to_page(object), caller);
}

/**
 * mal_large_room() - get the usable size of large memory
 * @desc: descriptor of its first page
 *
 * Context: any.
 * Return: bytes; zero if no large memory begins there.
 */
size_t mal_large_room(const struct mal_page *desc)
{
	if (READ_ONCE(desc->state) != MAL_PAGE_LARGE)
		return 0;
	return mal_large_pages(desc) << PAGE_SHIFT;
}

/**
 * mal_large_resize() - change the recorded size
 * @desc: descriptor of the first page
 * @size: size in bytes, at most the usable size
 *
 * The number of pages does not change. The recorded size does not change either
 * if the new size would imply fewer pages.
 *
 * Context: any but NMI.
 */
void mal_large_resize(struct mal_page *desc, size_t size)
{
	unsigned long pages = DIV_ROUND_UP(size, PAGE_SIZE);

	if (pages == mal_large_pages(desc))
		desc->private = size;
	if (mal_sanitizer_on())
		mal_sanitizer_set_used(page_address(pfn_to_page(mal_page_pfn(desc))),
				       size, mal_large_room(desc));
}

/**
 * mal_large_set_caller() - attribute the memory to another caller
 * @desc: descriptor of the first page
 * @caller: code address of the new caller
 *
 * Context: any; the caller owns the memory.
 */
void mal_large_set_caller(struct mal_page *desc, unsigned long caller)
{
	unsigned long left = min(mal_large_pages(desc), MAL_SECTION_PAGES - desc->index);

	while (left) {
		left -= 1UL << __ffs(left);
		mal_page_set_caller(&desc[left], caller);
	}
}
