/* SPDX-License-Identifier: GPL-2.0 */
/*
 * slab.h: slabs, and the states of their objects
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
#include <linux/workqueue.h>

#include <memalloc/slab_cache.h>

#include "internal/region.h"

struct mal_cpu_sheaves;
struct mal_sheaf_entry;
struct mal_tally;
struct mal_track;

/**
 * enum mal_object_state - state of an object
 * @MAL_OBJECT_FREE: in its slab
 * @MAL_OBJECT_CACHED: free, in transit between slab and owner
 * @MAL_OBJECT_ALLOCATED: it has an owner. With "lean": anywhere outside its
 *	slab
 * @MAL_OBJECT_DEFERRED: freed in a context that cannot return it to its slab
 * @MAL_OBJECT_RCU: to be freed after a grace period
 * @MAL_OBJECT_QUARANTINED: free, but not reused yet; see slab_quarantine.c
 * @MAL_OBJECT_GUARDED: it has an owner, in pages of its own; see slab_guard.c
 * @MAL_OBJECT_LEAKED: out of use until the cache is destroyed, after a report;
 *	its pages are out of use until unload
 * @MAL_OBJECT_TAG_SHARED: free, in a sheaf without a tag of its own
 * @MAL_OBJECT_TAG: lowest tag; free, in the sheaf that has this tag
 * @MAL_OBJECT_NONE: no object; pads the last word of the array
 */
enum mal_object_state {
	MAL_OBJECT_FREE = 0,
	MAL_OBJECT_CACHED,
	MAL_OBJECT_ALLOCATED,
	MAL_OBJECT_DEFERRED,
	MAL_OBJECT_RCU,
	MAL_OBJECT_QUARANTINED,
	MAL_OBJECT_GUARDED,
	MAL_OBJECT_LEAKED,
	MAL_OBJECT_TAG_SHARED = 0x0f,
	MAL_OBJECT_TAG = 0x10,
	MAL_OBJECT_NONE = 0xff,
};

/**
 * struct mal_slab - a block of pages with objects of one cache
 * @cache: the cache
 * @base: the first object
 * @cpu: copy of mal_kmem_cache.cpu, which saves mal_kfree() a dependent load
 * @nr: number of objects
 * @free: number of objects in state FREE; protected by the lock of the node
 * @link: in one of the node's lists, protected by its lock; after the pages are
 *	freed, in mal_slab_node.retired
 * @rcu: used to free the structure
 * @deferred: in the list of slabs with DEFERRED objects
 * @tracks: data of the debug modes for each object, or NULL
 * @left: bytes between the start of the block and @base
 * @flags: the debug modes, from MAL_CACHE_DEBUG and MAL_CACHE_GUARD
 * @cursor: position where the last scan for free objects ended; protected by
 *	the node's lock
 * @seed: seed of the order of allocation; protected by the node's lock
 * @nid: node of the pages
 * @order: order of the block of pages
 * @is_deferred: the slab is or will be in the list of slabs with DEFERRED
 *	objects
 * @gen: index of the node's generation; protected by the node's lock
 * @states: enum mal_object_state of each object
 *
 * The structure is outside the block, so no write past the end of an object, or
 * to a freed one, can affect the allocator. It is freed after an RCU grace
 * period.
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
	u8 gen;
	u8 states[] __aligned(8);
};

/**
 * struct mal_slab_gen - slabs of a node: one generation, or the total
 * @partial: slabs with some objects FREE
 * @full: slabs with no object FREE
 * @empty: slabs with all objects FREE
 * @nr_slabs: slabs on all three lists
 * @nr_empty: slabs on @empty
 * @nr_pages: pages in the slabs
 * @nr_objects: objects in the slabs
 * @nr_free: objects in state FREE
 *
 * See mal_slab_node_walk().
 */
struct mal_slab_gen {
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
 * @lock: protects the fields before @barn_lock, mal_slab.free of the slabs, and
 *	the set of their objects that are FREE
 * @gen: the generation of new slabs
 * @gens: the slabs; all of them are in @gen unless a walk is in progress or has
 *	ended early
 * @quarantine: objects in state QUARANTINED, linked by mal_track.link, the
 *	oldest first
 * @nr_quarantined: number of objects in @quarantine
 * @guards: slabs of a single object; not in @gens; see slab_guard.c
 * @nr_guards: number of slabs in @guards
 * @nr_guards_live: number of those with an allocated object
 * @retired: descriptions of destroyed slabs; see mal_slab_retire()
 * @barn_lock: protects the following fields; interrupts are off
 * @nonempty_sheaves: the barn's sheaves with objects
 * @nr_nonempty_sheaves: number of sheaves in @nonempty_sheaves
 * @empty_sheaves: the barn's sheaves without objects
 * @nr_empty_sheaves: number of sheaves in @empty_sheaves
 */
struct mal_slab_node {
	spinlock_t lock;
	u8 gen;
	struct mal_slab_gen gens[2];
	struct list_head quarantine;
	unsigned long nr_quarantined;
	struct list_head guards;
	unsigned long nr_guards;
	unsigned long nr_guards_live;
	struct list_head retired;
	spinlock_t barn_lock;
	struct list_head nonempty_sheaves;
	unsigned int nr_nonempty_sheaves;
	struct list_head empty_sheaves;
	unsigned int nr_empty_sheaves;
};

/* mal_kmem_cache.flags */
#define MAL_CACHE_RED_ZONE	BIT(0)	/* redzones are written and checked */
#define MAL_CACHE_POISON	BIT(1)	/* free objects are poisoned and checked */
#define MAL_CACHE_STORE_USER	BIT(2)	/* allocations and frees are tracked */
#define MAL_CACHE_CHECKS	BIT(3)	/* slabs are checked at each use */
#define MAL_CACHE_QUARANTINE	BIT(9)	/* freed objects are quarantined */
#define MAL_CACHE_GUARD		BIT(10)	/* some objects are in pages of their own */
#define MAL_CACHE_NO_LEAK_TRACE	BIT(11)	/* objects are hidden from kmemleak */
#define MAL_CACHE_CTOR		BIT(12)	/* objects are constructed: never zeroed */
#define MAL_CACHE_DEBUG		(MAL_CACHE_RED_ZONE | MAL_CACHE_POISON | \
				 MAL_CACHE_STORE_USER | MAL_CACHE_CHECKS | \
				 MAL_CACHE_QUARANTINE)
#define MAL_CACHE_RCU		BIT(4)	/* pages are freed after a grace period */
#define MAL_CACHE_NO_INIT	BIT(5)	/* a free object keeps its contents */
#define MAL_CACHE_NO_REAP	BIT(6)	/* empty slabs stay under pressure */
#define MAL_CACHE_RECLAIM	BIT(7)	/* objects can be reclaimed by their owner */
#define MAL_CACHE_KMALLOC	BIT(8)	/* a size class */

/**
 * struct mal_kmem_cache - a cache of objects of one size
 * @magic: MAL_KMEM_CACHE_MAGIC; the first member, see mal_is_kmem_cache()
 * @cpu: the sheaves of each CPU
 * @inverse: computes the index of an object, with @shift; see mal_slab_index()
 * @shift: number of trailing zero bits of @size
 * @flags: MAL_CACHE_*
 * @size: distance between objects in bytes
 * @object_size: size that the creator asked for; the whole class for kmalloc
 * @align: alignment of the objects
 * @left: bytes before the first object that do not belong to the owner
 * @sheaf_capacity: objects in a sheaf; zero if all allocations and frees go to
 *	the slabs
 * @max_nonempty_sheaves: maximum number of sheaves with objects in the barn of
 *	a node
 * @max_empty_slabs: maximum number of empty slabs of a node
 * @order: order of a slab; lower ones are used if memory is short
 * @min_order: order of the smallest slab with room for an object
 * @gfp: flags added to each allocation of pages
 * @ctor: see struct mal_kmem_cache_args
 * @dtor: see struct mal_kmem_cache_args
 * @told_ctor: see struct mal_kmem_cache_args
 * @told_dtor: see struct mal_kmem_cache_args
 * @useroffset: see struct mal_kmem_cache_args
 * @usersize: see struct mal_kmem_cache_args
 * @link: in the list of caches that are being destroyed
 * @id: index in the array of all caches; allocated cyclically in ascending
 *	order
 * @rcu: used to free the structure
 * @samples: number of allocations with a recorded size; kmalloc only
 * @sampled: sum of those sizes
 * @tags: tags in use by sheaves; see mal_tag_take()
 * @purging: no sheaf with objects may enter a barn; see mal_caches_purge()
 * @name: name, a copy owned by the cache
 * @creator: code address of the creator; zero after its module is unloaded
 * @nodes: one entry for each possible node, indexed by node ID
 */
struct mal_kmem_cache {
	u32 magic;
	u32 inverse;
	struct mal_cpu_sheaves __percpu *cpu;
	u32 shift;
	u32 flags;
	unsigned int size;
	unsigned int object_size;
	unsigned int align;
	unsigned int left;
	unsigned int sheaf_capacity;
	unsigned int max_nonempty_sheaves;
	unsigned int max_empty_slabs;
	u8 order;
	u8 min_order;
	gfp_t gfp;
	void (*ctor)(void *object);
	void (*dtor)(void *object);
	mal_told_ctor_t *told_ctor;
	mal_told_ctor_t *told_dtor;
	unsigned int useroffset;
	unsigned int usersize;
	struct list_head link;
	u32 id;
	struct rcu_head rcu;
	atomic64_t samples;
	atomic64_t sampled;
	DECLARE_BITMAP(tags, MAL_OBJECT_NONE);
	bool purging;
	const char *name;
	unsigned long creator;
	struct mal_slab_node *nodes[];
};

DECLARE_STATIC_KEY_FALSE(mal_lean_key);

/**
 * mal_lean() - check if detection is disabled by the parameter "lean"
 *
 * The value is set at load and never changes.
 *
 * Context: any.
 * Return: true if it is disabled.
 */
static inline bool mal_lean(void)
{
	return static_branch_unlikely(&mal_lean_key);
}

/**
 * mal_slab_find() - find the slab of an address
 * @address: any value
 * @slab: the slab
 *
 * Context: any; unless the caller owns the object at the address, preemption is
 * off or rcu_read_lock() is held.
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

	/* As in mal_section_of(). */
	if (unlikely(nr >= data_race(mal_section_table.nr)))
		return false;
	section = mal_section_at(nr);
	if (unlikely(!section))
		return false;
	/* It may change. For the barrier see mal_section_at(). */
	owner = (unsigned long)data_race(mal_section_page(section,
							  distance >> PAGE_SHIFT)->owner);
	OPTIMIZER_HIDE_VAR(owner);
	*slab = (struct mal_slab *)(owner - MAL_OWNER_SLAB);
	return likely(owner & MAL_OWNER_SLAB);
}

/**
 * mal_slab_of() - find the slab of an address
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
 * mal_slab_index() - compute the index of an object in its slab
 * @cache: the slab's cache
 * @slab: a slab
 * @object: an address in the slab
 *
 * Let size = odd * 2^shift, and inverse * odd = 1 modulo 2^32. A distance d =
 * index * size, multiplied by the inverse, is index * 2^shift; a rotation by
 * shift to the right gives the index. If d is no multiple of the size, the
 * result is larger than the index of any multiple. One comparison with the
 * number of objects therefore rejects addresses inside an object, in the waste
 * at the end, and in the redzone before the first object.
 *
 * Context: any.
 * Return: the index of the object that starts at this address; at least
 * mal_slab.nr if there is none.
 */
static __always_inline u32 mal_slab_index(const struct mal_kmem_cache *cache,
					  const struct mal_slab *slab,
					  const void *object)
{
	u32 distance = (unsigned long)object - (unsigned long)slab->base;

	return ror32(distance * cache->inverse, cache->shift);
}

/**
 * mal_slab_object() - get an object by its index
 * @slab: a slab
 * @index: index, less than mal_slab.nr
 *
 * Context: any.
 * Return: the address of the object.
 */
static inline void *mal_slab_object(const struct mal_slab *slab, u32 index)
{
	return slab->base + (size_t)index * slab->cache->size;
}

/**
 * mal_slab_block() - get the block of pages of a slab
 * @slab: the slab
 *
 * Context: any.
 * Return: the address of the block.
 */
static inline void *mal_slab_block(const struct mal_slab *slab)
{
	return slab->base - slab->left;
}

/**
 * mal_slab_is_guard() - check for the slab of a guard; see slab_guard.c
 * @slab: the slab
 *
 * Context: any.
 * Return: true if it is one.
 */
static inline bool mal_slab_is_guard(const struct mal_slab *slab)
{
	return slab->flags & MAL_CACHE_GUARD;
}

/**
 * mal_slab_owns() - check for an allocated object
 * @slab: the slab
 * @object: an address
 *
 * Context: any.
 * Return: true if it is one.
 */
static inline bool mal_slab_owns(const struct mal_slab *slab, const void *object)
{
	u32 index = mal_slab_index(slab->cache, slab, object);

	return index < slab->nr &&
	       (slab->states[index] == MAL_OBJECT_ALLOCATED ||
		slab->states[index] == MAL_OBJECT_GUARDED);
}

extern struct delayed_work mal_slab_purge_work;

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
 * typedef mal_slab_visit_fn - callback of mal_slab_node_walk()
 * @node: the node; its lock is held
 * @slab: the slab
 * @list: the list that the slab is on
 * @data: argument of mal_slab_node_walk()
 *
 * Return: false to end the walk.
 */
typedef bool (*mal_slab_visit_fn)(struct mal_slab_node *node,
				  struct mal_slab *slab,
				  const struct list_head *list, void *data);

void mal_slab_node_init(struct mal_slab_node *node);
void mal_slab_node_add(struct mal_slab_node *node, struct mal_slab *slab);
unsigned int mal_slab_node_take(struct mal_slab_node *node,
				struct mal_sheaf_entry *entries,
				unsigned int want, u8 state);
void mal_slab_node_put(struct mal_slab_node *node, struct mal_slab *slab,
		       u32 index, u8 from, struct list_head *surplus);
void mal_slab_take_retired(struct mal_slab_node *node,
			   struct list_head *retired);
void mal_slab_node_shrink(struct mal_slab_node *node, unsigned long keep,
			  struct list_head *surplus);
void mal_slab_node_sum(const struct mal_slab_node *node,
		       struct mal_slab_gen *sum);
bool mal_slab_node_walk(struct mal_slab_node *node, mal_slab_visit_fn visit,
			void *data);
void mal_slab_node_forget_leaked(struct mal_slab_node *node);
u64 mal_slab_check_states(struct mal_slab *slab);
void mal_slab_node_validate(struct mal_kmem_cache *cache, int nid,
			    struct mal_tally *tally);

#endif /* _MAL_SLAB_H */
