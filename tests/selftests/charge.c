// SPDX-License-Identifier: GPL-2.0
/*
 * Charge: memory for objects and caches beyond their pages is charged, and
 * cached memory is reclaimed for others
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stdio.h>

#include "effort.h"
#include "harness.h"
#include "memalloc_device.h"
#include "module_parameter.h"

/* The metadata of an object in the debug modes is much larger than this. */
enum { TRACK = 64 };

/* The cap, in addition to the reserve. */
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

/* Allocate as many objects as possible, in decreasing numbers. */
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

/*
 * --- metadata of objects
 * ------------------------------------------------------
 */

/* For all flags and ways of allocation; and all of it is returned. */
TEST_F(charge, cap_covers_object_metadata)
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

/* Free borrowed pages are returned to make room for metadata. */
TEST_F(charge, free_pages_make_room_for_metadata)
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

/*
 * Caches exempt from reclaim keep at least one sheaf each, 64 bytes per object.
 */
TEST_F(charge, cap_covers_sheaves)
{
	enum { CACHES = 400, SHEAF = 2000 };
	struct memalloc_stats_borrowing full;
	__u64 cache, object;
	unsigned int i;

	for (i = 0; i < CACHES; i++) {
		ASSERT_EQ(0, make_cache(self->fd, 64, MEMALLOC_CACHE_NO_REAP, &cache));
		ASSERT_EQ(0, device_alloc_objects(self->fd, cache, 1, &object));
		ASSERT_EQ(0, device_free(self->fd, object));
	}
	EXPECT_LT(CACHES, take_all_pages(self->other));
	ASSERT_EQ(0, device_borrowing(self->other, &full));
	TH_LOG("at a cap of %llu pages, %llu are borrowed", full.cap, full.borrowed);
	EXPECT_GE(full.cap, full.borrowed + CACHES * SHEAF / page_size());
	EXPECT_LE(self->before.metadata_bytes + CACHES * SHEAF, full.metadata_bytes);
	EXPECT_EQ(0, device_validate(self->other));
}

/*
 * One page in each of some sections keeps the descriptors of the whole section.
 * Consecutive allocations come from one section until it is full.
 */
TEST_F(charge, cap_covers_sections)
{
	enum { SECTIONS = 12, SECTION = 1024, WIDE_MB = 64, NARROW_MB = 1 };
	__u64 reserve_mb = self->before.reserve * page_size() >> 20;
	struct memalloc_stats_borrowing scattered, full;
	__u64 *handles = calloc(SECTIONS * SECTION, sizeof(*handles));
	struct memalloc_alloc alloc;
	unsigned int i;

	ASSERT_NE(NULL, handles);
	ASSERT_EQ(0, parameter_set("cap_mb", WIDE_MB + reserve_mb));
	for (i = 0; i < SECTIONS * SECTION; i++) {
		ASSERT_EQ(0, device_alloc_pages(self->fd, 0, 0, &alloc));
		handles[i] = alloc.out_handle;
	}
	for (i = 0; i < SECTIONS * SECTION; i++)
		if (i % SECTION != SECTION / 2)
			ASSERT_EQ(0, device_free(self->fd, handles[i]));
	free(handles);
	ASSERT_EQ(0, device_shrink(self->fd));
	ASSERT_EQ(0, device_borrowing(self->fd, &scattered));
	EXPECT_EQ(scattered.reserve + SECTIONS, scattered.borrowed);
	ASSERT_EQ(0, parameter_set("cap_mb", NARROW_MB + reserve_mb));
	take_all_pages(self->other);
	ASSERT_EQ(0, device_borrowing(self->fd, &full));
	TH_LOG("%llu pages and %llu KiB of metadata, at a cap of %llu pages",
	       full.borrowed, full.metadata_bytes >> 10, full.cap);
	EXPECT_LT(self->before.metadata_bytes, scattered.metadata_bytes);
	EXPECT_GE(full.cap, full.borrowed + full.metadata_bytes / page_size());
	EXPECT_EQ(0, device_validate(self->other));
}

/*
 * An area of one page has a structure with its address, its size and a pointer
 * to the page. All pages together need three sections at most, of 28 KiB each.
 */
TEST_F(charge, cap_and_quota_cover_area_metadata)
{
	enum { AREAS = 1500, AREA = 64 };
	struct memalloc_stats_borrowing full;
	struct memalloc_stats_file file;
	struct memalloc_alloc alloc;
	unsigned int i;

	for (i = 0; i < AREAS; i++)
		ASSERT_EQ(0, device_alloc_area(self->fd, page_size(), 0, &alloc));
	ASSERT_EQ(0, device_borrowing(self->fd, &full));
	EXPECT_LE(self->before.metadata_bytes + AREAS * AREA, full.metadata_bytes);
	EXPECT_GE(full.cap, full.borrowed + full.metadata_bytes / page_size());
	close(self->fd);
	ASSERT_EQ(0, device_alloc_area(self->other, AREAS * page_size(), 0, &alloc));
	ASSERT_EQ(0, device_file(self->other, &file));
	EXPECT_LE(AREAS * sizeof(void *), file.described_bytes);
	ASSERT_EQ(0, device_free(self->other, alloc.out_handle));
	EXPECT_EQ(0, device_validate(self->other));
}

static int use_on_cpu(int fd, __u64 cache, unsigned int cpu)
{
	cpu_set_t set;
	__u64 object;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		return -errno;
	return device_alloc_objects(fd, cache, 1, &object) ?: device_free(fd, object);
}

/*
 * A cache exempt from reclaim keeps at least one sheaf on each CPU that used
 * it. The caches that the quota of a file permits take no more metadata than
 * they are charged with.
 */
TEST_F(charge, quota_counts_sheaves)
{
	enum { CACHES_MAX = 4000 };
	const unsigned int cpus = sysconf(_SC_NPROCESSORS_ONLN);
	struct memalloc_stats_borrowing full;
	struct memalloc_stats_file file;
	unsigned int caches, cpu;
	char quota[PARAMETER_LENGTH];
	cpu_set_t all;
	__u64 cache;
	int err;

	ASSERT_EQ(0, sched_getaffinity(0, sizeof(all), &all));
	ASSERT_EQ(0, parameter_read("quota_file_mb", quota));
	ASSERT_EQ(0, parameter_write("quota_file_mb", "1"));
	for (caches = 0; caches < CACHES_MAX; caches++) {
		err = make_cache(self->fd, 64, MEMALLOC_CACHE_NO_REAP, &cache);
		if (err)
			break;
		for (cpu = 0; cpu < cpus; cpu++)
			use_on_cpu(self->fd, cache, cpu);
	}
	EXPECT_EQ(0, device_borrowing(self->other, &full));
	EXPECT_EQ(0, device_file(self->fd, &file));
	EXPECT_EQ(0, parameter_write("quota_file_mb", quota));
	EXPECT_EQ(0, sched_setaffinity(0, sizeof(all), &all));
	EXPECT_EQ(-EDQUOT, err);
	TH_LOG("%u caches charged with %llu KiB have %llu KiB of metadata", caches,
	       (file.bytes + file.described_bytes) >> 10,
	       (full.metadata_bytes - self->before.metadata_bytes) >> 10);
	EXPECT_LE(8, caches);
	EXPECT_GE(file.bytes + file.described_bytes,
		  full.metadata_bytes - self->before.metadata_bytes);
	EXPECT_EQ(0, device_validate(self->other));
	ASSERT_EQ(0, close(self->fd));
	ASSERT_EQ(0, device_file(self->other, &file));
	EXPECT_EQ(0, file.device_bytes);
}

/* A thread that allocates and frees areas, and counts the results. */
struct taker {
	pthread_t thread;
	int fd;
	unsigned int rounds;
	unsigned int got;	/* areas */
	unsigned int refused;	/* by the quota */
	int err;		/* any other error */
};

/* Two of the areas exceed the quota. */
static void *take_areas(void *arg)
{
	struct taker *taker = arg;
	struct memalloc_alloc alloc;
	int err;

	while (taker->got < taker->rounds && !taker->err) {
		err = device_alloc_area(taker->fd, (CAP_MB << 20) * 11 / 20, 0, &alloc);
		if (err == -EDQUOT) {
			taker->refused++;
			continue;
		}
		taker->err = err ? err : device_free(taker->fd, alloc.out_handle);
		taker->got++;
	}
	return NULL;
}

/*
 * Memory is charged until it can be allocated again. A quota of the device that
 * is as large as the cap refuses a request before the cap does.
 */
TEST_F(charge, quota_as_large_as_the_cap_is_reached_first)
{
	struct taker takers[2] = { { .fd = self->fd }, { .fd = self->other } };
	char quota[PARAMETER_LENGTH];
	unsigned int i;

	ASSERT_EQ(0, parameter_read("quota_device_mb", quota));
	ASSERT_EQ(0, parameter_set("quota_device_mb", CAP_MB));
	for (i = 0; i < ARRAY_SIZE(takers); i++) {
		takers[i].rounds = effort_of(100);
		EXPECT_EQ(0, pthread_create(&takers[i].thread, NULL, take_areas, &takers[i]));
	}
	for (i = 0; i < ARRAY_SIZE(takers); i++) {
		EXPECT_EQ(0, pthread_join(takers[i].thread, NULL));
		EXPECT_EQ(0, takers[i].err);
	}
	EXPECT_EQ(0, parameter_write("quota_device_mb", quota));
	TH_LOG("%u and %u allocations, %u and %u refused", takers[0].got, takers[1].got,
	       takers[0].refused, takers[1].refused);
	EXPECT_LT(0, takers[0].got + takers[1].got);
}

TEST_F(charge, quota_counts_object_metadata)
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

/* All objects of a slab together are charged with at least all of its pages. */
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

/*
 * --- cached objects
 * -------------------------------------------------------------
 */

static const struct { __u32 size, count, flags; } keepers[] = {
	{ 256 << 10, 8, 0 }, { 64, 2000, 0 }, { 4096, 60, MEMALLOC_CACHE_RECLAIM_ACCOUNT },
	{ 200, 1000, MEMALLOC_CACHE_QUARANTINE },
	{ 4000, 60, MEMALLOC_CACHE_QUARANTINE | MEMALLOC_CACHE_POISON },
};

/* Create a cache and free all of its objects. Return: pages that it keeps. */
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

/*
 * Create caches that keep at least @wanted pages. Return: pages that they keep.
 */
static __u64 keep_pages(int fd, __u64 wanted)
{
	__u64 cache, kept = 0;
	unsigned int i;

	for (i = 0; kept < wanted && i < 100; i++)
		kept += keep(fd, i % ARRAY_SIZE(keepers), &cache);
	return kept;
}

/*
 * At the cap, others get as much as without cached objects, except for new
 * ones.
 */
static void expect_all(struct __test_metadata *_metadata, FIXTURE_DATA(charge) *self,
		       unsigned int (*take_all)(int fd), unsigned int at_once)
{
	unsigned int all, again;
	int fd = device_open();
	__u64 kept;

	ASSERT_LE(0, fd);
	all = take_all(fd);
	close(fd);
	kept = keep_pages(self->fd, (CAP_MB << 20) / page_size() / 2);
	again = take_all(self->other);
	TH_LOG("%u allocations, %u while caches keep %llu pages", all, again, kept);
	EXPECT_LE((CAP_MB << 20) / page_size() / 2, kept);
	EXPECT_LE(all - all / 64 - at_once, again);
	EXPECT_EQ(0, device_validate(self->other));
}

TEST_F(charge, cached_objects_are_reclaimed_for_others)
{
	expect_all(_metadata, self, take_all_pages, 0);
}

/*
 * The host may place the chunks elsewhere, and each of its units has metadata
 * of about the size of three chunks.
 */
TEST_F(charge, cached_objects_are_reclaimed_for_percpu_areas)
{
	expect_all(_metadata, self, take_all_percpu, 4 * (32768 / 2000));
}

/* The host reclaims all free objects, in quarantine or cached on a CPU. */
TEST_F(charge, host_reclaims_cached_objects)
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

/* Allowance for the host's own use, and its cost for one unit. */
enum { PERCPU_CAP_MB = 48, MARGIN_MB = 12 };

static __u64 host_available(void)
{
	unsigned long long kib = 0;
	char line[128];
	FILE *file = fopen("/proc/meminfo", "r");

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "MemAvailable: %llu kB", &kib) == 1)
			break;
	if (file)
		fclose(file);
	return kib << 10;
}

/* Each area needs a chunk of its own, as two do not fit into one. */
TEST_F(charge, percpu_areas_take_no_more_from_the_host_than_the_cap)
{
	struct memalloc_alloc alloc;
	__u64 before, after;
	unsigned int taken;

	ASSERT_EQ(0, parameter_set("cap_mb", PERCPU_CAP_MB));
	ASSERT_EQ(0, device_shrink(self->other));
	before = host_available();
	for (taken = 0; !device_alloc_percpu(self->fd, 16388, 0, &alloc); taken++)
		;
	after = host_available();
	TH_LOG("%u areas: the host has %lld KiB less, the cap is %u MiB", taken,
	       (long long)(before - after) >> 10, PERCPU_CAP_MB);
	EXPECT_LT(10, taken);
	EXPECT_LT(before, after + ((__u64)(PERCPU_CAP_MB + MARGIN_MB) << 20));
}

TEST_HARNESS_MAIN
