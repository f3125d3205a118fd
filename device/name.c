// SPDX-License-Identifier: GPL-2.0
/*
 * Names that user space gives to its caches and mempools
 *
 * Names are visible in /proc/memalloc, statistics and the kernel log. So a name
 * must not contain characters that could be mistaken for something else. It is
 * shown with the prefix "u:", which no name of the kernel has.
 *
 * Context: any.
 */
#include <linux/build_bug.h>
#include <linux/ctype.h>
#include <linux/kernel.h>
#include <linux/string.h>

#include "internal/name.h"

/* Marks names from user space. */
#define MAL_NAME_PREFIX		"u:"

static_assert(sizeof(MAL_NAME_PREFIX) - 1 + MEMALLOC_NAME_SIZE <=
	      MEMALLOC_SHOWN_NAME_SIZE);

/**
 * mal_name_ok() - is this a valid name?
 * @name: name from user space
 *
 * Return: true if it is; it is terminated within @name then.
 */
bool mal_name_ok(const char name[MEMALLOC_NAME_SIZE])
{
	size_t length = strnlen(name, MEMALLOC_NAME_SIZE), i;

	if (!length || length == MEMALLOC_NAME_SIZE ||
	    memchr_inv(name + length, 0, MEMALLOC_NAME_SIZE - length))
		return false;
	for (i = 0; i < length; i++)
		if (!isascii(name[i]) ||
		    (!isalnum(name[i]) && !strchr("_.-", name[i])))
			return false;
	return true;
}

/**
 * mal_name_show() - format a name for output
 * @name: the name
 * @shown: filled in
 */
void mal_name_show(const char name[MEMALLOC_NAME_SIZE],
		   char shown[MEMALLOC_SHOWN_NAME_SIZE])
{
	snprintf(shown, MEMALLOC_SHOWN_NAME_SIZE, MAL_NAME_PREFIX "%s", name);
}
