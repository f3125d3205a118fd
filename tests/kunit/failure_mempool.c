// SPDX-License-Identifier: GPL-2.0
/*
 * Failure walk: mempools
 */
#include <linux/numa.h>
#include <linux/slab.h>
#include <linux/string.h>

#include <memalloc/mempool.h>
#include <memalloc/page_alloc.h>
#include <memalloc/slab_cache.h>

#include "failure_walk.h"

#define MAL_WALK_MIN	5
#define MAL_WALK_SIZE	700
#define MAL_WALK_ORDER	1

/* An embedded pool. */
static mal_mempool_t mal_walk_pool;

/*
 * Creation and destruction
 */

static int mal_prepare_cache(struct mal_walk *walk)
{
	walk->cache = mal_kmem_cache_create("walk", MAL_WALK_SIZE, 0, 0, NULL);
	return walk->cache ? 0 : -ENOMEM;
}

static void mal_discard_cache(struct mal_walk *walk)
{
	mal_kmem_cache_destroy(walk->cache);
}

static void mal_undo_create(struct mal_walk *walk)
{
	mal_mempool_destroy(walk->out);
}

static void mal_undo_init(struct mal_walk *walk)
{
	mal_mempool_exit(&mal_walk_pool);
}

MAL_WALK_ACT(mal_mempool_create,
	     mal_mempool_create(MAL_WALK_MIN, mal_mempool_kmalloc, mal_mempool_kfree,
				(void *)MAL_WALK_SIZE))
MAL_WALK_ACT(mal_mempool_create_node,
	     mal_mempool_create_node(MAL_WALK_MIN, mal_mempool_alloc_pages,
				     mal_mempool_free_pages, (void *)MAL_WALK_ORDER,
				     MAL_WALK_GFP, NUMA_NO_NODE))
MAL_WALK_ACT(mal_mempool_create_kmalloc_pool,
	     mal_mempool_create_kmalloc_pool(MAL_WALK_MIN, MAL_WALK_SIZE))
MAL_WALK_ACT(mal_mempool_create_page_pool,
	     mal_mempool_create_page_pool(MAL_WALK_MIN, MAL_WALK_ORDER))
MAL_WALK_ACT(mal_mempool_create_slab_pool,
	     mal_mempool_create_slab_pool(MAL_WALK_MIN, walk->cache))

#define MAL_WALK_ACT_INIT(function, call)				\
static int mal_act_##function(struct mal_walk *walk)			\
{									\
	return call;							\
}

MAL_WALK_ACT_INIT(mal_mempool_init,
		  mal_mempool_init(&mal_walk_pool, MAL_WALK_MIN, mal_mempool_kmalloc,
				   mal_mempool_kfree, (void *)MAL_WALK_SIZE))
MAL_WALK_ACT_INIT(mal_mempool_init_node,
		  mal_mempool_init_node(&mal_walk_pool, MAL_WALK_MIN,
					mal_mempool_alloc_pages, mal_mempool_free_pages,
					(void *)MAL_WALK_ORDER, MAL_WALK_GFP, 0))
MAL_WALK_ACT_INIT(mal_mempool_init_kmalloc_pool,
		  mal_mempool_init_kmalloc_pool(&mal_walk_pool, MAL_WALK_MIN,
						MAL_WALK_SIZE))
MAL_WALK_ACT_INIT(mal_mempool_init_page_pool,
		  mal_mempool_init_page_pool(&mal_walk_pool, MAL_WALK_MIN,
					     MAL_WALK_ORDER))
MAL_WALK_ACT_INIT(mal_mempool_init_slab_pool,
		  mal_mempool_init_slab_pool(&mal_walk_pool, MAL_WALK_MIN, walk->cache))

static int mal_prepare_pool(struct mal_walk *walk)
{
	walk->pool = mal_mempool_create_kmalloc_pool(MAL_WALK_MIN, MAL_WALK_SIZE);
	return walk->pool ? 0 : -ENOMEM;
}

static int mal_prepare_init(struct mal_walk *walk)
{
	return mal_mempool_init_kmalloc_pool(&mal_walk_pool, MAL_WALK_MIN, MAL_WALK_SIZE);
}

static void mal_discard_pool(struct mal_walk *walk)
{
	mal_mempool_destroy(walk->pool);
}

MAL_WALK_ACT_VOID(mal_mempool_destroy, mal_mempool_destroy(walk->pool))
MAL_WALK_ACT_VOID(mal_mempool_exit, mal_mempool_exit(&mal_walk_pool))

/*
 * Resizing: a pool that cannot grow keeps its elements
 */

static int mal_act_mal_mempool_resize(struct mal_walk *walk)
{
	int err = mal_mempool_resize(walk->pool, 3 * MAL_WALK_MIN);

	if (walk->pool->min_nr != (err ? 1 : 3) * MAL_WALK_MIN ||
	    walk->pool->curr_nr < MAL_WALK_MIN)
		return -EPROTO;
	return err;
}

static int mal_act_mal_mempool_resize_less(struct mal_walk *walk)
{
	return mal_mempool_resize(walk->pool, 1);
}

/*
 * Elements
 */

static int mal_prepare_element(struct mal_walk *walk)
{
	int err = mal_prepare_pool(walk);

	return err ?: mal_walk_given(walk, mal_mempool_alloc(walk->pool, MAL_WALK_GFP));
}

/* All preallocated elements are in use, so the pool has to allocate. */
static int mal_prepare_empty(struct mal_walk *walk)
{
	int i, err = mal_prepare_pool(walk);

	for (i = 0; !err && i < MAL_WALK_MIN; i++)
		walk->many[i] = mal_mempool_alloc_preallocated(walk->pool);
	return err;
}

static void mal_discard_empty(struct mal_walk *walk)
{
	int i;

	for (i = 0; i < MAL_WALK_MIN; i++)
		mal_mempool_free(walk->many[i], walk->pool);
	mal_discard_pool(walk);
}

static void mal_undo_element(struct mal_walk *walk)
{
	mal_mempool_free(walk->out, walk->pool);
}

static void mal_undo_elements(struct mal_walk *walk)
{
	int i;

	for (i = 0; i < MAL_WALK_MIN; i++)
		mal_mempool_free(walk->many[i], walk->pool);
}

/* The pool is full and takes no element. */
static int mal_act_mal_mempool_free_bulk(struct mal_walk *walk)
{
	if (mal_mempool_free_bulk(walk->pool, &walk->in, 1))
		return -EPROTO;
	mal_mempool_free(walk->in, walk->pool);
	return 0;
}

MAL_WALK_ACT(mal_mempool_alloc, mal_mempool_alloc(walk->pool, MAL_WALK_GFP))
MAL_WALK_ACT(mal_mempool_alloc_atomic,
	     mal_mempool_alloc(walk->pool, GFP_ATOMIC | __GFP_NOWARN))
MAL_WALK_ACT(mal_mempool_alloc_empty,
	     mal_mempool_alloc(walk->pool, GFP_ATOMIC | __GFP_NOWARN))
MAL_WALK_ACT(mal_mempool_alloc_noreserve,
	     mal_mempool_alloc_noreserve(walk->pool, MAL_WALK_GFP))
MAL_WALK_ACT(mal_mempool_alloc_preallocated,
	     mal_mempool_alloc_preallocated(walk->pool))
MAL_WALK_ACT_CHECK(mal_mempool_alloc_bulk,
		   !mal_mempool_alloc_bulk(walk->pool, walk->many, MAL_WALK_MIN))
MAL_WALK_ACT_VOID(mal_mempool_free, mal_mempool_free(walk->in, walk->pool))
MAL_WALK_ACT_CHECK(mal_mempool_initialized, mal_mempool_initialized(walk->pool))
MAL_WALK_ACT_CHECK(mal_mempool_is_saturated, mal_mempool_is_saturated(walk->pool))

/*
 * The kernel's own element functions
 */

static int mal_prepare_object(struct mal_walk *walk)
{
	int err = mal_prepare_cache(walk);

	return err ?: mal_walk_given(walk, mal_mempool_alloc_slab(MAL_WALK_GFP, walk->cache));
}

static int mal_prepare_memory(struct mal_walk *walk)
{
	return mal_walk_given(walk, mal_mempool_kmalloc(MAL_WALK_GFP, (void *)MAL_WALK_SIZE));
}

static int mal_prepare_pages(struct mal_walk *walk)
{
	return mal_walk_given(walk, mal_mempool_alloc_pages(MAL_WALK_GFP,
							    (void *)MAL_WALK_ORDER));
}

static void mal_undo_object(struct mal_walk *walk)
{
	mal_mempool_free_slab(walk->out, walk->cache);
}

static void mal_undo_memory(struct mal_walk *walk)
{
	mal_mempool_kfree(walk->out, (void *)MAL_WALK_SIZE);
}

static void mal_undo_pages(struct mal_walk *walk)
{
	mal_mempool_free_pages(walk->out, (void *)MAL_WALK_ORDER);
}

MAL_WALK_ACT(mal_mempool_alloc_slab, mal_mempool_alloc_slab(MAL_WALK_GFP, walk->cache))
MAL_WALK_ACT(mal_mempool_kmalloc, mal_mempool_kmalloc(MAL_WALK_GFP, (void *)MAL_WALK_SIZE))
MAL_WALK_ACT(mal_mempool_alloc_pages,
	     mal_mempool_alloc_pages(MAL_WALK_GFP, (void *)MAL_WALK_ORDER))
MAL_WALK_ACT_VOID(mal_mempool_free_slab, mal_mempool_free_slab(walk->in, walk->cache))
MAL_WALK_ACT_VOID(mal_mempool_kfree, mal_mempool_kfree(walk->in, (void *)MAL_WALK_SIZE))
MAL_WALK_ACT_VOID(mal_mempool_free_pages,
		  mal_mempool_free_pages(walk->in, (void *)MAL_WALK_ORDER))

#define MAL_WALK_IN_POOL(function)					\
	{ MAL_WALK(function), .promise = MAL_WALK_NOTHING,		\
	  .prepare = mal_prepare_pool, .discard = mal_discard_pool }

const struct mal_walk_call mal_walk_mempool_calls[] = {
	{ MAL_WALK(mal_mempool_create), .undo = mal_undo_create },
	{ MAL_WALK(mal_mempool_create_node), .undo = mal_undo_create },
	{ MAL_WALK(mal_mempool_create_kmalloc_pool), .undo = mal_undo_create },
	{ MAL_WALK(mal_mempool_create_page_pool), .undo = mal_undo_create },
	{ MAL_WALK(mal_mempool_create_slab_pool), .undo = mal_undo_create,
	  .prepare = mal_prepare_cache, .discard = mal_discard_cache },
	{ MAL_WALK(mal_mempool_init), .undo = mal_undo_init },
	{ MAL_WALK(mal_mempool_init_node), .undo = mal_undo_init },
	{ MAL_WALK(mal_mempool_init_kmalloc_pool), .undo = mal_undo_init },
	{ MAL_WALK(mal_mempool_init_page_pool), .undo = mal_undo_init },
	{ MAL_WALK(mal_mempool_init_slab_pool), .undo = mal_undo_init,
	  .prepare = mal_prepare_cache, .discard = mal_discard_cache },
	{ MAL_WALK(mal_mempool_destroy), .promise = MAL_WALK_SURVIVES,
	  .prepare = mal_prepare_pool },
	{ MAL_WALK(mal_mempool_exit), .promise = MAL_WALK_SURVIVES,
	  .prepare = mal_prepare_init },
	{ MAL_WALK(mal_mempool_resize),
	  .prepare = mal_prepare_pool, .discard = mal_discard_pool },
	{ MAL_WALK_VARIANT(mal_mempool_resize, less),
	  .prepare = mal_prepare_pool, .discard = mal_discard_pool },
	{ MAL_WALK(mal_mempool_alloc), .promise = MAL_WALK_SURVIVES,
	  .undo = mal_undo_element,
	  .prepare = mal_prepare_pool, .discard = mal_discard_pool },
	{ MAL_WALK_VARIANT(mal_mempool_alloc, atomic), .promise = MAL_WALK_SURVIVES,
	  .undo = mal_undo_element,
	  .prepare = mal_prepare_pool, .discard = mal_discard_pool },
	{ MAL_WALK_VARIANT(mal_mempool_alloc, empty), .undo = mal_undo_element,
	  .prepare = mal_prepare_empty, .discard = mal_discard_empty },
	{ MAL_WALK(mal_mempool_alloc_noreserve), .undo = mal_undo_element,
	  .prepare = mal_prepare_pool, .discard = mal_discard_pool },
	{ MAL_WALK(mal_mempool_alloc_preallocated), .promise = MAL_WALK_NOTHING,
	  .undo = mal_undo_element,
	  .prepare = mal_prepare_pool, .discard = mal_discard_pool },
	{ MAL_WALK(mal_mempool_alloc_bulk), .promise = MAL_WALK_SURVIVES,
	  .undo = mal_undo_elements,
	  .prepare = mal_prepare_pool, .discard = mal_discard_pool },
	{ MAL_WALK(mal_mempool_free), .promise = MAL_WALK_SURVIVES,
	  .prepare = mal_prepare_element, .discard = mal_discard_pool },
	{ MAL_WALK(mal_mempool_free_bulk), .promise = MAL_WALK_SURVIVES,
	  .prepare = mal_prepare_element, .discard = mal_discard_pool },
	MAL_WALK_IN_POOL(mal_mempool_initialized),
	MAL_WALK_IN_POOL(mal_mempool_is_saturated),
	{ MAL_WALK(mal_mempool_alloc_slab), .undo = mal_undo_object,
	  .prepare = mal_prepare_cache, .discard = mal_discard_cache },
	{ MAL_WALK(mal_mempool_kmalloc), .undo = mal_undo_memory },
	{ MAL_WALK(mal_mempool_alloc_pages), .undo = mal_undo_pages },
	{ MAL_WALK(mal_mempool_free_slab), .promise = MAL_WALK_SURVIVES,
	  .prepare = mal_prepare_object, .discard = mal_discard_cache },
	{ MAL_WALK(mal_mempool_kfree), .promise = MAL_WALK_SURVIVES,
	  .prepare = mal_prepare_memory },
	{ MAL_WALK(mal_mempool_free_pages), .promise = MAL_WALK_NOTHING,
	  .prepare = mal_prepare_pages },
	{}
};
