/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A command with commands of its own
 */
#ifndef SUBCOMMAND_H
#define SUBCOMMAND_H

#include <argp.h>
#include <json-c/json.h>
#include <stdbool.h>

#include "command.h"
#include "reference.h"
#include "statistics.h"

/**
 * struct subcommands - what such a command is made of
 * @title: what it is about, as "Slab caches."
 * @hint: what else to know about it, one sentence
 * @list: its commands; one without a name ends them
 */
struct subcommands {
	const char *title;
	const char *hint;
	const struct command *list;
};

/**
 * subcommand_run() - run a command of a command
 * @session: the session
 * @subcommands: those there are
 * @argc: arguments, the name of the outer command included
 * @argv: the arguments
 *
 * Complains if there is no such command, or not here.
 *
 * Return: its status.
 */
enum status subcommand_run(struct session *session,
			   const struct subcommands *subcommands, int argc,
			   char **argv);

/**
 * struct subject - what the commands of a command work on
 * @argp_doc: help for the one that is run
 * @words: what the user calls them in help, as "CACHE..."
 * @which: asks for one, as "which cache?"
 */
struct subject {
	const char *argp_doc;
	const char *words;
	const char *which;
};

/**
 * subcommand_for_each() - do something with each that is meant
 * @session: the session
 * @argc: arguments
 * @argv: names, patterns or handles
 * @subject: what they are
 * @one: does it; returns false after a complaint
 *
 * Return: STATUS_OK if all went well.
 */
enum status subcommand_for_each(struct session *session, int argc, char **argv,
				const struct subject *subject,
				bool (*one)(struct session *session,
					    const struct reference *reference));

/**
 * struct listing - a list of all that there is of something
 * @argp_doc: help for the command that shows it
 * @print: prints it as a table
 * @json: makes an array of it
 */
struct listing {
	const char *argp_doc;
	bool (*print)(const struct statistics *statistics);
	struct json_object *(*json)(const struct statistics *statistics);
};

/**
 * subcommand_list() - show a list, as a table or, with --json, as JSON
 * @session: the session
 * @argc: arguments
 * @argv: the arguments
 * @listing: the list
 *
 * Return: STATUS_OK if all went well.
 */
enum status subcommand_list(struct session *session, int argc, char **argv,
			    const struct listing *listing);

#endif /* SUBCOMMAND_H */
