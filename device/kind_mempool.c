// SPDX-License-Identifier: GPL-2.0
/*
 * Mempools: handles for mempools
 *
 * A pool is created by a command of its own. It is the parent of the elements
 * that kind_element.c allocates, and has no bytes. Its elements come from the
 * buddy allocator, from kmalloc, or from a slab cache of the same file, which
 * is then its parent.
 *
 * It is charged with its minimum number of elements, whether they are in the
 * reserve or allocated, and with its metadata. An allocated element is charged
 * again to its own handle. So a quota is never exceeded, regardless of the fate
 * of the pool.
 *
 * Context: task, may sleep. Takes no lock.
 */
#include <linux/errno.h>
#include <linux/mm.h>
#include <linux/nospec.h>
#include <linux/slab.h>
#include <linux/string.h>

#include <memalloc/kmalloc.h>
#include <memalloc/mempool.h>
#include <memalloc/slab_cache.h>
#include <uapi/linux/memalloc.h>

#include "internal/buddy.h"
#include "internal/gfp.h"
#include "internal/handle.h"
#include "internal/inject.h"
#include "internal/kind.h"
#include "internal/mempool.h"
#include "internal/name.h"
#include "internal/node.h"
#include "internal/slab.h"

static bool mal_pool_has_name(const struct memalloc_mempool_create *arg)
{
	return memchr_inv(arg->name, 0, sizeof(arg->name));
}

static bool mal_pool_create_ok(const struct memalloc_mempool_create *arg)
{
	const u32 zones = MEMALLOC_GFP_DMA | MEMALLOC_GFP_DMA32;

	if (arg->flags || arg->reserved || !arg->min_nr ||
	    arg->min_nr > MEMALLOC_MEMPOOL_MAX ||
	    (mal_pool_has_name(arg) && !mal_name_ok(arg->name)) ||
	    arg->gfp & (zones | MEMALLOC_GFP_NOFAIL | MEMALLOC_GFP_THISNODE))
		return false;
	switch (arg->backend) {
	case MEMALLOC_MEMPOOL_PAGES:
		return arg->order <= MEMALLOC_MAX_ORDER && !arg->bytes &&
		       !arg->parent;
	case MEMALLOC_MEMPOOL_KMALLOC:
		return arg->bytes && arg->bytes <= MAL_KMALLOC_MAX_SIZE &&
		       !arg->order && !arg->parent;
	case MEMALLOC_MEMPOOL_CACHE:
		return !arg->order && !arg->bytes;
	default:
		return false;
	}
}

/* Bytes that an element takes from the allocator, by backend. */
static u64 mal_pool_element_bytes(const struct memalloc_mempool_create *arg,
				  const struct mal_handle *parent)
{
	switch (arg->backend) {
	case MEMALLOC_MEMPOOL_PAGES:
		return (u64)PAGE_SIZE << arg->order;
	case MEMALLOC_MEMPOOL_KMALLOC:
		return mal_kmalloc_size_roundup(arg->bytes);
	default:
		return mal_slab_share(parent->cache);
	}
}

static u64 mal_pool_bytes(u64 element, u32 min_nr)
{
	return sizeof(mal_mempool_t) + MEMALLOC_SHOWN_NAME_SIZE +
	       (element + sizeof(void *)) * min_nr;
}

/* The cache that the elements come from, with a reference. */
static int mal_pool_parent(struct mal_file *file,
			   const struct memalloc_mempool_create *arg,
			   struct mal_handle **parent)
{
	*parent = NULL;
	if (arg->backend != MEMALLOC_MEMPOOL_CACHE)
		return 0;
	*parent = mal_handle_get(file, arg->parent);
	if (!*parent)
		return -ENOENT;
	if ((*parent)->kind == &mal_kind_cache)
		return 0;
	mal_handle_put(*parent);
	return -EINVAL;
}

/**
 * mal_mempool_request() - translate a command to create a pool
 * @file: the file of the pool
 * @arg: the command
 * @request: filled in; the caller must put its parent, if any
 *
 * Context: task.
 * Return: 0, -EINVAL, -ENOENT (no such cache), or -EPERM (the cache uses a zone
 * that the caller may not use).
 */
int mal_mempool_request(struct mal_file *file,
			const struct memalloc_mempool_create *arg,
			struct mal_request *request)
{
	int err;

	if (!mal_pool_create_ok(arg))
		return -EINVAL;
	*request = (struct mal_request) {
		.kind = &mal_kind_mempool,
		.mempool = arg,
	};
	err = mal_gfp_from_user(arg->gfp, &request->gfp) ?:
	      mal_node_from_user(arg->node, &request->node) ?:
	      mal_node_confine(request->gfp, &request->node) ?:
	      mal_pool_parent(file, arg, &request->parent);
	if (err)
		return err;
	if (request->parent && !mal_may_use_zone(request->parent->cache->gfp)) {
		mal_handle_put(request->parent);
		return -EPERM;
	}
	request->charged = mal_pool_bytes(mal_pool_element_bytes(arg, request->parent),
					  arg->min_nr);
	return 0;
}

static mal_mempool_t *mal_pool_of_pages(const struct memalloc_mempool_create *arg,
					gfp_t gfp, int node, unsigned long site)
{
	/* The order indexes many tables. */
	unsigned long order = array_index_nospec(arg->order, MAL_NR_ORDERS);

	return mal_mempool_create_for(arg->min_nr, mal_mempool_alloc_pages,
				      mal_mempool_free_pages, (void *)order,
				      gfp, node, site);
}

static mal_mempool_t *mal_pool_of_bytes(const struct memalloc_mempool_create *arg,
					gfp_t gfp, int node, unsigned long site)
{
	size_t bytes = array_index_nospec((size_t)arg->bytes, MAL_KMALLOC_MAX_SIZE + 1);

	return mal_mempool_create_for(arg->min_nr, mal_mempool_kmalloc,
				      mal_mempool_kfree, (void *)bytes, gfp,
				      node, site);
}

static mal_mempool_t *mal_pool_of_objects(const struct memalloc_mempool_create *arg,
					  struct mal_kmem_cache *cache, gfp_t gfp,
					  int node, unsigned long site)
{
	return mal_mempool_create_for(arg->min_nr, mal_mempool_alloc_slab,
				      mal_mempool_free_slab, cache, gfp, node,
				      site);
}

/* Elements are zeroed when they are handed out, not by the pool. */
static void mal_kind_mempool_create_pool(struct mal_handle *obj,
					 const struct mal_request *request)
{
	const struct memalloc_mempool_create *arg = request->mempool;
	gfp_t gfp = request->gfp & ~(__GFP_ZERO | __GFP_HIGHMEM | __GFP_MOVABLE);
	unsigned long site = obj->file->site;

	obj->backend = arg->backend;
	obj->element_charged = mal_pool_element_bytes(arg, request->parent);
	switch (arg->backend) {
	case MEMALLOC_MEMPOOL_PAGES:
		obj->element_bytes = obj->element_charged;
		obj->pool = mal_pool_of_pages(arg, gfp, request->node, site);
		break;
	case MEMALLOC_MEMPOOL_KMALLOC:
		obj->element_bytes = arg->bytes;
		obj->pool = mal_pool_of_bytes(arg, gfp, request->node, site);
		break;
	default:
		obj->element_bytes = request->parent->cache->object_size;
		obj->pool = mal_pool_of_objects(arg, request->parent->cache, gfp,
						request->node, site);
	}
}

/* Set @name to the name of the pool, or to NULL. */
static int mal_kind_mempool_create_name(const struct memalloc_mempool_create *arg,
					const char **name)
{
	char shown[MEMALLOC_SHOWN_NAME_SIZE];

	*name = NULL;
	if (!mal_pool_has_name(arg))
		return 0;
	if (mal_inject_should_fail())
		return -ENOMEM;
	mal_name_show(arg->name, shown);
	*name = kstrdup(shown, GFP_KERNEL_ACCOUNT);
	return *name ? 0 : -ENOMEM;
}

static int mal_kind_mempool_create(struct mal_handle *obj,
				   const struct mal_request *request)
{
	const char *name;
	int err = mal_kind_mempool_create_name(request->mempool, &name);

	if (err)
		return err;
	mal_kind_mempool_create_pool(obj, request);
	if (!obj->pool) {
		kfree(name);
		return -ENOMEM;
	}
	mal_mempool_set_name(obj->pool, name);
	return 0;
}

static void mal_kind_mempool_destroy(struct mal_handle *obj)
{
	const char *name = obj->pool->name;

	mal_mempool_drain(obj->pool);
	mal_mempool_destroy(obj->pool);
	kfree(name);
}

static void mal_mempool_info(struct mal_handle *obj, u64 offset,
			     struct memalloc_info *info)
{
	info->out_count = READ_ONCE(obj->pool->min_nr);
	if (obj->pool->name)
		strscpy(info->out_name, obj->pool->name, sizeof(info->out_name));
}

static s64 mal_mempool_room(const struct mal_handle *obj, u64 min_nr)
{
	if (!min_nr || min_nr > MEMALLOC_MEMPOOL_MAX)
		return -EINVAL;
	return mal_pool_bytes(obj->element_charged, min_nr);
}

static s64 mal_mempool_resize_to(struct mal_handle *obj, u64 min_nr, gfp_t gfp)
{
	if (min_nr > obj->pool->min_nr && obj->parent &&
	    !mal_may_use_zone(obj->parent->cache->gfp))
		return -EPERM;
	if (mal_mempool_resize(obj->pool, min_nr))
		return -ENOMEM;
	return mal_mempool_room(obj, min_nr);
}

const struct mal_kind mal_kind_mempool = {
	.id = MEMALLOC_KIND_MEMPOOL,
	.counted = true,
	.alloc = mal_kind_mempool_create,
	.release = mal_kind_mempool_destroy,
	.info = mal_mempool_info,
	.room = mal_mempool_room,
	.resize = mal_mempool_resize_to,
};
