/* SPDX-License-Identifier: GPL-2.0 */
/*
 * slab_option.h: which caches have which debug modes
 */
#ifndef _MAL_SLAB_OPTION_H
#define _MAL_SLAB_OPTION_H

#include <linux/types.h>

u32 mal_slab_option_flags(const char *name);

#endif /* _MAL_SLAB_OPTION_H */
