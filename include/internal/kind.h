/* SPDX-License-Identifier: GPL-2.0 */
/*
 * kind.h: the kinds of memory that a handle can stand for
 *
 * One operations table for each enum memalloc_kind. All that is the same for
 * every kind (handles, quotas, mappings, reading, filling) is done elsewhere,
 * once, in terms of these.
 */
#ifndef _MAL_KIND_H
#define _MAL_KIND_H

#include <linux/gfp.h>
#include <linux/types.h>

struct mal_kind;
struct mal_object;
struct memalloc_alloc;
struct memalloc_info;
struct page;

/**
 * struct mal_request - a command to allocate, translated and checked
 * @kind: what is asked for
 * @arg: the command, for the fields that are the kind's own
 * @bytes: what it comes to, as said by @kind's size()
 * @gfp: how it may be had; always with __GFP_ZERO
 * @node: a possible node, or NUMA_NO_NODE
 */
struct mal_request {
	const struct mal_kind *kind;
	const struct memalloc_alloc *arg;
	u64 bytes;
	gfp_t gfp;
	int node;
};

/**
 * struct mal_kind - how to deal with a kind of memory
 * @id: enum memalloc_kind
 * @size: check the kind's own fields of a command to allocate, and say what it
 *	comes to in bytes. Return: 0, or -EINVAL.
 * @alloc: allocate, zeroed, into an object whose bytes are set and charged.
 *	May sleep only as far as the request's gfp does. Return: 0, or -ENOMEM.
 * @release: give back what @alloc took. Task context, may sleep.
 * @map: the kernel's address of the byte at an offset, good for *@len bytes,
 *	which it lowers to what is contiguous there. Undone by @unmap before
 *	the task maps anything else, except in the order of a stack.
 * @unmap: the address is done with
 * @page: the page at an index within the object, for user space to map. NULL:
 *	this kind cannot be mapped.
 * @info: fill in out_order, out_node, out_zone and, if asked for, out_phys, of
 *	the byte at an offset
 *
 * Offsets are within the object: the caller has seen to it.
 */
struct mal_kind {
	u32 id;
	int (*size)(const struct memalloc_alloc *arg, u64 *bytes);
	int (*alloc)(struct mal_object *obj, const struct mal_request *request);
	void (*release)(struct mal_object *obj);
	void *(*map)(struct mal_object *obj, u64 offset, size_t *len);
	void (*unmap)(struct mal_object *obj, u64 offset, void *addr);
	struct page *(*page)(struct mal_object *obj, unsigned long index);
	void (*info)(struct mal_object *obj, u64 offset,
		     struct memalloc_info *info);
};

extern const struct mal_kind mal_kind_pages;

#endif /* _MAL_KIND_H */
