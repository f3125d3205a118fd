// SPDX-License-Identifier: GPL-2.0
/*
 * Areas: handles for vmalloc areas
 *
 * An area consists of whole pages at contiguous addresses, both for the kernel
 * and for user mappings. It is zeroed to the end of the last page, because all
 * of it is visible. Cached areas may have up to an eighth more pages than
 * requested. The additional pages are neither visible nor charged. The array of
 * pages is charged as metadata.
 *
 * User space may take references to the pages (vmsplice, O_DIRECT). If one of
 * them is pinned when the area is freed, the area is not cached, and the page
 * is set aside and charged to the user; see area_cache.c.
 *
 * Context: task, may sleep. Takes no lock.
 */
#include <linux/errno.h>
#include <linux/mm.h>
#include <linux/sched.h>

#include <memalloc/vmalloc_area.h>
#include <uapi/linux/memalloc.h>

#include "internal/area.h"
#include "internal/handle.h"
#include "internal/kind.h"
#include "internal/user.h"
#include "internal/vmalloc_area.h"

static int mal_kind_area_size(struct mal_request *request)
{
	const struct memalloc_alloc *arg = request->arg;

	if (arg->order || arg->count || !arg->bytes ||
	    arg->bytes > (u64)MEMALLOC_AREA_PAGES_MAX << PAGE_SHIFT)
		return -EINVAL;
	request->bytes = PAGE_ALIGN(arg->bytes);
	request->charged = request->bytes;
	request->described = mal_area_metadata(request->bytes >> PAGE_SHIFT);
	return 0;
}

static int mal_kind_area_alloc(struct mal_handle *obj,
			       const struct mal_request *request)
{
	obj->memory = mal_vmalloc_nospec(request->bytes, request->gfp, request->node);
	return obj->memory ? 0 : -ENOMEM;
}

static void mal_kind_area_attribute(struct mal_handle *obj, unsigned long site)
{
	mal_vmalloc_set_caller(obj->memory, site);
}

static struct page *mal_kind_area_page(struct mal_handle *obj,
				       unsigned long index)
{
	return mal_vmalloc_to_page(obj->memory + (index << PAGE_SHIFT));
}

/* Clear the dirty bits that user mappings leave in struct page. */
static void mal_kind_area_release(struct mal_handle *obj)
{
	unsigned long index;

	for (index = 0; index < obj->bytes >> PAGE_SHIFT; index++) {
		ClearPageDirty(mal_kind_area_page(obj, index));
		if (index % MAL_AREA_PIECE == 0)
			cond_resched();
	}
	mal_vfree_charged(obj->memory, mal_user_account(obj->file->user));
}

static void *mal_kind_area_map(struct mal_handle *obj, u64 offset, size_t *len)
{
	return obj->memory + offset;
}

static void mal_kind_area_info(struct mal_handle *obj, u64 offset,
			       struct memalloc_info *info)
{
	mal_info_of_page(mal_kind_area_page(obj, offset >> PAGE_SHIFT),
			 offset_in_page(offset), info);
}

const struct mal_kind mal_kind_area = {
	.id = MEMALLOC_KIND_AREA,
	.size = mal_kind_area_size,
	.alloc = mal_kind_area_alloc,
	.attribute = mal_kind_area_attribute,
	.release = mal_kind_area_release,
	.map = mal_kind_area_map,
	.page = mal_kind_area_page,
	.info = mal_kind_area_info,
};
