// SPDX-License-Identifier: GPL-2.0
/*
 * kmalloc from user space: sizes and their classes, contents after a resize,
 * and resizing during concurrent use
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "effort.h"
#include "harness.h"
#include "host_zone.h"
#include "memalloc_device.h"
#include "module_parameter.h"
#include "quota.h"
#include "seed.h"

#define LARGEST_CLASS	8192

FIXTURE(kmalloc) {
	int fd;
};

FIXTURE_SETUP(kmalloc)
{
	self->fd = device_open();
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN(kmalloc)
{
	EXPECT_EQ(0, device_validate(self->fd));
	close(self->fd);
}

static __u64 largest(void)
{
	return (__u64)page_size() << MEMALLOC_MAX_ORDER;
}

static __u64 held(int fd, __u64 handle)
{
	struct memalloc_info info;

	return device_info(fd, handle, 0, 0, &info) ? ~0ULL : info.out_held;
}

/* --- allocation ---------------------------------------------------------- */

TEST_F(kmalloc, every_size_is_usable_to_its_last_byte)
{
	struct memalloc_info info;
	unsigned char byte = 0xee;
	__u64 handle, size;

	for (size = 1; size <= 5 * page_size(); size += size < 1100 ? 1 : 251) {
		ASSERT_EQ(0, device_kmalloc(self->fd, size, &handle));
		ASSERT_EQ(0, device_info(self->fd, handle, size - 1, 0, &info));
		EXPECT_EQ(MEMALLOC_KIND_KMALLOC, info.out_kind);
		EXPECT_EQ(size, info.out_bytes);
		EXPECT_LE(size, info.out_held);
		EXPECT_EQ(0, info.out_map_offset);
		EXPECT_EQ(size > LARGEST_CLASS, !*info.out_name) TH_LOG("%s", info.out_name);
		EXPECT_EQ(-EOVERFLOW, device_info(self->fd, handle, size, 0, &info));
		EXPECT_EQ(0, device_pattern(self->fd, MEMALLOC_VERIFY, handle, size,
					    MEMALLOC_PATTERN_REPEAT, 0)) TH_LOG("%llu", size);
		EXPECT_EQ(0, device_write(self->fd, handle, size - 1, &byte, 1));
		EXPECT_EQ(-EOVERFLOW, device_write(self->fd, handle, size, &byte, 1));
		EXPECT_EQ(-EOVERFLOW, device_read(self->fd, handle, size - 1, &byte, 2));
		EXPECT_EQ(0, device_fill(self->fd, handle, size, 77));
		ASSERT_EQ(0, device_free(self->fd, handle));
	}
}

TEST_F(kmalloc, waste_of_a_class_is_below_a_fifth)
{
	__u64 handle, size;

	for (size = 64; size <= LARGEST_CLASS; size += 37) {
		ASSERT_EQ(0, device_kmalloc(self->fd, size, &handle));
		EXPECT_LE((held(self->fd, handle) - size) * 5, held(self->fd, handle))
			TH_LOG("%llu", size);
		ASSERT_EQ(0, device_free(self->fd, handle));
	}
}

TEST_F(kmalloc, of_no_bytes_is_a_handle_without_memory)
{
	struct memalloc_info info;
	unsigned char byte = 0;
	__u64 handle;

	ASSERT_EQ(0, device_kmalloc(self->fd, 0, &handle));
	ASSERT_EQ(0, device_info(self->fd, handle, 0, MEMALLOC_INFO_PHYS, &info));
	EXPECT_EQ(0, info.out_bytes);
	EXPECT_EQ(0, info.out_held);
	EXPECT_EQ(-1, info.out_node);
	EXPECT_EQ(0, info.out_phys);
	EXPECT_EQ(-EOVERFLOW, device_info(self->fd, handle, 1, 0, &info));
	EXPECT_EQ(0, device_read(self->fd, handle, 0, &byte, 0));
	EXPECT_EQ(-EOVERFLOW, device_read(self->fd, handle, 0, &byte, 1));
	EXPECT_EQ(0, device_resize(self->fd, handle, 30));
	EXPECT_EQ(0, device_fill(self->fd, handle, 30, 1));
	EXPECT_EQ(0, device_resize(self->fd, handle, 0));
	EXPECT_EQ(0, device_free(self->fd, handle));
}

TEST_F(kmalloc, size_beyond_the_largest_is_einval)
{
	const __u64 bad[] = { largest() + 1, 1ULL << 31, 1ULL << 32, 1ULL << 63, ~0ULL };
	__u64 handle, other;
	size_t i;

	ASSERT_EQ(0, device_kmalloc(self->fd, 100, &handle));
	ASSERT_EQ(0, device_fill(self->fd, handle, 100, 3));
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		EXPECT_EQ(-EINVAL, device_kmalloc(self->fd, bad[i], &other));
		EXPECT_EQ(-EINVAL, device_resize(self->fd, handle, bad[i]));
	}
	EXPECT_EQ(0, device_verify(self->fd, handle, 100, 3));
	EXPECT_EQ(0, device_kmalloc(self->fd, largest(), &other));
}

TEST_F(kmalloc, fields_of_other_kinds_are_einval)
{
	struct memalloc_alloc alloc = {
		.size = sizeof(alloc), .kind = MEMALLOC_KIND_KMALLOC, .node = -1,
		.bytes = 10,
	};
	struct memalloc_alloc bad;

	bad = alloc;
	bad.order = 1;
	EXPECT_EQ(-EINVAL, device_ioctl(self->fd, MEMALLOC_ALLOC, &bad));
	bad = alloc;
	bad.count = 1;
	EXPECT_EQ(-EINVAL, device_ioctl(self->fd, MEMALLOC_ALLOC, &bad));
	bad = alloc;
	bad.gfp = MEMALLOC_GFP_DMA32;
	EXPECT_EQ(-EINVAL, device_ioctl(self->fd, MEMALLOC_ALLOC, &bad));
	ASSERT_EQ(0, device_ioctl(self->fd, MEMALLOC_ALLOC, &alloc));
	bad = alloc;
	bad.parent = alloc.out_handle;
	EXPECT_EQ(-EINVAL, device_ioctl(self->fd, MEMALLOC_ALLOC, &bad));
	EXPECT_EQ(0, alloc.out_map_offset);
}

TEST_F(kmalloc, of_zone_dma_stays_there_when_resized)
{
	struct memalloc_alloc alloc = {
		.size = sizeof(alloc), .kind = MEMALLOC_KIND_KMALLOC, .node = -1,
		.bytes = 10, .gfp = MEMALLOC_GFP_DMA,
	};
	const __u64 sizes[] = { 10, 3000, 20000, 100 };
	struct memalloc_info info;
	size_t i;
	int err = device_ioctl(self->fd, MEMALLOC_ALLOC, &alloc);

	ASSERT_EQ(0, err);
	if (!host_has_zone("DMA")) {
		SKIP(return, "the host has no zone DMA");
	}
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		ASSERT_EQ(0, device_resize(self->fd, alloc.out_handle, sizes[i]));
		ASSERT_EQ(0, device_info(self->fd, alloc.out_handle, 0, 0, &info));
		EXPECT_EQ(MEMALLOC_ZONE_DMA, info.out_zone) TH_LOG("%llu", sizes[i]);
	}
}

/* --- resizing ------------------------------------------------------------ */

TEST_F(kmalloc, resize_of_other_kinds_is_refused)
{
	__u64 pages, unknown = 0x123456789aULL;

	ASSERT_EQ(0, device_alloc(self->fd, 0, &pages));
	EXPECT_EQ(-EOPNOTSUPP, device_resize(self->fd, pages, 100));
	EXPECT_EQ(-ENOENT, device_resize(self->fd, unknown, 100));
	EXPECT_EQ(-ENOENT, device_resize(self->fd, 0, 100));
	ASSERT_EQ(0, device_free(self->fd, pages));
	EXPECT_EQ(-ENOENT, device_resize(self->fd, pages, 100));
}

static bool kept(const unsigned char *model, const unsigned char *seen, __u64 bytes)
{
	return !memcmp(model, seen, bytes);
}

/*
 * Random sizes of all magnitudes, growing and shrinking, compared with a copy:
 * old contents are preserved, new bytes are zero, and quotas count the bytes
 * held.
 */
TEST_F(kmalloc, resize_keeps_contents_and_shows_zeroes)
{
	const __u64 most = 256 << 10;
	unsigned char *model = calloc(1, most), *seen = calloc(1, most);
	struct memalloc_stats_file before, after;
	__u64 handle, size = 0, next, seed, i;
	unsigned int turns = effort_of(1500);

	SEED_PRINT(seed);
	ASSERT_TRUE(model && seen);
	ASSERT_EQ(0, device_file(self->fd, &before));
	ASSERT_EQ(0, device_kmalloc(self->fd, 0, &handle));
	while (turns--) {
		next = seed_below(&seed, most >> seed_below(&seed, 18));
		if (next < size)
			memset(model + next, 0, size - next);
		ASSERT_EQ(0, device_resize(self->fd, handle, next));
		size = next;
		ASSERT_EQ(0, device_read(self->fd, handle, 0, seen, size));
		ASSERT_TRUE(kept(model, seen, size)) TH_LOG("%llu bytes", size);
		for (i = 0; i < size; i += 1 + seed_below(&seed, 64))
			model[i] = seed_next(&seed);
		ASSERT_EQ(0, device_write(self->fd, handle, 0, model, size));
		ASSERT_EQ(0, device_file(self->fd, &after));
		ASSERT_EQ(before.bytes + held(self->fd, handle), after.bytes);
		ASSERT_LE(size, held(self->fd, handle));
	}
	ASSERT_EQ(0, device_free(self->fd, handle));
	ASSERT_EQ(0, device_file(self->fd, &after));
	EXPECT_EQ(before.bytes, after.bytes);
	free(model);
	free(seen);
}

TEST_F(kmalloc, resize_crosses_each_border_of_a_class)
{
	__u64 handle, border, size;

	for (border = 8; border <= 4 * LARGEST_CLASS; border += border < 1024 ? 8 : 1024) {
		for (size = border - 1; size <= border + 1; size++) {
			ASSERT_EQ(0, device_kmalloc(self->fd, border - 1, &handle));
			ASSERT_EQ(0, device_fill(self->fd, handle, border - 1, size));
			ASSERT_EQ(0, device_resize(self->fd, handle, size));
			EXPECT_EQ(0, device_verify(self->fd, handle, border - 1, size))
				TH_LOG("%llu to %llu", border - 1, size);
			ASSERT_EQ(0, device_free(self->fd, handle));
		}
	}
}

TEST_F(quota, refuses_to_grow_and_nothing_changes)
{
	struct memalloc_stats_file file;
	__u64 handle, other, before;

	ASSERT_EQ(0, parameter_set("quota_file_mb", 1));
	ASSERT_EQ(0, device_kmalloc(self->fd, 700 << 10, &handle));
	ASSERT_EQ(0, device_kmalloc(self->fd, 200 << 10, &other));
	ASSERT_EQ(0, device_fill(self->fd, handle, 700 << 10, 1));
	before = held(self->fd, handle);
	EXPECT_EQ(-EDQUOT, device_resize(self->fd, handle, 900 << 10));
	EXPECT_EQ(before, held(self->fd, handle));
	EXPECT_EQ(0, device_verify(self->fd, handle, 700 << 10, 1));
	ASSERT_EQ(0, device_free(self->fd, other));
	EXPECT_EQ(0, device_resize(self->fd, handle, 900 << 10));
	EXPECT_EQ(0, device_verify(self->fd, handle, 700 << 10, 1));
	ASSERT_EQ(0, device_file(self->fd, &file));
	EXPECT_EQ(held(self->fd, handle), file.bytes);
	EXPECT_EQ(0, device_validate(self->fd));
	close(self->fd);
}

/**
 * struct crowd - threads that resize and access the same memory
 * @fd: the open file
 * @handle: the memory; its first 64 bytes always exist
 * @turns: remaining rounds of the resizing threads
 * @wrong: number of unexpected results
 */
struct crowd {
	int fd;
	__u64 handle;
	_Atomic int turns;
	_Atomic int wrong;
};

static void *crowd_resize(void *data)
{
	struct crowd *crowd = data;
	__u64 seed = address_of(&seed);

	while (crowd->turns-- > 0)
		if (device_resize(crowd->fd, crowd->handle,
				  64 + seed_below(&seed, 40000)))
			crowd->wrong++;
	return NULL;
}

static void *crowd_look(void *data)
{
	struct crowd *crowd = data;
	unsigned char bytes[4096];
	int err;

	while (crowd->turns > 0) {
		err = device_read(crowd->fd, crowd->handle, 64, bytes, sizeof(bytes));
		if (err && err != -EOVERFLOW)
			crowd->wrong++;
		if (device_verify(crowd->fd, crowd->handle, 64, 42))
			crowd->wrong++;
	}
	return NULL;
}

TEST_F(kmalloc, resizing_and_using_at_once_is_safe)
{
	struct crowd crowd = { .fd = self->fd, .turns = effort_of(4000) };
	struct memalloc_stats_reports before, after;
	pthread_t threads[4];
	int i;

	ASSERT_EQ(0, device_reports(self->fd, &before));
	ASSERT_EQ(0, device_kmalloc(self->fd, 64, &crowd.handle));
	ASSERT_EQ(0, device_fill(self->fd, crowd.handle, 64, 42));
	for (i = 0; i < 4; i++) {
		ASSERT_EQ(0, pthread_create(&threads[i], NULL,
					    i & 1 ? crowd_look : crowd_resize, &crowd));
	}
	for (i = 0; i < 4; i++) {
		ASSERT_EQ(0, pthread_join(threads[i], NULL));
	}
	EXPECT_EQ(0, crowd.wrong);
	EXPECT_EQ(0, device_verify(self->fd, crowd.handle, 64, 42));
	ASSERT_EQ(0, device_reports(self->fd, &after));
	EXPECT_EQ(0, memcmp(&before, &after, sizeof(before)));
}

/* --- statistics ---------------------------------------------------------- */

TEST_F(kmalloc, stats_count_each_class)
{
	struct memalloc_stats_class before, after;
	__u64 handles[50], total = 0;
	__u32 index, seen = 0;
	int i;

	for (index = 0; !device_stats(self->fd, MEMALLOC_SECTION_CLASS, index, &before,
				      sizeof(before)); index++) {
		total++;
		if (before.dma || before.object_size != 640)
			continue;
		seen++;
		EXPECT_STREQ("kmalloc-640", before.name);
		for (i = 0; i < 50; i++) {
			ASSERT_EQ(0, device_kmalloc(self->fd, 600, &handles[i]));
		}
		ASSERT_EQ(0, device_stats(self->fd, MEMALLOC_SECTION_CLASS, index, &after,
					  sizeof(after)));
		EXPECT_EQ(50, after.active - before.active);
		EXPECT_LE(before.samples, after.samples);
		EXPECT_GE(1000, after.waste_per_mille);
		EXPECT_EQ((after.samples - before.samples) * 600,
			  after.sampled_bytes - before.sampled_bytes);
		for (i = 0; i < 50; i++) {
			ASSERT_EQ(0, device_free(self->fd, handles[i]));
		}
	}
	EXPECT_EQ(1, seen);
	EXPECT_EQ(72, total);
}

/* Unrequested share of the pages, if all requests are like the samples. */
static __u64 waste_of(__u64 pages, __u64 active, __u64 asked, __u64 samples)
{
	__u64 bytes = pages * page_size(), used = active * (asked / samples);

	return used < bytes ? (bytes - used) * 1000 / bytes : 0;
}

/* The line of a class in the section "kmalloc" of /proc/memalloc must agree. */
static bool is_in_proc(const struct memalloc_stats_class *class)
{
	FILE *proc = fopen("/proc/memalloc", "re");
	bool within = false, found = false;
	char line[512], expected[512];

	snprintf(expected, sizeof(expected), "%s %llu %llu %llu %llu %llu %llu %llu",
		 class->name, class->object_size, class->active, class->objects,
		 class->samples, class->samples ? class->sampled_bytes / class->samples :
		 class->object_size, class->waste_per_mille, class->pages);
	while (proc && !found && fgets(line, sizeof(line), proc)) {
		char *from = line, *to = line;

		if (*line == '[')
			within = !strcmp(line, "[kmalloc]\n");
		for (; *from && *from != '\n'; from++)
			if (*from != ' ' || (to > line && to[-1] != ' '))
				*to++ = *from;
		*to = '\0';
		found = within && !strcmp(line, expected);
	}
	if (proc)
		fclose(proc);
	return found;
}

/* Random sizes in each class, often enough that some are sampled. */
TEST_F(kmalloc, waste_of_each_class_matches_a_model)
{
	struct memalloc_stats_class before, after;
	__u64 handles[300], seed, least = 1, size, asked, noted = 0;
	__u32 index, count, i;

	SEED_PRINT(seed);
	for (index = 0; !device_stats(self->fd, MEMALLOC_SECTION_CLASS, index, &before,
				      sizeof(before)); index++) {
		if (before.dma)
			continue;
		size = least + seed_below(&seed, before.object_size - least + 1);
		least = before.object_size + 1;
		count = 1 + seed_below(&seed, ARRAY_SIZE(handles));
		for (i = 0; i < count; i++) {
			ASSERT_EQ(0, device_kmalloc(self->fd, size, &handles[i]));
		}
		ASSERT_EQ(0, device_stats(self->fd, MEMALLOC_SECTION_CLASS, index, &after,
					  sizeof(after)));
		EXPECT_EQ(before.active + count, after.active);
		EXPECT_LE(after.active, after.objects);
		asked = before.sampled_bytes + (after.samples - before.samples) * size;
		EXPECT_EQ(asked, after.sampled_bytes) TH_LOG("%s, %llu", after.name, size);
		noted += after.samples - before.samples;
		if (after.samples)
			EXPECT_EQ(waste_of(after.pages, after.active, asked, after.samples),
				  after.waste_per_mille) TH_LOG("%s, %llu", after.name, size);
		EXPECT_TRUE(is_in_proc(&after)) TH_LOG("%s", after.name);
		for (i = 0; i < count; i++) {
			ASSERT_EQ(0, device_free(self->fd, handles[i]));
		}
	}
	EXPECT_LT(0, noted);
}

TEST_HARNESS_MAIN
