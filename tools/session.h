/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What one run of memallocctl holds
 */
#ifndef SESSION_H
#define SESSION_H

#include <stdbool.h>

#include "device.h"
#include "names.h"

/* What the process ends with, and what each command returns. */
enum status {
	STATUS_OK = 0,
	STATUS_FAILED = 1,
	STATUS_USAGE = 2,
};

/**
 * struct session - one run
 * @device: the device; opened when the first command needs it
 * @names: the allocations of the shell
 * @in_shell: more commands may follow this one
 * @new_name: in the shell: what the user wants the new allocation called, or
 *	NULL
 * @injecting: the user has asked for an allocation to fail
 * @colour: standard output takes colours
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
 * session_open() - open the device if that is not yet done
 * @session: the session
 *
 * Complains if it cannot.
 *
 * Return: true if the device is open.
 */
bool session_open(struct session *session);

/**
 * session_keep() - give what has just been made its name, or free it again
 * @session: the session, in the shell
 * @name: what the user wants it called, or NULL for the next $NUMBER
 * @handle: its handle
 *
 * Complains if the name is taken.
 *
 * Return: its entry, or NULL: it has been freed.
 */
const struct allocation *session_keep(struct session *session, const char *name,
				      uint64_t handle);

#endif /* SESSION_H */
