/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Commands and their table
 */
#ifndef COMMAND_H
#define COMMAND_H

#include <argp.h>

#include "session.h"

typedef enum status command_fn(struct session *session, int argc, char **argv);

command_fn cmd_alloc, cmd_free, cmd_read, cmd_write, cmd_fill, cmd_verify;
command_fn cmd_info, cmd_list, cmd_map, cmd_stat, cmd_validate, cmd_shrink;
command_fn cmd_inject, cmd_shell, cmd_demo, cmd_resize, cmd_leaks;
command_fn cmd_completion, cmd_doctor;

extern const struct subcommands cache_subcommands, mempool_subcommands;

/* struct command.where */
enum {
	COMMAND_ALONE = 1, /* memallocctl NAME */
	COMMAND_SHELL = 2, /* a line of the shell */
};

/**
 * struct command - one command
 * @name: its name
 * @summary: one-line description
 * @where: COMMAND_ALONE, COMMAND_SHELL
 * @run: runs it; argv[0] is the name as typed. NULL: it has @subcommands.
 * @subcommands: its subcommands, or NULL
 */
struct command {
	const char *name;
	const char *summary;
	unsigned int where;
	command_fn *run;
	const struct subcommands *subcommands;
};

/**
 * struct subcommands - the subcommands of a command
 * @title: their subject, e.g. "Slab caches."
 * @hint: one sentence of further help
 * @list: the subcommands; an entry without a name ends the list
 */
struct subcommands {
	const char *title;
	const char *hint;
	const struct command *list;
};

/* All commands; an entry without a name ends the list. */
extern const struct command commands[];

/**
 * command_find() - find a command or subcommand
 * @list: @commands, or the list of a struct subcommands
 * @name: its name
 *
 * Return: the command, or NULL.
 */
const struct command *command_find(const struct command *list,
				   const char *name);

/**
 * command_run() - run a command
 * @session: the session
 * @argc: number of arguments, including the name
 * @argv: arguments
 * @origin: prefix for complaints: "memallocctl ", e.g. "script:3: ", or ""
 *
 * Complains about a command that does not exist or is not available here.
 *
 * Return: the command's status.
 */
enum status command_run(struct session *session, int argc, char **argv,
			const char *origin);

/* Options for all commands */
const struct argp *main_argp(void);

#endif /* COMMAND_H */
