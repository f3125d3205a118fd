// SPDX-License-Identifier: GPL-2.0
/*
 * Injected failures: memory runs short at every point of every command, one
 * after the other, and nothing is lost at any of them
 *
 * The walk runs twice: with our own injection, on any kernel, which counts
 * allocations from our own allocator; and with the kernel's, if it has any,
 * which counts allocations from the host's allocators and copies from and to
 * user space.
 *
 * The commands of the walk are recorded on their way to the device, and the
 * last test compares them with all existing ones: a command, kind, section,
 * backend or flag without a row is a failure.
 */
#include <pthread.h>

#include <linux/memalloc.h>

#include "effort.h"
#include "harness.h"
#include "host_failure.h"
#include "memalloc_device.h"

/*
 * --- record of the walk
 * -------------------------------------------------------
 */

enum {
	NUMBERS = 256,		/* of a command, as in an ioctl number */
	VALUES = 64,		/* upper bound of kinds, sections and backends */
	KNOWN = 4096,		/* handles with a known kind */
};

/**
 * struct walked - commands that failed at each point and finally succeeded
 * @commands: by number
 * @kinds: by number of the command and kind of the handle
 * @sections: MEMALLOC_STATS by section
 * @backends: MEMALLOC_MEMPOOL_CREATE by backend
 * @flags: MEMALLOC_CACHE_CREATE by flag
 */
struct walked {
	bool commands[NUMBERS];
	bool kinds[NUMBERS][VALUES];
	bool sections[VALUES];
	bool backends[VALUES];
	__u32 flags;
};

static struct walked *walked;	/* shared by all tests, each of which is a process */
static bool walking;		/* failures are being injected */

static struct {
	__u64 handle;
	__u32 kind;
} known[KNOWN];

__attribute__((constructor)) static void walked_init(void)
{
	walked = mmap(NULL, sizeof(*walked), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
}

/* Return: handle that a command works on; zero if there is none. */
static __u64 handle_of(unsigned int number, const void *arg)
{
	switch (number) {
	case MEMALLOC_CMD_FREE:
		return ((const struct memalloc_free *)arg)->handle;
	case MEMALLOC_CMD_READ:
	case MEMALLOC_CMD_WRITE:
		return ((const struct memalloc_io *)arg)->handle;
	case MEMALLOC_CMD_FILL:
	case MEMALLOC_CMD_VERIFY:
		return ((const struct memalloc_pattern_io *)arg)->handle;
	case MEMALLOC_CMD_INFO:
		return ((const struct memalloc_info *)arg)->handle;
	case MEMALLOC_CMD_STATS:
		return ((const struct memalloc_stats *)arg)->handle;
	case MEMALLOC_CMD_SHRINK:
		return ((const struct memalloc_shrink *)arg)->handle;
	case MEMALLOC_CMD_RESIZE:
		return ((const struct memalloc_resize *)arg)->handle;
	default:
		return 0;
	}
}

static void know(__u64 handle, __u32 kind)
{
	known[handle % KNOWN].handle = handle;
	known[handle % KNOWN].kind = kind;
}

/* Record the kind of a new handle. */
static void note_what_was_made(unsigned int number, const void *arg)
{
	const struct memalloc_mempool_create *mempool = arg;
	const struct memalloc_cache_create *cache = arg;
	const struct memalloc_alloc *alloc = arg;

	if (number == MEMALLOC_CMD_ALLOC)
		know(alloc->out_handle, alloc->kind);
	else if (number == MEMALLOC_CMD_CACHE_CREATE)
		know(cache->out_handle, MEMALLOC_KIND_CACHE);
	else if (number == MEMALLOC_CMD_MEMPOOL_CREATE)
		know(mempool->out_handle, MEMALLOC_KIND_MEMPOOL);
}

static void note_what_was_walked(unsigned int number, const void *arg)
{
	const __u64 handle = handle_of(number, arg);

	walked->commands[number] = true;
	if (handle && known[handle % KNOWN].handle == handle)
		walked->kinds[number][known[handle % KNOWN].kind] = true;
	if (number == MEMALLOC_CMD_ALLOC)
		walked->kinds[number][((const struct memalloc_alloc *)arg)->kind] = true;
	else if (number == MEMALLOC_CMD_STATS)
		walked->sections[((const struct memalloc_stats *)arg)->section] = true;
	else if (number == MEMALLOC_CMD_MEMPOOL_CREATE)
		walked->backends[((const struct memalloc_mempool_create *)arg)->backend] = true;
	else if (number == MEMALLOC_CMD_CACHE_CREATE)
		walked->flags |= ((const struct memalloc_cache_create *)arg)->flags;
}

int __real_ioctl(int fd, unsigned long cmd, void *arg);
int __wrap_ioctl(int fd, unsigned long cmd, void *arg);

/*
 * The linker replaces ioctl() by this function, also in the library. A refusal
 * of a kind is a valid answer, too.
 */
int __wrap_ioctl(int fd, unsigned long cmd, void *arg)
{
	const int status = __real_ioctl(fd, cmd, arg), err = status < 0 ? errno : 0;

	if (!err)
		note_what_was_made(_IOC_NR(cmd), arg);
	if (walking && (!err || err == EOPNOTSUPP))
		note_what_was_walked(_IOC_NR(cmd), arg);
	errno = err;
	return status;
}

/* --- the walk ------------------------------------------------------------ */

FIXTURE(walk) {
	int fd;
	int other;		/* another file */
	enum memalloc_kind kind;
	enum memalloc_mempool_backend backend;
	__u32 flags;
	__u64 handle;		/* an allocation of the row's kind */
	__u64 offset;
	__u64 bytes;
	__u64 cache;		/* of objects of 300 bytes, with the row's flags */
	__u64 pool;		/* with the row's backend */
	__u64 memory;		/* of kmalloc */
	__u64 made[4];		/* results of the command, to be undone */
};

#define OBJECT_BYTES	300
#define MEMORY_BYTES	100
#define MINIMUM		3

/**
 * struct _fixture_variant_walk - a command to walk
 * @act: runs it. Returns zero or a negative error; in that case, nothing is
 *	left of it
 * @undo: reverts it
 * @order: order of its allocation
 * @kind: kind of the existing allocation; zero: pages
 * @backend: backend of the existing pool and of new ones; zero: pages
 * @flags: flags of the existing cache and of new ones
 * @points: minimum number of steps that take memory
 * @cold: start with empty caches, so that all memory has to be borrowed
 */
FIXTURE_VARIANT(walk) {
	int (*act)(FIXTURE_DATA(walk) *self, unsigned int order);
	int (*undo)(FIXTURE_DATA(walk) *self);
	unsigned int order;
	enum memalloc_kind kind;
	enum memalloc_mempool_backend backend;
	__u32 flags;
	unsigned int points;
	bool cold;
};

static int create_cache(FIXTURE_DATA(walk) *self, __u32 object_size, __u64 *handle)
{
	struct memalloc_cache_create create = device_cache_of("walk", object_size);
	int err;

	create.flags = self->flags;
	err = device_ioctl(self->fd, MEMALLOC_CACHE_CREATE, &create);
	*handle = create.out_handle;
	return err;
}

/* @order is for pages; the other backends have a fixed size. */
static int create_pool(FIXTURE_DATA(walk) *self, unsigned int order, __u64 *handle)
{
	const __u64 of = self->backend == MEMALLOC_MEMPOOL_PAGES ? order :
			 self->backend == MEMALLOC_MEMPOOL_KMALLOC ? 50ULL << order : self->cache;

	return device_mempool_create(self->fd, self->backend, of, MINIMUM, handle);
}

/* Make the existing allocation. */
static int make_one(FIXTURE_DATA(walk) *self)
{
	struct memalloc_alloc alloc = {
		.size = sizeof(alloc), .kind = self->kind, .gfp = MEMALLOC_GFP_USER, .node = -1,
	};
	int err;

	switch (self->kind) {
	case MEMALLOC_KIND_CACHE:
		self->bytes = 0;
		return create_cache(self, OBJECT_BYTES, &self->handle);
	case MEMALLOC_KIND_MEMPOOL:
		self->bytes = 0;
		return create_pool(self, 1, &self->handle);
	case MEMALLOC_KIND_PAGES:
		alloc.order = 2;
		break;
	case MEMALLOC_KIND_OBJECT:
		alloc.parent = self->cache;
		alloc.count = 5;
		break;
	case MEMALLOC_KIND_KMALLOC:
		alloc.bytes = 700;
		break;
	case MEMALLOC_KIND_ELEMENT:
		alloc.parent = self->pool;
		break;
	case MEMALLOC_KIND_PERCPU:
		alloc.bytes = 80;
		break;
	case MEMALLOC_KIND_AREA:
		alloc.bytes = order_bytes(2);
		break;
	}
	err = device_ioctl(self->fd, MEMALLOC_ALLOC, &alloc);
	self->handle = alloc.out_handle;
	self->offset = alloc.out_map_offset;
	self->bytes = alloc.out_bytes;
	return err;
}

static int do_alloc(FIXTURE_DATA(walk) *self, unsigned int order)
{
	return device_alloc(self->fd, order, &self->made[0]);
}

static int undo_alloc(FIXTURE_DATA(walk) *self)
{
	return device_free(self->fd, self->made[0]);
}

static int do_alloc_nofail(FIXTURE_DATA(walk) *self, unsigned int order)
{
	struct memalloc_alloc alloc;
	int err = device_alloc_pages(self->fd, order,
				     MEMALLOC_GFP_USER | MEMALLOC_GFP_NOFAIL, &alloc);

	self->made[0] = alloc.out_handle;
	return err == -ENOMEM ? -EPROTO : err;
}

static int do_alloc_atomic(FIXTURE_DATA(walk) *self, unsigned int order)
{
	struct memalloc_alloc alloc;
	int err = device_alloc_pages(self->fd, order, MEMALLOC_GFP_ATOMIC, &alloc);

	self->made[0] = alloc.out_handle;
	return err;
}

static int do_cache_create(FIXTURE_DATA(walk) *self, unsigned int order)
{
	return create_cache(self, 32 << order, &self->made[0]);
}

/* Create a cache, and allocate its first object. */
static int do_cache_use(FIXTURE_DATA(walk) *self, unsigned int order)
{
	int err = do_cache_create(self, order);

	if (err)
		return err;
	err = device_alloc_objects(self->fd, self->made[0], 1, &self->made[1]);
	if (err && device_free(self->fd, self->made[0]))
		return -EPROTO;
	return err;
}

static int undo_cache_use(FIXTURE_DATA(walk) *self)
{
	int err = device_free(self->fd, self->made[1]);

	return err ? err : device_free(self->fd, self->made[0]);
}

static int do_objects(FIXTURE_DATA(walk) *self, unsigned int order)
{
	return device_alloc_objects(self->fd, self->cache, 1 << order, &self->made[0]);
}

static int do_objects_node(FIXTURE_DATA(walk) *self, unsigned int order)
{
	struct memalloc_alloc alloc = {
		.size = sizeof(alloc),
		.kind = MEMALLOC_KIND_OBJECT,
		.parent = self->cache,
		.count = 1 << order,
	};
	int err = device_ioctl(self->fd, MEMALLOC_ALLOC, &alloc);

	self->made[0] = alloc.out_handle;
	return err;
}

static int do_kmalloc(FIXTURE_DATA(walk) *self, unsigned int order)
{
	return device_kmalloc(self->fd, 50 << order, &self->made[0]);
}

static int do_kind(FIXTURE_DATA(walk) *self, __u32 kind, __u64 bytes)
{
	struct memalloc_alloc alloc = {
		.size = sizeof(alloc),
		.kind = kind,
		.node = -1,
		.bytes = bytes,
	};
	int err = device_ioctl(self->fd, MEMALLOC_ALLOC, &alloc);

	self->made[0] = alloc.out_handle;
	return err;
}

static int do_percpu(FIXTURE_DATA(walk) *self, unsigned int order)
{
	return do_kind(self, MEMALLOC_KIND_PERCPU, 64 << order);
}

static int do_area(FIXTURE_DATA(walk) *self, unsigned int order)
{
	return do_kind(self, MEMALLOC_KIND_AREA, order_bytes(order));
}

static int do_mempool(FIXTURE_DATA(walk) *self, unsigned int order)
{
	return create_pool(self, order, &self->made[0]);
}

static int do_element(FIXTURE_DATA(walk) *self, unsigned int order)
{
	(void)order;
	return device_alloc_element(self->fd, self->pool, MEMALLOC_GFP_NORETRY, 0, &self->made[0]);
}

static int undo_mempool_resize(FIXTURE_DATA(walk) *self)
{
	return device_mempool_resize(self->fd, self->pool, MINIMUM);
}

/* As do_resize(): after EFAULT it may have grown. */
static int do_mempool_resize(FIXTURE_DATA(walk) *self, unsigned int order)
{
	int err = device_mempool_resize(self->fd, self->pool, MINIMUM << order);

	return err && undo_mempool_resize(self) ? -EPROTO : err;
}

static int undo_resize(FIXTURE_DATA(walk) *self)
{
	int err = device_resize(self->fd, self->memory, 0);

	if (!err)
		err = device_resize(self->fd, self->memory, MEMORY_BYTES);
	return err ? err : device_fill(self->fd, self->memory, MEMORY_BYTES, 6);
}

/*
 * The contents are preserved whether it could grow or not. After EFAULT it may
 * have grown although the result was not returned.
 */
static int do_resize(FIXTURE_DATA(walk) *self, unsigned int order)
{
	int err = device_resize(self->fd, self->memory, MEMORY_BYTES << order);
	int lost = device_verify(self->fd, self->memory, MEMORY_BYTES, 6);

	if (lost && lost != -EFAULT)
		return -EPROTO;
	if (err != -EFAULT && !lost)
		return err;
	return undo_resize(self) ? -EPROTO : -EFAULT;
}

static int undo_batch(FIXTURE_DATA(walk) *self)
{
	int err = 0, i;

	for (i = 0; i < 4; i++) {
		if (self->made[i] && !err)
			err = device_free(self->fd, self->made[i]);
		self->made[i] = 0;
	}
	return err;
}

/*
 * Four allocations at once. One may fail, and the others are not affected. If
 * the batch ends early because an entry cannot be copied, its allocations are
 * known nevertheless.
 */
static int do_batch(FIXTURE_DATA(walk) *self, unsigned int order)
{
	struct memalloc_alloc allocs[4];
	struct memalloc_batch_op ops[4];
	struct memalloc_batch batch = {
		.size = sizeof(batch),
		.flags = MEMALLOC_BATCH_KEEP_GOING,
		.count = 4,
		.op_size = sizeof(ops[0]),
		.ops = address_of(ops),
	};
	int i, err, failed = 0;

	for (i = 0; i < 4; i++) {
		allocs[i] = (struct memalloc_alloc) {
			.size = sizeof(allocs[i]),
			.kind = MEMALLOC_KIND_PAGES,
			.gfp = MEMALLOC_GFP_USER,
			.node = -1,
			.order = order,
		};
		ops[i] = (struct memalloc_batch_op) {
			.cmd = MEMALLOC_ALLOC,
			.arg = address_of(&allocs[i]),
		};
	}
	err = device_ioctl(self->fd, MEMALLOC_BATCH, &batch);
	if (err || batch.out_done != 4) {
		for (i = 0; i < 4; i++)
			self->made[i] = allocs[i].out_handle;
		return undo_batch(self) ? -EPROTO : err ? err : -EFAULT;
	}
	for (i = 0; i < 4; i++) {
		if (ops[i].out_errno)
			err = -ops[i].out_errno;
		failed += !!ops[i].out_errno;
		self->made[i] = allocs[i].out_handle;
	}
	if (failed > 1)
		return -EPROTO;
	if (!failed)
		return 0;
	return undo_batch(self) ? -EPROTO : err;
}

/* Return: zero if the kind supports the command or refuses it properly. */
static int answered(int err)
{
	return err == -EOPNOTSUPP ? 0 : err;
}

/* Resize to the current size. */
static int resize_to_the_same(FIXTURE_DATA(walk) *self)
{
	if (self->kind == MEMALLOC_KIND_MEMPOOL)
		return device_mempool_resize(self->fd, self->handle, MINIMUM);
	return answered(device_resize(self->fd, self->handle, self->bytes));
}

/* All commands for a handle, without effect on handles without bytes. */
static int do_use(FIXTURE_DATA(walk) *self, unsigned int order)
{
	const __u64 length = self->bytes < sizeof(__u64) ? self->bytes : sizeof(__u64);
	struct memalloc_info info;
	__u64 word;

	(void)order;
	return device_fill(self->fd, self->handle, self->bytes, 1) ?:
	       device_verify(self->fd, self->handle, self->bytes, 1) ?:
	       device_read(self->fd, self->handle, 0, &word, length) ?:
	       device_write(self->fd, self->handle, 0, &word, length) ?:
	       device_info(self->fd, self->handle, 0, 0, &info) ?:
	       answered(device_shrink_cache(self->fd, self->handle)) ?:
	       resize_to_the_same(self) ?: device_free(self->fd, self->handle);
}

static int do_map(FIXTURE_DATA(walk) *self, unsigned int order)
{
	volatile char *mapping = device_map(self->fd, self->offset, self->bytes);
	size_t i;

	(void)order;
	if ((void *)mapping == MAP_FAILED)
		return -errno;
	for (i = 0; i < self->bytes; i += page_size())
		mapping[i] = 1;
	if (!munmap((void *)mapping, self->bytes))
		return 0;
	i = errno;
	return munmap((void *)mapping, self->bytes) ? -EPROTO : -(int)i;
}

static int do_open(FIXTURE_DATA(walk) *self, unsigned int order)
{
	__u64 handle;
	int fd = device_open(), err;

	(void)self;
	if (fd < 0)
		return fd;
	err = device_alloc(fd, order, &handle);
	close(fd);
	return err;
}

static int do_proc(FIXTURE_DATA(walk) *self, unsigned int order)
{
	int fd = open("/proc/memalloc", O_RDONLY | O_CLOEXEC), err = 0;
	char text[4096];
	ssize_t got;

	(void)self;
	(void)order;
	if (fd < 0)
		return -errno;
	do
		got = read(fd, text, sizeof(text));
	while (got > 0);
	if (got < 0)
		err = -errno;
	close(fd);
	return err;
}

static int undo_nothing(FIXTURE_DATA(walk) *self)
{
	(void)self;
	return 0;
}

/*
 * Names of all kinds, sections and so on: the compiler reports a missing one.
 */
static const char *kind_name(enum memalloc_kind kind)
{
	switch (kind) {
	case MEMALLOC_KIND_PAGES:	return "pages";
	case MEMALLOC_KIND_CACHE:	return "cache";
	case MEMALLOC_KIND_OBJECT:	return "object";
	case MEMALLOC_KIND_KMALLOC:	return "kmalloc";
	case MEMALLOC_KIND_MEMPOOL:	return "mempool";
	case MEMALLOC_KIND_ELEMENT:	return "element";
	case MEMALLOC_KIND_PERCPU:	return "percpu";
	case MEMALLOC_KIND_AREA:	return "area";
	}
	return NULL;
}

static const char *section_name(enum memalloc_section section)
{
	switch (section) {
	case MEMALLOC_SECTION_BORROWING:	return "borrowing";
	case MEMALLOC_SECTION_ZONE:		return "zone";
	case MEMALLOC_SECTION_FILE:		return "file";
	case MEMALLOC_SECTION_REPORTS:		return "reports";
	case MEMALLOC_SECTION_CACHE:		return "cache";
	case MEMALLOC_SECTION_CLASS:		return "class";
	case MEMALLOC_SECTION_MEMPOOL:		return "mempool";
	case MEMALLOC_SECTION_PERCPU:		return "percpu";
	case MEMALLOC_SECTION_AREAS:		return "areas";
	}
	return NULL;
}

static const char *backend_name(enum memalloc_mempool_backend backend)
{
	switch (backend) {
	case MEMALLOC_MEMPOOL_OTHER:	return NULL; /* only in statistics */
	case MEMALLOC_MEMPOOL_PAGES:	return "pages";
	case MEMALLOC_MEMPOOL_KMALLOC:	return "kmalloc";
	case MEMALLOC_MEMPOOL_CACHE:	return "cache";
	}
	return NULL;
}

static int stats_of_handle(FIXTURE_DATA(walk) *self, __u32 section, __u64 handle)
{
	static char bytes[4096];
	const struct memalloc_stats stats = {
		.size = sizeof(stats), .section = section, .length = sizeof(bytes),
		.data = address_of(bytes), .handle = handle,
	};

	return device_ioctl(self->fd, MEMALLOC_STATS, &stats);
}

static int do_look(FIXTURE_DATA(walk) *self, unsigned int order)
{
	unsigned int section;
	int err = 0;

	(void)order;
	for (section = 0; section < VALUES && !err; section++)
		if (section_name(section))
			err = stats_of_handle(self, section, 0);
	return err ?: stats_of_handle(self, MEMALLOC_SECTION_CACHE, self->cache) ?:
	       stats_of_handle(self, MEMALLOC_SECTION_MEMPOOL, self->pool) ?:
	       device_validate(self->fd) ?: device_version(self->fd);
}

/* In another file, as it would replace the failure of the walk. */
static int do_inject_elsewhere(FIXTURE_DATA(walk) *self, unsigned int order)
{
	int err = device_inject(self->other, 5, NULL), again;

	(void)order;
	again = device_inject(self->other, 0, NULL);
	return err ?: again && device_inject(self->other, 0, NULL) ? -EPROTO : again;
}

static int do_shrink(FIXTURE_DATA(walk) *self, unsigned int order)
{
	(void)order;
	return device_shrink(self->fd);
}

/* The module's own bookkeeping, and the pages. */
#define ALLOCATES(number) \
	FIXTURE_VARIANT_ADD(walk, alloc_order_##number) { \
		.act = do_alloc, .undo = undo_alloc, .order = number, .points = 2, \
	}; \
	FIXTURE_VARIANT_ADD(walk, cold_alloc_order_##number) { \
		.act = do_alloc, .undo = undo_alloc, .order = number, .points = 3, \
		.cold = true, \
	}

ALLOCATES(0);
ALLOCATES(1);
ALLOCATES(2);
ALLOCATES(3);
ALLOCATES(4);
ALLOCATES(5);
ALLOCATES(6);
ALLOCATES(7);
ALLOCATES(8);
ALLOCATES(9);
ALLOCATES(10);

FIXTURE_VARIANT_ADD(walk, cold_alloc_nofail) {
	.act = do_alloc_nofail, .undo = undo_alloc, .order = 3, .points = 3, .cold = true,
};

FIXTURE_VARIANT_ADD(walk, cold_alloc_atomic) {
	.act = do_alloc_atomic, .undo = undo_alloc, .order = 3, .points = 3, .cold = true,
};

FIXTURE_VARIANT_ADD(walk, batch) {
	.act = do_batch, .undo = undo_batch, .order = 1, .points = 8,
};

FIXTURE_VARIANT_ADD(walk, cold_batch) {
	.act = do_batch, .undo = undo_batch, .order = 4, .points = 9, .cold = true,
};

FIXTURE_VARIANT_ADD(walk, cache_create) {
	.act = do_cache_create, .undo = undo_alloc, .order = 3, .points = 5,
};

FIXTURE_VARIANT_ADD(walk, cold_cache_use) {
	.act = do_cache_use, .undo = undo_cache_use, .order = 3, .points = 10, .cold = true,
};

FIXTURE_VARIANT_ADD(walk, object) {
	.act = do_objects, .undo = undo_alloc, .points = 3,
};

FIXTURE_VARIANT_ADD(walk, cold_objects) {
	.act = do_objects, .undo = undo_alloc, .order = 6, .points = 10, .cold = true,
};

FIXTURE_VARIANT_ADD(walk, cold_objects_node) {
	.act = do_objects_node, .undo = undo_alloc, .order = 4, .points = 10, .cold = true,
};

FIXTURE_VARIANT_ADD(walk, kmalloc) {
	.act = do_kmalloc, .undo = undo_alloc, .order = 2, .points = 3,
};

FIXTURE_VARIANT_ADD(walk, cold_kmalloc) {
	.act = do_kmalloc, .undo = undo_alloc, .order = 2, .points = 4, .cold = true,
};

FIXTURE_VARIANT_ADD(walk, cold_kmalloc_large) {
	.act = do_kmalloc, .undo = undo_alloc, .order = 10, .points = 3, .cold = true,
};

FIXTURE_VARIANT_ADD(walk, percpu) {
	.act = do_percpu, .undo = undo_alloc, .points = 2,
};

FIXTURE_VARIANT_ADD(walk, cold_percpu) {
	.act = do_percpu, .undo = undo_alloc, .order = 8, .points = 2, .cold = true,
};

FIXTURE_VARIANT_ADD(walk, area) {
	.act = do_area, .undo = undo_alloc, .order = 2, .points = 2,
};

FIXTURE_VARIANT_ADD(walk, cold_area) {
	.act = do_area, .undo = undo_alloc, .order = 5, .points = 4, .cold = true,
};

FIXTURE_VARIANT_ADD(walk, mempool) {
	.act = do_mempool, .undo = undo_alloc, .order = 1, .points = 6,
};

FIXTURE_VARIANT_ADD(walk, cold_resize) {
	.act = do_resize, .undo = undo_resize, .order = 3, .points = 2, .cold = true,
};

FIXTURE_VARIANT_ADD(walk, cold_resize_large) {
	.act = do_resize, .undo = undo_resize, .order = 10, .points = 1, .cold = true,
};

/* Caches with checks, allocation sites, and quarantine */
#define CACHE_WITH(name, wishes) \
	FIXTURE_VARIANT_ADD(walk, cold_cache_##name) { \
		.act = do_cache_use, .undo = undo_cache_use, .order = 3, .points = 10, \
		.flags = wishes, .cold = true, \
	}

#define CHECKED	(MEMALLOC_CACHE_RED_ZONE | MEMALLOC_CACHE_POISON | MEMALLOC_CACHE_STORE_USER | \
		 MEMALLOC_CACHE_CHECKS)

CACHE_WITH(checked, CHECKED);
CACHE_WITH(quarantine, MEMALLOC_CACHE_QUARANTINE | MEMALLOC_CACHE_HWCACHE_ALIGN);
CACHE_WITH(guard, MEMALLOC_CACHE_GUARD | MEMALLOC_CACHE_RECLAIM_ACCOUNT);
CACHE_WITH(rcu, MEMALLOC_CACHE_TYPESAFE_BY_RCU | MEMALLOC_CACHE_DMA);
CACHE_WITH(no_reap, MEMALLOC_CACHE_NO_REAP | MEMALLOC_CACHE_DMA32);

FIXTURE_VARIANT_ADD(walk, cold_objects_checked) {
	.act = do_objects, .undo = undo_alloc, .order = 5, .points = 10, .flags = CHECKED,
	.cold = true,
};

FIXTURE_VARIANT_ADD(walk, cold_objects_quarantine) {
	.act = do_objects, .undo = undo_alloc, .order = 5, .points = 10,
	.flags = MEMALLOC_CACHE_QUARANTINE | MEMALLOC_CACHE_GUARD, .cold = true,
};

/* The backend may fail: the pool has other elements. */
#define POOL_OF(name, which, size) \
	FIXTURE_VARIANT_ADD(walk, cold_mempool_##name) { \
		.act = do_mempool, .undo = undo_alloc, .order = size, .points = 6, \
		.backend = which, .cold = true, \
	}; \
	FIXTURE_VARIANT_ADD(walk, cold_mempool_resize_##name) { \
		.act = do_mempool_resize, .undo = undo_mempool_resize, .order = 2, \
		.kind = MEMALLOC_KIND_ELEMENT, .backend = which, .points = 5, .cold = true, \
	}; \
	FIXTURE_VARIANT_ADD(walk, cold_element_##name) { \
		.act = do_element, .undo = undo_alloc, .kind = MEMALLOC_KIND_ELEMENT, \
		.backend = which, .points = 3, .cold = true, \
	}

POOL_OF(pages, MEMALLOC_MEMPOOL_PAGES, 4);
POOL_OF(kmalloc, MEMALLOC_MEMPOOL_KMALLOC, 3);
POOL_OF(cache, MEMALLOC_MEMPOOL_CACHE, 0);

#define USES(name, which, from) \
	FIXTURE_VARIANT_ADD(walk, use_##name) { \
		.act = do_use, .undo = make_one, .kind = which, .backend = from, \
	}

USES(pages, MEMALLOC_KIND_PAGES, 0);
USES(cache, MEMALLOC_KIND_CACHE, 0);
USES(object, MEMALLOC_KIND_OBJECT, 0);
USES(kmalloc, MEMALLOC_KIND_KMALLOC, 0);
USES(mempool, MEMALLOC_KIND_MEMPOOL, MEMALLOC_MEMPOOL_CACHE);
USES(element, MEMALLOC_KIND_ELEMENT, MEMALLOC_MEMPOOL_KMALLOC);
USES(percpu, MEMALLOC_KIND_PERCPU, 0);
USES(area, MEMALLOC_KIND_AREA, 0);

FIXTURE_VARIANT_ADD(walk, map) { .act = do_map, .undo = undo_nothing };

FIXTURE_VARIANT_ADD(walk, map_area) {
	.act = do_map, .undo = undo_nothing, .kind = MEMALLOC_KIND_AREA,
};

FIXTURE_VARIANT_ADD(walk, look) {
	.act = do_look, .undo = undo_nothing, .kind = MEMALLOC_KIND_ELEMENT,
};

FIXTURE_VARIANT_ADD(walk, inject_elsewhere) {
	.act = do_inject_elsewhere, .undo = undo_nothing,
};

FIXTURE_VARIANT_ADD(walk, shrink) { .act = do_shrink, .undo = undo_nothing };
FIXTURE_VARIANT_ADD(walk, open) { .act = do_open, .undo = undo_nothing, .order = 1 };

/* Read it while it has an area, a pool, and objects by allocation site. */
FIXTURE_VARIANT_ADD(walk, proc) {
	.act = do_proc, .undo = undo_nothing, .kind = MEMALLOC_KIND_ELEMENT,
	.backend = MEMALLOC_MEMPOOL_CACHE, .flags = MEMALLOC_CACHE_STORE_USER,
};

FIXTURE_VARIANT_ADD(walk, proc_area) {
	.act = do_proc, .undo = undo_nothing, .kind = MEMALLOC_KIND_AREA,
};

FIXTURE_SETUP(walk)
{
	self->fd = device_open();
	ASSERT_LE(0, self->fd);
	self->other = device_open();
	ASSERT_LE(0, self->other);
	self->kind = variant->kind ?: MEMALLOC_KIND_PAGES;
	self->backend = variant->backend ?: MEMALLOC_MEMPOOL_PAGES;
	self->flags = variant->flags;
	ASSERT_EQ(0, create_cache(self, OBJECT_BYTES, &self->cache));
	if (self->kind == MEMALLOC_KIND_ELEMENT) {
		ASSERT_EQ(0, create_pool(self, 1, &self->pool));
	}
	ASSERT_EQ(0, make_one(self));
	ASSERT_EQ(0, device_kmalloc(self->fd, MEMORY_BYTES, &self->memory));
	ASSERT_EQ(0, device_fill(self->fd, self->memory, MEMORY_BYTES, 6));
}

FIXTURE_TEARDOWN(walk)
{
	close(self->other);
	close(self->fd);
}

static int carry_out(FIXTURE_DATA(walk) *self, const FIXTURE_VARIANT(walk) *row)
{
	int err;

	walking = true;
	err = row->act(self, row->order);
	walking = false;
	return err;
}

static int free_all(FIXTURE_DATA(walk) *self)
{
	return device_free(self->fd, self->handle) ?:
	       (self->pool ? device_free(self->fd, self->pool) : 0) ?:
	       device_free(self->fd, self->cache) ?: device_free(self->fd, self->memory);
}

/* Slabs of caches that are typesafe by RCU are freed after a grace period. */
static bool all_goes_back(int fd)
{
	struct memalloc_stats_borrowing stats;
	unsigned int patience = 1000;	/* times 10 ms */

	while (!device_validate(fd) && !device_shrink(fd) &&
	       !device_borrowing(fd, &stats) && patience--) {
		if (stats.borrowed == stats.reserve &&
		    stats.borrowed == stats.borrowed_total - stats.returned_total)
			return true;
		usleep(10000);
	}
	return false;
}

/*
 * A failure either makes the command fail with ENOMEM and without a trace, or
 * the command survives it. The walk ends when the command makes fewer
 * allocations than the number of the point.
 */
TEST_F(walk, loses_nothing_at_any_point)
{
	const unsigned int limit = 2000;
	struct memalloc_stats_file before, after;
	unsigned int nth, failed = 0, survived = 0;
	__u64 left;
	int err;

	ASSERT_EQ(0, device_file(self->fd, &before));
	for (nth = 1; nth < limit; nth++) {
		if (variant->cold) {
			ASSERT_EQ(0, device_shrink(self->fd));
		}
		ASSERT_EQ(0, device_inject(self->fd, nth, NULL));
		err = carry_out(self, variant);
		ASSERT_EQ(0, device_inject(self->fd, 0, &left));
		if (err) {
			ASSERT_EQ(-ENOMEM, err) {
				TH_LOG("point %u", nth);
			}
			ASSERT_EQ(0, left) {
				TH_LOG("point %u: failed for another reason", nth);
			}
			failed++;
		} else {
			survived += !left;
			ASSERT_EQ(0, variant->undo(self));
		}
		ASSERT_EQ(0, device_file(self->fd, &after));
		EXPECT_EQ(0, memcmp(&before, &after, sizeof(before))) {
			TH_LOG("point %u", nth);
		}
		ASSERT_EQ(0, device_validate(self->fd));
		if (!err && left)
			break;
	}
	EXPECT_GT(limit, nth);
	EXPECT_LE(variant->points, failed + survived);
	TH_LOG("%u points: %u failed, %u survived", failed + survived, failed, survived);
	TH_LOG("figure: points walked, of our own injection %u", failed + survived);
	ASSERT_EQ(0, free_all(self));
	EXPECT_TRUE(all_goes_back(self->fd));
}

/*
 * The same with the kernel's failures. A command that cannot copy its structure
 * or its results fails with EFAULT, also without a trace.
 */
TEST_F(walk, loses_nothing_when_the_host_fails)
{
	const unsigned int limit = 5000;
	struct memalloc_stats_file before, after;
	unsigned int nth, failed = 0, survived = 0;
	int err, left;

	if (!host_failure_prepare()) {
		SKIP(return, "the kernel has no failure injection");
	}
	ASSERT_EQ(0, device_file(self->fd, &before));
	for (nth = 1; nth < limit; nth++) {
		if (variant->cold) {
			ASSERT_EQ(0, device_shrink(self->fd));
		}
		ASSERT_EQ(0, host_failure_arm(nth));
		err = carry_out(self, variant);
		left = host_failure_disarm();
		ASSERT_LE(0, left);
		if (err) {
			ASSERT_TRUE(err == -ENOMEM || err == -EFAULT) {
				TH_LOG("point %u: %s", nth, strerror(-err));
			}
			ASSERT_EQ(0, left) {
				TH_LOG("point %u: failed for another reason", nth);
			}
			failed++;
		} else {
			survived += !left;
			ASSERT_EQ(0, variant->undo(self));
		}
		ASSERT_EQ(0, device_file(self->fd, &after));
		EXPECT_EQ(0, memcmp(&before, &after, sizeof(before))) {
			TH_LOG("point %u", nth);
		}
		ASSERT_EQ(0, device_validate(self->fd));
		if (!err && left)
			break;
	}
	EXPECT_GT(limit, nth);
	EXPECT_LT(0, failed + survived);
	TH_LOG("%u points: %u failed, %u survived", failed + survived, failed, survived);
	TH_LOG("figure: points walked, of the host's %u", failed + survived);
	ASSERT_EQ(0, free_all(self));
	EXPECT_TRUE(all_goes_back(self->fd));
}

/*
 * --- a host with single pages only
 * ----------------------------------------------
 */

/*
 * The descriptors of a section are larger than that: a few are spare, and a
 * worker makes others while the task waits. If free pages are scattered, each
 * page may need one.
 */
static int alloc_single_page(int fd)
{
	struct memalloc_alloc alloc;
	int err, tries;

	for (tries = 0; tries < 100; tries++) {
		err = device_alloc_pages(fd, 0, MEMALLOC_GFP_NOWAIT | MEMALLOC_GFP_NOWARN,
					 &alloc);
		if (!err)
			break;
		usleep(10000);
	}
	return err;
}

TEST(single_pages_are_enough_to_borrow_without_sleep)
{
	enum { PAGES = 4096, SECTIONS = 2, DESCRIPTORS = 24 << 10 };
	struct memalloc_stats_borrowing before, after;
	int fd = device_open(), taken;

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, device_shrink(fd));
	ASSERT_EQ(0, device_borrowing(fd, &before));
	if (!host_failure_single_pages(true))
		SKIP(return, "the kernel injects no failures");
	for (taken = 0; taken < PAGES; taken++)
		if (alloc_single_page(fd))
			break;
	EXPECT_TRUE(host_failure_single_pages(false));
	ASSERT_EQ(0, device_borrowing(fd, &after));
	EXPECT_EQ(PAGES, taken);
	EXPECT_LE(before.metadata_bytes + SECTIONS * DESCRIPTORS, after.metadata_bytes);
	EXPECT_EQ(0, device_validate(fd));
}

/*
 * --- completeness
 * ------------------------------------------------------------------
 */

FIXTURE(table) {
	int fd;
};

FIXTURE_SETUP(table)
{
	unsigned int i, any = 0;

	for (i = 0; i < NUMBERS; i++)
		any += walked->commands[i];
	if (!any) {
		SKIP(return, "nothing was walked");
	}
	self->fd = device_open();
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN(table)
{
	close(self->fd);
}

/* Ask the device: it knows no other commands. */
TEST_F(table, has_each_command)
{
	unsigned int i, count = 0;

	for (i = 0; i < NUMBERS; i++) {
		if (device_ioctl(self->fd, _IO(MEMALLOC_IOCTL_TYPE, i), NULL) == -ENOTTY)
			continue;
		count++;
		EXPECT_TRUE(walked->commands[i]) {
			TH_LOG("no row has command %#x", i);
		}
	}
	EXPECT_LT(0, count);
	TH_LOG("%u commands", count);
}

TEST_F(table, has_each_kind_and_its_commands)
{
	static const unsigned char numbers[] = {
		MEMALLOC_CMD_FREE, MEMALLOC_CMD_READ, MEMALLOC_CMD_WRITE, MEMALLOC_CMD_FILL,
		MEMALLOC_CMD_VERIFY, MEMALLOC_CMD_INFO, MEMALLOC_CMD_SHRINK, MEMALLOC_CMD_RESIZE,
	};
	unsigned int kind, i;

	for (kind = 0; kind < VALUES; kind++) {
		if (!kind_name(kind))
			continue;
		/* These two kinds are created by commands of their own. */
		EXPECT_TRUE(walked->kinds[MEMALLOC_CMD_ALLOC][kind] ||
			    kind == MEMALLOC_KIND_CACHE || kind == MEMALLOC_KIND_MEMPOOL) {
			TH_LOG("%s: no row makes one", kind_name(kind));
		}
		for (i = 0; i < ARRAY_SIZE(numbers); i++) {
			EXPECT_TRUE(walked->kinds[numbers[i]][kind]) {
				TH_LOG("%s: no row has command %#x", kind_name(kind), numbers[i]);
			}
		}
	}
}

TEST_F(table, has_each_section_and_backend_and_flag)
{
	unsigned int i;

	for (i = 0; i < VALUES; i++) {
		EXPECT_TRUE(!section_name(i) || walked->sections[i]) {
			TH_LOG("no row has section %s", section_name(i));
		}
		EXPECT_TRUE(!backend_name(i) || walked->backends[i]) {
			TH_LOG("no row has backend %s", backend_name(i));
		}
	}
	EXPECT_TRUE(walked->kinds[MEMALLOC_CMD_STATS][MEMALLOC_KIND_CACHE]);
	EXPECT_TRUE(walked->kinds[MEMALLOC_CMD_STATS][MEMALLOC_KIND_MEMPOOL]);
	EXPECT_EQ(MEMALLOC_CACHE_ALL, walked->flags);
}

/*
 * --- one failure
 * -------------------------------------------------------------------
 */

FIXTURE(inject) {
	int fd;
};

FIXTURE_SETUP(inject)
{
	self->fd = device_open();
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN(inject)
{
	close(self->fd);
}

TEST_F(inject, fails_one_allocation_per_request)
{
	__u64 handle, left;
	int i;

	for (i = 0; i < 50; i++) {
		ASSERT_EQ(0, device_inject(self->fd, 1, NULL));
		EXPECT_EQ(-ENOMEM, device_alloc(self->fd, i % 4, &handle));
		EXPECT_EQ(0, device_alloc(self->fd, i % 4, &handle));
	}
	ASSERT_EQ(0, device_inject(self->fd, 0, &left));
	EXPECT_EQ(0, left);
}

TEST_F(inject, can_be_cancelled)
{
	__u64 handle, left;

	ASSERT_EQ(0, device_inject(self->fd, 1, &left));
	EXPECT_EQ(0, left);
	ASSERT_EQ(0, device_inject(self->fd, 5, &left));
	EXPECT_EQ(1, left);
	ASSERT_EQ(0, device_inject(self->fd, 0, &left));
	EXPECT_EQ(5, left);
	EXPECT_EQ(0, device_alloc(self->fd, 0, &handle));
}

TEST_F(inject, counts_what_a_command_takes)
{
	const __u64 far = 1000000;
	__u64 handle, left, taken;

	ASSERT_EQ(0, device_alloc(self->fd, 0, &handle));
	ASSERT_EQ(0, device_free(self->fd, handle));
	ASSERT_EQ(0, device_inject(self->fd, far, NULL));
	ASSERT_EQ(0, device_alloc(self->fd, 0, &handle));
	ASSERT_EQ(0, device_inject(self->fd, far, &left));
	taken = far - left;
	EXPECT_LE(2, taken);
	ASSERT_EQ(0, device_free(self->fd, handle));
	ASSERT_EQ(0, device_inject(self->fd, taken, &left));
	EXPECT_EQ(far, left);
	EXPECT_EQ(-ENOMEM, device_alloc(self->fd, 0, &handle));
	ASSERT_EQ(0, device_inject(self->fd, taken + 1, &left));
	EXPECT_EQ(0, left);
	EXPECT_EQ(0, device_alloc(self->fd, 0, &handle));
	ASSERT_EQ(0, device_inject(self->fd, 0, &left));
	EXPECT_EQ(1, left);
}

TEST_F(inject, number_out_of_range_is_einval)
{
	EXPECT_EQ(-EINVAL, device_inject(self->fd, 1ULL << 63, NULL));
	EXPECT_EQ(-EINVAL, device_inject(self->fd, UINT64_MAX, NULL));
}

struct sharer {
	pthread_t thread;
	int fd;
	unsigned int failures, wrong;
};

static void *allocate(void *arg)
{
	struct sharer *sharer = arg;
	__u64 handle;
	int i, err;

	for (i = 0; i < 60; i++) {
		err = device_alloc(sharer->fd, i % 2, &handle);
		if (!err)
			err = device_free(sharer->fd, handle);
		sharer->failures += err == -ENOMEM;
		sharer->wrong += err && err != -ENOMEM;
	}
	return NULL;
}

/* Exactly one of the threads sees the failure. */
TEST_F(inject, fails_one_allocation_of_many_threads)
{
	enum { THREADS = 4 };
	const unsigned int rounds = effort_of(10);
	struct sharer sharers[THREADS];
	unsigned int failures, wrong, round;
	int i;

	for (round = 0; round < rounds; round++) {
		ASSERT_EQ(0, device_inject(self->fd, 100 + round, NULL));
		failures = wrong = 0;
		for (i = 0; i < THREADS; i++) {
			sharers[i] = (struct sharer) { .fd = self->fd };
			ASSERT_EQ(0, pthread_create(&sharers[i].thread, NULL, allocate,
						    &sharers[i]));
		}
		for (i = 0; i < THREADS; i++) {
			ASSERT_EQ(0, pthread_join(sharers[i].thread, NULL));
			failures += sharers[i].failures;
			wrong += sharers[i].wrong;
		}
		EXPECT_EQ(1, failures);
		EXPECT_EQ(0, wrong);
	}
	EXPECT_TRUE(all_goes_back(self->fd));
}

TEST_HARNESS_MAIN
