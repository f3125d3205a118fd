// SPDX-License-Identifier: GPL-2.0
/*
 * memalloc-loops: repeat an operation many times, and leave nothing behind
 *
 *	memalloc-loops kill TIMES [SEED]
 *	memalloc-loops open TIMES [SEED]
 *	memalloc-loops exhaust TIMES [SEED]
 *
 * "kill" kills a process at a random time while it holds and maps allocations
 * of all kinds and makes more. "open" opens and closes a file, sometimes with
 * allocations in it. "exhaust" uses up each limit with each kind, to the last
 * byte; after a free, the same amount must be available again.
 *
 * Runs as root in a guest, as the only user of the module. After each iteration
 * no byte may be charged, and every borrowed page except the reserve must have
 * been returned. Status 1 on failure.
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
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "memalloc_device.h"
#include "module_parameter.h"
#include "seed.h"
#include "tell.h"

enum {
	HELD = 24,		/* allocations of a process to be killed */
	MAX_ORDER = 6,
	MAPPED_ORDER = 8,	/* the host may lack larger blocks by then */
	OBJECT_SIZE = 200,
	ELEMENT_BYTES = 700,
	POOL_MINIMUM = 4,
	PATIENCE = 200,		/* of 10 ms: for grace periods to end */
};

static __u64 seed;
static int watch;		/* an open file without allocations */

/* --- leftovers ------------------------------------------------------------ */

static bool is_nothing_left(struct memalloc_stats_borrowing *borrowing,
			    struct memalloc_stats_file *file)
{
	if (device_shrink(watch) || device_file(watch, file) ||
	    device_borrowing(watch, borrowing))
		return false;
	return !file->device_bytes && borrowing->borrowed == borrowing->reserve &&
	       borrowing->borrowed == borrowing->borrowed_total - borrowing->returned_total &&
	       borrowing->free == borrowing->borrowed && !borrowing->quarantined;
}

/* Slabs of some caches are returned after a grace period. */
static int nothing_is_left(void)
{
	struct memalloc_stats_borrowing borrowing = {};
	struct memalloc_stats_file file = {};
	int i;

	for (i = 0; i < PATIENCE; i++) {
		if (is_nothing_left(&borrowing, &file))
			return 0;
		usleep(10000);
	}
	return fail("%llu bytes charged; %llu pages borrowed, reserve %llu, %llu free, %llu quarantined",
		    (unsigned long long)file.device_bytes,
		    (unsigned long long)borrowing.borrowed,
		    (unsigned long long)borrowing.reserve,
		    (unsigned long long)borrowing.free,
		    (unsigned long long)borrowing.quarantined);
}

static __u64 borrowed_total(void)
{
	struct memalloc_stats_borrowing borrowing = {};

	device_borrowing(watch, &borrowing);
	return borrowing.borrowed_total;
}

/* --- kill ----------------------------------------------------------------- */

/* Never unmapped, because the process is killed. */
static void map_and_touch(int fd, const struct memalloc_alloc *alloc)
{
	char *mapping = device_map(fd, alloc->out_map_offset, alloc->out_bytes);
	size_t i;

	if (mapping == MAP_FAILED)
		return;
	for (i = 0; i < alloc->out_bytes; i += page_size())
		mapping[i] = 1;
}

static void take_pages(int fd, __u64 *handle)
{
	struct memalloc_alloc alloc;

	if (device_alloc_pages(fd, seed_below(&seed, MAX_ORDER), MEMALLOC_GFP_USER, &alloc))
		return;
	*handle = alloc.out_handle;
	map_and_touch(fd, &alloc);
}

static void take_area(int fd, __u64 *handle)
{
	struct memalloc_alloc alloc;

	if (device_alloc_area(fd, 1 + seed_below(&seed, 200000), MEMALLOC_GFP_KERNEL, &alloc))
		return;
	*handle = alloc.out_handle;
	map_and_touch(fd, &alloc);
}

static void take_percpu(int fd, __u64 *handle)
{
	struct memalloc_alloc alloc;

	if (!device_alloc_percpu(fd, 1 + seed_below(&seed, 4000), 0, &alloc))
		*handle = alloc.out_handle;
}

static void take_kmalloc(int fd, __u64 *handle)
{
	device_kmalloc(fd, seed_below(&seed, 20000), handle);
}

static void take_objects(int fd, __u64 *handle)
{
	__u64 cache;

	if (device_cache_create(fd, "killed", 1 + seed_below(&seed, 2000), &cache))
		return;
	if (device_alloc_objects(fd, cache, seed_below(&seed, 100), handle))
		*handle = cache;
}

/* Take an element of a pool of any kind. The pool keeps the others. */
static void take_element(int fd, __u64 *handle)
{
	const __u32 minimum = 1 + seed_below(&seed, 8);
	__u64 pool, of = seed_below(&seed, 3);
	__u32 backend = MEMALLOC_MEMPOOL_PAGES;

	if (of == 1) {
		backend = MEMALLOC_MEMPOOL_KMALLOC;
		of = 1 + seed_below(&seed, 3000);
	} else if (of == 2) {
		backend = MEMALLOC_MEMPOOL_CACHE;
		if (device_cache_create(fd, "killed", ELEMENT_BYTES, &of))
			return;
	}
	if (device_mempool_create(fd, backend, of, minimum, &pool))
		return;
	if (device_alloc_element(fd, pool, MEMALLOC_GFP_KERNEL, 0, handle))
		*handle = pool;
}

static void take_any(int fd, __u64 *handle)
{
	static void (*const kinds[])(int fd, __u64 *handle) = {
		take_pages, take_pages, take_kmalloc, take_objects, take_element,
		take_percpu, take_area,
	};

	kinds[seed_below(&seed, sizeof(kinds) / sizeof(kinds[0]))](fd, handle);
}

/*
 * Replace some allocations until killed. Caches and pools are never destroyed.
 */
static void hold_until_killed(int ready)
{
	__u64 held[HELD] = {};
	int fd = device_open();
	unsigned int i;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (i = 0; i < 4; i++)
		take_pages(fd, &held[i]);
	(void)!write(ready, "", 1);
	for (;;) {
		i = seed_below(&seed, HELD);
		if (held[i])
			device_free(fd, held[i]);
		held[i] = 0;
		take_any(fd, &held[i]);
	}
}

static int kill_one(const int ready[2])
{
	const __u64 own = seed_next(&seed);
	int status = 0;
	char byte;
	pid_t child = fork();

	if (!child) {
		seed = own;
		hold_until_killed(ready[1]);
	}
	if (child < 0 || read(ready[0], &byte, 1) != 1)
		return fail("fork: %s", strerror(errno));
	usleep(seed_below(&seed, 2000));
	kill(child, SIGKILL);
	if (waitpid(child, &status, 0) != child || !WIFSIGNALED(status) ||
	    WTERMSIG(status) != SIGKILL)
		return fail("the process exited with status %#x", status);
	return nothing_is_left();
}

static int loop_kill(unsigned long times)
{
	unsigned long i;
	int ready[2];

	if (pipe2(ready, O_CLOEXEC))
		return fail("pipe: %s", strerror(errno));
	for (i = 0; i < times; i++)
		if (kill_one(ready))
			return fail("iteration %lu", i + 1);
	figure("processes killed", times);
	figure("pages they had borrowed", borrowed_total());
	return 0;
}

/* --- open ----------------------------------------------------------------- */

static int open_one(bool with)
{
	__u64 handle;
	int fd = device_open();

	if (fd < 0)
		return fail("open: %s", strerror(-fd));
	if (with)
		take_any(fd, &handle);
	if (close(fd))
		return fail("close: %s", strerror(errno));
	return 0;
}

/* Mappings of closed files are removed with the process. */
static int open_some(unsigned long times)
{
	unsigned long i;

	for (i = 0; i < times; i++)
		if (open_one(i % 16 == 0))
			return 1;
	return 0;
}

/* Use a process per thousand files. */
static int loop_open(unsigned long times)
{
	unsigned long left = times, some;
	int status;
	pid_t child;

	for (; left; left -= some) {
		some = left < 1000 ? left : 1000;
		seed_next(&seed);
		child = fork();
		if (!child)
			_exit(open_some(some));
		if (child < 0 || waitpid(child, &status, 0) != child || status)
			return fail("cannot open a file, %lu iterations left", left);
		if (nothing_is_left())
			return fail("%lu iterations left", left);
	}
	figure("files opened and closed", times);
	return 0;
}

/* --- exhaust -------------------------------------------------------------- */

/**
 * struct kind - a kind of allocation that uses up a limit
 * @name: its name
 * @take: allocate one more. Returns 0 or a negative error
 * @at_hand: uses slabs. Their size depends on fragmentation, and the number of
 *	objects that fit into a limit also depends on the caches of the CPU.
 *	The number is only reproducible on one CPU
 */
struct kind {
	const char *name;
	int (*take)(int fd, __u64 *handle);
	bool at_hand;
};

static __u64 cache_of_taken, pool_of_taken;	/* in the file in use */

static int take_page(int fd, __u64 *handle)
{
	return device_alloc(fd, 0, handle);
}

static int take_block(int fd, __u64 *handle)
{
	return device_alloc(fd, 3, handle);
}

static int take_bytes(int fd, __u64 *handle)
{
	return device_kmalloc(fd, 3000, handle);
}

static int take_many_bytes(int fd, __u64 *handle)
{
	return device_kmalloc(fd, 40000, handle);
}

static int take_object(int fd, __u64 *handle)
{
	return device_alloc_objects(fd, cache_of_taken, 16, handle);
}

static int take_cache(int fd, __u64 *handle)
{
	return device_cache_create(fd, "taken", OBJECT_SIZE, handle);
}

/* No task frees an element, so a blocking call would wait forever. */
static int take_an_element(int fd, __u64 *handle)
{
	return device_alloc_element(fd, pool_of_taken, MEMALLOC_GFP_NORETRY, 0, handle);
}

static int take_mempool(int fd, __u64 *handle)
{
	return device_mempool_create(fd, MEMALLOC_MEMPOOL_PAGES, 0, POOL_MINIMUM, handle);
}

static int take_some_percpu(int fd, __u64 *handle)
{
	struct memalloc_alloc alloc;
	int err = device_alloc_percpu(fd, 2000, 0, &alloc);

	*handle = alloc.out_handle;
	return err;
}

static int take_an_area(int fd, __u64 *handle)
{
	struct memalloc_alloc alloc;
	int err = device_alloc_area(fd, 40000, MEMALLOC_GFP_KERNEL, &alloc);

	*handle = alloc.out_handle;
	return err;
}

static const struct kind kinds[] = {
	{ "pages", take_page, false },
	{ "blocks", take_block, false },
	{ "kmalloc", take_bytes, true },
	{ "large kmalloc", take_many_bytes, false },
	{ "objects", take_object, true },
	{ "caches", take_cache, false },
	{ "elements", take_an_element, true },
	{ "mempools", take_mempool, false },
	{ "per-CPU areas", take_some_percpu, true },
	{ "vmalloc areas", take_an_area, true },
};

enum { KINDS = sizeof(kinds) / sizeof(kinds[0]), TAKEN_MAX = 1 << 16 };

/**
 * struct limit - a parameter that sets a limit
 * @name: name of the parameter
 * @value: its value
 * @err: error once the limit is used up
 * @files: number of files that use it up
 * @but: a kind that does not use it up, or NULL
 */
struct limit {
	const char *name;
	unsigned int value;
	int err;
	unsigned int files;
	const char *but;
};

static const struct limit limits[] = {
	{ "quota_handles", 300, -EDQUOT, 1, NULL },
	{ "quota_file_mb", 2, -EDQUOT, 1, NULL },
	{ "quota_device_mb", 3, -EDQUOT, 2, NULL },
	/* A cache without objects has no pages. */
	{ "cap_mb", 16, -ENOMEM, 1, "caches" },
};

enum { LIMITS = sizeof(limits) / sizeof(limits[0]), FILES = 2 };

static __u64 taken[FILES][TAKEN_MAX];

/*
 * Allocate in one file until it fails. Returns the number of allocations, or
 * -1.
 */
static long take_all(int fd, const struct kind *kind, __u64 *handles, int err)
{
	long count = 0;
	int got;

	while (!(got = kind->take(fd, &handles[count])))
		if (++count == TAKEN_MAX)
			return fail("%s: no limit", kind->name), -1;
	if (got != err)
		return fail("%s: %s instead of %s", kind->name, strerror(-got), strerror(-err)), -1;
	return count;
}

static int free_all(int fd, const __u64 *handles, long count)
{
	int err = 0;

	while (count-- > 0)
		err |= device_free(fd, handles[count]);
	return err ? fail("cannot free") : 0;
}

/* A freed allocation can be made again, but no other one. */
static int take_one_again(int fd, const struct kind *kind, __u64 *handles, long count, int err)
{
	const long middle = count / 2;
	__u64 more;
	int got;

	if (device_free(fd, handles[middle]))
		return fail("%s: cannot free", kind->name);
	got = kind->take(fd, &handles[middle]);
	if (got)
		return fail("%s: cannot allocate after a free: %s", kind->name, strerror(-got));
	got = kind->take(fd, &more);
	return got == err ? 0 : fail("%s: allocated more than before: %d", kind->name, got);
}

static int open_files(const struct limit *limit, int *fd)
{
	unsigned int i;

	for (i = 0; i < limit->files; i++) {
		fd[i] = device_open();
		if (fd[i] < 0)
			return fail("open: %s", strerror(-fd[i]));
	}
	return 0;
}

/* Create the cache or the pool that the kind needs. */
static int make_parents(int fd, const struct kind *kind)
{
	if (kind->take == take_object)
		return device_cache_create(fd, "taken", OBJECT_SIZE, &cache_of_taken);
	if (kind->take == take_an_element)
		return device_mempool_create(fd, MEMALLOC_MEMPOOL_KMALLOC, ELEMENT_BYTES,
					     POOL_MINIMUM, &pool_of_taken);
	return 0;
}

/**
 * struct pass - a limit was used up
 * @count: number of allocations
 * @full: the statistics at that time
 */
struct pass {
	long count;
	struct memalloc_stats_borrowing full;
};

/*
 * Use up a limit in all files. Returns the number of allocations, or a negative
 * number.
 */
static long use_up_once(const struct limit *limit, const struct kind *kind, const int *fd,
			struct pass *pass)
{
	long count[FILES] = {}, sum = 0;
	unsigned int i;

	for (i = 0; i < limit->files; i++) {
		if (make_parents(fd[i], kind))
			break;
		count[i] = take_all(fd[i], kind, taken[i], limit->err);
		if (count[i] < 0)
			return -1;
		sum += count[i];
	}
	pass->count = sum;
	if (device_borrowing(fd[0], &pass->full))
		return fail("no statistics");
	if (limit->files == 1 && take_one_again(fd[0], kind, taken[0], count[0], limit->err))
		return -1;
	for (i = 0; i < limit->files; i++)
		if (free_all(fd[i], taken[i], count[i]))
			return -1;
	return sum;
}

/* Pin the process to the first CPU, or unpin it. */
static int keep_to_one(bool one)
{
	cpu_set_t set;
	int cpu;

	CPU_ZERO(&set);
	for (cpu = 0; cpu < (one ? 1 : CPU_SETSIZE); cpu++)
		CPU_SET(cpu, &set);
	return sched_setaffinity(0, sizeof(set), &set) ?
	       fail("processors: %s", strerror(errno)) : 0;
}

/*
 * Number of allocations by which two passes may differ. The cap includes the
 * metadata of each 4 MiB in which the host lends a page, 28 KiB. Two passes may
 * differ by the pages in place of other metadata, by 28 KiB, which must be left
 * for each block, and by a slab of 32 KiB, for which the rest may not suffice.
 * Allocations share what the metadata leave of the cap. Other limits do not
 * depend on the host.
 */
static long tolerance(const struct limit *limit, const struct pass *a, const struct pass *b)
{
	__u64 bytes = a->full.metadata_bytes > b->full.metadata_bytes ?
		      a->full.metadata_bytes - b->full.metadata_bytes :
		      b->full.metadata_bytes - a->full.metadata_bytes;

	if (limit->err != -ENOMEM)
		return 0;
	return (bytes + ((28 + 32) << 10)) * a->count /
	       (a->full.cap * a->full.page_size - a->full.metadata_bytes) + 1;
}

static void tell_pass(const struct pass *pass)
{
	printf("# %ld, with %llu of %llu pages borrowed and %llu bytes of metadata; refused %llu times by the cap, %llu by the host\n",
	       pass->count, pass->full.borrowed, pass->full.cap, pass->full.metadata_bytes,
	       pass->full.refused_cap, pass->full.refused_host);
}

/* The second pass must get as many allocations as the first. */
static int use_up(const struct limit *limit, const struct kind *kind)
{
	struct pass passes[2];
	int fd[FILES];
	long first, second;
	unsigned int i;

	if (keep_to_one(kind->at_hand) || open_files(limit, fd))
		return 1;
	first = use_up_once(limit, kind, fd, &passes[0]);
	for (i = 0; i < limit->files; i++)
		close(fd[i]);
	if (first <= 0 || nothing_is_left() || open_files(limit, fd))
		return fail("%s with %s", limit->name, kind->name);
	second = use_up_once(limit, kind, fd, &passes[1]);
	for (i = 0; i < limit->files; i++)
		close(fd[i]); /* frees the remaining allocations */
	if (labs(second - first) > tolerance(limit, &passes[0], &passes[1])) {
		tell_pass(&passes[0]);
		tell_pass(&passes[1]);
		return fail("%s with %s: first %ld, then %ld", limit->name, kind->name, first, second);
	}
	if (nothing_is_left())
		return fail("%s with %s: first %ld, then %ld", limit->name, kind->name, first, second);
	printf("# %s=%u: %ld %s\n", limit->name, limit->value, first, kind->name);
	return 0;
}

static int use_up_with_all(const struct limit *limit)
{
	char old[PARAMETER_LENGTH];
	unsigned int i;
	int err = 0;

	if (parameter_read(limit->name, old) || parameter_set(limit->name, limit->value))
		return fail("cannot set %s", limit->name);
	for (i = 0; i < KINDS && !err; i++)
		if (!limit->but || strcmp(limit->but, kinds[i].name))
			err = use_up(limit, &kinds[i]);
	return parameter_write(limit->name, old) || err;
}

/* Map the same memory until the address space is used up. */
static int map_without_end(int fd, const struct memalloc_alloc *alloc)
{
	unsigned long count = 0;

	while (device_map(fd, alloc->out_map_offset, alloc->out_bytes) != MAP_FAILED)
		count++;
	if (errno != ENOMEM || !count || device_mappings(fd, alloc->out_handle) != (int)count)
		return fail("%lu mappings, then %s", count, strerror(errno));
	printf("# address space: %lu mappings of %s\n", count,
	       alloc->kind == MEMALLOC_KIND_AREA ? "an area" : "a block");
	fflush(stdout);
	return device_free(fd, alloc->out_handle);
}

static int limit_address_space(void)
{
	const struct rlimit limit = { 256 << 20, 256 << 20 };

	return setrlimit(RLIMIT_AS, &limit) ? fail("setrlimit: %s", strerror(errno)) : 0;
}

static int open_without_end(void)
{
	const struct rlimit limit = { 512, 512 };
	unsigned long count = 0;
	__u64 handle;
	int fd;

	if (setrlimit(RLIMIT_NOFILE, &limit))
		return fail("setrlimit: %s", strerror(errno));
	while ((fd = device_open()) >= 0 && !device_alloc(fd, 0, &handle))
		count++;
	if (fd != -EMFILE)
		return fail("%lu files, then %d", count, fd);
	printf("# descriptors: %lu files\n", count);
	fflush(stdout);
	return 0;
}

static int in_a_process(int (*run)(void))
{
	int status;
	pid_t child;

	fflush(stdout);
	child = fork();
	if (!child)
		_exit(run());
	if (child < 0 || waitpid(child, &status, 0) != child || status)
		return fail("the process exited with status %#x", status);
	return nothing_is_left();
}

static int map_a_block(void)
{
	const int fd = device_open();
	struct memalloc_alloc alloc;
	int err = limit_address_space() ?:
		  device_alloc_pages(fd, MAPPED_ORDER, MEMALLOC_GFP_USER, &alloc);

	return err ? fail("cannot allocate a block: %d", err) : map_without_end(fd, &alloc);
}

static int map_an_area(void)
{
	const int fd = device_open();
	struct memalloc_alloc alloc;
	int err = limit_address_space() ?:
		  device_alloc_area(fd, 4 << 20, MEMALLOC_GFP_KERNEL, &alloc);

	return err ? fail("cannot allocate an area: %d", err) : map_without_end(fd, &alloc);
}

static int exhaust_once(void)
{
	unsigned int i;

	for (i = 0; i < LIMITS; i++)
		if (use_up_with_all(&limits[i]))
			return 1;
	return in_a_process(map_a_block) || in_a_process(map_an_area) ||
	       in_a_process(open_without_end);
}

static int loop_exhaust(unsigned long times)
{
	unsigned long i;

	for (i = 0; i < times; i++)
		if (exhaust_once())
			return fail("iteration %lu", i + 1);
	figure("times each limit was used up by each kind", times);
	return 0;
}

int main(int argc, char **argv)
{
	static const struct loop {
		const char *name;
		int (*run)(unsigned long times);
	} loops[] = {
		{ "kill", loop_kill }, { "open", loop_open }, { "exhaust", loop_exhaust },
	};
	unsigned int i;

	if (argc < 3)
		return fail("memalloc-loops kill|open|exhaust TIMES [SEED]");
	seed = argc > 3 ? strtoull(argv[3], NULL, 0) : seed_choose();
	printf("# seed=%llu\n", (unsigned long long)seed);
	fflush(stdout);
	watch = device_open();
	if (watch < 0)
		return fail("open: %s", strerror(-watch));
	for (i = 0; i < sizeof(loops) / sizeof(loops[0]); i++)
		if (!strcmp(argv[1], loops[i].name))
			return loops[i].run(strtoul(argv[2], NULL, 0)) || nothing_is_left();
	return fail("no such loop: %s", argv[1]);
}
