/* SPDX-License-Identifier: GPL-2.0 */
/*
 * bench_trace.h: sequence of allocations and frees of a mixed workload
 *
 * A profile has the allocations observed in kernels; a trace is a sequence of
 * allocations generated from it.
 */
#ifndef _MAL_BENCH_TRACE_H
#define _MAL_BENCH_TRACE_H

#include <linux/types.h>

/**
 * struct bench_class - a class of objects of a profile
 * @name: its name
 * @size: size in the unit of the kind: order or bytes
 * @brief: number of short-lived objects, relative to the other classes
 * @lasting: number of lasting objects
 */
struct bench_class {
	const char *name;
	unsigned int size;
	unsigned int brief;
	unsigned int lasting;
};

/**
 * struct bench_profile - distribution of allocations
 * @classes: the classes
 * @nr: number of @classes
 * @lasting_permille: lasting objects per thousand allocations
 */
struct bench_profile {
	const struct bench_class *classes;
	unsigned int nr;
	unsigned int lasting_permille;
};

extern const struct bench_profile bench_profile_kmalloc;
extern const struct bench_profile bench_profile_slab_cache;
extern const struct bench_profile bench_profile_page;

/**
 * struct bench_step - allocate an object, and free the one that it replaces
 * @slot: slot of both objects
 * @from: class of the object freed
 * @to: class of the object allocated
 */
struct bench_step {
	u32 slot;
	u16 from;
	u16 to;
};

/**
 * struct bench_trace - a repeatable sequence of allocations and frees
 * @profile: its profile
 * @nr_slots: number of objects held at any time
 * @nr_steps: number of steps
 * @first: class of the object in each slot, before the first and after the last
 *	step
 * @steps: the steps
 */
struct bench_trace {
	const struct bench_profile *profile;
	unsigned int nr_slots;
	unsigned int nr_steps;
	u16 *first;
	struct bench_step *steps;
};

int bench_trace_make(struct bench_trace *trace, const struct bench_profile *profile,
		     unsigned int nr_slots, unsigned int nr_steps);
void bench_trace_free(struct bench_trace *trace);

#endif /* _MAL_BENCH_TRACE_H */
