/* SPDX-License-Identifier: GPL-2.0 */
/*
 * region.h: pages borrowed from the host, and their descriptors
 */
#ifndef _MAL_REGION_H
#define _MAL_REGION_H

#include <linux/list.h>
#include <linux/llist.h>
#include <linux/mm.h>
#include <linux/page_ref.h>
#include <linux/types.h>

#include <memalloc/page_alloc.h>

#include "internal/compat.h"
#include "internal/peek.h"

struct memalloc_stats_borrowing;
struct mal_zone;

/* A section is as large as the largest block, and aligned to its size. */
#define MAL_SECTION_PAGES	(1UL << MAL_MAX_ORDER)

/**
 * enum mal_page_state - state of a page, in its descriptor
 * @MAL_PAGE_FOREIGN: not borrowed
 * @MAL_PAGE_TAIL: inside a block, not its first page
 * @MAL_PAGE_FREE: first page of a free block on a zone's free list
 * @MAL_PAGE_PCP: first page of a free block that is on no zone's list: it is on
 *	a per-CPU list, or on its way between an owner and a list
 * @MAL_PAGE_PINNED: freed, but another holder still has a reference
 * @MAL_PAGE_LEAKED: kept out of circulation until unload, after a report: its
 *	memory was written to while it was free
 * @MAL_PAGE_USED: first page of an allocation of pages
 * @MAL_PAGE_SLAB: any page of a slab
 * @MAL_PAGE_LARGE: first page of a block of a large mal_kmalloc()
 * @MAL_PAGE_LARGE_FREED: first page of such memory that is being freed, or will
 *	be after a grace period
 * @MAL_PAGE_AREA: first page of a block of a mapped area
 * @MAL_PAGE_CHANGING: first page of a block; its owner is writing the other
 *	descriptors, which are not valid
 */
enum mal_page_state {
	MAL_PAGE_FOREIGN = 0,
	MAL_PAGE_TAIL,
	MAL_PAGE_FREE,
	MAL_PAGE_PCP,
	MAL_PAGE_PINNED,
	MAL_PAGE_LEAKED,
	MAL_PAGE_USED,
	MAL_PAGE_SLAB,
	MAL_PAGE_LARGE,
	MAL_PAGE_LARGE_FREED,
	MAL_PAGE_AREA,
	MAL_PAGE_CHANGING,
};

/* In mal_page.order: any page of a slab except its first. */
#define MAL_ORDER_TAIL	0xff

/* In mal_page.owner: this bit tells a slab from everything else. */
#define MAL_OWNER_SLAB	1UL

/**
 * struct mal_page - descriptor of one borrowed page
 * @link: FREE: entry in the zone's free list. PINNED: entry in a list of
 *	pinned.c.
 * @next: PCP: the next block down the per-CPU list
 * @page: PCP: the struct page, cached so that allocation needs no lookup
 * @deferred: PCP, freed in NMI context: entry in the list of deferred frees
 * @owner: USED: for the layer that owns the block. SLAB: struct mal_slab, with
 *	MAL_OWNER_SLAB; any other value of this word is even
 * @caller: USED: code address of the caller that allocated it
 * @state: enum mal_page_state
 * @order: order of the block, if this is its first page. SLAB: MAL_ORDER_TAIL
 *	in the others
 * @index: index of the page in its section; never changes
 * @private: USED: for the layer that owns the block. LARGE: requested size in
 *	bytes. AREA: index of the page in its area
 * @unseen: FREE: the highest order of a part of the block that was not checked
 *	since it was freed (pinned.c); MAL_ALL_SEEN if there is no such part
 * @list: PCP: identifies the chain that the page is linked into, see struct
 *	mal_chain
 * @account: PINNED: ID of the account charged for the block, see struct
 *	mal_pinned_account
 * @word: @state, @order and @index as one word, for cmpxchg
 *
 * It is separate from struct page, which belongs to the owner of the page, as
 * with the host's allocator. Except for SLAB, only the first page of a block
 * has a state other than TAIL and a valid @order. A block of any size is
 * therefore allocated, freed, split and merged by writing one or two
 * descriptors.
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
	union {
		struct {
			u8 state;
			u8 order;
			u16 index;
		};
		u32 word;
	};
	union {
		u32 private;
		u32 unseen;
		u32 list;
		u32 account;
	};
};

/* In mal_page.unseen: no part is unchecked. A single page is always checked. */
#define MAL_ALL_SEEN	0

/**
 * struct mal_section - descriptors of MAL_SECTION_PAGES consecutive pages
 * @zone: our zone that all borrowed pages of the section belong to
 * @key: identifies that zone, see mal_zone_key()
 * @host_zone: the host's zone that they all come from
 * @first_pfn: number of the first page
 * @borrowed: number of borrowed pages, protected by the lock of the region
 * @free: number of pages that are free in the zone; protected by the zone's
 *	lock, like all that follows
 * @link: entry in the zone's list for @top and @group; empty if no page is free
 * @blocks: free blocks by order, by mal_page.link
 * @orders: bitmap of the nonempty lists in @blocks
 * @top: the highest of these orders, when the section was filed
 * @group: the group by free pages, when the section was filed
 * @rcu: frees the section when no lookup can see it any more
 * @pages: one descriptor for each page, borrowed or not
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
 * @sections: the table; an entry is NULL if no page there is borrowed
 * @nr: number of entries
 * @first_pfn: page number of the first entry, a multiple of MAL_SECTION_PAGES
 * @first_page: the host's struct page of that number, if there is one
 * @first_address: address of that page in the host's linear mapping
 *
 * Set up at load, when the extent of the host's memory is known. A larger table
 * may replace it when memory is added to the host: @sections changes first, and
 * @nr a grace period later. The rest never changes.
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
 * mal_section_at() - get an entry of the table
 * @nr: index, less than mal_section_table.nr
 *
 * Context: any, under rcu_read_lock() or with preemption off, or while the
 * caller owns a page of the section.
 * Return: the section, or NULL if no page there is borrowed.
 */
static inline struct mal_section *mal_section_at(unsigned long nr)
{
	struct mal_section *section;

	/*
	 * An entry may change. Owning a page also keeps the section, and
	 * lockdep cannot know.
	 */
	section = (__force struct mal_section *)data_race(mal_section_table.sections[nr]);
	/*
	 * The compiler must not read the entry again. rcu_dereference_raw()
	 * would stop it from folding the address into the load as well.
	 */
	OPTIMIZER_HIDE_VAR(section);
	return section;
}

/**
 * mal_page_offset() - get the offset of a page from the first page of the table
 * @page: a page of the host
 *
 * If the host's array of struct page is contiguous, as it nearly always is,
 * this is one subtraction.
 *
 * Context: any.
 * Return: the offset in pages; huge if the page is below the first.
 */
static inline unsigned long mal_page_offset(const struct page *page)
{
	if (IS_ENABLED(CONFIG_SPARSEMEM) && !IS_ENABLED(CONFIG_SPARSEMEM_VMEMMAP))
		return page_to_pfn(page) - mal_section_table.first_pfn;
	return page - mal_section_table.first_page;
}

/**
 * mal_section_of() - get the section of a page
 * @offset: the page, see mal_page_offset()
 *
 * Context: as for mal_section_at().
 * Return: the section, or NULL if no page in that range is borrowed.
 */
static inline struct mal_section *mal_section_of(unsigned long offset)
{
	unsigned long nr = offset >> MAL_MAX_ORDER;

	/* No page beyond the old length is borrowed before nr grows. */
	if (unlikely(nr >= data_race(mal_section_table.nr)))
		return NULL;
	return mal_section_at(nr);
}

/**
 * mal_section_page() - get the descriptor of a page in its section
 * @section: the section
 * @offset: the page, see mal_page_offset()
 *
 * Context: any.
 * Return: the descriptor; its state tells whether the page is borrowed.
 */
static inline struct mal_page *mal_section_page(struct mal_section *section,
						unsigned long offset)
{
	return &section->pages[offset & (MAL_SECTION_PAGES - 1)];
}

/**
 * mal_page_of() - get the descriptor of a page
 * @page: a page of the host, borrowed or not
 *
 * Context: as for mal_section_at().
 * Return: its descriptor, which tells whether the page is borrowed; NULL if its
 * section has no descriptors.
 */
static inline struct mal_page *mal_page_of(const struct page *page)
{
	unsigned long offset = mal_page_offset(page);
	struct mal_section *section = mal_section_of(offset);

	return likely(section) ? mal_section_page(section, offset) : NULL;
}

/**
 * mal_page_of_address() - get the descriptor of the page at an address
 * @address: any value
 *
 * For addresses in the host's linear mapping. All other addresses are outside
 * the range of the table, or in pages that no slab uses (highmem).
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
 * mal_page_section() - get the section of a descriptor
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
 * mal_page_pfn() - get the page number of a descriptor
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
 * mal_page_peek() - read the state, the order and the index of a page
 * @desc: a descriptor
 *
 * They are read at once. Unless the caller owns the block, or it is free and
 * the caller holds the zone's lock, they may change at any time.
 *
 * Context: any.
 * Return: a copy of @desc in which only mal_page.word is set.
 */
static inline struct mal_page mal_page_peek(const struct mal_page *desc)
{
	return (struct mal_page) { .word = mal_peek(desc->word) };
}

/**
 * mal_page_is() - is this the first page of a block in a given state?
 * @desc: a descriptor
 * @state: enum mal_page_state
 * @order: order of the block
 *
 * Context: any. The result is reliable only under the zone's lock, or for the
 * owner of the block.
 * Return: true if it is.
 */
static inline bool mal_page_is(const struct mal_page *desc,
			       enum mal_page_state state, unsigned int order)
{
	/* A neighbour may change state meanwhile, but not to or from FREE. */
	return data_race(desc->state == state && desc->order == order);
}

/* Is @desc the first page of an allocation, which has a caller? */
static inline bool mal_page_has_caller(const struct mal_page *desc)
{
	u8 state = mal_peek(desc->state);

	return state == MAL_PAGE_USED || state == MAL_PAGE_LARGE;
}

/**
 * mal_page_change_caller() - attribute an allocation to another caller
 * @desc: descriptor of its first page
 * @old: the expected mal_page.caller
 * @caller: code address of the new caller, or zero
 *
 * While a block is free, the same word contains a link; on a per-CPU list it is
 * the struct page. If another CPU frees the block meanwhile, the exchange
 * fails.
 *
 * Context: any, as for mal_section_at().
 * Return: true; false if nothing was written, because this is not an allocation
 * or its caller is not @old.
 */
static inline bool mal_page_change_caller(struct mal_page *desc, unsigned long old,
					  unsigned long caller)
{
	return mal_page_has_caller(desc) &&
	       old != (unsigned long)pfn_to_page(mal_page_pfn(desc)) &&
	       cmpxchg(&desc->caller, old, caller) == old;
}

/**
 * mal_page_set_caller() - attribute an allocation to another caller
 * @desc: descriptor of its first page
 * @caller: code address of the new caller
 *
 * The state is checked before the old caller is read, and again afterwards.
 *
 * Context: as for mal_page_change_caller().
 * Return: as mal_page_change_caller().
 */
static inline bool mal_page_set_caller(struct mal_page *desc, unsigned long caller)
{
	unsigned long old;

	if (!mal_page_has_caller(desc))
		return false;
	/* Read the state before the caller. */
	smp_rmb();
	old = mal_peek(desc->caller);
	/* Read the caller before the state is checked again. */
	smp_rmb();
	return mal_page_change_caller(desc, old, caller);
}

/**
 * mal_page_claim() - change the state of a block, for one of several callers
 * @desc: its first page
 * @from: the expected state
 * @order: the expected order
 * @to: the new state
 *
 * If several callers try to change the same block, one succeeds. A free on the
 * fast path changes the state with a plain store, so it may still happen at the
 * same time; see struct mal_chain.
 *
 * Context: any.
 * Return: true if this caller changed the state.
 */
static inline bool mal_page_claim(struct mal_page *desc, enum mal_page_state from,
				  unsigned int order, enum mal_page_state to)
{
	struct mal_page old, new;

	old.word = READ_ONCE(desc->word);
	if (old.state != from || old.order != order)
		return false;
	new.word = old.word;
	new.state = to;
	return cmpxchg(&desc->word, old.word, new.word) == old.word;
}

/**
 * struct mal_chain - free blocks, linked by mal_page.next
 * @head: the first one
 * @nr: number of blocks; the last one need not link to NULL
 * @list: mal_page.list of each block: the per-CPU list that it was pushed on,
 *	or MAL_NO_LIST
 *
 * Two CPUs that free one block at the same time both find it allocated, and
 * both push it. It is then on two lists, and linked into one of them: the list
 * that was stored in mal_page.list last. A walk compares this field with the
 * list that it walks. It follows no link of a block that belongs to another
 * list, is not free, or has another order. All blocks behind such a block are
 * given up: they stay in state PCP, out of circulation, until unload.
 */
struct mal_chain {
	struct mal_page *head;
	unsigned int nr;
	u32 list;
};

/* In mal_page.list: on no per-CPU list. No list has an odd address. */
#define MAL_NO_LIST	1U

/**
 * mal_chain_owns() - does a block belong to a chain?
 * @desc: a block, or NULL
 * @list: mal_chain.list
 * @order: the order of all blocks of the chain
 *
 * Context: any.
 * Return: true if so.
 */
static inline bool mal_chain_owns(const struct mal_page *desc, u32 list,
				  unsigned int order)
{
	return desc && mal_page_is(desc, MAL_PAGE_PCP, order) &&
	       READ_ONCE(desc->list) == list;
}

/**
 * mal_chain_take() - take the first block off a chain
 * @chain: the chain
 * @order: the order of all its blocks
 *
 * The link is read first. If the chain owns the block afterwards, no other CPU
 * has allocated it, which would overwrite the link.
 *
 * Context: any.
 * Return: the block. NULL if the chain is empty, or if the next entry does not
 * belong to it; mal_chain.nr is then the number of blocks given up.
 */
static inline struct mal_page *mal_chain_take(struct mal_chain *chain,
					      unsigned int order)
{
	struct mal_page *desc = chain->head, *next;

	if (!chain->nr || !desc)
		return NULL;
	next = READ_ONCE(desc->next);
	/* Read the link before the check that validates it: see above. */
	smp_rmb();
	if (unlikely(!mal_chain_owns(desc, chain->list, order)))
		return NULL;
	chain->head = next;
	chain->nr--;
	return desc;
}

/**
 * mal_chain_add() - put a block on top of a chain
 * @chain: the chain
 * @desc: the block, in state PCP
 *
 * Context: any.
 */
static inline void mal_chain_add(struct mal_chain *chain, struct mal_page *desc)
{
	desc->next = chain->head;
	desc->list = chain->list;
	chain->head = desc;
	chain->nr++;
}

/* Bias of the count of each borrowed page: see region.c. */
#define MAL_PAGE_BIAS	(1 << 28)
#define MAL_PAGE_REFS	(MAL_PAGE_BIAS + 1)

/*
 * Count of a page of slabs and large kmalloc, which others must not reference.
 */
#define MAL_HEAP_REFS	(-(1 << 30))

/**
 * mal_refs_base() - the count of a page that only its owner references
 * @refs: its current count
 *
 * Context: any.
 * Return: MAL_PAGE_REFS or MAL_HEAP_REFS.
 */
static inline int mal_refs_base(int refs)
{
	return refs < 0 ? MAL_HEAP_REFS : MAL_PAGE_REFS;
}

/**
 * mal_page_refs() - get the number of references of a page, without the bias
 * @page: a page of ours
 *
 * Context: any.
 * Return: the page_ref_count() of a page of the host with the same history: 1
 * if only its owner references it, less if holders dropped references that they
 * did not own.
 */
static inline int mal_page_refs(const struct page *page)
{
	int refs = page_ref_count(page);

	return refs - mal_refs_base(refs) + 1;
}

/**
 * mal_page_is_lost() - has the host taken this page of ours?
 * @page: the page
 *
 * The count of a lost page is that of a page of the host, free or in use.
 *
 * Context: any.
 * Return: true if so; the page must not be touched.
 */
static inline bool mal_page_is_lost(const struct page *page)
{
	int refs = page_ref_count(page);

	return refs > MAL_HEAP_REFS / 2 && refs < MAL_PAGE_BIAS / 2;
}

/**
 * mal_page_is_marked() - has an owner left marks in struct page?
 * @page: a page of ours
 *
 * The words read are in the same cache line as the count.
 *
 * Context: any.
 * Return: true if the next owner would see a mark, or if the page is broken.
 */
static __always_inline bool mal_page_is_marked(const struct page *page)
{
	return (mal_page_flags(page) & PAGEFLAGS_MASK) |
	       (unsigned long)page->mapping | page->private;
}

struct page *mal_region_borrow(int nid, gfp_t gfp, unsigned int min_order,
			       unsigned int *order);
struct page *mal_region_borrow_spare(int nid, gfp_t gfp, unsigned int min_order,
				     unsigned int *order);
bool mal_page_repair(struct page *page, unsigned long caller);
bool mal_page_clean(struct page *page);
void mal_block_enter_heap(struct page *page, unsigned int order);
bool mal_block_leave_heap(struct page *page, unsigned int order,
			  unsigned long caller);
void mal_region_return(struct page *page, unsigned int order);
void mal_region_lose(struct mal_page *desc, unsigned long caller);
bool mal_region_try_charge_other(unsigned long pages);
void mal_region_uncharge_other(unsigned long pages);
bool mal_region_try_charge_bytes(size_t bytes);
void mal_region_charge_bytes(size_t bytes);
void mal_region_uncharge_bytes(size_t bytes);
void mal_region_set_cap(unsigned long pages);
unsigned long mal_region_sections(void);
void mal_region_stats(struct memalloc_stats_borrowing *stats);
int mal_region_init(void);
void mal_region_exit(void);

#endif /* _MAL_REGION_H */
