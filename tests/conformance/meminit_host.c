// SPDX-License-Identifier: GPL-2.0
/*
 * The kernel's tests of memory initialization, on the host
 */
#include "meminit_body.h"
