// SPDX-License-Identifier: GPL-2.0
/*
 * State of one run of memallocctl: the device, and names of handles
 *
 * The C library's balanced tree stores the names, which scales to tens of
 * thousands. It is sorted by strverscmp(3): $2 comes before $10.
 *
 * handles_find() copies names and handles, as the command may remove the name
 * while it iterates over the handles.
 */
#include <ctype.h>
#include <errno.h>
#include <fnmatch.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "errors.h"
#include "parse.h"
#include "session.h"

static int compare_names(const void *a, const void *b)
{
	const struct named_handle *left = a, *right = b;

	return strverscmp(left->name, right->name);
}

static void free_entry(void *node)
{
	struct named_handle *entry = node;

	free(entry->name);
	free(entry);
}

static void names_destroy(struct names *names)
{
	tdestroy(names->tree, free_entry);
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

static struct named_handle *insert(struct names *names,
				   struct named_handle *entry)
{
	struct named_handle **node = tsearch(entry, &names->tree, compare_names);

	if (!node)
		errno = ENOMEM;
	else if (*node != entry)
		errno = EEXIST;
	else
		return entry;
	return NULL;
}

const struct named_handle *names_add(struct names *names, const char *name,
				     uint64_t handle)
{
	struct named_handle *entry = calloc(1, sizeof(*entry));
	int saved;

	if (!entry)
		return NULL;
	entry->handle = handle;
	entry->name = name_of(names, name);
	if (entry->name && insert(names, entry))
		return entry;
	saved = errno;
	free_entry(entry);
	errno = saved;
	return NULL;
}

const struct named_handle *names_find(const struct names *names, const char *name)
{
	struct named_handle key = { .name = (char *)name };
	struct named_handle **node = tfind(&key, &names->tree, compare_names);

	return node ? *node : NULL;
}

/**
 * struct search - state of a tree walk
 * @handle: handle to find
 * @found: its entry, or NULL
 */
struct search {
	uint64_t handle;
	struct named_handle *found;
};

static void search_one(const void *node, VISIT visit, void *data)
{
	struct named_handle *entry = *(struct named_handle *const *)node;
	struct search *search = data;

	if ((visit == postorder || visit == leaf) &&
	    entry->handle == search->handle)
		search->found = entry;
}

void names_remove(struct names *names, const char *likely, uint64_t handle)
{
	struct search search = { .handle = handle };

	search.found = (struct named_handle *)names_find(names, likely);
	if (!search.found || search.found->handle != handle) {
		search.found = NULL;
		twalk_r(names->tree, search_one, &search);
	}
	if (!search.found)
		return;
	tdelete(search.found, &names->tree, compare_names);
	free_entry(search.found);
}

/**
 * struct match - state of a tree walk
 * @pattern: pattern for the names
 * @found: entries that match, or NULL to count only
 * @count: number of matches
 */
struct match {
	const char *pattern;
	const struct named_handle **found;
	size_t count;
};

static void match_one(const void *node, VISIT visit, void *data)
{
	const struct named_handle *entry =
		*(const struct named_handle *const *)node;
	struct match *match = data;

	if (visit != postorder && visit != leaf)
		return;
	if (fnmatch(match->pattern, entry->name, 0))
		return;
	if (match->found)
		match->found[match->count] = entry;
	match->count++;
}

const struct named_handle **names_match(const struct names *names,
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

void session_init(struct session *session)
{
	memset(session, 0, sizeof(*session));
	session->device.fd = -1;
	session->device.path = DEVICE_PATH;
}

void session_destroy(struct session *session)
{
	device_close(&session->device);
	names_destroy(&session->names);
}

bool session_open(struct session *session)
{
	int err;

	if (session->device.fd >= 0)
		return true;
	err = device_open(&session->device, session->device.path);
	if (err)
		explain_open(session->device.path, err);
	return !err;
}

const struct named_handle *session_keep(struct session *session,
					const char *name, uint64_t handle)
{
	const struct named_handle *entry;

	entry = names_add(&session->names, name, handle);
	if (entry)
		return entry;
	if (errno == EEXIST) {
		complain("the name '%s' is taken", name);
		advise("Free that allocation first, or choose another name: "
		       "\"NAME = ...\".");
	} else {
		complain("out of memory");
	}
	memalloc_free(session->device.fd, handle);
	return NULL;
}

static bool append(struct handles *handles, const char *name,
		   uint64_t handle)
{
	struct named_handle *list;

	list = reallocarray(handles->list, handles->count + 1,
			    sizeof(*list));
	if (!list) {
		complain("out of memory");
		return false;
	}
	handles->list = list;
	list[handles->count].handle = handle;
	list[handles->count].name = strdup(name);
	if (!list[handles->count].name) {
		complain("out of memory");
		return false;
	}
	handles->count++;
	return true;
}

static bool find_number(const char *word, struct handles *handles)
{
	const char *wrong;
	uint64_t handle;

	wrong = number_parse(word, &handle);
	if (wrong) {
		complain("'%s' %s", word, wrong);
		advise("Give a name, $NUMBER, or a handle as a number.");
		return false;
	}
	return append(handles, word, handle);
}

static bool find_pattern(const struct session *session, const char *word,
			 struct handles *handles)
{
	const struct named_handle **found;
	bool good = true;
	size_t count, i;

	found = names_match(&session->names, word, &count);
	if (!found) {
		complain(count ? "out of memory" :
				 "no name matches '%s'", word);
		return false;
	}
	for (i = 0; good && i < count; i++)
		good = append(handles, found[i]->name, found[i]->handle);
	free(found);
	return good;
}

static bool find_name(const struct session *session, const char *word,
		      struct handles *handles)
{
	const struct named_handle *found = names_find(&session->names, word);

	if (!found && *word == '$')
		found = names_find(&session->names, word + 1);
	if (found)
		return append(handles, found->name, found->handle);
	complain("no allocation is named '%s'", word);
	advise("\"list\" shows all names.");
	return false;
}

static bool find_word(const struct session *session, const char *word,
		      struct handles *handles)
{
	if (strpbrk(word, "*?["))
		return find_pattern(session, word, handles);
	if (isdigit((unsigned char)*word) || *word == '-')
		return find_number(word, handles);
	return find_name(session, word, handles);
}

bool handles_find(const struct session *session, char **words, size_t count,
		  struct handles *handles)
{
	size_t i;

	handles->list = NULL;
	handles->count = 0;
	for (i = 0; i < count; i++) {
		if (!find_word(session, words[i], handles)) {
			handles_free(handles);
			return false;
		}
	}
	return true;
}

bool handle_find(const struct session *session, char *word, const char *what,
		 uint64_t *handle)
{
	struct handles handles;
	bool good;

	if (!handles_find(session, &word, 1, &handles))
		return false;
	good = handles.count == 1;
	if (good)
		*handle = handles.list[0].handle;
	else
		complain("'%s' matches %zu %s; give one", word, handles.count,
			 what);
	handles_free(&handles);
	return good;
}

void handles_free(struct handles *handles)
{
	size_t i;

	for (i = 0; i < handles->count; i++)
		free(handles->list[i].name);
	free(handles->list);
	handles->list = NULL;
	handles->count = 0;
}
