// SPDX-License-Identifier: GPL-2.0
/*
 * Nodes: the zones of each NUMA node, and their statistics
 *
 * Each NUMA node has up to three zones, DMA, DMA32 and NORMAL, like the host. A
 * borrowed page belongs to our zone that corresponds to its zone of the host.
 * High memory is never borrowed. An allocation may be served by the zone that
 * its flags name and by the zones below it, on the nodes in the order of their
 * distance.
 *
 * All possible nodes are set up at load, whether or not they have memory yet.
 *
 * Statistics. Events that the lists of the CPUs do not count (pcp.c) are
 * counted here, per CPU. A value is exact once there is no concurrent use.
 *
 * Locking: only the counters change after load; a zone has its own lock
 * (buddy.c).
 *
 * Context: any but NMI, unless noted otherwise.
 */
#include <linux/cpuset.h>
#include <linux/kernel.h>
#include <linux/math64.h>
#include <linux/mm.h>
#include <linux/mmzone.h>
#include <linux/nodemask.h>
#include <linux/percpu.h>
#include <linux/preempt.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include <linux/topology.h>

#include <uapi/linux/memalloc.h>

#include "internal/buddy.h"
#include "internal/kunit.h"
#include "internal/node.h"
#include "internal/pcp.h"
#include "internal/peek.h"
#include "internal/tally.h"

static_assert(MAL_MAX_ORDER == MEMALLOC_MAX_ORDER);

struct mal_node *mal_nodes[MAX_NUMNODES];
int mal_nr_nodes;
enum memalloc_zone mal_plain_lowest __ro_after_init;

/* Our zone for each zone of the host. */
const enum memalloc_zone mal_zone_types[MAX_NR_ZONES] = {
#ifdef CONFIG_ZONE_DMA
	[ZONE_DMA] = MEMALLOC_ZONE_DMA,
#endif
#ifdef CONFIG_ZONE_DMA32
	[ZONE_DMA32] = MEMALLOC_ZONE_DMA32,
#endif
	[ZONE_NORMAL] = MEMALLOC_ZONE_NORMAL,
#ifdef CONFIG_HIGHMEM
	[ZONE_HIGHMEM] = MEMALLOC_ZONE_NORMAL,
#endif
	[ZONE_MOVABLE] = MEMALLOC_ZONE_NORMAL,
};

static const char * const mal_zone_names[MEMALLOC_NR_ZONES] = {
	[MEMALLOC_ZONE_DMA] = "DMA",
	[MEMALLOC_ZONE_DMA32] = "DMA32",
	[MEMALLOC_ZONE_NORMAL] = "NORMAL",
};

/*
 * Statistics
 */

static void mal_zone_count_up(const struct mal_zone *zone,
			      struct memalloc_stats_zone *stats)
{
	unsigned int order;
	int cpu;

	for_each_possible_cpu(cpu) {
		const struct mal_zone_counters *counters =
			per_cpu_ptr(mal_nodes[zone->nid]->counters[zone->type], cpu);

		for (order = 0; order < MAL_NR_ORDERS; order++) {
			stats->allocs[order] += local_read(&counters->allocs[order]);
			stats->frees[order] += local_read(&counters->frees[order]);
			stats->failures[order] += local_read(&counters->failures[order]);
		}
	}
}

static void mal_zone_fill_stats(struct mal_zone *zone,
				struct memalloc_stats_zone *stats)
{
	unsigned int order;
	unsigned long flags;

	*stats = (struct memalloc_stats_zone) {
		.node = zone->nid,
		.zone = zone->type,
	};
	spin_lock_irqsave(&zone->lock, flags);
	stats->pages = zone->pages;
	stats->free = zone->free_pages;
	stats->watermark_min = zone->reserve;
	stats->watermark_low = mal_zone_low(zone);
	stats->watermark_high = mal_zone_high(zone);
	for (order = 0; order < MAL_NR_ORDERS; order++)
		stats->free_blocks[order] = zone->blocks[order];
	spin_unlock_irqrestore(&zone->lock, flags);
	mal_zone_count_up(zone, stats);
	mal_pcp_stats(stats);
}

/* Zones that never had a page are not shown. */
static struct mal_zone *mal_zone_by_index(unsigned int index)
{
	int nid, type;

	for_each_node(nid)
		for (type = 0; type < MEMALLOC_NR_ZONES; type++) {
			struct mal_zone *zone = &mal_nodes[nid]->zones[type];

			if (mal_peek(zone->used) && !index--)
				return zone;
		}
	return NULL;
}

/**
 * mal_zone_count() - number of zones that have or had pages
 *
 * Context: any.
 * Return: the number.
 */
unsigned int mal_zone_count(void)
{
	unsigned int count = 0;

	while (mal_zone_by_index(count))
		count++;
	return count;
}

/**
 * mal_zone_stats() - read the statistics of a zone
 * @index: index of the zone, less than mal_zone_count()
 * @stats: filled in
 *
 * Context: any but NMI.
 * Return: false if there is no such zone.
 */
bool mal_zone_stats(unsigned int index, struct memalloc_stats_zone *stats)
{
	struct mal_zone *zone = mal_zone_by_index(index);

	if (zone)
		mal_zone_fill_stats(zone, stats);
	return zone;
}
MAL_EXPORT_FOR_KUNIT(mal_zone_stats);

static void mal_orders_show(struct seq_file *m, const char *name,
			    const __u64 *values)
{
	unsigned int order;

	seq_printf(m, "%-12s", name);
	for (order = 0; order < MAL_NR_ORDERS; order++)
		seq_printf(m, " %8llu", values[order]);
	seq_putc(m, '\n');
}

/*
 * Fraction of the free memory in blocks too small for an order, in thousandths:
 * the host's unusable free space index (Gorman, 2006).
 */
static void mal_fragmentation(const struct memalloc_stats_zone *stats,
			      __u64 *unusable)
{
	u64 small = 0;
	unsigned int order;

	for (order = 0; order < MAL_NR_ORDERS; order++) {
		unusable[order] = stats->free ?
				  div64_u64(small * 1000, stats->free) : 0;
		small += stats->free_blocks[order] << order;
	}
}

static void mal_zone_show_one(struct seq_file *m,
			      const struct memalloc_stats_zone *stats)
{
	static const __u64 orders[MAL_NR_ORDERS] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 };
	__u64 unusable[MAL_NR_ORDERS];

	seq_printf(m, "\n[zone %d %s]\n", stats->node, mal_zone_names[stats->zone]);
	seq_printf(m, "%-20s %llu\n", "pages", stats->pages);
	seq_printf(m, "%-20s %llu\n", "free", stats->free);
	seq_printf(m, "%-20s %llu\n", "watermark_min", stats->watermark_min);
	seq_printf(m, "%-20s %llu\n", "watermark_low", stats->watermark_low);
	seq_printf(m, "%-20s %llu\n", "watermark_high", stats->watermark_high);
	mal_orders_show(m, "order", orders);
	mal_orders_show(m, "free_blocks", stats->free_blocks);
	mal_orders_show(m, "pcp_blocks", stats->pcp_blocks);
	mal_orders_show(m, "allocs", stats->allocs);
	mal_orders_show(m, "frees", stats->frees);
	mal_orders_show(m, "failures", stats->failures);
	mal_fragmentation(stats, unusable);
	mal_orders_show(m, "unusable", unusable);
}

/**
 * mal_zone_show() - print a section "zone" for each zone
 * @m: /proc/memalloc
 *
 * Context: task.
 */
void mal_zone_show(struct seq_file *m)
{
	struct memalloc_stats_zone stats;
	unsigned int index;

	for (index = 0; mal_zone_stats(index, &stats); index++)
		mal_zone_show_one(m, &stats);
}

/**
 * mal_free_total() - free pages in all zones and on the lists of all CPUs
 *
 * Context: any.
 * Return: number of pages.
 */
unsigned long mal_free_total(void)
{
	unsigned long free = mal_pcp_pages(NUMA_NO_NODE);
	int nid, type;

	for_each_node(nid)
		for (type = 0; type < MEMALLOC_NR_ZONES; type++)
			free += mal_peek(mal_nodes[nid]->zones[type].free_pages);
	return free;
}

/**
 * mal_zones_validate() - check every invariant of every zone
 * @tally: the result is added here
 *
 * Context: task; sleeps.
 */
void mal_zones_validate(struct mal_tally *tally)
{
	int nid, type;

	for_each_node(nid)
		for (type = 0; type < MEMALLOC_NR_ZONES; type++)
			mal_zone_validate(&mal_nodes[nid]->zones[type], tally);
}

/*
 * Load and unload
 */

/* A node is nearest to itself, regardless of the firmware's table. */
static int mal_distance(int from, int to)
{
	return from == to ? -1 : node_distance(from, to);
}

static int mal_compare_distance(const void *a, const void *b, const void *nid)
{
	int from = *(const int *)nid;

	return mal_distance(from, *(const int *)a) -
	       mal_distance(from, *(const int *)b);
}

static int *mal_fallback_create(int nid)
{
	int *fallback = kcalloc(mal_nr_nodes, sizeof(*fallback), GFP_KERNEL);
	int other, i = 0;

	if (!fallback)
		return NULL;
	for_each_node(other)
		fallback[i++] = other;
	sort_r(fallback, mal_nr_nodes, sizeof(*fallback), mal_compare_distance,
	       NULL, &nid);
	return fallback;
}

static void mal_node_destroy(struct mal_node *node)
{
	int type;

	if (!node)
		return;
	for (type = 0; type < MEMALLOC_NR_ZONES; type++)
		free_percpu(node->counters[type]);
	kfree(node->fallback);
	kfree(node);
}

static struct mal_node *mal_node_create(int nid)
{
	struct mal_node *node;
	int type;

	node = kzalloc_node(sizeof(*node), GFP_KERNEL,
			    node_online(nid) ? nid : NUMA_NO_NODE);
	if (!node)
		return NULL;
	node->fallback = mal_fallback_create(nid);
	if (!node->fallback)
		goto err;
	for (type = 0; type < MEMALLOC_NR_ZONES; type++) {
		mal_zone_init(&node->zones[type], nid, type);
		node->counters[type] = alloc_percpu(struct mal_zone_counters);
		if (!node->counters[type])
			goto err;
	}
	return node;

err:
	mal_node_destroy(node);
	return NULL;
}

/**
 * mal_node_in_cpuset() - may the current task allocate from a node?
 * @nid: the node
 *
 * Context: any. Outside of task context cpusets are ignored.
 * Return: true if the task's cpuset allows it.
 */
bool mal_node_in_cpuset(int nid)
{
	return !in_task() || node_isset(nid, cpuset_current_mems_allowed);
}

/**
 * mal_node_nearest_in_cpuset() - the nearest node that the task may allocate
 * from
 * @nid: the preferred node
 *
 * Context: any.
 * Return: the node; @nid if the cpuset allows it, or allows no node at all.
 */
int mal_node_nearest_in_cpuset(int nid)
{
	const int *fallback = mal_nodes[nid]->fallback;
	int i;

	for (i = 0; i < mal_nr_nodes; i++)
		if (mal_node_in_cpuset(fallback[i]))
			return fallback[i];
	return nid;
}

/**
 * mal_nodes_destroy() - undo mal_nodes_create()
 *
 * Context: task.
 */
void mal_nodes_destroy(void)
{
	int nid;

	for_each_node(nid) {
		mal_node_destroy(mal_nodes[nid]);
		mal_nodes[nid] = NULL;
	}
}

/*
 * Does the host have memory above its zone DMA? On some machines zone DMA is
 * all of the memory.
 */
static bool mal_dma_is_scarce(void)
{
	int nid, type;

	for_each_online_node(nid)
		for (type = 0; type <= ZONE_NORMAL; type++)
			if (mal_zone_types[type] != MEMALLOC_ZONE_DMA &&
			    populated_zone(&NODE_DATA(nid)->node_zones[type]))
				return true;
	return false;
}

/**
 * mal_nodes_create() - set up the empty zones of all nodes
 *
 * Context: task; sleeps.
 * Return: 0, or -ENOMEM.
 */
int mal_nodes_create(void)
{
	int nid;

	mal_nr_nodes = num_possible_nodes();
	mal_plain_lowest = mal_dma_is_scarce() ? MEMALLOC_ZONE_DMA32 :
						 MEMALLOC_ZONE_DMA;
	for_each_node(nid) {
		mal_nodes[nid] = mal_node_create(nid);
		if (!mal_nodes[nid])
			goto err;
	}
	return 0;

err:
	mal_nodes_destroy();
	return -ENOMEM;
}
