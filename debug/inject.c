// SPDX-License-Identifier: GPL-2.0
/*
 * Failure injection: make the nth next allocation fail, on any kernel
 *
 * A countdown belongs to an open file. While a task carries out a command on
 * that file, a scope on its stack binds the task to the countdown. Whoever takes
 * memory asks mal_inject_should_fail() first, which counts down if the asking
 * task is in a scope. The one that reaches zero fails; the countdown is then
 * disarmed, so that exactly one allocation fails for one arming, whatever
 * the number of tasks that share the file.
 *
 * Only what the task itself does counts: an interrupt that allocates on top of
 * it does not, nor does work that the command leaves to another task. A command
 * that was under way in another task when the countdown was armed does not
 * count either.
 *
 * Two static keys are held from the time a countdown is armed until it is
 * disarmed by its owner or the file is closed: one sends the short ways of
 * allocation the long way, the other has the long way ask here. A countdown that
 * has run out keeps them: it ends in the middle of an allocation, where keys,
 * whose switching sleeps, cannot be dropped.
 *
 * Contexts: arming and scopes in task context, arming may sleep; asking in any
 * context, the answer outside of task context being no.
 *
 * Lock order: mal_inject_arming, then the host's locks of static keys.
 * mal_inject_lock is innermost and may be taken anywhere in task context.
 *
 * Lifetimes: a scope is on its task's stack and leaves the list before its
 * command ends, and the command holds the file: so a scope in the list implies
 * its task and its countdown.
 */
#include <linux/mutex.h>
#include <linux/preempt.h>
#include <linux/sched.h>
#include <linux/spinlock.h>

#include "internal/inject.h"
#include "internal/kunit.h"
#include "internal/watch.h"

DEFINE_STATIC_KEY_FALSE(mal_inject_key);

/* Arming and disarming, one at a time: keeps the keys and their counts in step. */
static DEFINE_MUTEX(mal_inject_arming);

/* Protects the list of scopes. Raw: asked under raw locks, on PREEMPT_RT too. */
static DEFINE_RAW_SPINLOCK(mal_inject_lock);
static LIST_HEAD(mal_inject_scopes);

/**
 * mal_inject_init() - set up a countdown, disarmed
 * @inject: the countdown
 *
 * Context: any.
 */
void mal_inject_init(struct mal_inject *inject)
{
	atomic64_set(&inject->nth, 0);
	inject->holds_keys = false;
}
MAL_EXPORT_FOR_KUNIT(mal_inject_init);

/**
 * mal_inject_destroy() - disarm a countdown for good
 * @inject: the countdown, in no scope any more
 *
 * Context: task, may sleep.
 */
void mal_inject_destroy(struct mal_inject *inject)
{
	mal_inject_arm(inject, 0);
}
MAL_EXPORT_FOR_KUNIT(mal_inject_destroy);

/**
 * mal_inject_arm() - make the nth next allocation fail
 * @inject: the countdown
 * @nth: 1 is the very next, 0 disarms; at most S64_MAX
 *
 * Context: task, may sleep.
 * Return: what was left of the count before; zero if it had run out or was
 * not armed.
 */
u64 mal_inject_arm(struct mal_inject *inject, u64 nth)
{
	u64 left;

	mutex_lock(&mal_inject_arming);
	if (nth && !inject->holds_keys) {
		inject->holds_keys = true;
		static_branch_inc(&mal_inject_key);
		mal_watch_begin();
	}
	left = atomic64_xchg(&inject->nth, nth);
	if (!nth && inject->holds_keys) {
		inject->holds_keys = false;
		mal_watch_end();
		static_branch_dec(&mal_inject_key);
	}
	mutex_unlock(&mal_inject_arming);
	return left;
}
MAL_EXPORT_FOR_KUNIT(mal_inject_arm);

/**
 * mal_inject_enter() - count the current task's allocations from now on
 * @scope: on the caller's stack; to be left in the same function
 * @inject: the countdown
 *
 * Scopes of one task nest; the innermost counts.
 *
 * Context: task.
 */
void mal_inject_enter(struct mal_inject_scope *scope, struct mal_inject *inject)
{
	unsigned long flags;

	INIT_LIST_HEAD(&scope->link);
	scope->task = current;
	scope->inject = inject;
	if (!atomic64_read(&inject->nth))
		return;
	raw_spin_lock_irqsave(&mal_inject_lock, flags);
	list_add(&scope->link, &mal_inject_scopes);
	raw_spin_unlock_irqrestore(&mal_inject_lock, flags);
}
MAL_EXPORT_FOR_KUNIT(mal_inject_enter);

/**
 * mal_inject_leave() - count them no longer
 * @scope: as given to mal_inject_enter()
 *
 * Context: task.
 */
void mal_inject_leave(struct mal_inject_scope *scope)
{
	unsigned long flags;

	/* Only this task puts it on the list, or takes it off. */
	if (list_empty(&scope->link))
		return;
	raw_spin_lock_irqsave(&mal_inject_lock, flags);
	list_del_init(&scope->link);
	raw_spin_unlock_irqrestore(&mal_inject_lock, flags);
}
MAL_EXPORT_FOR_KUNIT(mal_inject_leave);

/**
 * __mal_inject_should_fail() - the slow half of mal_inject_should_fail()
 *
 * Context: any.
 * Return: true if the allocation is the one to fail.
 */
bool __mal_inject_should_fail(void)
{
	struct mal_inject_scope *scope;
	unsigned long flags;
	bool fail = false;

	if (!in_task())
		return false;
	raw_spin_lock_irqsave(&mal_inject_lock, flags);
	list_for_each_entry(scope, &mal_inject_scopes, link) {
		if (scope->task != current)
			continue;
		/* From one to zero: the new value; if it was zero: minus one. */
		fail = !atomic64_dec_if_positive(&scope->inject->nth);
		break;
	}
	raw_spin_unlock_irqrestore(&mal_inject_lock, flags);
	return fail;
}
