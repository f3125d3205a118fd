// SPDX-License-Identifier: GPL-2.0
/*
 * Calls: commands of the device, and other related system calls
 *
 * A command is a row of a table with its number, its structure, and the type of
 * each field. A new command or field is a new line here. Other system calls are
 * functions.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/memalloc.h>

#include "world.h"

#define ARRAY_SIZE(array)	(sizeof(array) / sizeof((array)[0]))

/* Types of fields, which determine the values worth testing. */
enum type {
	NOTHING,	/* end of the list */
	FLAGS,		/* most often zero; also for reserved fields */
	KIND,
	GFP,
	NODE,
	ORDER,
	SIZE,		/* size of an object or of kmalloc memory */
	ALIGN,
	CACHE_FLAGS,
	NAME,
	SMALL,		/* small number: enumeration or index */
	WORD,
	HANDLE,
	NO_HANDLE,	/* most often no handle */
	OFFSET,
	LENGTH,
	BYTES,
	ADDRESS,
};

struct field {
	uint16_t offset;
	uint8_t bytes;
	uint8_t type;
};

/**
 * struct call - a system call
 * @name: its name
 * @cmd: number of the device's command, or zero
 * @size: size of its structure
 * @kind: most frequent kind of the allocation or of a pool's elements, or zero
 * @field: types of the structure's fields, except @size and results
 * @learn: offsets of the resulting handle, size and map offset; zero if there
 *	is none
 * @act: function, if it is not a command. Returns the number of records used
 */
struct call {
	const char *name;
	unsigned int cmd;
	uint16_t size;
	uint8_t kind;
	struct field field[RECORD_FIELDS];
	uint16_t learn[3];
	unsigned int (*act)(struct thread *thread, const struct record *records,
			    unsigned int count, unsigned int at);
};

/* A complete argument. */
struct argument {
	unsigned int file;
	char bytes[4096 + 8];
	uint32_t length;
};

#define FIELD(_struct, _member, _type) \
	{ offsetof(struct _struct, _member), \
	  sizeof(((struct _struct *)0)->_member), _type }

#define LEARN_ALLOC { \
	offsetof(struct memalloc_alloc, out_handle), \
	offsetof(struct memalloc_alloc, out_bytes), \
	offsetof(struct memalloc_alloc, out_map_offset), \
}

static unsigned int act_batch(struct thread *thread, const struct record *records,
			      unsigned int count, unsigned int at);
static unsigned int act_raw(struct thread *thread, const struct record *records,
			    unsigned int count, unsigned int at);
static unsigned int act_open(struct thread *thread, const struct record *records,
			     unsigned int count, unsigned int at);
static unsigned int act_close(struct thread *thread, const struct record *records,
			      unsigned int count, unsigned int at);
static unsigned int act_map(struct thread *thread, const struct record *records,
			    unsigned int count, unsigned int at);
static unsigned int act_unmap(struct thread *thread, const struct record *records,
			      unsigned int count, unsigned int at);
static unsigned int act_protect(struct thread *thread, const struct record *records,
				unsigned int count, unsigned int at);
static unsigned int act_touch(struct thread *thread, const struct record *records,
			      unsigned int count, unsigned int at);
static unsigned int act_splice(struct thread *thread, const struct record *records,
			       unsigned int count, unsigned int at);
static unsigned int act_fork(struct thread *thread, const struct record *records,
			     unsigned int count, unsigned int at);
static unsigned int act_look(struct thread *thread, const struct record *records,
			     unsigned int count, unsigned int at);
static unsigned int act_set(struct thread *thread, const struct record *records,
			    unsigned int count, unsigned int at);
static unsigned int act_fail(struct thread *thread, const struct record *records,
			     unsigned int count, unsigned int at);

static const struct call calls[] = {
	{
		"alloc", MEMALLOC_ALLOC, sizeof(struct memalloc_alloc), MEMALLOC_KIND_PAGES, {
			FIELD(memalloc_alloc, kind, KIND),
			FIELD(memalloc_alloc, flags, FLAGS),
			FIELD(memalloc_alloc, gfp, GFP),
			FIELD(memalloc_alloc, node, NODE),
			FIELD(memalloc_alloc, order, ORDER),
			FIELD(memalloc_alloc, bytes, FLAGS),
			FIELD(memalloc_alloc, parent, FLAGS),
			FIELD(memalloc_alloc, count, FLAGS),
			FIELD(memalloc_alloc, reserved, FLAGS),
		}, LEARN_ALLOC,
	}, {
		"objects", MEMALLOC_ALLOC, sizeof(struct memalloc_alloc), MEMALLOC_KIND_OBJECT, {
			FIELD(memalloc_alloc, kind, KIND),
			FIELD(memalloc_alloc, flags, FLAGS),
			FIELD(memalloc_alloc, gfp, GFP),
			FIELD(memalloc_alloc, node, NODE),
			FIELD(memalloc_alloc, order, FLAGS),
			FIELD(memalloc_alloc, bytes, FLAGS),
			FIELD(memalloc_alloc, parent, HANDLE),
			FIELD(memalloc_alloc, count, SMALL),
			FIELD(memalloc_alloc, reserved, FLAGS),
		}, LEARN_ALLOC,
	}, {
		"kmalloc", MEMALLOC_ALLOC, sizeof(struct memalloc_alloc), MEMALLOC_KIND_KMALLOC, {
			FIELD(memalloc_alloc, kind, KIND),
			FIELD(memalloc_alloc, flags, FLAGS),
			FIELD(memalloc_alloc, gfp, GFP),
			FIELD(memalloc_alloc, node, NODE),
			FIELD(memalloc_alloc, order, FLAGS),
			FIELD(memalloc_alloc, bytes, SIZE),
			FIELD(memalloc_alloc, parent, FLAGS),
			FIELD(memalloc_alloc, count, FLAGS),
			FIELD(memalloc_alloc, reserved, FLAGS),
		}, LEARN_ALLOC,
	}, {
		"cache", MEMALLOC_CACHE_CREATE, sizeof(struct memalloc_cache_create), 0, {
			FIELD(memalloc_cache_create, flags, CACHE_FLAGS),
			FIELD(memalloc_cache_create, object_size, SIZE),
			FIELD(memalloc_cache_create, align, ALIGN),
			FIELD(memalloc_cache_create, useroffset, OFFSET),
			FIELD(memalloc_cache_create, usersize, LENGTH),
			FIELD(memalloc_cache_create, ctor, SMALL),
			FIELD(memalloc_cache_create, reserved, FLAGS),
			FIELD(memalloc_cache_create, name, NAME),
		}, { offsetof(struct memalloc_cache_create, out_handle) },
	}, {
		"resize", MEMALLOC_RESIZE, sizeof(struct memalloc_resize), 0, {
			FIELD(memalloc_resize, flags, FLAGS),
			FIELD(memalloc_resize, handle, HANDLE),
			FIELD(memalloc_resize, bytes, SIZE),
			FIELD(memalloc_resize, gfp, GFP),
			FIELD(memalloc_resize, reserved, FLAGS),
		}, {
			offsetof(struct memalloc_resize, handle),
			offsetof(struct memalloc_resize, out_bytes),
		},
	}, {
		"element", MEMALLOC_ALLOC, sizeof(struct memalloc_alloc), MEMALLOC_KIND_ELEMENT, {
			FIELD(memalloc_alloc, kind, KIND),
			FIELD(memalloc_alloc, flags, FLAGS),
			FIELD(memalloc_alloc, gfp, GFP),
			FIELD(memalloc_alloc, node, NODE),
			FIELD(memalloc_alloc, order, FLAGS),
			FIELD(memalloc_alloc, bytes, FLAGS),
			FIELD(memalloc_alloc, parent, HANDLE),
			FIELD(memalloc_alloc, count, FLAGS),
			FIELD(memalloc_alloc, reserved, FLAGS),
		}, LEARN_ALLOC,
	}, {
		"percpu", MEMALLOC_ALLOC, sizeof(struct memalloc_alloc), MEMALLOC_KIND_PERCPU, {
			FIELD(memalloc_alloc, kind, KIND),
			FIELD(memalloc_alloc, flags, FLAGS),
			FIELD(memalloc_alloc, gfp, GFP),
			FIELD(memalloc_alloc, node, NODE),
			FIELD(memalloc_alloc, order, FLAGS),
			FIELD(memalloc_alloc, bytes, SIZE),
			FIELD(memalloc_alloc, parent, FLAGS),
			FIELD(memalloc_alloc, count, FLAGS),
			FIELD(memalloc_alloc, align, ALIGN),
		}, LEARN_ALLOC,
	}, {
		"area", MEMALLOC_ALLOC, sizeof(struct memalloc_alloc), MEMALLOC_KIND_AREA, {
			FIELD(memalloc_alloc, kind, KIND),
			FIELD(memalloc_alloc, flags, FLAGS),
			FIELD(memalloc_alloc, gfp, GFP),
			FIELD(memalloc_alloc, node, NODE),
			FIELD(memalloc_alloc, order, FLAGS),
			FIELD(memalloc_alloc, bytes, SIZE),
			FIELD(memalloc_alloc, parent, FLAGS),
			FIELD(memalloc_alloc, count, FLAGS),
			FIELD(memalloc_alloc, align, FLAGS),
		}, LEARN_ALLOC,
	}, {
		"pool", MEMALLOC_MEMPOOL_CREATE, sizeof(struct memalloc_mempool_create), MEMALLOC_MEMPOOL_PAGES, {
			FIELD(memalloc_mempool_create, backend, KIND),
			FIELD(memalloc_mempool_create, flags, FLAGS),
			FIELD(memalloc_mempool_create, gfp, GFP),
			FIELD(memalloc_mempool_create, node, NODE),
			FIELD(memalloc_mempool_create, order, ORDER),
			FIELD(memalloc_mempool_create, bytes, FLAGS),
			FIELD(memalloc_mempool_create, parent, FLAGS),
			FIELD(memalloc_mempool_create, min_nr, SMALL),
			FIELD(memalloc_mempool_create, name, NAME),
		}, { offsetof(struct memalloc_mempool_create, out_handle) },
	}, {
		"poolbyte", MEMALLOC_MEMPOOL_CREATE, sizeof(struct memalloc_mempool_create), MEMALLOC_MEMPOOL_KMALLOC, {
			FIELD(memalloc_mempool_create, backend, KIND),
			FIELD(memalloc_mempool_create, flags, FLAGS),
			FIELD(memalloc_mempool_create, gfp, GFP),
			FIELD(memalloc_mempool_create, node, NODE),
			FIELD(memalloc_mempool_create, order, FLAGS),
			FIELD(memalloc_mempool_create, bytes, SIZE),
			FIELD(memalloc_mempool_create, parent, FLAGS),
			FIELD(memalloc_mempool_create, min_nr, SMALL),
			FIELD(memalloc_mempool_create, name, NAME),
		}, { offsetof(struct memalloc_mempool_create, out_handle) },
	}, {
		"poolobj", MEMALLOC_MEMPOOL_CREATE, sizeof(struct memalloc_mempool_create), MEMALLOC_MEMPOOL_CACHE, {
			FIELD(memalloc_mempool_create, backend, KIND),
			FIELD(memalloc_mempool_create, flags, FLAGS),
			FIELD(memalloc_mempool_create, gfp, GFP),
			FIELD(memalloc_mempool_create, node, NODE),
			FIELD(memalloc_mempool_create, order, FLAGS),
			FIELD(memalloc_mempool_create, bytes, FLAGS),
			FIELD(memalloc_mempool_create, parent, HANDLE),
			FIELD(memalloc_mempool_create, min_nr, SMALL),
			FIELD(memalloc_mempool_create, name, NAME),
		}, { offsetof(struct memalloc_mempool_create, out_handle) },
	}, {
		"repool", MEMALLOC_RESIZE, sizeof(struct memalloc_resize), 0, {
			FIELD(memalloc_resize, flags, FLAGS),
			FIELD(memalloc_resize, handle, HANDLE),
			FIELD(memalloc_resize, bytes, FLAGS),
			FIELD(memalloc_resize, gfp, GFP),
			FIELD(memalloc_resize, reserved, FLAGS),
			FIELD(memalloc_resize, min_nr, SMALL),
			FIELD(memalloc_resize, reserved2, FLAGS),
		}, {},
	}, {
		"free", MEMALLOC_FREE, sizeof(struct memalloc_free), 0, {
			FIELD(memalloc_free, flags, FLAGS),
			FIELD(memalloc_free, handle, HANDLE),
		},
	}, {
		"read", MEMALLOC_READ, sizeof(struct memalloc_io), 0, {
			FIELD(memalloc_io, flags, FLAGS),
			FIELD(memalloc_io, handle, HANDLE),
			FIELD(memalloc_io, offset, OFFSET),
			FIELD(memalloc_io, length, LENGTH),
			FIELD(memalloc_io, data, ADDRESS),
		},
	}, {
		"write", MEMALLOC_WRITE, sizeof(struct memalloc_io), 0, {
			FIELD(memalloc_io, flags, FLAGS),
			FIELD(memalloc_io, handle, HANDLE),
			FIELD(memalloc_io, offset, OFFSET),
			FIELD(memalloc_io, length, LENGTH),
			FIELD(memalloc_io, data, ADDRESS),
		},
	}, {
		"fill", MEMALLOC_FILL, sizeof(struct memalloc_pattern_io), 0, {
			FIELD(memalloc_pattern_io, flags, FLAGS),
			FIELD(memalloc_pattern_io, handle, HANDLE),
			FIELD(memalloc_pattern_io, offset, OFFSET),
			FIELD(memalloc_pattern_io, length, LENGTH),
			FIELD(memalloc_pattern_io, value, WORD),
			FIELD(memalloc_pattern_io, pattern, SMALL),
			FIELD(memalloc_pattern_io, reserved, FLAGS),
		},
	}, {
		"verify", MEMALLOC_VERIFY, sizeof(struct memalloc_pattern_io), 0, {
			FIELD(memalloc_pattern_io, flags, FLAGS),
			FIELD(memalloc_pattern_io, handle, HANDLE),
			FIELD(memalloc_pattern_io, offset, OFFSET),
			FIELD(memalloc_pattern_io, length, LENGTH),
			FIELD(memalloc_pattern_io, value, WORD),
			FIELD(memalloc_pattern_io, pattern, SMALL),
			FIELD(memalloc_pattern_io, reserved, FLAGS),
		},
	}, {
		"info", MEMALLOC_INFO, sizeof(struct memalloc_info), 0, {
			FIELD(memalloc_info, flags, SMALL),
			FIELD(memalloc_info, handle, HANDLE),
			FIELD(memalloc_info, offset, OFFSET),
		},
	}, {
		"stats", MEMALLOC_STATS, sizeof(struct memalloc_stats), 0, {
			FIELD(memalloc_stats, section, SMALL),
			FIELD(memalloc_stats, index, SMALL),
			FIELD(memalloc_stats, length, LENGTH),
			FIELD(memalloc_stats, data, ADDRESS),
			FIELD(memalloc_stats, handle, NO_HANDLE),
		},
	}, {
		"validate", MEMALLOC_VALIDATE, sizeof(struct memalloc_validate), 0, {
			FIELD(memalloc_validate, flags, FLAGS),
		},
	}, {
		"version", MEMALLOC_VERSION, sizeof(struct memalloc_version), 0, {
			FIELD(memalloc_version, flags, FLAGS),
		},
	}, {
		"shrink", MEMALLOC_SHRINK, sizeof(struct memalloc_shrink), 0, {
			FIELD(memalloc_shrink, flags, FLAGS),
			FIELD(memalloc_shrink, pages, SMALL),
			FIELD(memalloc_shrink, handle, NO_HANDLE),
		},
	}, {
		"inject", MEMALLOC_INJECT, sizeof(struct memalloc_inject), 0, {
			FIELD(memalloc_inject, flags, FLAGS),
			FIELD(memalloc_inject, nth, SMALL),
		},
	},
	{ .name = "batch", .act = act_batch },
	{ .name = "raw", .act = act_raw },
	{ .name = "open", .act = act_open },
	{ .name = "close", .act = act_close },
	{ .name = "map", .act = act_map },
	{ .name = "unmap", .act = act_unmap },
	{ .name = "protect", .act = act_protect },
	{ .name = "touch", .act = act_touch },
	{ .name = "splice", .act = act_splice },
	{ .name = "fork", .act = act_fork },
	{ .name = "look", .act = act_look },
	{ .name = "set", .act = act_set },
	{ .name = "fail", .act = act_fail },
};

const struct call *call_of(const struct record *record)
{
	return &calls[record->call % ARRAY_SIZE(calls)];
}

const char *call_name(const struct call *call)
{
	return call->name;
}

/* Returns the number of a call, or one past the last if there is none. */
unsigned int call_number(const char *name)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(calls) && strcmp(calls[i].name, name); i++)
		;
	return i;
}

/* --- field values --------------------------------------------------------- */

static struct slot *slot_of(struct draw draw)
{
	return &world_slots[draw.what % SLOTS];
}

static uint64_t draw_flags(struct draw draw)
{
	return draw.how < 240 ? 0 : 1ULL << draw.what % 64;
}

static uint64_t draw_gfp(struct draw draw)
{
	const unsigned int one = draw.how & 15, two = draw.how >> 4;

	return (draw.what & 7) | (one ? 8U << one : 0) | (two ? 8U << two : 0);
}

static uint64_t draw_node(struct draw draw)
{
	return draw.how < 192 ? (uint32_t)-1 : draw.how < 240 ? 0 : (uint32_t)(int8_t)draw.what;
}

static uint64_t draw_order(struct draw draw)
{
	if (draw.how < 160)
		return draw.what % 4;
	return draw.how < 255 ? draw.what % (MEMALLOC_MAX_ORDER + 2) : UINT32_MAX - draw.what;
}

static uint64_t draw_small(struct draw draw)
{
	switch (draw.how % 16) {
	case 13:
		return draw.what * 256U;
	case 14:
		return 1ULL << draw.what % 64;
	case 15:
		return -1ULL - draw.what;
	default:
		return draw.how < 200 ? draw.what % 8 : draw.what;
	}
}

/* Close to a size class; any size; or too large. */
static uint64_t draw_size(struct draw draw)
{
	switch (draw.how / 32) {
	case 0:
		return draw.what;
	case 1:
		return draw.what << 5;
	case 2:
		return (1ULL << draw.what % 23) + (draw.how & 1);
	case 3:
		return (1ULL << draw.what % 23) - (draw.how & 1);
	case 4:
		return (uint64_t)draw.what << 13;
	case 5:
		return (draw.what << 8) + draw.how;
	case 6:
		return 8 + draw.what % 16;
	default:
		return draw_small(draw);
	}
}

static uint64_t draw_align(struct draw draw)
{
	return draw.how < 128 ? 0 : draw.how < 240 ? 1U << draw.what % 14 : draw.what;
}

static uint64_t draw_cache_flags(struct draw draw)
{
	if (draw.how < 96)
		return 0;
	return draw.how < 240 ? (draw.how & 15) << 8 | draw.what : 1ULL << draw.what % 32;
}

/* Letters, rarely other bytes. */
static uint64_t draw_name(struct draw draw)
{
	return draw.how < 224 ? 'a' + draw.what % 26u : draw.what * 0x0100000001000001ULL;
}

static uint64_t draw_handle(struct draw draw, unsigned int *file)
{
	struct slot *slot = slot_of(draw);

	if (draw.how >= 248)
		return draw.what;
	if (file)
		*file = slot->file;
	return draw.how < 224 ? slot->handle : slot->handle ^ 1ULL << (draw.how + draw.what) % 64;
}

/* An offset in an allocation of @bytes. */
static uint64_t draw_within(struct draw draw, uint64_t bytes)
{
	switch (draw.how % 16) {
	case 0 ... 3:
		return 0;
	case 4:
		return draw.what;
	case 5:
		return draw.what << 8;
	case 6:
		return (uint64_t)draw.what << 12;
	case 7:
	case 8:
		return bytes;
	case 9:
		return bytes - draw.what;
	case 10:
		return bytes + draw.what;
	case 11:
		return bytes / 2 + draw.what;
	case 12:
		return -1ULL - draw.what;
	case 13:
		return 1ULL << draw.what % 64;
	default:
		return draw.what & ~7U;
	}
}

static uint64_t draw_address(struct draw draw, const struct thread *thread)
{
	const struct argument_area *area = &thread->area;
	const size_t page = getpagesize();

	switch (draw.how / 16) {
	case 8:
		return (uintptr_t)thread->window[draw.what % WINDOWS].start;
	case 9: /* partly read-only */
		return (uintptr_t)(area->view + 2 * page - draw.what);
	case 10: /* partly unmapped */
		return (uintptr_t)(area->view + 3 * page - draw.what);
	case 11:
		return (uintptr_t)(world_arena + ARENA_BYTES - draw.what);
	case 12:
		return (uintptr_t)world_threads[draw.what % THREADS].window[0].start;
	case 13: /* kernel or unmapped address */
		return -1ULL << draw.what % 64;
	case 14:
		return (uint64_t)draw.what << 56;
	case 15:
		return draw.what;
	default:
		return (uintptr_t)(world_arena + draw.what);
	}
}

static uint64_t draw_field(const struct thread *thread, const struct call *call,
			   const struct field *field, struct draw draw, uint64_t bytes,
			   unsigned int *file)
{
	switch (field->type) {
	case FLAGS:
		return draw_flags(draw);
	case KIND:
		return draw.how < 250 ? call->kind : draw.what;
	case GFP:
		return draw_gfp(draw);
	case NODE:
		return draw_node(draw);
	case ORDER:
		return draw_order(draw);
	case SIZE:
		return draw_size(draw);
	case ALIGN:
		return draw_align(draw);
	case CACHE_FLAGS:
		return draw_cache_flags(draw);
	case NAME:
		return draw_name(draw);
	case SMALL:
		return draw_small(draw);
	case WORD:
		return draw.what * 0x0101010101010101ULL;
	case HANDLE:
		return draw_handle(draw, file);
	case NO_HANDLE:
		return draw.how < 160 ? 0 : draw_handle(draw, file);
	case OFFSET:
	case LENGTH:
	case BYTES:
		return draw_within(draw, bytes);
	case ADDRESS:
		return draw_address(draw, thread);
	default:
		return 0;
	}
}

/*
 * Set the size that the caller claims to know, and the bytes behind the known
 * fields.
 */
static void put_size(uint8_t size, uint16_t known, struct argument *argument)
{
	uint32_t claim = known;

	if (size >= 200 && size < 216)
		claim = known + 8 * (size % 8 + 1);
	else if (size >= 216 && size < 224)
		claim = known - 4 * (size % 8 + 1);
	else if (size == 224)
		claim = 0;
	else if (size < 228 && size > 224)
		claim = size == 225 ? 4096 : size == 226 ? 4097 : UINT32_MAX;
	argument->length = claim < known || claim > 4096 ? known : claim;
	if (size >= 208 && size < 216)
		argument->bytes[argument->length - 1] = size;
	memcpy(argument->bytes, &claim, sizeof(claim));
}

static void make_argument(const struct thread *thread, const struct call *call,
			  const struct record *record, struct argument *argument)
{
	const bool insists = record->origin & 16;
	uint64_t value, bytes = 0;
	const struct field *field;
	unsigned int i;

	argument->file = record->origin >> 2;
	memset(argument->bytes, 0, sizeof(argument->bytes));
	for (i = 0; i < RECORD_FIELDS && call->field[i].type; i++) {
		field = &call->field[i];
		value = draw_field(thread, call, field, record->field[i], bytes,
				   insists ? NULL : &argument->file);
		if (field->type == HANDLE)
			bytes = slot_of(record->field[i])->bytes;
		else if (field->type == SIZE)
			bytes = value;
		memcpy(argument->bytes + field->offset, &value,
		       field->bytes < sizeof(value) ? field->bytes : sizeof(value));
	}
	put_size(record->size, call->size, argument);
}

/* Returns the place of the argument, most often a valid one. */
static void *put_argument(struct thread *thread, uint8_t place, const struct argument *argument)
{
	const size_t page = getpagesize(), near = 8 * (place & 15);
	size_t at = 0;

	if (place >= 192 && place < 208)
		at = 1;
	else if (place >= 208 && place < 224)
		at = 2 * page - near;
	else if (place >= 224 && place < 240)
		at = 3 * page - near;
	else if (place >= 240 && place < 248)
		at = 2 * page;
	else if (place == 248)
		return NULL;
	else if (place == 249)
		return (void *)-4096UL;
	else if (place == 250)
		return thread->window[0].start;
	memcpy(thread->area.alias + at, argument->bytes,
	       argument->length < 4 * page - at ? argument->length : 4 * page - at);
	return thread->area.view + at;
}

/* Publish a new allocation to other threads. */
static void learn(const struct call *call, const struct record *record,
		  const char *answer, unsigned int file)
{
	struct slot *slot = slot_of(record->field[RECORD_FIELDS - 1]);
	uint64_t value[3] = {};
	unsigned int i;

	if (!call->learn[0])
		return;
	for (i = 0; i < 3 && call->learn[i]; i++)
		memcpy(&value[i], answer + call->learn[i], sizeof(value[i]));
	slot->handle = value[0];
	slot->bytes = value[1];
	slot->map_offset = value[2];
	slot->file = file;
}

/* --- actions -------------------------------------------------------------- */

static void begin(struct thread *thread)
{
	thread->turn++;
}

/* Writing to the file is counted, too, and may fail itself. */
void call_stop_failing(struct thread *thread)
{
	if (!thread->failing)
		return;
	thread->failing = false;
	while (pwrite(thread->fail_nth, "0", 1, 0) < 0 && errno == EFAULT)
		;
}

void call_stop_failing_of(struct thread *thread)
{
	if (thread->failing)
		(void)!pwrite(thread->fail_nth, "0", 1, 0);
}

static void end(struct thread *thread)
{
	thread->turn++;
	call_stop_failing(thread);
}

static int command(struct thread *thread, unsigned int file, unsigned int cmd, void *argument)
{
	int err;

	begin(thread);
	err = ioctl(world_fd(file), cmd, argument);
	end(thread);
	return err;
}

static void run_command(struct thread *thread, const struct call *call, const struct record *record)
{
	struct argument argument;
	char *at;

	make_argument(thread, call, record, &argument);
	at = put_argument(thread, record->place, &argument);
	if (!command(thread, argument.file, call->cmd, at) &&
	    at >= thread->area.view && at < thread->area.view + 3 * getpagesize())
		learn(call, record, thread->area.alias + (at - thread->area.view), argument.file);
}

unsigned int call_run(struct thread *thread, const struct record *records,
		      unsigned int count, unsigned int at)
{
	const struct call *call = call_of(&records[at]);

	if (call->act)
		return call->act(thread, records, count, at);
	run_command(thread, call, &records[at]);
	return 1;
}

/* Run the following records in one batch, as far as they are commands. */
enum { BATCH_MAX = 16 };

struct batch_area {
	struct memalloc_batch batch;
	struct memalloc_batch_op op[BATCH_MAX];
	char bytes[BATCH_MAX][256];
};

static unsigned int act_batch(struct thread *thread, const struct record *records,
			      unsigned int count, unsigned int at)
{
	const struct record *record = &records[at];
	const unsigned int most = 1 + record->field[0].what % BATCH_MAX;
	struct batch_area *area = (struct batch_area *)thread->area.alias;
	struct batch_area *seen = (struct batch_area *)thread->area.view;
	struct argument argument;
	const struct call *call;
	unsigned int i, n;

	_Static_assert(sizeof(*area) <= 2 * 4096, "a batch fits into the argument area");
	memset(area, 0, sizeof(*area));
	for (n = 0; n < most && at + 1 + n < count; n++) {
		call = call_of(&records[at + 1 + n]);
		if (call->act && strcmp(call->name, "batch"))
			break;
		make_argument(thread, call, &records[at + 1 + n], &argument);
		memcpy(area->bytes[n], argument.bytes, sizeof(area->bytes[n]));
		area->op[n].cmd = call->act ? MEMALLOC_BATCH : call->cmd;
		area->op[n].arg = records[at + 1 + n].place < 248 ? (uintptr_t)seen->bytes[n] :
				  draw_address(record->field[4], thread);
	}
	area->batch = (struct memalloc_batch) {
		.size = sizeof(area->batch),
		.flags = record->field[1].how < 128 ? MEMALLOC_BATCH_KEEP_GOING :
			 draw_flags(record->field[1]),
		.count = record->field[0].how < 240 ? n : draw_small(record->field[0]),
		.op_size = record->field[2].how < 240 ? sizeof(area->op[0]) :
			   draw_small(record->field[2]),
		.ops = record->field[3].how < 240 ? (uintptr_t)seen->op :
		       draw_address(record->field[3], thread),
	};
	if (command(thread, record->origin >> 2, MEMALLOC_BATCH, &seen->batch))
		return n + 1;
	for (i = 0; i < n && i < area->batch.out_done; i++) {
		call = call_of(&records[at + 1 + i]);
		if (!call->act && !area->op[i].out_errno)
			learn(call, &records[at + 1 + i], area->bytes[i], record->origin >> 2);
	}
	return n + 1;
}

/* An unknown command, or one with the argument of another command. */
static unsigned int act_raw(struct thread *thread, const struct record *records,
			    unsigned int count, unsigned int at)
{
	const struct record *record = &records[at];
	const struct draw number = record->field[0], bit = record->field[1];
	unsigned int cmd = _IO(MEMALLOC_IOCTL_TYPE, number.what % 32);

	(void)count;
	if (number.how >= 128)
		cmd ^= 1U << bit.what % 32;
	command(thread, record->origin >> 2, cmd, thread->area.view + bit.how);
	return 1;
}

static unsigned int act_open(struct thread *thread, const struct record *records,
			     unsigned int count, unsigned int at)
{
	static const int flags[] = { O_RDWR, O_RDWR, O_RDONLY, O_WRONLY };
	const struct record *record = &records[at];

	(void)count;
	begin(thread);
	world_open(record->origin >> 2, flags[record->field[0].what % ARRAY_SIZE(flags)]);
	end(thread);
	return 1;
}

static unsigned int act_close(struct thread *thread, const struct record *records,
			      unsigned int count, unsigned int at)
{
	(void)count;
	begin(thread);
	world_close(records[at].origin >> 2);
	end(thread);
	return 1;
}

static struct window *window_of(struct thread *thread, struct draw draw)
{
	return &thread->window[draw.what % WINDOWS];
}

static uint64_t whole_pages(uint64_t bytes)
{
	const uint64_t page = getpagesize();

	bytes = (bytes + page - 1) & -page;
	return bytes && bytes <= WINDOW_BYTES ? bytes : page;
}

static unsigned int act_map(struct thread *thread, const struct record *records,
			    unsigned int count, unsigned int at)
{
	static const int protections[] = { PROT_READ | PROT_WRITE, PROT_READ, PROT_WRITE, PROT_NONE };
	const struct record *record = &records[at];
	struct window *window = window_of(thread, record->field[0]);
	struct slot *slot = slot_of(record->field[1]);
	const int protection = protections[record->field[2].how / 64];
	const int sharing = record->field[2].what < 240 ? MAP_SHARED : MAP_PRIVATE;
	const uint64_t length = record->field[3].how < 128 ? whole_pages(slot->bytes) :
				whole_pages(draw_within(record->field[3], slot->bytes));
	uint64_t offset = slot->map_offset;

	(void)count;
	if (record->field[4].how >= 192)
		offset += (int64_t)(int8_t)record->field[4].what * getpagesize();
	window->used = true;
	begin(thread);
	if (mmap(window->start, length, protection,
		 sharing | MAP_FIXED | (record->field[5].how >= 192 ? MAP_POPULATE : 0),
		 world_fd(record->origin & 16 ? record->origin >> 2 : (unsigned int)slot->file),
		 offset) != MAP_FAILED) {
		window->length = length;
		window->readable = protection & PROT_READ;
		window->writable = protection & PROT_WRITE;
	} else {
		/* The old mapping may be gone, or not. */
		window->readable = window->writable = false;
		window->length = WINDOW_BYTES;
	}
	end(thread);
	return 1;
}

static unsigned int act_unmap(struct thread *thread, const struct record *records,
			      unsigned int count, unsigned int at)
{
	const struct record *record = &records[at];
	struct window *window = window_of(thread, record->field[0]);
	uint64_t part = whole_pages(record->field[1].what << 12);

	(void)count;
	if (!window->length)
		return 1;
	begin(thread);
	if (record->field[1].how < 128) { /* the first pages, or all of them */
		part = WINDOW_BYTES;
		window->length = 0;
	}
	window->readable = window->writable = false;
	mmap(window->start, part, PROT_NONE,
	     MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	end(thread);
	return 1;
}

static unsigned int act_protect(struct thread *thread, const struct record *records,
				unsigned int count, unsigned int at)
{
	static const int protections[] = { PROT_READ | PROT_WRITE, PROT_READ, PROT_NONE,
					   PROT_READ | PROT_EXEC };
	const struct record *record = &records[at];
	struct window *window = window_of(thread, record->field[0]);
	const int protection = protections[record->field[1].what % ARRAY_SIZE(protections)];
	const uint64_t length = whole_pages(record->field[2].what << 12);

	(void)count;
	begin(thread);
	if (record->field[1].how < 96)
		madvise(window->start, length, MADV_DONTNEED);
	else if (record->field[1].how < 128)
		/* Exceeds the allocation, so the kernel must refuse. */
		mremap(window->start, length, WINDOW_BYTES, 0);
	else if (window->length && !mprotect(window->start, length, protection)) {
		window->readable &= !!(protection & PROT_READ);
		window->writable &= !!(protection & PROT_WRITE);
	}
	end(thread);
	return 1;
}

static void touch(const struct window *window, struct draw draw)
{
	volatile char *byte = window->start;
	size_t at = (draw.what << 12) % WINDOW_BYTES;

	for (at %= window->length; at < window->length; at += 8 * getpagesize()) {
		if (window->writable && draw.how < 128)
			byte[at] = draw.what;
		if (window->readable)
			(void)byte[at];
	}
}

static unsigned int act_touch(struct thread *thread, const struct record *records,
			      unsigned int count, unsigned int at)
{
	const struct record *record = &records[at];
	struct window *window = window_of(thread, record->field[0]);

	(void)count;
	begin(thread);
	if (window->length)
		touch(window, record->field[1]);
	end(thread);
	return 1;
}

/* Let a pipe reference the pages, or drop its references. */
static unsigned int act_splice(struct thread *thread, const struct record *records,
			       unsigned int count, unsigned int at)
{
	static char sink[THREADS][1 << 14];
	const struct record *record = &records[at];
	struct window *window = window_of(thread, record->field[0]);
	const struct iovec pages = {
		.iov_base = window->start,
		.iov_len = whole_pages((record->field[1].what % 16) << 12),
	};

	(void)count;
	begin(thread);
	if (record->field[1].how < 160)
		(void)!vmsplice(thread->pipe[1], &pages, 1, SPLICE_F_NONBLOCK);
	else
		(void)!read(thread->pipe[0], sink[thread->number], sizeof(sink[0]));
	end(thread);
	return 1;
}

/*
 * Fork a child with the same files and mappings, and kill it. A fork takes as
 * long as a hundred other calls, so few records cause one.
 */
static unsigned int act_fork(struct thread *thread, const struct record *records,
			     unsigned int count, unsigned int at)
{
	const struct record *record = &records[at];
	struct window *window = window_of(thread, record->field[0]);
	pid_t child;

	(void)count;
	if (record->field[3].how >= 8)
		return 1;
	begin(thread);
	child = fork();
	if (!child) {
		if (window->length)
			touch(window, record->field[1]);
		if (record->field[2].how < 128)
			world_close(record->origin >> 2);
		kill(getpid(), SIGKILL);
		_exit(0);
	}
	end(thread);
	if (child > 0)
		while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
			;
	return 1;
}

static unsigned int act_look(struct thread *thread, const struct record *records,
			     unsigned int count, unsigned int at)
{
	const struct draw draw = records[at].field[0];
	int fd = open("/proc/memalloc", O_RDONLY | O_CLOEXEC);
	char text[4096];

	(void)count;
	if (fd < 0)
		return 1;
	begin(thread);
	lseek(fd, draw.how < 192 ? 0 : draw.what, SEEK_SET);
	while (read(fd, text, 16 + draw.how * 16) > 0)
		;
	end(thread);
	close(fd);
	return 1;
}

static unsigned int act_set(struct thread *thread, const struct record *records,
			    unsigned int count, unsigned int at)
{
	static const char *const names[] = { "cap_mb", "quota_handles", "quota_file_mb",
					     "quota_device_mb" };
	const struct draw which = records[at].field[0], value = records[at].field[1];

	(void)count;
	begin(thread);
	world_set(names[which.what % ARRAY_SIZE(names)],
		  value.how < 160 ? value.what % 16 : value.how < 224 ? value.what :
		  UINT32_MAX - value.what);
	end(thread);
	return 1;
}

/* Fail the nth kernel allocation of the thread's next system call. */
static unsigned int act_fail(struct thread *thread, const struct record *records,
			     unsigned int count, unsigned int at)
{
	char text[16];

	(void)count;
	if (thread->fail_nth < 0)
		return 1;
	snprintf(text, sizeof(text), "%u", 1 + records[at].field[0].what % 40);
	pthread_mutex_lock(&thread->signalling);
	getppid(); /* deliver a pending signal */
	if (pwrite(thread->fail_nth, text, strlen(text), 0) > 0)
		thread->failing = true;
	pthread_mutex_unlock(&thread->signalling);
	return 1;
}
