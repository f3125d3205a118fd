// SPDX-License-Identifier: GPL-2.0
/*
 * The short names of allocations
 *
 * The C library's balanced tree holds them, so that tens of thousands are no
 * burden. Order is that of strverscmp(3): $2 comes before $10.
 */
#include <ctype.h>
#include <errno.h>
#include <fnmatch.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "names.h"

static int compare(const void *a, const void *b)
{
	const struct allocation *left = a, *right = b;

	return strverscmp(left->name, right->name);
}

static void destroy(void *node)
{
	struct allocation *allocation = node;

	free(allocation->name);
	free(allocation);
}

void names_destroy(struct names *names)
{
	tdestroy(names->tree, destroy);
	names->tree = NULL;
}

bool names_valid(const char *name)
{
	const unsigned char *c = (const unsigned char *)name;

	if (!isalpha(*c) && *c != '_')
		return false;
	while (*++c)
		if (!isalnum(*c) && !strchr("_.-", *c))
			return false;
	return true;
}

static char *name_of(struct names *names, const char *name)
{
	char *made;

	if (name)
		return strdup(name);
	if (asprintf(&made, "$%lu", names->next + 1) < 0)
		return NULL;
	names->next++;
	return made;
}

static struct allocation *insert(struct names *names,
				 struct allocation *allocation)
{
	struct allocation **node = tsearch(allocation, &names->tree, compare);

	if (!node)
		errno = ENOMEM;
	else if (*node != allocation)
		errno = EEXIST;
	else
		return allocation;
	return NULL;
}

const struct allocation *names_add(struct names *names, const char *name,
				   uint64_t handle)
{
	struct allocation *allocation = calloc(1, sizeof(*allocation));
	int saved;

	if (!allocation)
		return NULL;
	allocation->handle = handle;
	allocation->name = name_of(names, name);
	if (allocation->name && insert(names, allocation))
		return allocation;
	saved = errno;
	destroy(allocation);
	errno = saved;
	return NULL;
}

const struct allocation *names_find(const struct names *names, const char *name)
{
	struct allocation key = { .name = (char *)name };
	struct allocation **node = tfind(&key, &names->tree, compare);

	return node ? *node : NULL;
}

/**
 * struct search - the state of a walk
 * @handle: what to find
 * @found: where it is, or NULL
 */
struct search {
	uint64_t handle;
	struct allocation *found;
};

static void search_one(const void *node, VISIT visit, void *data)
{
	struct allocation *allocation = *(struct allocation *const *)node;
	struct search *search = data;

	if ((visit == postorder || visit == leaf) &&
	    allocation->handle == search->handle)
		search->found = allocation;
}

void names_remove(struct names *names, const char *likely, uint64_t handle)
{
	struct search search = { .handle = handle };

	search.found = (struct allocation *)names_find(names, likely);
	if (!search.found || search.found->handle != handle) {
		search.found = NULL;
		twalk_r(names->tree, search_one, &search);
	}
	if (!search.found)
		return;
	tdelete(search.found, &names->tree, compare);
	destroy(search.found);
}

/**
 * struct match - the state of a walk
 * @pattern: what names must match
 * @found: where those that do go, or NULL to count them only
 * @count: how many did
 */
struct match {
	const char *pattern;
	const struct allocation **found;
	size_t count;
};

static void match_one(const void *node, VISIT visit, void *data)
{
	const struct allocation *allocation =
		*(const struct allocation *const *)node;
	struct match *match = data;

	if (visit != postorder && visit != leaf)
		return;
	if (fnmatch(match->pattern, allocation->name, 0))
		return;
	if (match->found)
		match->found[match->count] = allocation;
	match->count++;
}

const struct allocation **names_match(const struct names *names,
				      const char *pattern, size_t *count)
{
	struct match match = { .pattern = pattern };

	twalk_r(names->tree, match_one, &match);
	*count = match.count;
	if (!match.count)
		return NULL;
	match.found = calloc(match.count, sizeof(*match.found));
	match.count = 0;
	if (match.found)
		twalk_r(names->tree, match_one, &match);
	return match.found;
}
