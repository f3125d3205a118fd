/* SPDX-License-Identifier: GPL-2.0 */
/*
 * tell.h: what the programs here say of themselves, as comments of TAP
 */
#ifndef TELL_H
#define TELL_H

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

/* Why something is wrong, and in which process. Returns 1, to be returned. */
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

/* For tests/check, which collects them. */
static inline void figure(const char *name, unsigned long value)
{
	printf("# figure: %s %lu\n", name, value);
	fflush(stdout);
}

#endif /* TELL_H */
