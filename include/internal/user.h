/* SPDX-License-Identifier: GPL-2.0 */
/*
 * user.h: accounts for all open files of a user
 */
#ifndef _MAL_USER_H
#define _MAL_USER_H

#include <linux/types.h>

struct mal_user;

struct mal_user *mal_user_get(void);
void mal_user_put(struct mal_user *user);
bool mal_user_charge(struct mal_user *user, u64 bytes, bool exempt);
void mal_user_uncharge(struct mal_user *user, u64 bytes);
u32 mal_user_account(const struct mal_user *user);
bool mal_user_count(struct mal_user *user, bool exempt);
void mal_user_uncount(struct mal_user *user);
u64 mal_user_bytes(struct mal_user *user);
u64 mal_user_handles(struct mal_user *user);
u64 mal_user_limit_bytes(void);
u64 mal_user_limit_handles(void);
void mal_user_exit(void);

#endif /* _MAL_USER_H */
