// SPDX-License-Identifier: GPL-2.0
/*
 * Borrowing: the amount of memory borrowed from the host, and its return
 *
 * This file decides on the amount; region.c takes blocks from the host.
 *
 * Cap. The maximum of borrowed pages and metadata. It may be changed at any
 * time.
 *
 * Reserve. Some pages are borrowed at load and kept until unload. The zones
 * that contain them keep the same number of free pages for callers that must
 * not sleep and should not fail (__GFP_HIGH, which GFP_ATOMIC implies).
 *
 * If an allocation brings the free pages of such a zone below the watermark
 * "low", a worker borrows more until they reach "high". This refills the
 * reserve for callers that used it and that may not be able to borrow
 * themselves.
 *
 * Freed pages of the reserve may stay on a CPU's list for a while, like any
 * block.
 *
 * Return. Free blocks are returned to the host, the largest first, when the
 * host runs its shrinkers, on request, and at unload; see
 * mal_zone_take_largest(). Pages that are still allocated at unload are handled
 * by leak.c.
 *
 * Locking: none here. mal_zone.lock is taken by buddy.c.
 *
 * Context: task, and sleeps, unless a function says otherwise. The shrinker
 * runs in the host's reclaim, so nothing it calls allocates memory.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cpu.h>
#include <linux/gfp.h>
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/nodemask.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/seq_file.h>
#include <linux/shrinker.h>
#include <linux/topology.h>
#include <linux/workqueue.h>

#include <uapi/linux/memalloc.h>

#include "internal/borrow.h"
#include "internal/buddy.h"
#include "internal/compat.h"
#include "internal/delay.h"
#include "internal/kunit.h"
#include "internal/leak.h"
#include "internal/node.h"
#include "internal/pcp.h"
#include "internal/pinned.h"
#include "internal/reclaim.h"
#include "internal/region.h"
#include "internal/report.h"
#include "internal/tally.h"

/* The CPUs' lists may contain 1/16 of the cap. */
#define MAL_PCP_SHARE	16

static unsigned long mal_reserve_pages;
static struct shrinker *mal_shrinker;

/* Minimum interval between refills after one has failed, in jiffies. */
#define MAL_REFILL_PAUSE	(HZ / 10 + 1)

/* A charge that does not sleep returns at most this many pages to make room. */
#define MAL_RETURN_SOME		64UL

static unsigned long mal_refill_pause = INITIAL_JIFFIES;

static void mal_refill_work(struct work_struct *work);
static DECLARE_WORK(mal_refill, mal_refill_work);

/**
 * mal_borrow_set_cap() - change the cap
 * @pages: maximum number of borrowed pages, see mal_region_set_cap()
 *
 * Context: any.
 */
void mal_borrow_set_cap(unsigned long pages)
{
	mal_region_set_cap(pages);
	mal_pcp_set_budget(pages / MAL_PCP_SHARE);
}
MAL_EXPORT_FOR_KUNIT(mal_borrow_set_cap);

/*
 * Return one block to the host, unless it is found to be pinned. Returns false
 * if the zone has no block to spare.
 */
static bool mal_zone_return(struct mal_zone *zone, unsigned long nr_pages,
			    unsigned long *returned)
{
	struct mal_page *desc;
	unsigned int order;

	desc = mal_zone_take_largest(zone, nr_pages - *returned, &order);
	if (!desc)
		return false;
	if (!mal_block_accept(desc))
		return true;
	mal_delay(MAL_DELAY_BLOCK_RETURNED);
	mal_zone_disown(zone, desc, order);
	mal_region_return(pfn_to_page(mal_page_pfn(desc)), order);
	*returned += 1UL << order;
	return true;
}

/*
 * The number of pages free at the start limits both the pages and the blocks
 * tried, even if other CPUs keep freeing pages, because some blocks may be
 * pinned.
 */
static unsigned long mal_zone_shrink(struct mal_zone *zone, unsigned long nr_pages,
				     bool killable)
{
	unsigned long returned = 0, tries = READ_ONCE(zone->free_pages);

	nr_pages = min(nr_pages, tries);
	while (returned < nr_pages && tries-- &&
	       !(killable && fatal_signal_pending(current)) &&
	       mal_zone_return(zone, nr_pages, &returned))
		cond_resched();
	return returned;
}

static unsigned long mal_zones_shrink(int nid, unsigned long nr_pages, bool killable)
{
	unsigned long returned = 0;
	int type;

	for (type = MEMALLOC_NR_ZONES - 1; type >= 0; type--)
		returned += mal_zone_shrink(&mal_nodes[nid]->zones[type],
					    nr_pages - returned, killable);
	return returned;
}

/*
 * Return up to @most pages. Drain the CPUs' lists only if the zones do not have
 * @enough: pages on the lists are about to be reused, and the drain resets the
 * capacity of the lists.
 */
static unsigned long mal_node_shrink(int nid, unsigned long enough,
				     unsigned long most, bool killable)
{
	unsigned long returned = 0;

	if (most != ULONG_MAX)
		returned = mal_zones_shrink(nid, most, killable);
	if (returned >= enough)
		return returned;
	mal_pinned_sweep_all();
	mal_pcp_drain(nid, true);
	return returned + mal_zones_shrink(nid, most - returned, killable);
}

static unsigned long mal_nodes_shrink(unsigned long nr_pages, bool killable)
{
	unsigned long returned = 0;
	int nid;

	if (!nr_pages)
		nr_pages = ULONG_MAX;
	for_each_node(nid)
		returned += mal_node_shrink(nid, nr_pages - returned,
					    nr_pages - returned, killable);
	return returned;
}

/**
 * mal_borrow_shrink() - return free pages to the host
 * @nr_pages: maximum number of pages; zero for all that can be spared
 *
 * Context: task; sleeps.
 * Return: number of pages returned.
 */
unsigned long mal_borrow_shrink(unsigned long nr_pages)
{
	return mal_nodes_shrink(nr_pages, false);
}
MAL_EXPORT_FOR_KUNIT(mal_borrow_shrink);

/**
 * mal_borrow_shrink_killable() - mal_borrow_shrink(), ended by a fatal signal
 * @nr_pages: as for mal_borrow_shrink()
 *
 * Context: task; sleeps.
 * Return: number of pages returned.
 */
unsigned long mal_borrow_shrink_killable(unsigned long nr_pages)
{
	return mal_nodes_shrink(nr_pages, true);
}

/*
 * Return free pages to the host, of the zones and of this CPU's lists, without
 * sleeping. Returns true if there were enough.
 */
static bool mal_borrow_return_some(unsigned long nr_pages)
{
	unsigned long returned = 0;
	int nid, type;

	mal_pcp_drain_local(false);
	for_each_node(nid)
		for (type = MEMALLOC_NR_ZONES - 1; type >= 0; type--)
			while (returned < nr_pages &&
			       mal_zone_return(&mal_nodes[nid]->zones[type],
					       nr_pages, &returned))
				;
	return returned >= nr_pages;
}

/* Reclaim unused pages and return them. With @all, drain all CPUs. */
static bool mal_borrow_make_room(unsigned long nr_pages, gfp_t gfp, bool all)
{
	unsigned int order = order_base_2(nr_pages);

	if (!all)
		mal_reclaim(gfp, nr_pages);
	else if (!mal_reclaim_all(gfp, order))
		return false;
	if (mal_borrow_shrink(nr_pages) >= nr_pages)
		return true;
	if (all)
		mal_reclaim_failed(order);
	return false;
}

/**
 * mal_borrow_charge_bytes() - charge metadata, and make room if necessary
 * @bytes: number of bytes about to be allocated from the host for data about
 *	slabs, sheaves, chunks or areas
 * @gfp: flags of the allocation
 *
 * If the cap is reached, free pages are returned to the host. Callers that may
 * sleep also reclaim from caches; a task that is being killed does not drain
 * all CPUs for a large charge. __GFP_HIGH may exceed the cap, because the
 * reserve is useless without that data.
 *
 * Context: any but NMI; sleeps if @gfp allows it.
 * Return: true, to be undone by mal_region_uncharge_bytes(); or false.
 */
bool mal_borrow_charge_bytes(size_t bytes, gfp_t gfp)
{
	unsigned long pages = (bytes >> PAGE_SHIFT) + 1;

	if (likely(mal_region_try_charge_bytes(bytes)))
		return true;
	if (pages <= MAL_RETURN_SOME && mal_borrow_return_some(pages) &&
	    mal_region_try_charge_bytes(bytes))
		return true;
	if (gfp & __GFP_HIGH) {
		mal_region_charge_bytes(bytes);
		return true;
	}
	if (!gfpflags_allow_blocking(gfp))
		return false;
	if (mal_borrow_make_room(pages, gfp, false) &&
	    mal_region_try_charge_bytes(bytes))
		return true;
	if (pages > MAL_RETURN_SOME && !(gfp & __GFP_NOFAIL) &&
	    fatal_signal_pending(current))
		return false;
	return mal_borrow_make_room(pages, gfp, true) &&
	       mal_region_try_charge_bytes(bytes);
}
MAL_EXPORT_FOR_KUNIT(mal_borrow_charge_bytes);

/**
 * mal_borrow_charge_other() - charge pages, and make room if necessary
 * @nr_pages: number of pages about to be borrowed without the page allocator
 * @gfp: flags of the allocation
 *
 * If the cap is reached, callers that may sleep reclaim from caches and return
 * free pages to the host. No flag exceeds the cap.
 *
 * Context: any but NMI; sleeps if @gfp allows it.
 * Return: true, to be undone by mal_region_uncharge_other(); or false.
 */
bool mal_borrow_charge_other(unsigned long nr_pages, gfp_t gfp)
{
	if (mal_region_try_charge_other(nr_pages))
		return true;
	if (!gfpflags_allow_blocking(gfp))
		return false;
	return (mal_borrow_make_room(nr_pages, gfp, false) &&
		mal_region_try_charge_other(nr_pages)) ||
	       (mal_borrow_make_room(nr_pages, gfp, true) &&
		mal_region_try_charge_other(nr_pages));
}

static unsigned long mal_shrinker_count(struct shrinker *shrinker,
					struct shrink_control *sc)
{
	unsigned long count = mal_pcp_pages(sc->nid);
	int type;

	for (type = 0; type < MEMALLOC_NR_ZONES; type++) {
		struct mal_zone *zone = &mal_nodes[sc->nid]->zones[type];
		unsigned long free = READ_ONCE(zone->free_pages);
		unsigned long reserve = READ_ONCE(zone->reserve);

		count += free - min(free, reserve);
	}
	return count ?: SHRINK_EMPTY;
}

/* Return more than requested: whole blocks are worth more to the host. */
static unsigned long mal_shrinker_scan(struct shrinker *shrinker,
				       struct shrink_control *sc)
{
	unsigned long nr_pages = max(sc->nr_to_scan, MAL_SECTION_PAGES);

	sc->nr_scanned = mal_node_shrink(sc->nid, sc->nr_to_scan, nr_pages, false);
	return sc->nr_scanned ?: SHRINK_STOP;
}

/**
 * mal_borrow_stats() - get the statistics of borrowing
 * @stats: filled in
 *
 * Context: any.
 */
void mal_borrow_stats(struct memalloc_stats_borrowing *stats)
{
	mal_region_stats(stats);
	stats->reserve = mal_reserve_pages;
	stats->free = mal_free_total();
	stats->quarantined = mal_pinned_pages();
}
MAL_EXPORT_FOR_KUNIT(mal_borrow_stats);

/**
 * mal_borrow_show() - print the section "borrowing"
 * @m: /proc/memalloc
 *
 * Context: task.
 */
void mal_borrow_show(struct seq_file *m)
{
	struct memalloc_stats_borrowing stats;

	mal_borrow_stats(&stats);
	seq_puts(m, "\n[borrowing]\n");
	seq_printf(m, "%-20s %llu\n", "page_size", stats.page_size);
	seq_printf(m, "%-20s %llu\n", "borrowed", stats.borrowed);
	seq_printf(m, "%-20s %llu\n", "cap", stats.cap);
	seq_printf(m, "%-20s %llu\n", "reserve", stats.reserve);
	seq_printf(m, "%-20s %llu\n", "peak", stats.peak);
	seq_printf(m, "%-20s %llu\n", "borrowed_total", stats.borrowed_total);
	seq_printf(m, "%-20s %llu\n", "returned_total", stats.returned_total);
	seq_printf(m, "%-20s %llu\n", "free", stats.free);
	seq_printf(m, "%-20s %llu\n", "quarantined", stats.quarantined);
	seq_printf(m, "%-20s %llu\n", "metadata_bytes", stats.metadata_bytes);
	seq_printf(m, "%-20s %llu\n", "refused_cap", stats.refused_cap);
	seq_printf(m, "%-20s %llu\n", "refused_host", stats.refused_host);
	seq_printf(m, "%-20s %lu\n", "sections", mal_region_sections());
	seq_printf(m, "%-20s %llu\n", "account_ignored", mal_report_uncharged_count());
	seq_printf(m, "%-20s %llu\n", "lost_total", stats.lost_total);
}

/**
 * mal_page_validate() - check every invariant of every page
 * @checked: the number of checks is added here
 *
 * Context: task; sleeps.
 * Return: the number of failed checks. Each has been reported.
 */
u64 mal_page_validate(u64 *checked)
{
	struct mal_tally tally = { };

	flush_work(&mal_refill);
	mal_pinned_settle();
	mal_pcp_drain(NUMA_NO_NODE, true);
	mal_zones_validate(&tally);
	*checked += tally.checked;
	return tally.errors;
}
MAL_EXPORT_FOR_KUNIT(mal_page_validate);

/*
 * Borrow one block for the reserve. Returns the number of its pages that count.
 */
static unsigned long mal_reserve_block(unsigned long nr_pages)
{
	struct mal_zone *zone;
	unsigned int order;
	struct page *page;
	unsigned long flags;

	page = mal_region_borrow(numa_mem_id(), GFP_KERNEL | __GFP_NOWARN, 0,
				 &order);
	if (!page)
		return 0;
	nr_pages = min(nr_pages, 1UL << order);
	zone = mal_zone_of_page(page);
	mal_zone_add(zone, mal_page_of(page), order);
	spin_lock_irqsave(&zone->lock, flags);
	zone->reserve += nr_pages;
	spin_unlock_irqrestore(&zone->lock, flags);
	return nr_pages;
}

static int mal_reserve_fill(unsigned long nr_pages)
{
	while (mal_reserve_pages < nr_pages) {
		unsigned long got = mal_reserve_block(nr_pages - mal_reserve_pages);

		if (!got)
			return -ENOMEM;
		mal_reserve_pages += got;
		cond_resched();
	}
	return 0;
}

/**
 * mal_borrow_is_refilling() - is the reserve being refilled?
 *
 * Pages on their way to a zone are already charged to the cap, and not yet free
 * in the zone.
 *
 * Context: any.
 * Return: true if the worker runs or is scheduled.
 */
bool mal_borrow_is_refilling(void)
{
	return work_busy(&mal_refill);
}

/* The host's gfp flags for memory of one zone on one node. */
static gfp_t mal_zone_gfp(const struct mal_zone *zone)
{
	static const gfp_t flags[MEMALLOC_NR_ZONES] = {
		[MEMALLOC_ZONE_DMA] = GFP_DMA,
		[MEMALLOC_ZONE_DMA32] = GFP_DMA32,
		[MEMALLOC_ZONE_NORMAL] = 0,
	};

	return GFP_KERNEL | __GFP_NORETRY | __GFP_THISNODE | flags[zone->type];
}

/*
 * Borrow until a zone is at its high watermark. Returns false if the host has
 * no more. A page from another zone also ends the refill, as it does not help.
 */
static bool mal_zone_refill(struct mal_zone *zone)
{
	unsigned int order;
	struct page *page;

	while (READ_ONCE(zone->free_pages) < mal_zone_high(zone)) {
		page = mal_region_borrow(zone->nid, mal_zone_gfp(zone), 0, &order);
		if (!page)
			return false;
		if (mal_zone_of_page(page) != zone) {
			mal_region_return(page, order);
			return false;
		}
		mal_zone_add(zone, mal_page_of(page), order);
		cond_resched();
	}
	return true;
}

static void mal_refill_work(struct work_struct *work)
{
	int nid, type;

	for_each_node(nid) {
		for (type = 0; type < MEMALLOC_NR_ZONES; type++) {
			struct mal_zone *zone = &mal_nodes[nid]->zones[type];

			if (READ_ONCE(zone->free_pages) >= mal_zone_low(zone) ||
			    mal_zone_refill(zone))
				continue;
			mal_pcp_drain(nid, true);
			WRITE_ONCE(mal_refill_pause, jiffies + MAL_REFILL_PAUSE);
		}
	}
}

/**
 * mal_borrow_check() - refill the reserve of a zone if necessary
 * @zone: the zone of the last allocation
 *
 * Context: any but NMI.
 */
void mal_borrow_check(struct mal_zone *zone)
{
	if (unlikely(READ_ONCE(zone->free_pages) < mal_zone_low(zone)) &&
	    time_after_eq(jiffies, READ_ONCE(mal_refill_pause)))
		schedule_work(&mal_refill);
}

static void mal_return_all(void)
{
	struct memalloc_stats_borrowing stats;
	int nid, type;

	for_each_node(nid)
		for (type = 0; type < MEMALLOC_NR_ZONES; type++)
			mal_nodes[nid]->zones[type].reserve = 0;
	mal_borrow_shrink(0);
	/* The shrink may have found pinned pages and scheduled the sweep. */
	mal_pinned_exit();
	mal_page_leak_report_all();
	mal_borrow_stats(&stats);
	if (stats.lost_total)
		pr_err("%llu of %llu borrowed pages returned, %llu lost\n",
		       stats.returned_total, stats.borrowed_total, stats.lost_total);
	else
		pr_info("%llu of %llu borrowed pages returned\n",
			stats.returned_total, stats.borrowed_total);
	mal_reserve_pages = 0;
}

/* At load, only the reserve can exceed the cap. */
static void mal_reserve_refused(unsigned long reserve)
{
	struct memalloc_stats_borrowing stats;

	mal_borrow_stats(&stats);
	if (stats.refused_cap)
		pr_err("a reserve of %lu pages and its metadata exceed the cap of %llu pages\n",
		       reserve, stats.cap);
	else
		pr_err("cannot borrow a reserve of %lu pages\n", reserve);
}

/**
 * mal_borrow_init() - borrow the reserve, and register the shrinker
 * @reserve: number of pages to keep until unload
 *
 * Context: task; sleeps.
 * Return: 0, or -ENOMEM if the reserve cannot be borrowed from the host within
 * the cap, or the shrinker cannot be allocated.
 */
int mal_borrow_init(unsigned long reserve)
{
	int err;

	err = mal_reserve_fill(reserve);
	if (err) {
		mal_reserve_refused(reserve);
		goto err_return;
	}
	mal_shrinker = mal_shrinker_create(SHRINKER_NUMA_AWARE, "memalloc",
					   mal_shrinker_count, mal_shrinker_scan);
	if (mal_shrinker)
		return 0;
	err = -ENOMEM;

err_return:
	mal_return_all();
	return err;
}

/**
 * mal_borrow_exit() - return all memory
 *
 * Context: task; sleeps. No task allocates or frees any more.
 */
void mal_borrow_exit(void)
{
	shrinker_free(mal_shrinker);
	cancel_work_sync(&mal_refill);
	/*
	 * Block CPU hotplug: the lists of a dying CPU would be emptied too
	 * late.
	 */
	cpus_read_lock();
	mal_pcp_drain(NUMA_NO_NODE, true);
	mal_return_all();
	cpus_read_unlock();
}
