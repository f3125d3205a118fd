/* SPDX-License-Identifier: GPL-2.0 */
/*
 * node.h: the nodes and their zones
 */
#ifndef _MAL_NODE_H
#define _MAL_NODE_H

#include <linux/mm.h>
#include <linux/percpu.h>
#include <linux/preempt.h>

#include <asm/local.h>

#include <uapi/linux/memalloc.h>

#include "internal/buddy.h"

struct seq_file;

/**
 * struct mal_zone_counters - events in a zone on one CPU
 * @allocs: allocations by order, except those from the CPU's lists
 * @frees: frees by order, except those to the CPU's lists
 * @failures: failed allocations by order
 */
struct mal_zone_counters {
	local_t allocs[MAL_NR_ORDERS];
	local_t frees[MAL_NR_ORDERS];
	local_t failures[MAL_NR_ORDERS];
};

/**
 * struct mal_node - the zones of a NUMA node
 * @zones: the zones
 * @counters: counters of each zone
 * @fallback: all possible nodes, in the order of their distance to this one
 */
struct mal_node {
	struct mal_zone zones[MEMALLOC_NR_ZONES];
	struct mal_zone_counters __percpu *counters[MEMALLOC_NR_ZONES];
	int *fallback;
};

extern struct mal_node *mal_nodes[MAX_NUMNODES];
extern int mal_nr_nodes;

/* Lowest zone for requests that name none: DMA memory is usually scarce. */
extern enum memalloc_zone mal_plain_lowest;

extern const enum memalloc_zone mal_zone_types[MAX_NR_ZONES];

/**
 * mal_zone_of_page() - the zone that a page belongs to
 * @page: a page of the host
 *
 * Context: any.
 * Return: our zone that corresponds to the host's.
 */
static inline struct mal_zone *mal_zone_of_page(const struct page *page)
{
	return &mal_nodes[page_to_nid(page)]->zones[mal_zone_types[page_zonenum(page)]];
}

/*
 * Count an event in a zone: allocs, frees or failures. On architectures without
 * a suitable instruction this_cpu_inc() disables interrupts.
 */
#define mal_zone_count_one(zone, what, order)				\
do {									\
	struct mal_zone_counters *counters_;				\
									\
	preempt_disable();						\
	counters_ = this_cpu_ptr(mal_nodes[(zone)->nid]->counters[(zone)->type]); \
	local_inc(&counters_->what[order]);				\
	preempt_enable();						\
} while (0)

unsigned int mal_zone_count(void);
bool mal_zone_stats(unsigned int index, struct memalloc_stats_zone *stats);
void mal_zone_show(struct seq_file *m);
unsigned long mal_free_total(void);
void mal_zones_validate(struct mal_tally *tally);

int mal_nodes_create(void);
void mal_nodes_destroy(void);

bool mal_node_in_cpuset(int nid);
int mal_node_nearest_in_cpuset(int nid);

#endif /* _MAL_NODE_H */
