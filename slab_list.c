// SPDX-License-Identifier: GPL-2.0
/*
 * Slab list: all caches, and walks over them
 *
 * User space creates caches, so their number and sizes are unbounded. Caches
 * have IDs, and the next ID is found without a walk. The position of a walk is
 * an ID: the walk drops the mutex after each cache and continues from the ID,
 * regardless of caches created or destroyed meanwhile. It visits at most as
 * many caches as existed at its beginning, so concurrent creation cannot
 * prolong it. If the caller permits, it also ends at a fatal signal. A task
 * that reads /proc/memalloc or queries the statistics of one cache after the
 * other continues where its last call stopped.
 *
 * Locking: mal_cache_mutex pins all caches and serializes reclaim. The host's
 * CPU hotplug lock is taken before it. Reclaim does not wait for its holder: it
 * tries the mutex, at most for a few ticks.
 *
 * Context: task.
 */
#include <linux/atomic.h>
#include <linux/cpu.h>
#include <linux/list.h>
#include <linux/lockdep.h>
#include <linux/mutex.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/xarray.h>

#include "internal/inject.h"
#include "internal/slab.h"
#include "internal/slab_list.h"

/* Pins all caches, and serializes reclaim. */
DEFINE_MUTEX(mal_cache_mutex);

/* All caches, by mal_kmem_cache.id; removed under the mutex. */
static DEFINE_XARRAY_ALLOC1(mal_caches);
static u32 mal_cache_next_id;
static atomic_t mal_nr_caches;

/**
 * mal_caches_lock() - pin the online CPUs and all caches
 *
 * Context: task; sleeps; until mal_caches_unlock().
 */
void mal_caches_lock(void)
{
	cpus_read_lock();
	mutex_lock(&mal_cache_mutex);
}

/**
 * mal_caches_unlock() - undo mal_caches_lock()
 *
 * Context: task.
 */
void mal_caches_unlock(void)
{
	mutex_unlock(&mal_cache_mutex);
	cpus_read_unlock();
}

/**
 * mal_caches_lock_killable() - mal_caches_lock(), unless the task is killed
 *
 * Context: as for mal_caches_lock().
 * Return: true; false if the task has been killed.
 */
bool mal_caches_lock_killable(void)
{
	cpus_read_lock();
	if (!mutex_lock_killable(&mal_cache_mutex))
		return true;
	cpus_read_unlock();
	return false;
}

/**
 * mal_cache_after() - find the next cache
 * @id: ID of the previous cache, or zero; set to the ID of the next one
 *
 * Context: task; the mutex is held and pins the cache.
 * Return: the cache, or NULL at the end.
 */
struct mal_kmem_cache *mal_cache_after(unsigned long *id)
{
	return xa_find_after(&mal_caches, id, ULONG_MAX, XA_PRESENT);
}

/**
 * mal_cache_find() - find a cache by its ID
 * @id: the ID
 *
 * Context: task; the mutex is held and pins the cache.
 * Return: the cache, or NULL.
 */
struct mal_kmem_cache *mal_cache_find(unsigned long id)
{
	return xa_load(&mal_caches, id);
}

/**
 * struct mal_cache_cursor - position among all caches, by ID and by index
 * @link: in mal_cache_cursors while @before must be kept up to date
 * @id: the position is after this ID
 * @before: number of caches with this ID or a lower one
 *
 * Protected by mal_cache_mutex.
 */
struct mal_cache_cursor {
	struct list_head link;
	unsigned long id;
	unsigned int before;
};

/* Position of the last cache that was found by its index. */
static struct mal_cache_cursor mal_cache_last_cursor;
static LIST_HEAD(mal_cache_cursors);

/**
 * mal_cache_enlist() - add a cache to the list
 * @cache: the cache; its ID is set
 *
 * Context: task; sleeps.
 * Return: 0, or -ENOMEM.
 */
int mal_cache_enlist(struct mal_kmem_cache *cache)
{
	int err = -ENOMEM;

	if (!mal_inject_should_fail())
		err = xa_alloc_cyclic(&mal_caches, &cache->id, cache, xa_limit_32b,
				      &mal_cache_next_id, GFP_KERNEL);
	if (err < 0)
		return err;
	atomic_inc(&mal_nr_caches);
	return 0;
}

/**
 * mal_cache_unlist() - remove a cache from the list
 * @cache: the cache
 *
 * Context: task; the mutex is held.
 */
void mal_cache_unlist(struct mal_kmem_cache *cache)
{
	struct mal_cache_cursor *cursor;

	lockdep_assert_held(&mal_cache_mutex);
	xa_erase(&mal_caches, cache->id);
	atomic_dec(&mal_nr_caches);
	list_for_each_entry(cursor, &mal_cache_cursors, link)
		if (cache->id <= cursor->id)
			cursor->before--;
	if (cache->id <= mal_cache_last_cursor.id)
		mal_cache_last_cursor.before--;
}

/* Called with the locks held; drops and retakes them after each cache. */
static void mal_caches_walk_locked(mal_cache_visit_fn visit, void *data)
{
	unsigned int left = atomic_read(&mal_nr_caches);
	struct mal_kmem_cache *cache;
	unsigned long id = 0;
	bool go_on = true;

	while (go_on && left-- && (cache = mal_cache_after(&id))) {
		go_on = visit(cache, data);
		mal_caches_unlock();
		cond_resched();
		mal_caches_lock();
	}
}

/**
 * mal_caches_walk_all() - call a function for each cache
 * @visit: called under the mutex, which is dropped after each cache; false ends
 *	the walk
 * @data: passed to @visit
 *
 * Context: task; sleeps.
 */
void mal_caches_walk_all(mal_cache_visit_fn visit, void *data)
{
	mal_caches_lock();
	mal_caches_walk_locked(visit, data);
	mal_caches_unlock();
}

/**
 * mal_caches_walk() - mal_caches_walk_all(), unless the task is killed
 * @visit: as for mal_caches_walk_all(); ends the walk at a fatal signal
 * @data: passed to @visit
 *
 * Context: task; sleeps.
 */
void mal_caches_walk(mal_cache_visit_fn visit, void *data)
{
	if (!mal_caches_lock_killable())
		return;
	mal_caches_walk_locked(visit, data);
	mal_caches_unlock();
}

/* Number of steps after which a position drops the mutex. */
#define MAL_CURSOR_STEPS	64

/*
 * Advance to the cache with index @rank. Called with the mutex held; may drop
 * and retake it.
 */
static struct mal_kmem_cache *
mal_cache_cursor_seek(struct mal_cache_cursor *cursor, unsigned int rank)
{
	struct mal_kmem_cache *cache = NULL;
	unsigned int steps = 0;

	list_add(&cursor->link, &mal_cache_cursors);
	while (cursor->before <= rank && !fatal_signal_pending(current)) {
		cache = mal_cache_after(&cursor->id);
		if (!cache)
			break;
		cursor->before++;
		if (cursor->before <= rank && ++steps % MAL_CURSOR_STEPS == 0) {
			mutex_unlock(&mal_cache_mutex);
			cond_resched();
			mutex_lock(&mal_cache_mutex);
		}
	}
	list_del(&cursor->link);
	return cursor->before == rank + 1 ? cache : NULL;
}

/**
 * mal_cache_at() - find a cache by its index
 * @index: index of the cache, from zero, in the order of IDs
 *
 * For a sequence of ascending indices, each call continues from the last
 * position, so it does not visit all caches.
 *
 * Context: task; sleeps; the mutex is held, may be dropped and retaken, and
 * pins the cache.
 * Return: the cache; NULL if the index is too large or the task has been
 * killed.
 */
struct mal_kmem_cache *mal_cache_at(unsigned int index)
{
	struct mal_cache_cursor cursor = { };
	struct mal_kmem_cache *cache;

	if (mal_cache_last_cursor.before <= index)
		cursor = mal_cache_last_cursor;
	cache = mal_cache_cursor_seek(&cursor, index);
	if (cache)
		mal_cache_last_cursor = cursor;
	return cache;
}

/**
 * mal_cache_count() - get the number of caches
 *
 * Context: any.
 * Return: the number of caches.
 */
unsigned int mal_cache_count(void)
{
	return atomic_read(&mal_nr_caches);
}
