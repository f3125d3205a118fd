/* SPDX-License-Identifier: GPL-2.0 */
/*
 * memalloc/owner.h: ours, or the host's? For in-kernel users
 *
 * For code that gets memory of both: of our allocators, and of the kernel.
 */
#ifndef _MEMALLOC_OWNER_H
#define _MEMALLOC_OWNER_H

#include <linux/types.h>

struct page;

bool mal_owns(const void *address);
bool mal_owns_page(struct page *page);
void mal_put_page(struct page *page);

#endif /* _MEMALLOC_OWNER_H */
