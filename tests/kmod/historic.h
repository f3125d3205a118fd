/* SPDX-License-Identifier: GPL-2.0 */
/*
 * historic.h: what the driver shares with another module
 */
#ifndef _HISTORIC_H
#define _HISTORIC_H

#include <linux/percpu.h>

/* Initial value of hist_counts.limit, and of each element of hist_levels */
#define HIST_LIMIT	0x4c696d69UL
#define HIST_LEVEL	7
#define HIST_LEVELS	5

/**
 * struct hist_counts - what a CPU has done
 * @limit: a constant
 * @sets: sets allocated
 * @quanta: quanta allocated
 * @visits: calls of the function that visits each CPU
 * @peers: modules that have found the variable
 */
struct hist_counts {
	unsigned long limit;
	unsigned long sets;
	unsigned long quanta;
	unsigned long visits;
	unsigned long peers;
};

DECLARE_PER_CPU(struct hist_counts, hist_counts);
DECLARE_PER_CPU(int[HIST_LEVELS], hist_levels);

#endif /* _HISTORIC_H */
