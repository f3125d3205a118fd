/* SPDX-License-Identifier: GPL-2.0 */
/*
 * kernel_log.h: check the kernel log for reports
 */
#ifndef KERNEL_LOG_H
#define KERNEL_LOG_H

#include <stdbool.h>

void kernel_log_start(void);

/* Check the log since the last call. Prints the report if there is one. */
bool kernel_log_has_report(void);

#endif /* KERNEL_LOG_H */
