/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Statistics for programs
 */
#ifndef STATISTICS_JSON_H
#define STATISTICS_JSON_H

#include "statistics.h"

struct json_object;

/*
 * Each makes one section, named and counted as in <linux/memalloc.h>: an
 * object, or for zones, caches, classes and mempools an array of them. NULL if
 * there is no memory.
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

#endif /* STATISTICS_JSON_H */
