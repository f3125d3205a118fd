// SPDX-License-Identifier: GPL-2.0
/*
 * Coverage: map the kernel's KCOV to the engine's counters
 *
 * The kernel stores the addresses of the blocks that a thread's system calls
 * reach in a buffer of that thread. Each block of the module has a counter,
 * which the engine checks after every input.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include <linux/kcov.h>

#include "coverage.h"
#include "program.h"

enum {
	BUFFER_WORDS = 1 << 17,
	BLOCKS_MAX = 16384,
	TEXT_MAX = 4 << 20,
};

/* The engine finds the counters by their section. */
__attribute__((section("__libfuzzer_extra_counters")))
static uint8_t counters[BLOCKS_MAX];

static unsigned long *buffers[THREADS];
static unsigned long text;
static uint16_t block_at[TEXT_MAX];	/* number of the block at each offset in .text, from one */
static unsigned int offset_of[BLOCKS_MAX];
static bool reached[BLOCKS_MAX];
static unsigned int nr_blocks;		/* block 0 is unused */

static void die(const char *what)
{
	perror(what);
	exit(2);
}

static FILE *must_open(const char *path)
{
	FILE *file = fopen(path, "re");

	if (!file)
		die(path);
	return file;
}

static unsigned int block_add(unsigned long offset)
{
	if (nr_blocks + 1 >= BLOCKS_MAX)
		return 0;
	offset_of[++nr_blocks] = offset;
	return block_at[offset] = nr_blocks;
}

void coverage_read(const char *path)
{
	FILE *file = must_open("/sys/module/memalloc/sections/.text");
	unsigned long offset;
	char line[256];

	if (fscanf(file, "%lx", &text) != 1)
		die("cannot read the address of the module");
	fclose(file);
	file = must_open(path);
	while (fgets(line, sizeof(line), file)) {
		offset = strtoul(line, NULL, 16);
		if (offset < TEXT_MAX && !block_at[offset])
			block_add(offset);
	}
	fclose(file);
}

void coverage_start(unsigned int thread)
{
	int fd = open("/sys/kernel/debug/kcov", O_RDWR | O_CLOEXEC);

	if (fd < 0 || ioctl(fd, KCOV_INIT_TRACE, (unsigned long)BUFFER_WORDS))
		die("kcov");
	buffers[thread] = mmap(NULL, BUFFER_WORDS * sizeof(unsigned long),
			       PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (buffers[thread] == MAP_FAILED || ioctl(fd, KCOV_ENABLE, KCOV_TRACE_PC))
		die("kcov");
}

void coverage_clear(void)
{
	unsigned int i;

	for (i = 0; i < THREADS; i++)
		__atomic_store_n(&buffers[i][0], 0, __ATOMIC_RELAXED);
}

static void reach(unsigned long address)
{
	const unsigned long offset = address - text;
	unsigned int block;

	if (offset >= TEXT_MAX)
		return;
	block = block_at[offset];
	if (!block)
		block = block_add(offset);
	reached[block] = true;
	if (counters[block] < UINT8_MAX)
		counters[block]++;
}

void coverage_collect(void)
{
	unsigned long i, count;
	unsigned int thread;

	for (thread = 0; thread < THREADS; thread++) {
		count = __atomic_load_n(&buffers[thread][0], __ATOMIC_RELAXED);
		for (i = 1; i <= count; i++)
			reach(buffers[thread][i]);
	}
}

void coverage_write(const char *path)
{
	FILE *file = fopen(path, "we");
	unsigned int i;

	if (!file)
		return;
	for (i = 1; i <= nr_blocks; i++)
		if (reached[i])
			fprintf(file, "%x\n", offset_of[i]);
	fclose(file);
}
