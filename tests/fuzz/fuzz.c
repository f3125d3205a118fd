// SPDX-License-Identifier: GPL-2.0
/*
 * memalloc-fuzz: fuzz the device
 *
 *	memalloc-fuzz [OPTION...] CORPUS	with libFuzzer's options
 *	memalloc-fuzz [OPTION...] INPUT	run one input
 *
 * Runs as root in a guest with memalloc.ko loaded. FUZZ_RESULTS is the
 * directory of the results. It holds the list of blocks, and receives the
 * blocks reached and the current input, in case it crashes the kernel.
 * FUZZ_SHOW prints the input.
 *
 * After each input, everything that it has opened, mapped and allocated is
 * freed and must be gone, and the kernel must not have reported an error. Every
 * CHECK_EVERY inputs, all structures of the module must be valid, and every
 * borrowed page must be returned to the host.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <memalloc.h>

#include "coverage.h"
#include "engine.h"
#include "kernel_log.h"
#include "program.h"
#include "seeds.h"

enum {
	CHECK_EVERY = 256,	/* inputs */
	WRITE_EVERY = 4096,
	PATIENCE = 1000,
	PATIENCE_US = 10000,
};

static int watch = -1;		/* an open file without allocations */
static int last_input = -1;
static unsigned long executions;
static const char *results;
static bool show;

static const char *result_path(const char *name)
{
	static char path[4096];

	snprintf(path, sizeof(path), "%s/%s", results, name);
	return path;
}

static void write_results(void)
{
	FILE *file;

	coverage_write(result_path("reached"));
	file = fopen(result_path("executions"), "we");
	if (!file)
		return;
	fprintf(file, "%lu\n", executions);
	fclose(file);
}

static void found(const char *what)
{
	fprintf(stderr, "memalloc-fuzz: %s\n", what);
	write_results();
	abort();
}

/* --- checks --------------------------------------------------------------- */

static void stats(uint32_t section, void *data, size_t length)
{
	if (memalloc_stats(watch, section, 0, data, length, NULL))
		found("cannot read the statistics");
}

static void check_nothing_held(void)
{
	struct memalloc_stats_file file;

	stats(MEMALLOC_SECTION_FILE, &file, sizeof(file));
	if (file.device_bytes)
		found("an input has left allocations");
}

static bool all_is_returned(void)
{
	struct memalloc_stats_borrowing borrowing;

	if (memalloc_shrink(watch, 0, NULL))
		found("cannot shrink");
	stats(MEMALLOC_SECTION_BORROWING, &borrowing, sizeof(borrowing));
	return borrowing.borrowed == borrowing.reserve && !borrowing.quarantined &&
	       borrowing.borrowed == borrowing.borrowed_total - borrowing.returned_total;
}

/* Caches with SLAB_TYPESAFE_BY_RCU are freed after a grace period. */
static void check_all_returned(void)
{
	unsigned int patience = PATIENCE;

	if (memalloc_validate(watch, NULL, NULL))
		found("validation failed");
	while (!all_is_returned()) {
		if (!patience--)
			found("not all pages have been returned");
		usleep(PATIENCE_US);
	}
}

static void check(void)
{
	if (kernel_log_has_report())
		found("the kernel has reported a bug");
	check_nothing_held();
	if (executions % CHECK_EVERY == 0)
		check_all_returned();
}

/* --- engine callbacks ----------------------------------------------------- */

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	results = getenv("FUZZ_RESULTS");
	if (!results) {
		fprintf(stderr, "memalloc-fuzz: FUZZ_RESULTS is not set\n");
		exit(2);
	}
	show = getenv("FUZZ_SHOW");
	if (getenv("FUZZ_SEEDS") && seeds_write(getenv("FUZZ_SEEDS"))) {
		perror("memalloc-fuzz: seeds");
		exit(2);
	}
	coverage_read(result_path("blocks"));
	last_input = open(result_path("last-input"), O_WRONLY | O_CREAT | O_DSYNC | O_CLOEXEC, 0666);
	if (last_input < 0) {
		perror("memalloc-fuzz");
		exit(2);
	}
	watch = memalloc_open(NULL, O_RDWR);
	if (watch < 0) {
		fprintf(stderr, "memalloc-fuzz: %s\n", memalloc_strerror(watch));
		exit(2);
	}
	kernel_log_start();
	program_start();
	atexit(write_results);
	return 0;
}

/*
 * Keep the input, in case it crashes the kernel. Padding avoids truncating the
 * file.
 */
static void remember(const uint8_t *data, size_t size)
{
	static uint8_t buffer[RECORDS_MAX * sizeof(struct record)];

	memcpy(buffer, data, size);
	memset(buffer + size, 0xff, sizeof(buffer) - size);
	if (pwrite(last_input, buffer, sizeof(buffer), 0) < 0)
		found("cannot keep the input");
}

static void show_records(const struct record *records, unsigned int count)
{
	unsigned int i, j;

	for (i = 0; i < count; i++) {
		fprintf(stderr, "thread %u file %u %-8s size %3u place %3u:", records[i].origin % THREADS,
			records[i].origin / 4 % FILES, call_name(call_of(&records[i])),
			records[i].size, records[i].place);
		for (j = 0; j < RECORD_FIELDS; j++)
			fprintf(stderr, " %u,%u", records[i].field[j].how, records[i].field[j].what);
		fprintf(stderr, "\n");
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct record *records = (const struct record *)data;
	unsigned int count = size / sizeof(*records);

	if (count > RECORDS_MAX)
		count = RECORDS_MAX;
	if (show)
		show_records(records, count);
	show = false; /* an input may run many times */
	remember(data, count * sizeof(*records));
	coverage_clear();
	program_run(records, count);
	coverage_collect();
	executions++;
	check();
	if (executions % WRITE_EVERY == 0)
		write_results();
	return 0;
}

/*
 * Insert, remove, move or copy whole records, or let the engine mutate the
 * bytes of a record.
 */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed)
{
	struct record *records = (struct record *)data;
	const size_t most = max_size / sizeof(*records) < RECORDS_MAX ?
			    max_size / sizeof(*records) : RECORDS_MAX;
	size_t count = size / sizeof(*records), at, from;
	struct record record;

	if (!most)
		return LLVMFuzzerMutate(data, size, max_size);
	if (count > most)
		count = most;
	at = count ? (seed >> 8) % count : 0;
	from = count ? (seed >> 16) % count : 0;
	switch (count ? seed % 8 : 0) {
	case 0: /* insert a new one */
	case 1: /* insert a copy */
		if (count >= most)
			break;
		if (seed % 8 && count) {
			record = records[from];
		} else {
			memset(&record, 0, sizeof(record));
			LLVMFuzzerMutate((uint8_t *)&record, sizeof(record), sizeof(record));
			record.size = record.place = 0;
			record.call = seed >> 24;
		}
		memmove(&records[at + 1], &records[at], (count - at) * sizeof(record));
		records[at] = record;
		return (count + 1) * sizeof(record);
	case 2: /* remove one */
		if (count < 2)
			break;
		memmove(&records[at], &records[at + 1], (count - at - 1) * sizeof(record));
		return (count - 1) * sizeof(record);
	case 3: /* move one */
		record = records[at];
		records[at] = records[from];
		records[from] = record;
		return count * sizeof(record);
	case 4: /* change the thread */
		records[at].origin = (records[at].origin & ~3) | (seed >> 24) % THREADS;
		return count * sizeof(record);
	default:
		break;
	}
	LLVMFuzzerMutate((uint8_t *)&records[at], sizeof(record), sizeof(record));
	return (count ? count : 1) * sizeof(record);
}

/* Concatenate the beginning of one input and the end of the other. */
size_t LLVMFuzzerCustomCrossOver(const uint8_t *one, size_t one_size, const uint8_t *other,
				 size_t other_size, uint8_t *out, size_t max_size,
				 unsigned int seed)
{
	const size_t unit = sizeof(struct record);
	size_t head = one_size / unit ? (seed & 0xffff) % (one_size / unit + 1) * unit : 0;
	size_t tail = other_size / unit ? (seed >> 16) % (other_size / unit + 1) * unit : 0;

	if (head > max_size)
		head = max_size;
	if (tail > max_size - head)
		tail = (max_size - head) / unit * unit;
	memcpy(out, one, head);
	memcpy(out + head, other + other_size / unit * unit - tail, tail);
	return head + tail;
}
