// SPDX-License-Identifier: GPL-2.0
/*
 * Statistics of all layers, for user space
 *
 * Each section has a table row here and a structure in <linux/memalloc.h>,
 * which its layer fills in. A section has one entry, or several by index. Some
 * entries can be requested by handle as well.
 *
 * Context: task, may sleep. Takes no lock.
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
#include "internal/borrow.h"
#include "internal/handle.h"
#include "internal/kind.h"
#include "internal/kmalloc.h"
#include "internal/mempool.h"
#include "internal/node.h"
#include "internal/percpu.h"
#include "internal/quota.h"
#include "internal/report.h"
#include "internal/slab_cache.h"
#include "internal/slab_list.h"
#include "internal/stats.h"
#include "internal/vmalloc_area.h"

/* No structure will ever exceed this size. */
#define MAL_STATS_LENGTH_MAX	SZ_4K

/* The structures of all sections. */
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
	mal_borrow_stats(&data->borrowing);
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

static bool mal_stats_of_cache(const struct mal_handle *obj,
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

static bool mal_stats_of_mempool(const struct mal_handle *obj,
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
		.not_kept_as_held = cache.pinned,
	};
	return true;
}

/**
 * struct mal_stats_section - a section of the statistics
 * @length: size of its structure
 * @count: returns the current number of entries
 * @fill: fills in an entry. Returns false if there is none at @index.
 * @fill_of: fills in the entry of a handle's object. Returns false if it
 *	has none. NULL: no object has one.
 */
struct mal_stats_section {
	u32 length;
	unsigned int (*count)(void);
	bool (*fill)(struct mal_file *file, u32 index,
		     union mal_section_data *data);
	bool (*fill_of)(const struct mal_handle *obj,
			union mal_section_data *data);
};

/* Indexed by enum memalloc_section. */
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

/*
 * Copy the part that both sides know, and zero the rest of the caller's
 * structure.
 */
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

/*
 * Fill in the entry at the requested index; without a length, only the count.
 */
static int mal_section_fill(struct mal_file *file,
			    const struct mal_stats_section *section,
			    struct memalloc_stats *stats,
			    union mal_section_data *data)
{
	stats->out_count = section->count();
	if (!stats->length)
		return 0;
	if (stats->index >= stats->out_count ||
	    !section->fill(file, stats->index, data))
		return -ENOENT;
	return 0;
}

/* Fill in the entry of the requested handle. */
static int mal_section_fill_of(struct mal_file *file,
			       const struct mal_stats_section *section,
			       struct memalloc_stats *stats,
			       union mal_section_data *data)
{
	struct mal_handle *obj;
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
	mal_handle_put(obj);
	return err;
}

/**
 * mal_stats_to_user() - execute MEMALLOC_STATS
 * @file: file of the handle, and of the section "file"
 * @stats: the command; its answers are set
 *
 * Context: task, may sleep.
 * Return: 0, -EINVAL (no such section, structure too long, section does not
 * support handles), -ENOENT (no such entry, no such handle) or -EFAULT.
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
