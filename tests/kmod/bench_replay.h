/* SPDX-License-Identifier: GPL-2.0 */
/*
 * bench_replay.h: run a trace
 *
 * Included once for each kind of object and each side. The file that includes
 * it defines
 *
 *	KIND(name)			a name of this kind and side
 *	KIND_PROFILE			the profile of the trace
 *	int KIND(prepare)(pool, prefix)	create the pool; returns 0 or -ENOMEM
 *	void KIND(cleanup)(pool)	undo KIND(prepare), even if it failed
 *	void *KIND(take)(pool, class)	allocate an object
 *	void KIND(give)(pool, class, object)
 *					free an object
 *
 * and gets KIND(ops) and KIND(mixed_ops). There is no include guard on purpose.
 */

static void KIND(close)(void *opened)
{
	struct bench_mixed_pool *pool = opened;

	KIND(cleanup)(pool);
	bench_trace_free(&pool->trace);
	kvfree(pool);
}

static struct bench_mixed_pool *KIND(open)(const char *prefix, unsigned int nr_slots,
					   unsigned int nr_steps)
{
	struct bench_mixed_pool *pool = kvzalloc(sizeof(*pool), GFP_KERNEL);

	if (!pool)
		return NULL;
	if (bench_trace_make(&pool->trace, &KIND_PROFILE, nr_slots, nr_steps) ||
	    KIND(prepare)(pool, prefix)) {
		KIND(close)(pool);
		return NULL;
	}
	return pool;
}

static void KIND(drain)(struct bench_mixed_pool *pool, void **objects)
{
	const struct bench_trace *trace = &pool->trace;
	unsigned int i;

	for (i = 0; i < trace->nr_slots; i++) {
		if (objects[i])
			KIND(give)(pool, trace->first[i], objects[i]);
		objects[i] = NULL;
	}
}

static int KIND(fill)(struct bench_mixed_pool *pool, void **objects)
{
	const struct bench_trace *trace = &pool->trace;
	unsigned int i;

	memset(objects, 0, trace->nr_slots * sizeof(*objects));
	for (i = 0; i < trace->nr_slots; i++) {
		objects[i] = KIND(take)(pool, trace->first[i]);
		if (unlikely(!objects[i])) {
			KIND(drain)(pool, objects);
			return -ENOMEM;
		}
	}
	return 0;
}

/*
 * Free all objects in the middle of the trace, whether or not the trace frees
 * them later.
 */
static void KIND(abandon)(struct bench_mixed_pool *pool, void **objects,
			  const struct bench_step *step, const struct bench_step *end)
{
	for (; step < end; step++) {
		if (objects[step->slot])
			KIND(give)(pool, step->from, objects[step->slot]);
		objects[step->slot] = NULL;
	}
	KIND(drain)(pool, objects);
}

/* The trace leaves each slot as it was before: see bench_trace.c. */
static noinline int KIND(replay)(struct bench_mixed_pool *pool, void **objects)
{
	const struct bench_step *step = pool->trace.steps;
	const struct bench_step * const end = step + pool->trace.nr_steps;

	for (; step < end; step++) {
		void *object = KIND(take)(pool, step->to);

		if (unlikely(!object)) {
			KIND(abandon)(pool, objects, step, end);
			return -ENOMEM;
		}
		KIND(give)(pool, step->from, objects[step->slot]);
		objects[step->slot] = object;
	}
	return 0;
}

static int KIND(mixed)(struct bench_thread *t)
{
	struct bench_mixed_pool *pool = t->pool;
	unsigned long n;
	int err;

	err = KIND(fill)(pool, t->objects);
	bench_start(t);
	for (n = t->pairs; n && !err; n -= pool->trace.nr_steps)
		err = KIND(replay)(pool, t->objects);
	bench_stop(t);
	if (!err)
		KIND(drain)(pool, t->objects);
	return err;
}

static void *KIND(open_workload)(unsigned int size)
{
	return KIND(open)("mixed", BENCH_MIXED_SLOTS, BENCH_MIXED_STEPS);
}

static const struct bench_ops KIND(ops) = {
	.open = KIND(open_workload),
	.close = KIND(close),
	.body = { [BENCH_MIXED] = KIND(mixed) },
};

static void KIND(free)(struct bench_mixed_pool *pool, u16 class, void *object)
{
	KIND(give)(pool, class, object);
}

static const struct bench_mixed_ops KIND(mixed_ops) = {
	.open = KIND(open),
	.close = KIND(close),
	.fill = KIND(fill),
	.replay = KIND(replay),
	.free = KIND(free),
};
