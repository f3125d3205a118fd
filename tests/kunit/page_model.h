/* SPDX-License-Identifier: GPL-2.0 */
/*
 * page_model.h: model of a user of the page allocator
 */
#ifndef _MAL_PAGE_MODEL_H
#define _MAL_PAGE_MODEL_H

#include <linux/mm_types.h>
#include <linux/prandom.h>
#include <linux/types.h>

#include <memalloc/page_alloc.h>

/**
 * struct mal_model_block - an allocation, or a part of a split one
 * @page: first page of the block
 * @order: order of the block
 * @serial: serial number of the allocation, part of the marks in its pages
 * @index: index of @page in the original allocation
 * @filled: index of the page that is filled from end to end
 */
struct mal_model_block {
	struct page *page;
	unsigned int order;
	u32 serial;
	unsigned int index;
	unsigned int filled;
};

/**
 * struct mal_model - one user: its blocks, history and errors
 * @rnd: source of random decisions
 * @id: distinguishes its marks from those of other models
 * @serial: serial number of its last allocation
 * @may_hold: keeps references to some pages when it frees them
 * @growing: allocates more often than it frees
 * @blocks: blocks held
 * @nr_blocks: number of @blocks
 * @max_blocks: capacity of @blocks
 * @pages: pages in @blocks
 * @held: freed pages to which the model still has a reference
 * @nr_held: number of @held
 * @allocs: successful allocations, by order
 * @frees: frees, by order
 * @failures: failed allocations, by order
 * @steps: number of steps
 * @failed: the last step was an allocation that failed
 * @gfp: flags of the last allocation
 * @order: order of the last allocation
 * @errors: number of errors found
 * @error: text of the first error
 *
 * Used by one context at a time; interrupts have models of their own.
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
