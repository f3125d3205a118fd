// SPDX-License-Identifier: GPL-2.0
/*
 * Whose memory: ours or the host's
 *
 * Code that uses our allocators meets memory of the host's, too: pages of user
 * space, a structure that some subsystem has allocated. Here it can ask.
 *
 * A borrowed page has a reference of the host's, and one of ours on top that
 * never goes while the page is borrowed (see region.c). So a page of which nobody
 * but its owner has a reference has MAL_PAGE_REFS of them.
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
 * mal_owns() - is this an address in memory that we have borrowed?
 * @address: any value, of the kernel's direct map
 *
 * Worth something for memory that the caller holds. Areas of vmalloc() are not in
 * the direct map: see is_mal_vmalloc_addr().
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
 * mal_owns_page() - is this a page that we have borrowed?
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
 * mal_put_page() - drop a reference, whoever's page it is
 * @page: a page; if ours, of order 0 or the first of a block that has been
 *	split by mal_split_page()
 *
 * The last reference frees the page. It must be dropped here: the host's
 * put_page() does not know that it is the last. Where somebody else may keep a
 * reference longer than the owner (a bio, a pipe), the owner frees the page by
 * mal_free_page(), which waits for them.
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
