/* SPDX-License-Identifier: GPL-2.0 */
/*
 * nobody.h: drop privileges
 */
#ifndef NOBODY_H
#define NOBODY_H

#include <errno.h>
#include <grp.h>
#include <stdbool.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/capability.h>

enum { NOBODY = 65534 };

/*
 * Give the process the rights of that user, and of no group. Return: zero or
 * -1.
 */
static inline int become_user(unsigned int uid)
{
	return setgroups(0, NULL) || setresgid(NOBODY, NOBODY, NOBODY) ||
	       setresuid(uid, uid, uid) ? -1 : 0;
}

static inline int become_nobody(void)
{
	return become_user(NOBODY);
}

/* Drop one capability of the thread. Return: zero or -1. */
static inline int drop_capability(unsigned int capability)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	if (syscall(SYS_capget, &header, data))
		return -1;
	data[capability / 32].effective &= ~(1U << capability % 32);
	data[capability / 32].permitted &= ~(1U << capability % 32);
	return syscall(SYS_capset, &header, data);
}

#endif /* NOBODY_H */
