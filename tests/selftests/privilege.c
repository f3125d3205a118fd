// SPDX-License-Identifier: GPL-2.0
/*
 * Privilege: the zones DMA and DMA32, and the reserves for callers that cannot
 * wait, need CAP_SYS_RAWIO, as drivers depend on them
 */
#include <stdio.h>
#include <sys/stat.h>

#include "harness.h"
#include "host_zone.h"
#include "memalloc_device.h"
#include "module_parameter.h"
#include "nobody.h"

enum { QUIET = MEMALLOC_GFP_NOWARN, ALL = 20000 };

FIXTURE(unprivileged) {
	char cap[PARAMETER_LENGTH];
	int fd;
};

FIXTURE_SETUP(unprivileged)
{
	if (geteuid())
		SKIP(return, "only root can drop a capability");
	ASSERT_EQ(0, parameter_read("cap_mb", self->cap));
	self->fd = device_open();
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN_PARENT(unprivileged)
{
	if (self->cap[0])
		parameter_write("cap_mb", self->cap);
}

static int alloc_pages(int fd, unsigned int order, __u32 gfp)
{
	struct memalloc_alloc alloc;

	return device_alloc_pages(fd, order, gfp | QUIET, &alloc);
}

static int alloc_bytes(int fd, __u64 bytes, __u32 gfp, __u64 *handle)
{
	struct memalloc_alloc alloc = {
		.size = sizeof(alloc), .kind = MEMALLOC_KIND_KMALLOC, .gfp = gfp | QUIET,
		.node = -1, .bytes = bytes,
	};
	int err = device_ioctl(fd, MEMALLOC_ALLOC, &alloc);

	*handle = alloc.out_handle;
	return err;
}

static int alloc_object(int fd, __u64 cache, __u32 gfp, __u64 *handle)
{
	struct memalloc_alloc alloc = {
		.size = sizeof(alloc), .kind = MEMALLOC_KIND_OBJECT, .gfp = gfp | QUIET,
		.node = -1, .parent = cache,
	};
	int err = device_ioctl(fd, MEMALLOC_ALLOC, &alloc);

	*handle = alloc.out_handle;
	return err;
}

static int make_cache(int fd, __u32 flags, __u64 *handle)
{
	struct memalloc_cache_create request = device_cache_of("zone", 64);
	int err;

	request.flags = flags;
	err = device_ioctl(fd, MEMALLOC_CACHE_CREATE, &request);
	*handle = request.out_handle;
	return err;
}

/* --- zones --------------------------------------------------------------- */

TEST_F(unprivileged, has_no_memory_of_a_zone)
{
	struct memalloc_alloc alloc;
	__u64 handle;

	EXPECT_EQ(0, make_cache(self->fd, MEMALLOC_CACHE_DMA, &handle));
	ASSERT_EQ(0, drop_capability(CAP_SYS_RAWIO));
	EXPECT_EQ(-EPERM, alloc_pages(self->fd, 0, MEMALLOC_GFP_DMA));
	EXPECT_EQ(-EPERM, alloc_pages(self->fd, 0, MEMALLOC_GFP_DMA32));
	EXPECT_EQ(-EPERM, alloc_pages(self->fd, 0, MEMALLOC_GFP_DMA | MEMALLOC_GFP_ATOMIC));
	EXPECT_EQ(-EPERM, alloc_bytes(self->fd, 8, MEMALLOC_GFP_DMA, &handle));
	EXPECT_EQ(-EPERM, device_alloc_area(self->fd, 1, MEMALLOC_GFP_DMA, &alloc));
	EXPECT_EQ(-EPERM, device_alloc_area(self->fd, 1, MEMALLOC_GFP_DMA32, &alloc));
	EXPECT_EQ(-EPERM, make_cache(self->fd, MEMALLOC_CACHE_DMA, &handle));
	EXPECT_EQ(-EPERM, make_cache(self->fd, MEMALLOC_CACHE_DMA32, &handle));
	EXPECT_EQ(0, alloc_pages(self->fd, 0, 0));
}

/* An invalid request gets EINVAL, with or without privileges. */
TEST_F(unprivileged, gets_einval_before_eperm)
{
	ASSERT_EQ(0, drop_capability(CAP_SYS_RAWIO));
	EXPECT_EQ(-EINVAL, alloc_pages(self->fd, 0, MEMALLOC_GFP_DMA | MEMALLOC_GFP_DMA32));
	EXPECT_EQ(-EINVAL, alloc_pages(self->fd, 0, MEMALLOC_GFP_DMA | MEMALLOC_GFP_HIGHMEM));
}

/* Nor from parents created by a privileged process in the same open file. */
TEST_F(unprivileged, cannot_allocate_from_others_parents)
{
	__u64 cache, pool, bytes, handle;

	ASSERT_EQ(0, make_cache(self->fd, MEMALLOC_CACHE_DMA, &cache));
	ASSERT_EQ(0, device_mempool_create(self->fd, MEMALLOC_MEMPOOL_CACHE, cache, 2, &pool));
	ASSERT_EQ(0, alloc_bytes(self->fd, 100, MEMALLOC_GFP_DMA, &bytes));
	ASSERT_EQ(0, become_nobody());
	EXPECT_EQ(-EPERM, device_alloc_objects(self->fd, cache, 1, &handle));
	EXPECT_EQ(-EPERM, device_alloc_objects(self->fd, cache, 100, &handle));
	EXPECT_EQ(-EPERM, device_mempool_create(self->fd, MEMALLOC_MEMPOOL_CACHE, cache, 2,
						&handle));
	EXPECT_EQ(-EPERM, device_alloc_element(self->fd, pool, 0, 0, &handle));
	EXPECT_EQ(-EPERM, device_mempool_resize(self->fd, pool, 3));
	EXPECT_EQ(-EPERM, device_resize(self->fd, bytes, 5000));
	/* Using it, and shrinking it, needs no privileges. */
	EXPECT_EQ(0, device_fill(self->fd, bytes, 96, 1));
	EXPECT_EQ(0, device_resize(self->fd, bytes, 10));
	EXPECT_EQ(0, device_mempool_resize(self->fd, pool, 1));
	EXPECT_EQ(0, device_free(self->fd, bytes));
	EXPECT_EQ(0, device_free(self->fd, pool));
	EXPECT_EQ(0, device_free(self->fd, cache));
}

TEST_F(unprivileged, needs_no_other_capability_for_it)
{
	ASSERT_EQ(0, drop_capability(CAP_SYS_ADMIN));
	ASSERT_EQ(0, drop_capability(CAP_SYS_RESOURCE));
	EXPECT_EQ(0, alloc_pages(self->fd, 0, MEMALLOC_GFP_DMA));
	EXPECT_EQ(0, alloc_pages(self->fd, 0, MEMALLOC_GFP_DMA32));
}

/* Allocate as much as possible, of every order and in every mode. */
static void take_all(int fd)
{
	static const __u32 gfps[] = {
		MEMALLOC_GFP_DMA, MEMALLOC_GFP_DMA | MEMALLOC_GFP_ATOMIC,
		MEMALLOC_GFP_DMA | MEMALLOC_GFP_HIGH, MEMALLOC_GFP_KERNEL,
		MEMALLOC_GFP_ATOMIC, MEMALLOC_GFP_KERNEL | MEMALLOC_GFP_HIGH,
	};
	unsigned int i, nr;
	int order;

	for (i = 0; i < sizeof(gfps) / sizeof(gfps[0]); i++)
		for (order = MEMALLOC_MAX_ORDER; order >= 0; order--)
			for (nr = 0; nr < ALL && !alloc_pages(fd, order, gfps[i]); nr++)
				;
}

/* The host's zone DMA stays available to drivers, regardless of the cap. */
TEST_F(unprivileged, leaves_the_host_its_zone_dma)
{
	unsigned long before, after;

	if (!host_has_zone("DMA"))
		SKIP(return, "the host has no zone DMA");
	ASSERT_EQ(0, device_shrink(self->fd));
	ASSERT_EQ(0, parameter_set("cap_mb", 40));
	before = host_zone_free("DMA");
	ASSERT_EQ(0, become_nobody());
	take_all(self->fd);
	after = host_zone_free("DMA");
	TH_LOG("%lu pages of zone DMA are free, %lu before", after, before);
	EXPECT_LE(before - before / 8, after);
}

/* --- reserves ------------------------------------------------------------ */

/* All of the reserve is free when everything else is exhausted. */
TEST_F(unprivileged, takes_nothing_from_the_reserve)
{
	struct memalloc_stats_borrowing borrowing;
	__u64 reserve;

	ASSERT_EQ(0, device_shrink(self->fd));
	ASSERT_EQ(0, device_borrowing(self->fd, &borrowing));
	reserve = borrowing.reserve;
	if (!reserve)
		SKIP(return, "the module was loaded without a reserve");
	ASSERT_EQ(0, parameter_set("cap_mb", (reserve * page_size() >> 20) + 4));
	ASSERT_EQ(0, become_nobody());
	take_all(self->fd);
	ASSERT_EQ(0, device_borrowing(self->fd, &borrowing));
	EXPECT_LE(reserve, borrowing.free);
	EXPECT_GE(borrowing.cap, borrowing.borrowed);
}

/* A caller with the capability can use the reserve. */
TEST_F(unprivileged, differs_from_a_privileged_caller)
{
	struct memalloc_stats_borrowing borrowing;
	__u64 reserve;

	ASSERT_EQ(0, device_shrink(self->fd));
	ASSERT_EQ(0, device_borrowing(self->fd, &borrowing));
	reserve = borrowing.reserve;
	if (!reserve)
		SKIP(return, "the module was loaded without a reserve");
	ASSERT_EQ(0, parameter_set("cap_mb", (reserve * page_size() >> 20) + 4));
	ASSERT_EQ(0, drop_capability(CAP_SYS_ADMIN));
	take_all(self->fd);
	ASSERT_EQ(0, device_borrowing(self->fd, &borrowing));
	EXPECT_GT(reserve, borrowing.free);
}

/* Metadata of objects in the reserve may exceed the cap. */
TEST_F(unprivileged, does_not_go_beyond_the_cap)
{
	struct memalloc_stats_borrowing borrowing;
	unsigned int nr = 0;
	__u64 cache, handle;

	ASSERT_EQ(0, make_cache(self->fd, 0, &cache));
	ASSERT_EQ(0, device_shrink(self->fd));
	ASSERT_EQ(0, device_borrowing(self->fd, &borrowing));
	ASSERT_EQ(0, parameter_set("cap_mb", (borrowing.reserve * page_size() >> 20) + 4));
	ASSERT_EQ(0, become_nobody());
	while (!alloc_pages(self->fd, 0, 0))
		;
	while (nr < ALL && !alloc_object(self->fd, cache, MEMALLOC_GFP_ATOMIC, &handle))
		nr++;
	ASSERT_EQ(0, device_borrowing(self->fd, &borrowing));
	EXPECT_GE(borrowing.cap, borrowing.borrowed);
	EXPECT_LE(borrowing.reserve, borrowing.free);
}

/* --- memallocctl --------------------------------------------------------- */

#define TOOL	"/usr/bin/memallocctl"

FIXTURE(tool) {
	struct stat node;
};

FIXTURE_SETUP(tool)
{
	int fd;

	if (geteuid() || access(TOOL, X_OK))
		SKIP(return, "only root can drop a capability, and use " TOOL);
	ASSERT_EQ(0, stat(DEVICE_PATH, &self->node));
	ASSERT_EQ(0, chmod(DEVICE_PATH, 0666));
	/* Memory left free by other tests would change the tool's counters. */
	fd = device_open();
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, device_shrink(fd));
	close(fd);
}

FIXTURE_TEARDOWN_PARENT(tool)
{
	if (self->node.st_mode)
		chmod(DEVICE_PATH, self->node.st_mode & 07777);
}

/*
 * Run the tool as nobody, with its output in @said. Return: its status, or -1.
 */
static int nobody_runs(const char *arguments, char *said, size_t length)
{
	char line[256];
	FILE *program;
	size_t got;

	snprintf(line, sizeof(line), TOOL " %s 2>&1", arguments);
	if (become_nobody())
		return -1;
	program = popen(line, "r");
	if (!program)
		return -1;
	got = fread(said, 1, length - 1, program);
	said[got] = '\0';
	return pclose(program);
}

TEST_F(tool, reports_the_missing_capability)
{
	char said[4096];

	EXPECT_NE(0, nobody_runs("alloc --gfp dma", said, sizeof(said)));
	EXPECT_NE(NULL, strstr(said, "CAP_SYS_RAWIO is needed")) {
		TH_LOG("%s", said);
	}
}

TEST_F(tool, allocates_without_the_capability)
{
	char said[4096];

	EXPECT_EQ(0, nobody_runs("alloc --gfp atomic --check", said, sizeof(said))) {
		TH_LOG("%s", said);
	}
}

/* It counts free blocks, which would include a reserve. */
TEST_F(tool, demonstrates_the_rest)
{
	struct memalloc_stats_borrowing borrowing;
	static char said[65536];
	int fd = device_open();

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, device_borrowing(fd, &borrowing));
	close(fd);
	if (borrowing.reserve)
		SKIP(return, "the module was loaded with a reserve");
	EXPECT_EQ(0, nobody_runs("demo", said, sizeof(said))) {
		TH_LOG("%s", said);
	}
}

TEST_HARNESS_MAIN
