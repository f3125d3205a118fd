/* SPDX-License-Identifier: GPL-2.0 */
/*
 * sanitizer.h: hooks for the kernel's address sanitizer
 *
 * They generate no code on kernels without it.
 */
#ifndef _MAL_SANITIZER_H
#define _MAL_SANITIZER_H

#include <linux/compiler.h>
#include <linux/kconfig.h>
#include <linux/math.h>
#include <linux/mm.h>
#include <linux/types.h>

void mal_sanitizer_set_valid(const void *from, size_t length);
void mal_sanitizer_set_free(const void *from, size_t length);
void mal_sanitizer_set_redzone(const void *from, size_t length);
void mal_sanitizer_set_page_free(const void *from, size_t length);

/**
 * mal_sanitizer_on() - is there an address sanitizer with known shadow layout?
 *
 * Context: any.
 * Return: true if there is; a compile-time constant.
 */
static __always_inline bool mal_sanitizer_on(void)
{
	return IS_ENABLED(CONFIG_KASAN_GENERIC);
}

/**
 * mal_sanitizer_set_used() - mark the requested part of memory as valid
 * @from: first byte, at a multiple of eight
 * @size: requested bytes, up to @room
 * @room: usable bytes
 *
 * Context: any, including NMI.
 */
static __always_inline void mal_sanitizer_set_used(const void *from, size_t size,
						   size_t room)
{
	size_t valid = round_up(size, 8);

	if (!mal_sanitizer_on())
		return;
	if (valid < room)
		mal_sanitizer_set_redzone(from + valid, room - valid);
	mal_sanitizer_set_valid(from, size);
}

/**
 * mal_sanitizer_alloc_pages() - mark a block as in use
 * @page: its first page
 * @order: its order
 *
 * For blocks that are allocated, that are pinned when they are freed, or that
 * return to the host.
 *
 * Context: any, including NMI.
 */
static __always_inline void mal_sanitizer_alloc_pages(const struct page *page,
						      unsigned int order)
{
	if (mal_sanitizer_on())
		mal_sanitizer_set_valid(page_address(page), PAGE_SIZE << order);
}

/**
 * mal_sanitizer_free_pages() - mark a block as free
 * @page: its first page
 * @order: its order
 *
 * Context: any, including NMI.
 */
static __always_inline void mal_sanitizer_free_pages(const struct page *page,
						     unsigned int order)
{
	if (mal_sanitizer_on())
		mal_sanitizer_set_page_free(page_address(page), PAGE_SIZE << order);
}

#endif /* _MAL_SANITIZER_H */
