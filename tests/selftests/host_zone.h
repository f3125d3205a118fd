/* SPDX-License-Identifier: GPL-2.0 */
/*
 * host_zone.h: zones of the kernel that runs the tests
 */
#ifndef HOST_ZONE_H
#define HOST_ZONE_H

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* Does the host have memory in a zone of that name? */
static inline bool host_has_zone(const char *name)
{
	FILE *file = fopen("/proc/zoneinfo", "r");
	char line[256], zone[32] = "";
	unsigned long pages;
	bool found = false;

	if (!file)
		return false;
	while (!found && fgets(line, sizeof(line), file)) {
		sscanf(line, "Node %*d, zone %31s", zone);
		if (sscanf(line, " managed %lu", &pages) == 1)
			found = pages && !strcmp(zone, name);
	}
	fclose(file);
	return found;
}

/* Free pages in the host's zones of that name, on all nodes. */
static inline unsigned long host_zone_free(const char *name)
{
	FILE *file = fopen("/proc/zoneinfo", "r");
	unsigned long pages, sum = 0;
	char line[256], zone[32] = "";

	if (!file)
		return 0;
	while (fgets(line, sizeof(line), file)) {
		sscanf(line, "Node %*d, zone %31s", zone);
		if (sscanf(line, " pages free %lu", &pages) == 1 && !strcmp(zone, name))
			sum += pages;
	}
	fclose(file);
	return sum;
}

#endif /* HOST_ZONE_H */
