// SPDX-License-Identifier: GPL-2.0
/*
 * Mappings: objects of an open file in user space
 *
 * A mapping holds a reference to the object, so the object and its pages stay
 * allocated until the last mapping is gone. Faults insert the pages, each with
 * a reference of its own. A reference that outlives the mapping, of a pipe for
 * example, makes a page pinned (pinned.c). handle.c explains the offsets.
 *
 * Locking: none here; the host holds mmap_lock.
 *
 * Context: task, may sleep, including the fault handler.
 */
#include <linux/atomic.h>
#include <linux/kref.h>
#include <linux/mm.h>
#include <linux/nospec.h>

#include "internal/compat.h"
#include "internal/handle.h"
#include "internal/kind.h"
#include "internal/quota.h"

static void mal_mapping_open(struct vm_area_struct *vma)
{
	struct mal_handle *obj = vma->vm_private_data;

	kref_get(&obj->refs);
	atomic_long_inc(&obj->mappings);
	atomic_long_inc(&mal_device_totals.mappings);
}

static void mal_mapping_close(struct vm_area_struct *vma)
{
	struct mal_handle *obj = vma->vm_private_data;

	atomic_long_dec(&mal_device_totals.mappings);
	atomic_long_dec(&obj->mappings);
	mal_handle_put(obj);
}

static vm_fault_t mal_mapping_fault(struct vm_fault *vmf)
{
	struct mal_handle *obj = vmf->vma->vm_private_data;
	unsigned long index = vmf->pgoff - obj->first;

	if (index >= mal_handle_span(obj))
		return VM_FAULT_SIGBUS;
	index = array_index_nospec(index, mal_handle_span(obj));
	vmf->page = obj->kind->page(obj, index);
	get_page(vmf->page);
	return 0;
}

static const struct vm_operations_struct mal_mapping_ops = {
	.open = mal_mapping_open,
	.close = mal_mapping_close,
	.fault = mal_mapping_fault,
};

static int mal_handle_mmap(struct mal_handle *obj, struct vm_area_struct *vma)
{
	unsigned long index = vma->vm_pgoff - obj->first;

	if (!obj->kind->page)
		return -ENODEV;
	if (vma_pages(vma) > mal_handle_span(obj) - index)
		return -EINVAL;
	vm_flags_set(vma, VM_DONTEXPAND | VM_DONTDUMP);
	vma->vm_private_data = obj;
	vma->vm_ops = &mal_mapping_ops;
	mal_mapping_open(vma);
	return 0;
}

/**
 * mal_file_mmap() - map an object or a part of it
 * @file: the file
 * @vma: the mapping; vm_pgoff determines the object
 *
 * Only shared mappings are allowed: a private one would become an unrelated
 * copy on the first write. The host ensures that a file that was not opened for
 * writing is not mapped for writing, neither now nor later by mprotect(2).
 *
 * Context: task, with the mmap_lock held for writing.
 * Return: 0, -EINVAL (the mapping is private, or exceeds the object), -ENOENT
 * (no object there) or -ENODEV (the kind cannot be mapped).
 */
int mal_file_mmap(struct mal_file *file, struct vm_area_struct *vma)
{
	struct mal_handle *obj;
	int err;

	/*
	 * Not VM_SHARED, which is clear for a mapping that must stay read-only.
	 */
	if (!(vma->vm_flags & VM_MAYSHARE))
		return -EINVAL;
	obj = mal_handle_at(file, vma->vm_pgoff);
	if (!obj)
		return -ENOENT;
	err = mal_handle_mmap(obj, vma);
	mal_handle_put(obj);
	return err;
}
