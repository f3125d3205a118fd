// SPDX-License-Identifier: GPL-2.0
/*
 * The commands for handles: "info", "list", "resize" and "free"
 *
 * "alloc", "cache create" and "mempool create" make handles; session.c has
 * their names.
 *
 * "resize" changes the size of kmalloc memory or of a mempool. The meaning of
 * the size depends on the kind, so the kind is queried first.
 *
 * For "free", a cache is busy until its objects are freed, so busy handles are
 * retried after all others.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "args.h"
#include "command.h"
#include "errors.h"
#include "interrupt.h"
#include "parse.h"
#include "session.h"
#include "table.h"
#include "target.h"

enum {
	KEY_BATCH = 0x1000,
	KEY_PHYS,
};

/* The commands "info" and "list" */

/**
 * struct list_options - options of "info" and "list"
 * @words: arguments that name allocations
 * @count: number of arguments
 * @offset: offset of the byte to describe
 * @phys: show physical addresses
 */
struct list_options {
	char **words;
	size_t count;
	uint64_t offset;
	bool phys;
};

static const struct argp_option list_option_list[] = {
	{ "offset", 'o', "BYTES", 0,
	  "Show node, zone and physical address of the page at this offset "
	  "(default 0)", 0 },
	{ "phys", KEY_PHYS, NULL, 0,
	  "Show the physical address too (needs CAP_SYS_ADMIN)", 0 },
	{ 0 }
};

static error_t parse_list(int key, char *arg, struct argp_state *state)
{
	struct list_options *options = state->input;

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
	list_option_list, parse_list, "HANDLE...",
	"Show properties and location of allocations. Only in \"memallocctl "
	"shell\".",
	0, 0, 0
};

static const struct argp list_argp = {
	list_option_list, parse_list, "[HANDLE...]",
	"List all named allocations, or those that match. Only in "
	"\"memallocctl shell\".",
	0, 0, 0
};

static void begin_list(const struct list_options *options, struct table *table)
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

/* Leave fields that do not apply empty. */
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
		table_cell(table, "%s", memalloc_zone_name(info->out_zone));
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

static bool add_handle(const struct session *session,
		       const struct list_options *options,
		       const struct named_handle *entry, struct table *table)
{
	struct memalloc_info info = {
		.size = sizeof(info),
		.handle = entry->handle,
		.offset = options->offset,
		.flags = options->phys ? MEMALLOC_INFO_PHYS : 0,
	};
	const struct target target = {
		.action = "show", .name = entry->name, .handle = entry->handle,
		.offset = options->offset,
	};
	int err = memalloc_info(session->device.fd, &info);

	if (err) {
		explain_target(session, &target, err);
		return false;
	}
	table_line(table);
	table_cell(table, "%s", entry->name);
	table_cell(table, "0x%016llx", info.handle);
	table_cell(table, "%s", memalloc_kind_name(info.out_kind));
	add_shape(table, &info);
	add_place(table, &info);
	if (options->phys)
		table_cell(table, "0x%llx", info.out_phys);
	return true;
}

static enum status print_list(const struct session *session,
			      const struct list_options *options,
			      const struct handles *handles)
{
	bool good = true, any = false;
	struct table table;
	size_t i;

	begin_list(options, &table);
	for (i = 0; i < handles->count && !interrupt_stops(); i++) {
		if (add_handle(session, options, &handles->list[i], &table))
			any = true;
		else
			good = false;
	}
	good = good && i == handles->count;
	if (any)
		good = table_end(&table) && good;
	else
		table_drop(&table);
	return good ? STATUS_OK : STATUS_FAILED;
}

static enum status find_and_print(struct session *session,
				  const struct list_options *options)
{
	struct handles handles;
	enum status status;

	if (!session_open(session) ||
	    !handles_find(session, options->words, options->count, &handles))
		return STATUS_FAILED;
	status = print_list(session, options, &handles);
	handles_free(&handles);
	return status;
}

enum status cmd_info(struct session *session, int argc, char **argv)
{
	struct list_options options = { 0 };
	enum args args = args_parse(&info_argp, argc, argv, 0, &options);

	if (args != ARGS_GOOD)
		return args_status(args);
	if (!options.count) {
		complain("missing HANDLE");
		advise("\"list\" shows all allocations.");
		return STATUS_USAGE;
	}
	return find_and_print(session, &options);
}

enum status cmd_list(struct session *session, int argc, char **argv)
{
	static char *all[] = { (char *)"*" };
	struct list_options options = { 0 };
	enum args args = args_parse(&list_argp, argc, argv, 0, &options);

	if (args != ARGS_GOOD)
		return args_status(args);
	if (!options.count) {
		if (!session->names.tree)
			return STATUS_OK;
		options.words = all;
		options.count = 1;
	}
	return find_and_print(session, &options);
}

/* The command "resize" */

/**
 * struct resize_options - options of "resize"
 * @word: argument that names the allocation
 * @gfp: GFP flags for additional memory
 * @size: bytes, or elements
 * @given: the size was given
 */
struct resize_options {
	char *word;
	uint32_t gfp;
	uint64_t size;
	bool given;
};

static const struct argp_option resize_option_list[] = {
	{ "gfp", 'g', "LIST", 0,
	  "GFP mode and modifiers for additional memory, as for alloc, without "
	  "zones, thisnode and nofail", 0 },
	{ 0 }
};

static const char resize_doc[] =
	"Change the size of an allocation of \"alloc --kmalloc\" in bytes, or "
	"the minimum of a mempool in elements. Only in \"memallocctl shell\"."
	"\v"
	"The contents are preserved up to the smaller of the two sizes; new "
	"bytes are zero. On failure nothing changes.";

static error_t parse_word(char *arg, struct resize_options *options)
{
	if (!options->word) {
		options->word = arg;
		return 0;
	}
	if (options->given)
		return args_error("unexpected argument '%s'", arg);
	options->given = true;
	return args_size("SIZE", arg, &options->size);
}

static error_t parse_resize(int key, char *arg, struct argp_state *state)
{
	struct resize_options *options = state->input;

	switch (key) {
	case 'g':
		return gfp_parse(arg, &options->gfp) ? 0 : EINVAL;
	case ARGP_KEY_ARG:
		return parse_word(arg, options);
	case ARGP_KEY_END:
		if (!options->word)
			return args_error("missing HANDLE");
		if (!options->given)
			return args_error("missing SIZE");
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp resize_argp = {
	resize_option_list, parse_resize, "HANDLE SIZE", resize_doc, 0, 0, 0
};

/* Convert the size for this kind. Return: false after a complaint. */
static bool set_size(const struct memalloc_info *info, const char *name,
		     uint64_t size, struct memalloc_resize *resize)
{
	if (info->out_kind != MEMALLOC_KIND_MEMPOOL) {
		resize->bytes = size;
		return true;
	}
	if (!size || size > MEMALLOC_MEMPOOL_MAX) {
		complain("cannot resize %s: the minimum of a mempool is 1 to %u",
			 name, MEMALLOC_MEMPOOL_MAX);
		return false;
	}
	resize->min_nr = (uint32_t)size;
	return true;
}

static void print_resized(const struct named_handle *entry,
			  const struct memalloc_resize *resize)
{
	if (resize->min_nr)
		printf("%s: %u elements, %llu held\n", entry->name,
		       resize->min_nr, resize->out_held);
	else
		printf("%s: %llu bytes, %llu held\n", entry->name,
		       resize->out_bytes, resize->out_held);
}

static bool resize_one(struct session *session,
		       const struct named_handle *entry,
		       const struct resize_options *options)
{
	const struct target target = {
		.action = "resize", .name = entry->name, .handle = entry->handle,
	};
	struct memalloc_resize resize = {
		.size = sizeof(resize),
		.handle = entry->handle, .gfp = options->gfp,
	};
	struct memalloc_info info = { .size = sizeof(info), .handle = entry->handle };
	int err = memalloc_info(session->device.fd, &info);

	if (err) {
		explain_target(session, &target, err);
		return false;
	}
	if (!set_size(&info, entry->name, options->size, &resize))
		return false;
	err = memalloc_resize(session->device.fd, &resize);
	if (err) {
		explain_resize(session, entry->name, &resize, err);
		return false;
	}
	print_resized(entry, &resize);
	return true;
}

enum status cmd_resize(struct session *session, int argc, char **argv)
{
	struct resize_options options = { 0 };
	enum args args = args_parse(&resize_argp, argc, argv, 0, &options);
	struct handles handles;
	bool good = true;
	size_t i;

	if (args != ARGS_GOOD)
		return args_status(args);
	if (!session_open(session) ||
	    !handles_find(session, &options.word, 1, &handles))
		return STATUS_FAILED;
	for (i = 0; i < handles.count; i++)
		good = resize_one(session, &handles.list[i], &options) && good;
	handles_free(&handles);
	return good ? STATUS_OK : STATUS_FAILED;
}

/* The command "free" */

/**
 * struct free_options - options of "free"
 * @words: arguments that name handles
 * @count: number of arguments
 * @batch: use MEMALLOC_BATCH
 */
struct free_options {
	char **words;
	size_t count;
	bool batch;
};

/**
 * struct free_run - one run of "free"
 * @session: the session
 * @list: handles to free
 * @count: number of handles
 * @busy: handles that must wait for others
 * @nr_busy: number of those
 */
struct free_run {
	struct session *session;
	const struct named_handle *list;
	size_t count;
	const struct named_handle **busy;
	size_t nr_busy;
};

static const struct argp_option free_option_list[] = {
	{ "batch", KEY_BATCH, NULL, 0,
	  "Use one system call for many handles", 0 },
	{ 0 }
};

static const char free_doc[] =
	"Free allocations. Only in \"memallocctl shell\": a handle does not "
	"outlive the process that allocated it."
	"\v"
	"HANDLE is a name or a pattern of names as in Unix shells: \"free *\" "
	"frees all allocations, \"free b.*[13579]\" every other one of those "
	"that \"b = alloc --count 100\" made. A number is taken as a handle.";

static error_t parse_free(int key, char *arg, struct argp_state *state)
{
	struct free_options *options = state->input;

	(void)arg;
	switch (key) {
	case KEY_BATCH:
		options->batch = true;
		return 0;
	case ARGP_KEY_ARGS:
		options->words = state->argv + state->next;
		options->count = (size_t)(state->argc - state->next);
		return 0;
	case ARGP_KEY_NO_ARGS:
		return args_error("missing HANDLE");
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp free_argp = {
	free_option_list, parse_free, "HANDLE...", free_doc, 0, 0, 0
};

static bool note_freed(struct session *session,
		       const struct named_handle *entry, int err)
{
	const struct target target = {
		.action = "free", .name = entry->name, .handle = entry->handle,
	};

	if (err) {
		explain_target(session, &target, err);
		return false;
	}
	names_remove(&session->names, entry->name, entry->handle);
	return true;
}

static bool note_freed_or_busy(struct free_run *run,
			       const struct named_handle *entry, int err)
{
	if (err != -EBUSY)
		return note_freed(run->session, entry, err);
	run->busy[run->nr_busy++] = entry;
	return true;
}

static bool free_each(struct free_run *run)
{
	bool good = true;
	size_t i;
	int err;

	for (i = 0; i < run->count; i++) {
		if (interrupt_stops())
			return false;
		err = memalloc_free(run->session->device.fd, run->list[i].handle);
		good = note_freed_or_busy(run, &run->list[i], err) && good;
	}
	return good;
}

static bool free_busy(struct free_run *run)
{
	bool good = true;
	size_t i;
	int err;

	for (i = 0; i < run->nr_busy; i++) {
		err = memalloc_free(run->session->device.fd, run->busy[i]->handle);
		good = note_freed(run->session, run->busy[i], err) && good;
	}
	return good;
}

/* Free @count handles from @first on with one system call. */
static bool free_batch(struct free_run *run, size_t first, size_t count)
{
	const struct named_handle *list = run->list + first;
	struct session *session = run->session;
	static struct memalloc_batch_op ops[MEMALLOC_BATCH_MAX];
	static struct memalloc_free frees[MEMALLOC_BATCH_MAX];
	bool good = true;
	size_t done = 0, i;
	int err;

	for (i = 0; i < count; i++) {
		frees[i].size = sizeof(frees[i]);
		frees[i].handle = list[i].handle;
		ops[i].cmd = MEMALLOC_FREE;
		ops[i].out_errno = 0;
		ops[i].arg = (uintptr_t)&frees[i];
	}
	err = memalloc_batch(session->device.fd, ops, count,
			     MEMALLOC_BATCH_KEEP_GOING, &done);
	for (i = 0; i < done; i++)
		good = note_freed_or_busy(run, &list[i], -ops[i].out_errno) &&
		       good;
	if (err || done < count) {
		explain_command(session, "free all", err ? err : -EINTR);
		return false;
	}
	return good;
}

static bool free_batches(struct free_run *run)
{
	size_t first, count;
	bool good = true;

	for (first = 0; first < run->count; first += count) {
		if (interrupt_stops())
			return false;
		count = run->count - first;
		if (count > MEMALLOC_BATCH_MAX)
			count = MEMALLOC_BATCH_MAX;
		good = free_batch(run, first, count) && good;
	}
	return good;
}

static bool free_handles(struct session *session, const struct handles *handles,
			 bool batch)
{
	struct free_run run = {
		.session = session,
		.list = handles->list,
		.count = handles->count,
	};
	bool good;

	run.busy = calloc(run.count, sizeof(*run.busy));
	if (!run.busy) {
		complain("out of memory");
		return false;
	}
	good = batch ? free_batches(&run) : free_each(&run);
	good = free_busy(&run) && good;
	free(run.busy);
	return good;
}

enum status cmd_free(struct session *session, int argc, char **argv)
{
	struct free_options options = { 0 };
	struct handles handles;
	enum args args = args_parse(&free_argp, argc, argv, 0, &options);
	bool good;

	if (args != ARGS_GOOD)
		return args_status(args);
	if (!session_open(session))
		return STATUS_FAILED;
	if (!handles_find(session, options.words, options.count, &handles))
		return STATUS_FAILED;
	good = free_handles(session, &handles, options.batch);
	handles_free(&handles);
	return good ? STATUS_OK : STATUS_FAILED;
}
