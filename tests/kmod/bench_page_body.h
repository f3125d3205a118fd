/* SPDX-License-Identifier: GPL-2.0 */
/*
 * bench_page_body.h: blocks of pages, as any client of the kernel allocates
 * them; included once for each side
 */
static __always_inline void *SIDE(alloc)(void *pool, unsigned int order)
{
	return alloc_pages(GFP_KERNEL, order);
}

static __always_inline void *SIDE(alloc_atomic)(void *pool, unsigned int order)
{
	return alloc_pages(GFP_ATOMIC, order);
}

static __always_inline void SIDE(free)(void *pool, void *page, unsigned int order)
{
	__free_pages(page, order);
}
