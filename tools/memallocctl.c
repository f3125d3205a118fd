// SPDX-License-Identifier: GPL-2.0
/*
 * memallocctl: user-space interface to the memalloc module
 *
 * Each command parses its arguments, opens the device and issues requests.
 * The commands:
 *
 *	alloc.c			alloc
 *	handle.c		info, list, resize, free
 *	contents.c, map.c	read, write, fill, verify; map
 *	cache.c, mempool.c	cache create ..., mempool create ...
 *	statistics*.c, leaks.c	stat, leaks
 *	module.c		validate, shrink, inject
 *	shell.c, editor.c	shell, its keyboard input
 *	doctor.c, completion.c	doctor, completion
 *	demo/			demo
 *
 * Their parts:
 *
 *	memallocctl.c		options for all commands, exit status
 *	command.c		table of commands
 *	args.c, parse.c		arguments and options; numbers and flags
 *	session.c, target.c	names of handles; handles that arguments name
 *	errors.c, table.c	error messages; tables of text
 *	interrupt.c		Ctrl-C
 *	device.c		requests to the module
 *
 * Exit status: 0 on success, 1 on failure, 2 for invalid arguments.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "args.h"
#include "command.h"
#include "errors.h"

/**
 * struct options - options for all commands
 * @device: path of the device
 * @colour: enum colour
 * @version: print versions and exit
 * @argc: number of arguments from the command on
 * @argv: the command and its arguments
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
	  "Use the device PATH (default " DEVICE_PATH ")", 0 },
	{ "color", KEY_COLOUR, "WHEN", 0,
	  "Use colours \"always\", \"never\", or \"auto\" (default), which "
	  "means on a terminal", 0 },
	{ "version", 'V', NULL, 0, "Print the versions of program and module", -1 },
	{ 0 }
};

static const char doc[] =
	"Control memalloc, a second kernel memory manager, from user space."
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
		return args_error("--color: invalid argument '%s'; use auto, "
				  "always or never", arg);
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
		/* This argument and all others belong to the command. */
		options->argv = state->argv + state->next - 1;
		options->argc = state->argc - state->next + 1;
		state->next = state->argc;
		return 0;
	case ARGP_KEY_NO_ARGS:
		if (options->version)
			return 0;
		return args_error("missing COMMAND");
	}
	return ARGP_ERR_UNKNOWN;
}

/* Print the list of commands below the options. */
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
	fputs("\nOnly in the shell:\n\n", file);
	for (command = commands; command->name; command++)
		if (!(command->where & COMMAND_ALONE))
			fprintf(file, "  %-10s %s\n", command->name,
				command->summary);
	fputs("\nRun \"memallocctl COMMAND --help\" for details.", file);
	fclose(file);
	return list;
}

static const struct argp argp = {
	option_list, parse, "COMMAND [ARGUMENT...]", doc, NULL, filter_help, 0
};

const struct argp *main_argp(void)
{
	return &argp;
}

static bool wants_colour(enum colour colour)
{
	const char *terminal = getenv("TERM"), *no = getenv("NO_COLOR");

	if (colour != COLOUR_AUTO)
		return colour == COLOUR_ALWAYS;
	return isatty(STDOUT_FILENO) && !(no && *no) && terminal &&
	       strcmp(terminal, "dumb");
}

/* The module's version is readable without opening the device. */
static void print_versions(void)
{
	FILE *file = fopen("/sys/module/memalloc/version", "re");
	char release[MEMALLOC_RELEASE_SIZE];

	printf("memallocctl %s, version %d of the interface\n",
	       MEMALLOCCTL_VERSION, MEMALLOC_ABI_VERSION);
	if (!file)
		return;
	if (fscanf(file, "%31s", release) == 1)
		printf("module %s\n", release);
	fclose(file);
}

static enum status run(const struct options *options)
{
	struct session session;
	enum status status;

	if (options->version) {
		print_versions();
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

/* Any command fails if its output could not be written. */
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
