// SPDX-License-Identifier: GPL-2.0
/*
 * Chunks: what per-CPU areas are cut from
 *
 * A per-CPU pointer is an offset, the same for all CPUs; adding the distance of a
 * CPU makes an address of it. Those distances are the host's, set at boot, and a
 * module has no pages that lie just so. So chunks are borrowed from the host
 * whole, as per-CPU areas of 32 KiB, the most that it gives, or less where it
 * has no such run; and areas are cut from them here, without asking the host.
 *
 *	chunk->base +-------+---+----------+------- - - -+  on each possible CPU
 *	            | area  |   | area     |             |
 *	            +-------+---+----------+------- - - -+
 *	   taken     1 1 1 1 0 0 1 1 1 1 1 0 0 0          a bit for each grain
 *	   bound     1       1   1         1              where areas begin and end
 *	   states    c       0   c'        0              what area begins here
 *
 * A chunk has memory for each CPU that is possible, whether it is online or not:
 * the host populates all of them when it hands out an area. That is why it is
 * enough to fill areas with zeroes on each possible CPU when they are allocated:
 * a CPU that comes online later has its copy since then, and one that goes
 * offline keeps it, with what was counted there.
 *
 * Search. Chunks are on lists by the order of magnitude of their longest free run
 * (contig), of which an upper bound is known; those without areas are on one of their
 * own, the last that is looked at. An allocation looks at the list
 * of its own magnitude first, then at longer ones: so the run that is broken is as
 * short as there is one. Within a chunk the lowest place is taken, from "first"
 * on. When a chunk turns out to have no such run after all, its longest one is
 * measured, and it moves to the list where it belongs; each such vain search
 * lowers a bound that only frees raise again.
 *
 * Fragmentation. Nothing can be moved. What is wasted within areas is less than 8
 * bytes for those of a size class, less than 4 for all others. A chunk is borrowed
 * only if no chunk has a run that is long enough, aligned as asked for, but for what
 * the reserve takes: so all that is free then lies in pieces smaller than what is
 * wanted. That is the bound, and it means something for small areas, which fill
 * the holes first; for the largest ones, any area in each chunk is enough to need
 * another chunk. Chunks without areas go back.
 *
 * The reserve. Borrowing sleeps, so those who must not sleep live off what there
 * is. One chunk is there from load to unload, and MAL_PERCPU_LOW grains are kept
 * free for them: others borrow a chunk rather than go below. When it has come
 * to that, a worker borrows one.
 *
 * Giving back. A chunk without areas goes back to the host by a worker if
 * MAL_PERCPU_HIGH grains are free without it; on the wish of the host or of a user
 * if there are MAL_PERCPU_LOW without it; and at unload.
 *
 * Accounting. A chunk is charged to the cap, with its size on all CPUs, before it
 * is borrowed, and uncharged after it was returned; but for one that is kept from
 * load to unload, as what the module itself occupies. The descriptions are the
 * host's memory, as those of slabs.
 *
 * Lookup. The bounds of all chunks are in a sorted table. Readers search it with
 * preemption off, or under rcu_read_lock(). When a chunk is added there is a new
 * table, and the old one is freed after a grace period; when one goes, its entry is
 * marked, since there no memory may be needed.
 *
 * Walks. Chunks are on the lists in no lasting order, so who goes through all of them
 * does so by their addresses, with the table: one chunk under one hold of the lock.
 * The address is all that is needed to go on from there. Chunks that are there all
 * the time are visited once; one that is found and goes before the lock is had is
 * not on a list any more.
 *
 * Lock order: mal_percpu_mutex, then mal_percpu_lock, and no lock of ours under it.
 * Where memory is being reclaimed, the mutex is only tried.
 *
 * Context: any but NMI, unless said otherwise.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/bitmap.h>
#include <linux/cpumask.h>
#include <linux/irq_work.h>
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/kmemleak.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/percpu.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/workqueue.h>

#include "internal/inject.h"
#include "internal/kunit.h"
#include "internal/loan.h"
#include "internal/percpu_chunk.h"
#include "internal/region.h"
#include "internal/report.h"

/* So many free grains are enough for a chunk without areas to go back. */
#define MAL_PERCPU_HIGH		(SZ_16K / MAL_PERCPU_GRAIN)

/* When borrowing was in vain, the worker does not try it again for so long. */
#define MAL_PERCPU_PAUSE	(HZ / 10 + 1)

/*
 * One list for each order of magnitude of a run, from none to a whole chunk; and one
 * for chunks without areas.
 */
enum {
	MAL_PERCPU_EMPTY = const_ilog2(MAL_PERCPU_GRAINS) + 2,
	MAL_PERCPU_SLOTS,
};

/* Protects which chunks there are. */
static DEFINE_MUTEX(mal_percpu_mutex);

/* Protects their contents, and the figures. */
static DEFINE_SPINLOCK(mal_percpu_lock);

/**
 * struct mal_percpu_chunks - all chunks
 * @slots: them, by the order of magnitude of their longest free run
 * @nr: how many
 * @grains: their size
 * @free: grains that are free in them
 * @empty: those of chunks without areas
 * @kept: there is one that is not charged
 * @borrowed_total: ever borrowed
 * @returned_total: ever returned
 * @refused: not granted
 * @pause: until then, the worker does not borrow
 */
struct mal_percpu_chunks {
	struct list_head slots[MAL_PERCPU_SLOTS];
	unsigned long nr;
	unsigned long grains;
	unsigned long free;
	unsigned long empty;
	bool kept;
	u64 borrowed_total;
	u64 returned_total;
	u64 refused;
	unsigned long pause;
};

static struct mal_percpu_chunks mal_percpu_chunks;

struct mal_percpu_table __rcu *mal_percpu_table;

static void mal_percpu_balance(struct work_struct *work);
static DECLARE_WORK(mal_percpu_work, mal_percpu_balance);

/*
 * Inside a chunk: with the lock held
 */

static bool mal_chunk_is_empty(const struct mal_percpu_chunk *chunk)
{
	return chunk->free == chunk->grains;
}

static void mal_chunk_sort(struct mal_percpu_chunk *chunk)
{
	unsigned int slot = mal_chunk_is_empty(chunk) ? MAL_PERCPU_EMPTY :
							fls(chunk->contig);

	list_move(&chunk->link, &mal_percpu_chunks.slots[slot]);
}

static void mal_chunk_set_contig(struct mal_percpu_chunk *chunk,
				 unsigned int contig)
{
	chunk->contig = contig;
	mal_chunk_sort(chunk);
}

static unsigned int mal_chunk_measure(const struct mal_percpu_chunk *chunk)
{
	unsigned long begin, end, longest = 0;

	for_each_clear_bitrange(begin, end, chunk->taken, chunk->grains)
		longest = max(longest, end - begin);
	return longest;
}

/* The number of the first of so many grains; or more than there are. */
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
	if (!chunk->free)
		mal_chunk_set_contig(chunk, 0);
	else if (was_empty)
		mal_chunk_sort(chunk);
}

/* The free run that a grain lies in. */
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
	unsigned long run;

	WRITE_ONCE(chunk->states[at], MAL_PERCPU_NONE);
	bitmap_clear(chunk->taken, at, end - at);
	chunk->free += end - at;
	mal_percpu_chunks.free += end - at;
	chunk->first = min_t(unsigned long, chunk->first, at);
	if (mal_chunk_is_empty(chunk)) {
		mal_percpu_chunks.empty += chunk->grains;
		mal_chunk_set_contig(chunk, chunk->grains);
		return;
	}
	if (chunk->contig >= chunk->free)
		return;
	run = mal_chunk_run(chunk, at);
	if (run > chunk->contig)
		mal_chunk_set_contig(chunk, run);
}

/*
 * Cutting areas, and putting them back
 */

/* A chunk that has room, and where. With the lock held. */
static struct mal_percpu_chunk *
mal_percpu_search(const struct mal_percpu_want *want, unsigned long *at)
{
	struct mal_percpu_chunk *chunk, *next;
	unsigned int slot;

	for (slot = fls(want->grains); slot < MAL_PERCPU_SLOTS; slot++) {
		list_for_each_entry_safe(chunk, next, &mal_percpu_chunks.slots[slot],
					 link) {
			*at = mal_chunk_search(chunk, want);
			if (*at < chunk->grains)
				return chunk;
			if (chunk->contig >= want->grains)
				mal_chunk_set_contig(chunk, mal_chunk_measure(chunk));
		}
	}
	return NULL;
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
 * @want: what is wanted
 * @entries: filled in
 * @nr: how many are wanted
 *
 * Context: any but NMI.
 * Return: how many there are, up to @nr.
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

static bool mal_percpu_put_one(const struct mal_percpu_entry *entry)
{
	struct mal_percpu_chunk *chunk = mal_percpu_chunk_find(entry->area);

	mal_chunk_put(chunk, entry->state - chunk->states);
	return mal_chunk_is_empty(chunk);
}

/**
 * mal_percpu_put() - put areas back into their chunks
 * @entries: the areas: the caller's, and nobody else's
 * @nr: how many
 *
 * Context: any but NMI.
 */
void mal_percpu_put(const struct mal_percpu_entry *entries, unsigned int nr)
{
	unsigned long flags;
	bool empty = false;

	rcu_read_lock();
	spin_lock_irqsave(&mal_percpu_lock, flags);
	while (nr--)
		empty |= mal_percpu_put_one(entries++);
	empty &= mal_percpu_chunks.free >= MAL_PERCPU_HIGH + MAL_PERCPU_GRAINS;
	spin_unlock_irqrestore(&mal_percpu_lock, flags);
	rcu_read_unlock();
	if (empty)
		schedule_work(&mal_percpu_work);
}

/*
 * Deferred frees: of NMIs
 */

static LLIST_HEAD(mal_percpu_deferred);

static void mal_percpu_put_deferred(struct mal_percpu_chunk *chunk)
{
	struct mal_percpu_entry entry;
	unsigned int i;

	for (i = 0; i < chunk->grains; i++) {
		if (READ_ONCE(chunk->states[i]) != MAL_PERCPU_DEFERRED)
			continue;
		entry.area = chunk->base + i * MAL_PERCPU_GRAIN;
		entry.state = &chunk->states[i];
		kmemleak_free_percpu(entry.area);
		mal_percpu_put(&entry, 1);
	}
}

static void mal_percpu_work_off(struct irq_work *work)
{
	struct llist_node *list = llist_del_all(&mal_percpu_deferred);
	struct mal_percpu_chunk *chunk, *next;

	/* Keeps a chunk's description when its last area has been put back. */
	rcu_read_lock();
	llist_for_each_entry_safe(chunk, next, list, deferred) {
		do {
			mal_percpu_put_deferred(chunk);
			xchg(&chunk->is_deferred, 0);
		} while (memchr(chunk->states, MAL_PERCPU_DEFERRED, chunk->grains) &&
			 !xchg(&chunk->is_deferred, 1));
	}
	rcu_read_unlock();
}

static DEFINE_IRQ_WORK(mal_percpu_irq_work, mal_percpu_work_off);

/**
 * mal_percpu_defer() - have an area put back as soon as interrupts are possible
 * @chunk: its chunk
 * @state: where the area stands; it is the caller's
 *
 * Context: any; for NMI.
 */
void mal_percpu_defer(struct mal_percpu_chunk *chunk, u8 *state)
{
	WRITE_ONCE(*state, MAL_PERCPU_DEFERRED);
	/* xchg() orders: who has the flag now sees the state, or we queue. */
	if (!xchg(&chunk->is_deferred, 1))
		llist_add(&chunk->deferred, &mal_percpu_deferred);
	irq_work_queue(&mal_percpu_irq_work);
}

/*
 * Borrowing
 */

static unsigned long mal_chunk_pages(const struct mal_percpu_chunk *chunk)
{
	return chunk->grains * MAL_PERCPU_GRAIN / PAGE_SIZE * num_possible_cpus();
}

/* Charged, but for the one that is kept; with the mutex held. */
static bool mal_chunk_charge(struct mal_percpu_chunk *chunk, gfp_t gfp)
{
	if (!mal_percpu_chunks.kept) {
		mal_percpu_chunks.kept = true;
		return true;
	}
	chunk->charged = mal_loan_charge_other(mal_chunk_pages(chunk), gfp);
	return chunk->charged;
}

static void mal_chunk_uncharge(struct mal_percpu_chunk *chunk)
{
	if (chunk->charged)
		mal_region_uncharge_other(mal_chunk_pages(chunk));
	else
		mal_percpu_chunks.kept = false;
}

/* Whatever the host has, from a whole chunk down to just what is needed. */
static void __percpu *mal_host_percpu(size_t *size, size_t min_size, gfp_t gfp)
{
	void __percpu *base = NULL;

	if (mal_inject_should_fail())
		return NULL;
	*size = MAL_PERCPU_MAX_SIZE;
	while (!base && *size >= min_size && *size >= PAGE_SIZE) {
		base = __alloc_percpu_gfp(*size, PAGE_SIZE, gfp | __GFP_NOWARN);
		if (!base)
			*size /= 2;
	}
	return base;
}

static struct mal_percpu_chunk *mal_chunk_create(size_t min_size, gfp_t gfp)
{
	struct mal_percpu_chunk *chunk;
	size_t size;

	if (mal_inject_should_fail())
		return NULL;
	chunk = kvzalloc(sizeof(*chunk), gfp | __GFP_NOWARN);
	if (!chunk)
		return NULL;
	chunk->base = mal_host_percpu(&size, min_size, gfp);
	if (!chunk->base) {
		kvfree(chunk);
		return NULL;
	}
	/* It is told of each area, and where a chunk is, is no reference to one. */
	kmemleak_free_percpu(chunk->base);
	kmemleak_scan_area(&chunk->link, sizeof(chunk->link), gfp);
	chunk->grains = size / MAL_PERCPU_GRAIN;
	chunk->free = chunk->grains;
	chunk->contig = chunk->grains;
	return chunk;
}

static void mal_chunk_destroy(struct mal_percpu_chunk *chunk)
{
	free_percpu(chunk->base);
	kvfree_rcu(chunk, rcu);
}

/* A table with one chunk more, without those that are gone. With the mutex held. */
static struct mal_percpu_table *mal_table_create(const struct mal_percpu_table *old,
						 struct mal_percpu_chunk *chunk,
						 gfp_t gfp)
{
	struct mal_percpu_span fresh = {
		.base = (__force unsigned long)chunk->base,
		.size = chunk->grains * MAL_PERCPU_GRAIN,
		.chunk = chunk,
	};
	struct mal_percpu_table *table;
	unsigned int i;

	if (mal_inject_should_fail())
		return NULL;
	table = kvzalloc(struct_size(table, spans, old->nr + 1), gfp | __GFP_NOWARN);
	if (!table)
		return NULL;
	kmemleak_no_scan(table);
	for (i = 0; i < old->nr && old->spans[i].base < fresh.base; i++)
		if (old->spans[i].chunk)
			table->spans[table->nr++] = old->spans[i];
	table->spans[table->nr++] = fresh;
	for (; i < old->nr; i++)
		if (old->spans[i].chunk)
			table->spans[table->nr++] = old->spans[i];
	return table;
}

static struct mal_percpu_table *mal_table(void)
{
	return rcu_dereference_protected(mal_percpu_table,
					 lockdep_is_held(&mal_percpu_mutex));
}

/* With the mutex held. */
static bool mal_chunk_enlist(struct mal_percpu_chunk *chunk, gfp_t gfp)
{
	struct mal_percpu_table *table, *old = mal_table();
	unsigned long flags;

	if (!mal_chunk_charge(chunk, gfp))
		return false;
	table = mal_table_create(old, chunk, gfp);
	if (!table) {
		mal_chunk_uncharge(chunk);
		return false;
	}
	rcu_assign_pointer(mal_percpu_table, table);
	kvfree_rcu(old, rcu);
	spin_lock_irqsave(&mal_percpu_lock, flags);
	list_add(&chunk->link, &mal_percpu_chunks.slots[MAL_PERCPU_EMPTY]);
	mal_percpu_chunks.nr++;
	mal_percpu_chunks.grains += chunk->grains;
	mal_percpu_chunks.free += chunk->grains;
	mal_percpu_chunks.empty += chunk->grains;
	mal_percpu_chunks.borrowed_total++;
	spin_unlock_irqrestore(&mal_percpu_lock, flags);
	return true;
}

static void mal_percpu_count_refusal(void)
{
	unsigned long flags;

	spin_lock_irqsave(&mal_percpu_lock, flags);
	mal_percpu_chunks.refused++;
	spin_unlock_irqrestore(&mal_percpu_lock, flags);
}

/**
 * mal_percpu_chunk_add() - borrow a chunk
 * @size: of the smallest one that will do, in bytes
 * @gfp: how far the host may go
 *
 * Context: task; sleeps.
 * Return: true, or false if the cap or the host refused.
 */
bool mal_percpu_chunk_add(size_t size, gfp_t gfp)
{
	struct mal_percpu_chunk *chunk;
	bool ok;

	gfp &= GFP_KERNEL | __GFP_NORETRY;
	chunk = mal_chunk_create(size, gfp);
	if (!chunk) {
		mal_percpu_count_refusal();
		return false;
	}
	mutex_lock(&mal_percpu_mutex);
	ok = mal_chunk_enlist(chunk, gfp);
	mutex_unlock(&mal_percpu_mutex);
	if (!ok) {
		mal_chunk_destroy(chunk);
		mal_percpu_count_refusal();
	}
	return ok;
}

/*
 * Giving back
 */

/*
 * Take a chunk without areas off the list, if so much is free without it. Each of
 * those that are passed over has more than all others together beyond that, so they
 * are few.
 */
static struct mal_percpu_chunk *mal_chunk_delist(unsigned long keep)
{
	struct mal_percpu_chunk *chunk;
	unsigned long flags;

	spin_lock_irqsave(&mal_percpu_lock, flags);
	list_for_each_entry(chunk, &mal_percpu_chunks.slots[MAL_PERCPU_EMPTY], link)
		if (mal_percpu_chunks.free - chunk->grains >= keep)
			goto found;
	spin_unlock_irqrestore(&mal_percpu_lock, flags);
	return NULL;

found:
	/* Who walks may have found it: see mal_chunk_visit(). */
	list_del_init(&chunk->link);
	mal_percpu_chunks.nr--;
	mal_percpu_chunks.grains -= chunk->grains;
	mal_percpu_chunks.free -= chunk->grains;
	mal_percpu_chunks.empty -= chunk->grains;
	mal_percpu_chunks.returned_total++;
	spin_unlock_irqrestore(&mal_percpu_lock, flags);
	return chunk;
}

/* The number of the first span that begins at an address, or after it. */
static unsigned int mal_table_from(const struct mal_percpu_table *table,
				   unsigned long base)
{
	unsigned int low = 0, high = table->nr, middle;

	while (low < high) {
		middle = low + (high - low) / 2;
		if (table->spans[middle].base < base)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void mal_table_forget(const struct mal_percpu_chunk *chunk)
{
	struct mal_percpu_table *table = mal_table();
	unsigned int i = mal_table_from(table, (__force unsigned long)chunk->base);

	WRITE_ONCE(table->spans[i].chunk, NULL);
}

/* With the mutex held. Returns pages, on all CPUs: zero if there is none to release. */
static unsigned long mal_chunk_release(unsigned long keep)
{
	struct mal_percpu_chunk *chunk = mal_chunk_delist(keep);
	unsigned long pages;

	if (!chunk)
		return 0;
	pages = mal_chunk_pages(chunk);
	mal_table_forget(chunk);
	mal_chunk_uncharge(chunk);
	mal_chunk_destroy(chunk);
	return pages;
}

/* With the mutex held. Returns pages, on all CPUs. */
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

/**
 * mal_percpu_chunk_release() - give chunks without areas back to the host
 *
 * Fewer, if the task is being killed.
 *
 * Context: task; sleeps.
 * Return: pages given back, on all CPUs.
 */
unsigned long mal_percpu_chunk_release(void)
{
	unsigned long released, pages = 0;

	do {
		mutex_lock(&mal_percpu_mutex);
		released = mal_chunk_release(MAL_PERCPU_LOW);
		mutex_unlock(&mal_percpu_mutex);
		pages += released;
		cond_resched();
	} while (released && !fatal_signal_pending(current));
	return pages;
}

/**
 * mal_percpu_chunk_reap() - mal_percpu_chunk_release(), if nobody is at it
 *
 * Context: task, where memory is reclaimed; waits for nobody who waits for
 * memory.
 * Return: pages given back, on all CPUs.
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

/* Is there too little, or too much? */
static void mal_percpu_balance(struct work_struct *work)
{
	if (READ_ONCE(mal_percpu_chunks.free) < MAL_PERCPU_LOW &&
	    !mal_percpu_chunk_add(PAGE_SIZE, GFP_KERNEL | __GFP_NORETRY))
		WRITE_ONCE(mal_percpu_chunks.pause, jiffies + MAL_PERCPU_PAUSE);
	mutex_lock(&mal_percpu_mutex);
	mal_chunks_release(MAL_PERCPU_HIGH);
	mutex_unlock(&mal_percpu_mutex);
}

/*
 * Figures and checks
 */

/* Of a chunk that a walk has found; with its lock held, unless it has gone. */
static u64 mal_chunk_visit(struct mal_percpu_chunk *chunk,
			   u64 (*visit)(struct mal_percpu_chunk *chunk, u64 *arg),
			   u64 *arg)
{
	unsigned long flags;
	u64 result = 0;

	spin_lock_irqsave(&mal_percpu_lock, flags);
	if (!list_empty(&chunk->link))
		result = visit(chunk, arg);
	spin_unlock_irqrestore(&mal_percpu_lock, flags);
	return result;
}

/* Call @visit for each chunk, with the lock held; fewer, if the task is being killed. */
static u64 mal_chunks_sum(u64 (*visit)(struct mal_percpu_chunk *chunk, u64 *arg),
			  u64 *arg)
{
	const struct mal_percpu_table *table;
	struct mal_percpu_chunk *chunk;
	unsigned long base = 0;
	unsigned int i;
	u64 sum = 0;

	rcu_read_lock();
	for (;;) {
		table = rcu_dereference(mal_percpu_table);
		i = mal_table_from(table, base);
		if (i == table->nr || fatal_signal_pending(current))
			break;
		base = table->spans[i].base + 1;
		chunk = READ_ONCE(table->spans[i].chunk);
		if (chunk)
			sum += mal_chunk_visit(chunk, visit, arg);
		rcu_read_unlock();
		cond_resched();
		rcu_read_lock();
	}
	rcu_read_unlock();
	return sum;
}

static u64 mal_chunk_visit_longest(struct mal_percpu_chunk *chunk, u64 *longest)
{
	if (chunk->contig > *longest)
		*longest = max_t(u64, *longest, mal_chunk_measure(chunk));
	return 0;
}

/**
 * mal_percpu_chunk_empty_pages() - what could be given back, about
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
 * mal_percpu_chunk_stats() - the figures of all chunks
 * @stats: filled in; the longest run is exact if nobody allocates or frees
 *
 * Context: task; sleeps.
 */
void mal_percpu_chunk_stats(struct mal_percpu_chunk_stats *stats)
{
	const struct mal_percpu_chunks *chunks = &mal_percpu_chunks;
	unsigned long flags;
	u64 longest = 0;

	mal_chunks_sum(mal_chunk_visit_longest, &longest);
	spin_lock_irqsave(&mal_percpu_lock, flags);
	*stats = (struct mal_percpu_chunk_stats) {
		.chunks = chunks->nr,
		.unit_bytes = (u64)chunks->grains * MAL_PERCPU_GRAIN,
		.bytes = (u64)chunks->grains * MAL_PERCPU_GRAIN * num_possible_cpus(),
		.metadata_bytes = chunks->nr * sizeof(struct mal_percpu_chunk),
		.taken = (u64)(chunks->grains - chunks->free) * MAL_PERCPU_GRAIN,
		.largest_free = longest * MAL_PERCPU_GRAIN,
		.borrowed_total = chunks->borrowed_total,
		.returned_total = chunks->returned_total,
		.refused = chunks->refused,
	};
	spin_unlock_irqrestore(&mal_percpu_lock, flags);
}

/* The length of the area that begins at a grain; zero if something is wrong. */
static unsigned int mal_chunk_area_check(const struct mal_percpu_chunk *chunk,
					 unsigned int at)
{
	unsigned int end = find_next_bit(chunk->bound, chunk->grains + 1, at + 1);
	/* Whoever has the area, or has it at hand, adds CACHED and removes it. */
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
	    mal_chunk_measure(chunk) <= chunk->contig)
		return 0;
	mal_report(MAL_REPORT_CORRUPTION, 0,
		   "per-CPU chunk: grain %u of %u, %u free, %u counted", at,
		   chunk->grains, free, chunk->free);
	return 1;
}

/**
 * mal_percpu_chunk_validate() - check every invariant of every chunk
 * @checked: the number of things checked is added here
 *
 * Of fewer chunks, if the task is being killed.
 *
 * Context: task; sleeps.
 * Return: how many chunks were wrong. Each has been reported.
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
 * mal_percpu_chunk_init() - borrow the chunk that is kept
 *
 * Context: task; sleeps.
 * Return: 0, or -ENOMEM.
 */
int mal_percpu_chunk_init(void)
{
	struct mal_percpu_table *table = kvzalloc(sizeof(*table), GFP_KERNEL);
	unsigned int slot;

	if (!table)
		return -ENOMEM;
	mal_percpu_chunks.pause = jiffies;
	for (slot = 0; slot < MAL_PERCPU_SLOTS; slot++)
		INIT_LIST_HEAD(&mal_percpu_chunks.slots[slot]);
	RCU_INIT_POINTER(mal_percpu_table, table);
	if (mal_percpu_chunk_add(PAGE_SIZE, GFP_KERNEL))
		return 0;
	RCU_INIT_POINTER(mal_percpu_table, NULL);
	kvfree(table);
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

/* What is still somebody's stays so; only its description goes. */
static void mal_chunks_abandon(void)
{
	struct mal_percpu_chunk *chunk, *next;
	unsigned int slot;

	pr_err("leak: %llu per-CPU areas of %lu bytes, in %lu chunks of %lu bytes on each CPU\n",
	       mal_chunks_sum(mal_chunk_visit_areas, NULL),
	       (mal_percpu_chunks.grains - mal_percpu_chunks.free) * MAL_PERCPU_GRAIN,
	       mal_percpu_chunks.nr, mal_percpu_chunks.grains * MAL_PERCPU_GRAIN);
	for (slot = 0; slot < MAL_PERCPU_SLOTS; slot++)
		list_for_each_entry_safe(chunk, next, &mal_percpu_chunks.slots[slot],
					 link)
			kvfree(chunk);
}

/**
 * mal_percpu_chunk_exit() - give everything back
 *
 * Areas that somebody has left behind are reported; their chunks stay with whom
 * they have.
 *
 * Context: task; sleeps. Nobody allocates or frees any more.
 */
void mal_percpu_chunk_exit(void)
{
	irq_work_sync(&mal_percpu_irq_work);
	cancel_work_sync(&mal_percpu_work);
	mutex_lock(&mal_percpu_mutex);
	mal_chunks_release(0);
	mutex_unlock(&mal_percpu_mutex);
	if (mal_percpu_chunks.nr)
		mal_chunks_abandon();
	kvfree(rcu_dereference_raw(mal_percpu_table));
}
