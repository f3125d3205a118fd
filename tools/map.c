// SPDX-License-Identifier: GPL-2.0
/*
 * Mapped allocations, and the command "map": map an allocation, access it, and
 * unmap it
 */
#include <endian.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "args.h"
#include "command.h"
#include "errors.h"
#include "interrupt.h"
#include "map.h"
#include "target.h"

static void report_sigbus(int signal)
{
	static const char sentence[] =
		"memallocctl: SIGBUS: the module provided no page for a part of "
		"a mapping\n";

	(void)signal;
	if (write(STDERR_FILENO, sentence, sizeof(sentence) - 1) < 0)
		_exit(EXIT_FAILURE);
	_exit(EXIT_FAILURE);
}

int mapping_create(const struct device *device, uint64_t offset, size_t length,
		   bool writable, void **memory)
{
	signal(SIGBUS, report_sigbus);
	return memalloc_map_at(device->fd, offset, length, writable ?
			       PROT_READ | PROT_WRITE : PROT_READ, memory);
}

void mapping_fill(void *memory, size_t length, uint64_t value)
{
	uint64_t *words = memory;
	size_t i;

	for (i = 0; i < length / sizeof(*words); i++)
		words[i] = htole64(value + i);
}

size_t mapping_verify(const void *memory, size_t length, uint64_t value)
{
	const uint64_t *words = memory;
	size_t i;

	for (i = 0; i < length / sizeof(*words); i++)
		if (le64toh(words[i]) != value + i)
			break;
	return i * sizeof(*words);
}

/* The command "map" */

/**
 * struct options - options of the command
 * @range: allocations, and the part of each
 * @write: write a pattern through the mapping
 * @value: value of the pattern
 */
struct options {
	struct range range;
	bool write;
	uint64_t value;
};

static const struct argp_option option_list[] = {
	{ "write", 'w', "N", 0,
	  "Write the pattern \"count\" with value N through the mapping and "
	  "verify it in the kernel", 0 },
	{ 0 }
};

static const char doc[] =
	"Map an allocation into this process, touch each page, compare its "
	"contents with those of \"read\", and unmap it. Only in "
	"\"memallocctl shell\"."
	"\v"
	"The mapping is read-only unless --write is given. --offset and --length "
	"select a part, in whole pages.";

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct options *options = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &options->range;
		return 0;
	case 'w':
		options->write = true;
		return args_number("--write", arg, UINT64_MAX,
				   &options->value);
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp_child children[] = { { .argp = &range_argp }, { 0 } };
static const struct argp argp = {
	option_list, parse, "HANDLE...", doc, children, 0, 0
};

/* Word of the pattern at the first byte of the target. */
static uint64_t first_word(const struct target *target,
			   const struct options *options)
{
	return options->value + target->offset / 8;
}

static bool verify_written(const struct session *session,
			   const struct target *target,
			   const struct options *options)
{
	uint64_t same;
	int err = memalloc_verify(session->device.fd, target->handle,
				  target->offset, target->length,
				  MEMALLOC_PATTERN_COUNT, options->value, &same);

	if (err == -EILSEQ)
		complain("%s: data written through the mapping differs in the "
			 "kernel from offset %" PRIu64 " on", target->name,
			 target->offset + same);
	else if (err)
		explain_target(session, target, err);
	return !err;
}

static bool compare_with_read(const struct session *session,
			      const struct target *target,
			      const unsigned char *memory)
{
	static unsigned char buffer[65536];
	uint64_t offset;
	size_t length;
	int err;

	for (offset = 0; offset < target->length; offset += length) {
		if (interrupt_stops())
			return false;
		length = sizeof(buffer);
		if (length > target->length - offset)
			length = (size_t)(target->length - offset);
		err = memalloc_read(session->device.fd, target->handle,
				    target->offset + offset, buffer, length);
		if (err) {
			explain_target(session, target, err);
			return false;
		}
		if (memcmp(memory + offset, buffer, length)) {
			complain("%s: the mapping and \"read\" disagree",
				 target->name);
			return false;
		}
	}
	return true;
}

static bool use_mapping(const struct session *session,
			const struct target *target,
			const struct options *options, void *memory)
{
	if (options->write) {
		mapping_fill(memory, (size_t)target->length,
			     first_word(target, options));
		if (!verify_written(session, target, options))
			return false;
	}
	return compare_with_read(session, target, memory);
}

static bool whole_pages(const struct target *target)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);

	if (!target->length) {
		complain("cannot map %s: its size is %llu bytes, so nothing is "
			 "left at offset %llu", target->name,
			 (unsigned long long)target->bytes,
			 (unsigned long long)target->offset);
		advise("Choose a smaller --offset, and a --length of at least "
		       "one page.");
		return false;
	}
	if (!(target->offset % page) && !(target->length % page))
		return true;
	complain("cannot map %s: --offset and --length must be multiples of "
		 "the page size, %llu", target->name, (unsigned long long)page);
	return false;
}

static bool can_be_mapped(const struct target *target)
{
	if (target->map_offset)
		return true;
	complain("cannot map %s: only pages and areas can be mapped",
		 target->name);
	advise("Use \"alloc\" without an option for another kind, or \"alloc "
	       "--area\".");
	return false;
}

static bool map_one(struct session *session, const struct target *target,
		    void *data)
{
	const struct options *options = data;
	void *memory;
	bool good;
	int err;

	if (!can_be_mapped(target) || !target_within(session, target) ||
	    !whole_pages(target))
		return false;
	err = mapping_create(&session->device,
			     target->map_offset + target->offset,
			     (size_t)target->length, options->write, &memory);
	if (err) {
		explain_target(session, target, err);
		return false;
	}
	good = use_mapping(session, target, options, memory);
	err = memalloc_unmap(memory, (size_t)target->length);
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
	return range_for_each(session, &options.range, options.range.count, "map",
			     map_one, &options);
}
