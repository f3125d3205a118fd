// SPDX-License-Identifier: GPL-2.0
/*
 * Demonstrate every order in every zone
 *
 * All orders of a zone are held at once, each filled with a pattern that shares
 * no word with another one. Blocks that overlap, or that are too short, are
 * thus detected.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../lib/common.h"

#include "../errors.h"
#include "../map.h"
#include "../table.h"
#include "demo.h"

/**
 * struct choice - zone modifiers that user space can pass
 * @name: name in the table
 * @gfp: GFP bits
 * @highest: highest zone that may serve the request
 */
struct choice {
	const char *name;
	uint32_t gfp;
	uint32_t highest;
};

static const struct choice choices[] = {
	{ "any", 0, MEMALLOC_ZONE_NORMAL },
	{ "DMA32", MEMALLOC_GFP_DMA32, MEMALLOC_ZONE_DMA32 },
	{ "DMA", MEMALLOC_GFP_DMA, MEMALLOC_ZONE_DMA },
};

#define NR_CHOICES (sizeof(choices) / sizeof(*choices))

/**
 * struct block - one block
 * @choice: zone modifiers
 * @order: the order
 * @handle: the allocation, or zero
 * @bytes: its size
 * @map_offset: its offset for mmap(2)
 * @zone: its zone
 * @value: value of its pattern
 * @good: no check of it failed
 */
struct block {
	const struct choice *choice;
	unsigned int order;
	uint64_t handle;
	uint64_t bytes;
	uint64_t map_offset;
	uint32_t zone;
	uint64_t value;
	bool good;
};

static bool note(struct block *block, bool good)
{
	if (!good)
		block->good = false;
	return good;
}

/* Check a condition about a block. */
#define check(demo, block, condition, format, ...)			\
	note(block, demo_check(demo, condition,				\
			       "order %u, zone %s: " format,		\
			       (block)->order, (block)->choice->name,	\
			       ##__VA_ARGS__))

static bool check_errno(struct demo *demo, struct block *block, int err,
			const char *what)
{
	return check(demo, block, !err, "cannot %s: %s", what, strerror(-err));
}

static void allocate(struct demo *demo, struct block *block)
{
	struct memalloc_alloc alloc = {
		.size = sizeof(alloc),
		.kind = MEMALLOC_KIND_PAGES,
		.gfp = block->choice->gfp,
		.node = -1,
		.order = block->order,
	};
	int err = memalloc_alloc(demo->device->fd, &alloc);

	if (!check_errno(demo, block, err, "allocate")) {
		explain_alloc(demo->session, &alloc, err);
		return;
	}
	block->handle = alloc.out_handle;
	block->bytes = alloc.out_bytes;
	block->map_offset = alloc.out_map_offset;
	check(demo, block, block->bytes == demo->page_size << block->order,
	      "its size is %llu bytes", alloc.out_bytes);
}

/* Check every page: a block must not span two zones. */
static void check_page(struct demo *demo, struct block *block, uint64_t offset,
		       uint64_t *first_phys)
{
	struct memalloc_info info = {
		.size = sizeof(info),
		.handle = block->handle,
		.offset = offset,
		.flags = demo->privileged ? MEMALLOC_INFO_PHYS : 0,
	};
	int err = memalloc_info(demo->device->fd, &info);

	if (!check_errno(demo, block, err, "query it"))
		return;
	if (!offset) {
		block->zone = info.out_zone;
		*first_phys = info.out_phys;
	}
	check(demo, block, info.out_zone <= block->choice->highest,
	      "it is in zone %s", memalloc_zone_name(info.out_zone));
	if (!demo->privileged)
		return;
	check(demo, block, !(*first_phys % block->bytes),
	      "its physical address is not a multiple of its size");
	check(demo, block, info.out_phys == *first_phys + offset,
	      "its pages are not contiguous");
}

/* Check the first page, the last one, and those at powers of two between. */
static void check_place(struct demo *demo, struct block *block)
{
	uint64_t first_phys = 0, offset;

	check_page(demo, block, 0, &first_phys);
	for (offset = demo->page_size; offset < block->bytes; offset *= 2)
		check_page(demo, block, offset, &first_phys);
	if (block->order)
		check_page(demo, block, block->bytes - demo->page_size,
			   &first_phys);
}

static void check_zeroed(struct demo *demo, struct block *block)
{
	uint64_t same;
	int err = memalloc_verify(demo->device->fd, block->handle, 0, block->bytes,
				  MEMALLOC_PATTERN_REPEAT, 0, &same);

	if (check(demo, block, err != -EILSEQ, "byte %" PRIu64 " of it was not zero",
		  err ? same : 0))
		check_errno(demo, block, err, "verify that it is zeroed");
}

static void fill(struct demo *demo, struct block *block)
{
	int err = memalloc_fill(demo->device->fd, block->handle, 0, block->bytes,
				MEMALLOC_PATTERN_COUNT, block->value);

	check_errno(demo, block, err, "fill");
}

static void verify(struct demo *demo, struct block *block)
{
	uint64_t same;
	int err = memalloc_verify(demo->device->fd, block->handle, 0, block->bytes,
				  MEMALLOC_PATTERN_COUNT, block->value, &same);

	if (check(demo, block, err != -EILSEQ, "the pattern is damaged at byte %" PRIu64,
		  err ? same : 0))
		check_errno(demo, block, err, "verify");
}

static void read_back(struct demo *demo, struct block *block, void *buffer)
{
	size_t length = (size_t)block->bytes, good;
	int err;

	memset(buffer, 0x55, length);
	err = memalloc_read(demo->device->fd, block->handle, 0, buffer, length);
	if (!check_errno(demo, block, err, "read"))
		return;
	good = mapping_verify(buffer, length, block->value);
	check(demo, block, good == length,
	      "the data read differs from the pattern at byte %zu", good);
}

/* Read the pattern through a mapping, and write another one through it. */
static void map(struct demo *demo, struct block *block)
{
	size_t length = (size_t)block->bytes, good;
	void *memory;
	int err;

	err = mapping_create(demo->device, block->map_offset, length, true,
			     &memory);
	if (!check_errno(demo, block, err, "map"))
		return;
	good = mapping_verify(memory, length, block->value);
	check(demo, block, good == length,
	      "the mapping differs from the pattern at byte %zu", good);
	block->value = ~block->value;
	mapping_fill(memory, length, block->value);
	err = memalloc_unmap(memory, length);
	check_errno(demo, block, err, "unmap");
	verify(demo, block);
}

static void release(struct demo *demo, struct block *block)
{
	check_errno(demo, block, memalloc_free(demo->device->fd, block->handle),
		    "free");
}

static void use_all(struct demo *demo, struct block *blocks, void *buffer)
{
	unsigned int order;

	for (order = 0; order < MEMALLOC_NR_ORDERS; order++) {
		allocate(demo, &blocks[order]);
		if (!blocks[order].handle)
			continue;
		check_place(demo, &blocks[order]);
		check_zeroed(demo, &blocks[order]);
		fill(demo, &blocks[order]);
	}
	for (order = 0; order < MEMALLOC_NR_ORDERS; order++) {
		if (!blocks[order].handle)
			continue;
		verify(demo, &blocks[order]);
		read_back(demo, &blocks[order], buffer);
		map(demo, &blocks[order]);
	}
	for (order = 0; order < MEMALLOC_NR_ORDERS; order++)
		if (blocks[order].handle)
			release(demo, &blocks[order]);
}

/* Zones of the blocks, e.g. "DMA32 Normal" */
static const char *zones_of(const struct block *blocks, char *text, size_t size)
{
	unsigned int zone, order;

	*text = '\0';
	for (zone = 0; zone < MEMALLOC_NR_ZONES; zone++) {
		for (order = 0; order < MEMALLOC_NR_ORDERS; order++)
			if (blocks[order].handle && blocks[order].zone == zone)
				break;
		if (order < MEMALLOC_NR_ORDERS)
			snprintf(text + strlen(text), size - strlen(text),
				 "%s%s", *text ? " " : "",
				 memalloc_zone_name(zone));
	}
	return text;
}

static void add_line(struct table *table, const struct block *blocks)
{
	unsigned int order;
	char zones[64];

	table_line(table);
	table_cell(table, "%s", blocks->choice->name);
	table_cell(table, "%s", zones_of(blocks, zones, sizeof(zones)));
	for (order = 0; order < MEMALLOC_NR_ORDERS; order++)
		table_cell_colour(table, blocks[order].good ? "green" : "red",
				  blocks[order].good ? "ok" : "BAD");
}

static void use_choice(struct demo *demo, const struct choice *choice,
		       void *buffer, struct table *table)
{
	struct block blocks[MEMALLOC_NR_ORDERS];
	unsigned int order;

	memset(blocks, 0, sizeof(blocks));
	for (order = 0; order < MEMALLOC_NR_ORDERS; order++) {
		blocks[order].choice = choice;
		blocks[order].order = order;
		blocks[order].value = (uint64_t)(choice->highest + 1) << 56 |
				      (uint64_t)order << 48;
		blocks[order].good = true;
	}
	use_all(demo, blocks, buffer);
	add_line(table, blocks);
}

/*
 * Can the host have memory for this choice? If so, an allocation must succeed.
 */
static bool exists(const struct demo *demo, const struct choice *choice)
{
	if (choice->gfp == MEMALLOC_GFP_DMA)
		return demo->zones.dma;
	if (choice->gfp == MEMALLOC_GFP_DMA32)
		return demo->zones.dma32;
	return true;
}

static bool is_allowed(const struct demo *demo, const struct choice *choice)
{
	return !choice->gfp || demo->may_use_zones;
}

static void begin_table(const struct demo *demo, struct table *table)
{
	char text[MEMALLOC_BYTES_MAX];
	unsigned int order;

	table_begin(table, demo->session->colour);
	table->indent = DEMO_INDENT;
	table_column(table, "REQUESTED", false);
	table_column(table, "ZONES", false);
	for (order = 0; order < MEMALLOC_NR_ORDERS; order++) {
		snprintf(text, sizeof(text), "%u", order);
		table_number_column(table, text, 4);
	}
	table_line(table);
	table_skip(table, 2);
	for (order = 0; order < MEMALLOC_NR_ORDERS; order++) {
		memalloc_format_bytes(demo->page_size << order, text);
		/* "4 KiB" is too wide here: print 4K. */
		text[strcspn(text, " ") + 1] = '\0';
		table_cell(table, "%.*s%c", (int)strcspn(text, " "), text,
			   demo->page_size << order < 1 << 20 ? 'K' : 'M');
	}
}

void demo_orders(struct demo *demo)
{
	void *buffer = malloc((size_t)demo->page_size << MEMALLOC_MAX_ORDER);
	struct table table;
	size_t i;

	demo_heading(demo, "Allocate every order in every zone");
	demo_say("A block of order n is 2^n contiguous pages. All orders are "
		 "held at once. Each");
	demo_say("is filled with a unique pattern, verified in the kernel, read "
		 "and compared,");
	demo_say("mapped and compared, written through the mapping, verified, "
		 "and freed.");
	putchar('\n');
	if (!demo_check(demo, buffer, "out of memory"))
		return;
	begin_table(demo, &table);
	for (i = 0; i < NR_CHOICES; i++)
		if (exists(demo, &choices[i]) && is_allowed(demo, &choices[i]))
			use_choice(demo, &choices[i], buffer, &table);
	table_end(&table);
	for (i = 0; i < NR_CHOICES; i++)
		if (!exists(demo, &choices[i]))
			demo_say("%s: skipped, this host has no such zone.",
				 choices[i].name);
		else if (!is_allowed(demo, &choices[i]))
			demo_say("%s: skipped, it needs CAP_SYS_RAWIO.",
				 choices[i].name);
	free(buffer);
}
