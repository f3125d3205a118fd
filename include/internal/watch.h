/* SPDX-License-Identifier: GPL-2.0 */
/*
 * watch.h: is somebody looking at each allocation and each free?
 */
#ifndef _MAL_WATCH_H
#define _MAL_WATCH_H

#include <linux/jump_label.h>
#include <linux/types.h>

DECLARE_STATIC_KEY_FALSE(mal_watch_key);
DECLARE_STATIC_KEY_FALSE(mal_free_detour_key);
DECLARE_STATIC_KEY_FALSE(mal_alloc_detour_key);

void mal_watch_begin(void);
void mal_watch_end(void);

/**
 * mal_is_watched() - must this allocation or free go the long way?
 *
 * The short ways ask this, and nothing else: whatever wants to see, or to
 * fail, single allocations is done on the long one. Costs a no-op while nobody
 * does.
 *
 * Context: any.
 * Return: true if a tracepoint is enabled or an injected failure is waited for.
 */
static __always_inline bool mal_is_watched(void)
{
	return static_branch_unlikely(&mal_watch_key);
}

/**
 * mal_alloc_may_detour() - is there anything that not each allocation asks for?
 *
 * Asked once by the short way of an allocation: the host's option init_on_alloc,
 * and always mal_is_watched().
 *
 * Context: any.
 * Return: true if one of these is so.
 */
static __always_inline bool mal_alloc_may_detour(void)
{
	return static_branch_unlikely(&mal_alloc_detour_key);
}

/**
 * mal_free_may_detour() - is there anything to look at before an object goes back?
 *
 * Asked once by the short way of a free: the node of an object matters if there
 * are several, what is in it with the host's option init_on_free, and always
 * mal_is_watched().
 *
 * Context: any.
 * Return: true if one of these may matter.
 */
static __always_inline bool mal_free_may_detour(void)
{
	return static_branch_unlikely(&mal_free_detour_key);
}

#endif /* _MAL_WATCH_H */
