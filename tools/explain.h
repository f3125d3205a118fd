/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What an errno of the device means, and what to do about it
 */
#ifndef EXPLAIN_H
#define EXPLAIN_H

#include "session.h"

/**
 * explain_open() - complain that the device could not be opened
 * @path: the device
 * @err: negative errno
 */
void explain_open(const char *path, int err);

/**
 * explain_alloc() - complain that an allocation failed
 * @session: the session
 * @alloc: what was asked
 * @err: negative errno
 */
void explain_alloc(const struct session *session,
		   const struct memalloc_alloc *alloc, int err);

/**
 * explain_cache_create() - complain that a cache could not be created
 * @session: the session
 * @create: what was asked
 * @err: negative errno
 */
void explain_cache_create(const struct session *session,
			  const struct memalloc_cache_create *create, int err);

/**
 * explain_mempool_create() - complain that a mempool could not be created
 * @session: the session
 * @create: what was asked
 * @err: negative errno
 */
void explain_mempool_create(const struct session *session,
			    const struct memalloc_mempool_create *create,
			    int err);

/**
 * explain_resize() - complain that a size could not be changed
 * @session: the session
 * @name: what the user calls the allocation
 * @resize: what was asked
 * @err: negative errno
 */
void explain_resize(const struct session *session, const char *name,
		    const struct memalloc_resize *resize, int err);

/**
 * struct access - a part of an allocation, for explain_access()
 * @verb: what was to be done with it: "read", "free"
 * @name: what the user calls it
 * @handle: its handle
 * @offset: first byte
 * @length: bytes
 */
struct access {
	const char *verb;
	const char *name;
	uint64_t handle;
	uint64_t offset;
	uint64_t length;
};

/**
 * explain_access() - complain that something with an allocation failed
 * @session: the session
 * @access: what was to be done
 * @err: negative errno
 */
void explain_access(const struct session *session, const struct access *access,
		    int err);

/**
 * explain_command() - complain that a command failed
 * @session: the session
 * @what: what was to be done, as "shrink"
 * @err: negative errno
 */
void explain_command(const struct session *session, const char *what, int err);

#endif /* EXPLAIN_H */
