// SPDX-License-Identifier: GPL-2.0
/*
 * GFP flags: translation from user space flags to the kernel's
 *
 * The flags of user space are stable and without gaps; the kernel's own bits
 * change from release to release. Each flag translates to the one of the same
 * name, with three exceptions. HARDWALL is always added: memory for user space
 * comes from a node that the caller's cpuset allows.
 *
 * - ZERO is always set: user space never sees old contents of memory.
 * - COLD has no equivalent in current kernels. It is accepted and ignored.
 * - NOFAIL is not passed down. The device waits where a signal can end the
 *   wait: see mal_command_alloc().
 *
 * Resources that drivers depend on require CAP_SYS_RAWIO. Some devices can
 * reach only the zones DMA and DMA32, and zone DMA is 16 MiB on a PC, so a
 * request for one of them fails without the capability. A share for everyone
 * would not protect the zone, as one page of it may make the module borrow a
 * block of 4 MiB from the host. The reserves of the host and of the module
 * exist for callers that cannot wait. Without the capability ATOMIC never
 * sleeps and HIGH is accepted, but neither takes from a reserve.
 *
 * The capability is checked for the caller, not for the opener of the file.
 *
 * Context: task; mal_node_from_user() in any.
 */
#include <linux/bits.h>
#include <linux/bitops.h>
#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/nodemask.h>
#include <linux/nospec.h>
#include <linux/numa.h>
#include <linux/topology.h>
#include <linux/user_namespace.h>

#include <uapi/linux/memalloc.h>

#include "internal/compat.h"
#include "internal/gfp.h"
#include "internal/node.h"

/* Indexed by MEMALLOC_GFP_MODE. */
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
 * mal_may_use_zone() - may the caller allocate from the requested zone?
 * @gfp: the flags; only zone flags matter
 *
 * Context: task.
 * Return: true unless @gfp has __GFP_DMA or __GFP_DMA32 and the caller lacks
 * CAP_SYS_RAWIO.
 */
bool mal_may_use_zone(gfp_t gfp)
{
	return !(gfp & (__GFP_DMA | __GFP_DMA32)) || capable(CAP_SYS_RAWIO);
}

/* Lacking the capability is normal, so do not audit it. */
static bool mal_may_use_reserves(void)
{
	return ns_capable_noaudit(&init_user_ns, CAP_SYS_RAWIO);
}

/**
 * mal_gfp_from_user() - translate MEMALLOC_GFP_*
 * @user: flags from user space
 * @gfp: set to the kernel's flags
 *
 * Context: task.
 * Return: 0; -EINVAL if a bit or the mode is unknown, or if flags contradict
 * each other; -EPERM for a zone that requires CAP_SYS_RAWIO.
 */
int mal_gfp_from_user(u32 user, gfp_t *gfp)
{
	u32 mode = user & MEMALLOC_GFP_MODE;
	unsigned int i;

	if ((user & ~MEMALLOC_GFP_ALL) || mode >= ARRAY_SIZE(mal_gfp_modes) ||
	    mal_gfp_is_contradictory(user))
		return -EINVAL;
	mode = array_index_nospec(mode, ARRAY_SIZE(mal_gfp_modes));
	*gfp = mal_gfp_modes[mode] | __GFP_ZERO | __GFP_HARDWALL;
	for (i = 0; i < ARRAY_SIZE(mal_gfp_modifiers); i++)
		if (user & mal_gfp_modifiers[i].user)
			*gfp |= mal_gfp_modifiers[i].gfp;
	if (!mal_may_use_zone(*gfp))
		return -EPERM;
	if (*gfp & MAL_GFP_RESERVES && !mal_may_use_reserves())
		*gfp &= ~MAL_GFP_RESERVES;
	return 0;
}

/**
 * mal_node_from_user() - check a node
 * @user: node from user space; -1 for the caller's own
 * @node: set to a possible node, or NUMA_NO_NODE
 *
 * Context: any.
 * Return: 0, or -EINVAL if the node is not possible.
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

/**
 * mal_node_confine() - restrict a request to the nodes of the caller's cpuset
 * @gfp: flags of the request
 * @node: node from mal_node_from_user(); changed to the nearest allowed
 *	node if the cpuset does not include it
 *
 * Context: task.
 * Return: 0, or -ENOMEM if __GFP_THISNODE excludes other nodes.
 */
int mal_node_confine(gfp_t gfp, int *node)
{
	int wanted = *node == NUMA_NO_NODE ? numa_mem_id() : *node;

	if (mal_node_in_cpuset(wanted))
		return 0;
	if (gfp & __GFP_THISNODE)
		return -ENOMEM;
	*node = mal_node_nearest_in_cpuset(wanted);
	return 0;
}
