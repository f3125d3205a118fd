/* SPDX-License-Identifier: GPL-2.0 */
/*
 * quota.h: an open file, for tests that change the quotas of files
 *
 * The quotas are restored afterwards, even if the test crashes.
 */
#ifndef QUOTA_H
#define QUOTA_H

#include "harness.h"
#include "memalloc_device.h"
#include "module_parameter.h"

FIXTURE(quota) {
	int fd;
	char handles[PARAMETER_LENGTH];
	char bytes[PARAMETER_LENGTH];
};

FIXTURE_SETUP(quota)
{
	self->fd = device_open();
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, parameter_read("quota_handles", self->handles));
	ASSERT_EQ(0, parameter_read("quota_file_mb", self->bytes));
}

FIXTURE_TEARDOWN_PARENT(quota)
{
	parameter_write("quota_handles", self->handles);
	parameter_write("quota_file_mb", self->bytes);
}

#endif /* QUOTA_H */
