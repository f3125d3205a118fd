/* SPDX-License-Identifier: GPL-2.0 */
/*
 * memalloc_device.h: libmemalloc with the arguments that most tests need
 *
 * All functions return zero, or the error as a negative number, so that a test
 * reads EXPECT_EQ(-ENOENT, device_free(...)). A test of the interface itself
 * builds a structure and passes it to device_ioctl().
 */
#ifndef MEMALLOC_DEVICE_H
#define MEMALLOC_DEVICE_H

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <memalloc.h>

#define DEVICE_PATH	MEMALLOC_DEVICE_PATH

static inline size_t page_size(void)
{
	return sysconf(_SC_PAGESIZE);
}

static inline __u64 order_bytes(unsigned int order)
{
	return (__u64)page_size() << order;
}

static inline __u64 address_of(const void *object)
{
	return (uintptr_t)object;
}

/* A new open file, or a negative error. */
static inline int device_open(void)
{
	return memalloc_open(NULL, O_RDWR);
}

static inline int device_ioctl(int fd, unsigned int cmd, const void *arg)
{
	return memalloc_command(fd, cmd, (void *)arg);
}

/* Allocate 2^order pages; @alloc has all results. */
static inline int device_alloc_pages(int fd, unsigned int order, __u32 gfp,
				     struct memalloc_alloc *alloc)
{
	*alloc = (struct memalloc_alloc) {
		.size = sizeof(*alloc),
		.kind = MEMALLOC_KIND_PAGES,
		.gfp = gfp,
		.node = -1,
		.order = order,
	};
	return memalloc_alloc(fd, alloc);
}

/* As above, for callers that need only the handle. */
static inline int device_alloc(int fd, unsigned int order, __u64 *handle)
{
	return memalloc_new_pages(fd, order, MEMALLOC_GFP_USER, (uint64_t *)handle);
}

/* Allocate kmalloc memory. */
static inline int device_kmalloc(int fd, __u64 bytes, __u64 *handle)
{
	return memalloc_new_kmalloc(fd, bytes, MEMALLOC_GFP_KERNEL, (uint64_t *)handle);
}

static inline int device_resize(int fd, __u64 handle, __u64 bytes)
{
	struct memalloc_resize resize = {
		.size = sizeof(resize),
		.handle = handle,
		.bytes = bytes,
	};
	int err = memalloc_resize(fd, &resize);

	return err ? err : resize.out_bytes == bytes ? 0 : -EIO;
}

/* Default request for a cache: the whole object may be copied. */
static inline struct memalloc_cache_create device_cache_of(const char *name,
							   __u32 object_size)
{
	struct memalloc_cache_create create = {
		.size = sizeof(create),
		.object_size = object_size,
		.usersize = object_size,
	};

	strncpy(create.name, name, sizeof(create.name) - 1);
	return create;
}

static inline int device_cache_create(int fd, const char *name, __u32 object_size,
				      __u64 *handle)
{
	return memalloc_new_cache(fd, name, object_size, 0, (uint64_t *)handle);
}

/* Allocate @count objects of a cache as one handle; zero means one. */
static inline int device_alloc_objects(int fd, __u64 cache, __u32 count,
				       __u64 *handle)
{
	return memalloc_new_objects(fd, cache, count, MEMALLOC_GFP_KERNEL,
				    (uint64_t *)handle);
}

/* Allocate @bytes on each CPU; zero alignment selects the default. */
static inline int device_alloc_percpu(int fd, __u64 bytes, __u64 align,
				      struct memalloc_alloc *alloc)
{
	*alloc = (struct memalloc_alloc) {
		.size = sizeof(*alloc),
		.kind = MEMALLOC_KIND_PERCPU,
		.node = -1,
		.bytes = bytes,
		.align = align,
	};
	return memalloc_alloc(fd, alloc);
}

static inline int device_alloc_area(int fd, __u64 bytes, __u32 gfp,
				    struct memalloc_alloc *alloc)
{
	*alloc = (struct memalloc_alloc) {
		.size = sizeof(*alloc),
		.kind = MEMALLOC_KIND_AREA,
		.gfp = gfp,
		.node = -1,
		.bytes = bytes,
	};
	return memalloc_alloc(fd, alloc);
}

/*
 * Create a mempool of blocks of order @of, of @of bytes, or of objects of cache
 * @of.
 */
static inline int device_mempool_create(int fd, __u32 backend, __u64 of, __u32 min_nr,
					__u64 *handle)
{
	return memalloc_new_mempool(fd, "", backend, of, min_nr, (uint64_t *)handle);
}

static inline int device_alloc_element(int fd, __u64 pool, __u32 gfp, __u32 flags,
				       __u64 *handle)
{
	return memalloc_new_element(fd, pool, flags, gfp, (uint64_t *)handle);
}

static inline int device_mempool_resize(int fd, __u64 pool, __u32 min_nr)
{
	return memalloc_resize_mempool(fd, pool, min_nr, MEMALLOC_GFP_KERNEL);
}

static inline int device_free(int fd, __u64 handle)
{
	return memalloc_free(fd, handle);
}

static inline int device_read(int fd, __u64 handle, __u64 offset, void *data,
			      __u64 length)
{
	return memalloc_read(fd, handle, offset, data, length);
}

static inline int device_write(int fd, __u64 handle, __u64 offset,
			       const void *data, __u64 length)
{
	return memalloc_write(fd, handle, offset, data, length);
}

static inline int device_pattern(int fd, unsigned int cmd, __u64 handle,
				 __u64 length, __u32 pattern, __u64 value)
{
	if (cmd == MEMALLOC_FILL)
		return memalloc_fill(fd, handle, 0, length, pattern, value);
	return memalloc_verify(fd, handle, 0, length, pattern, value, NULL);
}

/* Fill the first @length bytes with words that all differ. */
static inline int device_fill(int fd, __u64 handle, __u64 length, __u64 value)
{
	return device_pattern(fd, MEMALLOC_FILL, handle, length,
			      MEMALLOC_PATTERN_COUNT, value);
}

/* Verify these words. Return: -EILSEQ if they differ. */
static inline int device_verify(int fd, __u64 handle, __u64 length, __u64 value)
{
	return device_pattern(fd, MEMALLOC_VERIFY, handle, length,
			      MEMALLOC_PATTERN_COUNT, value);
}

/* Verify that all bytes are zero. */
static inline int device_is_zero(int fd, __u64 handle, __u64 length)
{
	return device_pattern(fd, MEMALLOC_VERIFY, handle, length,
			      MEMALLOC_PATTERN_REPEAT, 0);
}

static inline int device_info(int fd, __u64 handle, __u64 offset, __u32 flags,
			      struct memalloc_info *info)
{
	*info = (struct memalloc_info) {
		.size = sizeof(*info),
		.flags = flags,
		.handle = handle,
		.offset = offset,
	};
	return memalloc_info(fd, info);
}

/* Return: number of VMAs that map it, or a negative error. */
static inline int device_mappings(int fd, __u64 handle)
{
	struct memalloc_info info;
	int err = device_info(fd, handle, 0, 0, &info);

	return err ? err : (int)info.out_mappings;
}

/*
 * Return: physical address of the byte at @offset; zero if it is unavailable.
 */
static inline __u64 device_phys(int fd, __u64 handle, __u64 offset)
{
	struct memalloc_info info;

	if (device_info(fd, handle, offset, MEMALLOC_INFO_PHYS, &info))
		return 0;
	return info.out_phys;
}

static inline int device_stats(int fd, __u32 section, __u32 index, void *data,
			       __u32 length)
{
	return memalloc_stats(fd, section, index, data, length, NULL);
}

/* Read the statistics of one cache. */
static inline int device_cache(int fd, __u64 handle,
			       struct memalloc_stats_cache *cache)
{
	return memalloc_stats_of(fd, MEMALLOC_SECTION_CACHE, handle, cache,
				 sizeof(*cache), NULL);
}

static inline int device_borrowing(int fd, struct memalloc_stats_borrowing *stats)
{
	return device_stats(fd, MEMALLOC_SECTION_BORROWING, 0, stats,
			    sizeof(*stats));
}

static inline int device_zone(int fd, __u32 index, struct memalloc_stats_zone *stats)
{
	return device_stats(fd, MEMALLOC_SECTION_ZONE, index, stats,
			    sizeof(*stats));
}

static inline int device_file(int fd, struct memalloc_stats_file *stats)
{
	return device_stats(fd, MEMALLOC_SECTION_FILE, 0, stats, sizeof(*stats));
}

static inline int device_reports(int fd, struct memalloc_stats_reports *stats)
{
	return device_stats(fd, MEMALLOC_SECTION_REPORTS, 0, stats,
			    sizeof(*stats));
}

/*
 * Return: zero if every invariant holds; -EUCLEAN: the kernel log has the
 * details.
 */
static inline int device_validate(int fd)
{
	return memalloc_validate(fd, NULL, NULL);
}

static inline int device_version(int fd)
{
	struct memalloc_version version = { .size = sizeof(version) };

	return memalloc_version(fd, &version);
}

/* Return all free pages beyond the reserve to the host. */
static inline int device_shrink(int fd)
{
	return memalloc_shrink(fd, 0, NULL);
}

/* Return the unused slabs of a cache to the page allocator. */
static inline int device_shrink_cache(int fd, __u64 cache)
{
	return memalloc_shrink_cache(fd, cache, NULL);
}

/*
 * Make the @nth next allocation fail; @left: allocations left until the last
 * failure.
 */
static inline int device_inject(int fd, __u64 nth, __u64 *left)
{
	return memalloc_inject(fd, nth, (uint64_t *)left);
}

/* Map @length bytes, shared, for reading and writing. Return: as mmap(). */
static inline void *device_map(int fd, __u64 offset, size_t length)
{
	return mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED, fd, offset);
}

/* Allocate pages, and map all of them. */
static inline void *device_alloc_mapped(int fd, unsigned int order, __u64 *handle)
{
	struct memalloc_alloc alloc;
	int err = device_alloc_pages(fd, order, MEMALLOC_GFP_USER, &alloc);

	if (err) {
		errno = -err;
		return MAP_FAILED;
	}
	*handle = alloc.out_handle;
	return device_map(fd, alloc.out_map_offset, alloc.out_bytes);
}

#endif /* MEMALLOC_DEVICE_H */
