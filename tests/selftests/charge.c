// SPDX-License-Identifier: GPL-2.0
/*
 * Charge: what objects and their caches take, beside the pages, is counted; and what
 * caches keep is there for others
 */
#include "harness.h"
#include "memalloc_device.h"
#include "module_parameter.h"

/* What is known of an object in the debug modes is more than this, by far. */
enum { TRACK = 64 };

/* The cap, beyond the reserve. */
enum { CAP_MB = 8 };

FIXTURE(charge) {
	char cap[PARAMETER_LENGTH];
	int fd;
	int other;
	struct memalloc_stats_borrowing before;
};

FIXTURE_SETUP(charge)
{
	ASSERT_EQ(0, parameter_read("cap_mb", self->cap));
	self->fd = device_open();
	ASSERT_LE(0, self->fd);
	self->other = device_open();
	ASSERT_LE(0, self->other);
	ASSERT_EQ(0, device_shrink(self->other));
	ASSERT_EQ(0, device_borrowing(self->other, &self->before));
	ASSERT_EQ(0, parameter_set("cap_mb", CAP_MB + (self->before.reserve *
						       page_size() >> 20)));
	ASSERT_EQ(0, device_borrowing(self->other, &self->before));
}

FIXTURE_TEARDOWN_PARENT(charge)
{
	if (self->cap[0])
		parameter_write("cap_mb", self->cap);
}

static int make_cache(int fd, __u32 size, __u32 flags, __u64 *handle)
{
	struct memalloc_cache_create request = device_cache_of("charge", size);
	int err;

	request.flags = flags;
	err = device_ioctl(fd, MEMALLOC_CACHE_CREATE, &request);
	*handle = request.out_handle;
	return err;
}

static int take_objects(int fd, __u64 cache, __u32 count, __u32 gfp)
{
	struct memalloc_alloc alloc = {
		.size = sizeof(alloc),
		.kind = MEMALLOC_KIND_OBJECT,
		.gfp = gfp | MEMALLOC_GFP_NOWARN,
		.node = -1,
		.parent = cache,
		.count = count,
	};

	return device_ioctl(fd, MEMALLOC_ALLOC, &alloc);
}

/* All that can be had, in smaller and smaller numbers. */
static __u64 take_all_objects(int fd, __u64 cache, __u32 gfp)
{
	__u32 count = MEMALLOC_COUNT_MAX;
	__u64 taken = 0;

	while (count) {
		if (take_objects(fd, cache, count, gfp))
			count /= 2;
		else
			taken += count;
	}
	return taken;
}

static unsigned int take_all_pages(int fd)
{
	struct memalloc_alloc alloc;
	unsigned int taken = 0;

	while (!device_alloc_pages(fd, 0, MEMALLOC_GFP_NOWARN, &alloc))
		taken++;
	return taken;
}

/* --- what describes objects ---------------------------------------------------- */

/* Whatever the flags, and however they are allocated; and all of it comes back. */
TEST_F(charge, cap_holds_for_what_describes_objects)
{
	static const __u32 gfps[] = {
		MEMALLOC_GFP_KERNEL, MEMALLOC_GFP_NOWAIT, MEMALLOC_GFP_ATOMIC,
	};
	static const struct { __u32 size, flags, described; } kinds[] = {
		{ 8, 0, 1 }, { 16, MEMALLOC_CACHE_STORE_USER, TRACK },
		{ 16, MEMALLOC_CACHE_QUARANTINE, TRACK }, { 200, MEMALLOC_CACHE_CHECKS, TRACK },
	};
	struct memalloc_stats_borrowing after;
	__u64 cap = self->before.cap + self->before.reserve, taken, cache;
	size_t i, j;
	int fd;

	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		fd = device_open();
		ASSERT_LE(0, fd);
		ASSERT_EQ(0, make_cache(fd, kinds[i].size, kinds[i].flags, &cache));
		for (j = 0, taken = 0; j < ARRAY_SIZE(gfps); j++)
			taken += take_all_objects(fd, cache, gfps[j]);
		EXPECT_LT(1000, taken);
		EXPECT_GE(cap * page_size(), taken * (kinds[i].size + kinds[i].described)) {
			TH_LOG("%llu objects of %u bytes", taken, kinds[i].size);
		}
		close(fd);
		EXPECT_EQ(0, device_validate(self->other));
		ASSERT_EQ(0, device_shrink(self->other));
		ASSERT_EQ(0, device_borrowing(self->other, &after));
		EXPECT_EQ(self->before.metadata_bytes, after.metadata_bytes);
		EXPECT_EQ(after.reserve, after.borrowed);
	}
}

/* Free pages of ours do not stand in the way of what is to describe others. */
TEST_F(charge, free_pages_make_room_for_what_describes_objects)
{
	__u64 cache, taken;
	int fd = device_open();

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, make_cache(self->fd, 16, MEMALLOC_CACHE_STORE_USER, &cache));
	taken = take_all_objects(self->fd, cache, 0);
	close(self->fd);
	EXPECT_LT(1000, take_all_pages(fd));
	close(fd);
	ASSERT_EQ(0, make_cache(self->other, 16, MEMALLOC_CACHE_STORE_USER, &cache));
	EXPECT_LE(taken - taken / 16, take_all_objects(self->other, cache, 0));
}

TEST_F(charge, quota_counts_what_describes_objects)
{
	enum { COUNT = 1000, SIZE = 16 };
	struct memalloc_stats_file before, after;
	__u64 cache, tracked, objects;
	struct memalloc_info plain, known;

	ASSERT_EQ(0, make_cache(self->fd, SIZE, 0, &cache));
	ASSERT_EQ(0, make_cache(self->fd, SIZE, MEMALLOC_CACHE_STORE_USER, &tracked));
	ASSERT_EQ(0, device_alloc_objects(self->fd, cache, COUNT, &objects));
	ASSERT_EQ(0, device_info(self->fd, objects, 0, 0, &plain));
	EXPECT_LE(COUNT * (SIZE + 1), plain.out_held);
	ASSERT_EQ(0, device_file(self->fd, &before));
	ASSERT_EQ(0, device_alloc_objects(self->fd, tracked, COUNT, &objects));
	ASSERT_EQ(0, device_info(self->fd, objects, 0, 0, &known));
	EXPECT_LE(plain.out_held + COUNT * TRACK, known.out_held);
	ASSERT_EQ(0, device_file(self->fd, &after));
	EXPECT_EQ(known.out_held, after.bytes - before.bytes);
	ASSERT_EQ(0, device_free(self->fd, objects));
	ASSERT_EQ(0, device_file(self->fd, &after));
	EXPECT_EQ(before.bytes, after.bytes);
}

/* All objects of a slab together are charged with all of its pages, at least. */
TEST_F(charge, quota_counts_the_share_of_the_slab)
{
	const __u32 sizes[] = { 1, 24, 1000, 3000, 5000, 70000, (2 << 20) + 1 };
	__u64 cache, pool, objects, element;
	struct memalloc_stats_cache stats;
	struct memalloc_info info;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		ASSERT_EQ(0, make_cache(self->fd, sizes[i], 0, &cache));
		ASSERT_EQ(0, device_cache(self->fd, cache, &stats));
		ASSERT_EQ(0, device_alloc_objects(self->fd, cache, 1, &objects));
		ASSERT_EQ(0, device_info(self->fd, objects, 0, 0, &info));
		EXPECT_LE(stats.slab_pages * page_size(), info.out_held * stats.slab_objects)
			TH_LOG("%u bytes", sizes[i]);
		EXPECT_GE(2 * stats.slab_pages * page_size() + 1024,
			  info.out_held * stats.slab_objects);
		ASSERT_EQ(0, device_free(self->fd, objects));
		ASSERT_EQ(0, device_mempool_create(self->fd, MEMALLOC_MEMPOOL_CACHE, cache, 1,
						   &pool));
		ASSERT_EQ(0, device_alloc_element(self->fd, pool, 0,
						  MEMALLOC_ALLOC_PREALLOCATED, &element));
		ASSERT_EQ(0, device_info(self->fd, element, 0, 0, &info));
		EXPECT_LE(stats.slab_pages * page_size(), info.out_held * stats.slab_objects);
		ASSERT_EQ(0, device_free(self->fd, element));
		ASSERT_EQ(0, device_free(self->fd, pool));
	}
}

/* --- what caches keep ------------------------------------------------------------ */

static const struct { __u32 size, count, flags; } keepers[] = {
	{ 256 << 10, 8, 0 }, { 64, 2000, 0 }, { 4096, 60, MEMALLOC_CACHE_RECLAIM_ACCOUNT },
	{ 200, 1000, MEMALLOC_CACHE_QUARANTINE },
	{ 4000, 60, MEMALLOC_CACHE_QUARANTINE | MEMALLOC_CACHE_POISON },
};

/* A cache of which all objects have been freed. Return: the pages that it keeps. */
static __u64 keep(int fd, size_t which, __u64 *cache)
{
	struct memalloc_stats_cache stats;
	__u64 objects;

	if (make_cache(fd, keepers[which].size, keepers[which].flags, cache) ||
	    device_alloc_objects(fd, *cache, keepers[which].count, &objects) ||
	    device_free(fd, objects) || device_cache(fd, *cache, &stats))
		return 0;
	return stats.pages;
}

static unsigned int take_all_percpu(int fd)
{
	struct memalloc_alloc alloc;
	unsigned int taken = 0;

	while (!device_alloc_percpu(fd, 2000, 0, &alloc))
		taken++;
	return taken;
}

/* Caches that keep so many pages, or more. Return: how many they keep. */
static __u64 keep_pages(int fd, __u64 wanted)
{
	__u64 cache, kept = 0;
	unsigned int i;

	for (i = 0; kept < wanted && i < 100; i++)
		kept += keep(fd, i % ARRAY_SIZE(keepers), &cache);
	return kept;
}

/* As much as if there were none, when the cap is reached. */
static void expect_all(struct __test_metadata *_metadata, FIXTURE_DATA(charge) *self,
		       unsigned int (*take_all)(int fd))
{
	unsigned int all, again;
	int fd = device_open();
	__u64 kept;

	ASSERT_LE(0, fd);
	all = take_all(fd);
	close(fd);
	kept = keep_pages(self->fd, (CAP_MB << 20) / page_size() / 2);
	again = take_all(self->other);
	TH_LOG("%u, and %u when caches keep %llu pages", all, again, kept);
	EXPECT_LE((CAP_MB << 20) / page_size() / 2, kept);
	EXPECT_LE(all - all / 64, again);
	EXPECT_EQ(0, device_validate(self->other));
}

TEST_F(charge, what_caches_keep_is_there_for_others)
{
	expect_all(_metadata, self, take_all_pages);
}

TEST_F(charge, what_caches_keep_is_there_for_percpu_areas)
{
	expect_all(_metadata, self, take_all_percpu);
}

/* The host has its way with whatever no one has, held back or at hand on a CPU. */
TEST_F(charge, host_gets_what_caches_keep)
{
	struct memalloc_stats_cache stats;
	unsigned int turn;
	__u64 cache;
	size_t i;

	if (line_write("/proc/sys/vm/drop_caches", "2"))
		SKIP(return, "this kernel does not shrink on demand");
	for (i = 0; i < ARRAY_SIZE(keepers); i++) {
		EXPECT_LT(0, keep(self->fd, i, &cache));
		for (turn = 0, stats.pages = 1; stats.pages && turn < 20; turn++) {
			ASSERT_EQ(0, line_write("/proc/sys/vm/drop_caches", "2"));
			ASSERT_EQ(0, device_cache(self->fd, cache, &stats));
		}
		EXPECT_EQ(0, stats.pages) {
			TH_LOG("objects of %u bytes, flags %x", keepers[i].size,
			       keepers[i].flags);
		}
	}
}

TEST_HARNESS_MAIN
