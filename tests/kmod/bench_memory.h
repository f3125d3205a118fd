/* SPDX-License-Identifier: GPL-2.0 */
/*
 * bench_memory.h: memory that allocators use for the bytes requested
 */
#ifndef _MAL_BENCH_MEMORY_H
#define _MAL_BENCH_MEMORY_H

struct dentry;

void bench_memory_init(struct dentry *root);
void bench_memory_exit(void);

#endif /* _MAL_BENCH_MEMORY_H */
