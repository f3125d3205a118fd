/* SPDX-License-Identifier: GPL-2.0 */
/*
 * percpu.h: what the module's own layers know of per-CPU areas
 */
#ifndef _MAL_PERCPU_INTERNAL_H
#define _MAL_PERCPU_INTERNAL_H

#include <linux/compiler.h>
#include <linux/gfp.h>
#include <linux/types.h>

struct seq_file;

/**
 * struct mal_percpu_stats - the figures of per-CPU areas
 * @chunks: chunks that are borrowed
 * @unit_bytes: their size, on one CPU
 * @bytes: their size, on all CPUs
 * @metadata_bytes: what describes them
 * @used: bytes that are allocated, on one CPU
 * @cached: bytes that are free, and at hand on some CPU
 * @free: bytes that are free
 * @largest_free: the longest run of them
 * @hits: allocations of what was at hand
 * @misses: others
 * @failures: allocations that failed
 * @borrowed_total: chunks ever borrowed
 * @returned_total: chunks ever returned
 * @refused: chunks that the cap or the host did not grant
 */
struct mal_percpu_stats {
	u64 chunks;
	u64 unit_bytes;
	u64 bytes;
	u64 metadata_bytes;
	u64 used;
	u64 cached;
	u64 free;
	u64 largest_free;
	u64 hits;
	u64 misses;
	u64 failures;
	u64 borrowed_total;
	u64 returned_total;
	u64 refused;
};

unsigned long mal_percpu_shrink(void);
void __percpu *mal_alloc_percpu_nospec(size_t size, size_t align, gfp_t gfp);

void mal_percpu_stats(struct mal_percpu_stats *stats);
void mal_percpu_show(struct seq_file *m);
int mal_percpu_init(void);
void mal_percpu_exit(void);

#endif /* _MAL_PERCPU_INTERNAL_H */
