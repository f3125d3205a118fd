// SPDX-License-Identifier: GPL-2.0
/*
 * Loans: how much we hold of the host's memory, and when it goes back
 *
 * Cap. No more than that is borrowed; it may be changed at any time.
 *
 * Reserve. Some pages are borrowed at load and stay until unload. In the zones
 * that they lie in, so many free pages are kept for those who must not sleep
 * and may not fail lightly (__GFP_HIGH, which GFP_ATOMIC implies).
 *
 * When an allocation brings such a zone's free pages below the watermark "low",
 * a worker borrows more until they are at "high": so that those find their
 * reserve again who have used it, and may not borrow themselves.
 *
 * What was reserve and is freed may lie on a CPU's list for a while, as any block.
 *
 * Giving back. Free blocks go back to the host, the largest first, when its
 * shrinkers run, on request, and at unload; see mal_zone_withdraw(). What does
 * not come back by then is the business of leak.c.
 *
 * Locking: none here. mal_zone.lock is taken by buddy.c.
 *
 * Context: task, and sleeps, except where it says otherwise. The shrinker runs
 * in the host's reclaim, so nothing it calls allocates memory.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cpu.h>
#include <linux/gfp.h>
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/nodemask.h>
#include <linux/sched.h>
#include <linux/seq_file.h>
#include <linux/shrinker.h>
#include <linux/topology.h>
#include <linux/workqueue.h>

#include <uapi/linux/memalloc.h>

#include "internal/buddy.h"
#include "internal/compat.h"
#include "internal/kunit.h"
#include "internal/leak.h"
#include "internal/loan.h"
#include "internal/node.h"
#include "internal/pcp.h"
#include "internal/quarantine.h"
#include "internal/reclaim.h"
#include "internal/region.h"

/* The part of the cap that the CPUs' lists may hold. */
#define MAL_PCP_SHARE	16

static unsigned long mal_reserve_pages;
static struct shrinker *mal_shrinker;

/* When refilling was in vain, it is not tried again for so long. */
#define MAL_REFILL_PAUSE	(HZ / 10 + 1)

static unsigned long mal_refill_pause = INITIAL_JIFFIES;

static void mal_refill_work(struct work_struct *work);
static DECLARE_WORK(mal_refill, mal_refill_work);

/**
 * mal_loan_set_cap() - change the cap
 * @pages: the most that may be borrowed, see mal_region_set_cap()
 *
 * Context: any.
 */
void mal_loan_set_cap(unsigned long pages)
{
	mal_region_set_cap(pages);
	mal_pcp_set_budget(pages / MAL_PCP_SHARE);
}
MAL_EXPORT_FOR_KUNIT(mal_loan_set_cap);

/* One block goes back, or is found to be held. Returns false if none is to spare. */
static bool mal_zone_give_back(struct mal_zone *zone, unsigned long nr_pages,
			       unsigned long *returned)
{
	struct mal_page *desc;
	unsigned int order;

	desc = mal_zone_withdraw(zone, nr_pages - *returned, &order);
	if (!desc)
		return false;
	if (!mal_block_let_pass(desc))
		return true;
	mal_zone_disown(zone, desc, order);
	mal_region_return(pfn_to_page(mal_page_pfn(desc)), order);
	*returned += 1UL << order;
	return true;
}

static unsigned long mal_zone_shrink(struct mal_zone *zone, unsigned long nr_pages)
{
	unsigned long returned = 0;

	while (returned < nr_pages &&
	       mal_zone_give_back(zone, nr_pages, &returned))
		cond_resched();
	return returned;
}

static unsigned long mal_node_shrink(int nid, unsigned long nr_pages)
{
	unsigned long returned = 0;
	int type;

	mal_quarantine_sweep_all();
	mal_pcp_drain(nid, true);
	for (type = MEMALLOC_NR_ZONES - 1; type >= 0; type--)
		returned += mal_zone_shrink(&mal_nodes[nid]->zones[type],
					    nr_pages - returned);
	return returned;
}

/**
 * mal_loan_shrink() - give free pages back to the host
 * @nr_pages: at most so many; zero for all that can be spared
 *
 * Context: task; sleeps.
 * Return: pages given back.
 */
unsigned long mal_loan_shrink(unsigned long nr_pages)
{
	unsigned long returned = 0;
	int nid;

	if (!nr_pages)
		nr_pages = ULONG_MAX;
	for_each_node(nid)
		returned += mal_node_shrink(nid, nr_pages - returned);
	return returned;
}
MAL_EXPORT_FOR_KUNIT(mal_loan_shrink);

/* Free pages that lie in a zone, or here: without sleep. Returns whether there were. */
static bool mal_spare_pages(unsigned long nr_pages)
{
	unsigned long returned = 0;
	int nid, type;

	mal_pcp_drain_local(false);
	for_each_node(nid)
		for (type = MEMALLOC_NR_ZONES - 1; type >= 0; type--)
			while (returned < nr_pages &&
			       mal_zone_give_back(&mal_nodes[nid]->zones[type],
						  nr_pages, &returned))
				;
	return returned >= nr_pages;
}

/* What nobody uses, first what is in nobody's way, then everything. */
static bool mal_loan_make_room(unsigned long nr_pages, gfp_t gfp, bool all)
{
	mal_reclaim(gfp, all ? 0 : nr_pages);
	return mal_loan_shrink(nr_pages) >= nr_pages;
}

/**
 * mal_loan_charge_bytes() - charge what is to describe memory of ours
 * @bytes: about to be taken from the host
 * @gfp: how it may be had. If the cap is reached, free pages go back to the host
 *	for it; those who may sleep wait for what caches can spare. __GFP_HIGH may go
 *	beyond the cap: the reserve would be of no use without what describes it.
 *
 * Context: any but NMI; sleeps if @gfp allows it.
 * Return: true, to be undone by mal_region_uncharge_bytes(); or false.
 */
bool mal_loan_charge_bytes(size_t bytes, gfp_t gfp)
{
	unsigned long pages = (bytes >> PAGE_SHIFT) + 1;

	if (likely(mal_region_charge_bytes(bytes)))
		return true;
	if (mal_spare_pages(pages) && mal_region_charge_bytes(bytes))
		return true;
	if (gfp & __GFP_HIGH) {
		mal_region_charge_bytes_anyway(bytes);
		return true;
	}
	if (!gfpflags_allow_blocking(gfp))
		return false;
	return (mal_loan_make_room(pages, gfp, false) &&
		mal_region_charge_bytes(bytes)) ||
	       (mal_loan_make_room(pages, gfp, true) &&
		mal_region_charge_bytes(bytes));
}

/**
 * mal_loan_charge_other() - charge pages that are to be borrowed past the page allocator
 * @nr_pages: how many
 * @gfp: how they may be had, as for mal_loan_charge_bytes(); but none has more than
 *	the cap
 *
 * Context: any but NMI; sleeps if @gfp allows it.
 * Return: true, to be undone by mal_region_uncharge_other(); or false.
 */
bool mal_loan_charge_other(unsigned long nr_pages, gfp_t gfp)
{
	if (mal_region_charge_other(nr_pages))
		return true;
	if (!gfpflags_allow_blocking(gfp))
		return false;
	return (mal_loan_make_room(nr_pages, gfp, false) &&
		mal_region_charge_other(nr_pages)) ||
	       (mal_loan_make_room(nr_pages, gfp, true) &&
		mal_region_charge_other(nr_pages));
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

/* Whole blocks are worth more to the host than it asks for. */
static unsigned long mal_shrinker_scan(struct shrinker *shrinker,
				       struct shrink_control *sc)
{
	unsigned long nr_pages = max(sc->nr_to_scan, MAL_SECTION_PAGES);

	sc->nr_scanned = mal_node_shrink(sc->nid, nr_pages);
	return sc->nr_scanned ?: SHRINK_STOP;
}

static int mal_shrinker_init(void)
{
	int err;

	mal_shrinker = shrinker_alloc(SHRINKER_NUMA_AWARE, "memalloc");
	if (!mal_shrinker)
		return -ENOMEM;
	mal_shrinker->count_objects = mal_shrinker_count;
	mal_shrinker->scan_objects = mal_shrinker_scan;
	err = mal_shrinker_register(mal_shrinker, "memalloc");
	if (err)
		mal_shrinker_discard(mal_shrinker);
	return err;
}

/**
 * mal_borrowing_stats() - pages borrowed, and what became of them
 * @stats: filled in
 *
 * Context: any.
 */
void mal_borrowing_stats(struct memalloc_stats_borrowing *stats)
{
	mal_region_stats(stats);
	stats->reserve = mal_reserve_pages;
	stats->free = mal_free_total();
	stats->quarantined = mal_quarantine_count();
}
MAL_EXPORT_FOR_KUNIT(mal_borrowing_stats);

/**
 * mal_borrowing_show() - print the section "borrowing"
 * @m: /proc/memalloc
 *
 * Context: task.
 */
void mal_borrowing_show(struct seq_file *m)
{
	struct memalloc_stats_borrowing stats;

	mal_borrowing_stats(&stats);
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
}

/**
 * mal_page_validate() - check every invariant of every page
 * @checked: the number of things checked is added here
 *
 * Context: task; sleeps.
 * Return: how many of them were wrong. Each has been reported.
 */
u64 mal_page_validate(u64 *checked)
{
	flush_work(&mal_refill);
	mal_quarantine_sweep_all();
	mal_pcp_drain(NUMA_NO_NODE, true);
	return mal_zones_validate(checked);
}
MAL_EXPORT_FOR_KUNIT(mal_page_validate);

/* Borrow one block for the reserve. Returns how much of it counts. */
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
 * mal_loan_is_refilling() - may a zone have more in a moment?
 *
 * What the worker has under way is charged to the cap already, and not yet in a
 * zone.
 *
 * Context: any.
 * Return: true if the worker is at it, or about to be.
 */
bool mal_loan_is_refilling(void)
{
	return work_busy(&mal_refill);
}

/* The host's flags for memory of one zone and no other node. */
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
 * Borrow until a zone is at its high watermark. Returns false if nobody has any
 * more: the host may have served the wish from another zone, which is no help.
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
 * mal_loan_check() - see to it that a zone has its reserve
 * @zone: from which something was just allocated
 *
 * Context: any but NMI.
 */
void mal_loan_check(struct mal_zone *zone)
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
	mal_loan_shrink(0);
	mal_leak_report_all();
	mal_borrowing_stats(&stats);
	pr_info("%llu of %llu borrowed pages returned\n", stats.returned_total,
		stats.borrowed_total);
	mal_reserve_pages = 0;
}

/**
 * mal_loan_init() - take the reserve, and listen to the host's wish for memory
 * @reserve: pages to keep until unload
 *
 * Context: task; sleeps.
 * Return: 0, or -ENOMEM: the host, or the cap, does not allow the reserve.
 */
int mal_loan_init(unsigned long reserve)
{
	int err;

	err = mal_reserve_fill(reserve);
	if (err)
		pr_err("cannot borrow a reserve of %lu pages\n", reserve);
	else
		err = mal_shrinker_init();
	if (err)
		mal_return_all();
	return err;
}

/**
 * mal_loan_exit() - give everything back
 *
 * Context: task; sleeps. Nobody allocates or frees any more.
 */
void mal_loan_exit(void)
{
	shrinker_free(mal_shrinker);
	cancel_work_sync(&mal_refill);
	/* No CPU may be on its way out: its lists would be emptied too late. */
	cpus_read_lock();
	mal_pcp_drain(NUMA_NO_NODE, true);
	mal_quarantine_exit();
	mal_return_all();
	cpus_read_unlock();
}
