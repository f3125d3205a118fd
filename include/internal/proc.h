/* SPDX-License-Identifier: GPL-2.0 */
/*
 * proc.h: /proc/memalloc
 */
#ifndef _MAL_PROC_H
#define _MAL_PROC_H

int mal_proc_init(void);
void mal_proc_exit(void);

#endif /* _MAL_PROC_H */
