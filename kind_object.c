// SPDX-License-Identifier: GPL-2.0
/*
 * Objects: handles that stand for objects of a slab cache
 *
 * One object, or many that are allocated and freed by one call of the bulk
 * functions. To user space the objects of a handle are one row of bytes, without
 * what lies between them in memory:
 *
 *	offset   0              size           2 * size
 *	         | object 0     | object 1     | object 2 ...
 *
 * Contexts: task, may sleep. Nothing here takes a lock.
 */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/string.h>

#include <memalloc/slab_cache.h>
#include <uapi/linux/memalloc.h>

#include "internal/handle.h"
#include "internal/inject.h"
#include "internal/kind.h"
#include "internal/slab.h"

static int mal_objects_size(struct mal_request *request)
{
	const struct memalloc_alloc *arg = request->arg;
	u32 count = arg->count ?: 1;

	if (arg->order || arg->bytes || count > MEMALLOC_COUNT_MAX ||
	    arg->gfp & (MEMALLOC_GFP_DMA | MEMALLOC_GFP_DMA32))
		return -EINVAL;
	request->bytes = (u64)count * request->parent->cache->object_size;
	request->held = (u64)count * request->parent->cache->size;
	return 0;
}

static struct mal_kmem_cache *mal_objects_cache(const struct mal_object *obj)
{
	return obj->parent->cache;
}

/* There is no bulk allocation near a node. Returns how many there are. */
static u32 mal_objects_take(struct mal_object *obj, gfp_t gfp, int node)
{
	struct mal_kmem_cache *cache = mal_objects_cache(obj);
	u32 taken;

	if (node == NUMA_NO_NODE)
		return mal_kmem_cache_alloc_bulk(cache, gfp, obj->count, obj->many);
	for (taken = 0; taken < obj->count; taken++) {
		obj->many[taken] = mal_kmem_cache_alloc_node(cache, gfp, node);
		if (!obj->many[taken])
			break;
	}
	return taken;
}

static int mal_objects_alloc_many(struct mal_object *obj, gfp_t gfp, int node)
{
	u32 taken;

	if (mal_inject_should_fail())
		return -ENOMEM;
	obj->many = kvmalloc_array(obj->count, sizeof(*obj->many),
				   GFP_KERNEL_ACCOUNT);
	if (!obj->many)
		return -ENOMEM;
	taken = mal_objects_take(obj, gfp, node);
	if (taken == obj->count)
		return 0;
	mal_kmem_cache_free_bulk(mal_objects_cache(obj), taken, obj->many);
	kvfree(obj->many);
	return -ENOMEM;
}

static int mal_objects_alloc(struct mal_object *obj,
			     const struct mal_request *request)
{
	gfp_t gfp = request->gfp & ~(__GFP_HIGHMEM | __GFP_MOVABLE);

	/* What a constructor has made is not to be zeroed. */
	if (mal_objects_cache(obj)->flags & MAL_CACHE_NO_INIT)
		gfp &= ~__GFP_ZERO;
	obj->count = request->arg->count ?: 1;
	if (obj->count > 1)
		return mal_objects_alloc_many(obj, gfp, request->node);
	obj->one = mal_kmem_cache_alloc_node(mal_objects_cache(obj), gfp,
					     request->node);
	return obj->one ? 0 : -ENOMEM;
}

static void mal_objects_release(struct mal_object *obj)
{
	if (obj->count == 1) {
		mal_kmem_cache_free(mal_objects_cache(obj), obj->one);
		return;
	}
	mal_kmem_cache_free_bulk(mal_objects_cache(obj), obj->count, obj->many);
	kvfree(obj->many);
}

static void *mal_objects_map(struct mal_object *obj, u64 offset, size_t *len)
{
	u32 size = mal_objects_cache(obj)->object_size, within;
	u64 index = div_u64_rem(offset, size, &within);

	*len = min_t(size_t, *len, size - within);
	return (obj->count == 1 ? obj->one : obj->many[index]) + within;
}

static void mal_objects_info(struct mal_object *obj, u64 offset,
			     struct memalloc_info *info)
{
	size_t len = 1;

	info->out_count = obj->count;
	strscpy(info->out_name, mal_objects_cache(obj)->name,
		sizeof(info->out_name));
	mal_info_of_address(mal_objects_map(obj, offset, &len), info);
}

const struct mal_kind mal_kind_object = {
	.id = MEMALLOC_KIND_OBJECT,
	.parent = MEMALLOC_KIND_CACHE,
	.size = mal_objects_size,
	.alloc = mal_objects_alloc,
	.release = mal_objects_release,
	.map = mal_objects_map,
	.info = mal_objects_info,
};
