// SPDX-License-Identifier: GPL-2.0
/*
 * The kernel's KASAN tests, on the host
 */
#include "kasan_body.h"
