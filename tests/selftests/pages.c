// SPDX-License-Identifier: GPL-2.0
/*
 * Pages: properties of page allocations, exhaustion, and recovery without
 * losing a page
 */
#include <pthread.h>
#include <signal.h>

#include "effort.h"
#include "harness.h"
#include "host_zone.h"
#include "memalloc_device.h"
#include "module_parameter.h"
#include "seed.h"

static bool all_goes_back(int fd)
{
	struct memalloc_stats_borrowing stats;

	return !device_validate(fd) && !device_shrink(fd) &&
	       !device_borrowing(fd, &stats) &&
	       stats.borrowed == stats.reserve && !stats.quarantined;
}

/* --- contents and places ------------------------------------------------- */

FIXTURE(pages) {
	int fd;
};

FIXTURE_SETUP(pages)
{
	self->fd = device_open();
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN(pages)
{
	close(self->fd);
}

/* Half of all allocations have order 0, a quarter order 1, and so on. */
static unsigned int random_order(__u64 *seed)
{
	unsigned int order = 0;

	while (order < MEMALLOC_MAX_ORDER && seed_below(seed, 2))
		order++;
	return order;
}

struct live {
	__u64 handle;
	__u64 bytes;
	__u64 word;
	__u64 *mapping;	/* or NULL */
};

static bool mapping_has_words(const struct live *live)
{
	size_t i;

	for (i = 0; i < live->bytes / sizeof(*live->mapping); i++)
		if (((volatile __u64 *)live->mapping)[i] != live->word + i)
			return false;
	return true;
}

/* Allocate, map half of the allocations, and write unique words. */
static int live_make(int fd, struct live *live, unsigned int order, __u64 *seed)
{
	struct memalloc_alloc alloc;
	int err = device_alloc_pages(fd, order, MEMALLOC_GFP_USER, &alloc);

	if (err)
		return err;
	live->handle = alloc.out_handle;
	live->bytes = alloc.out_bytes;
	live->word = seed_next(seed);
	live->mapping = NULL;
	if (seed_below(seed, 2)) {
		live->mapping = device_map(fd, alloc.out_map_offset, live->bytes);
		if (live->mapping == MAP_FAILED)
			return -errno;
	}
	return device_fill(fd, live->handle, live->bytes, live->word);
}

static int live_check(int fd, const struct live *live)
{
	if (live->mapping && !mapping_has_words(live))
		return -EILSEQ;
	return device_verify(fd, live->handle, live->bytes, live->word);
}

static int live_end(int fd, struct live *live)
{
	int err = live_check(fd, live);

	if (!err)
		err = device_free(fd, live->handle);
	if (!err && live->mapping)
		err = munmap(live->mapping, live->bytes) ? -errno : 0;
	live->handle = 0;
	return err;
}

TEST_F(pages, keep_their_contents_among_others)
{
	enum { PLACES = 96 };
	const unsigned int rounds = effort_of(3000);
	struct live *lives = calloc(PLACES, sizeof(*lives)), *live;
	unsigned int i;
	__u64 seed;

	ASSERT_NE(NULL, lives);
	SEED_PRINT(seed);
	for (i = 0; i < rounds; i++) {
		live = &lives[seed_below(&seed, PLACES)];
		if (live->handle && seed_below(&seed, 3)) {
			ASSERT_EQ(0, live_end(self->fd, live));
		} else if (live->handle) {
			ASSERT_EQ(0, live_check(self->fd, live));
		} else {
			ASSERT_EQ(0, live_make(self->fd, live, random_order(&seed),
					       &seed));
		}
	}
	for (i = 0; i < PLACES; i++) {
		if (lives[i].handle) {
			ASSERT_EQ(0, live_end(self->fd, &lives[i]));
		}
	}
	free(lives);
	EXPECT_TRUE(all_goes_back(self->fd));
}

struct extent {
	__u64 first;
	__u64 end;
};

static int compare_extents(const void *a, const void *b)
{
	const struct extent *left = a, *right = b;

	return left->first < right->first ? -1 : left->first > right->first;
}

TEST_F(pages, of_two_allocations_never_overlap)
{
	const unsigned int count = effort_of(3000);
	struct extent *extents = calloc(count, sizeof(*extents));
	unsigned int order, i;
	__u64 handle;
	__u64 seed;

	ASSERT_NE(NULL, extents);
	SEED_PRINT(seed);
	for (i = 0; i < count; i++) {
		order = random_order(&seed) % 6;
		ASSERT_EQ(0, device_alloc(self->fd, order, &handle));
		extents[i].first = device_phys(self->fd, handle, 0);
		extents[i].end = extents[i].first + order_bytes(order);
	}
	qsort(extents, count, sizeof(*extents), compare_extents);
	for (i = 1; i < count; i++) {
		ASSERT_LE(extents[i - 1].end, extents[i].first);
	}
	free(extents);
}

TEST_F(pages, are_contiguous_and_naturally_aligned)
{
	unsigned int order, page;
	__u64 handle, first;

	for (order = 0; order <= MEMALLOC_MAX_ORDER; order++) {
		ASSERT_EQ(0, device_alloc(self->fd, order, &handle));
		first = device_phys(self->fd, handle, 0);
		EXPECT_EQ(0, first % order_bytes(order))
			TH_LOG("order %u at %#llx", order, (unsigned long long)first);
		for (page = 1; page < 1U << order; page++) {
			ASSERT_EQ(first + page * page_size() + page,
				  device_phys(self->fd, handle,
					      page * page_size() + page));
		}
		ASSERT_EQ(0, device_free(self->fd, handle));
	}
}

/* Many of each order: alignment must not depend on an empty allocator. */
TEST_F(pages, are_aligned_among_others)
{
	const unsigned int rounds = effort_of(600);
	unsigned int order, i;
	__u64 handle;
	__u64 seed;

	SEED_PRINT(seed);
	for (i = 0; i < rounds; i++) {
		order = random_order(&seed) % 8;
		ASSERT_EQ(0, device_alloc(self->fd, order, &handle));
		ASSERT_EQ(0, device_phys(self->fd, handle, 0) % order_bytes(order));
		if (seed_below(&seed, 2)) {
			ASSERT_EQ(0, device_free(self->fd, handle));
		}
	}
}

/* Old contents do not show, even in pages that are certainly reused. */
TEST_F(pages, are_zero_when_they_are_new)
{
	enum { COUNT = 200 };
	static const __u32 gfps[] = {
		MEMALLOC_GFP_USER, MEMALLOC_GFP_USER | MEMALLOC_GFP_ZERO,
		MEMALLOC_GFP_ATOMIC, MEMALLOC_GFP_HIGHUSER,
	};
	struct extent *dirty = calloc(COUNT, sizeof(*dirty));
	struct memalloc_alloc alloc;
	__u64 handles[COUNT];
	unsigned int seen = 0;
	__u64 seed;
	int i, j;

	ASSERT_NE(NULL, dirty);
	SEED_PRINT(seed);
	for (i = 0; i < COUNT; i++) {
		unsigned int order = random_order(&seed) % 6;

		ASSERT_EQ(0, device_alloc(self->fd, order, &handles[i]));
		ASSERT_EQ(0, device_pattern(self->fd, MEMALLOC_FILL, handles[i],
					    order_bytes(order),
					    MEMALLOC_PATTERN_REPEAT, ~0ULL));
		dirty[i].first = device_phys(self->fd, handles[i], 0);
		dirty[i].end = dirty[i].first + order_bytes(order);
	}
	for (i = 0; i < COUNT; i++) {
		ASSERT_EQ(0, device_free(self->fd, handles[i]));
	}
	for (i = 0; i < COUNT; i++) {
		__u64 first;

		ASSERT_EQ(0, device_alloc_pages(self->fd, random_order(&seed) % 6,
						gfps[i % ARRAY_SIZE(gfps)], &alloc));
		ASSERT_EQ(0, device_pattern(self->fd, MEMALLOC_VERIFY,
					    alloc.out_handle, alloc.out_bytes,
					    MEMALLOC_PATTERN_REPEAT, 0));
		first = device_phys(self->fd, alloc.out_handle, 0);
		for (j = 0; j < COUNT; j++)
			seen += dirty[j].first < first + alloc.out_bytes &&
				first < dirty[j].end;
	}
	EXPECT_LT(0, seen) TH_LOG("no page was reused: nothing was tested");
	free(dirty);
}

/* --- zones and nodes ----------------------------------------------------- */

FIXTURE(zone) {
	int fd;
};

FIXTURE_VARIANT(zone) {
	const char *name;
	__u32 gfp;
	__u32 zone;
	__u64 limit;
};

FIXTURE_VARIANT_ADD(zone, dma) {
	.name = "DMA",
	.gfp = MEMALLOC_GFP_DMA,
	.zone = MEMALLOC_ZONE_DMA,
	.limit = 16ULL << 20,
};

FIXTURE_VARIANT_ADD(zone, dma32) {
	.name = "DMA32",
	.gfp = MEMALLOC_GFP_DMA32,
	.zone = MEMALLOC_ZONE_DMA32,
	.limit = 4ULL << 30,
};

FIXTURE_SETUP(zone)
{
	if (!host_has_zone(variant->name))
		SKIP(return, "this host has no zone %s", variant->name);
	self->fd = device_open();
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN(zone)
{
	close(self->fd);
}

/* Until memory runs out; there may be none of the larger orders. */
TEST_F(zone, is_a_promise)
{
	const __u32 gfp = MEMALLOC_GFP_USER | MEMALLOC_GFP_NOWARN | variant->gfp;
	struct memalloc_alloc alloc;
	struct memalloc_info info;
	unsigned int order, count;
	int err = 0;

	for (order = 0; order <= MEMALLOC_MAX_ORDER; order++) {
		for (count = 0; count < 24; count++) {
			err = device_alloc_pages(self->fd, order, gfp, &alloc);
			if (err)
				break;
			ASSERT_EQ(0, device_info(self->fd, alloc.out_handle,
						 alloc.out_bytes - 1,
						 MEMALLOC_INFO_PHYS, &info));
			ASSERT_GT(variant->limit, info.out_phys);
			ASSERT_GE(variant->zone, info.out_zone);
			ASSERT_EQ(0, device_info(self->fd, alloc.out_handle, 0,
						 MEMALLOC_INFO_PHYS, &info));
			ASSERT_GT(variant->limit, info.out_phys);
			ASSERT_GE(variant->zone, info.out_zone);
		}
		EXPECT_TRUE(!err || err == -ENOMEM) TH_LOG("order %u: %d", order, err);
		if (order == 0) {
			EXPECT_EQ(24, count);
		}
	}
}

/*
 * Other memory is available: low memory is left after many unrestricted
 * requests.
 */
TEST_F(zone, is_spared_by_other_requests)
{
	struct memalloc_alloc alloc;
	int i;

	for (i = 0; i < 12; i++) {
		ASSERT_EQ(0, device_alloc_pages(self->fd, MEMALLOC_MAX_ORDER,
						MEMALLOC_GFP_USER, &alloc));
	}
	ASSERT_EQ(0, device_alloc_pages(self->fd, 3, MEMALLOC_GFP_USER | variant->gfp,
					&alloc));
	EXPECT_GT(variant->limit, device_phys(self->fd, alloc.out_handle, 0));
}

/* Free memory of a scarce zone is not used for unrestricted requests. */
TEST_F(pages, avoid_zone_dma)
{
	const unsigned int tries = 60;
	struct memalloc_alloc alloc;
	struct memalloc_info info;
	__u64 handles[8];
	unsigned int i;

	if (!host_has_zone("DMA"))
		SKIP(return, "this host has no zone DMA");
	ASSERT_TRUE(all_goes_back(self->fd));
	for (i = 0; i < ARRAY_SIZE(handles); i++) {
		ASSERT_EQ(0, device_alloc_pages(self->fd, i % 4, MEMALLOC_GFP_USER |
						MEMALLOC_GFP_DMA, &alloc));
		handles[i] = alloc.out_handle;
	}
	for (i = 0; i < ARRAY_SIZE(handles); i++) {
		ASSERT_EQ(0, device_free(self->fd, handles[i]));
	}
	for (i = 0; i < tries; i++) {
		ASSERT_EQ(0, device_alloc_pages(self->fd, i % 4, MEMALLOC_GFP_USER,
						&alloc));
		ASSERT_EQ(0, device_info(self->fd, alloc.out_handle, 0, 0, &info));
		EXPECT_NE(MEMALLOC_ZONE_DMA, info.out_zone);
	}
}

TEST_F(pages, of_this_node_are_of_this_node)
{
	const __u32 gfp = MEMALLOC_GFP_USER | MEMALLOC_GFP_THISNODE | MEMALLOC_GFP_NOWARN;
	struct memalloc_alloc alloc;
	struct memalloc_info info;
	__s32 node;
	int err, served = 0;

	for (node = 0; node < 64; node++) {
		alloc = (struct memalloc_alloc) {
			.size = sizeof(alloc),
			.kind = MEMALLOC_KIND_PAGES,
			.gfp = gfp,
			.node = node,
			.order = 2,
		};
		err = device_ioctl(self->fd, MEMALLOC_ALLOC, &alloc);
		if (err == -EINVAL || err == -ENOMEM)
			continue;
		ASSERT_EQ(0, err);
		ASSERT_EQ(0, device_info(self->fd, alloc.out_handle, 0, 0, &info));
		EXPECT_EQ(node, info.out_node);
		served++;
	}
	EXPECT_LT(0, served);
}

/* --- running out --------------------------------------------------------- */

FIXTURE(cap) {
	char old[PARAMETER_LENGTH];
	int fd;
	__u64 pages;		/* left below the cap, at most */
	__u64 *handles;
};

FIXTURE_VARIANT(cap) {
	unsigned int order;
};

FIXTURE_VARIANT_ADD(cap, order_0) { .order = 0 };
FIXTURE_VARIANT_ADD(cap, order_1) { .order = 1 };
FIXTURE_VARIANT_ADD(cap, order_4) { .order = 4 };
FIXTURE_VARIANT_ADD(cap, order_9) { .order = 9 };
FIXTURE_VARIANT_ADD(cap, order_10) { .order = 10 };

/* Metadata that the cap must have room for, beside the block itself. */
static __u64 section_pages(void)
{
	return ((28 << 10) + page_size() - 1) / page_size();
}

/*
 * The cap is 12 MiB above the reserve, and nothing else is borrowed. For small
 * orders, large allocations take most of it.
 */
FIXTURE_SETUP(cap)
{
	const unsigned int mib = 12, few = 64 + effort_of(192);
	struct memalloc_stats_borrowing stats;
	unsigned int large = MEMALLOC_MAX_ORDER;
	__u64 handle;

	ASSERT_EQ(0, parameter_read("cap_mb", self->old));
	self->fd = device_open();
	ASSERT_LE(0, self->fd);
	ASSERT_TRUE(all_goes_back(self->fd));
	ASSERT_EQ(0, device_borrowing(self->fd, &stats));
	ASSERT_EQ(0, parameter_set("cap_mb", mib + (stats.reserve * page_size() >> 20)));
	ASSERT_EQ(0, device_borrowing(self->fd, &stats));
	self->pages = stats.cap - stats.borrowed - stats.metadata_bytes / page_size();
	while (self->pages >> variant->order > few) {
		while (self->pages - few < 1UL << large)
			large--;
		ASSERT_EQ(0, device_alloc(self->fd, large, &handle));
		self->pages -= 1UL << large;
	}
	self->handles = calloc(self->pages + 1, sizeof(*self->handles));
	ASSERT_NE(NULL, self->handles);
}

FIXTURE_TEARDOWN_PARENT(cap)
{
	if (self->old[0])
		parameter_write("cap_mb", self->old);
}

static const __u32 quiet = MEMALLOC_GFP_USER | MEMALLOC_GFP_NOWARN;

/* Allocate until it fails; *err is the error. */
static size_t take_all(FIXTURE_DATA(cap) *self, unsigned int order, int *err)
{
	struct memalloc_alloc alloc;
	size_t count = 0;

	for (;;) {
		*err = device_alloc_pages(self->fd, order, quiet, &alloc);
		if (*err)
			return count;
		self->handles[count++] = alloc.out_handle;
	}
}

static int give_all(FIXTURE_DATA(cap) *self, size_t count)
{
	int err = 0;

	while (count-- && !err)
		err = device_free(self->fd, self->handles[count]);
	return err;
}

TEST_F(cap, is_reached_reported_and_recovered_from)
{
	struct memalloc_stats_borrowing before, after;
	size_t count;
	int round, err;

	for (round = 0; round < 2; round++) {
		ASSERT_EQ(0, device_borrowing(self->fd, &before));
		count = take_all(self, variant->order, &err);
		ASSERT_EQ(-ENOMEM, err);
		ASSERT_EQ(0, device_borrowing(self->fd, &after));
		EXPECT_GE(after.cap, after.borrowed);
		EXPECT_LT(before.refused_cap, after.refused_cap);
		EXPECT_GE(self->pages >> variant->order, count);
		EXPECT_GE(after.cap, after.borrowed +
				     after.metadata_bytes / page_size());
		EXPECT_LT(after.cap, after.borrowed +
				     after.metadata_bytes / page_size() +
				     section_pages() + (1UL << variant->order));
		EXPECT_EQ(0, device_validate(self->fd));
		ASSERT_EQ(0, give_all(self, count));
	}
	ASSERT_EQ(0, close(self->fd));
	self->fd = device_open();
	EXPECT_TRUE(all_goes_back(self->fd));
}

/* Except for the reserve, which is kept for others. */
TEST_F(cap, leaves_no_usable_block)
{
	struct memalloc_stats_borrowing borrowing;
	struct memalloc_stats_zone stats;
	__u64 left = 0, blocks;
	unsigned int order;
	__u32 index;
	int err;

	take_all(self, variant->order, &err);
	ASSERT_EQ(-ENOMEM, err);
	for (index = 0; !device_zone(self->fd, index, &stats); index++) {
		for (order = variant->order; order < MEMALLOC_NR_ORDERS; order++) {
			blocks = stats.free_blocks[order] + stats.pcp_blocks[order];
			left += blocks << order;
		}
	}
	EXPECT_LT(0, index);
	ASSERT_EQ(0, device_borrowing(self->fd, &borrowing));
	EXPECT_GE(borrowing.reserve, left);
}

/* One free permits one more allocation; no more. */
TEST_F(cap, permits_as_much_as_was_freed)
{
	size_t count, i;
	int err;

	count = take_all(self, variant->order, &err);
	ASSERT_EQ(-ENOMEM, err);
	ASSERT_LT(0, count);
	for (i = 0; i < 20; i++) {
		__u64 *handle = &self->handles[i * 7 % count];

		ASSERT_EQ(0, device_free(self->fd, *handle));
		ASSERT_EQ(0, device_alloc(self->fd, variant->order, handle));
		ASSERT_EQ(-ENOMEM, device_alloc(self->fd, variant->order,
						&self->handles[count]));
	}
}

TEST_F(cap, raised_permits_more_and_lowered_none)
{
	struct memalloc_stats_borrowing stats;
	size_t count;
	__u64 handle;
	int err;

	count = take_all(self, variant->order, &err);
	ASSERT_EQ(-ENOMEM, err);
	ASSERT_EQ(0, device_borrowing(self->fd, &stats));
	ASSERT_EQ(0, parameter_set("cap_mb", (stats.cap * page_size() >> 20) + 8));
	ASSERT_EQ(0, device_alloc(self->fd, variant->order, &handle));
	ASSERT_EQ(0, parameter_set("cap_mb", 1));
	ASSERT_EQ(0, device_free(self->fd, handle));
	ASSERT_EQ(0, device_shrink(self->fd));
	EXPECT_EQ(-ENOMEM, device_alloc(self->fd, variant->order, &handle));
	/* Existing allocations are unaffected. */
	while (count) {
		count--;
		ASSERT_EQ(0, device_fill(self->fd, self->handles[count], page_size(),
					 count));
	}
}

struct waiter {
	pthread_t thread;
	int fd;
	unsigned int order;
	int started, finished, err;
	__u64 handle;
};

static void *wait_for_memory(void *arg)
{
	struct waiter *waiter = arg;
	struct memalloc_alloc alloc;

	__atomic_store_n(&waiter->started, 1, __ATOMIC_RELEASE);
	waiter->err = device_alloc_pages(waiter->fd, waiter->order,
					 quiet | MEMALLOC_GFP_NOFAIL, &alloc);
	waiter->handle = alloc.out_handle;
	__atomic_store_n(&waiter->finished, 1, __ATOMIC_RELEASE);
	return NULL;
}

TEST_F(cap, makes_nofail_wait_for_a_free)
{
	struct waiter waiter = { .fd = self->fd, .order = variant->order };
	size_t count;
	int err;

	count = take_all(self, variant->order, &err);
	ASSERT_EQ(-ENOMEM, err);
	ASSERT_EQ(0, pthread_create(&waiter.thread, NULL, wait_for_memory, &waiter));
	while (!__atomic_load_n(&waiter.started, __ATOMIC_ACQUIRE))
		sched_yield();
	usleep(50000);
	EXPECT_FALSE(__atomic_load_n(&waiter.finished, __ATOMIC_ACQUIRE));
	ASSERT_EQ(0, device_free(self->fd, self->handles[count / 2]));
	ASSERT_EQ(0, pthread_join(waiter.thread, NULL));
	ASSERT_EQ(0, waiter.err);
	EXPECT_EQ(0, device_fill(self->fd, waiter.handle, order_bytes(variant->order), 1));
}

static void ignore_signal(int signal)
{
	(void)signal;
}

TEST_F(cap, makes_nofail_wait_until_a_signal)
{
	const struct sigaction action = { .sa_handler = ignore_signal };
	struct waiter waiter = { .fd = self->fd, .order = variant->order };
	struct memalloc_stats_file before, after;
	int err;

	ASSERT_EQ(0, sigaction(SIGUSR1, &action, NULL));
	take_all(self, variant->order, &err);
	ASSERT_EQ(-ENOMEM, err);
	ASSERT_EQ(0, device_file(self->fd, &before));
	ASSERT_EQ(0, pthread_create(&waiter.thread, NULL, wait_for_memory, &waiter));
	while (!__atomic_load_n(&waiter.finished, __ATOMIC_ACQUIRE)) {
		pthread_kill(waiter.thread, SIGUSR1);
		usleep(1000);
	}
	ASSERT_EQ(0, pthread_join(waiter.thread, NULL));
	EXPECT_EQ(-EINTR, waiter.err);
	ASSERT_EQ(0, device_file(self->fd, &after));
	EXPECT_EQ(0, memcmp(&before, &after, sizeof(before)));
}

TEST_F(cap, does_not_keep_nofail_from_being_killed)
{
	int status, err, ready[2];
	char byte;
	pid_t child;

	take_all(self, variant->order, &err);
	ASSERT_EQ(-ENOMEM, err);
	ASSERT_EQ(0, pipe(ready));
	child = fork();
	ASSERT_LE(0, child);
	if (!child) {
		struct waiter waiter = { .fd = self->fd, .order = variant->order };

		if (write(ready[1], "", 1) == 1)
			wait_for_memory(&waiter);
		_exit(0);
	}
	ASSERT_EQ(1, read(ready[0], &byte, 1));
	usleep(20000);
	ASSERT_EQ(0, kill(child, SIGKILL));
	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_TRUE(WIFSIGNALED(status));
	EXPECT_EQ(0, device_validate(self->fd));
}

/*
 * --- splitting and coalescing
 * --------------------------------------------------
 */

static void shuffle(__u64 *handles, size_t count, __u64 *seed)
{
	size_t i, other;
	__u64 handle;

	for (i = count; i > 1; i--) {
		other = seed_below(seed, i);
		handle = handles[i - 1];
		handles[i - 1] = handles[other];
		handles[other] = handle;
	}
}

FIXTURE(fragments) {
	char old[PARAMETER_LENGTH];
	int fd;
	size_t blocks;		/* number of free blocks of the highest order */
	size_t pages;
	__u64 *handles;
	struct memalloc_stats_borrowing before;
};

/*
 * All memory is some free blocks of the highest order, borrowed as such. From
 * then on nothing is borrowed or returned.
 */
FIXTURE_SETUP(fragments)
{
	const unsigned int mib = effort_of(3) * (order_bytes(MEMALLOC_MAX_ORDER) >> 20);
	size_t i;

	ASSERT_EQ(0, parameter_read("cap_mb", self->old));
	self->fd = device_open();
	ASSERT_LE(0, self->fd);
	ASSERT_TRUE(all_goes_back(self->fd));
	ASSERT_EQ(0, device_borrowing(self->fd, &self->before));
	if (self->before.reserve)
		SKIP(return, "the module has a reserve");
	/* 2 MiB for metadata. */
	ASSERT_EQ(0, parameter_set("cap_mb", mib + 2));
	self->pages = (mib << 20) / page_size();
	self->blocks = self->pages >> MEMALLOC_MAX_ORDER;
	self->handles = calloc(self->pages, sizeof(*self->handles));
	ASSERT_NE(NULL, self->handles);
	for (i = 0; i < self->blocks; i++) {
		ASSERT_EQ(0, device_alloc(self->fd, MEMALLOC_MAX_ORDER,
					  &self->handles[i]));
	}
	for (i = 0; i < self->blocks; i++) {
		ASSERT_EQ(0, device_free(self->fd, self->handles[i]));
	}
	ASSERT_EQ(0, device_borrowing(self->fd, &self->before));
	ASSERT_EQ(self->pages, self->before.borrowed);
	ASSERT_EQ(0, parameter_set("cap_mb", mib));
	ASSERT_EQ(0, device_borrowing(self->fd, &self->before));
}

FIXTURE_TEARDOWN_PARENT(fragments)
{
	if (self->old[0])
		parameter_write("cap_mb", self->old);
}

/*
 * As many blocks of the highest order as at the beginning, from the same
 * borrowed blocks.
 */
static int whole_again(FIXTURE_DATA(fragments) *self)
{
	struct memalloc_stats_borrowing after;
	size_t i;
	int err;

	for (i = 0; i < self->blocks; i++) {
		err = device_alloc(self->fd, MEMALLOC_MAX_ORDER, &self->handles[i]);
		if (err)
			return err;
	}
	err = device_borrowing(self->fd, &after);
	if (!err && after.borrowed_total != self->before.borrowed_total)
		err = -ESTALE;
	for (i = 0; i < self->blocks && !err; i++)
		err = device_free(self->fd, self->handles[i]);
	return err;
}

TEST_F(fragments, of_order_0_freed_in_any_order_coalesce)
{
	const unsigned int rounds = effort_of(2);
	unsigned int round;
	__u64 seed;
	size_t i;

	SEED_PRINT(seed);
	for (round = 0; round < rounds; round++) {
		for (i = 0; i < self->pages; i++) {
			ASSERT_EQ(0, device_alloc(self->fd, 0, &self->handles[i]));
		}
		shuffle(self->handles, self->pages, &seed);
		for (i = 0; i < self->pages; i++) {
			ASSERT_EQ(0, device_free(self->fd, self->handles[i]));
		}
		ASSERT_EQ(0, whole_again(self));
	}
	EXPECT_TRUE(all_goes_back(self->fd));
}

TEST_F(fragments, of_all_orders_freed_in_any_order_coalesce)
{
	struct memalloc_alloc alloc;
	size_t count = 0, pages = 0, i;
	unsigned int order;
	__u64 seed;

	SEED_PRINT(seed);
	while (pages < self->pages) {
		order = seed_below(&seed, MEMALLOC_NR_ORDERS);
		while (device_alloc_pages(self->fd, order, quiet, &alloc)) {
			ASSERT_LT(0, order);
			order--;
		}
		self->handles[count++] = alloc.out_handle;
		pages += 1UL << order;
	}
	EXPECT_EQ(self->pages, pages);
	shuffle(self->handles, count, &seed);
	for (i = 0; i < count; i++) {
		ASSERT_EQ(0, device_free(self->fd, self->handles[i]));
	}
	EXPECT_EQ(0, whole_again(self));
	EXPECT_TRUE(all_goes_back(self->fd));
}

/*
 * One of each pair of buddies is free: half of the memory, but no two adjacent
 * pages. After the others are freed, the blocks are whole again.
 */
TEST_F(fragments, without_a_free_buddy_do_not_coalesce)
{
	struct memalloc_stats_borrowing stats;
	struct memalloc_alloc alloc;
	__u64 *odd = calloc(self->pages, sizeof(*odd));
	size_t i, freed = 0, kept = 0;
	__u64 handle;

	ASSERT_NE(NULL, odd);
	for (i = 0; i < self->pages; i++) {
		ASSERT_EQ(0, device_alloc(self->fd, 0, &self->handles[i]));
	}
	for (i = 0; i < self->pages; i++) {
		handle = self->handles[i];
		if (device_phys(self->fd, handle, 0) / page_size() % 2) {
			odd[kept++] = handle;
		} else {
			ASSERT_EQ(0, device_free(self->fd, handle));
			freed++;
		}
	}
	EXPECT_EQ(self->pages / 2, freed);
	ASSERT_EQ(0, device_borrowing(self->fd, &stats));
	EXPECT_EQ(freed, stats.free);
	EXPECT_EQ(-ENOMEM, device_alloc_pages(self->fd, 1, quiet, &alloc));
	EXPECT_EQ(0, device_validate(self->fd));
	for (i = 0; i < kept; i++) {
		ASSERT_EQ(0, device_free(self->fd, odd[i]));
	}
	EXPECT_EQ(0, whole_again(self));
	EXPECT_TRUE(all_goes_back(self->fd));
	free(odd);
}

/* Partly used blocks cannot be returned, unused ones are. */
TEST_F(fragments, keep_their_block_and_no_other)
{
	struct memalloc_stats_borrowing stats;
	__u64 handle;

	ASSERT_EQ(0, device_alloc(self->fd, 0, &handle));
	ASSERT_EQ(0, device_fill(self->fd, handle, page_size(), 99));
	ASSERT_EQ(0, device_shrink(self->fd));
	ASSERT_EQ(0, device_borrowing(self->fd, &stats));
	EXPECT_LE(1, stats.borrowed);
	EXPECT_GE(1UL << MEMALLOC_MAX_ORDER, stats.borrowed);
	EXPECT_EQ(0, device_verify(self->fd, handle, page_size(), 99));
	EXPECT_EQ(0, device_validate(self->fd));
	ASSERT_EQ(0, device_free(self->fd, handle));
	EXPECT_TRUE(all_goes_back(self->fd));
}

TEST_F(fragments, are_returned_in_the_requested_number)
{
	struct memalloc_stats_borrowing before, after;
	struct memalloc_shrink shrink = { .size = sizeof(shrink) };
	__u64 given;

	for (shrink.pages = 1; shrink.pages <= self->pages / 8; shrink.pages *= 3) {
		ASSERT_EQ(0, device_borrowing(self->fd, &before));
		ASSERT_EQ(0, device_ioctl(self->fd, MEMALLOC_SHRINK, &shrink));
		ASSERT_EQ(0, device_borrowing(self->fd, &after));
		given = before.borrowed - after.borrowed;
		EXPECT_EQ(shrink.out_pages, given);
		EXPECT_GE(shrink.pages, given);
		EXPECT_LT(0, given);
		EXPECT_EQ(0, device_validate(self->fd));
	}
	EXPECT_TRUE(all_goes_back(self->fd));
}

/* --- quotas -------------------------------------------------------------- */

FIXTURE(quota) {
	char old[PARAMETER_LENGTH];
	int fd;
	int other;
};

/* A limit, and an order with a whole number of allocations up to it. */
FIXTURE_VARIANT(quota) {
	const char *parameter;
	unsigned int value;
	unsigned int order;
	bool shared;
};

FIXTURE_VARIANT_ADD(quota, handles) {
	.parameter = "quota_handles",
	.value = 100,
	.order = 0,
};

FIXTURE_VARIANT_ADD(quota, file_bytes) {
	.parameter = "quota_file_mb",
	.value = 3,
	.order = 5,
};

FIXTURE_VARIANT_ADD(quota, device_bytes) {
	.parameter = "quota_device_mb",
	.value = 3,
	.order = 5,
	.shared = true,
};

FIXTURE_SETUP(quota)
{
	ASSERT_EQ(0, parameter_read(variant->parameter, self->old));
	self->fd = device_open();
	ASSERT_LE(0, self->fd);
	self->other = device_open();
	ASSERT_LE(0, self->other);
	ASSERT_EQ(0, parameter_set(variant->parameter, variant->value));
}

FIXTURE_TEARDOWN_PARENT(quota)
{
	if (self->old[0])
		parameter_write(variant->parameter, self->old);
}

static unsigned int take_until(int fd, unsigned int order, __u64 *handles, int *err)
{
	unsigned int count = 0;

	do {
		*err = device_alloc(fd, order, &handles[count]);
	} while (!*err && ++count < 1000);
	return count;
}

/* Return: number of allocations that the limit permits. */
static unsigned int allowed_by(const FIXTURE_VARIANT(quota) *variant)
{
	if (!strcmp(variant->parameter, "quota_handles"))
		return variant->value;
	/* Their metadata takes the place of the last one. */
	return ((__u64)variant->value << 20) / order_bytes(variant->order) - 1;
}

TEST_F(quota, is_reached_exactly_and_reported)
{
	__u64 handles[1000];
	unsigned int count, round;
	int err;

	for (round = 0; round < 2; round++) {
		count = take_until(self->fd, variant->order, handles, &err);
		EXPECT_EQ(-EDQUOT, err);
		EXPECT_EQ(allowed_by(variant), count);
		EXPECT_EQ(0, device_validate(self->fd));
		while (count) {
			ASSERT_EQ(0, device_free(self->fd, handles[--count]));
		}
	}
}

TEST_F(quota, holds_for_nofail_too)
{
	struct memalloc_alloc alloc;
	__u64 handles[1000];
	int err;

	take_until(self->fd, variant->order, handles, &err);
	ASSERT_EQ(-EDQUOT, err);
	EXPECT_EQ(-EDQUOT, device_alloc_pages(self->fd, variant->order,
					      quiet | MEMALLOC_GFP_NOFAIL, &alloc));
}

TEST_F(quota, is_shared_only_if_it_is_the_devices)
{
	__u64 handles[1000], handle;
	int err;

	take_until(self->fd, variant->order, handles, &err);
	ASSERT_EQ(-EDQUOT, err);
	EXPECT_EQ(variant->shared ? -EDQUOT : 0,
		  device_alloc(self->other, variant->order, &handle));
	ASSERT_EQ(0, close(self->fd));
	EXPECT_EQ(0, device_alloc(self->other, variant->order, &handle));
}

/*
 * A mapping keeps bytes but not the handle, so it counts for a quota of bytes
 * only.
 */
TEST_F(quota, counts_memory_kept_by_a_mapping)
{
	const bool bytes = !!strcmp(variant->parameter, "quota_handles");
	__u64 handles[1000], handle;
	void *mapping;
	int err;

	mapping = device_alloc_mapped(self->fd, variant->order, &handle);
	ASSERT_NE(MAP_FAILED, mapping);
	take_until(self->fd, variant->order, handles, &err);
	ASSERT_EQ(-EDQUOT, err);
	ASSERT_EQ(0, device_free(self->fd, handle));
	EXPECT_EQ(bytes ? -EDQUOT : 0,
		  device_alloc(self->fd, variant->order, &handle));
	ASSERT_EQ(0, munmap(mapping, order_bytes(variant->order)));
	if (bytes) {
		EXPECT_EQ(0, device_alloc(self->fd, variant->order, &handle));
	}
}

TEST_F(quota, lowered_takes_nothing_away)
{
	__u64 handles[1000], handle;
	unsigned int count, i;
	int err;

	count = take_until(self->fd, variant->order, handles, &err);
	ASSERT_EQ(0, parameter_set(variant->parameter, 1));
	for (i = 0; i < count; i++) {
		EXPECT_EQ(0, device_fill(self->fd, handles[i], page_size(), i));
	}
	EXPECT_EQ(-EDQUOT, device_alloc(self->fd, variant->order, &handle));
	ASSERT_EQ(0, parameter_set(variant->parameter, 0));
	EXPECT_EQ(0, device_alloc(self->fd, variant->order, &handle));
}

TEST_F(quota, is_in_the_statistics)
{
	struct memalloc_stats_file stats;
	const __u64 mib = 1 << 20;

	ASSERT_EQ(0, device_file(self->fd, &stats));
	if (!strcmp(variant->parameter, "quota_handles")) {
		EXPECT_EQ(variant->value, stats.handles_limit);
	} else if (variant->shared) {
		EXPECT_EQ(variant->value * mib, stats.device_bytes_limit);
	} else {
		EXPECT_EQ(variant->value * mib, stats.bytes_limit);
	}
}

struct taker {
	pthread_t thread;
	int fd;
	unsigned int order;
	unsigned int count;
	int err;
};

static void *take_in_thread(void *arg)
{
	struct taker *taker = arg;
	__u64 handles[1000];

	taker->count = take_until(taker->fd, taker->order, handles, &taker->err);
	return NULL;
}

/* Exactly the limit, regardless of the order of threads. */
TEST_F(quota, is_exact_among_threads)
{
	enum { THREADS = 4 };
	struct taker takers[THREADS];
	unsigned int i, total = 0;

	for (i = 0; i < THREADS; i++) {
		takers[i] = (struct taker) {
			.fd = variant->shared && i % 2 ? self->other : self->fd,
			.order = variant->order,
		};
		ASSERT_EQ(0, pthread_create(&takers[i].thread, NULL,
					    take_in_thread, &takers[i]));
	}
	for (i = 0; i < THREADS; i++) {
		ASSERT_EQ(0, pthread_join(takers[i].thread, NULL));
		EXPECT_EQ(-EDQUOT, takers[i].err);
		total += takers[i].count;
	}
	EXPECT_EQ(allowed_by(variant), total);
}

TEST_HARNESS_MAIN
