// SPDX-License-Identifier: GPL-2.0
/*
 * Show who has objects and pages, by the place that allocated them
 *
 * Read from the section "leaks" of /proc/memalloc, which is there if a cache
 * tracks its users:
 *
 *	# cache            objects      bytes   oldest site
 *	kmalloc-64               3        180       12 thing_open+0x12/0x40 [thing]
 */
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "command.h"
#include "complaint.h"
#include "table.h"

#define PROC_PATH "/proc/memalloc"

/**
 * struct options - what the user wants
 * @json: as JSON
 * @older: only where the oldest is older than @seconds
 * @seconds: so old
 */
struct options {
	bool json;
	bool older;
	uint64_t seconds;
};

/**
 * struct leak - a line of the section
 * @cache: what of: name of a cache, or "(pages)"
 * @objects: how many
 * @bytes: how much
 * @oldest: seconds since the oldest was allocated
 * @aged: @oldest is known
 * @site: the place that allocated
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
 * struct output - where the lines go: one of the two
 * @table: a table
 * @array: or JSON
 */
struct output {
	struct table table;
	struct json_object *array;
};

static const struct argp_option option_list[] = {
	{ "json", 'j', NULL, 0, "For programs: JSON, on one line", 0 },
	{ "older-than", 'o', "SECONDS", 0,
	  "Only places whose oldest object is older than this; pages, whose age "
	  "is not known, are left out", 0 },
	{ 0 }
};

static const char doc[] =
	"Show who has objects and pages, by the place that allocated them."
	"\v"
	"Caches know that if they track their users: load the module with "
	"slab_debug=U, or write U to /sys/module/memalloc/parameters/slab_debug "
	"before a cache is created.";

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

/* Return: is there the section? What is wanted of it goes to @output. */
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

static void drop(struct output *output)
{
	if (output->array)
		json_object_put(output->array);
	else
		table_drop(&output->table);
}

enum status cmd_leaks(struct session *session, int argc, char **argv)
{
	struct options options = { 0 };
	enum args args = args_parse(&argp, argc, argv, 0, &options);
	struct output output;
	FILE *file;
	bool seen;

	if (args != ARGS_GOOD)
		return args_status(args);
	file = fopen(PROC_PATH, "re");
	if (!file) {
		complain("cannot read %s: %s", PROC_PATH, strerror(errno));
		advise("Is the module loaded?");
		return STATUS_FAILED;
	}
	begin(&output, session, &options);
	seen = read_section(file, &options, &output);
	fclose(file);
	if (!seen) {
		drop(&output);
		complain("no cache tracks who has its objects");
		advise("Load the module with slab_debug=U.");
		return STATUS_FAILED;
	}
	return end(&output) ? STATUS_OK : STATUS_FAILED;
}
