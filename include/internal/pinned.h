/* SPDX-License-Identifier: GPL-2.0 */
/*
 * pinned.h: the release of blocks to a zone, unless pages are pinned
 */
#ifndef _MAL_PINNED_H
#define _MAL_PINNED_H

#include <linux/atomic.h>
#include <linux/mm.h>
#include <linux/page_ref.h>
#include <linux/types.h>

#include "internal/region.h"

/**
 * mal_page_is_pinned() - does another holder reference this page?
 * @page: a page of ours
 *
 * Context: any.
 * Return: true if it has more references than the owner's.
 */
static inline bool mal_page_is_pinned(struct page *page)
{
	return page_ref_count(page) > MAL_PAGE_REFS;
}

/* An ID of no account. */
#define MAL_NO_ACCOUNT	0U

/**
 * struct mal_pinned_account - charge for pages that one owner freed pinned
 * @pages: number of these pages that still wait
 * @id: ID, never MAL_NO_ACCOUNT
 * @rcu: used to free the account
 */
struct mal_pinned_account {
	atomic_long_t pages;
	u32 id;
	struct rcu_head rcu;
};

struct mal_pinned_account *mal_pinned_account_create(void);
void mal_pinned_account_destroy(struct mal_pinned_account *account);

bool mal_block_is_pinned(struct page *page, unsigned int order);

bool mal_block_accept(struct mal_page *desc);

void mal_release(struct mal_page *desc, unsigned int order);
void mal_release_charged(struct mal_page *desc, unsigned int order, u32 account);
void mal_release_whole(struct mal_page *desc, unsigned int order);
void mal_release_chain(struct mal_chain *chain, unsigned int order);
void mal_chain_report(const struct mal_chain *chain, unsigned int order);

struct mal_page *mal_pinned_exchange(struct mal_page *desc);
bool mal_pinned_sweep_one(bool breaks);
unsigned long mal_pinned_sweep_all(void);
void mal_pinned_settle(void);
unsigned long mal_pinned_pages(void);
unsigned long mal_pinned_charged_pages(void);
void mal_pinned_init(void);
void mal_pinned_exit(void);

#endif /* _MAL_PINNED_H */
