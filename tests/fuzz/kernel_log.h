/* SPDX-License-Identifier: GPL-2.0 */
/*
 * kernel_log.h: has the kernel reported a bug?
 */
#ifndef KERNEL_LOG_H
#define KERNEL_LOG_H

#include <stdbool.h>

void kernel_log_start(void);

/* Since the last time. Prints the report, if there is one. */
bool kernel_log_has_report(void);

#endif /* KERNEL_LOG_H */
