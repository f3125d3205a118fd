// SPDX-License-Identifier: GPL-2.0
/*
 * Regions: pages borrowed from the host, and their descriptors
 *
 * This is the only file that takes pages from the host and gives them back.
 *
 * Blocks. Memory is borrowed in blocks of 2^order pages: of the largest order
 * where the host has one to spare without effort, of smaller ones down to what
 * the caller needs where it has not. A block is split at once into order-0
 * pages (split_page()), each with a reference count of its own, so it does not
 * matter later in which pieces it goes back. Callers that must not sleep get
 * blocks of moderate size: splitting one is work, and they may have interrupts
 * off.
 *
 * References. Each borrowed page carries two references: the one that the host
 * handed over, and one of ours, taken here. Who maps a page, or gives it to a
 * pipe, adds more. So a count of less than two on a page of ours means that
 * somebody dropped a reference that was not theirs, and it is seen and told
 * instead of handing the host a page that is still in use.
 *
 * Giving back. A block goes back as a block where that is possible, with the
 * counts that it had when it came: one reference on its first page, none on the
 * others. Page by page it would first lie on the host's per-CPU lists of single
 * pages, and become large blocks again only as these are drained; and it takes
 * longer. page_ref_freeze() takes a page's last reference only if nobody has
 * another one, so that who looks a page up by its number at just that time
 * either gets none or makes us give the pages back singly.
 *
 * Sections. Physical memory is seen as sections of MAL_SECTION_PAGES pages,
 * aligned to their size, and a section is described by an array of struct
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
 * 28 KiB, 0.7 % of what it describes.
 *
 * The host's zones end at section boundaries but for exotic machines; there, a
 * section belongs to the zone of its first loan, and loans from another zone
 * in it are given back at once.
 *
 * Accounting. mal_region.borrowed is charged before the host is asked and
 * uncharged when a page has gone back, so it never exceeds the cap, and what
 * is borrowed in total less what is returned in total is what is borrowed now,
 * to the page. What is taken from the host past the page allocator is charged
 * there, too: whole pages for per-CPU areas; and what describes slabs by the
 * byte, each page of the sum when it is full.
 *
 * Locking. mal_region.lock protects the table's entries and the number of
 * borrowed pages in each section; nothing is called under it, and it is taken
 * with nothing held. Lookups take no lock: a section is
 * freed after an RCU grace period, and cannot go while a page in it is
 * borrowed. The descriptors themselves belong to the zone's lock (buddy.c).
 *
 * Context: borrowing and returning work in task, softirq and hardirq context.
 * Only where the caller's gfp allows it does borrowing sleep.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/atomic.h>
#include <linux/gfp.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/mmzone.h>
#include <linux/nodemask.h>
#include <linux/page_ref.h>
#include <linux/rcupdate.h>
#include <linux/spinlock.h>
#include <linux/vmalloc.h>

#include <uapi/linux/memalloc.h>

#include "internal/compat.h"
#include "internal/inject.h"
#include "internal/kmemleak.h"
#include "internal/kunit.h"
#include "internal/region.h"
#include "internal/report.h"
#include "internal/sanitizer.h"

/* Who must not sleep borrows no more than 256 KiB at once. */
#define MAL_ATOMIC_ORDER	6

/* Flags that are ours to honour, or that make no sense for a loan. */
#define MAL_GFP_NOT_FOR_HOST	(__GFP_ZERO | __GFP_COMP | __GFP_NOFAIL | \
				 __GFP_HIGHMEM | __GFP_MOVABLE | \
				 __GFP_RECLAIMABLE | __GFP_ACCOUNT | __GFP_WRITE)

/* How hard to try; all that the descriptors of a loan need to know of it. */
#define MAL_GFP_EFFORT		(GFP_KERNEL | __GFP_HIGH | __GFP_NOWARN | \
				 __GFP_NORETRY | __GFP_RETRY_MAYFAIL)

struct mal_section_table mal_section_table __mal_ro_after_init;
MAL_EXPORT_FOR_KUNIT(mal_section_table);

/**
 * struct mal_region - the account with the host
 * @lock: protects the entries of the table and mal_section.borrowed
 * @borrowed: pages held, or about to be; and @other
 * @other: pages that are borrowed past the page allocator, for per-CPU areas, and
 *	the whole pages of @described
 * @described: bytes of the host's that describe slabs
 * @peak: the most that @borrowed has been
 * @borrowed_total: pages ever borrowed
 * @returned_total: pages ever returned
 * @refused_cap: loans that the cap did not allow
 * @refused_host: loans that the host did not grant
 * @sections: sections that exist
 * @cap: @borrowed may not exceed this
 */
struct mal_region {
	spinlock_t lock;
	atomic_long_t borrowed;
	atomic_long_t other;
	atomic_long_t described;
	atomic_long_t peak;
	atomic64_t borrowed_total;
	atomic64_t returned_total;
	atomic64_t refused_cap;
	atomic64_t refused_host;
	atomic_long_t sections;
	unsigned long cap;
};

static struct mal_region mal_region = {
	.lock = __SPIN_LOCK_UNLOCKED(mal_region.lock),
};

static void mal_region_note_peak(void)
{
	long borrowed = atomic64_read(&mal_region.borrowed_total) -
			atomic64_read(&mal_region.returned_total);
	long peak = atomic_long_read(&mal_region.peak);

	while (borrowed > peak &&
	       !atomic_long_try_cmpxchg(&mal_region.peak, &peak, borrowed))
		;
}

static bool mal_region_charge(unsigned long pages)
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

/**
 * mal_region_charge_other() - charge what is borrowed past the page allocator
 * @pages: about to be borrowed
 *
 * Context: any.
 * Return: true, or false if the cap does not allow it.
 */
bool mal_region_charge_other(unsigned long pages)
{
	if (!mal_region_charge(pages)) {
		atomic64_inc(&mal_region.refused_cap);
		return false;
	}
	atomic_long_add(pages, &mal_region.other);
	return true;
}

/**
 * mal_region_uncharge_other() - the reverse of mal_region_charge_other()
 * @pages: given back
 *
 * Context: any.
 */
void mal_region_uncharge_other(unsigned long pages)
{
	atomic_long_sub(pages, &mal_region.other);
	mal_region_uncharge(pages);
}

/* Pages that become full as a sum of bytes grows. */
static unsigned long mal_pages_between(unsigned long before, unsigned long after)
{
	return (after >> PAGE_SHIFT) - (before >> PAGE_SHIFT);
}

/**
 * mal_region_charge_bytes() - charge what describes memory of ours
 * @bytes: about to be taken from the host
 *
 * Pages are charged before the bytes are added, and each change of the sum by
 * whoever makes it: so what is charged is the whole pages of the sum at any time,
 * and more only while somebody is at it.
 *
 * Context: any.
 * Return: true, or false if the cap does not allow it.
 */
bool mal_region_charge_bytes(size_t bytes)
{
	long before = atomic_long_read(&mal_region.described);
	unsigned long pages;

	for (;;) {
		pages = mal_pages_between(before, before + bytes);
		if (pages && !mal_region_charge_other(pages))
			return false;
		if (atomic_long_try_cmpxchg(&mal_region.described, &before,
					    before + bytes))
			return true;
		if (pages)
			mal_region_uncharge_other(pages);
	}
}

/**
 * mal_region_charge_bytes_anyway() - the same, the cap notwithstanding
 * @bytes: about to be taken from the host; nothing more is borrowed until what is
 *	beyond the cap has been given back
 *
 * Context: any.
 */
void mal_region_charge_bytes_anyway(size_t bytes)
{
	long after = atomic_long_add_return(bytes, &mal_region.described);
	unsigned long pages = mal_pages_between(after - bytes, after);

	atomic_long_add(pages, &mal_region.borrowed);
	atomic_long_add(pages, &mal_region.other);
}

/**
 * mal_region_uncharge_bytes() - the reverse of mal_region_charge_bytes()
 * @bytes: given back, or about to be when a grace period is over
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

static struct mal_section *mal_section_create(unsigned long first_pfn, gfp_t gfp)
{
	struct mal_section *section;
	unsigned int i;

	if (mal_inject_should_fail())
		return NULL;
	section = alloc_pages_exact(sizeof(*section), gfp | __GFP_ZERO | __GFP_NOWARN);
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

static void mal_section_destroy(struct mal_section *section)
{
	free_pages_exact(section, sizeof(*section));
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

/* Take a block into an existing section, or into @fresh, or not at all. */
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

/* Describe a block: the section that it lies in may have to be made first. */
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
	err = mal_section_join(fresh, page, order);
	if (err == 1)
		return 0;
	mal_section_destroy(fresh);
	return err;
}

/* The last page that leaves takes the section with it. */
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
		atomic_long_dec(&mal_region.sections);
		call_rcu(&section->rcu, mal_section_destroy_rcu);
	}
}

/* The largest block that is worth asking for. */
static unsigned int mal_loan_order(gfp_t gfp, unsigned int min_order)
{
	unsigned int order = min_t(unsigned int, MAL_MAX_ORDER, MAL_HOST_MAX_ORDER);

	if (!gfpflags_allow_blocking(gfp))
		order = MAL_ATOMIC_ORDER;
	return max(order, min_order);
}

/* No reclaim, no compaction, no reserves of the host's: what lies about. */
static gfp_t mal_spare_gfp(gfp_t gfp)
{
	return (gfp & (GFP_ZONEMASK & ~__GFP_HIGHMEM & ~__GFP_MOVABLE)) |
	       (gfp & __GFP_THISNODE) | __GFP_NORETRY | __GFP_NOWARN |
	       __GFP_NOMEMALLOC;
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
	/* Of a node without memory the host tells at length, each time. */
	if (gfp & __GFP_THISNODE && !node_state(nid, N_MEMORY))
		return NULL;
	page = alloc_pages_node(nid, gfp, order);
	if (!page)
		return NULL;
	split_page(page, order);
	for (i = 0; i < 1U << order; i++)
		page_ref_inc(page + i);
	return page;
}

/*
 * Give the host its page. If somebody else still holds it, it goes to the host
 * when they let go. If they let go of what was ours, there is that much less to
 * drop; and if they dropped all of it, the host has it already.
 */
static void mal_host_free(struct page *page)
{
	int refs = page_ref_count(page);

	if (unlikely(refs < MAL_PAGE_REFS))
		mal_report(MAL_REPORT_LOST_REFERENCE, 0,
			   "page returned with %d of %d references", refs,
			   MAL_PAGE_REFS);
	if (likely(refs >= MAL_PAGE_REFS))
		page_ref_dec(page);
	if (likely(refs >= 1))
		__free_page(page);
}

static void mal_host_free_pages(struct page *page, unsigned int order)
{
	unsigned int i;

	for (i = 0; i < 1U << order; i++)
		mal_host_free(page + i);
}

/*
 * The reverse of split_page(): a block of which only the first page has a
 * count. A page on which somebody has a reference, were it for a moment only,
 * prevents it, and one that the host must not use again.
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
 * Where the host notes with each page on whose behalf it was allocated, and counts
 * these, it does not expect to get back as one what it has split, or has lent to
 * several: what it notes with the first page would count for all.
 */
static bool mal_host_takes_unsplit(void)
{
	return !IS_ENABLED(CONFIG_MEM_ALLOC_PROFILING) && !IS_ENABLED(CONFIG_PAGE_OWNER);
}

static void mal_host_free_block(struct page *page, unsigned int order)
{
	if (!order || !mal_host_takes_unsplit() || PageHWPoison(page) ||
	    page_ref_count(page) != MAL_PAGE_REFS ||
	    !mal_host_unsplit(page, order)) {
		mal_host_free_pages(page, order);
		return;
	}
	page_ref_dec(page);
	__free_pages(page, order);
}

/* A loan of just this order; @effort is what its descriptors may cost. */
static struct page *mal_loan(int nid, gfp_t gfp, unsigned int order, gfp_t effort)
{
	struct page *page;

	if (!mal_region_charge(1UL << order))
		return NULL;
	page = mal_host_alloc(nid, gfp, order);
	if (!page)
		goto err_uncharge;
	if (mal_section_adopt(page, order, effort & MAL_GFP_EFFORT))
		goto err_free;
	atomic64_add(1UL << order, &mal_region.borrowed_total);
	mal_region_note_peak();
	mal_sanitizer_free_pages(page, order);
	return page;

err_free:
	mal_host_free_block(page, order);
err_uncharge:
	mal_region_uncharge(1UL << order);
	return NULL;
}

/**
 * mal_region_borrow_spare() - borrow a block that the host has lying about
 * @nid: node to prefer; with __GFP_THISNODE, the only one
 * @gfp: of the caller: whether it may sleep decides how large the block may be
 * @min_order: the smallest block that will do
 * @order: the order of what was borrowed
 *
 * The host neither reclaims nor compacts for it. All descriptors of the block
 * are FOREIGN still: it is the caller's to make something of it, under the
 * zone's lock.
 *
 * Context: any but NMI; sleeps if @gfp allows it, for the descriptors.
 * Return: the first page of the block, or NULL.
 */
struct page *mal_region_borrow_spare(int nid, gfp_t gfp, unsigned int min_order,
				     unsigned int *order)
{
	struct page *page;
	int i;

	for (i = mal_loan_order(gfp, min_order); i >= (int)min_order; i--) {
		page = mal_loan(nid, mal_spare_gfp(gfp), i, gfp);
		if (page) {
			*order = i;
			return page;
		}
	}
	return NULL;
}

/* Who was it that refused? */
static void mal_region_count_refusal(unsigned int order)
{
	long borrowed = atomic_long_read(&mal_region.borrowed);

	if (borrowed + (1L << order) > (long)READ_ONCE(mal_region.cap))
		atomic64_inc(&mal_region.refused_cap);
	else
		atomic64_inc(&mal_region.refused_host);
}

/**
 * mal_region_borrow() - borrow a block from the host
 * @nid: as for mal_region_borrow_spare()
 * @gfp: how far the host may go for a block of @min_order
 * @min_order: the smallest block that will do
 * @order: the order of what was borrowed
 *
 * Takes more than is needed where the host has it to spare, and else goes as
 * far as @gfp allows.
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
	page = mal_loan(nid, mal_needed_gfp(gfp), min_order, gfp);
	if (!page)
		mal_region_count_refusal(min_order);
	return page;
}

/**
 * mal_page_mend() - see whether a page of ours has lost references, and mend it
 * @page: the page
 * @caller: who has it, or had it, if that is known; else zero
 *
 * A reference that somebody dropped and should not have is reported and taken
 * again.
 *
 * Context: any.
 * Return: false if there is nothing to mend as the host has the page already:
 * it must not be touched any more.
 */
bool mal_page_mend(struct page *page, unsigned long caller)
{
	int refs = page_ref_count(page);

	if (likely(refs >= MAL_PAGE_REFS))
		return true;
	mal_report(MAL_REPORT_LOST_REFERENCE, caller,
		   "a page has %d of %d references", refs, MAL_PAGE_REFS);
	if (refs <= 0)
		return false;
	page_ref_add(page, MAL_PAGE_REFS - refs);
	return true;
}

/**
 * mal_region_return() - give a block back to the host
 * @page: its first page, borrowed in whatever pieces
 * @order: its order
 *
 * The block is on no list, and its descriptors are FOREIGN already: they were
 * made so under the zone's lock.
 *
 * Context: any but NMI.
 */
void mal_region_return(struct page *page, unsigned int order)
{
	struct mal_section *section;

	section = mal_page_section(mal_page_of(page));
	mal_section_leave(section, order);
	mal_sanitizer_alloc_pages(page, order);
	mal_host_free_block(page, order);
	mal_region_uncharge(1UL << order);
	atomic64_add(1UL << order, &mal_region.returned_total);
}

/**
 * mal_region_set_cap() - change the cap
 * @pages: the most that may be borrowed. What is borrowed beyond it stays
 *	until it is freed and given back; nothing more is borrowed until then.
 *
 * Context: any.
 */
void mal_region_set_cap(unsigned long pages)
{
	WRITE_ONCE(mal_region.cap, pages);
}

static unsigned long mal_region_metadata(void)
{
	return atomic_long_read(&mal_region.sections) *
	       PAGE_ALIGN(sizeof(struct mal_section)) +
	       atomic_long_read(&mal_region.described) +
	       mal_section_table.nr * sizeof(*mal_section_table.sections);
}

/**
 * mal_region_stats() - the account with the host
 * @stats: filled in, but for what others know: reserve, free, quarantined
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
		.metadata_bytes = mal_region_metadata(),
		.refused_cap = atomic64_read(&mal_region.refused_cap),
		.refused_host = atomic64_read(&mal_region.refused_host),
	};
}

/* The page numbers that the host's memory lies between. */
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

/**
 * mal_region_init() - set up the table of sections
 *
 * Context: task.
 * Return: 0, or -ENOMEM.
 */
int mal_region_init(void)
{
	unsigned long first, end;

	mal_host_extent(&first, &end);
	first = round_down(first, MAL_SECTION_PAGES);
	mal_section_table.first_pfn = first;
	mal_section_table.first_page = pfn_to_page(first);
	mal_section_table.first_address = (unsigned long)__va(PFN_PHYS(first));
	mal_section_table.nr = DIV_ROUND_UP(end - first, MAL_SECTION_PAGES);
	mal_section_table.sections = vcalloc(mal_section_table.nr,
					     sizeof(*mal_section_table.sections));
	return mal_section_table.sections ? 0 : -ENOMEM;
}

/**
 * mal_region_exit() - the mirror of mal_region_init()
 *
 * What has not been returned by now is leaked for good, with the section that
 * describes it; the layer above has said whose it is.
 *
 * Context: task.
 */
void mal_region_exit(void)
{
	rcu_barrier();
	vfree(mal_section_table.sections);
}
