// SPDX-License-Identifier: GPL-2.0
/*
 * Table of commands, and how one is run
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "errors.h"

#define BOTH (COMMAND_ALONE | COMMAND_SHELL)

const struct command commands[] = {
	{ "demo", "demonstrate and check all features", COMMAND_ALONE, cmd_demo, NULL },
	{ "doctor", "look for problems with the installation",
	  COMMAND_ALONE, cmd_doctor, NULL },
	{ "shell", "read commands from a file, a pipe or the keyboard",
	  COMMAND_ALONE, cmd_shell, NULL },
	{ "stat", "print statistics as tables or as JSON", BOTH, cmd_stat, NULL },
	{ "leaks", "list live objects by allocation site",
	  BOTH, cmd_leaks, NULL },
	{ "validate", "check the allocator's structures", BOTH,
	  cmd_validate, NULL },
	{ "shrink", "return free pages to the host", BOTH, cmd_shrink, NULL },
	{ "alloc", "allocate memory", BOTH, cmd_alloc, NULL },
	{ "cache", "create, destroy and show slab caches", BOTH,
	  NULL, &cache_subcommands },
	{ "mempool", "create, destroy and show mempools", BOTH,
	  NULL, &mempool_subcommands },
	{ "free", "free allocations", COMMAND_SHELL, cmd_free, NULL },
	{ "list", "list allocations", COMMAND_SHELL, cmd_list, NULL },
	{ "info", "show properties of an allocation", COMMAND_SHELL, cmd_info, NULL },
	{ "read", "print an allocation", COMMAND_SHELL, cmd_read, NULL },
	{ "write", "write to an allocation", COMMAND_SHELL, cmd_write, NULL },
	{ "fill", "fill an allocation with a pattern", COMMAND_SHELL,
	  cmd_fill, NULL },
	{ "verify", "check an allocation for a pattern", COMMAND_SHELL,
	  cmd_verify, NULL },
	{ "resize", "change the size of kmalloc memory or a mempool",
	  COMMAND_SHELL, cmd_resize, NULL },
	{ "map", "map an allocation, access it, and unmap it", COMMAND_SHELL,
	  cmd_map, NULL },
	{ "inject", "make the nth next step that takes memory fail", COMMAND_SHELL,
	  cmd_inject, NULL },
	{ "completion", "print the completion script for bash or zsh",
	  COMMAND_ALONE, cmd_completion, NULL },
	{ 0 }
};

const struct command *command_find(const struct command *list, const char *name)
{
	for (; list->name; list++)
		if (!strcmp(list->name, name))
			return list;
	return NULL;
}

static bool is_help_option(const char *arg)
{
	return !strcmp(arg, "--help") || !strcmp(arg, "-?") ||
	       !strcmp(arg, "--usage");
}

static bool asks_for_help(int argc, char **argv)
{
	int i;

	for (i = 1; i < argc; i++)
		if (is_help_option(argv[i]))
			return true;
	return false;
}

/*
 * Is the command available in or outside the shell? Complains if it is not.
 * Help is available in both.
 */
static bool is_available(const struct session *session,
			 const struct command *command, int argc, char **argv)
{
	if (asks_for_help(argc, argv))
		return true;
	if (session->in_shell && !(command->where & COMMAND_SHELL)) {
		complain("not available in the shell");
		advise("Run \"memallocctl %s\" outside the shell.", command->name);
		return false;
	}
	if (!session->in_shell && !(command->where & COMMAND_ALONE)) {
		complain("available in the shell only, as a handle does not "
			 "outlive the process that allocated it");
		advise("Use \"%s\" in \"memallocctl shell\", where several "
		       "commands share one process.", command->name);
		return false;
	}
	return true;
}

static enum status print_subcommands(const struct subcommands *subcommands,
				     const char *name)
{
	const struct command *sub;

	printf("Usage: %s COMMAND [ARGUMENT...]\n%s\n\n", name,
	       subcommands->title);
	for (sub = subcommands->list; sub->name; sub++)
		printf("  %-10s %s\n", sub->name, sub->summary);
	printf("\nRun \"%s COMMAND --help\" for details. %s\n", name,
	       subcommands->hint);
	return STATUS_OK;
}

static enum status run_subcommand(struct session *session,
				  const struct command *sub, int argc,
				  char **argv, const char *name)
{
	char full_name[96];

	if (!is_available(session, sub, argc, argv))
		return STATUS_USAGE;
	snprintf(full_name, sizeof(full_name), "%s %s", name, sub->name);
	argv[0] = full_name;
	return sub->run(session, argc, argv);
}

/* Format the names as "create, list". */
static void name_all(const struct subcommands *subcommands, char *text,
		     size_t size)
{
	const struct command *sub;
	size_t used = 0;

	*text = '\0';
	for (sub = subcommands->list; sub->name && used < size; sub++)
		used += (size_t)snprintf(text + used, size - used, "%s%s",
					 used ? ", " : "", sub->name);
}

static enum status find_subcommand(struct session *session,
				   const struct subcommands *subcommands,
				   int argc, char **argv)
{
	const struct command *sub;
	char all[96];

	if (argc > 1 && is_help_option(argv[1]))
		return print_subcommands(subcommands, argv[0]);
	sub = argc > 1 ? command_find(subcommands->list, argv[1]) : NULL;
	if (sub)
		return run_subcommand(session, sub, argc - 1, argv + 1, argv[0]);
	name_all(subcommands, all, sizeof(all));
	if (argc > 1)
		complain("unknown subcommand '%s'; choose one of: %s", argv[1], all);
	else
		complain("missing subcommand; choose one of: %s", all);
	advise("Try \"%s --help\".", argv[0]);
	return STATUS_USAGE;
}

static enum status run(struct session *session, const struct command *command,
		       int argc, char **argv)
{
	char full_name[64];

	if (!is_available(session, command, argc, argv))
		return STATUS_USAGE;
	snprintf(full_name, sizeof(full_name), "%s%s",
		 session->in_shell ? "" : "memallocctl ", command->name);
	argv[0] = full_name;
	if (command->subcommands)
		return find_subcommand(session, command->subcommands, argc, argv);
	return command->run(session, argc, argv);
}

enum status command_run(struct session *session, int argc, char **argv,
			const char *origin)
{
	const struct command *command = command_find(commands, argv[0]);
	const char *before = complaint_prefix();
	enum status status;
	char *prefix;

	if (!command) {
		complain("unknown command '%s'", argv[0]);
		advise(session->in_shell ? "\"help\" lists the commands." :
		       "\"memallocctl --help\" lists the commands.");
		return STATUS_USAGE;
	}
	if (asprintf(&prefix, "%s%s", origin, command->name) < 0) {
		complain("out of memory");
		return STATUS_FAILED;
	}
	complaint_set_prefix(prefix);
	status = run(session, command, argc, argv);
	complaint_set_prefix(before);
	free(prefix);
	return status;
}
