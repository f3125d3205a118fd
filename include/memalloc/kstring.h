/* SPDX-License-Identifier: GPL-2.0 */
/*
 * memalloc/kstring.h: strings and copies in kmalloc() memory, for in-kernel
 * callers
 *
 * The functions have the names, signatures and semantics of the kernel's own,
 * with "mal_" in front. mal_kfree() frees what they return. memalloc/kmalloc.h
 * has more such functions, without formats and user space.
 */
#ifndef _MEMALLOC_KSTRING_H
#define _MEMALLOC_KSTRING_H

#include <linux/compiler.h>
#include <linux/err.h>
#include <linux/overflow.h>
#include <linux/stdarg.h>
#include <linux/string.h>
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
 * mal_memdup_array_user() - copy an array from user space
 * @from: source
 * @nr: number of elements
 * @size: size of an element
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
 * @from: source
 * @nr: number of elements
 * @size: size of an element
 * @gfp: as for mal_kmalloc()
 *
 * Context: as for mal_kmalloc().
 * Return: the copy; NULL if there is no memory or the product overflows.
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
 * mal_kstrdup_const() - copy a string, unless it is a constant
 * @from: the string, or NULL
 * @gfp: as for mal_kmalloc()
 *
 * Always copies: modules cannot recognize the kernel's constants.
 *
 * Context: as for mal_kmalloc().
 * Return: the string, to be freed by mal_kfree_const(), or NULL.
 */
static inline const char *mal_kstrdup_const(const char *from, gfp_t gfp)
{
	return mal_kstrdup(from, gfp);
}

/**
 * mal_kvasprintf_const() - format a string, unless it is a constant
 * @gfp: as for mal_kvasprintf()
 * @fmt: as for mal_kvasprintf()
 * @args: as for mal_kvasprintf()
 *
 * Always allocates a string, like mal_kstrdup_const().
 *
 * Context: as for mal_kmalloc().
 * Return: the string, to be freed by mal_kfree_const(), or NULL.
 */
__printf(2, 0)
static inline const char *mal_kvasprintf_const(gfp_t gfp, const char *fmt, va_list args)
{
	return mal_kvasprintf(gfp, fmt, args);
}

/**
 * mal_kstrdup_and_replace() - copy a string and replace a character
 * @from: the string, or NULL
 * @old: character to replace, at each occurrence
 * @new: replacement
 * @gfp: as for mal_kmalloc()
 *
 * Context: as for mal_kmalloc().
 * Return: the copy, or NULL.
 */
static inline char *mal_kstrdup_and_replace(const char *from, char old, char new,
					    gfp_t gfp)
{
	char *to = mal_kstrdup(from, gfp);

	if (to)
		strreplace(to, old, new);
	return to;
}

/**
 * mal_kfree_const() - free a string that may be a constant
 * @string: string from mal_kstrdup_const() or mal_kvasprintf_const(), or
 *	NULL
 *
 * Context: any.
 */
static inline void mal_kfree_const(const void *string)
{
	mal_kfree(string);
}

#endif /* _MEMALLOC_KSTRING_H */
