// SPDX-License-Identifier: GPL-2.0
/*
 * Validation: is all of a zone as it should be?
 *
 * A zone may be large and its lock is held with interrupts off, so it is
 * looked at a section at a time. What is true of a section at any time is
 * checked for each; the sums over all of them are checked only if nothing has
 * changed the zone in between.
 *
 * However broken a zone is, this comes to an end: no list is followed, and after
 * MAL_ERRORS_ENOUGH errors nothing more is looked at.
 *
 * Locking: mal_zone.lock, for one section at a time.
 *
 * Context: task; sleeps.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/kernel.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/page_ref.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/spinlock.h>

#include "internal/buddy.h"
#include "internal/region.h"
#include "internal/report.h"

/* So many errors in a zone tell as much as all of them. */
#define MAL_ERRORS_ENOUGH	100

/**
 * struct mal_tally - what a validation has seen of a zone
 * @zone: the zone
 * @blocks: free blocks by order
 * @pages: pages borrowed
 * @free: pages in @blocks
 * @checked: things looked at
 * @errors: of those, wrong
 */
struct mal_tally {
	struct mal_zone *zone;
	unsigned long blocks[MAL_NR_ORDERS];
	unsigned long pages;
	unsigned long free;
	u64 checked;
	u64 errors;
};

__printf(3, 4)
static void mal_tally_check(struct mal_tally *tally, bool ok,
			    const char *fmt, ...)
{
	struct va_format vaf;
	va_list args;

	tally->checked++;
	if (likely(ok))
		return;
	tally->errors++;
	va_start(args, fmt);
	vaf.fmt = fmt;
	vaf.va = &args;
	mal_report(MAL_REPORT_CORRUPTION, 0, "node %d zone %d: %pV",
		   tally->zone->nid, tally->zone->type, &vaf);
	va_end(args);
}

static bool mal_tally_has_enough(const struct mal_tally *tally)
{
	return tally->errors >= MAL_ERRORS_ENOUGH;
}

static void mal_tally_refs(struct mal_tally *tally, struct mal_page *desc)
{
	struct page *page = pfn_to_page(mal_page_pfn(desc));

	tally->checked++;
	if (unlikely(page_ref_count(page) < MAL_PAGE_REFS)) {
		tally->errors++;
		mal_page_mend(page, 0);
	}
}

static void mal_tally_free_block(struct mal_tally *tally, struct mal_page *desc)
{
	struct mal_section *section = mal_page_section(desc);
	struct mal_page *pages = section->pages;
	struct mal_page *buddy = &pages[desc->index ^ (1U << desc->order)];
	bool linked = desc->link.next->prev == &desc->link &&
		      desc->link.prev->next == &desc->link;

	tally->blocks[desc->order]++;
	tally->free += 1UL << desc->order;
	mal_tally_check(tally, linked && section->orders & BIT(desc->order),
			"free block %u is not on its list", desc->index);
	mal_tally_check(tally, desc->order == MAL_MAX_ORDER ||
			!mal_page_is(buddy, MAL_PAGE_FREE, desc->order),
			"free blocks %u and %u of order %u are not merged",
			desc->index, buddy->index, desc->order);
}

/* Look at the block that begins here. Returns the number of its pages. */
static unsigned int mal_tally_block(struct mal_tally *tally,
				    struct mal_page *desc)
{
	bool sound = desc->state > MAL_PAGE_TAIL &&
		     desc->order <= MAL_MAX_ORDER &&
		     IS_ALIGNED(desc->index, 1U << desc->order);
	enum mal_page_state tail = desc->state == MAL_PAGE_SLAB ?
				   MAL_PAGE_SLAB : MAL_PAGE_TAIL;
	unsigned int i, nr = sound ? 1U << desc->order : 1;

	if (desc->state == MAL_PAGE_FOREIGN)
		return 1;
	mal_tally_check(tally, sound,
			"page %u in state %u cannot begin a block of order %u",
			desc->index, desc->state, desc->order);
	for (i = 1; i < nr; i++)
		mal_tally_check(tally, desc[i].state == tail,
				"page %u inside block %u is in state %u",
				desc[i].index, desc->index, desc[i].state);
	if (sound && desc->state == MAL_PAGE_FREE)
		mal_tally_free_block(tally, desc);
	for (i = 0; i < nr; i++)
		mal_tally_refs(tally, &desc[i]);
	tally->pages += nr;
	return nr;
}

/* Is a section with so many free pages where it is looked for? */
static void mal_tally_filing(struct mal_tally *tally,
			     const struct mal_section *section, unsigned long free)
{
	bool filed = !list_empty(&section->link);

	mal_tally_check(tally, free == section->free,
			"%lu free pages in section %#lx, but %lu counted", free,
			section->first_pfn, section->free);
	mal_tally_check(tally, filed == !!free, "section %#lx with %lu free pages is %sfiled",
			section->first_pfn, free, filed ? "" : "not ");
	if (!filed || !section->orders)
		return;
	mal_tally_check(tally, section->top == __fls(section->orders) &&
			section->group == mal_section_group(section) &&
			tally->zone->groups[section->top] & BIT(section->group),
			"section %#lx is filed as %u %u", section->first_pfn,
			section->top, section->group);
}

static void mal_tally_section(struct mal_tally *tally,
			      struct mal_section *section)
{
	unsigned long flags, free = tally->free;
	unsigned int i;

	spin_lock_irqsave(&tally->zone->lock, flags);
	for (i = 0; i < MAL_SECTION_PAGES && !mal_tally_has_enough(tally); )
		i += mal_tally_block(tally, &section->pages[i]);
	if (i == MAL_SECTION_PAGES)
		mal_tally_filing(tally, section, tally->free - free);
	spin_unlock_irqrestore(&tally->zone->lock, flags);
}

static void mal_tally_sections(struct mal_tally *tally)
{
	unsigned long nr;

	for (nr = 0; nr < mal_section_table.nr && !mal_tally_has_enough(tally); nr++) {
		struct mal_section *section;

		rcu_read_lock();
		section = mal_section_at(nr);
		if (section && READ_ONCE(section->zone) == tally->zone)
			mal_tally_section(tally, section);
		rcu_read_unlock();
		cond_resched();
	}
}

static void mal_tally_sums(struct mal_tally *tally)
{
	struct mal_zone *zone = tally->zone;
	unsigned int order;

	for (order = 0; order < MAL_NR_ORDERS; order++)
		mal_tally_check(tally, tally->blocks[order] == zone->blocks[order],
				"%lu free blocks of order %u, but %lu counted",
				tally->blocks[order], order, zone->blocks[order]);
	mal_tally_check(tally, tally->free == zone->free_pages,
			"%lu free pages, but %lu counted", tally->free,
			zone->free_pages);
	mal_tally_check(tally, tally->pages == zone->pages,
			"%lu pages, but %lu counted", tally->pages, zone->pages);
}

/**
 * mal_zone_validate() - check every invariant of a zone
 * @zone: the zone
 * @checked: the number of things checked is added here
 *
 * Safe while the zone is in use.
 *
 * Context: task; sleeps.
 * Return: how many of them were wrong, of those looked at. Each has been reported.
 */
u64 mal_zone_validate(struct mal_zone *zone, u64 *checked)
{
	struct mal_tally tally = { .zone = zone };
	unsigned long changes = READ_ONCE(zone->changes);
	unsigned long flags;

	mal_tally_sections(&tally);
	spin_lock_irqsave(&zone->lock, flags);
	if (zone->changes == changes && !mal_tally_has_enough(&tally))
		mal_tally_sums(&tally);
	spin_unlock_irqrestore(&zone->lock, flags);
	*checked += tally.checked;
	return tally.errors;
}
