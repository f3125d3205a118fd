// SPDX-License-Identifier: GPL-2.0
/*
 * Quarantine of objects: what is freed is held back for a while
 *
 * An object that is allocated again at once hides who still uses it: what they
 * write is then in somebody's object, and not in a free one. So with QUARANTINE,
 * freed objects wait in a list, the oldest first, and go back into their slab
 * only when those that came after them are more than slab_quarantine_kb KiB, of
 * this cache and on this node. When one leaves, its poison and its redzones are
 * checked; who has written to it is reported, and the object stays out.
 *
 * Shrinking, memory pressure and destruction of the cache let all of them go,
 * through the same check.
 *
 * Locking: mal_slab_node.lock, with interrupts off.
 *
 * Context: any but NMI, unless said otherwise.
 */
#include <linux/list.h>
#include <linux/minmax.h>
#include <linux/moduleparam.h>
#include <linux/sched.h>
#include <linux/spinlock.h>

#include "internal/peek.h"
#include "internal/slab.h"
#include "internal/slab_debug.h"
#include "internal/slab_quarantine.h"
#include "internal/slab_track.h"

static unsigned int mal_quarantine_kb = 256;
module_param_named(slab_quarantine_kb, mal_quarantine_kb, uint, 0644);
MODULE_PARM_DESC(slab_quarantine_kb, "Freed objects that are held back in the debug mode Q, per cache and node, in KiB (default: 256)");

/* So many are let go under one hold of the lock. */
#define MAL_HELD_BATCH	64UL

static void mal_held_pop(struct mal_slab_node *node, struct list_head *surplus)
{
	struct mal_track *track = list_first_entry(&node->held, struct mal_track,
						   held);
	struct mal_slab *slab = track->slab;
	u32 index = track - slab->tracks;
	struct mal_fault fault;

	list_del_init(&track->held);
	node->nr_held--;
	if (mal_debug_check(slab, index, true, &fault)) {
		mal_slab_node_put(node, slab, index, surplus);
		return;
	}
	mal_debug_report(slab, index, true, &fault, 0);
	WRITE_ONCE(slab->states[index], MAL_OBJECT_LEAKED);
}

/**
 * mal_held_add() - hold an object back, and let others go for it
 * @node: the node that the slab is on
 * @slab: the slab, with debug modes
 * @index: number of the object, which is the caller's and poisoned
 * @surplus: slabs that are not needed any more are added here
 *
 * Context: any but NMI; the node's lock is held.
 */
void mal_held_add(struct mal_slab_node *node, struct mal_slab *slab, u32 index,
		  struct list_head *surplus)
{
	u64 most = (u64)READ_ONCE(mal_quarantine_kb) << 10;
	unsigned int i;

	lockdep_assert_held(&node->lock);
	WRITE_ONCE(slab->states[index], MAL_OBJECT_HELD);
	list_add_tail(&slab->tracks[index].held, &node->held);
	node->nr_held++;
	/* If the parameter has been made less, there are many: not all at once. */
	for (i = 0; i < MAL_HELD_BATCH && node->nr_held &&
	     (u64)node->nr_held * slab->cache->size > most; i++)
		mal_held_pop(node, surplus);
}

/* No more than @most. Returns how many there were. */
static unsigned long mal_held_release(struct mal_slab_node *node,
				      unsigned long most)
{
	unsigned long flags, released;
	LIST_HEAD(surplus);

	spin_lock_irqsave(&node->lock, flags);
	most = min(most, node->nr_held);
	for (released = 0; released < most; released++)
		mal_held_pop(node, &surplus);
	spin_unlock_irqrestore(&node->lock, flags);
	mal_slab_destroy_list(&surplus);
	return released;
}

/**
 * mal_held_flush() - let all objects of a node go, into their slabs
 * @node: the node
 *
 * All that are there now: not those that others free meanwhile.
 *
 * Context: task; may sleep.
 */
void mal_held_flush(struct mal_slab_node *node)
{
	unsigned long left = mal_peek(node->nr_held), released;

	while (left) {
		released = mal_held_release(node, min(left, MAL_HELD_BATCH));
		if (!released)
			break;
		left -= released;
		cond_resched();
	}
}
