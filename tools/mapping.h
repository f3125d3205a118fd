/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Allocations in our own address space
 */
#ifndef MAPPING_H
#define MAPPING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "device.h"

/**
 * mapping_create() - map an allocation, or part of it
 * @device: the device
 * @offset: out_map_offset of the allocation, or a page further on
 * @length: bytes
 * @writable: for writing too
 * @memory: where it is
 *
 * From the first call on, a SIGBUS (the kernel has no page for us there) ends
 * the process with a sentence.
 *
 * Return: 0 or a negative errno.
 */
int mapping_create(const struct device *device, uint64_t offset, size_t length,
		   bool writable, void **memory);

int mapping_destroy(void *memory, size_t length);

/**
 * mapping_fill() - what MEMALLOC_FILL does with MEMALLOC_PATTERN_COUNT
 * @memory: the whole allocation, mapped
 * @length: its size
 * @value: the value
 */
void mapping_fill(void *memory, size_t length, uint64_t value);

/**
 * mapping_verify() - what MEMALLOC_VERIFY does with MEMALLOC_PATTERN_COUNT
 * @memory: the whole allocation, mapped or read
 * @length: its size
 * @value: the value
 *
 * Return: bytes that agree before the first word that does not.
 */
size_t mapping_verify(const void *memory, size_t length, uint64_t value);

#endif /* MAPPING_H */
