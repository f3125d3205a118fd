// SPDX-License-Identifier: GPL-2.0
/*
 * Write to the byte behind a mapped area, which must fault
 *
 * Loading the module frees an area to the cache, allocates one again and writes
 * to the byte behind it. The fault kills the task that loads the module. The
 * module first writes to all bytes of the area and logs that.
 *
 * Context: task.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/string.h>

#include <memalloc/vmalloc_area.h>

#include "internal/compat.h"

#define GUARD_PAGES	3

static int __init guard_init(void)
{
	const unsigned long size = GUARD_PAGES * PAGE_SIZE;
	char *fresh = mal_vmalloc(size), *area;

	if (!fresh)
		return -ENOMEM;
	memset(fresh, 0x5a, size);
	mal_vfree(fresh);
	area = mal_vmalloc(size);
	if (!area)
		return -ENOMEM;
	memset(area, 0x5a, size);
	pr_info("all %lu bytes of %s area are written\n", size,
		area == fresh ? "a cached" : "another");
	WRITE_ONCE(area[size], 0x5a);
	pr_info("and one more\n");
	mal_vfree(area);
	return -EAGAIN; /* the module never stays loaded */
}

module_init(guard_init);

MAL_IMPORT();
MODULE_DESCRIPTION("Write behind a mapped area of memalloc");
MODULE_LICENSE("GPL");
