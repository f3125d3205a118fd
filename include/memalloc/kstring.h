/* SPDX-License-Identifier: GPL-2.0 */
/*
 * memalloc/kstring.h: strings and copies in kmalloc() memory, for in-kernel users
 *
 * The functions have the names, signatures and meaning of the kernel's own, with
 * mal_ in front. mal_kfree() frees what they return. More of them, without
 * formats and user space, are in memalloc/kmalloc.h.
 */
#ifndef _MEMALLOC_KSTRING_H
#define _MEMALLOC_KSTRING_H

#include <linux/compiler.h>
#include <linux/err.h>
#include <linux/overflow.h>
#include <linux/stdarg.h>
#include <linux/types.h>

#include <memalloc/kmalloc.h>

__printf(2, 0)
char *mal_kvasprintf(gfp_t gfp, const char *fmt, va_list args) __malloc;
__printf(2, 3)
char *mal_kasprintf(gfp_t gfp, const char *fmt, ...) __malloc;

void *mal_memdup_user(const void __user *from, size_t length);
void *mal_memdup_user_nul(const void __user *from, size_t length);
char *mal_strndup_user(const char __user *from, long max);

/**
 * mal_memdup_array_user() - copy an array of user space
 * @from: what to copy
 * @nr: its elements
 * @size: of an element
 *
 * Context: task; sleeps.
 * Return: as for mal_memdup_user(); -EOVERFLOW if the product overflows.
 */
static inline __realloc_size(2, 3) void *
mal_memdup_array_user(const void __user *from, size_t nr, size_t size)
{
	size_t bytes;

	if (unlikely(check_mul_overflow(nr, size, &bytes)))
		return ERR_PTR(-EOVERFLOW);
	return mal_memdup_user(from, bytes);
}

/**
 * mal_kmemdup_array() - copy an array
 * @from: what to copy
 * @nr: its elements
 * @size: of an element
 * @gfp: as for mal_kmalloc()
 *
 * Context: as for mal_kmalloc().
 * Return: the copy, or NULL; NULL if the product overflows.
 */
static inline __realloc_size(2, 3) void *
mal_kmemdup_array(const void *from, size_t nr, size_t size, gfp_t gfp)
{
	size_t bytes;

	if (unlikely(check_mul_overflow(nr, size, &bytes)))
		return NULL;
	return mal_kmemdup(from, bytes, gfp);
}

/**
 * mal_kstrdup_const() - copy a string, if it can change
 * @from: the string, or NULL
 * @gfp: as for mal_kmalloc()
 *
 * Always a copy: the kernel does not tell modules where its constants are.
 *
 * Context: as for mal_kmalloc().
 * Return: the string, to be freed by mal_kfree_const(), or NULL.
 */
static inline const char *mal_kstrdup_const(const char *from, gfp_t gfp)
{
	return mal_kstrdup(from, gfp);
}

/**
 * mal_kfree_const() - free what mal_kstrdup_const() returned
 * @string: it, or NULL
 *
 * Context: any.
 */
static inline void mal_kfree_const(const void *string)
{
	mal_kfree(string);
}

#endif /* _MEMALLOC_KSTRING_H */
