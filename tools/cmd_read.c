// SPDX-License-Identifier: GPL-2.0
/*
 * Read an allocation
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "command.h"
#include "complaint.h"
#include "hexdump.h"
#include "part.h"

/* What people can take in at once. */
#define DEFAULT_LENGTH 256

/* Copied at once; a multiple of HEXDUMP_LINE. */
#define CHUNK 65536

/**
 * struct options - what the user wants
 * @part: of which allocation
 * @output: file for the bytes as they are, or NULL: to be printed
 * @file: the same, open
 */
struct options {
	struct part part;
	const char *output;
	FILE *file;
};

static const struct argp_option option_list[] = {
	{ "output", 'O', "FILE", 0,
	  "Write the bytes as they are to FILE, and all of them", 0 },
	{ 0 }
};

static const char doc[] =
	"Print the bytes of an allocation in hexadecimal: the first 256, "
	"unless --length says otherwise. Only in \"memallocctl shell\".";

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct options *options = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &options->part;
		return 0;
	case 'O':
		options->output = arg;
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp_child children[] = { { .argp = &part_cpu_argp }, { 0 } };
static const struct argp argp = {
	option_list, parse, "HANDLE...", doc, children, 0, 0
};

static bool put(const struct options *options, uint64_t offset,
		const unsigned char *bytes, size_t length)
{
	if (!options->file)
		hexdump_print(offset, bytes, length);
	else if (fwrite(bytes, 1, length, options->file) != length)
		return false;
	return true;
}

/* Up to CHUNK bytes. Return: false after a complaint. */
static bool read_chunk(struct session *session, const struct target *target,
		       const struct options *options, uint64_t offset,
		       size_t length)
{
	static unsigned char buffer[CHUNK];
	int err = device_read(&session->device, target->handle, offset, buffer,
			      length);

	if (err) {
		target_explain(session, target, err);
		return false;
	}
	if (!put(options, offset, buffer, length)) {
		complain("cannot write to %s: %s", options->output,
			 strerror(errno));
		return false;
	}
	return true;
}

static bool read_one(struct session *session, const struct target *target,
		     void *data)
{
	const struct options *options = data;
	uint64_t offset = target->offset, left = target->length;
	size_t length;

	if (!target_within(session, target))
		return false;
	if (!options->part.length_given && !options->file &&
	    left > DEFAULT_LENGTH)
		left = DEFAULT_LENGTH;
	for (; left; left -= length, offset += length) {
		length = left > CHUNK ? CHUNK : (size_t)left;
		if (!read_chunk(session, target, options, offset, length))
			return false;
	}
	return true;
}

static enum status read_all(struct session *session, struct options *options)
{
	return part_for_each(session, &options->part, options->part.count,
			     "read", read_one, options);
}

static enum status read_to_file(struct session *session,
				struct options *options)
{
	enum status status;

	options->file = fopen(options->output, "we");
	if (!options->file) {
		complain("cannot write to %s: %s", options->output,
			 strerror(errno));
		return STATUS_FAILED;
	}
	status = read_all(session, options);
	if (fclose(options->file) && status == STATUS_OK) {
		complain("cannot write to %s: %s", options->output,
			 strerror(errno));
		status = STATUS_FAILED;
	}
	return status;
}

enum status cmd_read(struct session *session, int argc, char **argv)
{
	struct options options = { 0 };
	enum args args = args_parse(&argp, argc, argv, 0, &options);

	if (args != ARGS_GOOD)
		return args_status(args);
	return options.output ? read_to_file(session, &options) :
				read_all(session, &options);
}
