// SPDX-License-Identifier: GPL-2.0
/*
 * Validation: check the invariants of a zone
 *
 * A zone may be large and its lock is held with interrupts off, so at most
 * MAL_TALLY_PAGES pages are checked in one critical section. The zone may
 * change between two of them. The walk then continues with the block that
 * contains the next page, and skips the checks of a section, or of the zone, as
 * a whole.
 *
 * The walk terminates even if the zone is corrupt: it follows no list, and
 * stops after MAL_ERRORS_ENOUGH errors.
 *
 * Locking: mal_zone.lock.
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
#include "internal/tally.h"

/* Stop the validation of a zone after this many errors. */
#define MAL_ERRORS_ENOUGH	100

/* Maximum number of pages checked in one critical section. */
#define MAL_TALLY_PAGES		64U

/**
 * struct mal_zone_tally - totals of the validation of a zone
 * @zone: the zone
 * @blocks: number of free blocks, by order
 * @pages: number of borrowed pages
 * @free: number of pages in @blocks
 * @tally: the result
 * @limit: number of errors that ends the validation
 */
struct mal_zone_tally {
	struct mal_zone *zone;
	unsigned long blocks[MAL_NR_ORDERS];
	unsigned long pages;
	unsigned long free;
	struct mal_tally *tally;
	u64 limit;
};

#define mal_zone_check(zt, ok, fmt, ...)				\
	mal_tally_check((zt)->tally, ok, "node %d zone %d: " fmt,	\
			(zt)->zone->nid, (zt)->zone->type, ##__VA_ARGS__)

static bool mal_zone_check_stops(const struct mal_zone_tally *zt)
{
	return zt->tally->errors >= zt->limit || fatal_signal_pending(current);
}

static void mal_zone_check_refs(struct mal_zone_tally *zt,
				struct mal_page *desc)
{
	struct page *page = pfn_to_page(mal_page_pfn(desc));
	int refs = page_ref_count(page);

	zt->tally->checked++;
	if (likely(refs >= mal_refs_base(refs)))
		return;
	zt->tally->errors++;
	/* A lost page remains accounted until its owner frees it. */
	if (!mal_page_repair(page, 0))
		mal_report(MAL_REPORT_LOST_REFERENCE, 0,
			   "the host has taken a page of ours, its count is %d", refs);
}

static void mal_zone_check_free_block(struct mal_zone_tally *zt,
				      struct mal_page *desc)
{
	struct mal_section *section = mal_page_section(desc);
	struct mal_page *pages = section->pages;
	struct mal_page *buddy = &pages[desc->index ^ (1U << desc->order)];
	bool linked = desc->link.next->prev == &desc->link &&
		      desc->link.prev->next == &desc->link;

	zt->blocks[desc->order]++;
	zt->free += 1UL << desc->order;
	mal_zone_check(zt, linked && section->orders & BIT(desc->order),
		       "free block %u is not on its list", desc->index);
	mal_zone_check(zt, desc->order == MAL_MAX_ORDER ||
		       !mal_page_is(buddy, MAL_PAGE_FREE, desc->order),
		       "free blocks %u and %u of order %u are not merged",
		       desc->index, buddy->index, desc->order);
}

/* Does this copy of a descriptor describe the first page of a block? */
static bool mal_block_is_sound(const struct mal_page *page)
{
	return page->state > MAL_PAGE_TAIL && page->order <= MAL_MAX_ORDER &&
	       IS_ALIGNED(page->index, 1U << page->order);
}

/*
 * Find the first page of the block that contains page @index; the page itself
 * if there is none. The owner of a block may change it meanwhile, so the result
 * is a copy of the descriptor.
 */
static struct mal_page mal_zone_check_find(struct mal_section *section,
					   unsigned int index)
{
	struct mal_page page = mal_page_peek(&section->pages[index]);
	bool foreign = page.state == MAL_PAGE_FOREIGN;
	unsigned int order;

	for (order = 0; order < MAL_NR_ORDERS; order++) {
		unsigned int begin = round_down(index, 1U << order);
		struct mal_page first = mal_page_peek(&section->pages[begin]);

		/* Only a block that is changing can have foreign pages. */
		if (mal_block_is_sound(&first) && first.order >= order &&
		    (!foreign || first.state == MAL_PAGE_CHANGING))
			return first;
	}
	return page;
}

/* Check the pages from @from up to @to of a sound block. */
static void mal_zone_check_inside(struct mal_zone_tally *zt,
				  struct mal_section *section,
				  const struct mal_page *first,
				  unsigned int from, unsigned int to)
{
	enum mal_page_state tail = first->state == MAL_PAGE_SLAB ?
				   MAL_PAGE_SLAB : MAL_PAGE_TAIL;

	if (first->state == MAL_PAGE_CHANGING)
		return;
	for (; from < to; from++) {
		struct mal_page page = mal_page_peek(&section->pages[from]);

		if (from != first->index)
			mal_zone_check(zt, page.state == tail,
				       "page %u inside block %u is in state %u",
				       from, first->index, page.state);
		mal_zone_check_refs(zt, &section->pages[from]);
	}
}

/*
 * Check the block that contains page @from, up to page @to. Returns the next
 * page.
 */
static unsigned int mal_zone_check_block(struct mal_zone_tally *zt,
					 struct mal_section *section,
					 unsigned int from, unsigned int to)
{
	struct mal_page first = mal_zone_check_find(section, from);
	bool sound = mal_block_is_sound(&first);

	if (first.state == MAL_PAGE_FOREIGN)
		return from + 1;
	if (first.index == from)
		mal_zone_check(zt, sound,
			       "page %u in state %u cannot begin a block of order %u",
			       from, first.state, first.order);
	if (first.index == from && sound && first.state == MAL_PAGE_FREE)
		mal_zone_check_free_block(zt, &section->pages[from]);
	to = min(to, first.index + (sound ? 1U << first.order : 1));
	mal_zone_check_inside(zt, section, &first, from, to);
	zt->pages += to - from;
	return to;
}

/* Check that a section with @free free pages is on the right list. */
static void mal_zone_check_list(struct mal_zone_tally *zt,
				const struct mal_section *section,
				unsigned long free)
{
	bool listed = !list_empty(&section->link);

	mal_zone_check(zt, free == section->free,
		       "%lu free pages in section %#lx, but %lu counted", free,
		       section->first_pfn, section->free);
	mal_zone_check(zt, listed == !!free, "section %#lx with %lu free pages is %son a list",
		       section->first_pfn, free, listed ? "" : "not ");
	if (!listed || !section->orders)
		return;
	mal_zone_check(zt, section->top == __fls(section->orders) &&
		       section->group == mal_section_group(section) &&
		       zt->zone->groups[section->top] & BIT(section->group),
		       "section %#lx is on list %u %u", section->first_pfn,
		       section->top, section->group);
}

/* Check a batch of pages from @from on. Returns the next page. */
static unsigned int mal_zone_check_some(struct mal_zone_tally *zt,
					struct mal_section *section,
					unsigned int from)
	__must_hold(&zt->zone->lock)
{
	unsigned int to = min_t(unsigned int, from + MAL_TALLY_PAGES, MAL_SECTION_PAGES);

	while (from < to && !mal_zone_check_stops(zt))
		from = mal_zone_check_block(zt, section, from, to);
	return from;
}

static void mal_zone_check_section(struct mal_zone_tally *zt,
				   struct mal_section *section)
{
	struct mal_zone *zone = zt->zone;
	/* If this number is old, the list is not checked. */
	unsigned long changes = mal_peek(zone->changes);
	unsigned long flags, free = zt->free;
	unsigned int next = 0;

	do {
		spin_lock_irqsave(&zone->lock, flags);
		next = mal_zone_check_some(zt, section, next);
		if (next == MAL_SECTION_PAGES && zone->changes == changes)
			mal_zone_check_list(zt, section, zt->free - free);
		spin_unlock_irqrestore(&zone->lock, flags);
	} while (next < MAL_SECTION_PAGES && !mal_zone_check_stops(zt));
}

static void mal_zone_check_sections(struct mal_zone_tally *zt)
{
	unsigned long nr;

	for (nr = 0; nr < mal_section_table.nr && !mal_zone_check_stops(zt); nr++) {
		struct mal_section *section;

		rcu_read_lock();
		section = mal_section_at(nr);
		if (section && READ_ONCE(section->zone) == zt->zone)
			mal_zone_check_section(zt, section);
		rcu_read_unlock();
		cond_resched();
	}
}

static void mal_zone_check_sums(struct mal_zone_tally *zt)
{
	struct mal_zone *zone = zt->zone;
	unsigned int order;

	for (order = 0; order < MAL_NR_ORDERS; order++)
		mal_zone_check(zt, zt->blocks[order] == zone->blocks[order],
			       "%lu free blocks of order %u, but %lu counted",
			       zt->blocks[order], order, zone->blocks[order]);
	mal_zone_check(zt, zt->free == zone->free_pages,
		       "%lu free pages, but %lu counted", zt->free,
		       zone->free_pages);
	mal_zone_check(zt, zt->pages == zone->pages,
		       "%lu pages, but %lu counted", zt->pages, zone->pages);
}

/**
 * mal_zone_validate() - check every invariant of a zone
 * @zone: the zone
 * @tally: the result is added here
 *
 * Safe while the zone is in use. A fatal signal ends it.
 *
 * Context: task; sleeps.
 */
void mal_zone_validate(struct mal_zone *zone, struct mal_tally *tally)
{
	struct mal_zone_tally zt = {
		.zone = zone,
		.tally = tally,
		.limit = tally->errors + MAL_ERRORS_ENOUGH,
	};
	/* If this number is old, the sums are not checked. */
	unsigned long changes = mal_peek(zone->changes);
	unsigned long flags;

	mal_zone_check_sections(&zt);
	spin_lock_irqsave(&zone->lock, flags);
	if (zone->changes == changes && !mal_zone_check_stops(&zt))
		mal_zone_check_sums(&zt);
	spin_unlock_irqrestore(&zone->lock, flags);
}
