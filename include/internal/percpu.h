/* SPDX-License-Identifier: GPL-2.0 */
/*
 * percpu.h: per-CPU areas, for the module's own layers
 */
#ifndef _MAL_PERCPU_INTERNAL_H
#define _MAL_PERCPU_INTERNAL_H

#include <linux/compiler.h>
#include <linux/gfp.h>
#include <linux/types.h>

struct seq_file;

/**
 * struct mal_percpu_stats - statistics of per-CPU areas
 * @chunks: chunks borrowed now
 * @unit_bytes: size of all chunks, on one CPU
 * @bytes: size of all chunks, on all CPUs
 * @metadata_bytes: size of descriptions, the table and the host's own
 *	metadata
 * @used: allocated bytes, on one CPU
 * @cached: free bytes on the stacks of the CPUs
 * @free: free bytes in the chunks
 * @largest_free: longest free run in a chunk, in bytes
 * @hits: allocations served from the stacks
 * @misses: other allocations
 * @failures: failed allocations
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
