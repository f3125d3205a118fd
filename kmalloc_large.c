// SPDX-License-Identifier: GPL-2.0
/*
 * kmalloc, large: memory that no size class is large enough for
 *
 * Whole pages, as many as are needed: of a block of the next power of two, what
 * is behind them is freed again. So the pages are a row of blocks, the larger
 * first, as many as the number of pages has ones in binary:
 *
 *	13 pages of a block of 16:  | 8              | 4      | 1 | (freed: 1, 2)
 *
 * The first page of each block is LARGE, and the first one of all has the size
 * that was asked for in mal_page.private; the others have zero there.
 *
 * Locking: none here.
 *
 * Context: any; allocation fails in an NMI, and sleeps if its flags allow it.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/bitops.h>
#include <linux/hardirq.h>
#include <linux/kernel.h>
#include <linux/log2.h>
#include <linux/mm.h>

#include <memalloc/kmalloc.h>
#include <memalloc/page_alloc.h>

#include "internal/buddy.h"
#include "internal/kmemleak.h"
#include "internal/kmalloc.h"
#include "internal/region.h"
#include "internal/report.h"
#include "internal/sanitizer.h"
#include "internal/slab.h"
#include "internal/trace.h"

static unsigned long mal_large_pages(const struct mal_page *desc)
{
	return DIV_ROUND_UP(READ_ONCE(desc->private), PAGE_SIZE);
}

/* Free what is behind the pages that are needed. */
static void mal_large_trim(struct page *page, unsigned int order,
			   unsigned long pages)
{
	struct mal_page *desc = mal_page_of(page);
	unsigned int i;

	if (pages == 1UL << order)
		return;
	mal_zone_cut(mal_page_section(desc)->zone, desc, order, pages);
	while (pages < 1UL << order) {
		i = __ffs(pages);
		mal_free_pages(page + pages, i);
		pages += 1UL << i;
	}
}

/* Say of each block what it is; the first one last. */
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
 * @size: bytes, at least one
 * @gfp: as for mal_kmalloc()
 * @nid: the node to prefer, or NUMA_NO_NODE
 * @caller: code address of who wants it
 *
 * Context: any; fails in NMI. Sleeps if @gfp allows it.
 * Return: the memory, or NULL.
 */
void *mal_large_alloc(size_t size, gfp_t gfp, int nid, unsigned long caller)
{
	unsigned int order;
	struct page *page;

	if (unlikely(size > MAL_KMALLOC_MAX_SIZE || in_nmi()))
		return NULL;
	order = get_order(size);
	page = mal_alloc_pages_node(nid, gfp & ~(__GFP_HIGHMEM | __GFP_COMP |
						 __GFP_MOVABLE), order);
	if (unlikely(!page)) {
		trace_mal_kmalloc(caller, NULL, size, 0, gfp, nid);
		return NULL;
	}
	mal_large_trim(page, order, DIV_ROUND_UP(size, PAGE_SIZE));
	mal_large_mark(mal_page_of(page), size, caller);
	mal_sanitizer_set_used(page_address(page), size, PAGE_ALIGN(size));
	kmemleak_alloc(page_address(page), PAGE_ALIGN(size), 1, gfp);
	trace_mal_kmalloc(caller, page_address(page), size, PAGE_ALIGN(size), gfp,
			  nid);
	return page_address(page);
}

static void mal_large_free_pages(struct mal_page *desc, struct page *page)
{
	unsigned long left = mal_large_pages(desc);

	while (left) {
		unsigned int order = __ffs(left);

		left -= 1UL << order;
		WRITE_ONCE(desc[left].state, MAL_PAGE_USED);
		mal_free_pages(page + left, order);
	}
}

/*
 * Between LARGE and LARGE_FREED: its owner's, or his who frees it. Returns the
 * descriptor, or NULL: there is none in the one state. Of two, one gets it.
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
 * Return: true; false if nobody has it.
 */
bool mal_large_take(const void *object)
{
	return mal_large_change(object, MAL_PAGE_LARGE, MAL_PAGE_LARGE_FREED);
}

/**
 * mal_large_untake() - the mirror of mal_large_take(): now it can be freed
 * @object: the address
 *
 * Context: any.
 * Return: true; false if it has not been taken.
 */
bool mal_large_untake(const void *object)
{
	return mal_large_change(object, MAL_PAGE_LARGE_FREED, MAL_PAGE_LARGE);
}

/**
 * mal_large_free() - free what mal_large_alloc() returned, or report it
 * @object: an address that is in no slab
 * @caller: code address of who does it
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
	mal_large_free_pages(desc, virt_to_page(object));
}

/**
 * mal_large_room() - how much memory there is
 * @desc: descriptor of the page that it begins in
 *
 * Context: any.
 * Return: bytes; zero if there begins no large memory.
 */
size_t mal_large_room(const struct mal_page *desc)
{
	if (READ_ONCE(desc->state) != MAL_PAGE_LARGE)
		return 0;
	return mal_large_pages(desc) << PAGE_SHIFT;
}

/**
 * mal_large_resize() - note another size
 * @desc: descriptor of the first page
 * @size: bytes, no more than there is room for
 *
 * The pages stay as many as they are; so does the size, if it would tell that
 * they are fewer.
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
 * mal_large_set_caller() - say that the memory is somebody else's now
 * @desc: descriptor of the first page
 * @caller: code address of who has it
 *
 * Context: any; the caller holds the memory.
 */
void mal_large_set_caller(struct mal_page *desc, unsigned long caller)
{
	unsigned long left = mal_large_pages(desc);

	while (left) {
		left -= 1UL << __ffs(left);
		desc[left].caller = caller;
	}
}
