/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The table of commands, and how their arguments are read
 */
#ifndef COMMAND_H
#define COMMAND_H

#include <argp.h>
#include <stdbool.h>
#include <stdint.h>

#include "session.h"

/* struct command.where */
enum {
	COMMAND_ALONE = 1, /* memallocctl NAME */
	COMMAND_SHELL = 2, /* a line of the shell */
};

/**
 * struct command - one command
 * @name: its name
 * @summary: what it does, on one short line
 * @where: COMMAND_ALONE, COMMAND_SHELL
 * @run: does it; argv[0] is how the user calls it
 */
struct command {
	const char *name;
	const char *summary;
	unsigned int where;
	enum status (*run)(struct session *session, int argc, char **argv);
};

extern const struct command commands[];

const struct command *command_find(const char *name);

/**
 * command_run() - run a command
 * @session: the session
 * @argc: arguments, its name included
 * @argv: the arguments
 * @origin: where it comes from, to be put in front of complaints: "memallocctl "
 *	or "script:3: " or nothing
 *
 * Complains if there is no such command, or not here.
 *
 * Return: the command's status.
 */
enum status command_run(struct session *session, int argc, char **argv,
			const char *origin);

/**
 * command_belongs_here() - may a command run where we are?
 * @session: the session
 * @command: the command
 * @argc: its arguments
 * @argv: the same
 *
 * Complains if not. Help is given anywhere.
 *
 * Return: true if it may.
 */
bool command_belongs_here(const struct session *session,
			  const struct command *command, int argc, char **argv);

/* What args_parse() says. */
enum args {
	ARGS_GOOD,	/* go on */
	ARGS_HELP,	/* --help was asked for and has been given */
	ARGS_BAD,	/* complained */
};

/**
 * args_parse() - read the arguments of a command
 * @argp: its options; --help and --usage are added
 * @argc: arguments, the command's name included
 * @argv: the arguments
 * @flags: ARGP_IN_ORDER or nothing
 * @input: for the parser of @argp
 *
 * Unlike argp_parse(3) it never ends the process, and it complains in the
 * command's name, whether it stands alone or in a script.
 */
enum args args_parse(const struct argp *argp, int argc, char **argv,
		     unsigned int flags, void *input);

/* The status of a command that ends here since args_parse() was not good. */
static inline enum status args_status(enum args args)
{
	return args == ARGS_BAD ? STATUS_USAGE : STATUS_OK;
}

/**
 * args_error() - complain of an argument, in a parser
 * @format: as for complain()
 *
 * args_parse() adds where help is.
 *
 * Return: an error for the parser to return.
 */
error_t args_error(const char *format, ...)
	__attribute__((format(printf, 1, 2)));

/**
 * args_number() - read a number
 * @name: of the argument, as "--order"
 * @text: the number
 * @max: the largest that is allowed
 * @value: where it goes
 *
 * Return: 0, or EINVAL after a complaint.
 */
error_t args_number(const char *name, const char *text, uint64_t max,
		    uint64_t *value);

/* The same, but K, M and G are understood. */
error_t args_size(const char *name, const char *text, uint64_t *value);

#endif /* COMMAND_H */
