/* SPDX-License-Identifier: GPL-2.0 */
/*
 * memalloc/slab_cache.h: caches of objects of one size, for in-kernel callers
 *
 * The functions have the names, signatures and semantics of the kernel's
 * kmem_cache, with the prefix mal_. The differences are:
 *
 * - A free to another cache, of an address inside an object, or of any other
 *   address is detected and reported, and has no other effect. The same holds
 *   for a second free of an object while the object is free, even if two CPUs
 *   free it at the same time. If the object has been allocated again, the
 *   second free cannot be told from the new owner's. See the module parameter
 *   "lean".
 * - A cache is never merged with another one.
 * - Destroying a cache with allocated objects is refused and reported, and
 *   returns an error: the cache stays usable, and can be destroyed after the
 *   objects are freed.
 * - The allocator keeps no data in the object, in its neighbours or in struct
 *   page. A cache with a constructor, or with SLAB_TYPESAFE_BY_RCU, therefore
 *   needs no more memory than one without.
 *
 * Flags. All SLAB_* flags of the kernel are accepted. Some have no effect:
 * SLAB_ACCOUNT, SLAB_NO_MERGE, SLAB_TRACE, SLAB_DEBUG_OBJECTS, SLAB_FAILSLAB,
 * SLAB_RECLAIM_ACCOUNT. The flags of the kernel's first slab allocator that the
 * kernel has dropped since are defined below.
 */
#ifndef _MEMALLOC_SLAB_CACHE_H
#define _MEMALLOC_SLAB_CACHE_H

#include <linux/gfp.h>
#include <linux/numa.h>
#include <linux/slab.h>
#include <linux/types.h>

struct mal_kmem_cache;

/* Keep the cache's empty slabs when the host is short of memory. */
#define MAL_SLAB_NO_REAP		((slab_flags_t __force)BIT(31))

/*
 * Flags that the kernel once passed to constructors and destructors: construct,
 * do not sleep, only verify. The first two are passed to a mal_told_ctor_t. All
 * three are accepted when a cache is created, and have no effect there.
 */
#define MAL_SLAB_CTOR_CONSTRUCTOR	((slab_flags_t __force)BIT(30))
#define MAL_SLAB_CTOR_ATOMIC		((slab_flags_t __force)BIT(29))
#define MAL_SLAB_CTOR_VERIFY		((slab_flags_t __force)BIT(28))

/*
 * The first word of each cache. It is odd; a cache of the host begins with a
 * pointer to data of each CPU, or with flags.
 */
#define MAL_KMEM_CACHE_MAGIC		0x6d616c63U

/**
 * typedef mal_told_ctor_t - constructor or destructor that is told the cache
 * @object: the object
 * @cache: its cache, a struct mal_kmem_cache. The type is the host's, because
 *	drivers that have such functions name it; see memalloc/historic.h
 * @flags: MAL_SLAB_CTOR_CONSTRUCTOR in a call of a constructor;
 *	MAL_SLAB_CTOR_ATOMIC if the function must not sleep
 *
 * A constructor without MAL_SLAB_CTOR_ATOMIC may sleep, but is not told which
 * kinds of reclaim the allocation excludes (GFP_NOFS, GFP_NOIO). A destructor
 * is always told not to sleep. One function may be both.
 *
 * Source: the kernel's slab allocator up to Linux 2.6.21.
 */
typedef void (mal_told_ctor_t)(void *object, struct kmem_cache *cache,
			       unsigned long flags);

/**
 * struct mal_kmem_cache_args - optional parameters of a cache
 * @align: alignment of the objects, a power of two, or zero for the default
 * @useroffset: offset of the first byte that may be copied to or from user
 *	space
 * @usersize: number of bytes that may be copied, or zero
 * @ctor: called once for each object when the memory of a slab is allocated.
 *	Objects are freed in the state in which the constructor left them. Any
 *	context; must not sleep.
 * @dtor: called once for each object before the memory of a slab is freed.
 *	Any context; must not sleep.
 * @told_ctor: like @ctor, which must be NULL; context as its argument says
 * @told_dtor: like @dtor, which must be NULL. Any context; must not sleep.
 *	Needs @told_ctor
 * @quarantine: debug mode: delay the reuse of freed objects
 * @guard: debug mode: place sampled allocations in pages of their own
 * @freeptr_offset: ignored: the allocator keeps no data in an object
 * @use_freeptr_offset: ignored, like @freeptr_offset
 * @sheaf_capacity: ignored: the capacity depends on the size of the object
 */
struct mal_kmem_cache_args {
	unsigned int align;
	unsigned int useroffset;
	unsigned int usersize;
	void (*ctor)(void *object);
	void (*dtor)(void *object);
	mal_told_ctor_t *told_ctor;
	mal_told_ctor_t *told_dtor;
	bool quarantine;
	bool guard;
	unsigned int freeptr_offset;
	bool use_freeptr_offset;
	unsigned int sheaf_capacity;
};

struct mal_kmem_cache *
mal_kmem_cache_create_args(const char *name, unsigned int size,
			   const struct mal_kmem_cache_args *args,
			   slab_flags_t flags);
struct mal_kmem_cache *
mal_kmem_cache_create_usercopy(const char *name, unsigned int size,
			       unsigned int align, slab_flags_t flags,
			       unsigned int useroffset, unsigned int usersize,
			       void (*ctor)(void *));
struct mal_kmem_cache *
mal_kmem_cache_create(const char *name, unsigned int size, unsigned int align,
		      slab_flags_t flags, void (*ctor)(void *));
int mal_kmem_cache_destroy(struct mal_kmem_cache *cache);
int mal_kmem_cache_shrink(struct mal_kmem_cache *cache);
unsigned int mal_kmem_cache_size(struct mal_kmem_cache *cache);

void *mal_kmem_cache_alloc(struct mal_kmem_cache *cache, gfp_t gfp)
	__assume_slab_alignment __malloc;
void *mal_kmem_cache_alloc_node(struct mal_kmem_cache *cache, gfp_t gfp,
				int node)
	__assume_slab_alignment __malloc;
void mal_kmem_cache_free(struct mal_kmem_cache *cache, void *object);
int mal_kmem_cache_alloc_bulk(struct mal_kmem_cache *cache, gfp_t gfp,
			      size_t nr, void **objects);
void mal_kmem_cache_free_bulk(struct mal_kmem_cache *cache, size_t nr,
			      void **objects);

/**
 * mal_is_kmem_cache() - is a cache one of ours?
 * @cache: a cache of ours or of the host
 *
 * Context: any.
 * Return: true if it is ours.
 */
static __always_inline bool mal_is_kmem_cache(const void *cache)
{
	return *(const u32 *)cache == MAL_KMEM_CACHE_MAGIC;
}

bool mal_usercopy_allowed(const void *address, size_t length);

/**
 * MAL_KMEM_CACHE() - create a cache for a structure
 * @type: tag of the structure
 * @flags: as for mal_kmem_cache_create()
 */
#define MAL_KMEM_CACHE(type, flags)					\
	mal_kmem_cache_create(#type, sizeof(struct type),		\
			      __alignof__(struct type), (flags), NULL)

/**
 * mal_kmem_cache_zalloc() - allocate a zeroed object
 * @cache: as for mal_kmem_cache_alloc(); without a constructor
 * @gfp: as for mal_kmem_cache_alloc()
 *
 * Context: as for mal_kmem_cache_alloc().
 * Return: the object, or NULL.
 */
static inline void *mal_kmem_cache_zalloc(struct mal_kmem_cache *cache, gfp_t gfp)
{
	return mal_kmem_cache_alloc(cache, gfp | __GFP_ZERO);
}

#endif /* _MEMALLOC_SLAB_CACHE_H */
