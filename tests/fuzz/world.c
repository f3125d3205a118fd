// SPDX-License-Identifier: GPL-2.0
/*
 * State shared by the system calls of an input; see world.h
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "world.h"

struct slot world_slots[SLOTS];
struct thread world_threads[THREADS];
char *world_arena;

/* Module parameters that an input may change, and their original values. */
static struct parameter {
	const char *name;
	char usual[16];
	_Atomic bool changed;
} parameters[] = {
	{ .name = "cap_mb" },
	{ .name = "quota_handles" },
	{ .name = "quota_file_mb" },
	{ .name = "quota_device_mb" },
};

enum { NR_PARAMETERS = sizeof(parameters) / sizeof(parameters[0]) };

static void die(const char *what)
{
	perror(what);
	exit(2);
}

static void *reserve(void *at, size_t bytes)
{
	void *area = mmap(at, bytes, PROT_NONE, (at ? MAP_FIXED : 0) | MAP_PRIVATE |
			  MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (area == MAP_FAILED)
		die("mmap");
	return area;
}

int world_fd(unsigned int file)
{
	return FIRST_FD + file % FILES;
}

int world_open(unsigned int file, int flags)
{
	int fd = open("/dev/memalloc", flags | O_CLOEXEC);

	if (fd < 0)
		return -1;
	dup3(fd, world_fd(file), O_CLOEXEC);
	close(fd);
	return 0;
}

void world_close(unsigned int file)
{
	close(world_fd(file));
}

static int parameter_open(const char *name, int flags)
{
	char path[128];

	snprintf(path, sizeof(path), "/sys/module/memalloc/parameters/%s", name);
	return open(path, flags | O_CLOEXEC);
}

static bool parameter_write(const char *name, const char *text)
{
	int fd = parameter_open(name, O_WRONLY);
	bool good;

	if (fd < 0)
		return false;
	good = write(fd, text, strlen(text)) > 0;
	close(fd);
	return good;
}

bool world_set(const char *name, unsigned int value)
{
	char text[16];
	int i;

	snprintf(text, sizeof(text), "%u", value);
	for (i = 0; i < NR_PARAMETERS; i++)
		if (!strcmp(parameters[i].name, name))
			parameters[i].changed = true;
	return parameter_write(name, text);
}

static void parameters_keep(void)
{
	ssize_t got;
	int i, fd;

	for (i = 0; i < NR_PARAMETERS; i++) {
		fd = parameter_open(parameters[i].name, O_RDONLY);
		if (fd < 0)
			die(parameters[i].name);
		got = read(fd, parameters[i].usual, sizeof(parameters[i].usual) - 1);
		if (got < 0)
			die(parameters[i].name);
		parameters[i].usual[got] = '\0';
		close(fd);
	}
}

static void parameters_restore(void)
{
	int i;

	for (i = 0; i < NR_PARAMETERS; i++)
		if (atomic_exchange(&parameters[i].changed, false))
			parameter_write(parameters[i].name, parameters[i].usual);
}

void world_start(void)
{
	world_arena = reserve(NULL, ARENA_BYTES + (1UL << 30));
	if (mprotect(world_arena, ARENA_BYTES, PROT_READ | PROT_WRITE))
		die("mprotect");
	parameters_keep();
}

static void area_start(struct argument_area *area)
{
	const size_t page = getpagesize();
	int fd = memfd_create("argument", MFD_CLOEXEC);

	if (fd < 0 || ftruncate(fd, 4 * page))
		die("memfd");
	area->alias = mmap(NULL, 4 * page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	area->view = mmap(NULL, 4 * page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (area->alias == MAP_FAILED || area->view == MAP_FAILED ||
	    mprotect(area->view + 2 * page, page, PROT_READ) ||
	    mprotect(area->view + 3 * page, page, PROT_NONE))
		die("mmap");
	close(fd);
}

/* Called by the thread itself. */
void world_thread_start(struct thread *thread)
{
	int i;

	thread->id = pthread_self();
	pthread_mutex_init(&thread->signalling, NULL);
	area_start(&thread->area);
	for (i = 0; i < WINDOWS; i++)
		thread->window[i].start = reserve(NULL, WINDOW_BYTES);
	if (pipe2(thread->pipe, O_NONBLOCK | O_CLOEXEC))
		die("pipe");
	thread->fail_nth = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
}

static void pipe_empty(struct thread *thread)
{
	static char sink[1 << 16];

	while (read(thread->pipe[0], sink, sizeof(sink)) > 0)
		;
}

/*
 * Release everything of an input: files, mappings, referenced pages,
 * parameters.
 */
void world_end_of_input(void)
{
	struct window *window;
	unsigned int i;

	for (i = 0; i < THREADS * WINDOWS; i++) {
		window = &world_threads[i / WINDOWS].window[i % WINDOWS];
		if (window->used)
			reserve(window->start, WINDOW_BYTES);
		window->used = window->readable = window->writable = false;
		window->length = 0;
	}
	for (i = 0; i < FILES; i++)
		world_close(i);
	for (i = 0; i < THREADS; i++)
		pipe_empty(&world_threads[i]);
	for (i = 0; i < SLOTS; i++)
		world_slots[i].handle = world_slots[i].bytes = world_slots[i].map_offset = 0;
	parameters_restore();
}
