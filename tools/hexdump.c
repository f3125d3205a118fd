// SPDX-License-Identifier: GPL-2.0
/*
 * Bytes in hexadecimal, as written and as read
 */
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "hexdump.h"

static void print_line(uint64_t offset, const unsigned char *bytes,
		       size_t length)
{
	size_t i;

	printf("%08" PRIx64 " ", offset);
	for (i = 0; i < HEXDUMP_LINE; i++) {
		if (i == HEXDUMP_LINE / 2)
			putchar(' ');
		if (i < length)
			printf(" %02x", bytes[i]);
		else
			fputs("   ", stdout);
	}
	fputs("  |", stdout);
	for (i = 0; i < length; i++)
		putchar(bytes[i] < 0x7f && isprint(bytes[i]) ? bytes[i] : '.');
	puts("|");
}

void hexdump_print(uint64_t offset, const unsigned char *bytes, size_t length)
{
	while (length) {
		size_t part = length < HEXDUMP_LINE ? length : HEXDUMP_LINE;

		print_line(offset, bytes, part);
		offset += part;
		bytes += part;
		length -= part;
	}
}

static unsigned int digit(char c)
{
	static const char digits[] = "0123456789abcdef";

	return (unsigned int)(strchr(digits, tolower((unsigned char)c)) -
			      digits);
}

const char *hexdump_parse(const char *text, unsigned char *bytes,
			  size_t *length)
{
	size_t count = strlen(text), i;

	if (strspn(text, "0123456789abcdefABCDEF") != count)
		return "has something other than hexadecimal digits in it";
	if (count % 2)
		return "has half a byte too many: two digits make a byte";
	for (i = 0; i < count / 2; i++)
		bytes[i] = (unsigned char)(digit(text[2 * i]) << 4 |
					   digit(text[2 * i + 1]));
	*length = count / 2;
	return NULL;
}
