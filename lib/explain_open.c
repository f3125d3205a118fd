// SPDX-License-Identifier: GPL-2.0
/*
 * The reason why the device cannot be opened, or not for writing
 */
#include <errno.h>
#include <grp.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <memalloc.h>

#include "text.h"

enum { GROUP_BYTES = 4096 }; /* of the entry of a group; a larger one has no name */

/* The name is in @buffer. Return: NULL if the group has no name. */
static const char *group_name(gid_t gid, char buffer[GROUP_BYTES])
{
	struct group entry, *group = NULL;

	if (getgrgid_r(gid, &entry, buffer, GROUP_BYTES, &group) || !group)
		return NULL;
	return group->gr_name;
}

void memalloc_text_access(struct text *text, const struct stat *status)
{
	char buffer[GROUP_BYTES];
	const char *name;

	if (!status) {
		memalloc_text_line(text, "Run this with sudo.");
		return;
	}
	if (!status->st_gid || !(status->st_mode & S_IWGRP)) {
		memalloc_text_line(text, "Only root has access. To grant it to a group, "
				   "install the udev rule tools/70-memalloc.rules; or run "
				   "this with sudo.");
		return;
	}
	name = group_name(status->st_gid, buffer);
	if (name)
		memalloc_text_line(text, "Members of group \"%s\" have access: as root run "
				   "\"usermod -aG %s USER\", then log in again; or run this "
				   "with sudo.", name, name);
	else
		memalloc_text_line(text, "Group %u has access, but it has no name: run this "
				   "with sudo.", (unsigned int)status->st_gid);
}

static void advise_loading(struct text *text)
{
	if (access("/sys/module/memalloc", F_OK))
		memalloc_text_line(text, "The module is not loaded. Run \"make load\" in the "
				   "source tree, or \"modprobe memalloc\" if it is installed.");
	else
		memalloc_text_line(text, "The module is loaded. Run \"udevadm trigger\" in case "
				   "udev missed the device.");
}

static void explain(struct text *text, const char *path, int error)
{
	const bool other = strcmp(path, MEMALLOC_DEVICE_PATH);
	struct stat status;

	if (error == ENOENT || error == ENODEV || error == ENXIO) {
		memalloc_text_line(text, error == ENOENT ? "no such file" :
							   "the device has no driver");
		if (!other)
			advise_loading(text);
	} else if (error == EACCES || error == EPERM) {
		memalloc_text_line(text, "permission denied");
		memalloc_text_access(text, stat(path, &status) ? NULL : &status);
		return;
	} else if (error == EINVAL) {
		memalloc_text_line(text, "the flags have more than an access mode");
		memalloc_text_line(text, "Pass O_RDWR, O_RDONLY or O_WRONLY alone.");
	} else {
		memalloc_text_error(text, error);
	}
	if (other)
		memalloc_text_line(text, "The device is " MEMALLOC_DEVICE_PATH ".");
}

int memalloc_explain_open(const char *path, int error, char *buffer,
			  size_t size)
{
	const int saved = errno;
	struct text text;

	memalloc_text_init(&text, buffer, size);
	explain(&text, path ? path : MEMALLOC_DEVICE_PATH,
		error < 0 ? -error : error);
	errno = saved;
	return (int)text.length;
}
