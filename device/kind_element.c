// SPDX-License-Identifier: GPL-2.0
/*
 * Elements: handles that stand for an element of a mempool
 *
 * A pool serves those who may sleep, however long it takes: that is what it is
 * for. Here nobody must wait so that a signal cannot end it, so the pool is only
 * ever asked for what it can give at once, again and again at growing intervals;
 * a process that has all the elements itself waits until it is sent a signal. Who
 * may not sleep, gives up early (NORETRY), or wants the reserve and nothing else
 * (MEMALLOC_ALLOC_PREALLOCATED) does not wait.
 *
 * A pool does not zero what it gives, and what was in it may be of an element that
 * was freed before: it is zeroed here, unless it is an object of a cache whose
 * objects stay as they are; see kind_object.c.
 *
 * Contexts: task, may sleep. Nothing here takes a lock.
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

#include "internal/handle.h"
#include "internal/kind.h"
#include "internal/slab.h"

static int mal_element_size(struct mal_request *request)
{
	const struct memalloc_alloc *arg = request->arg;

	if (arg->order || arg->bytes || arg->count ||
	    request->node != NUMA_NO_NODE ||
	    arg->gfp & (MEMALLOC_GFP_DMA | MEMALLOC_GFP_DMA32 |
			MEMALLOC_GFP_THISNODE))
		return -EINVAL;
	request->bytes = request->parent->element_bytes;
	request->held = request->parent->element_held;
	return 0;
}

static bool mal_element_of_pages(const struct mal_object *obj)
{
	return obj->parent->backend == MEMALLOC_MEMPOOL_PAGES;
}

/* What can be had at once, and then what the allocators have if one may sleep. */
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

static void mal_element_clear(struct mal_object *obj)
{
	const struct mal_object *pool = obj->parent;
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

static int mal_element_alloc(struct mal_object *obj,
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

static void mal_element_release(struct mal_object *obj)
{
	mal_mempool_free(obj->memory, obj->parent->pool);
}

/* Neither pools nor their blocks are of high memory. */
static void *mal_element_map(struct mal_object *obj, u64 offset, size_t *len)
{
	void *memory = mal_element_of_pages(obj) ?
		       page_address(obj->memory) : obj->memory;

	return memory + offset;
}

static void mal_element_info(struct mal_object *obj, u64 offset,
			     struct memalloc_info *info)
{
	size_t len = 1;
	void *address = mal_element_map(obj, offset, &len);
	struct mal_slab *slab;

	/* It is held, and so its slab stays. */
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
	.release = mal_element_release,
	.map = mal_element_map,
	.info = mal_element_info,
};
