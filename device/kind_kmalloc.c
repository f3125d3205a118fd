// SPDX-License-Identifier: GPL-2.0
/*
 * Kmalloc: handles that stand for bytes of kmalloc
 *
 * User space may use the bytes that it asked for, not all that the size class
 * has; those beyond are zero at all times, so that growing within the class shows
 * zeroes, as growing out of it does.
 *
 * No bytes at all is what kmalloc makes of it: ZERO_SIZE_PTR, which is a handle
 * like any other and can be resized.
 *
 * Contexts: task, may sleep. Nothing here takes a lock.
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

#include "internal/handle.h"
#include "internal/kind.h"
#include "internal/kmalloc.h"
#include "internal/slab.h"

static s64 mal_bytes_room(const struct mal_object *obj, u64 bytes)
{
	if (bytes > MAL_KMALLOC_MAX_SIZE)
		return -EINVAL;
	return mal_kmalloc_size_roundup(bytes);
}

/* What has been checked by mal_bytes_room(); it says how much is copied. */
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
	request->held = room;
	return 0;
}

static gfp_t mal_bytes_gfp(gfp_t gfp)
{
	return gfp & ~(__GFP_HIGHMEM | __GFP_MOVABLE);
}

static int mal_bytes_alloc(struct mal_object *obj,
			   const struct mal_request *request)
{
	obj->zone = request->gfp & __GFP_DMA;
	obj->memory = mal_kmalloc_caller(request->bytes, mal_bytes_gfp(request->gfp),
					 request->node, _THIS_IP_);
	return obj->memory ? 0 : -ENOMEM;
}

static void mal_bytes_release(struct mal_object *obj)
{
	mal_kfree(obj->memory);
}

static void *mal_bytes_map(struct mal_object *obj, u64 offset, size_t *len)
{
	return obj->memory + offset;
}

static void mal_bytes_info(struct mal_object *obj, u64 offset,
			   struct memalloc_info *info)
{
	struct mal_slab *slab;

	if (!obj->bytes)
		return;
	/* The memory is held, and so its slab stays. */
	slab = mal_slab_of(obj->memory);
	if (slab)
		strscpy(info->out_name, slab->cache->name,
			sizeof(info->out_name));
	mal_info_of_address(obj->memory + offset, info);
}

static s64 mal_bytes_resize(struct mal_object *obj, u64 bytes, gfp_t gfp)
{
	void *memory;

	bytes = mal_bytes_nospec(bytes);
	if (bytes < obj->bytes)
		memset(obj->memory + bytes, 0, obj->bytes - bytes);
	memory = mal_krealloc(obj->memory, bytes, mal_bytes_gfp(gfp) | obj->zone);
	if (!memory)
		return -ENOMEM;
	obj->memory = memory;
	obj->bytes = bytes;
	/* mal_ksize() would make all of it the owner's, in the debug modes. */
	return mal_kmalloc_owned(memory);
}

const struct mal_kind mal_kind_kmalloc = {
	.id = MEMALLOC_KIND_KMALLOC,
	.size = mal_bytes_size,
	.alloc = mal_bytes_alloc,
	.release = mal_bytes_release,
	.map = mal_bytes_map,
	.info = mal_bytes_info,
	.room = mal_bytes_room,
	.resize = mal_bytes_resize,
};
