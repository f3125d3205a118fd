// SPDX-License-Identifier: GPL-2.0
/*
 * Error messages
 *
 * A complaint is one line that begins with the prefix. Advice follows on
 * indented lines of its own, so that the two differ in a log.
 *
 * libmemalloc turns an error of the device into these lines. This file adds
 * advice that names commands of the shell.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "errors.h"
#include "target.h"

static const char *prefix = "memallocctl";

void complaint_set_prefix(const char *new_prefix)
{
	prefix = new_prefix;
}

const char *complaint_prefix(void)
{
	return prefix;
}

void complain(const char *format, ...)
{
	va_list args;

	fflush(stdout);
	fprintf(stderr, "%s: ", prefix);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
}

void advise(const char *format, ...)
{
	va_list args;

	fputs("  ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
}

/* Print the lines of an explanation: a complaint, and then advice. */
static void print_lines(const char *what, const char *name, char *lines)
{
	char *rest = lines, *line = strsep(&rest, "\n");

	complain("cannot %s%s%s: %s", what, *name ? " " : "", name, line);
	while ((line = strsep(&rest, "\n")))
		advise("%s", line);
}

static void explain(const struct session *session, const char *what,
		    const char *name, unsigned int command,
		    const void *argument, int err)
{
	char lines[MEMALLOC_EXPLANATION_MAX];

	if (err == -ENOMEM && session->injecting) {
		complain("cannot %s%s%s: out of memory, or the failure requested "
			 "with \"inject\"", what, *name ? " " : "", name);
		return;
	}
	memalloc_explain(session->device.fd, command, argument, err, lines,
			 sizeof(lines));
	print_lines(what, name, lines);
	if (err == -ENOENT)
		advise("\"list\" shows valid handles.");
}

void explain_open(const char *path, int err)
{
	char lines[MEMALLOC_EXPLANATION_MAX];

	memalloc_explain_open(path, err, lines, sizeof(lines));
	print_lines("open", path, lines);
}

void explain_command(const struct session *session, const char *what, int err)
{
	explain(session, what, "", 0, NULL, err);
}

void explain_alloc(const struct session *session,
		   const struct memalloc_alloc *alloc, int err)
{
	explain(session, "allocate", "", MEMALLOC_ALLOC, alloc, err);
}

void explain_cache_create(const struct session *session,
			  const struct memalloc_cache_create *create, int err)
{
	explain(session, "create the cache", "", MEMALLOC_CACHE_CREATE, create,
		err);
}

void explain_mempool_create(const struct session *session,
			    const struct memalloc_mempool_create *create,
			    int err)
{
	explain(session, "create the mempool", "", MEMALLOC_MEMPOOL_CREATE,
		create, err);
}

void explain_resize(const struct session *session, const char *name,
		    const struct memalloc_resize *resize, int err)
{
	explain(session, "resize", name, MEMALLOC_RESIZE, resize, err);
}

/* For READ and WRITE, EPERM is about the region; else about a privilege. */
static bool is_copy(const struct target *target)
{
	return !strcmp(target->action, "read") ||
	       !strcmp(target->action, "write to");
}

void explain_target(const struct session *session, const struct target *target,
		    int err)
{
	const struct memalloc_io io = {
		.size = sizeof(io),
		.handle = target->handle,
		.offset = target->offset,
		.length = target->length,
	};

	/* All commands on a range have these fields. */
	explain(session, target->action, target->name,
		is_copy(target) ? MEMALLOC_READ : MEMALLOC_FILL, &io, err);
}
