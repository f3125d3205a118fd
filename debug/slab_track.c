// SPDX-License-Identifier: GPL-2.0
/*
 * Tracks: who allocated an object, and who freed it
 *
 * The stacks are in the host's stack depot, where each is kept once, however
 * many objects have it. What is in the depot stays there: it grows with the
 * number of different stacks, not with that of allocations. A host without the
 * depot (CONFIG_STACKDEPOT) leaves us with the caller alone.
 *
 * Stacks can outlive the modules that they lead through; such lines are "(gone)",
 * as the host would show the address. The caller of what is still allocated has been reported by
 * then: see slab_leak.c.
 *
 * Context: any, unless said otherwise. No lock.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/gfp.h>
#include <linux/hardirq.h>
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/pid.h>
#include <linux/printk.h>
#include <linux/sched.h>
#include <linux/smp.h>
#include <linux/stackdepot.h>
#include <linux/stacktrace.h>

#include "internal/site.h"
#include "internal/slab_track.h"

#define MAL_TRACK_DEPTH	16

/**
 * mal_track_prepare() - make it possible to keep stacks
 *
 * Without memory for it, no stacks are kept.
 *
 * Context: task; sleeps. As often as one likes.
 */
void mal_track_prepare(void)
{
	if (stack_depot_init())
		pr_warn("no memory for stacks: callers alone will be known\n");
}

static depot_stack_handle_t mal_track_stack(void)
{
	unsigned long entries[MAL_TRACK_DEPTH];
	unsigned int nr;

	/* An NMI may have interrupted who holds the depot's lock. */
	if (!IS_ENABLED(CONFIG_STACKDEPOT) || in_nmi())
		return 0;
	/* Neither this function nor its caller. */
	nr = stack_trace_save(entries, ARRAY_SIZE(entries), 2);
	return stack_depot_save(entries, nr, GFP_NOWAIT | __GFP_NOWARN);
}

/**
 * mal_track_note() - note who is here, and when
 * @event: filled in
 * @caller: code address of who called us
 *
 * Context: any; takes locks of the host's.
 */
void mal_track_note(struct mal_track_event *event, unsigned long caller)
{
	event->caller = caller;
	event->when = get_jiffies_64();
	event->stack = mal_track_stack();
	event->pid = in_task() ? task_pid_nr(current) : 0;
	event->cpu = raw_smp_processor_id();
}

/**
 * mal_track_age_ms() - how long ago something was
 * @event: it
 *
 * Context: any.
 * Return: milliseconds.
 */
u64 mal_track_age_ms(const struct mal_track_event *event)
{
	return jiffies64_to_msecs(get_jiffies_64() - event->when);
}

static void mal_track_print_stack(depot_stack_handle_t stack)
{
	char name[MAL_SITE_NAME];
	unsigned long *entries;
	unsigned int nr, i;

	if (!IS_ENABLED(CONFIG_STACKDEPOT) || !stack)
		return;
	nr = stack_depot_fetch(stack, &entries);
	for (i = 0; i < nr; i++)
		pr_err("    %s\n", mal_site_name(entries[i], name));
}

static void mal_track_print_event(const char *what,
				  const struct mal_track_event *event)
{
	char name[MAL_SITE_NAME];

	if (!event->when)
		return;
	pr_err("  %s %llu ms ago by %s, task %d on CPU %u\n", what,
	       mal_track_age_ms(event), mal_site_name(event->caller, name),
	       event->pid, event->cpu);
	mal_track_print_stack(event->stack);
}

/**
 * mal_track_print() - tell who allocated and who freed an object
 * @track: what is known
 *
 * Context: any.
 */
void mal_track_print(const struct mal_track *track)
{
	mal_track_print_event("allocated", &track->alloc);
	mal_track_print_event("freed", &track->freed);
}
