// SPDX-License-Identifier: GPL-2.0
/*
 * Demonstrate the answers to misuse from user space
 */
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>

#include "../map.h"
#include "../table.h"
#include "demo.h"

/**
 * struct victim - target of the misuse
 * @demo: the demonstration
 * @device: the device
 * @handle: an allocated page
 * @stale: handle of a freed page
 * @map_offset: offset for mapping the page
 * @stale_offset: offset of the freed page
 * @bytes: size of the page
 */
struct victim {
	const struct demo *demo;
	const struct device *device;
	uint64_t handle;
	uint64_t stale;
	uint64_t map_offset;
	uint64_t stale_offset;
	uint64_t bytes;
};

/* Each function misuses the device once and returns the answer. */

static int free_again(const struct victim *v)
{
	return memalloc_free(v->device->fd, v->stale);
}

static int free_nothing(const struct victim *v)
{
	return memalloc_free(v->device->fd, 0);
}

static int free_guess(const struct victim *v)
{
	return memalloc_free(v->device->fd, v->handle + (1ULL << 32));
}

static int free_from_other_file(const struct victim *v)
{
	struct device other;
	int err = device_open(&other, v->device->path);

	if (err)
		return err;
	err = memalloc_free(other.fd, v->handle);
	device_close(&other);
	return err;
}

static int read_stale(const struct victim *v)
{
	char byte;

	return memalloc_read(v->device->fd, v->stale, 0, &byte, 1);
}

static int read_beyond(const struct victim *v)
{
	char bytes[2];

	return memalloc_read(v->device->fd, v->handle, v->bytes - 1, bytes, 2);
}

static int read_wrapped(const struct victim *v)
{
	char bytes[2];

	return memalloc_read(v->device->fd, v->handle, UINT64_MAX, bytes, 2);
}

static int fill_beyond(const struct victim *v)
{
	return memalloc_fill(v->device->fd, v->handle, 1, v->bytes,
			     MEMALLOC_PATTERN_REPEAT, 0);
}

static int read_to_null(const struct victim *v)
{
	return memalloc_read(v->device->fd, v->handle, 0, NULL, 8);
}

static int map_stale(const struct victim *v)
{
	void *memory;
	int err;

	err = mapping_create(v->device, v->stale_offset, (size_t)v->bytes,
			     false, &memory);
	if (!err)
		memalloc_unmap(memory, (size_t)v->bytes);
	return err;
}

static int map_beyond(const struct victim *v)
{
	void *memory;
	int err;

	err = mapping_create(v->device, v->map_offset, (size_t)(2 * v->bytes),
			     false, &memory);
	if (!err)
		memalloc_unmap(memory, (size_t)(2 * v->bytes));
	return err;
}

static int allocate(const struct victim *v, struct memalloc_alloc *alloc)
{
	int err = memalloc_alloc(v->device->fd, alloc);

	if (!err)
		memalloc_free(v->device->fd, alloc->out_handle);
	return err;
}

static int alloc_order(const struct victim *v)
{
	struct memalloc_alloc alloc = {
		.size = sizeof(alloc),
		.kind = MEMALLOC_KIND_PAGES, .node = -1,
		.order = MEMALLOC_MAX_ORDER + 1
	};

	return allocate(v, &alloc);
}

static int alloc_kind(const struct victim *v)
{
	struct memalloc_alloc alloc = { .size = sizeof(alloc), .kind = 0xffff, .node = -1 };

	return allocate(v, &alloc);
}

static int alloc_gfp(const struct victim *v)
{
	struct memalloc_alloc alloc = {
		.size = sizeof(alloc),
		.kind = MEMALLOC_KIND_PAGES, .node = -1,
		.gfp = MEMALLOC_GFP_DMA | MEMALLOC_GFP_DMA32
	};

	return allocate(v, &alloc);
}

static int alloc_node(const struct victim *v)
{
	struct memalloc_alloc alloc = {
		.size = sizeof(alloc),
		.kind = MEMALLOC_KIND_PAGES, .node = INT32_MAX
	};

	return allocate(v, &alloc);
}

static int alloc_object(const struct victim *v)
{
	struct memalloc_alloc alloc = {
		.size = sizeof(alloc),
		.kind = MEMALLOC_KIND_OBJECT, .node = -1, .parent = v->handle
	};

	return allocate(v, &alloc);
}

static int alloc_element(const struct victim *v)
{
	struct memalloc_alloc alloc = {
		.size = sizeof(alloc),
		.kind = MEMALLOC_KIND_ELEMENT, .node = -1, .parent = v->handle
	};

	return allocate(v, &alloc);
}

static int alloc_percpu(const struct victim *v)
{
	struct memalloc_alloc alloc = {
		.size = sizeof(alloc),
		.kind = MEMALLOC_KIND_PERCPU, .node = -1, .bytes = 1ULL << 30
	};

	return allocate(v, &alloc);
}

static int resize_pages(const struct victim *v)
{
	struct memalloc_resize resize = { .size = sizeof(resize), .handle = v->handle, .bytes = 1 };

	return memalloc_resize(v->device->fd, &resize);
}

static int create_with_line_break(const struct victim *v)
{
	struct memalloc_cache_create create = {
		.size = sizeof(create),
		.object_size = 8, .name = "a\n[reports]"
	};
	int err = memalloc_cache_create(v->device->fd, &create);

	if (!err)
		memalloc_free(v->device->fd, create.out_handle);
	return err;
}

static int pass_unknown_flag(const struct victim *v)
{
	struct memalloc_free arg = {
		.size = sizeof(arg), .flags = 1, .handle = v->handle
	};

	return memalloc_command(v->device->fd, MEMALLOC_FREE, &arg);
}

static int pass_short(const struct victim *v)
{
	struct memalloc_free arg = {
		.size = sizeof(arg) - 8, .handle = v->handle
	};

	return memalloc_command(v->device->fd, MEMALLOC_FREE, &arg);
}

static int pass_future(const struct victim *v)
{
	struct {
		struct memalloc_free arg;
		uint64_t field;
	} later = {
		.arg = { .size = sizeof(later), .handle = v->handle },
		.field = 1,
	};

	return memalloc_command(v->device->fd, MEMALLOC_FREE, &later);
}

static int use_unknown_command(const struct victim *v)
{
	struct memalloc_free arg = { .size = sizeof(arg), .handle = v->handle };

	return memalloc_command(v->device->fd, _IO(MEMALLOC_IOCTL_TYPE, 0xff), &arg);
}

static int force_failure(const struct victim *v)
{
	struct memalloc_alloc alloc = {
		.size = sizeof(alloc),
		.kind = MEMALLOC_KIND_PAGES, .node = -1
	};
	int err = memalloc_inject(v->device->fd, 1, NULL);

	if (err)
		return err;
	err = allocate(v, &alloc);
	memalloc_inject(v->device->fd, 0, NULL);
	return err;
}

/**
 * struct misuse - one kind of misuse
 * @what: description
 * @run: function that does it
 * @expected: expected errno
 */
struct misuse {
	const char *what;
	int (*run)(const struct victim *v);
	int expected;
};

static const struct misuse misuses[] = {
	{ "free a handle a second time", free_again, ENOENT },
	{ "free the handle 0", free_nothing, ENOENT },
	{ "guess a handle", free_guess, ENOENT },
	{ "use a handle of another open file", free_from_other_file, ENOENT },
	{ "read a freed page", read_stale, ENOENT },
	{ "map a freed page", map_stale, ENOENT },
	{ "read beyond the end", read_beyond, EOVERFLOW },
	{ "wrap offset and length around", read_wrapped, EOVERFLOW },
	{ "fill beyond the end", fill_beyond, EOVERFLOW },
	{ "map beyond the end", map_beyond, EINVAL },
	{ "read to an unmapped address", read_to_null, EFAULT },
	{ "allocate order 11", alloc_order, EINVAL },
	{ "allocate an unknown kind", alloc_kind, EINVAL },
	{ "ask for DMA and DMA32 at once", alloc_gfp, EINVAL },
	{ "ask for a node that cannot exist", alloc_node, EINVAL },
	{ "ask for an object of a non-cache", alloc_object, EINVAL },
	{ "ask for an element of a non-mempool", alloc_element, EINVAL },
	{ "ask for 1 GiB on each CPU", alloc_percpu, EINVAL },
	{ "put a line break in a cache's name", create_with_line_break, EINVAL },
	{ "resize pages", resize_pages, EOPNOTSUPP },
	{ "set an unknown flag", pass_unknown_flag, EINVAL },
	{ "pass a structure that is too short", pass_short, EINVAL },
	{ "use a field of a later version", pass_future, E2BIG },
	{ "use an unknown command", use_unknown_command, ENOTTY },
};

/* Wording of <linux/memalloc.h>: strerror(3) describes errors of files. */
static const char *meaning_of(int answer)
{
	switch (-answer) {
	case 0:
		return "it succeeded";
	case ENOENT:
		return "no such handle in this open file";
	case EOVERFLOW:
		return "beyond the end of the allocation";
	case EFAULT:
		return "bad address";
	case EINVAL:
		return "invalid request";
	case E2BIG:
		return "unknown to this module";
	case ENOTTY:
		return "no such command";
	case EOPNOTSUPP:
		return "not supported for this kind";
	case ENOMEM:
		return "no memory";
	case EPERM:
		return "needs CAP_SYS_ADMIN";
	}
	return strerror(-answer);
}

static void add_line(struct table *table, const char *what, int expected,
		     int answer)
{
	bool good = answer == -expected;

	table_line(table);
	table_cell(table, "%s", what);
	table_cell(table, "%s", answer ? strerrorname_np(-answer) : "success");
	table_cell_colour(table, good ? "green" : "red", good ? "ok" : "BAD");
	table_cell(table, "%s", meaning_of(answer));
}

static void try(struct demo *demo, const struct victim *victim,
		const struct misuse *misuse, struct table *table)
{
	int answer = misuse->run(victim);

	add_line(table, misuse->what, misuse->expected, answer);
	demo_check(demo, answer == -misuse->expected,
		   "%s: answered with %s, expected %s", misuse->what,
		   answer ? strerrorname_np(-answer) : "success",
		   strerrorname_np(misuse->expected));
}

static void try_all(struct demo *demo, const struct victim *victim)
{
	const struct misuse forced = {
		"make an allocation fail", force_failure,
		demo->privileged ? ENOMEM : EPERM
	};
	struct table table;
	size_t i;

	table_begin(&table, demo->session->colour);
	table.indent = DEMO_INDENT;
	table_column(&table, "MISUSE", false);
	table_column(&table, "ANSWER", false);
	table_column(&table, "", false);
	table_column(&table, "MEANING", false);
	for (i = 0; i < sizeof(misuses) / sizeof(*misuses); i++)
		try(demo, victim, &misuses[i], &table);
	try(demo, victim, &forced, &table);
	table_end(&table);
}

static bool prepare(struct demo *demo, struct victim *victim)
{
	struct memalloc_alloc first = {
		.size = sizeof(first),
		.kind = MEMALLOC_KIND_PAGES, .node = -1
	};
	struct memalloc_alloc second = first;

	victim->demo = demo;
	victim->device = demo->device;
	if (!demo_check_errno(demo, memalloc_alloc(demo->device->fd, &first),
			      "allocate"))
		return false;
	victim->handle = first.out_handle;
	victim->map_offset = first.out_map_offset;
	victim->bytes = first.out_bytes;
	if (!demo_check_errno(demo, memalloc_alloc(demo->device->fd, &second),
			      "allocate"))
		return false;
	victim->stale = second.out_handle;
	victim->stale_offset = second.out_map_offset;
	return demo_check_errno(demo, memalloc_free(demo->device->fd, victim->stale),
				"free");
}

/* After all misuse, one page is allocated and nothing is lost. */
static void check_unharmed(struct demo *demo, const struct victim *victim)
{
	struct statistics now;

	if (demo_statistics(demo, &now)) {
		demo_check(demo, now.file.handles == 1 &&
			   now.file.bytes == victim->bytes,
			   "%llu handles with %llu bytes are held, expected 1 "
			   "with %llu", now.file.handles, now.file.bytes,
			   (unsigned long long)victim->bytes);
		statistics_free(&now);
	}
	demo_check_errno(demo, memalloc_free(demo->device->fd, victim->handle),
			 "free");
}

void demo_misuse(struct demo *demo)
{
	struct victim victim = { 0 };

	demo_heading(demo, "Misuse of the device");
	if (!prepare(demo, &victim))
		return;
	try_all(demo, &victim);
	check_unharmed(demo, &victim);
}
