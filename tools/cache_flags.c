// SPDX-License-Identifier: GPL-2.0
/*
 * The flags and constructors of slab caches, by name
 */
#include <stdlib.h>
#include <string.h>

#include <linux/memalloc.h>

#include "cache_flags.h"
#include "complaint.h"

static const struct cache_flag {
	const char *name;
	uint32_t bit;
} names[] = {
	{ "hwcache_align", MEMALLOC_CACHE_HWCACHE_ALIGN },
	{ "dma", MEMALLOC_CACHE_DMA },
	{ "dma32", MEMALLOC_CACHE_DMA32 },
	{ "typesafe_by_rcu", MEMALLOC_CACHE_TYPESAFE_BY_RCU },
	{ "reclaim_account", MEMALLOC_CACHE_RECLAIM_ACCOUNT },
	{ "no_reap", MEMALLOC_CACHE_NO_REAP },
	{ "red_zone", MEMALLOC_CACHE_RED_ZONE },
	{ "poison", MEMALLOC_CACHE_POISON },
	{ "store_user", MEMALLOC_CACHE_STORE_USER },
	{ "checks", MEMALLOC_CACHE_CHECKS },
	{ "quarantine", MEMALLOC_CACHE_QUARANTINE },
	{ "guard", MEMALLOC_CACHE_GUARD },
	{ NULL, 0 }
};

static const char *const ctors[] = {
	[MEMALLOC_CTOR_NONE] = "none",
	[MEMALLOC_CTOR_ZERO] = "zero",
	[MEMALLOC_CTOR_COUNT] = "count",
};

static bool parse_word(const char *word, uint32_t *flags)
{
	const struct cache_flag *flag;

	for (flag = names; flag->name; flag++) {
		if (!strcmp(flag->name, word)) {
			*flags |= flag->bit;
			return true;
		}
	}
	complain("--flags: there is no '%s'; --help lists what there is", word);
	return false;
}

bool cache_flags_parse(const char *text, uint32_t *flags)
{
	char *copy = strdup(text), *rest = copy, *word;
	bool good = true;

	if (!copy) {
		complain("out of memory");
		return false;
	}
	*flags = 0;
	while (good && (word = strsep(&rest, ",")))
		good = parse_word(word, flags);
	free(copy);
	return good;
}

void cache_flags_print(uint64_t flags, FILE *file)
{
	const struct cache_flag *flag;
	const char *between = "";

	for (flag = names; flag->name; flag++) {
		if (!(flags & flag->bit))
			continue;
		fprintf(file, "%s%s", between, flag->name);
		between = ",";
	}
	if (!*between)
		fputc('-', file);
}

bool cache_ctor_parse(const char *text, uint32_t *ctor)
{
	uint32_t i;

	for (i = 0; i < sizeof(ctors) / sizeof(*ctors); i++) {
		if (!strcmp(ctors[i], text)) {
			*ctor = i;
			return true;
		}
	}
	complain("--ctor: '%s' is none of none, zero, count", text);
	return false;
}
