// SPDX-License-Identifier: GPL-2.0
/*
 * The contents of an allocation: query, copy, fill, compare and map them
 */
#include <errno.h>
#include <sys/mman.h>

#include <memalloc.h>

int memalloc_info(int fd, struct memalloc_info *info)
{
	return memalloc_command(fd, MEMALLOC_INFO, info);
}

/* A copy that is short was interrupted by a signal. */
static int copy_all(int fd, unsigned int command, uint64_t handle,
		    uint64_t offset, const void *buffer, size_t length)
{
	struct memalloc_io io = {
		.size = sizeof(io),
		.handle = handle,
		.offset = offset,
		.length = length,
		.data = (uintptr_t)buffer,
	};
	int err = memalloc_command(fd, command, &io);

	if (err)
		return err;
	return io.out_done == length ? 0 : -EINTR;
}

int memalloc_read(int fd, uint64_t handle, uint64_t offset, void *buffer,
		  size_t length)
{
	return copy_all(fd, MEMALLOC_READ, handle, offset, buffer, length);
}

int memalloc_write(int fd, uint64_t handle, uint64_t offset,
		   const void *buffer, size_t length)
{
	return copy_all(fd, MEMALLOC_WRITE, handle, offset, buffer, length);
}

int memalloc_fill(int fd, uint64_t handle, uint64_t offset, uint64_t length,
		  uint32_t pattern, uint64_t value)
{
	struct memalloc_pattern_io io = {
		.size = sizeof(io),
		.handle = handle,
		.offset = offset,
		.length = length,
		.value = value,
		.pattern = pattern,
	};

	return memalloc_command(fd, MEMALLOC_FILL, &io);
}

int memalloc_verify(int fd, uint64_t handle, uint64_t offset, uint64_t length,
		    uint32_t pattern, uint64_t value, uint64_t *same)
{
	struct memalloc_pattern_io io = {
		.size = sizeof(io),
		.handle = handle,
		.offset = offset,
		.length = length,
		.value = value,
		.pattern = pattern,
	};
	int err = memalloc_command(fd, MEMALLOC_VERIFY, &io);

	if (err)
		return err;
	if (same)
		*same = io.out_done;
	return io.out_done == length ? 0 : -EILSEQ;
}

int memalloc_map_at(int fd, uint64_t offset, size_t length, int prot,
		    void **address)
{
	const int saved = errno;
	void *memory = mmap(NULL, length, prot, MAP_SHARED, fd, (off_t)offset);
	int err = memory == MAP_FAILED ? -errno : 0;

	errno = saved;
	if (!err)
		*address = memory;
	return err;
}

/*
 * The offsets of all allocations of a file are in one space. An offset beyond
 * the end may belong to another allocation, so the range is checked here. An
 * offset is reused when its allocation is freed: the result is that of this
 * handle if the handle is still valid afterwards.
 */
int memalloc_map(int fd, uint64_t handle, uint64_t offset, size_t length,
		 int prot, void **address)
{
	struct memalloc_info info = { .size = sizeof(info), .handle = handle };
	int gone, err = memalloc_info(fd, &info);
	void *memory;

	if (err)
		return err;
	if (!info.out_map_offset)
		return -ENODEV;
	if (offset > info.out_bytes || length > info.out_bytes - offset)
		return -EOVERFLOW;
	err = memalloc_map_at(fd, info.out_map_offset + offset, length, prot,
			      &memory);
	gone = memalloc_info(fd, &info);
	if (gone && !err)
		memalloc_unmap(memory, length);
	if (!gone && !err)
		*address = memory;
	return gone ? gone : err;
}

int memalloc_unmap(void *address, size_t length)
{
	const int saved = errno;
	int err = munmap(address, length) ? -errno : 0;

	errno = saved;
	return err;
}
