// SPDX-License-Identifier: GPL-2.0
/*
 * Page allocator: selection of a zone, and the slow path
 *
 * An allocation tries these in turn:
 *
 *	1. This CPU's lists (pcp.c): the fast path.
 *	2. Free blocks of the preferred node. Its DMA zone is used only if DMA
 *	   was requested, because that memory is scarce.
 *	3. Freed pages that are no longer pinned, and the CPUs' lists.
 *	   This CPU's lists are drained in any case. Those of all CPUs are
 *	   drained if the caller may sleep, did not pass __GFP_NORETRY, and they
 *	   have a large part of the borrowed pages. The same applies to unused
 *	   pages in caches (reclaim.c).
 *	4. On a system with several nodes, a block borrowed from the host on the
 *	   preferred node, without effort.
 *	5. Free blocks of the other nodes, unless __GFP_THISNODE.
 *	6. A block borrowed from the host, with as much effort as the flags
 *	   allow.
 *	7. The free part of a pinned block. Then the contents of caches and
 *	   of the lists of all CPUs, if the caller may sleep and did not pass
 *	   __GFP_NORETRY: first what can be taken without an interrupt, then
 *	   everything.
 *	8. Free blocks of the DMA zones.
 *	9. The reserve (borrow.c), with __GFP_HIGH.
 *
 * With __GFP_RETRY_MAYFAIL the allocation retries a few times, with a pause
 * before each retry. With __GFP_NOFAIL it retries until it succeeds. Callers
 * that may sleep also retry while the reserve is being refilled.
 *
 * Freeing. The descriptor tells what the page is. A page that is not the first
 * page of an allocation of that order is reported and left alone. If the first
 * page of a block is pinned, the block waits in pinned.c. Only
 * mal_free_pages_shared() checks the other pages: a reference on one of them is
 * legal only if the block is freed by that function, and a check of 1024 pages
 * would make the fast path slow. A pinned inner page is found when the block is
 * split or returned to the host: see pinned.c.
 *
 * Heap. Slabs and large kmalloc use blocks that others must not reference
 * (mal_alloc_heap_pages()). The owner changes the counts of the pages when a
 * block enters or leaves the heap, with no lock held. A block that is freed and
 * allocated again on the same CPU stays in the heap (pcp.c).
 *
 * Locking: none here. mal_zone.lock is taken by buddy.c.
 *
 * Context: allocation and free work in task, softirq and hardirq context with
 * interrupts in any state. In NMI context an allocation is served from the
 * CPU's lists or fails. Blocks that the lists cannot accept are freed later, in
 * an interrupt. Allocation sleeps only if its flags allow it. On PREEMPT_RT
 * only the fast path works with interrupts or preemption off, because a zone's
 * lock sleeps.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/gfp.h>
#include <linux/highmem.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/sched/mm.h>
#include <linux/topology.h>

#include <memalloc/page_alloc.h>
#include <uapi/linux/memalloc.h>

#include "internal/borrow.h"
#include "internal/buddy.h"
#include "internal/compat.h"
#include "internal/defer.h"
#include "internal/inject.h"
#include "internal/instrument.h"
#include "internal/node.h"
#include "internal/page_alloc.h"
#include "internal/page_poison.h"
#include "internal/pcp.h"
#include "internal/pinned.h"
#include "internal/reclaim.h"
#include "internal/region.h"
#include "internal/report.h"
#include "internal/sanitizer.h"
#include "internal/site.h"
#include "internal/trace.h"

/* Pause before each retry of an allocation, in jiffies. */
#define MAL_RETRY_PAUSE		(HZ / 50 + 1)

/* Number of retries with __GFP_RETRY_MAYFAIL. */
#define MAL_MAYFAIL_RETRIES	3

/* Lists or caches are drained early if they have 1/8 of the borrowed pages. */
#define MAL_DRAIN_SHARE		8

/**
 * struct mal_page_request - an allocation in the slow path
 * @gfp: its flags
 * @order: its order
 * @nid: the preferred node
 * @type: the highest zone that may serve it
 * @use_reserve: it may use the reserve, as a last resort
 */
struct mal_page_request {
	gfp_t gfp;
	unsigned int order;
	int nid;
	enum memalloc_zone type;
	bool use_reserve;
};

/*
 * Allocation
 */

/* Free blocks of one node, from the requested zone down to @lowest. */
static struct mal_page *mal_page_take_node(const struct mal_page_request *req,
					   int nid, int lowest)
{
	struct mal_page *desc;
	int type;

	for (type = req->type; type >= lowest; type--) {
		struct mal_zone *zone = &mal_nodes[nid]->zones[type];

		desc = mal_pcp_refill(zone, req->order,
				      req->use_reserve ? 0 : READ_ONCE(zone->reserve));
		if (desc)
			return desc;
	}
	return NULL;
}

/* The lowest zone to use before the DMA zones are tried as a fallback. */
static int mal_lowest_zone(const struct mal_page_request *req)
{
	return min_t(int, req->type, mal_plain_lowest);
}

static struct mal_page *mal_page_take_near(const struct mal_page_request *req)
{
	struct mal_page *desc = mal_pcp_take(req->nid, req->type,
					     mal_lowest_zone(req), req->order);

	return desc ?: mal_page_take_node(req, req->nid, mal_lowest_zone(req));
}

/* Memory for user space must be on a node that the task's cpuset allows. */
static bool mal_node_allowed(const struct mal_page_request *req, int nid)
{
	return !(req->gfp & __GFP_HARDWALL) || mal_node_in_cpuset(nid);
}

/* Move the request to an allowed node. Returns false if there is none. */
static bool mal_page_pick_node(struct mal_page_request *req)
{
	if (mal_node_allowed(req, req->nid))
		return true;
	if (req->gfp & __GFP_THISNODE)
		return false;
	req->nid = mal_node_nearest_in_cpuset(req->nid);
	return true;
}

/* Try all nodes that the flags allow, the nearest first. */
static struct mal_page *mal_page_take_far(const struct mal_page_request *req,
					  int lowest)
{
	const int *fallback = mal_nodes[req->nid]->fallback;
	struct mal_page *desc = NULL;
	int i, nr = req->gfp & __GFP_THISNODE ? 1 : mal_nr_nodes;

	for (i = 0; i < nr && !desc; i++)
		if (mal_node_allowed(req, fallback[i]))
			desc = mal_page_take_node(req, fallback[i], lowest);
	return desc;
}

static struct mal_page *mal_page_take_new(const struct mal_page_request *req,
					  struct page *page, unsigned int order)
{
	if (!page)
		return NULL;
	return mal_zone_add_take(mal_zone_of_page(page), mal_page_of(page), order,
				 req->order);
}

static struct mal_page *mal_page_borrow(const struct mal_page_request *req)
{
	unsigned int order;
	struct page *page = mal_region_borrow(req->nid, req->gfp, req->order,
					      &order);

	return mal_page_take_new(req, page, order);
}

/* For locality alone, wake kswapd but do not reclaim directly. */
static struct mal_page *mal_page_borrow_near(const struct mal_page_request *req)
{
	struct page *page;
	unsigned int order;

	if (mal_nr_nodes == 1 || req->gfp & __GFP_THISNODE)
		return NULL;
	page = mal_region_borrow_spare(req->nid, req->gfp | __GFP_THISNODE,
				       req->order, &order);
	return mal_page_take_new(req, page, order);
}

static bool mal_may_sleep(const struct mal_page_request *req)
{
	return gfpflags_allow_blocking(req->gfp);
}

/* With __GFP_NORETRY, do not interrupt the other CPUs. */
static bool mal_may_wait_for_cpus(const struct mal_page_request *req)
{
	return mal_may_sleep(req) &&
	       (req->gfp & __GFP_NOFAIL || !(req->gfp & __GFP_NORETRY));
}

/* Number of pages that justifies interrupting all CPUs before borrowing. */
static unsigned long mal_drain_threshold(const struct mal_page_request *req)
{
	struct memalloc_stats_borrowing stats;

	mal_region_stats(&stats);
	return max_t(u64, 1UL << req->order, stats.borrowed / MAL_DRAIN_SHARE);
}

/* Use our own caches before memory of the host. */
static struct mal_page *mal_page_take_reclaimed(const struct mal_page_request *req)
{
	unsigned long threshold;

	mal_pinned_sweep_one(false);
	if (mal_may_wait_for_cpus(req)) {
		threshold = mal_drain_threshold(req);
		mal_reclaim(req->gfp, threshold);
		if (mal_pcp_pages(NUMA_NO_NODE) >= threshold)
			mal_pcp_drain(NUMA_NO_NODE, false);
	}
	mal_pcp_drain_local(false);
	return mal_page_take_near(req);
}

/*
 * The host has no memory, or the cap is reached: use everything that we have.
 * First free the pages that caches can free without an interrupt.
 */
static struct mal_page *mal_page_take_drained(const struct mal_page_request *req)
{
	struct mal_page *desc = NULL;

	if (mal_pinned_sweep_one(true))
		desc = mal_page_take_far(req, mal_lowest_zone(req));
	if (desc || !mal_may_wait_for_cpus(req))
		return desc;
	if (mal_reclaim(req->gfp, 1UL << req->order)) {
		mal_pcp_drain_local(false);
		desc = mal_page_take_far(req, mal_lowest_zone(req));
	}
	if (desc || !mal_reclaim_all(req->gfp, req->order))
		return desc;
	desc = mal_page_take_far(req, mal_lowest_zone(req));
	if (!desc)
		mal_reclaim_failed(req->order);
	return desc;
}

/*
 * Allocate from the reserve. Drain this CPU's lists and reset their capacity,
 * so that freed blocks refill the reserve instead of serving the next caller.
 */
static struct mal_page *mal_page_take_reserve(const struct mal_page_request *req)
{
	struct mal_page_request reserve = *req;
	struct mal_page *desc;

	reserve.use_reserve = true;
	desc = mal_page_take_far(&reserve, mal_lowest_zone(req));
	if (desc)
		mal_pcp_drain_local(true);
	return desc;
}

static struct mal_page *mal_page_take(const struct mal_page_request *req)
{
	struct mal_page *desc;

	desc = mal_page_take_near(req);
	if (!desc)
		desc = mal_page_take_reclaimed(req);
	if (!desc)
		desc = mal_page_borrow_near(req);
	if (!desc)
		desc = mal_page_take_far(req, mal_lowest_zone(req));
	if (!desc)
		desc = mal_page_borrow(req);
	if (!desc)
		desc = mal_page_take_drained(req);
	if (!desc)
		desc = mal_page_take_far(req, MEMALLOC_ZONE_DMA);
	if (!desc && req->gfp & __GFP_HIGH)
		desc = mal_page_take_reserve(req);
	return desc;
}

/*
 * With page poisoning, discard blocks that were written to after they were
 * freed.
 */
static struct mal_page *mal_page_take_intact(const struct mal_page_request *req)
{
	struct mal_page *desc;

	do {
		desc = mal_page_take(req);
	} while (desc && mal_page_poison_on() &&
		 !mal_page_poison_intact(desc, req->order));
	return desc;
}

static unsigned long mal_page_retries(const struct mal_page_request *req)
{
	if (!mal_may_sleep(req))
		return 0;
	if (req->gfp & __GFP_NOFAIL)
		return ULONG_MAX;
	if (req->gfp & __GFP_RETRY_MAYFAIL || mal_borrow_is_refilling())
		return MAL_MAYFAIL_RETRIES;
	return 0;
}

static struct mal_page *mal_page_take_retry(const struct mal_page_request *req)
{
	struct mal_page *desc = mal_page_take_intact(req);
	unsigned long left;

	for (left = mal_page_retries(req); !desc && left; left--) {
		schedule_timeout_uninterruptible(MAL_RETRY_PAUSE);
		desc = mal_page_take_intact(req);
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
	if (req->gfp & __GFP_NOWARN || mal_inject_has_failed())
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
	if (unlikely(gfp & __GFP_ACCOUNT))
		mal_report_uncharged(caller);
	if (mal_inject_may_fail(gfp) || !mal_page_pick_node(&req))
		desc = NULL;
	else
		desc = mal_page_take_retry(&req);
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
	mal_borrow_check(mal_page_section(desc)->zone);
	if (want_init_on_alloc(gfp))
		mal_clear_pages(page, order);
	trace_mal_mm_page_alloc(page, order, gfp, MIGRATE_UNMOVABLE);
	return page;
}

/* This CPU's lists have no block: leave them and take the slow path. */
static noinline struct page *mal_alloc_miss(struct mal_pcp *pcp, int nid,
					    gfp_t gfp, unsigned int order,
					    unsigned long caller)
{
	mal_pcp_leave(pcp);
	return mal_alloc_slow(nid, gfp, order, caller);
}

/*
 * Requests for a zone or for zeroed memory take the slow path. So do all
 * requests while hooks are active. With page poisoning the lists are empty.
 */
static __always_inline bool mal_alloc_is_plain(gfp_t gfp, unsigned int order)
{
	return order <= MAL_MAX_ORDER &&
	       !(gfp & (__GFP_DMA | __GFP_DMA32 | __GFP_ZERO)) &&
	       !want_init_on_alloc(0) &&
	       !mal_is_instrumented();
}

static __always_inline struct page *mal_alloc_block(int nid, gfp_t gfp,
						    unsigned int order,
						    unsigned long caller)
{
	struct mal_pcp *pcp;
	struct page *page;

	/* The fast path never sleeps, but debug kernels check for it. */
	if (IS_ENABLED(CONFIG_DEBUG_ATOMIC_SLEEP))
		might_alloc(gfp);
	if (unlikely(!mal_alloc_is_plain(gfp, order) || !mal_pcp_enter(&pcp)))
		return mal_alloc_slow(nid, gfp, order, caller);
	if (unlikely((nid != NUMA_NO_NODE && nid != pcp->nid) ||
		     !mal_pcp_serve(pcp, order, caller, &page)))
		return mal_alloc_miss(pcp, nid, gfp, order, caller);
	mal_pcp_leave(pcp);
	return page;
}

/**
 * mal_alloc_pages_caller() - allocate a block on behalf of a caller
 * @nid: as for mal_alloc_pages_node()
 * @gfp: as for mal_alloc_pages()
 * @order: as for mal_alloc_pages()
 * @caller: code address that the block is attributed to
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
 * mal_alloc_pages_node() - allocate a block, preferably on a given node
 * @nid: the preferred node, or NUMA_NO_NODE for the nearest one with memory
 * @gfp: as for mal_alloc_pages(); with __GFP_THISNODE no other node is used
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
 * @gfp: flags, as for the host's alloc_pages()
 * @order: 0 to MAL_MAX_ORDER
 *
 * The block is aligned to its size. All of its pages are order-0 pages. The
 * allocator keeps nothing in struct page.
 *
 * Context: any; in NMI only this CPU's lists serve. Sleeps if @gfp has
 * __GFP_DIRECT_RECLAIM.
 * Return: the first page, or NULL if the cap is reached, the host has no
 * memory, or @order is too large.
 */
struct page *mal_alloc_pages(gfp_t gfp, unsigned int order)
{
	return mal_alloc_block(NUMA_NO_NODE, gfp, order, _RET_IP_);
}
MAL_EXPORT(mal_alloc_pages);

/*
 * The heap. A request for a zone bypasses the lists of the heap. A request for
 * zeroes does not: mal_alloc_heap_pages() clears the block.
 */
static bool mal_alloc_heap_fast(int nid, gfp_t gfp, unsigned int order,
				unsigned long caller, struct page **page)
{
	struct mal_pcp *pcp;
	bool served;

	if (order > MAL_MAX_ORDER || gfp & (__GFP_DMA | __GFP_DMA32) ||
	    mal_is_instrumented() || !mal_pcp_enter(&pcp))
		return false;
	served = (nid == NUMA_NO_NODE || nid == pcp->nid) &&
		 mal_pcp_serve_from(pcp, mal_pcp_heap_list(pcp->plain + order),
				    order, caller, page);
	mal_pcp_leave(pcp);
	return served;
}

/**
 * mal_alloc_heap_pages() - allocate a block that others must not reference
 * @nid: as for mal_alloc_pages_node()
 * @gfp: as for mal_alloc_pages()
 * @order: as for mal_alloc_pages()
 * @caller: code address that the block is attributed to
 *
 * For memory that is allocated by the byte. Its pages have the count
 * MAL_HEAP_REFS: see region.c.
 *
 * Context: as for mal_alloc_pages().
 * Return: the first page, or NULL.
 */
struct page *mal_alloc_heap_pages(int nid, gfp_t gfp, unsigned int order,
				  unsigned long caller)
{
	struct page *page;

	if (likely(mal_alloc_heap_fast(nid, gfp, order, caller, &page))) {
		if (want_init_on_alloc(gfp))
			mal_clear_pages(page, order);
		return page;
	}
	page = mal_alloc_block(nid, gfp, order, caller);
	if (!page)
		return NULL;
	mal_block_enter_heap(page, order);
	if (!in_nmi())
		mal_pcp_miss_heap(order);
	return page;
}

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

/**
 * mal_page_allocated() - look up an allocation, or report a wrong free
 * @page: its first page
 * @order: its order
 * @caller: code address of the caller that frees it
 *
 * A page that is not ours may lie in a section that is about to be freed, so
 * preemption is disabled for the lookup.
 *
 * Context: any.
 * Return: the descriptor of @page, or NULL.
 */
struct mal_page *mal_page_allocated(struct page *page, unsigned int order,
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
 * A free in NMI context must not take locks. Blocks that do not fit on the
 * CPU's lists are queued, and freed in the next interrupt.
 */
static void mal_free_deferred(struct irq_work *work);
static DEFINE_MAL_DEFER_LIST(mal_deferred_pages, mal_free_deferred);

static void mal_free_deferred(struct irq_work *work)
{
	struct llist_node *node;
	struct mal_page *desc;
	unsigned int left;

	for (left = MAL_DEFER_BATCH; left; left--) {
		node = mal_defer_first(&mal_deferred_pages);
		if (!node)
			return;
		desc = llist_entry(node, struct mal_page, deferred);
		if (likely(mal_page_clean(pfn_to_page(mal_page_pfn(desc)))))
			mal_release_whole(desc, desc->order);
		else
			mal_release(desc, desc->order);
	}
	mal_defer_again(&mal_deferred_pages);
}

/* Check a free, and take the block from its owner. */
static struct mal_page *mal_page_freed(struct page *page, unsigned int order,
				       unsigned long caller)
{
	struct mal_page *desc = mal_page_allocated(page, order, caller);

	if (unlikely(!desc))
		return NULL;
	trace_mal_mm_page_free(page, order);
	mal_zone_count_one(mal_page_section(desc)->zone, frees, order);
	if (unlikely(!mal_page_claim(desc, MAL_PAGE_USED, order, MAL_PAGE_PCP))) {
		mal_report_free(desc, order, caller);
		return NULL;
	}
	desc->list = MAL_NO_LIST;
	desc->caller = caller;
	return desc;
}

/**
 * mal_free_pages_slow() - free a block that this CPU's lists do not accept
 * @page: its first page
 * @order: the order it was allocated with
 * @caller: code address for a report
 *
 * Context: any.
 */
noinline void mal_free_pages_slow(struct page *page, unsigned int order,
				  unsigned long caller)
{
	struct mal_page *desc;

	desc = mal_page_freed(page, order, caller);
	if (unlikely(!desc))
		return;
	if (unlikely(in_nmi()))
		mal_defer_add(&mal_deferred_pages, &desc->deferred);
	else if (unlikely(mal_page_is_pinned(page)))
		mal_pcp_free_pinned(desc);
	else if (unlikely(!mal_page_clean(page)))
		mal_release(desc, order);
	else
		mal_pcp_free(desc, page, order);
}

/* This CPU's lists do not accept the block: leave them and find out why. */
static noinline void mal_free_rejected(struct mal_pcp *pcp, struct page *page,
				       unsigned int order,
				       unsigned long caller)
{
	mal_pcp_leave(pcp);
	mal_free_pages_slow(page, order, caller);
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
	if (unlikely(mal_is_instrumented() || !mal_pcp_enter(&pcp)))
		mal_free_pages_slow(page, order, _RET_IP_);
	else if (unlikely(!mal_pcp_accept(pcp, page, order)))
		mal_free_rejected(pcp, page, order, _RET_IP_);
	else
		mal_pcp_leave(pcp);
}
MAL_EXPORT(mal_free_pages);

/**
 * mal_free_pages_charged() - mal_free_pages_shared() that charges pinned pages
 * @page: as for mal_free_pages_shared()
 * @order: as for mal_free_pages_shared()
 * @account: ID of the account that is charged while pages are set aside, or
 *	MAL_NO_ACCOUNT
 * @caller: code address for a report
 *
 * Context: any but NMI.
 */
void mal_free_pages_charged(struct page *page, unsigned int order, u32 account,
			    unsigned long caller)
{
	struct mal_page *desc = mal_page_freed(page, order, caller);

	if (unlikely(!desc))
		return;
	if (mal_block_is_pinned(page, order))
		mal_release_charged(desc, order, account);
	else
		mal_pcp_free(desc, page, order);
}

/**
 * mal_free_pages_shared() - free a block with pages that others may reference
 * @page: its first page, or NULL
 * @order: the order it was allocated with
 *
 * For blocks that were mapped, or with pages that were put into a pipe or a bio
 * one by one. Each pinned page is set aside until its last reference is
 * dropped.
 *
 * Context: any but NMI.
 */
void mal_free_pages_shared(struct page *page, unsigned int order)
{
	if (page)
		mal_free_pages_charged(page, order, MAL_NO_ACCOUNT, _RET_IP_);
}
MAL_EXPORT(mal_free_pages_shared);

/* Free a block to the heap's lists, or take it out of the heap and free it. */
static noinline void mal_free_heap_slow(struct page *page, unsigned int order,
					unsigned long caller)
{
	struct mal_page *desc = mal_page_freed(page, order, caller);
	bool plain;

	if (unlikely(!desc))
		return;
	if (!in_nmi() && !mal_is_instrumented() && page_ref_count(page) == MAL_HEAP_REFS &&
	    mal_pcp_free_heap(desc, page, order))
		return;
	plain = mal_block_leave_heap(page, order, caller);
	if (unlikely(in_nmi()))
		mal_defer_add(&mal_deferred_pages, &desc->deferred);
	else if (unlikely(!plain || !mal_page_clean(page)))
		mal_release(desc, order);
	else
		mal_pcp_free(desc, page, order);
}

/**
 * mal_free_heap_pages() - free a block from mal_alloc_heap_pages()
 * @page: its first page, or NULL
 * @order: the order it was allocated with
 * @caller: code address for a report
 *
 * Context: any.
 */
void mal_free_heap_pages(struct page *page, unsigned int order,
			 unsigned long caller)
{
	if (likely(page) && unlikely(!mal_pcp_free_fast(page, order, MAL_HEAP_REFS)))
		mal_free_heap_slow(page, order, caller);
}

/**
 * mal_split_page() - split a block into allocations of one page each
 * @page: its first page
 * @order: the order it was allocated with
 *
 * Afterwards each page is freed by itself, with mal_free_page().
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
 * mal_page_alloc_exit() - wait for deferred frees
 *
 * Context: task; sleeps. No task allocates or frees any more.
 */
void mal_page_alloc_exit(void)
{
	irq_work_sync(&mal_deferred_pages.work);
}
