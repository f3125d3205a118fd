/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Arguments of commands
 */
#ifndef ARGS_H
#define ARGS_H

#include <argp.h>
#include <stddef.h>
#include <stdint.h>

#include "session.h"

struct command;

/**
 * struct words - the words of a line
 * @argv: the words, which point into the line, and NULL after the last
 * @argc: number of words
 */
struct words {
	char **argv;
	int argc;
};

/**
 * words_split() - split a line into words
 * @line: the line; it is modified
 * @words: result, to be freed with words_free(), also after an error
 *
 * Words are separated by blanks. Single or double quotes preserve blanks in a
 * word, and a backslash preserves the character after it, except between single
 * quotes. A word that begins with # ends the line.
 *
 * Return: NULL, or a message that describes the error.
 */
const char *words_split(char *line, struct words *words);

void words_free(struct words *words);

/* Results of args_parse() */
enum args {
	ARGS_GOOD,	/* continue */
	ARGS_HELP,	/* help was requested and printed */
	ARGS_BAD,	/* complained */
};

/**
 * args_parse() - parse the arguments of a command
 * @argp: its options; --help and --usage are added
 * @argc: number of arguments, including the command's name
 * @argv: arguments
 * @flags: ARGP_IN_ORDER or 0
 * @input: input of the parser of @argp
 *
 * Unlike argp_parse(3) it never ends the process. Complaints name the command,
 * in and outside of scripts.
 */
enum args args_parse(const struct argp *argp, int argc, char **argv,
		     unsigned int flags, void *input);

/*
 * Status of a command that stops because args_parse() did not return ARGS_GOOD.
 */
static inline enum status args_status(enum args args)
{
	return args == ARGS_BAD ? STATUS_USAGE : STATUS_OK;
}

/**
 * args_for_each_option() - visit the options of a table and of its children
 * @argp: the table
 * @visit: called for each option that is not hidden
 * @data: passed to @visit
 */
void args_for_each_option(const struct argp *argp,
			  void (*visit)(const struct argp_option *option,
					void *data),
			  void *data);

/**
 * args_visit() - visit the option table of a command
 * @session: the session
 * @command: a command without subcommands; it is not executed
 * @visit: called with the table
 * @data: passed to @visit
 *
 * A command parses its arguments before anything else. So the command is
 * called while args_parse() is set up to pass on the table and to return.
 */
void args_visit(struct session *session, const struct command *command,
		void (*visit)(const struct argp *argp, void *data),
		   void *data);

/**
 * args_error() - complain about an argument, in a parser
 * @format: as for complain()
 *
 * args_parse() adds a pointer to the help.
 *
 * Return: an error for the parser to return.
 */
error_t args_error(const char *format, ...)
	__attribute__((format(printf, 1, 2)));

/**
 * args_number() - parse a number
 * @name: name of the argument, e.g. "--order"
 * @text: the text to parse
 * @max: maximum value
 * @value: result
 *
 * Return: 0, or EINVAL after a complaint.
 */
error_t args_number(const char *name, const char *text, uint64_t max,
		    uint64_t *value);

/* As args_number(), with optional suffix K, M or G */
error_t args_size(const char *name, const char *text, uint64_t *value);

/* As args_number(), for --node */
error_t args_node(const char *text, int32_t *node);

/**
 * args_name() - parse the name of a new cache or mempool
 * @what: "cache" or "mempool"
 * @text: the text to parse
 * @name: result
 * @size: size of @name
 *
 * Return: 0, or EINVAL after a complaint.
 */
error_t args_name(const char *what, const char *text, char *name, size_t size);

#endif /* ARGS_H */
