// SPDX-License-Identifier: GPL-2.0
/*
 * Look after the allocator: validate, shrink, inject
 */
#include <inttypes.h>
#include <stdio.h>

#include "cmd.h"
#include "command.h"
#include "complaint.h"
#include "explain.h"
#include "number.h"

/**
 * struct options - the one argument that some of these commands have
 * @name: what it is called in complaints
 * @number: its value
 * @given: it was given
 */
struct options {
	const char *name;
	uint64_t number;
	bool given;
};

static error_t parse_nothing(int key, char *arg, struct argp_state *state)
{
	(void)state;
	if (key == ARGP_KEY_ARG)
		return args_error("'%s' is one word too many", arg);
	return ARGP_ERR_UNKNOWN;
}

static error_t parse_number(int key, char *arg, struct argp_state *state)
{
	struct options *options = state->input;

	if (key != ARGP_KEY_ARG)
		return ARGP_ERR_UNKNOWN;
	if (options->given)
		return args_error("'%s' is one word too many", arg);
	options->given = true;
	return args_number(options->name, arg, UINT64_MAX,
			   &options->number);
}

static const struct argp validate_argp = {
	NULL, parse_nothing, NULL,
	"Check each structure of the allocator, and that all of them agree."
	"\v"
	"Ends with a failure if anything is wrong; the kernel log says what.",
	0, 0, 0
};

static const struct argp shrink_argp = {
	NULL, parse_number, "[PAGES]",
	"Give free pages back to the host: at most PAGES of them, or without "
	"PAGES all that are in blocks that nobody uses any part of.",
	0, 0, 0
};

static const struct argp inject_argp = {
	NULL, parse_number, "NTH",
	"Make the NTH next step of this process's commands that takes memory "
	"fail: 1 is the very next; 0 takes it back. Only in \"memallocctl "
	"shell\"; needs CAP_SYS_ADMIN."
	"\v"
	"Counted is each step inside the module that takes memory, and one "
	"command may have several: with NTH from 1 upwards, all ways in which "
	"a command can fail are seen in turn.",
	0, 0, 0
};

enum status cmd_validate(struct session *session, int argc, char **argv)
{
	struct memalloc_validate validate = { 0 };
	enum args args = args_parse(&validate_argp, argc, argv, 0, NULL);
	int err;

	if (args != ARGS_GOOD)
		return args_status(args);
	if (!session_open(session))
		return STATUS_FAILED;
	err = device_validate(&session->device, &validate);
	if (err) {
		explain_command(session, "validate", err);
		return STATUS_FAILED;
	}
	printf("%llu things checked, %llu wrong\n", validate.out_checked,
	       validate.out_errors);
	if (!validate.out_errors)
		return STATUS_OK;
	complain("the allocator's structures are damaged");
	advise("The kernel log (dmesg) says which; please report it.");
	return STATUS_FAILED;
}

static void print_returned(const struct session *session, uint64_t pages)
{
	struct memalloc_stats_borrowing borrowing;
	char size[NUMBER_BYTES_MAX];

	printf("%" PRIu64 " pages given back", pages);
	if (!device_stats(&session->device, MEMALLOC_SECTION_BORROWING, 0,
			  &borrowing, sizeof(borrowing), NULL))
		printf(" (%s), %llu still borrowed",
		       number_format_bytes(pages * borrowing.page_size, size),
		       borrowing.borrowed);
	putchar('\n');
}

enum status cmd_shrink(struct session *session, int argc, char **argv)
{
	struct options options = { .name = "PAGES" };
	enum args args = args_parse(&shrink_argp, argc, argv, 0, &options);
	uint64_t returned;
	int err;

	if (args != ARGS_GOOD)
		return args_status(args);
	if (!session_open(session))
		return STATUS_FAILED;
	/* For the module zero means all; for the user it means none. */
	if (options.given && !options.number) {
		print_returned(session, 0);
		return STATUS_OK;
	}
	err = device_shrink(&session->device, options.number, &returned);
	if (err) {
		explain_command(session, "shrink", err);
		return STATUS_FAILED;
	}
	print_returned(session, returned);
	return STATUS_OK;
}

enum status cmd_inject(struct session *session, int argc, char **argv)
{
	struct options options = { .name = "NTH" };
	enum args args = args_parse(&inject_argp, argc, argv, 0, &options);
	uint64_t left;
	int err;

	if (args != ARGS_GOOD)
		return args_status(args);
	if (!options.given) {
		complain("which one? Give a number, or 0 for none");
		return STATUS_USAGE;
	}
	if (!session_open(session))
		return STATUS_FAILED;
	err = device_inject(&session->device, options.number, &left);
	if (err) {
		explain_command(session, "inject a failure", err);
		return STATUS_FAILED;
	}
	session->injecting = options.number;
	printf("%" PRIu64 " was left of what was asked before\n", left);
	return STATUS_OK;
}
