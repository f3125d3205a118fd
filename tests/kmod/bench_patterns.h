/* SPDX-License-Identifier: GPL-2.0 */
/*
 * bench_patterns.h: the bodies of the workloads
 *
 * Included once for each kind of object and each side, so that both sides run
 * the same source and calls of the allocator are direct. The file that includes
 * it defines
 *
 *	SIDE(name)			a name of this side
 *	void *SIDE(alloc)(pool, size)	allocate an object
 *	void SIDE(free)(pool, object, size)
 *					free an object
 *	SIDE(alloc_many)(pool, size, nr, objects),
 *	SIDE(free_many)			bulk calls, if BENCH_HAS_MANY is set;
 *					alloc_many returns false if an object is
 *					missing
 *	void *SIDE(alloc_atomic)(pool, size)
 *					allocate an object in atomic context, if
 *					BENCH_HAS_ATOMIC is defined
 *	BENCH_HAS_PAGES			if objects are blocks of pages
 *	SIDE(open), SIDE(close)		for struct bench_ops, if BENCH_HAS_POOL
 *					is defined
 *
 * and gets SIDE(ops). There is no include guard on purpose.
 *
 * Objects are not accessed, because only the allocators are compared.
 */

/* Allocate and free at once: the object stays in the CPU's cache. */
static noinline int SIDE(hot)(struct bench_thread *t)
{
	const unsigned int size = t->size;
	void * const pool = t->pool;
	unsigned long n;
	void *object;

	bench_start(t);
	for (n = t->pairs; n; n--) {
		object = SIDE(alloc)(pool, size);
		if (unlikely(!object))
			return -ENOMEM;
		SIDE(free)(pool, object, size);
	}
	bench_stop(t);
	return 0;
}

#ifdef BENCH_HAS_ATOMIC
/* Likewise, where the caller may not sleep. */
static noinline int SIDE(atomic)(struct bench_thread *t)
{
	const unsigned int size = t->size;
	void * const pool = t->pool;
	unsigned long n;
	void *object;

	bench_start(t);
	for (n = t->pairs; n; n--) {
		object = SIDE(alloc_atomic)(pool, size);
		if (unlikely(!object))
			return -ENOMEM;
		SIDE(free)(pool, object, size);
	}
	bench_stop(t);
	return 0;
}
#endif

#ifdef BENCH_HAS_PAGES
/* Free a block while it has another reference, and drop that afterwards. */
static noinline int SIDE(held)(struct bench_thread *t)
{
	const unsigned int size = t->size;
	void * const pool = t->pool;
	unsigned long n;
	void *object;

	bench_start(t);
	for (n = t->pairs; n; n--) {
		object = SIDE(alloc)(pool, size);
		if (unlikely(!object))
			return -ENOMEM;
		get_page(object);
		SIDE(free)(pool, object, size);
		put_page(object);
	}
	bench_stop(t);
	return 0;
}
#endif

static __always_inline int SIDE(fill)(struct bench_thread *t)
{
	const unsigned int size = t->size, live = t->live;
	void * const pool = t->pool;
	void ** const objects = t->objects;
	unsigned int i;

	for (i = 0; i < live; i++) {
		objects[i] = SIDE(alloc)(pool, size);
		if (unlikely(!objects[i]))
			goto undo;
	}
	return 0;

undo:
	while (i--)
		SIDE(free)(pool, objects[i], size);
	return -ENOMEM;
}

static __always_inline void SIDE(drain)(struct bench_thread *t)
{
	const unsigned int size = t->size, live = t->live;
	void * const pool = t->pool;
	void ** const objects = t->objects;
	unsigned int i;

	for (i = 0; i < live; i++)
		SIDE(free)(pool, objects[i], size);
}

/* Allocate many objects, then free them in the same order. */
static noinline int SIDE(bulk)(struct bench_thread *t)
{
	unsigned long n;

	bench_start(t);
	for (n = t->pairs; n; n -= t->live) {
		if (unlikely(SIDE(fill)(t)))
			return -ENOMEM;
		SIDE(drain)(t);
	}
	bench_stop(t);
	return 0;
}

#ifdef BENCH_HAS_MANY
/* Allocate many objects with one call, then free them with one call. */
static noinline int SIDE(many)(struct bench_thread *t)
{
	unsigned long n;

	memset(t->objects, 0, t->live * sizeof(*t->objects));
	bench_start(t);
	for (n = t->pairs; n; n -= t->live) {
		if (unlikely(!SIDE(alloc_many)(t->pool, t->size, t->live, t->objects)))
			return -ENOMEM;
		SIDE(free_many)(t->pool, t->size, t->live, t->objects);
	}
	bench_stop(t);
	return 0;
}
#endif

/* Allocate many objects, then free them, the latest first. */
static noinline int SIDE(lifo)(struct bench_thread *t)
{
	unsigned int i;
	unsigned long n;

	bench_start(t);
	for (n = t->pairs; n; n -= t->live) {
		if (unlikely(SIDE(fill)(t)))
			return -ENOMEM;
		for (i = t->live; i; i--)
			SIDE(free)(t->pool, t->objects[i - 1], t->size);
	}
	bench_stop(t);
	return 0;
}

/* Allocate many objects, then free them in random order. */
static noinline int SIDE(random)(struct bench_thread *t)
{
	const u32 * const shuffle = t->shuffle;
	unsigned int i;
	unsigned long n;

	bench_start(t);
	for (n = t->pairs; n; n -= t->live) {
		if (unlikely(SIDE(fill)(t)))
			return -ENOMEM;
		for (i = 0; i < t->live; i++)
			SIDE(free)(t->pool, t->objects[shuffle[i]], t->size);
	}
	bench_stop(t);
	return 0;
}

/* Keep many objects allocated: allocate one, then free the oldest. */
static noinline int SIDE(fifo)(struct bench_thread *t)
{
	const unsigned int size = t->size, mask = t->live - 1;
	void * const pool = t->pool;
	unsigned long n;
	int err;

	err = SIDE(fill)(t);
	bench_start(t);
	if (unlikely(err))
		return err;
	for (n = 0; n < t->pairs; n++) {
		void **slot = &t->objects[n & mask];
		void *object = SIDE(alloc)(pool, size);

		if (unlikely(!object))
			break;
		SIDE(free)(pool, *slot, size);
		*slot = object;
	}
	bench_stop(t);
	SIDE(drain)(t);
	return n == t->pairs ? 0 : -ENOMEM;
}

static noinline int SIDE(produce)(struct bench_thread *t, void **ring)
{
	const unsigned int size = t->size, mask = t->live - 1;
	void * const pool = t->pool;
	unsigned long n;
	void *object;

	bench_start(t);
	for (n = 0; n < t->pairs; n++) {
		object = SIDE(alloc)(pool, size);
		if (unlikely(!object))
			return -ENOMEM;
		bench_put(&ring[n & mask], object);
	}
	bench_stop(t);
	return 0;
}

static noinline int SIDE(consume)(struct bench_thread *t, void **ring)
{
	const unsigned int size = t->size, mask = t->live - 1;
	void * const pool = t->pool;
	unsigned long n;
	void *object;

	bench_start(t);
	for (n = 0; n < t->pairs; n++) {
		object = bench_take(t, &ring[n & mask]);
		if (unlikely(!object))
			return -ENOMEM;
		SIDE(free)(pool, object, size);
	}
	bench_stop(t);
	return 0;
}

/* One CPU allocates, another one frees. */
static int SIDE(remote)(struct bench_thread *t)
{
	void **ring = bench_ring(t);

	return t->index ? SIDE(consume)(t, ring) : SIDE(produce)(t, ring);
}

static const struct bench_ops SIDE(ops) = {
#ifdef BENCH_HAS_POOL
	.open = SIDE(open),
	.close = SIDE(close),
#endif
	.body = {
		[BENCH_HOT] = SIDE(hot),
#ifdef BENCH_HAS_ATOMIC
		[BENCH_ATOMIC] = SIDE(atomic),
#endif
#ifdef BENCH_HAS_PAGES
		[BENCH_HELD] = SIDE(held),
#endif
		[BENCH_BULK] = SIDE(bulk),
#ifdef BENCH_HAS_MANY
		[BENCH_MANY] = SIDE(many),
#endif
		[BENCH_LIFO] = SIDE(lifo),
		[BENCH_RANDOM] = SIDE(random),
		[BENCH_FIFO] = SIDE(fifo),
		[BENCH_REMOTE] = SIDE(remote),
	},
};
