// SPDX-License-Identifier: GPL-2.0
/*
 * Areas: handles that stand for vmalloc areas
 *
 * Whole pages, at contiguous addresses for the kernel and for whoever maps them.
 * They are zeroed to the last byte of the last page, as all of it can be seen.
 * The pages that an area of the cache may have beyond those asked for, at most an
 * eighth, are not seen and not charged.
 *
 * User space may take references on the pages (vmsplice, O_DIRECT): an area of
 * which somebody still holds a page is not kept for the next one when it is freed,
 * and the page is set aside; see area_cache.c.
 *
 * Contexts: task, may sleep. Nothing here takes a lock.
 */
#include <linux/errno.h>
#include <linux/mm.h>
#include <linux/sched.h>

#include <memalloc/vmalloc_area.h>
#include <uapi/linux/memalloc.h>

#include "internal/area.h"
#include "internal/handle.h"
#include "internal/kind.h"
#include "internal/vmalloc_area.h"

static int mal_area_size(struct mal_request *request)
{
	const struct memalloc_alloc *arg = request->arg;

	if (arg->order || arg->count || !arg->bytes ||
	    arg->bytes > (u64)MEMALLOC_AREA_PAGES_MAX << PAGE_SHIFT)
		return -EINVAL;
	request->bytes = PAGE_ALIGN(arg->bytes);
	request->held = request->bytes;
	return 0;
}

static int mal_area_alloc(struct mal_object *obj,
			  const struct mal_request *request)
{
	obj->memory = mal_vmalloc_nospec(request->bytes, request->gfp, request->node);
	return obj->memory ? 0 : -ENOMEM;
}

static struct page *mal_area_page(struct mal_object *obj, unsigned long index)
{
	return mal_vmalloc_to_page(obj->memory + (index << PAGE_SHIFT));
}

/* What mapping leaves behind in struct page is no business of the next owner. */
static void mal_area_release(struct mal_object *obj)
{
	unsigned long index;

	for (index = 0; index < obj->bytes >> PAGE_SHIFT; index++) {
		ClearPageDirty(mal_area_page(obj, index));
		if (index % MAL_AREA_PIECE == 0)
			cond_resched();
	}
	mal_vfree(obj->memory);
}

static void *mal_area_map(struct mal_object *obj, u64 offset, size_t *len)
{
	return obj->memory + offset;
}

static void mal_area_info(struct mal_object *obj, u64 offset,
			  struct memalloc_info *info)
{
	mal_info_of_page(mal_area_page(obj, offset >> PAGE_SHIFT),
			 offset_in_page(offset), info);
}

const struct mal_kind mal_kind_area = {
	.id = MEMALLOC_KIND_AREA,
	.size = mal_area_size,
	.alloc = mal_area_alloc,
	.release = mal_area_release,
	.map = mal_area_map,
	.page = mal_area_page,
	.info = mal_area_info,
};
