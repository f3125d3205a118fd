// SPDX-License-Identifier: GPL-2.0
/*
 * Failure injection: make the nth next allocation fail, on any kernel
 *
 * A countdown belongs to an open file. While a task executes a command on that
 * file, a scope on its stack binds the task to the countdown. Every allocation
 * that may fail calls mal_inject_should_fail() first, which counts down if the
 * task is in a scope. The allocation that reaches zero fails, and the countdown
 * is then disarmed. So exactly one allocation fails for each arming, regardless
 * of the number of tasks that share the file.
 *
 * Only the task's own allocations count. Allocations of interrupts and of work
 * that the command leaves to another task do not. A command that was already
 * running in another task when the countdown was armed does not count either.
 *
 * An injected failure is not logged: the log concerns real memory shortages.
 *
 * Two static keys are held from the time a countdown is armed until its owner
 * disarms it or closes the file. One diverts the fast paths of allocation to
 * the slow paths; the other makes the slow paths call this file. An expired
 * countdown keeps the keys: it expires in the middle of an allocation, where
 * they cannot be dropped, because switching a key sleeps.
 *
 * Contexts: arming and scopes in task context; arming may sleep. Queries in any
 * context; outside of task context the answer is no.
 *
 * Lock order: mal_inject_arm_mutex, then the host's locks of static keys.
 * mal_inject_lock may be taken anywhere in task context. No lock is taken under
 * it.
 *
 * Lifetimes: a scope is on its task's stack and leaves the list before its
 * command ends, and the command has a reference to the file. So the task and
 * the countdown of a scope on the list are valid.
 */
#include <linux/mutex.h>
#include <linux/preempt.h>
#include <linux/sched.h>
#include <linux/spinlock.h>

#include "internal/inject.h"
#include "internal/instrument.h"
#include "internal/kunit.h"

DEFINE_STATIC_KEY_FALSE(mal_inject_key);

/*
 * Serializes arming and disarming: keeps the keys and their counts consistent.
 */
static DEFINE_MUTEX(mal_inject_arm_mutex);

/*
 * Protects the list of scopes. Raw: queried under raw locks, on PREEMPT_RT too.
 */
static DEFINE_RAW_SPINLOCK(mal_inject_lock);
static LIST_HEAD(mal_inject_scopes);

/**
 * mal_inject_init() - initialize a disarmed countdown
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
 * @nth: 1 is the next allocation, 0 disarms; at most S64_MAX
 *
 * Context: task, may sleep.
 * Return: the rest of the previous count; zero if it had expired or was not
 * armed.
 */
u64 mal_inject_arm(struct mal_inject *inject, u64 nth)
{
	u64 left;

	mutex_lock(&mal_inject_arm_mutex);
	if (nth && !inject->holds_keys) {
		inject->holds_keys = true;
		static_branch_inc(&mal_inject_key);
		mal_instrument_begin();
	}
	left = atomic64_xchg(&inject->nth, nth);
	if (!nth && inject->holds_keys) {
		inject->holds_keys = false;
		mal_instrument_end();
		static_branch_dec(&mal_inject_key);
	}
	mutex_unlock(&mal_inject_arm_mutex);
	return left;
}
MAL_EXPORT_FOR_KUNIT(mal_inject_arm);

/**
 * mal_inject_enter() - start to count the current task's allocations
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
	scope->failed = false;
	if (!atomic64_read(&inject->nth))
		return;
	raw_spin_lock_irqsave(&mal_inject_lock, flags);
	list_add(&scope->link, &mal_inject_scopes);
	raw_spin_unlock_irqrestore(&mal_inject_lock, flags);
}
MAL_EXPORT_FOR_KUNIT(mal_inject_enter);

/**
 * mal_inject_leave() - stop counting
 * @scope: as passed to mal_inject_enter()
 *
 * Context: task.
 */
void mal_inject_leave(struct mal_inject_scope *scope)
{
	unsigned long flags;

	/* Only this task adds the scope to the list or removes it. */
	if (list_empty(&scope->link))
		return;
	raw_spin_lock_irqsave(&mal_inject_lock, flags);
	list_del_init(&scope->link);
	raw_spin_unlock_irqrestore(&mal_inject_lock, flags);
}
MAL_EXPORT_FOR_KUNIT(mal_inject_leave);

/*
 * The innermost scope of the current task, or NULL. Called with the lock held.
 */
static struct mal_inject_scope *mal_inject_scope_of_task(void)
{
	struct mal_inject_scope *scope;

	list_for_each_entry(scope, &mal_inject_scopes, link)
		if (scope->task == current)
			return scope;
	return NULL;
}

/**
 * __mal_inject_should_fail() - slow path of mal_inject_should_fail()
 *
 * Context: any.
 * Return: true if this allocation must fail.
 */
bool __mal_inject_should_fail(void)
{
	struct mal_inject_scope *scope;
	unsigned long flags;
	bool fail = false;

	if (!in_task())
		return false;
	raw_spin_lock_irqsave(&mal_inject_lock, flags);
	scope = mal_inject_scope_of_task();
	/*
	 * Returns the new value, zero for the last one; -1 if it was zero
	 * already.
	 */
	if (scope)
		fail = !atomic64_dec_if_positive(&scope->inject->nth);
	if (fail)
		scope->failed = true;
	raw_spin_unlock_irqrestore(&mal_inject_lock, flags);
	return fail;
}

/**
 * __mal_inject_has_failed() - slow path of mal_inject_has_failed()
 *
 * Context: any.
 * Return: true if a failure was injected into the current command.
 */
bool __mal_inject_has_failed(void)
{
	struct mal_inject_scope *scope;
	unsigned long flags;
	bool failed;

	if (!in_task())
		return false;
	raw_spin_lock_irqsave(&mal_inject_lock, flags);
	scope = mal_inject_scope_of_task();
	failed = scope && scope->failed;
	raw_spin_unlock_irqrestore(&mal_inject_lock, flags);
	return failed;
}
