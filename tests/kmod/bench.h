/* SPDX-License-Identifier: GPL-2.0 */
/*
 * bench.h: definition of a workload, and helpers for its body
 *
 * A workload is a pattern of allocations and frees (bench_patterns.h) on a kind
 * of object (bench_page.c etc.), for example "bulk128/page-3".
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

/* The allocator measured. */
enum bench_side {
	BENCH_HOST,
	BENCH_MEMALLOC,
	BENCH_NR_SIDES,
};

/* The bodies: see bench_patterns.h, and bench_replay.h for the last one. */
enum bench_body {
	BENCH_HOT,
	BENCH_ATOMIC,
	BENCH_HELD,
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
 * @open: create the pool of objects of this size, for example a cache; may be
 *	NULL. Returns NULL on failure.
 * @close: destroy the pool
 * @body: the bodies; NULL if the kind of object does not support one. Each
 *	performs bench_thread.pairs pairs between bench_start() and
 *	bench_stop(), frees all objects, and returns 0 or -ENOMEM.
 */
struct bench_ops {
	void *(*open)(unsigned int size);
	void (*close)(void *pool);
	int (*body[BENCH_NR_BODIES])(struct bench_thread *t);
};

/**
 * struct bench_object - a kind of object of one size
 * @name: kind and size, as in the name of the workload
 * @size: size in the unit of the kind: order or bytes
 * @bytes: bytes that one object occupies
 * @ops: operations of both sides
 */
struct bench_object {
	const char *name;
	unsigned int size;
	size_t bytes;
	const struct bench_ops *ops[BENCH_NR_SIDES];
};

/**
 * struct bench_kind - a kind of object in all measured sizes
 * @objects: the sizes
 * @nr: number of @objects
 * @has_lean: memalloc's "lean" mode makes a difference
 * @has_cache: memalloc caches freed objects up to a configurable limit
 */
struct bench_kind {
	const struct bench_object *objects;
	unsigned int nr;
	bool has_lean;
	bool has_cache;
};

/**
 * struct bench_pattern - a sequence of allocations and frees
 * @name: name as in the name of the workload
 * @body: body that performs it
 * @threads: number of concurrent threads, each on its own CPU
 * @live: maximum number of objects held by a thread, a power of two
 * @live_min: smallest acceptable number if memory is short
 * @lean: needs memalloc's "lean" mode
 * @softirq: runs in softirq context rather than in a task
 * @own: each thread has a pool of its own; only for objects that have pools
 * @miss: needs that cache limit to be 0, which the user has to set
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
 * @name: name, "pattern/kind-size"
 * @pattern: the pattern
 * @object: the object
 * @live: bench_pattern.live, reduced to fit into memory
 */
struct bench_workload {
	const char *name;
	const struct bench_pattern *pattern;
	const struct bench_object *object;
	unsigned int live;
};

/**
 * struct bench_thread - a thread of a run
 * @run: the run
 * @index: its index in the run
 * @meetings: number of calls of bench_meet()
 * @pool: result of bench_ops.open()
 * @size: bench_object.size
 * @pairs: number of allocations and frees to perform; a multiple of @live
 * @live: maximum number of objects held, a power of two
 * @objects: array of @live entries
 * @shuffle: random permutation of 0 to @live - 1
 * @begin: start time of the measured part, in ns
 * @end: its end time
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
 * struct bench_samples - results of a measurement
 * @pairs: pairs per thread in each repetition
 * @nr: number of measured repetitions
 * @warmups: number of repetitions before those
 * @ns: duration of each repetition, by side
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

/* Start the measured part in all threads at once. */
static inline void bench_start(struct bench_thread *t)
{
	bench_meet(t);
	t->begin = ktime_get_ns();
}

static inline void bench_stop(struct bench_thread *t)
{
	t->end = ktime_get_ns();
}

/* Let other tasks run: the peer may need this CPU to make progress. */
static inline void bench_relax(void)
{
	cpu_relax();
	cond_resched();
}

/*
 * Pass an object to another thread. Waits until the slot of the ring is empty.
 */
static inline void bench_put(void **slot, void *object)
{
	while (smp_load_acquire(slot)) /* pairs with the release in bench_take() */
		bench_relax();
	smp_store_release(slot, object); /* pairs with the acquire in bench_take() */
}

/*
 * Receive the object in the slot. Returns NULL if the other thread has failed.
 */
static inline void *bench_take(const struct bench_thread *t, void **slot)
{
	void *object;

	/* pairs with the release in bench_put() */
	while (!(object = smp_load_acquire(slot)) && !bench_failed(t))
		bench_relax();
	if (unlikely(!object))
		object = smp_load_acquire(slot); /* put just before the failure */
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
