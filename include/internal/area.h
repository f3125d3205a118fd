/* SPDX-License-Identifier: GPL-2.0 */
/*
 * area.h: mapped areas: pages of ours, or of a caller's, at one range of addresses
 */
#ifndef _MAL_AREA_H
#define _MAL_AREA_H

#include <linux/gfp.h>
#include <linux/list.h>
#include <linux/llist.h>
#include <linux/page_ref.h>
#include <linux/rbtree.h>
#include <linux/rcupdate.h>
#include <linux/rhashtable-types.h>
#include <linux/sched/signal.h>
#include <linux/sizes.h>
#include <linux/types.h>

#include "internal/region.h"

struct page;
struct seq_file;

/**
 * enum mal_area_state - whose an area is
 * @MAL_AREA_FREE: nobody's: in the cache, or on its way there or to its end
 * @MAL_AREA_USED: somebody's
 * @MAL_AREA_MAPPED: somebody's, of pages of their own
 * @MAL_AREA_RCU: freed, when a grace period is over
 */
enum mal_area_state {
	MAL_AREA_FREE = 0,
	MAL_AREA_USED,
	MAL_AREA_MAPPED,
	MAL_AREA_RCU,
};

/* mal_area.flags: what it is used for. */
#define MAL_AREA_MAP	BIT(0)	/* of a caller's pages, by mal_vmap() */
#define MAL_AREA_USER	BIT(1)	/* may be mapped to user space */

/**
 * struct mal_area - pages, mapped one after the other
 * @hash: in the table of all areas, by @address
 * @address: of the first byte
 * @base: where the host's mapping begins: at @address, or before, if that is
 *	aligned to more than a page
 * @next: in a CPU's part of the cache: the area below it
 * @deferred: freed where it could not be put away: in the list of those
 * @by_size: in a node's part of the cache
 * @by_age: in a node's part of the cache, or in a list of those that go
 * @state: enum mal_area_state
 * @flags: MAL_AREA_*
 * @class: @nr_pages, if a CPU's part of the cache takes the area, or zero
 * @nid: the node that all pages are of, or NUMA_NO_NODE: there is none, or
 *	somebody asked for a zone or an alignment. Then it is not cached.
 * @nr_pages: how many
 * @size: bytes that were asked for
 * @caller: code address of who has it, or had it
 * @link: in the list of all areas
 * @rcu: on the way out
 * @pages: the pages; with MAL_AREA_MAP, none
 *
 * Freed after an RCU grace period, so that who looks for an address finds an
 * area or none.
 */
struct mal_area {
	struct rhash_head hash;
	void *address;
	void *base;
	union {
		struct mal_area *next;
		struct llist_node deferred;
		struct rb_node by_size;
	};
	struct list_head by_age;
	enum mal_area_state state;
	u8 flags;
	u8 class;
	s16 nid;
	unsigned long nr_pages;
	unsigned long size;
	unsigned long caller;
	struct list_head link;
	struct rcu_head rcu;
	struct page *pages[];
};

/* Who goes through the pages of an area, and may sleep, gives way after so many. */
#define MAL_AREA_PIECE		1024

/* Beyond it, an alignment would cost more page tables than anybody needs. */
#define MAL_AREA_MAX_ALIGN	SZ_64M

/* One part in so many may be more than was asked for. */
#define MAL_AREA_WASTE	8

/**
 * mal_area_fits() - is an area large enough, and not too large?
 * @area: the area
 * @nr_pages: that are asked for
 *
 * Context: any.
 * Return: true if so.
 */
static inline bool mal_area_fits(const struct mal_area *area,
				 unsigned long nr_pages)
{
	return nr_pages <= area->nr_pages &&
	       area->nr_pages - nr_pages <= nr_pages / MAL_AREA_WASTE;
}

/**
 * struct mal_area_totals - all areas that there are
 * @areas: of pages of ours, in use or not
 * @pages: in these
 * @maps: of callers' pages
 */
struct mal_area_totals {
	unsigned long areas;
	unsigned long pages;
	unsigned long maps;
};

/**
 * mal_pages_are_held() - does somebody beside us hold one of these pages?
 * @page: the first of them, in mal_area.pages
 * @nr_pages: how many
 *
 * Context: any.
 * Return: true if so, or if a reference is missing.
 */
static __always_inline bool mal_pages_are_held(struct page *const *page,
					       unsigned long nr_pages)
{
	struct page *const *end = page + nr_pages;

	for (; page != end; page++)
		if (unlikely(page_ref_count(*page) != MAL_PAGE_REFS))
			return true;
	return false;
}

/**
 * mal_area_is_in_vain() - has who asks for an area no use for it any more?
 * @gfp: what it was asked for with
 *
 * Context: any; in an interrupt it is about whoever was interrupted.
 * Return: true if the caller is about to be killed, and may be refused.
 */
static inline bool mal_area_is_in_vain(gfp_t gfp)
{
	return !(gfp & __GFP_NOFAIL) && fatal_signal_pending(current);
}

struct mal_area *mal_area_create(unsigned long nr_pages, unsigned long align,
				 gfp_t gfp, int nid, unsigned long caller);
struct mal_area *mal_area_create_map(struct page **pages,
				     unsigned long nr_pages,
				     unsigned long flags, pgprot_t prot,
				     unsigned long caller);
void mal_area_destroy(struct mal_area *area);
void mal_area_destroy_list(struct list_head *areas);
bool mal_area_clear(struct mal_area *area, unsigned long size, gfp_t gfp);

struct mal_area *mal_area_claim(const void *address, enum mal_area_state from,
				enum mal_area_state to);
void mal_area_report(const void *address, unsigned long caller);
struct mal_area *mal_area_around(const void *address);

void mal_area_totals(struct mal_area_totals *totals);
void mal_area_list(struct seq_file *m);

int mal_area_init(void);
void mal_area_exit(void);

#endif /* _MAL_AREA_H */
