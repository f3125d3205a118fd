/* SPDX-License-Identifier: GPL-2.0 */
/*
 * handle.h: the objects of an open file of /dev/memalloc
 */
#ifndef _MAL_HANDLE_H
#define _MAL_HANDLE_H

#include <linux/atomic.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/maple_tree.h>
#include <linux/mutex.h>
#include <linux/rwsem.h>
#include <linux/types.h>

#include "internal/inject.h"

struct mal_kind;
struct mal_kmem_cache;
struct mal_mempool;
struct mal_request;
struct mal_user;
struct memalloc_resize;
struct page;
struct vm_area_struct;

/*
 * The mmap space of a file. Index zero is excluded, so that no handle is zero.
 * On 32-bit hosts the last page with an offset is excluded as well, because the
 * offset of its end does not fit.
 */
#define MAL_FIRST_INDEX	1UL
#define MAL_LAST_INDEX \
	min_t(unsigned long, U32_MAX, (ULONG_MAX >> PAGE_SHIFT) - 1)

/**
 * struct mal_file - an open file
 * @tree: the objects that have a handle, by page of the file's mmap space.
 *	Written under @lock, read under RCU.
 * @lock: protects writes to @tree, and all fields below up to @handles
 * @objects: all objects charged to the file, with or without a handle
 * @bytes: memory that they take from the allocator
 * @described: bytes of their metadata, which count for the quotas like
 *	@bytes
 * @handles: number of @objects that have a handle, or are about to get one
 * @readable: opened for reading; never changes
 * @writable: opened for writing; never changes
 * @exempt: opened with CAP_SYS_RESOURCE, which exempts it from the limits
 *	of @user; never changes
 * @user: account of the opener; never changes
 * @site: call site of the task that opened it; never changes
 * @inject: countdown to an injected allocation failure
 */
struct mal_file {
	struct maple_tree tree;
	struct mutex lock; /* see above */
	struct list_head objects;
	u64 bytes;
	u64 described;
	u64 handles;
	bool readable;
	bool writable;
	bool exempt;
	struct mal_user *user;
	unsigned long site;
	struct mal_inject inject;
};

/**
 * struct mal_handle - an allocation made through the device
 * @kind: kind of memory, and functions to access it
 * @file: the file that it is charged to; outlives the object
 * @link: in @file's objects, protected by @file's lock
 * @refs: one reference for the handle, for each command that uses the
 *	object, and for each mapping
 * @mappings: number of areas of user space that map it
 * @handle: its handle, or zero before and after it has one. Written under
 *	@file's lock.
 * @counted: counts for @file's handles; protected by @file's lock
 * @bytes: usable size; protected by @resize_rwsem if the kind can be resized
 * @charged: bytes taken from the allocator; protected by @file's lock
 * @described: bytes of metadata, charged in addition to @charged; never
 *	changes
 * @parent: the object that this one is made from, with a reference; or NULL
 * @children: number of objects made from this one; protected by @file's
 *	lock
 * @resize_rwsem: held for writing during a resize, and for reading while the
 *	bytes are accessed; unused by kinds that cannot be resized
 * @first: its first page in @file's mmap space, valid once it has had a
 *	handle
 * @page: MEMALLOC_KIND_PAGES: the first page
 * @order: MEMALLOC_KIND_PAGES: order of the block
 * @cache: MEMALLOC_KIND_CACHE: the cache
 * @count: MEMALLOC_KIND_OBJECT: number of objects
 * @one: MEMALLOC_KIND_OBJECT: the object, if there is one
 * @many: MEMALLOC_KIND_OBJECT: the objects, if there are several
 * @memory: MEMALLOC_KIND_KMALLOC, _ELEMENT, _AREA: the memory; for an
 *	element of pages, struct page of the first
 * @zone: MEMALLOC_KIND_KMALLOC: the promised zone, as __GFP_*
 * @pool: MEMALLOC_KIND_MEMPOOL: the pool
 * @backend: MEMALLOC_KIND_MEMPOOL: enum memalloc_mempool_backend
 * @element_bytes: MEMALLOC_KIND_MEMPOOL: usable size of an element
 * @element_charged: MEMALLOC_KIND_MEMPOOL: bytes an element takes from the
 *	allocator
 * @percpu: MEMALLOC_KIND_PERCPU: the area
 * @each: MEMALLOC_KIND_PERCPU: its size on each CPU, in bytes
 * @rcu: for freeing the object after lookups have finished
 */
struct mal_handle {
	const struct mal_kind *kind;
	struct mal_file *file;
	struct list_head link;
	struct kref refs;
	atomic_long_t mappings;
	u64 handle;
	bool counted;
	u64 bytes;
	u64 charged;
	u64 described;
	struct mal_handle *parent;
	u64 children;
	struct rw_semaphore resize_rwsem; /* see above */
	unsigned long first;
	union {
		struct {
			struct page *page;
			unsigned int order;
		};
		struct mal_kmem_cache *cache;
		struct {
			u32 count;
			union {
				void *one;
				void **many;
			};
		};
		struct {
			void *memory;
			gfp_t zone;
		};
		struct {
			struct mal_mempool *pool;
			u32 backend;
			u64 element_bytes;
			u64 element_charged;
		};
		struct {
			void __percpu *percpu;
			u32 each;
		};
	};
	struct rcu_head rcu;
};

struct mal_file *mal_file_open(fmode_t mode);
void mal_file_close(struct mal_file *file);
int mal_file_mmap(struct mal_file *file, struct vm_area_struct *vma);
u64 mal_file_validate(struct mal_file *file, u64 *checked);

struct mal_handle *mal_handle_alloc(struct mal_file *file,
				    const struct mal_request *request);
struct mal_handle *mal_handle_at(struct mal_file *file, unsigned long index);
struct mal_handle *mal_handle_get(struct mal_file *file, u64 handle);
int mal_handle_free(struct mal_file *file, u64 handle);
int mal_handle_resize(struct mal_file *file, struct memalloc_resize *resize,
		      gfp_t gfp);

void mal_handle_put(struct mal_handle *obj);
int mal_handle_lock(struct mal_handle *obj);
void mal_handle_unlock(struct mal_handle *obj);
u64 mal_handle_children(struct mal_handle *obj);
unsigned long mal_handle_span(const struct mal_handle *obj);
u64 mal_handle_map_offset(const struct mal_handle *obj);

#endif /* _MAL_HANDLE_H */
