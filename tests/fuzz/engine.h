/* SPDX-License-Identifier: GPL-2.0 */
/*
 * engine.h: between the fuzzer and whoever leads it, by the names of libFuzzer
 */
#ifndef ENGINE_H
#define ENGINE_H

#include <stddef.h>
#include <stdint.h>

/* The engine's: change some bytes at random. Return: how many there are then. */
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);

/* The fuzzer's: begin, carry out an input, make another of one or of two. */
int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed);
size_t LLVMFuzzerCustomCrossOver(const uint8_t *one, size_t one_size, const uint8_t *other,
				 size_t other_size, uint8_t *out, size_t max_size,
				 unsigned int seed);

#endif /* ENGINE_H */
