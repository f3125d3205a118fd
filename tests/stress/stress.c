// SPDX-License-Identifier: GPL-2.0
/*
 * memalloc-stress: everything at once, for a time, and then account for it
 *
 *	memalloc-stress SECONDS [SEED]
 *
 * Processes that use the device in every way it can be used, and are killed at
 * any moment, while the limits change, the host runs short of memory,
 * processors come and go, and a client in the kernel is loaded and unloaded. It is
 * run as root, in a guest. Status 1 if any of them saw what must not be.
 *
 * What a process has written must be there when it looks again: so memory
 * given to two at a time is seen.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "memalloc_device.h"
#include "module_parameter.h"
#include "seed.h"

enum {
	USERS = 4,
	HELD = 32,		/* allocations of a user at the same time */
	MAX_ORDER = 6,
	MAX_BYTES = 30000,	/* of kmalloc: more than a size class has */
	MAX_OBJECT = 3000,
	MAX_COUNT = 20,		/* objects in an allocation */
	PAUSE_US = 20000,	/* between two events */
};

#define CLIENT		"/usr/lib/memalloc/memalloc_stress.ko"
#define CPU_ONLINE	"/sys/devices/system/cpu/cpu1/online"

static int fail(const char *format, ...)
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

/* --- a process that uses the device ---------------------------------------------- */

struct allocation {
	__u64 handle;
	__u64 value;		/* that it was filled with */
	__u64 bytes;
	__u32 kind;
	void *mapping;
};

struct user {
	__u64 seed;
	int fd;
	int pipe[2];
	__u64 cache;		/* that objects are from, or zero */
	struct allocation held[HELD];
};

static bool is_refusal(int err)
{
	return err == -ENOMEM || err == -EDQUOT || err == -EINTR;
}

/* Of a kind, mode and size chosen at random. */
static struct memalloc_alloc user_wish(struct user *user)
{
	static const __u32 modes[] = {
		MEMALLOC_GFP_KERNEL, MEMALLOC_GFP_ATOMIC, MEMALLOC_GFP_NOWAIT,
		MEMALLOC_GFP_USER, MEMALLOC_GFP_HIGHUSER | MEMALLOC_GFP_NORETRY,
	};
	struct memalloc_alloc alloc = {
		.size = sizeof(alloc),
		.kind = MEMALLOC_KIND_PAGES,
		.gfp = modes[seed_below(&user->seed, 5)] | MEMALLOC_GFP_NOWARN,
		.node = -1,
	};

	switch (seed_below(&user->seed, 4)) {
	case 0:
		alloc.kind = MEMALLOC_KIND_KMALLOC;
		alloc.bytes = seed_below(&user->seed, seed_below(&user->seed, MAX_BYTES) + 1);
		break;
	case 1:
		if (!user->cache)
			device_cache_create(user->fd, "stress",
					    1 + seed_below(&user->seed, MAX_OBJECT), &user->cache);
		if (user->cache) {
			alloc.kind = MEMALLOC_KIND_OBJECT;
			alloc.parent = user->cache;
			alloc.count = seed_below(&user->seed, MAX_COUNT);
		}
		break;
	default:
		alloc.order = seed_below(&user->seed, seed_below(&user->seed, MAX_ORDER) + 1);
		break;
	}
	return alloc;
}

static int user_alloc(struct user *user, struct allocation *one)
{
	struct memalloc_alloc alloc = user_wish(user);
	int err = device_ioctl(user->fd, MEMALLOC_ALLOC, &alloc);

	if (err)
		return is_refusal(err) ? 0 : fail("alloc: %s", strerror(-err));
	*one = (struct allocation) {
		.handle = alloc.out_handle,
		.value = seed_next(&user->seed),
		.bytes = alloc.out_bytes,
		.kind = alloc.kind,
	};
	if (alloc.out_map_offset && seed_below(&user->seed, 2)) {
		one->mapping = device_map(user->fd, alloc.out_map_offset, alloc.out_bytes);
		if (one->mapping == MAP_FAILED)
			one->mapping = NULL;
	}
	err = device_fill(user->fd, one->handle, one->bytes, one->value);
	return err ? fail("fill: %s", strerror(-err)) : 0;
}

static bool mapping_is_right(struct user *user, const struct allocation *one)
{
	const __u64 word = seed_below(&user->seed, one->bytes / 8);

	return ((volatile __u64 *)one->mapping)[word] == one->value + word;
}

static int user_check(struct user *user, struct allocation *one)
{
	int err = device_verify(user->fd, one->handle, one->bytes, one->value);

	if (err)
		return fail("verify: %s", strerror(-err));
	if (one->mapping && !mapping_is_right(user, one))
		return fail("a mapping shows other memory");
	return 0;
}

/* What it has before and after stays as it was. */
static int user_resize(struct user *user, struct allocation *one)
{
	const __u64 bytes = seed_below(&user->seed, seed_below(&user->seed, MAX_BYTES) + 1);
	const __u64 both = bytes < one->bytes ? bytes : one->bytes;
	int err = device_resize(user->fd, one->handle, bytes);

	if (err)
		return is_refusal(err) ? 0 : fail("resize: %s", strerror(-err));
	err = device_verify(user->fd, one->handle, both, one->value);
	if (err)
		return fail("resized, and changed: %s", strerror(-err));
	one->bytes = bytes;
	err = device_fill(user->fd, one->handle, bytes, one->value);
	return err ? fail("fill: %s", strerror(-err)) : 0;
}

/* Not while there are objects of it. */
static int user_destroy_cache(struct user *user)
{
	int err = user->cache ? device_free(user->fd, user->cache) : -EBUSY;

	if (err && err != -EBUSY)
		return fail("destroy: %s", strerror(-err));
	if (!err)
		user->cache = 0;
	return 0;
}

/* First one, then the other: a mapping keeps what it shows. */
static int user_free(struct user *user, struct allocation *one)
{
	int err = device_free(user->fd, one->handle);

	if (err)
		return fail("free: %s", strerror(-err));
	if (one->mapping) {
		if (!mapping_is_right(user, one))
			return fail("a mapping of what is freed shows other memory");
		munmap(one->mapping, one->bytes);
	}
	*one = (struct allocation) {};
	return 0;
}

/* A pipe holds some of its pages, perhaps after they are freed. */
static void user_splice(struct user *user, struct allocation *one)
{
	const struct iovec pages = { .iov_base = one->mapping, .iov_len = one->bytes };
	static char sink[1 << 16];

	if (one->mapping && seed_below(&user->seed, 2))
		(void)!vmsplice(user->pipe[1], &pages, 1, SPLICE_F_NONBLOCK);
	else
		(void)!read(user->pipe[0], sink, sizeof(sink));
}

/* A child has the mappings, too, and goes first or last. */
static void user_fork(struct user *user)
{
	pid_t child = fork();

	if (!child) {
		usleep(seed_below(&user->seed, 20000));
		_exit(0);
	}
	if (child > 0 && seed_below(&user->seed, 2))
		waitpid(child, NULL, 0);
}

static int user_reopen(struct user *user)
{
	int i;

	close(user->fd);
	for (i = 0; i < HELD; i++) {
		if (user->held[i].mapping)
			munmap(user->held[i].mapping, user->held[i].bytes);
		user->held[i] = (struct allocation) {};
	}
	user->cache = 0;
	user->fd = device_open();
	return user->fd < 0 ? fail("open: %s", strerror(-user->fd)) : 0;
}

static int user_step(struct user *user)
{
	struct allocation *one = &user->held[seed_below(&user->seed, HELD)];

	if (seed_below(&user->seed, 200) == 0)
		return user_reopen(user);
	if (seed_below(&user->seed, 100) == 0)
		user_fork(user);
	if (!one->handle)
		return user_alloc(user, one);
	if (seed_below(&user->seed, 20) == 0 && user_destroy_cache(user))
		return 1;
	if (one->kind == MEMALLOC_KIND_KMALLOC && seed_below(&user->seed, 2))
		return user_check(user, one) || user_resize(user, one);
	user_splice(user, one);
	return user_check(user, one) || (seed_below(&user->seed, 2) && user_free(user, one));
}

static int user_run(__u64 seed)
{
	struct user user = { .seed = seed };

	signal(SIGCHLD, SIG_IGN);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	user.fd = device_open();
	if (user.fd < 0 || pipe2(user.pipe, O_NONBLOCK | O_CLOEXEC))
		return fail("open: %s", strerror(errno));
	for (;;)
		if (user_step(&user))
			return 1;
}

/* --- what happens to them ---------------------------------------------------------- */

static __u64 seed;
static int watch;		/* a file that holds nothing */
static pid_t users[USERS];
static bool failed;

static void user_start(int i)
{
	const __u64 own = seed_next(&seed);

	fflush(stdout);
	users[i] = fork();
	if (!users[i])
		_exit(user_run(own));
}

/* It ends in no other way than by being killed. */
static void user_end(int i)
{
	int status = 0;

	kill(users[i], SIGKILL);
	waitpid(users[i], &status, 0);
	if (WIFEXITED(status) || WTERMSIG(status) != SIGKILL) {
		fail("user %d ended with status %#x", users[i], status);
		failed = true;
	}
}

static void event_kill(void)
{
	const int i = seed_below(&seed, USERS);

	user_end(i);
	user_start(i);
}

static void event_limits(void)
{
	parameter_set("cap_mb", 8 + seed_below(&seed, 56));
	parameter_set("quota_handles", 8 + seed_below(&seed, 60));
	parameter_set("quota_file_mb", seed_below(&seed, 16));
	parameter_set("quota_device_mb", seed_below(&seed, 64));
}

static void event_validate(void)
{
	int err = device_validate(watch);

	if (err && err != -EINTR)
		failed = fail("validate: %s", strerror(-err));
}

static void event_shrink(void)
{
	device_shrink(watch);
}

/* The host asks everybody, again and again. */
static void event_drop_caches(void)
{
	line_write("/proc/sys/vm/drop_caches", "3");
}

static void event_look(void)
{
	int fd = open("/proc/memalloc", O_RDONLY | O_CLOEXEC);
	char text[4096];

	while (read(fd, text, sizeof(text)) > 0)
		;
	close(fd);
}

/* Half of what the host has left. If somebody must be killed, then this. */
static void event_hog(void)
{
	pid_t child;

	fflush(stdout);
	child = fork();
	if (!child) {
		const size_t bytes = sysconf(_SC_AVPHYS_PAGES) / 2 * page_size();
		char *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
				    MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

		(void)memory;
		_exit(0);
	}
	if (child > 0)
		waitpid(child, NULL, 0);
}

static void event_processor(void)
{
	line_write(CPU_ONLINE, "0");
	usleep(seed_below(&seed, PAUSE_US));
	line_write(CPU_ONLINE, "1");
}

static bool client_is_loaded;

static void event_client(void)
{
	char parameters[64];
	int fd;

	if (client_is_loaded) {
		if (syscall(SYS_delete_module, "memalloc_stress", O_NONBLOCK))
			failed = fail("the client cannot be unloaded: %s", strerror(errno));
		client_is_loaded = false;
		return;
	}
	fd = open(CLIENT, O_RDONLY | O_CLOEXEC);
	snprintf(parameters, sizeof(parameters), "seed=%llu slots=%llu",
		 (unsigned long long)seed_below(&seed, 1 << 20),
		 (unsigned long long)(64 + seed_below(&seed, 2000)));
	client_is_loaded = !syscall(SYS_finit_module, fd, parameters, 0);
	if (!client_is_loaded && errno != ENOMEM)
		failed = fail("the client cannot be loaded: %s", strerror(errno));
	close(fd);
}

static struct event {
	const char *name;
	void (*happen)(void);
	unsigned int weight;
	unsigned long count;
} events[] = {
	{ "kills", event_kill, 40, 0 },
	{ "limits", event_limits, 20, 0 },
	{ "validations", event_validate, 5, 0 },
	{ "shrinks", event_shrink, 8, 0 },
	{ "caches dropped", event_drop_caches, 2, 0 },
	{ "looks", event_look, 5, 0 },
	{ "hogs", event_hog, 4, 0 },
	{ "processors off and on", event_processor, 10, 0 },
	{ "client loaded or unloaded", event_client, 6, 0 },
};

enum { EVENTS = sizeof(events) / sizeof(events[0]), WEIGHT = 100 };

static void something_happens(void)
{
	unsigned int at = seed_below(&seed, WEIGHT), i;

	for (i = 0; i < EVENTS - 1 && at >= events[i].weight; i++)
		at -= events[i].weight;
	events[i].happen();
	events[i].count++;
}

/* --- and what is left of it --------------------------------------------------------- */

/* Nobody holds anything, nothing is broken, nothing was reported. */
static int account(void)
{
	struct memalloc_stats_reports reports, none = {};
	struct memalloc_stats_borrowing borrowing;
	struct memalloc_stats_file file;

	if (device_validate(watch) || device_shrink(watch) || device_file(watch, &file) ||
	    device_reports(watch, &reports) || device_borrowing(watch, &borrowing))
		return fail("the device does not answer, or is not valid");
	if (file.device_bytes)
		return fail("%llu bytes are still charged", (unsigned long long)file.device_bytes);
	if (memcmp(&reports, &none, sizeof(none)))
		return fail("misuse was reported");
	if (borrowing.quarantined ||
	    borrowing.borrowed != borrowing.borrowed_total - borrowing.returned_total)
		return fail("%llu borrowed, %llu quarantined",
			    (unsigned long long)borrowing.borrowed,
			    (unsigned long long)borrowing.quarantined);
	return 0;
}

int main(int argc, char **argv)
{
	const time_t seconds = argc > 1 ? atoi(argv[1]) : 10;
	time_t until = time(NULL) + seconds;
	unsigned int i;

	seed = argc > 2 ? strtoull(argv[2], NULL, 0) : seed_choose();
	printf("# seed=%llu\n", (unsigned long long)seed);
	watch = device_open();
	if (watch < 0)
		return fail("open: %s", strerror(-watch));
	for (i = 0; i < USERS; i++)
		user_start(i);
	while (time(NULL) < until && !failed) {
		usleep(PAUSE_US);
		something_happens();
	}
	if (client_is_loaded)
		event_client();
	for (i = 0; i < USERS; i++)
		user_end(i);
	sleep(1); /* children of the users */
	failed |= account();
	for (i = 0; i < EVENTS; i++)
		printf("# %s: %lu\n", events[i].name, events[i].count);
	return failed;
}
