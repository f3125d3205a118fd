// SPDX-License-Identifier: GPL-2.0
/*
 * vmalloc areas from user space: sizes, contents, mappings, leftovers, and
 * exhaustion
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "effort.h"
#include "harness.h"
#include "memalloc_device.h"
#include "module_parameter.h"
#include "quota.h"
#include "seed.h"

FIXTURE(area) {
	int fd;
};

FIXTURE_SETUP(area)
{
	self->fd = device_open();
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN(area)
{
	EXPECT_EQ(0, device_validate(self->fd));
	close(self->fd);
}

static __u64 pages_of(__u64 bytes)
{
	return (bytes + page_size() - 1) & ~((__u64)page_size() - 1);
}

TEST_F(area, every_size_is_whole_pages_of_zeroes)
{
	const __u64 sizes[] = { 1, page_size() - 1, page_size(), page_size() + 1,
				5 * page_size(), 1 << 20, (4 << 20) + 1 };
	struct memalloc_stats_file before, after;
	struct memalloc_info info;
	struct memalloc_alloc alloc;
	unsigned int i, round;
	__u64 bytes;

	ASSERT_EQ(0, device_file(self->fd, &before));
	for (round = 0; round < 3; round++) {
		for (i = 0; i < ARRAY_SIZE(sizes); i++) {
			bytes = pages_of(sizes[i]);
			ASSERT_EQ(0, device_alloc_area(self->fd, sizes[i], MEMALLOC_GFP_KERNEL,
						       &alloc));
			EXPECT_EQ(bytes, alloc.out_bytes);
			EXPECT_NE(0, alloc.out_map_offset);
			ASSERT_EQ(0, device_info(self->fd, alloc.out_handle, bytes - 1, 0,
						 &info));
			EXPECT_EQ(MEMALLOC_KIND_AREA, info.out_kind);
			EXPECT_EQ(bytes, info.out_held);
			EXPECT_LE(0, info.out_node);
			EXPECT_EQ(-EOVERFLOW, device_info(self->fd, alloc.out_handle, bytes,
							  0, &info));
			EXPECT_EQ(0, device_is_zero(self->fd, alloc.out_handle, bytes));
			EXPECT_EQ(0, device_pattern(self->fd, MEMALLOC_FILL,
						    alloc.out_handle, bytes,
						    MEMALLOC_PATTERN_COUNT, 11));
			EXPECT_EQ(0, device_pattern(self->fd, MEMALLOC_VERIFY,
						    alloc.out_handle, bytes,
						    MEMALLOC_PATTERN_COUNT, 11));
			ASSERT_EQ(0, device_file(self->fd, &after));
			EXPECT_EQ(before.bytes + bytes, after.bytes);
			ASSERT_EQ(0, device_free(self->fd, alloc.out_handle));
		}
	}
	ASSERT_EQ(0, device_file(self->fd, &after));
	EXPECT_EQ(before.bytes, after.bytes);
}

TEST_F(area, invalid_requests_are_einval)
{
	const __u64 sizes[] = { 0, ((__u64)MEMALLOC_AREA_PAGES_MAX + 1) * page_size(),
				1ULL << 63, ~0ULL, ~0ULL - page_size() + 1 };
	struct memalloc_alloc alloc, bad;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++)
		EXPECT_EQ(-EINVAL, device_alloc_area(self->fd, sizes[i], 0, &alloc));
	ASSERT_EQ(0, device_alloc_area(self->fd, 1, 0, &alloc));
	bad = alloc;
	bad.order = 1;
	EXPECT_EQ(-EINVAL, device_ioctl(self->fd, MEMALLOC_ALLOC, &bad));
	bad = alloc;
	bad.count = 1;
	EXPECT_EQ(-EINVAL, device_ioctl(self->fd, MEMALLOC_ALLOC, &bad));
	bad = alloc;
	bad.align = 8;
	EXPECT_EQ(-EINVAL, device_ioctl(self->fd, MEMALLOC_ALLOC, &bad));
	bad = alloc;
	bad.flags = MEMALLOC_ALLOC_PREALLOCATED;
	EXPECT_EQ(-EINVAL, device_ioctl(self->fd, MEMALLOC_ALLOC, &bad));
	bad = alloc;
	bad.parent = alloc.out_handle;
	EXPECT_EQ(-EINVAL, device_ioctl(self->fd, MEMALLOC_ALLOC, &bad));
	EXPECT_EQ(-EOPNOTSUPP, device_resize(self->fd, alloc.out_handle, 2));
}

TEST_F(area, mapping_shows_its_bytes_and_outlives_the_handle)
{
	const __u64 bytes = 37 * page_size();
	struct memalloc_alloc alloc;
	unsigned char *place, byte;
	__u64 i;

	ASSERT_EQ(0, device_alloc_area(self->fd, bytes, 0, &alloc));
	ASSERT_EQ(0, device_pattern(self->fd, MEMALLOC_FILL, alloc.out_handle, bytes,
				    MEMALLOC_PATTERN_REPEAT, 0x1111111111111111));
	place = device_map(self->fd, alloc.out_map_offset, bytes);
	ASSERT_NE(MAP_FAILED, (void *)place);
	EXPECT_EQ(1, device_mappings(self->fd, alloc.out_handle));
	for (i = 0; i < bytes; i += 509) {
		ASSERT_EQ(0x11, place[i]);
		place[i] = i;
	}
	for (i = 0; i < bytes; i += 509) {
		ASSERT_EQ(0, device_read(self->fd, alloc.out_handle, i, &byte, 1));
		ASSERT_EQ((unsigned char)i, byte);
	}
	ASSERT_EQ(0, device_free(self->fd, alloc.out_handle));
	for (i = 0; i < bytes; i += 509)
		ASSERT_EQ((unsigned char)i, place[i]);
	ASSERT_EQ(0, munmap(place, bytes));
}

/* A reused area shows no data of its last owner. */
TEST_F(area, reused_area_is_zeroed)
{
	const __u64 bytes = 16 * page_size();
	unsigned int turns = effort_of(200);
	struct memalloc_alloc alloc;
	void *place;
	int other;

	while (turns--) {
		ASSERT_EQ(0, device_alloc_area(self->fd, bytes, 0, &alloc));
		place = device_map(self->fd, alloc.out_map_offset, bytes);
		ASSERT_NE(MAP_FAILED, place);
		memset(place, 0xee, bytes);
		ASSERT_EQ(0, munmap(place, bytes));
		ASSERT_EQ(0, device_free(self->fd, alloc.out_handle));
		other = device_open();
		ASSERT_LE(0, other);
		ASSERT_EQ(0, device_alloc_area(other, bytes, 0, &alloc));
		ASSERT_EQ(0, device_is_zero(other, alloc.out_handle, bytes));
		ASSERT_EQ(0, close(other));
	}
}

TEST_F(area, freed_areas_are_used_again)
{
	struct memalloc_stats_areas before, after;
	struct memalloc_alloc alloc;
	unsigned int i;

	ASSERT_EQ(0, device_alloc_area(self->fd, 16384, 0, &alloc));
	ASSERT_EQ(0, device_free(self->fd, alloc.out_handle));
	ASSERT_EQ(0, device_stats(self->fd, MEMALLOC_SECTION_AREAS, 0, &before,
				  sizeof(before)));
	for (i = 0; i < 100; i++) {
		ASSERT_EQ(0, device_alloc_area(self->fd, 16384, 0, &alloc));
		ASSERT_EQ(0, device_free(self->fd, alloc.out_handle));
	}
	ASSERT_EQ(0, device_stats(self->fd, MEMALLOC_SECTION_AREAS, 0, &after,
				  sizeof(after)));
	EXPECT_LE(before.cpu_hits + before.node_hits + 90,
		  after.cpu_hits + after.node_hits);
	EXPECT_EQ(before.areas, after.areas);
	EXPECT_EQ(before.area_pages, after.area_pages);
}

TEST_F(area, random_ones_keep_what_they_hold)
{
	enum { NR = 24 };
	struct memalloc_stats_areas before, after;
	struct memalloc_alloc areas[NR] = {};
	unsigned int turns = effort_of(600), i;
	__u64 seed, bytes;

	SEED_PRINT(seed);
	ASSERT_EQ(0, device_stats(self->fd, MEMALLOC_SECTION_AREAS, 0, &before,
				  sizeof(before)));
	while (turns--) {
		i = seed_below(&seed, NR);
		if (areas[i].out_handle) {
			ASSERT_EQ(0, device_verify(self->fd, areas[i].out_handle,
						   areas[i].out_bytes, areas[i].out_handle));
			ASSERT_EQ(0, device_free(self->fd, areas[i].out_handle));
			areas[i].out_handle = 0;
			continue;
		}
		bytes = 1 + seed_below(&seed, 1 << seed_below(&seed, 20));
		ASSERT_EQ(0, device_alloc_area(self->fd, bytes, 0, &areas[i]));
		ASSERT_EQ(0, device_is_zero(self->fd, areas[i].out_handle,
					   areas[i].out_bytes));
		ASSERT_EQ(0, device_fill(self->fd, areas[i].out_handle,
					 areas[i].out_bytes, areas[i].out_handle));
	}
	ASSERT_EQ(0, device_stats(self->fd, MEMALLOC_SECTION_AREAS, 0, &after,
				  sizeof(after)));
	EXPECT_LE(after.cached_pages, after.cached_pages_limit);
	TH_LOG("%llu hits, %llu misses; %llu pages used, %llu cached in %llu areas, %llu evicted",
	       after.cpu_hits + after.node_hits - before.cpu_hits - before.node_hits,
	       after.misses - before.misses, after.area_pages, after.cached_pages,
	       after.cached_areas, after.evicted - before.evicted);
}

TEST_F(area, goes_with_a_process_that_is_killed)
{
	struct memalloc_stats_areas before, after;
	struct memalloc_alloc alloc;
	unsigned int turns = effort_of(20);
	pid_t child;
	int status;

	ASSERT_EQ(0, device_stats(self->fd, MEMALLOC_SECTION_AREAS, 0, &before,
				  sizeof(before)));
	while (turns--) {
		child = fork();
		ASSERT_LE(0, child);
		if (!child) {
			int fd = device_open();

			if (device_alloc_area(fd, 1 << 20, 0, &alloc) ||
			    device_map(fd, alloc.out_map_offset, 1 << 20) == MAP_FAILED)
				_exit(1);
			raise(SIGKILL);
		}
		ASSERT_EQ(child, waitpid(child, &status, 0));
		ASSERT_TRUE(WIFSIGNALED(status));
	}
	ASSERT_EQ(0, device_stats(self->fd, MEMALLOC_SECTION_AREAS, 0, &after,
				  sizeof(after)));
	EXPECT_EQ(before.areas, after.areas);
	EXPECT_EQ(before.area_pages, after.area_pages);
}

TEST_F(quota, quota_counts_pages)
{
	struct memalloc_alloc alloc, other;

	ASSERT_EQ(0, parameter_set("quota_file_mb", 1));
	EXPECT_EQ(-EDQUOT, device_alloc_area(self->fd, (1 << 20) + 1, 0, &alloc));
	/* The handle takes a small part of it. */
	EXPECT_EQ(-EDQUOT, device_alloc_area(self->fd, 1 << 20, 0, &alloc));
	ASSERT_EQ(0, device_alloc_area(self->fd, (1 << 20) - page_size(), 0, &alloc));
	EXPECT_EQ(-EDQUOT, device_alloc_area(self->fd, 1, 0, &other));
	ASSERT_EQ(0, device_free(self->fd, alloc.out_handle));
	EXPECT_EQ(0, device_alloc_area(self->fd, 1, 0, &other));
}

/* A size beyond all memory is refused, and leaves nothing behind. */
TEST_F(quota, oversized_area_fails_and_loses_nothing)
{
	struct memalloc_stats_borrowing before, after;
	struct memalloc_alloc alloc;
	__u64 bytes;

	ASSERT_EQ(0, parameter_set("quota_file_mb", 1 << 20));
	ASSERT_EQ(0, device_borrowing(self->fd, &before));
	bytes = (before.cap + 1) * page_size();
	EXPECT_EQ(-ENOMEM, device_alloc_area(self->fd, bytes, MEMALLOC_GFP_NOWARN, &alloc));
	ASSERT_EQ(0, device_shrink(self->fd));
	ASSERT_EQ(0, device_borrowing(self->fd, &after));
	EXPECT_EQ(after.borrowed_total - after.returned_total, after.borrowed);
	EXPECT_EQ(0, device_validate(self->fd));
	EXPECT_EQ(0, device_alloc_area(self->fd, 1 << 20, 0, &alloc));
}

/*
 * --- shrinking while others free areas ---------------------------------------
 */

enum {
	PARKERS = 4,
	PARKED = 400,		/* areas of a process at the same time */
	SHRINKS = 30,
	PATIENCE_SECONDS = 20,	/* milliseconds suffice on an idle machine */
};

/* Keep the cache of areas full, until killed. */
static void park_areas(void)
{
	struct memalloc_alloc allocs[PARKED];
	int fd = device_open();
	unsigned int i;

	for (;;) {
		for (i = 0; i < PARKED; i++)
			if (device_alloc_area(fd, page_size(),
					      MEMALLOC_GFP_KERNEL, &allocs[i]))
				allocs[i].out_handle = 0;
		for (i = 0; i < PARKED; i++)
			if (allocs[i].out_handle)
				device_free(fd, allocs[i].out_handle);
	}
}

static pid_t start(void (*function)(void))
{
	pid_t pid = fork();

	if (!pid) {
		alarm(5 * PATIENCE_SECONDS);
		function();
		_exit(0);
	}
	return pid;
}

static void shrink_without_end(void)
{
	int fd = device_open();

	for (;;)
		device_shrink(fd);
}

static int areas_evicted(int fd, __u64 *evicted)
{
	struct memalloc_stats_areas areas;
	int err = device_stats(fd, MEMALLOC_SECTION_AREAS, 0, &areas, sizeof(areas));

	*evicted = areas.evicted;
	return err;
}

/* One shrink evicts at most as many areas as the processes have. */
static void shrink_some_times(void)
{
	int i, fd = device_open();
	__u64 before, after;

	for (i = 0; i < SHRINKS; i++) {
		if (areas_evicted(fd, &before) || device_shrink(fd) ||
		    areas_evicted(fd, &after))
			_exit(1);
		if (after - before > PARKERS * PARKED)
			_exit(2);
	}
}

/* Does the process exit in time, and how? */
static bool ends(pid_t pid, int *status)
{
	int i;

	for (i = 0; i < PATIENCE_SECONDS * 100; i++) {
		if (waitpid(pid, status, WNOHANG) == pid)
			return true;
		usleep(10000);
	}
	kill(pid, SIGKILL);
	waitpid(pid, status, 0);
	return false;
}

/* SHRINK returns the pages that are free at its start, and a signal ends it. */
TEST_F(area, shrink_ends_while_others_park_areas)
{
	pid_t parkers[PARKERS], pid;
	unsigned int i;
	int status;

	for (i = 0; i < PARKERS; i++)
		parkers[i] = start(park_areas);
	usleep(200000);
	pid = start(shrink_some_times);
	EXPECT_TRUE(ends(pid, &status));
	ASSERT_TRUE(WIFEXITED(status));
	EXPECT_EQ(0, WEXITSTATUS(status));
	pid = start(shrink_without_end);
	usleep(500000);
	kill(pid, SIGKILL);
	EXPECT_TRUE(ends(pid, &status));
	for (i = 0; i < PARKERS; i++) {
		kill(parkers[i], SIGKILL);
		EXPECT_EQ(parkers[i], waitpid(parkers[i], &status, 0));
	}
}

TEST_HARNESS_MAIN
