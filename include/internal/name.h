/* SPDX-License-Identifier: GPL-2.0 */
/*
 * name.h: names that user space gives to its caches and mempools
 */
#ifndef _MAL_NAME_H
#define _MAL_NAME_H

#include <linux/types.h>

#include <uapi/linux/memalloc.h>

bool mal_name_ok(const char name[MEMALLOC_NAME_SIZE]);
void mal_name_show(const char name[MEMALLOC_NAME_SIZE],
		   char shown[MEMALLOC_SHOWN_NAME_SIZE]);

#endif /* _MAL_NAME_H */
