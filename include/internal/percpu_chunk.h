/* SPDX-License-Identifier: GPL-2.0 */
/*
 * percpu_chunk.h: the memory that per-CPU areas are cut from
 */
#ifndef _MAL_PERCPU_CHUNK_H
#define _MAL_PERCPU_CHUNK_H

#include <linux/bitmap.h>
#include <linux/compiler.h>
#include <linux/hash.h>
#include <linux/llist.h>
#include <linux/mm.h>
#include <linux/rbtree.h>
#include <linux/rcupdate.h>
#include <linux/types.h>

#include <memalloc/percpu.h>

/* Areas begin and end at multiples of this. */
#define MAL_PERCPU_GRAIN	4
#define MAL_PERCPU_GRAINS	(MAL_PERCPU_MAX_SIZE / MAL_PERCPU_GRAIN)

/*
 * Chunks are aligned to this, and the table has a slot for each piece of this
 * size.
 */
#define MAL_PERCPU_PIECE_SHIFT	12
#define MAL_PERCPU_PIECE	(1UL << MAL_PERCPU_PIECE_SHIFT)

/* The host's largest area is a chunk, which may be smaller than a page. */
#define MAL_PERCPU_MIN_CHUNK	min_t(size_t, PAGE_SIZE, MAL_PERCPU_MAX_SIZE)

/* Number of free grains reserved for callers that must not sleep. */
#define MAL_PERCPU_LOW		(SZ_8K / MAL_PERCPU_GRAIN)

/*
 * Size classes that CPUs cache: class 0 is one grain, any other class is 8
 * bytes times its number.
 */
#define MAL_PERCPU_CLASSES	(MAL_PERCPU_MAX_CACHED / 8 + 1)

/*
 * State of a grain. The first grain of an area of a size class has the number
 * of the class plus one. MAL_PERCPU_CACHED is added while the area is on a
 * stack.
 */
#define MAL_PERCPU_NONE		0	/* no area begins here */
#define MAL_PERCPU_LARGE	0x7e	/* area without a class */
#define MAL_PERCPU_DEFERRED	0x7f	/* area queued by an NMI handler */
#define MAL_PERCPU_CACHED	0x80

/**
 * struct mal_percpu_chunk - memory on each CPU, borrowed from the host
 * @base: its address, on a page boundary
 * @grains: size in grains
 * @free: number of free grains
 * @contig: length of the longest free run, in grains
 * @room: sort key: @contig, or more if the chunk is empty; updated on
 *	sorting
 * @first: no grain before this one is free
 * @charged: counts for the cap
 * @is_deferred: is, or is about to be, on the list of chunks with DEFERRED
 *	areas
 * @by_room: in the tree of all chunks, sorted by @room
 * @by_base: in the tree of all chunks, sorted by @base
 * @deferred: on the list of chunks with DEFERRED areas
 * @rcu: for freeing the description
 * @taken: grains that areas cover
 * @bound: grains where areas begin and end; undefined if the grain and the
 *	one before it are free
 * @states: state of each grain
 *
 * The lock of the chunks protects everything except @states.
 */
struct mal_percpu_chunk {
	void __percpu *base;
	unsigned int grains;
	unsigned int free;
	unsigned int contig;
	unsigned int room;
	unsigned int first;
	bool charged;
	u8 is_deferred;
	struct rb_node by_room;
	struct rb_node by_base;
	struct llist_node deferred;
	struct rcu_head rcu;
	DECLARE_BITMAP(taken, MAL_PERCPU_GRAINS);
	DECLARE_BITMAP(bound, MAL_PERCPU_GRAINS + 1);
	u8 states[];
};

/**
 * struct mal_percpu_table - maps pieces of memory to chunks
 * @rcu: for freeing the table after a larger one has replaced it
 * @shift: BITS_PER_LONG minus the logarithm of the number of slots
 * @used: slots that are not NULL; at most half of all slots
 * @slots: chunks, hashed by the number of the piece, with linear probing;
 *	&mal_percpu_gone in the slots of returned chunks
 *
 * Changed with the mutex of the chunks held, read under RCU.
 */
struct mal_percpu_table {
	struct rcu_head rcu;
	unsigned int shift;
	unsigned int used;
	struct mal_percpu_chunk __rcu *slots[];
};

/**
 * struct mal_percpu_entry - a free area on a stack
 * @area: the area
 * @state: state of its first grain, to avoid a lookup; dereference it only
 *	while the chunk is known to exist
 */
struct mal_percpu_entry {
	void __percpu *area;
	u8 *state;
};

/**
 * struct mal_percpu_want - requirements for areas to be cut
 * @grains: size of each area
 * @align: alignment of each area, in grains; a power of two
 * @state: state of the first area; the others are CACHED in addition
 * @keep: grains to be left free as the reserve
 */
struct mal_percpu_want {
	unsigned int grains;
	unsigned int align;
	u8 state;
	unsigned int keep;
};

/**
 * struct mal_percpu_chunk_stats - statistics of all chunks
 * @chunks: number of chunks
 * @unit_bytes: size of all chunks, on one CPU
 * @bytes: size of all chunks, on all CPUs
 * @metadata_bytes: size of descriptions, the table and the host's own
 *	metadata
 * @taken: bytes that areas cover, on one CPU
 * @largest_free: longest free run, in bytes
 * @borrowed_total: chunks ever borrowed
 * @returned_total: chunks ever returned
 * @refused: chunks that the cap or the host did not grant
 * @searched: chunks that all allocations have searched
 */
struct mal_percpu_chunk_stats {
	u64 chunks;
	u64 unit_bytes;
	u64 bytes;
	u64 metadata_bytes;
	u64 taken;
	u64 largest_free;
	u64 borrowed_total;
	u64 returned_total;
	u64 refused;
	u64 searched;
};

extern struct mal_percpu_table __rcu *mal_percpu_table;
extern u32 mal_percpu_epoch;

/**
 * mal_percpu_class_bytes() - size of a size class
 * @class: number of the class
 *
 * Context: any.
 * Return: bytes.
 */
static inline unsigned int mal_percpu_class_bytes(unsigned int class)
{
	return class ? class * 8 : MAL_PERCPU_GRAIN;
}

static __always_inline unsigned long
mal_percpu_hash(const struct mal_percpu_table *table, unsigned long address)
{
	return (address >> MAL_PERCPU_PIECE_SHIFT) * GOLDEN_RATIO_PRIME >> table->shift;
}

static __always_inline unsigned long
mal_percpu_next_slot(const struct mal_percpu_table *table, unsigned long slot)
{
	return (slot + 1) & (~0UL >> table->shift);
}

/*
 * The grain that contains @area; at least chunk->grains if @area is outside of
 * @chunk.
 */
static __always_inline unsigned long
mal_percpu_grain(const struct mal_percpu_chunk *chunk, const void __percpu *area)
{
	return ((__force unsigned long)area - (__force unsigned long)chunk->base) /
	       MAL_PERCPU_GRAIN;
}

/**
 * mal_percpu_chunk_find() - look up the chunk that contains an address
 * @area: any value
 *
 * Context: any, with preemption off or under rcu_read_lock().
 * Return: the chunk, or NULL if there is none. Its description stays valid
 * until preemption is enabled or until rcu_read_unlock().
 */
static __always_inline struct mal_percpu_chunk *
mal_percpu_chunk_find(const void __percpu *area)
{
	const struct mal_percpu_table *table;
	struct mal_percpu_chunk *chunk;
	unsigned long slot;

	table = rcu_dereference_check(mal_percpu_table, rcu_read_lock_sched_held());
	slot = mal_percpu_hash(table, (__force unsigned long)area);
	for (;;) {
		chunk = rcu_dereference_check(table->slots[slot],
					      rcu_read_lock_sched_held());
		if (unlikely(!chunk) ||
		    likely(mal_percpu_grain(chunk, area) < chunk->grains))
			return chunk;
		slot = mal_percpu_next_slot(table, slot);
	}
}

unsigned int mal_percpu_take(const struct mal_percpu_want *want,
			     struct mal_percpu_entry *entries, unsigned int nr);
void mal_percpu_put(const struct mal_percpu_entry *entries, unsigned int nr, u8 state);
bool mal_percpu_defer(struct mal_percpu_chunk *chunk, u8 *state, u8 from);
bool mal_percpu_borrow_begin(gfp_t gfp);
void mal_percpu_borrow_end(gfp_t gfp);
bool mal_percpu_chunk_add(size_t size, gfp_t gfp);
unsigned long mal_percpu_chunk_release(void);
unsigned long mal_percpu_chunk_reap(void);
unsigned long mal_percpu_chunk_empty_pages(void);

void mal_percpu_chunk_stats(struct mal_percpu_chunk_stats *stats);
u64 mal_percpu_chunk_validate(u64 *checked);
int mal_percpu_chunk_init(void);
void mal_percpu_chunk_exit(void);

#endif /* _MAL_PERCPU_CHUNK_H */
