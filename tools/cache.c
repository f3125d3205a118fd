// SPDX-License-Identifier: GPL-2.0
/*
 * The command "cache": create, destroy, shrink and show slab caches
 *
 * A cache is a handle and has a name, as an allocation has. In the shell the
 * user may choose that name; otherwise it is the name given to the module.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "args.h"
#include "command.h"
#include "errors.h"
#include "parse.h"
#include "session.h"
#include "statistics.h"
#include "target.h"

enum {
	KEY_USEROFFSET = 0x1000,
	KEY_USERSIZE,
	KEY_CTOR,
};

/**
 * struct options - options of "cache create"
 * @create: the request
 * @name: name of the cache
 * @user_given: --useroffset or --usersize was given
 */
struct options {
	struct memalloc_cache_create create;
	const char *name;
	bool user_given;
};

static const struct argp_option create_options[] = {
	{ "size", 's', "BYTES", 0, "Size of an object; K, M may follow", 0 },
	{ "align", 'a', "BYTES", 0,
	  "Alignment of the objects, a power of two up to a page", 0 },
	{ "useroffset", KEY_USEROFFSET, "BYTES", 0,
	  "Offset of the part of an object that \"read\" and \"write\" may "
	  "copy (default 0)", 0 },
	{ "usersize", KEY_USERSIZE, "BYTES", 0,
	  "Size of that part (default: to the end of the object)", 0 },
	{ "flags", 'f', "LIST", 0,
	  "Flags of the cache, separated by commas; see below", 0 },
	{ "ctor", KEY_CTOR, "NAME", 0,
	  "Constructor: \"none\" (default), \"zero\", or \"count\", which "
	  "writes the pattern of that name with value 0", 0 },
	{ 0 }
};

static const char create_doc[] =
	"Create a slab cache. Only in \"memallocctl shell\"."
	"\v"
	"The kernel log and /proc/memalloc show the cache as u:NAME. In the "
	"shell it is NAME unless the line names it otherwise:\n"
	"\n"
	"    cache create inode --size 600      cache inode\n"
	"    c = cache create inode --size 600  cache c\n"
	"    alloc --cache inode --count 10     objects of the cache\n"
	"\n"
	"LIST may have: hwcache_align, dma, dma32, typesafe_by_rcu, "
	"reclaim_account, no_reap, red_zone, poison, store_user and checks, "
	"which mean the same as the kernel's SLAB flags of these names; "
	"quarantine, which delays the reuse of freed objects; and guard, which "
	"places a sample of objects in pages of their own. no_reap needs "
	"CAP_SYS_ADMIN, dma and dma32 need CAP_SYS_RAWIO. \"cache info\" shows "
	"the flags in effect.";

static error_t parse_bytes(const char *name, const char *arg, uint32_t *value)
{
	uint64_t bytes;

	if (args_size(name, arg, &bytes))
		return EINVAL;
	if (bytes > UINT32_MAX)
		return args_error("%s: %s exceeds the maximum", name, arg);
	*value = (uint32_t)bytes;
	return 0;
}

static error_t parse_name(const char *arg, struct options *options)
{
	if (options->name)
		return args_error("unexpected argument '%s'", arg);
	options->name = arg;
	return args_name("cache", arg, options->create.name,
			 sizeof(options->create.name));
}

static error_t finish_create(struct options *options)
{
	struct memalloc_cache_create *create = &options->create;

	if (!options->name)
		return args_error("missing NAME");
	if (!create->object_size)
		return args_error("missing --size, at least 1");
	if (!options->user_given && create->useroffset <= create->object_size)
		create->usersize = create->object_size - create->useroffset;
	return 0;
}

static error_t parse_create(int key, char *arg, struct argp_state *state)
{
	struct options *options = state->input;
	struct memalloc_cache_create *create = &options->create;

	switch (key) {
	case 's':
		return parse_bytes("--size", arg, &create->object_size);
	case 'a':
		return parse_bytes("--align", arg, &create->align);
	case KEY_USEROFFSET:
		return parse_bytes("--useroffset", arg, &create->useroffset);
	case KEY_USERSIZE:
		options->user_given = true;
		return parse_bytes("--usersize", arg, &create->usersize);
	case KEY_CTOR:
		return cache_ctor_parse(arg, &create->ctor) ? 0 : EINVAL;
	case 'f':
		return cache_flags_parse(arg, &create->flags) ? 0 : EINVAL;
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
	struct options options = { .create.size = sizeof(options.create) };
	enum args args = args_parse(&create_argp, argc, argv, 0, &options);
	int err;

	if (args != ARGS_GOOD)
		return args_status(args);
	if (!session_open(session))
		return STATUS_FAILED;
	err = memalloc_cache_create(session->device.fd, &options.create);
	if (err) {
		explain_cache_create(session, &options.create, err);
		return STATUS_FAILED;
	}
	if (!session_keep(session, session->new_name ? session->new_name :
			  options.name, options.create.out_handle))
		return STATUS_FAILED;
	printf("%s = 0x%016llx\n", session->new_name ? session->new_name :
	       options.name, options.create.out_handle);
	return STATUS_OK;
}

static bool destroy_one(struct session *session, const struct named_handle *cache)
{
	const struct target target = {
		.action = "destroy", .name = cache->name, .handle = cache->handle,
	};
	struct memalloc_info info = { .size = sizeof(info), .handle = cache->handle };
	int err = memalloc_info(session->device.fd, &info);

	if (!err && info.out_kind != MEMALLOC_KIND_CACHE) {
		complain("%s is not a cache", cache->name);
		advise("Use \"free\" for allocations.");
		return false;
	}
	if (!err)
		err = memalloc_free(session->device.fd, cache->handle);
	if (err) {
		explain_target(session, &target, err);
		return false;
	}
	names_remove(&session->names, cache->name, cache->handle);
	return true;
}

static bool shrink_one(struct session *session, const struct named_handle *cache)
{
	const struct target target = {
		.action = "shrink", .name = cache->name, .handle = cache->handle,
	};
	uint64_t pages;
	int err;

	err = memalloc_shrink_cache(session->device.fd, cache->handle, &pages);
	if (err) {
		explain_target(session, &target, err);
		return false;
	}
	printf("%s: %" PRIu64 " pages returned\n", cache->name, pages);
	return true;
}

static bool info_one(struct session *session, const struct named_handle *cache)
{
	const struct target target = {
		.action = "show", .name = cache->name, .handle = cache->handle,
	};
	struct memalloc_stats_cache stats;
	size_t known;
	int err;

	err = memalloc_stats_of(session->device.fd, MEMALLOC_SECTION_CACHE,
				cache->handle, &stats, sizeof(stats), &known);
	if (err == -EINVAL) {
		complain("%s is not a cache", cache->name);
		advise("\"info %s\" shows its kind.", cache->name);
		return false;
	}
	if (err) {
		explain_target(session, &target, err);
		return false;
	}
	return statistics_print_cache(&stats, known);
}

static enum status destroy(struct session *session, int argc, char **argv)
{
	static const struct subject subject = {
		"Destroy slab caches. Free their objects first. Only in "
		"\"memallocctl shell\".", "CACHE...", "missing CACHE"
	};

	return handles_for_each(session, argc, argv, &subject, destroy_one);
}

static enum status shrink(struct session *session, int argc, char **argv)
{
	static const struct subject subject = {
		"Return the unused slabs of caches to the page allocator. Only "
		"in \"memallocctl shell\".",
		"CACHE...", "missing CACHE"
	};

	return handles_for_each(session, argc, argv, &subject, shrink_one);
}

static enum status info(struct session *session, int argc, char **argv)
{
	static const struct subject subject = {
		"Show the properties and statistics of slab caches. Only in "
		"\"memallocctl shell\".", "CACHE...", "missing CACHE"
	};

	return handles_for_each(session, argc, argv, &subject, info_one);
}

static enum status list(struct session *session, int argc, char **argv)
{
	static const struct listing listing = {
		"Show all slab caches of the module, including those of other "
		"processes and of kernel code; the table omits kmalloc size "
		"classes that were never used. Same as \"stat caches\".",
		statistics_print_caches, statistics_json_caches
	};

	return statistics_list(session, argc, argv, &listing);
}

static const struct command list_of_commands[] = {
	{ "create", "create a slab cache", COMMAND_SHELL, create, NULL },
	{ "destroy", "destroy a cache without objects", COMMAND_SHELL, destroy, NULL },
	{ "shrink", "return unused slabs to the page allocator", COMMAND_SHELL, shrink, NULL },
	{ "info", "show properties and statistics", COMMAND_SHELL, info, NULL },
	{ "list", "list all caches", COMMAND_ALONE | COMMAND_SHELL, list, NULL },
	{ 0 }
};

const struct subcommands cache_subcommands = {
	"Slab caches.", "\"alloc --cache\" allocates objects.",
	list_of_commands
};
