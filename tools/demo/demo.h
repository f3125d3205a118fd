/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Interface shared by the parts of the demonstration
 */
#ifndef DEMO_H
#define DEMO_H

#include <sched.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../session.h"
#include "../statistics.h"

/**
 * struct host_zones - zones with memory
 * @known: the other fields are valid
 * @dma: zone DMA has memory
 * @dma32: zone DMA32 has memory
 * @normal: zone Normal has memory
 * @nodes: number of NUMA nodes with memory
 */
struct host_zones {
	bool known;
	bool dma;
	bool dma32;
	bool normal;
	unsigned int nodes;
};

/**
 * struct demo - state of the demonstration
 * @session: the session
 * @device: its device
 * @zones: zones of the host
 * @page_size: bytes in a page
 * @privileged: physical addresses and injected failures are allowed
 * @may_use_zones: memory of the zones DMA and DMA32 is allowed
 * @alone: no other user held memory at the start, so counters are exact
 * @start: statistics at the start
 * @parts: number of parts begun
 * @checks: number of checks made
 * @failures: messages of failed checks
 * @nr_failures: number of failed checks
 */
struct demo {
	struct session *session;
	const struct device *device;
	struct host_zones zones;
	uint64_t page_size;
	bool privileged;
	bool may_use_zones;
	bool alone;
	struct statistics start;
	unsigned int parts;
	size_t checks;
	char **failures;
	size_t nr_failures;
};

/* Parts of the demonstration */
void demo_orders(struct demo *demo);
void demo_fragmentation(struct demo *demo);
void demo_objects(struct demo *demo);
void demo_mempool(struct demo *demo);
void demo_percpu(struct demo *demo);
void demo_area(struct demo *demo);
void demo_misuse(struct demo *demo);

/**
 * demo_heading() - begin a part
 * @demo: the demonstration
 * @title: its title
 */
void demo_heading(struct demo *demo, const char *title);

/**
 * demo_say() - print an action or its result
 * @format: one line, in the manner of printf(3), without a newline
 */
void demo_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/**
 * demo_check() - check a condition
 * @demo: the demonstration
 * @good: the condition
 * @format: message if it is false, as for printf(3)
 *
 * Return: @good.
 */
bool demo_check(struct demo *demo, bool good, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/**
 * demo_check_errno() - check that an operation succeeded
 * @demo: the demonstration
 * @err: 0 or negative errno
 * @what: the operation, e.g. "free"
 *
 * Return: true if it succeeded.
 */
bool demo_check_errno(struct demo *demo, int err, const char *what);

/**
 * demo_fill() - have the kernel fill an allocation
 * @demo: the demonstration
 * @handle: the allocation
 * @length: number of bytes to fill
 * @value: value of MEMALLOC_PATTERN_COUNT
 *
 * Return: 0 or a negative errno.
 */
int demo_fill(const struct demo *demo, uint64_t handle, uint64_t length,
	      uint64_t value);

/**
 * demo_verify() - have the kernel check for the pattern of demo_fill()
 * @demo: as for demo_fill()
 * @handle: as for demo_fill()
 * @length: as for demo_fill()
 * @value: as for demo_fill()
 *
 * Return: 0 or a negative errno; -EILSEQ if the contents differ.
 */
int demo_verify(const struct demo *demo, uint64_t handle, uint64_t length,
		uint64_t value);

/**
 * demo_verify_zeroes() - have the kernel check that all bytes are zero
 * @demo: as for demo_fill()
 * @handle: as for demo_fill()
 * @length: as for demo_fill()
 *
 * Return: as demo_verify().
 */
int demo_verify_zeroes(const struct demo *demo, uint64_t handle, uint64_t length);

/**
 * demo_stay_on_cpu() - pin the process to the current CPU
 * @before: old mask, to be restored with sched_setaffinity(2)
 *
 * Memory freed on a CPU is reused first on that CPU.
 */
void demo_stay_on_cpu(cpu_set_t *before);

/**
 * demo_statistics() - read the statistics
 * @demo: the demonstration
 * @statistics: result, to be freed with statistics_free()
 *
 * Return: true if they could be read.
 */
bool demo_statistics(struct demo *demo, struct statistics *statistics);

/**
 * struct demo_snapshot - one line of a table of free lists
 * @when: the step that was just done
 * @statistics: statistics after that step
 */
struct demo_snapshot {
	const char *when;
	struct statistics statistics;
};

/**
 * demo_print_lists() - print the free lists after each step
 * @snapshots: the steps
 * @count: number of steps
 */
void demo_print_lists(const struct demo_snapshot *snapshots, size_t count);

/**
 * demo_blocks() - count free blocks of an order, per-CPU lists included
 * @statistics: the statistics
 * @order: the order
 */
uint64_t demo_blocks(const struct statistics *statistics, unsigned int order);

/* Indentation of the text */
#define DEMO_INDENT 3

#endif /* DEMO_H */
