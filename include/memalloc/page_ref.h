/* SPDX-License-Identifier: GPL-2.0 */
/*
 * memalloc/page_ref.h: reference counts of pages, ours or the host's
 *
 * The functions have the names, signatures and meaning of the kernel's own,
 * with the prefix mal_. For a page of ours they return the same as the kernel's
 * functions for a page of the host with the same history: 1 for a page that was
 * just allocated. The count of a page of ours has a constant bias that the
 * kernel's functions do not know of (see region.c).
 *
 * - A frozen page of ours is frozen for callers of these functions only. The
 *   host may still take a reference on it.
 * - A caller that brings the count to zero by any function other than
 *   mal_put_page() and mal_page_frag_cache_drain() owns the page, as with the
 *   host: it sets the count (mal_set_page_count()), and then reuses the page or
 *   frees it.
 *
 * The folio of a page of ours is that page.
 */
#ifndef _MEMALLOC_PAGE_REF_H
#define _MEMALLOC_PAGE_REF_H

#include <linux/atomic.h>
#include <linux/mm.h>
#include <linux/page_ref.h>

#include <memalloc/owner.h>

/**
 * mal_page_ref_count() - get the number of references of a page
 * @page: a page; for a compound page of the host, this page alone
 *
 * Context: any.
 * Return: the number.
 */
static inline int mal_page_ref_count(const struct page *page)
{
	return page_ref_count(page) - mal_page_ref_bias(page);
}

/**
 * mal_page_count() - count the references of a page or its compound page
 * @page: a page; for a compound page of the host, the whole of it
 *
 * Context: any.
 * Return: the number.
 */
static inline int mal_page_count(const struct page *page)
{
	return page_count(page) - mal_page_ref_bias(page);
}

/**
 * mal_set_page_count() - set the number of references
 * @page: a page to which no other holder has a reference
 * @count: the number
 *
 * Context: any.
 */
static inline void mal_set_page_count(struct page *page, int count)
{
	set_page_count(page, count + mal_page_ref_bias(page));
}

/**
 * mal_page_ref_sub_return() - drop references
 * @page: a page
 * @nr: number of references
 *
 * Context: any.
 * Return: the number of references left.
 */
static inline int mal_page_ref_sub_return(struct page *page, int nr)
{
	return atomic_sub_return(nr, &page->_refcount) - mal_page_ref_bias(page);
}

/**
 * mal_page_ref_sub_and_test() - drop references, and test for the last one
 * @page: a page
 * @nr: number of references
 *
 * Context: any.
 * Return: true if none is left; the caller then owns the page.
 */
static inline int mal_page_ref_sub_and_test(struct page *page, int nr)
{
	return !mal_page_ref_sub_return(page, nr);
}

/**
 * mal_page_ref_inc_return() - take a reference
 * @page: a page
 *
 * Context: any.
 * Return: the new number of references.
 */
static inline int mal_page_ref_inc_return(struct page *page)
{
	return mal_page_ref_sub_return(page, -1);
}

/**
 * mal_page_ref_add_unless() - take references, unless there are @unless
 * @page: a page
 * @nr: number of references to take
 * @unless: the value
 *
 * Context: any.
 * Return: true if they were taken.
 */
static inline bool mal_page_ref_add_unless(struct page *page, int nr, int unless)
{
	return atomic_add_unless(&page->_refcount, nr,
				 unless + mal_page_ref_bias(page));
}

/**
 * mal_page_ref_freeze() - set the count to zero if it has a given value
 * @page: a page
 * @count: the value
 *
 * Context: any.
 * Return: true if the page is frozen now.
 */
static inline int mal_page_ref_freeze(struct page *page, int count)
{
	int bias = mal_page_ref_bias(page);

	return atomic_cmpxchg(&page->_refcount, count + bias, bias) == count + bias;
}

/**
 * mal_page_ref_unfreeze() - undo mal_page_ref_freeze()
 * @page: a frozen page
 * @count: the new number of references
 *
 * Context: any.
 */
static inline void mal_page_ref_unfreeze(struct page *page, int count)
{
	atomic_add_return_release(count, &page->_refcount);
}

/**
 * mal_put_folio() - drop a reference on a folio
 * @folio: a folio
 *
 * Context: as for mal_put_page().
 */
static inline void mal_put_folio(struct folio *folio)
{
	mal_put_page(&folio->page);
}

/**
 * mal_put_folio_refs() - drop references on a folio
 * @folio: a folio
 * @refs: number of references
 *
 * Context: as for mal_put_page().
 */
static inline void mal_put_folio_refs(struct folio *folio, int refs)
{
	if (mal_owns_page(&folio->page))
		mal_page_frag_cache_drain(&folio->page, refs);
	else
		folio_put_refs(folio, refs);
}

#endif /* _MEMALLOC_PAGE_REF_H */
