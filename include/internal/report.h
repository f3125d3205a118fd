/* SPDX-License-Identifier: GPL-2.0 */
/*
 * report.h: reports of detected misuse
 */
#ifndef _MAL_REPORT_H
#define _MAL_REPORT_H

#include <linux/types.h>

struct seq_file;
struct memalloc_stats_reports;

/* One for each field of struct memalloc_stats_reports, in its order. */
enum mal_report {
	MAL_REPORT_DOUBLE_FREE,
	MAL_REPORT_FOREIGN_FREE,
	MAL_REPORT_WRONG_FREE,
	MAL_REPORT_LOST_REFERENCE,
	MAL_REPORT_CORRUPTION,
	MAL_REPORT_USE_AFTER_FREE,
	MAL_REPORT_OVERFLOW,
	MAL_NR_REPORTS,
};

__printf(3, 4)
bool mal_report(enum mal_report what, unsigned long caller, const char *fmt, ...);

void mal_report_uncharged(unsigned long caller);
u64 mal_report_uncharged_count(void);
void mal_report_stats(struct memalloc_stats_reports *stats);
void mal_report_show(struct seq_file *m);

#endif /* _MAL_REPORT_H */
