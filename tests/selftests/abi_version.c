// SPDX-License-Identifier: GPL-2.0
/*
 * MEMALLOC_VERSION, and commands of other versions
 */
#include "abi.h"
#include "abi_device.h"
#include "module_parameter.h"

/* The release is the same everywhere, and no further command exists. */
TEST_F(device, reports_its_version)
{
	struct memalloc_version version = { .size = sizeof(version) };
	char release[PARAMETER_LENGTH];

	ASSERT_EQ(0, device_ioctl(self->fd, MEMALLOC_VERSION, &version));
	EXPECT_EQ(MEMALLOC_ABI_VERSION, version.out_abi);
	EXPECT_EQ(MEMALLOC_CMD_VERSION + 1, version.out_commands);
	ASSERT_EQ(0, line_read(MODULE_DIRECTORY "version", release, sizeof(release)));
	EXPECT_EQ(0, strcmp(release, version.out_release));
	EXPECT_LT(0, strlen(release));
}

TEST_F(device, reports_its_version_to_any_file)
{
	const int modes[] = { O_RDONLY, O_WRONLY };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(modes); i++) {
		struct memalloc_version version = { .size = sizeof(version) };
		int fd = open(MEMALLOC_DEVICE_PATH, modes[i] | O_CLOEXEC);

		ASSERT_LE(0, fd);
		EXPECT_EQ(0, device_ioctl(fd, MEMALLOC_VERSION, &version));
		close(fd);
	}
}

TEST_F(device, unknown_number_is_enotty)
{
	unsigned char request[256] = { sizeof(request) - 1 };
	unsigned int nr;

	for (nr = MEMALLOC_CMD_VERSION + 1; nr < 256; nr++) {
		EXPECT_EQ(-ENOTTY, device_ioctl(self->fd,
						_IO(MEMALLOC_IOCTL_TYPE, nr),
						request))
			TH_LOG("number %#x", nr);
	}
}

TEST_F(device, unknown_magic_is_enotty)
{
	static const unsigned char magics[] = { 0x00, 0x01, 'M', 'm', 0xba, 0xbc, 0xff };
	struct memalloc_validate request = { .size = sizeof(request) };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(magics); i++) {
		EXPECT_EQ(-ENOTTY, device_ioctl(self->fd,
						_IO(magics[i], MEMALLOC_CMD_VALIDATE),
						&request))
			TH_LOG("magic %#x", magics[i]);
	}
}

/*
 * Size and direction are part of the number, although these commands have none.
 */
TEST_F(device, known_number_with_direction_or_size_is_enotty)
{
	struct memalloc_validate request = { .size = sizeof(request) };
	const unsigned int cmds[] = {
		_IOR(MEMALLOC_IOCTL_TYPE, MEMALLOC_CMD_VALIDATE, request),
		_IOW(MEMALLOC_IOCTL_TYPE, MEMALLOC_CMD_VALIDATE, request),
		_IOWR(MEMALLOC_IOCTL_TYPE, MEMALLOC_CMD_VALIDATE, request),
		_IOC(_IOC_NONE, MEMALLOC_IOCTL_TYPE, MEMALLOC_CMD_VALIDATE, 4),
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cmds); i++) {
		EXPECT_EQ(-ENOTTY, device_ioctl(self->fd, cmds[i], &request))
			TH_LOG("command %#x", cmds[i]);
	}
}

TEST_F(device, unknown_command_in_a_batch_is_enotty)
{
	static const unsigned int cmds[] = {
		0, MEMALLOC_CMD_VALIDATE, _IO(MEMALLOC_IOCTL_TYPE, 0xff),
		_IO('M', MEMALLOC_CMD_VALIDATE), 0xffffffff,
	};
	struct memalloc_validate request = { .size = sizeof(request) };
	size_t i;
	int err;

	for (i = 0; i < ARRAY_SIZE(cmds); i++) {
		ASSERT_EQ(1, batch_one(self->fd, cmds[i], &request, &err));
		EXPECT_EQ(-ENOTTY, err) TH_LOG("command %#x", cmds[i]);
	}
}

TEST_HARNESS_MAIN
