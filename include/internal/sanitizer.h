/* SPDX-License-Identifier: GPL-2.0 */
/*
 * sanitizer.h: what the kernel's address sanitizer is told of our memory
 *
 * Nothing at all, and no code, on kernels without it.
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
 * mal_sanitizer_on() - is there one that can be told?
 *
 * Context: any.
 * Return: true if so; known at compile time.
 */
static __always_inline bool mal_sanitizer_on(void)
{
	return IS_ENABLED(CONFIG_KASAN_GENERIC);
}

/**
 * mal_sanitizer_set_used() - memory is its owner's now, as far as asked for
 * @from: the first byte, at a multiple of eight
 * @size: bytes that may be used: all that there are, or fewer
 * @room: bytes that there are
 *
 * Context: any, NMI included.
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
 * mal_sanitizer_alloc_pages() - a block is somebody's now: whoever allocates it, holds
 *	it still when it is freed, or the host
 * @page: its first page
 * @order: its order
 *
 * Context: any, NMI included.
 */
static __always_inline void mal_sanitizer_alloc_pages(const struct page *page,
						      unsigned int order)
{
	if (mal_sanitizer_on())
		mal_sanitizer_set_valid(page_address(page), PAGE_SIZE << order);
}

/**
 * mal_sanitizer_free_pages() - a block is nobody's now
 * @page: its first page
 * @order: its order
 *
 * Context: any, NMI included.
 */
static __always_inline void mal_sanitizer_free_pages(const struct page *page,
						     unsigned int order)
{
	if (mal_sanitizer_on())
		mal_sanitizer_set_page_free(page_address(page), PAGE_SIZE << order);
}

#endif /* _MAL_SANITIZER_H */
