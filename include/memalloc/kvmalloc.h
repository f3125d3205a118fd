/* SPDX-License-Identifier: GPL-2.0 */
/*
 * memalloc/kvmalloc.h: memory that need not be physically contiguous, for
 * in-kernel callers
 *
 * The functions have the names, signatures and semantics of the kernel's own,
 * with "mal_" in front. mal_kvrealloc() has the signature of Linux 6.12 and
 * later.
 */
#ifndef _MEMALLOC_KVMALLOC_H
#define _MEMALLOC_KVMALLOC_H

#include <linux/build_bug.h>
#include <linux/err.h>
#include <linux/gfp.h>
#include <linux/numa.h>
#include <linux/overflow.h>
#include <linux/rcupdate.h>
#include <linux/types.h>

#include <memalloc/kmalloc.h>
#include <memalloc/vmalloc_area.h>

void *mal_kvmalloc_node(size_t size, gfp_t gfp, int node) __alloc_size(1);
void mal_kvfree(const void *address);
void mal_kvfree_atomic(const void *address);
void mal_kvfree_sensitive(const void *address, size_t length);
void *mal_kvrealloc(const void *address, size_t size, gfp_t gfp)
	__must_check __realloc_size(2);
void *mal_kvmemdup(const void *from, size_t length, gfp_t gfp) __realloc_size(2);
void *mal_vmemdup_user(const void __user *from, size_t length) __realloc_size(2);
void mal_kvfree_call_rcu(struct rcu_head *head, void *address);
void mal_kvfree_rcu_mightsleep(const void *address);

/**
 * mal_kvmalloc() - allocate memory, physically contiguous if easily available
 * @size: bytes; zero gives ZERO_SIZE_PTR
 * @gfp: as for mal_kmalloc()
 *
 * Context: as for mal_kmalloc(), but sizes beyond the largest size class may
 * require a context that may sleep.
 * Return: the memory, or NULL.
 */
static inline __alloc_size(1) void *mal_kvmalloc(size_t size, gfp_t gfp)
{
	return mal_kvmalloc_node(size, gfp, NUMA_NO_NODE);
}

/**
 * mal_kvzalloc() - zeroed mal_kvmalloc()
 * @size: as for mal_kvmalloc()
 * @gfp: as for mal_kvmalloc()
 *
 * Context: as for mal_kvmalloc().
 * Return: as for mal_kvmalloc().
 */
static inline __alloc_size(1) void *mal_kvzalloc(size_t size, gfp_t gfp)
{
	return mal_kvmalloc(size, gfp | __GFP_ZERO);
}

/**
 * mal_kvzalloc_node() - zeroed mal_kvmalloc_node()
 * @size: as for mal_kvmalloc()
 * @gfp: as for mal_kvmalloc()
 * @node: the node to prefer, or NUMA_NO_NODE
 *
 * Context: as for mal_kvmalloc().
 * Return: as for mal_kvmalloc().
 */
static inline __alloc_size(1) void *mal_kvzalloc_node(size_t size, gfp_t gfp,
						      int node)
{
	return mal_kvmalloc_node(size, gfp | __GFP_ZERO, node);
}

/**
 * mal_kvmalloc_array() - allocate an array
 * @nr: number of elements
 * @size: size of an element
 * @gfp: as for mal_kvmalloc()
 *
 * Context: as for mal_kvmalloc().
 * Return: as for mal_kvmalloc(); NULL if the product overflows.
 */
static inline __alloc_size(1, 2) void *mal_kvmalloc_array(size_t nr, size_t size,
							  gfp_t gfp)
{
	size_t bytes;

	if (unlikely(check_mul_overflow(nr, size, &bytes)))
		return NULL;
	return mal_kvmalloc(bytes, gfp);
}

/**
 * mal_kvcalloc() - allocate a zeroed array
 * @nr: as for mal_kvmalloc_array()
 * @size: as for mal_kvmalloc_array()
 * @gfp: as for mal_kvmalloc()
 *
 * Context: as for mal_kvmalloc().
 * Return: as for mal_kvmalloc_array().
 */
static inline __alloc_size(1, 2) void *mal_kvcalloc(size_t nr, size_t size,
						    gfp_t gfp)
{
	return mal_kvmalloc_array(nr, size, gfp | __GFP_ZERO);
}

/**
 * mal_kvmalloc_array_node() - allocate an array, preferably on a node
 * @nr: as for mal_kvmalloc_array()
 * @size: as for mal_kvmalloc_array()
 * @gfp: as for mal_kvmalloc()
 * @node: the node to prefer, or NUMA_NO_NODE
 *
 * Context: as for mal_kvmalloc().
 * Return: as for mal_kvmalloc_array().
 */
static inline __alloc_size(1, 2) void *
mal_kvmalloc_array_node(size_t nr, size_t size, gfp_t gfp, int node)
{
	size_t bytes;

	if (unlikely(check_mul_overflow(nr, size, &bytes)))
		return NULL;
	return mal_kvmalloc_node(bytes, gfp, node);
}

/**
 * mal_kvcalloc_node() - allocate a zeroed array, preferably on a node
 * @nr: as for mal_kvmalloc_array()
 * @size: as for mal_kvmalloc_array()
 * @gfp: as for mal_kvmalloc()
 * @node: the node to prefer, or NUMA_NO_NODE
 *
 * Context: as for mal_kvmalloc().
 * Return: as for mal_kvmalloc_array().
 */
static inline __alloc_size(1, 2) void *
mal_kvcalloc_node(size_t nr, size_t size, gfp_t gfp, int node)
{
	return mal_kvmalloc_array_node(nr, size, gfp | __GFP_ZERO, node);
}

/**
 * mal_vmemdup_array_user() - copy an array from user space
 * @from: source
 * @nr: number of elements
 * @size: size of an element
 *
 * Context: task; sleeps.
 * Return: as for mal_vmemdup_user(); -EOVERFLOW if the product overflows.
 */
static inline __realloc_size(2, 3) void *
mal_vmemdup_array_user(const void __user *from, size_t nr, size_t size)
{
	size_t bytes;

	if (unlikely(check_mul_overflow(nr, size, &bytes)))
		return ERR_PTR(-EOVERFLOW);
	return mal_vmemdup_user(from, bytes);
}

/**
 * mal_kvfree_rcu() - free memory after a grace period
 * @object: pointer to a structure, or NULL
 * @field: a struct rcu_head in it, less than a page from its beginning
 *
 * Context: any but NMI.
 */
#define mal_kvfree_rcu(object, field)					\
do {									\
	typeof(object) ___object = (object);				\
									\
	BUILD_BUG_ON(offsetof(typeof(*___object), field) >= PAGE_SIZE);	\
	if (___object)							\
		mal_kvfree_call_rcu(&___object->field, ___object);	\
} while (0)

#endif /* _MEMALLOC_KVMALLOC_H */
