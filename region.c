// SPDX-License-Identifier: GPL-2.0
/*
 * Regions: pages borrowed from the host, and their descriptors
 *
 * This is the only file that takes pages from the host and returns them.
 *
 * Blocks. Memory is borrowed in blocks of 2^order pages. The largest order is
 * tried first, without effort, then smaller ones down to the order that the
 * caller needs. A block is split at once into order-0 pages (split_page()),
 * each with a reference count of its own, so it may later be returned in any
 * pieces. Callers that must not sleep get blocks of moderate size: splitting
 * takes time, and their interrupts may be off.
 *
 * References. The count of a page is 1 when the host hands it over, and
 * MAL_PAGE_BIAS is added. A mapping, a pipe or a socket adds more references. A
 * count below MAL_PAGE_REFS means that a holder dropped a reference that it did
 * not have: the host's put_page() or kfree() was called on a page of ours. The
 * bias keeps the count from reaching zero, so the host does not free the page.
 * The next check of the page reports the missing references and adds them
 * again.
 *
 * MAL_PAGE_BIAS is 2^28, so 268 million stray drops in the life of one owner do
 * not free a page, and half as many are repaired. Above the bias there is room
 * for 1.8 million pins of 1024 each (GUP_PIN_COUNTING_BIAS) before the count
 * becomes negative and the host refuses further ones. A page of the host has
 * room for 2.1 million. folio_maybe_dma_pinned() returns true for every page of
 * ours. The function may return false positives, and its callers ask about
 * anonymous memory and the page cache, which never consist of pages of ours.
 *
 * A page of slab objects or large kmalloc memory has a count of MAL_HEAP_REFS,
 * -2^30, for as long as it is one. sendpage_ok() and try_get_page() refuse it,
 * as they refuse the host's own slab pages, so drivers copy from such memory
 * instead of sending it. kfree() makes the memory available to another owner at
 * once, which could happen during a retransmit. A balanced get and put, as by a
 * task that looks up the page by its number, change nothing. 2^30 stray drops
 * do not reach zero. The count is also far from the values -127 to 0 that debug
 * kernels take for an overflow. One atomic addition of the difference changes a
 * page between the two counts, so a reference that is taken and dropped
 * meanwhile is not lost. A count of zero would be worse: a get and a put free
 * such a page.
 *
 * No count can stop __free_pages() of the host with an order above 0: it frees
 * all but the first page without reading their counts. Such a page has a small
 * count, like a page of the host (mal_page_is_lost()). It is lost: once this is
 * noticed, the page counts as neither borrowed nor returned, and we do not
 * touch it again.
 *
 * Marks. An owner may leave mapping, private or flags set in a page that it
 * frees. mal_page_clean() resets these before the next owner gets the page. The
 * first page of a block is checked when the block is freed, the others when the
 * block is split or returned (pinned.c). A page that the host marked as broken
 * (HWPoison) is returned to the host by itself as soon as it is checked, and
 * the host keeps it out of use.
 *
 * Return. A block is returned as a whole if possible, with the counts that it
 * had when it came: one reference on its first page, none on the others. Single
 * pages would first stay on the host's per-CPU lists, and form large blocks
 * again only when these are drained; this also takes longer. page_ref_freeze()
 * takes the last reference of a page only if no other holder has one. A task
 * that looks up the page by its number at that time either gets no reference,
 * or makes us return the pages one by one.
 *
 * Sections. Physical memory is divided into sections of MAL_SECTION_PAGES
 * pages, aligned to their size. A section is described by an array of struct
 * mal_page while any page of it is borrowed:
 *
 *	 mal_section_table          struct mal_section
 *	+---+---+---+---+---+      +----------------------------+
 *	|   | o |   |   |   |----->| zone, first_pfn, borrowed  |
 *	+---+-|-+---+---+---+      | pages[0]   USED    order 3 |
 *	      v                    | pages[1]   TAIL            |
 *	                           | ...                        |
 *	                           | pages[8]   FREE    order 3 |
 *	                           | ...                        |
 *	                           | pages[512] FOREIGN         |
 *	                           +----------------------------+
 *
 * The table is flat, for a lookup in a few instructions. It costs 8 bytes for
 * each 4 MiB between the first and the last page of the host. A section costs
 * 28 KiB, 0.7 % of the memory that it describes.
 *
 * The table covers the memory that the host has when the module is loaded. When
 * the host brings memory beyond that online, a larger table replaces it
 * (mal_section_table_grow()). If the table cannot be allocated, the memory
 * stays offline. Memory below the first page of the table is never borrowed; no
 * machine is known to plug in such memory.
 *
 * The descriptors of a section are one allocation of 28 KiB (order 3). If the
 * host has no such block, a spare is used instead. MAL_SECTION_SPARES of them
 * are allocated from single pages, at load and by a worker after one was used.
 * So a caller that must not sleep can borrow a single page when the host has no
 * larger block, even in a section without descriptors. This works
 * MAL_SECTION_SPARES times before the worker has run. All spares are charged
 * from load to unload, also while the worker has not replaced one yet.
 *
 * The host's zones end at section boundaries, except on exotic machines. There,
 * a section belongs to the zone of its first block. A block from another zone
 * in the same section is returned at once.
 *
 * Accounting. mal_region.borrowed is charged before the host is asked, and
 * uncharged when a page has been returned or is lost. mal_region_try_charge()
 * refuses pages beyond the cap; only a lowered cap and
 * mal_region_charge_bytes() let it exceed the cap. The number of pages borrowed
 * now is exactly borrowed_total minus returned_total minus lost_total. Memory
 * of the host outside our zones is charged, too: per-CPU chunks and sections by
 * the page, and descriptors of slabs and areas and sheaves by the byte. For the
 * latter, a page is charged when the sum of bytes fills it.
 *
 * The cap bounds pages and metadata together. A block in a section without
 * descriptors needs room for the block and for the section, but the section is
 * known only when the host has handed over the block. Each block is therefore
 * charged with a section before the host is asked, and the section is uncharged
 * afterwards if it exists. Whether the cap allows a block thus depends on what
 * is charged alone, not on the address of the block: a block that was refused
 * is refused again until something is returned. Up to 28 KiB below the cap
 * remain unused.
 *
 * A section is uncharged when its last page leaves. Its memory is returned to
 * the host a grace period later. The first table and the spares are charged at
 * load, and a larger table when it is allocated, even beyond the cap.
 *
 * Locking. mal_region.lock protects the entries of the table and the number of
 * borrowed pages in each section. No other lock is taken under it, and no other
 * spinlock of this module is held when it is taken. Lookups take no lock: a
 * section is freed after an RCU grace period, and persists while a page in it
 * is borrowed. The descriptors themselves are protected by the zone's lock
 * (buddy.c).
 *
 * Context: borrowing and returning work in task, softirq and hardirq context.
 * Borrowing sleeps only if the caller's gfp allows it.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/atomic.h>
#include <linux/bug.h>
#include <linux/err.h>
#include <linux/gfp.h>
#include <linux/kernel.h>
#include <linux/memory.h>
#include <linux/mm.h>
#include <linux/mmzone.h>
#include <linux/mutex.h>
#include <linux/nodemask.h>
#include <linux/notifier.h>
#include <linux/page_ref.h>
#include <linux/rcupdate.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/vmalloc.h>
#include <linux/workqueue.h>

#include <uapi/linux/memalloc.h>

#include "internal/compat.h"
#include "internal/delay.h"
#include "internal/inject.h"
#include "internal/kmemleak.h"
#include "internal/kunit.h"
#include "internal/region.h"
#include "internal/report.h"
#include "internal/sanitizer.h"

/* A caller that must not sleep borrows at most 256 KiB, or what it asks for. */
#define MAL_ATOMIC_ORDER	6

/*
 * Number of new sections that are possible when the host has only single pages.
 */
#define MAL_SECTION_SPARES	4

/* A section takes whole pages of the host, contiguous or not. */
#define MAL_SECTION_BYTES	PAGE_ALIGN(sizeof(struct mal_section))
#define MAL_SECTION_CHARGE	(MAL_SECTION_BYTES >> PAGE_SHIFT)

/* Flags that we implement, or that make no sense for borrowing. */
#define MAL_GFP_NOT_FOR_HOST	(__GFP_ZERO | __GFP_COMP | __GFP_NOFAIL | \
				 __GFP_HIGHMEM | __GFP_MOVABLE | \
				 __GFP_RECLAIMABLE | __GFP_ACCOUNT | __GFP_WRITE)

/* Flags for the effort; the only ones used for the descriptors of a block. */
#define MAL_GFP_EFFORT		(GFP_KERNEL | __GFP_HIGH | __GFP_NOWARN | \
				 __GFP_NORETRY | __GFP_RETRY_MAYFAIL)

struct mal_section_table mal_section_table __read_mostly;
MAL_EXPORT_FOR_KUNIT(mal_section_table);

/**
 * struct mal_region - accounting of the memory borrowed from the host
 * @lock: protects the entries of the table and mal_section.borrowed
 * @borrowed: pages borrowed, or about to be, including @other
 * @other: pages of the host outside our zones, for per-CPU chunks and
 *	@sections, and the whole pages of @described
 * @described: bytes of other metadata, allocated from the host: descriptors
 *	of slabs and areas, sheaves, tables of sections, and spare sections
 * @peak: the maximum of @borrowed
 * @borrowed_total: pages ever borrowed
 * @returned_total: pages ever returned
 * @lost_total: pages that the host took without a return
 * @refused_cap: number of times the cap refused to borrow
 * @refused_host: number of times the host refused to lend
 * @sections: number of sections
 * @spares: number of spare sections
 * @cap: maximum of @borrowed
 */
struct mal_region {
	spinlock_t lock;
	atomic_long_t borrowed;
	atomic_long_t other;
	atomic_long_t described;
	atomic_long_t peak;
	atomic64_t borrowed_total;
	atomic64_t returned_total;
	atomic64_t lost_total;
	atomic64_t refused_cap;
	atomic64_t refused_host;
	atomic_long_t sections;
	atomic_long_t spares;
	unsigned long cap;
};

static struct mal_region mal_region = {
	.lock = __SPIN_LOCK_UNLOCKED(mal_region.lock),
};

static void mal_region_note_peak(void)
{
	long borrowed = atomic64_read(&mal_region.borrowed_total) -
			atomic64_read(&mal_region.returned_total) -
			atomic64_read(&mal_region.lost_total);
	long peak = atomic_long_read(&mal_region.peak);

	while (borrowed > peak &&
	       !atomic_long_try_cmpxchg(&mal_region.peak, &peak, borrowed))
		;
}

static bool mal_region_try_charge(unsigned long pages)
{
	long borrowed = atomic_long_read(&mal_region.borrowed);

	do {
		if (borrowed + pages > READ_ONCE(mal_region.cap))
			return false;
	} while (!atomic_long_try_cmpxchg(&mal_region.borrowed, &borrowed,
					  borrowed + pages));
	return true;
}

static void mal_region_uncharge(unsigned long pages)
{
	atomic_long_sub(pages, &mal_region.borrowed);
}

/*
 * As in page_counter.c, mal_region_try_charge_*() only compare with the cap,
 * and mal_region_charge_*() ignore it. mal_borrow_charge_*() also try to make
 * room.
 */

/**
 * mal_region_try_charge_other() - charge pages if the cap allows it
 * @pages: number of pages about to be borrowed without the page allocator
 *
 * Context: any.
 * Return: true, or false if the cap does not allow it. Nothing is freed to make
 * room; mal_borrow_charge_other() does that.
 */
bool mal_region_try_charge_other(unsigned long pages)
{
	if (!mal_region_try_charge(pages)) {
		atomic64_inc(&mal_region.refused_cap);
		return false;
	}
	atomic_long_add(pages, &mal_region.other);
	return true;
}

/**
 * mal_region_uncharge_other() - uncharge pages
 * @pages: number of pages returned to the host
 *
 * Context: any.
 */
void mal_region_uncharge_other(unsigned long pages)
{
	atomic_long_sub(pages, &mal_region.other);
	mal_region_uncharge(pages);
}

/* Number of pages that become full as a sum of bytes grows. */
static unsigned long mal_pages_between(unsigned long before, unsigned long after)
{
	return (after >> PAGE_SHIFT) - (before >> PAGE_SHIFT);
}

/**
 * mal_region_try_charge_bytes() - charge metadata if the cap allows it
 * @bytes: number of bytes about to be allocated from the host for data about
 *	slabs, sheaves, chunks or areas
 *
 * Pages are charged before the bytes are added, and each task charges its own
 * change of the sum. The charge is therefore always at least the whole pages of
 * the sum, and larger only while a change is in progress.
 *
 * Context: any.
 * Return: true, or false if the cap does not allow it. Nothing is freed to make
 * room; mal_borrow_charge_bytes() does that.
 */
bool mal_region_try_charge_bytes(size_t bytes)
{
	long before = atomic_long_read(&mal_region.described);
	unsigned long pages;

	/* A sum with a size that overflowed would overflow, too. */
	if (bytes >> PAGE_SHIFT > READ_ONCE(mal_region.cap)) {
		atomic64_inc(&mal_region.refused_cap);
		return false;
	}
	for (;;) {
		pages = mal_pages_between(before, before + bytes);
		if (pages && !mal_region_try_charge_other(pages))
			return false;
		if (atomic_long_try_cmpxchg(&mal_region.described, &before,
					    before + bytes))
			return true;
		if (pages)
			mal_region_uncharge_other(pages);
	}
}

/**
 * mal_region_charge_bytes() - charge metadata, and ignore the cap
 * @bytes: number of bytes about to be allocated from the host
 *
 * If this exceeds the cap, nothing is borrowed until the excess is returned.
 *
 * Context: any.
 */
void mal_region_charge_bytes(size_t bytes)
{
	long after = atomic_long_add_return(bytes, &mal_region.described);
	unsigned long pages = mal_pages_between(after - bytes, after);

	atomic_long_add(pages, &mal_region.borrowed);
	atomic_long_add(pages, &mal_region.other);
}

/**
 * mal_region_uncharge_bytes() - uncharge metadata
 * @bytes: number of bytes freed, or about to be after a grace period
 *
 * Context: any.
 */
void mal_region_uncharge_bytes(size_t bytes)
{
	long after = atomic_long_sub_return(bytes, &mal_region.described);
	unsigned long pages = mal_pages_between(after, after + bytes);

	if (pages)
		mal_region_uncharge_other(pages);
}
MAL_EXPORT_FOR_KUNIT(mal_region_uncharge_bytes);

/* Entries are taken by xchg(), and filled by one task at a time. */
static struct mal_section *mal_section_spares[MAL_SECTION_SPARES];

/*
 * Allocate from single pages. As for other sections, kmemleak does not scan it.
 */
static struct mal_section *mal_section_make_spare(void)
{
	struct mal_section *section;

	section = __vmalloc(sizeof(*section),
			    GFP_KERNEL | __GFP_ZERO | __GFP_NORETRY | __GFP_NOWARN);
	kmemleak_ignore(section);
	return section;
}

static void mal_section_spares_fill(struct work_struct *work)
{
	struct mal_section *section;
	unsigned int i;

	for (i = 0; i < MAL_SECTION_SPARES; i++) {
		if (READ_ONCE(mal_section_spares[i]))
			continue;
		section = mal_section_make_spare();
		if (!section)
			return;
		atomic_long_inc(&mal_region.spares);
		/* The memory is zeroed before another CPU finds it. */
		smp_store_release(&mal_section_spares[i], section);
	}
}

static DECLARE_WORK(mal_section_spares_work, mal_section_spares_fill);

static struct mal_section *mal_section_take_spare(void)
{
	struct mal_section *section = NULL;
	unsigned int i;

	for (i = 0; i < MAL_SECTION_SPARES && !section; i++)
		section = xchg(&mal_section_spares[i], NULL);
	if (section)
		atomic_long_dec(&mal_region.spares);
	return section;
}

static void mal_section_destroy(struct mal_section *section)
{
	if (is_vmalloc_addr(section))
		vfree(section);
	else
		free_pages_exact(section, sizeof(*section));
}

/* Called when no more spares are taken. */
static void mal_section_spares_free(void)
{
	struct mal_section *section;

	cancel_work_sync(&mal_section_spares_work);
	while ((section = mal_section_take_spare()))
		mal_section_destroy(section);
}

static struct mal_section *mal_section_alloc(gfp_t gfp)
{
	struct mal_section *section;

	section = alloc_pages_exact(sizeof(*section), gfp | __GFP_ZERO | __GFP_NOWARN);
	if (section)
		return section;
	section = mal_section_take_spare();
	schedule_work(&mal_section_spares_work);
	return section;
}

static struct mal_section *mal_section_create(unsigned long first_pfn, gfp_t gfp)
{
	struct mal_section *section;
	unsigned int i;

	if (mal_inject_should_fail())
		return NULL;
	section = mal_section_alloc(gfp);
	if (!section)
		return NULL;
	section->first_pfn = first_pfn;
	INIT_LIST_HEAD(&section->link);
	for (i = 0; i < MAL_NR_ORDERS; i++)
		INIT_LIST_HEAD(&section->blocks[i]);
	for (i = 0; i < MAL_SECTION_PAGES; i++)
		section->pages[i].index = i;
	return section;
}

static void mal_section_destroy_rcu(struct rcu_head *rcu)
{
	mal_section_destroy(container_of(rcu, struct mal_section, rcu));
}

static void mal_section_add(struct mal_section *section, struct page *page,
			    unsigned int order)
{
	lockdep_assert_held(&mal_region.lock);
	section->borrowed += 1UL << order;
	section->host_zone = page_zone(page);
}

/* Add a block to an existing section, or to @fresh, or fail. */
static int mal_section_join(struct mal_section *fresh, struct page *page,
			    unsigned int order)
{
	unsigned long nr = (page_to_pfn(page) - mal_section_table.first_pfn) >>
			   MAL_MAX_ORDER;
	struct mal_section *section;
	unsigned long flags;
	int err = 0;

	spin_lock_irqsave(&mal_region.lock, flags);
	section = mal_section_at(nr);
	if (!section && !fresh) {
		err = -EAGAIN;
	} else if (!section) {
		mal_section_add(fresh, page, order);
		rcu_assign_pointer(mal_section_table.sections[nr], fresh);
		atomic_long_inc(&mal_region.sections);
		err = 1;
	} else if (section->host_zone == page_zone(page)) {
		mal_section_add(section, page, order);
	} else {
		err = -EXDEV;
	}
	spin_unlock_irqrestore(&mal_region.lock, flags);
	return err;
}

/*
 * Provide descriptors for a block. Returns 1 if its section was created, 0 if
 * the section exists, or an error.
 */
static int mal_section_adopt(struct page *page, unsigned int order, gfp_t gfp)
{
	unsigned long pfn = page_to_pfn(page);
	struct mal_section *fresh;
	int err;

	if ((pfn - mal_section_table.first_pfn) >> MAL_MAX_ORDER >=
	    mal_section_table.nr)
		return -ERANGE;
	err = mal_section_join(NULL, page, order);
	if (err != -EAGAIN)
		return err;
	fresh = mal_section_create(round_down(pfn, MAL_SECTION_PAGES), gfp);
	if (!fresh)
		return -ENOMEM;
	mal_delay(MAL_DELAY_SECTION_JOINED);
	err = mal_section_join(fresh, page, order);
	/* A caller that must not sleep cannot free a spare directly. */
	if (err != 1)
		call_rcu(&fresh->rcu, mal_section_destroy_rcu);
	return err;
}

/* Remove pages from a section. The last one frees the section. */
static void mal_section_leave(struct mal_section *section, unsigned int order)
{
	unsigned long nr = (section->first_pfn - mal_section_table.first_pfn) >>
			   MAL_MAX_ORDER;
	bool last;
	unsigned long flags;

	spin_lock_irqsave(&mal_region.lock, flags);
	section->borrowed -= 1UL << order;
	last = !section->borrowed;
	if (last)
		RCU_INIT_POINTER(mal_section_table.sections[nr], NULL);
	spin_unlock_irqrestore(&mal_region.lock, flags);
	if (last) {
		mal_delay(MAL_DELAY_SECTION_LEFT);
		atomic_long_dec(&mal_region.sections);
		mal_region_uncharge_other(MAL_SECTION_CHARGE);
		call_rcu(&section->rcu, mal_section_destroy_rcu);
	}
}

/* The order of the largest block to ask for. */
static unsigned int mal_borrow_order(gfp_t gfp, unsigned int min_order)
{
	unsigned int order = min_t(unsigned int, MAL_MAX_ORDER, MAL_HOST_MAX_ORDER);

	if (!gfpflags_allow_blocking(gfp))
		order = MAL_ATOMIC_ORDER;
	return max(order, min_order);
}

/*
 * No direct reclaim, no compaction, no reserves of the host. With
 * __GFP_THISNODE, another node may serve the caller next, and the host would
 * not notice that this node is short. So the @last attempt wakes kswapd on the
 * node, as an allocation of the host does.
 */
static gfp_t mal_spare_gfp(gfp_t gfp, bool last)
{
	gfp_t kept = GFP_ZONEMASK & ~__GFP_HIGHMEM & ~__GFP_MOVABLE;

	if (gfp & __GFP_THISNODE)
		kept |= __GFP_THISNODE | (last ? __GFP_KSWAPD_RECLAIM : 0);
	return (gfp & kept) | __GFP_NORETRY | __GFP_NOWARN | __GFP_NOMEMALLOC;
}

static gfp_t mal_needed_gfp(gfp_t gfp)
{
	return (gfp & ~MAL_GFP_NOT_FOR_HOST) | __GFP_NOWARN;
}

static struct page *mal_host_alloc(int nid, gfp_t gfp, unsigned int order)
{
	struct page *page;
	unsigned int i;

	if (mal_inject_should_fail())
		return NULL;
	/* The host logs every failure on a memoryless node; avoid asking. */
	if (gfp & __GFP_THISNODE && !node_state(nid, N_MEMORY))
		return NULL;
	page = alloc_pages_node(nid, gfp, order);
	if (!page)
		return NULL;
	split_page(page, order);
	for (i = 0; i < 1U << order; i++)
		page_ref_add(page + i, MAL_PAGE_BIAS);
	return page;
}

/**
 * mal_page_repair() - check a page of ours for lost references, and add them
 * @page: the page
 * @caller: code address of its owner or last owner, or zero if unknown
 *
 * References that others dropped are reported and added again.
 *
 * Context: any.
 * Return: true; false if the page is lost and must not be touched any more.
 */
bool mal_page_repair(struct page *page, unsigned long caller)
{
	int refs = page_ref_count(page);
	int base = mal_refs_base(refs);

	while (unlikely(refs < base)) {
		if (mal_page_is_lost(page))
			return false;
		if (!atomic_try_cmpxchg(&page->_refcount, &refs, base)) {
			base = mal_refs_base(refs);
			continue;
		}
		mal_report(MAL_REPORT_LOST_REFERENCE, caller,
			   "a page has lost %d references", base - refs);
		break;
	}
	return !mal_page_is_lost(page);
}

/* Use cmpxchg: the host may mark a page of ours as HWPoison at any time. */
static void mal_page_clear_flags(struct page *page)
{
	unsigned long flags = READ_ONCE(mal_page_flags(page));

	while (!try_cmpxchg(&mal_page_flags(page), &flags,
			    flags & ~PAGE_FLAGS_CHECK_AT_PREP))
		;
}

/* The count is frozen meanwhile, so no other task can take a reference. */
static bool mal_page_reset(struct page *page)
{
	if (!page_ref_freeze(page, MAL_PAGE_REFS))
		return false;
	page->mapping = NULL;
	set_page_private(page, 0);
	atomic_set(&page->_mapcount, -1);
	mal_page_clear_flags(page);
	page_ref_unfreeze(page, MAL_PAGE_REFS);
	return true;
}

/**
 * mal_page_clean() - reset a page of ours for the next owner
 * @page: the page, owned by the caller
 *
 * An owner may leave mapping, private and flags set, and a late
 * set_page_dirty() leaves the page dirty. The host resets these when a page is
 * freed (free_pages_prepare()).
 *
 * Context: any.
 * Return: true; false if the page must not be reused, because it is pinned by
 * another holder, has lost references, was taken by the host, or is broken.
 */
bool mal_page_clean(struct page *page)
{
	if (unlikely(page_ref_count(page) != MAL_PAGE_REFS || PageHWPoison(page)))
		return false;
	if (likely(!mal_page_is_marked(page) && atomic_read(&page->_mapcount) == -1))
		return true;
	return mal_page_reset(page);
}

/**
 * mal_block_enter_heap() - give the pages of a block the count of the heap
 * @page: its first page
 * @order: its order
 *
 * Context: any; the caller owns the block.
 */
void mal_block_enter_heap(struct page *page, unsigned int order)
{
	unsigned int i;

	for (i = 0; i < 1U << order; i++)
		page_ref_add(page + i, MAL_HEAP_REFS - MAL_PAGE_REFS);
}

/*
 * Returns false if other holders have, or have dropped, references to the page.
 */
static bool mal_page_leave_heap(struct page *page, unsigned long caller)
{
	if (unlikely(page_ref_count(page) != MAL_HEAP_REFS) &&
	    !mal_page_repair(page, caller))
		return false;
	return atomic_add_return(MAL_PAGE_REFS - MAL_HEAP_REFS, &page->_refcount) ==
	       MAL_PAGE_REFS;
}

/**
 * mal_block_leave_heap() - undo mal_block_enter_heap()
 * @page: its first page
 * @order: its order
 * @caller: code address for the report if references were dropped, or zero
 *
 * Context: any; the caller owns the block.
 * Return: true; false if a page is lost or is referenced by others. The caller
 * then has all pages checked: see mal_free_pages_shared().
 */
bool mal_block_leave_heap(struct page *page, unsigned int order,
			  unsigned long caller)
{
	bool plain = true;
	unsigned int i;

	for (i = 0; i < 1U << order; i++)
		plain &= mal_page_leave_heap(page + i, caller);
	return plain;
}

/*
 * Return a page to the host. If it has other references, the last of them frees
 * it to the host. Returns 1, or 0 if the host took the page before.
 */
static unsigned long mal_host_free(struct page *page)
{
	if (unlikely(!mal_page_repair(page, 0))) {
		mal_report(MAL_REPORT_LOST_REFERENCE, 0,
			   "the host has taken a page of ours, its count is %d",
			   page_ref_count(page));
		return 0;
	}
	mal_page_clean(page);
	page_ref_sub(page, mal_refs_base(page_ref_count(page)) - 1);
	__free_page(page);
	return 1;
}

static unsigned long mal_host_free_pages(struct page *page, unsigned int order)
{
	unsigned long freed = 0;
	unsigned int i;

	for (i = 0; i < 1U << order; i++)
		freed += mal_host_free(page + i);
	return freed;
}

/*
 * The reverse of split_page(): only the first page of the block keeps a count.
 * This fails if another holder has a reference on one of the pages, even for a
 * moment, or if the host must not reuse one of them.
 */
static bool mal_host_unsplit(struct page *page, unsigned int order)
{
	unsigned int i;

	for (i = 1; i < 1U << order; i++)
		if (PageHWPoison(page + i) ||
		    !page_ref_freeze(page + i, MAL_PAGE_REFS))
			goto err_unfreeze;
	return true;

err_unfreeze:
	while (--i)
		page_ref_unfreeze(page + i, MAL_PAGE_REFS);
	return false;
}

/*
 * With allocation profiling or page_owner, the host records the caller of each
 * page and counts its pages. Such a host cannot take back as a whole a block
 * that it split or lent in parts, because the record of the first page would
 * count for all pages.
 */
static bool mal_host_takes_unsplit(void)
{
	return !IS_ENABLED(CONFIG_MEM_ALLOC_PROFILING) && !IS_ENABLED(CONFIG_PAGE_OWNER);
}

/* Returns the number of pages that are returned to the host. */
static unsigned long mal_host_free_block(struct page *page, unsigned int order)
{
	if (!order || !mal_host_takes_unsplit() || PageHWPoison(page) ||
	    page_ref_count(page) != MAL_PAGE_REFS ||
	    !mal_host_unsplit(page, order))
		return mal_host_free_pages(page, order);
	page_ref_sub(page, MAL_PAGE_BIAS);
	__free_pages(page, order);
	return 1UL << order;
}

/*
 * A block was charged with a section. Keep the charge if the section is @fresh.
 */
static void mal_borrow_settle(bool fresh)
{
	if (fresh)
		atomic_long_add(MAL_SECTION_CHARGE, &mal_region.other);
	else
		mal_region_uncharge(MAL_SECTION_CHARGE);
}

/*
 * Borrow exactly @order; @effort is the gfp for the descriptors. Returns the
 * page; ERR_PTR(-EDQUOT) if the cap does not allow it; or another error if the
 * host refuses.
 */
static struct page *mal_borrow_block(int nid, gfp_t gfp, unsigned int order,
				     gfp_t effort)
{
	struct page *page;
	int err = -ENOMEM;

	if (!mal_region_try_charge((1UL << order) + MAL_SECTION_CHARGE))
		return ERR_PTR(-EDQUOT);
	page = mal_host_alloc(nid, gfp, order);
	if (!page)
		goto err_uncharge;
	err = mal_section_adopt(page, order, effort & MAL_GFP_EFFORT);
	mal_delay(MAL_DELAY_BLOCK_BORROWED);
	if (err < 0)
		goto err_free;
	mal_borrow_settle(err);
	atomic64_add(1UL << order, &mal_region.borrowed_total);
	mal_region_note_peak();
	mal_sanitizer_free_pages(page, order);
	return page;

err_free:
	mal_host_free_block(page, order);
err_uncharge:
	mal_region_uncharge((1UL << order) + MAL_SECTION_CHARGE);
	return ERR_PTR(err);
}

/**
 * mal_region_borrow_spare() - borrow a block without effort of the host
 * @nid: the preferred node; with __GFP_THISNODE, the only one
 * @gfp: flags of the caller; if it must not sleep, the block is smaller
 * @min_order: the smallest acceptable order
 * @order: set to the order of the block
 *
 * The host neither reclaims nor compacts, but it wakes kswapd of @nid if @gfp
 * has __GFP_THISNODE and allows that. All descriptors of the block are still
 * FOREIGN. The caller changes them under the zone's lock.
 *
 * Context: any but NMI; sleeps if @gfp allows it, for the descriptors.
 * Return: the first page of the block, or NULL.
 */
struct page *mal_region_borrow_spare(int nid, gfp_t gfp, unsigned int min_order,
				     unsigned int *order)
{
	struct page *page;
	int i;

	for (i = mal_borrow_order(gfp, min_order); i >= (int)min_order; i--) {
		page = mal_borrow_block(nid, mal_spare_gfp(gfp, i == (int)min_order), i, gfp);
		if (!IS_ERR(page)) {
			*order = i;
			return page;
		}
	}
	return NULL;
}

static void mal_region_count_refusal(long err)
{
	if (err == -EDQUOT)
		atomic64_inc(&mal_region.refused_cap);
	else
		atomic64_inc(&mal_region.refused_host);
}

/**
 * mal_region_borrow() - borrow a block from the host
 * @nid: as for mal_region_borrow_spare()
 * @gfp: effort that the host may make for a block of @min_order
 * @min_order: the smallest acceptable order
 * @order: set to the order of the block
 *
 * Takes a block above @min_order if the host has one to spare. Otherwise takes
 * @min_order with the effort that @gfp allows.
 *
 * Context: any but NMI; sleeps if @gfp allows it.
 * Return: as mal_region_borrow_spare(); NULL if the cap or the host refused.
 */
struct page *mal_region_borrow(int nid, gfp_t gfp, unsigned int min_order,
			       unsigned int *order)
{
	struct page *page;

	page = mal_region_borrow_spare(nid, gfp, min_order, order);
	if (page)
		return page;
	*order = min_order;
	page = mal_borrow_block(nid, mal_needed_gfp(gfp), min_order, gfp);
	if (!IS_ERR(page))
		return page;
	mal_region_count_refusal(PTR_ERR(page));
	return NULL;
}

/**
 * mal_region_return() - return a block to the host
 * @page: its first page; the block may have been borrowed in any pieces
 * @order: its order
 *
 * The block is on no list, and its descriptors were set to FOREIGN under the
 * zone's lock.
 *
 * Context: any but NMI.
 */
void mal_region_return(struct page *page, unsigned int order)
{
	struct mal_section *section;
	unsigned long returned;

	section = mal_page_section(mal_page_of(page));
	mal_section_leave(section, order);
	mal_sanitizer_alloc_pages(page, order);
	returned = mal_host_free_block(page, order);
	mal_region_uncharge(1UL << order);
	atomic64_add(returned, &mal_region.returned_total);
	atomic64_add((1UL << order) - returned, &mal_region.lost_total);
}

/**
 * mal_region_lose() - account for a page that the host took without a return
 * @desc: its descriptor, set to FOREIGN under the zone's lock
 * @caller: code address of its owner or last owner, or zero if unknown
 *
 * Context: any but NMI.
 */
void mal_region_lose(struct mal_page *desc, unsigned long caller)
{
	struct page *page = pfn_to_page(mal_page_pfn(desc));

	mal_report(MAL_REPORT_LOST_REFERENCE, caller,
		   "the host has taken a page of ours, its count is %d",
		   page_ref_count(page));
	mal_section_leave(mal_page_section(desc), 0);
	mal_region_uncharge(1);
	atomic64_inc(&mal_region.lost_total);
}

/**
 * mal_region_set_cap() - change the cap
 * @pages: maximum of borrowed pages and metadata. Memory beyond it stays
 *	borrowed until it is freed and returned; until then no more is
 *	borrowed.
 *
 * Context: any.
 */
void mal_region_set_cap(unsigned long pages)
{
	WRITE_ONCE(mal_region.cap, pages);
}

/**
 * mal_region_sections() - number of sections with descriptors
 *
 * Context: any.
 * Return: the number of sections, including spares.
 */
unsigned long mal_region_sections(void)
{
	return atomic_long_read(&mal_region.sections) +
	       atomic_long_read(&mal_region.spares);
}

static unsigned long mal_region_metadata(void)
{
	return atomic_long_read(&mal_region.sections) * MAL_SECTION_BYTES +
	       atomic_long_read(&mal_region.described);
}

/**
 * mal_region_stats() - get the statistics of borrowing
 * @stats: filled in, except reserve, free and quarantined
 *
 * Context: any.
 */
void mal_region_stats(struct memalloc_stats_borrowing *stats)
{
	*stats = (struct memalloc_stats_borrowing) {
		.page_size = PAGE_SIZE,
		.borrowed = atomic_long_read(&mal_region.borrowed) -
			    atomic_long_read(&mal_region.other),
		.cap = READ_ONCE(mal_region.cap),
		.peak = atomic_long_read(&mal_region.peak),
		.borrowed_total = atomic64_read(&mal_region.borrowed_total),
		.returned_total = atomic64_read(&mal_region.returned_total),
		.lost_total = atomic64_read(&mal_region.lost_total),
		.metadata_bytes = mal_region_metadata(),
		.refused_cap = atomic64_read(&mal_region.refused_cap),
		.refused_host = atomic64_read(&mal_region.refused_host),
	};
}

/* Get the range of page numbers of the host's memory. */
static void mal_host_extent(unsigned long *first, unsigned long *end)
{
	int nid;

	*first = ULONG_MAX;
	*end = 0;
	for_each_online_node(nid) {
		if (!node_spanned_pages(nid))
			continue;
		*first = min(*first, node_start_pfn(nid));
		*end = max(*end, node_end_pfn(nid));
	}
}

/*
 * Outgrown tables are kept, because a task that owns a page may still read one.
 * Each was less than half as large as the next.
 */
static struct mal_section __rcu **mal_outgrown_tables[BITS_PER_LONG];
static unsigned int mal_nr_outgrown;

/* Bytes charged for all tables. */
static size_t mal_section_tables_bytes;

/* Serializes the growth of the table. */
static DEFINE_MUTEX(mal_section_table_mutex);

static void mal_section_table_replace(struct mal_section __rcu **sections,
				      unsigned long nr)
{
	unsigned long flags;

	spin_lock_irqsave(&mal_region.lock, flags);
	memcpy(sections, mal_section_table.sections,
	       mal_section_table.nr * sizeof(*sections));
	mal_outgrown_tables[mal_nr_outgrown++] = mal_section_table.sections;
	/*
	 * A lookup that sees the table sees its entries, by address dependency.
	 */
	smp_store_release(&mal_section_table.sections, sections);
	spin_unlock_irqrestore(&mal_region.lock, flags);
	/* Every lookup that sees the new length sees the new table. */
	synchronize_rcu();
	WRITE_ONCE(mal_section_table.nr, nr);
}

/* vcalloc() takes whole pages. A table is kept until unload. */
static void mal_section_table_charge(unsigned long nr)
{
	size_t bytes = PAGE_ALIGN(nr * sizeof(*mal_section_table.sections));

	mal_region_charge_bytes(bytes);
	mal_section_tables_bytes += bytes;
}

/* Grow the table to cover all pages before @end. */
static int mal_section_table_grow(unsigned long end)
{
	unsigned long nr = DIV_ROUND_UP(end - mal_section_table.first_pfn,
					MAL_SECTION_PAGES);
	struct mal_section __rcu **sections;
	int err = 0;

	mutex_lock(&mal_section_table_mutex);
	if (end > mal_section_table.first_pfn && nr > mal_section_table.nr) {
		nr = max(nr, 2 * mal_section_table.nr);
		sections = vcalloc(nr, sizeof(*sections));
		if (sections) {
			mal_section_table_charge(nr);
			mal_section_table_replace(sections, nr);
		} else {
			err = -ENOMEM;
		}
	}
	mutex_unlock(&mal_section_table_mutex);
	return err;
}

static int mal_region_memory_event(struct notifier_block *block,
				   unsigned long event, void *data)
{
	const struct memory_notify *memory = data;

	if (event != MEM_GOING_ONLINE)
		return NOTIFY_OK;
	return notifier_from_errno(mal_section_table_grow(memory->start_pfn +
							  memory->nr_pages));
}

static struct notifier_block mal_region_memory_notifier = {
	.notifier_call = mal_region_memory_event,
};

/* Register for new memory, and cover memory added since the table was sized. */
static int mal_region_notify_memory(void)
{
	unsigned long first, end;
	int err;

	err = register_memory_notifier(&mal_region_memory_notifier);
	if (err)
		return err;
	mal_host_extent(&first, &end);
	err = mal_section_table_grow(end);
	if (err)
		unregister_memory_notifier(&mal_region_memory_notifier);
	return err;
}

static void mal_section_tables_free(void)
{
	mal_region_uncharge_bytes(mal_section_tables_bytes);
	while (mal_nr_outgrown)
		vfree(mal_outgrown_tables[--mal_nr_outgrown]);
	vfree(mal_section_table.sections);
}

/**
 * mal_region_init() - set up the table of sections
 *
 * Context: task; sleeps.
 * Return: 0, or -ENOMEM.
 */
int mal_region_init(void)
{
	unsigned long first, end;
	int err;

	mal_host_extent(&first, &end);
	first = round_down(first, MAL_SECTION_PAGES);
	mal_section_table.first_pfn = first;
	mal_section_table.first_page = pfn_to_page(first);
	mal_section_table.first_address = (unsigned long)__va(PFN_PHYS(first));
	mal_section_table.nr = DIV_ROUND_UP(end - first, MAL_SECTION_PAGES);
	mal_section_table.sections = vcalloc(mal_section_table.nr,
					     sizeof(*mal_section_table.sections));
	if (!mal_section_table.sections)
		return -ENOMEM;
	mal_section_table_charge(mal_section_table.nr);
	mal_region_charge_bytes(MAL_SECTION_SPARES * MAL_SECTION_BYTES);
	err = mal_region_notify_memory();
	if (err)
		goto err_tables;
	/* The module loads without spares, too; the worker retries. */
	mal_section_spares_fill(NULL);
	return 0;

err_tables:
	mal_section_tables_free();
	return err;
}

/* Leaked pages stay charged, with their metadata. Otherwise nothing does. */
static void mal_region_check_described(void)
{
	long described = atomic_long_read(&mal_region.described);

	WARN_ON(described &&
		atomic_long_read(&mal_region.borrowed) == described >> PAGE_SHIFT);
}

/**
 * mal_region_exit() - undo mal_region_init()
 *
 * Pages that have not been returned by now are leaked for good, with the
 * sections that describe them. The layer above has reported their owners.
 *
 * Context: task.
 */
void mal_region_exit(void)
{
	unregister_memory_notifier(&mal_region_memory_notifier);
	mal_section_spares_free();
	mal_region_uncharge_bytes(MAL_SECTION_SPARES * MAL_SECTION_BYTES);
	rcu_barrier();
	mal_section_tables_free();
	mal_region_check_described();
}
