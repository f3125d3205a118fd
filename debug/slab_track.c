// SPDX-License-Identifier: GPL-2.0
/*
 * Tracks: callers that allocated and freed an object
 *
 * The stacks are in the host's stack depot, which keeps each stack once,
 * regardless of the number of objects that share it. The depot is never
 * emptied: it grows with the number of different stacks, not of allocations. On
 * a host without the depot (CONFIG_STACKDEPOT) only the caller is recorded.
 *
 * A stack can outlive the modules that it contains. Such lines show "(gone)",
 * as the host could only print an address. The callers of objects that are
 * still allocated have been reported by then: see slab_leak.c.
 *
 * Context: any, unless noted otherwise. No lock.
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
 * mal_track_prepare() - initialize the stack depot
 *
 * If there is no memory for it, stacks are not recorded.
 *
 * Context: task; sleeps. May be called repeatedly.
 */
void mal_track_prepare(void)
{
	if (stack_depot_init())
		pr_warn("no memory for stacks: only callers are recorded\n");
}

static depot_stack_handle_t mal_track_stack(void)
{
	unsigned long entries[MAL_TRACK_DEPTH];
	unsigned int nr;

	/*
	 * An NMI handler may have interrupted the holder of the depot's lock.
	 */
	if (!IS_ENABLED(CONFIG_STACKDEPOT) || in_nmi())
		return 0;
	/* Skip this function and its caller. */
	nr = stack_trace_save(entries, ARRAY_SIZE(entries), 2);
	return stack_depot_save(entries, nr, GFP_NOWAIT | __GFP_NOWARN);
}

/**
 * mal_track_note() - record caller, task and time
 * @event: filled in
 * @caller: code address of the caller
 *
 * Context: any; takes locks of the host.
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
 * mal_track_age_ms() - age of an event
 * @event: the event
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
 * mal_track_print() - log the allocation and the free of an object
 * @track: the track of the object
 *
 * Context: any.
 */
void mal_track_print(const struct mal_track *track)
{
	mal_track_print_event("allocated", &track->alloc);
	mal_track_print_event("freed", &track->freed);
}
