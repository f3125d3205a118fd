// SPDX-License-Identifier: GPL-2.0
/*
 * Concurrency: many threads of several processes use all operations at once, on
 * files of their own and on a shared one. Afterwards every page is accounted
 * for, and no thread has seen data of another one.
 */
#include <pthread.h>
#include <signal.h>

#include "effort.h"
#include "harness.h"
#include "memalloc_device.h"
#include "seed.h"

enum {
	PROCESSES = 2,
	THREADS = 3,	/* of each process */
	OBJECTS = 12,	/* of each thread, at most */
	PUBLIC = 32,	/* public handles in the shared file */
};

struct object {
	__u64 handle;
	__u64 bytes;
	__u64 word;
	__u64 offset;
	int fd;
};

/* Memory shared by all processes */
struct arena {
	__u64 handles[PUBLIC];
	int shared;
};

struct worker {
	pthread_t thread;
	struct arena *arena;
	int own;
	__u64 seed;
	struct object objects[OBJECTS];
	int err;
	unsigned int step;
};

static struct object *random_object(struct worker *worker)
{
	return &worker->objects[seed_below(&worker->seed, OBJECTS)];
}

static int make(struct worker *worker, struct object *object)
{
	static const __u32 gfps[] = {
		MEMALLOC_GFP_USER, MEMALLOC_GFP_KERNEL, MEMALLOC_GFP_HIGHUSER,
		MEMALLOC_GFP_NOIO, MEMALLOC_GFP_USER | MEMALLOC_GFP_NOFAIL,
	};
	struct memalloc_alloc alloc;
	int err;

	object->fd = seed_below(&worker->seed, 2) ? worker->own : worker->arena->shared;
	err = device_alloc_pages(object->fd, seed_below(&worker->seed, 6),
				 gfps[seed_below(&worker->seed, ARRAY_SIZE(gfps))],
				 &alloc);
	if (err)
		return err;
	object->handle = alloc.out_handle;
	object->bytes = alloc.out_bytes;
	object->offset = alloc.out_map_offset;
	object->word = seed_next(&worker->seed);
	err = device_pattern(object->fd, MEMALLOC_VERIFY, object->handle, object->bytes,
			     MEMALLOC_PATTERN_REPEAT, 0);
	return err ? err : device_fill(object->fd, object->handle, object->bytes,
				       object->word);
}

static int end(struct object *object)
{
	int err = device_verify(object->fd, object->handle, object->bytes, object->word);

	if (!err)
		err = device_free(object->fd, object->handle);
	object->handle = 0;
	return err;
}

static int map_and_compare(struct object *object)
{
	volatile __u64 *mapping = device_map(object->fd, object->offset, object->bytes);
	int err = 0;
	size_t i;

	if ((void *)mapping == MAP_FAILED)
		return -errno;
	for (i = 0; i < object->bytes / sizeof(*mapping) && !err; i++)
		if (mapping[i] != object->word + i)
			err = -EILSEQ;
	if (munmap((void *)mapping, object->bytes))
		err = -errno;
	return err;
}

/* The mapping outlives the handle. */
static int free_mapped(struct object *object)
{
	volatile __u64 *mapping = device_map(object->fd, object->offset, object->bytes);
	int err;

	if ((void *)mapping == MAP_FAILED)
		return -errno;
	err = end(object);
	if (!err && mapping[0] != object->word)
		err = -EILSEQ;
	if (munmap((void *)mapping, object->bytes))
		err = -errno;
	return err;
}

/* Publish a handle, and use or free the one found there. */
static int go_public(struct worker *worker)
{
	__u64 *place = &worker->arena->handles[seed_below(&worker->seed, PUBLIC)];
	int shared = worker->arena->shared, err;
	__u64 handle;

	switch (seed_below(&worker->seed, 3)) {
	case 0:
		err = device_alloc(shared, seed_below(&worker->seed, 4), &handle);
		if (err)
			return err;
		handle = __atomic_exchange_n(place, handle, __ATOMIC_RELAXED);
		if (!handle)
			return 0;
		err = device_free(shared, handle);
		break;
	case 1:
		err = device_fill(shared, __atomic_load_n(place, __ATOMIC_RELAXED),
				  page_size(), 1);
		break;
	default:
		err = device_free(shared, __atomic_load_n(place, __ATOMIC_RELAXED));
		break;
	}
	return err == -ENOENT ? 0 : err;
}

static int look_around(struct worker *worker)
{
	struct memalloc_stats_borrowing borrowing;
	struct memalloc_stats_file file;
	struct memalloc_stats_zone zone;
	int err;

	switch (seed_below(&worker->seed, 6)) {
	case 0:
		return device_shrink(worker->own);
	case 1:
		return device_validate(worker->own);
	case 2:
		err = device_file(worker->own, &file);
		return !err && file.handles > OBJECTS ? -EPROTO : err;
	case 3:
		err = device_zone(worker->own, 0, &zone);
		return err == -ENOENT ? 0 : err;
	default:
		err = device_borrowing(worker->own, &borrowing);
		return !err && borrowing.borrowed > borrowing.cap ? -EPROTO : err;
	}
}

static int step(struct worker *worker)
{
	struct object *object = random_object(worker);

	if (!object->handle)
		return make(worker, object);
	switch (seed_below(&worker->seed, 8)) {
	case 0:
	case 1:
	case 2:
		return end(object);
	case 3:
		return map_and_compare(object);
	case 4:
		return free_mapped(object);
	case 5:
		return device_verify(object->fd, object->handle, object->bytes,
				     object->word);
	case 6:
		return go_public(worker);
	default:
		return look_around(worker);
	}
}

static void *work(void *arg)
{
	const unsigned int steps = effort_of(500);
	struct worker *worker = arg;
	int i;

	for (worker->step = 0; worker->step < steps && !worker->err; worker->step++)
		worker->err = step(worker);
	for (i = 0; i < OBJECTS && !worker->err; i++)
		if (worker->objects[i].handle)
			worker->err = end(&worker->objects[i]);
	return NULL;
}

/* Run a process of workers; its exit status is the result. */
static int work_together(struct arena *arena, __u64 seed)
{
	struct worker *workers = calloc(THREADS, sizeof(*workers));
	int own = device_open(), i, bad = 0;

	for (i = 0; i < THREADS; i++) {
		workers[i].arena = arena;
		workers[i].own = i % 2 ? own : device_open();
		workers[i].seed = seed_next(&seed);
		if (pthread_create(&workers[i].thread, NULL, work, &workers[i]))
			return 2;
	}
	for (i = 0; i < THREADS; i++) {
		pthread_join(workers[i].thread, NULL);
		if (workers[i].err) {
			printf("# thread %d, step %u: error %d\n", i, workers[i].step,
			       workers[i].err);
			bad = 1;
		}
	}
	return bad;
}

FIXTURE(crowd) {
	int fd;
	__u64 seed;
	struct arena *arena;
	struct memalloc_stats_reports reports;
};

FIXTURE_SETUP(crowd)
{
	struct memalloc_stats_file stats;

	self->fd = device_open();
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, device_file(self->fd, &stats));
	ASSERT_EQ(0, stats.device_bytes);
	ASSERT_EQ(0, device_reports(self->fd, &self->reports));
	self->arena = mmap(NULL, sizeof(*self->arena), PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, (void *)self->arena);
	self->arena->shared = device_open();
	ASSERT_LE(0, self->arena->shared);
	SEED_PRINT(self->seed);
}

FIXTURE_TEARDOWN(crowd)
{
	close(self->fd);
}

static void expect_nothing_lost(struct __test_metadata *_metadata,
				FIXTURE_DATA(crowd) *self)
{
	struct memalloc_stats_borrowing borrowing;
	struct memalloc_stats_reports reports;
	struct memalloc_stats_file file;

	EXPECT_EQ(0, device_validate(self->arena->shared));
	EXPECT_EQ(0, close(self->arena->shared));
	EXPECT_EQ(0, device_file(self->fd, &file));
	EXPECT_EQ(0, file.device_bytes);
	EXPECT_EQ(0, device_validate(self->fd));
	EXPECT_EQ(0, device_shrink(self->fd));
	EXPECT_EQ(0, device_borrowing(self->fd, &borrowing));
	EXPECT_EQ(borrowing.reserve, borrowing.borrowed);
	EXPECT_EQ(0, borrowing.quarantined);
	EXPECT_EQ(borrowing.borrowed, borrowing.borrowed_total - borrowing.returned_total);
	EXPECT_EQ(0, device_reports(self->fd, &reports));
	EXPECT_EQ(0, memcmp(&reports, &self->reports, sizeof(reports)));
}

TEST_F(crowd, of_threads_and_processes_loses_nothing)
{
	pid_t children[PROCESSES];
	int i, status;

	for (i = 0; i < PROCESSES; i++) {
		__u64 seed = seed_next(&self->seed);

		children[i] = fork();
		ASSERT_LE(0, children[i]);
		if (!children[i])
			_exit(work_together(self->arena, seed));
	}
	for (i = 0; i < PROCESSES; i++) {
		ASSERT_EQ(children[i], waitpid(children[i], &status, 0));
		EXPECT_TRUE(WIFEXITED(status));
		EXPECT_EQ(0, WEXITSTATUS(status));
	}
	expect_nothing_lost(_metadata, self);
}

/* Killed at a random moment. */
TEST_F(crowd, that_is_killed_loses_nothing)
{
	const unsigned int rounds = effort_of(12);
	unsigned int round;
	int status;
	pid_t child;

	for (round = 0; round < rounds; round++) {
		__u64 seed = seed_next(&self->seed);

		child = fork();
		ASSERT_LE(0, child);
		if (!child)
			_exit(work_together(self->arena, seed));
		usleep(seed_below(&self->seed, 30000));
		ASSERT_EQ(0, kill(child, SIGKILL));
		ASSERT_EQ(child, waitpid(child, &status, 0));
		EXPECT_TRUE(WIFSIGNALED(status) || !WEXITSTATUS(status));
		EXPECT_EQ(0, device_validate(self->fd));
	}
	expect_nothing_lost(_metadata, self);
}

/* Threads that all free the same handles: each handle is freed once. */
struct rival {
	pthread_t thread;
	struct arena *arena;
	unsigned int freed, wrong;
};

static void *free_all(void *arg)
{
	struct rival *rival = arg;
	int i, err;

	for (i = 0; i < PUBLIC; i++) {
		err = device_free(rival->arena->shared, rival->arena->handles[i]);
		rival->freed += !err;
		rival->wrong += err && err != -ENOENT;
	}
	return NULL;
}

TEST_F(crowd, that_frees_the_same_handles_frees_each_once)
{
	const unsigned int rounds = effort_of(40);
	struct rival rivals[THREADS];
	unsigned int freed, wrong, round;
	int i;

	for (round = 0; round < rounds; round++) {
		for (i = 0; i < PUBLIC; i++) {
			ASSERT_EQ(0, device_alloc(self->arena->shared, i % 3,
						  &self->arena->handles[i]));
		}
		freed = wrong = 0;
		for (i = 0; i < THREADS; i++) {
			rivals[i] = (struct rival) { .arena = self->arena };
			ASSERT_EQ(0, pthread_create(&rivals[i].thread, NULL, free_all,
						    &rivals[i]));
		}
		for (i = 0; i < THREADS; i++) {
			ASSERT_EQ(0, pthread_join(rivals[i].thread, NULL));
			freed += rivals[i].freed;
			wrong += rivals[i].wrong;
		}
		EXPECT_EQ(PUBLIC, freed);
		EXPECT_EQ(0, wrong);
	}
	expect_nothing_lost(_metadata, self);
}

/* --- a file with many handles is closed ---------------------------------- */

/* A thread that opens and closes files of its own. */
struct neighbour {
	pthread_t thread;
	__u64 bytes;		/* of all files, before the other file is closed */
	unsigned int meanwhile;	/* turns while the other file was being closed */
	int closing;
	int stop;
	int err;
};

/* Did the file lose a part of its handles before this turn, and not all? */
static bool is_closing(struct neighbour *neighbour, int fd, __u64 handle)
{
	struct memalloc_stats_file stats;
	struct memalloc_info info;

	neighbour->err = device_file(fd, &stats) ?: device_info(fd, handle, 0, 0, &info);
	return !neighbour->err && stats.device_bytes < neighbour->bytes + info.out_held &&
	       stats.device_bytes > info.out_held;
}

static void *neighbour_run(void *arg)
{
	struct neighbour *neighbour = arg;
	__u64 handle = 0;
	bool counts;
	int fd;

	while (!__atomic_load_n(&neighbour->stop, __ATOMIC_ACQUIRE) && !neighbour->err) {
		counts = __atomic_load_n(&neighbour->closing, __ATOMIC_ACQUIRE);
		fd = device_open();
		neighbour->err = fd < 0 ? fd : device_kmalloc(fd, 8, &handle);
		if (!neighbour->err && is_closing(neighbour, fd, handle))
			neighbour->meanwhile += counts;
		if (fd >= 0)
			close(fd);
	}
	return NULL;
}

/*
 * Other tasks can open the device and use it while the handles of a file are
 * freed one by one. A round counts if the neighbour runs during the close.
 */
TEST(close_of_many_handles_delays_no_other_task)
{
	enum { ROUNDS = 5 };
	const unsigned int handles = effort_of(65536);
	struct neighbour neighbour = { .err = 0 };
	struct memalloc_stats_file stats;
	unsigned int round, i;
	__u64 handle;
	int fd;

	if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
		SKIP(return, "the neighbour needs a CPU");
	for (round = 0; round < ROUNDS && !neighbour.meanwhile; round++) {
		fd = device_open();
		ASSERT_LE(0, fd);
		for (i = 0; i < handles; i++)
			ASSERT_EQ(0, device_kmalloc(fd, 8, &handle));
		ASSERT_EQ(0, device_file(fd, &stats));
		neighbour.bytes = stats.device_bytes;
		neighbour.closing = neighbour.stop = 0;
		ASSERT_EQ(0, pthread_create(&neighbour.thread, NULL, neighbour_run, &neighbour));
		__atomic_store_n(&neighbour.closing, 1, __ATOMIC_RELEASE);
		ASSERT_EQ(0, close(fd));
		__atomic_store_n(&neighbour.stop, 1, __ATOMIC_RELEASE);
		ASSERT_EQ(0, pthread_join(neighbour.thread, NULL));
		ASSERT_EQ(0, neighbour.err);
	}
	TH_LOG("%u turns of a neighbour, in round %u", neighbour.meanwhile, round);
	EXPECT_LT(0, neighbour.meanwhile);
}

TEST_HARNESS_MAIN
