/* SPDX-License-Identifier: GPL-2.0 */
/*
 * matrix_contexts.h: contexts in which memory is allocated and freed
 *
 * CPUs share the locks, except for the local lock.
 */
#ifndef _MATRIX_CONTEXTS_H
#define _MATRIX_CONTEXTS_H

#include <linux/bit_spinlock.h>
#include <linux/irqflags.h>
#include <linux/local_lock.h>
#include <linux/mutex.h>
#include <linux/percpu-defs.h>
#include <linux/preempt.h>
#include <linux/rcupdate.h>
#include <linux/rwsem.h>
#include <linux/sched/mm.h>
#include <linux/seqlock.h>
#include <linux/spinlock.h>
#include <linux/srcu.h>

#include "matrix.h"

static void matrix_in_task(struct matrix_use *use)
{
	matrix_act(use);
}

/*
 * Spinlocks
 */

static DEFINE_SPINLOCK(matrix_spinlock);
static DEFINE_SPINLOCK(matrix_spinlock_bh);
static DEFINE_SPINLOCK(matrix_spinlock_irq);
static DEFINE_RAW_SPINLOCK(matrix_raw_spinlock);
static DEFINE_RAW_SPINLOCK(matrix_raw_spinlock_irq);
static DEFINE_RWLOCK(matrix_rwlock);
static DEFINE_SEQLOCK(matrix_seqlock);
static DEFINE_PER_CPU(local_lock_t, matrix_local_lock) = INIT_LOCAL_LOCK(matrix_local_lock);
static unsigned long matrix_bit_lock;

static void matrix_in_spin_lock(struct matrix_use *use)
{
	spin_lock(&matrix_spinlock);
	matrix_act(use);
	spin_unlock(&matrix_spinlock);
}

static void matrix_in_spin_lock_bh(struct matrix_use *use)
{
	spin_lock_bh(&matrix_spinlock_bh);
	matrix_act(use);
	spin_unlock_bh(&matrix_spinlock_bh);
}

static void matrix_in_spin_lock_irqsave(struct matrix_use *use)
{
	unsigned long flags;

	spin_lock_irqsave(&matrix_spinlock_irq, flags);
	matrix_act(use);
	spin_unlock_irqrestore(&matrix_spinlock_irq, flags);
}

static void matrix_in_raw_spin_lock(struct matrix_use *use)
{
	raw_spin_lock(&matrix_raw_spinlock);
	matrix_act(use);
	raw_spin_unlock(&matrix_raw_spinlock);
}

static void matrix_in_raw_spin_lock_irqsave(struct matrix_use *use)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&matrix_raw_spinlock_irq, flags);
	matrix_act(use);
	raw_spin_unlock_irqrestore(&matrix_raw_spinlock_irq, flags);
}

static void matrix_in_read_lock(struct matrix_use *use)
{
	read_lock(&matrix_rwlock);
	matrix_act(use);
	read_unlock(&matrix_rwlock);
}

static void matrix_in_write_lock(struct matrix_use *use)
{
	write_lock(&matrix_rwlock);
	matrix_act(use);
	write_unlock(&matrix_rwlock);
}

static void matrix_in_write_seqlock(struct matrix_use *use)
{
	write_seqlock(&matrix_seqlock);
	matrix_act(use);
	write_sequnlock(&matrix_seqlock);
}

static void matrix_in_local_lock(struct matrix_use *use)
{
	local_lock(&matrix_local_lock);
	matrix_act(use);
	local_unlock(&matrix_local_lock);
}

static void matrix_in_bit_spin_lock(struct matrix_use *use)
{
	bit_spin_lock(0, &matrix_bit_lock);
	matrix_act(use);
	bit_spin_unlock(0, &matrix_bit_lock);
}

/*
 * Locks that sleep
 */

static DEFINE_MUTEX(matrix_mutex);
static DECLARE_RWSEM(matrix_rwsem);
DEFINE_STATIC_SRCU(matrix_srcu);

static void matrix_in_mutex(struct matrix_use *use)
{
	mutex_lock(&matrix_mutex);
	matrix_act(use);
	mutex_unlock(&matrix_mutex);
}

static void matrix_in_down_read(struct matrix_use *use)
{
	down_read(&matrix_rwsem);
	matrix_act(use);
	up_read(&matrix_rwsem);
}

static void matrix_in_down_write(struct matrix_use *use)
{
	down_write(&matrix_rwsem);
	matrix_act(use);
	up_write(&matrix_rwsem);
}

static void matrix_in_srcu(struct matrix_use *use)
{
	int index = srcu_read_lock(&matrix_srcu);

	matrix_act(use);
	srcu_read_unlock(&matrix_srcu, index);
}

/*
 * Sections without a lock
 */

static void matrix_in_rcu(struct matrix_use *use)
{
	rcu_read_lock();
	matrix_act(use);
	rcu_read_unlock();
}

static void matrix_in_migrate_disable(struct matrix_use *use)
{
	migrate_disable();
	matrix_act(use);
	migrate_enable();
}

static void matrix_in_preempt_disable(struct matrix_use *use)
{
	preempt_disable();
	matrix_act(use);
	preempt_enable();
}

static void matrix_in_bh_disable(struct matrix_use *use)
{
	local_bh_disable();
	matrix_act(use);
	local_bh_enable();
}

static void matrix_in_irq_save(struct matrix_use *use)
{
	unsigned long flags;

	local_irq_save(flags);
	matrix_act(use);
	local_irq_restore(flags);
}

/*
 * Reclaim
 *
 * The caller holds fs_reclaim as reclaim does. A task that enters reclaim waits
 * for reclaim to end, so lockdep reports each allocation that would enter
 * reclaim, even if there is memory. The scopes permit GFP_KERNEL there.
 */

static void matrix_in_reclaim(struct matrix_use *use)
{
	fs_reclaim_acquire(GFP_KERNEL);
	matrix_act(use);
	fs_reclaim_release(GFP_KERNEL);
}

static void matrix_in_nofs(struct matrix_use *use)
{
	unsigned int scope = memalloc_nofs_save();

	matrix_in_reclaim(use);
	memalloc_nofs_restore(scope);
}

static void matrix_in_noio(struct matrix_use *use)
{
	unsigned int scope = memalloc_noio_save();

	matrix_in_reclaim(use);
	memalloc_noio_restore(scope);
}

static void matrix_in_noreclaim(struct matrix_use *use)
{
	unsigned int scope = memalloc_noreclaim_save();

	matrix_in_reclaim(use);
	memalloc_noreclaim_restore(scope);
}

/*
 * In the order of the table. The scopes come first, because the first user of a
 * kind has to borrow memory, and others find it cached.
 */
static const struct matrix_context matrix_contexts[] = {
	{ "fs_reclaim+nofs", MATRIX_SLEEPS | MATRIX_RECLAIM | MATRIX_SCOPE, CONTEXT_TASK,
	  matrix_in_nofs },
	{ "fs_reclaim+noio", MATRIX_SLEEPS | MATRIX_RECLAIM | MATRIX_SCOPE, CONTEXT_TASK,
	  matrix_in_noio },
	{ "fs_reclaim+noreclaim", MATRIX_SLEEPS | MATRIX_RECLAIM | MATRIX_SCOPE, CONTEXT_TASK,
	  matrix_in_noreclaim },
	{ "fs_reclaim", MATRIX_SLEEPS | MATRIX_RECLAIM, CONTEXT_TASK, matrix_in_reclaim },
	{ "task", MATRIX_SLEEPS, CONTEXT_TASK, matrix_in_task },
	{ "mutex_lock", MATRIX_SLEEPS, CONTEXT_TASK, matrix_in_mutex },
	{ "down_read", MATRIX_SLEEPS, CONTEXT_TASK, matrix_in_down_read },
	{ "down_write", MATRIX_SLEEPS, CONTEXT_TASK, matrix_in_down_write },
	{ "srcu_read_lock", MATRIX_SLEEPS, CONTEXT_TASK, matrix_in_srcu },
	{ "migrate_disable", MATRIX_SLEEPS, CONTEXT_TASK, matrix_in_migrate_disable },
	{ "rcu_read_lock", 0, CONTEXT_TASK, matrix_in_rcu },
	{ "spin_lock", 0, CONTEXT_TASK, matrix_in_spin_lock },
	{ "spin_lock_bh", MATRIX_BH, CONTEXT_TASK, matrix_in_spin_lock_bh },
	{ "spin_lock_irqsave", MATRIX_IRQS_OFF, CONTEXT_TASK, matrix_in_spin_lock_irqsave },
	{ "read_lock", 0, CONTEXT_TASK, matrix_in_read_lock },
	{ "write_lock", 0, CONTEXT_TASK, matrix_in_write_lock },
	{ "write_seqlock", 0, CONTEXT_TASK, matrix_in_write_seqlock },
	{ "local_lock", 0, CONTEXT_TASK, matrix_in_local_lock },
	{ "local_bh_disable", MATRIX_BH, CONTEXT_TASK, matrix_in_bh_disable },
	{ "bit_spin_lock", MATRIX_PINNED, CONTEXT_TASK, matrix_in_bit_spin_lock },
	{ "preempt_disable", MATRIX_PINNED, CONTEXT_TASK, matrix_in_preempt_disable },
	{ "local_irq_save", MATRIX_PINNED | MATRIX_IRQS_OFF, CONTEXT_TASK, matrix_in_irq_save },
	{ "raw_spin_lock", MATRIX_RAW | MATRIX_PINNED, CONTEXT_TASK, matrix_in_raw_spin_lock },
	{ "raw_spin_lock_irqsave", MATRIX_RAW | MATRIX_PINNED | MATRIX_IRQS_OFF, CONTEXT_TASK,
	  matrix_in_raw_spin_lock_irqsave },
	{ "timer", MATRIX_BH, CONTEXT_TIMER, matrix_act },
	{ "tasklet", MATRIX_BH, CONTEXT_TASKLET, matrix_act },
	{ "irq_work", MATRIX_HARDIRQ | MATRIX_IRQS_OFF, CONTEXT_IRQ_WORK, matrix_act },
	{ "hrtimer", MATRIX_HARDIRQ | MATRIX_IRQS_OFF, CONTEXT_HRTIMER, matrix_act },
};

#endif /* _MATRIX_CONTEXTS_H */
