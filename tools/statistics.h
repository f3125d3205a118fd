/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What MEMALLOC_STATS answers, all of it, and what it means
 */
#ifndef STATISTICS_H
#define STATISTICS_H

#include <stddef.h>
#include <stdint.h>

#include "device.h"

/**
 * struct statistics - all sections at about the same time
 * @borrowing: the section
 * @borrowing_known: how much of it the kernel knows
 * @file: the section
 * @file_known: how much of it the kernel knows
 * @reports: the section
 * @reports_known: how much of it the kernel knows
 * @zones: the entries of the section
 * @nr_zones: how many there are
 * @caches: the entries of the section
 * @nr_caches: how many there are; zero too if the kernel knows no such section
 * @caches_known: how much of each the kernel knows
 * @classes: the entries of the section
 * @nr_classes: as @nr_caches
 * @classes_known: as @caches_known
 * @mempools: the entries of the section
 * @nr_mempools: as @nr_caches
 * @mempools_known: as @caches_known
 * @percpu: the section
 * @percpu_known: how much of it the kernel knows
 * @areas: the section
 * @areas_known: how much of it the kernel knows
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
 * statistics_read() - ask for all sections
 * @device: the device
 * @statistics: where they go, for statistics_free()
 *
 * Return: 0 or a negative errno; then there is nothing to free.
 */
int statistics_read(const struct device *device, struct statistics *statistics);

void statistics_free(struct statistics *statistics);

/* What a field counts. */
enum unit {
	UNIT_EVENTS,
	UNIT_PAGES,
	UNIT_BYTES,
};

/**
 * struct statistics_field - one field of a section
 * @name: as <linux/memalloc.h> calls it; NULL after the last one
 * @offset: of its __u64 in the structure
 * @unit: what it counts
 * @meaning: in a few words
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
 * struct statistics_orders - one array by order of the section of zones
 * @name: as <linux/memalloc.h> calls it; NULL after the last one
 * @offset: of its __u64[MEMALLOC_NR_ORDERS] in struct memalloc_stats_zone
 * @meaning: in a few words
 */
struct statistics_orders {
	const char *name;
	size_t offset;
	const char *meaning;
};

extern const struct statistics_orders statistics_zone_orders[];

/**
 * statistics_field() - the value of a field
 * @section: the structure
 * @offset: of the field in it
 */
uint64_t statistics_field(const void *section, size_t offset);

#endif /* STATISTICS_H */
