// SPDX-License-Identifier: GPL-2.0
/*
 * The commands for the contents of allocations: "read", "write", "fill" and
 * "verify"
 *
 * "read" and "write" copy bytes. For "fill" and "verify" the kernel writes or
 * checks a pattern.
 */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "args.h"
#include "command.h"
#include "errors.h"
#include "interrupt.h"
#include "target.h"

/* --offset, --length, --cpu and the handles, for all of these commands */
static const struct argp_child range_children[] = {
	{ .argp = &range_cpu_argp }, { 0 }
};

/* The command "read" */

/* Bytes on a line of the output of "read" */
#define BYTES_PER_LINE 16

static void print_hex_line(uint64_t offset, const unsigned char *bytes,
			   size_t length)
{
	size_t i;

	printf("%08" PRIx64 " ", offset);
	for (i = 0; i < BYTES_PER_LINE; i++) {
		if (i == BYTES_PER_LINE / 2)
			putchar(' ');
		if (i < length)
			printf(" %02x", bytes[i]);
		else
			fputs("   ", stdout);
	}
	fputs("  |", stdout);
	for (i = 0; i < length; i++)
		putchar(bytes[i] < 0x7f && isprint(bytes[i]) ? bytes[i] : '.');
	puts("|");
}

static void hexdump(uint64_t offset, const unsigned char *bytes, size_t length)
{
	while (length) {
		size_t part = length < BYTES_PER_LINE ? length : BYTES_PER_LINE;

		print_hex_line(offset, bytes, part);
		offset += part;
		bytes += part;
		length -= part;
	}
}

/* Length to print by default: a screenful. */
#define DEFAULT_LENGTH 256

/* Size of one copy; a multiple of BYTES_PER_LINE. */
#define CHUNK 65536

/**
 * struct read_options - options of "read"
 * @range: allocations, and the part of each
 * @output: file for the raw bytes, or NULL to print them
 * @file: the open file
 */
struct read_options {
	struct range range;
	const char *output;
	FILE *file;
};

static const struct argp_option read_option_list[] = {
	{ "output", 'O', "FILE", 0,
	  "Write the raw bytes to FILE instead of printing them", 0 },
	{ 0 }
};

static const char read_doc[] =
	"Print the bytes of an allocation in hexadecimal. Only in \"memallocctl "
	"shell\"."
	"\v"
	"Without --length and --output at most 256 bytes are printed.";

static error_t parse_read(int key, char *arg, struct argp_state *state)
{
	struct read_options *options = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &options->range;
		return 0;
	case 'O':
		options->output = arg;
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp read_argp = {
	read_option_list, parse_read, "HANDLE...", read_doc, range_children, 0, 0
};

static bool put(const struct read_options *options, uint64_t offset,
		const unsigned char *bytes, size_t length)
{
	if (!options->file)
		hexdump(offset, bytes, length);
	else if (fwrite(bytes, 1, length, options->file) != length)
		return false;
	return true;
}

/* Read up to CHUNK bytes. Return: false after a complaint. */
static bool read_chunk(struct session *session, const struct target *target,
		       const struct read_options *options, uint64_t offset,
		       size_t length)
{
	static unsigned char buffer[CHUNK];
	int err = memalloc_read(session->device.fd, target->handle, offset, buffer,
				length);

	if (err) {
		explain_target(session, target, err);
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
	const struct read_options *options = data;
	uint64_t offset = target->offset, left = target->length;
	size_t length;

	if (!target_within(session, target))
		return false;
	if (!options->range.length_given && !options->file &&
	    left > DEFAULT_LENGTH)
		left = DEFAULT_LENGTH;
	for (; left; left -= length, offset += length) {
		length = left > CHUNK ? CHUNK : (size_t)left;
		if (interrupt_stops() ||
		    !read_chunk(session, target, options, offset, length))
			return false;
	}
	return true;
}

static enum status read_ranges(struct session *session, struct read_options *options)
{
	return range_for_each(session, &options->range, options->range.count,
			     "read", read_one, options);
}

static enum status read_to_file(struct session *session,
				struct read_options *options)
{
	enum status status;

	options->file = fopen(options->output, "we");
	if (!options->file) {
		complain("cannot write to %s: %s", options->output,
			 strerror(errno));
		return STATUS_FAILED;
	}
	status = read_ranges(session, options);
	if (fclose(options->file) && status == STATUS_OK) {
		complain("cannot write to %s: %s", options->output,
			 strerror(errno));
		status = STATUS_FAILED;
	}
	return status;
}

enum status cmd_read(struct session *session, int argc, char **argv)
{
	struct read_options options = { 0 };
	enum args args = args_parse(&read_argp, argc, argv, 0, &options);

	if (args != ARGS_GOOD)
		return args_status(args);
	return options.output ? read_to_file(session, &options) :
				read_ranges(session, &options);
}

/* The command "write" */

/**
 * struct write_options - options of "write"
 * @range: the allocation and the part of it; words[1] is the text, if given
 * @hex: bytes in hexadecimal, or NULL
 * @input: file with the bytes, or NULL
 * @bytes: bytes to write, to be freed with free(3)
 * @length: number of bytes
 */
struct write_options {
	struct range range;
	char *hex;
	const char *input;
	unsigned char *bytes;
	size_t length;
};

enum {
	KEY_HEX = 0x1000,
};

static const struct argp_option write_option_list[] = {
	{ "hex", KEY_HEX, "DIGITS", 0,
	  "Write these bytes, two hexadecimal digits each", 0 },
	{ "input", 'i', "FILE", 0, "Write the contents of FILE", 0 },
	{ 0 }
};

static const char write_doc[] =
	"Write TEXT, bytes, or a file to an allocation. Only in \"memallocctl "
	"shell\"."
	"\v"
	"The data is written once at --offset and must fit. --length limits the "
	"number of bytes written.";

static error_t parse_write(int key, char *arg, struct argp_state *state)
{
	struct write_options *options = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &options->range;
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

static const struct argp write_argp = {
	write_option_list, parse_write,
	"HANDLE TEXT\nHANDLE --hex DIGITS\nHANDLE --input FILE",
	write_doc, range_children, 0, 0
};

static bool get_text(struct write_options *options)
{
	const char *text = options->range.words[1];

	options->length = strlen(text);
	options->bytes = (unsigned char *)strdup(text);
	if (!options->bytes)
		complain("out of memory");
	return options->bytes;
}

static unsigned int hex_digit(char c)
{
	static const char digits[] = "0123456789abcdef";

	return (unsigned int)(strchr(digits, tolower((unsigned char)c)) -
			      digits);
}

/*
 * Parse two hexadecimal digits for each byte. @bytes may overlay @text. Return:
 * NULL, or a phrase that describes the error, to follow @text.
 */
static const char *parse_hex(const char *text, unsigned char *bytes,
			     size_t *length)
{
	size_t count = strlen(text), i;

	if (strspn(text, "0123456789abcdefABCDEF") != count)
		return "has a character that is not a hexadecimal digit";
	if (count % 2)
		return "has an odd number of digits: each byte needs two";
	for (i = 0; i < count / 2; i++)
		bytes[i] = (unsigned char)(hex_digit(text[2 * i]) << 4 |
					   hex_digit(text[2 * i + 1]));
	*length = count / 2;
	return NULL;
}

static bool get_hex(struct write_options *options)
{
	const char *wrong;

	options->bytes = (unsigned char *)strdup(options->hex);
	if (!options->bytes) {
		complain("out of memory");
		return false;
	}
	wrong = parse_hex(options->hex, options->bytes, &options->length);
	if (wrong)
		complain("--hex: '%s' %s", options->hex, wrong);
	return !wrong;
}

/* An allocation cannot hold more than this, so do not read further. */
#define FILE_MAX (64UL << 20)

static bool read_file(FILE *file, struct write_options *options)
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

static bool get_file(struct write_options *options)
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

static enum status get_data(struct write_options *options)
{
	size_t sources = (options->range.count > 1) + !!options->hex +
			 !!options->input;

	if (options->range.count > 2) {
		complain("unexpected argument '%s'", options->range.words[2]);
		advise("Quote a text of several words.");
		return STATUS_USAGE;
	}
	if (sources != 1) {
		complain(sources ? "give only one of TEXT, --hex and --input" :
				   "missing data; give TEXT, --hex or --input");
		return STATUS_USAGE;
	}
	if (options->input)
		return get_file(options) ? STATUS_OK : STATUS_FAILED;
	if (options->hex)
		return get_hex(options) ? STATUS_OK : STATUS_USAGE;
	return get_text(options) ? STATUS_OK : STATUS_FAILED;
}

static bool write_one(struct session *session, const struct target *target,
		      void *data)
{
	const struct write_options *options = data;
	int err;

	err = memalloc_write(session->device.fd, target->handle, target->offset,
			     options->bytes, (size_t)target->length);
	if (err)
		explain_target(session, target, err);
	return !err;
}

/* The data determines the length, not the end of the allocation. */
static void set_length(struct write_options *options)
{
	struct range *range = &options->range;

	if (!range->length_given || range->length > options->length)
		range->length = options->length;
	range->length_given = true;
}

enum status cmd_write(struct session *session, int argc, char **argv)
{
	struct write_options options = { 0 };
	enum args args = args_parse(&write_argp, argc, argv, 0, &options);
	enum status status;

	if (args != ARGS_GOOD)
		return args_status(args);
	status = get_data(&options);
	if (status == STATUS_OK) {
		set_length(&options);
		status = range_for_each(session, &options.range, 1, "write to",
					write_one, &options);
	}
	free(options.bytes);
	return status;
}

/* The commands "fill" and "verify" */

/**
 * struct pattern_options - options of "fill" and "verify"
 * @range: allocations, and the part of each
 * @pattern: enum memalloc_pattern
 * @value: value of the pattern
 */
struct pattern_options {
	struct range range;
	uint32_t pattern;
	uint64_t value;
};

static const struct argp_option pattern_option_list[] = {
	{ "pattern", 'p', "PATTERN", 0,
	  "\"repeat\": each 8-byte word is the value (default); \"count\": the "
	  "word at byte offset 8 * i is the value plus i", 0 },
	{ "value", 'v', "N", 0, "Value of the pattern (default 0)", 0 },
	{ 0 }
};

static error_t parse_pattern(const char *arg, struct pattern_options *options)
{
	if (!strcmp(arg, "repeat"))
		options->pattern = MEMALLOC_PATTERN_REPEAT;
	else if (!strcmp(arg, "count"))
		options->pattern = MEMALLOC_PATTERN_COUNT;
	else
		return args_error("--pattern: unknown pattern '%s'; use repeat "
				  "or count", arg);
	return 0;
}

static error_t parse_pattern_option(int key, char *arg, struct argp_state *state)
{
	struct pattern_options *options = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &options->range;
		return 0;
	case 'p':
		return parse_pattern(arg, options);
	case 'v':
		return args_number("--value", arg, UINT64_MAX,
				   &options->value);
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp fill_argp = {
	pattern_option_list, parse_pattern_option, "HANDLE...",
	"Have the kernel fill an allocation with a pattern. Only in "
	"\"memallocctl shell\"."
	"\v"
	"Without --length all bytes from --offset on are filled. Words are "
	"little-endian and counted from the first byte of the allocation, also "
	"if only a part is filled.",
	range_children, 0, 0
};

static const struct argp verify_argp = {
	pattern_option_list, parse_pattern_option, "HANDLE...",
	"Have the kernel check that an allocation contains the pattern that "
	"\"fill\" with the same options writes. Only in \"memallocctl shell\"."
	"\v"
	"Fails if it does not, and prints the offset of the first difference.",
	range_children, 0, 0
};

static bool fill_one(struct session *session, const struct target *target,
		     void *data)
{
	const struct pattern_options *options = data;
	int err = memalloc_fill(session->device.fd, target->handle, target->offset,
				target->length, options->pattern, options->value);

	if (err)
		explain_target(session, target, err);
	return !err;
}

static void say_difference(struct session *session, const struct target *target,
			   const struct pattern_options *options, uint64_t offset)
{
	uint64_t index = offset / 8, expected = options->value;
	uint8_t found;

	if (options->pattern == MEMALLOC_PATTERN_COUNT)
		expected += index;
	expected = expected >> (8 * (offset % 8)) & 0xff;
	if (memalloc_read(session->device.fd, target->handle, offset, &found, 1))
		complain("%s differs from the pattern at offset %" PRIu64,
			 target->name, offset);
	else
		complain("%s differs from the pattern at offset %" PRIu64
			 ": found 0x%02x, expected 0x%02x",
			 target->name, offset, found, (unsigned int)expected);
}

static bool verify_one(struct session *session, const struct target *target,
		       void *data)
{
	const struct pattern_options *options = data;
	uint64_t same;
	int err = memalloc_verify(session->device.fd, target->handle,
				  target->offset, target->length,
				  options->pattern, options->value, &same);

	if (err == -EILSEQ)
		say_difference(session, target, data, target->offset + same);
	else if (err)
		explain_target(session, target, err);
	else
		printf("%s: %" PRIu64 " bytes, all as expected\n", target->name,
		       same);
	return !err;
}

enum status cmd_fill(struct session *session, int argc, char **argv)
{
	struct pattern_options options = { 0 };
	enum args args = args_parse(&fill_argp, argc, argv, 0, &options);

	if (args != ARGS_GOOD)
		return args_status(args);
	return range_for_each(session, &options.range, options.range.count, "fill",
			     fill_one, &options);
}

enum status cmd_verify(struct session *session, int argc, char **argv)
{
	struct pattern_options options = { 0 };
	enum args args = args_parse(&verify_argp, argc, argv, 0, &options);

	if (args != ARGS_GOOD)
		return args_status(args);
	return range_for_each(session, &options.range, options.range.count,
			     "verify", verify_one, &options);
}
