// SPDX-License-Identifier: GPL-2.0
/*
 * Handles: each command refuses an unknown one
 */
#include "abi_commands.h"
#include "effort.h"
#include "harness.h"
#include "seed.h"

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

/* All structures have the handle at the same offset. */
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

TEST_HARNESS_MAIN
