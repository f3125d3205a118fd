// SPDX-License-Identifier: GPL-2.0
/*
 * Pages by address: for those who want memory rather than struct page
 *
 * Borrowed pages are never in high memory, so each has an address at any time.
 *
 * An exact allocation is a block that is split into pages, of which those
 * beyond the size are freed again at once. So it is freed page by page, too.
 *
 * Context: as for mal_alloc_pages() and mal_free_pages().
 */
#include <linux/mm.h>
#include <linux/numa.h>

#include <memalloc/page_alloc.h>

#include "internal/compat.h"
#include "internal/page_alloc.h"

/**
 * mal_get_free_pages_caller() - mal_get_free_pages() on behalf of somebody
 * @gfp: as for mal_alloc_pages()
 * @order: as for mal_alloc_pages()
 * @caller: code address of who it is for
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
 * mal_get_zeroed_page() - allocate one page of zeroes, by address
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
 * @addr: what mal_get_free_pages() returned, or 0
 * @order: the order it was allocated with
 *
 * The host's free_pages().
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
 * mal_alloc_pages_exact_node() - allocate just so many pages, near a node
 * @nid: as for mal_alloc_pages_node()
 * @size: size in bytes, more than zero; rounded up to pages
 * @gfp: as for mal_alloc_pages()
 *
 * Context: as for mal_alloc_pages(), but fails in NMI.
 * Return: the address of contiguous memory, or NULL: there is none, or @size is
 * more than a block can be.
 */
void *mal_alloc_pages_exact_node(int nid, size_t size, gfp_t gfp)
{
	return mal_alloc_exact(nid, size, gfp, _RET_IP_);
}
MAL_EXPORT(mal_alloc_pages_exact_node);

/**
 * mal_alloc_pages_exact() - allocate just so many pages
 * @size: as for mal_alloc_pages_exact_node()
 * @gfp: as for mal_alloc_pages()
 *
 * Context: as for mal_alloc_pages_exact_node().
 * Return: as mal_alloc_pages_exact_node().
 */
void *mal_alloc_pages_exact(size_t size, gfp_t gfp)
{
	return mal_alloc_exact(NUMA_NO_NODE, size, gfp, _RET_IP_);
}
MAL_EXPORT(mal_alloc_pages_exact);

/**
 * mal_free_pages_exact() - free an exact allocation
 * @addr: its address, or NULL
 * @size: the size it was allocated with
 *
 * Context: any.
 */
void mal_free_pages_exact(void *addr, size_t size)
{
	if (addr)
		mal_free_range(virt_to_page(addr), 0, PFN_UP(size));
}
MAL_EXPORT(mal_free_pages_exact);
