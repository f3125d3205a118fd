// SPDX-License-Identifier: GPL-2.0
/*
 * kmalloc: memory by the byte, from caches of fixed sizes
 *
 * Sizes are rounded up to the next of 36 classes, four per doubling from 64
 * bytes on, and each class is a cache of slab_cache.c. The rounding wastes no
 * more than a fifth of what is handed out from there on, a tenth on the
 * average; with one class per doubling, it is a half and a quarter.
 *
 * A size that the compiler knows has its class found by the compiler; another
 * is looked up in a table. There is a second set of classes in the zone DMA.
 * Larger sizes are kmalloc_large.c's.
 *
 * Freeing needs the address alone: see mal_slab_of(). So mal_kfree() takes
 * objects of any cache.
 *
 * Waste. How much of a class is asked for is measured: each time that the short
 * way does not do, the size wanted is noted. That is one allocation in as many
 * as a sheaf holds, and costs the others nothing.
 *
 * Locking: none here.
 *
 * Context: any; allocation sleeps if its flags allow it.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/kernel.h>
#include <linux/math64.h>
#include <linux/mm.h>
#include <linux/nospec.h>
#include <linux/seq_file.h>
#include <linux/string.h>

#include <memalloc/kmalloc.h>
#include <uapi/linux/memalloc.h>

#include "internal/compat.h"
#include "internal/kmalloc.h"
#include "internal/slab_alloc.h"
#include "internal/slab_cache.h"
#include "internal/slab_debug.h"
#include "internal/slab_sanitizer.h"
#include "internal/trace.h"

struct mal_kmem_cache *
mal_kmalloc_caches[MAL_NR_KMALLOC_TYPES][MAL_NR_KMALLOC_CLASSES] __ro_after_init;
MAL_EXPORT(mal_kmalloc_caches);

/* The class of a size less one, in units of eight bytes. */
static u8 mal_kmalloc_table[MAL_KMALLOC_MAX_CLASS / 8] __ro_after_init;

static struct mal_kmem_cache *mal_kmalloc_cache(size_t size, gfp_t gfp)
{
	unsigned int index = mal_kmalloc_table[(size - 1) / 8];

	return mal_kmalloc_caches[mal_kmalloc_type(gfp)][index];
}

/* For a size that user space may have chosen: also where the look at it was foreseen. */
static struct mal_kmem_cache *mal_kmalloc_cache_nospec(size_t size, gfp_t gfp)
{
	return mal_kmalloc_cache(array_index_nospec(size - 1, MAL_KMALLOC_MAX_CLASS) + 1,
				 gfp);
}

/*
 * Allocation
 */

/* In the debug modes, what was not asked for is nobody's. */
static void mal_kmalloc_narrow(struct mal_slab *slab, void *object, size_t size,
			       bool zero, unsigned long caller)
{
	mal_sanitizer_alloc(slab->cache, object, size);
	if (slab->flags)
		mal_debug_resize(slab, object, size, zero, caller);
}

static void mal_kmalloc_narrow_new(struct mal_kmem_cache *cache, void *object,
				   size_t size, unsigned long caller)
{
	if (cache->flags & (MAL_CACHE_DEBUG | MAL_CACHE_GUARD))
		mal_kmalloc_narrow(mal_slab_of(object), object, size, false,
				   caller);
	else
		mal_sanitizer_alloc(cache, object, size);
}

/* The long way, which takes a sample. */
static noinline void *mal_kmalloc_slow(struct mal_kmem_cache *cache, gfp_t gfp,
				       int nid, size_t size,
				       unsigned long caller)
{
	void *object = mal_object_alloc_slow(cache, gfp, nid, caller);

	atomic64_inc(&cache->samples);
	atomic64_add(size, &cache->sampled);
	if (object)
		mal_kmalloc_narrow_new(cache, object, size, caller);
	return object;
}

static void *mal_kmalloc_anyhow(struct mal_kmem_cache *cache, gfp_t gfp, int nid,
				size_t size, unsigned long caller)
{
	void *object = mal_object_alloc_at_hand(cache, gfp, nid);

	if (!object)
		return mal_kmalloc_slow(cache, gfp, nid, size, caller);
	mal_sanitizer_alloc(cache, object, size);
	return object;
}

/* If somebody watches. */
static noinline void *mal_kmalloc_watched(struct mal_kmem_cache *cache, gfp_t gfp,
					  int nid, size_t size,
					  unsigned long caller)
{
	void *object = NULL;

	if (!mal_inject_may_fail(gfp))
		object = mal_kmalloc_anyhow(cache, gfp, nid, size, caller);
	trace_mal_kmalloc(caller, object, size, cache->size, gfp, nid);
	return object;
}

/* See mal_object_alloc(), from which this differs by the sample. */
static __always_inline void *mal_kmalloc_from(struct mal_kmem_cache *cache,
					      gfp_t gfp, size_t size)
{
	void *object;

	if (mal_alloc_may_detour()) {
		if (mal_is_watched())
			return mal_kmalloc_watched(cache, gfp, NUMA_NO_NODE, size,
						   _RET_IP_);
		gfp = mal_object_gfp(gfp);
	}
	mal_object_may_sleep(gfp);
	if (unlikely(!mal_sheaf_pop(cache, &object)))
		return mal_kmalloc_slow(cache, gfp, NUMA_NO_NODE, size, _RET_IP_);
	mal_sanitizer_alloc(cache, object, mal_sanitizer_on() &&
			    gfp & __GFP_ZERO ? cache->object_size : size);
	if (unlikely(gfp & __GFP_ZERO))
		object = mal_object_zero(cache, object);
	if (mal_sanitizer_on())
		mal_sanitizer_alloc(cache, object, size);
	mal_kmemleak_alloc(cache, object, gfp);
	return object;
}

/**
 * mal_kmalloc_class() - allocate from a size class
 * @cache: the class
 * @gfp: as for mal_kmalloc()
 * @size: what is asked for, for the statistics
 *
 * For mal_kmalloc() with a size that the compiler knows.
 *
 * Context: as for mal_kmalloc().
 * Return: as for mal_kmalloc().
 */
void *mal_kmalloc_class(struct mal_kmem_cache *cache, gfp_t gfp, size_t size)
{
	return mal_kmalloc_from(cache, gfp, size);
}
MAL_EXPORT(mal_kmalloc_class);

/**
 * mal_kmalloc_sized() - allocate memory
 * @size: as for mal_kmalloc()
 * @gfp: as for mal_kmalloc()
 *
 * For mal_kmalloc() with a size that the compiler does not know.
 *
 * Context: as for mal_kmalloc().
 * Return: as for mal_kmalloc().
 */
void *mal_kmalloc_sized(size_t size, gfp_t gfp)
{
	/* Zero wraps. */
	if (unlikely(size - 1 >= MAL_KMALLOC_MAX_CLASS)) {
		if (!size)
			return ZERO_SIZE_PTR;
		return mal_large_alloc(size, gfp, NUMA_NO_NODE, _RET_IP_);
	}
	return mal_kmalloc_from(mal_kmalloc_cache(size, gfp), gfp, size);
}
MAL_EXPORT(mal_kmalloc_sized);

/**
 * mal_kmalloc_node() - allocate memory, near a node
 * @size: as for mal_kmalloc()
 * @gfp: as for mal_kmalloc(); with __GFP_THISNODE no other node will do
 * @node: the node to prefer, or NUMA_NO_NODE for the nearest one
 *
 * Context: as for mal_kmalloc().
 * Return: as for mal_kmalloc().
 */
void *mal_kmalloc_node(size_t size, gfp_t gfp, int node)
{
	if (unlikely(size - 1 >= MAL_KMALLOC_MAX_CLASS)) {
		if (!size)
			return ZERO_SIZE_PTR;
		return mal_large_alloc(size, gfp, node, _RET_IP_);
	}
	if (mal_is_watched())
		return mal_kmalloc_watched(mal_kmalloc_cache(size, gfp), gfp, node,
					   size, _RET_IP_);
	if (node == NUMA_NO_NODE || node == numa_mem_id())
		return mal_kmalloc_from(mal_kmalloc_cache(size, gfp), gfp, size);
	return mal_kmalloc_slow(mal_kmalloc_cache(size, gfp), gfp, node, size,
				_RET_IP_);
}
MAL_EXPORT(mal_kmalloc_node);

/**
 * mal_kmalloc_large() - allocate memory that no size class is large enough for
 * @size: more than MAL_KMALLOC_MAX_CLASS
 * @gfp: as for mal_kmalloc()
 *
 * For mal_kmalloc() with a size that the compiler knows.
 *
 * Context: as for mal_kmalloc(), but that NMIs get nothing.
 * Return: as for mal_kmalloc().
 */
void *mal_kmalloc_large(size_t size, gfp_t gfp)
{
	return mal_large_alloc(size, gfp, NUMA_NO_NODE, _RET_IP_);
}
MAL_EXPORT(mal_kmalloc_large);

/**
 * mal_kmalloc_caller() - allocate memory on behalf of somebody
 * @size: as for mal_kmalloc()
 * @gfp: as for mal_kmalloc()
 * @node: as for mal_kmalloc_node()
 * @caller: code address of who it is for: if it leaks, they are told
 *
 * Context: as for mal_kmalloc().
 * Return: as for mal_kmalloc().
 */
void *mal_kmalloc_caller(size_t size, gfp_t gfp, int node, unsigned long caller)
{
	struct mal_kmem_cache *cache;

	if (unlikely(size - 1 >= MAL_KMALLOC_MAX_CLASS)) {
		if (!size)
			return ZERO_SIZE_PTR;
		return mal_large_alloc(size, gfp, node, caller);
	}
	cache = mal_kmalloc_cache_nospec(size, gfp);
	if (mal_is_watched())
		return mal_kmalloc_watched(cache, gfp, node, size, caller);
	return mal_kmalloc_anyhow(cache, gfp, node, size, caller);
}

/**
 * mal_kmalloc_set_caller() - say that memory is somebody else's now
 * @object: memory, or an object of any cache
 * @caller: code address of who has it: if it leaks, they are told
 *
 * Context: any; not in NMI, if objects are tracked. The caller holds the memory.
 */
void mal_kmalloc_set_caller(const void *object, unsigned long caller)
{
	struct mal_page *desc;
	struct mal_slab *slab;

	if (unlikely(ZERO_OR_NULL_PTR(object)))
		return;
	rcu_read_lock();
	slab = mal_slab_of(object);
	desc = mal_page_of_address(object);
	if (!slab && desc && mal_large_room(desc))
		mal_large_set_caller(desc, caller);
	else if (slab && slab->flags & MAL_CACHE_STORE_USER)
		mal_debug_set_user(slab, object, caller);
	rcu_read_unlock();
}

/*
 * Free
 */

/**
 * mal_kfree() - free memory
 * @object: what mal_kmalloc() or mal_kmem_cache_alloc() returned, or NULL
 *
 * Misuse is reported and has no other effect.
 *
 * Context: any.
 */
void mal_kfree(const void *object)
{
	struct mal_slab *slab;
	unsigned long here;

	preempt_disable();
	/* First, as it is a call on some machines, and there is little to save now. */
	here = mal_cpu_here();
	if (unlikely(!mal_slab_find(object, &slab))) {
		preempt_enable();
		if (!ZERO_OR_NULL_PTR(object))
			mal_large_free(object, _RET_IP_);
		return;
	}
	mal_object_free_by_slab(slab, here, (void *)object);
}
MAL_EXPORT(mal_kfree);

/*
 * How many of the objects can be offered to a cache, of which the first one is;
 * with "lean", nobody looks at them any more.
 */
static size_t mal_kfree_run(struct mal_kmem_cache *cache, size_t nr,
			    void **objects)
{
	struct mal_slab *slab;
	size_t run = 1;

	if (!mal_lean())
		return nr;
	while (run < nr && mal_slab_find(objects[run], &slab) &&
	       slab->cache == cache)
		run++;
	return run;
}

/**
 * mal_kfree_bulk() - free many pieces of memory
 * @nr: how many
 * @objects: what mal_kfree() takes
 *
 * Context: any.
 */
void mal_kfree_bulk(size_t nr, void **objects)
{
	struct mal_slab *slab;
	size_t put = 0;

	while (put < nr) {
		rcu_read_lock();
		slab = mal_slab_of(objects[put]);
		if (slab)
			put += mal_objects_free_run(slab->cache,
						    mal_kfree_run(slab->cache, nr - put,
								  objects + put),
						    objects + put);
		rcu_read_unlock();
		if (put < nr)
			mal_kfree(objects[put++]);
	}
}
MAL_EXPORT(mal_kfree_bulk);

/* How much memory there is; zero for what is not ours. */
static size_t mal_kmalloc_room(const void *object)
{
	struct mal_page *desc;
	struct mal_slab *slab;
	size_t size = 0;

	if (unlikely(ZERO_OR_NULL_PTR(object)))
		return 0;
	rcu_read_lock();
	slab = mal_slab_of(object);
	desc = mal_page_of_address(object);
	if (slab)
		size = slab->cache->object_size;
	else if (desc)
		size = mal_large_room(desc);
	rcu_read_unlock();
	return size;
}

/**
 * mal_kmalloc_owned() - how much memory somebody has
 * @object: any value
 *
 * Context: any.
 * Return: bytes, as mal_ksize(); zero if this is not the beginning of memory that
 * is allocated.
 */
size_t mal_kmalloc_owned(const void *object)
{
	struct mal_slab *slab;
	bool owned;

	rcu_read_lock();
	slab = mal_slab_of(object);
	owned = slab ? mal_slab_owns(slab, object) : !offset_in_page(object);
	rcu_read_unlock();
	return owned ? mal_kmalloc_room(object) : 0;
}

/**
 * mal_kmalloc_asked() - how much of it is the owner's
 * @object: the memory; the caller has it
 * @room: bytes that there are
 *
 * Those bytes may be read and written then, under KASAN, too.
 *
 * Context: any.
 * Return: bytes: in the debug modes, as many as were asked for, else @room.
 */
size_t mal_kmalloc_asked(const void *object, size_t room)
{
	struct mal_slab *slab;

	rcu_read_lock();
	slab = mal_slab_of(object);
	if (slab && slab->flags)
		room = mal_debug_asked(slab, object);
	else if (slab && mal_slab_owns(slab, object))
		mal_sanitizer_alloc(slab->cache, object, room);
	else if (!slab && mal_sanitizer_on())
		mal_sanitizer_set_valid(object, room);
	rcu_read_unlock();
	return room;
}

/**
 * mal_ksize() - how much memory there is
 * @object: what mal_kmalloc() returned
 *
 * All of it is the caller's from then on, also in the debug modes.
 *
 * Context: any.
 * Return: bytes, at least as many as were asked for; zero for ZERO_SIZE_PTR and
 * NULL, and for what is not ours.
 */
size_t mal_ksize(const void *object)
{
	size_t size = mal_kmalloc_room(object);
	struct mal_slab *slab;

	if (!size)
		return 0;
	rcu_read_lock();
	slab = mal_slab_of(object);
	if (slab && mal_slab_owns(slab, object))
		mal_kmalloc_narrow(slab, (void *)object, size, false, _RET_IP_);
	else if (!slab && mal_sanitizer_on())
		mal_sanitizer_set_valid(object, size);
	rcu_read_unlock();
	return size;
}
MAL_EXPORT(mal_ksize);

/**
 * mal_kfree_sensitive() - free memory, and leave no trace of what was in it
 * @object: what mal_kfree() takes
 *
 * Context: any.
 */
void mal_kfree_sensitive(const void *object)
{
	size_t size = mal_kmalloc_owned(object);

	if (size)
		memzero_explicit((void *)object,
				 mal_kmalloc_asked(object, size));
	mal_kfree(object);
}
MAL_EXPORT(mal_kfree_sensitive);

/**
 * mal_kmalloc_size_roundup() - how much memory there would be
 * @size: bytes to ask for
 *
 * Context: any.
 * Return: bytes that mal_ksize() would tell; @size if it is too large.
 */
size_t mal_kmalloc_size_roundup(size_t size)
{
	if (!size || size > MAL_KMALLOC_MAX_SIZE)
		return size;
	if (size > MAL_KMALLOC_MAX_CLASS)
		return PAGE_ALIGN(size);
	return mal_kmalloc_cache_nospec(size, GFP_KERNEL)->object_size;
}
MAL_EXPORT(mal_kmalloc_size_roundup);

/*
 * Realloc and copies
 */

/*
 * What is behind the end is zero, if what is new is to be: then it is zero when it
 * comes to be the owner's, here or elsewhere.
 */
static void mal_kmalloc_clear_rest(void *object, size_t new_size, size_t old_size)
{
	size_t end = mal_kmalloc_asked(object, old_size);

	if (end > new_size)
		memset(object + new_size, 0, end - new_size);
}

/* Does it fit where it is? The size is noted, where one is. */
static bool mal_resize_in_place(const void *object, size_t new_size,
				size_t old_size, gfp_t gfp, unsigned long caller)
{
	struct mal_page *desc;
	struct mal_slab *slab;

	if (new_size > old_size)
		return false;
	if (want_init_on_alloc(gfp))
		mal_kmalloc_clear_rest((void *)object, new_size, old_size);
	slab = mal_slab_of(object);
	desc = mal_page_of_address(object);
	if (slab && mal_slab_owns(slab, object))
		mal_kmalloc_narrow(slab, (void *)object, new_size,
				   want_init_on_alloc(gfp), caller);
	else if (desc->state == MAL_PAGE_LARGE)
		mal_large_resize(desc, new_size);
	return true;
}

/**
 * mal_krealloc_caller() - mal_krealloc() on behalf of somebody
 * @object: as for mal_krealloc()
 * @new_size: as for mal_krealloc()
 * @gfp: as for mal_krealloc()
 * @caller: code address of who it is for
 *
 * Context: as for mal_krealloc().
 * Return: as for mal_krealloc().
 */
void *mal_krealloc_caller(const void *object, size_t new_size, gfp_t gfp,
			  unsigned long caller)
{
	size_t old_size;
	void *new;

	if (unlikely(!new_size)) {
		mal_kfree(object);
		return ZERO_SIZE_PTR;
	}
	old_size = mal_kmalloc_owned(object);
	if (unlikely(!old_size && !ZERO_OR_NULL_PTR(object))) {
		mal_slab_report_free(NULL, object, caller);
		return NULL;
	}
	if (old_size && mal_resize_in_place(object, new_size, old_size, gfp,
					    caller))
		return (void *)object;
	new = mal_kmalloc_caller(new_size, gfp, NUMA_NO_NODE, caller);
	if (new && old_size) {
		memcpy(new, object, mal_kmalloc_asked(object, old_size));
		mal_kfree(object);
	}
	return new;
}

/**
 * mal_krealloc() - change the size of memory
 * @object: what mal_kmalloc() returned, or NULL for none
 * @new_size: bytes it shall have; zero frees it
 * @gfp: as for mal_kmalloc(). With __GFP_ZERO what is new is zero, if it was
 *	said each time before, too.
 *
 * Stays where it is, if it fits there. What is not the caller's is reported, as
 * by mal_kfree().
 *
 * Context: as for mal_kmalloc().
 * Return: the memory, with its contents; ZERO_SIZE_PTR; or NULL, and @object is
 * as it was.
 */
void *mal_krealloc(const void *object, size_t new_size, gfp_t gfp)
{
	return mal_krealloc_caller(object, new_size, gfp, _RET_IP_);
}
MAL_EXPORT(mal_krealloc);

/**
 * mal_kmemdup_caller() - mal_kmemdup() on behalf of somebody
 * @from: as for mal_kmemdup()
 * @length: as for mal_kmemdup()
 * @gfp: as for mal_kmemdup()
 * @caller: code address of who it is for
 *
 * Context: as for mal_kmalloc().
 * Return: the copy, or NULL.
 */
void *mal_kmemdup_caller(const void *from, size_t length, gfp_t gfp,
			 unsigned long caller)
{
	void *to = mal_kmalloc_caller(length, gfp, NUMA_NO_NODE, caller);

	if (to)
		memcpy(to, from, length);
	return to;
}

/**
 * mal_kmemdup() - copy memory
 * @from: what to copy
 * @length: bytes
 * @gfp: as for mal_kmalloc()
 *
 * Context: as for mal_kmalloc().
 * Return: the copy, or NULL.
 */
void *mal_kmemdup(const void *from, size_t length, gfp_t gfp)
{
	return mal_kmemdup_caller(from, length, gfp, _RET_IP_);
}
MAL_EXPORT(mal_kmemdup);

static char *mal_kmemdup_nul_caller(const char *from, size_t length, gfp_t gfp,
				    unsigned long caller)
{
	char *to;

	if (!from || length == SIZE_MAX)
		return NULL;
	to = mal_kmalloc_caller(length + 1, gfp, NUMA_NO_NODE, caller);
	if (to) {
		memcpy(to, from, length);
		to[length] = '\0';
	}
	return to;
}

/**
 * mal_kmemdup_nul() - make a string of bytes
 * @from: the bytes
 * @length: how many
 * @gfp: as for mal_kmalloc()
 *
 * Context: as for mal_kmalloc().
 * Return: the bytes with a zero after them, or NULL.
 */
char *mal_kmemdup_nul(const char *from, size_t length, gfp_t gfp)
{
	return mal_kmemdup_nul_caller(from, length, gfp, _RET_IP_);
}
MAL_EXPORT(mal_kmemdup_nul);

/**
 * mal_kstrdup_caller() - mal_kstrdup() on behalf of somebody
 * @from: as for mal_kstrdup()
 * @gfp: as for mal_kstrdup()
 * @caller: code address of who it is for
 *
 * Context: as for mal_kmalloc().
 * Return: the copy, or NULL.
 */
char *mal_kstrdup_caller(const char *from, gfp_t gfp, unsigned long caller)
{
	return from ? mal_kmemdup_nul_caller(from, strlen(from), gfp, caller) : NULL;
}

/**
 * mal_kstrdup() - copy a string
 * @from: the string, or NULL
 * @gfp: as for mal_kmalloc()
 *
 * Context: as for mal_kmalloc().
 * Return: the copy, or NULL.
 */
char *mal_kstrdup(const char *from, gfp_t gfp)
{
	return mal_kstrdup_caller(from, gfp, _RET_IP_);
}
MAL_EXPORT(mal_kstrdup);

/**
 * mal_kstrndup() - copy a string, up to a length
 * @from: the string, or NULL
 * @max: bytes of it at most
 * @gfp: as for mal_kmalloc()
 *
 * Context: as for mal_kmalloc().
 * Return: the copy, or NULL.
 */
char *mal_kstrndup(const char *from, size_t max, gfp_t gfp)
{
	if (!from)
		return NULL;
	return mal_kmemdup_nul_caller(from, strnlen(from, max), gfp, _RET_IP_);
}
MAL_EXPORT(mal_kstrndup);

/*
 * Figures
 */

/* Of the bytes of some pages, how many nobody has asked for, in thousandths. */
static u64 mal_class_waste(const struct memalloc_stats_class *stats)
{
	u64 mean = stats->samples ? div64_u64(stats->sampled_bytes, stats->samples) :
				    stats->object_size;
	u64 bytes = stats->pages << PAGE_SHIFT;

	return bytes ? div64_u64((bytes - min(stats->active * mean, bytes)) * 1000,
				 bytes) : 0;
}

static void mal_class_stats_fill(struct mal_kmem_cache *cache,
				 struct memalloc_stats_class *stats)
{
	struct mal_cache_stats now;

	mal_cache_stats(cache, &now);
	*stats = (struct memalloc_stats_class) {
		.dma = !!(cache->gfp & __GFP_DMA),
		.object_size = cache->object_size,
		.active = now.active,
		.objects = now.objects,
		.pages = now.slab_pages,
		.samples = atomic64_read(&cache->samples),
		.sampled_bytes = atomic64_read(&cache->sampled),
	};
	strscpy(stats->name, cache->name, sizeof(stats->name));
	stats->waste_per_mille = mal_class_waste(stats);
}

/**
 * mal_class_count() - how many size classes there are
 *
 * Context: any.
 * Return: a number.
 */
unsigned int mal_class_count(void)
{
	return MAL_NR_KMALLOC_TYPES * MAL_NR_KMALLOC_CLASSES;
}

/**
 * mal_class_stats() - the figures of a size class
 * @index: which, from zero
 * @stats: filled in
 *
 * Context: any but NMI.
 * Return: true, or false if there are not so many.
 */
bool mal_class_stats(unsigned int index, struct memalloc_stats_class *stats)
{
	if (index >= mal_class_count())
		return false;
	index = array_index_nospec(index, mal_class_count());
	mal_class_stats_fill(mal_kmalloc_caches[index / MAL_NR_KMALLOC_CLASSES]
					       [index % MAL_NR_KMALLOC_CLASSES],
			     stats);
	return true;
}

static void mal_class_show(struct seq_file *m,
			   const struct memalloc_stats_class *stats)
{
	u64 mean = stats->samples ? div64_u64(stats->sampled_bytes, stats->samples) :
				    stats->object_size;

	seq_printf(m, "%-17s %8llu %8llu %8llu %8llu %8llu %8llu %8llu\n",
		   stats->name, stats->object_size, stats->active,
		   stats->objects, stats->samples, mean, stats->waste_per_mille,
		   stats->pages);
}

/**
 * mal_kmalloc_show() - print the section "kmalloc"
 * @m: /proc/memalloc
 *
 * Context: task.
 */
void mal_kmalloc_show(struct seq_file *m)
{
	struct memalloc_stats_class stats;
	unsigned int index;

	seq_puts(m, "\n[kmalloc]\n");
	seq_puts(m, "# class               size   active  objects  samples mean_asked waste_per_mille pages\n");
	for (index = 0; mal_class_stats(index, &stats); index++)
		mal_class_show(m, &stats);
}

/*
 * Load and unload
 */

static void mal_kmalloc_destroy(void)
{
	unsigned int type, index;

	for (type = 0; type < MAL_NR_KMALLOC_TYPES; type++)
		for (index = 0; index < MAL_NR_KMALLOC_CLASSES; index++)
			if (mal_kmalloc_caches[type][index])
				mal_kmem_cache_abandon(mal_kmalloc_caches[type][index]);
}

static struct mal_kmem_cache *mal_class_create(unsigned int type,
					       unsigned int index)
{
	static const slab_flags_t flags[MAL_NR_KMALLOC_TYPES] = {
		[MAL_KMALLOC_DMA] = SLAB_CACHE_DMA,
	};
	static const char * const prefixes[MAL_NR_KMALLOC_TYPES] = {
		[MAL_KMALLOC_NORMAL] = "kmalloc",
		[MAL_KMALLOC_DMA] = "dma-kmalloc",
	};
	size_t size = mal_kmalloc_class_size(index);
	size_t align = max_t(size_t, ARCH_KMALLOC_MINALIGN, size & -size);
	char name[24];

	size = ALIGN(size, ARCH_KMALLOC_MINALIGN);
	snprintf(name, sizeof(name), "%s-%zu", prefixes[type],
		 mal_kmalloc_class_size(index));
	return mal_kmem_cache_create_usercopy(name, size,
					      min_t(size_t, align, PAGE_SIZE),
					      flags[type], 0, size, NULL);
}

/**
 * mal_kmalloc_init() - make the size classes
 *
 * Context: task.
 * Return: 0, or -ENOMEM.
 */
int mal_kmalloc_init(void)
{
	unsigned int type, index;
	size_t size;

	for (size = 8; size <= MAL_KMALLOC_MAX_CLASS; size += 8)
		mal_kmalloc_table[size / 8 - 1] = mal_kmalloc_index(size);
	for (type = 0; type < MAL_NR_KMALLOC_TYPES; type++)
		for (index = 0; index < MAL_NR_KMALLOC_CLASSES; index++) {
			mal_kmalloc_caches[type][index] = mal_class_create(type, index);
			if (!mal_kmalloc_caches[type][index])
				goto err;
		}
	return 0;

err:
	mal_kmalloc_destroy();
	return -ENOMEM;
}

/**
 * mal_kmalloc_exit() - the mirror of mal_kmalloc_init()
 *
 * What is allocated still is reported, and stays whose it is.
 *
 * Context: task. Nobody allocates or frees any more.
 */
void mal_kmalloc_exit(void)
{
	mal_kmalloc_destroy();
}
