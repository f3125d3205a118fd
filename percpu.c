// SPDX-License-Identifier: GPL-2.0
/*
 * Per-CPU areas: allocation, free and the free areas that each CPU caches
 *
 * Areas are cut from chunks (percpu_chunk.c). An area of up to
 * MAL_PERCPU_MAX_CACHED bytes belongs to a size class. The size of a class is 4
 * bytes or a multiple of 8 bytes, and its alignment is the largest power of two
 * that divides the size. In front of the chunks each CPU has a stack of free
 * areas for each class, which needs no lock:
 *
 *	CPU  +---------+     +--------+
 *	     | class 0 |     | area   |  <- stack->nr
 *	     | class 1 |---->| area   |
 *	     |   ...   |     | area   |
 *	     +---------+     +--------+
 *
 * A stack is created when an area of its class is first freed on the CPU. An
 * empty stack is refilled to half of its capacity from the chunks. A full stack
 * puts its older half back into the chunks. Either takes the lock once. The
 * areas of one class on the stacks of all CPUs together are bounded by the size
 * of a chunk, except that each stack may have two.
 *
 * The busy flag. A CPU uses its stacks with preemption off and the flag set. An
 * interrupt handler that finds the flag set uses the chunks directly. An NMI
 * handler that finds it set fails to allocate, and its frees are deferred.
 *
 * Zeroing. An area is zeroed on each possible CPU when it is allocated, not
 * when it is freed. A write after the free then does no harm, and memory that
 * is never used again is not touched needlessly. percpu_chunk.c explains why
 * this covers CPUs that come online later.
 *
 * Misuse. A free looks up the chunk and the state of the grain. Anything but an
 * allocated area is reported and otherwise ignored. If two CPUs free the same
 * area at the same moment, the area ends up on two stacks. When an area leaves
 * a stack, for a caller or for its chunk, its grain must be CACHED and of the
 * stack's class. If it is not, the area is reported and dropped. The first of
 * the two entries to leave is therefore valid. The second is detected unless
 * the area has been allocated and freed again by then. The fast path takes no
 * lock and uses no atomic operation, so the same area taken off two stacks
 * within a few instructions is not detected.
 *
 * The second entry may outlive the chunk. A stack records mal_percpu_epoch,
 * which changes a grace period after a chunk was returned. By then no CPU can
 * push an area of that chunk. The description of the chunk is kept for one more
 * grace period. Before an area is taken off a stack with an older epoch, all
 * areas on the stack are looked up again.
 *
 * The host allocates the memory for the stacks. If it cannot, allocation and
 * free still work, but slowly.
 *
 * Lock order: the host's CPU hotplug lock, mal_percpu_drain_mutex,
 * mal_percpu_mutex, mal_percpu_lock. Reclaim only tries the mutexes. No lock is
 * taken while the busy flag is set.
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
#include <linux/string.h>

#include <asm/local.h>

#include <memalloc/percpu.h>

#include "internal/busy.h"
#include "internal/compat.h"
#include "internal/inject.h"
#include "internal/instrument.h"
#include "internal/kmemleak.h"
#include "internal/kunit.h"
#include "internal/peek.h"
#include "internal/percpu.h"
#include "internal/percpu_chunk.h"
#include "internal/reclaim.h"
#include "internal/report.h"

/* Capacity of a stack. A full one occupies 512 bytes. */
#define MAL_STACK_MAX	32U

/**
 * struct mal_percpu_stack - free areas of one class on one CPU
 * @entries: the areas, oldest first; NULL if the stack was not created yet
 * @nr: number of areas
 * @capacity: number of areas that @entries has room for
 * @epoch: mal_percpu_epoch when the chunks of the areas were last looked up
 */
struct mal_percpu_stack {
	struct mal_percpu_entry *entries;
	u16 nr;
	u16 capacity;
	u32 epoch;
};

/**
 * struct mal_percpu_cache - free areas and counters of one CPU
 * @busy: this CPU is using its stacks; interrupt handlers must keep out
 * @hits: allocations served from the stacks
 * @misses: allocations not served from the stacks
 * @failures: failed allocations; they count as misses as well
 * @stacks: one for each class
 */
struct mal_percpu_cache {
	bool busy;
	unsigned long hits;
	local_t misses;
	local_t failures;
	struct mal_percpu_stack stacks[MAL_PERCPU_CLASSES];
};

static struct mal_percpu_cache __percpu *mal_percpu_cache __mal_ro_after_init;

static struct shrinker *mal_percpu_shrinker;
static int mal_percpu_cpuhp;

/* Serializes draining. */
static DEFINE_MUTEX(mal_percpu_drain_mutex);

/* Like mal_cpu_enter(); see there. */
static __always_inline bool mal_percpu_cache_enter(struct mal_percpu_cache *cache)
{
	return likely(!mal_kmemleak_forbids()) && mal_busy_enter(&cache->busy);
}

static __always_inline void mal_percpu_cache_leave(struct mal_percpu_cache *cache)
{
	mal_busy_leave(&cache->busy);
}

/*
 * On architectures without a suitable instruction this_cpu_inc() disables
 * interrupts.
 */
#define mal_percpu_cache_count(what)					\
do {									\
	preempt_disable();						\
	local_inc(&this_cpu_ptr(mal_percpu_cache)->what);		\
	preempt_enable();						\
} while (0)

/*
 * Classes
 */

/*
 * The class for a size and an alignment; MAL_PERCPU_CLASSES or more if none
 * fits.
 */
static __always_inline unsigned int mal_percpu_class(size_t size, size_t align)
{
	unsigned int class;

	if (unlikely(size - 1 >= MAL_PERCPU_MAX_CACHED || !is_power_of_2(align)))
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

/* Calling memset() costs more than zeroing a small area inline. */
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
 * Slow path of allocation
 */

/* Push areas onto this CPU's stack. Returns the number pushed. */
static unsigned int mal_percpu_cache_stock(unsigned int class,
					   const struct mal_percpu_entry *entries,
					   unsigned int nr)
{
	struct mal_percpu_stack *stack;
	struct mal_percpu_cache *cache;

	preempt_disable();
	cache = this_cpu_ptr(mal_percpu_cache);
	stack = &cache->stacks[class];
	if (mal_percpu_cache_enter(cache)) {
		nr = min_t(unsigned int, nr, stack->capacity - stack->nr);
		if (nr)
			memcpy(&stack->entries[stack->nr], entries,
			       nr * sizeof(*entries));
		stack->nr += nr;
		mal_percpu_cache_leave(cache);
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
		nr += raw_cpu_ptr(mal_percpu_cache)->stacks[class].capacity / 2;
	nr = mal_percpu_take(want, entries, nr);
	if (!nr)
		return NULL;
	if (nr > 1) {
		stocked = mal_percpu_cache_stock(class, entries + 1, nr - 1);
		mal_percpu_put(entries + 1 + stocked, nr - 1 - stocked,
			       want->state | MAL_PERCPU_CACHED);
	}
	return entries[0].area;
}

/* Another task may have borrowed a large enough chunk while this one waited. */
static void __percpu *mal_percpu_borrow(struct mal_percpu_want *want,
					unsigned int class, gfp_t gfp)
{
	void __percpu *area;

	if (!mal_percpu_borrow_begin(gfp))
		return NULL;
	area = mal_percpu_cut(want, class);
	if (!area && mal_percpu_chunk_add(want->grains * MAL_PERCPU_GRAIN, gfp))
		area = mal_percpu_cut(want, class);
	mal_percpu_borrow_end(gfp);
	return area;
}

/* A caller that may sleep uses the reserve only if borrowing fails. */
static void __percpu *mal_percpu_find_room(struct mal_percpu_want *want,
					   unsigned int class, gfp_t gfp)
{
	void __percpu *area;

	if (gfpflags_allow_blocking(gfp)) {
		want->keep = MAL_PERCPU_LOW;
		area = mal_percpu_cut(want, class);
		if (!area)
			area = mal_percpu_borrow(want, class, gfp);
		if (area)
			return area;
		want->keep = 0;
	}
	return mal_percpu_cut(want, class);
}

static void mal_percpu_warn(size_t size, size_t align, gfp_t gfp,
			    unsigned long caller)
{
	static DEFINE_RATELIMIT_STATE(limit, DEFAULT_RATELIMIT_INTERVAL,
				      DEFAULT_RATELIMIT_BURST);

	if (gfp & __GFP_NOWARN || mal_inject_has_failed() || !__ratelimit(&limit))
		return;
	pr_warn("no per-CPU area of %zu bytes, aligned to %zu, gfp %pGg, for %pS\n",
		size, align, &gfp, (void *)caller);
}

static noinline void __percpu *mal_percpu_alloc_slow(size_t size, size_t align,
						     gfp_t gfp, unsigned int class,
						     unsigned long caller)
{
	struct mal_percpu_want want = { .state = MAL_PERCPU_LARGE };
	void __percpu *area = NULL;
	unsigned int cpu;

	might_alloc(gfp);
	mal_percpu_cache_count(misses);
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
		mal_percpu_cache_count(failures);
		mal_percpu_warn(size, align, gfp, caller);
		return NULL;
	}
	for_each_possible_cpu(cpu)
		memset(per_cpu_ptr(area, cpu), 0, size);
	kmemleak_alloc_percpu(area, size, gfp);
	return area;
}

/*
 * Fast path of allocation
 */

static noinline void mal_percpu_report_stale(void)
{
	mal_report(MAL_REPORT_DOUBLE_FREE, 0,
		   "per-CPU area that was freed on two CPUs at once");
}

static bool mal_entry_has_chunk(const struct mal_percpu_entry *entry)
{
	const struct mal_percpu_chunk *chunk = mal_percpu_chunk_find(entry->area);

	return chunk && entry->state ==
			&chunk->states[mal_percpu_grain(chunk, entry->area)];
}

/* Drop areas of returned chunks; keep the others. Preemption is off. */
static noinline void mal_stack_check(struct mal_percpu_stack *stack)
{
	unsigned int i, nr = 0;

	/*
	 * Pairs with mal_chunk_new_epoch(): returned chunks are no longer
	 * found.
	 */
	stack->epoch = smp_load_acquire(&mal_percpu_epoch);
	for (i = 0; i < stack->nr; i++) {
		if (mal_entry_has_chunk(&stack->entries[i]))
			stack->entries[nr++] = stack->entries[i];
		else
			mal_percpu_report_stale();
	}
	stack->nr = nr;
}

/* Take the topmost area, if it is in the expected state. */
static __always_inline void __percpu *mal_percpu_cache_pop(unsigned int class)
{
	struct mal_percpu_stack *stack;
	struct mal_percpu_entry *entry;
	void __percpu *area = NULL;
	struct mal_percpu_cache *cache;

	preempt_disable();
	cache = this_cpu_ptr(mal_percpu_cache);
	stack = &cache->stacks[class];
	if (unlikely(!mal_percpu_cache_enter(cache)))
		goto out;
	if (unlikely(stack->epoch != READ_ONCE(mal_percpu_epoch)))
		mal_stack_check(stack);
	if (likely(stack->nr)) {
		entry = &stack->entries[--stack->nr];
		if (likely(*entry->state == (MAL_PERCPU_CACHED | (class + 1)))) {
			*entry->state = class + 1;
			area = entry->area;
			cache->hits++;
		} else {
			mal_percpu_report_stale();
		}
	}
	mal_percpu_cache_leave(cache);
out:
	preempt_enable();
	return area;
}

static __always_inline void __percpu *mal_percpu_alloc(size_t size, size_t align,
						       gfp_t gfp)
{
	unsigned int class = mal_percpu_class(size, align);
	void __percpu *area;

	if (mal_is_instrumented() || unlikely(class >= MAL_PERCPU_CLASSES))
		goto slow;
	area = mal_percpu_cache_pop(class);
	if (unlikely(!area))
		goto slow;
	mal_percpu_zero(area, class);
	kmemleak_alloc_percpu(area, mal_percpu_class_bytes(class), gfp);
	return area;

slow:
	return mal_percpu_alloc_slow(size, align, gfp, class, _RET_IP_);
}

/**
 * __mal_alloc_percpu_gfp() - allocate memory on each CPU
 * @size: bytes, up to MAL_PERCPU_MAX_SIZE
 * @align: a power of two, up to PAGE_SIZE
 * @gfp: with __GFP_DIRECT_RECLAIM the call may sleep, with __GFP_NOWARN a
 *	failure is not logged
 *
 * Context: any; an NMI handler gets only areas that this CPU has cached.
 * Return: the memory, zeroed on each possible CPU; NULL if there is none, or if
 * @size or @align is invalid.
 */
void __percpu *__mal_alloc_percpu_gfp(size_t size, size_t align, gfp_t gfp)
{
	return mal_percpu_alloc(size, align, gfp);
}
MAL_EXPORT(__mal_alloc_percpu_gfp);

/**
 * mal_alloc_percpu_nospec() - __mal_alloc_percpu_gfp() for a size from user
 * space
 * @size: as for __mal_alloc_percpu_gfp()
 * @align: as for __mal_alloc_percpu_gfp()
 * @gfp: as for __mal_alloc_percpu_gfp()
 *
 * The size determines the class, which indexes a table. Prevent speculation
 * past the end of that table.
 *
 * Context: as for __mal_alloc_percpu_gfp().
 * Return: as for __mal_alloc_percpu_gfp().
 */
void __percpu *mal_alloc_percpu_nospec(size_t size, size_t align, gfp_t gfp)
{
	if (size - 1 >= MAL_PERCPU_MAX_CACHED)
		return mal_percpu_alloc_slow(size, align, gfp, MAL_PERCPU_CLASSES,
					     _RET_IP_);
	size = array_index_nospec(size - 1, MAL_PERCPU_MAX_CACHED) + 1;
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
	/* Free areas, and areas taken off the stack, are not references. */
	kmemleak_no_scan(entries);
	return entries;
}

/**
 * struct mal_percpu_spill - areas that a full stack puts back into the chunks
 * @entries: the areas
 * @nr: number of areas
 */
struct mal_percpu_spill {
	struct mal_percpu_entry entries[MAL_STACK_MAX / 2 + 1];
	unsigned int nr;
};

/* Make room on a stack: install @fresh, or move the older half to @spill. */
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

/* Free an area that is CACHED when the stack is full, missing or in use. */
static void mal_percpu_spill(const struct mal_percpu_entry *entry, unsigned int class)
{
	u8 state = MAL_PERCPU_CACHED | (class + 1);
	struct mal_percpu_entry *fresh = NULL;
	struct mal_percpu_stack *stack;
	struct mal_percpu_spill spill;
	struct mal_percpu_cache *cache;

	if (!raw_cpu_ptr(mal_percpu_cache)->stacks[class].entries)
		fresh = mal_stack_create(class);
	spill.nr = 0;
	preempt_disable();
	cache = this_cpu_ptr(mal_percpu_cache);
	stack = &cache->stacks[class];
	if (mal_percpu_cache_enter(cache)) {
		mal_stack_make_room(stack, class, &fresh, &spill);
		mal_percpu_cache_leave(cache);
	}
	preempt_enable();
	if (!mal_percpu_cache_stock(class, entry, 1))
		mal_percpu_put(entry, 1, state);
	mal_percpu_put(spill.entries, spill.nr, state);
	kfree(fresh);
}

static void mal_percpu_report(const struct mal_percpu_chunk *chunk,
			      unsigned long offset, unsigned long caller)
{
	u8 state = MAL_PERCPU_NONE;

	if (!chunk) {
		mal_report(MAL_REPORT_FOREIGN_FREE, caller,
			   "not a per-CPU area of this module");
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
			   "inside a per-CPU area, at offset %lu of its chunk",
			   offset);
}

/*
 * Handle every free that the fast path does not. Called with preemption off;
 * returns with preemption on.
 */
static noinline void mal_percpu_free_slow(void __percpu *area,
					  struct mal_percpu_chunk *chunk,
					  unsigned long offset,
					  unsigned long caller)
{
	u8 cached = MAL_PERCPU_LARGE | MAL_PERCPU_CACHED;
	struct mal_percpu_entry entry = { .area = area };
	bool put = false;

	if (chunk && IS_ALIGNED(offset, MAL_PERCPU_GRAIN))
		entry.state = &chunk->states[offset / MAL_PERCPU_GRAIN];
	if (!entry.state ||
	    cmpxchg(entry.state, MAL_PERCPU_LARGE, cached) != MAL_PERCPU_LARGE)
		mal_percpu_report(chunk, offset, caller);
	else if (!in_nmi())
		put = true;
	else if (!mal_percpu_defer(chunk, entry.state, cached))
		mal_percpu_report_stale();
	preempt_enable();
	if (!put)
		return;
	kmemleak_free_percpu(area);
	mal_percpu_put(&entry, 1, cached);
}

/*
 * The stack is full, missing or in use. Called with preemption off; returns
 * with preemption on.
 */
static noinline void mal_percpu_free_spill(void __percpu *area, u8 *state,
					   struct mal_percpu_chunk *chunk,
					   unsigned int class)
{
	struct mal_percpu_entry entry = { .area = area, .state = state };
	bool nmi = in_nmi();

	if (nmi && !mal_percpu_defer(chunk, state, MAL_PERCPU_CACHED | (class + 1)))
		mal_percpu_report_stale();
	preempt_enable();
	if (!nmi)
		mal_percpu_spill(&entry, class);
}

/* Returns false if the stack is full, missing or in use. Preemption is off. */
static __always_inline bool mal_percpu_cache_push(void __percpu *area, u8 *state,
						  unsigned int class)
{
	struct mal_percpu_cache *cache = this_cpu_ptr(mal_percpu_cache);
	struct mal_percpu_stack *stack = &cache->stacks[class];
	struct mal_percpu_entry *entry;

	if (unlikely(!mal_percpu_cache_enter(cache)))
		return false;
	if (unlikely(stack->nr == stack->capacity)) {
		mal_percpu_cache_leave(cache);
		return false;
	}
	entry = &stack->entries[stack->nr++];
	entry->area = area;
	entry->state = state;
	mal_percpu_cache_leave(cache);
	return true;
}

/**
 * mal_free_percpu() - free memory on each CPU
 * @area: memory from one of the functions above, or NULL
 *
 * The caller must ensure that the memory is no longer in use. Misuse is
 * reported and has no other effect.
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
	*state = MAL_PERCPU_CACHED | (class + 1);
	if (!mal_kmemleak_forbids())
		kmemleak_free_percpu(area);
	if (unlikely(!mal_percpu_cache_push(area, state, class))) {
		mal_percpu_free_spill(area, state, chunk, class);
		return;
	}
	preempt_enable();
	return;

slow:
	mal_percpu_free_slow(area, chunk, offset, _RET_IP_);
}
MAL_EXPORT(mal_free_percpu);

/*
 * Draining
 */

/**
 * struct mal_percpu_handover - the stacks that a CPU hands over when it is
 * drained
 * @stacks: the stacks
 * @busy: the CPU was using its stacks and handed over nothing
 */
struct mal_percpu_handover {
	struct mal_percpu_stack stacks[MAL_PERCPU_CLASSES];
	bool busy;
};

/* Protected by mal_percpu_drain_mutex. */
static struct mal_percpu_handover mal_percpu_handover;

static void mal_percpu_cache_give(struct mal_percpu_cache *cache,
				  struct mal_percpu_handover *handover)
{
	memcpy(handover->stacks, cache->stacks, sizeof(cache->stacks));
	memset(cache->stacks, 0, sizeof(cache->stacks));
}

static void mal_percpu_cache_hand_over(void *data)
{
	struct mal_percpu_cache *cache = this_cpu_ptr(mal_percpu_cache);
	struct mal_percpu_handover *handover = data;

	handover->busy = !mal_percpu_cache_enter(cache);
	if (handover->busy)
		return;
	mal_percpu_cache_give(cache, handover);
	mal_percpu_cache_leave(cache);
}

static void mal_handover_put(struct mal_percpu_handover *handover)
{
	unsigned int class;

	for (class = 0; class < MAL_PERCPU_CLASSES; class++) {
		struct mal_percpu_stack *stack = &handover->stacks[class];

		mal_percpu_put(stack->entries, stack->nr,
			       MAL_PERCPU_CACHED | (class + 1));
		kfree(stack->entries);
	}
}

/* Drain a CPU that is offline. */
static void mal_percpu_cache_drain_dead(unsigned int cpu)
{
	mal_percpu_cache_give(per_cpu_ptr(mal_percpu_cache, cpu), &mal_percpu_handover);
	mal_handover_put(&mal_percpu_handover);
}

static void mal_percpu_cache_drain_cpu(unsigned int cpu)
{
	if (mal_busy_call(cpu, mal_percpu_cache_hand_over, &mal_percpu_handover,
			  &mal_percpu_handover.busy))
		mal_handover_put(&mal_percpu_handover);
}

/* Called with the mutex held. */
static void mal_percpu_cache_drain(void)
{
	unsigned int cpu;

	for_each_online_cpu(cpu)
		mal_percpu_cache_drain_cpu(cpu);
}

static int mal_percpu_cpu_dead(unsigned int cpu)
{
	mutex_lock(&mal_percpu_drain_mutex);
	mal_percpu_cache_drain_dead(cpu);
	mutex_unlock(&mal_percpu_drain_mutex);
	return 0;
}

/**
 * mal_percpu_shrink() - drain the CPUs and return unused chunks to the host
 *
 * Context: task; sleeps.
 * Return: pages returned, on all CPUs.
 */
unsigned long mal_percpu_shrink(void)
{
	mutex_lock(&mal_percpu_drain_mutex);
	mal_percpu_cache_drain();
	mutex_unlock(&mal_percpu_drain_mutex);
	return mal_percpu_chunk_release();
}
MAL_EXPORT_FOR_KUNIT(mal_percpu_shrink);

static u64 mal_percpu_cached(void)
{
	unsigned int cpu, class;
	u64 bytes = 0;

	for_each_possible_cpu(cpu) {
		const struct mal_percpu_cache *cache = per_cpu_ptr(mal_percpu_cache, cpu);

		for (class = 0; class < MAL_PERCPU_CLASSES; class++)
			bytes += (u64)mal_peek(cache->stacks[class].nr) *
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
		mal_percpu_cache_drain();
		mutex_unlock(&mal_percpu_drain_mutex);
		pages = mal_percpu_chunk_reap();
	}
	return pages ?: SHRINK_STOP;
}

/*
 * Statistics
 */

static void mal_percpu_cache_stats(struct mal_percpu_stats *stats)
{
	unsigned int cpu;

	for_each_possible_cpu(cpu) {
		const struct mal_percpu_cache *cache = per_cpu_ptr(mal_percpu_cache, cpu);

		stats->hits += mal_peek(cache->hits);
		stats->misses += local_read(&cache->misses);
		stats->failures += local_read(&cache->failures);
	}
}

/**
 * mal_percpu_stats() - read the statistics of per-CPU areas
 * @stats: filled in; exact if there is no concurrent use
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
	mal_percpu_cache_stats(stats);
}
MAL_EXPORT_FOR_KUNIT(mal_percpu_stats);

/**
 * mal_percpu_show() - print the section "percpu"
 * @m: /proc/memalloc
 *
 * Sizes are in bytes on one CPU, except total_bytes and metadata_bytes.
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

/**
 * mal_percpu_init() - set up per-CPU areas
 *
 * Context: task; sleeps.
 * Return: 0, or -ENOMEM.
 */
int mal_percpu_init(void)
{
	int err;

	mal_percpu_cache = alloc_percpu(struct mal_percpu_cache);
	if (!mal_percpu_cache)
		return -ENOMEM;
	err = mal_percpu_chunk_init();
	if (err)
		goto err_hot;
	err = cpuhp_setup_state_nocalls(CPUHP_BP_PREPARE_DYN, "memalloc/percpu:dead",
					NULL, mal_percpu_cpu_dead);
	if (err < 0)
		goto err_chunk;
	mal_percpu_cpuhp = err;
	mal_percpu_shrinker = mal_shrinker_create(0, "memalloc-percpu",
						  mal_percpu_shrinker_count,
						  mal_percpu_shrinker_scan);
	if (mal_percpu_shrinker)
		return 0;

	err = -ENOMEM;
	cpuhp_remove_state_nocalls(mal_percpu_cpuhp);
err_chunk:
	mal_percpu_chunk_exit();
err_hot:
	free_percpu(mal_percpu_cache);
	return err;
}

/**
 * mal_percpu_exit() - undo mal_percpu_init()
 *
 * Context: task; sleeps. No allocation or free is in progress.
 */
void mal_percpu_exit(void)
{
	unsigned int cpu;

	shrinker_free(mal_percpu_shrinker);
	cpuhp_remove_state_nocalls(mal_percpu_cpuhp);
	for_each_possible_cpu(cpu)
		mal_percpu_cache_drain_dead(cpu);
	mal_percpu_chunk_exit();
	free_percpu(mal_percpu_cache);
}
