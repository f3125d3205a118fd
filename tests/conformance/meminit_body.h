/* SPDX-License-Identifier: GPL-2.0 */
/*
 * meminit_body.h: the kernel's tests of memory initialization
 */
#include <linux/module.h>
#include <linux/printk.h>

/* The test file defines its own. */
#undef pr_fmt

#if __has_include("lib/tests/test_meminit.c")
#include "lib/tests/test_meminit.c"
#else
#include "lib/test_meminit.c"
#endif

/*
 * The tests define no exit function; without one, the module could not be
 * unloaded.
 */
static void __exit conformance_meminit_exit(void)
{
}
module_exit(conformance_meminit_exit);
