// SPDX-License-Identifier: GPL-2.0
/*
 * Elements: handles for elements of a mempool
 *
 * A mempool makes callers that may sleep wait without limit. Here a signal must
 * be able to end every wait. So the pool is only asked for what is available at
 * once, again and again at growing intervals. A process that owns all elements
 * itself waits until it gets a signal. A request that must not sleep, gives up
 * early (NORETRY), or wants only the reserve (MEMALLOC_ALLOC_PREALLOCATED) does
 * not wait.
 *
 * A pool does not zero elements, and an element may contain data of an earlier
 * one. It is zeroed here, unless it is an object of a cache that preserves the
 * contents of free objects; see kind_object.c.
 *
 * Context: task, may sleep. Takes no lock.
 */
#include <linux/errno.h>
#include <linux/gfp.h>
#include <linux/highmem.h>
#include <linux/jiffies.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/string.h>

#include <memalloc/mempool.h>
#include <uapi/linux/memalloc.h>

#include "internal/gfp.h"
#include "internal/handle.h"
#include "internal/kind.h"
#include "internal/kmalloc.h"
#include "internal/region.h"
#include "internal/slab.h"

static int mal_element_size(struct mal_request *request)
{
	const struct memalloc_alloc *arg = request->arg;
	const struct mal_handle *pool = request->parent;

	if (arg->order || arg->bytes || arg->count ||
	    arg->gfp & (MEMALLOC_GFP_DMA | MEMALLOC_GFP_DMA32 |
			MEMALLOC_GFP_THISNODE))
		return -EINVAL;
	if (pool->parent && !mal_may_use_zone(pool->parent->cache->gfp))
		return -EPERM;
	request->bytes = pool->element_bytes;
	request->charged = pool->element_charged;
	return 0;
}

static bool mal_element_of_pages(const struct mal_handle *obj)
{
	return obj->parent->backend == MEMALLOC_MEMPOOL_PAGES;
}

/* Try the pool without sleeping, then the allocator if the caller may sleep. */
static void *mal_element_try(mal_mempool_t *pool, gfp_t gfp)
{
	void *element = mal_mempool_alloc(pool, gfp & ~__GFP_DIRECT_RECLAIM);

	if (element || !gfpflags_allow_blocking(gfp))
		return element;
	return mal_mempool_alloc_noreserve(pool, gfp | __GFP_NORETRY | __GFP_NOWARN);
}

static int mal_element_wait(mal_mempool_t *pool, gfp_t gfp, void **element)
{
	const long longest = max(HZ / 10, 1);
	long pause = 1;

	for (;;) {
		*element = mal_element_try(pool, gfp);
		if (*element)
			return 0;
		if (!gfpflags_allow_blocking(gfp) || gfp & __GFP_NORETRY)
			return -ENOMEM;
		schedule_timeout_interruptible(pause);
		if (signal_pending(current))
			return -EINTR;
		pause = min(2 * pause, longest);
	}
}

static void mal_element_clear(struct mal_handle *obj)
{
	const struct mal_handle *pool = obj->parent;
	struct page *first = obj->memory;
	unsigned int i;

	if (mal_element_of_pages(obj)) {
		for (i = 0; i < obj->bytes >> PAGE_SHIFT; i++)
			clear_highpage(first + i);
	} else if (pool->backend == MEMALLOC_MEMPOOL_KMALLOC ||
		   !(pool->parent->cache->flags & MAL_CACHE_NO_INIT)) {
		memset(obj->memory, 0, obj->bytes);
	}
}

static int mal_element_alloc(struct mal_handle *obj,
			     const struct mal_request *request)
{
	gfp_t gfp = request->gfp & ~(__GFP_ZERO | __GFP_HIGHMEM | __GFP_MOVABLE);
	mal_mempool_t *pool = obj->parent->pool;
	int err = 0;

	if (request->arg->flags & MEMALLOC_ALLOC_PREALLOCATED) {
		obj->memory = mal_mempool_alloc_preallocated(pool);
		if (!obj->memory)
			return -ENOMEM;
	} else {
		err = mal_element_wait(pool, gfp, &obj->memory);
		if (err)
			return err;
	}
	mal_element_clear(obj);
	return 0;
}

static void mal_element_attribute(struct mal_handle *obj, unsigned long site)
{
	if (mal_element_of_pages(obj))
		mal_page_of(obj->memory)->caller = site;
	else
		mal_kmalloc_set_caller(obj->memory, site);
}

static void mal_element_release(struct mal_handle *obj)
{
	mal_mempool_free(obj->memory, obj->parent->pool);
}

/* Pools and their elements do not use high memory. */
static void *mal_element_map(struct mal_handle *obj, u64 offset, size_t *len)
{
	void *memory = mal_element_of_pages(obj) ?
		       page_address(obj->memory) : obj->memory;

	return memory + offset;
}

static void mal_element_info(struct mal_handle *obj, u64 offset,
			     struct memalloc_info *info)
{
	size_t len = 1;
	void *address = mal_element_map(obj, offset, &len);
	struct mal_slab *slab;

	/* The slab stays, because the object is allocated. */
	slab = mal_element_of_pages(obj) ? NULL : mal_slab_of(obj->memory);
	if (slab)
		strscpy(info->out_name, slab->cache->name,
			sizeof(info->out_name));
	mal_info_of_address(address, info);
}

const struct mal_kind mal_kind_element = {
	.id = MEMALLOC_KIND_ELEMENT,
	.parent = MEMALLOC_KIND_MEMPOOL,
	.flags = MEMALLOC_ALLOC_PREALLOCATED,
	.size = mal_element_size,
	.alloc = mal_element_alloc,
	.attribute = mal_element_attribute,
	.release = mal_element_release,
	.map = mal_element_map,
	.info = mal_element_info,
};
