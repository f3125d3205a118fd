// SPDX-License-Identifier: GPL-2.0
/*
 * Sheaves: arrays of free objects
 *
 * A sheaf has free objects of one cache, of any nodes. It belongs to one CPU
 * (sheaf_cpu.c), to the barn of a node (barn.c), or to a task that moves it
 * between the two. Only the owner reads or changes its entries.
 *
 * Sheaves are allocated from the host and charged to the cap. At the cap, free
 * pages are returned to the host to make room for a sheaf; there is no other
 * reclaim, and the caller does not wait. A cache without sheaves works, but
 * slowly: each object is taken from and returned to the slabs separately.
 *
 * Tags. Each sheaf has a tag, which is the state of the objects in it: the
 * state tells which sheaf an object is in. An entry is stale if its object has
 * another state: two CPUs have freed the object at the same time; see slab.c. A
 * stale entry is reported and dropped when it is found, and the object is left
 * alone.
 *
 * Locking: mal_slab_node.lock, to return objects to their slabs. The other
 * functions take no lock.
 *
 * Context: any but NMI, unless said otherwise.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/bitmap.h>
#include <linux/kernel.h>
#include <linux/kmemleak.h>
#include <linux/list.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

#include "internal/borrow.h"
#include "internal/inject.h"
#include "internal/region.h"
#include "internal/report.h"
#include "internal/sheaf.h"
#include "internal/slab.h"
#include "internal/slab_idle.h"
#include "internal/tally.h"

/* Maximum number of objects returned to their slabs in one critical section. */
#define MAL_RETURN_BATCH	64U

/*
 * Creation and destruction
 */

/* With "lean", objects in sheaves are ALLOCATED. */
static u8 mal_tag_take(struct mal_kmem_cache *cache)
{
	unsigned long tag;

	if (mal_lean())
		return MAL_OBJECT_ALLOCATED;
	do {
		/* A hint: test_and_set_bit() decides. */
		tag = data_race(find_next_zero_bit(cache->tags, MAL_OBJECT_NONE,
						   MAL_OBJECT_TAG));
		if (tag >= MAL_OBJECT_NONE)
			return MAL_OBJECT_TAG_SHARED;
	} while (test_and_set_bit(tag, cache->tags));
	return tag;
}

/**
 * mal_sheaf_create() - create an empty sheaf
 * @cache: the cache
 * @gfp: __GFP_KSWAPD_RECLAIM is observed; nothing else is allowed
 *
 * Context: any but NMI; does not wait.
 * Return: the sheaf, owned by the caller; NULL if there is no memory.
 */
struct mal_sheaf *mal_sheaf_create(struct mal_kmem_cache *cache, gfp_t gfp)
{
	struct mal_sheaf *sheaf;
	const size_t bytes = struct_size(sheaf, entries, cache->sheaf_capacity);

	gfp = (gfp & __GFP_KSWAPD_RECLAIM) | __GFP_NOWARN;
	if (mal_inject_should_fail() || !mal_borrow_charge_bytes(bytes, gfp))
		return NULL;
	sheaf = kmalloc(bytes, gfp);
	if (!sheaf) {
		mal_region_uncharge_bytes(bytes);
		return NULL;
	}
	/* kmemleak must not treat the entries, used or stale, as references. */
	kmemleak_scan_area(sheaf, offsetof(struct mal_sheaf, entries), gfp);
	INIT_LIST_HEAD(&sheaf->link);
	sheaf->cache = cache;
	sheaf->nr = 0;
	sheaf->capacity = cache->sheaf_capacity;
	sheaf->tag = mal_tag_take(cache);
	mal_idle_add(cache, MAL_IDLE_CPU, mal_sheaf_idle_cpu(sheaf));
	return sheaf;
}

/**
 * mal_sheaf_free() - free a sheaf
 * @sheaf: an empty sheaf that the caller owns
 *
 * A concurrent count may look at it until the end of a grace period.
 *
 * Context: any but NMI.
 */
void mal_sheaf_free(struct mal_sheaf *sheaf)
{
	mal_idle_add(sheaf->cache, MAL_IDLE_CPU, -mal_sheaf_idle_cpu(sheaf));
	/*
	 * Pairs with test_and_set_bit() in mal_tag_take(): the next sheaf with
	 * this tag must find no object with a state of this one.
	 */
	if (sheaf->tag >= MAL_OBJECT_TAG)
		clear_bit_unlock(sheaf->tag, sheaf->cache->tags);
	mal_region_uncharge_bytes(mal_sheaf_bytes(sheaf));
	kfree_rcu(sheaf, rcu);
}

/*
 * Entries
 */

/**
 * mal_sheaf_report_stale() - report a stale entry of a sheaf
 * @cache: the cache
 * @caller: code address of the caller that found it, or zero
 *
 * Context: any.
 */
void mal_sheaf_report_stale(const struct mal_kmem_cache *cache, unsigned long caller)
{
	mal_report(MAL_REPORT_DOUBLE_FREE, 0,
		   "an object of cache %s was freed by two CPUs at once, found by %pS",
		   cache->name, (void *)caller);
}

/**
 * mal_sheaf_claim() - allocate the topmost object of a sheaf
 * @cache: the cache
 * @sheaf: a sheaf that the caller owns
 * @caller: code address of the caller
 *
 * Stale entries are reported and dropped.
 *
 * Context: any but NMI.
 * Return: the object, which is ALLOCATED; NULL if there is none.
 */
void *mal_sheaf_claim(struct mal_kmem_cache *cache, struct mal_sheaf *sheaf,
		      unsigned long caller)
{
	struct mal_sheaf_entry *entry;

	while (sheaf->nr) {
		entry = &sheaf->entries[--sheaf->nr];
		if (mal_lean() || mal_object_claim(entry->state, sheaf->tag))
			return entry->object;
		mal_sheaf_report_stale(cache, caller);
	}
	return NULL;
}

/**
 * mal_entry_move() - change the state of an object
 * @cache: the cache
 * @entry: the object
 * @from: the state that proves the caller's ownership
 * @to: the new state
 *
 * Context: any but NMI.
 * Return: true; false if the entry is stale, which has been reported.
 */
bool mal_entry_move(struct mal_kmem_cache *cache,
		    const struct mal_sheaf_entry *entry, u8 from, u8 to)
{
	if (unlikely(READ_ONCE(*entry->state) != from)) {
		mal_sheaf_report_stale(cache, 0);
		return false;
	}
	WRITE_ONCE(*entry->state, to);
	return true;
}

/**
 * mal_sheaf_add() - add an object to a sheaf
 * @cache: the cache
 * @sheaf: a sheaf that the caller owns and that has room
 * @entry: the object; a stale entry is reported and dropped
 * @from: the state that proves the caller's ownership
 *
 * Context: any but NMI.
 */
void mal_sheaf_add(struct mal_kmem_cache *cache, struct mal_sheaf *sheaf,
		   const struct mal_sheaf_entry *entry, u8 from)
{
	if (mal_entry_move(cache, entry, from, sheaf->tag))
		sheaf->entries[sheaf->nr++] = *entry;
}

/*
 * Return to the slabs
 */

/*
 * Find the slab of an entry. Returns NULL if there is none: with "lean", misuse
 * is detected here. The caller reports such an entry without the lock of the
 * node, because the report takes it.
 */
static struct mal_slab *mal_entry_slab(struct mal_kmem_cache *cache,
				       const struct mal_sheaf_entry *entry,
				       u32 *index)
{
	struct mal_slab *slab = mal_slab_of(entry->object);

	if (unlikely(!slab || slab->cache != cache))
		return NULL;
	*index = mal_slab_index(cache, slab, entry->object);
	if (unlikely(*index >= slab->nr))
		return NULL;
	return slab;
}

/*
 * Return a run of objects of one node to their slabs under its lock, or skip
 * one entry that is no object of the cache. Returns the number of entries
 * consumed.
 */
static unsigned int mal_sheaf_return_run(struct mal_kmem_cache *cache,
					 const struct mal_sheaf_entry *entries,
					 unsigned int nr, u8 from,
					 struct list_head *surplus)
{
	struct mal_slab *slab;
	struct mal_slab_node *node;
	unsigned long flags;
	unsigned int done;
	u32 index;
	int nid;

	slab = mal_entry_slab(cache, entries, &index);
	if (unlikely(!slab)) {
		mal_slab_report_free(cache, entries->object, 0);
		return 1;
	}
	nid = slab->nid;
	node = cache->nodes[nid];
	spin_lock_irqsave(&node->lock, flags);
	mal_slab_node_put(node, slab, index, from, surplus);
	for (done = 1; done < nr; done++) {
		slab = mal_entry_slab(cache, &entries[done], &index);
		if (unlikely(!slab || slab->nid != nid))
			break;
		mal_slab_node_put(node, slab, index, from, surplus);
	}
	spin_unlock_irqrestore(&node->lock, flags);
	return done;
}

/**
 * mal_sheaf_return() - return objects to their slabs
 * @cache: the cache
 * @entries: the objects, of any nodes, owned by the caller
 * @nr: number of objects
 * @from: their state; an entry is stale if its object has another state
 *
 * Context: any but NMI.
 */
void mal_sheaf_return(struct mal_kmem_cache *cache,
		      const struct mal_sheaf_entry *entries, unsigned int nr, u8 from)
{
	LIST_HEAD(surplus);
	unsigned int done;

	rcu_read_lock();
	for (done = 0; done < nr; )
		done += mal_sheaf_return_run(cache, &entries[done],
					     min(nr - done, MAL_RETURN_BATCH), from,
					     &surplus);
	rcu_read_unlock();
	mal_slab_destroy_list(&surplus);
}

/**
 * mal_sheaf_discard() - return the objects to their slabs, and free the sheaf
 * @sheaf: a sheaf that the caller owns
 *
 * Context: any but NMI.
 * Return: size of the sheaf in bytes.
 */
size_t mal_sheaf_discard(struct mal_sheaf *sheaf)
{
	size_t bytes = mal_sheaf_bytes(sheaf);

	mal_sheaf_empty(sheaf);
	mal_sheaf_free(sheaf);
	return bytes;
}

/*
 * Validation
 */

static void mal_sheaf_tally_entry(struct mal_sheaf_tally *st,
				  const struct mal_sheaf_entry *entry, u8 state)
{
	struct mal_slab *slab = mal_slab_of(entry->object);
	u32 index;

	mal_sheaf_check(st, slab && slab->cache == st->cache,
			"an entry of a sheaf is not an object of the cache");
	if (!slab || slab->cache != st->cache)
		return;
	index = mal_slab_index(st->cache, slab, entry->object);
	mal_sheaf_check(st, index < slab->nr,
			"an entry of a sheaf is not the start of an object");
	if (index >= slab->nr)
		return;
	mal_sheaf_check(st, READ_ONCE(slab->states[index]) == state,
			"an object in a sheaf is in the wrong state");
	mal_sheaf_check(st, mal_lean() || entry->state == &slab->states[index],
			"an entry of a sheaf has the wrong state pointer");
}

/**
 * mal_sheaf_tally_entries() - check the entries of a sheaf
 * @st: the validation
 * @bottom: the first entry
 * @top: end of the used entries
 * @tag: tag of the sheaf
 *
 * Context: any but NMI; the caller owns the sheaf.
 */
void mal_sheaf_tally_entries(struct mal_sheaf_tally *st,
			     const struct mal_sheaf_entry *bottom,
			     const struct mal_sheaf_entry *top, u8 tag)
{
	mal_sheaf_check(st, top >= bottom &&
			top - bottom <= st->cache->sheaf_capacity,
			"a sheaf has more entries than its capacity");
	for (; bottom < top; bottom++)
		mal_sheaf_tally_entry(st, bottom, tag);
}

/**
 * mal_sheaf_tally_sheaf() - check a sheaf that is not a CPU's main sheaf
 * @st: the validation
 * @sheaf: the sheaf, or NULL
 *
 * Context: any but NMI; the caller owns the sheaf.
 */
void mal_sheaf_tally_sheaf(struct mal_sheaf_tally *st,
			   const struct mal_sheaf *sheaf)
{
	if (sheaf)
		mal_sheaf_tally_entries(st, sheaf->entries,
					sheaf->entries + sheaf->nr, sheaf->tag);
}
