/* SPDX-License-Identifier: GPL-2.0 */
/*
 * matrix.h: contexts, kinds of memory, and the rules for both
 */
#ifndef _MATRIX_H
#define _MATRIX_H

#include <linux/bits.h>
#include <linux/types.h>

#include "contexts.h"

/* More pieces of any kind than the lists of a CPU hold. */
#define MATRIX_PIECES	160

#ifdef MATRIX_HOST
#define MATRIX_OURS	false
#else
#define MATRIX_OURS	true
#endif

/* Properties of a context */
#define MATRIX_SLEEPS	BIT(0)	/* the caller may sleep */
#define MATRIX_RECLAIM	BIT(1)	/* the caller holds fs_reclaim */
#define MATRIX_RAW	BIT(2)	/* the caller holds a raw spinlock */
#define MATRIX_PINNED	BIT(3)	/* preemption is off, even on PREEMPT_RT */
#define MATRIX_IRQS_OFF	BIT(4)	/* interrupts are off, except on PREEMPT_RT */
#define MATRIX_BH	BIT(5)	/* softirq, or bottom halves are off */
#define MATRIX_HARDIRQ	BIT(6)	/* hardirq, except on PREEMPT_RT */
#define MATRIX_SCOPE	BIT(7)	/* the task's flags keep it from entering reclaim */

/* Properties of a kind */
#define MATRIX_NO_ZERO	BIT(0)	/* allocated without __GFP_ZERO */
#define MATRIX_ZEROED	BIT(1)	/* zeroed with any flags */
#define MATRIX_BLOCKING	BIT(2)	/* allocated with flags that permit to sleep */
#define MATRIX_IRQS_ON	BIT(3)	/* allocated and freed with interrupts on */
#define MATRIX_VFREE	BIT(4)	/* freed by a task that may sleep, or in an interrupt */
#define MATRIX_WAITS	BIT(5)	/* freed by a task that may sleep and enter reclaim */
#define MATRIX_QUEUED	BIT(6)	/* the free takes raw spinlocks only */
#define MATRIX_PERCPU	BIT(7)	/* a pointer to per-CPU memory */
#define MATRIX_MUTEX	BIT(8)	/* the host waits for tasks in reclaim if it may sleep */
#define MATRIX_MAY_FAIL	BIT(9)	/* not always served */
#define MATRIX_CTOR	BIT(10)	/* a constructor fills objects with MATRIX_BUILT */

#define MATRIX_BUILT	0xc7

/**
 * struct matrix_kind - a kind of memory
 * @name: its name in the table
 * @nr: number of pieces, at most MATRIX_PIECES
 * @size: bytes of a piece
 * @is: properties
 * @alloc: allocate a piece, or return NULL
 * @free: free a piece
 * @alloc_bulk: instead of @alloc: allocate several pieces, return their number
 * @free_bulk: instead of @free: free several pieces
 * @usable: return the number of usable bytes; NULL if it is @size
 */
struct matrix_kind {
	const char *name;
	unsigned int nr;
	size_t size;
	unsigned int is;
	void *(*alloc)(gfp_t gfp);
	void (*free)(void *piece);
	unsigned int (*alloc_bulk)(gfp_t gfp, unsigned int nr, void **pieces);
	void (*free_bulk)(unsigned int nr, void **pieces);
	size_t (*usable)(const void *piece);
};

/**
 * struct matrix_use - a cell of the table on a CPU
 * @context: where it runs
 * @kind: the memory
 * @way: flags, or MATRIX_FREE_HERE
 * @seed: number that the contents depend on
 * @nr: number of pieces that are allocated
 * @result: flags of the result
 * @pieces: the pieces
 */
struct matrix_use {
	const struct matrix_context *context;
	const struct matrix_kind *kind;
	unsigned int way;
	unsigned int seed;
	unsigned int nr;
	u8 *result;
	void *pieces[MATRIX_PIECES];
};

/**
 * struct matrix_context - a context of the caller
 * @name: its name in the table
 * @is: properties
 * @where: the thread, or the interrupt
 * @enter: enter the context, call matrix_act(), leave the context
 */
struct matrix_context {
	const char *name;
	unsigned int is;
	enum context where;
	void (*enter)(struct matrix_use *use);
};

static void matrix_act(struct matrix_use *use);

#endif /* _MATRIX_H */
