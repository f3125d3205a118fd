// SPDX-License-Identifier: GPL-2.0
/*
 * Watch the kernel log for reports, after each input: so the input is known
 *
 * What counts as one is decided at the end of the run by tests/vm/reports.awk,
 * too, which looks for more.
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

/* The next line that there is, without what the kernel puts before it. */
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
			usleep(500000); /* the rest of it */
		}
		if (found)
			fputs(line, stderr);
	}
	return found;
}
