// SPDX-License-Identifier: GPL-2.0
/*
 * Handles: what an open file of /dev/memalloc holds
 *
 * An object is an allocation made through the device. It is charged to the
 * open file (struct mal_file) that made it, has a handle there until it is freed
 * or the file is closed, and exists as long as anybody refers to it: its handle,
 * a command at work on it, a mapping of it in user space.
 *
 * Handles and mmap offsets
 * ------------------------
 * Each file has a mmap space of pages 1 to MAL_LAST_INDEX, in which each object
 * with a handle has a range to itself. One maple tree per file knows them:
 *
 *	index   0    1 ..... 4    5    6        ...        MAL_LAST_INDEX
 *	        -    object A     B    (free)
 *
 *	handle  = random number << 32 | first index
 *	offset  = first index << PAGE_SHIFT
 *
 * so that the handle finds the object by its lower half, and the upper half
 * says whether it is still the one that was meant: a handle that is guessed, or
 * kept after the object is gone, is refused though the index be in use
 * again. An index is at most 32 bits so that a 32-bit process can pass it to
 * mmap(2), and an offset fits in an unsigned long, which is what the host lets
 * a device use.
 *
 * An object may be made from another one of the same file, its parent, as an
 * object of a slab cache is from the cache. It refers to the parent, and counts
 * as its child from before it is allocated until it has been released: as long
 * as there are any, the parent's handle cannot be freed, and without its handle
 * nothing more can be made from it. When the file is closed the parent goes with
 * the last of them, whatever the order of their handles.
 *
 * A mapping refers to the object, and like any mapping to the open file. So a
 * file whose last descriptor is closed goes when its last mapping does, and only
 * then frees what it holds beside the mapped objects. Nothing but a mapping
 * can reach it by then.
 *
 * Quotas
 * ------
 * Three limits, each a module parameter that may be changed at any time; what is
 * held already is not taken away. An object is charged before its memory is
 * allocated, and stays charged until the memory is back with the allocator; while
 * it is resized, with the larger of the two sizes.
 * What is charged is what it takes from the allocator, not what is usable.
 * What is freed while somebody else holds it (a pipe, a bio) is charged to no file
 * any more, and there for nobody: all that is in quarantine counts for the device,
 * or else a program with pipes had more than it may. Before it is a reason to
 * refuse, what is no longer held leaves the quarantine.
 * Sums are exact at any time: objects are linked and counted under one hold of
 * the file's lock, and the sum of all files is compared and added to in one
 * atomic step. Handles are counted apart, since an object may lose its handle
 * long before its last mapping.
 *
 * Contexts
 * --------
 * Everything runs in task context and may sleep; the fault handler, too. Lookups
 * take no lock: they walk the tree under RCU and take a reference unless the
 * last one is gone.
 *
 * Lock order
 * ----------
 *	object->resizing	held over accesses to user space
 *	  mm->mmap_lock
 *	    file->lock		never held over an access to user space
 *	      locks of the host's slab allocator and reclaim
 *
 * Memory is allocated and released with no lock of ours held, but for that of an
 * object that is being resized.
 *
 * Lifetimes
 * ---------
 * The file outlives its objects: a command holds the open file through its
 * descriptor, and a mapping through vma->vm_file. An object is freed after a
 * grace period, for lookups; its memory is released at once.
 */
#include <linux/bug.h>
#include <linux/err.h>
#include <linux/mm.h>
#include <linux/moduleparam.h>
#include <linux/nospec.h>
#include <linux/random.h>
#include <linux/rcupdate.h>
#include <linux/rwsem.h>
#include <linux/sched.h>
#include <linux/seq_file.h>
#include <linux/slab.h>

#include <uapi/linux/memalloc.h>

#include "internal/compat.h"
#include "internal/handle.h"
#include "internal/kind.h"
#include "internal/quarantine.h"
#include "internal/report.h"

/*
 * The mmap space of a file. Zero is left out, so that no handle is zero; and, on
 * 32-bit hosts, the last page that an offset could name, whose end it could not.
 */
#define MAL_FIRST_INDEX	1UL
#define MAL_LAST_INDEX \
	min_t(unsigned long, U32_MAX, (ULONG_MAX >> PAGE_SHIFT) - 1)

static unsigned int mal_quota_handles = 65536;
module_param_named(quota_handles, mal_quota_handles, uint, 0644);
MODULE_PARM_DESC(quota_handles,
		 "Handles in an open file of the device, at most; 0: no limit");

static unsigned int mal_quota_file_mb;
module_param_named(quota_file_mb, mal_quota_file_mb, uint, 0644);
MODULE_PARM_DESC(quota_file_mb,
		 "MiB held by an open file of the device, at most; 0: no limit but the cap");

static unsigned int mal_quota_device_mb;
module_param_named(quota_device_mb, mal_quota_device_mb, uint, 0644);
MODULE_PARM_DESC(quota_device_mb,
		 "MiB held by all open files of the device, at most; 0: no limit but the cap");

/* All open files together. */
static atomic64_t mal_device_bytes;
static atomic_long_t mal_device_files;
static atomic_long_t mal_device_handles;
static atomic_long_t mal_device_mappings;

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
	u64 quarantined = (u64)mal_quarantine_count() << PAGE_SHIFT;
	s64 used = atomic64_read(&mal_device_bytes);

	do {
		if (!mal_fits(used + quarantined, bytes, limit))
			return false;
	} while (!atomic64_try_cmpxchg(&mal_device_bytes, &used, used + bytes));
	return true;
}

static bool mal_device_charge(u64 bytes)
{
	if (mal_device_try_charge(bytes))
		return true;
	if (!mal_quarantine_count())
		return false;
	mal_quarantine_sweep_all();
	return mal_device_try_charge(bytes);
}

/* With the lock of the object's file held. */
static void mal_object_count(struct mal_object *obj)
{
	obj->counted = true;
	obj->file->handles++;
	atomic_long_inc(&mal_device_handles);
}

/* With the lock of the object's file held. */
static void mal_object_uncount(struct mal_object *obj)
{
	if (!obj->counted)
		return;
	obj->counted = false;
	obj->file->handles--;
	atomic_long_dec(&mal_device_handles);
}

/* With the file's lock held. */
static bool mal_file_charge(struct mal_file *file, u64 bytes)
{
	if (!mal_fits(file->bytes, bytes, mal_limit_bytes(&mal_quota_file_mb)) ||
	    !mal_device_charge(bytes))
		return false;
	file->bytes += bytes;
	return true;
}

/* With the file's lock held. */
static int mal_object_enter(struct mal_object *obj)
{
	struct mal_file *file = obj->file;

	if (obj->parent && !obj->parent->handle)
		return -ENOENT;
	if (!mal_fits(file->handles, 1, mal_limit_handles()) ||
	    !mal_file_charge(file, obj->held))
		return -EDQUOT;
	list_add(&obj->link, &file->objects);
	mal_object_count(obj);
	if (obj->parent)
		obj->parent->children++;
	return 0;
}

static int mal_object_charge(struct mal_object *obj)
{
	int err;

	mutex_lock(&obj->file->lock);
	err = mal_object_enter(obj);
	mutex_unlock(&obj->file->lock);
	return err;
}

static void mal_object_uncharge(struct mal_object *obj)
{
	struct mal_file *file = obj->file;

	mutex_lock(&file->lock);
	list_del(&obj->link);
	file->bytes -= obj->held;
	mal_object_uncount(obj);
	if (obj->parent)
		obj->parent->children--;
	mutex_unlock(&file->lock);
	atomic64_sub(obj->held, &mal_device_bytes);
}

/* Hold so many bytes from now on; more than now only if the quotas allow it. */
static int mal_object_recharge(struct mal_object *obj, u64 held)
{
	struct mal_file *file = obj->file;
	int err = 0;

	mutex_lock(&file->lock);
	if (held <= obj->held) {
		file->bytes -= obj->held - held;
		atomic64_sub(obj->held - held, &mal_device_bytes);
	} else if (!mal_file_charge(file, held - obj->held)) {
		err = -EDQUOT;
	}
	if (!err)
		obj->held = held;
	mutex_unlock(&file->lock);
	return err;
}

/**
 * mal_object_held() - what an object takes from the allocator
 * @obj: an object that the caller holds
 *
 * Context: task, may sleep.
 * Return: bytes, as charged.
 */
u64 mal_object_held(struct mal_object *obj)
{
	u64 held;

	mutex_lock(&obj->file->lock);
	held = obj->held;
	mutex_unlock(&obj->file->lock);
	return held;
}

/**
 * mal_object_children() - how many objects are made from an object
 * @obj: an object that the caller holds
 *
 * Context: task, may sleep.
 * Return: how many.
 */
u64 mal_object_children(struct mal_object *obj)
{
	u64 children;

	mutex_lock(&obj->file->lock);
	children = obj->children;
	mutex_unlock(&obj->file->lock);
	return children;
}

static struct mal_object *mal_object_create(struct mal_file *file,
					    const struct mal_request *request)
{
	struct mal_object *obj;
	int err = -ENOMEM;

	if (mal_inject_should_fail())
		return ERR_PTR(-ENOMEM);
	obj = kzalloc(sizeof(*obj), GFP_KERNEL_ACCOUNT);
	if (!obj)
		return ERR_PTR(-ENOMEM);
	obj->kind = request->kind;
	obj->file = file;
	obj->bytes = request->bytes;
	obj->held = request->held;
	obj->parent = request->parent;
	kref_init(&obj->refs);
	init_rwsem(&obj->resizing);

	err = mal_object_charge(obj);
	if (err)
		goto err_free;
	err = obj->kind->alloc(obj, request);
	if (err)
		goto err_uncharge;
	if (obj->parent)
		kref_get(&obj->parent->refs);
	return obj;

err_uncharge:
	mal_object_uncharge(obj);
err_free:
	kfree(obj);
	return ERR_PTR(err);
}

static void mal_object_release(struct kref *refs)
{
	struct mal_object *obj = container_of(refs, struct mal_object, refs);

	obj->kind->release(obj);
	mal_object_uncharge(obj);
	/* An element, its pool, the pool's cache: this goes no deeper. */
	if (obj->parent)
		mal_object_put(obj->parent);
	kfree_rcu(obj, rcu);
}

/**
 * mal_object_put() - drop a reference
 * @obj: an object; the caller may not use it any more
 *
 * The last one releases the memory.
 *
 * Context: task, may sleep.
 */
void mal_object_put(struct mal_object *obj)
{
	kref_put(&obj->refs, mal_object_release);
}

/**
 * mal_object_lock() - keep an object from being resized
 * @obj: an object that the caller holds
 *
 * Context: task, may sleep; until mal_object_unlock().
 * Return: 0, or -EINTR if the task is being killed.
 */
int mal_object_lock(struct mal_object *obj)
{
	return obj->kind->resize ? down_read_killable(&obj->resizing) : 0;
}

/**
 * mal_object_unlock() - let an object be resized again
 * @obj: as given to mal_object_lock()
 *
 * Context: task.
 */
void mal_object_unlock(struct mal_object *obj)
{
	if (obj->kind->resize)
		up_read(&obj->resizing);
}

/* Pages that an object takes in its file's mmap space; never changes. */
static unsigned long mal_object_span(const struct mal_object *obj)
{
	if (!obj->kind->page)
		return 1;
	return max_t(u64, DIV_ROUND_UP_ULL(obj->bytes, PAGE_SIZE), 1);
}

/**
 * mal_object_map_offset() - where mmap(2) finds an object
 * @obj: an object that has or has had a handle
 *
 * Context: any.
 * Return: the offset of its first byte, or 0 if it cannot be mapped.
 */
u64 mal_object_map_offset(const struct mal_object *obj)
{
	return obj->kind->page ? (u64)obj->first << PAGE_SHIFT : 0;
}

/* A range of the file's mmap space for an object; with the file's lock held. */
static int mal_handle_place(struct mal_object *obj, struct ma_state *mas)
{
	unsigned long span = mal_object_span(obj);
	int err;

	if (mal_inject_should_fail())
		return -ENOMEM;
	err = mas_empty_area(mas, MAL_FIRST_INDEX, MAL_LAST_INDEX, span);
	if (err)
		return -ENOMEM;
	obj->first = mas->index;
	WRITE_ONCE(obj->handle, (u64)get_random_u32() << 32 | obj->first);
	mas_set_range(mas, obj->first, obj->first + span - 1);
	return mas_store_gfp(mas, obj, GFP_KERNEL_ACCOUNT);
}

/* Takes a reference for the handle. */
static int mal_handle_insert(struct mal_object *obj)
{
	struct mal_file *file = obj->file;
	int err;

	MA_STATE(mas, &file->tree, 0, 0);

	mutex_lock(&file->lock);
	err = mal_handle_place(obj, &mas);
	if (err)
		WRITE_ONCE(obj->handle, 0);
	else
		kref_get(&obj->refs);
	mutex_unlock(&file->lock);
	return err;
}

/**
 * mal_handle_alloc() - allocate, and give it a handle
 * @file: whose it shall be
 * @request: what is asked for
 *
 * Context: task, may sleep, whatever the request's gfp: that is about the
 * memory asked for, and this needs some of its own.
 * Return: the object, with a reference for the caller; or ERR_PTR of -EDQUOT (a
 * quota is used up), -ENOENT (the parent has lost its handle) or -ENOMEM.
 */
struct mal_object *mal_handle_alloc(struct mal_file *file,
				    const struct mal_request *request)
{
	struct mal_object *obj;
	int err;

	if (request->kind->page && request->bytes >> PAGE_SHIFT >= MAL_LAST_INDEX)
		return ERR_PTR(-ENOMEM);
	obj = mal_object_create(file, request);
	if (IS_ERR(obj))
		return obj;
	err = mal_handle_insert(obj);
	if (err) {
		mal_object_put(obj);
		return ERR_PTR(err);
	}
	return obj;
}

/* The object that has a page of the file's mmap space, with a reference. */
static struct mal_object *mal_object_at(struct mal_file *file,
					unsigned long index)
{
	struct mal_object *obj;

	rcu_read_lock();
	obj = mtree_load(&file->tree, index);
	if (obj && !kref_get_unless_zero(&obj->refs))
		obj = NULL;
	rcu_read_unlock();
	return obj;
}

/**
 * mal_handle_get() - the object that a handle stands for
 * @file: where it is looked for
 * @handle: what user space says
 *
 * Context: task.
 * Return: the object, with a reference for the caller, or NULL if the file has
 * no such handle.
 */
struct mal_object *mal_handle_get(struct mal_file *file, u64 handle)
{
	struct mal_object *obj = mal_object_at(file, lower_32_bits(handle));

	if (obj && READ_ONCE(obj->handle) != handle) {
		mal_object_put(obj);
		obj = NULL;
	}
	return obj;
}

/*
 * With the file's lock held. Taking a range out may need memory to rebalance
 * the tree. That is waited for: whoever frees should not have to handle the
 * lack of it.
 */
static int mal_handle_erase(struct mal_object *obj)
{
	MA_STATE(mas, &obj->file->tree, obj->first,
		 obj->first + mal_object_span(obj) - 1);

	return mas_store_gfp(&mas, NULL, GFP_KERNEL | __GFP_NOFAIL);
}

/* Takes the handle away. Return: the object with the handle's reference. */
static struct mal_object *mal_handle_remove(struct mal_file *file, u64 handle)
{
	struct mal_object *obj;
	int err;

	mutex_lock(&file->lock);
	obj = mtree_load(&file->tree, lower_32_bits(handle));
	if (!obj || obj->handle != handle) {
		obj = ERR_PTR(-ENOENT);
		goto unlock;
	}
	if (obj->children) {
		obj = ERR_PTR(-EBUSY);
		goto unlock;
	}
	err = mal_handle_erase(obj);
	if (err) {
		obj = ERR_PTR(err);
		goto unlock;
	}
	WRITE_ONCE(obj->handle, 0);
	mal_object_uncount(obj);
unlock:
	mutex_unlock(&file->lock);
	return obj;
}

/**
 * mal_handle_free() - free what a handle stands for
 * @file: where it is looked for
 * @handle: what user space says; unknown from now on
 *
 * The memory goes when nobody else refers to it.
 *
 * Context: task, may sleep.
 * Return: 0, or -ENOENT if the file has no such handle, or -EBUSY if others are
 * made from what it stands for. Should the host break
 * its promise of memory that does not fail, -ENOMEM, and nothing has happened.
 */
int mal_handle_free(struct mal_file *file, u64 handle)
{
	struct mal_object *obj = mal_handle_remove(file, handle);

	if (IS_ERR(obj))
		return PTR_ERR(obj);
	mal_object_put(obj);
	return 0;
}

/* With the object's resizing lock held for writing. */
static int mal_object_resize(struct mal_object *obj, u64 size, gfp_t gfp)
{
	u64 before = mal_object_held(obj);
	s64 held = obj->kind->room(obj, size);
	int err;

	if (held < 0)
		return held;
	err = mal_object_recharge(obj, max_t(u64, before, held));
	if (err)
		return err;
	held = obj->kind->resize(obj, size, gfp);
	/* Never more than before: this does not fail. */
	mal_object_recharge(obj, held < 0 ? before : held);
	return min_t(s64, held, 0);
}

/**
 * mal_handle_resize() - change the size of what a handle stands for
 * @file: where it is looked for
 * @resize: the command, its fields checked; out_bytes and out_held are set
 * @gfp: how more memory may be had
 *
 * Context: task, may sleep.
 * Return: 0, -ENOENT (no such handle), -EOPNOTSUPP (not of a kind that can be
 * resized), -EINVAL (not a size for it), -EDQUOT, -ENOMEM, or -EINTR.
 */
int mal_handle_resize(struct mal_file *file, struct memalloc_resize *resize,
		      gfp_t gfp)
{
	struct mal_object *obj = mal_handle_get(file, resize->handle);
	int err = -EOPNOTSUPP;

	if (!obj)
		return -ENOENT;
	if (!obj->kind->resize)
		goto put;
	err = -EINVAL;
	if (obj->kind->counted ? resize->bytes : resize->min_nr)
		goto put;
	err = down_write_killable(&obj->resizing);
	if (err)
		goto put;
	err = mal_object_resize(obj, obj->kind->counted ? resize->min_nr : resize->bytes,
				gfp);
	resize->out_bytes = obj->bytes;
	resize->out_held = mal_object_held(obj);
	up_write(&obj->resizing);
put:
	mal_object_put(obj);
	return err;
}

static void mal_mapping_open(struct vm_area_struct *vma)
{
	struct mal_object *obj = vma->vm_private_data;

	kref_get(&obj->refs);
	atomic_long_inc(&obj->mappings);
	atomic_long_inc(&mal_device_mappings);
}

static void mal_mapping_close(struct vm_area_struct *vma)
{
	struct mal_object *obj = vma->vm_private_data;

	atomic_long_dec(&mal_device_mappings);
	atomic_long_dec(&obj->mappings);
	mal_object_put(obj);
}

static vm_fault_t mal_mapping_fault(struct vm_fault *vmf)
{
	struct mal_object *obj = vmf->vma->vm_private_data;
	unsigned long index = vmf->pgoff - obj->first;

	if (index >= mal_object_span(obj))
		return VM_FAULT_SIGBUS;
	index = array_index_nospec(index, mal_object_span(obj));
	vmf->page = obj->kind->page(obj, index);
	get_page(vmf->page);
	return 0;
}

static const struct vm_operations_struct mal_mapping_ops = {
	.open = mal_mapping_open,
	.close = mal_mapping_close,
	.fault = mal_mapping_fault,
};

static int mal_object_mmap(struct mal_object *obj, struct vm_area_struct *vma)
{
	unsigned long index = vma->vm_pgoff - obj->first;

	if (!obj->kind->page)
		return -ENODEV;
	if (vma_pages(vma) > mal_object_span(obj) - index)
		return -EINVAL;
	vm_flags_set(vma, VM_DONTEXPAND | VM_DONTDUMP);
	vma->vm_private_data = obj;
	vma->vm_ops = &mal_mapping_ops;
	mal_mapping_open(vma);
	return 0;
}

/**
 * mal_file_mmap() - map an object, or a part of one
 * @file: whose
 * @vma: where, and by vm_pgoff what
 *
 * Only shared mappings: a private one would be a copy that has nothing to do
 * with us from the first write on. The host sees to it that a file that was not
 * opened for writing is not mapped for writing, now or by mprotect(2) later.
 *
 * Context: task, with the mmap_lock held for writing.
 * Return: 0, -EINVAL (mapping is private, or goes beyond the object), -ENOENT
 * (no object there) or -ENODEV (not of a kind that can be mapped).
 */
int mal_file_mmap(struct mal_file *file, struct vm_area_struct *vma)
{
	struct mal_object *obj;
	int err;

	/* Not VM_SHARED, which a read-only mapping that may not change lacks. */
	if (!(vma->vm_flags & VM_MAYSHARE))
		return -EINVAL;
	obj = mal_object_at(file, vma->vm_pgoff);
	if (!obj)
		return -ENOENT;
	err = mal_object_mmap(obj, vma);
	mal_object_put(obj);
	return err;
}

/**
 * mal_file_open() - set up what an open file holds: nothing
 * @writable: opened for writing
 *
 * Context: task, may sleep.
 * Return: it, or NULL if there is no memory.
 */
struct mal_file *mal_file_open(bool writable)
{
	struct mal_file *file = kzalloc(sizeof(*file), GFP_KERNEL_ACCOUNT);

	if (!file)
		return NULL;
	mutex_init(&file->lock);
	mt_init_flags(&file->tree, MT_FLAGS_ALLOC_RANGE | MT_FLAGS_USE_RCU |
				   MT_FLAGS_LOCK_EXTERN);
	mt_set_external_lock(&file->tree, &file->lock);
	INIT_LIST_HEAD(&file->objects);
	file->writable = writable;
	mal_inject_init(&file->inject);
	atomic_long_inc(&mal_device_files);
	return file;
}

/**
 * mal_file_close() - free all that an open file holds
 * @file: what mal_file_open() returned; nobody else uses it any more
 *
 * Context: task, may sleep.
 */
void mal_file_close(struct mal_file *file)
{
	struct mal_object *obj;
	unsigned long index = 0;

	mal_inject_destroy(&file->inject);
	mt_for_each(&file->tree, obj, index, MAL_LAST_INDEX) {
		mal_object_put(obj);
		cond_resched();
	}
	mutex_lock(&file->lock);
	__mt_destroy(&file->tree);
	mutex_unlock(&file->lock);
	WARN_ON_ONCE(file->bytes || file->handles ||
		     !list_empty(&file->objects));
	mutex_destroy(&file->lock);
	kfree(file);
	atomic_long_dec(&mal_device_files);
}

/**
 * mal_file_stats() - what an open file holds, and what it may hold
 * @file: which
 * @stats: filled in; a limit that is not set is U64_MAX
 *
 * Context: task, may sleep.
 */
void mal_file_stats(struct mal_file *file, struct memalloc_stats_file *stats)
{
	mutex_lock(&file->lock);
	stats->handles = file->handles;
	stats->bytes = file->bytes;
	mutex_unlock(&file->lock);
	stats->handles_limit = mal_limit_handles();
	stats->bytes_limit = mal_limit_bytes(&mal_quota_file_mb);
	stats->device_bytes = atomic64_read(&mal_device_bytes);
	stats->device_bytes_limit = mal_limit_bytes(&mal_quota_device_mb);
}

/**
 * struct mal_file_count - what is found when a file is gone through
 * @bytes: that all objects hold
 * @counted: objects that count as handles
 * @named: objects that have a handle
 * @parents: children that objects say they have
 * @children: objects that say they are one
 * @checked: things looked at
 * @errors: of those, wrong
 */
struct mal_file_count {
	u64 bytes;
	u64 counted;
	u64 named;
	u64 parents;
	u64 children;
	u64 checked;
	u64 errors;
};

static void mal_file_check(struct mal_file_count *count, bool good,
			   const char *what)
{
	count->checked++;
	if (good)
		return;
	count->errors++;
	mal_report(MAL_REPORT_CORRUPTION, 0, "open file: %s", what);
}

static void mal_file_count_objects(struct mal_file *file,
				   struct mal_file_count *count)
{
	struct mal_object *obj;

	list_for_each_entry(obj, &file->objects, link) {
		count->bytes += obj->held;
		count->counted += obj->counted;
		count->named += !!obj->handle;
		count->parents += obj->children;
		count->children += !!obj->parent;
		mal_file_check(count, obj->file == file,
			       "object belongs to another file");
		cond_resched();
	}
	mal_file_check(count, count->bytes == file->bytes,
		       "bytes charged are not those of its objects");
	mal_file_check(count, count->counted == file->handles,
		       "handles counted are not those of its objects");
	mal_file_check(count, count->parents == count->children,
		       "objects are not as many as are counted where they are from");
}

static void mal_file_count_tree(struct mal_file *file,
				struct mal_file_count *count)
{
	MA_STATE(mas, &file->tree, 0, 0);
	struct mal_object *obj;
	u64 entries = 0;

	mas_for_each(&mas, obj, MAL_LAST_INDEX) {
		entries++;
		mal_file_check(count, obj->counted &&
			       obj->first == mas.index &&
			       lower_32_bits(obj->handle) == mas.index &&
			       mal_object_span(obj) == mas.last - mas.index + 1,
			       "object is not where its handle says");
		cond_resched();
	}
	mal_file_check(count, entries == count->named,
		       "handles in use are not those of its objects");
}

/**
 * mal_file_validate() - check that what an open file holds is what it says
 * @file: which
 * @checked: increased by the things checked
 *
 * Context: task, may sleep.
 * Return: number of errors, each of which is in the log.
 */
u64 mal_file_validate(struct mal_file *file, u64 *checked)
{
	struct mal_file_count count = {};

	mutex_lock(&file->lock);
	mal_file_count_objects(file, &count);
	mal_file_count_tree(file, &count);
	mutex_unlock(&file->lock);
	*checked += count.checked;
	return count.errors;
}

/**
 * mal_file_show() - print what all open files hold together
 * @m: where to
 *
 * Context: task.
 */
void mal_file_show(struct seq_file *m)
{
	seq_puts(m, "\n[device]\n");
	seq_printf(m, "%-20s %ld\n", "files",
		   atomic_long_read(&mal_device_files));
	seq_printf(m, "%-20s %ld\n", "handles",
		   atomic_long_read(&mal_device_handles));
	seq_printf(m, "%-20s %lld\n", "bytes",
		   (s64)atomic64_read(&mal_device_bytes));
	seq_printf(m, "%-20s %ld\n", "mappings",
		   atomic_long_read(&mal_device_mappings));
	seq_printf(m, "%-20s %llu\n", "bytes_limit",
		   mal_limit_bytes(&mal_quota_device_mb));
	seq_printf(m, "%-20s %llu\n", "file_bytes_limit",
		   mal_limit_bytes(&mal_quota_file_mb));
	seq_printf(m, "%-20s %llu\n", "file_handles_limit",
		   mal_limit_handles());
}

/**
 * mal_file_check_none_left() - at unload: nobody holds anything
 *
 * Context: any.
 */
void mal_file_check_none_left(void)
{
	WARN_ON(atomic_long_read(&mal_device_files));
	WARN_ON(atomic_long_read(&mal_device_handles));
	WARN_ON(atomic_long_read(&mal_device_mappings));
	WARN_ON(atomic64_read(&mal_device_bytes));
}
