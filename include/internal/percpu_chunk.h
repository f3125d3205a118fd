/* SPDX-License-Identifier: GPL-2.0 */
/*
 * percpu_chunk.h: what per-CPU areas are cut from
 */
#ifndef _MAL_PERCPU_CHUNK_H
#define _MAL_PERCPU_CHUNK_H

#include <linux/bitmap.h>
#include <linux/bsearch.h>
#include <linux/compiler.h>
#include <linux/list.h>
#include <linux/llist.h>
#include <linux/rcupdate.h>
#include <linux/types.h>

#include <memalloc/percpu.h>

/* Areas begin and end at multiples of this. */
#define MAL_PERCPU_GRAIN	4
#define MAL_PERCPU_GRAINS	(MAL_PERCPU_MAX_SIZE / MAL_PERCPU_GRAIN)

/* Free grains: so many are kept for those who must not sleep. */
#define MAL_PERCPU_LOW		(SZ_8K / MAL_PERCPU_GRAIN)

/*
 * Size classes of what is kept at hand: class 0 is of one grain, all others of 8
 * bytes times their number.
 */
#define MAL_PERCPU_CLASSES	(MAL_PERCPU_MAX_HOT / 8 + 1)

/*
 * Where a grain stands. An area of a size class has the number of the class plus one
 * in its first grain, and MAL_PERCPU_CACHED is added while it is at hand.
 */
#define MAL_PERCPU_NONE		0	/* no area begins here */
#define MAL_PERCPU_LARGE	0x7e	/* an area of no class does */
#define MAL_PERCPU_DEFERRED	0x7f	/* one does that is to be put away yet */
#define MAL_PERCPU_CACHED	0x80

/**
 * struct mal_percpu_chunk - memory on each CPU, borrowed from the host
 * @base: of all areas in it; on the boundary of a page
 * @grains: how large it is
 * @free: grains that no area covers
 * @contig: no run of free grains is longer; there may be none so long
 * @first: no grain before this one is free
 * @charged: counts against the cap
 * @is_deferred: is or will be in the list of chunks with DEFERRED areas
 * @link: in the list of chunks with about as long runs
 * @deferred: in the list of chunks with DEFERRED areas
 * @rcu: on the way out
 * @taken: grains that areas cover
 * @bound: where areas begin and end; anything, where the grain is free and the
 *	one before it, too
 * @states: where each grain stands
 *
 * All of it, but @states, is protected by the lock of the chunks.
 */
struct mal_percpu_chunk {
	void __percpu *base;
	unsigned int grains;
	unsigned int free;
	unsigned int contig;
	unsigned int first;
	bool charged;
	u8 is_deferred;
	struct list_head link;
	struct llist_node deferred;
	struct rcu_head rcu;
	DECLARE_BITMAP(taken, MAL_PERCPU_GRAINS);
	DECLARE_BITMAP(bound, MAL_PERCPU_GRAINS + 1);
	u8 states[MAL_PERCPU_GRAINS];
};

/**
 * struct mal_percpu_span - where a chunk is
 * @base: mal_percpu_chunk.base, as a number
 * @size: in bytes
 * @chunk: it, or NULL if it is not there any more
 */
struct mal_percpu_span {
	unsigned long base;
	unsigned long size;
	struct mal_percpu_chunk *chunk;
};

/**
 * struct mal_percpu_table - where all chunks are
 * @rcu: on the way out, when there is a newer one
 * @nr: spans
 * @spans: sorted by their base
 */
struct mal_percpu_table {
	struct rcu_head rcu;
	unsigned int nr;
	struct mal_percpu_span spans[];
};

/**
 * struct mal_percpu_entry - an area that is at hand
 * @area: it
 * @state: where it stands, so that nothing needs to be looked up
 */
struct mal_percpu_entry {
	void __percpu *area;
	u8 *state;
};

/**
 * struct mal_percpu_want - what to cut areas for
 * @grains: of each area
 * @align: of each area, in grains; a power of two
 * @state: of the first of them; those after it are CACHED as well
 * @keep: grains that are to be left free: for those who must not sleep
 */
struct mal_percpu_want {
	unsigned int grains;
	unsigned int align;
	u8 state;
	unsigned int keep;
};

/**
 * struct mal_percpu_chunk_stats - the figures of all chunks
 * @chunks: how many there are
 * @unit_bytes: their size, on one CPU
 * @bytes: their size, on all CPUs
 * @metadata_bytes: what describes them
 * @taken: bytes that areas cover, on one CPU
 * @largest_free: the longest free run, in bytes
 * @borrowed_total: chunks ever borrowed
 * @returned_total: chunks ever returned
 * @refused: chunks that the cap or the host did not grant
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
};

extern struct mal_percpu_table __rcu *mal_percpu_table;

static __always_inline int mal_percpu_span_cmp(const void *key, const void *span)
{
	unsigned long address = (unsigned long)key;
	const struct mal_percpu_span *s = span;

	if (address < s->base)
		return -1;
	return address - s->base >= s->size;
}

/**
 * mal_percpu_class_bytes() - the size of a size class
 * @class: its number
 *
 * Context: any.
 * Return: bytes.
 */
static inline unsigned int mal_percpu_class_bytes(unsigned int class)
{
	return class ? class * 8 : MAL_PERCPU_GRAIN;
}

/**
 * mal_percpu_chunk_find() - look for the chunk that an address lies in
 * @area: any value
 *
 * Context: any, with preemption off or under rcu_read_lock().
 * Return: the chunk, or NULL if there is none.
 */
static __always_inline struct mal_percpu_chunk *
mal_percpu_chunk_find(const void __percpu *area)
{
	const struct mal_percpu_table *table;
	const struct mal_percpu_span *span;

	table = rcu_dereference_check(mal_percpu_table, rcu_read_lock_sched_held());
	span = __inline_bsearch((const void *)(__force unsigned long)area,
				table->spans, table->nr, sizeof(*span),
				mal_percpu_span_cmp);
	return span ? READ_ONCE(span->chunk) : NULL;
}

unsigned int mal_percpu_take(const struct mal_percpu_want *want,
			     struct mal_percpu_entry *entries, unsigned int nr);
void mal_percpu_put(const struct mal_percpu_entry *entries, unsigned int nr);
void mal_percpu_defer(struct mal_percpu_chunk *chunk, u8 *state);
bool mal_percpu_chunk_add(size_t size, gfp_t gfp);
unsigned long mal_percpu_chunk_release(void);
unsigned long mal_percpu_chunk_reap(void);
unsigned long mal_percpu_chunk_empty_pages(void);

void mal_percpu_chunk_stats(struct mal_percpu_chunk_stats *stats);
u64 mal_percpu_chunk_validate(u64 *checked);
int mal_percpu_chunk_init(void);
void mal_percpu_chunk_exit(void);

#endif /* _MAL_PERCPU_CHUNK_H */
