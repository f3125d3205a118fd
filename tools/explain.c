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

static uint64_t bytes_of(const struct memalloc_alloc *alloc)
{
	return (uint64_t)sysconf(_SC_PAGESIZE) << (alloc->order & 31);
}

static void advise_limit(const char *parameter)
{
	advise("It is set by " PARAMETERS "%s, which root can write to.",
	       parameter);
}

static void explain_quota(const struct session *session,
			  const struct memalloc_alloc *alloc)
{
	char used[NUMBER_BYTES_MAX], limit[NUMBER_BYTES_MAX];
	uint64_t bytes = bytes_of(alloc);
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

static void explain_no_host_memory(const struct memalloc_alloc *alloc)
{
	char size[NUMBER_BYTES_MAX];

	complain("cannot allocate: the host has no contiguous %s to lend%s",
		 number_format_bytes(bytes_of(alloc), size),
		 alloc->gfp & MEMALLOC_GFP_DMA ? " in zone DMA" :
		 alloc->gfp & MEMALLOC_GFP_DMA32 ? " in zone DMA32" : "");
	if (alloc->gfp & (MEMALLOC_GFP_DMA | MEMALLOC_GFP_DMA32))
		advise("Not every machine has such a zone, and it is small: "
		       "see /proc/buddyinfo.");
	else if ((alloc->gfp & MEMALLOC_GFP_MODE) == MEMALLOC_GFP_ATOMIC ||
		 (alloc->gfp & MEMALLOC_GFP_MODE) == MEMALLOC_GFP_NOWAIT)
		advise("This mode may not wait for any: try --gfp kernel.");
	else
		advise("Try a lower order, or look at /proc/buddyinfo for what "
		       "the host has.");
}

static void explain_no_memory(const struct session *session,
			      const struct memalloc_alloc *alloc)
{
	char held[NUMBER_BYTES_MAX], cap[NUMBER_BYTES_MAX];
	struct memalloc_stats_borrowing b;

	if (session->injecting) {
		complain("cannot allocate: the failure that was asked for with "
			 "inject, or no memory");
		return;
	}
	if (device_stats(&session->device, MEMALLOC_SECTION_BORROWING, 0, &b,
			 sizeof(b), NULL) ||
	    !would_exceed(b.borrowed, 1ULL << (alloc->order & 31), b.cap)) {
		explain_no_host_memory(alloc);
		return;
	}
	complain("cannot allocate: memalloc has borrowed %s from the host, and "
		 "its cap is %s", number_format_bytes(b.borrowed * b.page_size,
						      held),
		 number_format_bytes(b.cap * b.page_size, cap));
	advise("Free some, or raise the cap: as root, "
	       "\"echo MEBIBYTES >" PARAMETERS "cap_mb\".");
}

static void explain_bad_alloc(const struct memalloc_alloc *alloc)
{
	complain("cannot allocate: the module refuses this combination of "
		 "order, gfp and node");
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
		explain_quota(session, alloc);
		break;
	case ENOMEM:
		explain_no_memory(session, alloc);
		break;
	case EINVAL:
		explain_bad_alloc(alloc);
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

void explain_access(const struct session *session, const struct access *access,
		    int err)
{
	char what[64];

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
