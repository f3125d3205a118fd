/* SPDX-License-Identifier: GPL-2.0 */
/*
 * bench_mixed.h: run a trace on either side
 */
#ifndef _MAL_BENCH_MIXED_H
#define _MAL_BENCH_MIXED_H

#include <linux/types.h>

#include "bench.h"
#include "bench_trace.h"

/*
 * Slots of the workloads. The array of a thread's objects must have as many
 * entries.
 */
#define BENCH_MIXED_SLOTS	2048
#define BENCH_MIXED_STEPS	4096

/**
 * struct bench_mixed_pool - a trace, and the pool of its objects
 * @trace: the trace
 * @caches: a cache for each class, if objects have caches of their own
 */
struct bench_mixed_pool {
	struct bench_trace trace;
	void **caches;
};

/**
 * struct bench_mixed_ops - operations of one kind of object on one side
 * @open: create a trace of the given number of slots and steps, and its pool.
 *	The names of its caches begin with the prefix. Returns NULL on failure
 * @close: undo @open
 * @fill: allocate the object of each slot. Returns 0, or -ENOMEM with nothing
 *	allocated
 * @replay: run the trace. Returns 0, or -ENOMEM with nothing allocated
 * @free: free an object of a class
 */
struct bench_mixed_ops {
	struct bench_mixed_pool *(*open)(const char *prefix, unsigned int nr_slots,
					 unsigned int nr_steps);
	void (*close)(void *pool);
	int (*fill)(struct bench_mixed_pool *pool, void **objects);
	int (*replay)(struct bench_mixed_pool *pool, void **objects);
	void (*free)(struct bench_mixed_pool *pool, u16 class, void *object);
};

/**
 * struct bench_mixed_kind - a kind of object for traces
 * @name: its name
 * @orders: sizes are orders rather than bytes
 * @ops: operations of both sides
 */
struct bench_mixed_kind {
	const char *name;
	bool orders;
	const struct bench_mixed_ops *ops[BENCH_NR_SIDES];
};

#define BENCH_NR_MIXED	3

extern const struct bench_mixed_kind bench_mixed_kinds[BENCH_NR_MIXED];

#endif /* _MAL_BENCH_MIXED_H */
