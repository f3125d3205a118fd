// SPDX-License-Identifier: GPL-2.0
/*
 * Checked allocation and free: the slow path of caches with debug modes
 *
 * A cache with a debug mode other than G has no sheaves: slab_alloc.c passes
 * each object of such a cache through this file. An object is checked when it
 * gets an owner and when it loses it. The checks themselves are in
 * slab_debug.c. With QUARANTINE, a freed object is not returned to its slab but
 * delayed; see slab_quarantine.c.
 *
 * The check, the record of the caller, and the change of the object's state are
 * one critical section, so that a validation sees each object either allocated
 * or free.
 *
 * Locking: mal_slab_node.lock, with interrupts off.
 *
 * Context: any but NMI.
 */
#include <linux/atomic.h>
#include <linux/list.h>
#include <linux/spinlock.h>
#include <linux/string.h>

#include "internal/report.h"
#include "internal/slab.h"
#include "internal/slab_checked.h"
#include "internal/slab_debug.h"
#include "internal/slab_quarantine.h"
#include "internal/slab_track.h"

static void mal_checked_note(const struct mal_kmem_cache *cache,
			     struct mal_track_event *event, unsigned long caller)
{
	memset(event, 0, sizeof(*event));
	if (cache->flags & MAL_CACHE_STORE_USER)
		mal_track_note(event, caller);
}

/* Check the slab and the object before an operation on it. */
static bool mal_checked_examine(struct mal_slab *slab, u32 index, bool is_free,
				unsigned long caller)
{
	struct mal_fault fault;

	if (slab->flags & MAL_CACHE_CHECKS)
		mal_slab_check_states(slab);
	if (mal_debug_check(slab, index, is_free, &fault))
		return true;
	mal_debug_report(slab, index, is_free, &fault, caller);
	return false;
}

/**
 * mal_checked_alloc() - allocate an object
 * @cache: a cache with debug modes
 * @object: the object, CACHED
 * @caller: code address of the new owner
 *
 * Context: any but NMI.
 * Return: true, and the object is ALLOCATED; false if it was written to while
 * it was free, and it is LEAKED.
 */
bool mal_checked_alloc(struct mal_kmem_cache *cache, void *object,
		       unsigned long caller)
{
	struct mal_slab *slab = mal_slab_of(object);
	u32 index = mal_slab_index(cache, slab, object);
	struct mal_slab_node *node = cache->nodes[slab->nid];
	struct mal_track_event event;
	unsigned long flags;
	bool ok;

	mal_checked_note(cache, &event, caller);
	spin_lock_irqsave(&node->lock, flags);
	ok = mal_checked_examine(slab, index, true, caller);
	if (ok)
		slab->tracks[index].alloc = event;
	WRITE_ONCE(slab->states[index], ok ? MAL_OBJECT_ALLOCATED :
					     MAL_OBJECT_LEAKED);
	spin_unlock_irqrestore(&node->lock, flags);
	return ok;
}

/* Returns false if the object must not be used again. */
static bool mal_checked_put(struct mal_slab *slab, u32 index,
			    const struct mal_track_event *event,
			    unsigned long caller)
{
	struct mal_track *track = &slab->tracks[index];

	track->freed = *event;
	if (!mal_checked_examine(slab, index, false, caller) || track->spoiled) {
		WRITE_ONCE(slab->states[index], MAL_OBJECT_LEAKED);
		return false;
	}
	mal_debug_poison(slab, index);
	mal_debug_set_asked(slab, index, slab->cache->object_size);
	return true;
}

/**
 * mal_checked_free() - free an object
 * @cache: a cache with debug modes
 * @slab: the object's slab
 * @object: the object
 * @from: state of an object that the caller owns: ALLOCATED, or DEFERRED
 * @caller: code address of the owner
 *
 * Context: any but NMI.
 */
void mal_checked_free(struct mal_kmem_cache *cache, struct mal_slab *slab,
		      void *object, u8 from, unsigned long caller)
{
	u32 index = mal_slab_index(cache, slab, object);
	struct mal_slab_node *node = cache->nodes[slab->nid];
	struct mal_track_event event;
	unsigned long flags;
	LIST_HEAD(surplus);

	mal_checked_note(cache, &event, caller);
	spin_lock_irqsave(&node->lock, flags);
	if (cmpxchg(&slab->states[index], from, MAL_OBJECT_CACHED) != from) {
		mal_report(MAL_REPORT_DOUBLE_FREE, caller,
			   "object %u of cache %s was freed by two callers at once",
			   index, cache->name);
		goto out;
	}
	if (!mal_checked_put(slab, index, &event, caller))
		goto out;
	if (cache->flags & MAL_CACHE_QUARANTINE)
		mal_slab_quarantine_add(node, slab, index, &surplus);
	else
		mal_slab_node_put(node, slab, index, MAL_OBJECT_CACHED, &surplus);
out:
	spin_unlock_irqrestore(&node->lock, flags);
	mal_slab_destroy_list(&surplus);
}
