/* SPDX-License-Identifier: GPL-2.0 */
/*
 * sheaf.h: arrays of free objects
 */
#ifndef _MAL_SHEAF_H
#define _MAL_SHEAF_H

#include <linux/compiler.h>
#include <linux/list.h>
#include <linux/overflow.h>
#include <linux/rcupdate.h>
#include <linux/types.h>

#include "internal/slab.h"

struct mal_tally;

/**
 * struct mal_sheaf_entry - a free object
 * @object: its address
 * @state: address of its state, so that allocation needs no lookup; not valid
 *	with "lean"
 */
struct mal_sheaf_entry {
	void *object;
	u8 *state;
};

/**
 * struct mal_sheaf - an array of free objects of one cache
 * @link: in the barn, under the lock of the node, or in the list of sheaves
 *	that CPUs hand over
 * @rcu: used to free the sheaf, which a concurrent count may still look at
 * @cache: the cache
 * @nr: number of entries in use; not maintained while it is a CPU's main sheaf
 * @capacity: maximum number of entries
 * @tag: the state of the objects in it; with "lean", ALLOCATED
 * @entries: the entries, from the bottom
 *
 * A sheaf belongs to one CPU, to the barn of one node, or to a task that moves
 * it between the two.
 */
struct mal_sheaf {
	union {
		struct list_head link;
		struct rcu_head rcu;
	};
	struct mal_kmem_cache *cache;
	unsigned int nr;
	u16 capacity;
	u8 tag;
	struct mal_sheaf_entry entries[];
};

/**
 * struct mal_sheaf_tally - validation of the sheaves of a cache
 * @cache: the cache
 * @tally: the result
 * @busy: the sheaves of the CPU were in use
 */
struct mal_sheaf_tally {
	struct mal_kmem_cache *cache;
	struct mal_tally *tally;
	bool busy;
};

#define mal_sheaf_check(st, ok, what)					\
	mal_tally_check((st)->tally, ok, "cache %s: " what, (st)->cache->name)

/**
 * mal_sheaf_bytes() - size of a sheaf
 * @sheaf: the sheaf
 *
 * Context: any.
 * Return: bytes.
 */
static inline size_t mal_sheaf_bytes(const struct mal_sheaf *sheaf)
{
	return struct_size(sheaf, entries, sheaf->capacity);
}

/**
 * mal_sheaf_idle_cpu() - estimate the idle memory of a CPU's sheaf
 * @sheaf: the sheaf
 *
 * The fast path does not count, so the sheaf is counted as half full.
 *
 * Context: any.
 * Return: size of the sheaf and its objects in bytes.
 */
static inline long mal_sheaf_idle_cpu(const struct mal_sheaf *sheaf)
{
	return mal_sheaf_bytes(sheaf) +
	       (unsigned long)sheaf->capacity * sheaf->cache->size / 2;
}

/**
 * mal_sheaf_idle_shared() - get the idle memory of a sheaf in a barn
 * @sheaf: the sheaf
 *
 * Context: any; the caller owns the sheaf.
 * Return: size of the sheaf and its objects in bytes.
 */
static inline long mal_sheaf_idle_shared(const struct mal_sheaf *sheaf)
{
	return mal_sheaf_bytes(sheaf) + (unsigned long)sheaf->nr * sheaf->cache->size;
}

/**
 * mal_object_claim() - take an object from a sheaf
 * @state: the object's state
 * @tag: tag of the sheaf
 *
 * Context: any; the caller owns the sheaf.
 * Return: true; false if the entry is stale: the object was freed twice, and is
 * in another sheaf, in its slab, or allocated.
 */
static __always_inline bool mal_object_claim(u8 *state, u8 tag)
{
	if (unlikely(READ_ONCE(*state) != tag))
		return false;
	WRITE_ONCE(*state, MAL_OBJECT_ALLOCATED);
	return true;
}

struct mal_sheaf *mal_sheaf_create(struct mal_kmem_cache *cache, gfp_t gfp);
void mal_sheaf_free(struct mal_sheaf *sheaf);
size_t mal_sheaf_discard(struct mal_sheaf *sheaf);

void mal_sheaf_return(struct mal_kmem_cache *cache,
		      const struct mal_sheaf_entry *entries, unsigned int nr, u8 from);

/**
 * mal_sheaf_empty() - return the objects of a sheaf to their slabs
 * @sheaf: a sheaf that the caller owns
 *
 * Context: any but NMI.
 */
static inline void mal_sheaf_empty(struct mal_sheaf *sheaf)
{
	mal_sheaf_return(sheaf->cache, sheaf->entries, sheaf->nr, sheaf->tag);
	sheaf->nr = 0;
}

void mal_sheaf_report_stale(const struct mal_kmem_cache *cache, unsigned long caller);
void *mal_sheaf_claim(struct mal_kmem_cache *cache, struct mal_sheaf *sheaf,
		      unsigned long caller);
bool mal_entry_move(struct mal_kmem_cache *cache,
		    const struct mal_sheaf_entry *entry, u8 from, u8 to);
void mal_sheaf_add(struct mal_kmem_cache *cache, struct mal_sheaf *sheaf,
		   const struct mal_sheaf_entry *entry, u8 from);

void mal_sheaf_tally_entries(struct mal_sheaf_tally *st,
			     const struct mal_sheaf_entry *bottom,
			     const struct mal_sheaf_entry *top, u8 tag);
void mal_sheaf_tally_sheaf(struct mal_sheaf_tally *st,
			   const struct mal_sheaf *sheaf);

#endif /* _MAL_SHEAF_H */
