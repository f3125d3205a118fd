/* SPDX-License-Identifier: GPL-2.0 */
/*
 * borrow.h: the amount of memory borrowed from the host
 */
#ifndef _MAL_BORROW_H
#define _MAL_BORROW_H

#include <linux/types.h>

struct mal_zone;
struct memalloc_stats_borrowing;
struct seq_file;

void mal_borrow_set_cap(unsigned long pages);
unsigned long mal_borrow_shrink(unsigned long nr_pages);
unsigned long mal_borrow_shrink_killable(unsigned long nr_pages);
bool mal_borrow_charge_bytes(size_t bytes, gfp_t gfp);
bool mal_borrow_charge_other(unsigned long nr_pages, gfp_t gfp);
bool mal_borrow_is_refilling(void);
void mal_borrow_check(struct mal_zone *zone);
u64 mal_page_validate(u64 *checked);
void mal_borrow_stats(struct memalloc_stats_borrowing *stats);
void mal_borrow_show(struct seq_file *m);

int mal_borrow_init(unsigned long reserve);
void mal_borrow_exit(void);

#endif /* _MAL_BORROW_H */
