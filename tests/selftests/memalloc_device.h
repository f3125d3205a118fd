/* SPDX-License-Identifier: GPL-2.0 */
/*
 * memalloc_device.h: /dev/memalloc as C functions
 *
 * One thin function for each command. All return zero, or the error as a
 * negative number, so that a test reads EXPECT_EQ(-ENOENT, device_free(...)).
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

#include <linux/memalloc.h>

#define DEVICE_PATH	"/dev/memalloc"

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
	int fd = open(DEVICE_PATH, O_RDWR | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

static inline int device_ioctl(int fd, unsigned int cmd, const void *arg)
{
	return ioctl(fd, cmd, arg) < 0 ? -errno : 0;
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
	return device_ioctl(fd, MEMALLOC_ALLOC, alloc);
}

/* As above, for callers that need only the handle. */
static inline int device_alloc(int fd, unsigned int order, __u64 *handle)
{
	struct memalloc_alloc alloc;
	int err = device_alloc_pages(fd, order, MEMALLOC_GFP_USER, &alloc);

	if (!err)
		*handle = alloc.out_handle;
	return err;
}

/* Allocate kmalloc memory. */
static inline int device_kmalloc(int fd, __u64 bytes, __u64 *handle)
{
	struct memalloc_alloc alloc = {
		.size = sizeof(alloc),
		.kind = MEMALLOC_KIND_KMALLOC,
		.node = -1,
		.bytes = bytes,
	};
	int err = device_ioctl(fd, MEMALLOC_ALLOC, &alloc);

	if (!err)
		*handle = alloc.out_handle;
	return err;
}

static inline int device_resize(int fd, __u64 handle, __u64 bytes)
{
	struct memalloc_resize resize = {
		.size = sizeof(resize),
		.handle = handle,
		.bytes = bytes,
	};
	int err = device_ioctl(fd, MEMALLOC_RESIZE, &resize);

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
	struct memalloc_cache_create create = device_cache_of(name, object_size);
	int err = device_ioctl(fd, MEMALLOC_CACHE_CREATE, &create);

	if (!err)
		*handle = create.out_handle;
	return err;
}

/* Allocate @count objects of a cache as one handle; zero means one. */
static inline int device_alloc_objects(int fd, __u64 cache, __u32 count,
				       __u64 *handle)
{
	struct memalloc_alloc alloc = {
		.size = sizeof(alloc),
		.kind = MEMALLOC_KIND_OBJECT,
		.node = -1,
		.parent = cache,
		.count = count,
	};
	int err = device_ioctl(fd, MEMALLOC_ALLOC, &alloc);

	if (!err)
		*handle = alloc.out_handle;
	return err;
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
	return device_ioctl(fd, MEMALLOC_ALLOC, alloc);
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
	return device_ioctl(fd, MEMALLOC_ALLOC, alloc);
}

/*
 * Create a mempool of blocks of order @of, of @of bytes, or of objects of cache
 * @of.
 */
static inline int device_mempool_create(int fd, __u32 backend, __u64 of, __u32 min_nr,
					__u64 *handle)
{
	struct memalloc_mempool_create create = {
		.size = sizeof(create),
		.backend = backend,
		.order = backend == MEMALLOC_MEMPOOL_PAGES ? of : 0,
		.bytes = backend == MEMALLOC_MEMPOOL_KMALLOC ? of : 0,
		.parent = backend == MEMALLOC_MEMPOOL_CACHE ? of : 0,
		.min_nr = min_nr,
		.node = -1,
	};
	int err = device_ioctl(fd, MEMALLOC_MEMPOOL_CREATE, &create);

	if (!err)
		*handle = create.out_handle;
	return err;
}

static inline int device_alloc_element(int fd, __u64 pool, __u32 gfp, __u32 flags,
				       __u64 *handle)
{
	struct memalloc_alloc alloc = {
		.size = sizeof(alloc),
		.kind = MEMALLOC_KIND_ELEMENT,
		.flags = flags,
		.gfp = gfp,
		.node = -1,
		.parent = pool,
	};
	int err = device_ioctl(fd, MEMALLOC_ALLOC, &alloc);

	if (!err)
		*handle = alloc.out_handle;
	return err;
}

static inline int device_mempool_resize(int fd, __u64 pool, __u32 min_nr)
{
	const struct memalloc_resize resize = {
		.size = sizeof(resize), .handle = pool, .min_nr = min_nr,
	};

	return device_ioctl(fd, MEMALLOC_RESIZE, &resize);
}

static inline int device_free(int fd, __u64 handle)
{
	const struct memalloc_free request = {
		.size = sizeof(request),
		.handle = handle,
	};

	return device_ioctl(fd, MEMALLOC_FREE, &request);
}

static inline int device_io(int fd, unsigned int cmd, __u64 handle,
			    __u64 offset, const void *data, __u64 length)
{
	struct memalloc_io io = {
		.size = sizeof(io),
		.handle = handle,
		.offset = offset,
		.length = length,
		.data = address_of(data),
	};
	int err = device_ioctl(fd, cmd, &io);

	return err ? err : io.out_done == length ? 0 : -EIO;
}

static inline int device_read(int fd, __u64 handle, __u64 offset, void *data,
			      __u64 length)
{
	return device_io(fd, MEMALLOC_READ, handle, offset, data, length);
}

static inline int device_write(int fd, __u64 handle, __u64 offset,
			       const void *data, __u64 length)
{
	return device_io(fd, MEMALLOC_WRITE, handle, offset, data, length);
}

static inline int device_pattern(int fd, unsigned int cmd, __u64 handle,
				 __u64 length, __u32 pattern, __u64 value)
{
	struct memalloc_pattern_io io = {
		.size = sizeof(io),
		.handle = handle,
		.length = length,
		.pattern = pattern,
		.value = value,
	};
	int err = device_ioctl(fd, cmd, &io);

	return err ? err : io.out_done == length ? 0 : -EILSEQ;
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
	return device_ioctl(fd, MEMALLOC_INFO, info);
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
	struct memalloc_stats stats = {
		.size = sizeof(stats),
		.section = section,
		.index = index,
		.length = length,
		.data = address_of(data),
	};

	return device_ioctl(fd, MEMALLOC_STATS, &stats);
}

/* Read the statistics of one cache. */
static inline int device_cache(int fd, __u64 handle,
			       struct memalloc_stats_cache *cache)
{
	struct memalloc_stats stats = {
		.size = sizeof(stats),
		.section = MEMALLOC_SECTION_CACHE,
		.length = sizeof(*cache),
		.data = address_of(cache),
		.handle = handle,
	};

	return device_ioctl(fd, MEMALLOC_STATS, &stats);
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
	struct memalloc_validate validate = { .size = sizeof(validate) };
	int err = device_ioctl(fd, MEMALLOC_VALIDATE, &validate);

	if (err)
		return err;
	return validate.out_errors ? -EUCLEAN : 0;
}

static inline int device_version(int fd)
{
	struct memalloc_version version = { .size = sizeof(version) };

	return device_ioctl(fd, MEMALLOC_VERSION, &version);
}

/* Return all free pages beyond the reserve to the host. */
static inline int device_shrink(int fd)
{
	struct memalloc_shrink shrink = { .size = sizeof(shrink) };

	return device_ioctl(fd, MEMALLOC_SHRINK, &shrink);
}

/* Return the unused slabs of a cache to the page allocator. */
static inline int device_shrink_cache(int fd, __u64 cache)
{
	struct memalloc_shrink shrink = { .size = sizeof(shrink), .handle = cache };

	return device_ioctl(fd, MEMALLOC_SHRINK, &shrink);
}

/*
 * Make the @nth next allocation fail; @left: allocations left until the last
 * failure.
 */
static inline int device_inject(int fd, __u64 nth, __u64 *left)
{
	struct memalloc_inject inject = { .size = sizeof(inject), .nth = nth };
	int err = device_ioctl(fd, MEMALLOC_INJECT, &inject);

	if (!err && left)
		*left = inject.out_left;
	return err;
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
