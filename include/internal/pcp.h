/* SPDX-License-Identifier: GPL-2.0 */
/*
 * pcp.h: per-CPU lists of free blocks: what the fast paths are made of
 *
 * See pcp.c for how they work.
 */
#ifndef _MAL_PCP_H
#define _MAL_PCP_H

#include <linux/compiler.h>
#include <linux/page_ref.h>
#include <linux/percpu.h>
#include <linux/preempt.h>

#include <uapi/linux/memalloc.h>

#include "internal/region.h"
#include "internal/sanitizer.h"

/**
 * struct mal_pcp_list - free blocks of one order and zone, on one CPU
 * @head: the block freed last; the others hang on it by mal_page.next
 * @room: how many more it may hold: @high less what it holds
 * @high: how many it may hold; zero until the order is used
 * @allocs: allocations served from here
 * @frees: frees taken here
 */
struct mal_pcp_list {
	struct mal_page *head;
	unsigned int room;
	unsigned int high;
	unsigned long allocs;
	unsigned long frees;
};

/**
 * struct mal_pcp - the lists of one CPU
 * @busy: somebody is in here: who interrupts them stays out
 * @wrong: a block on a list was not free, and is to be reported: two freed it
 *	at the same time, on different CPUs, which the fast path cannot see. Two
 *	lists may have had their lower parts in common since; the one on which
 *	it is noticed is given up, and what was on it is out of circulation.
 * @nid: the node whose blocks are kept here
 * @plain: the lists of the zone that serves those who do not ask for a zone:
 *	the fast path knows no other
 * @plain_key: that zone, see mal_zone_key()
 * @granted: the pages that all lists may hold together, by their @high
 * @lists: them, by zone and order
 * @missed: orders that have run empty since they last ran full, by zone
 * @missed_at: how much each list had allocated and freed when it ran empty last,
 *	less what it has allocated since without counting it
 * @filled: orders that have run full since they last ran empty, by zone
 * @used: orders that ran empty or full since the last look, by zone
 *
 * Touched by its own CPU only, but for the figures of the lists, which anybody
 * may read.
 */
struct mal_pcp {
	bool busy;
	bool wrong;
	int nid;
	unsigned int plain_key;
	struct mal_pcp_list *plain;
	unsigned long granted;
	struct mal_pcp_list lists[MEMALLOC_NR_ZONES][MAL_NR_ORDERS];
	u16 missed[MEMALLOC_NR_ZONES];
	u16 filled[MEMALLOC_NR_ZONES];
	u16 used[MEMALLOC_NR_ZONES];
	unsigned long missed_at[MEMALLOC_NR_ZONES][MAL_NR_ORDERS];
};

struct mal_zone;

DECLARE_PER_CPU(struct mal_pcp, mal_pcp);

/**
 * mal_pcp_enter() - use the lists of this CPU
 * @pcp: the lists
 *
 * Neither a lock nor an atomic operation, and interrupts stay on: who comes in
 * by an interrupt finds the lists busy and goes to the zone instead.
 *
 * Context: any. Preemption is off until mal_pcp_leave(), or at once on again
 * if the lists are busy.
 * Return: true, or false if the lists are busy.
 */
static __always_inline bool mal_pcp_enter(struct mal_pcp **pcp)
{
	preempt_disable();
	*pcp = this_cpu_ptr(&mal_pcp);
	/* Who interrupts this leaves the flag as it was. */
	if (unlikely(data_race((*pcp)->busy))) {
		preempt_enable();
		return false;
	}
	WRITE_ONCE((*pcp)->busy, true);
	barrier();
	return true;
}

/**
 * mal_pcp_leave() - the other end of mal_pcp_enter()
 * @pcp: what it returned
 *
 * Context: the same as that of mal_pcp_enter().
 */
static __always_inline void mal_pcp_leave(struct mal_pcp *pcp)
{
	barrier();
	WRITE_ONCE(pcp->busy, false);
	preempt_enable();
}

/**
 * mal_pcp_push() - put a block on a list
 * @list: the list, with room for it
 * @desc: its descriptor
 * @page: its first page
 *
 * Context: between mal_pcp_enter() and mal_pcp_leave().
 */
static inline void mal_pcp_push(struct mal_pcp_list *list,
				struct mal_page *desc, struct page *page)
{
	WRITE_ONCE(desc->state, MAL_PAGE_PCP);
	desc->next = list->head;
	desc->page = page;
	list->head = desc;
	list->room--;
}

/**
 * mal_pcp_pop() - take the topmost block off a list
 * @pcp: the lists
 * @list: one of them that is not empty
 *
 * Context: between mal_pcp_enter() and mal_pcp_leave().
 * Return: its descriptor, or NULL if it is not a free block.
 */
static __always_inline struct mal_page *mal_pcp_pop(struct mal_pcp *pcp,
						    struct mal_pcp_list *list)
{
	struct mal_page *desc = list->head;

	/* Only misuse makes another CPU write to it. */
	if (unlikely(data_race(desc->state) != MAL_PAGE_PCP)) {
		pcp->wrong = true;
		list->head = NULL;
		list->room = list->high;
		return NULL;
	}
	list->head = desc->next;
	list->room++;
	return desc;
}

/**
 * mal_page_use() - make a block an allocation
 * @desc: its first page, in state PCP and on no list
 * @caller: who allocates it
 *
 * Context: any.
 */
static inline void mal_page_use(struct mal_page *desc, unsigned long caller)
{
	desc->caller = caller;
	WRITE_ONCE(desc->state, MAL_PAGE_USED);
}

/**
 * mal_pcp_serve() - allocate a block from the lists of this CPU
 * @pcp: the lists
 * @order: the order wanted
 * @caller: who allocates it
 * @page: the first page
 *
 * For those who do not ask for a zone.
 *
 * Context: between mal_pcp_enter() and mal_pcp_leave().
 * Return: true, or false if there is none: others may know where to look.
 */
static __always_inline bool mal_pcp_serve(struct mal_pcp *pcp,
					  unsigned int order,
					  unsigned long caller,
					  struct page **page)
{
	struct mal_pcp_list *list = pcp->plain + order;
	struct mal_page *desc;

	if (unlikely(!list->head))
		return false;
	desc = mal_pcp_pop(pcp, list);
	if (unlikely(!desc))
		return false;
	list->allocs++;
	*page = desc->page;
	mal_sanitizer_alloc_pages(*page, order);
	mal_page_use(desc, caller);
	return true;
}

/**
 * mal_pcp_accept() - free a block to the lists of this CPU
 * @pcp: the lists
 * @page: its first page
 * @order: its order
 *
 * Context: between mal_pcp_enter() and mal_pcp_leave().
 * Return: true if it is free now; false if its list is full or not a plain one,
 * or if anything about the page is not as it should be: then nothing has
 * happened.
 */
static __always_inline bool mal_pcp_accept(struct mal_pcp *pcp,
					   struct page *page, unsigned int order)
{
	unsigned long offset = mal_page_offset(page);
	struct mal_section *section = mal_section_of(offset);
	struct mal_pcp_list *list;
	struct mal_page *desc;

	if (unlikely(!section || section->key != pcp->plain_key))
		return false;
	desc = mal_section_page(section, offset);
	if (unlikely(!mal_page_is(desc, MAL_PAGE_USED, order) ||
		     page_ref_count(page) != MAL_PAGE_REFS))
		return false;
	list = pcp->plain + order;
	if (unlikely(!list->room))
		return false;
	list->frees++;
	mal_sanitizer_free_pages(page, order);
	mal_pcp_push(list, desc, page);
	return true;
}

struct mal_page *mal_pcp_take(int nid, int highest, int lowest,
			      unsigned int order);
struct mal_page *mal_pcp_refill(struct mal_zone *zone, unsigned int order,
				unsigned long keep);
void mal_pcp_free(struct mal_page *desc, struct page *page, unsigned int order);
void mal_pcp_drain_local(bool forget);
void mal_pcp_drain(int nid, bool forget);
unsigned long mal_pcp_pages(int nid);
void mal_pcp_stats(struct memalloc_stats_zone *stats);
void mal_pcp_set_budget(unsigned long pages);
int mal_pcp_init(void);
void mal_pcp_exit(void);

#endif /* _MAL_PCP_H */
