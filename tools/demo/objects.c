// SPDX-License-Identifier: GPL-2.0
/*
 * Demonstrate slab caches and kmalloc
 */
#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <stdint.h>
#include <string.h>

#include "../table.h"
#include "demo.h"

#define OBJECT_SIZE	200
#define OBJECTS		3000
#define PATTERN		(1ULL << 32)

static int alloc_objects(const struct demo *demo, uint64_t cache, uint32_t count,
			 uint64_t *handle)
{
	struct memalloc_alloc alloc = {
		.size = sizeof(alloc),
		.kind = MEMALLOC_KIND_OBJECT, .node = -1, .parent = cache,
		.count = count,
	};
	int err = memalloc_alloc(demo->device->fd, &alloc);

	*handle = alloc.out_handle;
	return err;
}

static int alloc_bytes(const struct demo *demo, uint64_t bytes, uint64_t *handle)
{
	struct memalloc_alloc alloc = {
		.size = sizeof(alloc),
		.kind = MEMALLOC_KIND_KMALLOC, .node = -1, .bytes = bytes,
	};
	int err = memalloc_alloc(demo->device->fd, &alloc);

	*handle = alloc.out_handle;
	return err;
}

/* A cache */

static bool add_cache(struct demo *demo, struct table *table, const char *when,
		      uint64_t cache, uint64_t active)
{
	struct memalloc_stats_cache stats;

	if (!demo_check_errno(demo, memalloc_stats_of(demo->device->fd,
						      MEMALLOC_SECTION_CACHE, cache,
						      &stats, sizeof(stats), NULL),
			      "read the statistics of a cache"))
		return false;
	table_line(table);
	table_cell(table, "%s", when);
	table_cell(table, "%llu", stats.active);
	table_cell(table, "%llu", stats.objects);
	table_cell(table, "%llu", stats.slabs);
	table_cell(table, "%llu", stats.pages);
	return demo_check(demo, stats.active == active,
			  "the cache counts %llu allocated objects, expected %"
			  PRIu64, stats.active, active);
}

/* Use the cache; print one line for each step. */
static void use_cache(struct demo *demo, uint64_t cache, struct table *table)
{
	uint64_t many, one;

	if (!demo_check_errno(demo, alloc_objects(demo, cache, OBJECTS, &many),
			      "allocate many objects") ||
	    !demo_check_errno(demo, alloc_objects(demo, cache, 1, &one),
			      "allocate an object"))
		return;
	add_cache(demo, table, "objects allocated", cache, OBJECTS + 1);
	demo_check_errno(demo, demo_fill(demo, many, OBJECTS * OBJECT_SIZE,
					 PATTERN), "fill");
	demo_check_errno(demo, demo_fill(demo, one, OBJECT_SIZE, PATTERN),
			 "fill");
	demo_check_errno(demo, demo_verify(demo, many, OBJECTS * OBJECT_SIZE, PATTERN),
			 "verify all objects");
	demo_check_errno(demo, memalloc_free(demo->device->fd, many), "free");
	add_cache(demo, table, "all but one freed", cache, 1);
	demo_check(demo, memalloc_free(demo->device->fd, cache) == -EBUSY,
		   "a cache with an object was destroyed");
	demo_check_errno(demo, memalloc_shrink_cache(demo->device->fd, cache, NULL),
			 "shrink the cache");
	add_cache(demo, table, "cache shrunk", cache, 1);
	demo_check_errno(demo, demo_verify(demo, one, OBJECT_SIZE, PATTERN),
			 "verify the remaining object");
	demo_check_errno(demo, memalloc_free(demo->device->fd, one), "free");
}

static void show_cache(struct demo *demo)
{
	struct memalloc_cache_create create = {
		.size = sizeof(create),
		.object_size = OBJECT_SIZE, .usersize = OBJECT_SIZE,
		.name = "demo",
	};
	struct table table;

	if (!demo_check_errno(demo, memalloc_cache_create(demo->device->fd, &create),
			      "create a cache"))
		return;
	demo_say("A cache of objects of %u bytes; %u of them are filled and "
		 "verified:", OBJECT_SIZE, OBJECTS + 1);
	putchar('\n');
	table_begin(&table, false);
	table.indent = DEMO_INDENT;
	table_column(&table, "CACHE u:demo", false);
	table_column(&table, "ACTIVE", true);
	table_column(&table, "OBJECTS", true);
	table_column(&table, "SLABS", true);
	table_column(&table, "PAGES", true);
	use_cache(demo, create.out_handle, &table);
	table_end(&table);
	putchar('\n');
	demo_say("The cache could not be destroyed while it had an object: "
		 "EBUSY.");
	demo_check_errno(demo, memalloc_free(demo->device->fd, create.out_handle),
			 "destroy the cache");
}

/* Constructed objects */

/* Return: true if the object is as constructed, except for the mark. */
static bool is_constructed(struct demo *demo, uint64_t object, const char *mark)
{
	char seen[4];
	int err = demo_verify(demo, object, 32, 0);

	if (!err)
		err = memalloc_read(demo->device->fd, object, 32, seen, sizeof(seen));
	return !err && (!mark || !memcmp(seen, mark, sizeof(seen)));
}

static bool mark_and_find(struct demo *demo, uint64_t cache)
{
	uint64_t object;
	bool found;

	if (!demo_check_errno(demo, alloc_objects(demo, cache, 1, &object),
			      "allocate an object"))
		return false;
	demo_check(demo, is_constructed(demo, object, NULL),
		   "a new object is not as constructed");
	memalloc_write(demo->device->fd, object, 32, "mark", 4);
	memalloc_free(demo->device->fd, object);
	if (!demo_check_errno(demo, alloc_objects(demo, cache, 1, &object),
			      "allocate an object"))
		return false;
	found = demo_check(demo, is_constructed(demo, object, "mark"),
			   "an object has changed since it was freed");
	memalloc_free(demo->device->fd, object);
	return found;
}

static void show_constructor(struct demo *demo)
{
	struct memalloc_cache_create create = {
		.size = sizeof(create),
		.object_size = 40, .usersize = 40, .ctor = MEMALLOC_CTOR_COUNT,
		.name = "constructed",
	};
	cpu_set_t before;

	if (!demo_check_errno(demo, memalloc_cache_create(demo->device->fd, &create),
			      "create a cache"))
		return;
	demo_stay_on_cpu(&before);
	if (mark_and_find(demo, create.out_handle))
		demo_say("With a constructor, an object keeps its contents while "
			 "it is free: a mark in it survived.");
	sched_setaffinity(0, sizeof(before), &before);
	demo_check_errno(demo, memalloc_free(demo->device->fd, create.out_handle),
			 "destroy the cache");
}

/* kmalloc */

static void add_size(struct demo *demo, struct table *table, uint64_t bytes)
{
	struct memalloc_info info = { .size = sizeof(info) };

	if (!demo_check_errno(demo, alloc_bytes(demo, bytes, (uint64_t *)&info.handle),
			      "allocate by kmalloc") ||
	    !demo_check_errno(demo, memalloc_info(demo->device->fd, &info), "query it"))
		return;
	table_line(table);
	table_cell(table, "%" PRIu64, bytes);
	table_cell(table, "%llu", info.out_held);
	table_cell(table, "%s", *info.out_name ? info.out_name : "whole pages");
	table_cell(table, "%.1f %%", 100.0 * (double)(info.out_held - bytes) /
		   (double)info.out_held);
	demo_check(demo, info.out_held >= bytes, "%llu bytes are held for %"
		   PRIu64, info.out_held, bytes);
	demo_check_errno(demo, memalloc_free(demo->device->fd, info.handle), "free");
}

static void show_sizes(struct demo *demo)
{
	static const uint64_t sizes[] = { 10, 100, 700, 1100, 5000, 9000, 300000 };
	struct table table;
	size_t i;

	demo_say("kmalloc uses four size classes per doubling, or whole pages:");
	putchar('\n');
	table_begin(&table, false);
	table.indent = DEMO_INDENT;
	table_column(&table, "REQUESTED", true);
	table_column(&table, "HELD", true);
	table_column(&table, "FROM", false);
	table_column(&table, "WASTE", true);
	for (i = 0; i < sizeof(sizes) / sizeof(*sizes); i++)
		add_size(demo, &table, sizes[i]);
	table_end(&table);
	putchar('\n');
}

static void show_resize(struct demo *demo)
{
	static const uint64_t sizes[] = { 120, 5000, 70000, 100 };
	struct memalloc_resize resize = { .size = sizeof(resize) };
	size_t i;

	if (!demo_check_errno(demo, alloc_bytes(demo, 100, (uint64_t *)&resize.handle),
			      "allocate by kmalloc"))
		return;
	demo_check_errno(demo, demo_fill(demo, resize.handle, 100, PATTERN),
			 "fill");
	for (i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		resize.bytes = sizes[i];
		demo_check_errno(demo, memalloc_resize(demo->device->fd, &resize), "resize");
		demo_check_errno(demo, demo_verify(demo, resize.handle, 100, PATTERN),
				 "verify the contents after a resize");
	}
	demo_say("100 bytes resized to 120, 5000, 70000 and 100: the contents "
		 "were preserved.");
	demo_check_errno(demo, memalloc_free(demo->device->fd, resize.handle), "free");
}

void demo_objects(struct demo *demo)
{
	demo_heading(demo, "Slab caches and kmalloc");
	show_cache(demo);
	show_constructor(demo);
	show_sizes(demo);
	show_resize(demo);
}
