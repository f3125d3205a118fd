/* SPDX-License-Identifier: GPL-2.0 */
/*
 * leak.h: leaks of pages, by call site
 */
#ifndef _MAL_LEAK_H
#define _MAL_LEAK_H

struct seq_file;

void mal_page_leak_show(struct seq_file *m);
void mal_page_leak_report_all(void);
int mal_page_leak_init(void);
void mal_page_leak_exit(void);

#endif /* _MAL_LEAK_H */
