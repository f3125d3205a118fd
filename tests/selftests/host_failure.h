/* SPDX-License-Identifier: GPL-2.0 */
/*
 * host_failure.h: make the nth next allocation of the kernel fail
 *
 * The kernel's fail-nth counts allocations of the calling thread from the
 * host's slab and page allocators, and copies of the kernel for it. Only
 * kernels with failure injection have it.
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

/*
 * Include requests that may sleep, of any size, without messages. Return: false
 * if the kernel has no failure injection.
 */
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

/*
 * Start or stop failing all page allocations of the calling thread that are
 * larger than a page. Return: false if the kernel has no failure injection.
 */
static inline bool host_failure_single_pages(bool on)
{
	int fd = open("/proc/thread-self/make-it-fail", O_WRONLY | O_CLOEXEC);
	bool ok = fd >= 0 &&
		  !host_failure_set("fail_page_alloc", "task-filter", "Y") &&
		  !host_failure_set("fail_page_alloc", "ignore-gfp-wait", "N") &&
		  !host_failure_set("fail_page_alloc", "min-order", "1") &&
		  !host_failure_set("fail_page_alloc", "verbose", "0") &&
		  !host_failure_set("fail_page_alloc", "times", "-1") &&
		  !host_failure_set("fail_page_alloc", "probability", on ? "100" : "0");

	ok = ok && write(fd, on ? "1" : "0", 1) == 1;
	if (fd >= 0)
		close(fd);
	return ok;
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

/* Make the @nth next allocation of the calling thread fail, once. */
static inline int host_failure_arm(unsigned int nth)
{
	return host_failure_write(nth);
}

/*
 * Cancel the failure. Return: true if it was still pending, or a negative
 * error. The read and the write are counted, too, so they may fail because of
 * it.
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
