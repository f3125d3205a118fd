// SPDX-License-Identifier: GPL-2.0
/*
 * Slab caches: create, destroy, shrink, show
 *
 * A command with commands of its own. A cache is a handle with a name like an
 * allocation, and is called in the shell what the user calls it there, or else
 * by the name that the module knows it by.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cache_flags.h"
#include "cmd.h"
#include "command.h"
#include "complaint.h"
#include "explain.h"
#include "names.h"
#include "statistics_json.h"
#include "statistics_table.h"
#include "subcommand.h"

enum {
	KEY_USEROFFSET = 0x1000,
	KEY_USERSIZE,
	KEY_CTOR,
};

/**
 * struct options - the cache that the user wants
 * @create: the cache that is to be created
 * @name: its name
 * @user_given: which part may be copied was given
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
	  "First byte of an object that \"read\" and \"write\" may copy "
	  "(default 0)", 0 },
	{ "usersize", KEY_USERSIZE, "BYTES", 0,
	  "How many bytes they may (default: to the end of the object)", 0 },
	{ "flags", 'f', "LIST", 0, "What the cache is, separated by commas; "
	  "see below", 0 },
	{ "ctor", KEY_CTOR, "NAME", 0,
	  "Constructor: \"none\" (default), \"zero\", or \"count\", the pattern "
	  "of that name with value 0", 0 },
	{ 0 }
};

static const char create_doc[] =
	"Create a slab cache. Only in \"memallocctl shell\"."
	"\v"
	"The kernel log and /proc/memalloc show it as u:NAME. In the shell it "
	"is called NAME, unless there is something in front:\n"
	"\n"
	"    cache create inode --size 600      its name is inode\n"
	"    c = cache create inode --size 600  its name is c\n"
	"    alloc --cache inode --count 10     objects of it\n"
	"\n"
	"LIST may have: hwcache_align, dma, dma32, typesafe_by_rcu, "
	"reclaim_account, no_reap, red_zone, poison, store_user, checks, which "
	"mean what the kernel's SLAB flags of these names mean, and no_reap takes "
	"CAP_SYS_ADMIN; quarantine: what is freed is held back for a while; guard: "
	"now and then an object gets a page of its own. \"cache info\" shows which "
	"of them it has got.";

static error_t parse_bytes(const char *name, const char *arg, uint32_t *value)
{
	uint64_t bytes;

	if (args_size(name, arg, &bytes))
		return EINVAL;
	if (bytes > UINT32_MAX)
		return args_error("%s: %s is more than any object has", name, arg);
	*value = (uint32_t)bytes;
	return 0;
}

static error_t parse_name(const char *arg, struct options *options)
{
	if (options->name)
		return args_error("'%s' is one word too many", arg);
	options->name = arg;
	if (strlen(arg) >= sizeof(options->create.name))
		return args_error("'%s' is too long for the name of a cache: "
				  "%zu characters are the most", arg,
				  sizeof(options->create.name) - 1);
	if (!names_valid(arg))
		return args_error("'%s' cannot be a name: a name has letters, "
				  "digits, '_', '.' and '-' and begins with a "
				  "letter or '_'", arg);
	strcpy(options->create.name, arg);
	return 0;
}

static error_t finish_create(struct options *options)
{
	struct memalloc_cache_create *create = &options->create;

	if (!options->name)
		return args_error("which name shall it have?");
	if (!create->object_size)
		return args_error("which size? Give --size, at least 1");
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
	struct options options = { 0 };
	enum args args = args_parse(&create_argp, argc, argv, 0, &options);
	int err;

	if (args != ARGS_GOOD)
		return args_status(args);
	if (!session_open(session))
		return STATUS_FAILED;
	err = device_cache_create(&session->device, &options.create);
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

static bool destroy_one(struct session *session, const struct reference *cache)
{
	const struct access access = { "destroy", cache->name, cache->handle, 0, 0 };
	struct memalloc_info info = { .handle = cache->handle };
	int err = device_info(&session->device, &info);

	if (!err && info.out_kind != MEMALLOC_KIND_CACHE) {
		complain("%s is no cache", cache->name);
		advise("\"free\" frees what has been allocated.");
		return false;
	}
	if (!err)
		err = device_free(&session->device, cache->handle);
	if (err) {
		explain_access(session, &access, err);
		return false;
	}
	names_remove(&session->names, cache->name, cache->handle);
	return true;
}

static bool shrink_one(struct session *session, const struct reference *cache)
{
	const struct access access = { "shrink", cache->name, cache->handle, 0, 0 };
	uint64_t pages;
	int err;

	err = device_shrink_cache(&session->device, cache->handle, &pages);
	if (err) {
		explain_access(session, &access, err);
		return false;
	}
	printf("%s: %" PRIu64 " pages given back\n", cache->name, pages);
	return true;
}

static bool info_one(struct session *session, const struct reference *cache)
{
	const struct access access = { "show", cache->name, cache->handle, 0, 0 };
	struct memalloc_stats_cache stats;
	size_t known;
	int err;

	err = device_stats_cache(&session->device, cache->handle, &stats, &known);
	if (err == -EINVAL) {
		complain("%s is no cache", cache->name);
		advise("\"info %s\" shows what it is.", cache->name);
		return false;
	}
	if (err) {
		explain_access(session, &access, err);
		return false;
	}
	return statistics_print_cache(&stats, known);
}

static enum status destroy(struct session *session, int argc, char **argv)
{
	static const struct subject subject = {
		"Destroy slab caches; their objects must have been freed. Only "
		"in \"memallocctl shell\".", "CACHE...", "which cache?"
	};

	return subcommand_for_each(session, argc, argv, &subject, destroy_one);
}

static enum status shrink(struct session *session, int argc, char **argv)
{
	static const struct subject subject = {
		"Have slab caches give the pages that they do not need back to "
		"the page allocator. Only in \"memallocctl shell\".",
		"CACHE...", "which cache?"
	};

	return subcommand_for_each(session, argc, argv, &subject, shrink_one);
}

static enum status info(struct session *session, int argc, char **argv)
{
	static const struct subject subject = {
		"Show what a slab cache is, and its figures. Only in "
		"\"memallocctl shell\".", "CACHE...", "which cache?"
	};

	return subcommand_for_each(session, argc, argv, &subject, info_one);
}

static enum status list(struct session *session, int argc, char **argv)
{
	static const struct listing listing = {
		"Show all slab caches of the module, whoever made them; in the "
		"table, size classes of kmalloc only if they have been used. "
		"The same as \"stat caches\".",
		statistics_print_caches, statistics_json_caches
	};

	return subcommand_list(session, argc, argv, &listing);
}

static const struct command list_of_commands[] = {
	{ "create", "create a slab cache", COMMAND_SHELL, create },
	{ "destroy", "destroy it when its objects are freed", COMMAND_SHELL, destroy },
	{ "shrink", "have it give back what it does not need", COMMAND_SHELL, shrink },
	{ "info", "show what it is, and its figures", COMMAND_SHELL, info },
	{ "list", "show all caches there are", COMMAND_ALONE | COMMAND_SHELL, list },
	{ 0 }
};

enum status cmd_cache(struct session *session, int argc, char **argv)
{
	static const struct subcommands subcommands = {
		"Slab caches.", "\"alloc --cache\" allocates objects.",
		list_of_commands
	};

	return subcommand_run(session, &subcommands, argc, argv);
}
