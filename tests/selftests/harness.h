/* SPDX-License-Identifier: GPL-2.0 */
/*
 * harness.h: the kernel's test harness, as these programs use it
 *
 * Each EXPECT_ and ASSERT_ is two statements; the second one handles a failure.
 * So they are put into braces even if they are alone.
 */
#ifndef HARNESS_H
#define HARNESS_H

#include <kselftest_harness.h>

/*
 * No test fails for being slow, as the speed of a guest is unknown. The program
 * that started the guest detects a hang.
 */
#undef TEST_TIMEOUT_DEFAULT
#define TEST_TIMEOUT_DEFAULT	(-1)

#endif /* HARNESS_H */
