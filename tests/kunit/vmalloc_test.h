/* SPDX-License-Identifier: GPL-2.0 */
/*
 * vmalloc_test.h: helpers for the tests of vmalloc and of its cache
 */
#ifndef _MAL_VMALLOC_TEST_H
#define _MAL_VMALLOC_TEST_H

#include <kunit/test.h>

#include <memalloc/vmalloc_area.h>
#include <uapi/linux/memalloc.h>

#include "internal/area_cache.h"
#include "internal/borrow.h"
#include "internal/vmalloc_area.h"

/* Too large for the cache of a CPU, so that the node caches it. */
#define MAL_LARGE_PAGES	(MAL_AREA_CPU_CLASSES + 36)

int mal_vmalloc_test_init(struct kunit *test);
void mal_vmalloc_test_exit(struct kunit *test);

static inline void *mal_test_alloc(struct kunit *test, unsigned long pages)
{
	void *area = mal_vmalloc(pages << PAGE_SHIFT);

	KUNIT_ASSERT_NOT_NULL(test, area);
	return area;
}

/*
 * The cap is raised by the reserve, so that the rest is available to all
 * callers.
 */
static inline unsigned long mal_test_reserve(void)
{
	struct memalloc_stats_borrowing stats;

	mal_borrow_stats(&stats);
	return stats.reserve;
}

static inline unsigned long mal_pages_in_use(void)
{
	struct mal_vmalloc_stats stats;

	mal_vmalloc_stats(&stats);
	return stats.pages;
}

#endif /* _MAL_VMALLOC_TEST_H */
