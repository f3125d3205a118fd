// SPDX-License-Identifier: GPL-2.0
/*
 * Arguments of commands: the words of a line, options, numbers
 *
 * wordexp(3) would also replace $1, which is a name here, and run commands. So
 * words_split() splits a line. Removing quotes never lengthens a word, so words
 * are unquoted in place.
 *
 * argp(3) exits after an error and after --help. A command of the shell must
 * not exit. So argp's own help is disabled, and an outer parser around the
 * command's parser implements it.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "args.h"
#include "command.h"
#include "errors.h"
#include "parse.h"

#define BLANKS " \t\r\n"

/*
 * Cut one word off the line and advance *from past it. The terminating NUL
 * may overwrite the character at *from, so that is read first.
 */
static const char *cut_word(char **from)
{
	char *in = *from, *out = *from;
	char quote = 0;

	for (; *in && (quote || !strchr(BLANKS, *in)); in++) {
		if (*in == quote)
			quote = 0;
		else if (!quote && (*in == '\'' || *in == '"'))
			quote = *in;
		else if (*in == '\\' && quote != '\'' && !*++in)
			return "backslash at the end of the line";
		else
			*out++ = *in;
	}
	if (quote)
		return "missing closing quote";
	*from = *in ? in + 1 : in;
	*out = '\0';
	return NULL;
}

static bool append_word(struct words *words, char *word)
{
	char **argv = reallocarray(words->argv, (size_t)words->argc + 2,
				   sizeof(*argv));

	if (!argv)
		return false;
	words->argv = argv;
	argv[words->argc++] = word;
	argv[words->argc] = NULL;
	return true;
}

const char *words_split(char *line, struct words *words)
{
	const char *wrong;
	char *word;

	words->argv = NULL;
	words->argc = 0;
	for (;;) {
		line += strspn(line, BLANKS);
		if (!*line || *line == '#')
			return NULL;
		word = line;
		wrong = cut_word(&line);
		if (wrong)
			return wrong;
		if (!append_word(words, word))
			return "out of memory";
	}
}

void words_free(struct words *words)
{
	free(words->argv);
	words->argv = NULL;
	words->argc = 0;
}

enum {
	KEY_USAGE = 0x5000,
};

/**
 * struct wrapper - state of the outer parser
 * @input: input of the command's parser
 * @helped: help was requested and printed
 */
struct wrapper {
	void *input;
	bool helped;
};

/* Name of the command being parsed, as the user types it. */
static char *command_name;

/* See args_visit(). */
static void (*visitor)(const struct argp *argp, void *data);
static void *visitor_data;

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
		state->err_stream = NULL; /* its message would name argv[0] */
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

	if (visitor) {
		visitor(argp, visitor_data);
		return ARGS_HELP;
	}
	fflush(stdout);
	/* getopt(3) puts argv[0] in front of its messages. */
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

void args_for_each_option(const struct argp *argp,
			  void (*visit)(const struct argp_option *option,
					void *data),
			  void *data)
{
	const struct argp_option *option = argp->options;
	const struct argp_child *child = argp->children;

	for (; option && (option->name || option->key || option->doc); option++)
		if (!(option->flags & OPTION_HIDDEN))
			visit(option, data);
	for (; child && child->argp; child++)
		args_for_each_option(child->argp, visit, data);
}

void args_visit(struct session *session, const struct command *command,
		void (*visit)(const struct argp *argp, void *data),
		   void *data)
{
	char *argv[] = { (char *)command->name, NULL };

	visitor = visit;
	visitor_data = data;
	command->run(session, 1, argv);
	visitor = NULL;
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
		return args_error("%s: %s is out of range, 0 to %" PRIu64,
				  name, text, max);
	return 0;
}

error_t args_size(const char *name, const char *text, uint64_t *value)
{
	const char *wrong = number_parse_size(text, value);

	if (wrong)
		return args_error("%s: '%s' %s", name, text, wrong);
	return 0;
}

error_t args_node(const char *text, int32_t *node)
{
	uint64_t number;

	if (args_number("--node", text, INT32_MAX, &number))
		return EINVAL;
	*node = (int32_t)number;
	return 0;
}

error_t args_name(const char *what, const char *text, char *name, size_t size)
{
	if (strlen(text) >= size)
		return args_error("'%s' is too long for a %s name: the maximum "
				  "is %zu characters", text, what, size - 1);
	if (!names_valid(text))
		return args_error("'%s' is not a valid name: use letters, "
				  "digits, '_', '.' and '-', beginning with a "
				  "letter or '_'", text);
	strcpy(name, text);
	return 0;
}
