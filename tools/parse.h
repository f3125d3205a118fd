/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Numbers, sizes and flags: from text, and back
 */
#ifndef PARSE_H
#define PARSE_H

#include <stdbool.h>
#include <stdint.h>

/**
 * number_parse() - parse an unsigned number
 * @text: decimal digits, or 0x and hexadecimal digits, and nothing else
 * @value: result
 *
 * Return: NULL, or a phrase that describes the error, to follow @text.
 */
const char *number_parse(const char *text, uint64_t *value);

/**
 * number_parse_size() - parse a number of bytes
 * @text: as for number_parse(), optionally followed by K, M or G
 * @value: result
 *
 * Return: NULL, or a phrase that describes the error, to follow @text.
 */
const char *number_parse_size(const char *text, uint64_t *value);

/**
 * gfp_parse() - parse a list of GFP names
 * @text: names separated by commas, e.g. "atomic,zero"; a number is taken as a
 *	set of bits, valid or not
 * @gfp: result
 *
 * Complains about an unknown name.
 *
 * Return: true if all names are known.
 */
bool gfp_parse(const char *text, uint32_t *gfp);

/**
 * cache_flags_parse() - parse a list of flag names
 * @text: names separated by commas, e.g. "dma,hwcache_align"
 * @flags: result, MEMALLOC_CACHE_*
 *
 * Complains about an unknown name.
 *
 * Return: true if all names are known.
 */
bool cache_flags_parse(const char *text, uint32_t *flags);

/* Large enough for the names of all flags. */
#define CACHE_FLAGS_MAX 256

/**
 * cache_flags_format() - format flags as a list of names
 * @flags: MEMALLOC_CACHE_*
 * @text: buffer; "-" if no flag is set
 *
 * Return: @text.
 */
const char *cache_flags_format(uint64_t flags, char text[CACHE_FLAGS_MAX]);

/**
 * cache_ctor_parse() - parse the name of a constructor
 * @text: "none", "zero" or "count"
 * @ctor: result, enum memalloc_ctor
 *
 * Return: true, or false after a complaint.
 */
bool cache_ctor_parse(const char *text, uint32_t *ctor);

#endif /* PARSE_H */
