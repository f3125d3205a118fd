// SPDX-License-Identifier: GPL-2.0
/*
 * Stall: other processes access our memory, or delay a copy indefinitely
 */
#define _GNU_SOURCE
#include <linux/io_uring.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include "harness.h"
#include "memalloc_device.h"
#include "module_parameter.h"

enum { ORDER = 2, SECONDS = 120 };

#define PROC_PATH	"/proc/memalloc"

/* --- copies that wait ---------------------------------------------------- */

/*
 * A page with a first access that waits, by userfaultfd. A mapped file of FUSE
 * would act in the same way.
 */
struct trap {
	int uffd;
	char *page;
	size_t size;
};

/* Return: zero, or a negative error; -ENOSYS: not supported by this kernel. */
static int trap_set(struct trap *trap)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register area = { .mode = UFFDIO_REGISTER_MODE_MISSING };

	trap->size = page_size();
	/* Without O_NONBLOCK, poll() reports an error at once. */
	trap->uffd = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
	if (trap->uffd < 0)
		return -errno;
	trap->page = mmap(NULL, trap->size, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	area.range.start = address_of(trap->page);
	area.range.len = trap->size;
	if (trap->page == MAP_FAILED || ioctl(trap->uffd, UFFDIO_API, &api) ||
	    ioctl(trap->uffd, UFFDIO_REGISTER, &area))
		return -errno;
	return 0;
}

/* Wait until a task has hit the trap. */
static int trap_wait(struct trap *trap)
{
	struct pollfd ready = { .fd = trap->uffd, .events = POLLIN };

	if (poll(&ready, 1, SECONDS * 1000) != 1)
		return -ETIMEDOUT;
	return ready.revents == POLLIN ? 0 : -EIO;
}

static int trap_open(struct trap *trap, const void *contents)
{
	struct uffdio_copy copy = {
		.dst = address_of(trap->page), .src = address_of(contents),
		.len = trap->size,
	};

	return ioctl(trap->uffd, UFFDIO_COPY, &copy) ? -errno : 0;
}

struct caller {
	pthread_t thread;
	int fd;
	unsigned int cmd;
	void *arg;
	int err;
};

static void *call(void *arg)
{
	struct caller *caller = arg;

	if (caller->cmd)
		caller->err = device_ioctl(caller->fd, caller->cmd, caller->arg);
	else
		caller->err = read(caller->fd, caller->arg, page_size()) < 0 ? -errno : 0;
	return NULL;
}

FIXTURE(stalled) {
	struct trap trap;
	char contents[65536];
	int fd;
	int other;
	__u64 bytes;		/* in fd */
	__u64 pages;
	struct caller caller;
};

FIXTURE_SETUP(stalled)
{
	if (trap_set(&self->trap))
		SKIP(return, "userfaultfd is not available");
	ASSERT_GE(sizeof(self->contents), self->trap.size);
	self->fd = device_open();
	ASSERT_LE(0, self->fd);
	self->other = device_open();
	ASSERT_LE(0, self->other);
	ASSERT_EQ(0, device_kmalloc(self->fd, 100, &self->bytes));
	ASSERT_EQ(0, device_alloc(self->fd, ORDER, &self->pages));
	/* Kill a task that waits forever. */
	alarm(SECONDS);
}

FIXTURE_TEARDOWN(stalled)
{
	close(self->fd);
	close(self->other);
}

/* All operations of another file, or of the same one on other handles. */
static int all_work(int fd)
{
	__u64 handle, cache, object;
	int err;

	err = device_alloc(fd, 0, &handle) ? 1 : 0;
	err = err ? err : device_fill(fd, handle, 64, 1) ? 2 : 0;
	err = err ? err : device_free(fd, handle) ? 3 : 0;
	err = err ? err : device_kmalloc(fd, 10, &handle) ? 4 : 0;
	err = err ? err : device_resize(fd, handle, 9000) ? 5 : 0;
	err = err ? err : device_free(fd, handle) ? 6 : 0;
	err = err ? err : device_cache_create(fd, "other", 64, &cache) ? 7 : 0;
	err = err ? err : device_alloc_objects(fd, cache, 100, &object) ? 8 : 0;
	err = err ? err : device_free(fd, object) ? 9 : 0;
	err = err ? err : device_free(fd, cache) ? 10 : 0;
	err = err ? err : device_validate(fd) ? 11 : 0;
	err = err ? err : device_shrink(fd) ? 12 : 0;
	return err;
}

/* A command waits in its copy; other tasks do not wait. */
static void expect_no_other_waits(struct __test_metadata *_metadata, FIXTURE_DATA(stalled) *self,
				unsigned int cmd, void *arg, __u64 handle)
{
	self->caller.fd = self->fd;
	self->caller.cmd = cmd;
	self->caller.arg = arg;
	ASSERT_EQ(0, pthread_create(&self->caller.thread, NULL, call, &self->caller));
	ASSERT_EQ(0, trap_wait(&self->trap));
	EXPECT_EQ(0, all_work(self->other));
	EXPECT_EQ(0, all_work(self->fd));
	if (!line_write("/proc/sys/vm/drop_caches", "2"))
		EXPECT_EQ(0, all_work(self->other));
	if (handle) {
		EXPECT_EQ(0, device_free(self->fd, handle));
		EXPECT_EQ(-ENOENT, device_fill(self->fd, handle, 8, 1));
	}
	ASSERT_EQ(0, trap_open(&self->trap, self->contents));
	ASSERT_EQ(0, pthread_join(self->caller.thread, NULL));
	EXPECT_EQ(0, device_validate(self->fd));
}

#define EXPECT_NO_OTHER_WAITS(cmd, arg, handle) \
	expect_no_other_waits(_metadata, self, cmd, arg, handle)

TEST_F(stalled, write_stalls_no_other_task)
{
	struct memalloc_io io = {
		.size = sizeof(io), .handle = self->bytes, .length = 100,
		.data = address_of(self->trap.page),
	};

	EXPECT_NO_OTHER_WAITS(MEMALLOC_WRITE, &io, self->bytes);
	EXPECT_EQ(0, self->caller.err);
}

TEST_F(stalled, write_of_pages_stalls_no_other_task)
{
	struct memalloc_io io = {
		.size = sizeof(io), .handle = self->pages, .length = page_size(),
		.data = address_of(self->trap.page),
	};

	EXPECT_NO_OTHER_WAITS(MEMALLOC_WRITE, &io, self->pages);
	EXPECT_EQ(0, self->caller.err);
}

TEST_F(stalled, read_stalls_no_other_task)
{
	struct memalloc_io io = {
		.size = sizeof(io), .handle = self->bytes, .length = 100,
		.data = address_of(self->trap.page),
	};

	EXPECT_NO_OTHER_WAITS(MEMALLOC_READ, &io, self->bytes);
	EXPECT_EQ(0, self->caller.err);
}

TEST_F(stalled, statistics_stall_no_other_task)
{
	struct memalloc_stats stats = {
		.size = sizeof(stats), .section = MEMALLOC_SECTION_CACHE, .length = 200,
		.data = address_of(self->trap.page),
	};

	EXPECT_NO_OTHER_WAITS(MEMALLOC_STATS, &stats, 0);
	EXPECT_EQ(0, self->caller.err);
}

/* The structure itself, of a command that allocates. */
TEST_F(stalled, command_stalls_no_other_task)
{
	struct memalloc_alloc *alloc = (void *)self->contents;

	*alloc = (struct memalloc_alloc) {
		.size = sizeof(*alloc), .kind = MEMALLOC_KIND_PAGES, .node = -1,
	};
	EXPECT_NO_OTHER_WAITS(MEMALLOC_ALLOC, self->trap.page, 0);
	EXPECT_EQ(0, self->caller.err);
}

TEST_F(stalled, batch_stalls_no_other_task)
{
	struct memalloc_batch batch = {
		.size = sizeof(batch), .count = 1, .op_size = sizeof(struct memalloc_batch_op),
		.ops = address_of(self->trap.page),
	};

	EXPECT_NO_OTHER_WAITS(MEMALLOC_BATCH, &batch, 0);
	EXPECT_EQ(0, self->caller.err);
	EXPECT_EQ(1, batch.out_done);
}

static void ignore_signal(int signal)
{
	(void)signal;
}

/* The signal arrives during the first command of the batch. */
TEST_F(stalled, batch_ends_after_a_signal)
{
	struct memalloc_alloc *first = (void *)self->contents, last = {
		.size = sizeof(last), .kind = MEMALLOC_KIND_PAGES, .node = -1,
	};
	const struct memalloc_free free = { .size = sizeof(free), .handle = self->bytes };
	struct memalloc_stats_file files[2];
	struct memalloc_stats stats = {
		.size = sizeof(stats), .section = MEMALLOC_SECTION_FILE,
		.length = sizeof(files[0]), .data = address_of(&files[0]),
	};
	struct memalloc_batch_op ops[] = {
		{ MEMALLOC_ALLOC, 0x5a5a, address_of(self->trap.page) },
		{ MEMALLOC_FREE, 0x5a5a, address_of(&free) },
		{ MEMALLOC_STATS, 0x5a5a, address_of(&stats) },
		{ MEMALLOC_ALLOC, 0x5a5a, address_of(&last) },
	};
	struct memalloc_batch batch = {
		.size = sizeof(batch), .count = ARRAY_SIZE(ops), .op_size = sizeof(ops[0]),
		.ops = address_of(ops),
	};
	const struct sigaction action = { .sa_handler = ignore_signal };
	size_t i;

	*first = (struct memalloc_alloc) {
		.size = sizeof(*first), .kind = MEMALLOC_KIND_PAGES, .node = -1,
	};
	ASSERT_EQ(0, sigaction(SIGUSR1, &action, NULL));
	ASSERT_EQ(0, device_file(self->fd, &files[1]));
	self->caller.fd = self->fd;
	self->caller.cmd = MEMALLOC_BATCH;
	self->caller.arg = &batch;
	ASSERT_EQ(0, pthread_create(&self->caller.thread, NULL, call, &self->caller));
	ASSERT_EQ(0, trap_wait(&self->trap));
	ASSERT_EQ(0, pthread_kill(self->caller.thread, SIGUSR1));
	ASSERT_EQ(0, trap_open(&self->trap, self->contents));
	ASSERT_EQ(0, pthread_join(self->caller.thread, NULL));
	EXPECT_EQ(0, self->caller.err);
	EXPECT_EQ(1, batch.out_done);
	EXPECT_EQ(0, ops[0].out_errno);
	for (i = 1; i < ARRAY_SIZE(ops); i++)
		EXPECT_EQ(0x5a5a, ops[i].out_errno) TH_LOG("command %zu", i);
	ASSERT_EQ(0, device_file(self->fd, &files[0]));
	EXPECT_EQ(files[1].handles + 1, files[0].handles);
	EXPECT_EQ(0, device_free(self->fd, self->bytes));
}

TEST_F(stalled, command_ends_when_it_is_killed)
{
	struct memalloc_io io = {
		.size = sizeof(io), .handle = self->bytes, .length = 100,
	};
	int ready[2], status;
	struct trap trap;
	pid_t child;
	char byte;

	ASSERT_EQ(0, pipe(ready));
	child = fork();
	ASSERT_LE(0, child);
	if (!child) {
		if (trap_set(&trap) || write(ready[1], "", 1) != 1)
			_exit(1);
		io.data = address_of(trap.page);
		device_ioctl(self->fd, MEMALLOC_WRITE, &io);
		_exit(2);
	}
	ASSERT_EQ(1, read(ready[0], &byte, 1));
	usleep(200000);
	ASSERT_EQ(0, kill(child, SIGKILL));
	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_TRUE(WIFSIGNALED(status));
	EXPECT_EQ(0, device_resize(self->fd, self->bytes, 200));
}

/* An unload would wait for the reader, and neither could be killed. */
TEST(reader_of_proc_keeps_the_module)
{
	static char contents[65536];
	struct caller caller = { .fd = open(PROC_PATH, O_RDONLY | O_CLOEXEC) };
	struct trap trap;

	if (trap_set(&trap) || caller.fd < 0)
		SKIP(return, "userfaultfd or " PROC_PATH " is not available");
	alarm(SECONDS);
	caller.arg = trap.page;
	ASSERT_EQ(0, pthread_create(&caller.thread, NULL, call, &caller));
	ASSERT_EQ(0, trap_wait(&trap));
	EXPECT_LT(0, module_references());
	if (module_references() > 0) {
		EXPECT_EQ(-1, syscall(SYS_delete_module, "memalloc", O_NONBLOCK));
		EXPECT_EQ(EWOULDBLOCK, errno);
	}
	ASSERT_EQ(0, trap_open(&trap, contents));
	ASSERT_EQ(0, pthread_join(caller.thread, NULL));
	close(caller.fd);
	EXPECT_EQ(0, module_references());
}

/* As the host's own files. */
TEST(proc_is_for_root_alone)
{
	struct stat status;

	ASSERT_EQ(0, stat(PROC_PATH, &status));
	EXPECT_EQ(0400, status.st_mode & 07777);
}

/* --- io_uring ------------------------------------------------------------ */

FIXTURE(ring) {
	struct io_uring_params params;
	int ring;
	int fd;
};

FIXTURE_SETUP(ring)
{
	self->ring = syscall(SYS_io_uring_setup, 4, &self->params);
	if (self->ring < 0)
		SKIP(return, "io_uring is not available");
	self->fd = device_open();
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN(ring)
{
	close(self->ring);
	close(self->fd);
}

/* Return: result of an operation on the device. */
static int ring_does(FIXTURE_DATA(ring) *self, unsigned int opcode, void *buffer)
{
	const struct io_uring_params *p = &self->params;
	size_t sq_size = p->sq_off.array + p->sq_entries * sizeof(__u32);
	size_t cq_size = p->cq_off.cqes + p->cq_entries * sizeof(struct io_uring_cqe);
	struct io_uring_sqe *sqes;
	struct io_uring_cqe *cqe;
	char *sq, *cq;
	__u32 tail, head;
	int err;

	sq = mmap(NULL, sq_size, PROT_READ | PROT_WRITE, MAP_SHARED, self->ring,
		  IORING_OFF_SQ_RING);
	cq = mmap(NULL, cq_size, PROT_READ | PROT_WRITE, MAP_SHARED, self->ring,
		  IORING_OFF_CQ_RING);
	sqes = mmap(NULL, p->sq_entries * sizeof(*sqes), PROT_READ | PROT_WRITE, MAP_SHARED,
		    self->ring, IORING_OFF_SQES);
	if (sq == MAP_FAILED || cq == MAP_FAILED || sqes == MAP_FAILED)
		return -ENOMEM;
	tail = *(__u32 *)(sq + p->sq_off.tail);
	memset(&sqes[tail & 3], 0, sizeof(*sqes));
	sqes[tail & 3].opcode = opcode;
	sqes[tail & 3].fd = self->fd;
	sqes[tail & 3].addr = address_of(buffer);
	sqes[tail & 3].len = 64;
	((__u32 *)(sq + p->sq_off.array))[tail & 3] = tail & 3;
	__atomic_store_n((__u32 *)(sq + p->sq_off.tail), tail + 1, __ATOMIC_RELEASE);
	if (syscall(SYS_io_uring_enter, self->ring, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0) != 1)
		return -errno;
	head = *(__u32 *)(cq + p->cq_off.head);
	cqe = (struct io_uring_cqe *)(cq + p->cq_off.cqes) + (head & (p->cq_entries - 1));
	err = cqe->res;
	__atomic_store_n((__u32 *)(cq + p->cq_off.head), head + 1, __ATOMIC_RELEASE);
	return err;
}

TEST_F(ring, reads_and_writes_nothing)
{
	static char buffer[4096];

	EXPECT_GT(0, ring_does(self, IORING_OP_READ, buffer));
	EXPECT_GT(0, ring_does(self, IORING_OP_WRITE, buffer));
	EXPECT_GT(0, ring_does(self, IORING_OP_URING_CMD, buffer));
	EXPECT_EQ(0, device_validate(self->fd));
}

static __u64 pages_pinned(int fd)
{
	struct memalloc_stats_borrowing stats;

	return device_borrowing(fd, &stats) ? UINT64_MAX : stats.quarantined;
}

TEST_F(ring, buffer_keeps_its_pages)
{
	struct memalloc_stats_reports before, after;
	unsigned int turn;
	struct iovec buffer;
	__u64 handle;

	ASSERT_EQ(0, device_reports(self->fd, &before));
	buffer.iov_len = order_bytes(ORDER);
	buffer.iov_base = device_alloc_mapped(self->fd, ORDER, &handle);
	ASSERT_NE(MAP_FAILED, buffer.iov_base);
	if (syscall(SYS_io_uring_register, self->ring, IORING_REGISTER_BUFFERS, &buffer, 1)) {
		ASSERT_EQ(EOPNOTSUPP, errno);
		SKIP(return, "this kernel accepts no io_uring buffer in a mapped file");
	}
	ASSERT_EQ(0, munmap(buffer.iov_base, buffer.iov_len));
	ASSERT_EQ(0, device_free(self->fd, handle));
	ASSERT_EQ(0, device_shrink(self->fd));
	EXPECT_LT(0, pages_pinned(self->fd));
	ASSERT_EQ(0, close(self->ring));
	for (turn = 0; turn < 100 && pages_pinned(self->fd); turn++) {
		usleep(100000);
		ASSERT_EQ(0, device_shrink(self->fd));
	}
	EXPECT_EQ(0, pages_pinned(self->fd));
	ASSERT_EQ(0, device_reports(self->fd, &after));
	EXPECT_EQ(0, memcmp(&before, &after, sizeof(before)));
}

/*
 * --- access from other processes
 * ----------------------------------------------
 */

/* A debugger can force access to most mappings of another process. */
TEST(tracer_cannot_write_what_is_mapped_for_reading)
{
	const __u64 word = 77, other = 78;
	struct memalloc_alloc alloc;
	int fd = device_open(), mem;
	void *reading, *writing;
	__u64 seen = 0;

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, device_alloc_pages(fd, 0, MEMALLOC_GFP_USER, &alloc));
	ASSERT_EQ(0, device_write(fd, alloc.out_handle, 0, &word, sizeof(word)));
	reading = mmap(NULL, page_size(), PROT_READ, MAP_SHARED, fd, alloc.out_map_offset);
	ASSERT_NE(MAP_FAILED, reading);
	mem = open("/proc/self/mem", O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, mem);
	EXPECT_EQ(sizeof(seen), pread(mem, &seen, sizeof(seen), (uintptr_t)reading));
	EXPECT_EQ(word, seen);
	EXPECT_EQ(-1, pwrite(mem, &other, sizeof(other), (uintptr_t)reading));
	ASSERT_EQ(0, device_read(fd, alloc.out_handle, 0, &seen, sizeof(seen)));
	EXPECT_EQ(word, seen);
	/* A writable mapping can be written this way. */
	writing = device_map(fd, alloc.out_map_offset, page_size());
	ASSERT_NE(MAP_FAILED, writing);
	EXPECT_EQ(sizeof(other), pwrite(mem, &other, sizeof(other), (uintptr_t)writing));
	ASSERT_EQ(0, device_read(fd, alloc.out_handle, 0, &seen, sizeof(seen)));
	EXPECT_EQ(other, seen);
	EXPECT_EQ(0, device_validate(fd));
	close(mem);
	close(fd);
}

TEST_HARNESS_MAIN
