// SPDX-License-Identifier: GPL-2.0
/*
 * A command with commands of its own
 */
#include <stdio.h>
#include <string.h>

#include "complaint.h"
#include "explain.h"
#include "subcommand.h"

static enum status help(const struct subcommands *subcommands, const char *name)
{
	const struct command *sub;

	printf("Usage: %s COMMAND [ARGUMENT...]\n%s\n\n", name,
	       subcommands->title);
	for (sub = subcommands->list; sub->name; sub++)
		printf("  %-10s %s\n", sub->name, sub->summary);
	printf("\n\"%s COMMAND --help\" says more. %s\n", name,
	       subcommands->hint);
	return STATUS_OK;
}

static enum status run(struct session *session, const struct command *sub,
		       int argc, char **argv, const char *name)
{
	char full_name[96];

	if (!command_belongs_here(session, sub, argc, argv))
		return STATUS_USAGE;
	snprintf(full_name, sizeof(full_name), "%s %s", name, sub->name);
	argv[0] = full_name;
	return sub->run(session, argc, argv);
}

/* "there are create, list" */
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

enum status subcommand_run(struct session *session,
			   const struct subcommands *subcommands, int argc,
			   char **argv)
{
	const struct command *sub;
	char all[96];

	if (argc > 1 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-?") ||
			 !strcmp(argv[1], "--usage")))
		return help(subcommands, argv[0]);
	for (sub = subcommands->list; argc > 1 && sub->name; sub++)
		if (!strcmp(sub->name, argv[1]))
			return run(session, sub, argc - 1, argv + 1, argv[0]);
	name_all(subcommands, all, sizeof(all));
	if (argc > 1)
		complain("there is no '%s' here; there are: %s", argv[1], all);
	else
		complain("what shall be done? There are: %s", all);
	advise("Try \"%s --help\".", argv[0]);
	return STATUS_USAGE;
}

/**
 * struct named - the arguments of subcommand_for_each()
 * @subject: what they name
 * @list: each of them
 * @count: how many
 */
struct named {
	const struct subject *subject;
	char **list;
	size_t count;
};

static error_t parse_words(int key, char *arg, struct argp_state *state)
{
	struct named *named = state->input;

	(void)arg;
	switch (key) {
	case ARGP_KEY_ARGS:
		named->list = state->argv + state->next;
		named->count = (size_t)(state->argc - state->next);
		return 0;
	case ARGP_KEY_NO_ARGS:
		return args_error("%s", named->subject->which);
	}
	return ARGP_ERR_UNKNOWN;
}

enum status subcommand_for_each(struct session *session, int argc, char **argv,
				const struct subject *subject,
				bool (*one)(struct session *session,
					    const struct reference *reference))
{
	const struct argp argp = {
		NULL, parse_words, subject->words, subject->argp_doc, 0, 0, 0
	};
	struct named named = { .subject = subject };
	enum args args = args_parse(&argp, argc, argv, 0, &named);
	struct references references;
	bool good = true;
	size_t i;

	if (args != ARGS_GOOD)
		return args_status(args);
	if (!session_open(session) ||
	    !references_find(session, named.list, named.count, &references))
		return STATUS_FAILED;
	for (i = 0; i < references.count; i++)
		good = one(session, &references.list[i]) && good;
	references_free(&references);
	return good ? STATUS_OK : STATUS_FAILED;
}

static const struct argp_option list_options[] = {
	{ "json", 'j', NULL, 0, "For programs: JSON, all fields, on one line", 0 },
	{ 0 }
};

static error_t parse_list(int key, char *arg, struct argp_state *state)
{
	bool *json = state->input;

	switch (key) {
	case 'j':
		*json = true;
		return 0;
	case ARGP_KEY_ARG:
		return args_error("'%s' is one word too many", arg);
	}
	return ARGP_ERR_UNKNOWN;
}

static bool print_json(struct json_object *array)
{
	const char *text = NULL;

	if (array)
		text = json_object_to_json_string_ext(array,
						      JSON_C_TO_STRING_PLAIN);
	if (text)
		puts(text);
	else
		complain("out of memory");
	json_object_put(array);
	return text;
}

enum status subcommand_list(struct session *session, int argc, char **argv,
			    const struct listing *listing)
{
	const struct argp argp = {
		list_options, parse_list, NULL, listing->argp_doc, 0, 0, 0
	};
	struct statistics statistics;
	bool json = false, good;
	enum args args = args_parse(&argp, argc, argv, 0, &json);
	int err;

	if (args != ARGS_GOOD)
		return args_status(args);
	if (!session_open(session))
		return STATUS_FAILED;
	err = statistics_read(&session->device, &statistics);
	if (err) {
		explain_command(session, "read the statistics", err);
		return STATUS_FAILED;
	}
	good = json ? print_json(listing->json(&statistics)) :
		      listing->print(&statistics);
	statistics_free(&statistics);
	return good ? STATUS_OK : STATUS_FAILED;
}
