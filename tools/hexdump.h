/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Bytes in hexadecimal, as written and as read
 */
#ifndef HEXDUMP_H
#define HEXDUMP_H

#include <stddef.h>
#include <stdint.h>

/* So many bytes stand on one line. */
#define HEXDUMP_LINE 16

/**
 * hexdump_print() - print bytes, sixteen a line, in hexadecimal and as text
 * @offset: of the first byte, for the first column
 * @bytes: the bytes
 * @length: how many
 */
void hexdump_print(uint64_t offset, const unsigned char *bytes, size_t length);

/**
 * hexdump_parse() - read bytes
 * @text: two hexadecimal digits for each
 * @bytes: where they go; half the length of @text is enough. May be @text.
 * @length: how many there were
 *
 * Return: NULL, or what is wrong with @text, to follow it in a sentence.
 */
const char *hexdump_parse(const char *text, unsigned char *bytes,
			  size_t *length);

#endif /* HEXDUMP_H */
