/* SPDX-License-Identifier: GPL-2.0 */
/*
 * abi_device.h: fixture for tests that need only an open file
 */
#ifndef ABI_DEVICE_H
#define ABI_DEVICE_H

#include "harness.h"
#include "memalloc_device.h"

FIXTURE(device) {
	int fd;
};

FIXTURE_SETUP(device)
{
	self->fd = device_open();
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN(device)
{
	close(self->fd);
}

#endif /* ABI_DEVICE_H */
