/* SPDX-License-Identifier: GPL-2.0 */
/*
 * device.h: /dev/memalloc
 */
#ifndef _MAL_DEVICE_H
#define _MAL_DEVICE_H

struct seq_file;

int mal_device_init(void);
void mal_device_exit(void);
void mal_device_show(struct seq_file *m);

#endif /* _MAL_DEVICE_H */
