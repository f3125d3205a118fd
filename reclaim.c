// SPDX-License-Identifier: GPL-2.0
/*
 * Reclaim: pages that the layers above can free
 *
 * Caches keep unused pages: empty slabs, and slabs with all objects free in
 * sheaves. When pages are short, the page allocator reclaims these before it
 * fails. If there are many, it reclaims them before it borrows. It does not
 * know the caches: they register callbacks here.
 *
 * A reclaiming task that allocates pages itself does not reclaim recursively:
 * mal_slab_reap() tries its lock, at most for a few ticks.
 *
 * Full drain. Before an allocation fails, all unused pages are taken from all
 * CPUs. This interrupts every CPU, so concurrent tasks must not repeat it one
 * after the other:
 *
 * - Tasks that fail at the same time share a drain. Each task takes a ticket
 *   when it arrives. A drain that began after that saw everything that was free
 *   when the task arrived. The task waits for the end of that drain and begins
 *   none of its own.
 *
 * - A drain that did not help is not repeated for MAL_DRAIN_PAUSE, for
 *   allocations of the same and higher orders. It is repeated if there is more
 *   to find now than that drain found, or if a CPU's list has a large enough
 *   block.
 *
 * Locking: mal_drain.lock is held during a drain. A caller that must not enter
 * the host's reclaim may wait for it, because nothing is allocated under it,
 * and the locks of the layers above are only tried.
 *
 * Context: task, and may sleep.
 */
#include <linux/compiler.h>
#include <linux/gfp.h>
#include <linux/jiffies.h>
#include <linux/mutex.h>
#include <linux/numa.h>
#include <linux/shrinker.h>

#include <memalloc/page_alloc.h>

#include "internal/compat.h"
#include "internal/pcp.h"
#include "internal/reclaim.h"

/* Minimum interval between drains that do not help, in jiffies. */
#define MAL_DRAIN_PAUSE	(HZ / 20 + 1)

static mal_reclaim_fn mal_reclaimers[MAL_NR_RECLAIMERS];
static mal_reclaim_idle_fn mal_reclaim_idle;

/**
 * struct mal_drain - state of the full drains
 * @lock: held during each drain
 * @begun: number of drains that have begun
 * @ended: number of drains that have ended
 * @found: approximate number of pages to be found when the last drain began
 * @failed_order: the lowest order that the last drain did not satisfy
 * @pause_until: do not repeat a drain for that order before this time, in
 *	jiffies
 *
 * All members except @lock may be read without the lock.
 */
struct mal_drain {
	struct mutex lock;
	unsigned long begun;
	unsigned long ended;
	unsigned long found;
	unsigned int failed_order;
	unsigned long pause_until;
};

static struct mal_drain mal_drain = {
	.lock = __MUTEX_INITIALIZER(mal_drain.lock),
	.failed_order = MAL_NR_ORDERS,
};

/**
 * mal_reclaim_set() - register or unregister a layer that can free pages
 * @layer: the layer
 * @reclaim: the callback, or NULL to unregister it
 *
 * Context: task. When a callback is unregistered, no task allocates any more.
 */
void mal_reclaim_set(enum mal_reclaimer layer, mal_reclaim_fn reclaim)
{
	WRITE_ONCE(mal_reclaimers[layer], reclaim);
}

/**
 * mal_reclaim_set_idle() - register the callback that estimates unused pages
 * @idle: returns an approximate number of pages at low cost; or NULL
 *
 * Context: as for mal_reclaim_set().
 */
void mal_reclaim_set_idle(mal_reclaim_idle_fn idle)
{
	WRITE_ONCE(mal_reclaim_idle, idle);
}

static unsigned long mal_reclaim_from_all(unsigned long min_pages)
{
	unsigned long pages = 0;
	unsigned int layer;

	for (layer = 0; layer < MAL_NR_RECLAIMERS; layer++) {
		mal_reclaim_fn reclaim = READ_ONCE(mal_reclaimers[layer]);

		if (reclaim)
			pages += reclaim(min_pages);
	}
	return pages;
}

/**
 * mal_reclaim() - reclaim unused pages without interrupting other CPUs
 * @gfp: flags of the allocation that needs them
 * @min_pages: reclaim only if there are at least this many; at least one
 *
 * Context: any; does nothing if @gfp does not allow blocking.
 * Return: the approximate number of pages reclaimed.
 */
unsigned long mal_reclaim(gfp_t gfp, unsigned long min_pages)
{
	return gfpflags_allow_blocking(gfp) ? mal_reclaim_from_all(min_pages) : 0;
}

/*
 * Full drain
 */

static unsigned long mal_drain_estimate(void)
{
	mal_reclaim_idle_fn idle = READ_ONCE(mal_reclaim_idle);

	return mal_pcp_pages(NUMA_NO_NODE) + (idle ? idle() : 0);
}

static bool mal_drain_is_futile(unsigned int order)
{
	return order >= READ_ONCE(mal_drain.failed_order) &&
	       time_before(jiffies, READ_ONCE(mal_drain.pause_until)) &&
	       !mal_pcp_has_block(order) &&
	       mal_drain_estimate() <= READ_ONCE(mal_drain.found);
}

static void mal_drain_everything(void)
{
	WRITE_ONCE(mal_drain.found, mal_drain_estimate());
	WRITE_ONCE(mal_drain.failed_order, MAL_NR_ORDERS);
	WRITE_ONCE(mal_drain.begun, mal_drain.begun + 1);
	/* Pairs with the barrier in mal_reclaim_all(). */
	smp_mb();
	mal_reclaim_from_all(0);
	mal_pcp_drain(NUMA_NO_NODE, false);
	WRITE_ONCE(mal_drain.ended, mal_drain.begun);
}

/**
 * mal_reclaim_all() - reclaim all unused pages, from all CPUs
 * @gfp: flags of the allocation that is about to fail
 * @order: its order
 *
 * Returns without a drain if another task has completed one since the caller
 * arrived.
 *
 * Context: any; does nothing if @gfp does not allow blocking.
 * Return: true if the caller should try again to allocate. If that fails, the
 * caller calls mal_reclaim_failed().
 */
bool mal_reclaim_all(gfp_t gfp, unsigned int order)
{
	unsigned long ticket;

	if (!gfpflags_allow_blocking(gfp) || mal_drain_is_futile(order))
		return false;
	/* Order the caller's reads and frees before the read of the ticket. */
	smp_mb();
	ticket = READ_ONCE(mal_drain.begun);
	mutex_lock(&mal_drain.lock);
	if ((long)(mal_drain.ended - ticket) <= 0 &&
	    !mal_drain_is_futile(order))
		mal_drain_everything();
	mutex_unlock(&mal_drain.lock);
	return true;
}

/**
 * mal_reclaim_failed() - note that a full drain was not enough
 * @order: the order of the allocation that failed
 *
 * Context: any.
 */
void mal_reclaim_failed(unsigned int order)
{
	if (order < READ_ONCE(mal_drain.failed_order))
		WRITE_ONCE(mal_drain.failed_order, order);
	WRITE_ONCE(mal_drain.pause_until, jiffies + MAL_DRAIN_PAUSE);
}

/**
 * mal_shrinker_create() - register a function that the host's reclaim calls
 * @flags: SHRINKER_NUMA_AWARE, or zero
 * @name: name, in the host's debugfs
 * @count: count_objects()
 * @scan: scan_objects()
 *
 * Context: task; sleeps.
 * Return: the shrinker, for shrinker_free(); or NULL.
 */
struct shrinker *mal_shrinker_create(unsigned int flags, const char *name,
				     mal_shrinker_fn count, mal_shrinker_fn scan)
{
	struct shrinker *shrinker = mal_shrinker_alloc(flags, name);

	if (!shrinker)
		return NULL;
	shrinker->count_objects = count;
	shrinker->scan_objects = scan;
	return mal_shrinker_register(shrinker, name) ? NULL : shrinker;
}
