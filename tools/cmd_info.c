// SPDX-License-Identifier: GPL-2.0
/*
 * Show where allocations lie
 */
#include <stdlib.h>

#include "cmd.h"
#include "command.h"
#include "complaint.h"
#include "explain.h"
#include "reference.h"
#include "table.h"

enum {
	KEY_PHYS = 0x1000,
};

/**
 * struct options - what the user wants
 * @words: which allocations
 * @count: how many words
 * @offset: the byte in each whose page is meant
 * @phys: physical addresses too
 */
struct options {
	char **words;
	size_t count;
	uint64_t offset;
	bool phys;
};

static const struct argp_option option_list[] = {
	{ "offset", 'o', "BYTES", 0,
	  "Node, zone and physical address are those of the page with this "
	  "byte (default 0)", 0 },
	{ "phys", KEY_PHYS, NULL, 0,
	  "Show the physical address too (needs CAP_SYS_ADMIN)", 0 },
	{ 0 }
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct options *options = state->input;

	switch (key) {
	case 'o':
		return args_size("--offset", arg, &options->offset);
	case KEY_PHYS:
		options->phys = true;
		return 0;
	case ARGP_KEY_ARGS:
		options->words = state->argv + state->next;
		options->count = (size_t)(state->argc - state->next);
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp info_argp = {
	option_list, parse, "HANDLE...",
	"Show what an allocation is and where it lies. Only in \"memallocctl "
	"shell\".",
	0, 0, 0
};

static const struct argp list_argp = {
	option_list, parse, "[HANDLE...]",
	"Show all allocations that have a name, or those that match. Only in "
	"\"memallocctl shell\".",
	0, 0, 0
};

static void begin(const struct options *options, struct table *table)
{
	table_begin(table, false);
	table_column(table, "NAME", false);
	table_column(table, "HANDLE", false);
	table_column(table, "KIND", false);
	table_column(table, "ORDER", true);
	table_column(table, "COUNT", true);
	table_column(table, "BYTES", true);
	table_column(table, "HELD", true);
	table_column(table, "NODE", true);
	table_column(table, "ZONE", false);
	table_column(table, "FROM", false);
	table_column(table, "MAPPINGS", true);
	table_column(table, "MAP-OFFSET", true);
	if (options->phys)
		table_column(table, "PHYSICAL", true);
}

/* What does not apply is left empty. */
static void add_shape(struct table *table, const struct memalloc_info *info)
{
	if (info->out_kind == MEMALLOC_KIND_PAGES)
		table_cell(table, "%u", info->out_order);
	else
		table_skip(table, 1);
	if (info->out_kind == MEMALLOC_KIND_CACHE ||
	    info->out_kind == MEMALLOC_KIND_MEMPOOL)
		table_cell(table, "%llu", info->out_children);
	else if (info->out_count)
		table_cell(table, "%u", info->out_count);
	else
		table_skip(table, 1);
	table_cell(table, "%llu", info->out_bytes);
	table_cell(table, "%llu", info->out_held);
}

static void add_place(struct table *table, const struct memalloc_info *info)
{
	if (info->out_node >= 0) {
		table_cell(table, "%d", info->out_node);
		table_cell(table, "%s", device_zone_name(info->out_zone));
	} else {
		table_skip(table, 2);
	}
	table_cell(table, "%s", info->out_name);
	if (info->out_map_offset) {
		table_cell(table, "%llu", info->out_mappings);
		table_cell(table, "0x%llx", info->out_map_offset);
	} else {
		table_skip(table, 2);
	}
}

static bool add(const struct session *session, const struct options *options,
		const struct reference *reference, struct table *table)
{
	struct memalloc_info info = {
		.handle = reference->handle,
		.offset = options->offset,
		.flags = options->phys ? MEMALLOC_INFO_PHYS : 0,
	};
	struct access access = {
		"show", reference->name, reference->handle, options->offset, 0
	};
	int err = device_info(&session->device, &info);

	if (err) {
		explain_access(session, &access, err);
		return false;
	}
	table_line(table);
	table_cell(table, "%s", reference->name);
	table_cell(table, "0x%016llx", info.handle);
	table_cell(table, "%s", device_kind_name(info.out_kind));
	add_shape(table, &info);
	add_place(table, &info);
	if (options->phys)
		table_cell(table, "0x%llx", info.out_phys);
	return true;
}

static enum status show(const struct session *session,
			const struct options *options,
			const struct references *references)
{
	bool good = true, any = false;
	struct table table;
	size_t i;

	begin(options, &table);
	for (i = 0; i < references->count; i++) {
		if (add(session, options, &references->list[i], &table))
			any = true;
		else
			good = false;
	}
	if (any)
		good = table_end(&table) && good;
	else
		table_drop(&table);
	return good ? STATUS_OK : STATUS_FAILED;
}

static enum status show_words(struct session *session,
			      const struct options *options)
{
	struct references references;
	enum status status;

	if (!session_open(session) ||
	    !references_find(session, options->words, options->count,
			     &references))
		return STATUS_FAILED;
	status = show(session, options, &references);
	references_free(&references);
	return status;
}

enum status cmd_info(struct session *session, int argc, char **argv)
{
	struct options options = { 0 };
	enum args args = args_parse(&info_argp, argc, argv, 0, &options);

	if (args != ARGS_GOOD)
		return args_status(args);
	if (!options.count) {
		complain("which allocation?");
		advise("\"list\" shows all.");
		return STATUS_USAGE;
	}
	return show_words(session, &options);
}

enum status cmd_list(struct session *session, int argc, char **argv)
{
	static char *all[] = { (char *)"*" };
	struct options options = { 0 };
	enum args args = args_parse(&list_argp, argc, argv, 0, &options);

	if (args != ARGS_GOOD)
		return args_status(args);
	if (!options.count) {
		if (!session->names.tree)
			return STATUS_OK;
		options.words = all;
		options.count = 1;
	}
	return show_words(session, &options);
}
