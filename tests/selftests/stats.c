// SPDX-License-Identifier: GPL-2.0
/*
 * Statistics: they match a model at every step, and agree with /proc/memalloc
 */
#include <pthread.h>
#include <stddef.h>

#include "effort.h"
#include "harness.h"
#include "memalloc_device.h"
#include "module_parameter.h"
#include "seed.h"

/* --- a model ------------------------------------------------------------- */

/* Counters of all zones */
struct counters {
	__u64 pages;
	__u64 free;
	__u64 allocs[MEMALLOC_NR_ORDERS];
	__u64 frees[MEMALLOC_NR_ORDERS];
	__u64 failures[MEMALLOC_NR_ORDERS];
};

static int zones_sum(int fd, struct counters *sum)
{
	struct memalloc_stats_zone zone;
	unsigned int order;
	__u32 index;
	int err;

	memset(sum, 0, sizeof(*sum));
	for (index = 0; !(err = device_zone(fd, index, &zone)); index++) {
		sum->pages += zone.pages;
		sum->free += zone.free;
		for (order = 0; order < MEMALLOC_NR_ORDERS; order++) {
			sum->allocs[order] += zone.allocs[order];
			sum->frees[order] += zone.frees[order];
			sum->failures[order] += zone.failures[order];
		}
	}
	return err == -ENOENT ? 0 : err;
}

struct object {
	__u64 handle;
	unsigned int order;
	void *mapping;		/* or NULL */
};

FIXTURE(model) {
	int fd;
	__u64 seed;
	struct counters counters;	/* expected, except free and borrowed */
	struct memalloc_stats_file file;	/* expected */
	struct memalloc_stats_reports reports;
	struct object objects[64];
	size_t count;
};

FIXTURE_SETUP(model)
{
	self->fd = device_open();
	ASSERT_LE(0, self->fd);
	/* Slab caches may have cached memory of earlier tests. */
	ASSERT_EQ(0, device_shrink(self->fd));
	ASSERT_EQ(0, zones_sum(self->fd, &self->counters));
	ASSERT_EQ(0, device_file(self->fd, &self->file));
	ASSERT_EQ(0, device_reports(self->fd, &self->reports));
	ASSERT_EQ(0, self->file.handles);
	ASSERT_EQ(0, self->file.device_bytes);
	SEED_PRINT(self->seed);
}

FIXTURE_TEARDOWN(model)
{
	close(self->fd);
}

static int model_alloc(FIXTURE_DATA(model) *self)
{
	struct object *object = &self->objects[self->count];
	unsigned int order = seed_below(&self->seed, 7);
	void *mapping;
	int err;

	object->order = order;
	object->mapping = NULL;
	if (seed_below(&self->seed, 3)) {
		err = device_alloc(self->fd, order, &object->handle);
		if (err)
			return err;
	} else {
		mapping = device_alloc_mapped(self->fd, order, &object->handle);
		if (mapping == MAP_FAILED)
			return -errno;
		object->mapping = mapping;
	}
	self->count++;
	self->counters.allocs[order]++;
	self->file.handles++;
	self->file.bytes += order_bytes(order);
	self->file.device_bytes += order_bytes(order);
	return 0;
}

static void model_forget(FIXTURE_DATA(model) *self, struct object *object)
{
	self->counters.frees[object->order]++;
	self->file.bytes -= order_bytes(object->order);
	self->file.device_bytes -= order_bytes(object->order);
	*object = self->objects[--self->count];
}

/* Free the handle or the mapping first; the second free releases the memory. */
static int model_free(FIXTURE_DATA(model) *self)
{
	struct object *object = &self->objects[seed_below(&self->seed, self->count)];
	int err = 0;

	if (object->mapping && (!object->handle || seed_below(&self->seed, 2))) {
		if (munmap(object->mapping, order_bytes(object->order)))
			return -errno;
		object->mapping = NULL;
	} else {
		err = device_free(self->fd, object->handle);
		if (err)
			return err;
		object->handle = 0;
		self->file.handles--;
	}
	if (!object->mapping && !object->handle)
		model_forget(self, object);
	return 0;
}

static int model_step(FIXTURE_DATA(model) *self)
{
	if (!seed_below(&self->seed, 50))
		return device_shrink(self->fd);
	if (self->count == ARRAY_SIZE(self->objects) ||
	    (self->count && seed_below(&self->seed, 2)))
		return model_free(self);
	return model_alloc(self);
}

#define COMPARE(expected, seen, what) \
	EXPECT_EQ((unsigned long long)(expected), (unsigned long long)(seen)) { \
		TH_LOG("%s", what); \
	}

static void compare_counters(struct __test_metadata *_metadata,
			     FIXTURE_DATA(model) *self, const struct counters *seen)
{
	unsigned int order;

	for (order = 0; order < MEMALLOC_NR_ORDERS; order++) {
		COMPARE(self->counters.allocs[order], seen->allocs[order], "allocs");
		COMPARE(self->counters.frees[order], seen->frees[order], "frees");
		COMPARE(self->counters.failures[order], seen->failures[order],
			"failures");
	}
}

static void compare_file(struct __test_metadata *_metadata,
			 FIXTURE_DATA(model) *self)
{
	struct memalloc_stats_file seen;

	EXPECT_EQ(0, device_file(self->fd, &seen));
	COMPARE(self->file.handles, seen.handles, "handles");
	COMPARE(self->file.bytes, seen.bytes, "bytes");
	COMPARE(self->file.device_bytes, seen.device_bytes, "device_bytes");
	COMPARE(self->file.handles_limit, seen.handles_limit, "handles_limit");
	COMPARE(self->file.bytes_limit, seen.bytes_limit, "bytes_limit");
}

static void compare_borrowing(struct __test_metadata *_metadata,
			      FIXTURE_DATA(model) *self, const struct counters *sum)
{
	struct memalloc_stats_borrowing seen;

	EXPECT_EQ(0, device_borrowing(self->fd, &seen));
	COMPARE(page_size(), seen.page_size, "page_size");
	COMPARE(seen.borrowed_total - seen.returned_total, seen.borrowed, "borrowed");
	COMPARE(self->file.bytes / page_size(),
		seen.borrowed - seen.free - seen.quarantined, "used");
	COMPARE(0, seen.quarantined, "quarantined");
	COMPARE(seen.borrowed, sum->pages, "pages of all zones");
	COMPARE(seen.free, sum->free, "free pages of all zones");
	EXPECT_GE(seen.cap, seen.borrowed);
	EXPECT_GE(seen.peak, seen.borrowed);
	EXPECT_LE(seen.reserve, seen.borrowed);
	EXPECT_LT(0, seen.metadata_bytes);
}

static void compare_blocks(struct __test_metadata *_metadata, int fd)
{
	struct memalloc_stats_zone zone;
	unsigned int order;
	__u64 free;
	__u32 index;

	for (index = 0; !device_zone(fd, index, &zone); index++) {
		free = 0;
		for (order = 0; order < MEMALLOC_NR_ORDERS; order++)
			free += (zone.free_blocks[order] + zone.pcp_blocks[order])
				<< order;
		COMPARE(zone.free, free, "free pages in blocks");
		EXPECT_GT(MEMALLOC_NR_ZONES, zone.zone);
	}
}

/*
 * If there is a reserve, it is refilled in the background: pending borrowing is
 * not in any zone yet. Validation waits for it.
 */
static void settle(struct __test_metadata *_metadata, int fd)
{
	struct memalloc_stats_borrowing stats;

	EXPECT_EQ(0, device_borrowing(fd, &stats));
	if (stats.reserve) {
		EXPECT_EQ(0, device_validate(fd));
	}
}

static void compare_all(struct __test_metadata *_metadata,
			FIXTURE_DATA(model) *self)
{
	struct counters sum;

	settle(_metadata, self->fd);
	EXPECT_EQ(0, zones_sum(self->fd, &sum));
	compare_counters(_metadata, self, &sum);
	compare_file(_metadata, self);
	compare_borrowing(_metadata, self, &sum);
	compare_blocks(_metadata, self->fd);
}

TEST_F(model, is_followed_at_every_step)
{
	const unsigned int steps = effort_of(1500);
	struct memalloc_stats_reports reports;
	unsigned int step;

	for (step = 0; step < steps; step++) {
		ASSERT_EQ(0, model_step(self)) {
			TH_LOG("step %u", step);
		}
		compare_all(_metadata, self);
		ASSERT_EQ(0, _metadata->exit_code) {
			TH_LOG("step %u", step);
		}
	}
	EXPECT_EQ(0, device_validate(self->fd));
	ASSERT_EQ(0, device_reports(self->fd, &reports));
	EXPECT_EQ(0, memcmp(&self->reports, &reports, sizeof(reports)));
}

TEST_F(model, is_followed_when_a_file_is_closed)
{
	struct counters sum;
	size_t i;
	int fd;

	while (self->count < 30) {
		ASSERT_EQ(0, model_alloc(self));
	}
	fd = device_open();
	ASSERT_LE(0, fd);
	for (i = 0; i < self->count; i++) {
		self->counters.frees[self->objects[i].order]++;
		if (self->objects[i].mapping) {
			ASSERT_EQ(0, munmap(self->objects[i].mapping,
					    order_bytes(self->objects[i].order)));
		}
	}
	ASSERT_EQ(0, close(self->fd));
	self->fd = fd;
	memset(&self->file, 0, offsetof(struct memalloc_stats_file, handles_limit));
	ASSERT_EQ(0, zones_sum(fd, &sum));
	compare_counters(_metadata, self, &sum);
	compare_blocks(_metadata, fd);
}

/* --- failures, and the cap ----------------------------------------------- */

FIXTURE(cap) {
	char old[PARAMETER_LENGTH];
	int fd;
	__u64 cap;
};

FIXTURE_SETUP(cap)
{
	struct memalloc_stats_borrowing stats;

	ASSERT_EQ(0, parameter_read("cap_mb", self->old));
	self->fd = device_open();
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, device_shrink(self->fd));
	ASSERT_EQ(0, device_borrowing(self->fd, &stats));
	ASSERT_EQ(0, parameter_set("cap_mb", 4 + (stats.reserve * page_size() >> 20)));
	ASSERT_EQ(0, device_borrowing(self->fd, &stats));
	self->cap = stats.cap;
}

FIXTURE_TEARDOWN_PARENT(cap)
{
	if (self->old[0])
		parameter_write("cap_mb", self->old);
}

static const __u32 quiet = MEMALLOC_GFP_USER | MEMALLOC_GFP_NOWARN;

TEST_F(cap, matches_the_parameter)
{
	struct memalloc_stats_borrowing stats;
	char text[PARAMETER_LENGTH];

	ASSERT_EQ(0, parameter_set("cap_mb", 11));
	ASSERT_EQ(0, parameter_read("cap_mb", text));
	EXPECT_STREQ("11", text);
	ASSERT_EQ(0, device_borrowing(self->fd, &stats));
	EXPECT_EQ((11 << 20) / page_size(), stats.cap);
}

TEST_F(cap, that_refuses_is_counted)
{
	const unsigned int tries = 9;
	struct memalloc_stats_borrowing before, after;
	struct counters first, second;
	struct memalloc_alloc alloc;
	unsigned int i;

	while (!device_alloc_pages(self->fd, 0, quiet, &alloc))
		;
	ASSERT_EQ(0, zones_sum(self->fd, &first));
	ASSERT_EQ(0, device_borrowing(self->fd, &before));
	for (i = 0; i < tries; i++) {
		ASSERT_EQ(-ENOMEM, device_alloc_pages(self->fd, 4, quiet, &alloc));
	}
	ASSERT_EQ(0, zones_sum(self->fd, &second));
	ASSERT_EQ(0, device_borrowing(self->fd, &after));
	EXPECT_EQ(first.failures[4] + tries, second.failures[4]);
	EXPECT_EQ(first.allocs[4], second.allocs[4]);
	EXPECT_LE(before.refused_cap + tries, after.refused_cap);
	EXPECT_EQ(before.refused_host, after.refused_host);
	EXPECT_EQ(before.borrowed_total, after.borrowed_total);
}

struct crowd {
	int fd;
	int stop;
	__u64 cap;
	__u64 above, looked;
	__u64 wrong;
};

static void *take_and_give(void *arg)
{
	enum { MOST = 4096 };
	const unsigned int rounds = effort_of(12);
	struct crowd *crowd = arg;
	__u64 *handles = calloc(MOST, sizeof(*handles));
	struct memalloc_alloc alloc;
	unsigned int round;
	int count, err;

	for (round = 0; round < rounds; round++) {
		count = 0;
		do {
			err = device_alloc_pages(crowd->fd, round % 4, quiet, &alloc);
			if (!err)
				handles[count++] = alloc.out_handle;
		} while (!err && count < MOST);
		if (err && err != -ENOMEM)
			__atomic_fetch_add(&crowd->wrong, 1, __ATOMIC_RELAXED);
		while (count)
			if (device_free(crowd->fd, handles[--count]))
				__atomic_fetch_add(&crowd->wrong, 1, __ATOMIC_RELAXED);
	}
	free(handles);
	return NULL;
}

static void *watch_the_cap(void *arg)
{
	struct memalloc_stats_borrowing stats;
	struct crowd *crowd = arg;

	while (!__atomic_load_n(&crowd->stop, __ATOMIC_RELAXED)) {
		if (device_borrowing(crowd->fd, &stats) || stats.borrowed > crowd->cap)
			crowd->above++;
		crowd->looked++;
		device_shrink(crowd->fd);
	}
	return NULL;
}

/* Several threads reach it repeatedly, while memory is also returned. */
TEST_F(cap, is_never_exceeded)
{
	enum { THREADS = 3 };
	struct crowd crowd = { .fd = self->fd, .cap = self->cap };
	struct memalloc_stats_borrowing stats;
	pthread_t threads[THREADS], watcher;
	int i;

	ASSERT_EQ(0, pthread_create(&watcher, NULL, watch_the_cap, &crowd));
	for (i = 0; i < THREADS; i++) {
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, take_and_give, &crowd));
	}
	for (i = 0; i < THREADS; i++) {
		ASSERT_EQ(0, pthread_join(threads[i], NULL));
	}
	__atomic_store_n(&crowd.stop, 1, __ATOMIC_RELAXED);
	ASSERT_EQ(0, pthread_join(watcher, NULL));
	EXPECT_EQ(0, crowd.wrong);
	EXPECT_EQ(0, crowd.above);
	EXPECT_LT(0, crowd.looked);
	EXPECT_EQ(0, device_validate(self->fd));
	ASSERT_EQ(0, device_shrink(self->fd));
	ASSERT_EQ(0, device_borrowing(self->fd, &stats));
	EXPECT_EQ(stats.reserve, stats.borrowed);
	EXPECT_EQ(stats.borrowed, stats.borrowed_total - stats.returned_total);
}

/* --- /proc/memalloc ------------------------------------------------------ */

#define PROC_PATH "/proc/memalloc"

FIXTURE(proc) {
	int fd;
	char *text;
};

FIXTURE_SETUP(proc)
{
	__u64 handle;
	int i;

	self->fd = device_open();
	ASSERT_LE(0, self->fd);
	for (i = 0; i < 40; i++) {
		ASSERT_EQ(0, device_alloc(self->fd, i % 6, &handle));
		if (i % 3 == 0) {
			ASSERT_EQ(0, device_free(self->fd, handle));
		}
	}
	self->text = malloc(1 << 20);
	ASSERT_NE(NULL, self->text);
}

FIXTURE_TEARDOWN(proc)
{
	free(self->text);
	close(self->fd);
}

/* Read the whole file, optionally in small pieces. */
static int proc_read(char *text, size_t limit, size_t piece)
{
	int fd = open(PROC_PATH, O_RDONLY | O_CLOEXEC);
	size_t done = 0;
	ssize_t got;

	if (fd < 0)
		return -errno;
	while ((got = read(fd, text + done, piece)) > 0) {
		done += got;
		if (done + piece >= limit) {
			got = -1;
			break;
		}
	}
	text[done] = '\0';
	close(fd);
	return got ? -EIO : 0;
}

/* Find the line in a section that begins with a name, or NULL. */
static const char *proc_line(const char *text, const char *heading, const char *name)
{
	const size_t length = strlen(name);
	const char *line = strstr(text, heading);

	if (line)
		line += strlen(heading) - 1;
	while (line && (line = strchr(line, '\n')) && *++line != '[')
		if (!strncmp(line, name, length) && line[length] == ' ')
			return line + length;
	return NULL;
}

/* Return: the first number in it, or the nth after that. */
static __u64 proc_number(const char *text, const char *heading, const char *name,
			 unsigned int nth)
{
	const char *line = proc_line(text, heading, name);
	char *end;
	__u64 number;

	if (!line)
		return 0xdeadbeefdeadbeef;
	for (;;) {
		number = strtoull(line, &end, 10);
		if (end == line)
			return 0xdeadbeefdeadbeef;
		if (!nth--)
			return number;
		line = end;
	}
}

#define SAME(heading, stats, member) \
	COMPARE((stats).member, proc_number(self->text, heading, #member, 0), #member)

TEST_F(proc, reports_the_number_of_entries)
{
	struct memalloc_stats stats = {
		.size = sizeof(stats),
		.section = MEMALLOC_SECTION_MEMPOOL,
	};
	int fd = device_open();
	__u64 pool;

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, device_ioctl(fd, MEMALLOC_STATS, &stats));
	EXPECT_EQ(0, stats.out_count);
	EXPECT_EQ(sizeof(struct memalloc_stats_mempool), stats.out_length);
	ASSERT_EQ(0, device_mempool_create(fd, MEMALLOC_MEMPOOL_KMALLOC, 8, 1, &pool));
	ASSERT_EQ(0, device_ioctl(fd, MEMALLOC_STATS, &stats));
	EXPECT_EQ(1, stats.out_count);
	stats.index = 1;
	EXPECT_EQ(0, device_ioctl(fd, MEMALLOC_STATS, &stats));
	stats.length = sizeof(__u64);
	EXPECT_EQ(-ENOENT, device_ioctl(fd, MEMALLOC_STATS, &stats));
	close(fd);
}

TEST_F(proc, begins_with_its_version)
{
	ASSERT_EQ(0, proc_read(self->text, 1 << 20, 4096));
	EXPECT_EQ(0, strncmp(self->text, "memalloc version 1\n", 19));
}

TEST_F(proc, agrees_on_borrowing)
{
	struct memalloc_stats_borrowing stats;

	ASSERT_EQ(0, device_borrowing(self->fd, &stats));
	ASSERT_EQ(0, proc_read(self->text, 1 << 20, 4096));
	SAME("\n[borrowing]\n", stats, page_size);
	SAME("\n[borrowing]\n", stats, borrowed);
	SAME("\n[borrowing]\n", stats, cap);
	SAME("\n[borrowing]\n", stats, reserve);
	SAME("\n[borrowing]\n", stats, peak);
	SAME("\n[borrowing]\n", stats, borrowed_total);
	SAME("\n[borrowing]\n", stats, returned_total);
	SAME("\n[borrowing]\n", stats, free);
	SAME("\n[borrowing]\n", stats, quarantined);
	SAME("\n[borrowing]\n", stats, metadata_bytes);
	SAME("\n[borrowing]\n", stats, refused_cap);
	SAME("\n[borrowing]\n", stats, refused_host);
	SAME("\n[borrowing]\n", stats, lost_total);
}

TEST_F(proc, agrees_on_every_zone)
{
	static const char * const names[] = { "DMA", "DMA32", "NORMAL" };
	struct memalloc_stats_zone stats;
	unsigned int order;
	char heading[64];
	__u32 index;

	ASSERT_EQ(0, proc_read(self->text, 1 << 20, 4096));
	for (index = 0; !device_zone(self->fd, index, &stats); index++) {
		ASSERT_GT(ARRAY_SIZE(names), stats.zone);
		snprintf(heading, sizeof(heading), "\n[zone %d %s]\n", stats.node,
			 names[stats.zone]);
		SAME(heading, stats, pages);
		SAME(heading, stats, free);
		for (order = 0; order < MEMALLOC_NR_ORDERS; order++) {
			COMPARE(stats.free_blocks[order],
				proc_number(self->text, heading, "free_blocks", order),
				"free_blocks");
			COMPARE(stats.pcp_blocks[order],
				proc_number(self->text, heading, "pcp_blocks", order),
				"pcp_blocks");
			COMPARE(stats.allocs[order],
				proc_number(self->text, heading, "allocs", order),
				"allocs");
			COMPARE(stats.frees[order],
				proc_number(self->text, heading, "frees", order),
				"frees");
			COMPARE(stats.failures[order],
				proc_number(self->text, heading, "failures", order),
				"failures");
		}
	}
	EXPECT_LT(0, index);
}

TEST_F(proc, agrees_on_the_device)
{
	struct memalloc_stats_file stats;

	ASSERT_EQ(0, device_file(self->fd, &stats));
	ASSERT_EQ(0, proc_read(self->text, 1 << 20, 4096));
	COMPARE(1, proc_number(self->text, "\n[device]\n", "files", 0), "files");
	COMPARE(0, proc_number(self->text, "\n[device]\n", "mappings", 0), "mappings");
	SAME("\n[device]\n", stats, handles);
	SAME("\n[device]\n", stats, bytes);
}

TEST_F(proc, agrees_on_reports)
{
	struct memalloc_stats_reports stats;

	ASSERT_EQ(0, device_reports(self->fd, &stats));
	ASSERT_EQ(0, proc_read(self->text, 1 << 20, 4096));
	SAME("\n[reports]\n", stats, double_free);
	SAME("\n[reports]\n", stats, foreign_free);
	SAME("\n[reports]\n", stats, wrong_free);
	SAME("\n[reports]\n", stats, lost_reference);
	SAME("\n[reports]\n", stats, corruption);
	SAME("\n[reports]\n", stats, use_after_free);
	SAME("\n[reports]\n", stats, overflow);
}

TEST_F(proc, is_independent_of_the_read_size)
{
	char *again = malloc(1 << 20);

	ASSERT_NE(NULL, again);
	ASSERT_EQ(0, proc_read(self->text, 1 << 20, 1 << 16));
	ASSERT_EQ(0, proc_read(again, 1 << 20, 7));
	EXPECT_STREQ(self->text, again);
	free(again);
}

/* The file must not reveal kernel addresses. */
TEST_F(proc, shows_no_addresses)
{
	const char *at;
	size_t digits;

	ASSERT_EQ(0, proc_read(self->text, 1 << 20, 4096));
	for (at = self->text; *at; at += digits ? digits : 1) {
		digits = strspn(at, "0123456789abcdefABCDEF");
		EXPECT_FALSE(digits == 16 && strspn(at, "fF") >= 4) {
			TH_LOG("%.16s", at);
		}
	}
	EXPECT_EQ(NULL, strstr(self->text, "0xffff"));
}

TEST_HARNESS_MAIN
