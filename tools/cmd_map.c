// SPDX-License-Identifier: GPL-2.0
/*
 * Map an allocation, touch it, and unmap it
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd.h"
#include "command.h"
#include "complaint.h"
#include "explain.h"
#include "mapping.h"
#include "part.h"

/**
 * struct options - what the user wants
 * @part: which allocations; the whole of each
 * @write: write a pattern through the mapping
 * @value: of the pattern
 */
struct options {
	struct part part;
	bool write;
	uint64_t value;
};

static const struct argp_option option_list[] = {
	{ "write", 'w', "N", 0,
	  "Write the pattern \"count\" with value N through the mapping, and "
	  "let the kernel verify it", 0 },
	{ 0 }
};

static const char doc[] =
	"Map an allocation into this process, touch each of its pages, compare "
	"what is there with what \"read\" sees, and unmap it. Only in "
	"\"memallocctl shell\"."
	"\v"
	"Without --write it is mapped for reading only. --offset and --length "
	"choose a part, in whole pages.";

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct options *options = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &options->part;
		return 0;
	case 'w':
		options->write = true;
		return args_number("--write", arg, UINT64_MAX,
				   &options->value);
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp_child children[] = { { .argp = &part_argp }, { 0 } };
static const struct argp argp = {
	option_list, parse, "HANDLE...", doc, children, 0, 0
};

/* The word of the pattern at the first byte of the target is this. */
static uint64_t first_word(const struct target *target,
			   const struct options *options)
{
	return options->value + target->offset / 8;
}

static bool verify_written(const struct session *session,
			   const struct target *target,
			   const struct options *options)
{
	struct memalloc_pattern_io io = {
		.handle = target->handle,
		.offset = target->offset,
		.length = target->length,
		.value = options->value,
		.pattern = MEMALLOC_PATTERN_COUNT,
	};
	int err = device_verify(&session->device, &io);

	if (err) {
		target_explain(session, target, err);
		return false;
	}
	if (io.out_done != io.length)
		complain("%s: the kernel does not see what was written through "
			 "the mapping, from offset %llu on", target->name,
			 io.offset + io.out_done);
	return io.out_done == io.length;
}

static bool compare(const struct session *session, const struct target *target,
		    const unsigned char *memory)
{
	static unsigned char buffer[65536];
	uint64_t offset;
	size_t length;
	int err;

	for (offset = 0; offset < target->length; offset += length) {
		length = sizeof(buffer);
		if (length > target->length - offset)
			length = (size_t)(target->length - offset);
		err = device_read(&session->device, target->handle,
				  target->offset + offset, buffer, length);
		if (err) {
			target_explain(session, target, err);
			return false;
		}
		if (memcmp(memory + offset, buffer, length)) {
			complain("%s: the mapping and \"read\" do not see the "
				 "same bytes", target->name);
			return false;
		}
	}
	return true;
}

static bool use(const struct session *session, const struct target *target,
		const struct options *options, void *memory)
{
	if (options->write) {
		mapping_fill(memory, (size_t)target->length,
			     first_word(target, options));
		if (!verify_written(session, target, options))
			return false;
	}
	return compare(session, target, memory);
}

static bool whole_pages(const struct target *target)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);

	if (target->length && !(target->offset % page) &&
	    !(target->length % page))
		return true;
	complain("cannot map %s: --offset and --length must be multiples of "
		 "the page size, %llu, and --length not zero", target->name,
		 (unsigned long long)page);
	return false;
}

static bool can_be_mapped(const struct target *target)
{
	if (target->map_offset)
		return true;
	complain("cannot map %s: only pages and areas can be mapped",
		 target->name);
	advise("\"alloc\" without an option that says what allocates pages; "
	       "\"alloc --area\" an area.");
	return false;
}

static bool map_one(struct session *session, const struct target *target,
		    void *data)
{
	const struct options *options = data;
	void *memory;
	bool good;
	int err;

	if (!can_be_mapped(target) || !whole_pages(target) ||
	    !target_within(session, target))
		return false;
	err = mapping_create(&session->device,
			     target->map_offset + target->offset,
			     (size_t)target->length, options->write, &memory);
	if (err) {
		target_explain(session, target, err);
		return false;
	}
	good = use(session, target, options, memory);
	err = mapping_destroy(memory, (size_t)target->length);
	if (err)
		explain_command(session, "unmap", err);
	if (good && !err)
		printf("%s: %llu bytes mapped%s, same as read, unmapped\n",
		       target->name, (unsigned long long)target->length,
		       options->write ? ", written, verified" : "");
	return good && !err;
}

enum status cmd_map(struct session *session, int argc, char **argv)
{
	struct options options = { 0 };
	enum args args = args_parse(&argp, argc, argv, 0, &options);

	if (args != ARGS_GOOD)
		return args_status(args);
	return part_for_each(session, &options.part, options.part.count, "map",
			     map_one, &options);
}
