/* SPDX-License-Identifier: GPL-2.0 */
/*
 * memalloc/percpu_var.h: per-CPU variables of a driver, for in-kernel callers
 *
 * A variable is defined at file scope, as with the kernel's DEFINE_PER_CPU(),
 * with an initial value or without one:
 *
 *	static MAL_DEFINE_PER_CPU(struct counts, counts) = { .limit = 10 };
 *
 *	mal_get_cpu_var(counts).used++;
 *	mal_put_cpu_var(counts);
 *	sum += mal_per_cpu(counts, cpu).used;
 *
 * The variable is an area of memalloc/percpu.h. It exists, with its value on
 * each possible CPU, before the first function of the driver's module runs, and
 * until the last one has returned. If there is no memory, the module is not
 * loaded. The differences from the kernel's:
 *
 * - The areas count for the cap, and are in the section "percpu" of
 *   /proc/memalloc. They take nothing from the memory that the kernel reserves
 *   for the variables of all modules (8 KiB with usual configurations).
 * - A variable has up to MAL_PERCPU_MAX_SIZE bytes.
 * - The name is a pointer to the area, which each access loads. So the address
 *   is no constant, and the name is an argument of the macros below only.
 *   Others take "*name", for example this_cpu_inc(*name). In a declaration or
 *   as an exported symbol, the variable has the prefix mal_percpu_.
 * - Only a module can define a variable.
 *
 * mal_per_cpu(), mal_get_cpu_var() and mal_put_cpu_var() take variables of the
 * kernel, too. The compiler tells them apart: a pointer that is volatile itself
 * is ours.
 */
#ifndef _MEMALLOC_PERCPU_VAR_H
#define _MEMALLOC_PERCPU_VAR_H

#include <linux/build_bug.h>
#include <linux/cache.h>
#include <linux/compiler.h>
#include <linux/export.h>
#include <linux/moduleparam.h>
#include <linux/percpu.h>
#include <linux/preempt.h>
#include <linux/stringify.h>
#include <linux/types.h>

#include <memalloc/percpu.h>

/**
 * struct mal_percpu_var - definition of a variable
 * @name: its name
 * @area: the pointer to its area
 * @image: its initial value
 * @size: its size in bytes
 * @align: its alignment in bytes
 */
struct mal_percpu_var {
	const char *name;
	void __percpu *volatile *area;
	const void *image;
	size_t size;
	size_t align;
};

/* Marks an entry of a module's parameters as a definition. */
extern const struct kernel_param_ops mal_percpu_var_ops;

/* kmemleak does not scan the pointers that the loader write-protects. */
#ifdef CONFIG_DEBUG_KMEMLEAK
#define __mal_percpu_var	__read_mostly
#else
#define __mal_percpu_var	__ro_after_init
#endif

/*
 * The symbol of a variable. A declaration of a variable of the kernel by
 * MAL_DECLARE_PER_CPU() is therefore an error of the linker.
 */
#define MAL_PERCPU_SYMBOL(var)	__asm__("mal_percpu_" __stringify(var))

/**
 * MAL_DEFINE_PER_CPU() - define a per-CPU variable
 * @type: type of the variable
 * @var: its name
 *
 * At file scope; "static" may precede it, and "= VALUE" may follow it.
 */
#define MAL_DEFINE_PER_CPU(type, var)					\
	__typeof__(type) __percpu *volatile var				\
		MAL_PERCPU_SYMBOL(var) __mal_percpu_var;		\
	static __typeof__(type) mal_image_##var;			\
	static const struct mal_percpu_var mal_define_##var = {		\
		.name = #var,						\
		.area = (void __percpu *volatile *)&var,		\
		.image = &mal_image_##var,				\
		.size = sizeof(__typeof__(type)),			\
		.align = __alignof__(__typeof__(type)),			\
	};								\
	static_assert(sizeof(__typeof__(type)) <= MAL_PERCPU_MAX_SIZE);	\
	__module_param_call(, mal_percpu_##var, &mal_percpu_var_ops,	\
			    (void *)&mal_define_##var, 0, -1, 0);	\
	static __typeof__(type) mal_image_##var

/**
 * MAL_DECLARE_PER_CPU() - declare a per-CPU variable of another file
 * @type: type of the variable
 * @var: its name
 */
#define MAL_DECLARE_PER_CPU(type, var)					\
	extern __typeof__(type) __percpu *volatile var			\
		MAL_PERCPU_SYMBOL(var)

/**
 * MAL_EXPORT_PER_CPU_SYMBOL() - export a per-CPU variable to other modules
 * @var: its name
 */
#define MAL_EXPORT_PER_CPU_SYMBOL(var)					\
	extern __typeof__(var) mal_percpu_##var;			\
	EXPORT_SYMBOL(mal_percpu_##var)

/**
 * MAL_EXPORT_PER_CPU_SYMBOL_GPL() - export a per-CPU variable to GPL modules
 * @var: its name
 */
#define MAL_EXPORT_PER_CPU_SYMBOL_GPL(var)				\
	extern __typeof__(var) mal_percpu_##var;			\
	EXPORT_SYMBOL_GPL(mal_percpu_##var)

/* Is a variable a pointer? A constant. Sparse tells them by address space. */
#ifdef __CHECKER__
#define MAL_PERCPU_IS_POINTER(var)	(sizeof(var) != 0)
#else
#define MAL_PERCPU_IS_POINTER(var)	(__builtin_classify_type(var) == 5)
#endif

/* Is a variable ours? A constant. */
#define MAL_PERCPU_IS_OURS(var)						\
	(MAL_PERCPU_IS_POINTER(var) &&					\
	 __builtin_types_compatible_p(__typeof__(&(var)),		\
				      volatile __typeof__(var) *))

/* The __percpu address of a variable of ours, or of the kernel. */
#define MAL_PERCPU_ADDRESS(var)						\
	__builtin_choose_expr(MAL_PERCPU_IS_OURS(var), (var), &(var))

/**
 * mal_per_cpu() - get the variable of a CPU
 * @var: a per-CPU variable of ours or of the kernel
 * @cpu: number of a possible CPU
 *
 * Context: any.
 * Return: the variable, an lvalue.
 */
#define mal_per_cpu(var, cpu)	(*per_cpu_ptr(MAL_PERCPU_ADDRESS(var), cpu))

/**
 * mal_get_cpu_var() - disable preemption, and get the variable of this CPU
 * @var: a per-CPU variable of ours or of the kernel
 *
 * Context: any.
 * Return: the variable, an lvalue; valid until mal_put_cpu_var().
 */
#define mal_get_cpu_var(var)						\
(*({									\
	preempt_disable();						\
	this_cpu_ptr(MAL_PERCPU_ADDRESS(var));				\
}))

/**
 * mal_put_cpu_var() - undo mal_get_cpu_var()
 * @var: as for mal_get_cpu_var()
 *
 * Context: any.
 */
#define mal_put_cpu_var(var)	put_cpu_var(var)

#endif /* _MEMALLOC_PERCPU_VAR_H */
