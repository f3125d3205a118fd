/* SPDX-License-Identifier: GPL-2.0 */
/*
 * slab_model.h: model of a user of caches and kmalloc
 */
#ifndef _MAL_SLAB_MODEL_H
#define _MAL_SLAB_MODEL_H

#include <linux/atomic.h>
#include <linux/prandom.h>
#include <linux/rcupdate.h>
#include <linux/types.h>

#include <memalloc/slab_cache.h>

#define MAL_POOL_CACHES		12
#define MAL_POOL_SLOTS		64

/**
 * struct mal_pool_cache - a cache shared by all models
 * @cache: the cache
 * @size: size of its objects
 * @align: alignment of its objects
 * @constructed: has a constructor and a destructor
 * @typesafe: has SLAB_TYPESAFE_BY_RCU
 * @held: objects held by all models
 */
struct mal_pool_cache {
	struct mal_kmem_cache *cache;
	unsigned int size;
	unsigned int align;
	bool constructed;
	bool typesafe;
	atomic_long_t held;
};

/**
 * struct mal_slab_pool - state shared by all models
 * @caches: caches of all kinds
 * @slots: shared slots, through which models pass objects to each other
 */
struct mal_slab_pool {
	struct mal_pool_cache caches[MAL_POOL_CACHES];
	struct mal_model_object *slots[MAL_POOL_SLOTS];
};

/**
 * struct mal_model_object - an object
 * @address: its address
 * @size: usable bytes
 * @from: its cache, or NULL for kmalloc
 * @mark: mark that fills it
 */
struct mal_model_object {
	void *address;
	size_t size;
	struct mal_pool_cache *from;
	u64 mark;
};

/**
 * struct mal_slab_model - one user: its objects, history and errors
 * @rnd: source of random decisions
 * @pool: shared caches and slots
 * @id: distinguishes its marks from those of other models
 * @serial: serial number of its last allocation
 * @growing: allocates more often than it frees
 * @objects: objects held
 * @nr: number of @objects
 * @max: capacity of @objects
 * @steps: number of steps
 * @refused: failed allocations
 * @errors: number of errors found
 * @error: text of the first error
 */
struct mal_slab_model {
	struct rnd_state rnd;
	struct mal_slab_pool *pool;
	u8 id;
	u32 serial;
	bool growing;
	struct mal_model_object *objects;
	unsigned int nr;
	unsigned int max;
	unsigned long steps;
	unsigned long refused;
	unsigned long errors;
	char error[120];
};

extern atomic_long_t mal_pool_constructed;
extern atomic_long_t mal_pool_spoiled;

struct mal_slab_pool *mal_slab_pool_create(struct rnd_state *rnd);
bool mal_slab_pool_destroy(struct mal_slab_pool *pool);

struct mal_slab_model *mal_slab_model_create(struct mal_slab_pool *pool, u8 id,
					     u64 seed, unsigned int max);
void mal_slab_model_destroy(struct mal_slab_model *model);
void mal_slab_model_step(struct mal_slab_model *model, bool may_sleep);
void mal_slab_model_drain(struct mal_slab_model *model);

#endif /* _MAL_SLAB_MODEL_H */
