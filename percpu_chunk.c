// SPDX-License-Identifier: GPL-2.0
/*
 * Chunks: the memory that per-CPU areas are cut from
 *
 * A per-CPU pointer is an offset that is the same for all CPUs. Adding the
 * distance of a CPU turns it into an address. The host sets these distances at
 * boot, and a module cannot obtain pages at matching addresses. So chunks are
 * borrowed whole from the host, as per-CPU areas of 32 KiB, the largest that it
 * allocates, or smaller ones if it has no such run. Areas are cut from the
 * chunks here, without calling the host.
 *
 *	chunk->base +-------+---+----------+------- - - -+  on each possible CPU
 *	            | area  |   | area     |             |
 *	            +-------+---+----------+------- - - -+
 *	   taken     1 1 1 1 0 0 1 1 1 1 1 0 0 0     a bit for each grain
 *	   bound     1       1   1         1         where areas begin and end
 *	   states    c       0   c'        0         state of the first grain
 *
 * A chunk has memory for each possible CPU, online or not: the host populates
 * all of them when it allocates an area. It is therefore sufficient to zero an
 * area on each possible CPU when it is allocated. A CPU that comes online later
 * has had its copy since then. A CPU that goes offline keeps its copy and the
 * counts in it.
 *
 * Search. Chunks are in a tree, sorted by the length of their longest free run
 * (contig), which is exact. Empty chunks sort after all others. An allocation
 * takes the chunk with the shortest sufficient run, and the lowest place within
 * it, starting at "first". A run of "grains + align - 1" grains has room for
 * the area at any alignment. A shorter run that is long enough for the area
 * itself may be placed so that the aligned area does not fit. The search looks
 * at no more than MAL_PERCPU_TRIES such chunks, different ones each time, and
 * then goes on to chunks that fit at any alignment. So the number of chunks
 * that a search looks at is bounded and does not depend on how many there are.
 *
 * The longest run is measured again only when an area was cut from it and
 * another run may be longer than the rest of it. Measuring takes a few steps
 * for each word of the bitmap, regardless of its contents.
 *
 * Fragmentation. Areas cannot be moved. Less than 8 bytes are wasted within an
 * area of a size class, less than 4 in any other. Except to keep up the
 * reserve, a chunk is borrowed only if no chunk has a run of "grains + align -
 * 1" grains. All free memory is then in smaller runs. This bound is useful for
 * small areas, which fill the holes first. For the largest areas, one small
 * area in each chunk is enough to require another chunk. Empty chunks are
 * returned.
 *
 * The reserve. Borrowing sleeps, so callers that must not sleep depend on the
 * chunks that exist. One chunk exists from load to unload, and MAL_PERCPU_LOW
 * grains are kept free for these callers. Other callers borrow a chunk before
 * they use the reserve. When the reserve falls below that mark, a worker
 * borrows a chunk.
 *
 * Returning chunks. A worker returns an empty chunk to the host if
 * MAL_PERCPU_HIGH grains are free without it. Host reclaim and user requests
 * return it if MAL_PERCPU_LOW are free without it. Unload returns all.
 *
 * Accounting. All chunks except the first, and their metadata, count for the
 * cap. A chunk is charged with its size on all CPUs and with its description
 * before it is borrowed. The host has metadata for each of its units, address
 * ranges much larger than a chunk: two bitmaps, hints, page tables and, for
 * memory control groups, a pointer for each 4 bytes, twice the size of the
 * unit. This is charged for the first chunk in a unit, once its address is
 * known. Chunks in the same unit share that charge, so the charge does not
 * depend on the order in which chunks are returned. The table and the
 * descriptions are charged until they are freed. One chunk and one unit are not
 * charged: they count as memory that the module itself occupies from load to
 * unload.
 *
 * The size of a unit is the distance between two CPUs' memory, or PMD_SIZE if
 * that is less or there is one CPU. On architectures where units are not
 * aligned to their size, two units may share a charge.
 *
 * Lookup. A hash table maps each piece of 4 KiB to its chunk. Readers search it
 * with preemption off or under rcu_read_lock(). A chunk is added in place: each
 * slot is one word. When a chunk is returned its slots are only marked, because
 * returning must not need memory. When half of the slots are in use or marked,
 * the table is replaced by one with at least twice as many slots as are in use.
 * The old table is freed after a grace period. A chunk is returned to the host
 * at once, but its description stays for two grace periods: for readers of the
 * table, and for areas freed by two CPUs at once (percpu.c).
 *
 * Walks. The chunks have no stable order in the tree by room. So walks use the
 * tree by address, and visit one chunk each time they hold the lock. A walk
 * resumes after the last address. It visits each chunk that exists throughout
 * the walk once.
 *
 * Misuse. An area that is put back comes from a caller, which may have freed it
 * twice at once. Its chunk is looked up by address. The grain must be taken,
 * the first of an area, and in the state that the caller of mal_percpu_put()
 * passes. One atomic operation changes that state, and only the first of two
 * callers succeeds. An area that fails the check is reported, and nothing is
 * read or written through it.
 *
 * Locks. A task that may enter every kind of reclaim holds
 * mal_percpu_borrow_mutex while it borrows, allocates and reclaims for it.
 * After waiting for the mutex, it looks for room again before it borrows. A
 * task that is limited to less than GFP_KERNEL by its flags or scope, or that
 * is in reclaim, may hold a lock that the holder of the mutex waits for in
 * reclaim. Such a task does not take the mutex. It must not wait for the host's
 * pcpu_alloc_mutex either, as the holder of that mutex enters any reclaim. Like
 * GFP_NOWAIT, it asks the host only for populated memory. If there is none it
 * uses the reserve, which the worker refills. (Before 6.15 the host does the
 * same for all flags less than GFP_KERNEL.)
 *
 * mal_percpu_mutex protects the set of chunks. Nothing is allocated under it.
 *
 * Lock order: mal_percpu_borrow_mutex, mal_percpu_mutex, mal_percpu_lock.
 * Reclaim runs under the first, and takes the locks that it takes for any
 * allocation. No other lock of this module is taken under the other two.
 * Reclaim only tries mal_percpu_mutex.
 *
 * Context: any but NMI, unless noted otherwise.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/bitmap.h>
#include <linux/cpumask.h>
#include <linux/gfp.h>
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/kmemleak.h>
#include <linux/memcontrol.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/percpu.h>
#include <linux/rbtree.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/workqueue.h>

#include "internal/borrow.h"
#include "internal/defer.h"
#include "internal/delay.h"
#include "internal/inject.h"
#include "internal/kunit.h"
#include "internal/percpu_chunk.h"
#include "internal/region.h"
#include "internal/report.h"

/* An empty chunk is returned if this many grains are free without it. */
#define MAL_PERCPU_HIGH		(SZ_16K / MAL_PERCPU_GRAIN)

/* The worker does not retry for this long after borrowing failed. */
#define MAL_PERCPU_PAUSE	(HZ / 10 + 1)

/*
 * Limit on chunks to search in each of the two steps of mal_percpu_search().
 */
#define MAL_PERCPU_TRIES	4

/* Size of a description after kmalloc() of the host rounds it up. */
#define MAL_PERCPU_DESCRIPTION						\
	roundup_pow_of_two(struct_size_t(struct mal_percpu_chunk, states, \
					 MAL_PERCPU_GRAINS))

/* Slots of the table at load. */
#define MAL_PERCPU_FIRST_SLOTS	64

/* Protects the set of chunks. */
static DEFINE_MUTEX(mal_percpu_mutex);

/* Held while borrowing by a task that may enter every kind of reclaim. */
static DEFINE_MUTEX(mal_percpu_borrow_mutex);

/* Protects the contents and statistics of chunks. */
static DEFINE_SPINLOCK(mal_percpu_lock);

/**
 * struct mal_percpu_chunks - all chunks
 * @by_room: the chunks by mal_percpu_chunk.room
 * @by_base: the chunks by address
 * @nr: number of chunks
 * @units: number of host units that contain chunks
 * @grains: size of all chunks
 * @free: free grains in all chunks
 * @empty: grains in empty chunks
 * @kept: there is a chunk that is not charged
 * @borrowed_total: chunks ever borrowed
 * @returned_total: chunks ever returned
 * @refused: chunks not granted
 * @searched: chunks searched for room
 * @pause: the worker does not borrow before this time, in jiffies
 */
struct mal_percpu_chunks {
	struct rb_root by_room;
	struct rb_root by_base;
	unsigned long nr;
	unsigned long units;
	unsigned long grains;
	unsigned long free;
	unsigned long empty;
	bool kept;
	u64 borrowed_total;
	u64 returned_total;
	u64 refused;
	u64 searched;
	unsigned long pause;
};

static struct mal_percpu_chunks mal_percpu_chunks;

struct mal_percpu_table __rcu *mal_percpu_table;
MAL_EXPORT_FOR_KUNIT(mal_percpu_table);

/* Changes before the description of a returned chunk is freed. */
u32 mal_percpu_epoch;

/* Marks the slots of returned chunks. Contains no address. */
static struct mal_percpu_chunk mal_percpu_gone;

static void mal_percpu_balance(struct work_struct *work);
static DECLARE_WORK(mal_percpu_work, mal_percpu_balance);

/*
 * Inside a chunk: called with the lock held
 */

static bool mal_chunk_is_empty(const struct mal_percpu_chunk *chunk)
{
	return chunk->free == chunk->grains;
}

static unsigned int mal_chunk_room(const struct mal_percpu_chunk *chunk)
{
	return chunk->contig + (mal_chunk_is_empty(chunk) ? MAL_PERCPU_GRAINS : 0);
}

/* Insert behind other chunks with as much room. */
static void mal_chunk_insert(struct mal_percpu_chunk *chunk)
{
	struct rb_node **link = &mal_percpu_chunks.by_room.rb_node, *parent = NULL;

	chunk->room = mal_chunk_room(chunk);
	while (*link) {
		parent = *link;
		if (chunk->room < rb_entry(parent, struct mal_percpu_chunk, by_room)->room)
			link = &parent->rb_left;
		else
			link = &parent->rb_right;
	}
	rb_link_node(&chunk->by_room, parent, link);
	rb_insert_color(&chunk->by_room, &mal_percpu_chunks.by_room);
}

static void mal_chunk_remove(struct mal_percpu_chunk *chunk)
{
	rb_erase(&chunk->by_room, &mal_percpu_chunks.by_room);
}

static void mal_chunk_sort(struct mal_percpu_chunk *chunk)
{
	if (mal_chunk_room(chunk) == chunk->room)
		return;
	mal_chunk_remove(chunk);
	mal_chunk_insert(chunk);
}

/* Does a word contain @length ones in a row? It is not all ones. */
static bool mal_word_has_run(unsigned long word, unsigned int length)
{
	unsigned int have, step;

	for (have = 1; have < length && word; have += step) {
		step = min(have, length - have);
		word &= word >> step;
	}
	return word;
}

/*
 * Measure the longest free run. Takes a few steps for each word, and one for
 * each bit of one word.
 */
static unsigned int mal_chunk_measure(const struct mal_percpu_chunk *chunk)
{
	unsigned int run = 0, longest = 0, i;

	for (i = 0; i < chunk->grains / BITS_PER_LONG; i++) {
		unsigned long taken = chunk->taken[i];

		if (!taken) {
			run += BITS_PER_LONG;
			continue;
		}
		longest = max_t(unsigned int, longest, run + __ffs(taken));
		while (mal_word_has_run(~taken, longest + 1))
			longest++;
		run = BITS_PER_LONG - 1 - __fls(taken);
	}
	return max(longest, run);
}

/* Grains were taken from the free run around them. */
static void mal_chunk_shorten(struct mal_percpu_chunk *chunk, unsigned long at,
			      unsigned int grains)
{
	unsigned long end = at + grains, before, after;

	before = at ? find_last_bit(chunk->taken, at) : at;
	before = before < at ? at - before - 1 : at;
	after = find_next_bit(chunk->taken, chunk->grains, end) - end;
	if (before + grains + after < chunk->contig)
		return;
	chunk->contig = max(before, after);
	if (chunk->contig < chunk->free - before - after)
		chunk->contig = mal_chunk_measure(chunk);
}

/*
 * The first grain of a suitable free run; chunk->grains or more if there is
 * none.
 */
static unsigned long mal_chunk_search(struct mal_percpu_chunk *chunk,
				      const struct mal_percpu_want *want)
{
	if (chunk->contig < want->grains)
		return chunk->grains;
	return bitmap_find_next_zero_area(chunk->taken, chunk->grains,
					  chunk->first, want->grains,
					  want->align - 1);
}

static void mal_chunk_take(struct mal_percpu_chunk *chunk, unsigned long at,
			   unsigned int grains, u8 state)
{
	bool was_empty = mal_chunk_is_empty(chunk);

	bitmap_set(chunk->taken, at, grains);
	bitmap_clear(chunk->bound, at, grains);
	__set_bit(at, chunk->bound);
	__set_bit(at + grains, chunk->bound);
	WRITE_ONCE(chunk->states[at], state);
	chunk->free -= grains;
	mal_percpu_chunks.free -= grains;
	if (at == chunk->first)
		chunk->first = find_next_zero_bit(chunk->taken, chunk->grains,
						  at + grains);
	if (was_empty)
		mal_percpu_chunks.empty -= chunk->grains;
	mal_chunk_shorten(chunk, at, grains);
	mal_chunk_sort(chunk);
}

/* Length of the free run that contains a grain. */
static unsigned long mal_chunk_run(const struct mal_percpu_chunk *chunk,
				   unsigned long at)
{
	unsigned long begin = 0, end;

	if (at) {
		begin = find_last_bit(chunk->taken, at);
		begin = begin < at ? begin + 1 : 0;
	}
	end = find_next_bit(chunk->taken, chunk->grains, at);
	return end - begin;
}

static void mal_chunk_put(struct mal_percpu_chunk *chunk, unsigned long at)
{
	unsigned long end = find_next_bit(chunk->bound, chunk->grains + 1, at + 1);

	bitmap_clear(chunk->taken, at, end - at);
	chunk->free += end - at;
	mal_percpu_chunks.free += end - at;
	chunk->first = min_t(unsigned long, chunk->first, at);
	if (mal_chunk_is_empty(chunk))
		mal_percpu_chunks.empty += chunk->grains;
	chunk->contig = max_t(unsigned long, chunk->contig, mal_chunk_run(chunk, at));
	mal_chunk_sort(chunk);
}

/*
 * Cutting areas and putting them back
 */

/* The chunk with the least room that has at least @room. */
static struct mal_percpu_chunk *mal_chunk_with_room(unsigned int room)
{
	struct rb_node *at = mal_percpu_chunks.by_room.rb_node;
	struct mal_percpu_chunk *chunk, *best = NULL;

	while (at) {
		chunk = rb_entry(at, struct mal_percpu_chunk, by_room);
		if (chunk->room >= room) {
			best = chunk;
			at = at->rb_left;
		} else {
			at = at->rb_right;
		}
	}
	return best;
}

/*
 * Search up to MAL_PERCPU_TRIES chunks that have at least @room. A chunk
 * without a suitable place moves behind its equals, so the next search begins
 * with others.
 */
static struct mal_percpu_chunk *
mal_percpu_search_room(unsigned int room, const struct mal_percpu_want *want,
		       unsigned long *at)
{
	struct mal_percpu_chunk *chunk = mal_chunk_with_room(room);
	unsigned int tries;
	struct rb_node *next;

	for (tries = 0; chunk && tries < MAL_PERCPU_TRIES; tries++) {
		mal_percpu_chunks.searched++;
		*at = mal_chunk_search(chunk, want);
		if (*at < chunk->grains)
			return chunk;
		next = rb_next(&chunk->by_room);
		mal_chunk_remove(chunk);
		mal_chunk_insert(chunk);
		chunk = rb_entry_safe(next, struct mal_percpu_chunk, by_room);
	}
	return NULL;
}

/* Find a chunk with room, and the place in it. Called with the lock held. */
static struct mal_percpu_chunk *
mal_percpu_search(const struct mal_percpu_want *want, unsigned long *at)
{
	return mal_percpu_search_room(want->grains, want, at) ?:
	       mal_percpu_search_room(want->grains + want->align - 1, want, at);
}

/* Called for each area, with the lock held. */
static bool mal_percpu_take_one(const struct mal_percpu_want *want, u8 state,
				struct mal_percpu_entry *entry)
{
	struct mal_percpu_chunk *chunk;
	unsigned long at;

	if (mal_percpu_chunks.free < want->grains + want->keep)
		return false;
	chunk = mal_percpu_search(want, &at);
	if (!chunk)
		return false;
	mal_chunk_take(chunk, at, want->grains, state);
	entry->area = chunk->base + at * MAL_PERCPU_GRAIN;
	entry->state = &chunk->states[at];
	return true;
}

/**
 * mal_percpu_take() - cut areas from chunks
 * @want: requirements
 * @entries: filled in
 * @nr: number of areas wanted
 *
 * Context: any but NMI.
 * Return: number of areas cut, up to @nr.
 */
unsigned int mal_percpu_take(const struct mal_percpu_want *want,
			     struct mal_percpu_entry *entries, unsigned int nr)
{
	u8 state = want->state;
	unsigned int taken = 0;
	unsigned long flags;
	bool low;

	spin_lock_irqsave(&mal_percpu_lock, flags);
	while (taken < nr && mal_percpu_take_one(want, state, &entries[taken])) {
		state = want->state | MAL_PERCPU_CACHED;
		taken++;
	}
	low = !taken || mal_percpu_chunks.free < MAL_PERCPU_LOW;
	spin_unlock_irqrestore(&mal_percpu_lock, flags);
	if (unlikely(low) && time_after_eq(jiffies, READ_ONCE(mal_percpu_chunks.pause)))
		schedule_work(&mal_percpu_work);
	return taken;
}

/*
 * May the area that begins at a grain be put back? Changes nothing otherwise.
 */
static bool mal_chunk_claim(struct mal_percpu_chunk *chunk, unsigned long at, u8 state)
{
	if (cmpxchg(&chunk->states[at], state, MAL_PERCPU_NONE) != state)
		return false;
	return test_bit(at, chunk->taken) && test_bit(at, chunk->bound);
}

/*
 * Called for each area, with the lock held. Returns false if the area is
 * invalid.
 */
static bool mal_percpu_put_one(void __percpu *area, u8 state, bool *empty)
{
	struct mal_percpu_chunk *chunk = mal_percpu_chunk_find(area);
	unsigned long at;

	if (!chunk)
		return false;
	at = mal_percpu_grain(chunk, area);
	if (!mal_chunk_claim(chunk, at, state))
		return false;
	mal_chunk_put(chunk, at);
	*empty |= mal_chunk_is_empty(chunk);
	return true;
}

static void mal_percpu_report_refused(unsigned int nr)
{
	while (nr--)
		mal_report(MAL_REPORT_DOUBLE_FREE, 0,
			   "per-CPU area that was freed on two CPUs at once");
}

/**
 * mal_percpu_put() - put areas back into their chunks
 * @entries: areas, aligned to grains; mal_percpu_entry.state is not
 *	dereferenced
 * @nr: number of areas, up to 64
 * @state: state of the first grain of each area
 *
 * An area in another state was freed twice at once. It is reported and
 * otherwise ignored.
 *
 * Context: any but NMI.
 */
void mal_percpu_put(const struct mal_percpu_entry *entries, unsigned int nr, u8 state)
{
	unsigned int refused = 0;
	unsigned long flags;
	bool empty = false;

	rcu_read_lock();
	spin_lock_irqsave(&mal_percpu_lock, flags);
	while (nr--)
		refused += !mal_percpu_put_one((entries++)->area, state, &empty);
	empty &= mal_percpu_chunks.free >= MAL_PERCPU_HIGH + MAL_PERCPU_GRAINS;
	spin_unlock_irqrestore(&mal_percpu_lock, flags);
	rcu_read_unlock();
	mal_percpu_report_refused(refused);
	if (empty)
		schedule_work(&mal_percpu_work);
}

/*
 * Frees deferred by NMI handlers
 */

static void mal_percpu_drain_deferred(struct irq_work *work);
static DEFINE_MAL_DEFER_LIST(mal_percpu_deferred, mal_percpu_drain_deferred);

/* Put up to @left areas of a chunk back. Returns false if there are more. */
static bool mal_percpu_put_deferred(struct mal_percpu_chunk *chunk, unsigned int *left)
{
	struct mal_percpu_entry entry;
	unsigned int i;

	for (i = 0; i < chunk->grains; i++) {
		if (READ_ONCE(chunk->states[i]) != MAL_PERCPU_DEFERRED)
			continue;
		if (!*left)
			return false;
		entry.area = chunk->base + i * MAL_PERCPU_GRAIN;
		entry.state = &chunk->states[i];
		kmemleak_free_percpu(entry.area);
		mal_percpu_put(&entry, 1, MAL_PERCPU_DEFERRED);
		--*left;
	}
	return true;
}

/* The same, and give the flag up when there are no more. */
static bool mal_chunk_drain_deferred(struct mal_percpu_chunk *chunk,
				     unsigned int *left)
{
	do {
		if (!mal_percpu_put_deferred(chunk, left))
			return false;
		xchg(&chunk->is_deferred, 0);
	} while (memchr(chunk->states, MAL_PERCPU_DEFERRED, chunk->grains) &&
		 !xchg(&chunk->is_deferred, 1));
	return true;
}

static void mal_percpu_drain_deferred(struct irq_work *work)
{
	unsigned int left = MAL_DEFER_BATCH;
	struct llist_node *node;

	/* Keeps the description after the last area of a chunk was put back. */
	rcu_read_lock();
	while ((node = mal_defer_first(&mal_percpu_deferred))) {
		struct mal_percpu_chunk *chunk =
			llist_entry(node, struct mal_percpu_chunk, deferred);

		/* The flag is ours, so an area that is left pins the chunk. */
		if (!mal_chunk_drain_deferred(chunk, &left)) {
			mal_defer_add(&mal_percpu_deferred, node);
			break;
		}
	}
	rcu_read_unlock();
}

/**
 * mal_percpu_defer() - defer putting back an area until interrupts are possible
 * @chunk: the chunk that contains the area
 * @state: state of the area's first grain
 * @from: the expected state
 *
 * Context: any, with preemption off; meant for NMI.
 * Return: true; false if another CPU freed the area as well.
 */
bool mal_percpu_defer(struct mal_percpu_chunk *chunk, u8 *state, u8 from)
{
	if (cmpxchg(state, from, MAL_PERCPU_DEFERRED) != from)
		return false;
	/*
	 * xchg() is a full barrier: the owner of the flag sees the state, or
	 * the chunk is queued.
	 */
	if (!xchg(&chunk->is_deferred, 1))
		mal_defer_add(&mal_percpu_deferred, &chunk->deferred);
	return true;
}

/*
 * Borrowing
 */

/* May the caller wait for a task that is in any kind of reclaim? */
static bool mal_percpu_may_wait(gfp_t gfp)
{
	return (current_gfp_context(gfp) & GFP_KERNEL) == GFP_KERNEL &&
	       !(current->flags & PF_MEMALLOC);
}

static unsigned long mal_size_pages(size_t size)
{
	return DIV_ROUND_UP(size * num_possible_cpus(), PAGE_SIZE);
}

static unsigned long mal_chunk_pages(const struct mal_percpu_chunk *chunk)
{
	return mal_size_pages(chunk->grains * MAL_PERCPU_GRAIN);
}

/* Charge a chunk of @size and its description, unless it is the kept chunk. */
static bool mal_chunk_charge(size_t size, bool *charged, gfp_t gfp)
{
	*charged = xchg(&mal_percpu_chunks.kept, true);
	if (!*charged)
		return true;
	if (!mal_borrow_charge_other(mal_size_pages(size), gfp))
		return false;
	if (mal_borrow_charge_bytes(MAL_PERCPU_DESCRIPTION, gfp))
		return true;
	mal_region_uncharge_other(mal_size_pages(size));
	return false;
}

/* Descriptions of returned chunks that wait for two grace periods. */
static atomic_t mal_percpu_going;

/*
 * If the charge fails and the caller may wait, wait for pending uncharges and
 * retry.
 */
static bool mal_chunk_charge_mightsleep(size_t size, bool *charged, gfp_t gfp)
{
	if (mal_chunk_charge(size, charged, gfp))
		return true;
	if (!mal_percpu_may_wait(gfp) || gfp & __GFP_NORETRY ||
	    !atomic_read(&mal_percpu_going))
		return false;
	rcu_barrier();
	rcu_barrier();
	return mal_chunk_charge(size, charged, gfp);
}

static void mal_chunk_uncharge(size_t size, bool charged)
{
	if (charged)
		mal_region_uncharge_other(mal_size_pages(size));
	else
		xchg(&mal_percpu_chunks.kept, false);
}

static void mal_chunk_uncharge_description(bool charged)
{
	if (charged)
		mal_region_uncharge_bytes(MAL_PERCPU_DESCRIPTION);
}

/* Try a whole chunk first, then smaller ones down to @min_size. */
static void __percpu *mal_host_percpu(size_t *size, size_t min_size, gfp_t gfp)
{
	void __percpu *base = NULL;

	if (mal_inject_should_fail())
		return NULL;
	if (!mal_percpu_may_wait(gfp))
		gfp &= ~__GFP_DIRECT_RECLAIM;
	*size = MAL_PERCPU_MAX_SIZE;
	while (!base && *size >= min_size && *size >= MAL_PERCPU_MIN_CHUNK) {
		base = __alloc_percpu_gfp(*size, PAGE_SIZE, gfp | __GFP_NOWARN);
		if (!base)
			*size /= 2;
	}
	return base;
}

static struct mal_percpu_chunk *mal_chunk_borrow(size_t min_size, gfp_t gfp)
{
	struct mal_percpu_chunk *chunk;
	size_t size;

	chunk = kvzalloc(struct_size(chunk, states, MAL_PERCPU_GRAINS),
			 gfp | __GFP_NOWARN);
	if (!chunk)
		return NULL;
	chunk->base = mal_host_percpu(&size, min_size, gfp);
	if (!chunk->base) {
		kvfree(chunk);
		return NULL;
	}
	/*
	 * kmemleak learns of each area instead. The address of a chunk is not a
	 * reference to it.
	 */
	kmemleak_free_percpu(chunk->base);
	kmemleak_scan_area(&chunk->by_base, sizeof(chunk->by_base), gfp);
	chunk->grains = size / MAL_PERCPU_GRAIN;
	chunk->free = chunk->grains;
	chunk->contig = chunk->grains;
	return chunk;
}

static struct mal_percpu_chunk *mal_chunk_create(size_t min_size, gfp_t gfp)
{
	struct mal_percpu_chunk *chunk;
	bool charged;

	if (mal_inject_should_fail() ||
	    !mal_chunk_charge_mightsleep(MAL_PERCPU_MAX_SIZE, &charged, gfp))
		return NULL;
	chunk = mal_chunk_borrow(min_size, gfp);
	if (!chunk) {
		mal_chunk_uncharge(MAL_PERCPU_MAX_SIZE, charged);
		mal_chunk_uncharge_description(charged);
		return NULL;
	}
	chunk->charged = charged;
	if (charged)
		mal_region_uncharge_other(mal_size_pages(MAL_PERCPU_MAX_SIZE) -
					  mal_chunk_pages(chunk));
	return chunk;
}

static void mal_chunk_free_rcu(struct rcu_head *rcu)
{
	struct mal_percpu_chunk *chunk = container_of(rcu, struct mal_percpu_chunk, rcu);

	/*
	 * An NMI handler freed an area that another CPU freed at the same
	 * moment.
	 */
	if (unlikely(READ_ONCE(chunk->is_deferred))) {
		call_rcu(&chunk->rcu, mal_chunk_free_rcu);
		return;
	}
	mal_chunk_uncharge_description(chunk->charged);
	kvfree(chunk);
	atomic_dec(&mal_percpu_going);
}

/*
 * No CPU pushes areas of this chunk any more, but stacks may contain some
 * (percpu.c).
 */
static void mal_chunk_new_epoch(struct rcu_head *rcu)
{
	/* Callbacks may race on several CPUs. Any of the new values is fine. */
	smp_store_release(&mal_percpu_epoch, READ_ONCE(mal_percpu_epoch) + 1);
	call_rcu(rcu, mal_chunk_free_rcu);
}

static void mal_chunk_destroy(struct mal_percpu_chunk *chunk)
{
	free_percpu(chunk->base);
	mal_chunk_uncharge(chunk->grains * MAL_PERCPU_GRAIN, chunk->charged);
	atomic_inc(&mal_percpu_going);
	call_rcu(&chunk->rcu, mal_chunk_new_epoch);
}

/*
 * The table of chunks
 */

static unsigned long mal_table_slots(const struct mal_percpu_table *table)
{
	return 1UL << (BITS_PER_LONG - table->shift);
}

static size_t mal_table_bytes(const struct mal_percpu_table *table)
{
	return struct_size(table, slots, mal_table_slots(table));
}

static struct mal_percpu_table *mal_table_create(unsigned long slots, gfp_t gfp)
{
	struct mal_percpu_table *table;
	size_t bytes = struct_size(table, slots, slots);

	if (mal_inject_should_fail() || !mal_borrow_charge_bytes(bytes, gfp))
		return NULL;
	table = kvzalloc(bytes, gfp | __GFP_NOWARN);
	if (!table) {
		mal_region_uncharge_bytes(bytes);
		return NULL;
	}
	kmemleak_no_scan(table);
	table->shift = BITS_PER_LONG - ilog2(slots);
	return table;
}

static void mal_table_destroy(struct mal_percpu_table *table)
{
	if (!table)
		return;
	mal_region_uncharge_bytes(mal_table_bytes(table));
	kvfree(table);
}

static void mal_table_free_rcu(struct rcu_head *rcu)
{
	mal_table_destroy(container_of(rcu, struct mal_percpu_table, rcu));
}

static struct mal_percpu_table *mal_table(void)
{
	return rcu_dereference_protected(mal_percpu_table,
					 lockdep_is_held(&mal_percpu_mutex));
}

static unsigned int mal_chunk_pieces(const struct mal_percpu_chunk *chunk)
{
	return DIV_ROUND_UP(chunk->grains * MAL_PERCPU_GRAIN, MAL_PERCPU_PIECE);
}

/*
 * First slot for an address that has @chunk or NULL. Called with the mutex
 * held.
 */
static struct mal_percpu_chunk __rcu **
mal_table_slot(struct mal_percpu_table *table, unsigned long address,
	       const struct mal_percpu_chunk *chunk)
{
	unsigned long slot = mal_percpu_hash(table, address);
	struct mal_percpu_chunk *found;

	for (;;) {
		found = rcu_dereference_protected(table->slots[slot],
						  lockdep_is_held(&mal_percpu_mutex));
		if (!found || found == chunk)
			return &table->slots[slot];
		slot = mal_percpu_next_slot(table, slot);
	}
}

/* Called with the mutex held. The table has room. */
static void mal_table_insert(struct mal_percpu_table *table,
			     struct mal_percpu_chunk *chunk)
{
	unsigned long address = (__force unsigned long)chunk->base;
	struct mal_percpu_chunk __rcu **slot;
	unsigned int i;

	for (i = 0; i < mal_chunk_pieces(chunk); i++) {
		slot = mal_table_slot(table, address, &mal_percpu_gone);
		table->used += !rcu_access_pointer(*slot);
		rcu_assign_pointer(*slot, chunk);
		address += MAL_PERCPU_PIECE;
	}
}

/* Called with the mutex held. */
static void mal_table_remove(const struct mal_percpu_chunk *chunk)
{
	unsigned long address = (__force unsigned long)chunk->base;
	unsigned int i;

	for (i = 0; i < mal_chunk_pieces(chunk); i++) {
		rcu_assign_pointer(*mal_table_slot(mal_table(), address, chunk),
				   &mal_percpu_gone);
		address += MAL_PERCPU_PIECE;
	}
}

/* Called with the mutex held. */
static void mal_table_replace(struct mal_percpu_table *fresh)
{
	struct mal_percpu_table *old = mal_table();
	struct rb_node *node;

	for (node = rb_first(&mal_percpu_chunks.by_base); node; node = rb_next(node))
		mal_table_insert(fresh, rb_entry(node, struct mal_percpu_chunk, by_base));
	rcu_assign_pointer(mal_percpu_table, fresh);
	call_rcu(&old->rcu, mal_table_free_rcu);
}

/*
 * Number of slots that a table with room for more pieces needs; zero if this
 * table has room. Called with the mutex held.
 */
static unsigned long mal_table_missing(unsigned int pieces)
{
	const struct mal_percpu_table *table = mal_table();
	unsigned long live;

	if (table->used + pieces <= mal_table_slots(table) / 2)
		return 0;
	live = mal_percpu_chunks.nr * (MAL_PERCPU_MAX_SIZE >> MAL_PERCPU_PIECE_SHIFT);
	return roundup_pow_of_two(4 * (live + pieces));
}

/*
 * Returns true with the mutex held and room for @pieces in the table, or false.
 */
static bool mal_table_lock(unsigned int pieces, gfp_t gfp)
{
	struct mal_percpu_table *fresh = NULL;
	unsigned long slots;

	mutex_lock(&mal_percpu_mutex);
	while ((slots = mal_table_missing(pieces))) {
		if (fresh && mal_table_slots(fresh) >= slots) {
			mal_table_replace(fresh);
			return true;
		}
		mutex_unlock(&mal_percpu_mutex);
		mal_table_destroy(fresh);
		fresh = mal_table_create(slots, gfp);
		if (!fresh)
			return false;
		mutex_lock(&mal_percpu_mutex);
	}
	mal_table_destroy(fresh);
	return true;
}

/*
 * The set of chunks
 */

/* Called with the lock held. */
static void mal_chunk_link(struct mal_percpu_chunk *chunk)
{
	struct rb_node **link = &mal_percpu_chunks.by_base.rb_node, *parent = NULL;

	while (*link) {
		parent = *link;
		if (chunk->base < rb_entry(parent, struct mal_percpu_chunk, by_base)->base)
			link = &parent->rb_left;
		else
			link = &parent->rb_right;
	}
	rb_link_node(&chunk->by_base, parent, link);
	rb_insert_color(&chunk->by_base, &mal_percpu_chunks.by_base);
	mal_chunk_insert(chunk);
	mal_percpu_chunks.nr++;
	mal_percpu_chunks.grains += chunk->grains;
	mal_percpu_chunks.free += chunk->grains;
	mal_percpu_chunks.empty += chunk->grains;
	mal_percpu_chunks.borrowed_total++;
}

/* Called with the lock held. */
static void mal_chunk_unlink(struct mal_percpu_chunk *chunk)
{
	rb_erase(&chunk->by_base, &mal_percpu_chunks.by_base);
	mal_chunk_remove(chunk);
	mal_percpu_chunks.nr--;
	mal_percpu_chunks.grains -= chunk->grains;
	mal_percpu_chunks.free -= chunk->grains;
	mal_percpu_chunks.empty -= chunk->grains;
	mal_percpu_chunks.returned_total++;
}

/* The first chunk at or after an address. Called with the lock held. */
static struct mal_percpu_chunk *mal_chunk_from(unsigned long address)
{
	struct rb_node *at = mal_percpu_chunks.by_base.rb_node;
	struct mal_percpu_chunk *chunk, *first = NULL;

	while (at) {
		chunk = rb_entry(at, struct mal_percpu_chunk, by_base);
		if ((__force unsigned long)chunk->base >= address) {
			first = chunk;
			at = at->rb_left;
		} else {
			at = at->rb_right;
		}
	}
	return first;
}

/*
 * Units of the host
 */

/*
 * Approximate size of struct pcpu_chunk with its attachments, and of a block.
 */
#define MAL_HOST_CHUNK		2048
#define MAL_HOST_BLOCK		(8 * sizeof(int))

static unsigned long mal_unit_size, mal_unit_cost;
static unsigned int mal_unit_cpu;

/*
 * Bytes for each 4 bytes: the pointer to the memory control group and the tag
 * of allocation profiling. These are in struct pcpuobj_ext, before 6.10 in
 * pcpu_chunk.obj_cgroups.
 */
static size_t mal_host_percpu_ext(void)
{
	size_t bytes = 0;

#ifdef CONFIG_MEMCG
	if (!mem_cgroup_disabled())
		bytes += sizeof(struct obj_cgroup *);
#endif
#ifdef CONFIG_MEM_ALLOC_PROFILING
	bytes += sizeof(union codetag_ref);
#endif
	return bytes;
}

/* Bytes that the host allocates for a unit; see pcpu_alloc_chunk(). */
static unsigned long mal_host_unit_cost(unsigned long size)
{
	unsigned long grains = size / MAL_PERCPU_GRAIN, pages = size / PAGE_SIZE;
	unsigned long bytes = MAL_HOST_CHUNK + pages * MAL_HOST_BLOCK +
			      grains * mal_host_percpu_ext() +
			      2 * BITS_TO_LONGS(grains) * sizeof(long);

	/* The larger ones come from vmalloc() and have page tables as well. */
	bytes += bytes / PAGE_SIZE * (sizeof(struct page *) + sizeof(pte_t));
	return bytes + ALIGN(pages * num_possible_cpus() * sizeof(pte_t), PAGE_SIZE);
}

static unsigned long mal_unit_address(const void __percpu *base, unsigned int cpu)
{
	return (unsigned long)per_cpu_ptr(base, cpu);
}

/* Find the CPU with the lowest memory, and the distance to the next one. */
static void mal_host_unit_measure(const void __percpu *base)
{
	unsigned long distance;
	unsigned int cpu;

	mal_unit_cpu = cpumask_first(cpu_possible_mask);
	for_each_possible_cpu(cpu)
		if (mal_unit_address(base, cpu) < mal_unit_address(base, mal_unit_cpu))
			mal_unit_cpu = cpu;
	mal_unit_size = PMD_SIZE;
	for_each_possible_cpu(cpu) {
		distance = mal_unit_address(base, cpu) -
			   mal_unit_address(base, mal_unit_cpu);
		if (distance)
			mal_unit_size = min(mal_unit_size, distance);
	}
	mal_unit_cost = mal_host_unit_cost(mal_unit_size);
}

static bool mal_units_are_same(struct rb_node *node, const struct mal_percpu_chunk *chunk)
{
	const struct mal_percpu_chunk *other =
		rb_entry_safe(node, struct mal_percpu_chunk, by_base);

	return other && mal_unit_address(other->base, mal_unit_cpu) / mal_unit_size ==
			mal_unit_address(chunk->base, mal_unit_cpu) / mal_unit_size;
}

/*
 * Is this chunk, which is linked, the only one in its unit? Called with the
 * mutex held.
 */
static bool mal_unit_is_own(const struct mal_percpu_chunk *chunk)
{
	return !mal_units_are_same(rb_prev(&chunk->by_base), chunk) &&
	       !mal_units_are_same(rb_next(&chunk->by_base), chunk);
}

/* Called with the mutex held. The table has room. */
static void mal_chunk_publish(struct mal_percpu_chunk *chunk)
{
	unsigned long flags;

	mal_table_insert(mal_table(), chunk);
	spin_lock_irqsave(&mal_percpu_lock, flags);
	mal_chunk_link(chunk);
	spin_unlock_irqrestore(&mal_percpu_lock, flags);
	mal_percpu_chunks.units += mal_unit_is_own(chunk);
}

/*
 * Bytes to charge for the unit of a chunk that is not linked yet; zero if the
 * unit is charged. Called with the mutex held.
 */
static unsigned long mal_unit_missing(const struct mal_percpu_chunk *chunk)
{
	unsigned long unit, first;
	struct mal_percpu_chunk *other;

	if (!mal_percpu_chunks.units)
		return 0;
	unit = mal_unit_address(chunk->base, mal_unit_cpu);
	first = (__force unsigned long)chunk->base - unit % mal_unit_size;
	other = mal_chunk_from(first);
	if (other && (__force unsigned long)other->base - first < mal_unit_size)
		return 0;
	return mal_unit_cost;
}

/*
 * A chunk was returned. @own: it was the only one in its unit. Called with the
 * mutex held.
 */
static void mal_unit_release(bool own)
{
	if (own && --mal_percpu_chunks.units)
		mal_region_uncharge_bytes(mal_unit_cost);
}

/* Charge the unit if necessary, then publish the chunk. */
static bool mal_chunk_enlist(struct mal_percpu_chunk *chunk, gfp_t gfp)
{
	unsigned long charged = 0, missing;

	while (mal_table_lock(mal_chunk_pieces(chunk), gfp)) {
		missing = mal_unit_missing(chunk);
		if (missing <= charged) {
			mal_chunk_publish(chunk);
			mutex_unlock(&mal_percpu_mutex);
			mal_region_uncharge_bytes(charged - missing);
			return true;
		}
		mutex_unlock(&mal_percpu_mutex);
		if (!mal_borrow_charge_bytes(missing, gfp))
			return false;
		charged = missing;
	}
	mal_region_uncharge_bytes(charged);
	return false;
}

static void mal_percpu_count_refusal(void)
{
	unsigned long flags;

	spin_lock_irqsave(&mal_percpu_lock, flags);
	mal_percpu_chunks.refused++;
	spin_unlock_irqrestore(&mal_percpu_lock, flags);
}

/**
 * mal_percpu_borrow_begin() - wait for other borrowing tasks, if the caller may
 * @gfp: flags that limit the host's effort
 *
 * Context: task; sleeps, but does not wait for reclaim that the caller may not
 * enter.
 * Return: true, then call mal_percpu_borrow_end() with the same @gfp; false if
 * the task is being killed.
 */
bool mal_percpu_borrow_begin(gfp_t gfp)
{
	return !mal_percpu_may_wait(gfp) || !mutex_lock_killable(&mal_percpu_borrow_mutex);
}

/**
 * mal_percpu_borrow_end() - end what mal_percpu_borrow_begin() began
 * @gfp: the same flags
 *
 * Context: as for mal_percpu_borrow_begin().
 */
void mal_percpu_borrow_end(gfp_t gfp)
{
	if (mal_percpu_may_wait(gfp))
		mutex_unlock(&mal_percpu_borrow_mutex);
}

/**
 * mal_percpu_chunk_add() - borrow a chunk
 * @size: minimum size of the chunk, in bytes
 * @gfp: flags that limit the host's effort
 *
 * Context: task; sleeps. Between mal_percpu_borrow_begin() and
 * mal_percpu_borrow_end(), or at load.
 * Return: true; false if the cap or the host refused.
 */
bool mal_percpu_chunk_add(size_t size, gfp_t gfp)
{
	struct mal_percpu_chunk *chunk;

	gfp &= GFP_KERNEL | __GFP_NORETRY;
	chunk = mal_chunk_create(size, gfp);
	if (!chunk) {
		mal_percpu_count_refusal();
		return false;
	}
	if (!mal_unit_size)
		mal_host_unit_measure(chunk->base);
	if (mal_chunk_enlist(chunk, gfp))
		return true;
	mal_chunk_destroy(chunk);
	mal_percpu_count_refusal();
	return false;
}

/*
 * Returning chunks
 */

/*
 * Unlink an empty chunk if @keep grains are free without it. A chunk that is
 * larger than the excess over @keep is skipped. All its grains are free, so
 * only few chunks are skipped.
 */
static struct mal_percpu_chunk *mal_chunk_delist(unsigned long keep)
{
	struct mal_percpu_chunk *chunk;
	struct rb_node *node;
	unsigned long flags;
	bool own;

	spin_lock_irqsave(&mal_percpu_lock, flags);
	for (node = rb_last(&mal_percpu_chunks.by_room); node; node = rb_prev(node)) {
		chunk = rb_entry(node, struct mal_percpu_chunk, by_room);
		if (!mal_chunk_is_empty(chunk))
			break;
		if (mal_percpu_chunks.free - chunk->grains < keep)
			continue;
		own = mal_unit_is_own(chunk);
		mal_chunk_unlink(chunk);
		spin_unlock_irqrestore(&mal_percpu_lock, flags);
		mal_unit_release(own);
		return chunk;
	}
	spin_unlock_irqrestore(&mal_percpu_lock, flags);
	return NULL;
}

/*
 * The chunk that was not charged was returned. Uncharge another one instead.
 * Called with the mutex held.
 */
static void mal_chunk_keep_another(void)
{
	struct rb_node *node = rb_first(&mal_percpu_chunks.by_base);
	struct mal_percpu_chunk *chunk;

	if (!node || xchg(&mal_percpu_chunks.kept, true))
		return;
	chunk = rb_entry(node, struct mal_percpu_chunk, by_base);
	mal_region_uncharge_other(mal_chunk_pages(chunk));
	mal_chunk_uncharge_description(true);
	chunk->charged = false;
}

/*
 * Returns the number of pages on all CPUs, zero if no chunk can be returned.
 * Called with the mutex held.
 */
static unsigned long mal_chunk_release(unsigned long keep)
{
	struct mal_percpu_chunk *chunk = mal_chunk_delist(keep);
	unsigned long pages;
	bool charged;

	if (!chunk)
		return 0;
	pages = mal_chunk_pages(chunk);
	charged = chunk->charged;
	mal_table_remove(chunk);
	mal_delay(MAL_DELAY_CHUNK_RELEASED);
	mal_chunk_destroy(chunk);
	if (!charged)
		mal_chunk_keep_another();
	return pages;
}

/*
 * Returns the number of pages on all CPUs. Called with the mutex held, so no
 * chunk is added.
 */
static unsigned long mal_chunks_release(unsigned long keep)
{
	unsigned long released, pages = 0;

	do {
		released = mal_chunk_release(keep);
		pages += released;
		cond_resched();
	} while (released);
	return pages;
}

/*
 * Number of slots that suffice if the table has far more of them; otherwise
 * zero. Called with the mutex held.
 */
static unsigned long mal_table_excess(void)
{
	unsigned long pieces = mal_percpu_chunks.nr *
			       (MAL_PERCPU_MAX_SIZE >> MAL_PERCPU_PIECE_SHIFT);
	unsigned long slots = max_t(unsigned long, MAL_PERCPU_FIRST_SLOTS,
				    roundup_pow_of_two(4 * pieces + 1));

	return mal_table_slots(mal_table()) > 4 * slots ? slots : 0;
}

/* The table has grown with the chunks and is charged like them. */
static void mal_table_shrink(void)
{
	struct mal_percpu_table *fresh;
	unsigned long slots;

	mutex_lock(&mal_percpu_mutex);
	slots = mal_table_excess();
	mutex_unlock(&mal_percpu_mutex);
	fresh = slots ? mal_table_create(slots, GFP_NOWAIT) : NULL;
	if (!fresh)
		return;
	mutex_lock(&mal_percpu_mutex);
	slots = mal_table_excess();
	if (slots && slots <= mal_table_slots(fresh)) {
		mal_table_replace(fresh);
		fresh = NULL;
	}
	mutex_unlock(&mal_percpu_mutex);
	mal_table_destroy(fresh);
}

/**
 * mal_percpu_chunk_release() - return empty chunks to the host
 *
 * Returns no more chunks than exist when the call begins, and fewer if the task
 * is being killed.
 *
 * Context: task; sleeps.
 * Return: pages returned, on all CPUs.
 */
unsigned long mal_percpu_chunk_release(void)
{
	unsigned long left = READ_ONCE(mal_percpu_chunks.nr), released, pages = 0;

	do {
		mutex_lock(&mal_percpu_mutex);
		released = mal_chunk_release(MAL_PERCPU_LOW);
		mutex_unlock(&mal_percpu_mutex);
		pages += released;
		cond_resched();
	} while (released && --left && !fatal_signal_pending(current));
	mal_table_shrink();
	return pages;
}
MAL_EXPORT_FOR_KUNIT(mal_percpu_chunk_release);

/**
 * mal_percpu_chunk_reap() - mal_percpu_chunk_release() for reclaim
 *
 * Returns nothing if the set of chunks is locked.
 *
 * Context: task, in reclaim; does not wait for a task that waits for memory.
 * Return: pages returned, on all CPUs.
 */
unsigned long mal_percpu_chunk_reap(void)
{
	unsigned long pages;

	if (!mutex_trylock(&mal_percpu_mutex))
		return 0;
	pages = mal_chunks_release(MAL_PERCPU_LOW);
	mutex_unlock(&mal_percpu_mutex);
	return pages;
}

/* Refill the reserve, unless another task has done so. */
static bool mal_percpu_refill(void)
{
	gfp_t gfp = GFP_KERNEL | __GFP_NORETRY;
	bool ok = true;

	if (READ_ONCE(mal_percpu_chunks.free) >= MAL_PERCPU_LOW)
		return true;
	if (!mal_percpu_borrow_begin(gfp))
		return false;
	if (READ_ONCE(mal_percpu_chunks.free) < MAL_PERCPU_LOW)
		ok = mal_percpu_chunk_add(MAL_PERCPU_MIN_CHUNK, gfp);
	mal_percpu_borrow_end(gfp);
	return ok;
}

/* Restore the balance: refill the reserve, return excess chunks. */
static void mal_percpu_balance(struct work_struct *work)
{
	if (!mal_percpu_refill())
		WRITE_ONCE(mal_percpu_chunks.pause, jiffies + MAL_PERCPU_PAUSE);
	mutex_lock(&mal_percpu_mutex);
	mal_chunks_release(MAL_PERCPU_HIGH);
	mutex_unlock(&mal_percpu_mutex);
}

/*
 * Statistics and validation
 */

/*
 * Call @visit for each chunk with the lock held. Stop early if the task is
 * being killed.
 */
static u64 mal_chunks_sum(u64 (*visit)(struct mal_percpu_chunk *chunk, u64 *arg),
			  u64 *arg)
{
	struct mal_percpu_chunk *chunk;
	unsigned long from = 0, flags;
	u64 sum = 0;

	do {
		spin_lock_irqsave(&mal_percpu_lock, flags);
		chunk = mal_chunk_from(from);
		if (chunk) {
			sum += visit(chunk, arg);
			from = (__force unsigned long)chunk->base + 1;
		}
		spin_unlock_irqrestore(&mal_percpu_lock, flags);
		cond_resched();
	} while (chunk && !fatal_signal_pending(current));
	return sum;
}

static u64 mal_chunk_visit_longest(struct mal_percpu_chunk *chunk, u64 *longest)
{
	*longest = max_t(u64, *longest, chunk->contig);
	return 0;
}

/**
 * mal_percpu_chunk_empty_pages() - estimate how much could be returned
 *
 * Context: any.
 * Return: pages, on all CPUs.
 */
unsigned long mal_percpu_chunk_empty_pages(void)
{
	if (READ_ONCE(mal_percpu_chunks.free) < MAL_PERCPU_GRAINS + MAL_PERCPU_LOW)
		return 0;
	return READ_ONCE(mal_percpu_chunks.empty) * MAL_PERCPU_GRAIN / PAGE_SIZE *
	       num_possible_cpus();
}

/**
 * mal_percpu_chunk_stats() - read the statistics of all chunks
 * @stats: filled in; the longest run is exact if there is no concurrent use
 *
 * Context: task; sleeps.
 */
void mal_percpu_chunk_stats(struct mal_percpu_chunk_stats *stats)
{
	const struct mal_percpu_chunks *chunks = &mal_percpu_chunks;
	unsigned long flags, metadata;
	u64 longest = 0;

	mal_chunks_sum(mal_chunk_visit_longest, &longest);
	mutex_lock(&mal_percpu_mutex);
	metadata = chunks->nr * MAL_PERCPU_DESCRIPTION + chunks->units * mal_unit_cost +
		   mal_table_bytes(mal_table());
	mutex_unlock(&mal_percpu_mutex);
	spin_lock_irqsave(&mal_percpu_lock, flags);
	*stats = (struct mal_percpu_chunk_stats) {
		.chunks = chunks->nr,
		.unit_bytes = (u64)chunks->grains * MAL_PERCPU_GRAIN,
		.bytes = (u64)chunks->grains * MAL_PERCPU_GRAIN * num_possible_cpus(),
		.metadata_bytes = metadata,
		.taken = (u64)(chunks->grains - chunks->free) * MAL_PERCPU_GRAIN,
		.largest_free = longest * MAL_PERCPU_GRAIN,
		.borrowed_total = chunks->borrowed_total,
		.returned_total = chunks->returned_total,
		.refused = chunks->refused,
		.searched = chunks->searched,
	};
	spin_unlock_irqrestore(&mal_percpu_lock, flags);
}
MAL_EXPORT_FOR_KUNIT(mal_percpu_chunk_stats);

/*
 * Length of the area that begins at a grain; zero if an invariant is violated.
 */
static unsigned int mal_chunk_area_check(const struct mal_percpu_chunk *chunk,
					 unsigned int at)
{
	unsigned int end = find_next_bit(chunk->bound, chunk->grains + 1, at + 1);
	/*
	 * The owner of the area, or the CPU that caches it, changes CACHED
	 * concurrently.
	 */
	u8 state = data_race(chunk->states[at]) & ~MAL_PERCPU_CACHED;
	unsigned int class = state - 1;

	if (!test_bit(at, chunk->bound) || !state || end > chunk->grains ||
	    find_next_zero_bit(chunk->taken, end, at) < end ||
	    memchr_inv(&chunk->states[at + 1], MAL_PERCPU_NONE, end - at - 1))
		return 0;
	if (class < MAL_PERCPU_CLASSES &&
	    mal_percpu_class_bytes(class) != (end - at) * MAL_PERCPU_GRAIN)
		return 0;
	return end - at;
}

static u64 mal_chunk_check(struct mal_percpu_chunk *chunk, u64 *checked)
{
	unsigned int at = 0, length, free = 0;

	while (at < chunk->grains) {
		++*checked;
		length = 1;
		if (test_bit(at, chunk->taken))
			length = mal_chunk_area_check(chunk, at);
		else if (chunk->states[at] != MAL_PERCPU_NONE || at < chunk->first)
			length = 0;
		else
			free++;
		if (!length)
			break;
		at += length;
	}
	++*checked;
	if (at == chunk->grains && free == chunk->free &&
	    mal_chunk_measure(chunk) == chunk->contig)
		return 0;
	mal_report(MAL_REPORT_CORRUPTION, 0,
		   "per-CPU chunk: grain %u of %u, %u free, %u counted", at,
		   chunk->grains, free, chunk->free);
	return 1;
}

/**
 * mal_percpu_chunk_validate() - check every invariant of every chunk
 * @checked: the number of checks is added to it
 *
 * Checks fewer chunks if the task is being killed.
 *
 * Context: task; sleeps.
 * Return: the number of corrupted chunks. Each has been reported.
 */
u64 mal_percpu_chunk_validate(u64 *checked)
{
	return mal_chunks_sum(mal_chunk_check, checked);
}
MAL_EXPORT_FOR_KUNIT(mal_percpu_chunk_validate);

/*
 * Load and unload
 */

/**
 * mal_percpu_chunk_init() - borrow the chunk that is kept until unload
 *
 * Context: task; sleeps.
 * Return: 0, or -ENOMEM.
 */
int mal_percpu_chunk_init(void)
{
	struct mal_percpu_table *table = mal_table_create(MAL_PERCPU_FIRST_SLOTS,
							  GFP_KERNEL);

	if (!table)
		return -ENOMEM;
	mal_percpu_chunks.pause = jiffies;
	mal_percpu_chunks.by_room = RB_ROOT;
	mal_percpu_chunks.by_base = RB_ROOT;
	RCU_INIT_POINTER(mal_percpu_table, table);
	if (mal_percpu_chunk_add(MAL_PERCPU_MIN_CHUNK, GFP_KERNEL))
		return 0;
	RCU_INIT_POINTER(mal_percpu_table, NULL);
	mal_table_destroy(table);
	return -ENOMEM;
}

static u64 mal_chunk_visit_areas(struct mal_percpu_chunk *chunk, u64 *unused)
{
	unsigned int i;
	u64 nr = 0;

	for (i = 0; i < chunk->grains; i++)
		nr += chunk->states[i] != MAL_PERCPU_NONE;
	return nr;
}

/*
 * Areas that are still allocated stay usable. Only the descriptions are freed.
 */
static void mal_chunks_abandon(void)
{
	struct mal_percpu_chunk *chunk, *next;

	pr_err("leak: %llu per-CPU areas of %lu bytes, in %lu chunks of %lu bytes on each CPU\n",
	       mal_chunks_sum(mal_chunk_visit_areas, NULL),
	       (mal_percpu_chunks.grains - mal_percpu_chunks.free) * MAL_PERCPU_GRAIN,
	       mal_percpu_chunks.nr, mal_percpu_chunks.grains * MAL_PERCPU_GRAIN);
	rbtree_postorder_for_each_entry_safe(chunk, next, &mal_percpu_chunks.by_base,
					     by_base)
		kvfree(chunk);
}

/**
 * mal_percpu_chunk_exit() - return all chunks
 *
 * Areas that were not freed are reported, and their chunks are not returned.
 *
 * Context: task; sleeps. No allocation or free is in progress.
 */
void mal_percpu_chunk_exit(void)
{
	irq_work_sync(&mal_percpu_deferred.work);
	cancel_work_sync(&mal_percpu_work);
	mutex_lock(&mal_percpu_mutex);
	mal_chunks_release(0);
	mutex_unlock(&mal_percpu_mutex);
	if (mal_percpu_chunks.nr)
		mal_chunks_abandon();
	/*
	 * Code of the module frees descriptions and tables, after up to two
	 * grace periods.
	 */
	rcu_barrier();
	rcu_barrier();
	mal_table_destroy(rcu_dereference_raw(mal_percpu_table));
}
