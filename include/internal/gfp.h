/* SPDX-License-Identifier: GPL-2.0 */
/*
 * gfp.h: translation of GFP flags and nodes from user space
 */
#ifndef _MAL_GFP_H
#define _MAL_GFP_H

#include <linux/gfp.h>
#include <linux/types.h>

bool mal_may_use_zone(gfp_t gfp);
int mal_gfp_from_user(u32 user, gfp_t *gfp);
int mal_node_from_user(s32 user, int *node);
int mal_node_confine(gfp_t gfp, int *node);

#endif /* _MAL_GFP_H */
