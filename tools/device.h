/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The open file of the device; libmemalloc executes the commands
 */
#ifndef DEVICE_H
#define DEVICE_H

#include <stdbool.h>

#include <memalloc.h>

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

#endif /* DEVICE_H */
