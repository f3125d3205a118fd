// SPDX-License-Identifier: GPL-2.0
/*
 * Handles: the objects of an open file of /dev/memalloc
 *
 * An object (struct mal_handle) is an allocation made through the device. It is
 * charged to the open file (struct mal_file) that made it. It has a handle
 * there until it is freed or the file is closed. It exists as long as it is
 * referenced by its handle, a command that uses it, or a mapping in user space.
 *
 * Handles and mmap offsets
 * ------------------------
 * Each file has a mmap space of pages 1 to MAL_LAST_INDEX. Each object with a
 * handle owns a range of it. One maple tree per file maps the ranges to
 * objects:
 *
 *	index   0    1 ..... 4    5    6        ...        MAL_LAST_INDEX
 *	        -    object A     B    (free)
 *
 *	handle  = random number << 32 | first index
 *	offset  = first index << PAGE_SHIFT
 *
 * The lower half of a handle finds the object. The upper half tells whether it
 * is still the same object: a guessed handle, or one that outlived its object,
 * is refused even if the index is in use again. An index has at most 32 bits,
 * so that a 32-bit process can pass it to mmap(2). An offset fits in an
 * unsigned long, which is the host's limit for devices.
 *
 * An object may be made from another object of the same file, its parent: an
 * object of a slab cache is made from the cache. It holds a reference to the
 * parent, and counts as its child from before it is allocated until it is
 * released. While a parent has children its handle cannot be freed. Without a
 * handle it cannot get more children. When the file is closed the parent is
 * released with its last child, regardless of the order of their handles.
 *
 * A mapping holds a reference to the object and, like any mapping, to the open
 * file. After its last descriptor is closed, a file is therefore released with
 * its last mapping, and only then frees its unmapped objects. Only the mappings
 * can reach it by then.
 *
 * Contexts
 * --------
 * Everything runs in task context and may sleep, including the fault handler.
 * Lookups take no lock: they walk the tree under RCU and take a reference
 * unless the last one is gone.
 *
 * Lock order
 * ----------
 *	object->resize_rwsem	held over accesses to user space
 *	  mm->mmap_lock
 *	    file->lock		never held over an access to user space
 *	      locks of the host's slab allocator and reclaim
 *
 * Memory is allocated and released without any lock of this module, except that
 * of an object that is being resized.
 *
 * Lifetimes
 * ---------
 * The file outlives its objects: a command has a reference to the open file
 * through its descriptor, a mapping through vma->vm_file. An object is freed
 * after a grace period, because of lookups; its memory is released at once.
 */
#include <linux/bug.h>
#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/err.h>
#include <linux/mm.h>
#include <linux/random.h>
#include <linux/rcupdate.h>
#include <linux/rwsem.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/user_namespace.h>

#include <uapi/linux/memalloc.h>

#include "internal/handle.h"
#include "internal/kind.h"
#include "internal/quota.h"
#include "internal/report.h"
#include "internal/site.h"
#include "internal/tally.h"
#include "internal/user.h"

/*
 * Bytes of an object's place in the tree. A leaf of 256 bytes has room for 16
 * ranges and is at least about half full, and every other range may be a free
 * one.
 */
#define MAL_HANDLE_PLACE	64

/**
 * mal_handle_children() - number of objects made from an object
 * @obj: an object that the caller references
 *
 * Context: task, may sleep.
 * Return: the number.
 */
u64 mal_handle_children(struct mal_handle *obj)
{
	u64 children;

	mutex_lock(&obj->file->lock);
	children = obj->children;
	mutex_unlock(&obj->file->lock);
	return children;
}

static struct mal_handle *mal_handle_create(struct mal_file *file,
					    const struct mal_request *request)
{
	struct mal_handle *obj;
	int err;

	if (mal_inject_should_fail())
		return ERR_PTR(-ENOMEM);
	obj = kzalloc(sizeof(*obj), GFP_KERNEL_ACCOUNT);
	if (!obj)
		return ERR_PTR(-ENOMEM);
	obj->kind = request->kind;
	obj->file = file;
	obj->bytes = request->bytes;
	obj->charged = request->charged;
	obj->described = kmalloc_size_roundup(sizeof(*obj)) + MAL_HANDLE_PLACE +
			 request->described;
	obj->parent = request->parent;
	kref_init(&obj->refs);
	init_rwsem(&obj->resize_rwsem);

	err = mal_handle_charge(obj);
	if (err)
		goto err_free;
	err = obj->kind->alloc(obj, request);
	if (err)
		goto err_uncharge;
	if (obj->kind->attribute)
		obj->kind->attribute(obj, file->site);
	if (obj->parent)
		kref_get(&obj->parent->refs);
	return obj;

err_uncharge:
	mal_handle_uncharge(obj);
err_free:
	kfree(obj);
	return ERR_PTR(err);
}

static void mal_handle_release(struct kref *refs)
{
	struct mal_handle *obj = container_of(refs, struct mal_handle, refs);

	obj->kind->release(obj);
	mal_handle_uncharge(obj);
	/* Recursion is limited: an element, its pool, the pool's cache. */
	if (obj->parent)
		mal_handle_put(obj->parent);
	kfree_rcu(obj, rcu);
}

/**
 * mal_handle_put() - drop a reference
 * @obj: an object; the caller must not use it afterwards
 *
 * Dropping the last reference releases the memory.
 *
 * Context: task, may sleep.
 */
void mal_handle_put(struct mal_handle *obj)
{
	kref_put(&obj->refs, mal_handle_release);
}

/**
 * mal_handle_lock() - prevent an object from being resized
 * @obj: an object that the caller references
 *
 * Context: task, may sleep; until mal_handle_unlock().
 * Return: 0, or -EINTR if the task is being killed.
 */
int mal_handle_lock(struct mal_handle *obj)
{
	return obj->kind->resize ? down_read_killable(&obj->resize_rwsem) : 0;
}

/**
 * mal_handle_unlock() - allow an object to be resized again
 * @obj: as passed to mal_handle_lock()
 *
 * Context: task.
 */
void mal_handle_unlock(struct mal_handle *obj)
{
	if (obj->kind->resize)
		up_read(&obj->resize_rwsem);
}

/**
 * mal_handle_span() - pages that an object occupies in its file's mmap space
 * @obj: the object
 *
 * Context: any.
 * Return: the number, which never changes.
 */
unsigned long mal_handle_span(const struct mal_handle *obj)
{
	if (!obj->kind->page)
		return 1;
	return max_t(u64, DIV_ROUND_UP_ULL(obj->bytes, PAGE_SIZE), 1);
}

/**
 * mal_handle_map_offset() - offset of an object for mmap(2)
 * @obj: an object that has or has had a handle
 *
 * Context: any.
 * Return: the offset of its first byte, or 0 if it cannot be mapped.
 */
u64 mal_handle_map_offset(const struct mal_handle *obj)
{
	return obj->kind->page ? (u64)obj->first << PAGE_SHIFT : 0;
}

/* Find a range in the file's mmap space. Called with the file's lock held. */
static int mal_handle_place(struct mal_handle *obj, struct ma_state *mas)
{
	unsigned long span = mal_handle_span(obj);
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
static int mal_handle_insert(struct mal_handle *obj)
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
 * mal_handle_alloc() - allocate an object and give it a handle
 * @file: the owner
 * @request: properties of the object
 *
 * Context: task, may sleep even if the request's gfp does not allow it: the
 * flags concern the requested memory, and this function needs memory for
 * itself.
 * Return: the object, with a reference for the caller; or ERR_PTR() of -EDQUOT
 * (a quota is exhausted), -ENOENT (the parent has lost its handle) or -ENOMEM.
 */
struct mal_handle *mal_handle_alloc(struct mal_file *file,
				    const struct mal_request *request)
{
	struct mal_handle *obj;
	int err;

	if (request->kind->page && request->bytes >> PAGE_SHIFT >= MAL_LAST_INDEX)
		return ERR_PTR(-ENOMEM);
	obj = mal_handle_create(file, request);
	if (IS_ERR(obj))
		return obj;
	err = mal_handle_insert(obj);
	if (err) {
		mal_handle_put(obj);
		return ERR_PTR(err);
	}
	return obj;
}

/**
 * mal_handle_at() - look up the object at a page of the file's mmap space
 * @file: the file
 * @index: number of the page
 *
 * Context: task.
 * Return: the object, with a reference for the caller, or NULL.
 */
struct mal_handle *mal_handle_at(struct mal_file *file, unsigned long index)
{
	struct mal_handle *obj;

	rcu_read_lock();
	obj = mtree_load(&file->tree, index);
	if (obj && !kref_get_unless_zero(&obj->refs))
		obj = NULL;
	rcu_read_unlock();
	return obj;
}

/**
 * mal_handle_get() - look up the object of a handle
 * @file: the file
 * @handle: handle from user space
 *
 * Context: task.
 * Return: the object, with a reference for the caller, or NULL if the file has
 * no such handle.
 */
struct mal_handle *mal_handle_get(struct mal_file *file, u64 handle)
{
	struct mal_handle *obj = mal_handle_at(file, lower_32_bits(handle));

	if (obj && READ_ONCE(obj->handle) != handle) {
		mal_handle_put(obj);
		obj = NULL;
	}
	return obj;
}

/*
 * Called with the file's lock held. Removing a range may need memory to
 * rebalance the tree. Wait for it, so that the caller need not handle a failure
 * to free.
 */
static int mal_handle_erase(struct mal_handle *obj)
{
	MA_STATE(mas, &obj->file->tree, obj->first,
		 obj->first + mal_handle_span(obj) - 1);

	return mas_store_gfp(&mas, NULL, GFP_KERNEL | __GFP_NOFAIL);
}

/* Remove a handle. Returns the object with the handle's reference. */
static struct mal_handle *mal_handle_remove(struct mal_file *file, u64 handle)
{
	struct mal_handle *obj;
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
	mal_handle_uncount(obj);
unlock:
	mutex_unlock(&file->lock);
	return obj;
}

/**
 * mal_handle_free() - free the object of a handle
 * @file: the file
 * @handle: handle from user space; invalid from now on
 *
 * The memory is released with the last reference.
 *
 * Context: task, may sleep.
 * Return: 0; -ENOENT if the file has no such handle; -EBUSY if the object has
 * children; -ENOMEM, with nothing changed, if the host fails an allocation that
 * must not fail.
 */
int mal_handle_free(struct mal_file *file, u64 handle)
{
	struct mal_handle *obj = mal_handle_remove(file, handle);

	if (IS_ERR(obj))
		return PTR_ERR(obj);
	mal_handle_put(obj);
	return 0;
}

/* Called with the object's resize_rwsem held for writing. */
static int mal_handle_resize_locked(struct mal_handle *obj, u64 size, gfp_t gfp)
{
	u64 before = mal_handle_charged(obj);
	s64 charged = obj->kind->room(obj, size);
	int err;

	if (charged < 0)
		return charged;
	err = mal_handle_recharge(obj, max_t(u64, before, charged));
	if (err)
		return err;
	charged = obj->kind->resize(obj, size, gfp);
	if (charged >= 0 && obj->kind->attribute)
		obj->kind->attribute(obj, obj->file->site);
	/* Never exceeds the charge, so this cannot fail. */
	mal_handle_recharge(obj, charged < 0 ? before : charged);
	return min_t(s64, charged, 0);
}

/**
 * mal_handle_resize() - change the size of the object of a handle
 * @file: the file
 * @resize: the command, with checked fields; out_bytes and out_held are set
 * @gfp: flags for additional memory
 *
 * Context: task, may sleep.
 * Return: 0, -ENOENT (no such handle), -EOPNOTSUPP (the kind cannot be
 * resized), -EINVAL (invalid size for the kind), -EPERM (the caller may not use
 * the zone), -EDQUOT, -ENOMEM, or -EINTR.
 */
int mal_handle_resize(struct mal_file *file, struct memalloc_resize *resize,
		      gfp_t gfp)
{
	struct mal_handle *obj = mal_handle_get(file, resize->handle);
	int err = -EOPNOTSUPP;

	if (!obj)
		return -ENOENT;
	if (!obj->kind->resize)
		goto put;
	err = -EINVAL;
	if (obj->kind->counted ? resize->bytes : resize->min_nr)
		goto put;
	err = down_write_killable(&obj->resize_rwsem);
	if (err)
		goto put;
	err = mal_handle_resize_locked(obj, obj->kind->counted ? resize->min_nr :
							 resize->bytes, gfp);
	resize->out_bytes = obj->bytes;
	resize->out_held = mal_handle_charged(obj);
	up_write(&obj->resize_rwsem);
put:
	mal_handle_put(obj);
	return err;
}

/**
 * mal_file_open() - set up an open file without objects
 * @mode: FMODE_READ, FMODE_WRITE or both
 *
 * Context: task, may sleep.
 * Return: the file, or NULL if there is no memory.
 */
struct mal_file *mal_file_open(fmode_t mode)
{
	struct mal_file *file = kzalloc(sizeof(*file), GFP_KERNEL_ACCOUNT);

	if (!file)
		return NULL;
	file->site = mal_site_of_task();
	if (!file->site)
		goto err_free;
	file->user = mal_user_get();
	if (!file->user)
		goto err_site;
	mutex_init(&file->lock);
	mt_init_flags(&file->tree, MT_FLAGS_ALLOC_RANGE | MT_FLAGS_USE_RCU |
				   MT_FLAGS_LOCK_EXTERN);
	mt_set_external_lock(&file->tree, &file->lock);
	INIT_LIST_HEAD(&file->objects);
	file->readable = mode & FMODE_READ;
	file->writable = mode & FMODE_WRITE;
	file->exempt = ns_capable_noaudit(&init_user_ns, CAP_SYS_RESOURCE);
	mal_inject_init(&file->inject);
	atomic_long_inc(&mal_device_totals.files);
	return file;

err_site:
	mal_site_forget_task(file->site);
err_free:
	kfree(file);
	return NULL;
}

/**
 * mal_file_close() - free all objects of an open file
 * @file: the file, no longer in use
 *
 * Context: task, may sleep.
 */
void mal_file_close(struct mal_file *file)
{
	struct mal_handle *obj;
	unsigned long index = 0;

	mal_inject_destroy(&file->inject);
	mt_for_each(&file->tree, obj, index, MAL_LAST_INDEX) {
		mal_handle_put(obj);
		cond_resched();
	}
	mutex_lock(&file->lock);
	__mt_destroy(&file->tree);
	mutex_unlock(&file->lock);
	WARN_ON_ONCE(file->bytes || file->described || file->handles ||
		     !list_empty(&file->objects));
	mutex_destroy(&file->lock);
	mal_user_put(file->user);
	mal_site_forget_task(file->site);
	kfree(file);
	atomic_long_dec(&mal_device_totals.files);
}

/**
 * struct mal_file_count - totals of a walk through a file's objects
 * @bytes: bytes that all objects take from the allocator
 * @described: bytes of their metadata
 * @counted: objects that count as handles
 * @named: objects that have a handle
 * @parents: sum of the objects' numbers of children
 * @children: objects that have a parent
 * @tally: number of checks and errors
 */
struct mal_file_count {
	u64 bytes;
	u64 described;
	u64 counted;
	u64 named;
	u64 parents;
	u64 children;
	struct mal_tally tally;
};

#define mal_file_check(count, ok, what)					\
	mal_tally_check(&(count)->tally, ok, "open file: " what)

static void mal_file_count_objects(struct mal_file *file,
				   struct mal_file_count *count)
{
	struct mal_handle *obj;

	list_for_each_entry(obj, &file->objects, link) {
		count->bytes += obj->charged;
		count->described += obj->described;
		count->counted += obj->counted;
		count->named += !!obj->handle;
		count->parents += obj->children;
		count->children += !!obj->parent;
		mal_file_check(count, obj->file == file,
			       "object belongs to another file");
		cond_resched();
	}
	mal_file_check(count, count->bytes == file->bytes &&
		       count->described == file->described,
		       "charge differs from the sum of its objects");
	mal_file_check(count, count->counted == file->handles,
		       "number of handles differs from that of its objects");
	mal_file_check(count, count->parents == count->children,
		       "number of children differs from that counted by their parents");
}

static void mal_file_count_tree(struct mal_file *file,
				struct mal_file_count *count)
{
	MA_STATE(mas, &file->tree, 0, 0);
	struct mal_handle *obj;
	u64 entries = 0;

	mas_for_each(&mas, obj, MAL_LAST_INDEX) {
		entries++;
		mal_file_check(count, obj->counted &&
			       obj->first == mas.index &&
			       lower_32_bits(obj->handle) == mas.index &&
			       mal_handle_span(obj) == mas.last - mas.index + 1,
			       "object is not at the place of its handle");
		cond_resched();
	}
	mal_file_check(count, entries == count->named,
		       "handles in the tree differ from those of its objects");
}

/**
 * mal_file_validate() - check the consistency of an open file
 * @file: the file
 * @checked: increased by the number of checks
 *
 * Context: task, may sleep.
 * Return: the number of errors, each of which is logged.
 */
u64 mal_file_validate(struct mal_file *file, u64 *checked)
{
	struct mal_file_count count = {};

	mutex_lock(&file->lock);
	mal_file_count_objects(file, &count);
	mal_file_count_tree(file, &count);
	mutex_unlock(&file->lock);
	*checked += count.tally.checked;
	return count.tally.errors;
}
