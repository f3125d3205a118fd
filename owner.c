// SPDX-License-Identifier: GPL-2.0
/*
 * Owner: tell memory of ours from memory of the host
 *
 * Code that uses our allocators also meets memory of the host: pages of user
 * space, or a structure that another subsystem allocated. These functions tell
 * the two apart.
 *
 * The count of a borrowed page is biased by MAL_PAGE_BIAS (see region.c), so a
 * page that only its owner references has a count of MAL_PAGE_REFS.
 *
 * Context: any. No lock.
 */
#include <linux/atomic.h>
#include <linux/mm.h>
#include <linux/rcupdate.h>

#include <memalloc/owner.h>
#include <memalloc/page_alloc.h>

#include "internal/compat.h"
#include "internal/region.h"

static bool mal_is_borrowed(const struct mal_page *desc)
{
	return desc && READ_ONCE(desc->state) != MAL_PAGE_FOREIGN;
}

/**
 * mal_owns() - is an address in borrowed memory?
 * @address: any value, in the kernel's direct map
 *
 * The result is reliable only if the caller owns the memory. Areas of vmalloc()
 * are not in the direct map: see is_mal_vmalloc_addr().
 *
 * Context: any.
 * Return: true if it is.
 */
bool mal_owns(const void *address)
{
	bool owns;

	rcu_read_lock();
	owns = mal_is_borrowed(mal_page_of_address(address));
	rcu_read_unlock();
	return owns;
}
MAL_EXPORT(mal_owns);

/**
 * mal_owns_page() - is a page borrowed?
 * @page: a page
 *
 * Context: any.
 * Return: true if it is.
 */
bool mal_owns_page(struct page *page)
{
	bool owns;

	rcu_read_lock();
	owns = mal_is_borrowed(mal_page_of(page));
	rcu_read_unlock();
	return owns;
}
MAL_EXPORT(mal_owns_page);

/**
 * mal_page_ref_bias() - get the bias in the count of a page
 * @page: a page
 *
 * For memalloc/page_ref.h. The result is reliable only while the caller has a
 * reference to the page.
 *
 * Context: any.
 * Return: the bias of a borrowed page, which is negative for memory of slabs
 * and kmalloc; zero for a page of the host.
 */
int mal_page_ref_bias(const struct page *page)
{
	bool owns;

	rcu_read_lock();
	owns = mal_is_borrowed(mal_page_of(page));
	rcu_read_unlock();
	return owns ? mal_refs_base(page_ref_count(page)) - 1 : 0;
}
MAL_EXPORT(mal_page_ref_bias);

/**
 * mal_put_page() - drop a reference on a page, ours or the host's
 * @page: a page; if ours, of order 0 or the first of a block that has been
 *	split by mal_split_page()
 *
 * The last reference frees the page. It must be dropped here, because the
 * host's put_page() does not recognize it as the last. If another holder (a
 * bio, a pipe) may keep a reference longer than the owner, the owner frees the
 * page with mal_free_page(), which puts the page aside until it is unpinned.
 *
 * Context: any.
 */
void mal_put_page(struct page *page)
{
	if (!mal_owns_page(page))
		put_page(page);
	else if (!atomic_add_unless(&page->_refcount, -1, MAL_PAGE_REFS))
		mal_free_page(page);
}
MAL_EXPORT(mal_put_page);

/**
 * mal_page_frag_cache_drain() - drop several references
 * @page: a page, as for mal_put_page()
 * @count: number of references
 *
 * Equivalent of the host's __page_frag_cache_drain(). The last reference frees
 * the page.
 *
 * Context: any.
 */
void mal_page_frag_cache_drain(struct page *page, unsigned int count)
{
	if (!mal_owns_page(page)) {
		__page_frag_cache_drain(page, count);
	} else if (atomic_sub_return(count, &page->_refcount) == MAL_PAGE_BIAS) {
		/* The free drops the last reference. */
		page_ref_inc(page);
		mal_free_page(page);
	}
}
MAL_EXPORT(mal_page_frag_cache_drain);
