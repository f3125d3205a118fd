// SPDX-License-Identifier: GPL-2.0
/*
 * Users: accounts for all open files of a user
 *
 * Quotas of open files alone would limit nothing, because a program may open
 * the device again. So each open file is also charged to an account of its
 * opener. There is one account for each user that has the device open.
 *
 * The user is the real user of the task that opens the device, as for the
 * host's limits on processes, pipes and locked memory. A descriptor that is
 * passed to another process remains charged to the opener.
 *
 * In a user namespace a task can become any user that is mapped there, and
 * keeps the groups that allow it to open the device. So everything opened in a
 * namespace, or in one below it, is charged to the owner of the outermost one.
 *
 * A file opened with CAP_SYS_RESOURCE is charged but never refused, as with the
 * host's limits on pipes. The task must have the capability in the initial
 * namespace when it opens the file, since the account is the opener's.
 *
 * Context: task. A mutex protects lookup and release of accounts. No other lock
 * of this module is taken under it; the host's slab allocator and xarray take
 * theirs. Charging takes no lock, except that it may sweep pinned pages.
 *
 * Pages that are pinned when a file frees them (pinned.c) remain charged to the
 * user until they are reused or returned. Otherwise a program could keep any
 * amount of memory in pipes. They are counted by an account of the page
 * allocator. A page is counted there before the bytes of its handle are
 * uncharged here, so the sum is never too small.
 *
 * Lifetimes: an account exists as long as an open file refers to it, or pages
 * are charged to it. The last page is uncharged in any context, so the account
 * is freed later: when the account of another user is created, or at unload.
 */
#include <linux/cred.h>
#include <linux/moduleparam.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/uidgid.h>
#include <linux/user_namespace.h>
#include <linux/xarray.h>

#include "internal/pinned.h"
#include "internal/user.h"

static unsigned int mal_quota_user_handles = 262144;
module_param_named(quota_user_handles, mal_quota_user_handles, uint, 0644);
MODULE_PARM_DESC(quota_user_handles,
		 "Maximum number of handles of all open files of a user (0: no limit)");

static unsigned int mal_quota_user_mb;
module_param_named(quota_user_mb, mal_quota_user_mb, uint, 0644);
MODULE_PARM_DESC(quota_user_mb,
		 "Maximum memory of all open files of a user, in MiB (0: no limit except the cap)");

/**
 * struct mal_user - account of a user
 * @uid: the user; never changes
 * @files: open files that refer to the account; protected by mal_users_lock
 * @bytes: bytes charged for the allocations of these files, with their
 *	metadata
 * @handles: number of handles in these files
 * @pinned: pages that these and earlier files freed while they were pinned
 */
struct mal_user {
	kuid_t uid;
	unsigned long files;
	atomic64_t bytes;
	atomic64_t handles;
	struct mal_pinned_account *pinned;
};

/* Protects the table, and the number of files of each account. */
static DEFINE_MUTEX(mal_users_lock);

/* Indexed by the user's number in the initial namespace. */
static DEFINE_XARRAY(mal_users);

/**
 * mal_user_limit_handles() - limit on the handles of a user
 *
 * Context: any.
 * Return: number of handles; U64_MAX if there is no limit.
 */
u64 mal_user_limit_handles(void)
{
	return READ_ONCE(mal_quota_user_handles) ?: U64_MAX;
}

/**
 * mal_user_limit_bytes() - limit on the bytes charged to a user
 *
 * Context: any.
 * Return: bytes; U64_MAX if there is no limit.
 */
u64 mal_user_limit_bytes(void)
{
	unsigned int mb = READ_ONCE(mal_quota_user_mb);

	return mb ? (u64)mb << 20 : U64_MAX;
}

static kuid_t mal_user_opener(void)
{
	const struct user_namespace *ns;
	kuid_t uid = current_uid();

	for (ns = current_user_ns(); ns != &init_user_ns; ns = ns->parent)
		uid = ns->owner;
	return uid;
}

static u64 mal_user_pinned(const struct mal_user *user)
{
	return (u64)atomic_long_read(&user->pinned->pages) << PAGE_SHIFT;
}

/* Called with mal_users_lock held. */
static void mal_user_destroy(struct mal_user *user)
{
	xa_erase(&mal_users, __kuid_val(user->uid));
	WARN_ON_ONCE(atomic64_read(&user->bytes) ||
		     atomic64_read(&user->handles));
	mal_pinned_account_destroy(user->pinned);
	kfree(user);
}

/* Free accounts that are no longer used. Called with mal_users_lock held. */
static void mal_users_reap(void)
{
	struct mal_user *user;
	unsigned long index;

	xa_for_each(&mal_users, index, user)
		if (!user->files && !mal_user_pinned(user))
			mal_user_destroy(user);
}

static struct mal_user *mal_user_create(kuid_t uid)
{
	struct mal_user *user = kzalloc(sizeof(*user), GFP_KERNEL_ACCOUNT);

	if (!user)
		return NULL;
	user->uid = uid;
	user->pinned = mal_pinned_account_create();
	if (!user->pinned)
		goto err_free;
	mal_users_reap();
	if (xa_err(xa_store(&mal_users, __kuid_val(uid), user,
			    GFP_KERNEL_ACCOUNT)))
		goto err_account;
	return user;

err_account:
	mal_pinned_account_destroy(user->pinned);
err_free:
	kfree(user);
	return NULL;
}

/**
 * mal_user_get() - get the account of the current task's user for a file
 *
 * Context: task, may sleep.
 * Return: the account, to be put by mal_user_put(); NULL if there is no memory.
 */
struct mal_user *mal_user_get(void)
{
	kuid_t uid = mal_user_opener();
	struct mal_user *user;

	mutex_lock(&mal_users_lock);
	user = xa_load(&mal_users, __kuid_val(uid)) ?: mal_user_create(uid);
	if (user)
		user->files++;
	mutex_unlock(&mal_users_lock);
	return user;
}

/**
 * mal_user_put() - put the account of a file that is closed
 * @user: the account; nothing may be charged for the file any more
 *
 * Context: task, may sleep.
 */
void mal_user_put(struct mal_user *user)
{
	mutex_lock(&mal_users_lock);
	if (!--user->files && !mal_user_pinned(user))
		mal_user_destroy(user);
	mutex_unlock(&mal_users_lock);
}

/**
 * mal_user_exit() - free all accounts
 *
 * Context: task, may sleep. No file is open.
 */
void mal_user_exit(void)
{
	struct mal_user *user;
	unsigned long index;

	mutex_lock(&mal_users_lock);
	xa_for_each(&mal_users, index, user)
		mal_user_destroy(user);
	mutex_unlock(&mal_users_lock);
}

/**
 * mal_user_account() - account for pages that a file frees while pinned
 * @user: the account of a file
 *
 * Context: any.
 * Return: its ID; see mal_free_pages_charged().
 */
u32 mal_user_account(const struct mal_user *user)
{
	return user->pinned->id;
}

static bool mal_user_add(atomic64_t *sum, u64 more, u64 limit)
{
	s64 used = atomic64_read(sum);

	do {
		if (more > limit || used > limit - more)
			return false;
	} while (!atomic64_try_cmpxchg(sum, &used, used + more));
	return true;
}

static bool mal_user_try_charge(struct mal_user *user, u64 bytes, u64 limit)
{
	s64 used = atomic64_read(&user->bytes);
	u64 sum;

	do {
		/* Bytes that are missing in @used are found in the pages. */
		smp_rmb();
		sum = used + mal_user_pinned(user);
		if (bytes > limit || sum > limit - bytes)
			return false;
	} while (!atomic64_try_cmpxchg(&user->bytes, &used, used + bytes));
	return true;
}

/**
 * mal_user_charge() - charge bytes to an account
 * @user: the account
 * @bytes: number of bytes
 * @exempt: ignore the limit
 *
 * Before the limit refuses because of pinned pages, those that are no longer
 * pinned are released.
 *
 * Context: task, may sleep.
 * Return: true, or false if the limit does not allow it.
 */
bool mal_user_charge(struct mal_user *user, u64 bytes, bool exempt)
{
	u64 limit = exempt ? S64_MAX : mal_user_limit_bytes();

	if (mal_user_try_charge(user, bytes, limit))
		return true;
	if (!mal_user_pinned(user))
		return false;
	mal_pinned_sweep_all();
	return mal_user_try_charge(user, bytes, limit);
}

/**
 * mal_user_uncharge() - undo mal_user_charge()
 * @user: the account
 * @bytes: number of bytes
 *
 * Context: any.
 */
void mal_user_uncharge(struct mal_user *user, u64 bytes)
{
	atomic64_sub(bytes, &user->bytes);
}

/**
 * mal_user_count() - count a handle
 * @user: the account
 * @exempt: ignore the limit
 *
 * Context: any.
 * Return: true, or false if the limit does not allow it.
 */
bool mal_user_count(struct mal_user *user, bool exempt)
{
	return mal_user_add(&user->handles, 1,
			    exempt ? S64_MAX : mal_user_limit_handles());
}

/**
 * mal_user_uncount() - undo mal_user_count()
 * @user: the account
 *
 * Context: any.
 */
void mal_user_uncount(struct mal_user *user)
{
	atomic64_dec(&user->handles);
}

/**
 * mal_user_bytes() - bytes charged to an account
 * @user: the account
 *
 * Context: any.
 * Return: bytes.
 */
u64 mal_user_bytes(struct mal_user *user)
{
	return atomic64_read(&user->bytes) + mal_user_pinned(user);
}

/**
 * mal_user_handles() - number of handles in the files of an account
 * @user: the account
 *
 * Context: any.
 * Return: the number.
 */
u64 mal_user_handles(struct mal_user *user)
{
	return atomic64_read(&user->handles);
}
