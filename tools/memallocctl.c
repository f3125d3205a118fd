// SPDX-License-Identifier: GPL-2.0
/*
 * memallocctl: drive the module memalloc from user space
 *
 * Each command reads its arguments, opens the device, and asks the module:
 *
 *	memallocctl.c		options for all commands, exit status
 *	command.c		the table of commands
 *	cmd_*.c, shell.c	the commands
 *	demo*.c			the demonstration
 *	args.c, part.c, gfp.c	what users write
 *	reference.c, names.c	which allocation they mean
 *	explain.c		what went wrong, and what to do
 *	statistics*.c		what the module counts
 *	device.c, mapping.c	the module
 *
 * Status: 0, or 1 if something failed, or 2 for a mistake in the arguments.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "complaint.h"

/**
 * struct options - what goes for all commands
 * @device: path of the device
 * @colour: enum colour
 * @version: only say the version
 * @argc: the command and its arguments
 * @argv: the same
 */
struct options {
	const char *device;
	enum colour {
		COLOUR_AUTO,
		COLOUR_ALWAYS,
		COLOUR_NEVER,
	} colour;
	bool version;
	int argc;
	char **argv;
};

enum {
	KEY_COLOUR = 0x1000,
};

static const struct argp_option option_list[] = {
	{ "device", 'd', "PATH", 0,
	  "The device to use (default " DEVICE_PATH ")", 0 },
	{ "color", KEY_COLOUR, "WHEN", 0,
	  "Colours: \"always\", \"never\", or \"auto\" (default): on a terminal "
	  "only", 0 },
	{ "version", 'V', NULL, 0, "Print the version", -1 },
	{ 0 }
};

static const char doc[] =
	"Drive memalloc, a second kernel memory manager, from user space."
	"\v";

static error_t parse_colour(const char *arg, struct options *options)
{
	if (!strcmp(arg, "auto"))
		options->colour = COLOUR_AUTO;
	else if (!strcmp(arg, "always"))
		options->colour = COLOUR_ALWAYS;
	else if (!strcmp(arg, "never"))
		options->colour = COLOUR_NEVER;
	else
		return args_error("--color: '%s' is none of auto, "
				  "always, never", arg);
	return 0;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct options *options = state->input;

	switch (key) {
	case 'd':
		options->device = arg;
		return 0;
	case KEY_COLOUR:
		return parse_colour(arg, options);
	case 'V':
		options->version = true;
		return 0;
	case ARGP_KEY_ARG:
		/* It and all that follows is the command's. */
		options->argv = state->argv + state->next - 1;
		options->argc = state->argc - state->next + 1;
		state->next = state->argc;
		return 0;
	case ARGP_KEY_NO_ARGS:
		if (options->version)
			return 0;
		return args_error("which command?");
	}
	return ARGP_ERR_UNKNOWN;
}

/* The list of commands, below the options. */
static char *filter_help(int key, const char *text, void *input)
{
	const struct command *command;
	char *list = NULL;
	size_t size;
	FILE *file;

	(void)input;
	if (key != ARGP_KEY_HELP_POST_DOC)
		return (char *)text;
	file = open_memstream(&list, &size);
	if (!file)
		return NULL;
	fputs("Commands:\n\n", file);
	for (command = commands; command->name; command++)
		if (command->where & COMMAND_ALONE)
			fprintf(file, "  %-10s %s\n", command->name,
				command->summary);
	fputs("\nand in the shell also:\n\n", file);
	for (command = commands; command->name; command++)
		if (!(command->where & COMMAND_ALONE))
			fprintf(file, "  %-10s %s\n", command->name,
				command->summary);
	fputs("\n\"memallocctl COMMAND --help\" says more.", file);
	fclose(file);
	return list;
}

static const struct argp argp = {
	option_list, parse, "COMMAND [ARGUMENT...]", doc, NULL, filter_help, 0
};

static bool wants_colour(enum colour colour)
{
	const char *terminal = getenv("TERM"), *no = getenv("NO_COLOR");

	if (colour != COLOUR_AUTO)
		return colour == COLOUR_ALWAYS;
	return isatty(STDOUT_FILENO) && !(no && *no) && terminal &&
	       strcmp(terminal, "dumb");
}

static enum status run(const struct options *options)
{
	struct session session;
	enum status status;

	if (options->version) {
		printf("memallocctl %s, version %d of the interface\n",
		       MEMALLOCCTL_VERSION, MEMALLOC_ABI_VERSION);
		return STATUS_OK;
	}
	session_init(&session);
	session.device.path = options->device;
	session.colour = wants_colour(options->colour);
	status = command_run(&session, options->argc, options->argv,
			     "memallocctl ");
	session_destroy(&session);
	return status;
}

/* Output that did not get where it should is a failure, as of any command. */
static enum status close_output(enum status status)
{
	bool failed = ferror(stdout);

	errno = 0;
	if (!fclose(stdout) && !failed)
		return status;
	complain(errno ? "cannot write to standard output: %s" :
			 "cannot write to standard output%s",
		 errno ? strerror(errno) : "");
	return status == STATUS_OK ? STATUS_FAILED : status;
}

int main(int argc, char **argv)
{
	struct options options = { .device = DEVICE_PATH };
	char name[] = "memallocctl";
	char *nothing[] = { name, NULL };
	enum status status;
	enum args args;

	if (argc < 1) {
		argc = 1;
		argv = nothing;
	}
	argv[0] = name;
	args = args_parse(&argp, argc, argv, ARGP_IN_ORDER, &options);
	status = args == ARGS_GOOD ? run(&options) : args_status(args);
	return close_output(status);
}
