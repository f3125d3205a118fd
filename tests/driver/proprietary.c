// SPDX-License-Identifier: GPL-2.0
/*
 * The same driver, under a license that memalloc refuses
 */
#define DRIVER_LICENSE	"Proprietary"
#include "driver.c"
