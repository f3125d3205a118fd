/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the parts of the demonstration share
 */
#ifndef DEMO_H
#define DEMO_H

#include <sched.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "host_zones.h"
#include "session.h"
#include "statistics.h"

/**
 * struct demo - a demonstration
 * @session: the session
 * @device: its device
 * @zones: what the host has
 * @page_size: bytes in a page
 * @privileged: we may ask for physical addresses and failures
 * @alone: nobody else held anything when we began, so that counts are exact
 * @start: statistics when we began
 * @parts: begun so far
 * @checks: things checked
 * @failures: those that were wrong, in words
 * @nr_failures: how many
 */
struct demo {
	struct session *session;
	const struct device *device;
	struct host_zones zones;
	uint64_t page_size;
	bool privileged;
	bool alone;
	struct statistics start;
	unsigned int parts;
	size_t checks;
	char **failures;
	size_t nr_failures;
};

/* The parts. */
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
 * demo_say() - say what is done, or what came of it
 * @format: one line, in the manner of printf(3), without a newline
 */
void demo_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/**
 * demo_check() - check that something is as it must be
 * @demo: the demonstration
 * @good: is it?
 * @format: if not: what is wrong, in the manner of printf(3)
 *
 * Return: @good.
 */
bool demo_check(struct demo *demo, bool good, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/**
 * demo_check_errno() - check that a command has worked
 * @demo: the demonstration
 * @err: 0 or negative errno
 * @what: what was to be done
 *
 * Return: true if it has.
 */
bool demo_check_errno(struct demo *demo, int err, const char *what);

/**
 * demo_fill() - have the kernel fill an allocation
 * @demo: the demonstration
 * @handle: the allocation
 * @length: so many of its bytes
 * @value: of MEMALLOC_PATTERN_COUNT
 *
 * Return: 0 or a negative errno.
 */
int demo_fill(const struct demo *demo, uint64_t handle, uint64_t length,
	      uint64_t value);

/**
 * demo_verify() - have the kernel look for what demo_fill() wrote
 * @demo: as for demo_fill()
 * @handle: the same
 * @length: the same
 * @value: the same
 *
 * Return: 0 or a negative errno; -EILSEQ: it is not there.
 */
int demo_verify(const struct demo *demo, uint64_t handle, uint64_t length,
		uint64_t value);

/**
 * demo_verify_zeroes() - have the kernel look whether all is zero
 * @demo: as for demo_fill()
 * @handle: the same
 * @length: the same
 *
 * Return: as demo_verify().
 */
int demo_verify_zeroes(const struct demo *demo, uint64_t handle, uint64_t length);

/**
 * demo_stay_on_cpu() - go nowhere else
 * @before: what to give to sched_setaffinity(2) in the end
 *
 * What is freed on a CPU is there the next to be allocated.
 */
void demo_stay_on_cpu(cpu_set_t *before);

/**
 * demo_statistics() - read the statistics
 * @demo: the demonstration
 * @statistics: where they go, for statistics_free()
 *
 * Return: true if they could be read.
 */
bool demo_statistics(struct demo *demo, struct statistics *statistics);

/**
 * struct demo_moment - a line of a table of free lists
 * @when: what has just been done
 * @statistics: as they were then
 */
struct demo_moment {
	const char *when;
	struct statistics statistics;
};

/**
 * demo_print_lists() - print the free lists at some moments
 * @moments: the moments
 * @count: how many
 */
void demo_print_lists(const struct demo_moment *moments, size_t count);

/**
 * demo_blocks() - free blocks of an order in all zones, the per-CPU lists too
 * @statistics: the statistics
 * @order: the order
 */
uint64_t demo_blocks(const struct statistics *statistics, unsigned int order);

/* The blank space before what is said. */
#define DEMO_INDENT 3

#endif /* DEMO_H */
