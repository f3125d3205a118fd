// SPDX-License-Identifier: GPL-2.0
/*
 * Users: the memory of all open files of a user is limited, and every handle is
 * charged
 */
#define _GNU_SOURCE
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include "harness.h"
#include "memalloc_device.h"
#include "module_parameter.h"
#include "nobody.h"

enum { ONE = 1000, OTHER = 1001, FILES = 40, LIMIT = 200 };

static const char *const parameters[] = {
	"quota_user_handles", "quota_user_mb",
};

enum { NR_PARAMETERS = sizeof(parameters) / sizeof(parameters[0]) };

FIXTURE(users) {
	char old[NR_PARAMETERS][PARAMETER_LENGTH];
	struct stat node;
	int fd;
};

FIXTURE_SETUP(users)
{
	unsigned int i;

	if (geteuid())
		SKIP(return, "only root can become another user");
	for (i = 0; i < NR_PARAMETERS; i++) {
		ASSERT_EQ(0, parameter_read(parameters[i], self->old[i]));
	}
	ASSERT_EQ(0, stat(DEVICE_PATH, &self->node));
	ASSERT_EQ(0, chmod(DEVICE_PATH, 0666));
	ASSERT_EQ(0, parameter_set("quota_user_handles", LIMIT));
	self->fd = device_open();
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN_PARENT(users)
{
	unsigned int i;

	for (i = 0; i < NR_PARAMETERS; i++)
		if (self->old[i][0])
			parameter_write(parameters[i], self->old[i]);
	if (self->node.st_mode)
		chmod(DEVICE_PATH, self->node.st_mode & 07777);
}

/* Return: number of allocations possible with one open file. */
static int take(int fd, unsigned int order)
{
	int count = 0;
	__u64 handle;

	while (count < 10 * LIMIT && !device_alloc(fd, order, &handle))
		count++;
	return count;
}

/* Use many files that are opened one after the other, and stay open. */
static int take_by_many(unsigned int order)
{
	int files, fd, count = 0;

	for (files = 0; files < FILES; files++) {
		fd = device_open();
		if (fd < 0)
			return -1;
		count += take(fd, order);
	}
	return count;
}

/* A user's process allocates all that it can, and holds it until killed. */
static int user_takes(unsigned int uid, unsigned int order, pid_t *child)
{
	int answer[2], count = -1;

	if (pipe(answer))
		return -1;
	*child = fork();
	if (!*child) {
		if (!become_user(uid))
			count = take_by_many(order);
		if (write(answer[1], &count, sizeof(count)) < 0)
			_exit(1);
		for (;;)
			pause();
	}
	if (read(answer[0], &count, sizeof(count)) != sizeof(count))
		count = -1;
	close(answer[0]);
	close(answer[1]);
	return count;
}

static void end(pid_t child)
{
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
}

TEST_F(users, have_one_quota_of_handles_for_all_files)
{
	pid_t one, other;

	EXPECT_EQ(LIMIT, user_takes(ONE, 0, &one));
	EXPECT_EQ(LIMIT, user_takes(OTHER, 0, &other));
	end(one);
	EXPECT_EQ(LIMIT, user_takes(ONE, 0, &one));
	end(one);
	end(other);
}

TEST_F(users, have_one_quota_of_bytes_for_all_files)
{
	enum { MIB = 4, ORDER = 4 };
	const int most = ((unsigned long)MIB << 20) / order_bytes(ORDER);
	pid_t one, other;

	ASSERT_EQ(0, parameter_set("quota_user_handles", 0));
	ASSERT_EQ(0, parameter_set("quota_user_mb", MIB));
	/* The handles themselves take a small part of it. */
	EXPECT_EQ(most - 1, user_takes(ONE, ORDER, &one));
	EXPECT_EQ(most - 1, user_takes(OTHER, ORDER, &other));
	end(one);
	EXPECT_EQ(most - 1, user_takes(ONE, ORDER, &one));
	end(one);
	end(other);
}

/* Closing files, and ending processes, releases all of it. */
TEST_F(users, get_it_back_when_files_are_closed)
{
	int round, fd;

	ASSERT_EQ(0, become_user(ONE));
	for (round = 0; round < 10; round++) {
		fd = device_open();
		ASSERT_LE(0, fd);
		EXPECT_EQ(LIMIT, take(fd, 0));
		ASSERT_EQ(0, close(fd));
	}
}

/* The real user that opens the file is charged, regardless of later users. */
TEST_F(users, are_charged_for_their_files)
{
	int ones, others;

	ASSERT_EQ(0, drop_capability(CAP_SYS_RESOURCE));
	ASSERT_EQ(0, setresuid(ONE, 0, 0));
	ones = device_open();
	ASSERT_LE(0, ones);
	ASSERT_EQ(0, setresuid(OTHER, OTHER, OTHER));
	others = device_open();
	ASSERT_LE(0, others);
	EXPECT_EQ(LIMIT, take(ones, 0));
	EXPECT_EQ(LIMIT, take(others, 0));
}

TEST_F(users, with_the_capability_are_counted_and_not_refused)
{
	struct memalloc_stats_file file;

	EXPECT_EQ(0, device_file(self->fd, &file));
	EXPECT_EQ(UINT64_MAX, file.user_handles_limit);
	EXPECT_EQ(2 * LIMIT, take_by_many(0) > 2 * LIMIT ? 2 * LIMIT : 0);
	EXPECT_EQ(0, device_file(self->fd, &file));
	EXPECT_LT(2 * LIMIT, file.user_handles);
	EXPECT_LE(file.user_handles * page_size(), file.user_bytes);
}

TEST_F(users, without_the_capability_are_refused_even_as_root)
{
	ASSERT_EQ(0, drop_capability(CAP_SYS_RESOURCE));
	EXPECT_EQ(LIMIT, take_by_many(0));
}

TEST_F(users, see_their_limits)
{
	struct memalloc_stats_file file;
	__u64 handle;
	int fd;

	ASSERT_EQ(0, parameter_set("quota_user_mb", 3));
	ASSERT_EQ(0, become_user(ONE));
	fd = device_open();
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, device_alloc(fd, 0, &handle));
	ASSERT_EQ(0, device_file(fd, &file));
	EXPECT_EQ(1, file.user_handles);
	EXPECT_EQ(LIMIT, file.user_handles_limit);
	EXPECT_EQ(3 << 20, file.user_bytes_limit);
	EXPECT_LT(0, file.described_bytes);
	EXPECT_EQ(file.bytes + file.described_bytes, file.user_bytes);
	ASSERT_EQ(0, device_free(fd, handle));
	ASSERT_EQ(0, device_file(fd, &file));
	EXPECT_EQ(0, file.user_handles);
	EXPECT_EQ(0, file.user_bytes);
	EXPECT_EQ(0, file.described_bytes);
}

/* In a namespace with many users of its own, as each of them. */
static int namespace_takes(unsigned int owner)
{
	int ready[2], mapped[2], answer[2], count = 0, part;
	unsigned int uid;
	char path[64], byte;
	pid_t child, inner;

	if (pipe(ready) || pipe(mapped) || pipe(answer))
		return -1;
	child = fork();
	if (!child) {
		/* This process is killed at the end. */
		setpgid(0, 0);
		if (setresuid(owner, owner, owner) || unshare(CLONE_NEWUSER))
			_exit(1);
		if (write(ready[1], "", 1) < 0 || read(mapped[0], &byte, 1) < 0)
			_exit(1);
		for (uid = 1; uid < 4; uid++) {
			inner = fork();
			if (!inner) {
				part = setresuid(uid, uid, uid) ? -1 : take_by_many(0);
				if (write(answer[1], &part, sizeof(part)) < 0)
					_exit(1);
				for (;;)
					pause();
			}
			if (read(answer[0], &part, sizeof(part)) != sizeof(part))
				_exit(1);
			count += part;
		}
		if (write(answer[1], &count, sizeof(count)) < 0)
			_exit(1);
		kill(0, SIGKILL);
	}
	close(ready[1]);
	if (read(ready[0], &byte, 1) != 1)
		return -1; /* namespaces are not supported */
	snprintf(path, sizeof(path), "/proc/%d/uid_map", child);
	if (line_write(path, "0 100000 10"))
		return -1;
	if (write(mapped[1], "", 1) < 0)
		return -1;
	waitpid(child, NULL, 0);
	return read(answer[0], &count, sizeof(count)) == sizeof(count) ? count : -1;
}

TEST_F(users, gain_nothing_from_a_user_namespace)
{
	int count;

	if (access("/proc/self/ns/user", F_OK))
		SKIP(return, "this kernel has no user namespaces");
	count = namespace_takes(ONE);
	EXPECT_EQ(LIMIT, count);
}

/* --- handles without bytes ----------------------------------------------- */

enum { HANDLE_BYTES = 100 /* less than the size of a handle on any machine */ };

FIXTURE(handles) {
	char handles[PARAMETER_LENGTH];
	char bytes[PARAMETER_LENGTH];
	int fd;
};

FIXTURE_SETUP(handles)
{
	ASSERT_EQ(0, parameter_read("quota_handles", self->handles));
	ASSERT_EQ(0, parameter_read("quota_file_mb", self->bytes));
	self->fd = device_open();
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN_PARENT(handles)
{
	if (self->bytes[0]) {
		parameter_write("quota_handles", self->handles);
		parameter_write("quota_file_mb", self->bytes);
	}
}

static int take_nothings(int fd, int most)
{
	int count = 0;
	__u64 handle;

	while (count < most && !device_kmalloc(fd, 0, &handle))
		count++;
	return count;
}

TEST_F(handles, without_bytes_count_for_the_quota)
{
	const int most = (1 << 20) / HANDLE_BYTES;
	struct memalloc_stats_file file;

	ASSERT_EQ(0, parameter_set("quota_handles", 0));
	ASSERT_EQ(0, parameter_set("quota_file_mb", 1));
	EXPECT_GT(most, take_nothings(self->fd, 2 * most));
	ASSERT_EQ(0, device_file(self->fd, &file));
	EXPECT_EQ(0, file.bytes);
	EXPECT_GE(1 << 20, file.described_bytes);
	EXPECT_EQ(0, device_validate(self->fd));
}

enum { PINNED_PIPES = 40, PINNED_PAGES = 16 };

/*
 * Pin 64 KiB in a pipe, free it, and repeat this until it is refused. Returns
 * the number of times, or -1.
 */
static int pin_and_free(int fd, __u32 kind, int pipes[][2])
{
	struct memalloc_alloc alloc;
	struct iovec piece;
	int count, err;

	for (count = 0; count < PINNED_PIPES; count++) {
		alloc = (struct memalloc_alloc) {
			.size = sizeof(alloc),
			.kind = kind,
			.node = -1,
			.order = kind == MEMALLOC_KIND_PAGES ? 4 : 0,
			.bytes = kind == MEMALLOC_KIND_AREA ? PINNED_PAGES * page_size() : 0,
		};
		err = device_ioctl(fd, MEMALLOC_ALLOC, &alloc);
		if (err)
			return err == -EDQUOT ? count : -1;
		piece.iov_len = alloc.out_bytes;
		piece.iov_base = device_map(fd, alloc.out_map_offset, piece.iov_len);
		if (piece.iov_base == MAP_FAILED || pipe(pipes[count]) ||
		    vmsplice(pipes[count][1], &piece, 1, 0) != (ssize_t)piece.iov_len ||
		    munmap(piece.iov_base, piece.iov_len) ||
		    device_free(fd, alloc.out_handle))
			return -1;
	}
	return count;
}

/*
 * Wait until no pinned page is charged to the user: the module looks for pages
 * that are no longer pinned once a second. Returns false after ten seconds.
 */
static bool pinned_pages_are_uncharged(int fd)
{
	struct memalloc_stats_file file;
	int tries;

	for (tries = 0; tries < 100; tries++) {
		if (device_file(fd, &file))
			return false;
		if (file.user_bytes == file.bytes + file.described_bytes)
			return true;
		usleep(100000);
	}
	return false;
}

/* Returns zero, or a number that identifies the failure. */
static int pinned_counts(__u32 kind)
{
	int pipes[PINNED_PIPES][2], count, i, fd;
	struct memalloc_stats_file file;
	__u64 handle;

	if (become_user(ONE))
		return 1;
	fd = device_open();
	count = pin_and_free(fd, kind, pipes);
	printf("# %d pipes with %d pages each\n", count, PINNED_PAGES);
	fflush(stdout);
	/* The quota of 1 MiB has room for 15, and for the handles. */
	if (count < 1 || count > (int)((1 << 20) / (PINNED_PAGES * page_size())))
		return 2;
	if (device_file(fd, &file) || file.bytes ||
	    file.user_bytes < count * PINNED_PAGES * page_size())
		return 3;
	/* It does not help to close the file. */
	close(fd);
	fd = device_open();
	if (device_alloc(fd, 4, &handle) != -EDQUOT)
		return 4;
	for (i = 0; i < count; i++) {
		close(pipes[i][0]);
		close(pipes[i][1]);
	}
	if (device_alloc(fd, 4, &handle))
		return 5;
	/* A sweep that ran meanwhile may have missed the last pages. */
	if (!pinned_pages_are_uncharged(fd))
		return 6;
	return 0;
}

static int pinned_by_child(__u32 kind)
{
	int status;
	pid_t child = fork();

	if (!child)
		_exit(pinned_counts(kind));
	if (waitpid(child, &status, 0) != child || !WIFEXITED(status))
		return -1;
	return WEXITSTATUS(status);
}

TEST_F(users, limit_includes_pinned_pages)
{
	ASSERT_EQ(0, parameter_set("quota_user_mb", 1));
	EXPECT_EQ(0, pinned_by_child(MEMALLOC_KIND_PAGES));
	EXPECT_EQ(0, device_validate(self->fd));
}

TEST_F(users, limit_includes_pinned_areas)
{
	ASSERT_EQ(0, parameter_set("quota_user_mb", 1));
	EXPECT_EQ(0, pinned_by_child(MEMALLOC_KIND_AREA));
	EXPECT_EQ(0, device_validate(self->fd));
}

TEST_HARNESS_MAIN
