// SPDX-License-Identifier: GPL-2.0
/*
 * How the user says which allocation is meant
 *
 * A reference has a copy of the name and of the handle: the command that it is
 * for may remove the name while it goes through the list.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "complaint.h"
#include "number.h"
#include "reference.h"

static bool append(struct references *references, const char *name,
		   uint64_t handle)
{
	struct reference *list;

	list = reallocarray(references->list, references->count + 1,
			    sizeof(*list));
	if (!list) {
		complain("out of memory");
		return false;
	}
	references->list = list;
	list[references->count].handle = handle;
	list[references->count].name = strdup(name);
	if (!list[references->count].name) {
		complain("out of memory");
		return false;
	}
	references->count++;
	return true;
}

static bool find_number(const char *word, struct references *references)
{
	const char *wrong;
	uint64_t handle;

	wrong = number_parse(word, &handle);
	if (wrong) {
		complain("'%s' %s", word, wrong);
		advise("A handle is a name, $1 or the like, or a number.");
		return false;
	}
	return append(references, word, handle);
}

static bool find_pattern(const struct session *session, const char *word,
			 struct references *references)
{
	const struct allocation **found;
	bool good = true;
	size_t count, i;

	found = names_match(&session->names, word, &count);
	if (!found) {
		complain(count ? "out of memory" :
				 "no allocation has a name like '%s'", word);
		return false;
	}
	for (i = 0; good && i < count; i++)
		good = append(references, found[i]->name, found[i]->handle);
	free(found);
	return good;
}

static bool find_name(const struct session *session, const char *word,
		      struct references *references)
{
	const struct allocation *found = names_find(&session->names, word);

	if (!found && *word == '$')
		found = names_find(&session->names, word + 1);
	if (found)
		return append(references, found->name, found->handle);
	complain("no allocation is called '%s'", word);
	advise("\"list\" shows those there are.");
	return false;
}

static bool find_word(const struct session *session, const char *word,
		      struct references *references)
{
	if (strpbrk(word, "*?["))
		return find_pattern(session, word, references);
	if (isdigit((unsigned char)*word) || *word == '-')
		return find_number(word, references);
	return find_name(session, word, references);
}

bool references_find(const struct session *session, char **words, size_t count,
		     struct references *references)
{
	size_t i;

	references->list = NULL;
	references->count = 0;
	for (i = 0; i < count; i++) {
		if (!find_word(session, words[i], references)) {
			references_free(references);
			return false;
		}
	}
	return true;
}

bool reference_find(const struct session *session, char *word, const char *what,
		    uint64_t *handle)
{
	struct references references;
	bool good;

	if (!references_find(session, &word, 1, &references))
		return false;
	good = references.count == 1;
	if (good)
		*handle = references.list[0].handle;
	else
		complain("'%s' means %zu %s; give one", word, references.count,
			 what);
	references_free(&references);
	return good;
}

void references_free(struct references *references)
{
	size_t i;

	for (i = 0; i < references->count; i++)
		free(references->list[i].name);
	free(references->list);
	references->list = NULL;
	references->count = 0;
}
