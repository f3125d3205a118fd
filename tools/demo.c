// SPDX-License-Identifier: GPL-2.0
/*
 * The demonstration
 *
 * For somebody who sees memalloc for the first time: each part says what it is
 * about to do, does it, and shows what came of it. Everything that can be
 * checked is checked; the status at the end is that of all checks.
 *
 * What others do with the device at the same time changes the counts that all
 * share. If somebody else holds anything when we begin, those are shown but not
 * compared.
 *
 * The other demo_*.c are the parts.
 */
#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "cmd.h"
#include "command.h"
#include "complaint.h"
#include "demo.h"
#include "explain.h"
#include "number.h"
#include "table.h"

static const char doc[] =
	"Show that memalloc works: allocate every order in every zone, write, "
	"verify, map, free, fragment and coalesce, use slab caches, kmalloc, "
	"mempools, per-CPU areas and vmalloc areas, misuse, and give all memory "
	"back."
	"\v"
	"Ends with a failure if anything was not as it must be. Physical "
	"addresses and forced failures are part of it only with CAP_SYS_ADMIN.";

static error_t parse(int key, char *arg, struct argp_state *state)
{
	(void)state;
	if (key == ARGP_KEY_ARG)
		return args_error("'%s' is one word too many", arg);
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
	struct memalloc_pattern_io io = {
		.handle = handle, .length = length, .value = value,
		.pattern = MEMALLOC_PATTERN_COUNT,
	};

	return device_fill(demo->device, &io);
}

static int verify(const struct demo *demo, struct memalloc_pattern_io io)
{
	int err = device_verify(demo->device, &io);

	return err ? err : io.out_done == io.length ? 0 : -EILSEQ;
}

int demo_verify(const struct demo *demo, uint64_t handle, uint64_t length,
		uint64_t value)
{
	const struct memalloc_pattern_io io = {
		.handle = handle, .length = length, .value = value,
		.pattern = MEMALLOC_PATTERN_COUNT,
	};

	return verify(demo, io);
}

int demo_verify_zeroes(const struct demo *demo, uint64_t handle, uint64_t length)
{
	const struct memalloc_pattern_io io = {
		.handle = handle, .length = length,
		.pattern = MEMALLOC_PATTERN_REPEAT,
	};

	return verify(demo, io);
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

static void add_moment(struct table *table, const struct demo_moment *moment)
{
	unsigned int order;

	table_line(table);
	table_cell(table, "%s", moment->when);
	table_cell(table, "%llu", moment->statistics.borrowing.borrowed);
	table_cell(table, "%llu", moment->statistics.borrowing.free);
	for (order = 0; order < MEMALLOC_NR_ORDERS; order++)
		table_cell(table, "%" PRIu64,
			   demo_blocks(&moment->statistics, order));
}

void demo_print_lists(const struct demo_moment *moments, size_t count)
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
		add_moment(&table, &moments[i]);
	table_end(&table);
}

static void introduce(const struct demo *demo)
{
	const struct memalloc_stats_borrowing *b = &demo->start.borrowing;
	char page[NUMBER_BYTES_MAX], cap[NUMBER_BYTES_MAX];
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
		demo_say("Which zones this host has cannot be seen: "
			 "/proc/zoneinfo is not readable.");
	demo_say("Pages of %s are borrowed from it, up to a cap of %s.",
		 number_format_bytes(b->page_size, page),
		 number_format_bytes(b->cap * b->page_size, cap));
	if (!demo->alone)
		demo_say("Somebody else holds memory of the device: counts "
			 "are shown, not compared.");
	if (!demo->privileged)
		demo_say("Without CAP_SYS_ADMIN: no physical addresses, no "
			 "forced failures.");
}

/* Return: may we ask for what takes CAP_SYS_ADMIN? */
static bool ask_privilege(const struct device *device)
{
	uint64_t left;

	return device_inject(device, 0, &left) != -EPERM;
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
	demo->privileged = ask_privilege(demo->device);
	host_zones_read(&demo->zones);
	return true;
}

static bool same_reports(const struct statistics *a, const struct statistics *b)
{
	return !memcmp(&a->reports, &b->reports, sizeof(a->reports));
}

static void validate(struct demo *demo)
{
	struct memalloc_validate validate = { 0 };
	struct statistics now;

	demo_heading(demo, "Validate");
	if (!demo_check_errno(demo, device_validate(demo->device, &validate),
			      "validate"))
		return;
	demo_check(demo, validate.out_checked, "nothing was checked");
	if (demo_check(demo, !validate.out_errors,
		       "%llu structures are damaged; see the kernel log",
		       validate.out_errors))
		demo_say("The module has checked %llu blocks, pages, lists, "
			 "slabs and objects of its own: all are sound.", validate.out_checked);
	if (!demo_statistics(demo, &now))
		return;
	if (demo->alone &&
	    demo_check(demo, same_reports(&demo->start, &now),
		       "misuse inside the kernel has been reported"))
		demo_say("No misuse inside the kernel has been reported.");
	statistics_free(&now);
}

static void compare_end(struct demo *demo, const struct statistics *end)
{
	const struct memalloc_stats_borrowing *b = &end->borrowing;

	demo_check(demo, b->borrowed_total - b->returned_total == b->borrowed,
		   "the books do not balance: %llu borrowed, %llu returned, "
		   "%llu held", b->borrowed_total, b->returned_total,
		   b->borrowed);
	demo_check(demo, !end->file.handles && !end->file.bytes,
		   "%llu handles and %llu bytes are still counted as ours",
		   end->file.handles, end->file.bytes);
	if (!demo->alone || end->file.device_bytes || b->quarantined)
		return;
	demo_check(demo, b->borrowed <= b->reserve,
		   "%llu pages are still borrowed, and only %llu are reserve",
		   b->borrowed, b->reserve);
	demo_check(demo, b->free == b->borrowed,
		   "%llu of %llu pages are not free, and nobody holds any",
		   b->borrowed - b->free, b->borrowed);
}

static void give_back(struct demo *demo)
{
	struct demo_moment moments[3] = {
		{ .when = "at the start", .statistics = demo->start },
		{ .when = "now, before shrinking" },
		{ .when = "after shrinking" },
	};
	const struct memalloc_stats_borrowing *b = &moments[2].statistics.borrowing;
	uint64_t returned = 0;

	demo_heading(demo, "Give all free memory back to the host");
	if (!demo_statistics(demo, &moments[1].statistics))
		return;
	demo_check_errno(demo, device_shrink(demo->device, 0, &returned),
			 "shrink");
	if (demo_statistics(demo, &moments[2].statistics)) {
		demo_print_lists(moments, 3);
		putchar('\n');
		demo_say("%" PRIu64 " pages given back just now. Ever borrowed: "
			 "%llu, returned: %llu, still held: %llu.", returned,
			 b->borrowed_total, b->returned_total, b->borrowed);
		compare_end(demo, &moments[2].statistics);
		statistics_free(&moments[2].statistics);
	}
	statistics_free(&moments[1].statistics);
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
	give_back(&demo);
	return conclude(&demo);
}
