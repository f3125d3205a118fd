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
 * @nth: allocations still to come, the failing one included; zero: disarmed,
 *	or it has failed
 * @holds_keys: holds a count of mal_inject_key and of mal_watch_key; protected
 *	by the arming mutex
 */
struct mal_inject {
	atomic64_t nth;
	bool holds_keys;
};

/**
 * struct mal_inject_scope - the time in which one task's allocations count
 * @link: in the list of scopes, protected by its lock; empty: nothing counts
 * @task: whose
 * @inject: towards which countdown
 */
struct mal_inject_scope {
	struct list_head link;
	struct task_struct *task;
	struct mal_inject *inject;
};

DECLARE_STATIC_KEY_FALSE(mal_inject_key);

void mal_inject_init(struct mal_inject *inject);
void mal_inject_destroy(struct mal_inject *inject);
u64 mal_inject_arm(struct mal_inject *inject, u64 nth);
void mal_inject_enter(struct mal_inject_scope *scope, struct mal_inject *inject);
void mal_inject_leave(struct mal_inject_scope *scope);
bool __mal_inject_should_fail(void);

/**
 * mal_inject_should_fail() - must this allocation fail?
 *
 * Every place of the module that takes memory asks before it does; but the short
 * ways of allocation ask mal_is_watched(), and leave this to the long ones.
 * Costs a no-op while no countdown is armed.
 *
 * Context: any.
 * Return: true if the allocation is the one to fail.
 */
static inline bool mal_inject_should_fail(void)
{
	return static_branch_unlikely(&mal_inject_key) &&
	       __mal_inject_should_fail();
}

/**
 * mal_inject_may_fail() - mal_inject_should_fail(), of who may have to hear no
 * @gfp: what the allocation was asked for with
 *
 * What must not fail is not counted, either.
 *
 * Context: any.
 * Return: as for mal_inject_should_fail(); with __GFP_NOFAIL, false.
 */
static inline bool mal_inject_may_fail(gfp_t gfp)
{
	return static_branch_unlikely(&mal_inject_key) &&
	       !(gfp & __GFP_NOFAIL) && __mal_inject_should_fail();
}

#endif /* _MAL_INJECT_H */
