/* SPDX-License-Identifier: GPL-2.0 */
/*
 * abi_commands.h: a description of each command, and a request that succeeds
 */
#ifndef ABI_COMMANDS_H
#define ABI_COMMANDS_H

#include <stddef.h>
#include <string.h>

#include "memalloc_device.h"

/* Bytes between two members, or from one to the end of the structure */
#define SPAN(type, first, last) \
	.out = offsetof(struct type, first), \
	.out_length = offsetof(struct type, last) + \
		      sizeof(((struct type *)0)->last) - offsetof(struct type, first)

#define FORBID(type, member, bits) { offsetof(struct type, member), bits }

/* All bytes of a 64-bit member */
#define FORBID_WIDE(type, member) \
	{ offsetof(struct type, member), ~0U }, \
	{ offsetof(struct type, member) + 4, ~0U }

union request {
	__u32 size;
	struct memalloc_alloc alloc;
	struct memalloc_free free;
	struct memalloc_io io;
	struct memalloc_pattern_io pattern;
	struct memalloc_info info;
	struct memalloc_stats stats;
	struct memalloc_validate validate;
	struct memalloc_shrink shrink;
	struct memalloc_batch batch;
	struct memalloc_inject inject;
	struct memalloc_resize resize;
	struct memalloc_cache_create cache_create;
	struct memalloc_mempool_create mempool_create;
	struct memalloc_version version;
};

/* Valid handles and buffers for requests */
struct surroundings {
	__u64 handle;
	__u64 bytes;
	__u64 memory;	/* of kmalloc */
	unsigned char data[64];
	struct memalloc_stats_borrowing borrowing;
	struct memalloc_info info;
	struct memalloc_batch_op op;
};

#define MEMORY_BYTES	200

/* Bits of a 32-bit field of which each one makes a request invalid */
struct forbidden {
	size_t field;
	__u32 bits;
};

/**
 * struct command - description of a command for the common rules
 * @cmd: its number
 * @size: size of its structure
 * @first: size of the first version of the structure
 * @prepare: makes a request that succeeds
 * @out: offset of the out_ fields
 * @out_length: size of the out_ fields
 * @forbidden: unknown flags, reserved fields, values out of range
 */
struct command {
	unsigned int cmd;
	size_t size;
	size_t first;
	void (*prepare)(union request *request, struct surroundings *around);
	size_t out;
	size_t out_length;
	struct forbidden forbidden[12];
};

static void prepare_alloc(union request *request, struct surroundings *around)
{
	(void)around;
	request->alloc.kind = MEMALLOC_KIND_PAGES;
	request->alloc.gfp = MEMALLOC_GFP_USER;
	request->alloc.node = -1;
	request->alloc.order = 1;
}

static void prepare_free(union request *request, struct surroundings *around)
{
	request->free.handle = around->handle;
}

static void prepare_io(union request *request, struct surroundings *around)
{
	request->io.handle = around->handle;
	request->io.offset = 3;
	request->io.length = sizeof(around->data);
	request->io.data = address_of(around->data);
}

/* The pattern of a new allocation: fill does not change it, verify succeeds. */
static void prepare_pattern(union request *request, struct surroundings *around)
{
	request->pattern.handle = around->handle;
	request->pattern.offset = 8;
	request->pattern.length = 72;
	request->pattern.pattern = MEMALLOC_PATTERN_REPEAT;
}

static void prepare_info(union request *request, struct surroundings *around)
{
	request->info.handle = around->handle;
	request->info.offset = around->bytes - 1;
}

static void prepare_stats(union request *request, struct surroundings *around)
{
	request->stats.section = MEMALLOC_SECTION_BORROWING;
	request->stats.length = sizeof(around->borrowing);
	request->stats.data = address_of(&around->borrowing);
}

static void prepare_nothing(union request *request, struct surroundings *around)
{
	(void)request;
	(void)around;
}

static void prepare_batch(union request *request, struct surroundings *around)
{
	around->info = (struct memalloc_info) {
		.size = sizeof(around->info),
		.handle = around->handle,
	};
	around->op = (struct memalloc_batch_op) {
		.cmd = MEMALLOC_INFO,
		.arg = address_of(&around->info),
	};
	request->batch.count = 1;
	request->batch.op_size = sizeof(around->op);
	request->batch.ops = address_of(&around->op);
}

/* To the current size. */
static void prepare_resize(union request *request, struct surroundings *around)
{
	request->resize.handle = around->memory;
	request->resize.bytes = MEMORY_BYTES;
}

/* Any other bit makes the alignment invalid: it is not a power of two. */
static void prepare_cache_create(union request *request, struct surroundings *around)
{
	(void)around;
	request->cache_create.object_size = 96;
	request->cache_create.align = 32;
	request->cache_create.useroffset = 8;
	request->cache_create.usersize = 64;
	strcpy(request->cache_create.name, "abi");
}

static void prepare_mempool_create(union request *request, struct surroundings *around)
{
	(void)around;
	request->mempool_create.backend = MEMALLOC_MEMPOOL_KMALLOC;
	request->mempool_create.bytes = 64;
	request->mempool_create.min_nr = 2;
	request->mempool_create.node = -1;
	strcpy(request->mempool_create.name, "abi");
}

static const struct command alloc_command = {
	.cmd = MEMALLOC_ALLOC,
	.size = 80,
	.first = 64,
	.prepare = prepare_alloc,
	SPAN(memalloc_alloc, out_handle, out_map_offset),
	.forbidden = {
		FORBID(memalloc_alloc, kind, ~0xfU),
		FORBID(memalloc_alloc, flags, ~0U),
		FORBID(memalloc_alloc, gfp, ~MEMALLOC_GFP_ALL),
		FORBID_WIDE(memalloc_alloc, bytes),
		FORBID_WIDE(memalloc_alloc, parent),
		FORBID(memalloc_alloc, count, ~0U),
		FORBID(memalloc_alloc, reserved, ~0U),
		FORBID_WIDE(memalloc_alloc, align),
	},
};

static const struct command free_command = {
	.cmd = MEMALLOC_FREE,
	.size = 16,
	.first = 16,
	.prepare = prepare_free,
	.forbidden = { FORBID(memalloc_free, flags, ~0U) },
};

static const struct command read_command = {
	.cmd = MEMALLOC_READ,
	.size = 48,
	.first = 48,
	.prepare = prepare_io,
	SPAN(memalloc_io, out_done, out_done),
	.forbidden = { FORBID(memalloc_io, flags, ~0U) },
};

static const struct command write_command = {
	.cmd = MEMALLOC_WRITE,
	.size = 48,
	.first = 48,
	.prepare = prepare_io,
	SPAN(memalloc_io, out_done, out_done),
	.forbidden = { FORBID(memalloc_io, flags, ~0U) },
};

static const struct command fill_command = {
	.cmd = MEMALLOC_FILL,
	.size = 56,
	.first = 56,
	.prepare = prepare_pattern,
	SPAN(memalloc_pattern_io, out_done, out_done),
	.forbidden = {
		FORBID(memalloc_pattern_io, flags, ~0U),
		FORBID(memalloc_pattern_io, pattern, ~1U),
		FORBID(memalloc_pattern_io, reserved, ~0U),
	},
};

static const struct command verify_command = {
	.cmd = MEMALLOC_VERIFY,
	.size = 56,
	.first = 56,
	.prepare = prepare_pattern,
	SPAN(memalloc_pattern_io, out_done, out_done),
	.forbidden = {
		FORBID(memalloc_pattern_io, flags, ~0U),
		FORBID(memalloc_pattern_io, pattern, ~1U),
		FORBID(memalloc_pattern_io, reserved, ~0U),
	},
};

static const struct command info_command = {
	.cmd = MEMALLOC_INFO,
	.size = 136,
	.first = 72,
	.prepare = prepare_info,
	SPAN(memalloc_info, out_kind, out_name),
	.forbidden = { FORBID(memalloc_info, flags, ~MEMALLOC_INFO_PHYS) },
};

static const struct command stats_command = {
	.cmd = MEMALLOC_STATS,
	.size = 40,
	.first = 32,
	.prepare = prepare_stats,
	SPAN(memalloc_stats, out_length, out_count),
	.forbidden = {
		FORBID(memalloc_stats, section, ~0x1fU),
		FORBID_WIDE(memalloc_stats, handle),
	},
};

static const struct command validate_command = {
	.cmd = MEMALLOC_VALIDATE,
	.size = 24,
	.first = 24,
	.prepare = prepare_nothing,
	SPAN(memalloc_validate, out_checked, out_errors),
	.forbidden = { FORBID(memalloc_validate, flags, ~0U) },
};

static const struct command version_command = {
	.cmd = MEMALLOC_VERSION,
	.size = 48,
	.first = 48,
	.prepare = prepare_nothing,
	SPAN(memalloc_version, out_abi, out_release),
	.forbidden = { FORBID(memalloc_version, flags, ~0U) },
};

static const struct command shrink_command = {
	.cmd = MEMALLOC_SHRINK,
	.size = 32,
	.first = 24,
	.prepare = prepare_nothing,
	SPAN(memalloc_shrink, out_pages, out_pages),
	.forbidden = { FORBID(memalloc_shrink, flags, ~0U) },
};

static const struct command batch_command = {
	.cmd = MEMALLOC_BATCH,
	.size = 32,
	.first = 32,
	.prepare = prepare_batch,
	SPAN(memalloc_batch, out_done, out_done),
	.forbidden = {
		FORBID(memalloc_batch, flags, ~MEMALLOC_BATCH_KEEP_GOING),
		FORBID(memalloc_batch, count, ~0x7ffU),
		FORBID(memalloc_batch, reserved, ~0U),
	},
};

static const struct command inject_command = {
	.cmd = MEMALLOC_INJECT,
	.size = 24,
	.first = 24,
	.prepare = prepare_nothing,
	SPAN(memalloc_inject, out_left, out_left),
	.forbidden = { FORBID(memalloc_inject, flags, ~0U) },
};

static const struct command resize_command = {
	.cmd = MEMALLOC_RESIZE,
	.size = 56,
	.first = 48,
	.prepare = prepare_resize,
	SPAN(memalloc_resize, out_bytes, out_held),
	.forbidden = {
		FORBID(memalloc_resize, flags, ~0U),
		FORBID(memalloc_resize, gfp, ~MEMALLOC_GFP_ALL),
		FORBID(memalloc_resize, gfp, MEMALLOC_GFP_DMA | MEMALLOC_GFP_DMA32 |
		       MEMALLOC_GFP_HIGHMEM | MEMALLOC_GFP_THISNODE |
		       MEMALLOC_GFP_NOFAIL),
		FORBID(memalloc_resize, reserved, ~0U),
		{ offsetof(struct memalloc_resize, bytes) + 4, ~0U },
		FORBID(memalloc_resize, min_nr, ~0U),
		FORBID(memalloc_resize, reserved2, ~0U),
	},
};

static const struct command cache_create_command = {
	.cmd = MEMALLOC_CACHE_CREATE,
	.size = 64,
	.first = 64,
	.prepare = prepare_cache_create,
	SPAN(memalloc_cache_create, out_handle, out_handle),
	.forbidden = {
		FORBID(memalloc_cache_create, flags, ~MEMALLOC_CACHE_ALL),
		FORBID(memalloc_cache_create, object_size, 0xff000000),
		FORBID(memalloc_cache_create, align, ~32U),
		FORBID(memalloc_cache_create, useroffset, ~0x3fU),
		FORBID(memalloc_cache_create, usersize, ~0x7fU),
		FORBID(memalloc_cache_create, ctor, ~0x3U),
		FORBID(memalloc_cache_create, reserved, ~0U),
		FORBID(memalloc_cache_create, name[20], ~0U),
	},
};

static const struct command mempool_create_command = {
	.cmd = MEMALLOC_MEMPOOL_CREATE,
	.size = 80,
	.first = 56,
	.prepare = prepare_mempool_create,
	SPAN(memalloc_mempool_create, out_handle, out_handle),
	.forbidden = {
		FORBID(memalloc_mempool_create, flags, ~0U),
		FORBID(memalloc_mempool_create, backend, ~2U),
		FORBID(memalloc_mempool_create, order, ~0U),
		{ offsetof(struct memalloc_mempool_create, bytes) + 4, ~0U },
		FORBID_WIDE(memalloc_mempool_create, parent),
		FORBID(memalloc_mempool_create, min_nr, ~0x1ffffU),
		FORBID(memalloc_mempool_create, gfp, ~MEMALLOC_GFP_ALL),
		FORBID(memalloc_mempool_create, gfp, MEMALLOC_GFP_DMA | MEMALLOC_GFP_DMA32 |
		       MEMALLOC_GFP_THISNODE | MEMALLOC_GFP_NOFAIL),
		FORBID(memalloc_mempool_create, reserved, ~0U),
		FORBID(memalloc_mempool_create, name[20], ~0U),
	},
};

/*
 * Put a request that succeeds at @place, with all out_ fields filled with
 * @poison.
 */
static union request *prepare_at(void *place, const struct command *command,
				 struct surroundings *around, int poison)
{
	union request *request = place;

	memset(request, 0, command->size);
	request->size = command->size;
	command->prepare(request, around);
	memset((char *)place + command->out, poison, command->out_length);
	return request;
}

#endif /* ABI_COMMANDS_H */
