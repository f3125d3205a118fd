// SPDX-License-Identifier: GPL-2.0
/*
 * memalloc-replay: the fuzzer without its engine
 *
 *	memalloc-replay TIMES [SEED]
 *
 * Runs on any kernel, and needs only a C compiler. It first runs the sequences
 * that come with the fuzzer, then TIMES random mutations of them. fuzz.c has
 * the checks after each input. Coverage is not recorded.
 *
 * Runs as root in a guest with memalloc.ko loaded. The first input that fails a
 * check ends the program with a signal, after its number has been printed.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "coverage.h"
#include "engine.h"
#include "program.h"
#include "../selftests/seed.h"

enum {
	INPUTS_MAX = 64,
	BYTES_MAX = RECORDS_MAX * sizeof(struct record),
	CHANGES_MAX = 8,	/* mutations of an input before it runs */
};

static __u64 seed;

static struct input {
	uint8_t data[BYTES_MAX];
	size_t size;
} inputs[INPUTS_MAX];
static unsigned int nr_inputs;

/* --- replacement of the engine and its coverage --------------------------- */

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size)
{
	unsigned int changes = 1 + seed_below(&seed, CHANGES_MAX);

	(void)max_size;
	while (size && changes--)
		data[seed_below(&seed, size)] = seed_next(&seed);
	return size;
}

void coverage_read(const char *path)
{
	(void)path;
}

void coverage_start(unsigned int thread)
{
	(void)thread;
}

void coverage_clear(void)
{
}

void coverage_collect(void)
{
}

void coverage_write(const char *path)
{
	(void)path;
}

/* --- inputs --------------------------------------------------------------- */

static int input_read(const char *directory, const char *name)
{
	struct input *input = &inputs[nr_inputs];
	char path[4096];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	file = fopen(path, "re");
	if (!file)
		return -1;
	input->size = fread(input->data, 1, sizeof(input->data), file);
	nr_inputs++;
	return fclose(file);
}

static int compare(const void *one, const void *other)
{
	const struct input *a = one, *b = other;
	const size_t both = a->size < b->size ? a->size : b->size;

	return memcmp(a->data, b->data, both) ?: (a->size > b->size) - (a->size < b->size);
}

/* Sorted, so that the order does not depend on the directory. */
static int inputs_read(const char *directory)
{
	DIR *dir = opendir(directory);
	struct dirent *entry;
	int err = dir ? 0 : -1;

	while (!err && nr_inputs < INPUTS_MAX && (entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			err = input_read(directory, entry->d_name);
	if (dir)
		closedir(dir);
	qsort(inputs, nr_inputs, sizeof(inputs[0]), compare);
	return err || !nr_inputs;
}

static const struct input *any_input(void)
{
	return &inputs[seed_below(&seed, nr_inputs)];
}

/* Combine two inputs or take one, and mutate it. */
static void try_another(void)
{
	const struct input *one = any_input(), *other = any_input();
	unsigned int changes = 1 + seed_below(&seed, CHANGES_MAX);
	static struct input made;

	made = *one;
	if (seed_below(&seed, 2))
		made.size = LLVMFuzzerCustomCrossOver(one->data, one->size, other->data,
						      other->size, made.data,
						      sizeof(made.data), seed_next(&seed));
	while (changes--)
		made.size = LLVMFuzzerCustomMutator(made.data, made.size, sizeof(made.data),
						    seed_next(&seed));
	LLVMFuzzerTestOneInput(made.data, made.size);
}

static sig_atomic_t number;	/* number of the current input */

/* The message of a failed check lacks the number of the input. */
static void tell_number(int signal)
{
	dprintf(STDOUT_FILENO, "# input %d\n", (int)__atomic_load_n(&number, __ATOMIC_RELAXED));
	(void)signal;
}

int main(int argc, char **argv)
{
	char directory[] = "/tmp/memalloc-replay.XXXXXX";
	unsigned long times, i;

	if (argc < 2 || !mkdtemp(directory)) {
		fprintf(stderr, "memalloc-replay TIMES [SEED]\n");
		return 2;
	}
	times = strtoul(argv[1], NULL, 0);
	seed = argc > 2 ? strtoull(argv[2], NULL, 0) : seed_choose();
	printf("# seed=%llu\n", (unsigned long long)seed);
	fflush(stdout);
	setenv("FUZZ_RESULTS", "/tmp", 0);
	setenv("FUZZ_SEEDS", directory, 0);
	LLVMFuzzerInitialize(&argc, &argv);
	if (inputs_read(directory)) {
		perror(directory);
		return 2;
	}
	signal(SIGABRT, tell_number);
	for (i = 0; i < nr_inputs + times; i++) {
		__atomic_store_n(&number, i, __ATOMIC_RELAXED);
		if (i < nr_inputs)
			LLVMFuzzerTestOneInput(inputs[i].data, inputs[i].size);
		else
			try_another();
	}
	printf("# figure: inputs %lu\n", i);
	return 0;
}
