/* SPDX-License-Identifier: GPL-2.0 */
/*
 * page_poison.h: poisoning of free pages
 */
#ifndef _MAL_PAGE_POISON_H
#define _MAL_PAGE_POISON_H

#include <linux/jump_label.h>
#include <linux/mm.h>
#include <linux/types.h>

struct mal_page;

DECLARE_STATIC_KEY_FALSE(mal_page_poison_key);

void mal_page_overwrite(struct mal_page *desc, unsigned int order);
bool mal_page_poison_intact(struct mal_page *desc, unsigned int order);
void mal_page_poison_init(void);
bool mal_page_poison_wanted(void);

/**
 * mal_page_poison_on() - is the mode enabled?
 *
 * Context: any.
 * Return: true if free pages are poisoned.
 */
static inline bool mal_page_poison_on(void)
{
	return static_branch_unlikely(&mal_page_poison_key);
}

/**
 * mal_page_overwrites() - are freed pages overwritten at once?
 *
 * Context: any.
 * Return: true if they are, by the mode or the host's option init_on_free.
 */
static inline bool mal_page_overwrites(void)
{
	return mal_page_poison_on() || want_init_on_free();
}

#endif /* _MAL_PAGE_POISON_H */
