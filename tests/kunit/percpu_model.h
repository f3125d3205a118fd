/* SPDX-License-Identifier: GPL-2.0 */
/*
 * percpu_model.h: a simple model of what a user of per-CPU areas holds
 */
#ifndef _MAL_PERCPU_MODEL_H
#define _MAL_PERCPU_MODEL_H

#include <linux/prandom.h>
#include <linux/types.h>

#define MAL_AREA_SLOTS	64

/**
 * struct mal_model_area - an area
 * @area: it
 * @size: bytes
 * @rounded: bytes that it occupies
 * @mark: what it is filled with, plus the number of the CPU
 */
struct mal_model_area {
	void __percpu *area;
	size_t size;
	size_t rounded;
	u8 mark;
};

/**
 * struct mal_percpu_model - one user: what it holds, did and found wrong
 * @rnd: where its decisions come from
 * @slots: areas that one has put down for another one to take and free: shared
 * @id: tells its marks from other models'
 * @areas: what it holds
 * @nr: how many of them
 * @max: no more than that
 * @growing: rather allocates than frees
 * @bytes: that it holds, as the allocator rounds them
 * @steps: what it did altogether
 * @refused: allocations that it did not get
 * @errors: things that were wrong
 * @error: the first of them
 */
struct mal_percpu_model {
	struct rnd_state rnd;
	struct mal_model_area **slots;
	u8 id;
	struct mal_model_area *areas;
	unsigned int nr;
	unsigned int max;
	bool growing;
	u64 bytes;
	unsigned long steps;
	unsigned long refused;
	unsigned long errors;
	char error[120];
};

struct mal_percpu_model *mal_percpu_model_create(struct mal_model_area **slots,
						 u8 id, u64 seed,
						 unsigned int max);
void mal_percpu_model_destroy(struct mal_percpu_model *model);
void mal_percpu_model_step(struct mal_percpu_model *model, bool may_sleep);
void mal_percpu_model_drain(struct mal_percpu_model *model);

#endif /* _MAL_PERCPU_MODEL_H */
