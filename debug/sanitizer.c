// SPDX-License-Identifier: GPL-2.0
/*
 * Hooks for the kernel's address sanitizer (generic KASAN)
 *
 * KASAN considers all bytes of a borrowed page valid. On kernels with KASAN,
 * this file marks free pages, free objects, redzones and the bytes beyond the
 * requested size of kmalloc in the shadow memory. KASAN then reports every
 * access to them, including reads, when it happens.
 *
 * Pages. A page is marked free while it is on a list of a zone or of a CPU,
 * until an allocation takes it off. The mark is set when the page is borrowed,
 * and when it is freed and certain not to be pinned. Pinned pages are valid,
 * and so are pages that return to the host, which sets its own marks. Only an
 * inner page of a block can be pinned and marked at the same time, if it was
 * not freed correctly. The next access by the holder of that reference is
 * reported then (see pinned.c).
 *
 * Within eight bytes only a leading part can be valid. So objects begin at
 * multiples of eight, as in all caches.
 *
 * Not all versions of the host export functions for this purpose. The layout of
 * the shadow is public, and compilers generate code for it. This file is not
 * instrumented (see Kbuild).
 *
 * Context: any, including NMI. No lock.
 */
#include <linux/kasan.h>
#include <linux/kernel.h>
#include <linux/string.h>

#include "internal/sanitizer.h"

#ifdef CONFIG_KASAN_GENERIC

#define MAL_SHADOW_GRANULE	8
/*
 * KASAN prints slab-use-after-free, slab-out-of-bounds and use-after-free for
 * these.
 */
#define MAL_SHADOW_FREE		0xfb
#define MAL_SHADOW_REDZONE	0xfc
#define MAL_SHADOW_PAGE_FREE	0xff

static void mal_shadow_set(const void *from, size_t length, u8 value)
{
	if (kasan_enabled())
		__memset(kasan_mem_to_shadow(from), value,
			 DIV_ROUND_UP(length, MAL_SHADOW_GRANULE));
}

/**
 * mal_sanitizer_set_valid() - mark bytes as valid
 * @from: first byte, at a multiple of eight
 * @length: number of bytes; need not be a multiple of eight
 *
 * Context: any, including NMI.
 */
void mal_sanitizer_set_valid(const void *from, size_t length)
{
	size_t whole = round_down(length, MAL_SHADOW_GRANULE);

	mal_shadow_set(from, whole, 0);
	if (length > whole)
		mal_shadow_set(from + whole, 1, length - whole);
}

/**
 * mal_sanitizer_set_free() - mark bytes as part of a free object
 * @from: first byte, at a multiple of eight
 * @length: number of bytes, rounded up to a multiple of eight
 *
 * Context: any, including NMI.
 */
void mal_sanitizer_set_free(const void *from, size_t length)
{
	mal_shadow_set(from, length, MAL_SHADOW_FREE);
}

/**
 * mal_sanitizer_set_redzone() - mark bytes as outside of any object
 * @from: first byte, at a multiple of eight
 * @length: number of bytes, rounded up to a multiple of eight
 *
 * Context: any, including NMI.
 */
void mal_sanitizer_set_redzone(const void *from, size_t length)
{
	mal_shadow_set(from, length, MAL_SHADOW_REDZONE);
}

/**
 * mal_sanitizer_set_page_free() - mark bytes as part of free pages
 * @from: first byte
 * @length: number of bytes
 *
 * Context: any, including NMI.
 */
void mal_sanitizer_set_page_free(const void *from, size_t length)
{
	mal_shadow_set(from, length, MAL_SHADOW_PAGE_FREE);
}

#endif /* CONFIG_KASAN_GENERIC */
