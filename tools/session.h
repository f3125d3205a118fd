/* SPDX-License-Identifier: GPL-2.0 */
/*
 * State of one run of memallocctl: the device, and names of handles
 *
 * In the shell a handle is called by the name that the user chose, or by $1, $2
 * and so on. These numbers are not reused. Names and handles live as long as
 * the process.
 */
#ifndef SESSION_H
#define SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "device.h"

/* Exit status of the process and of each command */
enum status {
	STATUS_OK = 0,
	STATUS_FAILED = 1,
	STATUS_USAGE = 2,
};

/**
 * struct named_handle - a handle and its name
 * @name: its name; begins with '$' if the user did not choose it
 * @handle: the handle, e.g. of an allocation or of a cache
 */
struct named_handle {
	char *name;
	uint64_t handle;
};

/**
 * struct names - all names of a session
 * @tree: struct named_handle, sorted by name
 * @next: number for the next name that the user does not choose
 */
struct names {
	void *tree;
	unsigned long next;
};

/**
 * struct session - state of one run
 * @device: the device; opened when the first command needs it
 * @names: handles of the shell
 * @in_shell: the command runs in the shell
 * @new_name: in the shell: name that the user chose for the new allocation, or
 *	NULL
 * @injecting: the user requested an injected failure
 * @colour: print colours
 */
struct session {
	struct device device;
	struct names names;
	bool in_shell;
	const char *new_name;
	bool injecting;
	bool colour;
};

void session_init(struct session *session);
void session_destroy(struct session *session);

/**
 * session_open() - open the device unless it is open
 * @session: the session
 *
 * Complains on failure.
 *
 * Return: true if the device is open.
 */
bool session_open(struct session *session);

/**
 * session_keep() - name a new handle, or free it if that fails
 * @session: the session, in the shell
 * @name: name chosen by the user, or NULL for the next $NUMBER
 * @handle: the handle
 *
 * Complains if the name is taken.
 *
 * Return: its entry, or NULL if it was freed.
 */
const struct named_handle *session_keep(struct session *session,
					const char *name, uint64_t handle);

/**
 * names_valid() - is this name valid?
 * @name: valid are letters, digits, '_', '.' and '-', beginning with a letter
 *	or '_'
 */
bool names_valid(const char *name);

/**
 * names_add() - name a handle
 * @names: all names
 * @name: the name, or NULL for the next $NUMBER
 * @handle: the handle
 *
 * Return: the entry, valid until it is removed; NULL with errno EEXIST (the
 * name is taken) or ENOMEM.
 */
const struct named_handle *names_add(struct names *names, const char *name,
				     uint64_t handle);

const struct named_handle *names_find(const struct names *names,
				      const char *name);

/**
 * names_remove() - remove the name of a handle, if it has one
 * @names: all names
 * @likely: its probable name, which avoids a search of all
 * @handle: the handle
 */
void names_remove(struct names *names, const char *likely, uint64_t handle);

/**
 * names_match() - find all handles with a matching name
 * @names: all names
 * @pattern: as for fnmatch(3)
 * @count: number of matches
 *
 * Return: an array sorted by name, to be freed with free(3); NULL if there is
 * no match (@count is zero), or no memory (@count is not).
 */
const struct named_handle **names_match(const struct names *names,
					const char *pattern, size_t *count);

/**
 * struct handles - handles that arguments name
 * @list: the handles, and for each a copy of its name
 * @count: number of handles
 */
struct handles {
	struct named_handle *list;
	size_t count;
};

/**
 * handles_find() - find the handles that arguments name
 * @session: the session
 * @words: names, patterns as for fnmatch(3), or numbers, which are taken as
 *	handles
 * @count: number of words
 * @handles: result, to be freed with handles_free()
 *
 * Complains about a word that matches nothing.
 *
 * Return: true if every word matches.
 */
bool handles_find(const struct session *session, char **words, size_t count,
		  struct handles *handles);

/**
 * handle_find() - find the handle that an argument names
 * @session: the session
 * @word: as for handles_find(), but it must match exactly one
 * @what: expected kind in the plural, e.g. "caches"
 * @handle: result
 *
 * Return: true, or false after a complaint.
 */
bool handle_find(const struct session *session, char *word, const char *what,
		 uint64_t *handle);

void handles_free(struct handles *handles);

#endif /* SESSION_H */
