// SPDX-License-Identifier: GPL-2.0
/*
 * Free allocations
 *
 * A cache cannot be freed before its objects: those that are busy are tried
 * again when all else is freed.
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

/**
 * struct run - the allocations of one command
 * @session: the session
 * @list: which they are
 * @count: how many
 * @busy: those that have to wait for others
 * @nr_busy: how many
 */
struct run {
	struct session *session;
	const struct reference *list;
	size_t count;
	const struct reference **busy;
	size_t nr_busy;
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

static bool note_freed_or_busy(struct run *run, const struct reference *reference,
			       int err)
{
	if (err != -EBUSY)
		return note_freed(run->session, reference, err);
	run->busy[run->nr_busy++] = reference;
	return true;
}

static bool free_each(struct run *run)
{
	bool good = true;
	size_t i;
	int err;

	for (i = 0; i < run->count; i++) {
		err = device_free(&run->session->device, run->list[i].handle);
		good = note_freed_or_busy(run, &run->list[i], err) && good;
	}
	return good;
}

static bool free_busy(struct run *run)
{
	bool good = true;
	size_t i;
	int err;

	for (i = 0; i < run->nr_busy; i++) {
		err = device_free(&run->session->device, run->busy[i]->handle);
		good = note_freed(run->session, run->busy[i], err) && good;
	}
	return good;
}

/* From @first on, as many as go into one batch. */
static bool free_batch(struct run *run, size_t first, size_t count)
{
	const struct reference *list = run->list + first;
	struct session *session = run->session;
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
		good = note_freed_or_busy(run, &list[i], -ops[i].out_errno) &&
		       good;
	if (err || done < count) {
		explain_command(session, "free all", err ? err : -EINTR);
		return false;
	}
	return good;
}

static bool free_batches(struct run *run)
{
	size_t first, count;
	bool good = true;

	for (first = 0; first < run->count; first += count) {
		count = run->count - first;
		if (count > MEMALLOC_BATCH_MAX)
			count = MEMALLOC_BATCH_MAX;
		good = free_batch(run, first, count) && good;
	}
	return good;
}

static bool free_all(struct session *session,
		     const struct references *references, bool batch)
{
	struct run run = {
		.session = session,
		.list = references->list,
		.count = references->count,
	};
	bool good;

	run.busy = calloc(run.count, sizeof(*run.busy));
	if (!run.busy) {
		complain("out of memory");
		return false;
	}
	good = batch ? free_batches(&run) : free_each(&run);
	good = free_busy(&run) && good;
	free(run.busy);
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
	good = free_all(session, &references, options.batch);
	references_free(&references);
	return good ? STATUS_OK : STATUS_FAILED;
}
