// SPDX-License-Identifier: GPL-2.0
/*
 * Allocate
 *
 * Outside the shell all that has been allocated is freed again at the end,
 * after having been held for as long as the user wants. In the shell it gets
 * names and stays.
 *
 * If one of several fails, those before it were good. In the shell they stay,
 * named, since they are what the user would look at to find out why.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd.h"
#include "command.h"
#include "complaint.h"
#include "explain.h"
#include "gfp.h"
#include "hold.h"
#include "number.h"
#include "reference.h"

/* More in one command than any quota allows is a slip of the finger. */
#define COUNT_MAX 10000000

enum {
	KEY_KIND = 0x1000,
	KEY_PHYS,
	KEY_BATCH,
	KEY_CACHE,
	KEY_KMALLOC,
	KEY_BULK,
};

/**
 * struct options - what the user wants
 * @request: of each allocation
 * @bytes: the size to find an order for, or zero
 * @order_given: the order was given
 * @cache: what the user calls the cache, or NULL
 * @kmalloc: bytes of kmalloc are wanted
 * @count: how many allocations
 * @check: fill each with a pattern of its own and verify it
 * @phys: print physical addresses
 * @quiet: do not print each of them
 * @batch: with MEMALLOC_BATCH
 * @hold: hold them before freeing
 * @for_ever: as for hold()
 * @seconds: as for hold()
 */
struct options {
	struct memalloc_alloc request;
	uint64_t bytes;
	bool order_given;
	char *cache;
	bool kmalloc;
	uint64_t count;
	bool check;
	bool phys;
	bool quiet;
	bool batch;
	bool hold;
	bool for_ever;
	uint64_t seconds;
};

/**
 * struct run - the allocations of one command
 * @session: the session
 * @options: what the user wants
 * @allocs: of each, what was asked and what came
 * @names: in the shell, what each is called; else NULL
 * @count: how many there are
 */
struct run {
	struct session *session;
	const struct options *options;
	struct memalloc_alloc *allocs;
	const char **names;
	size_t count;
};

static const struct argp_option option_list[] = {
	{ "order", 'o', "N", 0,
	  "2^N contiguous pages, N from 0 to 10 (default 0)", 0 },
	{ "size", 's', "BYTES", 0,
	  "The lowest order with so many bytes; K, M, G may follow", 0 },
	{ "kmalloc", KEY_KMALLOC, "BYTES", 0,
	  "So many bytes of kmalloc instead of pages; K, M may follow", 0 },
	{ "cache", KEY_CACHE, "CACHE", 0,
	  "An object of this slab cache instead of pages; see \"cache "
	  "create\"", 0 },
	{ "bulk", KEY_BULK, "N", 0,
	  "With --cache: N objects with one handle, by one bulk call", 0 },
	{ "kind", KEY_KIND, "KIND", 0,
	  "What to allocate: \"pages\" (default); see --kmalloc and --cache "
	  "for what else there is", 0 },
	{ "gfp", 'g', "LIST", 0,
	  "How it may behave, separated by commas; see below", 0 },
	{ "node", 'n', "N", 0,
	  "NUMA node to prefer (default: that of the CPU this runs on)", 0 },
	{ "count", 'c', "N", 0, "So many of them (default 1)", 0 },
	{ "batch", KEY_BATCH, NULL, 0,
	  "Many in one system call instead of one in each", 0 },
	{ "check", 'C', NULL, 0,
	  "Fill each with a pattern of its own and verify it", 0 },
	{ "phys", KEY_PHYS, NULL, 0,
	  "Print physical addresses (needs CAP_SYS_ADMIN)", 0 },
	{ "quiet", 'q', NULL, 0, "Do not print each of them", 0 },
	{ "hold", 'H', "SECONDS", OPTION_ARG_OPTIONAL,
	  "Hold them for so long; without SECONDS until standard input ends, "
	  "or SIGINT, SIGTERM or SIGHUP comes. Not in the shell.", 0 },
	{ 0 }
};

static const char doc[] =
	"Allocate memory and print what came."
	"\v"
	"A handle belongs to the process that allocated it. So \"memallocctl "
	"alloc\" frees all at its end; --hold delays that. To do more with an "
	"allocation, use \"memallocctl shell\", where it stays:\n"
	"\n"
	"    a = alloc --order 3      its name is a\n"
	"    alloc                    its name is $1, the next one's $2\n"
	"    b = alloc --count 4      their names are b.1 to b.4\n"
	"\n"
	"LIST has at most one mode: kernel (default), atomic, nowait, noio, "
	"nofs, user, highuser; and any modifiers: zero, nowarn, noretry, "
	"retry_mayfail, nofail, cold, dma, dma32, highmem, high, thisnode. They "
	"mean what the kernel's GFP flags of these names mean. A number stands "
	"for its bits.";

static error_t parse_kind(const char *arg)
{
	if (strcmp(arg, "pages"))
		return args_error("--kind: there is no kind '%s'; there "
				  "is \"pages\"; use --kmalloc BYTES or --cache "
				  "CACHE for the others", arg);
	return 0;
}

static error_t parse_order(const char *arg, struct options *options)
{
	uint64_t order;

	if (args_number("--order", arg, MEMALLOC_MAX_ORDER, &order))
		return EINVAL;
	options->request.order = (uint32_t)order;
	options->order_given = true;
	return 0;
}

static error_t parse_node(const char *arg, struct options *options)
{
	uint64_t node;

	if (args_number("--node", arg, INT32_MAX, &node))
		return EINVAL;
	options->request.node = (int32_t)node;
	return 0;
}

static error_t parse_hold(const char *arg, struct options *options)
{
	options->hold = true;
	options->for_ever = !arg;
	return arg ? args_number("--hold", arg, HOLD_SECONDS_MAX,
				 &options->seconds) : 0;
}

static error_t parse_gfp(const char *arg, struct options *options)
{
	return gfp_parse(arg, &options->request.gfp) ? 0 : EINVAL;
}

/* The order for --size. */
static error_t choose_order(struct options *options)
{
	uint64_t size = (uint64_t)sysconf(_SC_PAGESIZE);
	char most[NUMBER_BYTES_MAX];
	unsigned int order = 0;

	if (!options->bytes)
		return 0;
	if (options->order_given)
		return args_error("--order and --size both say how "
				  "large; give only one");
	while (order < MEMALLOC_MAX_ORDER && size << order < options->bytes)
		order++;
	if (size << order < options->bytes)
		return args_error("--size: the most that can be "
				  "allocated at once is %s",
				  number_format_bytes(size << order, most));
	options->request.order = order;
	return 0;
}

static error_t parse_size(const char *arg, struct options *options)
{
	if (args_size("--size", arg, &options->bytes))
		return EINVAL;
	if (!options->bytes)
		return args_error("--size: there is no allocation of 0 "
				  "bytes");
	return 0;
}

static error_t parse_kmalloc(const char *arg, struct options *options)
{
	uint64_t most = (uint64_t)sysconf(_SC_PAGESIZE) << MEMALLOC_MAX_ORDER;
	char text[NUMBER_BYTES_MAX];
	uint64_t bytes;

	if (args_size("--kmalloc", arg, &bytes))
		return EINVAL;
	if (bytes > most)
		return args_error("--kmalloc: the most that can be allocated "
				  "at once is %s", number_format_bytes(most, text));
	options->kmalloc = true;
	options->request.kind = MEMALLOC_KIND_KMALLOC;
	options->request.bytes = bytes;
	return 0;
}

static error_t parse_bulk(const char *arg, struct options *options)
{
	uint64_t count;

	if (args_number("--bulk", arg, MEMALLOC_COUNT_MAX, &count))
		return EINVAL;
	if (!count)
		return args_error("--bulk: 0 of them would be nothing to do");
	options->request.count = (uint32_t)count;
	return 0;
}

/* What says how large pages are goes with nothing else. */
static error_t check_kind(const struct options *options)
{
	if (options->cache && options->kmalloc)
		return args_error("--cache and --kmalloc both say what to "
				  "allocate; give only one");
	if ((options->cache || options->kmalloc) &&
	    (options->order_given || options->bytes))
		return args_error("--order and --size are for pages; %s says "
				  "how large it is", options->cache ?
				  "the cache" : "--kmalloc");
	if (options->request.count && !options->cache)
		return args_error("--bulk is for objects: give --cache, or use "
				  "--count");
	return 0;
}

static error_t parse_count(const char *arg, struct options *options)
{
	if (args_number("--count", arg, COUNT_MAX, &options->count))
		return EINVAL;
	if (!options->count)
		return args_error("--count: 0 of them would be nothing "
				  "to do");
	return 0;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct options *options = state->input;

	switch (key) {
	case 'o':
		return parse_order(arg, options);
	case 's':
		return parse_size(arg, options);
	case KEY_KIND:
		return parse_kind(arg);
	case KEY_KMALLOC:
		return parse_kmalloc(arg, options);
	case KEY_CACHE:
		options->request.kind = MEMALLOC_KIND_OBJECT;
		options->cache = arg;
		return 0;
	case KEY_BULK:
		return parse_bulk(arg, options);
	case 'g':
		return parse_gfp(arg, options);
	case 'n':
		return parse_node(arg, options);
	case 'c':
		return parse_count(arg, options);
	case KEY_BATCH:
		options->batch = true;
		return 0;
	case 'C':
		options->check = true;
		return 0;
	case KEY_PHYS:
		options->phys = true;
		return 0;
	case 'q':
		options->quiet = true;
		return 0;
	case 'H':
		return parse_hold(arg, options);
	case ARGP_KEY_ARG:
		return args_error("'%s' is one word too many", arg);
	case ARGP_KEY_END:
		return check_kind(options) ? EINVAL : choose_order(options);
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp argp = { option_list, parse, NULL, doc, 0, 0, 0 };

/* In the shell: what allocation number i is to be called; NULL: $NUMBER */
static int name_of(const struct run *run, size_t i, char **name)
{
	const char *base = run->session->new_name;

	*name = NULL;
	if (!base)
		return 0;
	if (run->options->count == 1)
		*name = strdup(base);
	else if (asprintf(name, "%s.%zu", base, i + 1) < 0)
		*name = NULL;
	return *name ? 0 : -1;
}

/* What has just been allocated gets its name, or is freed. */
static bool keep(struct run *run)
{
	struct session *session = run->session;
	uint64_t handle = run->allocs[run->count].out_handle;
	const struct allocation *entry = NULL;
	char *name;

	if (!session->in_shell) {
		run->count++;
		return true;
	}
	if (name_of(run, run->count, &name)) {
		complain("out of memory");
		device_free(&session->device, handle);
		return false;
	}
	entry = session_keep(session, name, handle);
	if (entry)
		run->names[run->count++] = entry->name;
	free(name);
	return entry;
}

static bool allocate_each(struct run *run)
{
	const struct options *options = run->options;
	int err;

	while (run->count < options->count) {
		struct memalloc_alloc *alloc = &run->allocs[run->count];

		*alloc = options->request;
		err = device_alloc(&run->session->device, alloc);
		if (err) {
			explain_alloc(run->session, alloc, err);
			return false;
		}
		if (!keep(run))
			return false;
	}
	return true;
}

/* One batch; up to MEMALLOC_BATCH_MAX of those that are still to be made. */
static bool allocate_batch(struct run *run)
{
	static struct memalloc_batch_op ops[MEMALLOC_BATCH_MAX];
	struct memalloc_alloc *allocs = &run->allocs[run->count];
	size_t count = run->options->count - run->count, done, i;
	bool good = true;
	int err;

	if (count > MEMALLOC_BATCH_MAX)
		count = MEMALLOC_BATCH_MAX;
	for (i = 0; i < count; i++) {
		allocs[i] = run->options->request;
		allocs[i].size = sizeof(*allocs);
		ops[i].cmd = MEMALLOC_ALLOC;
		ops[i].out_errno = 0;
		ops[i].arg = (uintptr_t)&allocs[i];
	}
	err = device_batch(&run->session->device, ops, count, false, &done);
	for (i = 0; i < done; i++) {
		if (ops[i].out_errno) {
			err = -ops[i].out_errno;
			break;
		}
		if (good)
			good = keep(run);
		else
			device_free(&run->session->device, allocs[i].out_handle);
	}
	if (good && err)
		explain_alloc(run->session, &run->options->request, err);
	return good && !err;
}

static bool allocate(struct run *run)
{
	if (!run->options->batch)
		return allocate_each(run);
	while (run->count < run->options->count)
		if (!allocate_batch(run))
			return false;
	return true;
}

static const char *name_at(const struct run *run, size_t i)
{
	return run->names ? run->names[i] : "the allocation";
}

/* The pattern of allocation number i: no two have a word in common. */
static struct memalloc_pattern_io pattern_of(const struct run *run, size_t i)
{
	struct memalloc_pattern_io io = {
		.handle = run->allocs[i].out_handle,
		.length = run->allocs[i].out_bytes,
		.value = (uint64_t)(i + 1) << 32,
		.pattern = MEMALLOC_PATTERN_COUNT,
	};

	return io;
}

static bool fill_all(const struct run *run)
{
	size_t i;

	for (i = 0; i < run->count; i++) {
		struct memalloc_pattern_io io = pattern_of(run, i);
		struct access access = {
			"fill", name_at(run, i), io.handle, 0, io.length
		};
		int err = device_fill(&run->session->device, &io);

		if (err) {
			explain_access(run->session, &access, err);
			return false;
		}
	}
	return true;
}

static bool verify_all(const struct run *run)
{
	bool good = true;
	size_t i;

	for (i = 0; i < run->count; i++) {
		struct memalloc_pattern_io io = pattern_of(run, i);
		struct access access = {
			"verify", name_at(run, i), io.handle, 0, io.length
		};
		int err = device_verify(&run->session->device, &io);

		if (err) {
			explain_access(run->session, &access, err);
			return false;
		}
		if (io.out_done != io.length) {
			complain("%s (handle 0x%llx): the pattern that was "
				 "written is gone from offset %llu on",
				 name_at(run, i), io.handle, io.out_done);
			good = false;
		}
	}
	return good;
}

static void print_what(const struct memalloc_info *info)
{
	switch (info->out_kind) {
	case MEMALLOC_KIND_OBJECT:
		printf("%u of cache %s, ", info->out_count, info->out_name);
		break;
	case MEMALLOC_KIND_KMALLOC:
		printf("kmalloc, %llu held%s%s, ", info->out_held,
		       *info->out_name ? " in " : "", info->out_name);
		break;
	default:
		printf("order %u, ", info->out_order);
	}
}

static bool print_one(const struct run *run, size_t i)
{
	const struct memalloc_alloc *alloc = &run->allocs[i];
	bool phys = run->options->phys;
	struct memalloc_info info = {
		.handle = alloc->out_handle,
		.flags = phys ? MEMALLOC_INFO_PHYS : 0,
	};
	int err = device_info(&run->session->device, &info);

	if (err) {
		explain_command(run->session, phys ?
				"ask for the physical address" :
				"ask where the allocation lies", err);
		return false;
	}
	if (run->names)
		printf("%s = ", run->names[i]);
	printf("0x%016llx: ", alloc->out_handle);
	print_what(&info);
	printf("%llu bytes", info.out_bytes);
	if (info.out_node >= 0)
		printf(", zone %s, node %d", device_zone_name(info.out_zone),
		       info.out_node);
	if (phys)
		printf(", physical 0x%llx", info.out_phys);
	putchar('\n');
	return true;
}

static bool print_all(const struct run *run)
{
	char text[NUMBER_BYTES_MAX];
	uint64_t bytes = 0;
	size_t i;

	for (i = 0; i < run->count; i++) {
		bytes += run->allocs[i].out_bytes;
		if (!run->options->quiet && !print_one(run, i))
			return false;
	}
	if (run->options->count > 1)
		printf("%zu of %" PRIu64 " allocations made, %s\n", run->count,
		       run->options->count, number_format_bytes(bytes, text));
	fflush(stdout);
	return true;
}

static bool free_all(const struct run *run)
{
	bool good = true;
	size_t i;

	for (i = 0; i < run->count; i++) {
		struct access access = {
			"free", name_at(run, i), run->allocs[i].out_handle, 0, 0
		};
		int err = device_free(&run->session->device,
				      run->allocs[i].out_handle);

		if (err) {
			explain_access(run->session, &access, err);
			good = false;
		}
	}
	return good;
}

/* Each step that can still be done is done, whatever came before. */
static bool carry_out(struct run *run)
{
	const struct options *options = run->options;
	bool good;

	good = allocate(run);
	good = print_all(run) && good;
	if (options->check)
		good = fill_all(run) && verify_all(run) && good;
	if (run->session->in_shell)
		return good;
	if (good && options->hold)
		good = hold(options->for_ever, options->seconds);
	if (good && options->hold && options->check)
		good = verify_all(run);
	return free_all(run) && good;
}

/* The cache that the user means. */
static bool find_cache(const struct session *session, struct options *options)
{
	struct references references;
	bool good;

	if (!options->cache)
		return true;
	if (!references_find(session, &options->cache, 1, &references))
		return false;
	good = references.count == 1;
	if (good)
		options->request.parent = references.list[0].handle;
	else
		complain("'%s' means %zu caches; give one", options->cache,
			 references.count);
	references_free(&references);
	return good;
}

static enum status run_options(struct session *session,
			       const struct options *options)
{
	struct run run = { .session = session, .options = options };
	bool good = false;

	run.allocs = calloc(options->count, sizeof(*run.allocs));
	if (session->in_shell)
		run.names = calloc(options->count, sizeof(*run.names));
	if (!run.allocs || (session->in_shell && !run.names))
		complain("out of memory");
	else
		good = carry_out(&run);
	free(run.allocs);
	free(run.names);
	return good ? STATUS_OK : STATUS_FAILED;
}

enum status cmd_alloc(struct session *session, int argc, char **argv)
{
	struct options options = {
		.request = { .kind = MEMALLOC_KIND_PAGES, .node = -1 },
		.count = 1,
	};
	enum args args = args_parse(&argp, argc, argv, 0, &options);

	if (args != ARGS_GOOD)
		return args_status(args);
	if (options.hold && session->in_shell) {
		complain("--hold is not for the shell, where all is held until "
			 "it is freed or the shell ends");
		return STATUS_USAGE;
	}
	if (options.cache && !session->in_shell) {
		complain("--cache: a cache belongs to the process that created "
			 "it, so there is none here");
		advise("Use \"cache create\" and \"alloc\" in \"memallocctl "
		       "shell\".");
		return STATUS_USAGE;
	}
	if (!session_open(session) || !find_cache(session, &options))
		return STATUS_FAILED;
	return run_options(session, &options);
}
