/* SPDX-License-Identifier: GPL-2.0 */
/*
 * page_alloc.h: what the module's own layers know of the page allocator
 */
#ifndef _MAL_PAGE_ALLOC_H
#define _MAL_PAGE_ALLOC_H

#include <linux/gfp.h>

struct page *mal_alloc_pages_caller(int nid, gfp_t gfp, unsigned int order,
				    unsigned long caller);
unsigned long mal_get_free_pages_caller(gfp_t gfp, unsigned int order,
					unsigned long caller);
void mal_page_alloc_exit(void);

#endif /* _MAL_PAGE_ALLOC_H */
