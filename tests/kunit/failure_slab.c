// SPDX-License-Identifier: GPL-2.0
/*
 * Failure walk: slab caches and their objects
 */
#include <linux/slab.h>
#include <linux/string.h>

#include <memalloc/host_cache.h>
#include <memalloc/slab_cache.h>

#include "failure_walk.h"

#define MAL_WALK_SIZE	300

struct mal_walk_record {
	char bytes[MAL_WALK_SIZE];
};

static void mal_walk_construct(void *object)
{
	memset(object, 0x11, MAL_WALK_SIZE);
}

/*
 * Creation and destruction
 */

static struct mal_kmem_cache *mal_walk_create(slab_flags_t flags)
{
	return mal_kmem_cache_create("walk", MAL_WALK_SIZE, 0, flags, NULL);
}

static struct mal_kmem_cache *mal_walk_create_args(void)
{
	const struct mal_kmem_cache_args args = {
		.align = 64,
		.usersize = 8,
		.ctor = mal_walk_construct,
		.dtor = mal_walk_construct,
		.quarantine = true,
		.guard = true,
	};

	return mal_kmem_cache_create_args("walk", MAL_WALK_SIZE, &args,
					  SLAB_STORE_USER | SLAB_RED_ZONE);
}

/* Both a constructor and a destructor */
static void mal_walk_told(void *object, struct kmem_cache *cache, unsigned long flags)
{
	memset(object, 0x22, MAL_WALK_SIZE);
}

static struct mal_kmem_cache *mal_walk_create_told(void)
{
	const struct mal_kmem_cache_args args = {
		.told_ctor = mal_walk_told,
		.told_dtor = mal_walk_told,
	};

	return mal_kmem_cache_create_args("walk", MAL_WALK_SIZE, &args, SLAB_STORE_USER);
}

static struct mal_kmem_cache *mal_walk_create_usercopy(void)
{
	return mal_kmem_cache_create_usercopy("walk", MAL_WALK_SIZE, 0, SLAB_HWCACHE_ALIGN,
					      8, 16, mal_walk_construct);
}

MAL_WALK_ACT(mal_kmem_cache_create, mal_walk_create(0))
MAL_WALK_ACT(mal_kmem_cache_create_args, mal_walk_create_args())
MAL_WALK_ACT(mal_kmem_cache_create_usercopy, mal_walk_create_usercopy())
MAL_WALK_ACT(MAL_KMEM_CACHE, MAL_KMEM_CACHE(mal_walk_record, SLAB_TYPESAFE_BY_RCU))
MAL_WALK_ACT_CHECK(mal_kmem_cache_destroy, !mal_kmem_cache_destroy(walk->cache))

static void mal_undo_create(struct mal_walk *walk)
{
	mal_kmem_cache_destroy(walk->out);
}

/*
 * Caches for the calls below
 */

static int mal_walk_with(struct mal_walk *walk, struct mal_kmem_cache *cache)
{
	walk->cache = cache;
	return cache ? 0 : -ENOMEM;
}

static int mal_prepare_cache(struct mal_walk *walk)
{
	return mal_walk_with(walk, mal_walk_create(0));
}

static int mal_prepare_typesafe(struct mal_walk *walk)
{
	return mal_walk_with(walk, mal_walk_create(SLAB_TYPESAFE_BY_RCU));
}

static int mal_prepare_debug(struct mal_walk *walk)
{
	return mal_walk_with(walk, mal_walk_create(SLAB_RED_ZONE | SLAB_POISON |
						   SLAB_STORE_USER |
						   SLAB_CONSISTENCY_CHECKS));
}

static int mal_prepare_args(struct mal_walk *walk)
{
	return mal_walk_with(walk, mal_walk_create_args());
}

static int mal_prepare_told(struct mal_walk *walk)
{
	return mal_walk_with(walk, mal_walk_create_told());
}

static int mal_prepare_object(struct mal_walk *walk)
{
	int err = mal_prepare_cache(walk);

	return err ?: mal_walk_given(walk, mal_kmem_cache_alloc(walk->cache, MAL_WALK_GFP));
}

static void mal_discard_cache(struct mal_walk *walk)
{
	mal_kmem_cache_destroy(walk->cache);
}

static void mal_discard_object(struct mal_walk *walk)
{
	mal_kmem_cache_free(walk->cache, walk->in);
	mal_discard_cache(walk);
}

static void mal_undo_object(struct mal_walk *walk)
{
	mal_kmem_cache_free(walk->cache, walk->out);
}

/*
 * Objects
 */

MAL_WALK_ACT(mal_kmem_cache_alloc, mal_kmem_cache_alloc(walk->cache, MAL_WALK_GFP))
MAL_WALK_ACT(mal_kmem_cache_alloc_atomic,
	     mal_kmem_cache_alloc(walk->cache, GFP_ATOMIC | __GFP_NOWARN))
MAL_WALK_ACT(mal_kmem_cache_alloc_nofail,
	     mal_kmem_cache_alloc(walk->cache, MAL_WALK_GFP | __GFP_NOFAIL))
MAL_WALK_ACT(mal_kmem_cache_alloc_node,
	     mal_kmem_cache_alloc_node(walk->cache, MAL_WALK_GFP, 0))
MAL_WALK_ACT(mal_kmem_cache_zalloc, mal_kmem_cache_zalloc(walk->cache, MAL_WALK_GFP))
MAL_WALK_ACT_VOID(mal_kmem_cache_free, mal_kmem_cache_free(walk->cache, walk->in))
MAL_WALK_ACT_CHECK(mal_kmem_cache_shrink, mal_kmem_cache_shrink(walk->cache) >= 0)
MAL_WALK_ACT_CHECK(mal_kmem_cache_size,
		   mal_kmem_cache_size(walk->cache) == MAL_WALK_SIZE)
/* The cache has no usercopy region. */
MAL_WALK_ACT_CHECK(mal_usercopy_allowed, !mal_usercopy_allowed(walk->in, 1))

#define mal_act_mal_kmem_cache_alloc_typesafe	mal_act_mal_kmem_cache_alloc
#define mal_act_mal_kmem_cache_alloc_debug	mal_act_mal_kmem_cache_alloc
#define mal_act_mal_kmem_cache_alloc_told	mal_act_mal_kmem_cache_alloc
#define mal_act_mal_kmem_cache_alloc_args	mal_act_mal_kmem_cache_alloc

static int mal_act_mal_kmem_cache_alloc_bulk(struct mal_walk *walk)
{
	int got = mal_kmem_cache_alloc_bulk(walk->cache, MAL_WALK_GFP, MAL_WALK_MANY,
					    walk->many);

	if (got && got != MAL_WALK_MANY)
		return -EPROTO;
	return got ? 0 : -ENOMEM;
}

#define mal_act_mal_kmem_cache_alloc_bulk_args	mal_act_mal_kmem_cache_alloc_bulk

static int mal_prepare_objects(struct mal_walk *walk)
{
	int err = mal_prepare_cache(walk);

	return err ?: mal_act_mal_kmem_cache_alloc_bulk(walk);
}

static void mal_undo_objects(struct mal_walk *walk)
{
	mal_kmem_cache_free_bulk(walk->cache, MAL_WALK_MANY, walk->many);
}

MAL_WALK_ACT_VOID(mal_kmem_cache_free_bulk, mal_undo_objects(walk))

/*
 * Caches of the host
 */

static struct kmem_cache *mal_walk_host(struct mal_walk *walk)
{
	return (struct kmem_cache *)walk->cache;
}

static int mal_prepare_host_cache(struct mal_walk *walk)
{
	struct kmem_cache *cache = kmem_cache_create("walk_host", MAL_WALK_SIZE, 0,
						     0, NULL);

	return mal_walk_with(walk, (struct mal_kmem_cache *)cache);
}

static void mal_discard_host_cache(struct mal_walk *walk)
{
	kmem_cache_destroy(mal_walk_host(walk));
}

static int mal_prepare_host_object(struct mal_walk *walk)
{
	int err = mal_prepare_host_cache(walk);

	return err ?: mal_walk_given(walk, kmem_cache_alloc(mal_walk_host(walk), GFP_KERNEL));
}

static void mal_undo_host_object(struct mal_walk *walk)
{
	kmem_cache_free(mal_walk_host(walk), walk->out);
}

MAL_WALK_ACT(mal_host_cache_alloc, mal_host_cache_alloc(mal_walk_host(walk), MAL_WALK_GFP))
MAL_WALK_ACT(mal_host_cache_alloc_node,
	     mal_host_cache_alloc_node(mal_walk_host(walk), MAL_WALK_GFP, 0))
MAL_WALK_ACT(mal_host_cache_alloc_lru,
	     mal_host_cache_alloc_lru(mal_walk_host(walk), NULL, MAL_WALK_GFP))
MAL_WALK_ACT_VOID(mal_host_cache_free, mal_host_cache_free(mal_walk_host(walk), walk->in))
MAL_WALK_ACT_VOID(mal_host_cache_destroy, mal_host_cache_destroy(mal_walk_host(walk)))
MAL_WALK_ACT_CHECK(mal_host_cache_shrink, mal_host_cache_shrink(mal_walk_host(walk)) >= 0)
MAL_WALK_ACT_CHECK(mal_host_cache_size,
		   mal_host_cache_size(mal_walk_host(walk)) == MAL_WALK_SIZE)
MAL_WALK_ACT_CHECK(mal_is_kmem_cache, !mal_is_kmem_cache(walk->cache))

static int mal_act_mal_host_cache_alloc_bulk(struct mal_walk *walk)
{
	int got = mal_host_cache_alloc_bulk(mal_walk_host(walk), MAL_WALK_GFP,
					    MAL_WALK_MANY, walk->many);

	if (got && got != MAL_WALK_MANY)
		return -EPROTO;
	return got ? 0 : -ENOMEM;
}

static int mal_prepare_host_objects(struct mal_walk *walk)
{
	int err = mal_prepare_host_cache(walk);

	return err ?: mal_act_mal_host_cache_alloc_bulk(walk);
}

static void mal_undo_host_objects(struct mal_walk *walk)
{
	mal_host_cache_free_bulk(mal_walk_host(walk), MAL_WALK_MANY, walk->many);
}

MAL_WALK_ACT_VOID(mal_host_cache_free_bulk, mal_undo_host_objects(walk))

const struct mal_walk_call mal_walk_slab_calls[] = {
	{ MAL_WALK(mal_kmem_cache_create), .undo = mal_undo_create },
	{ MAL_WALK(mal_kmem_cache_create_args), .undo = mal_undo_create },
	{ MAL_WALK(mal_kmem_cache_create_usercopy), .undo = mal_undo_create },
	{ MAL_WALK(MAL_KMEM_CACHE), .undo = mal_undo_create },
	{ MAL_WALK(mal_kmem_cache_destroy), .promise = MAL_WALK_NOTHING,
	  .prepare = mal_prepare_cache },
	{ MAL_WALK(mal_kmem_cache_alloc), .undo = mal_undo_object,
	  .prepare = mal_prepare_cache, .discard = mal_discard_cache },
	{ MAL_WALK_VARIANT(mal_kmem_cache_alloc, atomic), .undo = mal_undo_object,
	  .prepare = mal_prepare_cache, .discard = mal_discard_cache },
	{ MAL_WALK_VARIANT(mal_kmem_cache_alloc, nofail), .undo = mal_undo_object,
	  .promise = MAL_WALK_SURVIVES,
	  .prepare = mal_prepare_cache, .discard = mal_discard_cache },
	{ MAL_WALK_VARIANT(mal_kmem_cache_alloc, typesafe), .undo = mal_undo_object,
	  .prepare = mal_prepare_typesafe, .discard = mal_discard_cache },
	{ MAL_WALK_VARIANT(mal_kmem_cache_alloc, debug), .undo = mal_undo_object,
	  .prepare = mal_prepare_debug, .discard = mal_discard_cache },
	{ MAL_WALK_VARIANT(mal_kmem_cache_alloc, args), .undo = mal_undo_object,
	  .prepare = mal_prepare_args, .discard = mal_discard_cache },
	{ MAL_WALK_VARIANT(mal_kmem_cache_alloc, told), .undo = mal_undo_object,
	  .prepare = mal_prepare_told, .discard = mal_discard_cache },
	{ MAL_WALK(mal_kmem_cache_alloc_node), .undo = mal_undo_object,
	  .prepare = mal_prepare_cache, .discard = mal_discard_cache },
	{ MAL_WALK(mal_kmem_cache_zalloc), .undo = mal_undo_object,
	  .prepare = mal_prepare_cache, .discard = mal_discard_cache },
	{ MAL_WALK(mal_kmem_cache_alloc_bulk), .undo = mal_undo_objects,
	  .prepare = mal_prepare_cache, .discard = mal_discard_cache },
	{ MAL_WALK_VARIANT(mal_kmem_cache_alloc_bulk, args), .undo = mal_undo_objects,
	  .prepare = mal_prepare_args, .discard = mal_discard_cache },
	{ MAL_WALK(mal_kmem_cache_free), .promise = MAL_WALK_SURVIVES,
	  .prepare = mal_prepare_object, .discard = mal_discard_cache },
	{ MAL_WALK(mal_kmem_cache_free_bulk), .promise = MAL_WALK_SURVIVES,
	  .prepare = mal_prepare_objects, .discard = mal_discard_cache },
	{ MAL_WALK(mal_kmem_cache_shrink), .promise = MAL_WALK_NOTHING,
	  .prepare = mal_prepare_object, .discard = mal_discard_object },
	{ MAL_WALK(mal_kmem_cache_size), .promise = MAL_WALK_NOTHING,
	  .prepare = mal_prepare_object, .discard = mal_discard_object },
	{ MAL_WALK(mal_usercopy_allowed), .promise = MAL_WALK_NOTHING,
	  .prepare = mal_prepare_object, .discard = mal_discard_object },
	{ MAL_WALK(mal_host_cache_alloc), .undo = mal_undo_host_object,
	  .promise = MAL_WALK_FAILS_IN_HOST,
	  .prepare = mal_prepare_host_cache, .discard = mal_discard_host_cache },
	{ MAL_WALK(mal_host_cache_alloc_node), .undo = mal_undo_host_object,
	  .promise = MAL_WALK_FAILS_IN_HOST,
	  .prepare = mal_prepare_host_cache, .discard = mal_discard_host_cache },
	{ MAL_WALK(mal_host_cache_alloc_lru), .undo = mal_undo_host_object,
	  .promise = MAL_WALK_FAILS_IN_HOST,
	  .prepare = mal_prepare_host_cache, .discard = mal_discard_host_cache },
	{ MAL_WALK(mal_host_cache_alloc_bulk), .undo = mal_undo_host_objects,
	  .promise = MAL_WALK_FAILS_IN_HOST,
	  .prepare = mal_prepare_host_cache, .discard = mal_discard_host_cache },
	{ MAL_WALK(mal_host_cache_free), .promise = MAL_WALK_NOTHING,
	  .prepare = mal_prepare_host_object, .discard = mal_discard_host_cache },
	{ MAL_WALK(mal_host_cache_free_bulk), .promise = MAL_WALK_NOTHING,
	  .prepare = mal_prepare_host_objects, .discard = mal_discard_host_cache },
	{ MAL_WALK(mal_host_cache_destroy), .promise = MAL_WALK_SURVIVES,
	  .prepare = mal_prepare_host_cache },
	{ MAL_WALK(mal_host_cache_shrink), .promise = MAL_WALK_NOTHING,
	  .prepare = mal_prepare_host_cache, .discard = mal_discard_host_cache },
	{ MAL_WALK(mal_host_cache_size), .promise = MAL_WALK_NOTHING,
	  .prepare = mal_prepare_host_cache, .discard = mal_discard_host_cache },
	{ MAL_WALK(mal_is_kmem_cache), .promise = MAL_WALK_NOTHING,
	  .prepare = mal_prepare_host_cache, .discard = mal_discard_host_cache },
	{}
};
