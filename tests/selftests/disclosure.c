// SPDX-License-Identifier: GPL-2.0
/*
 * Addresses: no kernel address is readable by user space
 *
 * For 64-bit kernels with addresses in the upper half, where they differ from
 * numbers. User-mode Linux kernels are in the lower half.
 */
#include <ctype.h>
#include <dirent.h>
#include <stddef.h>
#include <sys/syscall.h>

#include "harness.h"
#include "memalloc_device.h"
#include "module_parameter.h"

/*
 * Smallest address of the upper half, with five levels of page tables.
 * Exceptions are the values for "no limit" and -1.
 */
#define UPPER_HALF	0xff00000000000000ULL
#define NO_LIMIT	0xffffffffffff0000ULL

/* A driver that frees memory of the host on request. */
#define CLIENT		"/usr/lib/memalloc/memalloc_client.ko"

#define TRACING		"/sys/kernel/tracing/"
#define TRACEPOINTS	TRACING "events/memalloc/enable"

static bool is_address(__u64 word)
{
	return word >= UPPER_HALF && word < NO_LIMIT;
}

/*
 * Check eight bytes at every @step bytes: one, or eight for structures, where a
 * part of a field and of the next one may look like an address.
 */
static bool bytes_have_address(const void *bytes, size_t length, size_t step)
{
	__u64 word;
	size_t i;

	for (i = 0; i + sizeof(word) <= length; i += step) {
		memcpy(&word, (const char *)bytes + i, sizeof(word));
		if (is_address(word))
			return true;
	}
	return false;
}

/* Check numbers in base ten or sixteen. */
static bool text_has_address(const char *text)
{
	char *end;

	for (; *text; text++) {
		if (!isxdigit(*text))
			continue;
		if (is_address(strtoull(text, &end, 16)) && end - text == 16)
			return true;
		if (is_address(strtoull(text, &end, 10)))
			return true;
		while (isxdigit(text[1]))
			text++;
	}
	return false;
}

/* Read a whole file; an unreadable file counts as empty. */
static const char *file_text(const char *path)
{
	static char text[1 << 20];
	size_t length = 0;
	ssize_t got;
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	while (fd >= 0 && (got = read(fd, text + length, sizeof(text) - 1 - length)) > 0)
		length += got;
	if (fd >= 0)
		close(fd);
	text[length] = '\0';
	return text;
}

static bool file_has_address(const char *path)
{
	return text_has_address(file_text(path));
}

static bool directory_has_address(const char *path)
{
	DIR *directory = opendir(path);
	bool found = false;
	struct dirent *entry;
	char name[512];

	while (directory && (entry = readdir(directory))) {
		snprintf(name, sizeof(name), "%s/%s", path, entry->d_name);
		found |= file_has_address(name);
	}
	if (directory)
		closedir(directory);
	return found;
}

/* One handle of each kind; children come after their parents. */
enum {
	PAGES, CACHE, OBJECT, TRACKED_CACHE, TRACKED_OBJECT, KMALLOC, POOL, ELEMENT,
	BYTES_POOL, PERCPU, AREA, EACH,
};

/* The allocation site of each of its objects is recorded, and shown. */
static int make_tracked_cache(int fd, __u64 *handle)
{
	struct memalloc_cache_create create = device_cache_of("tracked", 48);
	int err;

	create.flags = MEMALLOC_CACHE_STORE_USER;
	err = device_ioctl(fd, MEMALLOC_CACHE_CREATE, &create);
	*handle = create.out_handle;
	return err;
}

static int make_each(int fd, __u64 handles[EACH])
{
	struct memalloc_alloc percpu, area;
	int err;

	err = device_alloc(fd, 2, &handles[PAGES]) ?:
	      device_cache_create(fd, "each", 64, &handles[CACHE]) ?:
	      device_alloc_objects(fd, handles[CACHE], 10, &handles[OBJECT]) ?:
	      make_tracked_cache(fd, &handles[TRACKED_CACHE]) ?:
	      device_alloc_objects(fd, handles[TRACKED_CACHE], 7, &handles[TRACKED_OBJECT]) ?:
	      device_kmalloc(fd, 300, &handles[KMALLOC]) ?:
	      device_mempool_create(fd, MEMALLOC_MEMPOOL_CACHE, handles[CACHE], 3,
				    &handles[POOL]) ?:
	      device_alloc_element(fd, handles[POOL], 0, 0, &handles[ELEMENT]) ?:
	      device_mempool_create(fd, MEMALLOC_MEMPOOL_KMALLOC, 200, 2,
				    &handles[BYTES_POOL]) ?:
	      device_alloc_percpu(fd, 700, 0, &percpu) ?:
	      device_alloc_area(fd, 30000, 0, &area);
	handles[PERCPU] = percpu.out_handle;
	handles[AREA] = area.out_handle;
	return err;
}

static int free_each(int fd, const __u64 handles[EACH])
{
	int i, err = 0;

	for (i = EACH; i-- > 0; )
		err = err ?: device_free(fd, handles[i]);
	return err;
}

FIXTURE(answer) {
	int fd;
	struct memalloc_alloc alloc;
	__u64 handles[EACH];	/* so that all sections have entries */
};

FIXTURE_SETUP(answer)
{
	if (!file_has_address("/proc/kallsyms")) {
		SKIP(return, "addresses of this kernel look like numbers");
	}
	self->fd = device_open();
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, device_alloc_pages(self->fd, 3, MEMALLOC_GFP_USER, &self->alloc));
	ASSERT_EQ(0, make_each(self->fd, self->handles));
}

FIXTURE_TEARDOWN(answer)
{
	close(self->fd);
}

/* Without this, the other tests would prove nothing. */
TEST_F(answer, an_address_would_be_found)
{
	char bytes[24] = {};

	memcpy(bytes + 5, &(__u64) { 0xffff888012345678 }, sizeof(__u64));
	EXPECT_TRUE(bytes_have_address(bytes, sizeof(bytes), 1));
	EXPECT_TRUE(text_has_address("list ffff888012345678 x"));
	EXPECT_TRUE(text_has_address("at 0xffffffffc0123456"));
	EXPECT_TRUE(text_has_address("ptr=ff269eb8c38003c0 bytes_req=300"));
	EXPECT_TRUE(text_has_address("at 18446612682377942648"));
	EXPECT_FALSE(text_has_address("limit 18446744073709551615, 4096"));
}

TEST_F(answer, of_an_allocation_has_none)
{
	struct memalloc_info info;
	unsigned int i;

	/* Except for the handle, which has a random upper half. */
	EXPECT_FALSE(bytes_have_address(&self->alloc.out_bytes,
					sizeof(self->alloc) -
					offsetof(struct memalloc_alloc, out_bytes), 8));
	for (i = 0; i < EACH; i++) {
		ASSERT_EQ(0, device_info(self->fd, self->handles[i], 0, 0, &info));
		info.handle = info.out_parent = 0;
		EXPECT_FALSE(bytes_have_address(&info, sizeof(info), 8)) {
			TH_LOG("kind %u", info.out_kind);
		}
		EXPECT_EQ(0, info.out_phys);
	}
}

TEST_F(answer, of_the_other_commands_has_none)
{
	struct memalloc_resize resize = {
		.size = sizeof(resize), .handle = self->handles[KMALLOC], .bytes = 9000,
	};
	struct memalloc_resize resize_pool = {
		.size = sizeof(resize_pool), .handle = self->handles[BYTES_POOL], .min_nr = 7,
	};
	struct memalloc_shrink shrink = { .size = sizeof(shrink) };
	struct memalloc_validate validate = { .size = sizeof(validate) };
	struct memalloc_inject inject = { .size = sizeof(inject) };

	ASSERT_EQ(0, device_ioctl(self->fd, MEMALLOC_RESIZE, &resize));
	ASSERT_EQ(0, device_ioctl(self->fd, MEMALLOC_RESIZE, &resize_pool));
	ASSERT_EQ(0, device_ioctl(self->fd, MEMALLOC_SHRINK, &shrink));
	ASSERT_EQ(0, device_ioctl(self->fd, MEMALLOC_VALIDATE, &validate));
	ASSERT_EQ(0, device_ioctl(self->fd, MEMALLOC_INJECT, &inject));
	resize.handle = resize_pool.handle = 0;
	EXPECT_FALSE(bytes_have_address(&resize, sizeof(resize), 8));
	EXPECT_FALSE(bytes_have_address(&resize_pool, sizeof(resize_pool), 8));
	EXPECT_FALSE(bytes_have_address(&shrink, sizeof(shrink), 8));
	EXPECT_FALSE(bytes_have_address(&validate, sizeof(validate), 8));
	EXPECT_FALSE(bytes_have_address(&inject, sizeof(inject), 8));
}

static bool memory_has_address(int fd, __u64 handle)
{
	static char bytes[1 << 16];
	struct memalloc_info info;

	return device_info(fd, handle, 0, 0, &info) || info.out_bytes > sizeof(bytes) ||
	       device_read(fd, handle, 0, bytes, info.out_bytes) ||
	       bytes_have_address(bytes, info.out_bytes, 1);
}

TEST_F(answer, of_memory_that_is_new_has_none)
{
	static const __u64 sizes[] = { 8, 100, 4096, 8192, 50000 };
	unsigned int i, again;
	__u64 handle;

	EXPECT_FALSE(memory_has_address(self->fd, self->alloc.out_handle));
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		for (again = 0; again < 20; again++) {
			ASSERT_EQ(0, device_kmalloc(self->fd, sizes[i], &handle));
			EXPECT_FALSE(memory_has_address(self->fd, handle));
			ASSERT_EQ(0, device_free(self->fd, handle));
		}
	}
}

/* Including reused ones. */
TEST_F(answer, of_each_kind_when_it_is_new_has_none)
{
	unsigned int i, again;
	__u64 handles[EACH];

	for (again = 0; again < 20; again++) {
		ASSERT_EQ(0, make_each(self->fd, handles));
		for (i = 0; i < EACH; i++) {
			if (i == CACHE || i == TRACKED_CACHE || i == POOL || i == BYTES_POOL)
				continue;
			EXPECT_FALSE(memory_has_address(self->fd, handles[i])) {
				TH_LOG("the %uth, round %u", i, again);
			}
		}
		ASSERT_EQ(0, free_each(self->fd, handles));
	}
}

/* In caches that do not zero objects, free objects are linked. */
TEST_F(answer, of_objects_that_were_free_has_none)
{
	static const struct {
		__u32 flags, ctor;
	} kinds[] = {
		{ 0, MEMALLOC_CTOR_NONE },
		{ 0, MEMALLOC_CTOR_ZERO },
		{ MEMALLOC_CACHE_TYPESAFE_BY_RCU, MEMALLOC_CTOR_COUNT },
		{ MEMALLOC_CACHE_RED_ZONE | MEMALLOC_CACHE_STORE_USER, MEMALLOC_CTOR_ZERO },
		{ MEMALLOC_CACHE_POISON, MEMALLOC_CTOR_NONE },
		{ MEMALLOC_CACHE_QUARANTINE, MEMALLOC_CTOR_NONE },
		{ MEMALLOC_CACHE_QUARANTINE, MEMALLOC_CTOR_ZERO },
		{ MEMALLOC_CACHE_GUARD, MEMALLOC_CTOR_NONE },
	};
	struct memalloc_cache_create create;
	unsigned int i, again;
	__u64 handle;

	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		create = device_cache_of("secret", 96);
		create.flags = kinds[i].flags;
		create.ctor = kinds[i].ctor;
		ASSERT_EQ(0, device_ioctl(self->fd, MEMALLOC_CACHE_CREATE, &create));
		for (again = 0; again < 10; again++) {
			ASSERT_EQ(0, device_alloc_objects(self->fd, create.out_handle, 200,
							  &handle));
			EXPECT_FALSE(memory_has_address(self->fd, handle)) {
				TH_LOG("flags %#x, constructor %u, round %u", kinds[i].flags,
				       kinds[i].ctor, again);
			}
			ASSERT_EQ(0, device_free(self->fd, handle));
		}
	}
}

/* Every section, every entry. */
TEST_F(answer, of_the_statistics_has_none)
{
	unsigned int section, index, seen = 0;
	static char bytes[4096];

	for (section = 0; section < 32; section++) {
		for (index = 0; !device_stats(self->fd, section, index, bytes, sizeof(bytes)); index++) {
			EXPECT_FALSE(bytes_have_address(bytes, sizeof(bytes), 8)) {
				TH_LOG("section %u, entry %u", section, index);
			}
			seen++;
		}
	}
	EXPECT_LE(4, seen);
}

/* Count lines below a heading that have a text in them. */
static unsigned int section_lines(const char *text, const char *heading, const char *with)
{
	const char *line = strstr(text, heading), *end, *at;
	unsigned int count = 0;

	if (line)
		line++;
	while (line && (line = strchr(line, '\n')) && *++line && *line != '\n') {
		end = strchrnul(line, '\n');
		at = strstr(line, with);
		count += *line != '#' && at && at < end;
	}
	return count;
}

/* Each section has matching lines: none passes because it is empty. */
TEST_F(answer, of_our_files_has_none)
{
	static const struct {
		const char *heading, *with;
		unsigned int lines;
	} sections[] = {
		{ "\n[borrowing]\n", "borrowed ", 1 }, { "\n[zone ", "free_blocks ", 1 },
		{ "\n[slabs]\n", "u:", 2 }, { "\n[kmalloc]\n", "kmalloc-", 1 },
		{ "\n[leaks]\n", "u:tracked ", 1 }, { "\n[mempools]\n", "", 2 },
		{ "\n[percpu]\n", "used ", 1 }, { "\n[areas]\n", " pages=", 1 },
		{ "\n[device]\n", "handles ", 1 }, { "\n[reports]\n", "double_free ", 1 },
		{ "\n[host_frees]\n", "total ", 1 },
	};
	const char *text = file_text("/proc/memalloc"), *at;
	unsigned int i, headings = 0, zones = 0;

	for (i = 0; i < ARRAY_SIZE(sections); i++) {
		EXPECT_LE(sections[i].lines, section_lines(text, sections[i].heading,
							   sections[i].with)) {
			TH_LOG("no line of %s", sections[i].heading);
		}
	}
	for (at = text; (at = strstr(at, "\n[")); at++) {
		zones += !strncmp(at, "\n[zone ", 7);
		headings++;
	}
	EXPECT_EQ(ARRAY_SIZE(sections), headings - zones + 1) {
		TH_LOG("there is a section that is not tested");
	}
	EXPECT_FALSE(text_has_address(text));
	EXPECT_FALSE(directory_has_address("/sys/module/memalloc/parameters"));
}

/*
 * --- kernel output elsewhere
 * ----------------------------------------------------
 */

/* Allocate each kind, and finally more than possible. */
static int use_all(int fd)
{
	__u64 handles[EACH], handle;
	struct memalloc_alloc alloc;
	int err;

	err = make_each(fd, handles) ?: free_each(fd, handles) ?:
	      device_kmalloc(fd, 100000, &handle) ?: device_free(fd, handle);
	while (!err)
		err = device_alloc(fd, MEMALLOC_MAX_ORDER, &handle);
	if (err == -ENOMEM)
		err = device_kmalloc(fd, 4 << 20, &handle);
	if (err == -ENOMEM)
		err = device_alloc_area(fd, 8 << 20, 0, &alloc);
	while (err == -ENOMEM && !device_alloc_percpu(fd, 32768, 0, &alloc))
		;
	return err == -ENOMEM ? 0 : err;
}

FIXTURE(written) {
	int fd;
};

FIXTURE_SETUP(written)
{
	if (!file_has_address("/proc/kallsyms")) {
		SKIP(return, "addresses of this kernel look like numbers");
	}
	self->fd = device_open();
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN_PARENT(written)
{
	line_write(TRACEPOINTS, "0");
}

/*
 * Load the driver, which frees memory of the host and is reported, and check
 * our file while the driver has its own pool and area. Return: 0, or 1 if there
 * was an address in it, or a negative error.
 */
static int misuse(void)
{
	int fd = open(CLIENT, O_RDONLY | O_CLOEXEC), err;

	if (fd < 0)
		return -errno;
	err = syscall(SYS_finit_module, fd, "rounds=1 foreign=1", 0) ? -errno : 0;
	close(fd);
	if (err)
		return err;
	err = file_has_address("/proc/memalloc");
	return syscall(SYS_delete_module, "memalloc_client", O_NONBLOCK) ? -errno : err;
}

/* All lines since boot, including those of earlier tests. */
TEST_F(written, in_the_log_has_none)
{
	static const char *const lines[] = {
		"memalloc: no pages of order ", "memalloc: no area of ",
		"memalloc: no per-CPU area of ", "memalloc: report: foreign_free by client_",
	};
	int log = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	bool seen[ARRAY_SIZE(lines)] = {};
	unsigned int i;
	char line[4096];
	ssize_t got;

	ASSERT_LE(0, log);
	ASSERT_EQ(0, misuse());
	ASSERT_EQ(0, use_all(self->fd));
	for (;;) {
		got = read(log, line, sizeof(line) - 1);
		if (got < 0 && errno == EPIPE)
			continue; /* some records were overwritten */
		if (got <= 0)
			break;
		line[got] = '\0';
		if (!strstr(line, "memalloc: "))
			continue;
		for (i = 0; i < ARRAY_SIZE(lines); i++)
			seen[i] |= !!strstr(line, lines[i]);
		EXPECT_FALSE(text_has_address(line)) {
			TH_LOG("%s", line);
		}
	}
	for (i = 0; i < ARRAY_SIZE(lines); i++) {
		EXPECT_TRUE(seen[i]) TH_LOG("%s: missing", lines[i]);
	}
	close(log);
}

TEST_F(written, by_tracepoints_has_none)
{
	static const char *const names[] = {
		"mal_kmem_cache_alloc", "mal_kmem_cache_free", "mal_kmalloc", "mal_kfree",
		"mal_mm_page_alloc", "mal_mm_page_free",
	};
	static char text[1 << 20];
	unsigned int i;
	FILE *trace;

	if (line_write(TRACEPOINTS, "1"))
		SKIP(return, "the kernel has no tracing");
	line_write(TRACING "trace", "");
	ASSERT_EQ(0, use_all(self->fd));
	ASSERT_EQ(0, line_write(TRACEPOINTS, "0"));
	trace = fopen(TRACING "trace", "re");
	ASSERT_NE(NULL, trace);
	text[fread(text, 1, sizeof(text) - 1, trace)] = '\0';
	fclose(trace);
	for (i = 0; i < ARRAY_SIZE(names); i++) {
		EXPECT_NE(NULL, strstr(text, names[i])) {
			TH_LOG("%s is missing", names[i]);
		}
	}
	EXPECT_FALSE(text_has_address(text));
}

TEST_HARNESS_MAIN
