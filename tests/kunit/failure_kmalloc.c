// SPDX-License-Identifier: GPL-2.0
/*
 * Failure walk: kmalloc and strings
 */
#include <linux/string.h>

#include <memalloc/kmalloc.h>
#include <memalloc/kstring.h>

#include "failure_walk.h"

#define MAL_WALK_SMALL	100
#define MAL_WALK_LARGE	(5 * PAGE_SIZE)
#define MAL_WALK_CLASS							\
	mal_kmalloc_caches[MAL_KMALLOC_NORMAL][mal_kmalloc_index(MAL_WALK_SMALL)]

struct mal_walk_freed {
	struct rcu_head rcu;
};

static int mal_prepare_small(struct mal_walk *walk)
{
	int err = mal_walk_given(walk, mal_kmalloc(MAL_WALK_SMALL, MAL_WALK_GFP));

	if (!err)
		memset(walk->in, MAL_WALK_BYTE, MAL_WALK_SMALL);
	return err;
}

static int mal_prepare_large(struct mal_walk *walk)
{
	return mal_walk_given(walk, mal_kmalloc(MAL_WALK_LARGE, MAL_WALK_GFP));
}

static int mal_prepare_many(struct mal_walk *walk)
{
	unsigned int i;

	for (i = 0; i < MAL_WALK_MANY; i++) {
		walk->many[i] = mal_kmalloc(MAL_WALK_SMALL * (i % 5 + 1), MAL_WALK_GFP);
		if (!walk->many[i])
			return -ENOMEM;
	}
	return 0;
}

static void mal_discard_small(struct mal_walk *walk)
{
	mal_kfree(walk->in);
}

static void mal_undo_kmalloc(struct mal_walk *walk)
{
	mal_kfree(walk->out);
}

static void mal_undo_rcu(struct mal_walk *walk)
{
	mal_kfree_rcu_barrier();
}

MAL_WALK_ACT(mal_kmalloc, mal_kmalloc(MAL_WALK_SMALL, MAL_WALK_GFP))
MAL_WALK_ACT(mal_kmalloc_dma, mal_kmalloc(MAL_WALK_SMALL, MAL_WALK_GFP | __GFP_DMA))
MAL_WALK_ACT(mal_kmalloc_nofail, mal_kmalloc(MAL_WALK_SMALL, MAL_WALK_GFP | __GFP_NOFAIL))
MAL_WALK_ACT(mal_kmalloc_class,
	     mal_kmalloc_class(MAL_WALK_CLASS, MAL_WALK_GFP, MAL_WALK_SMALL))
MAL_WALK_ACT(mal_kmalloc_caches, mal_kmem_cache_alloc(MAL_WALK_CLASS, MAL_WALK_GFP))
MAL_WALK_ACT(mal_kmalloc_sized, mal_kmalloc_sized(MAL_WALK_SMALL, MAL_WALK_GFP))
MAL_WALK_ACT(mal_kmalloc_sized_large, mal_kmalloc_sized(MAL_WALK_LARGE, MAL_WALK_GFP))
MAL_WALK_ACT(mal_kmalloc_large, mal_kmalloc_large(MAL_WALK_LARGE, MAL_WALK_GFP))
MAL_WALK_ACT(mal_kmalloc_node, mal_kmalloc_node(MAL_WALK_SMALL, MAL_WALK_GFP, 0))
MAL_WALK_ACT(mal_kmalloc_node_large, mal_kmalloc_node(MAL_WALK_LARGE, MAL_WALK_GFP, 0))
MAL_WALK_ACT(mal_kzalloc, mal_kzalloc(MAL_WALK_SMALL, MAL_WALK_GFP))
MAL_WALK_ACT(mal_kzalloc_node, mal_kzalloc_node(MAL_WALK_SMALL, MAL_WALK_GFP, 0))
MAL_WALK_ACT(mal_kmalloc_array, mal_kmalloc_array(7, MAL_WALK_SMALL, MAL_WALK_GFP))
MAL_WALK_ACT(mal_kcalloc, mal_kcalloc(7, MAL_WALK_SMALL, MAL_WALK_GFP))
MAL_WALK_ACT(mal_kmalloc_array_node,
	     mal_kmalloc_array_node(7, MAL_WALK_SMALL, MAL_WALK_GFP, 0))
MAL_WALK_ACT(mal_kcalloc_node, mal_kcalloc_node(7, MAL_WALK_SMALL, MAL_WALK_GFP, 0))

#define MAL_WALK_ACT_GROW(function, call)				\
static int mal_act_##function(struct mal_walk *walk)			\
{									\
	return mal_walk_grown(walk, call, MAL_WALK_SMALL);		\
}

MAL_WALK_ACT_GROW(mal_krealloc, mal_krealloc(walk->in, 3000, MAL_WALK_GFP))
MAL_WALK_ACT_GROW(mal_krealloc_large,
		  mal_krealloc(walk->in, MAL_WALK_LARGE, MAL_WALK_GFP | __GFP_ZERO))
MAL_WALK_ACT_GROW(mal_krealloc_array,
		  mal_krealloc_array(walk->in, 30, MAL_WALK_SMALL, MAL_WALK_GFP))
MAL_WALK_ACT(mal_krealloc_none, mal_krealloc(NULL, MAL_WALK_SMALL, MAL_WALK_GFP))

/* Shrinking leaves the object in place. */
static int mal_act_mal_krealloc_less(struct mal_walk *walk)
{
	void *new = mal_krealloc(walk->in, MAL_WALK_SMALL - 1, MAL_WALK_GFP);

	return new == walk->in ? 0 : -EPROTO;
}

MAL_WALK_ACT(mal_kmemdup, mal_kmemdup(walk->in, MAL_WALK_SMALL, MAL_WALK_GFP))
MAL_WALK_ACT(mal_kmemdup_nul, mal_kmemdup_nul(walk->in, MAL_WALK_SMALL, MAL_WALK_GFP))
MAL_WALK_ACT(mal_kmemdup_array, mal_kmemdup_array(walk->in, 4, 10, MAL_WALK_GFP))
MAL_WALK_ACT(mal_kstrdup, mal_kstrdup(MAL_WALK_TEXT, MAL_WALK_GFP))
MAL_WALK_ACT(mal_kstrdup_const, mal_kstrdup_const(MAL_WALK_TEXT, MAL_WALK_GFP))
MAL_WALK_ACT(mal_kstrndup, mal_kstrndup(MAL_WALK_TEXT, 5, MAL_WALK_GFP))
MAL_WALK_ACT(mal_kasprintf, mal_kasprintf(MAL_WALK_GFP, "%s %d", MAL_WALK_TEXT, 5))

MAL_WALK_ACT(mal_kstrdup_and_replace,
	     mal_kstrdup_and_replace(MAL_WALK_TEXT, ' ', '_', MAL_WALK_GFP))

static __printf(2, 3) const char *mal_walk_vprint_const(gfp_t gfp, const char *fmt, ...)
{
	va_list args;
	const char *string;

	va_start(args, fmt);
	string = mal_kvasprintf_const(gfp, fmt, args);
	va_end(args);
	return string;
}

MAL_WALK_ACT(mal_kvasprintf_const,
	     mal_walk_vprint_const(MAL_WALK_GFP, "%s %d", MAL_WALK_TEXT, 5))

static __printf(2, 3) char *mal_walk_vprint(gfp_t gfp, const char *fmt, ...)
{
	va_list args;
	char *string;

	va_start(args, fmt);
	string = mal_kvasprintf(gfp, fmt, args);
	va_end(args);
	return string;
}

MAL_WALK_ACT(mal_kvasprintf, mal_walk_vprint(MAL_WALK_GFP, "%s %d", MAL_WALK_TEXT, 5))
MAL_WALK_ACT(mal_memdup_user, mal_memdup_user(walk->user, MAL_WALK_SMALL))
MAL_WALK_ACT(mal_memdup_user_nul, mal_memdup_user_nul(walk->user, MAL_WALK_SMALL))
MAL_WALK_ACT(mal_memdup_array_user, mal_memdup_array_user(walk->user, 10, 10))
MAL_WALK_ACT(mal_strndup_user, mal_strndup_user(walk->user, MAL_WALK_SMALL))

MAL_WALK_ACT_VOID(mal_kfree, mal_kfree(walk->in))
MAL_WALK_ACT_VOID(mal_kfree_large, mal_kfree(walk->in))
MAL_WALK_ACT_VOID(mal_kfree_const, mal_kfree_const(walk->in))
MAL_WALK_ACT_VOID(mal_kfree_sensitive, mal_kfree_sensitive(walk->in))
MAL_WALK_ACT_VOID(mal_kfree_bulk, mal_kfree_bulk(MAL_WALK_MANY, walk->many))
MAL_WALK_ACT_VOID(mal_kfree_call_rcu, mal_kfree_call_rcu(walk->in, walk->in))
MAL_WALK_ACT_VOID(mal_kfree_rcu, mal_kfree_rcu((struct mal_walk_freed *)walk->in, rcu))
MAL_WALK_ACT_VOID(mal_kfree_rcu_mightsleep, mal_kfree_rcu_mightsleep(walk->in))

static int mal_act_mal_kfree_rcu_barrier(struct mal_walk *walk)
{
	mal_kfree_call_rcu(walk->in, walk->in);
	mal_kfree_rcu_barrier();
	return 0;
}

MAL_WALK_ACT_CHECK(mal_ksize, mal_ksize(walk->in) >= MAL_WALK_SMALL)
MAL_WALK_ACT_CHECK(mal_kmalloc_size_roundup,
		   mal_kmalloc_size_roundup(MAL_WALK_SMALL) >= MAL_WALK_SMALL)
MAL_WALK_ACT_CHECK(mal_kmalloc_index, mal_kmalloc_index(8) == 0)
MAL_WALK_ACT_CHECK(mal_kmalloc_class_size, mal_kmalloc_class_size(0) == 8)
MAL_WALK_ACT_CHECK(mal_kmalloc_type, mal_kmalloc_type(GFP_KERNEL) == MAL_KMALLOC_NORMAL)

#define MAL_WALK_KMALLOC(function)					\
	{ MAL_WALK(function), .undo = mal_undo_kmalloc }
#define MAL_WALK_COPY(function)						\
	{ MAL_WALK(function), .undo = mal_undo_kmalloc,			\
	  .prepare = mal_prepare_small, .discard = mal_discard_small }
#define MAL_WALK_COPY_USER(function)					\
	{ MAL_WALK(function), .undo = mal_undo_kmalloc,			\
	  .wants = MAL_WALK_WANTS_USER }
#define MAL_WALK_FREE(function)						\
	{ MAL_WALK(function), .promise = MAL_WALK_SURVIVES,		\
	  .prepare = mal_prepare_small }
#define MAL_WALK_LOOK(function)						\
	{ MAL_WALK(function), .promise = MAL_WALK_NOTHING,		\
	  .prepare = mal_prepare_small, .discard = mal_discard_small }

const struct mal_walk_call mal_walk_kmalloc_calls[] = {
	MAL_WALK_KMALLOC(mal_kmalloc),
	{ MAL_WALK_VARIANT(mal_kmalloc, dma), .undo = mal_undo_kmalloc },
	{ MAL_WALK_VARIANT(mal_kmalloc, nofail), .undo = mal_undo_kmalloc,
	  .promise = MAL_WALK_SURVIVES },
	MAL_WALK_KMALLOC(mal_kmalloc_class),
	MAL_WALK_KMALLOC(mal_kmalloc_caches),
	MAL_WALK_KMALLOC(mal_kmalloc_sized),
	{ MAL_WALK_VARIANT(mal_kmalloc_sized, large), .undo = mal_undo_kmalloc },
	MAL_WALK_KMALLOC(mal_kmalloc_large),
	MAL_WALK_KMALLOC(mal_kmalloc_node),
	{ MAL_WALK_VARIANT(mal_kmalloc_node, large), .undo = mal_undo_kmalloc },
	MAL_WALK_KMALLOC(mal_kzalloc),
	MAL_WALK_KMALLOC(mal_kzalloc_node),
	MAL_WALK_KMALLOC(mal_kmalloc_array),
	MAL_WALK_KMALLOC(mal_kcalloc),
	MAL_WALK_KMALLOC(mal_kmalloc_array_node),
	MAL_WALK_KMALLOC(mal_kcalloc_node),
	{ MAL_WALK(mal_krealloc),
	  .prepare = mal_prepare_small, .discard = mal_discard_small },
	{ MAL_WALK_VARIANT(mal_krealloc, large),
	  .prepare = mal_prepare_small, .discard = mal_discard_small },
	{ MAL_WALK_VARIANT(mal_krealloc, less), .promise = MAL_WALK_NOTHING,
	  .prepare = mal_prepare_small, .discard = mal_discard_small },
	{ MAL_WALK_VARIANT(mal_krealloc, none), .undo = mal_undo_kmalloc },
	{ MAL_WALK(mal_krealloc_array),
	  .prepare = mal_prepare_small, .discard = mal_discard_small },
	MAL_WALK_COPY(mal_kmemdup),
	MAL_WALK_COPY(mal_kmemdup_nul),
	MAL_WALK_COPY(mal_kmemdup_array),
	MAL_WALK_KMALLOC(mal_kstrdup),
	MAL_WALK_KMALLOC(mal_kstrdup_const),
	MAL_WALK_KMALLOC(mal_kstrndup),
	MAL_WALK_KMALLOC(mal_kasprintf),
	MAL_WALK_KMALLOC(mal_kvasprintf),
	MAL_WALK_KMALLOC(mal_kvasprintf_const),
	MAL_WALK_KMALLOC(mal_kstrdup_and_replace),
	MAL_WALK_COPY_USER(mal_memdup_user),
	MAL_WALK_COPY_USER(mal_memdup_user_nul),
	MAL_WALK_COPY_USER(mal_memdup_array_user),
	MAL_WALK_COPY_USER(mal_strndup_user),
	MAL_WALK_FREE(mal_kfree),
	{ MAL_WALK_VARIANT(mal_kfree, large), .promise = MAL_WALK_NOTHING,
	  .prepare = mal_prepare_large },
	MAL_WALK_FREE(mal_kfree_const),
	MAL_WALK_FREE(mal_kfree_sensitive),
	{ MAL_WALK(mal_kfree_bulk), .promise = MAL_WALK_SURVIVES,
	  .prepare = mal_prepare_many },
	{ MAL_WALK(mal_kfree_call_rcu), .promise = MAL_WALK_SURVIVES,
	  .prepare = mal_prepare_small, .undo = mal_undo_rcu },
	{ MAL_WALK(mal_kfree_rcu), .promise = MAL_WALK_SURVIVES,
	  .prepare = mal_prepare_small, .undo = mal_undo_rcu },
	MAL_WALK_FREE(mal_kfree_rcu_mightsleep),
	MAL_WALK_FREE(mal_kfree_rcu_barrier),
	MAL_WALK_LOOK(mal_ksize),
	MAL_WALK_LOOK(mal_kmalloc_size_roundup),
	MAL_WALK_LOOK(mal_kmalloc_index),
	MAL_WALK_LOOK(mal_kmalloc_class_size),
	MAL_WALK_LOOK(mal_kmalloc_type),
	{}
};
