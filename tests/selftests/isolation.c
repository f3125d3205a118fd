// SPDX-License-Identifier: GPL-2.0
/*
 * Isolation: what one open file, or one user, has to do with another: nothing
 */
#include <grp.h>
#include <pthread.h>
#include <sys/stat.h>

#include "effort.h"
#include "harness.h"
#include "memalloc_device.h"
#include "module_parameter.h"

enum { ORDER = 1, WORD = 77, NOBODY = 65534 };

/* --- two files ------------------------------------------------------------------ */

FIXTURE(stranger) {
	int mine;
	int other;
	struct memalloc_alloc alloc;	/* made in mine */
};

FIXTURE_SETUP(stranger)
{
	__u64 handle;
	int i;

	self->mine = device_open();
	ASSERT_LE(0, self->mine);
	self->other = device_open();
	ASSERT_LE(0, self->other);
	ASSERT_EQ(0, device_alloc_pages(self->mine, ORDER, MEMALLOC_GFP_USER,
					&self->alloc));
	ASSERT_EQ(0, device_fill(self->mine, self->alloc.out_handle,
				 self->alloc.out_bytes, WORD));
	/* The other has allocations in the same places. */
	for (i = 0; i < 8; i++) {
		ASSERT_EQ(0, device_alloc(self->other, ORDER, &handle));
	}
}

FIXTURE_TEARDOWN(stranger)
{
	close(self->mine);
	close(self->other);
}

TEST_F(stranger, does_not_know_the_handle)
{
	const __u64 handle = self->alloc.out_handle;
	struct memalloc_info info;
	__u64 word = 0;

	EXPECT_EQ(-ENOENT, device_read(self->other, handle, 0, &word, sizeof(word)));
	EXPECT_EQ(-ENOENT, device_write(self->other, handle, 0, &word, sizeof(word)));
	EXPECT_EQ(-ENOENT, device_fill(self->other, handle, 8, 0));
	EXPECT_EQ(-ENOENT, device_verify(self->other, handle, 8, 0));
	EXPECT_EQ(-ENOENT, device_info(self->other, handle, 0, 0, &info));
	EXPECT_EQ(-ENOENT, device_info(self->other, handle, 0, MEMALLOC_INFO_PHYS,
				       &info));
	EXPECT_EQ(-ENOENT, device_free(self->other, handle));
	EXPECT_EQ(0, word);
	EXPECT_EQ(0, device_verify(self->mine, handle, self->alloc.out_bytes, WORD));
}

/* What it finds at that offset is its own, or nothing. */
TEST_F(stranger, does_not_reach_it_by_its_offset)
{
	volatile __u64 *mapping = device_map(self->other, self->alloc.out_map_offset,
					     self->alloc.out_bytes);

	if ((void *)mapping != MAP_FAILED) {
		EXPECT_EQ(0, mapping[0]);
		mapping[0] = 1;
	}
	EXPECT_EQ(0, device_mappings(self->mine, self->alloc.out_handle));
	EXPECT_EQ(0, device_verify(self->mine, self->alloc.out_handle,
				   self->alloc.out_bytes, WORD));
}

/* The same device node, opened by way of the descriptor: another file. */
TEST_F(stranger, is_who_opens_the_same_descriptor_anew)
{
	char path[64];
	int again;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", self->mine);
	again = open(path, O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, again);
	EXPECT_EQ(-ENOENT, device_free(again, self->alloc.out_handle));
	close(again);
}

TEST_F(stranger, sees_its_own_statistics)
{
	struct memalloc_stats_file mine, other;

	ASSERT_EQ(0, device_file(self->mine, &mine));
	ASSERT_EQ(0, device_file(self->other, &other));
	EXPECT_EQ(1, mine.handles);
	EXPECT_EQ(order_bytes(ORDER), mine.bytes);
	EXPECT_EQ(8, other.handles);
	EXPECT_EQ(8 * order_bytes(ORDER), other.bytes);
	EXPECT_EQ(mine.bytes + other.bytes, mine.device_bytes);
	EXPECT_EQ(mine.device_bytes, other.device_bytes);
}

TEST_F(stranger, is_not_hit_by_the_failure_asked_for)
{
	__u64 handle, left;
	int i;

	ASSERT_EQ(0, device_inject(self->mine, 1, NULL));
	for (i = 0; i < 20; i++) {
		EXPECT_EQ(0, device_alloc(self->other, i % 5, &handle));
	}
	EXPECT_EQ(-ENOMEM, device_alloc(self->mine, 0, &handle));
	EXPECT_EQ(0, device_alloc(self->mine, 0, &handle));
	ASSERT_EQ(0, device_inject(self->mine, 0, &left));
	EXPECT_EQ(0, left);
}

struct allocator {
	pthread_t thread;
	int fd, done;
	__u64 wish;
	unsigned int rounds, failures;
};

static void *allocate_and_free(void *arg)
{
	struct allocator *allocator = arg;
	unsigned int i;
	__u64 handle;

	for (i = 0; i < allocator->rounds; i++) {
		if (device_alloc(allocator->fd, i % 3, &handle))
			allocator->failures++;
		else
			device_free(allocator->fd, handle);
	}
	return NULL;
}

/* At the same time, in the same process. Of ours fails one for each wish. */
TEST_F(stranger, is_not_hit_while_others_fail)
{
	struct allocator allocator = { .fd = self->other };
	unsigned int wishes = effort_of(200), failures = 0, i;
	__u64 handle;

	allocator.rounds = 10 * wishes;
	ASSERT_EQ(0, pthread_create(&allocator.thread, NULL, allocate_and_free,
				    &allocator));
	for (i = 0; i < wishes; i++) {
		ASSERT_EQ(0, device_inject(self->mine, 1, NULL));
		if (device_alloc(self->mine, i % 3, &handle) == -ENOMEM)
			failures++;
	}
	ASSERT_EQ(0, pthread_join(allocator.thread, NULL));
	EXPECT_EQ(0, allocator.failures);
	EXPECT_EQ(wishes, failures);
}

static void *fill_for_long(void *arg)
{
	struct allocator *allocator = arg;
	const size_t bytes = order_bytes(MEMALLOC_MAX_ORDER);
	__u64 handle = 0;
	unsigned int i;

	if (device_alloc(allocator->fd, MEMALLOC_MAX_ORDER, &handle) ||
	    device_inject(allocator->fd, allocator->wish, NULL))
		allocator->failures++;
	for (i = 0; i < allocator->rounds; i++)
		allocator->failures += !!device_fill(allocator->fd, handle, bytes, i);
	__atomic_store_n(&allocator->done, 1, __ATOMIC_RELEASE);
	return NULL;
}

/* What another takes in the middle of a long command of ours is not our count. */
TEST_F(stranger, is_not_counted_during_our_commands)
{
	const __u64 wish = 1 << 30;
	struct allocator filler = { .fd = self->mine, .wish = wish };
	__u64 handle, left;

	filler.rounds = effort_of(20);
	ASSERT_EQ(0, pthread_create(&filler.thread, NULL, fill_for_long, &filler));
	do {
		ASSERT_EQ(0, device_alloc(self->other, 0, &handle));
		ASSERT_EQ(0, device_free(self->other, handle));
	} while (!__atomic_load_n(&filler.done, __ATOMIC_ACQUIRE));
	ASSERT_EQ(0, pthread_join(filler.thread, NULL));
	EXPECT_EQ(0, filler.failures);
	ASSERT_EQ(0, device_inject(self->mine, 0, &left));
	EXPECT_EQ(wish, left);
}

/* --- users without privileges ---------------------------------------------------- */

FIXTURE(user) {
	struct stat node;
	int root;		/* opened by root */
	__u64 handle;		/* made by root in it */
};

FIXTURE_SETUP(user)
{
	ASSERT_EQ(0, stat(DEVICE_PATH, &self->node));
	if (geteuid())
		SKIP(return, "only root can become somebody else");
	self->root = device_open();
	ASSERT_LE(0, self->root);
	ASSERT_EQ(0, device_alloc(self->root, ORDER, &self->handle));
}

FIXTURE_TEARDOWN_PARENT(user)
{
	if (self->node.st_mode)
		chmod(DEVICE_PATH, self->node.st_mode & 07777);
}

static int become_nobody(void)
{
	return setgroups(0, NULL) || setgid(NOBODY) || setuid(NOBODY);
}

TEST_F(user, cannot_open_the_device_by_default)
{
	ASSERT_EQ(0, self->node.st_mode & 0007);
	ASSERT_EQ(0, become_nobody());
	EXPECT_EQ(-EACCES, device_open());
}

TEST_F(user, can_do_without_privileges_what_needs_none)
{
	struct memalloc_stats_borrowing borrowing;
	struct memalloc_info info;
	volatile __u64 *mapping;
	__u64 handle;
	int fd;

	ASSERT_EQ(0, chmod(DEVICE_PATH, 0666));
	ASSERT_EQ(0, become_nobody());
	fd = device_open();
	ASSERT_LE(0, fd);
	mapping = device_alloc_mapped(fd, ORDER, &handle);
	ASSERT_NE(MAP_FAILED, (void *)mapping);
	EXPECT_EQ(0, device_fill(fd, handle, order_bytes(ORDER), WORD));
	EXPECT_EQ(WORD, mapping[0]);
	EXPECT_EQ(0, device_info(fd, handle, 0, 0, &info));
	EXPECT_EQ(0, info.out_phys);
	EXPECT_EQ(0, device_borrowing(fd, &borrowing));
	EXPECT_EQ(0, device_validate(fd));
	EXPECT_EQ(0, device_free(fd, handle));
}

TEST_F(user, is_not_told_physical_addresses_nor_may_inject_failures)
{
	struct memalloc_info info;
	__u64 handle;
	int fd;

	ASSERT_EQ(0, chmod(DEVICE_PATH, 0666));
	ASSERT_EQ(0, become_nobody());
	fd = device_open();
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, device_alloc(fd, ORDER, &handle));
	EXPECT_EQ(-EPERM, device_info(fd, handle, 0, MEMALLOC_INFO_PHYS, &info));
	EXPECT_EQ(0, info.out_phys);
	EXPECT_EQ(-EPERM, device_inject(fd, 1, NULL));
	EXPECT_EQ(-EPERM, device_inject(fd, 0, NULL));
	EXPECT_EQ(0, device_alloc(fd, ORDER, &handle));
}

/* It is who asks that counts, not who opened the file. */
TEST_F(user, has_no_more_rights_in_a_file_that_root_opened)
{
	struct memalloc_info info;

	ASSERT_EQ(0, device_info(self->root, self->handle, 0, MEMALLOC_INFO_PHYS,
				 &info));
	ASSERT_EQ(0, become_nobody());
	EXPECT_EQ(0, device_fill(self->root, self->handle, order_bytes(ORDER), WORD));
	EXPECT_EQ(-EPERM, device_info(self->root, self->handle, 0,
				      MEMALLOC_INFO_PHYS, &info));
	EXPECT_EQ(0, info.out_phys);
	EXPECT_EQ(-EPERM, device_inject(self->root, 1, NULL));
}

TEST_F(user, has_no_more_rights_in_a_batch)
{
	struct memalloc_inject inject = { .size = sizeof(inject), .nth = 1 };
	struct memalloc_info info = {
		.size = sizeof(info),
		.flags = MEMALLOC_INFO_PHYS,
		.handle = self->handle,
	};
	struct memalloc_batch_op ops[] = {
		{ .cmd = MEMALLOC_INJECT, .arg = address_of(&inject) },
		{ .cmd = MEMALLOC_INFO, .arg = address_of(&info) },
	};
	struct memalloc_batch batch = {
		.size = sizeof(batch),
		.flags = MEMALLOC_BATCH_KEEP_GOING,
		.count = ARRAY_SIZE(ops),
		.op_size = sizeof(ops[0]),
		.ops = address_of(ops),
	};

	ASSERT_EQ(0, become_nobody());
	ASSERT_EQ(0, device_ioctl(self->root, MEMALLOC_BATCH, &batch));
	EXPECT_EQ(2, batch.out_done);
	EXPECT_EQ(EPERM, ops[0].out_errno);
	EXPECT_EQ(EPERM, ops[1].out_errno);
	EXPECT_EQ(0, info.out_phys);
}

TEST_F(user, cannot_change_the_limits)
{
	ASSERT_EQ(0, become_nobody());
	EXPECT_EQ(-EACCES, parameter_set("cap_mb", 1));
	EXPECT_EQ(-EACCES, parameter_set("quota_handles", 0));
	EXPECT_EQ(-EACCES, parameter_set("quota_file_mb", 0));
	EXPECT_EQ(-EACCES, parameter_set("quota_device_mb", 0));
}

/* --- quotas are not evaded --------------------------------------------------------- */

FIXTURE(quota) {
	char old[PARAMETER_LENGTH];
	int fd;
};

FIXTURE_SETUP(quota)
{
	ASSERT_EQ(0, parameter_read("quota_handles", self->old));
	ASSERT_EQ(0, parameter_set("quota_handles", 20));
	self->fd = device_open();
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN_PARENT(quota)
{
	if (self->old[0])
		parameter_write("quota_handles", self->old);
}

static unsigned int take(int fd)
{
	unsigned int count = 0;
	__u64 handle;

	while (count < 100 && !device_alloc(fd, 0, &handle))
		count++;
	return count;
}

TEST_F(quota, is_the_files_whoever_uses_it)
{
	int status, copy = dup(self->fd);
	pid_t child = fork();

	ASSERT_LE(0, child);
	if (!child)
		_exit(take(self->fd));
	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_EQ(20, WEXITSTATUS(status));
	EXPECT_EQ(0, take(self->fd));
	EXPECT_EQ(0, take(copy));
	close(copy);
}

TEST_F(quota, of_one_file_is_not_used_up_by_another)
{
	int other = device_open();

	ASSERT_LE(0, other);
	EXPECT_EQ(20, take(self->fd));
	EXPECT_EQ(20, take(other));
	close(other);
}

TEST_HARNESS_MAIN
