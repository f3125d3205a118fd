// SPDX-License-Identifier: GPL-2.0
/*
 * Calls of a test at the host's tracepoints
 *
 * Not all of them are exported, so they are looked up by name.
 */
#include <linux/string.h>
#include <linux/tracepoint.h>

#include "host_event.h"

/**
 * struct mal_host_event_search - search for a tracepoint
 * @name: its name
 * @found: the tracepoint, or NULL
 */
struct mal_host_event_search {
	const char *name;
	struct tracepoint *found;
};

static void mal_host_event_compare(struct tracepoint *event, void *data)
{
	struct mal_host_event_search *search = data;

	if (!strcmp(event->name, search->name))
		search->found = event;
}

/**
 * mal_host_event_attach() - call a function at a tracepoint
 * @name: name of the tracepoint
 * @probe: called with @data and the arguments of the tracepoint, on all CPUs,
 *	with preemption off
 * @data: first argument
 *
 * Context: task; sleeps.
 * Return: the tracepoint, or NULL if this kernel does not have it.
 */
struct tracepoint *mal_host_event_attach(const char *name, void *probe, void *data)
{
	struct mal_host_event_search search = { .name = name };

	for_each_kernel_tracepoint(mal_host_event_compare, &search);
	if (!search.found || tracepoint_probe_register(search.found, probe, data))
		return NULL;
	return search.found;
}

/**
 * mal_host_event_detach() - undo mal_host_event_attach()
 * @event: the tracepoint
 * @probe: as passed to mal_host_event_attach(); not called any more
 * @data: as passed to mal_host_event_attach()
 *
 * Context: task; sleeps.
 */
void mal_host_event_detach(struct tracepoint *event, void *probe, void *data)
{
	tracepoint_probe_unregister(event, probe, data);
	tracepoint_synchronize_unregister();
}
