/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _DRIVER_H
#define _DRIVER_H

#define dev_fmt(fmt) "driver: " fmt

#include <linux/types.h>

#endif /* _DRIVER_H */
