// SPDX-License-Identifier: GPL-2.0
/*
 * Objects: handles for objects of a slab cache
 *
 * A handle refers to one object or to many, which are allocated and freed with
 * the bulk functions, in batches. Other tasks may run between two batches. If
 * the task is killed, the allocation is aborted and undone.
 *
 * User space sees the objects of a handle as a contiguous range of bytes,
 * without gaps between the objects:
 *
 *	offset   0              size           2 * size
 *	         | object 0     | object 1     | object 2 ...
 *
 * Context: task, may sleep. Takes no lock.
 */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/nospec.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/string.h>

#include <memalloc/slab_cache.h>
#include <uapi/linux/memalloc.h>

#include "internal/gfp.h"
#include "internal/handle.h"
#include "internal/inject.h"
#include "internal/kind.h"
#include "internal/kmalloc.h"
#include "internal/slab.h"

/* Number of bytes allocated or freed per batch. */
#define MAL_OBJECTS_PIECE	((u32)SZ_1M)

static int mal_objects_size(struct mal_request *request)
{
	const struct memalloc_alloc *arg = request->arg;
	u32 count = arg->count ?: 1;

	if (arg->order || arg->bytes || count > MEMALLOC_COUNT_MAX ||
	    arg->gfp & (MEMALLOC_GFP_DMA | MEMALLOC_GFP_DMA32))
		return -EINVAL;
	if (!mal_may_use_zone(request->parent->cache->gfp))
		return -EPERM;
	request->bytes = (u64)count * request->parent->cache->object_size;
	request->charged = (u64)count * mal_slab_share(request->parent->cache);
	if (count > 1)
		request->described = (u64)count * sizeof(void *);
	return 0;
}

static struct mal_kmem_cache *mal_objects_cache(const struct mal_handle *obj)
{
	return obj->parent->cache;
}

/* Number of objects in the next batch. */
static u32 mal_objects_piece(const struct mal_handle *obj, u32 left)
{
	return clamp(MAL_OBJECTS_PIECE / mal_objects_cache(obj)->size, 1U, left);
}

/* There is no bulk allocation for a node. Returns the number of objects. */
static u32 mal_objects_take(struct mal_handle *obj, gfp_t gfp, int node,
			    void **objects, u32 nr)
{
	struct mal_kmem_cache *cache = mal_objects_cache(obj);
	u32 taken;

	if (node == NUMA_NO_NODE)
		return mal_kmem_cache_alloc_bulk(cache, gfp, nr, objects);
	for (taken = 0; taken < nr; taken++) {
		objects[taken] = mal_kmem_cache_alloc_node(cache, gfp, node);
		if (!objects[taken])
			break;
	}
	return taken;
}

static int mal_objects_take_all(struct mal_handle *obj, gfp_t gfp, int node,
				u32 *taken)
{
	u32 piece, some;

	for (*taken = 0; *taken < obj->count; *taken += some) {
		/*
		 * Only for fatal signals: an interrupted command would have to
		 * start over.
		 */
		if (fatal_signal_pending(current))
			return -EINTR;
		piece = mal_objects_piece(obj, obj->count - *taken);
		some = mal_objects_take(obj, gfp, node, obj->many + *taken, piece);
		if (some < piece) {
			*taken += some;
			return -ENOMEM;
		}
		cond_resched();
	}
	return 0;
}

static void mal_objects_free_many(struct mal_handle *obj, u32 nr)
{
	u32 done, piece;

	for (done = 0; done < nr; done += piece) {
		piece = mal_objects_piece(obj, nr - done);
		mal_kmem_cache_free_bulk(mal_objects_cache(obj), piece,
					 obj->many + done);
		cond_resched();
	}
	kvfree(obj->many);
}

static int mal_objects_alloc_many(struct mal_handle *obj, gfp_t gfp, int node)
{
	u32 taken;
	int err;

	if (mal_inject_should_fail())
		return -ENOMEM;
	obj->many = kvmalloc_array(obj->count, sizeof(*obj->many),
				   GFP_KERNEL_ACCOUNT);
	if (!obj->many)
		return -ENOMEM;
	err = mal_objects_take_all(obj, gfp, node, &taken);
	if (err)
		mal_objects_free_many(obj, taken);
	return err;
}

static int mal_objects_alloc(struct mal_handle *obj,
			     const struct mal_request *request)
{
	gfp_t gfp = request->gfp & ~(__GFP_HIGHMEM | __GFP_MOVABLE);

	/* Do not zero an object that was constructed. */
	if (mal_objects_cache(obj)->flags & MAL_CACHE_NO_INIT)
		gfp &= ~__GFP_ZERO;
	obj->count = request->arg->count ?: 1;
	if (obj->count > 1)
		return mal_objects_alloc_many(obj, gfp, request->node);
	obj->one = mal_kmem_cache_alloc_node(mal_objects_cache(obj), gfp,
					     request->node);
	return obj->one ? 0 : -ENOMEM;
}

static void mal_objects_attribute(struct mal_handle *obj, unsigned long site)
{
	u32 i;

	if (!(mal_objects_cache(obj)->flags & MAL_CACHE_STORE_USER))
		return;
	for (i = 0; i < obj->count; i++)
		mal_kmalloc_set_caller(obj->count == 1 ? obj->one : obj->many[i], site);
}

static void mal_objects_release(struct mal_handle *obj)
{
	if (obj->count == 1) {
		mal_kmem_cache_free(mal_objects_cache(obj), obj->one);
		return;
	}
	mal_objects_free_many(obj, obj->count);
}

static void *mal_objects_map(struct mal_handle *obj, u64 offset, size_t *len)
{
	u32 size = mal_objects_cache(obj)->object_size, within;
	u64 index = div_u64_rem(offset, size, &within);

	*len = min_t(size_t, *len, size - within);
	return (obj->count == 1 ? obj->one :
		obj->many[array_index_nospec((unsigned long)index, obj->count)]) + within;
}

static void mal_objects_info(struct mal_handle *obj, u64 offset,
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
	.attribute = mal_objects_attribute,
	.release = mal_objects_release,
	.map = mal_objects_map,
	.info = mal_objects_info,
};
