// SPDX-License-Identifier: GPL-2.0
/*
 * The kernel's tests of slab caches, on the host
 */
#include "lib/tests/slub_kunit.c"
