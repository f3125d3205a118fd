// SPDX-License-Identifier: GPL-2.0
/*
 * The kernel's vmalloc tests, on memalloc
 */
#include "internal/compat.h"

#include "vmalloc_body.h"

MAL_IMPORT();
