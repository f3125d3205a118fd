/* SPDX-License-Identifier: GPL-2.0 */
/*
 * bench_vmalloc_body.h: mapped areas; included once per side
 */
static __always_inline void *SIDE(alloc)(void *pool, unsigned int size)
{
	return vmalloc(size);
}

static __always_inline void SIDE(free)(void *pool, void *area, unsigned int size)
{
	vfree(area);
}
