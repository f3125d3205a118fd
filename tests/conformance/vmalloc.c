// SPDX-License-Identifier: GPL-2.0
/*
 * The kernel's tests of vmalloc(), on memalloc
 */
#include "internal/compat.h"

#include "vmalloc_body.h"

MAL_IMPORT();
