// SPDX-License-Identifier: GPL-2.0
/*
 * Per-CPU areas from user space: the copies of all CPUs, one by one and
 * together
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "effort.h"
#include "harness.h"
#include "memalloc_device.h"
#include "module_parameter.h"
#include "quota.h"
#include "seed.h"

#define LARGEST	32768

FIXTURE(percpu) {
	int fd;
	__u32 cpus;
};

FIXTURE_SETUP(percpu)
{
	struct memalloc_stats_percpu stats;

	self->fd = device_open();
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, device_stats(self->fd, MEMALLOC_SECTION_PERCPU, 0, &stats,
				  sizeof(stats)));
	self->cpus = stats.possible_cpus;
	ASSERT_LT(0, self->cpus);
}

FIXTURE_TEARDOWN(percpu)
{
	EXPECT_EQ(0, device_validate(self->fd));
	close(self->fd);
}

TEST_F(percpu, every_size_has_its_bytes_on_every_cpu)
{
	const __u64 sizes[] = { 1, 3, 4, 8, 12, 63, 64, 100, 511, 512, 513, 4096, LARGEST };
	unsigned char byte, want;
	struct memalloc_alloc alloc;
	struct memalloc_info info;
	unsigned int i, cpu;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		ASSERT_EQ(0, device_alloc_percpu(self->fd, sizes[i], 0, &alloc));
		EXPECT_EQ(sizes[i] * self->cpus, alloc.out_bytes);
		EXPECT_EQ(0, alloc.out_map_offset);
		ASSERT_EQ(0, device_info(self->fd, alloc.out_handle, alloc.out_bytes - 1, 0,
					 &info));
		EXPECT_EQ(MEMALLOC_KIND_PERCPU, info.out_kind);
		EXPECT_EQ(self->cpus, info.out_count);
		EXPECT_LE(0, info.out_node);
		EXPECT_EQ(0, device_is_zero(self->fd, alloc.out_handle, alloc.out_bytes));
		for (cpu = 0; cpu < self->cpus; cpu++) {
			want = 0x40 + cpu;
			ASSERT_EQ(0, device_write(self->fd, alloc.out_handle,
						  (cpu + 1) * sizes[i] - 1, &want, 1));
		}
		for (cpu = 0; cpu < self->cpus; cpu++) {
			ASSERT_EQ(0, device_read(self->fd, alloc.out_handle,
						 (cpu + 1) * sizes[i] - 1, &byte, 1));
			EXPECT_EQ(0x40 + cpu, byte);
		}
		EXPECT_EQ(-EOVERFLOW, device_read(self->fd, alloc.out_handle,
						  self->cpus * sizes[i], &byte, 1));
		ASSERT_EQ(0, device_free(self->fd, alloc.out_handle));
	}
}

/* The sum over all CPUs, as for a counter of the kernel. */
TEST_F(percpu, counters_of_all_cpus_add_up)
{
	__u64 sum = 0, want = 0, value, counters[self->cpus];
	struct memalloc_alloc alloc;
	unsigned int cpu;

	ASSERT_EQ(0, device_alloc_percpu(self->fd, sizeof(value), 8, &alloc));
	for (cpu = 0; cpu < self->cpus; cpu++) {
		value = 1000 + cpu * cpu;
		want += value;
		ASSERT_EQ(0, device_write(self->fd, alloc.out_handle, cpu * sizeof(value),
					  &value, sizeof(value)));
	}
	ASSERT_EQ(0, device_read(self->fd, alloc.out_handle, 0, counters, sizeof(counters)));
	for (cpu = 0; cpu < self->cpus; cpu++)
		sum += counters[cpu];
	EXPECT_EQ(want, sum);
}

TEST_F(percpu, alignment_is_kept)
{
	struct memalloc_alloc alloc;
	__u64 align, cpu, phys;

	for (align = 1; align <= page_size(); align *= 2) {
		ASSERT_EQ(0, device_alloc_percpu(self->fd, 24, align, &alloc));
		for (cpu = 0; cpu < self->cpus; cpu++) {
			phys = device_phys(self->fd, alloc.out_handle, cpu * 24);
			EXPECT_NE(0, phys);
			EXPECT_EQ(0, phys & (align - 1)) TH_LOG("align %llu", align);
		}
	}
}

TEST_F(percpu, invalid_requests_are_einval)
{
	const __u64 sizes[] = { 0, 1ULL << 20, 1ULL << 32, ~0ULL };
	const __u64 aligns[] = { 3, 24, 2 * page_size(), 1ULL << 32, ~0ULL };
	struct memalloc_alloc alloc, bad;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++)
		EXPECT_EQ(-EINVAL, device_alloc_percpu(self->fd, sizes[i], 0, &alloc));
	for (i = 0; i < ARRAY_SIZE(aligns); i++)
		EXPECT_EQ(-EINVAL, device_alloc_percpu(self->fd, 8, aligns[i], &alloc));
	ASSERT_EQ(0, device_alloc_percpu(self->fd, 8, 0, &alloc));
	bad = alloc;
	bad.order = 1;
	EXPECT_EQ(-EINVAL, device_ioctl(self->fd, MEMALLOC_ALLOC, &bad));
	bad = alloc;
	bad.count = 1;
	EXPECT_EQ(-EINVAL, device_ioctl(self->fd, MEMALLOC_ALLOC, &bad));
	bad = alloc;
	bad.node = 5000;
	EXPECT_EQ(-EINVAL, device_ioctl(self->fd, MEMALLOC_ALLOC, &bad));
	bad = alloc;
	bad.gfp = MEMALLOC_GFP_DMA;
	EXPECT_EQ(-EINVAL, device_ioctl(self->fd, MEMALLOC_ALLOC, &bad));
	bad = alloc;
	bad.flags = 1;
	EXPECT_EQ(-EINVAL, device_ioctl(self->fd, MEMALLOC_ALLOC, &bad));
	EXPECT_EQ(-EOPNOTSUPP, device_resize(self->fd, alloc.out_handle, 2));
}

/* A zeroed structure has node 0, which every machine has. */
TEST_F(percpu, node_is_only_a_preference)
{
	struct memalloc_alloc alloc = {
		.size = sizeof(alloc),
		.kind = MEMALLOC_KIND_PERCPU,
		.bytes = 64,
	};

	ASSERT_EQ(0, device_ioctl(self->fd, MEMALLOC_ALLOC, &alloc));
	EXPECT_EQ(0, device_free(self->fd, alloc.out_handle));
	alloc.gfp = MEMALLOC_GFP_THISNODE;
	EXPECT_EQ(-EINVAL, device_ioctl(self->fd, MEMALLOC_ALLOC, &alloc));
}

TEST_F(percpu, caller_that_must_not_sleep_gets_some)
{
	struct memalloc_alloc alloc;
	unsigned int i;

	for (i = 0; i < 20; i++) {
		ASSERT_EQ(0, device_alloc_percpu(self->fd, 64, 0, &alloc));
		alloc.gfp = MEMALLOC_GFP_ATOMIC;
		ASSERT_EQ(0, device_ioctl(self->fd, MEMALLOC_ALLOC, &alloc));
		EXPECT_EQ(0, device_is_zero(self->fd, alloc.out_handle, alloc.out_bytes));
	}
}

TEST_F(percpu, random_ones_keep_what_they_hold)
{
	enum { NR = 100 };
	struct memalloc_stats_percpu before, after;
	struct memalloc_alloc areas[NR] = {};
	unsigned int turns = effort_of(4000), i;
	__u64 seed, bytes;

	SEED_PRINT(seed);
	ASSERT_EQ(0, device_stats(self->fd, MEMALLOC_SECTION_PERCPU, 0, &before,
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
		bytes = 1 + seed_below(&seed, 1 << seed_below(&seed, 13));
		ASSERT_EQ(0, device_alloc_percpu(self->fd, bytes, 1 << seed_below(&seed, 7),
						 &areas[i]));
		ASSERT_EQ(0, device_is_zero(self->fd, areas[i].out_handle,
					   areas[i].out_bytes));
		ASSERT_EQ(0, device_fill(self->fd, areas[i].out_handle,
					 areas[i].out_bytes, areas[i].out_handle));
	}
	for (i = 0; i < NR; i++)
		if (areas[i].out_handle)
			ASSERT_EQ(0, device_free(self->fd, areas[i].out_handle));
	ASSERT_EQ(0, device_stats(self->fd, MEMALLOC_SECTION_PERCPU, 0, &after,
				  sizeof(after)));
	EXPECT_EQ(before.used, after.used);
}

/*
 * Other allocations take most of the quota: the host has little per-CPU memory.
 */
TEST_F(quota, quota_counts_the_bytes_of_all_cpus)
{
	struct memalloc_stats_file before, after;
	struct memalloc_alloc alloc;
	__u64 got = 0, each = 0, last = 0, other;
	int err;

	ASSERT_EQ(0, parameter_set("quota_file_mb", 1));
	ASSERT_EQ(0, device_kmalloc(self->fd, 800 << 10, &other));
	ASSERT_EQ(0, device_file(self->fd, &before));
	while (!(err = device_alloc_percpu(self->fd, LARGEST / 4, 0, &alloc))) {
		last = alloc.out_handle;
		each = alloc.out_bytes;
		got += each;
	}
	EXPECT_EQ(-EDQUOT, err);
	ASSERT_EQ(0, device_file(self->fd, &after));
	EXPECT_EQ(before.bytes + got, after.bytes);
	EXPECT_LE(after.bytes, after.bytes_limit);
	EXPECT_LT(after.bytes_limit, after.bytes + 2 * after.described_bytes + each);
	ASSERT_EQ(0, device_free(self->fd, last));
	EXPECT_EQ(0, device_alloc_percpu(self->fd, LARGEST / 4, 0, &alloc));
}

TEST_HARNESS_MAIN
