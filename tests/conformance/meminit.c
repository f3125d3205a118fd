// SPDX-License-Identifier: GPL-2.0
/*
 * The kernel's tests of memory initialization, on memalloc
 */
#include "internal/compat.h"

#include "meminit_body.h"

MAL_IMPORT();
