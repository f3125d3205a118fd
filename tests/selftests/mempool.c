// SPDX-License-Identifier: GPL-2.0
/*
 * Mempools from user space: the minimum of elements is available even if the
 * backends fail, and a waiting task gets an element or a signal
 */
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
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

#define MINIMUM		8
#define ELEMENT_BYTES	200

FIXTURE(mempool) {
	int fd;
	__u64 cache;
};

FIXTURE_VARIANT(mempool) {
	__u32 backend;
};

FIXTURE_VARIANT_ADD(mempool, of_pages) { .backend = MEMALLOC_MEMPOOL_PAGES };
FIXTURE_VARIANT_ADD(mempool, of_kmalloc) { .backend = MEMALLOC_MEMPOOL_KMALLOC };
FIXTURE_VARIANT_ADD(mempool, of_a_cache) { .backend = MEMALLOC_MEMPOOL_CACHE };

FIXTURE_SETUP(mempool)
{
	self->fd = device_open();
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, device_cache_create(self->fd, "pool", ELEMENT_BYTES, &self->cache));
}

FIXTURE_TEARDOWN(mempool)
{
	EXPECT_EQ(0, device_validate(self->fd));
	close(self->fd);
}

static struct memalloc_mempool_create pool_of(__u32 backend, __u64 cache, __u32 min_nr)
{
	return (struct memalloc_mempool_create) {
		.size = sizeof(struct memalloc_mempool_create),
		.backend = backend,
		.order = backend == MEMALLOC_MEMPOOL_PAGES ? 1 : 0,
		.bytes = backend == MEMALLOC_MEMPOOL_KMALLOC ? ELEMENT_BYTES : 0,
		.parent = backend == MEMALLOC_MEMPOOL_CACHE ? cache : 0,
		.min_nr = min_nr,
		.node = -1,
	};
}

static int create_pool(int fd, __u32 backend, __u64 cache, __u32 min_nr, __u64 *pool)
{
	struct memalloc_mempool_create create = pool_of(backend, cache, min_nr);
	int err = device_ioctl(fd, MEMALLOC_MEMPOOL_CREATE, &create);

	*pool = create.out_handle;
	return err;
}

static int pool_stats(int fd, __u64 pool, struct memalloc_stats_mempool *data)
{
	struct memalloc_stats stats = {
		.size = sizeof(stats),
		.section = MEMALLOC_SECTION_MEMPOOL,
		.length = sizeof(*data),
		.data = address_of(data),
		.handle = pool,
	};

	return device_ioctl(fd, MEMALLOC_STATS, &stats);
}

static __u64 element_bytes(__u32 backend)
{
	return backend == MEMALLOC_MEMPOOL_PAGES ? order_bytes(1) : ELEMENT_BYTES;
}

TEST_F(mempool, elements_are_of_their_size_and_zero)
{
	__u64 pool, element, bytes = element_bytes(variant->backend);
	struct memalloc_info info;
	unsigned int i;

	ASSERT_EQ(0, create_pool(self->fd, variant->backend, self->cache, MINIMUM, &pool));
	ASSERT_EQ(0, device_info(self->fd, pool, 0, 0, &info));
	EXPECT_EQ(MEMALLOC_KIND_MEMPOOL, info.out_kind);
	EXPECT_EQ(MINIMUM, info.out_count);
	EXPECT_LE(MINIMUM * bytes, info.out_held);
	for (i = 0; i < 3 * MINIMUM; i++) {
		ASSERT_EQ(0, device_alloc_element(self->fd, pool, 0, i % 3 ? 0 :
						  MEMALLOC_ALLOC_PREALLOCATED, &element));
		ASSERT_EQ(0, device_info(self->fd, element, bytes - 1, 0, &info));
		EXPECT_EQ(MEMALLOC_KIND_ELEMENT, info.out_kind);
		EXPECT_EQ(pool, info.out_parent);
		EXPECT_EQ(bytes, info.out_bytes);
		EXPECT_EQ(0, device_is_zero(self->fd, element, bytes));
		EXPECT_EQ(0, device_fill(self->fd, element, bytes, 77));
		ASSERT_EQ(0, device_free(self->fd, element));
	}
}

TEST_F(mempool, reserve_has_exactly_the_minimum)
{
	struct memalloc_stats_mempool stats;
	__u64 pool, element[MINIMUM + 1];
	unsigned int i;

	ASSERT_EQ(0, create_pool(self->fd, variant->backend, self->cache, MINIMUM, &pool));
	for (i = 0; i < MINIMUM; i++)
		ASSERT_EQ(0, device_alloc_element(self->fd, pool, 0, MEMALLOC_ALLOC_PREALLOCATED,
						  &element[i]));
	EXPECT_EQ(-ENOMEM, device_alloc_element(self->fd, pool, 0, MEMALLOC_ALLOC_PREALLOCATED,
						&element[i]));
	ASSERT_EQ(0, pool_stats(self->fd, pool, &stats));
	EXPECT_EQ(MINIMUM, stats.min_nr);
	EXPECT_EQ(0, stats.elements);
	EXPECT_EQ(MINIMUM, stats.reserve_hits);
	EXPECT_EQ(variant->backend, stats.backend);
	EXPECT_EQ(element_bytes(variant->backend), stats.element_bytes);
	for (i = 0; i < MINIMUM; i++)
		ASSERT_EQ(0, device_free(self->fd, element[i]));
	ASSERT_EQ(0, pool_stats(self->fd, pool, &stats));
	EXPECT_EQ(MINIMUM, stats.elements);
}

TEST_F(mempool, parents_outlive_their_allocations)
{
	__u64 pool, element;

	ASSERT_EQ(0, create_pool(self->fd, variant->backend, self->cache, 1, &pool));
	ASSERT_EQ(0, device_alloc_element(self->fd, pool, 0, 0, &element));
	EXPECT_EQ(-EBUSY, device_free(self->fd, pool));
	if (variant->backend == MEMALLOC_MEMPOOL_CACHE)
		EXPECT_EQ(-EBUSY, device_free(self->fd, self->cache));
	ASSERT_EQ(0, device_free(self->fd, element));
	if (variant->backend == MEMALLOC_MEMPOOL_CACHE)
		EXPECT_EQ(-EBUSY, device_free(self->fd, self->cache));
	ASSERT_EQ(0, device_free(self->fd, pool));
	EXPECT_EQ(-ENOENT, device_alloc_element(self->fd, pool, 0, 0, &element));
	EXPECT_EQ(0, device_free(self->fd, self->cache));
}

/* All are freed with the file, in any order of their handles. */
TEST_F(mempool, closing_frees_everything)
{
	struct memalloc_stats_file before, after;
	unsigned int turns = effort_of(50), i;
	__u64 cache, pool, element;
	int fd;

	ASSERT_EQ(0, device_file(self->fd, &before));
	while (turns--) {
		fd = device_open();
		ASSERT_LE(0, fd);
		ASSERT_EQ(0, device_cache_create(fd, "closed", ELEMENT_BYTES, &cache));
		ASSERT_EQ(0, create_pool(fd, variant->backend, cache, MINIMUM, &pool));
		for (i = 0; i < 2 * MINIMUM; i++)
			ASSERT_EQ(0, device_alloc_element(fd, pool, 0, 0, &element));
		ASSERT_EQ(0, close(fd));
	}
	ASSERT_EQ(0, device_file(self->fd, &after));
	EXPECT_EQ(before.device_bytes, after.device_bytes);
}

TEST_F(mempool, resize_changes_the_minimum)
{
	struct memalloc_stats_mempool stats;
	struct memalloc_info small, large;
	__u64 pool, element;

	ASSERT_EQ(0, create_pool(self->fd, variant->backend, self->cache, MINIMUM, &pool));
	ASSERT_EQ(0, device_info(self->fd, pool, 0, 0, &small));
	ASSERT_EQ(0, device_alloc_element(self->fd, pool, 0, 0, &element));
	ASSERT_EQ(0, device_mempool_resize(self->fd, pool, 4 * MINIMUM));
	ASSERT_EQ(0, pool_stats(self->fd, pool, &stats));
	EXPECT_EQ(4 * MINIMUM, stats.min_nr);
	EXPECT_EQ(4 * MINIMUM, stats.elements);
	ASSERT_EQ(0, device_info(self->fd, pool, 0, 0, &large));
	EXPECT_LE(small.out_held + 3 * MINIMUM * element_bytes(variant->backend),
		  large.out_held);
	ASSERT_EQ(0, device_mempool_resize(self->fd, pool, MINIMUM));
	ASSERT_EQ(0, pool_stats(self->fd, pool, &stats));
	EXPECT_EQ(MINIMUM, stats.elements);
	ASSERT_EQ(0, device_info(self->fd, pool, 0, 0, &large));
	EXPECT_EQ(small.out_held, large.out_held);
	EXPECT_EQ(-EINVAL, device_mempool_resize(self->fd, pool, 0));
	EXPECT_EQ(-EINVAL, device_mempool_resize(self->fd, pool, MEMALLOC_MEMPOOL_MAX + 1));
	EXPECT_EQ(-EINVAL, device_resize(self->fd, pool, 5));
	EXPECT_EQ(-EOPNOTSUPP, device_mempool_resize(self->fd, element, 5));
}

/* Is there a pool of this name in the section "mempools" of /proc/memalloc? */
static bool in_proc(const char *name)
{
	FILE *proc = fopen("/proc/memalloc", "re");
	bool pools = false, found = false;
	char line[512], last[128];

	while (proc && !found && fgets(line, sizeof(line), proc)) {
		if (*line == '[')
			pools = !strcmp(line, "[mempools]\n");
		found = pools && sscanf(line, "%*s %*s %*s %*s %*s %*s %127s", last) == 1 &&
			!strcmp(last, name);
	}
	if (proc)
		fclose(proc);
	return found;
}

/* Include a pool without a name, and a structure that predates names. */
TEST_F(mempool, has_its_given_name)
{
	struct memalloc_mempool_create create = pool_of(variant->backend, self->cache, 2);
	struct memalloc_stats_mempool stats;
	struct memalloc_info info;
	__u64 named;

	strcpy(create.name, "spare_1.x-twentythree_c");
	ASSERT_EQ(sizeof(create.name) - 1, strlen(create.name));
	ASSERT_EQ(0, device_ioctl(self->fd, MEMALLOC_MEMPOOL_CREATE, &create));
	ASSERT_EQ(0, pool_stats(self->fd, create.out_handle, &stats));
	EXPECT_STREQ("u:spare_1.x-twentythree_c", stats.name);
	ASSERT_EQ(0, device_info(self->fd, create.out_handle, 0, 0, &info));
	EXPECT_STREQ("u:spare_1.x-twentythree_c", info.out_name);
	EXPECT_TRUE(in_proc("u:spare_1.x-twentythree_c"));
	named = create.out_handle;

	create.size = offsetof(struct memalloc_mempool_create, name);
	ASSERT_EQ(0, device_ioctl(self->fd, MEMALLOC_MEMPOOL_CREATE, &create));
	ASSERT_EQ(0, pool_stats(self->fd, create.out_handle, &stats));
	/* Only /proc/memalloc, which is root's, names the program. */
	EXPECT_STREQ("(device)", stats.name);
	ASSERT_EQ(0, device_info(self->fd, create.out_handle, 0, 0, &info));
	EXPECT_STREQ("", info.out_name);
	ASSERT_EQ(0, device_free(self->fd, named));
	EXPECT_FALSE(in_proc("u:spare_1.x-twentythree_c"));
}

TEST_F(mempool, node_of_an_element_is_only_a_preference)
{
	struct memalloc_alloc alloc = { .size = sizeof(alloc), .kind = MEMALLOC_KIND_ELEMENT };
	__u64 pool;

	ASSERT_EQ(0, create_pool(self->fd, variant->backend, self->cache, 3, &pool));
	alloc.parent = pool;
	ASSERT_EQ(0, device_ioctl(self->fd, MEMALLOC_ALLOC, &alloc));
	EXPECT_EQ(0, device_free(self->fd, alloc.out_handle));
	alloc.gfp = MEMALLOC_GFP_THISNODE;
	EXPECT_EQ(-EINVAL, device_ioctl(self->fd, MEMALLOC_ALLOC, &alloc));
}

TEST_F(mempool, invalid_requests_are_einval)
{
	struct memalloc_mempool_create good = pool_of(variant->backend, self->cache, 3), bad;
	__u64 pool, element;

#define EXPECT_BAD(_field, _value) do {						\
	bad = good;								\
	bad._field = _value;							\
	EXPECT_EQ(-EINVAL, device_ioctl(self->fd, MEMALLOC_MEMPOOL_CREATE, &bad));	\
} while (0)
	EXPECT_BAD(flags, 1);
	EXPECT_BAD(reserved, 1);
	EXPECT_BAD(backend, MEMALLOC_MEMPOOL_OTHER);
	EXPECT_BAD(backend, MEMALLOC_MEMPOOL_CACHE + 1);
	EXPECT_BAD(min_nr, 0);
	EXPECT_BAD(min_nr, MEMALLOC_MEMPOOL_MAX + 1);
	EXPECT_BAD(node, 5000);
	EXPECT_BAD(gfp, MEMALLOC_GFP_DMA);
	EXPECT_BAD(gfp, MEMALLOC_GFP_NOFAIL);
	EXPECT_BAD(gfp, ~0U);
	EXPECT_BAD(order, variant->backend == MEMALLOC_MEMPOOL_PAGES ?
			  MEMALLOC_MAX_ORDER + 1 : 1);
	if (variant->backend == MEMALLOC_MEMPOOL_KMALLOC) {
		EXPECT_BAD(bytes, 0);
		EXPECT_BAD(bytes, ~0ULL);
	} else {
		EXPECT_BAD(bytes, 1);
	}
	if (variant->backend != MEMALLOC_MEMPOOL_CACHE)
		EXPECT_BAD(parent, self->cache);
	EXPECT_BAD(name[1], 'x');
	EXPECT_BAD(name[0], ' ');
	EXPECT_BAD(name[0], '\n');
	EXPECT_BAD(name[MEMALLOC_NAME_SIZE - 1], 'x');
#undef EXPECT_BAD
	ASSERT_EQ(0, create_pool(self->fd, variant->backend, self->cache, 3, &pool));
	EXPECT_EQ(-EINVAL, device_alloc_element(self->fd, self->cache, 0, 0, &element));
	EXPECT_EQ(-ENOENT, device_alloc_element(self->fd, pool + (1ULL << 32), 0, 0, &element));
	EXPECT_EQ(-EINVAL, device_alloc_element(self->fd, pool, MEMALLOC_GFP_DMA, 0, &element));
	EXPECT_EQ(-EINVAL, device_alloc_element(self->fd, pool, 0, 2, &element));
	if (variant->backend == MEMALLOC_MEMPOOL_CACHE) {
		bad = good;
		bad.parent = pool;
		EXPECT_EQ(-EINVAL, device_ioctl(self->fd, MEMALLOC_MEMPOOL_CREATE, &bad));
		bad.parent = 0;
		EXPECT_EQ(-ENOENT, device_ioctl(self->fd, MEMALLOC_MEMPOOL_CREATE, &bad));
	}
	EXPECT_EQ(-EFAULT, device_ioctl(self->fd, MEMALLOC_MEMPOOL_CREATE, NULL));
}

/*
 * Nothing can be borrowed, and all memory is allocated: only the pool's own
 * elements are available.
 */

FIXTURE(dry) {
	int fd;
	char cap[PARAMETER_LENGTH];
	__u64 pool;
};

static void exhaust(int fd, __u32 gfp)
{
	struct memalloc_alloc alloc;
	int order;

	for (order = MEMALLOC_MAX_ORDER; order >= 0; order--)
		while (!device_alloc_pages(fd, order, gfp | MEMALLOC_GFP_NOWARN, &alloc))
			;
}

FIXTURE_SETUP(dry)
{
	self->fd = device_open();
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, create_pool(self->fd, MEMALLOC_MEMPOOL_PAGES, 0, MINIMUM, &self->pool));
	ASSERT_EQ(0, parameter_read("cap_mb", self->cap));
	ASSERT_EQ(0, parameter_set("cap_mb", 1));
	exhaust(self->fd, MEMALLOC_GFP_KERNEL | MEMALLOC_GFP_NORETRY);
	exhaust(self->fd, MEMALLOC_GFP_ATOMIC);
}

FIXTURE_TEARDOWN_PARENT(dry)
{
	parameter_write("cap_mb", self->cap);
}

struct waiter {
	int fd;
	__u64 pool;
	unsigned int turns;
	int err;
};

static void *circulate(void *arg)
{
	struct waiter *waiter = arg;
	__u64 element;

	while (waiter->turns-- && !waiter->err) {
		waiter->err = device_alloc_element(waiter->fd, waiter->pool, MEMALLOC_GFP_NOWARN, 0,
						   &element);
		if (!waiter->err)
			waiter->err = device_free(waiter->fd, element);
	}
	return NULL;
}

TEST_F(dry, elements_circulate_among_many_tasks)
{
	struct waiter waiters[2 * MINIMUM];
	pthread_t threads[2 * MINIMUM];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(threads); i++) {
		waiters[i] = (struct waiter) {
			.fd = self->fd, .pool = self->pool, .turns = effort_of(50),
		};
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, circulate, &waiters[i]));
	}
	for (i = 0; i < ARRAY_SIZE(threads); i++) {
		ASSERT_EQ(0, pthread_join(threads[i], NULL));
		EXPECT_EQ(0, waiters[i].err);
	}
}

TEST_F(dry, caller_that_must_not_wait_fails)
{
	__u64 element[MINIMUM], other;
	unsigned int i;

	for (i = 0; i < MINIMUM; i++)
		ASSERT_EQ(0, device_alloc_element(self->fd, self->pool,
						  MEMALLOC_GFP_NOWAIT | MEMALLOC_GFP_NOWARN, 0,
						  &element[i]));
	EXPECT_EQ(-ENOMEM, device_alloc_element(self->fd, self->pool,
						MEMALLOC_GFP_NOWAIT | MEMALLOC_GFP_NOWARN, 0, &other));
	EXPECT_EQ(-ENOMEM, device_alloc_element(self->fd, self->pool,
						MEMALLOC_GFP_NORETRY | MEMALLOC_GFP_NOWARN, 0,
						&other));
	ASSERT_EQ(0, device_free(self->fd, element[0]));
	EXPECT_EQ(0, device_alloc_element(self->fd, self->pool,
					  MEMALLOC_GFP_NORETRY | MEMALLOC_GFP_NOWARN, 0, &other));
}

static void ring(int signal)
{
	(void)signal;
}

TEST_F(dry, waiter_is_woken_by_a_signal)
{
	struct sigaction action = { .sa_handler = ring };
	int tries, err = 0;
	__u64 element;

	ASSERT_EQ(0, sigaction(SIGALRM, &action, NULL));
	/* Memory that an earlier program freed may become available late. */
	for (tries = 0; tries < 10 && !err; tries++) {
		while (!device_alloc_element(self->fd, self->pool,
					     MEMALLOC_GFP_NORETRY | MEMALLOC_GFP_NOWARN, 0,
					     &element))
			;
		alarm(1);
		err = device_alloc_element(self->fd, self->pool, MEMALLOC_GFP_NOWARN, 0,
					   &element);
		alarm(0);
	}
	EXPECT_EQ(-EINTR, err);
}

TEST_F(quota, quota_counts_the_minimum)
{
	__u64 pool;

	ASSERT_EQ(0, parameter_set("quota_file_mb", 1));
	EXPECT_EQ(-EDQUOT, create_pool(self->fd, MEMALLOC_MEMPOOL_PAGES, 0, 128, &pool));
	ASSERT_EQ(0, create_pool(self->fd, MEMALLOC_MEMPOOL_PAGES, 0, 64, &pool));
	EXPECT_EQ(-EDQUOT, device_mempool_resize(self->fd, pool, 128));
	EXPECT_EQ(0, device_mempool_resize(self->fd, pool, 100));
	EXPECT_EQ(0, device_mempool_resize(self->fd, pool, 2));
}

TEST_HARNESS_MAIN
