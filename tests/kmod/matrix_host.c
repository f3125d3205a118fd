// SPDX-License-Identifier: GPL-2.0
/*
 * Allocations and frees in all contexts, on the host's allocator
 */
#define MATRIX_HOST

#include "matrix.c"
