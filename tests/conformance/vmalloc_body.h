/* SPDX-License-Identifier: GPL-2.0 */
/*
 * vmalloc_body.h: the kernel's tests of vmalloc(), on whatever the names mean
 *
 * As a module they refuse to stay when they are done, and insmod, which takes
 * that for a failure, would load them another time. Built into the kernel they
 * stay; so may they here.
 */
#ifndef _MAL_CONFORMANCE_VMALLOC_BODY_H
#define _MAL_CONFORMANCE_VMALLOC_BODY_H

#include <linux/kconfig.h>
#include <linux/module.h>

#undef CONFIG_TEST_VMALLOC
#define CONFIG_TEST_VMALLOC	1

#include "lib/test_vmalloc.c"

static void __exit conformance_exit(void)
{
}
module_exit(conformance_exit);

#endif /* _MAL_CONFORMANCE_VMALLOC_BODY_H */
