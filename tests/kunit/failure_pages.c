// SPDX-License-Identifier: GPL-2.0
/*
 * Failure walk: pages
 */
#include <linux/mm.h>
#include <linux/string.h>

#include <memalloc/owner.h>
#include <memalloc/page_alloc.h>
#include <memalloc/page_ref.h>

#include "failure_walk.h"

#define MAL_WALK_ORDER	2
#define MAL_WALK_BYTES	(3 * PAGE_SIZE - 100)

static int mal_prepare_pages(struct mal_walk *walk)
{
	return mal_walk_given(walk, mal_alloc_pages(MAL_WALK_GFP, MAL_WALK_ORDER));
}

static int mal_prepare_page(struct mal_walk *walk)
{
	return mal_walk_given(walk, mal_alloc_page(MAL_WALK_GFP));
}

static int mal_prepare_exact(struct mal_walk *walk)
{
	return mal_walk_given(walk, mal_alloc_pages_exact(MAL_WALK_BYTES, MAL_WALK_GFP));
}

static void mal_discard_pages(struct mal_walk *walk)
{
	mal_free_pages(walk->in, MAL_WALK_ORDER);
}

static void mal_undo_pages(struct mal_walk *walk)
{
	mal_free_pages(walk->out, MAL_WALK_ORDER);
}

static void mal_undo_page(struct mal_walk *walk)
{
	mal_free_page(walk->out);
}

static void mal_undo_addr(struct mal_walk *walk)
{
	mal_put_free_pages((unsigned long)walk->out, MAL_WALK_ORDER);
}

static void mal_undo_zeroed(struct mal_walk *walk)
{
	mal_put_free_pages((unsigned long)walk->out, 0);
}

static void mal_undo_exact(struct mal_walk *walk)
{
	mal_free_pages_exact(walk->out, MAL_WALK_BYTES);
}

MAL_WALK_ACT(mal_alloc_pages, mal_alloc_pages(MAL_WALK_GFP, MAL_WALK_ORDER))
MAL_WALK_ACT(mal_alloc_pages_atomic,
	     mal_alloc_pages(GFP_ATOMIC | __GFP_NOWARN, MAL_WALK_ORDER))
MAL_WALK_ACT(mal_alloc_pages_nofail,
	     mal_alloc_pages(MAL_WALK_GFP | __GFP_NOFAIL, MAL_WALK_ORDER))
MAL_WALK_ACT(mal_alloc_pages_node, mal_alloc_pages_node(0, MAL_WALK_GFP, MAL_WALK_ORDER))
MAL_WALK_ACT(mal_alloc_page, mal_alloc_page(MAL_WALK_GFP))
MAL_WALK_ACT(mal_get_free_pages,
	     (void *)mal_get_free_pages(MAL_WALK_GFP, MAL_WALK_ORDER))
MAL_WALK_ACT(mal_get_zeroed_page, (void *)mal_get_zeroed_page(MAL_WALK_GFP))
MAL_WALK_ACT(mal_alloc_pages_exact, mal_alloc_pages_exact(MAL_WALK_BYTES, MAL_WALK_GFP))
MAL_WALK_ACT(mal_alloc_pages_exact_node,
	     mal_alloc_pages_exact_node(0, MAL_WALK_BYTES, MAL_WALK_GFP))

static void mal_undo_many(struct mal_walk *walk)
{
	mal_free_pages_bulk(MAL_WALK_MANY, (struct page **)walk->many);
}

/* The return value is the number of pages stored at the front of the array. */
static int mal_act_mal_alloc_pages_bulk(struct mal_walk *walk)
{
	struct page **pages = (struct page **)walk->many;
	unsigned long got, i;

	memset(pages, 0, sizeof(walk->many));
	got = mal_alloc_pages_bulk(MAL_WALK_GFP, MAL_WALK_MANY, pages);
	for (i = 0; i < MAL_WALK_MANY; i++) {
		const bool wanted = i < got;

		if (wanted == !pages[i])
			return -EPROTO;
	}
	if (got == MAL_WALK_MANY)
		return 0;
	mal_free_pages_bulk(got, pages);
	return -ENOMEM;
}

static int mal_prepare_many(struct mal_walk *walk)
{
	return mal_act_mal_alloc_pages_bulk(walk);
}

MAL_WALK_ACT_VOID(mal_free_pages_bulk, mal_undo_many(walk))
MAL_WALK_ACT_VOID(mal_free_pages, mal_free_pages(walk->in, MAL_WALK_ORDER))
MAL_WALK_ACT_VOID(mal_free_page, mal_free_page(walk->in))
MAL_WALK_ACT_VOID(mal_free_pages_shared,
		  mal_free_pages_shared(walk->in, MAL_WALK_ORDER))
MAL_WALK_ACT_VOID(mal_put_free_pages,
		  mal_put_free_pages((unsigned long)page_address(walk->in), 0))
MAL_WALK_ACT_VOID(mal_free_pages_exact, mal_free_pages_exact(walk->in, MAL_WALK_BYTES))
MAL_WALK_ACT_VOID(mal_split_page, mal_split_page(walk->in, MAL_WALK_ORDER))
MAL_WALK_ACT_VOID(mal_put_page, mal_put_page(walk->in))
MAL_WALK_ACT_CHECK(mal_owns, mal_owns(page_address(walk->in)))
MAL_WALK_ACT_CHECK(mal_owns_page, mal_owns_page(walk->in))
MAL_WALK_ACT_CHECK(mal_page_ref_bias, mal_page_ref_bias(walk->in) > 0)
MAL_WALK_ACT_CHECK(mal_page_ref_count, mal_page_ref_count(walk->in) == 1)
MAL_WALK_ACT_CHECK(mal_page_count, mal_page_count(walk->in) == 1)
MAL_WALK_ACT_VOID(mal_set_page_count, mal_set_page_count(walk->in, 1))
MAL_WALK_ACT_CHECK(mal_page_ref_inc_return,
		   mal_page_ref_inc_return(walk->in) == 2 &&
		   mal_page_ref_sub_return(walk->in, 1) == 1)
MAL_WALK_ACT_CHECK(mal_page_ref_sub_return, mal_page_ref_sub_return(walk->in, 0) == 1)
MAL_WALK_ACT_CHECK(mal_page_ref_sub_and_test,
		   !mal_page_ref_sub_and_test(walk->in, 0))
MAL_WALK_ACT_CHECK(mal_page_ref_add_unless, !mal_page_ref_add_unless(walk->in, 1, 1))

static bool mal_walk_freezes(struct page *page)
{
	bool frozen = mal_page_ref_freeze(page, 1) && !mal_page_ref_count(page);

	mal_page_ref_unfreeze(page, 1);
	return frozen && mal_page_ref_count(page) == 1;
}

MAL_WALK_ACT_CHECK(mal_page_ref_freeze, !mal_page_ref_freeze(walk->in, 2))
MAL_WALK_ACT_CHECK(mal_page_ref_unfreeze, mal_walk_freezes(walk->in))
MAL_WALK_ACT_VOID(mal_page_frag_cache_drain, mal_page_frag_cache_drain(walk->in, 1))
MAL_WALK_ACT_VOID(mal_put_folio, mal_put_folio(page_folio((struct page *)walk->in)))
MAL_WALK_ACT_VOID(mal_put_folio_refs,
		  mal_put_folio_refs(page_folio((struct page *)walk->in), 1))
MAL_WALK_ACT_CHECK(mal_get_order, mal_get_order(MAL_WALK_BYTES) == 2)

static void mal_undo_split(struct mal_walk *walk)
{
	struct page *page = walk->in;
	int i;

	for (i = 0; i < 1 << MAL_WALK_ORDER; i++)
		mal_free_page(page + i);
}

/* A query, or a change followed by its reversal. */
#define MAL_WALK_LOOK(function)							\
	{ MAL_WALK(function), .promise = MAL_WALK_NOTHING,			\
	  .prepare = mal_prepare_page, .undo = mal_undo_look }

static void mal_undo_look(struct mal_walk *walk)
{
	mal_free_page(walk->in);
}

const struct mal_walk_call mal_walk_page_calls[] = {
	{ MAL_WALK(mal_alloc_pages), .undo = mal_undo_pages },
	{ MAL_WALK_VARIANT(mal_alloc_pages, atomic), .undo = mal_undo_pages },
	{ MAL_WALK_VARIANT(mal_alloc_pages, nofail), .undo = mal_undo_pages,
	  .promise = MAL_WALK_SURVIVES },
	{ MAL_WALK(mal_alloc_pages_node), .undo = mal_undo_pages },
	{ MAL_WALK(mal_alloc_page), .undo = mal_undo_page },
	{ MAL_WALK(mal_alloc_pages_bulk), .undo = mal_undo_many },
	{ MAL_WALK(mal_get_free_pages), .undo = mal_undo_addr },
	{ MAL_WALK(mal_get_zeroed_page), .undo = mal_undo_zeroed },
	{ MAL_WALK(mal_alloc_pages_exact), .undo = mal_undo_exact },
	{ MAL_WALK(mal_alloc_pages_exact_node), .undo = mal_undo_exact },
	{ MAL_WALK(mal_free_pages), .promise = MAL_WALK_NOTHING,
	  .prepare = mal_prepare_pages },
	{ MAL_WALK(mal_free_page), .promise = MAL_WALK_NOTHING,
	  .prepare = mal_prepare_page },
	{ MAL_WALK(mal_free_pages_bulk), .promise = MAL_WALK_NOTHING,
	  .prepare = mal_prepare_many },
	{ MAL_WALK(mal_free_pages_shared), .promise = MAL_WALK_NOTHING,
	  .prepare = mal_prepare_pages },
	{ MAL_WALK(mal_put_free_pages), .promise = MAL_WALK_NOTHING,
	  .prepare = mal_prepare_page },
	{ MAL_WALK(mal_free_pages_exact), .promise = MAL_WALK_NOTHING,
	  .prepare = mal_prepare_exact },
	{ MAL_WALK(mal_split_page), .promise = MAL_WALK_NOTHING,
	  .prepare = mal_prepare_pages, .undo = mal_undo_split },
	{ MAL_WALK(mal_put_page), .promise = MAL_WALK_NOTHING,
	  .prepare = mal_prepare_page },
	{ MAL_WALK(mal_page_frag_cache_drain), .promise = MAL_WALK_NOTHING,
	  .prepare = mal_prepare_page },
	{ MAL_WALK(mal_put_folio), .promise = MAL_WALK_NOTHING,
	  .prepare = mal_prepare_page },
	{ MAL_WALK(mal_put_folio_refs), .promise = MAL_WALK_NOTHING,
	  .prepare = mal_prepare_page },
	MAL_WALK_LOOK(mal_page_ref_bias),
	MAL_WALK_LOOK(mal_page_ref_count),
	MAL_WALK_LOOK(mal_page_count),
	MAL_WALK_LOOK(mal_set_page_count),
	MAL_WALK_LOOK(mal_page_ref_inc_return),
	MAL_WALK_LOOK(mal_page_ref_sub_return),
	MAL_WALK_LOOK(mal_page_ref_sub_and_test),
	MAL_WALK_LOOK(mal_page_ref_add_unless),
	MAL_WALK_LOOK(mal_page_ref_freeze),
	MAL_WALK_LOOK(mal_page_ref_unfreeze),
	{ MAL_WALK(mal_owns), .promise = MAL_WALK_NOTHING,
	  .prepare = mal_prepare_pages, .discard = mal_discard_pages },
	{ MAL_WALK(mal_owns_page), .promise = MAL_WALK_NOTHING,
	  .prepare = mal_prepare_pages, .discard = mal_discard_pages },
	{ MAL_WALK(mal_get_order), .promise = MAL_WALK_NOTHING },
	{}
};
