// SPDX-License-Identifier: GPL-2.0
/*
 * The kernel's address sanitizer (generic KASAN), told of our memory
 *
 * It takes a borrowed page for valid from end to end. Where the kernel has it,
 * free pages, free objects, redzones, and what is behind the bytes that kmalloc was
 * asked for are marked in its shadow memory, so that it reports each access by
 * itself, in the act, reads included.
 *
 * Pages. A page is marked free from when it comes on a list, of a zone or of a
 * CPU, until an allocation takes it off: when it is borrowed; and when it is freed,
 * but not before it is certain that nobody else holds it. What goes to the
 * quarantine or back to the host, which marks its own, is valid. Only an inner page of
 * a block may be held and marked all the same, if it was not freed as it should
 * have been; that holder's next access is reported then (see quarantine.c).
 *
 * Of eight bytes in a row, only the first ones can be valid: so objects begin at
 * multiples of eight, as those of all caches do.
 *
 * The functions of the host that do this are not for modules in all of its
 * versions. The layout of the shadow is public, and part of what compilers
 * generate. This file is not instrumented (see Kbuild).
 *
 * Context: any, NMI included. No lock.
 */
#include <linux/kasan.h>
#include <linux/kernel.h>
#include <linux/string.h>

#include "internal/sanitizer.h"

#ifdef CONFIG_KASAN_GENERIC

#define MAL_SHADOW_GRANULE	8
/* By these, reports call it slab-use-after-free, slab-out-of-bounds, use-after-free. */
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
 * mal_sanitizer_set_valid() - bytes may be used
 * @from: the first one, at a multiple of eight
 * @length: how many; of the last eight, no more than these
 *
 * Context: any, NMI included.
 */
void mal_sanitizer_set_valid(const void *from, size_t length)
{
	size_t whole = round_down(length, MAL_SHADOW_GRANULE);

	mal_shadow_set(from, whole, 0);
	if (length > whole)
		mal_shadow_set(from + whole, 1, length - whole);
}

/**
 * mal_sanitizer_set_free() - bytes are of a free object
 * @from: the first one, at a multiple of eight
 * @length: how many, rounded up to a multiple of eight
 *
 * Context: any, NMI included.
 */
void mal_sanitizer_set_free(const void *from, size_t length)
{
	mal_shadow_set(from, length, MAL_SHADOW_FREE);
}

/**
 * mal_sanitizer_set_redzone() - bytes are of no object
 * @from: the first one, at a multiple of eight
 * @length: how many, rounded up to a multiple of eight
 *
 * Context: any, NMI included.
 */
void mal_sanitizer_set_redzone(const void *from, size_t length)
{
	mal_shadow_set(from, length, MAL_SHADOW_REDZONE);
}

/**
 * mal_sanitizer_set_page_free() - bytes are of free pages
 * @from: the first one
 * @length: how many
 *
 * Context: any, NMI included.
 */
void mal_sanitizer_set_page_free(const void *from, size_t length)
{
	mal_shadow_set(from, length, MAL_SHADOW_PAGE_FREE);
}

#endif /* CONFIG_KASAN_GENERIC */
