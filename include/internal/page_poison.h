/* SPDX-License-Identifier: GPL-2.0 */
/*
 * page_poison.h: free pages that tell whether somebody wrote to them
 */
#ifndef _MAL_PAGE_POISON_H
#define _MAL_PAGE_POISON_H

#include <linux/jump_label.h>
#include <linux/types.h>

struct mal_page;

DECLARE_STATIC_KEY_FALSE(mal_page_poison_key);

void mal_page_poison(struct mal_page *desc, unsigned int order);
bool mal_page_poison_intact(struct mal_page *desc, unsigned int order);
void mal_page_poison_init(void);
bool mal_page_poison_wanted(void);

/**
 * mal_page_poison_on() - is the mode on?
 *
 * Context: any.
 * Return: true if free pages are poisoned.
 */
static inline bool mal_page_poison_on(void)
{
	return static_branch_unlikely(&mal_page_poison_key);
}

#endif /* _MAL_PAGE_POISON_H */
