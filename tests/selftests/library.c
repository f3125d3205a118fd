// SPDX-License-Identifier: GPL-2.0
/*
 * libmemalloc: each function does what the ioctl does, and what its header
 * promises beyond that
 *
 * A test does the same twice, by the library and by ioctl(2), and compares what
 * the module says about the results.
 */
#include <endian.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/ioctl.h>

#include "effort.h"
#include "harness.h"
#include "memalloc_device.h"
#include "module_parameter.h"

enum {
	KINDS = 9,	/* one more than the number of kinds */
	SECTIONS = 10,	/* likewise */
	THREADS = 4,
};

#define VALUE	0x0123456789abcdefULL

static int raw(int fd, unsigned int command, void *argument)
{
	return ioctl(fd, command, argument) < 0 ? -errno : 0;
}

static int raw_info(int fd, __u64 handle, struct memalloc_info *info)
{
	memset(info, 0, sizeof(*info));
	info->size = sizeof(*info);
	info->handle = handle;
	return raw(fd, MEMALLOC_INFO, info);
}

FIXTURE(library) {
	int fd;
	uint64_t cache;
	uint64_t pool;
};

FIXTURE_SETUP(library)
{
	self->fd = memalloc_open(NULL, O_RDWR);
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, memalloc_new_cache(self->fd, "library", 100, 0, &self->cache));
	ASSERT_EQ(0, memalloc_new_mempool(self->fd, "library", MEMALLOC_MEMPOOL_KMALLOC,
					  200, 4, &self->pool));
}

FIXTURE_TEARDOWN(library)
{
	EXPECT_EQ(0, memalloc_validate(self->fd, NULL, NULL));
	EXPECT_EQ(0, memalloc_close(self->fd));
}

/* --- kinds ---------------------------------------------------------------- */

static int make(int fd, __u32 kind, uint64_t cache, uint64_t pool, uint64_t *handle)
{
	switch (kind) {
	case MEMALLOC_KIND_PAGES:
		return memalloc_new_pages(fd, 1, MEMALLOC_GFP_USER, handle);
	case MEMALLOC_KIND_CACHE:
		return memalloc_new_cache(fd, "made", 72, MEMALLOC_CACHE_HWCACHE_ALIGN,
					  handle);
	case MEMALLOC_KIND_OBJECT:
		return memalloc_new_objects(fd, cache, 5, MEMALLOC_GFP_USER, handle);
	case MEMALLOC_KIND_KMALLOC:
		return memalloc_new_kmalloc(fd, 333, MEMALLOC_GFP_USER, handle);
	case MEMALLOC_KIND_MEMPOOL:
		return memalloc_new_mempool(fd, "made", MEMALLOC_MEMPOOL_CACHE, cache, 3,
					    handle);
	case MEMALLOC_KIND_ELEMENT:
		return memalloc_new_element(fd, pool, MEMALLOC_ALLOC_PREALLOCATED,
					    MEMALLOC_GFP_USER, handle);
	case MEMALLOC_KIND_PERCPU:
		return memalloc_new_percpu(fd, 40, 16, MEMALLOC_GFP_USER, handle);
	case MEMALLOC_KIND_AREA:
		return memalloc_new_area(fd, 20000, MEMALLOC_GFP_USER, handle);
	}
	return -EINVAL;
}

static int make_cache_raw(int fd, __u64 *handle)
{
	struct memalloc_cache_create create = {
		.size = sizeof(create),
		.flags = MEMALLOC_CACHE_HWCACHE_ALIGN,
		.object_size = 72,
		.usersize = 72,
		.name = "made",
	};
	int err = raw(fd, MEMALLOC_CACHE_CREATE, &create);

	*handle = create.out_handle;
	return err;
}

static int make_mempool_raw(int fd, __u64 cache, __u64 *handle)
{
	struct memalloc_mempool_create create = {
		.size = sizeof(create),
		.backend = MEMALLOC_MEMPOOL_CACHE,
		.parent = cache,
		.min_nr = 3,
		.node = -1,
		.name = "made",
	};
	int err = raw(fd, MEMALLOC_MEMPOOL_CREATE, &create);

	*handle = create.out_handle;
	return err;
}

/* The same requests as in make() */
static int make_raw(int fd, __u32 kind, __u64 cache, __u64 pool, __u64 *handle)
{
	struct memalloc_alloc alloc = {
		.size = sizeof(alloc), .kind = kind, .gfp = MEMALLOC_GFP_USER, .node = -1,
	};
	int err;

	switch (kind) {
	case MEMALLOC_KIND_CACHE:
		return make_cache_raw(fd, handle);
	case MEMALLOC_KIND_MEMPOOL:
		return make_mempool_raw(fd, cache, handle);
	case MEMALLOC_KIND_PAGES:
		alloc.order = 1;
		break;
	case MEMALLOC_KIND_OBJECT:
		alloc.parent = cache;
		alloc.count = 5;
		break;
	case MEMALLOC_KIND_KMALLOC:
		alloc.bytes = 333;
		break;
	case MEMALLOC_KIND_ELEMENT:
		alloc.parent = pool;
		alloc.flags = MEMALLOC_ALLOC_PREALLOCATED;
		break;
	case MEMALLOC_KIND_PERCPU:
		alloc.bytes = 40;
		alloc.align = 16;
		break;
	case MEMALLOC_KIND_AREA:
		alloc.bytes = 20000;
		break;
	}
	err = raw(fd, MEMALLOC_ALLOC, &alloc);
	*handle = alloc.out_handle;
	return err;
}

TEST_F(library, makes_each_kind_as_the_ioctl_does)
{
	struct memalloc_info mine, theirs;
	uint64_t handle;
	__u64 other;
	__u32 kind;

	for (kind = 1; kind < KINDS; kind++) {
		ASSERT_EQ(0, make(self->fd, kind, self->cache, self->pool, &handle))
			TH_LOG("%s", memalloc_kind_name(kind));
		ASSERT_EQ(0, make_raw(self->fd, kind, self->cache, self->pool, &other));
		ASSERT_EQ(0, raw_info(self->fd, handle, &mine));
		ASSERT_EQ(0, raw_info(self->fd, other, &theirs));
		EXPECT_EQ(kind, mine.out_kind);
		EXPECT_EQ(theirs.out_order, mine.out_order);
		EXPECT_EQ(theirs.out_bytes, mine.out_bytes);
		EXPECT_EQ(theirs.out_held, mine.out_held);
		EXPECT_EQ(theirs.out_parent, mine.out_parent);
		EXPECT_EQ(theirs.out_count, mine.out_count);
		EXPECT_EQ(!theirs.out_map_offset, !mine.out_map_offset);
		EXPECT_STREQ(theirs.out_name, mine.out_name);
		EXPECT_EQ(0, memalloc_free(self->fd, handle));
		EXPECT_EQ(-ENOENT, raw_info(self->fd, handle, &mine));
		EXPECT_EQ(-ENOENT, memalloc_free(self->fd, handle));
		EXPECT_EQ(0, memalloc_free(self->fd, other));
	}
}

TEST_F(library, knows_the_name_of_each_kind_zone_and_backend)
{
	__u32 i;

	for (i = 1; i < KINDS; i++) {
		EXPECT_STRNE("unknown", memalloc_kind_name(i));
	}
	for (i = 0; i < MEMALLOC_NR_ZONES; i++) {
		EXPECT_STRNE("unknown", memalloc_zone_name(i));
	}
	for (i = 0; i <= MEMALLOC_MEMPOOL_CACHE; i++) {
		EXPECT_STRNE("unknown", memalloc_backend_name(i));
	}
	EXPECT_STREQ("unknown", memalloc_kind_name(0));
	EXPECT_STREQ("unknown", memalloc_kind_name(KINDS));
	EXPECT_STREQ("unknown", memalloc_kind_name(UINT32_MAX));
	EXPECT_STREQ("unknown", memalloc_zone_name(MEMALLOC_NR_ZONES));
	EXPECT_STREQ("unknown", memalloc_backend_name(MEMALLOC_MEMPOOL_CACHE + 1));
}

TEST_F(library, refuses_a_name_that_does_not_fit)
{
	const char *longest = "abcdefghijklmnopqrstuvw";
	uint64_t handle = 7;

	ASSERT_EQ(MEMALLOC_NAME_SIZE - 1, strlen(longest));
	EXPECT_EQ(-ENAMETOOLONG, memalloc_new_cache(self->fd, "abcdefghijklmnopqrstuvwx",
						    8, 0, &handle));
	EXPECT_EQ(-ENAMETOOLONG, memalloc_new_mempool(self->fd, "abcdefghijklmnopqrstuvwx",
						      MEMALLOC_MEMPOOL_KMALLOC, 8, 1,
						      &handle));
	EXPECT_EQ(-EINVAL, memalloc_new_cache(self->fd, "a b", 8, 0, &handle));
	EXPECT_EQ(-EINVAL, memalloc_new_cache(self->fd, "", 8, 0, &handle));
	EXPECT_EQ(7, handle);
	EXPECT_EQ(0, memalloc_new_cache(self->fd, longest, 8, 0, &handle));
}

/* --- contents ------------------------------------------------------------- */

static int raw_io(int fd, unsigned int command, __u64 handle, __u64 offset, void *data,
		  __u64 length)
{
	struct memalloc_io io = {
		.size = sizeof(io),
		.handle = handle,
		.offset = offset,
		.length = length,
		.data = address_of(data),
	};
	int err = raw(fd, command, &io);

	return err ? err : io.out_done == length ? 0 : -EIO;
}

TEST_F(library, copies_as_the_ioctl_does)
{
	const char text[] = "written by one, read by the other";
	char seen[sizeof(text)];
	uint64_t handle;
	__u32 kind;

	for (kind = 1; kind < KINDS; kind++) {
		if (kind == MEMALLOC_KIND_CACHE || kind == MEMALLOC_KIND_MEMPOOL)
			continue;
		ASSERT_EQ(0, make(self->fd, kind, self->cache, self->pool, &handle));
		EXPECT_EQ(0, memalloc_write(self->fd, handle, 3, text, sizeof(text)));
		memset(seen, 0, sizeof(seen));
		EXPECT_EQ(0, raw_io(self->fd, MEMALLOC_READ, handle, 3, seen, sizeof(seen)));
		EXPECT_EQ(0, memcmp(text, seen, sizeof(text)));
		EXPECT_EQ(0, raw_io(self->fd, MEMALLOC_WRITE, handle, 1, seen, sizeof(seen)));
		memset(seen, 0, sizeof(seen));
		EXPECT_EQ(0, memalloc_read(self->fd, handle, 1, seen, sizeof(seen)));
		EXPECT_EQ(0, memcmp(text, seen, sizeof(text)));
		EXPECT_EQ(0, memalloc_read(self->fd, handle, 0, NULL, 0));
		EXPECT_EQ(0, memalloc_free(self->fd, handle));
	}
}

TEST_F(library, fills_and_verifies_as_the_ioctl_does)
{
	struct memalloc_pattern_io io = {
		.size = sizeof(io),
		.offset = 16,
		.length = 128,
		.value = VALUE,
		.pattern = MEMALLOC_PATTERN_COUNT,
	};
	uint64_t handle, same = 1;

	ASSERT_EQ(0, memalloc_new_kmalloc(self->fd, 333, 0, &handle));
	ASSERT_EQ(0, memalloc_fill(self->fd, handle, 16, 128, MEMALLOC_PATTERN_COUNT, VALUE));
	io.handle = handle;
	ASSERT_EQ(0, raw(self->fd, MEMALLOC_VERIFY, &io));
	EXPECT_EQ(128, io.out_done);
	EXPECT_EQ(0, memalloc_verify(self->fd, handle, 16, 128, MEMALLOC_PATTERN_COUNT,
				     VALUE, &same));
	EXPECT_EQ(128, same);
	EXPECT_EQ(0, memalloc_verify(self->fd, handle, 144, 333 - 144,
				     MEMALLOC_PATTERN_REPEAT, 0, NULL));
	ASSERT_EQ(0, memalloc_write(self->fd, handle, 21, "\xff", 1));
	EXPECT_EQ(-EILSEQ, memalloc_verify(self->fd, handle, 16, 128, MEMALLOC_PATTERN_COUNT,
					   VALUE, &same));
	ASSERT_EQ(0, raw(self->fd, MEMALLOC_VERIFY, &io));
	EXPECT_EQ(io.out_done, same);
	EXPECT_EQ(5, same);
	EXPECT_EQ(-EILSEQ, memalloc_verify(self->fd, handle, 16, 128, MEMALLOC_PATTERN_COUNT,
					   VALUE, NULL));
}

TEST_F(library, resizes_kmalloc_memory_and_mempools)
{
	struct memalloc_resize resize = { .size = sizeof(resize), .bytes = 5000 };
	struct memalloc_stats_mempool stats;
	struct memalloc_info info;
	uint64_t handle;

	ASSERT_EQ(0, memalloc_new_kmalloc(self->fd, 40, 0, &handle));
	ASSERT_EQ(0, memalloc_fill(self->fd, handle, 0, 40, MEMALLOC_PATTERN_COUNT, VALUE));
	EXPECT_EQ(0, memalloc_resize_kmalloc(self->fd, handle, 400, 0));
	ASSERT_EQ(0, raw_info(self->fd, handle, &info));
	EXPECT_EQ(400, info.out_bytes);
	EXPECT_EQ(0, memalloc_verify(self->fd, handle, 0, 40, MEMALLOC_PATTERN_COUNT, VALUE,
				     NULL));
	resize.handle = handle;
	EXPECT_EQ(0, memalloc_resize(self->fd, &resize));
	EXPECT_EQ(5000, resize.out_bytes);
	ASSERT_EQ(0, raw_info(self->fd, handle, &info));
	EXPECT_EQ(info.out_held, resize.out_held);
	EXPECT_EQ(0, memalloc_resize_mempool(self->fd, self->pool, 9, 0));
	ASSERT_EQ(0, memalloc_stats_of(self->fd, MEMALLOC_SECTION_MEMPOOL, self->pool, &stats,
				       sizeof(stats), NULL));
	EXPECT_EQ(9, stats.min_nr);
	EXPECT_EQ(-EINVAL, memalloc_resize_mempool(self->fd, self->pool, 0, 0));
	EXPECT_EQ(-EOPNOTSUPP, memalloc_resize_kmalloc(self->fd, self->cache, 8, 0));
}

TEST_F(library, maps_the_range_and_nothing_else)
{
	const size_t page = page_size();
	uint64_t first, second, small;
	char *memory = NULL, byte;
	void *address = NULL;

	ASSERT_EQ(0, memalloc_new_pages(self->fd, 1, MEMALLOC_GFP_USER, &first));
	ASSERT_EQ(0, memalloc_new_pages(self->fd, 1, MEMALLOC_GFP_USER, &second));
	ASSERT_EQ(0, memalloc_new_kmalloc(self->fd, 8, 0, &small));
	ASSERT_EQ(0, memalloc_map(self->fd, first, page, page, PROT_READ | PROT_WRITE,
				  &address));
	memory = address;
	memory[5] = 'x';
	EXPECT_EQ(0, raw_io(self->fd, MEMALLOC_READ, first, page + 5, &byte, 1));
	EXPECT_EQ('x', byte);
	EXPECT_EQ(1, device_mappings(self->fd, first));
	EXPECT_EQ(0, memalloc_free(self->fd, first));
	EXPECT_EQ('x', memory[5]);
	EXPECT_EQ(0, memalloc_unmap(address, page));

	address = self;
	EXPECT_EQ(-ENOENT, memalloc_map(self->fd, first, 0, page, PROT_READ, &address));
	EXPECT_EQ(-ENODEV, memalloc_map(self->fd, small, 0, 8, PROT_READ, &address));
	EXPECT_EQ(-EOVERFLOW, memalloc_map(self->fd, second, page, 2 * page, PROT_READ,
					   &address));
	EXPECT_EQ(-EOVERFLOW, memalloc_map(self->fd, second, 2 * page, page, PROT_READ,
					   &address));
	EXPECT_EQ(-EOVERFLOW, memalloc_map(self->fd, second, -(uint64_t)page, page, PROT_READ,
					   &address));
	EXPECT_EQ(-EINVAL, memalloc_map(self->fd, second, 1, page, PROT_READ, &address));
	EXPECT_EQ(-EINVAL, memalloc_map(self->fd, second, 0, 0, PROT_READ, &address));
	EXPECT_EQ((void *)self, address);
	EXPECT_EQ(0, device_mappings(self->fd, second));
}

TEST_F(library, maps_by_offset_as_mmap_does)
{
	struct memalloc_alloc alloc = {
		.size = sizeof(alloc),
		.kind = MEMALLOC_KIND_AREA,
		.node = -1,
		.bytes = 3 * page_size(),
	};
	void *address;

	ASSERT_EQ(0, memalloc_alloc(self->fd, &alloc));
	ASSERT_EQ(0, memalloc_fill(self->fd, alloc.out_handle, 0, alloc.out_bytes,
				   MEMALLOC_PATTERN_REPEAT, VALUE));
	ASSERT_EQ(0, memalloc_map_at(self->fd, alloc.out_map_offset + page_size(),
				     page_size(), PROT_READ, &address));
	EXPECT_EQ(VALUE, le64toh(*(__u64 *)address));
	EXPECT_EQ(0, memalloc_unmap(address, page_size()));
	EXPECT_EQ(0, memalloc_free(self->fd, alloc.out_handle));
	EXPECT_EQ(-ENOENT, memalloc_map_at(self->fd, alloc.out_map_offset, page_size(),
					   PROT_READ, &address));
}

/* --- the module ----------------------------------------------------------- */

TEST_F(library, reads_statistics_as_the_ioctl_does)
{
	unsigned char mine[1024], theirs[1024];
	struct memalloc_stats stats;
	size_t known;
	__u32 count, section;

	for (section = 1; section < SECTIONS; section++) {
		stats = (struct memalloc_stats) {
			.size = sizeof(stats),
			.section = section,
			.length = sizeof(theirs),
			.data = address_of(theirs),
		};
		ASSERT_EQ(0, raw(self->fd, MEMALLOC_STATS, &stats));
		ASSERT_EQ(0, memalloc_stats(self->fd, section, 0, mine, sizeof(mine), &known));
		EXPECT_EQ(stats.out_length, known);
		ASSERT_EQ(0, memalloc_stats_count(self->fd, section, &count));
		EXPECT_EQ(stats.out_count, count);
		/* Sizes, names and totals that do not change meanwhile */
		EXPECT_EQ(0, memcmp(theirs, mine, 8));
		ASSERT_EQ(0, memalloc_stats(self->fd, section, 0, mine, 8, &known));
		EXPECT_EQ(8, known);
		EXPECT_EQ(-ENOENT, memalloc_stats(self->fd, section, count + 1000, mine,
						  sizeof(mine), NULL));
	}
	EXPECT_EQ(-EINVAL, memalloc_stats(self->fd, SECTIONS + 90, 0, mine, sizeof(mine),
					  NULL));
	EXPECT_EQ(-EINVAL, memalloc_stats(self->fd, MEMALLOC_SECTION_FILE, 0, mine, 4097,
					  NULL));
}

TEST_F(library, reads_the_statistics_of_a_handle)
{
	struct memalloc_stats_mempool pool;
	struct memalloc_stats_cache cache;

	ASSERT_EQ(0, memalloc_stats_of(self->fd, MEMALLOC_SECTION_CACHE, self->cache, &cache,
				       sizeof(cache), NULL));
	EXPECT_STREQ("u:library", cache.name);
	EXPECT_EQ(100, cache.object_size);
	ASSERT_EQ(0, memalloc_stats_of(self->fd, MEMALLOC_SECTION_MEMPOOL, self->pool, &pool,
				       sizeof(pool), NULL));
	EXPECT_EQ(4, pool.min_nr);
	EXPECT_EQ(-EINVAL, memalloc_stats_of(self->fd, MEMALLOC_SECTION_CACHE, self->pool,
					     &cache, sizeof(cache), NULL));
	EXPECT_EQ(-ENOENT, memalloc_stats_of(self->fd, MEMALLOC_SECTION_CACHE, 0, &cache,
					     sizeof(cache), NULL));
}

TEST_F(library, validates_shrinks_and_reports_the_version)
{
	struct memalloc_version version = { .size = sizeof(version) };
	uint64_t checked = 0, errors = 1, returned;
	struct memalloc_stats_cache stats;
	uint64_t objects;

	EXPECT_EQ(0, memalloc_validate(self->fd, &checked, &errors));
	EXPECT_LT(0, checked);
	EXPECT_EQ(0, errors);
	ASSERT_EQ(0, memalloc_version(self->fd, &version));
	EXPECT_EQ(MEMALLOC_ABI_VERSION, version.out_abi);
	ASSERT_EQ(0, memalloc_new_objects(self->fd, self->cache, 500, 0, &objects));
	ASSERT_EQ(0, memalloc_free(self->fd, objects));
	EXPECT_EQ(0, memalloc_shrink_cache(self->fd, self->cache, &returned));
	ASSERT_EQ(0, memalloc_stats_of(self->fd, MEMALLOC_SECTION_CACHE, self->cache, &stats,
				       sizeof(stats), NULL));
	EXPECT_EQ(0, stats.pages);
	EXPECT_EQ(-ENOENT, memalloc_shrink_cache(self->fd, 0, &returned));
	EXPECT_EQ(-EOPNOTSUPP, memalloc_shrink_cache(self->fd, self->pool, NULL));
	EXPECT_EQ(0, memalloc_shrink(self->fd, 1, &returned));
	EXPECT_LE(returned, 1);
	EXPECT_EQ(0, memalloc_shrink(self->fd, 0, NULL));
}

TEST_F(library, injects_a_failure)
{
	uint64_t handle, left = 99;

	ASSERT_EQ(0, memalloc_inject(self->fd, 1, &left));
	EXPECT_EQ(0, left);
	EXPECT_EQ(-ENOMEM, memalloc_new_pages(self->fd, 0, 0, &handle));
	ASSERT_EQ(0, memalloc_inject(self->fd, 1000, NULL));
	ASSERT_EQ(0, memalloc_inject(self->fd, 0, &left));
	EXPECT_EQ(1000, left);
	EXPECT_EQ(0, memalloc_new_pages(self->fd, 0, 0, &handle));
}

TEST_F(library, runs_a_batch_to_its_end_or_to_the_first_error)
{
	struct memalloc_free frees[3];
	struct memalloc_batch_op ops[3];
	uint64_t handles[2];
	size_t done;
	int i;

	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, memalloc_new_kmalloc(self->fd, 8, 0, &handles[i]));
	}
	for (i = 0; i < 3; i++) {
		frees[i] = (struct memalloc_free) {
			.size = sizeof(frees[i]), .handle = i == 1 ? 1 : handles[i / 2],
		};
		ops[i] = (struct memalloc_batch_op) {
			.cmd = MEMALLOC_FREE, .arg = address_of(&frees[i]),
		};
	}
	ASSERT_EQ(0, memalloc_batch(self->fd, ops, 3, 0, &done));
	EXPECT_EQ(2, done);
	EXPECT_EQ(0, ops[0].out_errno);
	EXPECT_EQ(ENOENT, ops[1].out_errno);
	ASSERT_EQ(0, memalloc_batch(self->fd, ops + 1, 2, MEMALLOC_BATCH_KEEP_GOING, &done));
	EXPECT_EQ(2, done);
	EXPECT_EQ(0, ops[2].out_errno);
	done = 7;
	EXPECT_EQ(-EINVAL, memalloc_batch(self->fd, ops, MEMALLOC_BATCH_MAX + 1, 0, &done));
	EXPECT_EQ(-EINVAL, memalloc_batch(self->fd, ops, 1ULL << 32, 0, &done));
	EXPECT_EQ(-EINVAL, memalloc_batch(self->fd, ops, 1, 0x80, &done));
	EXPECT_EQ(7, done);
}

TEST_F(library, opens_as_it_is_told)
{
	uint64_t handle;
	int fd;

	fd = memalloc_open(MEMALLOC_DEVICE_PATH, O_RDONLY);
	ASSERT_LE(0, fd);
	EXPECT_EQ(FD_CLOEXEC, fcntl(fd, F_GETFD));
	EXPECT_EQ(-EBADF, memalloc_new_pages(fd, 0, 0, &handle));
	EXPECT_EQ(0, memalloc_validate(fd, NULL, NULL));
	EXPECT_EQ(0, memalloc_close(fd));
	EXPECT_EQ(-EBADF, memalloc_close(fd));
	EXPECT_EQ(-EBADF, memalloc_validate(fd, NULL, NULL));
	EXPECT_EQ(-ENOENT, memalloc_open("/dev/nothing", O_RDWR));
	EXPECT_EQ(-EINVAL, memalloc_open(NULL, O_RDWR | O_CREAT));
	EXPECT_EQ(-EINVAL, memalloc_open(NULL, O_RDWR | O_NONBLOCK));
}

/* --- errors --------------------------------------------------------------- */

TEST_F(library, changes_no_errno_and_no_result_when_it_fails)
{
	uint64_t handle = 7, value = 7;
	uint32_t count = 7;
	void *address = self;
	size_t known = 7;

	errno = ERANGE;
	EXPECT_EQ(-EINVAL, memalloc_new_pages(self->fd, 99, 0, &handle));
	EXPECT_EQ(-ENOENT, memalloc_new_objects(self->fd, 1, 1, 0, &handle));
	EXPECT_EQ(-EINVAL, memalloc_new_mempool(self->fd, "", MEMALLOC_MEMPOOL_PAGES,
						1ULL << 32, 1, &handle));
	EXPECT_EQ(-EINVAL, memalloc_new_mempool(self->fd, "", 77, 0, 1, &handle));
	EXPECT_EQ(-ENOENT, memalloc_verify(self->fd, 1, 0, 0, 0, 0, &value));
	EXPECT_EQ(-EINVAL, memalloc_stats(self->fd, 99, 0, &count, sizeof(count), &known));
	EXPECT_EQ(-EINVAL, memalloc_stats_count(self->fd, 99, &count));
	EXPECT_EQ(-EBADF, memalloc_validate(-1, &value, &value));
	EXPECT_EQ(-EBADF, memalloc_shrink(-1, 0, &value));
	EXPECT_EQ(-EBADF, memalloc_inject(-1, 0, &value));
	EXPECT_EQ(-ENOENT, memalloc_map(self->fd, 1, 0, 1, PROT_READ, &address));
	EXPECT_EQ(-EINVAL, memalloc_unmap((void *)1, 1));
	EXPECT_EQ(-ENOENT, memalloc_open("/dev/nothing", O_RDONLY));
	EXPECT_EQ(-EBADF, memalloc_close(-1));
	memalloc_explain(-1, MEMALLOC_FREE, NULL, -EBADF, NULL, 0);
	memalloc_explain_open("/dev/nothing", -ENOENT, NULL, 0);
	EXPECT_EQ(ERANGE, errno);
	EXPECT_EQ(7, handle);
	EXPECT_EQ(7, value);
	EXPECT_EQ(7, count);
	EXPECT_EQ(7, known);
	EXPECT_EQ((void *)self, address);
}

/* A program that knows only the first version of a structure */
TEST_F(library, touches_no_byte_beyond_the_size_of_the_caller)
{
	const size_t old = offsetof(struct memalloc_alloc, count);
	char text[MEMALLOC_EXPLANATION_MAX];
	struct memalloc_alloc *alloc;
	char *pages;

	pages = mmap(NULL, 2 * page_size(), PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, pages);
	ASSERT_EQ(0, mprotect(pages + page_size(), page_size(), PROT_NONE));
	alloc = (struct memalloc_alloc *)(pages + page_size() - old);
	alloc->size = old;
	alloc->kind = MEMALLOC_KIND_PAGES;
	alloc->node = -1;
	ASSERT_EQ(0, memalloc_alloc(self->fd, alloc));
	EXPECT_EQ(page_size(), alloc->out_bytes);
	alloc->order = 99;
	EXPECT_EQ(-EINVAL, memalloc_alloc(self->fd, alloc));
	EXPECT_LT(0, memalloc_explain(self->fd, MEMALLOC_ALLOC, alloc, -EINVAL, text,
				      sizeof(text)));
	EXPECT_NE(NULL, strstr(text, "combination of order"));
}

/* The explanation of the error of a request */
static const char *explain(int fd, unsigned int command, const void *argument, int err,
			   char text[MEMALLOC_EXPLANATION_MAX])
{
	const int length = memalloc_explain(fd, command, argument, err, text,
					    MEMALLOC_EXPLANATION_MAX);

	return length == (int)strlen(text) ? text : "(wrong length)";
}

#define EXPECT_SAYS(wanted, text) do {					\
	EXPECT_NE(NULL, strstr(text, wanted)) {				\
		TH_LOG("no '%s' in '%s'", wanted, text);		\
	}								\
} while (0)

TEST_F(library, explains_a_wrong_value)
{
	struct memalloc_alloc alloc = {
		.size = sizeof(alloc),
		.kind = MEMALLOC_KIND_OBJECT,
		.node = -1,
		.parent = self->pool,
	};
	struct memalloc_cache_create create = { .size = sizeof(create), .name = "a b" };
	struct memalloc_io io = {
		.size = sizeof(io), .offset = 4, .length = 9,
	};
	char text[MEMALLOC_EXPLANATION_MAX];
	uint64_t handle;
	int err;

	err = memalloc_alloc(self->fd, &alloc);
	EXPECT_SAYS("a handle that is not a cache\nCreate a cache",
		    explain(self->fd, MEMALLOC_ALLOC, &alloc, err, text));
	alloc.parent = 1;
	err = memalloc_alloc(self->fd, &alloc);
	EXPECT_SAYS("has no such cache", explain(self->fd, MEMALLOC_ALLOC, &alloc, err, text));
	alloc = (struct memalloc_alloc) {
		.size = sizeof(alloc), .kind = MEMALLOC_KIND_PERCPU, .node = -1, .bytes = 1 << 20,
	};
	err = memalloc_alloc(self->fd, &alloc);
	EXPECT_SAYS("32 KiB", explain(self->fd, MEMALLOC_ALLOC, &alloc, err, text));
	err = memalloc_cache_create(self->fd, &create);
	EXPECT_SAYS("The size must be", explain(self->fd, MEMALLOC_CACHE_CREATE, &create, err,
						text));
	EXPECT_SAYS("The name must have 1 to 23", text);
	ASSERT_EQ(0, memalloc_new_kmalloc(self->fd, 12, 0, &handle));
	io.handle = handle;
	err = raw(self->fd, MEMALLOC_READ, &io);
	EXPECT_SAYS("9 bytes at offset 4 exceed its size of 12 bytes",
		    explain(self->fd, MEMALLOC_READ, &io, err, text));
	EXPECT_SAYS("shrink caches", explain(self->fd, MEMALLOC_RESIZE, NULL,
			memalloc_resize_kmalloc(self->fd, self->cache, 1, 0), text));
}

TEST_F(library, explains_the_file)
{
	char text[MEMALLOC_EXPLANATION_MAX];
	uint64_t handle;
	int fd, err;

	fd = memalloc_open(NULL, O_RDONLY);
	ASSERT_LE(0, fd);
	err = memalloc_new_pages(fd, 0, 0, &handle);
	EXPECT_SAYS("not open for writing\n", explain(fd, MEMALLOC_ALLOC, NULL, err, text));
	close(fd);
	EXPECT_SAYS("not open", explain(fd, MEMALLOC_ALLOC, NULL, -EBADF, text));
	fd = memalloc_open("/dev/null", O_RDWR);
	ASSERT_LE(0, fd);
	err = memalloc_new_pages(fd, 0, 0, &handle);
	EXPECT_SAYS("does not seem to belong to memalloc",
		    explain(fd, MEMALLOC_ALLOC, NULL, err, text));
	close(fd);
	EXPECT_SAYS("older than this program",
		    explain(self->fd, 0, NULL, memalloc_command(self->fd,
				_IO(MEMALLOC_IOCTL_TYPE, 0xee), NULL), text));
	memalloc_explain_open("/dev/nothing", -ENOENT, text, sizeof(text));
	EXPECT_STREQ("no such file\nThe device is /dev/memalloc.", text);
}

TEST_F(library, cuts_an_explanation_that_does_not_fit)
{
	char text[MEMALLOC_EXPLANATION_MAX], shorter[MEMALLOC_EXPLANATION_MAX];
	int length, size;

	length = memalloc_explain(self->fd, MEMALLOC_FREE, NULL, -EBUSY, text, sizeof(text));
	EXPECT_EQ(strlen(text), length);
	for (size = 0; size < length + 3; size++) {
		memset(shorter, 'x', sizeof(shorter));
		EXPECT_EQ(length, memalloc_explain(self->fd, MEMALLOC_FREE, NULL, -EBUSY,
						   shorter, size));
		if (size) {
			EXPECT_EQ(0, strncmp(text, shorter, size - 1));
			EXPECT_EQ(size <= length ? size - 1 : length, strlen(shorter));
		}
		EXPECT_EQ('x', shorter[size]);
	}
}

FIXTURE(limit) {
	int fd;
	char handles[PARAMETER_LENGTH];
	char cap[PARAMETER_LENGTH];
};

FIXTURE_SETUP(limit)
{
	ASSERT_EQ(0, parameter_read("quota_handles", self->handles));
	ASSERT_EQ(0, parameter_read("cap_mb", self->cap));
	self->fd = memalloc_open(NULL, O_RDWR);
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN_PARENT(limit)
{
	parameter_write("quota_handles", self->handles);
	parameter_write("cap_mb", self->cap);
}

TEST_F(limit, is_named_by_the_explanation)
{
	struct memalloc_alloc alloc = {
		.size = sizeof(alloc),
		.kind = MEMALLOC_KIND_AREA,
		.gfp = MEMALLOC_GFP_NOWARN,
		.node = -1,
		.bytes = 1ULL << 38,
	};
	char text[MEMALLOC_EXPLANATION_MAX];
	uint64_t handle;
	int err;

	err = memalloc_alloc(self->fd, &alloc);
	ASSERT_GT(0, err);
	if (err == -ENOMEM) {
		EXPECT_SAYS("the cap is", explain(self->fd, MEMALLOC_ALLOC, &alloc, err, text));
		EXPECT_SAYS("cap_mb", text);
	}
	ASSERT_EQ(0, parameter_set("quota_handles", 1));
	ASSERT_EQ(0, memalloc_new_pages(self->fd, 0, 0, &handle));
	err = memalloc_new_pages(self->fd, 0, 0, &handle);
	EXPECT_EQ(-EDQUOT, err);
	EXPECT_SAYS("1 handles, the quota is 1\nFree some",
		    explain(self->fd, MEMALLOC_ALLOC, NULL, err, text));
	EXPECT_SAYS("quota_handles", text);
}

/* --- threads -------------------------------------------------------------- */

/**
 * struct worker - a thread of the test
 * @thread: the thread
 * @shared: a file that all threads use
 * @published: handle of pages that another thread frees, and its pattern
 * @number: number of the thread, from 1 on
 * @failed: line of the first check that failed, or zero
 */
struct worker {
	pthread_t thread;
	int shared;
	_Atomic uint64_t *published;
	unsigned int number;
	unsigned int failed;
};

#define REQUIRE(worker, condition) do {					\
	if (!(condition) && !(worker)->failed)				\
		(worker)->failed = __LINE__;				\
} while (0)

static void use_bytes(struct worker *worker, int fd, uint64_t handle, uint64_t bytes,
		      __u32 kind)
{
	const uint64_t value = (uint64_t)worker->number << 32 | kind;
	uint64_t same = 0;

	REQUIRE(worker, !memalloc_fill(fd, handle, 0, bytes, MEMALLOC_PATTERN_COUNT, value));
	REQUIRE(worker, !memalloc_verify(fd, handle, 0, bytes, MEMALLOC_PATTERN_COUNT, value,
					 &same));
	REQUIRE(worker, same == bytes);
}

/* Use a handle of each kind, on an own file and on the shared one. */
static void use_kind(struct worker *worker, int fd, __u32 kind, uint64_t cache,
		     uint64_t pool)
{
	struct memalloc_info info = { .size = sizeof(info) };
	uint64_t handle;
	int err = make(fd, kind, cache, pool, &handle);

	REQUIRE(worker, !err);
	if (err)
		return;
	info.handle = handle;
	REQUIRE(worker, !memalloc_info(fd, &info) && info.out_kind == kind);
	if (info.out_bytes)
		use_bytes(worker, fd, handle, info.out_bytes, kind);
	REQUIRE(worker, !memalloc_free(fd, handle));
	REQUIRE(worker, memalloc_free(fd, handle) == -ENOENT);
}

/* Errors of other threads must not show in the text of this one. */
static void use_errors(struct worker *worker, int fd)
{
	const int errors[] = { EBUSY, EFAULT, EINTR, EILSEQ };
	const int error = errors[worker->number % 4];
	char text[MEMALLOC_EXPLANATION_MAX];
	const char *sentence = memalloc_strerror(error);
	size_t length = strcspn(sentence, ";");

	errno = 1000 + worker->number;
	memalloc_explain(fd, MEMALLOC_FREE, NULL, -error, text, sizeof(text));
	REQUIRE(worker, !strncmp(text, sentence, length) && text[length] == '\n');
	REQUIRE(worker, memalloc_read(fd, 1, 0, text, 1) == -ENOENT);
	REQUIRE(worker, errno == 1000 + (int)worker->number);
}

/*
 * Map what another thread is about to free. The mapping has the pattern that
 * was written before the handle was published, or there is none.
 */
static void map_published(struct worker *worker)
{
	const uint64_t handle = *worker->published;
	void *address;
	int err;

	if (!handle)
		return;
	err = memalloc_map(worker->shared, handle, 0, page_size(), PROT_READ, &address);
	REQUIRE(worker, !err || err == -ENOENT);
	if (err)
		return;
	REQUIRE(worker, le64toh(*(volatile __u64 *)address) == handle);
	REQUIRE(worker, !memalloc_unmap(address, page_size()));
}

static void publish(struct worker *worker)
{
	uint64_t handle;

	REQUIRE(worker, !memalloc_new_pages(worker->shared, 0, MEMALLOC_GFP_USER, &handle));
	REQUIRE(worker, !memalloc_fill(worker->shared, handle, 0, page_size(),
				       MEMALLOC_PATTERN_REPEAT, handle));
	*worker->published = handle;
	REQUIRE(worker, !memalloc_free(worker->shared, handle));
}

static void *work(void *argument)
{
	struct worker *worker = argument;
	const int own = memalloc_open(NULL, O_RDWR);
	const unsigned int rounds = effort_of(200);
	uint64_t cache, pool;
	unsigned int i;

	REQUIRE(worker, own >= 0);
	for (i = 0; i < rounds && !worker->failed; i++) {
		const int fd = i % 2 ? own : worker->shared;
		__u32 kind;

		REQUIRE(worker, !memalloc_new_cache(fd, "own", 64, 0, &cache));
		REQUIRE(worker, !memalloc_new_mempool(fd, "own", MEMALLOC_MEMPOOL_CACHE, cache,
						      2, &pool));
		for (kind = 1; kind < KINDS && !worker->failed; kind++)
			use_kind(worker, fd, kind, cache, pool);
		use_errors(worker, fd);
		if (worker->number == 1)
			publish(worker);
		else
			map_published(worker);
		REQUIRE(worker, memalloc_free(fd, cache) == -EBUSY);
		REQUIRE(worker, !memalloc_free(fd, pool));
		REQUIRE(worker, !memalloc_free(fd, cache));
	}
	REQUIRE(worker, !memalloc_close(own));
	return NULL;
}

TEST_F(library, is_used_by_many_threads)
{
	struct worker workers[THREADS] = {};
	_Atomic uint64_t published = 0;
	struct memalloc_stats_file file;
	unsigned int i;

	for (i = 0; i < THREADS; i++) {
		workers[i].shared = self->fd;
		workers[i].published = &published;
		workers[i].number = i + 1;
		ASSERT_EQ(0, pthread_create(&workers[i].thread, NULL, work, &workers[i]));
	}
	for (i = 0; i < THREADS; i++) {
		pthread_join(workers[i].thread, NULL);
		EXPECT_EQ(0, workers[i].failed)
			TH_LOG("thread %u: line %u", i + 1, workers[i].failed);
	}
	ASSERT_EQ(0, memalloc_stats(self->fd, MEMALLOC_SECTION_FILE, 0, &file, sizeof(file),
				    NULL));
	EXPECT_EQ(2, file.handles); /* those of the fixture */
}

TEST_HARNESS_MAIN
