/* SPDX-License-Identifier: GPL-2.0 */
/*
 * host_failure.h: make the nth next allocation of the kernel fail
 *
 * The kernel's fail-nth counts what the calling thread takes from the host's
 * slab and page allocators, and what the kernel copies for it. It is only there
 * in kernels that are built for it.
 */
#ifndef HOST_FAILURE_H
#define HOST_FAILURE_H

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HOST_FAILURE_FILE	"/proc/thread-self/fail-nth"

static inline int host_failure_set(const char *fault, const char *name, const char *value)
{
	char path[128];
	int fd, err;

	snprintf(path, sizeof(path), "/sys/kernel/debug/%s/%s", fault, name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	err = write(fd, value, strlen(value)) < 0 ? -errno : 0;
	close(fd);
	return err;
}

/* Whatever may sleep fails as well, of any size, and says nothing. False: not there. */
static inline bool host_failure_prepare(void)
{
	return !access(HOST_FAILURE_FILE, W_OK) &&
	       !host_failure_set("failslab", "ignore-gfp-wait", "N") &&
	       !host_failure_set("failslab", "verbose", "0") &&
	       !host_failure_set("fail_page_alloc", "ignore-gfp-wait", "N") &&
	       !host_failure_set("fail_page_alloc", "ignore-gfp-highmem", "N") &&
	       !host_failure_set("fail_page_alloc", "min-order", "0") &&
	       !host_failure_set("fail_page_alloc", "verbose", "0") &&
	       !host_failure_set("fail_usercopy", "verbose", "0");
}

static inline int host_failure_file(void)
{
	static int fd = -1;

	if (fd < 0)
		fd = open(HOST_FAILURE_FILE, O_RDWR | O_CLOEXEC);
	return fd;
}

static inline int host_failure_write(unsigned int nth)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", nth);
	return pwrite(host_failure_file(), text, strlen(text), 0) < 0 ? -errno : 0;
}

/* From now on, in the calling thread, the @nth fails; once. */
static inline int host_failure_arm(unsigned int nth)
{
	return host_failure_write(nth);
}

/*
 * No more. Return: whether it had not come to it, or a negative error. The read and
 * the write are counted, too, so that what was left may fail them.
 */
static inline int host_failure_disarm(void)
{
	char text[16] = "";
	ssize_t got = pread(host_failure_file(), text, sizeof(text) - 1, 0);
	const int left = got < 0 || atoi(text) != 0;
	int err = host_failure_write(0);

	if (err == -EFAULT)
		err = host_failure_write(0);
	return err ? err : left;
}

#endif /* HOST_FAILURE_H */
