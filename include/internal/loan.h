/* SPDX-License-Identifier: GPL-2.0 */
/*
 * loan.h: what we hold of the host's memory
 */
#ifndef _MAL_LOAN_H
#define _MAL_LOAN_H

#include <linux/types.h>

struct mal_zone;
struct memalloc_stats_borrowing;
struct seq_file;

void mal_loan_set_cap(unsigned long pages);
unsigned long mal_loan_shrink(unsigned long nr_pages);
bool mal_loan_charge_bytes(size_t bytes, gfp_t gfp);
bool mal_loan_charge_other(unsigned long nr_pages, gfp_t gfp);
bool mal_loan_is_refilling(void);
void mal_loan_check(struct mal_zone *zone);
u64 mal_page_validate(u64 *checked);
void mal_borrowing_stats(struct memalloc_stats_borrowing *stats);
void mal_borrowing_show(struct seq_file *m);

int mal_loan_init(unsigned long reserve);
void mal_loan_exit(void);

#endif /* _MAL_LOAN_H */
