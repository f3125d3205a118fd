/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Numbers as users write them, and as they like to read them
 */
#ifndef NUMBER_H
#define NUMBER_H

#include <stdint.h>

/**
 * number_parse() - read an unsigned number
 * @text: decimal digits, or 0x and hexadecimal digits, and nothing else
 * @value: where the number goes
 *
 * Return: NULL, or what is wrong with @text, to follow it in a sentence.
 */
const char *number_parse(const char *text, uint64_t *value);

/**
 * number_parse_size() - read a number of bytes
 * @text: as for number_parse(), and at its end perhaps K, M or G
 * @value: where the number of bytes goes
 *
 * Return: NULL, or what is wrong with @text, to follow it in a sentence.
 */
const char *number_parse_size(const char *text, uint64_t *value);

/* Long enough for any number that number_format_bytes() writes. */
#define NUMBER_BYTES_MAX 32

/**
 * number_format_bytes() - write a number of bytes for people
 * @bytes: the number
 * @buffer: of NUMBER_BYTES_MAX bytes
 *
 * Return: @buffer, as "4 MiB" or, where that would not be exact, "4.2 MiB".
 */
const char *number_format_bytes(uint64_t bytes, char *buffer);

#endif /* NUMBER_H */
