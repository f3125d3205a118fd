// SPDX-License-Identifier: GPL-2.0
/*
 * Making a trace from a profile
 *
 * At any time as many objects are allocated as the trace has slots. A step
 * allocates one, and then frees the one whose place it takes. BENCH_BRIEF slots
 * hold objects that live briefly, all others objects that last. Which of the two
 * a step is about is decided by chance, as the profile says; then the slot is
 * chosen, each of these alike, and the class of the new object, as the profile
 * says. So how long an object lives is distributed geometrically: one that is
 * brief lives for about BENCH_BRIEF steps, one that lasts for as many as it takes
 * to come back to its slot.
 *
 * After the last step each slot holds what it held before the first, so the trace
 * can be run again from there. It is the same for the same number of slots
 * and steps, always.
 *
 * Context: task; sleeps.
 */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/prandom.h>
#include <linux/slab.h>

#include "bench_trace.h"

/* What a few system calls have allocated at once. */
#define BENCH_BRIEF	32U

static u32 bench_weight(const struct bench_class *class, bool lasting)
{
	return lasting ? class->lasting : class->brief;
}

/* A class, each as often as its weight says. */
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

/* What each step frees follows from what the steps before it allocate. */
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
 * bench_trace_make() - make a trace
 * @trace: filled in
 * @profile: what it allocates
 * @nr_slots: objects allocated at any time; more than BENCH_BRIEF
 * @nr_steps: its length
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
 * bench_trace_free() - the reverse
 * @trace: the trace
 *
 * Context: task; sleeps.
 */
void bench_trace_free(struct bench_trace *trace)
{
	kvfree(trace->first);
	kvfree(trace->steps);
}
