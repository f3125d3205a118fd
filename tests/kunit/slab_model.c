// SPDX-License-Identifier: GPL-2.0
/*
 * Model of a user of caches and kmalloc
 *
 * The model remembers each of its objects and fills it with a mark. An object
 * that is handed out twice, moves, shrinks or changes is detected when it is
 * freed, resized or passed on. Objects of a cache with a constructor are
 * checked for the constructed contents when they are allocated, and are
 * restored before they are freed.
 *
 * Contexts: a model is used by one context at a time; shared objects are
 * exchanged with xchg().
 */
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/nodemask.h>
#include <linux/slab.h>
#include <linux/string.h>

#include <memalloc/kmalloc.h>
#include <memalloc/slab_cache.h>

#include "slab_model.h"

#define MAL_MODEL_BULK		100
#define MAL_CONSTRUCTED_BYTE	0xc7

/* Number of live constructed objects of all pools, and of spoiled ones. */
atomic_long_t mal_pool_constructed;
atomic_long_t mal_pool_spoiled;

static unsigned int mal_pool_object_sizes[MAL_POOL_CACHES] = {
	[0] = 1, 8, 24, 64, 100, 192, 520, 1000, 2048, 5000, 9000, 40000,
};

static unsigned long mal_random(struct rnd_state *rnd, unsigned long below)
{
	return prandom_u32_state(rnd) % below;
}

/*
 * Pools of caches
 */

/* Constructors do not know their cache, so each size has its own. */
#define MAL_POOL_CTOR(nr)						\
static void mal_pool_ctor_##nr(void *object)				\
{									\
	memset(object, MAL_CONSTRUCTED_BYTE, mal_pool_object_sizes[nr]);	\
	atomic_long_inc(&mal_pool_constructed);				\
}									\
static void mal_pool_dtor_##nr(void *object)				\
{									\
	if (memchr_inv(object, MAL_CONSTRUCTED_BYTE,			\
		       mal_pool_object_sizes[nr]))			\
		atomic_long_inc(&mal_pool_spoiled);			\
	atomic_long_dec(&mal_pool_constructed);				\
}

MAL_POOL_CTOR(1)
MAL_POOL_CTOR(3)
MAL_POOL_CTOR(5)
MAL_POOL_CTOR(9)

static void (*const mal_pool_ctors[MAL_POOL_CACHES])(void *) = {
	[1] = mal_pool_ctor_1,
	[3] = mal_pool_ctor_3,
	[5] = mal_pool_ctor_5,
	[9] = mal_pool_ctor_9,
};

static void (*const mal_pool_dtors[MAL_POOL_CACHES])(void *) = {
	[1] = mal_pool_dtor_1,
	[3] = mal_pool_dtor_3,
	[5] = mal_pool_dtor_5,
	[9] = mal_pool_dtor_9,
};

static void mal_pool_cache_create(struct mal_pool_cache *pc, unsigned int nr,
				  struct rnd_state *rnd)
{
	static const unsigned int aligns[] = { 0, 0, 8, 32, 256 };
	struct mal_kmem_cache_args args = {
		.align = aligns[mal_random(rnd, ARRAY_SIZE(aligns))],
		.ctor = mal_pool_ctors[nr],
		.dtor = mal_pool_dtors[nr],
	};
	slab_flags_t flags = 0;
	char name[16];

	if (mal_random(rnd, 3) == 0)
		flags |= SLAB_HWCACHE_ALIGN;
	pc->typesafe = mal_random(rnd, 4) == 0;
	if (pc->typesafe)
		flags |= SLAB_TYPESAFE_BY_RCU;
	pc->size = mal_pool_object_sizes[nr];
	pc->align = max_t(unsigned int, args.align, 8);
	pc->constructed = args.ctor;
	snprintf(name, sizeof(name), "test-%u", nr);
	pc->cache = mal_kmem_cache_create_args(name, pc->size, &args, flags);
}

/**
 * mal_slab_pool_create() - create caches of many kinds
 * @rnd: source of random decisions
 *
 * Context: task.
 * Return: the pool, or NULL.
 */
struct mal_slab_pool *mal_slab_pool_create(struct rnd_state *rnd)
{
	struct mal_slab_pool *pool = kzalloc(sizeof(*pool), GFP_KERNEL);
	unsigned int i;

	for (i = 0; pool && i < MAL_POOL_CACHES; i++) {
		mal_pool_cache_create(&pool->caches[i], i, rnd);
		if (!pool->caches[i].cache) {
			mal_slab_pool_destroy(pool);
			pool = NULL;
		}
	}
	return pool;
}

/*
 * Free the objects that are left in the slots. No model uses the pool any more.
 */
static void mal_pool_clear(struct mal_slab_pool *pool)
{
	unsigned int i;

	for (i = 0; i < MAL_POOL_SLOTS; i++) {
		struct mal_model_object *object = xchg(&pool->slots[i], NULL);

		if (!object)
			continue;
		if (object->from && object->from->constructed)
			memset(object->address, MAL_CONSTRUCTED_BYTE, object->size);
		if (object->from) {
			mal_kmem_cache_free(object->from->cache, object->address);
			atomic_long_dec(&object->from->held);
		} else {
			mal_kfree(object->address);
		}
		kfree(object);
	}
}

/**
 * mal_slab_pool_destroy() - destroy the caches of a pool
 * @pool: the pool; no model may hold any of its objects
 *
 * Context: task.
 * Return: true if each constructed object has been destructed.
 */
bool mal_slab_pool_destroy(struct mal_slab_pool *pool)
{
	unsigned int i;

	mal_pool_clear(pool);
	for (i = 0; i < MAL_POOL_CACHES; i++)
		mal_kmem_cache_destroy(pool->caches[i].cache);
	kfree(pool);
	return !atomic_long_read(&mal_pool_constructed);
}

/*
 * Models
 */

__printf(2, 3)
static void mal_model_error(struct mal_slab_model *model, const char *fmt, ...)
{
	va_list args;

	if (model->errors++)
		return;
	va_start(args, fmt);
	vsnprintf(model->error, sizeof(model->error), fmt, args);
	va_end(args);
}

/* Fill the whole object with its mark. */
static void mal_object_fill(const struct mal_model_object *object)
{
	memset(object->address, object->mark, object->size);
	if (object->size >= sizeof(u64))
		memcpy(object->address, &object->mark, sizeof(u64));
	if (object->size >= 2 * sizeof(u64))
		memcpy(object->address + object->size - sizeof(u64),
		       &object->mark, sizeof(u64));
}

/* Are the first @size bytes still filled with the mark? */
static bool mal_object_intact(const struct mal_model_object *object, size_t size)
{
	const void *from = object->address, *to = object->address + size;

	if (object->size >= sizeof(u64)) {
		if (size >= sizeof(u64) && memcmp(from, &object->mark, sizeof(u64)))
			return false;
		from += min(size, sizeof(u64));
	}
	if (object->size >= 2 * sizeof(u64)) {
		to = min(to, object->address + object->size - sizeof(u64));
		if (size == object->size && memcmp(to, &object->mark, sizeof(u64)))
			return false;
	}
	return from >= to || !memchr_inv(from, object->mark & 0xff, to - from);
}

static void mal_model_check(struct mal_slab_model *model,
			    const struct mal_model_object *object)
{
	if (!mal_object_intact(object, object->size))
		mal_model_error(model, "%zu bytes of %s overwritten",
				object->size, object->from ? "a cache" : "kmalloc");
}

static size_t mal_natural_alignment(size_t size)
{
	return is_power_of_2(size) ? clamp_t(size_t, size, 8, PAGE_SIZE) : 8;
}

/* Check a new object, and add it to the model. */
static void mal_model_take(struct mal_slab_model *model,
			   struct mal_pool_cache *from, void *address,
			   size_t size, gfp_t gfp)
{
	size_t align = from ? from->align : mal_natural_alignment(size);
	struct mal_model_object *object = &model->objects[model->nr++];

	if (!IS_ALIGNED((unsigned long)address, align))
		mal_model_error(model, "%zu bytes are not aligned to %zu", size,
				align);
	if (from && from->constructed) {
		if (memchr_inv(address, MAL_CONSTRUCTED_BYTE, size))
			mal_model_error(model, "object of size %zu not constructed",
					size);
	} else if (gfp & __GFP_ZERO && memchr_inv(address, 0, size)) {
		mal_model_error(model, "%zu bytes not zero", size);
	}
	if (!from && mal_ksize(address) < size)
		mal_model_error(model, "room for %zu of %zu bytes",
				mal_ksize(address), size);
	if (from)
		atomic_long_inc(&from->held);
	object->address = address;
	object->size = size;
	object->from = from;
	model->serial++;
	object->mark = (u64)model->id << 56 | (u64)model->serial << 8 |
		       (model->serial * 7 + model->id) % 251;
	mal_object_fill(object);
}

/* Remove an object from the model, and check and restore it for the free. */
static struct mal_model_object mal_model_give(struct mal_slab_model *model,
					      unsigned int nr)
{
	struct mal_model_object object = model->objects[nr];

	model->objects[nr] = model->objects[--model->nr];
	mal_model_check(model, &object);
	if (object.from) {
		atomic_long_dec(&object.from->held);
		if (object.from->constructed)
			memset(object.address, MAL_CONSTRUCTED_BYTE, object.size);
	}
	return object;
}

static gfp_t mal_model_gfp(struct mal_slab_model *model, bool may_sleep)
{
	gfp_t gfp = may_sleep && mal_random(&model->rnd, 4) ? GFP_KERNEL :
							       GFP_ATOMIC;

	if (mal_random(&model->rnd, 4) == 0)
		gfp |= __GFP_ZERO;
	return gfp | __GFP_NOWARN;
}

static size_t mal_model_size(struct mal_slab_model *model)
{
	if (mal_random(&model->rnd, 64) == 0)
		return 8193 + mal_random(&model->rnd, 60000);
	return 1 + mal_random(&model->rnd, 1UL << mal_random(&model->rnd, 14));
}

static int mal_model_node(struct mal_slab_model *model)
{
	if (mal_random(&model->rnd, 4))
		return NUMA_NO_NODE;
	return num_online_nodes() > 1 ? mal_random(&model->rnd, 2) : 0;
}

static void mal_model_alloc(struct mal_slab_model *model, bool may_sleep)
{
	struct mal_pool_cache *from = NULL;
	gfp_t gfp = mal_model_gfp(model, may_sleep);
	int node = mal_model_node(model);
	size_t size;
	void *address;

	if (model->nr == model->max)
		return;
	if (mal_random(&model->rnd, 2)) {
		from = &model->pool->caches[mal_random(&model->rnd, MAL_POOL_CACHES)];
		if (from->constructed)
			gfp &= ~__GFP_ZERO;
		size = from->size;
		address = mal_kmem_cache_alloc_node(from->cache, gfp, node);
	} else {
		size = mal_model_size(model);
		address = mal_kmalloc_node(size, gfp, node);
	}
	if (address)
		mal_model_take(model, from, address, size, gfp);
	else
		model->refused++;
}

static void mal_model_alloc_bulk(struct mal_slab_model *model, bool may_sleep)
{
	unsigned int i, nr = 1 + mal_random(&model->rnd, MAL_MODEL_BULK);
	gfp_t gfp = mal_model_gfp(model, may_sleep);
	void *addresses[MAL_MODEL_BULK];
	struct mal_pool_cache *from;
	int got;

	from = &model->pool->caches[mal_random(&model->rnd, MAL_POOL_CACHES)];
	if (from->constructed)
		gfp &= ~__GFP_ZERO;
	if (nr > model->max - model->nr || from->size > 4096)
		return;
	got = mal_kmem_cache_alloc_bulk(from->cache, gfp, nr, addresses);
	if (got && got != nr)
		mal_model_error(model, "bulk of %u returned %d", nr, got);
	model->refused += !got;
	for (i = 0; i < got; i++)
		mal_model_take(model, from, addresses[i], from->size, gfp);
}

static void mal_model_free(struct mal_slab_model *model)
{
	struct mal_model_object object;

	object = mal_model_give(model, mal_random(&model->rnd, model->nr));
	/* Objects of a cache may be freed either way. */
	if (object.from && mal_random(&model->rnd, 4))
		mal_kmem_cache_free(object.from->cache, object.address);
	else if (mal_random(&model->rnd, 16))
		mal_kfree(object.address);
	else if (object.from)
		mal_kfree(object.address);
	else
		mal_kfree_sensitive(object.address);
}

/* Free objects of all kinds or of one cache, the latest first or at random. */
static void mal_model_free_bulk(struct mal_slab_model *model)
{
	struct mal_pool_cache *from = model->objects[model->nr - 1].from;
	bool same = mal_random(&model->rnd, 2) && from;
	void *addresses[MAL_MODEL_BULK];
	unsigned int nr = 0, i = model->nr;

	while (i-- && nr < MAL_MODEL_BULK)
		if (!same || model->objects[i].from == from)
			addresses[nr++] = mal_model_give(model, i).address;
	if (same)
		mal_kmem_cache_free_bulk(from->cache, nr, addresses);
	else
		mal_kfree_bulk(nr, addresses);
}

static void mal_model_free_rcu(struct mal_slab_model *model)
{
	struct mal_model_object object;

	object = mal_model_give(model, mal_random(&model->rnd, model->nr));
	if (object.size < sizeof(struct rcu_head) || object.from)
		mal_kfree(object.address);
	else
		mal_kfree_call_rcu(object.address, object.address);
}

static void mal_model_resize(struct mal_slab_model *model, bool may_sleep)
{
	unsigned int nr = mal_random(&model->rnd, model->nr);
	struct mal_model_object *object = &model->objects[nr];
	size_t size = mal_model_size(model);
	void *address;

	if (object->from)
		return;
	mal_model_check(model, object);
	address = mal_krealloc(object->address, size,
			       mal_model_gfp(model, may_sleep) & ~__GFP_ZERO);
	if (!address) {
		model->refused++;
		return;
	}
	object->address = address;
	if (size < object->size && !mal_object_intact(object, size))
		mal_model_error(model, "shrinking %zu to %zu bytes lost some",
				object->size, size);
	if (size >= object->size && !mal_object_intact(object, object->size))
		mal_model_error(model, "growing %zu to %zu bytes lost some",
				object->size, size);
	object->size = size;
	mal_object_fill(object);
}

/*
 * Put an object into a shared slot, and free the one that another user left
 * there.
 */
static void mal_model_pass_on(struct mal_slab_model *model)
{
	unsigned int nr = mal_random(&model->rnd, model->nr);
	struct mal_model_object *object;

	object = kmemdup(&model->objects[nr], sizeof(*object), GFP_ATOMIC);
	if (!object)
		return;
	model->objects[nr] = model->objects[--model->nr];
	object = xchg(&model->pool->slots[mal_random(&model->rnd, MAL_POOL_SLOTS)],
		      object);
	if (!object)
		return;
	model->objects[model->nr++] = *object;
	kfree(object);
}

static bool mal_model_grows(struct mal_slab_model *model)
{
	if (model->nr + MAL_MODEL_BULK >= model->max)
		model->growing = false;
	if (!model->nr)
		model->growing = true;
	return mal_random(&model->rnd, 8) < (model->growing ? 5 : 3);
}

/**
 * mal_slab_model_step() - perform one random operation
 * @model: the model
 * @may_sleep: whether the context may sleep
 *
 * Context: any but NMI.
 */
void mal_slab_model_step(struct mal_slab_model *model, bool may_sleep)
{
	unsigned int action = mal_random(&model->rnd, 32);

	model->steps++;
	if (mal_model_grows(model)) {
		if (action == 0)
			mal_model_alloc_bulk(model, may_sleep);
		else
			mal_model_alloc(model, may_sleep);
	} else if (!model->nr) {
		return;
	} else if (action == 0) {
		mal_model_free_bulk(model);
	} else if (action == 1) {
		mal_model_free_rcu(model);
	} else if (action < 5) {
		mal_model_resize(model, may_sleep);
	} else if (action < 12) {
		mal_model_pass_on(model);
	} else {
		mal_model_free(model);
	}
	if (mal_random(&model->rnd, 10000) == 0)
		model->growing = !model->growing;
	if (may_sleep && mal_random(&model->rnd, 2000) == 0)
		mal_kmem_cache_shrink(model->pool->caches[action % MAL_POOL_CACHES].cache);
}

/**
 * mal_slab_model_drain() - free all objects of a model
 * @model: the model
 *
 * Context: any but NMI.
 */
void mal_slab_model_drain(struct mal_slab_model *model)
{
	while (model->nr)
		mal_model_free(model);
}

/**
 * mal_slab_model_create() - create a model that holds no object
 * @pool: caches and slots shared by all models
 * @id: distinguishes the marks of different models
 * @seed: seed of the model's random decisions
 * @max: maximum number of objects held
 *
 * Context: task.
 * Return: the model, or NULL.
 */
struct mal_slab_model *mal_slab_model_create(struct mal_slab_pool *pool, u8 id,
					     u64 seed, unsigned int max)
{
	struct mal_slab_model *model = kzalloc(sizeof(*model), GFP_KERNEL);

	if (!model)
		return NULL;
	model->objects = kvcalloc(max, sizeof(*model->objects), GFP_KERNEL);
	if (!model->objects) {
		kfree(model);
		return NULL;
	}
	prandom_seed_state(&model->rnd, seed + id);
	model->pool = pool;
	model->id = id;
	model->max = max;
	model->growing = true;
	return model;
}

/**
 * mal_slab_model_destroy() - free a model
 * @model: the model; must not hold any object
 *
 * Context: task.
 */
void mal_slab_model_destroy(struct mal_slab_model *model)
{
	kvfree(model->objects);
	kfree(model);
}
