// SPDX-License-Identifier: GPL-2.0
/*
 * Barns: the sheaves that the CPUs of a node share
 *
 * The barn of a node has sheaves with objects, most of them full, up to a
 * number that depends on the cache, and a few empty ones. A CPU exchanges a
 * sheaf with objects for an empty one there, or the reverse, under one lock. If
 * the barn has enough sheaves with objects, the objects of further ones are
 * returned to the slabs. Surplus empty sheaves are freed.
 *
 * Locking: mal_slab_node.barn_lock, with interrupts off. mal_slab_node.lock,
 * for the slabs, is never taken under it, nor the reverse. The caller may hold
 * any lock of its own that an interrupt handler also takes: a CPU that is
 * interrupted while it holds a barn's lock would deadlock with one that waits
 * for the barn under the handler's lock. There is one trip to the barn per
 * sheaf.
 *
 * Context: any but NMI, unless said otherwise.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/kernel.h>
#include <linux/list.h>
#include <linux/rcupdate.h>
#include <linux/spinlock.h>

#include "internal/barn.h"
#include "internal/delay.h"
#include "internal/peek.h"
#include "internal/sheaf.h"
#include "internal/slab.h"
#include "internal/slab_idle.h"
#include "internal/tally.h"

/* Account a sheaf that moves from a CPU or a task to the barn. */
static void mal_sheaf_idle_to_shared(const struct mal_sheaf *sheaf)
{
	mal_idle_add(sheaf->cache, MAL_IDLE_CPU, -mal_sheaf_idle_cpu(sheaf));
	mal_idle_add(sheaf->cache, MAL_IDLE_SHARED, mal_sheaf_idle_shared(sheaf));
}

static void mal_sheaf_idle_to_cpu(const struct mal_sheaf *sheaf)
{
	mal_idle_add(sheaf->cache, MAL_IDLE_SHARED, -mal_sheaf_idle_shared(sheaf));
	mal_idle_add(sheaf->cache, MAL_IDLE_CPU, mal_sheaf_idle_cpu(sheaf));
}

static struct mal_sheaf *mal_barn_pop(struct list_head *sheaves,
				      unsigned int *nr)
{
	struct mal_sheaf *sheaf;

	sheaf = list_first_entry_or_null(sheaves, struct mal_sheaf, link);
	if (sheaf) {
		list_del(&sheaf->link);
		--*nr;
		mal_sheaf_idle_to_cpu(sheaf);
	}
	return sheaf;
}

/* Returns false if the barn has enough sheaves with, or without, objects. */
static bool mal_barn_push(struct mal_kmem_cache *cache,
			  struct mal_slab_node *node, struct mal_sheaf *sheaf)
	__must_hold(&node->barn_lock)
{
	if (sheaf->nr && node->nr_nonempty_sheaves < cache->max_nonempty_sheaves &&
	    !READ_ONCE(cache->purging)) {
		list_add(&sheaf->link, &node->nonempty_sheaves);
		node->nr_nonempty_sheaves++;
		mal_sheaf_idle_to_shared(sheaf);
		return true;
	}
	if (!sheaf->nr && node->nr_empty_sheaves < MAL_MAX_EMPTY_SHEAVES) {
		list_add(&sheaf->link, &node->empty_sheaves);
		node->nr_empty_sheaves++;
		mal_sheaf_idle_to_shared(sheaf);
		return true;
	}
	return false;
}

static struct mal_sheaf *mal_barn_pop_nonempty(struct mal_slab_node *node)
	__must_hold(&node->barn_lock)
{
	return mal_barn_pop(&node->nonempty_sheaves, &node->nr_nonempty_sheaves);
}

static struct mal_sheaf *mal_barn_pop_empty(struct mal_slab_node *node)
	__must_hold(&node->barn_lock)
{
	return mal_barn_pop(&node->empty_sheaves, &node->nr_empty_sheaves);
}

/**
 * mal_barn_exchange_empty() - exchange an empty sheaf for one with objects
 * @cache: the cache
 * @node: the node
 * @sheaf: an empty sheaf that the caller owns, or NULL
 *
 * Context: any but NMI.
 * Return: a sheaf with objects; failing that, an empty one; NULL if there is
 * none.
 */
struct mal_sheaf *mal_barn_exchange_empty(struct mal_kmem_cache *cache,
					  struct mal_slab_node *node,
					  struct mal_sheaf *sheaf)
{
	struct mal_sheaf *surplus = NULL, *full;
	unsigned long flags;

	spin_lock_irqsave(&node->barn_lock, flags);
	full = mal_barn_pop_nonempty(node);
	if (full && sheaf && !mal_barn_push(cache, node, sheaf))
		surplus = sheaf;
	sheaf = full ?: sheaf ?: mal_barn_pop_empty(node);
	spin_unlock_irqrestore(&node->barn_lock, flags);
	if (surplus)
		mal_sheaf_free(surplus);
	return sheaf;
}

/**
 * mal_barn_exchange_full() - exchange a sheaf with objects for an empty one
 * @cache: the cache
 * @node: the node
 * @sheaf: a sheaf with objects that the caller owns, or NULL
 *
 * If the barn has enough, the objects are returned to the slabs.
 *
 * Context: any but NMI.
 * Return: an empty sheaf; NULL if there is no memory for one.
 */
struct mal_sheaf *mal_barn_exchange_full(struct mal_kmem_cache *cache,
					 struct mal_slab_node *node,
					 struct mal_sheaf *sheaf)
{
	unsigned long flags;

	spin_lock_irqsave(&node->barn_lock, flags);
	if (sheaf && mal_barn_push(cache, node, sheaf))
		sheaf = NULL;
	if (!sheaf)
		sheaf = mal_barn_pop_empty(node);
	spin_unlock_irqrestore(&node->barn_lock, flags);
	if (!sheaf)
		return mal_sheaf_create(cache, GFP_NOWAIT);
	mal_sheaf_empty(sheaf);
	return sheaf;
}

static bool mal_barn_add(struct mal_kmem_cache *cache,
			 struct mal_slab_node *node, struct mal_sheaf *sheaf)
{
	unsigned long flags;
	bool added;

	spin_lock_irqsave(&node->barn_lock, flags);
	added = mal_barn_push(cache, node, sheaf);
	spin_unlock_irqrestore(&node->barn_lock, flags);
	return added;
}

/**
 * mal_barn_put() - put a sheaf into the barn
 * @cache: the cache
 * @node: the node
 * @sheaf: a sheaf that the caller owns, or NULL
 *
 * If the barn has enough, the objects are returned to the slabs, and the sheaf
 * is freed.
 *
 * Context: any but NMI.
 */
void mal_barn_put(struct mal_kmem_cache *cache, struct mal_slab_node *node,
		  struct mal_sheaf *sheaf)
{
	if (!sheaf)
		return;
	mal_delay(MAL_DELAY_SHEAF_OUT);
	if (mal_barn_add(cache, node, sheaf))
		return;
	if (sheaf->nr) {
		mal_sheaf_empty(sheaf);
		if (mal_barn_add(cache, node, sheaf))
			return;
	}
	mal_sheaf_free(sheaf);
}

/**
 * mal_barn_flush() - return the objects of a barn to their slabs
 * @cache: the cache
 * @node: the node
 *
 * Context: task.
 */
void mal_barn_flush(struct mal_kmem_cache *cache, struct mal_slab_node *node)
{
	struct mal_sheaf *sheaf, *next;
	unsigned long flags;
	LIST_HEAD(sheaves);

	spin_lock_irqsave(&node->barn_lock, flags);
	list_splice_init(&node->nonempty_sheaves, &sheaves);
	list_splice_init(&node->empty_sheaves, &sheaves);
	node->nr_nonempty_sheaves = 0;
	node->nr_empty_sheaves = 0;
	spin_unlock_irqrestore(&node->barn_lock, flags);
	list_for_each_entry_safe(sheaf, next, &sheaves, link) {
		mal_sheaf_idle_to_cpu(sheaf);
		mal_sheaf_discard(sheaf);
	}
}

/**
 * mal_barn_count() - count the objects in a barn
 * @node: the node
 *
 * Context: any but NMI.
 * Return: number of objects.
 */
unsigned long mal_barn_count(struct mal_slab_node *node)
{
	unsigned long flags, count = 0;
	struct mal_sheaf *sheaf;

	spin_lock_irqsave(&node->barn_lock, flags);
	list_for_each_entry(sheaf, &node->nonempty_sheaves, link)
		count += sheaf->nr;
	spin_unlock_irqrestore(&node->barn_lock, flags);
	return count;
}

/*
 * Validation
 */

static void mal_barn_check_counts(struct mal_sheaf_tally *st,
				  struct mal_slab_node *node)
{
	unsigned int nonempty = 0, empty = 0, with_objects = 0;
	struct mal_sheaf *sheaf;
	unsigned long flags;
	bool as_counted;

	spin_lock_irqsave(&node->barn_lock, flags);
	list_for_each_entry(sheaf, &node->nonempty_sheaves, link) {
		nonempty++;
		with_objects += !!sheaf->nr;
	}
	list_for_each_entry(sheaf, &node->empty_sheaves, link) {
		empty++;
		with_objects += !!sheaf->nr;
	}
	as_counted = nonempty == node->nr_nonempty_sheaves &&
		     empty == node->nr_empty_sheaves;
	spin_unlock_irqrestore(&node->barn_lock, flags);
	mal_sheaf_check(st, as_counted,
			"the number of sheaves in the barn is wrong");
	mal_sheaf_check(st, with_objects == nonempty,
			"a sheaf in the barn is on the wrong list");
}

/* Take out the sheaf that was checked least recently. */
static struct mal_sheaf *mal_barn_take_last(struct mal_slab_node *node)
{
	struct mal_sheaf *sheaf = NULL;
	unsigned long flags;

	spin_lock_irqsave(&node->barn_lock, flags);
	if (!list_empty(&node->nonempty_sheaves)) {
		sheaf = list_last_entry(&node->nonempty_sheaves, struct mal_sheaf, link);
		list_del(&sheaf->link);
		node->nr_nonempty_sheaves--;
		mal_sheaf_idle_to_cpu(sheaf);
	}
	spin_unlock_irqrestore(&node->barn_lock, flags);
	return sheaf;
}

/**
 * mal_barn_validate() - check the sheaves in the barn of a node
 * @cache: the cache
 * @nid: the node
 * @tally: the result is added here
 *
 * Takes out one sheaf at a time, so that interrupts are off for a few
 * instructions only. A sheaf is put back at the head of the list before the end
 * of the grace period that a purge waits for.
 *
 * Context: task.
 */
void mal_barn_validate(struct mal_kmem_cache *cache, int nid,
		       struct mal_tally *tally)
{
	struct mal_sheaf_tally st = { .cache = cache, .tally = tally };
	struct mal_slab_node *node = cache->nodes[nid];
	unsigned int left = mal_peek(node->nr_nonempty_sheaves);
	struct mal_sheaf *sheaf;

	mal_barn_check_counts(&st, node);
	for (; left; left--) {
		rcu_read_lock();
		sheaf = mal_barn_take_last(node);
		mal_sheaf_tally_sheaf(&st, sheaf);
		mal_barn_put(cache, node, sheaf);
		rcu_read_unlock();
	}
}
