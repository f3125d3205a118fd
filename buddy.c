// SPDX-License-Identifier: GPL-2.0
/*
 * Buddy: the free blocks of a zone
 *
 * A block of order k is 2^k pages, aligned to its size. Its buddy is the one
 * block of the same size with which it makes an aligned block of order k + 1:
 * its index in the section with bit k flipped. A free block whose buddy is free
 * too is merged with it, at once, so two free buddies of the same order never
 * coexist but at the highest order (Knowlton 1965; Knuth, volume 1, 2.5).
 *
 * Blocks never cross a section (region.c), as a section is as large as the
 * largest block. So a block is known by its descriptor alone, and its buddy is
 * found without a lookup, by arithmetic on the index in the section. Memory
 * that was borrowed in small pieces merges across them like any other: the
 * pages are all order-0 pages to the host.
 *
 * What a descriptor says (enum mal_page_state), and who may change it:
 *
 *	              mal_zone_add()        mal_zone_take_chain()
 *	          .-------------------> FREE -------------------> PCP <-> USED
 *	FOREIGN --|                      |                         |
 *	          '----------------------' <-----------------------'
 *	            mal_zone_withdraw()         mal_zone_give()
 *
 * FREE is entered and left under the zone's lock. A block in any other state
 * belongs to whoever took it. Only the first page of a block says what it is;
 * the others are TAIL, so splitting and merging write one descriptor a step.
 *
 * Order of the lists. What matters in the long run is that memory comes
 * together again: a page that is held for long keeps its whole section from
 * being a block of the highest order, and from going back to the host. So a free
 * block goes to the front of its list, where it is allocated next, if more of
 * its section is in use than of the zone on average, and else to the end: pages
 * gather in the fuller sections, and the others empty. Warmth in the CPU's cache is the business
 * of the per-CPU lists in front (pcp.c).
 *
 * Locking: mal_zone.lock, with interrupts off. No other lock is taken inside.
 *
 * Context: any but NMI. Nothing here sleeps.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/kernel.h>
#include <linux/list.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/page_ref.h>
#include <linux/rcupdate.h>
#include <linux/spinlock.h>

#include "internal/buddy.h"
#include "internal/page_poison.h"
#include "internal/region.h"
#include "internal/report.h"

/**
 * mal_zone_init() - an empty zone
 * @zone: the zone
 * @nid: its node
 * @type: which of the node's zones
 *
 * Context: any.
 */
void mal_zone_init(struct mal_zone *zone, int nid, enum memalloc_zone type)
{
	unsigned int order;

	spin_lock_init(&zone->lock);
	for (order = 0; order < MAL_NR_ORDERS; order++)
		INIT_LIST_HEAD(&zone->free[order].blocks);
	zone->nid = nid;
	zone->type = type;
}

/* Is less of this section in use than of the zone on average? */
static bool mal_section_is_sparse(const struct mal_zone *zone,
				  const struct mal_section *section)
{
	return (u64)section->free * zone->pages >
	       (u64)zone->free_pages * READ_ONCE(section->borrowed);
}

static void mal_free_list_add(struct mal_zone *zone, struct mal_page *desc,
			      unsigned int order)
	__must_hold(&zone->lock)
{
	struct mal_section *section = mal_page_section(desc);

	desc->state = MAL_PAGE_FREE;
	desc->order = order;
	section->free += 1UL << order;
	if (mal_section_is_sparse(zone, section))
		list_add_tail(&desc->link, &zone->free[order].blocks);
	else
		list_add(&desc->link, &zone->free[order].blocks);
	zone->free[order].nr++;
}

static void mal_free_list_del(struct mal_zone *zone, struct mal_page *desc,
			      unsigned int order)
	__must_hold(&zone->lock)
{
	list_del(&desc->link);
	mal_page_section(desc)->free -= 1UL << order;
	zone->free[order].nr--;
	desc->state = MAL_PAGE_TAIL;
}

/* Put a block on its list, merged with as many buddies as are free. */
static void mal_zone_merge(struct mal_zone *zone, struct mal_page *desc,
			   unsigned int order)
	__must_hold(&zone->lock)
{
	struct mal_page *pages = mal_page_section(desc)->pages;
	unsigned int index = desc->index;

	zone->free_pages += 1UL << order;
	for (; order < MAL_MAX_ORDER; order++) {
		struct mal_page *buddy = &pages[index ^ (1U << order)];

		if (!mal_page_is(buddy, MAL_PAGE_FREE, order))
			break;
		mal_free_list_del(zone, buddy, order);
		pages[index].state = MAL_PAGE_TAIL;
		index &= ~(1U << order);
	}
	mal_free_list_add(zone, &pages[index], order);
}

/* Take a block off its list and put what is more than @order back. */
static struct mal_page *mal_zone_split(struct mal_zone *zone, unsigned int from,
				       unsigned int order)
	__must_hold(&zone->lock)
{
	struct mal_page *desc = list_first_entry(&zone->free[from].blocks,
						 struct mal_page, link);

	mal_free_list_del(zone, desc, from);
	while (from > order) {
		from--;
		mal_free_list_add(zone, desc + (1U << from), from);
	}
	zone->free_pages -= 1UL << order;
	desc->order = order;
	return desc;
}

/* The lowest order from @order on that has a free block. */
static int mal_zone_lowest(struct mal_zone *zone, unsigned int order)
	__must_hold(&zone->lock)
{
	for (; order < MAL_NR_ORDERS; order++)
		if (zone->free[order].nr)
			return order;
	return -1;
}

/* The highest order up to @order that has a free block. */
static int mal_zone_highest(struct mal_zone *zone, int order)
	__must_hold(&zone->lock)
{
	for (; order >= 0; order--)
		if (zone->free[order].nr)
			return order;
	return -1;
}

static struct mal_page *mal_zone_take_locked(struct mal_zone *zone,
					     unsigned int order)
	__must_hold(&zone->lock)
{
	int from = mal_zone_lowest(zone, order);
	struct mal_page *desc;

	if (from < 0)
		return NULL;
	desc = mal_zone_split(zone, from, order);
	desc->state = MAL_PAGE_PCP;
	zone->changes++;
	return desc;
}

/* The same for every loan in the section: see region.c. */
static void mal_section_home(struct mal_section *section, struct mal_zone *zone)
{
	section->key = mal_zone_key(zone->nid, zone->type);
	WRITE_ONCE(section->zone, zone);
}

static void mal_zone_add_locked(struct mal_zone *zone, struct mal_page *desc,
				unsigned int order)
	__must_hold(&zone->lock)
{
	unsigned int i;

	for (i = 0; i < 1U << order; i++)
		desc[i].state = MAL_PAGE_TAIL;
	mal_section_home(mal_page_section(desc), zone);
	zone->pages += 1UL << order;
	zone->used = true;
	zone->changes++;
	mal_zone_merge(zone, desc, order);
}

/**
 * mal_zone_add() - take a loan into a zone
 * @zone: the zone that its pages belong to
 * @desc: its first page
 * @order: its order
 *
 * The pages of the loan are the zone's from now on, and free.
 *
 * Context: any but NMI.
 */
void mal_zone_add(struct mal_zone *zone, struct mal_page *desc,
		  unsigned int order)
{
	unsigned long flags;

	if (mal_page_poison_on())
		mal_page_poison(desc, order);
	spin_lock_irqsave(&zone->lock, flags);
	mal_zone_add_locked(zone, desc, order);
	spin_unlock_irqrestore(&zone->lock, flags);
}

/**
 * mal_zone_add_take() - take a loan into a zone, and a block out of the zone
 * @zone: the zone that its pages belong to
 * @desc: the first page of the loan
 * @order: the order of the loan
 * @take: the order of the block to take, @order at most
 *
 * In one step, so that nobody else is faster: who borrows is served.
 *
 * Context: any but NMI.
 * Return: the block's first page, in state PCP; never NULL.
 */
struct mal_page *mal_zone_add_take(struct mal_zone *zone,
				   struct mal_page *desc, unsigned int order,
				   unsigned int take)
{
	unsigned long flags;

	if (mal_page_poison_on())
		mal_page_poison(desc, order);
	spin_lock_irqsave(&zone->lock, flags);
	mal_zone_add_locked(zone, desc, order);
	desc = mal_zone_take_locked(zone, take);
	spin_unlock_irqrestore(&zone->lock, flags);
	return desc;
}

/**
 * mal_zone_give() - free a block to the free lists
 * @zone: where to
 * @desc: its first page, in state PCP
 * @order: its order
 *
 * Context: any but NMI.
 * Return: true, or false if the block is not in state PCP: it was freed by two
 * at the same time, and the other was first.
 */
bool mal_zone_give(struct mal_zone *zone, struct mal_page *desc,
		   unsigned int order)
{
	unsigned long flags;
	bool ok;

	spin_lock_irqsave(&zone->lock, flags);
	ok = mal_page_is(desc, MAL_PAGE_PCP, order);
	if (likely(ok)) {
		mal_zone_merge(zone, desc, order);
		zone->changes++;
	}
	spin_unlock_irqrestore(&zone->lock, flags);
	return ok;
}

/**
 * mal_zone_give_chain() - free several blocks to the free lists
 * @zone: where to
 * @chain: their first pages, in state PCP, linked by mal_page.next
 * @order: their order
 *
 * Context: any but NMI.
 * Return: how many were not in state PCP, as with mal_zone_give().
 */
unsigned int mal_zone_give_chain(struct mal_zone *zone, struct mal_page *chain,
				 unsigned int order)
{
	struct mal_page *desc;
	unsigned int bad = 0;
	unsigned long flags;

	spin_lock_irqsave(&zone->lock, flags);
	while ((desc = chain)) {
		chain = desc->next;
		if (likely(mal_page_is(desc, MAL_PAGE_PCP, order)))
			mal_zone_merge(zone, desc, order);
		else
			bad++;
	}
	zone->changes++;
	spin_unlock_irqrestore(&zone->lock, flags);
	return bad;
}

/**
 * mal_zone_take_chain() - allocate several blocks from the free lists
 * @zone: where from
 * @order: their order
 * @nr: how many are wanted
 * @keep: free pages that must be left in the zone by the first one; the others
 *	leave its reserve alone, whoever takes them
 * @chain: the blocks, linked by mal_page.next, with mal_page.page set
 *
 * Context: any but NMI.
 * Return: how many there are.
 */
unsigned int mal_zone_take_chain(struct mal_zone *zone, unsigned int order,
				 unsigned int nr, unsigned long keep,
				 struct mal_page **chain)
{
	struct mal_page *desc;
	unsigned long flags;
	unsigned int i;

	*chain = NULL;
	if (READ_ONCE(zone->free_pages) < keep + (1UL << order))
		return 0;
	spin_lock_irqsave(&zone->lock, flags);
	for (i = 0; i < nr && zone->free_pages >= keep + (1UL << order); i++) {
		keep = zone->reserve;
		desc = mal_zone_take_locked(zone, order);
		if (!desc)
			break;
		desc->next = *chain;
		desc->page = pfn_to_page(mal_page_pfn(desc));
		*chain = desc;
	}
	spin_unlock_irqrestore(&zone->lock, flags);
	return i;
}

/**
 * mal_zone_break() - make a block into blocks of one page each
 * @zone: its zone
 * @desc: its first page, in a state in which it is the caller's
 * @order: its order
 *
 * All pages get the state and the owner of the first one.
 *
 * Context: any but NMI.
 */
void mal_zone_break(struct mal_zone *zone, struct mal_page *desc,
		    unsigned int order)
{
	unsigned long flags;
	unsigned int i;

	spin_lock_irqsave(&zone->lock, flags);
	desc->order = 0;
	for (i = 1; i < 1U << order; i++) {
		desc[i].owner = desc->owner;
		desc[i].caller = desc->caller;
		desc[i].private = desc->private;
		desc[i].state = desc->state;
		desc[i].order = 0;
	}
	zone->changes++;
	spin_unlock_irqrestore(&zone->lock, flags);
}

/**
 * mal_zone_cut() - make a block into smaller ones, so that it can be cut in two
 * @zone: its zone
 * @desc: its first page, in a state in which it is the caller's
 * @order: its order
 * @pages: where to cut; neither zero nor the end
 *
 * What is before the cut is as few blocks as can be, the largest first; what is
 * behind it, too, the smallest first. All get the state and the owner of the
 * first one.
 *
 * Context: any but NMI.
 */
void mal_zone_cut(struct mal_zone *zone, struct mal_page *desc,
		  unsigned int order, unsigned long pages)
{
	unsigned long at, flags;

	spin_lock_irqsave(&zone->lock, flags);
	for (at = 0; at < 1UL << order; at += 1UL << desc[at].order) {
		desc[at].owner = desc->owner;
		desc[at].caller = desc->caller;
		desc[at].private = desc->private;
		desc[at].state = desc->state;
		desc[at].order = at < pages ? __fls(pages - at) : __ffs(at);
	}
	zone->changes++;
	spin_unlock_irqrestore(&zone->lock, flags);
}

/**
 * mal_zone_mark() - say what each page of a block is
 * @zone: its zone
 * @desc: its first page, in a state in which it is the caller's
 * @order: its order
 * @state: SLAB: for all pages of the block. Any other: for the first one, and
 *	the others are TAIL
 * @owner: mal_page.owner of all of them
 *
 * Whoever finds the owner there finds what it points to complete.
 *
 * Context: any but NMI.
 */
void mal_zone_mark(struct mal_zone *zone, struct mal_page *desc,
		   unsigned int order, enum mal_page_state state, void *owner)
{
	enum mal_page_state tail = state == MAL_PAGE_SLAB ? state : MAL_PAGE_TAIL;
	unsigned long flags;
	unsigned int i;

	spin_lock_irqsave(&zone->lock, flags);
	for (i = 0; i < 1U << order; i++) {
		WRITE_ONCE(desc[i].state, i ? tail : state);
		/* Pairs with the address dependency in mal_slab_find(). */
		smp_store_release(&desc[i].owner, owner);
	}
	zone->changes++;
	spin_unlock_irqrestore(&zone->lock, flags);
}

/**
 * mal_zone_withdraw() - take a free block out of the zone, for the host
 * @zone: where from
 * @max_pages: the most pages wanted, at least one
 * @order: the order of the block
 *
 * The largest block is taken, as it is worth most to the host; if all are
 * larger than wanted, one is split. The zone's reserve stays.
 *
 * Context: any but NMI.
 * Return: the block's first page, all of whose pages are FOREIGN now, or NULL
 * if nothing is to spare.
 */
struct mal_page *mal_zone_withdraw(struct mal_zone *zone,
				   unsigned long max_pages,
				   unsigned int *order)
{
	struct mal_page *desc = NULL;
	unsigned long flags;
	unsigned int i;
	int from;

	spin_lock_irqsave(&zone->lock, flags);
	if (zone->free_pages <= zone->reserve)
		goto out;
	max_pages = min(max_pages, zone->free_pages - zone->reserve);
	*order = min_t(unsigned int, ilog2(max_pages), MAL_MAX_ORDER);
	from = mal_zone_highest(zone, *order);
	if (from >= 0)
		*order = from;
	else
		from = mal_zone_lowest(zone, *order);
	desc = mal_zone_split(zone, from, *order);
	for (i = 0; i < 1U << *order; i++)
		desc[i].state = MAL_PAGE_FOREIGN;
	zone->pages -= 1UL << *order;
	zone->changes++;
out:
	spin_unlock_irqrestore(&zone->lock, flags);
	return desc;
}

/*
 * Validation
 *
 * A zone may be large and its lock is held with interrupts off, so it is
 * looked at a section at a time. What is true of a section at any time is
 * checked for each; the sums over all of them are checked only if nothing has
 * changed the zone in between.
 */

/**
 * struct mal_tally - what a validation has seen of a zone
 * @zone: the zone
 * @blocks: free blocks by order
 * @pages: pages borrowed
 * @checked: things looked at
 * @errors: of those, wrong
 */
struct mal_tally {
	struct mal_zone *zone;
	unsigned long blocks[MAL_NR_ORDERS];
	unsigned long pages;
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
	struct mal_page *pages = mal_page_section(desc)->pages;
	struct mal_page *buddy = &pages[desc->index ^ (1U << desc->order)];
	bool linked = desc->link.next->prev == &desc->link &&
		      desc->link.prev->next == &desc->link;

	tally->blocks[desc->order]++;
	mal_tally_check(tally, linked, "free block %u is not on its list",
			desc->index);
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

static void mal_tally_section(struct mal_tally *tally,
			      struct mal_section *section)
{
	unsigned long flags;
	unsigned int i;

	spin_lock_irqsave(&tally->zone->lock, flags);
	for (i = 0; i < MAL_SECTION_PAGES; )
		i += mal_tally_block(tally, &section->pages[i]);
	spin_unlock_irqrestore(&tally->zone->lock, flags);
}

static void mal_tally_sections(struct mal_tally *tally)
{
	unsigned long nr;

	for (nr = 0; nr < mal_section_table.nr; nr++) {
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
	unsigned long free = 0;
	unsigned int order;

	for (order = 0; order < MAL_NR_ORDERS; order++) {
		free += tally->blocks[order] << order;
		mal_tally_check(tally, tally->blocks[order] == zone->free[order].nr,
				"%lu free blocks of order %u, but %lu counted",
				tally->blocks[order], order, zone->free[order].nr);
	}
	mal_tally_check(tally, free == zone->free_pages,
			"%lu free pages, but %lu counted", free, zone->free_pages);
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
 * Return: how many of them were wrong. Each has been reported.
 */
u64 mal_zone_validate(struct mal_zone *zone, u64 *checked)
{
	struct mal_tally tally = { .zone = zone };
	unsigned long changes = READ_ONCE(zone->changes);
	unsigned long flags;

	mal_tally_sections(&tally);
	spin_lock_irqsave(&zone->lock, flags);
	if (zone->changes == changes)
		mal_tally_sums(&tally);
	spin_unlock_irqrestore(&zone->lock, flags);
	*checked += tally.checked;
	return tally.errors;
}
