/* SPDX-License-Identifier: GPL-2.0 */
/*
 * inject.h: make the nth next allocation fail, on any kernel
 */
#ifndef _MAL_INJECT_H
#define _MAL_INJECT_H

#include <linux/atomic.h>
#include <linux/gfp.h>
#include <linux/jump_label.h>
#include <linux/list.h>
#include <linux/types.h>

struct task_struct;

/**
 * struct mal_inject - a countdown; belongs to an open file
 * @nth: allocations to go, including the failing one; zero if disarmed or
 *	expired
 * @holds_keys: holds a count of mal_inject_key and of mal_instrument_key;
 *	protected by the arming mutex
 */
struct mal_inject {
	atomic64_t nth;
	bool holds_keys;
};

/**
 * struct mal_inject_scope - period in which a task's allocations count
 * @link: in the list of scopes, protected by its lock; empty if nothing
 *	counts
 * @task: the task
 * @inject: the countdown
 * @failed: a failure was injected into this scope; protected by the lock of
 *	the list
 */
struct mal_inject_scope {
	struct list_head link;
	struct task_struct *task;
	struct mal_inject *inject;
	bool failed;
};

DECLARE_STATIC_KEY_FALSE(mal_inject_key);

void mal_inject_init(struct mal_inject *inject);
void mal_inject_destroy(struct mal_inject *inject);
u64 mal_inject_arm(struct mal_inject *inject, u64 nth);
void mal_inject_enter(struct mal_inject_scope *scope, struct mal_inject *inject);
void mal_inject_leave(struct mal_inject_scope *scope);
bool __mal_inject_should_fail(void);
bool __mal_inject_has_failed(void);

/**
 * mal_inject_should_fail() - must this allocation fail?
 *
 * Every allocation of the module calls this first, except that the fast paths
 * test mal_is_instrumented() and leave this to the slow paths. Costs a no-op
 * while no countdown is armed.
 *
 * Context: any.
 * Return: true if this allocation must fail.
 */
static inline bool mal_inject_should_fail(void)
{
	return static_branch_unlikely(&mal_inject_key) &&
	       __mal_inject_should_fail();
}

/**
 * mal_inject_may_fail() - mal_inject_should_fail(), unless it must not fail
 * @gfp: flags of the allocation
 *
 * Allocations that must not fail are not counted.
 *
 * Context: any.
 * Return: as for mal_inject_should_fail(); false with __GFP_NOFAIL.
 */
static inline bool mal_inject_may_fail(gfp_t gfp)
{
	return static_branch_unlikely(&mal_inject_key) &&
	       !(gfp & __GFP_NOFAIL) && __mal_inject_should_fail();
}

/**
 * mal_inject_has_failed() - was a failure injected into the current command?
 *
 * Called before a failure is logged: an injected one is not a memory shortage.
 * After one injected failure no other failure of the command is logged either.
 *
 * Context: any.
 * Return: true if a failure was injected.
 */
static inline bool mal_inject_has_failed(void)
{
	return static_branch_unlikely(&mal_inject_key) &&
	       __mal_inject_has_failed();
}

#endif /* _MAL_INJECT_H */
