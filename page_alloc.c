// SPDX-License-Identifier: GPL-2.0
/*
 * Page allocator: which zone serves an allocation, and what happens when none
 * can
 *
 * An allocation goes down this list until it is served:
 *
 *	1. this CPU's lists (pcp.c): the fast path
 *	2. free blocks of the preferred node; its DMA zone only if DMA was
 *	   asked for, as that memory is scarce
 *	3. pages in quarantine that nobody holds any more, and what the CPUs'
 *	   lists hold: this CPU's at any rate, those of all if the caller may
 *	   sleep and they hold much of what is borrowed; so with what caches
 *	   keep and nobody uses (reclaim.c)
 *	4. a loan from the host on the preferred node, where there are several,
 *	   without effort
 *	5. free blocks of the other nodes, unless __GFP_THISNODE
 *	6. a loan, with as much effort as the flags allow
 *	7. what caches and the lists of all CPUs hold, if the caller may sleep:
 *	   first what is in nobody's way, then everything
 *	8. free blocks of the DMA zones
 *	9. the reserve (loan.c), with __GFP_HIGH
 *
 * With __GFP_RETRY_MAYFAIL it begins again a few times, with a pause before
 * each, and with __GFP_NOFAIL for as long as it takes. So do those who may sleep
 * while the reserve is being refilled.
 *
 * Freeing. The descriptor tells what the page is; a page that is not the first
 * one of an allocation of that order is reported and left alone. If somebody
 * else still holds the first page of a block it goes to the quarantine, page by
 * page. The other pages are looked at only by mal_free_pages_shared(), as a
 * reference on one of them is legal only if the block is freed so; the fast
 * path would not be one if it looked at 1024 of them. Even so, one that is held
 * does not get far: see quarantine.c.
 *
 * Locking: none here. mal_zone.lock is taken by buddy.c.
 *
 * Context: allocation and free work in task, softirq and hardirq context with
 * interrupts in any state. In NMI context allocation is served from the CPU's
 * lists or fails, and what the lists do not take is freed later, in an
 * interrupt. Allocation sleeps only if its flags allow it. On PREEMPT_RT only
 * the fast path works with interrupts or preemption off, as a zone's lock sleeps.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/gfp.h>
#include <linux/highmem.h>
#include <linux/irq_work.h>
#include <linux/kernel.h>
#include <linux/llist.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/sched/mm.h>
#include <linux/topology.h>

#include <memalloc/page_alloc.h>
#include <uapi/linux/memalloc.h>

#include "internal/buddy.h"
#include "internal/compat.h"
#include "internal/inject.h"
#include "internal/loan.h"
#include "internal/node.h"
#include "internal/page_alloc.h"
#include "internal/page_poison.h"
#include "internal/pcp.h"
#include "internal/quarantine.h"
#include "internal/reclaim.h"
#include "internal/region.h"
#include "internal/report.h"
#include "internal/sanitizer.h"
#include "internal/site.h"
#include "internal/trace.h"
#include "internal/watch.h"

/* How long an allocation waits before it tries again. */
#define MAL_RETRY_PAUSE		(HZ / 50 + 1)

/* How often an allocation tries again that may fail after some effort. */
#define MAL_MAYFAIL_RETRIES	3

/* The CPUs' lists, or caches, hold much if they hold this part of the loan. */
#define MAL_IDLE_MUCH		8

/**
 * struct mal_page_request - an allocation that is being served
 * @gfp: its flags
 * @order: its order
 * @nid: the node it prefers
 * @type: the highest zone that may serve it
 * @dip: it takes from the reserve, as there was no other way
 */
struct mal_page_request {
	gfp_t gfp;
	unsigned int order;
	int nid;
	enum memalloc_zone type;
	bool dip;
};

/*
 * Allocation
 */

/* Free blocks of one node, from the zone asked for down to @lowest. */
static struct mal_page *mal_take_node(const struct mal_page_request *req, int nid,
				      int lowest)
{
	struct mal_page *desc;
	int type;

	for (type = req->type; type >= lowest; type--) {
		struct mal_zone *zone = &mal_nodes[nid]->zones[type];

		desc = mal_pcp_refill(zone, req->order,
				      req->dip ? 0 : READ_ONCE(zone->reserve));
		if (desc)
			return desc;
	}
	return NULL;
}

/* The lowest zone that an allocation takes while there is another way. */
static int mal_lowest_zone(const struct mal_page_request *req)
{
	return min_t(int, req->type, mal_plain_lowest);
}

static struct mal_page *mal_take_near(const struct mal_page_request *req)
{
	struct mal_page *desc = mal_pcp_take(req->nid, req->type,
					     mal_lowest_zone(req), req->order);

	return desc ?: mal_take_node(req, req->nid, mal_lowest_zone(req));
}

/* All nodes that the flags allow, the nearest first. */
static struct mal_page *mal_take_far(const struct mal_page_request *req, int lowest)
{
	const int *fallback = mal_nodes[req->nid]->fallback;
	struct mal_page *desc = NULL;
	int i, nr = req->gfp & __GFP_THISNODE ? 1 : mal_nr_nodes;

	for (i = 0; i < nr && !desc; i++)
		desc = mal_take_node(req, fallback[i], lowest);
	return desc;
}

static struct mal_page *mal_take_loaned(const struct mal_page_request *req,
					struct page *page, unsigned int order)
{
	if (!page)
		return NULL;
	return mal_zone_add_take(mal_zone_of_page(page), mal_page_of(page), order,
				 req->order);
}

static struct mal_page *mal_take_loan(const struct mal_page_request *req)
{
	unsigned int order;
	struct page *page = mal_region_borrow(req->nid, req->gfp, req->order,
					      &order);

	return mal_take_loaned(req, page, order);
}

/* Not for the sake of locality does the host reclaim. */
static struct mal_page *mal_take_near_loan(const struct mal_page_request *req)
{
	struct page *page;
	unsigned int order;

	if (mal_nr_nodes == 1 || req->gfp & __GFP_THISNODE)
		return NULL;
	page = mal_region_borrow_spare(req->nid, req->gfp | __GFP_THISNODE,
				       req->order, &order);
	return mal_take_loaned(req, page, order);
}

static bool mal_may_sleep(const struct mal_page_request *req)
{
	return gfpflags_allow_blocking(req->gfp);
}

/* So many pages are worth interrupting all CPUs for, before a loan. */
static unsigned long mal_much(const struct mal_page_request *req)
{
	struct memalloc_stats_borrowing stats;

	mal_region_stats(&stats);
	return max_t(u64, 1UL << req->order, stats.borrowed / MAL_IDLE_MUCH);
}

/* Our own caches, before anybody else's memory. */
static struct mal_page *mal_take_reclaimed(const struct mal_page_request *req)
{
	unsigned long much = mal_much(req);

	mal_quarantine_sweep();
	mal_reclaim(req->gfp, much);
	mal_pcp_drain_local(false);
	if (mal_may_sleep(req) && mal_pcp_pages(NUMA_NO_NODE) >= much)
		mal_pcp_drain(NUMA_NO_NODE, false);
	return mal_take_near(req);
}

/* The host has none, or may not: then what we have ourselves. */
static struct mal_page *mal_take_drained(const struct mal_page_request *req,
					 unsigned long min_pages)
{
	if (!mal_may_sleep(req))
		return NULL;
	mal_reclaim(req->gfp, min_pages);
	if (mal_pcp_pages(NUMA_NO_NODE))
		mal_pcp_drain(NUMA_NO_NODE, false);
	return mal_take_far(req, mal_lowest_zone(req));
}

/*
 * From the reserve. This CPU's lists are given up, so that what is freed goes
 * back to where it is kept, and not to the next who comes along.
 */
static struct mal_page *mal_take_reserve(const struct mal_page_request *req)
{
	struct mal_page_request dip = *req;
	struct mal_page *desc;

	dip.dip = true;
	desc = mal_take_far(&dip, mal_lowest_zone(req));
	if (desc)
		mal_pcp_drain_local(true);
	return desc;
}

static struct mal_page *mal_take(const struct mal_page_request *req)
{
	struct mal_page *desc;

	desc = mal_take_near(req);
	if (!desc)
		desc = mal_take_reclaimed(req);
	if (!desc)
		desc = mal_take_near_loan(req);
	if (!desc)
		desc = mal_take_far(req, mal_lowest_zone(req));
	if (!desc)
		desc = mal_take_loan(req);
	if (!desc)
		desc = mal_take_drained(req, 1UL << req->order);
	if (!desc)
		desc = mal_take_drained(req, 0);
	if (!desc)
		desc = mal_take_far(req, MEMALLOC_ZONE_DMA);
	if (!desc && req->gfp & __GFP_HIGH)
		desc = mal_take_reserve(req);
	return desc;
}

/* In the poison mode, what somebody has written to is not used any more. */
static struct mal_page *mal_take_intact(const struct mal_page_request *req)
{
	struct mal_page *desc;

	do {
		desc = mal_take(req);
	} while (desc && mal_page_poison_on() &&
		 !mal_page_poison_intact(desc, req->order));
	return desc;
}

static unsigned long mal_retries(const struct mal_page_request *req)
{
	if (!mal_may_sleep(req))
		return 0;
	if (req->gfp & __GFP_NOFAIL)
		return ULONG_MAX;
	if (req->gfp & __GFP_RETRY_MAYFAIL || mal_loan_is_refilling())
		return MAL_MAYFAIL_RETRIES;
	return 0;
}

static struct mal_page *mal_take_patiently(const struct mal_page_request *req)
{
	struct mal_page *desc = mal_take_intact(req);
	unsigned long left;

	for (left = mal_retries(req); !desc && left; left--) {
		schedule_timeout_uninterruptible(MAL_RETRY_PAUSE);
		desc = mal_take_intact(req);
	}
	return desc;
}

static void mal_clear_pages(struct page *page, unsigned int order)
{
	unsigned int i;

	for (i = 0; i < 1U << order; i++)
		clear_highpage(page + i);
}

static void mal_warn_failure(const struct mal_page_request *req, unsigned long caller)
{
	if (req->gfp & __GFP_NOWARN)
		return;
	pr_warn_ratelimited("no pages of order %u, gfp %pGg, node %d, for %pS\n",
			    req->order, &req->gfp, req->nid, (void *)caller);
}

static noinline struct page *mal_alloc_slow(int nid, gfp_t gfp,
					    unsigned int order,
					    unsigned long caller)
{
	struct mal_page_request req = {
		.gfp = gfp,
		.order = order,
		.nid = nid == NUMA_NO_NODE ? numa_mem_id() : nid,
		.type = mal_zone_types[gfp_zone(gfp)],
	};
	struct mal_page *desc;
	struct page *page;

	if (unlikely(order > MAL_MAX_ORDER || in_nmi()))
		return NULL;
	might_alloc(gfp);
	if (mal_inject_may_fail(gfp))
		desc = NULL;
	else
		desc = mal_take_patiently(&req);
	if (unlikely(!desc)) {
		mal_zone_count_one(&mal_nodes[req.nid]->zones[req.type], failures, order);
		mal_warn_failure(&req, caller);
		trace_mal_mm_page_alloc(NULL, order, gfp, MIGRATE_UNMOVABLE);
		return NULL;
	}
	page = pfn_to_page(mal_page_pfn(desc));
	mal_sanitizer_alloc_pages(page, order);
	mal_page_use(desc, caller);
	mal_zone_count_one(mal_page_section(desc)->zone, allocs, order);
	mal_loan_check(mal_page_section(desc)->zone);
	if (want_init_on_alloc(gfp))
		mal_clear_pages(page, order);
	trace_mal_mm_page_alloc(page, order, gfp, MIGRATE_UNMOVABLE);
	return page;
}

/* The lists of this CPU have none: give them up, and look elsewhere. */
static noinline struct page *mal_alloc_unserved(struct mal_pcp *pcp, int nid,
						gfp_t gfp, unsigned int order,
						unsigned long caller)
{
	mal_pcp_leave(pcp);
	return mal_alloc_slow(nid, gfp, order, caller);
}

/*
 * A zone or zeroes that are asked for keep off the fast path, and so does somebody
 * who watches. So does the poison mode: the lists hold nothing then.
 */
static __always_inline bool mal_alloc_is_plain(gfp_t gfp, unsigned int order)
{
	return order <= MAL_MAX_ORDER &&
	       !(gfp & (__GFP_DMA | __GFP_DMA32 | __GFP_ZERO)) &&
	       !want_init_on_alloc(0) &&
	       !mal_is_watched();
}

static __always_inline struct page *mal_alloc_block(int nid, gfp_t gfp,
						    unsigned int order,
						    unsigned long caller)
{
	struct mal_pcp *pcp;
	struct page *page;

	/* The fast path never sleeps, but a debug kernel likes to know. */
	if (IS_ENABLED(CONFIG_DEBUG_ATOMIC_SLEEP))
		might_alloc(gfp);
	if (unlikely(!mal_alloc_is_plain(gfp, order) || !mal_pcp_enter(&pcp)))
		return mal_alloc_slow(nid, gfp, order, caller);
	if (unlikely((nid != NUMA_NO_NODE && nid != pcp->nid) ||
		     !mal_pcp_serve(pcp, order, caller, &page)))
		return mal_alloc_unserved(pcp, nid, gfp, order, caller);
	mal_pcp_leave(pcp);
	return page;
}

/**
 * mal_alloc_pages_caller() - allocate a block on behalf of somebody
 * @nid: as for mal_alloc_pages_node()
 * @gfp: as for mal_alloc_pages()
 * @order: as for mal_alloc_pages()
 * @caller: code address of who it is for
 *
 * Context: as for mal_alloc_pages().
 * Return: the first page, or NULL.
 */
struct page *mal_alloc_pages_caller(int nid, gfp_t gfp, unsigned int order,
				    unsigned long caller)
{
	return mal_alloc_block(nid, gfp, order, caller);
}

/**
 * mal_alloc_pages_node() - allocate a block, near a node
 * @nid: the node to prefer, or NUMA_NO_NODE for the nearest one with memory
 * @gfp: as for mal_alloc_pages(); with __GFP_THISNODE no other node will do
 * @order: as for mal_alloc_pages()
 *
 * Context: as for mal_alloc_pages().
 * Return: the first page, or NULL.
 */
struct page *mal_alloc_pages_node(int nid, gfp_t gfp, unsigned int order)
{
	return mal_alloc_block(nid, gfp, order, _RET_IP_);
}
MAL_EXPORT(mal_alloc_pages_node);

/**
 * mal_alloc_pages() - allocate a block of 2^order contiguous pages
 * @gfp: what the allocator may do, as with the host's alloc_pages()
 * @order: 0 to MAL_MAX_ORDER
 *
 * The block is aligned to its size. All its pages are order-0 pages; nothing
 * in struct page is ours.
 *
 * Context: any; in NMI only this CPU's lists serve. Sleeps if @gfp has __GFP_DIRECT_RECLAIM.
 * Return: the first page, or NULL: the cap is reached or the host has no
 * memory, or @order is too large.
 */
struct page *mal_alloc_pages(gfp_t gfp, unsigned int order)
{
	return mal_alloc_block(NUMA_NO_NODE, gfp, order, _RET_IP_);
}
MAL_EXPORT(mal_alloc_pages);

/*
 * Free
 */

static noinline void mal_report_free(struct mal_page *desc, unsigned int order,
				     unsigned long caller)
{
	char name[MAL_SITE_NAME];

	if (!desc || desc->state == MAL_PAGE_FOREIGN)
		mal_report(MAL_REPORT_FOREIGN_FREE, caller,
			   "a page that is not ours, as order %u", order);
	else if (desc->state == MAL_PAGE_USED)
		mal_report(MAL_REPORT_WRONG_FREE, caller,
			   "a block of order %u, as order %u; allocated by %s",
			   desc->order, order, mal_site_name(desc->caller, name));
	else if (desc->state == MAL_PAGE_SLAB)
		mal_report(MAL_REPORT_WRONG_FREE, caller,
			   "a page of a slab, as order %u", order);
	else if (desc->state == MAL_PAGE_LARGE)
		mal_report(MAL_REPORT_WRONG_FREE, caller,
			   "a page of kmalloc, as order %u; allocated by %s",
			   order, mal_site_name(desc->caller, name));
	else if (desc->state == MAL_PAGE_AREA)
		mal_report(MAL_REPORT_WRONG_FREE, caller,
			   "a page of a mapped area, as order %u", order);
	else if (desc->state == MAL_PAGE_TAIL)
		mal_report(MAL_REPORT_WRONG_FREE, caller,
			   "page %u of a section is inside a block, freed as order %u",
			   desc->index, order);
	else
		mal_report(MAL_REPORT_DOUBLE_FREE, caller,
			   "a block of order %u that is free already", order);
}

/*
 * The first page of an allocation of that order, or a report. A page that is
 * not ours may lie in a section that is just going, hence the guard.
 */
static struct mal_page *mal_page_allocated(struct page *page,
					   unsigned int order,
					   unsigned long caller)
{
	struct mal_page *desc;

	preempt_disable();
	desc = mal_page_of(page);
	if (unlikely(!desc || !mal_page_is(desc, MAL_PAGE_USED, order))) {
		mal_report_free(desc, order, caller);
		desc = NULL;
	}
	preempt_enable();
	return desc;
}

/*
 * Freeing in NMI context may take no lock: what does not fit on the CPU's
 * lists is noted and freed as soon as interrupts are possible.
 */
static LLIST_HEAD(mal_deferred);

static void mal_free_deferred(struct irq_work *work)
{
	struct mal_page *desc, *next;

	llist_for_each_entry_safe(desc, next, llist_del_all(&mal_deferred), deferred)
		mal_release(desc, desc->order);
}

static DEFINE_IRQ_WORK(mal_deferred_work, mal_free_deferred);

static void mal_defer(struct mal_page *desc)
{
	llist_add(&desc->deferred, &mal_deferred);
	irq_work_queue(&mal_deferred_work);
}

/*
 * An allocation that is freed: from now on it is nobody's. If the host has its
 * first page already it stays out of circulation.
 */
static struct mal_page *mal_page_freed(struct page *page, unsigned int order,
				       unsigned long caller)
{
	struct mal_page *desc = mal_page_allocated(page, order, caller);

	if (unlikely(!desc))
		return NULL;
	trace_mal_mm_page_free(page, order);
	mal_zone_count_one(mal_page_section(desc)->zone, frees, order);
	if (unlikely(!mal_page_mend(page, caller))) {
		WRITE_ONCE(desc->state, MAL_PAGE_LEAKED);
		return NULL;
	}
	WRITE_ONCE(desc->state, MAL_PAGE_PCP);
	return desc;
}

static noinline void mal_free_slow(struct page *page, unsigned int order,
				   unsigned long caller)
{
	struct mal_page *desc;

	desc = mal_page_freed(page, order, caller);
	if (unlikely(!desc))
		return;
	if (unlikely(in_nmi()))
		mal_defer(desc);
	else if (unlikely(mal_page_is_held(page)))
		mal_release(desc, order);
	else
		mal_pcp_free(desc, page, order);
}

/* The lists of this CPU do not take it: give them up, and see why. */
static noinline void mal_free_unaccepted(struct mal_pcp *pcp, struct page *page,
					 unsigned int order,
					 unsigned long caller)
{
	mal_pcp_leave(pcp);
	mal_free_slow(page, order, caller);
}

/**
 * mal_free_pages() - free a block
 * @page: its first page, or NULL
 * @order: the order it was allocated with
 *
 * Misuse is reported and has no other effect.
 *
 * Context: any.
 */
void mal_free_pages(struct page *page, unsigned int order)
{
	struct mal_pcp *pcp;

	if (unlikely(!page))
		return;
	if (unlikely(mal_is_watched() || !mal_pcp_enter(&pcp)))
		mal_free_slow(page, order, _RET_IP_);
	else if (unlikely(!mal_pcp_accept(pcp, page, order)))
		mal_free_unaccepted(pcp, page, order, _RET_IP_);
	else
		mal_pcp_leave(pcp);
}
MAL_EXPORT(mal_free_pages);

/**
 * mal_free_pages_shared() - free a block whose pages others may hold
 * @page: its first page, or NULL
 * @order: the order it was allocated with
 *
 * For blocks that were mapped, or whose pages went to a pipe or a bio one by
 * one: each page is set aside for as long as somebody holds it.
 *
 * Context: any but NMI.
 */
void mal_free_pages_shared(struct page *page, unsigned int order)
{
	struct mal_page *desc;

	if (!page)
		return;
	desc = mal_page_freed(page, order, _RET_IP_);
	if (unlikely(!desc))
		return;
	if (mal_block_is_held(page, order))
		mal_release(desc, order);
	else
		mal_pcp_free(desc, page, order);
}
MAL_EXPORT(mal_free_pages_shared);

/**
 * mal_split_page() - make a block into allocations of one page each
 * @page: its first page
 * @order: the order it was allocated with
 *
 * From now on each page is freed by itself, with mal_free_page().
 *
 * Context: any but NMI.
 */
void mal_split_page(struct page *page, unsigned int order)
{
	struct mal_page *desc = mal_page_allocated(page, order, _RET_IP_);

	if (desc)
		mal_zone_break(mal_page_section(desc)->zone, desc, order);
}
MAL_EXPORT(mal_split_page);

/**
 * mal_page_alloc_exit() - wait for what is still to be freed
 *
 * Context: task; sleeps. Nobody allocates or frees any more.
 */
void mal_page_alloc_exit(void)
{
	irq_work_sync(&mal_deferred_work);
}
