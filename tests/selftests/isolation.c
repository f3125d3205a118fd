// SPDX-License-Identifier: GPL-2.0
/*
 * Isolation: one open file, or one user, does not affect another
 */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>

#include "effort.h"
#include "harness.h"
#include "memalloc_device.h"
#include "module_parameter.h"
#include "nobody.h"
#include "seed.h"

enum { ORDER = 1, WORD = 77 };

/* --- two files ----------------------------------------------------------- */

FIXTURE(stranger) {
	int mine;
	int other;
	struct memalloc_alloc alloc;	/* from the first file */
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
	/* The other file has allocations at the same indices. */
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

/* A parent of another file cannot be used either. */
TEST_F(stranger, can_make_nothing_from_it)
{
	struct memalloc_shrink shrink = { .size = sizeof(shrink) };
	struct memalloc_stats_cache stats;
	__u64 cache, pool, handle = 0;

	ASSERT_EQ(0, device_cache_create(self->mine, "mine", 100, &cache));
	ASSERT_EQ(0, device_mempool_create(self->mine, MEMALLOC_MEMPOOL_CACHE, cache, 2, &pool));
	EXPECT_EQ(-ENOENT, device_alloc_objects(self->other, cache, 1, &handle));
	EXPECT_EQ(-ENOENT, device_mempool_create(self->other, MEMALLOC_MEMPOOL_CACHE, cache, 2,
						 &handle));
	EXPECT_EQ(-ENOENT, device_alloc_element(self->other, pool, 0, 0, &handle));
	EXPECT_EQ(-ENOENT, device_alloc_element(self->other, pool, 0, MEMALLOC_ALLOC_PREALLOCATED,
						&handle));
	EXPECT_EQ(-ENOENT, device_mempool_resize(self->other, pool, 1));
	EXPECT_EQ(-ENOENT, device_cache(self->other, cache, &stats));
	shrink.handle = cache;
	EXPECT_EQ(-ENOENT, device_ioctl(self->other, MEMALLOC_SHRINK, &shrink));
	EXPECT_EQ(-ENOENT, device_free(self->other, pool));
	EXPECT_EQ(-ENOENT, device_free(self->other, cache));
	EXPECT_EQ(0, handle);
	EXPECT_EQ(0, device_alloc_element(self->mine, pool, 0, 0, &handle));
}

/* At that offset it finds its own allocation, or none. */
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

/* Opening the device node through the descriptor gives another file. */
TEST_F(stranger, includes_a_reopened_descriptor)
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

TEST_F(stranger, is_not_hit_by_an_injected_failure)
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

/*
 * Concurrently, in the same process. Each request makes one of our commands
 * fail.
 */
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

/*
 * Allocations of another file during a long command of ours do not count as
 * ours.
 */
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

/* --- users without privileges -------------------------------------------- */

FIXTURE(user) {
	struct stat node;
	int root;		/* opened by root */
	__u64 handle;		/* allocated by root in it */
};

FIXTURE_SETUP(user)
{
	ASSERT_EQ(0, stat(DEVICE_PATH, &self->node));
	if (geteuid())
		SKIP(return, "only root can become another user");
	self->root = device_open();
	ASSERT_LE(0, self->root);
	ASSERT_EQ(0, device_alloc(self->root, ORDER, &self->handle));
}

FIXTURE_TEARDOWN_PARENT(user)
{
	if (self->node.st_mode)
		chmod(DEVICE_PATH, self->node.st_mode & 07777);
}

TEST_F(user, cannot_open_the_device_by_default)
{
	ASSERT_EQ(0, self->node.st_mode & 0007);
	ASSERT_EQ(0, become_nobody());
	EXPECT_EQ(-EACCES, device_open());
}

TEST_F(user, can_use_unprivileged_operations)
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

/* Memory exempt from reclaim would evade all quotas. */
TEST_F(user, cannot_exempt_a_cache_from_reclaim)
{
	struct memalloc_cache_create request = device_cache_of("keeps", 64);

	request.flags = MEMALLOC_CACHE_NO_REAP;
	EXPECT_EQ(0, device_ioctl(self->root, MEMALLOC_CACHE_CREATE, &request));
	ASSERT_EQ(0, become_nobody());
	EXPECT_EQ(-EPERM, device_ioctl(self->root, MEMALLOC_CACHE_CREATE, &request));
	request.flags = MEMALLOC_CACHE_ALL & ~(MEMALLOC_CACHE_NO_REAP | MEMALLOC_CACHE_DMA |
					       MEMALLOC_CACHE_DMA32);
	EXPECT_EQ(0, device_ioctl(self->root, MEMALLOC_CACHE_CREATE, &request));
}

/*
 * The privileges of the caller count, not those of the task that opened the
 * file.
 */
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

/* --- quotas are not evaded ----------------------------------------------- */

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

TEST_F(quota, belongs_to_the_file_for_any_user)
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

/* Send a descriptor, as to a process of another user. Return: zero or -1. */
static int send_descriptor(int socket, int fd)
{
	union {
		char space[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = {};
	struct iovec byte = { .iov_base = &control, .iov_len = 1 };
	struct msghdr message = {
		.msg_iov = &byte, .msg_iovlen = 1,
		.msg_control = control.space, .msg_controllen = sizeof(control.space),
	};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(header), &fd, sizeof(fd));
	return sendmsg(socket, &message, 0) == 1 ? 0 : -1;
}

static int receive_descriptor(int socket)
{
	union {
		char space[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = {};
	char data;
	struct iovec byte = { .iov_base = &data, .iov_len = 1 };
	struct msghdr message = {
		.msg_iov = &byte, .msg_iovlen = 1,
		.msg_control = control.space, .msg_controllen = sizeof(control.space),
	};
	int fd;

	if (recvmsg(socket, &message, MSG_CMSG_CLOEXEC) != 1 || !CMSG_FIRSTHDR(&message))
		return -1;
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(fd));
	return fd;
}

TEST_F(quota, follows_a_passed_descriptor)
{
	int status, pair[2], fd;
	pid_t child;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
		SKIP(return, "this kernel has no sockets");
	child = fork();
	ASSERT_LE(0, child);
	if (!child) {
		close(self->fd);
		fd = receive_descriptor(pair[1]);
		_exit(become_nobody() || fd < 0 ? 255 : take(fd));
	}
	ASSERT_EQ(0, send_descriptor(pair[0], self->fd));
	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_EQ(20, WEXITSTATUS(status));
	EXPECT_EQ(0, take(self->fd));
}

/*
 * Memory freed by the file, closed or not, stays charged while a child maps it.
 */
TEST_F(quota, counts_memory_mapped_by_a_child)
{
	struct memalloc_stats_file before, after;
	int ready[2], watch = device_open();
	void *mapping;
	__u64 handle;
	pid_t child;
	char byte;

	ASSERT_LE(0, watch);
	ASSERT_EQ(0, device_file(watch, &before));
	ASSERT_EQ(0, pipe(ready));
	mapping = device_alloc_mapped(self->fd, ORDER, &handle);
	ASSERT_NE(MAP_FAILED, mapping);
	child = fork();
	ASSERT_LE(0, child);
	if (!child) {
		close(ready[1]);
		_exit(read(ready[0], &byte, 1));
	}
	ASSERT_EQ(0, device_free(self->fd, handle));
	close(self->fd);
	munmap(mapping, order_bytes(ORDER));
	ASSERT_EQ(0, device_file(watch, &after));
	EXPECT_EQ(before.device_bytes + order_bytes(ORDER), after.device_bytes);
	close(ready[1]);
	ASSERT_EQ(child, waitpid(child, NULL, 0));
	ASSERT_EQ(0, device_file(watch, &after));
	EXPECT_EQ(before.device_bytes, after.device_bytes);
	close(watch);
}

TEST_F(quota, of_one_file_is_not_used_up_by_another)
{
	int other = device_open();

	ASSERT_LE(0, other);
	EXPECT_EQ(20, take(self->fd));
	EXPECT_EQ(20, take(other));
	close(other);
}

/*
 * --- no task stalls another one ----------------------------------------------
 */

/**
 * struct job - a command that takes long, and its arguments
 * @fd: a file shared by parent and child, so that the results can be checked
 * @handle: prepared handle; zero: none
 * @words: mapping of the block that is filled
 */
struct job {
	int fd;
	__u64 handle;
	volatile __u64 *words;
};

enum { WORDS = (4096 << MEMALLOC_MAX_ORDER) / sizeof(__u64) };

static int prepare_nothing(struct job *job)
{
	(void)job;
	return 0;
}

static int prepare_a_block(struct job *job)
{
	job->words = device_alloc_mapped(job->fd, MEMALLOC_MAX_ORDER, &job->handle);
	return job->words == MAP_FAILED ? -errno : 0;
}

static int prepare_a_pool(struct job *job)
{
	return device_mempool_create(job->fd, MEMALLOC_MEMPOOL_KMALLOC, 100, 1, &job->handle);
}

static int prepare_a_cache(struct job *job)
{
	return device_cache_create(job->fd, "many", 1000, &job->handle);
}

static int make_a_large_area(struct job *job)
{
	struct memalloc_alloc alloc;

	return device_alloc_area(job->fd, 32 << 20, MEMALLOC_GFP_NOWARN, &alloc);
}

static int prepare_no_area(struct job *job)
{
	(void)job;
	return parameter_set("area_cache_mb", 0);
}

/*
 * The next area reuses it, and is zeroed then, unless it was zeroed when freed.
 */
static int prepare_a_kept_area(struct job *job)
{
	struct memalloc_alloc alloc;
	int err = parameter_set("area_cache_mb", 96);

	if (!err)
		err = device_alloc_area(job->fd, 32 << 20, MEMALLOC_GFP_NOWARN, &alloc);
	return err ?: device_free(job->fd, alloc.out_handle);
}

static int fill_a_lot(struct job *job)
{
	return device_pattern(job->fd, MEMALLOC_FILL, job->handle,
			      order_bytes(MEMALLOC_MAX_ORDER), MEMALLOC_PATTERN_REPEAT,
			      MEMALLOC_BATCH_MAX);
}

/* The last command fills as fill_a_lot() does. */
static int fill_in_a_batch(struct job *job)
{
	static struct memalloc_pattern_io fills[MEMALLOC_BATCH_MAX];
	static struct memalloc_batch_op ops[MEMALLOC_BATCH_MAX];
	struct memalloc_batch batch = {
		.size = sizeof(batch),
		.count = MEMALLOC_BATCH_MAX,
		.op_size = sizeof(ops[0]),
		.ops = address_of(ops),
	};
	unsigned int i;

	for (i = 0; i < MEMALLOC_BATCH_MAX; i++) {
		fills[i] = (struct memalloc_pattern_io) {
			.size = sizeof(fills[i]),
			.handle = job->handle,
			.length = order_bytes(MEMALLOC_MAX_ORDER),
			.pattern = MEMALLOC_PATTERN_REPEAT,
			.value = i + 1,
		};
		ops[i] = (struct memalloc_batch_op) {
			.cmd = MEMALLOC_FILL, .arg = address_of(&fills[i]),
		};
	}
	return device_ioctl(job->fd, MEMALLOC_BATCH, &batch);
}

static int make_a_large_pool(struct job *job)
{
	__u64 pool;

	return device_mempool_create(job->fd, MEMALLOC_MEMPOOL_KMALLOC, 100,
				     MEMALLOC_MEMPOOL_MAX, &pool);
}

static int make_many_objects(struct job *job)
{
	__u64 handle;

	return device_alloc_objects(job->fd, job->handle, MEMALLOC_COUNT_MAX, &handle);
}

static int enlarge_the_pool(struct job *job)
{
	return device_mempool_resize(job->fd, job->handle, MEMALLOC_MEMPOOL_MAX);
}

static bool block_is_begun(const struct job *job)
{
	return job->words[0];
}

static bool block_is_filled(const struct job *job)
{
	return job->words[WORDS - 1] == MEMALLOC_BATCH_MAX;
}

/* The allocation is charged before it is made, and stays so if it succeeds. */
static bool file_has_more(const struct job *job)
{
	struct memalloc_stats_file stats;

	return !device_file(job->fd, &stats) && stats.handles > !!job->handle;
}

static struct memalloc_stats_mempool pool_of(const struct job *job)
{
	struct memalloc_stats_mempool pool = {};
	struct memalloc_stats stats = {
		.size = sizeof(stats),
		.section = MEMALLOC_SECTION_MEMPOOL,
		.length = sizeof(pool),
		.data = address_of(&pool),
		.handle = job->handle,
	};

	device_ioctl(job->fd, MEMALLOC_STATS, &stats);
	return pool;
}

static bool pool_is_to_be_large(const struct job *job)
{
	return pool_of(job).min_nr == MEMALLOC_MEMPOOL_MAX;
}

static bool pool_is_large(const struct job *job)
{
	return pool_of(job).elements == MEMALLOC_MEMPOOL_MAX;
}

static int wait_for_an_element(struct job *job)
{
	__u64 pool, handle;
	int err = device_mempool_create(job->fd, MEMALLOC_MEMPOOL_PAGES, MEMALLOC_MAX_ORDER, 1,
					&pool);

	while (!err)
		err = device_alloc_element(job->fd, pool, MEMALLOC_GFP_NOWARN, 0, &handle);
	return err;
}

static int wait_for_a_block(struct job *job)
{
	struct memalloc_alloc alloc;
	int err = 0;

	while (!err)
		err = device_alloc_pages(job->fd, MEMALLOC_MAX_ORDER,
					 MEMALLOC_GFP_NOFAIL | MEMALLOC_GFP_NOWARN, &alloc);
	return err;
}

static int validate_all(struct job *job)
{
	return device_validate(job->fd);
}

static int shrink_all(struct job *job)
{
	return device_shrink(job->fd);
}

/*
 * Long commands. For those that end by themselves the table tells whether they
 * have begun, and whether they have completed. Only a signal ends "element" and
 * "nofail". The last two leave nothing to check.
 */
static const struct long_command {
	const char *name;
	int (*prepare)(struct job *job);
	int (*run)(struct job *job);
	bool (*is_begun)(const struct job *job);
	bool (*is_whole)(const struct job *job);
} long_commands[] = {
	{ "fill", prepare_a_block, fill_a_lot, block_is_begun, block_is_filled },
	{ "batch", prepare_a_block, fill_in_a_batch, block_is_begun, block_is_filled },
	{ "area", prepare_no_area, make_a_large_area, file_has_more, file_has_more },
	{ "kept area", prepare_a_kept_area, make_a_large_area, file_has_more, file_has_more },
	{ "pool", prepare_nothing, make_a_large_pool, file_has_more, file_has_more },
	{ "objects", prepare_a_cache, make_many_objects, file_has_more, file_has_more },
	{ "resize", prepare_a_pool, enlarge_the_pool, pool_is_to_be_large, pool_is_large },
	{ "element", prepare_nothing, wait_for_an_element, NULL, NULL },
	{ "nofail", prepare_nothing, wait_for_a_block, NULL, NULL },
	{ "validate", prepare_nothing, validate_all, NULL, NULL },
	{ "shrink", prepare_nothing, shrink_all, NULL, NULL },
};

static int job_open(const struct long_command *command, struct job *job)
{
	int err;

	*job = (struct job) { .fd = device_open() };
	err = job->fd < 0 ? job->fd : command->prepare(job);
	if (job->words == MAP_FAILED)
		job->words = NULL;
	return err;
}

static void job_close(struct job *job)
{
	if (job->words)
		munmap((void *)job->words, WORDS * sizeof(job->words[0]));
	close(job->fd);
}

FIXTURE(nuisance) {
	int watch;
	__u64 seed;
	char cap[PARAMETER_LENGTH];
	char area_cache[PARAMETER_LENGTH];
};

FIXTURE_SETUP(nuisance)
{
	ASSERT_EQ(0, parameter_read("cap_mb", self->cap));
	ASSERT_EQ(0, parameter_set("cap_mb", 48));
	ASSERT_EQ(0, parameter_read("area_cache_mb", self->area_cache));
	self->watch = device_open();
	ASSERT_LE(0, self->watch);
	SEED_PRINT(self->seed);
}

FIXTURE_TEARDOWN_PARENT(nuisance)
{
	if (self->area_cache[0])
		parameter_write("area_cache_mb", self->area_cache);
	if (self->cap[0])
		parameter_write("cap_mb", self->cap);
}

/*
 * Send a signal to the task that executes a command, as soon as it has begun.
 * Return: 1 if it did not complete, 0 if it did, or an error.
 */
static int cut_short(const struct long_command *command, int signal)
{
	struct job job;
	int status, whole, err = job_open(command, &job);
	bool ended = false;
	pid_t child;

	if (err)
		return err;
	child = fork();
	if (!child)
		_exit(!!command->run(&job));
	while (!ended && !command->is_begun(&job)) {
		ended = waitpid(child, &status, WNOHANG) == child;
		sched_yield();
	}
	if (!ended) {
		kill(child, signal);
		waitpid(child, &status, 0);
	}
	whole = command->is_whole(&job);
	job_close(&job);
	return WIFEXITED(status) && WEXITSTATUS(status) ? -EIO : !whole;
}

/*
 * Does the command line have init_on_free? A default of the kernel's
 * configuration cannot be determined.
 */
static bool is_cleared_when_freed(void)
{
	char line[4096] = "";
	FILE *options = fopen("/proc/cmdline", "re");

	if (options) {
		if (!fgets(line, sizeof(line), options))
			line[0] = '\0';
		fclose(options);
	}
	return strstr(line, "init_on_free=1");
}

/*
 * A task that ignores signals completes the command every time. Another task
 * may complete it before the signal arrives, but not every time.
 */
TEST_F(nuisance, is_stopped_by_a_signal_in_any_command)
{
	unsigned int i, tries;
	int cut;

	for (i = 0; i < ARRAY_SIZE(long_commands); i++) {
		if (!long_commands[i].is_begun ||
		    (long_commands[i].prepare == prepare_a_kept_area && is_cleared_when_freed()))
			continue;
		cut = cut_short(&long_commands[i], 0);
		EXPECT_EQ(0, cut);
		for (tries = 0; !cut && tries < 100; tries++)
			cut = cut_short(&long_commands[i], SIGKILL);
		EXPECT_EQ(1, cut) {
			TH_LOG("%s was never interrupted", long_commands[i].name);
		}
		TH_LOG("%s: %u tries", long_commands[i].name, tries);
	}
}

static void no_action(int signal)
{
	(void)signal;
}

/*
 * Repeat forever, in a process of its own; optionally with occasional signals.
 */
static void be_a_nuisance(const struct long_command *command, bool signals)
{
	const struct sigaction action = { .sa_handler = no_action };
	const struct itimerval timer = { { 0, 3000 }, { 0, 3000 } };
	struct job job;
	int err;

	sigaction(SIGALRM, &action, NULL);
	if (signals)
		setitimer(ITIMER_REAL, &timer, NULL);
	for (;;) {
		err = job_open(command, &job) ?: command->run(&job);
		if (err && err != -EINTR && err != -ENOMEM)
			_exit(1);
		job_close(&job);
	}
}

/* Killed at any point, it exits and leaves nothing behind. */
TEST_F(nuisance, leaves_nothing_when_it_is_killed)
{
	const unsigned int rounds = effort_of(6) + 1;
	const struct long_command *command;
	struct memalloc_stats_file before, after;
	unsigned int i, round;
	int status;
	pid_t child;

	ASSERT_EQ(0, device_file(self->watch, &before));
	for (i = 0; i < ARRAY_SIZE(long_commands); i++) {
		for (round = 0; round < rounds; round++) {
			command = &long_commands[i];
			child = fork();
			ASSERT_LE(0, child);
			if (!child)
				be_a_nuisance(command, round % 2);
			usleep(seed_below(&self->seed, 30000));
			kill(child, SIGKILL);
			ASSERT_EQ(child, waitpid(child, &status, 0));
			EXPECT_TRUE(WIFSIGNALED(status)) {
				TH_LOG("%s returned an unexpected error", command->name);
			}
		}
	}
	ASSERT_EQ(0, device_file(self->watch, &after));
	EXPECT_EQ(before.device_bytes, after.device_bytes);
	EXPECT_EQ(0, device_validate(self->watch));
}

enum { STAYING = 40, COMING = 300 };

static int make_pool_that_stays(int fd, unsigned int i)
{
	struct memalloc_mempool_create create = {
		.size = sizeof(create),
		.backend = MEMALLOC_MEMPOOL_KMALLOC,
		.bytes = 64,
		.min_nr = 1,
		.node = -1,
	};

	snprintf(create.name, sizeof(create.name), "stays%u", i);
	return device_ioctl(fd, MEMALLOC_MEMPOOL_CREATE, &create);
}

/*
 * Create enough areas to grow their table, and unmap them by emptying the
 * cache.
 */
static void come_and_go(void)
{
	struct memalloc_alloc alloc;
	unsigned int i;
	__u64 pool;
	int fd;

	for (;;) {
		fd = device_open();
		for (i = 0; i < COMING; i++) {
			device_alloc_area(fd, 4096, 0, &alloc);
			device_mempool_create(fd, MEMALLOC_MEMPOOL_KMALLOC, 64, 1, &pool);
		}
		close(fd);
		fd = device_open();
		device_shrink(fd);
		close(fd);
	}
}

/* Count how often areas of 101 pages and more, and named pools, are listed. */
static void count_listed(unsigned int areas[STAYING], unsigned int pools[STAYING],
			 bool *in_order)
{
	FILE *proc = fopen("/proc/memalloc", "re");
	unsigned int number, last = 0;
	unsigned long bytes;
	char line[512];
	const char *name;

	*in_order = true;
	while (proc && fgets(line, sizeof(line), proc)) {
		name = strstr(line, " u:stays");
		if (name && sscanf(name, " u:stays%u", &number) == 1 && number < STAYING) {
			*in_order &= number >= last;
			last = number;
			pools[number]++;
		} else if (strstr(line, " pages=1") && sscanf(line, "%lu", &bytes) == 1 &&
			   bytes / 4096 - 101 < STAYING) {
			areas[bytes / 4096 - 101]++;
		}
	}
	if (proc)
		fclose(proc);
}

/*
 * A reader does not block creation and destruction: the list changes meanwhile.
 */
TEST_F(nuisance, does_not_hide_permanent_entries)
{
	const unsigned int readings = effort_of(20);
	struct memalloc_alloc alloc;
	int fd = device_open();
	unsigned int i, reading;
	bool in_order;
	pid_t child;

	ASSERT_LE(0, fd);
	for (i = 0; i < STAYING; i++) {
		ASSERT_EQ(0, make_pool_that_stays(fd, i));
		ASSERT_EQ(0, device_alloc_area(fd, (101 + i) * 4096, 0, &alloc));
	}
	child = fork();
	ASSERT_LE(0, child);
	if (!child)
		come_and_go();
	for (reading = 0; reading < readings; reading++) {
		unsigned int areas[STAYING] = {}, pools[STAYING] = {};

		count_listed(areas, pools, &in_order);
		EXPECT_TRUE(in_order);
		for (i = 0; i < STAYING; i++) {
			EXPECT_EQ(1, areas[i]);
			EXPECT_EQ(1, pools[i]);
		}
	}
	kill(child, SIGKILL);
	EXPECT_EQ(child, waitpid(child, NULL, 0));
	close(fd);
}

/* Count the lines of memalloc in the kernel log since the last read. */
static unsigned int count_lines(int log)
{
	unsigned int count = 0;
	char line[4096];
	ssize_t got;

	for (;;) {
		got = read(log, line, sizeof(line) - 1);
		if (got < 0 && errno == EPIPE)
			continue; /* some records were overwritten */
		if (got <= 0)
			return count;
		line[got] = '\0';
		count += !!strstr(line, "memalloc: ");
	}
}

/*
 * Each kind of message has the kernel's usual rate limit, of ten lines in five
 * seconds, and a line with the number of suppressed messages.
 */
TEST_F(nuisance, does_not_fill_the_log_with_failures)
{
	enum { FAILURES = 500, SOURCES = 4, LINES = 11 };
	int log = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC), fd = device_open();
	const time_t begin = time(NULL);
	struct memalloc_alloc alloc;
	unsigned int i, refused = 0, lines, most;
	__u64 handle, cache;

	ASSERT_LE(0, log);
	ASSERT_LE(0, fd);
	ASSERT_LE(0, lseek(log, 0, SEEK_END));
	ASSERT_EQ(0, device_cache_create(fd, "refused", 1000, &cache));
	while (!device_alloc_pages(fd, 0, MEMALLOC_GFP_NOWARN, &alloc))
		;
	while (!device_alloc_percpu(fd, 32768, 0, &alloc))
		;
	for (i = 0; i < FAILURES; i++) {
		refused += device_alloc(fd, 0, &handle) == -ENOMEM;
		refused += device_alloc_objects(fd, cache, 100, &handle) == -ENOMEM;
		refused += device_alloc_area(fd, 1 << 20, 0, &alloc) == -ENOMEM;
		refused += device_alloc_percpu(fd, 32768, 0, &alloc) == -ENOMEM;
	}
	EXPECT_EQ(FAILURES * SOURCES, refused);
	lines = count_lines(log);
	most = SOURCES * LINES * (2 + (time(NULL) - begin) / 5);
	EXPECT_LE(SOURCES, lines);
	EXPECT_GE(most, lines);
	TH_LOG("%u failures, %u lines, at most %u", refused, lines, most);
	close(fd);
	close(log);
}

TEST_HARNESS_MAIN
