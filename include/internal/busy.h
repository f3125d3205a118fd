/* SPDX-License-Identifier: GPL-2.0 */
/*
 * busy.h: data of a CPU that only this CPU uses, without a lock
 *
 * A context sets the busy flag while it uses the data, with preemption off. A
 * handler that interrupts it finds the flag set and does without the data. A
 * handler leaves the flag as it found it, so testing and setting need not be
 * atomic, and interrupts stay enabled. local_trylock() in Linux 6.15 uses the
 * same method.
 *
 * Another CPU does not touch the data. It sends an IPI, and the handler hands
 * the data over, unless the flag is set; then the sender retries.
 *
 * Context: any, including NMI.
 */
#ifndef _MAL_BUSY_H
#define _MAL_BUSY_H

#include <linux/compiler.h>
#include <linux/smp.h>
#include <linux/types.h>

#include "internal/delay.h"

/**
 * mal_busy_enter() - start to use data of this CPU
 * @busy: the flag in the data
 *
 * Context: any; preemption is off until mal_busy_leave().
 * Return: false if this context has interrupted code that uses the data.
 */
static __always_inline bool mal_busy_enter(bool *busy)
{
	/* An interrupt handler leaves the flag as it found it. */
	if (unlikely(data_race(*busy)))
		return false;
	WRITE_ONCE(*busy, true);
	barrier();
	return true;
}

/**
 * mal_busy_leave() - stop using data of this CPU
 * @busy: the flag in the data
 *
 * Context: as for mal_busy_enter().
 */
static __always_inline void mal_busy_leave(bool *busy)
{
	barrier();
	WRITE_ONCE(*busy, false);
	barrier();
}

/**
 * mal_busy_call() - run a function on a CPU when it is not using its data
 * @cpu: the CPU
 * @func: called in an IPI; sets *@busy to whether the data was in use
 * @data: argument of @func
 * @busy: in @data
 *
 * Context: task, interrupts enabled; waits for the CPU, but not for any task
 * on it.
 * Return: false if the CPU is offline. The task that unplugs it handles its
 * data.
 */
static inline bool mal_busy_call(int cpu, smp_call_func_t func, void *data,
				 const bool *busy)
{
	for (;;) {
		if (smp_call_function_single(cpu, func, data, 1))
			return false;
		if (!*busy)
			return true;
		mal_delay(MAL_DELAY_CPU_CALL);
	}
}

#endif /* _MAL_BUSY_H */
