// SPDX-License-Identifier: GPL-2.0
/*
 * Mempools at work
 *
 * What a pool is for is to be seen when there is no memory. So the allocator
 * behind it is made to fail, each time that it is asked: the elements go round
 * all the same. Who may not force failures asks for the pool's own elements only,
 * which comes to the same.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "demo.h"
#include "table.h"

#define ELEMENTS	4
#define ELEMENT_BYTES	256
#define ROUNDS		1000

/* One command has no more steps that take memory. */
#define STEPS_MAX	32

/**
 * struct pool - a pool
 * @handle: it
 * @step: which of the steps of an allocation is that of the allocator behind it;
 *	zero: failures cannot be forced
 * @elements: those that are out
 * @count: how many
 * @turn: number of the next one: its pattern
 * @patterns: of those that are out
 */
struct pool {
	uint64_t handle;
	uint64_t step;
	uint64_t elements[ELEMENTS];
	unsigned int count;
	uint64_t turn;
	uint64_t patterns[ELEMENTS];
};

static int alloc_element(const struct demo *demo, const struct pool *pool,
			 uint32_t flags, uint64_t *handle)
{
	struct memalloc_alloc alloc = {
		.kind = MEMALLOC_KIND_ELEMENT, .flags = flags, .node = -1,
		.gfp = MEMALLOC_GFP_NOWAIT | MEMALLOC_GFP_NOWARN,
		.parent = pool->handle,
	};
	int err = device_alloc(demo->device, &alloc);

	*handle = alloc.out_handle;
	return err;
}

/* The nth step fails. Return: as alloc_element(); @failed: there was one. */
static int alloc_failing(const struct demo *demo, const struct pool *pool,
			 uint64_t nth, uint64_t *handle, bool *failed)
{
	uint64_t left;
	int err;

	err = device_inject(demo->device, nth, &left);
	if (err)
		return err;
	err = alloc_element(demo, pool, 0, handle);
	if (device_inject(demo->device, 0, &left))
		left = nth;
	*failed = !left;
	return err;
}

/* The allocator's step is the one whose failure the pool makes up for. */
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
		device_free(demo->device, handle);
		if (failed) {
			pool->step = nth;
			return;
		}
	}
	demo_check(demo, false, "no step of an allocation could fail without "
		   "the allocation failing");
}

/* An element, whatever the allocator behind the pool does. */
static int take(const struct demo *demo, const struct pool *pool,
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

/* In place of element @i, which is not there. */
static bool take_one(struct demo *demo, struct pool *pool, unsigned int i)
{
	int err = take(demo, pool, &pool->elements[i]);

	if (!demo_check_errno(demo, err, "get an element of a pool that has some"))
		return false;
	pool->patterns[i] = ++pool->turn << 32;
	err = demo_fill(demo, pool->elements[i], ELEMENT_BYTES, pool->patterns[i]);
	return demo_check_errno(demo, err, "fill an element");
}

static bool give_one(struct demo *demo, struct pool *pool, unsigned int i)
{
	int err = demo_verify(demo, pool->elements[i], ELEMENT_BYTES,
			      pool->patterns[i]);

	demo_check_errno(demo, err, "find in an element what was written to it");
	return demo_check_errno(demo, device_free(demo->device, pool->elements[i]),
				"free an element");
}

static bool add_line(struct demo *demo, const struct pool *pool,
		     struct table *table, const char *when, uint64_t current)
{
	struct memalloc_stats_mempool stats;
	int err = device_stats_mempool(demo->device, pool->handle, &stats, NULL);

	if (!demo_check_errno(demo, err, "read the figures of a pool"))
		return false;
	table_line(table);
	table_cell(table, "%s", when);
	table_cell(table, "%llu", stats.min_nr);
	table_cell(table, "%llu", stats.elements);
	table_cell(table, "%llu", stats.reserve_hits);
	table_cell(table, "%llu", stats.failures);
	return demo_check(demo, stats.elements == current,
			  "a pool has %llu elements in it, and should have %"
			  PRIu64, stats.elements, current);
}

static void use_up(struct demo *demo, struct pool *pool, struct table *table)
{
	uint64_t handle;
	int err;

	for (; pool->count < ELEMENTS; pool->count++)
		if (!take_one(demo, pool, pool->count))
			return;
	err = take(demo, pool, &handle);
	if (!demo_check(demo, err == -ENOMEM, "an element more than a pool has "
			"is answered with %s", strerror(-err)) && !err)
		device_free(demo->device, handle);
	add_line(demo, pool, table, "all taken, and one more asked for", 0);
}

static void circulate(struct demo *demo, struct pool *pool, struct table *table)
{
	unsigned int round, i;

	for (round = 0; round < ROUNDS; round++) {
		i = round % pool->count;
		if (!give_one(demo, pool, i))
			return;
		if (take_one(demo, pool, i))
			continue;
		pool->count--;
		pool->elements[i] = pool->elements[pool->count];
		pool->patterns[i] = pool->patterns[pool->count];
		return;
	}
	add_line(demo, pool, table, "gone round 1000 times", 0);
}

static void use_pool(struct demo *demo, struct pool *pool, struct table *table)
{
	add_line(demo, pool, table, "at the start", ELEMENTS);
	use_up(demo, pool, table);
	demo_check(demo, device_free(demo->device, pool->handle) == -EBUSY,
		   "a pool whose elements are out could be destroyed");
	if (pool->count == ELEMENTS)
		circulate(demo, pool, table);
	while (pool->count)
		give_one(demo, pool, --pool->count);
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
		.handle = pool->handle, .min_nr = 2 * ELEMENTS,
	};
	struct memalloc_stats_mempool stats;
	int err = device_resize(demo->device, &resize);

	if (!demo_check_errno(demo, err, "resize a pool"))
		return;
	err = device_stats_mempool(demo->device, pool->handle, &stats, NULL);
	if (demo_check_errno(demo, err, "read the figures of a pool") &&
	    demo_check(demo, stats.min_nr == 2 * ELEMENTS &&
		       stats.elements == 2 * ELEMENTS,
		       "a pool was resized to %d elements and has %llu of %llu",
		       2 * ELEMENTS, stats.elements, stats.min_nr))
		demo_say("Resized to a minimum of %d: it has all of them.",
			 2 * ELEMENTS);
}

void demo_mempool(struct demo *demo)
{
	struct memalloc_mempool_create create = {
		.backend = MEMALLOC_MEMPOOL_KMALLOC, .bytes = ELEMENT_BYTES,
		.min_nr = ELEMENTS, .node = -1,
	};
	struct pool pool = { 0 };

	demo_heading(demo, "Mempools");
	if (!demo_check_errno(demo, device_mempool_create(demo->device, &create),
			      "create a mempool"))
		return;
	pool.handle = create.out_handle;
	find_step(demo, &pool);
	demo_say("A pool of %d elements of %d bytes. %s", ELEMENTS, ELEMENT_BYTES,
		 pool.step ? "kmalloc is made to fail whenever it is" :
		 "Only its own elements are asked");
	demo_say("%s; each is filled, verified and freed again and again:",
		 pool.step ? "asked for one" : "for");
	putchar('\n');
	show(demo, &pool);
	resize(demo, &pool);
	demo_check_errno(demo, device_free(demo->device, pool.handle),
			 "destroy a pool");
}
