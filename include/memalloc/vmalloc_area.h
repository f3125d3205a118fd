/* SPDX-License-Identifier: GPL-2.0 */
/*
 * memalloc/vmalloc_area.h: virtually contiguous memory, for in-kernel callers
 *
 * The functions have the names, signatures and semantics of the kernel's
 * vmalloc(), with "mal_" in front. The differences:
 *
 * - Freed areas stay mapped and are reused; see the module parameter
 *   area_cache_mb. An area may contain old data, as with the host: request
 *   zeroes, or overwrite it.
 * - __mal_vmalloc() in interrupts, or with flags that do not allow sleeping,
 *   uses only areas that this CPU has cached.
 * - Up to an eighth more than the requested size may precede the guard page.
 * - A double free, a free of an address inside an area and a free of a foreign
 *   address are reported. They have no other effect.
 * - The host does the mapping, so its vmalloc_to_page() and is_vmalloc_addr()
 *   work on these addresses as well.
 */
#ifndef _MEMALLOC_VMALLOC_AREA_H
#define _MEMALLOC_VMALLOC_AREA_H

#include <linux/gfp.h>
#include <linux/overflow.h>
#include <linux/types.h>
#include <linux/vmalloc.h>

struct page;
struct vm_area_struct;

void *mal_vmalloc(unsigned long size) __alloc_size(1);
void *mal_vzalloc(unsigned long size) __alloc_size(1);
void *mal_vmalloc_node(unsigned long size, int node) __alloc_size(1);
void *mal_vzalloc_node(unsigned long size, int node) __alloc_size(1);
void *mal_vmalloc_user(unsigned long size) __alloc_size(1);
void *mal_vmalloc_32(unsigned long size) __alloc_size(1);
void *mal_vmalloc_32_user(unsigned long size) __alloc_size(1);
void *__mal_vmalloc(unsigned long size, gfp_t gfp) __alloc_size(1);
void *__mal_vmalloc_node(unsigned long size, unsigned long align, gfp_t gfp,
			 int node, const void *caller) __alloc_size(1);
void *mal_vrealloc(const void *address, size_t size, gfp_t gfp)
	__must_check __realloc_size(2);
void mal_vfree(const void *address);
void mal_vfree_atomic(const void *address);

bool is_mal_vmalloc_addr(const void *address);
size_t mal_vmalloc_size(const void *address);
struct page *mal_vmalloc_to_page(const void *address);
unsigned long mal_vmalloc_to_pfn(const void *address);
int mal_remap_vmalloc_range_partial(struct vm_area_struct *vma,
				    unsigned long uaddr, void *address,
				    unsigned long pgoff, unsigned long size);
int mal_remap_vmalloc_range(struct vm_area_struct *vma, void *address,
			    unsigned long pgoff);

void *mal_vmap(struct page **pages, unsigned int count, unsigned long flags,
	       pgprot_t prot);
void mal_vunmap(const void *address);
void *mal_vm_map_ram(struct page **pages, unsigned int count, int node);
void mal_vm_unmap_ram(const void *address, unsigned int count);

/**
 * mal_vmalloc_huge() - allocate memory, from large blocks if available
 * @size: as for __mal_vmalloc()
 * @gfp: as for __mal_vmalloc()
 *
 * The same as __mal_vmalloc(), which uses large blocks where possible. They are
 * mapped page by page.
 *
 * Context: as for __mal_vmalloc().
 * Return: as for __mal_vmalloc().
 */
static inline __alloc_size(1) void *mal_vmalloc_huge(unsigned long size, gfp_t gfp)
{
	return __mal_vmalloc(size, gfp);
}

/**
 * __mal_vmalloc_array() - allocate an array
 * @nr: number of elements
 * @size: size of an element
 * @gfp: as for __mal_vmalloc()
 *
 * Context: as for __mal_vmalloc().
 * Return: as for __mal_vmalloc(); NULL if the product overflows.
 */
static inline __alloc_size(1, 2) void *__mal_vmalloc_array(size_t nr, size_t size,
							   gfp_t gfp)
{
	size_t bytes;

	if (unlikely(check_mul_overflow(nr, size, &bytes)))
		return NULL;
	return __mal_vmalloc(bytes, gfp);
}

/**
 * mal_vmalloc_array() - allocate an array
 * @nr: as for __mal_vmalloc_array()
 * @size: as for __mal_vmalloc_array()
 *
 * Context: task; sleeps.
 * Return: as for __mal_vmalloc_array().
 */
static inline __alloc_size(1, 2) void *mal_vmalloc_array(size_t nr, size_t size)
{
	return __mal_vmalloc_array(nr, size, GFP_KERNEL);
}

/**
 * __mal_vcalloc() - allocate a zeroed array
 * @nr: as for __mal_vmalloc_array()
 * @size: as for __mal_vmalloc_array()
 * @gfp: as for __mal_vmalloc()
 *
 * Context: as for __mal_vmalloc().
 * Return: as for __mal_vmalloc_array().
 */
static inline __alloc_size(1, 2) void *__mal_vcalloc(size_t nr, size_t size,
						     gfp_t gfp)
{
	return __mal_vmalloc_array(nr, size, gfp | __GFP_ZERO);
}

/**
 * mal_vcalloc() - allocate a zeroed array
 * @nr: as for __mal_vmalloc_array()
 * @size: as for __mal_vmalloc_array()
 *
 * Context: task; sleeps.
 * Return: as for __mal_vmalloc_array().
 */
static inline __alloc_size(1, 2) void *mal_vcalloc(size_t nr, size_t size)
{
	return __mal_vcalloc(nr, size, GFP_KERNEL);
}

#endif /* _MEMALLOC_VMALLOC_AREA_H */
