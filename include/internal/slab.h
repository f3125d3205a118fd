/* SPDX-License-Identifier: GPL-2.0 */
/*
 * slab.h: slabs, and what is known of each object in them
 */
#ifndef _MAL_SLAB_H
#define _MAL_SLAB_H

#include <linux/bitops.h>
#include <linux/jump_label.h>
#include <linux/list.h>
#include <linux/llist.h>
#include <linux/nodemask.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/types.h>

#include "internal/region.h"

struct mal_cpu_sheaves;
struct mal_sheaf_entry;
struct mal_track;

/**
 * enum mal_object_state - where an object is
 * @MAL_OBJECT_FREE: in its slab
 * @MAL_OBJECT_CACHED: free, in a sheaf, or on its way to one or to the slab
 * @MAL_OBJECT_ALLOCATED: somebody's. With "lean": anywhere but in its slab
 * @MAL_OBJECT_DEFERRED: freed, where it could not be put away at once
 * @MAL_OBJECT_RCU: freed, when a grace period is over
 * @MAL_OBJECT_HELD: free, and held back: see slab_quarantine.c
 * @MAL_OBJECT_GUARDED: somebody's, in pages of its own: see slab_guard.c
 * @MAL_OBJECT_LEAKED: kept for as long as the cache, after a report; its pages
 *	are kept until unload
 * @MAL_OBJECT_NONE: no object; fills the last word of the array
 */
enum mal_object_state {
	MAL_OBJECT_FREE = 0,
	MAL_OBJECT_CACHED,
	MAL_OBJECT_ALLOCATED,
	MAL_OBJECT_DEFERRED,
	MAL_OBJECT_RCU,
	MAL_OBJECT_HELD,
	MAL_OBJECT_GUARDED,
	MAL_OBJECT_LEAKED,
	MAL_OBJECT_NONE = 0xff,
};

/**
 * struct mal_slab - a block of pages that holds objects of one cache
 * @cache: which
 * @base: the first object
 * @cpu: that of @cache: to have it here saves mal_kfree(), which must find all this
 *	before it can go on, one load of them
 * @nr: number of objects
 * @free: those in state FREE; protected by the lock of the node
 * @link: in one of the node's lists; protected by its lock
 * @rcu: on the way out
 * @deferred: in the list of slabs with DEFERRED objects
 * @tracks: what the debug modes know of each object, if there are any
 * @left: bytes from the beginning of the block to @base
 * @flags: the debug modes, of MAL_CACHE_DEBUG and MAL_CACHE_GUARD
 * @cursor: where the last search for free objects ended; under the node's lock
 * @seed: of the order in which they are handed out; under the node's lock
 * @nid: the node that the pages are of
 * @order: order of the block of pages
 * @is_deferred: is or will be in the list of slabs with DEFERRED objects
 * @side: in which of the node's sides; under the node's lock
 * @states: enum mal_object_state of each object
 *
 * Lives outside the block, so that nothing that is written past the end of an
 * object, or to a freed one, can change what the allocator does. It is freed
 * after an RCU grace period.
 */
struct mal_slab {
	struct mal_kmem_cache *cache;
	void *base;
	struct mal_cpu_sheaves __percpu *cpu;
	u32 nr;
	u32 free;
	union {
		struct list_head link;
		struct rcu_head rcu;
	};
	struct llist_node deferred;
	struct mal_track *tracks;
	u32 left;
	u32 flags;
	u32 cursor;
	u32 seed;
	u16 nid;
	u8 order;
	u8 is_deferred;
	u8 side;
	u8 states[] __aligned(8);
};

/**
 * struct mal_slab_side - some slabs of a node: all, or those on one side of a walk
 * @partial: slabs with some objects FREE
 * @full: slabs with none
 * @empty: slabs with all
 * @nr_slabs: slabs, on whatever list
 * @nr_empty: slabs on @empty
 * @nr_pages: pages in the slabs
 * @nr_objects: objects in the slabs
 * @nr_free: those in state FREE
 *
 * See mal_slab_node_walk().
 */
struct mal_slab_side {
	struct list_head partial;
	struct list_head full;
	struct list_head empty;
	unsigned long nr_slabs;
	unsigned long nr_empty;
	unsigned long nr_pages;
	unsigned long nr_objects;
	unsigned long nr_free;
};

/**
 * struct mal_slab_node - the slabs of a cache on one node
 * @lock: protects what is before @depot_lock, mal_slab.free of the slabs, and
 *	which of their objects are FREE
 * @side: where new slabs go
 * @sides: the slabs; all of them are on that side, unless there is a walk
 * @held: objects in state HELD, by mal_track.held, the oldest first
 * @nr_held: how many
 * @guards: slabs of a single object, see slab_guard.c; not among the others
 * @nr_guards: how many
 * @nr_guards_live: those that somebody has
 * @depot_lock: protects what follows; see mal_depot_lock()
 * @full_sheaves: the depot: sheaves with objects in them
 * @nr_full_sheaves: how many
 * @empty_sheaves: the depot: sheaves without
 * @nr_empty_sheaves: how many
 */
struct mal_slab_node {
	spinlock_t lock;
	u8 side;
	struct mal_slab_side sides[2];
	struct list_head held;
	unsigned long nr_held;
	struct list_head guards;
	unsigned long nr_guards;
	unsigned long nr_guards_live;
	spinlock_t depot_lock;
	struct list_head full_sheaves;
	unsigned int nr_full_sheaves;
	struct list_head empty_sheaves;
	unsigned int nr_empty_sheaves;
};

/* mal_kmem_cache.flags */
#define MAL_CACHE_RED_ZONE	BIT(0)	/* redzones are written and checked */
#define MAL_CACHE_POISON	BIT(1)	/* free objects are poisoned and checked */
#define MAL_CACHE_STORE_USER	BIT(2)	/* allocations and frees are tracked */
#define MAL_CACHE_CHECKS	BIT(3)	/* slabs are checked each time they are used */
#define MAL_CACHE_QUARANTINE	BIT(9)	/* free objects are held back */
#define MAL_CACHE_GUARD		BIT(10)	/* some objects are in pages of their own */
#define MAL_CACHE_NO_LEAK_TRACE	BIT(11)	/* kmemleak is not told of objects */
#define MAL_CACHE_DEBUG		(MAL_CACHE_RED_ZONE | MAL_CACHE_POISON | \
				 MAL_CACHE_STORE_USER | MAL_CACHE_CHECKS | \
				 MAL_CACHE_QUARANTINE)
#define MAL_CACHE_RCU		BIT(4)	/* pages are freed after a grace period */
#define MAL_CACHE_NO_INIT	BIT(5)	/* what is in a free object stays */
#define MAL_CACHE_NO_REAP	BIT(6)	/* empty slabs stay under pressure */
#define MAL_CACHE_RECLAIM	BIT(7)	/* objects can be reclaimed by their owner */
#define MAL_CACHE_KMALLOC	BIT(8)	/* a size class */

/**
 * struct mal_kmem_cache - a cache of objects of one size
 * @cpu: the objects at hand, on each CPU
 * @inverse: with @shift: what tells the number of an object, see
 *	mal_slab_index()
 * @shift: trailing zeroes of @size
 * @flags: MAL_CACHE_*
 * @size: from one object to the next
 * @object_size: what the user asked for; the whole class for kmalloc
 * @align: of the objects
 * @left: bytes before the object that are not the user's
 * @sheaf_capacity: objects in a sheaf; zero: there are none, each allocation
 *	and each free goes to the slabs
 * @max_full_sheaves: in the depot of a node
 * @max_empty_slabs: on a node
 * @order: of a slab; smaller ones are made if memory is short
 * @min_order: of the smallest slab that holds an object
 * @gfp: added to the flags of each allocation of pages
 * @ctor: see struct mal_kmem_cache_args
 * @dtor: see struct mal_kmem_cache_args
 * @useroffset: see struct mal_kmem_cache_args
 * @usersize: see struct mal_kmem_cache_args
 * @link: in the list of all caches, or of those on the way out
 * @serial: grows from one cache to the next that is made
 * @rcu: on the way out
 * @samples: allocations whose size has been noted; kmalloc only
 * @sampled: sum of those sizes
 * @name: its name, the cache's own copy
 * @creator: code address of who made it; zero when their module is gone
 * @nodes: one for each possible node, by its number
 */
struct mal_kmem_cache {
	struct mal_cpu_sheaves __percpu *cpu;
	u32 inverse;
	u32 shift;
	u32 flags;
	unsigned int size;
	unsigned int object_size;
	unsigned int align;
	unsigned int left;
	unsigned int sheaf_capacity;
	unsigned int max_full_sheaves;
	unsigned int max_empty_slabs;
	u8 order;
	u8 min_order;
	gfp_t gfp;
	void (*ctor)(void *object);
	void (*dtor)(void *object);
	unsigned int useroffset;
	unsigned int usersize;
	struct list_head link;
	u64 serial;
	struct rcu_head rcu;
	atomic64_t samples;
	atomic64_t sampled;
	const char *name;
	unsigned long creator;
	struct mal_slab_node *nodes[];
};

DECLARE_STATIC_KEY_FALSE(mal_lean_key);

/**
 * mal_lean() - is the detection that is otherwise always on switched off?
 *
 * Set at load; never changes after.
 *
 * Context: any.
 * Return: true if it is.
 */
static inline bool mal_lean(void)
{
	return static_branch_unlikely(&mal_lean_key);
}

/**
 * mal_slab_find() - look for the slab that an address lies in
 * @address: any value
 * @slab: the slab
 *
 * Context: any; for anything but an object that the caller holds, preemption
 * is off or rcu_read_lock() is held.
 * Return: true, or false if there is none.
 */
static __always_inline bool mal_slab_find(const void *address,
					  struct mal_slab **slab)
{
	unsigned long distance = (unsigned long)address -
				 mal_section_table.first_address;
	unsigned long nr = distance >> (PAGE_SHIFT + MAL_MAX_ORDER);
	struct mal_section *section;
	unsigned long owner;

	if (unlikely(nr >= mal_section_table.nr))
		return false;
	section = mal_section_at(nr);
	if (unlikely(!section))
		return false;
	owner = (unsigned long)READ_ONCE(mal_section_page(section,
							  distance >> PAGE_SHIFT)->owner);
	*slab = (struct mal_slab *)(owner - MAL_OWNER_SLAB);
	return likely(owner & MAL_OWNER_SLAB);
}

/**
 * mal_slab_of() - the slab that an address lies in
 * @address: any value
 *
 * Context: as for mal_slab_find().
 * Return: the slab, or NULL if there is none.
 */
static inline struct mal_slab *mal_slab_of(const void *address)
{
	struct mal_slab *slab;

	return mal_slab_find(address, &slab) ? slab : NULL;
}

/**
 * mal_slab_index() - the number of an object in its slab
 * @cache: the slab's cache
 * @slab: a slab
 * @object: an address in the slab
 *
 * With size = odd * 2^shift, and inverse * odd = 1 modulo 2^32: a distance
 * d = index * size times the inverse is index * 2^shift; rotated right by shift
 * it is the index. If d is no multiple of the size, what comes out is larger
 * than any index of a multiple. So one comparison with the number of objects
 * tells the addresses of objects from those inside an object, in the waste at
 * the end, and in the redzone before the first object.
 *
 * Context: any.
 * Return: the number of the object at this very address, or mal_slab.nr or
 * more if there is none.
 */
static __always_inline u32 mal_slab_index(const struct mal_kmem_cache *cache,
					  const struct mal_slab *slab,
					  const void *object)
{
	u32 distance = (unsigned long)object - (unsigned long)slab->base;

	return ror32(distance * cache->inverse, cache->shift);
}

/**
 * mal_slab_object() - an object by its number
 * @slab: a slab
 * @index: less than mal_slab.nr
 *
 * Context: any.
 * Return: its address.
 */
static inline void *mal_slab_object(const struct mal_slab *slab, u32 index)
{
	return slab->base + (size_t)index * slab->cache->size;
}

/**
 * mal_slab_block() - where the pages of a slab begin
 * @slab: the slab
 *
 * Context: any.
 * Return: their address.
 */
static inline void *mal_slab_block(const struct mal_slab *slab)
{
	return slab->base - slab->left;
}

/**
 * mal_slab_is_guard() - is this the slab of a single object, see slab_guard.c?
 * @slab: the slab
 *
 * Context: any.
 * Return: true if so.
 */
static inline bool mal_slab_is_guard(const struct mal_slab *slab)
{
	return slab->flags & MAL_CACHE_GUARD;
}

/**
 * mal_slab_owns() - is this an object that somebody has?
 * @slab: the slab that it lies in
 * @object: an address
 *
 * Context: any.
 * Return: true if so.
 */
static inline bool mal_slab_owns(const struct mal_slab *slab, const void *object)
{
	u32 index = mal_slab_index(slab->cache, slab, object);

	return index < slab->nr &&
	       (slab->states[index] == MAL_OBJECT_ALLOCATED ||
		slab->states[index] == MAL_OBJECT_GUARDED);
}

size_t mal_slab_share(const struct mal_kmem_cache *cache);
void mal_slab_mark(struct mal_slab *slab);
void mal_slab_unmark(struct mal_slab *slab, bool leaked);
struct mal_slab *mal_slab_create(struct mal_kmem_cache *cache, gfp_t gfp,
				 int nid);
void mal_slab_destroy(struct mal_slab *slab);
void mal_slab_destroy_list(struct list_head *slabs);
void mal_slab_report_free(struct mal_kmem_cache *cache, const void *object,
			  unsigned long caller);

/**
 * typedef mal_slab_look_fn - what mal_slab_node_walk() does with a slab
 * @node: the node, whose lock is held
 * @slab: the slab
 * @list: that it is on
 * @data: as it was given
 *
 * Return: false to end the walk.
 */
typedef bool (*mal_slab_look_fn)(struct mal_slab_node *node,
				 struct mal_slab *slab,
				 const struct list_head *list, void *data);

void mal_slab_node_init(struct mal_slab_node *node);
void mal_slab_node_add(struct mal_slab_node *node, struct mal_slab *slab);
unsigned int mal_slab_node_take(struct mal_slab_node *node,
				struct mal_sheaf_entry *entries,
				unsigned int want);
void mal_slab_node_put(struct mal_slab_node *node, struct mal_slab *slab,
		       u32 index, struct list_head *surplus);
void mal_slab_node_shrink(struct mal_slab_node *node, unsigned long keep,
			  struct list_head *surplus);
void mal_slab_node_sum(const struct mal_slab_node *node,
		       struct mal_slab_side *sum);
bool mal_slab_node_walk(struct mal_slab_node *node, mal_slab_look_fn look,
			void *data);
void mal_slab_node_forget_leaked(struct mal_slab_node *node);
u64 mal_slab_check_states(struct mal_slab *slab);
u64 mal_slab_node_validate(struct mal_kmem_cache *cache, int nid, u64 *checked);

#endif /* _MAL_SLAB_H */
