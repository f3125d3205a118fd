/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The commands of /dev/memalloc
 *
 * Each takes the structure of <linux/memalloc.h> with the caller's fields set,
 * sets its size, and returns 0 or a negative errno. No complaint is made here:
 * the demonstration, for one, asks for failures and is pleased to see them.
 */
#ifndef DEVICE_H
#define DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/memalloc.h>

#define DEVICE_PATH "/dev/memalloc"

/**
 * struct device - an open file of the device
 * @path: what was opened
 * @fd: its descriptor, or -1
 * @read_only: we may only look
 */
struct device {
	const char *path;
	int fd;
	bool read_only;
};

/**
 * device_open() - open the device
 * @device: where the result goes; its @fd is -1 after an error
 * @path: its path
 *
 * Those who may only read it may still look: commands that change anything
 * then fail with EBADF.
 *
 * Return: 0 or a negative errno.
 */
int device_open(struct device *device, const char *path);
void device_close(struct device *device);

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
 * @offset: first byte in it
 * @buffer: where to
 * @length: how many bytes; all of them are copied, or it is an error
 *
 * Return: 0 or a negative errno; -EINTR if a signal came first.
 */
int device_read(const struct device *device, uint64_t handle, uint64_t offset,
		void *buffer, size_t length);

/**
 * device_write() - copy into an allocation
 * @device: the device
 * @handle: the allocation
 * @offset: first byte in it
 * @buffer: where from
 * @length: how many bytes; all of them are copied, or it is an error
 *
 * Return: 0 or a negative errno; -EINTR if a signal came first.
 */
int device_write(const struct device *device, uint64_t handle, uint64_t offset,
		 const void *buffer, size_t length);

/**
 * device_stats() - one entry of a section
 * @device: the device
 * @section: enum memalloc_section
 * @index: which of its entries
 * @entry: where its structure goes
 * @length: size of @entry; what the kernel does not know is set to zero
 * @known: how much of @entry the kernel knows; may be NULL
 *
 * Return: 0 or a negative errno; -ENOENT if there is no such entry.
 */
int device_stats(const struct device *device, uint32_t section, uint32_t index,
		 void *entry, size_t length, size_t *known);

/* The same for the cache that a handle stands for; -EINVAL: it is none. */
int device_stats_cache(const struct device *device, uint64_t handle,
		       struct memalloc_stats_cache *cache, size_t *known);

/* The same for a mempool. */
int device_stats_mempool(const struct device *device, uint64_t handle,
			 struct memalloc_stats_mempool *pool, size_t *known);

const char *device_zone_name(uint32_t zone);
const char *device_kind_name(uint32_t kind);
const char *device_backend_name(uint32_t backend);

#endif /* DEVICE_H */
