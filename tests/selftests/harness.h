/* SPDX-License-Identifier: GPL-2.0 */
/*
 * harness.h: the kernel's test harness, as these programs use it
 *
 * Each EXPECT_ and ASSERT_ is two statements, the second of which does what
 * comes after it if it does not hold. So they stand in braces even where they
 * are alone.
 */
#ifndef HARNESS_H
#define HARNESS_H

#include <kselftest_harness.h>

/*
 * No test fails for being slow: how fast a guest is says nothing. One that
 * hangs is noticed by whoever started the guest.
 */
#undef TEST_TIMEOUT_DEFAULT
#define TEST_TIMEOUT_DEFAULT	(-1)

#endif /* HARNESS_H */
