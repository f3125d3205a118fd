// SPDX-License-Identifier: GPL-2.0
/*
 * Allocations and frees of every kind in every context, with every flag
 *
 * The module makes a table. A cell is one kind of memory in one context of the
 * caller:
 *
 *	CONTEXT KIND FLAGS RESULT
 *
 * Pieces are allocated in the context with these flags, are written and
 * checked, and are freed there if that is permitted, otherwise by the task.
 * With the flags "free", the task has allocated the pieces with GFP_KERNEL, and
 * the context only frees them. There are enough pieces of a kind to empty and
 * to overflow the lists of a CPU.
 *
 * The result has these words; "-" stands for a word that does not apply, and
 * "NOT" before a word for a failure:
 *
 *	allocated	all pieces were allocated
 *	zeroed		all bytes were zero, as the flags require
 *	intact		no piece changed before its free, and objects were
 *			constructed
 *	usable		the reported size is that of the request, or larger
 *	freed		the context itself has freed the pieces
 *
 * Only cells that the documentation permits exist: matrix_may_alloc() and
 * matrix_may_free() derive them from the properties of contexts and kinds. No
 * context is a non-maskable interrupt, as the host does not allocate there; see
 * nmi.c.
 *
 * All CPUs make the table at the same time (see contexts.c). The interrupts of
 * a CPU make their cells while its thread makes the others, so they interrupt
 * allocations and frees of the same kind with the same flags.
 *
 * The module is written for the host's allocator, and is built for it, too. The
 * tables must be the same, except that memalloc permits more cells (see the
 * users of MATRIX_OURS). The kernel log must have no report by lockdep or
 * might_sleep().
 *
 * Context: task for exported functions.
 */
#include <linux/debugfs.h>
#include <linux/gfp.h>
#include <linux/glob.h>
#include <linux/module.h>
#include <linux/seq_file.h>
#include <linux/string.h>

#include "matrix.h"
#include "matrix_kinds.h"
#include "matrix_contexts.h"

static char *kinds = "*";
module_param(kinds, charp, 0444);
MODULE_PARM_DESC(kinds, "Glob of the names of kinds (default: all)");

#define MATRIX_CONTEXTS	ARRAY_SIZE(matrix_contexts)
#define MATRIX_KINDS	ARRAY_SIZE(matrix_kinds)

/* Ways to use a kind: flags, or free what a task has allocated */
#define MATRIX_MODES	ARRAY_SIZE(matrix_modes)
#define MATRIX_EXTRAS	ARRAY_SIZE(matrix_extras)
#define MATRIX_FREE_HERE (MATRIX_MODES * MATRIX_EXTRAS)
#define MATRIX_WAYS	(MATRIX_FREE_HERE + 1)

/* Results of a cell */
#define MATRIX_RAN	BIT(0)
#define MATRIX_NO_PIECE	BIT(1)
#define MATRIX_NOT_ZERO	BIT(2)
#define MATRIX_CHANGED	BIT(3)
#define MATRIX_TOO_FEW	BIT(4)
#define MATRIX_MISPLACED BIT(5)

static const struct matrix_mode {
	const char *name;
	gfp_t gfp;
} matrix_modes[] = {
	{ "GFP_KERNEL", GFP_KERNEL },
	{ "GFP_NOFS", GFP_NOFS },
	{ "GFP_NOIO", GFP_NOIO },
	{ "GFP_ATOMIC", GFP_ATOMIC },
	{ "GFP_NOWAIT", GFP_NOWAIT },
}, matrix_extras[] = {
	{ "", 0 },
	{ "|__GFP_ZERO", __GFP_ZERO },
	{ "|__GFP_NOWARN", __GFP_NOWARN },
};

static gfp_t matrix_gfp(unsigned int way)
{
	if (way == MATRIX_FREE_HERE)
		return GFP_KERNEL;
	return matrix_modes[way / MATRIX_EXTRAS].gfp | matrix_extras[way % MATRIX_EXTRAS].gfp;
}

/*
 * Rules
 *
 * From Documentation/core-api/memory-allocation.rst, gfp_mask-from-fs-io.rst,
 * Documentation/locking/locktypes.rst, and the comments of the functions.
 */

/*
 * May the caller take a spinlock? All allocators take some. On PREEMPT_RT they
 * sleep. Lockdep may enforce the rules of PREEMPT_RT under raw spinlocks.
 */
static bool matrix_may_spin(const struct matrix_context *context)
{
	if (context->is & MATRIX_RAW && IS_ENABLED(CONFIG_PROVE_RAW_LOCK_NESTING))
		return false;
	return !(IS_ENABLED(CONFIG_PREEMPT_RT) && context->is & MATRIX_PINNED);
}

/* May the caller enter reclaim with GFP_KERNEL? */
static bool matrix_may_reclaim(const struct matrix_context *context)
{
	return !(context->is & MATRIX_RECLAIM) || context->is & MATRIX_SCOPE;
}

/* The host's bulk functions for objects need interrupts. Ours need none. */
static bool matrix_has_interrupts(const struct matrix_kind *kind,
				  const struct matrix_context *context)
{
	return MATRIX_OURS || !(kind->is & MATRIX_IRQS_ON && context->is & MATRIX_IRQS_OFF);
}

/*
 * The host allocates per-CPU areas under a mutex, and others may enter reclaim
 * under it, unless the flags forbid to sleep. We do not wait for these.
 */
static bool matrix_has_no_mutex(const struct matrix_kind *kind,
				const struct matrix_context *context)
{
	return MATRIX_OURS || !(kind->is & MATRIX_MUTEX && context->is & MATRIX_RECLAIM);
}

static bool matrix_may_alloc(const struct matrix_kind *kind,
			     const struct matrix_context *context, gfp_t gfp)
{
	if (gfp & __GFP_ZERO && kind->is & MATRIX_NO_ZERO)
		return false;
	if (!gfpflags_allow_blocking(gfp) && kind->is & MATRIX_BLOCKING)
		return false;
	if (gfpflags_allow_blocking(gfp) &&
	    !(context->is & MATRIX_SLEEPS && matrix_has_no_mutex(kind, context)))
		return false;
	if (gfp & __GFP_FS && !matrix_may_reclaim(context))
		return false;
	return matrix_may_spin(context) && matrix_has_interrupts(kind, context);
}

static bool matrix_in_interrupt(const struct matrix_context *context)
{
	return context->is & MATRIX_BH ||
	       (context->is & MATRIX_HARDIRQ && !IS_ENABLED(CONFIG_PREEMPT_RT));
}

static bool matrix_may_free(const struct matrix_kind *kind, const struct matrix_context *context)
{
	if (kind->is & MATRIX_QUEUED)
		return true;
	if (kind->is & MATRIX_WAITS)
		return context->is & MATRIX_SLEEPS && matrix_may_reclaim(context);
	if (kind->is & MATRIX_VFREE)
		return context->is & MATRIX_SLEEPS || matrix_in_interrupt(context);
	return matrix_may_spin(context) && matrix_has_interrupts(kind, context);
}

static bool matrix_is_permitted(const struct matrix_use *use)
{
	if (use->way == MATRIX_FREE_HERE)
		return matrix_may_free(use->kind, use->context);
	return matrix_may_alloc(use->kind, use->context, matrix_gfp(use->way));
}

/*
 * Contents
 */

static u8 matrix_pattern(const struct matrix_use *use, unsigned int i)
{
	return (use->seed * 16 + i) | 1;
}

static void *matrix_bytes(const struct matrix_kind *kind, void *piece, unsigned int cpu)
{
	return kind->is & MATRIX_PERCPU ? per_cpu_ptr((void __percpu __force *)piece, cpu) : piece;
}

static void matrix_write(struct matrix_use *use, unsigned int i)
{
	const struct matrix_kind *kind = use->kind;
	unsigned int cpu;
	void *bytes;

	for_each_possible_cpu(cpu) {
		bytes = matrix_bytes(kind, use->pieces[i], cpu);
		memset(bytes, matrix_pattern(use, i), kind->size);
		*(void **)bytes = use->pieces[i];
		if (!(kind->is & MATRIX_PERCPU))
			break;
	}
}

/* Returns flags of the result. */
static u8 matrix_check(struct matrix_use *use, unsigned int i)
{
	const struct matrix_kind *kind = use->kind;
	unsigned int cpu;
	u8 result = 0;
	void *bytes;

	for_each_possible_cpu(cpu) {
		bytes = matrix_bytes(kind, use->pieces[i], cpu);
		if (*(void **)bytes != use->pieces[i] ||
		    memchr_inv(bytes + sizeof(void *), matrix_pattern(use, i),
			       kind->size - sizeof(void *)))
			result = MATRIX_CHANGED;
		if (!(kind->is & MATRIX_PERCPU))
			break;
	}
	return result;
}

static u8 matrix_check_new(struct matrix_use *use, unsigned int i, gfp_t gfp)
{
	const struct matrix_kind *kind = use->kind;
	unsigned int cpu;
	u8 result = 0;
	void *bytes;

	if (kind->usable && kind->usable(use->pieces[i]) < kind->size)
		result |= MATRIX_TOO_FEW;
	for_each_possible_cpu(cpu) {
		bytes = matrix_bytes(kind, use->pieces[i], cpu);
		if ((gfp & __GFP_ZERO || kind->is & MATRIX_ZEROED) &&
		    memchr_inv(bytes, 0, kind->size))
			result |= MATRIX_NOT_ZERO;
		if (kind->is & MATRIX_CTOR && memchr_inv(bytes, MATRIX_BUILT, kind->size))
			result |= MATRIX_CHANGED;
		if (!(kind->is & MATRIX_PERCPU))
			break;
	}
	return result;
}

/*
 * Cells
 */

static void matrix_alloc(struct matrix_use *use, gfp_t gfp)
{
	const struct matrix_kind *kind = use->kind;
	unsigned int nr = 0, i;

	memset(use->pieces, 0, sizeof(use->pieces));
	if (kind->alloc_bulk)
		nr = kind->alloc_bulk(gfp, kind->nr, use->pieces);
	else
		while (nr < kind->nr && (use->pieces[nr] = kind->alloc(gfp)))
			nr++;
	use->nr = nr;
	if (nr < kind->nr)
		*use->result |= MATRIX_NO_PIECE;
	for (i = 0; i < nr; i++) {
		*use->result |= matrix_check_new(use, i, gfp);
		matrix_write(use, i);
	}
}

static void matrix_free(struct matrix_use *use)
{
	const struct matrix_kind *kind = use->kind;
	unsigned int i;

	for (i = 0; i < use->nr; i++) {
		*use->result |= matrix_check(use, i);
		if (kind->is & MATRIX_CTOR)
			memset(use->pieces[i], MATRIX_BUILT, kind->size);
	}
	if (kind->free_bulk && use->nr)
		kind->free_bulk(use->nr, use->pieces);
	else
		for (i = 0; i < use->nr; i++)
			kind->free(use->pieces[i]);
	use->nr = 0;
}

/* Called in the context. */
static void matrix_act(struct matrix_use *use)
{
	*use->result |= MATRIX_RAN;
	if (!context_is_right(use->context->where))
		*use->result |= MATRIX_MISPLACED;
	if (use->way != MATRIX_FREE_HERE)
		matrix_alloc(use, matrix_gfp(use->way));
	if (matrix_may_free(use->kind, use->context))
		matrix_free(use);
}

/* Called in the thread before the context is entered. */
static void matrix_begin(struct matrix_use *use)
{
	if (use->way == MATRIX_FREE_HERE && matrix_is_permitted(use))
		matrix_alloc(use, matrix_gfp(use->way));
}

/*
 * CPUs
 *
 * Each round of contexts_run() makes one way of one kind, in all contexts.
 */

/**
 * struct matrix_cpu - the table of a CPU
 * @next: number of rounds so far
 * @uses: the cells of this round
 * @results: flags of the result of each cell
 */
struct matrix_cpu {
	unsigned int next;
	struct matrix_use uses[MATRIX_CONTEXTS];
	u8 results[MATRIX_CONTEXTS][MATRIX_KINDS][MATRIX_WAYS];
};

static struct matrix_cpu *matrix_cpus;

/* Kinds that the parameter selects. */
static unsigned int matrix_chosen[MATRIX_KINDS], matrix_nr_chosen;

static void matrix_choose(void)
{
	unsigned int kind;

	for (kind = 0; kind < MATRIX_KINDS; kind++)
		if (glob_match(kinds, matrix_kinds[kind].name))
			matrix_chosen[matrix_nr_chosen++] = kind;
}

static void matrix_begin_round(unsigned int cpu)
{
	struct matrix_cpu *own = &matrix_cpus[cpu];
	unsigned int kind = matrix_chosen[own->next / MATRIX_WAYS];
	unsigned int way = own->next % MATRIX_WAYS, i;
	struct matrix_use *use;

	for (i = 0; i < MATRIX_CONTEXTS; i++) {
		use = &own->uses[i];
		use->context = &matrix_contexts[i];
		use->kind = &matrix_kinds[kind];
		use->way = way;
		use->seed = cpu * MATRIX_CONTEXTS + i;
		use->result = &own->results[i][kind][way];
		matrix_begin(use);
	}
	own->next++;
}

static void matrix_run(unsigned int cpu, enum context where)
{
	struct matrix_cpu *own = &matrix_cpus[cpu];
	struct matrix_use *use;

	for (use = own->uses; use < own->uses + MATRIX_CONTEXTS; use++)
		if (use->context->where == where && matrix_is_permitted(use))
			use->context->enter(use);
}

/* Free the pieces that their contexts may not free. */
static void matrix_end_round(unsigned int cpu)
{
	unsigned int i;

	for (i = 0; i < MATRIX_CONTEXTS; i++)
		matrix_free(&matrix_cpus[cpu].uses[i]);
}

static int matrix_run_all(void)
{
	static const struct context_ops ops = {
		.begin = matrix_begin_round,
		.run = matrix_run,
		.end = matrix_end_round,
	};

	matrix_choose();
	return contexts_run(&ops, matrix_nr_chosen * MATRIX_WAYS);
}

/*
 * Table
 */

/* Flags of any CPU. */
static u8 matrix_result(unsigned int context, unsigned int kind, unsigned int way)
{
	unsigned int cpu;
	u8 result = 0;

	for (cpu = 0; cpu < nr_cpu_ids; cpu++)
		result |= matrix_cpus[cpu].results[context][kind][way];
	return result;
}

static void matrix_show_word(struct seq_file *seq, bool applies, bool failed, const char *word)
{
	if (applies)
		seq_printf(seq, " %s%s", failed ? "NOT " : "", word);
	else
		seq_puts(seq, " -");
}

static void matrix_show_cell(struct seq_file *seq, const struct matrix_context *context,
			     const struct matrix_kind *kind, unsigned int way, u8 result)
{
	bool allocates = way != MATRIX_FREE_HERE;
	bool zeroes = matrix_gfp(way) & __GFP_ZERO || kind->is & MATRIX_ZEROED;

	seq_printf(seq, "%s %s ", context->name, kind->name);
	if (allocates)
		seq_printf(seq, "%s%s", matrix_modes[way / MATRIX_EXTRAS].name,
			   matrix_extras[way % MATRIX_EXTRAS].name);
	else
		seq_puts(seq, "free");
	matrix_show_word(seq, allocates && !(kind->is & MATRIX_MAY_FAIL),
			 result & MATRIX_NO_PIECE, "allocated");
	matrix_show_word(seq, allocates && zeroes, result & MATRIX_NOT_ZERO, "zeroed");
	matrix_show_word(seq, true, result & MATRIX_CHANGED, "intact");
	matrix_show_word(seq, allocates && kind->usable, result & MATRIX_TOO_FEW, "usable");
	matrix_show_word(seq, matrix_may_free(kind, context), false, "freed");
	matrix_show_word(seq, result & MATRIX_MISPLACED, true, "in the context");
	seq_putc(seq, '\n');
}

static int matrix_show(struct seq_file *seq, void *data)
{
	unsigned int context, kind, way;
	u8 result;

	for (context = 0; context < MATRIX_CONTEXTS; context++)
		for (kind = 0; kind < MATRIX_KINDS; kind++)
			for (way = 0; way < MATRIX_WAYS; way++) {
				result = matrix_result(context, kind, way);
				if (result & MATRIX_RAN)
					matrix_show_cell(seq, &matrix_contexts[context],
							 &matrix_kinds[kind], way, result);
			}
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(matrix);

static struct dentry *matrix_dentry;

static int __init matrix_init(void)
{
	int err = matrix_init_kinds();

	if (err)
		return err;
	err = -ENOMEM;
	matrix_cpus = vzalloc(array_size(nr_cpu_ids, sizeof(*matrix_cpus)));
	if (matrix_cpus)
		err = matrix_run_all();
	if (err) {
		vfree(matrix_cpus);
		matrix_exit_kinds();
		return err;
	}
	matrix_dentry = debugfs_create_file(KBUILD_MODNAME, 0444, NULL, NULL, &matrix_fops);
	return 0;
}

static void __exit matrix_exit(void)
{
	debugfs_remove(matrix_dentry);
	vfree(matrix_cpus);
	matrix_exit_kinds();
}

module_init(matrix_init);
module_exit(matrix_exit);

MODULE_DESCRIPTION("Allocates and frees memory of every kind in every context");
MODULE_LICENSE("GPL");
#ifndef MATRIX_HOST
MAL_IMPORT();
#endif

/* An object file belongs to one module, and this one is built twice. */
#include "contexts.c"
