// SPDX-License-Identifier: GPL-2.0
/*
 * Leaks: a module that never frees its memory, so that it is reported by call
 * site
 *
 * The init function allocates objects, pages, an area and elements of a pool,
 * and creates the cache and the pool. Later:
 *
 *	cd /sys/module/memalloc_leaks/parameters
 *	echo 5 >more		allocate 5 more objects
 *	echo 1 >destroy		try to destroy the cache
 *
 * Another cache has only free, constructed objects. When the module is removed,
 * its constructor and destructor go, too; a later call of them is an oops.
 */
#include <linux/module.h>

#include <memalloc/mempool.h>
#include <memalloc/page_alloc.h>
#include <memalloc/slab_cache.h>
#include <memalloc/vmalloc_area.h>

#include "internal/compat.h"

#define LEAKS_OBJECT	48

static struct mal_kmem_cache *leaks_cache;

static void leaks_ctor(void *object)
{
	memset(object, 1, LEAKS_OBJECT);
}

static void leaks_dtor(void *object)
{
	memset(object, 2, LEAKS_OBJECT);
}

static noinline int leaks_more(unsigned int count)
{
	while (count--)
		if (!mal_kmem_cache_alloc(leaks_cache, GFP_KERNEL))
			return -ENOMEM;
	return 0;
}

static int leaks_set_more(const char *value, const struct kernel_param *kp)
{
	unsigned int count;
	int err = kstrtouint(value, 0, &count);

	return err ?: leaks_more(count);
}

static const struct kernel_param_ops leaks_more_ops = {
	.set = leaks_set_more,
};

module_param_cb(more, &leaks_more_ops, NULL, 0200);
MODULE_PARM_DESC(more, "Number of objects to allocate");

static int leaks_set_destroy(const char *value, const struct kernel_param *kp)
{
	mal_kmem_cache_destroy(leaks_cache);
	return 0;
}

static const struct kernel_param_ops leaks_destroy_ops = {
	.set = leaks_set_destroy,
};

module_param_cb(destroy, &leaks_destroy_ops, NULL, 0200);
MODULE_PARM_DESC(destroy, "Try to destroy the cache");

static noinline void leaks_free_twice(void *object)
{
	mal_kmem_cache_free(leaks_cache, object);
	mal_kmem_cache_free(leaks_cache, object);
	barrier(); /* make this function the caller of both */
}

static int leaks_set_twice(const char *value, const struct kernel_param *kp)
{
	void *object = mal_kmem_cache_alloc(leaks_cache, GFP_KERNEL);

	if (!object)
		return -ENOMEM;
	leaks_free_twice(object);
	return 0;
}

static const struct kernel_param_ops leaks_twice_ops = {
	.set = leaks_set_twice,
};

module_param_cb(twice, &leaks_twice_ops, NULL, 0200);
MODULE_PARM_DESC(twice, "Free an object twice");

static noinline int __init leaks_of_areas(unsigned int areas)
{
	while (areas--)
		if (!mal_vmalloc(2 * PAGE_SIZE))
			return -ENOMEM;
	return 0;
}

/*
 * Leaks 3 objects, 4 pages in 2 blocks, an area of 3 pages, and 40 areas of 2
 * pages.
 */
static noinline int __init leaks_of_init(void)
{
	unsigned int objects = 3, blocks = 2, areas = 40;

	/* Keep the compiler from unrolling the loops: one call site each. */
	OPTIMIZER_HIDE_VAR(areas);
	OPTIMIZER_HIDE_VAR(objects);
	OPTIMIZER_HIDE_VAR(blocks);
	while (objects--)
		if (!mal_kmem_cache_alloc(leaks_cache, GFP_KERNEL))
			return -ENOMEM;
	while (blocks--)
		if (!mal_alloc_pages(GFP_KERNEL, 1))
			return -ENOMEM;
	if (!mal_vmalloc(3 * PAGE_SIZE))
		return -ENOMEM;
	return leaks_of_areas(areas);
}

static int __init leaks_init(void)
{
	const struct mal_kmem_cache_args args = {
		.ctor = leaks_ctor,
		.dtor = leaks_dtor,
	};
	struct mal_kmem_cache *empty;
	void *object;

	leaks_cache = mal_kmem_cache_create_args("leaks", LEAKS_OBJECT, &args,
						 SLAB_STORE_USER);
	empty = mal_kmem_cache_create_args("leaks_empty", LEAKS_OBJECT, &args, 0);
	if (!leaks_cache || !empty || !mal_mempool_create_kmalloc_pool(2, 100))
		return -ENOMEM;
	object = mal_kmem_cache_alloc(empty, GFP_KERNEL);
	if (!object)
		return -ENOMEM;
	mal_kmem_cache_free(empty, object);
	return leaks_of_init();
}

static void __exit leaks_exit(void)
{
}

module_init(leaks_init);
module_exit(leaks_exit);

MODULE_DESCRIPTION("Leaks memalloc's memory");
MODULE_LICENSE("GPL");
MAL_IMPORT();
