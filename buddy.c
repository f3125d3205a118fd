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
 * Which block is taken. What matters in the long run is that memory comes
 * together again: a page that is held for long keeps its whole section from
 * being a block of the highest order, and from going back to the host. So each
 * section has its own lists of free blocks, and an allocation is served from the
 * fullest section that can; there, from the smallest block. Pages gather in
 * the fuller sections, and the others empty. (zsmalloc fills its zspages so.) To
 * find that section at once, the zone files its sections under the order of
 * their largest free block and a group by the number of their free pages:
 *
 *	mal_zone.sections[top][group]
 *
 *	           fullest                     emptiest
 *	group         0      1      2     ...     31
 *	top  0        o------o                              o  a list of sections
 *	     3               o      o             o
 *	     10                                   o         <- nothing is in use
 *
 * One bit for each list tells whether it is empty, so it is eleven words to be
 * looked at; and filing a section anew, two lists to be changed. Warmth in the
 * CPU's cache is the business of the per-CPU lists in front (pcp.c).
 *
 * Unseen. A free block may have pages that nobody has looked at since it was
 * freed: whether somebody holds a reference on one is seen in struct page, and
 * to read that of all pages of a large block takes longer than all else that is
 * done here. A block remembers the lowest order with which such a part of it was
 * freed, through merging and splitting. It may be allocated again with that
 * order or a higher one, as it may from a per-CPU list; before it is cut into
 * smaller ones, a part of it is handed out to be looked at (quarantine.c).
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
#include "internal/peek.h"
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
 * mal_section_group() - the group that a section belongs to
 * @section: a section with free pages
 *
 * Context: any, under the zone's lock.
 * Return: less than MAL_NR_GROUPS; the lower, the fuller is the section.
 */
unsigned int mal_section_group(const struct mal_section *section)
{
	return min(section->free / MAL_GROUP_PAGES, MAL_NR_GROUPS - 1UL);
}

static void mal_section_unfile(struct mal_zone *zone, struct mal_section *section)
	__must_hold(&zone->lock)
{
	if (list_empty(&section->link))
		return;
	list_del_init(&section->link);
	if (list_empty(&zone->sections[section->top][section->group]))
		zone->groups[section->top] &= ~BIT(section->group);
}

/* What is free in a section has changed: file it where it belongs now. */
static void mal_section_file(struct mal_zone *zone, struct mal_section *section)
	__must_hold(&zone->lock)
{
	unsigned int top, group;

	if (!section->orders) {
		mal_section_unfile(zone, section);
		return;
	}
	top = __fls(section->orders);
	group = mal_section_group(section);
	if (top == section->top && group == section->group &&
	    !list_empty(&section->link))
		return;
	mal_section_unfile(zone, section);
	section->top = top;
	section->group = group;
	list_add(&section->link, &zone->sections[top][group]);
	zone->groups[top] |= BIT(group);
}

/* The fullest section that has a block of @order, or one to be split for it. */
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
 * A section with a block of @order, or else the largest that there is: then of
 * several the emptiest, and @order becomes that of the block.
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
 * Blocks. After these, the section is to be filed.
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

/* Put a block on its list, merged with as many buddies as are free. */
static void mal_zone_merge(struct mal_zone *zone, struct mal_page *desc,
			   unsigned int order, unsigned int unseen)
	__must_hold(&zone->lock)
{
	struct mal_section *section = mal_page_section(desc);
	struct mal_page *pages = section->pages;
	unsigned int index = desc->index;

	zone->free_pages += 1UL << order;
	section->free += 1UL << order;
	for (; order < MAL_MAX_ORDER; order++) {
		struct mal_page *buddy = &pages[index ^ (1U << order)];

		if (!mal_page_is(buddy, MAL_PAGE_FREE, order))
			break;
		unseen = min(unseen, buddy->unseen);
		mal_free_list_del(zone, section, buddy, order);
		pages[index].state = MAL_PAGE_TAIL;
		index &= ~(1U << order);
	}
	mal_free_list_add(zone, section, &pages[index], order, unseen);
}

/* Take a block off its list and put what is more than @order back. */
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
	zone->free_pages -= 1UL << order;
	section->free -= 1UL << order;
	desc->order = order;
	desc->state = MAL_PAGE_PCP;
	zone->changes++;
	return desc;
}

/* The block to take, or to split, for one of @order. */
static struct mal_page *mal_section_pick(struct mal_section *section,
					 unsigned int order)
{
	unsigned int from = __ffs(section->orders >> order) + order;

	return list_first_entry(&section->blocks[from], struct mal_page, link);
}

static void mal_chain_add(struct mal_page **chain, struct mal_page *desc)
{
	desc->next = *chain;
	desc->page = pfn_to_page(mal_page_pfn(desc));
	*chain = desc;
}

/* Is somebody to look at this block before one of @order is taken from it? */
static bool mal_block_is_unseen(const struct mal_page *desc, unsigned int order)
{
	return desc->unseen != MAL_ALL_SEEN && order < desc->unseen;
}

/*
 * How much of it is to be looked at for @nr of @order? What was freed as one, at
 * least, or what the host has left of that.
 */
static unsigned int mal_look_order(const struct mal_page *desc,
				   unsigned int order, unsigned int nr)
{
	unsigned int wanted = order + order_base_2(nr);

	return min_t(unsigned int, max(wanted, desc->unseen), desc->order);
}

/* The same for every loan in the section: see region.c. */
static void mal_section_home(struct mal_section *section, struct mal_zone *zone)
{
	section->key = mal_zone_key(zone->nid, zone->type);
	WRITE_ONCE(section->zone, zone);
}

static void mal_zone_adopt(struct mal_zone *zone, struct mal_page *desc,
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
		mal_page_overwrite(desc, order);
	spin_lock_irqsave(&zone->lock, flags);
	mal_zone_adopt(zone, desc, order);
	mal_zone_merge(zone, desc, order, MAL_ALL_SEEN);
	mal_section_file(zone, mal_page_section(desc));
	spin_unlock_irqrestore(&zone->lock, flags);
}

/**
 * mal_zone_add_take() - take a loan into a zone, but for a block of it
 * @zone: the zone that its pages belong to
 * @desc: the first page of the loan
 * @order: the order of the loan
 * @take: the order of the block, @order at most
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
		mal_page_overwrite(desc, order);
	spin_lock_irqsave(&zone->lock, flags);
	mal_zone_adopt(zone, desc, order);
	desc->state = MAL_PAGE_PCP;
	desc->order = take;
	while (order > take) {
		order--;
		mal_zone_merge(zone, desc + (1U << order), order, MAL_ALL_SEEN);
	}
	mal_section_file(zone, mal_page_section(desc));
	spin_unlock_irqrestore(&zone->lock, flags);
	return desc;
}

/**
 * mal_zone_give() - free a block to the free lists
 * @zone: where to
 * @desc: its first page, in state PCP
 * @order: its order
 * @seen: somebody has looked at all of its pages since they were freed
 *
 * Context: any but NMI.
 * Return: true, or false if the block is not in state PCP: it was freed by two
 * at the same time, and the other was first.
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
		mal_section_file(zone, mal_page_section(desc));
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
 * @seen: as for mal_zone_give(), of all of them
 *
 * Context: any but NMI.
 * Return: how many were not in state PCP, as with mal_zone_give().
 */
unsigned int mal_zone_give_chain(struct mal_zone *zone, struct mal_page *chain,
				 unsigned int order, bool seen)
{
	unsigned int unseen = seen ? MAL_ALL_SEEN : order, bad = 0;
	struct mal_section *section;
	struct mal_page *desc;
	unsigned long flags;

	spin_lock_irqsave(&zone->lock, flags);
	section = mal_page_section(chain);
	while ((desc = chain)) {
		chain = desc->next;
		if (unlikely(!mal_page_is(desc, MAL_PAGE_PCP, order))) {
			bad++;
			continue;
		}
		if (section != mal_page_section(desc)) {
			mal_section_file(zone, section);
			section = mal_page_section(desc);
		}
		mal_zone_merge(zone, desc, order, unseen);
	}
	mal_section_file(zone, section);
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
 * @unseen: NULL; or, if that is all that there is for now, a block of a higher
 *	order, in state PCP: to be looked at before mal_zone_take_part()
 *
 * Context: any but NMI.
 * Return: how many there are.
 */
unsigned int mal_zone_take_chain(struct mal_zone *zone, unsigned int order,
				 unsigned int nr, unsigned long keep,
				 struct mal_page **chain,
				 struct mal_page **unseen)
{
	struct mal_section *section = NULL;
	unsigned long flags;
	unsigned int i;

	*chain = NULL;
	*unseen = NULL;
	if (mal_peek(zone->free_pages) < keep + (1UL << order))
		return 0;
	spin_lock_irqsave(&zone->lock, flags);
	for (i = 0; i < nr && zone->free_pages >= keep + (1UL << order); i++) {
		struct mal_page *desc;

		/* The fullest one is so as long as it has any. */
		if (!section || !(section->orders >> order)) {
			if (section)
				mal_section_file(zone, section);
			section = mal_zone_fullest(zone, order);
			if (!section)
				break;
		}
		desc = mal_section_pick(section, order);
		if (unlikely(mal_block_is_unseen(desc, order))) {
			/* What there is so far will do. */
			if (!i)
				*unseen = mal_zone_split(zone, desc,
							 mal_look_order(desc, order, nr));
			break;
		}
		mal_chain_add(chain, mal_zone_split(zone, desc, order));
		keep = zone->reserve;
	}
	if (section)
		mal_section_file(zone, section);
	spin_unlock_irqrestore(&zone->lock, flags);
	return i;
}

/**
 * mal_zone_take_part() - allocate from a block that was looked at
 * @zone: its zone
 * @desc: what mal_zone_take_chain() has found unseen
 * @order: as for mal_zone_take_chain()
 * @nr: as for mal_zone_take_chain()
 * @chain: as for mal_zone_take_chain()
 *
 * What is not taken goes to the free lists.
 *
 * Context: any but NMI.
 */
void mal_zone_take_part(struct mal_zone *zone, struct mal_page *desc,
			unsigned int order, unsigned int nr,
			struct mal_page **chain)
{
	unsigned long at, end = 1UL << desc->order, left, flags;

	*chain = NULL;
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
	mal_section_file(zone, mal_page_section(desc));
	zone->changes++;
	spin_unlock_irqrestore(&zone->lock, flags);
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
 * The largest block is taken, as it is worth most to the host; of a larger one
 * than is wanted, a part. The zone's reserve stays.
 *
 * Context: any but NMI.
 * Return: the block's first page, in state PCP: it is to be looked at, and goes on to
 * mal_zone_disown(). NULL if nothing is to spare.
 */
struct mal_page *mal_zone_withdraw(struct mal_zone *zone,
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
	mal_section_file(zone, section);
out:
	spin_unlock_irqrestore(&zone->lock, flags);
	return desc;
}

/**
 * mal_zone_disown() - a block is the zone's no more
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

	spin_lock_irqsave(&zone->lock, flags);
	for (i = 0; i < 1U << order; i++)
		desc[i].state = MAL_PAGE_FOREIGN;
	zone->pages -= 1UL << order;
	zone->changes++;
	spin_unlock_irqrestore(&zone->lock, flags);
}
