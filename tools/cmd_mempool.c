// SPDX-License-Identifier: GPL-2.0
/*
 * Mempools: create, destroy, show
 *
 * A command with commands of its own, as "cache". To give a pool another
 * minimum is for "resize", to take elements out of it for "alloc".
 */
#include <stdio.h>
#include <string.h>

#include "cmd.h"
#include "command.h"
#include "complaint.h"
#include "explain.h"
#include "gfp.h"
#include "names.h"
#include "statistics_json.h"
#include "statistics_table.h"
#include "subcommand.h"

enum {
	KEY_PAGES = 0x1000,
	KEY_KMALLOC,
	KEY_CACHE,
};

/**
 * struct options - the pool that the user wants
 * @create: the pool
 * @name: its name
 * @backend: the option that said where its elements come from
 * @cache: what the user calls the cache, if it is one
 */
struct options {
	struct memalloc_mempool_create create;
	const char *name;
	const char *backend;
	char *cache;
};

static const struct argp_option create_options[] = {
	{ "min", 'm', "N", 0, "It always has N elements, in it or out", 0 },
	{ "pages", KEY_PAGES, "ORDER", 0,
	  "An element is 2^ORDER contiguous pages", 0 },
	{ "kmalloc", KEY_KMALLOC, "BYTES", 0,
	  "An element is so many bytes of kmalloc; K, M may follow", 0 },
	{ "cache", KEY_CACHE, "CACHE", 0,
	  "An element is an object of this slab cache", 0 },
	{ "gfp", 'g', "LIST", 0,
	  "How the first elements may be had, as for alloc", 0 },
	{ "node", 'n', "N", 0,
	  "NUMA node to prefer for them (default: that of the CPU this runs "
	  "on)", 0 },
	{ 0 }
};

static const char create_doc[] =
	"Create a mempool: so many elements are there whatever happens to the "
	"allocator behind it. Only in \"memallocctl shell\"."
	"\v"
	"Give --min and one of --pages, --kmalloc and --cache. /proc/memalloc "
	"shows the pool as u:NAME. In the shell it is called NAME, unless there "
	"is something in front:\n"
	"\n"
	"    mempool create spare --min 4 --kmalloc 256\n"
	"    alloc --mempool spare                  an element\n"
	"    alloc --mempool spare --preallocated   one of the 4, or none\n"
	"    resize spare 8";

static error_t choose_backend(struct options *options, const char *option,
			      uint32_t backend)
{
	if (options->backend)
		return args_error("%s and %s both say what an element is; give "
				  "only one", options->backend, option);
	options->backend = option;
	options->create.backend = backend;
	return 0;
}

static error_t parse_pages(const char *arg, struct options *options)
{
	uint64_t order;

	if (args_number("--pages", arg, MEMALLOC_MAX_ORDER, &order))
		return EINVAL;
	options->create.order = (uint32_t)order;
	return choose_backend(options, "--pages", MEMALLOC_MEMPOOL_PAGES);
}

static error_t parse_kmalloc(const char *arg, struct options *options)
{
	uint64_t bytes;

	if (args_size("--kmalloc", arg, &bytes))
		return EINVAL;
	if (!bytes)
		return args_error("--kmalloc: an element has at least 1 byte");
	options->create.bytes = bytes;
	return choose_backend(options, "--kmalloc", MEMALLOC_MEMPOOL_KMALLOC);
}

static error_t parse_min(const char *arg, struct options *options)
{
	uint64_t min;

	if (args_number("--min", arg, MEMALLOC_MEMPOOL_MAX, &min))
		return EINVAL;
	if (!min)
		return args_error("--min: a pool has at least 1 element");
	options->create.min_nr = (uint32_t)min;
	return 0;
}

static error_t parse_node(const char *arg, struct options *options)
{
	uint64_t node;

	if (args_number("--node", arg, INT32_MAX, &node))
		return EINVAL;
	options->create.node = (int32_t)node;
	return 0;
}

static error_t parse_name(const char *arg, struct options *options)
{
	if (options->name)
		return args_error("'%s' is one word too many", arg);
	options->name = arg;
	if (strlen(arg) >= sizeof(options->create.name))
		return args_error("'%s' is too long for the name of a mempool: "
				  "%zu characters are the most", arg,
				  sizeof(options->create.name) - 1);
	if (!names_valid(arg))
		return args_error("'%s' cannot be a name: a name has letters, "
				  "digits, '_', '.' and '-' and begins with a "
				  "letter or '_'", arg);
	strcpy(options->create.name, arg);
	return 0;
}

static error_t finish_create(const struct options *options)
{
	if (!options->name)
		return args_error("which name shall it have?");
	if (!options->create.min_nr)
		return args_error("how many elements? Give --min");
	if (!options->backend)
		return args_error("what is an element? Give --pages, --kmalloc "
				  "or --cache");
	return 0;
}

static error_t parse_create(int key, char *arg, struct argp_state *state)
{
	struct options *options = state->input;

	switch (key) {
	case 'm':
		return parse_min(arg, options);
	case KEY_PAGES:
		return parse_pages(arg, options);
	case KEY_KMALLOC:
		return parse_kmalloc(arg, options);
	case KEY_CACHE:
		options->cache = arg;
		return choose_backend(options, "--cache", MEMALLOC_MEMPOOL_CACHE);
	case 'g':
		return gfp_parse(arg, &options->create.gfp) ? 0 : EINVAL;
	case 'n':
		return parse_node(arg, options);
	case ARGP_KEY_ARG:
		return parse_name(arg, options);
	case ARGP_KEY_END:
		return finish_create(options);
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp create_argp = {
	create_options, parse_create, "NAME", create_doc, 0, 0, 0
};

static enum status create(struct session *session, int argc, char **argv)
{
	struct options options = { .create.node = -1 };
	enum args args = args_parse(&create_argp, argc, argv, 0, &options);
	const char *name;
	int err;

	if (args != ARGS_GOOD)
		return args_status(args);
	if (!session_open(session) ||
	    (options.cache && !reference_find(session, options.cache, "caches",
					      (uint64_t *)&options.create.parent)))
		return STATUS_FAILED;
	err = device_mempool_create(&session->device, &options.create);
	if (err) {
		explain_mempool_create(session, &options.create, err);
		return STATUS_FAILED;
	}
	name = session->new_name ? session->new_name : options.name;
	if (!session_keep(session, name, options.create.out_handle))
		return STATUS_FAILED;
	printf("%s = 0x%016llx\n", name, options.create.out_handle);
	return STATUS_OK;
}

/* Return: is it a mempool? Complains if not. */
static bool is_mempool(struct session *session, const struct reference *pool,
		       const char *verb)
{
	const struct access access = { verb, pool->name, pool->handle, 0, 0 };
	struct memalloc_info info = { .handle = pool->handle };
	int err = device_info(&session->device, &info);

	if (err) {
		explain_access(session, &access, err);
		return false;
	}
	if (info.out_kind == MEMALLOC_KIND_MEMPOOL)
		return true;
	complain("cannot %s %s: it is no mempool", verb, pool->name);
	advise("\"info %s\" shows what it is.", pool->name);
	return false;
}

static bool destroy_one(struct session *session, const struct reference *pool)
{
	const struct access access = { "destroy", pool->name, pool->handle, 0, 0 };
	int err;

	if (!is_mempool(session, pool, "destroy"))
		return false;
	err = device_free(&session->device, pool->handle);
	if (err) {
		explain_access(session, &access, err);
		return false;
	}
	names_remove(&session->names, pool->name, pool->handle);
	return true;
}

static bool info_one(struct session *session, const struct reference *pool)
{
	const struct access access = { "show", pool->name, pool->handle, 0, 0 };
	struct memalloc_stats_mempool stats;
	size_t known;
	int err;

	if (!is_mempool(session, pool, "show"))
		return false;
	err = device_stats_mempool(&session->device, pool->handle, &stats, &known);
	if (err) {
		explain_access(session, &access, err);
		return false;
	}
	return statistics_print_mempool(&stats, known);
}

static enum status destroy(struct session *session, int argc, char **argv)
{
	static const struct subject subject = {
		"Destroy mempools; their elements must have been freed. Only in "
		"\"memallocctl shell\".", "POOL...", "which mempool?"
	};

	return subcommand_for_each(session, argc, argv, &subject, destroy_one);
}

static enum status info(struct session *session, int argc, char **argv)
{
	static const struct subject subject = {
		"Show the figures of a mempool. Only in \"memallocctl shell\".",
		"POOL...", "which mempool?"
	};

	return subcommand_for_each(session, argc, argv, &subject, info_one);
}

static enum status list(struct session *session, int argc, char **argv)
{
	static const struct listing listing = {
		"Show all mempools of the module, whoever made them. The same "
		"as \"stat mempools\".",
		statistics_print_mempools, statistics_json_mempools
	};

	return subcommand_list(session, argc, argv, &listing);
}

static const struct command list_of_commands[] = {
	{ "create", "create a mempool", COMMAND_SHELL, create },
	{ "destroy", "destroy it when its elements are freed", COMMAND_SHELL, destroy },
	{ "info", "show its figures", COMMAND_SHELL, info },
	{ "list", "show all mempools there are", COMMAND_ALONE | COMMAND_SHELL, list },
	{ 0 }
};

enum status cmd_mempool(struct session *session, int argc, char **argv)
{
	static const struct subcommands subcommands = {
		"Mempools: a guaranteed minimum of elements.",
		"\"alloc --mempool\" allocates elements.", list_of_commands
	};

	return subcommand_run(session, &subcommands, argc, argv);
}
