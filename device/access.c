// SPDX-License-Identifier: GPL-2.0
/*
 * Access: read, write, fill and verify the bytes of an object
 *
 * A walk over a range applies one of four steps to each contiguous piece.
 * Between two pieces it reschedules and stops at a signal, so no command takes
 * long, regardless of the size of the object. The first piece is always
 * processed, so a caller that repeats a command makes progress.
 *
 * User space owns the bytes and may change them at any time, through a mapping
 * or by another command. The steps tolerate such changes, but which contents
 * they see is undefined. The object is not resized during a walk.
 *
 * All ranges go through mal_walk_piece(), which keeps them within the object
 * under speculation as well. The kinds need not do that.
 *
 * Objects of a slab cache are copied to and from user space only as far as
 * their cache allows it. The host's hardened usercopy does the same for its own
 * objects.
 *
 * Context: task, may sleep. The caller holds a reference to the object.
 */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/minmax.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/sizes.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include <asm/byteorder.h>

#include <memalloc/slab_cache.h>

#include "internal/access.h"
#include "internal/handle.h"
#include "internal/kind.h"

/**
 * struct mal_walk - a range of an object, and a step applied to it
 * @obj: the object
 * @offset: offset of the first byte
 * @length: number of bytes
 * @step: processes @len bytes at @addr, which are @done bytes from the
 *	start of the range. Returns the number of bytes processed, fewer than
 *	@len to end the walk, or -EFAULT or -EPERM.
 * @to: READ: the caller's buffer
 * @from: WRITE: the caller's buffer
 * @pattern: FILL, VERIFY: the words
 */
struct mal_walk {
	struct mal_handle *obj;
	u64 offset;
	u64 length;
	ssize_t (*step)(const struct mal_walk *walk, void *addr, size_t len,
			u64 done);
	union {
		void __user *to;
		const void __user *from;
		const struct mal_pattern *pattern;
	};
};

static ssize_t mal_walk_piece(const struct mal_walk *walk, u64 done,
			      size_t *len)
{
	u64 size = walk->obj->bytes;
	u64 offset = mal_offset_nospec(walk->offset + done, size);
	u64 most = min_t(u64, walk->length - done, SZ_64K);
	void *addr;
	ssize_t n;

	*len = mal_offset_nospec(most - 1, size - offset) + 1;
	addr = walk->obj->kind->map(walk->obj, offset, len);
	n = walk->step(walk, addr, *len, done);
	if (walk->obj->kind->unmap)
		walk->obj->kind->unmap(walk->obj, offset, addr);
	return n;
}

/* The object is locked against resizing. */
static int mal_walk_locked(const struct mal_walk *walk, u64 *done)
{
	u64 size = walk->obj->bytes;
	size_t len;
	ssize_t n;

	if (walk->offset > size || walk->length > size - walk->offset)
		return -EOVERFLOW;
	while (*done < walk->length) {
		if (*done && signal_pending(current))
			return -EINTR;
		n = mal_walk_piece(walk, *done, &len);
		if (n < 0)
			return n;
		*done += n;
		if (n < len)
			break;
		cond_resched();
	}
	return 0;
}

static int mal_walk(const struct mal_walk *walk, u64 *done)
{
	int err;

	*done = 0;
	err = mal_handle_lock(walk->obj);
	if (err)
		return err;
	err = mal_walk_locked(walk, done);
	mal_handle_unlock(walk->obj);
	return err;
}

static ssize_t mal_step_read(const struct mal_walk *walk, void *addr,
			     size_t len, u64 done)
{
	if (!mal_usercopy_allowed(addr, len))
		return -EPERM;
	return copy_to_user(walk->to + done, addr, len) ? -EFAULT : len;
}

static ssize_t mal_step_write(const struct mal_walk *walk, void *addr,
			      size_t len, u64 done)
{
	if (!mal_usercopy_allowed(addr, len))
		return -EPERM;
	return copy_from_user(addr, walk->from + done, len) ? -EFAULT : len;
}

/*
 * The word that contains the byte at @offset. Returns its bytes from there on.
 */
static size_t mal_pattern_word(const struct mal_pattern *pattern, u64 offset,
			       size_t len, __le64 *word)
{
	*word = cpu_to_le64(pattern->value + pattern->step * (offset >> 3));
	return min_t(size_t, len, 8 - (offset & 7));
}

static ssize_t mal_step_fill(const struct mal_walk *walk, void *addr,
			     size_t len, u64 done)
{
	u64 offset = walk->offset + done;
	size_t filled, n;
	__le64 word;

	for (filled = 0; filled < len; filled += n, offset += n) {
		n = mal_pattern_word(walk->pattern, offset, len - filled, &word);
		if (n == sizeof(word))
			memcpy(addr + filled, &word, sizeof(word));
		else
			memcpy(addr + filled, (u8 *)&word + (offset & 7), n);
	}
	return len;
}

static size_t mal_bytes_agree(const u8 *seen, const u8 *want, size_t len)
{
	size_t n = 0;

	while (n < len && seen[n] == want[n])
		n++;
	return n;
}

static ssize_t mal_step_verify(const struct mal_walk *walk, void *addr,
			       size_t len, u64 done)
{
	u64 offset = walk->offset + done;
	size_t agreed, n, same;
	__le64 word, seen = 0;

	for (agreed = 0; agreed < len; agreed += n, offset += n) {
		n = mal_pattern_word(walk->pattern, offset, len - agreed, &word);
		if (n == sizeof(word)) {
			memcpy(&seen, addr + agreed, sizeof(seen));
			if (likely(seen == word))
				continue;
		} else {
			memcpy((u8 *)&seen + (offset & 7), addr + agreed, n);
		}
		/* Compare a copy: the memory may change at any time. */
		same = mal_bytes_agree((u8 *)&seen + (offset & 7),
				       (u8 *)&word + (offset & 7), n);
		if (same < n)
			return agreed + same;
	}
	return len;
}

/* A signal does not invalidate bytes that were copied. */
static int mal_walk_copy(const struct mal_walk *walk, u64 *done)
{
	int err = mal_walk(walk, done);

	return err == -EINTR ? 0 : err;
}

/**
 * mal_handle_read() - copy bytes of an object to user space
 * @obj: the object
 * @offset: offset of the first byte
 * @length: number of bytes
 * @data: the caller's buffer
 * @done: set to the number of bytes copied; less than @length only after a
 *	signal
 *
 * Context: task, may sleep.
 * Return: 0, -EOVERFLOW if the range exceeds the object, -EFAULT, or -EPERM if
 * the object's cache does not allow the copy.
 */
int mal_handle_read(struct mal_handle *obj, u64 offset, u64 length,
		    void __user *data, u64 *done)
{
	const struct mal_walk walk = {
		.obj = obj,
		.offset = offset,
		.length = length,
		.step = mal_step_read,
		.to = data,
	};

	return mal_walk_copy(&walk, done);
}

/**
 * mal_handle_write() - copy bytes from user space to an object
 * @obj: the object
 * @offset: offset of the first byte
 * @length: number of bytes
 * @data: the caller's buffer
 * @done: set to the number of bytes copied; less than @length only after a
 *	signal
 *
 * Context: task, may sleep.
 * Return: 0, -EOVERFLOW if the range exceeds the object, -EFAULT, or -EPERM if
 * the object's cache does not allow the copy.
 */
int mal_handle_write(struct mal_handle *obj, u64 offset, u64 length,
		     const void __user *data, u64 *done)
{
	const struct mal_walk walk = {
		.obj = obj,
		.offset = offset,
		.length = length,
		.step = mal_step_write,
		.from = data,
	};

	return mal_walk_copy(&walk, done);
}

/**
 * mal_handle_fill() - write a pattern to an object
 * @obj: the object
 * @offset: offset of the first byte
 * @length: number of bytes
 * @pattern: the words, counted from the first byte of the object
 * @done: set to the number of bytes written
 *
 * Context: task, may sleep.
 * Return: 0, -EOVERFLOW if the range exceeds the object, or -EINTR after a
 * signal.
 */
int mal_handle_fill(struct mal_handle *obj, u64 offset, u64 length,
		    const struct mal_pattern *pattern, u64 *done)
{
	const struct mal_walk walk = {
		.obj = obj,
		.offset = offset,
		.length = length,
		.step = mal_step_fill,
		.pattern = pattern,
	};

	return mal_walk(&walk, done);
}

/**
 * mal_handle_verify() - compare the bytes of an object with a pattern
 * @obj: the object
 * @offset: offset of the first byte
 * @length: number of bytes
 * @pattern: the words, counted from the first byte of the object
 * @done: set to the number of bytes before the first difference
 *
 * Context: task, may sleep.
 * Return: 0, whether or not all bytes match; -EOVERFLOW if the range exceeds
 * the object; -EINTR after a signal.
 */
int mal_handle_verify(struct mal_handle *obj, u64 offset, u64 length,
		      const struct mal_pattern *pattern, u64 *done)
{
	const struct mal_walk walk = {
		.obj = obj,
		.offset = offset,
		.length = length,
		.step = mal_step_verify,
		.pattern = pattern,
	};

	return mal_walk(&walk, done);
}
