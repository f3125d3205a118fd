// SPDX-License-Identifier: GPL-2.0
/*
 * memalloc-files: random operations on files, compared with a model in memory
 *
 *	memalloc-files DIRECTORY OPERATIONS
 *
 * One process for each of the sizes below changes a file of its own by writes,
 * truncation, writes to a mapping, holes and an extended attribute, and
 * compares every read with its model. The files stay, with the contents of the
 * models. Prints the seed, and the first difference. Status 1 on failure.
 *
 * The idea is that of fsx of xfstests.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "seed.h"

/* Less than a page, some pages, and more than a large folio. */
static const size_t sizes[] = { 3000, 100000, 3000000 };

/* ext4 keeps an attribute in one block, which may have 1 KiB. */
enum { LONGEST = 70000, VALUE = 800, TARGET = 900, FILES = sizeof(sizes) / sizeof(sizes[0]) };

struct file {
	char path[PATH_MAX];
	int fd;
	size_t size, limit;
	unsigned char *model;	/* zero behind @size */
	unsigned char *buffer;
	unsigned long op;
	__u64 seed;
	int no_holes, no_attributes, no_links;	/* of the file system */
	int has_value;
	size_t value_length;
	unsigned char value[VALUE];	/* of the attribute */
};

static void fail(const struct file *file, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	printf("# %s: operation %lu: ", file->path, file->op);
	vprintf(format, arguments);
	puts("");
	fflush(stdout);
	va_end(arguments);
	_exit(1);
}

static void fail_errno(const struct file *file, const char *call)
{
	fail(file, "%s: %s", call, strerror(errno));
}

static void compare(const struct file *file, const unsigned char *bytes, size_t at, size_t length,
		    const char *call)
{
	for (size_t i = 0; i < length; i++) {
		if (bytes[i] != file->model[at + i])
			fail(file, "%s of %zu bytes at %zu: 0x%02x and not 0x%02x at %zu", call,
			     length, at, bytes[i], file->model[at + i], at + i);
	}
}

/* A random range that begins below @limit and is not empty. */
static size_t range(struct file *file, size_t limit, size_t *at)
{
	size_t length = 1 + seed_below(&file->seed, LONGEST);

	*at = seed_below(&file->seed, limit);
	return length < limit - *at ? length : limit - *at;
}

static void fill(struct file *file, unsigned char *bytes, size_t length)
{
	__u64 word = seed_next(&file->seed);

	for (size_t i = 0; i < length; i++)
		bytes[i] = (word + i * 0x9e3779b97f4a7c15) >> 56;
}

static void do_write(struct file *file)
{
	size_t at, length = range(file, file->limit, &at);

	fill(file, file->model + at, length);
	if (pwrite(file->fd, file->model + at, length, at) != (ssize_t)length)
		fail_errno(file, "pwrite");
	if (file->size < at + length)
		file->size = at + length;
}

static void do_read(struct file *file)
{
	size_t at, length = range(file, file->limit, &at);
	size_t expected = at >= file->size ? 0 :
			  length < file->size - at ? length : file->size - at;
	ssize_t got = pread(file->fd, file->buffer, length, at);

	if (got < 0)
		fail_errno(file, "pread");
	if ((size_t)got != expected)
		fail(file, "pread of %zu bytes at %zu: %zd and not %zu", length, at, got, expected);
	compare(file, file->buffer, at, expected, "pread");
}

static void do_truncate(struct file *file)
{
	size_t size = seed_below(&file->seed, file->limit + 1);

	if (ftruncate(file->fd, size))
		fail_errno(file, "ftruncate");
	if (size < file->size)
		memset(file->model + size, 0, file->size - size);
	file->size = size;
}

static void do_map(struct file *file, int write)
{
	size_t page = sysconf(_SC_PAGESIZE), at, length, skip;
	unsigned char *map;

	if (!file->size)
		return;
	length = range(file, file->size, &at);
	skip = at % page;
	map = mmap(NULL, skip + length, write ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED,
		   file->fd, at - skip);
	if (map == MAP_FAILED)
		fail_errno(file, "mmap");
	if (write) {
		fill(file, file->model + at, length);
		memcpy(map + skip, file->model + at, length);
	} else {
		compare(file, map + skip, at, length, "mapping");
	}
	if (seed_below(&file->seed, 4) == 0 && msync(map, skip + length, MS_SYNC))
		fail_errno(file, "msync");
	if (munmap(map, skip + length))
		fail_errno(file, "munmap");
}

static void do_hole(struct file *file)
{
	size_t at, length = range(file, file->limit, &at);

	if (file->no_holes)
		return;
	if (fallocate(file->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, at, length)) {
		if (errno != EOPNOTSUPP)
			fail_errno(file, "fallocate");
		file->no_holes = 1;
		return;
	}
	memset(file->model + at, 0, length);
}

/* Make the host read from the file system again. */
static void do_forget(struct file *file)
{
	if (fsync(file->fd))
		fail_errno(file, "fsync");
	if (posix_fadvise(file->fd, 0, 0, POSIX_FADV_DONTNEED))
		fail(file, "posix_fadvise");
	if (close(file->fd))
		fail_errno(file, "close");
	file->fd = open(file->path, O_RDWR);
	if (file->fd < 0)
		fail_errno(file, "open");
}

/* A file system must keep the contents when it moves a file over another. */
static void do_rename(struct file *file)
{
	char other[PATH_MAX + 2];
	int fd;

	snprintf(other, sizeof(other), "%s.n", file->path);
	fd = open(other, O_CREAT | O_WRONLY, 0600);
	if (fd < 0 || write(fd, "other", 5) != 5 || close(fd))
		fail_errno(file, "write");
	if (rename(file->path, other) || rename(other, file->path))
		fail_errno(file, "rename");
}

static int refuse(const struct file *file, const char *call)
{
	if (errno != EOPNOTSUPP && errno != EPERM)
		fail_errno(file, call);
	return 1;
}

static void do_attribute(struct file *file)
{
	unsigned char value[VALUE];
	ssize_t length;

	if (file->has_value) {
		length = fgetxattr(file->fd, "user.model", value, sizeof(value));
		if (length != (ssize_t)file->value_length)
			fail(file, "fgetxattr: %zd bytes and not %zu", length, file->value_length);
		if (memcmp(value, file->value, length))
			fail(file, "fgetxattr: a value of %zd bytes differs", length);
	}
	if (file->no_attributes)
		return;
	file->value_length = seed_below(&file->seed, VALUE);
	fill(file, file->value, file->value_length);
	if (fsetxattr(file->fd, "user.model", file->value, file->value_length, 0))
		file->no_attributes = refuse(file, "fsetxattr");
	file->has_value = !file->no_attributes;
}

/* Short ones are in the inode, long ones in a block. */
static void do_link(struct file *file)
{
	char name[PATH_MAX + 2], target[TARGET + 1] = "", read[TARGET + 1];
	size_t length = 1 + seed_below(&file->seed, TARGET);
	ssize_t got;

	if (file->no_links)
		return;
	memset(target, 'a' + length % 26, length);
	snprintf(name, sizeof(name), "%s.l", file->path);
	if (symlink(target, name)) {
		file->no_links = refuse(file, "symlink");
		return;
	}
	got = readlink(name, read, sizeof(read));
	if (got != (ssize_t)length || memcmp(target, read, length))
		fail(file, "readlink: %zd bytes that are not the %zu of the target", got, length);
	if (open(name, O_RDONLY) >= 0 || unlink(name))
		fail_errno(file, "unlink");
}

static void check_all(struct file *file)
{
	struct stat stat;

	if (fstat(file->fd, &stat))
		fail_errno(file, "fstat");
	if ((size_t)stat.st_size != file->size)
		fail(file, "it has %zu bytes and not %zu", (size_t)stat.st_size, file->size);
	if (pread(file->fd, file->buffer, file->limit, 0) != (ssize_t)file->size)
		fail_errno(file, "pread");
	compare(file, file->buffer, 0, file->size, "pread");
}

static void step(struct file *file)
{
	switch (seed_below(&file->seed, 20)) {
	case 0:
		do_truncate(file);
		break;
	case 1:
		do_hole(file);
		break;
	case 2:
		do_forget(file);
		break;
	case 3:
		do_rename(file);
		break;
	case 4:
		do_attribute(file);
		break;
	case 5:
		do_link(file);
		break;
	case 6 ... 7:
		do_map(file, 1);
		break;
	case 8 ... 9:
		do_map(file, 0);
		break;
	case 10 ... 14:
		do_write(file);
		break;
	default:
		do_read(file);
	}
}

static void run(const char *directory, size_t limit, unsigned long ops, __u64 seed)
{
	struct file file = { .limit = limit, .seed = seed };

	snprintf(file.path, sizeof(file.path), "%s/model-%zu", directory, limit);
	file.model = calloc(2, limit);
	if (!file.model)
		fail_errno(&file, "calloc");
	file.buffer = file.model + limit;
	file.fd = open(file.path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	if (file.fd < 0)
		fail_errno(&file, "open");
	for (file.op = 1; file.op <= ops; file.op++)
		step(&file);
	check_all(&file);
	do_forget(&file);
	check_all(&file);
	_exit(0);
}

int main(int argc, char **argv)
{
	__u64 seed = seed_choose();
	int status, failed = 0;

	if (argc != 3) {
		fprintf(stderr, "usage: memalloc-files DIRECTORY OPERATIONS\n");
		return 2;
	}
	printf("# seed: MEMALLOC_SEED=%llu\n", (unsigned long long)seed);
	fflush(stdout);
	for (int i = 0; i < FILES; i++) {
		pid_t pid = fork();

		if (pid == 0)
			run(argv[1], sizes[i], strtoul(argv[2], NULL, 0), seed + i);
		failed |= pid < 0;
	}
	while (wait(&status) > 0)
		failed |= status;
	return failed != 0;
}
