// SPDX-License-Identifier: GPL-2.0
/*
 * Valid sequences to begin with: what people do with the device
 */
#include <stdio.h>
#include <string.h>

#include "seeds.h"

/* A field that is most often valid is so with all bits zero. */
struct step {
	const char *verb;
	uint8_t who;
	struct draw field[RECORD_FIELDS];
};

/* An allocation of an order, kept as a slot; what is allocated in a slot. */
#define ALLOC(slot, order)	{ "alloc", 0, { [4] = { 0, order }, [9] = { 0, slot } } }
#define ALLOC_GFP(slot, order, mode, modifiers) \
	{ "alloc", 0, { [2] = { modifiers, mode }, [4] = { 0, order }, [9] = { 0, slot } } }
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

/* Two threads: the second, with a second file, is told by "who". */
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
		record.verb = verb_number(seed->step[i].verb);
		record.who = seed->step[i].who;
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
