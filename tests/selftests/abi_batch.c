// SPDX-License-Identifier: GPL-2.0
/*
 * MEMALLOC_BATCH: order, errors, and the array of commands
 */
#include "abi.h"
#include "harness.h"

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

TEST_F(batch, of_no_commands_does_nothing)
{
	__u32 done;

	EXPECT_EQ(0, batch_run(self->fd, self->ops, 0, 0, &done));
	EXPECT_EQ(0, done);
	EXPECT_EQ(0, batch_run(self->fd, NULL, 0, 0, &done));
	EXPECT_EQ(0, done);
}

TEST_F(batch, of_the_maximum_executes_all)
{
	__u32 done, i;

	ASSERT_EQ(0, batch_run(self->fd, self->ops, MEMALLOC_BATCH_MAX, 0, &done));
	EXPECT_EQ(MEMALLOC_BATCH_MAX, done);
	for (i = 0; i < MEMALLOC_BATCH_MAX; i++) {
		EXPECT_EQ(0, self->ops[i].out_errno);
	}
	EXPECT_EQ(0x5a5a5a5a, self->ops[i].out_errno);
}

TEST_F(batch, of_more_than_the_maximum_is_einval)
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

/* The entry of a command may grow in future versions, like all structures. */
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
 * A command with an unwritable result fails and changes nothing. The other
 * commands are not affected.
 */
TEST_F(batch, alloc_with_unwritable_result_leaks_nothing)
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

/* Create, write, verify, query and free eight objects, in batches of four. */
TEST_F(batch, of_32_mixed_commands_executes_each_in_order)
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

TEST_HARNESS_MAIN
