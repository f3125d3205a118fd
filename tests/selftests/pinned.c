// SPDX-License-Identifier: GPL-2.0
/*
 * Pinned pages: a page that is pinned when it is freed is not reused
 *
 * A pipe pins the pages: vmsplice(2) puts pages into it without copying, and a
 * later read must return their contents at the time of the free.
 */
#include <signal.h>
#include <sys/uio.h>

#include "effort.h"
#include "harness.h"
#include "memalloc_device.h"
#include "module_parameter.h"
#include "seed.h"

enum { WORD = 4242 };

FIXTURE(pinned) {
	char old[PARAMETER_LENGTH];
	char quota[PARAMETER_LENGTH];
	int fd;
	int pipe[2];
	size_t page;
	struct memalloc_stats_reports reports;
};

/* The cap is 8 MiB, so that free pages are reused soon. */
FIXTURE_SETUP(pinned)
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

FIXTURE_TEARDOWN_PARENT(pinned)
{
	if (self->old[0])
		parameter_write("cap_mb", self->old);
	if (self->quota[0])
		parameter_write("quota_device_mb", self->quota);
}

static __u64 pages_pinned(int fd)
{
	struct memalloc_stats_borrowing stats;

	return device_borrowing(fd, &stats) ? UINT64_MAX : stats.quarantined;
}

/*
 * Allocate @bytes, write words and put @pages pages from @first on into the
 * pipe.
 */
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

/* Read as many pages, and compare. */
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
 * Allocate all memory, in blocks as large as possible, overwrite it and free
 * it. @full, if not NULL, receives the statistics while all of it is allocated.
 * Return: number of pages, or zero if one of them was in @held.
 */
static size_t use_all(int fd, const struct extent *held,
		      struct memalloc_stats_borrowing *full)
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
	if (full && device_borrowing(fd, full))
		memset(full, 0, sizeof(*full));
	while (count)
		device_free(fd, handles[--count]);
	return met ? 0 : pages;
}

static size_t use_everything(int fd, const struct extent *held)
{
	return use_all(fd, held, NULL);
}

static bool all_goes_back(int fd)
{
	struct memalloc_stats_borrowing stats;

	return !device_validate(fd) && !device_shrink(fd) &&
	       !device_borrowing(fd, &stats) && !stats.quarantined &&
	       stats.borrowed == stats.reserve;
}

/* None of this is misuse. */
static bool nothing_reported(FIXTURE_DATA(pinned) *self)
{
	struct memalloc_stats_reports reports;

	return !device_reports(self->fd, &reports) &&
	       !memcmp(&reports, &self->reports, sizeof(reports));
}

TEST_F(pinned, keeps_pages_until_the_pipe_is_read)
{
	enum { ORDER = 3, PAGES = 1 << ORDER };
	struct memalloc_stats_borrowing full;
	struct extent held;
	void *mapping;
	__u64 handle;
	size_t seen;

	ASSERT_EQ(0, give_to_pipe(self->fd, self->pipe[1], ORDER, 0, PAGES, &handle,
				  &mapping));
	held.first = device_phys(self->fd, handle, 0);
	held.end = held.first + order_bytes(ORDER);
	ASSERT_EQ(0, munmap(mapping, order_bytes(ORDER)));
	EXPECT_EQ(0, pages_pinned(self->fd));
	ASSERT_EQ(0, device_free(self->fd, handle));
	EXPECT_EQ(PAGES, pages_pinned(self->fd));

	seen = use_all(self->fd, &held, &full);
	EXPECT_LT(0, seen);
	EXPECT_EQ(seen + PAGES, full.borrowed - full.free);
	EXPECT_EQ(PAGES, full.quarantined);
	EXPECT_EQ(0, device_validate(self->fd));
	ASSERT_EQ(0, device_shrink(self->fd));
	EXPECT_EQ(PAGES, pages_pinned(self->fd));

	EXPECT_EQ(0, take_from_pipe(self->pipe[0], 0, PAGES));
	/* Then they are used again. */
	EXPECT_EQ(0, use_all(self->fd, &held, &full));
	EXPECT_EQ(0, full.quarantined);
	EXPECT_GE(full.reserve, full.free);
	EXPECT_TRUE(all_goes_back(self->fd));
	EXPECT_TRUE(nothing_reported(self));
}

/* Pages of a larger block; the rest of it is free at once. */
TEST_F(pinned, keeps_only_pinned_pages)
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

/* The last mapping keeps the memory, and ends after the free. */
TEST_F(pinned, keeps_pages_after_the_last_mapping_goes)
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
	EXPECT_EQ(0, pages_pinned(self->fd));
	ASSERT_EQ(0, munmap(mapping, order_bytes(ORDER)));
	EXPECT_EQ(PAGES, pages_pinned(self->fd));
	EXPECT_LT(0, use_everything(self->fd, &held));
	EXPECT_EQ(0, take_from_pipe(self->pipe[0], 0, PAGES));
	EXPECT_TRUE(all_goes_back(self->fd));
	EXPECT_TRUE(nothing_reported(self));
}

TEST_F(pinned, keeps_pages_of_a_closed_file)
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
	EXPECT_EQ(PAGES, pages_pinned(self->fd));
	EXPECT_LT(0, use_everything(self->fd, &held));
	EXPECT_EQ(0, take_from_pipe(self->pipe[0], 0, PAGES));
	EXPECT_TRUE(all_goes_back(self->fd));
	EXPECT_TRUE(nothing_reported(self));
}

TEST_F(pinned, keeps_pages_of_a_killed_process)
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
	EXPECT_EQ(PAGES, pages_pinned(self->fd));
	EXPECT_LT(0, use_everything(self->fd, held));
	EXPECT_EQ(0, take_from_pipe(self->pipe[0], 0, PAGES));
	EXPECT_TRUE(all_goes_back(self->fd));
	EXPECT_TRUE(nothing_reported(self));
}

/*
 * Some of many pinned pages are unpinned: one request to shrink finds them all.
 */
TEST_F(pinned, releases_all_unpinned_pages)
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
	EXPECT_EQ(MANY + SOME, pages_pinned(self->fd));
	for (i = 0; i < SOME; i++) {
		ASSERT_EQ(0, take_from_pipe(other[0], 0, 1));
	}
	ASSERT_EQ(0, device_shrink(self->fd));
	EXPECT_EQ(MANY, pages_pinned(self->fd));
	for (i = 0; i < MANY; i++) {
		ASSERT_EQ(0, take_from_pipe(self->pipe[0], 0, 1));
	}
	EXPECT_TRUE(all_goes_back(self->fd));
	EXPECT_TRUE(nothing_reported(self));
}

/* Closing a pipe drops its pages, as reading does. */
TEST_F(pinned, frees_pages_when_the_pipe_is_closed)
{
	enum { ORDER = 3, PAGES = 1 << ORDER };
	void *mapping;
	__u64 handle;

	ASSERT_EQ(0, give_to_pipe(self->fd, self->pipe[1], ORDER, 0, PAGES, &handle,
				  &mapping));
	ASSERT_EQ(0, munmap(mapping, order_bytes(ORDER)));
	ASSERT_EQ(0, device_free(self->fd, handle));
	EXPECT_EQ(PAGES, pages_pinned(self->fd));
	ASSERT_EQ(0, close(self->pipe[0]));
	ASSERT_EQ(0, close(self->pipe[1]));
	EXPECT_TRUE(all_goes_back(self->fd));
	EXPECT_TRUE(nothing_reported(self));
}

/* Otherwise a program could hold as much again in pipes. */
TEST_F(pinned, counts_for_the_quota_of_the_device)
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
	EXPECT_EQ(BLOCKS << BLOCK, pages_pinned(self->fd));
	EXPECT_EQ(-EDQUOT, device_alloc(self->fd, LARGER, &handle));
	/* The handle takes a small part of it. */
	EXPECT_EQ(-EDQUOT, device_alloc(self->fd, BLOCK, &handle));
	ASSERT_EQ(0, device_alloc(self->fd, BLOCK - 1, &handle));
	EXPECT_EQ(-EDQUOT, device_alloc(self->fd, BLOCK - 1, &handle));
	for (i = 0; i < BLOCKS; i++) {
		ASSERT_EQ(0, take_from_pipe(self->pipe[0], 0, 1 << BLOCK));
	}
	EXPECT_EQ(0, device_alloc(self->fd, LARGER, &handle));
	EXPECT_TRUE(nothing_reported(self));
}

/* Splice and free at random; the contents never change. */
TEST_F(pinned, never_changes_what_is_in_flight)
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
