/* SPDX-License-Identifier: GPL-2.0 */
/*
 * bench.h: what a workload is, and what its body may use
 *
 * A workload is a pattern of allocating and freeing (bench_patterns.h) on a
 * kind of object (bench_page.c and its like), for example "bulk128/page-3".
 */
#ifndef _MAL_BENCH_H
#define _MAL_BENCH_H

#include <linux/atomic.h>
#include <linux/processor.h>
#include <linux/sched.h>
#include <linux/timekeeping.h>
#include <linux/types.h>

struct bench_run;
struct bench_thread;

/* Whose allocator. */
enum bench_side {
	BENCH_HOST,
	BENCH_MEMALLOC,
	BENCH_NR_SIDES,
};

/* The bodies: see bench_patterns.h, and bench_replay.h for the last. */
enum bench_body {
	BENCH_HOT,
	BENCH_ATOMIC,
	BENCH_BULK,
	BENCH_MANY,
	BENCH_LIFO,
	BENCH_RANDOM,
	BENCH_FIFO,
	BENCH_REMOTE,
	BENCH_MIXED,
	BENCH_NR_BODIES,
};

/**
 * struct bench_ops - the bodies, compiled for one side and one kind of object
 * @open: make the pool that objects of this size come from (a cache, say); may
 *	be NULL. Returns NULL when that fails.
 * @close: the reverse
 * @body: them; NULL where a kind of object cannot do it. Each does what
 *	bench_thread.pairs asks for between bench_start() and bench_stop(), frees
 *	all that it allocated, and returns 0 or -ENOMEM.
 */
struct bench_ops {
	void *(*open)(unsigned int size);
	void (*close)(void *pool);
	int (*body[BENCH_NR_BODIES])(struct bench_thread *t);
};

/**
 * struct bench_object - what is allocated
 * @name: kind and size, as in the name of the workload
 * @size: in the unit of its kind: an order, or bytes
 * @bytes: that one of them occupies
 * @ops: for both sides
 */
struct bench_object {
	const char *name;
	unsigned int size;
	size_t bytes;
	const struct bench_ops *ops[BENCH_NR_SIDES];
};

/**
 * struct bench_kind - a kind of object, in all sizes that are measured
 * @objects: them
 * @nr: how many
 * @has_lean: memalloc's "lean" mode makes a difference
 * @has_cache: memalloc keeps what is freed, up to a limit that can be set
 */
struct bench_kind {
	const struct bench_object *objects;
	unsigned int nr;
	bool has_lean;
	bool has_cache;
};

/**
 * struct bench_pattern - what is done with the objects
 * @name: as in the name of the workload
 * @body: which body does it
 * @threads: how many do it at once, each on a CPU of its own
 * @live: objects that a thread holds at most, a power of two
 * @live_min: so few will do where more do not fit into memory
 * @lean: for memalloc's "lean" mode
 * @softirq: it is done in a softirq, and not in a task
 * @own: each thread has a pool of its own; only for objects that have pools
 * @miss: with that limit at nothing, which whoever runs it has to see to
 */
struct bench_pattern {
	const char *name;
	enum bench_body body;
	unsigned int threads;
	unsigned int live;
	unsigned int live_min;
	bool lean;
	bool softirq;
	bool own;
	bool miss;
};

/**
 * struct bench_workload - a pattern on an object
 * @name: "pattern/kind-size"
 * @pattern: the pattern
 * @object: the object
 * @live: as bench_pattern.live, where that fits into memory
 */
struct bench_workload {
	const char *name;
	const struct bench_pattern *pattern;
	const struct bench_object *object;
	unsigned int live;
};

/**
 * struct bench_thread - one of the threads of a run
 * @run: the run
 * @index: which of its threads
 * @meetings: how often bench_meet() was called
 * @pool: what bench_ops.open() made
 * @size: bench_object.size
 * @pairs: allocations to do, and frees; a multiple of @live
 * @live: objects to hold at most, a power of two
 * @objects: room for so many
 * @shuffle: 0 to @live - 1 in random order
 * @begin: when the measured part began, in ns
 * @end: when it ended
 */
struct bench_thread {
	struct bench_run *run;
	unsigned int index;
	int meetings;
	void *pool;
	unsigned int size;
	unsigned long pairs;
	unsigned int live;
	void **objects;
	u32 *shuffle;
	u64 begin;
	u64 end;
};

/**
 * struct bench_samples - what was measured
 * @pairs: per thread, in each repetition
 * @nr: repetitions that count
 * @warmups: repetitions before those
 * @ns: how long each took, on either side
 */
struct bench_samples {
	unsigned long pairs;
	unsigned int nr;
	unsigned int warmups;
	u64 (*ns)[BENCH_NR_SIDES];
};

bool bench_meet(struct bench_thread *t);
bool bench_failed(const struct bench_thread *t);
void **bench_ring(struct bench_thread *t);
int bench_measure(const struct bench_workload *w, struct bench_samples *samples);

/* The measured part begins, in all threads at once. */
static inline void bench_start(struct bench_thread *t)
{
	bench_meet(t);
	t->begin = ktime_get_ns();
}

static inline void bench_stop(struct bench_thread *t)
{
	t->end = ktime_get_ns();
}

/* Others may have to run on this CPU, before whom it waits for gets on. */
static inline void bench_relax(void)
{
	cpu_relax();
	cond_resched();
}

/* Hand an object to another thread: waits for the slot of the ring to be empty. */
static inline void bench_put(void **slot, void *object)
{
	while (smp_load_acquire(slot)) /* pairs with the release in bench_take() */
		bench_relax();
	smp_store_release(slot, object); /* pairs with the acquire there */
}

/* The object that another thread puts there, or NULL if it has given up. */
static inline void *bench_take(const struct bench_thread *t, void **slot)
{
	void *object;

	/* pairs with the release in bench_put() */
	while (!(object = smp_load_acquire(slot)) && !bench_failed(t))
		bench_relax();
	if (unlikely(!object))
		object = smp_load_acquire(slot); /* put just before it failed */
	smp_store_release(slot, NULL); /* pairs with the acquire in bench_put() */
	return object;
}

extern const struct bench_kind bench_kmalloc;
extern const struct bench_kind bench_mempool;
extern const struct bench_kind bench_mixed;
extern const struct bench_kind bench_page;
extern const struct bench_kind bench_percpu;
extern const struct bench_kind bench_slab_cache;
extern const struct bench_kind bench_vmalloc;

#endif /* _MAL_BENCH_H */
