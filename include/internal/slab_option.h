/* SPDX-License-Identifier: GPL-2.0 */
/*
 * slab_option.h: debug modes of caches by module parameter
 */
#ifndef _MAL_SLAB_OPTION_H
#define _MAL_SLAB_OPTION_H

#include <linux/types.h>

/* Room for the letters of all debug modes. */
#define MAL_SLAB_LETTERS	8

u32 mal_slab_option_flags(const char *name);
const char *mal_slab_option_letters(u32 flags, char letters[MAL_SLAB_LETTERS]);

#endif /* _MAL_SLAB_OPTION_H */
