// SPDX-License-Identifier: GPL-2.0
/*
 * Mempools: a minimum of elements, whatever happens to those who make them
 *
 * A pool has functions that make and unmake elements, and keeps min_nr elements
 * of its own. An allocation asks the function, without any effort at first. If
 * that has nothing, an element comes out of the pool; if that is empty, the
 * function is asked with all the effort that the caller allows, and if that is
 * of no avail either, the caller waits. Whatever is freed goes to whom waits,
 * else into the pool until that is full, and only then to the other function.
 *
 * Forward progress. Of all that was ever allocated, and is not freed yet, at
 * least min_nr - curr_nr elements count as the pool's, and the next ones to be
 * freed are the pool's again. As long as users who have elements free them
 * without waiting for more, everybody who may sleep gets what they want.
 *
 * Order. Tasks that wait stand in line, and what is freed is handed to the first
 * of them: into its array, under the lock, before it is woken. It cannot be
 * overtaken, so each waits for no more elements than those before it want and
 * it wants itself. The pool is empty as long as anybody stands in line. A bulk
 * allocation takes what it gets, and waits for the rest; only the first in
 * line can hold elements of the pool and wait for more, and all others will be
 * freed, so that does no harm as long as it wants no more than min_nr.
 *
 * The wait is in pieces of five seconds. After each the function is asked again,
 * since there may be memory by now though no element was freed. What it makes
 * is treated as if it were freed: it goes to the first in line.
 *
 * Barriers. A free looks at curr_nr without the lock. It must see any change
 * that came before the allocation of its own element: or it could find the pool
 * full, as it was once, and unmake an element while somebody waits. So there is
 * a write barrier between the change of curr_nr and the return of the element
 * (mal_pool_take() and mal_pool_wait()), and it pairs with the read barrier in
 * mal_mempool_free() and mal_mempool_free_bulk(), between whatever told that
 * caller of the element and the look at curr_nr. Between the two, the users may
 * pass the element on by plain stores and loads. A change later than the
 * allocation of this element was made for another one, whose free sees it.
 *
 * Policy is none of this file's: how elements are made is known to the
 * functions alone. Six for the usual cases are at the end, a line each. They are
 * compared with and called directly, which saves an indirect call; and where
 * they lead to a cache (mal_mempool.cache), its objects at hand on this CPU are
 * taken without any call.
 *
 * Whose an element is. Where that is kept (pages, and objects in the debug mode U),
 * it is whoever allocated it from the pool; while it is in the pool, whoever made
 * that.
 *
 * Lock order: mal_mempool.lock is taken under no other lock of ours, and only the
 * scheduler's are taken under it.
 *
 * Context: allocation and free in any; in NMI the pool itself is left alone,
 * so that there allocation may fail, and a free goes past it. What sleeps is
 * said at each function.
 */
#include <linux/hardirq.h>
#include <linux/indirect_call_wrapper.h>
#include <linux/kernel.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/string.h>

#include <memalloc/kmalloc.h>
#include <memalloc/mempool.h>
#include <memalloc/page_alloc.h>
#include <memalloc/slab_cache.h>

#include "internal/compat.h"
#include "internal/inject.h"
#include "internal/kmalloc.h"
#include "internal/kunit.h"
#include "internal/mempool.h"
#include "internal/region.h"
#include "internal/report.h"
#include "internal/site.h"
#include "internal/slab_alloc.h"
#include "internal/watch.h"

/* After so long, whoever waits asks for memory again. */
#define MAL_POOL_PATIENCE	(5 * HZ)

/* An element that is put into a pool is compared with so many others there. */
#define MAL_POOL_COMPARE	64

/* Elements are not zeroed, and nobody goes to great lengths: there is the pool. */
#define MAL_POOL_GFP_NOT	(__GFP_ZERO | __GFP_NOFAIL | __GFP_RETRY_MAYFAIL)

/**
 * struct mal_pool_waiter - a task that stands in line
 * @link: in mal_mempool.waiters, until nothing is missing
 * @task: it
 * @elems: where the next element goes
 * @missing: elements that it wants still; protected by the lock of the pool
 *
 * On the stack of the task.
 */
struct mal_pool_waiter {
	struct list_head link;
	struct task_struct *task;
	void **elems;
	unsigned int missing;
};

/*
 * Making and unmaking
 */

static void *mal_pool_make(mal_mempool_t *pool, gfp_t gfp)
{
	return INDIRECT_CALL_3(pool->alloc, mal_mempool_alloc_slab,
			       mal_mempool_kmalloc, mal_mempool_alloc_pages,
			       gfp, pool->pool_data);
}

static __always_inline void mal_pool_unmake(mal_mempool_t *pool, void *element)
{
	INDIRECT_CALL_3(pool->free, mal_mempool_kfree, mal_mempool_free_slab,
			mal_mempool_free_pages, element, pool->pool_data);
}

/*
 * Whose an element is: who has allocated it, or who made the pool that it is in.
 * Without this, all would seem to be ours. Only memory of our own layers knows.
 */
static void mal_pool_tell(mal_mempool_t *pool, void *element, unsigned long who)
{
	if (pool->alloc == mal_mempool_alloc_pages)
		mal_page_of(element)->caller = who;
	else if (pool->alloc == mal_mempool_alloc_slab ||
		 pool->alloc == mal_mempool_kmalloc)
		mal_kmalloc_set_caller(element, who);
}

static void mal_pool_tell_many(mal_mempool_t *pool, void **elems,
			       unsigned int nr, unsigned long who)
{
	while (nr--)
		mal_pool_tell(pool, elems[nr], who);
}

/* With all the effort that the caller allows. */
static gfp_t mal_pool_gfp(gfp_t gfp)
{
	return (gfp & ~MAL_POOL_GFP_NOT) |
	       __GFP_NOMEMALLOC | __GFP_NORETRY | __GFP_NOWARN;
}

/* With none. */
static gfp_t mal_pool_gfp_easy(gfp_t gfp)
{
	return mal_pool_gfp(gfp) & ~(__GFP_DIRECT_RECLAIM | __GFP_IO);
}

static unsigned int mal_pool_make_many(mal_mempool_t *pool, void **elems,
				       unsigned int nr, gfp_t gfp)
{
	unsigned int made;

	for (made = 0; made < nr; made++) {
		elems[made] = mal_pool_make(pool, gfp);
		if (!elems[made])
			break;
	}
	return made;
}

/*
 * The pool: the first ones with its lock held
 */

static void mal_pool_pop(mal_mempool_t *pool, void **elems, unsigned int nr)
{
	pool->reserve_hits += nr;
	while (nr--) {
		WRITE_ONCE(pool->curr_nr, pool->curr_nr - 1);
		*elems++ = pool->elements[pool->curr_nr];
	}
}

/* Is the element one of those that were put in last? */
static bool mal_pool_has(const mal_mempool_t *pool, const void *element)
{
	int i, lowest = max(pool->curr_nr - MAL_POOL_COMPARE, 0);

	for (i = pool->curr_nr - 1; i >= lowest; i--)
		if (unlikely(pool->elements[i] == element))
			return true;
	return false;
}

/* Hand an element to the first in line. Returns false if there is nobody. */
static bool mal_pool_hand_over(mal_mempool_t *pool, void *element)
{
	struct mal_pool_waiter *waiter;

	waiter = list_first_entry_or_null(&pool->waiters, struct mal_pool_waiter,
					  link);
	if (!waiter)
		return false;
	*waiter->elems++ = element;
	if (!--waiter->missing) {
		list_del(&waiter->link);
		pool->waiting--;
		/* It cannot leave before it has had the lock. */
		wake_up_process(waiter->task);
	}
	return true;
}

static noinline void mal_pool_report_double(const mal_mempool_t *pool,
					    unsigned long caller)
{
	char name[MAL_SITE_NAME];

	mal_report(MAL_REPORT_DOUBLE_FREE, caller,
		   "element that is in its mempool, made by %s, already",
		   mal_site_name(pool->creator, name));
}

/* Returns false if the pool has no need of the element. */
static bool mal_pool_accept(mal_mempool_t *pool, void *element,
			    unsigned long caller)
{
	if (mal_pool_hand_over(pool, element))
		return true;
	if (pool->curr_nr >= pool->min_nr)
		return false;
	if (unlikely(mal_pool_has(pool, element))) {
		mal_pool_report_double(pool, caller);
		return true;
	}
	pool->elements[pool->curr_nr] = element;
	WRITE_ONCE(pool->curr_nr, pool->curr_nr + 1);
	return true;
}

/* Give the pool what it needs of the elements: returns how many, from the first. */
static unsigned int mal_pool_give(mal_mempool_t *pool, void **elems,
				  unsigned int nr, unsigned long caller)
{
	unsigned int given = 0;
	unsigned long flags;

	if (unlikely(in_nmi()))
		return 0;
	mal_pool_tell_many(pool, elems, nr, pool->creator);
	spin_lock_irqsave(&pool->lock, flags);
	while (given < nr && mal_pool_accept(pool, elems[given], caller))
		given++;
	spin_unlock_irqrestore(&pool->lock, flags);
	mal_pool_tell_many(pool, elems + given, nr - given, caller);
	return given;
}

/* Take elements out of the pool: all that are wanted, or none. */
static bool mal_pool_take(mal_mempool_t *pool, void **elems, unsigned int nr,
			  bool last_chance)
{
	unsigned long flags;
	bool enough;

	if (unlikely(in_nmi()))
		return false;
	spin_lock_irqsave(&pool->lock, flags);
	enough = pool->curr_nr >= nr;
	if (enough)
		mal_pool_pop(pool, elems, nr);
	else if (last_chance)
		pool->failures++;
	spin_unlock_irqrestore(&pool->lock, flags);
	/* pairs with smp_rmb() in mal_mempool_free() and _free_bulk() */
	smp_wmb();
	return enough;
}

/* Sleep, but not for ever; see the opening comment. */
static void mal_pool_sleep(mal_mempool_t *pool, gfp_t gfp)
{
	if (!io_schedule_timeout(MAL_POOL_PATIENCE))
		mal_mempool_free(mal_pool_make(pool, mal_pool_gfp(gfp)), pool);
}

/* Wait until there are so many elements. */
static void mal_pool_wait(mal_mempool_t *pool, void **elems, unsigned int nr,
			  gfp_t gfp)
{
	unsigned int taken;
	struct mal_pool_waiter waiter = { .task = current };
	unsigned long flags;

	spin_lock_irqsave(&pool->lock, flags);
	taken = min_t(unsigned int, nr, pool->curr_nr);
	mal_pool_pop(pool, elems, taken);
	waiter.elems = elems + taken;
	waiter.missing = nr - taken;
	if (waiter.missing) {
		list_add_tail(&waiter.link, &pool->waiters);
		pool->waiting++;
		pool->waits++;
	}
	while (waiter.missing) {
		set_current_state(TASK_UNINTERRUPTIBLE);
		spin_unlock_irqrestore(&pool->lock, flags);
		mal_pool_sleep(pool, gfp);
		spin_lock_irqsave(&pool->lock, flags);
	}
	spin_unlock_irqrestore(&pool->lock, flags);
	/* pairs with smp_rmb() in mal_mempool_free() and _free_bulk() */
	smp_wmb();
}

/*
 * Allocation
 */

/* When there is nothing to be had for free. */
static noinline bool mal_pool_alloc_hard(mal_mempool_t *pool, void **elems,
					 unsigned int nr, gfp_t gfp)
{
	bool may_sleep = gfpflags_allow_blocking(gfp);
	unsigned int made;

	if (mal_pool_take(pool, elems, nr, !may_sleep))
		return true;
	if (!may_sleep)
		return false;
	made = mal_pool_make_many(pool, elems, nr, mal_pool_gfp(gfp));
	if (made < nr)
		mal_pool_wait(pool, elems + made, nr - made, gfp);
	return true;
}

/* Without the short way. */
static noinline void *mal_pool_alloc_long(mal_mempool_t *pool, gfp_t gfp,
					  unsigned long caller)
{
	void *element = mal_pool_make(pool, mal_pool_gfp_easy(gfp));

	if (unlikely(!element))
		mal_pool_alloc_hard(pool, &element, 1, gfp);
	if (likely(element))
		mal_pool_tell(pool, element, caller);
	return element;
}

/**
 * mal_mempool_alloc() - allocate an element
 * @pool: the pool
 * @gfp: what may be done for it; __GFP_ZERO is not supported, as the pool does
 *	not know how large its elements are
 *
 * Context: any; sleeps if @gfp has __GFP_DIRECT_RECLAIM.
 * Return: the element. NULL only if @gfp does not have __GFP_DIRECT_RECLAIM.
 */
void *mal_mempool_alloc(mal_mempool_t *pool, gfp_t gfp)
{
	struct mal_kmem_cache *cache = pool->cache;
	void *element;

	VM_WARN_ON_ONCE(gfp & __GFP_ZERO);
	mal_object_may_sleep(gfp);
	if (mal_is_watched() || unlikely(!cache || gfp & __GFP_DMA))
		return mal_pool_alloc_long(pool, gfp, _RET_IP_);
	if (unlikely(!mal_sheaf_pop(cache, &element)))
		return mal_pool_alloc_long(pool, gfp, _RET_IP_);
	mal_sanitizer_alloc(cache, element, cache->object_size);
	mal_kmemleak_alloc(cache, element, gfp);
	if (unlikely(want_init_on_alloc(0)))
		return mal_object_zero(cache, element);
	return element;
}
MAL_EXPORT(mal_mempool_alloc);

/**
 * mal_mempool_alloc_preallocated() - take an element out of the pool
 * @pool: the pool
 *
 * Context: any; never sleeps.
 * Return: the element, or NULL if the pool is empty.
 */
void *mal_mempool_alloc_preallocated(mal_mempool_t *pool)
{
	void *element = NULL;

	if (mal_pool_take(pool, &element, 1, true))
		mal_pool_tell(pool, element, _RET_IP_);
	return element;
}
MAL_EXPORT(mal_mempool_alloc_preallocated);

/**
 * mal_mempool_alloc_bulk() - allocate many elements
 * @pool: the pool
 * @elems: filled in
 * @count: how many
 *
 * Context: task; sleeps.
 * Return: 0; or -EINVAL if @count is more than the pool's minimum, so that one
 * could wait forever: then @elems is filled with NULL.
 */
int mal_mempool_alloc_bulk(mal_mempool_t *pool, void **elems, unsigned int count)
{
	unsigned int made;

	might_sleep();
	if (count > READ_ONCE(pool->min_nr)) {
		memset(elems, 0, count * sizeof(*elems));
		return -EINVAL;
	}
	made = mal_pool_make_many(pool, elems, count,
				  mal_pool_gfp_easy(GFP_KERNEL));
	if (made < count)
		mal_pool_alloc_hard(pool, elems + made, count - made, GFP_KERNEL);
	mal_pool_tell_many(pool, elems, count, _RET_IP_);
	return 0;
}
MAL_EXPORT(mal_mempool_alloc_bulk);

/*
 * Free
 */

static noinline void mal_pool_free_long(mal_mempool_t *pool, void *element,
					unsigned long caller)
{
	if (!mal_pool_give(pool, &element, 1, caller))
		mal_pool_unmake(pool, element);
}

/**
 * mal_mempool_free() - free an element
 * @element: what was allocated from the pool, or NULL
 * @pool: the pool
 *
 * Context: that of the function that unmakes elements: any for the usual ones.
 */
void mal_mempool_free(void *element, mal_mempool_t *pool)
{
	if (unlikely(!element))
		return;
	/* pairs with smp_wmb() in mal_pool_take() and mal_pool_wait() */
	smp_rmb();
	if (unlikely(!mal_mempool_is_saturated(pool))) {
		mal_pool_free_long(pool, element, _RET_IP_);
		return;
	}
	mal_pool_unmake(pool, element);
}
MAL_EXPORT(mal_mempool_free);

/**
 * mal_mempool_free_bulk() - give a pool the elements that it needs
 * @pool: the pool
 * @elems: elements that were allocated from it
 * @count: how many
 *
 * Context: any but NMI.
 * Return: how many the pool has taken, the first ones. The others are still the
 * caller's, who may unmake them as is best for many.
 */
unsigned int mal_mempool_free_bulk(mal_mempool_t *pool, void **elems,
				   unsigned int count)
{
	/* pairs with smp_wmb() in mal_pool_take() and mal_pool_wait() */
	smp_rmb();
	if (likely(mal_mempool_is_saturated(pool)))
		return 0;
	return mal_pool_give(pool, elems, count, _RET_IP_);
}
MAL_EXPORT(mal_mempool_free_bulk);

/*
 * Creation, resizing, destruction
 */

/* Between two of very many elements: does who makes them live to use them? */
static bool mal_pool_go_on(gfp_t gfp)
{
	if (!gfpflags_allow_blocking(gfp))
		return true;
	cond_resched();
	return !fatal_signal_pending(current);
}

/* Make elements until the pool is full. */
static int mal_pool_fill(mal_mempool_t *pool, gfp_t gfp)
{
	while (!mal_mempool_is_saturated(pool)) {
		void *element = mal_pool_make(pool, gfp);

		if (!element)
			return -ENOMEM;
		if (!mal_pool_give(pool, &element, 1, 0))
			mal_pool_unmake(pool, element);
		if (!mal_pool_go_on(gfp))
			return -EINTR;
	}
	return 0;
}

static void **mal_pool_array(int min_nr, gfp_t gfp, int node)
{
	if (mal_inject_should_fail())
		return NULL;
	return kmalloc_array_node(min_nr, sizeof(void *), gfp | __GFP_NOWARN, node);
}

/* Where the elements come from, if that is a cache, and known to be. */
static struct mal_kmem_cache *mal_pool_cache(mal_mempool_alloc_t *alloc_fn,
					     void *pool_data)
{
	size_t size = (size_t)pool_data;

	if (alloc_fn == mal_mempool_alloc_slab)
		return pool_data;
	if (alloc_fn != mal_mempool_kmalloc || !size ||
	    size > MAL_KMALLOC_MAX_CLASS)
		return NULL;
	return mal_kmalloc_caches[MAL_KMALLOC_NORMAL][mal_kmalloc_index(size)];
}

static void mal_pool_unmake_all(mal_mempool_t *pool, bool may_sleep)
{
	while (pool->curr_nr) {
		mal_pool_unmake(pool, pool->elements[--pool->curr_nr]);
		if (may_sleep)
			cond_resched();
	}
}

static void mal_pool_empty(mal_mempool_t *pool, bool may_sleep)
{
	mal_pool_unmake_all(pool, may_sleep);
	kfree(pool->elements);
	pool->elements = NULL;
}

static int mal_pool_setup(mal_mempool_t *pool, int min_nr,
			  mal_mempool_alloc_t *alloc_fn,
			  mal_mempool_free_t *free_fn, void *pool_data,
			  gfp_t gfp, int node, unsigned long creator)
{
	int err;

	*pool = (mal_mempool_t) {
		.min_nr = max(min_nr, 1),
		.cache = mal_pool_cache(alloc_fn, pool_data),
		.pool_data = pool_data,
		.alloc = alloc_fn,
		.free = free_fn,
		.creator = creator,
	};
	spin_lock_init(&pool->lock);
	INIT_LIST_HEAD(&pool->waiters);
	if (min_nr < 0)
		return -EINVAL;
	pool->elements = mal_pool_array(pool->min_nr, gfp, node);
	if (!pool->elements)
		return -ENOMEM;
	err = mal_pool_fill(pool, gfp);
	if (err) {
		mal_pool_empty(pool, gfpflags_allow_blocking(gfp));
		return err;
	}
	mal_mempool_list_add(pool);
	return 0;
}

/**
 * mal_mempool_init_node() - set up a pool that is part of something else
 * @pool: the pool
 * @min_nr: as for mal_mempool_create_node()
 * @alloc_fn: as for mal_mempool_create_node()
 * @free_fn: as for mal_mempool_create_node()
 * @pool_data: as for mal_mempool_create_node()
 * @gfp: as for mal_mempool_create_node()
 * @node: as for mal_mempool_create_node()
 *
 * Context: as for mal_mempool_create_node().
 * Return: 0; -EINVAL if @min_nr is negative; -ENOMEM; or -EINTR if the task may sleep
 * and is being killed. If it is an error, mal_mempool_exit() may follow or not.
 */
int mal_mempool_init_node(mal_mempool_t *pool, int min_nr,
			  mal_mempool_alloc_t *alloc_fn,
			  mal_mempool_free_t *free_fn, void *pool_data,
			  gfp_t gfp, int node)
{
	return mal_pool_setup(pool, min_nr, alloc_fn, free_fn, pool_data, gfp,
			      node, _RET_IP_);
}
MAL_EXPORT(mal_mempool_init_node);

/**
 * mal_mempool_init() - set up a pool that is part of something else
 * @pool: the pool
 * @min_nr: as for mal_mempool_create_node()
 * @alloc_fn: as for mal_mempool_create_node()
 * @free_fn: as for mal_mempool_create_node()
 * @pool_data: as for mal_mempool_create_node()
 *
 * Context: task; sleeps.
 * Return: as for mal_mempool_init_node().
 */
int mal_mempool_init(mal_mempool_t *pool, int min_nr,
		     mal_mempool_alloc_t *alloc_fn, mal_mempool_free_t *free_fn,
		     void *pool_data)
{
	return mal_pool_setup(pool, min_nr, alloc_fn, free_fn, pool_data,
			      GFP_KERNEL, NUMA_NO_NODE, _RET_IP_);
}
MAL_EXPORT(mal_mempool_init);

static mal_mempool_t *mal_pool_create(int min_nr, mal_mempool_alloc_t *alloc_fn,
				      mal_mempool_free_t *free_fn,
				      void *pool_data, gfp_t gfp, int node,
				      unsigned long creator)
{
	mal_mempool_t *pool;

	if (mal_inject_should_fail())
		return NULL;
	pool = kmalloc_node(sizeof(*pool), gfp, node);
	if (!pool)
		return NULL;
	if (mal_pool_setup(pool, min_nr, alloc_fn, free_fn, pool_data, gfp, node,
			   creator)) {
		kfree(pool);
		return NULL;
	}
	return pool;
}

/**
 * mal_mempool_create_node() - make a pool
 * @min_nr: elements that it has at least; zero is taken as one
 * @alloc_fn: makes an element: what it is given is flags and @pool_data
 * @free_fn: unmakes one: what it is given is the element and @pool_data
 * @pool_data: whatever these two need to know
 * @gfp: how far to go for the first elements, and the pool itself
 * @node: the node to prefer for the pool itself, or NUMA_NO_NODE
 *
 * Context: that of @alloc_fn and @free_fn; sleeps if @gfp allows it.
 * Return: the pool; NULL if there is no memory, @min_nr is negative, or the task may
 * sleep and is being killed.
 */
mal_mempool_t *mal_mempool_create_node(int min_nr,
				       mal_mempool_alloc_t *alloc_fn,
				       mal_mempool_free_t *free_fn,
				       void *pool_data, gfp_t gfp, int node)
{
	return mal_pool_create(min_nr, alloc_fn, free_fn, pool_data, gfp, node,
			       _RET_IP_);
}
MAL_EXPORT(mal_mempool_create_node);

/**
 * mal_mempool_create() - make a pool
 * @min_nr: as for mal_mempool_create_node()
 * @alloc_fn: as for mal_mempool_create_node()
 * @free_fn: as for mal_mempool_create_node()
 * @pool_data: as for mal_mempool_create_node()
 *
 * Context: task; sleeps.
 * Return: as for mal_mempool_create_node().
 */
mal_mempool_t *mal_mempool_create(int min_nr, mal_mempool_alloc_t *alloc_fn,
				  mal_mempool_free_t *free_fn, void *pool_data)
{
	return mal_pool_create(min_nr, alloc_fn, free_fn, pool_data, GFP_KERNEL,
			       NUMA_NO_NODE, _RET_IP_);
}
MAL_EXPORT(mal_mempool_create);

/*
 * Exchange the array, and take the elements over that fit. Returns how many
 * there were. The others are left in the old array, and nobody's.
 */
static int mal_pool_exchange(mal_mempool_t *pool, void ***elements, int min_nr)
{
	unsigned long flags;
	int nr;

	spin_lock_irqsave(&pool->lock, flags);
	nr = pool->curr_nr;
	memcpy(*elements, pool->elements, min(nr, min_nr) * sizeof(void *));
	swap(*elements, pool->elements);
	WRITE_ONCE(pool->curr_nr, min(nr, min_nr));
	WRITE_ONCE(pool->min_nr, min_nr);
	spin_unlock_irqrestore(&pool->lock, flags);
	return nr;
}

/**
 * mal_mempool_resize() - change how many elements a pool has at least
 * @pool: the pool; may be in use meanwhile
 * @new_min_nr: from one; no less than anybody's bulk allocation wants
 *
 * If it is to have more, and there is no memory for them, or the task is being
 * killed, they are kept when they are freed.
 *
 * Context: task; sleeps.
 * Return: 0; or, and nothing is changed, -EINVAL or -ENOMEM.
 */
int mal_mempool_resize(mal_mempool_t *pool, int new_min_nr)
{
	void **elements;
	int nr;

	might_sleep();
	if (new_min_nr < 1)
		return -EINVAL;
	elements = mal_pool_array(new_min_nr, GFP_KERNEL, NUMA_NO_NODE);
	if (!elements)
		return -ENOMEM;
	nr = mal_pool_exchange(pool, &elements, new_min_nr);
	while (nr-- > new_min_nr) {
		mal_pool_unmake(pool, elements[nr]);
		cond_resched();
	}
	kfree(elements);
	mal_pool_fill(pool, mal_pool_gfp(GFP_KERNEL));
	return 0;
}
MAL_EXPORT(mal_mempool_resize);

/* Returns false, and reports, if somebody waits for elements. */
static bool mal_pool_teardown(mal_mempool_t *pool, unsigned long caller)
{
	char name[MAL_SITE_NAME];

	if (!mal_mempool_initialized(pool))
		return true;
	if (!list_empty_careful(&pool->waiters)) {
		mal_report(MAL_REPORT_WRONG_FREE, caller,
			   "mempool made by %s, which somebody waits for",
			   mal_site_name(pool->creator, name));
		return false;
	}
	mal_mempool_list_del(pool);
	mal_pool_empty(pool, false);
	return true;
}

/**
 * mal_mempool_drain() - unmake the elements that are in a pool, patiently
 * @pool: the pool; nobody uses it any more, and mal_mempool_destroy() comes next
 *
 * Context: task; sleeps.
 */
void mal_mempool_drain(mal_mempool_t *pool)
{
	/* Nobody looks at its figures any more. */
	mal_mempool_list_del(pool);
	mal_pool_unmake_all(pool, true);
}

/**
 * mal_mempool_exit() - the mirror of mal_mempool_init()
 * @pool: the pool, or zeroes; nobody uses it any more
 *
 * Elements that have not been freed are no concern of the pool's. If somebody
 * waits for elements, that is reported, and the pool stays as it is.
 *
 * Context: that of the function that unmakes elements.
 */
void mal_mempool_exit(mal_mempool_t *pool)
{
	mal_pool_teardown(pool, _RET_IP_);
}
MAL_EXPORT(mal_mempool_exit);

/**
 * mal_mempool_destroy() - the mirror of mal_mempool_create()
 * @pool: the pool, or NULL; nobody uses it any more
 *
 * See mal_mempool_exit().
 *
 * Context: that of the function that unmakes elements.
 */
void mal_mempool_destroy(mal_mempool_t *pool)
{
	if (pool && mal_pool_teardown(pool, _RET_IP_))
		kfree(pool);
}
MAL_EXPORT(mal_mempool_destroy);

/**
 * mal_mempool_stats() - the figures of a pool
 * @pool: the pool
 * @stats: filled in
 *
 * Context: any but NMI.
 */
void mal_mempool_stats(mal_mempool_t *pool, struct mal_mempool_stats *stats)
{
	unsigned long flags;

	spin_lock_irqsave(&pool->lock, flags);
	*stats = (struct mal_mempool_stats) {
		.min_nr = pool->min_nr,
		.curr_nr = pool->curr_nr,
		.waiting = pool->waiting,
		.waits = pool->waits,
		.reserve_hits = pool->reserve_hits,
		.failures = pool->failures,
	};
	spin_unlock_irqrestore(&pool->lock, flags);
}
MAL_EXPORT_FOR_KUNIT(mal_mempool_stats);

/*
 * The usual functions
 */

/**
 * mal_mempool_alloc_slab() - make an element: an object of a cache
 * @gfp: as for mal_kmem_cache_alloc()
 * @cache: the cache
 *
 * Context: as for mal_kmem_cache_alloc().
 * Return: the object, or NULL.
 */
void *mal_mempool_alloc_slab(gfp_t gfp, void *cache)
{
	return mal_kmem_cache_alloc(cache, gfp);
}
MAL_EXPORT(mal_mempool_alloc_slab);

/**
 * mal_mempool_free_slab() - unmake an element: an object of a cache
 * @element: the object
 * @cache: the cache
 *
 * Context: any.
 */
void mal_mempool_free_slab(void *element, void *cache)
{
	mal_kmem_cache_free(cache, element);
}
MAL_EXPORT(mal_mempool_free_slab);

/**
 * mal_mempool_kmalloc() - make an element: memory of a size
 * @gfp: as for mal_kmalloc()
 * @size: the size, cast to a pointer
 *
 * Context: as for mal_kmalloc().
 * Return: the memory, or NULL.
 */
void *mal_mempool_kmalloc(gfp_t gfp, void *size)
{
	return mal_kmalloc((size_t)size, gfp);
}
MAL_EXPORT(mal_mempool_kmalloc);

/**
 * mal_mempool_kfree() - unmake an element: memory
 * @element: the memory
 * @size: its size, not looked at
 *
 * Context: any.
 */
void mal_mempool_kfree(void *element, void *size)
{
	mal_kfree(element);
}
MAL_EXPORT(mal_mempool_kfree);

/**
 * mal_mempool_alloc_pages() - make an element: a block of pages
 * @gfp: as for mal_alloc_pages()
 * @order: its order, cast to a pointer
 *
 * Context: as for mal_alloc_pages().
 * Return: its first struct page, or NULL.
 */
void *mal_mempool_alloc_pages(gfp_t gfp, void *order)
{
	return mal_alloc_pages(gfp, (long)order);
}
MAL_EXPORT(mal_mempool_alloc_pages);

/**
 * mal_mempool_free_pages() - unmake an element: a block of pages
 * @element: its first struct page
 * @order: its order, cast to a pointer
 *
 * Context: any.
 */
void mal_mempool_free_pages(void *element, void *order)
{
	mal_free_pages(element, (long)order);
}
MAL_EXPORT(mal_mempool_free_pages);
