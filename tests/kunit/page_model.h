/* SPDX-License-Identifier: GPL-2.0 */
/*
 * page_model.h: a simple model of what a user of the page allocator holds
 */
#ifndef _MAL_PAGE_MODEL_H
#define _MAL_PAGE_MODEL_H

#include <linux/mm_types.h>
#include <linux/prandom.h>
#include <linux/types.h>

#include <memalloc/page_alloc.h>

/**
 * struct mal_model_block - an allocation, or a part of one that was split
 * @page: its first page
 * @order: its order
 * @serial: of the allocation, for the marks in its pages
 * @index: of @page in the allocation that it was once
 * @filled: a page of the block that is filled from end to end
 */
struct mal_model_block {
	struct page *page;
	unsigned int order;
	u32 serial;
	unsigned int index;
	unsigned int filled;
};

/**
 * struct mal_model - one user: what it holds, did and found wrong
 * @rnd: where its decisions come from
 * @id: tells its marks from other models'
 * @serial: of its last allocation
 * @may_hold: keeps references to some pages when it frees them
 * @growing: rather allocates than frees
 * @blocks: what it holds
 * @nr_blocks: how many of them
 * @max_blocks: no more than that
 * @pages: pages in @blocks
 * @held: pages that it has freed, but still has a reference to
 * @nr_held: how many of them
 * @allocs: allocations that it got, by order
 * @frees: and gave back
 * @failures: and did not get
 * @steps: what it did altogether
 * @failed: the last step was an allocation that failed
 * @gfp: flags of the last allocation
 * @order: order of the last allocation
 * @errors: things that were wrong
 * @error: the first of them
 *
 * To be used by one context at a time; interrupts have models of their own.
 */
struct mal_model {
	struct rnd_state rnd;
	u8 id;
	u32 serial;
	bool may_hold;
	bool growing;
	struct mal_model_block *blocks;
	unsigned int nr_blocks;
	unsigned int max_blocks;
	unsigned long pages;
#define MAL_MODEL_MAX_HELD	32
	struct mal_model_block held[MAL_MODEL_MAX_HELD];
	unsigned int nr_held;
	unsigned long allocs[MAL_NR_ORDERS];
	unsigned long frees[MAL_NR_ORDERS];
	unsigned long failures[MAL_NR_ORDERS];
	unsigned long steps;
	bool failed;
	gfp_t gfp;
	unsigned int order;
	unsigned long errors;
	char error[120];
};

int mal_model_setup(void);
void mal_model_teardown(void);

struct mal_model *mal_model_create(u8 id, u64 seed, unsigned int max_blocks);
void mal_model_destroy(struct mal_model *model);

unsigned long mal_model_random(struct mal_model *model, unsigned long below);
bool mal_model_alloc(struct mal_model *model, gfp_t gfp, unsigned int order);
void mal_model_free(struct mal_model *model, unsigned int nr);
void mal_model_split(struct mal_model *model, unsigned int nr);
void mal_model_step(struct mal_model *model, bool may_sleep);
void mal_model_drain(struct mal_model *model);

#endif /* _MAL_PAGE_MODEL_H */
