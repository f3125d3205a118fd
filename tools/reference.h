/* SPDX-License-Identifier: GPL-2.0 */
/*
 * How the user says which allocation is meant
 */
#ifndef REFERENCE_H
#define REFERENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "session.h"

/**
 * struct reference - one allocation that is meant
 * @name: what the user calls it
 * @handle: its handle
 */
struct reference {
	char *name;
	uint64_t handle;
};

/**
 * struct references - those that are meant
 * @list: each of them
 * @count: how many
 */
struct references {
	struct reference *list;
	size_t count;
};

/**
 * references_find() - find out which allocations are meant
 * @session: the session
 * @words: names, patterns of names as for fnmatch(3), or numbers, which are
 *	taken as handles as they are
 * @count: how many words
 * @references: where the answer goes, for references_free()
 *
 * Complains about a word that means nothing.
 *
 * Return: true if each word means something.
 */
bool references_find(const struct session *session, char **words, size_t count,
		     struct references *references);

/**
 * reference_find() - find out which one is meant
 * @session: the session
 * @word: as for references_find(), but it must mean one
 * @what: what it should be one of, as "caches"
 * @handle: where the answer goes
 *
 * Return: true, or false after a complaint.
 */
bool reference_find(const struct session *session, char *word, const char *what,
		    uint64_t *handle);

void references_free(struct references *references);

#endif /* REFERENCE_H */
