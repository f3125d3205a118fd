// SPDX-License-Identifier: GPL-2.0
/*
 * Which zones the host's own allocator has, from /proc/zoneinfo
 *
 *	Node 0, zone      DMA
 *	  ...
 *	        managed  3840
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host_zones.h"

/**
 * struct place - the zone whose lines are being read
 * @node: its node
 * @name: its name
 */
struct place {
	unsigned int node;
	char name[16];
};

static void note(struct host_zones *zones, const struct place *place,
		 unsigned int *last_node)
{
	if (!strcmp(place->name, "DMA"))
		zones->dma = true;
	else if (!strcmp(place->name, "DMA32"))
		zones->dma32 = true;
	else if (!strcmp(place->name, "Normal"))
		zones->normal = true;
	/* The zones of a node follow each other. */
	if (!zones->nodes || place->node != *last_node)
		zones->nodes++;
	*last_node = place->node;
}

void host_zones_read(struct host_zones *zones)
{
	FILE *file = fopen("/proc/zoneinfo", "re");
	unsigned int last_node = 0;
	struct place place = { 0 };
	unsigned long managed;
	char line[256];

	memset(zones, 0, sizeof(*zones));
	if (!file)
		return;
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "Node %u, zone %15s", &place.node,
			   place.name) == 2)
			continue;
		if (sscanf(line, " managed %lu", &managed) == 1 && managed)
			note(zones, &place, &last_node);
	}
	zones->known = zones->nodes;
	fclose(file);
}
