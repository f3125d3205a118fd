// SPDX-License-Identifier: GPL-2.0
/*
 * The reason of an error, from the request and the state of the module
 *
 * An error of the device tells the kind of the reason only. If several limits
 * or values are possible, the functions here query the statistics and the
 * handles that the request names. Others may change these meanwhile, so an
 * explanation may miss the reason; it does not invent one, as every text is
 * true of the state that was read.
 *
 * The request is copied with the size that the caller set. So a structure of an
 * older program is not read beyond its end.
 *
 * Each function returns true if it has written an explanation. Otherwise the
 * next, more general one is tried. The last one always does.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <memalloc.h>

#include "common.h"
#include "text.h"

enum { HANDLE_BYTES = 512 }; /* approximate metadata of a handle */

static const uint32_t zones = MEMALLOC_GFP_DMA | MEMALLOC_GFP_DMA32;

/**
 * struct failure - a command that failed
 * @fd: the open file
 * @command: the command
 * @error: the error, positive
 * @request: copy of the caller's structure, as far as it is known here
 * @text: the explanation
 */
struct failure {
	int fd;
	unsigned int command;
	int error;
	union {
		uint32_t size;
		struct memalloc_alloc alloc;
		struct memalloc_io io; /* its fields up to @length, for four commands */
		struct memalloc_info info;
		struct memalloc_resize resize;
		struct memalloc_cache_create cache;
		struct memalloc_mempool_create mempool;
	} request;
	struct text text;
};

#define SAY(failure, ...) memalloc_text_line(&(failure)->text, __VA_ARGS__)

/* --- the state of the module ---------------------------------------------- */

static uint64_t page_size(void)
{
	return (uint64_t)sysconf(_SC_PAGESIZE);
}

static int query(const struct failure *failure, uint64_t handle,
		 struct memalloc_info *info)
{
	memset(info, 0, sizeof(*info));
	info->size = sizeof(*info);
	info->handle = handle;
	return memalloc_info(failure->fd, info);
}

/* Return: true if the handle is valid, but of another kind. */
static bool is_other_kind(const struct failure *failure, uint64_t handle,
			  uint32_t kind)
{
	struct memalloc_info info;

	return !query(failure, handle, &info) && info.out_kind != kind;
}

static int query_cache(const struct failure *failure, uint64_t handle,
		       struct memalloc_stats_cache *cache)
{
	return memalloc_stats_of(failure->fd, MEMALLOC_SECTION_CACHE, handle,
				 cache, sizeof(*cache), NULL);
}

static int query_mempool(const struct failure *failure, uint64_t handle,
			 struct memalloc_stats_mempool *pool)
{
	return memalloc_stats_of(failure->fd, MEMALLOC_SECTION_MEMPOOL, handle,
				 pool, sizeof(*pool), NULL);
}

static uint64_t bytes_of_objects(const struct failure *failure,
				 const struct memalloc_alloc *alloc)
{
	struct memalloc_stats_cache cache;
	uint64_t count = alloc->count ? alloc->count : 1;

	if (query_cache(failure, alloc->parent, &cache) || !cache.slab_objects)
		return 0;
	return count * cache.slab_pages * page_size() / cache.slab_objects;
}

static uint64_t bytes_of_element(const struct failure *failure,
				 const struct memalloc_alloc *alloc)
{
	struct memalloc_stats_mempool pool;

	if (query_mempool(failure, alloc->parent, &pool))
		return 0;
	return pool.element_bytes;
}

/* Estimate the memory that the allocation takes from the allocator. */
static uint64_t bytes_of(const struct failure *failure,
			 const struct memalloc_alloc *alloc)
{
	switch (alloc->kind) {
	case MEMALLOC_KIND_OBJECT:
		return bytes_of_objects(failure, alloc);
	case MEMALLOC_KIND_ELEMENT:
		return bytes_of_element(failure, alloc);
	case MEMALLOC_KIND_PERCPU:
		return alloc->bytes * (uint64_t)sysconf(_SC_NPROCESSORS_CONF);
	case MEMALLOC_KIND_KMALLOC:
	case MEMALLOC_KIND_AREA:
		return alloc->bytes;
	case MEMALLOC_KIND_PAGES:
		return page_size() << (alloc->order & 31);
	default:
		return 0;
	}
}

/* --- which limit was reached ---------------------------------------------- */

static bool would_exceed(uint64_t used, uint64_t more, uint64_t limit)
{
	return used > limit || more > limit - used;
}

static void explain_limit(struct failure *failure, const char *advice,
			  const char *parameter)
{
	SAY(failure, "%s, or raise the quota.", advice);
	SAY(failure, "Root can change it in " MEMALLOC_PARAMETERS "%s.", parameter);
}

static void explain_handles(struct failure *failure, const char *holders,
			    uint64_t used, uint64_t limit, const char *parameter)
{
	SAY(failure, "%s %" PRIu64 " handles, the quota is %" PRIu64, holders,
	    used, limit);
	explain_limit(failure, "Free some", parameter);
}

static void explain_bytes(struct failure *failure, const char *holders,
			  uint64_t used, uint64_t limit, const char *advice,
			  const char *parameter)
{
	char has[MEMALLOC_BYTES_MAX], most[MEMALLOC_BYTES_MAX];

	SAY(failure, "%s %s, the quota is %s", holders,
	    memalloc_format_bytes(used, has), memalloc_format_bytes(limit, most));
	explain_limit(failure, advice, parameter);
}

static bool explain_quota(struct failure *failure, uint64_t bytes)
{
	struct memalloc_stats_file file;

	bytes += HANDLE_BYTES;
	if (memalloc_stats(failure->fd, MEMALLOC_SECTION_FILE, 0, &file,
			   sizeof(file), NULL))
		return false;
	if (would_exceed(file.handles, 1, file.handles_limit))
		explain_handles(failure, "this process has", file.handles,
				file.handles_limit, "quota_handles");
	else if (would_exceed(file.user_handles, 1, file.user_handles_limit))
		explain_handles(failure, "the processes of this user have",
				file.user_handles, file.user_handles_limit,
				"quota_user_handles");
	else if (would_exceed(file.bytes + file.described_bytes, bytes,
			      file.bytes_limit))
		explain_bytes(failure, "this process has", file.bytes,
			      file.bytes_limit, "Free some", "quota_file_mb");
	else if (would_exceed(file.user_bytes, bytes, file.user_bytes_limit))
		explain_bytes(failure, "the processes of this user have",
			      file.user_bytes, file.user_bytes_limit,
			      "Free some", "quota_user_mb");
	else
		explain_bytes(failure, "all users of the device have",
			      file.device_bytes, file.device_bytes_limit,
			      "Wait until another user frees some",
			      "quota_device_mb");
	return true;
}

static void explain_no_host_memory(struct failure *failure,
				   const struct memalloc_alloc *alloc,
				   uint64_t bytes)
{
	const uint32_t mode = alloc->gfp & MEMALLOC_GFP_MODE;
	bool pages = alloc->kind == MEMALLOC_KIND_PAGES;
	char size[MEMALLOC_BYTES_MAX];

	SAY(failure, "the host has no %s%s to lend%s",
	    pages ? "contiguous " : "", memalloc_format_bytes(bytes, size),
	    alloc->gfp & MEMALLOC_GFP_DMA ? " in zone DMA" :
	    alloc->gfp & MEMALLOC_GFP_DMA32 ? " in zone DMA32" : "");
	if (alloc->gfp & zones)
		SAY(failure, "This zone is small, and some machines do not have it: "
		    "see /proc/buddyinfo.");
	else if (mode == MEMALLOC_GFP_ATOMIC || mode == MEMALLOC_GFP_NOWAIT)
		SAY(failure, "This GFP mode does not wait for memory: try the mode KERNEL.");
	else
		SAY(failure, "Try %s, or see /proc/buddyinfo for the host's free memory.",
		    pages ? "a lower order" : "a smaller one");
}

/* Elements can be out while the cap and the host have memory. */
static bool explain_no_element(struct failure *failure,
			       const struct memalloc_alloc *alloc)
{
	struct memalloc_stats_mempool pool;

	if (alloc->kind != MEMALLOC_KIND_ELEMENT ||
	    query_mempool(failure, alloc->parent, &pool) || pool.elements)
		return false;
	SAY(failure, "all %" PRIu64 " elements of the mempool are allocated%s",
	    (uint64_t)pool.min_nr,
	    alloc->flags & MEMALLOC_ALLOC_PREALLOCATED ? "" :
	    ", and there is no memory for more");
	SAY(failure, "Free some, or resize the mempool.");
	return true;
}

static bool explain_no_memory(struct failure *failure,
			      const struct memalloc_alloc *alloc)
{
	char held[MEMALLOC_BYTES_MAX], cap[MEMALLOC_BYTES_MAX];
	struct memalloc_stats_borrowing b;
	uint64_t bytes;

	if (explain_no_element(failure, alloc))
		return true;
	bytes = bytes_of(failure, alloc);
	if (memalloc_stats(failure->fd, MEMALLOC_SECTION_BORROWING, 0, &b,
			   sizeof(b), NULL) || !b.page_size)
		return false;
	if (memalloc_cap_allows(&b, (bytes + b.page_size - 1) / b.page_size)) {
		explain_no_host_memory(failure, alloc, bytes);
		return true;
	}
	SAY(failure, "memalloc has borrowed %s from the host, the cap is %s",
	    memalloc_format_bytes(b.borrowed * b.page_size + b.metadata_bytes, held),
	    memalloc_format_bytes(b.cap * b.page_size, cap));
	SAY(failure, "Free some, or raise the cap: as root run "
	    "\"echo MEBIBYTES >" MEMALLOC_PARAMETERS "cap_mb\".");
	return true;
}

/* --- which value is wrong ------------------------------------------------- */

static bool explain_other_kind(struct failure *failure, uint64_t handle,
			       uint32_t kind)
{
	const char *name = memalloc_kind_name(kind);

	if (!is_other_kind(failure, handle, kind))
		return false;
	SAY(failure, "the parent is a handle that is not a %s", name);
	SAY(failure, "Create a %s, and allocate from it.", name);
	return true;
}

static bool explain_bad_parent(struct failure *failure,
			       const struct memalloc_alloc *alloc)
{
	if (alloc->kind == MEMALLOC_KIND_OBJECT)
		return explain_other_kind(failure, alloc->parent,
					  MEMALLOC_KIND_CACHE);
	return alloc->kind == MEMALLOC_KIND_ELEMENT &&
	       explain_other_kind(failure, alloc->parent, MEMALLOC_KIND_MEMPOOL);
}

/* Values that elements and per-CPU areas do not allow */
static bool explain_bad_choice(struct failure *failure,
			       const struct memalloc_alloc *alloc)
{
	const bool element = alloc->kind == MEMALLOC_KIND_ELEMENT;
	const bool percpu = alloc->kind == MEMALLOC_KIND_PERCPU;

	if (!element && !percpu)
		return false;
	if (alloc->node >= 0 || alloc->gfp & (zones | MEMALLOC_GFP_THISNODE)) {
		SAY(failure, "node and zone cannot be chosen for %s",
		    element ? "an element" : "a per-CPU area");
		SAY(failure, element ? "The mempool determines both." :
		    "The copy of each CPU is on the CPU's node.");
		return true;
	}
	if (percpu && alloc->bytes > 32768) {
		SAY(failure, "the maximum for a per-CPU area is 32 KiB or a page, "
		    "whichever is larger, on each CPU");
		SAY(failure, "Use several areas, or a vmalloc area.");
		return true;
	}
	return false;
}

static bool explain_bad_zone(struct failure *failure,
			     const struct memalloc_alloc *alloc)
{
	if (alloc->kind == MEMALLOC_KIND_OBJECT && alloc->gfp & zones) {
		SAY(failure, "the cache determines the zone of its objects");
		SAY(failure, "Create the cache with the flag DMA or DMA32.");
		return true;
	}
	if (alloc->kind == MEMALLOC_KIND_KMALLOC &&
	    alloc->gfp & MEMALLOC_GFP_DMA32) {
		SAY(failure, "kmalloc has no size classes in zone DMA32");
		SAY(failure, "Use zone DMA, pages, or a cache with the flag DMA32.");
		return true;
	}
	return false;
}

static bool explain_bad_alloc(struct failure *failure,
			      const struct memalloc_alloc *alloc)
{
	if (explain_bad_parent(failure, alloc) ||
	    explain_bad_zone(failure, alloc) || explain_bad_choice(failure, alloc))
		return true;
	SAY(failure, "the module rejects this combination of %s, gfp and node",
	    alloc->kind == MEMALLOC_KIND_PAGES ? "order" : "size");
	if (alloc->node >= 0)
		SAY(failure, "Does NUMA node %d exist? See "
		    "/sys/devices/system/node/possible.", (int)alloc->node);
	if (alloc->gfp & ~MEMALLOC_GFP_MODE)
		SAY(failure, "Invalid combinations: two of NORETRY, RETRY_MAYFAIL and "
		    "NOFAIL; NOFAIL with ATOMIC or NOWAIT; DMA with DMA32; either with "
		    "HIGHMEM or HIGHUSER.");
	return true;
}

static bool explain_zone(struct failure *failure, const char *advice)
{
	SAY(failure, "permission denied, CAP_SYS_RAWIO is needed for memory of zones "
	    "DMA and DMA32");
	SAY(failure, "%s, or run this as root, e.g. with sudo.", advice);
	return true;
}

static bool explain_unknown_parent(struct failure *failure, const char *kind)
{
	SAY(failure, "the open file has no such %s", kind);
	SAY(failure, "A handle is valid only in the open file that allocated it, until "
	    "it is freed.");
	return true;
}

/* --- one function for each command ---------------------------------------- */

static bool explain_alloc(struct failure *failure)
{
	const struct memalloc_alloc *alloc = &failure->request.alloc;
	const bool made = alloc->kind == MEMALLOC_KIND_OBJECT ||
			  alloc->kind == MEMALLOC_KIND_ELEMENT;

	switch (failure->error) {
	case EDQUOT:
		return explain_quota(failure, bytes_of(failure, alloc));
	case ENOMEM:
		return explain_no_memory(failure, alloc);
	case EINVAL:
		return explain_bad_alloc(failure, alloc);
	case EPERM:
		return explain_zone(failure, made ?
				    "Use a cache without the flags DMA and DMA32" :
				    "Remove DMA and DMA32 from the GFP flags");
	case ENOENT:
		return explain_unknown_parent(failure,
				alloc->kind == MEMALLOC_KIND_ELEMENT ?
				"mempool" : "cache");
	default:
		return false;
	}
}

static bool is_name(const char name[MEMALLOC_NAME_SIZE], unsigned int least)
{
	static const char good[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				   "0123456789_.-";
	size_t length = strnlen(name, MEMALLOC_NAME_SIZE);

	return length >= least && length < MEMALLOC_NAME_SIZE &&
	       strspn(name, good) == length;
}

static void explain_name(struct failure *failure,
			 const char name[MEMALLOC_NAME_SIZE], unsigned int least)
{
	if (!is_name(name, least))
		SAY(failure, "The name must have %u to %u letters, digits, '_', '.' and "
		    "'-'.", least, MEMALLOC_NAME_SIZE - 1);
}

static bool explain_bad_cache(struct failure *failure,
			      const struct memalloc_cache_create *create)
{
	const uint32_t both = MEMALLOC_CACHE_DMA | MEMALLOC_CACHE_DMA32;

	SAY(failure, "the module rejects this combination of size, alignment, "
	    "user-copy region and flags");
	if (create->align & (create->align - 1) || create->align > page_size())
		SAY(failure, "The alignment must be a power of two, at most a page.");
	if ((uint64_t)create->useroffset + create->usersize > create->object_size)
		SAY(failure, "The user-copy region must end within the object.");
	if (!create->object_size ||
	    create->object_size > page_size() << MEMALLOC_MAX_ORDER)
		SAY(failure, "The size must be 1 byte to 2^%u pages.",
		    MEMALLOC_MAX_ORDER);
	if ((create->flags & both) == both)
		SAY(failure, "The flags DMA and DMA32 exclude each other.");
	explain_name(failure, create->name, 1);
	return true;
}

static bool explain_cache_create(struct failure *failure)
{
	const struct memalloc_cache_create *create = &failure->request.cache;

	switch (failure->error) {
	case EINVAL:
		return explain_bad_cache(failure, create);
	case EPERM:
		if (!(create->flags & MEMALLOC_CACHE_NO_REAP))
			return explain_zone(failure, "Remove the flags DMA and DMA32");
		SAY(failure, "permission denied, NO_REAP needs CAP_SYS_ADMIN as it "
		    "exempts the cache from reclaim");
		SAY(failure, "Remove the flag NO_REAP, or run this as root, e.g. with "
		    "sudo.");
		return true;
	default:
		return false;
	}
}

static bool explain_bad_mempool(struct failure *failure,
				const struct memalloc_mempool_create *create)
{
	if (create->backend == MEMALLOC_MEMPOOL_CACHE &&
	    explain_other_kind(failure, create->parent, MEMALLOC_KIND_CACHE))
		return true;
	SAY(failure, "the module rejects this combination of minimum, element, gfp and "
	    "node");
	SAY(failure, "The minimum is 1 to %u elements of at most 2^%u pages. The GFP "
	    "flags must not name a zone.", MEMALLOC_MEMPOOL_MAX,
	    MEMALLOC_MAX_ORDER);
	explain_name(failure, create->name, 0);
	return true;
}

static bool explain_mempool_create(struct failure *failure)
{
	switch (failure->error) {
	case ENOENT:
		return explain_unknown_parent(failure, "cache");
	case EPERM:
		return explain_zone(failure,
				    "Use a cache without the flags DMA and DMA32");
	case EINVAL:
		return explain_bad_mempool(failure, &failure->request.mempool);
	default:
		return false;
	}
}

static bool explain_bad_size(struct failure *failure,
			     const struct memalloc_resize *resize)
{
	if (resize->min_nr) {
		SAY(failure, "the module rejects this minimum or the GFP flags");
		SAY(failure, "The minimum is 1 to %u elements; GFP flags are for "
		    "kmalloc memory.", MEMALLOC_MEMPOOL_MAX);
	} else {
		SAY(failure, "the module rejects this size or the GFP flags");
		SAY(failure, "The maximum is 2^%u pages. The GFP flags must not have a "
		    "zone, THISNODE or NOFAIL.", MEMALLOC_MAX_ORDER);
	}
	return true;
}

static bool explain_resize(struct failure *failure)
{
	const struct memalloc_resize *resize = &failure->request.resize;
	const struct memalloc_alloc alloc = {
		.kind = MEMALLOC_KIND_KMALLOC,
		.gfp = resize->gfp,
		.node = -1,
		.bytes = resize->bytes,
	};

	switch (failure->error) {
	case EDQUOT:
		return explain_quota(failure, resize->bytes);
	case ENOMEM:
		return !resize->min_nr && explain_no_memory(failure, &alloc);
	case EINVAL:
		return explain_bad_size(failure, resize);
	case EPERM:
		return explain_zone(failure, "Keep its size");
	default:
		return false;
	}
}

static bool explain_range(struct failure *failure, uint64_t handle,
			  uint64_t offset, uint64_t length)
{
	struct memalloc_info info;

	if (query(failure, handle, &info))
		return false;
	SAY(failure, "%" PRIu64 " bytes at offset %" PRIu64 " exceed its size of %"
	    PRIu64 " bytes", length, offset, (uint64_t)info.out_bytes);
	SAY(failure, "The sum of offset and length must not exceed the size.");
	return true;
}

/* The cache's user-copy region forbids it; privileges do not matter. */
static bool explain_not_copyable(struct failure *failure)
{
	struct memalloc_stats_cache cache;
	struct memalloc_info info;

	SAY(failure, "the bytes are outside the user-copy region of the cache");
	if (query(failure, failure->request.io.handle, &info) ||
	    query_cache(failure, info.out_parent, &cache))
		return true;
	if (cache.usersize)
		SAY(failure, "The region is bytes %" PRIu64 " to %" PRIu64 " of each "
		    "object. The commands fill and verify can access all.",
		    (uint64_t)cache.useroffset,
		    (uint64_t)(cache.useroffset + cache.usersize - 1));
	else
		SAY(failure, "The region is empty; the commands fill and verify can "
		    "access all bytes.");
	return true;
}

static bool explain_copy(struct failure *failure)
{
	const struct memalloc_io *io = &failure->request.io;

	if (failure->error == EPERM)
		return explain_not_copyable(failure);
	return failure->error == EOVERFLOW &&
	       explain_range(failure, io->handle, io->offset, io->length);
}

/* struct memalloc_pattern_io has these fields at the same place. */
static bool explain_pattern(struct failure *failure)
{
	const struct memalloc_io *io = &failure->request.io;

	return failure->error == EOVERFLOW &&
	       explain_range(failure, io->handle, io->offset, io->length);
}

static bool explain_info(struct failure *failure)
{
	const struct memalloc_info *info = &failure->request.info;

	return failure->error == EOVERFLOW &&
	       explain_range(failure, info->handle, info->offset, 1);
}

static bool explain_own(struct failure *failure)
{
	switch (failure->command) {
	case MEMALLOC_ALLOC:
		return explain_alloc(failure);
	case MEMALLOC_CACHE_CREATE:
		return explain_cache_create(failure);
	case MEMALLOC_MEMPOOL_CREATE:
		return explain_mempool_create(failure);
	case MEMALLOC_RESIZE:
		return explain_resize(failure);
	case MEMALLOC_READ:
	case MEMALLOC_WRITE:
		return explain_copy(failure);
	case MEMALLOC_FILL:
	case MEMALLOC_VERIFY:
		return explain_pattern(failure);
	case MEMALLOC_INFO:
		return explain_info(failure);
	default:
		return false;
	}
}

/* --- errors common to all commands ---------------------------------------- */

static void explain_unknown_command(struct failure *failure)
{
	struct memalloc_stats_borrowing borrowing;

	SAY(failure, "the device does not support this command");
	if (memalloc_stats(failure->fd, MEMALLOC_SECTION_BORROWING, 0, &borrowing,
			   sizeof(borrowing), NULL) == -ENOTTY)
		SAY(failure, "The device does not seem to belong to memalloc.");
	else
		SAY(failure, "The module is older than this program: build both from "
		    "one source, then run \"make load\".");
}

static void explain_mode(struct failure *failure)
{
	const int flags = fcntl(failure->fd, F_GETFL);
	struct stat status;

	if (flags < 0) {
		SAY(failure, "the file is not open");
		return;
	}
	if ((flags & O_ACCMODE) == O_WRONLY) {
		SAY(failure, "the device is not open for reading");
		SAY(failure, "Open it for reading and writing.");
		return;
	}
	SAY(failure, "the device is not open for writing");
	memalloc_text_access(&failure->text,
			     fstat(failure->fd, &status) ? NULL : &status);
}

static void explain_common(struct failure *failure)
{
	switch (failure->error) {
	case ENOTTY:
		explain_unknown_command(failure);
		break;
	case EBADF:
		explain_mode(failure);
		break;
	case EPERM:
		SAY(failure, "permission denied, CAP_SYS_ADMIN is needed");
		SAY(failure, "Run this as root, e.g. with sudo.");
		break;
	case EDQUOT:
		if (explain_quota(failure, 0))
			break;
		/* fallthrough */
	default:
		memalloc_text_error(&failure->text, failure->error);
	}
}

static bool copy_request(struct failure *failure, const void *argument)
{
	uint32_t size;

	if (!argument)
		return false;
	memcpy(&size, argument, sizeof(size));
	if (size < sizeof(size))
		return false;
	memcpy(&failure->request, argument,
	       size < sizeof(failure->request) ? size : sizeof(failure->request));
	return true;
}

int memalloc_explain(int fd, unsigned int command, const void *argument,
		     int error, char *buffer, size_t size)
{
	struct failure failure = {
		.fd = fd,
		.command = command,
		.error = error < 0 ? -error : error,
	};
	const int saved = errno;

	memalloc_text_init(&failure.text, buffer, size);
	if (!copy_request(&failure, argument) || !explain_own(&failure))
		explain_common(&failure);
	errno = saved;
	return (int)failure.text.length;
}
