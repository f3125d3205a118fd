// SPDX-License-Identifier: GPL-2.0
/*
 * Allocations in our own address space
 */
#include <endian.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "mapping.h"

static void end_with_sentence(int signal)
{
	static const char sentence[] =
		"memallocctl: SIGBUS: the module gave no page for a part of "
		"memory that it had let us map\n";

	(void)signal;
	if (write(STDERR_FILENO, sentence, sizeof(sentence) - 1) < 0)
		_exit(EXIT_FAILURE);
	_exit(EXIT_FAILURE);
}

int mapping_create(const struct device *device, uint64_t offset, size_t length,
		   bool writable, void **memory)
{
	signal(SIGBUS, end_with_sentence);
	*memory = mmap(NULL, length, writable ? PROT_READ | PROT_WRITE :
		       PROT_READ, MAP_SHARED, device->fd, (off_t)offset);
	return *memory == MAP_FAILED ? -errno : 0;
}

int mapping_destroy(void *memory, size_t length)
{
	return munmap(memory, length) ? -errno : 0;
}

void mapping_fill(void *memory, size_t length, uint64_t value)
{
	uint64_t *words = memory;
	size_t i;

	for (i = 0; i < length / sizeof(*words); i++)
		words[i] = htole64(value + i);
}

size_t mapping_verify(const void *memory, size_t length, uint64_t value)
{
	const uint64_t *words = memory;
	size_t i;

	for (i = 0; i < length / sizeof(*words); i++)
		if (le64toh(words[i]) != value + i)
			break;
	return i * sizeof(*words);
}
