// SPDX-License-Identifier: GPL-2.0
/*
 * Slabs: blocks of pages cut into objects of one size
 *
 * A slab (Bonwick 1994) is a block of pages from the page allocator. Its
 * description, struct mal_slab, is outside the block and has one state byte for
 * each object.
 *
 *	  block of 2^order pages                  struct mal_slab
 *	+--------+--------+-----+--------+---+   +---------------------+
 *	| object | object | ... | object |   |   | cache, base, nr ... |
 *	|   0    |   1    |     | nr - 1 |   |   | states[0 .. nr - 1] |
 *	+--------+--------+-----+--------+---+   +---------------------+
 *	                                waste              ^
 *	  struct mal_page of each page: SLAB, owner -------'
 *
 * The state bytes are also the free list: the allocator scans them for FREE,
 * eight at a time. No list runs through the objects or beside them, so no write
 * by a past or present owner, however late or far out of bounds, can make the
 * allocator return a wrong address. The scan starts at a random position, and
 * the objects found are handed out in random order.
 *
 * The states:
 *
 *	      mal_slab_node_take()       mal_kmem_cache_alloc()
 *	FREE ---------------------> tag of ----------------> ALLOCATED
 *	     <--------------------- a sheaf <----------------
 *	       mal_slab_node_put()        mal_kmem_cache_free()
 *
 * The state changes to and from FREE under the lock of the node. An object in
 * any other state belongs to a sheaf or has an owner, and its byte is written
 * without a lock. An object in a sheaf has the sheaf's tag, and only the owner
 * of the sheaf may change it. With "lean", an object outside its slab is always
 * ALLOCATED.
 *
 * Double frees. A free checks for ALLOCATED, so a second free is detected at
 * once while the object is free. If two CPUs free an object at the same time,
 * both see ALLOCATED, and the object is in two sheaves. The byte has the tag
 * that was written last, and the other entry is stale. A stale entry is
 * detected, reported and dropped when it is allocated or flushed, even if both
 * entries are allocated at the same time. The object always has one owner.
 *
 * Three cases are not detected. First, a second free after the object was
 * allocated again: it cannot be told from the new owner's free. The same is
 * true of a free that an interrupt delays between its check of the byte and its
 * write. Second, two entries in two sheaves with the same tag that are
 * allocated at the same time: a cache has 239 tags, and all further sheaves
 * share one. Third, with "lean", an object that was freed twice may get two
 * owners.
 *
 * A delayed free may also overwrite FREE. The slab then has fewer FREE objects
 * than its counter says. The bytes are authoritative: they are checked before a
 * slab is destroyed, and when a scan finds too few FREE objects.
 *
 * Lookup. An address leads to its page descriptor, to the slab, and to the
 * index of the object, without a lock or a search. For any address, the lookup
 * reads valid memory only; see mal_slab_of() and mal_slab_index(). Slabs are
 * freed after a grace period, so a lookup that races with the destruction finds
 * a slab without ALLOCATED objects.
 *
 * Order of a slab. It is the smallest order with room for several objects that
 * wastes an eighth at most. If the buddy allocator has no such block, it is the
 * smallest order with room for one object.
 *
 * Cost. Descriptions are allocated from the host. They are charged to the cap
 * like the slab's pages, from before the allocation until the pages are freed.
 * A description outlives its slab by about a second; see mal_slab_retire().
 *
 * Lists. A slab is on one of three lists of its node: partial, full (no object
 * FREE) or empty (all FREE). The cache limits the number of empty slabs.
 * Surplus slabs are destroyed after the lock has been dropped.
 *
 * Walks. A walk over the slabs of a node drops the lock after each slab;
 * otherwise the owner of the largest cache could keep interrupts off for
 * seconds. Each node therefore has two generations with separate lists and
 * counters: the slabs that the walk has visited, and those that it has not; see
 * mal_slab_node_walk(). Allocations use both generations, so a walk causes no
 * new slabs.
 *
 * Locking: mal_slab_node.lock, with interrupts off. No other lock is taken
 * under it.
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

#include "internal/borrow.h"
#include "internal/buddy.h"
#include "internal/delay.h"
#include "internal/inject.h"
#include "internal/kunit.h"
#include "internal/page_alloc.h"
#include "internal/peek.h"
#include "internal/region.h"
#include "internal/report.h"
#include "internal/sheaf.h"
#include "internal/site.h"
#include "internal/slab.h"
#include "internal/slab_debug.h"
#include "internal/slab_idle.h"
#include "internal/slab_kmemleak.h"
#include "internal/slab_quarantine.h"
#include "internal/slab_sanitizer.h"
#include "internal/tally.h"

/* The module parameter lean: no detection by default. Set at load. */
DEFINE_STATIC_KEY_FALSE(mal_lean_key);
MAL_EXPORT_FOR_KUNIT(mal_lean_key);

/* States are scanned one word at a time. */
#define MAL_STATES_WORD		sizeof(u64)

/* The flags of an object allocation that are passed to the host's allocator. */
#define MAL_GFP_FOR_METADATA	(GFP_RECLAIM_MASK)
#define GFP_RECLAIM_MASK	(__GFP_RECLAIM | __GFP_HIGH | __GFP_IO | \
				 __GFP_FS | __GFP_NOWARN | \
				 __GFP_RETRY_MAYFAIL | __GFP_NOFAIL | \
				 __GFP_NORETRY | __GFP_MEMALLOC | \
				 __GFP_NOMEMALLOC)

/* Flags that do not apply to the pages of a slab. */
#define MAL_GFP_NOT_FOR_SLAB	(__GFP_ZERO | __GFP_COMP | __GFP_HIGHMEM | \
				 __GFP_MOVABLE | __GFP_ACCOUNT)

/*
 * Creation and destruction
 */

static u32 mal_slab_capacity(const struct mal_kmem_cache *cache,
			     unsigned int order)
{
	return (PAGE_SIZE << order) / cache->size;
}

/* Bytes of host memory for the description of a slab. */
static size_t mal_slab_described_by(u32 nr)
{
	struct mal_slab *slab;

	return kmalloc_size_roundup(struct_size(slab, states,
						round_up(nr, MAL_STATES_WORD)));
}

/**
 * mal_slab_share() - memory used per object
 * @cache: its cache
 *
 * The object's part of the slab, including waste and description, and its
 * track. If memory is short and a slab is smaller than usual, it may be more.
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
	    !mal_borrow_charge_bytes(mal_slab_described_by(nr), gfp))
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

/* slab_reclaim.c sets the work function, because it knows all caches. */
struct delayed_work mal_slab_purge_work;

/*
 * If two CPUs freed an object at the same time, a stale entry in a sheaf points
 * to the object's state. Keep the description, with no state that an entry may
 * claim, until all sheaves of the cache have been flushed.
 */
static void mal_slab_retire(struct mal_slab *slab)
{
	struct mal_slab_node *node = slab->cache->nodes[slab->nid];
	unsigned long flags;

	memset(slab->states, MAL_OBJECT_NONE, slab->nr);
	spin_lock_irqsave(&node->lock, flags);
	list_add(&slab->link, &node->retired);
	spin_unlock_irqrestore(&node->lock, flags);
	schedule_delayed_work(&mal_slab_purge_work, HZ);
}

/**
 * mal_slab_take_retired() - take the descriptions of destroyed slabs
 * @node: the node
 * @retired: the descriptions are added here, by mal_slab.link
 *
 * Context: any but NMI.
 */
void mal_slab_take_retired(struct mal_slab_node *node,
			   struct list_head *retired)
{
	unsigned long flags;

	spin_lock_irqsave(&node->lock, flags);
	list_splice_init(&node->retired, retired);
	spin_unlock_irqrestore(&node->lock, flags);
}

/* A concurrent lookup may still use the description. */
static void mal_slab_free_description(struct mal_slab *slab)
{
	mal_region_uncharge_bytes(mal_slab_described_by(slab->nr));
	if (mal_lean() || !slab->cache->sheaf_capacity)
		kfree_rcu(slab, rcu);
	else
		mal_slab_retire(slab);
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
		page = mal_alloc_heap_pages(nid, easy, *order, _RET_IP_);
		if (page)
			return page;
		*order = cache->min_order;
	}
	return mal_alloc_heap_pages(nid, gfp, *order, _RET_IP_);
}

/**
 * mal_slab_mark() - mark the pages of a slab as such
 * @slab: the slab
 *
 * From now on, mal_slab_find() finds the slab.
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
 * mal_slab_unmark() - undo mal_slab_mark()
 * @slab: the slab
 * @leaked: keep the pages out of use until unload
 *
 * Context: any but NMI.
 */
void mal_slab_unmark(struct mal_slab *slab, bool leaked)
{
	struct mal_page *desc = mal_page_of(virt_to_page(mal_slab_block(slab)));

	mal_zone_mark(mal_page_section(desc)->zone, desc, slab->order,
		      leaked ? MAL_PAGE_LEAKED : MAL_PAGE_USED, NULL);
}

/* Poison all memory that does not belong to an allocated object. */
static void mal_slab_sanitizer_init(struct mal_slab *slab)
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

static void mal_slab_tell_each(struct mal_slab *slab, mal_told_ctor_t *call,
			       slab_flags_t flags)
{
	struct kmem_cache *cache = (struct kmem_cache *)slab->cache;
	u32 i;

	for (i = 0; call && i < slab->nr; i++)
		call(mal_slab_object(slab, i), cache, (__force unsigned long)flags);
}

/* A constructor may sleep if the allocation of the pages may. */
static void mal_slab_construct(struct mal_slab *slab, gfp_t gfp)
{
	slab_flags_t flags = MAL_SLAB_CTOR_CONSTRUCTOR;

	if (!gfpflags_allow_blocking(gfp))
		flags |= MAL_SLAB_CTOR_ATOMIC;
	mal_slab_for_each(slab, slab->cache->ctor);
	mal_slab_tell_each(slab, slab->cache->told_ctor, flags);
}

/* A slab is destroyed in any context. */
static void mal_slab_destruct(struct mal_slab *slab)
{
	mal_slab_for_each(slab, slab->cache->dtor);
	mal_slab_tell_each(slab, slab->cache->told_dtor, MAL_SLAB_CTOR_ATOMIC);
}

/**
 * mal_slab_create() - create a slab
 * @cache: the cache
 * @gfp: as for mal_kmem_cache_alloc()
 * @nid: preferred node; with __GFP_THISNODE, the only node
 *
 * All objects are FREE and constructed. The slab is not on a list.
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
	/* Mark the slab first: a constructor may look up its object. */
	mal_slab_mark(slab);
	mal_slab_construct(slab, gfp);
	if (!mal_debug_slab_init(slab, gfp & MAL_GFP_FOR_METADATA))
		goto err_slab;
	mal_slab_sanitizer_init(slab);
	return slab;

err_slab:
	mal_slab_destruct(slab);
	mal_slab_unmark(slab, false);
	mal_slab_free_description(slab);
err_pages:
	mal_free_heap_pages(page, order, _RET_IP_);
	return NULL;
}

static void mal_slab_free_pages(struct mal_slab *slab)
{
	void *block = mal_slab_block(slab);
	bool intact;

	if (mal_sanitizer_on())
		mal_sanitizer_set_valid(block, PAGE_SIZE << slab->order);
	intact = mal_debug_slab_intact(slab);
	mal_slab_destruct(slab);
	mal_slab_unmark(slab, !intact);
	if (intact)
		mal_free_heap_pages(virt_to_page(block), slab->order, _RET_IP_);
	mal_debug_slab_exit(slab);
	mal_slab_free_description(slab);
}

static void mal_slab_free_pages_rcu(struct rcu_head *rcu)
{
	mal_slab_free_pages(container_of(rcu, struct mal_slab, rcu));
}

/**
 * mal_slab_destroy() - destroy a slab
 * @slab: the slab, on no list, all objects FREE
 *
 * Context: any but NMI.
 */
void mal_slab_destroy(struct mal_slab *slab)
{
	mal_delay(MAL_DELAY_SLAB_DESTROYED);
	if (slab->cache->flags & MAL_CACHE_RCU)
		call_rcu(&slab->rcu, mal_slab_free_pages_rcu);
	else
		mal_slab_free_pages(slab);
}

/**
 * mal_slab_destroy_list() - destroy slabs
 * @slabs: the slabs, linked by mal_slab.link; empty on return
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
 * Slabs of a node
 */

/**
 * mal_slab_node_init() - initialize a node without slabs
 * @node: the node
 *
 * Context: any.
 */
void mal_slab_node_init(struct mal_slab_node *node)
{
	unsigned int i;

	spin_lock_init(&node->lock);
	spin_lock_init(&node->barn_lock);
	for (i = 0; i < ARRAY_SIZE(node->gens); i++) {
		INIT_LIST_HEAD(&node->gens[i].partial);
		INIT_LIST_HEAD(&node->gens[i].full);
		INIT_LIST_HEAD(&node->gens[i].empty);
	}
	INIT_LIST_HEAD(&node->quarantine);
	INIT_LIST_HEAD(&node->guards);
	INIT_LIST_HEAD(&node->retired);
	INIT_LIST_HEAD(&node->nonempty_sheaves);
	INIT_LIST_HEAD(&node->empty_sheaves);
}

/**
 * mal_slab_node_sum() - add up the counters of both generations
 * @node: the node
 * @sum: the totals, without the lists; exact if the node's lock is held
 *
 * Context: any.
 */
void mal_slab_node_sum(const struct mal_slab_node *node, struct mal_slab_gen *sum)
{
	const struct mal_slab_gen *a = &node->gens[0], *b = &node->gens[1];

	sum->nr_slabs = mal_peek(a->nr_slabs) + mal_peek(b->nr_slabs);
	sum->nr_empty = mal_peek(a->nr_empty) + mal_peek(b->nr_empty);
	sum->nr_pages = mal_peek(a->nr_pages) + mal_peek(b->nr_pages);
	sum->nr_objects = mal_peek(a->nr_objects) + mal_peek(b->nr_objects);
	sum->nr_free = mal_peek(a->nr_free) + mal_peek(b->nr_free);
}
MAL_EXPORT_FOR_KUNIT(mal_slab_node_sum);

/*
 * Account a slab that is added to a generation. The caller puts it on a list.
 */
static void mal_slab_gen_count(struct mal_slab_gen *gen,
			       const struct mal_slab *slab)
{
	gen->nr_slabs++;
	gen->nr_pages += 1UL << slab->order;
	gen->nr_objects += slab->nr;
	gen->nr_free += slab->free;
}

/* Account a slab that is removed from a generation. */
static void mal_slab_gen_uncount(struct mal_slab_gen *gen,
				 const struct mal_slab *slab)
{
	gen->nr_slabs--;
	gen->nr_pages -= 1UL << slab->order;
	gen->nr_objects -= slab->nr;
	gen->nr_free -= slab->free;
}

static void mal_slab_gen_add_empty(struct mal_slab_gen *gen,
				   const struct mal_slab *slab)
{
	gen->nr_empty++;
	mal_idle_add(slab->cache, MAL_IDLE_SHARED, PAGE_SIZE << slab->order);
}

static void mal_slab_gen_del_empty(struct mal_slab_gen *gen,
				   const struct mal_slab *slab)
{
	gen->nr_empty--;
	mal_idle_add(slab->cache, MAL_IDLE_SHARED, -(long)(PAGE_SIZE << slab->order));
}

/**
 * mal_slab_node_add() - add a new slab
 * @node: the node of the slab's pages
 * @slab: the slab, all objects FREE
 *
 * Context: any but NMI; the node's lock is held.
 */
void mal_slab_node_add(struct mal_slab_node *node, struct mal_slab *slab)
{
	struct mal_slab_gen *gen = &node->gens[node->gen];

	lockdep_assert_held(&node->lock);
	slab->gen = node->gen;
	list_add(&slab->link, &gen->empty);
	mal_slab_gen_add_empty(gen, slab);
	mal_slab_gen_count(gen, slab);
}

/* Move a slab to the right list after @free has changed. */
static void mal_slab_relist(struct mal_slab_gen *gen, struct mal_slab *slab,
			    u32 free_before)
{
	if (!free_before && slab->free && slab->free < slab->nr) {
		list_move_tail(&slab->link, &gen->partial);
	} else if (!slab->free) {
		list_move(&slab->link, &gen->full);
	} else if (slab->free == slab->nr) {
		list_move(&slab->link, &gen->empty);
		mal_slab_gen_add_empty(gen, slab);
	} else if (free_before == slab->nr) {
		list_move(&slab->link, &gen->partial);
	}
	if (free_before == slab->nr)
		mal_slab_gen_del_empty(gen, slab);
}

/* True if any byte of the word is FREE, that is, zero. */
static bool mal_states_any_free(u64 word)
{
	const u64 ones = 0x0101010101010101ULL;

	return (word - ones) & ~word & (ones << 7);
}

/* Swap the new entry with a random one of the first @nr, maybe itself. */
static void mal_entries_shuffle(struct mal_sheaf_entry *entries, unsigned int nr,
				u32 *seed)
{
	unsigned int other;

	/*
	 * A weak generator suffices: only the order of objects depends on it.
	 */
	*seed = *seed * 1664525 + 1013904223;
	other = ((u64)*seed * nr) >> 32;
	swap(entries[nr - 1], entries[other]);
}

/* Take the FREE objects of one word of states. Returns the new total. */
static unsigned int mal_slab_take_word(struct mal_slab *slab, u32 first,
				       struct mal_sheaf_entry *entries,
				       unsigned int taken, unsigned int want,
				       u8 state)
{
	u32 i;

	for (i = first; i < first + MAL_STATES_WORD && taken < want; i++) {
		/* The owner of an object never sets or clears FREE. */
		if (data_race(slab->states[i]) != MAL_OBJECT_FREE)
			continue;
		WRITE_ONCE(slab->states[i], state);
		entries[taken].object = mal_slab_object(slab, i);
		entries[taken].state = &slab->states[i];
		taken++;
		mal_entries_shuffle(entries, taken, &slab->seed);
	}
	return taken;
}

static void mal_slab_report_count(const struct mal_slab *slab)
{
	mal_report(MAL_REPORT_DOUBLE_FREE, 0,
		   "a slab of cache %s has fewer objects free than counted: one was freed by two CPUs at once",
		   slab->cache->name);
}

/*
 * A slab is counted as empty but is not: a free that raced with the return of
 * the object to its slab has overwritten FREE.
 */
static void mal_slab_recount_empty(struct mal_slab_gen *gen, struct mal_slab *slab)
{
	u32 i, free = 0;

	mal_slab_report_count(slab);
	for (i = 0; i < slab->nr; i++)
		free += READ_ONCE(slab->states[i]) == MAL_OBJECT_FREE;
	gen->nr_free -= slab->free - free;
	slab->free = free;
	mal_slab_relist(gen, slab, slab->nr);
}

static unsigned int mal_slab_take(struct mal_slab *slab,
				  struct mal_sheaf_entry *entries,
				  unsigned int want, u8 state)
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
						   want, state);
		if (taken < want && ++word == words)
			word = 0;
	}
	slab->cursor = word;
	slab->free -= taken;
	if (unlikely(taken < want)) {
		mal_slab_report_count(slab);
		slab->free = 0;
	}
	return taken;
}

static struct mal_slab *mal_slab_first(struct list_head *slabs)
{
	return list_first_entry_or_null(slabs, struct mal_slab, link);
}

/*
 * A slab with FREE objects. Empty slabs come last, so that they can be freed.
 */
static struct mal_slab *mal_slab_node_first(struct mal_slab_node *node)
{
	struct mal_slab_gen *seen = &node->gens[node->gen];
	struct mal_slab_gen *unseen = &node->gens[!node->gen];

	return mal_slab_first(&seen->partial) ?: mal_slab_first(&unseen->partial) ?:
	       mal_slab_first(&seen->empty) ?: mal_slab_first(&unseen->empty);
}

/**
 * mal_slab_node_take() - take objects from slabs
 * @node: the node
 * @entries: the objects taken
 * @want: number of objects
 * @state: their new state
 *
 * Context: any but NMI; the node's lock is held.
 * Return: number of objects taken.
 */
unsigned int mal_slab_node_take(struct mal_slab_node *node,
				struct mal_sheaf_entry *entries,
				unsigned int want, u8 state)
{
	struct mal_slab_gen *gen;
	unsigned int taken = 0;
	struct mal_slab *slab;
	u32 before;

	lockdep_assert_held(&node->lock);
	while (taken < want) {
		slab = mal_slab_node_first(node);
		if (!slab)
			break;
		gen = &node->gens[slab->gen];
		before = slab->free;
		taken += mal_slab_take(slab, entries + taken, want - taken, state);
		gen->nr_free -= before - slab->free;
		mal_slab_relist(gen, slab, before);
	}
	return taken;
}

/* A purge flushes barns and sheaves, which is no reason to free slabs. */
static bool mal_slab_may_go(const struct mal_kmem_cache *cache)
{
	return !(cache->flags & MAL_CACHE_NO_REAP && READ_ONCE(cache->purging));
}

/**
 * mal_slab_node_put() - return an object to its slab
 * @node: the node of the slab
 * @slab: the slab
 * @index: index of the object
 * @from: the state that proves the caller's ownership
 * @surplus: the slab is added here if it is now empty and not needed
 *
 * If two CPUs free an object at the same time, both frees may be accepted. One
 * of the two entries is stale, because the state differs. It is reported, and
 * the object stays with its owner.
 *
 * Context: any but NMI; the node's lock is held.
 */
void mal_slab_node_put(struct mal_slab_node *node, struct mal_slab *slab,
		       u32 index, u8 from, struct list_head *surplus)
{
	struct mal_slab_gen *gen = &node->gens[slab->gen];
	u32 before;

	lockdep_assert_held(&node->lock);
	if (unlikely(READ_ONCE(slab->states[index]) != from)) {
		mal_report(MAL_REPORT_DOUBLE_FREE, 0,
			   "object %u of cache %s was freed by two CPUs at once",
			   index, slab->cache->name);
		return;
	}
	if (unlikely(slab->free == slab->nr))
		mal_slab_recount_empty(gen, slab);
	before = slab->free;
	WRITE_ONCE(slab->states[index], MAL_OBJECT_FREE);
	slab->free++;
	gen->nr_free++;
	if (before && slab->free < slab->nr)
		return;
	mal_slab_relist(gen, slab, before);
	if (slab->free == slab->nr && mal_slab_may_go(slab->cache))
		mal_slab_node_shrink(node, slab->cache->max_empty_slabs, surplus);
}

/**
 * mal_slab_node_shrink() - take out empty slabs
 * @node: the node
 * @keep: number of empty slabs to keep
 * @surplus: the others are added here; the caller destroys them
 *
 * Context: any but NMI; the node's lock is held.
 */
void mal_slab_node_shrink(struct mal_slab_node *node, unsigned long keep,
			  struct list_head *surplus)
{
	struct mal_slab_gen *gen;
	struct mal_slab *slab;

	lockdep_assert_held(&node->lock);
	while (node->gens[0].nr_empty + node->gens[1].nr_empty > keep) {
		gen = &node->gens[!node->gens[0].nr_empty];
		slab = list_last_entry(&gen->empty, struct mal_slab, link);
		if (unlikely(memchr_inv(slab->states, MAL_OBJECT_FREE, slab->nr))) {
			mal_slab_recount_empty(gen, slab);
			continue;
		}
		list_move(&slab->link, surplus);
		mal_slab_gen_del_empty(gen, slab);
		mal_slab_gen_uncount(gen, slab);
	}
}

/*
 * Walks
 */

/* A slab of @gen, and the list of @other that it belongs on. */
static struct mal_slab *mal_slab_gen_first(struct mal_slab_gen *gen,
					   struct mal_slab_gen *other,
					   struct list_head **place)
{
	struct mal_slab *slab;

	*place = &other->partial;
	slab = mal_slab_first(&gen->partial);
	if (slab)
		return slab;
	*place = &other->full;
	slab = mal_slab_first(&gen->full);
	if (slab)
		return slab;
	*place = &other->empty;
	return mal_slab_first(&gen->empty);
}

/* Move a slab to @list in the generation of visited slabs. */
static struct mal_slab *mal_slab_move(struct mal_slab_node *node,
				      struct list_head **list)
{
	struct mal_slab_gen *from = &node->gens[!node->gen];
	struct mal_slab_gen *to = &node->gens[node->gen];
	struct mal_slab *slab = mal_slab_gen_first(from, to, list);

	if (!slab)
		return NULL;
	list_move_tail(&slab->link, *list);
	slab->gen = node->gen;
	mal_slab_gen_uncount(from, slab);
	mal_slab_gen_count(to, slab);
	if (*list == &to->empty) {
		from->nr_empty--;
		to->nr_empty++;
	}
	return slab;
}

/*
 * Move all slabs to the current generation. Returns false if @visit ends the
 * walk.
 */
static bool mal_slab_move_all(struct mal_slab_node *node,
			      mal_slab_visit_fn visit, void *data)
{
	struct list_head *list;
	struct mal_slab *slab;
	unsigned long flags;
	bool go_on = true;

	do {
		spin_lock_irqsave(&node->lock, flags);
		slab = mal_slab_move(node, &list);
		if (slab && visit)
			go_on = visit(node, slab, list, data);
		spin_unlock_irqrestore(&node->lock, flags);
		cond_resched();
	} while (slab && go_on);
	return go_on;
}

/* Mark all slabs as not yet visited. */
static void mal_slab_node_flip(struct mal_slab_node *node)
{
	unsigned long flags;

	spin_lock_irqsave(&node->lock, flags);
	node->gen = !node->gen;
	spin_unlock_irqrestore(&node->lock, flags);
}

/**
 * mal_slab_node_walk() - visit all slabs of a node, one at a time
 * @node: the node; no other walk of it is in progress
 * @visit: called for each slab under the node's lock, which is dropped after
 *	each call; it may remove the slab from its list
 * @data: argument of @visit
 *
 * A walk visits each slab exactly once that exists from its beginning to its
 * end, and possibly others. It flips the generation of the node: all slabs are
 * then in the other generation, and new slabs are added to the current one. The
 * walk moves them to the current generation one by one. Allocations and frees
 * move a slab between lists, never between generations. The other generation
 * only shrinks, and when it is empty, all slabs have been visited.
 *
 * If a walk ends early, slabs remain in both generations; the next walk first
 * moves the rest to the current generation.
 *
 * Context: task; may sleep.
 * Return: true, or false if @visit ended it.
 */
bool mal_slab_node_walk(struct mal_slab_node *node, mal_slab_visit_fn visit,
			void *data)
{
	mal_slab_move_all(node, NULL, NULL);
	mal_slab_node_flip(node);
	return mal_slab_move_all(node, visit, data);
}
MAL_EXPORT_FOR_KUNIT(mal_slab_node_walk);

/* True if all objects that are not FREE are LEAKED, and there are some. */
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
		mal_slab_gen_uncount(&node->gens[slab->gen], slab);
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
 * mal_slab_node_forget_leaked() - drop slabs pinned only by LEAKED objects
 * @node: the node of a cache that is being destroyed
 *
 * Their pages are not reused: they have been written to after a free, and may
 * be again.
 *
 * Context: task; may sleep. No walk of the node is in progress.
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
 * Diagnosis of bad frees
 */

/*
 * An NMI may have interrupted the holder of the track lock. With PREEMPT_RT,
 * that lock sleeps and must not be taken in atomic context.
 */
static void mal_slab_print_track(struct mal_slab *slab, u32 index)
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
			  "object %u of cache %s, freed to cache %s", index,
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
			   "not an object of this allocator");
		break;
	case MAL_PAGE_FREE:
	case MAL_PAGE_PCP:
	case MAL_PAGE_PINNED:
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
			   "an address inside a block of pages");
	}
}

/**
 * mal_slab_report_free() - report a bad free
 * @cache: the cache passed by the caller, or NULL
 * @object: the address
 * @caller: code address of the caller
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
		mal_slab_print_track(slab, (object - slab->base) /
					   (long)slab->cache->size);
	rcu_read_unlock();
}

/*
 * Validation
 */

/**
 * struct mal_slab_tally - validation of a node's slabs
 * @cache: the cache
 * @nid: the node
 * @tally: the result
 */
struct mal_slab_tally {
	struct mal_kmem_cache *cache;
	int nid;
	struct mal_tally *tally;
};

#define mal_slab_check(st, ok, fmt, ...)				\
	mal_tally_check((st)->tally, ok, "cache %s node %d: " fmt,	\
			(st)->cache->name, (st)->nid, ##__VA_ARGS__)

static void mal_slab_tally_pages(struct mal_slab_tally *st,
				 struct mal_slab *slab)
{
	void *page = mal_slab_block(slab);
	unsigned int i;

	for (i = 0; i < 1U << slab->order; i++, page += PAGE_SIZE)
		mal_slab_check(st, mal_slab_of(page) == slab,
			       "page %u of a slab is not marked as a slab", i);
}

static u32 mal_slab_tally_states(struct mal_slab_tally *st,
				 struct mal_slab *slab)
{
	u32 i, free = 0;

	for (i = 0; i < slab->nr; i++) {
		u8 state = READ_ONCE(slab->states[i]);

		free += state == MAL_OBJECT_FREE;
		mal_slab_check(st, state <= MAL_OBJECT_LEAKED ||
			       (state >= MAL_OBJECT_TAG_SHARED && state < MAL_OBJECT_NONE),
			       "object %u is in state %u", i, state);
	}
	for (; !IS_ALIGNED(i, MAL_STATES_WORD); i++)
		mal_slab_check(st, slab->states[i] == MAL_OBJECT_NONE,
			       "padding is in state %u",
			       slab->states[i]);
	return free;
}

static void mal_slab_tally_one(struct mal_slab_tally *st,
			       struct mal_slab *slab)
{
	u32 free = mal_slab_tally_states(st, slab);

	mal_slab_check(st, slab->cache == st->cache &&
		       slab->nid == st->nid, "a slab is on the wrong list");
	mal_slab_check(st, free == slab->free,
		       "%u objects are free, but %u counted", free, slab->free);
	mal_slab_tally_pages(st, slab);
	mal_debug_validate(slab, st->tally);
}

/**
 * mal_slab_check_states() - check the consistency of a slab
 * @slab: a slab of a node
 *
 * Context: any but NMI; the node's lock is held.
 * Return: number of failed checks, each of which has been reported.
 */
u64 mal_slab_check_states(struct mal_slab *slab)
{
	struct mal_tally tally = { };
	struct mal_slab_tally st = {
		.cache = slab->cache,
		.nid = slab->nid,
		.tally = &tally,
	};
	u32 free = mal_slab_tally_states(&st, slab);

	mal_slab_check(&st, free == slab->free,
		       "%u objects are free, but %u counted", free, slab->free);
	mal_slab_tally_pages(&st, slab);
	return tally.errors;
}

static bool mal_slab_tally_listed(struct mal_slab_node *node,
				  struct mal_slab *slab,
				  const struct list_head *list, void *data)
{
	const struct mal_slab_gen *gen = &node->gens[slab->gen];
	struct mal_slab_tally *st = data;

	mal_slab_check(st, list == (!slab->free ? &gen->full :
				    slab->free < slab->nr ? &gen->partial :
				    &gen->empty),
		       "a slab with %u of %u objects free is on the wrong list",
		       slab->free, slab->nr);
	mal_slab_tally_one(st, slab);
	return !fatal_signal_pending(current);
}

/*
 * All counters of a generation without slabs are zero. A walk subtracts each
 * slab from the counters of the other generation; any error in them remains
 * there.
 */
static void mal_slab_tally_rest(struct mal_slab_tally *st,
				struct mal_slab_node *node)
{
	const struct mal_slab_gen *rest;
	unsigned long flags;

	spin_lock_irqsave(&node->lock, flags);
	rest = &node->gens[!node->gen];
	mal_slab_check(st, !rest->nr_slabs, "%ld slabs too many counted",
		       (long)rest->nr_slabs);
	mal_slab_check(st, !rest->nr_empty, "%ld empty slabs too many counted",
		       (long)rest->nr_empty);
	mal_slab_check(st, !rest->nr_pages, "%ld pages too many counted",
		       (long)rest->nr_pages);
	mal_slab_check(st, !rest->nr_objects, "%ld objects too many counted",
		       (long)rest->nr_objects);
	mal_slab_check(st, !rest->nr_free, "%ld free objects too many counted",
		       (long)rest->nr_free);
	spin_unlock_irqrestore(&node->lock, flags);
}

/*
 * Check the first guard, and move it to the end. Returns false if there is
 * none.
 */
static bool mal_slab_tally_guard(struct mal_slab_tally *st,
				 struct mal_slab_node *node)
{
	struct mal_slab *slab;
	unsigned long flags;

	spin_lock_irqsave(&node->lock, flags);
	slab = list_first_entry_or_null(&node->guards, struct mal_slab, link);
	if (slab) {
		mal_slab_tally_pages(st, slab);
		mal_debug_validate(slab, st->tally);
		list_move_tail(&slab->link, &node->guards);
	}
	spin_unlock_irqrestore(&node->lock, flags);
	return slab;
}

/*
 * Check as many guards as there are at entry. A concurrent scan, which moves
 * guards, too, may hide some.
 */
static void mal_slab_tally_guards(struct mal_slab_tally *st,
				  struct mal_slab_node *node)
{
	unsigned long left = mal_peek(node->nr_guards);

	while (left-- && mal_slab_tally_guard(st, node) &&
	       !fatal_signal_pending(current))
		cond_resched();
}

/**
 * mal_slab_node_validate() - check every invariant of the slabs of a node
 * @cache: the cache
 * @nid: the node; no walk of it is in progress
 * @tally: the result is added here
 *
 * Allocations and frees go on meanwhile; see mal_slab_node_walk(). A fatal
 * signal ends it.
 *
 * Context: task; may sleep.
 */
void mal_slab_node_validate(struct mal_kmem_cache *cache, int nid,
			    struct mal_tally *tally)
{
	struct mal_slab_tally st = { .cache = cache, .nid = nid, .tally = tally };
	struct mal_slab_node *node = cache->nodes[nid];

	/*
	 * Move the rest of an earlier walk first; this walk would not visit it.
	 */
	mal_slab_move_all(node, NULL, NULL);
	mal_slab_tally_rest(&st, node);
	if (mal_slab_node_walk(node, mal_slab_tally_listed, &st))
		mal_slab_tally_rest(&st, node);
	mal_slab_tally_guards(&st, node);
}
