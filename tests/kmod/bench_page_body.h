/* SPDX-License-Identifier: GPL-2.0 */
/*
 * bench_page_body.h: blocks of pages, allocated as by any kernel code; included
 * once per side
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

#ifdef BENCH_HAS_MANY
/* Single pages. Requests the missing pages again, as all callers do. */
static __always_inline bool SIDE(alloc_many)(void *pool, unsigned int order,
					     unsigned int nr, void **pages)
{
	unsigned long got = 0, before;

	do {
		before = got;
		got = bench_alloc_pages_bulk(GFP_KERNEL, nr, (struct page **)pages);
	} while (got < nr && got > before);
	return got == nr;
}

static __always_inline void SIDE(free_many)(void *pool, unsigned int order,
					    unsigned int nr, void **pages)
{
	bench_free_pages_bulk(nr, (struct page **)pages);
}
#endif
