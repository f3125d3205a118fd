/* SPDX-License-Identifier: GPL-2.0 */
/*
 * memalloc/devm.h: memory owned by a device's driver, for in-kernel callers
 *
 * The functions have the names, signatures and semantics of the kernel's own,
 * with "mal_" in front. Memory is freed when the driver is detached from the
 * device, in reverse order of allocation. mal_devm_kfree() and
 * mal_devm_free_pages() free it earlier.
 *
 * The record of an allocation is the host's; the memory is ours.
 */
#ifndef _MEMALLOC_DEVM_H
#define _MEMALLOC_DEVM_H

#include <linux/compiler.h>
#include <linux/gfp.h>
#include <linux/overflow.h>
#include <linux/stdarg.h>
#include <linux/types.h>

struct device;

void *mal_devm_kmalloc(struct device *dev, size_t size, gfp_t gfp)
	__malloc __alloc_size(2);
void *mal_devm_krealloc(struct device *dev, void *object, size_t size, gfp_t gfp)
	__must_check __realloc_size(3);
void mal_devm_kfree(struct device *dev, const void *object);
void *mal_devm_kmemdup(struct device *dev, const void *from, size_t length,
		       gfp_t gfp) __realloc_size(3);
char *mal_devm_kstrdup(struct device *dev, const char *from, gfp_t gfp) __malloc;
__printf(3, 0)
char *mal_devm_kvasprintf(struct device *dev, gfp_t gfp, const char *fmt,
			  va_list args) __malloc;
__printf(3, 4)
char *mal_devm_kasprintf(struct device *dev, gfp_t gfp, const char *fmt, ...)
	__malloc;

unsigned long mal_devm_get_free_pages(struct device *dev, gfp_t gfp,
				      unsigned int order);
void mal_devm_free_pages(struct device *dev, unsigned long addr);

/**
 * mal_devm_kzalloc() - allocate zeroed memory
 * @dev: as for mal_devm_kmalloc()
 * @size: as for mal_devm_kmalloc()
 * @gfp: as for mal_devm_kmalloc()
 *
 * Context: as for mal_devm_kmalloc().
 * Return: as for mal_devm_kmalloc().
 */
static inline __alloc_size(2) void *
mal_devm_kzalloc(struct device *dev, size_t size, gfp_t gfp)
{
	return mal_devm_kmalloc(dev, size, gfp | __GFP_ZERO);
}

/**
 * mal_devm_kmalloc_array() - allocate an array
 * @dev: as for mal_devm_kmalloc()
 * @nr: number of elements
 * @size: size of an element
 * @gfp: as for mal_devm_kmalloc()
 *
 * Context: as for mal_devm_kmalloc().
 * Return: as for mal_devm_kmalloc(); NULL if the product overflows.
 */
static inline __alloc_size(2, 3) void *
mal_devm_kmalloc_array(struct device *dev, size_t nr, size_t size, gfp_t gfp)
{
	size_t bytes;

	if (unlikely(check_mul_overflow(nr, size, &bytes)))
		return NULL;
	return mal_devm_kmalloc(dev, bytes, gfp);
}

/**
 * mal_devm_kcalloc() - allocate a zeroed array
 * @dev: as for mal_devm_kmalloc()
 * @nr: as for mal_devm_kmalloc_array()
 * @size: as for mal_devm_kmalloc_array()
 * @gfp: as for mal_devm_kmalloc()
 *
 * Context: as for mal_devm_kmalloc().
 * Return: as for mal_devm_kmalloc_array().
 */
static inline __alloc_size(2, 3) void *
mal_devm_kcalloc(struct device *dev, size_t nr, size_t size, gfp_t gfp)
{
	return mal_devm_kmalloc_array(dev, nr, size, gfp | __GFP_ZERO);
}

/**
 * mal_devm_krealloc_array() - change the size of an array
 * @dev: as for mal_devm_krealloc()
 * @object: as for mal_devm_krealloc()
 * @nr: new number of elements
 * @size: of an element
 * @gfp: as for mal_devm_krealloc()
 *
 * Context: as for mal_devm_krealloc().
 * Return: as for mal_devm_krealloc(); NULL if the product overflows.
 */
static inline __must_check __realloc_size(3, 4) void *
mal_devm_krealloc_array(struct device *dev, void *object, size_t nr, size_t size,
			gfp_t gfp)
{
	size_t bytes;

	if (unlikely(check_mul_overflow(nr, size, &bytes)))
		return NULL;
	return mal_devm_krealloc(dev, object, bytes, gfp);
}

/**
 * mal_devm_kmemdup_array() - copy an array
 * @dev: as for mal_devm_kmalloc()
 * @from: source
 * @nr: number of elements
 * @size: size of an element
 * @gfp: as for mal_devm_kmalloc()
 *
 * Context: as for mal_devm_kmalloc().
 * Return: as for mal_devm_kmalloc(); NULL if the product overflows.
 */
static inline __realloc_size(3, 4) void *
mal_devm_kmemdup_array(struct device *dev, const void *from, size_t nr, size_t size,
		       gfp_t gfp)
{
	size_t bytes;

	if (unlikely(check_mul_overflow(nr, size, &bytes)))
		return NULL;
	return mal_devm_kmemdup(dev, from, bytes, gfp);
}

/**
 * mal_devm_kstrdup_const() - copy a string, unless it is a constant
 * @dev: as for mal_devm_kmalloc()
 * @from: the string, or NULL
 * @gfp: as for mal_devm_kmalloc()
 *
 * Always copies: see mal_kstrdup_const().
 *
 * Context: as for mal_devm_kmalloc().
 * Return: the string, or NULL.
 */
static inline const char *
mal_devm_kstrdup_const(struct device *dev, const char *from, gfp_t gfp)
{
	return mal_devm_kstrdup(dev, from, gfp);
}

#endif /* _MEMALLOC_DEVM_H */
