// SPDX-License-Identifier: GPL-2.0
/*
 * What one run of memallocctl holds
 */
#include <errno.h>
#include <string.h>

#include "complaint.h"
#include "explain.h"
#include "session.h"

void session_init(struct session *session)
{
	memset(session, 0, sizeof(*session));
	session->device.fd = -1;
	session->device.path = DEVICE_PATH;
}

void session_destroy(struct session *session)
{
	device_close(&session->device);
	names_destroy(&session->names);
}

bool session_open(struct session *session)
{
	int err;

	if (session->device.fd >= 0)
		return true;
	err = device_open(&session->device, session->device.path);
	if (err)
		explain_open(session->device.path, err);
	return !err;
}

const struct allocation *session_keep(struct session *session, const char *name,
				      uint64_t handle)
{
	const struct allocation *entry;

	entry = names_add(&session->names, name, handle);
	if (entry)
		return entry;
	if (errno == EEXIST) {
		complain("there is something called '%s' already", name);
		advise("Free it first, or choose another name: \"NAME = ...\".");
	} else {
		complain("out of memory");
	}
	device_free(&session->device, handle);
	return NULL;
}
