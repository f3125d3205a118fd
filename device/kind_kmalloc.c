// SPDX-License-Identifier: GPL-2.0
/*
 * Kmalloc: handles for kmalloc memory
 *
 * User space may use the requested bytes, not all bytes of the size class. The
 * others are always zero. So growing within the class exposes zeroes, like
 * growing into another class.
 *
 * A size of zero gives ZERO_SIZE_PTR, as with kmalloc. It is an ordinary handle
 * and can be resized.
 *
 * Context: task, may sleep. Takes no lock.
 */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/nospec.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/string.h>

#include <memalloc/kmalloc.h>
#include <uapi/linux/memalloc.h>

#include "internal/gfp.h"
#include "internal/handle.h"
#include "internal/kind.h"
#include "internal/kmalloc.h"
#include "internal/slab.h"

static s64 mal_bytes_room(const struct mal_handle *obj, u64 bytes)
{
	if (bytes > MAL_KMALLOC_MAX_SIZE)
		return -EINVAL;
	return mal_kmalloc_size_roundup(bytes);
}

/*
 * The size was checked by mal_bytes_room() and determines how much is copied.
 */
static size_t mal_bytes_nospec(u64 bytes)
{
	return array_index_nospec((size_t)bytes, MAL_KMALLOC_MAX_SIZE + 1);
}

static int mal_bytes_size(struct mal_request *request)
{
	const struct memalloc_alloc *arg = request->arg;
	s64 room = mal_bytes_room(NULL, arg->bytes);

	if (room < 0 || arg->order || arg->count ||
	    arg->gfp & MEMALLOC_GFP_DMA32)
		return -EINVAL;
	request->bytes = mal_bytes_nospec(arg->bytes);
	request->charged = room;
	return 0;
}

static gfp_t mal_bytes_gfp(gfp_t gfp)
{
	return gfp & ~(__GFP_HIGHMEM | __GFP_MOVABLE);
}

static int mal_bytes_alloc(struct mal_handle *obj,
			   const struct mal_request *request)
{
	obj->zone = request->gfp & __GFP_DMA;
	obj->memory = mal_kmalloc_caller(request->bytes, mal_bytes_gfp(request->gfp),
					 request->node, _THIS_IP_);
	return obj->memory ? 0 : -ENOMEM;
}

static void mal_bytes_attribute(struct mal_handle *obj, unsigned long site)
{
	mal_kmalloc_set_caller(obj->memory, site);
}

static void mal_bytes_release(struct mal_handle *obj)
{
	mal_kfree(obj->memory);
}

static void *mal_bytes_map(struct mal_handle *obj, u64 offset, size_t *len)
{
	return obj->memory + offset;
}

static void mal_bytes_info(struct mal_handle *obj, u64 offset,
			   struct memalloc_info *info)
{
	struct mal_slab *slab;

	if (!obj->bytes)
		return;
	/* The slab stays, because the memory is allocated. */
	slab = mal_slab_of(obj->memory);
	if (slab)
		strscpy(info->out_name, slab->cache->name,
			sizeof(info->out_name));
	mal_info_of_address(obj->memory + offset, info);
}

static s64 mal_bytes_resize(struct mal_handle *obj, u64 bytes, gfp_t gfp)
{
	void *memory;

	if (bytes > obj->bytes && !mal_may_use_zone(obj->zone))
		return -EPERM;
	bytes = mal_bytes_nospec(bytes);
	if (bytes < obj->bytes)
		memset(obj->memory + bytes, 0, obj->bytes - bytes);
	memory = mal_krealloc(obj->memory, bytes, mal_bytes_gfp(gfp) | obj->zone);
	if (!memory)
		return -ENOMEM;
	obj->memory = memory;
	obj->bytes = bytes;
	/* In the debug modes mal_ksize() would give the owner all of it. */
	return mal_kmalloc_owned(memory);
}

const struct mal_kind mal_kind_kmalloc = {
	.id = MEMALLOC_KIND_KMALLOC,
	.size = mal_bytes_size,
	.alloc = mal_bytes_alloc,
	.attribute = mal_bytes_attribute,
	.release = mal_bytes_release,
	.map = mal_bytes_map,
	.info = mal_bytes_info,
	.room = mal_bytes_room,
	.resize = mal_bytes_resize,
};
