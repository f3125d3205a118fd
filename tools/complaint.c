// SPDX-License-Identifier: GPL-2.0
/*
 * What goes to standard error
 *
 * A complaint is one line that begins with the prefix. Advice follows on lines
 * of its own, indented, so that a reader of a log can tell the two apart.
 */
#include <stdarg.h>
#include <stdio.h>

#include "complaint.h"

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
