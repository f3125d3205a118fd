/* SPDX-License-Identifier: GPL-2.0 */
/*
 * vmalloc_body.h: the kernel's vmalloc tests, compiled for either allocator
 *
 * When built as a module, the tests return an error from init when they are
 * done, and insmod would try again. Built in, they stay; make them stay here,
 * too.
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
