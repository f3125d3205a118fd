// SPDX-License-Identifier: GPL-2.0
/*
 * The kernel's slab tests, on the host
 */
#include "lib/tests/slub_kunit.c"
