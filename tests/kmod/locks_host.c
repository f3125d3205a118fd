// SPDX-License-Identifier: GPL-2.0
/*
 * Allocations and frees under locks of the caller, on the host's allocator
 */
#define LOCKS_HOST

#include "locks.c"
