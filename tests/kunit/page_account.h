/* SPDX-License-Identifier: GPL-2.0 */
/*
 * page_account.h: consistency checks of the page allocator's statistics
 */
#ifndef _MAL_PAGE_ACCOUNT_H
#define _MAL_PAGE_ACCOUNT_H

#include <linux/types.h>

#include <uapi/linux/memalloc.h>

#include "internal/region.h"

struct kunit;
struct page;

/**
 * struct mal_zone_sums - statistics summed over all zones
 * @pages: borrowed pages
 * @free: free pages
 * @free_blocks: free blocks by order, including the per-CPU lists
 * @allocs: successful allocations by order
 * @frees: frees by order
 * @failures: failed allocations by order
 */
struct mal_zone_sums {
	u64 pages;
	u64 free;
	u64 free_blocks[MEMALLOC_NR_ORDERS];
	u64 allocs[MEMALLOC_NR_ORDERS];
	u64 frees[MEMALLOC_NR_ORDERS];
	u64 failures[MEMALLOC_NR_ORDERS];
};

void mal_zone_sums(struct mal_zone_sums *sums);
u64 mal_reports_total(void);

void mal_account_check(struct kunit *test, u64 held, u64 quarantined);
void mal_account_valid(struct kunit *test);
void mal_account_settle(struct kunit *test);
unsigned long mal_account_take(struct page **pages, unsigned long most,
			       unsigned int order);
void mal_account_put(struct page **pages, unsigned long nr, unsigned int order);

int mal_account_cap(unsigned long pages);
void mal_account_recap(unsigned long pages);
void mal_account_expect_full(struct kunit *test, unsigned int order, u64 held);

/* Pages that describe a section, and count for the cap. */
#define MAL_ACCOUNT_SECTION	(PAGE_ALIGN(sizeof(struct mal_section)) >> PAGE_SHIFT)

/* Pages that count for the cap, while there are no per-CPU areas. */
static inline u64 mal_account_taken(const struct memalloc_stats_borrowing *stats)
{
	return stats->borrowed + (stats->metadata_bytes >> PAGE_SHIFT);
}

void mal_account_uncap(void);

#endif /* _MAL_PAGE_ACCOUNT_H */
