// SPDX-License-Identifier: GPL-2.0
/*
 * Statistics as tables
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../lib/common.h"

#include "parse.h"
#include "statistics.h"
#include "table.h"

/* Value of a quota that is not set */
#define NO_LIMIT UINT64_MAX

static bool is_memory(enum unit unit)
{
	return unit == UNIT_PAGES || unit == UNIT_BYTES;
}

static bool any_memory(const struct statistics_field *fields)
{
	for (; fields->name; fields++)
		if (is_memory(fields->unit))
			return true;
	return false;
}

static void value_cell(struct table *table, enum unit unit, uint64_t value)
{
	char flags[CACHE_FLAGS_MAX];

	if (value == NO_LIMIT)
		table_cell(table, "no limit");
	else if (unit == UNIT_CACHE_FLAGS)
		table_cell(table, "%s", cache_flags_format(value, flags));
	else if (unit == UNIT_BACKEND)
		table_cell(table, "%s", memalloc_backend_name((uint32_t)value));
	else
		table_cell(table, "%" PRIu64, value);
}

/* Add the unit of a value, and its size in bytes if it counts memory. */
static void memory_cells(struct table *table, enum unit unit, uint64_t value,
			 uint64_t page_size)
{
	static const char *const units[] = {
		[UNIT_EVENTS] = "", [UNIT_PAGES] = "pages",
		[UNIT_BYTES] = "bytes", [UNIT_CACHE_FLAGS] = "",
		[UNIT_BACKEND] = "",
	};
	uint64_t bytes = unit == UNIT_PAGES ? value * page_size : value;
	char text[MEMALLOC_BYTES_MAX] = "";

	if (is_memory(unit) && value != NO_LIMIT)
		memalloc_format_bytes(bytes, text);
	table_cell(table, "%s", units[unit]);
	table_cell(table, "%s", text);
}

static bool print_fields(const char *heading, const void *section, size_t known,
			 const struct statistics_field *fields,
			 uint64_t page_size)
{
	bool memory = any_memory(fields);
	struct table table;
	uint64_t value;

	table_begin(&table, false);
	table_column(&table, heading, false);
	table_column(&table, "VALUE", true);
	if (memory) {
		table_column(&table, "UNIT", false);
		table_column(&table, "SIZE", true);
	}
	table_column(&table, "MEANING", false);
	for (; fields->name; fields++) {
		if (fields->offset + sizeof(uint64_t) > known)
			break;
		value = statistics_field(section, fields->offset);
		table_line(&table);
		table_cell(&table, "%s", fields->name);
		value_cell(&table, fields->unit, value);
		if (memory)
			memory_cells(&table, fields->unit, value, page_size);
		table_cell(&table, "%s", fields->meaning);
	}
	return table_end(&table);
}

bool statistics_print_borrowing(const struct statistics *statistics)
{
	return print_fields("BORROWING", &statistics->borrowing,
			    statistics->borrowing_known,
			    statistics_borrowing_fields,
			    statistics->borrowing.page_size);
}

bool statistics_print_file(const struct statistics *statistics)
{
	return print_fields("FILE", &statistics->file, statistics->file_known,
			    statistics_file_fields,
			    statistics->borrowing.page_size);
}

bool statistics_print_percpu(const struct statistics *statistics)
{
	return print_fields("PERCPU", &statistics->percpu,
			    statistics->percpu_known, statistics_percpu_fields,
			    statistics->borrowing.page_size);
}

bool statistics_print_areas(const struct statistics *statistics)
{
	return print_fields("AREAS", &statistics->areas, statistics->areas_known,
			    statistics_areas_fields,
			    statistics->borrowing.page_size);
}

bool statistics_print_reports(const struct statistics *statistics)
{
	return print_fields("REPORTS", &statistics->reports,
			    statistics->reports_known,
			    statistics_reports_fields,
			    statistics->borrowing.page_size);
}

static void add_orders(struct table *table,
		       const struct memalloc_stats_zone *zone,
		       const struct statistics_orders *orders, bool first)
{
	unsigned int order;

	table_line(table);
	if (first) {
		table_cell(table, "%d", zone->node);
		table_cell(table, "%s", memalloc_zone_name(zone->zone));
		table_cell(table, "%llu", zone->pages);
		table_cell(table, "%llu", zone->free);
	} else {
		table_skip(table, 4);
	}
	table_cell(table, "%s", orders->meaning);
	for (order = 0; order < MEMALLOC_NR_ORDERS; order++)
		table_cell(table, "%" PRIu64,
			   statistics_field(zone, orders->offset +
					    order * sizeof(uint64_t)));
}

static void add_zone(struct table *table,
		     const struct memalloc_stats_zone *zone)
{
	const struct statistics_orders *orders;

	for (orders = statistics_zone_orders; orders->name; orders++)
		add_orders(table, zone, orders,
			   orders == statistics_zone_orders);
}

bool statistics_print_zones(const struct statistics *statistics)
{
	struct table table;
	unsigned int order;
	char heading[16];
	size_t i;

	if (!statistics->nr_zones) {
		puts("No zone has had any pages so far.");
		return true;
	}
	table_begin(&table, false);
	table_column(&table, "NODE", true);
	table_column(&table, "ZONE", false);
	table_column(&table, "PAGES", true);
	table_column(&table, "FREE", true);
	table_column(&table, "BLOCKS", false);
	for (order = 0; order < MEMALLOC_NR_ORDERS; order++) {
		snprintf(heading, sizeof(heading), "%u", order);
		table_number_column(&table, heading, 4);
	}
	for (i = 0; i < statistics->nr_zones; i++)
		add_zone(&table, &statistics->zones[i]);
	return table_end(&table);
}

bool statistics_print_cache(const struct memalloc_stats_cache *cache,
			    size_t known)
{
	return print_fields(cache->name, cache, known, statistics_cache_fields,
			    (uint64_t)sysconf(_SC_PAGESIZE));
}

static bool is_class(const struct statistics *statistics, const char *name)
{
	size_t i;

	for (i = 0; i < statistics->nr_classes; i++)
		if (!strcmp(statistics->classes[i].name, name))
			return true;
	return false;
}

static void add_cache(struct table *table,
		      const struct memalloc_stats_cache *cache)
{
	table_line(table);
	table_cell(table, "%s", cache->name);
	table_cell(table, "%llu", cache->object_size);
	table_cell(table, "%llu", cache->align);
	table_cell(table, "%llu", cache->slab_objects);
	table_cell(table, "%llu", cache->slab_pages);
	table_cell(table, "%llu", cache->active);
	table_cell(table, "%llu", cache->objects);
	table_cell(table, "%llu", cache->slabs);
	table_cell(table, "%llu", cache->pages);
	table_cell(table, "%llu", cache->hits);
	table_cell(table, "%llu", cache->misses);
}

/* Print the number of unused classes. */
static void print_unused(size_t count)
{
	if (count)
		printf("%zu size classes of kmalloc have not been used.\n", count);
}

static bool is_unused(const struct memalloc_stats_cache *cache)
{
	return !cache->hits && !cache->misses;
}

/* @classes: include kmalloc size classes that have been used */
static bool print_caches(const struct statistics *statistics, bool classes)
{
	static const char *const numbers[] = {
		"SIZE", "ALIGN", "PER-SLAB", "SLAB-PAGES", "ACTIVE", "OBJECTS",
		"SLABS", "PAGES", "HITS", "MISSES", NULL
	};
	const struct memalloc_stats_cache *cache;
	struct table table;
	size_t i, unused = 0, shown = 0;

	table_begin(&table, false);
	table_column(&table, "CACHE", false);
	for (i = 0; numbers[i]; i++)
		table_column(&table, numbers[i], true);
	for (i = 0; i < statistics->nr_caches; i++) {
		cache = &statistics->caches[i];
		if (is_class(statistics, cache->name)) {
			unused += is_unused(cache);
			if (!classes || is_unused(cache))
				continue;
		}
		add_cache(&table, cache);
		shown++;
	}
	if (!shown)
		table_drop(&table);
	else if (!table_end(&table))
		return false;
	if (classes)
		print_unused(unused);
	else if (!shown)
		puts("There are no caches except the kmalloc size classes.");
	return true;
}

bool statistics_print_caches(const struct statistics *statistics)
{
	return print_caches(statistics, true);
}

bool statistics_print_other_caches(const struct statistics *statistics)
{
	return print_caches(statistics, false);
}

static void add_class(struct table *table,
		      const struct memalloc_stats_class *class)
{
	table_line(table);
	table_cell(table, "%s", class->name);
	table_cell(table, "%llu", class->object_size);
	table_cell(table, "%llu", class->active);
	table_cell(table, "%llu", class->objects);
	table_cell(table, "%llu", class->pages);
	table_cell(table, "%llu", class->samples);
	if (class->samples)
		table_cell(table, "%llu", class->sampled_bytes / class->samples);
	else
		table_skip(table, 1);
	table_cell(table, "%llu.%llu %%", class->waste_per_mille / 10,
		   class->waste_per_mille % 10);
}

bool statistics_print_classes(const struct statistics *statistics)
{
	static const char *const numbers[] = {
		"SIZE", "ACTIVE", "OBJECTS", "PAGES", "SAMPLES", "MEAN-ASKED",
		"WASTE", NULL
	};
	const struct memalloc_stats_class *class;
	struct table table;
	size_t i, unused = 0;

	table_begin(&table, false);
	table_column(&table, "CLASS", false);
	for (i = 0; numbers[i]; i++)
		table_column(&table, numbers[i], true);
	for (i = 0; i < statistics->nr_classes; i++) {
		class = &statistics->classes[i];
		if (!class->samples && !class->pages)
			unused++;
		else
			add_class(&table, class);
	}
	if (statistics->nr_classes == unused)
		table_drop(&table);
	else if (!table_end(&table))
		return false;
	print_unused(unused);
	return true;
}

bool statistics_print_mempool(const struct memalloc_stats_mempool *pool,
			      size_t known)
{
	return print_fields(pool->name, pool, known, statistics_mempool_fields,
			    (uint64_t)sysconf(_SC_PAGESIZE));
}

static void add_mempool(struct table *table,
			const struct memalloc_stats_mempool *pool)
{
	table_line(table);
	table_cell(table, "%s", pool->name);
	table_cell(table, "%s", memalloc_backend_name((uint32_t)pool->backend));
	table_cell(table, "%llu", pool->element_bytes);
	table_cell(table, "%llu", pool->min_nr);
	table_cell(table, "%llu", pool->elements);
	table_cell(table, "%llu", pool->waiting);
	table_cell(table, "%llu", pool->waits);
	table_cell(table, "%llu", pool->reserve_hits);
	table_cell(table, "%llu", pool->failures);
}

bool statistics_print_mempools(const struct statistics *statistics)
{
	static const char *const numbers[] = {
		"SIZE", "MINIMUM", "CURRENT", "WAITING", "WAITS",
		"RESERVE-HITS", "FAILURES", NULL
	};
	struct table table;
	size_t i;

	if (!statistics->nr_mempools) {
		puts("There are no mempools.");
		return true;
	}
	table_begin(&table, false);
	table_column(&table, "MEMPOOL", false);
	table_column(&table, "OF", false);
	for (i = 0; numbers[i]; i++)
		table_column(&table, numbers[i], true);
	for (i = 0; i < statistics->nr_mempools; i++)
		add_mempool(&table, &statistics->mempools[i]);
	return table_end(&table);
}
