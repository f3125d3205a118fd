/* SPDX-License-Identifier: GPL-2.0 */
/*
 * instrument.h: must each allocation and each free be intercepted?
 */
#ifndef _MAL_INSTRUMENT_H
#define _MAL_INSTRUMENT_H

#include <linux/jump_label.h>
#include <linux/types.h>

DECLARE_STATIC_KEY_FALSE(mal_instrument_key);
DECLARE_STATIC_KEY_FALSE(mal_free_hooks_key);
DECLARE_STATIC_KEY_FALSE(mal_alloc_hooks_key);

void mal_instrument_begin(void);
void mal_instrument_end(void);

/**
 * mal_is_instrumented() - must this allocation or free take the slow path?
 *
 * The fast paths test only this key. Everything that must see single
 * allocations, or make them fail, is on the slow path. Costs a no-op while no
 * such feature is enabled.
 *
 * Context: any.
 * Return: true if a tracepoint is enabled or a failure injection is armed.
 */
static __always_inline bool mal_is_instrumented(void)
{
	return static_branch_unlikely(&mal_instrument_key);
}

/**
 * mal_alloc_has_hooks() - does an allocation need any additional check?
 *
 * Tested once by the fast path of an allocation. Combines the host's option
 * init_on_alloc and mal_is_instrumented().
 *
 * Context: any.
 * Return: true if either is set.
 */
static __always_inline bool mal_alloc_has_hooks(void)
{
	return static_branch_unlikely(&mal_alloc_hooks_key);
}

/**
 * mal_free_has_hooks() - does a free need any additional check?
 *
 * Tested once by the fast path of a free. Combines the node of the object,
 * which matters if there are several nodes, the host's option init_on_free, and
 * mal_is_instrumented().
 *
 * Context: any.
 * Return: true if any of them may matter.
 */
static __always_inline bool mal_free_has_hooks(void)
{
	return static_branch_unlikely(&mal_free_hooks_key);
}

#endif /* _MAL_INSTRUMENT_H */
