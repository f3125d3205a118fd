// SPDX-License-Identifier: GPL-2.0
/*
 * Error messages
 *
 * A complaint is one line that begins with the prefix. Advice follows on
 * indented lines of its own, so that the two differ in a log.
 *
 * An errno of the device becomes a complaint that says what happened, and
 * advice that says what to do. If an errno does not tell which of several
 * limits was reached, the statistics are read and compared with the limits.
 */
#include <errno.h>
#include <grp.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "errors.h"
#include "parse.h"
#include "statistics.h"
#include "target.h"

#define PARAMETERS "/sys/module/memalloc/parameters/"

static const char *prefix = "memallocctl";

void complaint_set_prefix(const char *new_prefix)
{
	prefix = new_prefix;
}

const char *complaint_prefix(void)
{
	return prefix;
}

void complain(const char *format, ...)
{
	va_list args;

	fflush(stdout);
	fprintf(stderr, "%s: ", prefix);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
}

void advise(const char *format, ...)
{
	va_list args;

	fputs("  ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
}

static void explain_absent(const char *path, int err)
{
	complain("cannot open %s: %s", path,
		 err == -ENOENT ? "no such file" : strerror(-err));
	if (strcmp(path, DEVICE_PATH)) {
		advise("The device is " DEVICE_PATH ".");
		return;
	}
	if (access("/sys/module/memalloc", F_OK))
		advise("The module is not loaded. Run \"make load\" in the "
		       "source tree, or \"modprobe memalloc\" if it is installed.");
	else
		advise("The module is loaded. Run \"udevadm trigger\" in case "
		       "udev missed the device.");
}

/* Explain which users have write permission on the device. */
static void explain_group(const char *path)
{
	const struct group *group;
	struct stat status;

	if (stat(path, &status)) {
		advise("Run this with sudo.");
		return;
	}
	group = getgrgid(status.st_gid);
	if (!status.st_gid || !(status.st_mode & S_IWGRP))
		advise("Only root has access. To grant it to a group, install "
		       "the udev rule tools/70-memalloc.rules; or run this "
		       "with sudo.");
	else if (group)
		advise("Members of group \"%s\" have access: as root run "
		       "\"usermod -aG %s USER\", then log in again; or run "
		       "this with sudo.", group->gr_name, group->gr_name);
	else
		advise("Group %u has access, but it has no name: run this with "
		       "sudo.", (unsigned int)status.st_gid);
}

static void explain_forbidden(const char *path)
{
	complain("cannot open %s: permission denied", path);
	explain_group(path);
}

void explain_open(const char *path, int err)
{
	switch (-err) {
	case ENOENT:
	case ENODEV:
	case ENXIO:
		explain_absent(path, err);
		break;
	case EACCES:
	case EPERM:
		explain_forbidden(path);
		break;
	default:
		complain("cannot open %s: %s", path, strerror(-err));
		if (strcmp(path, DEVICE_PATH))
			advise("The device is " DEVICE_PATH ".");
	}
}

static void explain_unknown_command(const struct session *session,
				    const char *what)
{
	struct memalloc_stats_borrowing borrowing;

	complain("cannot %s: %s does not support this command", what,
		 session->device.path);
	if (device_stats(&session->device, MEMALLOC_SECTION_BORROWING, 0,
			 &borrowing, sizeof(borrowing), NULL) == -ENOTTY)
		advise("The device does not seem to belong to memalloc.");
	else
		advise("The module is older than this program: build both "
		       "from one source, then run \"make load\".");
}

void explain_command(const struct session *session, const char *what, int err)
{
	switch (-err) {
	case ENOTTY:
		explain_unknown_command(session, what);
		break;
	case EPERM:
		complain("cannot %s: permission denied, CAP_SYS_ADMIN is needed", what);
		advise("Run this as root, e.g. with sudo.");
		break;
	case EINTR:
		complain("cannot %s: interrupted by a signal", what);
		break;
	case E2BIG:
		complain("cannot %s: the module does not support part of the "
			 "request", what);
		advise("The module is older than this program: build both "
		       "from one source, then run \"make load\".");
		break;
	case EINVAL:
		complain("cannot %s: the module rejects the request as invalid",
			 what);
		advise("The module and this program may be of different "
		       "versions: build both from one source.");
		break;
	case ENOMEM:
		complain("cannot %s: out of memory%s", what,
			 session->injecting ? ", or the failure requested with "
			 "\"inject\"" : "");
		break;
	case EBADF:
		complain("cannot %s: no permission to write %s", what,
			 session->device.path);
		explain_group(session->device.path);
		break;
	default:
		complain("cannot %s: %s", what, strerror(-err));
	}
}

/* Which limit did an allocation reach? */

static bool would_exceed(uint64_t used, uint64_t more, uint64_t limit)
{
	return used > limit || more > limit - used;
}

static uint64_t bytes_of_objects(const struct session *session,
				 const struct memalloc_alloc *alloc)
{
	struct memalloc_stats_cache cache;
	uint64_t count = alloc->count ? alloc->count : 1;

	if (device_stats_cache(&session->device, alloc->parent, &cache, NULL))
		return 0;
	return count * cache.slab_pages * (uint64_t)sysconf(_SC_PAGESIZE) /
	       cache.slab_objects;
}

static uint64_t bytes_of_element(const struct session *session,
				 const struct memalloc_alloc *alloc)
{
	struct memalloc_stats_mempool pool;

	if (device_stats_mempool(&session->device, alloc->parent, &pool, NULL))
		return 0;
	return pool.element_bytes;
}

/* Estimate the memory that the allocation takes from the allocator. */
static uint64_t bytes_of(const struct session *session,
			 const struct memalloc_alloc *alloc)
{
	switch (alloc->kind) {
	case MEMALLOC_KIND_OBJECT:
		return bytes_of_objects(session, alloc);
	case MEMALLOC_KIND_ELEMENT:
		return bytes_of_element(session, alloc);
	case MEMALLOC_KIND_PERCPU:
		return alloc->bytes * (uint64_t)sysconf(_SC_NPROCESSORS_CONF);
	case MEMALLOC_KIND_KMALLOC:
	case MEMALLOC_KIND_AREA:
		return alloc->bytes;
	default:
		return (uint64_t)sysconf(_SC_PAGESIZE) << (alloc->order & 31);
	}
}

static void advise_limit(const char *parameter)
{
	advise("Root can change it in " PARAMETERS "%s.",
	       parameter);
}

static void explain_quota(const struct session *session, uint64_t bytes)
{
	char used[NUMBER_BYTES_MAX], limit[NUMBER_BYTES_MAX];
	struct memalloc_stats_file file;

	bytes += 512; /* approximate size of a handle */
	if (device_stats(&session->device, MEMALLOC_SECTION_FILE, 0, &file,
			 sizeof(file), NULL)) {
		complain("cannot allocate: a quota is exhausted");
		advise("See \"memallocctl stat file\" and " PARAMETERS ".");
	} else if (would_exceed(file.handles, 1, file.handles_limit)) {
		complain("cannot allocate: this process has %llu handles, "
			 "the quota is %llu", file.handles,
			 file.handles_limit);
		advise("Free some, or raise the quota.");
		advise_limit("quota_handles");
	} else if (would_exceed(file.user_handles, 1, file.user_handles_limit)) {
		complain("cannot allocate: the processes of this user have %llu "
			 "handles, the quota is %llu", file.user_handles,
			 file.user_handles_limit);
		advise("Free some, or raise the quota.");
		advise_limit("quota_user_handles");
	} else if (would_exceed(file.bytes + file.described_bytes, bytes,
				file.bytes_limit)) {
		complain("cannot allocate: this process has %s, the quota is "
			 "%s", number_format_bytes(file.bytes, used),
			 number_format_bytes(file.bytes_limit, limit));
		advise("Free some, or raise the quota.");
		advise_limit("quota_file_mb");
	} else if (would_exceed(file.user_bytes, bytes, file.user_bytes_limit)) {
		complain("cannot allocate: the processes of this user have %s, "
			 "the quota is %s",
			 number_format_bytes(file.user_bytes, used),
			 number_format_bytes(file.user_bytes_limit, limit));
		advise("Free some, or raise the quota.");
		advise_limit("quota_user_mb");
	} else {
		complain("cannot allocate: all users of the device have %s, "
			 "the quota is %s",
			 number_format_bytes(file.device_bytes, used),
			 number_format_bytes(file.device_bytes_limit, limit));
		advise("Wait until another user frees some, or raise the quota.");
		advise_limit("quota_device_mb");
	}
}

static void explain_no_host_memory(const struct session *session,
				   const struct memalloc_alloc *alloc)
{
	bool pages = alloc->kind == MEMALLOC_KIND_PAGES;
	char size[NUMBER_BYTES_MAX];

	complain("cannot allocate: the host has no %s%s to lend%s",
		 pages ? "contiguous " : "",
		 number_format_bytes(bytes_of(session, alloc), size),
		 alloc->gfp & MEMALLOC_GFP_DMA ? " in zone DMA" :
		 alloc->gfp & MEMALLOC_GFP_DMA32 ? " in zone DMA32" : "");
	if (alloc->gfp & (MEMALLOC_GFP_DMA | MEMALLOC_GFP_DMA32))
		advise("This zone is small, and some machines do not have it: "
		       "see /proc/buddyinfo.");
	else if ((alloc->gfp & MEMALLOC_GFP_MODE) == MEMALLOC_GFP_ATOMIC ||
		 (alloc->gfp & MEMALLOC_GFP_MODE) == MEMALLOC_GFP_NOWAIT)
		advise("This GFP mode does not wait for memory: try --gfp kernel.");
	else
		advise("Try %s, or see /proc/buddyinfo for the host's free memory.",
		       pages ? "a lower order" : "a smaller one");
}

/* Return: true if the mempool is out of elements, after a complaint. */
static bool explain_no_element(const struct session *session,
			       const struct memalloc_alloc *alloc)
{
	struct memalloc_stats_mempool pool;

	if (alloc->kind != MEMALLOC_KIND_ELEMENT ||
	    device_stats_mempool(&session->device, alloc->parent, &pool, NULL) ||
	    pool.elements)
		return false;
	complain("cannot allocate: all %llu elements of the mempool are allocated%s",
		 pool.min_nr, alloc->flags & MEMALLOC_ALLOC_PREALLOCATED ? "" :
		 ", and there is no memory for more");
	advise("Free some, or enlarge the mempool with \"resize\".");
	return true;
}

static void explain_no_memory(const struct session *session,
			      const struct memalloc_alloc *alloc)
{
	char held[NUMBER_BYTES_MAX], cap[NUMBER_BYTES_MAX];
	struct memalloc_stats_borrowing b;
	uint64_t bytes = bytes_of(session, alloc);

	if (explain_no_element(session, alloc))
		return;
	if (session->injecting) {
		complain("cannot allocate: out of memory, or the failure "
			 "requested with \"inject\"");
		return;
	}
	if (device_stats(&session->device, MEMALLOC_SECTION_BORROWING, 0, &b,
			 sizeof(b), NULL) ||
	    borrowing_allows(&b, (bytes + b.page_size - 1) / b.page_size)) {
		explain_no_host_memory(session, alloc);
		return;
	}
	complain("cannot allocate: memalloc has borrowed %s from the host, the "
		 "cap is %s", number_format_bytes(b.borrowed * b.page_size +
						      b.metadata_bytes, held),
		 number_format_bytes(b.cap * b.page_size, cap));
	advise("Free some, or raise the cap: as root run "
	       "\"echo MEBIBYTES >" PARAMETERS "cap_mb\".");
}

/* Return: true if the handle is valid, but of another kind. */
static bool is_other_kind(const struct session *session, uint64_t handle,
			  uint32_t kind)
{
	struct memalloc_info info = { .handle = handle };

	return !device_info(&session->device, &info) && info.out_kind != kind;
}

/* Return: true if the parent is of the wrong kind, after a complaint. */
static bool explain_bad_parent(const struct session *session,
			       const struct memalloc_alloc *alloc)
{
	if (alloc->kind == MEMALLOC_KIND_OBJECT &&
	    is_other_kind(session, alloc->parent, MEMALLOC_KIND_CACHE)) {
		complain("cannot allocate: --cache names a handle that is not a "
			 "cache");
		advise("Use \"cache create\" to create one.");
		return true;
	}
	if (alloc->kind == MEMALLOC_KIND_ELEMENT &&
	    is_other_kind(session, alloc->parent, MEMALLOC_KIND_MEMPOOL)) {
		complain("cannot allocate: --mempool names a handle that is not "
			 "a mempool");
		advise("Use \"mempool create\" to create one.");
		return true;
	}
	return false;
}

/* Return: true if the kind does not allow an option, after a complaint. */
static bool explain_bad_choice(const struct memalloc_alloc *alloc)
{
	const uint32_t place = MEMALLOC_GFP_DMA | MEMALLOC_GFP_DMA32 |
			       MEMALLOC_GFP_THISNODE;

	if (alloc->kind != MEMALLOC_KIND_ELEMENT &&
	    alloc->kind != MEMALLOC_KIND_PERCPU)
		return false;
	if (alloc->node >= 0 || alloc->gfp & place) {
		complain("cannot allocate: node and zone cannot be chosen for "
			 "%s", alloc->kind == MEMALLOC_KIND_ELEMENT ?
			 "an element" : "a per-CPU area");
		advise(alloc->kind == MEMALLOC_KIND_ELEMENT ?
		       "\"mempool create\" determines both." :
		       "The copy of each CPU is on the CPU's node.");
		return true;
	}
	if (alloc->kind == MEMALLOC_KIND_PERCPU && alloc->bytes > 32768) {
		complain("cannot allocate: the maximum for a per-CPU area is "
			 "32 KiB or a page, whichever is larger, on each CPU");
		advise("Use several areas, or \"alloc --area\".");
		return true;
	}
	return false;
}

static void explain_bad_alloc(const struct session *session,
			      const struct memalloc_alloc *alloc)
{
	const uint32_t dma = MEMALLOC_GFP_DMA | MEMALLOC_GFP_DMA32;

	if (explain_bad_parent(session, alloc))
		return;
	if (alloc->kind == MEMALLOC_KIND_OBJECT && alloc->gfp & dma) {
		complain("cannot allocate: the cache determines the zone of its "
			 "objects");
		advise("Create the cache with --flags dma or dma32.");
		return;
	}
	if (alloc->kind == MEMALLOC_KIND_KMALLOC &&
	    alloc->gfp & MEMALLOC_GFP_DMA32) {
		complain("cannot allocate: kmalloc has no size classes in zone "
			 "DMA32");
		advise("Use --gfp dma, pages, or a cache with --flags dma32.");
		return;
	}
	if (explain_bad_choice(alloc))
		return;
	complain("cannot allocate: the module rejects this combination of "
		 "%s, gfp and node", alloc->kind == MEMALLOC_KIND_PAGES ?
		 "order" : "size");
	if (alloc->node >= 0)
		advise("Does NUMA node %d exist? See "
		       "/sys/devices/system/node/possible.", alloc->node);
	if (!(alloc->gfp & ~MEMALLOC_GFP_MODE))
		return;
	advise("Invalid combinations: two of noretry, retry_mayfail and "
	       "nofail; nofail with atomic or nowait; dma with dma32; either "
	       "with highmem or highuser.");
}

/* Complain about missing permission for a zone; @advice is the alternative. */
static void explain_zone_permission(const char *what, const char *advice)
{
	complain("cannot %s: permission denied, CAP_SYS_RAWIO is needed for "
		 "memory of zones DMA and DMA32", what);
	advise("%s, or run this as root, e.g. with sudo.", advice);
}

void explain_alloc(const struct session *session,
		   const struct memalloc_alloc *alloc, int err)
{
	switch (-err) {
	case EDQUOT:
		explain_quota(session, bytes_of(session, alloc));
		break;
	case ENOMEM:
		explain_no_memory(session, alloc);
		break;
	case EINVAL:
		explain_bad_alloc(session, alloc);
		break;
	case EPERM:
		explain_zone_permission("allocate", alloc->kind == MEMALLOC_KIND_OBJECT ||
					alloc->kind == MEMALLOC_KIND_ELEMENT ?
			     "Use a cache without --flags dma or dma32" :
			     "Remove dma and dma32 from --gfp");
		break;
	case ENOENT:
		complain("cannot allocate: this process has no such %s",
			 alloc->kind == MEMALLOC_KIND_ELEMENT ? "mempool" :
			 "cache");
		advise("A handle is valid only in the process that created it, "
		       "until it is freed; \"list\" shows valid handles.");
		break;
	case ENOSPC:
		complain("cannot allocate: this process has exhausted the "
			 "offsets for mapping memory");
		advise("Free some allocations; other processes are not affected.");
		break;
	default:
		explain_command(session, "allocate", err);
	}
}

void explain_cache_create(const struct session *session,
			  const struct memalloc_cache_create *create, int err)
{
	switch (-err) {
	case EDQUOT:
		explain_quota(session, 0);
		break;
	case EINVAL:
		complain("cannot create the cache: the module rejects this "
			 "combination of size, alignment, user-copy region "
			 "and flags");
		if (create->align & (create->align - 1) ||
		    create->align > (uint64_t)sysconf(_SC_PAGESIZE))
			advise("--align must be a power of two, at most a page.");
		if ((uint64_t)create->useroffset + create->usersize >
		    create->object_size)
			advise("The sum of --useroffset and --usersize must not "
			       "exceed --size.");
		if (create->object_size >
		    (uint64_t)sysconf(_SC_PAGESIZE) << MEMALLOC_MAX_ORDER)
			advise("--size must not exceed 2^%u pages.",
			       MEMALLOC_MAX_ORDER);
		if (create->flags & MEMALLOC_CACHE_DMA &&
		    create->flags & MEMALLOC_CACHE_DMA32)
			advise("--flags must not have both dma and dma32.");
		break;
	case EPERM:
		if (!(create->flags & MEMALLOC_CACHE_NO_REAP)) {
			explain_zone_permission("create the cache",
						"Remove dma and dma32 from --flags");
			break;
		}
		complain("cannot create the cache: permission denied, no_reap "
			 "needs CAP_SYS_ADMIN as it exempts the cache from "
			 "reclaim");
		advise("Remove no_reap from --flags, or run this as root, e.g. "
		       "with sudo.");
		break;
	default:
		explain_command(session, "create the cache", err);
	}
}

void explain_mempool_create(const struct session *session,
			    const struct memalloc_mempool_create *create, int err)
{
	switch (-err) {
	case EDQUOT:
		explain_quota(session, 0);
		break;
	case ENOENT:
		complain("cannot create the mempool: this process has no such "
			 "cache");
		advise("Use \"cache create\" to create one.");
		break;
	case EPERM:
		explain_zone_permission("create the mempool",
					"Use a cache without --flags dma or dma32");
		break;
	case EINVAL:
		if (create->backend == MEMALLOC_MEMPOOL_CACHE &&
		    is_other_kind(session, create->parent, MEMALLOC_KIND_CACHE)) {
			complain("cannot create the mempool: --cache names a "
				 "handle that is not a cache");
			advise("Use \"cache create\" to create one.");
			break;
		}
		complain("cannot create the mempool: the module rejects this "
			 "combination of minimum, element, gfp and node");
		advise("--kmalloc must not exceed 2^%u pages. --gfp "
		       "must not name a zone if --cache is given.",
		       MEMALLOC_MAX_ORDER);
		break;
	default:
		explain_command(session, "create the mempool", err);
	}
}

static void explain_resize_mempool(const struct session *session,
				   const char *name, int err)
{
	char what[64];

	switch (-err) {
	case EDQUOT:
		explain_quota(session, 0);
		break;
	case EINVAL:
		complain("cannot resize %s: the module rejects this minimum or "
			 "--gfp", name);
		advise("The minimum is 1 to %u elements; --gfp is for kmalloc.",
		       MEMALLOC_MEMPOOL_MAX);
		break;
	case EPERM:
		snprintf(what, sizeof(what), "resize %.40s", name);
		explain_zone_permission(what, "Keep its size");
		break;
	default:
		snprintf(what, sizeof(what), "resize %.40s", name);
		explain_command(session, what, err);
	}
}

void explain_resize(const struct session *session, const char *name,
		    const struct memalloc_resize *resize, int err)
{
	const struct memalloc_alloc alloc = {
		.kind = MEMALLOC_KIND_KMALLOC,
		.gfp = resize->gfp,
		.node = -1,
		.bytes = resize->bytes,
	};
	const struct target target = {
		.action = "resize", .name = name, .handle = resize->handle,
	};
	char what[64];

	if (resize->min_nr) {
		explain_resize_mempool(session, name, err);
		return;
	}
	switch (-err) {
	case EDQUOT:
	case ENOMEM:
		explain_alloc(session, &alloc, err);
		break;
	case EINVAL:
		complain("cannot resize %s: the module rejects this size or "
			 "--gfp", name);
		advise("The maximum is 2^%u pages. --gfp must not have a zone, "
		       "thisnode or nofail.", MEMALLOC_MAX_ORDER);
		break;
	case EPERM:
		snprintf(what, sizeof(what), "resize %.40s", name);
		explain_zone_permission(what, "Keep its size");
		break;
	default:
		explain_target(session, &target, err);
	}
}

/* The cache's user-copy region forbids it; privileges do not matter. */
static void explain_not_copyable(const struct session *session,
				 const struct target *target)
{
	struct memalloc_info info = { .handle = target->handle };
	struct memalloc_stats_cache cache;

	complain("cannot %s %s: the bytes are outside the user-copy region of "
		 "the cache", target->action, target->name);
	if (device_info(&session->device, &info) ||
	    device_stats_cache(&session->device, info.out_parent, &cache, NULL))
		return;
	if (cache.usersize)
		advise("The region is bytes %llu to %llu of each object. "
		       "\"fill\" and \"verify\" can access all.", cache.useroffset,
		       cache.useroffset + cache.usersize - 1);
	else
		advise("The region is empty; \"fill\" and \"verify\" can access "
		       "all bytes.");
}

static void explain_range(const struct session *session,
			  const struct target *target)
{
	struct memalloc_info info = { .handle = target->handle };

	if (device_info(&session->device, &info))
		complain("cannot %s %s: offset and length exceed its size",
			 target->action, target->name);
	else
		complain("cannot %s %s: %" PRIu64 " bytes at offset %" PRIu64
			 " exceed its size of %llu bytes", target->action,
			 target->name, target->length, target->offset,
			 info.out_bytes);
	advise("The sum of --offset and --length must not exceed the size.");
}

/* For READ and WRITE, EPERM is about the region; else about a privilege. */
static bool is_copy(const struct target *target)
{
	return !strcmp(target->action, "read") ||
	       !strcmp(target->action, "write to");
}

void explain_target(const struct session *session, const struct target *target,
		    int err)
{
	char what[64];

	if (err == -EPERM && is_copy(target)) {
		explain_not_copyable(session, target);
		return;
	}

	switch (-err) {
	case ENOENT:
		complain("cannot %s %s: this process has no such handle",
			 target->action, target->name);
		advise("A handle is valid only in the process that created it, "
		       "until it is freed; \"list\" shows valid handles.");
		break;
	case EOVERFLOW:
		explain_range(session, target);
		break;
	case EBUSY:
		complain("cannot %s %s: it is still in use",
			 target->action, target->name);
		advise("Free its objects, elements and mempools first; \"list\" "
		       "shows all handles.");
		break;
	case EOPNOTSUPP:
		complain("cannot %s %s: its kind does not support that",
			 target->action, target->name);
		advise("\"resize\" is for mempools and kmalloc memory, "
		       "\"shrink\" for caches.");
		break;
	case EFAULT:
		complain("cannot %s %s: the kernel cannot access this program's "
			 "buffer", target->action, target->name);
		advise("This is a bug in this program: please report it.");
		break;
	default:
		snprintf(what, sizeof(what), "%s %.40s", target->action,
			 target->name);
		explain_command(session, what, err);
	}
}
