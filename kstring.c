// SPDX-License-Identifier: GPL-2.0
/*
 * Strings: formatted text and copies from user space, in kmalloc() memory
 *
 * These functions keep no state. Each allocates memory with kmalloc, fills it
 * and returns it, or frees it if it cannot be filled.
 *
 * Context: that of mal_kmalloc(); task for functions that copy from user space.
 */
#include <linux/bug.h>
#include <linux/err.h>
#include <linux/gfp.h>
#include <linux/kernel.h>
#include <linux/numa.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include <memalloc/kstring.h>

#include "internal/compat.h"
#include "internal/kmalloc.h"

/**
 * mal_kvasprintf_caller() - mal_kvasprintf() on behalf of a caller
 * @gfp: as for mal_kvasprintf()
 * @fmt: as for mal_kvasprintf()
 * @args: as for mal_kvasprintf()
 * @caller: code address to attribute the memory to
 *
 * Context: as for mal_kmalloc().
 * Return: the string, or NULL.
 */
char *mal_kvasprintf_caller(gfp_t gfp, const char *fmt, va_list args,
			    unsigned long caller)
{
	unsigned int length, written;
	va_list again;
	char *string;

	va_copy(again, args);
	length = vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	string = mal_kmalloc_caller((size_t)length + 1, gfp, NUMA_NO_NODE, caller);
	if (!string)
		return NULL;
	written = vsnprintf(string, (size_t)length + 1, fmt, args);
	WARN_ONCE(written != length, "memalloc: \"%s\" changed while it was formatted\n",
		  fmt);
	return string;
}

/**
 * mal_kvasprintf() - format a string
 * @gfp: as for mal_kmalloc()
 * @fmt: as for vsnprintf()
 * @args: as for vsnprintf()
 *
 * Context: as for mal_kmalloc().
 * Return: the string, or NULL.
 */
char *mal_kvasprintf(gfp_t gfp, const char *fmt, va_list args)
{
	return mal_kvasprintf_caller(gfp, fmt, args, _RET_IP_);
}
MAL_EXPORT(mal_kvasprintf);

/**
 * mal_kasprintf() - format a string
 * @gfp: as for mal_kmalloc()
 * @fmt: as for vsnprintf()
 *
 * Context: as for mal_kmalloc().
 * Return: the string, or NULL.
 */
char *mal_kasprintf(gfp_t gfp, const char *fmt, ...)
{
	va_list args;
	char *string;

	va_start(args, fmt);
	string = mal_kvasprintf_caller(gfp, fmt, args, _RET_IP_);
	va_end(args);
	return string;
}
MAL_EXPORT(mal_kasprintf);

/* Copies @length bytes and appends @zeroes zero bytes. */
static void *mal_copy_user(const void __user *from, size_t length, size_t zeroes,
			   unsigned long caller)
{
	void *to;

	if (length > SIZE_MAX - zeroes)
		return ERR_PTR(-ENOMEM);
	to = mal_kmalloc_caller(length + zeroes, GFP_USER | __GFP_NOWARN,
				NUMA_NO_NODE, caller);
	if (!to)
		return ERR_PTR(-ENOMEM);
	if (copy_from_user(to, from, length)) {
		mal_kfree(to);
		return ERR_PTR(-EFAULT);
	}
	memset(to + length, 0, zeroes);
	return to;
}

/**
 * mal_memdup_user() - copy memory from user space
 * @from: source
 * @length: bytes
 *
 * Context: task; sleeps.
 * Return: the copy, or ERR_PTR(): -ENOMEM, or -EFAULT if the source cannot be
 * read.
 */
void *mal_memdup_user(const void __user *from, size_t length)
{
	return mal_copy_user(from, length, 0, _RET_IP_);
}
MAL_EXPORT(mal_memdup_user);

/**
 * mal_memdup_user_nul() - make a string of bytes from user space
 * @from: the bytes
 * @length: number of bytes
 *
 * Context: task; sleeps.
 * Return: the bytes with a terminating zero, or ERR_PTR() as mal_memdup_user().
 */
void *mal_memdup_user_nul(const void __user *from, size_t length)
{
	return mal_copy_user(from, length, 1, _RET_IP_);
}
MAL_EXPORT(mal_memdup_user_nul);

/**
 * mal_strndup_user() - copy a string from user space
 * @from: the string
 * @max: maximum number of bytes, including the terminating zero
 *
 * Context: task; sleeps.
 * Return: the copy, or ERR_PTR(): -EINVAL if the string is longer, otherwise as
 * mal_memdup_user().
 */
char *mal_strndup_user(const char __user *from, long max)
{
	long length = strnlen_user(from, max);
	char *to;

	if (!length)
		return ERR_PTR(-EFAULT);
	if (length > max)
		return ERR_PTR(-EINVAL);
	to = mal_copy_user(from, length, 0, _RET_IP_);
	if (!IS_ERR(to))
		to[length - 1] = '\0';
	return to;
}
MAL_EXPORT(mal_strndup_user);
