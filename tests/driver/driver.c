// SPDX-License-Identifier: GPL-2.0
/*
 * A driver that was written without memalloc in mind
 *
 * It defines macros before its first header, and functions of its own with
 * names that rarer headers of the kernel have taken.
 */
#define pr_fmt(fmt) "driver: " fmt /* with a comment */
#define DEBUG
#define DRIVER_URL "https://driver.example/*" // a string is not a comment

#include "driver.h"

#include <linux/fs.h>
#include <linux/init.h>
#include <linux/module.h>
#include <linux/printk.h>
#include <linux/slab.h>

#ifndef DRIVER_LICENSE
#define DRIVER_LICENSE	"GPL"
#endif

static char *old_driver_text;

static unsigned long strtoul(const char *text)
{
	unsigned long value = 0;

	for (; *text >= '0' && *text <= '9'; text++)
		value = value * 10 + *text - '0';
	return value;
}

static int ec_read(u8 address, u8 *value)
{
	*value = address;
	return 0;
}

static int __init old_driver_init(void)
{
	u8 value;

	old_driver_text = kasprintf(GFP_KERNEL, "%lu", strtoul("42"));
	if (!old_driver_text)
		return -ENOMEM;
	ec_read(1, &value);
	pr_debug("%s %u " DRIVER_URL "\n", old_driver_text, value);
	return 0;
}

static void __exit old_driver_exit(void)
{
	kfree(old_driver_text);
}

module_init(old_driver_init);
module_exit(old_driver_exit);

MODULE_DESCRIPTION("A driver that was written without memalloc in mind");
MODULE_LICENSE(DRIVER_LICENSE);
