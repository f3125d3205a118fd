/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Functions that the library and memallocctl share, but no other program uses
 */
#ifndef MEMALLOC_COMMON_H
#define MEMALLOC_COMMON_H

#include <stdbool.h>
#include <stdint.h>

#include <linux/memalloc.h>

/* Size of a buffer for memalloc_format_bytes() */
#define MEMALLOC_BYTES_MAX 32

/* Directory of the module's parameters, with a slash at the end */
#define MEMALLOC_PARAMETERS "/sys/module/memalloc/parameters/"

/**
 * memalloc_format_bytes() - format a number of bytes for people
 * @bytes: the number
 * @buffer: buffer of MEMALLOC_BYTES_MAX bytes
 *
 * Return: @buffer, e.g. "4 MiB", or "4.2 MiB" if the number is not exact.
 */
const char *memalloc_format_bytes(uint64_t bytes, char *buffer);

/**
 * memalloc_cap_allows() - does the cap allow the module to borrow more?
 * @borrowing: the section
 * @pages: pages to be borrowed
 *
 * The cap must have room for the pages and for the metadata of 4 MiB, 28 KiB.
 *
 * Return: true, or false if the cap might be the reason for a refusal.
 */
bool memalloc_cap_allows(const struct memalloc_stats_borrowing *borrowing,
			 uint64_t pages);

#endif /* MEMALLOC_COMMON_H */
