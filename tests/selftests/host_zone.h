/* SPDX-License-Identifier: GPL-2.0 */
/*
 * host_zone.h: the zones of the kernel that the tests run on
 */
#ifndef HOST_ZONE_H
#define HOST_ZONE_H

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* Has the host a zone of that name with memory in it? */
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

#endif /* HOST_ZONE_H */
