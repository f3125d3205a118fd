/* SPDX-License-Identifier: GPL-2.0 */
/*
 * slab_model.h: a simple model of what a user of caches and kmalloc holds
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
 * struct mal_pool_cache - a cache that models share
 * @cache: the cache
 * @size: of its objects
 * @align: of its objects
 * @constructed: it has a constructor and a destructor
 * @typesafe: with SLAB_TYPESAFE_BY_RCU
 * @held: objects that models hold, all together
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
 * struct mal_slab_pool - what models share
 * @caches: caches of all kinds
 * @slots: objects that one has put down, for another one to take and free
 */
struct mal_slab_pool {
	struct mal_pool_cache caches[MAL_POOL_CACHES];
	struct mal_model_object *slots[MAL_POOL_SLOTS];
};

/**
 * struct mal_model_object - an object
 * @address: where it is
 * @size: bytes that are the user's
 * @from: the cache, or NULL for kmalloc
 * @mark: what it is filled with
 */
struct mal_model_object {
	void *address;
	size_t size;
	struct mal_pool_cache *from;
	u64 mark;
};

/**
 * struct mal_slab_model - one user: what it holds, did and found wrong
 * @rnd: where its decisions come from
 * @pool: what it shares with others
 * @id: tells its marks from other models'
 * @serial: of its last allocation
 * @growing: rather allocates than frees
 * @objects: what it holds
 * @nr: how many of them
 * @max: no more than that
 * @steps: what it did altogether
 * @refused: allocations that it did not get
 * @errors: things that were wrong
 * @error: the first of them
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
