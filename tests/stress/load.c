// SPDX-License-Identifier: GPL-2.0
/*
 * memalloc-load: load the module with each allocation failing in turn
 *
 *	memalloc-load FILE own|all STEP [PARAMETER=VALUE...]
 *
 * FILE is memalloc.ko, which must not be loaded. The nth allocation of the
 * host, or copy from user space, fails during the load, for n = 1, 2, ... until
 * no failure is hit. "own" counts only allocations made by functions of the
 * module or on their behalf; "all" also counts those of the module loader. STEP
 * is the distance of the points tested. The first point is random, and depends
 * on the seed as in seed.h.
 *
 * After each failure, either the module is not loaded and has left nothing
 * behind, or it is loaded, works in every layer and can be removed. Runs as
 * root in a guest with a kernel that has fault injection, with no other module
 * loaded. Status 1 on failure.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "host_failure.h"
#include "memalloc_device.h"
#include "module_parameter.h"
#include "seed.h"
#include "tell.h"

enum {
	MANY = 1000000,		/* more points than there can be */
	RECORD = 8192,		/* bytes of a kernel log record */
};

static const char *file;
static char parameters[512];
static int kernel_log;

/* --- failing allocations -------------------------------------------------- */

/* Returns the end of the kernel's code. Modules are beyond it. */
static unsigned long long end_of_kernel(void)
{
	unsigned long long address, end = 0;
	char symbol[256], type;
	FILE *symbols = fopen("/proc/kallsyms", "r");

	if (!symbols)
		return 0;
	while (!end && fscanf(symbols, "%llx %c %255s%*[^\n]", &address, &type, symbol) == 3)
		if (!strcmp(symbol, "_etext"))
			end = address;
	fclose(symbols);
	return end;
}

/*
 * Only fail allocations that have a function at or above @address in the call
 * chain.
 */
static int count_from(unsigned long long address)
{
	static const char *const faults[] = { "failslab", "fail_page_alloc", "fail_usercopy" };
	char start[32];
	unsigned int i;

	snprintf(start, sizeof(start), "%#llx", address);
	for (i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
		if (host_failure_set(faults[i], "require-start", start) ||
		    host_failure_set(faults[i], "stacktrace-depth", "32"))
			return fail("%s: cannot filter by call chain", faults[i]);
	return 0;
}

static int count_own(void)
{
	const unsigned long long end = end_of_kernel();

	return end ? count_from(end) : fail("cannot find the end of the kernel's code in /proc/kallsyms");
}

static int count_all(void)
{
	return count_from(0);
}

/* --- leftovers ------------------------------------------------------------ */

/* A partly removed module has left some of these. */
static const char *const traces[] = {
	"/sys/module/memalloc",
	"/sys/class/misc/memalloc",
	"/sys/kernel/tracing/events/memalloc",
	"/sys/kernel/debug/shrinker/memalloc*",
	"/proc/memalloc",
	DEVICE_PATH,
};

static int nothing_is_listed(void)
{
	unsigned int i;
	glob_t found;

	for (i = 0; i < sizeof(traces) / sizeof(traces[0]); i++) {
		if (glob(traces[i], 0, NULL, &found) == GLOB_NOMATCH)
			continue;
		return fail("%s still exists", found.gl_pathv[0]);
	}
	return 0;
}

/* Look for the rescuer thread of a workqueue. */
static int no_thread_is_left(void)
{
	char name[64];
	glob_t found;
	size_t i;
	int left = 0;

	if (glob("/proc/[0-9]*/comm", 0, NULL, &found))
		return fail("cannot list the processes");
	for (i = 0; i < found.gl_pathc; i++)
		if (!line_read(found.gl_pathv[i], name, sizeof(name)) &&
		    !strncmp(name, "kworker/R-memalloc", strlen("kworker/R-memalloc")))
			left = fail("thread %s still exists", name);
	globfree(&found);
	return left;
}

/* If pages were borrowed, the log has the number of returned ones. */
static int everything_is_returned(void)
{
	unsigned long long returned, borrowed;
	char record[RECORD];
	const char *said;
	ssize_t got;

	for (;;) {
		got = read(kernel_log, record, sizeof(record) - 1);
		if (got < 0 && errno == EPIPE) /* some records were overwritten */
			continue;
		if (got <= 0)
			return 0;
		record[got] = '\0';
		said = strstr(record, "memalloc: ");
		if (!said || sscanf(said, "memalloc: %llu of %llu borrowed pages returned",
				    &returned, &borrowed) != 2)
			continue;
		if (returned != borrowed)
			return fail("%llu of %llu pages returned", returned, borrowed);
	}
}

/*
 * Call all shrinkers. A shrinker that is left although the module's code has
 * gone crashes the kernel. So does a notifier, at the next load.
 */
static int no_dangling_shrinker(void)
{
	int err = line_write("/proc/sys/vm/drop_caches", "2");

	return err ? fail("cannot call the shrinkers: %s", strerror(-err)) : 0;
}

static int nothing_is_left(void)
{
	return nothing_is_listed() || no_thread_is_left() || everything_is_returned() ||
	       no_dangling_shrinker();
}

/* --- function check ------------------------------------------------------- */

static int use_every_layer(int fd)
{
	struct memalloc_alloc alloc;
	__u64 handle, cache, pool;
	int err;

	err = device_alloc(fd, 3, &handle);
	if (!err)
		err = device_kmalloc(fd, 700, &handle);
	if (!err)
		err = device_kmalloc(fd, 50000, &handle);
	if (!err)
		err = device_cache_create(fd, "load", 100, &cache);
	if (!err)
		err = device_alloc_objects(fd, cache, 50, &handle);
	if (!err)
		err = device_mempool_create(fd, MEMALLOC_MEMPOOL_KMALLOC, 200, 4, &pool);
	if (!err)
		err = device_alloc_percpu(fd, 300, 0, &alloc);
	if (!err)
		err = device_alloc_area(fd, 50000, MEMALLOC_GFP_KERNEL, &alloc);
	return err ? err : device_validate(fd);
}

static int it_works(void)
{
	int fd = device_open(), err;

	if (fd < 0)
		return fail("cannot open the device: %s", strerror(-fd));
	err = use_every_layer(fd);
	close(fd);
	return err ? fail("the device fails: %s", strerror(-err)) : 0;
}

static int unload(void)
{
	if (syscall(SYS_delete_module, "memalloc", O_NONBLOCK))
		return fail("cannot remove the module: %s", strerror(errno));
	return nothing_is_left();
}

/* --- the walk ------------------------------------------------------------- */

/**
 * struct points - results of the points tested
 * @failed: the module could not be loaded
 * @survived: the module was loaded despite the failure
 */
struct points {
	unsigned long failed;
	unsigned long survived;
};

/* Returns 0 or a negative error. */
static int load(void)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC), err;

	if (fd < 0)
		return -errno;
	err = syscall(SYS_finit_module, fd, parameters, 0) ? -errno : 0;
	close(fd);
	return err;
}

/* As load(), but the @nth allocation fails. Sets @left if none has failed. */
static int load_failing(unsigned int nth, int *left)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC), err;

	if (fd < 0)
		return -errno;
	host_failure_arm(nth);
	err = syscall(SYS_finit_module, fd, parameters, 0) ? -errno : 0;
	*left = host_failure_disarm();
	close(fd);
	return err;
}

static bool is_for_lack_of_memory(int err)
{
	return err == -ENOMEM || err == -EFAULT;
}

/* Returns 0. Clears @more after the last point. */
static int walk_point(unsigned int nth, struct points *points, bool *more)
{
	int left = 0, err = load_failing(nth, &left);

	if (left < 0)
		return fail("cannot inject a failure: %s", strerror(-left));
	*more = !left;
	if (!err) {
		points->survived += !left;
		return it_works() || unload();
	}
	if (left || !is_for_lack_of_memory(err))
		return fail("cannot load the module: %s", strerror(-err));
	points->failed++;
	return nothing_is_left();
}

static int walk(unsigned int first, unsigned int step, struct points *points)
{
	unsigned int nth;
	bool more = true;

	for (nth = first; more && nth < MANY; nth += step)
		if (walk_point(nth, points, &more))
			return fail("point %u", nth);
	return more;
}

/* --- command line --------------------------------------------------------- */

static void join_parameters(char **words)
{
	for (; *words; words++) {
		strncat(parameters, *words, sizeof(parameters) - strlen(parameters) - 2);
		strcat(parameters, " ");
	}
}

/*
 * Skip the present contents of the log. Suppress the messages about dropped
 * caches.
 */
static int follow_kernel_log(void)
{
	if (line_write("/proc/sys/vm/drop_caches", "4"))
		return fail("cannot drop caches silently");
	kernel_log = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (kernel_log < 0 || lseek(kernel_log, 0, SEEK_END) < 0)
		return fail("/dev/kmsg: %s", strerror(errno));
	return 0;
}

int main(int argc, char **argv)
{
	struct points points = {};
	unsigned int step;
	__u64 seed;
	bool own;
	int err;

	step = argc > 3 ? strtoul(argv[3], NULL, 0) : 0;
	if (!step)
		return fail("memalloc-load FILE own|all STEP [PARAMETER=VALUE...]");
	file = argv[1];
	own = !strcmp(argv[2], "own");
	join_parameters(argv + 4);
	seed = seed_choose();
	printf("# MEMALLOC_SEED=%llu\n", (unsigned long long)seed);
	if (!host_failure_prepare())
		return fail("the kernel has no fault injection");
	if (follow_kernel_log() || (own ? count_own() : count_all()))
		return 1;
	err = load();
	if (err)
		return fail("cannot load the module without failures: %s", strerror(-err));
	if (it_works() || unload() || walk(1 + seed_below(&seed, step), step, &points))
		return 1;
	if (!points.failed)
		return fail("no allocation has failed");
	printf("# %s: %lu points, %lu failed loads\n", argv[2],
	       points.failed + points.survived, points.failed);
	figure(own ? "points walked at load, of the module" : "points walked at load, of all",
	       points.failed + points.survived);
	return 0;
}
