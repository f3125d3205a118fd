// SPDX-License-Identifier: GPL-2.0
/*
 * Fill an allocation with a pattern, and verify it
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cmd.h"
#include "command.h"
#include "complaint.h"
#include "part.h"

/**
 * struct options - what the user wants
 * @part: of which allocation
 * @pattern: enum memalloc_pattern
 * @value: of the pattern
 */
struct options {
	struct part part;
	uint32_t pattern;
	uint64_t value;
};

static const struct argp_option option_list[] = {
	{ "pattern", 'p', "PATTERN", 0,
	  "\"repeat\": each 8-byte word is the value (default); \"count\": the "
	  "word at byte offset 8 * i is the value plus i", 0 },
	{ "value", 'v', "N", 0, "The value (default 0)", 0 },
	{ 0 }
};

static error_t parse_pattern(const char *arg, struct options *options)
{
	if (!strcmp(arg, "repeat"))
		options->pattern = MEMALLOC_PATTERN_REPEAT;
	else if (!strcmp(arg, "count"))
		options->pattern = MEMALLOC_PATTERN_COUNT;
	else
		return args_error("--pattern: there is no pattern '%s'; "
				  "there are \"repeat\" and \"count\"", arg);
	return 0;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct options *options = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &options->part;
		return 0;
	case 'p':
		return parse_pattern(arg, options);
	case 'v':
		return args_number("--value", arg, UINT64_MAX,
				   &options->value);
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp_child children[] = { { .argp = &part_cpu_argp }, { 0 } };

static const struct argp fill_argp = {
	option_list, parse, "HANDLE...",
	"Fill an allocation with a pattern; the kernel does it. Only in "
	"\"memallocctl shell\"."
	"\v"
	"Words are little-endian and counted from the first byte of the "
	"allocation, whatever part of it is filled.",
	children, 0, 0
};

static const struct argp verify_argp = {
	option_list, parse, "HANDLE...",
	"Look whether an allocation holds a pattern, as \"fill\" with the same "
	"options leaves it; the kernel does it. Only in \"memallocctl shell\"."
	"\v"
	"Ends with a failure if it does not, and says where the first "
	"difference is.",
	children, 0, 0
};

static struct memalloc_pattern_io pattern_of(const struct target *target,
					     const struct options *options)
{
	struct memalloc_pattern_io io = {
		.handle = target->handle,
		.offset = target->offset,
		.length = target->length,
		.value = options->value,
		.pattern = options->pattern,
	};

	return io;
}

static bool fill_one(struct session *session, const struct target *target,
		     void *data)
{
	struct memalloc_pattern_io io = pattern_of(target, data);
	int err = device_fill(&session->device, &io);

	if (err)
		target_explain(session, target, err);
	return !err;
}

static void say_difference(struct session *session, const struct target *target,
			   const struct options *options, uint64_t offset)
{
	uint64_t index = offset / 8, expected = options->value;
	uint8_t found;

	if (options->pattern == MEMALLOC_PATTERN_COUNT)
		expected += index;
	expected = expected >> (8 * (offset % 8)) & 0xff;
	if (device_read(&session->device, target->handle, offset, &found, 1))
		complain("%s differs from the pattern at offset %" PRIu64,
			 target->name, offset);
	else
		complain("%s differs from the pattern at offset %" PRIu64
			 ": the byte there is 0x%02x and should be 0x%02x",
			 target->name, offset, found, (unsigned int)expected);
}

static bool verify_one(struct session *session, const struct target *target,
		       void *data)
{
	struct memalloc_pattern_io io = pattern_of(target, data);
	int err = device_verify(&session->device, &io);

	if (err) {
		target_explain(session, target, err);
		return false;
	}
	if (io.out_done != io.length) {
		say_difference(session, target, data, io.offset + io.out_done);
		return false;
	}
	printf("%s: %llu bytes, all as they should be\n", target->name,
	       io.out_done);
	return true;
}

enum status cmd_fill(struct session *session, int argc, char **argv)
{
	struct options options = { 0 };
	enum args args = args_parse(&fill_argp, argc, argv, 0, &options);

	if (args != ARGS_GOOD)
		return args_status(args);
	return part_for_each(session, &options.part, options.part.count, "fill",
			     fill_one, &options);
}

enum status cmd_verify(struct session *session, int argc, char **argv)
{
	struct options options = { 0 };
	enum args args = args_parse(&verify_argp, argc, argv, 0, &options);

	if (args != ARGS_GOOD)
		return args_status(args);
	return part_for_each(session, &options.part, options.part.count,
			     "verify", verify_one, &options);
}
