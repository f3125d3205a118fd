/* SPDX-License-Identifier: GPL-2.0 */
/*
 * region.h: pages borrowed from the host, and their descriptors
 */
#ifndef _MAL_REGION_H
#define _MAL_REGION_H

#include <linux/list.h>
#include <linux/llist.h>
#include <linux/mm.h>
#include <linux/types.h>

#include <memalloc/page_alloc.h>

struct memalloc_stats_borrowing;
struct mal_zone;

/* A section is as large as the largest block, and aligned to its size. */
#define MAL_SECTION_PAGES	(1UL << MAL_MAX_ORDER)

/**
 * enum mal_page_state - what a page is, in its descriptor
 * @MAL_PAGE_FOREIGN: not borrowed
 * @MAL_PAGE_TAIL: inside a block, not its first page
 * @MAL_PAGE_FREE: first page of a free block on a zone's free list
 * @MAL_PAGE_PCP: first page of a block that is free and on no zone's list: it
 *	is on a per-CPU list, or on its way between an owner and a list
 * @MAL_PAGE_QUARANTINED: freed, but somebody else still holds a reference
 * @MAL_PAGE_LEAKED: kept out of circulation until unload, after a report
 * @MAL_PAGE_USED: first page of an allocation of pages
 * @MAL_PAGE_SLAB: any page of a slab
 * @MAL_PAGE_LARGE: first page of a block of mal_kmalloc(), that no size class
 *	is large enough for
 * @MAL_PAGE_LARGE_FREED: first page of all of such memory: it is freed now, or
 *	when a grace period is over
 * @MAL_PAGE_AREA: first page of a block of a mapped area
 */
enum mal_page_state {
	MAL_PAGE_FOREIGN = 0,
	MAL_PAGE_TAIL,
	MAL_PAGE_FREE,
	MAL_PAGE_PCP,
	MAL_PAGE_QUARANTINED,
	MAL_PAGE_LEAKED,
	MAL_PAGE_USED,
	MAL_PAGE_SLAB,
	MAL_PAGE_LARGE,
	MAL_PAGE_LARGE_FREED,
	MAL_PAGE_AREA,
};

/* In mal_page.owner: tells a slab from all else by one look. */
#define MAL_OWNER_SLAB	1UL

/**
 * struct mal_page - descriptor of one borrowed page
 * @link: FREE: in the zone's free list. QUARANTINED: in the quarantine.
 * @next: PCP: the block below it on the per-CPU list
 * @page: PCP: the host's name for it, so that allocation need not look it up
 * @deferred: PCP, freed in NMI context: in the list of those
 * @owner: USED: for the layer that holds the block. SLAB: struct mal_slab, with
 *	MAL_OWNER_SLAB: what else is in its place is even
 * @caller: USED: who allocated it
 * @state: enum mal_page_state
 * @order: order of the block, if this is its first page
 * @index: of the page in its section; never changes
 * @private: USED: for the layer that holds the block. LARGE: bytes asked for.
 *	AREA: number of the page in its area
 * @unseen: FREE: no part of the block that nobody has looked at since it was
 *	freed (quarantine.c) was freed with a lower order than this;
 *	MAL_ALL_SEEN if there is no such part
 *
 * Lives outside struct page: all that is in there belongs to the page's user,
 * as with the host's allocator. But for SLAB, only the first page of a block has
 * a state other than TAIL and a valid @order, so that a block of any size is allocated,
 * freed, split and merged by writing one descriptor or two.
 */
struct mal_page {
	union {
		struct list_head link;
		struct llist_node deferred;
		struct {
			struct mal_page *next;
			struct page *page;
		};
		struct {
			void *owner;
			unsigned long caller;
		};
	};
	u8 state;
	u8 order;
	u16 index;
	union {
		u32 private;
		u32 unseen;
	};
};

/* In mal_page.unseen: there is nothing left to look at. */
#define MAL_ALL_SEEN	MAL_NR_ORDERS

/**
 * struct mal_section - descriptors of MAL_SECTION_PAGES consecutive pages
 * @zone: the zone of ours that all borrowed pages here belong to
 * @key: which zone that is, see mal_zone_key()
 * @host_zone: the zone of the host's that they all come from
 * @first_pfn: number of the first page
 * @borrowed: pages borrowed here, under the lock of the region
 * @free: of those, free in the zone, under its lock as all that follows
 * @link: in the zone's list of sections with that much free, see @top and
 *	@group; empty if nothing is
 * @blocks: free blocks by order, by mal_page.link
 * @orders: the orders of which there are any
 * @top: the highest of these, when it was put on that list
 * @group: which of the groups by free pages, when it was put on that list
 * @rcu: frees the section when no lookup can see it any more
 * @pages: one for each page, borrowed or not
 *
 * Exists while any page of it is borrowed.
 */
struct mal_section {
	struct mal_zone *zone;
	unsigned int key;
	struct zone *host_zone;
	unsigned long first_pfn;
	unsigned long borrowed;
	unsigned long free;
	struct list_head link;
	struct list_head blocks[MAL_NR_ORDERS];
	u16 orders;
	u8 top;
	u8 group;
	struct rcu_head rcu;
	struct mal_page pages[MAL_SECTION_PAGES];
};

/**
 * struct mal_section_table - the sections, by page number
 * @sections: the table; NULL where nothing is borrowed
 * @nr: entries in it
 * @first_pfn: page number of the first entry, a multiple of MAL_SECTION_PAGES
 * @first_page: the host's struct page of that number, if there is one
 * @first_address: where the host's linear mapping has that page
 *
 * Set up at load, when the extent of the host's memory is known. Memory that
 * is plugged in beyond it later is never borrowed.
 */
struct mal_section_table {
	struct mal_section __rcu **sections;
	unsigned long nr;
	unsigned long first_pfn;
	struct page *first_page;
	unsigned long first_address;
};

extern struct mal_section_table mal_section_table;

/**
 * mal_section_at() - an entry of the table
 * @nr: which, less than mal_section_table.nr
 *
 * Context: any, under rcu_read_lock() or with preemption off, or while the
 * caller holds a page of the section.
 * Return: the section, or NULL if nothing there is borrowed.
 */
static inline struct mal_section *mal_section_at(unsigned long nr)
{
	/* raw: holding a page, too, keeps the section, and lockdep cannot know */
	return rcu_dereference_raw(mal_section_table.sections[nr]);
}

/**
 * mal_page_offset() - the number of a page, counted from the table's first
 * @page: a page of the host's
 *
 * Where the host's array of struct page is all in one, as it nearly always is,
 * this is one subtraction.
 *
 * Context: any.
 * Return: how many pages it comes after the first; huge if it comes before.
 */
static inline unsigned long mal_page_offset(const struct page *page)
{
	if (IS_ENABLED(CONFIG_SPARSEMEM) && !IS_ENABLED(CONFIG_SPARSEMEM_VMEMMAP))
		return page_to_pfn(page) - mal_section_table.first_pfn;
	return page - mal_section_table.first_page;
}

/**
 * mal_section_of() - the section that a page lies in
 * @offset: the page, see mal_page_offset()
 *
 * Context: as for mal_section_at().
 * Return: the section, or NULL if nothing near the page is borrowed.
 */
static inline struct mal_section *mal_section_of(unsigned long offset)
{
	unsigned long nr = offset >> MAL_MAX_ORDER;

	if (unlikely(nr >= mal_section_table.nr))
		return NULL;
	return mal_section_at(nr);
}

/**
 * mal_section_page() - the descriptor of a page in its section
 * @section: the section
 * @offset: the page, see mal_page_offset()
 *
 * Context: any.
 * Return: the descriptor, which may say that the page is not borrowed.
 */
static inline struct mal_page *mal_section_page(struct mal_section *section,
						unsigned long offset)
{
	return &section->pages[offset & (MAL_SECTION_PAGES - 1)];
}

/**
 * mal_page_of() - the descriptor of a page
 * @page: a page of the host's, ours or not
 *
 * Context: as for mal_section_at().
 * Return: its descriptor, which may say that the page is not borrowed, or
 * NULL if nothing near it is.
 */
static inline struct mal_page *mal_page_of(const struct page *page)
{
	unsigned long offset = mal_page_offset(page);
	struct mal_section *section = mal_section_of(offset);

	return likely(section) ? mal_section_page(section, offset) : NULL;
}

/**
 * mal_page_of_address() - the descriptor of the page that an address lies in
 * @address: any value
 *
 * Made for the addresses that the host's linear mapping of its memory has; all
 * others are outside of what the table covers, or lie in pages that are no
 * slab's (highmem).
 *
 * Context: as for mal_section_at().
 * Return: as for mal_page_of().
 */
static inline struct mal_page *mal_page_of_address(const void *address)
{
	unsigned long offset = ((unsigned long)address -
				mal_section_table.first_address) >> PAGE_SHIFT;
	struct mal_section *section = mal_section_of(offset);

	return likely(section) ? mal_section_page(section, offset) : NULL;
}

/**
 * mal_page_section() - the section that a descriptor is in
 * @desc: a descriptor
 *
 * Context: any.
 * Return: its section.
 */
static inline struct mal_section *mal_page_section(struct mal_page *desc)
{
	return container_of(desc - desc->index, struct mal_section, pages[0]);
}

/**
 * mal_page_pfn() - the page number of a descriptor
 * @desc: a descriptor
 *
 * Context: any.
 * Return: the number of its page.
 */
static inline unsigned long mal_page_pfn(struct mal_page *desc)
{
	return mal_page_section(desc)->first_pfn + desc->index;
}

/**
 * mal_page_is() - is this the first page of such a block?
 * @desc: a descriptor
 * @state: enum mal_page_state
 * @order: order of the block
 *
 * Context: any; the answer is worth something only under the zone's lock, or
 * to the owner of the block.
 * Return: true if it is.
 */
static inline bool mal_page_is(const struct mal_page *desc,
			       enum mal_page_state state, unsigned int order)
{
	/* A neighbour may change state meanwhile, but not to or from FREE. */
	return data_race(desc->state == state && desc->order == order);
}

/* The host's own reference, and one of ours: see region.c. */
#define MAL_PAGE_REFS	2

struct page *mal_region_borrow(int nid, gfp_t gfp, unsigned int min_order,
			       unsigned int *order);
struct page *mal_region_borrow_spare(int nid, gfp_t gfp, unsigned int min_order,
				     unsigned int *order);
bool mal_page_mend(struct page *page, unsigned long caller);
void mal_region_return(struct page *page, unsigned int order);
bool mal_region_charge_other(unsigned long pages);
void mal_region_uncharge_other(unsigned long pages);
bool mal_region_charge_bytes(size_t bytes);
void mal_region_charge_bytes_anyway(size_t bytes);
void mal_region_uncharge_bytes(size_t bytes);
void mal_region_set_cap(unsigned long pages);
void mal_region_stats(struct memalloc_stats_borrowing *stats);
int mal_region_init(void);
void mal_region_exit(void);

#endif /* _MAL_REGION_H */
