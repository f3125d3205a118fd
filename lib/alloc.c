// SPDX-License-Identifier: GPL-2.0
/*
 * Allocations of every kind: create, resize and free them
 *
 * A command has one function that takes its structure. The short forms fill in
 * such a structure and return the handle.
 */
#include <errno.h>
#include <string.h>

#include <memalloc.h>

int memalloc_alloc(int fd, struct memalloc_alloc *alloc)
{
	return memalloc_command(fd, MEMALLOC_ALLOC, alloc);
}

int memalloc_cache_create(int fd, struct memalloc_cache_create *create)
{
	return memalloc_command(fd, MEMALLOC_CACHE_CREATE, create);
}

int memalloc_mempool_create(int fd, struct memalloc_mempool_create *create)
{
	return memalloc_command(fd, MEMALLOC_MEMPOOL_CREATE, create);
}

int memalloc_resize(int fd, struct memalloc_resize *resize)
{
	return memalloc_command(fd, MEMALLOC_RESIZE, resize);
}

int memalloc_free(int fd, uint64_t handle)
{
	struct memalloc_free request = {
		.size = sizeof(request), .handle = handle,
	};

	return memalloc_command(fd, MEMALLOC_FREE, &request);
}

/* Allocate on the caller's node. */
static int new_handle(int fd, struct memalloc_alloc *alloc, uint64_t *handle)
{
	int err;

	alloc->size = sizeof(*alloc);
	alloc->node = -1;
	err = memalloc_alloc(fd, alloc);
	if (!err)
		*handle = alloc->out_handle;
	return err;
}

int memalloc_new_pages(int fd, uint32_t order, uint32_t gfp, uint64_t *handle)
{
	struct memalloc_alloc alloc = {
		.kind = MEMALLOC_KIND_PAGES, .gfp = gfp, .order = order,
	};

	return new_handle(fd, &alloc, handle);
}

int memalloc_new_kmalloc(int fd, uint64_t bytes, uint32_t gfp,
			 uint64_t *handle)
{
	struct memalloc_alloc alloc = {
		.kind = MEMALLOC_KIND_KMALLOC, .gfp = gfp, .bytes = bytes,
	};

	return new_handle(fd, &alloc, handle);
}

int memalloc_new_area(int fd, uint64_t bytes, uint32_t gfp, uint64_t *handle)
{
	struct memalloc_alloc alloc = {
		.kind = MEMALLOC_KIND_AREA, .gfp = gfp, .bytes = bytes,
	};

	return new_handle(fd, &alloc, handle);
}

int memalloc_new_percpu(int fd, uint64_t bytes, uint64_t align, uint32_t gfp,
			uint64_t *handle)
{
	struct memalloc_alloc alloc = {
		.kind = MEMALLOC_KIND_PERCPU,
		.gfp = gfp,
		.bytes = bytes,
		.align = align,
	};

	return new_handle(fd, &alloc, handle);
}

int memalloc_new_objects(int fd, uint64_t cache, uint32_t count, uint32_t gfp,
			 uint64_t *handle)
{
	struct memalloc_alloc alloc = {
		.kind = MEMALLOC_KIND_OBJECT,
		.gfp = gfp,
		.parent = cache,
		.count = count,
	};

	return new_handle(fd, &alloc, handle);
}

int memalloc_new_element(int fd, uint64_t mempool, uint32_t flags,
			 uint32_t gfp, uint64_t *handle)
{
	struct memalloc_alloc alloc = {
		.kind = MEMALLOC_KIND_ELEMENT,
		.flags = flags,
		.gfp = gfp,
		.parent = mempool,
	};

	return new_handle(fd, &alloc, handle);
}

/* The rest of @to is zero already. */
static int copy_name(char to[MEMALLOC_NAME_SIZE], const char *name)
{
	const size_t length = strnlen(name, MEMALLOC_NAME_SIZE);

	if (length == MEMALLOC_NAME_SIZE)
		return -ENAMETOOLONG;
	memcpy(to, name, length);
	return 0;
}

int memalloc_new_cache(int fd, const char *name, uint32_t object_size,
		       uint32_t flags, uint64_t *handle)
{
	struct memalloc_cache_create create = {
		.size = sizeof(create),
		.flags = flags,
		.object_size = object_size,
		.usersize = object_size,
	};
	int err = copy_name(create.name, name);

	if (!err)
		err = memalloc_cache_create(fd, &create);
	if (!err)
		*handle = create.out_handle;
	return err;
}

/* An unknown backend is left to the module, which refuses it. */
int memalloc_new_mempool(int fd, const char *name, uint32_t backend,
			 uint64_t of, uint32_t min_nr, uint64_t *handle)
{
	struct memalloc_mempool_create create = {
		.size = sizeof(create),
		.backend = backend,
		.min_nr = min_nr,
		.node = -1,
	};
	int err = copy_name(create.name, name);

	if (backend == MEMALLOC_MEMPOOL_PAGES)
		create.order = of > MEMALLOC_MAX_ORDER ? UINT32_MAX :
							 (uint32_t)of;
	else if (backend == MEMALLOC_MEMPOOL_KMALLOC)
		create.bytes = of;
	else
		create.parent = of;
	if (!err)
		err = memalloc_mempool_create(fd, &create);
	if (!err)
		*handle = create.out_handle;
	return err;
}

int memalloc_resize_kmalloc(int fd, uint64_t handle, uint64_t bytes,
			    uint32_t gfp)
{
	struct memalloc_resize resize = {
		.size = sizeof(resize),
		.handle = handle,
		.bytes = bytes,
		.gfp = gfp,
	};

	return memalloc_resize(fd, &resize);
}

int memalloc_resize_mempool(int fd, uint64_t handle, uint32_t min_nr,
			    uint32_t gfp)
{
	struct memalloc_resize resize = {
		.size = sizeof(resize),
		.handle = handle,
		.gfp = gfp,
		.min_nr = min_nr,
	};

	return memalloc_resize(fd, &resize);
}
