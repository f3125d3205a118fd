// SPDX-License-Identifier: GPL-2.0
/*
 * Slabs: blocks of pages cut into objects of one size
 *
 * A slab (Bonwick 1994) is a block of pages of ours and, outside of it, its
 * description: struct mal_slab, with one byte for each object that says where
 * the object is.
 *
 *	  block of 2^order pages                  struct mal_slab
 *	+--------+--------+-----+--------+---+   +---------------------+
 *	| object | object | ... | object |   |   | cache, base, nr ... |
 *	|   0    |   1    |     | nr - 1 |   |   | states[0 .. nr - 1] |
 *	+--------+--------+-----+--------+---+   +---------------------+
 *	                                waste              ^
 *	  struct mal_page of each page: SLAB, owner -------'
 *
 * The bytes are the free list, too: to take objects out of a slab is to look
 * for bytes that say FREE, eight at a time. There is no list that runs through
 * the objects or beside them, so nothing that a user of the memory does,
 * however late or far out of bounds, can make the allocator hand out what it
 * should not. Where the search begins is random, and so is the order in which
 * what it finds is handed out.
 *
 * What a byte says, and who may change it:
 *
 *	      mal_slab_node_take()      mal_kmem_cache_alloc()
 *	FREE ---------------------> CACHED ----------------> ALLOCATED
 *	     <---------------------        <----------------
 *	       mal_slab_node_put()       mal_kmem_cache_free()
 *
 * FREE is entered and left under the lock of the node. An object in any other
 * state belongs to whoever has it: a sheaf, or a user; the byte is then written
 * without a lock. Freeing looks for ALLOCATED and allocating for CACHED, so an
 * object that is freed twice is found out at once or, if two CPUs do it in the
 * same instant, when it is allocated the second time. With "lean", an object
 * out of its slab is ALLOCATED throughout.
 *
 * Lookup. From an address to its page descriptor, to the slab, to the number of
 * the object: no lock, no search, and no memory touched that is not valid for
 * any address whatever; see mal_slab_of() and mal_slab_index(). Slabs are freed
 * after a grace period, so a lookup that comes too late finds one with nothing
 * ALLOCATED in it.
 *
 * Order. The smallest block that wastes an eighth at most, and holds some
 * objects; where the buddy allocator has none of it, the smallest that holds
 * one.
 *
 * Cost. What describes a slab is the host's memory, and counts for the cap like the
 * slab's pages, from before it is taken until it is given to RCU to be freed.
 *
 * Lists. A slab is on one of three lists of its node: partial, full (nothing
 * FREE) or empty (all FREE). So many empty ones are kept as the cache says; what
 * is surplus is destroyed, after the lock has been dropped.
 *
 * Walks. Who wants to see all slabs of a node lets go of the lock after each one,
 * or else whoever has the most objects could keep interrupts off for seconds. For
 * that there are two sides, each with lists and figures of its own: those that
 * the walk has seen, and those that it has not; see mal_slab_node_walk(). Who
 * allocates looks on both, so that no slab is made because of a walk.
 *
 * Locking: mal_slab_node.lock, with interrupts off. Nothing is called under it
 * that takes another lock.
 *
 * Context: any but NMI. Only mal_slab_create() may sleep, if its flags allow.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/hardirq.h>
#include <linux/kernel.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/preempt.h>
#include <linux/random.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>

#include <memalloc/page_alloc.h>

#include "internal/buddy.h"
#include "internal/inject.h"
#include "internal/kunit.h"
#include "internal/loan.h"
#include "internal/peek.h"
#include "internal/region.h"
#include "internal/report.h"
#include "internal/sheaf.h"
#include "internal/site.h"
#include "internal/slab.h"
#include "internal/slab_debug.h"
#include "internal/slab_kmemleak.h"
#include "internal/slab_quarantine.h"
#include "internal/slab_sanitizer.h"

/* States are looked at a word at a time. */
#define MAL_STATES_WORD		sizeof(u64)

/* What the host understands, of the flags of an allocation of an object. */
#define MAL_GFP_FOR_METADATA	(GFP_RECLAIM_MASK)
#define GFP_RECLAIM_MASK	(__GFP_RECLAIM | __GFP_HIGH | __GFP_IO | \
				 __GFP_FS | __GFP_NOWARN | \
				 __GFP_RETRY_MAYFAIL | __GFP_NOFAIL | \
				 __GFP_NORETRY | __GFP_MEMALLOC | \
				 __GFP_NOMEMALLOC)

/* Not for pages of a slab. */
#define MAL_GFP_NOT_FOR_SLAB	(__GFP_ZERO | __GFP_COMP | __GFP_HIGHMEM | \
				 __GFP_MOVABLE | __GFP_ACCOUNT)

/*
 * Making and unmaking
 */

static u32 mal_slab_capacity(const struct mal_kmem_cache *cache,
			     unsigned int order)
{
	return (PAGE_SIZE << order) / cache->size;
}

/* Bytes that the host has to give for the description of a slab. */
static size_t mal_slab_described_by(u32 nr)
{
	struct mal_slab *slab;

	return kmalloc_size_roundup(struct_size(slab, states,
						round_up(nr, MAL_STATES_WORD)));
}

/**
 * mal_slab_share() - what an object takes from the allocators
 * @cache: its cache
 *
 * Its part of its slab, with what the slab wastes and what describes it, and its
 * track. If memory is short, and a slab smaller than usual, it may be more.
 *
 * Context: any.
 * Return: bytes.
 */
size_t mal_slab_share(const struct mal_kmem_cache *cache)
{
	u32 nr = mal_slab_capacity(cache, cache->order);
	size_t bytes = (PAGE_SIZE << cache->order) + mal_slab_described_by(nr);

	if (cache->flags & MAL_CACHE_DEBUG)
		bytes += mal_debug_tracked_by(nr);
	return DIV_ROUND_UP(bytes, nr);
}

static struct mal_slab *mal_slab_describe(struct mal_kmem_cache *cache,
					  unsigned int order, gfp_t gfp, int nid)
{
	u32 nr = mal_slab_capacity(cache, order);
	size_t bytes = round_up(nr, MAL_STATES_WORD);
	struct mal_slab *slab;

	if (mal_inject_may_fail(gfp) ||
	    !mal_loan_charge_bytes(mal_slab_described_by(nr), gfp))
		return NULL;
	slab = kmalloc_node(struct_size(slab, states, bytes),
			    gfp & MAL_GFP_FOR_METADATA, nid);
	if (!slab) {
		mal_region_uncharge_bytes(mal_slab_described_by(nr));
		return NULL;
	}
	mal_kmemleak_slab(slab, gfp);
	memset(slab, 0, sizeof(*slab));
	slab->cache = cache;
	slab->cpu = cache->cpu;
	slab->nr = nr;
	slab->free = nr;
	slab->order = order;
	slab->nid = nid;
	slab->left = cache->left;
	slab->flags = cache->flags & MAL_CACHE_DEBUG;
	memset(slab->states, MAL_OBJECT_FREE, nr);
	memset(slab->states + nr, MAL_OBJECT_NONE, bytes - nr);
	return slab;
}

/* Somebody may still be looking at it. */
static void mal_slab_free_description(struct mal_slab *slab)
{
	mal_region_uncharge_bytes(mal_slab_described_by(slab->nr));
	kfree_rcu(slab, rcu);
}

static struct page *mal_slab_pages(struct mal_kmem_cache *cache, gfp_t gfp,
				   int nid, unsigned int *order)
{
	gfp_t easy = (gfp & ~(__GFP_DIRECT_RECLAIM | __GFP_NOFAIL |
			      __GFP_RETRY_MAYFAIL)) |
		     __GFP_NORETRY | __GFP_NOWARN;
	struct page *page;

	*order = cache->order;
	if (cache->order > cache->min_order) {
		page = mal_alloc_pages_node(nid, easy, *order);
		if (page)
			return page;
		*order = cache->min_order;
	}
	return mal_alloc_pages_node(nid, gfp, *order);
}

/**
 * mal_slab_mark() - say of the pages of a slab that they are a slab's
 * @slab: the slab
 *
 * From here on, the slab is found by mal_slab_find().
 *
 * Context: any but NMI.
 */
void mal_slab_mark(struct mal_slab *slab)
{
	struct mal_page *desc = mal_page_of(virt_to_page(mal_slab_block(slab)));

	mal_zone_mark(mal_page_section(desc)->zone, desc, slab->order,
		      MAL_PAGE_SLAB, (void *)slab + MAL_OWNER_SLAB);
}

/**
 * mal_slab_unmark() - the mirror of mal_slab_mark()
 * @slab: the slab
 * @leaked: nobody shall have the pages before unload
 *
 * Context: any but NMI.
 */
void mal_slab_unmark(struct mal_slab *slab, bool leaked)
{
	struct mal_page *desc = mal_page_of(virt_to_page(mal_slab_block(slab)));

	mal_zone_mark(mal_page_section(desc)->zone, desc, slab->order,
		      leaked ? MAL_PAGE_LEAKED : MAL_PAGE_USED, NULL);
}

/* What is not the object of an owner, is nobody's. */
static void mal_slab_tell_sanitizer(struct mal_slab *slab)
{
	u32 i;

	if (!mal_sanitizer_on() || slab->cache->flags & MAL_CACHE_RCU)
		return;
	mal_sanitizer_set_redzone(mal_slab_block(slab), PAGE_SIZE << slab->order);
	for (i = 0; i < slab->nr; i++)
		mal_sanitizer_free(slab->cache, mal_slab_object(slab, i));
}

static void mal_slab_for_each(struct mal_slab *slab, void (*call)(void *object))
{
	u32 i;

	for (i = 0; call && i < slab->nr; i++)
		call(mal_slab_object(slab, i));
}

/**
 * mal_slab_create() - make a slab
 * @cache: the cache
 * @gfp: as for mal_kmem_cache_alloc()
 * @nid: the node to prefer; with __GFP_THISNODE, the only one
 *
 * All objects are FREE and constructed. The slab is on no list.
 *
 * Context: any but NMI; sleeps if @gfp allows it.
 * Return: the slab, or NULL.
 */
struct mal_slab *mal_slab_create(struct mal_kmem_cache *cache, gfp_t gfp,
				 int nid)
{
	struct mal_slab *slab;
	unsigned int order;
	struct page *page;

	gfp = (gfp & ~MAL_GFP_NOT_FOR_SLAB) | cache->gfp;
	page = mal_slab_pages(cache, gfp, nid, &order);
	if (!page)
		return NULL;
	slab = mal_slab_describe(cache, order, gfp, page_to_nid(page));
	if (!slab)
		goto err_pages;
	slab->base = page_address(page) + slab->left;
	slab->seed = get_random_u32();
	slab->cursor = slab->seed;
	/* First, so that a constructor may ask what it has before it. */
	mal_slab_mark(slab);
	mal_slab_for_each(slab, cache->ctor);
	if (!mal_debug_slab_init(slab, gfp & MAL_GFP_FOR_METADATA))
		goto err_slab;
	mal_slab_tell_sanitizer(slab);
	return slab;

err_slab:
	mal_slab_for_each(slab, cache->dtor);
	mal_slab_unmark(slab, false);
	mal_slab_free_description(slab);
err_pages:
	mal_free_pages(page, order);
	return NULL;
}

static void mal_slab_free_pages(struct mal_slab *slab)
{
	void *block = mal_slab_block(slab);
	bool intact;

	if (mal_sanitizer_on())
		mal_sanitizer_set_valid(block, PAGE_SIZE << slab->order);
	intact = mal_debug_slab_intact(slab);
	mal_slab_for_each(slab, slab->cache->dtor);
	mal_slab_unmark(slab, !intact);
	if (intact)
		mal_free_pages(virt_to_page(block), slab->order);
	mal_debug_slab_exit(slab);
	mal_slab_free_description(slab);
}

static void mal_slab_free_pages_rcu(struct rcu_head *rcu)
{
	mal_slab_free_pages(container_of(rcu, struct mal_slab, rcu));
}

/**
 * mal_slab_destroy() - unmake a slab
 * @slab: the slab, on no list, all objects FREE
 *
 * Context: any but NMI.
 */
void mal_slab_destroy(struct mal_slab *slab)
{
	if (slab->cache->flags & MAL_CACHE_RCU)
		call_rcu(&slab->rcu, mal_slab_free_pages_rcu);
	else
		mal_slab_free_pages(slab);
}

/**
 * mal_slab_destroy_list() - unmake slabs
 * @slabs: the slabs, by mal_slab.link; empty after
 *
 * Context: any but NMI.
 */
void mal_slab_destroy_list(struct list_head *slabs)
{
	struct mal_slab *slab, *next;

	list_for_each_entry_safe(slab, next, slabs, link)
		mal_slab_destroy(slab);
	INIT_LIST_HEAD(slabs);
}

/*
 * The slabs of a node
 */

/**
 * mal_slab_node_init() - no slabs
 * @node: the node
 *
 * Context: any.
 */
void mal_slab_node_init(struct mal_slab_node *node)
{
	unsigned int i;

	spin_lock_init(&node->lock);
	spin_lock_init(&node->depot_lock);
	for (i = 0; i < ARRAY_SIZE(node->sides); i++) {
		INIT_LIST_HEAD(&node->sides[i].partial);
		INIT_LIST_HEAD(&node->sides[i].full);
		INIT_LIST_HEAD(&node->sides[i].empty);
	}
	INIT_LIST_HEAD(&node->held);
	INIT_LIST_HEAD(&node->guards);
	INIT_LIST_HEAD(&node->full_sheaves);
	INIT_LIST_HEAD(&node->empty_sheaves);
}

/**
 * mal_slab_node_sum() - the figures of both sides
 * @node: the node
 * @sum: filled in, but for the lists; exact if the node's lock is held
 *
 * Context: any.
 */
void mal_slab_node_sum(const struct mal_slab_node *node, struct mal_slab_side *sum)
{
	const struct mal_slab_side *a = &node->sides[0], *b = &node->sides[1];

	sum->nr_slabs = mal_peek(a->nr_slabs) + mal_peek(b->nr_slabs);
	sum->nr_empty = mal_peek(a->nr_empty) + mal_peek(b->nr_empty);
	sum->nr_pages = mal_peek(a->nr_pages) + mal_peek(b->nr_pages);
	sum->nr_objects = mal_peek(a->nr_objects) + mal_peek(b->nr_objects);
	sum->nr_free = mal_peek(a->nr_free) + mal_peek(b->nr_free);
}
MAL_EXPORT_FOR_KUNIT(mal_slab_node_sum);

/* A slab comes to a side; who does this, puts it on a list. */
static void mal_slab_side_count(struct mal_slab_side *side,
				const struct mal_slab *slab)
{
	side->nr_slabs++;
	side->nr_pages += 1UL << slab->order;
	side->nr_objects += slab->nr;
	side->nr_free += slab->free;
}

/* And leaves it. */
static void mal_slab_side_uncount(struct mal_slab_side *side,
				  const struct mal_slab *slab)
{
	side->nr_slabs--;
	side->nr_pages -= 1UL << slab->order;
	side->nr_objects -= slab->nr;
	side->nr_free -= slab->free;
}

/**
 * mal_slab_node_add() - take in a new slab
 * @node: the node that the slab's pages are of
 * @slab: the slab, all objects FREE
 *
 * Context: any but NMI; the node's lock is held.
 */
void mal_slab_node_add(struct mal_slab_node *node, struct mal_slab *slab)
{
	struct mal_slab_side *side = &node->sides[node->side];

	lockdep_assert_held(&node->lock);
	slab->side = node->side;
	list_add(&slab->link, &side->empty);
	side->nr_empty++;
	mal_slab_side_count(side, slab);
}

/* Put a slab on the list that it belongs to, after @free has changed. */
static void mal_slab_relist(struct mal_slab_side *side, struct mal_slab *slab,
			    u32 free_before)
{
	if (!free_before && slab->free && slab->free < slab->nr) {
		list_move_tail(&slab->link, &side->partial);
	} else if (!slab->free) {
		list_move(&slab->link, &side->full);
	} else if (slab->free == slab->nr) {
		list_move(&slab->link, &side->empty);
		side->nr_empty++;
	} else if (free_before == slab->nr) {
		list_move(&slab->link, &side->partial);
	}
	if (free_before == slab->nr)
		side->nr_empty--;
}

/* Does any byte of the word say FREE, that is, zero? */
static bool mal_states_any_free(u64 word)
{
	const u64 ones = 0x0101010101010101ULL;

	return (word - ones) & ~word & (ones << 7);
}

/* A new entry trades places with any of those before it, or stays. */
static void mal_entries_shuffle(struct mal_sheaf_entry *entries, unsigned int nr,
				u32 *seed)
{
	unsigned int other;

	/* Any generator will do: nobody sees what it gives but as an order. */
	*seed = *seed * 1664525 + 1013904223;
	other = ((u64)*seed * nr) >> 32;
	swap(entries[nr - 1], entries[other]);
}

/* The FREE objects of one word of states. Returns how many were taken. */
static unsigned int mal_slab_take_word(struct mal_slab *slab, u32 first,
				       struct mal_sheaf_entry *entries,
				       unsigned int taken, unsigned int want,
				       u32 *seed)
{
	u8 state = mal_lean() ? MAL_OBJECT_ALLOCATED : MAL_OBJECT_CACHED;
	u32 i;

	for (i = first; i < first + MAL_STATES_WORD && taken < want; i++) {
		/* Whoever has an object changes its state, but not to or from FREE. */
		if (data_race(slab->states[i]) != MAL_OBJECT_FREE)
			continue;
		WRITE_ONCE(slab->states[i], state);
		entries[taken].object = mal_slab_object(slab, i);
		entries[taken].state = &slab->states[i];
		taken++;
		mal_entries_shuffle(entries, taken, seed);
	}
	return taken;
}

static unsigned int mal_slab_take(struct mal_slab *slab,
				  struct mal_sheaf_entry *entries,
				  unsigned int want)
{
	u32 words = DIV_ROUND_UP(slab->nr, MAL_STATES_WORD);
	unsigned int taken = 0;
	u32 word, i;

	want = min(want, slab->free);
	word = slab->cursor % words;
	for (i = 0; i <= words && taken < want; i++) {
		u32 first = word * MAL_STATES_WORD;

		if (mal_states_any_free(READ_ONCE(*(u64 *)&slab->states[first])))
			taken = mal_slab_take_word(slab, first, entries, taken,
						   want, &slab->seed);
		if (taken < want && ++word == words)
			word = 0;
	}
	slab->cursor = word;
	slab->free -= taken;
	return taken;
}

static struct mal_slab *mal_slab_first(struct list_head *slabs)
{
	return list_first_entry_or_null(slabs, struct mal_slab, link);
}

/* One with objects FREE; the empty ones last, so that they can go. */
static struct mal_slab *mal_slab_node_first(struct mal_slab_node *node)
{
	struct mal_slab_side *seen = &node->sides[node->side];
	struct mal_slab_side *unseen = &node->sides[!node->side];

	return mal_slab_first(&seen->partial) ?: mal_slab_first(&unseen->partial) ?:
	       mal_slab_first(&seen->empty) ?: mal_slab_first(&unseen->empty);
}

/**
 * mal_slab_node_take() - take objects out of slabs
 * @node: the node
 * @entries: filled in
 * @want: how many objects are wanted
 *
 * Context: any but NMI; the node's lock is held.
 * Return: how many were there, CACHED now.
 */
unsigned int mal_slab_node_take(struct mal_slab_node *node,
				struct mal_sheaf_entry *entries,
				unsigned int want)
{
	struct mal_slab_side *side;
	unsigned int taken = 0;
	struct mal_slab *slab;
	u32 before;

	lockdep_assert_held(&node->lock);
	while (taken < want) {
		slab = mal_slab_node_first(node);
		if (!slab)
			break;
		side = &node->sides[slab->side];
		before = slab->free;
		taken += mal_slab_take(slab, entries + taken, want - taken);
		side->nr_free -= before - slab->free;
		mal_slab_relist(side, slab, before);
	}
	return taken;
}

/**
 * mal_slab_node_put() - put an object back into its slab
 * @node: the node that the slab is on
 * @slab: the slab
 * @index: number of the object, which is the caller's and not FREE
 * @surplus: the slab goes here if it is empty now and there are enough of them
 *
 * Two who free an object in the same instant may both have been believed. The
 * second one is found out here, if nobody has allocated the object in between.
 *
 * Context: any but NMI; the node's lock is held.
 */
void mal_slab_node_put(struct mal_slab_node *node, struct mal_slab *slab,
		       u32 index, struct list_head *surplus)
{
	struct mal_slab_side *side = &node->sides[slab->side];
	u32 before = slab->free;

	lockdep_assert_held(&node->lock);
	if (unlikely(slab->states[index] == MAL_OBJECT_FREE)) {
		mal_report(MAL_REPORT_DOUBLE_FREE, 0,
			   "object %u of cache %s was freed by two at once",
			   index, slab->cache->name);
		return;
	}
	WRITE_ONCE(slab->states[index], MAL_OBJECT_FREE);
	slab->free++;
	side->nr_free++;
	if (before && slab->free < slab->nr)
		return;
	mal_slab_relist(side, slab, before);
	if (slab->free == slab->nr)
		mal_slab_node_shrink(node, slab->cache->max_empty_slabs, surplus);
}

/**
 * mal_slab_node_shrink() - take out empty slabs
 * @node: the node
 * @keep: so many stay
 * @surplus: the others are added here, to be destroyed
 *
 * Context: any but NMI; the node's lock is held.
 */
void mal_slab_node_shrink(struct mal_slab_node *node, unsigned long keep,
			  struct list_head *surplus)
{
	struct mal_slab_side *side;
	struct mal_slab *slab;

	lockdep_assert_held(&node->lock);
	while (node->sides[0].nr_empty + node->sides[1].nr_empty > keep) {
		side = &node->sides[!node->sides[0].nr_empty];
		slab = list_last_entry(&side->empty, struct mal_slab, link);
		list_move(&slab->link, surplus);
		side->nr_empty--;
		mal_slab_side_uncount(side, slab);
	}
}

/*
 * Walks
 */

/* One of the side, and on which list of the other its place is. */
static struct mal_slab *mal_slab_side_first(struct mal_slab_side *side,
					    struct mal_slab_side *other,
					    struct list_head **place)
{
	struct mal_slab *slab;

	*place = &other->partial;
	slab = mal_slab_first(&side->partial);
	if (slab)
		return slab;
	*place = &other->full;
	slab = mal_slab_first(&side->full);
	if (slab)
		return slab;
	*place = &other->empty;
	return mal_slab_first(&side->empty);
}

/* Take a slab over to the side of those seen, to @list there. */
static struct mal_slab *mal_slab_cross(struct mal_slab_node *node,
				       struct list_head **list)
{
	struct mal_slab_side *from = &node->sides[!node->side];
	struct mal_slab_side *to = &node->sides[node->side];
	struct mal_slab *slab = mal_slab_side_first(from, to, list);

	if (!slab)
		return NULL;
	list_move_tail(&slab->link, *list);
	slab->side = node->side;
	mal_slab_side_uncount(from, slab);
	mal_slab_side_count(to, slab);
	if (*list == &to->empty) {
		from->nr_empty--;
		to->nr_empty++;
	}
	return slab;
}

/* Until there is none on the other side, or @look ends it: then false. */
static bool mal_slab_cross_all(struct mal_slab_node *node, mal_slab_look_fn look,
			       void *data)
{
	struct list_head *list;
	struct mal_slab *slab;
	unsigned long flags;
	bool go_on = true;

	do {
		spin_lock_irqsave(&node->lock, flags);
		slab = mal_slab_cross(node, &list);
		if (slab && look)
			go_on = look(node, slab, list, data);
		spin_unlock_irqrestore(&node->lock, flags);
		cond_resched();
	} while (slab && go_on);
	return go_on;
}

/* Whatever there is, is what a walk has yet to see. */
static void mal_slab_node_turn(struct mal_slab_node *node)
{
	unsigned long flags;

	spin_lock_irqsave(&node->lock, flags);
	node->side = !node->side;
	spin_unlock_irqrestore(&node->lock, flags);
}

/**
 * mal_slab_node_walk() - look at all slabs of a node, one at a time
 * @node: the node; there is no other walk of it
 * @look: called for each slab, under the node's lock, which is let go of in
 *	between; it may take the slab out
 * @data: for it
 *
 * Sees each slab once that is there from the beginning to the end, and perhaps
 * some others: the walk turns the node, so that all slabs are on the other side
 * and new ones come to this one; and takes them over, one by one. Slabs change
 * lists when others allocate and free, but never sides. So the other side
 * only gets fewer, whatever others do, and when it is empty all have been seen.
 *
 * Where a walk has ended early there are slabs on both sides, and the next one
 * first takes those over that were left.
 *
 * Context: task; may sleep.
 * Return: true, or false if @look ended it.
 */
bool mal_slab_node_walk(struct mal_slab_node *node, mal_slab_look_fn look,
			void *data)
{
	mal_slab_cross_all(node, NULL, NULL);
	mal_slab_node_turn(node);
	return mal_slab_cross_all(node, look, data);
}
MAL_EXPORT_FOR_KUNIT(mal_slab_node_walk);

/* Is everything that is not in the slab LEAKED? */
static bool mal_slab_is_leaked(const struct mal_slab *slab)
{
	u32 i;

	for (i = 0; i < slab->nr; i++)
		if (slab->states[i] != MAL_OBJECT_FREE &&
		    slab->states[i] != MAL_OBJECT_LEAKED)
			return false;
	return slab->free < slab->nr;
}

static bool mal_slab_take_leaked(struct mal_slab_node *node,
				 struct mal_slab *slab,
				 const struct list_head *list, void *leaked)
{
	if (mal_slab_is_leaked(slab)) {
		list_move(&slab->link, leaked);
		mal_slab_side_uncount(&node->sides[slab->side], slab);
	}
	return true;
}

static void mal_slab_forget(struct mal_slab *slab)
{
	if (mal_sanitizer_on())
		mal_sanitizer_set_valid(mal_slab_block(slab),
					PAGE_SIZE << slab->order);
	mal_slab_unmark(slab, true);
	mal_debug_slab_exit(slab);
	mal_slab_free_description(slab);
}

/**
 * mal_slab_node_forget_leaked() - unmake slabs that only LEAKED objects keep
 * @node: the node of a cache that is to be destroyed
 *
 * Their pages stay out of circulation: somebody has written to them who should
 * not have, and may do so again.
 *
 * Context: task; may sleep. There is no walk of the node.
 */
void mal_slab_node_forget_leaked(struct mal_slab_node *node)
{
	struct mal_slab *slab, *next;
	LIST_HEAD(leaked);

	mal_slab_node_walk(node, mal_slab_take_leaked, &leaked);
	list_for_each_entry_safe(slab, next, &leaked, link)
		mal_slab_forget(slab);
}

/*
 * What was wrong with a free
 */

/*
 * The lock of the tracks may be of whom an NMI has interrupted; and where it is one
 * that sleeps, it is not taken by who may not.
 */
static void mal_tell_who_had_it(struct mal_slab *slab, u32 index)
{
	struct mal_track track;

	if (in_nmi() || (IS_ENABLED(CONFIG_PREEMPT_RT) && !preemptible()))
		return;
	if (mal_debug_track(slab, index, &track))
		mal_track_print(&track);
}

static bool mal_report_free_in_slab(const struct mal_slab *slab,
				    const struct mal_kmem_cache *cache,
				    const void *object, unsigned long caller)
{
	u32 index = mal_slab_index(slab->cache, slab, object);
	long distance = (long)object - (long)slab->base;

	if (index >= slab->nr)
		return mal_report(MAL_REPORT_WRONG_FREE, caller,
				  "%ld bytes into object %ld of cache %s",
				  distance % (long)slab->cache->size,
				  distance / (long)slab->cache->size,
				  slab->cache->name);
	if (!mal_slab_owns(slab, object))
		return mal_report(MAL_REPORT_DOUBLE_FREE, caller,
				  "object %u of cache %s is free already", index,
				  slab->cache->name);
	return mal_report(MAL_REPORT_WRONG_FREE, caller,
			  "object %u of cache %s, into cache %s", index,
			  slab->cache->name, cache ? cache->name : "?");
}

static void mal_report_free_of_page(const struct mal_page *desc,
				    unsigned long caller)
{
	u8 state = desc ? READ_ONCE(desc->state) : MAL_PAGE_FOREIGN;
	char name[MAL_SITE_NAME];

	switch (state) {
	case MAL_PAGE_FOREIGN:
		mal_report(MAL_REPORT_FOREIGN_FREE, caller,
			   "an object that is not ours");
		break;
	case MAL_PAGE_FREE:
	case MAL_PAGE_PCP:
	case MAL_PAGE_QUARANTINED:
	case MAL_PAGE_LARGE_FREED:
		mal_report(MAL_REPORT_DOUBLE_FREE, caller,
			   "an object in a page that is free");
		break;
	case MAL_PAGE_USED:
		mal_report(MAL_REPORT_WRONG_FREE, caller,
			   "an object in pages that %s allocated",
			   mal_site_name(desc->caller, name));
		break;
	default:
		mal_report(MAL_REPORT_WRONG_FREE, caller,
			   "an address inside of a block of pages");
	}
}

/**
 * mal_slab_report_free() - report a free that is not right
 * @cache: the cache that was said to have the object, or NULL
 * @object: the address
 * @caller: code address of who did it
 *
 * Context: any.
 */
void mal_slab_report_free(struct mal_kmem_cache *cache, const void *object,
			  unsigned long caller)
{
	struct mal_page *desc;
	struct mal_slab *slab;

	rcu_read_lock();
	desc = mal_page_of_address(object);
	slab = mal_slab_of(object);
	if (!slab)
		mal_report_free_of_page(desc, caller);
	else if (mal_report_free_in_slab(slab, cache, object, caller))
		mal_tell_who_had_it(slab, (object - slab->base) / (long)slab->cache->size);
	rcu_read_unlock();
}

/*
 * Validation
 */

/**
 * struct mal_slab_tally - what a validation has seen of the slabs of a node
 * @cache: the cache
 * @nid: the node
 * @checked: things looked at
 * @errors: of those, wrong
 */
struct mal_slab_tally {
	struct mal_kmem_cache *cache;
	int nid;
	u64 checked;
	u64 errors;
};

__printf(3, 4)
static void mal_slab_check(struct mal_slab_tally *tally, bool ok,
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
	mal_report(MAL_REPORT_CORRUPTION, 0, "cache %s node %d: %pV",
		   tally->cache->name, tally->nid, &vaf);
	va_end(args);
}

static void mal_slab_tally_pages(struct mal_slab_tally *tally,
				 struct mal_slab *slab)
{
	void *page = mal_slab_block(slab);
	unsigned int i;

	for (i = 0; i < 1U << slab->order; i++, page += PAGE_SIZE)
		mal_slab_check(tally, mal_slab_of(page) == slab,
			       "page %u of a slab is not known as such", i);
}

static u32 mal_slab_tally_states(struct mal_slab_tally *tally,
				 struct mal_slab *slab)
{
	u32 i, free = 0;

	for (i = 0; i < slab->nr; i++) {
		u8 state = READ_ONCE(slab->states[i]);

		free += state == MAL_OBJECT_FREE;
		mal_slab_check(tally, state <= MAL_OBJECT_LEAKED,
			       "object %u is in state %u", i, state);
	}
	for (; !IS_ALIGNED(i, MAL_STATES_WORD); i++)
		mal_slab_check(tally, slab->states[i] == MAL_OBJECT_NONE,
			       "what is no object is in state %u",
			       slab->states[i]);
	return free;
}

static void mal_slab_tally_one(struct mal_slab_tally *tally,
			       struct mal_slab *slab)
{
	u32 free = mal_slab_tally_states(tally, slab);

	mal_slab_check(tally, slab->cache == tally->cache &&
		       slab->nid == tally->nid, "a slab on the wrong list");
	mal_slab_check(tally, free == slab->free,
		       "%u objects are free, but %u counted", free, slab->free);
	mal_slab_tally_pages(tally, slab);
	tally->errors += mal_debug_validate(slab, &tally->checked);
}

/**
 * mal_slab_check_states() - is what is known of a slab consistent?
 * @slab: a slab of a node
 *
 * Context: any but NMI; the node's lock is held.
 * Return: how many things were wrong. Each has been reported.
 */
u64 mal_slab_check_states(struct mal_slab *slab)
{
	struct mal_slab_tally tally = { .cache = slab->cache, .nid = slab->nid };
	u32 free = mal_slab_tally_states(&tally, slab);

	mal_slab_check(&tally, free == slab->free,
		       "%u objects are free, but %u counted", free, slab->free);
	mal_slab_tally_pages(&tally, slab);
	return tally.errors;
}

static bool mal_slab_tally_listed(struct mal_slab_node *node,
				  struct mal_slab *slab,
				  const struct list_head *list, void *data)
{
	const struct mal_slab_side *side = &node->sides[slab->side];
	struct mal_slab_tally *tally = data;

	mal_slab_check(tally, list == (!slab->free ? &side->full :
				       slab->free < slab->nr ? &side->partial :
				       &side->empty),
		       "a slab with %u of %u objects free on the list of others",
		       slab->free, slab->nr);
	mal_slab_tally_one(tally, slab);
	return !fatal_signal_pending(current);
}

/*
 * Where there are no slabs, none are counted. A walk takes each slab away from the
 * figures of one side, as it is: what is wrong in them is left over there.
 */
static void mal_slab_tally_rest(struct mal_slab_tally *tally,
				struct mal_slab_node *node)
{
	const struct mal_slab_side *rest;
	unsigned long flags;

	spin_lock_irqsave(&node->lock, flags);
	rest = &node->sides[!node->side];
	mal_slab_check(tally, !rest->nr_slabs, "%ld slabs too many counted",
		       (long)rest->nr_slabs);
	mal_slab_check(tally, !rest->nr_empty, "%ld empty slabs too many counted",
		       (long)rest->nr_empty);
	mal_slab_check(tally, !rest->nr_pages, "%ld pages too many counted",
		       (long)rest->nr_pages);
	mal_slab_check(tally, !rest->nr_objects, "%ld objects too many counted",
		       (long)rest->nr_objects);
	mal_slab_check(tally, !rest->nr_free, "%ld free objects too many counted",
		       (long)rest->nr_free);
	spin_unlock_irqrestore(&node->lock, flags);
}

/* No more than the parameter slab_guards allows. */
static void mal_slab_tally_guards(struct mal_slab_tally *tally,
				  struct mal_slab_node *node)
{
	struct mal_slab *slab;
	unsigned long flags;

	spin_lock_irqsave(&node->lock, flags);
	list_for_each_entry(slab, &node->guards, link) {
		mal_slab_tally_pages(tally, slab);
		tally->errors += mal_debug_validate(slab, &tally->checked);
	}
	spin_unlock_irqrestore(&node->lock, flags);
}

/**
 * mal_slab_node_validate() - check every invariant of the slabs of a node
 * @cache: the cache
 * @nid: the node; there is no walk of it
 * @checked: the number of things checked is added here
 *
 * While others allocate and free: as mal_slab_node_walk() does. Ended by a fatal
 * signal.
 *
 * Context: task; may sleep.
 * Return: how many of them were wrong. Each has been reported.
 */
u64 mal_slab_node_validate(struct mal_kmem_cache *cache, int nid, u64 *checked)
{
	struct mal_slab_tally tally = { .cache = cache, .nid = nid };
	struct mal_slab_node *node = cache->nodes[nid];

	/* What an earlier walk has left; it would not be seen on this side. */
	mal_slab_cross_all(node, NULL, NULL);
	mal_slab_tally_rest(&tally, node);
	if (mal_slab_node_walk(node, mal_slab_tally_listed, &tally))
		mal_slab_tally_rest(&tally, node);
	mal_slab_tally_guards(&tally, node);
	*checked += tally.checked;
	return tally.errors;
}
