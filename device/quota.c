// SPDX-License-Identifier: GPL-2.0
/*
 * Quotas: limits on the memory of open files, users and the device
 *
 * An open file, a user (user.c) and the device have limits. Each is a module
 * parameter that may be changed at any time. A lower limit does not take away
 * existing objects. An object is charged before its memory is allocated, and
 * stays charged until the memory was returned to the allocator. During a resize
 * the larger of the two sizes is charged.
 *
 * The charge consists of the memory taken from the allocator, not the usable
 * size, and of the metadata: struct mal_handle and its place in the tree, so
 * that an object without bytes is not free of charge. The cap does not include
 * it.
 *
 * Memory that is pinned when it is freed (by a pipe, a bio) is no longer
 * charged to a file, but cannot be reused either. It stays charged to the user,
 * also after the file was closed, and the pages charged to all users count for
 * the device; otherwise a program with pipes could exceed these limits. Before
 * a request is refused because of them, those that are no longer pinned are
 * freed.
 *
 * Memory that is just being freed while it is pinned may be in the sums twice.
 * Objects are linked and counted in one critical section of the file's lock.
 * The sums of a user and of all files are compared and added to in one atomic
 * step. Handles are counted separately, because an object may lose its handle
 * long before its last mapping.
 *
 * Locking: mal_file.lock protects the sums of a file.
 *
 * Context: task, may sleep.
 */
#include <linux/atomic.h>
#include <linux/bug.h>
#include <linux/kernel.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/moduleparam.h>
#include <linux/mutex.h>
#include <linux/seq_file.h>

#include <uapi/linux/memalloc.h>

#include "internal/handle.h"
#include "internal/pinned.h"
#include "internal/quota.h"
#include "internal/user.h"

static unsigned int mal_quota_handles = 65536;
module_param_named(quota_handles, mal_quota_handles, uint, 0644);
MODULE_PARM_DESC(quota_handles,
		 "Maximum number of handles of an open file of the device (0: no limit)");

static unsigned int mal_quota_file_mb;
module_param_named(quota_file_mb, mal_quota_file_mb, uint, 0644);
MODULE_PARM_DESC(quota_file_mb,
		 "Maximum memory of an open file of the device, in MiB (0: no limit except the cap)");

static unsigned int mal_quota_device_mb;
module_param_named(quota_device_mb, mal_quota_device_mb, uint, 0644);
MODULE_PARM_DESC(quota_device_mb,
		 "Maximum memory of all open files of the device, in MiB (0: no limit except the cap)");

struct mal_device_totals mal_device_totals;

static u64 mal_limit_handles(void)
{
	return READ_ONCE(mal_quota_handles) ?: MAL_LAST_INDEX;
}

static u64 mal_limit_bytes(const unsigned int *quota_mb)
{
	unsigned int mb = READ_ONCE(*quota_mb);

	return mb ? (u64)mb << 20 : U64_MAX;
}

static bool mal_fits(u64 used, u64 more, u64 limit)
{
	return more <= limit && used <= limit - more;
}

static bool mal_device_try_charge(u64 bytes)
{
	u64 limit = mal_limit_bytes(&mal_quota_device_mb);
	s64 used = atomic64_read(&mal_device_totals.charged);
	u64 pinned;

	do {
		/* Pairs with mal_file_uncharge(). */
		smp_rmb();
		pinned = (u64)mal_pinned_charged_pages() << PAGE_SHIFT;
		if (!mal_fits(used + pinned, bytes, limit))
			return false;
	} while (!atomic64_try_cmpxchg(&mal_device_totals.charged, &used, used + bytes));
	return true;
}

static bool mal_device_charge(u64 bytes)
{
	if (mal_device_try_charge(bytes))
		return true;
	if (!mal_pinned_charged_pages())
		return false;
	mal_pinned_sweep_all();
	return mal_device_try_charge(bytes);
}

/*
 * Called with the lock of the object's file held. Returns false if a quota is
 * exhausted.
 */
static bool mal_handle_count(struct mal_handle *obj)
{
	struct mal_file *file = obj->file;

	if (!mal_fits(file->handles, 1, mal_limit_handles()) ||
	    !mal_user_count(file->user, file->exempt))
		return false;
	obj->counted = true;
	file->handles++;
	atomic_long_inc(&mal_device_totals.handles);
	return true;
}

/**
 * mal_handle_uncount() - the object has lost its handle
 * @obj: the object
 *
 * Context: task; the lock of the object's file is held.
 */
void mal_handle_uncount(struct mal_handle *obj)
{
	if (!obj->counted)
		return;
	obj->counted = false;
	obj->file->handles--;
	mal_user_uncount(obj->file->user);
	atomic_long_dec(&mal_device_totals.handles);
}

/* Called with the file's lock held. */
static bool mal_file_charge(struct mal_file *file, u64 charged, u64 described)
{
	u64 bytes = charged + described;

	if (!mal_fits(file->bytes + file->described, bytes,
		      mal_limit_bytes(&mal_quota_file_mb)) ||
	    !mal_user_charge(file->user, bytes, file->exempt))
		return false;
	if (!mal_device_charge(bytes)) {
		mal_user_uncharge(file->user, bytes);
		return false;
	}
	file->bytes += charged;
	file->described += described;
	atomic64_add(charged, &mal_device_totals.bytes);
	return true;
}

/* Called with the file's lock held. */
static void mal_file_uncharge(struct mal_file *file, u64 charged, u64 described)
{
	file->bytes -= charged;
	file->described -= described;
	atomic64_sub(charged, &mal_device_totals.bytes);
	/*
	 * The pages that were freed while pinned are counted as such. A task
	 * that does not find them in the charge finds them there.
	 */
	smp_mb__before_atomic();
	atomic64_sub(charged + described, &mal_device_totals.charged);
	mal_user_uncharge(file->user, charged + described);
}

/* Called with the file's lock held. */
static int mal_handle_enter(struct mal_handle *obj)
{
	struct mal_file *file = obj->file;

	if (obj->parent && !obj->parent->handle)
		return -ENOENT;
	if (!mal_handle_count(obj))
		return -EDQUOT;
	if (!mal_file_charge(file, obj->charged, obj->described)) {
		mal_handle_uncount(obj);
		return -EDQUOT;
	}
	list_add(&obj->link, &file->objects);
	if (obj->parent)
		obj->parent->children++;
	return 0;
}

/**
 * mal_handle_charge() - charge an object, and link it to its file
 * @obj: the object; its memory is not allocated yet
 *
 * Context: task, may sleep.
 * Return: 0; -EDQUOT if a quota is exhausted; -ENOENT if the parent has lost
 * its handle.
 */
int mal_handle_charge(struct mal_handle *obj)
{
	int err;

	mutex_lock(&obj->file->lock);
	err = mal_handle_enter(obj);
	mutex_unlock(&obj->file->lock);
	return err;
}

/**
 * mal_handle_uncharge() - undo mal_handle_charge()
 * @obj: the object; its memory was returned to the allocator
 *
 * Context: task, may sleep.
 */
void mal_handle_uncharge(struct mal_handle *obj)
{
	struct mal_file *file = obj->file;

	mutex_lock(&file->lock);
	list_del(&obj->link);
	mal_file_uncharge(file, obj->charged, obj->described);
	mal_handle_uncount(obj);
	if (obj->parent)
		obj->parent->children--;
	mutex_unlock(&file->lock);
}

/**
 * mal_handle_recharge() - change the charge of an object
 * @obj: the object
 * @charged: bytes that it takes from the allocator from now on
 *
 * Context: task, may sleep.
 * Return: 0; -EDQUOT if the charge increases and a quota is exhausted.
 */
int mal_handle_recharge(struct mal_handle *obj, u64 charged)
{
	struct mal_file *file = obj->file;
	int err = 0;

	mutex_lock(&file->lock);
	if (charged <= obj->charged)
		mal_file_uncharge(file, obj->charged - charged, 0);
	else if (!mal_file_charge(file, charged - obj->charged, 0))
		err = -EDQUOT;
	if (!err)
		obj->charged = charged;
	mutex_unlock(&file->lock);
	return err;
}

/**
 * mal_handle_charged() - memory that an object takes from the allocator
 * @obj: an object that the caller references
 *
 * Context: task, may sleep.
 * Return: bytes, as charged.
 */
u64 mal_handle_charged(struct mal_handle *obj)
{
	u64 charged;

	mutex_lock(&obj->file->lock);
	charged = obj->charged;
	mutex_unlock(&obj->file->lock);
	return charged;
}

/* The two sums do not change atomically. */
static u64 mal_device_described(void)
{
	s64 bytes = atomic64_read(&mal_device_totals.bytes);

	return max_t(s64, atomic64_read(&mal_device_totals.charged) - bytes, 0);
}

/**
 * mal_file_stats() - read the usage and limits of an open file
 * @file: the file
 * @stats: filled in; a limit that is not set is U64_MAX
 *
 * Context: task, may sleep.
 */
void mal_file_stats(struct mal_file *file, struct memalloc_stats_file *stats)
{
	mutex_lock(&file->lock);
	stats->handles = file->handles;
	stats->bytes = file->bytes;
	stats->described_bytes = file->described;
	mutex_unlock(&file->lock);
	stats->handles_limit = mal_limit_handles();
	stats->bytes_limit = mal_limit_bytes(&mal_quota_file_mb);
	stats->device_bytes = atomic64_read(&mal_device_totals.bytes);
	stats->device_bytes_limit = mal_limit_bytes(&mal_quota_device_mb);
	stats->device_described_bytes = mal_device_described();
	stats->user_handles = mal_user_handles(file->user);
	stats->user_handles_limit = file->exempt ? U64_MAX : mal_user_limit_handles();
	stats->user_bytes = mal_user_bytes(file->user);
	stats->user_bytes_limit = file->exempt ? U64_MAX : mal_user_limit_bytes();
}

/**
 * mal_file_show() - print the totals of all open files
 * @m: output
 *
 * Context: task.
 */
void mal_file_show(struct seq_file *m)
{
	seq_puts(m, "\n[device]\n");
	seq_printf(m, "%-20s %ld\n", "files",
		   atomic_long_read(&mal_device_totals.files));
	seq_printf(m, "%-20s %ld\n", "handles",
		   atomic_long_read(&mal_device_totals.handles));
	seq_printf(m, "%-20s %lld\n", "bytes",
		   (s64)atomic64_read(&mal_device_totals.bytes));
	seq_printf(m, "%-20s %llu\n", "described_bytes", mal_device_described());
	seq_printf(m, "%-20s %ld\n", "mappings",
		   atomic_long_read(&mal_device_totals.mappings));
	seq_printf(m, "%-20s %llu\n", "bytes_limit",
		   mal_limit_bytes(&mal_quota_device_mb));
	seq_printf(m, "%-20s %llu\n", "user_bytes_limit", mal_user_limit_bytes());
	seq_printf(m, "%-20s %llu\n", "user_handles_limit",
		   mal_user_limit_handles());
	seq_printf(m, "%-20s %llu\n", "file_bytes_limit",
		   mal_limit_bytes(&mal_quota_file_mb));
	seq_printf(m, "%-20s %llu\n", "file_handles_limit",
		   mal_limit_handles());
}

/**
 * mal_file_check_none_left() - at unload, check that everything was freed
 *
 * Context: any.
 */
void mal_file_check_none_left(void)
{
	WARN_ON(atomic_long_read(&mal_device_totals.files));
	WARN_ON(atomic_long_read(&mal_device_totals.handles));
	WARN_ON(atomic_long_read(&mal_device_totals.mappings));
	WARN_ON(atomic64_read(&mal_device_totals.bytes));
	WARN_ON(atomic64_read(&mal_device_totals.charged));
}
