// SPDX-License-Identifier: GPL-2.0
/*
 * Pages by address: for callers that want memory rather than struct page
 *
 * Borrowed pages are never in high memory, so each has an address at any time.
 *
 * An exact allocation is a block that is split into pages. The pages beyond the
 * requested size are freed at once. So it must be freed page by page, too.
 *
 * Context: as for mal_alloc_pages() and mal_free_pages().
 */
#include <linux/mm.h>
#include <linux/numa.h>

#include <memalloc/page_alloc.h>

#include "internal/compat.h"
#include "internal/page_alloc.h"

/**
 * mal_get_free_pages_caller() - mal_get_free_pages() on behalf of a caller
 * @gfp: as for mal_alloc_pages()
 * @order: as for mal_alloc_pages()
 * @caller: code address to attribute the block to
 *
 * Context: as for mal_alloc_pages().
 * Return: the address of the block, or 0.
 */
unsigned long mal_get_free_pages_caller(gfp_t gfp, unsigned int order,
					unsigned long caller)
{
	struct page *page = mal_alloc_pages_caller(NUMA_NO_NODE, gfp, order, caller);

	return page ? (unsigned long)page_address(page) : 0;
}

/**
 * mal_get_free_pages() - allocate a block, by address
 * @gfp: as for mal_alloc_pages()
 * @order: as for mal_alloc_pages()
 *
 * Context: as for mal_alloc_pages().
 * Return: the address of the block, or 0.
 */
unsigned long mal_get_free_pages(gfp_t gfp, unsigned int order)
{
	return mal_get_free_pages_caller(gfp, order, _RET_IP_);
}
MAL_EXPORT(mal_get_free_pages);

/**
 * mal_get_zeroed_page() - allocate a zeroed page, by address
 * @gfp: as for mal_alloc_pages()
 *
 * Context: as for mal_alloc_pages().
 * Return: the address of the page, or 0.
 */
unsigned long mal_get_zeroed_page(gfp_t gfp)
{
	return mal_get_free_pages_caller(gfp | __GFP_ZERO, 0, _RET_IP_);
}
MAL_EXPORT(mal_get_zeroed_page);

/**
 * mal_put_free_pages() - free a block, by address
 * @addr: address from mal_get_free_pages(), or 0
 * @order: order of the block
 *
 * Corresponds to the host's free_pages().
 *
 * Context: any.
 */
void mal_put_free_pages(unsigned long addr, unsigned int order)
{
	if (addr)
		mal_free_pages(virt_to_page((void *)addr), order);
}
MAL_EXPORT(mal_put_free_pages);

static void mal_free_range(struct page *page, unsigned long from, unsigned long to)
{
	for (; from < to; from++)
		mal_free_page(page + from);
}

static void *mal_alloc_exact(int nid, size_t size, gfp_t gfp,
			     unsigned long caller)
{
	unsigned int order = mal_get_order(size);
	struct page *page;

	if (!size || order > MAL_MAX_ORDER || in_nmi())
		return NULL;
	page = mal_alloc_pages_caller(nid, gfp, order, caller);
	if (!page)
		return NULL;
	mal_split_page(page, order);
	mal_free_range(page, PFN_UP(size), 1UL << order);
	return page_address(page);
}

/**
 * mal_alloc_pages_exact_node() - allocate pages for a size, preferably on a
 * node
 * @nid: as for mal_alloc_pages_node()
 * @size: size in bytes, more than zero; rounded up to pages
 * @gfp: as for mal_alloc_pages()
 *
 * Context: as for mal_alloc_pages(), but fails in NMI.
 * Return: the address of contiguous memory; NULL if there is none, or if @size
 * exceeds the largest block.
 */
void *mal_alloc_pages_exact_node(int nid, size_t size, gfp_t gfp)
{
	return mal_alloc_exact(nid, size, gfp, _RET_IP_);
}
MAL_EXPORT(mal_alloc_pages_exact_node);

/**
 * mal_alloc_pages_exact() - allocate pages for a size
 * @size: as for mal_alloc_pages_exact_node()
 * @gfp: as for mal_alloc_pages()
 *
 * Context: as for mal_alloc_pages_exact_node().
 * Return: as for mal_alloc_pages_exact_node().
 */
void *mal_alloc_pages_exact(size_t size, gfp_t gfp)
{
	return mal_alloc_exact(NUMA_NO_NODE, size, gfp, _RET_IP_);
}
MAL_EXPORT(mal_alloc_pages_exact);

/**
 * mal_free_pages_exact() - free an exact allocation
 * @addr: its address, or NULL
 * @size: the requested size
 *
 * Context: any.
 */
void mal_free_pages_exact(void *addr, size_t size)
{
	if (addr)
		mal_free_range(virt_to_page(addr), 0, PFN_UP(size));
}
MAL_EXPORT(mal_free_pages_exact);
