/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Error messages
 */
#ifndef ERRORS_H
#define ERRORS_H

#include "session.h"

struct target;

/**
 * complaint_set_prefix() - set the prefix of complaints
 * @prefix: e.g. "memallocctl alloc" or "script:3: alloc"; must stay valid until
 *	it is replaced
 */
void complaint_set_prefix(const char *prefix);

/**
 * complaint_prefix() - get the prefix of complaints
 *
 * Return: the prefix, never NULL.
 */
const char *complaint_prefix(void);

/**
 * complain() - print an error message
 * @format: one sentence, as for printf(3), without a newline
 *
 * Flushes standard output first, so that the order is right if both go to the
 * same place.
 */
void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

/**
 * advise() - print advice for the user after complain()
 * @format: as for complain()
 */
void advise(const char *format, ...) __attribute__((format(printf, 1, 2)));

/**
 * explain_open() - complain that the device could not be opened
 * @path: the device
 * @err: negative errno
 */
void explain_open(const char *path, int err);

/**
 * explain_alloc() - complain that an allocation failed
 * @session: the session
 * @alloc: the request
 * @err: negative errno
 */
void explain_alloc(const struct session *session,
		   const struct memalloc_alloc *alloc, int err);

/**
 * explain_cache_create() - complain that a cache could not be created
 * @session: the session
 * @create: the request
 * @err: negative errno
 */
void explain_cache_create(const struct session *session,
			  const struct memalloc_cache_create *create, int err);

/**
 * explain_mempool_create() - complain that a mempool could not be created
 * @session: the session
 * @create: the request
 * @err: negative errno
 */
void explain_mempool_create(const struct session *session,
			    const struct memalloc_mempool_create *create,
			    int err);

/**
 * explain_resize() - complain that a size could not be changed
 * @session: the session
 * @name: name of the allocation
 * @resize: the request
 * @err: negative errno
 */
void explain_resize(const struct session *session, const char *name,
		    const struct memalloc_resize *resize, int err);

/**
 * explain_target() - complain that an operation on a handle failed
 * @session: the session
 * @target: the handle, and the part of the allocation
 * @err: negative errno
 */
void explain_target(const struct session *session, const struct target *target,
		    int err);

/**
 * explain_command() - complain that a command failed
 * @session: the session
 * @what: the operation, e.g. "shrink"
 * @err: negative errno
 */
void explain_command(const struct session *session, const char *what, int err);

#endif /* ERRORS_H */
