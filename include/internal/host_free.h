/* SPDX-License-Identifier: GPL-2.0 */
/*
 * host_free.h: call sites that free memory of the host by our functions
 */
#ifndef _MAL_HOST_FREE_H
#define _MAL_HOST_FREE_H

struct seq_file;

void mal_host_free_count(unsigned long caller);
void mal_host_free_show(struct seq_file *m);
int mal_host_free_init(void);
void mal_host_free_exit(void);

#endif /* _MAL_HOST_FREE_H */
