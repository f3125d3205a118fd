// SPDX-License-Identifier: GPL-2.0
/*
 * Lifetime of memory, handles and the module
 *
 * A handle lives as long as its open file, regardless of the holder of the
 * file; the memory as long as the handle or a mapping; the module as long as
 * any of them. A second open file, the observer, detects when memory is really
 * freed.
 */
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "effort.h"
#include "harness.h"
#include "memalloc_device.h"
#include "module_parameter.h"
#include "seed.h"

enum { ORDER = 2, WORD = 1000 };

/* Bytes held by all open files. */
static __u64 held_bytes(int observer)
{
	struct memalloc_stats_file stats;

	return device_file(observer, &stats) ? UINT64_MAX : stats.device_bytes;
}

/*
 * All borrowed pages are free, and are returned to the host except for the
 * reserve.
 */
static bool all_goes_back(int observer)
{
	struct memalloc_stats_borrowing stats;

	return !device_validate(observer) && !device_shrink(observer) &&
	       !device_borrowing(observer, &stats) &&
	       stats.borrowed == stats.reserve && !stats.quarantined &&
	       stats.borrowed_total - stats.returned_total == stats.borrowed;
}

/* Does the memory have the pattern of device_fill()? */
static bool memory_has_words(const volatile __u64 *memory, size_t bytes, __u64 word)
{
	size_t i;

	for (i = 0; i < bytes / sizeof(*memory); i++)
		if (memory[i] != word + i)
			return false;
	return true;
}

/* Allocate and overwrite memory, so that a use of freed memory is detected. */
static int stir(int fd)
{
	__u64 handles[64];
	size_t i;
	int err;

	for (i = 0; i < ARRAY_SIZE(handles); i++) {
		err = device_alloc(fd, i % 4, &handles[i]);
		if (!err)
			err = device_fill(fd, handles[i], order_bytes(i % 4), ~0ULL - i);
		if (err)
			return err;
	}
	for (i = 0; i < ARRAY_SIZE(handles); i++) {
		err = device_free(fd, handles[i]);
		if (err)
			return err;
	}
	return 0;
}

/* Return: exit status of a child, or minus the signal that ended it. */
static int wait_for(pid_t child)
{
	int status;

	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return -ECHILD;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

/* Wait for a byte from the other side. Return: false if it is gone. */
static bool pipe_wait(int fd)
{
	char byte;

	return read(fd, &byte, 1) == 1;
}

static void pipe_tell(int fd)
{
	if (write(fd, "", 1) != 1)
		abort();
}

FIXTURE(object) {
	int observer;
	int fd;
	__u64 handle;
	__u64 bytes;
	__u64 offset;
};

FIXTURE_SETUP(object)
{
	struct memalloc_alloc alloc;

	self->observer = device_open();
	ASSERT_LE(0, self->observer);
	ASSERT_EQ(0, held_bytes(self->observer));
	self->fd = device_open();
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, device_alloc_pages(self->fd, ORDER, MEMALLOC_GFP_USER, &alloc));
	self->handle = alloc.out_handle;
	self->bytes = alloc.out_bytes;
	self->offset = alloc.out_map_offset;
	ASSERT_EQ(0, device_fill(self->fd, self->handle, self->bytes, WORD));
}

FIXTURE_TEARDOWN(object)
{
	close(self->fd);
	close(self->observer);
}

/* --- the open file keeps the handle -------------------------------------- */

TEST_F(object, goes_when_it_is_freed)
{
	EXPECT_EQ(self->bytes, held_bytes(self->observer));
	ASSERT_EQ(0, device_free(self->fd, self->handle));
	EXPECT_EQ(0, held_bytes(self->observer));
	EXPECT_TRUE(all_goes_back(self->observer));
}

TEST_F(object, goes_when_its_file_is_closed)
{
	__u64 more;
	int i;

	for (i = 0; i < 100; i++) {
		ASSERT_EQ(0, device_alloc(self->fd, i % 5, &more));
	}
	ASSERT_EQ(0, close(self->fd));
	EXPECT_EQ(0, held_bytes(self->observer));
	EXPECT_TRUE(all_goes_back(self->observer));
}

/* Ways to duplicate an open file; each closes the first descriptor. */
static int share_by_dup(int fd)
{
	int other = dup(fd);

	close(fd);
	return other < 0 ? -errno : other;
}

/* In the meantime there is no descriptor: the message holds the file. */
static int share_by_message(int fd)
{
	char byte = 0, control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec iov = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr message = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *head;
	int ends[2], other;

	if (socketpair(AF_UNIX, SOCK_DGRAM, 0, ends))
		return -errno;
	head = CMSG_FIRSTHDR(&message);
	head->cmsg_level = SOL_SOCKET;
	head->cmsg_type = SCM_RIGHTS;
	head->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(head), &fd, sizeof(int));
	if (sendmsg(ends[0], &message, 0) != 1)
		return -errno;
	close(fd);
	if (recvmsg(ends[1], &message, 0) != 1)
		return -errno;
	head = CMSG_FIRSTHDR(&message);
	if (!head)
		return -ENOMSG;
	memcpy(&other, CMSG_DATA(head), sizeof(int));
	close(ends[0]);
	close(ends[1]);
	return other;
}

/*
 * For a while only a child has the file; it is killed after it was passed back.
 */
static int share_by_child(int fd)
{
	int pidfd, other = -ESRCH, tell[2];
	pid_t child;

	if (pipe(tell))
		return -errno;
	child = fork();
	if (!child) {
		pipe_tell(tell[1]);
		for (;;)
			pause();
	}
	if (!pipe_wait(tell[0]))
		return -ECHILD;
	close(tell[0]);
	close(tell[1]);
	close(fd);
	pidfd = syscall(SYS_pidfd_open, child, 0);
	if (pidfd >= 0)
		other = syscall(SYS_pidfd_getfd, pidfd, fd, 0);
	if (other < 0)
		other = -errno;
	close(pidfd);
	kill(child, SIGKILL);
	wait_for(child);
	return other;
}

FIXTURE(sharing) {
	int observer;
	int fd;
	__u64 handle;
};

FIXTURE_VARIANT(sharing) {
	int (*share)(int fd);
};

FIXTURE_VARIANT_ADD(sharing, dup) { .share = share_by_dup };
FIXTURE_VARIANT_ADD(sharing, message) { .share = share_by_message };
FIXTURE_VARIANT_ADD(sharing, child) { .share = share_by_child };

FIXTURE_SETUP(sharing)
{
	self->observer = device_open();
	ASSERT_LE(0, self->observer);
	ASSERT_EQ(0, held_bytes(self->observer));
	self->fd = device_open();
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, device_alloc(self->fd, ORDER, &self->handle));
	ASSERT_EQ(0, device_fill(self->fd, self->handle, order_bytes(ORDER), WORD));
}

FIXTURE_TEARDOWN(sharing)
{
	close(self->observer);
}

TEST_F(sharing, keeps_the_handle_until_the_last_close)
{
	int other = variant->share(self->fd);

	if (other == -EAFNOSUPPORT || other == -ENOSYS)
		SKIP(return, "not supported by this kernel: %s", strerror(-other));
	ASSERT_LE(0, other);
	EXPECT_EQ(order_bytes(ORDER), held_bytes(self->observer));
	EXPECT_EQ(0, device_verify(other, self->handle, order_bytes(ORDER), WORD));
	EXPECT_EQ(0, stir(self->observer));
	EXPECT_EQ(0, device_verify(other, self->handle, order_bytes(ORDER), WORD));
	ASSERT_EQ(0, close(other));
	EXPECT_EQ(0, held_bytes(self->observer));
	EXPECT_TRUE(all_goes_back(self->observer));
}

TEST_F(object, outlives_its_maker_in_a_child)
{
	int go[2], status;
	pid_t child;

	ASSERT_EQ(0, pipe(go));
	child = fork();
	ASSERT_LE(0, child);
	if (!child) {
		close(go[1]);
		pipe_wait(go[0]);	/* until the parent has closed its file */
		_exit(held_bytes(self->observer) != self->bytes ||
		      device_verify(self->fd, self->handle, self->bytes, WORD) ||
		      device_free(self->fd, self->handle));
	}
	ASSERT_EQ(0, close(self->fd));
	pipe_tell(go[1]);
	status = wait_for(child);
	EXPECT_EQ(0, status);
	EXPECT_EQ(0, held_bytes(self->observer));
}

/* The parent sees a child's changes to a shared file. */
TEST_F(object, is_the_same_for_parent_and_child)
{
	pid_t child = fork();

	ASSERT_LE(0, child);
	if (!child)
		_exit(device_free(self->fd, self->handle) != 0);
	EXPECT_EQ(0, wait_for(child));
	EXPECT_EQ(-ENOENT, device_free(self->fd, self->handle));
	EXPECT_EQ(0, held_bytes(self->observer));
}

/* --- kill -9 ------------------------------------------------------------- */

static void hold_map_and_work(int ready, __u64 seed)
{
	int fd = device_open(), count = 0;
	__u64 handles[16] = { 0 };
	unsigned char *mapping;
	size_t i;

	for (;;) {
		i = seed_below(&seed, ARRAY_SIZE(handles));
		if (handles[i])
			device_free(fd, handles[i]);
		mapping = device_alloc_mapped(fd, i % 5, &handles[i]);
		if (mapping == MAP_FAILED)
			_exit(1);
		mapping[0] = mapping[order_bytes(i % 5) - 1] = 1;
		if (seed_below(&seed, 2))
			munmap(mapping, order_bytes(i % 5));
		if (++count == 8)
			pipe_tell(ready);
		if (count > 1000000)
			_exit(2);
	}
}

TEST_F(object, goes_with_processes_that_are_killed)
{
	enum { TOGETHER = 4 };
	const unsigned int rounds = effort_of(40);
	pid_t children[TOGETHER];
	unsigned int round;
	int ready[2], i;
	__u64 seed;

	SEED_PRINT(seed);
	ASSERT_EQ(0, pipe(ready));
	for (round = 0; round < rounds; round++) {
		for (i = 0; i < TOGETHER; i++) {
			__u64 own = seed_next(&seed);

			children[i] = fork();
			ASSERT_LE(0, children[i]);
			if (!children[i])
				hold_map_and_work(ready[1], own);
		}
		for (i = 0; i < TOGETHER; i++) {
			ASSERT_TRUE(pipe_wait(ready[0]));
		}
		for (i = 0; i < TOGETHER; i++) {
			ASSERT_EQ(0, kill(children[i], SIGKILL));
		}
		for (i = 0; i < TOGETHER; i++) {
			ASSERT_EQ(-SIGKILL, wait_for(children[i]));
		}
		ASSERT_EQ(self->bytes, held_bytes(self->observer));
	}
	ASSERT_EQ(0, device_free(self->fd, self->handle));
	EXPECT_TRUE(all_goes_back(self->observer));
}

/* --- a mapping keeps the memory ------------------------------------------ */

TEST_F(object, cannot_be_mapped_after_it_was_freed)
{
	ASSERT_EQ(0, device_free(self->fd, self->handle));
	ASSERT_EQ(MAP_FAILED, device_map(self->fd, self->offset, self->bytes));
	EXPECT_EQ(ENOENT, errno);
}

TEST_F(object, lives_in_a_mapping_after_it_was_freed)
{
	struct memalloc_stats_file stats;
	__u64 *mapping = device_map(self->fd, self->offset, self->bytes);

	ASSERT_NE(MAP_FAILED, (void *)mapping);
	ASSERT_EQ(0, device_free(self->fd, self->handle));
	EXPECT_EQ(-ENOENT, device_free(self->fd, self->handle));
	ASSERT_EQ(0, device_file(self->fd, &stats));
	EXPECT_EQ(0, stats.handles);
	EXPECT_EQ(self->bytes, stats.bytes);
	EXPECT_EQ(self->bytes, stats.device_bytes);

	EXPECT_EQ(0, stir(self->observer));
	EXPECT_TRUE(memory_has_words(mapping, self->bytes, WORD));
	mapping[0] = 17;
	EXPECT_EQ(17, *(volatile __u64 *)mapping);

	ASSERT_EQ(0, munmap(mapping, self->bytes));
	ASSERT_EQ(0, device_file(self->fd, &stats));
	EXPECT_EQ(0, stats.bytes);
	EXPECT_TRUE(all_goes_back(self->observer));
}

/* No page of it is faulted in before the file is closed. */
TEST_F(object, lives_in_a_mapping_after_its_file_was_closed)
{
	__u64 *mapping = device_map(self->fd, self->offset, self->bytes);

	ASSERT_NE(MAP_FAILED, (void *)mapping);
	ASSERT_EQ(0, close(self->fd));
	EXPECT_EQ(self->bytes, held_bytes(self->observer));
	EXPECT_EQ(0, stir(self->observer));
	EXPECT_TRUE(memory_has_words(mapping, self->bytes, WORD));
	ASSERT_EQ(0, munmap(mapping, self->bytes));
	EXPECT_EQ(0, held_bytes(self->observer));
	EXPECT_TRUE(all_goes_back(self->observer));
}

/* The file lives as long as the mapping, and so do its other handles. */
TEST_F(object, of_a_closed_file_goes_with_the_last_mapping)
{
	__u64 other;
	void *mapping = device_map(self->fd, self->offset, self->bytes);

	ASSERT_NE(MAP_FAILED, mapping);
	ASSERT_EQ(0, device_alloc(self->fd, 0, &other));
	ASSERT_EQ(0, close(self->fd));
	ASSERT_EQ(0, munmap(mapping, self->bytes));
	EXPECT_EQ(0, held_bytes(self->observer));
}

TEST_F(object, lives_in_a_child_that_maps_it)
{
	__u64 *mapping = device_map(self->fd, self->offset, self->bytes);
	int go[2], status;
	pid_t child;

	ASSERT_NE(MAP_FAILED, (void *)mapping);
	ASSERT_EQ(0, pipe(go));
	child = fork();
	ASSERT_LE(0, child);
	if (!child) {
		close(self->fd);
		close(go[1]);
		pipe_wait(go[0]);
		_exit(!memory_has_words(mapping, self->bytes, WORD));
	}
	ASSERT_EQ(0, munmap(mapping, self->bytes));
	ASSERT_EQ(0, device_free(self->fd, self->handle));
	ASSERT_EQ(0, close(self->fd));
	EXPECT_EQ(0, stir(self->observer));
	EXPECT_EQ(self->bytes, held_bytes(self->observer));
	pipe_tell(go[1]);
	status = wait_for(child);
	EXPECT_EQ(0, status);
	EXPECT_EQ(0, held_bytes(self->observer));
}

TEST_F(object, keeps_its_contents_when_a_mapping_is_thrown_away)
{
	__u64 *mapping = device_map(self->fd, self->offset, self->bytes);

	ASSERT_NE(MAP_FAILED, (void *)mapping);
	ASSERT_TRUE(memory_has_words(mapping, self->bytes, WORD));
	ASSERT_EQ(0, madvise(mapping, self->bytes, MADV_DONTNEED));
	EXPECT_TRUE(memory_has_words(mapping, self->bytes, WORD));
}

TEST_F(object, is_the_same_memory_in_every_mapping)
{
	volatile __u64 *first = device_map(self->fd, self->offset, self->bytes);
	volatile __u64 *second = device_map(self->fd, self->offset, self->bytes);
	volatile __u64 *last = device_map(self->fd, self->offset + self->bytes -
					  page_size(), page_size());
	const size_t words = self->bytes / sizeof(*first);
	__u64 word;

	ASSERT_NE(MAP_FAILED, (void *)first);
	ASSERT_NE(MAP_FAILED, (void *)second);
	ASSERT_NE(MAP_FAILED, (void *)last);
	first[words - 1] = 42;
	EXPECT_EQ(42, second[words - 1]);
	EXPECT_EQ(42, last[page_size() / sizeof(*last) - 1]);
	ASSERT_EQ(0, device_read(self->fd, self->handle, self->bytes - sizeof(word),
				 &word, sizeof(word)));
	EXPECT_EQ(42, word);
	word = 43;
	ASSERT_EQ(0, device_write(self->fd, self->handle, self->bytes - sizeof(word),
				  &word, sizeof(word)));
	EXPECT_EQ(43, first[words - 1]);
}

/* --- counting mappings --------------------------------------------------- */

TEST_F(object, counts_areas_that_are_made_and_removed)
{
	void *first, *second;

	EXPECT_EQ(0, device_mappings(self->fd, self->handle));
	first = device_map(self->fd, self->offset, self->bytes);
	ASSERT_NE(MAP_FAILED, first);
	EXPECT_EQ(1, device_mappings(self->fd, self->handle));
	second = device_map(self->fd, self->offset + page_size(), page_size());
	ASSERT_NE(MAP_FAILED, second);
	EXPECT_EQ(2, device_mappings(self->fd, self->handle));
	ASSERT_EQ(0, munmap(first, self->bytes));
	EXPECT_EQ(1, device_mappings(self->fd, self->handle));
	ASSERT_EQ(0, munmap(second, page_size()));
	EXPECT_EQ(0, device_mappings(self->fd, self->handle));
}

TEST_F(object, counts_areas_that_are_cut)
{
	const size_t page = page_size();
	unsigned char *mapping = device_map(self->fd, self->offset, self->bytes);

	ASSERT_NE(MAP_FAILED, (void *)mapping);
	ASSERT_EQ(0, munmap(mapping + page, page));
	EXPECT_EQ(2, device_mappings(self->fd, self->handle));
	ASSERT_EQ(0, mprotect(mapping + 2 * page, page, PROT_READ));
	EXPECT_EQ(3, device_mappings(self->fd, self->handle));
	ASSERT_EQ(0, munmap(mapping, page));
	EXPECT_EQ(2, device_mappings(self->fd, self->handle));
	EXPECT_TRUE(memory_has_words((void *)(mapping + 3 * page), page,
				     WORD + 3 * page / sizeof(__u64)));
	ASSERT_EQ(0, munmap(mapping, self->bytes));
	EXPECT_EQ(0, device_mappings(self->fd, self->handle));
}

TEST_F(object, counts_areas_that_are_moved)
{
	const size_t page = page_size();
	unsigned char *place = mmap(NULL, 4 * self->bytes, PROT_NONE,
				    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	unsigned char *mapping = device_map(self->fd, self->offset, self->bytes);

	ASSERT_NE(MAP_FAILED, (void *)place);
	ASSERT_NE(MAP_FAILED, (void *)mapping);
	ASSERT_EQ((void *)place, mremap(mapping, self->bytes, self->bytes,
					MREMAP_MAYMOVE | MREMAP_FIXED, place));
	EXPECT_EQ(1, device_mappings(self->fd, self->handle));
	EXPECT_TRUE(memory_has_words((void *)place, self->bytes, WORD));

	/* Moving the middle part makes three areas of one. */
	ASSERT_EQ((void *)(place + 2 * self->bytes),
		  mremap(place + page, page, page, MREMAP_MAYMOVE | MREMAP_FIXED,
			 place + 2 * self->bytes));
	EXPECT_EQ(3, device_mappings(self->fd, self->handle));
	EXPECT_TRUE(memory_has_words((void *)(place + 2 * self->bytes), page,
				     WORD + page / sizeof(__u64)));
	ASSERT_EQ(0, munmap(place, 4 * self->bytes));
	EXPECT_EQ(0, device_mappings(self->fd, self->handle));
}

TEST_F(object, cannot_be_grown_into_by_a_mapping)
{
	void *mapping = device_map(self->fd, self->offset, page_size());

	ASSERT_NE(MAP_FAILED, mapping);
	EXPECT_EQ(MAP_FAILED, mremap(mapping, page_size(), self->bytes,
				     MREMAP_MAYMOVE));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(MAP_FAILED, mremap(mapping, page_size(), 64 * self->bytes,
				     MREMAP_MAYMOVE));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(1, device_mappings(self->fd, self->handle));
	EXPECT_TRUE(memory_has_words(mapping, page_size(), WORD));
}

TEST_F(object, counts_areas_of_children)
{
	void *mapping = device_map(self->fd, self->offset, self->bytes);
	int ready[2], go[2], i;
	pid_t child[3];

	ASSERT_NE(MAP_FAILED, mapping);
	ASSERT_EQ(0, pipe(ready));
	ASSERT_EQ(0, pipe(go));
	for (i = 0; i < 3; i++) {
		child[i] = fork();
		ASSERT_LE(0, child[i]);
		if (!child[i]) {
			pipe_tell(ready[1]);
			pipe_wait(go[0]);
			_exit(0);
		}
		ASSERT_TRUE(pipe_wait(ready[0]));
		EXPECT_EQ(2 + i, device_mappings(self->fd, self->handle));
	}
	ASSERT_EQ(0, munmap(mapping, self->bytes));
	EXPECT_EQ(3, device_mappings(self->fd, self->handle));
	for (i = 0; i < 3; i++) {
		pipe_tell(go[1]);
	}
	for (i = 0; i < 3; i++) {
		EXPECT_EQ(0, wait_for(child[i]));
	}
	EXPECT_EQ(0, device_mappings(self->fd, self->handle));
}

/* --- what cannot be mapped ----------------------------------------------- */

TEST_F(object, cannot_be_mapped_privately)
{
	EXPECT_EQ(MAP_FAILED, mmap(NULL, self->bytes, PROT_READ, MAP_PRIVATE,
				   self->fd, self->offset));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(MAP_FAILED, mmap(NULL, self->bytes, PROT_READ | PROT_WRITE,
				   MAP_PRIVATE, self->fd, self->offset));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(0, device_mappings(self->fd, self->handle));
}

/* Nor into its neighbours: there is one on each side. */
TEST_F(object, cannot_be_mapped_beyond_its_ends)
{
	const size_t page = page_size(), bytes = self->bytes;
	struct memalloc_info info;
	__u64 others[16];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(others); i++) {
		ASSERT_EQ(0, device_alloc(self->fd, ORDER, &others[i]));
	}
	ASSERT_EQ(0, device_info(self->fd, others[8], 0, 0, &info));
	EXPECT_EQ(MAP_FAILED, device_map(self->fd, info.out_map_offset, bytes + 1));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(MAP_FAILED, device_map(self->fd, info.out_map_offset + page, bytes));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(MAP_FAILED, device_map(self->fd, info.out_map_offset - page, bytes));
	EXPECT_TRUE(errno == EINVAL || errno == ENOENT);
	EXPECT_EQ(MAP_FAILED, device_map(self->fd, info.out_map_offset, 64 * bytes));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(MAP_FAILED, device_map(self->fd, info.out_map_offset + bytes - page,
					 2 * page));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(0, device_mappings(self->fd, others[8]));
	EXPECT_NE(MAP_FAILED, device_map(self->fd, info.out_map_offset + bytes - page,
					 page));
}

/*
 * Two objects adjacent in the file and in memory have separate VMAs: each keeps
 * its own object, regardless of operations on its neighbour.
 */
TEST_F(object, is_not_merged_with_its_neighbour)
{
	const size_t bytes = self->bytes;
	struct memalloc_alloc next;
	unsigned char *place;

	do {
		ASSERT_EQ(0, device_alloc_pages(self->fd, ORDER, MEMALLOC_GFP_USER,
						&next));
	} while (next.out_map_offset < self->offset);
	if (next.out_map_offset != self->offset + bytes)
		SKIP(return, "no two objects are adjacent");
	ASSERT_EQ(0, device_fill(self->fd, next.out_handle, bytes, 7 * WORD));
	place = mmap(NULL, 2 * bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, (void *)place);
	ASSERT_EQ((void *)place, mmap(place, bytes, PROT_READ, MAP_SHARED | MAP_FIXED,
				      self->fd, self->offset));
	ASSERT_EQ((void *)(place + bytes),
		  mmap(place + bytes, bytes, PROT_READ, MAP_SHARED | MAP_FIXED,
		       self->fd, next.out_map_offset));
	EXPECT_EQ(1, device_mappings(self->fd, self->handle));
	EXPECT_EQ(1, device_mappings(self->fd, next.out_handle));
	ASSERT_EQ(0, mprotect(place, 2 * bytes, PROT_READ | PROT_WRITE));
	EXPECT_EQ(1, device_mappings(self->fd, self->handle));
	EXPECT_EQ(1, device_mappings(self->fd, next.out_handle));
	ASSERT_EQ(0, device_free(self->fd, self->handle));
	ASSERT_EQ(0, munmap(place, bytes));
	EXPECT_EQ(0, stir(self->observer));
	EXPECT_TRUE(memory_has_words((void *)(place + bytes), bytes, 7 * WORD));
	ASSERT_EQ(0, munmap(place + bytes, bytes));
	EXPECT_EQ(0, device_mappings(self->fd, next.out_handle));
}

TEST_F(object, is_not_mapped_at_unassigned_offsets)
{
	const __u64 page = page_size();
	const __u64 offsets[] = {
		0, page << 20, page << 31, page * 0xffffffff, 1ULL << 62,
		(self->handle >> 32) * page,
	};
	struct memalloc_info info;
	size_t i;

	ASSERT_EQ(0, device_info(self->fd, self->handle, 0, 0, &info));
	for (i = 0; i < ARRAY_SIZE(offsets); i++) {
		if (offsets[i] >= info.out_map_offset &&
		    offsets[i] < info.out_map_offset + info.out_bytes)
			continue;
		EXPECT_EQ(MAP_FAILED, device_map(self->fd, offsets[i], page))
			TH_LOG("offset %#llx", (unsigned long long)offsets[i]);
	}
	EXPECT_EQ(0, device_mappings(self->fd, self->handle));
}

/* A write to a read-only mapping kills the writer. */
TEST_F(object, mapped_for_reading_cannot_be_written)
{
	volatile __u64 *mapping = mmap(NULL, self->bytes, PROT_READ, MAP_SHARED,
				       self->fd, self->offset);
	pid_t child;

	ASSERT_NE(MAP_FAILED, (void *)mapping);
	EXPECT_EQ(WORD, mapping[0]);
	child = fork();
	ASSERT_LE(0, child);
	if (!child) {
		signal(SIGSEGV, SIG_DFL);
		mapping[0] = 1;
		_exit(0);
	}
	EXPECT_EQ(-SIGSEGV, wait_for(child));
	EXPECT_EQ(0, device_verify(self->fd, self->handle, self->bytes, WORD));
	ASSERT_EQ(0, mprotect((void *)mapping, self->bytes, PROT_READ | PROT_WRITE));
	mapping[0] = 1;
	EXPECT_EQ(-EILSEQ, device_verify(self->fd, self->handle, self->bytes, WORD));
}

/* --- the way a file was opened ------------------------------------------- */

/* A file open for reading permits queries; it creates and changes nothing. */
TEST_F(object, cannot_be_made_in_a_file_open_for_reading)
{
	struct memalloc_stats_borrowing borrowing;
	struct memalloc_shrink shrink = { .size = sizeof(shrink) };
	__u64 handle, word = 0;
	int fd = open(DEVICE_PATH, O_RDONLY | O_CLOEXEC);

	ASSERT_LE(0, fd);
	EXPECT_EQ(-EBADF, device_alloc(fd, 0, &handle));
	EXPECT_EQ(-EBADF, device_free(fd, self->handle));
	EXPECT_EQ(-EBADF, device_write(fd, self->handle, 0, &word, sizeof(word)));
	EXPECT_EQ(-EBADF, device_fill(fd, self->handle, sizeof(word), 0));
	EXPECT_EQ(-EBADF, device_ioctl(fd, MEMALLOC_SHRINK, &shrink));
	EXPECT_EQ(-EBADF, device_inject(fd, 0, NULL));
	EXPECT_EQ(-ENOENT, device_read(fd, self->handle, 0, &word, sizeof(word)));
	EXPECT_EQ(-ENOENT, device_verify(fd, self->handle, sizeof(word), 0));
	EXPECT_EQ(-ENOENT, device_mappings(fd, self->handle));
	EXPECT_EQ(0, device_borrowing(fd, &borrowing));
	EXPECT_EQ(0, device_validate(fd));
	EXPECT_EQ(MAP_FAILED, device_map(fd, self->offset, self->bytes));
	EXPECT_EQ(EACCES, errno);
	close(fd);
}

TEST_F(object, in_a_file_open_for_reading_cannot_be_changed_by_a_batch)
{
	struct memalloc_free free = { .size = sizeof(free), .handle = self->handle };
	struct memalloc_batch_op op = {
		.cmd = MEMALLOC_FREE,
		.arg = address_of(&free),
	};
	struct memalloc_batch batch = {
		.size = sizeof(batch),
		.count = 1,
		.op_size = sizeof(op),
		.ops = address_of(&op),
	};
	int fd = open(DEVICE_PATH, O_RDONLY | O_CLOEXEC);

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, device_ioctl(fd, MEMALLOC_BATCH, &batch));
	EXPECT_EQ(EBADF, op.out_errno);
	close(fd);
}

/* As for read(2). */
TEST_F(object, cannot_be_read_in_a_file_open_for_writing_only)
{
	__u64 handle, word = 1, seen = 0;
	int fd = open(DEVICE_PATH, O_WRONLY | O_CLOEXEC);

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, device_alloc(fd, 0, &handle));
	EXPECT_EQ(0, device_write(fd, handle, 0, &word, sizeof(word)));
	EXPECT_EQ(-EBADF, device_read(fd, handle, 0, &seen, sizeof(seen)));
	EXPECT_EQ(0, seen);
	EXPECT_EQ(-EBADF, device_verify(fd, handle, sizeof(word), 1));
	EXPECT_EQ(0, device_mappings(fd, handle));
	EXPECT_EQ(0, device_free(fd, handle));
	close(fd);
}

/* A mapping is readable, so the file must be open for reading. */
TEST_F(object, in_a_file_open_for_writing_only_cannot_be_mapped)
{
	struct memalloc_alloc alloc;
	int fd = open(DEVICE_PATH, O_WRONLY | O_CLOEXEC);

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, device_alloc_pages(fd, 0, MEMALLOC_GFP_USER, &alloc));
	EXPECT_EQ(0, device_fill(fd, alloc.out_handle, alloc.out_bytes, 1));
	EXPECT_EQ(MAP_FAILED, mmap(NULL, page_size(), PROT_WRITE, MAP_SHARED, fd,
				   alloc.out_map_offset));
	EXPECT_EQ(EACCES, errno);
	close(fd);
}

/* --- the module ---------------------------------------------------------- */

FIXTURE(module) {
	int before;
};

FIXTURE_SETUP(module)
{
	self->before = module_references();
	ASSERT_LE(0, self->before);
}

FIXTURE_TEARDOWN(module)
{
}

static int try_to_unload(void)
{
	return syscall(SYS_delete_module, "memalloc", O_NONBLOCK) ? -errno : 0;
}

TEST_F(module, is_held_by_each_open_file)
{
	int first = device_open(), second, copy;

	ASSERT_LE(0, first);
	EXPECT_EQ(self->before + 1, module_references());
	second = device_open();
	ASSERT_LE(0, second);
	EXPECT_EQ(self->before + 2, module_references());
	copy = dup(first);
	EXPECT_EQ(self->before + 2, module_references());
	close(first);
	EXPECT_EQ(self->before + 2, module_references());
	close(copy);
	EXPECT_EQ(self->before + 1, module_references());
	close(second);
	EXPECT_EQ(self->before, module_references());
}

TEST_F(module, cannot_be_unloaded_while_a_file_is_open)
{
	int fd = device_open();

	ASSERT_LE(0, fd);
	EXPECT_EQ(-EWOULDBLOCK, try_to_unload());
	close(fd);
}

TEST_F(module, cannot_be_unloaded_while_only_a_mapping_exists)
{
	volatile __u64 *mapping;
	__u64 handle;
	int fd = device_open();

	ASSERT_LE(0, fd);
	mapping = device_alloc_mapped(fd, 0, &handle);
	ASSERT_NE(MAP_FAILED, (void *)mapping);
	ASSERT_EQ(0, device_free(fd, handle));
	ASSERT_EQ(0, close(fd));
	EXPECT_EQ(self->before + 1, module_references());
	EXPECT_EQ(-EWOULDBLOCK, try_to_unload());
	mapping[0] = 3;
	EXPECT_EQ(3, mapping[0]);
	ASSERT_EQ(0, munmap((void *)mapping, page_size()));
	EXPECT_EQ(self->before, module_references());
}

/* Opening and closing files leaves nothing behind. */
TEST_F(object, is_unaffected_by_other_files)
{
	const int rounds = effort_of(1000);
	__u64 handle;
	int i, fd;

	for (i = 0; i < rounds; i++) {
		fd = device_open();
		ASSERT_LE(0, fd);
		if (i % 3) {
			ASSERT_EQ(0, device_alloc(fd, i % 3, &handle));
		}
		ASSERT_EQ(0, close(fd));
	}
	EXPECT_EQ(self->bytes, held_bytes(self->observer));
	ASSERT_EQ(0, device_free(self->fd, self->handle));
	EXPECT_TRUE(all_goes_back(self->observer));
}

/* --- races --------------------------------------------------------------- */

struct hammer {
	int fd;
	int stop;
	int unexpected;
};

/* Errors of a command on a descriptor that was closed or is another file. */
static bool error_is_expected(int err)
{
	return !err || err == -EBADF || err == -ENOENT;
}

static void *hammer_descriptor(void *arg)
{
	struct hammer *hammer = arg;
	unsigned char *mapping;
	__u64 handle = 0;
	int err;

	while (!__atomic_load_n(&hammer->stop, __ATOMIC_RELAXED)) {
		err = device_alloc(hammer->fd, 1, &handle);
		if (!error_is_expected(err))
			hammer->unexpected = err;
		err = device_fill(hammer->fd, handle, order_bytes(1), 5);
		if (!error_is_expected(err))
			hammer->unexpected = err;
		err = device_free(hammer->fd, handle);
		if (!error_is_expected(err))
			hammer->unexpected = err;
		mapping = device_alloc_mapped(hammer->fd, 0, &handle);
		if (mapping != MAP_FAILED) {
			mapping[5] = 1;
			munmap(mapping, page_size());
		}
		err = device_free(hammer->fd, handle);
		if (!error_is_expected(err))
			hammer->unexpected = err;
	}
	return NULL;
}

/*
 * The descriptor used by other threads is closed and reopened. Their operations
 * on the old file stay with it, and their results are freed with it.
 */
TEST_F(object, of_a_file_closed_under_its_users_goes)
{
	enum { THREADS = 3 };
	const int rounds = effort_of(300);
	pthread_t threads[THREADS];
	struct hammer hammer = { 0 };
	int i, fd;

	hammer.fd = device_open();
	ASSERT_LE(0, hammer.fd);
	for (i = 0; i < THREADS; i++) {
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, hammer_descriptor,
					    &hammer));
	}
	for (i = 0; i < rounds; i++) {
		if (i % 2)
			close(hammer.fd);
		fd = device_open();
		ASSERT_LE(0, fd);
		if (fd != hammer.fd) {
			ASSERT_EQ(hammer.fd, dup2(fd, hammer.fd));
			ASSERT_EQ(0, close(fd));
		}
	}
	__atomic_store_n(&hammer.stop, 1, __ATOMIC_RELAXED);
	for (i = 0; i < THREADS; i++) {
		ASSERT_EQ(0, pthread_join(threads[i], NULL));
	}
	EXPECT_EQ(0, hammer.unexpected);
	ASSERT_EQ(0, close(hammer.fd));
	EXPECT_EQ(self->bytes, held_bytes(self->observer));
	ASSERT_EQ(0, device_free(self->fd, self->handle));
	EXPECT_TRUE(all_goes_back(self->observer));
}

TEST_HARNESS_MAIN
