// SPDX-License-Identifier: GPL-2.0
/*
 * Memory that kmemleak must report, and memory that it must not
 *
 * Loading the module allocates in each way. Some objects are lost: no pointer
 * to them is kept, so they are leaks. Others are kept, and each has the only
 * pointer to an object of the host; neither is a leak. The parameters "lost"
 * and "kept" list the addresses in kmemleak's format, each after the name of
 * its way. Unloading frees everything.
 *
 * The module must not store pointers to the lost objects and the host's
 * objects, so it stores their complements.
 *
 * Context: task.
 */
#include <linux/module.h>
#include <linux/percpu.h>
#include <linux/slab.h>

#include <memalloc/kmalloc.h>
#include <memalloc/mempool.h>
#include <memalloc/percpu.h>
#include <memalloc/slab_cache.h>
#include <memalloc/vmalloc_area.h>

#include "internal/compat.h"

/*
 * Several, because stale pointers on stacks and in registers hide some of them.
 */
#define LEAK_EACH	12

#define LEAK_BYTES	100
#define LEAK_LARGE	20000

/**
 * struct leak_way - a way to allocate
 * @name: its name
 * @alloc: allocate an object
 * @free: free an object
 * @hidden: complements of pointers to lost objects
 * @host: complements of pointers to the host's objects
 * @kept: kept objects
 */
struct leak_way {
	const char *name;
	void *(*alloc)(void);
	void (*free)(void *memory);
	unsigned long hidden[LEAK_EACH];
	unsigned long host[LEAK_EACH];
	void *kept[LEAK_EACH];
};

static struct mal_kmem_cache *leak_cache;
static mal_mempool_t *leak_pool;

static void *leak_kmalloc(void)
{
	return mal_kmalloc(LEAK_BYTES, GFP_KERNEL);
}

static void *leak_kmalloc_large(void)
{
	return mal_kmalloc(LEAK_LARGE, GFP_KERNEL);
}

static void leak_kfree(void *memory)
{
	mal_kfree(memory);
}

static void *leak_object(void)
{
	return mal_kmem_cache_alloc(leak_cache, GFP_KERNEL);
}

static void *leak_bulk(void)
{
	void *objects[2];

	if (!mal_kmem_cache_alloc_bulk(leak_cache, GFP_KERNEL, 2, objects))
		return NULL;
	mal_kmem_cache_free(leak_cache, objects[1]);
	return objects[0];
}

static void leak_object_free(void *memory)
{
	mal_kmem_cache_free(leak_cache, memory);
}

static void *leak_element(void)
{
	return mal_mempool_alloc(leak_pool, GFP_KERNEL);
}

static void leak_element_free(void *memory)
{
	mal_mempool_free(memory, leak_pool);
}

static void *leak_area(void)
{
	return mal_vmalloc(3 * PAGE_SIZE);
}

static void leak_area_free(void *memory)
{
	mal_vfree(memory);
}

static void *leak_percpu(void)
{
	return (__force void *)__mal_alloc_percpu(LEAK_BYTES, 8);
}

static void leak_percpu_free(void *memory)
{
	mal_free_percpu((void __percpu __force *)memory);
}

static struct leak_way leak_ways[] = {
	{ "kmalloc", leak_kmalloc, leak_kfree },
	{ "kmalloc-large", leak_kmalloc_large, leak_kfree },
	{ "object", leak_object, leak_object_free },
	{ "bulk", leak_bulk, leak_object_free },
	{ "element", leak_element, leak_element_free },
	{ "area", leak_area, leak_area_free },
	{ "percpu", leak_percpu, leak_percpu_free },
};

static bool leak_is_percpu(const struct leak_way *way)
{
	return way->alloc == leak_percpu;
}

/* Returns the place of the only pointer to the host's object. */
static void **leak_place(const struct leak_way *way, void *memory)
{
	if (leak_is_percpu(way))
		return per_cpu_ptr((void __percpu __force *)memory, 0);
	return memory;
}

static bool leak_lose(struct leak_way *way, int i)
{
	void *memory = way->alloc();

	if (memory)
		way->hidden[i] = ~(unsigned long)memory;
	return memory;
}

static bool leak_keep(struct leak_way *way, int i)
{
	void **place;

	way->kept[i] = way->alloc();
	if (!way->kept[i])
		return false;
	place = leak_place(way, way->kept[i]);
	*place = kmalloc(LEAK_BYTES, GFP_KERNEL);
	way->host[i] = ~(unsigned long)*place;
	return *place;
}

static void leak_way_free(struct leak_way *way)
{
	int i;

	for (i = 0; i < LEAK_EACH; i++) {
		if (way->hidden[i])
			way->free((void *)~way->hidden[i]);
		if (!way->kept[i])
			continue;
		kfree(*leak_place(way, way->kept[i]));
		way->free(way->kept[i]);
	}
}

/*
 * Allocate in two passes, so that objects that the allocator has cached are
 * covered, too: they must not be reported as leaks, and must not count as
 * references.
 */
static bool leak_way_alloc(struct leak_way *way)
{
	bool ok = true;
	int i;

	for (i = 0; i < LEAK_EACH && ok; i++)
		ok = leak_keep(way, i);
	leak_way_free(way);
	memset(way->kept, 0, sizeof(way->kept));
	for (i = 0; i < LEAK_EACH && ok; i++)
		ok = leak_lose(way, i) && leak_keep(way, i);
	return ok;
}

static int leak_show(char *buffer, const struct kernel_param *kp)
{
	bool kept = kp->arg;
	struct leak_way *way;
	int at = 0, i;

	for (way = leak_ways; way < leak_ways + ARRAY_SIZE(leak_ways); way++)
		for (i = 0; i < LEAK_EACH; i++)
			at += scnprintf(buffer + at, PAGE_SIZE - at, "%s 0x%08lx\n",
					way->name,
					kept ? ~way->host[i] : ~way->hidden[i]);
	return at;
}

static const struct kernel_param_ops leak_ops = {
	.get = leak_show,
};

module_param_cb(lost, &leak_ops, NULL, 0400);
MODULE_PARM_DESC(lost, "Addresses of lost objects, by way of allocation");
module_param_cb(kept, &leak_ops, (void *)1, 0400);
MODULE_PARM_DESC(kept, "Addresses of host objects that only memalloc's objects point to");

static void leak_free(void)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(leak_ways); i++)
		leak_way_free(&leak_ways[i]);
	mal_mempool_destroy(leak_pool);
	mal_kmem_cache_destroy(leak_cache);
}

static int __init leak_init(void)
{
	bool ok;
	int i;

	leak_cache = mal_kmem_cache_create("leak", LEAK_BYTES, 0, 0, NULL);
	if (!leak_cache)
		return -ENOMEM;
	leak_pool = mal_mempool_create_slab_pool(2, leak_cache);
	ok = leak_pool;
	for (i = 0; i < ARRAY_SIZE(leak_ways) && ok; i++)
		ok = leak_way_alloc(&leak_ways[i]);
	if (ok)
		return 0;
	leak_free();
	return -ENOMEM;
}

static void __exit leak_exit(void)
{
	leak_free();
}

module_init(leak_init);
module_exit(leak_exit);

MODULE_DESCRIPTION("Leaks memalloc's memory for kmemleak to find");
MODULE_LICENSE("GPL");
MAL_IMPORT();
