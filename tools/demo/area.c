// SPDX-License-Identifier: GPL-2.0
/*
 * Demonstrate vmalloc areas
 */
#include <inttypes.h>
#include <sched.h>

#include "../../lib/common.h"

#include "../map.h"
#include "demo.h"

#define AREA_PAGES	100
#define PATTERN		(3ULL << 32)
#define OTHER_PATTERN	(5ULL << 32)

/**
 * struct area - a vmalloc area
 * @handle: its handle
 * @bytes: its size
 * @map_offset: its offset for mmap(2)
 */
struct area {
	uint64_t handle;
	uint64_t bytes;
	uint64_t map_offset;
};

static bool allocate(struct demo *demo, struct area *area)
{
	struct memalloc_alloc alloc = {
		.size = sizeof(alloc),
		.kind = MEMALLOC_KIND_AREA, .node = -1,
		.bytes = AREA_PAGES * demo->page_size,
	};
	int err = memalloc_alloc(demo->device->fd, &alloc);

	area->handle = alloc.out_handle;
	area->bytes = alloc.out_bytes;
	area->map_offset = alloc.out_map_offset;
	return demo_check_errno(demo, err, "allocate an area") &&
	       demo_check(demo, area->bytes == alloc.bytes,
			  "an area of %llu bytes got %llu", alloc.bytes,
			  alloc.out_bytes);
}

/* Return: number of physically contiguous pieces of the area; 0 if unknown. */
static unsigned int pieces_of(struct demo *demo, const struct area *area)
{
	struct memalloc_info info = {
		.size = sizeof(info),
		.handle = area->handle, .flags = MEMALLOC_INFO_PHYS,
	};
	uint64_t expected = 0;
	unsigned int pieces = 0;

	for (; info.offset < area->bytes; info.offset += demo->page_size) {
		if (!demo_check_errno(demo, memalloc_info(demo->device->fd, &info),
				      "query a page of an area"))
			return 0;
		if (info.out_phys != expected)
			pieces++;
		expected = info.out_phys + demo->page_size;
	}
	return pieces;
}

static void say_what(struct demo *demo, const struct area *area)
{
	char size[MEMALLOC_BYTES_MAX];
	unsigned int pieces = 0;

	if (demo->privileged)
		pieces = pieces_of(demo, area);
	memalloc_format_bytes(area->bytes, size);
	if (pieces)
		demo_say("An area of %u pages, %s, made of %u physically "
			 "contiguous piece%s.", AREA_PAGES, size, pieces,
			 pieces == 1 ? "" : "s");
	else
		demo_say("An area of %u pages, %s.", AREA_PAGES, size);
}

/* The kernel and the mapping see each other's writes. */
static void use_mapping(struct demo *demo, const struct area *area, void *memory)
{
	size_t length = (size_t)area->bytes, good;

	good = mapping_verify(memory, length, PATTERN);
	demo_check(demo, good == length,
		   "the mapping differs from the pattern at byte %zu", good);
	mapping_fill(memory, length, OTHER_PATTERN);
	demo_check_errno(demo, demo_verify(demo, area->handle, area->bytes,
					   OTHER_PATTERN),
			 "verify data written through the mapping");
}

static void use(struct demo *demo, const struct area *area)
{
	void *memory;

	demo_check_errno(demo, demo_verify_zeroes(demo, area->handle, area->bytes),
			 "verify that a new area is zeroed");
	demo_check_errno(demo, demo_fill(demo, area->handle, area->bytes, PATTERN),
			 "fill an area");
	demo_check_errno(demo, demo_verify(demo, area->handle, area->bytes,
					   PATTERN), "verify an area");
	if (!demo_check_errno(demo, mapping_create(demo->device, area->map_offset,
						   (size_t)area->bytes, true,
						   &memory), "map an area"))
		return;
	use_mapping(demo, area, memory);
	demo_check_errno(demo, memalloc_unmap(memory, (size_t)area->bytes),
			 "unmap an area");
	demo_say("Filled and verified in the kernel, read and written through a "
		 "mapping, verified again.");
}

static uint64_t hits(const struct memalloc_stats_areas *areas)
{
	return areas->cpu_hits + areas->node_hits;
}

/*
 * A freed area stays mapped in the kernel. The next allocation gets it without
 * a change of page tables, and without its old contents.
 */
static void check_reuse(struct demo *demo, struct area *area,
			const struct memalloc_stats_areas *before)
{
	struct memalloc_stats_areas after;

	if (!demo_check_errno(demo, memalloc_stats(demo->device->fd,
						   MEMALLOC_SECTION_AREAS, 0,
						   &after, sizeof(after), NULL),
			      "read the statistics of areas"))
		return;
	demo_check_errno(demo, demo_verify_zeroes(demo, area->handle, area->bytes),
			 "verify that a reused area is zeroed");
	if (!demo->alone || before->cached_pages_limit < AREA_PAGES)
		return;
	if (demo_check(demo, hits(&after) == hits(before) + 1,
		       "the area that was just freed was not reused: %" PRIu64
		       " hits before, %" PRIu64 " now", hits(before), hits(&after)) &&
	    demo_check(demo, after.misses == before->misses,
		       "its page tables were set up again"))
		demo_say("Freed and allocated again: from the cache, without a "
			 "change of page tables, and zeroed.");
}

static void free_and_reuse(struct demo *demo, struct area *area)
{
	struct memalloc_stats_areas before;

	if (!demo_check_errno(demo, memalloc_free(demo->device->fd, area->handle),
			      "free an area"))
		return;
	area->handle = 0;
	if (demo_check_errno(demo, memalloc_stats(demo->device->fd,
						  MEMALLOC_SECTION_AREAS, 0,
						  &before, sizeof(before), NULL),
			     "read the statistics of areas") &&
	    allocate(demo, area))
		check_reuse(demo, area, &before);
}

/* A mapping keeps the memory after the handle is freed. */
static void free_while_mapped(struct demo *demo, struct area *area)
{
	size_t length = (size_t)area->bytes;
	void *memory;

	if (!demo_check_errno(demo, mapping_create(demo->device, area->map_offset,
						   length, true, &memory),
			      "map an area"))
		return;
	mapping_fill(memory, length, PATTERN);
	demo_check_errno(demo, memalloc_free(demo->device->fd, area->handle),
			 "free an area that is mapped");
	area->handle = 0;
	if (demo_check(demo, mapping_verify(memory, length, PATTERN) == length,
		       "a mapped area changed when it was freed"))
		demo_say("Freed while it is mapped: the mapping keeps the memory "
			 "and its contents.");
	demo_check_errno(demo, memalloc_unmap(memory, length), "unmap an area");
}

void demo_area(struct demo *demo)
{
	struct area area;
	cpu_set_t before;

	demo_heading(demo, "vmalloc areas");
	demo_stay_on_cpu(&before);
	if (allocate(demo, &area)) {
		say_what(demo, &area);
		use(demo, &area);
		free_and_reuse(demo, &area);
		if (area.handle)
			free_while_mapped(demo, &area);
	}
	sched_setaffinity(0, sizeof(before), &before);
}
