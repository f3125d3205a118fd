/* SPDX-License-Identifier: GPL-2.0 */
/*
 * page_account.h: do all figures of the page allocator agree?
 */
#ifndef _MAL_PAGE_ACCOUNT_H
#define _MAL_PAGE_ACCOUNT_H

#include <linux/types.h>

#include <uapi/linux/memalloc.h>

struct kunit;

/**
 * struct mal_zone_sums - the figures of all zones, added up
 * @pages: borrowed
 * @free: of those, free
 * @free_blocks: free blocks by order, on lists and in per-CPU lists
 * @allocs: allocations served
 * @frees: frees taken
 * @failures: allocations not served
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

int mal_account_cap(unsigned long pages);
void mal_account_uncap(void);

#endif /* _MAL_PAGE_ACCOUNT_H */
