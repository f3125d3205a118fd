// SPDX-License-Identifier: GPL-2.0
/*
 * Valid sequences to start with, as in typical use of the device
 */
#include <stdio.h>
#include <string.h>

#include "seeds.h"

/* For fields that are most often valid, zero bits mean a valid value. */
struct step {
	const char *call;
	uint8_t origin;
	struct draw field[RECORD_FIELDS];
};

/* Allocate a block of an order, and keep it in a slot. */
#define ALLOC(slot, order)	{ "alloc", 0, { [4] = { 0, order }, [9] = { 0, slot } } }
#define ALLOC_GFP(slot, order, mode, modifiers) \
	{ "alloc", 0, { [2] = { modifiers, mode }, [4] = { 0, order }, [9] = { 0, slot } } }
#define CACHE(slot, size, ...) \
	{ "cache", 0, { [1] = { 0, size }, [4] = WHOLE, [9] = { 0, slot }, __VA_ARGS__ } }
#define OBJECTS(slot, cache, count) \
	{ "objects", 0, { [6] = { 0, cache }, [7] = { 0, count }, [9] = { 0, slot } } }
#define KMALLOC(slot, how, size) \
	{ "kmalloc", 0, { [5] = { how, size }, [9] = { 0, slot } } }
#define RESIZE(slot, how, size) \
	{ "resize", 0, { [1] = { 0, slot }, [2] = { how, size }, [9] = { 0, slot } } }
#define ELEMENT(slot, pool, mode) \
	{ "element", 0, { [2] = { 0, mode }, [6] = { 0, pool }, [9] = { 0, slot } } }
#define POOL(slot, order, min_nr) \
	{ "pool", 0, { [4] = { 0, order }, [7] = { 0, min_nr }, [9] = { 0, slot } } }
#define PERCPU(slot, size) \
	{ "percpu", 0, { [5] = { 0, size }, [9] = { 0, slot } } }
#define AREA(slot, size) \
	{ "area", 0, { [5] = { 32, size }, [9] = { 0, slot } } }
#define FREE(slot)		{ "free", 0, { [1] = { 0, slot } } }
#define WHOLE			{ 7, 0 }
#define MAP(window, slot)	{ "map", 0, { { 0, window }, { 0, slot } } }
#define TOUCH(window)		{ "touch", 0, { { 0, window } } }
#define UNMAP(window)		{ "unmap", 0, { { 0, window } } }
#define FILL(slot, value) \
	{ "fill", 0, { [1] = { 0, slot }, [3] = WHOLE, [4] = { 0, value }, [5] = { 0, 1 } } }
#define VERIFY(slot, value) \
	{ "verify", 0, { [1] = { 0, slot }, [3] = WHOLE, [4] = { 0, value }, [5] = { 0, 1 } } }

static const struct step alloc_free[] = {
	ALLOC(0, 0), ALLOC(1, 3), FREE(0), FREE(1), { "validate", 0, {} },
};

static const struct step content[] = {
	ALLOC(0, 2), FILL(0, 7), VERIFY(0, 7),
	{ "write", 0, { [1] = { 0, 0 }, [3] = WHOLE } },
	{ "read", 0, { [1] = { 0, 0 }, [3] = WHOLE } },
	VERIFY(0, 7), { "info", 0, { [1] = { 0, 0 } } }, FREE(0),
};

static const struct step mapping[] = {
	ALLOC(0, 1), MAP(0, 0), TOUCH(0), FREE(0), TOUCH(0),
	{ "splice", 0, { { 0, 0 }, { 0, 1 } } }, UNMAP(0), { "close", 0, {} },
};

static const struct step look[] = {
	ALLOC(0, 0),
	{ "stats", 0, { { 0, 1 }, { 0, 0 }, { 4, 96 } } },
	{ "stats", 0, { { 0, 2 }, { 0, 0 }, { 5, 4 } } },
	{ "stats", 0, { { 0, 3 }, { 0, 0 }, { 4, 48 } } },
	{ "stats", 0, { { 0, 4 }, { 0, 0 }, { 4, 48 } } },
	{ "look", 0, { { 255, 0 } } }, { "validate", 0, {} }, { "shrink", 0, {} },
};

static const struct step batch[] = {
	{ "batch", 0, { { 0, 5 } } }, ALLOC(0, 0), ALLOC(1, 1), FILL(0, 1), FREE(0), FREE(1),
	{ "shrink", 0, {} },
};

static const struct step behaviour[] = {
	ALLOC_GFP(0, 0, 1, 0), ALLOC_GFP(1, 3, 2, 2), ALLOC_GFP(2, 1, 3, 3),
	ALLOC_GFP(3, 0, 4, 4), ALLOC_GFP(4, 2, 5, 1), ALLOC_GFP(5, 0, 6, 10),
	ALLOC_GFP(6, 0, 0, 8), ALLOC_GFP(7, 0, 0, 9), ALLOC_GFP(8, 0, 0, 6),
	{ "shrink", 0, {} },
};

static const struct step failures[] = {
	{ "inject", 0, { [1] = { 0, 1 } } }, ALLOC(0, 0),
	{ "inject", 0, { [1] = { 0, 2 } } }, ALLOC(0, 0),
	{ "fail", 0, { { 0, 0 } } }, ALLOC(0, 0), { "fail", 0, { { 0, 1 } } }, ALLOC(0, 9),
	{ "set", 0, { { 0, 1 }, { 0, 1 } } }, ALLOC(1, 0), ALLOC(2, 0),
};

static const struct step limits[] = {
	{ "set", 0, { { 0, 0 }, { 0, 5 } } },
	{ "alloc", 0, { [4] = { 160, 10 }, [9] = { 0, 0 } } },
	{ "alloc", 0, { [4] = { 160, 10 }, [9] = { 0, 1 } } },
	{ "alloc", 0, { [4] = { 160, 9 }, [9] = { 0, 2 } } },
	ALLOC_GFP(3, 0, 0, 6), FREE(0), { "shrink", 0, {} },
	{ "set", 0, { { 0, 2 }, { 0, 1 } } }, { "alloc", 0, { [4] = { 160, 9 } } },
};

static const struct step objects[] = {
	CACHE(0, 100), OBJECTS(1, 0, 1), OBJECTS(2, 0, 7), FILL(2, 3), FREE(0), FREE(1),
	{ "write", 0, { [1] = { 0, 2 }, [3] = WHOLE } },
	{ "read", 0, { [1] = { 0, 2 }, [3] = WHOLE } },
	{ "info", 0, { [1] = { 0, 2 } } }, { "validate", 0, {} },
	{ "stats", 0, { { 0, 5 }, { 0, 0 }, { 4, 200 }, { 0, 0 }, { 192, 0 } } },
	FREE(2), { "shrink", 0, { [2] = { 192, 0 } } }, FREE(0),
};

/* Caches with flags, alignment, a constructor, and a usercopy region. */
static const struct step caches[] = {
	CACHE(0, 40, [0] = { 96, 1 }), CACHE(1, 200, [0] = { 96, 8 }, [5] = { 0, 1 }),
	CACHE(2, 24, [0] = { 99, 192 }), CACHE(3, 64, [2] = { 128, 8 }, [5] = { 0, 2 }),
	CACHE(4, 16, [0] = { 96, 2 }), CACHE(5, 16, [0] = { 96, 4 }),
	{ "cache", 0, { [1] = { 0, 90 }, [3] = { 4, 8 }, [4] = { 4, 8 }, [9] = { 0, 6 } } },
	{ "cache", 0, { [1] = { 128, 9 } } },
	CACHE(7, 56, [0] = { 108, 0 }), OBJECTS(15, 7, 3), FREE(15), OBJECTS(15, 7, 2),
	OBJECTS(8, 0, 1), OBJECTS(9, 1, 5), OBJECTS(10, 2, 6), OBJECTS(11, 3, 4),
	OBJECTS(12, 4, 1), OBJECTS(13, 5, 3), OBJECTS(14, 6, 2), FREE(9), OBJECTS(9, 1, 7),
	{ "look", 0, { { 255, 0 } } }, { "validate", 0, {} },
	{ "read", 0, { [1] = { 0, 14 }, [2] = { 4, 8 }, [3] = { 4, 8 } } },
	{ "read", 0, { [1] = { 0, 14 }, [3] = WHOLE } }, { "close", 0, {} },
};

static const struct step bytes[] = {
	KMALLOC(0, 0, 0), KMALLOC(1, 0, 33), KMALLOC(2, 64, 13), KMALLOC(3, 65, 13),
	KMALLOC(4, 64, 22), FILL(1, 5), FILL(2, 5), RESIZE(0, 0, 8), RESIZE(1, 0, 40),
	RESIZE(1, 0, 200), RESIZE(2, 64, 16), RESIZE(2, 64, 15), RESIZE(2, 0, 0),
	VERIFY(1, 5), { "info", 0, { [1] = { 0, 3 } } },
	{ "stats", 0, { { 0, 6 }, { 0, 3 }, { 4, 96 } } },
	FREE(0), FREE(1), FREE(2), FREE(3), FREE(4), { "shrink", 0, {} },
};

static const struct step batch_of_objects[] = {
	CACHE(0, 48), { "batch", 0, { { 0, 8 } } }, OBJECTS(1, 0, 5), OBJECTS(2, 0, 0),
	KMALLOC(3, 32, 8), FILL(1, 1), RESIZE(3, 32, 60), CACHE(4, 8), VERIFY(1, 1), FREE(2),
	{ "inject", 0, { [1] = { 0, 3 } } }, OBJECTS(5, 0, 7), { "fail", 0, { { 0, 1 } } },
	KMALLOC(6, 64, 12), { "fail", 0, { { 0, 2 } } }, CACHE(7, 80), { "fail", 0, { { 0, 0 } } },
	RESIZE(3, 64, 14),
};

/*
 * An allocation from an empty pool waits until a signal interrupts it, or
 * fails.
 */
static const struct step pools[] = {
	POOL(0, 1, 2), ELEMENT(1, 0, 0), ELEMENT(2, 0, 0), ELEMENT(3, 0, 2), FILL(1, 4),
	{ "repool", 0, { [1] = { 0, 0 }, [5] = { 0, 5 } } }, FREE(0), VERIFY(1, 4),
	{ "poolbyte", 0, { [5] = { 0, 99 }, [7] = { 0, 3 }, [9] = { 0, 4 } } },
	ELEMENT(5, 4, 0), { "repool", 0, { [1] = { 0, 4 }, [5] = { 0, 1 } } },
	CACHE(6, 60), { "poolobj", 0, { [6] = { 0, 6 }, [7] = { 0, 4 }, [9] = { 0, 7 } } },
	ELEMENT(8, 7, 1), FREE(6), FREE(8), FREE(7), FREE(6), FREE(1), FREE(2), FREE(0),
	{ "stats", 0, { { 0, 7 }, { 0, 0 }, { 4, 112 } } },
	{ "element", 0, { [1] = { 240, 0 }, [6] = { 0, 4 }, [9] = { 0, 1 } } },
	{ "look", 0, { { 255, 0 } } }, { "validate", 0, {} },
};

static const struct step percpu[] = {
	PERCPU(0, 8), PERCPU(1, 100), FILL(0, 1), FILL(1, 2), VERIFY(0, 1),
	{ "percpu", 0, { [5] = { 64, 12 }, [8] = { 128, 6 }, [9] = { 0, 2 } } },
	{ "read", 0, { [1] = { 0, 1 }, [3] = WHOLE } },
	{ "write", 0, { [1] = { 0, 2 }, [3] = WHOLE } }, { "info", 0, { [1] = { 0, 1 } } },
	FREE(0), PERCPU(0, 8), VERIFY(0, 1), FREE(1), { "shrink", 0, {} },
	{ "stats", 0, { { 0, 0 }, { 0, 0 }, { 4, 120 } } },
	{ "percpu", 0, { [2] = { 0, 1 }, [5] = { 0, 16 }, [9] = { 0, 3 } } },
	{ "validate", 0, {} },
};

static const struct step areas[] = {
	AREA(0, 255), AREA(1, 1), FILL(0, 9), MAP(0, 0), TOUCH(0), VERIFY(1, 0),
	{ "splice", 0, { { 0, 0 }, { 0, 1 } } }, FREE(0), TOUCH(0), UNMAP(0), FREE(1),
	{ "area", 0, { [2] = { 0, 1 }, [5] = { 32, 255 }, [9] = { 0, 2 } } },
	{ "read", 0, { [1] = { 0, 2 }, [3] = WHOLE } }, { "info", 0, { [1] = { 0, 2 } } },
	{ "look", 0, { { 255, 0 } } }, { "validate", 0, {} }, { "shrink", 0, {} },
	{ "close", 0, {} },
};

static const struct step race_of_pools[] = {
	POOL(0, 0, 1), ELEMENT(1, 0, 0), AREA(2, 200), MAP(0, 2), PERCPU(3, 64),
	{ "element", 1, { [6] = { 0, 0 }, [9] = { 0, 4 } } },
	{ "free", 1, { [1] = { 0, 1 } } }, { "repool", 1, { [1] = { 0, 0 }, [5] = { 0, 3 } } },
	{ "free", 1, { [1] = { 0, 2 } } }, { "free", 1, { [1] = { 0, 3 } } },
	{ "free", 1, { [1] = { 0, 0 } } }, TOUCH(0), FILL(3, 1), ELEMENT(5, 0, 0), FREE(2),
	{ "close", 0, {} },
};

/* The second thread frees objects and the cache that the first one uses. */
static const struct step race_of_objects[] = {
	CACHE(0, 72), OBJECTS(1, 0, 3), KMALLOC(2, 0, 50), FILL(1, 1), RESIZE(2, 64, 12),
	{ "objects", 1, { [6] = { 0, 0 }, [9] = { 0, 1 } } },
	{ "free", 1, { [1] = { 0, 1 } } }, { "free", 1, { [1] = { 0, 0 } } },
	{ "resize", 1, { [1] = { 0, 2 }, [2] = { 64, 15 }, [9] = { 0, 2 } } },
	{ "free", 1, { [1] = { 0, 2 } } }, OBJECTS(3, 0, 2), FREE(1), FREE(0), VERIFY(2, 1),
	{ "close", 0, {} },
};

/* "origin" selects the second thread with a second file. */
static const struct step race[] = {
	ALLOC(0, 1), MAP(0, 0),
	{ "map", 1, { { 0, 0 }, { 0, 0 } } }, { "touch", 1, { { 0, 0 } } },
	{ "free", 1, { [1] = { 0, 0 } } }, { "alloc", 1, { [4] = { 0, 1 }, [9] = { 0, 0 } } },
	TOUCH(0), FREE(0), UNMAP(0), { "close", 0, {} },
	{ "alloc", 5, { [4] = { 0, 1 }, [9] = { 0, 1 } } }, { "close", 5, {} },
	{ "open", 5, {} }, { "alloc", 5, { [4] = { 0, 1 }, [9] = { 0, 1 } } },
};

static const struct step family[] = {
	ALLOC(0, 0), MAP(0, 0), { "fork", 0, { { 0, 0 } } }, TOUCH(0),
	{ "protect", 0, { { 0, 0 }, { 128, 1 }, { 0, 1 } } },
	{ "raw", 0, { { 128, 0 }, { 0, 31 } } }, { "info", 8, { [1] = { 0, 0 } } },
};

#define SEED(name) { #name, name, sizeof(name) / sizeof(name[0]) }

static const struct seed {
	const char *name;
	const struct step *step;
	unsigned int count;
} seeds[] = {
	SEED(alloc_free), SEED(content), SEED(mapping), SEED(look), SEED(batch),
	SEED(behaviour), SEED(failures), SEED(limits), SEED(race), SEED(family),
	SEED(objects), SEED(caches), SEED(bytes), SEED(batch_of_objects), SEED(race_of_objects),
	SEED(pools), SEED(percpu), SEED(areas), SEED(race_of_pools),
};

static int seed_write(const char *directory, const struct seed *seed)
{
	struct record record;
	char path[4096];
	unsigned int i;
	FILE *file;

	snprintf(path, sizeof(path), "%s/seed-%s", directory, seed->name);
	file = fopen(path, "we");
	if (!file)
		return -1;
	for (i = 0; i < seed->count; i++) {
		memset(&record, 0, sizeof(record));
		record.call = call_number(seed->step[i].call);
		record.origin = seed->step[i].origin;
		memcpy(record.field, seed->step[i].field, sizeof(record.field));
		fwrite(&record, sizeof(record), 1, file);
	}
	return fclose(file);
}

int seeds_write(const char *directory)
{
	unsigned int i;

	for (i = 0; i < sizeof(seeds) / sizeof(seeds[0]); i++)
		if (seed_write(directory, &seeds[i]))
			return -1;
	return 0;
}
