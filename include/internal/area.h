/* SPDX-License-Identifier: GPL-2.0 */
/*
 * area.h: areas: our own or a caller's pages, mapped at contiguous addresses
 */
#ifndef _MAL_AREA_H
#define _MAL_AREA_H

#include <linux/gfp.h>
#include <linux/list.h>
#include <linux/llist.h>
#include <linux/overflow.h>
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
 * enum mal_area_state - owner of an area
 * @MAL_AREA_FREE: none: cached, or about to be cached or destroyed
 * @MAL_AREA_USED: a caller of mal_vmalloc()
 * @MAL_AREA_MAPPED: a caller of mal_vmap(), with pages of its own
 * @MAL_AREA_RCU: freed once a grace period is over
 */
enum mal_area_state {
	MAL_AREA_FREE = 0,
	MAL_AREA_USED,
	MAL_AREA_MAPPED,
	MAL_AREA_RCU,
};

/* mal_area.flags: purpose of the area. */
#define MAL_AREA_MAP	BIT(0)	/* mal_vmap() of a caller's pages */
#define MAL_AREA_USER	BIT(1)	/* may be mapped to user space */

/**
 * struct mal_area - pages mapped at contiguous addresses
 * @hash: in the table of all areas, by @address
 * @address: address of the first byte
 * @base: start of the host's mapping: @address, or an address before it if
 *	@address is aligned to more than a page
 * @next: next older area on a stack of a CPU's cache
 * @deferred: on the list of areas that a worker caches or destroys
 * @by_size: in the tree of a node's cache
 * @by_age: on the list of a node's cache, or on a list of areas to be
 *	destroyed
 * @state: enum mal_area_state
 * @flags: MAL_AREA_*
 * @class: @nr_pages if the area fits into a CPU's cache, otherwise zero
 * @nid: node of all pages, or NUMA_NO_NODE if they differ or a zone or an
 *	alignment was requested. Such areas are not cached.
 * @nr_pages: number of pages
 * @size: requested size in bytes
 * @caller: code address of the owner, or of the last one
 * @link: in the list of all areas
 * @rcu: for freeing the structure
 * @pages: the pages; none with MAL_AREA_MAP
 *
 * The structure is freed after an RCU grace period, so lookups always find a
 * valid area or none.
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

/*
 * Loops over pages in a context that may sleep reschedule after this many
 * pages.
 */
#define MAL_AREA_PIECE		1024

/* Larger alignments would cost too many page tables. */
#define MAL_AREA_MAX_ALIGN	SZ_64M

/* An area may exceed the request by one part in this many. */
#define MAL_AREA_WASTE	8

/**
 * mal_area_fits() - is an area large enough, but not too large?
 * @area: the area
 * @nr_pages: requested number of pages
 *
 * Context: any.
 * Return: true if the area fits the request.
 */
static inline bool mal_area_fits(const struct mal_area *area,
				 unsigned long nr_pages)
{
	return nr_pages <= area->nr_pages &&
	       area->nr_pages - nr_pages <= nr_pages / MAL_AREA_WASTE;
}

/**
 * mal_area_metadata() - size of the structure of an area
 * @nr_pages: number of pages that the area owns
 *
 * Context: any.
 * Return: number of bytes, which are charged to the cap.
 */
static inline size_t mal_area_metadata(unsigned long nr_pages)
{
	struct mal_area *area;

	return struct_size(area, pages, nr_pages);
}

/**
 * struct mal_area_totals - counts of all areas
 * @areas: areas of our own pages, in use or not
 * @pages: pages in these areas
 * @maps: areas of callers' pages
 */
struct mal_area_totals {
	unsigned long areas;
	unsigned long pages;
	unsigned long maps;
};

/**
 * mal_pages_are_pinned() - is one of these pages pinned?
 * @page: the first of them, in mal_area.pages
 * @nr_pages: number of pages
 *
 * Context: any.
 * Return: true if a page has additional references or lacks one.
 */
static __always_inline bool mal_pages_are_pinned(struct page *const *page,
						 unsigned long nr_pages)
{
	struct page *const *end = page + nr_pages;

	for (; page != end; page++)
		if (unlikely(page_ref_count(*page) != MAL_PAGE_REFS))
			return true;
	return false;
}

/**
 * mal_area_should_abort() - is the requesting task being killed?
 * @gfp: flags of the allocation
 *
 * Context: any; in an interrupt this concerns the interrupted task.
 * Return: true if the task is being killed and @gfp allows failure.
 */
static inline bool mal_area_should_abort(gfp_t gfp)
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
void mal_area_destroy_charged(struct mal_area *area, u32 account);
void mal_area_destroy_list(struct list_head *areas);
bool mal_area_clear(struct mal_area *area, unsigned long size, gfp_t gfp);

struct mal_area *mal_area_claim(const void *address, enum mal_area_state from,
				enum mal_area_state to);
void mal_area_report(const void *address, unsigned long caller);
struct mal_area *mal_area_containing(const void *address);
bool mal_area_is_hosts(const void *address);

void mal_area_totals(struct mal_area_totals *totals);
void mal_area_list(struct seq_file *m);

int mal_area_init(void);
void mal_area_exit(void);

#endif /* _MAL_AREA_H */
