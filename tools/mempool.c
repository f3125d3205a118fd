// SPDX-License-Identifier: GPL-2.0
/*
 * The command "mempool": create, destroy and show mempools
 *
 * "resize" changes the minimum of a pool, "alloc" takes elements from it.
 */
#include <stdio.h>

#include "args.h"
#include "command.h"
#include "errors.h"
#include "parse.h"
#include "session.h"
#include "statistics.h"
#include "target.h"

enum {
	KEY_PAGES = 0x1000,
	KEY_KMALLOC,
	KEY_CACHE,
};

/**
 * struct options - options of "mempool create"
 * @create: the request
 * @name: name of the pool
 * @backend: option that chose the backend
 * @cache: name of the cache, if the backend is one
 */
struct options {
	struct memalloc_mempool_create create;
	const char *name;
	const char *backend;
	char *cache;
};

static const struct argp_option create_options[] = {
	{ "min", 'm', "N", 0, "Guarantee N elements", 0 },
	{ "pages", KEY_PAGES, "ORDER", 0,
	  "Use elements of 2^ORDER contiguous pages", 0 },
	{ "kmalloc", KEY_KMALLOC, "BYTES", 0,
	  "Use elements of BYTES of kmalloc memory; K, M may follow", 0 },
	{ "cache", KEY_CACHE, "CACHE", 0,
	  "Use objects of this slab cache as elements", 0 },
	{ "gfp", 'g', "LIST", 0,
	  "GFP mode and modifiers for the first elements, as for alloc", 0 },
	{ "node", 'n', "N", 0,
	  "Preferred NUMA node for the first elements (default: node of the "
	  "current CPU)", 0 },
	{ 0 }
};

static const char create_doc[] =
	"Create a mempool, which guarantees a minimum of elements even when its "
	"backend has no memory. Only in \"memallocctl shell\"."
	"\v"
	"Give --min and one of --pages, --kmalloc and --cache. /proc/memalloc "
	"shows the pool as u:NAME. In the shell it is NAME unless the line "
	"names it otherwise:\n"
	"\n"
	"    mempool create spare --min 4 --kmalloc 256\n"
	"    alloc --mempool spare                  an element\n"
	"    alloc --mempool spare --preallocated   from the reserve only\n"
	"    resize spare 8";

static error_t choose_backend(struct options *options, const char *option,
			      uint32_t backend)
{
	if (options->backend)
		return args_error("%s and %s conflict; give only one",
				  options->backend, option);
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
		return args_error("--kmalloc: must be at least 1");
	options->create.bytes = bytes;
	return choose_backend(options, "--kmalloc", MEMALLOC_MEMPOOL_KMALLOC);
}

static error_t parse_min(const char *arg, struct options *options)
{
	uint64_t min;

	if (args_number("--min", arg, UINT64_MAX, &min))
		return EINVAL;
	if (!min || min > MEMALLOC_MEMPOOL_MAX)
		return args_error("--min: must be 1 to %u", MEMALLOC_MEMPOOL_MAX);
	options->create.min_nr = (uint32_t)min;
	return 0;
}

static error_t parse_name(const char *arg, struct options *options)
{
	if (options->name)
		return args_error("unexpected argument '%s'", arg);
	options->name = arg;
	return args_name("mempool", arg, options->create.name,
			 sizeof(options->create.name));
}

static error_t finish_create(const struct options *options)
{
	if (!options->name)
		return args_error("missing NAME");
	if (!options->create.min_nr)
		return args_error("missing --min");
	if (!options->backend)
		return args_error("missing backend; give --pages, --kmalloc or "
				  "--cache");
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
		return args_node(arg, &options->create.node);
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
	struct options options = {
		.create = { .size = sizeof(options.create), .node = -1 },
	};
	enum args args = args_parse(&create_argp, argc, argv, 0, &options);
	const char *name;
	int err;

	if (args != ARGS_GOOD)
		return args_status(args);
	if (!session_open(session) ||
	    (options.cache && !handle_find(session, options.cache, "caches",
					      (uint64_t *)&options.create.parent)))
		return STATUS_FAILED;
	err = memalloc_mempool_create(session->device.fd, &options.create);
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

/* Return: true if it is a mempool; otherwise complains. */
static bool is_mempool(struct session *session, const struct named_handle *pool,
		       const char *action)
{
	const struct target target = {
		.action = action, .name = pool->name, .handle = pool->handle,
	};
	struct memalloc_info info = { .size = sizeof(info), .handle = pool->handle };
	int err = memalloc_info(session->device.fd, &info);

	if (err) {
		explain_target(session, &target, err);
		return false;
	}
	if (info.out_kind == MEMALLOC_KIND_MEMPOOL)
		return true;
	complain("cannot %s %s: it is not a mempool", action, pool->name);
	advise("\"info %s\" shows its kind.", pool->name);
	return false;
}

static bool destroy_one(struct session *session, const struct named_handle *pool)
{
	const struct target target = {
		.action = "destroy", .name = pool->name, .handle = pool->handle,
	};
	int err;

	if (!is_mempool(session, pool, "destroy"))
		return false;
	err = memalloc_free(session->device.fd, pool->handle);
	if (err) {
		explain_target(session, &target, err);
		return false;
	}
	names_remove(&session->names, pool->name, pool->handle);
	return true;
}

static bool info_one(struct session *session, const struct named_handle *pool)
{
	const struct target target = {
		.action = "show", .name = pool->name, .handle = pool->handle,
	};
	struct memalloc_stats_mempool stats;
	size_t known;
	int err;

	if (!is_mempool(session, pool, "show"))
		return false;
	err = memalloc_stats_of(session->device.fd, MEMALLOC_SECTION_MEMPOOL,
				pool->handle, &stats, sizeof(stats), &known);
	if (err) {
		explain_target(session, &target, err);
		return false;
	}
	return statistics_print_mempool(&stats, known);
}

static enum status destroy(struct session *session, int argc, char **argv)
{
	static const struct subject subject = {
		"Destroy mempools. Free their elements first. Only in "
		"\"memallocctl shell\".", "POOL...", "missing POOL"
	};

	return handles_for_each(session, argc, argv, &subject, destroy_one);
}

static enum status info(struct session *session, int argc, char **argv)
{
	static const struct subject subject = {
		"Show statistics of mempools. Only in \"memallocctl shell\".",
		"POOL...", "missing POOL"
	};

	return handles_for_each(session, argc, argv, &subject, info_one);
}

static enum status list(struct session *session, int argc, char **argv)
{
	static const struct listing listing = {
		"Show all mempools of the module, including those of other "
		"processes and of kernel code. Same as \"stat mempools\".",
		statistics_print_mempools, statistics_json_mempools
	};

	return statistics_list(session, argc, argv, &listing);
}

static const struct command list_of_commands[] = {
	{ "create", "create a mempool", COMMAND_SHELL, create, NULL },
	{ "destroy", "destroy a mempool, with all elements in it", COMMAND_SHELL, destroy, NULL },
	{ "info", "show statistics", COMMAND_SHELL, info, NULL },
	{ "list", "list all mempools", COMMAND_ALONE | COMMAND_SHELL, list, NULL },
	{ 0 }
};

const struct subcommands mempool_subcommands = {
	"Mempools, which guarantee a minimum of elements.",
	"\"alloc --mempool\" allocates elements.", list_of_commands
};
