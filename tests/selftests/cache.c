// SPDX-License-Identifier: GPL-2.0
/*
 * Slab caches and their objects, from user space: valid requests, contents,
 * access, and cleanup after frees and the death of the owner
 */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "effort.h"
#include "harness.h"
#include "host_zone.h"
#include "memalloc_device.h"
#include "module_parameter.h"
#include "quota.h"
#include "seed.h"

#define DEBUG_MODES	(MEMALLOC_CACHE_RED_ZONE | MEMALLOC_CACHE_POISON | \
			 MEMALLOC_CACHE_STORE_USER | MEMALLOC_CACHE_CHECKS | \
			 MEMALLOC_CACHE_QUARANTINE | MEMALLOC_CACHE_GUARD)

FIXTURE(cache) {
	int fd;
	__u64 cache;
	__u32 size;
};

FIXTURE_SETUP(cache)
{
	self->fd = device_open();
	ASSERT_LE(0, self->fd);
	self->size = 104;
	ASSERT_EQ(0, device_cache_create(self->fd, "test", self->size, &self->cache));
}

FIXTURE_TEARDOWN(cache)
{
	EXPECT_EQ(0, device_validate(self->fd));
	close(self->fd);
}

static int create(int fd, struct memalloc_cache_create *create)
{
	return device_ioctl(fd, MEMALLOC_CACHE_CREATE, create);
}

/* Find the line of a cache in the section "slabs". */
static bool proc_line(const char *name, char *line, size_t size)
{
	FILE *proc = fopen("/proc/memalloc", "re");
	bool slabs = false, found = false;

	while (proc && !found && fgets(line, size, proc)) {
		if (*line == '[')
			slabs = !strcmp(line, "[slabs]\n");
		found = slabs && !strncmp(line, name, strlen(name)) &&
			line[strlen(name)] == ' ';
	}
	if (proc)
		fclose(proc);
	return found;
}

/* --- creation ------------------------------------------------------------ */

TEST_F(cache, has_the_requested_properties)
{
	struct memalloc_cache_create request = device_cache_of("asked-for_1.x", 200);
	struct memalloc_stats_cache stats;
	struct memalloc_info info;

	request.align = 64;
	request.useroffset = 16;
	request.usersize = 40;
	request.flags = MEMALLOC_CACHE_TYPESAFE_BY_RCU |
			MEMALLOC_CACHE_RECLAIM_ACCOUNT | MEMALLOC_CACHE_NO_REAP;
	ASSERT_EQ(0, create(self->fd, &request));
	ASSERT_EQ(0, device_cache(self->fd, request.out_handle, &stats));
	EXPECT_STREQ("u:asked-for_1.x", stats.name);
	EXPECT_EQ(200, stats.object_size);
	EXPECT_EQ(256, stats.stride);
	EXPECT_EQ(64, stats.align);
	EXPECT_EQ(16, stats.useroffset);
	EXPECT_EQ(40, stats.usersize);
	EXPECT_EQ(request.flags, stats.flags);
	EXPECT_EQ(0, stats.active);
	EXPECT_EQ(0, stats.pages);
	ASSERT_EQ(0, device_info(self->fd, request.out_handle, 0, 0, &info));
	EXPECT_EQ(MEMALLOC_KIND_CACHE, info.out_kind);
	EXPECT_STREQ("u:asked-for_1.x", info.out_name);
	EXPECT_EQ(-1, info.out_node);
	EXPECT_EQ(0, info.out_bytes);
	EXPECT_EQ(0, info.out_map_offset);
	EXPECT_EQ(0, info.out_children);
	EXPECT_LT(0, info.out_held);
}

TEST_F(cache, size_out_of_range_is_einval)
{
	const __u32 most = page_size() << MEMALLOC_MAX_ORDER;
	const __u32 bad[] = { 0, most + 1, 0xffffffff };
	struct memalloc_cache_create request;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		request = device_cache_of("size", bad[i]);
		EXPECT_EQ(-EINVAL, create(self->fd, &request)) TH_LOG("%u", bad[i]);
	}
	request = device_cache_of("size", 1);
	EXPECT_EQ(0, create(self->fd, &request));
	request = device_cache_of("size", most);
	EXPECT_EQ(0, create(self->fd, &request));
}

TEST_F(cache, invalid_alignment_is_einval)
{
	struct memalloc_cache_create request;
	__u32 align;

	for (align = 0; align <= 2 * page_size(); align++) {
		request = device_cache_of("align", 24);
		request.align = align;
		if (align <= page_size() && !(align & (align - 1))) {
			EXPECT_EQ(0, create(self->fd, &request)) TH_LOG("%u", align);
			EXPECT_EQ(0, device_free(self->fd, request.out_handle));
		} else {
			ASSERT_EQ(-EINVAL, create(self->fd, &request))
				TH_LOG("%u", align);
		}
	}
}

TEST_F(cache, user_part_outside_the_object_is_einval)
{
	const struct { __u32 offset, size; int err; } parts[] = {
		{ 0, 0, 0 }, { 0, 96, 0 }, { 96, 0, 0 }, { 95, 1, 0 },
		{ 0, 97, -EINVAL }, { 97, 0, -EINVAL }, { 95, 2, -EINVAL },
		{ 1, 0xffffffff, -EINVAL }, { 0xffffffff, 1, -EINVAL },
		{ 0x80000000, 0x80000000, -EINVAL },
	};
	struct memalloc_cache_create request;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(parts); i++) {
		request = device_cache_of("part", 96);
		request.useroffset = parts[i].offset;
		request.usersize = parts[i].size;
		EXPECT_EQ(parts[i].err, create(self->fd, &request)) TH_LOG("%zu", i);
	}
}

/* The requested modes that do not conflict with other flags */
static __u32 modes_of(const struct memalloc_cache_create *request)
{
	const __u32 zones = MEMALLOC_CACHE_DMA | MEMALLOC_CACHE_DMA32;
	__u32 modes = request->flags & DEBUG_MODES;
	bool keeps = request->ctor != MEMALLOC_CTOR_NONE ||
		     request->flags & MEMALLOC_CACHE_TYPESAFE_BY_RCU;

	if (keeps)
		modes &= ~(MEMALLOC_CACHE_POISON | MEMALLOC_CACHE_GUARD);
	if (request->flags & zones || request->object_size >= page_size())
		modes &= ~MEMALLOC_CACHE_GUARD;
	return modes;
}

/* The letters at the end of a cache's line in /proc/memalloc, as modes */
static __u32 modes_in_proc(const char *name)
{
	static const struct { char letter; __u32 mode; } letters[] = {
		{ 'F', MEMALLOC_CACHE_CHECKS }, { 'Z', MEMALLOC_CACHE_RED_ZONE },
		{ 'P', MEMALLOC_CACHE_POISON }, { 'U', MEMALLOC_CACHE_STORE_USER },
		{ 'Q', MEMALLOC_CACHE_QUARANTINE }, { 'G', MEMALLOC_CACHE_GUARD },
	};
	char line[512], *modes;
	__u32 seen = 0;
	size_t i;

	if (!proc_line(name, line, sizeof(line)))
		return ~0U;
	modes = strstr(line, " : debug ");
	if (!modes)
		return ~0U;
	modes += strlen(" : debug ");
	for (i = 0; i < ARRAY_SIZE(letters); i++)
		if (strchr(modes, letters[i].letter))
			seen |= letters[i].mode;
	return strlen(modes) == 1U + (seen ? __builtin_popcount(seen) : 1) ? seen : ~0U;
}

/* Every set of modes, in caches of every kind that affects them. */
TEST_F(cache, valid_debug_modes_are_set_and_shown)
{
	static const struct { __u32 flags, ctor, size; } kinds[] = {
		{ 0, MEMALLOC_CTOR_NONE, 40 }, { 0, MEMALLOC_CTOR_ZERO, 40 },
		{ MEMALLOC_CACHE_TYPESAFE_BY_RCU, MEMALLOC_CTOR_NONE, 40 },
		{ MEMALLOC_CACHE_DMA, MEMALLOC_CTOR_NONE, 40 },
		{ MEMALLOC_CACHE_DMA32, MEMALLOC_CTOR_NONE, 40 },
		{ 0, MEMALLOC_CTOR_NONE, 4000 }, { 0, MEMALLOC_CTOR_NONE, 64 << 10 },
	};
	struct memalloc_cache_create request;
	struct memalloc_stats_cache stats;
	size_t i, set;

	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		for (set = 0; set < 64; set++) {
			request = device_cache_of("modes", kinds[i].size);
			request.flags = kinds[i].flags | set * MEMALLOC_CACHE_RED_ZONE;
			request.ctor = kinds[i].ctor;
			ASSERT_EQ(0, create(self->fd, &request));
			ASSERT_EQ(0, device_cache(self->fd, request.out_handle, &stats));
			ASSERT_EQ(modes_of(&request), stats.flags & DEBUG_MODES)
				TH_LOG("kind %zu, set %#zx", i, set);
			ASSERT_EQ(modes_of(&request), modes_in_proc("u:modes"))
				TH_LOG("kind %zu, set %#zx", i, set);
			ASSERT_EQ(0, device_free(self->fd, request.out_handle));
		}
	}
}

TEST_F(cache, both_zones_at_once_are_einval)
{
	struct memalloc_cache_create request = device_cache_of("zone", 96);

	request.flags = MEMALLOC_CACHE_DMA | MEMALLOC_CACHE_DMA32;
	EXPECT_EQ(-EINVAL, create(self->fd, &request));
}

/* A name cannot add lines to /proc/memalloc. */
TEST_F(cache, invalid_name_is_einval)
{
	struct memalloc_cache_create request;
	int c;

	for (c = 0; c < 256; c++) {
		bool good = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
			    (c >= 'A' && c <= 'Z') || (c && strchr("_.-", c));

		request = device_cache_of("a?b", 32);
		request.name[1] = c;
		if (good) {
			EXPECT_EQ(0, create(self->fd, &request)) TH_LOG("%d", c);
			EXPECT_EQ(0, device_free(self->fd, request.out_handle));
		} else {
			EXPECT_EQ(-EINVAL, create(self->fd, &request)) TH_LOG("%d", c);
		}
	}
	request = device_cache_of("", 32);
	EXPECT_EQ(-EINVAL, create(self->fd, &request));
	memset(request.name, 'x', sizeof(request.name));
	EXPECT_EQ(-EINVAL, create(self->fd, &request));
	request.name[sizeof(request.name) - 1] = '\0';
	EXPECT_EQ(0, create(self->fd, &request));
}

TEST_F(cache, is_in_proc_with_the_same_figures)
{
	unsigned long active, objects, stride, per_slab, pages, slabs;
	struct memalloc_stats_cache stats;
	char line[512], prefix[32];
	__u64 object;

	ASSERT_EQ(0, device_alloc_objects(self->fd, self->cache, 7, &object));
	ASSERT_EQ(0, device_cache(self->fd, self->cache, &stats));
	ASSERT_TRUE(proc_line("u:test", line, sizeof(line)));
	ASSERT_EQ(7, sscanf(line,
			    "%31s %lu %lu %lu %lu %lu : tunables %*u %*u %*u : slabdata %*u %lu",
			    prefix, &active, &objects, &stride, &per_slab, &pages, &slabs));
	EXPECT_EQ(7, stats.active);
	EXPECT_EQ(stats.active, active);
	EXPECT_EQ(stats.objects, objects);
	EXPECT_EQ(stats.stride, stride);
	EXPECT_EQ(stats.slab_objects, per_slab);
	EXPECT_EQ(stats.slab_pages, pages);
	EXPECT_EQ(stats.slabs, slabs);
	ASSERT_EQ(0, device_free(self->fd, object));
	ASSERT_EQ(0, device_free(self->fd, self->cache));
	EXPECT_FALSE(proc_line("u:test", line, sizeof(line)));
}

/* --- handles ------------------------------------------------------------- */

TEST_F(cache, of_another_file_is_enoent)
{
	struct memalloc_stats_cache stats;
	struct memalloc_shrink shrink = {
		.size = sizeof(shrink), .handle = self->cache,
	};
	int other = device_open();
	__u64 object;

	ASSERT_LE(0, other);
	EXPECT_EQ(-ENOENT, device_alloc_objects(other, self->cache, 1, &object));
	EXPECT_EQ(-ENOENT, device_cache(other, self->cache, &stats));
	EXPECT_EQ(-ENOENT, device_ioctl(other, MEMALLOC_SHRINK, &shrink));
	EXPECT_EQ(-ENOENT, device_free(other, self->cache));
	close(other);
}

TEST_F(cache, parent_of_another_kind_is_einval)
{
	__u64 pages, object, nested;

	ASSERT_EQ(0, device_alloc(self->fd, 0, &pages));
	EXPECT_EQ(-EINVAL, device_alloc_objects(self->fd, pages, 1, &object));
	ASSERT_EQ(0, device_alloc_objects(self->fd, self->cache, 1, &object));
	EXPECT_EQ(-EINVAL, device_alloc_objects(self->fd, object, 1, &nested));
	EXPECT_EQ(-ENOENT, device_alloc_objects(self->fd, 0, 1, &nested));
}

TEST_F(cache, fields_of_other_kinds_are_einval)
{
	struct memalloc_alloc alloc = {
		.size = sizeof(alloc), .kind = MEMALLOC_KIND_OBJECT, .node = -1,
		.parent = self->cache,
	};
	struct memalloc_alloc bad;

	bad = alloc;
	bad.order = 1;
	EXPECT_EQ(-EINVAL, device_ioctl(self->fd, MEMALLOC_ALLOC, &bad));
	bad = alloc;
	bad.bytes = 1;
	EXPECT_EQ(-EINVAL, device_ioctl(self->fd, MEMALLOC_ALLOC, &bad));
	bad = alloc;
	bad.count = MEMALLOC_COUNT_MAX + 1;
	EXPECT_EQ(-EINVAL, device_ioctl(self->fd, MEMALLOC_ALLOC, &bad));
	bad = alloc;
	bad.gfp = MEMALLOC_GFP_DMA;
	EXPECT_EQ(-EINVAL, device_ioctl(self->fd, MEMALLOC_ALLOC, &bad));
	bad = alloc;
	bad.kind = MEMALLOC_KIND_CACHE;
	EXPECT_EQ(-EINVAL, device_ioctl(self->fd, MEMALLOC_ALLOC, &bad));
	EXPECT_EQ(0, device_ioctl(self->fd, MEMALLOC_ALLOC, &alloc));
}

TEST_F(cache, with_objects_is_ebusy_to_free_and_stays_usable)
{
	__u64 objects[3];
	struct memalloc_info info;
	int i;

	for (i = 0; i < 3; i++) {
		ASSERT_EQ(0, device_alloc_objects(self->fd, self->cache, i, &objects[i]));
	}
	ASSERT_EQ(0, device_info(self->fd, objects[2], 0, 0, &info));
	EXPECT_EQ(self->cache, info.out_parent);
	EXPECT_EQ(2, info.out_count);
	for (i = 0; i < 3; i++) {
		ASSERT_EQ(0, device_info(self->fd, self->cache, 0, 0, &info));
		EXPECT_EQ(3 - i, info.out_children);
		EXPECT_EQ(-EBUSY, device_free(self->fd, self->cache));
		EXPECT_EQ(0, device_free(self->fd, objects[i]));
	}
	EXPECT_EQ(0, device_free(self->fd, self->cache));
	EXPECT_EQ(-ENOENT, device_free(self->fd, self->cache));
	EXPECT_EQ(-ENOENT, device_alloc_objects(self->fd, self->cache, 1, &objects[0]));
}

TEST_F(cache, has_no_bytes)
{
	char byte = 0;

	EXPECT_EQ(0, device_read(self->fd, self->cache, 0, &byte, 0));
	EXPECT_EQ(-EOVERFLOW, device_read(self->fd, self->cache, 0, &byte, 1));
	EXPECT_EQ(-EOVERFLOW, device_write(self->fd, self->cache, 0, &byte, 1));
	EXPECT_EQ(-EOVERFLOW, device_fill(self->fd, self->cache, 1, 0));
	EXPECT_EQ(-EOPNOTSUPP, device_resize(self->fd, self->cache, 10));
}

TEST_F(cache, objects_cannot_be_mapped_or_resized)
{
	struct memalloc_alloc alloc = {
		.size = sizeof(alloc), .kind = MEMALLOC_KIND_OBJECT, .node = -1,
		.parent = self->cache,
	};
	unsigned long index;

	ASSERT_EQ(0, device_ioctl(self->fd, MEMALLOC_ALLOC, &alloc));
	EXPECT_EQ(0, alloc.out_map_offset);
	EXPECT_EQ(self->size, alloc.out_bytes);
	EXPECT_EQ(-EOPNOTSUPP, device_resize(self->fd, alloc.out_handle, 10));
	/* Regardless of the place, nothing can be mapped. */
	for (index = 0; index < 4; index++) {
		EXPECT_EQ(MAP_FAILED, device_map(self->fd, index * page_size(),
						 page_size()));
		EXPECT_TRUE(errno == ENODEV || errno == ENOENT) TH_LOG("%d", errno);
	}
	EXPECT_EQ(MAP_FAILED, device_map(self->fd, (alloc.out_handle & 0xffffffff) *
					 page_size(), page_size()));
	EXPECT_EQ(ENODEV, errno);
}

/* --- bytes --------------------------------------------------------------- */

TEST_F(cache, objects_are_zeroed_and_keep_what_is_written)
{
	const __u32 count = 50;
	const __u64 bytes = (__u64)count * self->size;
	__u64 a, b;
	int round;

	for (round = 0; round < 3; round++) {
		ASSERT_EQ(0, device_alloc_objects(self->fd, self->cache, count, &a));
		ASSERT_EQ(0, device_alloc_objects(self->fd, self->cache, count, &b));
		EXPECT_EQ(0, device_pattern(self->fd, MEMALLOC_VERIFY, a, bytes,
					    MEMALLOC_PATTERN_REPEAT, 0));
		EXPECT_EQ(0, device_fill(self->fd, a, bytes, 1ULL << 32));
		EXPECT_EQ(0, device_fill(self->fd, b, bytes, 2ULL << 32));
		EXPECT_EQ(0, device_verify(self->fd, a, bytes, 1ULL << 32));
		EXPECT_EQ(0, device_verify(self->fd, b, bytes, 2ULL << 32));
		EXPECT_EQ(0, device_free(self->fd, a));
		EXPECT_EQ(0, device_free(self->fd, b));
	}
}

/* All ranges around every border, compared with a copy. */
TEST_F(cache, read_and_write_agree_at_every_border)
{
	const __u64 bytes = 3 * self->size;
	unsigned char model[312], seen[312], news[312];
	__u64 objects, from, to, i;
	__u64 seed;

	ASSERT_EQ(sizeof(model), bytes);
	SEED_PRINT(seed);
	ASSERT_EQ(0, device_alloc_objects(self->fd, self->cache, 3, &objects));
	memset(model, 0, sizeof(model));
	for (from = 0; from <= bytes; from += from % self->size > 2 &&
	     from % self->size < self->size - 2 ? 17 : 1) {
		for (to = from; to <= bytes; to += 13) {
			for (i = from; i < to; i++)
				news[i] = model[i] = seed_next(&seed);
			ASSERT_EQ(0, device_write(self->fd, objects, from,
						  news + from, to - from));
		}
		ASSERT_EQ(0, device_read(self->fd, objects, 0, seen, bytes));
		ASSERT_EQ(0, memcmp(model, seen, bytes)) TH_LOG("from %llu", from);
		EXPECT_EQ(-EOVERFLOW, device_read(self->fd, objects, from, seen,
						  bytes - from + 1));
		EXPECT_EQ(-EOVERFLOW, device_write(self->fd, objects, from, seen,
						   bytes - from + 1));
	}
}

/* Every range in the object: allowed if it is inside the user part. */
TEST_F(cache, only_the_user_part_can_be_copied)
{
	struct memalloc_cache_create request = device_cache_of("part", 48);
	unsigned char bytes[48];
	__u64 object, from, to;

	request.useroffset = 11;
	request.usersize = 20;
	ASSERT_EQ(0, create(self->fd, &request));
	ASSERT_EQ(0, device_alloc_objects(self->fd, request.out_handle, 1, &object));
	for (from = 0; from < 48; from++) {
		for (to = from + 1; to <= 48; to++) {
			int err = from >= 11 && to <= 31 ? 0 : -EPERM;

			ASSERT_EQ(err, device_read(self->fd, object, from, bytes, to - from))
				TH_LOG("%llu to %llu", from, to);
			ASSERT_EQ(err, device_write(self->fd, object, from, bytes, to - from))
				TH_LOG("%llu to %llu", from, to);
		}
	}
	/* The kernel itself can access all bytes. */
	EXPECT_EQ(0, device_fill(self->fd, object, 48, 5));
	EXPECT_EQ(0, device_verify(self->fd, object, 48, 5));
}

TEST_F(cache, without_user_part_cannot_be_copied)
{
	struct memalloc_cache_create request = device_cache_of("none", 48);
	unsigned char byte = 0;
	__u64 object;

	request.usersize = 0;
	ASSERT_EQ(0, create(self->fd, &request));
	ASSERT_EQ(0, device_alloc_objects(self->fd, request.out_handle, 0, &object));
	EXPECT_EQ(-EPERM, device_read(self->fd, object, 0, &byte, 1));
	EXPECT_EQ(-EPERM, device_write(self->fd, object, 47, &byte, 1));
	EXPECT_EQ(0, device_read(self->fd, object, 0, &byte, 0));
}

/* Constructed once: changes of the last owner remain. */
TEST_F(cache, constructed_objects_keep_their_contents)
{
	struct memalloc_cache_create request = device_cache_of("ctor", 52);
	const __u32 count = 300;
	unsigned char whole[52], seen[52];
	__u64 objects[300], marked = 0;
	__u64 word;
	__u32 i;

	request.ctor = MEMALLOC_CTOR_COUNT;
	ASSERT_EQ(0, create(self->fd, &request));
	for (i = 0; i < sizeof(whole); i++) {
		word = i / 8;
		whole[i] = i % 8 ? 0 : word;
	}
	for (i = 0; i < count; i++) {
		ASSERT_EQ(0, device_alloc_objects(self->fd, request.out_handle, 1,
						  &objects[i]));
		ASSERT_EQ(0, device_read(self->fd, objects[i], 0, seen, sizeof(seen)));
		EXPECT_EQ(0, memcmp(whole, seen, sizeof(seen)));
		ASSERT_EQ(0, device_write(self->fd, objects[i], 48, "mark", 4));
	}
	for (i = 0; i < count; i++) {
		ASSERT_EQ(0, device_free(self->fd, objects[i]));
	}
	memcpy(whole + 48, "mark", 4);
	for (i = 0; i < count; i++) {
		ASSERT_EQ(0, device_alloc_objects(self->fd, request.out_handle, 1,
						  &objects[i]));
		ASSERT_EQ(0, device_read(self->fd, objects[i], 0, seen, sizeof(seen)));
		marked += !memcmp(whole, seen, sizeof(seen));
	}
	/* Some empty slabs may be gone by now, but not all. */
	EXPECT_LT(0, marked);
	for (i = 0; i < count; i++) {
		ASSERT_EQ(0, device_free(self->fd, objects[i]));
	}
}

/* Pages full of other data do not show through a new cache. */
TEST_F(cache, new_objects_show_no_old_contents)
{
	static const struct { __u32 flags, ctor; } kinds[] = {
		{ 0, MEMALLOC_CTOR_NONE }, { 0, MEMALLOC_CTOR_ZERO },
		{ MEMALLOC_CACHE_TYPESAFE_BY_RCU, MEMALLOC_CTOR_NONE },
		{ MEMALLOC_CACHE_TYPESAFE_BY_RCU, MEMALLOC_CTOR_ZERO },
	};
	struct memalloc_cache_create request;
	__u64 pages[32], objects;
	size_t i, k;

	for (k = 0; k < ARRAY_SIZE(kinds); k++) {
		for (i = 0; i < 32; i++) {
			ASSERT_EQ(0, device_alloc(self->fd, 3, &pages[i]));
			ASSERT_EQ(0, device_pattern(self->fd, MEMALLOC_FILL, pages[i],
						    order_bytes(3), MEMALLOC_PATTERN_REPEAT,
						    ~0ULL));
		}
		for (i = 0; i < 32; i++) {
			ASSERT_EQ(0, device_free(self->fd, pages[i]));
		}
		request = device_cache_of("fresh", 100);
		request.flags = kinds[k].flags;
		request.ctor = kinds[k].ctor;
		ASSERT_EQ(0, create(self->fd, &request));
		ASSERT_EQ(0, device_alloc_objects(self->fd, request.out_handle, 2000,
						  &objects));
		EXPECT_EQ(0, device_pattern(self->fd, MEMALLOC_VERIFY, objects, 200000,
					    MEMALLOC_PATTERN_REPEAT, 0)) TH_LOG("%zu", k);
		ASSERT_EQ(0, device_free(self->fd, objects));
	}
}

/*
 * A grace period for each would exceed the timeout of the harness.
 */
TEST_F(cache, thousands_share_a_grace_period)
{
	struct memalloc_cache_create request = device_cache_of("typesafe", 64);
	struct memalloc_stats_cache stats;
	__u64 objects;
	int i, fd;

	fd = device_open();
	ASSERT_LE(0, fd);
	request.flags = MEMALLOC_CACHE_TYPESAFE_BY_RCU;
	for (i = 0; i < 4000; i++) {
		ASSERT_EQ(0, create(fd, &request));
		if (i % 8 == 0) {
			ASSERT_EQ(0, device_alloc_objects(fd, request.out_handle, 1,
							  &objects));
		}
	}
	ASSERT_EQ(0, device_cache(fd, request.out_handle, &stats));
	EXPECT_EQ(0, close(fd));
	EXPECT_EQ(0, device_validate(self->fd));
	/* The same when an endless sequence of caches is freed. */
	for (i = 0; i < 3000; i++) {
		ASSERT_EQ(0, create(self->fd, &request));
		ASSERT_EQ(0, device_free(self->fd, request.out_handle));
	}
}

TEST_F(cache, info_shows_the_place_of_each_object)
{
	struct memalloc_cache_create request = device_cache_of("where", 5000);
	struct memalloc_info info;
	__u64 objects, phys[9];
	int i, j;

	ASSERT_EQ(0, create(self->fd, &request));
	ASSERT_EQ(0, device_alloc_objects(self->fd, request.out_handle, 9, &objects));
	for (i = 0; i < 9; i++) {
		ASSERT_EQ(0, device_info(self->fd, objects, 5000 * i + 4999,
					 MEMALLOC_INFO_PHYS, &info));
		EXPECT_EQ(9, info.out_count);
		EXPECT_EQ(45000, info.out_bytes);
		EXPECT_LE(45000, info.out_held);
		EXPECT_LE(0, info.out_node);
		EXPECT_STREQ("u:where", info.out_name);
		phys[i] = info.out_phys;
		EXPECT_EQ(device_phys(self->fd, objects, 5000 * i) + 4999, phys[i]);
		for (j = 0; j < i; j++) {
			EXPECT_NE(phys[j], phys[i]);
		}
	}
	EXPECT_EQ(-EOVERFLOW, device_info(self->fd, objects, 45000, 0, &info));
}

TEST_F(cache, of_zone_dma_has_objects_there)
{
	struct memalloc_cache_create request = device_cache_of("dma", 700);
	struct memalloc_info info;
	__u64 objects, i;
	int err;

	request.flags = MEMALLOC_CACHE_DMA;
	ASSERT_EQ(0, create(self->fd, &request));
	err = device_alloc_objects(self->fd, request.out_handle, 40, &objects);
	ASSERT_EQ(0, err);
	if (!host_has_zone("DMA")) {
		SKIP(return, "the host has no zone DMA");
	}
	for (i = 0; i < 40; i++) {
		ASSERT_EQ(0, device_info(self->fd, objects, 700 * i, MEMALLOC_INFO_PHYS,
					 &info));
		EXPECT_EQ(MEMALLOC_ZONE_DMA, info.out_zone);
	}
}

/* --- statistics and shrinking -------------------------------------------- */

TEST_F(cache, stats_count_objects_exactly)
{
	struct memalloc_stats_cache stats;
	__u64 objects[4];
	int i;

	for (i = 0; i < 4; i++) {
		ASSERT_EQ(0, device_alloc_objects(self->fd, self->cache, 1 << 3 * i,
						  &objects[i]));
	}
	ASSERT_EQ(0, device_cache(self->fd, self->cache, &stats));
	EXPECT_EQ(1 + 8 + 64 + 512, stats.active);
	EXPECT_LE(stats.active, stats.objects);
	EXPECT_LE(stats.objects * stats.stride, stats.pages * page_size());
	for (i = 0; i < 4; i++) {
		ASSERT_EQ(0, device_free(self->fd, objects[i]));
	}
	ASSERT_EQ(0, device_cache(self->fd, self->cache, &stats));
	EXPECT_EQ(0, stats.active);
	EXPECT_EQ(-ENOENT, device_free(self->fd, objects[0]));
}

TEST_F(cache, stats_by_handle_are_for_caches_alone)
{
	struct memalloc_stats_cache cache;
	struct memalloc_stats stats = {
		.size = sizeof(stats), .section = MEMALLOC_SECTION_CACHE,
		.length = sizeof(cache), .data = address_of(&cache),
		.handle = self->cache,
	};
	__u64 object;

	EXPECT_EQ(0, device_ioctl(self->fd, MEMALLOC_STATS, &stats));
	EXPECT_EQ(1, stats.out_count);
	stats.index = 1;
	EXPECT_EQ(-ENOENT, device_ioctl(self->fd, MEMALLOC_STATS, &stats));
	stats.index = 0;
	stats.section = MEMALLOC_SECTION_CLASS;
	EXPECT_EQ(-EINVAL, device_ioctl(self->fd, MEMALLOC_STATS, &stats));
	ASSERT_EQ(0, device_alloc_objects(self->fd, self->cache, 1, &object));
	stats.section = MEMALLOC_SECTION_CACHE;
	stats.handle = object;
	EXPECT_EQ(-EINVAL, device_ioctl(self->fd, MEMALLOC_STATS, &stats));
}

TEST_F(cache, shrink_returns_unused_slabs)
{
	struct memalloc_stats_cache before, after;
	struct memalloc_shrink shrink = {
		.size = sizeof(shrink), .handle = self->cache,
	};
	__u64 keep, objects;

	ASSERT_EQ(0, device_alloc_objects(self->fd, self->cache, 1, &keep));
	ASSERT_EQ(0, device_fill(self->fd, keep, self->size, 9));
	ASSERT_EQ(0, device_alloc_objects(self->fd, self->cache, 4096, &objects));
	ASSERT_EQ(0, device_free(self->fd, objects));
	ASSERT_EQ(0, device_cache(self->fd, self->cache, &before));
	ASSERT_EQ(0, device_ioctl(self->fd, MEMALLOC_SHRINK, &shrink));
	ASSERT_EQ(0, device_cache(self->fd, self->cache, &after));
	EXPECT_EQ(before.pages - after.pages, shrink.out_pages);
	EXPECT_EQ(1, after.slabs);
	EXPECT_EQ(1, after.active);
	EXPECT_EQ(0, device_verify(self->fd, keep, self->size, 9));

	shrink.pages = 1;
	EXPECT_EQ(-EINVAL, device_ioctl(self->fd, MEMALLOC_SHRINK, &shrink));
	shrink.pages = 0;
	shrink.handle = keep;
	EXPECT_EQ(-EOPNOTSUPP, device_ioctl(self->fd, MEMALLOC_SHRINK, &shrink));
	shrink.handle = keep ^ 1ULL << 40;
	EXPECT_EQ(-ENOENT, device_ioctl(self->fd, MEMALLOC_SHRINK, &shrink));
	ASSERT_EQ(0, device_free(self->fd, keep));
	shrink.handle = self->cache;
	ASSERT_EQ(0, device_ioctl(self->fd, MEMALLOC_SHRINK, &shrink));
	ASSERT_EQ(0, device_cache(self->fd, self->cache, &after));
	EXPECT_EQ(0, after.pages);
}

/* --- debug modes --------------------------------------------------------- */

FIXTURE(debug) {
	int fd;
	char guard_ms[PARAMETER_LENGTH];
	char quarantine_kb[PARAMETER_LENGTH];
	char slab_debug[PARAMETER_LENGTH];
};

FIXTURE_SETUP(debug)
{
	self->fd = device_open();
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, parameter_read("slab_guard_ms", self->guard_ms));
	ASSERT_EQ(0, parameter_read("slab_quarantine_kb", self->quarantine_kb));
	ASSERT_EQ(0, parameter_read("slab_debug", self->slab_debug));
}

FIXTURE_TEARDOWN_PARENT(debug)
{
	parameter_write("slab_guard_ms", self->guard_ms);
	parameter_write("slab_quarantine_kb", self->quarantine_kb);
	/* A write of no bytes would change nothing. */
	parameter_write("slab_debug", *self->slab_debug ? self->slab_debug : "\n");
}

/* A cache has the modes if its name matches one of the patterns. */
TEST_F(debug, patterns_select_caches_by_name)
{
	const __u32 modes = MEMALLOC_CACHE_RED_ZONE | MEMALLOC_CACHE_STORE_USER;
	static const struct { const char *text, *name; bool chosen; } cases[] = {
		{ "ZU,u:one*,u:t?o,u:six", "one", true },
		{ "ZU,u:one*,u:t?o,u:six", "ones", true },
		{ "ZU,u:one*,u:t?o,u:six", "two", true },
		{ "ZU,u:one*,u:t?o,u:six", "six", true },
		{ "ZU,u:one*,u:t?o,u:six", "twoo", false },
		{ "ZU,u:one*,u:t?o,u:six", "sixes", false },
		{ "ZU", "any", true },
		{ "-", "any", false },
		{ "-,u:a*", "any", false },
	};
	struct memalloc_cache_create request;
	struct memalloc_stats_cache stats;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		ASSERT_EQ(0, parameter_write("slab_debug", cases[i].text));
		request = device_cache_of(cases[i].name, 40);
		ASSERT_EQ(0, create(self->fd, &request));
		ASSERT_EQ(0, device_cache(self->fd, request.out_handle, &stats));
		EXPECT_EQ(cases[i].chosen ? modes : 0, stats.flags & DEBUG_MODES)
			TH_LOG("%s: %s", cases[i].text, cases[i].name);
		ASSERT_EQ(0, device_free(self->fd, request.out_handle));
	}
}

/*
 * Allocate an object, and free the one before it. Return: the physical address.
 */
static int step(int fd, __u64 cache, __u64 *object, __u64 *phys)
{
	__u64 before = *object;
	int err = device_alloc_objects(fd, cache, 1, object);

	if (err)
		return err;
	*phys = device_phys(fd, *object, 0);
	return before ? device_free(fd, before) : 0;
}

/*
 * A freed object is reused only after slab_quarantine_kb of later frees;
 * without the mode, it is reused at once.
 */
TEST_F(debug, quarantine_delays_reuse)
{
	const __u32 turns = 2000;
	struct memalloc_cache_create request = device_cache_of("held", 200);
	__u64 *where = calloc(turns, sizeof(*where));
	struct memalloc_stats_cache stats;
	__u64 cache, object = 0, other = 0, at, held;
	__u32 i, j, seen = 0;

	ASSERT_TRUE(where);
	ASSERT_EQ(0, parameter_set("slab_quarantine_kb", 16));
	request.flags = MEMALLOC_CACHE_QUARANTINE;
	ASSERT_EQ(0, create(self->fd, &request));
	ASSERT_EQ(0, device_cache(self->fd, request.out_handle, &stats));
	held = (16 << 10) / stats.stride;
	ASSERT_LT(40, held);
	for (i = 0; i < turns; i++) {
		ASSERT_EQ(0, step(self->fd, request.out_handle, &object, &where[i]));
		for (j = 1; j <= i && j <= held; j++) {
			ASSERT_NE(where[i - j], where[i]) TH_LOG("%u after %u", i, i - j);
		}
		for (; j <= i; j++)
			seen += where[i - j] == where[i];
	}
	/* ... and it is reused after that. */
	EXPECT_LT(0, seen);
	ASSERT_EQ(0, device_free(self->fd, object));
	ASSERT_EQ(0, device_cache(self->fd, request.out_handle, &stats));
	EXPECT_EQ(0, stats.active);
	ASSERT_EQ(0, device_shrink_cache(self->fd, request.out_handle));
	ASSERT_EQ(0, device_cache(self->fd, request.out_handle, &stats));
	EXPECT_EQ(0, stats.pages);

	ASSERT_EQ(0, device_cache_create(self->fd, "free", 200, &cache));
	for (i = 0, seen = 0; i < turns; i++) {
		ASSERT_EQ(0, step(self->fd, cache, &other, &at));
		seen += i > 1 && at == where[i - 2];
		where[i] = at;
	}
	EXPECT_LT(turns / 2, seen);
	free(where);
	EXPECT_EQ(0, device_validate(self->fd));
	close(self->fd);
}

/*
 * The object is alone in one or two pages, with room on both sides, also while
 * it is free; then the pages go.
 */
TEST_F(debug, guard_puts_a_sample_into_a_page_of_its_own)
{
	static const __u32 sizes[] = { 1, 8, 40, 104, 1000, 3000, 4088 };
	struct memalloc_cache_create request;
	struct memalloc_stats_cache stats;
	__u64 object, left, pages;
	size_t i;

	ASSERT_EQ(0, parameter_set("slab_guard_ms", 0));
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		request = device_cache_of("guard", sizes[i]);
		request.flags = MEMALLOC_CACHE_GUARD;
		ASSERT_EQ(0, create(self->fd, &request));
		ASSERT_EQ(0, device_alloc_objects(self->fd, request.out_handle, 1, &object));
		ASSERT_EQ(0, device_cache(self->fd, request.out_handle, &stats));
		EXPECT_EQ(1, stats.active);
		EXPECT_EQ(1, stats.objects);
		pages = 8 + sizes[i] + 8 > page_size() ? 2 : 1;
		EXPECT_EQ(pages, stats.pages);
		left = device_phys(self->fd, object, 0) % (pages * page_size());
		EXPECT_LE(8, left);
		EXPECT_LE(left + sizes[i] + 8, pages * page_size());
		EXPECT_EQ(0, left % stats.align);
		EXPECT_EQ(0, device_pattern(self->fd, MEMALLOC_VERIFY, object, sizes[i],
					    MEMALLOC_PATTERN_REPEAT, 0));
		EXPECT_EQ(0, device_fill(self->fd, object, sizes[i], 7));
		EXPECT_EQ(0, device_verify(self->fd, object, sizes[i], 7));
		ASSERT_EQ(0, device_free(self->fd, object));
		ASSERT_EQ(0, device_cache(self->fd, request.out_handle, &stats));
		EXPECT_EQ(0, stats.active);
		EXPECT_EQ(pages, stats.pages);
		ASSERT_EQ(0, device_shrink_cache(self->fd, request.out_handle));
		ASSERT_EQ(0, device_cache(self->fd, request.out_handle, &stats));
		EXPECT_EQ(0, stats.pages);
		ASSERT_EQ(0, device_free(self->fd, request.out_handle));
	}
	EXPECT_EQ(0, device_validate(self->fd));
	close(self->fd);
}

/* Number of allocations from a cache so far. */
static __u64 allocations(int fd, __u64 cache)
{
	struct memalloc_stats_cache stats;

	return device_cache(fd, cache, &stats) ? 0 : stats.hits + stats.misses;
}

/*
 * Create a cache without other users, and find a count that takes long enough.
 */
static int make_bulk(int fd, __u64 *cache, __u32 *count)
{
	enum { SIZE = 16 << 10 };
	struct memalloc_stats_borrowing borrowing;
	__u64 most;
	int err = device_borrowing(fd, &borrowing) ?:
		  device_cache_create(fd, "bulk", SIZE, cache);

	most = (borrowing.cap - borrowing.reserve) * page_size() / 4 / SIZE;
	*count = most < MEMALLOC_COUNT_MAX ? most : MEMALLOC_COUNT_MAX;
	return err;
}

/*
 * Allocate repeatedly; killed soon after the start. Return: objects allocated.
 */
static __u64 kill_in_bulk(int fd, __u64 cache, __u32 count)
{
	pid_t child = fork();
	__u64 objects;

	if (!child)
		while (!device_alloc_objects(fd, cache, count, &objects))
			device_free(fd, objects);
	while (child > 0 && !allocations(fd, cache))
		sched_yield();
	if (child <= 0 || kill(child, SIGKILL) || waitpid(child, NULL, 0) != child)
		return 0;
	return allocations(fd, cache);
}

/*
 * A killed task does not get all objects first. The final number of allocations
 * shows it: if the signal hits another place, it is a multiple of the count.
 */
TEST_F(cache, bulk_allocation_ends_when_killed)
{
	unsigned int rounds = 100, cut = 0, i;
	__u64 cache, objects;
	__u32 count;
	int fd;

	ASSERT_EQ(0, make_bulk(self->fd, &cache, &count));
	ASSERT_EQ(0, device_alloc_objects(self->fd, cache, count, &objects));
	ASSERT_EQ(count, allocations(self->fd, cache));
	ASSERT_EQ(0, device_free(self->fd, objects));
	for (i = 0; i < rounds && cut < 3; i++) {
		fd = device_open();
		ASSERT_LE(0, fd);
		ASSERT_EQ(0, make_bulk(fd, &cache, &count));
		cut += !!(kill_in_bulk(fd, cache, count) % count);
		close(fd);
	}
	EXPECT_EQ(3, cut);
	TH_LOG("%u objects, interrupted in %u of %u rounds", count, cut, i);
}

/* --- quotas -------------------------------------------------------------- */

TEST_F(cache, quota_counts_held_bytes)
{
	struct memalloc_stats_file before, after;
	struct memalloc_info info;
	__u64 objects, cache;

	ASSERT_EQ(0, device_file(self->fd, &before));
	ASSERT_EQ(0, device_alloc_objects(self->fd, self->cache, 100, &objects));
	ASSERT_EQ(0, device_info(self->fd, objects, 0, 0, &info));
	EXPECT_EQ(100 * self->size, info.out_bytes);
	ASSERT_EQ(0, device_file(self->fd, &after));
	EXPECT_EQ(info.out_held, after.bytes - before.bytes);
	EXPECT_EQ(1, after.handles - before.handles);
	ASSERT_EQ(0, device_free(self->fd, objects));
	ASSERT_EQ(0, device_file(self->fd, &after));
	EXPECT_EQ(before.bytes, after.bytes);

	ASSERT_EQ(0, device_cache_create(self->fd, "more", 8, &cache));
	ASSERT_EQ(0, device_info(self->fd, cache, 0, 0, &info));
	ASSERT_EQ(0, device_file(self->fd, &after));
	EXPECT_EQ(info.out_held, after.bytes - before.bytes);
}

TEST_F(quota, refuses_objects_and_caches_with_edquot)
{
	__u64 cache, objects, more, count;

	ASSERT_EQ(0, parameter_set("quota_file_mb", 1));
	ASSERT_EQ(0, device_cache_create(self->fd, "quota", 1024, &cache));
	EXPECT_EQ(-EDQUOT, device_alloc_objects(self->fd, cache, 1024, &objects));
	for (count = 0; !device_alloc_objects(self->fd, cache, 1, &objects); count++)
		;
	/* Each has a handle, which takes less than an object. */
	EXPECT_LE(1024 / 2, count);
	EXPECT_GT(1024, count);
	EXPECT_EQ(-EDQUOT, device_alloc_objects(self->fd, cache, 1, &more));
	ASSERT_EQ(0, parameter_write("quota_file_mb", self->bytes));
	ASSERT_EQ(0, parameter_set("quota_handles", count + 2));
	EXPECT_EQ(0, device_alloc_objects(self->fd, cache, 1, &more));
	EXPECT_EQ(-EDQUOT, device_alloc_objects(self->fd, cache, 1, &more));
	EXPECT_EQ(-EDQUOT, device_cache_create(self->fd, "quota", 8, &more));
	EXPECT_EQ(0, device_validate(self->fd));
	close(self->fd);
}

/*
 * --- death of an owner -------------------------------------------------------
 */

/* No cache of this test exists, and no byte is charged to the device. */
static bool all_gone(const char *name)
{
	struct memalloc_stats_file file;
	char line[512];
	int fd = device_open();
	bool gone;

	gone = fd >= 0 && !device_file(fd, &file) && !file.device_bytes &&
	       !proc_line(name, line, sizeof(line)) && !device_validate(fd);
	close(fd);
	return gone;
}

static void hold_a_lot(int fd)
{
	__u64 caches[3], objects;
	int i, j;

	/* Handles of parents are before and after those of their children. */
	for (i = 0; i < 3; i++) {
		if (device_cache_create(fd, "dying", 64 << i, &caches[i]))
			_exit(1);
		for (j = 0; j < 100; j++)
			if (device_alloc_objects(fd, caches[i], j, &objects))
				_exit(1);
	}
	for (i = 0; i < 3; i++)
		for (j = 0; j < 20; j++)
			if (device_alloc_objects(fd, caches[2 - i], 1, &objects) ||
			    device_kmalloc(fd, 100 * j, &objects))
				_exit(1);
}

TEST(close_frees_objects_before_their_caches)
{
	int fd = device_open();

	ASSERT_LE(0, fd);
	hold_a_lot(fd);
	EXPECT_FALSE(all_gone("u:dying"));
	close(fd);
	EXPECT_TRUE(all_gone("u:dying"));
}

TEST(kill_frees_all)
{
	int ready[2], status, round;
	char byte;
	pid_t pid;

	for (round = 0; round < 5; round++) {
		ASSERT_EQ(0, pipe(ready));
		pid = fork();
		ASSERT_LE(0, pid);
		if (!pid) {
			int fd = device_open();

			if (fd < 0)
				_exit(1);
			hold_a_lot(fd);
			if (write(ready[1], "", 1) != 1)
				_exit(1);
			for (;;)
				hold_a_lot(fd);
		}
		close(ready[1]);
		ASSERT_EQ(1, read(ready[0], &byte, 1));
		close(ready[0]);
		ASSERT_EQ(0, kill(pid, SIGKILL));
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
		EXPECT_TRUE(WIFSIGNALED(status));
		EXPECT_TRUE(all_gone("u:dying"));
	}
}

/*
 * --- concurrency
 * ---------------------------------------------------------------
 */

/**
 * struct mob - threads that use one cache while another thread destroys it
 * @fd: the open file of all threads
 * @cache: the current cache, replaced after each destruction
 * @rounds: remaining rounds of the destroyer
 * @wrong: number of unexpected results
 */
struct mob {
	int fd;
	_Atomic __u64 cache;
	_Atomic int rounds;
	_Atomic int wrong;
};

/* One step. Return: false if the cache is gone. */
static bool mob_turn(struct mob *mob, __u64 cache)
{
	__u64 objects[16], bytes;
	int i, got, err = 0;

	for (got = 0; got < 16; got++) {
		err = device_alloc_objects(mob->fd, cache, got % 5, &objects[got]);
		if (err)
			break;
	}
	mob->wrong += err && err != -ENOENT && err != -ENOMEM;
	for (i = 0; i < got; i++) {
		bytes = 72 * (i % 5 ? i % 5 : 1);
		mob->wrong += !!device_fill(mob->fd, objects[i], bytes, objects[i]);
	}
	for (i = 0; i < got; i++) {
		bytes = 72 * (i % 5 ? i % 5 : 1);
		mob->wrong += device_verify(mob->fd, objects[i], bytes, objects[i]) ||
			      device_free(mob->fd, objects[i]);
	}
	return err != -ENOENT;
}

/* Several steps with each cache, so that it is without objects at times. */
static void *mob_use(void *data)
{
	struct mob *mob = data;
	int turns;

	while (mob->rounds > 0) {
		__u64 cache = mob->cache;

		for (turns = 0; turns < 5 && mob_turn(mob, cache); turns++)
			;
		while (mob->cache == cache && mob->rounds > 0)
			sched_yield();
	}
	return NULL;
}

static void *mob_destroy(void *data)
{
	struct mob *mob = data;
	struct memalloc_shrink shrink = { .size = sizeof(shrink) };
	struct memalloc_stats_cache stats;
	__u64 next;
	int err;

	while (mob->rounds > 0) {
		shrink.handle = mob->cache;
		if (device_ioctl(mob->fd, MEMALLOC_SHRINK, &shrink) ||
		    device_cache(mob->fd, mob->cache, &stats))
			mob->wrong++;
		err = device_free(mob->fd, mob->cache);
		if (err && err != -EBUSY)
			mob->wrong++;
		if (err)
			continue;
		if (device_cache_create(mob->fd, "mob", 72, &next)) {
			mob->wrong++;
			break;
		}
		mob->cache = next;
		mob->rounds--;
	}
	mob->rounds = 0;
	return NULL;
}

TEST(cache_is_destroyed_between_two_uses_or_not_at_all)
{
	struct mob mob = { .fd = device_open(), .rounds = effort_of(200) };
	struct memalloc_stats_reports before, after;
	pthread_t users[3], destroyer;
	__u64 cache;
	int i;

	ASSERT_LE(0, mob.fd);
	ASSERT_EQ(0, device_reports(mob.fd, &before));
	ASSERT_EQ(0, device_cache_create(mob.fd, "mob", 72, &cache));
	mob.cache = cache;
	for (i = 0; i < 3; i++) {
		ASSERT_EQ(0, pthread_create(&users[i], NULL, mob_use, &mob));
	}
	ASSERT_EQ(0, pthread_create(&destroyer, NULL, mob_destroy, &mob));
	for (i = 0; i < 3; i++) {
		ASSERT_EQ(0, pthread_join(users[i], NULL));
	}
	ASSERT_EQ(0, pthread_join(destroyer, NULL));
	EXPECT_EQ(0, mob.wrong);
	EXPECT_EQ(0, device_free(mob.fd, mob.cache));
	EXPECT_EQ(0, device_validate(mob.fd));
	ASSERT_EQ(0, device_reports(mob.fd, &after));
	EXPECT_EQ(0, memcmp(&before, &after, sizeof(before)));
	close(mob.fd);
	EXPECT_TRUE(all_gone("u:mob"));
}

TEST_HARNESS_MAIN
