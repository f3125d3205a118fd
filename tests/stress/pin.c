// SPDX-License-Identifier: GPL-2.0
/*
 * memalloc-pin: free pages that a pipe still pins, and keep the pipe
 *
 *	memalloc-pin
 *
 * Allocates 64 KiB of each kind that can be mapped, puts the pages into a pipe,
 * unmaps and frees them, and closes the device. Prints "pinned", and keeps the
 * pipes until it is killed. Status 1 on failure.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include "memalloc_device.h"

enum { ORDER = 4 };

/* Returns zero, or a negative number. */
static int pin(int fd, struct memalloc_alloc *alloc)
{
	struct iovec piece;
	int pipes[2], err;

	alloc->size = sizeof(*alloc);
	alloc->node = -1;
	err = device_ioctl(fd, MEMALLOC_ALLOC, alloc);
	if (err)
		return err;
	piece.iov_len = alloc->out_bytes;
	piece.iov_base = device_map(fd, alloc->out_map_offset, piece.iov_len);
	if (piece.iov_base == MAP_FAILED || pipe(pipes) ||
	    vmsplice(pipes[1], &piece, 1, 0) != (ssize_t)piece.iov_len ||
	    munmap(piece.iov_base, piece.iov_len))
		return -errno;
	return device_free(fd, alloc->out_handle);
}

int main(void)
{
	struct memalloc_alloc pages = { .kind = MEMALLOC_KIND_PAGES, .order = ORDER };
	struct memalloc_alloc area = { .kind = MEMALLOC_KIND_AREA };
	int fd = device_open();

	area.bytes = (__u64)sysconf(_SC_PAGESIZE) << ORDER;
	if (fd < 0 || pin(fd, &pages) || pin(fd, &area) || close(fd)) {
		perror("memalloc-pin");
		return 1;
	}
	puts("pinned");
	fflush(stdout);
	for (;;)
		pause();
}
