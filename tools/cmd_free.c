// SPDX-License-Identifier: GPL-2.0
/*
 * Free allocations
 */
#include <errno.h>
#include <stdlib.h>

#include "cmd.h"
#include "command.h"
#include "complaint.h"
#include "explain.h"
#include "reference.h"

enum {
	KEY_BATCH = 0x1000,
};

struct options {
	char **words;
	size_t count;
	bool batch;
};

static const struct argp_option option_list[] = {
	{ "batch", KEY_BATCH, NULL, 0,
	  "Many in one system call instead of one in each", 0 },
	{ 0 }
};

static const char doc[] =
	"Free allocations. Only in \"memallocctl shell\": a handle is gone when "
	"the process that made it ends."
	"\v"
	"HANDLE is a name, or a pattern of names as the shells of Unix have "
	"them: \"free *\" frees all, \"free b.*[13579]\" every other one of "
	"those that \"b = alloc --count 100\" made. A number is taken as the "
	"handle itself.";

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct options *options = state->input;

	(void)arg;
	switch (key) {
	case KEY_BATCH:
		options->batch = true;
		return 0;
	case ARGP_KEY_ARGS:
		options->words = state->argv + state->next;
		options->count = (size_t)(state->argc - state->next);
		return 0;
	case ARGP_KEY_NO_ARGS:
		return args_error("which allocation?");
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp argp = {
	option_list, parse, "HANDLE...", doc, 0, 0, 0
};

static bool note_freed(struct session *session,
		       const struct reference *reference, int err)
{
	struct access access = {
		"free", reference->name, reference->handle, 0, 0
	};

	if (err) {
		explain_access(session, &access, err);
		return false;
	}
	names_remove(&session->names, reference->name, reference->handle);
	return true;
}

static bool free_each(struct session *session,
		      const struct references *references)
{
	bool good = true;
	size_t i;

	for (i = 0; i < references->count; i++)
		good = note_freed(session, &references->list[i],
				  device_free(&session->device,
					      references->list[i].handle)) &&
		       good;
	return good;
}

/* The first of those that are left, as many as go into one batch. */
static bool free_batch(struct session *session,
		       const struct reference *list, size_t count)
{
	static struct memalloc_batch_op ops[MEMALLOC_BATCH_MAX];
	static struct memalloc_free frees[MEMALLOC_BATCH_MAX];
	bool good = true;
	size_t done, i;
	int err;

	for (i = 0; i < count; i++) {
		frees[i].size = sizeof(frees[i]);
		frees[i].handle = list[i].handle;
		ops[i].cmd = MEMALLOC_FREE;
		ops[i].out_errno = 0;
		ops[i].arg = (uintptr_t)&frees[i];
	}
	err = device_batch(&session->device, ops, count, true, &done);
	for (i = 0; i < done; i++)
		good = note_freed(session, &list[i], -ops[i].out_errno) && good;
	if (err || done < count) {
		explain_command(session, "free all", err ? err : -EINTR);
		return false;
	}
	return good;
}

static bool free_batches(struct session *session,
			 const struct references *references)
{
	size_t first, count;
	bool good = true;

	for (first = 0; first < references->count; first += count) {
		count = references->count - first;
		if (count > MEMALLOC_BATCH_MAX)
			count = MEMALLOC_BATCH_MAX;
		good = free_batch(session, references->list + first, count) &&
		       good;
	}
	return good;
}

enum status cmd_free(struct session *session, int argc, char **argv)
{
	struct options options = { 0 };
	struct references references;
	enum args args = args_parse(&argp, argc, argv, 0, &options);
	bool good;

	if (args != ARGS_GOOD)
		return args_status(args);
	if (!session_open(session))
		return STATUS_FAILED;
	if (!references_find(session, options.words, options.count,
			     &references))
		return STATUS_FAILED;
	good = options.batch ? free_batches(session, &references) :
			       free_each(session, &references);
	references_free(&references);
	return good ? STATUS_OK : STATUS_FAILED;
}
