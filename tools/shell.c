// SPDX-License-Identifier: GPL-2.0
/*
 * Take commands from a file, a pipe or the keyboard
 *
 * All commands share one open file of the device, so that the handles that one
 * makes are there for the next.
 *
 *	a = alloc --order 3
 *	fill a --pattern count
 *	free a
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd.h"
#include "command.h"
#include "complaint.h"
#include "words.h"

/**
 * struct options - what the user wants
 * @path: where the commands are, or NULL: on standard input
 * @stop: after the first failure
 */
struct options {
	char *path;
	bool stop;
};

/**
 * struct shell - a shell
 * @session: the session
 * @input: where lines come from
 * @name: what stands before line numbers, as "script:" or "line "
 * @line: number of the line
 * @prompt: ask for each
 * @quit: asked to
 * @failed: a command has
 */
struct shell {
	struct session *session;
	FILE *input;
	const char *name;
	unsigned long line;
	bool prompt;
	bool quit;
	bool failed;
};

static const struct argp_option option_list[] = {
	{ "stop-on-error", 'e', NULL, 0, "Stop after a command that fails", 0 },
	{ 0 }
};

static const char doc[] =
	"Take commands from FILE or standard input, one on a line. What they "
	"allocate stays until it is freed or the shell ends."
	"\v"
	"The commands are those of memallocctl, and:\n"
	"\n"
	"    NAME = alloc ...    give the allocation a name; else it is $1, $2 ...\n"
	"    help [COMMAND]      list the commands, or help with one\n"
	"    quit                end the shell (so does the end of its input)\n"
	"\n"
	"Quotes and backslashes keep blanks in a word; # begins a comment. The "
	"shell ends with status 1 if any command failed.";

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct options *options = state->input;

	switch (key) {
	case 'e':
		options->stop = true;
		return 0;
	case ARGP_KEY_ARG:
		if (options->path)
			return args_error("'%s' is one word too many",
					  arg);
		options->path = arg;
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp argp = {
	option_list, parse, "[FILE]", doc, 0, 0, 0
};

static void list_commands(void)
{
	const struct command *command;

	for (command = commands; command->name; command++)
		if (command->where & COMMAND_SHELL)
			printf("  %-10s %s\n", command->name, command->summary);
	puts("  help       list the commands, or \"help COMMAND\"\n"
	     "  quit       end the shell\n"
	     "\n"
	     "\"NAME = alloc ...\" gives the allocation a name; else it is $1, "
	     "$2 ...\n"
	     "\"COMMAND --help\" lists the options of a command.");
}

static enum status help(struct shell *shell, int argc, char **argv,
			const char *origin)
{
	static char option[] = "--help";
	char *words[] = { argv[1], option, NULL };

	if (argc > 2) {
		complain("help: one command at a time");
		return STATUS_USAGE;
	}
	if (argc == 2)
		return command_run(shell->session, 2, words, origin);
	list_commands();
	return STATUS_OK;
}

/* "NAME = alloc ...": the two words in front have been taken off. */
static enum status run_named(struct shell *shell, const char *name, int argc,
			     char **argv, const char *origin)
{
	enum status status;

	if (!names_valid(name)) {
		complain("'%s' cannot be a name", name);
		advise("A name has letters, digits, '_', '.' and '-' and "
		       "begins with a letter or '_'.");
		return STATUS_USAGE;
	}
	if (!argc || (strcmp(argv[0], "alloc") && strcmp(argv[0], "cache") &&
		      strcmp(argv[0], "mempool"))) {
		complain("only what \"alloc\", \"cache create\" and \"mempool "
			 "create\" make can be given a name");
		return STATUS_USAGE;
	}
	shell->session->new_name = name;
	status = command_run(shell->session, argc, argv, origin);
	shell->session->new_name = NULL;
	return status;
}

static enum status run_words(struct shell *shell, int argc, char **argv,
			     const char *origin)
{
	if (argc > 1 && !strcmp(argv[1], "="))
		return run_named(shell, argv[0], argc - 2, argv + 2, origin);
	if (!strcmp(argv[0], "help") || !strcmp(argv[0], "?"))
		return help(shell, argc, argv, origin);
	if (!strcmp(argv[0], "quit") || !strcmp(argv[0], "exit")) {
		shell->quit = true;
		return STATUS_OK;
	}
	return command_run(shell->session, argc, argv, origin);
}

static enum status run_line(struct shell *shell, char *line, size_t length,
			    const char *origin)
{
	enum status status = STATUS_OK;
	const char *wrong;
	struct words words;

	if (strlen(line) != length) {
		complain("there is a zero byte in the line: is this a text?");
		return STATUS_USAGE;
	}
	wrong = words_split(line, &words);
	if (wrong) {
		complain("%s", wrong);
		status = STATUS_USAGE;
	} else if (words.argc) {
		status = run_words(shell, words.argc, words.argv, origin);
	}
	words_free(&words);
	return status;
}

/* A line from the keyboard needs no number: the user has just typed it. */
static char *origin_of(const struct shell *shell)
{
	char *origin;

	if (shell->prompt)
		return strdup("");
	if (asprintf(&origin, "%s%lu: ", shell->name, shell->line) < 0)
		return NULL;
	return origin;
}

static enum status number_and_run(struct shell *shell, char *line,
				  size_t length)
{
	const char *before = complaint_prefix();
	char *origin = origin_of(shell), *prefix;
	enum status status;

	if (!origin || asprintf(&prefix, "%.*s", (int)strlen(origin) - 2,
				origin) < 0) {
		free(origin);
		complain("out of memory");
		return STATUS_FAILED;
	}
	complaint_set_prefix(shell->prompt ? "memallocctl" : prefix);
	status = run_line(shell, line, length, origin);
	complaint_set_prefix(before);
	free(prefix);
	free(origin);
	return status;
}

static bool next_line(struct shell *shell, char **line, size_t *size,
		      size_t *length)
{
	ssize_t got;

	if (shell->prompt)
		fputs("memalloc> ", stdout);
	fflush(stdout);
	errno = 0;
	got = getline(line, size, shell->input);
	if (got < 0 && (errno || ferror(shell->input))) {
		complain("cannot read on: %s", strerror(errno));
		shell->failed = true;
	}
	if (got < 0 && shell->prompt)
		putchar('\n');
	shell->line++;
	*length = (size_t)got;
	return got >= 0;
}

static void run_lines(struct shell *shell, bool stop)
{
	size_t size = 0, length;
	char *line = NULL;

	while (!shell->quit && next_line(shell, &line, &size, &length)) {
		if (number_and_run(shell, line, length) == STATUS_OK)
			continue;
		shell->failed = true;
		if (stop)
			break;
	}
	free(line);
}

static enum status run_input(struct session *session, FILE *input,
			     const char *name, bool stop)
{
	struct shell shell = {
		.session = session,
		.input = input,
		.name = name,
		.prompt = isatty(fileno(input)) && isatty(STDOUT_FILENO),
	};

	if (shell.prompt)
		puts("\"help\" lists the commands; \"quit\" ends.");
	session->in_shell = true;
	run_lines(&shell, stop);
	session->in_shell = false;
	return shell.failed ? STATUS_FAILED : STATUS_OK;
}

static enum status run_file(struct session *session, char *path, bool stop)
{
	FILE *input = fopen(path, "re");
	enum status status;
	char *name;

	if (!input) {
		complain("cannot read %s: %s", path, strerror(errno));
		return STATUS_FAILED;
	}
	if (asprintf(&name, "%s:", path) < 0) {
		complain("out of memory");
		fclose(input);
		return STATUS_FAILED;
	}
	status = run_input(session, input, name, stop);
	free(name);
	fclose(input);
	return status;
}

enum status cmd_shell(struct session *session, int argc, char **argv)
{
	struct options options = { 0 };
	enum args args = args_parse(&argp, argc, argv, 0, &options);

	if (args != ARGS_GOOD)
		return args_status(args);
	if (!session_open(session))
		return STATUS_FAILED;
	if (options.path)
		return run_file(session, options.path, options.stop);
	return run_input(session, stdin, "line ", options.stop);
}
