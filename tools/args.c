// SPDX-License-Identifier: GPL-2.0
/*
 * How the arguments of commands are read
 *
 * argp(3) is made for programs that end after a mistake, and after --help. In
 * the shell they must not. So its own help is switched off and done here, in a
 * parser around the command's own.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "command.h"
#include "complaint.h"
#include "number.h"

enum {
	KEY_USAGE = 0x5000,
};

/**
 * struct wrapper - what the outer parser knows
 * @input: for the command's parser
 * @helped: help was asked for and given
 */
struct wrapper {
	void *input;
	bool helped;
};

/* What the user types to run the command that is being parsed. */
static char *command_name;

static const struct argp_option help_options[] = {
	{ "help", '?', NULL, 0, "Give this help list", -1 },
	{ "usage", KEY_USAGE, NULL, 0, "Give a short usage message", 0 },
	{ 0 }
};

static error_t give_help(struct argp_state *state, struct wrapper *wrapper,
			 unsigned int what)
{
	argp_help(state->root_argp, stdout, what, command_name);
	wrapper->helped = true;
	return ECANCELED;
}

static error_t parse_help(int key, char *arg, struct argp_state *state)
{
	struct wrapper *wrapper = state->input;

	(void)arg;
	switch (key) {
	case ARGP_KEY_INIT:
		state->err_stream = NULL; /* it would name argv[0] */
		state->child_inputs[0] = wrapper->input;
		return 0;
	case '?':
		return give_help(state, wrapper, ARGP_HELP_SHORT_USAGE |
				 ARGP_HELP_LONG | ARGP_HELP_DOC);
	case KEY_USAGE:
		return give_help(state, wrapper, ARGP_HELP_USAGE);
	}
	return ARGP_ERR_UNKNOWN;
}

enum args args_parse(const struct argp *argp, int argc, char **argv,
		     unsigned int flags, void *input)
{
	const struct argp_child children[] = { { .argp = argp }, { 0 } };
	const struct argp outer = {
		.options = help_options,
		.parser = parse_help,
		.children = children,
	};
	struct wrapper wrapper = { .input = input };
	error_t err;

	fflush(stdout);
	/* getopt(3) puts argv[0] in front of what it complains of. */
	command_name = argv[0];
	argv[0] = (char *)complaint_prefix();
	err = argp_parse(&outer, argc, argv,
			 flags | ARGP_NO_HELP | ARGP_NO_EXIT, NULL, &wrapper);
	argv[0] = command_name;
	if (wrapper.helped)
		return ARGS_HELP;
	if (err == ENOMEM)
		complain("out of memory");
	else if (err)
		advise("Try \"%s --help\".", command_name);
	return err ? ARGS_BAD : ARGS_GOOD;
}

error_t args_error(const char *format, ...)
{
	char *message;
	va_list args;
	int length;

	va_start(args, format);
	length = vasprintf(&message, format, args);
	va_end(args);
	if (length < 0)
		return ENOMEM;
	complain("%s", message);
	free(message);
	return EINVAL;
}

error_t args_number(const char *name, const char *text, uint64_t max,
		    uint64_t *value)
{
	const char *wrong = number_parse(text, value);

	if (wrong)
		return args_error("%s: '%s' %s", name, text, wrong);
	if (*value > max)
		return args_error("%s: %s is out of range: 0 to %" PRIu64
				  " are allowed", name, text, max);
	return 0;
}

error_t args_size(const char *name, const char *text, uint64_t *value)
{
	const char *wrong = number_parse_size(text, value);

	if (wrong)
		return args_error("%s: '%s' %s", name, text, wrong);
	return 0;
}
