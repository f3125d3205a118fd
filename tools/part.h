/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The part of an allocation that a command works on
 */
#ifndef PART_H
#define PART_H

#include <argp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "session.h"

/**
 * struct part - what the user asked for
 * @words: the arguments that are not options
 * @count: how many
 * @offset: --offset
 * @length: --length
 * @length_given: or is it to the end?
 * @cpu: --cpu
 * @cpu_given: or is it all of them?
 */
struct part {
	char **words;
	size_t count;
	uint64_t offset;
	uint64_t length;
	bool length_given;
	uint32_t cpu;
	bool cpu_given;
};

/* Options --offset and --length, and at least one word. Input: struct part. */
extern const struct argp part_argp;

/* The same, and --cpu. */
extern const struct argp part_cpu_argp;

/**
 * struct target - the same, of one allocation
 * @verb: what is done with it
 * @name: what the user calls it
 * @handle: its handle
 * @offset: first byte, in the allocation even if one CPU's copy is meant
 * @length: bytes
 * @bytes: size of the allocation
 * @map_offset: where mmap(2) finds its first byte
 */
struct target {
	const char *verb;
	const char *name;
	uint64_t handle;
	uint64_t offset;
	uint64_t length;
	uint64_t bytes;
	uint64_t map_offset;
};

/**
 * part_for_each() - do something with each allocation that is meant
 * @session: the session
 * @part: what the user asked for
 * @nr_words: the first so many words are references
 * @verb: what is done, for complaints
 * @one: does it; returns false after a complaint
 * @data: for @one
 *
 * Return: STATUS_OK if all went well.
 */
enum status part_for_each(struct session *session, const struct part *part,
			  size_t nr_words, const char *verb,
			  bool (*one)(struct session *session,
				      const struct target *target, void *data),
			  void *data);

/**
 * target_explain() - complain that something failed
 * @session: the session
 * @target: what it was to be done with
 * @err: negative errno
 */
void target_explain(const struct session *session, const struct target *target,
		    int err);

/**
 * target_within() - is it all within the allocation?
 * @session: the session
 * @target: what is to be worked on
 *
 * For commands that go through it in pieces, so that they do nothing rather
 * than some of it. Complains, as if the kernel had refused, if it is not.
 *
 * Return: true if it is.
 */
bool target_within(const struct session *session, const struct target *target);

#endif /* PART_H */
