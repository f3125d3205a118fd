// SPDX-License-Identifier: GPL-2.0
/*
 * Show statistics, as tables or as JSON
 */
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd.h"
#include "command.h"
#include "complaint.h"
#include "explain.h"
#include "hold.h"
#include "statistics.h"
#include "statistics_json.h"
#include "statistics_table.h"

/**
 * struct section - a section, as the user calls it
 * @name: its name
 * @print: shows it as a table
 * @json: makes JSON of it
 */
struct section {
	const char *name;
	bool (*print)(const struct statistics *statistics);
	struct json_object *(*json)(const struct statistics *statistics);
};

static const struct section sections[] = {
	{ "borrowing", statistics_print_borrowing, statistics_json_borrowing },
	{ "zones", statistics_print_zones, statistics_json_zones },
	{ "caches", statistics_print_caches, statistics_json_caches },
	{ "classes", statistics_print_classes, statistics_json_classes },
	{ "mempools", statistics_print_mempools, statistics_json_mempools },
	{ "percpu", statistics_print_percpu, statistics_json_percpu },
	{ "areas", statistics_print_areas, statistics_json_areas },
	{ "file", statistics_print_file, statistics_json_file },
	{ "reports", statistics_print_reports, statistics_json_reports },
};

#define NR_SECTIONS (sizeof(sections) / sizeof(*sections))
#define ALL_SECTIONS ((1U << NR_SECTIONS) - 1)

/**
 * struct options - what the user wants
 * @sections: a bit for each that is wanted
 * @json: as JSON
 * @watch: again and again
 * @seconds: so long after each other
 */
struct options {
	unsigned int sections;
	bool json;
	bool watch;
	uint64_t seconds;
};

static const struct argp_option option_list[] = {
	{ "json", 'j', NULL, 0, "For programs: JSON, all fields, on one line", 0 },
	{ "watch", 'w', "SECONDS", 0,
	  "Again and again, so long after each other, until interrupted. Not "
	  "in the shell.", 0 },
	{ 0 }
};

static const char doc[] =
	"Show statistics."
	"\v"
	"SECTION is one of: borrowing (pages borrowed from the host), zones "
	"(blocks by order, in each zone of each node), caches (slab caches), classes "
	"(size classes of kmalloc), mempools, percpu (per-CPU areas), areas "
	"(vmalloc areas), file (what this process "
	"holds, and all together), reports (misuse detected). Without any, all "
	"of them.";

static error_t parse_section(const char *arg, struct options *options)
{
	unsigned int i;

	for (i = 0; i < NR_SECTIONS; i++) {
		if (!strcmp(arg, sections[i].name)) {
			options->sections |= 1U << i;
			return 0;
		}
	}
	return args_error("there is no section '%s'; there are "
			  "borrowing, zones, caches, classes, mempools, percpu, "
			  "areas, file and reports", arg);
}

static error_t parse_watch(const char *arg, struct options *options)
{
	options->watch = true;
	if (args_number("--watch", arg, HOLD_SECONDS_MAX,
			&options->seconds))
		return EINVAL;
	if (!options->seconds)
		return args_error("--watch: the shortest time is 1");
	return 0;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct options *options = state->input;

	switch (key) {
	case 'j':
		options->json = true;
		return 0;
	case 'w':
		return parse_watch(arg, options);
	case ARGP_KEY_ARG:
		return parse_section(arg, options);
	case ARGP_KEY_END:
		if (!options->sections)
			options->sections = ALL_SECTIONS;
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp argp = {
	option_list, parse, "[SECTION...]", doc, 0, 0, 0
};

static bool print_tables(const struct statistics *statistics,
			 const struct options *options)
{
	bool first = true;
	unsigned int i;

	for (i = 0; i < NR_SECTIONS; i++) {
		if (!(options->sections & 1U << i))
			continue;
		if (!first)
			putchar('\n');
		first = false;
		if (!sections[i].print(statistics))
			return false;
	}
	return true;
}

static bool add_sections(struct json_object *object,
			 const struct statistics *statistics,
			 const struct options *options)
{
	struct json_object *section;
	unsigned int i;

	for (i = 0; i < NR_SECTIONS; i++) {
		if (!(options->sections & 1U << i))
			continue;
		section = sections[i].json(statistics);
		if (!section || json_object_object_add(object, sections[i].name,
						       section)) {
			json_object_put(section);
			return false;
		}
	}
	return true;
}

/* One object, on one line: so is each of those that --watch makes. */
static bool print_json(const struct statistics *statistics,
		       const struct options *options)
{
	struct json_object *object = json_object_new_object();
	const char *text = NULL;

	if (object && add_sections(object, statistics, options))
		text = json_object_to_json_string_ext(object,
						      JSON_C_TO_STRING_PLAIN);
	if (text)
		puts(text);
	else
		complain("out of memory");
	json_object_put(object);
	return text;
}

static bool show(struct session *session, const struct options *options)
{
	struct statistics statistics;
	bool good;
	int err;

	err = statistics_read(&session->device, &statistics);
	if (err) {
		explain_command(session, "read the statistics", err);
		return false;
	}
	good = options->json ? print_json(&statistics, options) :
			       print_tables(&statistics, options);
	statistics_free(&statistics);
	return good;
}

static bool watch(struct session *session, const struct options *options)
{
	bool clear = !options->json && isatty(STDOUT_FILENO);

	do {
		if (clear)
			fputs("\033[H\033[2J", stdout);
		if (!show(session, options))
			return false;
		if (!options->json && !clear)
			putchar('\n');
		if (fflush(stdout))
			return false; /* main() says why */
		sleep((unsigned int)options->seconds);
	} while (true);
}

enum status cmd_stat(struct session *session, int argc, char **argv)
{
	struct options options = { 0 };
	enum args args = args_parse(&argp, argc, argv, 0, &options);
	bool good;

	if (args != ARGS_GOOD)
		return args_status(args);
	if (options.watch && session->in_shell) {
		complain("--watch is not for the shell: it would never come to "
			 "the next command");
		return STATUS_USAGE;
	}
	if (!session_open(session))
		return STATUS_FAILED;
	good = options.watch ? watch(session, &options) :
			       show(session, &options);
	return good ? STATUS_OK : STATUS_FAILED;
}
