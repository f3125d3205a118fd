// SPDX-License-Identifier: GPL-2.0
/*
 * Per-CPU lists: free blocks of every order, allocated without a lock
 *
 * Each CPU caches free blocks in front of the zones: one list for each order
 * and zone of its node. A free pushes the block on its list. The next
 * allocation pops it while it is still in the CPU's cache, with a handful of
 * loads and stores for any order. An empty list is refilled from the zone. A
 * full list releases its older half to the zone. Both move several blocks in
 * one critical section. This keeps CPUs apart that free in random order, or
 * that free blocks of another CPU. The host has such lists for its orders 0 to
 * 3 and 9 only.
 *
 * Misuse. If two CPUs free a block at the same time, it is pushed on two lists.
 * The descriptor names one of them (struct mal_chain), so no walk goes from one
 * list into the other. Each walk counts its steps, and checks each block before
 * it follows the link. It gives up everything behind a block that does not
 * belong to the list. Such blocks stay in state PCP. At unload they are found
 * by their descriptors and returned (leak.c).
 *
 * Bounded work. A full list, or a caller with interrupts off, releases at most
 * MAL_PCP_BATCH blocks at a time. For the heap the limit is the same number of
 * pages, or one block, because the count of each page is changed. An interrupt
 * that drains the lists for another CPU detaches each list as a whole, without
 * a walk.
 *
 * The lists are stacks linked through the descriptors, which allocation and
 * free write in any case. The descriptor caches the block's struct page, so
 * that allocation needs no lookup:
 *
 *	list.head --> mal_page --next--> mal_page --next--> NULL
 *	                 '- page            '- page
 *
 * Re-entry. Only the owning CPU uses its lists, with preemption disabled and a
 * flag set (mal_pcp_enter()). An interrupt handler that finds the flag set uses
 * the zone instead (busy.h). An NMI is treated like any other interrupt.
 *
 * Draining. The drainer sends an IPI, and the target CPU hands over all of its
 * lists at once, in a few dozen instructions. If the target was using its lists
 * it reports busy, and the drainer retries. The drainer then releases the
 * blocks. Draining needs no workqueue and works in reclaim, but not with
 * interrupts off. The lists of an offline CPU are emptied in the "dead" hotplug
 * callback.
 *
 * Heap. Pages of slabs and of large kmalloc have a different count (region.c).
 * Changing the counts of a block of 1024 pages takes longer than everything
 * else in an allocation. Heap blocks therefore have lists of their own, from
 * MAL_PCP_HEAP on, and keep their counts there. The counts are changed after
 * the block has left the list, when the lists are no longer in use. Heap lists
 * share the budget and are tuned like the others. Only the heap allocates from
 * them.
 *
 * Tuning. The capacity of a list follows its use, and starts at zero. A list
 * that becomes full for the first time is granted MAL_PCP_START pages, or one
 * block. If a list goes from empty to full without changing direction, the load
 * swings by more than the list contains, and its capacity is doubled. A load
 * that moves back and forth is served well by a short list. A long list would
 * keep handing out pages from all over memory, and would stop the zone from
 * gathering pages in use (buddy.c). If a list becomes empty again and again, or
 * full again and again, the CPU allocates blocks that others free, or the
 * reverse. Its capacity is then doubled up to MAL_PCP_STREAM blocks, to move
 * many blocks in one critical section.
 *
 * All lists of a CPU together have no more pages than the budget: a share of
 * the cap, at most MAL_PCP_MAX. When the budget is used up, each list that was
 * neither empty nor full since the last time is cut in half (a second chance,
 * as in CLOCK). A drain for the host, or on request, resets all capacities to
 * zero.
 *
 * Locking: none here. The zones' locks are taken outside the section that the
 * flag protects, so there is no lock order.
 *
 * Context: any for the inline functions in pcp.h; any but NMI for the rest.
 * Draining all CPUs sleeps.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cpuhotplug.h>
#include <linux/cpumask.h>
#include <linux/kernel.h>
#include <linux/percpu.h>
#include <linux/sched.h>
#include <linux/topology.h>

#include "internal/buddy.h"
#include "internal/delay.h"
#include "internal/kunit.h"
#include "internal/page_poison.h"
#include "internal/pcp.h"
#include "internal/peek.h"
#include "internal/pinned.h"
#include "internal/region.h"
#include "internal/report.h"

/* Initial capacity of a list in pages; at least one block. */
#define MAL_PCP_START	32UL

/* Maximum capacity of all lists of a CPU in pages, for any cap. */
#define MAL_PCP_MAX	(SZ_32M >> PAGE_SHIFT)

/* Maximum number of blocks taken from a zone in one critical section. */
#define MAL_PCP_BATCH	64U

/* Capacity up to which a list grows for batching alone, in blocks and pages. */
#define MAL_PCP_STREAM		(2 * MAL_PCP_BATCH)
#define MAL_PCP_STREAM_PAGES	1024U

DEFINE_PER_CPU(struct mal_pcp, mal_pcp);

static unsigned long mal_pcp_budget;
static int mal_pcp_hotplug_state;

static void mal_pcp_set_plain(struct mal_pcp *pcp, enum memalloc_zone type)
{
	pcp->plain = pcp->lists[type];
	pcp->plain_key = mal_zone_key(pcp->nid, type);
}

/*
 * Tuning: all of this runs between mal_pcp_enter() and mal_pcp_leave()
 */

/**
 * struct mal_spill - blocks taken off the lists, to be released
 * @chains: by list and order
 *
 * Collected while the lists are in use, and released afterwards.
 */
struct mal_spill {
	struct mal_chain chains[MAL_PCP_NR][MAL_NR_ORDERS];
};

/* Blocks leave the heap before they go to the zone. */
static void mal_spill_release_heap(struct mal_chain *chain, unsigned int order)
{
	struct mal_chain plain = { .list = MAL_NO_LIST };
	struct mal_page *desc;

	while ((desc = mal_chain_take(chain, order))) {
		if (likely(mal_block_leave_heap(pfn_to_page(mal_page_pfn(desc)), order, 0))) {
			mal_chain_add(&plain, desc);
			continue;
		}
		desc->list = MAL_NO_LIST;
		desc->caller = 0;
		mal_release(desc, order);
	}
	mal_chain_report(chain, order);
	mal_release_chain(&plain, order);
}

static void mal_spill_release(struct mal_spill *spill)
{
	unsigned int type, order;

	mal_delay(MAL_DELAY_PAGES_SPILLED);
	for (order = 0; order < MAL_NR_ORDERS; order++) {
		for (type = 0; type < MAL_PCP_HEAP; type++)
			mal_release_chain(&spill->chains[type][order], order);
		for (; type < MAL_PCP_NR; type++)
			mal_spill_release_heap(&spill->chains[type][order], order);
	}
}

/*
 * Report the misuse that the fast path found; it has no time to do so itself.
 */
static void mal_pcp_report(struct mal_pcp *pcp)
{
	if (likely(!pcp->wrong))
		return;
	mal_chain_report(&(struct mal_chain) { .nr = pcp->wrong },
			 (pcp->broken - pcp->lists[0]) % MAL_NR_ORDERS);
	pcp->wrong = 0;
}

/* Another CPU may read the counters during an update, and see a room of -1. */
static unsigned int mal_pcp_count(const struct mal_pcp_list *list)
{
	int room = max_t(int, mal_peek(list->room), 0);
	int high = mal_peek(list->high);

	return room < high ? high - room : 0;
}

/*
 * Return the last of the @depth topmost blocks of a list, and the block below
 * it. Return NULL if one of them does not belong to the list.
 */
static struct mal_page *mal_pcp_last(const struct mal_pcp_list *list,
				     unsigned int order, unsigned int depth,
				     struct mal_page **below)
{
	struct mal_chain walk = {
		.head = list->head,
		.nr = depth,
		.list = mal_pcp_list_id(list),
	};
	struct mal_page *last = NULL, *desc;

	while ((desc = mal_chain_take(&walk, order)))
		last = desc;
	*below = walk.head;
	return walk.nr ? NULL : last;
}

/*
 * Take @nr blocks off a list: all of them, or the oldest. Take the topmost
 * instead if fewer links have to be followed. A broken list is given up. The
 * last block that stays gets a NULL link: an interrupt that empties the list
 * before the chain is released would otherwise continue along the chain.
 */
static void mal_pcp_cut(struct mal_pcp *pcp, struct mal_pcp_list *list,
			unsigned int order, unsigned int nr,
			struct mal_chain *chain)
{
	unsigned int count = list->high - list->room;
	unsigned int keep = count - nr;
	struct mal_page *last, *below;

	*chain = (struct mal_chain) {
		.head = list->head,
		.nr = nr,
		.list = mal_pcp_list_id(list),
	};
	if (!nr)
		return;
	if (!keep) {
		list->head = NULL;
	} else {
		last = mal_pcp_last(list, order, min(keep, nr), &below);
		if (unlikely(!last)) {
			chain->nr = 0;
			mal_pcp_abandon(pcp, list);
			return;
		}
		if (keep <= nr) {
			chain->head = below;
			last->next = NULL;
		} else {
			list->head = below;
		}
	}
	list->room += nr;
}

/* The number of blocks of a list that may be released within @budget. */
static unsigned int mal_pcp_release_max(unsigned int type, unsigned int order,
					unsigned int budget)
{
	return type < MAL_PCP_HEAP || !budget ? budget : max(budget >> order, 1U);
}

/* The part of @budget that the release of @nr blocks uses. */
static unsigned int mal_pcp_cost(unsigned int type, unsigned int order,
				 unsigned int nr, unsigned int budget)
{
	return type < MAL_PCP_HEAP ? nr : min(nr << order, budget);
}

static bool mal_pcp_grant(struct mal_pcp *pcp, struct mal_pcp_list *list,
			  unsigned int order)
{
	unsigned int more = list->high ?: max(MAL_PCP_START >> order, 1UL);
	unsigned long pages = (unsigned long)more << order;

	if (mal_page_overwrites() ||
	    pcp->granted + pages > READ_ONCE(mal_pcp_budget))
		return false;
	pcp->granted += pages;
	list->high += more;
	list->room += more;
	return true;
}

/*
 * Halve the capacity of a list, and take off the blocks that no longer fit, at
 * most @budget of them. Returns their number.
 */
static unsigned int mal_pcp_halve(struct mal_pcp *pcp, struct mal_pcp_list *list,
				  unsigned int order, unsigned int budget,
				  struct mal_chain *chain)
{
	unsigned int count = list->high - list->room;
	unsigned int half = list->high / 2;
	unsigned int nr = count > half ? min(count - half, budget) : 0;
	unsigned int high;

	if (nr)
		mal_pcp_cut(pcp, list, order, nr, chain);
	high = max(half, list->high - list->room);
	pcp->granted -= (unsigned long)(list->high - high) << order;
	list->room -= list->high - high;
	list->high = high;
	return nr;
}

/*
 * Halve the capacity of each list that did not use it. Lists beyond the budget
 * are left for the next call.
 */
static void mal_pcp_decay(struct mal_pcp *pcp, struct mal_spill *spill)
{
	unsigned int budget = MAL_PCP_BATCH;
	unsigned int type, order, nr;

	for (type = 0; type < MAL_PCP_NR && budget; type++) {
		for (order = 0; order < MAL_NR_ORDERS && budget; order++) {
			if (pcp->used[type] & BIT(order))
				continue;
			nr = mal_pcp_halve(pcp, &pcp->lists[type][order], order,
					   mal_pcp_release_max(type, order,
							       budget),
					   &spill->chains[type][order]);
			budget -= mal_pcp_cost(type, order, nr, budget);
		}
		if (budget)
			pcp->used[type] = 0;
	}
}

static unsigned long mal_pcp_clock(const struct mal_pcp_list *list)
{
	return list->allocs + list->frees;
}

/* Did a full list fill up straight after it was empty and refilled? */
static bool mal_pcp_oscillates(const struct mal_pcp *pcp, unsigned int type,
			       unsigned int order)
{
	const struct mal_pcp_list *list = &pcp->lists[type][order];

	return pcp->missed[type] & BIT(order) &&
	       mal_pcp_clock(list) - pcp->missed_at[type][order] <=
	       list->high + MAL_PCP_BATCH + 1;
}

/* May the list grow, to move more blocks in one critical section? */
static bool mal_pcp_may_stream(const struct mal_pcp_list *list, unsigned int order)
{
	return list->high < min(MAL_PCP_STREAM, MAL_PCP_STREAM_PAGES >> order);
}

/* The number of blocks that a full list releases: its older half. */
static unsigned int mal_pcp_surplus(const struct mal_pcp_list *list,
				    unsigned int type, unsigned int order)
{
	return min(DIV_ROUND_UP(list->high, 2),
		   mal_pcp_release_max(type, order, MAL_PCP_BATCH));
}

/* A list is full: raise its capacity or release blocks. */
static void mal_pcp_make_room(struct mal_pcp *pcp, unsigned int type,
			      unsigned int order, struct mal_spill *spill)
{
	struct mal_pcp_list *list = &pcp->lists[type][order];
	bool again = pcp->filled[type] & BIT(order);
	bool grow = !list->high || mal_pcp_oscillates(pcp, type, order) ||
		    (again && mal_pcp_may_stream(list, order));

	pcp->missed[type] &= ~BIT(order);
	pcp->filled[type] |= BIT(order);
	pcp->used[type] |= BIT(order);
	if (grow && mal_pcp_grant(pcp, list, order))
		return;
	if (grow)
		mal_pcp_decay(pcp, spill);
	if (grow && mal_pcp_grant(pcp, list, order))
		return;
	mal_pcp_cut(pcp, list, order, mal_pcp_surplus(list, type, order),
		    &spill->chains[type][order]);
}

/* The heap allocates from the lists of one zone; caching others is useless. */
static bool mal_pcp_is_served(const struct mal_pcp *pcp, unsigned int type)
{
	return type < MAL_PCP_HEAP || pcp->plain == pcp->lists[type - MAL_PCP_HEAP];
}

/* Put a block on a list of this CPU, and tune the list if it is full. */
static bool mal_pcp_put(struct mal_page *desc, struct page *page,
			unsigned int type, unsigned int order)
{
	const struct mal_zone *zone = mal_page_section(desc)->zone;
	struct mal_spill spill = { };
	struct mal_pcp_list *list;
	struct mal_pcp *pcp;
	bool wanted, pushed = false;

	if (zone->nid != numa_mem_id() ||
	    mal_peek(zone->free_pages) < zone->reserve || !mal_pcp_enter(&pcp))
		return false;
	mal_delay(MAL_DELAY_CPU_BUSY);
	list = &pcp->lists[type][order];
	wanted = pcp->nid == zone->nid && mal_pcp_is_served(pcp, type);
	if (wanted && !list->room)
		mal_pcp_make_room(pcp, type, order, &spill);
	if (wanted && list->room) {
		mal_sanitizer_free_pages(page, order);
		mal_pcp_link(list, desc, page);
		pushed = true;
	}
	mal_pcp_report(pcp);
	mal_pcp_leave(pcp);
	mal_spill_release(&spill);
	return pushed;
}

/**
 * mal_pcp_free() - free a block, slow path
 * @desc: its first page, in state PCP and on no list
 * @page: the same
 * @order: its order
 *
 * Called if the block's list is full, in use, or on another node. While a zone
 * is below its reserve, the block goes to the zone.
 *
 * Context: any but NMI.
 */
void mal_pcp_free(struct mal_page *desc, struct page *page, unsigned int order)
{
	if (!mal_pcp_put(desc, page, mal_page_section(desc)->zone->type, order))
		mal_release_whole(desc, order);
}

/* Put a block on its list if there is room. Cheaper than mal_pcp_put(). */
static bool mal_pcp_put_fast(struct mal_page *desc, struct page *page)
{
	const struct mal_section *section = mal_page_section(desc);
	struct mal_pcp_list *list;
	struct mal_pcp *pcp;
	bool fits;

	if (!mal_pcp_enter(&pcp))
		return false;
	list = pcp->plain + desc->order;
	fits = section->key == pcp->plain_key && list->room;
	if (fits) {
		mal_sanitizer_free_pages(page, desc->order);
		mal_pcp_link(list, desc, page);
	}
	mal_pcp_leave(pcp);
	return fits;
}

/**
 * mal_pcp_free_pinned() - free a block with a pinned first page
 * @desc: its first page, in state PCP and on no list
 *
 * The block waits until it is unpinned. In exchange, a block that has waited
 * goes on the lists of this CPU.
 *
 * Context: any but NMI.
 */
void mal_pcp_free_pinned(struct mal_page *desc)
{
	struct page *page;

	desc = mal_pinned_exchange(desc);
	if (!desc)
		return;
	page = pfn_to_page(mal_page_pfn(desc));
	if (unlikely(mal_block_is_pinned(page, desc->order)))
		mal_release(desc, desc->order);
	else if (!mal_pcp_put_fast(desc, page))
		mal_pcp_free(desc, page, desc->order);
}

/**
 * mal_pcp_free_heap() - free a block of the heap, slow path
 * @desc: as for mal_pcp_free()
 * @page: as for mal_pcp_free(); its count is MAL_HEAP_REFS
 * @order: as for mal_pcp_free()
 *
 * Context: any but NMI.
 * Return: true if the block was freed; false if the caller still owns it, in
 * state PCP.
 */
bool mal_pcp_free_heap(struct mal_page *desc, struct page *page, unsigned int order)
{
	return mal_pcp_put(desc, page,
			   MAL_PCP_HEAP + mal_page_section(desc)->zone->type, order);
}

/* A list is empty: note it, and raise its capacity if that helps. */
static void mal_pcp_note_miss(struct mal_pcp *pcp, unsigned int type,
			      unsigned int order)
{
	struct mal_pcp_list *list = &pcp->lists[type][order];

	if (pcp->missed[type] & BIT(order) && mal_pcp_may_stream(list, order))
		mal_pcp_grant(pcp, list, order);
	pcp->missed_at[type][order] = mal_pcp_clock(list);
	pcp->missed[type] |= BIT(order);
	pcp->filled[type] &= ~BIT(order);
	pcp->used[type] |= BIT(order);
}

/**
 * mal_pcp_miss_heap() - note that this CPU's heap list is empty
 * @order: the order requested
 *
 * Context: any but NMI.
 */
void mal_pcp_miss_heap(unsigned int order)
{
	struct mal_pcp *pcp;
	unsigned int type;

	if (!mal_pcp_enter(&pcp))
		return;
	type = (pcp->plain - pcp->lists[0]) / MAL_NR_ORDERS;
	mal_pcp_note_miss(pcp, MAL_PCP_HEAP + type, order);
	mal_pcp_report(pcp);
	mal_pcp_leave(pcp);
}

/**
 * mal_pcp_take() - take a block off this CPU's lists, slow path
 * @nid: the node that the block must be on
 * @highest: the highest zone allowed
 * @lowest: the lowest zone allowed
 * @order: the order
 *
 * Serves requests for a given zone. Also serves plain requests after the fast
 * path failed: if another zone's list has a block, the fast path uses that zone
 * from now on.
 *
 * Context: any but NMI.
 * Return: the block's first page, in state PCP, or NULL.
 */
struct mal_page *mal_pcp_take(int nid, int highest, int lowest,
			      unsigned int order)
{
	struct mal_page *desc = NULL;
	struct mal_pcp *pcp;
	int type;

	if (!mal_pcp_enter(&pcp))
		return NULL;
	for (type = highest; type >= lowest && pcp->nid == nid && !desc; type--) {
		struct mal_pcp_list *list = &pcp->lists[type][order];

		if (!list->head)
			continue;
		desc = mal_pcp_pop(pcp, list);
		pcp->missed_at[type][order]--;
		if (highest == MEMALLOC_ZONE_NORMAL)
			mal_pcp_set_plain(pcp, type);
	}
	mal_pcp_report(pcp);
	mal_pcp_leave(pcp);
	return desc;
}

/*
 * The number of blocks to take from a zone; one if the lists cannot keep more.
 */
static unsigned int mal_pcp_batch(const struct mal_zone *zone, unsigned int order)
{
	const struct mal_pcp *pcp = raw_cpu_ptr(&mal_pcp);

	if (pcp->nid != zone->nid)
		return 1;
	return min(mal_peek(pcp->lists[zone->type][order].high) / 2,
		   MAL_PCP_BATCH) + 1;
}

/* Move blocks from a chain to this CPU's list until the list is full. */
static void mal_pcp_stock(const struct mal_zone *zone, unsigned int order,
			  struct mal_chain *chain)
{
	struct mal_pcp_list *list;
	struct mal_page *desc;
	struct mal_pcp *pcp;

	if (!mal_pcp_enter(&pcp))
		return;
	mal_delay(MAL_DELAY_CPU_BUSY);
	list = &pcp->lists[zone->type][order];
	if (pcp->nid == zone->nid) {
		mal_pcp_note_miss(pcp, zone->type, order);
		while (list->room && (desc = mal_chain_take(chain, order)))
			mal_pcp_link(list, desc, pfn_to_page(mal_page_pfn(desc)));
	}
	mal_pcp_report(pcp);
	mal_pcp_leave(pcp);
}

/**
 * mal_pcp_refill() - take a block from a zone, and refill the list
 * @zone: the zone
 * @order: the order
 * @keep: number of free pages to leave in the zone
 *
 * Context: any but NMI.
 * Return: the block's first page, in state PCP, or NULL.
 */
struct mal_page *mal_pcp_refill(struct mal_zone *zone, unsigned int order,
				unsigned long keep)
{
	unsigned int nr = mal_pcp_batch(zone, order);
	struct mal_page *desc, *unseen;
	struct mal_chain chain;

	do {
		mal_zone_take_chain(zone, order, nr, keep, &chain, &unseen);
	} while (unlikely(unseen) && !mal_block_accept(unseen));
	if (unlikely(unseen))
		mal_zone_take_part(zone, unseen, order, nr, &chain);
	if (!chain.nr)
		return NULL;
	desc = mal_chain_take(&chain, order);
	mal_pcp_stock(zone, order, &chain);
	if (chain.nr)
		mal_release_chain(&chain, order);
	return desc;
}

/*
 * Draining
 */

/*
 * Take all blocks off the lists, or at most @budget blocks (heap: pages), the
 * largest first.
 */
static void mal_pcp_empty(struct mal_pcp *pcp, struct mal_spill *spill,
			  unsigned int budget)
{
	unsigned int type, nr;
	int order;

	memset(spill, 0, sizeof(*spill));
	for (order = MAL_MAX_ORDER; order >= 0; order--) {
		for (type = 0; type < MAL_PCP_NR; type++) {
			struct mal_pcp_list *list = &pcp->lists[type][order];

			nr = min(list->high - list->room,
				 mal_pcp_release_max(type, order, budget));
			if (!nr)
				continue;
			mal_pcp_cut(pcp, list, order, nr, &spill->chains[type][order]);
			budget -= mal_pcp_cost(type, order, nr, budget);
		}
	}
	mal_pcp_report(pcp);
}

/* Reset the tuning of the lists. */
static void mal_pcp_reset(struct mal_pcp *pcp)
{
	unsigned int type, order;

	pcp->granted = 0;
	for (type = 0; type < MAL_PCP_NR; type++) {
		for (order = 0; order < MAL_NR_ORDERS; order++) {
			struct mal_pcp_list *list = &pcp->lists[type][order];

			list->high -= list->room;
			list->room = 0;
			pcp->granted += (unsigned long)list->high << order;
		}
		pcp->missed[type] = 0;
		pcp->filled[type] = 0;
		pcp->used[type] = 0;
	}
}

/**
 * mal_pcp_drain_local() - release the blocks on this CPU's lists
 * @forget: reset the capacity of the lists to zero
 *
 * Does nothing if the caller has interrupted code that uses the lists. With
 * interrupts off, at most MAL_PCP_BATCH blocks are released, or as many pages
 * of the heap.
 *
 * Context: any but NMI.
 */
void mal_pcp_drain_local(bool forget)
{
	unsigned int budget = irqs_disabled() ? MAL_PCP_BATCH : UINT_MAX;
	struct mal_spill spill;
	struct mal_pcp *pcp;

	if (!mal_pcp_enter(&pcp))
		return;
	mal_pcp_empty(pcp, &spill, budget);
	if (forget)
		mal_pcp_reset(pcp);
	mal_pcp_leave(pcp);
	mal_spill_release(&spill);
}

/**
 * struct mal_pcp_handover - request to a CPU to hand over its lists
 * @spill: all of its blocks
 * @forget: reset the capacity of its lists
 * @busy: the lists were in use; retry
 */
struct mal_pcp_handover {
	struct mal_spill spill;
	bool forget;
	bool busy;
};

static void mal_pcp_hand_over(void *data)
{
	struct mal_pcp_handover *handover = data;
	struct mal_pcp *pcp;

	handover->busy = !mal_pcp_enter(&pcp);
	if (handover->busy)
		return;
	mal_pcp_empty(pcp, &handover->spill, UINT_MAX);
	if (handover->forget)
		mal_pcp_reset(pcp);
	mal_pcp_leave(pcp);
}

/* Without any capacity the lists are empty; this reads one cache line. */
static unsigned long mal_pcp_pages_of(int cpu)
{
	const struct mal_pcp *pcp = per_cpu_ptr(&mal_pcp, cpu);
	unsigned long pages = 0;
	unsigned int type, order;

	if (!mal_peek(pcp->granted))
		return 0;
	for (type = 0; type < MAL_PCP_NR; type++)
		for (order = 0; order < MAL_NR_ORDERS; order++)
			pages += (unsigned long)mal_pcp_count(&pcp->lists[type][order]) << order;
	return pages;
}

/* An offline CPU fails the call; mal_pcp_cpu_dead() releases its blocks. */
static void mal_pcp_drain_cpu(int cpu, bool forget)
{
	struct mal_pcp_handover handover = { .forget = forget };

	if (mal_busy_call(cpu, mal_pcp_hand_over, &handover, &handover.busy))
		mal_spill_release(&handover.spill);
}

/**
 * mal_pcp_drain() - release the blocks on the CPUs' lists
 * @nid: drain the CPUs of this node; NUMA_NO_NODE for all
 * @forget: reset the capacity of the lists to zero. Set it to return memory.
 *	Clear it to allocate the memory, because the lists are soon used again.
 *
 * Context: task, with interrupts on; sleeps.
 */
void mal_pcp_drain(int nid, bool forget)
{
	int cpu;

	for_each_online_cpu(cpu) {
		if ((nid == NUMA_NO_NODE || per_cpu_ptr(&mal_pcp, cpu)->nid == nid) &&
		    mal_pcp_pages_of(cpu))
			mal_pcp_drain_cpu(cpu, forget);
		cond_resched();
	}
}

static int mal_pcp_cpu_prepare(unsigned int cpu)
{
	struct mal_pcp *pcp = per_cpu_ptr(&mal_pcp, cpu);

	pcp->nid = cpu_to_mem(cpu);
	mal_pcp_set_plain(pcp, MEMALLOC_ZONE_NORMAL);
	return 0;
}

static int mal_pcp_cpu_dead(unsigned int cpu)
{
	struct mal_spill spill;

	mal_delay(MAL_DELAY_CPU_DEAD);
	mal_pcp_empty(per_cpu_ptr(&mal_pcp, cpu), &spill, UINT_MAX);
	mal_pcp_reset(per_cpu_ptr(&mal_pcp, cpu));
	mal_spill_release(&spill);
	return 0;
}

/*
 * Statistics
 */

/**
 * mal_pcp_pages() - number of pages on the lists of a node's CPUs
 * @nid: the node, or NUMA_NO_NODE for all
 *
 * Context: any.
 * Return: the number of pages; exact if no task allocates or frees.
 */
unsigned long mal_pcp_pages(int nid)
{
	unsigned long pages = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		if (nid == NUMA_NO_NODE || per_cpu_ptr(&mal_pcp, cpu)->nid == nid)
			pages += mal_pcp_pages_of(cpu);
	return pages;
}

static bool mal_pcp_cpu_has_block(int cpu, unsigned int min_order)
{
	const struct mal_pcp *pcp = per_cpu_ptr(&mal_pcp, cpu);
	unsigned int type, order;

	if (!mal_peek(pcp->granted))
		return false;
	for (type = 0; type < MAL_PCP_NR; type++)
		for (order = min_order; order < MAL_NR_ORDERS; order++)
			if (mal_pcp_count(&pcp->lists[type][order]))
				return true;
	return false;
}

/**
 * mal_pcp_has_block() - does any CPU's list have a large enough block?
 * @min_order: the lowest acceptable order
 *
 * Context: any.
 * Return: true if so; exact if no task allocates or frees.
 */
bool mal_pcp_has_block(unsigned int min_order)
{
	int cpu;

	for_each_online_cpu(cpu)
		if (mal_pcp_cpu_has_block(cpu, min_order))
			return true;
	return false;
}

static void mal_pcp_list_stats(struct memalloc_stats_zone *stats,
			       const struct mal_pcp_list *list, unsigned int order)
{
	unsigned long count = mal_pcp_count(list);

	stats->pcp_blocks[order] += count;
	stats->free += count << order;
	stats->allocs[order] += mal_peek(list->allocs);
	stats->frees[order] += mal_peek(list->frees);
}

/**
 * mal_pcp_stats() - add the statistics of the lists of one zone
 * @stats: statistics of the zone that it names
 *
 * Context: any.
 */
void mal_pcp_stats(struct memalloc_stats_zone *stats)
{
	unsigned int order;
	int cpu;

	for_each_possible_cpu(cpu) {
		const struct mal_pcp *pcp = per_cpu_ptr(&mal_pcp, cpu);

		if (pcp->nid != stats->node)
			continue;
		for (order = 0; order < MAL_NR_ORDERS; order++) {
			mal_pcp_list_stats(stats, &pcp->lists[stats->zone][order],
					   order);
			mal_pcp_list_stats(stats, &pcp->lists[MAL_PCP_HEAP + stats->zone][order],
					   order);
		}
	}
}

/**
 * mal_pcp_set_budget() - limit the pages on the lists
 * @pages: limit for all CPUs together
 *
 * Lists above the limit shrink when they are drained.
 *
 * Context: any.
 */
void mal_pcp_set_budget(unsigned long pages)
{
	WRITE_ONCE(mal_pcp_budget, min_t(unsigned long, pages / num_possible_cpus(),
					 MAL_PCP_MAX));
}

/*
 * Load and unload
 */

/**
 * mal_pcp_init() - set up empty lists for every CPU
 *
 * Context: task; sleeps.
 * Return: 0, or -ENOMEM or -ENOSPC if the host cannot register the callback.
 */
int mal_pcp_init(void)
{
	int cpu, state;

	for_each_possible_cpu(cpu)
		mal_pcp_cpu_prepare(cpu);
	state = cpuhp_setup_state_nocalls(CPUHP_BP_PREPARE_DYN, "mm/memalloc:pcp",
					  mal_pcp_cpu_prepare, mal_pcp_cpu_dead);
	if (state < 0)
		return state;
	mal_pcp_hotplug_state = state;
	return 0;
}

/**
 * mal_pcp_exit() - undo mal_pcp_init()
 *
 * Context: task; sleeps. No task allocates or frees any more, and all lists are
 * empty.
 */
void mal_pcp_exit(void)
{
	cpuhp_remove_state_nocalls(mal_pcp_hotplug_state);
}

/*
 * At the end, because sparse treats it as an ordinary variable after the
 * export.
 */
MAL_EXPORT_FOR_KUNIT(mal_pcp);
