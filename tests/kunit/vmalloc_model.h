/* SPDX-License-Identifier: GPL-2.0 */
/*
 * vmalloc_model.h: model of a user of vmalloc
 */
#ifndef _MAL_VMALLOC_MODEL_H
#define _MAL_VMALLOC_MODEL_H

#include <linux/prandom.h>
#include <linux/types.h>

#define MAL_VMALLOC_SLOTS	32

/**
 * struct mal_vmalloc_object - an allocation
 * @address: its address
 * @size: size in bytes
 * @mark: mark that fills it
 * @kv: allocated by mal_kvmalloc(), possibly from kmalloc
 */
struct mal_vmalloc_object {
	void *address;
	size_t size;
	u64 mark;
	bool kv;
};

/**
 * struct mal_vmalloc_model - one user: its objects, history and errors
 * @id: distinguishes its marks from those of other models
 * @rnd: source of random decisions
 * @objects: objects held
 * @nr: number of @objects
 * @serial: serial number of the last allocation
 * @steps: number of steps
 * @refused: failed allocations
 * @errors: number of errors found
 * @error: text of the first error
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
