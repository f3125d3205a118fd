/* SPDX-License-Identifier: GPL-2.0 */
/*
 * handle.h: what an open file of /dev/memalloc holds
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
struct memalloc_resize;
struct memalloc_stats_file;
struct page;
struct seq_file;
struct vm_area_struct;

/**
 * struct mal_file - an open file
 * @tree: the objects that have a handle, by page of the file's mmap space.
 *	Written under @lock, read under RCU.
 * @lock: protects writing of @tree, and all that follows up to @writable
 * @objects: all objects charged to the file, with a handle or without
 * @bytes: sum of what they hold
 * @handles: those of @objects that have a handle, or are about to get one
 * @writable: opened for writing; never changes
 * @inject: countdown to the failure of an allocation
 */
struct mal_file {
	struct maple_tree tree;
	struct mutex lock; /* see above */
	struct list_head objects;
	u64 bytes;
	u64 handles;
	bool writable;
	struct mal_inject inject;
};

/**
 * struct mal_object - what a handle stands for
 * @kind: what it is made of, and how to get at it
 * @file: which it is charged to; outlives the object
 * @link: in @file's objects, protected by @file's lock
 * @refs: one of the handle, of each command at work on it, of each mapping
 * @mappings: areas of user space that map it
 * @handle: its handle; zero: none yet, or none any more. Written under
 *	@file's lock.
 * @counted: counts towards @file's handles; protected by @file's lock
 * @bytes: usable size; of a kind that can be resized, protected by @resizing
 * @held: bytes taken from the allocator, which is what is charged; protected by
 *	@file's lock
 * @parent: what it is made from, with a reference; or NULL
 * @children: objects that are made from it; protected by @file's lock
 * @resizing: held for writing while it is resized, and for reading while its
 *	bytes are looked at; not used by kinds that cannot be resized
 * @first: its first page in @file's mmap space, valid once it has had a handle
 * @page: MEMALLOC_KIND_PAGES: the first page
 * @order: MEMALLOC_KIND_PAGES: order of the block
 * @cache: MEMALLOC_KIND_CACHE: the cache
 * @count: MEMALLOC_KIND_OBJECT: how many objects
 * @one: MEMALLOC_KIND_OBJECT: the object, if it is one
 * @many: MEMALLOC_KIND_OBJECT: the objects, if they are more
 * @memory: MEMALLOC_KIND_KMALLOC, _ELEMENT, _AREA: the memory; for an element of
 *	pages, struct page of the first
 * @zone: MEMALLOC_KIND_KMALLOC: the zone that was promised, as __GFP_*
 * @pool: MEMALLOC_KIND_MEMPOOL: the pool
 * @backend: MEMALLOC_KIND_MEMPOOL: enum memalloc_mempool_backend
 * @element_bytes: MEMALLOC_KIND_MEMPOOL: usable size of an element
 * @element_held: MEMALLOC_KIND_MEMPOOL: what one takes from the allocator
 * @percpu: MEMALLOC_KIND_PERCPU: the area
 * @each: MEMALLOC_KIND_PERCPU: its bytes on each CPU
 * @rcu: frees the object when no lookup can see it any more
 */
struct mal_object {
	const struct mal_kind *kind;
	struct mal_file *file;
	struct list_head link;
	struct kref refs;
	atomic_long_t mappings;
	u64 handle;
	bool counted;
	u64 bytes;
	u64 held;
	struct mal_object *parent;
	u64 children;
	struct rw_semaphore resizing; /* see above */
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
			u64 element_held;
		};
		struct {
			void __percpu *percpu;
			u32 each;
		};
	};
	struct rcu_head rcu;
};

struct mal_file *mal_file_open(bool writable);
void mal_file_close(struct mal_file *file);
int mal_file_mmap(struct mal_file *file, struct vm_area_struct *vma);
void mal_file_stats(struct mal_file *file, struct memalloc_stats_file *stats);
u64 mal_file_validate(struct mal_file *file, u64 *checked);
void mal_file_show(struct seq_file *m);
void mal_file_check_none_left(void);

struct mal_object *mal_handle_alloc(struct mal_file *file,
				    const struct mal_request *request);
struct mal_object *mal_handle_get(struct mal_file *file, u64 handle);
int mal_handle_free(struct mal_file *file, u64 handle);
int mal_handle_resize(struct mal_file *file, struct memalloc_resize *resize,
		      gfp_t gfp);

void mal_object_put(struct mal_object *obj);
int mal_object_lock(struct mal_object *obj);
void mal_object_unlock(struct mal_object *obj);
u64 mal_object_children(struct mal_object *obj);
u64 mal_object_held(struct mal_object *obj);
u64 mal_object_map_offset(const struct mal_object *obj);

#endif /* _MAL_HANDLE_H */
