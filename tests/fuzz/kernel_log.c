// SPDX-License-Identifier: GPL-2.0
/*
 * Check the kernel log for reports after each input, to find the input that
 * caused one
 *
 * tests/vm/reports.awk checks the whole log at the end of the run, with more
 * patterns.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "kernel_log.h"

static const char *const heads[] = {
	"BUG:", "BUG ", "WARNING:", "KASAN:", "UBSAN:", "ODEBUG:", "INFO: ", "refcount_t:",
	"possible circular", "possible recursive", "inconsistent lock state",
	"suspicious RCU", "scheduling while atomic", "list_add corruption",
	"list_del corruption", "Bad page", "usercopy:", "memalloc: report:", "memalloc: leak:",
};

static int fd;

void kernel_log_start(void)
{
	fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	lseek(fd, 0, SEEK_END);
}

static bool is_report(const char *line)
{
	unsigned int i;

	for (i = 0; i < sizeof(heads) / sizeof(heads[0]); i++)
		if (strstr(line, heads[i]))
			return true;
	return false;
}

/* Returns the next line without its prefix, or NULL. */
static const char *next_line(void)
{
	static char record[4096];
	ssize_t got = read(fd, record, sizeof(record) - 1);
	char *text;

	if (got < 0)
		return NULL;
	record[got] = '\0';
	text = strchr(record, ';');
	return text ? text + 1 : record;
}

bool kernel_log_has_report(void)
{
	bool found = false;
	const char *line;

	while ((line = next_line())) {
		if (!found && is_report(line)) {
			found = true;
			usleep(500000); /* wait for the rest of the report */
		}
		if (found)
			fputs(line, stderr);
	}
	return found;
}
