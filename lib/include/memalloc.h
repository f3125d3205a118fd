/* SPDX-License-Identifier: GPL-2.0 */
/*
 * memalloc.h: libmemalloc, the commands of /dev/memalloc as C functions
 *
 * <linux/memalloc.h> has the meaning of each command, its structures and its
 * errors. This header adds nothing to them.
 *
 * Results: a function that can fail returns zero or, for memalloc_open(), a
 * file descriptor; or the error as a negative number. It does not change errno.
 * Results go through pointers, and are written on success only, unless the
 * function says otherwise. memalloc_strerror() and memalloc_explain() turn an
 * error into text.
 *
 * Structures: the caller sets the field @size of a structure of
 * <linux/memalloc.h> that it passes, as for the ioctl:
 *
 *	struct memalloc_info info = { .size = sizeof(info), .handle = handle };
 *
 * So a program may be older or newer than the library, and both may be older or
 * newer than the module. Other fields that the caller does not set are zero.
 *
 * Threads: the library has no state. Any function may be called at the same
 * time by any number of threads, also on the same file and handle. The module
 * orders the commands. A function blocks as long as its command does.
 *
 * Signals: a command that a signal interrupts fails with EINTR and can be
 * repeated. The library repeats none, so that a handler can end a wait. All
 * functions except memalloc_explain() and memalloc_explain_open() may be called
 * in a signal handler.
 *
 * Processes: after fork(2) both processes have the same open file, and share
 * its handles.
 */
#ifndef _MEMALLOC_H
#define _MEMALLOC_H

#include <stddef.h>
#include <stdint.h>

#include <linux/memalloc.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The open file: device.c */

/**
 * memalloc_open() - open the device
 * @path: its path; NULL for MEMALLOC_DEVICE_PATH
 * @flags: O_RDWR; or O_RDONLY, which permits queries only; or O_WRONLY
 *
 * The descriptor is closed by execve(2), and is an ordinary one otherwise: it
 * may be duplicated, passed on a socket, and closed by close(2).
 *
 * Return: a file descriptor; or the error of open(2), see
 * memalloc_explain_open(); -EINVAL: @flags has another flag.
 */
int memalloc_open(const char *path, int flags);

/**
 * memalloc_close() - close the device
 * @fd: the open file
 *
 * The module frees all handles after the last descriptor of the open file is
 * closed and the last mapping is gone.
 *
 * Return: zero, or -EBADF.
 */
int memalloc_close(int fd);

/**
 * memalloc_command() - execute a command
 * @fd: the open file
 * @command: MEMALLOC_ALLOC or another ioctl of <linux/memalloc.h>
 * @argument: its structure
 *
 * All functions below that have a command use this one. It also executes
 * commands of later modules.
 *
 * Return: zero or the error of the command; -ENOTTY: the module does not know
 * the command, or @fd is not a file of memalloc.
 */
int memalloc_command(int fd, unsigned int command, void *argument);

/**
 * memalloc_version() - query the version of the module
 * @fd: the open file
 * @version: result; the caller sets @size
 *
 * Return: zero; -ENOTTY: the module is older than release 0.2.0.
 */
int memalloc_version(int fd, struct memalloc_version *version);

/**
 * memalloc_batch() - execute several commands with one system call
 * @fd: the open file
 * @ops: the commands
 * @count: number of commands, at most MEMALLOC_BATCH_MAX
 * @flags: MEMALLOC_BATCH_KEEP_GOING, or zero to stop after an error
 * @done: number of commands executed, with or without an error
 *
 * A command that fails does not make the batch fail: its error is in
 * @ops[].out_errno, as a positive number.
 *
 * Return: zero or the error of the batch.
 */
int memalloc_batch(int fd, struct memalloc_batch_op *ops, size_t count,
		   uint32_t flags, size_t *done);

/* Allocations: alloc.c */

/**
 * memalloc_alloc() - allocate memory of any kind that has bytes
 * @fd: the open file
 * @alloc: the request and its result; the caller sets @size
 *
 * Return: zero or the error of MEMALLOC_ALLOC.
 */
int memalloc_alloc(int fd, struct memalloc_alloc *alloc);

/*
 * One short form for each kind, with the caller's node and no other choice.
 * @handle receives the handle. @gfp is a set of MEMALLOC_GFP_*.
 */

/* 2^@order contiguous pages */
int memalloc_new_pages(int fd, uint32_t order, uint32_t gfp, uint64_t *handle);

/* @bytes of kmalloc memory */
int memalloc_new_kmalloc(int fd, uint64_t bytes, uint32_t gfp,
			 uint64_t *handle);

/* A vmalloc area of at least @bytes */
int memalloc_new_area(int fd, uint64_t bytes, uint32_t gfp, uint64_t *handle);

/* @bytes on each CPU; zero for @align selects the default. */
int memalloc_new_percpu(int fd, uint64_t bytes, uint64_t align, uint32_t gfp,
			uint64_t *handle);

/*
 * A slab cache of objects of @object_size bytes, all of which memalloc_read()
 * and memalloc_write() may copy. -ENAMETOOLONG: @name has more than
 * MEMALLOC_NAME_SIZE - 1 characters.
 */
int memalloc_new_cache(int fd, const char *name, uint32_t object_size,
		       uint32_t flags, uint64_t *handle);

/* @count objects of @cache as one handle; zero means one. */
int memalloc_new_objects(int fd, uint64_t cache, uint32_t count, uint32_t gfp,
			 uint64_t *handle);

/*
 * A mempool that guarantees @min_nr elements: blocks of order @of, @of bytes,
 * or objects of the cache @of, according to @backend. -ENAMETOOLONG as above.
 */
int memalloc_new_mempool(int fd, const char *name, uint32_t backend,
			 uint64_t of, uint32_t min_nr, uint64_t *handle);

/* An element of @mempool; @flags is MEMALLOC_ALLOC_PREALLOCATED or zero. */
int memalloc_new_element(int fd, uint64_t mempool, uint32_t flags,
			 uint32_t gfp, uint64_t *handle);

/**
 * memalloc_cache_create() - create a slab cache
 * @fd: the open file
 * @create: the request and its result; the caller sets @size
 *
 * Return: zero or the error of MEMALLOC_CACHE_CREATE.
 */
int memalloc_cache_create(int fd, struct memalloc_cache_create *create);

/**
 * memalloc_mempool_create() - create a mempool
 * @fd: the open file
 * @create: the request and its result; the caller sets @size
 *
 * Return: zero or the error of MEMALLOC_MEMPOOL_CREATE.
 */
int memalloc_mempool_create(int fd, struct memalloc_mempool_create *create);

/**
 * memalloc_resize() - change the size of kmalloc memory or of a mempool
 * @fd: the open file
 * @resize: the request and its result; the caller sets @size
 *
 * Return: zero or the error of MEMALLOC_RESIZE.
 */
int memalloc_resize(int fd, struct memalloc_resize *resize);

/* Change the size of kmalloc memory to @bytes. */
int memalloc_resize_kmalloc(int fd, uint64_t handle, uint64_t bytes,
			    uint32_t gfp);

/* Change the minimum of a mempool to @min_nr elements. */
int memalloc_resize_mempool(int fd, uint64_t handle, uint32_t min_nr,
			    uint32_t gfp);

/**
 * memalloc_free() - free a handle of any kind
 * @fd: the open file
 * @handle: the handle
 *
 * Return: zero; -ENOENT: the open file has no such handle; -EBUSY: a cache with
 * objects or mempools, or a mempool with elements.
 */
int memalloc_free(int fd, uint64_t handle);

/* Contents: access.c */

/**
 * memalloc_info() - query an allocation
 * @fd: the open file
 * @info: the request and its result; the caller sets @size
 *
 * Return: zero or the error of MEMALLOC_INFO.
 */
int memalloc_info(int fd, struct memalloc_info *info);

/**
 * memalloc_read() - copy out of an allocation
 * @fd: the open file
 * @handle: the allocation
 * @offset: first byte in the allocation
 * @buffer: destination
 * @length: number of bytes; all of them are copied, or an error is returned
 *
 * Return: zero or the error of MEMALLOC_READ; -EINTR: a signal interrupted the
 * copy. A part may have been copied after an error.
 */
int memalloc_read(int fd, uint64_t handle, uint64_t offset, void *buffer,
		  size_t length);

/* As memalloc_read(), in the other direction */
int memalloc_write(int fd, uint64_t handle, uint64_t offset,
		   const void *buffer, size_t length);

/**
 * memalloc_fill() - have the kernel fill an allocation or a part of it
 * @fd: the open file
 * @handle: the allocation
 * @offset: first byte in the allocation
 * @length: number of bytes
 * @pattern: enum memalloc_pattern
 * @value: value of the pattern
 *
 * Return: zero or the error of MEMALLOC_FILL.
 */
int memalloc_fill(int fd, uint64_t handle, uint64_t offset, uint64_t length,
		  uint32_t pattern, uint64_t value);

/**
 * memalloc_verify() - have the kernel compare an allocation with a pattern
 * @fd: the open file
 * @handle: the allocation
 * @offset: first byte in the allocation
 * @length: number of bytes
 * @pattern: enum memalloc_pattern
 * @value: value of the pattern
 * @same: bytes before the first difference, also set if there is one; may be
 *	NULL
 *
 * Return: zero; -EILSEQ: a byte differs; or the error of MEMALLOC_VERIFY.
 */
int memalloc_verify(int fd, uint64_t handle, uint64_t offset, uint64_t length,
		    uint32_t pattern, uint64_t value, uint64_t *same);

/**
 * memalloc_map() - map pages or an area, or a part of them
 * @fd: the open file
 * @handle: the allocation
 * @offset: first byte in the allocation, a multiple of the page size
 * @length: number of bytes, at least one
 * @prot: PROT_READ, PROT_WRITE, as for mmap(2)
 * @address: result
 *
 * The mapping keeps the memory, also after the handle is freed and the file is
 * closed. If another thread frees the handle during the call, the call fails.
 *
 * Return: zero; -ENODEV: the kind cannot be mapped; -EOVERFLOW: @offset and
 * @length exceed the allocation; or the error of MEMALLOC_INFO or mmap(2).
 */
int memalloc_map(int fd, uint64_t handle, uint64_t offset, size_t length,
		 int prot, void **address);

/**
 * memalloc_map_at() - map pages or an area by their offset
 * @fd: the open file
 * @offset: out_map_offset of the allocation, plus whole pages
 * @length: number of bytes, at least one
 * @prot: PROT_READ, PROT_WRITE, as for mmap(2)
 * @address: result
 *
 * This is one system call, and does not check which allocation is at @offset.
 * The caller knows that it still exists and is not shorter.
 *
 * Return: zero or the error of mmap(2); -ENOENT: no allocation is at @offset.
 */
int memalloc_map_at(int fd, uint64_t offset, size_t length, int prot,
		    void **address);

/**
 * memalloc_unmap() - remove a mapping
 * @address: result of memalloc_map() or memalloc_map_at()
 * @length: its length
 *
 * Return: zero or the error of munmap(2).
 */
int memalloc_unmap(void *address, size_t length);

/* The module: device.c */

/**
 * memalloc_stats() - read one entry of a section of the statistics
 * @fd: the open file
 * @section: enum memalloc_section
 * @index: index of the entry
 * @entry: result, the structure of the section
 * @length: size of @entry; fields unknown to the module are zero
 * @known: size of the part of @entry that the module knows; may be NULL
 *
 * Return: zero; -ENOENT: @index is not below the number of entries; -EINVAL:
 * the module does not know the section.
 */
int memalloc_stats(int fd, uint32_t section, uint32_t index, void *entry,
		   size_t length, size_t *known);

/*
 * As memalloc_stats() for the entry of a cache (MEMALLOC_SECTION_CACHE) or a
 * mempool (MEMALLOC_SECTION_MEMPOOL). -EINVAL: @handle is of another kind.
 */
int memalloc_stats_of(int fd, uint32_t section, uint64_t handle, void *entry,
		      size_t length, size_t *known);

/* Query the number of entries of a section. */
int memalloc_stats_count(int fd, uint32_t section, uint32_t *count);

/**
 * memalloc_validate() - check all structures of the allocator
 * @fd: the open file
 * @checked: structures checked, also set if some are damaged; may be NULL
 * @errors: damaged structures; may be NULL
 *
 * Return: zero; -EUCLEAN: at least one is damaged, and the kernel log has the
 * details; or the error of MEMALLOC_VALIDATE.
 */
int memalloc_validate(int fd, uint64_t *checked, uint64_t *errors);

/**
 * memalloc_shrink() - return free pages to the host
 * @fd: the open file
 * @pages: maximum number of pages; zero for all
 * @returned: pages returned; may be NULL
 *
 * Return: zero or the error of MEMALLOC_SHRINK.
 */
int memalloc_shrink(int fd, uint64_t pages, uint64_t *returned);

/* Return the unused slabs of @cache to the page allocator. */
int memalloc_shrink_cache(int fd, uint64_t cache, uint64_t *returned);

/**
 * memalloc_inject() - make a later allocation of this file fail
 * @fd: the open file
 * @nth: the step that fails: 1 is the next one, 0 cancels a pending failure
 * @left: steps left until the previous failure; may be NULL
 *
 * Return: zero; -EPERM: it needs CAP_SYS_ADMIN.
 */
int memalloc_inject(int fd, uint64_t nth, uint64_t *left);

/* Errors and names: strerror.c, explain.c, explain_open.c, name.c */

/**
 * memalloc_strerror() - describe an error
 * @error: an error of this library, negative or positive
 *
 * The text says what the error means and, after a semicolon, what to do. It has
 * no capital letter at the start and no period at the end, so that it can
 * follow "cannot allocate: ".
 *
 * Return: a constant string, never NULL. An errno that the device does not
 * return has the text of strerror(3), in English.
 */
const char *memalloc_strerror(int error);

/* Size of a buffer that is sufficient for any explanation */
#define MEMALLOC_EXPLANATION_MAX	512

/**
 * memalloc_explain() - explain an error of a command
 * @fd: the open file
 * @command: the command that failed, e.g. MEMALLOC_ALLOC
 * @argument: its structure; NULL if the caller has none
 * @error: the error, negative or positive
 * @buffer: receives the text; may be NULL if @size is zero
 * @size: size of @buffer
 *
 * The error alone does not tell which of several limits was reached, or which
 * of several values is wrong. This function looks at @argument and queries the
 * module. Call it right after the failure. The first line says what happened,
 * and can follow "cannot allocate: "; each other line is a sentence that says
 * what to do. Lines are separated, and not ended, by a newline. If nothing more
 * is known than the error, the text is that of memalloc_strerror() on two
 * lines.
 *
 * Return: length of the text, without the final zero byte. It is not below
 * @size if the text was cut.
 */
int memalloc_explain(int fd, unsigned int command, const void *argument,
		     int error, char *buffer, size_t size);

/* As memalloc_explain(), for an error of memalloc_open() */
int memalloc_explain_open(const char *path, int error, char *buffer,
			  size_t size);

/*
 * Names of enum memalloc_kind, enum memalloc_zone and enum
 * memalloc_mempool_backend. "unknown" for other values.
 */
const char *memalloc_kind_name(uint32_t kind);
const char *memalloc_zone_name(uint32_t zone);
const char *memalloc_backend_name(uint32_t backend);

#ifdef __cplusplus
}
#endif

#endif /* _MEMALLOC_H */
