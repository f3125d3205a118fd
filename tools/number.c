// SPDX-License-Identifier: GPL-2.0
/*
 * Numbers as users write them, and as they like to read them
 *
 * strtoull(3) takes blanks, signs, a leading zero as octal, and whatever
 * follows. A user who writes such a thing has made a mistake and hears of it.
 */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "number.h"

static const char *parse_digits(const char *text, uint64_t *value, char **end)
{
	bool hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
	const char *digits = hex ? text + 2 : text;
	unsigned long long number;

	if (!*text)
		return "is empty where a number is wanted";
	if (*text == '-')
		return "is negative where only numbers from 0 are allowed";
	if (hex ? !isxdigit((unsigned char)*digits) :
		  !isdigit((unsigned char)*digits))
		return "is not a number";
	errno = 0;
	number = strtoull(digits, end, hex ? 16 : 10);
	if (errno == ERANGE)
		return "is too large: 64 bits do not hold it";
	*value = number;
	return NULL;
}

const char *number_parse(const char *text, uint64_t *value)
{
	const char *wrong;
	char *end;

	wrong = parse_digits(text, value, &end);
	if (wrong)
		return wrong;
	return *end ? "is not a number" : NULL;
}

const char *number_parse_size(const char *text, uint64_t *value)
{
	static const char suffixes[] = "KMG";
	const char *suffix, *wrong;
	unsigned int shift;
	char *end;

	wrong = parse_digits(text, value, &end);
	if (wrong || !*end)
		return wrong;
	suffix = strchr(suffixes, toupper((unsigned char)*end));
	if (!suffix || end[1])
		return "is not a size: write a number, perhaps with K, M or G";
	shift = 10 * (unsigned int)(suffix - suffixes + 1);
	if (*value > UINT64_MAX >> shift)
		return "is too large: 64 bits do not hold it";
	*value <<= shift;
	return NULL;
}

const char *number_format_bytes(uint64_t bytes, char *buffer)
{
	static const char *const units[] = {
		"bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"
	};
	unsigned int unit = 0;
	uint64_t whole = bytes;

	while (whole >= 1024) {
		whole >>= 10;
		unit++;
	}
	if (whole << (10 * unit) == bytes)
		snprintf(buffer, NUMBER_BYTES_MAX, "%" PRIu64 " %s", whole,
			 units[unit]);
	else
		snprintf(buffer, NUMBER_BYTES_MAX, "%.1f %s",
			 (double)bytes / (double)(1ULL << (10 * unit)),
			 units[unit]);
	return buffer;
}
