/* SPDX-License-Identifier: GPL-2.0 */
/*
 * quarantine.h: the way back into a zone, and who is stopped on it
 */
#ifndef _MAL_QUARANTINE_H
#define _MAL_QUARANTINE_H

#include <linux/mm.h>
#include <linux/page_ref.h>

#include "internal/region.h"

/**
 * mal_page_is_held() - does somebody beside us hold this page?
 * @page: a page of ours
 *
 * Context: any.
 * Return: true if it has more references than are ours.
 */
static inline bool mal_page_is_held(struct page *page)
{
	return page_ref_count(page) > MAL_PAGE_REFS;
}

bool mal_block_is_held(struct page *page, unsigned int order);

bool mal_block_let_pass(struct mal_page *desc);

void mal_release(struct mal_page *desc, unsigned int order);
void mal_release_whole(struct mal_page *desc, unsigned int order);
void mal_release_chain(struct mal_page *chain, unsigned int order);

bool mal_quarantine_sweep(void);
void mal_quarantine_sweep_all(void);
unsigned long mal_quarantine_count(void);
void mal_quarantine_exit(void);

#endif /* _MAL_QUARANTINE_H */
