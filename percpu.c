// SPDX-License-Identifier: GPL-2.0
/*
 * Per-CPU areas: allocation and free, and what each CPU keeps at hand
 *
 * Areas are cut from chunks (percpu_chunk.c). Those of up to MAL_PERCPU_MAX_HOT
 * bytes are of a size class, a multiple of 8 bytes (or of 4), and aligned to
 * the largest power of two that divides it. In front of the chunks each CPU has
 * a stack of free areas of each class, at hand without a lock:
 *
 *	CPU  +---------+     +--------+
 *	     | class 0 |     | area   |  <- stack->nr
 *	     | class 1 |---->| area   |
 *	     |   ...   |     | area   |
 *	     +---------+     +--------+
 *
 * A stack comes into being when an area of its class is first freed on the CPU. If
 * it is empty, half of it is cut from the chunks, and if it is full, its older half
 * is put back, under one taking of the lock. What all CPUs together keep of a class
 * is bounded by the size of a chunk, as long as each can keep two.
 *
 * The busy flag. A CPU's stacks are used with preemption off and the flag set. An
 * interrupt that comes in between finds the flag set, and goes to the chunks. An
 * NMI gets nothing then, and what it frees is deferred.
 *
 * Zeroes. An area is filled with zeroes when it is allocated, on each CPU that is
 * possible: then whatever the last user may still have written after it was freed
 * does not matter, and memory that is never used again is not touched for
 * nothing. That this is enough for CPUs that come later is said in percpu_chunk.c.
 *
 * Misuse. A free looks the chunk up, and then where the grain stands: anything but
 * an allocated area is reported, and nothing else happens. If two free the same
 * area at the same moment on two CPUs, it is on two stacks; the second one to take
 * it finds that out.
 *
 * Memory for the stacks is the host's. Without it things work, but slowly.
 *
 * Lock order: the host's lock of CPU hotplug, mal_percpu_drain_mutex, then those of
 * percpu_chunk.c. The mutex is only tried where memory is being reclaimed. No lock
 * is taken under the flag.
 *
 * Context: any; allocation sleeps if its flags allow it.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cpu.h>
#include <linux/cpuhotplug.h>
#include <linux/cpumask.h>
#include <linux/hardirq.h>
#include <linux/kernel.h>
#include <linux/log2.h>
#include <linux/mutex.h>
#include <linux/nospec.h>
#include <linux/percpu.h>
#include <linux/ratelimit.h>
#include <linux/sched/mm.h>
#include <linux/seq_file.h>
#include <linux/shrinker.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <linux/string.h>

#include <asm/local.h>

#include <memalloc/percpu.h>

#include "internal/compat.h"
#include "internal/inject.h"
#include "internal/kmemleak.h"
#include "internal/kunit.h"
#include "internal/peek.h"
#include "internal/percpu.h"
#include "internal/percpu_chunk.h"
#include "internal/report.h"
#include "internal/watch.h"

/* Areas in a stack at most: with these it occupies 512 bytes. */
#define MAL_STACK_MAX	32U

/**
 * struct mal_percpu_stack - areas of a class that are at hand on a CPU
 * @entries: them, from the bottom; NULL if there is no room for any
 * @nr: how many
 * @capacity: how many there is room for
 */
struct mal_percpu_stack {
	struct mal_percpu_entry *entries;
	unsigned int nr;
	unsigned int capacity;
};

/**
 * struct mal_percpu_hot - what is at hand on a CPU
 * @busy: somebody on this CPU is at it: those who interrupt them, keep out
 * @hits: allocations that were served from here
 * @misses: allocations that were not
 * @failures: of those, the ones that failed
 * @stacks: one for each class
 */
struct mal_percpu_hot {
	u8 busy;
	unsigned long hits;
	local_t misses;
	local_t failures;
	struct mal_percpu_stack stacks[MAL_PERCPU_CLASSES];
};

static struct mal_percpu_hot __percpu *mal_percpu_hot __mal_ro_after_init;

static struct shrinker *mal_percpu_shrinker;
static int mal_percpu_cpuhp;

/* Only one at a time empties the stacks of a CPU. */
static DEFINE_MUTEX(mal_percpu_drain_mutex);

/* As mal_cpu_enter(): see there. */
static __always_inline bool mal_hot_enter(struct mal_percpu_hot *hot)
{
	/* Who interrupts this leaves the flag as it was. */
	if (unlikely(data_race(hot->busy) || mal_kmemleak_forbids()))
		return false;
	WRITE_ONCE(hot->busy, 1);
	barrier();
	return true;
}

static __always_inline void mal_hot_leave(struct mal_percpu_hot *hot)
{
	barrier();
	WRITE_ONCE(hot->busy, 0);
	barrier();
}

/* Where there is no instruction for it, this_cpu_inc() would switch interrupts off. */
#define mal_hot_count(what)						\
do {									\
	preempt_disable();						\
	local_inc(&this_cpu_ptr(mal_percpu_hot)->what);			\
	preempt_enable();						\
} while (0)

/*
 * Classes
 */

/* The class for a size and an alignment; MAL_PERCPU_CLASSES or more for none. */
static __always_inline unsigned int mal_percpu_class(size_t size, size_t align)
{
	unsigned int class;

	if (unlikely(size - 1 >= MAL_PERCPU_MAX_HOT || !is_power_of_2(align)))
		return MAL_PERCPU_CLASSES;
	if (size <= MAL_PERCPU_GRAIN && align <= MAL_PERCPU_GRAIN)
		return 0;
	class = (size + 7) / 8;
	return unlikely(class * 8 & (align - 1)) ? MAL_PERCPU_CLASSES : class;
}

static unsigned int mal_stack_capacity(unsigned int class)
{
	return clamp((unsigned int)MAL_PERCPU_MAX_SIZE / num_possible_cpus() /
		     mal_percpu_class_bytes(class), 2U, MAL_STACK_MAX);
}

/* A call of memset() costs more than a small area is worth. */
static __always_inline void mal_percpu_zero(void __percpu *area, unsigned int class)
{
	unsigned int cpu, i;

	for_each_possible_cpu(cpu) {
		void *copy = per_cpu_ptr(area, cpu);

		if (!class)
			WRITE_ONCE(*(u32 *)copy, 0);
		for (i = 0; i < class; i++)
			WRITE_ONCE(((u64 *)copy)[i], 0);
	}
}

/*
 * The long way of allocation
 */

/* Put areas on this CPU's stack. Returns how many. */
static unsigned int mal_hot_stock(unsigned int class,
				  const struct mal_percpu_entry *entries,
				  unsigned int nr)
{
	struct mal_percpu_stack *stack;
	struct mal_percpu_hot *hot;

	preempt_disable();
	hot = this_cpu_ptr(mal_percpu_hot);
	stack = &hot->stacks[class];
	if (mal_hot_enter(hot)) {
		nr = min(nr, stack->capacity - stack->nr);
		if (nr)
			memcpy(&stack->entries[stack->nr], entries,
			       nr * sizeof(*entries));
		stack->nr += nr;
		mal_hot_leave(hot);
	} else {
		nr = 0;
	}
	preempt_enable();
	return nr;
}

static void __percpu *mal_percpu_cut(struct mal_percpu_want *want,
				     unsigned int class)
{
	struct mal_percpu_entry entries[MAL_STACK_MAX / 2 + 1];
	unsigned int nr = 1, stocked;

	if (class < MAL_PERCPU_CLASSES)
		nr += raw_cpu_ptr(mal_percpu_hot)->stacks[class].capacity / 2;
	nr = mal_percpu_take(want, entries, nr);
	if (!nr)
		return NULL;
	if (nr > 1) {
		stocked = mal_hot_stock(class, entries + 1, nr - 1);
		mal_percpu_put(entries + 1 + stocked, nr - 1 - stocked);
	}
	return entries[0].area;
}

/* Who may sleep leaves the reserve alone, as long as there is anything else. */
static void __percpu *mal_percpu_find_room(struct mal_percpu_want *want,
					   unsigned int class, gfp_t gfp)
{
	void __percpu *area;

	if (gfpflags_allow_blocking(gfp)) {
		want->keep = MAL_PERCPU_LOW;
		area = mal_percpu_cut(want, class);
		if (area)
			return area;
		mal_percpu_chunk_add(PAGE_ALIGN(want->grains * MAL_PERCPU_GRAIN), gfp);
		want->keep = 0;
	}
	return mal_percpu_cut(want, class);
}

static void mal_percpu_warn(size_t size, size_t align, gfp_t gfp,
			    unsigned long caller)
{
	static DEFINE_RATELIMIT_STATE(limit, DEFAULT_RATELIMIT_INTERVAL,
				      DEFAULT_RATELIMIT_BURST);

	if (gfp & __GFP_NOWARN || !__ratelimit(&limit))
		return;
	pr_warn("no per-CPU area of %zu bytes, aligned to %zu, gfp %pGg, for %pS\n",
		size, align, &gfp, (void *)caller);
}

static noinline void __percpu *mal_percpu_alloc_long(size_t size, size_t align,
						     gfp_t gfp, unsigned int class,
						     unsigned long caller)
{
	struct mal_percpu_want want = { .state = MAL_PERCPU_LARGE };
	void __percpu *area = NULL;
	unsigned int cpu;

	might_alloc(gfp);
	mal_hot_count(misses);
	want.grains = DIV_ROUND_UP(size, MAL_PERCPU_GRAIN);
	want.align = max_t(size_t, align / MAL_PERCPU_GRAIN, 1);
	if (class < MAL_PERCPU_CLASSES) {
		size = mal_percpu_class_bytes(class);
		want.grains = size / MAL_PERCPU_GRAIN;
		want.align = want.grains & -want.grains;
		want.state = class + 1;
	}
	if (size && size <= MAL_PERCPU_MAX_SIZE && is_power_of_2(align) &&
	    align <= PAGE_SIZE && !in_nmi() && !mal_inject_should_fail())
		area = mal_percpu_find_room(&want, class, gfp);
	if (!area) {
		mal_hot_count(failures);
		mal_percpu_warn(size, align, gfp, caller);
		return NULL;
	}
	for_each_possible_cpu(cpu)
		memset(per_cpu_ptr(area, cpu), 0, size);
	kmemleak_alloc_percpu(area, size, gfp);
	return area;
}

/*
 * The short way of allocation
 */

/* Take what is on top, if it is what it should be. */
static __always_inline void __percpu *mal_hot_pop(unsigned int class)
{
	struct mal_percpu_stack *stack;
	struct mal_percpu_entry *entry;
	void __percpu *area = NULL;
	struct mal_percpu_hot *hot;

	preempt_disable();
	hot = this_cpu_ptr(mal_percpu_hot);
	stack = &hot->stacks[class];
	if (unlikely(!mal_hot_enter(hot)))
		goto out;
	if (likely(stack->nr)) {
		entry = &stack->entries[--stack->nr];
		if (likely(*entry->state == (MAL_PERCPU_CACHED | (class + 1)))) {
			*entry->state = class + 1;
			area = entry->area;
			hot->hits++;
		}
		/* else two have freed it at once: the other one has it */
	}
	mal_hot_leave(hot);
out:
	preempt_enable();
	return area;
}

static __always_inline void __percpu *mal_percpu_alloc(size_t size, size_t align,
						       gfp_t gfp)
{
	unsigned int class = mal_percpu_class(size, align);
	void __percpu *area;

	if (mal_is_watched() || unlikely(class >= MAL_PERCPU_CLASSES))
		goto slow;
	area = mal_hot_pop(class);
	if (unlikely(!area))
		goto slow;
	mal_percpu_zero(area, class);
	kmemleak_alloc_percpu(area, mal_percpu_class_bytes(class), gfp);
	return area;

slow:
	return mal_percpu_alloc_long(size, align, gfp, class, _RET_IP_);
}

/**
 * __mal_alloc_percpu_gfp() - allocate memory on each CPU
 * @size: bytes, up to MAL_PERCPU_MAX_SIZE
 * @align: a power of two, up to PAGE_SIZE
 * @gfp: what may be done for it: with __GFP_DIRECT_RECLAIM it may sleep, and with
 *	__GFP_NOWARN nothing is said if there is none
 *
 * Context: any; in NMI only what this CPU has at hand.
 * Return: the memory, filled with zeroes on each possible CPU; or NULL if there
 * is none, or no such size or alignment.
 */
void __percpu *__mal_alloc_percpu_gfp(size_t size, size_t align, gfp_t gfp)
{
	return mal_percpu_alloc(size, align, gfp);
}
MAL_EXPORT(__mal_alloc_percpu_gfp);

/**
 * mal_alloc_percpu_nospec() - __mal_alloc_percpu_gfp() with a size of user space's
 * @size: as for __mal_alloc_percpu_gfp()
 * @align: as for __mal_alloc_percpu_gfp()
 * @gfp: as for __mal_alloc_percpu_gfp()
 *
 * The class, which the size says, is the index of a table.
 *
 * Context: as for __mal_alloc_percpu_gfp().
 * Return: as for __mal_alloc_percpu_gfp().
 */
void __percpu *mal_alloc_percpu_nospec(size_t size, size_t align, gfp_t gfp)
{
	if (size - 1 >= MAL_PERCPU_MAX_HOT)
		return mal_percpu_alloc_long(size, align, gfp, MAL_PERCPU_CLASSES,
					     _RET_IP_);
	size = array_index_nospec(size - 1, MAL_PERCPU_MAX_HOT) + 1;
	return mal_percpu_alloc(size, align, gfp);
}

/**
 * __mal_alloc_percpu() - allocate memory on each CPU
 * @size: as for __mal_alloc_percpu_gfp()
 * @align: as for __mal_alloc_percpu_gfp()
 *
 * Context: task; sleeps.
 * Return: as for __mal_alloc_percpu_gfp().
 */
void __percpu *__mal_alloc_percpu(size_t size, size_t align)
{
	return mal_percpu_alloc(size, align, GFP_KERNEL);
}
MAL_EXPORT(__mal_alloc_percpu);

/*
 * Free
 */

static struct mal_percpu_entry *mal_stack_create(unsigned int class)
{
	struct mal_percpu_entry *entries;

	if (mal_inject_should_fail())
		return NULL;
	entries = kmalloc_array(mal_stack_capacity(class), sizeof(*entries),
				GFP_NOWAIT | __GFP_NOWARN);
	/* What is free, or was taken out, is not referred to. */
	kmemleak_no_scan(entries);
	return entries;
}

/**
 * struct mal_percpu_spill - what a stack must get rid of
 * @entries: areas
 * @nr: how many
 */
struct mal_percpu_spill {
	struct mal_percpu_entry entries[MAL_STACK_MAX / 2 + 1];
	unsigned int nr;
};

/* Make room on a stack: by giving it a place, or by taking its older half out. */
static void mal_stack_make_room(struct mal_percpu_stack *stack, unsigned int class,
				struct mal_percpu_entry **fresh,
				struct mal_percpu_spill *spill)
{
	if (!stack->entries && *fresh) {
		stack->entries = *fresh;
		stack->capacity = mal_stack_capacity(class);
		*fresh = NULL;
	}
	if (!stack->nr || stack->nr < stack->capacity)
		return;
	spill->nr = stack->nr / 2;
	stack->nr -= spill->nr;
	memcpy(spill->entries, stack->entries, spill->nr * sizeof(*spill->entries));
	memmove(stack->entries, stack->entries + spill->nr,
		stack->nr * sizeof(*spill->entries));
}

/* An area that is CACHED, and that the stack has no room for. */
static void mal_percpu_spill(const struct mal_percpu_entry *entry, unsigned int class)
{
	struct mal_percpu_entry *fresh = NULL;
	struct mal_percpu_stack *stack;
	struct mal_percpu_spill spill;
	struct mal_percpu_hot *hot;

	if (!raw_cpu_ptr(mal_percpu_hot)->stacks[class].entries)
		fresh = mal_stack_create(class);
	spill.nr = 0;
	preempt_disable();
	hot = this_cpu_ptr(mal_percpu_hot);
	stack = &hot->stacks[class];
	if (mal_hot_enter(hot)) {
		mal_stack_make_room(stack, class, &fresh, &spill);
		mal_hot_leave(hot);
	}
	preempt_enable();
	if (!mal_hot_stock(class, entry, 1))
		mal_percpu_put(entry, 1);
	mal_percpu_put(spill.entries, spill.nr);
	kfree(fresh);
}

static void mal_percpu_report(const struct mal_percpu_chunk *chunk,
			      unsigned long offset, unsigned long caller)
{
	u8 state = MAL_PERCPU_NONE;

	if (!chunk) {
		mal_report(MAL_REPORT_FOREIGN_FREE, caller,
			   "no per-CPU area, or one of the host's");
		return;
	}
	if (IS_ALIGNED(offset, MAL_PERCPU_GRAIN))
		state = READ_ONCE(chunk->states[offset / MAL_PERCPU_GRAIN]);
	if (state & MAL_PERCPU_CACHED || state == MAL_PERCPU_DEFERRED ||
	    (IS_ALIGNED(offset, MAL_PERCPU_GRAIN) &&
	     !test_bit(offset / MAL_PERCPU_GRAIN, chunk->taken)))
		mal_report(MAL_REPORT_DOUBLE_FREE, caller,
			   "per-CPU area at offset %lu of its chunk", offset);
	else
		mal_report(MAL_REPORT_WRONG_FREE, caller,
			   "inside of a per-CPU area, at offset %lu of its chunk",
			   offset);
}

/* For all that the short way does not know. Preemption is off before, and on after. */
static noinline void mal_percpu_free_long(void __percpu *area,
					  struct mal_percpu_chunk *chunk,
					  unsigned long offset,
					  unsigned long caller)
{
	struct mal_percpu_entry entry = { .area = area };
	bool put = false;

	if (chunk && IS_ALIGNED(offset, MAL_PERCPU_GRAIN))
		entry.state = &chunk->states[offset / MAL_PERCPU_GRAIN];
	if (!entry.state || cmpxchg(entry.state, MAL_PERCPU_LARGE,
				    MAL_PERCPU_LARGE | MAL_PERCPU_CACHED) !=
			    MAL_PERCPU_LARGE)
		mal_percpu_report(chunk, offset, caller);
	else if (in_nmi())
		mal_percpu_defer(chunk, entry.state);
	else
		put = true;
	preempt_enable();
	if (!put)
		return;
	kmemleak_free_percpu(area);
	mal_percpu_put(&entry, 1);
}

/* The stack has no room, or is in use. Preemption is off before, and on after. */
static noinline void mal_percpu_free_spill(void __percpu *area, u8 *state,
					   unsigned int class)
{
	struct mal_percpu_entry entry = { .area = area, .state = state };
	bool nmi = in_nmi();

	if (nmi)
		mal_percpu_defer(mal_percpu_chunk_find(area), state);
	preempt_enable();
	if (!nmi)
		mal_percpu_spill(&entry, class);
}

/* Returns false if there is no room, or somebody is at it. Preemption is off. */
static __always_inline bool mal_hot_push(void __percpu *area, u8 *state,
					 unsigned int class)
{
	struct mal_percpu_hot *hot = this_cpu_ptr(mal_percpu_hot);
	struct mal_percpu_stack *stack = &hot->stacks[class];
	struct mal_percpu_entry *entry;

	if (unlikely(!mal_hot_enter(hot)))
		return false;
	if (unlikely(stack->nr == stack->capacity)) {
		mal_hot_leave(hot);
		return false;
	}
	entry = &stack->entries[stack->nr++];
	entry->area = area;
	entry->state = state;
	mal_hot_leave(hot);
	return true;
}

/**
 * mal_free_percpu() - free memory on each CPU
 * @area: what was allocated, or NULL; nobody uses it any more
 *
 * Misuse is reported and has no other effect.
 *
 * Context: any.
 */
void mal_free_percpu(void __percpu *area)
{
	struct mal_percpu_chunk *chunk;
	unsigned long offset = 0;
	unsigned int class;
	u8 *state;

	if (unlikely(!area))
		return;
	preempt_disable();
	chunk = mal_percpu_chunk_find(area);
	if (unlikely(!chunk))
		goto slow;
	offset = (__force unsigned long)area - (__force unsigned long)chunk->base;
	state = &chunk->states[offset / MAL_PERCPU_GRAIN];
	class = *state - 1;
	if (unlikely(class >= MAL_PERCPU_CLASSES || offset % MAL_PERCPU_GRAIN))
		goto slow;
	*state |= MAL_PERCPU_CACHED;
	if (!mal_kmemleak_forbids())
		kmemleak_free_percpu(area);
	if (unlikely(!mal_hot_push(area, state, class))) {
		mal_percpu_free_spill(area, state, class);
		return;
	}
	preempt_enable();
	return;

slow:
	mal_percpu_free_long(area, chunk, offset, _RET_IP_);
}
MAL_EXPORT(mal_free_percpu);

/*
 * Emptying
 */

/**
 * struct mal_percpu_handover - what a CPU hands over
 * @stacks: its stacks
 * @busy: it was in the middle of something
 */
struct mal_percpu_handover {
	struct mal_percpu_stack stacks[MAL_PERCPU_CLASSES];
	bool busy;
};

/* Protected by mal_percpu_drain_mutex. */
static struct mal_percpu_handover mal_percpu_handover;

static void mal_hot_give(struct mal_percpu_hot *hot,
			 struct mal_percpu_handover *handover)
{
	memcpy(handover->stacks, hot->stacks, sizeof(hot->stacks));
	memset(hot->stacks, 0, sizeof(hot->stacks));
}

static void mal_hot_hand_over(void *data)
{
	struct mal_percpu_hot *hot = this_cpu_ptr(mal_percpu_hot);
	struct mal_percpu_handover *handover = data;

	handover->busy = !mal_hot_enter(hot);
	if (handover->busy)
		return;
	mal_hot_give(hot, handover);
	mal_hot_leave(hot);
}

static void mal_handover_put(struct mal_percpu_handover *handover)
{
	unsigned int class;

	for (class = 0; class < MAL_PERCPU_CLASSES; class++) {
		struct mal_percpu_stack *stack = &handover->stacks[class];

		mal_percpu_put(stack->entries, stack->nr);
		kfree(stack->entries);
	}
}

/* Of a CPU that is not used any more. */
static void mal_hot_drain_dead(unsigned int cpu)
{
	mal_hot_give(per_cpu_ptr(mal_percpu_hot, cpu), &mal_percpu_handover);
	mal_handover_put(&mal_percpu_handover);
}

static void mal_hot_drain_cpu(unsigned int cpu)
{
	do {
		/* One that is just going is emptied by whoever unplugs it. */
		if (smp_call_function_single(cpu, mal_hot_hand_over,
					     &mal_percpu_handover, 1))
			return;
	} while (mal_percpu_handover.busy);
	mal_handover_put(&mal_percpu_handover);
}

/* With the mutex held. */
static void mal_hot_drain(void)
{
	unsigned int cpu;

	for_each_online_cpu(cpu)
		mal_hot_drain_cpu(cpu);
}

static int mal_percpu_cpu_dead(unsigned int cpu)
{
	mutex_lock(&mal_percpu_drain_mutex);
	mal_hot_drain_dead(cpu);
	mutex_unlock(&mal_percpu_drain_mutex);
	return 0;
}

/**
 * mal_percpu_shrink() - give back to the host what is not used
 *
 * Context: task; sleeps.
 * Return: pages given back, on all CPUs.
 */
unsigned long mal_percpu_shrink(void)
{
	mutex_lock(&mal_percpu_drain_mutex);
	mal_hot_drain();
	mutex_unlock(&mal_percpu_drain_mutex);
	return mal_percpu_chunk_release();
}
MAL_EXPORT_FOR_KUNIT(mal_percpu_shrink);

static u64 mal_percpu_cached(void)
{
	unsigned int cpu, class;
	u64 bytes = 0;

	for_each_possible_cpu(cpu) {
		const struct mal_percpu_hot *hot = per_cpu_ptr(mal_percpu_hot, cpu);

		for (class = 0; class < MAL_PERCPU_CLASSES; class++)
			bytes += (u64)mal_peek(hot->stacks[class].nr) *
				 mal_percpu_class_bytes(class);
	}
	return bytes;
}

static unsigned long mal_percpu_shrinker_count(struct shrinker *shrinker,
					       struct shrink_control *sc)
{
	unsigned long pages = mal_percpu_chunk_empty_pages() +
			      mal_percpu_cached() / PAGE_SIZE * num_possible_cpus();

	return pages ?: SHRINK_EMPTY;
}

static unsigned long mal_percpu_shrinker_scan(struct shrinker *shrinker,
					      struct shrink_control *sc)
{
	unsigned long pages = mal_percpu_chunk_reap();

	if (!pages && mutex_trylock(&mal_percpu_drain_mutex)) {
		mal_hot_drain();
		mutex_unlock(&mal_percpu_drain_mutex);
		pages = mal_percpu_chunk_reap();
	}
	return pages ?: SHRINK_STOP;
}

/*
 * Figures and checks
 */

static void mal_hot_stats(struct mal_percpu_stats *stats)
{
	unsigned int cpu;

	for_each_possible_cpu(cpu) {
		const struct mal_percpu_hot *hot = per_cpu_ptr(mal_percpu_hot, cpu);

		stats->hits += mal_peek(hot->hits);
		stats->misses += local_read(&hot->misses);
		stats->failures += local_read(&hot->failures);
	}
}

/**
 * mal_percpu_stats() - the figures of per-CPU areas
 * @stats: filled in; exact while nobody uses them
 *
 * Context: task; sleeps.
 */
void mal_percpu_stats(struct mal_percpu_stats *stats)
{
	struct mal_percpu_chunk_stats chunks;
	u64 cached;

	mal_percpu_chunk_stats(&chunks);
	cached = min(mal_percpu_cached(), chunks.taken);
	*stats = (struct mal_percpu_stats) {
		.chunks = chunks.chunks,
		.unit_bytes = chunks.unit_bytes,
		.bytes = chunks.bytes,
		.metadata_bytes = chunks.metadata_bytes,
		.used = chunks.taken - cached,
		.cached = cached,
		.free = chunks.unit_bytes - chunks.taken,
		.largest_free = chunks.largest_free,
		.borrowed_total = chunks.borrowed_total,
		.returned_total = chunks.returned_total,
		.refused = chunks.refused,
	};
	mal_hot_stats(stats);
}
MAL_EXPORT_FOR_KUNIT(mal_percpu_stats);

/**
 * mal_percpu_show() - print the section "percpu"
 * @m: /proc/memalloc
 *
 * Sizes are in bytes on one CPU, but for total_bytes and metadata_bytes.
 *
 * Context: task.
 */
void mal_percpu_show(struct seq_file *m)
{
	struct mal_percpu_stats stats;

	mal_percpu_stats(&stats);
	seq_puts(m, "\n[percpu]\n");
	seq_printf(m, "%-20s %llu\n", "chunks", stats.chunks);
	seq_printf(m, "%-20s %llu\n", "chunk_bytes", stats.unit_bytes);
	seq_printf(m, "%-20s %u\n", "possible_cpus", num_possible_cpus());
	seq_printf(m, "%-20s %llu\n", "total_bytes", stats.bytes);
	seq_printf(m, "%-20s %llu\n", "metadata_bytes", stats.metadata_bytes);
	seq_printf(m, "%-20s %llu\n", "used", stats.used);
	seq_printf(m, "%-20s %llu\n", "cached", stats.cached);
	seq_printf(m, "%-20s %llu\n", "free_bytes", stats.free);
	seq_printf(m, "%-20s %llu\n", "largest_free", stats.largest_free);
	seq_printf(m, "%-20s %llu\n", "hits", stats.hits);
	seq_printf(m, "%-20s %llu\n", "misses", stats.misses);
	seq_printf(m, "%-20s %llu\n", "failures", stats.failures);
	seq_printf(m, "%-20s %llu\n", "chunks_borrowed", stats.borrowed_total);
	seq_printf(m, "%-20s %llu\n", "chunks_returned", stats.returned_total);
	seq_printf(m, "%-20s %llu\n", "chunks_refused", stats.refused);
}

/*
 * Load and unload
 */

static int mal_percpu_shrinker_init(void)
{
	int err;

	mal_percpu_shrinker = shrinker_alloc(0, "memalloc-percpu");
	if (!mal_percpu_shrinker)
		return -ENOMEM;
	mal_percpu_shrinker->count_objects = mal_percpu_shrinker_count;
	mal_percpu_shrinker->scan_objects = mal_percpu_shrinker_scan;
	err = mal_shrinker_register(mal_percpu_shrinker, "memalloc-percpu");
	if (err)
		mal_shrinker_discard(mal_percpu_shrinker);
	return err;
}

/**
 * mal_percpu_init() - make per-CPU areas possible
 *
 * Context: task; sleeps.
 * Return: 0, or -ENOMEM.
 */
int mal_percpu_init(void)
{
	int err;

	mal_percpu_hot = alloc_percpu(struct mal_percpu_hot);
	if (!mal_percpu_hot)
		return -ENOMEM;
	err = mal_percpu_chunk_init();
	if (err)
		goto err_hot;
	err = cpuhp_setup_state_nocalls(CPUHP_BP_PREPARE_DYN, "memalloc/percpu:dead",
					NULL, mal_percpu_cpu_dead);
	if (err < 0)
		goto err_chunk;
	mal_percpu_cpuhp = err;
	err = mal_percpu_shrinker_init();
	if (!err)
		return 0;

	cpuhp_remove_state_nocalls(mal_percpu_cpuhp);
err_chunk:
	mal_percpu_chunk_exit();
err_hot:
	free_percpu(mal_percpu_hot);
	return err;
}

/**
 * mal_percpu_exit() - the mirror of mal_percpu_init()
 *
 * Context: task; sleeps. Nobody allocates or frees any more.
 */
void mal_percpu_exit(void)
{
	unsigned int cpu;

	shrinker_free(mal_percpu_shrinker);
	cpuhp_remove_state_nocalls(mal_percpu_cpuhp);
	for_each_possible_cpu(cpu)
		mal_hot_drain_dead(cpu);
	mal_percpu_chunk_exit();
	free_percpu(mal_percpu_hot);
}
