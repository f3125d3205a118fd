// SPDX-License-Identifier: GPL-2.0
/*
 * Names: what user space calls its caches and mempools
 *
 * All see them, in /proc/memalloc, statistics and the kernel log: so a name has no
 * characters that could be taken for anything else, and is shown with "u:" in
 * front, as no name of the kernel's is.
 *
 * Context: any.
 */
#include <linux/build_bug.h>
#include <linux/ctype.h>
#include <linux/kernel.h>
#include <linux/string.h>

#include "internal/name.h"

/* What shows that a name is user space's. */
#define MAL_NAME_PREFIX		"u:"

static_assert(sizeof(MAL_NAME_PREFIX) - 1 + MEMALLOC_NAME_SIZE <=
	      MEMALLOC_SHOWN_NAME_SIZE);

/**
 * mal_name_ok() - can this be a name?
 * @name: what user space says
 *
 * Return: true if so; it ends within @name then.
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
 * mal_name_show() - what the name is shown as
 * @name: the name
 * @shown: set
 */
void mal_name_show(const char name[MEMALLOC_NAME_SIZE],
		   char shown[MEMALLOC_SHOWN_NAME_SIZE])
{
	snprintf(shown, MEMALLOC_SHOWN_NAME_SIZE, MAL_NAME_PREFIX "%s", name);
}
