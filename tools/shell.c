// SPDX-License-Identifier: GPL-2.0
/*
 * The command "shell": read commands from a file, a pipe or the keyboard
 *
 * All commands share one open file of the device, so that each can use the
 * handles of those before it.
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

#include "args.h"
#include "command.h"
#include "editor.h"
#include "errors.h"

/**
 * struct options - options of the command
 * @path: file with commands, or NULL for standard input
 * @stop: stop after the first failure
 */
struct options {
	char *path;
	bool stop;
};

/**
 * struct shell - state of the shell
 * @session: the session
 * @input: source of lines, unless @editor is set
 * @editor: reads lines from the keyboard; or NULL
 * @name: prefix for line numbers, e.g. "script:" or "line "
 * @line: current line number
 * @quit: "quit" was given
 * @failed: a command failed
 */
struct shell {
	struct session *session;
	FILE *input;
	struct editor *editor;
	const char *name;
	unsigned long line;
	bool quit;
	bool failed;
};

static const struct argp_option option_list[] = {
	{ "stop-on-error", 'e', NULL, 0, "Stop after a command that fails", 0 },
	{ 0 }
};

static const char doc[] =
	"Read commands from FILE or standard input, one per line. Allocations "
	"stay until they are freed or the shell ends."
	"\v"
	"The commands are those of memallocctl, and:\n"
	"\n"
	"    NAME = alloc ...    name the allocation; the default is $1, $2 ...\n"
	"    help [COMMAND]      list the commands, or show help for one\n"
	"    quit                end the shell (as does the end of the input)\n"
	"\n"
	"Quotes and backslashes protect blanks; # begins a comment. On a "
	"terminal the tab key completes a word, the arrow keys edit the line and "
	"recall previous lines, and Ctrl-C ends a command but not the shell. The "
	"exit status is 1 if any command failed.";

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct options *options = state->input;

	switch (key) {
	case 'e':
		options->stop = true;
		return 0;
	case ARGP_KEY_ARG:
		if (options->path)
			return args_error("unexpected argument '%s'",
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
	puts("  help       list the commands, or show help for one\n"
	     "  quit       end the shell\n"
	     "\n"
	     "\"NAME = alloc ...\" names the allocation; the default is $1, "
	     "$2 ...\n"
	     "\"COMMAND --help\" lists the options of a command.");
}

static enum status help(struct shell *shell, int argc, char **argv,
			const char *origin)
{
	static char option[] = "--help";
	char *words[] = { argv[1], option, NULL };

	if (argc > 2) {
		complain("help: give one command only");
		return STATUS_USAGE;
	}
	if (argc == 2)
		return command_run(shell->session, 2, words, origin);
	list_commands();
	return STATUS_OK;
}

/* Run "NAME = alloc ..."; the first two words are removed. */
static enum status run_named(struct shell *shell, const char *name, int argc,
			     char **argv, const char *origin)
{
	enum status status;

	if (!names_valid(name)) {
		complain("'%s' is not a valid name", name);
		advise("Use letters, digits, '_', '.' and '-', beginning with a "
		       "letter or '_'.");
		return STATUS_USAGE;
	}
	if (!argc || (strcmp(argv[0], "alloc") && strcmp(argv[0], "cache") &&
		      strcmp(argv[0], "mempool"))) {
		complain("a name can be given to \"alloc\", \"cache create\" and "
			 "\"mempool create\" only");
		return STATUS_USAGE;
	}
	shell->session->new_name = name;
	status = command_run(shell->session, argc, argv, origin);
	shell->session->new_name = NULL;
	return status;
}

/* "c=alloc": the user wanted "c = alloc". */
static bool lacks_blanks(const char *word)
{
	const char *equals = strchr(word, '=');

	if (!equals)
		return false;
	complain("'%s' is one word: put blanks around '='", word);
	advise("Write \"%.*s = %s ...\".", (int)(equals - word), word,
	       equals[1] ? equals + 1 : "alloc");
	return true;
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
	if (lacks_blanks(argv[0]) ||
	    (argc > 1 && argv[1][0] == '=' && lacks_blanks(argv[1])))
		return STATUS_USAGE;
	return command_run(shell->session, argc, argv, origin);
}

static enum status run_line(struct shell *shell, char *line, size_t length,
			    const char *origin)
{
	enum status status = STATUS_OK;
	const char *wrong;
	struct words words;

	if (strlen(line) != length) {
		complain("the line contains a zero byte: is the input a text file?");
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

/* A line from the keyboard needs no number. */
static char *origin_of(const struct shell *shell)
{
	char *origin;

	if (shell->editor)
		return strdup("");
	if (asprintf(&origin, "%s%lu: ", shell->name, shell->line) < 0)
		return NULL;
	return origin;
}

static enum status run_numbered_line(struct shell *shell, char *line,
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
	complaint_set_prefix(shell->editor ? "memallocctl" : prefix);
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

	fflush(stdout);
	errno = 0;
	got = getline(line, size, shell->input);
	if (got < 0 && (errno || ferror(shell->input))) {
		complain("cannot read the input: %s", strerror(errno));
		shell->failed = true;
	}
	shell->line++;
	*length = (size_t)got;
	return got >= 0;
}

static void run_lines(struct shell *shell, bool stop)
{
	size_t size = 0, length;
	char *line = NULL;

	while (!shell->quit && next_line(shell, &line, &size, &length)) {
		if (run_numbered_line(shell, line, length) == STATUS_OK)
			continue;
		shell->failed = true;
		if (stop)
			break;
	}
	free(line);
}

/* Ctrl-C ends the current command; allocations stay. */
static void run_typed_lines(struct shell *shell, bool stop)
{
	size_t length;
	char *line;

	while (!shell->quit) {
		line = editor_line(shell->editor, &length);
		if (!line) {
			putchar('\n');
			break;
		}
		if (run_numbered_line(shell, line, length) == STATUS_OK)
			continue;
		shell->failed = true;
		if (stop)
			break;
	}
}

static enum status run_input(struct session *session, FILE *input,
			     const char *name, bool stop)
{
	struct shell shell = {
		.session = session,
		.input = input,
		.name = name,
	};

	if (input == stdin && isatty(STDIN_FILENO) && isatty(STDOUT_FILENO)) {
		shell.editor = editor_create(session);
		if (!shell.editor)
			return STATUS_FAILED;
		puts("Type \"help\" for a list of commands, \"quit\" to end; the "
		     "tab key completes a word.");
	}
	session->in_shell = true;
	if (shell.editor)
		run_typed_lines(&shell, stop);
	else
		run_lines(&shell, stop);
	session->in_shell = false;
	editor_destroy(shell.editor);
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
