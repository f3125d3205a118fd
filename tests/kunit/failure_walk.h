/* SPDX-License-Identifier: GPL-2.0 */
/*
 * failure_walk.h: calls of the API in which each allocation is made to fail
 */
#ifndef _MAL_FAILURE_WALK_H
#define _MAL_FAILURE_WALK_H

#include <linux/err.h>
#include <linux/gfp.h>
#include <linux/string.h>
#include <linux/types.h>

struct device;
struct kunit;
struct mal_kmem_cache;
struct mal_mempool;
struct page;

/* Fails if it has to; and says nothing of it, as it is meant to. */
#define MAL_WALK_GFP	(GFP_KERNEL | __GFP_NOWARN)
#define MAL_WALK_MANY	20
#define MAL_WALK_BYTE	0x6d
#define MAL_WALK_TEXT	"what is to be copied"

/**
 * struct mal_walk - what a call is given, and what it makes
 * @test: the test
 * @user: a page of user space that begins with MAL_WALK_TEXT, if the call wants it
 * @dev: a device, if the call wants it
 * @cache: made by the call's @prepare, if at all
 * @pool: likewise
 * @in: likewise
 * @out: made by the call
 * @many: made by either
 */
struct mal_walk {
	struct kunit *test;
	char __user *user;
	struct device *dev;
	struct mal_kmem_cache *cache;
	struct mal_mempool *pool;
	void *in;
	void *out;
	void *many[MAL_WALK_MANY];
};

/**
 * enum mal_walk_promise - what a call does when it gets no memory
 * @MAL_WALK_FAILS: it needs memory, and fails without it
 * @MAL_WALK_FAILS_IN_HOST: likewise, but none that the module asks for itself
 * @MAL_WALK_SURVIVES: it may want some, and gets over it
 * @MAL_WALK_NOTHING: it does not want any
 */
enum mal_walk_promise {
	MAL_WALK_FAILS,
	MAL_WALK_FAILS_IN_HOST,
	MAL_WALK_SURVIVES,
	MAL_WALK_NOTHING,
};

/**
 * enum mal_walk_wants - what has to be there for all of a call's walk
 * @MAL_WALK_WANTS_NONE: nothing
 * @MAL_WALK_WANTS_MM: an address space of user space
 * @MAL_WALK_WANTS_USER: a page of it
 * @MAL_WALK_WANTS_DEVICE: a device
 */
enum mal_walk_wants {
	MAL_WALK_WANTS_NONE,
	MAL_WALK_WANTS_MM,
	MAL_WALK_WANTS_USER,
	MAL_WALK_WANTS_DEVICE,
};

/**
 * struct mal_walk_call - a call to walk
 * @name: of the function
 * @how: it is called, if it is called in more ways than one
 * @promise: what is expected of it
 * @wants: what has to be there for all of the walk
 * @prepare: before each point: make what it needs. Returns zero or -ENOMEM
 * @act: the call. Returns zero; or -ENOMEM, -EFAULT: then it has left no trace;
 *	or -EPROTO: what it did is wrong
 * @undo: take back what it has made. NULL: there is nothing
 * @discard: the mirror of @prepare, whatever has come of the call
 */
struct mal_walk_call {
	const char *name;
	const char *how;
	enum mal_walk_promise promise;
	enum mal_walk_wants wants;
	int (*prepare)(struct mal_walk *walk);
	int (*act)(struct mal_walk *walk);
	void (*undo)(struct mal_walk *walk);
	void (*discard)(struct mal_walk *walk);
};

/* Each ends with an empty one. */
extern const struct mal_walk_call mal_walk_page_calls[];
extern const struct mal_walk_call mal_walk_slab_calls[];
extern const struct mal_walk_call mal_walk_kmalloc_calls[];
extern const struct mal_walk_call mal_walk_devm_calls[];
extern const struct mal_walk_call mal_walk_mempool_calls[];
extern const struct mal_walk_call mal_walk_percpu_calls[];
extern const struct mal_walk_call mal_walk_area_calls[];

/* A function that returns a pointer, NULL or an error as a pointer. */
static inline int mal_walk_made(struct mal_walk *walk, const void *out)
{
	walk->out = NULL;
	if (!out)
		return -ENOMEM;
	if (IS_ERR(out))
		return PTR_ERR(out);
	walk->out = (void *)out;
	return 0;
}

/* Like it, for what the call itself goes on to need. */
static inline int mal_walk_given(struct mal_walk *walk, const void *in)
{
	walk->in = (void *)in;
	return in ? 0 : -ENOMEM;
}

/*
 * What begins with @old_size bytes of MAL_WALK_BYTE was to grow. If it could not, it is
 * as it was; if it could, it begins as it did.
 */
static inline int mal_walk_grown(struct mal_walk *walk, void *new, size_t old_size)
{
	void *now = new ?: walk->in;

	if (memchr_inv(now, MAL_WALK_BYTE, old_size))
		return -EPROTO;
	walk->in = now;
	return new ? 0 : -ENOMEM;
}

/* Define the act of a function that returns a pointer: @call, with @walk at hand. */
#define MAL_WALK_ACT(function, call)					\
static int mal_act_##function(struct mal_walk *walk)			\
{									\
	return mal_walk_made(walk, call);				\
}

/* ... of one that cannot fail, and may be a statement. */
#define MAL_WALK_ACT_VOID(function, call)				\
static int mal_act_##function(struct mal_walk *walk)			\
{									\
	call;								\
	return 0;							\
}

/* ... of one that looks at something, and finds it as it must be. */
#define MAL_WALK_ACT_CHECK(function, call)				\
static int mal_act_##function(struct mal_walk *walk)			\
{									\
	return (call) ? 0 : -EPROTO;					\
}

/* The beginning of its row. */
#define MAL_WALK(function)						\
	.name = #function, .act = mal_act_##function

/* The same, if it has several. */
#define MAL_WALK_VARIANT(function, variant)				\
	.name = #function, .how = #variant, .act = mal_act_##function##_##variant

#endif /* _MAL_FAILURE_WALK_H */
