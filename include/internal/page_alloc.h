/* SPDX-License-Identifier: GPL-2.0 */
/*
 * page_alloc.h: functions of the page allocator for the module's other layers
 */
#ifndef _MAL_PAGE_ALLOC_H
#define _MAL_PAGE_ALLOC_H

#include <linux/gfp.h>
#include <linux/types.h>

struct mal_page;

struct mal_page *mal_page_allocated(struct page *page, unsigned int order,
				    unsigned long caller);
struct page *mal_alloc_pages_caller(int nid, gfp_t gfp, unsigned int order,
				    unsigned long caller);
unsigned long mal_get_free_pages_caller(gfp_t gfp, unsigned int order,
					unsigned long caller);
struct page *mal_alloc_heap_pages(int nid, gfp_t gfp, unsigned int order,
				  unsigned long caller);
void mal_free_pages_slow(struct page *page, unsigned int order,
			 unsigned long caller);
void mal_free_pages_charged(struct page *page, unsigned int order, u32 account,
			    unsigned long caller);
void mal_free_heap_pages(struct page *page, unsigned int order,
			 unsigned long caller);
void mal_page_alloc_exit(void);

#endif /* _MAL_PAGE_ALLOC_H */
