/* SPDX-License-Identifier: GPL-2.0 */
/*
 * sanitizer_test.h: what the kernel's address sanitizer reports, and what it was
 * told
 */
#ifndef _MAL_SANITIZER_TEST_H
#define _MAL_SANITIZER_TEST_H

#include <linux/types.h>

struct kunit;

void mal_expect_seen(const u8 *byte, const char *what);
void mal_expect_told_of_pages(struct kunit *test);

#endif /* _MAL_SANITIZER_TEST_H */
