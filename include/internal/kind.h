/* SPDX-License-Identifier: GPL-2.0 */
/*
 * kind.h: the kinds of memory that a handle can stand for
 *
 * One operations table for each enum memalloc_kind, in a file of its own. All
 * that is the same for every kind (handles, quotas, mappings, reading, filling)
 * is done elsewhere, once, in terms of these. A new kind is a number in
 * <linux/memalloc.h>, its table, its line in mal_kinds (device.c), and a part of
 * the union in struct mal_object (handle.h) for what it keeps.
 */
#ifndef _MAL_KIND_H
#define _MAL_KIND_H

#include <linux/gfp.h>
#include <linux/types.h>

struct mal_file;
struct mal_kind;
struct mal_object;
struct memalloc_alloc;
struct memalloc_cache_create;
struct memalloc_info;
struct memalloc_mempool_create;
struct page;

/**
 * struct mal_request - a command to allocate or create, translated and checked
 * @kind: what is asked for
 * @arg: the command, for the fields that are the kind's own
 * @cache: MEMALLOC_KIND_CACHE: its command
 * @mempool: MEMALLOC_KIND_MEMPOOL: its command
 * @parent: what it is made from, with a reference; or NULL
 * @bytes: usable size, as said by @kind's size()
 * @held: bytes that it will take from the allocator, likewise
 * @gfp: how it may be had; always with __GFP_ZERO
 * @node: a possible node, or NUMA_NO_NODE
 */
struct mal_request {
	const struct mal_kind *kind;
	union {
		const struct memalloc_alloc *arg;
		const struct memalloc_cache_create *cache;
		const struct memalloc_mempool_create *mempool;
	};
	struct mal_object *parent;
	u64 bytes;
	u64 held;
	gfp_t gfp;
	int node;
};

/**
 * struct mal_kind - how to deal with a kind of memory
 * @id: enum memalloc_kind
 * @parent: enum memalloc_kind of what it is made from, or zero
 * @flags: those of MEMALLOC_ALLOC that it knows
 * @aligned: knows the alignment of MEMALLOC_ALLOC
 * @counted: its size, for MEMALLOC_RESIZE, is a number of elements, and not bytes
 * @size: check the kind's own fields of a command to allocate, and set the
 *	request's bytes and held. Return: 0, or -EINVAL. NULL: it is not for
 *	MEMALLOC_ALLOC to make.
 * @alloc: allocate, zeroed, into an object whose bytes are set and charged.
 *	May sleep only as far as the request's gfp does. Return: 0, -ENOMEM,
 *	or -EINTR if a signal came.
 * @release: give back what @alloc took. Task context, may sleep.
 * @map: the kernel's address of the byte at an offset, good for *@len bytes,
 *	which it lowers to what is contiguous there. Undone by @unmap before
 *	the task maps anything else, except in the order of a stack. NULL: it
 *	has no bytes.
 * @unmap: the address is done with; may be NULL
 * @page: the page at an index within the object, for user space to map. NULL:
 *	this kind cannot be mapped.
 * @info: fill in out_order, out_node, out_zone, out_count, out_name and, if
 *	asked for, out_phys, of the byte at an offset. What is not set is as of
 *	something without memory.
 * @room: bytes that it would take from the allocator with that size, or -EINVAL if
 *	it cannot have it. Set if and only if @resize is.
 * @resize: change the size; nobody else looks at the bytes meanwhile. Sets the
 *	object's bytes. Returns what it takes from the allocator then, no more
 *	than the larger of before and @room, or -ENOMEM, and it is as it was.
 *	NULL: this kind cannot be resized.
 *
 * Offsets are within the object: the caller has seen to it.
 */
struct mal_kind {
	u32 id;
	u32 parent;
	u32 flags;
	bool aligned;
	bool counted;
	int (*size)(struct mal_request *request);
	int (*alloc)(struct mal_object *obj, const struct mal_request *request);
	void (*release)(struct mal_object *obj);
	void *(*map)(struct mal_object *obj, u64 offset, size_t *len);
	void (*unmap)(struct mal_object *obj, u64 offset, void *addr);
	struct page *(*page)(struct mal_object *obj, unsigned long index);
	void (*info)(struct mal_object *obj, u64 offset,
		     struct memalloc_info *info);
	s64 (*room)(const struct mal_object *obj, u64 size);
	s64 (*resize)(struct mal_object *obj, u64 size, gfp_t gfp);
};

extern const struct mal_kind mal_kind_pages;
extern const struct mal_kind mal_kind_cache;
extern const struct mal_kind mal_kind_object;
extern const struct mal_kind mal_kind_kmalloc;
extern const struct mal_kind mal_kind_mempool;
extern const struct mal_kind mal_kind_element;
extern const struct mal_kind mal_kind_percpu;
extern const struct mal_kind mal_kind_area;

void mal_info_of_page(struct page *page, unsigned int within,
		      struct memalloc_info *info);
void mal_info_of_address(const void *address, struct memalloc_info *info);
int mal_cache_request(const struct memalloc_cache_create *arg,
		      struct mal_request *request);
int mal_mempool_request(struct mal_file *file,
			const struct memalloc_mempool_create *arg,
			struct mal_request *request);

#endif /* _MAL_KIND_H */
