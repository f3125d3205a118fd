// SPDX-License-Identifier: GPL-2.0
/*
 * Model of a user of the page allocator
 *
 * The model keeps a list of blocks, and all models share a bitmap of page
 * numbers. A model sets the bit of each page right after its allocation and
 * clears it right before the free; a bit that is already set means that the
 * page was handed out twice. The first and the last word of each page, and one
 * whole page of each block, hold marks of the model. They must be intact when
 * the block is freed. A page that is freed while the model keeps a reference
 * keeps its bit and its marks until that reference is dropped.
 *
 * The other checks follow from page_alloc.h: a block is aligned, is in a zone
 * that its flags allow, is zeroed if requested, and each of its pages has no
 * references but the allocator's.
 *
 * Errors are counted in the model, and the first is kept as text, because most
 * callers run where KUnit must not be called.
 *
 * Context: creation, destruction and draining in task context. Steps in any
 * context but NMI, one at a time for each model.
 */
#include <linux/bitmap.h>
#include <linux/highmem.h>
#include <linux/irqflags.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/mmzone.h>
#include <linux/nodemask.h>
#include <linux/page_ref.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/topology.h>
#include <linux/vmalloc.h>

#include "internal/region.h"

#include "page_model.h"

#define MAL_MODEL_FILLER	0xa5

/* Do not split larger blocks, or soon only single pages would be left. */
#define MAL_MODEL_MAX_SPLIT	4

static unsigned long *mal_model_owned;
static unsigned long mal_model_nr_pfns;

__printf(2, 3)
static void mal_model_error(struct mal_model *model, const char *fmt, ...)
{
	va_list args;

	if (model->errors++)
		return;
	va_start(args, fmt);
	vsnprintf(model->error, sizeof(model->error), fmt, args);
	va_end(args);
}

/**
 * mal_model_setup() - set up the state that all models share
 *
 * Context: task.
 * Return: 0, or -ENOMEM.
 */
int mal_model_setup(void)
{
	int nid;

	mal_model_nr_pfns = 0;
	for_each_online_node(nid)
		mal_model_nr_pfns = max(mal_model_nr_pfns, node_end_pfn(nid));
	mal_model_owned = vcalloc(BITS_TO_LONGS(mal_model_nr_pfns),
				  sizeof(*mal_model_owned));
	return mal_model_owned ? 0 : -ENOMEM;
}

/**
 * mal_model_teardown() - undo mal_model_setup()
 *
 * Context: task.
 */
void mal_model_teardown(void)
{
	vfree(mal_model_owned);
	mal_model_owned = NULL;
}

/**
 * mal_model_create() - create a model that holds no blocks
 * @id: nonzero; distinguishes the marks of different models
 * @seed: seed of the model's random decisions
 * @max_blocks: maximum number of blocks held
 *
 * Context: task.
 * Return: the model, or NULL.
 */
struct mal_model *mal_model_create(u8 id, u64 seed, unsigned int max_blocks)
{
	struct mal_model *model = kzalloc(sizeof(*model), GFP_KERNEL);

	if (!model)
		return NULL;
	model->blocks = kvcalloc(max_blocks, sizeof(*model->blocks), GFP_KERNEL);
	if (!model->blocks) {
		kfree(model);
		return NULL;
	}
	model->id = id;
	model->max_blocks = max_blocks;
	prandom_seed_state(&model->rnd, seed + id);
	return model;
}

/**
 * mal_model_destroy() - free a model
 * @model: result of mal_model_create(), or NULL; must not hold any block
 *
 * Context: task.
 */
void mal_model_destroy(struct mal_model *model)
{
	if (!model)
		return;
	kvfree(model->blocks);
	kfree(model);
}

/**
 * mal_model_random() - draw a random number
 * @model: the model
 * @below: exclusive upper bound
 *
 * Context: any.
 * Return: a number from zero up to @below - 1.
 */
unsigned long mal_model_random(struct mal_model *model, unsigned long below)
{
	return prandom_u32_state(&model->rnd) % below;
}

static bool mal_model_one_in(struct mal_model *model, unsigned long nr)
{
	return !mal_model_random(model, nr);
}

/*
 * Marks
 */

static u64 mal_model_mark(struct mal_model *model,
			  const struct mal_model_block *block, unsigned int i)
{
	return (u64)model->id << 56 | (u64)block->serial << 16 |
	       (block->index + i);
}

static void mal_model_write_page(struct mal_model *model,
				 const struct mal_model_block *block,
				 unsigned int i)
{
	u64 mark = mal_model_mark(model, block, i);
	u64 *words = kmap_local_page(block->page + i);

	if (i == block->filled)
		memset(words, MAL_MODEL_FILLER, PAGE_SIZE);
	words[0] = mark;
	words[PAGE_SIZE / sizeof(*words) - 1] = ~mark;
	kunmap_local(words);
}

static void mal_model_read_page(struct mal_model *model,
				const struct mal_model_block *block,
				unsigned int i)
{
	const unsigned int last = PAGE_SIZE / sizeof(u64) - 1;
	u64 mark = mal_model_mark(model, block, i);
	u64 *words = kmap_local_page(block->page + i);

	if (words[0] != mark || words[last] != ~mark)
		mal_model_error(model, "page %u of order %u: %llx %llx for %llx",
				i, block->order, words[0], ~words[last], mark);
	else if (i == block->filled &&
		 memchr_inv(&words[1], MAL_MODEL_FILLER,
			    PAGE_SIZE - 2 * sizeof(*words)))
		mal_model_error(model, "page %u of order %u: overwritten", i,
				block->order);
	kunmap_local(words);
}

static bool mal_model_page_is_zero(struct page *page)
{
	void *addr = kmap_local_page(page);
	bool zero = !memchr_inv(addr, 0, PAGE_SIZE);

	kunmap_local(addr);
	return zero;
}

/*
 * Blocks
 */

static void mal_model_check_refs(struct mal_model *model, struct page *page,
				 const char *when)
{
	if (page_ref_count(page) != MAL_PAGE_REFS)
		mal_model_error(model, "%d references %s", page_ref_count(page),
				when);
}

static void mal_model_own_page(struct mal_model *model, struct page *page)
{
	if (test_and_set_bit(page_to_pfn(page), mal_model_owned))
		mal_model_error(model, "page allocated twice");
}

static void mal_model_disown_page(struct mal_model *model, struct page *page)
{
	if (!test_and_clear_bit(page_to_pfn(page), mal_model_owned))
		mal_model_error(model, "page lost");
}

static void mal_model_check_fresh(struct mal_model *model,
				  const struct mal_model_block *block,
				  gfp_t gfp)
{
	struct page *page = block->page;
	unsigned int i;

	if (!IS_ALIGNED(page_to_pfn(page), 1UL << block->order))
		mal_model_error(model, "order %u not aligned", block->order);
	if (page_zonenum(page) > gfp_zone(gfp))
		mal_model_error(model, "zone %d for gfp %x", page_zonenum(page),
				(__force unsigned int)gfp);
	for (i = 0; i < 1U << block->order; i++) {
		mal_model_own_page(model, page + i);
		mal_model_check_refs(model, page + i, "when allocated");
		if (PageCompound(page + i))
			mal_model_error(model, "compound page");
		if ((gfp & __GFP_ZERO) && !mal_model_page_is_zero(page + i))
			mal_model_error(model, "not zeroed");
	}
}

/* Cover both functions, with and without a node. */
static struct page *mal_model_alloc_pages(struct mal_model *model, gfp_t gfp,
					  unsigned int order)
{
	if (mal_model_one_in(model, 2))
		return mal_alloc_pages(gfp, order);
	if (mal_model_one_in(model, 2))
		return mal_alloc_pages_node(NUMA_NO_NODE, gfp, order);
	return mal_alloc_pages_node(numa_mem_id(), gfp | __GFP_THISNODE, order);
}

/**
 * mal_model_alloc() - allocate a block and check it
 * @model: the model
 * @gfp: flags; __GFP_NOWARN is added
 * @order: order of the block
 *
 * Context: as @gfp allows.
 * Return: true if it was allocated.
 */
bool mal_model_alloc(struct mal_model *model, gfp_t gfp, unsigned int order)
{
	struct mal_model_block *block = &model->blocks[model->nr_blocks];
	unsigned int i;

	model->gfp = gfp | __GFP_NOWARN;
	model->order = order;
	block->page = mal_model_alloc_pages(model, model->gfp, order);
	model->failed = !block->page;
	if (model->failed) {
		model->failures[order]++;
		return false;
	}
	block->order = order;
	block->serial = ++model->serial;
	block->index = 0;
	block->filled = mal_model_random(model, 1UL << order);
	mal_model_check_fresh(model, block, gfp);
	for (i = 0; i < 1U << order; i++)
		mal_model_write_page(model, block, i);
	model->nr_blocks++;
	model->pages += 1UL << order;
	model->allocs[order]++;
	return true;
}

static struct mal_model_block mal_model_remove(struct mal_model *model,
					       unsigned int nr)
{
	struct mal_model_block block = model->blocks[nr];

	model->blocks[nr] = model->blocks[--model->nr_blocks];
	model->pages -= 1UL << block.order;
	return block;
}

/* Keep a reference to one page of a block that is about to be freed. */
static void mal_model_hold(struct mal_model *model,
			   const struct mal_model_block *block, unsigned int i)
{
	get_page(block->page + i);
	model->held[model->nr_held++] = (struct mal_model_block) {
		.page = block->page + i,
		.serial = block->serial,
		.index = block->index + i,
		.filled = block->filled == i ? 0 : 1,
	};
}

static void mal_model_release(struct mal_model *model, unsigned int nr)
{
	struct mal_model_block held = model->held[nr];

	model->held[nr] = model->held[--model->nr_held];
	if (page_ref_count(held.page) != MAL_PAGE_REFS + 1)
		mal_model_error(model, "%d references while pinned",
				page_ref_count(held.page));
	mal_model_read_page(model, &held, 0);
	mal_model_disown_page(model, held.page);
	put_page(held.page);
}

/**
 * mal_model_free() - check a block and free it
 * @model: the model
 * @nr: index of the block in the model
 *
 * Context: any but NMI.
 */
void mal_model_free(struct mal_model *model, unsigned int nr)
{
	struct mal_model_block block = mal_model_remove(model, nr);
	unsigned int i, kept = 1U << block.order;

	if (model->may_hold && model->nr_held < MAL_MODEL_MAX_HELD &&
	    mal_model_one_in(model, 16))
		kept = mal_model_random(model, 1UL << block.order);
	for (i = 0; i < 1U << block.order; i++) {
		mal_model_check_refs(model, block.page + i, "when freed");
		mal_model_read_page(model, &block, i);
		if (i == kept)
			mal_model_hold(model, &block, i);
		else
			mal_model_disown_page(model, block.page + i);
	}
	if ((kept && kept < 1U << block.order) || mal_model_one_in(model, 2))
		mal_free_pages_shared(block.page, block.order);
	else
		mal_free_pages(block.page, block.order);
	model->frees[block.order]++;
}

/**
 * mal_model_split() - make a block into blocks of one page each
 * @model: the model
 * @nr: index of the block in the model; ignored if there is no room for the
 *	parts
 *
 * Context: any but NMI.
 */
void mal_model_split(struct mal_model *model, unsigned int nr)
{
	struct mal_model_block block = model->blocks[nr];
	unsigned int i;

	if (block.order > MAL_MODEL_MAX_SPLIT ||
	    model->nr_blocks + (1U << block.order) > model->max_blocks)
		return;
	mal_model_remove(model, nr);
	mal_split_page(block.page, block.order);
	for (i = 0; i < 1U << block.order; i++)
		model->blocks[model->nr_blocks++] = (struct mal_model_block) {
			.page = block.page + i,
			.serial = block.serial,
			.index = block.index + i,
			.filled = block.filled == i ? 0 : 1,
		};
	model->pages += 1UL << block.order;
}

/*
 * Steps
 */

/* Each order is half as likely as the one below; one in sixteen is uniform. */
static unsigned int mal_model_pick_order(struct mal_model *model)
{
	unsigned long bits = mal_model_random(model, 1UL << MAL_MAX_ORDER);

	if (mal_model_one_in(model, 16))
		return mal_model_random(model, MAL_NR_ORDERS);
	return bits ? __ffs(bits) : MAL_MAX_ORDER;
}

static gfp_t mal_model_pick_gfp(struct mal_model *model, bool may_sleep)
{
	static const gfp_t sleeping[] = {
		GFP_KERNEL, GFP_NOIO, GFP_NOFS, GFP_USER, GFP_HIGHUSER,
		GFP_KERNEL | GFP_DMA, GFP_KERNEL | GFP_DMA32,
		GFP_KERNEL | __GFP_NORETRY, GFP_KERNEL | __GFP_HIGH,
	};
	static const gfp_t waking[] = {
		GFP_ATOMIC, GFP_NOWAIT, GFP_ATOMIC | GFP_DMA, __GFP_NOWARN,
	};
	gfp_t gfp;

	if (may_sleep && !mal_model_one_in(model, 3))
		gfp = sleeping[mal_model_random(model, ARRAY_SIZE(sleeping))];
	else
		gfp = waking[mal_model_random(model, ARRAY_SIZE(waking))];
	if (mal_model_one_in(model, 4))
		gfp |= __GFP_ZERO;
	return gfp;
}

/*
 * An allocation that must not sleep runs with interrupts off half of the time.
 */
static void mal_model_step_alloc(struct mal_model *model, bool may_sleep)
{
	gfp_t gfp = mal_model_pick_gfp(model, may_sleep);
	unsigned int order = mal_model_pick_order(model);
	unsigned long flags;

	if (gfpflags_allow_blocking(gfp) || mal_model_one_in(model, 2)) {
		mal_model_alloc(model, gfp, order);
		return;
	}
	local_irq_save(flags);
	mal_model_alloc(model, gfp, order);
	local_irq_restore(flags);
}

static void mal_model_step_free(struct mal_model *model)
{
	unsigned int nr = mal_model_random(model, model->nr_blocks);
	unsigned long flags;

	if (mal_model_one_in(model, 2)) {
		mal_model_free(model, nr);
		return;
	}
	local_irq_save(flags);
	mal_model_free(model, nr);
	local_irq_restore(flags);
}

/**
 * mal_model_step() - perform one random operation
 * @model: the model
 * @may_sleep: whether the caller may sleep
 *
 * The model grows for a while or until an allocation fails, then shrinks for a
 * while, so that it reaches the cap and zero again and again.
 *
 * Context: any but NMI.
 */
void mal_model_step(struct mal_model *model, bool may_sleep)
{
	model->steps++;
	model->failed = false;
	if (mal_model_one_in(model, 1000) || model->nr_blocks == model->max_blocks)
		model->growing = !model->growing;
	if (model->nr_held && mal_model_one_in(model, 32))
		mal_model_release(model, mal_model_random(model, model->nr_held));
	else if (model->nr_blocks && mal_model_one_in(model, 16))
		mal_model_split(model, mal_model_random(model, model->nr_blocks));
	else if (model->nr_blocks == model->max_blocks ||
		 (model->nr_blocks &&
		  mal_model_random(model, 8) >= (model->growing ? 5 : 3)))
		mal_model_step_free(model);
	else
		mal_model_step_alloc(model, may_sleep);
}

/**
 * mal_model_drain() - free all blocks of a model
 * @model: the model
 *
 * Context: task; sleeps.
 */
void mal_model_drain(struct mal_model *model)
{
	while (model->nr_blocks) {
		mal_model_free(model, mal_model_random(model, model->nr_blocks));
		cond_resched();
	}
	while (model->nr_held)
		mal_model_release(model, 0);
}
