/* SPDX-License-Identifier: GPL-2.0 */
/*
 * bench_mixed.h: running a trace, on either side
 */
#ifndef _MAL_BENCH_MIXED_H
#define _MAL_BENCH_MIXED_H

#include <linux/types.h>

#include "bench.h"
#include "bench_trace.h"

/* Of the workloads; the array of objects of a thread has to have room for the slots. */
#define BENCH_MIXED_SLOTS	2048
#define BENCH_MIXED_STEPS	4096

/**
 * struct bench_mixed_pool - a trace, and what its objects are allocated from
 * @trace: the trace
 * @caches: a cache for each class, where objects have caches of their own
 */
struct bench_mixed_pool {
	struct bench_trace trace;
	void **caches;
};

/**
 * struct bench_mixed_ops - a trace of one kind of objects, on one side
 * @open: make a trace of so many slots and steps, and its pool; the names of its
 *	caches begin with the prefix. Returns NULL if that fails
 * @close: the reverse
 * @fill: allocate the object of each slot. Returns 0, or -ENOMEM with nothing
 *	allocated
 * @replay: run the trace. Returns 0, or -ENOMEM with nothing allocated any more
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
 * struct bench_mixed_kind - a trace of one kind of objects
 * @name: of the kind
 * @orders: sizes are orders, and not bytes
 * @ops: of both sides
 */
struct bench_mixed_kind {
	const char *name;
	bool orders;
	const struct bench_mixed_ops *ops[BENCH_NR_SIDES];
};

#define BENCH_NR_MIXED	3

extern const struct bench_mixed_kind bench_mixed_kinds[BENCH_NR_MIXED];

#endif /* _MAL_BENCH_MIXED_H */
