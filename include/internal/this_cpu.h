/* SPDX-License-Identifier: GPL-2.0 */
/*
 * this_cpu.h: the address space of this CPU's data
 *
 * this_cpu_ptr() adds the CPU's offset to a pointer. On x86-64 the offset is
 * the base of a segment, which an instruction can add to each address by
 * itself. The compiler knows the segment as an address space: a pointer to
 * __mal_this_cpu data is used like any other pointer, with preemption off.
 *
 * With sanitizers the data is in the ordinary address space, so that they see
 * the accesses.
 */
#ifndef _MAL_THIS_CPU_H
#define _MAL_THIS_CPU_H

#include <linux/compiler.h>
#include <linux/percpu.h>

#if defined(CONFIG_X86_64) && defined(CONFIG_SMP) && defined(__SEG_GS) && \
	defined(__percpu_seg) && !defined(CONFIG_KASAN) && \
	!defined(CONFIG_KCSAN) && !defined(__CHECKER__)
#define MAL_THIS_CPU_SEGMENT
#define __mal_this_cpu	__seg_gs
#else
#define __mal_this_cpu
#endif

/* WRITE_ONCE() cannot be used in another address space. */
#ifdef MAL_THIS_CPU_SEGMENT
#define mal_this_cpu_write(variable, value)	((variable) = (value))
#else
#define mal_this_cpu_write(variable, value)	WRITE_ONCE(variable, value)
#endif

#endif /* _MAL_THIS_CPU_H */
