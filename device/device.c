// SPDX-License-Identifier: GPL-2.0
/*
 * /dev/memalloc: the commands that drive every layer
 *
 * Implements the commands of <linux/memalloc.h>: one table row and one function
 * for each. mal_execute() does the work that is common to all commands: it
 * finds the command, checks the mode of the file, copies the structure in by
 * the rules of extensible structures, and copies the answers out. The function
 * of a command handles only its own fields. A batch calls mal_execute() for
 * each of its commands.
 *
 * A file that was opened read-only may query (READ, VERIFY, INFO, STATS,
 * VALIDATE, VERSION, and batches of these). Commands that change anything fail
 * with EBADF, as write(2) does. A file that was opened write-only may neither
 * READ nor VERIFY, as with read(2).
 *
 * If the answer cannot be delivered, the command is undone if that matters: an
 * object is freed if the caller would never learn its handle. A command that
 * changes something and cannot be undone is not started if its answer cannot be
 * written. The answer may still become unwritable meanwhile through the
 * caller's own actions.
 *
 * Context: task, may sleep. A command holds a reference to each object that it
 * uses, and accesses the bytes of an object only while it cannot be resized.
 *
 * Lifetimes: file->private_data is the struct mal_file, from open to release.
 * The module stays loaded as long as a file is open or mapped.
 */
#include <linux/capability.h>
#include <linux/compat.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/kernel.h>
#include <linux/minmax.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/nospec.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/seq_file.h>
#include <linux/sizes.h>
#include <linux/stddef.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include <memalloc/slab_cache.h>
#include <memalloc/version.h>
#include <uapi/linux/memalloc.h>

#include "internal/access.h"
#include "internal/area_cache.h"
#include "internal/borrow.h"
#include "internal/device.h"
#include "internal/gfp.h"
#include "internal/handle.h"
#include "internal/inject.h"
#include "internal/kind.h"
#include "internal/node.h"
#include "internal/percpu.h"
#include "internal/percpu_chunk.h"
#include "internal/quota.h"
#include "internal/report.h"
#include "internal/slab_cache.h"
#include "internal/slab_reclaim.h"
#include "internal/stats.h"
#include "internal/user.h"

/* No structure will ever exceed this size; longer input is rejected unread. */
#define MAL_SIZE_MAX	SZ_4K

/* The structures of all commands. */
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
	struct memalloc_resize resize;
	struct memalloc_cache_create cache_create;
	struct memalloc_mempool_create mempool_create;
	struct memalloc_version version;
};

/**
 * struct mal_command - a command of the device
 * @cmd: number of the command
 * @size: current size of its structure
 * @min_size: size of the first version of its structure
 * @out: offset of the first answer in the structure
 * @out_end: offset after the last answer; @out if there are none
 * @reads: needs a file opened for reading
 * @writes: needs a file opened for writing
 * @run: executes the command. Sets all answers on success.
 * @undo: undoes the command if its answers cannot be delivered; may be NULL
 */
struct mal_command {
	unsigned int cmd;
	u16 size;
	u16 min_size;
	u16 out;
	u16 out_end;
	bool reads;
	bool writes;
	int (*run)(struct mal_file *file, union mal_arg *arg);
	void (*undo)(struct mal_file *file, union mal_arg *arg);
};

static int mal_execute(struct mal_file *file, unsigned int cmd,
		       void __user *user);

/* Indexed by enum memalloc_kind. */
static const struct mal_kind *const mal_kinds[] = {
	[MEMALLOC_KIND_PAGES] = &mal_kind_pages,
	[MEMALLOC_KIND_CACHE] = &mal_kind_cache,
	[MEMALLOC_KIND_OBJECT] = &mal_kind_object,
	[MEMALLOC_KIND_KMALLOC] = &mal_kind_kmalloc,
	[MEMALLOC_KIND_MEMPOOL] = &mal_kind_mempool,
	[MEMALLOC_KIND_ELEMENT] = &mal_kind_element,
	[MEMALLOC_KIND_PERCPU] = &mal_kind_percpu,
	[MEMALLOC_KIND_AREA] = &mal_kind_area,
};

static const struct mal_kind *mal_kind_from_user(u32 kind)
{
	if (kind >= ARRAY_SIZE(mal_kinds))
		return NULL;
	return mal_kinds[array_index_nospec(kind, ARRAY_SIZE(mal_kinds))];
}

/* Look up the parent, with a reference; NULL if the kind has none. */
static int mal_parent_from_user(struct mal_file *file,
				const struct mal_kind *kind, u64 handle,
				struct mal_handle **parent)
{
	*parent = NULL;
	if (!kind->parent)
		return handle ? -EINVAL : 0;
	*parent = mal_handle_get(file, handle);
	if (!*parent)
		return -ENOENT;
	if ((*parent)->kind->id == kind->parent)
		return 0;
	mal_handle_put(*parent);
	return -EINVAL;
}

/* Undone by mal_request_put(). */
static int mal_request_from_user(struct mal_file *file,
				 const struct memalloc_alloc *arg,
				 struct mal_request *request)
{
	int err;

	request->arg = arg;
	request->described = 0;
	request->kind = mal_kind_from_user(arg->kind);
	if (!request->kind || !request->kind->size ||
	    arg->flags & ~request->kind->flags || arg->reserved ||
	    (arg->align && !request->kind->aligned))
		return -EINVAL;
	err = mal_gfp_from_user(arg->gfp, &request->gfp) ?:
	      mal_node_from_user(arg->node, &request->node) ?:
	      mal_parent_from_user(file, request->kind, arg->parent,
				   &request->parent);
	if (err)
		return err;
	err = request->kind->size(request) ?:
	      mal_node_confine(request->gfp, &request->node);
	if (err && request->parent)
		mal_handle_put(request->parent);
	return err;
}

static void mal_request_put(const struct mal_request *request)
{
	if (request->parent)
		mal_handle_put(request->parent);
}

/*
 * NOFAIL for user space: retry at growing intervals until the allocation
 * succeeds or a signal arrives. Nothing is held meanwhile, and a quota still
 * refuses. Only the first failure is logged.
 */
static struct mal_handle *mal_alloc_nofail(struct mal_file *file,
					   struct mal_request *request)
{
	const long longest = max(HZ / 10, 1);
	struct mal_handle *obj;
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

static int mal_command_alloc(struct mal_file *file, union mal_arg *arg)
{
	struct memalloc_alloc *alloc = &arg->alloc;
	struct mal_request request;
	struct mal_handle *obj;
	int err;

	err = mal_request_from_user(file, alloc, &request);
	if (err)
		return err;
	if (alloc->gfp & MEMALLOC_GFP_NOFAIL)
		obj = mal_alloc_nofail(file, &request);
	else
		obj = mal_handle_alloc(file, &request);
	mal_request_put(&request);
	if (IS_ERR(obj))
		return PTR_ERR(obj);
	alloc->out_handle = READ_ONCE(obj->handle);
	alloc->out_bytes = obj->bytes;
	alloc->out_map_offset = mal_handle_map_offset(obj);
	mal_handle_put(obj);
	return 0;
}

static void mal_undo_alloc(struct mal_file *file, union mal_arg *arg)
{
	mal_handle_free(file, arg->alloc.out_handle);
}

static int mal_command_cache_create(struct mal_file *file, union mal_arg *arg)
{
	struct mal_request request;
	struct mal_handle *obj;
	int err;

	err = mal_cache_request(&arg->cache_create, &request);
	if (err)
		return err;
	obj = mal_handle_alloc(file, &request);
	if (IS_ERR(obj))
		return PTR_ERR(obj);
	arg->cache_create.out_handle = READ_ONCE(obj->handle);
	mal_handle_put(obj);
	return 0;
}

static void mal_undo_cache_create(struct mal_file *file, union mal_arg *arg)
{
	mal_handle_free(file, arg->cache_create.out_handle);
}

static int mal_command_mempool_create(struct mal_file *file, union mal_arg *arg)
{
	struct mal_request request;
	struct mal_handle *obj;
	int err;

	err = mal_mempool_request(file, &arg->mempool_create, &request);
	if (err)
		return err;
	obj = mal_handle_alloc(file, &request);
	mal_request_put(&request);
	if (IS_ERR(obj))
		return PTR_ERR(obj);
	arg->mempool_create.out_handle = READ_ONCE(obj->handle);
	mal_handle_put(obj);
	return 0;
}

static void mal_undo_mempool_create(struct mal_file *file, union mal_arg *arg)
{
	mal_handle_free(file, arg->mempool_create.out_handle);
}

static int mal_command_resize(struct mal_file *file, union mal_arg *arg)
{
	const u32 not_here = MEMALLOC_GFP_DMA | MEMALLOC_GFP_DMA32 |
			     MEMALLOC_GFP_HIGHMEM | MEMALLOC_GFP_THISNODE |
			     MEMALLOC_GFP_NOFAIL;
	struct memalloc_resize *resize = &arg->resize;
	gfp_t gfp;
	int err;

	if (resize->flags || resize->reserved || resize->reserved2 ||
	    resize->gfp & not_here ||
	    (resize->gfp & MEMALLOC_GFP_MODE) == MEMALLOC_GFP_HIGHUSER)
		return -EINVAL;
	err = mal_gfp_from_user(resize->gfp, &gfp);
	if (err)
		return err;
	return mal_handle_resize(file, resize, gfp);
}

static int mal_command_free(struct mal_file *file, union mal_arg *arg)
{
	if (arg->free.flags)
		return -EINVAL;
	return mal_handle_free(file, arg->free.handle);
}

static int mal_command_read(struct mal_file *file, union mal_arg *arg)
{
	struct memalloc_io *io = &arg->io;
	struct mal_handle *obj;
	void __user *data;
	int err;

	if (io->flags)
		return -EINVAL;
	obj = mal_handle_get(file, io->handle);
	if (!obj)
		return -ENOENT;
	err = mal_user_ptr(io->data, &data);
	if (!err)
		err = mal_handle_read(obj, io->offset, io->length, data,
				      &io->out_done);
	mal_handle_put(obj);
	return err;
}

static int mal_command_write(struct mal_file *file, union mal_arg *arg)
{
	struct memalloc_io *io = &arg->io;
	struct mal_handle *obj;
	void __user *data;
	int err;

	if (io->flags)
		return -EINVAL;
	obj = mal_handle_get(file, io->handle);
	if (!obj)
		return -ENOENT;
	err = mal_user_ptr(io->data, &data);
	if (!err)
		err = mal_handle_write(obj, io->offset, io->length, data,
				       &io->out_done);
	mal_handle_put(obj);
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

static int mal_command_fill(struct mal_file *file, union mal_arg *arg)
{
	struct memalloc_pattern_io *io = &arg->pattern_io;
	struct mal_pattern pattern;
	struct mal_handle *obj;
	int err;

	err = mal_pattern_from_user(io, &pattern);
	if (err)
		return err;
	obj = mal_handle_get(file, io->handle);
	if (!obj)
		return -ENOENT;
	err = mal_handle_fill(obj, io->offset, io->length, &pattern,
			      &io->out_done);
	mal_handle_put(obj);
	return err;
}

static int mal_command_verify(struct mal_file *file, union mal_arg *arg)
{
	struct memalloc_pattern_io *io = &arg->pattern_io;
	struct mal_pattern pattern;
	struct mal_handle *obj;
	int err;

	err = mal_pattern_from_user(io, &pattern);
	if (err)
		return err;
	obj = mal_handle_get(file, io->handle);
	if (!obj)
		return -ENOENT;
	err = mal_handle_verify(obj, io->offset, io->length, &pattern,
				&io->out_done);
	mal_handle_put(obj);
	return err;
}

static void mal_info_fill(struct mal_handle *obj, struct memalloc_info *info)
{
	memset((u8 *)info + offsetof(struct memalloc_info, out_kind), 0,
	       sizeof(*info) - offsetof(struct memalloc_info, out_kind));
	info->out_kind = obj->kind->id;
	info->out_node = NUMA_NO_NODE;
	info->out_bytes = obj->bytes;
	info->out_map_offset = mal_handle_map_offset(obj);
	info->out_mappings = atomic_long_read(&obj->mappings);
	info->out_held = mal_handle_charged(obj);
	info->out_parent = obj->parent ? READ_ONCE(obj->parent->handle) : 0;
	info->out_children = mal_handle_children(obj);
	obj->kind->info(obj, mal_offset_nospec(info->offset, obj->bytes), info);
}

static int mal_info_locked(struct mal_handle *obj, struct memalloc_info *info)
{
	if (info->offset && info->offset >= obj->bytes)
		return -EOVERFLOW;
	mal_info_fill(obj, info);
	return 0;
}

static int mal_command_info(struct mal_file *file, union mal_arg *arg)
{
	struct memalloc_info *info = &arg->info;
	struct mal_handle *obj;
	int err;

	if (info->flags & ~MEMALLOC_INFO_PHYS)
		return -EINVAL;
	if ((info->flags & MEMALLOC_INFO_PHYS) && !capable(CAP_SYS_ADMIN))
		return -EPERM;
	obj = mal_handle_get(file, info->handle);
	if (!obj)
		return -ENOENT;
	err = mal_handle_lock(obj);
	if (!err) {
		err = mal_info_locked(obj, info);
		mal_handle_unlock(obj);
	}
	mal_handle_put(obj);
	return err;
}

static int mal_command_stats(struct mal_file *file, union mal_arg *arg)
{
	return mal_stats_to_user(file, &arg->stats);
}

static int mal_command_validate(struct mal_file *file, union mal_arg *arg)
{
	struct memalloc_validate *validate = &arg->validate;
	u64 checked = 0;

	if (validate->flags)
		return -EINVAL;
	validate->out_errors = mal_page_validate(&checked);
	validate->out_errors += mal_slab_validate(&checked);
	validate->out_errors += mal_percpu_chunk_validate(&checked);
	validate->out_errors += mal_file_validate(file, &checked);
	validate->out_checked = checked;
	return 0;
}

/* Other tasks may create slabs concurrently, so the number may have grown. */
static u64 mal_cache_shrink(struct mal_kmem_cache *cache)
{
	struct mal_cache_stats before, after;

	mal_cache_stats(cache, &before);
	mal_kmem_cache_shrink(cache);
	mal_cache_stats(cache, &after);
	return before.slab_pages - min(before.slab_pages, after.slab_pages);
}

static int mal_shrink_cache(struct mal_file *file,
			    struct memalloc_shrink *shrink)
{
	struct mal_handle *obj = mal_handle_get(file, shrink->handle);
	int err = 0;

	if (!obj)
		return -ENOENT;
	if (obj->kind != &mal_kind_cache)
		err = -EOPNOTSUPP;
	else if (shrink->pages)
		err = -EINVAL;
	else
		shrink->out_pages = mal_cache_shrink(obj->cache);
	mal_handle_put(obj);
	return err;
}

static int mal_command_shrink(struct mal_file *file, union mal_arg *arg)
{
	struct memalloc_shrink *shrink = &arg->shrink;

	if (shrink->flags)
		return -EINVAL;
	if (shrink->handle)
		return mal_shrink_cache(file, shrink);
	if (!shrink->pages) {
		mal_area_cache_shrink_killable();
		mal_percpu_shrink();
		mal_slab_shrink();
	}
	shrink->out_pages = mal_borrow_shrink_killable(min_t(u64, shrink->pages,
							     ULONG_MAX));
	return fatal_signal_pending(current) ? -EINTR : 0;
}

static int mal_command_inject(struct mal_file *file, union mal_arg *arg)
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
 * Execute one command of a batch. Its result is made deliverable beforehand by
 * writing the common one, success.
 *
 * Returns 0 if the command was executed, with its own error in @result, or the
 * reason why it was not.
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
 * A command that cannot be read or answered ends the batch. That is an error of
 * the batch only for the first command; otherwise the caller would not learn
 * how many commands were executed.
 */
static int mal_command_batch(struct mal_file *file, union mal_arg *arg)
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

static int mal_command_version(struct mal_file *file, union mal_arg *arg);

/*
 * @_last: last field of the first version. @_first_out, @_last_out: the
 *	answers.
 */
#define MAL_VERB(_cmd, _struct, _last, _first_out, _last_out) \
	.cmd = MEMALLOC_##_cmd, \
	.size = sizeof(_struct), \
	.min_size = offsetofend(_struct, _last), \
	.out = offsetof(_struct, _first_out), \
	.out_end = offsetofend(_struct, _last_out)

/* A command without answers. */
#define MAL_VERB_SILENT(_cmd, _struct, _last) \
	.cmd = MEMALLOC_##_cmd, \
	.size = sizeof(_struct), \
	.min_size = offsetofend(_struct, _last)

static const struct mal_command mal_commands[] = {
	[MEMALLOC_CMD_ALLOC] = {
		MAL_VERB(ALLOC, struct memalloc_alloc, out_map_offset,
			 out_handle, out_map_offset),
		.writes = true,
		.run = mal_command_alloc,
		.undo = mal_undo_alloc,
	},
	[MEMALLOC_CMD_FREE] = {
		MAL_VERB_SILENT(FREE, struct memalloc_free, handle),
		.writes = true,
		.run = mal_command_free,
	},
	[MEMALLOC_CMD_READ] = {
		MAL_VERB(READ, struct memalloc_io, out_done,
			 out_done, out_done),
		.reads = true,
		.run = mal_command_read,
	},
	[MEMALLOC_CMD_WRITE] = {
		MAL_VERB(WRITE, struct memalloc_io, out_done,
			 out_done, out_done),
		.writes = true,
		.run = mal_command_write,
	},
	[MEMALLOC_CMD_FILL] = {
		MAL_VERB(FILL, struct memalloc_pattern_io, out_done,
			 out_done, out_done),
		.writes = true,
		.run = mal_command_fill,
	},
	[MEMALLOC_CMD_VERIFY] = {
		MAL_VERB(VERIFY, struct memalloc_pattern_io, out_done,
			 out_done, out_done),
		.reads = true,
		.run = mal_command_verify,
	},
	[MEMALLOC_CMD_INFO] = {
		MAL_VERB(INFO, struct memalloc_info, out_phys,
			 out_kind, out_name),
		.run = mal_command_info,
	},
	[MEMALLOC_CMD_STATS] = {
		MAL_VERB(STATS, struct memalloc_stats, out_count,
			 out_length, out_count),
		.run = mal_command_stats,
	},
	[MEMALLOC_CMD_VALIDATE] = {
		MAL_VERB(VALIDATE, struct memalloc_validate, out_errors,
			 out_checked, out_errors),
		.run = mal_command_validate,
	},
	[MEMALLOC_CMD_SHRINK] = {
		MAL_VERB(SHRINK, struct memalloc_shrink, out_pages,
			 out_pages, out_pages),
		.writes = true,
		.run = mal_command_shrink,
	},
	[MEMALLOC_CMD_BATCH] = {
		MAL_VERB(BATCH, struct memalloc_batch, reserved,
			 out_done, out_done),
		.run = mal_command_batch,
	},
	[MEMALLOC_CMD_INJECT] = {
		MAL_VERB(INJECT, struct memalloc_inject, out_left,
			 out_left, out_left),
		.writes = true,
		.run = mal_command_inject,
	},
	[MEMALLOC_CMD_RESIZE] = {
		MAL_VERB(RESIZE, struct memalloc_resize, out_held,
			 out_bytes, out_held),
		.writes = true,
		.run = mal_command_resize,
	},
	[MEMALLOC_CMD_CACHE_CREATE] = {
		MAL_VERB(CACHE_CREATE, struct memalloc_cache_create, out_handle,
			 out_handle, out_handle),
		.writes = true,
		.run = mal_command_cache_create,
		.undo = mal_undo_cache_create,
	},
	[MEMALLOC_CMD_MEMPOOL_CREATE] = {
		MAL_VERB(MEMPOOL_CREATE, struct memalloc_mempool_create, out_handle,
			 out_handle, out_handle),
		.writes = true,
		.run = mal_command_mempool_create,
		.undo = mal_undo_mempool_create,
	},
	[MEMALLOC_CMD_VERSION] = {
		MAL_VERB(VERSION, struct memalloc_version, out_release,
			 out_abi, out_release),
		.run = mal_command_version,
	},
};

static int mal_command_version(struct mal_file *file, union mal_arg *arg)
{
	struct memalloc_version *version = &arg->version;

	if (version->flags)
		return -EINVAL;
	version->out_abi = MEMALLOC_ABI_VERSION;
	version->out_commands = ARRAY_SIZE(mal_commands);
	strscpy_pad(version->out_release, MEMALLOC_RELEASE,
		    sizeof(version->out_release));
	return 0;
}

static const struct mal_command *mal_command_find(unsigned int cmd)
{
	unsigned int nr = _IOC_NR(cmd);

	if (nr >= ARRAY_SIZE(mal_commands))
		return NULL;
	nr = array_index_nospec(nr, ARRAY_SIZE(mal_commands));
	return mal_commands[nr].cmd == cmd ? &mal_commands[nr] : NULL;
}

/* @size: size of the structure according to the caller. */
static int mal_arg_from_user(const struct mal_command *command, union mal_arg *arg,
			     void __user *user, u32 *size)
{
	if (get_user(*size, (u32 __user *)user))
		return -EFAULT;
	if (*size < command->min_size)
		return -EINVAL;
	if (*size > MAL_SIZE_MAX)
		return -E2BIG;
	return copy_struct_from_user(arg, command->size, user, *size);
}

/* Copies only the answers, and only those that fit the caller's structure. */
static int mal_arg_to_user(const struct mal_command *command,
			   const union mal_arg *arg, void __user *user,
			   u32 size)
{
	u32 end = min_t(u32, size, command->out_end);

	if (end <= command->out)
		return 0;
	return copy_to_user(user + command->out, (const u8 *)arg + command->out,
			    end - command->out) ? -EFAULT : 0;
}

static int mal_execute(struct mal_file *file, unsigned int cmd,
		       void __user *user)
{
	const struct mal_command *command = mal_command_find(cmd);
	struct mal_inject_scope scope;
	union mal_arg arg;
	u32 size;
	int err;

	if (!command)
		return -ENOTTY;
	if ((command->writes && !file->writable) || (command->reads && !file->readable))
		return -EBADF;
	err = mal_arg_from_user(command, &arg, user, &size);
	if (err)
		return err;
	if (command->writes && !command->undo && mal_arg_to_user(command, &arg, user, size))
		return -EFAULT;
	mal_inject_enter(&scope, &file->inject);
	err = command->run(file, &arg);
	mal_inject_leave(&scope);
	if (err)
		return err;
	err = mal_arg_to_user(command, &arg, user, size);
	if (err && command->undo)
		command->undo(file, &arg);
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
	struct mal_file *file = mal_file_open(filp->f_mode);

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
 * mal_device_init() - create /dev/memalloc
 *
 * User space may use all layers from here on.
 *
 * Context: task.
 * Return: 0, or the error of misc_register().
 */
int mal_device_init(void)
{
	return misc_register(&mal_device);
}

/**
 * mal_device_exit() - remove /dev/memalloc
 *
 * No file is open: an open file keeps the module loaded.
 *
 * Context: task.
 */
void mal_device_exit(void)
{
	misc_deregister(&mal_device);
	mal_file_check_none_left();
	mal_user_exit();
}
