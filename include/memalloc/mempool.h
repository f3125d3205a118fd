/* SPDX-License-Identifier: GPL-2.0 */
/*
 * memalloc/mempool.h: pools with a guaranteed minimum of elements, for
 * in-kernel callers
 *
 * The functions have the names, signatures and semantics of the kernel's
 * mempools (7.x), with "mal_" in front. The differences:
 *
 * - Waiting tasks are served in the order of arrival.
 * - An invalid new minimum, or a bulk allocation larger than the minimum, is an
 *   error and not a bug.
 * - A free of an element that is already in the pool, and the destruction of a
 *   pool that a task waits for, are reported. They have no other effect.
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
 * @curr_nr: elements in the reserve; written under @lock
 * @min_nr: guaranteed number of elements; written under @lock
 * @cache: cache that the elements come from, if the backend is known to use
 *	one
 * @pool_data: passed to @alloc and @free
 * @alloc: allocates an element; returns NULL if it cannot
 * @free: frees an element
 * @lock: protects everything below
 * @elements: the reserve, with room for @min_nr
 * @waiters: tasks that wait for elements, in the order of arrival; if there
 *	are any, @curr_nr is zero
 * @waiting: number of waiting tasks
 * @waits: number of waits
 * @reserve_hits: elements taken from the reserve
 * @failures: allocations that failed because they must not wait
 * @creator: code address of the creator
 * @name: name, or NULL if the pool is known by @creator
 * @backend: enum memalloc_mempool_backend, for statistics
 * @link: in the list of all pools; protected by the lock of the list
 *
 * May be embedded in other structures: see mal_mempool_init(). Only mempool.c
 * writes to it.
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
	unsigned int backend;
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

/*
 * Backends for mal_mempool_create() and its variants; see the names of
 * pool_data.
 */
void *mal_mempool_alloc_slab(gfp_t gfp, void *cache);
void mal_mempool_free_slab(void *element, void *cache);
void *mal_mempool_kmalloc(gfp_t gfp, void *size);
void mal_mempool_kfree(void *element, void *size);
void *mal_mempool_alloc_pages(gfp_t gfp, void *order);
void mal_mempool_free_pages(void *element, void *order);

/**
 * mal_mempool_initialized() - does a pool need mal_mempool_exit()?
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
 * mal_mempool_is_saturated() - is the reserve full?
 * @pool: the pool
 *
 * Context: any.
 * Return: true if it is, as far as a read without the lock can determine.
 */
static inline bool mal_mempool_is_saturated(const mal_mempool_t *pool)
{
	return READ_ONCE(pool->curr_nr) >= READ_ONCE(pool->min_nr);
}

/**
 * mal_mempool_alloc_noreserve() - allocate from the backend only
 * @pool: the pool
 * @gfp: flags for the backend
 *
 * Context: that of the backend's alloc function.
 * Return: an element, to be freed like any other, or NULL.
 */
static inline void *mal_mempool_alloc_noreserve(mal_mempool_t *pool, gfp_t gfp)
{
	return pool->alloc(gfp, pool->pool_data);
}

/* mal_mempool_create() and mal_mempool_init() with the common backends. */

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
