// SPDX-License-Identifier: GPL-2.0
/*
 * Pages: handles for pages of the buddy allocator
 *
 * User space may map the pages and take references to them (get_user_pages,
 * vmsplice). So the block is freed with mal_free_pages_charged(), which sets
 * aside pages that are still pinned and charges them to the user.
 *
 * The pages are mapped one at a time, as kmap_local_page() requires. The
 * flushes keep the kernel's view and user space's consistent on architectures
 * with aliasing caches, and do nothing elsewhere.
 *
 * Context: task. Takes no lock.
 */
#include <linux/cacheflush.h>
#include <linux/errno.h>
#include <linux/highmem.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/nospec.h>
#include <linux/pfn.h>

#include <memalloc/page_alloc.h>
#include <uapi/linux/memalloc.h>

#include "internal/buddy.h"
#include "internal/handle.h"
#include "internal/kind.h"
#include "internal/page_alloc.h"
#include "internal/region.h"
#include "internal/user.h"

static int mal_pages_size(struct mal_request *request)
{
	const struct memalloc_alloc *arg = request->arg;

	if (arg->order > MAL_MAX_ORDER || arg->bytes || arg->count)
		return -EINVAL;
	request->bytes = (u64)PAGE_SIZE << arg->order;
	request->charged = request->bytes;
	return 0;
}

static int mal_pages_alloc(struct mal_handle *obj,
			   const struct mal_request *request)
{
	/* The order indexes many tables. */
	obj->order = array_index_nospec(request->arg->order, MAL_NR_ORDERS);
	obj->page = mal_alloc_pages_node(request->node, request->gfp,
					 obj->order);
	return obj->page ? 0 : -ENOMEM;
}

static void mal_pages_attribute(struct mal_handle *obj, unsigned long site)
{
	mal_page_of(obj->page)->caller = site;
}

/* Clear the dirty bits that user mappings leave in struct page. */
static void mal_pages_clear_dirty(struct mal_handle *obj)
{
	unsigned int i;

	for (i = 0; i < 1U << obj->order; i++)
		ClearPageDirty(obj->page + i);
}

static void mal_pages_release(struct mal_handle *obj)
{
	mal_pages_clear_dirty(obj);
	mal_free_pages_charged(obj->page, obj->order, mal_user_account(obj->file->user),
			       _THIS_IP_);
}

static struct page *mal_pages_page(struct mal_handle *obj, unsigned long index)
{
	/* Valid because a block lies within one section of the memory map. */
	return obj->page + index;
}

static void *mal_pages_map(struct mal_handle *obj, u64 offset, size_t *len)
{
	struct page *page = mal_pages_page(obj, offset >> PAGE_SHIFT);
	size_t within = offset_in_page(offset);

	*len = min_t(size_t, *len, PAGE_SIZE - within);
	flush_dcache_page(page);
	return kmap_local_page(page) + within;
}

static void mal_pages_unmap(struct mal_handle *obj, u64 offset, void *addr)
{
	flush_dcache_page(mal_pages_page(obj, offset >> PAGE_SHIFT));
	kunmap_local(addr);
}

/**
 * mal_info_of_page() - node, zone and address of a page
 * @page: one of our pages
 * @within: offset of a byte in it
 * @info: out_node, out_zone and, if requested, out_phys are filled in
 *
 * Context: any; the caller owns the page.
 */
void mal_info_of_page(struct page *page, unsigned int within,
		      struct memalloc_info *info)
{
	struct mal_page *desc = mal_page_of(page);
	struct mal_zone *zone = mal_page_section(desc)->zone;

	info->out_node = zone->nid;
	info->out_zone = zone->type;
	if (info->flags & MEMALLOC_INFO_PHYS)
		info->out_phys = PFN_PHYS(page_to_pfn(page)) + within;
}

/**
 * mal_info_of_address() - node, zone and address of memory
 * @address: address of a byte that the kernel has mapped
 * @info: as for mal_info_of_page()
 *
 * Context: any; the caller owns the memory.
 */
void mal_info_of_address(const void *address, struct memalloc_info *info)
{
	mal_info_of_page(virt_to_page(address), offset_in_page(address), info);
}

static void mal_pages_info(struct mal_handle *obj, u64 offset,
			   struct memalloc_info *info)
{
	info->out_order = obj->order;
	mal_info_of_page(mal_pages_page(obj, offset >> PAGE_SHIFT),
			 offset_in_page(offset), info);
}

const struct mal_kind mal_kind_pages = {
	.id = MEMALLOC_KIND_PAGES,
	.size = mal_pages_size,
	.alloc = mal_pages_alloc,
	.attribute = mal_pages_attribute,
	.release = mal_pages_release,
	.map = mal_pages_map,
	.unmap = mal_pages_unmap,
	.page = mal_pages_page,
	.info = mal_pages_info,
};
