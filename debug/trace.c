// SPDX-License-Identifier: GPL-2.0
/*
 * Tracepoints: whether any is enabled
 *
 * See trace.h for what they are. A tracepoint has a static key of its own, but
 * the short ways of allocation and free do not look at it: they look at one key
 * for all that may want to see them, see watch.h, which tracepoints hold while
 * they are enabled.
 *
 * The short way of a free has to look at an object's node, too, where there are
 * several. So it looks at a key for both, and knows more only if that is set:
 * where there is one node and nobody watches, both questions cost it one no-op.
 * The short way of an allocation does so with the host's option init_on_alloc.
 *
 * Context: task; sleeps. The host enables and disables one tracepoint at a time.
 */
#include <linux/jump_label.h>

#include "internal/watch.h"

#define CREATE_TRACE_POINTS
#include "internal/trace.h"

DEFINE_STATIC_KEY_FALSE(mal_watch_key);
DEFINE_STATIC_KEY_FALSE(mal_free_detour_key);
DEFINE_STATIC_KEY_FALSE(mal_alloc_detour_key);

/**
 * mal_watch_begin() - send each allocation and each free the long way
 *
 * Context: task; sleeps. May be done by several.
 */
void mal_watch_begin(void)
{
	static_branch_inc(&mal_watch_key);
	static_branch_inc(&mal_free_detour_key);
	static_branch_inc(&mal_alloc_detour_key);
}

/**
 * mal_watch_end() - the mirror of mal_watch_begin()
 *
 * Context: task; sleeps.
 */
void mal_watch_end(void)
{
	static_branch_dec(&mal_free_detour_key);
	static_branch_dec(&mal_alloc_detour_key);
	static_branch_dec(&mal_watch_key);
}

/**
 * mal_trace_register() - a tracepoint is about to be enabled
 *
 * Context: task; sleeps.
 * Return: 0.
 */
int mal_trace_register(void)
{
	mal_watch_begin();
	return 0;
}

/**
 * mal_trace_unregister() - a tracepoint has been disabled
 *
 * Context: task; sleeps.
 */
void mal_trace_unregister(void)
{
	mal_watch_end();
}
