// SPDX-License-Identifier: GPL-2.0
/*
 * kmalloc: memory of any size, from caches of fixed sizes
 *
 * A size is rounded up to the next of 36 classes, four per doubling from 64
 * bytes on. Each class is a cache of slab_cache.c. Rounding wastes no more than
 * a fifth of the memory handed out from there on, a tenth on average. One class
 * per doubling would waste up to a half, a quarter on average.
 *
 * The compiler finds the class of a constant size. The class of any other size
 * is looked up in a table. A second set of classes uses the zone DMA.
 * kmalloc_large.c serves larger sizes.
 *
 * Free needs only the address: see mal_slab_of(). So mal_kfree() accepts
 * objects of any cache.
 *
 * Waste. The requested sizes are sampled: each allocation on the slow path
 * records its size. This is one allocation per sheaf, and the fast path does
 * not pay for it.
 *
 * Locking: none here.
 *
 * Context: any; allocation sleeps if its flags allow it.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/align.h>
#include <linux/dma-mapping.h>
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
#include "internal/kunit.h"
#include "internal/report.h"
#include "internal/slab_alloc.h"
#include "internal/slab_cache.h"
#include "internal/slab_debug.h"
#include "internal/slab_sanitizer.h"
#include "internal/trace.h"

struct mal_kmem_cache *
mal_kmalloc_caches[MAL_NR_KMALLOC_TYPES][MAL_NR_KMALLOC_CLASSES] __ro_after_init;
MAL_EXPORT(mal_kmalloc_caches);

/* The class, indexed by the size less one in units of eight bytes. */
static u8 mal_kmalloc_table[MAL_KMALLOC_MAX_CLASS / 8] __ro_after_init;

static struct mal_kmem_cache *mal_kmalloc_cache(size_t size, gfp_t gfp)
{
	unsigned int index = mal_kmalloc_table[(size - 1) / 8];

	return mal_kmalloc_caches[mal_kmalloc_type(gfp)][index];
}

/* Bounds the size under speculation as well; user space may have chosen it. */
static struct mal_kmem_cache *mal_kmalloc_cache_nospec(size_t size, gfp_t gfp)
{
	return mal_kmalloc_cache(array_index_nospec(size - 1, MAL_KMALLOC_MAX_CLASS) + 1,
				 gfp);
}

/*
 * Allocation
 */

/* The debug modes protect the bytes beyond the requested size. */
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

/* Slow path; takes a sample. */
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

static void *mal_kmalloc_plain(struct mal_kmem_cache *cache, gfp_t gfp, int nid,
			       size_t size, unsigned long caller)
{
	void *object = mal_object_alloc_cached(cache, gfp, nid);

	if (!object)
		return mal_kmalloc_slow(cache, gfp, nid, size, caller);
	mal_sanitizer_alloc(cache, object, size);
	return object;
}

/* Called if instrumentation is on. */
static noinline void *mal_kmalloc_instrumented(struct mal_kmem_cache *cache, gfp_t gfp,
					       int nid, size_t size,
					       unsigned long caller)
{
	void *object = NULL;

	if (!mal_inject_may_fail(gfp))
		object = mal_kmalloc_plain(cache, gfp, nid, size, caller);
	trace_mal_kmalloc(caller, object, size, cache->size, gfp, nid);
	return object;
}

/* Like mal_object_alloc(), but takes samples. */
static __always_inline void *mal_kmalloc_from(struct mal_kmem_cache *cache,
					      gfp_t gfp, size_t size)
{
	void *object;

	if (mal_alloc_has_hooks()) {
		if (mal_is_instrumented())
			return mal_kmalloc_instrumented(cache, gfp, NUMA_NO_NODE, size,
							_RET_IP_);
		gfp = mal_object_gfp(cache, gfp);
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
 * @size: requested size, for the statistics
 *
 * Used by mal_kmalloc() for constant sizes.
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
 * Used by mal_kmalloc() for sizes that are not constant.
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
 * mal_kmalloc_node() - allocate memory, preferably on a node
 * @size: as for mal_kmalloc()
 * @gfp: as for mal_kmalloc(); __GFP_THISNODE excludes other nodes
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
	if (mal_is_instrumented())
		return mal_kmalloc_instrumented(mal_kmalloc_cache(size, gfp), gfp, node,
						size, _RET_IP_);
	if (node == NUMA_NO_NODE || node == numa_mem_id())
		return mal_kmalloc_from(mal_kmalloc_cache(size, gfp), gfp, size);
	return mal_kmalloc_slow(mal_kmalloc_cache(size, gfp), gfp, node, size,
				_RET_IP_);
}
MAL_EXPORT(mal_kmalloc_node);

/**
 * mal_kmalloc_large() - allocate memory that exceeds the largest size class
 * @size: more than MAL_KMALLOC_MAX_CLASS
 * @gfp: as for mal_kmalloc()
 *
 * Used by mal_kmalloc() for constant sizes.
 *
 * Context: as for mal_kmalloc(), but fails in NMI.
 * Return: as for mal_kmalloc().
 */
void *mal_kmalloc_large(size_t size, gfp_t gfp)
{
	return mal_large_alloc(size, gfp, NUMA_NO_NODE, _RET_IP_);
}
MAL_EXPORT(mal_kmalloc_large);

/**
 * mal_kmalloc_caller() - allocate memory on behalf of a caller
 * @size: as for mal_kmalloc()
 * @gfp: as for mal_kmalloc()
 * @node: as for mal_kmalloc_node()
 * @caller: code address to attribute the memory to in leak reports
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
	if (mal_is_instrumented())
		return mal_kmalloc_instrumented(cache, gfp, node, size, caller);
	return mal_kmalloc_plain(cache, gfp, node, size, caller);
}

/**
 * mal_kmalloc_set_caller() - attribute memory to another caller
 * @object: memory, or an object of any cache
 * @caller: code address to attribute it to in leak reports
 *
 * Context: any; not NMI if objects are tracked. The caller owns the memory.
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
 * @object: memory from mal_kmalloc() or mal_kmem_cache_alloc(), or NULL
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
	/*
	 * First: it is a call on some architectures, and few registers are live
	 * yet.
	 */
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
 * Number of objects that may be offered to the cache of the first one. The
 * cache does not check them later in lean mode.
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
 * mal_kfree_bulk() - free many objects
 * @nr: number of objects
 * @objects: as for mal_kfree()
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

/**
 * mal_kmalloc_room() - usable size of memory, allocated or free
 * @object: any value
 *
 * Context: any.
 * Return: bytes; zero if the address is not ours.
 */
size_t mal_kmalloc_room(const void *object)
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
 * mal_kmalloc_owned() - usable size of allocated memory
 * @object: any value
 *
 * Context: any.
 * Return: bytes, as mal_ksize(); zero if @object is not the beginning of
 * allocated memory.
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
 * mal_kmalloc_asked() - number of bytes that the owner may access
 * @object: the memory; the caller owns it
 * @room: usable size
 *
 * Makes these bytes accessible under KASAN as well.
 *
 * Context: any.
 * Return: bytes: the requested size in the debug modes, otherwise @room.
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

/* Is this object free, and not waiting for a grace period? */
static bool mal_object_is_free(const struct mal_slab *slab, const void *object)
{
	u32 index = mal_slab_index(slab->cache, slab, object);

	return index < slab->nr && !mal_slab_owns(slab, object) &&
	       slab->states[index] != MAL_OBJECT_RCU;
}

/**
 * mal_ksize() - usable size of memory
 * @object: memory from mal_kmalloc()
 *
 * In the debug modes the caller may use all of it from then on. Otherwise KASAN
 * continues to report accesses beyond the requested size, as with the host's
 * ksize(). A free slab object is reported as a use after free.
 *
 * Context: any.
 * Return: bytes, at least the requested size; zero for ZERO_SIZE_PTR and NULL,
 * for an address that is not ours, and for free memory.
 */
size_t mal_ksize(const void *object)
{
	size_t size = mal_kmalloc_room(object);
	struct mal_slab *slab;

	if (!size)
		return 0;
	rcu_read_lock();
	slab = mal_slab_of(object);
	if (slab && unlikely(mal_object_is_free(slab, object))) {
		mal_report(MAL_REPORT_USE_AFTER_FREE, _RET_IP_,
			   "size of a free object of cache %s", slab->cache->name);
		size = 0;
	} else if (slab && slab->flags && mal_slab_owns(slab, object)) {
		mal_debug_resize(slab, (void *)object, size, false, _RET_IP_);
	}
	rcu_read_unlock();
	return size;
}
MAL_EXPORT(mal_ksize);

/**
 * mal_kfree_sensitive() - zero memory, then free it
 * @object: as for mal_kfree()
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
 * mal_kmalloc_size_roundup() - usable size for a requested size
 * @size: requested size in bytes
 *
 * Context: any.
 * Return: bytes that mal_ksize() would return; @size if it is too large.
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
 * Zero the bytes beyond the end for __GFP_ZERO. They are then zero when the
 * owner gets them later, here or elsewhere.
 */
static void mal_kmalloc_clear_rest(void *object, size_t new_size, size_t old_size)
{
	size_t end = mal_kmalloc_asked(object, old_size);

	if (end > new_size)
		memset(object + new_size, 0, end - new_size);
}

/* Does the new size fit in place? Records it where sizes are recorded. */
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
 * mal_krealloc_caller() - mal_krealloc() on behalf of a caller
 * @object: as for mal_krealloc()
 * @new_size: as for mal_krealloc()
 * @gfp: as for mal_krealloc()
 * @caller: code address to attribute the memory to
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
 * @object: memory from mal_kmalloc(), or NULL for none
 * @new_size: new size in bytes; zero frees the memory
 * @gfp: as for mal_kmalloc(). __GFP_ZERO zeroes added bytes, provided that
 *	every earlier call for this memory had it as well.
 *
 * The memory stays in place if the new size fits there. An invalid @object is
 * reported, as by mal_kfree().
 *
 * Context: as for mal_kmalloc().
 * Return: the memory with its contents; ZERO_SIZE_PTR; NULL, and then @object
 * is unchanged.
 */
void *mal_krealloc(const void *object, size_t new_size, gfp_t gfp)
{
	return mal_krealloc_caller(object, new_size, gfp, _RET_IP_);
}
MAL_EXPORT(mal_krealloc);

/**
 * mal_kmemdup_caller() - mal_kmemdup() on behalf of a caller
 * @from: as for mal_kmemdup()
 * @length: as for mal_kmemdup()
 * @gfp: as for mal_kmemdup()
 * @caller: code address to attribute the memory to
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
 * @from: source
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
 * @length: number of bytes
 * @gfp: as for mal_kmalloc()
 *
 * Context: as for mal_kmalloc().
 * Return: the bytes with a terminating zero, or NULL.
 */
char *mal_kmemdup_nul(const char *from, size_t length, gfp_t gfp)
{
	return mal_kmemdup_nul_caller(from, length, gfp, _RET_IP_);
}
MAL_EXPORT(mal_kmemdup_nul);

/**
 * mal_kstrdup_caller() - mal_kstrdup() on behalf of a caller
 * @from: as for mal_kstrdup()
 * @gfp: as for mal_kstrdup()
 * @caller: code address to attribute the memory to
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
 * @max: maximum number of bytes to copy
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
 * Statistics
 */

/* Bytes of the pages that were not requested, in thousandths. */
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
 * mal_class_count() - number of size classes
 *
 * Context: any.
 * Return: the number.
 */
unsigned int mal_class_count(void)
{
	return MAL_NR_KMALLOC_TYPES * MAL_NR_KMALLOC_CLASSES;
}

/**
 * mal_class_stats() - read the statistics of a size class
 * @index: index of the class, from zero
 * @stats: filled in
 *
 * Context: any but NMI.
 * Return: true; false if there is no such class.
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

/* Does the host consider memory of this size suitable for DMA in place? */
static bool mal_size_is_mapped(size_t size, size_t dma)
{
	return size >= 2 * dma || IS_ALIGNED(kmalloc_size_roundup(size), dma);
}

/**
 * mal_kmalloc_class_align() - alignment of the objects of a size class
 * @index: number of the class
 * @dma: DMA alignment of this machine; one if caches are coherent
 *
 * The alignment is the largest power of two that divides the size. If caches
 * are not coherent, the host maps memory in place only if its own kmalloc()
 * does not let it share a cache line, according to kmalloc_size_roundup(), and
 * bounces smaller memory. So a class that serves any such size does not share
 * cache lines either.
 *
 * Context: any.
 * Return: bytes, a power of two; the size of the class is rounded up to it.
 */
size_t mal_kmalloc_class_align(unsigned int index, size_t dma)
{
	size_t size = mal_kmalloc_class_size(index);
	size_t asked = index ? mal_kmalloc_class_size(index - 1) + 1 : 1;
	size_t align = max_t(size_t, ARCH_KMALLOC_MINALIGN, size & -size);

	for (; asked <= size; asked += 8)
		if (mal_size_is_mapped(asked, dma))
			return max(align, dma);
	return align;
}
MAL_EXPORT_FOR_KUNIT(mal_kmalloc_class_align);

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
	size_t align = mal_kmalloc_class_align(index, dma_get_cache_alignment());
	size_t size = ALIGN(mal_kmalloc_class_size(index), align);
	char name[24];

	snprintf(name, sizeof(name), "%s-%zu", prefixes[type],
		 mal_kmalloc_class_size(index));
	return mal_kmem_cache_create_usercopy(name, size, align, flags[type], 0, size,
					      NULL);
}

/**
 * mal_kmalloc_init() - create the size classes
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
 * mal_kmalloc_exit() - undo mal_kmalloc_init()
 *
 * Memory that is still allocated is reported and not freed.
 *
 * Context: task. No allocation or free is in progress.
 */
void mal_kmalloc_exit(void)
{
	mal_kmalloc_destroy();
}
