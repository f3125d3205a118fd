// SPDX-License-Identifier: GPL-2.0
/*
 * GFP flags: from what user space says to what the allocators understand
 *
 * The set that user space may use is ours, stable and without holes; the
 * kernel's own bits move from release to release. Each translates to the flag
 * of the same name, except for three:
 *
 * - ZERO is always there: user space never sees what was in memory before it.
 * - COLD has no successor in the kernel; it is accepted and changes nothing.
 * - NOFAIL is not passed down. The device waits for it where a signal can end
 *   the wait: see mal_verb_alloc().
 *
 * Contexts: any.
 */
#include <linux/bits.h>
#include <linux/bitops.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/nodemask.h>
#include <linux/nospec.h>
#include <linux/numa.h>

#include <uapi/linux/memalloc.h>

#include "internal/gfp.h"

/* By MEMALLOC_GFP_MODE. */
static const gfp_t mal_gfp_modes[] = {
	[MEMALLOC_GFP_KERNEL] = GFP_KERNEL,
	[MEMALLOC_GFP_ATOMIC] = GFP_ATOMIC,
	[MEMALLOC_GFP_NOWAIT] = GFP_NOWAIT,
	[MEMALLOC_GFP_NOIO] = GFP_NOIO,
	[MEMALLOC_GFP_NOFS] = GFP_NOFS,
	[MEMALLOC_GFP_USER] = GFP_USER,
	[MEMALLOC_GFP_HIGHUSER] = GFP_HIGHUSER,
};

struct mal_gfp_modifier {
	u32 user;
	gfp_t gfp;
};

static const struct mal_gfp_modifier mal_gfp_modifiers[] = {
	{ MEMALLOC_GFP_NOWARN, __GFP_NOWARN },
	{ MEMALLOC_GFP_NORETRY, __GFP_NORETRY },
	{ MEMALLOC_GFP_RETRY_MAYFAIL, __GFP_RETRY_MAYFAIL },
	{ MEMALLOC_GFP_DMA, __GFP_DMA },
	{ MEMALLOC_GFP_DMA32, __GFP_DMA32 },
	{ MEMALLOC_GFP_HIGHMEM, __GFP_HIGHMEM },
	{ MEMALLOC_GFP_HIGH, __GFP_HIGH },
	{ MEMALLOC_GFP_THISNODE, __GFP_THISNODE },
};

static bool mal_gfp_is_contradictory(u32 user)
{
	const u32 retry = MEMALLOC_GFP_NORETRY | MEMALLOC_GFP_RETRY_MAYFAIL |
			  MEMALLOC_GFP_NOFAIL;
	const u32 dma = MEMALLOC_GFP_DMA | MEMALLOC_GFP_DMA32;
	u32 mode = user & MEMALLOC_GFP_MODE;

	if (hweight32(user & retry) > 1 || hweight32(user & dma) > 1)
		return true;
	if ((user & dma) && ((user & MEMALLOC_GFP_HIGHMEM) ||
			     mode == MEMALLOC_GFP_HIGHUSER))
		return true;
	return (user & MEMALLOC_GFP_NOFAIL) &&
	       (mode == MEMALLOC_GFP_ATOMIC || mode == MEMALLOC_GFP_NOWAIT);
}

/**
 * mal_gfp_from_user() - translate MEMALLOC_GFP_*
 * @user: what user space says
 * @gfp: what it means to the allocators
 *
 * Context: any.
 * Return: 0, or -EINVAL if a bit or the mode is unknown, or if some contradict
 * each other.
 */
int mal_gfp_from_user(u32 user, gfp_t *gfp)
{
	u32 mode = user & MEMALLOC_GFP_MODE;
	unsigned int i;

	if ((user & ~MEMALLOC_GFP_ALL) || mode >= ARRAY_SIZE(mal_gfp_modes) ||
	    mal_gfp_is_contradictory(user))
		return -EINVAL;
	mode = array_index_nospec(mode, ARRAY_SIZE(mal_gfp_modes));
	*gfp = mal_gfp_modes[mode] | __GFP_ZERO;
	for (i = 0; i < ARRAY_SIZE(mal_gfp_modifiers); i++)
		if (user & mal_gfp_modifiers[i].user)
			*gfp |= mal_gfp_modifiers[i].gfp;
	return 0;
}

/**
 * mal_node_from_user() - check a node
 * @user: what user space says; -1 for the caller's own
 * @node: a possible node, or NUMA_NO_NODE
 *
 * Context: any.
 * Return: 0, or -EINVAL if there can be no such node.
 */
int mal_node_from_user(s32 user, int *node)
{
	*node = NUMA_NO_NODE;
	if (user == -1)
		return 0;
	if (user < 0 || user >= MAX_NUMNODES)
		return -EINVAL;
	user = array_index_nospec(user, MAX_NUMNODES);
	if (!node_possible(user))
		return -EINVAL;
	*node = user;
	return 0;
}
