/* SPDX-License-Identifier: GPL-2.0 */
/*
 * quota.h: limits on the memory of open files, users and the device
 */
#ifndef _MAL_QUOTA_H
#define _MAL_QUOTA_H

#include <linux/atomic.h>
#include <linux/types.h>

struct mal_file;
struct mal_handle;
struct memalloc_stats_file;
struct seq_file;

/**
 * struct mal_device_totals - sums over all open files
 * @bytes: bytes taken from the allocator
 * @charged: @bytes, and bytes of metadata
 * @files: open files
 * @handles: handles
 * @mappings: mappings in user space
 */
struct mal_device_totals {
	atomic64_t bytes;
	atomic64_t charged;
	atomic_long_t files;
	atomic_long_t handles;
	atomic_long_t mappings;
};

extern struct mal_device_totals mal_device_totals;

int mal_handle_charge(struct mal_handle *obj);
void mal_handle_uncharge(struct mal_handle *obj);
int mal_handle_recharge(struct mal_handle *obj, u64 charged);
void mal_handle_uncount(struct mal_handle *obj);
u64 mal_handle_charged(struct mal_handle *obj);

void mal_file_stats(struct mal_file *file, struct memalloc_stats_file *stats);
void mal_file_show(struct seq_file *m);
void mal_file_check_none_left(void);

#endif /* _MAL_QUOTA_H */
