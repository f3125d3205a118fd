// SPDX-License-Identifier: GPL-2.0
/*
 * Generation of a trace from a profile
 *
 * The trace keeps one object allocated per slot. A step allocates an object,
 * and then frees the object that it replaces. BENCH_BRIEF slots hold
 * short-lived objects; all others hold lasting ones. Each step first picks one
 * of the two groups at random, with the profile's probability. Then it picks a
 * slot of the group uniformly, and the class of the new object with the
 * profile's weights. So lifetimes are distributed geometrically. A short-lived
 * object lives for about BENCH_BRIEF steps, a lasting one until the trace
 * returns to its slot.
 *
 * After the last step, each slot holds the same class as before the first, so
 * the trace can be repeated. The same number of slots and steps always gives
 * the same trace.
 *
 * Context: task; sleeps.
 */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/prandom.h>
#include <linux/slab.h>

#include "bench_trace.h"

/* Objects that a few system calls have allocated at the same time. */
#define BENCH_BRIEF	32U

static u32 bench_weight(const struct bench_class *class, bool lasting)
{
	return lasting ? class->lasting : class->brief;
}

/* Draw a class with the probability of its weight. */
static u16 bench_draw(const struct bench_profile *profile, bool lasting,
		      struct rnd_state *random)
{
	u32 sum = 0, point;
	u16 i;

	for (i = 0; i < profile->nr; i++)
		sum += bench_weight(&profile->classes[i], lasting);
	point = prandom_u32_state(random) % sum;
	for (i = 0; i < profile->nr; i++) {
		u32 weight = bench_weight(&profile->classes[i], lasting);

		if (point < weight)
			break;
		point -= weight;
	}
	return i;
}

static void bench_draw_step(struct bench_step *step, const struct bench_trace *trace,
			    struct rnd_state *random)
{
	bool lasting = prandom_u32_state(random) % 1000 < trace->profile->lasting_permille;

	step->to = bench_draw(trace->profile, lasting, random);
	if (lasting)
		step->slot = BENCH_BRIEF + prandom_u32_state(random) %
					   (trace->nr_slots - BENCH_BRIEF);
	else
		step->slot = prandom_u32_state(random) % BENCH_BRIEF;
}

static void bench_draw_steps(struct bench_trace *trace)
{
	struct rnd_state random;
	unsigned int i;

	prandom_seed_state(&random, 1);
	for (i = 0; i < trace->nr_slots; i++)
		trace->first[i] = bench_draw(trace->profile, i >= BENCH_BRIEF, &random);
	for (i = 0; i < trace->nr_steps; i++) {
		bench_draw_step(&trace->steps[i], trace, &random);
		trace->first[trace->steps[i].slot] = trace->steps[i].to;
	}
}

/*
 * Set the class that each step frees: the one that an earlier step has
 * allocated.
 */
static void bench_link_steps(struct bench_trace *trace)
{
	unsigned int i;

	for (i = 0; i < trace->nr_steps; i++) {
		struct bench_step *step = &trace->steps[i];

		step->from = trace->first[step->slot];
		trace->first[step->slot] = step->to;
	}
}

/**
 * bench_trace_make() - generate a trace
 * @trace: filled in
 * @profile: its profile
 * @nr_slots: number of objects held at any time; more than BENCH_BRIEF
 * @nr_steps: number of steps
 *
 * Context: task; sleeps.
 * Return: 0, or -ENOMEM.
 */
int bench_trace_make(struct bench_trace *trace, const struct bench_profile *profile,
		     unsigned int nr_slots, unsigned int nr_steps)
{
	*trace = (struct bench_trace) {
		.profile = profile,
		.nr_slots = nr_slots,
		.nr_steps = nr_steps,
		.first = kvcalloc(nr_slots, sizeof(*trace->first), GFP_KERNEL),
		.steps = kvcalloc(nr_steps, sizeof(*trace->steps), GFP_KERNEL),
	};
	if (!trace->first || !trace->steps) {
		bench_trace_free(trace);
		return -ENOMEM;
	}
	bench_draw_steps(trace);
	bench_link_steps(trace);
	return 0;
}

/**
 * bench_trace_free() - free a trace
 * @trace: the trace
 *
 * Context: task; sleeps.
 */
void bench_trace_free(struct bench_trace *trace)
{
	kvfree(trace->first);
	kvfree(trace->steps);
}
