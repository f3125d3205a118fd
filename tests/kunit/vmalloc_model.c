// SPDX-License-Identifier: GPL-2.0
/*
 * Model of a user of vmalloc
 *
 * Each page of an allocation is filled with a mark, and is also checked through
 * the kernel's direct mapping, so that it must be the page that the area maps.
 * Pages that are handed out twice or overwritten are detected when the area is
 * freed, resized or passed on.
 *
 * Models pass areas to each other through shared slots with xchg(), so that
 * interrupts free areas allocated by tasks.
 */
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/string.h>

#include <memalloc/kvmalloc.h>
#include <memalloc/vmalloc_area.h>

#include "vmalloc_model.h"

#define MAL_PASSED	8

static struct mal_vmalloc_object *mal_passed[MAL_PASSED];

static unsigned long mal_random(struct mal_vmalloc_model *model,
				unsigned long below)
{
	return prandom_u32_state(&model->rnd) % below;
}

__printf(2, 3)
static void mal_model_error(struct mal_vmalloc_model *model, const char *fmt, ...)
{
	va_list args;

	if (model->errors++)
		return;
	va_start(args, fmt);
	vsnprintf(model->error, sizeof(model->error), fmt, args);
	va_end(args);
}

/* Offset of the last word of a page, or of the allocation in its last page. */
static size_t mal_last_word(size_t size, size_t page)
{
	return min(size, page + PAGE_SIZE) - sizeof(u64);
}

static void mal_object_fill(const struct mal_vmalloc_object *object)
{
	size_t page;

	if (object->size < sizeof(u64))
		return;
	for (page = 0; page < object->size; page += PAGE_SIZE) {
		u64 mark = object->mark + page;

		memcpy(object->address + page, &mark,
		       min(object->size - page, sizeof(mark)));
		if (object->size - page < 2 * sizeof(mark))
			continue;
		memcpy(object->address + mal_last_word(object->size, page), &mark,
		       sizeof(mark));
	}
}

/* Are the first @size bytes still filled with the mark? */
static bool mal_object_intact(const struct mal_vmalloc_object *object, size_t size)
{
	size_t page;

	if (object->size < sizeof(u64))
		return true;
	for (page = 0; page < size; page += PAGE_SIZE) {
		size_t last = mal_last_word(object->size, page);
		u64 mark = object->mark + page;

		if (memcmp(object->address + page, &mark,
			   min(size - page, sizeof(mark))))
			return false;
		if (object->size - page >= 2 * sizeof(mark) &&
		    last + sizeof(mark) <= size &&
		    memcmp(object->address + last, &mark, sizeof(mark)))
			return false;
	}
	return true;
}

/* Does the direct mapping of each page show the same contents? */
static bool mal_object_is_mapped(const struct mal_vmalloc_object *object)
{
	size_t page;

	for (page = 0; page < object->size; page += PAGE_SIZE) {
		struct page *behind = mal_vmalloc_to_page(object->address + page);

		if (!behind || memcmp(page_address(behind), object->address + page,
				      min(object->size - page, PAGE_SIZE)))
			return false;
	}
	return true;
}

static void mal_model_check(struct mal_vmalloc_model *model,
			    const struct mal_vmalloc_object *object)
{
	if (!mal_object_intact(object, object->size))
		mal_model_error(model, "%zu bytes overwritten", object->size);
	if (!is_vmalloc_addr(object->address))
		return;
	if (!mal_object_is_mapped(object))
		mal_model_error(model, "%zu bytes differ from the direct mapping",
				object->size);
	if (!is_mal_vmalloc_addr(object->address + object->size - 1))
		mal_model_error(model, "the last of %zu bytes is not in the area",
				object->size);
	if (mal_vmalloc_size(object->address) != object->size)
		mal_model_error(model, "%zu bytes reported as %zu", object->size,
				mal_vmalloc_size(object->address));
}

/* Check a new object, and add it to the model. */
static void mal_model_take(struct mal_vmalloc_model *model, void *address,
			   size_t size, bool zero, bool kv)
{
	struct mal_vmalloc_object *object = &model->objects[model->nr++];

	if (!kv && !PAGE_ALIGNED(address))
		mal_model_error(model, "%zu bytes begin inside a page", size);
	if (zero && memchr_inv(address, 0, size))
		mal_model_error(model, "%zu bytes not zero", size);
	object->address = address;
	object->size = size;
	object->kv = kv;
	model->serial++;
	object->mark = (u64)model->id << 56 | (u64)model->serial << 32;
	mal_object_fill(object);
}

/* Mostly a few pages; rarely more than fit into the cache of a CPU. */
static size_t mal_model_size(struct mal_vmalloc_model *model)
{
	unsigned long pages = 1 + mal_random(model, 6);

	if (mal_random(model, 8) == 0)
		pages = 1 + mal_random(model, 90);
	return (pages << PAGE_SHIFT) - mal_random(model, PAGE_SIZE);
}

static void *mal_model_call(struct mal_vmalloc_model *model, size_t size,
			    bool may_sleep, bool *zero, bool *kv)
{
	gfp_t gfp = __GFP_NOWARN;

	*zero = false;
	*kv = false;
	switch (may_sleep ? mal_random(model, 8) : 8) {
	case 0:
		*zero = true;
		return mal_vzalloc(size);
	case 1:
		*zero = true;
		return mal_vmalloc_user(size);
	case 2:
		return mal_vmalloc_node(size, mal_random(model, 2) ? 0 : NUMA_NO_NODE);
	case 3:
		*zero = true;
		*kv = true;
		return mal_kvzalloc(size, GFP_KERNEL | gfp);
	case 4:
		return mal_vmalloc_32(size);
	case 5:
		return __mal_vmalloc(size, GFP_NOIO | gfp);
	case 6:
	case 7:
		return mal_vmalloc(size);
	default:
		*zero = mal_random(model, 2);
		return __mal_vmalloc(size, GFP_ATOMIC | gfp | (*zero ? __GFP_ZERO : 0));
	}
}

static void mal_model_alloc(struct mal_vmalloc_model *model, bool may_sleep)
{
	size_t size = mal_model_size(model);
	bool zero, kv;
	void *address = mal_model_call(model, size, may_sleep, &zero, &kv);

	if (address)
		mal_model_take(model, address, size, zero, kv);
	else
		model->refused++;
}

/* Remove an object from the model, and check it. */
static struct mal_vmalloc_object mal_model_give(struct mal_vmalloc_model *model,
						unsigned int nr)
{
	struct mal_vmalloc_object object = model->objects[nr];

	model->objects[nr] = model->objects[--model->nr];
	mal_model_check(model, &object);
	return object;
}

static void mal_model_free(struct mal_vmalloc_model *model)
{
	struct mal_vmalloc_object object;

	if (!model->nr)
		return;
	object = mal_model_give(model, mal_random(model, model->nr));
	if (object.kv || mal_random(model, 4) == 0)
		mal_kvfree(object.address);
	else if (mal_random(model, 2))
		mal_vfree_atomic(object.address);
	else
		mal_vfree(object.address);
}

static void mal_model_resize(struct mal_vmalloc_model *model)
{
	struct mal_vmalloc_object object;
	size_t size = mal_model_size(model);
	void *address;

	if (!model->nr)
		return;
	object = mal_model_give(model, mal_random(model, model->nr));
	if (object.kv)
		address = mal_kvrealloc(object.address, size, GFP_KERNEL);
	else
		address = mal_vrealloc(object.address, size, GFP_KERNEL);
	if (!address) {
		model->refused++;
		address = object.address;
		size = object.size;
	} else {
		object.address = address;
		if (!mal_object_intact(&object, min(size, object.size)))
			mal_model_error(model, "%zu bytes lost in resize to %zu", object.size,
					size);
	}
	mal_model_take(model, address, size, false, object.kv);
}

/* Exchange an object with a shared slot. Either may be empty. */
static void mal_model_pass(struct mal_vmalloc_model *model)
{
	struct mal_vmalloc_object *object = NULL;

	if (model->nr) {
		object = kmalloc(sizeof(*object), GFP_ATOMIC);
		if (!object)
			return;
		*object = mal_model_give(model, mal_random(model, model->nr));
	}
	object = xchg(&mal_passed[mal_random(model, MAL_PASSED)], object);
	if (!object)
		return;
	model->objects[model->nr++] = *object;
	kfree(object);
}

/**
 * mal_vmalloc_model_init() - initialize a model that holds no object
 * @model: the model
 * @id: distinguishes its marks from those of other models
 * @seed: seed of its random decisions
 *
 * Context: any.
 */
void mal_vmalloc_model_init(struct mal_vmalloc_model *model, u8 id, u64 seed)
{
	memset(model, 0, sizeof(*model));
	model->id = id;
	prandom_seed_state(&model->rnd, seed + id);
}

/**
 * mal_vmalloc_model_step() - perform one random operation
 * @model: the model
 * @may_sleep: whether the context may sleep
 *
 * Context: any.
 */
void mal_vmalloc_model_step(struct mal_vmalloc_model *model, bool may_sleep)
{
	unsigned long choice = mal_random(model, 16);

	model->steps++;
	if (choice < 2)
		mal_model_pass(model);
	else if (choice < 3 && may_sleep)
		mal_model_resize(model);
	else if (choice < 9 && model->nr < MAL_VMALLOC_SLOTS)
		mal_model_alloc(model, may_sleep);
	else
		mal_model_free(model);
}

/**
 * mal_vmalloc_model_drain() - free all objects of a model and of the shared
 * slots
 * @model: the model
 *
 * Context: task.
 */
void mal_vmalloc_model_drain(struct mal_vmalloc_model *model)
{
	unsigned int i;

	for (i = 0; i < MAL_PASSED; i++) {
		struct mal_vmalloc_object *object = xchg(&mal_passed[i], NULL);

		if (!object)
			continue;
		mal_model_check(model, object);
		mal_kvfree(object->address);
		kfree(object);
	}
	while (model->nr)
		mal_model_free(model);
}

/**
 * mal_vmalloc_model_pages() - count the pages of a model and of the shared
 * slots
 * @model: the only model
 * @areas: set to the number of areas
 *
 * Context: task.
 * Return: the number of pages.
 */
unsigned long mal_vmalloc_model_pages(const struct mal_vmalloc_model *model,
				      unsigned long *areas)
{
	unsigned long pages = 0;
	unsigned int i;

	*areas = 0;
	for (i = 0; i < model->nr; i++) {
		if (!is_vmalloc_addr(model->objects[i].address))
			continue;
		pages += PFN_UP(model->objects[i].size);
		++*areas;
	}
	for (i = 0; i < MAL_PASSED; i++) {
		if (!mal_passed[i] || !is_vmalloc_addr(mal_passed[i]->address))
			continue;
		pages += PFN_UP(mal_passed[i]->size);
		++*areas;
	}
	return pages;
}
