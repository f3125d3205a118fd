/* SPDX-License-Identifier: GPL-2.0 */
/*
 * client.h: a typical driver
 *
 * The driver is written for the kernel's own allocators. Only its Kbuild file
 * redirects it to memalloc.
 */
#ifndef _CLIENT_H
#define _CLIENT_H

#include <linux/types.h>

#include "contexts.h"

/* Requests made in each context, errors found, and failed allocations. */
extern atomic_long_t client_made[NR_CONTEXTS];
extern atomic_long_t client_wrong;
extern atomic_long_t client_missed;

int client_requests_init(void);
void client_requests_exit(void);
void client_submit(enum context context, unsigned int nr);
void client_complete(unsigned int nr);

int client_driver_init(void);
void client_driver_exit(void);

#endif /* _CLIENT_H */
