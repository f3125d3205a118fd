/* SPDX-License-Identifier: GPL-2.0 */
/*
 * memalloc/slab_cache.h: caches of objects of one size, for in-kernel users
 *
 * The functions have the names, signatures and meaning of the kernel's own
 * kmem_cache, with mal_ in front. What differs:
 *
 * - Freeing an object twice, into another cache, at an address inside it, or
 *   freeing what is no object at all is always detected and reported; the
 *   object stays as it was. See the module parameter "lean".
 * - A cache is never merged with another one.
 * - Destroying a cache with live objects is refused, and reported: the cache
 *   stays usable, and can be destroyed when the objects are gone.
 * - Nothing of the allocator's own is in the object, its neighbours or struct
 *   page. So a cache with a constructor, or with SLAB_TYPESAFE_BY_RCU, needs no
 *   more room than one without.
 *
 * Flags. The kernel's own SLAB_* are understood; some have no meaning here and
 * are accepted: SLAB_ACCOUNT, SLAB_NO_MERGE, SLAB_TRACE, SLAB_DEBUG_OBJECTS,
 * SLAB_FAILSLAB, SLAB_RECLAIM_ACCOUNT. Those of the kernel's first slab
 * allocator that it has dropped since are below.
 */
#ifndef _MEMALLOC_SLAB_CACHE_H
#define _MEMALLOC_SLAB_CACHE_H

#include <linux/gfp.h>
#include <linux/numa.h>
#include <linux/slab.h>
#include <linux/types.h>

struct mal_kmem_cache;

/* Empty slabs of the cache stay when the host is short of memory. */
#define MAL_SLAB_NO_REAP		((slab_flags_t __force)BIT(31))

/*
 * What a constructor was told, when it still had an argument for it: that it is
 * one, that it must not sleep, that it shall only check. All three are accepted
 * when a cache is created and change nothing: a constructor is called for that
 * purpose alone, and it must not sleep.
 */
#define MAL_SLAB_CTOR_CONSTRUCTOR	((slab_flags_t __force)BIT(30))
#define MAL_SLAB_CTOR_ATOMIC		((slab_flags_t __force)BIT(29))
#define MAL_SLAB_CTOR_VERIFY		((slab_flags_t __force)BIT(28))

/**
 * struct mal_kmem_cache_args - what a cache may have besides a name and a size
 * @align: alignment of the objects, a power of two; zero for the usual one
 * @useroffset: first byte of the object that may be copied to or from user space
 * @usersize: how many bytes may be; zero for none
 * @ctor: called once for each object when the memory of a slab is allocated.
 *	Objects are freed in the state in which the constructor left them. Any
 *	context; must not sleep.
 * @dtor: called once for each object before the memory of a slab is freed.
 *	Any context; must not sleep.
 * @quarantine: a debug mode: what is freed is held back for a while
 * @guard: a debug mode: samples of allocations get pages of their own
 * @freeptr_offset: accepted: nothing of the allocator's own is in an object
 * @use_freeptr_offset: accepted, as @freeptr_offset
 * @sheaf_capacity: accepted: sheaves are as large as suits the object
 */
struct mal_kmem_cache_args {
	unsigned int align;
	unsigned int useroffset;
	unsigned int usersize;
	void (*ctor)(void *object);
	void (*dtor)(void *object);
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
void mal_kmem_cache_destroy(struct mal_kmem_cache *cache);
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
bool mal_usercopy_allowed(const void *address, size_t length);

/**
 * MAL_KMEM_CACHE() - create a cache for a structure
 * @type: the structure's tag
 * @flags: as for mal_kmem_cache_create()
 */
#define MAL_KMEM_CACHE(type, flags)					\
	mal_kmem_cache_create(#type, sizeof(struct type),		\
			      __alignof__(struct type), (flags), NULL)

/**
 * mal_kmem_cache_zalloc() - allocate an object filled with zeroes
 * @cache: as for mal_kmem_cache_alloc(); without constructor
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
