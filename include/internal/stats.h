/* SPDX-License-Identifier: GPL-2.0 */
/*
 * stats.h: statistics of all layers, for user space
 */
#ifndef _MAL_STATS_H
#define _MAL_STATS_H

struct mal_file;
struct memalloc_stats;

int mal_stats_to_user(struct mal_file *file, struct memalloc_stats *stats);

#endif /* _MAL_STATS_H */
