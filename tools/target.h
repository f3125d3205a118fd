/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The handles that a command works on, and the part of each allocation
 */
#ifndef TARGET_H
#define TARGET_H

#include <argp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "session.h"

/**
 * struct range - parsed arguments: handles, and the same part of each
 * @words: arguments that are not options
 * @count: number of such arguments
 * @offset: --offset
 * @length: --length
 * @length_given: --length was given; otherwise the range extends to the end
 * @cpu: --cpu
 * @cpu_given: --cpu was given; otherwise all copies are meant
 */
struct range {
	char **words;
	size_t count;
	uint64_t offset;
	uint64_t length;
	bool length_given;
	uint32_t cpu;
	bool cpu_given;
};

/* --offset, --length, and at least one argument; the input is struct range. */
extern const struct argp range_argp;

/* As range_argp, and --cpu */
extern const struct argp range_cpu_argp;

/**
 * struct target - target of one operation: a handle, or part of an allocation
 * @action: the operation, e.g. "read" or "free"
 * @name: name of the handle
 * @handle: the handle
 * @offset: first byte in the allocation, also if one CPU's copy is meant
 * @length: number of bytes
 * @bytes: size of the allocation; set by range_for_each()
 * @map_offset: offset of its first byte for mmap(2); set by range_for_each()
 */
struct target {
	const char *action;
	const char *name;
	uint64_t handle;
	uint64_t offset;
	uint64_t length;
	uint64_t bytes;
	uint64_t map_offset;
};

/**
 * range_for_each() - call a function for each allocation
 * @session: the session
 * @range: parsed arguments
 * @nr_words: number of arguments, from the first one on, that name handles
 * @action: the operation, for complaints
 * @one: the function; returns false after a complaint
 * @data: passed to @one
 *
 * Return: STATUS_OK if all calls succeeded.
 */
enum status range_for_each(struct session *session, const struct range *range,
			   size_t nr_words, const char *action,
			   bool (*one)(struct session *session,
				       const struct target *target, void *data),
			   void *data);

/**
 * target_within() - is the target within its allocation?
 * @session: the session
 * @target: the target
 *
 * Commands that process the target in pieces call this first, so that they do
 * all or nothing. Complains as for an error of the kernel if it is not.
 *
 * Return: true if it is.
 */
bool target_within(const struct session *session, const struct target *target);

/**
 * struct subject - the kind of handles that a subcommand works on
 * @argp_doc: help for the subcommand
 * @words: name of the arguments in the help, e.g. "CACHE..."
 * @missing: error message if there is no argument, e.g. "missing CACHE"
 */
struct subject {
	const char *argp_doc;
	const char *words;
	const char *missing;
};

/**
 * handles_for_each() - parse arguments, and call a function for each handle
 * @session: the session
 * @argc: number of arguments, including the name of the subcommand
 * @argv: arguments
 * @subject: kind of the handles
 * @one: the function; returns false after a complaint
 *
 * Return: STATUS_OK if all calls succeeded.
 */
enum status handles_for_each(struct session *session, int argc, char **argv,
			     const struct subject *subject,
			     bool (*one)(struct session *session,
					 const struct named_handle *handle));

#endif /* TARGET_H */
