// SPDX-License-Identifier: GPL-2.0
/*
 * The commands "validate", "shrink" and "inject"
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "../lib/common.h"

#include "args.h"
#include "command.h"
#include "errors.h"

/**
 * struct options - the only argument of these commands
 * @name: its name in complaints
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
		return args_error("unexpected argument '%s'", arg);
	return ARGP_ERR_UNKNOWN;
}

static error_t parse_number(int key, char *arg, struct argp_state *state)
{
	struct options *options = state->input;

	if (key != ARGP_KEY_ARG)
		return ARGP_ERR_UNKNOWN;
	if (options->given)
		return args_error("unexpected argument '%s'", arg);
	options->given = true;
	return args_number(options->name, arg, UINT64_MAX,
			   &options->number);
}

static const struct argp validate_argp = {
	NULL, parse_nothing, NULL,
	"Check the allocator's structures and their consistency."
	"\v"
	"Fails if any structure is damaged; the kernel log has the details.",
	0, 0, 0
};

static const struct argp shrink_argp = {
	NULL, parse_number, "[PAGES]",
	"Return free pages to the host: at most PAGES, or by default those of "
	"all blocks that are entirely free.",
	0, 0, 0
};

static const struct argp inject_argp = {
	NULL, parse_number, "NTH",
	"Make the NTH next step that takes memory fail, in commands of this "
	"process: 1 is the next step, 0 cancels a pending failure. Only in "
	"\"memallocctl shell\"; needs CAP_SYS_ADMIN."
	"\v"
	"Every step inside the module that takes memory counts, and one command "
	"may have several. Counting NTH up from 1 covers every way in which a "
	"command can fail.",
	0, 0, 0
};

enum status cmd_validate(struct session *session, int argc, char **argv)
{
	uint64_t checked, errors;
	enum args args = args_parse(&validate_argp, argc, argv, 0, NULL);
	int err;

	if (args != ARGS_GOOD)
		return args_status(args);
	if (!session_open(session))
		return STATUS_FAILED;
	err = memalloc_validate(session->device.fd, &checked, &errors);
	if (err && err != -EUCLEAN) {
		explain_command(session, "validate", err);
		return STATUS_FAILED;
	}
	printf("%" PRIu64 " structures checked, %" PRIu64 " damaged\n", checked,
	       errors);
	if (!err)
		return STATUS_OK;
	complain("the allocator's structures are damaged");
	advise("See the kernel log (dmesg), and please report it.");
	return STATUS_FAILED;
}

static void print_returned(const struct session *session, uint64_t pages)
{
	struct memalloc_stats_borrowing borrowing;
	char size[MEMALLOC_BYTES_MAX];

	printf("%" PRIu64 " pages returned", pages);
	if (!memalloc_stats(session->device.fd, MEMALLOC_SECTION_BORROWING, 0,
			    &borrowing, sizeof(borrowing), NULL))
		printf(" (%s), %llu still borrowed",
		       memalloc_format_bytes(pages * borrowing.page_size, size),
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
	/* Zero means all pages to the module, but none to the user. */
	if (options.given && !options.number) {
		print_returned(session, 0);
		return STATUS_OK;
	}
	err = memalloc_shrink(session->device.fd, options.number, &returned);
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
		complain("missing NTH; give 0 to cancel a pending failure");
		return STATUS_USAGE;
	}
	if (!session_open(session))
		return STATUS_FAILED;
	err = memalloc_inject(session->device.fd, options.number, &left);
	if (err) {
		explain_command(session, "inject a failure", err);
		return STATUS_FAILED;
	}
	session->injecting = options.number;
	if (left)
		printf("Replaced a failure that was pending, %" PRIu64
		       " steps ahead.\n", left);
	else
		puts("No injected failure was pending.");
	return STATUS_OK;
}
