// SPDX-License-Identifier: GPL-2.0
/*
 * Demonstrate per-CPU areas
 *
 * A counter like many in the kernel: each CPU counts in its own copy, which no
 * other CPU writes to, and a reader sums up all copies.
 */
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

#include "../table.h"
#include "demo.h"

#define AREA_BYTES	64
#define ROUNDS		1000

/* Further CPUs are used, but not shown. */
#define LINES_MAX	8

/**
 * struct counter - a per-CPU counter
 * @handle: handle of the area
 * @cpus: number of copies
 * @bytes: size of each copy; the counter is its first word
 * @copies: all copies, read from the kernel after all CPUs have counted
 */
struct counter {
	uint64_t handle;
	uint32_t cpus;
	uint64_t bytes;
	unsigned char *copies;
};

static uint64_t offset_of(const struct counter *counter, uint32_t cpu)
{
	return cpu * counter->bytes;
}

static uint64_t value_of(const struct counter *counter, uint32_t cpu)
{
	return statistics_field(counter->copies, offset_of(counter, cpu));
}

static int count_here(const struct demo *demo, const struct counter *counter,
		      uint32_t cpu)
{
	uint64_t offset = offset_of(counter, cpu), value;
	unsigned int round;
	int err = 0;

	for (round = 0; !err && round < ROUNDS; round++) {
		err = memalloc_read(demo->device->fd, counter->handle, offset, &value,
				    sizeof(value));
		value += cpu + 1;
		if (!err)
			err = memalloc_write(demo->device->fd, counter->handle, offset,
					     &value, sizeof(value));
	}
	return err;
}

/* Run on each allowed CPU. Return: sum of their counts. */
static uint64_t count_everywhere(struct demo *demo, const struct counter *counter)
{
	uint64_t expected = 0;
	cpu_set_t before, one;
	uint32_t cpu;

	sched_getaffinity(0, sizeof(before), &before);
	for (cpu = 0; cpu < counter->cpus && cpu < CPU_SETSIZE; cpu++) {
		CPU_ZERO(&one);
		CPU_SET(cpu, &one);
		if (!CPU_ISSET(cpu, &before) ||
		    sched_setaffinity(0, sizeof(one), &one))
			continue;
		demo_check_errno(demo, count_here(demo, counter, cpu),
				 "count on a CPU");
		expected += (uint64_t)ROUNDS * (cpu + 1);
	}
	sched_setaffinity(0, sizeof(before), &before);
	return expected;
}

static void add_cpu(struct demo *demo, const struct counter *counter,
		    uint32_t cpu, struct table *table)
{
	struct memalloc_info info = {
		.size = sizeof(info),
		.handle = counter->handle, .offset = offset_of(counter, cpu),
	};

	if (!demo_check_errno(demo, memalloc_info(demo->device->fd, &info),
			      "query the copy of a CPU"))
		return;
	table_line(table);
	table_cell(table, "%" PRIu32, cpu);
	table_cell(table, "%d", info.out_node);
	table_cell(table, "%" PRIu64, value_of(counter, cpu));
}

/* Return: sum of all copies. */
static uint64_t show_copies(struct demo *demo, const struct counter *counter)
{
	struct table table;
	uint64_t sum = 0;
	uint32_t cpu;

	table_begin(&table, false);
	table.indent = DEMO_INDENT;
	table_column(&table, "CPU", true);
	table_column(&table, "NODE", true);
	table_column(&table, "COUNTED", true);
	for (cpu = 0; cpu < counter->cpus; cpu++) {
		sum += value_of(counter, cpu);
		if (cpu < LINES_MAX)
			add_cpu(demo, counter, cpu, &table);
	}
	table_end(&table);
	if (counter->cpus > LINES_MAX)
		demo_say("and %" PRIu32 " more CPUs", counter->cpus - LINES_MAX);
	putchar('\n');
	return sum;
}

static void count(struct demo *demo, const struct counter *counter)
{
	uint64_t length = counter->cpus * counter->bytes, expected, sum;

	demo_check_errno(demo, demo_verify_zeroes(demo, counter->handle, length),
			 "verify that all copies are zeroed");
	expected = count_everywhere(demo, counter);
	if (!demo_check_errno(demo, memalloc_read(demo->device->fd, counter->handle, 0,
						  counter->copies, (size_t)length),
			      "read all copies at once"))
		return;
	sum = show_copies(demo, counter);
	if (demo_check(demo, expected && sum == expected,
		       "the copies add up to %" PRIu64 ", expected %" PRIu64,
		       sum, expected))
		demo_say("The sum of all copies is %" PRIu64 ", as expected.",
			 sum);
}

/* Allocate the area, and room for the copies. */
static bool allocate(struct demo *demo, struct counter *counter)
{
	struct memalloc_alloc alloc = {
		.size = sizeof(alloc),
		.kind = MEMALLOC_KIND_PERCPU, .node = -1, .bytes = AREA_BYTES,
	};
	struct memalloc_info info = { .size = sizeof(info) };
	int err = memalloc_alloc(demo->device->fd, &alloc);

	if (!demo_check_errno(demo, err, "allocate a per-CPU area"))
		return false;
	info.handle = counter->handle = alloc.out_handle;
	if (demo_check_errno(demo, memalloc_info(demo->device->fd, &info),
			     "query a per-CPU area") &&
	    demo_check(demo, info.out_count && info.out_bytes >=
		       (uint64_t)info.out_count * AREA_BYTES,
		       "a per-CPU area has %llu bytes for %u CPUs",
		       info.out_bytes, info.out_count)) {
		counter->cpus = info.out_count;
		counter->bytes = info.out_bytes / info.out_count;
		counter->copies = calloc(counter->cpus, counter->bytes);
		if (demo_check(demo, counter->copies, "out of memory"))
			return true;
	}
	memalloc_free(demo->device->fd, counter->handle);
	return false;
}

void demo_percpu(struct demo *demo)
{
	struct counter counter;

	demo_heading(demo, "Per-CPU areas");
	if (!allocate(demo, &counter))
		return;
	demo_say("%u bytes on each of %" PRIu32 " CPUs. Each CPU adds its number "
		 "plus one to the", AREA_BYTES, counter.cpus);
	demo_say("first word of its own copy, %u times:", ROUNDS);
	putchar('\n');
	count(demo, &counter);
	demo_check_errno(demo, memalloc_free(demo->device->fd, counter.handle), "free");
	free(counter.copies);
}
