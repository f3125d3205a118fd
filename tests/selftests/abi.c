// SPDX-License-Identifier: GPL-2.0
/*
 * The interface: what every command takes, refuses, and writes
 *
 * Rules that hold for all commands are tested for all, from one description of
 * each (struct command). Then come the rules of single commands. Built for
 * 64-bit (abi) and for 32-bit callers (abi32) from this one source.
 */
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>

#include "effort.h"
#include "harness.h"
#include "memalloc_device.h"
#include "module_parameter.h"
#include "seed.h"

/* Bytes between two members, or from one to the end of the structure. */
#define SPAN(type, first, last) \
	.out = offsetof(struct type, first), \
	.out_length = offsetof(struct type, last) + \
		      sizeof(((struct type *)0)->last) - offsetof(struct type, first)

#define FORBID(type, member, bits) { offsetof(struct type, member), bits }

/* All of a 64-bit member. */
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
};

/* What a valid request may point to; new allocations are at hand, too. */
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

/* Bits of a 32-bit field that make a request invalid when any of them is set. */
struct forbidden {
	size_t field;
	__u32 bits;
};

/**
 * struct command - one command, as far as the common rules go
 * @cmd: its number
 * @size: of its structure
 * @first: of the first version of it
 * @prepare: make a request that succeeds
 * @out: where the out_ fields begin
 * @out_length: bytes of them
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

/* What a new allocation holds: a fill leaves it so, a verify finds it so. */
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

/* To the size that it has. */
static void prepare_resize(union request *request, struct surroundings *around)
{
	request->resize.handle = around->memory;
	request->resize.bytes = MEMORY_BYTES;
}

/* The alignment is no power of two with any other bit. */
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

TEST(structures_have_the_size_that_they_have)
{
	EXPECT_EQ(alloc_command.size, sizeof(struct memalloc_alloc));
	EXPECT_EQ(free_command.size, sizeof(struct memalloc_free));
	EXPECT_EQ(read_command.size, sizeof(struct memalloc_io));
	EXPECT_EQ(write_command.size, sizeof(struct memalloc_io));
	EXPECT_EQ(fill_command.size, sizeof(struct memalloc_pattern_io));
	EXPECT_EQ(verify_command.size, sizeof(struct memalloc_pattern_io));
	EXPECT_EQ(info_command.size, sizeof(struct memalloc_info));
	EXPECT_EQ(stats_command.size, sizeof(struct memalloc_stats));
	EXPECT_EQ(validate_command.size, sizeof(struct memalloc_validate));
	EXPECT_EQ(shrink_command.size, sizeof(struct memalloc_shrink));
	EXPECT_EQ(batch_command.size, sizeof(struct memalloc_batch));
	EXPECT_EQ(inject_command.size, sizeof(struct memalloc_inject));
	EXPECT_EQ(resize_command.size, sizeof(struct memalloc_resize));
	EXPECT_EQ(cache_create_command.size, sizeof(struct memalloc_cache_create));
	EXPECT_EQ(mempool_create_command.size, sizeof(struct memalloc_mempool_create));
}

/* --- rules that hold for all commands --------------------------------------- */

/*
 * Requests are laid out in @arena, two pages that end where nobody may go:
 * either at its end, where any access beyond the structure fails, or at its
 * start, with room behind.
 */
FIXTURE(command) {
	int fd;
	unsigned char *arena;
	struct surroundings *around;
};

FIXTURE_VARIANT(command) {
	const struct command *command;
};

FIXTURE_VARIANT_ADD(command, alloc) { .command = &alloc_command };
FIXTURE_VARIANT_ADD(command, free) { .command = &free_command };
FIXTURE_VARIANT_ADD(command, read) { .command = &read_command };
FIXTURE_VARIANT_ADD(command, write) { .command = &write_command };
FIXTURE_VARIANT_ADD(command, fill) { .command = &fill_command };
FIXTURE_VARIANT_ADD(command, verify) { .command = &verify_command };
FIXTURE_VARIANT_ADD(command, info) { .command = &info_command };
FIXTURE_VARIANT_ADD(command, stats) { .command = &stats_command };
FIXTURE_VARIANT_ADD(command, validate) { .command = &validate_command };
FIXTURE_VARIANT_ADD(command, shrink) { .command = &shrink_command };
FIXTURE_VARIANT_ADD(command, batch) { .command = &batch_command };
FIXTURE_VARIANT_ADD(command, inject) { .command = &inject_command };
FIXTURE_VARIANT_ADD(command, resize) { .command = &resize_command };
FIXTURE_VARIANT_ADD(command, cache_create) { .command = &cache_create_command };
FIXTURE_VARIANT_ADD(command, mempool_create) { .command = &mempool_create_command };

static void *map_memory(size_t length, int prot)
{
	return mmap(NULL, length, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

FIXTURE_SETUP(command)
{
	size_t page = page_size();

	self->fd = device_open();
	ASSERT_LE(0, self->fd);
	self->arena = map_memory(3 * page, PROT_READ | PROT_WRITE);
	ASSERT_NE(MAP_FAILED, self->arena);
	ASSERT_EQ(0, mprotect(self->arena + 2 * page, page, PROT_NONE));
	self->around = map_memory(page, PROT_READ | PROT_WRITE);
	ASSERT_NE(MAP_FAILED, self->around);
	ASSERT_EQ(0, device_alloc(self->fd, 1, &self->around->handle));
	self->around->bytes = order_bytes(1);
	ASSERT_EQ(0, device_kmalloc(self->fd, MEMORY_BYTES, &self->around->memory));
}

FIXTURE_TEARDOWN(command)
{
	close(self->fd);
}

/* A request that succeeds, at @place, with all that is written filled with @poison. */
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

static unsigned char *arena_end(const unsigned char *arena, size_t size)
{
	return (unsigned char *)arena + 2 * page_size() - size;
}

TEST_F(command, succeeds_at_the_very_end_of_memory)
{
	void *place = arena_end(self->arena, variant->command->size);

	prepare_at(place, variant->command, self->around, 0);
	EXPECT_EQ(0, device_ioctl(self->fd, variant->command->cmd, place));
}

TEST_F(command, need_not_be_aligned)
{
	void *place = arena_end(self->arena, variant->command->size) - 3;

	prepare_at(place, variant->command, self->around, 0);
	EXPECT_EQ(0, device_ioctl(self->fd, variant->command->cmd, place));
}

TEST_F(command, any_size_below_the_first_is_einval)
{
	union request *request;
	__u32 size;

	for (size = 0; size < variant->command->first; size++) {
		request = prepare_at(self->arena, variant->command,
				     self->around, 0);
		request->size = size;
		EXPECT_EQ(-EINVAL, device_ioctl(self->fd, variant->command->cmd,
						request))
			TH_LOG("size %u", size);
	}
}

/* What the caller does not know of is as if it were zero, and is not written. */
TEST_F(command, any_size_since_the_first_is_taken)
{
	const struct command *command = variant->command;
	union request *request;
	size_t byte;
	__u32 size;

	for (size = command->first; size < command->size; size++) {
		request = prepare_at(self->arena, command, self->around, 0);
		request->size = size;
		memset(self->arena + size, 0x99, command->size - size);
		EXPECT_EQ(0, device_ioctl(self->fd, command->cmd, request))
			TH_LOG("size %u", size);
		for (byte = size; byte < command->size; byte++) {
			EXPECT_EQ(0x99, self->arena[byte])
				TH_LOG("byte %zu of size %u", byte, size);
		}
	}
}

TEST_F(command, longer_size_with_zero_tail_is_taken)
{
	const size_t sizes[] = { variant->command->size + 1,
				 variant->command->size + 8, page_size() };
	union request *request;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		memset(self->arena, 0, page_size());
		request = prepare_at(self->arena, variant->command,
				     self->around, 0);
		request->size = sizes[i];
		EXPECT_EQ(0, device_ioctl(self->fd, variant->command->cmd,
					  request))
			TH_LOG("size %zu", sizes[i]);
		if (variant->command == &free_command) {
			ASSERT_EQ(0, device_alloc(self->fd, 0,
						  &self->around->handle));
		}
	}
}

TEST_F(command, any_unknown_byte_that_is_not_zero_is_e2big)
{
	const size_t known = variant->command->size;
	const size_t size = known + 64;
	union request *request;
	size_t byte;

	for (byte = known; byte < size; byte++) {
		memset(self->arena, 0, page_size());
		request = prepare_at(self->arena, variant->command,
				     self->around, 0);
		request->size = size;
		self->arena[byte] = 0x80;
		EXPECT_EQ(-E2BIG, device_ioctl(self->fd, variant->command->cmd,
					       request))
			TH_LOG("byte %zu", byte);
	}
}

TEST_F(command, any_unknown_bit_is_einval)
{
	const struct forbidden *forbidden = variant->command->forbidden;
	union request *request;
	size_t i, tried = 0;
	int bit;

	for (i = 0; i < ARRAY_SIZE(variant->command->forbidden); i++) {
		for (bit = 0; bit < 32; bit++) {
			if (!(forbidden[i].bits & 1U << bit))
				continue;
			request = prepare_at(self->arena, variant->command,
					     self->around, 0);
			*(__u32 *)(self->arena + forbidden[i].field) |= 1U << bit;
			EXPECT_EQ(-EINVAL, device_ioctl(self->fd,
							variant->command->cmd,
							request))
				TH_LOG("bit %d at offset %zu", bit,
				       forbidden[i].field);
			tried++;
		}
	}
	EXPECT_LT(0, tried);
}

TEST_F(command, address_that_is_not_mapped_is_efault)
{
	const void *bad[] = {
		NULL,
		(void *)8,
		self->arena + 2 * page_size(),
		(void *)(UINTPTR_MAX - 7),
		(void *)(UINTPTR_MAX - 0xfff),
		(void *)(uintptr_t)0xffff888000000000,	/* 64-bit: the host's memory */
		(void *)(uintptr_t)0xffffffff81000000,	/* 64-bit: its code */
		(void *)(uintptr_t)0x0000800000000000,	/* 64-bit: no address at all */
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		EXPECT_EQ(-EFAULT, device_ioctl(self->fd, variant->command->cmd,
						bad[i]))
			TH_LOG("address %p", bad[i]);
	}
}

TEST_F(command, structure_that_is_not_all_there_is_efault)
{
	unsigned char whole[sizeof(union request)];
	unsigned char *place;
	size_t there;

	for (there = 0; there < variant->command->size; there += 4) {
		prepare_at(whole, variant->command, self->around, 0);
		place = arena_end(self->arena, there);
		memcpy(place, whole, there);
		EXPECT_EQ(-EFAULT, device_ioctl(self->fd, variant->command->cmd,
						place))
			TH_LOG("%zu bytes are there", there);
	}
}

TEST_F(command, tail_that_is_not_there_is_efault)
{
	union request *request;

	request = prepare_at(arena_end(self->arena, variant->command->size),
			     variant->command, self->around, 0);
	request->size = variant->command->size + 8;
	EXPECT_EQ(-EFAULT, device_ioctl(self->fd, variant->command->cmd, request));
}

TEST_F(command, absurd_size_is_refused)
{
	static const __u32 sizes[] = { 0x7fffffff, 0x80000000, 0xffffffff };
	union request *request;
	size_t i;
	int err;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		memset(self->arena, 0, 2 * page_size());
		request = prepare_at(self->arena, variant->command,
				     self->around, 0);
		request->size = sizes[i];
		err = device_ioctl(self->fd, variant->command->cmd, request);
		EXPECT_TRUE(err == -EFAULT || err == -E2BIG)
			TH_LOG("size %#x: %d", sizes[i], err);
	}
}

/* Where there is nothing to write, nothing needs to be writable. */
TEST_F(command, result_that_cannot_be_written_is_efault)
{
	struct memalloc_stats_file before, after;
	union request *request;
	int err;

	request = prepare_at(self->arena, variant->command, self->around, 0);
	ASSERT_EQ(0, device_file(self->fd, &before));
	ASSERT_EQ(0, mprotect(self->arena, 2 * page_size(), PROT_READ));
	err = device_ioctl(self->fd, variant->command->cmd, request);
	EXPECT_EQ(variant->command->out_length ? -EFAULT : 0, err);
	ASSERT_EQ(0, device_file(self->fd, &after));
	if (variant->command == &free_command) {
		before.handles--;
		before.bytes -= self->around->bytes;
		before.device_bytes -= self->around->bytes;
	}
	EXPECT_EQ(0, memcmp(&before, &after, sizeof(before)));
	EXPECT_EQ(0, device_validate(self->fd));
}

TEST_F(command, failure_writes_nothing)
{
	const size_t size = variant->command->size;
	unsigned char before[sizeof(union request) + 8] = { 0 };

	memset(self->arena, 0, page_size());
	prepare_at(self->arena, variant->command, self->around, 0x5a);
	((union request *)self->arena)->size = size + 8;
	self->arena[size + 7] = 1;
	memcpy(before, self->arena, size + 8);
	ASSERT_EQ(-E2BIG, device_ioctl(self->fd, variant->command->cmd,
				       self->arena));
	EXPECT_EQ(0, memcmp(before, self->arena, size + 8));

	prepare_at(self->arena, variant->command, self->around, 0x5a);
	*(__u32 *)(self->arena + variant->command->forbidden[0].field) |= 1U << 31;
	memcpy(before, self->arena, size);
	ASSERT_EQ(-EINVAL, device_ioctl(self->fd, variant->command->cmd,
					self->arena));
	EXPECT_EQ(0, memcmp(before, self->arena, size));
}

TEST_F(command, success_writes_out_fields_only)
{
	const struct command *command = variant->command;
	const size_t limit = page_size();
	unsigned char *before = malloc(limit);
	size_t byte;

	ASSERT_NE(NULL, before);
	memset(self->arena, 0xc3, limit);
	prepare_at(self->arena, command, self->around, 0x5a);
	memcpy(before, self->arena, limit);
	ASSERT_EQ(0, device_ioctl(self->fd, command->cmd, self->arena));
	for (byte = 0; byte < limit; byte++) {
		if (byte >= command->out &&
		    byte < command->out + command->out_length)
			continue;
		EXPECT_EQ(before[byte], self->arena[byte])
			TH_LOG("byte %zu of %zu", byte, command->size);
	}
	free(before);
}

TEST_F(command, longer_structure_keeps_its_zero_tail)
{
	const size_t size = variant->command->size + 64;
	size_t byte;

	memset(self->arena, 0, page_size());
	memset(self->arena + size, 0xc3, 64);
	prepare_at(self->arena, variant->command, self->around, 0x5a);
	((union request *)self->arena)->size = size;
	ASSERT_EQ(0, device_ioctl(self->fd, variant->command->cmd, self->arena));
	for (byte = variant->command->size; byte < size; byte++) {
		EXPECT_EQ(0, self->arena[byte]) TH_LOG("byte %zu", byte);
	}
	for (; byte < size + 64; byte++) {
		EXPECT_EQ(0xc3, self->arena[byte]) TH_LOG("byte %zu", byte);
	}
}

/*
 * A byte that shows the poison it was given every time was not written. That a
 * written one happens to has a chance of one in 2^32.
 */
TEST_F(command, every_out_byte_is_written)
{
	static const unsigned char poisons[] = { 0x5a, 0xa5, 0x3c, 0xf7 };
	const struct command *command = variant->command;
	unsigned char kept[sizeof(union request)];
	size_t i, byte;

	memset(kept, 1, sizeof(kept));
	for (i = 0; i < ARRAY_SIZE(poisons); i++) {
		prepare_at(self->arena, command, self->around, poisons[i]);
		ASSERT_EQ(0, device_ioctl(self->fd, command->cmd, self->arena));
		for (byte = 0; byte < command->out_length; byte++)
			kept[byte] &= self->arena[command->out + byte] == poisons[i];
		if (command == &free_command) {
			ASSERT_EQ(0, device_alloc(self->fd, 0,
						  &self->around->handle));
		}
	}
	for (byte = 0; byte < command->out_length; byte++) {
		EXPECT_EQ(0, kept[byte])
			TH_LOG("byte %zu", command->out + byte);
	}
}

static int batch_one(int fd, unsigned int cmd, const void *arg, int *err)
{
	struct memalloc_batch_op op = {
		.cmd = cmd,
		.out_errno = 0x5a5a5a5a,
		.arg = address_of(arg),
	};
	struct memalloc_batch batch = {
		.size = sizeof(batch),
		.count = 1,
		.op_size = sizeof(op),
		.ops = address_of(&op),
	};
	int failure = device_ioctl(fd, MEMALLOC_BATCH, &batch);

	*err = -op.out_errno;
	return failure ? failure : (int)batch.out_done;
}

TEST_F(command, means_the_same_in_a_batch)
{
	const struct command *command = variant->command;
	const int nested = command == &batch_command;
	union request *request;
	int err;

	memset(self->arena, 0, page_size());
	request = prepare_at(self->arena, command, self->around, 0x5a);
	request->size = command->first - 1;
	ASSERT_EQ(1, batch_one(self->fd, command->cmd, request, &err));
	EXPECT_EQ(-EINVAL, err);

	request = prepare_at(self->arena, command, self->around, 0x5a);
	request->size = command->size + 1;
	self->arena[command->size] = 1;
	ASSERT_EQ(1, batch_one(self->fd, command->cmd, request, &err));
	EXPECT_EQ(nested ? -EINVAL : -E2BIG, err);

	ASSERT_EQ(1, batch_one(self->fd, command->cmd, NULL, &err));
	EXPECT_EQ(nested ? -EINVAL : -EFAULT, err);

	request = prepare_at(self->arena, command, self->around, 0x5a);
	ASSERT_EQ(1, batch_one(self->fd, command->cmd, request, &err));
	EXPECT_EQ(nested ? -EINVAL : 0, err);
}

/* --- unknown commands ------------------------------------------------------- */

FIXTURE(device) {
	int fd;
};

FIXTURE_SETUP(device)
{
	self->fd = device_open();
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN(device)
{
	close(self->fd);
}

TEST_F(device, unknown_number_is_enotty)
{
	unsigned char request[256] = { sizeof(request) - 1 };
	unsigned int nr;

	for (nr = MEMALLOC_CMD_MEMPOOL_CREATE + 1; nr < 256; nr++) {
		EXPECT_EQ(-ENOTTY, device_ioctl(self->fd,
						_IO(MEMALLOC_IOCTL_TYPE, nr),
						request))
			TH_LOG("number %#x", nr);
	}
}

TEST_F(device, unknown_magic_is_enotty)
{
	static const unsigned char magics[] = { 0x00, 0x01, 'M', 'm', 0xba, 0xbc, 0xff };
	struct memalloc_validate request = { .size = sizeof(request) };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(magics); i++) {
		EXPECT_EQ(-ENOTTY, device_ioctl(self->fd,
						_IO(magics[i], MEMALLOC_CMD_VALIDATE),
						&request))
			TH_LOG("magic %#x", magics[i]);
	}
}

/* Size and direction are part of a command, though these have none. */
TEST_F(device, known_number_with_direction_or_size_is_enotty)
{
	struct memalloc_validate request = { .size = sizeof(request) };
	const unsigned int cmds[] = {
		_IOR(MEMALLOC_IOCTL_TYPE, MEMALLOC_CMD_VALIDATE, request),
		_IOW(MEMALLOC_IOCTL_TYPE, MEMALLOC_CMD_VALIDATE, request),
		_IOWR(MEMALLOC_IOCTL_TYPE, MEMALLOC_CMD_VALIDATE, request),
		_IOC(_IOC_NONE, MEMALLOC_IOCTL_TYPE, MEMALLOC_CMD_VALIDATE, 4),
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cmds); i++) {
		EXPECT_EQ(-ENOTTY, device_ioctl(self->fd, cmds[i], &request))
			TH_LOG("command %#x", cmds[i]);
	}
}

TEST_F(device, unknown_command_in_a_batch_is_enotty)
{
	static const unsigned int cmds[] = {
		0, MEMALLOC_CMD_VALIDATE, _IO(MEMALLOC_IOCTL_TYPE, 0xff),
		_IO('M', MEMALLOC_CMD_VALIDATE), 0xffffffff,
	};
	struct memalloc_validate request = { .size = sizeof(request) };
	size_t i;
	int err;

	for (i = 0; i < ARRAY_SIZE(cmds); i++) {
		ASSERT_EQ(1, batch_one(self->fd, cmds[i], &request, &err));
		EXPECT_EQ(-ENOTTY, err) TH_LOG("command %#x", cmds[i]);
	}
}

/* --- handles ---------------------------------------------------------------- */

FIXTURE(handle) {
	int fd;
	struct surroundings around;
	union request request;
};

FIXTURE_VARIANT(handle) {
	const struct command *command;
};

FIXTURE_VARIANT_ADD(handle, free) { .command = &free_command };
FIXTURE_VARIANT_ADD(handle, read) { .command = &read_command };
FIXTURE_VARIANT_ADD(handle, write) { .command = &write_command };
FIXTURE_VARIANT_ADD(handle, fill) { .command = &fill_command };
FIXTURE_VARIANT_ADD(handle, verify) { .command = &verify_command };
FIXTURE_VARIANT_ADD(handle, info) { .command = &info_command };

FIXTURE_SETUP(handle)
{
	self->fd = device_open();
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, device_alloc(self->fd, 1, &self->around.handle));
	self->around.bytes = order_bytes(1);
}

FIXTURE_TEARDOWN(handle)
{
	close(self->fd);
}

/* All structures that name a handle do so at the same place. */
static int use_handle(FIXTURE_DATA(handle) *self, const struct command *command,
		      __u64 handle)
{
	prepare_at(&self->request, command, &self->around, 0);
	self->request.free.handle = handle;
	return device_ioctl(self->fd, command->cmd, &self->request);
}

TEST_F(handle, zero_is_enoent)
{
	EXPECT_EQ(-ENOENT, use_handle(self, variant->command, 0));
}

TEST_F(handle, freed_is_enoent)
{
	ASSERT_EQ(0, device_free(self->fd, self->around.handle));
	EXPECT_EQ(-ENOENT, use_handle(self, variant->command,
				      self->around.handle));
}

TEST_F(handle, any_flipped_bit_makes_it_unknown)
{
	int bit;

	for (bit = 0; bit < 64; bit++) {
		EXPECT_EQ(-ENOENT, use_handle(self, variant->command,
					      self->around.handle ^ 1ULL << bit))
			TH_LOG("bit %d", bit);
	}
	EXPECT_EQ(0, use_handle(self, variant->command, self->around.handle));
}

TEST_F(handle, cannot_be_guessed)
{
	const unsigned int tries = effort_of(1000);
	__u64 seed, guess;
	unsigned int i;

	SEED_PRINT(seed);
	for (i = 0; i < tries; i++) {
		EXPECT_EQ(-ENOENT, use_handle(self, variant->command, i));
		EXPECT_EQ(-ENOENT, use_handle(self, variant->command,
					      (__u64)i << 32));
		guess = seed_next(&seed);
		if (guess != self->around.handle) {
			EXPECT_EQ(-ENOENT, use_handle(self, variant->command,
						      guess));
		}
	}
}

TEST_F(handle, is_not_known_again_when_its_place_is_taken)
{
	const unsigned int rounds = effort_of(200);
	__u64 old = self->around.handle;
	unsigned int i;

	for (i = 0; i < rounds; i++) {
		ASSERT_EQ(0, device_free(self->fd, self->around.handle));
		ASSERT_EQ(0, device_alloc(self->fd, 1, &self->around.handle));
		ASSERT_NE(old, self->around.handle);
		ASSERT_EQ(-ENOENT, use_handle(self, variant->command, old));
	}
}

/* --- offsets and lengths ---------------------------------------------------- */

FIXTURE(range) {
	int fd;
	__u64 handle;
	__u64 bytes;
	unsigned char *data;
};

FIXTURE_VARIANT(range) {
	const struct command *command;
};

FIXTURE_VARIANT_ADD(range, read) { .command = &read_command };
FIXTURE_VARIANT_ADD(range, write) { .command = &write_command };
FIXTURE_VARIANT_ADD(range, fill) { .command = &fill_command };
FIXTURE_VARIANT_ADD(range, verify) { .command = &verify_command };

FIXTURE_SETUP(range)
{
	self->fd = device_open();
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, device_alloc(self->fd, 1, &self->handle));
	self->bytes = order_bytes(1);
	self->data = map_memory(self->bytes, PROT_READ | PROT_WRITE);
	ASSERT_NE(MAP_FAILED, self->data);
}

FIXTURE_TEARDOWN(range)
{
	close(self->fd);
}

/* Bytes done, or a negative error. */
static long long use_range(FIXTURE_DATA(range) *self, unsigned int cmd,
			   __u64 offset, __u64 length)
{
	struct memalloc_pattern_io pattern = {
		.size = sizeof(pattern),
		.handle = self->handle,
		.offset = offset,
		.length = length,
	};
	struct memalloc_io io = {
		.size = sizeof(io),
		.handle = self->handle,
		.offset = offset,
		.length = length,
		.data = address_of(self->data),
	};
	int err;

	if (cmd == MEMALLOC_FILL || cmd == MEMALLOC_VERIFY) {
		err = device_ioctl(self->fd, cmd, &pattern);
		return err ? err : (long long)pattern.out_done;
	}
	err = device_ioctl(self->fd, cmd, &io);
	return err ? err : (long long)io.out_done;
}

TEST_F(range, beyond_the_end_is_eoverflow)
{
	const __u64 bytes = self->bytes;
	const __u64 ranges[][2] = {
		{ bytes, 1 },
		{ bytes + 1, 0 },
		{ bytes - 1, 2 },
		{ 0, bytes + 1 },
		{ 1, bytes },
		{ UINT64_MAX, 0 },
		{ UINT64_MAX, 1 },
		{ UINT64_MAX, UINT64_MAX },
		{ 0, UINT64_MAX },
		{ 1, UINT64_MAX },
		{ 2, UINT64_MAX },
		{ bytes / 2, UINT64_MAX - bytes / 2 + 1 },
		{ bytes / 2, UINT64_MAX - bytes / 2 + 9 },
		{ UINT64_MAX - 7, 16 },
		{ 1ULL << 32, 1 },
		{ 0, 1ULL << 32 },
		{ 1ULL << 63, 1ULL << 63 },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(ranges); i++) {
		EXPECT_EQ(-EOVERFLOW, use_range(self, variant->command->cmd,
						ranges[i][0], ranges[i][1]))
			TH_LOG("offset %#llx, length %#llx",
			       (unsigned long long)ranges[i][0],
			       (unsigned long long)ranges[i][1]);
	}
}

TEST_F(range, up_to_the_end_is_done)
{
	__u64 offset;

	for (offset = self->bytes - 9; offset <= self->bytes; offset++) {
		EXPECT_EQ((long long)(self->bytes - offset),
			  use_range(self, variant->command->cmd, offset,
				    self->bytes - offset));
	}
	EXPECT_EQ((long long)self->bytes,
		  use_range(self, variant->command->cmd, 0, self->bytes));
}

TEST_F(range, of_no_bytes_does_nothing)
{
	EXPECT_EQ(0, use_range(self, variant->command->cmd, 0, 0));
	EXPECT_EQ(0, use_range(self, variant->command->cmd, self->bytes, 0));
}

TEST_F(device, info_of_a_byte_beyond_the_end_is_eoverflow)
{
	const __u64 bytes = order_bytes(2);
	const __u64 offsets[] = { bytes, bytes + 1, 1ULL << 32, 1ULL << 63, UINT64_MAX };
	struct memalloc_info info;
	__u64 handle;
	size_t i;

	ASSERT_EQ(0, device_alloc(self->fd, 2, &handle));
	for (i = 0; i < ARRAY_SIZE(offsets); i++) {
		EXPECT_EQ(-EOVERFLOW, device_info(self->fd, handle, offsets[i],
						  0, &info));
		EXPECT_EQ(-EOVERFLOW, device_info(self->fd, handle, offsets[i],
						  MEMALLOC_INFO_PHYS, &info));
	}
}

/* --- allocation ------------------------------------------------------------- */

static int alloc_with(int fd, __u32 order, __u32 gfp, __s32 node)
{
	struct memalloc_alloc alloc = {
		.size = sizeof(alloc),
		.kind = MEMALLOC_KIND_PAGES,
		.gfp = gfp,
		.node = node,
		.order = order,
	};

	return device_ioctl(fd, MEMALLOC_ALLOC, &alloc);
}

TEST_F(device, kind_out_of_range_is_einval)
{
	static const __u32 kinds[] = { 0, 0x7fffffff, 0x80000001, 0xffffffff };
	struct memalloc_alloc alloc = { .size = sizeof(alloc), .node = -1 };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		alloc.kind = kinds[i];
		EXPECT_EQ(-EINVAL, device_ioctl(self->fd, MEMALLOC_ALLOC, &alloc))
			TH_LOG("kind %#x", kinds[i]);
	}
}

TEST_F(device, order_out_of_range_is_einval)
{
	static const __u32 orders[] = {
		MEMALLOC_MAX_ORDER + 1, 12, 31, 32, 51, 52, 63, 64, 255, 256,
		0x7fffffff, 0x80000000, 0xffffffff,
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(orders); i++) {
		EXPECT_EQ(-EINVAL, alloc_with(self->fd, orders[i],
					      MEMALLOC_GFP_USER, -1))
			TH_LOG("order %u", orders[i]);
	}
}

TEST_F(device, every_order_says_its_size)
{
	struct memalloc_alloc alloc;
	struct memalloc_info info;
	unsigned int order;

	for (order = 0; order <= MEMALLOC_MAX_ORDER; order++) {
		ASSERT_EQ(0, device_alloc_pages(self->fd, order,
						MEMALLOC_GFP_USER, &alloc));
		EXPECT_NE(0, alloc.out_handle);
		EXPECT_EQ(order_bytes(order), alloc.out_bytes);
		EXPECT_EQ(0, alloc.out_map_offset % page_size());
		ASSERT_EQ(0, device_info(self->fd, alloc.out_handle, 0, 0, &info));
		EXPECT_EQ(MEMALLOC_KIND_PAGES, info.out_kind);
		EXPECT_EQ(order, info.out_order);
		EXPECT_EQ(alloc.out_bytes, info.out_bytes);
		EXPECT_EQ(alloc.out_map_offset, info.out_map_offset);
		EXPECT_EQ(0, info.out_mappings);
		EXPECT_EQ(0, info.out_phys);
		EXPECT_LE(0, info.out_node);
		EXPECT_GT(MEMALLOC_NR_ZONES, info.out_zone);
		EXPECT_EQ(0, device_free(self->fd, alloc.out_handle));
	}
}

/* The number after the last in a list such as "0" or "0-3"; 1 if there is none. */
static int first_impossible_node(void)
{
	char text[256];
	char *number;

	if (line_read("/sys/devices/system/node/possible", text, sizeof(text)))
		return 1;
	number = text + strlen(text);
	while (number > text && number[-1] >= '0' && number[-1] <= '9')
		number--;
	return atoi(number) + 1;
}

TEST_F(device, node_that_cannot_be_is_einval)
{
	const __s32 nodes[] = { -2, -100, INT_MIN, first_impossible_node(), 4096,
				1 << 20, INT_MAX };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(nodes); i++) {
		EXPECT_EQ(-EINVAL, alloc_with(self->fd, 0, MEMALLOC_GFP_USER,
					      nodes[i]))
			TH_LOG("node %d", nodes[i]);
		EXPECT_EQ(-EINVAL, alloc_with(self->fd, 0, MEMALLOC_GFP_USER |
					      MEMALLOC_GFP_THISNODE, nodes[i]))
			TH_LOG("node %d", nodes[i]);
	}
	EXPECT_EQ(0, alloc_with(self->fd, 0, MEMALLOC_GFP_USER, -1));
	EXPECT_EQ(0, alloc_with(self->fd, 0, MEMALLOC_GFP_USER, 0));
}

TEST_F(device, unknown_gfp_mode_is_einval)
{
	__u32 mode;

	for (mode = MEMALLOC_GFP_HIGHUSER + 1; mode <= MEMALLOC_GFP_MODE; mode++) {
		EXPECT_EQ(-EINVAL, alloc_with(self->fd, 0, mode, -1))
			TH_LOG("mode %u", mode);
	}
}

static const __u32 contradictions[] = {
	MEMALLOC_GFP_NORETRY | MEMALLOC_GFP_RETRY_MAYFAIL,
	MEMALLOC_GFP_NORETRY | MEMALLOC_GFP_NOFAIL,
	MEMALLOC_GFP_RETRY_MAYFAIL | MEMALLOC_GFP_NOFAIL,
	MEMALLOC_GFP_DMA | MEMALLOC_GFP_DMA32,
	MEMALLOC_GFP_DMA | MEMALLOC_GFP_HIGHMEM,
	MEMALLOC_GFP_DMA32 | MEMALLOC_GFP_HIGHMEM,
};

static bool gfp_contradicts_itself(__u32 gfp)
{
	const __u32 mode = gfp & MEMALLOC_GFP_MODE;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(contradictions); i++)
		if ((gfp & contradictions[i]) == contradictions[i])
			return true;
	if (mode == MEMALLOC_GFP_ATOMIC || mode == MEMALLOC_GFP_NOWAIT)
		return gfp & MEMALLOC_GFP_NOFAIL;
	if (mode == MEMALLOC_GFP_HIGHUSER)
		return gfp & (MEMALLOC_GFP_DMA | MEMALLOC_GFP_DMA32);
	return false;
}

/* Until there is memory in a zone that the host may not have. */
static bool may_wait_forever(__u32 gfp)
{
	return !gfp_contradicts_itself(gfp) && gfp & MEMALLOC_GFP_NOFAIL &&
	       gfp & (MEMALLOC_GFP_DMA | MEMALLOC_GFP_DMA32);
}

/* Every mode with every two modifiers: all there is to contradict. */
TEST_F(device, gfp_is_einval_exactly_if_it_contradicts_itself)
{
	__u32 mode, first, second, gfp;
	int err;

	for (mode = 0; mode <= MEMALLOC_GFP_HIGHUSER; mode++) {
		for (first = 0x10; first <= MEMALLOC_GFP_THISNODE; first <<= 1) {
			for (second = first; second <= MEMALLOC_GFP_THISNODE;
			     second <<= 1) {
				gfp = mode | first | second | MEMALLOC_GFP_NOWARN;
				if (may_wait_forever(gfp))
					continue;
				err = alloc_with(self->fd, 0, gfp, -1);
				EXPECT_TRUE(gfp_contradicts_itself(gfp) ?
					    err == -EINVAL :
					    err == 0 || err == -ENOMEM)
					TH_LOG("gfp %#x: %d", gfp, err);
			}
		}
	}
}

TEST_F(device, every_mode_serves)
{
	__u32 mode;

	for (mode = 0; mode <= MEMALLOC_GFP_HIGHUSER; mode++) {
		EXPECT_EQ(0, alloc_with(self->fd, 0, mode, -1))
			TH_LOG("mode %u", mode);
	}
}

TEST_F(device, handles_and_map_offsets_do_not_repeat)
{
	const unsigned int count = effort_of(512);
	struct memalloc_alloc *allocs = calloc(count, sizeof(*allocs));
	unsigned int i, j;

	ASSERT_NE(NULL, allocs);
	for (i = 0; i < count; i++) {
		ASSERT_EQ(0, device_alloc_pages(self->fd, i % 3,
						MEMALLOC_GFP_USER, &allocs[i]));
		for (j = 0; j < i; j++) {
			ASSERT_NE(allocs[j].out_handle, allocs[i].out_handle);
			ASSERT_TRUE(allocs[j].out_map_offset + allocs[j].out_bytes <=
				    allocs[i].out_map_offset ||
				    allocs[i].out_map_offset + allocs[i].out_bytes <=
				    allocs[j].out_map_offset);
		}
	}
	free(allocs);
}

/* --- buffers of read and write ---------------------------------------------- */

FIXTURE(buffer) {
	int fd;
	__u64 handle;
	unsigned char *data;	/* a page, and behind it one that nobody may touch */
};

FIXTURE_VARIANT(buffer) {
	unsigned int cmd;
};

FIXTURE_VARIANT_ADD(buffer, read) { .cmd = MEMALLOC_READ };
FIXTURE_VARIANT_ADD(buffer, write) { .cmd = MEMALLOC_WRITE };

FIXTURE_SETUP(buffer)
{
	self->fd = device_open();
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, device_alloc(self->fd, 1, &self->handle));
	self->data = map_memory(2 * page_size(), PROT_READ | PROT_WRITE);
	ASSERT_NE(MAP_FAILED, self->data);
	ASSERT_EQ(0, mprotect(self->data + page_size(), page_size(), PROT_NONE));
}

FIXTURE_TEARDOWN(buffer)
{
	close(self->fd);
}

TEST_F(buffer, that_is_not_mapped_is_efault)
{
	const __u64 bad[] = {
		0, 1, address_of(self->data + page_size()), UINT64_MAX,
		UINT64_MAX - 4095, 0xffff888000000000, 1ULL << 47, 1ULL << 63,
	};
	struct memalloc_io io = {
		.size = sizeof(io),
		.handle = self->handle,
		.length = 16,
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		io.data = bad[i];
		EXPECT_EQ(-EFAULT, device_ioctl(self->fd, variant->cmd, &io))
			TH_LOG("address %#llx", (unsigned long long)bad[i]);
	}
}

/* In a 32-bit caller, too: the upper half of a pointer is not cut off. */
TEST_F(buffer, address_beyond_32_bits_is_not_cut)
{
	struct memalloc_io io = {
		.size = sizeof(io),
		.handle = self->handle,
		.length = 16,
		.data = address_of(self->data) | 1ULL << 56,
	};

	EXPECT_EQ(-EFAULT, device_ioctl(self->fd, variant->cmd, &io));
}

TEST_F(buffer, that_is_not_all_there_is_efault)
{
	EXPECT_EQ(-EFAULT, device_io(self->fd, variant->cmd, self->handle, 0,
				     self->data, page_size() + 1));
	EXPECT_EQ(-EFAULT, device_io(self->fd, variant->cmd, self->handle, 0,
				     self->data + page_size() - 1, 2));
	EXPECT_EQ(0, device_io(self->fd, variant->cmd, self->handle, 0,
			       self->data + page_size() - 1, 1));
}

TEST_F(buffer, without_the_right_access_is_efault)
{
	int prot = variant->cmd == MEMALLOC_READ ? PROT_READ : PROT_NONE;

	ASSERT_EQ(0, mprotect(self->data, page_size(), prot));
	EXPECT_EQ(-EFAULT, device_io(self->fd, variant->cmd, self->handle, 0,
				     self->data, 16));
}

TEST_F(buffer, of_no_bytes_is_not_touched)
{
	EXPECT_EQ(0, device_io(self->fd, variant->cmd, self->handle, 0, NULL, 0));
}

/* The allocation itself, mapped, is memory like any other. */
TEST_F(buffer, may_be_the_allocation_itself)
{
	struct memalloc_info info;
	void *mapping;

	ASSERT_EQ(0, device_info(self->fd, self->handle, 0, 0, &info));
	mapping = device_map(self->fd, info.out_map_offset, info.out_bytes);
	ASSERT_NE(MAP_FAILED, mapping);
	ASSERT_EQ(0, device_fill(self->fd, self->handle, info.out_bytes, 7));
	EXPECT_EQ(0, device_io(self->fd, variant->cmd, self->handle, 0, mapping,
			       info.out_bytes));
	EXPECT_EQ(0, device_verify(self->fd, self->handle, info.out_bytes, 7));
}

TEST_F(device, read_returns_what_write_wrote_at_any_offset)
{
	enum { ORDER = 2 };
	const unsigned int rounds = effort_of(200);
	const size_t bytes = order_bytes(ORDER);
	unsigned char *model = calloc(1, bytes), *seen = malloc(bytes + 64);
	size_t offset, length, i;
	__u64 handle;
	unsigned int round;
	__u64 seed;

	SEED_PRINT(seed);
	ASSERT_EQ(0, device_alloc(self->fd, ORDER, &handle));
	for (round = 0; round < rounds; round++) {
		offset = seed_below(&seed, bytes);
		length = seed_below(&seed, bytes - offset + 1);
		for (i = 0; i < length; i++)
			model[offset + i] = seed_next(&seed);
		ASSERT_EQ(0, device_write(self->fd, handle, offset,
					  model + offset, length));

		offset = seed_below(&seed, bytes);
		length = seed_below(&seed, bytes - offset + 1);
		memset(seen, 0xc3, bytes + 64);
		ASSERT_EQ(0, device_read(self->fd, handle, offset, seen + 32,
					 length));
		ASSERT_EQ(0, memcmp(model + offset, seen + 32, length));
		for (i = 0; i < 32; i++) {
			ASSERT_EQ(0xc3, seen[i]);
			ASSERT_EQ(0xc3, seen[32 + length + i]);
		}
	}
	free(model);
	free(seen);
}

/* --- patterns --------------------------------------------------------------- */

FIXTURE(pattern) {
	int fd;
	__u64 handle;
	size_t bytes;
	unsigned char *model, *seen;
};

FIXTURE_VARIANT(pattern) {
	__u32 pattern;
};

FIXTURE_VARIANT_ADD(pattern, repeat) { .pattern = MEMALLOC_PATTERN_REPEAT };
FIXTURE_VARIANT_ADD(pattern, count) { .pattern = MEMALLOC_PATTERN_COUNT };

FIXTURE_SETUP(pattern)
{
	self->fd = device_open();
	ASSERT_LE(0, self->fd);
	self->bytes = order_bytes(1);
	ASSERT_EQ(0, device_alloc(self->fd, 1, &self->handle));
	self->model = calloc(1, self->bytes);
	self->seen = calloc(1, self->bytes);
	ASSERT_NE(NULL, self->model);
	ASSERT_NE(NULL, self->seen);
}

FIXTURE_TEARDOWN(pattern)
{
	free(self->model);
	free(self->seen);
	close(self->fd);
}

static unsigned char pattern_byte(__u32 pattern, __u64 value, size_t byte)
{
	if (pattern == MEMALLOC_PATTERN_COUNT)
		value += byte / 8;
	return value >> byte % 8 * 8;
}

/* Bytes done, or a negative error. */
static long long use_pattern(FIXTURE_DATA(pattern) *self, unsigned int cmd,
			     __u32 pattern, __u64 value, size_t offset,
			     size_t length)
{
	struct memalloc_pattern_io io = {
		.size = sizeof(io),
		.handle = self->handle,
		.offset = offset,
		.length = length,
		.value = value,
		.pattern = pattern,
	};
	int err = device_ioctl(self->fd, cmd, &io);

	return err ? err : (long long)io.out_done;
}

TEST_F(pattern, fill_writes_the_words_of_the_whole_allocation)
{
	const unsigned int rounds = effort_of(100);
	size_t offset, length, i;
	__u64 seed, value;
	unsigned int round;

	SEED_PRINT(seed);
	for (round = 0; round < rounds; round++) {
		offset = seed_below(&seed, self->bytes);
		length = seed_below(&seed, self->bytes - offset + 1);
		value = seed_next(&seed);
		for (i = offset; i < offset + length; i++)
			self->model[i] = pattern_byte(variant->pattern, value, i);
		ASSERT_EQ((long long)length,
			  use_pattern(self, MEMALLOC_FILL, variant->pattern,
				      value, offset, length));
		ASSERT_EQ(0, device_read(self->fd, self->handle, 0, self->seen,
					 self->bytes));
		ASSERT_EQ(0, memcmp(self->model, self->seen, self->bytes))
			TH_LOG("offset %zu, length %zu", offset, length);
	}
}

TEST_F(pattern, verify_stops_at_the_first_byte_that_differs)
{
	const unsigned int rounds = effort_of(200);
	size_t offset, length, wrong;
	__u64 seed, value;
	unsigned char byte;
	unsigned int round;

	SEED_PRINT(seed);
	for (round = 0; round < rounds; round++) {
		offset = seed_below(&seed, self->bytes);
		length = 1 + seed_below(&seed, self->bytes - offset);
		value = seed_next(&seed);
		ASSERT_EQ((long long)length,
			  use_pattern(self, MEMALLOC_FILL, variant->pattern,
				      value, offset, length));
		ASSERT_EQ((long long)length,
			  use_pattern(self, MEMALLOC_VERIFY, variant->pattern,
				      value, offset, length));
		wrong = offset + seed_below(&seed, length);
		byte = pattern_byte(variant->pattern, value, wrong) ^
		       1 << seed_below(&seed, 8);
		ASSERT_EQ(0, device_write(self->fd, self->handle, wrong, &byte, 1));
		ASSERT_EQ((long long)(wrong - offset),
			  use_pattern(self, MEMALLOC_VERIFY, variant->pattern,
				      value, offset, length))
			TH_LOG("offset %zu, length %zu, wrong at %zu", offset,
			       length, wrong);
	}
}

/* --- statistics ------------------------------------------------------------- */

FIXTURE(section) {
	int fd;
	unsigned char *data;	/* a page, and behind it one that nobody may touch */
};

FIXTURE_VARIANT(section) {
	__u32 section;
	__u32 length;
	bool single;
};

FIXTURE_VARIANT_ADD(section, borrowing) {
	.section = MEMALLOC_SECTION_BORROWING,
	.length = sizeof(struct memalloc_stats_borrowing),
	.single = true,
};

FIXTURE_VARIANT_ADD(section, zone) {
	.section = MEMALLOC_SECTION_ZONE,
	.length = sizeof(struct memalloc_stats_zone),
};

FIXTURE_VARIANT_ADD(section, file) {
	.section = MEMALLOC_SECTION_FILE,
	.length = sizeof(struct memalloc_stats_file),
	.single = true,
};

FIXTURE_VARIANT_ADD(section, reports) {
	.section = MEMALLOC_SECTION_REPORTS,
	.length = sizeof(struct memalloc_stats_reports),
	.single = true,
};

FIXTURE_VARIANT_ADD(section, cache) {
	.section = MEMALLOC_SECTION_CACHE,
	.length = sizeof(struct memalloc_stats_cache),
};

FIXTURE_VARIANT_ADD(section, class) {
	.section = MEMALLOC_SECTION_CLASS,
	.length = sizeof(struct memalloc_stats_class),
};

FIXTURE_SETUP(section)
{
	__u64 handle;

	self->fd = device_open();
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, device_alloc(self->fd, 0, &handle));
	self->data = map_memory(2 * page_size(), PROT_READ | PROT_WRITE);
	ASSERT_NE(MAP_FAILED, self->data);
	ASSERT_EQ(0, mprotect(self->data + page_size(), page_size(), PROT_NONE));
}

FIXTURE_TEARDOWN(section)
{
	close(self->fd);
}

static int use_section(int fd, __u32 section, __u32 index, void *data,
		       __u32 length, struct memalloc_stats *stats)
{
	*stats = (struct memalloc_stats) {
		.size = sizeof(*stats),
		.section = section,
		.index = index,
		.length = length,
		.data = address_of(data),
	};
	return device_ioctl(fd, MEMALLOC_STATS, stats);
}

TEST_F(section, says_its_length_and_count)
{
	struct memalloc_stats stats;

	ASSERT_EQ(0, use_section(self->fd, variant->section, 0, NULL, 0, &stats));
	EXPECT_EQ(variant->length, stats.out_length);
	EXPECT_LE(1, stats.out_count);
	if (variant->single) {
		EXPECT_EQ(1, stats.out_count);
	}
}

TEST_F(section, has_an_entry_for_each_index_below_the_count)
{
	struct memalloc_stats stats;
	__u32 count, index;

	ASSERT_EQ(0, use_section(self->fd, variant->section, 0, NULL, 0, &stats));
	count = stats.out_count;
	for (index = 0; index < count; index++) {
		EXPECT_EQ(0, use_section(self->fd, variant->section, index,
					 self->data, variant->length, &stats));
	}
	for (; index < count + 70; index++) {
		EXPECT_EQ(-ENOENT, use_section(self->fd, variant->section, index,
					       self->data, variant->length, &stats));
	}
	EXPECT_EQ(-ENOENT, use_section(self->fd, variant->section, 0x80000000,
				       self->data, variant->length, &stats));
	EXPECT_EQ(-ENOENT, use_section(self->fd, variant->section, 0xffffffff,
				       self->data, variant->length, &stats));
}

TEST_F(section, fills_the_buffer_and_not_one_byte_more)
{
	const size_t most = variant->length + 40;
	unsigned char *whole = self->data + 2048;
	struct memalloc_stats stats;
	size_t length, byte;

	memset(whole, 0, variant->length);
	ASSERT_EQ(0, use_section(self->fd, variant->section, 0, whole,
				 variant->length, &stats));
	for (length = 0; length <= most; length += length < 16 ? 1 : 8) {
		memset(self->data, 0xc3, 1024);
		ASSERT_EQ(0, use_section(self->fd, variant->section, 0,
					 self->data, length, &stats));
		for (byte = 0; byte < length && byte < variant->length; byte++) {
			ASSERT_EQ(whole[byte], self->data[byte])
				TH_LOG("byte %zu of %zu", byte, length);
		}
		for (; byte < length; byte++) {
			ASSERT_EQ(0, self->data[byte])
				TH_LOG("byte %zu of %zu", byte, length);
		}
		for (; byte < 1024; byte++) {
			ASSERT_EQ(0xc3, self->data[byte])
				TH_LOG("byte %zu of %zu", byte, length);
		}
	}
}

TEST_F(section, that_cannot_be_written_is_efault)
{
	const size_t page = page_size();
	struct memalloc_stats stats;

	EXPECT_EQ(-EFAULT, use_section(self->fd, variant->section, 0, NULL,
				       variant->length, &stats));
	EXPECT_EQ(-EFAULT, use_section(self->fd, variant->section, 0,
				       self->data + page - variant->length + 1,
				       variant->length, &stats));
	EXPECT_EQ(-EFAULT, use_section(self->fd, variant->section, 0,
				       self->data + page - variant->length,
				       variant->length + 1, &stats));
	EXPECT_EQ(0, use_section(self->fd, variant->section, 0,
				 self->data + page - variant->length,
				 variant->length, &stats));
	ASSERT_EQ(0, mprotect(self->data, page, PROT_READ));
	EXPECT_EQ(-EFAULT, use_section(self->fd, variant->section, 0, self->data,
				       variant->length, &stats));
}

TEST_F(section, leaves_no_byte_unwritten)
{
	static const unsigned char poisons[] = { 0x5a, 0xa5, 0x3c, 0xf7 };
	unsigned char kept[1024];
	struct memalloc_stats stats;
	size_t i, byte;

	memset(kept, 1, sizeof(kept));
	for (i = 0; i < ARRAY_SIZE(poisons); i++) {
		memset(self->data, poisons[i], variant->length);
		ASSERT_EQ(0, use_section(self->fd, variant->section, 0,
					 self->data, variant->length, &stats));
		for (byte = 0; byte < variant->length; byte++)
			kept[byte] &= self->data[byte] == poisons[i];
	}
	for (byte = 0; byte < variant->length; byte++) {
		EXPECT_EQ(0, kept[byte]) TH_LOG("byte %zu", byte);
	}
}

TEST_F(device, unknown_section_is_einval)
{
	static const __u32 sections[] = { 0, 0x1f, 0x7fffffff, 0xffffffff };
	struct memalloc_stats_borrowing data;
	struct memalloc_stats stats;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(sections); i++) {
		EXPECT_EQ(-EINVAL, use_section(self->fd, sections[i], 0, &data,
					       sizeof(data), &stats))
			TH_LOG("section %u", sections[i]);
	}
}

/* --- batches ---------------------------------------------------------------- */

static int batch_run(int fd, struct memalloc_batch_op *ops, __u32 count,
		     __u32 flags, __u32 *done)
{
	struct memalloc_batch batch = {
		.size = sizeof(batch),
		.flags = flags,
		.count = count,
		.op_size = sizeof(*ops),
		.ops = address_of(ops),
		.out_done = 0x5a5a5a5a,
	};
	int err = device_ioctl(fd, MEMALLOC_BATCH, &batch);

	*done = batch.out_done;
	return err;
}

FIXTURE(batch) {
	int fd;
	__u64 handle;
	struct memalloc_info info;
	struct memalloc_free stranger;
	struct memalloc_batch_op ops[MEMALLOC_BATCH_MAX + 1];
};

FIXTURE_SETUP(batch)
{
	size_t i;

	self->fd = device_open();
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, device_alloc(self->fd, 0, &self->handle));
	self->info.size = sizeof(self->info);
	self->info.handle = self->handle;
	self->stranger.size = sizeof(self->stranger);
	for (i = 0; i < ARRAY_SIZE(self->ops); i++) {
		self->ops[i].cmd = MEMALLOC_INFO;
		self->ops[i].out_errno = 0x5a5a5a5a;
		self->ops[i].arg = address_of(&self->info);
	}
}

FIXTURE_TEARDOWN(batch)
{
	close(self->fd);
}

/* Make one command of the batch fail with ENOENT. */
static void spoil(FIXTURE_DATA(batch) *self, unsigned int index)
{
	self->ops[index].cmd = MEMALLOC_FREE;
	self->ops[index].arg = address_of(&self->stranger);
}

TEST_F(batch, of_nothing_does_nothing)
{
	__u32 done;

	EXPECT_EQ(0, batch_run(self->fd, self->ops, 0, 0, &done));
	EXPECT_EQ(0, done);
	EXPECT_EQ(0, batch_run(self->fd, NULL, 0, 0, &done));
	EXPECT_EQ(0, done);
}

TEST_F(batch, of_the_most_commands_does_them_all)
{
	__u32 done, i;

	ASSERT_EQ(0, batch_run(self->fd, self->ops, MEMALLOC_BATCH_MAX, 0, &done));
	EXPECT_EQ(MEMALLOC_BATCH_MAX, done);
	for (i = 0; i < MEMALLOC_BATCH_MAX; i++) {
		EXPECT_EQ(0, self->ops[i].out_errno);
	}
	EXPECT_EQ(0x5a5a5a5a, self->ops[i].out_errno);
}

TEST_F(batch, of_more_than_the_most_commands_is_einval)
{
	__u32 done;

	EXPECT_EQ(-EINVAL, batch_run(self->fd, self->ops, MEMALLOC_BATCH_MAX + 1,
				     0, &done));
	EXPECT_EQ(-EINVAL, batch_run(self->fd, self->ops, 0xffffffff, 0, &done));
	EXPECT_EQ(0x5a5a5a5a, self->ops[0].out_errno);
}

TEST_F(batch, stops_after_the_first_error)
{
	__u32 done, bad, i;

	for (bad = 0; bad < 8; bad++) {
		for (i = 0; i < 8; i++) {
			self->ops[i].cmd = MEMALLOC_INFO;
			self->ops[i].arg = address_of(&self->info);
			self->ops[i].out_errno = 0x5a5a5a5a;
		}
		spoil(self, bad);
		ASSERT_EQ(0, batch_run(self->fd, self->ops, 8, 0, &done));
		EXPECT_EQ(bad + 1, done);
		for (i = 0; i < bad; i++) {
			EXPECT_EQ(0, self->ops[i].out_errno);
		}
		EXPECT_EQ(ENOENT, self->ops[bad].out_errno);
		for (i = bad + 1; i < 8; i++) {
			EXPECT_EQ(0x5a5a5a5a, self->ops[i].out_errno);
		}
	}
}

TEST_F(batch, keeps_going_when_told)
{
	__u32 done, i;

	for (i = 0; i < 9; i += 2)
		spoil(self, i);
	ASSERT_EQ(0, batch_run(self->fd, self->ops, 9, MEMALLOC_BATCH_KEEP_GOING,
			       &done));
	EXPECT_EQ(9, done);
	for (i = 0; i < 9; i++) {
		EXPECT_EQ(i % 2 ? 0 : ENOENT, self->ops[i].out_errno);
	}
}

TEST_F(batch, in_a_batch_is_einval)
{
	struct memalloc_batch inner = {
		.size = sizeof(inner),
		.count = 1,
		.op_size = sizeof(self->ops[0]),
		.ops = address_of(&self->ops[4]),
	};
	__u32 done;

	self->ops[1].cmd = MEMALLOC_BATCH;
	self->ops[1].arg = address_of(&inner);
	ASSERT_EQ(0, batch_run(self->fd, self->ops, 3, 0, &done));
	EXPECT_EQ(2, done);
	EXPECT_EQ(EINVAL, self->ops[1].out_errno);
	EXPECT_EQ(0x5a5a5a5a, self->ops[4].out_errno);
}

TEST_F(batch, writes_the_errors_only)
{
	struct memalloc_batch_op before[5];
	__u32 done, i;

	spoil(self, 2);
	memcpy(before, self->ops, sizeof(before));
	ASSERT_EQ(0, batch_run(self->fd, self->ops, 4, 0, &done));
	for (i = 0; i < 5; i++) {
		EXPECT_EQ(before[i].cmd, self->ops[i].cmd);
		EXPECT_EQ(before[i].arg, self->ops[i].arg);
	}
}

TEST_F(batch, with_a_short_op_size_is_einval)
{
	struct memalloc_batch batch = {
		.size = sizeof(batch),
		.count = 1,
		.ops = address_of(self->ops),
	};

	for (; batch.op_size < sizeof(self->ops[0]); batch.op_size++) {
		EXPECT_EQ(-EINVAL, device_ioctl(self->fd, MEMALLOC_BATCH, &batch))
			TH_LOG("op_size %u", batch.op_size);
	}
	EXPECT_EQ(0x5a5a5a5a, self->ops[0].out_errno);
}

/* Each command's entry is a structure that may grow, like all others. */
TEST_F(batch, with_a_long_op_size_is_taken_if_the_rest_is_zero)
{
	struct {
		struct memalloc_batch_op op;
		__u64 later;
	} ops[3] = { 0 };
	struct memalloc_batch batch = {
		.size = sizeof(batch),
		.count = ARRAY_SIZE(ops),
		.op_size = sizeof(ops[0]),
		.ops = address_of(ops),
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(ops); i++) {
		ops[i].op.cmd = MEMALLOC_INFO;
		ops[i].op.arg = address_of(&self->info);
		ops[i].op.out_errno = 0x5a5a5a5a;
	}
	ASSERT_EQ(0, device_ioctl(self->fd, MEMALLOC_BATCH, &batch));
	EXPECT_EQ(ARRAY_SIZE(ops), batch.out_done);
	for (i = 0; i < ARRAY_SIZE(ops); i++) {
		EXPECT_EQ(0, ops[i].op.out_errno);
	}
	ops[0].later = 1ULL << 63;
	EXPECT_EQ(-E2BIG, device_ioctl(self->fd, MEMALLOC_BATCH, &batch));
}

TEST_F(batch, with_bad_ops_is_efault)
{
	const __u64 bad[] = { 0, 8, UINT64_MAX - 15, 0xffff888000000000 };
	__u32 done;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		struct memalloc_batch batch = {
			.size = sizeof(batch),
			.count = 1,
			.op_size = sizeof(self->ops[0]),
			.ops = bad[i],
		};

		EXPECT_EQ(-EFAULT, device_ioctl(self->fd, MEMALLOC_BATCH, &batch))
			TH_LOG("ops %#llx", (unsigned long long)bad[i]);
	}
	ASSERT_EQ(0, batch_run(self->fd, self->ops, 1, 0, &done));
}

/*
 * A command whose own result cannot be written fails, and has done nothing; the
 * others are not concerned.
 */
TEST_F(batch, alloc_whose_result_cannot_be_written_leaks_nothing)
{
	struct memalloc_alloc *alloc = map_memory(page_size(), PROT_READ | PROT_WRITE);
	struct memalloc_stats_file before, after;
	__u32 done;

	ASSERT_NE(MAP_FAILED, alloc);
	alloc->size = sizeof(*alloc);
	alloc->kind = MEMALLOC_KIND_PAGES;
	alloc->node = -1;
	alloc->order = 3;
	ASSERT_EQ(0, mprotect(alloc, page_size(), PROT_READ));
	self->ops[1].cmd = MEMALLOC_ALLOC;
	self->ops[1].arg = address_of(alloc);
	ASSERT_EQ(0, device_file(self->fd, &before));
	ASSERT_EQ(0, batch_run(self->fd, self->ops, 3, MEMALLOC_BATCH_KEEP_GOING,
			       &done));
	ASSERT_EQ(0, device_file(self->fd, &after));
	EXPECT_EQ(3, done);
	EXPECT_EQ(0, self->ops[0].out_errno);
	EXPECT_EQ(EFAULT, self->ops[1].out_errno);
	EXPECT_EQ(0, self->ops[2].out_errno);
	EXPECT_EQ(0, memcmp(&before, &after, sizeof(before)));
}

/* Eight objects, made, written, checked, asked about and freed, four at a time. */
TEST_F(batch, of_32_mixed_commands_does_each_in_turn)
{
	enum { OLD = 4 };
	struct memalloc_alloc allocs[OLD];
	struct memalloc_pattern_io fills[OLD], verifies[OLD], wrong[OLD];
	struct memalloc_info infos[OLD];
	struct memalloc_io writes[OLD], reads[OLD];
	struct memalloc_free frees[OLD];
	struct memalloc_stats_file stats;
	__u64 handles[OLD], seen[OLD] = { 0 }, words[OLD];
	__u32 done, i, n = 0;

	for (i = 0; i < OLD; i++) {
		ASSERT_EQ(0, device_alloc(self->fd, i, &handles[i]));
		words[i] = 0x0123456789abcdef * (i + 1);
	}
#define ADD(command, request, ...) do { \
	(request) = (__typeof__(request)) { .size = sizeof(request), __VA_ARGS__ }; \
	self->ops[n].cmd = (command); \
	self->ops[n++].arg = address_of(&(request)); \
} while (0)
	for (i = 0; i < OLD; i++) {
		ADD(MEMALLOC_ALLOC, allocs[i], .kind = MEMALLOC_KIND_PAGES,
		    .node = -1, .order = i);
		ADD(MEMALLOC_FILL, fills[i], .handle = handles[i],
		    .length = order_bytes(i), .value = i,
		    .pattern = MEMALLOC_PATTERN_COUNT);
		ADD(MEMALLOC_VERIFY, verifies[i], .handle = handles[i],
		    .length = order_bytes(i), .value = i,
		    .pattern = MEMALLOC_PATTERN_COUNT);
		ADD(MEMALLOC_WRITE, writes[i], .handle = handles[i],
		    .offset = 64, .length = 8, .data = address_of(&words[i]));
		ADD(MEMALLOC_READ, reads[i], .handle = handles[i],
		    .offset = 64, .length = 8, .data = address_of(&seen[i]));
		ADD(MEMALLOC_VERIFY, wrong[i], .handle = handles[i],
		    .length = order_bytes(i), .value = i,
		    .pattern = MEMALLOC_PATTERN_COUNT);
		ADD(MEMALLOC_INFO, infos[i], .handle = handles[i]);
		ADD(MEMALLOC_FREE, frees[i], .handle = handles[i]);
	}
#undef ADD
	ASSERT_EQ(32, n);
	ASSERT_EQ(0, batch_run(self->fd, self->ops, n, 0, &done));
	EXPECT_EQ(32, done);
	for (i = 0; i < n; i++) {
		EXPECT_EQ(0, self->ops[i].out_errno) TH_LOG("command %u", i);
	}
	for (i = 0; i < OLD; i++) {
		EXPECT_EQ(order_bytes(i), allocs[i].out_bytes);
		EXPECT_EQ(order_bytes(i), fills[i].out_done);
		EXPECT_EQ(order_bytes(i), verifies[i].out_done);
		EXPECT_EQ(8, writes[i].out_done);
		EXPECT_EQ(8, reads[i].out_done);
		EXPECT_EQ(words[i], seen[i]);
		EXPECT_LE(64, wrong[i].out_done);
		EXPECT_GT(72, wrong[i].out_done);
		EXPECT_EQ(i, infos[i].out_order);
		EXPECT_EQ(-ENOENT, device_free(self->fd, handles[i]));
		EXPECT_EQ(0, device_free(self->fd, allocs[i].out_handle));
	}
	ASSERT_EQ(0, device_file(self->fd, &stats));
	EXPECT_EQ(1, stats.handles);
	EXPECT_EQ(order_bytes(0), stats.bytes);
}

/* --- signals ---------------------------------------------------------------- */

static void ignore_signal(int signal)
{
	(void)signal;
}

static int stop_poking;

static void *poke(void *thread)
{
	while (!__atomic_load_n(&stop_poking, __ATOMIC_RELAXED))
		pthread_kill(*(pthread_t *)thread, SIGUSR1);
	return NULL;
}

/*
 * Under a hail of signals, every command is done, done in part and says how far,
 * or not done and says EINTR.
 */
TEST_F(device, signals_shorten_work_and_lose_none)
{
	const struct sigaction action = { .sa_handler = ignore_signal };
	const size_t bytes = order_bytes(MEMALLOC_MAX_ORDER);
	const unsigned int rounds = effort_of(40);
	struct memalloc_pattern_io fill = { .size = sizeof(fill) };
	struct memalloc_io io = { .size = sizeof(io) };
	pthread_t poker, self_thread = pthread_self();
	struct memalloc_stats_file before, after;
	unsigned char *data = malloc(bytes);
	unsigned int round;
	__u64 handle;
	int err;

	ASSERT_NE(NULL, data);
	ASSERT_EQ(0, device_alloc(self->fd, MEMALLOC_MAX_ORDER, &handle));
	ASSERT_EQ(0, device_file(self->fd, &before));
	ASSERT_EQ(0, sigaction(SIGUSR1, &action, NULL));
	ASSERT_EQ(0, pthread_create(&poker, NULL, poke, &self_thread));
	for (round = 0; round < rounds; round++) {
		fill.handle = handle;
		fill.length = bytes;
		err = device_ioctl(self->fd, MEMALLOC_FILL, &fill);
		EXPECT_TRUE(err == -EINTR || (!err && fill.out_done == bytes))
			TH_LOG("fill: %d", err);
		io.handle = handle;
		io.length = bytes;
		io.data = address_of(data);
		io.out_done = 0;
		err = device_ioctl(self->fd, MEMALLOC_READ, &io);
		EXPECT_TRUE(err == -EINTR ||
			    (!err && io.out_done > 0 && io.out_done <= bytes))
			TH_LOG("read: %d, %llu done", err,
			       (unsigned long long)io.out_done);
	}
	__atomic_store_n(&stop_poking, 1, __ATOMIC_RELAXED);
	ASSERT_EQ(0, pthread_join(poker, NULL));
	ASSERT_EQ(0, device_file(self->fd, &after));
	EXPECT_EQ(0, memcmp(&before, &after, sizeof(before)));
	free(data);
}

TEST_HARNESS_MAIN
