/* SPDX-License-Identifier: GPL-2.0 */
/*
 * sanitizer_test.h: expected KASAN reports, and the shadow of pages
 */
#ifndef _MAL_SANITIZER_TEST_H
#define _MAL_SANITIZER_TEST_H

#include <linux/types.h>

struct kunit;

void mal_expect_kasan_report(const u8 *byte, const char *what);
void mal_expect_free_pages_poisoned(struct kunit *test);

#endif /* _MAL_SANITIZER_TEST_H */
