/* SPDX-License-Identifier: GPL-2.0 */
/*
 * access.h: the bytes of an object
 */
#ifndef _MAL_ACCESS_H
#define _MAL_ACCESS_H

#include <linux/compiler.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/nospec.h>
#include <linux/types.h>

#include <uapi/linux/memalloc.h>

struct mal_object;

/**
 * mal_user_ptr() - a pointer that travelled as __u64
 * @value: it; all of it must be there on 32 bits, too
 * @ptr: the pointer
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
 * mal_offset_nospec() - an offset in an object, even where the processor guesses
 * @offset: what user space says; checked to be less than @size
 * @size: of the object, which is in memory, and so not beyond a long
 *
 * Context: any.
 * Return: @offset; zero where it is used before the outcome of the check is known,
 * and will turn out to be too large.
 */
static inline u64 mal_offset_nospec(u64 offset, u64 size)
{
	return array_index_nospec((unsigned long)offset, (unsigned long)size);
}

/**
 * struct mal_pattern - what the words of an object are
 * @value: of the first word
 * @step: by which each word differs from the one before it
 */
struct mal_pattern {
	u64 value;
	u64 step;
};

int mal_object_read(struct mal_object *obj, u64 offset, u64 length,
		    void __user *data, u64 *done);
int mal_object_write(struct mal_object *obj, u64 offset, u64 length,
		     const void __user *data, u64 *done);
int mal_object_fill(struct mal_object *obj, u64 offset, u64 length,
		    const struct mal_pattern *pattern, u64 *done);
int mal_object_verify(struct mal_object *obj, u64 offset, u64 length,
		      const struct mal_pattern *pattern, u64 *done);

#endif /* _MAL_ACCESS_H */
