// SPDX-License-Identifier: GPL-2.0
/*
 * Injected failures: every point of every command at which memory may be
 * lacking is walked, one after the other, and nothing is lost at any of them
 *
 * Twice: by our own injection, on any kernel, which counts what our own allocator
 * gives; and by the kernel's, where there is one, which counts what the host's
 * allocators give and what is copied from and to user space.
 */
#include <pthread.h>

#include "effort.h"
#include "harness.h"
#include "host_failure.h"
#include "memalloc_device.h"

FIXTURE(walk) {
	int fd;
	__u64 handle;		/* of an allocation that is there */
	__u64 offset;
	__u64 bytes;
	__u64 cache;		/* of objects of 300 bytes */
	__u64 memory;		/* of kmalloc */
	__u64 made[4];		/* what the command has made, to be undone */
};

#define OBJECT_BYTES	300
#define MEMORY_BYTES	100

/**
 * struct _fixture_variant_walk - a command to walk
 * @act: carry it out. Returns zero or a negative error; in that case, nothing
 *	is left of it
 * @undo: take it back
 * @order: of what it allocates
 * @points: it takes memory at so many points, at least
 * @cold: there is nothing in store: all has to be borrowed
 */
FIXTURE_VARIANT(walk) {
	int (*act)(FIXTURE_DATA(walk) *self, unsigned int order);
	int (*undo)(FIXTURE_DATA(walk) *self);
	unsigned int order;
	unsigned int points;
	bool cold;
};

static int do_alloc(FIXTURE_DATA(walk) *self, unsigned int order)
{
	return device_alloc(self->fd, order, &self->made[0]);
}

static int undo_alloc(FIXTURE_DATA(walk) *self)
{
	return device_free(self->fd, self->made[0]);
}

static int do_alloc_nofail(FIXTURE_DATA(walk) *self, unsigned int order)
{
	struct memalloc_alloc alloc;
	int err = device_alloc_pages(self->fd, order,
				     MEMALLOC_GFP_USER | MEMALLOC_GFP_NOFAIL, &alloc);

	self->made[0] = alloc.out_handle;
	return err == -ENOMEM ? -EPROTO : err;
}

static int do_alloc_atomic(FIXTURE_DATA(walk) *self, unsigned int order)
{
	struct memalloc_alloc alloc;
	int err = device_alloc_pages(self->fd, order, MEMALLOC_GFP_ATOMIC, &alloc);

	self->made[0] = alloc.out_handle;
	return err;
}

static int do_cache_create(FIXTURE_DATA(walk) *self, unsigned int order)
{
	return device_cache_create(self->fd, "walk", 32 << order, &self->made[0]);
}

/* A cache, and the first object of it. */
static int do_cache_use(FIXTURE_DATA(walk) *self, unsigned int order)
{
	int err = do_cache_create(self, order);

	if (err)
		return err;
	err = device_alloc_objects(self->fd, self->made[0], 1, &self->made[1]);
	if (err && device_free(self->fd, self->made[0]))
		return -EPROTO;
	return err;
}

static int undo_cache_use(FIXTURE_DATA(walk) *self)
{
	int err = device_free(self->fd, self->made[1]);

	return err ? err : device_free(self->fd, self->made[0]);
}

static int do_objects(FIXTURE_DATA(walk) *self, unsigned int order)
{
	return device_alloc_objects(self->fd, self->cache, 1 << order, &self->made[0]);
}

static int do_objects_node(FIXTURE_DATA(walk) *self, unsigned int order)
{
	struct memalloc_alloc alloc = {
		.size = sizeof(alloc),
		.kind = MEMALLOC_KIND_OBJECT,
		.parent = self->cache,
		.count = 1 << order,
	};
	int err = device_ioctl(self->fd, MEMALLOC_ALLOC, &alloc);

	self->made[0] = alloc.out_handle;
	return err;
}

static int do_kmalloc(FIXTURE_DATA(walk) *self, unsigned int order)
{
	return device_kmalloc(self->fd, 50 << order, &self->made[0]);
}

static int do_kind(FIXTURE_DATA(walk) *self, __u32 kind, __u64 bytes)
{
	struct memalloc_alloc alloc = {
		.size = sizeof(alloc),
		.kind = kind,
		.node = -1,
		.bytes = bytes,
	};
	int err = device_ioctl(self->fd, MEMALLOC_ALLOC, &alloc);

	self->made[0] = alloc.out_handle;
	return err;
}

static int do_percpu(FIXTURE_DATA(walk) *self, unsigned int order)
{
	return do_kind(self, MEMALLOC_KIND_PERCPU, 64 << order);
}

static int do_area(FIXTURE_DATA(walk) *self, unsigned int order)
{
	return do_kind(self, MEMALLOC_KIND_AREA, order_bytes(order));
}

static int do_mempool(FIXTURE_DATA(walk) *self, unsigned int order)
{
	struct memalloc_mempool_create create = {
		.size = sizeof(create),
		.backend = MEMALLOC_MEMPOOL_PAGES,
		.order = order,
		.min_nr = 3,
		.node = -1,
		.name = "walk",
	};
	int err = device_ioctl(self->fd, MEMALLOC_MEMPOOL_CREATE, &create);

	self->made[0] = create.out_handle;
	return err;
}

static int undo_resize(FIXTURE_DATA(walk) *self)
{
	int err = device_resize(self->fd, self->memory, 0);

	if (!err)
		err = device_resize(self->fd, self->memory, MEMORY_BYTES);
	return err ? err : device_fill(self->fd, self->memory, MEMORY_BYTES, 6);
}

/*
 * What was in it is there whether it could grow or not. With EFAULT it may have
 * grown, and only the answer not been told.
 */
static int do_resize(FIXTURE_DATA(walk) *self, unsigned int order)
{
	int err = device_resize(self->fd, self->memory, MEMORY_BYTES << order);
	int lost = device_verify(self->fd, self->memory, MEMORY_BYTES, 6);

	if (lost && lost != -EFAULT)
		return -EPROTO;
	if (err != -EFAULT && !lost)
		return err;
	return undo_resize(self) ? -EPROTO : -EFAULT;
}

static int undo_batch(FIXTURE_DATA(walk) *self)
{
	int err = 0, i;

	for (i = 0; i < 4; i++) {
		if (self->made[i] && !err)
			err = device_free(self->fd, self->made[i]);
		self->made[i] = 0;
	}
	return err;
}

/*
 * Four allocations at once. One may fail, and no other does for that. Should the
 * batch be cut short, because an entry of it cannot be copied, what it has
 * made is known all the same.
 */
static int do_batch(FIXTURE_DATA(walk) *self, unsigned int order)
{
	struct memalloc_alloc allocs[4];
	struct memalloc_batch_op ops[4];
	struct memalloc_batch batch = {
		.size = sizeof(batch),
		.flags = MEMALLOC_BATCH_KEEP_GOING,
		.count = 4,
		.op_size = sizeof(ops[0]),
		.ops = address_of(ops),
	};
	int i, err, failed = 0;

	for (i = 0; i < 4; i++) {
		allocs[i] = (struct memalloc_alloc) {
			.size = sizeof(allocs[i]),
			.kind = MEMALLOC_KIND_PAGES,
			.gfp = MEMALLOC_GFP_USER,
			.node = -1,
			.order = order,
		};
		ops[i] = (struct memalloc_batch_op) {
			.cmd = MEMALLOC_ALLOC,
			.arg = address_of(&allocs[i]),
		};
	}
	err = device_ioctl(self->fd, MEMALLOC_BATCH, &batch);
	if (err || batch.out_done != 4) {
		for (i = 0; i < 4; i++)
			self->made[i] = allocs[i].out_handle;
		return undo_batch(self) ? -EPROTO : err ? err : -EFAULT;
	}
	for (i = 0; i < 4; i++) {
		if (ops[i].out_errno)
			err = -ops[i].out_errno;
		failed += !!ops[i].out_errno;
		self->made[i] = allocs[i].out_handle;
	}
	if (failed > 1)
		return -EPROTO;
	if (!failed)
		return 0;
	return undo_batch(self) ? -EPROTO : err;
}

static int do_free(FIXTURE_DATA(walk) *self, unsigned int order)
{
	(void)order;
	return device_free(self->fd, self->handle);
}

static int undo_free(FIXTURE_DATA(walk) *self)
{
	struct memalloc_alloc alloc;
	int err = device_alloc_pages(self->fd, 2, MEMALLOC_GFP_USER, &alloc);

	self->handle = alloc.out_handle;
	self->offset = alloc.out_map_offset;
	return err;
}

static int do_map(FIXTURE_DATA(walk) *self, unsigned int order)
{
	volatile char *mapping = device_map(self->fd, self->offset, self->bytes);
	size_t i;

	(void)order;
	if ((void *)mapping == MAP_FAILED)
		return -errno;
	for (i = 0; i < self->bytes; i += page_size())
		mapping[i] = 1;
	if (!munmap((void *)mapping, self->bytes))
		return 0;
	i = errno;
	return munmap((void *)mapping, self->bytes) ? -EPROTO : -(int)i;
}

static int do_open(FIXTURE_DATA(walk) *self, unsigned int order)
{
	__u64 handle;
	int fd = device_open(), err;

	(void)self;
	if (fd < 0)
		return fd;
	err = device_alloc(fd, order, &handle);
	close(fd);
	return err;
}

static int do_proc(FIXTURE_DATA(walk) *self, unsigned int order)
{
	int fd = open("/proc/memalloc", O_RDONLY | O_CLOEXEC), err = 0;
	char text[4096];
	ssize_t got;

	(void)self;
	(void)order;
	if (fd < 0)
		return -errno;
	do
		got = read(fd, text, sizeof(text));
	while (got > 0);
	if (got < 0)
		err = -errno;
	close(fd);
	return err;
}

static int undo_nothing(FIXTURE_DATA(walk) *self)
{
	(void)self;
	return 0;
}

static int do_access(FIXTURE_DATA(walk) *self, unsigned int order)
{
	struct memalloc_info info;
	__u64 word;
	int err;

	(void)order;
	err = device_fill(self->fd, self->handle, self->bytes, 1);
	if (!err)
		err = device_verify(self->fd, self->handle, self->bytes, 1);
	if (!err)
		err = device_read(self->fd, self->handle, 8, &word, sizeof(word));
	if (!err)
		err = device_write(self->fd, self->handle, 8, &word, sizeof(word));
	if (!err)
		err = device_info(self->fd, self->handle, 0, 0, &info);
	return err;
}

static int do_look(FIXTURE_DATA(walk) *self, unsigned int order)
{
	struct memalloc_stats_borrowing borrowing;
	struct memalloc_stats_file file;
	struct memalloc_stats_zone zone;
	int err;

	(void)order;
	err = device_borrowing(self->fd, &borrowing);
	if (!err)
		err = device_zone(self->fd, 0, &zone);
	if (!err)
		err = device_file(self->fd, &file);
	if (!err)
		err = device_validate(self->fd);
	return err;
}

static int do_shrink(FIXTURE_DATA(walk) *self, unsigned int order)
{
	(void)order;
	return device_shrink(self->fd);
}

/* The module's own bookkeeping, and the pages. */
#define ALLOCATES(number) \
	FIXTURE_VARIANT_ADD(walk, alloc_order_##number) { \
		.act = do_alloc, .undo = undo_alloc, .order = number, .points = 2, \
	}; \
	FIXTURE_VARIANT_ADD(walk, cold_alloc_order_##number) { \
		.act = do_alloc, .undo = undo_alloc, .order = number, .points = 3, \
		.cold = true, \
	}

ALLOCATES(0);
ALLOCATES(1);
ALLOCATES(2);
ALLOCATES(3);
ALLOCATES(4);
ALLOCATES(5);
ALLOCATES(6);
ALLOCATES(7);
ALLOCATES(8);
ALLOCATES(9);
ALLOCATES(10);

FIXTURE_VARIANT_ADD(walk, cold_alloc_nofail) {
	.act = do_alloc_nofail, .undo = undo_alloc, .order = 3, .points = 3, .cold = true,
};

FIXTURE_VARIANT_ADD(walk, cold_alloc_atomic) {
	.act = do_alloc_atomic, .undo = undo_alloc, .order = 3, .points = 3, .cold = true,
};

FIXTURE_VARIANT_ADD(walk, batch) {
	.act = do_batch, .undo = undo_batch, .order = 1, .points = 8,
};

FIXTURE_VARIANT_ADD(walk, cold_batch) {
	.act = do_batch, .undo = undo_batch, .order = 4, .points = 9, .cold = true,
};

FIXTURE_VARIANT_ADD(walk, cache_create) {
	.act = do_cache_create, .undo = undo_alloc, .order = 3, .points = 5,
};

FIXTURE_VARIANT_ADD(walk, cold_cache_use) {
	.act = do_cache_use, .undo = undo_cache_use, .order = 3, .points = 10, .cold = true,
};

FIXTURE_VARIANT_ADD(walk, object) {
	.act = do_objects, .undo = undo_alloc, .points = 3,
};

FIXTURE_VARIANT_ADD(walk, cold_objects) {
	.act = do_objects, .undo = undo_alloc, .order = 6, .points = 10, .cold = true,
};

FIXTURE_VARIANT_ADD(walk, cold_objects_node) {
	.act = do_objects_node, .undo = undo_alloc, .order = 4, .points = 10, .cold = true,
};

FIXTURE_VARIANT_ADD(walk, kmalloc) {
	.act = do_kmalloc, .undo = undo_alloc, .order = 2, .points = 3,
};

FIXTURE_VARIANT_ADD(walk, cold_kmalloc) {
	.act = do_kmalloc, .undo = undo_alloc, .order = 2, .points = 4, .cold = true,
};

FIXTURE_VARIANT_ADD(walk, cold_kmalloc_large) {
	.act = do_kmalloc, .undo = undo_alloc, .order = 10, .points = 3, .cold = true,
};

FIXTURE_VARIANT_ADD(walk, percpu) {
	.act = do_percpu, .undo = undo_alloc, .points = 2,
};

FIXTURE_VARIANT_ADD(walk, cold_percpu) {
	.act = do_percpu, .undo = undo_alloc, .order = 8, .points = 2, .cold = true,
};

FIXTURE_VARIANT_ADD(walk, area) {
	.act = do_area, .undo = undo_alloc, .order = 2, .points = 2,
};

FIXTURE_VARIANT_ADD(walk, cold_area) {
	.act = do_area, .undo = undo_alloc, .order = 5, .points = 4, .cold = true,
};

FIXTURE_VARIANT_ADD(walk, mempool) {
	.act = do_mempool, .undo = undo_alloc, .order = 1, .points = 6,
};

FIXTURE_VARIANT_ADD(walk, cold_mempool) {
	.act = do_mempool, .undo = undo_alloc, .order = 4, .points = 6, .cold = true,
};

FIXTURE_VARIANT_ADD(walk, cold_resize) {
	.act = do_resize, .undo = undo_resize, .order = 3, .points = 2, .cold = true,
};

FIXTURE_VARIANT_ADD(walk, cold_resize_large) {
	.act = do_resize, .undo = undo_resize, .order = 10, .points = 1, .cold = true,
};

FIXTURE_VARIANT_ADD(walk, free) { .act = do_free, .undo = undo_free };
FIXTURE_VARIANT_ADD(walk, map) { .act = do_map, .undo = undo_nothing };
FIXTURE_VARIANT_ADD(walk, access) { .act = do_access, .undo = undo_nothing };
FIXTURE_VARIANT_ADD(walk, look) { .act = do_look, .undo = undo_nothing };
FIXTURE_VARIANT_ADD(walk, shrink) { .act = do_shrink, .undo = undo_nothing };
FIXTURE_VARIANT_ADD(walk, open) { .act = do_open, .undo = undo_nothing, .order = 1 };
FIXTURE_VARIANT_ADD(walk, proc) { .act = do_proc, .undo = undo_nothing };

FIXTURE_SETUP(walk)
{
	self->fd = device_open();
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, undo_free(self));
	self->bytes = order_bytes(2);
	ASSERT_EQ(0, device_cache_create(self->fd, "walk", OBJECT_BYTES, &self->cache));
	ASSERT_EQ(0, device_kmalloc(self->fd, MEMORY_BYTES, &self->memory));
	ASSERT_EQ(0, device_fill(self->fd, self->memory, MEMORY_BYTES, 6));
}

FIXTURE_TEARDOWN(walk)
{
	close(self->fd);
}

static bool all_goes_back(int fd)
{
	struct memalloc_stats_borrowing stats;

	return !device_validate(fd) && !device_shrink(fd) &&
	       !device_borrowing(fd, &stats) && stats.borrowed == stats.reserve &&
	       stats.borrowed == stats.borrowed_total - stats.returned_total;
}

/*
 * A failure either fails the command, with ENOMEM and without a trace, or is
 * got over. The walk is at its end when the command takes less memory than what
 * has been waited for.
 */
TEST_F(walk, loses_nothing_at_any_point)
{
	const unsigned int limit = 2000;
	struct memalloc_stats_file before, after;
	unsigned int nth, failed = 0, survived = 0;
	__u64 left;
	int err;

	ASSERT_EQ(0, device_file(self->fd, &before));
	for (nth = 1; nth < limit; nth++) {
		if (variant->cold) {
			ASSERT_EQ(0, device_shrink(self->fd));
		}
		ASSERT_EQ(0, device_inject(self->fd, nth, NULL));
		err = variant->act(self, variant->order);
		ASSERT_EQ(0, device_inject(self->fd, 0, &left));
		if (err) {
			ASSERT_EQ(-ENOMEM, err) {
				TH_LOG("point %u", nth);
			}
			EXPECT_EQ(0, left);
			failed++;
		} else {
			survived += !left;
			ASSERT_EQ(0, variant->undo(self));
		}
		ASSERT_EQ(0, device_file(self->fd, &after));
		EXPECT_EQ(0, memcmp(&before, &after, sizeof(before))) {
			TH_LOG("point %u", nth);
		}
		ASSERT_EQ(0, device_validate(self->fd));
		if (!err && left)
			break;
	}
	EXPECT_GT(limit, nth);
	EXPECT_LE(variant->points, failed + survived);
	TH_LOG("%u points: %u failed, %u survived", failed + survived, failed, survived);
	TH_LOG("figure: points walked, of our own injection %u", failed + survived);
	ASSERT_EQ(0, device_free(self->fd, self->handle));
	ASSERT_EQ(0, device_free(self->fd, self->cache));
	ASSERT_EQ(0, device_free(self->fd, self->memory));
	EXPECT_TRUE(all_goes_back(self->fd));
}

/*
 * The same with the kernel's failures. A command that cannot copy its structure, or
 * its answers, fails with EFAULT, without a trace, too.
 */
TEST_F(walk, loses_nothing_when_the_host_fails)
{
	const unsigned int limit = 5000;
	struct memalloc_stats_file before, after;
	unsigned int nth, failed = 0, survived = 0;
	int err, left;

	if (!host_failure_prepare()) {
		SKIP(return, "the kernel has no failure injection");
	}
	ASSERT_EQ(0, device_file(self->fd, &before));
	for (nth = 1; nth < limit; nth++) {
		if (variant->cold) {
			ASSERT_EQ(0, device_shrink(self->fd));
		}
		ASSERT_EQ(0, host_failure_arm(nth));
		err = variant->act(self, variant->order);
		left = host_failure_disarm();
		ASSERT_LE(0, left);
		if (err) {
			ASSERT_TRUE(err == -ENOMEM || err == -EFAULT) {
				TH_LOG("point %u: %s", nth, strerror(-err));
			}
			EXPECT_EQ(0, left);
			failed++;
		} else {
			survived += !left;
			ASSERT_EQ(0, variant->undo(self));
		}
		ASSERT_EQ(0, device_file(self->fd, &after));
		EXPECT_EQ(0, memcmp(&before, &after, sizeof(before))) {
			TH_LOG("point %u", nth);
		}
		ASSERT_EQ(0, device_validate(self->fd));
		if (!err && left)
			break;
	}
	EXPECT_GT(limit, nth);
	EXPECT_LT(0, failed + survived);
	TH_LOG("%u points: %u failed, %u survived", failed + survived, failed, survived);
	TH_LOG("figure: points walked, of the host's %u", failed + survived);
	ASSERT_EQ(0, device_free(self->fd, self->handle));
	ASSERT_EQ(0, device_free(self->fd, self->cache));
	ASSERT_EQ(0, device_free(self->fd, self->memory));
	EXPECT_TRUE(all_goes_back(self->fd));
}

FIXTURE(inject) {
	int fd;
};

FIXTURE_SETUP(inject)
{
	self->fd = device_open();
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN(inject)
{
	close(self->fd);
}

TEST_F(inject, fails_one_allocation_for_each_wish)
{
	__u64 handle, left;
	int i;

	for (i = 0; i < 50; i++) {
		ASSERT_EQ(0, device_inject(self->fd, 1, NULL));
		EXPECT_EQ(-ENOMEM, device_alloc(self->fd, i % 4, &handle));
		EXPECT_EQ(0, device_alloc(self->fd, i % 4, &handle));
	}
	ASSERT_EQ(0, device_inject(self->fd, 0, &left));
	EXPECT_EQ(0, left);
}

TEST_F(inject, can_be_taken_back)
{
	__u64 handle, left;

	ASSERT_EQ(0, device_inject(self->fd, 1, &left));
	EXPECT_EQ(0, left);
	ASSERT_EQ(0, device_inject(self->fd, 5, &left));
	EXPECT_EQ(1, left);
	ASSERT_EQ(0, device_inject(self->fd, 0, &left));
	EXPECT_EQ(5, left);
	EXPECT_EQ(0, device_alloc(self->fd, 0, &handle));
}

TEST_F(inject, counts_what_a_command_takes)
{
	const __u64 far = 1000000;
	__u64 handle, left, taken;

	ASSERT_EQ(0, device_alloc(self->fd, 0, &handle));
	ASSERT_EQ(0, device_free(self->fd, handle));
	ASSERT_EQ(0, device_inject(self->fd, far, NULL));
	ASSERT_EQ(0, device_alloc(self->fd, 0, &handle));
	ASSERT_EQ(0, device_inject(self->fd, far, &left));
	taken = far - left;
	EXPECT_LE(2, taken);
	ASSERT_EQ(0, device_free(self->fd, handle));
	ASSERT_EQ(0, device_inject(self->fd, taken, &left));
	EXPECT_EQ(far, left);
	EXPECT_EQ(-ENOMEM, device_alloc(self->fd, 0, &handle));
	ASSERT_EQ(0, device_inject(self->fd, taken + 1, &left));
	EXPECT_EQ(0, left);
	EXPECT_EQ(0, device_alloc(self->fd, 0, &handle));
	ASSERT_EQ(0, device_inject(self->fd, 0, &left));
	EXPECT_EQ(1, left);
}

TEST_F(inject, number_out_of_range_is_einval)
{
	EXPECT_EQ(-EINVAL, device_inject(self->fd, 1ULL << 63, NULL));
	EXPECT_EQ(-EINVAL, device_inject(self->fd, UINT64_MAX, NULL));
}

struct sharer {
	pthread_t thread;
	int fd;
	unsigned int failures, wrong;
};

static void *allocate(void *arg)
{
	struct sharer *sharer = arg;
	__u64 handle;
	int i, err;

	for (i = 0; i < 60; i++) {
		err = device_alloc(sharer->fd, i % 2, &handle);
		if (!err)
			err = device_free(sharer->fd, handle);
		sharer->failures += err == -ENOMEM;
		sharer->wrong += err && err != -ENOMEM;
	}
	return NULL;
}

/* Whoever of them it hits: one, and one only. */
TEST_F(inject, fails_one_allocation_of_many_threads)
{
	enum { THREADS = 4 };
	const unsigned int rounds = effort_of(10);
	struct sharer sharers[THREADS];
	unsigned int failures, wrong, round;
	int i;

	for (round = 0; round < rounds; round++) {
		ASSERT_EQ(0, device_inject(self->fd, 100 + round, NULL));
		failures = wrong = 0;
		for (i = 0; i < THREADS; i++) {
			sharers[i] = (struct sharer) { .fd = self->fd };
			ASSERT_EQ(0, pthread_create(&sharers[i].thread, NULL, allocate,
						    &sharers[i]));
		}
		for (i = 0; i < THREADS; i++) {
			ASSERT_EQ(0, pthread_join(sharers[i].thread, NULL));
			failures += sharers[i].failures;
			wrong += sharers[i].wrong;
		}
		EXPECT_EQ(1, failures);
		EXPECT_EQ(0, wrong);
	}
	EXPECT_TRUE(all_goes_back(self->fd));
}

TEST_HARNESS_MAIN
