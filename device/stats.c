// SPDX-License-Identifier: GPL-2.0
/*
 * Statistics: the figures of all layers, for user space
 *
 * One row of a table and one structure of <linux/memalloc.h> for each section;
 * each layer fills in its own. A section has one entry or many, by index; some
 * can be asked for by a handle, too.
 *
 * Contexts: task, may sleep. Nothing here takes a lock.
 */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/minmax.h>
#include <linux/nospec.h>
#include <linux/sizes.h>
#include <linux/uaccess.h>

#include <uapi/linux/memalloc.h>

#include "internal/access.h"
#include "internal/area_cache.h"
#include "internal/handle.h"
#include "internal/kind.h"
#include "internal/kmalloc.h"
#include "internal/loan.h"
#include "internal/mempool.h"
#include "internal/node.h"
#include "internal/percpu.h"
#include "internal/report.h"
#include "internal/slab_cache.h"
#include "internal/stats.h"
#include "internal/vmalloc_area.h"

/* No structure will ever be so long. */
#define MAL_STATS_LENGTH_MAX	SZ_4K

/* Any section's structure. */
union mal_section_data {
	struct memalloc_stats_borrowing borrowing;
	struct memalloc_stats_zone zone;
	struct memalloc_stats_file file;
	struct memalloc_stats_reports reports;
	struct memalloc_stats_cache cache;
	struct memalloc_stats_class class;
	struct memalloc_stats_mempool mempool;
	struct memalloc_stats_percpu percpu;
	struct memalloc_stats_areas areas;
};

static unsigned int mal_count_one(void)
{
	return 1;
}

static bool mal_stats_borrowing(struct mal_file *file, u32 index,
				union mal_section_data *data)
{
	mal_borrowing_stats(&data->borrowing);
	return true;
}

static bool mal_stats_zone(struct mal_file *file, u32 index,
			   union mal_section_data *data)
{
	return mal_zone_stats(index, &data->zone);
}

static bool mal_stats_file(struct mal_file *file, u32 index,
			   union mal_section_data *data)
{
	mal_file_stats(file, &data->file);
	return true;
}

static bool mal_stats_reports(struct mal_file *file, u32 index,
			      union mal_section_data *data)
{
	mal_report_stats(&data->reports);
	return true;
}

static bool mal_stats_cache(struct mal_file *file, u32 index,
			    union mal_section_data *data)
{
	return mal_cache_stats_at(index, &data->cache);
}

static bool mal_stats_of_cache(const struct mal_object *obj,
			       union mal_section_data *data)
{
	if (obj->kind->id != MEMALLOC_KIND_CACHE)
		return false;
	mal_cache_stats_fill(obj->cache, &data->cache);
	return true;
}

static bool mal_stats_class(struct mal_file *file, u32 index,
			    union mal_section_data *data)
{
	return mal_class_stats(index, &data->class);
}

static bool mal_stats_mempool(struct mal_file *file, u32 index,
			      union mal_section_data *data)
{
	return mal_mempool_stats_at(index, &data->mempool);
}

static bool mal_stats_of_mempool(const struct mal_object *obj,
				 union mal_section_data *data)
{
	if (obj->kind->id != MEMALLOC_KIND_MEMPOOL)
		return false;
	mal_mempool_stats_fill(obj->pool, &data->mempool);
	return true;
}

static bool mal_stats_percpu(struct mal_file *file, u32 index,
			     union mal_section_data *data)
{
	struct mal_percpu_stats stats;

	mal_percpu_stats(&stats);
	data->percpu = (struct memalloc_stats_percpu) {
		.chunks = stats.chunks,
		.chunk_bytes = stats.unit_bytes,
		.possible_cpus = num_possible_cpus(),
		.total_bytes = stats.bytes,
		.metadata_bytes = stats.metadata_bytes,
		.used = stats.used,
		.cached = stats.cached,
		.free_bytes = stats.free,
		.largest_free = stats.largest_free,
		.hits = stats.hits,
		.misses = stats.misses,
		.failures = stats.failures,
		.chunks_borrowed = stats.borrowed_total,
		.chunks_returned = stats.returned_total,
		.chunks_refused = stats.refused,
	};
	return true;
}

static bool mal_stats_areas(struct mal_file *file, u32 index,
			    union mal_section_data *data)
{
	struct mal_area_cache_stats cache;
	struct mal_vmalloc_stats areas;

	mal_vmalloc_stats(&areas);
	mal_area_cache_stats(&cache);
	data->areas = (struct memalloc_stats_areas) {
		.areas = areas.areas,
		.area_pages = areas.pages,
		.maps = areas.maps,
		.failures = areas.failures,
		.cached_areas = cache.areas,
		.cached_pages = cache.pages,
		.cached_pages_limit = cache.limit,
		.cpu_hits = cache.cpu_hits,
		.node_hits = cache.node_hits,
		.misses = cache.misses,
		.evicted = cache.evicted,
		.not_kept_as_held = cache.held,
	};
	return true;
}

/**
 * struct mal_stats_section - a section of the statistics
 * @length: of its structure
 * @count: how many entries it has now
 * @fill: fill in an entry. Return: whether there is one at @index.
 * @fill_of: fill in the entry of what a handle stands for. Return: whether it
 *	has one. NULL: none has.
 */
struct mal_stats_section {
	u32 length;
	unsigned int (*count)(void);
	bool (*fill)(struct mal_file *file, u32 index,
		     union mal_section_data *data);
	bool (*fill_of)(const struct mal_object *obj,
			union mal_section_data *data);
};

/* By enum memalloc_section. */
static const struct mal_stats_section mal_stats_sections[] = {
	[MEMALLOC_SECTION_BORROWING] = {
		sizeof(struct memalloc_stats_borrowing),
		mal_count_one, mal_stats_borrowing,
	},
	[MEMALLOC_SECTION_ZONE] = {
		sizeof(struct memalloc_stats_zone),
		mal_zone_count, mal_stats_zone,
	},
	[MEMALLOC_SECTION_FILE] = {
		sizeof(struct memalloc_stats_file),
		mal_count_one, mal_stats_file,
	},
	[MEMALLOC_SECTION_REPORTS] = {
		sizeof(struct memalloc_stats_reports),
		mal_count_one, mal_stats_reports,
	},
	[MEMALLOC_SECTION_CACHE] = {
		sizeof(struct memalloc_stats_cache),
		mal_cache_count, mal_stats_cache, mal_stats_of_cache,
	},
	[MEMALLOC_SECTION_CLASS] = {
		sizeof(struct memalloc_stats_class),
		mal_class_count, mal_stats_class,
	},
	[MEMALLOC_SECTION_MEMPOOL] = {
		sizeof(struct memalloc_stats_mempool),
		mal_mempool_count, mal_stats_mempool, mal_stats_of_mempool,
	},
	[MEMALLOC_SECTION_PERCPU] = {
		sizeof(struct memalloc_stats_percpu),
		mal_count_one, mal_stats_percpu,
	},
	[MEMALLOC_SECTION_AREAS] = {
		sizeof(struct memalloc_stats_areas),
		mal_count_one, mal_stats_areas,
	},
};

static const struct mal_stats_section *mal_section_from_user(u32 section)
{
	if (section >= ARRAY_SIZE(mal_stats_sections))
		return NULL;
	section = array_index_nospec(section, ARRAY_SIZE(mal_stats_sections));
	return mal_stats_sections[section].fill ?
	       &mal_stats_sections[section] : NULL;
}

/* Fills the caller's structure as far as either side knows it. */
static int mal_section_to_user(const struct memalloc_stats *stats,
			       const union mal_section_data *data, u32 length)
{
	u32 known = min(stats->length, length);
	void __user *user;

	if (mal_user_ptr(stats->data, &user))
		return -EFAULT;
	if (copy_to_user(user, data, known) ||
	    clear_user(user + known, stats->length - known))
		return -EFAULT;
	return 0;
}

/* The entry at the index that was asked for. */
static int mal_section_fill(struct mal_file *file,
			    const struct mal_stats_section *section,
			    struct memalloc_stats *stats,
			    union mal_section_data *data)
{
	stats->out_count = section->count();
	if (stats->index >= stats->out_count ||
	    !section->fill(file, stats->index, data))
		return -ENOENT;
	return 0;
}

/* The entry of the handle that was asked for. */
static int mal_section_fill_of(struct mal_file *file,
			       const struct mal_stats_section *section,
			       struct memalloc_stats *stats,
			       union mal_section_data *data)
{
	struct mal_object *obj;
	int err = 0;

	if (!section->fill_of)
		return -EINVAL;
	stats->out_count = 1;
	if (stats->index)
		return -ENOENT;
	obj = mal_handle_get(file, stats->handle);
	if (!obj)
		return -ENOENT;
	if (!section->fill_of(obj, data))
		err = -EINVAL;
	mal_object_put(obj);
	return err;
}

/**
 * mal_stats_to_user() - carry out MEMALLOC_STATS
 * @file: whose handle, and whose own figures
 * @stats: the command; its answers are set
 *
 * Context: task, may sleep.
 * Return: 0, -EINVAL (no such section, too long a structure, a handle where none
 * is for), -ENOENT (no such entry, no such handle) or -EFAULT.
 */
int mal_stats_to_user(struct mal_file *file, struct memalloc_stats *stats)
{
	const struct mal_stats_section *section;
	union mal_section_data data = {};
	int err;

	section = mal_section_from_user(stats->section);
	if (!section || stats->length > MAL_STATS_LENGTH_MAX)
		return -EINVAL;
	if (stats->handle)
		err = mal_section_fill_of(file, section, stats, &data);
	else
		err = mal_section_fill(file, section, stats, &data);
	if (err)
		return err;
	stats->out_length = section->length;
	return mal_section_to_user(stats, &data, section->length);
}
