// SPDX-License-Identifier: GPL-2.0
/*
 * Owner: memory of an open file is attributed to the task that opened it
 *
 * The section "leaks" of /proc/memalloc shows the owners. The name stays with
 * the file if the task forks, executes another program, is renamed or exits,
 * and is dropped with the file.
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>

#include "effort.h"
#include "harness.h"
#include "memalloc_device.h"
#include "seed.h"

enum { SITE_SIZE = 160, OBJECT_SIZE = 200 };

/* Name of an owner: "name[pid]". */
struct owner {
	char site[SITE_SIZE];
};

static struct owner owner_of(const char *name, pid_t pid)
{
	struct owner owner;

	snprintf(owner.site, sizeof(owner.site), "%s[%d]", name, pid);
	return owner;
}

/*
 * Create a cache that tracks its users. Without one, there is no section
 * "leaks".
 */
static int tracking_cache(int fd, __u64 *cache)
{
	struct memalloc_cache_create create = device_cache_of("owner", OBJECT_SIZE);
	int err;

	create.flags = MEMALLOC_CACHE_STORE_USER;
	err = device_ioctl(fd, MEMALLOC_CACHE_CREATE, &create);
	*cache = create.out_handle;
	return err;
}

/* Call @visit with each line of the section "leaks". */
static void for_each_leak(void (*visit)(const char *site, unsigned long blocks,
					void *data),
			  void *data)
{
	FILE *proc = fopen("/proc/memalloc", "re");
	char line[512], site[SITE_SIZE];
	unsigned long blocks;
	bool leaks = false;

	while (proc && fgets(line, sizeof(line), proc)) {
		if (*line == '[')
			leaks = !strcmp(line, "[leaks]\n");
		else if (leaks && sscanf(line, "%*s %lu %*s %*s %159[^\n]", &blocks, site) == 2)
			visit(site, blocks, data);
	}
	if (proc)
		fclose(proc);
}

struct count {
	const char *site;
	unsigned long blocks;
};

static void count_leak(const char *site, unsigned long blocks, void *data)
{
	struct count *count = data;

	if (!strcmp(site, count->site))
		count->blocks += blocks;
}

/* Returns the number of blocks and objects of an owner. */
static unsigned long owned(const struct owner *owner)
{
	struct count count = { .site = owner->site };

	for_each_leak(count_leak, &count);
	return count.blocks;
}

FIXTURE(owner) {
	int observer;
	__u64 cache;
};

FIXTURE_SETUP(owner)
{
	FILE *proc = fopen("/proc/memalloc", "re");

	if (!proc)
		SKIP(return, "needs root to read /proc/memalloc");
	fclose(proc);
	self->observer = device_open();
	ASSERT_LE(0, self->observer);
	ASSERT_EQ(0, tracking_cache(self->observer, &self->cache));
}

FIXTURE_TEARDOWN(owner)
{
	EXPECT_EQ(0, device_validate(self->observer));
	close(self->observer);
}

/* Wait for a byte in the pipe or the close of its other end. */
static void pipe_await(int pipe)
{
	char byte;

	while (read(pipe, &byte, 1) < 0 && errno == EINTR)
		;
}

/* --- lifetime of the name ------------------------------------------------- */

/* Run as a child of the opener with another name, and outlive it. */
static int heir(int fd, int ready, int go)
{
	__u64 handle;
	int i;

	prctl(PR_SET_NAME, "heir");
	pipe_await(go);
	for (i = 0; i < 3; i++)
		if (device_alloc(fd, i, &handle))
			return 1;
	close(ready);
	pipe_await(go);
	return 0;
}

static int opener(int ready, int go)
{
	__u64 handle;
	int fd;

	prctl(PR_SET_NAME, "opener");
	fd = device_open();
	if (fd < 0 || device_alloc(fd, 0, &handle))
		return 1;
	prctl(PR_SET_NAME, "renamed");
	if (device_alloc(fd, 0, &handle))
		return 1;
	if (fork())
		return 0;
	return heir(fd, ready, go);
}

TEST_F(owner, is_the_task_that_opened_the_file_though_it_is_gone)
{
	int ready[2], go[2], status;
	struct owner owner, other;
	pid_t child;

	ASSERT_EQ(0, pipe(ready));
	ASSERT_EQ(0, pipe(go));
	child = fork();
	ASSERT_LE(0, child);
	if (!child) {
		close(go[1]);
		close(ready[0]);
		close(self->observer);
		_exit(opener(ready[1], go[0]));
	}
	close(ready[1]);
	ASSERT_EQ(child, waitpid(child, &status, 0));
	ASSERT_EQ(0, status);
	owner = owner_of("opener", child);
	EXPECT_EQ(2, owned(&owner));
	ASSERT_EQ(1, write(go[1], "", 1));
	pipe_await(ready[0]);
	EXPECT_EQ(5, owned(&owner));
	other = owner_of("renamed", child);
	EXPECT_EQ(0, owned(&other));
	close(go[1]);
	/* The task is a grandchild, so wait for the release of its file. */
	while (owned(&owner))
		usleep(10000);
	close(go[0]);
	close(ready[0]);
}

/* A descriptor without O_CLOEXEC survives execve(2), and so does the name. */
TEST_F(owner, stays_when_another_program_is_executed)
{
	struct owner owner;
	int status, run[2];
	__u64 handle;
	pid_t child;

	ASSERT_EQ(0, pipe(run));
	child = fork();
	ASSERT_LE(0, child);
	if (!child) {
		int fd;

		prctl(PR_SET_NAME, "first");
		fd = open(DEVICE_PATH, O_RDWR);
		if (fd < 0 || device_alloc(fd, 2, &handle) ||
		    dup2(run[0], STDIN_FILENO) < 0)
			_exit(1);
		close(run[1]);
		execl("/bin/busybox", "cat", NULL);
		_exit(1);
	}
	owner = owner_of("first", child);
	while (!owned(&owner) && !waitpid(child, &status, WNOHANG))
		usleep(1000);
	usleep(100000);
	EXPECT_EQ(1, owned(&owner));
	close(run[1]);
	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_EQ(0, owned(&owner));
}

static void *open_and_end(void *arg)
{
	int *fd = arg;
	__u64 handle;

	prctl(PR_SET_NAME, "thread");
	*fd = device_open();
	if (*fd >= 0)
		device_alloc(*fd, 1, &handle);
	return NULL;
}

/* The thread that opened the file has exited; other threads use it. */
TEST_F(owner, stays_when_its_thread_ends)
{
	struct owner owner = owner_of("thread", getpid());
	pthread_t thread;
	__u64 handle;
	int fd;

	ASSERT_EQ(0, pthread_create(&thread, NULL, open_and_end, &fd));
	ASSERT_EQ(0, pthread_join(thread, NULL));
	ASSERT_LE(0, fd);
	EXPECT_EQ(1, owned(&owner));
	ASSERT_EQ(0, device_alloc(fd, 0, &handle));
	EXPECT_EQ(2, owned(&owner));
	close(fd);
	EXPECT_EQ(0, owned(&owner));
}

/* --- concurrency ---------------------------------------------------------- */

/*
 * Allocate memory of each kind through a file that other tasks use and close.
 */
static void *allocate(void *arg)
{
	int fd = *(int *)arg, i;
	__u64 cache, handle;

	for (i = 0; i < 4; i++) {
		device_alloc(fd, i, &handle);
		device_kmalloc(fd, 20000, &handle);
		if (!tracking_cache(fd, &cache)) {
			if (!device_alloc_objects(fd, cache, 5, &handle))
				device_free(fd, handle);
		}
		if (!device_mempool_create(fd, MEMALLOC_MEMPOOL_PAGES, 0, 2, &cache))
			device_free(fd, cache);
	}
	return NULL;
}

/* Exit in one of the possible ways. */
static void live_as_owner(__u64 seed)
{
	pthread_t thread;
	int fd;

	prctl(PR_SET_NAME, "owner");
	fd = open(DEVICE_PATH, O_RDWR);
	if (fd < 0)
		_exit(1);
	if (pthread_create(&thread, NULL, allocate, &fd))
		_exit(1);
	prctl(PR_SET_NAME, "wrong");
	switch (seed_below(&seed, 4)) {
	case 0:	/* while the other thread runs */
		_exit(0);
	case 1:
		execl("/bin/busybox", "true", NULL);
		_exit(1);
	case 2:	/* a child is the last user of the file */
		if (!fork())
			allocate(&fd);
		break;
	default:
		pthread_join(thread, NULL);
		close(fd);
	}
	_exit(0);
}

/* Open files without an allocation: the name must never appear. */
static void live_as_idler(void)
{
	int i;

	prctl(PR_SET_NAME, "idler");
	for (i = 0; i < 20; i++)
		close(device_open());
	_exit(0);
}

/* Keep starting and reaping processes for @seconds. */
static void start_and_reap(__u64 seed, bool idle, unsigned int seconds)
{
	time_t end = time(NULL) + seconds;
	pid_t child;

	while (time(NULL) < end) {
		seed_next(&seed);
		child = fork();
		if (!child) {
			if (idle)
				live_as_idler();
			live_as_owner(seed);
		}
		waitpid(child, NULL, 0);
	}
	_exit(0);
}

/*
 * A site is an owner, "(gone)", or briefly, until a new block has been
 * attributed, the function that allocates it.
 */
static void check_site(const char *site, unsigned long blocks, void *data)
{
	unsigned long *wrong = data;

	(void)blocks;
	if (!strncmp(site, "owner[", 6) || !strcmp(site, "(gone)") ||
	    !strcmp(site, "(others)") || !strncmp(site, "mal_", 4))
		return;
	if (!(*wrong)++)
		printf("# attributed to %s\n", site);
}

static void count_any(const char *site, unsigned long blocks, void *data)
{
	unsigned long *left = data;

	(void)site;
	*left += blocks;
}

TEST_F(owner, is_nobody_else_while_files_come_and_go)
{
	enum { PROCESSES = 4 };
	const unsigned int seconds = effort_of(3) + 2;
	unsigned long wrong = 0, looks = 0, left = 1;
	time_t end = time(NULL) + seconds;
	pid_t children[PROCESSES];
	__u64 seed;
	int i;

	SEED_PRINT(seed);
	for (i = 0; i < PROCESSES; i++) {
		__u64 own = seed_next(&seed);

		children[i] = fork();
		ASSERT_LE(0, children[i]);
		if (!children[i]) {
			close(self->observer);
			start_and_reap(own, i % 2, seconds);
		}
	}
	while (time(NULL) < end) {
		for_each_leak(check_site, &wrong);
		looks++;
	}
	for (i = 0; i < PROCESSES; i++)
		waitpid(children[i], NULL, 0);
	EXPECT_EQ(0, wrong);
	EXPECT_LT(0, looks);
	/* Orphaned children may still run. */
	for (i = 0; i < 1000 && left; i++) {
		usleep(10000);
		left = 0;
		for_each_leak(count_any, &left);
	}
	EXPECT_EQ(0, left);
}

TEST_HARNESS_MAIN
