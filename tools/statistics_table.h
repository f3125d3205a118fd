/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Statistics for people
 */
#ifndef STATISTICS_TABLE_H
#define STATISTICS_TABLE_H

#include <stdbool.h>

#include "statistics.h"

/*
 * Each prints one section to standard output and returns true, or false after
 * a complaint.
 */
bool statistics_print_borrowing(const struct statistics *statistics);
bool statistics_print_zones(const struct statistics *statistics);
bool statistics_print_caches(const struct statistics *statistics);
bool statistics_print_classes(const struct statistics *statistics);
bool statistics_print_mempools(const struct statistics *statistics);
bool statistics_print_percpu(const struct statistics *statistics);
bool statistics_print_areas(const struct statistics *statistics);
bool statistics_print_file(const struct statistics *statistics);
bool statistics_print_reports(const struct statistics *statistics);

/* The same for all figures of one cache, the first @known bytes of them. */
bool statistics_print_cache(const struct memalloc_stats_cache *cache,
			    size_t known);

/* The same for a mempool. */
bool statistics_print_mempool(const struct memalloc_stats_mempool *pool,
			      size_t known);

#endif /* STATISTICS_TABLE_H */
