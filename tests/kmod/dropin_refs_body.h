/* SPDX-License-Identifier: GPL-2.0 */
/*
 * dropin_refs_body.h: operations on reference counts of pages
 *
 * Compiled for the host's pages and, through dropin.h, for memalloc's. Each
 * step records the values that it sees. Both lists must be equal.
 */
#ifndef _MAL_DROPIN_REFS_BODY_H
#define _MAL_DROPIN_REFS_BODY_H

#include <linux/mm.h>
#include <linux/page_ref.h>
#ifdef __has_include /* sparse lacks it */
#if __has_include("linux/page_frag_cache.h")
#include <linux/page_frag_cache.h>
#endif
#endif
#include <linux/slab.h>

#include "dropin_test.h"

static void refs_see(struct refs_seen *seen, long value)
{
	if (seen->nr < DROPIN_REFS_SEEN)
		seen->values[seen->nr] = value;
	seen->nr++;
}

static void refs_see_count(struct refs_seen *seen, struct page *page)
{
	refs_see(seen, page_ref_count(page));
	refs_see(seen, page_count(page));
	refs_see(seen, folio_ref_count(page_folio(page)));
}

/* Increment and decrement the count, and return it to its old value. */
static void refs_count(struct refs_seen *seen, struct page *page)
{
	refs_see_count(seen, page);
	get_page(page);
	refs_see_count(seen, page);
	page_ref_add(page, 5);
	page_ref_inc(page);
	refs_see_count(seen, page);
	page_ref_sub(page, 4);
	page_ref_dec(page);
	refs_see_count(seen, page);
	refs_see(seen, page_ref_inc_return(page));
	refs_see(seen, page_ref_dec_return(page));
	refs_see(seen, page_ref_sub_and_test(page, 1));
	refs_see(seen, page_ref_dec_and_test(page));
	refs_see_count(seen, page);
	folio_get(page_folio(page));
	refs_see_count(seen, page);
	folio_put(page_folio(page));
	refs_see_count(seen, page);
	refs_see(seen, get_page_unless_zero(page));
	refs_see(seen, put_page_testzero(page));
}

/* The caller has the only reference. Drop the count to zero, and raise it. */
static void refs_zero(struct refs_seen *seen, struct page *page)
{
	refs_see(seen, page_ref_freeze(page, 2));
	refs_see(seen, page_ref_freeze(page, 1));
	refs_see_count(seen, page);
	refs_see(seen, page_ref_freeze(page, 1));
	refs_see(seen, get_page_unless_zero(page));
	page_ref_unfreeze(page, 1);
	refs_see_count(seen, page);
	refs_see(seen, put_page_testzero(page));
	refs_see_count(seen, page);
	init_page_count(page);
	refs_see_count(seen, page);
	set_page_count(page, 3);
	refs_see_count(seen, page);
	refs_see(seen, page_ref_sub_and_test(page, 3));
	set_page_count(page, 1);
	refs_see(seen, folio_ref_freeze(page_folio(page), 1));
	folio_ref_unfreeze(page_folio(page), 2);
	refs_see_count(seen, page);
	folio_put_refs(page_folio(page), 1);
	refs_see_count(seen, page);
}

/*
 * Act as a driver that passes parts of a page on, with a large bias of
 * references, and reuses the page when all parts have returned.
 */
static void refs_recycle(struct refs_seen *seen)
{
	unsigned int bias = 100, round, recycled = 0;
	struct page *page = alloc_page(GFP_KERNEL);

	refs_see(seen, !!page);
	if (!page)
		return;
	page_ref_add(page, bias - 1);
	for (round = 0; round < 20; round++) {
		bool returned = round % 3;

		bias--;
		if (returned)
			put_page(page);
		refs_see(seen, page_ref_count(page) - bias);
		if (page_ref_count(page) - bias == 0)
			recycled++;
		if (!returned)
			put_page(page);
	}
	refs_see(seen, recycled);
	__page_frag_cache_drain(page, bias - 1);
	refs_see(seen, page_ref_count(page));
	__page_frag_cache_drain(page, 1);
}

/* Reuse the page if the driver has the only reference. */
static void refs_reuse(struct refs_seen *seen)
{
	unsigned int round, reused = 0, allocated = 0;
	struct page *page = NULL;

	for (round = 0; round < 10; round++) {
		if (page && page_ref_count(page) == 1) {
			reused++;
		} else {
			if (page)
				put_page(page);
			page = alloc_page(GFP_KERNEL);
			if (!page)
				break;
			allocated++;
		}
		get_page(page);
		put_page(page);
	}
	refs_see(seen, reused);
	refs_see(seen, allocated);
	if (page)
		put_page(page);
}

static void refs_see_compound(struct refs_seen *seen, struct page *page)
{
	refs_see(seen, compound_order(compound_head(page)));
	refs_see(seen, page_size(compound_head(page)));
	refs_see(seen, page_count(page + 2));
	get_page(page + 3);
	refs_see(seen, page_count(page));
	refs_see(seen, PageHead(page));
	refs_see(seen, PageTail(page + 3));
	put_page(page + 1);
	refs_see(seen, page_count(page));
}

/*
 * Compound pages behave as such with each function that allocates or frees
 * them.
 */
static void refs_compound(struct refs_seen *seen)
{
	gfp_t gfp = GFP_KERNEL | __GFP_COMP;
	struct page *page;
	unsigned long addr;

	OPTIMIZER_HIDE_VAR(gfp);
	page = alloc_pages(gfp, 2);
	refs_see(seen, !!page);
	if (page) {
		refs_see_compound(seen, page);
		put_page(page + 3);
	}
	page = alloc_pages_node(numa_mem_id(), gfp, 3);
	refs_see(seen, !!page);
	if (page) {
		refs_see_compound(seen, page);
		__free_pages(page, 3);
	}
	addr = __get_free_pages(gfp, 2);
	refs_see(seen, !!addr);
	if (addr) {
		refs_see_compound(seen, virt_to_page((void *)addr));
		free_pages(addr, 2);
	}
	page = alloc_pages(gfp, 0);
	refs_see(seen, !!page);
	if (page) {
		refs_see_count(seen, page);
		refs_see(seen, PageCompound(page));
		put_page(page);
	}
}

static void refs_run(struct refs_seen *seen)
{
	struct page *page = alloc_page(GFP_KERNEL);

	refs_see(seen, !!page);
	if (!page)
		return;
	refs_count(seen, page);
	refs_zero(seen, page);
	__free_page(page);
	refs_recycle(seen);
	refs_reuse(seen);
	refs_compound(seen);
}

#endif /* _MAL_DROPIN_REFS_BODY_H */
