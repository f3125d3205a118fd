// SPDX-License-Identifier: GPL-2.0
/*
 * The command "leaks": list live objects and pages by allocation site
 *
 * It parses the section "leaks" of /proc/memalloc, which exists if a cache
 * tracks its users:
 *
 *	# cache            objects      bytes   oldest site kmalloc-64
 *	3        180       12 thing_open+0x12/0x40 [thing]
 */
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "args.h"
#include "command.h"
#include "errors.h"
#include "table.h"

#define PROC_PATH "/proc/memalloc"

/**
 * struct options - options of the command
 * @json: print JSON
 * @older: print only sites with an object older than @seconds
 * @seconds: minimum age
 */
struct options {
	bool json;
	bool older;
	uint64_t seconds;
};

/**
 * struct leak - one line of the section
 * @cache: name of the cache, or "(pages)"
 * @objects: number of objects
 * @bytes: their size in bytes
 * @oldest: age of the oldest object in seconds
 * @aged: @oldest is known
 * @site: allocation site
 */
struct leak {
	char cache[64];
	unsigned long long objects;
	unsigned long long bytes;
	unsigned long long oldest;
	bool aged;
	char site[256];
};

/**
 * struct output - destination of the lines
 * @table: used unless JSON is wanted
 * @array: used for JSON
 */
struct output {
	struct table table;
	struct json_object *array;
};

static const struct argp_option option_list[] = {
	{ "json", 'j', NULL, 0, "Print JSON, on one line", 0 },
	{ "older-than", 'o', "SECONDS", 0,
	  "Print only sites with an object older than SECONDS; omits pages, as "
	  "their age is unknown", 0 },
	{ 0 }
};

static const char doc[] =
	"List live objects and pages by allocation site."
	"\v"
	"Only caches that track their users are listed: load the module with "
	"slab_debug=U, or write U to /sys/module/memalloc/parameters/slab_debug "
	"before creating a cache.";

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct options *options = state->input;

	switch (key) {
	case 'j':
		options->json = true;
		return 0;
	case 'o':
		options->older = true;
		return args_number("--older-than", arg, UINT32_MAX,
				   &options->seconds);
	case ARGP_KEY_ARG:
		return args_error("unexpected argument '%s'", arg);
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp argp = { option_list, parse, NULL, doc, 0, 0, 0 };

static bool read_leak(const char *line, struct leak *leak)
{
	char oldest[32];

	if (sscanf(line, "%63s %llu %llu %31s %255[^\n]", leak->cache,
		   &leak->objects, &leak->bytes, oldest, leak->site) != 5)
		return false;
	leak->aged = strcmp(oldest, "-");
	leak->oldest = leak->aged ? strtoull(oldest, NULL, 10) : 0;
	return true;
}

static bool is_wanted(const struct leak *leak, const struct options *options)
{
	return !options->older ||
	       (leak->aged && leak->oldest > options->seconds);
}

static bool add_json(struct json_object *array, const struct leak *leak)
{
	struct json_object *object = json_object_new_object();

	if (!object)
		return false;
	json_object_object_add(object, "cache",
			       json_object_new_string(leak->cache));
	json_object_object_add(object, "objects",
			       json_object_new_uint64(leak->objects));
	json_object_object_add(object, "bytes",
			       json_object_new_uint64(leak->bytes));
	json_object_object_add(object, "oldest_seconds", leak->aged ?
			       json_object_new_uint64(leak->oldest) : NULL);
	json_object_object_add(object, "site",
			       json_object_new_string(leak->site));
	return !json_object_array_add(array, object);
}

static void add_line(struct table *table, const struct leak *leak)
{
	table_line(table);
	table_cell(table, "%s", leak->cache);
	table_cell(table, "%llu", leak->objects);
	table_cell(table, "%llu", leak->bytes);
	if (leak->aged)
		table_cell(table, "%llu s", leak->oldest);
	else
		table_cell(table, "-");
	table_cell(table, "%s", leak->site);
}

/* Add the wanted lines to @output. Return: false if there is no section. */
static bool read_section(FILE *file, const struct options *options,
			 struct output *output)
{
	bool inside = false, seen = false;
	struct leak leak;
	char line[512];

	while (fgets(line, sizeof(line), file)) {
		if (*line == '[') {
			inside = !strcmp(line, "[leaks]\n");
			seen |= inside;
		} else if (inside && *line != '#' && read_leak(line, &leak) &&
			   is_wanted(&leak, options)) {
			if (output->array)
				add_json(output->array, &leak);
			else
				add_line(&output->table, &leak);
		}
	}
	return seen;
}

static void begin(struct output *output, const struct session *session,
		  const struct options *options)
{
	output->array = options->json ? json_object_new_array() : NULL;
	if (output->array)
		return;
	table_begin(&output->table, session->colour);
	table_column(&output->table, "CACHE", false);
	table_column(&output->table, "OBJECTS", true);
	table_column(&output->table, "BYTES", true);
	table_column(&output->table, "OLDEST", true);
	table_column(&output->table, "ALLOCATED BY", false);
}

static bool end(struct output *output)
{
	if (!output->array)
		return table_end(&output->table);
	puts(json_object_to_json_string_ext(output->array,
					    JSON_C_TO_STRING_PLAIN |
					    JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(output->array);
	return true;
}

/*
 * --json prints an empty list and succeeds; the complaint on standard error
 * says why it is empty.
 */
static bool end_untracked(struct output *output)
{
	complain("no cache tracks its users, so no allocation site is known");
	advise("Load the module with slab_debug=U, or create caches with \"--flags store_user\".");
	if (output->array)
		return end(output);
	table_drop(&output->table);
	return false;
}

static void explain_unreadable(int err)
{
	if (err == EACCES) {
		complain("cannot read %s: permission denied", PROC_PATH);
		advise("Run this as root, e.g. with sudo. "
		       "\"memallocctl stat\" does not need root.");
	} else {
		complain("cannot read %s: %s", PROC_PATH, strerror(err));
		advise("Is the module loaded?");
	}
}

enum status cmd_leaks(struct session *session, int argc, char **argv)
{
	struct options options = { 0 };
	enum args args = args_parse(&argp, argc, argv, 0, &options);
	struct output output;
	FILE *file;
	bool good;

	if (args != ARGS_GOOD)
		return args_status(args);
	file = fopen(PROC_PATH, "re");
	if (!file) {
		explain_unreadable(errno);
		return STATUS_FAILED;
	}
	begin(&output, session, &options);
	good = read_section(file, &options, &output) ? end(&output) :
						       end_untracked(&output);
	fclose(file);
	return good ? STATUS_OK : STATUS_FAILED;
}
