/* SPDX-License-Identifier: GPL-2.0 */
/*
 * host_event.h: calls of a test at the host's tracepoints
 */
#ifndef _MAL_HOST_EVENT_H
#define _MAL_HOST_EVENT_H

#include <linux/types.h>

struct tracepoint;

struct tracepoint *mal_host_event_attach(const char *name, void *probe, void *data);
void mal_host_event_detach(struct tracepoint *event, void *probe, void *data);

#endif /* _MAL_HOST_EVENT_H */
