// SPDX-License-Identifier: GPL-2.0
/*
 * Wrappers for the ioctls of /dev/memalloc
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "device.h"

int device_open(struct device *device, const char *path)
{
	device->path = path;
	device->fd = open(path, O_RDWR | O_CLOEXEC);
	device->read_only = device->fd < 0 &&
			    (errno == EACCES || errno == EROFS);
	if (device->read_only)
		device->fd = open(path, O_RDONLY | O_CLOEXEC);
	return device->fd < 0 ? -errno : 0;
}

void device_close(struct device *device)
{
	if (device->fd >= 0)
		close(device->fd);
	device->fd = -1;
}

int device_command(const struct device *device, unsigned long command,
		   void *argument)
{
	return ioctl(device->fd, command, argument) ? -errno : 0;
}

int device_version(const struct device *device,
		   struct memalloc_version *version)
{
	memset(version, 0, sizeof(*version));
	version->size = sizeof(*version);
	return device_command(device, MEMALLOC_VERSION, version);
}

int device_alloc(const struct device *device, struct memalloc_alloc *alloc)
{
	alloc->size = sizeof(*alloc);
	return device_command(device, MEMALLOC_ALLOC, alloc);
}

int device_free(const struct device *device, uint64_t handle)
{
	struct memalloc_free arg = { .size = sizeof(arg), .handle = handle };

	return device_command(device, MEMALLOC_FREE, &arg);
}

int device_cache_create(const struct device *device,
			struct memalloc_cache_create *create)
{
	create->size = sizeof(*create);
	return device_command(device, MEMALLOC_CACHE_CREATE, create);
}

int device_mempool_create(const struct device *device,
			  struct memalloc_mempool_create *create)
{
	create->size = sizeof(*create);
	return device_command(device, MEMALLOC_MEMPOOL_CREATE, create);
}

int device_resize(const struct device *device, struct memalloc_resize *resize)
{
	resize->size = sizeof(*resize);
	return device_command(device, MEMALLOC_RESIZE, resize);
}

int device_info(const struct device *device, struct memalloc_info *info)
{
	info->size = sizeof(*info);
	return device_command(device, MEMALLOC_INFO, info);
}

int device_fill(const struct device *device, struct memalloc_pattern_io *io)
{
	io->size = sizeof(*io);
	return device_command(device, MEMALLOC_FILL, io);
}

int device_verify(const struct device *device, struct memalloc_pattern_io *io)
{
	io->size = sizeof(*io);
	return device_command(device, MEMALLOC_VERIFY, io);
}

int device_validate(const struct device *device,
		    struct memalloc_validate *validate)
{
	validate->size = sizeof(*validate);
	return device_command(device, MEMALLOC_VALIDATE, validate);
}

int device_shrink(const struct device *device, uint64_t pages,
		  uint64_t *returned)
{
	struct memalloc_shrink arg = { .size = sizeof(arg), .pages = pages };
	int err = device_command(device, MEMALLOC_SHRINK, &arg);

	*returned = err ? 0 : arg.out_pages;
	return err;
}

int device_shrink_cache(const struct device *device, uint64_t handle,
			uint64_t *returned)
{
	struct memalloc_shrink arg = { .size = sizeof(arg), .handle = handle };
	int err = device_command(device, MEMALLOC_SHRINK, &arg);

	*returned = err ? 0 : arg.out_pages;
	return err;
}

int device_inject(const struct device *device, uint64_t nth, uint64_t *left)
{
	struct memalloc_inject arg = { .size = sizeof(arg), .nth = nth };
	int err = device_command(device, MEMALLOC_INJECT, &arg);

	*left = err ? 0 : arg.out_left;
	return err;
}

int device_batch(const struct device *device, struct memalloc_batch_op *ops,
		 size_t count, bool keep_going, size_t *done)
{
	struct memalloc_batch arg = {
		.size = sizeof(arg),
		.flags = keep_going ? MEMALLOC_BATCH_KEEP_GOING : 0,
		.count = (__u32)count,
		.op_size = sizeof(*ops),
		.ops = (uintptr_t)ops,
	};
	int err = device_command(device, MEMALLOC_BATCH, &arg);

	*done = err ? 0 : arg.out_done;
	return err;
}

static int copy_all(const struct device *device, unsigned long command,
		    uint64_t handle, uint64_t offset, const void *buffer,
		    size_t length)
{
	struct memalloc_io arg = {
		.size = sizeof(arg),
		.handle = handle,
		.offset = offset,
		.length = length,
		.data = (uintptr_t)buffer,
	};
	int err = device_command(device, command, &arg);

	if (err)
		return err;
	return arg.out_done == length ? 0 : -EINTR;
}

int device_read(const struct device *device, uint64_t handle, uint64_t offset,
		void *buffer, size_t length)
{
	return copy_all(device, MEMALLOC_READ, handle, offset, buffer, length);
}

int device_write(const struct device *device, uint64_t handle, uint64_t offset,
		 const void *buffer, size_t length)
{
	return copy_all(device, MEMALLOC_WRITE, handle, offset, buffer, length);
}

static int read_stats(const struct device *device, struct memalloc_stats *arg,
		      void *entry, size_t length, size_t *known)
{
	int err;

	arg->size = sizeof(*arg);
	arg->length = (__u32)length;
	arg->data = (uintptr_t)entry;
	memset(entry, 0, length);
	err = device_command(device, MEMALLOC_STATS, arg);
	if (!err && known)
		*known = arg->out_length < length ? arg->out_length : length;
	return err;
}

int device_stats(const struct device *device, uint32_t section, uint32_t index,
		 void *entry, size_t length, size_t *known)
{
	struct memalloc_stats arg = { .section = section, .index = index };

	return read_stats(device, &arg, entry, length, known);
}

int device_stats_cache(const struct device *device, uint64_t handle,
		       struct memalloc_stats_cache *cache, size_t *known)
{
	struct memalloc_stats arg = {
		.section = MEMALLOC_SECTION_CACHE,
		.handle = handle,
	};

	return read_stats(device, &arg, cache, sizeof(*cache), known);
}

int device_stats_mempool(const struct device *device, uint64_t handle,
			 struct memalloc_stats_mempool *pool, size_t *known)
{
	struct memalloc_stats arg = {
		.section = MEMALLOC_SECTION_MEMPOOL,
		.handle = handle,
	};

	return read_stats(device, &arg, pool, sizeof(*pool), known);
}

const char *device_zone_name(uint32_t zone)
{
	static const char *const names[] = {
		[MEMALLOC_ZONE_DMA] = "DMA",
		[MEMALLOC_ZONE_DMA32] = "DMA32",
		[MEMALLOC_ZONE_NORMAL] = "Normal",
	};

	return zone < MEMALLOC_NR_ZONES ? names[zone] : "unknown";
}

const char *device_kind_name(uint32_t kind)
{
	static const char *const names[] = {
		[MEMALLOC_KIND_PAGES] = "pages",
		[MEMALLOC_KIND_CACHE] = "cache",
		[MEMALLOC_KIND_OBJECT] = "object",
		[MEMALLOC_KIND_KMALLOC] = "kmalloc",
		[MEMALLOC_KIND_MEMPOOL] = "mempool",
		[MEMALLOC_KIND_ELEMENT] = "element",
		[MEMALLOC_KIND_PERCPU] = "percpu",
		[MEMALLOC_KIND_AREA] = "area",
	};

	return kind && kind < sizeof(names) / sizeof(*names) ? names[kind] :
							       "unknown";
}

const char *device_backend_name(uint32_t backend)
{
	static const char *const names[] = {
		[MEMALLOC_MEMPOOL_OTHER] = "other",
		[MEMALLOC_MEMPOOL_PAGES] = "pages",
		[MEMALLOC_MEMPOOL_KMALLOC] = "kmalloc",
		[MEMALLOC_MEMPOOL_CACHE] = "cache",
	};

	return backend < sizeof(names) / sizeof(*names) ? names[backend] :
							  "unknown";
}
