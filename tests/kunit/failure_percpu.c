// SPDX-License-Identifier: GPL-2.0
/*
 * Failure walk: per-CPU areas and variables
 */
#include <linux/moduleparam.h>

#include <memalloc/percpu.h>
#include <memalloc/percpu_var.h>

#include "internal/percpu_var.h"

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

static void mal_discard_percpu(struct mal_walk *walk)
{
	mal_free_percpu(MAL_WALK_PERCPU(walk->in));
}

/* A variable of a driver; allocated for the calls that need it. */
static u64 __percpu *volatile mal_walk_var;

static int mal_prepare_var(struct mal_walk *walk)
{
	mal_walk_var = mal_alloc_percpu(u64);
	return mal_walk_given(walk, MAL_WALK_PLAIN(mal_walk_var));
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
MAL_WALK_ACT_CHECK(mal_per_cpu, !mal_per_cpu(mal_walk_var, 0))

static int mal_act_mal_get_cpu_var(struct mal_walk *walk)
{
	u64 value = mal_get_cpu_var(mal_walk_var)++;

	mal_put_cpu_var(mal_walk_var);
	return value ? -EPROTO : 0;
}

#define mal_act_mal_put_cpu_var	mal_act_mal_get_cpu_var

/* The variables of a module, with another parameter between them */

static const u64 mal_walk_image = 5;

static const struct mal_percpu_var mal_walk_first = {
	.name = "first",
	.area = (void __percpu *volatile *)&mal_walk_var,
	.image = &mal_walk_image,
	.size = sizeof(u64),
	.align = __alignof__(u64),
};

static u8 __percpu *volatile mal_walk_large;
static const u8 mal_walk_zeroes[MAL_WALK_LARGE];

static const struct mal_percpu_var mal_walk_second = {
	.name = "second",
	.area = (void __percpu *volatile *)&mal_walk_large,
	.image = mal_walk_zeroes,
	.size = MAL_WALK_LARGE,
	.align = 1,
};

static const struct kernel_param mal_walk_params[] = {
	{ .name = "first", .ops = &mal_percpu_var_ops, .arg = (void *)&mal_walk_first },
	{ .name = "other", .ops = &param_ops_int },
	{ .name = "second", .ops = &mal_percpu_var_ops, .arg = (void *)&mal_walk_second },
};

static int mal_act_mal_percpu_vars_create(struct mal_walk *walk)
{
	return mal_percpu_vars_create(mal_walk_params, ARRAY_SIZE(mal_walk_params));
}

static int mal_prepare_vars(struct mal_walk *walk)
{
	return mal_act_mal_percpu_vars_create(walk);
}

static void mal_undo_vars(struct mal_walk *walk)
{
	mal_percpu_vars_destroy(mal_walk_params, ARRAY_SIZE(mal_walk_params));
}

MAL_WALK_ACT_VOID(mal_percpu_vars_destroy, mal_undo_vars(walk))
/* A parameter that defines a variable has no value to be set. */
MAL_WALK_ACT_CHECK(mal_percpu_var_ops,
		   mal_percpu_var_ops.set("1", mal_walk_params) == -EINVAL)

const struct mal_walk_call mal_walk_percpu_calls[] = {
	{ MAL_WALK(__mal_alloc_percpu), .undo = mal_undo_percpu },
	{ MAL_WALK_VARIANT(__mal_alloc_percpu, large), .undo = mal_undo_percpu },
	{ MAL_WALK_VARIANT(__mal_alloc_percpu, full), .undo = mal_undo_percpu,
	  .prepare = mal_prepare_full, .discard = mal_discard_percpu },
	{ MAL_WALK(__mal_alloc_percpu_gfp), .undo = mal_undo_percpu },
	{ MAL_WALK_VARIANT(__mal_alloc_percpu_gfp, atomic), .undo = mal_undo_percpu },
	{ MAL_WALK(mal_alloc_percpu), .undo = mal_undo_percpu },
	{ MAL_WALK(mal_alloc_percpu_gfp), .undo = mal_undo_percpu },
	{ MAL_WALK(mal_free_percpu), .promise = MAL_WALK_SURVIVES,
	  .prepare = mal_prepare_hot },
	{ MAL_WALK_VARIANT(mal_free_percpu, large), .promise = MAL_WALK_SURVIVES,
	  .prepare = mal_prepare_large },
	{ MAL_WALK(mal_per_cpu), .promise = MAL_WALK_NOTHING,
	  .prepare = mal_prepare_var, .discard = mal_discard_percpu },
	{ MAL_WALK(mal_get_cpu_var), .promise = MAL_WALK_NOTHING,
	  .prepare = mal_prepare_var, .discard = mal_discard_percpu },
	{ MAL_WALK(mal_put_cpu_var), .promise = MAL_WALK_NOTHING,
	  .prepare = mal_prepare_var, .discard = mal_discard_percpu },
	{ MAL_WALK(mal_percpu_vars_create), .undo = mal_undo_vars },
	{ MAL_WALK(mal_percpu_vars_destroy), .promise = MAL_WALK_SURVIVES,
	  .prepare = mal_prepare_vars },
	{ MAL_WALK(mal_percpu_var_ops), .promise = MAL_WALK_NOTHING },
	{}
};
