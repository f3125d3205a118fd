/* SPDX-License-Identifier: GPL-2.0 */
/*
 * vmalloc_model.h: a simple model of what a user of vmalloc holds
 */
#ifndef _MAL_VMALLOC_MODEL_H
#define _MAL_VMALLOC_MODEL_H

#include <linux/prandom.h>
#include <linux/types.h>

#define MAL_VMALLOC_SLOTS	32

/**
 * struct mal_vmalloc_object - an allocation
 * @address: what was returned
 * @size: bytes
 * @mark: what it is filled with
 * @kv: from mal_kvmalloc(), so that it may be kmalloc's
 */
struct mal_vmalloc_object {
	void *address;
	size_t size;
	u64 mark;
	bool kv;
};

/**
 * struct mal_vmalloc_model - a user
 * @id: which one
 * @rnd: decides
 * @objects: what it holds
 * @nr: how many
 * @serial: of the last one
 * @steps: taken
 * @refused: allocations that got nothing
 * @errors: what was not as it must be
 * @error: the first of them
 *
 * Used by one context at a time.
 */
struct mal_vmalloc_model {
	u8 id;
	struct rnd_state rnd;
	struct mal_vmalloc_object objects[MAL_VMALLOC_SLOTS];
	unsigned int nr;
	u32 serial;
	unsigned long steps;
	unsigned long refused;
	unsigned long errors;
	char error[96];
};

void mal_vmalloc_model_init(struct mal_vmalloc_model *model, u8 id, u64 seed);
void mal_vmalloc_model_step(struct mal_vmalloc_model *model, bool may_sleep);
void mal_vmalloc_model_drain(struct mal_vmalloc_model *model);
unsigned long mal_vmalloc_model_pages(const struct mal_vmalloc_model *model,
				      unsigned long *areas);

#endif /* _MAL_VMALLOC_MODEL_H */
