// SPDX-License-Identifier: GPL-2.0
/*
 * memalloc-stress: use the whole device at once for a time, then account for it
 *
 *	memalloc-stress all SECONDS [SEED]
 *	memalloc-stress processors TIMES [SEED]
 *
 * Processes use the device in every possible way. "all": they are killed at
 * random times, while limits change, the host runs short of memory, CPUs go
 * offline and online, and a kernel client is loaded and unloaded. "processors":
 * one CPU at a time goes offline and online, TIMES times, with a validation
 * each time and the client loaded throughout.
 *
 * Runs as root in a guest. Status 1 if a process saw an error.
 *
 * Each process checks that its data are intact, so memory that is handed out
 * twice is detected.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "memalloc_device.h"
#include "module_parameter.h"
#include "seed.h"
#include "tell.h"

enum {
	USERS = 4,
	HELD = 32,		/* allocations held by a user */
	MAX_ORDER = 6,
	MAX_BYTES = 30000,	/* of kmalloc: more than the largest size class */
	MAX_OBJECT = 3000,
	MAX_COUNT = 20,		/* objects per allocation */
	MAX_MINIMUM = 8,	/* largest minimum of a pool */
	MAX_PERCPU = 2000,	/* bytes per CPU */
	MAX_AREA = 100000,
	ENOUGH_CACHES = 200,	/* enough to include each flag with any seed */
	PATIENCE_US = 5000,	/* how long a user waits for an element */
	PAUSE_US = 20000,	/* between two events */
};

#define CLIENT		"/usr/lib/memalloc/memalloc_stress.ko"
#define CPU_ONLINE	"/sys/devices/system/cpu/cpu1/online"

/* --- a process that uses the device --------------------------------------- */

/* Counts of all users, by enum memalloc_kind. */
static const char *const kind_names[] = {
	[MEMALLOC_KIND_PAGES] = "pages",
	[MEMALLOC_KIND_OBJECT] = "objects",
	[MEMALLOC_KIND_KMALLOC] = "kmalloc",
	[MEMALLOC_KIND_ELEMENT] = "elements",
	[MEMALLOC_KIND_PERCPU] = "per-CPU areas",
	[MEMALLOC_KIND_AREA] = "vmalloc areas",
};

enum { KINDS = sizeof(kind_names) / sizeof(kind_names[0]) };

/* Flags of a cache, and the number of caches with each. */
static const char *const flag_names[] = {
	"HWCACHE_ALIGN", "DMA", "DMA32", "TYPESAFE_BY_RCU", "RECLAIM_ACCOUNT", "NO_REAP",
	"RED_ZONE", "POISON", "STORE_USER", "CHECKS", "QUARANTINE", "GUARD",
};

enum { FLAGS = sizeof(flag_names) / sizeof(flag_names[0]) };

_Static_assert(MEMALLOC_CACHE_ALL == (1 << FLAGS) - 1, "each flag has a name");

/* In memory shared by all processes. */
static struct counts {
	unsigned long taken[KINDS];
	unsigned long caches;
	unsigned long flags[FLAGS];
} *counts;

struct allocation {
	__u64 handle;
	__u64 value;		/* fill value */
	__u64 bytes;
	__u32 kind;
	void *mapping;
};

struct user {
	__u64 seed;
	int fd;
	int pipe[2];
	__u64 cache;		/* cache for objects, or zero */
	__u64 pool;		/* pool for elements, or zero */
	struct allocation held[HELD];
};

static bool is_refusal(int err)
{
	return err == -ENOMEM || err == -EDQUOT || err == -EINTR;
}

/* Up to @most; small sizes are more likely. */
static __u64 user_size(struct user *user, __u64 most)
{
	return seed_below(&user->seed, seed_below(&user->seed, most) + 1);
}

static void wish_pages(struct user *user, struct memalloc_alloc *alloc)
{
	alloc->order = user_size(user, MAX_ORDER);
}

static void wish_kmalloc(struct user *user, struct memalloc_alloc *alloc)
{
	alloc->kind = MEMALLOC_KIND_KMALLOC;
	alloc->bytes = user_size(user, MAX_BYTES);
}

static void wish_percpu(struct user *user, struct memalloc_alloc *alloc)
{
	alloc->kind = MEMALLOC_KIND_PERCPU;
	alloc->bytes = 1 + user_size(user, MAX_PERCPU);
	alloc->align = 1 << seed_below(&user->seed, 7);
}

static void wish_area(struct user *user, struct memalloc_alloc *alloc)
{
	alloc->kind = MEMALLOC_KIND_AREA;
	alloc->bytes = 1 + user_size(user, MAX_AREA);
}

/* Half of the caches have no flags; the others have about half of the flags. */
static void user_create_cache(struct user *user)
{
	struct memalloc_cache_create create =
		device_cache_of("stress", 1 + seed_below(&user->seed, MAX_OBJECT));
	int i, err;

	if (seed_below(&user->seed, 2))
		create.flags = seed_below(&user->seed, MEMALLOC_CACHE_ALL + 1);
	if (create.flags & MEMALLOC_CACHE_DMA)
		create.flags &= ~MEMALLOC_CACHE_DMA32;
	if (seed_below(&user->seed, 4) == 0)
		create.ctor = MEMALLOC_CTOR_ZERO + seed_below(&user->seed, 2);
	err = device_ioctl(user->fd, MEMALLOC_CACHE_CREATE, &create);
	if (err && !is_refusal(err))
		_exit(fail("create a cache with flags %#x: %s", create.flags, strerror(-err)));
	if (err)
		return;
	user->cache = create.out_handle;
	__atomic_fetch_add(&counts->caches, 1, __ATOMIC_RELAXED);
	for (i = 0; i < FLAGS; i++)
		if (create.flags & 1 << i)
			__atomic_fetch_add(&counts->flags[i], 1, __ATOMIC_RELAXED);
}

/* Asks for a page if no cache can be created. */
static void wish_objects(struct user *user, struct memalloc_alloc *alloc)
{
	if (!user->cache)
		user_create_cache(user);
	if (!user->cache)
		return;
	alloc->kind = MEMALLOC_KIND_OBJECT;
	alloc->parent = user->cache;
	alloc->count = seed_below(&user->seed, MAX_COUNT);
}

static void user_create_pool(struct user *user)
{
	const __u32 minimum = 1 + seed_below(&user->seed, MAX_MINIMUM);
	const __u64 which = seed_below(&user->seed, 3);

	if (which == 0)
		device_mempool_create(user->fd, MEMALLOC_MEMPOOL_PAGES,
				      seed_below(&user->seed, 3), minimum, &user->pool);
	else if (which == 1 || !user->cache)
		device_mempool_create(user->fd, MEMALLOC_MEMPOOL_KMALLOC,
				      1 + seed_below(&user->seed, MAX_OBJECT), minimum,
				      &user->pool);
	else
		device_mempool_create(user->fd, MEMALLOC_MEMPOOL_CACHE, user->cache, minimum,
				      &user->pool);
}

/* Likewise, for a pool. */
static void wish_element(struct user *user, struct memalloc_alloc *alloc)
{
	if (!user->pool)
		user_create_pool(user);
	if (!user->pool)
		return;
	alloc->kind = MEMALLOC_KIND_ELEMENT;
	alloc->parent = user->pool;
	alloc->flags = seed_below(&user->seed, 4) ? 0 : MEMALLOC_ALLOC_PREALLOCATED;
}

/* A random kind, mode and size. */
static struct memalloc_alloc user_wish(struct user *user)
{
	static void (*const kinds[])(struct user *user, struct memalloc_alloc *alloc) = {
		wish_pages, wish_pages, wish_kmalloc, wish_kmalloc, wish_objects, wish_objects,
		wish_element, wish_percpu, wish_area,
	};
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

	kinds[seed_below(&user->seed, sizeof(kinds) / sizeof(kinds[0]))](user, &alloc);
	return alloc;
}

/* Start or stop sending signals periodically. */
static void user_impatient(bool impatient)
{
	const struct itimerval timer = {
		.it_value.tv_usec = impatient ? PATIENCE_US : 0,
		.it_interval.tv_usec = impatient ? PATIENCE_US : 0,
	};

	setitimer(ITIMER_REAL, &timer, NULL);
}

/*
 * Signals interrupt a wait for an element, as the user may itself hold all
 * elements of the pool.
 */
static int user_ask(struct user *user, struct memalloc_alloc *alloc)
{
	const bool may_wait = alloc->kind == MEMALLOC_KIND_ELEMENT;
	int err;

	if (may_wait)
		user_impatient(true);
	err = device_ioctl(user->fd, MEMALLOC_ALLOC, alloc);
	if (may_wait)
		user_impatient(false);
	return err;
}

static int user_alloc(struct user *user, struct allocation *one)
{
	struct memalloc_alloc alloc = user_wish(user);
	int err = user_ask(user, &alloc);

	if (err)
		return is_refusal(err) ? 0 :
		       fail("alloc: %s; %u bytes, kind %u, gfp %#x, node %d, order %u, flags %#x, count %u, bytes %llu, parent %#llx, align %llu",
			    strerror(-err), alloc.size, alloc.kind, alloc.gfp, alloc.node,
			    alloc.order, alloc.flags, alloc.count, alloc.bytes, alloc.parent,
			    alloc.align);
	__atomic_fetch_add(&counts->taken[alloc.kind], 1, __ATOMIC_RELAXED);
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
		return fail("a mapping shows wrong memory");
	return 0;
}

/* The contents are preserved up to the smaller size. */
static int user_resize(struct user *user, struct allocation *one)
{
	const __u64 bytes = seed_below(&user->seed, seed_below(&user->seed, MAX_BYTES) + 1);
	const __u64 both = bytes < one->bytes ? bytes : one->bytes;
	int err = device_resize(user->fd, one->handle, bytes);

	if (err)
		return is_refusal(err) ? 0 : fail("resize: %s", strerror(-err));
	err = device_verify(user->fd, one->handle, both, one->value);
	if (err)
		return fail("resize has changed the contents: %s", strerror(-err));
	one->bytes = bytes;
	err = device_fill(user->fd, one->handle, bytes, one->value);
	return err ? fail("fill: %s", strerror(-err)) : 0;
}

/* Allocations made from the parent keep it alive. */
static int user_destroy(struct user *user, __u64 *parent)
{
	int err = *parent ? device_free(user->fd, *parent) : -EBUSY;

	if (err && err != -EBUSY)
		return fail("destroy: %s", strerror(-err));
	if (!err)
		*parent = 0;
	return 0;
}

static int user_resize_pool(struct user *user)
{
	int err = user->pool ? device_mempool_resize(user->fd, user->pool,
					1 + seed_below(&user->seed, MAX_MINIMUM)) : 0;

	return err && !is_refusal(err) ? fail("cannot resize a pool: %s", strerror(-err)) : 0;
}

static int user_change_parents(struct user *user)
{
	return user_resize_pool(user) || user_destroy(user, &user->pool) ||
	       user_destroy(user, &user->cache);
}

/* Move to a CPU, or unpin. The CPU may be offline. */
static void user_move(struct user *user)
{
	const int only = seed_below(&user->seed, 4);
	cpu_set_t set;
	int cpu;

	CPU_ZERO(&set);
	for (cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (only > 1 || cpu == only)
			CPU_SET(cpu, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

/* Unmap and free in either order: a mapping stays valid. */
static int user_free(struct user *user, struct allocation *one)
{
	int err = device_free(user->fd, one->handle);

	if (err)
		return fail("free: %s", strerror(-err));
	if (one->mapping) {
		if (!mapping_is_right(user, one))
			return fail("a mapping of freed memory shows wrong memory");
		munmap(one->mapping, one->bytes);
	}
	*one = (struct allocation) {};
	return 0;
}

/* Let a pipe reference some pages, possibly beyond their free. */
static void user_splice(struct user *user, struct allocation *one)
{
	const struct iovec pages = { .iov_base = one->mapping, .iov_len = one->bytes };
	static char sink[1 << 16];

	if (one->mapping && seed_below(&user->seed, 2))
		(void)!vmsplice(user->pipe[1], &pages, 1, SPLICE_F_NONBLOCK);
	else
		(void)!read(user->pipe[0], sink, sizeof(sink));
}

/* Fork a child with the same mappings, which exits first or last. */
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
	user->pool = 0;
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
	if (seed_below(&user->seed, 100) == 0)
		user_move(user);
	if (!one->handle)
		return user_alloc(user, one);
	if (seed_below(&user->seed, 20) == 0 && user_change_parents(user))
		return 1;
	if (one->kind == MEMALLOC_KIND_KMALLOC && seed_below(&user->seed, 2))
		return user_check(user, one) || user_resize(user, one);
	user_splice(user, one);
	return user_check(user, one) || (seed_below(&user->seed, 2) && user_free(user, one));
}

static void nothing(int signal)
{
	(void)signal;
}

static int user_run(__u64 seed)
{
	const struct sigaction impatience = { .sa_handler = nothing };
	struct user user = { .seed = seed };

	signal(SIGCHLD, SIG_IGN);
	sigaction(SIGALRM, &impatience, NULL);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	user.fd = device_open();
	if (user.fd < 0 || pipe2(user.pipe, O_NONBLOCK | O_CLOEXEC))
		return fail("open: %s", strerror(errno));
	for (;;)
		if (user_step(&user))
			return 1;
}

/* --- events --------------------------------------------------------------- */

static __u64 seed;
static int watch;		/* an open file without allocations */
static pid_t users[USERS];
static int niceness;		/* for users started from now on */
static bool failed;

static void user_start(int i)
{
	const __u64 own = seed_next(&seed);

	fflush(stdout);
	users[i] = fork();
	if (!users[i])
		_exit(nice(niceness) < 0 || user_run(own));
}

/* A user only ends when it is killed. */
static void user_end(int i)
{
	int status = 0;

	kill(users[i], SIGKILL);
	waitpid(users[i], &status, 0);
	if (WIFEXITED(status) || WTERMSIG(status) != SIGKILL) {
		fail("user %d exited with status %#x", users[i], status);
		failed = true;
	}
}

/* Each event returns whether it has happened. */
static bool event_kill(void)
{
	const int i = seed_below(&seed, USERS);

	user_end(i);
	user_start(i);
	return true;
}

static bool event_limits(void)
{
	parameter_set("cap_mb", 8 + seed_below(&seed, 56));
	parameter_set("quota_handles", 8 + seed_below(&seed, 60));
	parameter_set("quota_file_mb", seed_below(&seed, 16));
	parameter_set("quota_device_mb", seed_below(&seed, 64));
	return true;
}

static bool event_validate(void)
{
	int err = device_validate(watch);

	if (err && err != -EINTR)
		failed = fail("validate: %s", strerror(-err));
	return !err;
}

static bool event_shrink(void)
{
	return !device_shrink(watch);
}

/* Keep calling all shrinkers. */
static bool event_drop_caches(void)
{
	return !line_write("/proc/sys/vm/drop_caches", "3");
}

static bool event_look(void)
{
	int fd = open("/proc/memalloc", O_RDONLY | O_CLOEXEC);
	char text[4096];

	while (read(fd, text, sizeof(text)) > 0)
		;
	return !close(fd);
}

/*
 * Allocate half of the host's memory. This process is the preferred OOM victim.
 */
static bool event_hog(void)
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
	return child > 0 && waitpid(child, NULL, 0) == child;
}

/* There may be no CPU that can go offline. */
static int processor_off_and_on(void)
{
	int err = line_write(CPU_ONLINE, "0");

	usleep(seed_below(&seed, PAUSE_US));
	return err ?: line_write(CPU_ONLINE, "1");
}

static bool event_processor(void)
{
	return !processor_off_and_on();
}

static bool client_is_loaded;

static bool event_client(void)
{
	char parameters[64];
	int fd;

	if (client_is_loaded) {
		if (syscall(SYS_delete_module, "memalloc_stress", O_NONBLOCK))
			failed = fail("cannot unload the client: %s", strerror(errno));
		client_is_loaded = false;
		return true;
	}
	fd = open(CLIENT, O_RDONLY | O_CLOEXEC);
	snprintf(parameters, sizeof(parameters), "seed=%llu slots=%llu",
		 (unsigned long long)seed_below(&seed, 1 << 20),
		 (unsigned long long)(64 + seed_below(&seed, 2000)));
	client_is_loaded = !syscall(SYS_finit_module, fd, parameters, 0);
	if (!client_is_loaded && errno != ENOMEM)
		failed = fail("cannot load the client: %s", strerror(errno));
	close(fd);
	return client_is_loaded;
}

static struct event {
	const char *name;
	bool (*happen)(void);
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
	events[i].count += events[i].happen();
}

/* --- accounting ----------------------------------------------------------- */

/*
 * No allocation is left, all structures are valid, and no misuse was reported.
 */
static int account(void)
{
	struct memalloc_stats_reports reports, none = {};
	struct memalloc_stats_borrowing borrowing;
	struct memalloc_stats_file file;

	if (device_validate(watch) || device_shrink(watch) || device_file(watch, &file) ||
	    device_reports(watch, &reports) || device_borrowing(watch, &borrowing))
		return fail("the device fails, or is not valid");
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

static void start(void)
{
	int i;

	for (i = 0; i < USERS; i++)
		user_start(i);
}

static void stop(void)
{
	int i;

	if (client_is_loaded)
		event_client();
	for (i = 0; i < USERS; i++)
		user_end(i);
	sleep(1); /* children of the users */
}

/* Each kind and flag must have been used at least once. */
static int tell_allocations(void)
{
	char name[40];
	int i, err = 0;

	for (i = 0; i < KINDS; i++) {
		if (!kind_names[i])
			continue;
		snprintf(name, sizeof(name), "allocations of %s", kind_names[i]);
		figure(name, counts->taken[i]);
		if (!counts->taken[i])
			err = fail("no allocation of %s", kind_names[i]);
	}
	figure("caches", counts->caches);
	for (i = 0; i < FLAGS; i++) {
		snprintf(name, sizeof(name), "caches with %s", flag_names[i]);
		figure(name, counts->flags[i]);
		if (!counts->flags[i] && counts->caches >= ENOUGH_CACHES)
			err = fail("none of %lu caches has %s", counts->caches, flag_names[i]);
	}
	return err;
}

static int run_all(unsigned long seconds)
{
	const time_t until = time(NULL) + seconds;
	unsigned int i;

	start();
	while (time(NULL) < until && !failed) {
		usleep(PAUSE_US);
		something_happens();
	}
	stop();
	figure("seconds", seconds);
	for (i = 0; i < EVENTS; i++)
		figure(events[i].name, events[i].count);
	return failed | account() | tell_allocations();
}

static int run_processors(unsigned long times)
{
	const time_t begin = time(NULL);
	unsigned long i;
	int err = 0;

	if (!event_client())
		return fail("the client is missing");
	niceness = 19; /* users get the remaining time, and do not delay the test */
	start();
	for (i = 0; i < times && !failed && !err; i++) {
		err = processor_off_and_on();
		usleep(seed_below(&seed, PAUSE_US));
		event_validate();
	}
	stop();
	if (err)
		failed = fail("iteration %lu: %s", i, strerror(-err));
	figure("times a processor was off and on", i);
	figure("seconds", time(NULL) - begin);
	return failed | account() | tell_allocations();
}

int main(int argc, char **argv)
{
	if (argc < 3)
		return fail("memalloc-stress all SECONDS | processors TIMES [SEED]");
	seed = argc > 3 ? strtoull(argv[3], NULL, 0) : seed_choose();
	printf("# seed=%llu\n", (unsigned long long)seed);
	watch = device_open();
	counts = mmap(NULL, sizeof(*counts), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (watch < 0 || counts == MAP_FAILED)
		return fail("open: %s", strerror(errno));
	if (!strcmp(argv[1], "all"))
		return run_all(strtoul(argv[2], NULL, 0));
	if (!strcmp(argv[1], "processors"))
		return run_processors(strtoul(argv[2], NULL, 0));
	return fail("unknown mode: %s", argv[1]);
}
