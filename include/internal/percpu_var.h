/* SPDX-License-Identifier: GPL-2.0 */
/*
 * percpu_var.h: internal interface of per-CPU variables
 */
#ifndef _MAL_PERCPU_VAR_INTERNAL_H
#define _MAL_PERCPU_VAR_INTERNAL_H

struct kernel_param;

int mal_percpu_vars_create(const struct kernel_param *params, unsigned int nr);
void mal_percpu_vars_destroy(const struct kernel_param *params, unsigned int nr);

int mal_percpu_var_init(void);
void mal_percpu_var_exit(void);

#endif /* _MAL_PERCPU_VAR_INTERNAL_H */
