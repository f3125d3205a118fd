// SPDX-License-Identifier: GPL-2.0
/*
 * Numbers, sizes and flags: from text, and back
 *
 * strtoull(3) accepts blanks, signs, a leading zero for octal, and ignores what
 * follows the number. All of these are errors here.
 *
 * The kernel decides which GFP flags can be combined; users of this tool may
 * want to try invalid combinations. Only two modes cannot be combined, as modes
 * share bits.
 */
#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/memalloc.h>

#include "errors.h"
#include "parse.h"

static const char *parse_digits(const char *text, uint64_t *value, char **end)
{
	bool hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
	const char *digits = hex ? text + 2 : text;
	unsigned long long number;

	if (!*text)
		return "is empty, but a number is needed";
	if (*text == '-' && isdigit((unsigned char)text[1]))
		return "is negative";
	if (hex ? !isxdigit((unsigned char)*digits) :
		  !isdigit((unsigned char)*digits))
		return "is not a number";
	errno = 0;
	number = strtoull(digits, end, hex ? 16 : 10);
	if (errno == ERANGE)
		return "is too large for 64 bits";
	*value = number;
	return NULL;
}

const char *number_parse(const char *text, uint64_t *value)
{
	const char *wrong;
	char *end;

	wrong = parse_digits(text, value, &end);
	if (wrong)
		return wrong;
	return *end ? "is not a number" : NULL;
}

const char *number_parse_size(const char *text, uint64_t *value)
{
	static const char suffixes[] = "KMG";
	const char *suffix, *wrong;
	unsigned int shift;
	char *end;

	wrong = parse_digits(text, value, &end);
	if (wrong || !*end)
		return wrong;
	suffix = strchr(suffixes, toupper((unsigned char)*end));
	if (!suffix || end[1])
		return "is not a size: give a number, optionally with K, M or G";
	shift = 10 * (unsigned int)(suffix - suffixes + 1);
	if (*value > UINT64_MAX >> shift)
		return "is too large for 64 bits";
	*value <<= shift;
	return NULL;
}

/**
 * struct flag_name - a flag and its name
 * @name: the name; NULL ends a list
 * @bits: the flag
 */
struct flag_name {
	const char *name;
	uint32_t bits;
};

static const struct flag_name gfp_modes[] = {
	{ "kernel", MEMALLOC_GFP_KERNEL },
	{ "atomic", MEMALLOC_GFP_ATOMIC },
	{ "nowait", MEMALLOC_GFP_NOWAIT },
	{ "noio", MEMALLOC_GFP_NOIO },
	{ "nofs", MEMALLOC_GFP_NOFS },
	{ "user", MEMALLOC_GFP_USER },
	{ "highuser", MEMALLOC_GFP_HIGHUSER },
	{ NULL, 0 }
};

static const struct flag_name gfp_modifiers[] = {
	{ "zero", MEMALLOC_GFP_ZERO },
	{ "nowarn", MEMALLOC_GFP_NOWARN },
	{ "noretry", MEMALLOC_GFP_NORETRY },
	{ "retry_mayfail", MEMALLOC_GFP_RETRY_MAYFAIL },
	{ "nofail", MEMALLOC_GFP_NOFAIL },
	{ "cold", MEMALLOC_GFP_COLD },
	{ "dma", MEMALLOC_GFP_DMA },
	{ "dma32", MEMALLOC_GFP_DMA32 },
	{ "highmem", MEMALLOC_GFP_HIGHMEM },
	{ "high", MEMALLOC_GFP_HIGH },
	{ "thisnode", MEMALLOC_GFP_THISNODE },
	{ NULL, 0 }
};

static const struct flag_name *find_flag(const struct flag_name *names,
					 const char *name)
{
	for (; names->name; names++)
		if (!strcmp(names->name, name))
			return names;
	return NULL;
}

static bool parse_gfp_number(const char *word, uint32_t *gfp)
{
	uint64_t bits;

	if (number_parse(word, &bits) || bits > UINT32_MAX)
		return false;
	*gfp |= (uint32_t)bits;
	return true;
}

static bool parse_gfp_word(const char *word, const struct flag_name **mode,
			   uint32_t *gfp)
{
	const struct flag_name *name = find_flag(gfp_modifiers, word);

	if (name) {
		*gfp |= name->bits;
		return true;
	}
	name = find_flag(gfp_modes, word);
	if (!name) {
		if (parse_gfp_number(word, gfp))
			return true;
		complain("--gfp: unknown name '%s'; see --help", word);
		return false;
	}
	if (*mode && *mode != name) {
		complain("--gfp: '%s' and '%s' are both modes; give only one",
			 (*mode)->name, word);
		return false;
	}
	*mode = name;
	*gfp |= name->bits;
	return true;
}

bool gfp_parse(const char *text, uint32_t *gfp)
{
	const struct flag_name *mode = NULL;
	char *copy, *rest, *word;
	bool good = true;

	copy = strdup(text);
	if (!copy) {
		complain("out of memory");
		return false;
	}
	*gfp = 0;
	rest = copy;
	while (good && (word = strsep(&rest, ",")))
		good = parse_gfp_word(word, &mode, gfp);
	free(copy);
	return good;
}

static const struct flag_name cache_flags[] = {
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

static const char *const constructors[] = {
	[MEMALLOC_CTOR_NONE] = "none",
	[MEMALLOC_CTOR_ZERO] = "zero",
	[MEMALLOC_CTOR_COUNT] = "count",
};

static bool parse_cache_flag(const char *word, uint32_t *flags)
{
	const struct flag_name *flag = find_flag(cache_flags, word);

	if (flag)
		*flags |= flag->bits;
	else
		complain("--flags: unknown flag '%s'; see --help", word);
	return flag;
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
		good = parse_cache_flag(word, flags);
	free(copy);
	return good;
}

const char *cache_flags_format(uint64_t flags, char text[CACHE_FLAGS_MAX])
{
	const struct flag_name *flag;
	size_t used = 0;

	strcpy(text, "-");
	for (flag = cache_flags; flag->name && used < CACHE_FLAGS_MAX; flag++)
		if (flags & flag->bits)
			used += (size_t)snprintf(text + used,
						 CACHE_FLAGS_MAX - used, "%s%s",
						 used ? "," : "", flag->name);
	return text;
}

bool cache_ctor_parse(const char *text, uint32_t *ctor)
{
	uint32_t i;

	for (i = 0; i < sizeof(constructors) / sizeof(*constructors); i++) {
		if (!strcmp(constructors[i], text)) {
			*ctor = i;
			return true;
		}
	}
	complain("--ctor: unknown constructor '%s'; use none, zero or count",
		 text);
	return false;
}
