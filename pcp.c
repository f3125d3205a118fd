// SPDX-License-Identifier: GPL-2.0
/*
 * Per-CPU lists: free blocks of every order at hand, without a lock
 *
 * In front of the zones, each CPU keeps a list of free blocks for each order
 * and zone of its node. A block that is freed goes on top of its list, and the
 * next allocation takes it from there, still in the cache: a handful of loads
 * and stores, whatever its size. When a list runs empty it is refilled from
 * the zone, when it runs full its older half is released to the zone, several
 * blocks under one taking of the zone's lock: that is what keeps CPUs that
 * free in random order, or free what another CPU allocated, off each other's
 * toes. The host has such lists for its orders 0 to 3 and 9 only.
 *
 * The lists are stacks threaded through the descriptors, which freeing and
 * allocating write anyhow. A block's struct page is noted there too, so that
 * allocation needs no lookup:
 *
 *	list.head --> mal_page --next--> mal_page --next--> NULL
 *	                 '- page            '- page
 *
 * Re-entry. A CPU's lists are used by that CPU only, with preemption off and a
 * flag set (mal_pcp_enter()). An interrupt that comes in between finds the flag
 * and goes to the zone. No atomic operation, no disabling of interrupts: the
 * way of the local_trylock of Linux 6.15. An NMI is an interrupt like another.
 *
 * Draining. Another CPU's lists are emptied by asking that CPU to hand them
 * over, all at once, in an interrupt of a few dozen instructions; if it was in
 * the middle of something it says so and is asked again. The blocks are then
 * released here. So draining needs no work queue, and works in reclaim; but not
 * with interrupts off. The lists of a CPU that goes offline are emptied when it
 * is dead.
 *
 * Tuning. How many blocks a list may hold is found by its use. All begin at
 * none. A list that runs full for the first time is granted MAL_PCP_START
 * pages, or one block. Each time it goes from empty to full without turning
 * round, the load swings more than it holds, and it is granted twice as much. A
 * load that wanders to and fro is served well by a short list, while a long one would
 * hand out again and again pages that lie anywhere, and so keep the zone from
 * drawing together what is in use (buddy.c). If a list runs empty
 * time after time, or full time after time, the CPU allocates what others free,
 * or frees what others allocate: then it is granted twice as much, up to
 * MAL_PCP_STREAM blocks, for the zone's lock to be taken for many at once.
 *
 * All lists of a CPU together hold no more pages than the budget: a share of
 * the cap, at most MAL_PCP_MAX. When that is spent, the lists that have neither
 * run empty nor full since it was spent last (a second chance, as in CLOCK) are
 * cut to a half. Draining for the host or for a request sets all back to none.
 *
 * Locking: none, but for the zones' own, outside of the flag. Lock order does
 * not arise.
 *
 * Context: any for what is inline in pcp.h; any but NMI for the rest, and
 * draining all sleeps.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cpuhotplug.h>
#include <linux/cpumask.h>
#include <linux/kernel.h>
#include <linux/percpu.h>
#include <linux/sched.h>
#include <linux/smp.h>
#include <linux/topology.h>

#include "internal/buddy.h"
#include "internal/page_poison.h"
#include "internal/pcp.h"
#include "internal/peek.h"
#include "internal/quarantine.h"
#include "internal/region.h"
#include "internal/report.h"

/* What a list may hold at first, in pages, if that is a block at least. */
#define MAL_PCP_START	32UL

/* What all lists of a CPU may hold at most, in pages, however large the cap. */
#define MAL_PCP_MAX	(SZ_32M >> PAGE_SHIFT)

/* The most blocks that are taken from a zone at once. */
#define MAL_PCP_BATCH	64U

/* What a list may hold, in blocks and in pages, just to have many taken at once. */
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
 * Tuning: all of this between mal_pcp_enter() and mal_pcp_leave()
 */

/**
 * struct mal_spill - blocks that lists have lost, to be released
 * @chains: by zone and order
 *
 * Collected while the lists are in use, released when they are not.
 */
struct mal_spill {
	struct mal_page *chains[MEMALLOC_NR_ZONES][MAL_NR_ORDERS];
};

static void mal_spill_release(struct mal_spill *spill)
{
	unsigned int type, order;

	for (type = 0; type < MEMALLOC_NR_ZONES; type++)
		for (order = 0; order < MAL_NR_ORDERS; order++)
			mal_release_chain(spill->chains[type][order], order);
}

static unsigned int mal_pcp_count(const struct mal_pcp_list *list)
{
	unsigned int room = mal_peek(list->room);
	unsigned int high = mal_peek(list->high);

	/* Whoever looks from another CPU may see them in the midst of a change. */
	return room < high ? high - room : 0;
}

/* Cut a list down to the @keep blocks on top. Returns the chain of the rest. */
static struct mal_page *mal_pcp_cut(struct mal_pcp_list *list, unsigned int keep)
{
	struct mal_page **link = &list->head;
	struct mal_page *rest;
	unsigned int i;

	if (mal_pcp_count(list) <= keep)
		return NULL;
	for (i = 0; i < keep && *link; i++)
		link = &(*link)->next;
	rest = *link;
	*link = NULL;
	list->room = list->high - keep;
	return rest;
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

/* Take back half of what was granted to a list, and what it holds of that. */
static struct mal_page *mal_pcp_halve(struct mal_pcp *pcp,
				      struct mal_pcp_list *list,
				      unsigned int order)
{
	unsigned int keep = list->high / 2;
	struct mal_page *rest = mal_pcp_cut(list, keep);

	pcp->granted -= (unsigned long)(list->high - keep) << order;
	list->room -= list->high - keep;
	list->high = keep;
	return rest;
}

/* Lists that had no use for what they were granted lose half of it. */
static void mal_pcp_decay(struct mal_pcp *pcp, struct mal_spill *spill)
{
	unsigned int type, order;

	for (type = 0; type < MEMALLOC_NR_ZONES; type++) {
		for (order = 0; order < MAL_NR_ORDERS; order++) {
			if (pcp->used[type] & BIT(order))
				continue;
			spill->chains[type][order] =
				mal_pcp_halve(pcp, &pcp->lists[type][order], order);
		}
		pcp->used[type] = 0;
	}
}

static unsigned long mal_pcp_clock(const struct mal_pcp_list *list)
{
	return list->allocs + list->frees;
}

/* Has a list that is full come straight from being empty, and refilled? */
static bool mal_pcp_swings(const struct mal_pcp *pcp, unsigned int type,
			   unsigned int order)
{
	const struct mal_pcp_list *list = &pcp->lists[type][order];

	return pcp->missed[type] & BIT(order) &&
	       mal_pcp_clock(list) - pcp->missed_at[type][order] <=
	       list->high + MAL_PCP_BATCH + 1;
}

/* Is it worth a longer list to take more at once from the zone, or to it? */
static bool mal_pcp_may_stream(const struct mal_pcp_list *list, unsigned int order)
{
	return list->high < min(MAL_PCP_STREAM, MAL_PCP_STREAM_PAGES >> order);
}

/* A list is full: let it hold more, or make it hold less. */
static void mal_pcp_make_room(struct mal_pcp *pcp, unsigned int type,
			      unsigned int order, struct mal_spill *spill)
{
	struct mal_pcp_list *list = &pcp->lists[type][order];
	bool again = pcp->filled[type] & BIT(order);
	bool grow = !list->high || mal_pcp_swings(pcp, type, order) ||
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
	spill->chains[type][order] = mal_pcp_cut(list, list->high / 2);
}

/**
 * mal_pcp_free() - free a block: the slow way round
 * @desc: its first page, in state PCP and on no list
 * @page: the same
 * @order: its order
 *
 * The list that it belongs on is full, or in use, or on another node. While a
 * zone is short of its reserve, what is freed goes there.
 *
 * Context: any but NMI.
 */
void mal_pcp_free(struct mal_page *desc, struct page *page, unsigned int order)
{
	const struct mal_zone *zone = mal_page_section(desc)->zone;
	struct mal_spill spill = { };
	struct mal_pcp_list *list;
	struct mal_pcp *pcp;
	bool pushed = false;

	if (zone->nid != numa_mem_id() ||
	    mal_peek(zone->free_pages) < zone->reserve || !mal_pcp_enter(&pcp)) {
		mal_release_whole(desc, order);
		return;
	}
	list = &pcp->lists[zone->type][order];
	if (pcp->nid == zone->nid && !list->room)
		mal_pcp_make_room(pcp, zone->type, order, &spill);
	if (pcp->nid == zone->nid && list->room) {
		mal_sanitizer_free_pages(page, order);
		mal_pcp_push(list, desc, page);
		pushed = true;
	}
	mal_pcp_leave(pcp);
	mal_spill_release(&spill);
	if (!pushed)
		mal_release_whole(desc, order);
}

/* What the fast path has noticed is told here: it has no time for that. */
static void mal_pcp_tell(struct mal_pcp *pcp, unsigned int order)
{
	if (likely(!pcp->wrong))
		return;
	pcp->wrong = false;
	mal_report(MAL_REPORT_DOUBLE_FREE, 0,
		   "block of order %u freed by two at once", order);
}

/* A list has run empty. */
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
 * mal_pcp_take() - take a block off this CPU's lists: the slow way round
 * @nid: the node that it must be of
 * @highest: the highest zone that it may be of
 * @lowest: the lowest
 * @order: the order
 *
 * For those who ask for a zone; and for all others, who from now on find more
 * where they found nothing, if there is more.
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
	mal_pcp_tell(pcp, order);
	mal_pcp_leave(pcp);
	return desc;
}

/* How many blocks to fetch at once, if they can be kept at all. */
static unsigned int mal_pcp_batch(const struct mal_zone *zone, unsigned int order)
{
	const struct mal_pcp *pcp = raw_cpu_ptr(&mal_pcp);

	if (pcp->nid != zone->nid)
		return 1;
	return min(mal_peek(pcp->lists[zone->type][order].high) / 2,
		   MAL_PCP_BATCH) + 1;
}

/* Put as many blocks of a chain on this CPU's list as fit. Returns the rest. */
static struct mal_page *mal_pcp_stock(const struct mal_zone *zone,
				      unsigned int order, struct mal_page *chain)
{
	struct mal_pcp_list *list;
	struct mal_page *desc;
	struct mal_pcp *pcp;

	if (!mal_pcp_enter(&pcp))
		return chain;
	list = &pcp->lists[zone->type][order];
	if (pcp->nid == zone->nid) {
		mal_pcp_note_miss(pcp, zone->type, order);
		while ((desc = chain) && list->room) {
			chain = desc->next;
			mal_pcp_push(list, desc, desc->page);
		}
	}
	mal_pcp_tell(pcp, order);
	mal_pcp_leave(pcp);
	return chain;
}

/**
 * mal_pcp_refill() - take a block from a zone, and some more for the list
 * @zone: where from
 * @order: the order
 * @keep: free pages that must be left in the zone
 *
 * Context: any but NMI.
 * Return: the block's first page, in state PCP, or NULL.
 */
struct mal_page *mal_pcp_refill(struct mal_zone *zone, unsigned int order,
				unsigned long keep)
{
	unsigned int nr = mal_pcp_batch(zone, order);
	struct mal_page *desc, *chain, *unseen;

	do {
		mal_zone_take_chain(zone, order, nr, keep, &chain, &unseen);
	} while (unlikely(unseen) && !mal_block_let_pass(unseen));
	if (unlikely(unseen))
		mal_zone_take_part(zone, unseen, order, nr, &chain);
	if (!chain)
		return NULL;
	desc = chain;
	mal_release_chain(mal_pcp_stock(zone, order, desc->next), order);
	return desc;
}

/*
 * Draining
 */

static void mal_pcp_empty(struct mal_pcp *pcp, struct mal_spill *spill)
{
	unsigned int type, order;

	for (type = 0; type < MEMALLOC_NR_ZONES; type++)
		for (order = 0; order < MAL_NR_ORDERS; order++)
			spill->chains[type][order] =
				mal_pcp_cut(&pcp->lists[type][order], 0);
}

/* What was learnt about the use of empty lists is of no worth any more. */
static void mal_pcp_forget(struct mal_pcp *pcp)
{
	unsigned int type, order;

	for (type = 0; type < MEMALLOC_NR_ZONES; type++) {
		for (order = 0; order < MAL_NR_ORDERS; order++) {
			pcp->lists[type][order].high = 0;
			pcp->lists[type][order].room = 0;
		}
		pcp->missed[type] = 0;
		pcp->filled[type] = 0;
		pcp->used[type] = 0;
	}
	pcp->granted = 0;
}

/**
 * mal_pcp_drain_local() - release what this CPU keeps
 * @forget: the lists begin anew, at none
 *
 * Nothing happens if the lists are in use, which is if the caller interrupted
 * that use.
 *
 * Context: any but NMI.
 */
void mal_pcp_drain_local(bool forget)
{
	struct mal_spill spill;
	struct mal_pcp *pcp;

	if (!mal_pcp_enter(&pcp))
		return;
	mal_pcp_empty(pcp, &spill);
	if (forget)
		mal_pcp_forget(pcp);
	mal_pcp_leave(pcp);
	mal_spill_release(&spill);
}

/**
 * struct mal_pcp_handover - a CPU's answer to the wish that it hand over
 * @spill: all its blocks
 * @forget: the wish that its lists begin anew
 * @busy: it could not
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
	mal_pcp_empty(pcp, &handover->spill);
	if (handover->forget)
		mal_pcp_forget(pcp);
	mal_pcp_leave(pcp);
}

static unsigned long mal_pcp_pages_of(int cpu)
{
	const struct mal_pcp *pcp = per_cpu_ptr(&mal_pcp, cpu);
	unsigned long pages = 0;
	unsigned int type, order;

	for (type = 0; type < MEMALLOC_NR_ZONES; type++)
		for (order = 0; order < MAL_NR_ORDERS; order++)
			pages += (unsigned long)mal_pcp_count(&pcp->lists[type][order]) << order;
	return pages;
}

/* A CPU that is offline, or going, hands over when it is dead. */
static void mal_pcp_drain_cpu(int cpu, bool forget)
{
	struct mal_pcp_handover handover = { .forget = forget };

	do {
		if (smp_call_function_single(cpu, mal_pcp_hand_over, &handover, 1))
			return;
	} while (handover.busy);
	mal_spill_release(&handover.spill);
}

/**
 * mal_pcp_drain() - release what the CPUs keep
 * @nid: those of this node, or NUMA_NO_NODE for all
 * @forget: the lists begin anew, at none: for who wants memory to go. Who wants
 *	to allocate it lets them as they are, as they are of use again at once.
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

	mal_pcp_empty(per_cpu_ptr(&mal_pcp, cpu), &spill);
	mal_pcp_forget(per_cpu_ptr(&mal_pcp, cpu));
	mal_spill_release(&spill);
	return 0;
}

/*
 * Figures
 */

/**
 * mal_pcp_pages() - pages on the lists of a node's CPUs
 * @nid: the node, or NUMA_NO_NODE for all
 *
 * Context: any.
 * Return: a number of pages; exact if nobody allocates or frees.
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

/**
 * mal_pcp_stats() - add what the lists hold, and have served, of one zone
 * @stats: of the zone that it names
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
			const struct mal_pcp_list *list =
				&pcp->lists[stats->zone][order];
			unsigned long count = mal_pcp_count(list);

			stats->pcp_blocks[order] += count;
			stats->free += count << order;
			stats->allocs[order] += mal_peek(list->allocs);
			stats->frees[order] += mal_peek(list->frees);
		}
	}
}

/**
 * mal_pcp_set_budget() - how much the lists may hold
 * @pages: of all CPUs together
 *
 * Takes effect on lists that hold more when they are next drained.
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
 * mal_pcp_init() - empty lists for every CPU
 *
 * Context: task; sleeps.
 * Return: 0, or -ENOMEM or -ENOSPC if the host has no place for our callback.
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
 * mal_pcp_exit() - the mirror of mal_pcp_init()
 *
 * Context: task; sleeps. Nobody allocates or frees any more, and all lists are
 * empty.
 */
void mal_pcp_exit(void)
{
	cpuhp_remove_state_nocalls(mal_pcp_hotplug_state);
}
