// SPDX-License-Identifier: GPL-2.0
/*
 * Buddy: the free blocks of a zone
 *
 * A block of order k is 2^k pages, aligned to its size. Its buddy is the block
 * of the same size that completes an aligned block of order k + 1: the same
 * index in the section with bit k flipped. A free block is merged with its
 * buddy as soon as both are free. Two free buddies of the same order therefore
 * never coexist, except at the highest order (Knowlton 1965; Knuth, volume 1,
 * 2.5).
 *
 * A section (region.c) is as large as the largest block, so blocks never cross
 * a section. The descriptor alone identifies a block, and its buddy is found by
 * arithmetic on the index in the section, without a lookup. Memory that was
 * borrowed in small pieces merges across them like any other memory, because
 * all of its pages are order-0 pages to the host.
 *
 * States of a descriptor (enum mal_page_state), and the functions that change
 * them:
 *
 *	                                  mal_zone_take_chain(),
 *	            mal_zone_add()        mal_zone_take_largest()
 *	FOREIGN -------------------> FREE -------------------> PCP <-> USED
 *	   ^                          ^                        | |
 *	   |                          '------------------------' |
 *	   |                               mal_zone_give()       |
 *	   '-----------------------------------------------------'
 *	                     mal_zone_disown()
 *
 * mal_zone_add_take() makes a block PCP that was FOREIGN, and the rest of the
 * borrowed block FREE.
 *
 * FREE is entered and left under the zone's lock. A block in any other state
 * belongs to the CPU or the layer that took it. Only the first page of a block
 * describes it; the others are TAIL, so each step of a split or a merge writes
 * one descriptor.
 *
 * Rewriting. A block of the highest order has 1024 descriptors. Its owner
 * writes them without the zone's lock, so that interrupts stay on. Meanwhile
 * the first page is in state CHANGING, which is entered and left under the
 * lock, and a validation skips the block.
 *
 * Placement. In the long run memory has to become contiguous again. A page that
 * is in use for long keeps its whole section from merging into a block of the
 * highest order, and from returning to the host. So each section has its own
 * free lists. An allocation is served from the fullest section that can serve
 * it, and there from the smallest block. Pages gather in the fuller sections,
 * and the others become empty. (zsmalloc fills its zspages in the same way.) To
 * find that section at once, the zone files its sections by the order of their
 * largest free block, and by a group that depends on the number of their free
 * pages:
 *
 *	mal_zone.sections[top][group]
 *
 *	           fullest                     emptiest
 *	group         0      1      2     ...     31
 *	top  0        o------o                              o  list of sections
 *	     3               o      o             o
 *	     10                                   o         <- all are free
 *
 * One bit for each list tells whether it is empty, so a search reads eleven
 * words, and refiling a section changes two lists. Cache warmth is left to the
 * per-CPU lists in front (pcp.c).
 *
 * Unseen. A free block may have pages that were not checked since they were
 * freed. The reference count in struct page tells whether a page has another
 * holder, and reading it for all pages of a large block takes longer than
 * everything else done here. Each block remembers the highest order of an
 * unchecked part of it, through merging and splitting. The block may be
 * allocated again with that order or a higher one, as it may be from a per-CPU
 * list. Before it is cut into smaller blocks, a part of it is handed to the
 * caller, which checks it (pinned.c). A single page is always checked when it
 * is freed.
 *
 * Locking: mal_zone.lock, with interrupts off. It is the innermost lock: no
 * other lock is taken while it is held.
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
#include "internal/kunit.h"
#include "internal/page_poison.h"
#include "internal/peek.h"
#include "internal/region.h"
#include "internal/report.h"

/**
 * mal_zone_init() - initialize an empty zone
 * @zone: the zone
 * @nid: its node
 * @type: which of the node's zones it is
 *
 * Context: any.
 */
void mal_zone_init(struct mal_zone *zone, int nid, enum memalloc_zone type)
{
	unsigned int top, group;

	spin_lock_init(&zone->lock);
	for (top = 0; top < MAL_NR_ORDERS; top++)
		for (group = 0; group < MAL_NR_GROUPS; group++)
			INIT_LIST_HEAD(&zone->sections[top][group]);
	zone->nid = nid;
	zone->type = type;
}

/*
 * Sections
 */

/**
 * mal_section_group() - get the group that a section is filed under
 * @section: a section with free pages
 *
 * Context: any, under the zone's lock.
 * Return: a number below MAL_NR_GROUPS; the fuller the section, the lower.
 */
unsigned int mal_section_group(const struct mal_section *section)
{
	return min(section->free / MAL_GROUP_PAGES, MAL_NR_GROUPS - 1UL);
}

static void mal_section_unlist(struct mal_zone *zone,
			       struct mal_section *section)
	__must_hold(&zone->lock)
{
	if (list_empty(&section->link))
		return;
	list_del_init(&section->link);
	if (list_empty(&zone->sections[section->top][section->group]))
		zone->groups[section->top] &= ~BIT(section->group);
}

/* The free blocks of a section have changed: move it to its list. */
static void mal_section_relist(struct mal_zone *zone,
			       struct mal_section *section)
	__must_hold(&zone->lock)
{
	unsigned int top, group;

	if (!section->orders) {
		mal_section_unlist(zone, section);
		return;
	}
	top = __fls(section->orders);
	group = mal_section_group(section);
	if (top == section->top && group == section->group &&
	    !list_empty(&section->link))
		return;
	mal_section_unlist(zone, section);
	section->top = top;
	section->group = group;
	list_add(&section->link, &zone->sections[top][group]);
	zone->groups[top] |= BIT(group);
}

/* The fullest section with a block of @order, or a block to split for it. */
static struct mal_section *mal_zone_fullest(struct mal_zone *zone, unsigned int order)
	__must_hold(&zone->lock)
{
	unsigned int group = MAL_NR_GROUPS, top = order;

	for (; order < MAL_NR_ORDERS; order++) {
		if (zone->groups[order] && __ffs(zone->groups[order]) < group) {
			group = __ffs(zone->groups[order]);
			top = order;
		}
	}
	if (group == MAL_NR_GROUPS)
		return NULL;
	return list_first_entry(&zone->sections[top][group], struct mal_section,
				link);
}

/*
 * A section with a block of @order, or else with the largest block below it;
 * among several of these, the emptiest. @order is set to the order of that
 * block.
 */
static struct mal_section *mal_zone_largest(struct mal_zone *zone, unsigned int *order)
	__must_hold(&zone->lock)
{
	struct mal_section *section = mal_zone_fullest(zone, *order);
	int top;

	for (top = *order; !section && top >= 0; top--) {
		if (!zone->groups[top])
			continue;
		section = list_first_entry(&zone->sections[top][__fls(zone->groups[top])],
					   struct mal_section, link);
		*order = top;
	}
	return section;
}

/*
 * Blocks. The caller files the section afterwards.
 */

static void mal_free_list_add(struct mal_zone *zone, struct mal_section *section,
			      struct mal_page *desc, unsigned int order,
			      unsigned int unseen)
	__must_hold(&zone->lock)
{
	desc->state = MAL_PAGE_FREE;
	desc->order = order;
	desc->unseen = unseen;
	list_add(&desc->link, &section->blocks[order]);
	section->orders |= BIT(order);
	zone->blocks[order]++;
}

static void mal_free_list_del(struct mal_zone *zone, struct mal_section *section,
			      struct mal_page *desc, unsigned int order)
	__must_hold(&zone->lock)
{
	list_del(&desc->link);
	if (list_empty(&section->blocks[order]))
		section->orders &= ~BIT(order);
	zone->blocks[order]--;
	desc->state = MAL_PAGE_TAIL;
}

/* Merge a block with its free buddies, and put the result on its list. */
static void mal_zone_merge(struct mal_zone *zone, struct mal_page *desc,
			   unsigned int order, unsigned int unseen)
	__must_hold(&zone->lock)
{
	struct mal_section *section = mal_page_section(desc);
	struct mal_page *pages = section->pages;
	unsigned int index = desc->index;

	WRITE_ONCE(zone->free_pages, zone->free_pages + (1UL << order));
	section->free += 1UL << order;
	for (; order < MAL_MAX_ORDER; order++) {
		struct mal_page *buddy = &pages[index ^ (1U << order)];

		if (!mal_page_is(buddy, MAL_PAGE_FREE, order))
			break;
		unseen = max(unseen, buddy->unseen);
		mal_free_list_del(zone, section, buddy, order);
		pages[index].state = MAL_PAGE_TAIL;
		index &= ~(1U << order);
	}
	mal_free_list_add(zone, section, &pages[index], order, unseen);
}

/* Take a block off its list, and put the part beyond @order back. */
static struct mal_page *mal_zone_split(struct mal_zone *zone,
				       struct mal_page *desc, unsigned int order)
	__must_hold(&zone->lock)
{
	struct mal_section *section = mal_page_section(desc);
	unsigned int from = desc->order, unseen = desc->unseen;

	mal_free_list_del(zone, section, desc, from);
	while (from > order) {
		from--;
		mal_free_list_add(zone, section, desc + (1U << from), from, unseen);
	}
	WRITE_ONCE(zone->free_pages, zone->free_pages - (1UL << order));
	section->free -= 1UL << order;
	desc->order = order;
	desc->state = MAL_PAGE_PCP;
	zone->changes++;
	return desc;
}

/* The block to take or to split for an allocation of @order. */
static struct mal_page *mal_section_pick(struct mal_section *section,
					 unsigned int order)
{
	unsigned int from = __ffs(section->orders >> order) + order;

	return list_first_entry(&section->blocks[from], struct mal_page, link);
}

/* Must the caller check this block before it takes one of @order from it? */
static bool mal_block_is_unseen(const struct mal_page *desc, unsigned int order)
{
	return order < desc->unseen;
}

/* The largest order that leaves the zone its reserve; at least @order. */
static unsigned int mal_spare_order(const struct mal_zone *zone, unsigned int order)
	__must_hold(&zone->lock)
{
	if (zone->free_pages <= zone->reserve)
		return order;
	return max_t(unsigned int, order, ilog2(zone->free_pages - zone->reserve));
}

/* Order of the part that is checked before smaller blocks are cut from it. */
#define MAL_CHECK_ORDER	6U

/*
 * The order of the part of @desc to check for @nr blocks of @order. The caller
 * may have interrupts off, so the limit is MAL_CHECK_ORDER, unless a single
 * block is larger. Other CPUs cannot allocate from the part during the check,
 * so it is no larger than the zone can spare, one block of @order excepted.
 */
static unsigned int mal_check_order(const struct mal_zone *zone,
				    const struct mal_page *desc,
				    unsigned int order, unsigned int nr)
	__must_hold(&zone->lock)
{
	unsigned int wanted = max(order + order_base_2(nr), desc->unseen);

	wanted = min3(wanted, (unsigned int)desc->order, mal_spare_order(zone, order));
	return min(wanted, max(order, MAL_CHECK_ORDER));
}

/*
 * Rewriting a block
 */

/* Make a validation skip @desc's block, which the caller owns. */
static void mal_block_hide(struct mal_zone *zone, struct mal_page *desc)
{
	unsigned long flags;

	spin_lock_irqsave(&zone->lock, flags);
	WRITE_ONCE(desc->state, MAL_PAGE_CHANGING);
	zone->changes++;
	spin_unlock_irqrestore(&zone->lock, flags);
}

/*
 * Undo mal_block_hide() with the new order and state, after the other
 * descriptors are written.
 */
static void mal_block_show(struct mal_zone *zone, struct mal_page *desc,
			   unsigned int order, enum mal_page_state state)
{
	unsigned long flags;

	spin_lock_irqsave(&zone->lock, flags);
	desc->order = order;
	WRITE_ONCE(desc->state, state);
	zone->changes++;
	spin_unlock_irqrestore(&zone->lock, flags);
}

/* All borrowed blocks of a section belong to the same zone: see region.c. */
static void mal_section_home(struct mal_section *section, struct mal_zone *zone)
{
	section->key = mal_zone_key(zone->nid, zone->type);
	WRITE_ONCE(section->zone, zone);
}

/* Add a borrowed block to the zone, in state CHANGING. */
static void mal_zone_adopt(struct mal_zone *zone, struct mal_page *desc,
			   unsigned int order)
{
	unsigned long flags;
	unsigned int i;

	if (mal_page_poison_on())
		mal_page_overwrite(desc, order);
	spin_lock_irqsave(&zone->lock, flags);
	desc->state = MAL_PAGE_CHANGING;
	desc->order = order;
	mal_section_home(mal_page_section(desc), zone);
	zone->pages += 1UL << order;
	zone->used = true;
	zone->changes++;
	spin_unlock_irqrestore(&zone->lock, flags);
	for (i = 1; i < 1U << order; i++)
		WRITE_ONCE(desc[i].state, MAL_PAGE_TAIL);
}

/**
 * mal_zone_add() - add a borrowed block to a zone
 * @zone: the zone that its pages belong to
 * @desc: its first page
 * @order: its order
 *
 * The pages of the block become free pages of the zone.
 *
 * Context: any but NMI.
 */
void mal_zone_add(struct mal_zone *zone, struct mal_page *desc,
		  unsigned int order)
{
	unsigned long flags;

	mal_zone_adopt(zone, desc, order);
	spin_lock_irqsave(&zone->lock, flags);
	mal_zone_merge(zone, desc, order, MAL_ALL_SEEN);
	mal_section_relist(zone, mal_page_section(desc));
	zone->changes++;
	spin_unlock_irqrestore(&zone->lock, flags);
}

/**
 * mal_zone_add_take() - add a borrowed block to a zone, and allocate from it
 * @zone: the zone that its pages belong to
 * @desc: the first page of the borrowed block
 * @order: the order of the borrowed block
 * @take: the order of the block, @order at most
 *
 * The block is never free, so no other CPU can take it from the borrower.
 *
 * Context: any but NMI.
 * Return: the block's first page, in state PCP; never NULL.
 */
struct mal_page *mal_zone_add_take(struct mal_zone *zone,
				   struct mal_page *desc, unsigned int order,
				   unsigned int take)
{
	unsigned long flags;

	mal_zone_adopt(zone, desc, order);
	spin_lock_irqsave(&zone->lock, flags);
	desc->state = MAL_PAGE_PCP;
	desc->order = take;
	while (order > take) {
		order--;
		mal_zone_merge(zone, desc + (1U << order), order, MAL_ALL_SEEN);
	}
	mal_section_relist(zone, mal_page_section(desc));
	zone->changes++;
	spin_unlock_irqrestore(&zone->lock, flags);
	return desc;
}

/**
 * mal_zone_give() - free a block to the free lists
 * @zone: the zone of the block
 * @desc: its first page, in state PCP
 * @order: its order
 * @seen: all of its pages were checked since they were freed
 *
 * Context: any but NMI.
 * Return: true; false if the block is not in state PCP, because another CPU
 * that freed it at the same time was first.
 */
bool mal_zone_give(struct mal_zone *zone, struct mal_page *desc,
		   unsigned int order, bool seen)
{
	unsigned long flags;
	bool ok;

	spin_lock_irqsave(&zone->lock, flags);
	ok = mal_page_is(desc, MAL_PAGE_PCP, order);
	if (likely(ok)) {
		mal_zone_merge(zone, desc, order, seen ? MAL_ALL_SEEN : order);
		mal_section_relist(zone, mal_page_section(desc));
		zone->changes++;
	}
	spin_unlock_irqrestore(&zone->lock, flags);
	return ok;
}
MAL_EXPORT_FOR_KUNIT(mal_zone_give);

/* Take a block off a chain; NULL if it does not belong to the zone. */
static struct mal_page *mal_zone_chain_take(const struct mal_zone *zone,
					    struct mal_chain *chain,
					    unsigned int order)
{
	struct mal_page *desc = mal_chain_take(chain, order);

	if (unlikely(desc && mal_page_section(desc)->zone != zone)) {
		chain->nr++;
		return NULL;
	}
	return desc;
}

/**
 * mal_zone_give_chain() - free several blocks to the free lists
 * @zone: the zone of the blocks
 * @chain: the blocks, in state PCP. The function stops at the first entry that
 *	is not one of them, and leaves mal_chain.nr nonzero.
 * @order: their order
 * @seen: as for mal_zone_give(), for all of them
 *
 * Context: any but NMI. Interrupts are off throughout, so the caller limits the
 * length of the chain.
 */
void mal_zone_give_chain(struct mal_zone *zone, struct mal_chain *chain,
			 unsigned int order, bool seen)
{
	unsigned int unseen = seen ? MAL_ALL_SEEN : order;
	struct mal_section *section = NULL;
	struct mal_page *desc;
	unsigned long flags;

	spin_lock_irqsave(&zone->lock, flags);
	while ((desc = mal_zone_chain_take(zone, chain, order))) {
		if (section && section != mal_page_section(desc))
			mal_section_relist(zone, section);
		section = mal_page_section(desc);
		mal_zone_merge(zone, desc, order, unseen);
	}
	if (section)
		mal_section_relist(zone, section);
	zone->changes++;
	spin_unlock_irqrestore(&zone->lock, flags);
}

/**
 * mal_zone_take_chain() - allocate several blocks from the free lists
 * @zone: the zone
 * @order: their order
 * @nr: maximum number of blocks
 * @keep: number of free pages that the first block must leave in the zone; the
 *	others always leave its reserve
 * @chain: set to the blocks
 * @unseen: NULL. If no other block is available, set to a block of @order or
 *	higher, in state PCP, that the caller checks before
 *	mal_zone_take_part(). A block above @order leaves the zone its reserve.
 *
 * Context: any but NMI.
 * Return: the number of blocks in @chain.
 */
unsigned int mal_zone_take_chain(struct mal_zone *zone, unsigned int order,
				 unsigned int nr, unsigned long keep,
				 struct mal_chain *chain,
				 struct mal_page **unseen)
{
	struct mal_section *section = NULL;
	unsigned long flags;
	unsigned int i;

	*chain = (struct mal_chain) { .list = MAL_NO_LIST };
	*unseen = NULL;
	if (mal_peek(zone->free_pages) < keep + (1UL << order))
		return 0;
	spin_lock_irqsave(&zone->lock, flags);
	for (i = 0; i < nr && zone->free_pages >= keep + (1UL << order); i++) {
		struct mal_page *desc;

		/* The section remains the fullest until it has no block. */
		if (!section || !(section->orders >> order)) {
			if (section)
				mal_section_relist(zone, section);
			section = mal_zone_fullest(zone, order);
			if (!section)
				break;
		}
		desc = mal_section_pick(section, order);
		if (unlikely(mal_block_is_unseen(desc, order))) {
			/* Return the blocks taken so far, if any. */
			if (!i)
				*unseen = mal_zone_split(zone, desc,
							 mal_check_order(zone, desc, order, nr));
			break;
		}
		mal_chain_add(chain, mal_zone_split(zone, desc, order));
		keep = zone->reserve;
	}
	if (section)
		mal_section_relist(zone, section);
	spin_unlock_irqrestore(&zone->lock, flags);
	return i;
}
MAL_EXPORT_FOR_KUNIT(mal_zone_take_chain);

/**
 * mal_zone_take_part() - allocate from a block that the caller has checked
 * @zone: its zone
 * @desc: the unseen block from mal_zone_take_chain()
 * @order: as for mal_zone_take_chain()
 * @nr: as for mal_zone_take_chain()
 * @chain: as for mal_zone_take_chain()
 *
 * The remaining part goes to the free lists.
 *
 * Context: any but NMI.
 */
void mal_zone_take_part(struct mal_zone *zone, struct mal_page *desc,
			unsigned int order, unsigned int nr,
			struct mal_chain *chain)
{
	unsigned long at, end = 1UL << desc->order, left, flags;

	*chain = (struct mal_chain) { .list = MAL_NO_LIST };
	spin_lock_irqsave(&zone->lock, flags);
	left = zone->free_pages + end;
	for (at = 0; nr-- && at < end; at += 1UL << order) {
		if (at && left < zone->reserve + (1UL << order))
			break;
		left -= 1UL << order;
		desc[at].order = order;
		desc[at].state = MAL_PAGE_PCP;
		mal_chain_add(chain, desc + at);
	}
	for (; at < end; at += 1UL << __ffs(at))
		mal_zone_merge(zone, desc + at, __ffs(at), MAL_ALL_SEEN);
	mal_section_relist(zone, mal_page_section(desc));
	zone->changes++;
	spin_unlock_irqrestore(&zone->lock, flags);
}

/**
 * mal_zone_break() - split a block into blocks of one page each
 * @zone: its zone
 * @desc: its first page, in a state that makes the caller its owner
 * @order: its order
 *
 * All pages inherit the state and the owner of the first one.
 *
 * Context: any but NMI.
 */
void mal_zone_break(struct mal_zone *zone, struct mal_page *desc,
		    unsigned int order)
{
	enum mal_page_state state = desc->state;
	unsigned int i;

	mal_block_hide(zone, desc);
	for (i = 1; i < 1U << order; i++) {
		desc[i].owner = desc->owner;
		desc[i].caller = desc->caller;
		desc[i].private = desc->private;
		desc[i].order = 0;
		WRITE_ONCE(desc[i].state, state);
	}
	mal_block_show(zone, desc, 0, state);
}

/**
 * mal_zone_cut() - split a block into smaller ones at a given page
 * @zone: its zone
 * @desc: its first page, in a state that makes the caller its owner
 * @order: its order
 * @pages: number of pages before the cut; neither zero nor all
 *
 * The part before the cut becomes as few blocks as possible, the largest first.
 * The part after the cut becomes as few as possible, the smallest first. All
 * inherit the state and the owner of the first one.
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
 * mal_zone_mark() - set the state and the owner of each page of a block
 * @zone: its zone
 * @desc: its first page, in a state that makes the caller its owner
 * @order: its order
 * @state: SLAB applies to all pages of the block. Any other state applies to
 *	the first page, and the others are TAIL
 * @owner: mal_page.owner of all pages
 *
 * A reader that finds the owner sees the object that it points to initialized.
 *
 * Context: any but NMI.
 */
void mal_zone_mark(struct mal_zone *zone, struct mal_page *desc,
		   unsigned int order, enum mal_page_state state, void *owner)
{
	enum mal_page_state tail = state == MAL_PAGE_SLAB ? state : MAL_PAGE_TAIL;
	unsigned int i;

	mal_block_hide(zone, desc);
	for (i = 0; i < 1U << order; i++) {
		if (i) {
			WRITE_ONCE(desc[i].order, MAL_ORDER_TAIL);
			WRITE_ONCE(desc[i].state, tail);
		}
		/* Pairs with the address dependency in mal_slab_find(). */
		smp_store_release(&desc[i].owner, owner);
	}
	mal_block_show(zone, desc, order, state);
}

/**
 * mal_zone_take_largest() - take a free block, to be returned to the host
 * @zone: the zone
 * @max_pages: maximum number of pages, at least one
 * @order: set to the order of the block
 *
 * Takes the largest block, because the host gains most from it, or a part of a
 * block that is larger than @max_pages. The zone keeps its reserve.
 *
 * Context: any but NMI.
 * Return: the block's first page, in state PCP. The caller checks it, and then
 * calls mal_zone_disown(). NULL if the zone can spare nothing.
 */
struct mal_page *mal_zone_take_largest(struct mal_zone *zone,
				       unsigned long max_pages,
				       unsigned int *order)
{
	struct mal_section *section;
	struct mal_page *desc = NULL;
	unsigned long flags;

	spin_lock_irqsave(&zone->lock, flags);
	if (zone->free_pages <= zone->reserve)
		goto out;
	max_pages = min(max_pages, zone->free_pages - zone->reserve);
	*order = min_t(unsigned int, ilog2(max_pages), MAL_MAX_ORDER);
	section = mal_zone_largest(zone, order);
	if (!section)
		goto out;
	desc = mal_zone_split(zone, mal_section_pick(section, *order), *order);
	mal_section_relist(zone, section);
out:
	spin_unlock_irqrestore(&zone->lock, flags);
	return desc;
}

/**
 * mal_zone_disown() - remove a block from the zone
 * @zone: the zone
 * @desc: its first page, in state PCP
 * @order: its order
 *
 * All of its pages are FOREIGN after this.
 *
 * Context: any but NMI.
 */
void mal_zone_disown(struct mal_zone *zone, struct mal_page *desc,
		     unsigned int order)
{
	unsigned long flags;
	unsigned int i;

	mal_block_hide(zone, desc);
	for (i = 1; i < 1U << order; i++)
		WRITE_ONCE(desc[i].state, MAL_PAGE_FOREIGN);
	spin_lock_irqsave(&zone->lock, flags);
	desc->state = MAL_PAGE_FOREIGN;
	zone->pages -= 1UL << order;
	zone->changes++;
	spin_unlock_irqrestore(&zone->lock, flags);
}
