// SPDX-License-Identifier: GPL-2.0
/*
 * Descriptions of errors, and text of several lines
 *
 * Each error of the device has one row with its meaning and the advice for it.
 * memalloc_strerror() returns both as one string, which the compiler joins, so
 * that the function is safe in threads and signal handlers.
 */
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <memalloc.h>

#include "text.h"

/* Other C libraries have no such constants, so their errors have no text. */
#ifdef __GLIBC__
#if __GLIBC_PREREQ(2, 32)
#define HAVE_STRERRORDESC
#endif
#endif

/**
 * struct description - an error
 * @error: positive errno
 * @meaning: the first part of the text
 * @advice: the second part
 * @both: the text
 */
struct description {
	int error;
	const char *meaning;
	const char *advice;
	const char *both;
};

#define ROW(error, meaning, advice) { error, meaning, advice, meaning "; " advice }

static const struct description descriptions[] = {
	ROW(EPERM, "permission denied",
	    "run this as root, e.g. with sudo: CAP_SYS_ADMIN is needed, or for memory of zones DMA and DMA32 CAP_SYS_RAWIO"),
	ROW(ENOENT, "the open file has no such handle",
	    "use a handle that this open file allocated and has not freed"),
	ROW(EINTR, "a signal interrupted the command", "repeat it"),
	ROW(ENXIO, "the device has no driver",
	    "load the module with \"modprobe memalloc\""),
	ROW(E2BIG, "the module does not support part of the request",
	    "install the program and the module from one release, then reload the module"),
	ROW(EBADF, "the file is not open, or not for this command",
	    "open the device for reading and writing"),
	ROW(ENOMEM, "out of memory",
	    "free some, or raise the cap in /sys/module/memalloc/parameters/cap_mb"),
	ROW(EACCES, "permission denied",
	    "run this as root, or as a member of the group of the device"),
	ROW(EFAULT, "the kernel cannot access a buffer of this program",
	    "pass the address of memory that has the full length"),
	ROW(EBUSY, "the handle is still in use",
	    "free its objects, elements and mempools first"),
	ROW(ENODEV, "only pages and areas can be mapped",
	    "read and write other kinds with commands"),
	ROW(EINVAL, "the module rejects the request as invalid",
	    "compare it with <linux/memalloc.h>, and install the program and the module from one release"),
	ROW(EMFILE, "this process has too many open files",
	    "close some, or raise the limit with \"ulimit -n\""),
	ROW(ENOTTY, "the device does not support this command",
	    "install the program and the module from one release, then reload the module"),
	ROW(ENOSPC, "the open file has exhausted the offsets for mapping memory",
	    "free some allocations; other open files are not affected"),
	ROW(EROFS, "the device is on a file system without write access",
	    "open it for reading only, or mount devtmpfs on /dev"),
	ROW(ENAMETOOLONG, "the name is too long",
	    "use at most 23 letters, digits, '_', '.' and '-'"),
	ROW(EOVERFLOW, "offset and length exceed the allocation",
	    "keep their sum within its size"),
	ROW(EILSEQ, "the contents differ from the pattern",
	    "fill the allocation with the same pattern and value first"),
	ROW(EOPNOTSUPP, "the kind of the handle does not support that",
	    "resize kmalloc memory and mempools, shrink caches, access the others"),
	ROW(EUCLEAN, "structures of the allocator are damaged",
	    "see the kernel log (dmesg), and please report it"),
	ROW(EDQUOT, "a quota is exhausted",
	    "free some, or raise the quota in /sys/module/memalloc/parameters/"),
};

_Static_assert(MEMALLOC_NAME_SIZE == 24, "the description of ENAMETOOLONG");

static const struct description *find(int error)
{
	size_t i;

	for (i = 0; i < sizeof(descriptions) / sizeof(*descriptions); i++)
		if (descriptions[i].error == error)
			return &descriptions[i];
	return NULL;
}

/* As strerror(3), but a constant that no other thread changes. */
static const char *host_description(int error)
{
	const char *text = NULL;

#ifdef HAVE_STRERRORDESC
	text = strerrordesc_np(error);
#endif
	return text ? text : "unknown error";
}

const char *memalloc_strerror(int error)
{
	const struct description *description;

	if (error < 0 && error != INT32_MIN)
		error = -error;
	if (!error)
		return "no error";
	description = find(error);
	return description ? description->both : host_description(error);
}

void memalloc_text_init(struct text *text, char *buffer, size_t size)
{
	text->buffer = buffer;
	text->size = size;
	text->length = 0;
	if (size)
		*buffer = '\0';
}

__attribute__((format(printf, 2, 0)))
static void add(struct text *text, const char *format, va_list args)
{
	const size_t at = text->length < text->size ? text->length : text->size;
	char *const to = at < text->size ? text->buffer + at : NULL;
	int length = vsnprintf(to, text->size - at, format, args);

	if (length > 0)
		text->length += (size_t)length;
}

static void add_character(struct text *text, char character)
{
	if (text->length + 1 < text->size) {
		text->buffer[text->length] = character;
		text->buffer[text->length + 1] = '\0';
	}
	text->length++;
}

void memalloc_text_line(struct text *text, const char *format, ...)
{
	va_list args;

	if (text->length)
		add_character(text, '\n');
	va_start(args, format);
	add(text, format, args);
	va_end(args);
}

void memalloc_text_error(struct text *text, int error)
{
	const struct description *description = find(error);

	if (!description) {
		memalloc_text_line(text, "%s", error ? host_description(error) :
						       "no error");
		return;
	}
	memalloc_text_line(text, "%s", description->meaning);
	memalloc_text_line(text, "%c%s.",
			   toupper((unsigned char)*description->advice),
			   description->advice + 1);
}
