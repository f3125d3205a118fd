/* SPDX-License-Identifier: GPL-2.0 */
/*
 * tell.h: diagnostics of the stress programs, as TAP comments
 */
#ifndef TELL_H
#define TELL_H

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

/* Print the reason of a failure, with the process. Returns 1. */
__attribute__((format(printf, 1, 2)))
static inline int fail(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	printf("# process %d: ", getpid());
	vprintf(format, args);
	printf("\n");
	fflush(stdout);
	va_end(args);
	return 1;
}

/* Print a figure for tests/check to collect. */
static inline void figure(const char *name, unsigned long value)
{
	printf("# figure: %s %lu\n", name, value);
	fflush(stdout);
}

#endif /* TELL_H */
