/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Statistics
 */
#ifndef STATISTICS_H
#define STATISTICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "session.h"

struct json_object;

/**
 * struct statistics - all sections, read at about the same time
 * @borrowing: the section
 * @borrowing_known: size of the part that the module knows
 * @file: the section
 * @file_known: as @borrowing_known
 * @reports: the section
 * @reports_known: as @borrowing_known
 * @zones: entries of the section
 * @nr_zones: number of entries
 * @caches: entries of the section
 * @nr_caches: number of entries; zero if the module lacks the section
 * @caches_known: size of the part of an entry that the module knows
 * @classes: entries of the section
 * @nr_classes: as @nr_caches
 * @classes_known: as @caches_known
 * @mempools: entries of the section
 * @nr_mempools: as @nr_caches
 * @mempools_known: as @caches_known
 * @percpu: the section
 * @percpu_known: as @borrowing_known
 * @areas: the section
 * @areas_known: as @borrowing_known
 */
struct statistics {
	struct memalloc_stats_borrowing borrowing;
	size_t borrowing_known;
	struct memalloc_stats_file file;
	size_t file_known;
	struct memalloc_stats_reports reports;
	size_t reports_known;
	struct memalloc_stats_zone *zones;
	size_t nr_zones;
	struct memalloc_stats_cache *caches;
	size_t nr_caches;
	size_t caches_known;
	struct memalloc_stats_class *classes;
	size_t nr_classes;
	size_t classes_known;
	struct memalloc_stats_mempool *mempools;
	size_t nr_mempools;
	size_t mempools_known;
	struct memalloc_stats_percpu percpu;
	size_t percpu_known;
	struct memalloc_stats_areas areas;
	size_t areas_known;
};

/**
 * statistics_read() - read all sections
 * @device: the device
 * @statistics: result, to be freed with statistics_free()
 *
 * Return: 0 or a negative errno, after which there is nothing to free.
 */
int statistics_read(const struct device *device, struct statistics *statistics);

void statistics_free(struct statistics *statistics);

/* Unit of a field */
enum unit {
	UNIT_EVENTS,
	UNIT_PAGES,
	UNIT_BYTES,
	UNIT_CACHE_FLAGS, /* MEMALLOC_CACHE_*, shown by name */
	UNIT_BACKEND, /* enum memalloc_mempool_backend, shown by name */
};

/**
 * struct statistics_field - description of a field
 * @name: its name in <linux/memalloc.h>; NULL ends a list
 * @offset: offset of its __u64 in the structure
 * @unit: its unit
 * @meaning: short description
 */
struct statistics_field {
	const char *name;
	size_t offset;
	enum unit unit;
	const char *meaning;
};

extern const struct statistics_field statistics_borrowing_fields[];
extern const struct statistics_field statistics_file_fields[];
extern const struct statistics_field statistics_reports_fields[];
extern const struct statistics_field statistics_cache_fields[];
extern const struct statistics_field statistics_class_fields[];
extern const struct statistics_field statistics_mempool_fields[];
extern const struct statistics_field statistics_percpu_fields[];
extern const struct statistics_field statistics_areas_fields[];

/**
 * struct statistics_orders - description of an array indexed by order
 * @name: its name in <linux/memalloc.h>; NULL ends a list
 * @offset: offset of its __u64[MEMALLOC_NR_ORDERS] in struct
 *	memalloc_stats_zone
 * @meaning: short description
 */
struct statistics_orders {
	const char *name;
	size_t offset;
	const char *meaning;
};

extern const struct statistics_orders statistics_zone_orders[];

/**
 * statistics_field() - get the value of a field
 * @section: the structure
 * @offset: offset of the field
 */
uint64_t statistics_field(const void *section, size_t offset);

/* Names of the sections of "stat", for completion; NULL ends the list. */
const char *const *statistics_sections(void);

/**
 * struct listing - a list of all objects of a kind
 * @argp_doc: help for the subcommand
 * @print: prints it as a table
 * @json: converts it to an array
 */
struct listing {
	const char *argp_doc;
	bool (*print)(const struct statistics *statistics);
	struct json_object *(*json)(const struct statistics *statistics);
};

/**
 * statistics_list() - print a list as a table, or as JSON with --json
 * @session: the session
 * @argc: number of arguments
 * @argv: arguments
 * @listing: the list
 *
 * Return: STATUS_OK on success.
 */
enum status statistics_list(struct session *session, int argc, char **argv,
			    const struct listing *listing);

/* statistics_table.c */

/*
 * Each function prints one section to standard output. Return: true, or false
 * after a complaint.
 */
bool statistics_print_borrowing(const struct statistics *statistics);
bool statistics_print_zones(const struct statistics *statistics);
bool statistics_print_caches(const struct statistics *statistics);

/* Omits the size classes of kmalloc, for a caller that also prints these. */
bool statistics_print_other_caches(const struct statistics *statistics);
bool statistics_print_classes(const struct statistics *statistics);
bool statistics_print_mempools(const struct statistics *statistics);
bool statistics_print_percpu(const struct statistics *statistics);
bool statistics_print_areas(const struct statistics *statistics);
bool statistics_print_file(const struct statistics *statistics);
bool statistics_print_reports(const struct statistics *statistics);

/* Print the first @known bytes of the statistics of one cache. */
bool statistics_print_cache(const struct memalloc_stats_cache *cache,
			    size_t known);

/* Print the first @known bytes of the statistics of one mempool. */
bool statistics_print_mempool(const struct memalloc_stats_mempool *pool,
			      size_t known);

/* statistics_json.c */

/*
 * Each function converts one section, with the names and units of
 * <linux/memalloc.h>: to an array for zones, caches, classes and mempools, to
 * an object for the others. Return: NULL if there is no memory.
 */
struct json_object *statistics_json_borrowing(const struct statistics *s);
struct json_object *statistics_json_zones(const struct statistics *s);
struct json_object *statistics_json_caches(const struct statistics *s);
struct json_object *statistics_json_classes(const struct statistics *s);
struct json_object *statistics_json_mempools(const struct statistics *s);
struct json_object *statistics_json_percpu(const struct statistics *s);
struct json_object *statistics_json_areas(const struct statistics *s);
struct json_object *statistics_json_file(const struct statistics *s);
struct json_object *statistics_json_reports(const struct statistics *s);

#endif /* STATISTICS_H */
