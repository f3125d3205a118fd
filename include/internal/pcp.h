/* SPDX-License-Identifier: GPL-2.0 */
/*
 * pcp.h: per-CPU lists of free blocks, the building blocks of the fast paths
 *
 * See pcp.c for the design.
 */
#ifndef _MAL_PCP_H
#define _MAL_PCP_H

#include <linux/compiler.h>
#include <linux/overflow.h>
#include <linux/page_ref.h>
#include <linux/percpu.h>
#include <linux/preempt.h>

#include <uapi/linux/memalloc.h>

#include "internal/busy.h"
#include "internal/instrument.h"
#include "internal/region.h"
#include "internal/sanitizer.h"

/* List indices: first by zone for pages, then by zone for the heap. */
#define MAL_PCP_HEAP	MEMALLOC_NR_ZONES
#define MAL_PCP_NR	(2 * MEMALLOC_NR_ZONES)

/**
 * struct mal_pcp_list - free blocks of one order and zone, on one CPU
 * @head: the block freed last; the others follow by mal_page.next
 * @room: free capacity: @high minus the number of blocks on the list
 * @high: capacity in blocks; zero until the order is used
 * @allocs: allocations served from this list
 * @frees: frees accepted by this list
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
 * @busy: the lists are in use; an interrupt handler must not touch them
 * @wrong: number of blocks given up with their list, yet to be reported: two
 *	CPUs freed one of them at the same time, see struct mal_chain
 * @broken: that list
 * @nid: the node that the cached blocks belong to
 * @plain: the lists of the zone that serves requests without a zone modifier;
 *	the fast path uses no other
 * @plain_key: key of that zone, see mal_zone_key()
 * @granted: sum of the @high of all lists, in pages
 * @lists: the lists, by zone and order; the pages on lists from MAL_PCP_HEAP on
 *	have a count of MAL_HEAP_REFS
 * @missed: bit per order: the list was empty since it was last full
 * @missed_at: allocations and frees of each list when it was last empty, minus
 *	its uncounted allocations since
 * @filled: bit per order: the list was full since it was last empty
 * @used: bit per order: the list was empty or full since the last decay
 *
 * Only its own CPU writes it. Any CPU may read the counters of the lists.
 */
struct mal_pcp {
	bool busy;
	unsigned int wrong;
	struct mal_pcp_list *broken;
	int nid;
	unsigned int plain_key;
	struct mal_pcp_list *plain;
	unsigned long granted;
	struct mal_pcp_list lists[MAL_PCP_NR][MAL_NR_ORDERS];
	u16 missed[MAL_PCP_NR];
	u16 filled[MAL_PCP_NR];
	u16 used[MAL_PCP_NR];
	unsigned long missed_at[MAL_PCP_NR][MAL_NR_ORDERS];
};

struct mal_zone;

DECLARE_PER_CPU(struct mal_pcp, mal_pcp);

/**
 * mal_pcp_enter() - use the lists of this CPU
 * @pcp: the lists
 *
 * An interrupt handler that finds the lists busy uses the zone instead; see
 * busy.h.
 *
 * Context: any. Preemption is disabled until mal_pcp_leave(); if the lists are
 * busy it is enabled again before the return.
 * Return: true, or false if the lists are busy.
 */
static __always_inline bool mal_pcp_enter(struct mal_pcp **pcp)
{
	preempt_disable();
	*pcp = this_cpu_ptr(&mal_pcp);
	if (mal_busy_enter(&(*pcp)->busy))
		return true;
	preempt_enable();
	return false;
}

/**
 * mal_pcp_leave() - end the section that mal_pcp_enter() began
 * @pcp: the lists
 *
 * Context: the same as that of mal_pcp_enter().
 */
static __always_inline void mal_pcp_leave(struct mal_pcp *pcp)
{
	mal_busy_leave(&pcp->busy);
	preempt_enable();
}

/**
 * mal_pcp_list_id() - value of mal_page.list for the blocks on a list
 * @list: the list
 *
 * Context: any.
 * Return: a number unique to the list: no two lists of any CPUs are a multiple
 * of 4 GiB apart.
 */
static __always_inline u32 mal_pcp_list_id(const struct mal_pcp_list *list)
{
	return (u32)(unsigned long)list;
}

/* Push a block on a list that has already counted it. */
static inline void mal_pcp_push(struct mal_pcp_list *list,
				struct mal_page *desc, struct page *page)
{
	desc->list = mal_pcp_list_id(list);
	desc->next = list->head;
	desc->page = page;
	list->head = desc;
}

/**
 * mal_pcp_link() - put a block on a list
 * @list: the list, with room for it
 * @desc: its descriptor, in state PCP
 * @page: its first page
 *
 * Context: between mal_pcp_enter() and mal_pcp_leave().
 */
static inline void mal_pcp_link(struct mal_pcp_list *list,
				struct mal_page *desc, struct page *page)
{
	list->room--;
	mal_pcp_push(list, desc, page);
}

/**
 * mal_pcp_abandon() - drop all blocks on a list
 * @pcp: the lists
 * @list: one of them, with a block on it that failed its check
 *
 * Context: between mal_pcp_enter() and mal_pcp_leave().
 */
static inline void mal_pcp_abandon(struct mal_pcp *pcp,
				   struct mal_pcp_list *list)
{
	pcp->wrong += list->high - READ_ONCE(list->room);
	pcp->broken = list;
	list->head = NULL;
	list->room = list->high;
}

/**
 * mal_pcp_pop() - take the topmost block off a list
 * @pcp: the lists
 * @list: one of them, not empty
 *
 * Context: between mal_pcp_enter() and mal_pcp_leave().
 * Return: its descriptor. NULL if it is not a free block of this list; the list
 * has then been given up.
 */
static __always_inline struct mal_page *mal_pcp_pop(struct mal_pcp *pcp,
						    struct mal_pcp_list *list)
{
	struct mal_page *desc = list->head;
	struct mal_page *next = READ_ONCE(desc->next);

	barrier();
	/* Only misuse makes another CPU write to it: see mal_chain_take(). */
	if (unlikely(data_race(desc->state != MAL_PAGE_PCP ||
			       desc->list != mal_pcp_list_id(list)))) {
		mal_pcp_abandon(pcp, list);
		return NULL;
	}
	list->head = next;
	list->room++;
	return desc;
}

/**
 * mal_page_use() - turn a block into an allocation
 * @desc: its first page, in state PCP and on no list
 * @caller: code address of the caller
 *
 * Context: any.
 */
static inline void mal_page_use(struct mal_page *desc, unsigned long caller)
{
	desc->caller = caller;
	WRITE_ONCE(desc->state, MAL_PAGE_USED);
}

/* The heap list for the zone and order of a page list. */
static __always_inline struct mal_pcp_list *mal_pcp_heap_list(struct mal_pcp_list *list)
{
	return list + MAL_PCP_HEAP * MAL_NR_ORDERS;
}

/**
 * mal_pcp_serve_from() - allocate a block from a list of this CPU
 * @pcp: the lists
 * @list: a list of the zone in mal_pcp.plain
 * @order: the order requested
 * @caller: code address of the caller
 * @page: set to the first page
 *
 * Context: between mal_pcp_enter() and mal_pcp_leave().
 * Return: true, or false if the list has no block; take the slow path.
 */
static __always_inline bool mal_pcp_serve_from(struct mal_pcp *pcp,
					       struct mal_pcp_list *list,
					       unsigned int order,
					       unsigned long caller,
					       struct page **page)
{
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

static __always_inline bool mal_pcp_serve(struct mal_pcp *pcp,
					  unsigned int order,
					  unsigned long caller,
					  struct page **page)
{
	return mal_pcp_serve_from(pcp, pcp->plain + order, order, caller, page);
}

/**
 * mal_pcp_accept_as() - free a block to the lists of this CPU
 * @pcp: the lists
 * @page: its first page
 * @order: its order
 * @refs: required count of its pages: MAL_PAGE_REFS or MAL_HEAP_REFS
 *
 * The check of the state and the store to it are two instructions, and the
 * links are stored after that. If two CPUs free one block, both may pass the
 * check. The block is then on two lists, and a walk of one of them finds that.
 * One case is not found. An interrupt, an NMI or a hypervisor stops one CPU
 * between the check and the last store. Meanwhile the other CPU has freed the
 * block, its list has been released, and the block has a new owner or is a part
 * of a larger free block. The stores then overwrite that descriptor.
 *
 * No order of plain stores closes this case: a check after the store finds the
 * damage, but cannot undo it. An unlocked compare-and-exchange, such as
 * cmpxchg_local() on x86, costs one instruction more and cannot be stopped in
 * the middle. Both CPUs could then pass only within one transfer of the cache
 * line. A locked one closes the case, and is an atomic operation.
 *
 * Context: between mal_pcp_enter() and mal_pcp_leave().
 * Return: true if the block is free now. False if its list is full, if the zone
 * is not mal_pcp.plain, or if a check failed; nothing has changed then.
 */
static __always_inline bool mal_pcp_accept_as(struct mal_pcp *pcp,
					      struct page *page,
					      unsigned int order, int refs)
{
	unsigned long offset = mal_page_offset(page);
	struct mal_section *section = mal_section_of(offset);
	struct mal_pcp_list *list;
	struct mal_page *desc;

	if (unlikely(!section || section->key != pcp->plain_key))
		return false;
	desc = mal_section_page(section, offset);
	/* Compute the address once, not again for each field. */
	OPTIMIZER_HIDE_VAR(desc);
	/* Without this check, a wrong order indexes past the lists. */
	if (unlikely(data_race(desc->order != order)))
		return false;
	if (unlikely(page_ref_count(page) != refs))
		return false;
	/* Slabs and large kmalloc leave nothing in struct page. */
	if (refs == MAL_PAGE_REFS && unlikely(mal_page_is_marked(page)))
		return false;
	list = pcp->plain + order;
	if (refs == MAL_HEAP_REFS)
		list = mal_pcp_heap_list(list);
	/*
	 * If another CPU frees it, too, only one of them should pass this
	 * check.
	 */
	if (unlikely(data_race(desc->state != MAL_PAGE_USED)))
		return false;
	list->room--;
	if (unlikely((int)list->room < 0)) {
		list->room = 0;
		return false;
	}
	WRITE_ONCE(desc->state, MAL_PAGE_PCP);
	list->frees++;
	mal_sanitizer_free_pages(page, order);
	mal_pcp_push(list, desc, page);
	return true;
}

static __always_inline bool mal_pcp_accept(struct mal_pcp *pcp,
					   struct page *page, unsigned int order)
{
	return mal_pcp_accept_as(pcp, page, order, MAL_PAGE_REFS);
}

/**
 * mal_pcp_free_fast() - free a block to a list of this CPU
 * @page: its first page, or any page that is not ours
 * @order: order of the block, according to the caller
 * @refs: as for mal_pcp_accept_as()
 *
 * Context: any.
 * Return: true if the block is free now; false if a slower function must free
 * it, or report it.
 */
static __always_inline bool mal_pcp_free_fast(struct page *page,
					      unsigned int order, int refs)
{
	struct mal_pcp *pcp;
	bool accepted;

	if (unlikely(mal_is_instrumented() || !mal_pcp_enter(&pcp)))
		return false;
	accepted = mal_pcp_accept_as(pcp, page, order, refs);
	mal_pcp_leave(pcp);
	return accepted;
}

struct mal_page *mal_pcp_take(int nid, int highest, int lowest,
			      unsigned int order);
struct mal_page *mal_pcp_refill(struct mal_zone *zone, unsigned int order,
				unsigned long keep);
void mal_pcp_free(struct mal_page *desc, struct page *page, unsigned int order);
void mal_pcp_free_pinned(struct mal_page *desc);
bool mal_pcp_free_heap(struct mal_page *desc, struct page *page,
		       unsigned int order);
void mal_pcp_miss_heap(unsigned int order);
void mal_pcp_drain_local(bool forget);
void mal_pcp_drain(int nid, bool forget);
unsigned long mal_pcp_pages(int nid);
bool mal_pcp_has_block(unsigned int min_order);
void mal_pcp_stats(struct memalloc_stats_zone *stats);
void mal_pcp_set_budget(unsigned long pages);
int mal_pcp_init(void);
void mal_pcp_exit(void);

#endif /* _MAL_PCP_H */
