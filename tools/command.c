// SPDX-License-Identifier: GPL-2.0
/*
 * The table of commands
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "command.h"
#include "complaint.h"

#define BOTH (COMMAND_ALONE | COMMAND_SHELL)

const struct command commands[] = {
	{ "demo", "show that all of it works", COMMAND_ALONE, cmd_demo },
	{ "shell", "take commands from a file, a pipe or the keyboard",
	  COMMAND_ALONE, cmd_shell },
	{ "stat", "show statistics, as tables or as JSON", BOTH, cmd_stat },
	{ "leaks", "show who has objects, by the place that allocated them",
	  BOTH, cmd_leaks },
	{ "validate", "check the allocator's own structures", BOTH,
	  cmd_validate },
	{ "shrink", "give free pages back to the host", BOTH, cmd_shrink },
	{ "alloc", "allocate", BOTH, cmd_alloc },
	{ "cache", "create and destroy slab caches, and show them", BOTH,
	  cmd_cache },
	{ "mempool", "create and destroy mempools, and show them", BOTH,
	  cmd_mempool },
	{ "free", "free allocations", COMMAND_SHELL, cmd_free },
	{ "list", "list the allocations there are", COMMAND_SHELL, cmd_list },
	{ "info", "show where an allocation lies", COMMAND_SHELL, cmd_info },
	{ "read", "read an allocation", COMMAND_SHELL, cmd_read },
	{ "write", "write to an allocation", COMMAND_SHELL, cmd_write },
	{ "fill", "fill an allocation with a pattern", COMMAND_SHELL,
	  cmd_fill },
	{ "verify", "look whether the pattern is still there", COMMAND_SHELL,
	  cmd_verify },
	{ "resize", "change the size of kmalloc, or of a mempool",
	  COMMAND_SHELL, cmd_resize },
	{ "map", "map an allocation, touch it, and unmap it", COMMAND_SHELL,
	  cmd_map },
	{ "inject", "make the nth next allocation fail", COMMAND_SHELL,
	  cmd_inject },
	{ 0 }
};

const struct command *command_find(const char *name)
{
	const struct command *command;

	for (command = commands; command->name; command++)
		if (!strcmp(command->name, name))
			return command;
	return NULL;
}

static bool asks_for_help(int argc, char **argv)
{
	int i;

	for (i = 1; i < argc; i++)
		if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-?") ||
		    !strcmp(argv[i], "--usage"))
			return true;
	return false;
}

bool command_belongs_here(const struct session *session,
			  const struct command *command, int argc, char **argv)
{
	if (asks_for_help(argc, argv))
		return true;
	if (session->in_shell && !(command->where & COMMAND_SHELL)) {
		complain("this is not a command of the shell");
		advise("Run \"memallocctl %s\" outside of it.", command->name);
		return false;
	}
	if (!session->in_shell && !(command->where & COMMAND_ALONE)) {
		complain("a handle belongs to the process that allocated it "
			 "and is gone when that process ends, so there is "
			 "nothing here that it could work on");
		advise("Use \"%s\" in \"memallocctl shell\", where several "
		       "commands share one process.", command->name);
		return false;
	}
	return true;
}

static enum status run_known(struct session *session,
			     const struct command *command, int argc,
			     char **argv)
{
	char full_name[64];

	if (!command_belongs_here(session, command, argc, argv))
		return STATUS_USAGE;
	snprintf(full_name, sizeof(full_name), "%s%s",
		 session->in_shell ? "" : "memallocctl ", command->name);
	argv[0] = full_name;
	return command->run(session, argc, argv);
}

enum status command_run(struct session *session, int argc, char **argv,
			const char *origin)
{
	const struct command *command = command_find(argv[0]);
	const char *before = complaint_prefix();
	enum status status;
	char *prefix;

	if (!command) {
		complain("there is no command '%s'", argv[0]);
		advise(session->in_shell ? "\"help\" lists those there are." :
		       "\"memallocctl --help\" lists those there are.");
		return STATUS_USAGE;
	}
	if (asprintf(&prefix, "%s%s", origin, command->name) < 0) {
		complain("out of memory");
		return STATUS_FAILED;
	}
	complaint_set_prefix(prefix);
	status = run_known(session, command, argc, argv);
	complaint_set_prefix(before);
	free(prefix);
	return status;
}
