/* SPDX-License-Identifier: GPL-2.0 */
/*
 * matrix_kinds.h: kinds of memory that are allocated and freed in each context
 */
#ifndef _MATRIX_KINDS_H
#define _MATRIX_KINDS_H

#include <linux/mempool.h>
#include <linux/mm.h>
#include <linux/percpu.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/vmalloc.h>

#include "internal/compat.h"

#include "matrix.h"

/* On the host, KASAN reports accesses by the debug modes. */
#define MATRIX_DEBUG		(MATRIX_OURS ? SLAB_RED_ZONE | SLAB_POISON : 0)

#define MATRIX_BLOCK_ORDER	4
#define MATRIX_OBJECT		256	/* bytes of an object of a cache */
#define MATRIX_SMALL		200
#define MATRIX_LARGE		(5 * PAGE_SIZE)
#define MATRIX_PERCPU_SMALL	64
#define MATRIX_PERCPU_LARGE	16384
#define MATRIX_SHORT		60	/* bytes before krealloc() */
#define MATRIX_LONG		900	/* bytes after it */
#define MATRIX_RESERVED		4	/* elements that a mempool reserves */

struct matrix_rcu {
	char text[MATRIX_SMALL];
	struct rcu_head rcu;
};

static struct kmem_cache *matrix_cache, *matrix_cache_ctor, *matrix_cache_rcu, *matrix_cache_debug;
static mempool_t *matrix_pool, *matrix_slab_pool, *matrix_page_pool;

/*
 * Pages
 */

static void *matrix_alloc_page(gfp_t gfp)
{
	struct page *page = alloc_pages(gfp, 0);

	return page ? page_address(page) : NULL;
}

static void matrix_free_page(void *piece)
{
	__free_pages(virt_to_page(piece), 0);
}

static void *matrix_alloc_block(gfp_t gfp)
{
	return (void *)__get_free_pages(gfp, MATRIX_BLOCK_ORDER);
}

static void matrix_free_block(void *piece)
{
	free_pages((unsigned long)piece, MATRIX_BLOCK_ORDER);
}

/* One call may allocate a part of the pages. */
static unsigned int matrix_alloc_pages(gfp_t gfp, unsigned int nr, void **pieces)
{
	struct page **pages = (struct page **)pieces;
	unsigned int got = 0, before, i;

	do {
		before = got;
		got = mal_host_alloc_pages_bulk(gfp, nr, pages);
	} while (got > before && got < nr);
	for (i = 0; i < got; i++)
		pieces[i] = page_address(pages[i]);
	return got;
}

static void matrix_free_pages(unsigned int nr, void **pieces)
{
	unsigned int i;

	for (i = 0; i < nr; i++)
		__free_page(virt_to_page(pieces[i]));
}

/*
 * Bytes
 */

static void *matrix_alloc_small(gfp_t gfp)
{
	return kmalloc(MATRIX_SMALL, gfp);
}

static void *matrix_alloc_8k(gfp_t gfp)
{
	return kmalloc(8192, gfp);
}

static void *matrix_alloc_large(gfp_t gfp)
{
	return kmalloc(MATRIX_LARGE, gfp);
}

static void matrix_free_bytes(void *piece)
{
	kfree(piece);
}

static size_t matrix_usable_bytes(const void *piece)
{
	return ksize(piece);
}

/* Lost contents count as a failed allocation. */
static void *matrix_alloc_again(gfp_t gfp)
{
	void *piece = kmalloc(MATRIX_SHORT, gfp);
	void *more;

	if (!piece)
		return NULL;
	if (gfp & __GFP_ZERO && memchr_inv(piece, 0, MATRIX_SHORT))
		goto fail;
	memset(piece, MATRIX_BUILT, MATRIX_SHORT);
	more = krealloc(piece, MATRIX_LONG, gfp);
	if (!more)
		goto fail;
	piece = more;
	if (memchr_inv(piece, MATRIX_BUILT, MATRIX_SHORT))
		goto fail;
	memset(piece, 0, MATRIX_SHORT);
	return piece;
fail:
	kfree(piece);
	return NULL;
}

static void *matrix_alloc_rcu(gfp_t gfp)
{
	return kmalloc(sizeof(struct matrix_rcu), gfp);
}

static void matrix_free_rcu(void *piece)
{
	struct matrix_rcu *object = piece;

	kfree_rcu(object, rcu);
}

static void matrix_free_rcu_mightsleep(void *piece)
{
	kfree_rcu_mightsleep(piece);
}

/*
 * Objects
 */

static void matrix_construct(void *object)
{
	memset(object, MATRIX_BUILT, MATRIX_OBJECT);
}

static void *matrix_alloc_object(gfp_t gfp)
{
	return kmem_cache_alloc(matrix_cache, gfp);
}

static void matrix_free_object(void *piece)
{
	kmem_cache_free(matrix_cache, piece);
}

static void *matrix_alloc_ctor(gfp_t gfp)
{
	return kmem_cache_alloc(matrix_cache_ctor, gfp);
}

static void matrix_free_ctor(void *piece)
{
	kmem_cache_free(matrix_cache_ctor, piece);
}

static void *matrix_alloc_typesafe(gfp_t gfp)
{
	return kmem_cache_alloc(matrix_cache_rcu, gfp);
}

static void matrix_free_typesafe(void *piece)
{
	kmem_cache_free(matrix_cache_rcu, piece);
}

static void *matrix_alloc_debug(gfp_t gfp)
{
	return kmem_cache_alloc(matrix_cache_debug, gfp);
}

static void matrix_free_debug(void *piece)
{
	kmem_cache_free(matrix_cache_debug, piece);
}

/* All or none; the returned type depends on the kernel. */
static unsigned int matrix_alloc_objects(gfp_t gfp, unsigned int nr, void **pieces)
{
	return kmem_cache_alloc_bulk(matrix_cache, gfp, nr, pieces) ? nr : 0;
}

static void matrix_free_objects(unsigned int nr, void **pieces)
{
	kmem_cache_free_bulk(matrix_cache, nr, pieces);
}

/*
 * Mempools
 */

static void *matrix_alloc_element(gfp_t gfp)
{
	return mempool_alloc(matrix_pool, gfp);
}

static void matrix_free_element(void *piece)
{
	mempool_free(piece, matrix_pool);
}

static void *matrix_alloc_slab_element(gfp_t gfp)
{
	return mempool_alloc(matrix_slab_pool, gfp);
}

static void matrix_free_slab_element(void *piece)
{
	mempool_free(piece, matrix_slab_pool);
}

static void *matrix_alloc_page_element(gfp_t gfp)
{
	struct page *page = mempool_alloc(matrix_page_pool, gfp);

	return page ? page_address(page) : NULL;
}

static void matrix_free_page_element(void *piece)
{
	mempool_free(virt_to_page(piece), matrix_page_pool);
}

/*
 * Per-CPU areas
 */

static void *matrix_alloc_percpu(gfp_t gfp)
{
	return (void __force *)__alloc_percpu_gfp(MATRIX_PERCPU_SMALL, 8, gfp);
}

/* All pieces together are larger than a chunk. */
static void *matrix_alloc_percpu_large(gfp_t gfp)
{
	return (void __force *)__alloc_percpu_gfp(MATRIX_PERCPU_LARGE, 8, gfp);
}

static void matrix_free_percpu(void *piece)
{
	free_percpu((void __percpu __force *)piece);
}

/*
 * Areas
 */

static void *matrix_alloc_area(gfp_t gfp)
{
	return __vmalloc(MATRIX_LARGE, gfp);
}

static void matrix_free_area(void *piece)
{
	vfree(piece);
}

static void *matrix_alloc_kv_small(gfp_t gfp)
{
	return kvmalloc(MATRIX_SMALL, gfp);
}

static void *matrix_alloc_kv_large(gfp_t gfp)
{
	return kvmalloc(MATRIX_LARGE, gfp);
}

static void matrix_free_kv(void *piece)
{
	kvfree(piece);
}

/* In the order of the table. Names have the number of bytes or the order. */
static const struct matrix_kind matrix_kinds[] = {
	{ "page", MATRIX_PIECES, PAGE_SIZE, 0, matrix_alloc_page, matrix_free_page },
	{ "block-4", 8, PAGE_SIZE << MATRIX_BLOCK_ORDER, 0, matrix_alloc_block, matrix_free_block },
	{ "pages-bulk", 40, PAGE_SIZE, 0,
	  .alloc_bulk = matrix_alloc_pages, .free_bulk = matrix_free_pages },
	{ "kmalloc-200", MATRIX_PIECES, MATRIX_SMALL, 0, matrix_alloc_small, matrix_free_bytes,
	  .usable = matrix_usable_bytes },
	{ "kmalloc-8192", 20, 8192, 0, matrix_alloc_8k, matrix_free_bytes,
	  .usable = matrix_usable_bytes },
	{ "kmalloc-large", 4, MATRIX_LARGE, 0, matrix_alloc_large, matrix_free_bytes,
	  .usable = matrix_usable_bytes },
	{ "krealloc-900", 20, MATRIX_LONG, 0, matrix_alloc_again, matrix_free_bytes,
	  .usable = matrix_usable_bytes },
	{ "kfree_rcu", 40, sizeof(struct matrix_rcu), MATRIX_QUEUED,
	  matrix_alloc_rcu, matrix_free_rcu, .usable = matrix_usable_bytes },
	{ "kfree_rcu_mightsleep", 8, MATRIX_SMALL, MATRIX_WAITS,
	  matrix_alloc_small, matrix_free_rcu_mightsleep, .usable = matrix_usable_bytes },
	{ "cache", MATRIX_PIECES, MATRIX_OBJECT, 0, matrix_alloc_object, matrix_free_object },
	{ "cache-ctor", MATRIX_PIECES, MATRIX_OBJECT, MATRIX_NO_ZERO | MATRIX_CTOR,
	  matrix_alloc_ctor, matrix_free_ctor },
	{ "cache-typesafe", MATRIX_PIECES, MATRIX_OBJECT, 0,
	  matrix_alloc_typesafe, matrix_free_typesafe },
	{ "cache-debug", 20, MATRIX_OBJECT, 0, matrix_alloc_debug, matrix_free_debug },
	{ "cache-bulk", MATRIX_PIECES, MATRIX_OBJECT, MATRIX_IRQS_ON,
	  .alloc_bulk = matrix_alloc_objects, .free_bulk = matrix_free_objects },
	{ "mempool-kmalloc", 20, MATRIX_SMALL, MATRIX_NO_ZERO,
	  matrix_alloc_element, matrix_free_element },
	{ "mempool-slab", 20, MATRIX_OBJECT, MATRIX_NO_ZERO,
	  matrix_alloc_slab_element, matrix_free_slab_element },
	{ "mempool-page", 20, PAGE_SIZE, MATRIX_NO_ZERO,
	  matrix_alloc_page_element, matrix_free_page_element },
	{ "percpu-64", 8, MATRIX_PERCPU_SMALL, MATRIX_PERCPU | MATRIX_ZEROED | MATRIX_MUTEX,
	  matrix_alloc_percpu, matrix_free_percpu },
	{ "percpu-16384", 8, MATRIX_PERCPU_LARGE,
	  MATRIX_PERCPU | MATRIX_ZEROED | MATRIX_MUTEX | MATRIX_BLOCKING | MATRIX_MAY_FAIL,
	  matrix_alloc_percpu_large, matrix_free_percpu },
	{ "vmalloc", 4, MATRIX_LARGE, MATRIX_BLOCKING | MATRIX_VFREE,
	  matrix_alloc_area, matrix_free_area },
	{ "kvmalloc-200", 20, MATRIX_SMALL, MATRIX_VFREE, matrix_alloc_kv_small, matrix_free_kv },
	{ "kvmalloc-large", 4, MATRIX_LARGE, MATRIX_VFREE, matrix_alloc_kv_large, matrix_free_kv },
};

static void matrix_exit_kinds(void)
{
	mempool_destroy(matrix_pool);
	mempool_destroy(matrix_slab_pool);
	mempool_destroy(matrix_page_pool);
	kmem_cache_destroy(matrix_cache);
	kmem_cache_destroy(matrix_cache_ctor);
	kmem_cache_destroy(matrix_cache_rcu);
	kmem_cache_destroy(matrix_cache_debug);
}

static int matrix_init_kinds(void)
{
	matrix_cache = kmem_cache_create("matrix", MATRIX_OBJECT, 0, 0, NULL);
	matrix_cache_ctor = kmem_cache_create("matrix_ctor", MATRIX_OBJECT, 0, 0, matrix_construct);
	matrix_cache_rcu = kmem_cache_create("matrix_rcu", MATRIX_OBJECT, 0, SLAB_TYPESAFE_BY_RCU,
					     NULL);
	matrix_cache_debug = kmem_cache_create("matrix_debug", MATRIX_OBJECT, 0, MATRIX_DEBUG,
					       NULL);
	matrix_pool = mempool_create_kmalloc_pool(MATRIX_RESERVED, MATRIX_SMALL);
	if (matrix_cache)
		matrix_slab_pool = mempool_create_slab_pool(MATRIX_RESERVED, matrix_cache);
	matrix_page_pool = mempool_create_page_pool(MATRIX_RESERVED, 0);
	if (matrix_cache_ctor && matrix_cache_rcu && matrix_cache_debug && matrix_pool &&
	    matrix_slab_pool && matrix_page_pool)
		return 0;
	matrix_exit_kinds();
	return -ENOMEM;
}

#endif /* _MATRIX_KINDS_H */
