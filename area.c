// SPDX-License-Identifier: GPL-2.0
/*
 * Areas: pages mapped at contiguous addresses
 *
 * A module cannot write the kernel's page tables, so the host's vmap() does the
 * mapping. It leaves a guard page without a mapping behind each area, so an
 * access past the end faults. vunmap() clears the page tables at once and
 * flushes the TLBs later, once for many areas, so nothing is batched here.
 *
 * Pages. An area consists of several blocks, the largest first: a block of 4
 * pages costs little more than a single page. A block of more than one page is
 * used only if it is available without reclaim or borrowing effort. After an
 * order has failed, only smaller ones are tried for the rest of the area. Each
 * block is an allocation of the page layer in state AREA. Its mal_page.private
 * is the index of its first page in the area:
 *
 *	7 pages:	| block of 4    | of 2  | 1 |
 *	private		  0		  4       6
 *
 * Alignment. For an alignment to more than a page, the mapping is extended on
 * both sides to cover the alignment. The extension maps pages of the same area
 * again. A write past the end of such an area therefore damages the area itself
 * first, and faults only beyond the extension.
 *
 * Lookup. A hash table contains all areas by start address. Lookup takes no
 * lock. For an address inside an area, the page tables yield the page, its
 * block yields the index, and the index yields the start address. The values
 * read on the way may be stale or foreign. The result is valid only if the
 * table contains an area with that start address that includes the address.
 *
 * Walks. All areas are on a list as well. User space may create many areas, so
 * a walk keeps a mark in the list behind its current area and drops the lock
 * after each area. It visits each area that exists throughout the walk once.
 * New areas are added at the end. A walk ends after as many areas as existed
 * when it began.
 *
 * Misuse. Freeing takes an area from its owner with one atomic operation. If
 * two callers free it, at any time, one of them is reported. A free of an
 * address inside an area, or of a foreign address, is reported.
 *
 * Locking: the bucket locks of the table (one bit each); mal_area_list_lock,
 * which protects the list and its marks and keeps areas on the list alive. No
 * lock is taken under either.
 *
 * Accounting: the structure of an area, which has an array of its pages, is
 * charged to the cap. The host's page tables, which it never frees, are not.
 *
 * Lifetimes: an area is removed from list and table, then unmapped, then its
 * pages are freed. The structure is freed after a grace period. The page layer
 * sets aside pages that are still pinned.
 *
 * Context: creation and destruction sleep. Lookup: any, including NMI.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/hash.h>
#include <linux/kernel.h>
#include <linux/kmemleak.h>
#include <linux/list.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/notifier.h>
#include <linux/rhashtable.h>
#include <linux/sched.h>
#include <linux/sched/mm.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/vmalloc.h>

#include <memalloc/page_alloc.h>

#include "internal/area.h"
#include "internal/area_cache.h"
#include "internal/borrow.h"
#include "internal/delay.h"
#include "internal/inject.h"
#include "internal/leak.h"
#include "internal/page_alloc.h"
#include "internal/peek.h"
#include "internal/pinned.h"
#include "internal/region.h"
#include "internal/report.h"
#include "internal/site.h"

/*
 * Flags not for areas, which consist of single pages; borrowed memory is never
 * high.
 */
#define MAL_GFP_NOT_FOR_AREA	(__GFP_COMP | __GFP_HIGHMEM | __GFP_MOVABLE)

/* Requests for a zone. */
#define MAL_GFP_PLACE		(__GFP_DMA | __GFP_DMA32)

/* Flags that allow effort; cleared where there is an alternative. */
#define MAL_GFP_EFFORT		(__GFP_DIRECT_RECLAIM | __GFP_NOFAIL | \
				 __GFP_RETRY_MAYFAIL)

/* Flags of a page allocation that may be passed to the host. */
#define MAL_GFP_FOR_METADATA	(__GFP_RECLAIM | __GFP_IO | __GFP_FS | \
				 __GFP_NOWARN | __GFP_NORETRY | \
				 __GFP_RETRY_MAYFAIL | __GFP_NOFAIL)

/* Delay before a __GFP_NOFAIL allocation is retried. */
#define MAL_AREA_PAUSE		(HZ / 50 + 1)

static struct rhashtable mal_area_table;
static DEFINE_SPINLOCK(mal_area_list_lock);
static LIST_HEAD(mal_areas);
static unsigned long mal_area_nr;
static atomic_long_t mal_area_count, mal_area_pages, mal_area_maps;

/* The key is the address itself; the table expects a pointer to the key. */
static __always_inline u32 mal_area_hash(const void *address, u32 len, u32 seed)
{
	return hash_long((unsigned long)address ^ seed, 32);
}

static __always_inline u32 mal_area_hash_object(const void *area, u32 len, u32 seed)
{
	return mal_area_hash(((const struct mal_area *)area)->address, len, seed);
}

static __always_inline int mal_area_compare(struct rhashtable_compare_arg *arg,
					    const void *area)
{
	return arg->key != ((const struct mal_area *)area)->address;
}

static const struct rhashtable_params mal_area_params = {
	.key_len = sizeof(void *),
	.head_offset = offsetof(struct mal_area, hash),
	.hashfn = mal_area_hash,
	.obj_hashfn = mal_area_hash_object,
	.obj_cmpfn = mal_area_compare,
	.automatic_shrinking = true,
};

/*
 * Creation
 */

/* An area of a caller's pages owns none. */
static size_t mal_area_bytes(unsigned long nr_pages, u8 flags)
{
	return mal_area_metadata(flags & MAL_AREA_MAP ? 0 : nr_pages);
}

/* As for pages, do not interrupt the other CPUs with __GFP_NORETRY. */
static gfp_t mal_area_charge_gfp(gfp_t gfp)
{
	if ((gfp & (__GFP_NORETRY | __GFP_NOFAIL)) == __GFP_NORETRY)
		gfp &= ~__GFP_DIRECT_RECLAIM;
	return gfp;
}

static struct mal_area *mal_area_describe(unsigned long nr_pages, u8 flags,
					  gfp_t gfp, unsigned long caller)
{
	size_t bytes = mal_area_bytes(nr_pages, flags);
	struct mal_area *area;

	gfp &= MAL_GFP_FOR_METADATA;
	if (mal_inject_should_fail() ||
	    !mal_borrow_charge_bytes(bytes, mal_area_charge_gfp(gfp)))
		return NULL;
	area = kvmalloc(bytes, gfp);
	if (!area) {
		mal_region_uncharge_bytes(bytes);
		return NULL;
	}
	/* The address of an area is not a reference to it. */
	kmemleak_scan_area(area, offsetof(struct mal_area, address), gfp);
	kmemleak_scan_area(&area->base + 1, offsetof(struct mal_area, pages) -
			   offsetofend(struct mal_area, base), gfp);
	area->state = MAL_AREA_USED;
	area->flags = flags;
	area->class = 0;
	area->nid = NUMA_NO_NODE;
	area->nr_pages = nr_pages;
	area->size = nr_pages << PAGE_SHIFT;
	area->caller = caller;
	return area;
}

/*
 * Lookups may still find the structure, so free it after a grace period. It is
 * no longer charged meanwhile.
 */
static void mal_area_undescribe(struct mal_area *area)
{
	mal_region_uncharge_bytes(mal_area_bytes(area->nr_pages, area->flags));
	kvfree_rcu(area, rcu);
}

/*
 * Allocate a block of up to @order pages. Only a single page justifies effort.
 */
static struct page *mal_area_block(unsigned int *order, gfp_t gfp, int nid,
				   unsigned long caller)
{
	gfp_t cheap = (gfp & ~MAL_GFP_EFFORT) | __GFP_NORETRY | __GFP_NOWARN;
	struct page *page;

	for (; *order; (*order)--) {
		page = mal_alloc_pages_caller(nid, cheap, *order, caller);
		if (page)
			return page;
	}
	return mal_alloc_pages_caller(nid, gfp, 0, caller);
}

/* Add a block to an area, at index @nr. */
static void mal_area_add_block(struct mal_area *area, unsigned long nr,
			       struct page *page, unsigned int order)
{
	struct mal_page *desc = mal_page_of(page);
	unsigned int i;

	for (i = 0; i < 1U << order; i++)
		area->pages[nr + i] = page + i;
	desc->private = nr;
	WRITE_ONCE(desc->state, MAL_PAGE_AREA);
}

/* Use the fast path unless a page is pinned. Returns the number of pages. */
static unsigned long mal_area_free_block(struct page *page, u32 account)
{
	struct mal_page *desc = mal_page_of(page);
	unsigned int order = desc->order;

	WRITE_ONCE(desc->state, MAL_PAGE_USED);
	if (unlikely(mal_block_is_pinned(page, order)))
		mal_free_pages_charged(page, order, account, _THIS_IP_);
	else
		mal_free_pages(page, order);
	return 1UL << order;
}

static void mal_area_free_pages(struct mal_area *area, unsigned long nr_pages,
				u32 account)
{
	unsigned long i = 0;

	while (i < nr_pages) {
		i += mal_area_free_block(area->pages[i], account);
		cond_resched();
	}
}

/*
 * Use blocks of up to @order. On failure the area has no pages, and false is
 * returned.
 */
static bool mal_area_fill(struct mal_area *area, unsigned int order, gfp_t gfp,
			  int nid)
{
	unsigned long i;
	struct page *page;

	for (i = 0; i < area->nr_pages; i += 1UL << order) {
		order = min_t(unsigned int, order, ilog2(area->nr_pages - i));
		page = mal_area_block(&order, gfp, nid, area->caller);
		if (!page || mal_area_should_abort(gfp)) {
			mal_free_pages(page, order);
			mal_area_free_pages(area, i, MAL_NO_ACCOUNT);
			return false;
		}
		mal_area_add_block(area, i, page, order);
		cond_resched();
	}
	return true;
}

/* The node of all pages, if they share one. */
static int mal_area_node(const struct mal_area *area, gfp_t gfp)
{
	int nid = page_to_nid(area->pages[0]);
	unsigned long i;

	if (gfp & MAL_GFP_PLACE)
		return NUMA_NO_NODE;
	for (i = 1; nr_online_nodes > 1 && i < area->nr_pages; i++) {
		if (page_to_nid(area->pages[i]) != nid)
			return NUMA_NO_NODE;
		if (i % MAL_AREA_PIECE == 0)
			cond_resched();
	}
	return nid;
}

/* vmap() takes no flags. Restrict it by the scope of the task. */
static void *mal_area_vmap(struct page **pages, unsigned long nr_pages, gfp_t gfp)
{
	unsigned int saved;
	void *address;

	if (mal_inject_should_fail())
		return NULL;
	if (gfp & __GFP_FS)
		return vmap(pages, nr_pages, VM_MAP, PAGE_KERNEL);
	if (gfp & __GFP_IO) {
		saved = memalloc_nofs_save();
		address = vmap(pages, nr_pages, VM_MAP, PAGE_KERNEL);
		memalloc_nofs_restore(saved);
	} else {
		saved = memalloc_noio_save();
		address = vmap(pages, nr_pages, VM_MAP, PAGE_KERNEL);
		memalloc_noio_restore(saved);
	}
	return address;
}

/*
 * Make the page mapped first at @address the first one of the area, and so on.
 */
static void mal_area_rotate(struct mal_area *area, struct page **mapped)
{
	unsigned long i;

	for (i = 0; i < area->nr_pages; i++) {
		area->pages[i] = mapped[i];
		mal_page_of(mapped[i])->private = i;
	}
}

/*
 * vmap() takes no alignment. So map the pages, which are single ones, in
 * sequence again and again. Wherever this mapping begins, it contains an
 * aligned address from which on each page is mapped once.
 */
static bool mal_area_map_aligned(struct mal_area *area, unsigned long align,
				 gfp_t gfp)
{
	unsigned long nr = area->nr_pages + (align >> PAGE_SHIFT) - 1;
	size_t bytes = array_size(nr, sizeof(struct page *));
	struct page **pages;
	unsigned long i;

	gfp &= MAL_GFP_FOR_METADATA;
	if (mal_inject_should_fail() ||
	    !mal_borrow_charge_bytes(bytes, mal_area_charge_gfp(gfp)))
		return false;
	pages = kvmalloc(bytes, gfp);
	if (!pages)
		goto out_uncharge;
	for (i = 0; i < nr; i++)
		pages[i] = area->pages[i % area->nr_pages];
	area->base = mal_area_vmap(pages, nr, gfp);
	if (area->base) {
		area->address = PTR_ALIGN(area->base, align);
		mal_area_rotate(area, pages + ((area->address - area->base) >>
					       PAGE_SHIFT));
	}
	kvfree(pages);
out_uncharge:
	mal_region_uncharge_bytes(bytes);
	return area->base;
}

static bool mal_area_map(struct mal_area *area, unsigned long align, gfp_t gfp)
{
	if (align > PAGE_SIZE)
		return mal_area_map_aligned(area, align, gfp);
	area->base = mal_area_vmap(area->pages, area->nr_pages, gfp);
	area->address = area->base;
	return area->base;
}

static void mal_area_list_add(struct mal_area *area)
{
	spin_lock(&mal_area_list_lock);
	list_add_tail(&area->link, &mal_areas);
	mal_area_nr++;
	spin_unlock(&mal_area_list_lock);
}

static void mal_area_list_del(struct mal_area *area)
{
	spin_lock(&mal_area_list_lock);
	list_del(&area->link);
	mal_area_nr--;
	spin_unlock(&mal_area_list_lock);
}

/* Lookups find the area from here on. */
static bool mal_area_publish(struct mal_area *area)
{
	if (mal_inject_should_fail())
		return false;
	/*
	 * A race within rhashtable: a bit of the word at the head of a bucket's
	 * chain is the lock of the bucket, and its holder reads the word
	 * plainly.
	 */
	if (data_race(rhashtable_insert_fast(&mal_area_table, &area->hash,
					     mal_area_params)))
		return false;
	mal_area_list_add(area);
	return true;
}

static struct mal_area *mal_area_try_create(unsigned long nr_pages,
					    unsigned long align, gfp_t gfp,
					    int nid, unsigned long caller)
{
	unsigned int order = align > PAGE_SIZE ? 0 : MAL_MAX_ORDER;
	struct mal_area *area;

	area = mal_area_describe(nr_pages, 0, gfp, caller);
	if (!area)
		return NULL;
	if (!mal_area_fill(area, order, gfp, nid))
		goto err_describe;
	if (align <= PAGE_SIZE)
		area->nid = mal_area_node(area, gfp);
	if (area->nid != NUMA_NO_NODE && nr_pages <= MAL_AREA_CPU_CLASSES)
		area->class = nr_pages;
	if (!mal_area_map(area, align, gfp))
		goto err_fill;
	if (!mal_area_publish(area))
		goto err_vmap;
	atomic_long_inc(&mal_area_count);
	atomic_long_add(nr_pages, &mal_area_pages);
	return area;

err_vmap:
	vunmap(area->base);
err_fill:
	mal_area_free_pages(area, nr_pages, MAL_NO_ACCOUNT);
err_describe:
	mal_area_undescribe(area);
	return NULL;
}

/**
 * mal_area_create() - create an area of our own pages
 * @nr_pages: number of pages, at least one
 * @align: alignment of the address, a power of two up to MAL_AREA_MAX_ALIGN
 * @gfp: as for __mal_vmalloc(); may sleep
 * @nid: the node to prefer, or NUMA_NO_NODE
 * @caller: code address to attribute the area to
 *
 * Context: task; sleeps.
 * Return: the area, in use, or NULL.
 */
struct mal_area *mal_area_create(unsigned long nr_pages, unsigned long align,
				 gfp_t gfp, int nid, unsigned long caller)
{
	struct mal_area *area;

	gfp &= ~MAL_GFP_NOT_FOR_AREA;
	for (;;) {
		area = mal_area_try_create(nr_pages, align, gfp, nid, caller);
		if (area || !(gfp & __GFP_NOFAIL))
			return area;
		schedule_timeout_uninterruptible(MAL_AREA_PAUSE);
	}
}

/**
 * mal_area_create_map() - create an area of a caller's pages
 * @pages: the pages; the caller keeps its references
 * @nr_pages: number of pages
 * @flags: for the host's vmap()
 * @prot: for the host's vmap()
 * @caller: code address to attribute the area to
 *
 * Context: task; sleeps.
 * Return: the area, in use, or NULL.
 */
struct mal_area *mal_area_create_map(struct page **pages,
				     unsigned long nr_pages,
				     unsigned long flags, pgprot_t prot,
				     unsigned long caller)
{
	struct mal_area *area;

	area = mal_area_describe(nr_pages, MAL_AREA_MAP, GFP_KERNEL, caller);
	if (!area)
		return NULL;
	area->state = MAL_AREA_MAPPED;
	area->base = mal_inject_should_fail() ? NULL :
		     vmap(pages, nr_pages, flags, prot);
	if (!area->base)
		goto err_describe;
	area->address = area->base;
	if (!mal_area_publish(area))
		goto err_vmap;
	atomic_long_inc(&mal_area_maps);
	return area;

err_vmap:
	vunmap(area->base);
err_describe:
	mal_area_undescribe(area);
	return NULL;
}

/**
 * mal_area_destroy_charged() - unmap an area and free its pages
 * @area: the area, free and in no cache
 * @account: ID of the account that is charged for pinned pages while they are
 *	set aside, or MAL_NO_ACCOUNT
 *
 * Context: task; sleeps.
 */
void mal_area_destroy_charged(struct mal_area *area, u32 account)
{
	/*
	 * Remove the area first: once it is unmapped, its address may be
	 * reused. data_race(): as in mal_area_publish().
	 */
	data_race(rhashtable_remove_fast(&mal_area_table, &area->hash,
					 mal_area_params));
	mal_area_list_del(area);
	mal_delay(MAL_DELAY_AREA_REMOVED);
	vunmap(area->base);
	if (area->flags & MAL_AREA_MAP) {
		atomic_long_dec(&mal_area_maps);
	} else {
		atomic_long_dec(&mal_area_count);
		atomic_long_sub(area->nr_pages, &mal_area_pages);
		mal_area_free_pages(area, area->nr_pages, account);
	}
	mal_area_undescribe(area);
}

/**
 * mal_area_destroy() - unmap an area and free its pages
 * @area: the area; free, and owned by the caller
 *
 * Context: task; sleeps.
 */
void mal_area_destroy(struct mal_area *area)
{
	mal_area_destroy_charged(area, MAL_NO_ACCOUNT);
}

/**
 * mal_area_destroy_list() - mal_area_destroy() for each area of a list
 * @areas: areas, linked by mal_area.by_age
 *
 * Context: task; sleeps.
 */
void mal_area_destroy_list(struct list_head *areas)
{
	struct mal_area *area, *next;

	list_for_each_entry_safe(area, next, areas, by_age) {
		mal_area_destroy(area);
		cond_resched();
	}
}

/**
 * mal_area_clear() - zero the first bytes of an area
 * @area: an area of our own pages
 * @size: number of bytes, up to all
 * @gfp: flags of the allocation; __GFP_NOFAIL makes it run to the end
 *
 * Context: task; sleeps.
 * Return: true, or false if the task is being killed.
 */
bool mal_area_clear(struct mal_area *area, unsigned long size, gfp_t gfp)
{
	unsigned long at, bytes;

	for (at = 0; at < size; at += bytes) {
		if (mal_area_should_abort(gfp))
			return false;
		bytes = min(size - at, MAL_AREA_PIECE * PAGE_SIZE);
		memset(area->address + at, 0, bytes);
		cond_resched();
	}
	return true;
}

/*
 * Lookup
 */

/* Called under rcu_read_lock(). */
static __always_inline struct mal_area *mal_area_find(const void *address)
{
	return rhashtable_lookup(&mal_area_table, address, mal_area_params);
}

/* Index of a page in its area; undefined if the page belongs to no area. */
static unsigned long mal_area_page_number(struct mal_page *desc)
{
	unsigned int order;

	for (order = 0; order <= MAL_MAX_ORDER; order++) {
		unsigned int within = desc->index & ((1U << order) - 1);
		struct mal_page *first = desc - within;

		if (READ_ONCE(first->state) == MAL_PAGE_AREA &&
		    READ_ONCE(first->order) >= order)
			return READ_ONCE(first->private) + within;
	}
	return 0;
}

/**
 * mal_area_containing() - the area that contains an address
 * @address: any value
 *
 * Context: any, under rcu_read_lock().
 * Return: the area, in use or not, or NULL.
 */
struct mal_area *mal_area_containing(const void *address)
{
	struct mal_area *area = mal_area_find(address);
	const void *begin;
	struct mal_page *desc;
	struct page *page;

	if (area)
		return area;
	if (!is_vmalloc_addr(address))
		return NULL;
	page = vmalloc_to_page(address);
	desc = page ? mal_page_of(page) : NULL;
	if (!desc)
		return NULL;
	begin = (const void *)((unsigned long)address & PAGE_MASK) -
		(mal_area_page_number(desc) << PAGE_SHIFT);
	area = mal_area_find(begin);
	if (!area || address - begin >= area->nr_pages << PAGE_SHIFT)
		return NULL;
	return area;
}

/**
 * mal_area_is_hosts() - is this an area of the host?
 * @address: start address, according to the caller
 *
 * An area of ours is ours until it is unmapped, although it may be free. The
 * table does not have an area that is being unmapped; then its pages tell. This
 * fails for a mapping of a caller's pages, while another task removes it. An
 * address that is not mapped is not an area of anybody.
 *
 * The host may map pages of ours, too.
 *
 * Context: any.
 * Return: true if so.
 */
bool mal_area_is_hosts(const void *address)
{
	struct mal_page *desc;
	struct page *page;
	bool hosts;

	if (!is_vmalloc_addr(address))
		return false;
	/* vmalloc_to_page() cannot be called for the host's vmap_pfn(). */
	if (IS_ENABLED(CONFIG_SPARSEMEM) && !IS_ENABLED(CONFIG_SPARSEMEM_VMEMMAP)) {
		rcu_read_lock();
		hosts = !mal_area_find(address);
		rcu_read_unlock();
		return hosts;
	}
	rcu_read_lock();
	page = vmalloc_to_page(address);
	desc = page ? mal_page_of(page) : NULL;
	hosts = page && !(desc && READ_ONCE(desc->state) == MAL_PAGE_AREA) &&
		!mal_area_containing(address);
	rcu_read_unlock();
	return hosts;
}

/**
 * mal_area_report() - report why an address cannot be freed
 * @address: address that mal_area_claim() refused
 * @caller: code address that called the free
 *
 * Context: any.
 */
void mal_area_report(const void *address, unsigned long caller)
{
	enum mal_area_state state;
	char name[MAL_SITE_NAME];
	struct mal_area *area;

	rcu_read_lock();
	area = mal_area_containing(address);
	state = area ? READ_ONCE(area->state) : MAL_AREA_FREE;
	mal_site_name(area ? READ_ONCE(area->caller) : 0, name);
	if (!area)
		mal_report(MAL_REPORT_FOREIGN_FREE, caller,
			   "address outside of all areas");
	else if (address != area->address)
		mal_report(MAL_REPORT_WRONG_FREE, caller,
			   "address inside an area of %lu pages of %s",
			   area->nr_pages, name);
	else if (state == MAL_AREA_FREE || state == MAL_AREA_RCU)
		mal_report(MAL_REPORT_DOUBLE_FREE, caller,
			   "area of %lu pages is already free; last owner %s",
			   area->nr_pages, name);
	else
		mal_report(MAL_REPORT_WRONG_FREE, caller, state == MAL_AREA_MAPPED ?
			   "vfree of an area that was mapped by %s" :
			   "vunmap of an area that was allocated by %s",
			   name);
	rcu_read_unlock();
}

/**
 * mal_area_claim() - take an area from its owner
 * @address: start address, according to the caller
 * @from: expected state, not FREE
 * @to: new state: FREE, or RCU to claim it again after a grace period
 *
 * Context: any.
 * Return: the area, or NULL; then call mal_area_report().
 */
struct mal_area *mal_area_claim(const void *address, enum mal_area_state from,
				enum mal_area_state to)
{
	struct mal_area *area;

	rcu_read_lock();
	area = mal_area_find(address);
	mal_delay(MAL_DELAY_AREA_FOUND);
	if (unlikely(!area || !try_cmpxchg(&area->state, &from, to)))
		area = NULL;
	rcu_read_unlock();
	return area;
}

/*
 * Statistics and leaks
 */

/**
 * mal_area_totals() - count all areas
 * @totals: filled in
 *
 * Context: any.
 */
void mal_area_totals(struct mal_area_totals *totals)
{
	totals->areas = atomic_long_read(&mal_area_count);
	totals->pages = atomic_long_read(&mal_area_pages);
	totals->maps = atomic_long_read(&mal_area_maps);
}

/**
 * struct mal_area_walk - a walk through all areas
 * @left: maximum number of areas still to be visited
 * @mark: in the list behind the current area; an area without pages
 *
 * On the stack of the task.
 */
struct mal_area_walk {
	unsigned long left;
	struct mal_area mark;
};

static void mal_area_walk_begin(struct mal_area_walk *walk)
	__acquires(&mal_area_list_lock)
{
	*walk = (struct mal_area_walk) { };
	spin_lock(&mal_area_list_lock);
	list_add(&walk->mark.link, &mal_areas);
	walk->left = mal_area_nr;
}

static void mal_area_walk_end(struct mal_area_walk *walk)
	__releases(&mal_area_list_lock)
{
	list_del(&walk->mark.link);
	spin_unlock(&mal_area_list_lock);
}

static void mal_area_walk_rest(void)
	__must_hold(&mal_area_list_lock)
{
	spin_unlock(&mal_area_list_lock);
	cond_resched();
	spin_lock(&mal_area_list_lock);
}

/* The next area, or NULL. Skips the marks of other walks, one for each walk. */
static struct mal_area *mal_area_walk_next(struct mal_area_walk *walk)
	__must_hold(&mal_area_list_lock)
{
	struct mal_area *area = &walk->mark;

	if (!walk->left)
		return NULL;
	list_for_each_entry_continue(area, &mal_areas, link) {
		if (!area->nr_pages)
			continue;
		list_move(&walk->mark.link, &area->link);
		walk->left--;
		return area;
	}
	return NULL;
}

/* Is this still the current area? */
static bool mal_area_walk_is_at(const struct mal_area_walk *walk,
				const struct mal_area *area)
	__must_hold(&mal_area_list_lock)
{
	const struct mal_area *at = &walk->mark;

	list_for_each_entry_continue_reverse(at, &mal_areas, link)
		if (at->nr_pages)
			return at == area;
	return false;
}

/* Call @visit with the lock held for each area that is in use. */
static void mal_area_for_each(void (*visit)(struct mal_area *area, void *data),
			      void *data)
{
	struct mal_area_walk walk;
	struct mal_area *area;

	mal_area_walk_begin(&walk);
	while ((area = mal_area_walk_next(&walk))) {
		if (READ_ONCE(area->state) != MAL_AREA_FREE)
			visit(area, data);
		mal_area_walk_rest();
	}
	mal_area_walk_end(&walk);
}

/**
 * struct mal_area_runs - the nodes of an area's pages, one run at a time
 * @m: output
 * @area: the area
 * @next: index of the next page
 * @nid: node of the run
 * @nr: number of pages in the run so far
 */
struct mal_area_runs {
	struct seq_file *m;
	const struct mal_area *area;
	unsigned long next;
	int nid;
	unsigned long nr;
};

static void mal_area_runs_flush(struct mal_area_runs *runs)
{
	if (runs->nr)
		seq_printf(runs->m, " N%d=%lu", runs->nid, runs->nr);
	runs->nr = 0;
}

/* Called with the lock held. Returns false when no pages are left. */
static bool mal_area_runs_piece(struct mal_area_runs *runs)
{
	const struct mal_area *area = runs->area;
	unsigned long end = min(runs->next + MAL_AREA_PIECE, area->nr_pages);
	int nid;

	for (; runs->next < end; runs->next++) {
		nid = page_to_nid(area->pages[runs->next]);
		if (nid != runs->nid)
			mal_area_runs_flush(runs);
		runs->nid = nid;
		runs->nr++;
	}
	return end < area->nr_pages;
}

/*
 * An area may have very many pages, and may be destroyed while the lock is
 * dropped. The line then ends early.
 */
static void mal_area_show_nodes(struct mal_area_walk *walk, struct mal_area_runs *runs)
	__must_hold(&mal_area_list_lock)
{
	while (mal_area_runs_piece(runs)) {
		mal_area_walk_rest();
		if (!mal_area_walk_is_at(walk, runs->area) ||
		    fatal_signal_pending(current) || seq_has_overflowed(runs->m))
			break;
	}
	mal_area_runs_flush(runs);
	seq_putc(runs->m, '\n');
}

/* Print the line except for the nodes. Returns false if it has none. */
static bool mal_area_show(struct seq_file *m, const struct mal_area *area)
{
	char name[MAL_SITE_NAME];

	seq_printf(m, "%12lu %s pages=%lu", mal_peek(area->size),
		   mal_site_name(mal_peek(area->caller), name), area->nr_pages);
	if (mal_peek(area->flags) & MAL_AREA_MAP) {
		seq_puts(m, " vmap\n");
		return false;
	}
	seq_puts(m, mal_peek(area->flags) & MAL_AREA_USER ? " vmalloc user" : " vmalloc");
	return true;
}

/**
 * mal_area_list() - print a line for each area that is in use
 * @m: /proc/memalloc
 *
 * Context: task; sleeps.
 */
void mal_area_list(struct seq_file *m)
{
	struct mal_area_walk walk;
	struct mal_area_runs runs;
	struct mal_area *area;

	mal_area_walk_begin(&walk);
	while ((area = mal_area_walk_next(&walk))) {
		runs = (struct mal_area_runs) { m, area };
		if (READ_ONCE(area->state) != MAL_AREA_FREE && mal_area_show(m, area))
			mal_area_show_nodes(&walk, &runs);
		mal_area_walk_rest();
		if (fatal_signal_pending(current) || seq_has_overflowed(m))
			break;
	}
	mal_area_walk_end(&walk);
}

/**
 * struct mal_area_leaks - a report being compiled
 * @module: restrict the report to this module; NULL: no restriction
 * @sites: areas by call site; the kind is MAL_AREA_MAP or zero
 */
struct mal_area_leaks {
	const struct module *module;
	struct mal_leak_sites sites;
};

static void mal_area_leaked(struct mal_area *area, void *data)
{
	unsigned long caller = READ_ONCE(area->caller);
	struct mal_area_leaks *leaks = data;

	if (leaks->module && !mal_site_is_in(caller, leaks->module))
		return;
	mal_leak_add(&leaks->sites, caller, area->flags & MAL_AREA_MAP, 1,
		     area->nr_pages);
	/*
	 * The symbol of the call site cannot be resolved after the module is
	 * gone.
	 */
	WRITE_ONCE(area->caller, 0);
}

static void mal_area_leak_print(const struct mal_leak_site *site)
{
	const char *how = site->kind ? "mapped" : "allocated";
	char name[MAL_SITE_NAME];

	if (!site->caller)
		pr_err("leak: %lu areas, %lu pages in all, owned by unloaded modules\n",
		       site->allocations, site->pages);
	else if (site->allocations == 1)
		pr_err("leak: area of %lu pages, %s by %s\n", site->pages, how,
		       mal_site_name(site->caller, name));
	else
		pr_err("leak: %lu areas, %lu pages in all, %s by %s\n",
		       site->allocations, site->pages, how,
		       mal_site_name(site->caller, name));
}

/* Report and forget the areas of a module, or all if it is NULL. */
static void mal_area_leaks_report(const struct module *module)
{
	struct mal_area_leaks leaks = { .module = module };
	unsigned int i;

	mal_area_for_each(mal_area_leaked, &leaks);
	for (i = 0; i < leaks.sites.nr; i++)
		mal_area_leak_print(&leaks.sites.sites[i]);
	if (leaks.sites.others)
		pr_err("leak: %lu more areas, of others\n", leaks.sites.others);
}

/* The area may be freed and reused concurrently. */
static void mal_area_keep_site(struct mal_area *area, void *module)
{
	unsigned long caller = READ_ONCE(area->caller);
	unsigned long kept = mal_site_keep(caller, module);

	if (kept != caller)
		cmpxchg(&area->caller, caller, kept);
}

static int mal_area_notify(struct notifier_block *block, unsigned long event,
			   void *module)
{
	if (event == MODULE_STATE_LIVE)
		mal_area_for_each(mal_area_keep_site, module);
	if (event == MODULE_STATE_GOING && module != THIS_MODULE)
		mal_area_leaks_report(module);
	return NOTIFY_OK;
}

static struct notifier_block mal_area_notifier = {
	.notifier_call = mal_area_notify,
};

/**
 * mal_area_init() - set up the table of areas
 *
 * Context: task.
 * Return: 0, -ENOMEM, or the host's error.
 */
int mal_area_init(void)
{
	int err = rhashtable_init(&mal_area_table, &mal_area_params);

	if (err)
		return err;
	err = register_module_notifier(&mal_area_notifier);
	if (err)
		rhashtable_destroy(&mal_area_table);
	return err;
}

/**
 * mal_area_exit() - undo mal_area_init()
 *
 * Areas that are still in use are reported and not freed.
 *
 * Context: task. No allocation or free is in progress, and the cache is empty.
 */
void mal_area_exit(void)
{
	unregister_module_notifier(&mal_area_notifier);
	mal_area_leaks_report(NULL);
	rhashtable_destroy(&mal_area_table);
}
