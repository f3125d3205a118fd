/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Wrappers for the ioctls of /dev/memalloc
 *
 * Each wrapper takes a structure of <linux/memalloc.h> with the caller's fields
 * set, sets its size, and returns 0 or a negative errno. It does not complain:
 * the demonstration, for example, provokes failures.
 */
#ifndef DEVICE_H
#define DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/memalloc.h>

#define DEVICE_PATH MEMALLOC_DEVICE_PATH

/**
 * struct device - an open file of the device
 * @path: path of the device
 * @fd: file descriptor, or -1
 * @read_only: opened for reading only
 */
struct device {
	const char *path;
	int fd;
	bool read_only;
};

/**
 * device_open() - open the device
 * @device: result; @fd is -1 after an error
 * @path: its path
 *
 * If the caller may only read the device, it is opened for reading. Commands
 * that change anything then fail with EBADF.
 *
 * Return: 0 or a negative errno.
 */
int device_open(struct device *device, const char *path);
void device_close(struct device *device);

/* Query the module's release. Return: -ENOTTY if the module predates it. */
int device_version(const struct device *device,
		   struct memalloc_version *version);

int device_command(const struct device *device, unsigned long command,
		   void *argument);

int device_alloc(const struct device *device, struct memalloc_alloc *alloc);
int device_free(const struct device *device, uint64_t handle);
int device_cache_create(const struct device *device,
			struct memalloc_cache_create *create);
int device_mempool_create(const struct device *device,
			  struct memalloc_mempool_create *create);
int device_resize(const struct device *device, struct memalloc_resize *resize);
int device_info(const struct device *device, struct memalloc_info *info);
int device_fill(const struct device *device, struct memalloc_pattern_io *io);
int device_verify(const struct device *device, struct memalloc_pattern_io *io);
int device_validate(const struct device *device,
		    struct memalloc_validate *validate);
int device_shrink(const struct device *device, uint64_t pages,
		  uint64_t *returned);
int device_shrink_cache(const struct device *device, uint64_t handle,
			uint64_t *returned);
int device_inject(const struct device *device, uint64_t nth, uint64_t *left);
int device_batch(const struct device *device, struct memalloc_batch_op *ops,
		 size_t count, bool keep_going, size_t *done);

/**
 * device_read() - copy out of an allocation
 * @device: the device
 * @handle: the allocation
 * @offset: first byte in the allocation
 * @buffer: destination
 * @length: number of bytes; all of them are copied, or an error is returned
 *
 * Return: 0 or a negative errno; -EINTR if a signal interrupted the copy.
 */
int device_read(const struct device *device, uint64_t handle, uint64_t offset,
		void *buffer, size_t length);

/**
 * device_write() - copy into an allocation
 * @device: the device
 * @handle: the allocation
 * @offset: first byte in the allocation
 * @buffer: source
 * @length: number of bytes; all of them are copied, or an error is returned
 *
 * Return: 0 or a negative errno; -EINTR if a signal interrupted the copy.
 */
int device_write(const struct device *device, uint64_t handle, uint64_t offset,
		 const void *buffer, size_t length);

/**
 * device_stats() - read one entry of a section
 * @device: the device
 * @section: enum memalloc_section
 * @index: index of the entry
 * @entry: result
 * @length: size of @entry; fields unknown to the module are set to zero
 * @known: size of the part of @entry that the module knows; may be NULL
 *
 * Return: 0 or a negative errno; -ENOENT if @index is out of range.
 */
int device_stats(const struct device *device, uint32_t section, uint32_t index,
		 void *entry, size_t length, size_t *known);

/*
 * As device_stats() for the cache of a handle. Return: -EINVAL for other kinds.
 */
int device_stats_cache(const struct device *device, uint64_t handle,
		       struct memalloc_stats_cache *cache, size_t *known);

/* As device_stats_cache() for a mempool */
int device_stats_mempool(const struct device *device, uint64_t handle,
			 struct memalloc_stats_mempool *pool, size_t *known);

const char *device_zone_name(uint32_t zone);
const char *device_kind_name(uint32_t kind);
const char *device_backend_name(uint32_t backend);

#endif /* DEVICE_H */
