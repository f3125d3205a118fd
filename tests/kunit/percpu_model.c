// SPDX-License-Identifier: GPL-2.0
/*
 * Model of a user of per-CPU areas
 *
 * Each area is filled with a mark on each CPU, and must be intact when it is
 * freed, so that overlapping areas are detected. A new area must be zeroed and
 * aligned on each CPU.
 *
 * Context: steps in any context but NMI; creation and destruction in task
 * context.
 */
#include <linux/cpumask.h>
#include <linux/kernel.h>
#include <linux/log2.h>
#include <linux/percpu.h>
#include <linux/slab.h>
#include <linux/string.h>

#include <memalloc/percpu.h>

#include "percpu_model.h"

static u32 mal_random(struct mal_percpu_model *model, u32 below)
{
	return prandom_u32_state(&model->rnd) % below;
}

__printf(2, 3)
static void mal_model_error(struct mal_percpu_model *model, const char *fmt, ...)
{
	va_list args;

	if (model->errors++)
		return;
	va_start(args, fmt);
	vsnprintf(model->error, sizeof(model->error), fmt, args);
	va_end(args);
}

/* Mostly small areas, sometimes of any size up to the largest. */
static size_t mal_model_size(struct mal_percpu_model *model)
{
	unsigned int limit = mal_random(model, 64) ? ilog2(MAL_PERCPU_MAX_CACHED) + 1 :
						     ilog2(MAL_PERCPU_MAX_SIZE);

	return 1 + mal_random(model, 1U << mal_random(model, limit + 1));
}

static size_t mal_model_align(struct mal_percpu_model *model)
{
	if (mal_random(model, 4))
		return 1UL << mal_random(model, 4);
	return 1UL << mal_random(model, PAGE_SHIFT + 1);
}

/* Round a size as the allocator does: see the opening comment of percpu.c. */
static size_t mal_model_rounded(size_t size, size_t align)
{
	if (size <= 4 && align <= 4)
		return 4;
	if (size <= MAL_PERCPU_MAX_CACHED && IS_ALIGNED(round_up(size, 8), align))
		return round_up(size, 8);
	return round_up(size, 4);
}

static void mal_model_take(struct mal_percpu_model *model, void __percpu *area,
			   size_t size, size_t align)
{
	struct mal_model_area *held = &model->areas[model->nr++];
	int cpu;

	held->rounded = mal_model_rounded(size, align);
	model->bytes += held->rounded;
	held->area = area;
	held->size = size;
	held->mark = model->id * 37 + model->steps * 7;
	for_each_possible_cpu(cpu) {
		void *copy = per_cpu_ptr(area, cpu);

		if (!IS_ALIGNED((unsigned long)copy, align))
			mal_model_error(model, "%zu bytes not aligned to %zu on CPU %d",
					size, align, cpu);
		if (memchr_inv(copy, 0, size))
			mal_model_error(model, "%zu bytes not zero on CPU %d", size,
					cpu);
		memset(copy, (u8)(held->mark + cpu), size);
	}
}

static void mal_model_alloc(struct mal_percpu_model *model, bool may_sleep)
{
	gfp_t gfp = may_sleep && mal_random(model, 4) ? GFP_KERNEL : GFP_ATOMIC;
	size_t size = mal_model_size(model), align = mal_model_align(model);
	void __percpu *area;

	area = __mal_alloc_percpu_gfp(size, align, gfp | __GFP_NOWARN);
	if (!area) {
		model->refused++;
		return;
	}
	mal_model_take(model, area, size, align);
}

static void mal_model_check(struct mal_percpu_model *model,
			    const struct mal_model_area *held)
{
	int cpu;

	for_each_possible_cpu(cpu)
		if (memchr_inv(per_cpu_ptr(held->area, cpu), (u8)(held->mark + cpu),
			       held->size))
			mal_model_error(model, "%zu bytes overwritten on CPU %d",
					held->size, cpu);
}

static void mal_model_free(struct mal_percpu_model *model)
{
	unsigned int nr = mal_random(model, model->nr);
	struct mal_model_area held = model->areas[nr];

	model->areas[nr] = model->areas[--model->nr];
	model->bytes -= held.rounded;
	mal_model_check(model, &held);
	mal_free_percpu(held.area);
}

/*
 * Put an area into a shared slot, and free the one that another user left
 * there.
 */
static void mal_model_pass_on(struct mal_percpu_model *model)
{
	unsigned int nr = mal_random(model, model->nr);
	struct mal_model_area *held;

	held = kmemdup(&model->areas[nr], sizeof(*held), GFP_ATOMIC);
	if (!held)
		return;
	model->areas[nr] = model->areas[--model->nr];
	model->bytes -= held->rounded;
	held = xchg(&model->slots[mal_random(model, MAL_AREA_SLOTS)], held);
	if (!held)
		return;
	mal_model_check(model, held);
	mal_free_percpu(held->area);
	kfree(held);
}

static bool mal_model_grows(struct mal_percpu_model *model)
{
	if (model->nr >= model->max)
		model->growing = false;
	if (!model->nr)
		model->growing = true;
	return mal_random(model, 8) < (model->growing ? 5 : 3);
}

/**
 * mal_percpu_model_step() - perform one random operation
 * @model: the model
 * @may_sleep: whether the context may sleep
 *
 * Context: any but NMI.
 */
void mal_percpu_model_step(struct mal_percpu_model *model, bool may_sleep)
{
	model->steps++;
	if (mal_model_grows(model) && model->nr < model->max)
		mal_model_alloc(model, may_sleep);
	else if (model->nr && model->slots && mal_random(model, 4) == 0)
		mal_model_pass_on(model);
	else if (model->nr)
		mal_model_free(model);
	if (mal_random(model, 1000) == 0)
		model->growing = !model->growing;
}

/**
 * mal_percpu_model_drain() - free all areas of a model
 * @model: the model
 *
 * Context: any but NMI.
 */
void mal_percpu_model_drain(struct mal_percpu_model *model)
{
	while (model->nr)
		mal_model_free(model);
}

/**
 * mal_percpu_model_create() - create a model that holds no area
 * @slots: array of MAL_AREA_SLOTS shared areas, or NULL
 * @id: distinguishes the marks of different models
 * @seed: seed of the model's random decisions
 * @max: maximum number of areas held
 *
 * Context: task.
 * Return: the model, or NULL.
 */
struct mal_percpu_model *mal_percpu_model_create(struct mal_model_area **slots,
						 u8 id, u64 seed,
						 unsigned int max)
{
	struct mal_percpu_model *model = kzalloc(sizeof(*model), GFP_KERNEL);

	if (!model)
		return NULL;
	model->areas = kvcalloc(max, sizeof(*model->areas), GFP_KERNEL);
	if (!model->areas) {
		kfree(model);
		return NULL;
	}
	prandom_seed_state(&model->rnd, seed + id);
	model->slots = slots;
	model->id = id;
	model->max = max;
	model->growing = true;
	return model;
}

/**
 * mal_percpu_model_destroy() - free a model
 * @model: the model; must not hold any area
 *
 * Context: task.
 */
void mal_percpu_model_destroy(struct mal_percpu_model *model)
{
	kvfree(model->areas);
	kfree(model);
}
