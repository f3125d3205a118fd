/* SPDX-License-Identifier: GPL-2.0 */
/*
 * leak.h: who has what that should have come back
 */
#ifndef _MAL_LEAK_H
#define _MAL_LEAK_H

struct seq_file;

void mal_leak_show(struct seq_file *m);
void mal_leak_report_all(void);
int mal_leak_init(void);
void mal_leak_exit(void);

#endif /* _MAL_LEAK_H */
