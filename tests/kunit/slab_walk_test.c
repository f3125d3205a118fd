// SPDX-License-Identifier: GPL-2.0
/*
 * Walks over the slabs of a cache
 *
 * A walk drops the lock between slabs. It nevertheless sees each slab, wherever
 * the previous walk has stopped and whatever other tasks do. A planted error is
 * found by each of several validations in a row, and by a validation that
 * follows a partial walk.
 */
#include <kunit/test.h>

#include <linux/kthread.h>
#include <linux/prandom.h>

#include <memalloc/slab_cache.h>

#include "internal/slab.h"
#include "internal/slab_cache.h"
#include "internal/slab_reclaim.h"

#include "memalloc_kunit.h"

#define MAL_WALK_SIZE		1000
#define MAL_WALK_OBJECTS	600
#define MAL_WALK_ROUNDS		25
#define MAL_WALK_THREADS	3

struct mal_walk_user {
	struct mal_kmem_cache *cache;
	struct task_struct *thread;
	unsigned long steps;
	u64 seed;
};

struct mal_walk_seen {
	unsigned long slabs;
	unsigned long most;
};

static u64 mal_errors(void)
{
	u64 checked = 0;

	return mal_slab_validate(&checked);
}

/* Create a cache with many slabs. Sets test->priv to their node. */
static struct mal_kmem_cache *mal_walk_cache(struct kunit *test, void **objects)
{
	struct mal_kmem_cache *cache;
	unsigned int i;

	cache = mal_kmem_cache_create("walked", MAL_WALK_SIZE, 0, MAL_SLAB_NO_REAP,
				      NULL);
	KUNIT_ASSERT_NOT_NULL(test, cache);
	for (i = 0; i < MAL_WALK_OBJECTS; i++) {
		objects[i] = mal_kmem_cache_alloc(cache, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, objects[i]);
	}
	test->priv = cache->nodes[mal_slab_of(objects[0])->nid];
	return cache;
}

/* Leave some slabs empty, some with one object, and some full. */
static void mal_walk_thin_out(struct mal_kmem_cache *cache, void **objects)
{
	struct mal_slab *slab;
	unsigned int i;

	for (i = 0; i < MAL_WALK_OBJECTS; i++) {
		slab = mal_slab_of(objects[i]);
		switch ((unsigned long)slab->base / (PAGE_SIZE << slab->order) % 3) {
		case 0:
			continue;
		case 1:
			if (mal_slab_index(cache, slab, objects[i]) == 0)
				continue;
			break;
		}
		mal_kmem_cache_free(cache, objects[i]);
		objects[i] = NULL;
	}
}

static void mal_walk_end(struct kunit *test, struct mal_kmem_cache *cache,
			 void **objects)
{
	unsigned int i;

	KUNIT_EXPECT_EQ(test, mal_errors(), 0ULL);
	for (i = 0; i < MAL_WALK_OBJECTS; i++)
		mal_kmem_cache_free(cache, objects[i]);
	KUNIT_EXPECT_EQ(test, mal_kmem_cache_remove(cache), 0);
}

static bool mal_walk_look(struct mal_slab_node *node, struct mal_slab *slab,
			  const struct list_head *list, void *data)
{
	struct mal_walk_seen *seen = data;

	return ++seen->slabs < seen->most;
}

/* Walk at most @most slabs. Returns the number of slabs seen. */
static unsigned long mal_walk(struct mal_slab_node *node, unsigned long most)
{
	struct mal_walk_seen seen = { .most = most };

	mal_slab_node_walk(node, mal_walk_look, &seen);
	return seen.slabs;
}

static void mal_expect_found(struct kunit *test, struct mal_slab_node *node,
			     unsigned long slabs, const char *what)
{
	unsigned long most;

	for (most = 1; most <= slabs + 1; most++) {
		KUNIT_EXPECT_GT_MSG(test, mal_errors(), 0ULL, "%s, %lu", what, most);
		mal_walk(node, most);
	}
	KUNIT_EXPECT_GT_MSG(test, mal_errors(), 0ULL, "%s", what);
	KUNIT_EXPECT_GT_MSG(test, mal_errors(), 0ULL, "%s", what);
}

/*
 * Add up both generations, so that an error of one is made up for by the other.
 */
static void mal_walk_settle(struct mal_slab_node *node)
{
	struct mal_slab_gen *near, *far;

	mal_walk(node, ULONG_MAX);
	near = &node->gens[node->gen];
	far = &node->gens[!node->gen];
	near->nr_slabs += far->nr_slabs;
	near->nr_pages += far->nr_pages;
	near->nr_objects += far->nr_objects;
	near->nr_free += far->nr_free;
	far->nr_slabs = 0;
	far->nr_pages = 0;
	far->nr_objects = 0;
	far->nr_free = 0;
}

#define mal_expect_figure(test, node, slabs, figure) do {		\
	(node)->gens[(node)->gen].figure++;				\
	mal_expect_found(test, node, slabs, #figure);			\
	(node)->gens[(node)->gen].figure--;				\
	mal_walk_settle(node);						\
} while (0)

static void mal_test_planted_errors_are_found(struct kunit *test)
{
	void **objects = kunit_kcalloc(test, MAL_WALK_OBJECTS, sizeof(*objects),
				       GFP_KERNEL);
	struct mal_kmem_cache *cache;
	struct mal_slab_node *node;
	struct mal_slab_gen sum;
	struct mal_slab *slab;
	u8 state;

	KUNIT_ASSERT_NOT_NULL(test, objects);
	cache = mal_walk_cache(test, objects);
	node = test->priv;
	mal_walk_thin_out(cache, objects);
	mal_kmem_cache_shrink(cache);
	KUNIT_EXPECT_EQ(test, mal_errors(), 0ULL);
	mal_slab_node_sum(node, &sum);
	KUNIT_ASSERT_GT(test, sum.nr_slabs, 2UL);
	mal_expect_figure(test, node, sum.nr_slabs, nr_slabs);
	mal_expect_figure(test, node, sum.nr_slabs, nr_pages);
	mal_expect_figure(test, node, sum.nr_slabs, nr_objects);
	mal_expect_figure(test, node, sum.nr_slabs, nr_free);
	KUNIT_EXPECT_EQ(test, mal_errors(), 0ULL);
	slab = list_last_entry(&node->gens[node->gen].full, struct mal_slab, link);
	state = slab->states[0];
	slab->states[0] = MAL_OBJECT_FREE;
	mal_expect_found(test, node, sum.nr_slabs, "state");
	slab->states[0] = state;
	list_move(&slab->link, &node->gens[slab->gen].partial);
	mal_expect_found(test, node, sum.nr_slabs, "list");
	list_move(&slab->link, &node->gens[slab->gen].full);
	mal_walk_end(test, cache, objects);
}

/*
 * Wherever a walk has stopped, allocations find all free objects before a new
 * slab is made.
 */
static void mal_test_allocation_sees_both_generations(struct kunit *test)
{
	void **objects = kunit_kcalloc(test, MAL_WALK_OBJECTS, sizeof(*objects),
				       GFP_KERNEL);
	struct mal_slab_gen before, after;
	struct mal_kmem_cache *cache;
	struct mal_slab_node *node;
	unsigned long most;
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, objects);
	cache = mal_walk_cache(test, objects);
	node = test->priv;
	mal_slab_node_sum(node, &before);
	for (most = 1; most <= before.nr_slabs + 1; most++) {
		mal_walk_thin_out(cache, objects);
		mal_kmem_cache_shrink(cache);
		mal_slab_node_sum(node, &before);
		KUNIT_EXPECT_EQ(test, mal_walk(node, most), min(most, before.nr_slabs));
		after = before;
		while (after.nr_free) {
			for (i = 0; i < MAL_WALK_OBJECTS && objects[i]; i++)
				;
			KUNIT_ASSERT_LT(test, i, (unsigned int)MAL_WALK_OBJECTS);
			objects[i] = mal_kmem_cache_alloc(cache, GFP_KERNEL);
			KUNIT_ASSERT_NOT_NULL(test, objects[i]);
			mal_slab_node_sum(node, &after);
		}
		KUNIT_EXPECT_EQ(test, after.nr_slabs, before.nr_slabs);
		for (i = 0; i < MAL_WALK_OBJECTS; i++)
			if (!objects[i])
				objects[i] = mal_kmem_cache_alloc(cache, GFP_KERNEL);
		KUNIT_EXPECT_EQ(test, mal_errors(), 0ULL);
	}
	mal_walk_end(test, cache, objects);
}

static int mal_walk_work(void *data)
{
	struct mal_walk_user *user = data;
	struct mal_kmem_cache *own;
	struct rnd_state rnd;
	void *objects[64] = { };
	unsigned int i;

	prandom_seed_state(&rnd, user->seed);
	while (!kthread_should_stop()) {
		i = prandom_u32_state(&rnd) % ARRAY_SIZE(objects);
		if (objects[i]) {
			mal_kmem_cache_free(user->cache, objects[i]);
			objects[i] = NULL;
		} else {
			objects[i] = mal_kmem_cache_alloc(user->cache, GFP_KERNEL);
		}
		if (prandom_u32_state(&rnd) % 2048 == 0) {
			own = mal_kmem_cache_create("walked-own", 100, 0, 0, NULL);
			if (own)
				mal_kmem_cache_free(own, mal_kmem_cache_alloc(own, GFP_KERNEL));
			mal_kmem_cache_destroy(own);
			mal_kmem_cache_shrink(user->cache);
		}
		user->steps++;
		cond_resched();
	}
	for (i = 0; i < ARRAY_SIZE(objects); i++)
		mal_kmem_cache_free(user->cache, objects[i]);
	return 0;
}

/*
 * Validation reports no error while other tasks allocate, free, and create and
 * destroy caches.
 */
static void mal_test_validation_during_use(struct kunit *test)
{
	struct mal_walk_user *users = kunit_kcalloc(test, MAL_WALK_THREADS,
						    sizeof(*users), GFP_KERNEL);
	void **objects = kunit_kcalloc(test, MAL_WALK_OBJECTS, sizeof(*objects),
				       GFP_KERNEL);
	u64 seed = mal_test_seed(test);
	struct mal_kmem_cache *cache;
	unsigned int i;

	KUNIT_ASSERT_TRUE(test, users && objects);
	cache = mal_walk_cache(test, objects);
	for (i = 0; i < MAL_WALK_THREADS; i++) {
		users[i].cache = cache;
		users[i].seed = seed + i;
		users[i].thread = kthread_run(mal_walk_work, &users[i], "mal-walk/%u", i);
		KUNIT_ASSERT_FALSE(test, IS_ERR(users[i].thread));
	}
	for (i = 0; i < mal_test_effort(MAL_WALK_ROUNDS); i++) {
		KUNIT_EXPECT_EQ(test, mal_errors(), 0ULL);
		if (i % 3 == 0)
			mal_slab_shrink();
		schedule_timeout_uninterruptible(i % 7 == 0);
	}
	for (i = 0; i < MAL_WALK_THREADS; i++) {
		kthread_stop(users[i].thread);
		KUNIT_EXPECT_GT(test, users[i].steps, 0UL);
	}
	mal_walk_end(test, cache, objects);
}

static struct kunit_case mal_slab_walk_cases[] = {
	KUNIT_CASE(mal_test_planted_errors_are_found),
	KUNIT_CASE(mal_test_allocation_sees_both_generations),
	KUNIT_CASE(mal_test_validation_during_use),
	{}
};

struct kunit_suite mal_slab_walk_suite = {
	.name = "memalloc_slab_walk",
	.test_cases = mal_slab_walk_cases,
};
