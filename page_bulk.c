// SPDX-License-Identifier: GPL-2.0
/*
 * Bulk: many pages in one call
 *
 * Apart from a few loads and stores, the cost of one page is entering and
 * leaving the CPU's lists. A bulk call enters them once for as many pages as
 * they can serve or accept. The next page takes the path of single pages, which
 * refills or drains the lists for the next round.
 *
 * Context: as for single pages.
 */
#include <linux/highmem.h>
#include <linux/kernel.h>
#include <linux/mm.h>

#include <memalloc/page_alloc.h>

#include "internal/compat.h"
#include "internal/instrument.h"
#include "internal/page_alloc.h"
#include "internal/pcp.h"

/* Maximum number of pages handled with preemption disabled. */
#define MAL_BULK_BURST	128UL

/* Fill empty entries from this CPU's lists. Returns the index it stopped at. */
static unsigned long mal_bulk_serve(unsigned long from, unsigned long nr,
				    struct page **pages, unsigned long caller)
{
	struct mal_pcp *pcp;
	unsigned long i;

	if (!mal_pcp_enter(&pcp))
		return from;
	for (i = from; i < min(nr, from + MAL_BULK_BURST); i++) {
		if (pages[i])
			continue;
		if (!mal_pcp_serve(pcp, 0, caller, &pages[i]))
			break;
	}
	mal_pcp_leave(pcp);
	return i;
}

static bool mal_bulk_is_plain(gfp_t gfp)
{
	return !(gfp & (__GFP_DMA | __GFP_DMA32)) && !want_init_on_alloc(gfp) &&
	       !mal_is_instrumented();
}

/**
 * mal_alloc_pages_bulk() - allocate many pages
 * @gfp: as for mal_alloc_pages()
 * @nr: length of @pages
 * @pages: NULL entries are filled; others stay as they are
 *
 * Equivalent of the host's alloc_pages_bulk(), alloc_pages_bulk_array() before
 * Linux 6.14.
 *
 * Context: as for mal_alloc_pages().
 * Return: the number of leading entries that are filled: @nr, or fewer if an
 * allocation failed.
 */
unsigned long mal_alloc_pages_bulk(gfp_t gfp, unsigned long nr,
				   struct page **pages)
{
	bool plain = mal_bulk_is_plain(gfp);
	unsigned long i = 0;

	while (i < nr) {
		if (plain)
			i = mal_bulk_serve(i, nr, pages, _RET_IP_);
		if (i == nr)
			break;
		if (!pages[i])
			pages[i] = mal_alloc_pages_caller(NUMA_NO_NODE, gfp, 0, _RET_IP_);
		if (!pages[i])
			break;
		i++;
	}
	return i;
}
MAL_EXPORT(mal_alloc_pages_bulk);

/* Free pages to this CPU's lists. Returns the index it stopped at. */
static unsigned long mal_bulk_accept(unsigned long from, unsigned long nr,
				     struct page **pages)
{
	struct mal_pcp *pcp;
	unsigned long i;

	if (!mal_pcp_enter(&pcp))
		return from;
	for (i = from; i < min(nr, from + MAL_BULK_BURST); i++)
		if (pages[i] && !mal_pcp_accept(pcp, pages[i], 0))
			break;
	mal_pcp_leave(pcp);
	return i;
}

/**
 * mal_free_pages_bulk() - free many pages
 * @nr: length of @pages
 * @pages: pages or NULL, in any order. Cleared on return.
 *
 * Context: any.
 */
void mal_free_pages_bulk(unsigned long nr, struct page **pages)
{
	unsigned long i = 0;

	while (i < nr) {
		if (!mal_is_instrumented())
			i = mal_bulk_accept(i, nr, pages);
		if (i < nr)
			mal_free_pages(pages[i++], 0);
	}
	memset(pages, 0, nr * sizeof(*pages));
}
MAL_EXPORT(mal_free_pages_bulk);
