// SPDX-License-Identifier: GPL-2.0
/*
 * Demonstrate mempools
 *
 * The purpose of a pool shows when memory is short. So the pool's backend is
 * made to fail on each call, and elements still circulate. Without permission
 * to inject failures, only preallocated elements are requested, which has the
 * same effect.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "../table.h"
#include "demo.h"

#define ELEMENTS	4
#define ELEMENT_BYTES	256
#define ROUNDS		1000

/* No command has more steps that take memory. */
#define STEPS_MAX	32

/**
 * struct pool - a mempool
 * @handle: its handle
 * @step: number of the backend's step in an allocation; zero if failures cannot
 *	be injected
 * @elements: allocated elements
 * @count: number of allocated elements
 * @serial: number of the last allocated element, which selects its pattern
 * @patterns: patterns of the allocated elements
 */
struct pool {
	uint64_t handle;
	uint64_t step;
	uint64_t elements[ELEMENTS];
	unsigned int count;
	uint64_t serial;
	uint64_t patterns[ELEMENTS];
};

static int alloc_element(const struct demo *demo, const struct pool *pool,
			 uint32_t flags, uint64_t *handle)
{
	struct memalloc_alloc alloc = {
		.size = sizeof(alloc),
		.kind = MEMALLOC_KIND_ELEMENT, .flags = flags, .node = -1,
		.gfp = MEMALLOC_GFP_NOWAIT | MEMALLOC_GFP_NOWARN,
		.parent = pool->handle,
	};
	int err = memalloc_alloc(demo->device->fd, &alloc);

	*handle = alloc.out_handle;
	return err;
}

/* Make step @nth fail. Return: as alloc_element(); @failed: a step failed. */
static int alloc_failing(const struct demo *demo, const struct pool *pool,
			 uint64_t nth, uint64_t *handle, bool *failed)
{
	uint64_t left;
	int err;

	err = memalloc_inject(demo->device->fd, nth, &left);
	if (err)
		return err;
	err = alloc_element(demo, pool, 0, handle);
	if (memalloc_inject(demo->device->fd, 0, &left))
		left = nth;
	*failed = !left;
	return err;
}

/* The pool makes up for a failure of its backend's step only. */
static void find_step(struct demo *demo, struct pool *pool)
{
	bool failed = true;
	uint64_t nth, handle;
	int err;

	if (!demo->privileged)
		return;
	for (nth = 1; failed && nth <= STEPS_MAX; nth++) {
		err = alloc_failing(demo, pool, nth, &handle, &failed);
		if (err)
			continue;
		memalloc_free(demo->device->fd, handle);
		if (failed) {
			pool->step = nth;
			return;
		}
	}
	demo_check(demo, false, "the allocation failed no matter which step "
		   "failed");
}

/* Allocate an element while the backend fails. */
static int alloc_without_backend(const struct demo *demo, const struct pool *pool,
				 uint64_t *handle)
{
	bool failed = false;
	int err;

	if (!pool->step)
		return alloc_element(demo, pool, MEMALLOC_ALLOC_PREALLOCATED,
				     handle);
	err = alloc_failing(demo, pool, pool->step, handle, &failed);
	return !err && !failed ? -EILSEQ : err;
}

/* Allocate element @i, which is missing. */
static bool alloc_one(struct demo *demo, struct pool *pool, unsigned int i)
{
	int err = alloc_without_backend(demo, pool, &pool->elements[i]);

	if (!demo_check_errno(demo, err, "allocate from a pool that has elements"))
		return false;
	pool->patterns[i] = ++pool->serial << 32;
	err = demo_fill(demo, pool->elements[i], ELEMENT_BYTES, pool->patterns[i]);
	return demo_check_errno(demo, err, "fill an element");
}

static bool free_one(struct demo *demo, struct pool *pool, unsigned int i)
{
	int err = demo_verify(demo, pool->elements[i], ELEMENT_BYTES,
			      pool->patterns[i]);

	demo_check_errno(demo, err, "verify an element");
	return demo_check_errno(demo, memalloc_free(demo->device->fd, pool->elements[i]),
				"free an element");
}

static bool add_line(struct demo *demo, const struct pool *pool,
		     struct table *table, const char *when, uint64_t current)
{
	struct memalloc_stats_mempool stats;
	int err = memalloc_stats_of(demo->device->fd, MEMALLOC_SECTION_MEMPOOL,
				    pool->handle, &stats, sizeof(stats), NULL);

	if (!demo_check_errno(demo, err, "read the statistics of a pool"))
		return false;
	table_line(table);
	table_cell(table, "%s", when);
	table_cell(table, "%llu", stats.min_nr);
	table_cell(table, "%llu", stats.elements);
	table_cell(table, "%llu", stats.reserve_hits);
	table_cell(table, "%llu", stats.failures);
	return demo_check(demo, stats.elements == current,
			  "a pool has %llu elements left, expected %"
			  PRIu64, stats.elements, current);
}

static void use_up(struct demo *demo, struct pool *pool, struct table *table)
{
	uint64_t handle;
	int err;

	for (; pool->count < ELEMENTS; pool->count++)
		if (!alloc_one(demo, pool, pool->count))
			return;
	err = alloc_without_backend(demo, pool, &handle);
	if (!demo_check(demo, err == -ENOMEM, "allocating from an empty pool "
			"returned %s", strerror(-err)) && !err)
		memalloc_free(demo->device->fd, handle);
	add_line(demo, pool, table, "all allocated, one more refused", 0);
}

static void circulate(struct demo *demo, struct pool *pool, struct table *table)
{
	unsigned int round, i;

	for (round = 0; round < ROUNDS; round++) {
		i = round % pool->count;
		if (!free_one(demo, pool, i))
			return;
		if (alloc_one(demo, pool, i))
			continue;
		pool->count--;
		pool->elements[i] = pool->elements[pool->count];
		pool->patterns[i] = pool->patterns[pool->count];
		return;
	}
	add_line(demo, pool, table, "after 1000 rounds", 0);
}

static void use_pool(struct demo *demo, struct pool *pool, struct table *table)
{
	add_line(demo, pool, table, "at the start", ELEMENTS);
	use_up(demo, pool, table);
	demo_check(demo, memalloc_free(demo->device->fd, pool->handle) == -EBUSY,
		   "a pool with allocated elements was destroyed");
	if (pool->count == ELEMENTS)
		circulate(demo, pool, table);
	while (pool->count)
		free_one(demo, pool, --pool->count);
	add_line(demo, pool, table, "all freed", ELEMENTS);
}

static void show(struct demo *demo, struct pool *pool)
{
	struct table table;

	table_begin(&table, false);
	table.indent = DEMO_INDENT;
	table_column(&table, "POOL", false);
	table_column(&table, "MINIMUM", true);
	table_column(&table, "CURRENT", true);
	table_column(&table, "FROM-RESERVE", true);
	table_column(&table, "FAILURES", true);
	use_pool(demo, pool, &table);
	table_end(&table);
	putchar('\n');
}

static void resize(struct demo *demo, const struct pool *pool)
{
	struct memalloc_resize resize = {
		.size = sizeof(resize),
		.handle = pool->handle, .min_nr = 2 * ELEMENTS,
	};
	struct memalloc_stats_mempool stats;
	int err = memalloc_resize(demo->device->fd, &resize);

	if (!demo_check_errno(demo, err, "resize a pool"))
		return;
	err = memalloc_stats_of(demo->device->fd, MEMALLOC_SECTION_MEMPOOL,
				pool->handle, &stats, sizeof(stats), NULL);
	if (demo_check_errno(demo, err, "read the statistics of a pool") &&
	    demo_check(demo, stats.min_nr == 2 * ELEMENTS &&
		       stats.elements == 2 * ELEMENTS,
		       "a pool resized to %d elements has %llu of %llu",
		       2 * ELEMENTS, stats.elements, stats.min_nr))
		demo_say("Resized to a minimum of %d, which it has.",
			 2 * ELEMENTS);
}

void demo_mempool(struct demo *demo)
{
	struct memalloc_mempool_create create = {
		.size = sizeof(create),
		.backend = MEMALLOC_MEMPOOL_KMALLOC, .bytes = ELEMENT_BYTES,
		.min_nr = ELEMENTS, .node = -1,
	};
	struct pool pool = { 0 };

	demo_heading(demo, "Mempools");
	if (!demo_check_errno(demo, memalloc_mempool_create(demo->device->fd, &create),
			      "create a mempool"))
		return;
	pool.handle = create.out_handle;
	find_step(demo, &pool);
	demo_say("A pool of %d elements of %d bytes. %s", ELEMENTS, ELEMENT_BYTES,
		 pool.step ? "Each call of kmalloc is made to" :
		 "Only preallocated elements are");
	demo_say("%s; each element is filled, verified and freed repeatedly:",
		 pool.step ? "fail" : "requested");
	putchar('\n');
	show(demo, &pool);
	resize(demo, &pool);
	demo_check_errno(demo, memalloc_free(demo->device->fd, pool.handle),
			 "destroy a pool");
}
