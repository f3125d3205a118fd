// SPDX-License-Identifier: GPL-2.0
/*
 * /dev/memalloc: the commands that drive every layer
 *
 * The commands of <linux/memalloc.h>, one row of a table and one function for
 * each. What is the same for all is done for all in one place, mal_execute(): to
 * find the command, to check that the file may do it, to copy the structure in
 * by the rules of extensible structures, and to copy the answers out; so a
 * command's function has to do with its own fields alone. A batch goes through
 * the same door, a command at a time.
 *
 * A file that was opened for reading only may look (READ, VERIFY, INFO, STATS,
 * VALIDATE, and batches of these); what would change anything fails with
 * EBADF, as write(2) does.
 *
 * If the answer cannot be delivered the command has not happened, where that
 * matters: an allocation whose handle the caller would never learn is undone.
 *
 * Contexts: task, may sleep. Each command works on objects that it holds a
 * reference to, and takes no lock.
 *
 * Lifetimes: file->private_data is the struct mal_file, from open to release.
 * The module stays as long as a file is open, or mapped.
 */
#include <linux/capability.h>
#include <linux/compat.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/kernel.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/nospec.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/seq_file.h>
#include <linux/sizes.h>
#include <linux/stddef.h>
#include <linux/uaccess.h>

#include <uapi/linux/memalloc.h>

#include "internal/access.h"
#include "internal/device.h"
#include "internal/gfp.h"
#include "internal/handle.h"
#include "internal/inject.h"
#include "internal/kind.h"
#include "internal/loan.h"
#include "internal/node.h"
#include "internal/report.h"

/* No structure will ever be so long: what is longer is not read to its end. */
#define MAL_SIZE_MAX	SZ_4K

/* Any command's structure. */
union mal_arg {
	struct memalloc_alloc alloc;
	struct memalloc_free free;
	struct memalloc_io io;
	struct memalloc_pattern_io pattern_io;
	struct memalloc_info info;
	struct memalloc_stats stats;
	struct memalloc_validate validate;
	struct memalloc_shrink shrink;
	struct memalloc_batch batch;
	struct memalloc_inject inject;
};

/**
 * struct mal_verb - a command
 * @cmd: its number
 * @size: of its structure, as we know it
 * @min_size: of its structure, in its first version
 * @out: offset of the first answer in it
 * @writes: needs a file opened for writing
 * @run: carries it out. Sets all the answers if it succeeds.
 * @undo: takes it back, if its answers cannot be delivered; may be NULL
 */
struct mal_verb {
	unsigned int cmd;
	u16 size;
	u16 min_size;
	u16 out;
	bool writes;
	int (*run)(struct mal_file *file, union mal_arg *arg);
	void (*undo)(struct mal_file *file, union mal_arg *arg);
};

static int mal_execute(struct mal_file *file, unsigned int cmd,
		       void __user *user);

/* A pointer that travelled as __u64: all of it must be there on 32 bits, too. */
static int mal_user_ptr(u64 value, void __user **ptr)
{
	if (value != (unsigned long)value)
		return -EFAULT;
	*ptr = u64_to_user_ptr(value);
	return 0;
}

/* By enum memalloc_kind. */
static const struct mal_kind *const mal_kinds[] = {
	[MEMALLOC_KIND_PAGES] = &mal_kind_pages,
};

static const struct mal_kind *mal_kind_from_user(u32 kind)
{
	if (kind >= ARRAY_SIZE(mal_kinds))
		return NULL;
	return mal_kinds[array_index_nospec(kind, ARRAY_SIZE(mal_kinds))];
}

static int mal_request_from_user(const struct memalloc_alloc *arg,
				 struct mal_request *request)
{
	int err;

	request->arg = arg;
	request->kind = mal_kind_from_user(arg->kind);
	if (!request->kind || arg->flags)
		return -EINVAL;
	err = mal_gfp_from_user(arg->gfp, &request->gfp);
	if (err)
		return err;
	err = mal_node_from_user(arg->node, &request->node);
	if (err)
		return err;
	return request->kind->size(arg, &request->bytes);
}

/*
 * NOFAIL on behalf of user space: try again, at growing intervals, until it
 * succeeds or a signal comes. Nothing is held meanwhile, and a quota still
 * refuses. The first failure is logged as usual, and no other.
 */
static struct mal_object *mal_alloc_nofail(struct mal_file *file,
					   struct mal_request *request)
{
	const long longest = max(HZ / 10, 1);
	struct mal_object *obj;
	long pause = 1;

	for (;;) {
		obj = mal_handle_alloc(file, request);
		if (obj != ERR_PTR(-ENOMEM))
			return obj;
		schedule_timeout_interruptible(pause);
		if (signal_pending(current))
			return ERR_PTR(-EINTR);
		pause = min(2 * pause, longest);
		request->gfp |= __GFP_NOWARN;
	}
}

static int mal_verb_alloc(struct mal_file *file, union mal_arg *arg)
{
	struct memalloc_alloc *alloc = &arg->alloc;
	struct mal_request request;
	struct mal_object *obj;
	int err;

	err = mal_request_from_user(alloc, &request);
	if (err)
		return err;
	if (alloc->gfp & MEMALLOC_GFP_NOFAIL)
		obj = mal_alloc_nofail(file, &request);
	else
		obj = mal_handle_alloc(file, &request);
	if (IS_ERR(obj))
		return PTR_ERR(obj);
	alloc->out_handle = READ_ONCE(obj->handle);
	alloc->out_bytes = obj->bytes;
	alloc->out_map_offset = mal_object_map_offset(obj);
	mal_object_put(obj);
	return 0;
}

static void mal_undo_alloc(struct mal_file *file, union mal_arg *arg)
{
	mal_handle_free(file, arg->alloc.out_handle);
}

static int mal_verb_free(struct mal_file *file, union mal_arg *arg)
{
	if (arg->free.flags)
		return -EINVAL;
	return mal_handle_free(file, arg->free.handle);
}

static int mal_verb_read(struct mal_file *file, union mal_arg *arg)
{
	struct memalloc_io *io = &arg->io;
	struct mal_object *obj;
	void __user *data;
	int err;

	if (io->flags)
		return -EINVAL;
	obj = mal_handle_get(file, io->handle);
	if (!obj)
		return -ENOENT;
	err = mal_user_ptr(io->data, &data);
	if (!err)
		err = mal_object_read(obj, io->offset, io->length, data,
				      &io->out_done);
	mal_object_put(obj);
	return err;
}

static int mal_verb_write(struct mal_file *file, union mal_arg *arg)
{
	struct memalloc_io *io = &arg->io;
	struct mal_object *obj;
	void __user *data;
	int err;

	if (io->flags)
		return -EINVAL;
	obj = mal_handle_get(file, io->handle);
	if (!obj)
		return -ENOENT;
	err = mal_user_ptr(io->data, &data);
	if (!err)
		err = mal_object_write(obj, io->offset, io->length, data,
				       &io->out_done);
	mal_object_put(obj);
	return err;
}

static int mal_pattern_from_user(const struct memalloc_pattern_io *io,
				 struct mal_pattern *pattern)
{
	if (io->flags || io->reserved)
		return -EINVAL;
	pattern->value = io->value;
	switch (io->pattern) {
	case MEMALLOC_PATTERN_REPEAT:
		pattern->step = 0;
		return 0;
	case MEMALLOC_PATTERN_COUNT:
		pattern->step = 1;
		return 0;
	default:
		return -EINVAL;
	}
}

static int mal_verb_fill(struct mal_file *file, union mal_arg *arg)
{
	struct memalloc_pattern_io *io = &arg->pattern_io;
	struct mal_pattern pattern;
	struct mal_object *obj;
	int err;

	err = mal_pattern_from_user(io, &pattern);
	if (err)
		return err;
	obj = mal_handle_get(file, io->handle);
	if (!obj)
		return -ENOENT;
	err = mal_object_fill(obj, io->offset, io->length, &pattern,
			      &io->out_done);
	mal_object_put(obj);
	return err;
}

static int mal_verb_verify(struct mal_file *file, union mal_arg *arg)
{
	struct memalloc_pattern_io *io = &arg->pattern_io;
	struct mal_pattern pattern;
	struct mal_object *obj;
	int err;

	err = mal_pattern_from_user(io, &pattern);
	if (err)
		return err;
	obj = mal_handle_get(file, io->handle);
	if (!obj)
		return -ENOENT;
	err = mal_object_verify(obj, io->offset, io->length, &pattern,
				&io->out_done);
	mal_object_put(obj);
	return err;
}

static void mal_info_fill(struct mal_object *obj, struct memalloc_info *info)
{
	info->out_kind = obj->kind->id;
	info->out_bytes = obj->bytes;
	info->out_map_offset = mal_object_map_offset(obj);
	info->out_mappings = atomic_long_read(&obj->mappings);
	info->out_order = 0;
	info->out_phys = 0;
	obj->kind->info(obj, info->offset, info);
}

static int mal_verb_info(struct mal_file *file, union mal_arg *arg)
{
	struct memalloc_info *info = &arg->info;
	struct mal_object *obj;
	int err = 0;

	if (info->flags & ~MEMALLOC_INFO_PHYS)
		return -EINVAL;
	if ((info->flags & MEMALLOC_INFO_PHYS) && !capable(CAP_SYS_ADMIN))
		return -EPERM;
	obj = mal_handle_get(file, info->handle);
	if (!obj)
		return -ENOENT;
	if (info->offset < obj->bytes)
		mal_info_fill(obj, info);
	else
		err = -EOVERFLOW;
	mal_object_put(obj);
	return err;
}

/* Any section's structure. */
union mal_section_data {
	struct memalloc_stats_borrowing borrowing;
	struct memalloc_stats_zone zone;
	struct memalloc_stats_file file;
	struct memalloc_stats_reports reports;
};

static unsigned int mal_count_one(void)
{
	return 1;
}

static bool mal_stats_borrowing(struct mal_file *file, u32 index,
				union mal_section_data *data)
{
	mal_borrowing_stats(&data->borrowing);
	return true;
}

static bool mal_stats_zone(struct mal_file *file, u32 index,
			   union mal_section_data *data)
{
	return mal_zone_stats(index, &data->zone);
}

static bool mal_stats_file(struct mal_file *file, u32 index,
			   union mal_section_data *data)
{
	mal_file_stats(file, &data->file);
	return true;
}

static bool mal_stats_reports(struct mal_file *file, u32 index,
			      union mal_section_data *data)
{
	mal_report_stats(&data->reports);
	return true;
}

/**
 * struct mal_stats_section - a section of the statistics
 * @length: of its structure
 * @count: how many entries it has now
 * @fill: fill in an entry. Return: whether there is one at @index.
 */
struct mal_stats_section {
	u32 length;
	unsigned int (*count)(void);
	bool (*fill)(struct mal_file *file, u32 index,
		     union mal_section_data *data);
};

/* By enum memalloc_section. */
static const struct mal_stats_section mal_stats_sections[] = {
	[MEMALLOC_SECTION_BORROWING] = {
		sizeof(struct memalloc_stats_borrowing),
		mal_count_one, mal_stats_borrowing,
	},
	[MEMALLOC_SECTION_ZONE] = {
		sizeof(struct memalloc_stats_zone),
		mal_zone_count, mal_stats_zone,
	},
	[MEMALLOC_SECTION_FILE] = {
		sizeof(struct memalloc_stats_file),
		mal_count_one, mal_stats_file,
	},
	[MEMALLOC_SECTION_REPORTS] = {
		sizeof(struct memalloc_stats_reports),
		mal_count_one, mal_stats_reports,
	},
};

static const struct mal_stats_section *mal_section_from_user(u32 section)
{
	if (section >= ARRAY_SIZE(mal_stats_sections))
		return NULL;
	section = array_index_nospec(section, ARRAY_SIZE(mal_stats_sections));
	return mal_stats_sections[section].fill ?
	       &mal_stats_sections[section] : NULL;
}

/* Fills the caller's structure as far as either side knows it. */
static int mal_section_to_user(const struct memalloc_stats *stats,
			       const union mal_section_data *data, u32 length)
{
	u32 known = min(stats->length, length);
	void __user *user;

	if (mal_user_ptr(stats->data, &user))
		return -EFAULT;
	if (copy_to_user(user, data, known) ||
	    clear_user(user + known, stats->length - known))
		return -EFAULT;
	return 0;
}

static int mal_verb_stats(struct mal_file *file, union mal_arg *arg)
{
	struct memalloc_stats *stats = &arg->stats;
	const struct mal_stats_section *section;
	union mal_section_data data = {};
	u32 count;

	section = mal_section_from_user(stats->section);
	if (!section || stats->length > MAL_SIZE_MAX)
		return -EINVAL;
	count = section->count();
	if (stats->index >= count ||
	    !section->fill(file, stats->index, &data))
		return -ENOENT;
	stats->out_length = section->length;
	stats->out_count = count;
	return mal_section_to_user(stats, &data, section->length);
}

static int mal_verb_validate(struct mal_file *file, union mal_arg *arg)
{
	struct memalloc_validate *validate = &arg->validate;
	u64 checked = 0;

	if (validate->flags)
		return -EINVAL;
	validate->out_errors = mal_page_validate(&checked);
	validate->out_errors += mal_file_validate(file, &checked);
	validate->out_checked = checked;
	return 0;
}

static int mal_verb_shrink(struct mal_file *file, union mal_arg *arg)
{
	struct memalloc_shrink *shrink = &arg->shrink;

	if (shrink->flags)
		return -EINVAL;
	shrink->out_pages = mal_loan_shrink(min_t(u64, shrink->pages,
						  ULONG_MAX));
	return 0;
}

static int mal_verb_inject(struct mal_file *file, union mal_arg *arg)
{
	struct memalloc_inject *inject = &arg->inject;

	if (inject->flags || inject->nth > S64_MAX)
		return -EINVAL;
	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	inject->out_left = mal_inject_arm(&file->inject, inject->nth);
	return 0;
}

/*
 * One command of a batch. That its outcome can be told is made sure of before
 * it is carried out, by writing what is true of most.
 *
 * Return: 0 if it was carried out, with its own error in @result, else the
 * reason why it could not be.
 */
static int mal_batch_step(struct mal_file *file,
			  struct memalloc_batch_op __user *user, u32 op_size,
			  int *result)
{
	struct memalloc_batch_op op;
	void __user *arg;
	int err;

	err = copy_struct_from_user(&op, sizeof(op), user, op_size);
	if (err)
		return err;
	if (put_user(0, &user->out_errno))
		return -EFAULT;
	if (op.cmd == MEMALLOC_BATCH)
		*result = -EINVAL;
	else if (mal_user_ptr(op.arg, &arg))
		*result = -EFAULT;
	else
		*result = mal_execute(file, op.cmd, arg);
	if (*result && put_user(-*result, &user->out_errno))
		return -EFAULT;
	return 0;
}

static int mal_batch_check(const struct memalloc_batch *batch)
{
	if ((batch->flags & ~MEMALLOC_BATCH_KEEP_GOING) || batch->reserved ||
	    batch->count > MEMALLOC_BATCH_MAX ||
	    batch->op_size < offsetofend(struct memalloc_batch_op, arg))
		return -EINVAL;
	return batch->op_size > MAL_SIZE_MAX ? -E2BIG : 0;
}

/*
 * A command that cannot be read, or answered, ends the batch; only if it is the
 * very first is that an error of the batch, or nobody would learn how far it
 * came.
 */
static int mal_verb_batch(struct mal_file *file, union mal_arg *arg)
{
	struct memalloc_batch *batch = &arg->batch;
	bool keep_going = batch->flags & MEMALLOC_BATCH_KEEP_GOING;
	void __user *ops;
	int err, result;
	u32 done = 0;

	err = mal_batch_check(batch) ?: mal_user_ptr(batch->ops, &ops);
	if (err)
		return err;
	while (done < batch->count) {
		err = mal_batch_step(file, ops + done * batch->op_size,
				     batch->op_size, &result);
		if (err)
			break;
		done++;
		if ((result && !keep_going) || signal_pending(current))
			break;
		cond_resched();
	}
	batch->out_done = done;
	return done ? 0 : err;
}

#define MAL_VERB(_cmd, _struct, _last, _out) \
	.cmd = MEMALLOC_##_cmd, \
	.size = sizeof(_struct), \
	.min_size = offsetofend(_struct, _last), \
	.out = _out

static const struct mal_verb mal_verbs[] = {
	[MEMALLOC_CMD_ALLOC] = {
		MAL_VERB(ALLOC, struct memalloc_alloc, out_map_offset,
			 offsetof(struct memalloc_alloc, out_handle)),
		.writes = true,
		.run = mal_verb_alloc,
		.undo = mal_undo_alloc,
	},
	[MEMALLOC_CMD_FREE] = {
		MAL_VERB(FREE, struct memalloc_free, handle,
			 sizeof(struct memalloc_free)),
		.writes = true,
		.run = mal_verb_free,
	},
	[MEMALLOC_CMD_READ] = {
		MAL_VERB(READ, struct memalloc_io, out_done,
			 offsetof(struct memalloc_io, out_done)),
		.run = mal_verb_read,
	},
	[MEMALLOC_CMD_WRITE] = {
		MAL_VERB(WRITE, struct memalloc_io, out_done,
			 offsetof(struct memalloc_io, out_done)),
		.writes = true,
		.run = mal_verb_write,
	},
	[MEMALLOC_CMD_FILL] = {
		MAL_VERB(FILL, struct memalloc_pattern_io, out_done,
			 offsetof(struct memalloc_pattern_io, out_done)),
		.writes = true,
		.run = mal_verb_fill,
	},
	[MEMALLOC_CMD_VERIFY] = {
		MAL_VERB(VERIFY, struct memalloc_pattern_io, out_done,
			 offsetof(struct memalloc_pattern_io, out_done)),
		.run = mal_verb_verify,
	},
	[MEMALLOC_CMD_INFO] = {
		MAL_VERB(INFO, struct memalloc_info, out_phys,
			 offsetof(struct memalloc_info, out_kind)),
		.run = mal_verb_info,
	},
	[MEMALLOC_CMD_STATS] = {
		MAL_VERB(STATS, struct memalloc_stats, out_count,
			 offsetof(struct memalloc_stats, out_length)),
		.run = mal_verb_stats,
	},
	[MEMALLOC_CMD_VALIDATE] = {
		MAL_VERB(VALIDATE, struct memalloc_validate, out_errors,
			 offsetof(struct memalloc_validate, out_checked)),
		.run = mal_verb_validate,
	},
	[MEMALLOC_CMD_SHRINK] = {
		MAL_VERB(SHRINK, struct memalloc_shrink, out_pages,
			 offsetof(struct memalloc_shrink, out_pages)),
		.writes = true,
		.run = mal_verb_shrink,
	},
	[MEMALLOC_CMD_BATCH] = {
		MAL_VERB(BATCH, struct memalloc_batch, reserved,
			 offsetof(struct memalloc_batch, out_done)),
		.run = mal_verb_batch,
	},
	[MEMALLOC_CMD_INJECT] = {
		MAL_VERB(INJECT, struct memalloc_inject, out_left,
			 offsetof(struct memalloc_inject, out_left)),
		.writes = true,
		.run = mal_verb_inject,
	},
};

static const struct mal_verb *mal_verb_find(unsigned int cmd)
{
	unsigned int nr = _IOC_NR(cmd);

	if (nr >= ARRAY_SIZE(mal_verbs))
		return NULL;
	nr = array_index_nospec(nr, ARRAY_SIZE(mal_verbs));
	return mal_verbs[nr].cmd == cmd ? &mal_verbs[nr] : NULL;
}

/* @size: of the structure, as the caller knows it. */
static int mal_arg_from_user(const struct mal_verb *verb, union mal_arg *arg,
			     void __user *user, u32 *size)
{
	if (get_user(*size, (u32 __user *)user))
		return -EFAULT;
	if (*size < verb->min_size)
		return -EINVAL;
	if (*size > MAL_SIZE_MAX)
		return -E2BIG;
	return copy_struct_from_user(arg, verb->size, user, *size);
}

/* Only the answers, and no more of them than the caller knows. */
static int mal_arg_to_user(const struct mal_verb *verb,
			   const union mal_arg *arg, void __user *user,
			   u32 size)
{
	u32 end = min_t(u32, size, verb->size);

	if (end <= verb->out)
		return 0;
	return copy_to_user(user + verb->out, (const u8 *)arg + verb->out,
			    end - verb->out) ? -EFAULT : 0;
}

static int mal_execute(struct mal_file *file, unsigned int cmd,
		       void __user *user)
{
	const struct mal_verb *verb = mal_verb_find(cmd);
	struct mal_inject_scope scope;
	union mal_arg arg;
	u32 size;
	int err;

	if (!verb)
		return -ENOTTY;
	if (verb->writes && !file->writable)
		return -EBADF;
	err = mal_arg_from_user(verb, &arg, user, &size);
	if (err)
		return err;
	mal_inject_enter(&scope, &file->inject);
	err = verb->run(file, &arg);
	mal_inject_leave(&scope);
	if (err)
		return err;
	err = mal_arg_to_user(verb, &arg, user, size);
	if (err && verb->undo)
		verb->undo(file, &arg);
	return err;
}

static long mal_device_ioctl(struct file *filp, unsigned int cmd,
			     unsigned long arg)
{
	return mal_execute(filp->private_data, cmd, (void __user *)arg);
}

static int mal_device_mmap(struct file *filp, struct vm_area_struct *vma)
{
	return mal_file_mmap(filp->private_data, vma);
}

static int mal_device_open(struct inode *inode, struct file *filp)
{
	struct mal_file *file = mal_file_open(!!(filp->f_mode & FMODE_WRITE));

	if (!file)
		return -ENOMEM;
	filp->private_data = file;
	return nonseekable_open(inode, filp);
}

static int mal_device_release(struct inode *inode, struct file *filp)
{
	mal_file_close(filp->private_data);
	return 0;
}

static const struct file_operations mal_device_fops = {
	.owner = THIS_MODULE,
	.open = mal_device_open,
	.release = mal_device_release,
	.unlocked_ioctl = mal_device_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.mmap = mal_device_mmap,
};

static struct miscdevice mal_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "memalloc",
	.fops = &mal_device_fops,
	.mode = 0660,
};

/**
 * mal_device_show() - print the section "device"
 * @m: /proc/memalloc
 *
 * Context: task.
 */
void mal_device_show(struct seq_file *m)
{
	mal_file_show(m);
}

/**
 * mal_device_init() - make /dev/memalloc
 *
 * From here on user space may use all layers.
 *
 * Context: task.
 * Return: 0, or what misc_register() fails with.
 */
int mal_device_init(void)
{
	return misc_register(&mal_device);
}

/**
 * mal_device_exit() - remove /dev/memalloc
 *
 * No file is open: an open one keeps the module loaded.
 *
 * Context: task.
 */
void mal_device_exit(void)
{
	misc_deregister(&mal_device);
	mal_file_check_none_left();
}
