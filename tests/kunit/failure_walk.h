/* SPDX-License-Identifier: GPL-2.0 */
/*
 * failure_walk.h: API calls for tests that fail each of their allocations in
 * turn
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

/* May fail. The failures are injected, so suppress the warnings. */
#define MAL_WALK_GFP	(GFP_KERNEL | __GFP_NOWARN)
#define MAL_WALK_MANY	20
#define MAL_WALK_BYTE	0x6d
#define MAL_WALK_TEXT	"text to be copied"

/**
 * struct mal_walk - arguments and results of a call
 * @test: the running test
 * @user: a page of user space that begins with MAL_WALK_TEXT, if the call wants
 *	it
 * @dev: a device, if the call wants it
 * @cache: cache made by @prepare, or NULL
 * @pool: pool made by @prepare, or NULL
 * @in: object made by @prepare, or NULL
 * @out: result of the call
 * @many: objects made by @prepare or by the call
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
 * enum mal_walk_promise - behaviour of a call if its allocations fail
 * @MAL_WALK_FAILS: the call fails if one of the module's allocations fails
 * @MAL_WALK_FAILS_IN_HOST: the call fails only if one of the host's allocations
 *	fails
 * @MAL_WALK_SURVIVES: the call may allocate, and succeeds even if it gets no
 *	memory
 * @MAL_WALK_NOTHING: the call allocates nothing
 */
enum mal_walk_promise {
	MAL_WALK_FAILS,
	MAL_WALK_FAILS_IN_HOST,
	MAL_WALK_SURVIVES,
	MAL_WALK_NOTHING,
};

/**
 * enum mal_walk_wants - resources that a call needs throughout its walk
 * @MAL_WALK_WANTS_NONE: none
 * @MAL_WALK_WANTS_MM: a user address space
 * @MAL_WALK_WANTS_USER: a page of user space
 * @MAL_WALK_WANTS_DEVICE: a device
 */
enum mal_walk_wants {
	MAL_WALK_WANTS_NONE,
	MAL_WALK_WANTS_MM,
	MAL_WALK_WANTS_USER,
	MAL_WALK_WANTS_DEVICE,
};

/**
 * struct mal_walk_call - a call of one API function
 * @name: name of the function
 * @how: name of the variant, if the function is called in several ways
 * @promise: expected behaviour under failure
 * @wants: resources needed for the whole walk
 * @prepare: called before each point to make the arguments. Returns 0 or
 *	-ENOMEM
 * @act: the call. Returns 0 on success; -ENOMEM or -EFAULT on failure without
 *	side effects; -EPROTO if the result is wrong
 * @undo: undo a successful call. NULL if there is nothing to undo
 * @discard: undo @prepare, after success and failure of the call alike
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

/* Each table ends with an empty entry. */
extern const struct mal_walk_call mal_walk_page_calls[];
extern const struct mal_walk_call mal_walk_slab_calls[];
extern const struct mal_walk_call mal_walk_kmalloc_calls[];
extern const struct mal_walk_call mal_walk_devm_calls[];
extern const struct mal_walk_call mal_walk_mempool_calls[];
extern const struct mal_walk_call mal_walk_percpu_calls[];
extern const struct mal_walk_call mal_walk_area_calls[];
extern const struct mal_walk_call mal_walk_mixed_calls[];

/* Record the result of a call: a pointer, NULL or an error pointer. */
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

/* As mal_walk_made(), for an argument that @prepare allocates. */
static inline int mal_walk_given(struct mal_walk *walk, const void *in)
{
	walk->in = (void *)in;
	return in ? 0 : -ENOMEM;
}

/*
 * Check a reallocation of an object that begins with @old_size bytes of
 * MAL_WALK_BYTE. The contents must survive, whether or not it succeeded.
 */
static inline int mal_walk_grown(struct mal_walk *walk, void *new, size_t old_size)
{
	void *now = new ?: walk->in;

	if (memchr_inv(now, MAL_WALK_BYTE, old_size))
		return -EPROTO;
	walk->in = now;
	return new ? 0 : -ENOMEM;
}

/* Define the act of a function that returns a pointer. @call may use @walk. */
#define MAL_WALK_ACT(function, call)					\
static int mal_act_##function(struct mal_walk *walk)			\
{									\
	return mal_walk_made(walk, call);				\
}

/* Likewise, for a call that cannot fail; @call may be a statement. */
#define MAL_WALK_ACT_VOID(function, call)				\
static int mal_act_##function(struct mal_walk *walk)			\
{									\
	call;								\
	return 0;							\
}

/* Likewise, for a query; @call is true if the answer is right. */
#define MAL_WALK_ACT_CHECK(function, call)				\
static int mal_act_##function(struct mal_walk *walk)			\
{									\
	return (call) ? 0 : -EPROTO;					\
}

/* Start a table entry. */
#define MAL_WALK(function)						\
	.name = #function, .act = mal_act_##function

/* Start a table entry for one variant of a function. */
#define MAL_WALK_VARIANT(function, variant)				\
	.name = #function, .how = #variant, .act = mal_act_##function##_##variant

#endif /* _MAL_FAILURE_WALK_H */
