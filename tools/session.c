// SPDX-License-Identifier: GPL-2.0
/*
 * What one run of memallocctl holds
 */
#include <string.h>

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
