// SPDX-License-Identifier: GPL-2.0
/*
 * The command "demo"
 *
 * The demonstration is meant for new users: each part says what it is about to
 * do, does it, and shows the result. Everything that can be checked is checked;
 * the exit status covers all checks.
 *
 * Other users of the device change the counters that all users share. If
 * another user holds memory at the start, these counters are shown but not
 * compared.
 *
 * The other files of this directory implement the parts.
 */
#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "../../lib/common.h"

#include "../args.h"
#include "../command.h"
#include "../errors.h"
#include "../table.h"
#include "demo.h"

static const char doc[] =
	"Demonstrate memalloc: allocate every order in every zone, write, "
	"verify, map, free, fragment and coalesce, use slab caches, kmalloc, "
	"mempools, per-CPU areas and vmalloc areas, misuse the device, and "
	"return all memory."
	"\v"
	"Fails if any check fails. Physical addresses and injected failures "
	"need CAP_SYS_ADMIN and are left out without it.";

static error_t parse(int key, char *arg, struct argp_state *state)
{
	(void)state;
	if (key == ARGP_KEY_ARG)
		return args_error("unexpected argument '%s'", arg);
	return ARGP_ERR_UNKNOWN;
}

static const struct argp argp = { NULL, parse, NULL, doc, 0, 0, 0 };

void demo_heading(struct demo *demo, const char *title)
{
	const char *bold = demo->session->colour ? "\033[1m" : "";
	const char *plain = demo->session->colour ? "\033[0m" : "";

	printf("\n%s%u. %s%s\n\n", bold, ++demo->parts, title, plain);
}

void demo_say(const char *format, ...)
{
	va_list args;

	printf("%*s", DEMO_INDENT, "");
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
}

static void keep_failure(struct demo *demo, char *text)
{
	char **failures = reallocarray(demo->failures, demo->nr_failures + 1,
				       sizeof(*failures));

	if (failures) {
		demo->failures = failures;
		failures[demo->nr_failures] = text;
	} else {
		complain("out of memory");
		free(text);
		exit(STATUS_FAILED);
	}
	demo->nr_failures++;
}

bool demo_check(struct demo *demo, bool good, const char *format, ...)
{
	va_list args;
	char *text;
	int length;

	demo->checks++;
	if (good)
		return true;
	va_start(args, format);
	length = vasprintf(&text, format, args);
	va_end(args);
	if (length < 0)
		text = NULL;
	demo_say("%sWRONG:%s %s", demo->session->colour ? "\033[31m" : "",
		 demo->session->colour ? "\033[0m" : "",
		 text ? text : "out of memory");
	keep_failure(demo, text);
	return false;
}

bool demo_check_errno(struct demo *demo, int err, const char *what)
{
	return demo_check(demo, !err, "cannot %s: %s", what, strerror(-err));
}

int demo_fill(const struct demo *demo, uint64_t handle, uint64_t length,
	      uint64_t value)
{
	return memalloc_fill(demo->device->fd, handle, 0, length,
			     MEMALLOC_PATTERN_COUNT, value);
}

int demo_verify(const struct demo *demo, uint64_t handle, uint64_t length,
		uint64_t value)
{
	return memalloc_verify(demo->device->fd, handle, 0, length,
			       MEMALLOC_PATTERN_COUNT, value, NULL);
}

int demo_verify_zeroes(const struct demo *demo, uint64_t handle, uint64_t length)
{
	return memalloc_verify(demo->device->fd, handle, 0, length,
			       MEMALLOC_PATTERN_REPEAT, 0, NULL);
}

void demo_stay_on_cpu(cpu_set_t *before)
{
	cpu_set_t here;

	sched_getaffinity(0, sizeof(*before), before);
	CPU_ZERO(&here);
	CPU_SET((unsigned int)sched_getcpu(), &here);
	sched_setaffinity(0, sizeof(here), &here);
}

bool demo_statistics(struct demo *demo, struct statistics *statistics)
{
	return demo_check_errno(demo, statistics_read(demo->device, statistics),
				"read the statistics");
}

uint64_t demo_blocks(const struct statistics *statistics, unsigned int order)
{
	uint64_t blocks = 0;
	size_t i;

	for (i = 0; i < statistics->nr_zones; i++)
		blocks += statistics->zones[i].free_blocks[order] +
			  statistics->zones[i].pcp_blocks[order];
	return blocks;
}

static void add_snapshot(struct table *table,
			 const struct demo_snapshot *snapshot)
{
	unsigned int order;

	table_line(table);
	table_cell(table, "%s", snapshot->when);
	table_cell(table, "%llu", snapshot->statistics.borrowing.borrowed);
	table_cell(table, "%llu", snapshot->statistics.borrowing.free);
	for (order = 0; order < MEMALLOC_NR_ORDERS; order++)
		table_cell(table, "%" PRIu64,
			   demo_blocks(&snapshot->statistics, order));
}

void demo_print_lists(const struct demo_snapshot *snapshots, size_t count)
{
	struct table table;
	unsigned int order;
	char heading[16];
	size_t i;

	table_begin(&table, false);
	table.indent = DEMO_INDENT;
	table_column(&table, "FREE BLOCKS OF ORDER", false);
	table_column(&table, "BORROWED", true);
	table_column(&table, "FREE", true);
	for (order = 0; order < MEMALLOC_NR_ORDERS; order++) {
		snprintf(heading, sizeof(heading), "%u", order);
		table_number_column(&table, heading, 3);
	}
	for (i = 0; i < count; i++)
		add_snapshot(&table, &snapshots[i]);
	table_end(&table);
}

static void introduce(const struct demo *demo)
{
	const struct memalloc_stats_borrowing *b = &demo->start.borrowing;
	char page[MEMALLOC_BYTES_MAX], cap[MEMALLOC_BYTES_MAX];
	struct utsname host;

	uname(&host);
	printf("memalloc, a second memory manager, in Linux %s (%s)\n\n",
	       host.release, host.machine);
	if (demo->zones.known)
		demo_say("This host has %u NUMA node%s; zones with memory:"
			 "%s%s%s.",
			 demo->zones.nodes, demo->zones.nodes == 1 ? "" : "s",
			 demo->zones.dma ? " DMA" : "",
			 demo->zones.dma32 ? " DMA32" : "",
			 demo->zones.normal ? " Normal" : "");
	else
		demo_say("The zones of this host are unknown: /proc/zoneinfo "
			 "is not readable.");
	demo_say("The module borrows pages of %s from it, up to a cap of %s.",
		 memalloc_format_bytes(b->page_size, page),
		 memalloc_format_bytes(b->cap * b->page_size, cap));
	if (!demo->alone)
		demo_say("Another user has memory of the device: counters "
			 "are shown, not compared.");
	if (!demo->privileged)
		demo_say("Without CAP_SYS_ADMIN: no physical addresses, no "
			 "injected failures.");
}

/* Return: true if operations that need CAP_SYS_ADMIN are allowed. */
static bool has_privilege(const struct device *device)
{
	return memalloc_inject(device->fd, 0, NULL) != -EPERM;
}

/* Return: true if DMA zones are allowed, which needs CAP_SYS_RAWIO. */
static bool may_use_zones(const struct device *device)
{
	struct memalloc_alloc alloc = {
		.size = sizeof(alloc),
		.kind = MEMALLOC_KIND_PAGES,
		.gfp = MEMALLOC_GFP_DMA32,
		.node = -1,
	};
	int err = memalloc_alloc(device->fd, &alloc);

	if (!err)
		memalloc_free(device->fd, alloc.out_handle);
	return err != -EPERM;
}

/**
 * struct host_zone - zone described by the lines being read
 * @node: its node
 * @name: its name
 */
struct host_zone {
	unsigned int node;
	char name[16];
};

static void note_zone(struct host_zones *zones, const struct host_zone *zone,
		      unsigned int *last_node)
{
	if (!strcmp(zone->name, "DMA"))
		zones->dma = true;
	else if (!strcmp(zone->name, "DMA32"))
		zones->dma32 = true;
	else if (!strcmp(zone->name, "Normal"))
		zones->normal = true;
	/* The zones of a node are adjacent. */
	if (!zones->nodes || zone->node != *last_node)
		zones->nodes++;
	*last_node = zone->node;
}

/*
 * Read the zones of the host's allocator from /proc/zoneinfo:
 *
 *	Node 0, zone      DMA
 *	  ...
 *	        managed  3840
 *
 * Only a zone with managed pages counts, as a kernel also lists zones that this
 * machine does not have.
 */
static void read_zones(struct host_zones *zones)
{
	FILE *file = fopen("/proc/zoneinfo", "re");
	unsigned int last_node = 0;
	struct host_zone zone = { 0 };
	unsigned long managed;
	char line[256];

	memset(zones, 0, sizeof(*zones));
	if (!file)
		return;
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "Node %u, zone %15s", &zone.node,
			   zone.name) == 2)
			continue;
		if (sscanf(line, " managed %lu", &managed) == 1 && managed)
			note_zone(zones, &zone, &last_node);
	}
	zones->known = zones->nodes;
	fclose(file);
}

static bool begin(struct demo *demo, struct session *session)
{
	int err;

	memset(demo, 0, sizeof(*demo));
	demo->session = session;
	demo->device = &session->device;
	if (session->device.read_only) {
		explain_command(session, "run the demonstration", -EBADF);
		return false;
	}
	err = statistics_read(demo->device, &demo->start);
	if (err) {
		explain_command(session, "read the statistics", err);
		return false;
	}
	demo->page_size = demo->start.borrowing.page_size;
	demo->alone = !demo->start.file.device_bytes;
	demo->privileged = has_privilege(demo->device);
	demo->may_use_zones = may_use_zones(demo->device);
	read_zones(&demo->zones);
	return true;
}

static bool same_reports(const struct statistics *a, const struct statistics *b)
{
	return !memcmp(&a->reports, &b->reports, sizeof(a->reports));
}

static void validate(struct demo *demo)
{
	uint64_t checked, errors;
	struct statistics now;
	int err;

	demo_heading(demo, "Validate");
	err = memalloc_validate(demo->device->fd, &checked, &errors);
	if (!demo_check_errno(demo, err == -EUCLEAN ? 0 : err, "validate"))
		return;
	demo_check(demo, checked, "no structure was checked");
	if (demo_check(demo, !errors, "%" PRIu64 " structures are damaged; see the "
		       "kernel log", errors))
		demo_say("The module checked %" PRIu64 " of its blocks, pages, lists, "
			 "slabs and objects: all are sound.", checked);
	if (!demo_statistics(demo, &now))
		return;
	if (demo->alone &&
	    demo_check(demo, same_reports(&demo->start, &now),
		       "misuse inside the kernel was reported"))
		demo_say("No misuse inside the kernel was reported.");
	statistics_free(&now);
}

static void compare_end(struct demo *demo, const struct statistics *end)
{
	const struct memalloc_stats_borrowing *b = &end->borrowing;

	demo_check(demo, b->borrowed_total - b->returned_total == b->borrowed,
		   "pages are missing: %llu borrowed, %llu returned, %llu held",
		   b->borrowed_total, b->returned_total,
		   b->borrowed);
	demo_check(demo, !end->file.handles && !end->file.bytes,
		   "%llu handles and %llu bytes are still charged to this process",
		   end->file.handles, end->file.bytes);
	if (!demo->alone || end->file.device_bytes || b->quarantined)
		return;
	demo_check(demo, b->borrowed <= b->reserve,
		   "%llu pages are still borrowed, but the reserve is only %llu",
		   b->borrowed, b->reserve);
	demo_check(demo, b->free == b->borrowed,
		   "%llu of %llu pages are not free, but no user has any",
		   b->borrowed - b->free, b->borrowed);
}

static void return_memory(struct demo *demo)
{
	struct demo_snapshot snapshots[3] = {
		{ .when = "at the start", .statistics = demo->start },
		{ .when = "before shrinking" },
		{ .when = "after shrinking" },
	};
	const struct memalloc_stats_borrowing *b = &snapshots[2].statistics.borrowing;
	uint64_t returned = 0;

	demo_heading(demo, "Return all free memory to the host");
	if (!demo_statistics(demo, &snapshots[1].statistics))
		return;
	demo_check_errno(demo, memalloc_shrink(demo->device->fd, 0, &returned),
			 "shrink");
	if (demo_statistics(demo, &snapshots[2].statistics)) {
		demo_print_lists(snapshots, 3);
		putchar('\n');
		demo_say("%" PRIu64 " pages returned just now. Totals: %llu "
			 "borrowed, %llu returned, %llu still held.", returned,
			 b->borrowed_total, b->returned_total, b->borrowed);
		compare_end(demo, &snapshots[2].statistics);
		statistics_free(&snapshots[2].statistics);
	}
	statistics_free(&snapshots[1].statistics);
}

static enum status conclude(struct demo *demo)
{
	bool good = !demo->nr_failures;
	const char *colour = good ? "\033[32m" : "\033[31m";
	size_t i;

	printf("\n%s%zu of %zu checks passed.%s\n",
	       demo->session->colour ? colour : "",
	       demo->checks - demo->nr_failures, demo->checks,
	       demo->session->colour ? "\033[0m" : "");
	for (i = 0; i < demo->nr_failures; i++) {
		complain("%s", demo->failures[i] ? demo->failures[i] :
						   "out of memory");
		free(demo->failures[i]);
	}
	free(demo->failures);
	statistics_free(&demo->start);
	return good ? STATUS_OK : STATUS_FAILED;
}

enum status cmd_demo(struct session *session, int argc, char **argv)
{
	enum args args = args_parse(&argp, argc, argv, 0, NULL);
	struct demo demo;

	if (args != ARGS_GOOD)
		return args_status(args);
	if (!session_open(session) || !begin(&demo, session))
		return STATUS_FAILED;
	introduce(&demo);
	demo_orders(&demo);
	demo_fragmentation(&demo);
	demo_objects(&demo);
	demo_mempool(&demo);
	demo_percpu(&demo);
	demo_area(&demo);
	demo_misuse(&demo);
	validate(&demo);
	return_memory(&demo);
	return conclude(&demo);
}
