// SPDX-License-Identifier: GPL-2.0
/*
 * Statistics as JSON
 *
 * add() and append() consume the value passed to them, as the library's
 * functions do. A NULL value stands for an earlier lack of memory and makes the
 * whole conversion fail.
 */
#include <json-c/json.h>
#include <stdbool.h>

#include "statistics.h"

static bool add(struct json_object *object, const char *name,
		struct json_object *value)
{
	if (value && !json_object_object_add(object, name, value))
		return true;
	json_object_put(value);
	return false;
}

static bool append(struct json_object *array, struct json_object *value)
{
	if (value && !json_object_array_add(array, value))
		return true;
	json_object_put(value);
	return false;
}

static bool add_fields(struct json_object *object, const void *section,
		       size_t known, const struct statistics_field *fields)
{
	bool good = true;
	uint64_t value;

	for (; good && fields->name; fields++) {
		if (fields->offset + sizeof(uint64_t) > known)
			break;
		value = statistics_field(section, fields->offset);
		good = add(object, fields->name, json_object_new_uint64(value));
	}
	return good;
}

static struct json_object *fields_of(const void *section, size_t known,
				     const struct statistics_field *fields)
{
	struct json_object *object = json_object_new_object();

	if (object && add_fields(object, section, known, fields))
		return object;
	json_object_put(object);
	return NULL;
}

/* Convert an entry that begins with its name. */
static struct json_object *named_of(const char *name, size_t known,
				    const struct statistics_field *fields)
{
	struct json_object *object = json_object_new_object();

	if (object && add(object, "name", json_object_new_string(name)) &&
	    add_fields(object, name, known, fields))
		return object;
	json_object_put(object);
	return NULL;
}

/* Convert entries that begin with their names. */
static struct json_object *array_of(const void *entries, size_t count,
				    size_t size, size_t known,
				    const struct statistics_field *fields)
{
	struct json_object *array = json_object_new_array();
	const char *entry = entries;
	bool good = array;

	for (; good && count; count--, entry += size)
		good = append(array, named_of(entry, known, fields));
	if (good)
		return array;
	json_object_put(array);
	return NULL;
}

struct json_object *statistics_json_caches(const struct statistics *s)
{
	return array_of(s->caches, s->nr_caches, sizeof(*s->caches),
			s->caches_known, statistics_cache_fields);
}

struct json_object *statistics_json_classes(const struct statistics *s)
{
	return array_of(s->classes, s->nr_classes, sizeof(*s->classes),
			s->classes_known, statistics_class_fields);
}

struct json_object *statistics_json_mempools(const struct statistics *s)
{
	return array_of(s->mempools, s->nr_mempools, sizeof(*s->mempools),
			s->mempools_known, statistics_mempool_fields);
}

struct json_object *statistics_json_percpu(const struct statistics *s)
{
	return fields_of(&s->percpu, s->percpu_known, statistics_percpu_fields);
}

struct json_object *statistics_json_areas(const struct statistics *s)
{
	return fields_of(&s->areas, s->areas_known, statistics_areas_fields);
}

struct json_object *statistics_json_borrowing(const struct statistics *s)
{
	return fields_of(&s->borrowing, s->borrowing_known,
			 statistics_borrowing_fields);
}

struct json_object *statistics_json_file(const struct statistics *s)
{
	return fields_of(&s->file, s->file_known, statistics_file_fields);
}

struct json_object *statistics_json_reports(const struct statistics *s)
{
	return fields_of(&s->reports, s->reports_known,
			 statistics_reports_fields);
}

static struct json_object *orders_of(const struct memalloc_stats_zone *zone,
				     size_t offset)
{
	struct json_object *array = json_object_new_array();
	bool good = array;
	unsigned int order;
	uint64_t value;

	for (order = 0; good && order < MEMALLOC_NR_ORDERS; order++) {
		value = statistics_field(zone, offset + order * sizeof(value));
		good = append(array, json_object_new_uint64(value));
	}
	if (good)
		return array;
	json_object_put(array);
	return NULL;
}

static struct json_object *zone_of(const struct memalloc_stats_zone *zone)
{
	const struct statistics_orders *orders = statistics_zone_orders;
	struct json_object *object = json_object_new_object();
	const char *name = memalloc_zone_name(zone->zone);
	bool good = object;

	good = good && add(object, "node", json_object_new_int(zone->node));
	good = good && add(object, "zone", json_object_new_string(name));
	good = good && add(object, "pages", json_object_new_uint64(zone->pages));
	good = good && add(object, "free", json_object_new_uint64(zone->free));
	for (; good && orders->name; orders++)
		good = add(object, orders->name, orders_of(zone, orders->offset));
	if (good)
		return object;
	json_object_put(object);
	return NULL;
}

struct json_object *statistics_json_zones(const struct statistics *s)
{
	struct json_object *array = json_object_new_array();
	bool good = array;
	size_t i;

	for (i = 0; good && i < s->nr_zones; i++)
		good = append(array, zone_of(&s->zones[i]));
	if (good)
		return array;
	json_object_put(array);
	return NULL;
}
