// SPDX-License-Identifier: GPL-2.0
/*
 * Tracepoints: static keys of enabled tracepoints
 *
 * See trace.h for the tracepoints. Each tracepoint has a static key, but the
 * fast paths of allocation and free do not test it. They test one key for all
 * features that need to see every call (instrument.h), and enabled tracepoints
 * hold that key.
 *
 * The fast path of a free must check the node of an object as well if there are
 * several nodes. It tests one key for both purposes and looks further only if
 * that key is set. Both checks together cost one no-op if there is one node and
 * no instrumentation. The fast path of an allocation combines the key with the
 * host's option init_on_alloc in the same way.
 *
 * Context: task; sleeps. The host enables and disables one tracepoint at a
 * time.
 */
#include <linux/jump_label.h>

#include "internal/instrument.h"

#define CREATE_TRACE_POINTS
#include "internal/trace.h"

DEFINE_STATIC_KEY_FALSE(mal_instrument_key);
DEFINE_STATIC_KEY_FALSE(mal_free_hooks_key);
DEFINE_STATIC_KEY_FALSE(mal_alloc_hooks_key);

/**
 * mal_instrument_begin() - divert allocations and frees to the slow path
 *
 * Calls nest.
 *
 * Context: task; sleeps.
 */
void mal_instrument_begin(void)
{
	static_branch_inc(&mal_instrument_key);
	static_branch_inc(&mal_free_hooks_key);
	static_branch_inc(&mal_alloc_hooks_key);
}

/**
 * mal_instrument_end() - undo mal_instrument_begin()
 *
 * Context: task; sleeps.
 */
void mal_instrument_end(void)
{
	static_branch_dec(&mal_free_hooks_key);
	static_branch_dec(&mal_alloc_hooks_key);
	static_branch_dec(&mal_instrument_key);
}

/**
 * mal_trace_register() - called before a tracepoint is enabled
 *
 * Context: task; sleeps.
 * Return: 0.
 */
int mal_trace_register(void)
{
	mal_instrument_begin();
	return 0;
}

/**
 * mal_trace_unregister() - called after a tracepoint was disabled
 *
 * Context: task; sleeps.
 */
void mal_trace_unregister(void)
{
	mal_instrument_end();
}
