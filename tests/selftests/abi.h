/* SPDX-License-Identifier: GPL-2.0 */
/*
 * abi.h: helpers for the tests of the interface
 *
 * The sources abi_*.c are built for 64-bit callers (abi_*) and for 32-bit
 * callers (abi32_*).
 */
#ifndef ABI_H
#define ABI_H

#include "memalloc_device.h"

static inline void *map_memory(size_t length, int prot)
{
	return mmap(NULL, length, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

/* READ or WRITE. Return: -EIO if fewer bytes were copied. */
static inline int device_io(int fd, unsigned int cmd, __u64 handle,
			    __u64 offset, const void *data, __u64 length)
{
	struct memalloc_io io = {
		.size = sizeof(io),
		.handle = handle,
		.offset = offset,
		.length = length,
		.data = address_of(data),
	};
	int err = device_ioctl(fd, cmd, &io);

	return err ? err : io.out_done == length ? 0 : -EIO;
}

/*
 * Run a command as a batch of one.
 *
 * Return: the number of commands done, with the result of the command in @err;
 * or the error of the batch.
 */
static inline int batch_one(int fd, unsigned int cmd, const void *arg, int *err)
{
	struct memalloc_batch_op op = {
		.cmd = cmd,
		.out_errno = 0x5a5a5a5a,
		.arg = address_of(arg),
	};
	struct memalloc_batch batch = {
		.size = sizeof(batch),
		.count = 1,
		.op_size = sizeof(op),
		.ops = address_of(&op),
	};
	int failure = device_ioctl(fd, MEMALLOC_BATCH, &batch);

	*err = -op.out_errno;
	return failure ? failure : (int)batch.out_done;
}

#endif /* ABI_H */
