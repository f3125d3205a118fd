/* SPDX-License-Identifier: GPL-2.0 */
/*
 * access.h: access to the bytes of an object
 */
#ifndef _MAL_ACCESS_H
#define _MAL_ACCESS_H

#include <linux/compiler.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/nospec.h>
#include <linux/types.h>

#include <uapi/linux/memalloc.h>

struct mal_handle;

/**
 * mal_user_ptr() - convert a pointer passed as __u64
 * @value: the value; must fit in a pointer on 32-bit hosts
 * @ptr: set to the pointer
 *
 * Context: any.
 * Return: 0, or -EFAULT.
 */
static inline int mal_user_ptr(u64 value, void __user **ptr)
{
	if (value != (unsigned long)value)
		return -EFAULT;
	*ptr = u64_to_user_ptr(value);
	return 0;
}

/**
 * mal_offset_nospec() - bound an offset in an object under speculation
 * @offset: offset from user space, checked to be less than @size
 * @size: size of the object, which fits in a long because it is in memory
 *
 * Context: any.
 * Return: @offset; zero under speculation past a failing check.
 */
static inline u64 mal_offset_nospec(u64 offset, u64 size)
{
	return array_index_nospec((unsigned long)offset, (unsigned long)size);
}

/**
 * struct mal_pattern - words to fill an object with
 * @value: the first word
 * @step: difference between consecutive words
 */
struct mal_pattern {
	u64 value;
	u64 step;
};

int mal_handle_read(struct mal_handle *obj, u64 offset, u64 length,
		    void __user *data, u64 *done);
int mal_handle_write(struct mal_handle *obj, u64 offset, u64 length,
		     const void __user *data, u64 *done);
int mal_handle_fill(struct mal_handle *obj, u64 offset, u64 length,
		    const struct mal_pattern *pattern, u64 *done);
int mal_handle_verify(struct mal_handle *obj, u64 offset, u64 length,
		      const struct mal_pattern *pattern, u64 *done);

#endif /* _MAL_ACCESS_H */
