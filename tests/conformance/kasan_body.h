/* SPDX-License-Identifier: GPL-2.0 */
/*
 * kasan_body.h: the kernel's KASAN tests
 *
 * In a kernel built without these tests, a KUnit test fails on any KASAN
 * report, expected or not, so the results of the cases are meaningless.
 * tests/guest/conformance compares the failed expectations instead. Such a
 * kernel also reports only the first error, so it is booted with
 * kasan_multi_shot.
 */
#include <linux/module.h>
#include <linux/printk.h>

#include "mm/kasan/kasan.h"

void kasan_test_rust_uaf(void); /* not called without CONFIG_RUST */

static unsigned int conformance_expected, conformance_found;

static void conformance_tell(void)
{
	pr_info("conformance: kasan: %u of %u expected reports\n",
		conformance_found, conformance_expected);
}

#ifndef conformance_look
#define conformance_look()	((void)0)
#endif

/* The tests call this after each expression that must cause a report. */
#define kasan_async_fault_possible()					\
	(conformance_look(), conformance_expected++,			\
	 conformance_found += READ_ONCE(test_status.report_found), false)

#define kasan_kunit_test_suite_end()	conformance_tell()
#define kasan_save_enable_multi_shot()	true
#define kasan_restore_multi_shot(on)	((void)(on))

/* The test file defines its own. */
#undef pr_fmt

#include "mm/kasan/kasan_test_c.c"
