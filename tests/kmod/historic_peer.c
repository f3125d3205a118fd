// SPDX-License-Identifier: GPL-2.0
/*
 * A module that uses the per-CPU variables of another one
 *
 * Loading succeeds if the variables have their values on each CPU. The module
 * then counts itself in one of them.
 */
#include <linux/cpumask.h>
#include <linux/module.h>

#include "historic.h"

static bool __init peer_finds(int cpu)
{
	int i;

	for (i = 0; i < HIST_LEVELS; i++)
		if (per_cpu(hist_levels, cpu)[i] != HIST_LEVEL + i)
			return false;
	return per_cpu(hist_counts, cpu).limit == HIST_LIMIT;
}

static int __init peer_init(void)
{
	int cpu;

	for_each_possible_cpu(cpu)
		if (!peer_finds(cpu))
			return -EIO;
	get_cpu_var(hist_counts).peers++;
	put_cpu_var(hist_counts);
	return 0;
}

static void __exit peer_exit(void)
{
}

module_init(peer_init);
module_exit(peer_exit);

MODULE_DESCRIPTION("Uses the per-CPU variables of another module");
MODULE_LICENSE("GPL");
