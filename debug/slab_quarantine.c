// SPDX-License-Identifier: GPL-2.0
/*
 * Quarantine of objects: delayed reuse of freed memory
 *
 * An object that is reused at once hides a use after free: the write then
 * changes another owner's object, and not a free one. With QUARANTINE, freed
 * objects wait on a list in the order of their frees. An object is returned to
 * its slab when the objects freed after it, in this cache and on this node,
 * exceed slab_quarantine_kb KiB. Its poison and its redzones are then checked;
 * a write is reported, and the object stays out of use.
 *
 * An object enters the list when mal_checked_free() has changed its state
 * atomically from ALLOCATED, or DEFERRED, to CACHED, so it is never on the list
 * twice.
 *
 * Shrinking, memory pressure and destruction of the cache release all of them,
 * with the same check.
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
#include "internal/slab_idle.h"
#include "internal/slab_quarantine.h"
#include "internal/slab_track.h"

static unsigned int mal_quarantine_kb = 256;
module_param_named(slab_quarantine_kb, mal_quarantine_kb, uint, 0644);
MODULE_PARM_DESC(slab_quarantine_kb, "Freed objects to quarantine in the debug mode Q, in KiB per cache and node (default: 256)");

/* Maximum number of objects released in one critical section. */
#define MAL_QUARANTINE_BATCH	64UL

static void mal_slab_quarantine_pop(struct mal_slab_node *node,
				    struct list_head *surplus)
{
	struct mal_track *track = list_first_entry(&node->quarantine,
						   struct mal_track, link);
	struct mal_slab *slab = track->slab;
	u32 index = track - slab->tracks;
	struct mal_fault fault;

	list_del_init(&track->link);
	node->nr_quarantined--;
	mal_idle_add(slab->cache, MAL_IDLE_SHARED, -(long)slab->cache->size);
	if (mal_debug_check(slab, index, true, &fault)) {
		mal_slab_node_put(node, slab, index, MAL_OBJECT_QUARANTINED,
				  surplus);
		return;
	}
	mal_debug_report(slab, index, true, &fault, 0);
	WRITE_ONCE(slab->states[index], MAL_OBJECT_LEAKED);
}

/**
 * mal_slab_quarantine_add() - quarantine an object and release older ones
 * @node: the node of the slab
 * @slab: the slab, with debug modes
 * @index: index of the object, which is CACHED, owned by the caller, and
 *	poisoned
 * @surplus: slabs that are not needed any more are added here
 *
 * Context: any but NMI; the node's lock is held.
 */
void mal_slab_quarantine_add(struct mal_slab_node *node, struct mal_slab *slab,
			     u32 index, struct list_head *surplus)
{
	u64 most = (u64)READ_ONCE(mal_quarantine_kb) << 10;
	unsigned int i;

	lockdep_assert_held(&node->lock);
	WRITE_ONCE(slab->states[index], MAL_OBJECT_QUARANTINED);
	list_add_tail(&slab->tracks[index].link, &node->quarantine);
	node->nr_quarantined++;
	mal_idle_add(slab->cache, MAL_IDLE_SHARED, slab->cache->size);
	/*
	 * After the parameter was lowered, there may be many: release some at a
	 * time.
	 */
	for (i = 0; i < MAL_QUARANTINE_BATCH && node->nr_quarantined &&
	     (u64)node->nr_quarantined * slab->cache->size > most; i++)
		mal_slab_quarantine_pop(node, surplus);
}

/* Release up to @most objects. Returns the number released. */
static unsigned long mal_slab_quarantine_release(struct mal_slab_node *node,
						 unsigned long most)
{
	unsigned long flags, released;
	LIST_HEAD(surplus);

	spin_lock_irqsave(&node->lock, flags);
	most = min(most, node->nr_quarantined);
	for (released = 0; released < most; released++)
		mal_slab_quarantine_pop(node, &surplus);
	spin_unlock_irqrestore(&node->lock, flags);
	mal_slab_destroy_list(&surplus);
	return released;
}

/**
 * mal_slab_quarantine_flush() - release all quarantined objects of a node
 * @node: the node
 *
 * Objects that are freed meanwhile are not released.
 *
 * Context: task; may sleep.
 */
void mal_slab_quarantine_flush(struct mal_slab_node *node)
{
	unsigned long left = mal_peek(node->nr_quarantined), count, released;

	while (left) {
		count = min(left, MAL_QUARANTINE_BATCH);
		released = mal_slab_quarantine_release(node, count);
		if (!released)
			break;
		left -= released;
		cond_resched();
	}
}
