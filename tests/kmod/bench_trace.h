/* SPDX-License-Identifier: GPL-2.0 */
/*
 * bench_trace.h: what a mixed workload allocates and frees, and when
 *
 * A profile says what a kernel was seen to allocate; a trace is a sequence of
 * allocations made from it.
 */
#ifndef _MAL_BENCH_TRACE_H
#define _MAL_BENCH_TRACE_H

#include <linux/types.h>

/**
 * struct bench_class - one of the things that a profile allocates
 * @name: what it is
 * @size: in the unit of its kind: an order, or bytes
 * @brief: how many of it live for a short time, relative to the other classes
 * @lasting: how many live for long
 */
struct bench_class {
	const char *name;
	unsigned int size;
	unsigned int brief;
	unsigned int lasting;
};

/**
 * struct bench_profile - what is allocated
 * @classes: the things
 * @nr: how many
 * @lasting_permille: of so many of a thousand allocations the object lasts
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
 * struct bench_step - allocate an object, free the one that it replaces
 * @slot: where both are kept
 * @from: class of the one that goes
 * @to: class of the one that comes
 */
struct bench_step {
	u32 slot;
	u16 from;
	u16 to;
};

/**
 * struct bench_trace - a sequence of allocations and frees, to be run again and again
 * @profile: what it is made from
 * @nr_slots: how many objects are allocated at any time
 * @nr_steps: its length
 * @first: class of the object in each slot, before the first step as after the last
 * @steps: them
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
