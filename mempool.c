// SPDX-License-Identifier: GPL-2.0
/*
 * Mempools: a guaranteed minimum of elements
 *
 * A pool has a backend, a function that allocates elements and one that frees
 * them, and keeps a reserve of up to min_nr elements. An allocation first calls
 * the backend without allowing reclaim. If that fails, it takes an element from
 * the reserve. If the reserve is empty, it calls the backend with all flags of
 * the caller, and if that fails as well the caller waits. A freed element goes
 * to a waiting task, else to the reserve until that is full, else to the
 * backend.
 *
 * Forward progress. At least min_nr - curr_nr of the elements that were
 * allocated and not freed yet are owed to the reserve, and the next elements to
 * be freed refill it. If owners free their elements without waiting for more,
 * every caller that may sleep gets its elements.
 *
 * Order of waiters. Waiting tasks form a queue. A freed element is handed to
 * the first task: it is stored in the array of the task, under the lock, before
 * the task is woken. No task overtakes it, so a task waits for no more elements
 * than it and the tasks before it need. The reserve is empty while a task
 * waits. A bulk allocation takes what is available and waits for the rest. Only
 * the first task in the queue can own elements of the pool while it waits for
 * more. All other elements are eventually freed, so this is safe as long as the
 * task wants no more than min_nr.
 *
 * A task waits for five seconds at a time. Then it calls the backend again,
 * because memory may be available even though no element was freed. An element
 * obtained this way is treated as a freed one: it goes to the first task in the
 * queue.
 *
 * Barriers. A free reads curr_nr without the lock. It must see every change
 * made before its own element was allocated. Otherwise it could find the
 * reserve full, as it was earlier, and pass the element to the backend while a
 * task waits. A write barrier (in mal_pool_take() and mal_pool_wait())
 * therefore separates the change of curr_nr from the return of the element. It
 * pairs with the read barrier in mal_mempool_free() and
 * mal_mempool_free_bulk(), which separates the receipt of the element from the
 * read of curr_nr. Owners may pass the element on by plain stores and loads in
 * between. A change after the allocation of this element was made for another
 * element, and the free of that element sees it.
 *
 * Backends. This file has no policy: only the backend knows how to allocate
 * elements. The three common backends are at the end. They are recognized and
 * called directly, which saves an indirect call. If a backend uses a slab cache
 * (mal_mempool.cache), objects that this CPU has cached are taken without any
 * call.
 *
 * Ownership. Pages, and objects in the debug mode U, record an owner. It is the
 * caller that allocated the element from the pool or, for an element in the
 * reserve, the creator of the pool.
 *
 * Misuse. The reserve accepts an element only if the pool can have handed it
 * out: a block of its order, an object of its cache or memory of its size, and
 * allocated. Anything else is reported and not written to. The check precedes
 * the lock. If two CPUs free an element at once, both may find it allocated.
 * The element then enters the reserve once, and the second free is reported if
 * the first is among the last MAL_POOL_COMPARE. Elements of a driver's own
 * functions are compared with those only.
 *
 * KASAN. The bytes of an element in the reserve are poisoned, as in the host's
 * mempools, but the element itself stays allocated. mal_pool_put() poisons it
 * before the element is accepted, that is, before the next owner can see it.
 * That owner, or the task that passes the element to the backend, unpoisons it.
 * Both happen outside the lock.
 *
 * Lock order: mal_mempool.lock is not taken under any other lock of this module
 * except mal_mempool_list_lock. Only locks of the scheduler are taken under it.
 *
 * Context: allocation and free: any. An NMI handler does not use the reserve:
 * its allocation may fail, and its free goes to the backend. Functions that
 * sleep say so.
 */
#include <linux/hardirq.h>
#include <linux/indirect_call_wrapper.h>
#include <linux/kernel.h>
#include <linux/mempool.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/string.h>

#include <memalloc/kmalloc.h>
#include <memalloc/mempool.h>
#include <memalloc/page_alloc.h>
#include <memalloc/slab_cache.h>
#include <uapi/linux/memalloc.h>

#include "internal/compat.h"
#include "internal/delay.h"
#include "internal/inject.h"
#include "internal/instrument.h"
#include "internal/kmalloc.h"
#include "internal/kunit.h"
#include "internal/mempool.h"
#include "internal/page_alloc.h"
#include "internal/region.h"
#include "internal/report.h"
#include "internal/site.h"
#include "internal/slab_alloc.h"
#include "internal/slab_sanitizer.h"

/* A waiting task calls the backend again after this time. */
#define MAL_POOL_RETRY	(5 * HZ)

/* Number of elements of the reserve that a freed element is compared with. */
#define MAL_POOL_COMPARE	64

/* Elements are not zeroed, and the reserve makes extra effort unnecessary. */
#define MAL_POOL_GFP_NOT	(__GFP_ZERO | __GFP_NOFAIL | __GFP_RETRY_MAYFAIL)

/**
 * struct mal_pool_waiter - a waiting task
 * @link: in mal_mempool.waiters until @missing is zero
 * @task: the task
 * @elems: where to store the next element
 * @missing: elements still needed; protected by the lock of the pool
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
 * Backend
 */

static void *mal_pool_backend_alloc(mal_mempool_t *pool, gfp_t gfp)
{
	return INDIRECT_CALL_3(pool->alloc, mal_mempool_alloc_slab,
			       mal_mempool_kmalloc, mal_mempool_alloc_pages,
			       gfp, pool->pool_data);
}

static __always_inline void mal_pool_backend_free(mal_mempool_t *pool, void *element)
{
	INDIRECT_CALL_3(pool->free, mal_mempool_kfree, mal_mempool_free_slab,
			mal_mempool_free_pages, element, pool->pool_data);
}

static unsigned int mal_pool_order(const mal_mempool_t *pool)
{
	return (unsigned long)pool->pool_data;
}

static bool mal_pool_is_bytes(const mal_mempool_t *pool)
{
	return pool->alloc == mal_mempool_alloc_slab ||
	       pool->alloc == mal_mempool_kmalloc;
}

/*
 * Attribute an element to the caller that allocated it or, in the reserve, to
 * the creator of the pool. Elements of custom backends bear no attribution.
 */
static void mal_pool_set_caller(mal_mempool_t *pool, void *element, unsigned long caller)
{
	struct mal_page *desc;

	if (mal_pool_is_bytes(pool)) {
		mal_kmalloc_set_caller(element, caller);
	} else if (pool->alloc == mal_mempool_alloc_pages) {
		rcu_read_lock();
		desc = mal_page_of(element);
		if (likely(desc))
			mal_page_set_caller(desc, caller);
		rcu_read_unlock();
	}
}

/* The size of elements of custom backends is unknown. */
static void mal_pool_poison(const mal_mempool_t *pool, void *element)
{
	struct mal_slab *slab;

	if (!mal_sanitizer_on())
		return;
	if (pool->alloc == mal_mempool_alloc_pages) {
		mal_sanitizer_free_pages(element, mal_pool_order(pool));
	} else if (mal_pool_is_bytes(pool)) {
		rcu_read_lock();
		slab = mal_slab_of(element);
		if (slab)
			mal_sanitizer_free(slab->cache, element);
		else
			mal_sanitizer_set_free(element, mal_kmalloc_owned(element));
		rcu_read_unlock();
	}
}

static void mal_pool_unpoison(const mal_mempool_t *pool, void *element)
{
	size_t size, room;

	if (!mal_sanitizer_on())
		return;
	if (pool->alloc == mal_mempool_alloc_pages) {
		mal_sanitizer_alloc_pages(element, mal_pool_order(pool));
	} else if (mal_pool_is_bytes(pool)) {
		/*
		 * Zero if the element was freed behind the pool's back: keep it
		 * poisoned.
		 */
		room = mal_kmalloc_owned(element);
		size = pool->alloc == mal_mempool_kmalloc ?
			min((size_t)pool->pool_data, room) : room;
		mal_sanitizer_set_used(element, size, room);
	}
}

static void mal_pool_unpoison_many(const mal_mempool_t *pool, void **elems,
				   unsigned int nr)
{
	while (mal_sanitizer_on() && nr--)
		mal_pool_unpoison(pool, elems[nr]);
}

/*
 * Is this an allocated object of the pool's cache, or allocated memory of its
 * size?
 */
static bool mal_pool_owns_bytes(const mal_mempool_t *pool, const void *element)
{
	struct mal_slab *slab;
	bool ok;

	if (pool->alloc == mal_mempool_kmalloc)
		return mal_kmalloc_owned(element) >= (size_t)pool->pool_data;
	if (mal_lean())
		return true;
	rcu_read_lock();
	slab = mal_slab_of(element);
	ok = slab && slab->cache == pool->pool_data && mal_slab_owns(slab, element);
	rcu_read_unlock();
	return ok;
}

/*
 * Report an element that the pool cannot have handed out. Elements of custom
 * backends are unknown here.
 */
static bool mal_pool_owns(const mal_mempool_t *pool, void *element,
			  unsigned long caller)
{
	if (pool->alloc == mal_mempool_alloc_pages)
		return mal_page_allocated(element, mal_pool_order(pool), caller);
	if (!mal_pool_is_bytes(pool) || likely(mal_pool_owns_bytes(pool, element)))
		return true;
	mal_slab_report_free(pool->cache, element, caller);
	return false;
}

static void mal_pool_set_caller_many(mal_mempool_t *pool, void **elems,
				     unsigned int nr, unsigned long caller)
{
	while (nr--)
		mal_pool_set_caller(pool, elems[nr], caller);
}

/* With all the effort that the caller allows. */
static gfp_t mal_pool_gfp(gfp_t gfp)
{
	return (gfp & ~MAL_POOL_GFP_NOT) |
	       __GFP_NOMEMALLOC | __GFP_NORETRY | __GFP_NOWARN;
}

/* Without any effort. */
static gfp_t mal_pool_gfp_no_reclaim(gfp_t gfp)
{
	return mal_pool_gfp(gfp) & ~(__GFP_DIRECT_RECLAIM | __GFP_IO);
}

static unsigned int mal_pool_backend_alloc_many(mal_mempool_t *pool, void **elems,
						unsigned int nr, gfp_t gfp)
{
	unsigned int made;

	for (made = 0; made < nr; made++) {
		elems[made] = mal_pool_backend_alloc(pool, gfp);
		if (!elems[made])
			break;
	}
	return made;
}

/*
 * Reserve: the first functions are called with the lock held
 */

static void mal_pool_pop(mal_mempool_t *pool, void **elems, unsigned int nr)
{
	pool->reserve_hits += nr;
	while (nr--) {
		WRITE_ONCE(pool->curr_nr, pool->curr_nr - 1);
		*elems++ = pool->elements[pool->curr_nr];
	}
}

/* Is the element among the last MAL_POOL_COMPARE of the reserve? */
static bool mal_pool_contains(const mal_mempool_t *pool, const void *element)
{
	int i, lowest = max(pool->curr_nr - MAL_POOL_COMPARE, 0);

	/* All elements of size zero are the same pointer. */
	if (unlikely(element == ZERO_SIZE_PTR))
		return false;
	for (i = pool->curr_nr - 1; i >= lowest; i--)
		if (unlikely(pool->elements[i] == element))
			return true;
	return false;
}

/* Hand an element to the first waiting task. Returns false if there is none. */
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
		/* The task cannot return before it has taken the lock. */
		wake_up_process(waiter->task);
	}
	return true;
}

static noinline void mal_pool_report_double(const mal_mempool_t *pool,
					    unsigned long caller)
{
	char name[MAL_SITE_NAME];

	mal_report(MAL_REPORT_DOUBLE_FREE, caller,
		   "element is already in its mempool, created by %s",
		   mal_site_name(pool->creator, name));
}

/* Returns false if the pool does not need the element. */
static bool mal_pool_accept(mal_mempool_t *pool, void *element,
			    unsigned long caller)
{
	if (mal_pool_hand_over(pool, element))
		return true;
	if (pool->curr_nr >= pool->min_nr)
		return false;
	if (unlikely(mal_pool_contains(pool, element))) {
		mal_pool_report_double(pool, caller);
		return true;
	}
	pool->elements[pool->curr_nr] = element;
	WRITE_ONCE(pool->curr_nr, pool->curr_nr + 1);
	return true;
}

/* Returns false if the caller still owns the element, and must free it. */
static bool mal_pool_put(mal_mempool_t *pool, void *element, unsigned long caller)
{
	unsigned long flags;
	bool accepted;

	if (unlikely(!mal_pool_owns(pool, element, caller)))
		return true;
	mal_pool_set_caller(pool, element, pool->creator);
	mal_pool_poison(pool, element);
	spin_lock_irqsave(&pool->lock, flags);
	accepted = mal_pool_accept(pool, element, caller);
	spin_unlock_irqrestore(&pool->lock, flags);
	if (!accepted) {
		mal_pool_unpoison(pool, element);
		mal_pool_set_caller(pool, element, caller);
	}
	return accepted;
}

/*
 * Offer elements to the pool. Returns the number of accepted elements, counted
 * from the first. Invalid elements count as accepted: they are reported and not
 * freed.
 */
static unsigned int mal_pool_offer(mal_mempool_t *pool, void **elems,
				   unsigned int nr, unsigned long caller)
{
	unsigned int given = 0;

	if (unlikely(in_nmi()))
		return 0;
	while (given < nr && mal_pool_put(pool, elems[given], caller))
		given++;
	return given;
}

/* Take elements from the reserve: all that are wanted, or none. */
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
	/* Pairs with smp_rmb() in mal_mempool_free() and _free_bulk(). */
	smp_wmb();
	if (enough)
		mal_pool_unpoison_many(pool, elems, nr);
	return enough;
}

/* Sleep for a limited time; see the opening comment. */
static void mal_pool_sleep(mal_mempool_t *pool, gfp_t gfp)
{
	if (!io_schedule_timeout(MAL_POOL_RETRY))
		mal_mempool_free(mal_pool_backend_alloc(pool, mal_pool_gfp(gfp)), pool);
}

/* Wait for @nr elements. */
static void mal_pool_wait(mal_mempool_t *pool, void **elems, unsigned int nr,
			  gfp_t gfp)
{
	unsigned int taken;
	struct mal_pool_waiter waiter = { .task = current };
	unsigned long flags;

	mal_delay(MAL_DELAY_ELEMENT_MISSED);
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
	/* Pairs with smp_rmb() in mal_mempool_free() and _free_bulk(). */
	smp_wmb();
	mal_pool_unpoison_many(pool, elems, nr);
}

/*
 * Allocation
 */

/* Called when the backend failed without effort. */
static noinline bool mal_pool_alloc_fallback(mal_mempool_t *pool, void **elems,
					     unsigned int nr, gfp_t gfp)
{
	bool may_sleep = gfpflags_allow_blocking(gfp);
	unsigned int made;

	if (mal_pool_take(pool, elems, nr, !may_sleep))
		return true;
	if (!may_sleep)
		return false;
	made = mal_pool_backend_alloc_many(pool, elems, nr, mal_pool_gfp(gfp));
	if (made < nr)
		mal_pool_wait(pool, elems + made, nr - made, gfp);
	return true;
}

/* Slow path. */
static noinline void *mal_pool_alloc_slow(mal_mempool_t *pool, gfp_t gfp,
					  unsigned long caller)
{
	void *element = mal_pool_backend_alloc(pool,
					       mal_pool_gfp_no_reclaim(gfp));

	if (unlikely(!element))
		mal_pool_alloc_fallback(pool, &element, 1, gfp);
	if (likely(element))
		mal_pool_set_caller(pool, element, caller);
	return element;
}

/**
 * mal_mempool_alloc() - allocate an element
 * @pool: the pool
 * @gfp: flags for the backend; __GFP_ZERO is not supported, as the pool
 *	does not know the size of its elements
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
	if (mal_is_instrumented() || unlikely(!cache || gfp & __GFP_DMA))
		return mal_pool_alloc_slow(pool, gfp, _RET_IP_);
	if (unlikely(!mal_sheaf_pop(cache, &element)))
		return mal_pool_alloc_slow(pool, gfp, _RET_IP_);
	mal_sanitizer_alloc(cache, element, cache->object_size);
	mal_kmemleak_alloc(cache, element, gfp);
	if (unlikely(mal_object_gfp(cache, 0) & __GFP_ZERO))
		return mal_object_zero(cache, element);
	return element;
}
MAL_EXPORT(mal_mempool_alloc);

/**
 * mal_mempool_alloc_preallocated() - take an element from the reserve
 * @pool: the pool
 *
 * Context: any; never sleeps.
 * Return: the element, or NULL if the reserve is empty.
 */
void *mal_mempool_alloc_preallocated(mal_mempool_t *pool)
{
	void *element = NULL;

	if (mal_pool_take(pool, &element, 1, true))
		mal_pool_set_caller(pool, element, _RET_IP_);
	return element;
}
MAL_EXPORT(mal_mempool_alloc_preallocated);

/**
 * mal_mempool_alloc_bulk() - allocate many elements
 * @pool: the pool
 * @elems: filled in
 * @count: number of elements
 *
 * Context: task; sleeps.
 * Return: 0; -EINVAL if @count exceeds the minimum of the pool, which could
 * make the caller wait forever: @elems is then filled with NULL.
 */
int mal_mempool_alloc_bulk(mal_mempool_t *pool, void **elems, unsigned int count)
{
	unsigned int made;

	might_sleep();
	if (count > READ_ONCE(pool->min_nr)) {
		memset(elems, 0, count * sizeof(*elems));
		return -EINVAL;
	}
	made = mal_pool_backend_alloc_many(pool, elems, count,
					   mal_pool_gfp_no_reclaim(GFP_KERNEL));
	if (made < count)
		mal_pool_alloc_fallback(pool, elems + made, count - made,
					GFP_KERNEL);
	mal_pool_set_caller_many(pool, elems, count, _RET_IP_);
	return 0;
}
MAL_EXPORT(mal_mempool_alloc_bulk);

/*
 * Free
 */

static noinline void mal_pool_free_slow(mal_mempool_t *pool, void *element,
					unsigned long caller)
{
	if (!mal_pool_offer(pool, &element, 1, caller))
		mal_pool_backend_free(pool, element);
}

/**
 * mal_mempool_free() - free an element
 * @element: element allocated from the pool, or NULL
 * @pool: the pool
 *
 * Context: that of the backend's free function; any for the common backends.
 */
void mal_mempool_free(void *element, mal_mempool_t *pool)
{
	if (unlikely(!element))
		return;
	/* Pairs with smp_wmb() in mal_pool_take() and mal_pool_wait(). */
	smp_rmb();
	if (unlikely(!mal_mempool_is_saturated(pool))) {
		mal_pool_free_slow(pool, element, _RET_IP_);
		return;
	}
	mal_pool_backend_free(pool, element);
}
MAL_EXPORT(mal_mempool_free);

/**
 * mal_mempool_free_bulk() - give a pool the elements that it needs
 * @pool: the pool
 * @elems: elements allocated from the pool
 * @count: number of elements
 *
 * Context: any but NMI.
 * Return: the number of elements taken, counted from the first. The caller
 * still owns the others and may free them in bulk.
 */
unsigned int mal_mempool_free_bulk(mal_mempool_t *pool, void **elems,
				   unsigned int count)
{
	/* Pairs with smp_wmb() in mal_pool_take() and mal_pool_wait(). */
	smp_rmb();
	if (likely(mal_mempool_is_saturated(pool)))
		return 0;
	return mal_pool_offer(pool, elems, count, _RET_IP_);
}
MAL_EXPORT(mal_mempool_free_bulk);

/*
 * Creation, resizing, destruction
 */

/*
 * Reschedule between two elements. Returns false if the task is being killed.
 */
static bool mal_pool_may_continue(gfp_t gfp)
{
	if (!gfpflags_allow_blocking(gfp))
		return true;
	cond_resched();
	return !fatal_signal_pending(current);
}

/* Allocate elements until the reserve is full. */
static int mal_pool_fill(mal_mempool_t *pool, gfp_t gfp)
{
	while (!mal_mempool_is_saturated(pool)) {
		void *element = mal_pool_backend_alloc(pool, gfp);

		if (!element)
			return -ENOMEM;
		if (!mal_pool_offer(pool, &element, 1, 0))
			mal_pool_backend_free(pool, element);
		if (!mal_pool_may_continue(gfp))
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

/* The cache that elements come from, if the backend is known to use one. */
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

/* Free an element of the reserve. */
static void mal_pool_free_element(mal_mempool_t *pool, void *element)
{
	mal_pool_unpoison(pool, element);
	mal_pool_backend_free(pool, element);
}

static void mal_pool_free_all(mal_mempool_t *pool, bool may_sleep)
{
	while (pool->curr_nr) {
		mal_pool_free_element(pool, pool->elements[--pool->curr_nr]);
		if (may_sleep)
			cond_resched();
	}
}

static void mal_pool_empty(mal_mempool_t *pool, bool may_sleep)
{
	mal_pool_free_all(pool, may_sleep);
	kfree(pool->elements);
	pool->elements = NULL;
}

static unsigned int mal_pool_backend(mal_mempool_alloc_t *alloc_fn)
{
	if (alloc_fn == mal_mempool_alloc_pages)
		return MEMALLOC_MEMPOOL_PAGES;
	if (alloc_fn == mal_mempool_kmalloc)
		return MEMALLOC_MEMPOOL_KMALLOC;
	if (alloc_fn == mal_mempool_alloc_slab)
		return MEMALLOC_MEMPOOL_CACHE;
	return MEMALLOC_MEMPOOL_OTHER;
}

static int mal_pool_setup(mal_mempool_t *pool, int min_nr,
			  mal_mempool_alloc_t *alloc_fn,
			  mal_mempool_free_t *free_fn, void *pool_data,
			  gfp_t gfp, int node, unsigned long creator)
{
	int err;

	/* A driver that was moved by dropin.h may pass a cache of the host. */
	if (alloc_fn == mal_mempool_alloc_slab && !mal_is_kmem_cache(pool_data)) {
		alloc_fn = mempool_alloc_slab;
		free_fn = mempool_free_slab;
	}
	*pool = (mal_mempool_t) {
		.min_nr = max(min_nr, 1),
		.cache = mal_pool_cache(alloc_fn, pool_data),
		.pool_data = pool_data,
		.alloc = alloc_fn,
		.free = free_fn,
		.creator = creator,
		.backend = mal_pool_backend(alloc_fn),
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
 * mal_mempool_init_node() - initialize a pool that is embedded in another
 * structure
 * @pool: the pool
 * @min_nr: as for mal_mempool_create_node()
 * @alloc_fn: as for mal_mempool_create_node()
 * @free_fn: as for mal_mempool_create_node()
 * @pool_data: as for mal_mempool_create_node()
 * @gfp: as for mal_mempool_create_node()
 * @node: as for mal_mempool_create_node()
 *
 * Context: as for mal_mempool_create_node().
 * Return: 0; -EINVAL if @min_nr is negative; -ENOMEM; -EINTR if the task may
 * sleep and is being killed. After an error, mal_mempool_exit() is allowed but
 * not required.
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
 * mal_mempool_init() - initialize a pool that is embedded in another structure
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

/**
 * mal_mempool_create_for() - create a pool on behalf of another caller
 * @min_nr: as for mal_mempool_create_node()
 * @alloc_fn: as for mal_mempool_create_node()
 * @free_fn: as for mal_mempool_create_node()
 * @pool_data: as for mal_mempool_create_node()
 * @gfp: as for mal_mempool_create_node()
 * @node: as for mal_mempool_create_node()
 * @creator: code address or site of that caller; the elements in the pool are
 *	attributed to it
 *
 * Context: as for mal_mempool_create_node().
 * Return: as for mal_mempool_create_node().
 */
mal_mempool_t *mal_mempool_create_for(int min_nr, mal_mempool_alloc_t *alloc_fn,
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
 * mal_mempool_create_node() - create a pool
 * @min_nr: guaranteed number of elements; zero is taken as one
 * @alloc_fn: allocates an element from flags and @pool_data
 * @free_fn: frees an element; it is passed the element and @pool_data
 * @pool_data: passed to @alloc_fn and @free_fn
 * @gfp: flags for the first elements and the pool itself
 * @node: the node to prefer for the pool itself, or NUMA_NO_NODE
 *
 * Context: that of @alloc_fn and @free_fn; sleeps if @gfp allows it.
 * Return: the pool; NULL if there is no memory, @min_nr is negative, or the
 * task may sleep and is being killed.
 */
mal_mempool_t *mal_mempool_create_node(int min_nr,
				       mal_mempool_alloc_t *alloc_fn,
				       mal_mempool_free_t *free_fn,
				       void *pool_data, gfp_t gfp, int node)
{
	return mal_mempool_create_for(min_nr, alloc_fn, free_fn, pool_data, gfp,
				      node, _RET_IP_);
}
MAL_EXPORT(mal_mempool_create_node);

/**
 * mal_mempool_create() - create a pool
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
	return mal_mempool_create_for(min_nr, alloc_fn, free_fn, pool_data,
				      GFP_KERNEL, NUMA_NO_NODE, _RET_IP_);
}
MAL_EXPORT(mal_mempool_create);

/*
 * Exchange the arrays and move the elements that fit. Returns the old number of
 * elements. The caller owns the ones that remain in the old array.
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
 * mal_mempool_resize() - change the guaranteed number of elements
 * @pool: the pool; may be in use
 * @new_min_nr: at least one; no less than any bulk allocation wants
 *
 * If the pool grows and there is no memory for more elements, or the task is
 * being killed, freed elements fill the reserve later.
 *
 * Context: task; sleeps.
 * Return: 0; -EINVAL or -ENOMEM, and then nothing is changed.
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
		mal_pool_free_element(pool, elements[nr]);
		cond_resched();
	}
	kfree(elements);
	mal_pool_fill(pool, mal_pool_gfp(GFP_KERNEL));
	return 0;
}
MAL_EXPORT(mal_mempool_resize);

/* Reports an error and returns false if a task waits for elements. */
static bool mal_pool_teardown(mal_mempool_t *pool, unsigned long caller)
{
	char name[MAL_SITE_NAME];

	if (!mal_mempool_initialized(pool))
		return true;
	if (!list_empty_careful(&pool->waiters)) {
		mal_report(MAL_REPORT_WRONG_FREE, caller,
			   "mempool created by %s still has waiting tasks",
			   mal_site_name(pool->creator, name));
		return false;
	}
	mal_mempool_list_del(pool);
	mal_pool_empty(pool, false);
	return true;
}

/**
 * mal_mempool_drain() - free the reserve of a pool, with reschedules
 * @pool: the pool, not in use; mal_mempool_destroy() must follow
 *
 * Context: task; sleeps.
 */
void mal_mempool_drain(mal_mempool_t *pool)
{
	/* Prevent reads of its statistics. */
	mal_mempool_list_del(pool);
	mal_pool_free_all(pool, true);
}

/**
 * mal_mempool_exit() - undo mal_mempool_init()
 * @pool: the pool, not in use; may be zeroes
 *
 * Elements that were not freed stay valid. If a task waits for elements, an
 * error is reported and the pool is left alone.
 *
 * Context: that of the backend's free function.
 */
void mal_mempool_exit(mal_mempool_t *pool)
{
	mal_pool_teardown(pool, _RET_IP_);
}
MAL_EXPORT(mal_mempool_exit);

/**
 * mal_mempool_destroy() - undo mal_mempool_create()
 * @pool: the pool, not in use; may be NULL
 *
 * See mal_mempool_exit().
 *
 * Context: that of the backend's free function.
 */
void mal_mempool_destroy(mal_mempool_t *pool)
{
	if (pool && mal_pool_teardown(pool, _RET_IP_))
		kfree(pool);
}
MAL_EXPORT(mal_mempool_destroy);

/*
 * Common backends
 */

/**
 * mal_mempool_alloc_slab() - backend: allocate an object of a cache
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
 * mal_mempool_free_slab() - backend: free an object of a cache
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
 * mal_mempool_kmalloc() - backend: allocate memory
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
 * mal_mempool_kfree() - backend: free memory
 * @element: the memory
 * @size: unused
 *
 * Context: any.
 */
void mal_mempool_kfree(void *element, void *size)
{
	mal_kfree(element);
}
MAL_EXPORT(mal_mempool_kfree);

/**
 * mal_mempool_alloc_pages() - backend: allocate a block of pages
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
 * mal_mempool_free_pages() - backend: free a block of pages
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
