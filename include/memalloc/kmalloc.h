/* SPDX-License-Identifier: GPL-2.0 */
/*
 * memalloc/kmalloc.h: memory of any size, for in-kernel callers
 *
 * The functions have the names, signatures and semantics of the kernel's own,
 * with "mal_" in front. The differences:
 *
 * - There are four size classes per doubling, so less memory is wasted.
 * - Memory beyond the largest class is rounded up to pages, not to the next
 *   power of two of them.
 * - A free of an address inside an object, or of a foreign address, is detected
 *   and reported. It has no other effect. So is a double free, as long as the
 *   memory is free. Once the memory has been allocated again, the second free
 *   cannot be told from one by the new owner. See the module parameter "lean".
 *
 * Sizes that are powers of two are aligned to themselves, in the debug modes as
 * well; other classes are aligned to the largest power of two that divides
 * them. If DMA is not coherent with the CPU caches, memory does not share cache
 * lines if the host's kmalloc_size_roundup() makes its size a multiple of
 * dma_get_cache_alignment(): 100 bytes occupy 128 there.
 */
#ifndef _MEMALLOC_KMALLOC_H
#define _MEMALLOC_KMALLOC_H

#include <linux/bitops.h>
#include <linux/build_bug.h>
#include <linux/gfp.h>
#include <linux/log2.h>
#include <linux/overflow.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/types.h>

#include <memalloc/page_alloc.h>
#include <memalloc/slab_cache.h>

/*
 * Size classes: 8, 16, 24 ... 64, then in steps of a quarter of the next lower
 * power of two: 80, 96, 112, 128, 160 ... 8192.
 */
#define MAL_KMALLOC_SHIFT_LINEAR	6
#define MAL_KMALLOC_SHIFT_HIGH		13
#define MAL_KMALLOC_MAX_CLASS		(1UL << MAL_KMALLOC_SHIFT_HIGH)
#define MAL_KMALLOC_MAX_SIZE		(PAGE_SIZE << MAL_MAX_ORDER)
#define MAL_NR_KMALLOC_CLASSES						\
	(8 + 4 * (MAL_KMALLOC_SHIFT_HIGH - MAL_KMALLOC_SHIFT_LINEAR))

/**
 * enum mal_kmalloc_type - kind of memory of a size class
 * @MAL_KMALLOC_NORMAL: any memory that the kernel has mapped
 * @MAL_KMALLOC_DMA: memory of the zone DMA
 * @MAL_NR_KMALLOC_TYPES: number of types
 */
enum mal_kmalloc_type {
	MAL_KMALLOC_NORMAL,
	MAL_KMALLOC_DMA,
	MAL_NR_KMALLOC_TYPES,
};

extern struct mal_kmem_cache *
mal_kmalloc_caches[MAL_NR_KMALLOC_TYPES][MAL_NR_KMALLOC_CLASSES];

void *mal_kmalloc_class(struct mal_kmem_cache *cache, gfp_t gfp, size_t size)
	__assume_kmalloc_alignment __malloc __alloc_size(3);
void *mal_kmalloc_large(size_t size, gfp_t gfp)
	__assume_page_alignment __malloc __alloc_size(1);
void *mal_kmalloc_sized(size_t size, gfp_t gfp)
	__assume_kmalloc_alignment __malloc __alloc_size(1);
void *mal_kmalloc_node(size_t size, gfp_t gfp, int node)
	__assume_kmalloc_alignment __malloc __alloc_size(1);
void mal_kfree(const void *object);
void mal_kfree_sensitive(const void *object);
void mal_kfree_bulk(size_t nr, void **objects);
size_t mal_ksize(const void *object);
void *mal_krealloc(const void *object, size_t new_size, gfp_t gfp)
	__must_check __realloc_size(2);
size_t mal_kmalloc_size_roundup(size_t size);

void mal_kfree_call_rcu(struct rcu_head *head, void *object);
void mal_kfree_rcu_mightsleep(const void *object);
void mal_kfree_rcu_barrier(void);

void *mal_kmemdup(const void *from, size_t length, gfp_t gfp) __realloc_size(2);
char *mal_kmemdup_nul(const char *from, size_t length, gfp_t gfp);
char *mal_kstrdup(const char *from, gfp_t gfp) __malloc;
char *mal_kstrndup(const char *from, size_t max, gfp_t gfp);

/**
 * mal_kmalloc_index() - the size class for a size
 * @size: 1 to MAL_KMALLOC_MAX_CLASS
 *
 * Context: any.
 * Return: number of the class, from zero; a constant if @size is one.
 */
static __always_inline unsigned int mal_kmalloc_index(size_t size)
{
	unsigned int power;

	if (size <= 1UL << MAL_KMALLOC_SHIFT_LINEAR)
		return (size - 1) / 8;
	power = ilog2(size - 1);
	return 4 + 4 * (power - MAL_KMALLOC_SHIFT_LINEAR) +
	       ((size - 1) >> (power - 2));
}

/**
 * mal_kmalloc_class_size() - size of the objects of a size class
 * @index: number of the class
 *
 * Context: any.
 * Return: bytes.
 */
static inline size_t mal_kmalloc_class_size(unsigned int index)
{
	if (index < 8)
		return 8 * (index + 1);
	return (size_t)(index % 4 + 5) << (index / 4 + 2);
}

/**
 * mal_kmalloc_type() - kind of memory that flags request
 * @gfp: flags of an allocation
 *
 * Context: any.
 * Return: the type of the size classes.
 */
static __always_inline enum mal_kmalloc_type mal_kmalloc_type(gfp_t gfp)
{
	return unlikely(gfp & __GFP_DMA) ? MAL_KMALLOC_DMA : MAL_KMALLOC_NORMAL;
}

/**
 * mal_kmalloc() - allocate memory
 * @size: bytes; zero gives ZERO_SIZE_PTR
 * @gfp: as for the host's kmalloc()
 *
 * Context: any; an NMI handler gets only memory that this CPU has cached.
 * Sleeps if @gfp has __GFP_DIRECT_RECLAIM.
 * Return: the memory, or NULL.
 */
static __always_inline __alloc_size(1) void *mal_kmalloc(size_t size, gfp_t gfp)
{
	unsigned int index;

	if (!__builtin_constant_p(size) || !size)
		return mal_kmalloc_sized(size, gfp);
	if (size > MAL_KMALLOC_MAX_CLASS)
		return mal_kmalloc_large(size, gfp);
	index = mal_kmalloc_index(size);
	return mal_kmalloc_class(mal_kmalloc_caches[mal_kmalloc_type(gfp)][index],
				 gfp, size);
}

/**
 * mal_kzalloc() - allocate zeroed memory
 * @size: as for mal_kmalloc()
 * @gfp: as for mal_kmalloc()
 *
 * Context: as for mal_kmalloc().
 * Return: as for mal_kmalloc().
 */
static __always_inline __alloc_size(1) void *mal_kzalloc(size_t size, gfp_t gfp)
{
	return mal_kmalloc(size, gfp | __GFP_ZERO);
}

/**
 * mal_kzalloc_node() - allocate zeroed memory, preferably on a node
 * @size: as for mal_kmalloc()
 * @gfp: as for mal_kmalloc()
 * @node: the node to prefer, or NUMA_NO_NODE
 *
 * Context: as for mal_kmalloc().
 * Return: as for mal_kmalloc().
 */
static inline __alloc_size(1) void *mal_kzalloc_node(size_t size, gfp_t gfp,
						     int node)
{
	return mal_kmalloc_node(size, gfp | __GFP_ZERO, node);
}

/**
 * mal_kmalloc_array() - allocate an array
 * @nr: number of elements
 * @size: size of an element
 * @gfp: as for mal_kmalloc()
 *
 * Context: as for mal_kmalloc().
 * Return: as for mal_kmalloc(); NULL if the product overflows.
 */
static __always_inline __alloc_size(1, 2) void *
mal_kmalloc_array(size_t nr, size_t size, gfp_t gfp)
{
	size_t bytes;

	if (unlikely(check_mul_overflow(nr, size, &bytes)))
		return NULL;
	return mal_kmalloc(bytes, gfp);
}

/**
 * mal_kcalloc() - allocate a zeroed array
 * @nr: as for mal_kmalloc_array()
 * @size: as for mal_kmalloc_array()
 * @gfp: as for mal_kmalloc()
 *
 * Context: as for mal_kmalloc().
 * Return: as for mal_kmalloc_array().
 */
static __always_inline __alloc_size(1, 2) void *
mal_kcalloc(size_t nr, size_t size, gfp_t gfp)
{
	return mal_kmalloc_array(nr, size, gfp | __GFP_ZERO);
}

/**
 * mal_kmalloc_array_node() - allocate an array, preferably on a node
 * @nr: as for mal_kmalloc_array()
 * @size: as for mal_kmalloc_array()
 * @gfp: as for mal_kmalloc()
 * @node: the node to prefer, or NUMA_NO_NODE
 *
 * Context: as for mal_kmalloc().
 * Return: as for mal_kmalloc_array().
 */
static inline __alloc_size(1, 2) void *
mal_kmalloc_array_node(size_t nr, size_t size, gfp_t gfp, int node)
{
	size_t bytes;

	if (unlikely(check_mul_overflow(nr, size, &bytes)))
		return NULL;
	return mal_kmalloc_node(bytes, gfp, node);
}

/**
 * mal_kcalloc_node() - allocate a zeroed array, preferably on a node
 * @nr: as for mal_kmalloc_array()
 * @size: as for mal_kmalloc_array()
 * @gfp: as for mal_kmalloc()
 * @node: the node to prefer, or NUMA_NO_NODE
 *
 * Context: as for mal_kmalloc().
 * Return: as for mal_kmalloc_array().
 */
static inline __alloc_size(1, 2) void *
mal_kcalloc_node(size_t nr, size_t size, gfp_t gfp, int node)
{
	return mal_kmalloc_array_node(nr, size, gfp | __GFP_ZERO, node);
}

/**
 * mal_krealloc_array() - change the size of an array
 * @object: as for mal_krealloc()
 * @nr: new number of elements
 * @size: size of an element
 * @gfp: as for mal_krealloc()
 *
 * Context: as for mal_krealloc().
 * Return: as for mal_krealloc(); NULL if the product overflows.
 */
static inline __must_check __realloc_size(2, 3) void *
mal_krealloc_array(const void *object, size_t nr, size_t size, gfp_t gfp)
{
	size_t bytes;

	if (unlikely(check_mul_overflow(nr, size, &bytes)))
		return NULL;
	return mal_krealloc(object, bytes, gfp);
}

/**
 * mal_kfree_rcu() - free memory after a grace period
 * @object: pointer to a structure, or NULL
 * @field: a struct rcu_head in it, less than a page from its beginning
 *
 * Context: any but NMI.
 */
#define mal_kfree_rcu(object, field)					\
do {									\
	typeof(object) ___object = (object);				\
									\
	BUILD_BUG_ON(offsetof(typeof(*___object), field) >= PAGE_SIZE);	\
	if (___object)							\
		mal_kfree_call_rcu(&___object->field, ___object);	\
} while (0)

#endif /* _MEMALLOC_KMALLOC_H */
