// SPDX-License-Identifier: GPL-2.0
/*
 * MEMALLOC_READ, WRITE, FILL and VERIFY: ranges, buffers, patterns, signals
 */
#include <pthread.h>
#include <signal.h>

#include "abi.h"
#include "abi_device.h"
#include "effort.h"
#include "seed.h"

/* --- offsets and lengths ------------------------------------------------- */

FIXTURE(range) {
	int fd;
	__u64 handle;
	__u64 bytes;
	unsigned char *data;
};

FIXTURE_VARIANT(range) {
	unsigned int cmd;
};

FIXTURE_VARIANT_ADD(range, read) { .cmd = MEMALLOC_READ };
FIXTURE_VARIANT_ADD(range, write) { .cmd = MEMALLOC_WRITE };
FIXTURE_VARIANT_ADD(range, fill) { .cmd = MEMALLOC_FILL };
FIXTURE_VARIANT_ADD(range, verify) { .cmd = MEMALLOC_VERIFY };

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

/* Return: bytes done, or a negative error. */
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
		EXPECT_EQ(-EOVERFLOW, use_range(self, variant->cmd, ranges[i][0],
						ranges[i][1]))
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
			  use_range(self, variant->cmd, offset, self->bytes - offset));
	}
	EXPECT_EQ((long long)self->bytes,
		  use_range(self, variant->cmd, 0, self->bytes));
}

TEST_F(range, of_no_bytes_does_nothing)
{
	EXPECT_EQ(0, use_range(self, variant->cmd, 0, 0));
	EXPECT_EQ(0, use_range(self, variant->cmd, self->bytes, 0));
}

/* --- buffers of read and write ------------------------------------------- */

FIXTURE(buffer) {
	int fd;
	__u64 handle;
	unsigned char *data;	/* a page, followed by an inaccessible one */
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

/* The upper half of a pointer is not ignored, even for a 32-bit caller. */
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

TEST_F(buffer, partly_mapped_is_efault)
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

/* A mapping of the allocation itself is a valid buffer. */
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

/* --- patterns ------------------------------------------------------------ */

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

/* Return: bytes done, or a negative error. */
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

/* --- signals ------------------------------------------------------------- */

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
 * During frequent signals, each command is done, is done in part and returns
 * how much, or is not done and returns EINTR. Some are not done as a whole.
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
	bool fill_ended = false, read_ended = false;
	unsigned int round;
	__u64 handle;
	int err;

	ASSERT_NE(NULL, data);
	ASSERT_EQ(0, device_alloc(self->fd, MEMALLOC_MAX_ORDER, &handle));
	ASSERT_EQ(0, device_file(self->fd, &before));
	ASSERT_EQ(0, sigaction(SIGUSR1, &action, NULL));
	ASSERT_EQ(0, pthread_create(&poker, NULL, poke, &self_thread));
	for (round = 0; round < rounds ||
	     (!(fill_ended && read_ended) && round < 100 * rounds); round++) {
		fill.handle = handle;
		fill.length = bytes;
		err = device_ioctl(self->fd, MEMALLOC_FILL, &fill);
		fill_ended |= err == -EINTR;
		EXPECT_TRUE(err == -EINTR || (!err && fill.out_done == bytes))
			TH_LOG("fill: %d", err);
		io.handle = handle;
		io.length = bytes;
		io.data = address_of(data);
		io.out_done = 0;
		err = device_ioctl(self->fd, MEMALLOC_READ, &io);
		read_ended |= err == -EINTR || io.out_done < bytes;
		EXPECT_TRUE(err == -EINTR ||
			    (!err && io.out_done > 0 && io.out_done <= bytes))
			TH_LOG("read: %d, %llu done", err,
			       (unsigned long long)io.out_done);
	}
	EXPECT_TRUE(fill_ended && read_ended)
		TH_LOG("no signal ended a command, in %u rounds", round);
	__atomic_store_n(&stop_poking, 1, __ATOMIC_RELAXED);
	ASSERT_EQ(0, pthread_join(poker, NULL));
	ASSERT_EQ(0, device_file(self->fd, &after));
	EXPECT_EQ(0, memcmp(&before, &after, sizeof(before)));
	free(data);
}

TEST_HARNESS_MAIN
