/* SPDX-License-Identifier: GPL-2.0 */
/*
 * gfp.h: how user space says an allocation may behave
 */
#ifndef _MAL_GFP_H
#define _MAL_GFP_H

#include <linux/gfp.h>
#include <linux/types.h>

int mal_gfp_from_user(u32 user, gfp_t *gfp);
int mal_node_from_user(s32 user, int *node);

#endif /* _MAL_GFP_H */
