// SPDX-License-Identifier: GPL-2.0
/*
 * Failure walk: device-managed memory
 */
#include <linux/string.h>

#include <memalloc/devm.h>
#include <memalloc/kmalloc.h>

#include "failure_walk.h"

#define MAL_WALK_SMALL	100
#define MAL_WALK_ORDER	1

static int mal_prepare_object(struct mal_walk *walk)
{
	int err = mal_walk_given(walk, mal_devm_kmalloc(walk->dev, MAL_WALK_SMALL,
							MAL_WALK_GFP));

	if (!err)
		memset(walk->in, MAL_WALK_BYTE, MAL_WALK_SMALL);
	return err;
}

static int mal_prepare_pages(struct mal_walk *walk)
{
	return mal_walk_given(walk, (void *)mal_devm_get_free_pages(walk->dev, MAL_WALK_GFP,
								    MAL_WALK_ORDER));
}

static void mal_discard_object(struct mal_walk *walk)
{
	mal_devm_kfree(walk->dev, walk->in);
}

static void mal_undo_object(struct mal_walk *walk)
{
	mal_devm_kfree(walk->dev, walk->out);
}

static void mal_undo_pages(struct mal_walk *walk)
{
	mal_devm_free_pages(walk->dev, (unsigned long)walk->out);
}

MAL_WALK_ACT(mal_devm_kmalloc, mal_devm_kmalloc(walk->dev, MAL_WALK_SMALL, MAL_WALK_GFP))
MAL_WALK_ACT(mal_devm_kzalloc, mal_devm_kzalloc(walk->dev, MAL_WALK_SMALL, MAL_WALK_GFP))
MAL_WALK_ACT(mal_devm_kmalloc_array,
	     mal_devm_kmalloc_array(walk->dev, 3, MAL_WALK_SMALL, MAL_WALK_GFP))
MAL_WALK_ACT(mal_devm_kcalloc,
	     mal_devm_kcalloc(walk->dev, 3, MAL_WALK_SMALL, MAL_WALK_GFP))
MAL_WALK_ACT(mal_devm_kmemdup,
	     mal_devm_kmemdup(walk->dev, MAL_WALK_TEXT, sizeof(MAL_WALK_TEXT), MAL_WALK_GFP))
MAL_WALK_ACT(mal_devm_kmemdup_array,
	     mal_devm_kmemdup_array(walk->dev, MAL_WALK_TEXT, 2, 4, MAL_WALK_GFP))
MAL_WALK_ACT(mal_devm_kstrdup, mal_devm_kstrdup(walk->dev, MAL_WALK_TEXT, MAL_WALK_GFP))
MAL_WALK_ACT(mal_devm_kstrdup_const,
	     mal_devm_kstrdup_const(walk->dev, MAL_WALK_TEXT, MAL_WALK_GFP))
MAL_WALK_ACT(mal_devm_kasprintf,
	     mal_devm_kasprintf(walk->dev, MAL_WALK_GFP, "%s %d", MAL_WALK_TEXT, 5))
MAL_WALK_ACT(mal_devm_get_free_pages,
	     (void *)mal_devm_get_free_pages(walk->dev, MAL_WALK_GFP, MAL_WALK_ORDER))

static __printf(2, 3) char *mal_walk_vprint(struct device *dev, const char *fmt, ...)
{
	va_list args;
	char *string;

	va_start(args, fmt);
	string = mal_devm_kvasprintf(dev, MAL_WALK_GFP, fmt, args);
	va_end(args);
	return string;
}

MAL_WALK_ACT(mal_devm_kvasprintf, mal_walk_vprint(walk->dev, "%s %d", MAL_WALK_TEXT, 5))

static int mal_act_mal_devm_krealloc(struct mal_walk *walk)
{
	return mal_walk_grown(walk, mal_devm_krealloc(walk->dev, walk->in, 3000,
						      MAL_WALK_GFP), MAL_WALK_SMALL);
}

static int mal_act_mal_devm_krealloc_array(struct mal_walk *walk)
{
	return mal_walk_grown(walk, mal_devm_krealloc_array(walk->dev, walk->in, 30, 1000,
							    MAL_WALK_GFP), MAL_WALK_SMALL);
}

MAL_WALK_ACT_VOID(mal_devm_kfree, mal_devm_kfree(walk->dev, walk->in))
MAL_WALK_ACT_VOID(mal_devm_free_pages,
		  mal_devm_free_pages(walk->dev, (unsigned long)walk->in))

#define MAL_WALK_DEVM(function)						\
	{ MAL_WALK(function), .undo = mal_undo_object,			\
	  .wants = MAL_WALK_WANTS_DEVICE }

const struct mal_walk_call mal_walk_devm_calls[] = {
	MAL_WALK_DEVM(mal_devm_kmalloc),
	MAL_WALK_DEVM(mal_devm_kzalloc),
	MAL_WALK_DEVM(mal_devm_kmalloc_array),
	MAL_WALK_DEVM(mal_devm_kcalloc),
	MAL_WALK_DEVM(mal_devm_kmemdup),
	MAL_WALK_DEVM(mal_devm_kmemdup_array),
	MAL_WALK_DEVM(mal_devm_kstrdup),
	MAL_WALK_DEVM(mal_devm_kstrdup_const),
	MAL_WALK_DEVM(mal_devm_kasprintf),
	MAL_WALK_DEVM(mal_devm_kvasprintf),
	{ MAL_WALK(mal_devm_get_free_pages), .undo = mal_undo_pages,
	  .wants = MAL_WALK_WANTS_DEVICE },
	{ MAL_WALK(mal_devm_krealloc), .wants = MAL_WALK_WANTS_DEVICE,
	  .prepare = mal_prepare_object, .discard = mal_discard_object },
	{ MAL_WALK(mal_devm_krealloc_array), .wants = MAL_WALK_WANTS_DEVICE,
	  .prepare = mal_prepare_object, .discard = mal_discard_object },
	{ MAL_WALK(mal_devm_kfree), .promise = MAL_WALK_SURVIVES,
	  .wants = MAL_WALK_WANTS_DEVICE, .prepare = mal_prepare_object },
	{ MAL_WALK(mal_devm_free_pages), .promise = MAL_WALK_NOTHING,
	  .wants = MAL_WALK_WANTS_DEVICE, .prepare = mal_prepare_pages },
	{}
};
