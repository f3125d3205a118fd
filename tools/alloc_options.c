// SPDX-License-Identifier: GPL-2.0
/*
 * What the user wants allocated
 *
 * What makes no sense by itself is refused here, with the words that the user
 * wrote; what the module has to say about it is left to the module.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "alloc_options.h"
#include "complaint.h"
#include "gfp.h"
#include "hold.h"
#include "number.h"

/* More in one command than any quota allows is a slip of the finger. */
#define COUNT_MAX 10000000

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
	{ "mempool", KEY_MEMPOOL, "POOL", 0,
	  "An element of this mempool instead of pages; see \"mempool create\"",
	  0 },
	{ "preallocated", KEY_PREALLOCATED, NULL, 0,
	  "With --mempool: one of those that it has, or none", 0 },
	{ "percpu", KEY_PERCPU, "BYTES", 0,
	  "So many bytes on each CPU instead of pages; K may follow", 0 },
	{ "align", KEY_ALIGN, "BYTES", 0,
	  "With --percpu: their alignment, a power of two up to a page", 0 },
	{ "area", KEY_AREA, "BYTES", 0,
	  "An area of so many bytes, contiguous for the kernel but not in "
	  "memory, instead of pages; K, M, G may follow", 0 },
	{ "kind", KEY_KIND, "KIND", 0,
	  "What to allocate: \"pages\" (default); the options above say what "
	  "else there is", 0 },
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
		return args_error("--kind: there is no kind '%s'; there is "
				  "\"pages\"; use --kmalloc, --cache, --mempool, "
				  "--percpu or --area for the others", arg);
	return 0;
}

static error_t parse_order(const char *arg, struct alloc_options *options)
{
	uint64_t order;

	if (args_number("--order", arg, MEMALLOC_MAX_ORDER, &order))
		return EINVAL;
	options->request.order = (uint32_t)order;
	options->order_given = true;
	return 0;
}

static error_t parse_node(const char *arg, struct alloc_options *options)
{
	uint64_t node;

	if (args_number("--node", arg, INT32_MAX, &node))
		return EINVAL;
	options->request.node = (int32_t)node;
	return 0;
}

static error_t parse_hold(const char *arg, struct alloc_options *options)
{
	options->hold = true;
	options->for_ever = !arg;
	return arg ? args_number("--hold", arg, HOLD_SECONDS_MAX,
				 &options->seconds) : 0;
}

static error_t parse_gfp(const char *arg, struct alloc_options *options)
{
	return gfp_parse(arg, &options->request.gfp) ? 0 : EINVAL;
}

/* The order for --size. */
static error_t choose_order(struct alloc_options *options)
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

static error_t parse_size(const char *arg, struct alloc_options *options)
{
	if (args_size("--size", arg, &options->bytes))
		return EINVAL;
	if (!options->bytes)
		return args_error("--size: there is no allocation of 0 "
				  "bytes");
	return 0;
}

/* One option says what to allocate, or none: pages. */
static error_t choose_kind(struct alloc_options *options, const char *option,
			   uint32_t kind)
{
	if (options->what)
		return args_error("%s and %s both say what to allocate; give "
				  "only one", options->what, option);
	options->what = option;
	options->request.kind = kind;
	return 0;
}

static error_t choose_bytes(const char *arg, struct alloc_options *options,
			    const char *option, uint32_t kind)
{
	uint64_t bytes;

	if (args_size(option, arg, &bytes) || choose_kind(options, option, kind))
		return EINVAL;
	options->request.bytes = bytes;
	return 0;
}

static error_t parse_kmalloc(const char *arg, struct alloc_options *options)
{
	uint64_t most = (uint64_t)sysconf(_SC_PAGESIZE) << MEMALLOC_MAX_ORDER;
	char text[NUMBER_BYTES_MAX];

	if (choose_bytes(arg, options, "--kmalloc", MEMALLOC_KIND_KMALLOC))
		return EINVAL;
	if (options->request.bytes > most)
		return args_error("--kmalloc: the most that can be allocated "
				  "at once is %s", number_format_bytes(most, text));
	return 0;
}

static error_t parse_percpu(const char *arg, struct alloc_options *options)
{
	if (choose_bytes(arg, options, "--percpu", MEMALLOC_KIND_PERCPU))
		return EINVAL;
	if (!options->request.bytes)
		return args_error("--percpu: there is no allocation of 0 bytes");
	return 0;
}

static error_t parse_area(const char *arg, struct alloc_options *options)
{
	uint64_t most = (uint64_t)sysconf(_SC_PAGESIZE) * MEMALLOC_AREA_PAGES_MAX;
	char text[NUMBER_BYTES_MAX];

	if (choose_bytes(arg, options, "--area", MEMALLOC_KIND_AREA))
		return EINVAL;
	if (!options->request.bytes)
		return args_error("--area: there is no allocation of 0 bytes");
	if (options->request.bytes > most)
		return args_error("--area: the most that can be allocated at "
				  "once is %s", number_format_bytes(most, text));
	return 0;
}

static error_t parse_align(const char *arg, struct alloc_options *options)
{
	uint64_t align;

	if (args_size("--align", arg, &align))
		return EINVAL;
	if (!align || align & (align - 1) ||
	    align > (uint64_t)sysconf(_SC_PAGESIZE))
		return args_error("--align: a power of two, up to a page");
	options->request.align = align;
	return 0;
}

static error_t parse_bulk(const char *arg, struct alloc_options *options)
{
	uint64_t count;

	if (args_number("--bulk", arg, MEMALLOC_COUNT_MAX, &count))
		return EINVAL;
	if (!count)
		return args_error("--bulk: 0 of them would be nothing to do");
	options->request.count = (uint32_t)count;
	return 0;
}

/* What says how large pages are goes with nothing else, and so on. */
static error_t check_kind(const struct alloc_options *options)
{
	const struct memalloc_alloc *request = &options->request;

	if (options->what && (options->order_given || options->bytes))
		return args_error("--order and --size are for pages; %s says "
				  "how large it is",
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

static error_t parse_count(const char *arg, struct alloc_options *options)
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
	struct alloc_options *options = state->input;

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

enum args alloc_options_parse(int argc, char **argv,
			      struct alloc_options *options)
{
	*options = (struct alloc_options) {
		.request = { .kind = MEMALLOC_KIND_PAGES, .node = -1 },
		.count = 1,
	};
	return args_parse(&argp, argc, argv, 0, options);
}
