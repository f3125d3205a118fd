/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Mapped allocations
 */
#ifndef MAP_H
#define MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "device.h"

/**
 * mapping_create() - map an allocation, or part of it
 * @device: the device
 * @offset: out_map_offset of the allocation, plus whole pages
 * @length: number of bytes
 * @writable: map for writing, too
 * @memory: result
 *
 * After the first call, SIGBUS (the kernel has no page for the address) prints
 * a message and ends the process.
 *
 * Return: 0 or a negative errno.
 */
int mapping_create(const struct device *device, uint64_t offset, size_t length,
		   bool writable, void **memory);

/**
 * mapping_fill() - do what MEMALLOC_FILL does with MEMALLOC_PATTERN_COUNT
 * @memory: the whole allocation, mapped
 * @length: its size
 * @value: the value
 */
void mapping_fill(void *memory, size_t length, uint64_t value);

/**
 * mapping_verify() - do what MEMALLOC_VERIFY does with MEMALLOC_PATTERN_COUNT
 * @memory: the whole allocation, mapped or read
 * @length: its size
 * @value: the value
 *
 * Return: number of bytes before the first word that differs.
 */
size_t mapping_verify(const void *memory, size_t length, uint64_t value);

#endif /* MAP_H */
