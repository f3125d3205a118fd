// SPDX-License-Identifier: GPL-2.0
/*
 * Statistics: how they are read, descriptions of all fields, and the command
 * "stat"
 *
 * The fields are described once, here, for tables and JSON alike. A module
 * older than this program knows fewer fields; the missing ones are omitted
 * rather than shown as zero.
 */
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "args.h"
#include "command.h"
#include "errors.h"
#include "interrupt.h"
#include "statistics.h"

#define BORROWING(field, unit, meaning) \
	{ #field, offsetof(struct memalloc_stats_borrowing, field), unit, meaning }
#define FILE_HOLDS(field, unit, meaning) \
	{ #field, offsetof(struct memalloc_stats_file, field), unit, meaning }
#define REPORTS(field, unit, meaning) \
	{ #field, offsetof(struct memalloc_stats_reports, field), unit, meaning }
#define CACHE(field, unit, meaning) \
	{ #field, offsetof(struct memalloc_stats_cache, field), unit, meaning }
#define CLASS(field, unit, meaning) \
	{ #field, offsetof(struct memalloc_stats_class, field), unit, meaning }
#define MEMPOOL(field, unit, meaning) \
	{ #field, offsetof(struct memalloc_stats_mempool, field), unit, meaning }
#define PERCPU(field, unit, meaning) \
	{ #field, offsetof(struct memalloc_stats_percpu, field), unit, meaning }
#define AREAS(field, unit, meaning) \
	{ #field, offsetof(struct memalloc_stats_areas, field), unit, meaning }
#define ORDERS(field, meaning) \
	{ #field, offsetof(struct memalloc_stats_zone, field), meaning }

const struct statistics_field statistics_borrowing_fields[] = {
	BORROWING(page_size, UNIT_BYTES, "size of a page"),
	BORROWING(borrowed, UNIT_PAGES, "currently borrowed from the host"),
	BORROWING(cap, UNIT_PAGES, "limit of borrowed pages"),
	BORROWING(reserve, UNIT_PAGES, "never returned before unload"),
	BORROWING(peak, UNIT_PAGES, "maximum borrowed at one time"),
	BORROWING(borrowed_total, UNIT_PAGES, "borrowed since load"),
	BORROWING(returned_total, UNIT_PAGES, "returned since load"),
	BORROWING(free, UNIT_PAGES, "borrowed, but not allocated"),
	BORROWING(quarantined, UNIT_PAGES, "freed while still referenced"),
	BORROWING(metadata_bytes, UNIT_BYTES, "used by descriptors"),
	BORROWING(refused_cap, UNIT_EVENTS, "requests to borrow refused by the cap"),
	BORROWING(refused_host, UNIT_EVENTS, "requests to borrow refused by the host"),
	BORROWING(lost_total, UNIT_PAGES, "freed to the host by mistake, and lost"),
	{ 0 }
};

const struct statistics_field statistics_file_fields[] = {
	FILE_HOLDS(handles, UNIT_EVENTS, "handles of this process"),
	FILE_HOLDS(handles_limit, UNIT_EVENTS, "quota of handles per process"),
	FILE_HOLDS(bytes, UNIT_BYTES, "memory held by this process"),
	FILE_HOLDS(bytes_limit, UNIT_BYTES, "quota of memory per process"),
	FILE_HOLDS(device_bytes, UNIT_BYTES, "memory held by all users of the device"),
	FILE_HOLDS(device_bytes_limit, UNIT_BYTES, "quota for all users together"),
	FILE_HOLDS(described_bytes, UNIT_BYTES, "used by handles of this process"),
	FILE_HOLDS(device_described_bytes, UNIT_BYTES, "used by all handles"),
	FILE_HOLDS(user_handles, UNIT_EVENTS, "handles of this user"),
	FILE_HOLDS(user_handles_limit, UNIT_EVENTS, "quota of handles per user"),
	FILE_HOLDS(user_bytes, UNIT_BYTES, "memory held by this user, with handles"),
	FILE_HOLDS(user_bytes_limit, UNIT_BYTES, "quota of memory per user"),
	{ 0 }
};

const struct statistics_field statistics_reports_fields[] = {
	REPORTS(double_free, UNIT_EVENTS, "double frees"),
	REPORTS(foreign_free, UNIT_EVENTS, "frees of memory never allocated"),
	REPORTS(wrong_free, UNIT_EVENTS, "frees with a wrong order or address"),
	REPORTS(lost_reference, UNIT_EVENTS, "drops of a reference that another holder had"),
	REPORTS(corruption, UNIT_EVENTS, "violated invariants"),
	REPORTS(use_after_free, UNIT_EVENTS, "writes to free memory"),
	REPORTS(overflow, UNIT_EVENTS, "writes outside an object"),
	{ 0 }
};

const struct statistics_field statistics_cache_fields[] = {
	CACHE(flags, UNIT_CACHE_FLAGS, "flags of the cache"),
	CACHE(object_size, UNIT_BYTES, "size of an object"),
	CACHE(stride, UNIT_BYTES, "distance from one object to the next"),
	CACHE(align, UNIT_BYTES, "alignment of objects"),
	CACHE(useroffset, UNIT_BYTES, "offset of the user-copy region"),
	CACHE(usersize, UNIT_BYTES, "size of the user-copy region"),
	CACHE(slab_objects, UNIT_EVENTS, "objects in a slab"),
	CACHE(slab_pages, UNIT_PAGES, "in a slab"),
	CACHE(sheaf_objects, UNIT_EVENTS, "objects in a sheaf"),
	CACHE(active, UNIT_EVENTS, "allocated objects"),
	CACHE(objects, UNIT_EVENTS, "objects in all slabs"),
	CACHE(active_slabs, UNIT_EVENTS, "slabs in use"),
	CACHE(slabs, UNIT_EVENTS, "slabs"),
	CACHE(pages, UNIT_PAGES, "in slabs"),
	CACHE(hits, UNIT_EVENTS, "allocations served by a sheaf"),
	CACHE(misses, UNIT_EVENTS, "other allocations"),
	{ 0 }
};

const struct statistics_field statistics_class_fields[] = {
	CLASS(dma, UNIT_EVENTS, "1 if in zone DMA"),
	CLASS(object_size, UNIT_BYTES, "maximum size"),
	CLASS(active, UNIT_EVENTS, "allocated objects"),
	CLASS(objects, UNIT_EVENTS, "objects in all slabs"),
	CLASS(pages, UNIT_PAGES, "in slabs"),
	CLASS(samples, UNIT_EVENTS, "allocations with a sampled size"),
	CLASS(sampled_bytes, UNIT_BYTES, "sum of the sampled sizes"),
	CLASS(waste_per_mille, UNIT_EVENTS, "share of the pages not requested"),
	{ 0 }
};

const struct statistics_field statistics_mempool_fields[] = {
	MEMPOOL(backend, UNIT_BACKEND, "source of the elements"),
	MEMPOOL(element_bytes, UNIT_BYTES, "size of an element"),
	MEMPOOL(min_nr, UNIT_EVENTS, "guaranteed minimum of elements"),
	MEMPOOL(elements, UNIT_EVENTS, "elements in reserve"),
	MEMPOOL(waiting, UNIT_EVENTS, "tasks waiting for an element"),
	MEMPOOL(waits, UNIT_EVENTS, "number of waits"),
	MEMPOOL(reserve_hits, UNIT_EVENTS, "elements taken from the reserve"),
	MEMPOOL(failures, UNIT_EVENTS, "allocations that failed"),
	{ 0 }
};

const struct statistics_field statistics_percpu_fields[] = {
	PERCPU(chunks, UNIT_EVENTS, "chunks borrowed from the host"),
	PERCPU(chunk_bytes, UNIT_BYTES, "size of the chunks, on each CPU"),
	PERCPU(possible_cpus, UNIT_EVENTS, "possible CPUs"),
	PERCPU(total_bytes, UNIT_BYTES, "size of the chunks, on all CPUs"),
	PERCPU(metadata_bytes, UNIT_BYTES, "used by chunk metadata"),
	PERCPU(used, UNIT_BYTES, "allocated, on each CPU"),
	PERCPU(cached, UNIT_BYTES, "cached, on each CPU"),
	PERCPU(free_bytes, UNIT_BYTES, "free, on each CPU"),
	PERCPU(largest_free, UNIT_BYTES, "largest free run"),
	PERCPU(hits, UNIT_EVENTS, "allocations served from the cache"),
	PERCPU(misses, UNIT_EVENTS, "other allocations"),
	PERCPU(failures, UNIT_EVENTS, "allocations that failed"),
	PERCPU(chunks_borrowed, UNIT_EVENTS, "chunks borrowed since load"),
	PERCPU(chunks_returned, UNIT_EVENTS, "chunks returned since load"),
	PERCPU(chunks_refused, UNIT_EVENTS, "chunks refused by the host"),
	{ 0 }
};

const struct statistics_field statistics_areas_fields[] = {
	AREAS(areas, UNIT_EVENTS, "allocated areas"),
	AREAS(area_pages, UNIT_PAGES, "in allocated areas"),
	AREAS(maps, UNIT_EVENTS, "areas that map pages of the caller"),
	AREAS(failures, UNIT_EVENTS, "allocations that failed"),
	AREAS(cached_areas, UNIT_EVENTS, "freed areas that are still mapped"),
	AREAS(cached_pages, UNIT_PAGES, "in cached areas"),
	AREAS(cached_pages_limit, UNIT_PAGES, "limit of pages in cached areas"),
	AREAS(cpu_hits, UNIT_EVENTS, "allocations served by a CPU's cache"),
	AREAS(node_hits, UNIT_EVENTS, "allocations served by a node's cache"),
	AREAS(misses, UNIT_EVENTS, "allocations that had to map pages"),
	AREAS(evicted, UNIT_EVENTS, "unmapped to make room"),
	AREAS(not_kept_as_held, UNIT_EVENTS, "not cached, as a page was referenced"),
	{ 0 }
};

const struct statistics_orders statistics_zone_orders[] = {
	ORDERS(free_blocks, "free"),
	ORDERS(pcp_blocks, "per-CPU"),
	ORDERS(allocs, "allocated"),
	ORDERS(frees, "freed"),
	ORDERS(failures, "failed"),
	{ 0 }
};

uint64_t statistics_field(const void *section, size_t offset)
{
	uint64_t value;

	memcpy(&value, (const char *)section + offset, sizeof(value));
	return value;
}

/* Read all entries of a section; their number may grow in the meantime. */
static int read_entries(const struct device *device, uint32_t section,
			size_t length, void **entries, size_t *count,
			size_t *known)
{
	void *more;
	int err;

	for (;;) {
		more = reallocarray(*entries, *count + 1, length);
		if (!more)
			return -ENOMEM;
		*entries = more;
		err = memalloc_stats(device->fd, section, (uint32_t)*count,
				     (char *)more + *count * length, length, known);
		if (err)
			return err == -ENOENT ? 0 : err;
		++*count;
	}
}

/* Read a section that an older module may not know. */
static int read_newer(const struct device *device, uint32_t section,
		      size_t length, void **entries, size_t *count,
		      size_t *known)
{
	int err = read_entries(device, section, length, entries, count, known);

	return err == -EINVAL ? 0 : err;
}

/* As read_newer() for a section of one entry; an unknown one has no fields. */
static int read_newer_one(const struct device *device, uint32_t section,
			  void *entry, size_t length, size_t *known)
{
	int err = memalloc_stats(device->fd, section, 0, entry, length, known);

	return err == -EINVAL ? 0 : err;
}

static int read_newer_sections(const struct device *device, struct statistics *s)
{
	int err;

	err = read_newer(device, MEMALLOC_SECTION_CACHE, sizeof(*s->caches),
			 (void **)&s->caches, &s->nr_caches, &s->caches_known);
	if (!err)
		err = read_newer(device, MEMALLOC_SECTION_CLASS,
				 sizeof(*s->classes), (void **)&s->classes,
				 &s->nr_classes, &s->classes_known);
	if (!err)
		err = read_newer(device, MEMALLOC_SECTION_MEMPOOL,
				 sizeof(*s->mempools), (void **)&s->mempools,
				 &s->nr_mempools, &s->mempools_known);
	if (!err)
		err = read_newer_one(device, MEMALLOC_SECTION_PERCPU, &s->percpu,
				     sizeof(s->percpu), &s->percpu_known);
	if (!err)
		err = read_newer_one(device, MEMALLOC_SECTION_AREAS, &s->areas,
				     sizeof(s->areas), &s->areas_known);
	return err;
}

static int read_sections(const struct device *device, struct statistics *s)
{
	int err;

	err = memalloc_stats(device->fd, MEMALLOC_SECTION_BORROWING, 0, &s->borrowing,
			     sizeof(s->borrowing), &s->borrowing_known);
	if (!err)
		err = memalloc_stats(device->fd, MEMALLOC_SECTION_FILE, 0, &s->file,
				     sizeof(s->file), &s->file_known);
	if (!err)
		err = memalloc_stats(device->fd, MEMALLOC_SECTION_REPORTS, 0,
				     &s->reports, sizeof(s->reports),
				     &s->reports_known);
	if (!err)
		err = read_entries(device, MEMALLOC_SECTION_ZONE,
				   sizeof(*s->zones), (void **)&s->zones,
				   &s->nr_zones, NULL);
	if (!err)
		err = read_newer_sections(device, s);
	return err;
}

int statistics_read(const struct device *device, struct statistics *statistics)
{
	int err;

	memset(statistics, 0, sizeof(*statistics));
	err = read_sections(device, statistics);
	if (err)
		statistics_free(statistics);
	return err;
}

void statistics_free(struct statistics *statistics)
{
	free(statistics->zones);
	free(statistics->caches);
	free(statistics->classes);
	free(statistics->mempools);
	memset(statistics, 0, sizeof(*statistics));
}

/* The command "stat" */

/**
 * struct section - a section of the statistics
 * @name: its name
 * @print: prints it as a table
 * @json: converts it to JSON
 */
struct section {
	const char *name;
	bool (*print)(const struct statistics *statistics);
	struct json_object *(*json)(const struct statistics *statistics);
};

static const struct section sections[] = {
	{ "borrowing", statistics_print_borrowing, statistics_json_borrowing },
	{ "zones", statistics_print_zones, statistics_json_zones },
	{ "caches", statistics_print_caches, statistics_json_caches },
	{ "classes", statistics_print_classes, statistics_json_classes },
	{ "mempools", statistics_print_mempools, statistics_json_mempools },
	{ "percpu", statistics_print_percpu, statistics_json_percpu },
	{ "areas", statistics_print_areas, statistics_json_areas },
	{ "file", statistics_print_file, statistics_json_file },
	{ "reports", statistics_print_reports, statistics_json_reports },
};

#define NR_SECTIONS (sizeof(sections) / sizeof(*sections))
#define ALL_SECTIONS ((1U << NR_SECTIONS) - 1)

const char *const *statistics_sections(void)
{
	static const char *names[NR_SECTIONS + 1];
	unsigned int i;

	for (i = 0; i < NR_SECTIONS; i++)
		names[i] = sections[i].name;
	return names;
}

/**
 * struct options - options of the command
 * @sections: bit mask of the wanted sections
 * @json: print JSON
 * @watch: repeat
 * @seconds: interval between repetitions
 */
struct options {
	unsigned int sections;
	bool json;
	bool watch;
	uint64_t seconds;
};

static const struct argp_option stat_options[] = {
	{ "json", 'j', NULL, 0, "Print all fields as JSON, on one line", 0 },
	{ "watch", 'w', "SECONDS", 0,
	  "Repeat every SECONDS until interrupted. Not in the shell.", 0 },
	{ 0 }
};

static const char stat_doc[] =
	"Print statistics."
	"\v"
	"SECTION is one of: borrowing (pages borrowed from the host), zones "
	"(blocks by order, in each zone of each node), caches (slab caches), "
	"classes (size classes of kmalloc; if both are printed, caches omits "
	"them), mempools, percpu (per-CPU areas), areas (vmalloc areas), file "
	"(usage and quotas of this process, this user and all users), reports "
	"(detected misuse). The default is all sections.";

static error_t parse_section(const char *arg, struct options *options)
{
	unsigned int i;

	for (i = 0; i < NR_SECTIONS; i++) {
		if (!strcmp(arg, sections[i].name)) {
			options->sections |= 1U << i;
			return 0;
		}
	}
	return args_error("unknown section '%s'; use borrowing, zones, caches, "
			  "classes, mempools, percpu, areas, file or reports",
			  arg);
}

static error_t parse_watch(const char *arg, struct options *options)
{
	options->watch = true;
	if (args_number("--watch", arg, HOLD_SECONDS_MAX,
			&options->seconds))
		return EINVAL;
	if (!options->seconds)
		return args_error("--watch: must be at least 1");
	return 0;
}

static error_t parse_stat(int key, char *arg, struct argp_state *state)
{
	struct options *options = state->input;

	switch (key) {
	case 'j':
		options->json = true;
		return 0;
	case 'w':
		return parse_watch(arg, options);
	case ARGP_KEY_ARG:
		return parse_section(arg, options);
	case ARGP_KEY_END:
		if (!options->sections)
			options->sections = ALL_SECTIONS;
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp stat_argp = {
	stat_options, parse_stat, "[SECTION...]", stat_doc, 0, 0, 0
};

/* A size class of kmalloc is also a cache; print it once. */
static bool print_table(unsigned int i, const struct statistics *statistics,
			const struct options *options)
{
	unsigned int j;

	if (sections[i].print == statistics_print_caches)
		for (j = 0; j < NR_SECTIONS; j++)
			if (options->sections & 1U << j &&
			    sections[j].print == statistics_print_classes)
				return statistics_print_other_caches(statistics);
	return sections[i].print(statistics);
}

static bool print_tables(const struct statistics *statistics,
			 const struct options *options)
{
	bool first = true;
	unsigned int i;

	for (i = 0; i < NR_SECTIONS; i++) {
		if (!(options->sections & 1U << i))
			continue;
		if (!first)
			putchar('\n');
		first = false;
		if (!print_table(i, statistics, options))
			return false;
	}
	return true;
}

static bool add_sections(struct json_object *object,
			 const struct statistics *statistics,
			 const struct options *options)
{
	struct json_object *section;
	unsigned int i;

	for (i = 0; i < NR_SECTIONS; i++) {
		if (!(options->sections & 1U << i))
			continue;
		section = sections[i].json(statistics);
		if (!section || json_object_object_add(object, sections[i].name,
						       section)) {
			json_object_put(section);
			return false;
		}
	}
	return true;
}

/* Print JSON on one line, and free it; NULL stands for a lack of memory. */
static bool print_json(struct json_object *json)
{
	const char *text = NULL;

	if (json)
		text = json_object_to_json_string_ext(json,
						      JSON_C_TO_STRING_PLAIN);
	if (text)
		puts(text);
	else
		complain("out of memory");
	json_object_put(json);
	return text;
}

static struct json_object *json_of(const struct statistics *statistics,
				   const struct options *options)
{
	struct json_object *object = json_object_new_object();

	if (object && add_sections(object, statistics, options))
		return object;
	json_object_put(object);
	return NULL;
}

static bool show(struct session *session, const struct options *options)
{
	struct statistics statistics;
	bool good;
	int err;

	err = statistics_read(&session->device, &statistics);
	if (err) {
		explain_command(session, "read the statistics", err);
		return false;
	}
	good = options->json ? print_json(json_of(&statistics, options)) :
			       print_tables(&statistics, options);
	statistics_free(&statistics);
	return good;
}

static bool watch(struct session *session, const struct options *options)
{
	bool clear = !options->json && isatty(STDOUT_FILENO);

	do {
		if (clear)
			fputs("\033[H\033[2J", stdout);
		if (!show(session, options))
			return false;
		if (!options->json && !clear)
			putchar('\n');
		if (fflush(stdout))
			return false; /* main() reports it */
		sleep((unsigned int)options->seconds);
	} while (true);
}

enum status cmd_stat(struct session *session, int argc, char **argv)
{
	struct options options = { 0 };
	enum args args = args_parse(&stat_argp, argc, argv, 0, &options);
	bool good;

	if (args != ARGS_GOOD)
		return args_status(args);
	if (options.watch && session->in_shell) {
		complain("--watch is not available in the shell: no further "
			 "command would run");
		return STATUS_USAGE;
	}
	if (!session_open(session))
		return STATUS_FAILED;
	good = options.watch ? watch(session, &options) :
			       show(session, &options);
	return good ? STATUS_OK : STATUS_FAILED;
}

/* The command "list" of caches and of mempools */

static const struct argp_option list_options[] = {
	{ "json", 'j', NULL, 0, "Print all fields as JSON, on one line", 0 },
	{ 0 }
};

static error_t parse_list(int key, char *arg, struct argp_state *state)
{
	bool *json = state->input;

	switch (key) {
	case 'j':
		*json = true;
		return 0;
	case ARGP_KEY_ARG:
		return args_error("unexpected argument '%s'", arg);
	}
	return ARGP_ERR_UNKNOWN;
}

enum status statistics_list(struct session *session, int argc, char **argv,
			    const struct listing *listing)
{
	const struct argp argp = {
		list_options, parse_list, NULL, listing->argp_doc, 0, 0, 0
	};
	struct statistics statistics;
	bool json = false, good;
	enum args args = args_parse(&argp, argc, argv, 0, &json);
	int err;

	if (args != ARGS_GOOD)
		return args_status(args);
	if (!session_open(session))
		return STATUS_FAILED;
	err = statistics_read(&session->device, &statistics);
	if (err) {
		explain_command(session, "read the statistics", err);
		return STATUS_FAILED;
	}
	good = json ? print_json(listing->json(&statistics)) :
		      listing->print(&statistics);
	statistics_free(&statistics);
	return good ? STATUS_OK : STATUS_FAILED;
}
