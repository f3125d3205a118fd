/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The flags and constructors of slab caches, by name
 */
#ifndef CACHE_FLAGS_H
#define CACHE_FLAGS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/**
 * cache_flags_parse() - read a list of names
 * @text: names separated by commas, as "dma,hwcache_align"
 * @flags: where MEMALLOC_CACHE_* go
 *
 * Complains about what it does not understand.
 *
 * Return: true if it understood all.
 */
bool cache_flags_parse(const char *text, uint32_t *flags);

/**
 * cache_flags_print() - write flags as such a list
 * @flags: MEMALLOC_CACHE_*
 * @file: where to; a '-' for none
 */
void cache_flags_print(uint64_t flags, FILE *file);

/**
 * cache_ctor_parse() - read the name of a constructor
 * @text: "none", "zero" or "count"
 * @ctor: where enum memalloc_ctor goes
 *
 * Return: true, or false after a complaint.
 */
bool cache_ctor_parse(const char *text, uint32_t *ctor);

#endif /* CACHE_FLAGS_H */
