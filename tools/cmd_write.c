// SPDX-License-Identifier: GPL-2.0
/*
 * Write to an allocation
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

/**
 * struct options - what the user wants
 * @part: of which allocation; words[1] is the text, if that is what to write
 * @hex: bytes in hexadecimal, or NULL
 * @input: file with the bytes, or NULL
 * @bytes: what to write, for free(3)
 * @length: how much
 */
struct options {
	struct part part;
	char *hex;
	const char *input;
	unsigned char *bytes;
	size_t length;
};

enum {
	KEY_HEX = 0x1000,
};

static const struct argp_option option_list[] = {
	{ "hex", KEY_HEX, "DIGITS", 0,
	  "Write the bytes that DIGITS stand for, two for each", 0 },
	{ "input", 'i', "FILE", 0, "Write what is in FILE", 0 },
	{ 0 }
};

static const char doc[] =
	"Write TEXT, bytes, or a file to an allocation. Only in \"memallocctl "
	"shell\"."
	"\v"
	"It is written once, from --offset on, and must fit. With --length, only "
	"so much of it is written.";

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct options *options = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &options->part;
		return 0;
	case KEY_HEX:
		options->hex = arg;
		return 0;
	case 'i':
		options->input = arg;
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp_child children[] = { { .argp = &part_cpu_argp }, { 0 } };
static const struct argp argp = {
	option_list, parse, "HANDLE TEXT\nHANDLE --hex DIGITS\nHANDLE --input FILE",
	doc, children, 0, 0
};

static bool take_text(struct options *options)
{
	const char *text = options->part.words[1];

	options->length = strlen(text);
	options->bytes = (unsigned char *)strdup(text);
	if (!options->bytes)
		complain("out of memory");
	return options->bytes;
}

static bool take_hex(struct options *options)
{
	const char *wrong;

	options->bytes = (unsigned char *)strdup(options->hex);
	if (!options->bytes) {
		complain("out of memory");
		return false;
	}
	wrong = hexdump_parse(options->hex, options->bytes, &options->length);
	if (wrong)
		complain("--hex: '%s' %s", options->hex, wrong);
	return !wrong;
}

/* More than an allocation can hold would not fit anyway: read no further. */
#define FILE_MAX (64UL << 20)

static bool read_file(FILE *file, struct options *options)
{
	size_t got;

	options->bytes = malloc(FILE_MAX);
	if (!options->bytes) {
		complain("out of memory");
		return false;
	}
	got = fread(options->bytes, 1, FILE_MAX, file);
	if (ferror(file)) {
		complain("cannot read %s: %s", options->input, strerror(errno));
		return false;
	}
	options->length = got;
	return true;
}

static bool take_file(struct options *options)
{
	FILE *file = fopen(options->input, "re");
	bool good;

	if (!file) {
		complain("cannot read %s: %s", options->input, strerror(errno));
		return false;
	}
	good = read_file(file, options);
	fclose(file);
	return good;
}

static enum status take(struct options *options)
{
	size_t sources = (options->part.count > 1) + !!options->hex +
			 !!options->input;

	if (options->part.count > 2) {
		complain("'%s' is one word too many", options->part.words[2]);
		advise("Put quotes around a text of several words.");
		return STATUS_USAGE;
	}
	if (sources != 1) {
		complain(sources ? "give only one of TEXT, --hex and --input" :
				   "write what? Give TEXT, --hex or --input");
		return STATUS_USAGE;
	}
	if (options->input)
		return take_file(options) ? STATUS_OK : STATUS_FAILED;
	if (options->hex)
		return take_hex(options) ? STATUS_OK : STATUS_USAGE;
	return take_text(options) ? STATUS_OK : STATUS_FAILED;
}

static bool write_one(struct session *session, const struct target *target,
		      void *data)
{
	const struct options *options = data;
	int err;

	err = device_write(&session->device, target->handle, target->offset,
			   options->bytes, (size_t)target->length);
	if (err)
		target_explain(session, target, err);
	return !err;
}

/* What is to be written, not where it ends, says how much it is. */
static void set_length(struct options *options)
{
	struct part *part = &options->part;

	if (!part->length_given || part->length > options->length)
		part->length = options->length;
	part->length_given = true;
}

enum status cmd_write(struct session *session, int argc, char **argv)
{
	struct options options = { 0 };
	enum args args = args_parse(&argp, argc, argv, 0, &options);
	enum status status;

	if (args != ARGS_GOOD)
		return args_status(args);
	status = take(&options);
	if (status == STATUS_OK) {
		set_length(&options);
		status = part_for_each(session, &options.part, 1, "write to",
				       write_one, &options);
	}
	free(options.bytes);
	return status;
}
