/* SPDX-License-Identifier: GPL-2.0 */
/*
 * kfree_rcu.h: memory that is freed after a grace period
 */
#ifndef _MAL_KFREE_RCU_H
#define _MAL_KFREE_RCU_H

int mal_kfree_rcu_init(void);
void mal_kfree_rcu_exit(void);

#endif /* _MAL_KFREE_RCU_H */
