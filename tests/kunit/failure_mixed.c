// SPDX-License-Identifier: GPL-2.0
/*
 * Failure walk: functions that free memory of either allocator, and those for
 * mempools of the host
 *
 * They get memory of this module, and in the variants "host" memory of the
 * host, which must reach the host although nothing can be allocated.
 */
#include <linux/mempool.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/vmalloc.h>

#include <memalloc/devm.h>
#include <memalloc/host_cache.h>
#include <memalloc/kmalloc.h>
#include <memalloc/kvmalloc.h>
#include <memalloc/mixed.h>
#include <memalloc/page_alloc.h>
#include <memalloc/percpu.h>
#include <memalloc/vmalloc_area.h>

#include "internal/compat.h"

#include "failure_walk.h"

#define MAL_WALK_SMALL	100
#define MAL_WALK_SIZE	(3 * PAGE_SIZE)
#define MAL_WALK_ORDER	1

/* struct mal_walk holds plain pointers without an address space. */
#define MAL_WALK_PLAIN(area)	((void __force *)(area))
#define MAL_WALK_PERCPU(plain)	((void __percpu __force *)(plain))

struct mal_walk_freed {
	struct rcu_head rcu;
};

static int mal_walk_filled(struct mal_walk *walk, void *in)
{
	int err = mal_walk_given(walk, in);

	if (!err)
		memset(in, MAL_WALK_BYTE, MAL_WALK_SMALL);
	return err;
}

static int mal_prepare_small(struct mal_walk *walk)
{
	return mal_walk_filled(walk, mal_kmalloc(MAL_WALK_SMALL, MAL_WALK_GFP));
}

static int mal_prepare_small_host(struct mal_walk *walk)
{
	return mal_walk_filled(walk, kmalloc(MAL_WALK_SMALL, MAL_WALK_GFP));
}

static int mal_prepare_many(struct mal_walk *walk)
{
	unsigned int i;

	for (i = 0; i < MAL_WALK_MANY; i++) {
		walk->many[i] = i % 3 ? mal_kmalloc(MAL_WALK_SMALL, MAL_WALK_GFP) :
					kmalloc(MAL_WALK_SMALL, MAL_WALK_GFP);
		if (!walk->many[i])
			return -ENOMEM;
	}
	return 0;
}

static int mal_prepare_area(struct mal_walk *walk)
{
	return mal_walk_filled(walk, mal_vmalloc(MAL_WALK_SIZE));
}

static int mal_prepare_area_host(struct mal_walk *walk)
{
	return mal_walk_filled(walk, vmalloc(MAL_WALK_SIZE));
}

static int mal_prepare_map(struct mal_walk *walk)
{
	struct page *page = mal_alloc_page(MAL_WALK_GFP);

	walk->many[0] = page;
	if (!page || mal_walk_given(walk, mal_vmap(&page, 1, 0, PAGE_KERNEL))) {
		mal_free_pages(page, 0);
		return -ENOMEM;
	}
	return 0;
}

static int mal_prepare_pages(struct mal_walk *walk)
{
	return mal_walk_given(walk, mal_alloc_pages(MAL_WALK_GFP, MAL_WALK_ORDER));
}

static int mal_prepare_pages_host(struct mal_walk *walk)
{
	return mal_walk_given(walk, alloc_pages(MAL_WALK_GFP, MAL_WALK_ORDER));
}

static int mal_prepare_percpu(struct mal_walk *walk)
{
	return mal_walk_given(walk, MAL_WALK_PLAIN(__mal_alloc_percpu(MAL_WALK_SMALL, 8)));
}

static int mal_prepare_devm(struct mal_walk *walk)
{
	return mal_walk_filled(walk, mal_devm_kmalloc(walk->dev, MAL_WALK_SMALL,
						      MAL_WALK_GFP));
}

static void mal_discard_map(struct mal_walk *walk)
{
	mal_free_pages(walk->many[0], 0);
}

static void mal_discard_any(struct mal_walk *walk)
{
	mal_mixed_kvfree(walk->in);
}

static void mal_discard_devm(struct mal_walk *walk)
{
	mal_devm_kfree(walk->dev, walk->in);
}

static void mal_undo_rcu(struct mal_walk *walk)
{
	mal_kfree_rcu_barrier();
}

MAL_WALK_ACT_VOID(mal_mixed_kfree, mal_mixed_kfree(walk->in))
MAL_WALK_ACT_VOID(mal_mixed_kfree_sensitive, mal_mixed_kfree_sensitive(walk->in))
MAL_WALK_ACT_VOID(mal_mixed_kfree_const, mal_mixed_kfree_const(walk->in))
MAL_WALK_ACT_VOID(mal_mixed_kfree_bulk, mal_mixed_kfree_bulk(MAL_WALK_MANY, walk->many))
MAL_WALK_ACT_VOID(mal_mixed_kfree_link, mal_mixed_kfree_link(walk->in))
MAL_WALK_ACT_VOID(mal_mixed_kvfree, mal_mixed_kvfree(walk->in))
MAL_WALK_ACT_VOID(mal_mixed_kvfree_atomic, mal_mixed_kvfree_atomic(walk->in))
MAL_WALK_ACT_VOID(mal_mixed_kvfree_sensitive,
		  mal_mixed_kvfree_sensitive(walk->in, MAL_WALK_SMALL))
MAL_WALK_ACT_VOID(mal_mixed_kvfree_call_rcu,
		  mal_mixed_kvfree_call_rcu(walk->in, walk->in))
MAL_WALK_ACT_VOID(mal_mixed_kvfree_rcu,
		  mal_mixed_kvfree_rcu((struct mal_walk_freed *)walk->in, rcu))
MAL_WALK_ACT_VOID(mal_mixed_kvfree_rcu_mightsleep,
		  mal_mixed_kvfree_rcu_mightsleep(walk->in))
MAL_WALK_ACT_VOID(mal_mixed_vfree, mal_mixed_vfree(walk->in))
MAL_WALK_ACT_VOID(mal_mixed_vunmap, mal_mixed_vunmap(walk->in))
MAL_WALK_ACT_VOID(mal_mixed_kfree_rcu_barrier, mal_mixed_kfree_rcu_barrier())
MAL_WALK_ACT_VOID(mal_mixed_free_pages, mal_mixed_free_pages(walk->in, MAL_WALK_ORDER))
MAL_WALK_ACT_VOID(mal_mixed_put_free_pages,
		  mal_mixed_put_free_pages((unsigned long)page_address(walk->in),
					   MAL_WALK_ORDER))
MAL_WALK_ACT_VOID(mal_mixed_free_percpu, mal_mixed_free_percpu(MAL_WALK_PERCPU(walk->in)))
MAL_WALK_ACT_VOID(mal_mixed_devm_kfree, mal_mixed_devm_kfree(walk->dev, walk->in))
MAL_WALK_ACT_CHECK(mal_mixed_ksize, mal_mixed_ksize(walk->in) >= MAL_WALK_SMALL)

#define mal_act_mal_mixed_kfree_host		mal_act_mal_mixed_kfree
#define mal_act_mal_mixed_kfree_sensitive_host	mal_act_mal_mixed_kfree_sensitive
#define mal_act_mal_mixed_kvfree_area		mal_act_mal_mixed_kvfree
#define mal_act_mal_mixed_kvfree_host		mal_act_mal_mixed_kvfree
#define mal_act_mal_mixed_vfree_host		mal_act_mal_mixed_vfree
#define mal_act_mal_mixed_free_pages_host	mal_act_mal_mixed_free_pages
#define mal_act_mal_mixed_ksize_host		mal_act_mal_mixed_ksize

static int mal_act_mal_mixed_krealloc(struct mal_walk *walk)
{
	return mal_walk_grown(walk, mal_mixed_krealloc(walk->in, 3000, MAL_WALK_GFP),
			      MAL_WALK_SMALL);
}

static int mal_act_mal_mixed_kvrealloc(struct mal_walk *walk)
{
	return mal_walk_grown(walk, mal_mixed_kvrealloc(walk->in, MAL_WALK_SMALL, 3000,
							MAL_WALK_GFP), MAL_WALK_SMALL);
}

static int mal_act_mal_mixed_devm_krealloc(struct mal_walk *walk)
{
	return mal_walk_grown(walk, mal_mixed_devm_krealloc(walk->dev, walk->in, 3000,
							    MAL_WALK_GFP), MAL_WALK_SMALL);
}

static int mal_act_mal_mixed_vrealloc(struct mal_walk *walk)
{
	return mal_walk_grown(walk, mal_mixed_vrealloc(walk->in, 9 * PAGE_SIZE,
						       MAL_WALK_GFP), MAL_WALK_SMALL);
}

/* A dump that the walk cannot remove would keep this module for minutes. */
static int mal_act_mal_dev_coredumpv(struct mal_walk *walk)
{
	if (!mal_compat_dev_coredump_is_put()) {
		mal_vfree(walk->in);
		return 0;
	}
	mal_dev_coredumpv(walk->dev, walk->in, MAL_WALK_SIZE, MAL_WALK_GFP);
	mal_compat_dev_coredump_put(walk->dev);
	return 0;
}

#define mal_act_mal_mixed_krealloc_host		mal_act_mal_mixed_krealloc
#define mal_act_mal_mixed_kvrealloc_host	mal_act_mal_mixed_kvrealloc

/*
 * Mempools of the host
 */

#define MAL_WALK_MIN	2

static int mal_prepare_pool(struct mal_walk *walk)
{
	walk->many[0] = mempool_create_kmalloc_pool(MAL_WALK_MIN, MAL_WALK_SMALL);
	return walk->many[0] ? 0 : -ENOMEM;
}

static void mal_discard_pool(struct mal_walk *walk)
{
	mempool_destroy(walk->many[0]);
}

static int mal_act_mal_host_mempool_alloc(struct mal_walk *walk)
{
	void *element = mal_host_mempool_alloc(walk->many[0], GFP_KERNEL);

	mal_host_mempool_free(element, walk->many[0]);
	return element ? 0 : -EPROTO;
}

#define mal_act_mal_host_mempool_free	mal_act_mal_host_mempool_alloc

/* The host may not have the function. */
static int mal_act_mal_host_mempool_alloc_preallocated(struct mal_walk *walk)
{
	mal_host_mempool_free(mal_host_mempool_alloc_preallocated(walk->many[0]),
			      walk->many[0]);
	return 0;
}

static int mal_act_mal_host_mempool_alloc_bulk(struct mal_walk *walk)
{
	void *elements[MAL_WALK_MIN];
	unsigned int i;
	int err = mal_host_mempool_alloc_bulk(walk->many[0], elements, MAL_WALK_MIN);

	for (i = 0; !err && i < MAL_WALK_MIN; i++)
		mal_host_mempool_free(elements[i], walk->many[0]);
	return err && err != -EOPNOTSUPP ? -EPROTO : 0;
}

static int mal_act_mal_host_mempool_free_bulk(struct mal_walk *walk)
{
	void *elements[MAL_WALK_MIN];
	unsigned int i;

	for (i = 0; i < MAL_WALK_MIN; i++)
		elements[i] = mal_host_mempool_alloc(walk->many[0], GFP_KERNEL);
	i = mal_host_mempool_free_bulk(walk->many[0], elements, MAL_WALK_MIN);
	for (; i < MAL_WALK_MIN; i++)
		mal_host_mempool_free(elements[i], walk->many[0]);
	return 0;
}

static int mal_act_mal_host_mempool_resize(struct mal_walk *walk)
{
	return mal_host_mempool_resize(walk->many[0], MAL_WALK_MIN + 1);
}

static int mal_act_mal_host_mempool_exit(struct mal_walk *walk)
{
	mempool_t pool = {};

	mal_host_mempool_exit(&pool);
	return 0;
}

#define MAL_WALK_POOL(function, promised)				\
	{ MAL_WALK(function), .promise = promised,			\
	  .prepare = mal_prepare_pool, .discard = mal_discard_pool }
#define MAL_WALK_FREE(function, what)					\
	{ MAL_WALK(function), .promise = MAL_WALK_SURVIVES,		\
	  .prepare = mal_prepare_##what }
#define MAL_WALK_FREE_HOST(function, what)				\
	{ MAL_WALK_VARIANT(function, host), .promise = MAL_WALK_NOTHING, \
	  .prepare = mal_prepare_##what##_host }
#define MAL_WALK_GROW_HOST(function, promised)				\
	{ MAL_WALK_VARIANT(function, host), .promise = promised,	\
	  .prepare = mal_prepare_small_host, .discard = mal_discard_any }

const struct mal_walk_call mal_walk_mixed_calls[] = {
	MAL_WALK_FREE(mal_mixed_kfree, small),
	MAL_WALK_FREE_HOST(mal_mixed_kfree, small),
	MAL_WALK_FREE(mal_mixed_kfree_sensitive, small),
	MAL_WALK_FREE_HOST(mal_mixed_kfree_sensitive, small),
	MAL_WALK_FREE(mal_mixed_kfree_const, small),
	MAL_WALK_FREE(mal_mixed_kfree_bulk, many),
	MAL_WALK_FREE(mal_mixed_kfree_link, small),
	MAL_WALK_FREE(mal_mixed_kvfree, small),
	{ MAL_WALK_VARIANT(mal_mixed_kvfree, area), .promise = MAL_WALK_SURVIVES,
	  .prepare = mal_prepare_area },
	MAL_WALK_FREE_HOST(mal_mixed_kvfree, area),
	MAL_WALK_FREE(mal_mixed_kvfree_atomic, small),
	MAL_WALK_FREE(mal_mixed_kvfree_sensitive, small),
	{ MAL_WALK(mal_mixed_kvfree_call_rcu), .promise = MAL_WALK_SURVIVES,
	  .prepare = mal_prepare_small, .undo = mal_undo_rcu },
	{ MAL_WALK(mal_mixed_kvfree_rcu), .promise = MAL_WALK_SURVIVES,
	  .prepare = mal_prepare_small, .undo = mal_undo_rcu },
	{ MAL_WALK(mal_mixed_kvfree_rcu_mightsleep), .promise = MAL_WALK_SURVIVES,
	  .prepare = mal_prepare_small, .undo = mal_undo_rcu },
	MAL_WALK_FREE(mal_mixed_vfree, area),
	MAL_WALK_FREE_HOST(mal_mixed_vfree, area),
	{ MAL_WALK(mal_mixed_vunmap), .promise = MAL_WALK_SURVIVES,
	  .prepare = mal_prepare_map, .discard = mal_discard_map },
	{ MAL_WALK(mal_mixed_vrealloc),
	  .prepare = mal_prepare_area, .discard = mal_discard_any },
	{ MAL_WALK(mal_mixed_kfree_rcu_barrier), .promise = MAL_WALK_NOTHING },
	{ MAL_WALK(mal_dev_coredumpv), .promise = MAL_WALK_SURVIVES,
	  .wants = MAL_WALK_WANTS_DEVICE, .prepare = mal_prepare_area },
	MAL_WALK_FREE(mal_mixed_free_pages, pages),
	MAL_WALK_FREE_HOST(mal_mixed_free_pages, pages),
	MAL_WALK_FREE(mal_mixed_put_free_pages, pages),
	MAL_WALK_FREE(mal_mixed_free_percpu, percpu),
	{ MAL_WALK(mal_mixed_ksize), .promise = MAL_WALK_NOTHING,
	  .prepare = mal_prepare_small, .discard = mal_discard_any },
	{ MAL_WALK_VARIANT(mal_mixed_ksize, host), .promise = MAL_WALK_NOTHING,
	  .prepare = mal_prepare_small_host, .discard = mal_discard_any },
	{ MAL_WALK(mal_mixed_krealloc),
	  .prepare = mal_prepare_small, .discard = mal_discard_any },
	MAL_WALK_GROW_HOST(mal_mixed_krealloc, MAL_WALK_FAILS_IN_HOST),
	{ MAL_WALK(mal_mixed_kvrealloc),
	  .prepare = mal_prepare_small, .discard = mal_discard_any },
	/* The host falls back to vmalloc(). */
	MAL_WALK_GROW_HOST(mal_mixed_kvrealloc, MAL_WALK_SURVIVES),
	{ MAL_WALK(mal_mixed_devm_krealloc), .wants = MAL_WALK_WANTS_DEVICE,
	  .prepare = mal_prepare_devm, .discard = mal_discard_devm },
	{ MAL_WALK(mal_mixed_devm_kfree), .promise = MAL_WALK_SURVIVES,
	  .wants = MAL_WALK_WANTS_DEVICE, .prepare = mal_prepare_devm },
	MAL_WALK_POOL(mal_host_mempool_alloc, MAL_WALK_SURVIVES),
	MAL_WALK_POOL(mal_host_mempool_alloc_preallocated, MAL_WALK_SURVIVES),
	MAL_WALK_POOL(mal_host_mempool_alloc_bulk, MAL_WALK_SURVIVES),
	MAL_WALK_POOL(mal_host_mempool_free, MAL_WALK_SURVIVES),
	MAL_WALK_POOL(mal_host_mempool_free_bulk, MAL_WALK_SURVIVES),
	MAL_WALK_POOL(mal_host_mempool_resize, MAL_WALK_FAILS_IN_HOST),
	{ MAL_WALK(mal_host_mempool_exit), .promise = MAL_WALK_NOTHING },
	{}
};
