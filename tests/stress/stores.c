// SPDX-License-Identifier: GPL-2.0
/*
 * memalloc-stores: stores of a process must not get lost
 *
 *	memalloc-stores SECONDS
 *
 * Tests the machine that runs the other tests, without memalloc. Processes
 * increment a counter in each of many pages, and check that each page has the
 * last value. Other processes fragment memory and trigger compaction, which
 * needs root and a kernel with compaction.
 *
 * User-mode Linux with CONFIG_SMP and CONFIG_COMPACTION fails: if a page is
 * migrated while its process runs on another CPU, that CPU uses the old page
 * until the process enters its kernel again, and stores in the meantime are
 * lost.
 *
 * Prints TAP. Status 1 if a store was lost.
 */
#include <err.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	PAGE = 4096,
	PAGES = 4096,		/* pages of a counting process */
	SCATTERED = 32768,	/* pages of a fragmenting process */
	ROUNDS = 100,		/* passes over all pages between checks of the clock */
	EACH = 2,		/* processes of each kind */
	SHOWN = 3,
};

static char *map_pages(size_t pages)
{
	char *memory = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		err(2, "mmap of %zu pages", pages);
	return memory;
}

static unsigned long *number_in(char *memory, size_t page)
{
	return (unsigned long *)(memory + page * PAGE);
}

static unsigned long count_once(char *memory, unsigned long number, unsigned long lost)
{
	volatile unsigned long *at;
	size_t page;

	for (page = 0; page < PAGES; page++) {
		at = number_in(memory, page);
		if (*at != number && lost++ < SHOWN)
			printf("# page %zu: stored %lu, found %lu\n", page, number, *at);
		*at = number + 1;
	}
	return lost;
}

static int count(time_t end)
{
	unsigned long number = 0, lost = 0;
	char *memory = map_pages(PAGES);
	int round;

	while (time(NULL) < end)
		for (round = 0; round < ROUNDS; round++)
			lost = count_once(memory, number++, lost);
	printf("# %lu stores, %lu lost\n", number * PAGES, lost);
	return lost || !number;
}

static void compact(void)
{
	int fd = open("/proc/sys/vm/compact_memory", O_WRONLY);

	if (fd < 0)
		return;
	if (write(fd, "1", 1) != 1)
		warn("cannot trigger compaction");
	close(fd);
}

static int scatter(time_t end)
{
	char *memory;
	size_t page;

	while (time(NULL) < end) {
		memory = map_pages(SCATTERED);
		for (page = 0; page < SCATTERED; page++)
			*number_in(memory, page) = 1;
		for (page = 0; page < SCATTERED; page += 2)
			madvise(memory + page * PAGE, PAGE, MADV_DONTNEED);
		compact();
		munmap(memory, SCATTERED * PAGE);
	}
	return 0;
}

static void start(int (*work)(time_t end), time_t end)
{
	pid_t pid = fork();
	int status;

	if (pid < 0)
		err(2, "fork");
	if (pid)
		return;
	status = work(end);
	fflush(stdout);
	_exit(status);
}

int main(int argc, char **argv)
{
	bool good = true;
	time_t end;
	int status, n;

	if (argc != 2 || atoi(argv[1]) <= 0)
		errx(2, "usage: memalloc-stores SECONDS");
	printf("TAP version 13\n1..1\n");
	fflush(stdout);
	end = time(NULL) + atoi(argv[1]);
	for (n = 0; n < EACH; n++) {
		start(count, end);
		start(scatter, end);
	}
	while (wait(&status) > 0)
		good &= !status;
	printf("%s 1 stores.no_store_is_lost\n", good ? "ok" : "not ok");
	return !good;
}
