// SPDX-License-Identifier: GPL-2.0
/*
 * Completion of commands: in our own shell, and scripts for bash and zsh
 *
 * Commands come from the command table and options from the argp(3) tables. In
 * our shell, the name of an argument in those tables selects its completions:
 * CACHE, POOL and HANDLE stand for names of the session, SECTION for a section
 * of "stat".
 *
 * The command "completion" prints a script. "make" runs it when it has built
 * the program, so the scripts cannot be out of date.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "args.h"
#include "command.h"
#include "completion.h"
#include "statistics.h"

/* Completion of a line of our shell */

/**
 * struct request - one completion
 * @session: the session
 * @word: the word to complete
 * @before: the preceding word if it is an option, else NULL
 * @takes: argument of that option, or NULL
 * @candidates: result
 */
struct request {
	struct session *session;
	const char *word;
	const char *before;
	const char *takes;
	struct candidates *candidates;
};

static void offer(struct request *request, const char *word)
{
	struct candidates *candidates = request->candidates;
	char **list;

	if (strncmp(word, request->word, strlen(request->word)))
		return;
	list = reallocarray(candidates->list, candidates->count + 1,
			    sizeof(*list));
	if (!list)
		return;
	candidates->list = list;
	list[candidates->count] = strdup(word);
	if (list[candidates->count])
		candidates->count++;
}

static void offer_commands(struct request *request, const struct command *list)
{
	for (; list->name; list++)
		if (list->where & COMMAND_SHELL)
			offer(request, list->name);
}

static void offer_names(struct request *request)
{
	const struct named_handle **found;
	size_t count, i;

	found = names_match(&request->session->names, "*", &count);
	for (i = 0; found && i < count; i++)
		offer(request, found[i]->name);
	free(found);
}

/* Offer words for an argument, according to its name in the table. */
static void offer_argument(struct request *request, const char *name)
{
	const char *const *section;

	if (!name)
		return;
	if (strstr(name, "HANDLE") || strstr(name, "CACHE") ||
	    strstr(name, "POOL"))
		offer_names(request);
	if (strstr(name, "SECTION"))
		for (section = statistics_sections(); *section; section++)
			offer(request, *section);
}

static void offer_option(struct request *request,
			 const struct argp_option *option)
{
	char *text;

	if (!option->name || asprintf(&text, "--%s", option->name) < 0)
		return;
	offer(request, text);
	free(text);
}

/* Return: true if the preceding word is this option. */
static bool is_before(const struct request *request,
		      const struct argp_option *option)
{
	const char *before = request->before;

	if (!before || !option->arg || option->flags & OPTION_ARG_OPTIONAL)
		return false;
	if (before[1] == '-')
		return option->name && !strcmp(before + 2, option->name);
	return option->key == before[1] && !before[2];
}

static void find_option_before(const struct argp_option *option, void *data)
{
	struct request *request = data;

	if (is_before(request, option))
		request->takes = option->arg;
}

static void visit_option(const struct argp_option *option, void *data)
{
	offer_option(data, option);
}

static void visit_table(const struct argp *argp, void *data)
{
	struct request *request = data;

	args_for_each_option(argp, find_option_before, request);
	if (request->takes)
		offer_argument(request, request->takes);
	else if (request->word[0] == '-')
		args_for_each_option(argp, visit_option, request);
	else
		offer_argument(request, argp->args_doc);
}

/* Complete a line without a leading "NAME = ". */
static void complete_words(struct request *request, int argc, char **argv)
{
	const struct command *command;

	if (!argc) {
		offer_commands(request, commands);
		offer(request, "help");
		offer(request, "quit");
		return;
	}
	if (!strcmp(argv[0], "help") && argc == 1)
		offer_commands(request, commands);
	command = command_find(commands, argv[0]);
	if (command && command->subcommands) {
		if (argc == 1) {
			offer_commands(request, command->subcommands->list);
			return;
		}
		command = command_find(command->subcommands->list, argv[1]);
	}
	if (command)
		args_visit(request->session, command, visit_table, request);
}

static int compare(const void *a, const void *b)
{
	return strverscmp(*(char *const *)a, *(char *const *)b);
}

static void sort(struct candidates *candidates)
{
	size_t i, kept = 0;

	if (!candidates->count)
		return;
	qsort(candidates->list, candidates->count, sizeof(*candidates->list),
	      compare);
	for (i = 1; i < candidates->count; i++) {
		if (!strcmp(candidates->list[i], candidates->list[kept]))
			free(candidates->list[i]);
		else
			candidates->list[++kept] = candidates->list[i];
	}
	candidates->count = kept + 1;
}

static void complete_line(struct request *request, const struct words *words)
{
	int argc = words->argc;
	char **argv = words->argv;

	if (argc > 1 && !strcmp(argv[1], "=")) {
		argv += 2;
		argc -= 2;
	}
	if (argc && argv[argc - 1][0] == '-')
		request->before = argv[argc - 1];
	complete_words(request, argc, argv);
	sort(request->candidates);
}

size_t complete(struct session *session, const char *line,
		struct candidates *candidates)
{
	const char *word = strrchr(line, ' ');
	struct request request = {
		.session = session,
		.word = word ? word + 1 : line,
		.candidates = candidates,
	};
	char *head = strndup(line, (size_t)(request.word - line));
	struct words words = { 0 };

	candidates->list = NULL;
	candidates->count = 0;
	if (head && !words_split(head, &words))
		complete_line(&request, &words);
	words_free(&words);
	free(head);
	return strlen(request.word);
}

void candidates_free(struct candidates *candidates)
{
	while (candidates->count)
		free(candidates->list[--candidates->count]);
	free(candidates->list);
	candidates->list = NULL;
}

/* The command "completion" */

/**
 * struct shell_kind - a supported shell
 * @name: name of the shell
 * @print: prints the script
 */
struct shell_kind {
	const char *name;
	void (*print)(struct session *session);
};

typedef void option_printer(const struct argp_option *option, void *data);

static void print_sections(void)
{
	const char *const *name = statistics_sections();

	for (; *name; name++)
		printf(" %s", *name);
}

static void print_options(const struct argp *argp, void *data)
{
	args_for_each_option(argp, (option_printer *)data, NULL);
}

/* The script for bash */

static void bash_option(const struct argp_option *option, void *data)
{
	(void)data;
	if (option->name)
		printf(" --%s%s", option->name,
		       option->arg && !(option->flags & OPTION_ARG_OPTIONAL) ?
		       "=" : "");
}

static void bash_words(const struct command *list)
{
	for (; list->name; list++)
		if (list->where & COMMAND_ALONE)
			printf(" %s", list->name);
}

static void bash_command(struct session *session, const char *parent,
			 const struct command *command)
{
	printf("\t'%s%s%s') words='", parent, *parent ? " " : "", command->name);
	if (command->subcommands)
		bash_words(command->subcommands->list);
	else
		args_visit(session, command, print_options, bash_option);
	if (!strcmp(command->name, "stat"))
		print_sections();
	if (!strcmp(command->name, "completion"))
		printf(" bash zsh");
	puts(" --help --usage' ;;");
}

static void bash_commands(struct session *session, const char *parent,
			  const struct command *list)
{
	for (; list->name; list++) {
		if (!(list->where & COMMAND_ALONE))
			continue;
		bash_command(session, parent, list);
		if (list->subcommands)
			bash_commands(session, list->name,
				      list->subcommands->list);
	}
}

/* Skip the argument of an option: it is not a command. */
static void bash_skip(const struct argp_option *option, void *data)
{
	(void)data;
	if (!option->name || !option->arg || option->flags & OPTION_ARG_OPTIONAL)
		return;
	fputs("\t\t", stdout);
	if (option->key < 0x100)
		printf("-%c | ", option->key);
	printf("--%s) ((++i)) ;;\n", option->name);
}

/* A command that has subcommands is followed by one. */
static void bash_subcommands(void)
{
	const struct command *command;

	for (command = commands; command->name; command++)
		if (command->subcommands)
			printf("\t\t   [[ $command != %s ]] || continue\n",
			       command->name);
}

static void bash_print(struct session *session)
{
	puts("# bash completion for memallocctl, made by \"memallocctl "
	     "completion bash\"\n"
	     "_memallocctl()\n"
	     "{\n"
	     "\tlocal current=${COMP_WORDS[COMP_CWORD]} command= words= i\n"
	     "\n"
	     "\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
	     "\t\tcase ${COMP_WORDS[i]} in");
	args_for_each_option(main_argp(), bash_skip, NULL);
	puts("\t\t-* | =) ;;\n"
	     "\t\t*) command+=${command:+ }${COMP_WORDS[i]}");
	bash_subcommands();
	puts("\t\t   break ;;\n"
	     "\t\tesac\n"
	     "\tdone\n"
	     "\tcase $command in");
	printf("\t'') words='");
	bash_words(commands);
	args_for_each_option(main_argp(), bash_option, NULL);
	puts(" --help --usage' ;;");
	bash_commands(session, "", commands);
	puts("\tesac\n"
	     "\tmapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$current\")\n"
	     "\t[[ ${#COMPREPLY[@]} -ne 1 || ${COMPREPLY[0]} != *= ]] || "
	     "compopt -o nospace 2>/dev/null\n"
	     "}\n"
	     "complete -o bashdefault -o default -F _memallocctl memallocctl");
}

/* The script for zsh */

/* Print text for single quotes and brackets. */
static void zsh_text(const char *text)
{
	for (; text && *text; text++) {
		if (*text == '\'')
			printf("'\\''");
		else if (strchr("[]\\:", *text))
			printf("\\%c", *text);
		else
			putchar(*text);
	}
}

static void zsh_option(const struct argp_option *option, void *data)
{
	(void)data;
	if (!option->name)
		return;
	printf(" \\\n\t\t\t'--%s%s[", option->name, !option->arg ? "" :
	       option->flags & OPTION_ARG_OPTIONAL ? "=-" : "=");
	zsh_text(option->doc);
	putchar(']');
	if (option->arg) {
		putchar(':');
		if (option->flags & OPTION_ARG_OPTIONAL)
			putchar(':');
		zsh_text(option->arg);
		printf(":%s", strstr(option->arg, "PATH") ||
		       strstr(option->arg, "FILE") ? "_files" : "");
	}
	putchar('\'');
}

static void zsh_list(const struct command *list)
{
	for (; list->name; list++) {
		if (!(list->where & COMMAND_ALONE))
			continue;
		printf("\t\t'%s:", list->name);
		zsh_text(list->summary);
		puts("'");
	}
}

static void zsh_arguments(struct session *session, const struct command *command)
{
	printf("\t\t_arguments '--help[give a help list]' "
	       "'--usage[give a short usage message]'");
	args_visit(session, command, print_options, zsh_option);
	if (!strcmp(command->name, "stat")) {
		printf(" \\\n\t\t\t'*:section:(");
		print_sections();
		printf(")'");
	} else if (!strcmp(command->name, "completion")) {
		printf(" \\\n\t\t\t'1:shell:(bash zsh)'");
	} else if (!strcmp(command->name, "shell")) {
		printf(" \\\n\t\t\t'1:file:_files'");
	}
	puts("\n\t\t;;");
}

static void zsh_functions(struct session *session, const char *name,
			  const struct command *list)
{
	const struct command *command;

	for (command = list; command->name; command++)
		if (command->subcommands && command->where & COMMAND_ALONE)
			zsh_functions(session, command->name,
				      command->subcommands->list);
	printf("_memallocctl%s%s()\n{\n\tlocal -a commands=(\n", *name ? "_" : "",
	       name);
	zsh_list(list);
	printf("\t)\n\n\t_arguments -C");
	if (!*name)
		args_for_each_option(main_argp(), zsh_option, NULL);
	puts(" \\\n\t\t'--help[give a help list]' '1: :->command' "
	     "'*:: :->arguments'\n"
	     "\tcase $state in\n"
	     "\tcommand) _describe command commands ;;\n"
	     "\targuments)\n"
	     "\t\tcase $words[1] in");
	for (command = list; command->name; command++) {
		if (!(command->where & COMMAND_ALONE))
			continue;
		printf("\t\t%s)\n", command->name);
		if (command->subcommands)
			printf("\t\t_memallocctl_%s\n\t\t;;\n", command->name);
		else
			zsh_arguments(session, command);
	}
	puts("\t\tesac\n\t\t;;\n\tesac\n}\n");
}

static void zsh_print(struct session *session)
{
	puts("#compdef memallocctl\n"
	     "# zsh completion for memallocctl, made by \"memallocctl completion "
	     "zsh\"\n");
	zsh_functions(session, "", commands);
	puts("_memallocctl \"$@\"");
}

/* Choice of the shell */

static const struct shell_kind shells[] = {
	{ "bash", bash_print },
	{ "zsh", zsh_print },
	{ NULL, NULL }
};

static error_t parse_shell(int key, char *arg, struct argp_state *state)
{
	const struct shell_kind **chosen = state->input;
	const struct shell_kind *shell;

	switch (key) {
	case ARGP_KEY_ARG:
		if (*chosen)
			return args_error("unexpected argument '%s'", arg);
		for (shell = shells; shell->name; shell++)
			if (!strcmp(shell->name, arg))
				*chosen = shell;
		return *chosen ? 0 : args_error("unknown shell '%s'; use bash "
						"or zsh", arg);
	case ARGP_KEY_NO_ARGS:
		return args_error("missing SHELL; use bash or zsh");
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp argp = {
	NULL, parse_shell, "SHELL",
	"Print a script for bash or zsh that completes the arguments of "
	"memallocctl."
	"\v"
	"To try it in bash:\n"
	"\n"
	"    . <(memallocctl completion bash)",
	0, 0, 0
};

enum status cmd_completion(struct session *session, int argc, char **argv)
{
	const struct shell_kind *shell = NULL;
	enum args args = args_parse(&argp, argc, argv, 0, &shell);

	if (args != ARGS_GOOD)
		return args_status(args);
	shell->print(session);
	return STATUS_OK;
}
