// SPDX-License-Identifier: GPL-2.0
/*
 * The open file, and the commands that concern the module as a whole
 *
 * The library keeps no state: an open file is its descriptor, and a handle the
 * number that the module chose. So there is nothing to lock, and nothing that
 * could disagree with the module after a fork or in a signal handler.
 *
 * memalloc_command() is the only function of the library that calls ioctl(2),
 * and memalloc_map_at() the only one that calls mmap(2).
 *
 * A structure that a function builds has the size that this file was compiled
 * with. A structure that the caller passes has the caller's size: no function
 * reads or writes beyond it.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <memalloc.h>

int memalloc_open(const char *path, int flags)
{
	const int saved = errno;
	int fd;

	if (flags & ~O_ACCMODE)
		return -EINVAL;
	fd = open(path ? path : MEMALLOC_DEVICE_PATH, flags | O_CLOEXEC);
	if (fd < 0)
		fd = -errno;
	errno = saved;
	return fd;
}

int memalloc_close(int fd)
{
	const int saved = errno;
	int err = close(fd) ? -errno : 0;

	errno = saved;
	return err;
}

int memalloc_command(int fd, unsigned int command, void *argument)
{
	const int saved = errno;
	int err = ioctl(fd, command, argument) < 0 ? -errno : 0;

	errno = saved;
	return err;
}

int memalloc_version(int fd, struct memalloc_version *version)
{
	return memalloc_command(fd, MEMALLOC_VERSION, version);
}

/*
 * If struct memalloc_batch_op grows, this function needs a second version for
 * programs that were compiled with the larger one.
 */
int memalloc_batch(int fd, struct memalloc_batch_op *ops, size_t count,
		   uint32_t flags, size_t *done)
{
	struct memalloc_batch batch = {
		.size = sizeof(batch),
		.flags = flags,
		.count = (uint32_t)count,
		.op_size = sizeof(*ops),
		.ops = (uintptr_t)ops,
	};
	int err;

	if (count > MEMALLOC_BATCH_MAX)
		return -EINVAL;
	err = memalloc_command(fd, MEMALLOC_BATCH, &batch);
	if (!err)
		*done = batch.out_done;
	return err;
}

static int read_stats(int fd, struct memalloc_stats *stats, void *entry,
		      size_t length, size_t *known)
{
	int err;

	if (length > UINT32_MAX)
		return -EINVAL;
	stats->size = sizeof(*stats);
	stats->length = (uint32_t)length;
	stats->data = (uintptr_t)entry;
	err = memalloc_command(fd, MEMALLOC_STATS, stats);
	if (!err && known)
		*known = stats->out_length < length ? stats->out_length : length;
	return err;
}

int memalloc_stats(int fd, uint32_t section, uint32_t index, void *entry,
		   size_t length, size_t *known)
{
	struct memalloc_stats stats = { .section = section, .index = index };

	return read_stats(fd, &stats, entry, length, known);
}

int memalloc_stats_of(int fd, uint32_t section, uint64_t handle, void *entry,
		      size_t length, size_t *known)
{
	struct memalloc_stats stats = { .section = section, .handle = handle };

	/* Zero would select the first entry of the section. */
	if (!handle)
		return -ENOENT;
	return read_stats(fd, &stats, entry, length, known);
}

int memalloc_stats_count(int fd, uint32_t section, uint32_t *count)
{
	struct memalloc_stats stats = {
		.size = sizeof(stats), .section = section,
	};
	int err = memalloc_command(fd, MEMALLOC_STATS, &stats);

	if (!err)
		*count = stats.out_count;
	return err;
}

int memalloc_validate(int fd, uint64_t *checked, uint64_t *errors)
{
	struct memalloc_validate validate = { .size = sizeof(validate) };
	int err = memalloc_command(fd, MEMALLOC_VALIDATE, &validate);

	if (err)
		return err;
	if (checked)
		*checked = validate.out_checked;
	if (errors)
		*errors = validate.out_errors;
	return validate.out_errors ? -EUCLEAN : 0;
}

static int shrink(int fd, struct memalloc_shrink *request, uint64_t *returned)
{
	int err;

	request->size = sizeof(*request);
	err = memalloc_command(fd, MEMALLOC_SHRINK, request);
	if (!err && returned)
		*returned = request->out_pages;
	return err;
}

int memalloc_shrink(int fd, uint64_t pages, uint64_t *returned)
{
	struct memalloc_shrink request = { .pages = pages };

	return shrink(fd, &request, returned);
}

int memalloc_shrink_cache(int fd, uint64_t cache, uint64_t *returned)
{
	struct memalloc_shrink request = { .handle = cache };

	/* Zero would shrink the whole allocator. */
	if (!cache)
		return -ENOENT;
	return shrink(fd, &request, returned);
}

int memalloc_inject(int fd, uint64_t nth, uint64_t *left)
{
	struct memalloc_inject inject = { .size = sizeof(inject), .nth = nth };
	int err = memalloc_command(fd, MEMALLOC_INJECT, &inject);

	if (!err && left)
		*left = inject.out_left;
	return err;
}
