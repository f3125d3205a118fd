// SPDX-License-Identifier: GPL-2.0
/*
 * Quarantine: a page that somebody still holds when it is freed is not reused
 *
 * A pipe is that somebody: vmsplice(2) puts pages into it without copying, and
 * what is read from it later must be what they held when they were freed.
 */
#include <signal.h>
#include <sys/uio.h>

#include "effort.h"
#include "harness.h"
#include "memalloc_device.h"
#include "module_parameter.h"
#include "seed.h"

enum { WORD = 4242 };

FIXTURE(quarantine) {
	char old[PARAMETER_LENGTH];
	char quota[PARAMETER_LENGTH];
	int fd;
	int pipe[2];
	size_t page;
	struct memalloc_stats_reports reports;
};

/* 8 MiB are all that there is: what is free will be seen again soon. */
FIXTURE_SETUP(quarantine)
{
	struct memalloc_stats_borrowing stats;

	ASSERT_EQ(0, parameter_read("cap_mb", self->old));
	ASSERT_EQ(0, parameter_read("quota_device_mb", self->quota));
	self->fd = device_open();
	ASSERT_LE(0, self->fd);
	self->page = page_size();
	ASSERT_EQ(0, pipe2(self->pipe, O_CLOEXEC));
	ASSERT_EQ(0, device_shrink(self->fd));
	ASSERT_EQ(0, device_borrowing(self->fd, &stats));
	ASSERT_EQ(0, stats.quarantined);
	ASSERT_EQ(stats.reserve, stats.borrowed);
	ASSERT_EQ(0, parameter_set("cap_mb", 8 + (stats.reserve * self->page >> 20)));
	ASSERT_EQ(0, device_reports(self->fd, &self->reports));
}

FIXTURE_TEARDOWN_PARENT(quarantine)
{
	if (self->old[0])
		parameter_write("cap_mb", self->old);
	if (self->quota[0])
		parameter_write("quota_device_mb", self->quota);
}

static __u64 quarantined(int fd)
{
	struct memalloc_stats_borrowing stats;

	return device_borrowing(fd, &stats) ? UINT64_MAX : stats.quarantined;
}

/* Allocate @bytes, write words and put @pages pages from @first on into the pipe. */
static int give_to_pipe(int fd, int into, unsigned int order, size_t first,
			size_t pages, __u64 *handle, void **mapping)
{
	struct iovec piece;
	int err;

	*mapping = device_alloc_mapped(fd, order, handle);
	if (*mapping == MAP_FAILED)
		return -errno;
	err = device_fill(fd, *handle, order_bytes(order), WORD);
	if (err)
		return err;
	piece.iov_base = (char *)*mapping + first * page_size();
	piece.iov_len = pages * page_size();
	return vmsplice(into, &piece, 1, 0) == (ssize_t)piece.iov_len ? 0 : -EIO;
}

/* Read as much, and compare. */
static int take_from_pipe(int from, size_t first, size_t pages)
{
	__u64 words[512], expected = WORD + first * page_size() / sizeof(*words);
	size_t left = pages * page_size(), i;
	ssize_t got;

	while (left) {
		got = read(from, words, left < sizeof(words) ? left : sizeof(words));
		if (got <= 0 || got % sizeof(*words))
			return -EIO;
		for (i = 0; i < got / sizeof(*words); i++)
			if (words[i] != expected++)
				return -EILSEQ;
		left -= got;
	}
	return 0;
}

struct extent {
	__u64 first;
	__u64 end;
};

/*
 * Take all that there is, in blocks as large as there are, write over it and give
 * it back. Returns how many pages there were, or zero if one of them was in @held.
 */
static size_t use_everything(int fd, const struct extent *held)
{
	static __u64 handles[16 << 10];
	int order = MEMALLOC_MAX_ORDER;
	struct memalloc_alloc alloc;
	size_t count = 0, pages = 0;
	bool met = false;
	__u64 phys;

	while (order >= 0 && count < ARRAY_SIZE(handles)) {
		if (device_alloc_pages(fd, order, MEMALLOC_GFP_USER | MEMALLOC_GFP_NOWARN,
				       &alloc)) {
			order--;
			continue;
		}
		handles[count++] = alloc.out_handle;
		pages += 1UL << order;
		device_fill(fd, alloc.out_handle, alloc.out_bytes, ~0ULL - count);
		phys = device_phys(fd, alloc.out_handle, 0);
		met |= !phys || (phys < held->end && held->first < phys + alloc.out_bytes);
	}
	while (count)
		device_free(fd, handles[--count]);
	return met ? 0 : pages;
}

static bool all_goes_back(int fd)
{
	struct memalloc_stats_borrowing stats;

	return !device_validate(fd) && !device_shrink(fd) &&
	       !device_borrowing(fd, &stats) && !stats.quarantined &&
	       stats.borrowed == stats.reserve;
}

/* Nothing of this is anybody's mistake. */
static bool nothing_reported(FIXTURE_DATA(quarantine) *self)
{
	struct memalloc_stats_reports reports;

	return !device_reports(self->fd, &reports) &&
	       !memcmp(&reports, &self->reports, sizeof(reports));
}

TEST_F(quarantine, keeps_pages_until_the_pipe_is_read)
{
	enum { ORDER = 3, PAGES = 1 << ORDER };
	struct extent held;
	void *mapping;
	__u64 handle;
	size_t seen;

	ASSERT_EQ(0, give_to_pipe(self->fd, self->pipe[1], ORDER, 0, PAGES, &handle,
				  &mapping));
	held.first = device_phys(self->fd, handle, 0);
	held.end = held.first + order_bytes(ORDER);
	ASSERT_EQ(0, munmap(mapping, order_bytes(ORDER)));
	EXPECT_EQ(0, quarantined(self->fd));
	ASSERT_EQ(0, device_free(self->fd, handle));
	EXPECT_EQ(PAGES, quarantined(self->fd));

	seen = use_everything(self->fd, &held);
	EXPECT_LT(0, seen);
	EXPECT_EQ(0, device_validate(self->fd));
	ASSERT_EQ(0, device_shrink(self->fd));
	EXPECT_EQ(PAGES, quarantined(self->fd));

	EXPECT_EQ(0, take_from_pipe(self->pipe[0], 0, PAGES));
	EXPECT_EQ(seen + PAGES, use_everything(self->fd, &(struct extent) { 0 }));
	EXPECT_TRUE(all_goes_back(self->fd));
	EXPECT_TRUE(nothing_reported(self));
}

/* Of a larger block; the rest of it is free at once. */
TEST_F(quarantine, keeps_no_more_than_what_is_held)
{
	enum { ORDER = 5, FIRST = 9, PAGES = 3 };
	struct memalloc_stats_borrowing stats;
	struct extent held;
	void *mapping;
	__u64 handle;

	ASSERT_EQ(0, give_to_pipe(self->fd, self->pipe[1], ORDER, FIRST, PAGES, &handle,
				  &mapping));
	held.first = device_phys(self->fd, handle, FIRST * self->page);
	held.end = held.first + PAGES * self->page;
	ASSERT_EQ(0, munmap(mapping, order_bytes(ORDER)));
	ASSERT_EQ(0, device_free(self->fd, handle));
	ASSERT_EQ(0, device_borrowing(self->fd, &stats));
	EXPECT_EQ(PAGES, stats.quarantined);
	EXPECT_EQ(stats.borrowed, stats.free + stats.quarantined);
	EXPECT_LT(0, use_everything(self->fd, &held));
	EXPECT_EQ(0, take_from_pipe(self->pipe[0], FIRST, PAGES));
	EXPECT_TRUE(all_goes_back(self->fd));
	EXPECT_TRUE(nothing_reported(self));
}

/* The memory goes with the last mapping; that comes after the free. */
TEST_F(quarantine, begins_when_the_last_mapping_goes)
{
	enum { ORDER = 2, PAGES = 1 << ORDER };
	struct extent held;
	void *mapping;
	__u64 handle;

	ASSERT_EQ(0, give_to_pipe(self->fd, self->pipe[1], ORDER, 0, PAGES, &handle,
				  &mapping));
	held.first = device_phys(self->fd, handle, 0);
	held.end = held.first + order_bytes(ORDER);
	ASSERT_EQ(0, device_free(self->fd, handle));
	EXPECT_EQ(0, quarantined(self->fd));
	ASSERT_EQ(0, munmap(mapping, order_bytes(ORDER)));
	EXPECT_EQ(PAGES, quarantined(self->fd));
	EXPECT_LT(0, use_everything(self->fd, &held));
	EXPECT_EQ(0, take_from_pipe(self->pipe[0], 0, PAGES));
	EXPECT_TRUE(all_goes_back(self->fd));
	EXPECT_TRUE(nothing_reported(self));
}

TEST_F(quarantine, takes_in_what_a_closed_file_leaves)
{
	enum { ORDER = 3, PAGES = 1 << ORDER };
	int owner = device_open();
	struct extent held;
	void *mapping;
	__u64 handle;

	ASSERT_LE(0, owner);
	ASSERT_EQ(0, give_to_pipe(owner, self->pipe[1], ORDER, 0, PAGES, &handle,
				  &mapping));
	held.first = device_phys(owner, handle, 0);
	held.end = held.first + order_bytes(ORDER);
	ASSERT_EQ(0, close(owner));
	ASSERT_EQ(0, munmap(mapping, order_bytes(ORDER)));
	EXPECT_EQ(PAGES, quarantined(self->fd));
	EXPECT_LT(0, use_everything(self->fd, &held));
	EXPECT_EQ(0, take_from_pipe(self->pipe[0], 0, PAGES));
	EXPECT_TRUE(all_goes_back(self->fd));
	EXPECT_TRUE(nothing_reported(self));
}

TEST_F(quarantine, takes_in_what_a_killed_process_leaves)
{
	enum { ORDER = 3, PAGES = 1 << ORDER };
	struct extent *held = mmap(NULL, self->page, PROT_READ | PROT_WRITE,
				   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int status;
	pid_t child;

	ASSERT_NE(MAP_FAILED, (void *)held);
	child = fork();
	ASSERT_LE(0, child);
	if (!child) {
		int owner = device_open();
		void *mapping;
		__u64 handle;

		if (owner < 0 || give_to_pipe(owner, self->pipe[1], ORDER, 0, PAGES,
					      &handle, &mapping))
			_exit(1);
		held->first = device_phys(owner, handle, 0);
		held->end = held->first + order_bytes(ORDER);
		kill(getpid(), SIGKILL);
	}
	ASSERT_EQ(child, waitpid(child, &status, 0));
	ASSERT_TRUE(WIFSIGNALED(status));
	EXPECT_EQ(PAGES, quarantined(self->fd));
	EXPECT_LT(0, use_everything(self->fd, held));
	EXPECT_EQ(0, take_from_pipe(self->pipe[0], 0, PAGES));
	EXPECT_TRUE(all_goes_back(self->fd));
	EXPECT_TRUE(nothing_reported(self));
}

/*
 * Many that are held, and among them some that are no more: one request to
 * shrink finds them all.
 */
TEST_F(quarantine, lets_go_of_all_that_nobody_holds)
{
	enum { MANY = 160, SOME = 10 };
	int other[2];
	__u64 handles[MANY + SOME];
	void *mappings[MANY + SOME];
	size_t i;

	ASSERT_EQ(0, pipe2(other, O_CLOEXEC));
	ASSERT_LE((int)(256 * self->page), fcntl(self->pipe[1], F_SETPIPE_SZ,
						 256 * self->page));
	for (i = 0; i < MANY + SOME; i++) {
		ASSERT_EQ(0, give_to_pipe(self->fd,
					  i < MANY ? self->pipe[1] : other[1], 0, 0,
					  1, &handles[i], &mappings[i]));
	}
	for (i = 0; i < MANY + SOME; i++) {
		ASSERT_EQ(0, munmap(mappings[i], self->page));
		ASSERT_EQ(0, device_free(self->fd, handles[i]));
	}
	EXPECT_EQ(MANY + SOME, quarantined(self->fd));
	for (i = 0; i < SOME; i++) {
		ASSERT_EQ(0, take_from_pipe(other[0], 0, 1));
	}
	ASSERT_EQ(0, device_shrink(self->fd));
	EXPECT_EQ(MANY, quarantined(self->fd));
	for (i = 0; i < MANY; i++) {
		ASSERT_EQ(0, take_from_pipe(self->pipe[0], 0, 1));
	}
	EXPECT_TRUE(all_goes_back(self->fd));
	EXPECT_TRUE(nothing_reported(self));
}

/* A pipe that is closed drops its pages as well as one that is read. */
TEST_F(quarantine, ends_when_the_pipe_is_closed)
{
	enum { ORDER = 3, PAGES = 1 << ORDER };
	void *mapping;
	__u64 handle;

	ASSERT_EQ(0, give_to_pipe(self->fd, self->pipe[1], ORDER, 0, PAGES, &handle,
				  &mapping));
	ASSERT_EQ(0, munmap(mapping, order_bytes(ORDER)));
	ASSERT_EQ(0, device_free(self->fd, handle));
	EXPECT_EQ(PAGES, quarantined(self->fd));
	ASSERT_EQ(0, close(self->pipe[0]));
	ASSERT_EQ(0, close(self->pipe[1]));
	EXPECT_TRUE(all_goes_back(self->fd));
	EXPECT_TRUE(nothing_reported(self));
}

/* Or else one had as much as pipes can hold beside it. */
TEST_F(quarantine, counts_for_the_quota_of_the_device)
{
	enum { BLOCK = 4, BLOCKS = 15, LARGER = 5 };
	unsigned int i;
	__u64 handle;
	void *mapping;

	ASSERT_LE(1 << 20, fcntl(self->pipe[1], F_SETPIPE_SZ, (BLOCKS + 1) * self->page << BLOCK));
	ASSERT_EQ(0, parameter_set("quota_device_mb", (BLOCKS + 1) * self->page << BLOCK >> 20));
	for (i = 0; i < BLOCKS; i++) {
		ASSERT_EQ(0, give_to_pipe(self->fd, self->pipe[1], BLOCK, 0, 1 << BLOCK,
					  &handle, &mapping));
		ASSERT_EQ(0, munmap(mapping, order_bytes(BLOCK)));
		ASSERT_EQ(0, device_free(self->fd, handle));
	}
	EXPECT_EQ(BLOCKS << BLOCK, quarantined(self->fd));
	EXPECT_EQ(-EDQUOT, device_alloc(self->fd, LARGER, &handle));
	ASSERT_EQ(0, device_alloc(self->fd, BLOCK, &handle));
	EXPECT_EQ(-EDQUOT, device_alloc(self->fd, 0, &handle));
	for (i = 0; i < BLOCKS; i++) {
		ASSERT_EQ(0, take_from_pipe(self->pipe[0], 0, 1 << BLOCK));
	}
	EXPECT_EQ(0, device_alloc(self->fd, LARGER, &handle));
	EXPECT_TRUE(nothing_reported(self));
}

/* Splice and free at random; what comes out is always what was put in. */
TEST_F(quarantine, never_changes_what_is_in_flight)
{
	enum { SLOTS = 12 };
	const unsigned int rounds = effort_of(400);
	size_t in_flight[SLOTS], head = 0, tail = 0;
	__u64 handle;
	void *mapping;
	unsigned int i;
	__u64 seed;

	SEED_PRINT(seed);
	for (i = 0; i < rounds; i++) {
		unsigned int order = seed_below(&seed, 5);

		if (head - tail < SLOTS && seed_below(&seed, 2)) {
			size_t page = seed_below(&seed, 1 << order);

			ASSERT_EQ(0, give_to_pipe(self->fd, self->pipe[1], order, page,
						  1, &handle, &mapping));
			ASSERT_EQ(0, munmap(mapping, order_bytes(order)));
			ASSERT_EQ(0, device_free(self->fd, handle));
			in_flight[head++ % SLOTS] = page;
		} else if (head > tail && seed_below(&seed, 2)) {
			ASSERT_EQ(0, take_from_pipe(self->pipe[0],
						    in_flight[tail++ % SLOTS], 1));
		} else {
			ASSERT_EQ(0, device_alloc(self->fd, order, &handle));
			ASSERT_EQ(0, device_fill(self->fd, handle, order_bytes(order),
						 seed_next(&seed)));
			ASSERT_EQ(0, device_free(self->fd, handle));
		}
	}
	while (tail < head) {
		ASSERT_EQ(0, take_from_pipe(self->pipe[0], in_flight[tail++ % SLOTS], 1));
	}
	EXPECT_TRUE(all_goes_back(self->fd));
	EXPECT_TRUE(nothing_reported(self));
}

TEST_HARNESS_MAIN
