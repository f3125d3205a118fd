// SPDX-License-Identifier: GPL-2.0
/*
 * Caches: handles for slab caches
 *
 * A cache is created by a command of its own. It is the parent of the objects
 * that kind_object.c allocates, and has no bytes. It is destroyed when its
 * handle and all objects are gone. It is charged with its metadata, including
 * all sheaves that it may ever have. Otherwise a program with many caches could
 * pin several times its quotas in sheaves.
 *
 * Freed objects that a cache keeps, in sheaves, empty slabs or the quarantine,
 * are not charged to a file: they are reclaimed when the cap is reached or the
 * host is short of memory. A cache that refuses reclaim requires CAP_SYS_ADMIN.
 *
 * Constructors. User space chooses one of the constructors below by number.
 * Each fills the whole object, and a cache that does not zero its objects on
 * allocation always has one. So old contents of the pages are never visible. A
 * constructor looks up the size of its object, because it is not told.
 *
 * Context: task, may sleep; the constructors in any. Takes no lock.
 */
#include <linux/capability.h>
#include <linux/cpumask.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/nodemask.h>
#include <linux/nospec.h>
#include <linux/overflow.h>
#include <linux/slab.h>
#include <linux/string.h>

#include <asm/byteorder.h>

#include <memalloc/kmalloc.h>
#include <memalloc/slab_cache.h>
#include <uapi/linux/memalloc.h>

#include "internal/gfp.h"
#include "internal/handle.h"
#include "internal/kind.h"
#include "internal/kmalloc.h"
#include "internal/name.h"
#include "internal/sheaf_cpu.h"
#include "internal/slab.h"
#include "internal/slab_cache.h"

struct mal_cache_flag {
	u32 user;
	slab_flags_t flag;
};

static const struct mal_cache_flag mal_cache_flags[] = {
	{ MEMALLOC_CACHE_HWCACHE_ALIGN, SLAB_HWCACHE_ALIGN },
	{ MEMALLOC_CACHE_DMA, SLAB_CACHE_DMA },
	{ MEMALLOC_CACHE_DMA32, SLAB_CACHE_DMA32 },
	{ MEMALLOC_CACHE_TYPESAFE_BY_RCU, SLAB_TYPESAFE_BY_RCU },
	{ MEMALLOC_CACHE_RECLAIM_ACCOUNT, SLAB_RECLAIM_ACCOUNT },
	{ MEMALLOC_CACHE_NO_REAP, MAL_SLAB_NO_REAP },
	{ MEMALLOC_CACHE_RED_ZONE, SLAB_RED_ZONE },
	{ MEMALLOC_CACHE_POISON, SLAB_POISON },
	{ MEMALLOC_CACHE_STORE_USER, SLAB_STORE_USER },
	{ MEMALLOC_CACHE_CHECKS, SLAB_CONSISTENCY_CHECKS },
};

static slab_flags_t mal_cache_flags_from_user(u32 user)
{
	slab_flags_t flags = 0;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(mal_cache_flags); i++)
		if (user & mal_cache_flags[i].user)
			flags |= mal_cache_flags[i].flag;
	return flags;
}

/*
 * Constructors
 */

static void mal_ctor_zero(void *object)
{
	memset(object, 0, mal_kmalloc_room(object));
}

static void mal_ctor_count(void *object)
{
	size_t size = mal_kmalloc_room(object), offset;
	__le64 word;

	for (offset = 0; offset < size; offset += sizeof(word)) {
		word = cpu_to_le64(offset / sizeof(word));
		memcpy(object + offset, &word, min(size - offset, sizeof(word)));
	}
}

/* Indexed by enum memalloc_ctor. */
static void (*const mal_ctors[])(void *object) = {
	[MEMALLOC_CTOR_NONE] = NULL,
	[MEMALLOC_CTOR_ZERO] = mal_ctor_zero,
	[MEMALLOC_CTOR_COUNT] = mal_ctor_count,
};

static void (*mal_ctor_from_user(const struct memalloc_cache_create *arg))(void *)
{
	u32 ctor = array_index_nospec(arg->ctor, ARRAY_SIZE(mal_ctors));

	if (!mal_ctors[ctor] && arg->flags & MEMALLOC_CACHE_TYPESAFE_BY_RCU)
		return mal_ctor_zero;
	return mal_ctors[ctor];
}

/*
 * Input from user space
 */

static bool mal_cache_create_ok(const struct memalloc_cache_create *arg)
{
	const u32 dma = MEMALLOC_CACHE_DMA | MEMALLOC_CACHE_DMA32;

	return !(arg->flags & ~MEMALLOC_CACHE_ALL) && !arg->reserved &&
	       (arg->flags & dma) != dma &&
	       arg->object_size &&
	       arg->object_size <= PAGE_SIZE << MEMALLOC_MAX_ORDER &&
	       (!arg->align || is_power_of_2(arg->align)) &&
	       arg->align <= PAGE_SIZE &&
	       arg->useroffset <= arg->object_size &&
	       arg->usersize <= arg->object_size - arg->useroffset &&
	       arg->ctor < ARRAY_SIZE(mal_ctors) &&
	       mal_name_ok(arg->name);
}

/*
 * Sheaves come and go while no file is involved. So a cache is charged with the
 * most that it may have.
 */
static u64 mal_cache_metadata_bytes(const struct memalloc_cache_create *arg)
{
	return mal_cache_sheaves_bound(arg->object_size) +
	       sizeof(struct mal_kmem_cache) +
	       nr_node_ids * sizeof(struct mal_slab_node *) +
	       num_possible_nodes() * sizeof(struct mal_slab_node) +
	       num_possible_cpus() * sizeof(struct mal_cpu_sheaves) +
	       MEMALLOC_SHOWN_NAME_SIZE;
}

/* Memory that cannot be reclaimed would evade the caller's quotas. */
static bool mal_cache_create_allowed(const struct memalloc_cache_create *arg)
{
	gfp_t gfp = 0;

	if (arg->flags & MEMALLOC_CACHE_DMA)
		gfp |= __GFP_DMA;
	if (arg->flags & MEMALLOC_CACHE_DMA32)
		gfp |= __GFP_DMA32;
	if (arg->flags & MEMALLOC_CACHE_NO_REAP && !capable(CAP_SYS_ADMIN))
		return false;
	return mal_may_use_zone(gfp);
}

/**
 * mal_cache_request() - translate a command to create a cache
 * @arg: the command
 * @request: filled in
 *
 * Context: task.
 * Return: 0, -EINVAL, or -EPERM (a flag requires a capability).
 */
int mal_cache_request(const struct memalloc_cache_create *arg,
		      struct mal_request *request)
{
	if (!mal_cache_create_ok(arg))
		return -EINVAL;
	if (!mal_cache_create_allowed(arg))
		return -EPERM;
	*request = (struct mal_request) {
		.kind = &mal_kind_cache,
		.cache = arg,
		.charged = mal_cache_metadata_bytes(arg),
		.gfp = GFP_KERNEL,
		.node = NUMA_NO_NODE,
	};
	return 0;
}

/*
 * Kind
 */

static int mal_kind_cache_create(struct mal_handle *obj,
				 const struct mal_request *request)
{
	const struct memalloc_cache_create *arg = request->cache;
	const struct mal_kmem_cache_args args = {
		.align = arg->align,
		.useroffset = arg->useroffset,
		.usersize = arg->usersize,
		.ctor = mal_ctor_from_user(arg),
		.quarantine = arg->flags & MEMALLOC_CACHE_QUARANTINE,
		.guard = arg->flags & MEMALLOC_CACHE_GUARD,
	};
	char name[MEMALLOC_SHOWN_NAME_SIZE];

	mal_name_show(arg->name, name);
	obj->cache = mal_kmem_cache_create_args(name, arg->object_size, &args,
						mal_cache_flags_from_user(arg->flags));
	return obj->cache ? 0 : -ENOMEM;
}

/*
 * There are no objects left. If the cache stays, it is because of reported
 * misuse.
 */
static void mal_kind_cache_destroy(struct mal_handle *obj)
{
	mal_kmem_cache_destroy_later(obj->cache);
}

static void mal_cache_info(struct mal_handle *obj, u64 offset,
			   struct memalloc_info *info)
{
	strscpy(info->out_name, obj->cache->name, sizeof(info->out_name));
}

const struct mal_kind mal_kind_cache = {
	.id = MEMALLOC_KIND_CACHE,
	.alloc = mal_kind_cache_create,
	.release = mal_kind_cache_destroy,
	.info = mal_cache_info,
};
