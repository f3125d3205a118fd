// SPDX-License-Identifier: GPL-2.0
/*
 * Rules common to all commands: the structures of the interface are extensible,
 * bad requests fail, and results are complete
 */
#include "abi.h"
#include "abi_commands.h"
#include "harness.h"

TEST(structures_have_their_abi_size)
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
	EXPECT_EQ(version_command.size, sizeof(struct memalloc_version));
}

/*
 * Requests are in @arena, two pages followed by an inaccessible one: either at
 * its end, where any access beyond the structure fails, or at its start, with
 * room behind.
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
FIXTURE_VARIANT_ADD(command, version) { .command = &version_command };
FIXTURE_VARIANT_ADD(command, shrink) { .command = &shrink_command };
FIXTURE_VARIANT_ADD(command, batch) { .command = &batch_command };
FIXTURE_VARIANT_ADD(command, inject) { .command = &inject_command };
FIXTURE_VARIANT_ADD(command, resize) { .command = &resize_command };
FIXTURE_VARIANT_ADD(command, cache_create) { .command = &cache_create_command };
FIXTURE_VARIANT_ADD(command, mempool_create) { .command = &mempool_create_command };

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

/* Fields unknown to the caller are treated as zero, and not written. */
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
		(void *)(uintptr_t)0x0000800000000000,	/* 64-bit: not canonical */
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		EXPECT_EQ(-EFAULT, device_ioctl(self->fd, variant->command->cmd,
						bad[i]))
			TH_LOG("address %p", bad[i]);
	}
}

TEST_F(command, partly_mapped_structure_is_efault)
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
			TH_LOG("%zu bytes are mapped", there);
	}
}

TEST_F(command, unmapped_tail_is_efault)
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

/* A command without results does not need write permission. */
TEST_F(command, result_that_cannot_be_written_is_efault)
{
	struct memalloc_stats_file before, after;
	union request *request;
	__u64 described;
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
		described = before.described_bytes - after.described_bytes;
		before.described_bytes -= described;
		before.device_described_bytes -= described;
		before.user_handles--;
		before.user_bytes -= self->around->bytes + described;
		EXPECT_LT(0, described);
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
 * A byte that keeps each poison was not written. A written byte matches all of
 * them by chance with a probability of one in 2^32.
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

TEST_HARNESS_MAIN
