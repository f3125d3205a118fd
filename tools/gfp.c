// SPDX-License-Identifier: GPL-2.0
/*
 * The names of MEMALLOC_GFP_*
 *
 * Which of them go together is for the kernel to say: to ask it with a
 * combination that does not is a thing to do with this tool. Only two modes
 * cannot be asked for, since they share bits.
 */
#include <stdlib.h>
#include <string.h>

#include <linux/memalloc.h>

#include "complaint.h"
#include "gfp.h"
#include "number.h"

struct gfp_name {
	const char *name;
	uint32_t bits;
};

static const struct gfp_name modes[] = {
	{ "kernel", MEMALLOC_GFP_KERNEL },
	{ "atomic", MEMALLOC_GFP_ATOMIC },
	{ "nowait", MEMALLOC_GFP_NOWAIT },
	{ "noio", MEMALLOC_GFP_NOIO },
	{ "nofs", MEMALLOC_GFP_NOFS },
	{ "user", MEMALLOC_GFP_USER },
	{ "highuser", MEMALLOC_GFP_HIGHUSER },
	{ NULL, 0 }
};

static const struct gfp_name modifiers[] = {
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

static const struct gfp_name *find(const struct gfp_name *names,
				   const char *name)
{
	for (; names->name; names++)
		if (!strcmp(names->name, name))
			return names;
	return NULL;
}

static bool parse_number(const char *word, uint32_t *gfp)
{
	uint64_t bits;

	if (number_parse(word, &bits) || bits > UINT32_MAX)
		return false;
	*gfp |= (uint32_t)bits;
	return true;
}

static bool parse_word(const char *word, const struct gfp_name **mode,
		       uint32_t *gfp)
{
	const struct gfp_name *name = find(modifiers, word);

	if (name) {
		*gfp |= name->bits;
		return true;
	}
	name = find(modes, word);
	if (!name) {
		if (parse_number(word, gfp))
			return true;
		complain("--gfp: there is no '%s'; --help lists what there is",
			 word);
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
	const struct gfp_name *mode = NULL;
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
		good = parse_word(word, &mode, gfp);
	free(copy);
	return good;
}
