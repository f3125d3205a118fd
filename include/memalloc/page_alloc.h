/* SPDX-License-Identifier: GPL-2.0 */
/*
 * memalloc/page_alloc.h: pages, for in-kernel callers
 *
 * The functions have the names, signatures and meaning of the kernel's own page
 * allocator, with the prefix mal_. The differences:
 *
 * - Every page of a block is an ordinary order-0 page with a reference count of
 *   its own: it can be mapped, vmapped and added to a bio.
 * - A caller that lets others take references on any page of a block but its
 *   first either splits the block (mal_split_page()) or frees it with
 *   mal_free_pages_shared(). A page that is still referenced when it is freed
 *   is set aside until the last reference is dropped.
 * - A double free, a free with the wrong order or not at the first page, and a
 *   free of a page that is not ours are reported and have no other effect.
 */
#ifndef _MEMALLOC_PAGE_ALLOC_H
#define _MEMALLOC_PAGE_ALLOC_H

#include <asm-generic/getorder.h>
#include <linux/gfp.h>
#include <linux/mm_types.h>
#include <linux/numa.h>

/* The highest order that can be allocated: 4 MiB with 4 KiB pages. */
#define MAL_MAX_ORDER	10
#define MAL_NR_ORDERS	(MAL_MAX_ORDER + 1)

struct page *mal_alloc_pages_node(int nid, gfp_t gfp, unsigned int order);
struct page *mal_alloc_pages(gfp_t gfp, unsigned int order);
void mal_free_pages(struct page *page, unsigned int order);
void mal_free_pages_shared(struct page *page, unsigned int order);
void mal_split_page(struct page *page, unsigned int order);

unsigned long mal_alloc_pages_bulk(gfp_t gfp, unsigned long nr,
				   struct page **pages);
void mal_free_pages_bulk(unsigned long nr, struct page **pages);

unsigned long mal_get_free_pages(gfp_t gfp, unsigned int order);
unsigned long mal_get_zeroed_page(gfp_t gfp);
void mal_put_free_pages(unsigned long addr, unsigned int order);
void *mal_alloc_pages_exact_node(int nid, size_t size, gfp_t gfp);
void *mal_alloc_pages_exact(size_t size, gfp_t gfp);
void mal_free_pages_exact(void *addr, size_t size);

/**
 * mal_get_order() - get the order of the smallest block that is large enough
 * @size: size in bytes
 *
 * Context: any.
 * Return: the same as the host's get_order(); for a size of zero, an order
 * above that of any block.
 */
static inline int mal_get_order(unsigned long size)
{
	return get_order(size);
}

/**
 * mal_alloc_page() - allocate one page
 * @gfp: as for mal_alloc_pages()
 *
 * Context: as for mal_alloc_pages().
 * Return: the page, or NULL.
 */
static inline struct page *mal_alloc_page(gfp_t gfp)
{
	return mal_alloc_pages(gfp, 0);
}

/**
 * mal_free_page() - free one page
 * @page: a page from mal_alloc_page()
 *
 * Context: any.
 */
static inline void mal_free_page(struct page *page)
{
	mal_free_pages(page, 0);
}

#endif /* _MEMALLOC_PAGE_ALLOC_H */
