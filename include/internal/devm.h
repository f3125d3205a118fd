/* SPDX-License-Identifier: GPL-2.0 */
/*
 * devm.h: managed memory on behalf of a caller
 */
#ifndef _MAL_DEVM_H
#define _MAL_DEVM_H

#include <linux/types.h>

struct device;

void *mal_devm_krealloc_caller(struct device *dev, void *object, size_t size,
			       gfp_t gfp, unsigned long caller);

#endif /* _MAL_DEVM_H */
