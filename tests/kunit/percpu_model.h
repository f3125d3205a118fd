/* SPDX-License-Identifier: GPL-2.0 */
/*
 * percpu_model.h: model of a user of per-CPU areas
 */
#ifndef _MAL_PERCPU_MODEL_H
#define _MAL_PERCPU_MODEL_H

#include <linux/prandom.h>
#include <linux/types.h>

#define MAL_AREA_SLOTS	64

/**
 * struct mal_model_area - an area
 * @area: the per-CPU pointer
 * @size: size in bytes
 * @rounded: bytes occupied
 * @mark: fill byte, to which the number of the CPU is added
 */
struct mal_model_area {
	void __percpu *area;
	size_t size;
	size_t rounded;
	u8 mark;
};

/**
 * struct mal_percpu_model - one user: its areas, history and errors
 * @rnd: source of random decisions
 * @slots: shared slots, through which users pass areas to each other
 * @id: distinguishes its marks from those of other models
 * @areas: areas held
 * @nr: number of @areas
 * @max: capacity of @areas
 * @growing: allocates more often than it frees
 * @bytes: bytes held, rounded as by the allocator
 * @steps: number of steps
 * @refused: failed allocations
 * @errors: number of errors found
 * @error: text of the first error
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
