// SPDX-License-Identifier: GPL-2.0
/*
 * Areas: pages, mapped one after the other
 *
 * A module cannot write the kernel's page tables, so mapping is the host's
 * vmap(). It leaves a page without a mapping behind each area, the guard: who
 * writes past the end faults. vunmap() clears the page tables at once and
 * flushes the TLBs later, once for many areas: nothing is left for us to batch.
 *
 * Pages. As many blocks as it takes, the largest first: one of 4 pages costs
 * not much more than a single page. A block of more than one page is taken only
 * where it comes cheap, without effort of ours or of the host; when an order has
 * failed, only smaller ones are tried for the rest of the area. Each block is an
 * allocation of the page layer's, in state AREA, which knows the number in the
 * area of its first page (mal_page.private):
 *
 *	7 pages:	| block of 4    | of 2  | 1 |
 *	private		  0		  4       6
 *
 * Alignment. An area that is aligned to more than a page is mapped together with
 * what is before and behind it up to there: its own pages again. So who writes
 * past its end damages what is theirs, and faults only after that.
 *
 * Lookup. All areas are in a hash table, by the address at which they begin;
 * looking for one takes no lock. For an address inside an area, the page tables
 * tell the page, its block tells its number, that tells the beginning, and the
 * table has the last word: whatever is read on the way may be stale or
 * foreign, what is in the table and around the address is right.
 *
 * Walks. All areas are in a list, too, for those who go through all of them. User space
 * may make many, so they have a mark in the list, right behind the area that they are
 * at, and let go of the lock after each: areas that are there all the time are visited
 * once, whatever comes and goes meanwhile. New ones come last, and a walk is over after
 * as many as there were when it began.
 *
 * Misuse. Freeing takes an area from its owner with one atomic operation, so
 * that of two who free it, at whatever time, one is told. Freeing an address
 * inside an area, or one that is not ours, is reported.
 *
 * Locking: that of the table, a bit of a bucket; and mal_area_list_lock, which protects
 * the list and its marks, and keeps the areas that are on it. Both are innermost.
 *
 * Lifetimes: an area is removed from list and table, then unmapped, then its
 * pages are freed; the structure goes after a grace period. Pages that somebody else
 * holds by then are set aside by the page layer.
 *
 * Context: making and unmaking sleep. Looking for an area: any, NMI included.
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
#include "internal/inject.h"
#include "internal/page_alloc.h"
#include "internal/peek.h"
#include "internal/quarantine.h"
#include "internal/region.h"
#include "internal/report.h"
#include "internal/site.h"

/* Not for pages of an area: they are single ones, and borrowed memory is low. */
#define MAL_GFP_NOT_FOR_AREA	(__GFP_COMP | __GFP_HIGHMEM | __GFP_MOVABLE)

/* A zone, or one node and no other, is asked for. */
#define MAL_GFP_PLACE		(__GFP_DMA | __GFP_DMA32)

/* How hard somebody wants it: not for what need not be. */
#define MAL_GFP_EFFORT		(__GFP_DIRECT_RECLAIM | __GFP_NOFAIL | \
				 __GFP_RETRY_MAYFAIL)

/* What the host understands, of the flags of an allocation of pages. */
#define MAL_GFP_FOR_METADATA	(__GFP_RECLAIM | __GFP_IO | __GFP_FS | \
				 __GFP_NOWARN | __GFP_NORETRY | \
				 __GFP_RETRY_MAYFAIL | __GFP_NOFAIL)

/* How long one that must not fail waits before it tries again. */
#define MAL_AREA_PAUSE		(HZ / 50 + 1)

static struct rhashtable mal_area_table;
static DEFINE_SPINLOCK(mal_area_list_lock);
static LIST_HEAD(mal_areas);
static unsigned long mal_area_nr;
static atomic_long_t mal_area_count, mal_area_pages, mal_area_maps;

/* The key is the address itself, where the table is used to a pointer to it. */
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
 * Making
 */

static struct mal_area *mal_area_describe(unsigned long nr_pages,
					  unsigned long nr_kept, gfp_t gfp,
					  unsigned long caller)
{
	struct mal_area *area;

	if (mal_inject_should_fail())
		return NULL;
	area = kvmalloc(struct_size(area, pages, nr_kept),
			gfp & MAL_GFP_FOR_METADATA);
	if (!area)
		return NULL;
	/* Where an area is, is no reference to it. */
	kmemleak_scan_area(area, offsetof(struct mal_area, address), gfp);
	kmemleak_scan_area(&area->base + 1, offsetof(struct mal_area, pages) -
			   offsetofend(struct mal_area, base), gfp);
	area->state = MAL_AREA_USED;
	area->flags = 0;
	area->class = 0;
	area->nid = NUMA_NO_NODE;
	area->nr_pages = nr_pages;
	area->size = nr_pages << PAGE_SHIFT;
	area->caller = caller;
	return area;
}

/* A block of @order pages, or fewer if that comes cheaper; in earnest, one. */
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

/* The block is the area's from here on, from the page @nr. */
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

/* What nobody else holds goes the fast way. Returns the number of pages. */
static unsigned long mal_area_free_block(struct page *page)
{
	struct mal_page *desc = mal_page_of(page);
	unsigned int order = desc->order;

	WRITE_ONCE(desc->state, MAL_PAGE_USED);
	if (unlikely(mal_block_is_held(page, order)))
		mal_free_pages_shared(page, order);
	else
		mal_free_pages(page, order);
	return 1UL << order;
}

static void mal_area_free_pages(struct mal_area *area, unsigned long nr_pages)
{
	unsigned long i = 0;

	while (i < nr_pages) {
		i += mal_area_free_block(area->pages[i]);
		cond_resched();
	}
}

/*
 * Of blocks of @order at most. Returns false, and the area has no pages, if there
 * are not enough.
 */
static bool mal_area_fill(struct mal_area *area, unsigned int order, gfp_t gfp,
			  int nid)
{
	unsigned long i;
	struct page *page;

	for (i = 0; i < area->nr_pages; i += 1UL << order) {
		order = min_t(unsigned int, order, ilog2(area->nr_pages - i));
		page = mal_area_block(&order, gfp, nid, area->caller);
		if (!page || mal_area_is_in_vain(gfp)) {
			mal_free_pages(page, order);
			mal_area_free_pages(area, i);
			return false;
		}
		mal_area_add_block(area, i, page, order);
		cond_resched();
	}
	return true;
}

/* The node of all pages, if they are all of one. */
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

/* vmap() has no flags of its own: it is told by the task what it must not do. */
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

/* The page that is the first one at @address shall be it in the area, and so on. */
static void mal_area_rotate(struct mal_area *area, struct page **mapped)
{
	unsigned long i;

	for (i = 0; i < area->nr_pages; i++) {
		area->pages[i] = mapped[i];
		mal_page_of(mapped[i])->private = i;
	}
}

/*
 * The host is not to be asked for an alignment. So the pages, which are single
 * ones, are mapped one after the other, again and again: wherever that begins,
 * there is an aligned address in it from which on each of them is there once.
 */
static bool mal_area_map_aligned(struct mal_area *area, unsigned long align,
				 gfp_t gfp)
{
	unsigned long nr = area->nr_pages + (align >> PAGE_SHIFT) - 1;
	struct page **pages;
	unsigned long i;

	pages = mal_inject_should_fail() ? NULL :
		kvmalloc_array(nr, sizeof(*pages), gfp & MAL_GFP_FOR_METADATA);
	if (!pages)
		return false;
	for (i = 0; i < nr; i++)
		pages[i] = area->pages[i % area->nr_pages];
	area->base = mal_area_vmap(pages, nr, gfp);
	if (area->base) {
		area->address = PTR_ALIGN(area->base, align);
		mal_area_rotate(area, pages + ((area->address - area->base) >>
					       PAGE_SHIFT));
	}
	kvfree(pages);
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

/* From here on it can be found. */
static bool mal_area_publish(struct mal_area *area)
{
	if (mal_inject_should_fail())
		return false;
	/*
	 * A race of the table with itself: a bit of the word that a bucket's chain
	 * begins with is its lock, and who holds it reads the word plainly.
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

	area = mal_area_describe(nr_pages, nr_pages, gfp, caller);
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
	mal_area_free_pages(area, nr_pages);
err_describe:
	kvfree(area);
	return NULL;
}

/**
 * mal_area_create() - make an area of pages of ours
 * @nr_pages: how many, at least one
 * @align: of the address, a power of two up to MAL_AREA_MAX_ALIGN
 * @gfp: as for __mal_vmalloc(); may sleep
 * @nid: the node to prefer, or NUMA_NO_NODE
 * @caller: code address of who it is for
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
 * mal_area_create_map() - make an area of a caller's pages
 * @pages: the pages; they stay the caller's
 * @nr_pages: how many
 * @flags: for the host's vmap()
 * @prot: for the host's vmap()
 * @caller: code address of who it is for
 *
 * Context: task; sleeps.
 * Return: the area, in use, or NULL.
 */
struct mal_area *mal_area_create_map(struct page **pages,
				     unsigned long nr_pages,
				     unsigned long flags, pgprot_t prot,
				     unsigned long caller)
{
	struct mal_area *area = mal_area_describe(nr_pages, 0, GFP_KERNEL, caller);

	if (!area)
		return NULL;
	area->state = MAL_AREA_MAPPED;
	area->flags = MAL_AREA_MAP;
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
	kvfree(area);
	return NULL;
}

/**
 * mal_area_destroy() - unmap an area, and free its pages
 * @area: the area; free, and nobody else's business
 *
 * Context: task; sleeps.
 */
void mal_area_destroy(struct mal_area *area)
{
	/*
	 * First of all: as soon as it is unmapped, another may be at its address.
	 * data_race(): as in mal_area_publish().
	 */
	data_race(rhashtable_remove_fast(&mal_area_table, &area->hash,
					 mal_area_params));
	mal_area_list_del(area);
	vunmap(area->base);
	if (area->flags & MAL_AREA_MAP) {
		atomic_long_dec(&mal_area_maps);
	} else {
		atomic_long_dec(&mal_area_count);
		atomic_long_sub(area->nr_pages, &mal_area_pages);
		mal_area_free_pages(area, area->nr_pages);
	}
	kvfree_rcu(area, rcu);
}

/**
 * mal_area_destroy_list() - mal_area_destroy() of each
 * @areas: areas, by mal_area.by_age
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
 * mal_area_clear() - fill the first bytes of an area with zeroes
 * @area: an area of pages of ours
 * @size: how many, up to all
 * @gfp: what they are for; with __GFP_NOFAIL, always to the end
 *
 * Context: task; sleeps.
 * Return: true, or false if who waits for it is about to be killed.
 */
bool mal_area_clear(struct mal_area *area, unsigned long size, gfp_t gfp)
{
	unsigned long at, bytes;

	for (at = 0; at < size; at += bytes) {
		if (mal_area_is_in_vain(gfp))
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

/* Under rcu_read_lock(). */
static __always_inline struct mal_area *mal_area_find(const void *address)
{
	return rhashtable_lookup(&mal_area_table, address, mal_area_params);
}

/* The number in its area of a page of an area; anything for other pages. */
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
 * mal_area_around() - the area that an address lies in
 * @address: any value
 *
 * Context: any, under rcu_read_lock().
 * Return: the area, in use or not, or NULL.
 */
struct mal_area *mal_area_around(const void *address)
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
 * mal_area_report() - report why what is at an address cannot be freed
 * @address: what mal_area_claim() would not take
 * @caller: code address of who wanted to free it
 *
 * Context: any.
 */
void mal_area_report(const void *address, unsigned long caller)
{
	enum mal_area_state state;
	char name[MAL_SITE_NAME];
	struct mal_area *area;

	rcu_read_lock();
	area = mal_area_around(address);
	state = area ? READ_ONCE(area->state) : MAL_AREA_FREE;
	mal_site_name(area ? READ_ONCE(area->caller) : 0, name);
	if (!area)
		mal_report(MAL_REPORT_FOREIGN_FREE, caller,
			   "an address that is in no area");
	else if (address != area->address)
		mal_report(MAL_REPORT_WRONG_FREE, caller,
			   "an address inside an area of %lu pages of %s",
			   area->nr_pages, name);
	else if (state == MAL_AREA_FREE || state == MAL_AREA_RCU)
		mal_report(MAL_REPORT_DOUBLE_FREE, caller,
			   "an area of %lu pages that is free already; last of %s",
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
 * @address: what the owner says it is
 * @from: the state that it is to be in, not FREE
 * @to: and the one that it is in then: FREE, or RCU if it is to be claimed once more
 *	after a grace period
 *
 * Context: any.
 * Return: the area, or NULL: see mal_area_report().
 */
struct mal_area *mal_area_claim(const void *address, enum mal_area_state from,
				enum mal_area_state to)
{
	struct mal_area *area;

	rcu_read_lock();
	area = mal_area_find(address);
	if (unlikely(!area || !try_cmpxchg(&area->state, &from, to)))
		area = NULL;
	rcu_read_unlock();
	return area;
}

/*
 * Figures and leaks
 */

/**
 * mal_area_totals() - how many areas there are
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
 * @left: areas that it visits yet, at most
 * @mark: in the list behind the area that it is at; an area without pages
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

/* The next area, or NULL. There are as many marks of others as there are walks. */
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

/* Is it still at this area? */
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

/* Call @visit for each area that is in use, with the lock held. */
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
 * struct mal_area_runs - the nodes of an area's pages, a run of one node at a time
 * @m: where they are printed
 * @area: the area
 * @next: the page to look at next
 * @nid: the node of the run
 * @nr: pages in it so far
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

/* With the lock held. Returns false when there are no more pages. */
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

/* An area may have very many pages, and may go while we give way: its line ends then. */
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

/* All of the line but the nodes. Returns false if it has none. */
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

static void mal_area_leaked(struct mal_area *area, void *module)
{
	unsigned long caller = READ_ONCE(area->caller);
	char name[MAL_SITE_NAME];

	if (module && !mal_site_is_in(caller, module))
		return;
	if (caller)
		pr_err("leak: area of %lu pages, %s by %s\n", area->nr_pages,
		       area->flags & MAL_AREA_MAP ? "mapped" : "allocated",
		       mal_site_name(caller, name));
	else
		pr_err("leak: area of %lu pages, of a module that is gone\n",
		       area->nr_pages);
	/* Who is reported now has no name later. */
	WRITE_ONCE(area->caller, 0);
}

/* Others may free it, and use it again, meanwhile. */
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
		mal_area_for_each(mal_area_leaked, module);
	return NOTIFY_OK;
}

static struct notifier_block mal_area_notifier = {
	.notifier_call = mal_area_notify,
};

/**
 * mal_area_init() - an empty table
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
 * mal_area_exit() - the mirror of mal_area_init()
 *
 * Areas that are in use are reported, and stay as they are.
 *
 * Context: task. Nobody allocates or frees any more, and nothing is cached.
 */
void mal_area_exit(void)
{
	unregister_module_notifier(&mal_area_notifier);
	mal_area_for_each(mal_area_leaked, NULL);
	rhashtable_destroy(&mal_area_table);
}
