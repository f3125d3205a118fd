// SPDX-License-Identifier: GPL-2.0
/*
 * Failure walk: per-CPU areas
 */
#include <memalloc/percpu.h>

#include "failure_walk.h"

#define MAL_WALK_HOT	64
#define MAL_WALK_LARGE	(MAL_PERCPU_MAX_SIZE / 2)

/* struct mal_walk holds plain pointers without an address space. */
#define MAL_WALK_PLAIN(area)	((void __force *)(area))
#define MAL_WALK_PERCPU(plain)	((void __percpu __force *)(plain))

static int mal_prepare_hot(struct mal_walk *walk)
{
	return mal_walk_given(walk, MAL_WALK_PLAIN(__mal_alloc_percpu(MAL_WALK_HOT, 8)));
}

static int mal_prepare_large(struct mal_walk *walk)
{
	return mal_walk_given(walk, MAL_WALK_PLAIN(__mal_alloc_percpu(MAL_WALK_LARGE, 8)));
}

/* Leave no chunk with room for another area of this size. */
static int mal_prepare_full(struct mal_walk *walk)
{
	return mal_walk_given(walk, MAL_WALK_PLAIN(__mal_alloc_percpu(MAL_PERCPU_MAX_SIZE, 8)));
}

static void mal_discard_full(struct mal_walk *walk)
{
	mal_free_percpu(MAL_WALK_PERCPU(walk->in));
}

static void mal_undo_percpu(struct mal_walk *walk)
{
	mal_free_percpu(MAL_WALK_PERCPU(walk->out));
}

MAL_WALK_ACT(__mal_alloc_percpu, MAL_WALK_PLAIN(__mal_alloc_percpu(MAL_WALK_HOT, 8)))
MAL_WALK_ACT(__mal_alloc_percpu_large,
	     MAL_WALK_PLAIN(__mal_alloc_percpu(MAL_WALK_LARGE, 8)))
MAL_WALK_ACT(__mal_alloc_percpu_full,
	     MAL_WALK_PLAIN(__mal_alloc_percpu(MAL_PERCPU_MAX_SIZE, 8)))
MAL_WALK_ACT(__mal_alloc_percpu_gfp,
	     MAL_WALK_PLAIN(__mal_alloc_percpu_gfp(MAL_WALK_HOT, 64, MAL_WALK_GFP)))
MAL_WALK_ACT(__mal_alloc_percpu_gfp_atomic,
	     MAL_WALK_PLAIN(__mal_alloc_percpu_gfp(MAL_WALK_HOT, 64,
						   GFP_ATOMIC | __GFP_NOWARN)))
MAL_WALK_ACT(mal_alloc_percpu, MAL_WALK_PLAIN(mal_alloc_percpu(u64)))
MAL_WALK_ACT(mal_alloc_percpu_gfp, MAL_WALK_PLAIN(mal_alloc_percpu_gfp(u64, MAL_WALK_GFP)))
MAL_WALK_ACT_VOID(mal_free_percpu, mal_free_percpu(MAL_WALK_PERCPU(walk->in)))
MAL_WALK_ACT_VOID(mal_free_percpu_large, mal_free_percpu(MAL_WALK_PERCPU(walk->in)))

const struct mal_walk_call mal_walk_percpu_calls[] = {
	{ MAL_WALK(__mal_alloc_percpu), .undo = mal_undo_percpu },
	{ MAL_WALK_VARIANT(__mal_alloc_percpu, large), .undo = mal_undo_percpu },
	{ MAL_WALK_VARIANT(__mal_alloc_percpu, full), .undo = mal_undo_percpu,
	  .prepare = mal_prepare_full, .discard = mal_discard_full },
	{ MAL_WALK(__mal_alloc_percpu_gfp), .undo = mal_undo_percpu },
	{ MAL_WALK_VARIANT(__mal_alloc_percpu_gfp, atomic), .undo = mal_undo_percpu },
	{ MAL_WALK(mal_alloc_percpu), .undo = mal_undo_percpu },
	{ MAL_WALK(mal_alloc_percpu_gfp), .undo = mal_undo_percpu },
	{ MAL_WALK(mal_free_percpu), .promise = MAL_WALK_SURVIVES,
	  .prepare = mal_prepare_hot },
	{ MAL_WALK_VARIANT(mal_free_percpu, large), .promise = MAL_WALK_SURVIVES,
	  .prepare = mal_prepare_large },
	{}
};
