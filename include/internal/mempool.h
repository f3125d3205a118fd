/* SPDX-License-Identifier: GPL-2.0 */
/*
 * mempool.h: mempools, for the module's own layers
 */
#ifndef _MAL_MEMPOOL_INTERNAL_H
#define _MAL_MEMPOOL_INTERNAL_H

#include <linux/types.h>

#include <memalloc/mempool.h>

struct memalloc_stats_mempool;
struct seq_file;

/**
 * struct mal_mempool_stats - statistics of a pool
 * @min_nr: as in struct mal_mempool
 * @curr_nr: as in struct mal_mempool
 * @waiting: number of tasks that wait now
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

mal_mempool_t *mal_mempool_create_for(int min_nr, mal_mempool_alloc_t *alloc_fn,
				      mal_mempool_free_t *free_fn,
				      void *pool_data, gfp_t gfp, int node,
				      unsigned long creator);
void mal_mempool_drain(struct mal_mempool *pool);

void mal_mempool_list_add(struct mal_mempool *pool);
void mal_mempool_list_del(struct mal_mempool *pool);
void mal_mempool_set_name(struct mal_mempool *pool, const char *name);
unsigned int mal_mempool_count(void);
void mal_mempool_stats(struct mal_mempool *pool, struct mal_mempool_stats *stats);
bool mal_mempool_stats_at(unsigned int index, struct memalloc_stats_mempool *stats);
void mal_mempool_stats_fill(struct mal_mempool *pool,
			    struct memalloc_stats_mempool *stats);
void mal_mempool_show(struct seq_file *m);
int mal_mempool_list_init(void);
void mal_mempool_list_exit(void);

#endif /* _MAL_MEMPOOL_INTERNAL_H */
