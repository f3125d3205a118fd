/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Text of several lines in a buffer of the caller
 */
#ifndef MEMALLOC_TEXT_H
#define MEMALLOC_TEXT_H

#include <stddef.h>

struct stat;

/**
 * struct text - lines that are being written
 * @buffer: buffer of the caller, which always ends with a zero byte
 * @size: its size; may be zero
 * @length: length of the whole text, even if the buffer is too short
 */
struct text {
	char *buffer;
	size_t size;
	size_t length;
};

/**
 * memalloc_text_init() - begin a text
 * @text: the text
 * @buffer: buffer; may be NULL if @size is zero
 * @size: its size
 */
void memalloc_text_init(struct text *text, char *buffer, size_t size);

/**
 * memalloc_text_line() - add a line
 * @text: the text
 * @format: as for printf(3), without a newline
 */
void memalloc_text_line(struct text *text, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/**
 * memalloc_text_error() - add the general description of an error
 * @text: the text, which is empty
 * @error: a positive errno
 *
 * The meaning is one line, and the advice a second one, if there is any.
 */
void memalloc_text_error(struct text *text, int error);

/**
 * memalloc_text_access() - add advice on how to get write access to the device
 * @text: the text
 * @status: state of the device; NULL if it is unknown
 */
void memalloc_text_access(struct text *text, const struct stat *status);

#endif /* MEMALLOC_TEXT_H */
