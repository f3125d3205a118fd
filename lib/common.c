// SPDX-License-Identifier: GPL-2.0
/*
 * Functions that the library and memallocctl share, but no other program uses
 */
#include <inttypes.h>
#include <stdio.h>

#include "common.h"

const char *memalloc_format_bytes(uint64_t bytes, char *buffer)
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
		snprintf(buffer, MEMALLOC_BYTES_MAX, "%" PRIu64 " %s", whole,
			 units[unit]);
	else
		snprintf(buffer, MEMALLOC_BYTES_MAX, "%.1f %s",
			 (double)bytes / (double)(1ULL << (10 * unit)),
			 units[unit]);
	return buffer;
}

bool memalloc_cap_allows(const struct memalloc_stats_borrowing *borrowing,
			 uint64_t pages)
{
	const uint64_t page = borrowing->page_size, section = 28 << 10;
	uint64_t used = borrowing->borrowed * page + borrowing->metadata_bytes;

	return used + (pages + (section + page - 1) / page) * page <=
	       borrowing->cap * page;
}
