// SPDX-License-Identifier: GPL-2.0
/*
 * What an errno of the device means, and what to do about it
 *
 * One sentence says what happened; the advice below it, what to do. Where the
 * errno leaves open which of several limits was met, the statistics tell, and
 * are read here: the module does the counting, this file only compares.
 */
#include <errno.h>
#include <grp.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "complaint.h"
#include "explain.h"
#include "number.h"

#define PARAMETERS "/sys/module/memalloc/parameters/"

static void explain_absent(const char *path, int err)
{
	complain("cannot open %s: %s", path,
		 err == -ENOENT ? "there is no such file" : strerror(-err));
	if (access("/sys/module/memalloc", F_OK))
		advise("Is the module loaded? In the source tree \"make load\" "
		       "does it; if it is installed, \"modprobe memalloc\".");
	else
		advise("The module is loaded. \"udevadm trigger\" makes the "
		       "file anew if udev missed it.");
}

/* Who may write to the device. */
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
		advise("Only root may. To let the members of a group, install "
		       "the udev rule tools/70-memalloc.rules; or run this "
		       "with sudo.");
	else if (group)
		advise("Members of the group \"%s\" may: as root \"usermod "
		       "-aG %s USER\", then log in again; or run this with "
		       "sudo.", group->gr_name, group->gr_name);
	else
		advise("Members of group %u may, but no group has that number: "
		       "run this with sudo.", (unsigned int)status.st_gid);
}

static void explain_forbidden(const char *path)
{
	complain("cannot open %s: you may not read and write it", path);
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

	complain("cannot %s: %s does not know this command", what,
		 session->device.path);
	if (device_stats(&session->device, MEMALLOC_SECTION_BORROWING, 0,
			 &borrowing, sizeof(borrowing), NULL) == -ENOTTY)
		advise("It does not seem to be the device of memalloc.");
	else
		advise("The module is older than this program: build both "
		       "from one source, then \"make load\".");
}

void explain_command(const struct session *session, const char *what, int err)
{
	switch (-err) {
	case ENOTTY:
		explain_unknown_command(session, what);
		break;
	case EPERM:
		complain("cannot %s: it takes CAP_SYS_ADMIN", what);
		advise("Run this as root, for example with sudo.");
		break;
	case EINTR:
		complain("cannot %s: a signal came before it was done", what);
		break;
	case E2BIG:
		complain("cannot %s: the module does not know all that was "
			 "asked", what);
		advise("The module is older than this program: build both "
		       "from one source, then \"make load\".");
		break;
	case EINVAL:
		complain("cannot %s: the module says that the request makes "
			 "no sense to it", what);
		advise("The module may be of another version than this "
		       "program: build both from one source.");
		break;
	case ENOMEM:
		complain("cannot %s: no memory for it%s", what,
			 session->injecting ? ", or this is the failure that "
			 "was asked for with inject" : "");
		break;
	case EBADF:
		complain("cannot %s: you may read %s, but not write it", what,
			 session->device.path);
		explain_group(session->device.path);
		break;
	default:
		complain("cannot %s: %s", what, strerror(-err));
	}
}

/* The limits: which of them an allocation met. */

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

/* What it takes from the allocator, about. */
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
	advise("It is set by " PARAMETERS "%s, which root can write to.",
	       parameter);
}

static void explain_quota(const struct session *session, uint64_t bytes)
{
	char used[NUMBER_BYTES_MAX], limit[NUMBER_BYTES_MAX];
	struct memalloc_stats_file file;

	if (device_stats(&session->device, MEMALLOC_SECTION_FILE, 0, &file,
			 sizeof(file), NULL)) {
		complain("cannot allocate: a quota is used up");
		advise("See \"memallocctl stat file\" and " PARAMETERS ".");
	} else if (would_exceed(file.handles, 1, file.handles_limit)) {
		complain("cannot allocate: this process holds %llu handles, "
			 "and its quota is %llu", file.handles,
			 file.handles_limit);
		advise("Free some, or raise the quota.");
		advise_limit("quota_handles");
	} else if (would_exceed(file.bytes, bytes, file.bytes_limit)) {
		complain("cannot allocate: this process holds %s, and its "
			 "quota is %s", number_format_bytes(file.bytes, used),
			 number_format_bytes(file.bytes_limit, limit));
		advise("Free some, or raise the quota.");
		advise_limit("quota_file_mb");
	} else {
		complain("cannot allocate: all users of the device together "
			 "hold %s, and their quota is %s",
			 number_format_bytes(file.device_bytes, used),
			 number_format_bytes(file.device_bytes_limit, limit));
		advise("Wait until others free some, or raise the quota.");
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
		advise("Not every machine has such a zone, and it is small: "
		       "see /proc/buddyinfo.");
	else if ((alloc->gfp & MEMALLOC_GFP_MODE) == MEMALLOC_GFP_ATOMIC ||
		 (alloc->gfp & MEMALLOC_GFP_MODE) == MEMALLOC_GFP_NOWAIT)
		advise("This mode may not wait for any: try --gfp kernel.");
	else
		advise("Try %s, or look at /proc/buddyinfo for what the host has.",
		       pages ? "a lower order" : "a smaller one");
}

/* Return: was it for want of elements? Then that has been said. */
static bool explain_no_element(const struct session *session,
			       const struct memalloc_alloc *alloc)
{
	struct memalloc_stats_mempool pool;

	if (alloc->kind != MEMALLOC_KIND_ELEMENT ||
	    device_stats_mempool(&session->device, alloc->parent, &pool, NULL) ||
	    pool.elements)
		return false;
	complain("cannot allocate: all %llu elements of the mempool are out%s",
		 pool.min_nr, alloc->flags & MEMALLOC_ALLOC_PREALLOCATED ? "" :
		 ", and there is no memory for more");
	advise("Free some, or give it more with \"resize\".");
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
		complain("cannot allocate: the failure that was asked for with "
			 "inject, or no memory");
		return;
	}
	if (device_stats(&session->device, MEMALLOC_SECTION_BORROWING, 0, &b,
			 sizeof(b), NULL) ||
	    !would_exceed(b.borrowed, (bytes + b.page_size - 1) / b.page_size,
			  b.cap)) {
		explain_no_host_memory(session, alloc);
		return;
	}
	complain("cannot allocate: memalloc has borrowed %s from the host, and "
		 "its cap is %s", number_format_bytes(b.borrowed * b.page_size,
						      held),
		 number_format_bytes(b.cap * b.page_size, cap));
	advise("Free some, or raise the cap: as root, "
	       "\"echo MEBIBYTES >" PARAMETERS "cap_mb\".");
}

/* Return: is the handle good, but not of this kind? */
static bool is_other(const struct session *session, uint64_t handle,
		     uint32_t kind)
{
	struct memalloc_info info = { .handle = handle };

	return !device_info(&session->device, &info) && info.out_kind != kind;
}

/* Return: is it made from what it cannot be made from? Then that has been said. */
static bool explain_bad_parent(const struct session *session,
			       const struct memalloc_alloc *alloc)
{
	if (alloc->kind == MEMALLOC_KIND_OBJECT &&
	    is_other(session, alloc->parent, MEMALLOC_KIND_CACHE)) {
		complain("cannot allocate: what --cache names is no cache");
		advise("\"cache create\" makes one.");
		return true;
	}
	if (alloc->kind == MEMALLOC_KIND_ELEMENT &&
	    is_other(session, alloc->parent, MEMALLOC_KIND_MEMPOOL)) {
		complain("cannot allocate: what --mempool names is no mempool");
		advise("\"mempool create\" makes one.");
		return true;
	}
	return false;
}

/* What some kinds leave no choice of. Return: was it that? */
static bool explain_bad_choice(const struct memalloc_alloc *alloc)
{
	const uint32_t place = MEMALLOC_GFP_DMA | MEMALLOC_GFP_DMA32 |
			       MEMALLOC_GFP_THISNODE;

	if (alloc->kind != MEMALLOC_KIND_ELEMENT &&
	    alloc->kind != MEMALLOC_KIND_PERCPU)
		return false;
	if (alloc->node >= 0 || alloc->gfp & place) {
		complain("cannot allocate: for %s no node and no zone can be "
			 "chosen", alloc->kind == MEMALLOC_KIND_ELEMENT ?
			 "an element" : "a per-CPU area");
		advise(alloc->kind == MEMALLOC_KIND_ELEMENT ?
		       "A mempool has its elements where it was created." :
		       "Each CPU has its bytes on its own node.");
		return true;
	}
	if (alloc->kind == MEMALLOC_KIND_PERCPU && alloc->bytes > 32768) {
		complain("cannot allocate: a per-CPU area has at most 32 KiB, "
			 "or a page if that is more, on each CPU");
		advise("Use several, or \"alloc --area\".");
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
		complain("cannot allocate: the zone of an object is that of its "
			 "cache");
		advise("Create the cache with --flags dma or dma32.");
		return;
	}
	if (alloc->kind == MEMALLOC_KIND_KMALLOC &&
	    alloc->gfp & MEMALLOC_GFP_DMA32) {
		complain("cannot allocate: kmalloc has no size classes in zone "
			 "DMA32");
		advise("Use --gfp dma, or pages, or a cache with --flags dma32.");
		return;
	}
	if (explain_bad_choice(alloc))
		return;
	complain("cannot allocate: the module refuses this combination of "
		 "%s, gfp and node", alloc->kind == MEMALLOC_KIND_PAGES ?
		 "order" : "size");
	if (alloc->node >= 0)
		advise("Is there a NUMA node %d? See "
		       "/sys/devices/system/node/possible.", alloc->node);
	if (!(alloc->gfp & ~MEMALLOC_GFP_MODE))
		return;
	advise("These do not go together: two of noretry, retry_mayfail and "
	       "nofail; nofail with atomic or nowait; dma with dma32; either "
	       "with highmem or highuser.");
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
	case ENOENT:
		complain("cannot allocate: this process has no such %s",
			 alloc->kind == MEMALLOC_KIND_ELEMENT ? "mempool" :
			 "cache");
		advise("It is good only in the process that created it, until "
		       "it is freed; \"list\" shows those there are.");
		break;
	case ENOSPC:
		complain("cannot allocate: this process has used up all "
			 "offsets at which memory can be mapped");
		advise("Free some; other processes are not affected.");
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
		complain("cannot create the cache: the module refuses this "
			 "combination of size, alignment, part for user space "
			 "and flags");
		if (create->align & (create->align - 1) ||
		    create->align > (uint64_t)sysconf(_SC_PAGESIZE))
			advise("--align: a power of two, up to a page.");
		if ((uint64_t)create->useroffset + create->usersize >
		    create->object_size)
			advise("--useroffset and --usersize together must not "
			       "be more than --size.");
		if (create->object_size >
		    (uint64_t)sysconf(_SC_PAGESIZE) << MEMALLOC_MAX_ORDER)
			advise("--size: the largest object is 2^%u pages.",
			       MEMALLOC_MAX_ORDER);
		if (create->flags & MEMALLOC_CACHE_DMA &&
		    create->flags & MEMALLOC_CACHE_DMA32)
			advise("--flags: dma and dma32 do not go together.");
		break;
	case EPERM:
		complain("cannot create the cache: no_reap takes CAP_SYS_ADMIN, "
			 "as no shortage of memory takes back what such a cache keeps");
		advise("Leave no_reap out of --flags, or run this as root, for "
		       "example with sudo.");
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
		advise("\"cache create\" makes one.");
		break;
	case EINVAL:
		if (create->backend == MEMALLOC_MEMPOOL_CACHE &&
		    is_other(session, create->parent, MEMALLOC_KIND_CACHE)) {
			complain("cannot create the mempool: what --cache names "
				 "is no cache");
			advise("\"cache create\" makes one.");
			break;
		}
		complain("cannot create the mempool: the module refuses this "
			 "combination of minimum, element, gfp and node");
		advise("--kmalloc: at most the bytes of 2^%u pages. --gfp: no "
		       "zone for objects of a cache, which has one.",
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
		complain("cannot resize %s: the module refuses this minimum, or "
			 "what --gfp asks for", name);
		advise("A mempool has 1 to %u elements; --gfp is for kmalloc.",
		       MEMALLOC_MEMPOOL_MAX);
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
	const struct access access = { "resize", name, resize->handle, 0, 0 };

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
		complain("cannot resize %s: the module refuses this size, or "
			 "what --gfp asks for", name);
		advise("The largest size is 2^%u pages; no zone, thisnode or "
		       "nofail.", MEMALLOC_MAX_ORDER);
		break;
	default:
		explain_access(session, &access, err);
	}
}

/* Not for want of a privilege: only part of an object may be copied. */
static void explain_not_copyable(const struct session *session,
				 const struct access *access)
{
	struct memalloc_info info = { .handle = access->handle };
	struct memalloc_stats_cache cache;

	complain("cannot %s %s: its cache does not let all of these bytes be "
		 "copied to or from user space", access->verb, access->name);
	if (device_info(&session->device, &info) ||
	    device_stats_cache(&session->device, info.out_parent, &cache, NULL))
		return;
	if (cache.usersize)
		advise("Of each object, bytes %llu to %llu may be. \"fill\" and "
		       "\"verify\" reach all.", cache.useroffset,
		       cache.useroffset + cache.usersize - 1);
	else
		advise("None may be; \"fill\" and \"verify\" reach all.");
}

static void explain_range(const struct session *session,
			  const struct access *access)
{
	struct memalloc_info info = { .handle = access->handle };

	if (device_info(&session->device, &info))
		complain("cannot %s %s: offset and length reach beyond its end",
			 access->verb, access->name);
	else
		complain("cannot %s %s: %" PRIu64 " bytes from offset %" PRIu64
			 " on are not all within its %llu bytes", access->verb,
			 access->name, access->length, access->offset,
			 info.out_bytes);
	advise("Choose --offset and --length so that their sum is at most the "
	       "size.");
}

/* What READ and WRITE say with EPERM; else it is for want of a privilege. */
static bool copies(const struct access *access)
{
	return !strcmp(access->verb, "read") ||
	       !strcmp(access->verb, "write to");
}

void explain_access(const struct session *session, const struct access *access,
		    int err)
{
	char what[64];

	if (err == -EPERM && copies(access)) {
		explain_not_copyable(session, access);
		return;
	}

	switch (-err) {
	case ENOENT:
		complain("cannot %s %s: this process holds no such handle",
			 access->verb, access->name);
		advise("A handle is good only in the process that allocated, "
		       "until it is freed; \"list\" shows those there are.");
		break;
	case EOVERFLOW:
		explain_range(session, access);
		break;
	case EBUSY:
		complain("cannot %s %s: there is still something that was made "
			 "from it", access->verb, access->name);
		advise("Free its objects, elements and mempools first; \"list\" "
		       "shows what there is.");
		break;
	case EOPNOTSUPP:
		complain("cannot %s %s: it is not of a kind with which that can "
			 "be done", access->verb, access->name);
		advise("Only mempools, and what \"alloc --kmalloc\" made, can be "
		       "resized, and only a cache be shrunk.");
		break;
	case EFAULT:
		complain("cannot %s %s: the buffer of this program is not all "
			 "there", access->verb, access->name);
		advise("That is a defect of this program: please report it.");
		break;
	default:
		snprintf(what, sizeof(what), "%s %.40s", access->verb,
			 access->name);
		explain_command(session, what, err);
	}
}
