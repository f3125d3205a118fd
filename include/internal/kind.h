/* SPDX-License-Identifier: GPL-2.0 */
/*
 * kind.h: the kinds of memory that a handle can refer to
 *
 * Each enum memalloc_kind has a table of operations, in a file of its own.
 * Everything common to all kinds (handles, quotas, mappings, reading, filling)
 * is implemented once, elsewhere, on top of these operations. A new kind needs
 * a number in <linux/memalloc.h>, its table, a line in mal_kinds (device.c),
 * and its part of the union in struct mal_handle (handle.h).
 */
#ifndef _MAL_KIND_H
#define _MAL_KIND_H

#include <linux/gfp.h>
#include <linux/types.h>

struct mal_file;
struct mal_kind;
struct mal_handle;
struct memalloc_alloc;
struct memalloc_cache_create;
struct memalloc_info;
struct memalloc_mempool_create;
struct page;

/**
 * struct mal_request - a checked and translated command to allocate or create
 * @kind: requested kind
 * @arg: the command, for the fields that are specific to the kind
 * @cache: MEMALLOC_KIND_CACHE: its command
 * @mempool: MEMALLOC_KIND_MEMPOOL: its command
 * @parent: object that the new one is made from, with a reference; or NULL
 * @bytes: usable size, set by @kind's size()
 * @charged: bytes to be taken from the allocator, set by @kind's size()
 * @described: bytes of host memory for the kind's metadata, or zero
 * @gfp: flags of the allocation, always with __GFP_ZERO
 * @node: a possible node, or NUMA_NO_NODE
 */
struct mal_request {
	const struct mal_kind *kind;
	union {
		const struct memalloc_alloc *arg;
		const struct memalloc_cache_create *cache;
		const struct memalloc_mempool_create *mempool;
	};
	struct mal_handle *parent;
	u64 bytes;
	u64 charged;
	u64 described;
	gfp_t gfp;
	int node;
};

/**
 * struct mal_kind - operations of a kind of memory
 * @id: enum memalloc_kind
 * @parent: enum memalloc_kind of the parent, or zero
 * @flags: supported flags of MEMALLOC_ALLOC
 * @aligned: supports the alignment of MEMALLOC_ALLOC
 * @counted: MEMALLOC_RESIZE changes a number of elements, not of bytes
 * @size: checks the kind's own fields of a command to allocate, and sets
 *	bytes, charged and described of the request. Returns 0, -EINVAL, or
 *	-EPERM if the caller may not use the zone. NULL: MEMALLOC_ALLOC does not
 *	create this kind.
 * @alloc: allocates zeroed memory for an object; its bytes are set and
 *	charged already. May sleep only as far as the request's gfp allows.
 *	Returns 0, -ENOMEM, or -EINTR after a signal.
 * @attribute: attributes the memory to a call site for reports of leaks and
 *	misuse; also called after @resize. NULL: reports name no owner.
 * @release: frees the memory of @alloc. Task context, may sleep.
 * @map: returns the kernel's address of the byte at an offset, valid for
 *	*@len bytes, which it reduces to the contiguous part. Undone by @unmap
 *	before the task maps anything else, except in the order of a stack.
 *	NULL: the kind has no bytes.
 * @unmap: undoes @map; may be NULL
 * @page: returns the page at an index within the object, for user mappings.
 *	NULL: this kind cannot be mapped.
 * @info: fills in out_order, out_node, out_zone, out_count, out_name and,
 *	if requested, out_phys, for the byte at an offset. Fields that it leaves
 *	alone keep the values for no memory.
 * @room: returns the bytes that a size would take from the allocator, or
 *	-EINVAL if the size is invalid. Set if and only if @resize is.
 * @resize: changes the size, without concurrent access to the bytes. Sets
 *	the object's bytes. Returns the bytes taken from the allocator
 *	afterwards, no more than the larger of the previous number and @room;
 *	or, with nothing changed, -ENOMEM, or -EPERM if the caller may not use
 *	the zone. NULL: this kind cannot be resized.
 *
 * The caller ensures that offsets are within the object.
 */
struct mal_kind {
	u32 id;
	u32 parent;
	u32 flags;
	bool aligned;
	bool counted;
	int (*size)(struct mal_request *request);
	int (*alloc)(struct mal_handle *obj, const struct mal_request *request);
	void (*attribute)(struct mal_handle *obj, unsigned long site);
	void (*release)(struct mal_handle *obj);
	void *(*map)(struct mal_handle *obj, u64 offset, size_t *len);
	void (*unmap)(struct mal_handle *obj, u64 offset, void *addr);
	struct page *(*page)(struct mal_handle *obj, unsigned long index);
	void (*info)(struct mal_handle *obj, u64 offset,
		     struct memalloc_info *info);
	s64 (*room)(const struct mal_handle *obj, u64 size);
	s64 (*resize)(struct mal_handle *obj, u64 size, gfp_t gfp);
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
