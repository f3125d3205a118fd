/* SPDX-License-Identifier: GPL-2.0 */
/*
 * mempool.h: what the module's own layers know of mempools
 */
#ifndef _MAL_MEMPOOL_INTERNAL_H
#define _MAL_MEMPOOL_INTERNAL_H

#include <linux/types.h>

struct mal_mempool;
struct memalloc_stats_mempool;
struct seq_file;

/**
 * struct mal_mempool_stats - the figures of a pool
 * @min_nr: as in struct mal_mempool
 * @curr_nr: as in struct mal_mempool
 * @waiting: tasks that wait just now
 * @waits: as in struct mal_mempool
 * @reserve_hits: as in struct mal_mempool
 * @failures: as in struct mal_mempool
 */
struct mal_mempool_stats {
	int min_nr;
	int curr_nr;
	unsigned long waiting;
	unsigned long waits;
	unsigned long reserve_hits;
	unsigned long failures;
};

void mal_mempool_stats(struct mal_mempool *pool, struct mal_mempool_stats *stats);
void mal_mempool_drain(struct mal_mempool *pool);

void mal_mempool_list_add(struct mal_mempool *pool);
void mal_mempool_list_del(struct mal_mempool *pool);
void mal_mempool_set_name(struct mal_mempool *pool, const char *name);
unsigned int mal_mempool_count(void);
bool mal_mempool_stats_at(unsigned int index, struct memalloc_stats_mempool *stats);
void mal_mempool_stats_fill(struct mal_mempool *pool,
			    struct memalloc_stats_mempool *stats);
void mal_mempool_show(struct seq_file *m);
int mal_mempool_list_init(void);
void mal_mempool_list_exit(void);

#endif /* _MAL_MEMPOOL_INTERNAL_H */
