// SPDX-License-Identifier: GPL-2.0
/*
 * The open file of the device
 */
#include <errno.h>
#include <fcntl.h>

#include "device.h"

int device_open(struct device *device, const char *path)
{
	int fd = memalloc_open(path, O_RDWR);

	device->path = path;
	device->read_only = fd == -EACCES || fd == -EROFS;
	if (device->read_only)
		fd = memalloc_open(path, O_RDONLY);
	device->fd = fd < 0 ? -1 : fd;
	return fd < 0 ? fd : 0;
}

void device_close(struct device *device)
{
	if (device->fd >= 0)
		memalloc_close(device->fd);
	device->fd = -1;
}
