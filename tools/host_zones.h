/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Which zones the host's own allocator has
 */
#ifndef HOST_ZONES_H
#define HOST_ZONES_H

#include <stdbool.h>

/**
 * struct host_zones - what there is
 * @known: it could be found out
 * @dma: there is memory in zone DMA
 * @dma32: there is memory in zone DMA32
 * @normal: there is memory in zone Normal
 * @nodes: NUMA nodes with memory
 */
struct host_zones {
	bool known;
	bool dma;
	bool dma32;
	bool normal;
	unsigned int nodes;
};

/**
 * host_zones_read() - find out
 * @zones: where the answer goes
 *
 * A zone counts if the host's allocator manages memory in it: a kernel lists
 * zones in which this machine has none, too.
 */
void host_zones_read(struct host_zones *zones);

#endif /* HOST_ZONES_H */
