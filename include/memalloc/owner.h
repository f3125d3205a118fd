/* SPDX-License-Identifier: GPL-2.0 */
/*
 * memalloc/owner.h: tell our memory from the host's, for in-kernel callers
 *
 * For code that gets memory from both our allocators and the kernel's.
 */
#ifndef _MEMALLOC_OWNER_H
#define _MEMALLOC_OWNER_H

#include <linux/types.h>

struct page;

bool mal_owns(const void *address);
bool mal_owns_page(struct page *page);
int mal_page_ref_bias(const struct page *page);
void mal_put_page(struct page *page);
void mal_page_frag_cache_drain(struct page *page, unsigned int count);

#endif /* _MEMALLOC_OWNER_H */
