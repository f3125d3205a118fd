/* SPDX-License-Identifier: GPL-2.0 */
/*
 * memalloc/mempool.h: a guaranteed minimum of elements, for in-kernel users
 *
 * The functions have the names, signatures and meaning of the kernel's own
 * mempools (7.x), with mal_ in front. What differs:
 *
 * - Who waits for an element is served in the order of arrival.
 * - A new minimum that makes no sense, or a bulk allocation larger than the
 *   minimum, is an error and not a bug.
 * - An element that is freed again while the pool has it is reported; nothing
 *   else happens. So is the destruction of a pool that somebody waits for.
 */
#ifndef _MEMALLOC_MEMPOOL_H
#define _MEMALLOC_MEMPOOL_H

#include <linux/compiler.h>
#include <linux/gfp.h>
#include <linux/list.h>
#include <linux/numa.h>
#include <linux/spinlock.h>
#include <linux/types.h>

struct mal_kmem_cache;

typedef void *(mal_mempool_alloc_t)(gfp_t gfp, void *pool_data);
typedef void (mal_mempool_free_t)(void *element, void *pool_data);

/**
 * struct mal_mempool - a pool
 * @curr_nr: elements in it; written under @lock
 * @min_nr: elements that it is to have while none are out; written under @lock
 * @cache: where the elements come from, for the known functions, if from a cache
 * @pool_data: for @alloc and @free
 * @alloc: makes an element; NULL if it cannot
 * @free: unmakes one
 * @lock: protects all that follows
 * @elements: room for @min_nr of them
 * @waiters: tasks that wait for elements, the first to come first; if there
 *	are any, @curr_nr is zero
 * @waiting: how many they are
 * @waits: how often somebody had to wait
 * @reserve_hits: elements that were taken out of the pool
 * @failures: allocations that failed, because they must not wait
 * @creator: code address of who made it
 * @name: what it is called, or NULL: by who made it
 * @link: in the list of all pools; protected by the lock of that
 *
 * May be embedded in other structures: see mal_mempool_init(). Nobody but
 * mempool.c writes to it.
 */
typedef struct mal_mempool {
	int curr_nr;
	int min_nr;
	struct mal_kmem_cache *cache;
	void *pool_data;
	mal_mempool_alloc_t *alloc;
	mal_mempool_free_t *free;
	spinlock_t lock;
	void **elements;
	struct list_head waiters;
	unsigned long waiting;
	unsigned long waits;
	unsigned long reserve_hits;
	unsigned long failures;
	unsigned long creator;
	const char *name;
	struct list_head link;
} mal_mempool_t;

int mal_mempool_init(mal_mempool_t *pool, int min_nr,
		     mal_mempool_alloc_t *alloc_fn, mal_mempool_free_t *free_fn,
		     void *pool_data);
int mal_mempool_init_node(mal_mempool_t *pool, int min_nr,
			  mal_mempool_alloc_t *alloc_fn,
			  mal_mempool_free_t *free_fn, void *pool_data,
			  gfp_t gfp, int node);
void mal_mempool_exit(mal_mempool_t *pool);
mal_mempool_t *mal_mempool_create(int min_nr, mal_mempool_alloc_t *alloc_fn,
				  mal_mempool_free_t *free_fn, void *pool_data);
mal_mempool_t *mal_mempool_create_node(int min_nr,
				       mal_mempool_alloc_t *alloc_fn,
				       mal_mempool_free_t *free_fn,
				       void *pool_data, gfp_t gfp, int node);
int mal_mempool_resize(mal_mempool_t *pool, int new_min_nr);
void mal_mempool_destroy(mal_mempool_t *pool);

void *mal_mempool_alloc(mal_mempool_t *pool, gfp_t gfp) __malloc;
void *mal_mempool_alloc_preallocated(mal_mempool_t *pool) __malloc;
int mal_mempool_alloc_bulk(mal_mempool_t *pool, void **elems,
			   unsigned int count);
void mal_mempool_free(void *element, mal_mempool_t *pool);
unsigned int mal_mempool_free_bulk(mal_mempool_t *pool, void **elems,
				   unsigned int count);

/* For mal_mempool_create() and its like: each with what pool_data is to them. */
void *mal_mempool_alloc_slab(gfp_t gfp, void *cache);
void mal_mempool_free_slab(void *element, void *cache);
void *mal_mempool_kmalloc(gfp_t gfp, void *size);
void mal_mempool_kfree(void *element, void *size);
void *mal_mempool_alloc_pages(gfp_t gfp, void *order);
void mal_mempool_free_pages(void *element, void *order);

/**
 * mal_mempool_initialized() - is there anything to mal_mempool_exit()?
 * @pool: a pool, or zeroes
 *
 * Context: any.
 * Return: false for zeroes.
 */
static inline bool mal_mempool_initialized(const mal_mempool_t *pool)
{
	return pool->elements;
}

/**
 * mal_mempool_is_saturated() - does the pool have all that it is to have?
 * @pool: the pool
 *
 * Context: any.
 * Return: true if it does, as far as one can know without its lock.
 */
static inline bool mal_mempool_is_saturated(const mal_mempool_t *pool)
{
	return READ_ONCE(pool->curr_nr) >= READ_ONCE(pool->min_nr);
}

/**
 * mal_mempool_alloc_noreserve() - make an element, and leave the pool alone
 * @pool: the pool
 * @gfp: as for what makes its elements
 *
 * Context: that of what makes its elements.
 * Return: an element, to be freed as any other, or NULL.
 */
static inline void *mal_mempool_alloc_noreserve(mal_mempool_t *pool, gfp_t gfp)
{
	return pool->alloc(gfp, pool->pool_data);
}

/* The forms that follow are mal_mempool_create() and _init(), for the known kinds. */

static inline mal_mempool_t *
mal_mempool_create_slab_pool(int min_nr, struct mal_kmem_cache *cache)
{
	return mal_mempool_create(min_nr, mal_mempool_alloc_slab,
				  mal_mempool_free_slab, cache);
}

static inline int mal_mempool_init_slab_pool(mal_mempool_t *pool, int min_nr,
					     struct mal_kmem_cache *cache)
{
	return mal_mempool_init(pool, min_nr, mal_mempool_alloc_slab,
				mal_mempool_free_slab, cache);
}

static inline mal_mempool_t *mal_mempool_create_kmalloc_pool(int min_nr,
							     size_t size)
{
	return mal_mempool_create(min_nr, mal_mempool_kmalloc,
				  mal_mempool_kfree, (void *)size);
}

static inline int mal_mempool_init_kmalloc_pool(mal_mempool_t *pool, int min_nr,
						size_t size)
{
	return mal_mempool_init(pool, min_nr, mal_mempool_kmalloc,
				mal_mempool_kfree, (void *)size);
}

static inline mal_mempool_t *mal_mempool_create_page_pool(int min_nr, int order)
{
	return mal_mempool_create(min_nr, mal_mempool_alloc_pages,
				  mal_mempool_free_pages, (void *)(long)order);
}

static inline int mal_mempool_init_page_pool(mal_mempool_t *pool, int min_nr,
					     int order)
{
	return mal_mempool_init(pool, min_nr, mal_mempool_alloc_pages,
				mal_mempool_free_pages, (void *)(long)order);
}

#endif /* _MEMALLOC_MEMPOOL_H */
