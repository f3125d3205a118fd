// SPDX-License-Identifier: GPL-2.0
/*
 * The command "alloc"
 *
 * Requests that contradict themselves are refused here, in terms of the options
 * that the user typed. The module judges the rest.
 *
 * Outside the shell, allocations are held as long as --hold says and freed
 * before the process exits. In the shell they get names and stay.
 *
 * If one of several allocations fails, the shell keeps and names those before
 * it, so that the user can examine them.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../lib/common.h"

#include "args.h"
#include "command.h"
#include "errors.h"
#include "interrupt.h"
#include "parse.h"
#include "session.h"
#include "target.h"

/* No quota allows more in one command: a larger number is a typing error. */
#define COUNT_MAX 10000000

/**
 * struct options - options of the command
 * @request: request for each allocation
 * @bytes: size to find an order for, or zero
 * @order_given: --order was given
 * @what: option that chose the kind, e.g. "--cache"; NULL for pages
 * @parent: name of the cache or mempool to allocate from, or NULL
 * @count: number of allocations
 * @check: fill each allocation with a pattern of its own and verify it
 * @phys: print physical addresses
 * @quiet: do not print each allocation
 * @batch: use MEMALLOC_BATCH
 * @hold: wait before freeing
 * @for_ever: as for hold()
 * @seconds: as for hold()
 */
struct options {
	struct memalloc_alloc request;
	uint64_t bytes;
	bool order_given;
	const char *what;
	char *parent;
	uint64_t count;
	bool check;
	bool phys;
	bool quiet;
	bool batch;
	bool hold;
	bool for_ever;
	uint64_t seconds;
};

enum {
	KEY_KIND = 0x1000,
	KEY_PHYS,
	KEY_BATCH,
	KEY_CACHE,
	KEY_KMALLOC,
	KEY_BULK,
	KEY_MEMPOOL,
	KEY_PREALLOCATED,
	KEY_PERCPU,
	KEY_ALIGN,
	KEY_AREA,
};

static const struct argp_option option_list[] = {
	{ "order", 'o', "N", 0,
	  "Allocate 2^N contiguous pages, N from 0 to 10 (default 0)", 0 },
	{ "size", 's', "BYTES", 0,
	  "Allocate the lowest order with room for BYTES; K, M, G may follow", 0 },
	{ "kmalloc", KEY_KMALLOC, "BYTES", 0,
	  "Allocate BYTES of kmalloc memory instead of pages; K, M may follow",
	  0 },
	{ "cache", KEY_CACHE, "CACHE", 0,
	  "Allocate an object of this slab cache instead of pages; see \"cache "
	  "create\"", 0 },
	{ "bulk", KEY_BULK, "N", 0,
	  "Allocate N objects of --cache with one bulk call, as one handle",
	  0 },
	{ "mempool", KEY_MEMPOOL, "POOL", 0,
	  "Allocate an element of this mempool instead of pages; see \"mempool "
	  "create\"",
	  0 },
	{ "preallocated", KEY_PREALLOCATED, NULL, 0,
	  "Take an element of --mempool from the reserve only", 0 },
	{ "percpu", KEY_PERCPU, "BYTES", 0,
	  "Allocate BYTES on each CPU instead of pages; K may follow", 0 },
	{ "align", KEY_ALIGN, "BYTES", 0,
	  "Alignment for --percpu, a power of two up to a page", 0 },
	{ "area", KEY_AREA, "BYTES", 0,
	  "Allocate a vmalloc area of BYTES, virtually contiguous, instead of "
	  "pages; K, M, G may follow", 0 },
	{ "kind", KEY_KIND, "KIND", 0,
	  "Only \"pages\" (default); use the options above for other kinds",
	  0 },
	{ "gfp", 'g', "LIST", 0,
	  "GFP mode and modifiers, separated by commas; see below", 0 },
	{ "node", 'n', "N", 0,
	  "Preferred NUMA node (default: node of the current CPU)", 0 },
	{ "count", 'c', "N", 0, "Make N allocations (default 1)", 0 },
	{ "batch", KEY_BATCH, NULL, 0,
	  "Use one system call for many allocations", 0 },
	{ "check", 'C', NULL, 0,
	  "Fill each allocation with a pattern of its own and verify it", 0 },
	{ "phys", KEY_PHYS, NULL, 0,
	  "Print physical addresses (needs CAP_SYS_ADMIN)", 0 },
	{ "quiet", 'q', NULL, 0, "Do not print each allocation", 0 },
	{ "hold", 'H', "SECONDS", OPTION_ARG_OPTIONAL,
	  "Hold the allocations for SECONDS before freeing them; without "
	  "SECONDS, until standard input ends. SIGINT, SIGTERM and SIGHUP end "
	  "the wait. Not in the shell.", 0 },
	{ 0 }
};

static const char doc[] =
	"Allocate memory and print the result."
	"\v"
	"A handle belongs to the process that allocated it, so \"memallocctl "
	"alloc\" frees its allocations at exit; --hold delays that. To work on "
	"an allocation, use \"memallocctl shell\", where it lives until it is "
	"freed:\n"
	"\n"
	"    a = alloc --order 3      allocation a\n"
	"    alloc                    allocation $1, the next one $2\n"
	"    b = alloc --count 4      allocations b.1 to b.4\n"
	"\n"
	"LIST has at most one mode: kernel (default), atomic, nowait, noio, "
	"nofs, user, highuser; and any modifiers: zero, nowarn, noretry, "
	"retry_mayfail, nofail, cold, dma, dma32, highmem, high, thisnode. They "
	"mean the same as the kernel's GFP flags of these names. A number is "
	"taken as a set of GFP bits.";

static error_t parse_kind(const char *arg)
{
	if (strcmp(arg, "pages"))
		return args_error("--kind: unknown kind '%s'; only \"pages\" "
				  "is accepted. Use --kmalloc, --cache, "
				  "--mempool, --percpu or --area for other kinds",
				  arg);
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

/* Compute the order for --size. */
static error_t choose_order(struct options *options)
{
	uint64_t size = (uint64_t)sysconf(_SC_PAGESIZE);
	char most[MEMALLOC_BYTES_MAX];
	unsigned int order = 0;

	if (!options->bytes)
		return 0;
	if (options->order_given)
		return args_error("--order and --size conflict; give only one");
	while (order < MEMALLOC_MAX_ORDER && size << order < options->bytes)
		order++;
	if (size << order < options->bytes)
		return args_error("--size: the maximum is %s",
				  memalloc_format_bytes(size << order, most));
	options->request.order = order;
	return 0;
}

static error_t parse_size(const char *arg, struct options *options)
{
	if (args_size("--size", arg, &options->bytes))
		return EINVAL;
	if (!options->bytes)
		return args_error("--size: must be at least 1");
	return 0;
}

/* At most one option chooses the kind; without one it is pages. */
static error_t choose_kind(struct options *options, const char *option,
			   uint32_t kind)
{
	if (options->what)
		return args_error("%s and %s conflict; give only one",
				  options->what, option);
	options->what = option;
	options->request.kind = kind;
	return 0;
}

static error_t choose_bytes(const char *arg, struct options *options,
			    const char *option, uint32_t kind)
{
	uint64_t bytes;

	if (args_size(option, arg, &bytes) || choose_kind(options, option, kind))
		return EINVAL;
	options->request.bytes = bytes;
	return 0;
}

static error_t parse_kmalloc(const char *arg, struct options *options)
{
	uint64_t most = (uint64_t)sysconf(_SC_PAGESIZE) << MEMALLOC_MAX_ORDER;
	char text[MEMALLOC_BYTES_MAX];

	if (choose_bytes(arg, options, "--kmalloc", MEMALLOC_KIND_KMALLOC))
		return EINVAL;
	if (options->request.bytes > most)
		return args_error("--kmalloc: the maximum is %s",
				  memalloc_format_bytes(most, text));
	return 0;
}

static error_t parse_percpu(const char *arg, struct options *options)
{
	if (choose_bytes(arg, options, "--percpu", MEMALLOC_KIND_PERCPU))
		return EINVAL;
	if (!options->request.bytes)
		return args_error("--percpu: must be at least 1");
	return 0;
}

static error_t parse_area(const char *arg, struct options *options)
{
	uint64_t most = (uint64_t)sysconf(_SC_PAGESIZE) * MEMALLOC_AREA_PAGES_MAX;
	char text[MEMALLOC_BYTES_MAX];

	if (choose_bytes(arg, options, "--area", MEMALLOC_KIND_AREA))
		return EINVAL;
	if (!options->request.bytes)
		return args_error("--area: must be at least 1");
	if (options->request.bytes > most)
		return args_error("--area: the maximum is %s",
				  memalloc_format_bytes(most, text));
	return 0;
}

static error_t parse_align(const char *arg, struct options *options)
{
	uint64_t align;

	if (args_size("--align", arg, &align))
		return EINVAL;
	if (!align || align & (align - 1) ||
	    align > (uint64_t)sysconf(_SC_PAGESIZE))
		return args_error("--align: must be a power of two, at most a "
				  "page");
	options->request.align = align;
	return 0;
}

static error_t parse_bulk(const char *arg, struct options *options)
{
	uint64_t count;

	if (args_number("--bulk", arg, MEMALLOC_COUNT_MAX, &count))
		return EINVAL;
	if (!count)
		return args_error("--bulk: must be 1 to %u",
				  MEMALLOC_COUNT_MAX);
	options->request.count = (uint32_t)count;
	return 0;
}

/* Some options are valid for one kind only. */
static error_t check_kind(const struct options *options)
{
	const struct memalloc_alloc *request = &options->request;

	if (options->what && (options->order_given || options->bytes))
		return args_error("--order and --size are for pages only; %s "
				  "determines the size",
				  request->kind == MEMALLOC_KIND_OBJECT ?
				  "the cache" :
				  request->kind == MEMALLOC_KIND_ELEMENT ?
				  "the mempool" : options->what);
	if (request->count && request->kind != MEMALLOC_KIND_OBJECT)
		return args_error("--bulk is for objects: give --cache, or use "
				  "--count");
	if (request->flags && request->kind != MEMALLOC_KIND_ELEMENT)
		return args_error("--preallocated is for elements: give "
				  "--mempool");
	if (request->align && request->kind != MEMALLOC_KIND_PERCPU)
		return args_error("--align is for per-CPU areas: give --percpu");
	return 0;
}

static error_t parse_count(const char *arg, struct options *options)
{
	if (args_number("--count", arg, COUNT_MAX, &options->count))
		return EINVAL;
	if (!options->count)
		return args_error("--count: must be 1 to %u",
				  COUNT_MAX);
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
		options->parent = arg;
		return choose_kind(options, "--cache", MEMALLOC_KIND_OBJECT);
	case KEY_MEMPOOL:
		options->parent = arg;
		return choose_kind(options, "--mempool", MEMALLOC_KIND_ELEMENT);
	case KEY_PREALLOCATED:
		options->request.flags |= MEMALLOC_ALLOC_PREALLOCATED;
		return 0;
	case KEY_PERCPU:
		return parse_percpu(arg, options);
	case KEY_ALIGN:
		return parse_align(arg, options);
	case KEY_AREA:
		return parse_area(arg, options);
	case KEY_BULK:
		return parse_bulk(arg, options);
	case 'g':
		return parse_gfp(arg, options);
	case 'n':
		return args_node(arg, &options->request.node);
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
		return args_error("unexpected argument '%s'", arg);
	case ARGP_KEY_END:
		return check_kind(options) ? EINVAL : choose_order(options);
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp argp = { option_list, parse, NULL, doc, 0, 0, 0 };

static enum args parse_options(int argc, char **argv, struct options *options)
{
	*options = (struct options) {
		.request = {
			.size = sizeof(options->request),
			.kind = MEMALLOC_KIND_PAGES,
			.node = -1,
		},
		.count = 1,
	};
	return args_parse(&argp, argc, argv, 0, options);
}

/**
 * struct run - one run of the command
 * @session: the session
 * @options: parsed options
 * @allocs: request and result of each allocation
 * @names: name of each allocation in the shell, else NULL
 * @count: number of allocations made
 */
struct run {
	struct session *session;
	const struct options *options;
	struct memalloc_alloc *allocs;
	const char **names;
	size_t count;
};

/* In the shell: name of allocation @i; NULL stands for $NUMBER. */
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

/* Name the last allocation; free it if that fails. */
static bool keep_last(struct run *run)
{
	struct session *session = run->session;
	uint64_t handle = run->allocs[run->count].out_handle;
	const struct named_handle *entry = NULL;
	char *name;

	if (!session->in_shell) {
		run->count++;
		return true;
	}
	if (name_of(run, run->count, &name)) {
		complain("out of memory");
		memalloc_free(session->device.fd, handle);
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

		if (interrupt_stops())
			return false;
		*alloc = options->request;
		err = memalloc_alloc(run->session->device.fd, alloc);
		if (err) {
			explain_alloc(run->session, alloc, err);
			return false;
		}
		if (!keep_last(run))
			return false;
	}
	return true;
}

/* Allocate one batch: at most MEMALLOC_BATCH_MAX of those still missing. */
static bool allocate_batch(struct run *run)
{
	static struct memalloc_batch_op ops[MEMALLOC_BATCH_MAX];
	struct memalloc_alloc *allocs = &run->allocs[run->count];
	size_t count = run->options->count - run->count, done = 0, i;
	bool good = true;
	int err;

	if (count > MEMALLOC_BATCH_MAX)
		count = MEMALLOC_BATCH_MAX;
	for (i = 0; i < count; i++) {
		allocs[i] = run->options->request;
		ops[i].cmd = MEMALLOC_ALLOC;
		ops[i].out_errno = 0;
		ops[i].arg = (uintptr_t)&allocs[i];
	}
	err = memalloc_batch(run->session->device.fd, ops, count, 0, &done);
	for (i = 0; i < done; i++) {
		if (ops[i].out_errno) {
			err = -ops[i].out_errno;
			break;
		}
		if (good)
			good = keep_last(run);
		else
			memalloc_free(run->session->device.fd, allocs[i].out_handle);
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
		if (interrupt_stops() || !allocate_batch(run))
			return false;
	return true;
}

static const char *shown_name(const struct run *run, size_t i)
{
	return run->names ? run->names[i] : "the allocation";
}

/* Value of the pattern of allocation @i: no two allocations share a word. */
static uint64_t value_of(size_t i)
{
	return (uint64_t)(i + 1) << 32;
}

static struct target target_of(const struct run *run, const char *action,
			       size_t i)
{
	struct target target = {
		.action = action,
		.name = shown_name(run, i),
		.handle = run->allocs[i].out_handle,
		.length = run->allocs[i].out_bytes,
	};

	return target;
}

static bool fill_all(const struct run *run)
{
	size_t i;

	for (i = 0; i < run->count; i++) {
		const struct target target = target_of(run, "fill", i);
		int err = interrupt_stops() ? -EINTR :
			  memalloc_fill(run->session->device.fd, target.handle, 0,
					target.length, MEMALLOC_PATTERN_COUNT,
					value_of(i));

		if (err) {
			explain_target(run->session, &target, err);
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
		const struct target target = target_of(run, "verify", i);
		uint64_t same;
		int err = interrupt_stops() ? -EINTR :
			  memalloc_verify(run->session->device.fd, target.handle, 0,
					  target.length, MEMALLOC_PATTERN_COUNT,
					  value_of(i), &same);

		if (err == -EILSEQ) {
			complain("%s (handle 0x%" PRIx64 "): the pattern is "
				 "damaged from offset %" PRIu64 " on",
				 target.name, target.handle, same);
			good = false;
		} else if (err) {
			explain_target(run->session, &target, err);
			return false;
		}
	}
	return good;
}

static void print_kind(const struct memalloc_info *info)
{
	switch (info->out_kind) {
	case MEMALLOC_KIND_OBJECT:
		printf("%u of cache %s, ", info->out_count, info->out_name);
		break;
	case MEMALLOC_KIND_ELEMENT:
		printf("element, %llu held, ", info->out_held);
		break;
	case MEMALLOC_KIND_PERCPU:
		printf("on each of %u CPUs, ", info->out_count);
		break;
	case MEMALLOC_KIND_AREA:
		printf("area, %llu held, ", info->out_held);
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
		.size = sizeof(info),
		.handle = alloc->out_handle,
		.flags = phys ? MEMALLOC_INFO_PHYS : 0,
	};
	int err = memalloc_info(run->session->device.fd, &info);

	if (err) {
		explain_command(run->session, phys ?
				"ask for the physical address" :
				"query the allocation", err);
		return false;
	}
	if (run->names)
		printf("%s = ", run->names[i]);
	printf("0x%016llx: ", alloc->out_handle);
	print_kind(&info);
	printf("%llu bytes", info.out_bytes);
	if (info.out_node >= 0)
		printf(", zone %s, node %d", memalloc_zone_name(info.out_zone),
		       info.out_node);
	if (phys)
		printf(", physical 0x%llx", info.out_phys);
	putchar('\n');
	return true;
}

static bool print_all(const struct run *run)
{
	char text[MEMALLOC_BYTES_MAX];
	uint64_t bytes = 0;
	size_t i;

	for (i = 0; i < run->count; i++) {
		bytes += run->allocs[i].out_bytes;
		if (!run->options->quiet && !interrupt_stops() &&
		    !print_one(run, i))
			return false;
	}
	if (run->options->count > 1)
		printf("%zu of %" PRIu64 " allocations made, %s\n", run->count,
		       run->options->count, memalloc_format_bytes(bytes, text));
	fflush(stdout);
	return true;
}

static bool free_all(const struct run *run)
{
	bool good = true;
	size_t i;

	for (i = 0; i < run->count; i++) {
		const struct target target = {
			.action = "free", .name = shown_name(run, i),
			.handle = run->allocs[i].out_handle,
		};
		int err = memalloc_free(run->session->device.fd,
					run->allocs[i].out_handle);

		if (err) {
			explain_target(run->session, &target, err);
			good = false;
		}
	}
	return good;
}

/* Attempt every step, even after an earlier one failed. */
static bool run_steps(struct run *run)
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

/* Find the cache or mempool to allocate from. */
static bool find_parent(const struct session *session,
			struct options *options)
{
	if (!options->parent)
		return true;
	return handle_find(session, options->parent,
			   options->request.kind == MEMALLOC_KIND_ELEMENT ?
			   "mempools" : "caches",
			   (uint64_t *)&options->request.parent);
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
		good = run_steps(&run);
	free(run.allocs);
	free(run.names);
	return good ? STATUS_OK : STATUS_FAILED;
}

enum status cmd_alloc(struct session *session, int argc, char **argv)
{
	struct options options;
	enum args args = parse_options(argc, argv, &options);

	if (args != ARGS_GOOD)
		return args_status(args);
	if (options.hold && session->in_shell) {
		complain("--hold is not available in the shell, which keeps "
			 "each allocation until it is freed");
		return STATUS_USAGE;
	}
	if (options.parent && !session->in_shell) {
		complain("%s: this process has no caches or mempools, as they "
			 "belong to the process that creates them",
			 options.what);
		advise("Use \"cache create\" or \"mempool create\" and \"alloc\" "
		       "in \"memallocctl shell\".");
		return STATUS_USAGE;
	}
	if (!session_open(session) || !find_parent(session, &options))
		return STATUS_FAILED;
	return run_options(session, &options);
}
